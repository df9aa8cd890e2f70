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
	put_u64(h, t->type | (uint64_t)t->scaled << 8 | (uint64_t)t->has_range << 9 | (uint64_t)t->writable << 10 |
	    (uint64_t)t->with_inputs << 11);
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
put_tag_ref(uint64_t *h, const struct plan *p, struct tag_ref t)
{
	put_text(h, p->sources[t.source].tags[t.tag].path);
}

static void
put_texts(uint64_t *h, const char *const *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		put_text(h, v[i]);
	put_u64(h, n);
}

static void
put_bounds(uint64_t *h, const struct request_rule *r)
{
	for (uint32_t i = 0; i < r->nargs; i++) {
		put_u64(h, r->args[i].any | (uint64_t)r->args[i].has_limits << 1);
		put_f64(h, r->args[i].lo);
		put_f64(h, r->args[i].hi);
		put_text(h, r->args[i].words);
	}
	for (uint32_t i = 0; i < r->nvalues; i++)
		put_f64(h, r->values[i]);
	put_u64(h, (uint64_t)r->nargs << 32 | r->nvalues);
	put_texts(h, r->words, r->nwords);
	put_u64(h, r->has_limits | (uint64_t)r->cli << 1 | (uint64_t)r->second_person << 2 | (uint64_t)r->readback << 3 |
	    (uint64_t)r->events << 4 | (uint64_t)r->any << 5);
	const double numbers[] = { r->lo, r->hi, r->step, r->change, r->tolerance };
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		put_f64(h, numbers[i]);
	const int64_t times[] = { r->change_ns, r->min_interval_ns, r->per_minute, r->ttl_ns, r->within_ns };
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		put_u64(h, (uint64_t)times[i]);
}

uint64_t
hash_request(const struct plan *p, const struct request_rule *r)
{
	uint64_t h = SEED;
	put_text(&h, r->name);
	put_u64(&h, (uint64_t)r->kind);
	for (uint32_t i = 0; i < r->ntags; i++)
		put_tag_ref(&h, p, r->tags[i]);
	put_u64(&h, r->ntags);
	put_text(&h, r->kind == REQUEST_CALL ? p->sources[r->source].name : "");
	put_text(&h, r->method);
	for (uint32_t i = 0; i < r->nsinks; i++)
		put_text(&h, p->sinks[r->sinks[i]].name);
	put_u64(&h, r->nsinks);
	put_texts(&h, r->roles, r->nroles);
	put_bounds(&h, r);
	if (r->readback_other)
		put_tag_ref(&h, p, r->readback_tag);
	put_text(&h, r->interlock);
	put_text(&h, r->why);
	put_text(&h, r->owner);
	return finish(h);
}

static void
put_zones(uint64_t *h, const struct plan *p)
{
	for (uint32_t i = 0; i < p->nzones; i++) {
		put_text(h, p->zones[i].name);
		put_f64(h, p->zones[i].level);
		put_u64(h, (uint64_t)p->zones[i].sl_t);
		put_text(h, p->zones[i].netns);
	}
	put_u64(h, p->nzones);
	for (uint32_t i = 0; i < p->nconduits; i++) {
		put_text(h, p->conduits[i].name);
		put_text(h, p->zones[p->conduits[i].from].name);
		put_text(h, p->zones[p->conduits[i].to].name);
		put_u64(h, p->conduits[i].initiator_from | (uint64_t)p->conduits[i].requests << 1);
	}
	put_u64(h, p->nconduits);
}

uint64_t
hash_count(const struct event_rule_field *f)
{
	uint64_t h = hash64(f->name, strlen(f->name) + 1);

	h = hash64_more(h, f->text, strlen(f->text) + 1);
	return hash64_more(h, f->unit, strlen(f->unit) + 1);
}

uint64_t
hash_event(const struct event_rule *r)
{
	const char *const texts[] = { r->path, r->when, r->request, r->acknowledge };
	uint64_t h = SEED;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		put_text(&h, texts[i]);
	put_u64(&h, (uint64_t)r->object);
	put_u64(&h, (uint64_t)r->every_ns);
	put_u64(&h, (uint64_t)r->timeout_ns);
	for (uint32_t i = 0; i < r->nfields; i++) {
		const struct event_rule_field *f = &r->fields[i];
		put_text(&h, f->name);
		put_text(&h, f->text);
		put_text(&h, f->unit);
		put_u64(&h, (uint64_t)f->from | (uint64_t)f->type << 8 | (uint64_t)f->required << 16 | (uint64_t)f->has_range << 17 |
		    (uint64_t)f->length << 32);
		put_f64(&h, f->has_range ? f->lo : 0);
		put_f64(&h, f->has_range ? f->hi : 0);
		put_texts(&h, f->words, f->nwords);
	}
	for (uint32_t i = 0; i < r->nkey; i++)
		put_u64(&h, r->key[i]);
	return finish(h);
}

uint64_t
hash_plan(const struct plan *p)
{
	uint64_t h = SEED;
	put_text(&h, p->enterprise);
	put_text(&h, p->site);
	put_text(&h, p->country);
	put_text(&h, p->time_zone);
	put_u64(&h, p->sandbox_required);
	put_text(&h, p->users);
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
	for (uint32_t i = 0; i < p->nrequests; i++)
		put_u64(&h, hash_request(p, &p->requests[i]));
	for (uint32_t i = 0; i < p->nevents; i++)
		put_u64(&h, hash_event(&p->events[i]));
	return finish(h);
}
