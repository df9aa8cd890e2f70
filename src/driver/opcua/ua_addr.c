/*
 * Where: the text of a NodeId or of a browse path into struct ua_addr. The grammar stands in ua_addr.h, options in ua_addr_options.c, what the
 * site file wants to know in ua_addr_at.c.
 */
#include "driver/opcua/ua_addr.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/num.h"
#include "base/utf8.h"
#include "model/value.h"

#define IDENTIFIER_MAX 4096u	/* Part 3, 8.2.4: a string identifier has at most 4096 characters */

static int
refuse_index(char *why, size_t size)
{
	snprintf(why, size, "\"ns=\" is an index into a table that the server may order anew at each start, so it may mean another node tomorrow: write "
	    "the namespace's URI, nsu=URI;... `penstock browse` shows it (or read the server's NamespaceArray, i=2255)");
	return ERR_SYNTAX;
}

/* A URI up to its ';' with %3B and %25 for ';' and '%' (OPC 10000-6 1.05, 5.1.12). Moves *at past the ';'. */
static int
take_uri(const char **at, const char *end, struct arena *a, const char **out, char *why, size_t size)
{
	const char *p = *at, *semicolon = p < end ? memchr(p, ';', (size_t)(end - p)) : NULL;

	if (semicolon == NULL || semicolon == p) {
		snprintf(why, size, "a namespace is written nsu=URI; with a ';' at its end, then %s", semicolon ? "the URI is missing" : "what follows");
		return ERR_SYNTAX;
	}
	char *uri = arena_alloc(a, (size_t)(semicolon - p) + 1);
	size_t n = 0;
	for (; p < semicolon; p++) {
		if (*p != '%') {
			uri[n++] = *p;
			continue;
		}
		bool sc = semicolon - p > 2 && p[1] == '3' && (p[2] == 'B' || p[2] == 'b');
		if (!sc && !(semicolon - p > 2 && p[1] == '2' && p[2] == '5')) {
			snprintf(why, size, "'%%' in a namespace's URI is written %%25, and ';' %%3B");
			return ERR_SYNTAX;
		}
		uri[n++] = sc ? ';' : '%';
		p += 2;
	}
	*at = semicolon + 1;
	/* Namespace 0 has a URI too. */
	*out = strcmp(uri, "http://opcfoundation.org/UA/") == 0 ? NULL : uri;
	return 0;
}

static bool
is_guid(const char *s, size_t len)
{
	if (len != 36)
		return false;
	for (size_t i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

static int
check_id(const char *p, size_t len, struct arena *a, struct ua_addr *out, char *why, size_t size)
{
	uint64_t i = 0;
	size_t n;

	switch (out->id_kind) {
	case 'i':
		if (len == 0 || !isdigit((unsigned char)*p) || num_parse_u64(p, len, &i) != 0 || i > UINT32_MAX) {
			snprintf(why, size, "i= takes a number from 0 to 4294967295%s", len > 0 && memchr(p, ' ', len) ? ", and nothing behind it" : "");
			return ERR_SYNTAX;
		}
		out->i = (uint32_t)i;
		return 0;
	case 's':
		if (len == 0 || !utf8_valid(p, len)) {
			snprintf(why, size, "s= takes a text in UTF-8, and it %s", len == 0 ? "is empty" : "is none");
			return ERR_SYNTAX;
		}
		return 0;
	case 'g':
		if (is_guid(p, len))
			return 0;
		snprintf(why, size, "g= takes a GUID such as 09087e75-8e5e-499b-954f-f2a9603db28a");
		return ERR_SYNTAX;
	default:
		if (base64_get(p, len, arena_alloc(a, BASE64_BYTES(len)), &n) == 0 && n > 0)
			return 0;
		snprintf(why, size, "b= takes the identifier's bytes in base64 (with its '=' at the end)");
		return ERR_SYNTAX;
	}
}

static int
parse_node(const char *at, size_t len, struct arena *a, struct ua_addr *out, char *why, size_t size)
{
	const char *p = at, *end = at + len;

	if (len >= 3 && memcmp(p, "ns=", 3) == 0)
		return refuse_index(why, size);
	if (len >= 4 && memcmp(p, "nsu=", 4) == 0) {
		p += 4;
		int err = take_uri(&p, end, a, &out->nsu, why, size);
		if (err != 0)
			return err;
	}
	if (end - p < 2 || strchr("isgb", *p) == NULL || *p == '\0' || p[1] != '=') {
		snprintf(why, size, "a node is written nsu=URI;s=Text (or i=number, g=GUID, b=base64), a browse path /nsu=URI;Name/Name, events "
		    "\"events of\" one of these%s", memchr(at, '!', len) || memchr(at, '.', len) ? "; the server's own name for an item stands behind s=" : "");
		return ERR_SYNTAX;
	}
	out->id_kind = *p;
	p += 2;
	size_t n = (size_t)(end - p);
	if (n > IDENTIFIER_MAX) {
		snprintf(why, size, "an identifier has at most %u bytes", IDENTIFIER_MAX);
		return ERR_RANGE;
	}
	if (memchr(p, '\0', n) != NULL)
		return ERR_SYNTAX;
	out->s = out->id_kind == 'i' ? NULL : arena_strndup(a, p, n);
	return check_id(p, n, a, out, why, size);
}

/* One name up to the next separator, '&' taken away. */
static int
take_name(const char **at, const char *end, struct arena *a, const char **out, char *why, size_t size)
{
	const char *p = *at;
	char *name = arena_alloc(a, (size_t)(end - p) + 1);
	size_t n = 0;

	for (; p < end && *p != '/' && *p != '.'; p++) {
		if (*p == '&') {
			if (++p == end || strchr("/.<>:#!&[]", *p) == NULL || *p == '\0') {
				snprintf(why, size, "'&' stands before one of / . < > : # ! & [ ] that belongs to a name");
				return ERR_SYNTAX;
			}
		} else if (strchr("<>:#![", *p) != NULL) {
			snprintf(why, size, "'%c' in a name of a browse path is written &%c", *p ? *p : '0', *p ? *p : '0');
			return ERR_SYNTAX;
		}
		name[n++] = *p;
	}
	if (n == 0 || !utf8_valid(name, n)) {
		snprintf(why, size, "a step of the browse path %s: write /Name/Name, and '/' or '.' within a name as &/ or &.",
		    n == 0 ? "has no name" : "is no UTF-8");
		return ERR_SYNTAX;
	}
	*at = p;
	*out = name;
	return 0;
}

static int
take_step(const char **at, const char *end, const char **nsu, struct arena *a, struct ua_name *out, char *why, size_t size)
{
	const char *p = *at, *colon = p;
	int err = 0;

	while (colon < end && isdigit((unsigned char)*colon))
		colon++;
	if (end - p >= 4 && memcmp(p, "nsu=", 4) == 0) {
		p += 4;
		err = take_uri(&p, end, a, nsu, why, size);
	} else if (end - p >= 3 && memcmp(p, "ns=", 3) == 0)
		err = refuse_index(why, size);
	else if (colon > p && colon < end && *colon == ':') {
		if (colon - p != 1 || *p != '0')
			err = refuse_index(why, size);
		*nsu = NULL;
		p = colon + 1;
	}
	if (err != 0)
		return err;
	*at = p;
	out->nsu = *nsu;
	return take_name(at, end, a, &out->name, why, size);
}

static int
parse_path(const char *at, size_t len, struct arena *a, struct ua_addr *out, char *why, size_t size)
{
	struct ua_name steps[UA_PATH_MAX];
	const char *p = at, *end = at + len, *nsu = NULL;
	uint32_t n = 0;

	/* Ends: each round takes a separator. */
	while (p < end) {
		if (n == UA_PATH_MAX) {
			snprintf(why, size, "a browse path has at most %u steps; name the node itself", UA_PATH_MAX);
			return ERR_RANGE;
		}
		p++;
		int err = take_step(&p, end, &nsu, a, &steps[n], why, size);
		if (err != 0)
			return err;
		n++;
	}
	out->path = arena_array(a, n, sizeof *steps);
	memcpy(out->path, steps, n * sizeof *steps);
	out->npath = n;
	return 0;
}

int
ua_addr_parse_where(const char *at, size_t len, struct arena *a, struct ua_addr *out, char *why, size_t size)
{
	while (len > 0 && *at == ' ') {
		at++;
		len--;
	}
	while (len > 0 && at[len - 1] == ' ')
		len--;
	if (len > 0 && *at == '/') {
		out->kind = UA_ADDR_PATH;
		return parse_path(at, len, a, out, why, size);
	}
	out->kind = UA_ADDR_NODE;
	return parse_node(at, len, a, out, why, size);
}

/* Is this "events" or "events of ..."? Then what stands behind it. */
static int
parse_target(const char *p, size_t len, struct arena *a, struct ua_addr *out, char *why, size_t size)
{
	while (len > 0 && *p == ' ') {
		p++;
		len--;
	}
	while (len > 0 && p[len - 1] == ' ')
		len--;
	if (len < 6 || memcmp(p, "events", 6) != 0 || (len > 6 && p[6] != ' '))
		return ua_addr_parse_where(p, len, a, out, why, size);
	int err = 0;
	if (len == 6) {		/* Part 5, 8.3.2: the Server object notifies of everything */
		out->id_kind = 'i';
		out->i = 2253;
	} else if (len > 10 && memcmp(p + 6, " of ", 4) == 0)
		err = ua_addr_parse_where(p + 10, len - 10, a, out, why, size);
	else {
		snprintf(why, size, "events are written \"events\" (all of the server) or \"events of NODE\"");
		err = ERR_SYNTAX;
	}
	out->kind = UA_ADDR_EVENTS;
	return err;
}

/* The end of the bracket that s begins with, NULL if it has none. */
static const char *
bracket_end(const char *s, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (s[i] == '&')
			i++;
		else if (s[i] == ']' && (i < 2 || s[i - 1] != '['))	/* float32[] */
			return s + i;
	}
	return NULL;
}

/* Where the options behind begin: the last " [" whose bracket ends with the text. */
static const char *
options_behind(const char *at, size_t len)
{
	for (size_t i = len; i-- > 1;)
		if (at[i] == '[' && at[i - 1] == ' ')
			return bracket_end(at + i, len - i) == at + len - 1 ? at + i : NULL;
	return NULL;
}

int
ua_addr_parse(const char *at, struct arena *a, struct ua_addr *out, char *why, size_t size)
{
	size_t len = strlen(at);

	*out = (struct ua_addr){ .attribute = 13, .mode = -1, .sampling_ns = -1 };
	if (size > 0)
		why[0] = '\0';
	while (len > 0 && *at == ' ') {
		at++;
		len--;
	}
	const char *options = len > 0 && *at == '[' ? at : options_behind(at, len);
	const char *from = options, *to = options == NULL ? NULL : bracket_end(options, len - (size_t)(options - at));
	if (options != NULL && to == NULL) {
		snprintf(why, size, "the options' bracket is not closed: [sampling 100 ms, queue 10] NODE");
		return ERR_SYNTAX;
	}
	int err;
	if (options == at && options != NULL) {
		err = parse_target(to + 1, len - (size_t)(to + 1 - at), a, out, why, size);
	} else
		err = parse_target(at, options != NULL ? (size_t)(options - at) : len, a, out, why, size);
	if (err == 0 && options != NULL)
		err = ua_addr_parse_options(from + 1, (size_t)(to - from - 1), a, out, why, size);
	if (err != 0 && size > 0 && why[0] == '\0')
		snprintf(why, size, "the address cannot be understood");
	return err;
}
