/* See parse.h. One row a type: its name, how it is written, and the function that reads it. */
#include "site/parse.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/near.h"
#include "base/num.h"
#include "model/unit.h"
#include "site/link.h"
#include "site/plan.h"

struct text {
	const char	*s;
	size_t		 len;
};

typedef int parse_fn(const struct key *k, struct text t, struct parse_env *env, struct keyval *out);

static struct text
trim(const char *s, size_t len)
{
	while (len > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	return (struct text){ s, len };
}

static bool
text_is(struct text t, const char *word)
{
	return strlen(word) == t.len && memcmp(t.s, word, t.len) == 0;
}

static void
keep(struct parse_env *env, struct text t, struct keyval *out)
{
	out->s = strings_keep(env->strings, t.s, t.len);
}

static int
parse_bool(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	(void)k;
	(void)env;
	if (text_is(t, "yes") || text_is(t, "true"))
		out->b = true;
	else if (!text_is(t, "no") && !text_is(t, "false"))
		return ERR_SYNTAX;
	return 0;
}

static int
in_limits(const struct key *k, double v, struct parse_env *env)
{
	char limits[96];
	if ((k->min == 0 && k->max == 0) || (v >= k->min && v <= k->max))
		return 0;
	bool text = k->type == KEY_TEXT || k->type == KEY_NAME;
	snprintf(env->why, sizeof env->why, "is too %s", v < k->min ? (text ? "short" : "small") : text ? "long" : "large");
	snprintf(env->remedy, sizeof env->remedy, "allowed is %s", key_limits(k, limits, sizeof limits));
	return ERR_RANGE;
}

/*
 * A number for people: with `decimal` as its sign. "1.234,5" and "1,234.5" hold both signs, and whether the first one groups
 * thousands is a guess; guesses are not made.
 */
static int
number(struct text t, struct parse_env *env, double *out)
{
	bool point = memchr(t.s, '.', t.len) != NULL, comma = memchr(t.s, ',', t.len) != NULL;
	if (point && comma) {
		snprintf(env->why, sizeof env->why, "is ambiguous: it holds both '.' and ','");
		snprintf(env->remedy, sizeof env->remedy, "write it without thousands separators, '%c' as decimal sign", env->decimal);
		return ERR_SYNTAX;
	}
	if ((comma && env->decimal == '.') || (point && env->decimal == ',')) {
		snprintf(env->why, sizeof env->why, "is no number here, where the decimal sign is '%c'", env->decimal);
		snprintf(env->remedy, sizeof env->remedy, "write '%c' as decimal sign; for a whole table set `decimal` in the section site",
		    env->decimal);
		return ERR_SYNTAX;
	}
	return num_parse_f64(t.s, t.len, env->decimal, out);
}

static int
parse_int(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	int err = num_parse_i64(t.s, t.len, &out->i);
	return err != 0 ? err : in_limits(k, (double)out->i, env);
}

static int
parse_real(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	int err = number(t, env, &out->f);
	return err != 0 ? err : in_limits(k, out->f, env);
}

/* Longer texts (paths, addresses, descriptions) differ from row to row: looking for an equal one would cost more than it saves. */
#define KEEP_MAX 256

static int
parse_text(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	if (k->max > KEEP_MAX)
		out->s = strings_add(env->strings, t.s, t.len);
	else
		keep(env, t, out);
	return in_limits(k, (double)t.len, env);
}

static int
parse_name(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	if (t.len == 0 || t.len > 128 || !isalnum((unsigned char)t.s[0]))
		return ERR_SYNTAX;
	for (size_t i = 0; i < t.len; i++)
		if (!isalnum((unsigned char)t.s[i]) && strchr("-_.", t.s[i]) == NULL)
			return ERR_SYNTAX;
	return parse_text(k, t, env, out);
}

static int
find_choice(const struct key *k, struct text t, struct parse_env *env, int64_t *out)
{
	char word[65];
	for (int i = 0; k->choices[i] != NULL; i++)
		if (text_is(t, k->choices[i])) {
			*out = i;
			return 0;
		}
	snprintf(word, sizeof word, "%.*s", (int)(t.len < 64 ? t.len : 64), t.s);
	struct near n = { .word = word };
	size_t len = (size_t)snprintf(env->remedy, sizeof env->remedy, "write one of");
	for (int i = 0; k->choices[i] != NULL; i++) {
		near_try(&n, k->choices[i]);
		if (len < sizeof env->remedy)
			len += (size_t)snprintf(env->remedy + len, sizeof env->remedy - len, "%s %s", i ? "," : "", k->choices[i]);
	}
	snprintf(env->why, sizeof env->why, "is not known here%s%s%s", n.best ? "; did you mean \"" : "", n.best ? n.best : "",
	    n.best ? "\"?" : "");
	return ERR_SYNTAX;
}

static int
parse_enum(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	return find_choice(k, t, env, &out->i);
}

static int
parse_choices(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	int64_t i;
	int err = find_choice(k, t, env, &i);
	if (err == 0)
		out->i |= (int64_t)1 << i;
	return err;
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
	struct text unit = trim(t.s + n, t.len - n);
	int err = number((struct text){ t.s, n }, env, out);
	for (; err == 0 && rows->text != NULL; rows++)
		if (text_is(unit, rows->text)) {
			*out *= rows->factor;
			return isfinite(*out) && fabs(*out) < 9e18 ? 0 : ERR_RANGE;
		}
	return ERR_SYNTAX;
}

static const struct suffix durations[] = {
	{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "min", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 }, { NULL, 0 }
};
static const struct suffix sizes[] = {
	{ "B", 1 }, { "kB", 1e3 }, { "KB", 1e3 }, { "MB", 1e6 }, { "GB", 1e9 }, { "TB", 1e12 }, { "KiB", 1024 },
	{ "MiB", 1048576 }, { "GiB", 1073741824 }, { "TiB", 1099511627776.0 }, { NULL, 0 }
};

static int
parse_duration(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	double ns;
	if (text_is(t, "0"))
		return 0;
	for (size_t i = 0; k->choices != NULL && k->choices[i] != NULL; i++)
		if (text_is(t, k->choices[i]))
			return 0;
	int err = with_suffix(t, durations, env, &ns);
	if (err != 0)
		return err;
	out->i = (int64_t)llround(ns);
	return ns < 0 ? ERR_SYNTAX : in_limits(k, ns, env);
}

static int
parse_size(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	double bytes;
	int err = text_is(t, "0") ? (bytes = 0, 0) : with_suffix(t, sizes, env, &bytes);
	if (err != 0)
		return err;
	out->i = (int64_t)bytes;
	return bytes < 0 ? ERR_SYNTAX : in_limits(k, bytes, env);
}

static int
parse_ratio(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	bool percent = t.len > 0 && t.s[t.len - 1] == '%';
	struct text n = percent ? trim(t.s, t.len - 1) : t;
	int err = number(n, env, &out->f);
	if (percent)
		out->f /= 100;
	return err != 0 ? err : in_limits(k, out->f, env);
}

static int
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
		t = trim(t.s, t.len - n);
		if (t.len == 0 || t.s[t.len - 1] != '%')
			return ERR_SYNTAX;
		out->i = CHANGE_OF_RANGE;
	} else if (t.len > 0 && t.s[t.len - 1] == '%')
		out->i = CHANGE_OF_VALUE;
	int err = parse_ratio(k, t, env, out);
	return err != 0 ? err : out->f < 0 ? ERR_SYNTAX : 0;
}

/* "low..high", as a cell of a table or one text of YAML says it. */
static int
parse_range(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	(void)k;
	for (size_t i = 1; i + 2 < t.len; i++) {
		if (t.s[i] != '.' || t.s[i + 1] != '.')
			continue;
		struct text lo = trim(t.s, i), hi = trim(t.s + i + 2, t.len - i - 2);
		int err = number(lo, env, &out->f);
		return err != 0 ? err : number(hi, env, &out->g);
	}
	return ERR_SYNTAX;
}

static int
parse_endpoint(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	struct endpoint e;
	(void)k;
	keep(env, t, out);
	return endpoint_parse(out->s, &e, env->why, sizeof env->why);
}

static int
parse_path(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	char whole[4096];
	if (t.len == 0)
		return ERR_SYNTAX;
	if (env->folder == NULL || t.s[0] == '/')
		return parse_text(k, t, env, out);
	int n = snprintf(whole, sizeof whole, "%s/%.*s", env->folder, (int)t.len, t.s);
	if (n < 0 || (size_t)n >= sizeof whole)
		return ERR_RANGE;
	keep(env, (struct text){ whole, (size_t)n }, out);
	return 0;
}

static int
parse_unit(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	struct unit unit;
	(void)k;

	keep(env, t, out);
	/* The same few units come in a hundred thousand rows: each text is judged once. Its verdict is "" or what is wrong with it. */
	uint64_t id = (uint64_t)(uintptr_t)out->s;
	const char *verdict = env->units != NULL ? map_get_u64(env->units, id) : NULL;
	if (verdict == NULL) {
		unit_parse(t.s, t.len, &unit, env->why, sizeof env->why);
		verdict = strings_keep(env->strings, env->why, strlen(env->why));
		if (env->units != NULL)
			map_put_u64(env->units, id, (void *)(uintptr_t)verdict);
	}
	if (*verdict == '\0')
		return 0;
	snprintf(env->why, sizeof env->why, "%s", verdict);
	snprintf(env->remedy, sizeof env->remedy, "write a UCUM unit (case matters), such as Cel, bar, m3/h, /min or \"1\"; "
	    "say what is counted in braces: {bottles}/min");
	return ERR_SYNTAX;
}

static const struct {
	const char	*name, *form;
	parse_fn	*parse;
} types[KEY_TYPES] = {
	[KEY_BOOL] =	{ "yes or no", "yes or no", parse_bool },
	[KEY_INT] =	{ "a whole number", "digits alone, such as 12", parse_int },
	[KEY_REAL] =	{ "a number", "a number, such as 12 or 0.5", parse_real },
	[KEY_TEXT] =	{ "a text", "a text", parse_text },
	[KEY_NAME] =	{ "a name", "letters, digits, '-', '_' and '.', a letter or digit first, at most 128", parse_name },
	[KEY_ENUM] =	{ "a choice", "one of the words listed", parse_enum },
	[KEY_DURATION] ={ "a duration", "a number with its unit, such as 100 ms, 10 s, 1.5 min, 2 h or 30 d", parse_duration },
	[KEY_SIZE] =	{ "a size", "a number with its unit, such as 64 KiB, 500 MB or 10 GiB", parse_size },
	[KEY_RATIO] =	{ "a ratio", "per cent, such as 0.5 %, or a fraction, such as 0.005", parse_ratio },
	[KEY_ENDPOINT] ={ "an endpoint", "host:port, [IPv6 address]:port, or the path of a device", parse_endpoint },
	[KEY_PATH] =	{ "a file", "the path of a file, relative to the folder of the site file", parse_path },
	[KEY_SECRET] =	{ "a secret's file", "the path of a file that holds the secret, never the secret itself", parse_path },
	[KEY_LIST] =	{ "a list", "one text, or several: [a, b]", NULL },
	[KEY_CHOICES] =	{ "a list of choices", "some of the words listed: [a, b]", parse_choices },
	[KEY_RANGE] =	{ "a range", "[low, high], such as [0, 1200]; in a table low..high", parse_range },
	[KEY_DEADBAND] ={ "a deadband", "0.5 (in the tag's unit), 0.5 % (of the value), 0.5 % of range, or any", parse_deadband },
	[KEY_UNIT] =	{ "a unit", "a UCUM unit, such as Cel, bar, m3/h, /min or \"1\"", parse_unit },
	[KEY_MAP] =	{ "a map", "keys of its own, indented below it or in braces", NULL },
};

int
key_parse(const struct key *k, const char *s, size_t len, struct parse_env *env, struct keyval *out)
{
	struct text t = trim(s, len);
	parse_fn *parse = types[k->type].parse;

	env->why[0] = env->remedy[0] = '\0';
	int err = parse == NULL ? ERR_SYNTAX : parse(k, t, env, out);
	if (err == 0) {
		out->set = true;
		return 0;
	}
	*out = (struct keyval){ .written = out->written, .line = out->line, .column = out->column };
	if (env->why[0] == '\0')
		snprintf(env->why, sizeof env->why, err == ERR_RANGE ? "is too large for %s" : "is not %s", types[k->type].name);
	if (env->remedy[0] == '\0')
		snprintf(env->remedy, sizeof env->remedy, "write %s", types[k->type].form);
	return err;
}

const char *
key_type_name(enum key_type t)
{
	return types[t].name;
}

const char *
key_type_form(enum key_type t)
{
	return types[t].form;
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
		{ "TiB", 1099511627776.0 }, { "GiB", 1073741824 }, { "MiB", 1048576 }, { "KiB", 1024 }, { "B", 1 }, { NULL, 0 }
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
