/* See diode_wire.h, where the layout stands. */
#include "proto/diode/diode_wire.h"

#include "base/bytes.h"

static const char magic[4] = { 'P', 'N', 'S', 'D' };
enum { FLAG_CONTROL = 1 };

bool
diode_params_ok(const struct diode_params *p)
{
	return p->k >= 1 && p->k <= DIODE_K_MAX && p->p >= 1 && p->p <= DIODE_P_MAX && p->depth >= 1 && p->depth <= DIODE_DEPTH_MAX &&
	    p->size >= DIODE_DATAGRAM_MIN - DIODE_OVER && p->size <= DIODE_DATAGRAM_MAX - DIODE_OVER;
}

bool
diode_params_same(const struct diode_params *a, const struct diode_params *b)
{
	return a->k == b->k && a->p == b->p && a->depth == b->depth && a->size == b->size;
}

void
diode_head_put(const struct diode_head *h, uint8_t out[DIODE_HEAD])
{
	struct writer w = wr_init(out, DIODE_HEAD);

	wr_bytes(&w, magic, sizeof magic);
	wr_u8(&w, DIODE_VERSION);
	wr_u8(&w, h->control ? FLAG_CONTROL : 0);
	wr_le16(&w, h->epoch);
	wr_le64(&w, h->session);
	wr_le64(&w, h->serial);
	wr_le32(&w, h->stream);
	wr_le64(&w, h->block);
	wr_le16(&w, h->symbol);
	wr_le16(&w, h->size);
	wr_u8(&w, h->params.k);
	wr_u8(&w, h->params.p);
	wr_u8(&w, h->params.depth);
	wr_u8(&w, h->used);
	wr_le16(&w, h->params.size);
	wr_le16(&w, 0);
}

static bool
symbol_ok(const struct diode_head *h)
{
	if (h->control)
		return h->stream == 0 && h->block == 0 && h->symbol == 0 && h->used == 0;
	return h->stream != 0 && h->used >= 1 && h->used <= h->params.k && h->symbol < h->used + h->params.p;
}

int
diode_head_get(const uint8_t *p, size_t len, struct diode_head *out)
{
	struct reader r = rd_init(p, len);
	struct diode_head h = { 0 };

	const uint8_t *m = rd_bytes(&r, sizeof magic);
	if (m != NULL && memcmp(m, magic, sizeof magic) != 0)
		rd_fail(&r, ERR_PROTO);
	if (rd_u8(&r) != DIODE_VERSION)
		rd_fail(&r, ERR_VERSION);
	uint8_t flags = rd_u8(&r);
	h.control = flags == FLAG_CONTROL;
	if (flags > FLAG_CONTROL)
		rd_fail(&r, ERR_PROTO);
	h.epoch = rd_le16(&r);
	h.session = rd_le64(&r);
	h.serial = rd_le64(&r);
	h.stream = rd_le32(&r);
	h.block = rd_le64(&r);
	h.symbol = rd_le16(&r);
	h.size = rd_le16(&r);
	h.params.k = rd_u8(&r);
	h.params.p = rd_u8(&r);
	h.params.depth = rd_u8(&r);
	h.used = rd_u8(&r);
	h.params.size = rd_le16(&r);
	if (rd_le16(&r) != 0)
		rd_fail(&r, ERR_PROTO);
	if (r.err == 0 && (h.session == 0 || !diode_params_ok(&h.params) || h.size == 0 || h.size > h.params.size || !symbol_ok(&h)))
		rd_fail(&r, ERR_RANGE);
	rd_bytes(&r, h.size);
	rd_bytes(&r, DIODE_MAC);
	*out = h;
	return rd_end(&r);
}
