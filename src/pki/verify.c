/*
 * Judging a peer: the steps of OPC 10000-4 1.05, 6.1.3, table 100, one function each and in the table's order. They say what
 * is wrong in words and codes that people and peers know; OpenSSL's path validation comes last and may only refuse more.
 */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "pki/judge.h"

#define KEY_BITS_MAX	8192

const char *
pki_status_name(enum pki_status status)
{
	switch (status) {
	case PKI_Good: return "Good";
#define X(name, code) case PKI_##name: return #name;
	PKI_STATUS_LIST(X)
#undef X
	default: return "Bad";
	}
}

int
judge_refuse(struct judge *j, enum pki_status status, X509 *at, const char *field, const char *list, const char *fmt, ...)
{
	struct pki_verdict *v = j->v;
	char from[200];
	va_list ap;

	v->err = ERR_DENIED;
	v->status = status;
	snprintf(v->field, sizeof v->field, "%s", field);
	snprintf(v->list, sizeof v->list, "%s", list);
	snprintf(from, sizeof from, "%s", j->peer->from != NULL ? j->peer->from : "a peer");
	cert_clean(from);
	if (at != NULL) {
		cert_name(X509_get_subject_name(at), v->subject);
		cert_sha1(at, v->sha1);
	}
	bool issuer = at != NULL && j->chain.n > 0 && at != j->chain.v[0];
	int n = snprintf(v->text, sizeof v->text, "certificate of %s refused (%s): %s%s%s%s%s%s", from, pki_status_name(status),
	    issuer ? "issuer " : "", at != NULL ? "\"" : "", v->subject, at != NULL ? "\" [" : "", v->sha1, at != NULL ? "]: " : "");
	va_start(ap, fmt);
	if (n > 0 && (size_t)n < sizeof v->text)
		vsnprintf(v->text + n, sizeof v->text - (size_t)n, fmt, ap);
	va_end(ap);
	return ERR_DENIED;
}

void
judge_unusable(const struct pki_files *f, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].err != 0) {
			snprintf(out, size, " (%s cannot be used: %s)", f->v[i].path, err_text(f->v[i].err));
			return;
		}
}

static int
judge_structure(struct judge *j)
{
	int err = chain_parse(j->peer->chain, j->peer->len, &j->sent);

	if (err == ERR_NOTFOUND)
		return judge_refuse(j, PKI_BadCertificateInvalid, NULL, "", "", "it sent none; the device has no certificate, or security is off "
		    "there: switch it on and let it make one");
	if (err == ERR_LIMIT)
		return judge_refuse(j, PKI_BadCertificateInvalid, NULL, "", "", "it sent a chain of more than %u certificates or %u bytes", PKI_CHAIN_MAX,
		    PKI_CHAIN_BYTES_MAX);
	if (err != 0)
		return judge_refuse(j, PKI_BadCertificateInvalid, NULL, "", "", "it is no X.509 certificate in DER (%zu bytes were sent); the device's "
		    "certificate file is damaged or of another kind: make it a new one", j->peer->len);
	j->chain = (struct pki_chain){ .v = { j->sent.v[0] }, .n = 1 };
	X509_up_ref(j->sent.v[0]);
	j->v->not_after = cert_time(X509_get0_notAfter(j->sent.v[0]));
	for (size_t i = 0; i < j->sent.n; i++) {
		EVP_PKEY *key = X509_get0_pubkey(j->sent.v[i]);
		if (key == NULL || EVP_PKEY_get_bits(key) > KEY_BITS_MAX)
			return judge_refuse(j, PKI_BadCertificateInvalid, j->sent.v[i], "subjectPublicKeyInfo", "", "its public key cannot be used "
			    "(%d bits, %d at most)", key == NULL ? 0 : EVP_PKEY_get_bits(key), KEY_BITS_MAX);
	}
	if (X509_get_version(j->sent.v[0]) != X509_VERSION_3)
		return judge_refuse(j, PKI_BadCertificateInvalid, j->sent.v[0], "version", "", "it is of version %ld, where OPC UA asks for 3; make "
		    "the device a new certificate", X509_get_version(j->sent.v[0]) + 1);
	return 0;
}

/* Build the chain, and check signatures on the way: both steps of the table. */
static int
judge_chain(struct judge *j)
{
	const struct pki_pool pool = { .lists = { &j->trusted, &j->issuers }, .sent = &j->sent, .now = j->peer->now };
	char issuer[PKI_NAME_MAX], folder[PKI_PATH];

	int end = chain_build(&j->chain, &pool);
	X509 *last = j->chain.v[j->chain.n - 1];
	cert_name(X509_get_issuer_name(last), issuer);
	pki_path(j->p, folder, "issuers/certs");
	switch (end) {
	case CHAIN_NO_ISSUER:
		return judge_refuse(j, PKI_BadCertificateChainIncomplete, last, "issuer", folder, "its issuer, \"%s\", is not known here and was not "
		    "sent; get the CA's certificate and believe all that it signs: penstock cert trust FILE --side %s, or let it only complete the "
		    "chain: penstock cert import FILE --side %s", issuer, pki_side_name(j->p->side), pki_side_name(j->p->side));
	case CHAIN_BAD_SIGNATURE:
		return judge_refuse(j, PKI_BadCertificateInvalid, last, "signatureValue", "", "its signature is not by \"%s\" whom it names as its "
		    "issuer; it was damaged or forged, or that CA has a new key: get the CA's present certificate", issuer);
	case CHAIN_TOO_LONG:
		return judge_refuse(j, PKI_BadCertificateChainIncomplete, last, "issuer", "", "its chain has more than %u certificates; that is not "
		    "followed to its end", PKI_CHAIN_MAX);
	default:
		return 0;
	}
}

/* A trusted certificate with the same subject: most likely the device's former one. */
static const struct pki_file *
namesake(const struct judge *j)
{
	for (size_t i = 0; i < j->trusted.n; i++) {
		X509 *x = j->trusted.v[i].cert;
		if (x != NULL && X509_NAME_cmp(X509_get_subject_name(x), X509_get_subject_name(j->chain.v[0])) == 0)
			return &j->trusted.v[i];
	}
	return NULL;
}

static int
judge_trust(struct judge *j)
{
	const char *side = pki_side_name(j->p->side);
	char folder[PKI_PATH], sha1[PKI_SHA1_TEXT], root[PKI_SHA1_TEXT], name[PKI_NAME_MAX], hint[PKI_PATH + 80];

	j->self_trusted = j->peer->introduced || pki_files_find(&j->trusted, j->chain.v[0]) != NULL;
	if (j->peer->introduced)
		return 0;
	for (size_t i = 0; i < j->chain.n; i++)
		if (pki_files_find(&j->trusted, j->chain.v[i]) != NULL)
			return 0;
	const struct pki_file *former = namesake(j);
	judge_unusable(&j->trusted, hint, sizeof hint);
	pki_path(j->p, folder, "trusted/certs");
	cert_sha1(j->chain.v[0], sha1);
	if (former != NULL) {
		cert_sha1(former->cert, root);
		snprintf(hint, sizeof hint, " (one of the same name, [%s], is trusted: the device may have renewed its own)", root);
	} else if (j->trusted.n == 0)
		snprintf(hint, sizeof hint, " (the list is empty, which trusts nobody)");
	if (j->chain.n == 1)
		return judge_refuse(j, PKI_BadCertificateUntrusted, j->chain.v[0], "", folder, "it is self-signed and not in %s%s; if the device itself "
		    "shows this thumbprint, trust it: penstock cert trust %s --side %s", folder, hint, sha1, side);
	cert_sha1(j->chain.v[j->chain.n - 1], root);
	cert_name(X509_get_subject_name(j->chain.v[j->chain.n - 1]), name);
	return judge_refuse(j, PKI_BadCertificateUntrusted, j->chain.v[0], "", folder, "neither it nor a CA above it is in %s%s; trust it alone: "
	    "penstock cert trust %s --side %s, or its CA \"%s\" and with it all that the CA signs: penstock cert trust %s --side %s", folder, hint,
	    sha1, side, name, root, side);
}

static int
judge_time(struct judge *j)
{
	char limit[WALL_TEXT], now[WALL_TEXT];

	wall_format(j->peer->now, 0, now);
	for (size_t i = 0; i < j->chain.n; i++) {
		X509 *x = j->chain.v[i];
		struct wall from = cert_time(X509_get0_notBefore(x)), to = cert_time(X509_get0_notAfter(x));
		enum pki_status status = i == 0 ? PKI_BadCertificateTimeInvalid : PKI_BadCertificateIssuerTimeInvalid;
		if (j->peer->now.ns < from.ns)
			return judge_refuse(j, status, x, "notBefore", "", "it begins at %s, and this machine's clock says %s; check both clocks (NTP) "
			    "first: a device that starts without the time makes certificates of a wrong one", wall_format(from, 0, limit), now);
		if (j->peer->now.ns > to.ns)
			return judge_refuse(j, status, x, "notAfter", "", "it ended at %s, and this machine's clock says %s; %s, or check the clock "
			    "if that is wrong", wall_format(to, 0, limit), now, i == 0 ? "renew the certificate in the device and trust the new one" :
			    "get the CA's new certificate");
	}
	return 0;
}

/* OpenSSL's path validation over the very chain that was found, its end as the only anchor. */
static int
judge_openssl(struct judge *j)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *between = sk_X509_new_null();
	int err = ERR_NOMEM;

	bool ok = store != NULL && ctx != NULL && between != NULL && X509_STORE_add_cert(store, j->chain.v[j->chain.n - 1]) == 1;
	for (size_t i = 1; ok && i + 1 < j->chain.n; i++)
		ok = sk_X509_push(between, j->chain.v[i]) > 0;
	if (ok && X509_STORE_CTX_init(ctx, store, j->chain.v[0], between) == 1) {
		X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
		/* The times were judged: RFC 5280, 4.1.2.5 counts the last second in, OpenSSL does not. */
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
		X509_VERIFY_PARAM_set_depth(param, (int)PKI_CHAIN_MAX);
		err = 0;
		if (X509_verify_cert(ctx) != 1) {
			X509 *at = X509_STORE_CTX_get_current_cert(ctx);
			err = judge_refuse(j, PKI_BadSecurityChecksFailed, at != NULL ? at : j->chain.v[0], "", "", "OpenSSL's path validation says: "
			    "%s; the certificate must be made anew without what it complains of",
			    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
		}
	}
	ERR_clear_error();
	sk_X509_free(between);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return err;
}

static int
load_lists(struct judge *j)
{
	int err = pki_files_share(j->p, PKI_TRUSTED, &j->trusted);

	if (err == 0)
		err = pki_files_share(j->p, PKI_ISSUERS, &j->issuers);
	if (err == 0)
		err = pki_files_share(j->p, PKI_TRUSTED_CRL, &j->crls);
	if (err == 0)
		err = pki_files_share(j->p, PKI_ISSUERS_CRL, &j->crls);
	return err;
}

/* Who was refused for lack of trust waits for a person's decision, with the issuers that it showed. */
static void
keep(struct judge *j)
{
	char why[200], sha1[PKI_SHA1_TEXT];

	if ((j->v->status != PKI_BadCertificateUntrusted && j->v->status != PKI_BadCertificateChainIncomplete) || j->sent.n == 0)
		return;
	pki_keep_rejected(j->p, j->sent.v[0], j->peer->from, j->v->status, j->v->text, j->peer->now);
	cert_sha1(j->sent.v[0], sha1);
	snprintf(why, sizeof why, "sent as an issuer of [%s]", sha1);
	for (size_t i = 1; i < j->sent.n; i++)
		if (pki_files_find(&j->issuers, j->sent.v[i]) == NULL && pki_files_find(&j->trusted, j->sent.v[i]) == NULL)
			pki_keep_rejected(j->p, j->sent.v[i], j->peer->from, j->v->status, why, j->peer->now);
}

int
pki_verify(struct pki *p, const struct pki_peer *peer, struct pki_verdict *v)
{
	static int (*const steps[])(struct judge *) = { judge_structure, load_lists, judge_chain, judge_policy, judge_trust, judge_time,
		judge_host, judge_uri, judge_usage, judge_revocation, judge_openssl };
	struct judge j = { .p = p, .peer = peer, .v = v };
	int err = 0;

	*v = (struct pki_verdict){ 0 };
	for (size_t i = 0; err == 0 && i < sizeof steps / sizeof steps[0]; i++)
		err = steps[i](&j);
	if (err != 0 && err != ERR_DENIED) {
		judge_refuse(&j, PKI_BadSecurityChecksFailed, NULL, "", p->dir, "it could not be judged, since the lists in %s cannot be read: %s",
		    p->dir, err_text(err));
		v->err = err;
	}
	if (err == ERR_DENIED && v->status == PKI_Good) {	/* a list that may not be read refuses in its own words */
		judge_refuse(&j, PKI_BadSecurityChecksFailed, NULL, "", p->dir, "it could not be judged, since the lists in %s may not be read by "
		    "this user; run as the user of the service", p->dir);
	}
	keep(&j);
	if (err != 0)
		pki_fail(p, err, "%s", v->text);
	chain_free(&j.sent);
	chain_free(&j.chain);
	pki_files_free(&j.trusted);
	pki_files_free(&j.issuers);
	pki_files_free(&j.crls);
	return v->err;
}
