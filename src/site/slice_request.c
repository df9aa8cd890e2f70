/* See slice_request.h. Texts, numbers and references in the order of struct request_rule. */
#include "site/slice_request.h"

#define LIST_MAX	65536u

static void *
rows(struct pack *k, struct plan *p, const void *have, uint32_t *n, uint32_t max, size_t size)
{
	pack_count(k, n, max);
	return pack_writing(k) ? (void *)(uintptr_t)have : arena_array(&p->arena, *n + 1, size);
}

static void
pack_ref(struct pack *k, const struct plan *p, struct tag_ref *t)
{
	pack_u32(k, &t->source, p->nsources);
	pack_u32(k, &t->tag, pack_err(k) == 0 && p->nsources > 0 ? p->sources[t->source].ntags : 0);
}

static const char *const *
pack_texts(struct pack *k, struct plan *p, const char *const *v, uint32_t *n)
{
	const char **list = rows(k, p, v, n, LIST_MAX, sizeof *list);

	for (uint32_t i = 0; i < *n && pack_err(k) == 0; i++)
		pack_text(k, &list[i], true);
	return list;
}

static void
pack_target(struct pack *k, struct plan *p, struct request_rule *r)
{
	uint32_t kind = (uint32_t)r->kind;

	pack_text(k, &r->name, false);
	pack_u32(k, &kind, REQUEST_KIND_COUNT);
	r->kind = (enum request_kind)kind;
	r->tags = rows(k, p, r->tags, &r->ntags, PLAN_TAGS_MAX, sizeof *r->tags);
	for (uint32_t i = 0; i < r->ntags && pack_err(k) == 0; i++)
		pack_ref(k, p, &r->tags[i]);
	if (r->kind == REQUEST_CALL)
		pack_u32(k, &r->source, p->nsources);
	pack_text(k, &r->method, true);
	r->args = rows(k, p, r->args, &r->nargs, REQUEST_ARGS_MAX, sizeof *r->args);
	for (uint32_t i = 0; i < r->nargs && pack_err(k) == 0; i++) {
		struct request_arg *a = &r->args[i];
		pack_bool(k, &a->any);
		pack_bool(k, &a->has_limits);
		pack_f64(k, &a->lo);
		pack_f64(k, &a->hi);
		pack_text(k, &a->words, true);
	}
}

static void
pack_bounds(struct pack *k, struct plan *p, struct request_rule *r)
{
	pack_bool(k, &r->any);
	pack_bool(k, &r->has_limits);
	pack_f64(k, &r->lo);
	pack_f64(k, &r->hi);
	double *values = rows(k, p, r->values, &r->nvalues, LIST_MAX, sizeof *values);
	for (uint32_t i = 0; i < r->nvalues && pack_err(k) == 0; i++)
		pack_f64(k, &values[i]);
	r->values = values;
	r->words = pack_texts(k, p, r->words, &r->nwords);
	pack_f64(k, &r->step);
	pack_f64(k, &r->change);
	pack_i64(k, &r->change_ns);
	pack_i64(k, &r->min_interval_ns);
	pack_u32(k, &r->per_minute, 60001);
	pack_text(k, &r->interlock, true);
	pack_i64(k, &r->ttl_ns);
	pack_bool(k, &r->second_person);
}

void
slice_request(struct pack *k, struct plan *p, struct request_rule *r)
{
	pack_target(k, p, r);
	r->sinks = rows(k, p, r->sinks, &r->nsinks, LIST_MAX, sizeof *r->sinks);
	for (uint32_t i = 0; i < r->nsinks && pack_err(k) == 0; i++)
		pack_u32(k, &r->sinks[i], p->nsinks);
	pack_bool(k, &r->cli);
	pack_bool(k, &r->events);
	r->roles = pack_texts(k, p, r->roles, &r->nroles);
	pack_bounds(k, p, r);
	pack_bool(k, &r->readback);
	pack_bool(k, &r->readback_other);
	if (r->readback_other)
		pack_ref(k, p, &r->readback_tag);
	pack_f64(k, &r->tolerance);
	pack_i64(k, &r->within_ns);
	pack_text(k, &r->why, true);
	pack_text(k, &r->owner, true);
	if (!pack_writing(k))
		r->place = (struct place){ "", 0, 0 };
}
