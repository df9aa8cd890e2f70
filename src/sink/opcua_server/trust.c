/* Our certificate and those of clients, from the store of the IT side. See uas.h and pki/pki.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "os/clock.h"
#include "sink/opcua_server/uas.h"

struct uas_trust {
	struct pki	*pki;
	struct pki_own	 own;
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
	return pki_own_generation(t->pki) != t->own.generation;
}

static bool
is_ours(const struct uas_trust *t, const UA_ByteString *cert)
{
	return (cert->length == t->own.cert_len && memcmp(cert->data, t->own.cert, cert->length) == 0) ||
	    (cert->length == t->own.chain_len && memcmp(cert->data, t->own.chain, cert->length) == 0);
}

static UA_StatusCode
judge(struct uas_trust *t, const UA_ByteString *cert, const char *uri)
{
	struct pki_verdict v;
	unsigned long more;
	struct pki_peer peer = { .chain = cert->data, .len = cert->length, .role = PKI_CLIENT, .from = "an OPC UA client", .uri = uri,
	    .crl_optional = true, .ca_as_peer = true, .now = wall_now() };

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
	return judge(cv->context, cert, NULL);
}

/* The ApplicationURI that a client claims must stand in its certificate. The library asks the same of ours when it starts. */
static UA_StatusCode
verify_uri(const UA_CertificateVerification *cv, const UA_ByteString *cert, const UA_String *uri)
{
	struct uas_trust *t = cv->context;
	char text[PKI_URI_MAX];

	if (uri->length >= sizeof text)
		return UA_STATUSCODE_BADCERTIFICATEURIINVALID;
	if (uri->length != 0)
		memcpy(text, uri->data, uri->length);
	text[uri->length] = '\0';
	if (is_ours(t, cert))
		return strcmp(text, t->own.uri) == 0 ? UA_STATUSCODE_GOOD : UA_STATUSCODE_BADCERTIFICATEURIINVALID;
	return judge(t, cert, text) == UA_STATUSCODE_GOOD ? UA_STATUSCODE_GOOD : UA_STATUSCODE_BADCERTIFICATEURIINVALID;
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
