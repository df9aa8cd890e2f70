/* Scalars of OPC UA Binary from our values. See ua_encode.h. */
#include "driver/opcua/ua_encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/num.h"
#include "driver/opcua/ua_value.h"

static const char no_fit[] = "the value does not fit the node's data type exactly";
static const char no_text[] = "the node takes a text, and the value is none";

void
ua_encode_fail(struct ua_encoder *e, int err, const char *why)
{
	if (e->err != 0)
		return;
	e->err = err;
	e->why = why;
}

void
ua_encode_le(struct ua_encoder *e, uint64_t v, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		buf_putc(e->out, (char)(v >> (8 * i)));
	if (e->out->err != 0)
		ua_encode_fail(e, ERR_LIMIT, "the value is too large to be sent");
}

void
ua_encode_bytes(struct ua_encoder *e, const void *p, size_t len)
{
	ua_encode_le(e, len, 4);
	buf_put(e->out, p, len);
}

static void
put_number(struct ua_encoder *e, uint8_t builtin, const struct value *v)
{
	struct value x = *v;
	uint8_t to = ua_builtin_value(builtin);
	uint32_t f32;
	uint64_t f64;

	if (!ua_value_convert(&x, to, e->scratch)) {
		ua_encode_fail(e, value_is_number(v->type) ? ERR_RANGE : ERR_TYPE, no_fit);
		return;
	}
	switch (to) {
	case VALUE_BOOL:
		ua_encode_le(e, x.b, 1);
		break;
	case VALUE_F32:
		memcpy(&f32, &x.f32, sizeof f32);
		ua_encode_le(e, f32, 4);
		break;
	case VALUE_F64:
		memcpy(&f64, &x.f64, sizeof f64);
		ua_encode_le(e, f64, 8);
		break;
	default:
		ua_encode_le(e, x.u, (unsigned)value_size(to));
		break;
	}
}

static void
put_time(struct ua_encoder *e, const struct value *v)
{
	struct wall t = { v->i };
	char text[WALL_TEXT];

	if (v->type == VALUE_TEXT && v->len < sizeof text) {
		memcpy(text, v->p, v->len);
		text[v->len] = '\0';
		if (wall_parse(text, &t) != 0)
			ua_encode_fail(e, ERR_TYPE, "the node takes a time: write it as 2026-11-22T16:28:00Z");
	} else if (v->type != VALUE_TIME)
		ua_encode_fail(e, ERR_TYPE, "the node takes a time: write it as 2026-11-22T16:28:00Z");
	else if (t.ns % 100 != 0)
		ua_encode_fail(e, ERR_RANGE, "a time of OPC UA counts in steps of 100 ns");
	ua_encode_le(e, (uint64_t)ua_datetime(t), 8);
}

static void
put_byte_string(struct ua_encoder *e, const struct value *v)
{
	size_t n = 0;

	if (v->type == VALUE_BYTES) {
		ua_encode_bytes(e, v->p, v->len);
		return;
	}
	uint8_t *p = v->type == VALUE_TEXT ? arena_alloc(e->scratch, BASE64_BYTES(v->len)) : NULL;
	if (p == NULL || base64_get(v->p, v->len, p, &n) != 0)
		ua_encode_fail(e, ERR_TYPE, "the node takes bytes: write them in base64");
	ua_encode_bytes(e, p, n);
}

static void
put_guid(struct ua_encoder *e, const char *s, size_t len)
{
	UA_Guid g;
	UA_String text = { .length = len, .data = (UA_Byte *)(uintptr_t)s };

	if (len != 36 || UA_Guid_parse(&g, text) != UA_STATUSCODE_GOOD)
		ua_encode_fail(e, ERR_TYPE, "the node takes a GUID such as 09087e75-8e5e-499b-954f-f2a9603db28a");
	else {
		ua_encode_le(e, g.data1, 4);
		ua_encode_le(e, g.data2, 2);
		ua_encode_le(e, g.data3, 2);
		buf_put(e->out, g.data4, 8);
	}
}

static int
index_of(struct ua_encoder *e, const char *nsu)
{
	int ns = nsu == NULL ? 0 : e->a != NULL ? ua_namespace(e->a, nsu) : -1;
	if (ns < 0)
		ua_encode_fail(e, ERR_NOTFOUND, "the server has no such namespace");
	return ns < 0 ? 0 : ns;
}

/* Always the long forms of 5.2.2.9. */
static void
put_node(struct ua_encoder *e, const char *s, size_t len)
{
	struct ua_addr x = { .attribute = 13 };
	char why[200];

	if (ua_addr_parse_where(s, len, e->scratch, &x, why, sizeof why) != 0 || x.kind != UA_ADDR_NODE) {
		ua_encode_fail(e, ERR_TYPE, "the node takes a NodeId: nsu=URI;s=Text, i=85");
		return;
	}
	unsigned ns = (unsigned)index_of(e, x.nsu);
	ua_encode_le(e, x.id_kind == 'i' ? 2 : x.id_kind == 's' ? 3 : x.id_kind == 'g' ? 4 : 5, 1);
	ua_encode_le(e, ns, 2);
	if (x.id_kind == 'i')
		ua_encode_le(e, x.i, 4);
	else if (x.id_kind == 'g')
		put_guid(e, x.s, strlen(x.s));
	else if (x.id_kind == 's')
		ua_encode_bytes(e, x.s, strlen(x.s));
	else
		put_byte_string(e, &(struct value){ .type = VALUE_TEXT, .len = (uint32_t)strlen(x.s), .p = x.s });
}

static void
put_qname(struct ua_encoder *e, const char *s, size_t len)
{
	const char *semicolon = len > 4 && memcmp(s, "nsu=", 4) == 0 ? memchr(s, ';', len) : NULL;
	unsigned ns = 0;

	if (semicolon != NULL) {
		ns = (unsigned)index_of(e, arena_strndup(e->scratch, s + 4, (size_t)(semicolon - s - 4)));
		len -= (size_t)(semicolon + 1 - s);
		s = semicolon + 1;
	}
	ua_encode_le(e, ns, 2);
	ua_encode_bytes(e, s, len);
}

static void
put_text(struct ua_encoder *e, uint8_t builtin, const struct value *v)
{
	if (v->type != VALUE_TEXT) {
		ua_encode_fail(e, ERR_TYPE, no_text);
		return;
	}
	switch (builtin) {
	case UA_B_GUID:
		put_guid(e, v->p, v->len);
		return;
	case UA_B_NODEID:
	case UA_B_EXPANDED:
		put_node(e, v->p, v->len);
		return;
	case UA_B_QNAME:
		put_qname(e, v->p, v->len);
		return;
	case UA_B_LTEXT:	/* 5.2.2.14: no locale, the text */
		ua_encode_le(e, 2, 1);
		/* fallthrough */
	default:
		ua_encode_bytes(e, v->p, v->len);
		return;
	}
}

void
ua_encode_scalar(struct ua_encoder *e, uint8_t builtin, const struct value *v)
{
	if (e->err != 0)
		return;
	if (value_is_number(ua_builtin_value(builtin)))
		put_number(e, builtin, v);
	else if (builtin == UA_B_DATETIME)
		put_time(e, v);
	else if (builtin == UA_B_BYTESTRING)
		put_byte_string(e, v);
	else if (builtin >= UA_B_STRING && builtin <= UA_B_LTEXT)
		put_text(e, builtin, v);
	else
		ua_encode_fail(e, ERR_TYPE, "the node takes a structure: write it as json");
}

void
ua_encode_enum(struct ua_encoder *e, const struct ua_type *t, const struct value *v)
{
	struct value x = *v;
	bool known = t->nnames == 0;

	for (uint32_t i = 0; v->type == VALUE_TEXT && i < t->nnames; i++) {
		char full[300];
		int n = snprintf(full, sizeof full, "%s_%lld", t->names[i], (long long)t->numbers[i]);
		bool name = strlen(t->names[i]) == v->len && memcmp(t->names[i], v->p, v->len) == 0;
		if (!name && !((uint32_t)n == v->len && n < (int)sizeof full && memcmp(full, v->p, v->len) == 0))
			continue;
		x = (struct value){ .type = VALUE_I64, .i = t->numbers[i] };
		break;
	}
	if (!ua_value_convert(&x, VALUE_I32, e->scratch)) {
		ua_encode_fail(e, ERR_RANGE, "the node takes one of its enumeration's names or numbers");
		return;
	}
	for (uint32_t i = 0; i < t->nnames; i++)
		known |= t->numbers[i] == x.i;
	if (!known)
		ua_encode_fail(e, ERR_RANGE, "the node's enumeration has no such number");
	ua_encode_le(e, (uint64_t)x.i, 4);
}

uint8_t
ua_builtin_of_value(uint8_t type)
{
	static const uint8_t of[VALUE_TYPES] = {
		[VALUE_BOOL] = UA_B_BOOLEAN, [VALUE_I8] = UA_B_SBYTE, [VALUE_U8] = UA_B_BYTE, [VALUE_I16] = UA_B_INT16, [VALUE_U16] = UA_B_UINT16,
		[VALUE_I32] = UA_B_INT32, [VALUE_U32] = UA_B_UINT32, [VALUE_I64] = UA_B_INT64, [VALUE_U64] = UA_B_UINT64,
		[VALUE_F32] = UA_B_FLOAT, [VALUE_F64] = UA_B_DOUBLE, [VALUE_TIME] = UA_B_DATETIME, [VALUE_TEXT] = UA_B_STRING,
		[VALUE_BYTES] = UA_B_BYTESTRING,
	};
	uint8_t e = type & (uint8_t)~VALUE_ARRAY;
	return e < VALUE_TYPES ? of[e] : 0;
}
