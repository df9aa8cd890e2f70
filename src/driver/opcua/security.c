/*
 * Certificates of a connection: ours, from the store, and the server's, judged by the store. The library asks for a judgement at each OpenSecureChannel, so a
 * certificate that is withdrawn while a connection stands ends it with the next renewal of its keys.
 */
#include <stdio.h>
#include <string.h>

#include <open62541/plugin/securitypolicy_default.h>

#include "driver/opcua/conn.h"
#include "os/clock.h"

static struct pki *
store(struct ua_thread *t, char *why, size_t size)
{
	struct ua_conn *c = t->agent.conn;
	const char *state = t->conf.pki != NULL ? t->conf.pki : c->home;

	if (c->pki != NULL)
		return c->pki;
	if (state[0] == '\0') {
		snprintf(why, size, "certificates: there is no state folder that holds them; name one with the key `pki`");
		return NULL;
	}
	if (pki_open(state, PKI_OT, NULL, &c->pki) != 0) {
		snprintf(why, size, "certificates: %s", c->pki != NULL ? pki_why(c->pki) : "out of memory");
		pki_close(c->pki);
		c->pki = NULL;
	}
	return c->pki;
}

int
ua_security_own(struct ua_thread *t, char *why, size_t size)
{
	struct ua_conn *c = t->agent.conn;
	struct pki *p = store(t, why, size);
	char uri[PKI_URI_MAX];

	if (p == NULL)
		return ERR_DENIED;
	if (c->own.cert != NULL && c->own.generation == pki_own_generation(p))
		return 0;
	pki_own_fini(&c->own);
	memset(&c->own, 0, sizeof c->own);
	struct pki_spec spec = { .uri = uri, .dns = { pki_host() } };
	int err = pki_uri(pki_host(), c->site[0] != '\0' ? c->site : "site", PKI_OT, uri);
	if (err == 0)
		err = pki_own_ensure(p, &spec, wall_now(), &c->own);
	if (err != 0)
		snprintf(why, size, "our own certificate: %s", pki_why(p));
	return err;
}

UA_ByteString
ua_leaf(UA_ByteString chain)
{
	/* DER of a certificate: SEQUENCE with a length of two bytes. Anything else is left whole and will be refused. */
	if (chain.length > 4 && chain.data[0] == 0x30 && chain.data[1] == 0x82) {
		size_t len = 4u + ((size_t)chain.data[2] << 8 | chain.data[3]);
		if (len < chain.length)
			chain.length = len;
	}
	return chain;
}

bool
ua_security_judge(struct ua_open *o, const UA_ByteString *certificate)
{
	struct ua_thread *t = o->t;
	struct ua_conn *c = t->agent.conn;
	const struct ua_server *s = &c->servers[o->server];
	char uri[PKI_URI_MAX], why[UA_TEXT_MAX];
	const UA_String *stated = &o->choice.endpoint.server.applicationUri;
	struct pki *p = store(t, why, sizeof why);

	o->judged = true;
	if (p == NULL) {
		o->verdict = (struct pki_verdict){ .err = ERR_DENIED };
		snprintf(o->verdict.text, sizeof o->verdict.text, "%s", why);
		return false;
	}
	snprintf(uri, sizeof uri, "%.*s", (int)(stated->length < sizeof uri ? stated->length : sizeof uri - 1), (const char *)stated->data);
	struct pki_peer peer = { .chain = certificate->data, .len = certificate->length, .role = PKI_SERVER, .from = s->url,
		.host = t->conf.host_check ? s->host : NULL, .uri = uri,
		.policy = o->choice.policy < UA_POLICY_NONE ? ua_policy_uri(o->choice.policy) : NULL,
		.crl_optional = t->conf.crl_optional, .ca_as_peer = t->conf.ca_as_peer, .now = wall_now() };
	return pki_verify(p, &peer, &o->verdict) == 0;
}

static UA_StatusCode
on_certificate(const UA_CertificateVerification *cv, const UA_ByteString *certificate)
{
	struct ua_open *o = cv->context;

	if (certificate->length == 0 || o->choice.policy == UA_POLICY_NONE)
		return UA_STATUSCODE_GOOD;	/* a channel without security proves nothing either way */
	return ua_security_judge(o, certificate) ? UA_STATUSCODE_GOOD : UA_STATUSCODE_BADCERTIFICATEUNTRUSTED;
}

/* Asked of our own certificate only; the store keeps the two together. */
static UA_StatusCode
on_uri(const UA_CertificateVerification *cv, const UA_ByteString *certificate, const UA_String *uri)
{
	(void)cv;
	(void)certificate;
	(void)uri;
	return UA_STATUSCODE_GOOD;
}

static UA_StatusCode
make_policy(enum ua_policy p, UA_SecurityPolicy *out, UA_ByteString cert, UA_ByteString key, const UA_Logger *log)
{
	switch (p) {
	case UA_POLICY_PSS:
		return UA_SecurityPolicy_Aes256Sha256RsaPss(out, cert, key, log);
	case UA_POLICY_B256SHA:
		return UA_SecurityPolicy_Basic256Sha256(out, cert, key, log);
	case UA_POLICY_AES128:
		return UA_SecurityPolicy_Aes128Sha256RsaOaep(out, cert, key, log);
	default:
		return UA_SecurityPolicy_None(out, UA_BYTESTRING_NULL, log);
	}
}

int
ua_security_policy(struct ua_open *o, enum ua_policy p, UA_ByteString cert, UA_ByteString key, UA_SecurityPolicy **v, size_t *n)
{
	UA_SecurityPolicy *more = UA_realloc(*v, (*n + 1) * sizeof **v);

	if (more == NULL) {
		ua_open_fail(o, "out of memory");
		return ERR_NOMEM;
	}
	*v = more;
	memset(&more[*n], 0, sizeof more[*n]);
	UA_StatusCode s = make_policy(p, &more[*n], cert, key, &o->logger);
	if (s != UA_STATUSCODE_GOOD) {
		ua_open_fail(o, "security policy %s cannot be set up with the certificate and key given (%s): %s", ua_policy_name(p),
		    UA_StatusCode_name(s), o->said);
		return ERR_DENIED;
	}
	++*n;
	return 0;
}

int
ua_security_config(struct ua_open *o, UA_ClientConfig *cc, enum ua_policy p)
{
	struct ua_conn *c = o->t->agent.conn;
	UA_ByteString cert = { c->own.cert_len, c->own.cert }, key = { c->own.key_len, c->own.key };

	cc->certificateVerification = (UA_CertificateVerification){ .context = o, .verifyCertificate = on_certificate,
		.verifyApplicationURI = on_uri, .logging = &o->logger };
	return ua_security_policy(o, p, cert, key, &cc->securityPolicies, &cc->securityPoliciesSize);
}
