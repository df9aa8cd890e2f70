/* See chunk.h. */
#include "sink/history/chunk.h"

#include <stdlib.h>

enum { SAME_STEP = 1, SAME_STATUS = 2, SAME_VALUE = 4, HAS_FLAGS = 8, NO_VALUE = 16, CONTROL_ALL = 31 };

#define VERSION		1u
#define POINT_MAX	64u	/* packed bytes of a scalar sample, at most */

/* A scalar as 64 bits that compare equal when the values do; floats by their own width. */
static uint64_t
bits_of(const struct value *v)
{
	uint32_t f;

	switch (v->type) {
	case VALUE_BOOL:
		return v->b;
	case VALUE_F32:
		memcpy(&f, &v->f32, sizeof f);
		return f;
	default:
		return v->u;	/* F64's bits stand there too */
	}
}

static void
value_from(struct value *v, uint64_t bits)
{
	uint32_t f = (uint32_t)bits;

	if (v->type == VALUE_BOOL)
		v->b = bits != 0;
	else if (v->type == VALUE_F32)
		memcpy(&v->f32, &f, sizeof f);
	else
		v->u = bits;
}

static void
put_value(struct writer *w, const struct value *v, uint64_t before)
{
	uint64_t x;
	unsigned low = 0, n = 0;

	if (value_has_bytes(v->type)) {
		wr_varint(w, v->len);
		wr_bytes(w, v->p, v->len);
		return;
	}
	switch (v->type) {
	case VALUE_BOOL:
		wr_u8(w, v->b);
		break;
	case VALUE_F32:
	case VALUE_F64:
		x = bits_of(v) ^ before;
		while (x != 0 && (x & 0xff) == 0) {
			x >>= 8;
			low++;
		}
		for (uint64_t y = x; y != 0; y >>= 8)
			n++;
		wr_u8(w, (uint8_t)(low << 4 | n));
		wr_le(w, x, n);
		break;
	default:
		wr_zigzag(w, (int64_t)(bits_of(v) - before));
		break;
	}
}

static void
get_value(struct reader *r, struct value *v, uint64_t before)
{
	if (value_has_bytes(v->type)) {
		uint64_t len = rd_varint(r);
		size_t size = value_size(v->type);
		if (len > VALUE_BYTES_MAX || ((v->type & VALUE_ARRAY) != 0 && len % size != 0))
			rd_fail(r, ERR_LIMIT);
		v->len = r->err != 0 ? 0 : (uint32_t)len;
		v->p = rd_bytes(r, v->len);
		return;
	}
	uint8_t head;
	switch (v->type) {
	case VALUE_BOOL:
		value_from(v, rd_u8(r));
		break;
	case VALUE_F32:
	case VALUE_F64:
		head = rd_u8(r);
		if ((head >> 4) + (head & 15u) > value_size(v->type))
			rd_fail(r, ERR_PROTO);
		else
			value_from(v, before ^ (head & 15u ? rd_le(r, head & 15u) << 8 * (head >> 4) : 0));
		break;
	default:
		value_from(v, before + (uint64_t)rd_zigzag(r));
		break;
	}
}

static int
room(struct chunk *c, size_t want)
{
	size_t cap = c->cap ? c->cap : 128;

	while (cap < c->len + want)
		cap *= 2;
	if (cap == c->cap)
		return 0;
	uint8_t *p = realloc(c->p, cap);
	if (p == NULL)
		return ERR_NOMEM;
	c->p = p;
	c->cap = cap;
	return 0;
}

static bool
fits(const struct chunk *c, int64_t t, uint8_t type, size_t want)
{
	if (c->n == 0)
		return true;
	return (type == VALUE_NULL || c->type == VALUE_NULL || type == c->type) && c->n < CHUNK_SAMPLES && c->len + want <= CHUNK_BYTES &&
	    t >= c->t0 && (uint64_t)t - (uint64_t)c->t0 <= (uint64_t)CHUNK_SPAN_NS;
}

int
chunk_append(struct chunk *c, int64_t t, uint32_t status, uint8_t flags, const struct value *v)
{
	struct chunk_state *s = &c->state;
	size_t want = POINT_MAX + (value_has_bytes(v->type) ? v->len : 0);

	if (!fits(c, t, v->type, want))
		return ERR_FULL;
	int err = room(c, want + 2);
	if (err != 0)
		return err;
	if (c->n == 0) {
		c->p[0] = VERSION;
		c->len = 2;
		c->t0 = c->t1 = t;
	}
	if (c->type == VALUE_NULL)	/* only values that are missing so far */
		c->type = v->type;
	c->p[1] = c->type;
	struct writer w = wr_init(c->p + c->len, c->cap - c->len);
	int64_t step = (int64_t)((uint64_t)t - (uint64_t)s->t);
	bool bytes = value_has_bytes(v->type), none = v->type == VALUE_NULL;
	uint64_t bits = none || bytes ? s->bits : bits_of(v);
	bool same_value = !none && !bytes && s->any && bits == s->bits;
	uint8_t control = (uint8_t)((step == s->step ? SAME_STEP : 0) | (status == s->status ? SAME_STATUS : 0) |
	    (same_value ? SAME_VALUE : 0) | (flags ? HAS_FLAGS : 0) | (none ? NO_VALUE : 0));
	wr_u8(&w, control);
	if (step != s->step)
		wr_zigzag(&w, (int64_t)((uint64_t)step - (uint64_t)s->step));
	if (status != s->status)
		wr_varint(&w, status);
	if (flags)
		wr_u8(&w, flags);
	if (!none && !same_value)
		put_value(&w, v, s->bits);
	if (w.err != 0)
		return w.err;
	c->len += wr_len(&w);
	c->n++;
	c->t1 = t > c->t1 ? t : c->t1;
	*s = (struct chunk_state){ .t = t, .step = step, .status = status, .bits = bits, .any = s->any || !(none || bytes) };
	return 0;
}

void
chunk_fini(struct chunk *c)
{
	free(c->p);
	*c = (struct chunk){ 0 };
}

int
chunk_read(const void *p, size_t len, bool (*each)(void *arg, const struct point *pt), void *arg)
{
	struct reader r = rd_init(p, len);
	struct chunk_state s = { 0 };

	if (rd_u8(&r) != VERSION)
		return r.err != 0 ? r.err : ERR_VERSION;
	uint8_t type = rd_u8(&r);
	if (!value_type_valid(type))
		return ERR_PROTO;
	/* Ends: every round takes at least the control byte. */
	while (r.err == 0 && r.p != r.end) {
		uint8_t control = rd_u8(&r);
		struct point pt = { .v.type = control & NO_VALUE ? VALUE_NULL : type };
		if (control > CONTROL_ALL || (control & (SAME_VALUE | NO_VALUE)) == (SAME_VALUE | NO_VALUE))
			rd_fail(&r, ERR_PROTO);
		if ((control & SAME_STEP) == 0)
			s.step = (int64_t)((uint64_t)s.step + (uint64_t)rd_zigzag(&r));
		s.t = (int64_t)((uint64_t)s.t + (uint64_t)s.step);
		if ((control & SAME_STATUS) == 0)
			s.status = (uint32_t)rd_varint(&r);
		if (control & HAS_FLAGS)
			pt.flags = rd_u8(&r);
		if (control & SAME_VALUE && value_has_bytes(type))
			rd_fail(&r, ERR_PROTO);
		else if (control & SAME_VALUE)
			value_from(&pt.v, s.bits);
		else if ((control & NO_VALUE) == 0 && type != VALUE_NULL)
			get_value(&r, &pt.v, s.bits);
		if (r.err != 0)
			break;
		if (pt.v.type != VALUE_NULL && !value_has_bytes(type))
			s.bits = bits_of(&pt.v);
		pt.t = s.t;
		pt.status = s.status;
		if (!each(arg, &pt))
			return 0;
	}
	return r.err;
}
