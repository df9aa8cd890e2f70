/* See json.h. */
#include "base/json.h"

#include <math.h>

#include "base/num.h"
#include "base/utf8.h"

static void
before_value(struct json *j)
{
	if (j->comma)
		buf_putc(j->out, ',');
	j->comma = true;
}

void
json_open(struct json *j, char bracket)
{
	before_value(j);
	buf_putc(j->out, bracket);
	j->comma = false;
}

void
json_close(struct json *j, char bracket)
{
	buf_putc(j->out, bracket);
	j->comma = true;
}

void
json_quote(struct buf *out, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const char *p = s, *end = s + len;

	buf_putc(out, '"');
	/* Ends: every round takes at least one byte. */
	while (p < end) {
		const char *plain = p;
		while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f && *p != '"' && *p != '\\')
			p++;
		if (p > plain)
			buf_put(out, plain, (size_t)(p - plain));
		if (p == end)
			break;
		unsigned char c = (unsigned char)*p;
		if (c == '"' || c == '\\') {
			buf_putc(out, '\\');
			buf_putc(out, (char)c);
			p++;
		} else if (c < 0x20 || c == 0x7f) {
			char u[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
			buf_put(out, u, sizeof u);
			p++;
		} else {
			size_t n = utf8_len(p, (size_t)(end - p));
			if (n == 2 && c == 0xC2 && (unsigned char)p[1] < 0xA0) {	/* C1: a terminal would obey */
				unsigned char d = (unsigned char)p[1];
				char u[] = { '\\', 'u', '0', '0', hex[d >> 4], hex[d & 15] };
				buf_put(out, u, sizeof u);
			} else if (n > 0)
				buf_put(out, p, n);
			else
				buf_puts(out, "\xef\xbf\xbd");
			p += n > 0 ? n : 1;
		}
	}
	buf_putc(out, '"');
}

void
json_key(struct json *j, const char *key)
{
	before_value(j);
	json_quote(j->out, key, strlen(key));
	buf_putc(j->out, ':');
	j->comma = false;
}

void
json_str(struct json *j, const char *s, size_t len)
{
	before_value(j);
	json_quote(j->out, s, len);
}

void
json_text(struct json *j, const char *s)
{
	if (s != NULL)
		json_str(j, s, strlen(s));
	else
		json_null(j);
}

void
json_wall(struct json *j, const char *key, struct wall t, int digits)
{
	char text[WALL_TEXT];

	json_key(j, key);
	json_text(j, t.ns != 0 ? wall_format(t, digits, text) : NULL);
}

void
json_raw(struct json *j, const char *s, size_t len)
{
	before_value(j);
	buf_put(j->out, s, len);
}

void
json_i64(struct json *j, int64_t v)
{
	char t[NUM_TEXT];
	size_t n = num_i64(v, t);
	json_raw(j, t, n);
}

void
json_u64(struct json *j, uint64_t v)
{
	char t[NUM_TEXT];
	size_t n = num_u64(v, t);
	json_raw(j, t, n);
}

void
json_f64(struct json *j, double v)
{
	char t[NUM_TEXT];
	if (!isfinite(v)) {
		json_null(j);
		return;
	}
	size_t n = num_f64(v, t);
	json_raw(j, t, n);
}

void
json_f32(struct json *j, float v)
{
	char t[NUM_TEXT];
	if (!isfinite(v)) {
		json_null(j);
		return;
	}
	size_t n = num_f32(v, t);
	json_raw(j, t, n);
}

void
json_bool(struct json *j, bool v)
{
	if (v)
		json_raw(j, "true", 4);
	else
		json_raw(j, "false", 5);
}

void
json_nil(struct json *j)
{
	json_raw(j, "null", 4);
}
