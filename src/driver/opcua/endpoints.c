/*
 * Which of a server's endpoints is used: the strongest of those that the site file admits. Encryption counts before the policy, since a weaker current
 * policy that encrypts beats a stronger one that only signs; what the server itself thinks of its endpoints (SecurityLevel) only breaks ties, since a
 * forged list could say anything. See the order of policies and its reasons in opcua_keys.h.
 */
#include <stdio.h>
#include <string.h>

#include "driver/opcua/conn.h"

#define URI_BASE "http://opcfoundation.org/UA/SecurityPolicy#"

static const struct { const char *uri, *name, *key; } policies[UA_POLICIES + 1] = {
	[UA_POLICY_PSS] = { URI_BASE "Aes256_Sha256_RsaPss", "Aes256_Sha256_RsaPss", "aes256-sha256-rsapss" },
	[UA_POLICY_B256SHA] = { URI_BASE "Basic256Sha256", "Basic256Sha256", "basic256sha256" },
	[UA_POLICY_AES128] = { URI_BASE "Aes128_Sha256_RsaOaep", "Aes128_Sha256_RsaOaep", "aes128-sha256-rsaoaep" },
	[UA_POLICY_NONE] = { URI_BASE "None", "None", "none" },
	[UA_POLICIES] = { "", "unknown", "" },
};

const char *ua_policy_uri(enum ua_policy p) { return policies[p].uri; }
const char *ua_policy_name(enum ua_policy p) { return policies[p].name; }

const char *
ua_mode_name(UA_MessageSecurityMode m)
{
	return m == UA_MESSAGESECURITYMODE_SIGNANDENCRYPT ? "SignAndEncrypt" : m == UA_MESSAGESECURITYMODE_SIGN ? "Sign" : "None";
}

static bool
text_is(const UA_String *s, const char *text)
{
	return s->length == strlen(text) && memcmp(s->data, text, s->length) == 0;
}

enum ua_policy
ua_policy_of(const UA_String *uri)
{
	for (enum ua_policy p = 0; p < UA_POLICIES; p++)
		if (text_is(uri, policies[p].uri))
			return p;
	return UA_POLICIES;
}

static bool
speaks_binary(const UA_EndpointDescription *e)
{
	/* Some Siemens servers leave the profile empty. */
	return e->transportProfileUri.length == 0 ||
	    text_is(&e->transportProfileUri, "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary");
}

/* The site file admits policy and mode. */
static bool
admitted(const struct ua_conf *conf, const UA_EndpointDescription *e, enum ua_policy p)
{
	if (p == UA_POLICIES || (conf->policies >> p & 1) == 0)
		return false;
	switch (e->securityMode) {
	case UA_MESSAGESECURITYMODE_SIGNANDENCRYPT:
		return p != UA_POLICY_NONE && conf->sign_encrypt;
	case UA_MESSAGESECURITYMODE_SIGN:
		return p != UA_POLICY_NONE && conf->sign;
	case UA_MESSAGESECURITYMODE_NONE:
		return p == UA_POLICY_NONE;
	default:
		return false;
	}
}

static UA_UserTokenType
wanted_token(const struct ua_conf *conf)
{
	return conf->user_cert_file != NULL ? UA_USERTOKENTYPE_CERTIFICATE : conf->user != NULL ? UA_USERTOKENTYPE_USERNAME :
	    UA_USERTOKENTYPE_ANONYMOUS;
}

/* The policy that protects a token: its own, else the endpoint's (Part 4, 7.42). */
static enum ua_policy
token_policy(const UA_UserTokenPolicy *t, enum ua_policy endpoint)
{
	return t->securityPolicyUri.length == 0 ? endpoint : ua_policy_of(&t->securityPolicyUri);
}

/* May a token of this kind go out under this policy? A password only encrypted, by its own policy or by the channel's. */
static bool
token_safe(UA_UserTokenType kind, enum ua_policy p, const UA_EndpointDescription *e)
{
	switch (kind) {
	case UA_USERTOKENTYPE_ANONYMOUS:
		return true;
	case UA_USERTOKENTYPE_USERNAME:
		return p < UA_POLICY_NONE ? e->serverCertificate.length > 0 :
		    p == UA_POLICY_NONE && e->securityMode == UA_MESSAGESECURITYMODE_SIGNANDENCRYPT;
	default:
		return p < UA_POLICY_NONE && e->serverCertificate.length > 0;
	}
}

static const UA_UserTokenPolicy *
best_token(const struct ua_conf *conf, const UA_EndpointDescription *e, enum ua_policy endpoint)
{
	const UA_UserTokenPolicy *best = NULL;
	UA_UserTokenType want = wanted_token(conf);

	for (size_t i = 0; i < e->userIdentityTokensSize; i++) {
		const UA_UserTokenPolicy *t = &e->userIdentityTokens[i];
		enum ua_policy p = token_policy(t, endpoint);
		if (t->tokenType == want && token_safe(want, p, e) && (best == NULL || p < token_policy(best, endpoint)))
			best = t;
	}
	return best;
}

/* Higher is better. */
static unsigned
rank(const UA_EndpointDescription *e, enum ua_policy p)
{
	unsigned mode = e->securityMode == UA_MESSAGESECURITYMODE_SIGNANDENCRYPT ? 2 :
	    e->securityMode == UA_MESSAGESECURITYMODE_SIGN ? 1 : 0;

	return mode << 16 | (unsigned)(UA_POLICIES - p) << 8 | e->securityLevel;
}

static void
add(char *text, size_t size, const char *word)
{
	size_t at = strlen(text);

	snprintf(text + at, size - at, "%s%s", at > 0 ? ", " : "", word);
}

/* "Basic256Sha256/Sign" of each endpoint, once. */
static void
list_offers(const UA_EndpointDescription *v, size_t n, char *text, size_t size)
{
	char word[120];

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		const UA_String *u = &v[i].securityPolicyUri;
		const char *hash = u->length > 0 ? memchr(u->data, '#', u->length) : NULL;
		int len = hash != NULL ? (int)(u->length - (size_t)(hash + 1 - (const char *)u->data)) : 0;
		snprintf(word, sizeof word, "%.*s/%s", len < 60 ? len : 60, hash != NULL ? hash + 1 : "", ua_mode_name(v[i].securityMode));
		if (strstr(text, word) == NULL && strlen(text) + sizeof word < size)
			add(text, size, word);
	}
	if (n == 0)
		add(text, size, "nothing");
}

static void
list_admitted(const struct ua_conf *conf, char *text, size_t size)
{
	text[0] = '\0';
	for (enum ua_policy p = 0; p < UA_POLICIES; p++)
		if ((conf->policies >> p & 1) != 0)
			add(text, size, policies[p].key);
	if ((conf->policies & ((1u << UA_POLICY_NONE) - 1)) != 0 && !(conf->sign_encrypt && conf->sign))
		add(text, size, conf->sign_encrypt ? "only sign-and-encrypt" : "only sign");
}

static void
list_tokens(const UA_EndpointDescription *v, size_t n, char *text, size_t size)
{
	static const char *const kinds[] = { "anonymous", "user name", "certificate", "issued token" };
	char word[120];

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < v[i].userIdentityTokensSize; k++) {
			const UA_UserTokenPolicy *t = &v[i].userIdentityTokens[k];
			enum ua_policy p = token_policy(t, ua_policy_of(&v[i].securityPolicyUri));
			if ((unsigned)t->tokenType > 3)
				continue;
			snprintf(word, sizeof word, "%s on %s (protected by %s)", kinds[t->tokenType],
			    ua_mode_name(v[i].securityMode), ua_policy_name(p));
			if (strstr(text, word) == NULL && strlen(text) + sizeof word < size)
				add(text, size, word);
		}
	if (text[0] == '\0')
		add(text, size, "nobody");
}

/* Nothing fits: say what both sides have, and what to do. */
static int
refuse(const struct ua_conf *conf, const UA_EndpointDescription *v, size_t n, bool token, char *why, size_t size)
{
	static const char *const users[] = { "an anonymous session", "a user with a password", "a user with a certificate" };
	char offers[400], mine[200];

	if (token) {
		list_tokens(v, n, offers, sizeof offers);
		snprintf(why, size, "choosing an endpoint: the site file asks for %s, which no endpoint admitted here takes%s; "
		    "the server takes %s. Change `user` or `user-certificate` of this source, or the server's user settings",
		    users[wanted_token(conf)], wanted_token(conf) == UA_USERTOKENTYPE_USERNAME ?
		    " with the password encrypted (it is never sent in the clear)" : "", offers);
		return ERR_DENIED;
	}
	list_offers(v, n, offers, sizeof offers);
	list_admitted(conf, mine, sizeof mine);
	snprintf(why, size, "choosing an endpoint: no security policy that both sides have. The server offers %s; the site file "
	    "admits %s. Switch a current policy on in the server, or name what it has under `security` and `mode` of this "
	    "source", offers, mine);
	return ERR_DENIED;
}

int
ua_choose(const struct ua_conf *conf, const UA_EndpointDescription *v, size_t n, struct ua_choice *out, char *why, size_t size)
{
	const UA_EndpointDescription *best = NULL;
	const UA_UserTokenPolicy *token = NULL;
	bool fits = false;

	if (n > UA_ENDPOINTS_MAX)
		n = UA_ENDPOINTS_MAX;
	for (size_t i = 0; i < n; i++) {
		enum ua_policy p = ua_policy_of(&v[i].securityPolicyUri);
		if (!speaks_binary(&v[i]) || !admitted(conf, &v[i], p) ||
		    (p != UA_POLICY_NONE && v[i].serverCertificate.length == 0))
			continue;
		fits = true;
		const UA_UserTokenPolicy *t = best_token(conf, &v[i], p);
		if (t == NULL || (best != NULL && rank(&v[i], p) <= rank(best, ua_policy_of(&best->securityPolicyUri))))
			continue;
		best = &v[i];
		token = t;
	}
	if (best == NULL)
		return refuse(conf, v, n, fits, why, size);
	memset(out, 0, sizeof *out);
	out->policy = ua_policy_of(&best->securityPolicyUri);
	if (UA_EndpointDescription_copy(best, &out->endpoint) != UA_STATUSCODE_GOOD ||
	    UA_UserTokenPolicy_copy(token, &out->token) != UA_STATUSCODE_GOOD) {
		ua_choice_clear(out);
		snprintf(why, size, "choosing an endpoint: out of memory");
		return ERR_NOMEM;
	}
	return 0;
}

bool
ua_choice_stands(const struct ua_conf *conf, const struct ua_choice *c, const UA_EndpointDescription *v, size_t n, char *why, size_t size)
{
	struct ua_choice now;
	char text[400];

	if (ua_choose(conf, v, n, &now, text, sizeof text) == 0) {
		bool same = now.policy == c->policy && now.endpoint.securityMode == c->endpoint.securityMode &&
		    token_policy(&now.token, now.policy) == token_policy(&c->token, c->policy);
		snprintf(text, sizeof text, "%s/%s, user protected by %s", ua_policy_name(now.policy), ua_mode_name(now.endpoint.securityMode),
		    ua_policy_name(token_policy(&now.token, now.policy)));
		ua_choice_clear(&now);
		if (same)
			return true;
	}
	snprintf(why, size, "checking the endpoints: %s/%s (user protected by %s) was chosen from a list that came unprotected, but the list "
	    "that the server sends protected leads to: %s. Somebody on the way alters messages to weaken the connection, or the server's "
	    "security was changed this moment; if this stays, examine the network between here and the server",
	    ua_policy_name(c->policy), ua_mode_name(c->endpoint.securityMode), ua_policy_name(token_policy(&c->token, c->policy)), text);
	return false;
}

void
ua_choice_clear(struct ua_choice *c)
{
	UA_EndpointDescription_clear(&c->endpoint);
	UA_UserTokenPolicy_clear(&c->token);
}
