/* The parts of the reader and writer that loop; see bytes.h. */
#include "base/bytes.h"

uint64_t
rd_varint(struct reader *r)
{
	uint64_t v = 0;

	/* Ends: at most ten groups, each takes a byte or fails. */
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t b = rd_u8(r);
		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if ((b & 0x80) == 0)
			return r->err ? 0 : v;
	}
	rd_fail(r, ERR_RANGE);
	return 0;
}

size_t
rd_text(struct reader *r, char *out, size_t max)
{
	uint64_t len = rd_varint(r);
	if (len > max)
		rd_fail(r, ERR_LIMIT);
	const uint8_t *p = rd_bytes(r, r->err ? 0 : (size_t)len);
	if (p != NULL && len > 0 && memchr(p, 0, (size_t)len) != NULL) {
		rd_fail(r, ERR_PROTO);
		p = NULL;
	}
	if (p == NULL)
		len = 0;
	if (len > 0)
		memcpy(out, p, (size_t)len);
	out[len] = '\0';
	return (size_t)len;
}

void
wr_varint(struct writer *w, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		wr_u8(w, (uint8_t)(v | 0x80));
	wr_u8(w, (uint8_t)v);
}

void
wr_text(struct writer *w, const char *s)
{
	size_t len = strlen(s);
	wr_varint(w, len);
	wr_bytes(w, s, len);
}
