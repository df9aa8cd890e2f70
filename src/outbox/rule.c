/* What is said in the site file of refusals and of maintenance, as text, and the questions that a turn asks of it. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "outbox/inside.h"

#define DAY_S	86400
#define WEEK_S	(7 * DAY_S)
/* 1970-01-01 was a Thursday. */
#define EPOCH_DAY 3

static const char *
blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* Takes a word of letters and '-'; its length. */
static size_t
word(const char *p)
{
	size_t n = 0;
	while (isalpha((unsigned char)p[n]))
		n++;
	return n;
}

static bool
is(const char *p, size_t n, const char *text)
{
	return n == strlen(text) && strncasecmp(p, text, n) == 0;
}

/* "5 min" -> ns; what follows must be nothing. */
static bool
duration(const char *p, int64_t *out)
{
	static const struct { const char *unit; int64_t ns; } units[] = {
		{ "ms", NS_PER_MS }, { "s", NS_PER_S }, { "min", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S }, { "d", DAY_S * NS_PER_S },
	};
	size_t n = strspn(p, "0123456789");
	uint64_t v;

	if (n == 0 || n > 9 || num_parse_u64(p, n, &v) != 0)
		return false;
	p = blanks(p + n);
	n = word(p);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (is(p, n, units[i].unit) && *blanks(p + n) == '\0' && v > 0 && v <= (uint64_t)(INT64_MAX / 4 / units[i].ns)) {
			*out = (int64_t)v * units[i].ns;
			return true;
		}
	return false;
}

int
outbox_rule_parse(const char *text, struct outbox_rule *out, char *why, size_t size)
{
	const char *arrow = strstr(text, "->"), *p = blanks(text);
	size_t n = arrow != NULL && arrow > p ? (size_t)(arrow - p) : 0;

	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	*out = (struct outbox_rule){ .action = OUTBOX_HOLD };
	if (n == 0 || n > OUTBOX_CODE_MAX) {
		snprintf(why, size, "\"%.60s\" is no rule: write CODE -> retry after 5 min, CODE -> pass or CODE -> hold; * stands for anything",
		    text);
		return ERR_SYNTAX;
	}
	const char *what = blanks(arrow + 2);
	size_t w = word(what);
	const char *rest = blanks(what + w);
	bool good = false;
	if (is(what, w, "hold") || is(what, w, "pass")) {
		out->action = is(what, w, "pass") ? OUTBOX_PASS : OUTBOX_HOLD;
		good = *rest == '\0';
	} else if (is(what, w, "retry") && is(rest, word(rest), "after")) {
		out->action = OUTBOX_RETRY;
		good = duration(blanks(rest + word(rest)), &out->after_ns) && out->after_ns >= NS_PER_S;
	}
	if (!good) {
		snprintf(why, size, "\"%.60s\" is nothing to do with a refusal: retry after 5 min (at least 1 s), pass, or hold", what);
		return ERR_SYNTAX;
	}
	out->code = strndup(p, n);
	return out->code != NULL ? 0 : ERR_NOMEM;
}

/* '*' is any run of characters. Ends: each round takes a character of the text or of the pattern, or steps the one mark on. */
static bool
fits(const char *pattern, const char *text)
{
	const char *star = NULL, *mark = NULL;

	while (*text != '\0')
		if (*pattern == '*') {
			star = ++pattern;
			mark = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++mark;
		} else
			return false;
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

const struct outbox_rule *
rule_find(const struct outbox_opts *o, const char *code)
{
	for (size_t i = 0; i < o->nrules; i++)
		if (fits(o->rules[i].code, code))
			return &o->rules[i];
	return NULL;
}

/* ---- windows ---- */

static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

static int
day(const char *p, size_t n)
{
	for (int i = 0; i < 7; i++)
		if (is(p, n, days[i]))
			return i;
	return -1;
}

/* "02:00"; 24:00 is the end of a day. Returns what follows, NULL: no time. */
static const char *
clock_time(const char *p, uint32_t *out)
{
	if (!isdigit((unsigned char)p[0]) || !isdigit((unsigned char)p[1]) || p[2] != ':' || !isdigit((unsigned char)p[3]) ||
	    !isdigit((unsigned char)p[4]) || isdigit((unsigned char)p[5]))
		return NULL;
	uint32_t h = (uint32_t)(p[0] - '0') * 10 + (uint32_t)(p[1] - '0'), m = (uint32_t)(p[3] - '0') * 10 + (uint32_t)(p[4] - '0');
	if (h > 24 || m > 59 || (h == 24 && m != 0))
		return NULL;
	*out = h * 3600 + m * 60;
	return p + 5;
}

/* "daily", "Sun", "Mon-Fri". Returns what follows, NULL: no days. */
static const char *
some_days(const char *p, uint8_t *out)
{
	size_t n = word(p);
	int from = day(p, n), to = from;

	if (is(p, n, "daily")) {
		*out = 0x7f;
		return p + n;
	}
	if (from < 0)
		return NULL;
	p += n;
	if (*p == '-') {
		n = word(p + 1);
		to = day(p + 1, n);
		if (to < 0)
			return NULL;
		p += 1 + n;
	}
	for (int d = from;; d = (d + 1) % 7) {	/* ends: comes by `to` within a week */
		*out |= (uint8_t)(1u << d);
		if (d == to)
			return p;
	}
}

int
outbox_window_parse(const char *text, struct outbox_window *out, char *why, size_t size)
{
	struct outbox_window w = { 0 };
	uint32_t to = 0;
	const char *p = some_days(blanks(text), &w.days);

	p = p != NULL ? clock_time(blanks(p), &w.from_s) : NULL;
	p = p != NULL ? blanks(p) : NULL;
	p = p != NULL && *p == '-' ? clock_time(blanks(p + 1), &to) : NULL;
	if (p == NULL || *blanks(p) != '\0' || w.from_s == DAY_S) {
		snprintf(why, size, "\"%.60s\" is no time of maintenance: write Sun 02:00-06:00, Mon-Fri 12:00-12:30 or daily 23:30-00:30", text);
		return ERR_SYNTAX;
	}
	w.len_s = to > w.from_s ? to - w.from_s : to + DAY_S - w.from_s;
	*out = w;
	return 0;
}

bool
window_in(const struct outbox_opts *o, struct wall now)
{
	int64_t offset = 0;

	if (o->nwindows == 0)
		return false;
	for (size_t i = 0; i < o->nzone && o->zone[i].from.ns <= now.ns; i++)
		offset = o->zone[i].offset_s;
	int64_t local = now.ns / NS_PER_S + offset;
	int64_t s = ((local + EPOCH_DAY * DAY_S) % WEEK_S + WEEK_S) % WEEK_S;	/* since Monday, midnight */
	for (size_t i = 0; i < o->nwindows; i++)
		for (int d = 0; d < 7; d++) {
			int64_t began = (s - d * DAY_S - (int64_t)o->windows[i].from_s + 2 * WEEK_S) % WEEK_S;
			if ((o->windows[i].days >> d & 1) != 0 && began < o->windows[i].len_s)
				return true;
		}
	return false;
}
