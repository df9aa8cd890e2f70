/* See template.h. */
#include <jansson.h>

#include "sink/mqtt/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"

void
template_value(struct json *j, const struct sample *s)
{
	if (status_is_bad(s->status))
		json_nil(j);
	else
		value_json(j, &s->v);
}

static void
put_time(struct json *j, struct wall t)
{
	char text[WALL_TEXT];
	if (t.ns == 0)
		json_nil(j);
	else
		json_text(j, wall_format(t, 6, text));
}

static void put_value(struct json *j, const struct template_values *v) { template_value(j, v->sample); }
static void put_good(struct json *j, const struct template_values *v) { json_bool(j, status_is_good(v->sample->status)); }
static void put_status(struct json *j, const struct template_values *v) { json_text(j, status_name(v->sample->status)); }
static void put_code(struct json *j, const struct template_values *v) { json_u64(j, v->sample->status); }
static void put_ts(struct json *j, const struct template_values *v) { put_time(j, sample_time(v->sample)); }
static void put_ms(struct json *j, const struct template_values *v) { json_i64(j, sample_time(v->sample).ns / NS_PER_MS); }
static void put_source_time(struct json *j, const struct template_values *v) { put_time(j, v->sample->source); }
static void put_server_time(struct json *j, const struct template_values *v) { put_time(j, v->sample->server); }
static void put_arrival(struct json *j, const struct template_values *v) { put_time(j, v->sample->arrival); }
static void put_name(struct json *j, const struct template_values *v) { json_text(j, v->name); }
static void put_unit(struct json *j, const struct template_values *v) { json_text(j, v->unit); }
static void put_key(struct json *j, const struct template_values *v) { json_text(j, v->key); }
static void put_number(struct json *j, const struct template_values *v) { json_u64(j, v->number); }
static void put_flow(struct json *j, const struct template_values *v) { json_text(j, v->flow); }
static void put_source(struct json *j, const struct template_values *v) { json_text(j, v->source); }
static void put_enterprise(struct json *j, const struct template_values *v) { json_text(j, v->enterprise); }
static void put_site(struct json *j, const struct template_values *v) { json_text(j, v->site); }

static void
put_tag(struct json *j, const struct template_values *v)
{
	const char *slash = strrchr(v->name, '/');
	json_text(j, slash != NULL ? slash + 1 : v->name);
}

static const struct word {
	const char	*name;
	void		(*put)(struct json *j, const struct template_values *v);
} words[] = {
	{ "value", put_value },		{ "good", put_good },		{ "status", put_status },	{ "code", put_code },
	{ "time", put_ts },		{ "time-ms", put_ms },		{ "source-time", put_source_time },
	{ "server-time", put_server_time }, { "arrival-time", put_arrival },
	{ "name", put_name },		{ "tag", put_tag },		{ "unit", put_unit },		{ "key", put_key },
	{ "number", put_number },	{ "flow", put_flow },		{ "source", put_source },
	{ "enterprise", put_enterprise }, { "site", put_site },
};
#define WORDS (sizeof words / sizeof words[0])

/* Literal text, then a placeholder (NULL at the end). */
struct part {
	const char		*text;
	size_t			 len;
	const struct word	*word;
};

struct payload_template {
	char		*text;
	struct part	 parts[TEMPLATE_PARTS_MAX];
	size_t		 n;
};

void
template_put(const struct payload_template *t, const struct template_values *v, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		struct json j = { .out = out };
		buf_put(out, t->parts[i].text, t->parts[i].len);
		if (t->parts[i].word != NULL)
			t->parts[i].word->put(&j, v);
	}
}

void
template_free(struct payload_template *t)
{
	if (t == NULL)
		return;
	free(t->text);
	free(t);
}

static const struct word *
find_word(const char *name, size_t len, char *why, size_t size)
{
	char copy[32];
	struct near near = { .word = copy };

	snprintf(copy, sizeof copy, "%.*s", (int)(len < sizeof copy ? len : sizeof copy - 1), name);
	for (size_t i = 0; i < WORDS; i++) {
		if (strlen(words[i].name) == len && memcmp(words[i].name, name, len) == 0)
			return &words[i];
		near_try(&near, words[i].name);
	}
	snprintf(why, size, "no placeholder ${%s} in a payload%s%s%s; see doc/mqtt.md for the list", copy,
	    near.best != NULL ? ": did you mean ${" : "", near.best != NULL ? near.best : "", near.best != NULL ? "}?" : "");
	return NULL;
}

/* Cut the text into parts. Quotes are followed, so that a placeholder inside a string is seen. */
static int
cut(struct payload_template *t, char *why, size_t size)
{
	bool in_string = false;
	char *from = t->text, *s = t->text;

	for (; *s != '\0'; s++) {
		if (in_string && *s == '\\' && s[1] != '\0')
			s++;
		else if (*s == '"')
			in_string = !in_string;
		if (s[0] != '$' || s[1] != '{')
			continue;
		char *end = strchr(s, '}');
		if (end == NULL || in_string || t->n == TEMPLATE_PARTS_MAX - 1) {
			snprintf(why, size, end == NULL ? "a placeholder is not closed: write ${name}" : in_string ?
			    "a placeholder stands inside quotes: leave the quotes out, they come with the value" :
			    "too many placeholders");
			return ERR_SYNTAX;
		}
		const struct word *w = find_word(s + 2, (size_t)(end - s) - 2, why, size);
		if (w == NULL)
			return ERR_SYNTAX;
		t->parts[t->n++] = (struct part){ from, (size_t)(s - from), w };
		from = end + 1;
		s = end;
	}
	t->parts[t->n++] = (struct part){ from, strlen(from), NULL };
	return 0;
}

/* Is what it makes of a text value valid JSON? Any value would do: each placeholder makes exactly one JSON value. */
static int
try_json(const struct payload_template *t, char *why, size_t size)
{
	struct sample s = { .v = { .type = VALUE_TEXT, .len = 1, .p = "x" }, .arrival = { 1 } };
	struct template_values v = { &s, "e", "s", "f", "q", "a/b", "u", "k", 1 };
	struct buf out = { 0 };
	json_error_t err;

	template_put(t, &v, &out);
	json_t *j = json_loadb(buf_text(&out), out.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &err);
	if (j == NULL)
		snprintf(why, size, "the template does not make valid JSON: %s at line %d, column %d", err.text, err.line, err.column);
	json_decref(j);
	buf_fini(&out);
	return j != NULL ? 0 : ERR_SYNTAX;
}

static bool
has_word(const struct payload_template *t, void (*put)(struct json *, const struct template_values *))
{
	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].word != NULL && t->parts[i].word->put == put)
			return true;
	return false;
}

int
template_parse(const char *text, bool need_key, struct payload_template **out, char *why, size_t size)
{
	struct payload_template *t = calloc(1, sizeof *t);

	if (strlen(text) > TEMPLATE_MAX) {
		snprintf(why, size, "a payload template has at most %u bytes", TEMPLATE_MAX);
		free(t);
		return ERR_LIMIT;
	}
	if (t == NULL || (t->text = strdup(text)) == NULL) {
		free(t);
		return ERR_NOMEM;
	}
	int err = cut(t, why, size);
	if (err == 0 && !has_word(t, put_value)) {
		snprintf(why, size, "the template has no ${value}: every message would lack what it is for");
		err = ERR_SYNTAX;
	}
	if (err == 0 && need_key && !has_word(t, put_key)) {
		snprintf(why, size, "the template has no ${key}, so a reader could not tell a repeat: add it, or use version 5, which carries it "
		    "as a user property");
		err = ERR_SYNTAX;
	}
	if (err == 0)
		err = try_json(t, why, size);
	if (err != 0)
		template_free(t);
	else
		*out = t;
	return err;
}
