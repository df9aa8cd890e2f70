/* See event_text.h. */
#include "site/event_text.h"

#include "base/clock.h"

const char *
event_text_trigger(const struct event_rule *e, struct arena *a)
{
	char time[DURATION_TEXT];

	if (*e->request != '\0')
		return arena_printf(a, "handshake: %s, acknowledged by %s, within %s", e->request, e->acknowledge,
		    duration_format(e->timeout_ns, time));
	if (*e->when != '\0')
		return e->when;
	return arena_printf(a, "every %s", duration_format(e->every_ns, time));
}

const char *
event_text_key(const struct event_rule *e, struct arena *a)
{
	const char *text = "";

	for (uint32_t i = 0; i < e->nkey; i++)
		text = arena_printf(a, "%s%s%s", text, i > 0 ? " / " : "",
		    e->key[i] == EVENT_KEY_NO ? "its number" : e->fields[e->key[i]].name);
	return *text != '\0' ? text : "its number";
}

const char *
event_text_field(const struct event_rule_field *f, struct arena *a)
{
	static const char *const from[EVENT_FROMS] = {
		[EVENT_FROM_EXPR] = "",
		[EVENT_FROM_COUNT] = "what is new in ",
		[EVENT_FROM_VALUE] = "always ",
	};
	const char *text = arena_printf(a, "%s%s", from[f->from], f->text);

	if (*f->unit != '\0')
		text = arena_printf(a, "%s [%s]", text, f->unit);
	text = arena_printf(a, "%s, %s", text, event_type_name(f->type));
	if (f->type == EVENT_IS_TEXT && f->from != EVENT_FROM_VALUE)
		text = arena_printf(a, "%s of at most %u characters", text, f->length);
	if (f->has_range)
		text = arena_printf(a, "%s from %.10g to %.10g", text, f->lo, f->hi);
	for (uint32_t i = 0; i < f->nwords; i++)
		text = arena_printf(a, "%s%s%s", text, i == 0 ? ", one of " : ", ", f->words[i]);
	return f->required ? arena_printf(a, "%s, required", text) : text;
}
