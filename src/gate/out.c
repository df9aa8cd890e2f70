/* See out.h. */
#include "gate/out.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void
out_init(struct out *o, bool bytes)
{
	*o = (struct out){ 0 };
	if (!bytes)
		return;
	o->bytes = malloc(OUT_BYTES_MAX);
	if (o->bytes == NULL)
		fatal("out_of_memory", "wanted=%u", OUT_BYTES_MAX);
	o->bytes_cap = OUT_BYTES_MAX;
}

void
out_fini(struct out *o)
{
	free(o->v);
	free(o->bytes);
	*o = (struct out){ 0 };
}

void
out_reserve(struct out *o, size_t more)
{
	if (o->cap - o->n >= more)
		return;
	size_t cap = o->cap > 0 ? o->cap : 64;
	while (cap - o->n < more)
		cap *= 2;
	struct sample *v = reallocarray(o->v, cap, sizeof *v);
	if (v == NULL)
		fatal("out_of_memory", "samples=%zu", cap);
	o->v = v;
	o->cap = cap;
}

void
out_keep_bytes(struct out *o, struct value *v)
{
	if (v->len > 0)
		memcpy(o->bytes + o->bytes_len, v->p, v->len);
	v->p = o->bytes + o->bytes_len;
	o->bytes_len += v->len;
}

void
out_push(struct out *o, const struct sample *s)
{
	struct sample *x = &o->v[o->n++];
	*x = *s;
	if (value_has_bytes(x->v.type))
		out_keep_bytes(o, &x->v);
}

void
out_drop(struct out *o, size_t n)
{
	o->n -= n;
	if (o->n > 0)
		memmove(o->v, o->v + n, o->n * sizeof *o->v);
	else
		o->bytes_len = 0;
}
