/* See strings.h: short texts are packed into chunks, since an arena aligns each piece for any type. */
#include "site/strings.h"

#include <string.h>

#define CHUNK 8192u

const char *
strings_add(struct strings *p, const char *s, size_t len)
{
	if (len == 0)
		return "";
	if (len >= CHUNK / 4)
		return arena_strndup(p->arena, s, len);
	if (p->left < len + 1) {
		p->free = arena_alloc(p->arena, CHUNK);
		p->left = CHUNK;
	}
	char *t = p->free;
	memcpy(t, s, len);
	t[len] = '\0';
	p->free += len + 1;
	p->left -= len + 1;
	return t;
}

const char *
strings_keep(struct strings *p, const char *s, size_t len)
{
	if (len == 0)
		return "";
	char *known = map_get(&p->known, s, len);
	if (known != NULL)
		return known;
	const char *t = strings_add(p, s, len);
	map_put(&p->known, t, len, (void *)(uintptr_t)t);
	return t;
}

void
strings_fini(struct strings *p)
{
	map_fini(&p->known);
	p->left = 0;
}
