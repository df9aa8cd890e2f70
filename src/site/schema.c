/*
 * See reference.h: the JSON Schema. Editors that know YAML use it to complete keys and to mark mistakes while
 * typing; what it cannot say (references, addresses, routes) `penstock check` says.
 */
#include <string.h>

#include "base/json.h"
#include "site/reference.h"
#include "site/sections.h"

static void
put_types(struct json *j, const char *const *types)
{
	json_key(j, "type");
	json_open(j, '[');
	for (; *types != NULL; types++)
		json_text(j, *types);
	json_close(j, ']');
}

static void
put_choices(struct json *j, const struct key *k)
{
	json_key(j, "enum");
	json_open(j, '[');
	for (size_t i = 0; k->choices[i] != NULL; i++)
		json_text(j, k->choices[i]);
	json_close(j, ']');
}

static void
put_limits(struct json *j, const struct key *k, const char *low, const char *high)
{
	if (k->min == 0 && k->max == 0)
		return;
	json_key_f64(j, low, k->min);
	json_key_f64(j, high, k->max);
}

/* A text: YAML reads an unquoted 10 or yes as a number or a truth, and we take it as it was written. */
static const char *const texts[] = { "string", "number", "boolean", NULL };
static const char *const numbers[] = { "string", "number", NULL };

static void
put_list(struct json *j, const struct key *k)
{
	json_key(j, "type");
	json_open(j, '[');
	json_text(j, "array");
	json_text(j, "string");
	json_close(j, ']');
	json_key(j, "items");
	json_open(j, '{');
	if (k->type == KEY_CHOICES)
		put_choices(j, k);
	else
		put_types(j, texts);
	json_close(j, '}');
}

static void
put_range(struct json *j)
{
	json_key_text(j, "type", "array");
	json_key(j, "items");
	json_open(j, '{');
	json_key_text(j, "type", "number");
	json_close(j, '}');
	json_key_i64(j, "minItems", 2);
	json_key_i64(j, "maxItems", 2);
}

static void
put_map(struct json *j, const struct key *k)
{
	static const char *const tags[] = { "object", "string", "array", NULL };
	bool below = section_below(k) != NULL;

	if (strcmp(k->name, "tags") == 0) {
		put_types(j, tags);
		json_key(j, "additionalProperties");
		json_open(j, '{');
		json_key_text(j, "$ref", "#/$defs/tag");
		json_close(j, '}');
	} else if (k == &event_keys[EVENT_KEY_FIELDS]) {
		json_key_text(j, "type", "object");
		json_key(j, "additionalProperties");
		json_open(j, '{');
		json_key_text(j, "$ref", "#/$defs/event-field");
		json_close(j, '}');
	} else if (below)
		json_key_text(j, "$ref", section_below(k) == how_keys ? "#/$defs/how" : "#/$defs/readback");
	else
		json_key_text(j, "type", "object");
}

static void
put_duration(struct json *j, const struct key *k)
{
	struct buf pattern = { 0 };

	put_types(j, numbers);
	buf_puts(&pattern, "^(0|[0-9]+(\\.[0-9]+)? *(ns|us|ms|s|min|h|d)");
	for (size_t i = 0; k->choices != NULL && k->choices[i] != NULL; i++)
		buf_printf(&pattern, "|%s", k->choices[i]);
	buf_puts(&pattern, ")$");
	json_key_text(j, "pattern", buf_text(&pattern));
	buf_fini(&pattern);
	json_key(j, "maximum");	/* the only number without a unit is 0 */
	json_i64(j, 0);
}

static void
put_key(struct json *j, const struct key *k)
{
	json_key(j, k->name);
	json_open(j, '{');
	json_key_text(j, "description", k->help);
	switch (k->type) {
	case KEY_BOOL:
		json_key(j, "enum");
		json_raw(j, "[true,false,\"yes\",\"no\"]", strlen("[true,false,\"yes\",\"no\"]"));
		break;
	case KEY_INT:
		json_key_text(j, "type", "integer");
		put_limits(j, k, "minimum", "maximum");
		break;
	case KEY_REAL:
		json_key_text(j, "type", "number");
		put_limits(j, k, "minimum", "maximum");
		break;
	case KEY_NAME:
		put_types(j, numbers);
		json_key_text(j, "pattern", "^[A-Za-z0-9][A-Za-z0-9._-]*$");
		break;
	case KEY_ENUM:		put_choices(j, k); break;
	case KEY_DURATION:	put_duration(j, k); break;
	case KEY_SIZE:
		put_types(j, numbers);
		json_key_text(j, "pattern", "^(0|[0-9]+(\\.[0-9]+)? *(B|[kKMGT]B|[KMGT]iB))$");
		json_key_i64(j, "maximum", 0);
		break;
	case KEY_LIST:
	case KEY_CHOICES:	put_list(j, k); break;
	case KEY_RANGE:		put_range(j); break;
	case KEY_MAP:		put_map(j, k); break;
	case KEY_RATIO:
	case KEY_DEADBAND:
	case KEY_UNIT:		put_types(j, numbers); break;
	default:		put_types(j, texts); break;
	}
	if (k->def != NULL && (k->type == KEY_INT || k->type == KEY_REAL)) {
		json_key(j, "default");
		json_raw(j, k->def, strlen(k->def));
	} else if (k->def != NULL)
		json_key_text(j, "default", k->def);
	json_close(j, '}');
}

static void
put_keys(struct json *j, const struct key *keys)
{
	bool any = false;

	json_key(j, "properties");
	json_open(j, '{');
	for (const struct key *k = keys; k != NULL && k->name != NULL; k++)
		put_key(j, k);
	json_close(j, '}');
	for (const struct key *k = keys; k != NULL && k->name != NULL; k++)
		any |= k->required;
	if (!any)
		return;
	json_key(j, "required");
	json_open(j, '[');
	for (const struct key *k = keys; k != NULL && k->name != NULL; k++)
		if (k->required)
			json_text(j, k->name);
	json_close(j, ']');
}

/* If `key` says `name`, these keys come on top. */
static void
put_case(struct json *j, const char *key, const char *name, const struct key *keys)
{
	json_open(j, '{');
	json_key(j, "if");
	json_open(j, '{');
	json_key(j, "properties");
	json_open(j, '{');
	json_key(j, key);
	json_open(j, '{');
	json_key_text(j, "const", name);
	json_close(j, '}');
	json_close(j, '}');
	json_key(j, "required");
	json_open(j, '[');
	json_text(j, key);
	json_close(j, ']');
	json_close(j, '}');
	json_key(j, "then");
	json_open(j, '{');
	put_keys(j, keys);
	json_close(j, '}');
	json_close(j, '}');
}

static void
put_entry(struct json *j, const struct section *s, const struct catalog *c)
{
	json_key_text(j, "type", "object");
	put_keys(j, s->keys);
	if (s != &sections[SECTION_SOURCES] && s != &sections[SECTION_SINKS]) {
		json_key_bool(j, "additionalProperties", false);
		return;
	}
	json_key(j, "allOf");
	json_open(j, '[');
	for (size_t i = 0; s == &sections[SECTION_SOURCES] && c->drivers[i] != NULL; i++)
		put_case(j, "driver", c->drivers[i]->name, c->drivers[i]->keys);
	for (size_t i = 0; s == &sections[SECTION_SINKS] && c->sinks[i] != NULL; i++)
		put_case(j, "kind", c->sinks[i]->name, c->sinks[i]->keys);
	json_close(j, ']');
	json_key_bool(j, "unevaluatedProperties", false);
}

static void
put_section(struct json *j, const struct section *s, const struct catalog *c)
{
	static const char *const files[] = { "array", "string", NULL }, *const enums[] = { "object", "array", NULL };

	json_key(j, s->name);
	json_open(j, '{');
	json_key_text(j, "description", s->help);
	if (s->shape == SECTION_ONE)
		put_entry(j, s, c);
	else if (s->shape == SECTION_FILES)
		put_types(j, files);
	else {
		json_key_text(j, "type", "object");
		json_key(j, "additionalProperties");
		json_open(j, '{');
		if (s->shape == SECTION_ENUMS)
			put_types(j, enums);
		else
			put_entry(j, s, c);
		json_close(j, '}');
	}
	json_close(j, '}');
}

static void
put_def(struct json *j, const char *name, const struct key *keys)
{
	json_key(j, name);
	json_open(j, '{');
	json_key_text(j, "type", "object");
	put_keys(j, keys);
	json_key_bool(j, "additionalProperties", false);
	json_close(j, '}');
}

void
schema_print(const struct catalog *c, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_key_text(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_key_text(&j, "title", "Penstock site file");
	json_key_text(&j, "type", "object");
	json_key(&j, "properties");
	json_open(&j, '{');
	for (size_t i = 0; i < SECTIONS; i++)
		put_section(&j, &sections[i], c);
	json_close(&j, '}');
	json_key(&j, "required");
	json_open(&j, '[');
	for (size_t i = 0; i < SECTIONS; i++)
		if (sections[i].required)
			json_text(&j, sections[i].name);
	json_close(&j, ']');
	json_key_bool(&j, "additionalProperties", false);
	json_key(&j, "$defs");
	json_open(&j, '{');
	put_def(&j, "tag", tag_keys);
	put_def(&j, "event-field", event_field_keys);
	put_def(&j, "how", how_keys);
	put_def(&j, "readback", readback_keys);
	json_close(&j, '}');
	json_close(&j, '}');
	buf_putc(out, '\n');
}
