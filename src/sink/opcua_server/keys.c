/* The keys of an opcua-server sink, read into a struct. See uas.h. */
#include <stdio.h>
#include <stdlib.h>

#include "pki/passwd.h"
#include "site/link.h"
#include "sink/opcua_server/uas.h"

const char *const uas_role_names[UAS_ROLES + 1] = { "view", "operate", NULL };
static const char *const securities[] = { "none", "sign", "sign-and-encrypt", NULL };
static const char *const policies[] = { "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss", NULL };

const struct key uas_keys[] = {
	[UAS_K_LISTEN] = { "listen", KEY_ENDPOINT, .def = "127.0.0.1:4840",
	    .help = "Address and port to listen on, an address of this machine on the IT side. Not given: this machine alone can connect. "
		"0.0.0.0:4840 is every IPv4 address, the OT side's too: name one instead." },
	[UAS_K_NAMES] = { "names", KEY_LIST,
	    .help = "Further names and addresses by which clients reach this server; they stand in its certificate when it is made." },
	[UAS_K_SECURITY] = { "security", KEY_CHOICES, .choices = securities,
	    .help = "What clients may ask for. Not given: [sign, sign-and-encrypt]. none lets everybody on the way read and change what passes." },
	[UAS_K_POLICIES] = { "policies", KEY_CHOICES, .choices = policies,
	    .help = "Security policies that are offered. Not given: all three." },
	[UAS_K_ANONYMOUS] = { "anonymous", KEY_BOOL, .def = "no", .help = "Let clients without a user name read. They never write." },
	[UAS_K_USERS] = { "users", KEY_LIST,
	    .help = "Users and their roles: [\"scada view\", \"maria operate\"]. view reads; operate may also write what requests: admits from this sink." },
	[UAS_K_PASSWORDS] = { "password-file", KEY_SECRET,
	    .help = "File with a line for each user, name and hash; `penstock passwd FILE NAME` writes them. Read anew at each log-in." },
	[UAS_K_SESSIONS] = { "sessions", KEY_INT, .min = 1, .max = 1000, .def = "200", .help = "Sessions at one time." },
	[UAS_K_SUBSCRIPTIONS] = { "subscriptions", KEY_INT, .min = 1, .max = 10000, .def = "1000", .help = "Subscriptions of all sessions." },
	[UAS_K_ITEMS] = { "monitored-items", KEY_INT, .min = 1, .max = 2000000, .def = "300000", .help = "Monitored items of all subscriptions." },
	[UAS_K_MEMORY] = { "memory", KEY_SIZE, .min = 64 << 20, .max = 16.0 * (1 << 30), .def = "1 GiB",
	    .help = "What clients may make the server hold; beyond it they are told BadOutOfMemory. Variables and their values come on top." },
	[UAS_K_HISTORY] = { "history", KEY_BOOL, .def = "yes",
	    .help = "Answer HistoryRead from the local history of this node, for tags that a sink of kind history keeps." },
	[UAS_K_NAMESPACE] = { "namespace", KEY_TEXT, .min = 1, .max = 255,
	    .help = "URI of the namespace that the tags' NodeIds are in. Not given: urn:penstock:<enterprise>:<site>. Clients' bookmarks hang on it." },
	[UAS_K_CRL_OPTIONAL] = { "crl-optional", KEY_BOOL, .def = "no",
	    .help = "Admit a client whose certificate a CA has signed although that CA's revocation list is missing or out of date." },
	[UAS_KEYS] = { 0 },
};

static int
fault(size_t *key, enum uas_key which, char *why, size_t size, const char *text)
{
	*key = which;
	snprintf(why, size, "%s", text);
	return ERR_SYNTAX;
}

static int
read_user(const char *text, struct uas_user *out, struct arena *a)
{
	size_t len = strcspn(text, " \t");
	const char *role = text + len + strspn(text + len, " \t");

	out->name = arena_strndup(a, text, len);
	if (!passwd_name_ok(out->name))
		return ERR_SYNTAX;
	for (unsigned r = 0; r < UAS_ROLES; r++)
		if (strcmp(role, uas_role_names[r]) == 0) {
			out->role = (enum uas_role)r;
			return 0;
		}
	return ERR_SYNTAX;
}

static int
read_users(const struct keyval *k, struct uas_cfg *c, char *why, size_t size, size_t *key)
{
	c->users = arena_array(&c->arena, k[UAS_K_USERS].n + 1, sizeof *c->users);
	for (size_t i = 0; i < k[UAS_K_USERS].n; i++) {
		if (read_user(k[UAS_K_USERS].list[i], &c->users[i], &c->arena) != 0)
			return fault(key, UAS_K_USERS, why, size, "a user is a name and a role, \"scada view\" or \"maria operate\"; names are letters, digits and . _ - @");
		for (size_t j = 0; j < i; j++)
			if (strcmp(c->users[i].name, c->users[j].name) == 0)
				return fault(key, UAS_K_USERS, why, size, "a user stands here twice: give each one role");
	}
	c->nusers = (uint32_t)k[UAS_K_USERS].n;
	if (c->nusers > 0 && c->passwords == NULL)
		return fault(key, UAS_K_USERS, why, size, "users need passwords: give password-file too (`penstock passwd FILE NAME` makes it)");
	if (c->nusers == 0 && !c->anonymous)
		return fault(key, UAS_K_USERS, why, size, "nobody could log in: give users and a password-file, or say anonymous: yes");
	return 0;
}

int
uas_cfg_read(const struct sink *s, struct uas_cfg *c, char *why, size_t size, size_t *key)
{
	const struct keyval *k = s->keys;
	struct endpoint e;
	char text[200];

	*c = (struct uas_cfg){
		.anonymous = k[UAS_K_ANONYMOUS].b, .history = k[UAS_K_HISTORY].b, .crl_optional = k[UAS_K_CRL_OPTIONAL].b,
		.sessions = (uint32_t)k[UAS_K_SESSIONS].i,
		.subscriptions = (uint32_t)k[UAS_K_SUBSCRIPTIONS].i, .items = (uint32_t)k[UAS_K_ITEMS].i, .memory = (uint64_t)k[UAS_K_MEMORY].i,
		.security = k[UAS_K_SECURITY].set ? (unsigned)k[UAS_K_SECURITY].i : 1u << UAS_SEC_SIGN | 1u << UAS_SEC_ENCRYPT,
		.policies = k[UAS_K_POLICIES].set ? (unsigned)k[UAS_K_POLICIES].i : 1u << UAS_POLICY_B256 | 1u << UAS_POLICY_A128 | 1u << UAS_POLICY_A256,
	};
	*key = UAS_K_LISTEN;
	c->sink = arena_strdup(&c->arena, s->name);
	int err = endpoint_parse(k[UAS_K_LISTEN].s, &e, text, sizeof text);
	if (err != 0 || e.device || strlen(e.host) >= sizeof c->host)
		return fault(key, UAS_K_LISTEN, why, size, "this is no address and port: write \"10.1.2.3:4840\" or \"[fd00::1]:4840\"");
	memcpy(c->host, e.host, strlen(e.host) + 1);
	c->port = (uint16_t)(e.port != 0 ? e.port : 4840);
	if (c->security == 0 || c->policies == 0)
		return fault(key, c->security == 0 ? UAS_K_SECURITY : UAS_K_POLICIES, why, size, "an empty list offers nothing: name one at least, or leave the key out");
	c->names = arena_array(&c->arena, k[UAS_K_NAMES].n + 2, sizeof *c->names);
	for (size_t i = 0; i < k[UAS_K_NAMES].n; i++)
		c->names[i] = arena_strdup(&c->arena, k[UAS_K_NAMES].list[i]);
	if (strcmp(c->host, "0.0.0.0") != 0 && strcmp(c->host, "::") != 0)
		c->names[k[UAS_K_NAMES].n] = arena_strdup(&c->arena, c->host);
	if (k[UAS_K_NAMESPACE].set)
		c->namespace = arena_strdup(&c->arena, k[UAS_K_NAMESPACE].s);
	if (k[UAS_K_PASSWORDS].set)
		c->passwords = arena_strdup(&c->arena, k[UAS_K_PASSWORDS].s);
	return read_users(k, c, why, size, key);
}
