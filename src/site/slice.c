/*
 * A slice on its way from the supervisor to one process. Format:
 *
 *	"PSLC"          4 bytes
 *	version         u32, little-endian: SLICE_VERSION; another one is refused, since both ends are of one build
 *	checksum        u32, little-endian: CRC-32C of the body
 *	body            as the pack_ functions below name the fields, in order (pack.h says how each kind is written)
 *
 * What a process is told is decided in slice_view.c; here everything in the view is written. An enumeration is
 * written where it is first used, and by its number from then on.
 */
#include "site/slice.h"

#include <string.h>

#include "base/crc32c.h"
#include "os/zone.h"
#include "site/enums.h"
#include "site/pack.h"
#include "site/slice_event.h"
#include "site/slice_request.h"
#include "site/slice_view.h"

#define SLICE_VERSION	5u
#define HEAD		12u
#define KEYS_MAX	256u	/* keys of one driver or sink */
#define LIST_MAX	65536u
#define ENUMS_MAX	65536u
#define OFFSETS_MAX	1024u

struct slice {
	struct pack		 k;
	struct plan		*p;		/* the view while writing, the new plan while reading */
	struct map		 enum_numbers;	/* writing: enum_def -> number, from 1 */
	struct enum_def		**enums;	/* reading: by number - 1 */
	uint32_t		 nenums;
};

static void
slice_place(struct place *at)
{
	*at = (struct place){ "", 0, 0 };
}

/* Rows of an array: read into fresh memory of the plan, written from where they are. */
static void *
rows(struct slice *s, void *have, uint32_t *n, uint32_t max, size_t size)
{
	pack_count(&s->k, n, max);
	return pack_writing(&s->k) ? have : arena_array(&s->p->arena, *n + 1, size);
}

static void
pack_zone(struct slice *s, struct zone *z)
{
	uint32_t sl_t = (uint32_t)z->sl_t;
	pack_text(&s->k, &z->name, false);
	pack_f64(&s->k, &z->level);
	pack_u32(&s->k, &sl_t, 5);
	pack_bool(&s->k, &z->it);
	pack_text(&s->k, &z->netns, true);
	z->sl_t = (int)sl_t;
}

static void
pack_conduit(struct slice *s, struct conduit *c)
{
	pack_text(&s->k, &c->name, false);
	pack_u32(&s->k, &c->from, s->p->nzones);
	pack_u32(&s->k, &c->to, s->p->nzones);
	pack_bool(&s->k, &c->initiator_from);
	pack_bool(&s->k, &c->requests);
}

static void
pack_keyval(struct slice *s, struct keyval *v)
{
	uint32_t n = (uint32_t)v->n;
	bool has_text = v->s != NULL;

	pack_bool(&s->k, &v->set);
	pack_bool(&s->k, &v->written);
	pack_bool(&s->k, &v->b);
	pack_i64(&s->k, &v->i);
	pack_f64(&s->k, &v->f);
	pack_f64(&s->k, &v->g);
	pack_bool(&s->k, &has_text);
	if (has_text)
		pack_text(&s->k, &v->s, true);
	const char **list = rows(s, (void *)(uintptr_t)v->list, &n, LIST_MAX, sizeof *list);
	for (uint32_t i = 0; i < n && pack_err(&s->k) == 0; i++)
		pack_text(&s->k, &list[i], true);
	v->list = n > 0 ? list : NULL;
	v->n = n;
}

static struct keyval *
pack_keys(struct slice *s, struct keyval *keys, uint32_t *n)
{
	keys = rows(s, keys, n, KEYS_MAX, sizeof *keys);
	for (uint32_t i = 0; i < *n && pack_err(&s->k) == 0; i++)
		pack_keyval(s, &keys[i]);
	return keys;
}

static void
pack_enum_def(struct slice *s, struct enum_def *e)
{
	pack_text(&s->k, &e->name, false);
	e->items = rows(s, e->items, &e->n, ENUM_ITEMS_MAX, sizeof *e->items);
	for (uint32_t i = 0; i < e->n && pack_err(&s->k) == 0; i++) {
		pack_i64(&s->k, &e->items[i].value);
		pack_text(&s->k, &e->items[i].text, true);
	}
}

static uint32_t
enum_number(struct slice *s, const struct enum_def *e)
{
	if (e == NULL)
		return 0;
	uintptr_t known = (uintptr_t)map_get_u64(&s->enum_numbers, (uint64_t)(uintptr_t)e);
	if (known == 0) {
		known = ++s->nenums;
		map_put_u64(&s->enum_numbers, (uint64_t)(uintptr_t)e, (void *)known);
		return (uint32_t)known;
	}
	return (uint32_t)known;
}

static void
pack_enum(struct slice *s, const struct enum_def **e)
{
	uint32_t before = s->nenums, number = pack_writing(&s->k) ? enum_number(s, *e) : 0;

	pack_u32(&s->k, &number, (uint64_t)before + 2);
	if (number == 0 || pack_err(&s->k) != 0) {
		*e = pack_writing(&s->k) ? *e : NULL;
		return;
	}
	if (pack_writing(&s->k)) {
		struct enum_def copy = **e;
		if (number > before)
			pack_enum_def(s, &copy);
		return;
	}
	if (number > before) {
		if (before == ENUMS_MAX) {
			rd_fail(&s->k.in, ERR_LIMIT);
			return;
		}
		s->enums[s->nenums++] = arena_new(&s->p->arena, struct enum_def);
		pack_enum_def(s, s->enums[before]);
	}
	*e = s->enums[number - 1];
}

static void
pack_tag(struct slice *s, struct tag *t, const struct source *of)
{
	uint32_t type = t->type, class = t->scan_class;

	pack_text(&s->k, &t->path, false);
	pack_text(&s->k, &t->at, true);
	pack_u32(&s->k, &type, 256);
	pack_text(&s->k, &t->unit, true);
	pack_text(&s->k, &t->help, true);
	pack_i64(&s->k, &t->scan_ns);
	pack_u32(&s->k, &class, (uint64_t)UINT16_MAX + 1);
	pack_bool(&s->k, &t->scaled);
	pack_f64(&s->k, &t->factor);
	pack_f64(&s->k, &t->offset);
	pack_bool(&s->k, &t->has_range);
	pack_f64(&s->k, &t->lo);
	pack_f64(&s->k, &t->hi);
	pack_enum(s, &t->enumeration);
	pack_bool(&s->k, &t->writable);
	pack_bool(&s->k, &t->with_inputs);
	if (pack_writing(&s->k))
		return;
	if (!value_type_valid((uint8_t)type) || (class >= of->nscans && class != PLAN_NO_SCAN))
		rd_fail(&s->k.in, ERR_PROTO);
	t->type = (uint8_t)type;
	t->scan_class = (uint16_t)class;
	slice_place(&t->place);
}

static void
pack_source(struct slice *s, struct source *v, uint32_t number, uint32_t *tags_left)
{
	pack_text(&s->k, &v->name, false);
	pack_text(&s->k, &v->driver, true);
	pack_u32(&s->k, &v->zone, s->p->nzones);
	pack_text(&s->k, &v->endpoint, true);
	pack_text(&s->k, &v->link, true);
	v->keys = pack_keys(s, v->keys, &v->nkeys);
	pack_f64(&s->k, &v->requests_per_s);
	pack_f64(&s->k, &v->bytes_per_s);
	pack_u64(&s->k, &v->key);
	pack_u32(&s->k, &v->nscans, PLAN_SCAN_CLASSES_MAX + 1);
	for (uint32_t i = 0; i < v->nscans; i++)
		pack_i64(&s->k, &v->scans_ns[i]);
	pack_count(&s->k, &v->ntags, *tags_left);
	if (!pack_writing(&s->k)) {
		v->tags = &s->p->tags[s->p->ntags - *tags_left];
		slice_place(&v->place);
	}
	*tags_left -= v->ntags;
	for (uint32_t i = 0; i < v->ntags && pack_err(&s->k) == 0; i++) {
		pack_tag(s, &v->tags[i], v);
		v->tags[i].source = number;
		v->tags[i].index = i;
	}
}

static void
pack_sources(struct slice *s)
{
	struct plan *p = s->p;

	p->tags = rows(s, p->tags, &p->ntags, PLAN_TAGS_MAX, sizeof *p->tags);
	p->sources = rows(s, p->sources, &p->nsources, PLAN_SOURCES_MAX, sizeof *p->sources);
	uint32_t left = p->ntags;
	for (uint32_t i = 0; i < p->nsources && pack_err(&s->k) == 0; i++)
		pack_source(s, &p->sources[i], i, &left);
	if (left != 0 && pack_err(&s->k) == 0 && !pack_writing(&s->k))
		rd_fail(&s->k.in, ERR_PROTO);
}

static void
pack_sink(struct slice *s, struct sink *v)
{
	pack_text(&s->k, &v->name, false);
	pack_text(&s->k, &v->kind, true);
	pack_u32(&s->k, &v->zone, s->p->nzones);
	v->keys = pack_keys(s, v->keys, &v->nkeys);
	pack_u64(&s->k, &v->key);
	if (!pack_writing(&s->k))
		slice_place(&v->place);
}

static void
pack_flow_tag(struct slice *s, struct flow_tag *t)
{
	const struct plan *p = s->p;
	pack_u32(&s->k, &t->source, p->nsources);
	pack_u32(&s->k, &t->tag, p->nsources > 0 ? p->sources[t->source].ntags : 0);
	if (pack_err(&s->k) != 0)
		return;
	/* Most names are the tag's own path, which is in the slice already. */
	const struct tag *tag = &p->sources[t->source].tags[t->tag];
	bool own = pack_writing(&s->k) && strcmp(t->name, tag->path) == 0;
	pack_bool(&s->k, &own);
	if (own)
		t->name = tag->path;
	else
		pack_text(&s->k, &t->name, false);
}

static void
pack_how(struct slice *s, struct flow *f)
{
	uint32_t reduce = (uint32_t)f->reduce, change = (uint32_t)f->change, durability = (uint32_t)f->durability;

	pack_u32(&s->k, &reduce, REDUCE_SWINGING_DOOR + 1);
	pack_u32(&s->k, &change, CHANGE_OF_RANGE + 1);
	pack_f64(&s->k, &f->deadband);
	pack_i64(&s->k, &f->at_least_every_ns);
	pack_i64(&s->k, &f->window_ns);
	pack_u32(&s->k, &f->window_fns, 1u << WINDOW_FNS);
	pack_f64(&s->k, &f->door);
	pack_u32(&s->k, &durability, DURABLE_NONE + 1);
	pack_i64(&s->k, &f->sync_ns);
	pack_i64(&s->k, &f->quota_bytes);
	pack_i64(&s->k, &f->quota_age_ns);
	pack_bool(&s->k, &f->live_first);
	pack_i64(&s->k, &f->latency_ns);
	f->reduce = (enum reduce_kind)reduce;
	f->change = (enum change_kind)change;
	f->durability = (enum durability)durability;
}

static void
pack_flow(struct slice *s, struct flow *f)
{
	const uint32_t conduits_max = sizeof f->conduits / sizeof f->conduits[0];

	pack_text(&s->k, &f->name, false);
	pack_u32(&s->k, &f->schema, (uint64_t)UINT32_MAX + 1);
	f->tags = rows(s, f->tags, &f->ntags, PLAN_TAGS_MAX * (uint32_t)WINDOW_FNS, sizeof *f->tags);
	for (uint32_t i = 0; i < f->ntags && pack_err(&s->k) == 0; i++)
		pack_flow_tag(s, &f->tags[i]);
	pack_u32(&s->k, &f->nconduits, conduits_max + 1);
	for (uint32_t i = 0; i < f->nconduits; i++)
		pack_u32(&s->k, &f->conduits[i], s->p->nconduits);
	f->sinks = rows(s, f->sinks, &f->nsinks, LIST_MAX, sizeof *f->sinks);
	for (uint32_t i = 0; i < f->nsinks && pack_err(&s->k) == 0; i++)
		pack_u32(&s->k, &f->sinks[i], s->p->nsinks);
	pack_how(s, f);
	pack_text(&s->k, &f->why, true);
	pack_text(&s->k, &f->owner, true);
	if (!pack_writing(&s->k))
		slice_place(&f->place);
}

static void
pack_offsets(struct slice *s)
{
	struct plan *p = s->p;

	p->offsets = rows(s, p->offsets, &p->noffsets, OFFSETS_MAX, sizeof *p->offsets);
	for (uint32_t i = 0; i < p->noffsets && pack_err(&s->k) == 0; i++) {
		int64_t offset = p->offsets[i].offset_s;
		pack_i64(&s->k, &p->offsets[i].from.ns);
		pack_i64(&s->k, &offset);
		p->offsets[i].offset_s = (int32_t)offset;
	}
}

static void
pack_plan(struct slice *s)
{
	struct plan *p = s->p;
	const char **texts[] = { &p->enterprise, &p->site, &p->country, &p->time_zone, &p->folder, &p->users };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		pack_text(&s->k, texts[i], true);
	pack_bool(&s->k, &p->sandbox_required);
	pack_offsets(s);
	pack_u64(&s->k, &p->hash);
	p->zones = rows(s, p->zones, &p->nzones, LIST_MAX, sizeof *p->zones);
	for (uint32_t i = 0; i < p->nzones && pack_err(&s->k) == 0; i++) {
		pack_zone(s, &p->zones[i]);
		if (!pack_writing(&s->k))
			slice_place(&p->zones[i].at);
	}
	p->conduits = rows(s, p->conduits, &p->nconduits, LIST_MAX, sizeof *p->conduits);
	for (uint32_t i = 0; i < p->nconduits && pack_err(&s->k) == 0; i++) {
		pack_conduit(s, &p->conduits[i]);
		if (!pack_writing(&s->k))
			slice_place(&p->conduits[i].at);
	}
	pack_sources(s);
	p->sinks = rows(s, p->sinks, &p->nsinks, LIST_MAX, sizeof *p->sinks);
	for (uint32_t i = 0; i < p->nsinks && pack_err(&s->k) == 0; i++)
		pack_sink(s, &p->sinks[i]);
	p->flows = rows(s, p->flows, &p->nflows, PLAN_FLOWS_MAX, sizeof *p->flows);
	for (uint32_t i = 0; i < p->nflows && pack_err(&s->k) == 0; i++)
		pack_flow(s, &p->flows[i]);
	p->requests = rows(s, p->requests, &p->nrequests, PLAN_REQUESTS_MAX, sizeof *p->requests);
	for (uint32_t i = 0; i < p->nrequests && pack_err(&s->k) == 0; i++)
		slice_request(&s->k, p, &p->requests[i]);
	p->events = rows(s, p->events, &p->nevents, PLAN_EVENTS_MAX, sizeof *p->events);
	for (uint32_t i = 0; i < p->nevents && pack_err(&s->k) == 0; i++)
		slice_event(&s->k, p, &p->events[i]);
}

int
slice_write(const struct plan *p, enum slice_for who, uint32_t zone, struct buf *out)
{
	struct arena a = { 0 };
	struct plan view;
	struct slice s = { .k = { .out = out }, .p = &view };
	size_t start = out->len;
	uint8_t head[HEAD] = "PSLC";

	slice_view(p, who, zone, &a, &view);
	buf_put(out, head, sizeof head);
	pack_plan(&s);
	if (out->err == 0) {
		struct writer w = wr_init(head + 4, HEAD - 4);
		wr_le32(&w, SLICE_VERSION);
		wr_le32(&w, crc32c(0, out->p + start + HEAD, out->len - start - HEAD));
		memcpy(out->p + start, head, HEAD);
	}
	map_fini(&s.enum_numbers);
	arena_fini(&a);
	return out->err;
}

int
slice_read(const void *p, size_t len, struct plan **out)
{
	struct reader r = rd_init(p, len);
	const uint8_t *magic = rd_bytes(&r, 4);
	uint32_t version = rd_le32(&r), sum = rd_le32(&r);

	*out = NULL;
	if (r.err != 0 || memcmp(magic, "PSLC", 4) != 0)
		return ERR_PROTO;
	if (version != SLICE_VERSION)
		return ERR_VERSION;
	if (crc32c(0, r.p, rd_left(&r)) != sum)
		return ERR_PROTO;
	struct slice s = { .k = { .in = r }, .p = plan_new() };
	struct arena scratch = { 0 };
	s.k.strings.arena = &s.p->arena;
	s.enums = arena_array(&scratch, ENUMS_MAX, sizeof *s.enums);
	pack_plan(&s);
	int err = rd_end(&s.k.in);
	strings_fini(&s.k.strings);
	arena_fini(&scratch);
	if (err != 0) {
		plan_free(s.p);
		return err == ERR_LIMIT ? ERR_LIMIT : ERR_PROTO;
	}
	*out = s.p;
	return 0;
}
