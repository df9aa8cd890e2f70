/* See link_tls.h. What OpenSSL wants to send is copied to a buffer of ours, since a memory BIO moves all its bytes with each partial read. */
#include "proto/link/link_tls.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"

#define CHAIN_MAX	(64u << 10)
#define OUT_MAX		(64u << 20)

struct link_tls {
	SSL_CTX		*ctx;
	SSL		*ssl;
	BIO		*in, *net;	/* the SSL's */
	bool		 denied;
	struct buf	 out;
	size_t		 out_at;
	bool		 (*judge)(void *arg, const uint8_t *chain, size_t len);
	void		*arg;
	char		 why[200];
};

static void
note(struct link_tls *t)
{
	unsigned long e = ERR_peek_error();

	if (e != 0)
		ERR_error_string_n(e, t->why, sizeof t->why);
	ERR_clear_error();
}

/* Called by OpenSSL with what the peer sent; its own path validation is not asked, pki/ does that with the plant's rules. */
static int
verify(X509_STORE_CTX *store, void *arg)
{
	struct link_tls *t = arg;
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
	uint8_t *bytes = malloc(CHAIN_MAX), *at = bytes;
	bool ok = bytes != NULL && sent != NULL;

	for (int i = 0; ok && i < sk_X509_num(sent); i++) {
		int len = i2d_X509(sk_X509_value(sent, i), NULL);
		ok = len > 0 && (size_t)len <= CHAIN_MAX - (size_t)(at - bytes);
		if (ok)
			i2d_X509(sk_X509_value(sent, i), &at);
	}
	ok = ok && t->judge(t->arg, bytes, (size_t)(at - bytes));
	free(bytes);
	t->denied = !ok;
	X509_STORE_CTX_set_error(store, ok ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
	return ok;
}

static int
show(SSL_CTX *ctx, const struct link_tls_conf *conf)
{
	const unsigned char *p = conf->chain, *end = p + conf->chain_len, *k = conf->key;
	bool first = true;

	while (p < end) {	/* ends: each certificate takes bytes */
		X509 *x = d2i_X509(NULL, &p, end - p);
		bool ok = x != NULL && (first ? SSL_CTX_use_certificate(ctx, x) == 1 : SSL_CTX_add1_chain_cert(ctx, x) == 1);
		X509_free(x);
		if (!ok)
			return ERR_CORRUPT;
		first = false;
	}
	EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &k, (long)conf->key_len);
	bool ok = !first && key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
	EVP_PKEY_free(key);
	return ok ? 0 : ERR_CORRUPT;
}

int
link_tls_new(const struct link_tls_conf *conf, struct link_tls **out)
{
	struct link_tls *t = calloc(1, sizeof *t);
	int err = t == NULL ? ERR_NOMEM : 0;

	if (err == 0 && (t->ctx = SSL_CTX_new(conf->server ? TLS_server_method() : TLS_client_method())) == NULL)
		err = ERR_NOMEM;
	if (err != 0)
		goto fail;
	t->judge = conf->judge;
	t->arg = conf->arg;
	t->out.max = OUT_MAX;
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_3_VERSION);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(t->ctx, 0);
	SSL_CTX_set_read_ahead(t->ctx, 1);
	/* RFC 8446, 9.1: the one that all must have goes first; it costs least too. */
	SSL_CTX_set_ciphersuites(t->ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(t->ctx, verify, t);
	err = show(t->ctx, conf);
	if (err != 0)
		goto fail;
	err = ERR_NOMEM;
	if ((t->ssl = SSL_new(t->ctx)) == NULL || (t->in = BIO_new(BIO_s_mem())) == NULL)
		goto fail;
	if ((t->net = BIO_new(BIO_s_mem())) == NULL) {
		BIO_free(t->in);
		goto fail;
	}
	SSL_set_bio(t->ssl, t->in, t->net);
	if (conf->server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	*out = t;
	return 0;
fail:
	ERR_clear_error();
	link_tls_free(t);
	return err;
}

void
link_tls_free(struct link_tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	buf_fini(&t->out);
	free(t);
}

int
link_tls_feed(struct link_tls *t, const void *p, size_t len)
{
	return len == 0 || BIO_write(t->in, p, (int)len) == (int)len ? 0 : ERR_NOMEM;
}

static int
failure(struct link_tls *t, int rc)
{
	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return ERR_END;
	default:
		break;
	}
	/* The far end tells by an alert that it does not want us: RFC 8446, 6.2. */
	int reason = ERR_GET_REASON(ERR_peek_error());
	bool refused = t->denied || (reason >= SSL_R_SSLV3_ALERT_BAD_CERTIFICATE && reason <= SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN) ||
	    reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA || reason == SSL_R_TLSV1_ALERT_ACCESS_DENIED || reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED;
	note(t);
	return refused ? ERR_DENIED : ERR_PROTO;
}

ssize_t
link_tls_read(struct link_tls *t, void *p, size_t len)
{
	ERR_clear_error();
	int n = SSL_read(t->ssl, p, len > INT32_MAX ? INT32_MAX : (int)len);
	return n > 0 ? n : failure(t, n);
}

bool
link_tls_ready(const struct link_tls *t)
{
	return SSL_is_init_finished(t->ssl) == 1;
}

int
link_tls_write(struct link_tls *t, const void *p, size_t len)
{
	const uint8_t *at = p;

	if (!link_tls_ready(t))
		return ERR_AGAIN;
	ERR_clear_error();
	while (len > 0) {
		int n = SSL_write(t->ssl, at, len > INT32_MAX ? INT32_MAX : (int)len);
		if (n <= 0)
			return failure(t, n);
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

size_t
link_tls_out(struct link_tls *t, const void **p)
{
	if (t->out_at == t->out.len) {
		size_t n = BIO_ctrl_pending(t->net);
		char *room;
		buf_reset(&t->out);
		t->out_at = 0;
		if (n > 0 && (room = buf_room(&t->out, n)) != NULL) {
			int got = BIO_read(t->net, room, (int)n);
			t->out.len = got > 0 ? (size_t)got : 0;
		}
	}
	*p = t->out.p + t->out_at;
	return t->out.len - t->out_at;
}

void
link_tls_sent(struct link_tls *t, size_t n)
{
	t->out_at += n;
}

void
link_tls_end(struct link_tls *t)
{
	if (link_tls_ready(t))
		SSL_shutdown(t->ssl);
	ERR_clear_error();
}

const char *
link_tls_why(const struct link_tls *t)
{
	return t->why;
}
