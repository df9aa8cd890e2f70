/* See parse.h. One row a type: its name, how it is written, and the function that reads it. */
#include "site/parse.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/near.h"
#include "model/unit.h"
#include "site/link.h"
#include "site/parse_number.h"

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

/*
 * Longer texts (paths, addresses, descriptions) differ from row to row: looking for an equal one would cost more
 * than it saves.
 */
#define KEEP_MAX 256

static int
parse_text(const struct key *k, struct text t, struct parse_env *env, struct keyval *out)
{
	if (k->max > KEEP_MAX)
		out->s = strings_add(env->strings, t.s, t.len);
	else
		keep(env, t, out);
	return key_in_limits(k, (double)t.len, env);
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
			len += (size_t)snprintf(env->remedy + len, sizeof env->remedy - len, "%s %s", i ? "," : "",
			    k->choices[i]);
	}
	snprintf(env->why, sizeof env->why, "is not known here%s%s%s", n.best ? "; did you mean \"" : "", n.best ?
	    n.best : "",
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
	if (env->folder == NULL || strcmp(env->folder, ".") == 0 || t.s[0] == '/')
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
	/*
	 * The same few units come in a hundred thousand rows: each text is judged once. Its verdict is "" or what
	 * is wrong with it.
	 */
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
	snprintf(env->remedy, sizeof env->remedy,
	    "write a UCUM unit (case matters), such as Cel, bar, m3/h, /min or \"1\"; "
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
	[KEY_NAME] =	{ "a name", "letters, digits, '-', '_' and '.', a letter or digit first, at most 128",
	    parse_name },
	[KEY_ENUM] =	{ "a choice", "one of the words listed", parse_enum },
	[KEY_DURATION] ={ "a duration", "a number with its unit, such as 100 ms, 10 s, 1.5 min, 2 h or 30 d",
	    parse_duration },
	[KEY_SIZE] =	{ "a size", "a number with its unit, such as 64 KiB, 500 MB or 10 GiB", parse_size },
	[KEY_RATIO] =	{ "a ratio", "per cent, such as 0.5 %, or a fraction, such as 0.005", parse_ratio },
	[KEY_ENDPOINT] ={ "an endpoint", "host:port, [IPv6 address]:port, or the path of a device", parse_endpoint },
	[KEY_PATH] =	{ "a file", "the path of a file, relative to the folder of the site file", parse_path },
	[KEY_SECRET] =	{ "a secret's file", "the path of a file that holds the secret, never the secret itself",
	    parse_path },
	[KEY_LIST] =	{ "a list", "one text, or several: [a, b]", NULL },
	[KEY_CHOICES] =	{ "a list of choices", "some of the words listed: [a, b]", parse_choices },
	[KEY_RANGE] =	{ "a range", "[low, high], such as [0, 1200]; in a table low..high", parse_range },
	[KEY_DEADBAND] ={ "a deadband", "0.5 (in the tag's unit), 0.5 % (of the value), 0.5 % of range, or any",
	    parse_deadband },
	[KEY_UNIT] =	{ "a unit", "a UCUM unit, such as Cel, bar, m3/h, /min or \"1\"", parse_unit },
	[KEY_MAP] =	{ "a map", "keys of its own, indented below it or in braces", NULL },
};

int
key_parse(const struct key *k, const char *s, size_t len, struct parse_env *env, struct keyval *out)
{
	struct text t = text_trim(s, len);
	parse_fn *parse = types[k->type].parse;

	env->why[0] = env->remedy[0] = '\0';
	int err = parse == NULL ? ERR_SYNTAX : parse(k, t, env, out);
	if (err == 0) {
		out->set = true;
		return 0;
	}
	*out = (struct keyval){ .written = out->written, .line = out->line, .column = out->column };
	if (env->why[0] == '\0')
		snprintf(env->why, sizeof env->why, err == ERR_RANGE ? "is too large for %s" : "is not %s",
		    types[k->type].name);
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
