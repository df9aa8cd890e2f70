/* Connects: without security, or signed and encrypted by the policy that the options name; anonymous or as a user. */
#include <open62541/client_config_default.h>
#include <open62541/plugin/log_stdout.h>
#include <open62541/plugin/pki_default.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bare.h"

enum { TIMEOUT_MS = 30000 };

static UA_ByteString
slurp(const char *path)
{
	static UA_Byte room[2][65536];
	static int used;
	FILE *f = path != NULL && used < 2 ? fopen(path, "rb") : NULL;
	UA_ByteString bytes = { f != NULL ? fread(room[used], 1, sizeof(room[used]), f) : 0, room[used] };

	if (bytes.length == 0)
		must(UA_STATUSCODE_BADNOTFOUND, path != NULL ? path : "--cert and --key");
	used++;
	fclose(f);
	return bytes;
}

static void
secure(UA_ClientConfig *config)
{
	char uri[100];
	UA_ByteString cert = slurp(opt.cert), key = slurp(opt.key);

	must(UA_ClientConfig_setDefaultEncryption(config, cert, key, NULL, 0, NULL, 0), "certificate and key");
	UA_CertificateVerification_AcceptAll(&config->certificateVerification);
	snprintf(uri, sizeof(uri), "http://opcfoundation.org/UA/SecurityPolicy#%s", opt.policy);
	config->securityPolicyUri = UA_STRING_ALLOC(uri);
	config->securityMode = UA_MESSAGESECURITYMODE_SIGNANDENCRYPT;
}

static void
log_in(UA_ClientConfig *config)
{
	char *name = strdup(opt.user), *colon = strchr(name, ':');

	if (colon != NULL)
		*colon++ = '\0';
	must(UA_ClientConfig_setAuthenticationUsername(config, name, colon != NULL ? colon : ""), "the user");
	free(name);
}

UA_Client *
connected(void)
{
	UA_ClientConfig config;

	memset(&config, 0, sizeof(config));
	config.logging = UA_Log_Stdout_new(UA_LOGLEVEL_ERROR);
	if (opt.policy != NULL)
		secure(&config);
	else
		must(UA_ClientConfig_setDefault(&config), "the configuration");
	if (opt.uri != NULL) {
		UA_String_clear(&config.clientDescription.applicationUri);
		config.clientDescription.applicationUri = UA_STRING_ALLOC(opt.uri);
	}
	if (opt.user != NULL)
		log_in(&config);
	config.timeout = TIMEOUT_MS;
	UA_Client *client = UA_Client_newWithConfig(&config);
	must(UA_Client_connect(client, opt.url), opt.url);
	return client;
}
