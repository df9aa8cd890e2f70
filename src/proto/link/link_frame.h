/*
 * What two nodes say to each other: frames inside TLS 1.3. The *sender* is the link sink of the lower node, the *receiver* the link driver of the
 * upper one. Sans I/O; neither way allocates. All numbers are little-endian; *text* is a varint length and so many bytes of UTF-8 without a NUL.
 *
 *	frame	u32 length of what follows (1..LINK_FRAME_MAX), u8 kind, body
 *
 *	1 HELLO	both, first		"PNSTKLNK", u16 version (1), text name of the node, u32 window: batches that may be unanswered (receiver; else 0)
 *	2 OFFER	sender			u32 stream (a number of this connection), u64 id (random, the sender's for this stream for good), u64 0,
 *					text flow, u32 schema version, then the schema file of the spool to the end (doc/spool-format.md)
 *	3 HAVE	receiver, one an OFFER	u32 stream, u32 count (0..LINK_HAVE_MAX), then count times: u64 first, u64 last, 32 bytes hash: what it has durably
 *	4 BATCH	sender, after HAVE	u32 stream, 120 bytes batch header, payload as stored to the end (doc/spool-format.md)
 *	5 ACK	receiver		u32 stream, u64 first, u64 last: this batch is durable
 *	6 PING	both			nothing; sent when nothing else was for a while
 *	7 CLOSE	both			text why; the connection ends
 *	8 JOIN	who joins, first	"PNSTKENR", u16 version (1), text its name, text name of whom it wants, 32 bytes proof (enrol/proof.h)
 *	9 WELCOME who invited		32 bytes proof: the other certificate is pinned
 *	10 PINNED who joins		nothing: this one is pinned too
 *	11 RENEW both, any time		u16 length, so many bytes of signature by the key of this connection, the next certificate (DER) to the end
 *	12 RENEWED both			32 bytes SHA-256 of a certificate: it is pinned beside the present one
 *
 * Batches of a stream come in order of their numbers; those of different streams in any. 8 to 10 are spoken with `penstock node invite` alone, in
 * which nothing else is; 11 and 12 are what pki/succeed.h describes.
 */
#ifndef PROTO_LINK_FRAME_H
#define PROTO_LINK_FRAME_H

#include "base/buf.h"
#include "base/bytes.h"

#define LINK_VERSION	1u
#define LINK_FRAME_MAX	(16u << 20)	/* of one frame; a batch is 4 MiB at most, a schema may be more */
#define LINK_NAME_MAX	255u		/* of a node or a flow, bytes */
#define LINK_WHY_MAX	500u
#define LINK_HAVE_MAX	256u
#define LINK_WINDOW_MAX	4096u		/* batches that a receiver may let stand unanswered */
#define LINK_STREAMS_MAX 64u		/* of one connection */
#define LINK_REC	120u		/* a batch's header; REC_HEADER of the spool */
#define LINK_HASH	32u
#define LINK_ENROL_VERSION 1u
#define LINK_SIGNATURE_MAX 1024u	/* of a RENEW; RSA of 8192 bits makes as much */

enum link_kind_of_frame { LINK_HELLO = 1, LINK_OFFER, LINK_HAVE, LINK_BATCH, LINK_ACK, LINK_PING, LINK_CLOSE,
	LINK_JOIN, LINK_WELCOME, LINK_PINNED, LINK_RENEW, LINK_RENEWED };

struct link_have { uint64_t first, last; uint8_t hash[LINK_HASH]; };

/* A frame taken apart; what points somewhere borrows from the bytes that were parsed. */
struct link_frame {
	uint8_t		kind;
	uint32_t	stream;			/* OFFER, HAVE, BATCH, ACK */
	char		name[LINK_NAME_MAX + 1];	/* HELLO, JOIN: node; OFFER: flow */
	char		peer[LINK_NAME_MAX + 1];	/* JOIN */
	uint32_t	window;			/* HELLO */
	uint64_t	id;			/* OFFER */
	uint32_t	schema;			/* OFFER: its version */
	const uint8_t	*p;			/* OFFER: schema file; BATCH: payload; HAVE: its rows, see link_have_at(); RENEW: certificate */
	size_t		len;
	uint32_t	count;			/* HAVE */
	const uint8_t	*rec;			/* BATCH: LINK_REC bytes */
	const uint8_t	*hash;			/* JOIN, WELCOME: proof; RENEWED: LINK_HASH bytes */
	const uint8_t	*sig;			/* RENEW */
	size_t		 sig_len;
	uint64_t	first, last;		/* ACK */
	char		why[LINK_WHY_MAX + 1];	/* CLOSE */
};

/*
 * How long the frame at p is, its four bytes of length included, when len of them are there. 0: more bytes are needed to know; ERR_LIMIT, ERR_PROTO.
 * Otherwise the length (which may be beyond len: wait for more).
 */
long link_frame_length(const uint8_t *p, size_t len);
/* Parse one whole frame (with its length). 0, or ERR_VERSION, ERR_LIMIT, ERR_RANGE, ERR_SHORT, ERR_LONG, ERR_PROTO. */
int link_frame_parse(const uint8_t *p, size_t len, struct link_frame *out);
/* Row i (below count) of a HAVE. */
struct link_have link_have_at(const struct link_frame *f, uint32_t i);

/* Append a frame; the error of the buffer sticks in b->err. */
void link_put_hello(struct buf *b, const char *node, uint32_t window);
void link_put_offer(struct buf *b, uint32_t stream, uint64_t id, const char *flow, uint32_t schema, const void *file, size_t len);
void link_put_have(struct buf *b, uint32_t stream, const struct link_have *v, uint32_t n);
void link_put_batch(struct buf *b, uint32_t stream, const uint8_t rec[LINK_REC], const void *payload, size_t len);
/* All of it but the payload, whose len bytes the caller puts behind it. */
void link_put_batch_head(struct buf *b, uint32_t stream, const uint8_t rec[LINK_REC], size_t len);
void link_put_ack(struct buf *b, uint32_t stream, uint64_t first, uint64_t last);
void link_put_ping(struct buf *b);
void link_put_close(struct buf *b, const char *why);
void link_put_join(struct buf *b, const char *node, const char *peer, const uint8_t proof[LINK_HASH]);
void link_put_welcome(struct buf *b, const uint8_t proof[LINK_HASH]);
void link_put_pinned(struct buf *b);
void link_put_renew(struct buf *b, const void *sig, size_t sig_len, const void *cert, size_t len);
void link_put_renewed(struct buf *b, const uint8_t sha256[LINK_HASH]);

#endif
