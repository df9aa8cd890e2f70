/*
 * See hash.h. Each put_ function feeds one thing, texts with their closing NUL so that two neighbours cannot be
 * confused.
 */
#include "site/hash.h"

#include <string.h>

#include "base/map.h"

#define SEED 0xcbf29ce484222325u

static void
put_text(uint64_t *h, const char *s)
{
	*h = hash64_more(*h, s, strlen(s) + 1);
}

static void
put_u64(uint64_t *h, uint64_t v)
{
	uint8_t b[8];
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)(v >> 8 * i);
	*h = hash64_more(*h, b, sizeof b);
}

static void
put_f64(uint64_t *h, double v)
{
	uint64_t u;
	if (v == 0)
		v = 0;	/* -0 and 0 are one number */
	memcpy(&u, &v, sizeof u);
	put_u64(h, u);
}

static uint64_t
finish(uint64_t h)
{
	return hash64(&h, sizeof h);
}

static void
put_file_text(uint64_t *h, const char *s, const char *folder)
{
	size_t n = strlen(folder);
	if (n > 0 && strncmp(s, folder, n) == 0 && s[n] == '/')
		s += n + 1;
	put_text(h, s);
}

static void
put_keys(uint64_t *h, const struct keyval *v, uint32_t n, const char *folder)
{
	put_u64(h, n);
	for (uint32_t i = 0; i < n; i++) {
		put_u64(h, v[i].set | (uint64_t)v[i].b << 1);
		put_u64(h, (uint64_t)v[i].i);
		put_f64(h, v[i].f);
		put_f64(h, v[i].g);
		put_file_text(h, v[i].s != NULL ? v[i].s : "", folder);
		put_u64(h, v[i].n);
		for (size_t k = 0; k < v[i].n; k++)
			put_text(h, v[i].list[k]);
	}
}

static void
put_enum(uint64_t *h, const struct enum_def *e)
{
	put_u64(h, e == NULL ? 0 : e->n);
	for (uint32_t i = 0; e != NULL && i < e->n; i++) {
		put_u64(h, (uint64_t)e->items[i].value);
		put_text(h, e->items[i].text);
	}
}

static void
put_tag(uint64_t *h, const struct tag *t)
{
	put_text(h, t->path);
	put_text(h, t->at);
	put_text(h, t->unit);
	put_u64(h, t->type | (uint64_t)t->scaled << 8 | (uint64_t)t->has_range << 9 | (uint64_t)t->writable << 10);
	put_u64(h, (uint64_t)t->scan_ns);
	put_f64(h, t->factor);
	put_f64(h, t->offset);
	put_f64(h, t->has_range ? t->lo : 0);
	put_f64(h, t->has_range ? t->hi : 0);
	put_enum(h, t->enumeration);
}

uint64_t
hash_source(const struct source *s, const char *folder)
{
	uint64_t h = SEED;
	put_text(&h, s->name);
	put_text(&h, s->driver);
	put_text(&h, s->link);
	put_keys(&h, s->keys, s->nkeys, folder);
	put_u64(&h, s->ntags);
	for (uint32_t i = 0; i < s->ntags; i++)
		put_tag(&h, &s->tags[i]);
	return finish(h);
}

uint64_t
hash_sink(const struct sink *s, const char *folder)
{
	uint64_t h = SEED;
	put_text(&h, s->name);
	put_text(&h, s->kind);
	put_keys(&h, s->keys, s->nkeys, folder);
	return finish(h);
}

uint32_t
hash_schema(const struct plan *p, const struct flow *f)
{
	uint64_t h = SEED;
	put_u64(&h, f->ntags);
	for (uint32_t i = 0; i < f->ntags; i++) {
		const struct tag *t = &p->sources[f->tags[i].source].tags[f->tags[i].tag];
		put_text(&h, f->tags[i].name);
		put_u64(&h, t->type);
		put_text(&h, t->unit);
	}
	h = finish(h);
	uint32_t v = (uint32_t)(h ^ h >> 32);
	return v != 0 ? v : 1;
}

uint64_t
hash_flow(const struct plan *p, const struct flow *f)
{
	uint64_t h = SEED;
	put_text(&h, f->name);
	put_u64(&h, f->schema);
	for (uint32_t i = 0; i < f->nconduits; i++)
		put_text(&h, p->conduits != NULL ? p->conduits[f->conduits[i]].name : "");
	put_u64(&h, f->nconduits);
	for (uint32_t i = 0; i < f->nsinks; i++)
		put_text(&h, p->sinks[f->sinks[i]].name);
	put_u64(&h, f->nsinks);
	put_u64(&h,
	    (uint64_t)f->reduce | (uint64_t)f->change << 8 | (uint64_t)f->durability << 16 | (uint64_t)f->live_first << 24);
	put_f64(&h, f->deadband);
	put_f64(&h, f->door);
	put_u64(&h, (uint64_t)f->at_least_every_ns);
	put_u64(&h, (uint64_t)f->window_ns);
	put_u64(&h, f->window_fns);
	put_u64(&h, (uint64_t)f->sync_ns);
	put_u64(&h, (uint64_t)f->quota_bytes);
	put_u64(&h, (uint64_t)f->quota_age_ns);
	put_u64(&h, (uint64_t)f->latency_ns);
	put_text(&h, f->why);
	put_text(&h, f->owner);
	return finish(h);
}

static void
put_zones(uint64_t *h, const struct plan *p)
{
	for (uint32_t i = 0; i < p->nzones; i++) {
		put_text(h, p->zones[i].name);
		put_f64(h, p->zones[i].level);
		put_u64(h, (uint64_t)p->zones[i].sl_t);
	}
	put_u64(h, p->nzones);
	for (uint32_t i = 0; i < p->nconduits; i++) {
		put_text(h, p->conduits[i].name);
		put_text(h, p->zones[p->conduits[i].from].name);
		put_text(h, p->zones[p->conduits[i].to].name);
		put_u64(h, p->conduits[i].initiator_from);
	}
	put_u64(h, p->nconduits);
}

uint64_t
hash_plan(const struct plan *p)
{
	uint64_t h = SEED;
	put_text(&h, p->enterprise);
	put_text(&h, p->site);
	put_text(&h, p->country);
	put_text(&h, p->time_zone);
	put_zones(&h, p);
	for (uint32_t i = 0; i < p->nsources; i++) {
		put_u64(&h, p->sources[i].key);
		put_text(&h, p->zones[p->sources[i].zone].name);
	}
	for (uint32_t i = 0; i < p->ntags; i++)
		put_text(&h, p->tags[i].help);
	for (uint32_t i = 0; i < p->nsinks; i++) {
		put_u64(&h, p->sinks[i].key);
		put_text(&h, p->zones[p->sinks[i].zone].name);
	}
	for (uint32_t i = 0; i < p->nflows; i++)
		put_u64(&h, hash_flow(p, &p->flows[i]));
	return finish(h);
}
