/*
 * Who may connect: policies, modes, certificates, users. Without --trust any client certificate is taken, without
 * --user-trust there are no users with certificates.
 */
#include <open62541/plugin/accesscontrol_default.h>
#include <open62541/plugin/log_stdout.h>
#include <open62541/plugin/pki_default.h>
#include <open62541/server_config_default.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { SESSIONS_MAX = 1024, FILE_MAX = 1 << 20 };

static struct {
	UA_NodeId	id[SESSIONS_MAX];
	int		n;
	UA_StatusCode	(*activate)(UA_Server *, UA_AccessControl *, const UA_EndpointDescription *, const UA_ByteString *,
			    const UA_NodeId *, const UA_ExtensionObject *, void **);
	void		(*close)(UA_Server *, UA_AccessControl *, const UA_NodeId *, void *);
} sessions;

/* A whole file; kept until the process ends. */
static UA_ByteString
slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	UA_Byte *bytes = malloc(FILE_MAX);
	size_t n = f != NULL && bytes != NULL ? fread(bytes, 1, FILE_MAX, f) : 0;

	if (n == 0) {
		fprintf(stderr, "ua_server: cannot read %s\n", path);
		exit(2);
	}
	fclose(f);
	return (UA_ByteString){ n, bytes };
}

static void
set_lists(UA_CertificateVerification *pki, const struct list *trust, const struct list *issuers, const struct list *crls)
{
	UA_ByteString t[LIST_MAX], i[LIST_MAX], c[LIST_MAX];

	for (int k = 0; k < trust->n; k++)
		t[k] = slurp(trust->item[k]);
	for (int k = 0; k < issuers->n; k++)
		i[k] = slurp(issuers->item[k]);
	for (int k = 0; k < crls->n; k++)
		c[k] = slurp(crls->item[k]);
	must(UA_CertificateVerification_Trustlist(pki, t, (size_t)trust->n, i, (size_t)issuers->n, c, (size_t)crls->n),
	    "the trust list");
}

static void
add_policy(UA_ServerConfig *config, const char *name, const UA_ByteString *cert, const UA_ByteString *key)
{
	static const struct {
		const char *name;
		UA_StatusCode (*add)(UA_ServerConfig *, const UA_ByteString *, const UA_ByteString *);
	} known[] = {
		{ "Basic128Rsa15", UA_ServerConfig_addSecurityPolicyBasic128Rsa15 },
		{ "Basic256", UA_ServerConfig_addSecurityPolicyBasic256 },
		{ "Basic256Sha256", UA_ServerConfig_addSecurityPolicyBasic256Sha256 },
		{ "Aes128_Sha256_RsaOaep", UA_ServerConfig_addSecurityPolicyAes128Sha256RsaOaep },
		{ "Aes256_Sha256_RsaPss", UA_ServerConfig_addSecurityPolicyAes256Sha256RsaPss },
	};

	if (strcmp(name, "None") == 0) {
		must(UA_ServerConfig_addSecurityPolicyNone(config, cert), name);
		return;
	}
	if (opt.cert == NULL || opt.key == NULL) {
		fprintf(stderr, "ua_server: policy %s needs --cert and --key\n", name);
		exit(2);
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0) {
			must(known[i].add(config, cert, key), name);
			return;
		}
	fprintf(stderr, "ua_server: there is no policy %s\n", name);
	exit(2);
}

static bool
offers_none(const UA_ServerConfig *config)
{
	for (size_t i = 0; i < config->securityPoliciesSize; i++)
		if (UA_String_equal(&config->securityPolicies[i].policyUri, &UA_SECURITY_POLICY_NONE_URI))
			return true;
	return false;
}

static void
add_endpoints(UA_ServerConfig *config)
{
	for (size_t i = 0; i < config->securityPoliciesSize; i++) {
		UA_String uri = config->securityPolicies[i].policyUri;
		bool none = UA_String_equal(&uri, &UA_SECURITY_POLICY_NONE_URI);
		if (none)
			must(UA_ServerConfig_addEndpoint(config, uri, UA_MESSAGESECURITYMODE_NONE), "an endpoint");
		if (!none && !opt.no_sign)
			must(UA_ServerConfig_addEndpoint(config, uri, UA_MESSAGESECURITYMODE_SIGN), "an endpoint");
		if (!none && !opt.no_encrypt)
			must(UA_ServerConfig_addEndpoint(config, uri, UA_MESSAGESECURITYMODE_SIGNANDENCRYPT), "an endpoint");
	}
}

/* open62541 tells nobody which sessions there are; these two listen in where it asks about each. */
static UA_StatusCode
activate(UA_Server *server, UA_AccessControl *ac, const UA_EndpointDescription *e, const UA_ByteString *certificate,
    const UA_NodeId *id, const UA_ExtensionObject *token, void **context)
{
	UA_StatusCode status = sessions.activate(server, ac, e, certificate, id, token, context);

	for (int i = 0; i < sessions.n; i++)
		if (UA_NodeId_equal(&sessions.id[i], id))
			return status;
	if (status == UA_STATUSCODE_GOOD && sessions.n < SESSIONS_MAX)
		UA_NodeId_copy(id, &sessions.id[sessions.n++]);
	return status;
}

static void
closed(UA_Server *server, UA_AccessControl *ac, const UA_NodeId *id, void *context)
{
	for (int i = 0; i < sessions.n; i++)
		if (UA_NodeId_equal(&sessions.id[i], id)) {
			UA_NodeId_clear(&sessions.id[i]);
			sessions.id[i] = sessions.id[--sessions.n];
			break;
		}
	sessions.close(server, ac, id, context);
}

int
security_close_sessions(void)
{
	int n = sessions.n;

	for (int i = n - 1; i >= 0; i--) {
		UA_NodeId id;		/* the call below ends in closed(), which clears the list's own */
		UA_NodeId_copy(&sessions.id[i], &id);
		UA_Server_closeSession(plant.server, &id);
		UA_NodeId_clear(&id);
	}
	return n;
}

static void
add_users(UA_ServerConfig *config)
{
	UA_UsernamePasswordLogin logins[LIST_MAX];

	for (int i = 0; i < opt.users.n; i++) {
		const char *colon = strchr(opt.users.item[i], ':');
		if (colon == NULL) {
			fprintf(stderr, "ua_server: --user wants NAME:PASSWORD\n");
			exit(2);
		}
		logins[i].username = (UA_String){ (size_t)(colon - opt.users.item[i]), (UA_Byte *)(uintptr_t)opt.users.item[i] };
		logins[i].password = UA_STRING((char *)(uintptr_t)colon + 1);
	}
	must(UA_AccessControl_default(config, !opt.no_anonymous, NULL, (size_t)opt.users.n, logins), "the users");
	sessions.activate = config->accessControl.activateSession;
	sessions.close = config->accessControl.closeSession;
	config->accessControl.activateSession = activate;
	config->accessControl.closeSession = closed;
}

void
security_configure(UA_ServerConfig *config)
{
	UA_ByteString cert = UA_BYTESTRING_NULL, key = UA_BYTESTRING_NULL;

	if (opt.cert != NULL)
		cert = slurp(opt.cert);
	if (opt.key != NULL)
		key = slurp(opt.key);
	if (opt.trust.n > 0)
		set_lists(&config->secureChannelPKI, &opt.trust, &opt.issuers, &opt.crls);
	else
		UA_CertificateVerification_AcceptAll(&config->secureChannelPKI);
	if (config->sessionPKI.clear != NULL)
		config->sessionPKI.clear(&config->sessionPKI);
	config->sessionPKI = (UA_CertificateVerification){ .logging = config->logging };
	if (opt.user_trust.n > 0)
		set_lists(&config->sessionPKI, &opt.user_trust, &opt.user_issuers, &opt.user_crls);

	if (opt.policies.n == 0)
		add_policy(config, "None", opt.cert != NULL ? &cert : NULL, NULL);
	for (int i = 0; i < opt.policies.n; i++)
		add_policy(config, opt.policies.item[i], opt.cert != NULL ? &cert : NULL, &key);
	config->allowNonePolicyPassword = opt.plain_passwords;
	add_users(config);
	/* Without it certificate users are not offered; yet CreateSession calls it for any client with a certificate. */
	if (opt.user_trust.n == 0)
		UA_CertificateVerification_AcceptAll(&config->sessionPKI);
	add_endpoints(config);
	/* Last, so that it has no endpoint: GetEndpoints goes over a channel without security (Part 4, 5.5.4.1). */
	if (!offers_none(config) && !opt.no_discovery) {
		add_policy(config, "None", opt.cert != NULL ? &cert : NULL, NULL);
		config->securityPolicyNoneDiscoveryOnly = true;
	}
}
