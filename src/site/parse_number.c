/* See parse_number.h: numbers, and everything that is a number with something behind it. */
#include "site/parse_number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/num.h"
#include "site/plan.h"

struct text
text_trim(const char *s, size_t len)
{
	while (len > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	return (struct text){ s, len };
}

bool
text_is(struct text t, const char *word)
{
	return strlen(word) == t.len && memcmp(t.s, word, t.len) == 0;
}

int
key_in_limits(const struct key *k, double v, struct parse_env *env)
{
	char limits[96];
	if ((k->min == 0 && k->max == 0) || (v >= k->min && v <= k->max))
		return 0;
	bool text = k->type == KEY_TEXT || k->type == KEY_NAME;
	snprintf(env->why, sizeof env->why, "is too %s", v < k->min ? (text ? "short" : "small") : text ? "long" :
	    "large");
	snprintf(env->remedy, sizeof env->remedy, "allowed is %s%s%s", key_limits(k, limits, sizeof limits),
	    k->why != NULL ? ": " : "", k->why != NULL ? k->why : "");
	return ERR_RANGE;
}

/*
 * A number for people: with `decimal` as its sign. "1.234,5" and "1,234.5" hold both signs, and whether the first
 * one groups thousands is a guess; guesses are not made.
 */
static int
number(struct text t, struct parse_env *env, double *out)
{
	bool point = memchr(t.s, '.', t.len) != NULL, comma = memchr(t.s, ',', t.len) != NULL;
	if (point && comma) {
		snprintf(env->why, sizeof env->why, "is ambiguous: it holds both '.' and ','");
		snprintf(env->remedy, sizeof env->remedy,
		    "write it without thousands separators, '%c' as decimal sign", env->decimal);
		return ERR_SYNTAX;
	}
	if ((comma && env->decimal == '.') || (point && env->decimal == ',')) {
		snprintf(env->why, sizeof env->why, "is no number here, where the decimal sign is '%c'", env->decimal);
		snprintf(env->remedy, sizeof env->remedy,
		    "write '%c' as decimal sign; for a whole table set `decimal` in the section site",
		    env->decimal);
		return ERR_SYNTAX;
	}
	return num_parse_f64(t.s, t.len, env->decimal, out);
}

int
parse_int(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	int err = num_parse_i64(t.s, t.len, &out->i);
	return err != 0 ? err : key_in_limits(k, (double)out->i, env);
}

int
parse_real(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	int err = number(t, env, &out->f);
	return err != 0 ? err : key_in_limits(k, out->f, env);
}

struct suffix {
	const char	*text;
	double		 factor;
};

/* "100 ms", "100ms": a number, blanks, one of the suffixes. */
static int
with_suffix(struct text t, const struct suffix *rows, struct parse_env *env, double *out)
{
	size_t n = 0;
	while (n < t.len && (isdigit((unsigned char)t.s[n]) || strchr("+-.,", t.s[n]) != NULL))
		n++;
	struct text unit = text_trim(t.s + n, t.len - n);
	while (rows->text != NULL && !text_is(unit, rows->text))
		rows++;
	if (rows->text == NULL)		/* "01. Okt": nothing that its decimal sign would explain */
		return ERR_SYNTAX;
	int err = number((struct text){ t.s, n }, env, out);
	if (err != 0)
		return err;
	*out *= rows->factor;
	return isfinite(*out) && fabs(*out) < 9e18 ? 0 : ERR_RANGE;
}

static const struct suffix durations[] = {
	{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "min", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 },
	    { NULL, 0 }
};
static const struct suffix sizes[] = {
	{ "B", 1 }, { "kB", 1e3 }, { "KB", 1e3 }, { "MB", 1e6 }, { "GB", 1e9 }, { "TB", 1e12 }, { "KiB", 1024 },
	{ "MiB", 1048576 }, { "GiB", 1073741824 }, { "TiB", 1099511627776.0 }, { NULL, 0 }
};

int
parse_duration(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	double ns;
	if (text_is(t, "0"))
		return k->why != NULL ? key_in_limits(k, 0, env) : 0;
	for (size_t i = 0; k->choices != NULL && k->choices[i] != NULL; i++)
		if (text_is(t, k->choices[i]))
			return 0;
	int err = with_suffix(t, durations, env, &ns);
	if (err != 0)
		return err;
	out->i = (int64_t)llround(ns);
	return ns < 0 ? ERR_SYNTAX : key_in_limits(k, ns, env);
}

int
parse_size(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	double bytes;
	int err = text_is(t, "0") ? (bytes = 0, 0) : with_suffix(t, sizes, env, &bytes);
	if (err != 0)
		return err;
	out->i = (int64_t)bytes;
	return bytes < 0 ? ERR_SYNTAX : key_in_limits(k, bytes, env);
}

int
parse_ratio(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	bool percent = t.len > 0 && t.s[t.len - 1] == '%';
	struct text n = percent ? text_trim(t.s, t.len - 1) : t;
	int err = number(n, env, &out->f);
	if (percent)
		out->f /= 100;
	return err != 0 ? err : key_in_limits(k, out->f, env);
}

int
parse_deadband(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	static const char of_range[] = "of range";
	const size_t n = sizeof of_range - 1;

	out->i = CHANGE_ABSOLUTE;
	if (text_is(t, "any") || text_is(t, "yes")) {
		out->i = CHANGE_ANY;
		return 0;
	}
	if (t.len > n && memcmp(t.s + t.len - n, of_range, n) == 0) {
		t = text_trim(t.s, t.len - n);
		if (t.len == 0 || t.s[t.len - 1] != '%')
			return ERR_SYNTAX;
		out->i = CHANGE_OF_RANGE;
	} else if (t.len > 0 && t.s[t.len - 1] == '%')
		out->i = CHANGE_OF_VALUE;
	int err = parse_ratio(k, t, env, out);
	return err != 0 ? err : out->f < 0 ? ERR_SYNTAX : 0;
}

/* "low..high", as a cell of a table or one text of YAML says it. */
int
parse_range(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	(void)k;
	for (size_t i = 1; i + 2 < t.len; i++) {
		if (t.s[i] != '.' || t.s[i + 1] != '.')
			continue;
		struct text lo = text_trim(t.s, i), hi = text_trim(t.s + i + 2, t.len - i - 2);
		int err = number(lo, env, &out->f);
		return err != 0 ? err : number(hi, env, &out->g);
	}
	return ERR_SYNTAX;
}

static void
print_scaled(const struct key *k, double v, char *out, size_t size)
{
	char n[NUM_TEXT];
	if (k->type == KEY_DURATION) {
		char d[DURATION_TEXT];
		snprintf(out, size, "%s", duration_format((int64_t)v, d));
		return;
	}
	static const struct suffix steps[] = {
		{ "TiB", 1099511627776.0 }, { "GiB", 1073741824 }, { "MiB", 1048576 }, { "KiB", 1024 }, { "B", 1 },
		    { NULL, 0 }
	};
	if (k->type == KEY_SIZE)
		for (const struct suffix *s = steps; s->text != NULL; s++)
			if (v >= s->factor && fmod(v, s->factor) == 0) {
				num_f64(v / s->factor, n);
				snprintf(out, size, "%s %s", n, s->text);
				return;
			}
	num_f64(v, n);
	snprintf(out, size, "%s", n);
}

const char *
key_limits(const struct key *k, char *out, size_t size)
{
	char lo[48], hi[48];
	out[0] = '\0';
	if (k->min == 0 && k->max == 0)
		return out;
	bool text = k->type == KEY_TEXT || k->type == KEY_NAME;
	print_scaled(k, k->min, lo, sizeof lo);
	print_scaled(k, k->max, hi, sizeof hi);
	if (k->min == k->max)
		snprintf(out, size, "%s%s", lo, text ? " bytes" : "");
	else if (text && k->min <= 1)
		snprintf(out, size, "at most %s bytes", hi);
	else
		snprintf(out, size, "%s to %s%s", lo, hi, text ? " bytes" : "");
	return out;
}
