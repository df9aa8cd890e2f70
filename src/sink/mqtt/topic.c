/* See topic.h. */
#include "sink/mqtt/topic.h"

#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "base/utf8.h"
#include "mqtt/mqtt_link.h"

enum part { PART_ENTERPRISE, PART_SITE, PART_COUNTRY, PART_FLOW, PART_SOURCE, PART_PATH, PART_EQUIPMENT, PART_AREA, PART_TAG, PARTS };

static const char *const part_names[PARTS] = {
	[PART_ENTERPRISE] = "enterprise", [PART_SITE] = "site", [PART_COUNTRY] = "country", [PART_FLOW] = "flow",
	[PART_SOURCE] = "source", [PART_PATH] = "path", [PART_EQUIPMENT] = "equipment", [PART_AREA] = "area", [PART_TAG] = "tag",
};

static int
part_find(const char *name, size_t len)
{
	for (int i = 0; i < PARTS; i++)
		if (strlen(part_names[i]) == len && memcmp(part_names[i], name, len) == 0)
			return i;
	return -1;
}

/* The text that a placeholder stands for, before cleaning: a run within one of the parts. */
static size_t
part_text(enum part part, const struct topic_parts *p, const char **text)
{
	const char *const whole[PARTS] = {
		[PART_ENTERPRISE] = p->enterprise, [PART_SITE] = p->site, [PART_COUNTRY] = p->country, [PART_FLOW] = p->flow,
		[PART_SOURCE] = p->source, [PART_PATH] = p->path, [PART_EQUIPMENT] = p->path, [PART_AREA] = p->path,
		[PART_TAG] = p->path,
	};
	const char *s = whole[part] != NULL ? whole[part] : "";
	const char *first = strchr(s, '/'), *last = strrchr(s, '/');

	*text = s;
	if (part == PART_AREA && first != NULL)
		return (size_t)(first - s);
	if (part == PART_EQUIPMENT)
		return last != NULL ? (size_t)(last - s) : 0;
	if (part == PART_TAG && last != NULL)
		*text = last + 1;
	return strlen(*text);
}

static void
put_clean(struct buf *out, const char *s, size_t len, bool levels)
{
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)s[i];
		size_t n = utf8_len(s + i, len - i);
		bool bad = n == 0 || c < 0x20 || c == 0x7f || c == '+' || c == '#' || (c == '/' && !levels);
		if (bad)
			buf_putc(out, '_');
		else
			buf_put(out, s + i, n);
		i += n > 0 ? n : 1;
	}
}

/* Empty levels become "_", and so does a '$' at the front. */
static void
mend(struct buf *b, size_t start)
{
	struct buf in = { 0 };

	if (b->err != 0 || b->len == start)
		return;
	buf_put(&in, b->p + start, b->len - start);
	b->len = start;
	for (size_t i = 0; i < in.len; i++) {
		bool level_start = i == 0 || in.p[i - 1] == '/';
		if (level_start && in.p[i] == '/')
			buf_putc(b, '_');
		buf_putc(b, i == 0 && in.p[i] == '$' ? '_' : in.p[i]);
	}
	if (in.len > 0 && in.p[in.len - 1] == '/')
		buf_putc(b, '_');
	if (in.err != 0)
		b->err = in.err;
	buf_fini(&in);
}

int
topic_make(const char *template, const struct topic_parts *p, struct buf *out)
{
	size_t start = out->len;

	for (const char *s = template; *s != '\0';) {
		size_t plain = strcspn(s, "{");
		buf_put(out, s, plain);
		s += plain;
		if (*s == '\0')
			break;
		const char *end = strchr(s, '}');
		int part = end != NULL ? part_find(s + 1, (size_t)(end - s) - 1) : -1;
		if (part < 0)
			return ERR_SYNTAX;
		const char *text;
		size_t len = part_text((enum part)part, p, &text);
		put_clean(out, text, len, part == PART_PATH || part == PART_EQUIPMENT);
		s = end + 1;
	}
	mend(out, start);
	if (out->len == start)
		buf_putc(out, '_');
	return out->err != 0 ? out->err : out->len - start > MQTT_TOPIC_MAX ? ERR_LIMIT : 0;
}

static int
check_placeholder(const char *s, char *why, size_t size)
{
	const char *end = strchr(s, '}');
	if (end == NULL) {
		snprintf(why, size, "the placeholder \"%.20s\" is not closed: write {name}", s);
		return ERR_SYNTAX;
	}
	if (part_find(s + 1, (size_t)(end - s) - 1) >= 0)
		return 0;
	char word[32];
	snprintf(word, sizeof word, "%.*s", (int)(end - s) - 1, s + 1);
	struct near near = { .word = word };
	for (int i = 0; i < PARTS; i++)
		near_try(&near, part_names[i]);
	snprintf(why, size, "no placeholder {%s} in a topic%s%s%s: there are {enterprise}, {site}, {country}, {flow}, {source}, {path}, "
	    "{equipment}, {area}, {tag}", word, near.best ? " (did you mean {" : "", near.best ? near.best : "", near.best ? "}?)" : "");
	return ERR_SYNTAX;
}

int
topic_check(const char *template, char *why, size_t size)
{
	size_t len = strlen(template);

	if (len == 0 || len > TOPIC_TEMPLATE_MAX || !utf8_valid(template, len)) {
		snprintf(why, size, "a topic is 1 to %u bytes of valid UTF-8", TOPIC_TEMPLATE_MAX);
		return ERR_SYNTAX;
	}
	for (const char *s = template; *s != '\0'; s++) {
		if (*s == '+' || *s == '#' || *s == '}' || (unsigned char)*s < 0x20) {
			snprintf(why, size, "'%c' cannot stand in a topic that is published to (wildcards are for subscribers)",
			    (unsigned char)*s < 0x20 ? '?' : *s);
			return ERR_SYNTAX;
		}
		if (*s == '{') {
			int err = check_placeholder(s, why, size);
			if (err != 0)
				return err;
			s = strchr(s, '}');
		}
	}
	if (template[0] == '$') {
		snprintf(why, size, "a topic that begins with '$' belongs to the broker: begin with a name of your own");
		return ERR_SYNTAX;
	}
	return 0;
}
