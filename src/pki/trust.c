/*
 * Decisions of a person by thumbprint: what was rejected becomes trusted, what was trusted becomes rejected. A certificate is
 * first written where it goes and then removed where it was: a power cut between leaves it in both, and a refusal or a
 * trust that a person has given is never lost.
 */
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "pki/inside.h"
#include "pki/list.h"

int
pki_put_list(struct pki *p, enum pki_place place, X509 *x)
{
	char stem[PKI_STEM], rel[PKI_STEM + 32], path[PKI_PATH];
	uint8_t *der;
	size_t n = cert_der(x, &der);

	pki_stem(x, stem);
	snprintf(rel, sizeof rel, "%s/%s.der", pki_place_name(place), stem);
	pki_path(p, path, rel);
	int err = n == 0 ? ERR_NOMEM : pki_write(p, path, der, n, false);
	OPENSSL_free(der);
	if (err == 0)
		return 0;
	return pki_fail(p, err, "%s cannot be written: %s; run as the user of the service, or as root", path, err_text(err));
}

static bool
matches(X509 *x, const struct pki_print *print)
{
	char sha1[PKI_SHA1_TEXT], sha256[PKI_SHA256_TEXT];

	cert_sha1(x, sha1);
	cert_sha256(x, sha256);
	return strncmp(sha1, print->hex, print->len) == 0 || strncmp(sha256, print->hex, print->len) == 0;
}

/* The one certificate that fits. ERR_NOTFOUND without a text, ERR_RANGE with one. */
static int
find(struct pki *p, const struct pki_files *f, const struct pki_print *print, struct pki_file **out)
{
	char a[PKI_SHA1_TEXT], b[PKI_SHA1_TEXT];

	*out = NULL;
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].cert == NULL || !matches(f->v[i].cert, print))
			continue;
		if (*out != NULL && !cert_same((*out)->cert, f->v[i].cert)) {
			cert_sha1((*out)->cert, a);
			cert_sha1(f->v[i].cert, b);
			return pki_fail(p, ERR_RANGE, "'%s' fits several: %s, %s; give more digits", print->hex, a, b);
		}
		if (*out == NULL)
			*out = &f->v[i];
	}
	return *out == NULL ? ERR_NOTFOUND : 0;
}

static void
note(struct pki *p, const char *action, X509 *x, const char *detail, struct wall now)
{
	char subject[PKI_NAME_MAX], sha1[PKI_SHA1_TEXT];

	cert_name(X509_get_subject_name(x), subject);
	cert_sha1(x, sha1);
	pki_note(p, action, subject, sha1, detail, now);
}

struct lists { struct pki_files rejected, issuers, trusted; };

static void
lists_free(struct lists *l)
{
	pki_files_free(&l->rejected);
	pki_files_free(&l->issuers);
	pki_files_free(&l->trusted);
}

static int
lists_load(struct pki *p, struct lists *l)
{
	int err = pki_files_load(p, PKI_REJECTED, &l->rejected);

	if (err == 0)
		err = pki_files_load(p, PKI_ISSUERS, &l->issuers);
	if (err == 0)
		err = pki_files_load(p, PKI_TRUSTED, &l->trusted);
	return err == 0 ? 0 : pki_fail(p, err, "the lists in %s cannot be read: %s", p->dir, err_text(err));
}

/* Remove each file of a list that is this certificate alone. */
static int
remove_from(struct pki *p, const struct pki_files *f, const X509 *x, bool rejected)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].cert == NULL || !cert_same(f->v[i].cert, x))
			continue;
		if (!f->v[i].alone)
			return pki_fail(p, ERR_TYPE, "%s holds several certificates, so it is not removed for one of them; split it, or remove it by hand",
			    f->v[i].path);
		if (rejected)
			pki_drop_rejected(p, f->v[i].path);
		else {
			int err = p->disk->unlink(p->disk->ctx, f->v[i].path);
			if (err == 0)
				err = disk_sync_parent(p->disk, f->v[i].path);
			if (err != 0)
				return pki_fail(p, err, "%s cannot be removed: %s", f->v[i].path, err_text(err));
		}
	}
	return 0;
}

/* What a peer showed as its issuers lies in rejected/ too: without them its chain has no end. */
static int
trust_issuers(struct pki *p, const struct lists *l, X509 *x, struct wall now)
{
	const struct pki_pool pool = { .lists = { &l->trusted, &l->issuers, &l->rejected }, .now = now };
	struct pki_chain c = { .v = { x }, .n = 1 };
	int err = 0;

	X509_up_ref(x);
	chain_build(&c, &pool);
	for (size_t i = 1; err == 0 && i < c.n; i++) {
		if (pki_files_find(&l->rejected, c.v[i]) == NULL || pki_files_find(&l->trusted, c.v[i]) != NULL ||
		    pki_files_find(&l->issuers, c.v[i]) != NULL)
			continue;
		if ((err = pki_put_list(p, PKI_ISSUERS, c.v[i])) == 0 && (err = remove_from(p, &l->rejected, c.v[i], true)) == 0)
			note(p, "known-as-issuer", c.v[i], "place=issuers/certs", now);
	}
	chain_free(&c);
	return err;
}

static int
trust_locked(struct pki *p, const struct pki_print *print, struct wall now, struct pki_item *out)
{
	struct lists l = { 0 };
	struct pki_file *f = NULL, *there = NULL;

	int err = lists_load(p, &l);
	if (err == 0 && (err = find(p, &l.rejected, print, &f)) == ERR_NOTFOUND)
		err = find(p, &l.issuers, print, &f);
	if (err == ERR_NOTFOUND && find(p, &l.trusted, print, &there) == 0)
		err = pki_fail(p, ERR_EXISTS, "it is trusted already: %s", there->path);
	else if (err == ERR_NOTFOUND)
		pki_fail(p, err, "no certificate in %s/rejected has the thumbprint %s...; penstock cert list --side %s shows what there is, and a "
		    "device's appears there once it was refused", p->dir, print->hex, pki_side_name(p->side));
	if (err == 0 && (err = pki_put_list(p, PKI_TRUSTED, f->cert)) == 0) {
		note(p, "trusted", f->cert, "place=trusted/certs", now);
		err = remove_from(p, &l.rejected, f->cert, true);
	}
	if (err == 0)
		err = trust_issuers(p, &l, f->cert, now);
	if (err == 0 && out != NULL)
		item_fill(out, PKI_TRUSTED, f, now);
	lists_free(&l);
	return err;
}

int
pki_trust(struct pki *p, const struct pki_print *print, struct wall now, struct pki_item *out)
{
	int err = pki_lock(p, PKI_LOCK_MS);

	if (err == 0)
		err = trust_locked(p, print, now, out);
	pki_unlock(p);
	return err;
}

static int
reject_locked(struct pki *p, const struct pki_print *print, struct wall now, struct pki_item *out)
{
	struct lists l = { 0 };
	struct pki_file *f = NULL;
	char why[120];

	int err = lists_load(p, &l);
	if (err == 0 && (err = find(p, &l.trusted, print, &f)) == ERR_NOTFOUND)
		err = find(p, &l.issuers, print, &f);
	if (err == ERR_NOTFOUND)
		pki_fail(p, err, "no certificate in %s/trusted/certs or issuers/certs has the thumbprint %s...; penstock cert list --side %s shows "
		    "what there is", p->dir, print->hex, pki_side_name(p->side));
	snprintf(why, sizeof why, "trust was withdrawn by %s", p->actor);
	if (err == 0 && (err = pki_put_rejected(p, f->cert, p->actor, PKI_BadCertificateUntrusted, why, now)) == 0 &&
	    (err = remove_from(p, &l.trusted, f->cert, false)) == 0 && (err = remove_from(p, &l.issuers, f->cert, false)) == 0)
		note(p, "rejected", f->cert, "place=rejected", now);
	if (err == 0 && out != NULL)
		item_fill(out, PKI_REJECTED, f, now);
	lists_free(&l);
	return err;
}

int
pki_reject(struct pki *p, const struct pki_print *print, struct wall now, struct pki_item *out)
{
	int err = pki_lock(p, PKI_LOCK_MS);

	if (err == 0)
		err = reject_locked(p, print, now, out);
	pki_unlock(p);
	return err;
}

static int
forget_locked(struct pki *p, const char *sha256, const char *detail, struct wall now)
{
	struct pki_files trusted = { 0 };
	struct pki_print print = { .len = strlen(sha256) };
	struct pki_file *f = NULL;

	snprintf(print.hex, sizeof print.hex, "%s", sha256);
	int err = pki_files_load(p, PKI_TRUSTED, &trusted);
	if (err == 0)
		err = find(p, &trusted, &print, &f);
	if (err == 0 && (err = remove_from(p, &trusted, f->cert, false)) == 0)
		note(p, "retired", f->cert, detail, now);
	pki_files_free(&trusted);
	return err;
}

int
pki_forget(struct pki *p, const char *sha256, const char *detail, struct wall now)
{
	int err = pki_lock(p, PKI_LOCK_MS);

	if (err == 0)
		err = forget_locked(p, sha256, detail, now);
	pki_unlock(p);
	return err;
}
