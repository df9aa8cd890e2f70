/* See diode_record.h. */
#include "proto/diode/diode_record.h"

#include "base/bytes.h"

void
diode_record_head_put(const struct diode_record *r, uint8_t out[DIODE_RECORD_HEAD])
{
	struct writer w = wr_init(out, DIODE_RECORD_HEAD);

	wr_le64(&w, r->seq);
	wr_u8(&w, r->kind);
	wr_le(&w, 0, 3);
	wr_le32(&w, r->len);
}

int
diode_record_head_get(const uint8_t *p, size_t len, struct diode_record *out)
{
	struct reader r = rd_init(p, len);

	*out = (struct diode_record){ .seq = rd_le64(&r) };
	out->kind = rd_u8(&r);
	if (rd_le(&r, 3) != 0 || (out->kind != DIODE_SCHEMA && out->kind != DIODE_BATCH))
		rd_fail(&r, ERR_PROTO);
	out->len = rd_le32(&r);
	if (out->len > DIODE_RECORD_MAX)
		rd_fail(&r, ERR_LIMIT);
	return r.err;
}

size_t
diode_schema_put(const struct diode_schema *s, uint8_t out[DIODE_SCHEMA_HEAD_MAX])
{
	struct writer w = wr_init(out, DIODE_SCHEMA_HEAD_MAX);

	wr_le64(&w, s->id);
	wr_le64(&w, s->first);
	wr_text(&w, s->flow);
	wr_le32(&w, s->version);
	return w.err == 0 ? wr_len(&w) : 0;
}

int
diode_schema_get(const uint8_t *p, size_t len, struct diode_schema *out)
{
	struct reader r = rd_init(p, len);

	*out = (struct diode_schema){ .id = rd_le64(&r) };
	out->first = rd_le64(&r);
	if (rd_text(&r, out->flow, DIODE_NAME_MAX) == 0 || out->id == 0 || out->first == 0)
		rd_fail(&r, ERR_PROTO);
	out->version = rd_le32(&r);
	out->len = rd_left(&r);
	out->file = rd_bytes(&r, out->len);
	return rd_end(&r);
}
