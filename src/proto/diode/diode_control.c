/* See diode_control.h, where the layout stands. */
#include "proto/diode/diode_control.h"

#include "base/bytes.h"

size_t
diode_control_put(const struct diode_control *c, uint8_t out[DIODE_CONTROL_MAX])
{
	struct writer w = wr_init(out, DIODE_CONTROL_MAX);

	wr_u8(&w, c->kind);
	wr_u8(&w, c->n);
	wr_le16(&w, 0);
	wr_le32(&w, c->waiting);
	wr_le64(&w, (uint64_t)c->clock.ns);
	wr_le64(&w, (uint64_t)c->interval_ns);
	wr_le64(&w, c->gone);
	for (uint32_t i = 0; i < c->n; i++) {
		const struct diode_row *r = &c->rows[i];
		wr_le32(&w, r->stream);
		wr_le32(&w, r->ended);
		wr_le64(&w, r->id);
		wr_le64(&w, r->blocks);
		wr_le64(&w, r->first);
		wr_le64(&w, r->last);
		wr_le64(&w, r->bytes);
	}
	return wr_len(&w);
}

uint32_t
diode_control_rows(size_t size)
{
	size_t n = size < DIODE_CONTROL_HEAD ? 0 : (size - DIODE_CONTROL_HEAD) / DIODE_ROW;
	return n < DIODE_ROWS_MAX ? (uint32_t)n : DIODE_ROWS_MAX;
}

static void
get_row(struct reader *r, struct diode_row *row)
{
	row->stream = rd_le32(r);
	uint32_t ended = rd_le32(r);
	row->ended = ended == 1;
	row->id = rd_le64(r);
	row->blocks = rd_le64(r);
	row->first = rd_le64(r);
	row->last = rd_le64(r);
	row->bytes = rd_le64(r);
	if (row->stream == 0 || ended > 1 || row->id == 0 || row->first == 0 || row->last < row->first - 1 || row->last == UINT64_MAX)
		rd_fail(r, ERR_RANGE);
}

int
diode_control_get(const uint8_t *p, size_t len, struct diode_control *out)
{
	struct reader r = rd_init(p, len);

	*out = (struct diode_control){ .kind = rd_u8(&r) };
	out->n = rd_u8(&r);
	if (rd_le16(&r) != 0 || out->kind < DIODE_START || out->kind > DIODE_ABORT || out->n > DIODE_ROWS_MAX)
		rd_fail(&r, ERR_PROTO);
	out->waiting = rd_le32(&r);
	out->clock.ns = (int64_t)rd_le64(&r);
	out->interval_ns = (int64_t)rd_le64(&r);
	out->gone = rd_le64(&r);
	if (out->interval_ns <= 0 || out->interval_ns > 3600 * NS_PER_S)
		rd_fail(&r, ERR_RANGE);
	for (uint32_t i = 0; i < out->n && r.err == 0; i++)
		get_row(&r, &out->rows[i]);
	return rd_end(&r);
}
