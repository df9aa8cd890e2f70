/* See buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

#define MAX_DEFAULT ((size_t)64 << 20)

char *
buf_room(struct buf *b, size_t n)
{
	size_t max = b->max ? b->max : MAX_DEFAULT;

	if (b->err != 0)
		return NULL;
	if (n > max || b->len > max - n) {
		b->err = ERR_LIMIT;
		return NULL;
	}
	size_t want = b->len + n + 1;
	if (want > b->cap) {
		size_t cap = b->cap ? b->cap : 256;
		while (cap < want)
			cap *= 2;
		char *p = realloc(b->p, cap);
		if (p == NULL) {
			b->err = ERR_NOMEM;
			return NULL;
		}
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->len;
}

void
buf_put(struct buf *b, const void *p, size_t len)
{
	char *to = buf_room(b, len);
	if (to == NULL)
		return;
	if (len > 0)
		memcpy(to, p, len);
	b->len += len;
	b->p[b->len] = '\0';
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	char *to = len < 0 ? NULL : buf_room(b, (size_t)len);
	if (to != NULL) {
		vsnprintf(to, (size_t)len + 1, fmt, again);
		b->len += (size_t)len;
	}
	va_end(again);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}
