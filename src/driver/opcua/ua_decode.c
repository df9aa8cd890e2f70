/*
 * What has parts, in OPC UA Binary: Variant, DataValue, ExtensionObject, DiagnosticInfo, structures, unions, arrays (OPC 10000-6 1.05, 5.2.2.11
 * to 5.2.9), as JSON. See ua_type.h. Selecting a part is ua_select.c.
 *
 * Everything ends: nesting stops at UA_NESTING_MAX, and each element of an array, each field and each object is counted against UA_ELEMENTS_MAX.
 */
#include "driver/opcua/ua_decode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"

void
ua_decode_fail(struct ua_decoder *d, int err, const char *why)
{
	if (d->r.err == 0)
		d->why = why;
	rd_fail(&d->r, err);
}

bool
ua_decode_enter(struct ua_decoder *d)
{
	if (d->depth >= UA_NESTING_MAX)
		ua_decode_fail(d, ERR_LIMIT, "values nested too deeply");
	if (d->r.err != 0)
		return false;
	d->depth++;
	return true;
}

bool
ua_decode_count(struct ua_decoder *d, uint64_t n)
{
	if (n > UA_ELEMENTS_MAX - d->elements) {
		ua_decode_fail(d, ERR_LIMIT, "a value of too many elements");
		return false;
	}
	d->elements += (uint32_t)n;
	return d->r.err == 0;
}

uint32_t
ua_decode_length(struct ua_decoder *d)
{
	int32_t n = (int32_t)rd_le32(&d->r);
	return n > 0 && ua_decode_count(d, (uint64_t)n) ? (uint32_t)n : 0;
}

uint64_t
ua_decode_dimensions(struct ua_decoder *d, uint32_t *dims, uint32_t *ndims)
{
	uint32_t n = ua_decode_length(d);
	uint64_t product = 1;

	*ndims = 0;
	if (n > UA_DIMENSIONS_MAX)
		ua_decode_fail(d, ERR_LIMIT, "a matrix of too many dimensions");
	for (uint32_t i = 0; i < n && d->r.err == 0; i++) {
		int32_t k = (int32_t)rd_le32(&d->r);
		dims[i] = k > 0 ? (uint32_t)k : 0;
		product *= dims[i];
		if (product > UA_ELEMENTS_MAX)
			ua_decode_fail(d, ERR_LIMIT, "a matrix of too many elements");
	}
	*ndims = d->r.err == 0 ? n : 0;
	return d->r.err == 0 ? product : 0;
}

/* The buffer's ceiling is the message's fault too. */
static void
check_room(struct ua_decoder *d, const struct json *j)
{
	if (j != NULL && j->out->err != 0)
		ua_decode_fail(d, ERR_LIMIT, "as JSON the value is longer than 65535 bytes");
}

static void
put_enum(struct ua_decoder *d, const struct ua_type *type, struct json *j)
{
	int32_t v = (int32_t)rd_le32(&d->r);
	struct buf b = { 0 };

	if (j == NULL || d->r.err != 0)
		return;
	for (uint32_t i = 0; i < type->nnames; i++)
		if (type->numbers[i] == v) {
			buf_printf(&b, "%s_%" PRId32, type->names[i], v);
			json_str(j, buf_text(&b), b.len);
			buf_fini(&b);
			return;
		}
	json_i64(j, v);
}

static void
put_scalar(struct ua_decoder *d, uint8_t builtin, struct json *j)
{
	struct value v;
	bool skip = d->skip;

	d->skip = skip || j == NULL;
	ua_decode_scalar(d, builtin, &v);
	d->skip = skip;
	if (j != NULL && d->r.err == 0)
		value_json(j, &v);
}

bool
ua_decode_extension(struct ua_decoder *d, struct ua_extension *x)
{
	*x = (struct ua_extension){ .id = ua_decode_id(d, false) };
	uint8_t form = rd_u8(&d->r);

	if (form > 2)
		ua_decode_fail(d, ERR_PROTO, "an ExtensionObject of no known form");
	if (form != 0) {
		int32_t n = (int32_t)rd_le32(&d->r);
		x->body = rd_sub(&d->r, n > 0 ? (size_t)n : 0);
		x->xml = form == 2;
		x->there = true;
	}
	if (d->r.err != 0 || !ua_decode_count(d, 1))
		return false;
	if (!x->there || x->xml)
		return true;
	x->type = d->book->find != NULL ? d->book->find(d->book->arg, &x->id) : NULL;
	if (x->type == NULL && !d->unknown) {
		d->unknown = true;
		d->missing = x->id;
	}
	return true;
}

void
ua_decode_body(struct ua_decoder *d, struct reader *outer, const struct ua_extension *x)
{
	*outer = d->r;
	d->r = x->body;
}

void
ua_decode_body_end(struct ua_decoder *d, struct reader *outer)
{
	/* 5.2.2.15: a body may be longer than the definition that we have, of a newer version of the type: that is no error. */
	int err = d->r.err;
	d->r = *outer;
	if (err != 0)
		rd_fail(&d->r, err);
}

static void
put_unknown(const struct ua_decoder *d, const struct ua_extension *x, struct json *j)
{
	struct buf b = { .max = 4 * VALUE_BYTES_MAX };

	if (j == NULL)
		return;
	json_open(j, '{');
	json_key(j, "TypeId");
	ua_id_text(&b, &x->id, d->book, NULL, 0, 0);
	json_str(j, buf_text(&b), b.len);
	json_key(j, "Body");
	if (x->xml)
		json_str(j, (const char *)x->body.p, rd_left(&x->body));
	else {
		json_raw(j, "\"", 1);
		base64_put(j->out, x->body.p, rd_left(&x->body));
		buf_putc(j->out, '"');
	}
	json_close(j, '}');
	buf_fini(&b);
}

static void
put_extension(struct ua_decoder *d, struct json *j)
{
	struct ua_extension x;
	struct reader outer;

	if (!ua_decode_extension(d, &x))
		return;
	if (!x.there) {
		if (j != NULL)
			json_nil(j);
		return;
	}
	if (x.type == NULL) {
		put_unknown(d, &x, j);
		return;
	}
	ua_decode_body(d, &outer, &x);
	ua_decode_json(d, UA_B_EXTENSION, x.type, -1, j);
	ua_decode_body_end(d, &outer);
}

/* 5.2.2.17 */
static void
put_data_value(struct ua_decoder *d, struct json *j)
{
	static const struct { uint8_t bit, builtin; const char *name; } parts[] = {
		{ 1, UA_B_VARIANT, "Value" }, { 2, UA_B_STATUS, "Status" }, { 4, UA_B_DATETIME, "SourceTimestamp" }, { 0x10, UA_B_UINT16, NULL },
		{ 8, UA_B_DATETIME, "ServerTimestamp" }, { 0x20, UA_B_UINT16, NULL },
	};
	uint8_t mask = rd_u8(&d->r);

	if ((mask & 0xc0) != 0)
		ua_decode_fail(d, ERR_PROTO, "a DataValue with parts that no standard has");
	if (j != NULL)
		json_open(j, '{');
	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && d->r.err == 0; i++) {
		if ((mask & parts[i].bit) == 0)
			continue;
		struct json *to = parts[i].name != NULL ? j : NULL;	/* picoseconds are left out */
		if (to != NULL)
			json_key(to, parts[i].name);
		ua_decode_json(d, parts[i].builtin, NULL, -1, to);
	}
	if (j != NULL)
		json_close(j, '}');
}

/* 5.2.2.12: for whoever maintains the server; we move past it. */
static void
skip_diagnostic(struct ua_decoder *d)
{
	uint8_t mask = rd_u8(&d->r);

	if ((mask & 0x80) != 0)
		ua_decode_fail(d, ERR_PROTO, "a DiagnosticInfo with parts that no standard has");
	for (unsigned bit = 1; bit <= 8; bit <<= 1)
		if ((mask & bit) != 0)
			rd_le32(&d->r);
	if ((mask & 0x10) != 0)
		put_scalar(d, UA_B_STRING, NULL);
	if ((mask & 0x20) != 0)
		rd_le32(&d->r);
	if ((mask & 0x40) != 0 && ua_decode_enter(d)) {
		skip_diagnostic(d);
		d->depth--;
	}
}

static void
put_array(struct ua_decoder *d, uint8_t builtin, const struct ua_type *type, uint64_t n, struct json *j)
{
	if (j != NULL)
		json_open(j, '[');
	for (uint64_t i = 0; i < n && d->r.err == 0; i++) {
		ua_decode_json(d, builtin, type, -1, j);
		check_room(d, j);
	}
	if (j != NULL)
		json_close(j, ']');
}

static void
put_dimensions(struct json *j, const uint32_t *dims, uint32_t ndims)
{
	json_key(j, "Dimensions");
	json_open(j, '[');
	for (uint32_t i = 0; i < ndims; i++)
		json_u64(j, dims[i]);
	json_close(j, ']');
}

/* 5.2.2.16. A matrix's dimensions stand behind its elements. */
void
ua_decode_variant(struct ua_decoder *d, struct json *j)
{
	uint8_t form = rd_u8(&d->r), builtin = ua_decode_variant_type(d, form);
	uint32_t dims[UA_DIMENSIONS_MAX], ndims = 0;

	if (!ua_decode_enter(d))
		return;
	if (builtin == 0) {
		if (j != NULL)
			json_nil(j);
	} else if ((form & 0x80) == 0)
		ua_decode_json(d, builtin, NULL, -1, j);
	else {
		uint32_t n = ua_decode_length(d);
		bool matrix = (form & 0x40) != 0;
		struct json *to = j;
		if (matrix && j != NULL) {
			json_open(j, '{');
			json_key(j, "Array");
		}
		put_array(d, builtin, NULL, n, to);
		uint64_t product = matrix ? ua_decode_dimensions(d, dims, &ndims) : n;
		if (d->r.err == 0 && product != n)
			ua_decode_fail(d, ERR_PROTO, "a matrix whose dimensions do not fit its elements");
		if (matrix && j != NULL) {
			put_dimensions(j, dims, ndims);
			json_close(j, '}');
		}
	}
	d->depth--;
}

uint8_t
ua_decode_variant_type(struct ua_decoder *d, uint8_t form)
{
	uint8_t builtin = form & 0x3f;

	if (builtin > UA_B_DIAGNOSTIC && builtin <= 31)
		return UA_B_BYTESTRING;		/* 5.1.8: kept for later; to be taken as ByteString */
	if (builtin > 31 || (builtin == 0 && form != 0) || ((form & 0x40) != 0 && (form & 0x80) == 0))
		ua_decode_fail(d, ERR_PROTO, "a Variant of no known form");
	/* A Variant in a Variant only as an element of an array. */
	if (builtin == UA_B_VARIANT && (form & 0x80) == 0)
		ua_decode_fail(d, ERR_PROTO, "a Variant directly in a Variant");
	return builtin;
}

static void
put_field(struct ua_decoder *d, const struct ua_type_field *f, struct json *j)
{
	if (j != NULL)
		json_key(j, f->name);
	/* A subtype may stand here: 5.2.6, as ExtensionObject, or as Variant where it is no structure. */
	if (f->subtyped)
		ua_decode_json(d, f->builtin == UA_B_EXTENSION ? UA_B_EXTENSION : UA_B_VARIANT, NULL, f->rank, j);
	else
		ua_decode_json(d, f->builtin, f->type, f->rank, j);
	check_room(d, j);
}

/* 5.2.6 structures, 5.2.7 with optional fields, 5.2.8 unions */
static void
put_structure(struct ua_decoder *d, const struct ua_type *t, struct json *j)
{
	uint32_t mask = t->kind == UA_TYPE_STRUCT ? 0 : rd_le32(&d->r), bit = 1;

	if (t->kind == UA_TYPE_UNION && mask == 0) {
		if (j != NULL)
			json_nil(j);
		return;
	}
	if (t->kind == UA_TYPE_UNION && mask > t->nfields)
		ua_decode_fail(d, ERR_PROTO, "a union set to a field that its definition does not have");
	if (!ua_decode_count(d, t->nfields + 1))
		return;
	if (j != NULL)
		json_open(j, '{');
	for (uint32_t i = 0; i < t->nfields && d->r.err == 0; i++) {
		bool there = t->kind != UA_TYPE_UNION || mask == i + 1;
		if (t->kind == UA_TYPE_OPTIONAL && t->fields[i].optional) {
			there = (mask & bit) != 0;
			bit <<= 1;
		}
		if (there)
			put_field(d, &t->fields[i], j);
	}
	if (j != NULL)
		json_close(j, '}');
}

static void
put_one(struct ua_decoder *d, uint8_t builtin, const struct ua_type *type, struct json *j)
{
	if (type != NULL && type->kind == UA_TYPE_ENUM) {
		put_enum(d, type, j);
		return;
	}
	if (type == NULL && builtin < UA_B_EXTENSION) {
		put_scalar(d, builtin, j);
		return;
	}
	if (!ua_decode_enter(d))
		return;
	if (type != NULL)
		put_structure(d, type, j);
	else if (builtin == UA_B_EXTENSION)
		put_extension(d, j);
	else if (builtin == UA_B_DATAVALUE)
		put_data_value(d, j);
	else if (builtin == UA_B_VARIANT)
		ua_decode_variant(d, j);
	else {
		skip_diagnostic(d);
		if (j != NULL)
			json_nil(j);
	}
	d->depth--;
}

void
ua_decode_json(struct ua_decoder *d, uint8_t builtin, const struct ua_type *type, int32_t rank, struct json *j)
{
	uint32_t dims[UA_DIMENSIONS_MAX], ndims;

	if (d->r.err != 0)
		return;
	if (rank < 1) {
		put_one(d, builtin, type, j);
	} else if (rank == 1) {
		put_array(d, builtin, type, ua_decode_length(d), j);
	} else {	/* 5.2.5: dimensions, then the elements */
		uint64_t n = ua_decode_dimensions(d, dims, &ndims);
		if (!ua_decode_count(d, ndims > 0 ? n : 0))
			return;
		if (j != NULL) {
			json_open(j, '{');
			json_key(j, "Array");
		}
		put_array(d, builtin, type, ndims > 0 ? n : 0, j);
		if (j != NULL) {
			put_dimensions(j, dims, ndims);
			json_close(j, '}');
		}
	}
	check_room(d, j);
}
