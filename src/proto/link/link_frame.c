/* See link_frame.h, where the layout of each frame stands. */
#include "proto/link/link_frame.h"

#include <stdio.h>

static const char magic[8] = { 'P', 'N', 'S', 'T', 'K', 'L', 'N', 'K' };
static const char enrol_magic[8] = { 'P', 'N', 'S', 'T', 'K', 'E', 'N', 'R' };

#define HAVE_ROW	(16u + LINK_HASH)
#define HEAD_MAX	(64u + 2 * LINK_NAME_MAX + LINK_WHY_MAX + LINK_REC)	/* of a frame before what ends it */

long
link_frame_length(const uint8_t *p, size_t len)
{
	struct reader r = rd_init(p, len);

	if (len < 4)
		return 0;
	uint32_t n = rd_le32(&r);
	if (n == 0)
		return ERR_PROTO;
	return n > LINK_FRAME_MAX ? ERR_LIMIT : (long)n + 4;
}

static void
parse_head(struct reader *r, const char want[8], uint16_t version)
{
	const uint8_t *m = rd_bytes(r, sizeof magic);

	if (m != NULL && memcmp(m, want, sizeof magic) != 0)
		rd_fail(r, ERR_PROTO);
	if (rd_le16(r) != version)
		rd_fail(r, ERR_VERSION);
}

static void
parse_hello(struct reader *r, struct link_frame *f)
{
	parse_head(r, magic, LINK_VERSION);
	if (rd_text(r, f->name, LINK_NAME_MAX) == 0)
		rd_fail(r, ERR_PROTO);
	f->window = rd_le32(r);
	if (f->window > LINK_WINDOW_MAX)
		rd_fail(r, ERR_RANGE);
}

static void
parse_rest(struct reader *r, struct link_frame *f)
{
	f->len = rd_left(r);
	f->p = rd_bytes(r, f->len);
}

static void
parse_offer(struct reader *r, struct link_frame *f)
{
	f->stream = rd_le32(r);
	f->id = rd_le64(r);
	if (rd_le64(r) != 0)
		rd_fail(r, ERR_PROTO);
	if (rd_text(r, f->name, LINK_NAME_MAX) == 0)
		rd_fail(r, ERR_PROTO);
	f->schema = rd_le32(r);
	parse_rest(r, f);
}

static void
parse_have(struct reader *r, struct link_frame *f)
{
	f->stream = rd_le32(r);
	f->count = rd_le32(r);
	if (f->count > LINK_HAVE_MAX)
		rd_fail(r, ERR_LIMIT);
	f->len = (size_t)f->count * HAVE_ROW;
	f->p = rd_bytes(r, f->len);
}

static void
parse_ack(struct reader *r, struct link_frame *f)
{
	f->stream = rd_le32(r);
	f->first = rd_le64(r);
	f->last = rd_le64(r);
	if (f->first == 0 || f->last < f->first)
		rd_fail(r, ERR_RANGE);
}

static void
parse_join(struct reader *r, struct link_frame *f)
{
	parse_head(r, enrol_magic, LINK_ENROL_VERSION);
	if (rd_text(r, f->name, LINK_NAME_MAX) == 0 || rd_text(r, f->peer, LINK_NAME_MAX) == 0)
		rd_fail(r, ERR_PROTO);
	f->hash = rd_bytes(r, LINK_HASH);
}

static void
parse_renew(struct reader *r, struct link_frame *f)
{
	f->sig_len = rd_le16(r);
	if (f->sig_len > LINK_SIGNATURE_MAX)
		rd_fail(r, ERR_LIMIT);
	f->sig = rd_bytes(r, f->sig_len);
	parse_rest(r, f);
}

int
link_frame_parse(const uint8_t *p, size_t len, struct link_frame *f)
{
	struct reader r = rd_init(p, len);
	uint32_t n = rd_le32(&r);

	*f = (struct link_frame){ 0 };
	if (n != rd_left(&r))
		rd_fail(&r, n > rd_left(&r) ? ERR_SHORT : ERR_LONG);
	f->kind = rd_u8(&r);
	switch (f->kind) {
	case LINK_HELLO:
		parse_hello(&r, f);
		break;
	case LINK_OFFER:
		parse_offer(&r, f);
		break;
	case LINK_HAVE:
		parse_have(&r, f);
		break;
	case LINK_BATCH:
		f->stream = rd_le32(&r);
		f->rec = rd_bytes(&r, LINK_REC);
		parse_rest(&r, f);
		break;
	case LINK_ACK:
		parse_ack(&r, f);
		break;
	case LINK_PING:
		break;
	case LINK_CLOSE:
		rd_text(&r, f->why, LINK_WHY_MAX);
		break;
	case LINK_JOIN:
		parse_join(&r, f);
		break;
	case LINK_WELCOME:
	case LINK_RENEWED:
		f->hash = rd_bytes(&r, LINK_HASH);
		break;
	case LINK_PINNED:
		break;
	case LINK_RENEW:
		parse_renew(&r, f);
		break;
	default:
		rd_fail(&r, ERR_PROTO);
	}
	if (f->stream >= LINK_STREAMS_MAX)
		rd_fail(&r, ERR_RANGE);
	return rd_end(&r);
}

struct link_have
link_have_at(const struct link_frame *f, uint32_t i)
{
	struct link_have h = { 0 };
	struct reader r = rd_init(f->p + (size_t)i * HAVE_ROW, HAVE_ROW);

	h.first = rd_le64(&r);
	h.last = rd_le64(&r);
	memcpy(h.hash, rd_bytes(&r, LINK_HASH), LINK_HASH);
	return h;
}

/* ---- making ---- */

/* All of a frame but its tail, of so many bytes; the length goes before. */
static void
put_head(struct buf *b, uint8_t kind, const struct writer *w, size_t len)
{
	uint8_t head[5];
	struct writer h = wr_init(head, sizeof head);
	size_t total = 1 + wr_len(w) + len;

	if (w->err != 0 || total > LINK_FRAME_MAX) {
		b->err = b->err != 0 ? b->err : ERR_LIMIT;
		return;
	}
	wr_le32(&h, (uint32_t)total);
	wr_u8(&h, kind);
	buf_put(b, head, sizeof head);
	buf_put(b, w->start, wr_len(w));
}

static void
put(struct buf *b, uint8_t kind, const struct writer *w, const void *tail, size_t len)
{
	put_head(b, kind, w, len);
	if (len > 0)
		buf_put(b, tail, len);
}

void
link_put_hello(struct buf *b, const char *node, uint32_t window)
{
	uint8_t room[HEAD_MAX];
	struct writer w = wr_init(room, sizeof room);

	wr_bytes(&w, magic, sizeof magic);
	wr_le16(&w, LINK_VERSION);
	wr_text(&w, node);
	wr_le32(&w, window);
	put(b, LINK_HELLO, &w, NULL, 0);
}

void
link_put_offer(struct buf *b, uint32_t stream, uint64_t id, const char *flow, uint32_t schema, const void *file, size_t len)
{
	uint8_t room[HEAD_MAX];
	struct writer w = wr_init(room, sizeof room);

	wr_le32(&w, stream);
	wr_le64(&w, id);
	wr_le64(&w, 0);
	wr_text(&w, flow);
	wr_le32(&w, schema);
	put(b, LINK_OFFER, &w, file, len);
}

void
link_put_have(struct buf *b, uint32_t stream, const struct link_have *v, uint32_t n)
{
	uint8_t room[8 + LINK_HAVE_MAX * HAVE_ROW];
	struct writer w = wr_init(room, sizeof room);

	wr_le32(&w, stream);
	wr_le32(&w, n);
	for (uint32_t i = 0; i < n; i++) {
		wr_le64(&w, v[i].first);
		wr_le64(&w, v[i].last);
		wr_bytes(&w, v[i].hash, LINK_HASH);
	}
	put(b, LINK_HAVE, &w, NULL, 0);
}

void
link_put_batch_head(struct buf *b, uint32_t stream, const uint8_t rec[LINK_REC], size_t len)
{
	uint8_t room[4 + LINK_REC];
	struct writer w = wr_init(room, sizeof room);

	wr_le32(&w, stream);
	wr_bytes(&w, rec, LINK_REC);
	put_head(b, LINK_BATCH, &w, len);
}

void
link_put_batch(struct buf *b, uint32_t stream, const uint8_t rec[LINK_REC], const void *payload, size_t len)
{
	link_put_batch_head(b, stream, rec, len);
	if (len > 0)
		buf_put(b, payload, len);
}

void
link_put_ack(struct buf *b, uint32_t stream, uint64_t first, uint64_t last)
{
	uint8_t room[HEAD_MAX];
	struct writer w = wr_init(room, sizeof room);

	wr_le32(&w, stream);
	wr_le64(&w, first);
	wr_le64(&w, last);
	put(b, LINK_ACK, &w, NULL, 0);
}

void
link_put_ping(struct buf *b)
{
	uint8_t room[1];
	struct writer w = wr_init(room, 0);
	put(b, LINK_PING, &w, NULL, 0);
}

void
link_put_close(struct buf *b, const char *why)
{
	uint8_t room[HEAD_MAX];
	struct writer w = wr_init(room, sizeof room);
	char cut[LINK_WHY_MAX + 1];

	snprintf(cut, sizeof cut, "%s", why);
	wr_text(&w, cut);
	put(b, LINK_CLOSE, &w, NULL, 0);
}

void
link_put_join(struct buf *b, const char *node, const char *peer, const uint8_t proof[LINK_HASH])
{
	uint8_t room[HEAD_MAX];
	struct writer w = wr_init(room, sizeof room);

	wr_bytes(&w, enrol_magic, sizeof enrol_magic);
	wr_le16(&w, LINK_ENROL_VERSION);
	wr_text(&w, node);
	wr_text(&w, peer);
	wr_bytes(&w, proof, LINK_HASH);
	put(b, LINK_JOIN, &w, NULL, 0);
}

static void
put_hash(struct buf *b, uint8_t kind, const uint8_t hash[LINK_HASH])
{
	uint8_t room[1];
	struct writer w = wr_init(room, 0);
	put(b, kind, &w, hash, LINK_HASH);
}

void
link_put_welcome(struct buf *b, const uint8_t proof[LINK_HASH])
{
	put_hash(b, LINK_WELCOME, proof);
}

void
link_put_pinned(struct buf *b)
{
	uint8_t room[1];
	struct writer w = wr_init(room, 0);
	put(b, LINK_PINNED, &w, NULL, 0);
}

void
link_put_renew(struct buf *b, const void *sig, size_t sig_len, const void *cert, size_t len)
{
	uint8_t room[2 + LINK_SIGNATURE_MAX];
	struct writer w = wr_init(room, sizeof room);

	wr_le16(&w, (uint16_t)sig_len);
	wr_bytes(&w, sig, sig_len);
	put(b, LINK_RENEW, &w, cert, len);
}

void
link_put_renewed(struct buf *b, const uint8_t sha256[LINK_HASH])
{
	put_hash(b, LINK_RENEWED, sha256);
}
