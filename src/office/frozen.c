/* See frozen.h. */
#include "office/frozen.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define VERSION		1u
#define SAMPLE_ROOM	80u	/* bytes of a sample without the bytes of its value */

static void
put_value(struct writer *w, const struct value *v)
{
	uint32_t bits;
	uint64_t bits64;

	if (value_has_bytes(v->type)) {
		wr_varint(w, v->len);
		wr_bytes(w, v->p, v->len);
		return;
	}
	switch (v->type) {
	case VALUE_NULL:
		break;
	case VALUE_BOOL:
		wr_u8(w, v->b);
		break;
	case VALUE_F32:
		memcpy(&bits, &v->f32, sizeof bits);
		wr_le32(w, bits);
		break;
	case VALUE_F64:
		memcpy(&bits64, &v->f64, sizeof bits64);
		wr_le64(w, bits64);
		break;
	case VALUE_U8:
	case VALUE_U16:
	case VALUE_U32:
	case VALUE_U64:
		wr_varint(w, v->u);
		break;
	default:
		wr_zigzag(w, v->i);
		break;
	}
}

static void
put_sample(const struct sample *s, struct buf *out)
{
	size_t room = SAMPLE_ROOM + (value_has_bytes(s->v.type) ? s->v.len : 0);
	char *p = buf_room(out, room);

	if (p == NULL)
		return;
	struct writer w = wr_init(p, room);
	wr_varint(&w, s->tag);
	wr_le32(&w, s->status);
	wr_zigzag(&w, s->source.ns);
	wr_zigzag(&w, s->server.ns);
	wr_zigzag(&w, s->arrival.ns);
	wr_u8(&w, s->flags);
	wr_u8(&w, s->v.type);
	put_value(&w, &s->v);
	out->len += wr_len(&w);
}

void
frozen_write(const struct spool_batch *b, struct buf *out)
{
	char *p = buf_room(out, SAMPLE_ROOM);

	if (p == NULL)
		return;
	struct writer w = wr_init(p, SAMPLE_ROOM);
	wr_u8(&w, VERSION);
	wr_varint(&w, b->first);
	wr_varint(&w, b->n);
	wr_zigzag(&w, b->sealed.ns);
	out->len += wr_len(&w);
	for (uint32_t i = 0; i < b->n; i++)
		put_sample(&b->samples[i], out);
}

static void
get_value(struct reader *r, struct value *v)
{
	uint32_t bits;
	uint64_t bits64;

	if (value_has_bytes(v->type)) {
		uint64_t len = rd_varint(r);
		size_t size = value_size(v->type & (uint8_t)~VALUE_ARRAY);
		if (len > VALUE_BYTES_MAX || ((v->type & VALUE_ARRAY) != 0 && (size == 0 || len % size != 0)))
			rd_fail(r, ERR_PROTO);
		v->p = rd_bytes(r, (size_t)len);
		v->len = v->p != NULL ? (uint32_t)len : 0;
		return;
	}
	switch (v->type) {
	case VALUE_NULL:
		break;
	case VALUE_BOOL:
		v->b = rd_u8(r) != 0;
		break;
	case VALUE_F32:
		bits = rd_le32(r);
		memcpy(&v->f32, &bits, sizeof bits);
		break;
	case VALUE_F64:
		bits64 = rd_le64(r);
		memcpy(&v->f64, &bits64, sizeof bits64);
		break;
	case VALUE_U8:
	case VALUE_U16:
	case VALUE_U32:
	case VALUE_U64:
		v->u = rd_varint(r);
		break;
	default:
		v->i = rd_zigzag(r);
		break;
	}
}

static void
get_sample(struct reader *r, struct sample *s)
{
	uint64_t tag = rd_varint(r);

	if (tag > SPOOL_TAGS_MAX)
		rd_fail(r, ERR_PROTO);
	s->tag = (uint32_t)tag;
	s->status = rd_le32(r);
	s->source.ns = rd_zigzag(r);
	s->server.ns = rd_zigzag(r);
	s->arrival.ns = rd_zigzag(r);
	s->flags = rd_u8(r);
	s->v = (struct value){ .type = rd_u8(r) };
	if (!value_type_valid(s->v.type))
		rd_fail(r, ERR_PROTO);
	get_value(r, &s->v);
}

int
frozen_read(const void *p, size_t len, struct frozen *out)
{
	struct reader r = rd_init(p, len);

	*out = (struct frozen){ .samples = NULL };
	if (rd_u8(&r) != VERSION)
		return r.err != 0 ? r.err : ERR_VERSION;
	out->batch.first = rd_varint(&r);
	uint64_t n = rd_varint(&r);
	out->batch.sealed.ns = rd_zigzag(&r);
	if (r.err != 0)
		return r.err;
	if (out->batch.first == 0 || n == 0 || n > SPOOL_BATCH_MAX || out->batch.first > UINT64_MAX - n)
		return ERR_LIMIT;
	out->samples = calloc((size_t)n, sizeof *out->samples);
	if (out->samples == NULL)
		return ERR_NOMEM;
	for (uint64_t i = 0; i < n && r.err == 0; i++)
		get_sample(&r, &out->samples[i]);
	int err = rd_end(&r);
	if (err != 0) {
		frozen_free(out);
		return err;
	}
	out->batch.n = (uint32_t)n;
	out->batch.samples = out->samples;
	out->batch.t_min = out->batch.t_max = sample_time(&out->samples[0]);
	return 0;
}

void
frozen_free(struct frozen *f)
{
	free(f->samples);
	*f = (struct frozen){ .samples = NULL };
}
