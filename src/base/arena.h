/*
 * Memory with the life of something that has a name: a plan, a connection, a request. Everything in an arena is freed
 * in one go; nothing in it is freed alone.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_block	*head;
	size_t			 used;	/* bytes handed out, for limits and for the status page */
};

/* Zeroed memory, aligned for any type, owned by the arena. Out of memory ends the process: the supervisor restarts it. */
void *arena_alloc(struct arena *a, size_t size);
#define arena_new(a, type)	((type *)arena_alloc((a), sizeof(type)))
/* n zeroed elements; a product that overflows ends the process. */
void *arena_array(struct arena *a, size_t n, size_t size);
/* A NUL-ended copy of len bytes. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
/* printf into the arena. */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Free all; the arena is empty and usable again. */
void arena_fini(struct arena *a);

#endif
