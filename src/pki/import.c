/*
 * What a person brings in a file. First everything is read and given its place; only if all of it has one is anything
 * written, so that half a file never takes effect.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "pki/list.h"

struct import {
	struct pki		*p;
	struct wall		 now;
	enum pki_place		 certs_to;
	struct pki_files	 brought, trusted, issuers, crls, rejected;
	EVP_PKEY		*waiting;	/* own/next.key.pem, NULL */
	struct pki_pair		 own;		/* zero: none */
	struct pki_file		*ours;		/* of brought; NULL */
};

static bool
has_key(X509 *x, EVP_PKEY *key)
{
	EVP_PKEY *its = X509_get0_pubkey(x);
	bool yes = its != NULL && key != NULL && EVP_PKEY_eq(its, key) == 1;

	ERR_clear_error();
	return yes;
}

static int
load(struct import *m)
{
	struct pki *p = m->p;
	int err = pki_files_load(p, PKI_TRUSTED, &m->trusted);

	if (err == 0)
		err = pki_files_load(p, PKI_ISSUERS, &m->issuers);
	if (err == 0)
		err = pki_files_load(p, PKI_TRUSTED_CRL, &m->crls);
	if (err == 0)
		err = pki_files_load(p, PKI_ISSUERS_CRL, &m->crls);
	if (err == 0)
		err = pki_files_load(p, PKI_REJECTED, &m->rejected);
	if (err != 0)
		return pki_fail(p, err, "the lists in %s cannot be read: %s", p->dir, err_text(err));
	if (pki_own_generation(p) != 0 && ((err = pki_swap_finish(p)) != 0 || (err = pki_pair_load(p, "own/cert.der", &m->own)) != 0))
		return err;
	err = pki_key_load(p, "own/next.key.pem", &m->waiting);
	return err == ERR_NOTFOUND ? 0 : err;
}

/* The CA whose list it is, among what is known and what comes with it. */
static X509 *
ca_of(const struct pki_files *f, X509_CRL *crl)
{
	X509 *found = NULL;

	for (size_t i = 0; found == NULL && i < f->n; i++) {
		X509 *x = f->v[i].cert;
		EVP_PKEY *key = x == NULL ? NULL : X509_get0_pubkey(x);
		if (key != NULL && X509_NAME_cmp(X509_get_subject_name(x), X509_CRL_get_issuer(crl)) == 0 && X509_CRL_verify(crl, key) == 1)
			found = x;
	}
	ERR_clear_error();
	return found;
}

static X509 *
place_crl(const struct import *m, X509_CRL *crl, enum pki_place *to)
{
	X509 *ca = ca_of(&m->trusted, crl);

	*to = PKI_TRUSTED_CRL;
	if (ca != NULL)
		return ca;
	*to = PKI_ISSUERS_CRL;
	if ((ca = ca_of(&m->issuers, crl)) != NULL)
		return ca;
	*to = m->certs_to == PKI_TRUSTED ? PKI_TRUSTED_CRL : PKI_ISSUERS_CRL;
	return ca_of(&m->brought, crl);
}

/* A list that is older than what we have would bring revoked certificates back. */
static int
check_crl(const struct import *m, X509_CRL *crl)
{
	char name[PKI_NAME_MAX], here[WALL_TEXT], there[WALL_TEXT];
	enum pki_place to;
	struct wall begin = cert_time(X509_CRL_get0_lastUpdate(crl));

	cert_name(X509_CRL_get_issuer(crl), name);
	X509 *ca = place_crl(m, crl, &to);
	if (ca == NULL)
		return pki_fail(m->p, ERR_NOTFOUND, "the revocation list of \"%s\" is not by any CA that is known here; bring the CA's certificate first: "
		    "penstock cert trust FILE, or penstock cert import FILE", name);
	for (size_t i = 0; i < m->crls.n; i++) {
		X509_CRL *c = m->crls.v[i].crl;
		if (c == NULL || X509_NAME_cmp(X509_CRL_get_issuer(c), X509_CRL_get_issuer(crl)) != 0 ||
		    X509_CRL_verify(c, X509_get0_pubkey(ca)) != 1)
			continue;
		struct wall had = cert_time(X509_CRL_get0_lastUpdate(c));
		if (had.ns > begin.ns)
			return pki_fail(m->p, ERR_RANGE, "the revocation list of \"%s\" is of %s, and %s has one of %s; get the newest, or remove that "
			    "file if you really want an older one", name, wall_format(begin, 0, here), m->crls.v[i].path, wall_format(had, 0, there));
	}
	ERR_clear_error();
	return 0;
}

static int
check_own(struct import *m, struct pki_file *f)
{
	char uri[PKI_URI_MAX], until[WALL_TEXT], was[PKI_URI_MAX];
	struct wall end = cert_time(X509_get0_notAfter(f->cert));

	if (cert_uri(f->cert, 0, uri) != 0)
		return pki_fail(m->p, ERR_TYPE, "the CA has left the ApplicationURI out of the certificate (subjectAltName), so peers would refuse it; "
		    "have it sign the request with its extensions (openssl x509 -req -copy_extensions copy)");
	if (end.ns < m->now.ns)
		return pki_fail(m->p, ERR_RANGE, "the certificate that the CA signed has ended at %s; have a new one signed",
		    wall_format(end, 0, until));
	if (m->own.cert != NULL && cert_uri(m->own.cert, 0, was) == 0) {
		/* Peers are configured by it, and the server shows it; another one is another application. */
		bool same = false;
		for (int i = 0, err; !same && (err = cert_uri(f->cert, i, uri)) != ERR_END; i++)
			same = err == 0 && strcmp(uri, was) == 0;
		if (!same) {
			cert_clean(was);
			return pki_fail(m->p, ERR_TYPE, "the certificate is not for the ApplicationURI %s that the present one has; peers would take it "
			    "for another application: have the request signed as it is", was);
		}
	}
	m->ours = f;
	return 0;
}

static int
check(struct import *m)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < m->brought.n; i++) {
		struct pki_file *f = &m->brought.v[i];
		if (f->err == ERR_LIMIT)
			err = pki_fail(m->p, f->err, "the file is larger than %u bytes", PKI_FILE_MAX);
		else if (f->err != 0)
			err = pki_fail(m->p, ERR_SYNTAX, "this is neither a certificate nor a revocation list, in DER or PEM (a private key does not belong "
			    "here, PKCS#7 and PKCS#12 must be converted with openssl first)");
		else if (f->crl != NULL)
			err = check_crl(m, f->crl);
		else if (has_key(f->cert, m->waiting) || (has_key(f->cert, m->own.key) && !cert_same(f->cert, m->own.cert)))
			err = check_own(m, f);
	}
	return err;
}

static int
store_own(struct import *m)
{
	char subject[PKI_NAME_MAX], sha1[PKI_SHA1_TEXT];
	bool first = m->own.cert == NULL;
	EVP_PKEY *key = has_key(m->ours->cert, m->waiting) ? m->waiting : m->own.key;

	int err = pki_next_write(m->p, key, m->ours->cert);
	if (err == 0 && first)
		err = pki_swap(m->p, "next", NULL);
	if (err != 0)
		return err;
	char csr[PKI_PATH];
	pki_path(m->p, csr, "own/next.csr.pem");
	m->p->disk->unlink(m->p->disk->ctx, csr);
	cert_name(X509_get_subject_name(m->ours->cert), subject);
	cert_sha1(m->ours->cert, sha1);
	pki_note(m->p, "imported", subject, sha1, first ? "place=own" : "place=own/next", m->now);
	return 0;
}

static int
store_crl(struct import *m, X509_CRL *crl)
{
	char stem[PKI_STEM], rel[PKI_STEM + 32], path[PKI_PATH], name[PKI_NAME_MAX], detail[64];
	enum pki_place to;
	X509 *ca = place_crl(m, crl, &to);
	uint8_t *der = NULL;

	if (ca == NULL)
		return ERR_NOTFOUND;
	pki_stem(ca, stem);
	snprintf(rel, sizeof rel, "%s/%s.crl", pki_place_name(to), stem);
	pki_path(m->p, path, rel);
	int n = i2d_X509_CRL(crl, &der);
	int err = n <= 0 ? ERR_NOMEM : pki_write(m->p, path, der, (size_t)n, false);
	OPENSSL_free(der);
	if (err != 0)
		return pki_fail(m->p, err, "%s cannot be written: %s; run as the user of the service, or as root", path, err_text(err));
	cert_name(X509_CRL_get_issuer(crl), name);
	snprintf(detail, sizeof detail, "place=%s", pki_place_name(to));
	pki_note(m->p, "imported-revocation-list", name, "", detail, m->now);
	return 0;
}

static int
store_cert(struct import *m, X509 *x)
{
	char subject[PKI_NAME_MAX], sha1[PKI_SHA1_TEXT], detail[64];
	const struct pki_file *waits = pki_files_find(&m->rejected, x);

	int err = pki_put_list(m->p, m->certs_to, x);
	if (err != 0)
		return err;
	if (waits != NULL && waits->alone)
		pki_drop_rejected(m->p, waits->path);
	cert_name(X509_get_subject_name(x), subject);
	cert_sha1(x, sha1);
	snprintf(detail, sizeof detail, "place=%s", pki_place_name(m->certs_to));
	pki_note(m->p, m->certs_to == PKI_TRUSTED ? "trusted" : "known-as-issuer", subject, sha1, detail, m->now);
	return 0;
}

static int
store(struct import *m, struct pki_imported *out)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < m->brought.n; i++) {
		struct pki_file *f = &m->brought.v[i];
		if (f->cert == NULL || f == m->ours || (m->own.cert != NULL && cert_same(f->cert, m->own.cert)))
			continue;
		err = store_cert(m, f->cert);
		out->certs++;
	}
	for (size_t i = 0; err == 0 && i < m->brought.n; i++)
		if (m->brought.v[i].crl != NULL) {
			err = store_crl(m, m->brought.v[i].crl);
			out->crls++;
		}
	if (err == 0 && m->ours != NULL) {
		err = store_own(m);
		out->own = err == 0;
		out->staged = err == 0 && m->own.cert != NULL;
	}
	return err;
}

int
pki_import(struct pki *p, const void *bytes, size_t len, enum pki_as as, struct wall now, struct pki_imported *out)
{
	struct import m = { .p = p, .now = now, .certs_to = as == PKI_AS_TRUSTED ? PKI_TRUSTED : PKI_ISSUERS };

	*out = (struct pki_imported){ 0 };
	int err = pki_files_parse(&m.brought, "(the file)", bytes, len);
	if (err == 0)
		err = pki_lock(p, PKI_LOCK_MS);
	if (err == 0)
		err = load(&m);
	if (err == 0)
		err = check(&m);
	if (err == 0)
		err = store(&m, out);
	pki_unlock(p);
	EVP_PKEY_free(m.waiting);
	pki_pair_free(&m.own);
	pki_files_free(&m.brought);
	pki_files_free(&m.trusted);
	pki_files_free(&m.issuers);
	pki_files_free(&m.crls);
	pki_files_free(&m.rejected);
	return err;
}
