/* See answer.h. */
#include <jansson.h>

#include "proto/odata/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

/*
 * How many values there may be: before jansson takes memory for them. Strings are skipped, all else is for
 * json_valid().
 */
static bool
affordable(const char *s, size_t len)
{
	size_t brackets = 0, commas = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (in_string && s[i] == '\\')
			i++;
		else if (s[i] == '"')
			in_string = !in_string;
		else if (!in_string) {
			brackets += s[i] == '{' || s[i] == '[';
			commas += s[i] == ',';
		}
	}
	return brackets <= ANSWER_BRACKETS_MAX && brackets + commas <= ANSWER_VALUES_MAX;
}

json_t *
odata_json(const char *text, size_t len, char *why)
{
	json_error_t e;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {		/* a byte order mark, which some proxies leave */
		text += 3;
		len -= 3;
	}
	if (len > ANSWER_BYTES_MAX || !affordable(text, len)) {
		snprintf(why, ANSWER_WHY_MAX,
		    "the JSON is too large: at most %u bytes with %u objects and lists are taken", ANSWER_BYTES_MAX,
		    ANSWER_BRACKETS_MAX);
		return NULL;
	}
	if (!json_valid(text, len)) {
		snprintf(why, ANSWER_WHY_MAX, "this is not JSON, or nested more than %u deep", JSON_NESTING_MAX);
		return NULL;
	}
	json_t *j = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
	if (j == NULL && json_error_code(&e) == json_error_numeric_overflow)
		j = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &e);
	if (j == NULL)
		snprintf(why, ANSWER_WHY_MAX, "%.120s", e.text);
	return j;
}

static const char *
text_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void
unwrap2(const json_t *d, const json_t **list, const json_t **one, const char **next)
{
	const json_t *results = json_object_get(d, "results");

	if (json_is_array(d) || json_is_array(results)) {	/* the bare array is of OData 1 and of some proxies */
		*list = json_is_array(d) ? d : results;
		*next = text_at(d, "__next");
		return;
	}
	if (!json_is_object(d))
		return;
	*one = d;
	/* A function's result stands once more in its own name: {"d":{"CancelX":{...}}}. */
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)d, key, v)
		if (json_object_size(d) == 1 && json_is_object(v) && json_object_get(v, "__deferred") == NULL)
			*one = v;
}

void
odata_unwrap(const json_t *answer, const json_t **list, const json_t **one, const char **next)
{
	const json_t *d = json_object_get(answer, "d"), *value = json_object_get(answer, "value");

	*list = *one = NULL;
	*next = NULL;
	if (d != NULL)
		unwrap2(d, list, one, next);
	else if (json_is_array(value)) {
		*list = value;
		*next = text_at(answer, "@odata.nextLink");
		if (*next == NULL)
			*next = text_at(answer, "@nextLink");
	} else if (json_is_object(answer))
		*one = answer;
}
