/* See show.h. */
#include "field/show.h"

#include <string.h>

const char *
show_unit(const struct tag *tag)
{
	return tag->unit == NULL || strcmp(tag->unit, "1") == 0 ? "" : tag->unit;
}

static void
show_time(struct json *j, const char *key, struct wall t)
{
	char text[WALL_TEXT];

	if (t.ns == 0)
		return;
	json_key_text(j, key, wall_format(t, 6, text));
}

static void
show_meaning(struct json *j, const struct tag *tag, const struct value *v)
{
	if (tag->enumeration == NULL || v->type < VALUE_BOOL || v->type > VALUE_U64)
		return;
	for (uint32_t i = 0; i < tag->enumeration->n; i++)
		if (tag->enumeration->items[i].value == v->i) {
			json_key_text(j, "meaning", tag->enumeration->items[i].text);
			return;
		}
}

void
show_sample(struct json *j, const struct tag *tag, const struct sample *s)
{
	static const struct { uint8_t flag; const char *name; } flags[] = {
		{ SAMPLE_HISTORICAL, "historical" }, { SAMPLE_LATE, "late" }, { SAMPLE_CLOCK_STEP, "clock_step" },
		    { SAMPLE_REREAD, "reread" },
	};

	json_key_text(j, "tag", tag->path);
	json_key(j, "value");
	value_json(j, &s->v);
	show_meaning(j, tag, &s->v);
	if (show_unit(tag)[0] != '\0')
		json_key_text(j, "unit", show_unit(tag));
	json_key_text(j, "status", status_name(s->status));
	if (!status_is_good(s->status))
		json_key_text(j, "why", status_text(s->status));
	show_time(j, "source_time", s->source);
	show_time(j, "server_time", s->server);
	show_time(j, "arrival", s->arrival);
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if ((s->flags & flags[i].flag) != 0)
			json_key_bool(j, flags[i].name, true);
}
