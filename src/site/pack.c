/* See pack.h. Whole numbers are varints (signed ones zigzag), reals 8 bytes little-endian, texts a length and bytes. */
#include "site/pack.h"

static void
put_varint(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_putc(out, (char)(v | 0x80));
	buf_putc(out, (char)v);
}

void
pack_u64(struct pack *k, uint64_t *v)
{
	if (pack_writing(k))
		put_varint(k->out, *v);
	else
		*v = rd_varint(&k->in);
}

void
pack_i64(struct pack *k, int64_t *v)
{
	if (pack_writing(k))
		put_varint(k->out, (uint64_t)*v << 1 ^ (uint64_t)(*v >> 63));
	else
		*v = rd_zigzag(&k->in);
}

void
pack_f64(struct pack *k, double *v)
{
	uint64_t u;
	if (!pack_writing(k)) {
		u = rd_le64(&k->in);
		memcpy(v, &u, sizeof u);
		return;
	}
	uint8_t b[8];
	memcpy(&u, v, sizeof u);
	struct writer w = wr_init(b, sizeof b);
	wr_le64(&w, u);
	buf_put(k->out, b, sizeof b);
}

void
pack_bool(struct pack *k, bool *v)
{
	uint32_t u = *v;
	pack_u32(k, &u, 2);
	*v = u != 0;
}

void
pack_u32(struct pack *k, uint32_t *v, uint64_t limit)
{
	uint64_t u = *v;
	pack_u64(k, &u);
	if (!pack_writing(k) && u >= limit) {
		rd_fail(&k->in, ERR_PROTO);
		u = 0;
	}
	*v = (uint32_t)u;
}

void
pack_text(struct pack *k, const char **v, bool same)
{
	if (pack_writing(k)) {
		const char *s = *v != NULL ? *v : "";
		size_t len = strlen(s);
		if (len > PACK_TEXT_MAX && k->out->err == 0)
			k->out->err = ERR_LIMIT;
		put_varint(k->out, len);
		buf_put(k->out, s, len);
		return;
	}
	uint64_t len = rd_varint(&k->in);
	if (len > PACK_TEXT_MAX)
		rd_fail(&k->in, ERR_LIMIT);
	const uint8_t *p = rd_bytes(&k->in, k->in.err ? 0 : (size_t)len);
	if (p != NULL && len > 0 && memchr(p, 0, (size_t)len) != NULL) {
		rd_fail(&k->in, ERR_PROTO);
		p = NULL;
	}
	if (p == NULL || len == 0)
		*v = "";
	else if (same)
		*v = strings_keep(&k->strings, (const char *)p, (size_t)len);
	else
		*v = strings_add(&k->strings, (const char *)p, (size_t)len);
}

void
pack_count(struct pack *k, uint32_t *n, uint32_t max)
{
	uint64_t u = *n;
	pack_u64(k, &u);
	if (!pack_writing(k) && (u > max || u > rd_left(&k->in))) {
		rd_fail(&k->in, ERR_LIMIT);
		u = 0;
	}
	*n = (uint32_t)u;
}
