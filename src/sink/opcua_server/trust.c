/* Our certificate and those of clients, from the store of the IT side. See uas.h and pki/pki.h. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "os/clock.h"
#include "sink/opcua_server/uas.h"

struct uas_trust {
	struct pki	*pki;
	struct pki_own	 own;
	bool		 crl_optional;
	struct log_limit limit;
};

struct uas_trust *
uas_trust_new(const struct uas_cfg *cfg, char *why, size_t size)
{
	struct uas_trust *t = calloc(1, sizeof *t);
	struct pki_spec spec = { 0 };
	char uri[PKI_URI_MAX];
	size_t ndns = 0, nip = 0;

	if (t == NULL)
		fatal("out_of_memory", "what=\"opcua server\"");
	t->limit = (struct log_limit){ .burst = 10, .period_ms = 60000 };
	t->crl_optional = cfg->crl_optional;
	spec.uri = uri;
	spec.dns[ndns++] = pki_host();
	for (size_t i = 0; cfg->names[i] != NULL && ndns < PKI_NAMES_MAX - 1 && nip < PKI_NAMES_MAX - 1; i++) {
		bool ip = strspn(cfg->names[i], "0123456789.") == strlen(cfg->names[i]) || strchr(cfg->names[i], ':') != NULL;
		if (ip)
			spec.ip[nip++] = cfg->names[i];
		else if (strcmp(cfg->names[i], spec.dns[0]) != 0)
			spec.dns[ndns++] = cfg->names[i];
	}
	int err = pki_open(cfg->state, PKI_IT, NULL, &t->pki);
	if (err == 0)
		err = pki_uri(pki_host(), cfg->site, PKI_IT, uri);
	if (err == 0) {
		pki_set_actor(t->pki, cfg->sink);
		err = pki_own_ensure(t->pki, &spec, wall_now(), &t->own);
	}
	if (err == 0)
		return t;
	snprintf(why, size, "no certificate to show: %s", t->pki != NULL ? pki_why(t->pki) : "out of memory");
	uas_trust_free(t);
	return NULL;
}

void
uas_trust_free(struct uas_trust *t)
{
	if (t == NULL)
		return;
	pki_own_fini(&t->own);
	pki_close(t->pki);
	free(t);
}

const struct pki_own *
uas_trust_own(const struct uas_trust *t)
{
	return &t->own;
}

bool
uas_trust_renewed(struct uas_trust *t)
{
	struct pki_own new;

	if (pki_own_generation(t->pki) == t->own.generation)
		return false;
	if (pki_own_load(t->pki, &new) != 0) {
		log_error("opcua_certificate_unreadable", "why=\"%s\" note=\"the one before is shown on\"", pki_why(t->pki));
		t->own.generation = pki_own_generation(t->pki);	/* said once; the next change is looked at again */
		return false;
	}
	pki_own_fini(&t->own);
	t->own = new;
	return true;
}

static UA_StatusCode
judge(struct uas_trust *t, const UA_ByteString *cert)
{
	struct pki_verdict v;
	unsigned long more;
	struct pki_peer peer = { .chain = cert->data, .len = cert->length, .role = PKI_CLIENT, .from = "an OPC UA client",
	    .crl_optional = t->crl_optional, .ca_as_peer = true, .now = wall_now() };

	if (pki_verify(t->pki, &peer, &v) == 0)
		return UA_STATUSCODE_GOOD;
	if (log_limit_ok(&t->limit, mono_now(), &more))
		log_warn("opcua_client_refused", "status=%s subject=\"%s\" sha1=%s list=\"%s\" field=\"%s\" why=\"%s\" more=%lu", pki_status_name(v.status),
		    v.subject, v.sha1, v.list, v.field, v.text, more);
	/* What exactly was wrong is for our log; OPC 10000-4 1.05, 6.1.3 tells the client no more than this. */
	return UA_STATUSCODE_BADSECURITYCHECKSFAILED;
}

static UA_StatusCode
verify(const UA_CertificateVerification *cv, const UA_ByteString *cert)
{
	return judge(cv->context, cert);
}

/* Does the certificate name this URI (OPC 10000-6, 6.2.2: subjectAltName)? */
static bool
names_uri(const UA_ByteString *cert, const UA_String *uri)
{
	const unsigned char *p = cert->data;
	X509 *x = cert->length <= PKI_CHAIN_BYTES_MAX ? d2i_X509(NULL, &p, (long)cert->length) : NULL;
	GENERAL_NAMES *names = x != NULL ? X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL) : NULL;
	bool found = false;

	for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
		if (n->type != GEN_URI)
			continue;
		const ASN1_IA5STRING *s = n->d.uniformResourceIdentifier;
		found = found || ((size_t)ASN1_STRING_length(s) == uri->length && memcmp(ASN1_STRING_get0_data(s), uri->data, uri->length) == 0);
	}
	GENERAL_NAMES_free(names);
	X509_free(x);
	ERR_clear_error();
	return found;
}

/*
 * The ApplicationURI that a client claims must stand in its certificate; the library asks the same of ours when it starts. Whether the certificate
 * is trusted has been asked when the channel was opened, and a channel without security needs none.
 */
static UA_StatusCode
verify_uri(const UA_CertificateVerification *cv, const UA_ByteString *cert, const UA_String *uri)
{
	struct uas_trust *t = cv->context;
	unsigned long more;

	if (names_uri(cert, uri))
		return UA_STATUSCODE_GOOD;
	if (log_limit_ok(&t->limit, mono_now(), &more))
		log_warn("opcua_client_refused", "status=BadCertificateUriInvalid field=subjectAltName why=\"the ApplicationURI that the client claims, %.*s, "
		    "is not in its certificate\" more=%lu", (int)(uri->length < 200 ? uri->length : 200), (const char *)uri->data, more);
	return UA_STATUSCODE_BADCERTIFICATEURIINVALID;
}

static void
clear(UA_CertificateVerification *cv)
{
	cv->context = NULL;	/* the server's life owns it */
}

void
uas_trust_install(struct uas_trust *t, UA_CertificateVerification *cv)
{
	if (cv->clear != NULL)
		cv->clear(cv);
	cv->context = t;
	cv->verifyCertificate = verify;
	cv->verifyApplicationURI = verify_uri;
	cv->getExpirationDate = NULL;
	cv->getSubjectName = NULL;
	cv->clear = clear;
}
