/*
 * Users: who may log in, and what a session may do. Passwords are checked against the hashes of the site's password file, read anew for each log-in.
 *
 * Guessing is slowed per user name: after UAS_FREE_TRIES wrong passwords the name is closed for 1 s, then 2 s, and so on up to a minute. So that
 * nobody is locked out by somebody else's guessing, and so that 200 clients who come back at once do not have to wait for 200 slow hashes, a
 * password that was right once is remembered as a keyed digest for as long as the server lives; that one is compared first, at any time.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "pki/passwd.h"
#include "sink/opcua_server/uas.h"

#define UAS_FREE_TRIES	3u
#define PAUSE_MAX_NS	(60 * NS_PER_S)

struct known {		/* beside each user of the site file */
	unsigned	wrong;		/* in a row */
	struct mono	again;		/* not before */
	bool		right;		/* digest is of a password that was right */
	uint8_t		digest[32];
	char		of[256];	/* of this hash in the file: another one, and the digest is nothing worth */
};

/* A session's context; the library hands it to every hook. */
struct session {
	const struct uas_user	*user;
	UA_NodeId		 id;
	uint32_t		 items;		/* monitored items of its subscriptions */
	bool			 certified;	/* client is the SHA-256 of the channel's certificate */
	uint8_t			 client[32];
	struct session		*next;
};

static const struct uas_user nobody = { "anonymous", UAS_ROLE_VIEW };

struct uas_access {
	const struct uas_cfg	*cfg;
	struct uas_server	*server;
	struct known		*known;		/* [cfg->nusers] */
	uint8_t			 key[32];
	struct log_limit	 limit;
	struct session		*sessions;
	UA_UserTokenPolicy	 tokens[2];
	size_t			 ntokens;
};

static void
digest(const struct uas_access *a, const UA_ByteString *password, uint8_t out[32])
{
	unsigned n = 32;
	HMAC(EVP_sha256(), a->key, sizeof a->key, password->data, password->length, out, &n);
}

static void
refuse(struct uas_access *a, const char *user, const char *why)
{
	unsigned long more;
	if (log_limit_ok(&a->limit, mono_now(), &more))
		log_warn("opcua_login_refused", "sink=%s user=\"%s\" why=\"%s\" more=%lu", a->cfg->sink, user, why, more);
}

/* The slow way: the file's hash. 0, or an error with why. */
static int
compare(struct uas_access *a, const struct uas_user *u, struct known *k, const UA_ByteString *password, const char **why)
{
	struct buf file = { 0 };
	char hash[sizeof k->of];
	uint8_t now[32];

	int err = a->cfg->passwords != NULL ? file_read(a->cfg->passwords, PASSWD_FILE_MAX, &file) : ERR_NOTFOUND;
	*why = "the sink's password-file cannot be read";
	if (err == 0) {
		err = passwd_find(buf_text(&file), u->name, hash, sizeof hash);
		*why = "the password-file has no such user; `penstock passwd` makes the line";
	}
	buf_fini(&file);
	if (err != 0)
		return err;
	digest(a, password, now);
	if (k->right && strcmp(k->of, hash) == 0 && CRYPTO_memcmp(now, k->digest, sizeof now) == 0)
		return 0;
	if (mono_before(mono_now(), k->again)) {
		*why = "too many wrong passwords; the next try is possible after a pause";
		return ERR_DENIED;
	}
	err = passwd_check(hash, (const char *)password->data, password->length);
	*why = err == ERR_DENIED ? "wrong password" : "its line in the password-file is damaged";
	if (err == 0) {
		memcpy(k->digest, now, sizeof now);
		memcpy(k->of, hash, sizeof hash);
		k->right = true;
		k->wrong = 0;
	} else if (++k->wrong >= UAS_FREE_TRIES) {
		int64_t pause = NS_PER_S << (k->wrong - UAS_FREE_TRIES < 6 ? k->wrong - UAS_FREE_TRIES : 6);
		k->again = mono_add(mono_now(), pause < PAUSE_MAX_NS ? pause : PAUSE_MAX_NS);
	}
	return err;
}

static UA_StatusCode
log_in(struct uas_access *a, const UA_UserNameIdentityToken *t, const struct uas_user **out)
{
	char name[PASSWD_NAME_MAX + 1];
	const char *why;

	if (t->userName.length > PASSWD_NAME_MAX || t->password.length > UAS_PASSWORD_BYTES) {
		refuse(a, "", "its name or password is too long");
		return UA_STATUSCODE_BADIDENTITYTOKENREJECTED;
	}
	if (t->userName.length != 0)
		memcpy(name, t->userName.data, t->userName.length);
	name[t->userName.length] = '\0';
	for (uint32_t i = 0; i < a->cfg->nusers; i++) {
		if (strcmp(a->cfg->users[i].name, name) != 0)
			continue;
		if (compare(a, &a->cfg->users[i], &a->known[i], &t->password, &why) != 0) {
			refuse(a, name, why);
			return UA_STATUSCODE_BADUSERACCESSDENIED;
		}
		*out = &a->cfg->users[i];
		return UA_STATUSCODE_GOOD;
	}
	refuse(a, name, "the sink's users: has no such name");
	return UA_STATUSCODE_BADUSERACCESSDENIED;
}

static UA_StatusCode
identify(struct uas_access *a, const UA_ExtensionObject *token, const struct uas_user **out)
{
	const UA_DataType *type = token->encoding >= UA_EXTENSIONOBJECT_DECODED ? token->content.decoded.type : NULL;

	if (type == &UA_TYPES[UA_TYPES_USERNAMEIDENTITYTOKEN])
		return log_in(a, token->content.decoded.data, out);
	if (token->encoding == UA_EXTENSIONOBJECT_ENCODED_NOBODY || type == &UA_TYPES[UA_TYPES_ANONYMOUSIDENTITYTOKEN]) {
		*out = &nobody;
		if (a->cfg->anonymous)
			return UA_STATUSCODE_GOOD;
		refuse(a, "", "it came without a user, and the sink does not say anonymous: yes");
		return UA_STATUSCODE_BADIDENTITYTOKENREJECTED;
	}
	refuse(a, "", "its kind of identity is not offered");
	return UA_STATUSCODE_BADIDENTITYTOKENINVALID;
}

/* Also called when a session moves to another channel or changes its user. */
static UA_StatusCode
activate(UA_Server *server, UA_AccessControl *ac, const UA_EndpointDescription *e, const UA_ByteString *cert, const UA_NodeId *id,
    const UA_ExtensionObject *token, void **context)
{
	struct uas_access *a = ac->context;
	struct session *s = *context;
	const struct uas_user *user;
	UA_StatusCode err = identify(a, token, &user);
	(void)server, (void)e;

	if (err != UA_STATUSCODE_GOOD)
		return err;
	if (s == NULL) {
		if ((s = calloc(1, sizeof *s)) == NULL || UA_NodeId_copy(id, &s->id) != UA_STATUSCODE_GOOD) {
			free(s);
			return UA_STATUSCODE_BADOUTOFMEMORY;
		}
		s->next = a->sessions;
		a->sessions = s;
		*context = s;
	}
	s->user = user;
	s->certified = cert->length > 0 && EVP_Digest(cert->data, cert->length, s->client, NULL, EVP_sha256(), NULL) == 1;
	return UA_STATUSCODE_GOOD;
}

static void
close_session(UA_Server *server, UA_AccessControl *ac, const UA_NodeId *id, void *context)
{
	struct uas_access *a = ac->context;
	struct session **at = &a->sessions;
	(void)server, (void)id;

	while (*at != NULL && *at != context)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	struct session *s = *at;
	*at = s->next;
	UA_NodeId_clear(&s->id);
	free(s);
}

static struct session *
find_session(struct uas_access *a, const void *context)
{
	struct session *s = a->sessions;
	while (s != NULL && s != context)
		s = s->next;
	return s;
}

/* The library's one hook that says who holds how much. */
static void
on_item(UA_Server *server, const UA_NodeId *id, void *context, const UA_NodeId *node, void *node_context, UA_UInt32 attribute, UA_Boolean removed)
{
	struct uas_server *server_of = UA_Server_getConfig(server)->context;
	struct session *s = find_session(server_of->access, context);
	(void)id, (void)node, (void)node_context, (void)attribute;

	if (s != NULL && !removed)
		s->items++;
	else if (s != NULL && s->items > 0)
		s->items--;
}

bool
uas_access_close_largest(struct uas_access *a)
{
	struct session *most = NULL;

	for (struct session *s = a->sessions; s != NULL; s = s->next)
		if (s->items > 0 && (most == NULL || s->items > most->items))
			most = s;
	if (most == NULL)
		return false;
	log_warn("opcua_session_closed", "sink=%s user=\"%s\" monitored_items=%u why=\"the server's memory limit was reached and it holds most\"", a->cfg->sink,
	    most->user->name, most->items);
	UA_NodeId id;
	if (UA_NodeId_copy(&most->id, &id) != UA_STATUSCODE_GOOD)
		return false;
	UA_Server_closeSession(a->server->server, &id);
	UA_NodeId_clear(&id);
	return true;
}

/* ---- life ---- */

/*
 * A subscription may move to another session of the same user (OPC 10000-4, 5.13.7). Nobody is no user: without a name it is the same client by its
 * certificate, or else anyone could take away all subscriptions, whose ids are small numbers.
 */
static UA_Boolean
transfer(UA_Server *s, UA_AccessControl *ac, const UA_NodeId *from, void *before, const UA_NodeId *to, void *after)
{
	const struct session *a = before, *b = after;
	(void)s, (void)ac, (void)from, (void)to;

	if (a == NULL || b == NULL || a->user != b->user)
		return false;
	return a->user != &nobody || (a->certified && b->certified && memcmp(a->client, b->client, sizeof a->client) == 0);
}

static void
clear(UA_AccessControl *ac)
{
	ac->context = NULL;	/* the server's life owns it */
	ac->userTokenPolicies = NULL;
	ac->userTokenPoliciesSize = 0;
}

const struct uas_user *
uas_access_user(const void *context)
{
	return context != NULL ? ((const struct session *)context)->user : NULL;
}

void
uas_access_install(struct uas_access *a, UA_ServerConfig *c)
{
	UA_AccessControl *ac = &c->accessControl;

	c->monitoredItemRegisterCallback = on_item;
	if (ac->clear != NULL)
		ac->clear(ac);
	*ac = (UA_AccessControl){
		.context = a, .clear = clear, .userTokenPoliciesSize = a->ntokens, .userTokenPolicies = a->tokens, .activateSession = activate,
		.closeSession = close_session, .allowTransferSubscription = transfer,
	};
	uas_rights_install(ac);
}

struct uas_access *
uas_access_new(const struct uas_cfg *cfg, struct uas_server *s)
{
	struct uas_access *a = calloc(1, sizeof *a);

	if (a == NULL || (a->known = calloc(cfg->nusers + 1, sizeof *a->known)) == NULL || RAND_bytes(a->key, sizeof a->key) != 1)
		fatal("out_of_memory", "what=\"opcua server\"");
	a->cfg = cfg;
	a->server = s;
	a->limit = (struct log_limit){ .burst = 10, .period_ms = 60000 };
	if (cfg->nusers > 0)
		a->tokens[a->ntokens++] = (UA_UserTokenPolicy){ .policyId = UA_STRING_STATIC("user"), .tokenType = UA_USERTOKENTYPE_USERNAME };
	if (cfg->anonymous)
		a->tokens[a->ntokens++] = (UA_UserTokenPolicy){ .policyId = UA_STRING_STATIC("anonymous"), .tokenType = UA_USERTOKENTYPE_ANONYMOUS };
	return a;
}

void
uas_access_free(struct uas_access *a)
{
	if (a == NULL)
		return;
	while (a->sessions != NULL) {
		struct session *s = a->sessions;
		a->sessions = s->next;
		UA_NodeId_clear(&s->id);
		free(s);
	}
	OPENSSL_cleanse(a->known, (a->cfg->nusers + 1) * sizeof *a->known);
	OPENSSL_cleanse(a->key, sizeof a->key);
	free(a->known);
	free(a);
}
