/*
 * The walk over the XML: libxml2's SAX interface, so no tree is built and a document of many empty elements costs no
 * memory. A document type is refused as it begins, before anything in it is read; with none, there are no entities but
 * XML's own five, no external file and no expansion.
 */
#include "proto/odata/meta_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/dict.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

#include "base/err.h"
#include "base/utf8.h"

void
meta_stop(struct meta_walk *w, int err, const char *fmt, ...)
{
	va_list ap;

	if (w->err != 0)
		return;
	w->err = err;
	int n = w->xml != NULL ? snprintf(w->why, META_WHY_MAX, "line %d: ", xmlSAX2GetLineNumber(w->xml)) : 0;
	va_start(ap, fmt);
	vsnprintf(w->why + n, META_WHY_MAX - (size_t)n, fmt, ap);
	va_end(ap);
	/*
	 * The parser itself is not stopped from within a callback: that frees its input, in which attributes still
	 * stand. It is fed no more.
	 */
}

void *
meta_row(struct meta_walk *w, size_t size)
{
	if (w->err == 0 && ++w->rows > META_ROWS_MAX)
		meta_stop(w, ERR_LIMIT, "more than %u types, properties and annotations", META_ROWS_MAX);
	return w->err != 0 ? NULL : arena_alloc(&w->scratch, size);
}

static void
on_open(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int nspaces,
    const xmlChar **spaces, int nattrs, int ndefaulted,
    const xmlChar **attrs)
{
	struct meta_walk *w = arg;
	struct attrs at = { attrs, nattrs };
	(void)prefix, (void)uri, (void)nspaces, (void)spaces, (void)ndefaulted;

	if (w->err != 0)
		return;
	if (w->depth == META_DEPTH_MAX) {
		meta_stop(w, ERR_LIMIT, "elements are nested more than %u deep", META_DEPTH_MAX);
		return;
	}
	enum element in = w->depth > 0 ? w->open[w->depth - 1] : IN_DOCUMENT;
	enum element e = in == IN_UNKNOWN ? IN_UNKNOWN : meta_open(w, in, (const char *)name, &at);
	w->open[w->depth++] = e;
}

static void
on_close(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct meta_walk *w = arg;
	(void)name, (void)prefix, (void)uri;
	if (w->err == 0 && w->depth > 0)
		meta_close(w, w->open[--w->depth]);
}

static void
on_text(void *arg, const xmlChar *s, int len)
{
	struct meta_walk *w = arg;
	if (w->err == 0 && w->depth > 0 && w->open[w->depth - 1] == IN_PATH && len > 0)
		meta_text(w, (const char *)s, (size_t)len);
}

static void
on_document_type(void *arg, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	(void)name, (void)external, (void)system;
	struct meta_walk *w = arg;
	meta_stop(w, ERR_SYNTAX,
	    "the document declares a document type (<!DOCTYPE), which metadata has no use for and which we do not take");
	xmlStopParser(w->xml);		/* nothing of the input is held here; what the type declares is not even read */
}

#if LIBXML_VERSION >= 21200
#define XML_ERROR_ARG const xmlError *
#else
#define XML_ERROR_ARG xmlErrorPtr
#endif

static void
on_error(void *arg, XML_ERROR_ARG e)
{
	struct meta_walk *w = arg;
	char text[160];

	if (w->err != 0 || e == NULL || e->level < XML_ERR_ERROR)
		return;
	if (e->code == XML_ERR_NO_MEMORY)
		meta_stop(w, ERR_LIMIT,
		    "there are more different names of elements and attributes than %u bytes hold", META_WORDS_MAX);
	snprintf(text, sizeof text, "%s", e->message != NULL ? e->message : "?");
	for (char *s = text; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
	meta_stop(w, ERR_SYNTAX, "not well-formed XML: %s", text);
}

/* From one '<' to the next there is at most one element's tag; comments and declarations may hold what they like. */
static bool
too_many_attributes(const char *xml, size_t len)
{
	uint32_t n = 0;
	bool tag = false;

	for (size_t i = 0; i < len; i++) {
		if (xml[i] == '<') {
			tag = i + 1 < len && xml[i + 1] != '!' && xml[i + 1] != '?';
			n = 0;
		} else if (xml[i] == '=' && tag && ++n > META_ATTRS_MAX)
			return true;
	}
	return false;
}

static int
check_bytes(const char *xml, size_t len, char *why)
{
	bool long_one = len > META_BYTES_MAX;

	if (long_one)
		snprintf(why, META_WHY_MAX, "the metadata has %zu bytes; at most %u are taken", len, META_BYTES_MAX);
	else if (too_many_attributes(xml, len)) {
		snprintf(why, META_WHY_MAX, "an element of the metadata has more than %u attributes", META_ATTRS_MAX);
		return ERR_LIMIT;
	} else if (memchr(xml, '\0', len) != NULL || !utf8_valid(xml, len))
		snprintf(why, META_WHY_MAX, "the metadata is not UTF-8 text");
	else
		return 0;
	return long_one ? ERR_LIMIT : ERR_SYNTAX;
}

static void
walk(struct meta_walk *w, const char *xml, size_t len)
{
	xmlSAXHandler sax = { .initialized = XML_SAX2_MAGIC, .startElementNs = on_open, .endElementNs = on_close,
	    .characters = on_text,
		.cdataBlock = on_text, .internalSubset = on_document_type, .serror = on_error };

	w->xml = xmlCreatePushParserCtxt(&sax, w, NULL, 0, NULL);
	if (w->xml == NULL) {
		w->err = ERR_NOMEM;
		snprintf(w->why, META_WHY_MAX, "%s", err_text(ERR_NOMEM));
		return;
	}
	/*
	 * Entities of XML's own are replaced in attributes only with NOENT; there can be no others. What the bytes are
	 * was checked: they are UTF-8, whatever they say of themselves. */
	xmlCtxtUseOptions(w->xml, XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlSwitchEncoding(w->xml, XML_CHAR_ENCODING_UTF8);
	xmlDictSetLimit(w->xml->dict, META_WORDS_MAX);
	/*
	 * Ends: each round takes a byte or more. In pieces, since after a failure the rest of one is still walked over.
	 */
	for (size_t at = 0; at < len && w->err == 0; ) {
		size_t n = len - at < 16384 ? len - at : 16384;
		xmlParseChunk(w->xml, xml + at, (int)n, 0);
		at += n;
	}
	if (w->err == 0)
		xmlParseChunk(w->xml, NULL, 0, 1);
	if (w->err == 0 && !w->xml->wellFormed)
		meta_stop(w, ERR_SYNTAX, "not well-formed XML");
	xmlFreeParserCtxt(w->xml);
	w->xml = NULL;
}

int
odata_meta_parse(const char *xml, size_t len, struct arena *a, struct odata_meta **out, char *why)
{
	*out = NULL;
	why[0] = '\0';
	int err = check_bytes(xml, len, why);
	if (err != 0)
		return err;
	struct meta_walk w = { .a = a, .why = why };
	w.types_end = &w.types;
	w.sets_end = &w.sets;
	w.imports_end = &w.imports;
	walk(&w, xml, len);
	if (w.err == 0)
		*out = meta_link(&w);
	arena_fini(&w.scratch);
	if (w.err != 0)
		*out = NULL;
	return w.err;
}
