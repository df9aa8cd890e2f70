/* See slice_event.h. Texts, numbers and references in the order of struct event_rule. */
#include "site/slice_event.h"

#define WORDS_MAX 65536u

static void
pack_field(struct pack *k, struct plan *p, struct event_rule_field *f)
{
	uint32_t from = (uint32_t)f->from, type = (uint32_t)f->type;

	pack_text(k, &f->name, true);
	pack_u32(k, &from, EVENT_FROMS);
	pack_u32(k, &type, EVENT_TYPE_COUNT);
	f->from = (enum event_from)from;
	f->type = (enum event_type)type;
	pack_text(k, &f->text, true);
	pack_text(k, &f->unit, true);
	pack_u32(k, &f->length, (uint64_t)EVENT_TEXT_MAX + 1);
	pack_bool(k, &f->required);
	pack_bool(k, &f->has_range);
	pack_f64(k, &f->lo);
	pack_f64(k, &f->hi);
	pack_count(k, &f->nwords, WORDS_MAX);
	const char **words =
	    pack_writing(k) ? (const char **)(uintptr_t)f->words : arena_array(&p->arena, f->nwords + 1, sizeof *words);
	for (uint32_t i = 0; i < f->nwords && pack_err(k) == 0; i++)
		pack_text(k, &words[i], true);
	f->words = words;
}

void
slice_event(struct pack *k, struct plan *p, struct event_rule *r)
{
	uint32_t object = (uint32_t)r->object;

	pack_text(k, &r->path, true);
	pack_u32(k, &object, EVENT_OBJECT_COUNT);
	r->object = (enum event_object)object;
	pack_u32(k, &r->source, p->nsources);
	pack_u32(k, &r->tag, pack_err(k) == 0 && p->nsources > 0 ? p->sources[r->source].ntags : 0);
	pack_text(k, &r->when, true);
	pack_i64(k, &r->every_ns);
	pack_text(k, &r->request, true);
	pack_text(k, &r->acknowledge, true);
	pack_i64(k, &r->timeout_ns);
	pack_count(k, &r->nfields, EVENT_FIELDS_MAX);
	if (!pack_writing(k))
		r->fields = arena_array(&p->arena, r->nfields + 1, sizeof *r->fields);
	for (uint32_t i = 0; i < r->nfields && pack_err(k) == 0; i++)
		pack_field(k, p, &r->fields[i]);
	pack_u32(k, &r->nkey, EVENT_KEY_MAX + 1);
	for (uint32_t i = 0; i < r->nkey && pack_err(k) == 0; i++) {
		uint32_t part = r->key[i] == EVENT_KEY_NO ? r->nfields : r->key[i];
		pack_u32(k, &part, (uint64_t)r->nfields + 1);
		r->key[i] = part == r->nfields ? EVENT_KEY_NO : part;
	}
	if (!pack_writing(k))
		r->place = (struct place){ "", 0, 0 };
}
