/* See copy.h. Texts that many tags share (units, the file's name) are kept once, enumerations too. */
#include "site/copy.h"

#include <string.h>

#include "site/strings.h"

struct copying {
	struct arena	*arena;
	struct strings	 texts;
	struct map	 enums;		/* the plan's struct enum_def (by address) -> ours */
};

static const char *
text(struct copying *c, const char *s)
{
	return s != NULL ? strings_keep(&c->texts, s, strlen(s)) : NULL;
}

static const struct enum_def *
enumeration(struct copying *c, const struct enum_def *e)
{
	if (e == NULL)
		return NULL;
	uint64_t key = (uint64_t)(uintptr_t)e;
	struct enum_def *mine = map_get_u64(&c->enums, key);
	if (mine != NULL)
		return mine;
	mine = arena_new(c->arena, struct enum_def);
	mine->name = text(c, e->name);
	mine->n = e->n;
	mine->items = arena_array(c->arena, e->n, sizeof *mine->items);
	for (uint32_t i = 0; i < e->n; i++) {
		mine->items[i].value = e->items[i].value;
		mine->items[i].text = text(c, e->items[i].text);
	}
	map_put_u64(&c->enums, key, mine);
	return mine;
}

static void
copy_keys(struct copying *c, struct source *to, const struct source *from)
{
	to->keys = arena_array(c->arena, from->nkeys, sizeof *to->keys);
	for (uint32_t i = 0; i < from->nkeys; i++) {
		struct keyval *k = &to->keys[i];
		*k = from->keys[i];
		k->s = text(c, k->s);
		if (k->list == NULL)
			continue;
		const char **list = arena_array(c->arena, k->n, sizeof *list);
		for (size_t j = 0; j < k->n; j++)
			list[j] = text(c, k->list[j]);
		k->list = list;
	}
}

static void
copy_tags(struct copying *c, struct source *to, const struct source *from)
{
	to->tags = arena_array(c->arena, from->ntags, sizeof *to->tags);
	for (uint32_t i = 0; i < from->ntags; i++) {
		struct tag *t = &to->tags[i];
		*t = from->tags[i];
		t->path = t->path != NULL ? strings_add(&c->texts, t->path, strlen(t->path)) : NULL;
		t->at = text(c, t->at);
		t->unit = text(c, t->unit);
		t->help = NULL;		/* nothing on this side shows it */
		t->enumeration = enumeration(c, t->enumeration);
		t->place.file = text(c, t->place.file);
	}
}

static struct source *
copy_source(struct copying *c, const struct source *from)
{
	struct source *to = arena_new(c->arena, struct source);

	*to = *from;
	to->name = text(c, from->name);
	to->driver = text(c, from->driver);
	to->endpoint = text(c, from->endpoint);
	to->link = text(c, from->link);
	to->place.file = text(c, from->place.file);
	copy_keys(c, to, from);
	copy_tags(c, to, from);
	return to;
}

const struct source **
copy_sources(struct arena *a, const struct source *const *v, uint32_t n)
{
	struct copying c = { .arena = a, .texts.arena = a };
	const struct source **mine = arena_array(a, n, sizeof *mine);

	for (uint32_t i = 0; i < n; i++)
		mine[i] = copy_source(&c, v[i]);
	strings_fini(&c.texts);
	map_fini(&c.enums);
	return mine;
}
