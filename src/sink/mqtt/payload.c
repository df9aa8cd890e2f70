/* See payload.h: values and messages. What depends on the tag alone is made in payload_stream.c. */
#include "sink/mqtt/payload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/num.h"
#include "sink/mqtt/template.h"

#define VALUE_ROOM	160u	/* a number, status, code and brackets behind a head */

/* ---- values ---- */

/* A scalar as JSON at p, at most NUM_TEXT bytes; 0: not one of the plain numbers. */
static size_t
plain_number(const struct value *v, char *p)
{
	switch (v->type) {
	case VALUE_BOOL:
		memcpy(p, v->b ? "true" : "false", 5);
		return v->b ? 4 : 5;
	case VALUE_I8:
	case VALUE_I16:
	case VALUE_I32:
	case VALUE_I64:
		return num_i64(v->i, p);
	case VALUE_U8:
	case VALUE_U16:
	case VALUE_U32:
	case VALUE_U64:
		return num_u64(v->u, p);
	case VALUE_F32:
		return isfinite(v->f32) ? num_f32(v->f32, p) : 0;
	case VALUE_F64:
		return isfinite(v->f64) ? num_f64(v->f64, p) : 0;
	default:
		return 0;
	}
}

static const char *
odd_number(const struct sample *s)
{
	double v = s->v.type == VALUE_F32 ? (double)s->v.f32 : s->v.type == VALUE_F64 ? s->v.f64 : 0;
	if (isfinite(v) || status_is_bad(s->status))
		return NULL;
	return isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity";
}

static void
put_flags(struct buf *b, uint8_t flags)
{
	static const char *const names[] = { "historical", "late", "clock-step", "reread" };
	const char *sep = "";

	buf_puts(b, ",\"f\":[");
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if ((flags >> i & 1) == 0)
			continue;
		buf_printf(b, "%s\"%s\"", sep, names[i]);
		sep = ",";
	}
	buf_putc(b, ']');
}

/* What is said only of a sample that is not plainly good: status, code, a number that JSON cannot say, flags. */
static void
put_remarks(struct buf *b, const struct sample *s, bool with_name)
{
	const char *odd = odd_number(s);

	if (s->status != STATUS_Good)
		buf_printf(b, with_name ? ",\"q\":\"%s\",\"c\":%u" : "%.0s,\"c\":%u", status_name(s->status), s->status);
	if (odd != NULL)
		buf_printf(b, ",\"x\":\"%s\"", odd);
	if (s->flags != 0)
		put_flags(b, s->flags);
}

static void
put_value(struct buf *b, const struct sample *s)
{
	char *p = buf_room(b, NUM_TEXT);
	size_t n = p == NULL || status_is_bad(s->status) ? 0 : plain_number(&s->v, p);

	if (n > 0) {
		b->len += n;
		b->p[b->len] = '\0';
		return;
	}
	struct json j = { .out = b };
	template_value(&j, s);
}

/* {"n":"...","v":1} : the path that most values take is two copies and a number. */
static void
put_sample(struct buf *b, const struct payload_tag *t, const struct sample *s)
{
	char *p = buf_room(b, t->head_len + VALUE_ROOM);

	if (p == NULL)
		return;
	memcpy(p, t->head, t->head_len);
	size_t n = status_is_bad(s->status) ? 0 : plain_number(&s->v, p + t->head_len);
	b->len += t->head_len + n;
	b->p[b->len] = '\0';
	if (n == 0)
		put_value(b, s);
	if (s->status != STATUS_Good || s->flags != 0 || n == 0)
		put_remarks(b, s, true);
	buf_putc(b, '}');
}

/* ---- messages ---- */

/*
 * What tells two batches of the same number apart. There should be none; but a power cut can take samples from the spool that have
 * reached the far end already, and their numbers are then given anew. Were the key the number alone, the far end would drop the
 * new ones as repeats.
 */
static uint32_t
digest(const struct spool_batch *b)
{
	uint32_t crc = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct sample *s = &b->samples[i];
		uint64_t bits = 0;
		if (s->v.type == VALUE_BOOL)
			bits = s->v.b;
		else if (s->v.type == VALUE_F32)
			memcpy(&bits, &s->v.f32, sizeof s->v.f32);
		else if (!value_has_bytes(s->v.type))
			bits = s->v.u;
		const uint64_t fixed[] = { (uint64_t)s->tag << 32 | s->status, (uint64_t)s->source.ns, (uint64_t)s->server.ns,
		    (uint64_t)s->arrival.ns, bits, s->v.type };
		crc = crc32c(crc, fixed, sizeof fixed);
		if (value_has_bytes(s->v.type))
			crc = crc32c(crc, s->v.p, s->v.len);
	}
	return crc;
}

static void
put_key(struct payload_stream *p, struct payload_out *out, struct payload_msg *m, uint64_t number)
{
	char digits[NUM_TEXT];
	size_t n = num_u64(number, digits);

	m->key = out->bytes.len;
	buf_put(&out->bytes, p->key, p->key_len);
	buf_put(&out->bytes, digits, n);
	snprintf(digits, sizeof digits, "-%08x", out->digest);
	buf_put(&out->bytes, digits, 9 + 1);
	m->at = out->bytes.len;
}

static struct payload_msg *
begin(struct payload_stream *p, struct payload_out *out, const char *topic, uint64_t number)
{
	if (out->n == out->cap) {
		size_t cap = out->cap ? out->cap * 2 : 4;
		struct payload_msg *msgs = reallocarray(out->msgs, cap, sizeof *msgs);
		if (msgs == NULL) {
			out->bytes.err = ERR_NOMEM;
			return NULL;
		}
		out->msgs = msgs;
		out->cap = cap;
	}
	struct payload_msg *m = &out->msgs[out->n++];
	m->topic = topic;
	put_key(p, out, m, number);
	return m;
}

static void
end(struct payload_out *out, struct payload_msg *m)
{
	m->len = (uint32_t)(out->bytes.len - m->at);
	buf_putc(&out->bytes, '\0');
}

/* The key as it stands in the bytes, quoted: names of flows hold nothing that JSON would escape, but the rule is one for all. */
static void
put_quoted_key(struct payload_out *out, const struct payload_msg *m)
{
	char key[PAYLOAD_KEY_MAX + NUM_TEXT];
	if (out->bytes.err != 0)
		return;
	snprintf(key, sizeof key, "%s", out->bytes.p + m->key);
	json_quote(&out->bytes, key, strlen(key));
}

static void
put_times(struct buf *b, const struct sample *s)
{
	const struct { const char *name; struct wall t; } times[] = {
		{ "source", s->source }, { "server", s->server }, { "arrival", s->arrival },
	};
	char text[WALL_TEXT];

	for (size_t i = 0; i < 3; i++)
		if (times[i].t.ns != 0)
			buf_printf(b, "\"%s\":\"%s\",", times[i].name, wall_format(times[i].t, 6, text));
}

static bool
same_times(const struct sample *a, const struct sample *b)
{
	return a->arrival.ns == b->arrival.ns && a->source.ns == b->source.ns && a->server.ns == b->server.ns;
}

/* One message of a batch from sample i on, as long as the topic stays the same; returns the first sample behind it. */
static uint32_t
scan_message(struct payload_stream *p, const struct spool_batch *batch, uint32_t i, struct payload_out *out)
{
	const struct sample *s = batch->samples;
	const char *topic = p->tags[s[i].tag].topic;
	struct payload_msg *m = begin(p, out, topic, batch->first + i);
	struct buf *b = &out->bytes;

	if (m == NULL)
		return batch->n;
	buf_puts(b, "{\"key\":");
	put_quoted_key(out, m);
	buf_puts(b, ",\"flow\":");
	buf_puts(b, p->flow);
	buf_puts(b, ",\"groups\":[{");
	put_times(b, &s[i]);
	buf_puts(b, "\"status\":\"Good\",\"samples\":[");
	put_sample(b, &p->tags[s[i].tag], &s[i]);
	for (i++; i < batch->n && p->tags[s[i].tag].topic == topic; i++) {
		if (same_times(&s[i - 1], &s[i]))
			buf_putc(b, ',');
		else {
			buf_puts(b, "]},{");
			put_times(b, &s[i]);
			buf_puts(b, "\"status\":\"Good\",\"samples\":[");
		}
		put_sample(b, &p->tags[s[i].tag], &s[i]);
	}
	buf_puts(b, "]}]}");
	end(out, m);
	return i;
}

static void
tag_body(struct payload_out *out, const struct payload_msg *m, const struct payload_tag *t, const struct sample *s)
{
	struct buf *b = &out->bytes;
	char text[WALL_TEXT];
	struct wall ts = sample_time(s);

	buf_puts(b, "{\"v\":");
	put_value(b, s);
	buf_puts(b, ",\"q\":\"");
	buf_puts(b, status_name(s->status));
	buf_putc(b, '"');
	put_remarks(b, s, false);
	buf_puts(b, ",\"ts\":\"");
	buf_puts(b, wall_format(ts, 6, text));
	if (s->arrival.ns != 0 && s->arrival.ns != ts.ns) {
		buf_puts(b, "\",\"arrival\":\"");
		buf_puts(b, wall_format(s->arrival, 6, text));
	}
	buf_putc(b, '"');
	buf_put(b, t->unit, t->unit_len);
	buf_puts(b, ",\"key\":");
	put_quoted_key(out, m);
	buf_putc(b, '}');
}

static void
template_body(struct payload_stream *p, struct payload_out *out, const struct payload_msg *m, const struct sample *s, uint64_t number)
{
	const struct spool_tag *tag = &p->schema->tags[s->tag];
	char key[PAYLOAD_KEY_MAX + NUM_TEXT];

	if (out->bytes.err != 0)
		return;
	snprintf(key, sizeof key, "%s", out->bytes.p + m->key);
	struct template_values v = {
		.sample = s, .enterprise = p->plan->enterprise, .site = p->plan->site, .flow = p->schema->flow,
		.source = p->tags[s->tag].source, .name = tag->name, .unit = tag->unit, .key = key, .number = number,
	};
	template_put(p->template, &v, &out->bytes);
}

static uint32_t
tag_message(struct payload_stream *p, const struct spool_batch *batch, uint32_t i, struct payload_out *out)
{
	const struct sample *s = &batch->samples[i];
	struct payload_msg *m = begin(p, out, p->tags[s->tag].topic, batch->first + i);

	if (m == NULL)
		return batch->n;
	if (p->template != NULL)
		template_body(p, out, m, s, batch->first + i);
	else
		tag_body(out, m, &p->tags[s->tag], s);
	end(out, m);
	return i + 1;
}

int
payload_encode(struct payload_stream *p, const struct spool_batch *b, struct payload_out *out)
{
	out->bytes.max = PAYLOAD_BYTES_MAX;
	buf_reset(&out->bytes);
	out->n = 0;
	out->digest = digest(b);
	for (uint32_t i = 0; i < b->n; i++) {
		if (b->samples[i].tag >= p->schema->n)
			return ERR_PROTO;
		if (p->tags[b->samples[i].tag].topic == NULL)
			return ERR_LIMIT;
	}
	for (uint32_t i = 0; i < b->n && out->bytes.err == 0;)
		i = p->kind == PAYLOAD_SCAN ? scan_message(p, b, i, out) : tag_message(p, b, i, out);
	return out->bytes.err;
}

void
payload_out_fini(struct payload_out *out)
{
	buf_fini(&out->bytes);
	free(out->msgs);
	*out = (struct payload_out){ 0 };
}
