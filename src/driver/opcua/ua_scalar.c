/* Built-in types of OPC UA Binary that have no parts: OPC 10000-6 1.05, 5.2.2. See ua_type.h. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "driver/opcua/ua_type.h"

#define TICKS_1970 116444736000000000LL	/* 100 ns from 1601 to 1970 */
#define TICKS_9999 2650467743990000000LL	/* 9999-12-31T23:59:59Z: that, and later, is "no end" (5.2.2.5) */

static void
fail(struct ua_decoder *d, int err, const char *why)
{
	if (d->r.err == 0)
		d->why = why;
	rd_fail(&d->r, err);
}

/* 5.2.2.4: Int32 length, -1 for null. */
static bool
take_bytes(struct ua_decoder *d, const uint8_t **p, uint32_t *len)
{
	int32_t n = (int32_t)rd_le32(&d->r);

	*p = NULL;
	*len = 0;
	if (d->r.err != 0 || n < 0)
		return false;
	*p = rd_bytes(&d->r, (size_t)n);
	if (*p == NULL)
		return false;
	*len = (uint32_t)n;
	return true;
}

/* 5.2.2.9, 5.2.2.10 */
static struct ua_id
take_id(struct ua_decoder *d, bool expanded, const uint8_t **uri, uint32_t *uri_len, uint32_t *server)
{
	struct ua_id id = { .kind = 'i' };
	uint8_t form = rd_u8(&d->r);

	switch (form & 0x3f) {
	case 0:
		id.i = rd_u8(&d->r);
		break;
	case 1:
		id.ns = rd_u8(&d->r);
		id.i = rd_le16(&d->r);
		break;
	case 2:
		id.ns = rd_le16(&d->r);
		id.i = rd_le32(&d->r);
		break;
	case 3:
	case 5:
		id.kind = (form & 0x3f) == 3 ? 's' : 'b';
		id.ns = rd_le16(&d->r);
		take_bytes(d, &id.p, &id.len);
		break;
	case 4:
		id.kind = 'g';
		id.ns = rd_le16(&d->r);
		id.p = rd_bytes(&d->r, 16);
		id.len = id.p != NULL ? 16 : 0;
		break;
	default:
		fail(d, ERR_PROTO, "a NodeId of no known form");
	}
	if ((form & 0xc0) != 0 && !expanded)
		fail(d, ERR_PROTO, "a NodeId with the parts of an ExpandedNodeId");
	if ((form & 0x80) != 0)
		take_bytes(d, uri, uri_len);
	if ((form & 0x40) != 0)
		*server = rd_le32(&d->r);
	return id;
}

struct ua_id
ua_decode_id(struct ua_decoder *d, bool expanded)
{
	const uint8_t *uri = NULL;
	uint32_t len = 0, server = 0;
	return take_id(d, expanded, &uri, &len, &server);
}

size_t
ua_id_key(const struct ua_id *id, uint8_t *out)
{
	struct writer w = wr_init(out, UA_ID_KEY);

	wr_le16(&w, id->ns);
	wr_u8(&w, (uint8_t)id->kind);
	wr_le32(&w, id->i);
	wr_bytes(&w, id->p, id->len);
	return w.err == 0 ? wr_len(&w) : 0;
}

static void
put_guid(struct buf *b, const uint8_t *p)
{
	buf_printf(b, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", p[3], p[2], p[1], p[0], p[5], p[4], p[7], p[6],
	    p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]);
}

static void
put_uri(struct buf *b, const char *uri, size_t len)
{
	buf_puts(b, "nsu=");
	for (size_t i = 0; i < len; i++) {
		if (uri[i] == ';' || uri[i] == '%')
			buf_puts(b, uri[i] == ';' ? "%3B" : "%25");
		else
			buf_putc(b, uri[i]);
	}
	buf_putc(b, ';');
}

static void
put_namespace(struct buf *b, const struct ua_type_book *book, uint16_t ns)
{
	if (ns == 0)
		return;
	if (ns < book->nnamespaces)
		put_uri(b, book->namespaces[ns], strlen(book->namespaces[ns]));
	else
		buf_printf(b, "ns=%u;", ns);	/* the server's own list does not have it */
}

void
ua_id_text(struct buf *out, const struct ua_id *id, const struct ua_type_book *book, const char *uri, size_t uri_len, uint32_t server)
{
	if (server != 0)
		buf_printf(out, "svr=%u;", server);
	if (uri != NULL)
		put_uri(out, uri, uri_len);
	else
		put_namespace(out, book, id->ns);
	buf_printf(out, "%c=", id->kind);
	if (id->kind == 'i')
		buf_printf(out, "%u", id->i);
	else if (id->kind == 'g' && id->len == 16)
		put_guid(out, id->p);
	else if (id->kind == 'b')
		base64_put(out, id->p, id->len);
	else
		buf_put(out, id->p, id->len);
}

void
ua_time_text(int64_t t, char *out)
{
	out[0] = '\0';
	if (t <= 0 || t >= TICKS_9999)
		return;
	int64_t days = t / 864000000000LL, rest = t % 864000000000LL;
	/* Days since 1601-01-01, a year after a leap year of 400: whole cycles of 400, 100, 4 and 1 years. */
	int64_t y400 = days / 146097, d = days % 146097;
	int64_t y100 = d / 36524 < 3 ? d / 36524 : 3;
	d -= y100 * 36524;
	int64_t y4 = d / 1461;
	d %= 1461;
	int64_t y1 = d / 365 < 3 ? d / 365 : 3;
	d -= y1 * 365;
	int64_t year = 1601 + 400 * y400 + 100 * y100 + 4 * y4 + y1;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	const int months[] = { 31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int month = 0;
	for (; d >= months[month]; month++)
		d -= months[month];
	int64_t s = rest / 10000000;
	char text[96];		/* as much as the compiler thinks that ints may need */
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%07dZ", (int)year, month + 1, (int)d + 1, (int)(s / 3600), (int)(s / 60 % 60),
	    (int)(s % 60), (int)(rest % 10000000));
	snprintf(out, WALL_TEXT, "%.*s", WALL_TEXT - 1, text);
}

/* What b holds as a value of type text in the arena. */
static void
made_text(struct ua_decoder *d, struct buf *b, struct value *out)
{
	if (b->err != 0)
		fail(d, ERR_LIMIT, "a text is too long");
	else
		*out = (struct value){ .type = VALUE_TEXT, .len = (uint32_t)b->len, .p = arena_strndup(d->a, buf_text(b), b->len) };
	buf_fini(b);
}

static void
take_node(struct ua_decoder *d, bool expanded, struct value *out)
{
	const uint8_t *uri = NULL;
	uint32_t uri_len = 0, server = 0;
	struct ua_id id = take_id(d, expanded, &uri, &uri_len, &server);
	struct buf b = { .max = 4 * VALUE_BYTES_MAX };

	if (d->r.err != 0 || d->skip)
		return;
	ua_id_text(&b, &id, d->book, (const char *)uri, uri_len, server);
	made_text(d, &b, out);
}

/* 5.2.2.13 */
static void
take_qname(struct ua_decoder *d, struct value *out)
{
	uint16_t ns = rd_le16(&d->r);
	struct buf b = { .max = 4 * VALUE_BYTES_MAX };
	const uint8_t *p;
	uint32_t len;

	bool there = take_bytes(d, &p, &len);
	if (!there || d->skip)
		return;
	put_namespace(&b, d->book, ns);
	buf_put(&b, p, len);
	made_text(d, &b, out);
}

/* 5.2.2.14: the text; its locale is the one that the session asked for. */
static void
take_ltext(struct ua_decoder *d, struct value *out)
{
	uint8_t mask = rd_u8(&d->r);
	const uint8_t *p;
	uint32_t len;

	if ((mask & ~3u) != 0)
		fail(d, ERR_PROTO, "a LocalizedText with parts that no standard has");
	if ((mask & 1) != 0)
		take_bytes(d, &p, &len);
	if ((mask & 2) != 0 && take_bytes(d, &p, &len))
		*out = (struct value){ .type = VALUE_TEXT, .len = len, .p = p };
}

static void
take_text(struct ua_decoder *d, uint8_t type, struct value *out)
{
	const uint8_t *p;
	uint32_t len;
	if (take_bytes(d, &p, &len))
		*out = (struct value){ .type = type, .len = len, .p = p };
}

static void
take_guid(struct ua_decoder *d, struct value *out)
{
	const uint8_t *p = rd_bytes(&d->r, 16);
	struct buf b = { 0 };

	if (p == NULL || d->skip)
		return;
	put_guid(&b, p);
	made_text(d, &b, out);
}

static void
take_time(struct ua_decoder *d, struct value *out)
{
	int64_t t = (int64_t)rd_le64(&d->r);
	int64_t since, ns;

	if (t <= 0)
		return;		/* VALUE_NULL: 5.2.2.5, the earliest time stands for none */
	if (__builtin_sub_overflow(t, TICKS_1970, &since) || __builtin_mul_overflow(since, 100, &ns)) {
		/* Our times end in 2262: there it is a text. */
		char *text = arena_alloc(d->a, WALL_TEXT);
		ua_time_text(t, text);
		if (text[0] != '\0')
			*out = (struct value){ .type = VALUE_TEXT, .len = (uint32_t)strlen(text), .p = text };
		return;
	}
	*out = (struct value){ .type = VALUE_TIME, .i = ns };
}

uint8_t
ua_builtin_value(uint8_t builtin)
{
	static const uint8_t types[] = {
		[UA_B_BOOLEAN] = VALUE_BOOL, [UA_B_SBYTE] = VALUE_I8, [UA_B_BYTE] = VALUE_U8, [UA_B_INT16] = VALUE_I16,
		[UA_B_UINT16] = VALUE_U16, [UA_B_INT32] = VALUE_I32, [UA_B_UINT32] = VALUE_U32, [UA_B_INT64] = VALUE_I64,
		[UA_B_UINT64] = VALUE_U64, [UA_B_FLOAT] = VALUE_F32, [UA_B_DOUBLE] = VALUE_F64, [UA_B_STRING] = VALUE_TEXT,
		[UA_B_DATETIME] = VALUE_TIME, [UA_B_GUID] = VALUE_TEXT, [UA_B_BYTESTRING] = VALUE_BYTES, [UA_B_XML] = VALUE_TEXT,
		[UA_B_NODEID] = VALUE_TEXT, [UA_B_EXPANDED] = VALUE_TEXT, [UA_B_STATUS] = VALUE_U32, [UA_B_QNAME] = VALUE_TEXT,
		[UA_B_LTEXT] = VALUE_TEXT,
	};
	return builtin > 0 && builtin < sizeof types ? types[builtin] : VALUE_JSON;
}

void
ua_decode_scalar(struct ua_decoder *d, uint8_t builtin, struct value *out)
{
	uint32_t f32;
	uint64_t f64;

	*out = (struct value){ .type = ua_builtin_value(builtin) };
	switch (builtin) {
	case UA_B_BOOLEAN:	out->b = rd_u8(&d->r) != 0; return;	/* 5.2.2.1: any but 0 is true */
	case UA_B_SBYTE:	out->i = (int8_t)rd_u8(&d->r); return;
	case UA_B_BYTE:		out->u = rd_u8(&d->r); return;
	case UA_B_INT16:	out->i = (int16_t)rd_le16(&d->r); return;
	case UA_B_UINT16:	out->u = rd_le16(&d->r); return;
	case UA_B_INT32:	out->i = (int32_t)rd_le32(&d->r); return;
	case UA_B_UINT32:
	case UA_B_STATUS:	out->u = rd_le32(&d->r); return;
	case UA_B_INT64:	out->i = (int64_t)rd_le64(&d->r); return;
	case UA_B_UINT64:	out->u = rd_le64(&d->r); return;
	case UA_B_FLOAT:
		f32 = rd_le32(&d->r);
		memcpy(&out->f32, &f32, sizeof f32);
		return;
	case UA_B_DOUBLE:
		f64 = rd_le64(&d->r);
		memcpy(&out->f64, &f64, sizeof f64);
		return;
	default:
		break;
	}
	*out = (struct value){ .type = VALUE_NULL };
	switch (builtin) {
	case UA_B_STRING:
	case UA_B_XML:		take_text(d, VALUE_TEXT, out); return;
	case UA_B_BYTESTRING:	take_text(d, VALUE_BYTES, out); return;
	case UA_B_DATETIME:	take_time(d, out); return;
	case UA_B_GUID:		take_guid(d, out); return;
	case UA_B_NODEID:	take_node(d, false, out); return;
	case UA_B_EXPANDED:	take_node(d, true, out); return;
	case UA_B_QNAME:	take_qname(d, out); return;
	case UA_B_LTEXT:	take_ltext(d, out); return;
	default:		fail(d, ERR_PROTO, "a built-in type that no standard has"); return;
	}
}
