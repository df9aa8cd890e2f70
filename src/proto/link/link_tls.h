/*
 * TLS 1.3 (RFC 8446) without a socket: cipher text comes through a function of the caller and goes out through memory, plain text above it. Both sides show a certificate; who the other one is,
 * the caller judges, chain in hand. No session is resumed, so each connection is judged anew.
 */
#ifndef PROTO_LINK_TLS_H
#define PROTO_LINK_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct link_tls_conf {
	bool		 server;	/* waits for the other one's ClientHello */
	const uint8_t	*chain;		/* our certificate and its issuers, DER one behind the other */
	size_t		 chain_len;
	const uint8_t	*key;		/* PKCS#1 RSAPrivateKey, DER */
	size_t		 key_len;
	/* The other one's chain, likewise. Called once, before anything is read or said. True: it is whom we want. */
	bool		 (*judge)(void *arg, const uint8_t *chain, size_t len);
	void		*arg;
};

struct link_tls;
/* conf and what it points to is borrowed during the call, but arg. Given: link_tls_free(). ERR_NOMEM, ERR_CORRUPT (certificate or key). */
int link_tls_new(const struct link_tls_conf *conf, struct link_tls **out);
void link_tls_free(struct link_tls *t);
/* Where cipher text comes from, as stream_read() of os/stream.h: bytes, ERR_AGAIN for none now, ERR_END and others for never again. To be said before reading. */
void link_tls_source(struct link_tls *t, ssize_t (*read)(void *arg, void *p, size_t len), void *arg);
/*
 * Plain text: > 0; ERR_AGAIN; ERR_END: the other side has ended it in good order; ERR_DENIED: one did not accept the other; ERR_PROTO; or what the
 * source said. Drives the handshake.
 */
ssize_t link_tls_read(struct link_tls *t, void *p, size_t len);
/* The handshake is over: link_tls_write() may be called. */
bool link_tls_ready(const struct link_tls *t);
/* Takes all. 0, ERR_AGAIN (not ready), ERR_PROTO. */
int link_tls_write(struct link_tls *t, const void *p, size_t len);
/* Cipher text to be sent, borrowed; link_tls_sent() says how much of it went. Returns its length. */
size_t link_tls_out(const struct link_tls *t, const void **p);
void link_tls_sent(struct link_tls *t, size_t n);
/*
 * 32 bytes that belong to this handshake alone, the same at both ends, and another one at each leg of somebody who stands between: RFC 8446, 7.5,
 * with the label and length of RFC 9266. 0; ERR_AGAIN: the handshake is not over.
 */
#define LINK_TLS_BINDING 32u
int link_tls_binding(struct link_tls *t, uint8_t out[LINK_TLS_BINDING]);
/* Say that nothing more comes. */
void link_tls_end(struct link_tls *t);
/* What OpenSSL says of the last failure, "" when nothing. */
const char *link_tls_why(const struct link_tls *t);

#endif
