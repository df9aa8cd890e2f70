/* A part of a value, by the names of fields and the indexes of arrays on the way to it. See ua_type.h. */
#include <ctype.h>
#include <string.h>

#include "base/num.h"
#include "driver/opcua/ua_decode.h"

static const char no_field[] = "the structure has no such field (names are exact; `penstock browse` shows them)";
static const char not_set[] = "the optional field is not there in this value";
static const char no_parts[] = "the value has no fields where the address names one";

struct walk {
	struct ua_decoder	*d;
	const char *const	*path;
	uint32_t		 npath;
	struct value		*out;
};

static void one(struct walk *w, uint8_t builtin, const struct ua_type *type);
static void any(struct walk *w, uint8_t builtin, const struct ua_type *type, int32_t rank);

static void
as_json(struct walk *w, uint8_t builtin, const struct ua_type *type, int32_t rank)
{
	struct buf b = { .max = VALUE_BYTES_MAX };
	struct json j = { .out = &b };

	ua_decode_json(w->d, builtin, type, rank, &j);
	if (b.err != 0)
		ua_decode_fail(w->d, ERR_LIMIT, "as JSON the value is longer than 65535 bytes");
	if (w->d->r.err == 0)
		*w->out = (struct value){ .type = VALUE_JSON, .len = (uint32_t)b.len, .p = arena_strndup(w->d->a, buf_text(&b), b.len) };
	buf_fini(&b);
}

/* n numbers in their own type; 0 elements too. */
static void
numbers(struct walk *w, uint8_t builtin, uint32_t n)
{
	uint8_t type = ua_builtin_value(builtin);
	size_t size = value_size(type);

	if ((uint64_t)n * size > VALUE_BYTES_MAX) {
		ua_decode_fail(w->d, ERR_LIMIT, "an array of more than 65535 bytes: name a part of it with [index 0:999]");
		return;
	}
	uint8_t *p = arena_alloc(w->d->a, n * size + 1);
	for (uint32_t i = 0; i < n && w->d->r.err == 0; i++) {
		struct value v;
		ua_decode_scalar(w->d, builtin, &v);
		if (type == VALUE_F32)
			memcpy(p + i * size, &v.f32, size);
		else if (type == VALUE_F64)
			memcpy(p + i * size, &v.f64, size);
		else if (type == VALUE_BOOL)
			p[i] = v.b;
		else
			memcpy(p + i * size, &v.u, size);	/* little-endian host: the low bytes */
	}
	*w->out = (struct value){ .type = (uint8_t)(type | VALUE_ARRAY), .len = (uint32_t)(n * size), .p = p };
}


_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers() copies low bytes");

static bool
is_plain(uint8_t builtin, const struct ua_type *type)
{
	return type == NULL && value_is_number(ua_builtin_value(builtin));
}

static void
leaf(struct walk *w, uint8_t builtin, const struct ua_type *type)
{
	if (type != NULL && type->kind == UA_TYPE_ENUM)
		ua_decode_scalar(w->d, UA_B_INT32, w->out);
	else if (type == NULL && builtin < UA_B_EXTENSION)
		ua_decode_scalar(w->d, builtin, w->out);
	else
		as_json(w, builtin, type, -1);
}

/* The element of n that the path's next step names. */
static void
element(struct walk *w, uint8_t builtin, const struct ua_type *type, uint64_t n)
{
	uint64_t want = 0;
	const char *step = w->path[0];

	if (!isdigit((unsigned char)*step) || num_parse_u64(step, strlen(step), &want) != 0) {
		ua_decode_fail(w->d, ERR_NOTFOUND, "an array is in the way: name one element by its index from 0, such as Items.0.Name");
		return;
	}
	if (want >= n) {
		ua_decode_fail(w->d, ERR_NOTFOUND, "the array has fewer elements than the address names");
		return;
	}
	for (uint64_t i = 0; i < want && w->d->r.err == 0; i++)
		ua_decode_json(w->d, builtin, type, -1, NULL);
	w->path++;
	w->npath--;
	one(w, builtin, type);
}

static void
array(struct walk *w, uint8_t builtin, const struct ua_type *type, uint32_t n)
{
	if (w->npath > 0) {
		element(w, builtin, type, n);
		return;
	}
	if (is_plain(builtin, type) || (type == NULL && builtin == UA_B_STATUS) || (type != NULL && type->kind == UA_TYPE_ENUM)) {
		numbers(w, type != NULL ? UA_B_INT32 : builtin, n);
		return;
	}
	/* The length is read already: texts and structures one by one. */
	struct buf b = { .max = VALUE_BYTES_MAX };
	struct json j = { .out = &b };
	json_open(&j, '[');
	for (uint32_t i = 0; i < n && w->d->r.err == 0; i++)
		ua_decode_json(w->d, builtin, type, -1, &j);
	json_close(&j, ']');
	if (b.err != 0)
		ua_decode_fail(w->d, ERR_LIMIT, "as JSON the value is longer than 65535 bytes");
	if (w->d->r.err == 0)
		*w->out = (struct value){ .type = VALUE_JSON, .len = (uint32_t)b.len, .p = arena_strndup(w->d->a, buf_text(&b), b.len) };
	buf_fini(&b);
}

static void
variant(struct walk *w)
{
	const uint8_t *from = w->d->r.p;
	uint8_t form = rd_u8(&w->d->r), builtin = ua_decode_variant_type(w->d, form);

	if (w->d->r.err != 0)
		return;
	if (builtin == 0) {
		*w->out = (struct value){ .type = VALUE_NULL };
	} else if ((form & 0x80) == 0)
		one(w, builtin, NULL);
	else if ((form & 0x40) != 0 && w->npath == 0) {		/* a matrix is json */
		struct buf b = { .max = VALUE_BYTES_MAX };
		struct json j = { .out = &b };
		w->d->r.p = from;
		ua_decode_variant(w->d, &j);
		if (b.err != 0)
			ua_decode_fail(w->d, ERR_LIMIT, "as JSON the value is longer than 65535 bytes");
		if (w->d->r.err == 0)
			*w->out = (struct value){ .type = VALUE_JSON, .len = (uint32_t)b.len,
			    .p = arena_strndup(w->d->a, buf_text(&b), b.len) };
		buf_fini(&b);
	} else
		array(w, builtin, NULL, ua_decode_length(w->d));
}

static void
extension(struct walk *w)
{
	struct ua_extension x;
	struct reader outer;

	if (!ua_decode_extension(w->d, &x))
		return;
	if (x.type == NULL) {
		ua_decode_fail(w->d, ERR_NOTFOUND, "the server does not say what the structure is made of");
		return;
	}
	ua_decode_body(w->d, &outer, &x);
	one(w, UA_B_EXTENSION, x.type);
	ua_decode_body_end(w->d, &outer);
}

static void
structure(struct walk *w, const struct ua_type *t)
{
	uint32_t mask = t->kind == UA_TYPE_STRUCT ? 0 : rd_le32(&w->d->r), bit = 1;

	for (uint32_t i = 0; i < t->nfields && w->d->r.err == 0; i++) {
		const struct ua_type_field *f = &t->fields[i];
		bool found = strcmp(f->name, w->path[0]) == 0, there = t->kind != UA_TYPE_UNION || mask == i + 1;
		uint8_t builtin = !f->subtyped ? f->builtin : f->builtin == UA_B_EXTENSION ? UA_B_EXTENSION : UA_B_VARIANT;
		const struct ua_type *type = f->subtyped ? NULL : f->type;
		if (t->kind == UA_TYPE_OPTIONAL && f->optional) {
			there = (mask & bit) != 0;
			bit <<= 1;
		}
		if (found && !there) {
			ua_decode_fail(w->d, ERR_NOTFOUND, not_set);
			return;
		}
		if (found) {
			w->path++;
			w->npath--;
			any(w, builtin, type, f->rank);
			return;
		}
		if (there && ua_decode_count(w->d, 1))
			ua_decode_json(w->d, builtin, type, f->rank, NULL);
	}
	ua_decode_fail(w->d, ERR_NOTFOUND, no_field);
}

static void
one(struct walk *w, uint8_t builtin, const struct ua_type *type)
{
	if (w->npath == 0 && !(type == NULL && builtin == UA_B_VARIANT)) {
		leaf(w, builtin, type);
		return;
	}
	if (!ua_decode_enter(w->d))
		return;
	if (type != NULL && type->kind != UA_TYPE_ENUM)
		structure(w, type);
	else if (type == NULL && builtin == UA_B_VARIANT)
		variant(w);
	else if (type == NULL && builtin == UA_B_EXTENSION)
		extension(w);
	else
		ua_decode_fail(w->d, ERR_NOTFOUND, no_parts);
	w->d->depth--;
}

static void
any(struct walk *w, uint8_t builtin, const struct ua_type *type, int32_t rank)
{
	uint32_t dims[UA_DIMENSIONS_MAX], ndims;

	if (rank < 1)
		one(w, builtin, type);
	else if (rank == 1)
		array(w, builtin, type, ua_decode_length(w->d));
	else if (w->npath == 0)
		as_json(w, builtin, type, rank);
	else {
		uint64_t n = ua_decode_dimensions(w->d, dims, &ndims);
		if (ua_decode_count(w->d, n))
			element(w, builtin, type, ndims > 0 ? n : 0);
	}
}

int
ua_decode_select(struct ua_decoder *d, uint8_t builtin, const struct ua_type *type, int32_t rank, const char *const *path, uint32_t npath,
    struct value *out)
{
	struct walk w = { .d = d, .path = path, .npath = npath, .out = out };

	*out = (struct value){ .type = VALUE_NULL };
	any(&w, builtin, type, rank);
	if (d->r.err != 0)
		*out = (struct value){ .type = VALUE_NULL };
	return d->r.err;
}
