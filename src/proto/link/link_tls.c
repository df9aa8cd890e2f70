/*
 * See link_tls.h. OpenSSL reads and writes through a BIO of ours, with a run of bytes each way: so there is one copy between the stream and the cipher.
 * Memory BIOs make two; and OpenSSL's own reading ahead moves all that waits with each record, for the sake of alignment.
 */
#include "proto/link/link_tls.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#define CHAIN_MAX	(64u << 10)
#define OUT_MAX		(64u << 20)
#define READ_ONCE	(128u << 10)	/* of cipher text, at most */

struct link_tls {
	SSL_CTX		*ctx;
	SSL		*ssl;
	BIO_METHOD	*way;
	ssize_t		(*read)(void *arg, void *p, size_t len);
	void		*read_arg;
	int		 lost;		/* what the stream said when it ended, 0 before */
	uint8_t		*in;		/* [READ_ONCE]: in_at..in_len is not decrypted yet */
	size_t		 in_at, in_len;
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

/* ---- the way of cipher text ---- */

/* Bytes into t->in, which is empty. Above 0: there are some. */
static int
fill(struct link_tls *t)
{
	ssize_t n = t->lost != 0 ? t->lost : t->read(t->read_arg, t->in, READ_ONCE);

	t->in_at = 0;
	t->in_len = n > 0 ? (size_t)n : 0;
	if (n <= 0 && n != ERR_AGAIN)
		t->lost = (int)n;
	return n > 0 ? 1 : (int)n;
}

static int
way_read(BIO *b, char *p, int len)
{
	struct link_tls *t = BIO_get_data(b);
	int rc = len <= 0 ? -1 : t->in_at < t->in_len ? 1 : fill(t);

	BIO_clear_retry_flags(b);
	if (rc <= 0) {
		if (rc == ERR_AGAIN)
			BIO_set_retry_read(b);
		return rc == ERR_END ? 0 : -1;
	}
	size_t n = t->in_len - t->in_at < (size_t)len ? t->in_len - t->in_at : (size_t)len;
	memcpy(p, t->in + t->in_at, n);
	t->in_at += n;
	return (int)n;
}

static int
way_write(BIO *b, const char *p, int len)
{
	struct link_tls *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (len <= 0)
		return 0;
	buf_put(&t->out, p, (size_t)len);
	return t->out.err != 0 ? -1 : len;
}

static long
way_ctrl(BIO *b, int what, long n, void *p)
{
	const struct link_tls *t = BIO_get_data(b);
	(void)n;
	(void)p;

	if (what == BIO_CTRL_EOF)
		return t->lost != 0;
	return what == BIO_CTRL_FLUSH;
}

static BIO *
way_new(struct link_tls *t)
{
	t->way = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "link");
	if (t->way == NULL)
		return NULL;
	BIO_meth_set_read(t->way, way_read);
	BIO_meth_set_write(t->way, way_write);
	BIO_meth_set_ctrl(t->way, way_ctrl);
	BIO *b = BIO_new(t->way);
	if (b != NULL) {
		BIO_set_data(b, t);
		BIO_set_init(b, 1);
	}
	return b;
}

/* ---- who it is ---- */

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
	BIO *way;

	if (err == 0 && ((t->in = malloc(READ_ONCE)) == NULL || (t->ctx = SSL_CTX_new(conf->server ? TLS_server_method() : TLS_client_method())) == NULL))
		err = ERR_NOMEM;
	if (err != 0)
		goto fail;
	t->judge = conf->judge;
	t->arg = conf->arg;
	t->out.max = OUT_MAX;
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_3_VERSION);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(t->ctx, 0);
	/* RFC 8446, 9.1: the one that all must have goes first; it costs least too. */
	SSL_CTX_set_ciphersuites(t->ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(t->ctx, verify, t);
	err = show(t->ctx, conf);
	if (err != 0)
		goto fail;
	err = ERR_NOMEM;
	if ((t->ssl = SSL_new(t->ctx)) == NULL || (way = way_new(t)) == NULL)
		goto fail;
	SSL_set_bio(t->ssl, way, way);
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
	BIO_meth_free(t->way);
	buf_fini(&t->out);
	free(t->in);
	free(t);
}

void
link_tls_source(struct link_tls *t, ssize_t (*read)(void *arg, void *p, size_t len), void *arg)
{
	t->read = read;
	t->read_arg = arg;
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
	if (t->lost != 0) {
		ERR_clear_error();
		return t->lost;
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
link_tls_out(const struct link_tls *t, const void **p)
{
	*p = buf_text(&t->out) + t->out_at;
	return t->out.len - t->out_at;
}

void
link_tls_sent(struct link_tls *t, size_t n)
{
	t->out_at += n;
	if (t->out_at == t->out.len) {
		buf_reset(&t->out);
		t->out_at = 0;
	}
}

int
link_tls_binding(struct link_tls *t, uint8_t out[LINK_TLS_BINDING])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (!link_tls_ready(t))
		return ERR_AGAIN;
	int ok = SSL_export_keying_material(t->ssl, out, LINK_TLS_BINDING, label, sizeof label - 1, NULL, 0, 1);
	ERR_clear_error();
	return ok == 1 ? 0 : ERR_PROTO;
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
