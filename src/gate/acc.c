/*
 * The sums of one window. Mean and deviation by Welford's method (Technometrics 4, 1962), which does not lose digits
 * where the naive sum of squares does; the sum with Neumaier's correction, so that a small rate added a million times
 * to a large meter reading still counts. Numbers are carried as double: 64-bit integers past 2^53 round, except in
 * min, max, first and last, which keep the value as it came.
 */
#include "gate/reduce_kinds.h"

static bool
less(uint8_t type, uint64_t a, uint64_t b)
{
	double x = 0, y = 0;

	if (type == VALUE_I64 || type == VALUE_TIME)
		return (int64_t)a < (int64_t)b;
	if (type == VALUE_U64)
		return a < b;
	struct value va = bits_value(type, a), vb = bits_value(type, b);
	return value_as_f64(&va, &x) && value_as_f64(&vb, &y) && x < y;
}

static void
add_sum(struct acc *a, double x)
{
	double t = a->sum + x;

	a->low += fabs(a->sum) >= fabs(x) ? a->sum - t + x : x - t + a->sum;
	a->sum = t;
}

void
acc_add(struct acc *a, uint8_t type, const struct value *v, double x, int64_t t)
{
	uint64_t bits = value_bits(v);

	if (a->n == 0) {
		a->first = a->last = a->min = a->max = bits;
		a->t_first = a->t_last = t;
	}
	a->n++;
	double d = x - a->mean;
	a->mean += d / a->n;
	a->m2 += d * (x - a->mean);
	add_sum(a, x);
	if (less(type, bits, a->min))
		a->min = bits;
	if (less(type, a->max, bits))
		a->max = bits;
	if (t < a->t_first) {
		a->first = bits;
		a->t_first = t;
	}
	if (t >= a->t_last) {
		a->last = bits;
		a->t_last = t;
	}
}

static struct value
real(double x)
{
	return (struct value){ .type = VALUE_F64, .f64 = x };
}

bool
acc_result(const struct acc *a, enum window_fn fn, uint8_t type, struct value *out)
{
	if (fn == WINDOW_COUNT) {
		*out = (struct value){ .type = VALUE_U32, .u = a->n };
		return true;
	}
	if (!value_is_number(type))
		return false;
	switch (fn) {
	case WINDOW_MIN:	*out = bits_value(type, a->min); break;
	case WINDOW_MAX:	*out = bits_value(type, a->max); break;
	case WINDOW_FIRST:	*out = bits_value(type, a->first); break;
	case WINDOW_LAST:	*out = bits_value(type, a->last); break;
	case WINDOW_MEAN:	*out = real(a->mean); break;
	case WINDOW_SUM:	*out = real(a->sum + a->low); break;
	case WINDOW_STDDEV:	*out = real(a->n > 1 ? sqrt(a->m2 / (a->n - 1)) : 0); break;
	case WINDOW_TIME_MEAN:	*out = real(a->area_ns > 0 ? a->area / (double)a->area_ns : a->mean); break;
	default:		return false;
	}
	return true;
}
