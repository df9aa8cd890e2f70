/* See arena.h: blocks in a list, the newest first, each filled from its start. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define BLOCK_MIN (16 * 1024 - sizeof(struct arena_block))

struct arena_block {
	struct arena_block	*next;
	size_t			 used, size;
	max_align_t		 mem[];
};

void *
arena_alloc(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		fatal("arena_too_large", "size=%zu", size);
	size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	struct arena_block *b = a->head;
	if (b == NULL || b->size - b->used < size) {
		size_t room = size > BLOCK_MIN ? size : BLOCK_MIN;
		struct arena_block *fresh = calloc(1, sizeof *fresh + room);
		if (fresh == NULL)
			fatal("out_of_memory", "wanted=%zu", room);
		fresh->size = room;
		/* A large block that is full at once goes behind the open one, which may still have room. */
		if (b != NULL && size > BLOCK_MIN) {
			fresh->next = b->next;
			b->next = fresh;
		} else {
			fresh->next = b;
			a->head = fresh;
		}
		b = fresh;
	}
	void *p = (char *)b->mem + b->used;
	b->used += size;
	a->used += size;
	return p;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(n, size, &total))
		fatal("arena_too_large", "n=%zu size=%zu", n, size);
	return arena_alloc(a, total);
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);
	memcpy(p, s, len);
	return p;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = arena_alloc(a, len < 0 ? 1 : (size_t)len + 1);
	if (len > 0)
		vsnprintf(p, (size_t)len + 1, fmt, again);
	va_end(again);
	return p;
}

void
arena_fini(struct arena *a)
{
	for (struct arena_block *b = a->head, *next; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct arena){ 0 };
}
