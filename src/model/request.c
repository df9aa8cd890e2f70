/*
 * See request.h. A packed request (numbers little-endian, texts a varint length and bytes):
 *
 *	u8 kind, text target, text method, text event, u8 nargs, value[nargs],
 *	text from, text user, u8 nroles, text[nroles], text key, text note, i64 deadline (ns, 0: none)
 *
 * a packed result:
 *
 *	u64 id, u8 state, text code, text text, value readback, u8 nresults, value[nresults]
 *
 * a value: u8 type, then 8 bytes of a scalar, or varint length and bytes for texts, byte strings and arrays; nothing
 * for null.
 */
#include "model/request.h"

#include "base/arena.h"
#include "base/utf8.h"

static const char *const kind_names[] = {
#define X(name, text) text,
	REQUEST_KINDS(X)
#undef X
};
static const char *const state_names[] = {
#define X(name, text) text,
	REQUEST_STATES(X)
#undef X
};

const char *
request_kind_name(enum request_kind k)
{
	return k < REQUEST_KIND_COUNT ? kind_names[k] : "?";
}

int
request_kind_parse(const char *s)
{
	for (int i = 0; i < REQUEST_KIND_COUNT; i++)
		if (strcmp(kind_names[i], s) == 0)
			return i;
	return -1;
}

const char *
request_state_name(enum request_state s)
{
	return s < REQUEST_STATE_COUNT ? state_names[s] : "?";
}

int
request_value_pack(struct writer *w, const struct value *v)
{
	wr_u8(w, v->type);
	if (value_has_bytes(v->type)) {
		wr_varint(w, v->len);
		wr_bytes(w, v->p, v->len);
		return w->err;
	}
	uint64_t u = v->u;
	if (v->type == VALUE_NULL)
		return w->err;
	if (v->type == VALUE_BOOL)
		u = v->b;
	else if (v->type == VALUE_F32) {
		uint32_t bits;
		memcpy(&bits, &v->f32, sizeof bits);
		u = bits;
	}
	wr_le64(w, u);
	return w->err;
}

static void
unpack_bytes(struct reader *r, struct arena *a, struct value *out)
{
	uint64_t len = rd_varint(r);
	size_t size = value_size(out->type & 0x7f);

	if (r->err == 0 && (len > VALUE_BYTES_MAX || ((out->type & VALUE_ARRAY) != 0 && (size == 0 ||
	    len % size != 0))))
		rd_fail(r, ERR_PROTO);
	const uint8_t *p = rd_bytes(r, (size_t)len);
	if (p == NULL)
		return;
	/* An array is looked at in its own type: the copy is aligned for any. */
	out->len = (uint32_t)len;
	out->p = arena_strndup(a, (const char *)p, (size_t)len);
	if ((out->type == VALUE_TEXT && !utf8_valid((const char *)p, (size_t)len)) ||
	    (out->type == VALUE_JSON && !json_valid((const char *)p, (size_t)len)))
		rd_fail(r, ERR_PROTO);
}

int
request_value_unpack(struct reader *r, struct arena *a, struct value *out)
{
	*out = (struct value){ .type = rd_u8(r) };
	if (r->err == 0 && !value_type_valid(out->type))
		rd_fail(r, ERR_PROTO);
	if (r->err != 0 || out->type == VALUE_NULL)
		return r->err;
	if (value_has_bytes(out->type)) {
		unpack_bytes(r, a, out);
		return r->err;
	}
	uint64_t u = rd_le64(r);
	if (out->type == VALUE_BOOL)
		out->b = u != 0;
	else if (out->type == VALUE_F32) {
		uint32_t bits = (uint32_t)u;
		memcpy(&out->f32, &bits, sizeof bits);
	} else
		out->u = u;
	return r->err;
}

static void
pack_values(struct writer *w, const struct value *v, uint32_t n)
{
	if (n > REQUEST_ARGS_MAX && w->err == 0)
		w->err = ERR_LIMIT;
	wr_u8(w, (uint8_t)n);
	for (uint32_t i = 0; i < n && w->err == 0; i++)
		request_value_pack(w, &v[i]);
}

static const struct value *
unpack_values(struct reader *r, struct arena *a, uint32_t *n)
{
	*n = rd_u8(r);
	if (*n > REQUEST_ARGS_MAX)
		rd_fail(r, ERR_LIMIT);
	if (r->err != 0)
		*n = 0;
	struct value *v = arena_array(a, *n + 1, sizeof *v);
	for (uint32_t i = 0; i < *n; i++)
		request_value_unpack(r, a, &v[i]);
	return v;
}

static const char *
unpack_text(struct reader *r, struct arena *a, size_t max)
{
	char buf[REQUEST_TARGET_MAX + 1];

	size_t len = rd_text(r, buf, max);
	if (r->err == 0 && !utf8_valid(buf, len))
		rd_fail(r, ERR_PROTO);
	return arena_strndup(a, buf, r->err == 0 ? len : 0);
}

int
request_pack(struct writer *w, const struct request *q)
{
	wr_u8(w, (uint8_t)q->kind);
	wr_text(w, q->target);
	wr_text(w, q->method);
	wr_text(w, q->event);
	pack_values(w, q->args, q->nargs);
	wr_text(w, q->from);
	wr_text(w, q->user);
	wr_u8(w, (uint8_t)q->nroles);
	for (uint32_t i = 0; i < q->nroles && i < REQUEST_ROLES_MAX; i++)
		wr_text(w, q->roles[i]);
	wr_text(w, q->key);
	wr_text(w, q->note);
	wr_le64(w, (uint64_t)q->deadline.ns);
	return w->err;
}

int
request_unpack(struct reader *r, struct arena *a, struct request *out)
{
	unsigned kind = rd_u8(r);

	*out = (struct request){ .kind = (enum request_kind)kind };
	if (kind >= REQUEST_KIND_COUNT)
		rd_fail(r, ERR_PROTO);
	out->target = unpack_text(r, a, REQUEST_TARGET_MAX);
	out->method = unpack_text(r, a, REQUEST_METHOD_MAX);
	out->event = unpack_text(r, a, REQUEST_TARGET_MAX);
	out->args = unpack_values(r, a, &out->nargs);
	if (out->kind == REQUEST_WRITE && out->nargs != 1)
		rd_fail(r, ERR_PROTO);
	out->from = unpack_text(r, a, REQUEST_NAME_MAX);
	out->user = unpack_text(r, a, REQUEST_NAME_MAX);
	out->nroles = rd_u8(r);
	if (out->nroles > REQUEST_ROLES_MAX)
		rd_fail(r, ERR_LIMIT);
	if (r->err != 0)
		out->nroles = 0;
	for (uint32_t i = 0; i < out->nroles; i++)
		out->roles[i] = unpack_text(r, a, REQUEST_NAME_MAX);
	out->key = unpack_text(r, a, REQUEST_KEY_MAX);
	out->note = unpack_text(r, a, REQUEST_NOTE_MAX);
	out->deadline.ns = (int64_t)rd_le64(r);
	return r->err;
}

int
request_result_pack(struct writer *w, const struct request_result *q)
{
	wr_le64(w, q->id);
	wr_u8(w, (uint8_t)q->state);
	wr_text(w, q->code);
	wr_text(w, q->text);
	request_value_pack(w, &q->readback);
	pack_values(w, q->results, q->nresults);
	return w->err;
}

int
request_result_unpack(struct reader *r, struct arena *a, struct request_result *out)
{
	*out = (struct request_result){ .id = rd_le64(r) };
	unsigned state = rd_u8(r);
	if (state >= REQUEST_STATE_COUNT)
		rd_fail(r, ERR_PROTO);
	out->state = (enum request_state)state;
	out->code = unpack_text(r, a, REQUEST_NAME_MAX);
	out->text = unpack_text(r, a, REQUEST_NOTE_MAX);
	request_value_unpack(r, a, &out->readback);
	out->results = unpack_values(r, a, &out->nresults);
	return r->err;
}
