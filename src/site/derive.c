/* See derive.h. */
#include "site/derive.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/near.h"
#include "model/path.h"

bool
source_is_derived(const struct source *s)
{
	return strncmp(s->name, DERIVE_PREFIX, sizeof DERIVE_PREFIX - 1) == 0 || source_is_events(s);
}

bool
source_is_events(const struct source *s)
{
	return strncmp(s->name, EVENT_PREFIX, sizeof EVENT_PREFIX - 1) == 0;
}

uint32_t
plan_named_sources(const struct plan *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->nsources; i++)
		n += !source_is_derived(&p->sources[i]);
	return n;
}

/*
 * The equipment of `own`, as many levels up as the name says, and the name behind it. False: above the top, or too
 * long.
 */
static bool
join(const char *own, const char *name, size_t len, char *out, size_t size, size_t *out_len)
{
	const char *slash = strrchr(own, '/');
	size_t base = slash != NULL ? (size_t)(slash - own) : 0;

	while (len >= 3 && memcmp(name, "../", 3) == 0) {	/* ends: the name becomes shorter */
		if (base == 0)
			return false;
		while (base > 0 && own[base - 1] != '/')
			base--;
		base -= base > 0;
		name += 3;
		len -= 3;
	}
	int n = snprintf(out, size, "%.*s%s%.*s", (int)base, own, base > 0 ? "/" : "", (int)len, name);
	*out_len = n < 0 ? 0 : (size_t)n;
	return n > 0 && *out_len < size;
}

static const struct expr_enum_item *
items(struct arena *a, const struct enum_def *e)
{
	struct expr_enum_item *v = arena_array(a, e->n + 1, sizeof *v);

	for (uint32_t i = 0; i < e->n; i++)
		v[i] = (struct expr_enum_item){ e->items[i].value, e->items[i].text };
	return v;
}

static int
resolve(void *arg, const char *name, size_t len, struct expr_tag *out, char *why, size_t size)
{
	const struct derive_scope *s = arg;
	const struct tag *t = NULL;
	char path[PATH_LEN_MAX + 64];
	size_t n = 0;
	int err = 0;

	if (len > PATH_LEN_MAX) {
		snprintf(why, size, "the path is longer than %u bytes", PATH_LEN_MAX);
		return ERR_LIMIT;
	}
	if (join(s->own, name, len, path, sizeof path, &n))
		t = s->find(s->arg, path, n, &err, why, size);
	if (t == NULL && err == 0 && memchr(name, '/', len) != NULL)
		t = s->find(s->arg, name, len, &err, why, size);
	if (err != 0)
		return err;
	if (t == NULL) {
		if (why[0] == '\0')
			snprintf(why, size, "there is no tag \"%.*s\", neither at this equipment nor as a whole path",
			    (int)(len < 150 ? len : 150), name);
		return ERR_NOTFOUND;
	}
	*out = (struct expr_tag){ .id = (uint64_t)(uintptr_t)t, .type = t->type, .name = t->path, .unit = t->unit,
	    .period_ns = t->scan_ns };
	if (t->enumeration != NULL) {
		out->items = items(s->arena, t->enumeration);
		out->nitems = t->enumeration->n;
	}
	return 0;
}

int
derive_compile(const char *text, const char *unit, const struct derive_scope *scope, struct expr **out,
    struct expr_error *e)
{
	struct derive_scope s = *scope;
	struct expr_env env = { .resolve = resolve, .arg = &s, .unit = unit };

	if (s.plan != NULL) {
		env.zones = s.plan->offsets;
		env.nzones = s.plan->noffsets;
	}
	return expr_compile(text, strlen(text), &env, scope->arena, out, e);
}

void
derive_index(struct map *paths, const struct plan *p)
{
	for (uint32_t i = 0; i < p->ntags; i++)
		map_put(paths, p->tags[i].path, strlen(p->tags[i].path), &p->tags[i]);
}

const struct tag *
derive_find(void *arg, const char *path, size_t len, int *err, char *why, size_t size)
{
	(void)err;
	(void)why;
	(void)size;
	return map_get(arg, path, len);
}
