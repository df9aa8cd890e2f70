/* See base64.h. */
#include "base/base64.h"

#include "base/err.h"

static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_put(struct buf *out, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t w = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);
		buf_putc(out, abc[w >> 18]);
		buf_putc(out, abc[w >> 12 & 63]);
		buf_putc(out, i + 1 < len ? abc[w >> 6 & 63] : '=');
		buf_putc(out, i + 2 < len ? abc[w & 63] : '=');
	}
}

int
base64_get(const char *s, size_t len, uint8_t *out, size_t *nout)
{
	size_t n = 0;

	if (len % 4 != 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t w = 0;
		unsigned pad = i + 4 < len || s[i + 3] != '=' ? 0 : s[i + 2] != '=' ? 1 : 2;
		for (unsigned k = 0; k < 4; k++) {
			const char *at = k >= 4 - pad ? abc : s[i + k] != '\0' ? strchr(abc, s[i + k]) : NULL;
			if (at == NULL)
				return ERR_SYNTAX;
			w = w << 6 | (uint32_t)(at - abc);
		}
		if ((w & ((1u << 8 * pad) - 1)) != 0)	/* bits that nobody would see again */
			return ERR_SYNTAX;
		for (unsigned k = 0; k < 3 - pad; k++)
			out[n++] = (uint8_t)(w >> (16 - 8 * k));
	}
	*nout = n;
	return 0;
}
