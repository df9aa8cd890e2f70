/* Which endpoint is chosen, as a table: what a server offers, what the site file admits, what comes of it. */
#include <stdio.h>
#include <string.h>

#include "base/test.h"
#include "driver/opcua/conn.h"

#define U(name) "http://opcfoundation.org/UA/SecurityPolicy#" name
enum { NO = 1, SI = 2, EN = 3 };	/* Part 4, 7.20: None, Sign, SignAndEncrypt */
#define ALL ((1u << UA_POLICY_NONE) - 1)
#define NONE (1u << UA_POLICY_NONE)

struct offer { const char *policy; int mode; const char *token_policy; UA_UserTokenType token; UA_Byte level; };

/* Anonymous users, no policy of their own. */
#define P(policy, mode) { policy, mode, NULL, UA_USERTOKENTYPE_ANONYMOUS, 0 }
#define END { NULL, 0, NULL, UA_USERTOKENTYPE_ANONYMOUS, 0 }

static UA_EndpointDescription made[8];
static UA_UserTokenPolicy tokens[8];

static size_t
make(const struct offer *v)
{
	static UA_Byte cert[] = { 0x30 };
	size_t n = 0;

	for (; v[n].policy != NULL; n++) {
		memset(&made[n], 0, sizeof made[n]);
		memset(&tokens[n], 0, sizeof tokens[n]);
		made[n].securityPolicyUri = UA_STRING((char *)(uintptr_t)v[n].policy);
		made[n].securityMode = (UA_MessageSecurityMode)v[n].mode;
		made[n].securityLevel = v[n].level;
		made[n].serverCertificate = (UA_ByteString){ 1, cert };
		made[n].userIdentityTokens = &tokens[n];
		made[n].userIdentityTokensSize = 1;
		tokens[n].tokenType = v[n].token;
		if (v[n].token_policy != NULL)
			tokens[n].securityPolicyUri = UA_STRING((char *)(uintptr_t)v[n].token_policy);
	}
	return n;
}

/* The number of the offer that is taken, -1: none. */
static int
choose(const struct ua_conf *conf, const struct offer *v, char *why, size_t size)
{
	struct ua_choice c;
	size_t n = make(v);

	if (ua_choose(conf, made, n, &c, why, size) != 0)
		return -1;
	int which = -2;
	for (size_t i = 0; i < n; i++)
		if (UA_String_equal(&c.endpoint.securityPolicyUri, &made[i].securityPolicyUri) && c.endpoint.securityMode == made[i].securityMode)
			which = (int)i;
	ua_choice_clear(&c);
	return which;
}

TEST(the_strongest_that_both_sides_have_is_taken)
{
	static const struct { uint32_t policies; bool encrypt, sign; struct offer v[6]; int want; } rows[] = {
		{ ALL, true, true, { P(U("None"), NO), P(U("Basic256Sha256"), SI), P(U("Basic256Sha256"), EN) }, 2 },
		{ ALL, true, true, { P(U("Aes128_Sha256_RsaOaep"), EN), P(U("Aes256_Sha256_RsaPss"), EN), P(U("Basic256Sha256"), EN) }, 1 },
		{ ALL, true, true, { P(U("Aes128_Sha256_RsaOaep"), EN), P(U("Basic256Sha256"), EN) }, 1 },
		/* Encryption counts before the policy. */
		{ ALL, true, true, { P(U("Aes256_Sha256_RsaPss"), SI), P(U("Aes128_Sha256_RsaOaep"), EN) }, 1 },
		{ ALL, false, true, { P(U("Aes256_Sha256_RsaPss"), SI), P(U("Aes256_Sha256_RsaPss"), EN) }, 0 },
		{ 1u << UA_POLICY_AES128, true, true, { P(U("Aes256_Sha256_RsaPss"), EN), P(U("Aes128_Sha256_RsaOaep"), SI) }, 1 },
		/* None only if the file says so, and even then last, whatever level the server claims for it. */
		{ ALL, true, true, { P(U("None"), NO) }, -1 },
		{ ALL | NONE, true, true, { { U("None"), NO, NULL, 0, 255 }, { U("Aes128_Sha256_RsaOaep"), SI, NULL, 0, 0 } }, 1 },
		{ NONE, true, true, { P(U("None"), NO), P(U("Basic256Sha256"), EN) }, 0 },
		/* What is broken, unknown or makes no sense is never taken. */
		{ ALL | NONE, true, true, { P(U("Basic256"), EN), P(U("Basic128Rsa15"), EN), P(U("Quantum"), EN) }, -1 },
		{ ALL | NONE, true, true, { P(U("None"), EN), P(U("Basic256Sha256"), NO), P(U("Basic256Sha256"), 0), P("", NO) }, -1 },
		{ ALL, true, true, { END }, -1 },
	};
	char why[600];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ua_conf conf = { .policies = rows[i].policies, .sign_encrypt = rows[i].encrypt, .sign = rows[i].sign };
		CHECK_INT(choose(&conf, rows[i].v, why, sizeof why), rows[i].want);
		if (rows[i].want < 0)
			CHECK(strstr(why, "no security policy that both sides have") != NULL);
	}
}

TEST(a_password_goes_out_encrypted_or_not_at_all)
{
	static const struct { uint32_t policies; struct offer v[4]; int want; } rows[] = {
		{ ALL, { { U("Basic256Sha256"), EN, NULL, UA_USERTOKENTYPE_USERNAME, 0 } }, 0 },
		{ ALL, { { U("Basic256Sha256"), SI, NULL, UA_USERTOKENTYPE_USERNAME, 0 } }, 0 },	/* the channel's policy encrypts it */
		{ ALL, { { U("Basic256Sha256"), EN, U("None"), UA_USERTOKENTYPE_USERNAME, 0 } }, 0 },	/* the channel hides it */
		{ ALL, { { U("Basic256Sha256"), SI, U("None"), UA_USERTOKENTYPE_USERNAME, 0 } }, -1 },
		{ NONE, { { U("None"), NO, NULL, UA_USERTOKENTYPE_USERNAME, 0 } }, -1 },
		{ NONE, { { U("None"), NO, U("None"), UA_USERTOKENTYPE_USERNAME, 0 } }, -1 },
		{ NONE, { { U("None"), NO, U("Basic256"), UA_USERTOKENTYPE_USERNAME, 0 } }, -1 },
		{ NONE, { { U("None"), NO, U("Basic256Sha256"), UA_USERTOKENTYPE_USERNAME, 0 } }, 0 },
		{ ALL, { { U("Basic256Sha256"), EN, NULL, UA_USERTOKENTYPE_ANONYMOUS, 0 } }, -1 },
		/* A weaker endpoint that takes the user is better than a stronger one that does not. */
		{ ALL, { { U("Aes256_Sha256_RsaPss"), EN, NULL, UA_USERTOKENTYPE_ANONYMOUS, 0 },
		    { U("Basic256Sha256"), EN, NULL, UA_USERTOKENTYPE_USERNAME, 0 } }, 1 },
	};
	char why[600];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ua_conf conf = { .policies = rows[i].policies, .sign_encrypt = true, .sign = true, .user = "maria" };
		CHECK_INT(choose(&conf, rows[i].v, why, sizeof why), rows[i].want);
		if (rows[i].want < 0)
			CHECK(strstr(why, "never sent in the clear") != NULL);
	}
}

TEST(a_list_that_was_altered_on_the_way_is_found_out_over_the_secured_channel)
{
	static const struct { struct offer heard[4], true_list[4]; bool stands; } rows[] = {
		{ { P(U("None"), NO), P(U("Basic256Sha256"), EN) }, { P(U("Basic256Sha256"), EN), P(U("None"), NO) }, true },
		{ { P(U("Basic256Sha256"), SI) }, { P(U("Basic256Sha256"), SI), P(U("Basic256Sha256"), EN) }, false },
		{ { P(U("Aes128_Sha256_RsaOaep"), EN) }, { P(U("Aes256_Sha256_RsaPss"), EN), P(U("Aes128_Sha256_RsaOaep"), EN) }, false },
		{ { { U("Basic256Sha256"), EN, U("Aes128_Sha256_RsaOaep"), 0, 0 } }, { P(U("Basic256Sha256"), EN) }, false },
		{ { P(U("Basic256Sha256"), EN) }, { P(U("Basic256"), EN) }, false },
		{ { P(U("Basic256Sha256"), EN) }, { END }, false },
	};
	struct ua_conf conf = { .policies = ALL, .sign_encrypt = true, .sign = true };
	struct ua_choice c;
	char why[1024];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n = make(rows[i].heard);
		CHECK_INT(ua_choose(&conf, made, n, &c, why, sizeof why), 0);
		n = make(rows[i].true_list);
		why[0] = '\0';
		CHECK_INT(ua_choice_stands(&conf, &c, made, n, why, sizeof why), rows[i].stands);
		CHECK(rows[i].stands == (strstr(why, "alters messages") == NULL));
		ua_choice_clear(&c);
	}
}

TEST(without_a_certificate_of_the_server_nothing_is_secret)
{
	static const struct offer v[] = { P(U("Basic256Sha256"), EN), END };
	struct ua_conf conf = { .policies = ALL, .sign_encrypt = true, .sign = true };
	struct ua_choice c;
	char why[600];
	size_t n = make(v);

	made[0].serverCertificate = UA_BYTESTRING_NULL;
	CHECK_INT(ua_choose(&conf, made, n, &c, why, sizeof why), ERR_DENIED);
}

TEST(a_leaf_is_cut_off_its_chain)
{
	UA_Byte chain[] = { 0x30, 0x82, 0x00, 0x02, 1, 2, 0x30, 0x82, 0x00, 0x01, 3 }, odd[] = { 0x30, 0x03, 1, 2, 3 };
	UA_Byte past[] = { 0x30, 0x82, 0xff, 0xff, 1 };

	CHECK_INT(ua_leaf((UA_ByteString){ sizeof chain, chain }).length, 6);
	CHECK_INT(ua_leaf((UA_ByteString){ sizeof odd, odd }).length, sizeof odd);
	CHECK_INT(ua_leaf((UA_ByteString){ sizeof past, past }).length, sizeof past);
	CHECK_INT(ua_leaf(UA_BYTESTRING_NULL).length, 0);
}

TEST_MAIN
