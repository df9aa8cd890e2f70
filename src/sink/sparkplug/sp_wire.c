/* See sp_wire.h. protobuf-c does the encoding; here its structs are filled. */
#include "sink/sparkplug/sp_wire.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/utf8.h"
#include "sink/sparkplug/sparkplug.pb-c.h"

#define PROPS_MAX	5u

/* A metric with what its struct points to. */
struct slot {
	Spb__Metric		 m;
	Spb__PropertySet	 set;
	Spb__PropertyValue	 v[PROPS_MAX], *pv[PROPS_MAX];
	char			*keys[PROPS_MAX];
	size_t			 packed_at;	/* offset of an array's bytes */
	bool			 packed;
};

struct sp_builder {
	Spb__Payload	 payload;
	struct slot	*slots;
	Spb__Metric	**metrics;
	size_t		 n, cap;
	struct buf	 bytes;		/* packed arrays and texts that need an end */
};

static char key_quality[] = "Quality", key_status[] = "StatusCode", key_unit[] = "engUnit", key_low[] = "engLow", key_high[] = "engHigh";

struct sp_builder *
sp_builder_new(void)
{
	struct sp_builder *b = calloc(1, sizeof *b);
	if (b == NULL)
		fatal("out_of_memory", "what=\"sparkplug builder\"");
	return b;
}

void
sp_builder_free(struct sp_builder *b)
{
	if (b == NULL)
		return;
	free(b->slots);
	free(b->metrics);
	buf_fini(&b->bytes);
	free(b);
}

static uint64_t
ms_of(struct wall t)
{
	return t.ns > 0 ? (uint64_t)(t.ns / NS_PER_MS) : 0;
}

void
sp_builder_begin(struct sp_builder *b, struct wall now, int seq)
{
	spb__payload__init(&b->payload);
	b->payload.has_timestamp = true;
	b->payload.timestamp = ms_of(now);
	b->payload.has_seq = seq >= 0;
	b->payload.seq = seq >= 0 ? (uint64_t)seq : 0;
	b->n = 0;
	buf_reset(&b->bytes);
}

static struct slot *
next_slot(struct sp_builder *b)
{
	if (b->n == b->cap) {
		size_t cap = b->cap > 0 ? b->cap * 2 : 64;
		struct slot *slots = reallocarray(b->slots, cap, sizeof *slots);
		Spb__Metric **metrics = reallocarray(b->metrics, cap, sizeof *metrics);
		if (slots == NULL || metrics == NULL)
			fatal("out_of_memory", "what=\"sparkplug metrics\" n=%zu", cap);
		b->slots = slots;
		b->metrics = metrics;
		b->cap = cap;
	}
	struct slot *s = &b->slots[b->n++];
	spb__metric__init(&s->m);
	spb__property_set__init(&s->set);
	s->packed = false;
	return s;
}

/* ---- values ---- */

uint32_t
sp_datatype(uint8_t type)
{
	static const uint8_t scalar[VALUE_TYPES] = {
#define X(name, text, size, sparkplug) [VALUE_##name] = sparkplug,
		VALUE_LIST(X)
#undef X
	};
	/* 6.4.16: arrays of 1..13 without 12's String, which a value cannot be an array of, stand at 22..34 in this order. */
	static const uint8_t array[VALUE_TYPES] = {
		[VALUE_I8] = 22, [VALUE_I16] = 23, [VALUE_I32] = 24, [VALUE_I64] = 25, [VALUE_U8] = 26, [VALUE_U16] = 27, [VALUE_U32] = 28,
		[VALUE_U64] = 29, [VALUE_F32] = 30, [VALUE_F64] = 31, [VALUE_BOOL] = 32, [VALUE_TIME] = 34,
	};
	uint8_t of = type & 0x7f;
	return of >= VALUE_TYPES ? 0 : (type & VALUE_ARRAY) != 0 ? array[of] : scalar[of];
}

static uint64_t
element_bits(const struct value *e)
{
	uint32_t f32;
	uint64_t f64;

	switch (e->type) {
	case VALUE_BOOL:
		return e->b;
	case VALUE_F32:
		memcpy(&f32, &e->f32, sizeof f32);
		return f32;
	case VALUE_F64:
		memcpy(&f64, &e->f64, sizeof f64);
		return f64;
	case VALUE_TIME:
		return ms_of((struct wall){ e->i });
	default:
		return e->u;
	}
}

/* 6.4.17.11: a count of 4 bytes, then a bit an element, the most significant first. */
static void
pack_booleans(struct buf *out, const struct value *v)
{
	size_t n = value_count(v);

	for (unsigned i = 0; i < 4; i++)
		buf_putc(out, (char)(n >> (8 * i)));
	for (size_t at = 0; at < n; at += 8) {
		unsigned byte = 0;
		for (size_t i = at; i < at + 8; i++)
			byte = byte << 1 | (i < n && value_at(v, i).b);
		buf_putc(out, (char)byte);
	}
}

static void
pack_array(struct buf *out, const struct value *v)
{
	size_t size = value_size(v->type & 0x7f);

	if ((v->type & 0x7f) == VALUE_BOOL) {
		pack_booleans(out, v);
		return;
	}
	for (size_t k = 0; k < value_count(v); k++) {
		struct value e = value_at(v, k);
		uint64_t bits = element_bits(&e);
		for (size_t i = 0; i < size; i++)
			buf_putc(out, (char)(bits >> (8 * i)));
	}
}

/* A text up to its first NUL. Protocol Buffers want UTF-8: what a device sends that is none becomes U+FFFD. */
static void
put_text(struct buf *out, const char *p, size_t len)
{
	const char *nul = memchr(p, '\0', len);
	size_t n = nul != NULL ? (size_t)(nul - p) : len;

	for (size_t i = 0, k; i < n; i += k > 0 ? k : 1) {
		k = utf8_len(p + i, n - i);
		if (k > 0)
			buf_put(out, p + i, k);
		else
			buf_puts(out, "\xef\xbf\xbd");
	}
	buf_putc(out, '\0');
}

static void
set_packed(struct sp_builder *b, struct slot *s, const struct value *v)
{
	s->packed = true;
	s->packed_at = b->bytes.len;
	if ((v->type & VALUE_ARRAY) != 0) {
		pack_array(&b->bytes, v);
		s->m.value_case = SPB__METRIC__VALUE_BYTES_VALUE;
		s->m.bytes_value.len = b->bytes.len - s->packed_at;
	} else {	/* a text, with the end that protobuf-c looks for */
		put_text(&b->bytes, v->p, v->len);
		s->m.value_case = SPB__METRIC__VALUE_STRING_VALUE;
	}
}

static void
set_value(struct sp_builder *b, struct slot *s, const struct value *v)
{
	switch (v->type) {
	case VALUE_BOOL:
		s->m.value_case = SPB__METRIC__VALUE_BOOLEAN_VALUE;
		s->m.boolean_value = v->b;
		return;
	case VALUE_F32:
		s->m.value_case = SPB__METRIC__VALUE_FLOAT_VALUE;
		s->m.float_value = v->f32;
		return;
	case VALUE_F64:
		s->m.value_case = SPB__METRIC__VALUE_DOUBLE_VALUE;
		s->m.double_value = v->f64;
		return;
	case VALUE_I64:
	case VALUE_U64:
	case VALUE_TIME:
		s->m.value_case = SPB__METRIC__VALUE_LONG_VALUE;
		s->m.long_value = element_bits(v);
		return;
	case VALUE_BYTES:
		s->m.value_case = SPB__METRIC__VALUE_BYTES_VALUE;
		s->m.bytes_value = (ProtobufCBinaryData){ .len = v->len, .data = (uint8_t *)(uintptr_t)v->p };
		return;
	default:
		if (value_has_bytes(v->type)) {
			set_packed(b, s, v);
			return;
		}
		s->m.value_case = SPB__METRIC__VALUE_INT_VALUE;
		s->m.int_value = (uint32_t)v->u;	/* sign-extended to 32 bits: readers take the declared width of it */
	}
}

/* ---- properties ---- */

static Spb__PropertyValue *
add_property(struct slot *s, char *key, uint32_t type)
{
	size_t i = s->set.n_keys;

	spb__property_value__init(&s->v[i]);
	s->v[i].has_type = true;
	s->v[i].type = type;
	s->keys[i] = key;
	s->set.n_keys = s->set.n_values = i + 1;
	return &s->v[i];
}

static void
add_double(struct slot *s, char *key, double x)
{
	Spb__PropertyValue *v = add_property(s, key, sp_datatype(VALUE_F64));
	v->value_case = SPB__PROPERTY_VALUE__VALUE_DOUBLE_VALUE;
	v->double_value = x;
}

static void
add_properties(struct slot *s, const struct sp_metric_out *m)
{
	if (m->status != 0) {
		enum sp_quality quality = sp_quality(m->status);
		if (quality != SP_GOOD) {
			Spb__PropertyValue *q = add_property(s, key_quality, sp_datatype(VALUE_I32));
			q->value_case = SPB__PROPERTY_VALUE__VALUE_INT_VALUE;
			q->int_value = quality;
		}
		Spb__PropertyValue *c = add_property(s, key_status, sp_datatype(VALUE_U32));
		c->value_case = SPB__PROPERTY_VALUE__VALUE_INT_VALUE;
		c->int_value = m->status;
	}
	if (m->unit != NULL && m->unit[0] != '\0') {
		Spb__PropertyValue *u = add_property(s, key_unit, SP_STRING);
		u->value_case = SPB__PROPERTY_VALUE__VALUE_STRING_VALUE;
		u->string_value = (char *)(uintptr_t)m->unit;
	}
	if (m->has_range) {
		add_double(s, key_low, m->lo);
		add_double(s, key_high, m->hi);
	}
}

void
sp_builder_metric(struct sp_builder *b, const struct sp_metric_out *m)
{
	struct slot *s = next_slot(b);

	s->m.name = (char *)(uintptr_t)m->name;
	s->m.has_alias = m->alias != 0;
	s->m.alias = m->alias;
	s->m.has_timestamp = true;
	s->m.timestamp = ms_of(m->time);
	s->m.has_datatype = m->datatype;
	s->m.datatype = sp_datatype(m->type);
	s->m.has_is_historical = s->m.is_historical = m->historical;
	add_properties(s, m);
	if (m->v->type == VALUE_NULL)
		s->m.has_is_null = s->m.is_null = true;
	else
		set_value(b, s, m->v);
}

/* Memory has stopped moving: now the pointers into it. */
static void
link_up(struct sp_builder *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct slot *s = &b->slots[i];
		b->metrics[i] = &s->m;
		for (size_t k = 0; k < s->set.n_keys; k++)
			s->pv[k] = &s->v[k];
		s->set.keys = s->keys;
		s->set.values = s->pv;
		s->m.properties = s->set.n_keys > 0 ? &s->set : NULL;
		if (s->packed && s->m.value_case == SPB__METRIC__VALUE_BYTES_VALUE)
			s->m.bytes_value.data = (uint8_t *)b->bytes.p + s->packed_at;
		else if (s->packed)
			s->m.string_value = b->bytes.p + s->packed_at;
	}
	b->payload.n_metrics = b->n;
	b->payload.metrics = b->metrics;
}

void
sp_builder_encode(struct sp_builder *b, struct buf *out)
{
	buf_reset(out);
	out->err = b->bytes.err;
	if (out->err != 0)
		return;
	link_up(b);
	size_t len = spb__payload__get_packed_size(&b->payload);
	char *p = buf_room(out, len);
	if (p == NULL)
		return;
	spb__payload__pack(&b->payload, (uint8_t *)p);
	out->len += len;
}
