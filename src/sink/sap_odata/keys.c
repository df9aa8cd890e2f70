/* See keys.h. */
#include "sink/sap_odata/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/path.h"

enum {
	K_SERVER, K_TLS, K_CA_FILE, K_CERT_FILE, K_KEY_FILE, K_PROXY, K_PROXY_USER, K_PROXY_PASSWORD, K_CLIENT, K_LANGUAGE, K_USER, K_PASSWORD,
	K_TOKEN_SERVER, K_TOKEN_PATH, K_OAUTH_ID, K_OAUTH_SECRET, K_SCOPE, K_MAPPINGS, K_SETTINGS, K_POST, K_READ, K_POLL, K_CONNECTIONS, K_RATE,
	K_BATCH, K_WINDOWS, K_ON_REFUSAL, K_RULES, K_SETTLE, K_FOLLOW, K_KEEP, K_KEEP_MAX, K_CONNECT_TIMEOUT, K_TIMEOUT, K_ANSWER_MAX, K_METADATA,
	K_REPEATABILITY, KEYS
};

static const char *const refusals[] = { "hold", "pass", NULL };
static const char *const never[] = { "never", NULL };
static const char time_why[] = "without a limit an order would be held for ever, or SAP be asked without a pause";

const struct key sap_keys[] = {
	[K_SERVER] = { "server", KEY_ENDPOINT, .required = true,
	    .help = "Host and port of the SAP system, or of the gateway before it. Port 443 when none is given, 80 with tls: no." },
	[K_TLS] = { "tls", KEY_BOOL, .def = "yes",
	    .help = "Encrypt, and verify the server's certificate and name. Only \"no\", written here, lets passwords and postings go in plain text." },
	[K_CA_FILE] = { "ca-file", KEY_PATH,
	    .help = "Certificates (PEM) that may sign the server's, and the token server's; the system's own when not given." },
	[K_CERT_FILE] = { "cert-file", KEY_PATH, .help = "Our certificate (PEM, with its chain): log-on by X.509." },
	[K_KEY_FILE] = { "key-file", KEY_SECRET, .help = "Private key (PEM) of cert-file." },
	[K_PROXY] = { "proxy", KEY_ENDPOINT, .help = "Host and port of an HTTP proxy on the way. Environment variables are not looked at." },
	[K_PROXY_USER] = { "proxy-user", KEY_TEXT, .min = 1, .max = 200, .help = "User name at the proxy." },
	[K_PROXY_PASSWORD] = { "proxy-password-file", KEY_SECRET, .help = "File whose first line is the password at the proxy." },
	[K_CLIENT] = { "client", KEY_TEXT, .min = 3, .max = 3, .help = "SAP client (three digits), sent as sap-client; the system's default when not given." },
	[K_LANGUAGE] = { "language", KEY_TEXT, .min = 2, .max = 2, .def = "EN", .help = "Language of SAP's messages, sent as sap-language." },
	[K_USER] = { "user", KEY_TEXT, .min = 1, .max = 100, .help = "Technical user, for log-on by password." },
	[K_PASSWORD] = { "password-file", KEY_SECRET, .help = "File whose first line is the password; read anew after it was refused." },
	[K_TOKEN_SERVER] = { "token-server", KEY_ENDPOINT, .help = "Host and port of the token endpoint of OAuth 2.0 (client credentials)." },
	[K_TOKEN_PATH] = { "token-path", KEY_TEXT, .min = 1, .max = 1000, .def = "/oauth/token", .help = "Path of the token endpoint, with its query if any." },
	[K_OAUTH_ID] = { "oauth-client-id", KEY_TEXT, .min = 1, .max = 500, .help = "Client id for OAuth 2.0." },
	[K_OAUTH_SECRET] = { "oauth-secret-file", KEY_SECRET, .help = "File whose first line is the client secret; not needed with cert-file." },
	[K_SCOPE] = { "oauth-scope", KEY_TEXT, .min = 1, .max = 1000, .help = "Scope to ask for; the server's default when not given." },
	[K_MAPPINGS] = { "mappings", KEY_PATH,
	    .help = "Folder with mappings (*.yaml) of your own; one of the name of a ready mapping replaces it." },
	[K_SETTINGS] = { "settings", KEY_LIST, .help = "\"NAME = VALUE\" for the mappings, such as \"plant = 1010\"." },
	[K_POST] = { "post", KEY_LIST,
	    .help = "\"EVENT PATTERN -> MAPPING\": which events become what. The first row that fits the event's path and whose mapping takes its type counts." },
	[K_READ] = { "read", KEY_LIST,
	    .help = "\"MAPPING [NAME=VALUE ...] -> EQUIPMENT\": rows that are read regularly and written, by admitted requests, to the tags of that equipment "
		"that have the mapping's names." },
	[K_POLL] = { "poll", KEY_DURATION, .min = 5e9, .max = 86400e9, .def = "30 s", .why = time_why, .help = "How often `read` asks for changed rows." },
	[K_CONNECTIONS] = { "connections", KEY_INT, .min = 1, .max = 32, .def = "4", .help = "Calls under way at one time. Events of one order never are." },
	[K_RATE] = { "rate", KEY_REAL, .min = 0, .max = 10000, .def = "5", .unit = "/s",
	    .help = "Events a second, at most; 0: as fast as it goes. Ask those who run the SAP system." },
	[K_BATCH] = { "batch", KEY_INT, .min = 1, .max = 100, .def = "1",
	    .help = "Events that may travel in one $batch, each a change set of its own; 1: none." },
	[K_WINDOWS] = { "maintenance", KEY_LIST, .help = "Times of the week in which nothing is sent, such as \"Sun 02:00-06:00\", by the site's clock." },
	[K_ON_REFUSAL] = { "on-refusal", KEY_ENUM, .def = "hold", .choices = refusals,
	    .help = "hold: after a refusal the later events of the same order wait for a person. pass: they go on." },
	[K_RULES] = { "rules", KEY_LIST,
	    .help = "\"CODE -> retry after 5 min | pass | hold\": what is done at an error code of SAP; * stands for anything, the first that fits counts." },
	[K_SETTLE] = { "settle", KEY_DURATION, .min = 1e9, .max = 3600e9, .def = "10 min",
	    .why = "what SAP is still at work on would be looked for too early, not be found, and be booked twice",
	    .help = "So long may SAP still be at work on a posting whose answer was lost (rdisp/max_wprun_time); only what it does not have after that is "
		"posted again." },
	[K_FOLLOW] = { "follow-up", KEY_DURATION, .min = 1e9, .max = 86400e9, .choices = never, .def = "1 min",
	    .help = "So long after a posting is looked whether its goods movements are there. never: it is not." },
	[K_KEEP] = { "keep", KEY_DURATION, .min = 3600e9, .max = 36500.0 * 86400e9, .def = "365 d", .help = "How long what SAP has taken stays in the outbox." },
	[K_KEEP_MAX] = { "keep-max", KEY_INT, .min = 1000, .max = 1e8, .def = "1000000", .help = "How many of those stay at most." },
	[K_CONNECT_TIMEOUT] = { "connect-timeout", KEY_DURATION, .min = 100e6, .max = 300e9, .def = "10 s", .why = time_why,
	    .help = "To connect, TLS and proxy included." },
	[K_TIMEOUT] = { "timeout", KEY_DURATION, .min = 100e6, .max = 3600e9, .def = "60 s", .why = time_why,
	    .help = "For a call from its start to the end of its answer." },
	[K_ANSWER_MAX] = { "answer-max", KEY_SIZE, .min = 65536, .max = 67108864, .def = "16 MiB", .help = "Bytes of one answer, metadata included." },
	[K_METADATA] = { "metadata-every", KEY_DURATION, .min = 60e9, .max = 30.0 * 86400e9, .def = "1 d", .why = time_why,
	    .help = "How often a service's $metadata is looked at anew." },
	[K_REPEATABILITY] = { "repeatability-headers", KEY_BOOL, .def = "yes",
	    .help = "Send the headers that let a far end know a repeat. Nothing here relies on them; some systems refuse what bears them." },
	[KEYS] = { 0 },
};

static int
fault(size_t *key, size_t which, char *why, size_t size, const char *text)
{
	*key = which;
	snprintf(why, size, "%s", text);
	return ERR_SYNTAX;
}

/* ---- who we are ---- */

static int
check_files(const struct keyval *k, char *why, size_t size, size_t *key)
{
	static const size_t tls[] = { K_CA_FILE, K_CERT_FILE, K_KEY_FILE };

	for (size_t i = 0; i < sizeof tls / sizeof tls[0]; i++)
		if (k[tls[i]].set && !k[K_TLS].b)
			return fault(key, tls[i], why, size, "this file is for TLS, and tls is off: take \"tls: no\" away");
	if (k[K_CERT_FILE].set != k[K_KEY_FILE].set)
		return fault(key, k[K_CERT_FILE].set ? K_CERT_FILE : K_KEY_FILE, why, size,
		    "log-on by certificate needs both cert-file and key-file: give the other one too");
	if (k[K_PROXY_USER].set && !k[K_PROXY].set)
		return fault(key, K_PROXY_USER, why, size, "a user at a proxy, and no proxy: give proxy too");
	if (k[K_PROXY_PASSWORD].set && !k[K_PROXY_USER].set)
		return fault(key, K_PROXY_PASSWORD, why, size, "a password without a user name: give proxy-user too");
	return 0;
}

static int
check_logon(const struct keyval *k, char *why, size_t size, size_t *key)
{
	static const size_t oauth[] = { K_OAUTH_ID, K_OAUTH_SECRET, K_SCOPE };

	if (k[K_USER].set && k[K_TOKEN_SERVER].set)
		return fault(key, K_TOKEN_SERVER, why, size, "there are two ways to log on, user and token-server: keep one of them");
	if (k[K_PASSWORD].set != k[K_USER].set)
		return fault(key, k[K_USER].set ? K_USER : K_PASSWORD, why, size, "log-on by password needs both user and password-file: give the other one too");
	for (size_t i = 0; i < sizeof oauth / sizeof oauth[0]; i++)
		if (k[oauth[i]].set && !k[K_TOKEN_SERVER].set)
			return fault(key, oauth[i], why, size, "this is for OAuth, and there is no token-server: give it too");
	if (k[K_TOKEN_SERVER].set && !k[K_OAUTH_ID].set)
		return fault(key, K_TOKEN_SERVER, why, size, "OAuth needs a client: give oauth-client-id");
	if (k[K_TOKEN_SERVER].set && !k[K_OAUTH_SECRET].set && !k[K_CERT_FILE].set)
		return fault(key, K_TOKEN_SERVER, why, size, "OAuth needs a secret: give oauth-secret-file, or cert-file and key-file");
	if (k[K_TOKEN_PATH].s[0] != '/' || strpbrk(k[K_TOKEN_PATH].s, " \t\r\n#") != NULL)
		return fault(key, K_TOKEN_PATH, why, size, "a path begins with a slash and holds no blanks and no '#'");
	if (k[K_CLIENT].set && strspn(k[K_CLIENT].s, "0123456789") != 3)
		return fault(key, K_CLIENT, why, size, "an SAP client is three digits: \"100\" (in quotes)");
	return 0;
}

static void
read_far(const struct keyval *k, struct sap_cfg *cfg)
{
	struct far_opts *f = &cfg->far;
	const char *scheme = cfg->tls ? "https" : "http";

	f->base = sap_base(&cfg->arena, cfg->tls, k[K_SERVER].s);
	f->client = k[K_CLIENT].s;
	f->language = k[K_LANGUAGE].s;
	f->auth = k[K_USER].set ? FAR_AUTH_BASIC : k[K_TOKEN_SERVER].set ? FAR_AUTH_OAUTH : FAR_AUTH_NONE;
	f->user = k[K_USER].set ? k[K_USER].s : k[K_OAUTH_ID].s;
	f->secret_file = k[K_USER].set ? k[K_PASSWORD].s : k[K_OAUTH_SECRET].s;
	f->scope = k[K_SCOPE].s;
	if (k[K_TOKEN_SERVER].set)
		f->token_url = arena_printf(&cfg->arena, "%s://%s%s", scheme, k[K_TOKEN_SERVER].s, k[K_TOKEN_PATH].s);
	f->http = (struct http_opts){
		.ca_file = k[K_CA_FILE].s, .cert_file = k[K_CERT_FILE].s, .key_file = k[K_KEY_FILE].s, .proxy = k[K_PROXY].s,
		.proxy_user = k[K_PROXY_USER].s, .proxy_password_file = k[K_PROXY_PASSWORD].s, .connect_ns = k[K_CONNECT_TIMEOUT].i,
		.total_ns = k[K_TIMEOUT].i, .answer_max = (size_t)k[K_ANSWER_MAX].i,
		/* Postings, and beside them what asks for tokens, metadata and orders. */
		.connections = (unsigned)k[K_CONNECTIONS].i + 2,
	};
}

/* ---- the lists ---- */

/* "LEFT ARROW RIGHT", blanks around both taken off, into the arena. false: it is not such. */
static bool
split(struct arena *a, const char *text, const char *arrow, const char **left, const char **right)
{
	const char *at = strstr(text, arrow);

	if (at == NULL)
		return false;
	const char *r = at + strlen(arrow) + strspn(at + strlen(arrow), " \t");
	text += strspn(text, " \t");
	size_t len = at > text ? (size_t)(at - text) : 0, rlen = strlen(r);
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	while (rlen > 0 && (r[rlen - 1] == ' ' || r[rlen - 1] == '\t'))
		rlen--;
	*left = arena_strndup(a, text, len);
	*right = arena_strndup(a, r, rlen);
	return len > 0 && rlen > 0;
}

static int
not_such(size_t *key, size_t which, char *why, size_t size, const char *text, const char *example)
{
	*key = which;
	snprintf(why, size, "\"%.100s\" cannot be understood: write it as %s", text, example);
	return ERR_SYNTAX;
}

static int
read_posts(const struct keyval *k, struct sap_cfg *cfg, char *why, size_t size, size_t *key)
{
	if (k->n > SAP_POSTS_MAX)
		return fault(key, K_POST, why, size, "these are more rows than a sink takes (200)");
	cfg->posts = arena_array(&cfg->arena, k->n + 1, sizeof *cfg->posts);
	for (size_t i = 0; i < k->n; i++)
		if (!split(&cfg->arena, k->list[i], "->", &cfg->posts[cfg->nposts].pattern, &cfg->posts[cfg->nposts].mapping))
			return not_such(key, K_POST, why, size, k->list[i], "\"Packaging/**/confirmation -> production-confirmation\"");
		else
			cfg->nposts++;
	return 0;
}

static int
read_settings(const struct keyval *k, struct sap_cfg *cfg, char *why, size_t size, size_t *key)
{
	if (k->n > SAP_SETTINGS_MAX)
		return fault(key, K_SETTINGS, why, size, "these are more settings than a sink takes (200)");
	cfg->settings = arena_array(&cfg->arena, k->n + 1, sizeof *cfg->settings);
	for (size_t i = 0; i < k->n; i++)
		if (!split(&cfg->arena, k->list[i], "=", &cfg->settings[cfg->nsettings].name, &cfg->settings[cfg->nsettings].value))
			return not_such(key, K_SETTINGS, why, size, k->list[i], "\"plant = 1010\"");
		else
			cfg->nsettings++;
	return 0;
}

/* "production-orders work-center=PACK01 plant=1010": the mapping, then what narrows this reading. */
static bool
read_left(struct arena *a, char *left, struct sap_read *out)
{
	out->where = arena_array(a, strlen(left) / 2 + 1, sizeof *out->where);
	char *at = NULL, *word = strtok_r(left, " \t", &at);

	out->mapping = word;
	while ((word = strtok_r(NULL, " \t", &at)) != NULL) {
		char *is = strchr(word, '=');
		if (is == NULL || is == word)
			return false;
		*is = '\0';
		out->where[out->nwhere++] = (struct message_setting){ word, is + 1 };
	}
	return true;
}

static int
read_reads(const struct keyval *k, struct sap_cfg *cfg, char *why, size_t size, size_t *key)
{
	const char *left;

	if (k->n > SAP_READS_MAX)
		return fault(key, K_READ, why, size, "these are more readings than a sink takes (50)");
	cfg->reads = arena_array(&cfg->arena, k->n + 1, sizeof *cfg->reads);
	for (size_t i = 0; i < k->n; i++) {
		struct sap_read *r = &cfg->reads[cfg->nreads++];
		if (!split(&cfg->arena, k->list[i], "->", &left, &r->equipment) ||
		    !read_left(&cfg->arena, arena_strdup(&cfg->arena, left), r) || path_fault(r->equipment, strlen(r->equipment)) != NULL)
			return not_such(key, K_READ, why, size, k->list[i], "\"production-orders work-center=PACK01 -> Packaging/Line 3/order\"");
	}
	return 0;
}

static int
read_outbox(const struct keyval *k, struct sap_cfg *cfg, char *why, size_t size, size_t *key)
{
	if (k[K_RULES].n > SAP_RULES_MAX)
		return fault(key, K_RULES, why, size, "these are more rules than a sink takes (200)");
	if (k[K_WINDOWS].n > SAP_WINDOWS_MAX)
		return fault(key, K_WINDOWS, why, size, "these are more times than a sink takes (50)");
	cfg->rules = arena_array(&cfg->arena, k[K_RULES].n + 1, sizeof *cfg->rules);
	cfg->windows = arena_array(&cfg->arena, k[K_WINDOWS].n + 1, sizeof *cfg->windows);
	*key = K_RULES;
	for (; cfg->nrules < k[K_RULES].n; cfg->nrules++)
		if (outbox_rule_parse(k[K_RULES].list[cfg->nrules], &cfg->rules[cfg->nrules], why, size) != 0)
			return ERR_SYNTAX;
	*key = K_WINDOWS;
	for (; cfg->nwindows < k[K_WINDOWS].n; cfg->nwindows++)
		if (outbox_window_parse(k[K_WINDOWS].list[cfg->nwindows], &cfg->windows[cfg->nwindows], why, size) != 0)
			return ERR_SYNTAX;
	return 0;
}

int
sap_cfg_read(const struct sink *s, struct sap_cfg *cfg, char *why, size_t size, size_t *key)
{
	const struct keyval *k = s->keys;

	*cfg = (struct sap_cfg){
		.mappings = k[K_MAPPINGS].s, .tls = k[K_TLS].b, .repeatability = k[K_REPEATABILITY].b,
		.connections = (unsigned)k[K_CONNECTIONS].i, .batch = (unsigned)k[K_BATCH].i, .rate = k[K_RATE].f, .pass = k[K_ON_REFUSAL].i == 1,
		.settle_ns = k[K_SETTLE].i, .keep_ns = k[K_KEEP].i, .keep_max = (uint64_t)k[K_KEEP_MAX].i, .follow_ns = k[K_FOLLOW].i,
		.poll_ns = k[K_POLL].i, .metadata_ns = k[K_METADATA].i,
	};
	int err = check_files(k, why, size, key);
	if (err == 0)
		err = check_logon(k, why, size, key);
	if (err != 0)
		return err;
	read_far(k, cfg);
	if ((err = read_posts(&k[K_POST], cfg, why, size, key)) == 0 && (err = read_settings(&k[K_SETTINGS], cfg, why, size, key)) == 0 &&
	    (err = read_reads(&k[K_READ], cfg, why, size, key)) == 0)
		err = read_outbox(k, cfg, why, size, key);
	return err;
}

void
sap_cfg_fini(struct sap_cfg *cfg)
{
	for (size_t i = 0; i < cfg->nrules; i++)
		free((char *)(uintptr_t)cfg->rules[i].code);
	arena_fini(&cfg->arena);
	*cfg = (struct sap_cfg){ 0 };
}

/* ---- what they name ---- */

static int
no_mapping(const struct mapping_set *set, const char *name, const char *kind, bool wrong_kind, char *why, size_t size)
{
	const char *near = mapping_near(set, name);

	if (wrong_kind)
		snprintf(why, size, "the mapping \"%.60s\" does not %s: see penstock keys and doc/sap-mappings.md for what there is", name, kind);
	else
		snprintf(why, size, "there is no mapping \"%.60s\"%s%.60s%s", name, near != NULL ? ": did you mean \"" : "", near != NULL ? near : "",
		    near != NULL ? "\"?" : "; doc/sap-mappings.md lists the ready ones");
	return ERR_NOTFOUND;
}

int
sap_cfg_names(const struct sap_cfg *cfg, const struct mapping_set *set, char *why, size_t size, size_t *key)
{
	*key = K_POST;
	for (size_t i = 0; i < cfg->nposts; i++) {
		const struct mapping *m = mapping_find(set, cfg->posts[i].mapping);
		if (m == NULL || m->reading != NULL)
			return no_mapping(set, cfg->posts[i].mapping, "post events, it reads", m != NULL, why, size);
	}
	*key = K_READ;
	for (size_t i = 0; i < cfg->nreads; i++) {
		const struct mapping *m = mapping_find(set, cfg->reads[i].mapping);
		if (m == NULL || m->reading == NULL)
			return no_mapping(set, cfg->reads[i].mapping, "read, it posts events", m != NULL, why, size);
	}
	return 0;
}

int
sap_check(const struct sink *s, char *why, size_t size, size_t *key)
{
	struct sap_cfg cfg;
	struct mapping_set *set = NULL;

	int err = sap_cfg_read(s, &cfg, why, size, key);
	if (err == 0) {
		*key = K_MAPPINGS;
		err = mapping_load_quiet(cfg.mappings, &set, why, size);
	}
	if (err == 0)
		err = sap_cfg_names(&cfg, set, why, size, key);
	mapping_set_free(set);
	sap_cfg_fini(&cfg);
	return err;
}
