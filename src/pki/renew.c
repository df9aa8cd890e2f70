/*
 * Renewal in two steps, since a peer that trusts us by thumbprint refuses a new certificate until its operator has said
 * yes: first the next pair is made and shown around (staged), then it is put in force (activated), and the previous one is
 * kept for the way back. Running processes notice by pki_own_generation() and use the new pair at their next connect; no
 * connection is ended, so no sample is lost.
 */
#include <openssl/evp.h>
#include <stdio.h>

#include "os/clock.h"
#include "pki/make.h"

int
pki_check_nothing_waits(struct pki *p)
{
	static const char *const waiting[] = { "own/next.cert.der", "own/next.csr.pem" };
	char path[PKI_PATH];

	for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
		pki_path(p, path, waiting[i]);
		if (pki_exists(p, path))
			return pki_fail(p, ERR_EXISTS, "one waits already: %s; %s, or give it up with penstock cert renew --cancel --side %s", path,
			    i == 0 ? "put it in force with penstock cert renew --activate" : "import what the CA signed with penstock cert import",
			    pki_side_name(p->side));
	}
	return 0;
}

static void
note_pair(struct pki *p, const char *action, const char *cert_rel, struct wall now)
{
	struct pki_pair pair;
	char subject[PKI_NAME_MAX], sha1[PKI_SHA1_TEXT], until[WALL_TEXT], detail[80];

	if (pki_pair_load(p, cert_rel, &pair) != 0)
		return;
	cert_name(X509_get_subject_name(pair.cert), subject);
	cert_sha1(pair.cert, sha1);
	snprintf(detail, sizeof detail, "until=%s", wall_format(cert_time(X509_get0_notAfter(pair.cert)), 0, until));
	pki_note(p, action, subject, sha1, detail, now);
	pki_pair_free(&pair);
}

static int
stage_locked(struct pki *p, unsigned days, struct wall now)
{
	struct pki_pair pair = { 0 };
	struct pki_shape shape = { 0 };
	EVP_PKEY *key = NULL;
	X509 *x = NULL;

	int err = pki_swap_finish(p);
	if (err == 0)
		err = pki_check_nothing_waits(p);
	if (err == 0)
		err = pki_pair_load(p, "own/cert.der", &pair);
	if (err == 0 && !cert_is_self_signed(pair.cert))
		err = pki_fail(p, ERR_TYPE, "a CA has signed the present certificate, so it must sign the next one too: penstock cert new --csr "
		    "--side %s makes the request", pki_side_name(p->side));
	if (err == 0)
		err = shape_from_cert(p, pair.cert, days, &shape);
	if (err == 0 && ((key = pki_make_key(shape.bits)) == NULL || (x = shape_certificate(&shape, key, now)) == NULL))
		err = pki_fail(p, ERR_NOMEM, "out of memory, or no random numbers, while making a key");
	if (err == 0)
		err = pki_next_write(p, key, x);
	if (err == 0)
		note_pair(p, "staged", "own/next.cert.der", now);
	X509_free(x);
	EVP_PKEY_free(key);
	shape_fini(&shape);
	pki_pair_free(&pair);
	return err;
}

int
pki_renew_stage(struct pki *p, unsigned days, struct wall now)
{
	int err = pki_lock(p, PKI_LOCK_MS);

	if (err == 0)
		err = stage_locked(p, days, now);
	pki_unlock(p);
	return err;
}

static void
remove_own(struct pki *p, const char *rel)
{
	char path[PKI_PATH];

	pki_path(p, path, rel);
	p->disk->unlink(p->disk->ctx, path);
}

static int
activate_locked(struct pki *p)
{
	char next[PKI_PATH];

	pki_path(p, next, "own/next.cert.der");
	if (!pki_exists(p, next))
		return pki_fail(p, ERR_NOTFOUND, "nothing is staged: there is no %s; make it with penstock cert renew --stage --side %s", next,
		    pki_side_name(p->side));
	int err = pki_swap(p, "next", pki_own_generation(p) != 0 ? "previous" : NULL);
	if (err != 0)
		return err;
	remove_own(p, "own/next.csr.pem");
	note_pair(p, "activated", "own/cert.der", wall_now());
	return 0;
}

int
pki_renew_activate(struct pki *p)
{
	int err = pki_lock(p, PKI_LOCK_MS);

	if (err == 0)
		err = activate_locked(p);
	pki_unlock(p);
	return err;
}

static int
back_locked(struct pki *p, struct wall now)
{
	struct pki_pair pair = { 0 };
	char until[WALL_TEXT];

	int err = pki_swap_finish(p);
	if (err == 0)
		err = pki_check_nothing_waits(p);
	if (err == 0)
		err = pki_pair_load(p, "own/previous.cert.der", &pair);
	if (err == ERR_NOTFOUND)
		pki_fail(p, err, "there is no previous certificate in %s/own to go back to", p->dir);
	if (err == 0 && cert_time(X509_get0_notAfter(pair.cert)).ns < now.ns)
		err = pki_fail(p, ERR_DENIED, "the previous certificate has ended at %s, and peers would refuse it",
		    wall_format(cert_time(X509_get0_notAfter(pair.cert)), 0, until));
	pki_pair_free(&pair);
	if (err == 0)
		err = pki_swap(p, "previous", "next");
	if (err == 0)
		note_pair(p, "went-back", "own/cert.der", now);
	return err;
}

int
pki_renew_back(struct pki *p, struct wall now)
{
	int err = pki_lock(p, PKI_LOCK_MS);

	if (err == 0)
		err = back_locked(p, now);
	pki_unlock(p);
	return err;
}

int
pki_renew_cancel(struct pki *p)
{
	static const char *const files[] = { "own/next.cert.der", "own/next.csr.pem", "own/next.key.pem" };
	char path[PKI_PATH];
	bool any = false;

	int err = pki_lock(p, PKI_LOCK_MS);
	if (err == 0)
		err = pki_own_generation(p) != 0 ? pki_swap_finish(p) : 0;	/* next.key.pem may be the key in force */
	for (size_t i = 0; err == 0 && i < sizeof files / sizeof files[0]; i++) {
		pki_path(p, path, files[i]);
		any |= pki_exists(p, path);
		remove_own(p, files[i]);
	}
	if (err == 0 && !any)
		err = pki_fail(p, ERR_NOTFOUND, "nothing is staged in %s/own", p->dir);
	else if (err == 0)
		pki_note(p, "cancelled", "", "", "place=own/next", wall_now());
	pki_unlock(p);
	return err;
}

enum pki_due
pki_renew_due(struct pki *p, unsigned before_days, unsigned overlap_days, struct wall now)
{
	struct pki_pair own, next;
	enum pki_due due = PKI_DUE_NOTHING;

	if (pki_pair_load(p, "own/cert.der", &own) != 0)
		return PKI_DUE_NOTHING;
	bool staged = pki_pair_load(p, "own/next.cert.der", &next) == 0;
	int32_t left = cert_days_left(cert_time(X509_get0_notAfter(own.cert)), now);
	if (staged && left < (int32_t)overlap_days && cert_time(X509_get0_notBefore(next.cert)).ns <= now.ns)
		due = PKI_DUE_ACTIVATE;
	else if (!staged && left < (int32_t)before_days)
		due = cert_is_self_signed(own.cert) ? PKI_DUE_STAGE : PKI_DUE_PERSON;
	pki_pair_free(&own);
	pki_pair_free(&next);
	return due;
}

int
pki_renew_auto(struct pki *p, unsigned before_days, unsigned overlap_days, struct wall now, enum pki_due *did)
{
	*did = pki_renew_due(p, before_days, overlap_days, now);
	switch (*did) {
	case PKI_DUE_STAGE:
		return pki_renew_stage(p, 0, now);
	case PKI_DUE_ACTIVATE:
		return pki_renew_activate(p);
	case PKI_DUE_PERSON: {
		int err = pki_own_request(p, NULL);
		return err == ERR_EXISTS ? 0 : err;	/* it waits for its CA */
	}
	default:
		return 0;
	}
}
