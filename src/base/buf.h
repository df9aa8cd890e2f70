/*
 * A growable run of bytes with a declared ceiling, for what has no fixed size: JSON, reports, messages. The first
 * failure sticks (ERR_LIMIT at the ceiling, ERR_NOMEM), so a long chain of puts is checked once at its end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char	*p;		/* len bytes, then always a NUL once anything was put; NULL while empty and never grown */
	size_t	 len, cap, max;	/* max: the ceiling in bytes, 0 for 64 MiB */
	int	 err;
};

/* Make room for n more bytes and return where they go (not yet counted in len), NULL on failure. */
char *buf_room(struct buf *b, size_t n);
void buf_put(struct buf *b, const void *p, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static inline void
buf_putc(struct buf *b, char c)
{
	if (b->cap - b->len > 1) {
		b->p[b->len++] = c;
		b->p[b->len] = '\0';
	} else
		buf_put(b, &c, 1);
}
/* Forget the content and the error, keep the memory. */
static inline void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = 0;
	if (b->p != NULL)
		b->p[0] = '\0';
}
/* Content as text, "" while empty; borrowed until the next change. */
static inline const char *buf_text(const struct buf *b) { return b->p != NULL ? b->p : ""; }
void buf_fini(struct buf *b);

#endif
