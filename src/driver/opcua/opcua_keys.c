/* See opcua_keys.h. */
#include "driver/opcua/opcua_keys.h"

#include "driver/opcua/ua.h"

#define MS	(double)NS_PER_MS
#define SECOND	(double)NS_PER_S

/* In the order of enum ua_policy. */
static const char *const policies[] = { "aes256-sha256-rsapss", "basic256sha256", "aes128-sha256-rsaoaep", "none", NULL };
static const char *const modes[] = { "sign-and-encrypt", "sign", NULL };
static const char *const data_modes[] = { "subscribe", "read", NULL };
static const char *const off[] = { "off", "none", NULL };

const struct key ua_keys[] = {
	[UA_KEY_SECURITY] = { .name = "security", .type = KEY_CHOICES, .choices = policies, .help =
	    "Security policies that may be used; the strongest of them that the server offers is taken. Without this key all but "
	    "none. none means that anybody on the network can read and change what is said: only where the server knows nothing "
	    "better." },
	[UA_KEY_MODE] = { .name = "mode", .type = KEY_CHOICES, .choices = modes, .help =
	    "Message modes that may be used: sign-and-encrypt is preferred, sign leaves the content readable. Without this key "
	    "both." },
	[UA_KEY_PKI] = { .name = "pki", .type = KEY_PATH, .writes_below = "pki/ot", .help =
	    "State folder whose pki/ot holds the certificates. Without this key the folder that Penstock runs with." },
	[UA_KEY_SERVER_URI] = { .name = "server-uri", .type = KEY_TEXT, .min = 1, .max = 255, .help =
	    "ApplicationUri that the server must have; without this key the one that it states." },
	[UA_KEY_CRL_OPTIONAL] = { .name = "crl-optional", .type = KEY_BOOL, .def = "no", .help =
	    "Trust a certificate signed by a CA although the CA's revocation list is missing or old." },
	[UA_KEY_CA_AS_PEER] = { .name = "ca-as-peer", .type = KEY_BOOL, .def = "no", .help =
	    "Accept a trusted self-signed certificate that calls itself a CA, as some devices have." },
	[UA_KEY_HOST_CHECK] = { .name = "host-check", .type = KEY_BOOL, .def = "yes", .help =
	    "The host of the endpoint must stand in the server's certificate. Say no where devices have moved to other addresses "
	    "and their certificates cannot be made anew; the certificate itself must be trusted all the same." },
	[UA_KEY_RENEW_CHANNEL] = { .name = "channel-lifetime", .type = KEY_DURATION, .min = 10 * SECOND, .max = 86400 * SECOND,
	    .def = "1 h", .help = "How long keys of the channel are asked for; they are renewed after three quarters of it." },
	[UA_KEY_USER] = { .name = "user", .type = KEY_TEXT, .min = 1, .max = 255, .help =
	    "User name for the session; without user and user-certificate the session is anonymous." },
	[UA_KEY_PASSWORD] = { .name = "password", .type = KEY_SECRET, .help = "File that holds the user's password." },
	[UA_KEY_USER_CERTIFICATE] = { .name = "user-certificate", .type = KEY_PATH, .help =
	    "X.509 certificate (DER or PEM) of the user, instead of a name." },
	[UA_KEY_USER_KEY] = { .name = "user-key", .type = KEY_SECRET, .help =
	    "File with the private key of user-certificate (PEM or DER, not encrypted)." },
	[UA_KEY_SESSION_NAME] = { .name = "session-name", .type = KEY_TEXT, .min = 1, .max = 128, .help =
	    "Name that the server's diagnostics show; without this key \"Penstock\" and the source's name." },
	[UA_KEY_SESSION_TIMEOUT] = { .name = "session-timeout", .type = KEY_DURATION, .min = 5 * SECOND, .max = 3600 * SECOND,
	    .def = "2 min", .help = "How long the server keeps a session that says nothing; asked for, it may decide otherwise." },
	[UA_KEY_LOCALES] = { .name = "locales", .type = KEY_LIST, .help =
	    "Languages of localized texts in order of preference, such as [de-DE, en]." },
	[UA_KEY_TIMEOUT] = { .name = "timeout", .type = KEY_DURATION, .min = 100 * MS, .max = 120 * SECOND, .def = "10 s", .help =
	    "How long a service call may take, and how long each step of connecting." },
	[UA_KEY_WATCH] = { .name = "watch", .type = KEY_DURATION, .min = 200 * MS, .max = 300 * SECOND, .def = "5 s", .help =
	    "How often the server's state and service level are read; without an answer within `timeout` the session is given up." },
	[UA_KEY_CLOCK_WARN] = { .name = "clock-warn", .type = KEY_DURATION, .min = 100 * MS, .max = 86400 * SECOND, .def = "10 s",
	    .help = "A server's clock that is further off than this is warned of. Times are never altered." },
	[UA_KEY_ALSO] = { .name = "also", .type = KEY_LIST, .help =
	    "Further endpoints of a redundant set of servers with the same content; the best by its service level is used." },
	[UA_KEY_RETRY_MAX] = { .name = "retry-max", .type = KEY_DURATION, .min = 1 * SECOND, .max = 600 * SECOND, .def = "60 s",
	    .help = "Longest pause between attempts to connect; they begin at 1 s and double." },
	[UA_KEY_MEMORY] = { .name = "memory", .type = KEY_SIZE, .min = 8 << 20, .max = 4294967296.0, .def = "512 MiB", .help =
	    "The most memory that this server's messages may take; beyond it the connection is dropped." },
	[UA_KEY_DATA] = { .name = "data", .type = KEY_ENUM, .choices = data_modes, .def = "subscribe", .help =
	    "subscribe: the server tells changes. read: values are read on the tags' scans, for servers whose subscriptions are "
	    "poor. A tag may say otherwise." },
	[UA_KEY_PUBLISHING] = { .name = "publishing", .type = KEY_DURATION, .min = 10 * MS, .max = 3600 * SECOND, .choices = off,
	    .help = "Publishing interval of subscriptions; without this key as fast as their tags' scans." },
	[UA_KEY_KEEP_ALIVE] = { .name = "keep-alive", .type = KEY_DURATION, .min = 100 * MS, .max = 600 * SECOND, .def = "10 s",
	    .help = "How often a subscription without changes says that it lives." },
	[UA_KEY_LIFETIME] = { .name = "lifetime", .type = KEY_DURATION, .min = 1 * SECOND, .max = 86400 * SECOND, .def = "10 min",
	    .help = "How long the server keeps a subscription that nobody asks for, with its values: outages up to this lose "
	    "nothing where the server can hand subscriptions over." },
	[UA_KEY_QUEUE] = { .name = "queue", .type = KEY_INT, .max = 100000, .def = "0", .help =
	    "Values that the server keeps for each tag between two publishings; 0: two publishing intervals of samples." },
	[UA_KEY_PER_CALL] = { .name = "per-call", .type = KEY_INT, .min = 1, .max = 10000, .def = "1000", .help =
	    "Tags in one call that reads, resolves or creates; the server's own limits count as well. 500 for stations of control "
	    "systems." },
	[UA_KEY_PAUSE] = { .name = "pause", .type = KEY_DURATION, .max = 60 * SECOND, .def = "0 ms", .help =
	    "Pause between calls that create items; 200 ms for stations of control systems." },
	[UA_KEY_STALE] = { .name = "stale", .type = KEY_DURATION, .min = 1 * SECOND, .max = 86400 * SECOND, .choices = off,
	    .def = "off", .help = "A subscribed tag that was silent for so long is read, since some servers forget to tell." },
	[UA_KEY_TRANSFER] = { .name = "transfer", .type = KEY_BOOL, .def = "yes", .help =
	    "After a loss, ask the server to hand the subscriptions of the old session over." },
	[UA_KEY_HISTORY] = { .name = "history", .type = KEY_BOOL, .def = "yes", .help =
	    "After an outage, fill the gap from the server's history where it has one." },
	[UA_KEY_HISTORY_WINDOW] = { .name = "history-window", .type = KEY_DURATION, .min = 1 * SECOND, .max = 86400 * SECOND,
	    .def = "1 h", .help = "Span of one call for history." },
	[UA_KEY_HISTORY_RATE] = { .name = "history-rate", .type = KEY_INT, .min = 1, .max = 1000000, .unit = "/s", .def = "5000",
	    .help = "Values of history a second, at most." },
	[UA_KEY_HISTORY_MAX] = { .name = "history-max", .type = KEY_INT, .min = 1, .max = 100000000, .def = "1000000", .help =
	    "Values of one tag in one gap, at most." },
	[UA_KEY_WRITES] = { .name = "writes", .type = KEY_BOOL, .def = "no", .help =
	    "Whether admitted requests may write to this server at all." },
	[UA_KEY_CALLS] = { .name = "calls", .type = KEY_BOOL, .def = "no", .help =
	    "Whether admitted requests may call methods and acknowledge alarms of this server." },
	[UA_KEYS] = { .name = NULL },
};

static int64_t
num(const struct keyval *k, int i, int64_t unset)
{
	return k[i].set ? k[i].i : unset;
}

static const char *
text(const struct keyval *k, int i)
{
	return k[i].set ? k[i].s : NULL;
}

void
ua_conf_read(const struct keyval *k, struct ua_conf *c)
{
	uint32_t any = (1u << UA_POLICY_NONE) - 1;
	uint32_t mode = (uint32_t)num(k, UA_KEY_MODE, 3);

	*c = (struct ua_conf){
		.policies = (uint32_t)num(k, UA_KEY_SECURITY, any),
		.sign_encrypt = (mode & 1) != 0, .sign = (mode & 2) != 0,
		.pki = text(k, UA_KEY_PKI), .server_uri = text(k, UA_KEY_SERVER_URI),
		.crl_optional = k[UA_KEY_CRL_OPTIONAL].b, .ca_as_peer = k[UA_KEY_CA_AS_PEER].b,
		.host_check = !k[UA_KEY_HOST_CHECK].set || k[UA_KEY_HOST_CHECK].b,
		.channel_ns = num(k, UA_KEY_RENEW_CHANNEL, 3600 * NS_PER_S),
		.user = text(k, UA_KEY_USER), .password_file = text(k, UA_KEY_PASSWORD),
		.user_cert_file = text(k, UA_KEY_USER_CERTIFICATE), .user_key_file = text(k, UA_KEY_USER_KEY),
		.session_name = text(k, UA_KEY_SESSION_NAME),
		.session_ns = num(k, UA_KEY_SESSION_TIMEOUT, 120 * NS_PER_S),
		.timeout_ns = num(k, UA_KEY_TIMEOUT, 10 * NS_PER_S),
		.watch_ns = num(k, UA_KEY_WATCH, 5 * NS_PER_S),
		.clock_warn_ns = num(k, UA_KEY_CLOCK_WARN, 10 * NS_PER_S),
		.retry_max_ns = num(k, UA_KEY_RETRY_MAX, 60 * NS_PER_S),
		.locales = k[UA_KEY_LOCALES].list, .nlocales = k[UA_KEY_LOCALES].n,
		.also = k[UA_KEY_ALSO].list, .nalso = k[UA_KEY_ALSO].n,
		.memory = (uint64_t)num(k, UA_KEY_MEMORY, (int64_t)UA_MEMORY_MAX),
		.writes = k[UA_KEY_WRITES].b, .calls = k[UA_KEY_CALLS].b,
	};
}
