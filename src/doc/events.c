/* See events.h. */
#include "doc/events.h"

#include "site/event_text.h"

#define HEADS(...)	(const char *const[]){ __VA_ARGS__, NULL }
#define ROW(p, ...)	page_row(p, (const char *const[]){ __VA_ARGS__ })

static const char *
fields(const struct event_rule *e, struct arena *a)
{
	const char *text = "";

	for (uint32_t i = 0; i < e->nfields; i++)
		text = arena_printf(a, "%s%s%s: %s", text, i > 0 ? "; " : "", e->fields[i].name, event_text_field(&e->fields[i], a));
	return text;
}

static const char *
goes_to(const struct plan *s, const struct event_rule *e, struct arena *a)
{
	const char *text = "";

	for (uint32_t i = 0; i < s->nflows; i++)
		for (uint32_t k = 0; k < s->flows[i].ntags; k++)
			if (s->flows[i].tags[k].source == e->source && s->flows[i].tags[k].tag == e->tag)
				for (uint32_t n = 0; n < s->flows[i].nsinks; n++)
					text = arena_printf(a, "%s%s%s by %s", text, *text != '\0' ? ", " : "", s->sinks[s->flows[i].sinks[n]].name,
					    s->flows[i].name);
	return *text != '\0' ? text : "nowhere: no flow takes it";
}

void
document_events(const struct document *d, struct page *p, struct arena *a)
{
	const struct plan *s = d->plan;

	if (s->nevents == 0)
		return;
	page_heading(p, 1, "Business events");
	page_text(p, "Made in the insight process, each once, with an identity that the far end books once (doc/events.md). A count is what the register "
	    "has moved by since the event before.");
	page_table(p, "events", HEADS("event", "what it is (ISA-95)", "when", "fields", "one of a kind by", "goes to"));
	for (uint32_t i = 0; i < s->nevents; i++) {
		const struct event_rule *e = &s->events[i];
		ROW(p, e->path, event_object_name(e->object), event_text_trigger(e, a), fields(e, a), event_text_key(e, a), goes_to(s, e, a));
	}
	page_table_end(p);
}
