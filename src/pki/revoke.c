/*
 * Revocation lists (OPC 10000-4 1.05, table 100, the last two steps; RFC 5280, 5). Each certificate that a CA signed needs a
 * list of that CA, in trusted/crl or issuers/crl: signed by it, begun and not yet over. A list that is over still tells
 * whom it revoked; what it cannot tell is whom else.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "pki/judge.h"

enum found { FOUND_NONE, FOUND_FOREIGN, FOUND_PARTIAL, FOUND_FUTURE, FOUND_OVER, FOUND_GOOD };

/* A list that covers a part only (issuingDistributionPoint), changes only (deltaCRLIndicator), or says what we do not know. */
static bool
is_partial(const X509_CRL *crl)
{
	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++)
		if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)))
			return true;
	return false;
}

static enum found
look_at(const struct judge *j, X509_CRL *crl, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	const ASN1_TIME *over = X509_CRL_get0_nextUpdate(crl);
	bool may = (X509_get_extension_flags(issuer) & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(issuer) & KU_CRL_SIGN) != 0;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0)
		return FOUND_NONE;
	bool by_it = may && key != NULL && X509_CRL_verify(crl, key) == 1;
	ERR_clear_error();
	if (!by_it)
		return FOUND_FOREIGN;
	if (is_partial(crl))
		return FOUND_PARTIAL;
	if (cert_time(X509_CRL_get0_lastUpdate(crl)).ns > j->peer->now.ns)
		return FOUND_FUTURE;
	return over != NULL && cert_time(over).ns < j->peer->now.ns ? FOUND_OVER : FOUND_GOOD;
}

static int
refuse_revoked(struct judge *j, size_t i, const struct pki_file *f, const X509_REVOKED *r)
{
	char when[WALL_TEXT];

	return judge_refuse(j, i == 0 ? PKI_BadCertificateRevoked : PKI_BadCertificateIssuerRevoked, j->chain.v[i], "serialNumber", f->path,
	    "its CA has revoked it at %s, in the list %s; %s", wall_format(cert_time(X509_REVOKED_get0_revocationDate(r)), 0, when), f->path,
	    i == 0 ? "find out why, and give the device a new certificate" : "what it signed is not to be believed any more: find out why, "
	    "and have new certificates signed");
}

static int
refuse_unknown(struct judge *j, size_t i, enum found best, const char *path)
{
	const char *side = pki_side_name(j->p->side);
	char ca[PKI_NAME_MAX], folder[PKI_PATH], hint[PKI_PATH + 80] = "";

	if (path[0] == '\0')
		judge_unusable(&j->crls, hint, sizeof hint);
	cert_name(X509_get_subject_name(j->chain.v[i + 1]), ca);
	pki_path(j->p, folder, pki_files_find(&j->trusted, j->chain.v[i + 1]) != NULL ? "trusted/crl" : "issuers/crl");
	static const char *const what[] = {
		[FOUND_NONE] = "there is no revocation list of its CA",
		[FOUND_FOREIGN] = "the revocation list in the name of its CA is not signed by it (or the CA may not sign lists)",
		[FOUND_PARTIAL] = "the revocation list covers a part only (it has a critical extension), which is not used",
		[FOUND_FUTURE] = "the revocation list is from the future (thisUpdate): check the clocks of this machine and of the CA",
		[FOUND_OVER] = "the revocation list of its CA is out of date (nextUpdate)",
	};
	return judge_refuse(j, i == 0 ? PKI_BadCertificateRevocationUnknown : PKI_BadCertificateIssuerRevocationUnknown, j->chain.v[i],
	    best == FOUND_OVER ? "nextUpdate" : best == FOUND_FUTURE ? "thisUpdate" : "", path[0] != '\0' ? path : folder,
	    "%s, \"%s\"%s%s%s, so nobody knows whether it is revoked; get the present list from whoever runs the CA, then: penstock cert import "
	    "FILE.crl --side %s (it goes to %s)", what[best], ca, path[0] != '\0' ? ": " : "", path, hint, side, folder);
}

static int
judge_one(struct judge *j, size_t i)
{
	X509 *x = j->chain.v[i], *issuer = j->chain.v[i + 1];
	enum found best = FOUND_NONE;
	const char *path = "";

	for (size_t k = 0; k < j->crls.n; k++) {
		X509_CRL *crl = j->crls.v[k].crl;
		X509_REVOKED *r = NULL;
		enum found f = crl == NULL ? FOUND_NONE : look_at(j, crl, issuer);
		if ((f == FOUND_GOOD || f == FOUND_OVER || f == FOUND_FUTURE) && X509_CRL_get0_by_cert(crl, &r, x) == 1)
			return refuse_revoked(j, i, &j->crls.v[k], r);
		if (f > best) {
			best = f;
			path = j->crls.v[k].path;
		}
	}
	return best == FOUND_GOOD || j->peer->crl_optional ? 0 : refuse_unknown(j, i, best, path);
}

int
judge_revocation(struct judge *j)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i + 1 < j->chain.n; i++)
		err = judge_one(j, i);
	return err;
}
