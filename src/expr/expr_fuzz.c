/*
 * Any text as an expression over the machine of expr_testing.h, then some evaluations with inputs, states and times
 * drawn from the rest of the bytes: never a crash, never more than the limits, results that keep their promises. The
 * text ends at the first NUL.
 */
#include <math.h>

#include "expr/expr_testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes { const uint8_t *p, *end; };

static uint64_t
take(struct bytes *b, size_t n)
{
	uint64_t v = 0;
	while (n-- > 0 && b->p < b->end)
		v = v << 8 | *b->p++;
	return v;
}

static void
draw(struct testing *t, struct bytes *b)
{
	static const uint32_t statuses[] = { 0, 0, 0, 0, 0x80310000, 0x40900000, 0x800A0000, 0x00300000 };
	static const double odd[] = { 0, -0.0, 1e308, -1e308, NAN, INFINITY, 1e-308, 9.3e18 };
	static char text[300];
	uint64_t what = take(b, 2);
	int tag = (int)(what % TESTING_TAGS);
	struct expr_input *in = &t->now[tag];

	testing_set(t, tag, (double)((int64_t)take(b, 2) - 1000) / 16);
	in->status = statuses[what >> 8 & 7];
	if ((what & 0x8000) != 0 && (in->v.type == VALUE_F64 || in->v.type == VALUE_F32)) {
		double v = odd[take(b, 1) & 7];
		if (in->v.type == VALUE_F64)
			in->v.f64 = v;
		else
			in->v.f32 = (float)v;
	} else if ((what & 0x8000) != 0 && in->v.type == VALUE_U64)
		in->v.u = take(b, 8);
	else if ((what & 0x4000) != 0)
		in->v = (struct value){ .type = VALUE_NULL };
	if (in->v.type == VALUE_TEXT) {
		size_t n = (size_t)(take(b, 1) % sizeof text), have = (size_t)(b->end - b->p);
		memset(text, 'x', sizeof text);
		memcpy(text, b->p, have < n ? have : n);
		in->v = (struct value){ .type = VALUE_TEXT, .len = (uint32_t)n, .p = text };
	}
}

static void
check(const struct testing *t)
{
	const struct expr_result *r = &t->r;
	char why[400];

	if (r->v.type != (status_is_bad(r->status) ? VALUE_NULL : expr_value_type(t->p)))
		abort();
	if (r->v.type == VALUE_F64 && !isfinite(r->v.f64))
		abort();
	if (status_is_good(r->status) != (r->why == EXPR_WHY_NONE) && r->why != EXPR_WHY_INPUT)
		abort();
	if (strlen(expr_why_text(t->p, r, why, sizeof why)) == 0)
		abort();
	if (r->v.type == VALUE_TEXT) {	/* all of it can be read */
		volatile uint8_t sum = 0;
		for (uint32_t i = 0; i < r->v.len; i++)
			sum = (uint8_t)(sum + ((const uint8_t *)r->v.p)[i]);
	}
}

static void
same_again(const struct testing *t, const char *text, struct testing *other)
{
	uint8_t bytes[EXPR_KEEP_MAX];
	uint64_t key;

	if (testing_open(other, text, NULL) != 0 || expr_hash(other->p) != expr_hash(t->p))
		abort();
	for (size_t i = 0; i < expr_keeps(t->p); i++) {
		size_t n = expr_keep(t->p, t->state, i, &key, bytes);
		if (n == 0 || expr_restore(other->p, other->state, key, bytes, n) != 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct testing t, other;
	char text[EXPR_TEXT_MAX + 100];
	size_t len = strnlen((const char *)data, size);

	if (len >= sizeof text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	if (testing_open(&t, text, NULL) != 0) {
		if (t.e.column < 1 || t.e.column > (int)len + 2 || t.e.cause[0] == '\0')
			abort();
		testing_fini(&t);
		return 0;
	}
	if (expr_state_size(t.p) > EXPR_STATE_MAX + sizeof(uint64_t) || expr_inputs(t.p) > EXPR_INPUTS_MAX)
		abort();
	struct bytes b = { data + len + (len < size), data + size };
	for (int i = 0; i < 60; i++) {
		uint64_t step = take(&b, 1);
		t.now_ns += step < 200 ? (int64_t)step * NS_PER_MS : step < 250 ? (int64_t)(step - 199) * NS_PER_S :
		    -(int64_t)(step - 249) * 30 * NS_PER_S;
		draw(&t, &b);
		if (step == 77)
			expr_gap(t.p, t.state);
		testing_eval(&t, (step & 1) == 0);
		check(&t);
	}
	same_again(&t, text, &other);
	testing_fini(&t);
	testing_fini(&other);
	return 0;
}
