/*
 * Who we are for the session: nobody, a user with a password, or a user with a certificate. Password and key are read from their files for each attempt, so a
 * change needs no reload; they are wiped here, and live in the client's configuration until it is deleted, since the library activates with them.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "driver/opcua/conn.h"
#include "os/file.h"

#define SECRET_MAX (64u << 10)

static int
read_file(struct ua_open *o, const char *path, const char *what, struct buf *out)
{
	int err = path != NULL ? file_read(path, SECRET_MAX, out) : ERR_NOTFOUND;

	if (path == NULL)
		ua_open_fail(o, "the site file names no %s", what);
	else if (err != 0)
		ua_open_fail(o, "the %s cannot be read from %s: %s", what, path, err_text(err));
	return err;
}

static void
wipe(struct buf *b)
{
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	buf_fini(b);
}

static UA_ByteString
bytes(const void *p, size_t len)
{
	UA_ByteString s;

	if (UA_ByteString_allocBuffer(&s, len) != UA_STATUSCODE_GOOD)
		return UA_BYTESTRING_NULL;
	if (len > 0)
		memcpy(s.data, p, len);
	return s;
}

static int
by_name(struct ua_open *o, UA_ClientConfig *cc)
{
	struct buf secret = { 0 };
	UA_UserNameIdentityToken *token = UA_UserNameIdentityToken_new();
	int err = token == NULL ? ERR_NOMEM : read_file(o, o->t->conf.password_file, "password (key `password`)", &secret);

	if (err == 0) {
		/* Editors end a file with a newline; a password ends with none. */
		while (secret.len > 0 && (secret.p[secret.len - 1] == '\n' || secret.p[secret.len - 1] == '\r'))
			secret.len--;
		token->userName = UA_STRING_ALLOC(o->t->conf.user);
		token->password = bytes(secret.p, secret.len);
		UA_ExtensionObject_setValue(&cc->userIdentityToken, token, &UA_TYPES[UA_TYPES_USERNAMEIDENTITYTOKEN]);
		token = NULL;
	}
	if (token != NULL)
		UA_UserNameIdentityToken_delete(token);
	wipe(&secret);
	return err;
}

/* The user's certificate as DER. */
static int
read_certificate(struct ua_open *o, UA_ByteString *out)
{
	struct buf file = { 0 };
	const char *path = o->t->conf.user_cert_file;
	uint8_t *der = NULL;
	int err = read_file(o, path, "user's certificate (key `user-certificate`)", &file);

	if (err != 0)
		return err;
	BIO *bio = BIO_new_mem_buf(file.p, (int)file.len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	const uint8_t *p = (const uint8_t *)file.p;
	if (x == NULL)
		x = d2i_X509(NULL, &p, (long)file.len);
	int len = x != NULL ? i2d_X509(x, &der) : -1;
	if (len > 0)
		*out = bytes(der, (size_t)len);
	else {
		ua_open_fail(o, "the user's certificate in %s is neither PEM nor DER", path);
		err = ERR_SYNTAX;
	}
	OPENSSL_free(der);
	X509_free(x);
	BIO_free(bio);
	buf_fini(&file);
	return err;
}

/* Its key in the form that the library takes: PKCS#1. */
static int
read_key(struct ua_open *o, UA_ByteString *out)
{
	struct buf file = { 0 };
	const char *path = o->t->conf.user_key_file;
	uint8_t *der = NULL;
	int err = read_file(o, path, "key of the user's certificate (key `user-key`)", &file);

	if (err != 0)
		return err;
	BIO *bio = BIO_new_mem_buf(file.p, (int)file.len);
	EVP_PKEY *k = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t)"");
	const uint8_t *p = (const uint8_t *)file.p;
	if (k == NULL)
		k = d2i_AutoPrivateKey(NULL, &p, (long)file.len);
	int len = k != NULL && EVP_PKEY_get_base_id(k) == EVP_PKEY_RSA ? i2d_PrivateKey(k, &der) : -1;
	if (len > 0) {
		*out = bytes(der, (size_t)len);
		OPENSSL_cleanse(der, (size_t)len);
	} else {
		ua_open_fail(o, "the key in %s is no RSA key in PEM or DER without a pass phrase", path);
		err = ERR_SYNTAX;
	}
	OPENSSL_free(der);
	EVP_PKEY_free(k);
	BIO_free(bio);
	wipe(&file);
	return err;
}

static int
by_certificate(struct ua_open *o, UA_ClientConfig *cc, enum ua_policy p)
{
	UA_ByteString cert = UA_BYTESTRING_NULL, key = UA_BYTESTRING_NULL;
	UA_X509IdentityToken *token = UA_X509IdentityToken_new();
	int err = token == NULL ? ERR_NOMEM : read_certificate(o, &cert);

	if (err == 0)
		err = read_key(o, &key);
	if (err == 0)
		err = ua_security_policy(o, p, cert, key, &cc->authSecurityPolicies, &cc->authSecurityPoliciesSize);
	if (err == 0) {
		token->certificateData = cert;
		cert = UA_BYTESTRING_NULL;
		UA_ExtensionObject_setValue(&cc->userIdentityToken, token, &UA_TYPES[UA_TYPES_X509IDENTITYTOKEN]);
		token = NULL;
	}
	if (token != NULL)
		UA_X509IdentityToken_delete(token);
	if (key.data != NULL)
		OPENSSL_cleanse(key.data, key.length);
	UA_ByteString_clear(&key);
	UA_ByteString_clear(&cert);
	return err;
}

int
ua_identity(struct ua_open *o, UA_ClientConfig *cc)
{
	struct ua_conn *c = o->t->agent.conn;
	const struct ua_choice *choice = &o->choice;
	enum ua_policy p = choice->token.securityPolicyUri.length > 0 ? ua_policy_of(&choice->token.securityPolicyUri) : choice->policy;

	if (UA_UserTokenPolicy_copy(&choice->token, &cc->userTokenPolicy) != UA_STATUSCODE_GOOD)
		return ERR_NOMEM;
	if (choice->token.tokenType == UA_USERTOKENTYPE_ANONYMOUS)
		return 0;
	if (choice->token.tokenType == UA_USERTOKENTYPE_CERTIFICATE)
		return by_certificate(o, cc, p);
	if (p < UA_POLICY_NONE) {
		UA_ByteString cert = { c->own.cert_len, c->own.cert }, key = { c->own.key_len, c->own.key };
		int err = ua_security_policy(o, p, cert, key, &cc->authSecurityPolicies, &cc->authSecurityPoliciesSize);
		if (err != 0)
			return err;
	}
	return by_name(o, cc);
}
