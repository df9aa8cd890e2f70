/* See roll.h. */
#include "sink/history/roll.h"

#include <math.h>
#include <stdlib.h>

static const struct {
	const char	*name;
	int64_t		 width_ns, span_ns;
} levels[ROLL_LEVELS] = {
	[ROLL_1S] = { "1s", NS_PER_S, 600 * NS_PER_S },
	[ROLL_1MIN] = { "1min", 60 * NS_PER_S, 12 * 3600 * NS_PER_S },
	[ROLL_1H] = { "1h", 3600 * NS_PER_S, 30 * 86400 * NS_PER_S },
};

int64_t roll_width_ns(enum roll_level l) { return levels[l].width_ns; }
int64_t roll_span_ns(enum roll_level l) { return levels[l].span_ns; }
const char *roll_name(enum roll_level l) { return levels[l].name; }

int64_t
roll_floor(int64_t t, int64_t width_ns)
{
	int64_t rest = t % width_ns, floor = t - rest;
	/* A damaged file may hold any time: the earliest width of all is cut short. */
	return rest < 0 && floor >= INT64_MIN + width_ns ? floor - width_ns : floor;
}

static void
merge_into(struct roll *a, const struct roll *b)
{
	if (b->n > 0) {
		a->min = a->n == 0 || b->min < a->min ? b->min : a->min;
		a->max = a->n == 0 || b->max > a->max ? b->max : a->max;
		if (a->n == 0 || b->t_last >= a->t_last) {
			a->last = b->last;
			a->t_last = b->t_last;
		}
		a->sum += b->sum;
		a->n += b->n;
	}
	a->bad += b->bad;
}

int
rolls_merge(struct rolls *r, const struct roll *one)
{
	size_t i = r->n;

	/* Nearly always at or behind the end; late ones walk back. */
	while (i > 0 && r->v[i - 1].t > one->t)
		i--;
	if (i > 0 && r->v[i - 1].t == one->t) {
		merge_into(&r->v[i - 1], one);
		return 0;
	}
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 32;
		struct roll *v = realloc(r->v, cap * sizeof *v);
		if (v == NULL)
			return ERR_NOMEM;
		r->v = v;
		r->cap = cap;
	}
	memmove(&r->v[i + 1], &r->v[i], (r->n - i) * sizeof *r->v);
	r->v[i] = *one;
	r->n++;
	return 0;
}

int
rolls_add(struct rolls *r, enum roll_level l, const struct point *pt)
{
	double x = 0;
	bool number = value_as_f64(&pt->v, &x);
	struct roll one = { .t = roll_floor(pt->t, levels[l].width_ns), .t_last = pt->t };

	if (number && !status_is_bad(pt->status) && isfinite(x)) {
		one.n = 1;
		one.min = one.max = one.sum = one.last = x;
	} else if (number || pt->v.type == VALUE_NULL)
		one.bad = 1;
	else
		return 0;
	return rolls_merge(r, &one);
}

void
rolls_fini(struct rolls *r)
{
	free(r->v);
	*r = (struct rolls){ 0 };
}

static void
put_f64(struct writer *w, double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	wr_le64(w, bits);
}

static double
get_f64(struct reader *r)
{
	uint64_t bits = rd_le64(r);
	double v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

void
rolls_pack(const struct roll *v, size_t n, uint8_t *out)
{
	struct writer w = wr_init(out, n * ROLL_BYTES);
	for (size_t i = 0; i < n; i++) {
		wr_le64(&w, (uint64_t)v[i].t);
		wr_le32(&w, v[i].n);
		wr_le32(&w, v[i].bad);
		put_f64(&w, v[i].min);
		put_f64(&w, v[i].max);
		put_f64(&w, v[i].sum);
		put_f64(&w, v[i].last);
		wr_le64(&w, (uint64_t)v[i].t_last);
	}
}

int
rolls_unpack(const void *p, size_t len, struct rolls *into)
{
	struct reader r = rd_init(p, len);

	if (len % ROLL_BYTES != 0 || len > (size_t)ROLL_ROW_MAX * ROLL_BYTES)
		return ERR_CORRUPT;
	while (r.p != r.end) {
		struct roll one = { .t = (int64_t)rd_le64(&r) };
		one.n = rd_le32(&r);
		one.bad = rd_le32(&r);
		one.min = get_f64(&r);
		one.max = get_f64(&r);
		one.sum = get_f64(&r);
		one.last = get_f64(&r);
		one.t_last = (int64_t)rd_le64(&r);
		int err = rolls_merge(into, &one);
		if (err != 0)
			return err;
	}
	return r.err;
}
