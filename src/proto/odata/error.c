/* See error.h. JSON here; what is not JSON in error_text.c. */
#include "proto/odata/error_int.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/utf8.h"
#include "proto/odata/answer.h"

const char *
error_clean(const char *s, size_t len, struct arena *a)
{
	size_t cut = utf8_cut(s, len, ODATA_ERROR_TEXT_MAX);
	char *out = arena_printf(a, "%.*s%s", (int)cut, s, cut < len ? "..." : "");
	size_t o = 0;

	/* Also one blank for several: a text is for one line. */
	for (size_t i = 0; out[i] != '\0'; i++) {
		char c = (unsigned char)out[i] < 0x20 || out[i] == 0x7f ? ' ' : out[i];
		if (c != ' ' || (o > 0 && out[o - 1] != ' '))
			out[o++] = c;
	}
	while (o > 0 && out[o - 1] == ' ')
		o--;
	out[o] = '\0';
	return out;
}

/*
 * A message in any of its shapes: "text"; {"lang":..,"value":"text"}; [{"lang":..,"value":"text"}, ...], of which the
 * first that says something counts. NULL: none of these.
 */
static const char *
text_of(const json_t *j, struct arena *a)
{
	const json_t *v = j;

	if (json_is_array(j)) {
		size_t i;
		json_t *each;
		v = NULL;
		json_array_foreach((json_t *)(uintptr_t)j, i, each)
			if (v == NULL && (json_is_object(each) ? json_string_length(json_object_get(each, "value")) :
			    json_string_length(each)) > 0)
				v = each;
	}
	if (json_is_object(v)) {
		const json_t *inner = json_object_get(v, "value");
		v = inner != NULL ? inner : json_object_get(v, "message");
	}
	return json_is_string(v) ? error_clean(json_string_value(v), json_string_length(v), a) : NULL;
}

static const char *
code_of(const json_t *j, struct arena *a)
{
	if (json_is_integer(j))
		return arena_printf(a, "%lld", (long long)json_integer_value(j));
	return json_is_string(j) ? error_clean(json_string_value(j), json_string_length(j), a) : "";
}

/* The first of several keys that holds a text that is not empty. */
static const char *
first_text(const json_t *o, const char *const *keys, struct arena *a)
{
	for (; *keys != NULL; keys++) {
		const char *s = text_of(json_object_get(o, *keys), a);
		if (s != NULL && *s != '\0')
			return s;
	}
	return "";
}

static enum odata_severity
severity_of(const json_t *o)
{
	static const struct { const char *word; enum odata_severity s; } words[] = {
		{ "error", ODATA_ERROR }, { "abort", ODATA_ERROR }, { "warning", ODATA_WARNING },
		    { "info", ODATA_INFO },
		{ "information", ODATA_INFO }, { "success", ODATA_SUCCESS },
	};
	const char *s = json_string_value(json_object_get(o, "severity"));
	const json_t *n = json_object_get(o, "@Common.numericSeverity");

	if (n == NULL)
		n = json_object_get(o, "@com.sap.vocabularies.Common.v1.numericSeverity");
	if (n == NULL)
		n = json_object_get(o, "numericSeverity");
	for (size_t i = 0; s != NULL && i < sizeof words / sizeof words[0]; i++)
		if (strcasecmp(words[i].word, s) == 0)
			return words[i].s;
	json_int_t v = json_is_integer(n) ? json_integer_value(n) : 4;
	return v == 1 ? ODATA_SUCCESS : v == 2 ? ODATA_INFO : v == 3 ? ODATA_WARNING : ODATA_ERROR;
}

static const char *const message_keys[] = { "message", "value", "text", NULL };
static const char *const target_keys[] = { "target", "propertyref", "ContentID", NULL };

/* Add what a list of details holds. The one that says the same as the error itself is left out; its target is kept. */
static void
add_details(const json_t *list, struct arena *a, struct odata_error *out)
{
	size_t i;
	json_t *each;

	if (json_is_object(list))	/* {"errordetail":[...]}, from what was XML once */
		list = json_object_get(list, "errordetail");
	if (out->details == NULL)
		out->details = arena_array(a, ODATA_DETAILS_MAX, sizeof *out->details);
	json_array_foreach((json_t *)(uintptr_t)list, i, each) {
		if (out->ndetails == ODATA_DETAILS_MAX)
			return;
		struct odata_detail d = { code_of(json_object_get(each, "code"), a),
		    first_text(each, message_keys, a), first_text(each, target_keys, a),
			severity_of(each) };
		if (strcmp(d.code, out->code) == 0 && strcmp(d.text, out->text) == 0) {
			if (*out->target == '\0')
				out->target = d.target;
			continue;
		}
		if (*d.code != '\0' || *d.text != '\0')
			out->details[out->ndetails++] = d;
	}
}

static void
read_object(const json_t *o, struct arena *a, struct odata_error *out)
{
	static const char *const transaction_keys[] = { "transactionid", "transactionId", NULL };
	const json_t *inner = json_object_get(o, "innererror");

	out->code = code_of(json_object_get(o, "code"), a);
	out->text = first_text(o, message_keys, a);
	out->target = first_text(o, target_keys, a);
	out->transaction = first_text(inner, transaction_keys, a);
	add_details(json_object_get(inner, "errordetails"), a, out);
	add_details(json_object_get(o, "details"), a, out);
}

/*
 * {"error":"invalid_client","error_description":"..."} of a token endpoint (RFC 6749, 5.2), {"fault":{...}} of API
 * management.
 */
static bool
read_other(const json_t *j, struct arena *a, struct odata_error *out)
{
	static const char *const said[] = { "error_description", "message", "title", "detail", NULL };
	static const char *const faulted[] = { "faultstring", NULL };
	const json_t *error = json_object_get(j, "error"), *fault = json_object_get(j, "fault");

	if (json_is_object(fault)) {
		out->text = first_text(fault, faulted, a);
		out->code = code_of(json_object_get(json_object_get(fault, "detail"), "errorcode"), a);
	} else {
		out->text = first_text(j, said, a);
		out->code = json_is_string(error) ? code_of(error, a) : code_of(json_object_get(j, "code"), a);
		if (*out->text == '\0' && json_is_string(error))
			out->text = out->code;
	}
	return *out->text != '\0' || *out->code != '\0';
}

static bool
read_json(const char *body, size_t len, struct arena *a, struct odata_error *out)
{
	char why[ANSWER_WHY_MAX];
	json_t *j = odata_json(body, len, why);
	const json_t *error = json_object_get(j, "error");
	bool understood = true;

	if (json_is_object(error)) {
		read_object(error, a, out);
		out->structured = true;
	} else
		understood = j != NULL && read_other(j, a, out);
	json_decref(j);
	return understood;
}

static void
begin(struct odata_error *out)
{
	*out = (struct odata_error){ .code = "", .text = "", .target = "", .transaction = "" };
}

void
odata_error_parse(const char *body, size_t len, const char *type, struct arena *a, struct odata_error *out)
{
	(void)type;	/* servers and proxies lie about it; the bytes do not */
	begin(out);
	if (len > ODATA_ERROR_BYTES_MAX)
		len = ODATA_ERROR_BYTES_MAX;
	size_t i = 0;
	while (i < len && (body[i] == ' ' || body[i] == '\t' || body[i] == '\r' || body[i] == '\n'))
		i++;
	if (i < len && (body[i] == '{' || (unsigned char)body[i] == 0xef) && read_json(body, len, a, out))
		return;
	begin(out);
	if (i < len && body[i] == '<')
		error_markup(body + i, len - i, a, out);
	else
		error_plain(body + i, len - i, a, out);
}

int
odata_message_parse(const char *header, size_t len, struct arena *a, struct odata_error *out)
{
	char why[ANSWER_WHY_MAX];

	begin(out);
	json_t *j = len <= ODATA_ERROR_BYTES_MAX ? odata_json(header, len, why) : NULL;
	const json_t *o = json_is_array(j) ? json_array_get(j, 0) : j;
	if (json_is_object(o)) {
		read_object(o, a, out);
		if (json_is_array(j))
			add_details(j, a, out);
		out->structured = true;
	}
	json_decref(j);
	return out->structured ? 0 : ERR_SYNTAX;
}

char *
odata_error_line(const struct odata_error *e, char *out, size_t size)
{
	int n = snprintf(out, size, "%s%s%s%s%s%s", e->code, *e->code != '\0' && *e->text != '\0' ? ": " : "",
	    e->text, *e->target != '\0' ? " (" : "",
	    e->target, *e->target != '\0' ? ")" : "");

	for (uint32_t i = 0; i < e->ndetails && n > 0 && (size_t)n < size; i++) {
		const struct odata_detail *d = &e->details[i];
		if (d->severity > ODATA_WARNING)
			continue;
		n += snprintf(out + n, size - (size_t)n, "; also: %s%s%s%s%s%s", d->code, *d->code != '\0' ? ": " :
		    "", d->text,
		    *d->target != '\0' ? " (" : "", d->target, *d->target != '\0' ? ")" : "");
	}
	if (n > 0 && (size_t)n >= size && size > 0)
		out[utf8_whole(out, strlen(out))] = '\0';
	return out;
}
