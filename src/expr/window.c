/*
 * Windows that slide. Each remembers its samples in a ring, and beside each sample in the older part of the ring the
 * aggregate of everything from it to the end of that part; the newer part has one running aggregate:
 *
 *	head          fend          tail
 *	| front: suffix aggregates | back: one aggregate |		whole window = agg[head] + back
 *
 * Taking in adds to `back`; letting go moves head; when the front is used up, all suffixes are worked out anew (each
 * sample once, so a constant cost a sample). Nothing is ever subtracted, so there is no cancellation: a spike of 1e15
 * that has left leaves no trace in the sums. Variances and slopes are merged as means and central moments (Chan, Golub,
 * LeVeque 1979).
 *
 * Two families. Windows of samples hold the samples in (now - span, now], or the last count. Windows of time hold
 * values from when they came until the next came; the one that stood when the window began is held too, and equal
 * neighbours are one.
 *
 * In an entry a bad sample is NaN, an uncertain one has the lowest bit of its time set. No pointers: a state may be
 * moved.
 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "expr/inside.h"
#include "model/status.h"

#define AGG_MAX 5

struct entry {
	int64_t	t;
	double	v;
};

struct window {
	uint64_t head, fend, tail;	/* counted up for ever; place in the ring: modulo cap */
	uint32_t bad, unsure;		/* entries of these kinds */
	uint32_t gap_left;		/* count windows: samples until what was before a gap has left */
	bool	 fed;
	int64_t	 first_ns;		/* when it was first fed */
	int64_t	 cut_ns;		/* samples up to here are missing from it */
	int64_t	 t0;			/* times in aggregates count from here, s */
	double	 back[AGG_MAX];
	uint32_t nsorted;
};

/* How many numbers the aggregate of a kind has, and whether it weighs with time. */
static const struct { uint8_t k; bool timed; } kinds[WIN_KINDS] = {
	[WIN_MEAN] = { 2, false }, [WIN_TMEAN] = { 3, true }, [WIN_MIN] = { 2, false }, [WIN_MAX] = { 2, false },
	[WIN_SUM] = { 2, false }, [WIN_STDDEV] = { 3, false }, [WIN_PERCENTILE] = { 1, false },
	    [WIN_SLOPE] = { 5, false },
	[WIN_RATE] = { 5, false }, [WIN_DELTA] = { 5, false }, [WIN_COUNT] = { 2, false }, [WIN_RUN_TIME] = { 3, true },
	[WIN_INTEGRAL] = { 3, true }, [WIN_COVERAGE] = { 3, true },
};

static bool
timed(const struct spec *s)
{
	return kinds[s->fn].timed && s->count == 0;
}

size_t
window_size(const struct spec *s)
{
	return sizeof(struct window) + (size_t)s->cap * (sizeof(struct entry) + kinds[s->fn].k * sizeof(double));
}

static struct entry *
entry_at(const struct spec *s, const struct window *w, uint64_t pos)
{
	return (struct entry *)((char *)(uintptr_t)w + sizeof *w) + pos % s->cap;
}

static double *
agg_at(const struct spec *s, const struct window *w, uint64_t pos)
{
	return (double *)((char *)(uintptr_t)w + sizeof *w + (size_t)s->cap * sizeof(struct entry)) + pos % s->cap *
	    kinds[s->fn].k;
}

static double *
sorted(const struct spec *s, const struct window *w)
{
	return agg_at(s, w, 0);
}

/* a becomes a + b, where a is the older. First number: how many good samples (or good seconds) it stands for. */
static void
combine(uint8_t kind, double *a, const double *b)
{
	double n = a[0] + b[0];

	if (b[0] == 0 && !kinds[kind].timed)
		return;
	if (a[0] == 0 && !kinds[kind].timed) {
		memcpy(a, b, kinds[kind].k * sizeof *a);
		return;
	}
	switch ((enum window_kind)kind) {
	case WIN_MIN: a[1] = fmin(a[1], b[1]); break;
	case WIN_MAX: a[1] = fmax(a[1], b[1]); break;
	case WIN_STDDEV: {
		double d = b[1] - a[1];
		a[1] += d * b[0] / n;
		a[2] += b[2] + d * d * a[0] * b[0] / n;
		break;
	}
	case WIN_SLOPE: {	/* mean of t, mean of v, sum (t - mt)^2, sum (t - mt)(v - mv) */
		double dt = b[1] - a[1], dv = b[2] - a[2], both = a[0] * b[0] / n;
		a[1] += dt * b[0] / n;
		a[2] += dv * b[0] / n;
		a[3] += b[3] + dt * dt * both;
		a[4] += b[4] + dt * dv * both;
		break;
	}
	case WIN_RATE: case WIN_DELTA:	/* first t, first v, last t, last v */
		a[3] = b[3];
		a[4] = b[4];
		break;
	default:
		a[1] += b[1];
		if (kinds[kind].timed)
			a[2] += b[2];
		break;
	}
	a[0] = n;
}

/* The aggregate of one entry, or of the part [from, to) of the time that it stood. */
static void
single(const struct spec *s, const struct window *w, const struct entry *e, int64_t from, int64_t to, double *a)
{
	bool good = !isnan(e->v);

	memset(a, 0, AGG_MAX * sizeof *a);
	if (timed(s)) {
		double sec = (double)(to - from) / 1e9;
		a[0] = good ? sec : 0;
		a[1] = good ? sec * e->v : 0;
		a[2] = (e->t & 1) != 0 ? sec : 0;
		return;
	}
	if (!good)
		return;
	double t = (double)((e->t & ~1LL) - w->t0) / 1e9;
	a[0] = 1;
	a[1] = e->v;
	if (s->fn == WIN_SLOPE || s->fn == WIN_RATE || s->fn == WIN_DELTA) {
		a[1] = t;
		a[2] = e->v;
		if (s->fn != WIN_SLOPE) {
			a[3] = t;
			a[4] = e->v;
		}
	}
}

static void
single_at(const struct spec *s, const struct window *w, uint64_t pos, double *a)
{
	const struct entry *e = entry_at(s, w, pos);

	single(s, w, e, e->t & ~1LL, timed(s) ? entry_at(s, w, pos + 1)->t & ~1LL : 0, a);
}

/* Work out the suffixes of all that is closed; the last entry of a window of time is still open. */
static void
flip(const struct spec *s, struct window *w)
{
	uint64_t end = w->tail - (timed(s) && w->tail > w->head ? 1 : 0);
	double a[AGG_MAX], sum[AGG_MAX] = { 0 };

	/* All is made anew, so times may count from here: they stay small, and exact for years. */
	w->t0 = entry_at(s, w, w->head)->t;
	for (uint64_t pos = end; pos > w->head; pos--) {
		single_at(s, w, pos - 1, a);
		combine(s->fn, a, sum);
		memcpy(sum, a, sizeof sum);
		memcpy(agg_at(s, w, pos - 1), sum, kinds[s->fn].k * sizeof *sum);
	}
	w->fend = end;
	memset(w->back, 0, sizeof w->back);
}

/* Of all closed entries from pos on. */
static void
total(const struct spec *s, struct window *w, uint64_t pos, double *out)
{
	memset(out, 0, AGG_MAX * sizeof *out);
	if (pos > w->fend)
		flip(s, w);
	if (pos < w->fend)
		memcpy(out, agg_at(s, w, pos), kinds[s->fn].k * sizeof *out);
	combine(s->fn, out, w->back);
}

/* ---- the sorted samples of percentiles */

static uint32_t
rank(const double *v, uint32_t n, double x)
{
	uint32_t lo = 0;

	while (lo < n) {	/* ends: the range halves */
		uint32_t mid = lo + (n - lo) / 2;
		if (v[mid] < x)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

static void
sorted_add(const struct spec *s, struct window *w, double x)
{
	double *v = sorted(s, w);
	uint32_t i = rank(v, w->nsorted, x);

	memmove(v + i + 1, v + i, (w->nsorted - i) * sizeof *v);
	v[i] = x;
	w->nsorted++;
}

static void
sorted_remove(const struct spec *s, struct window *w, double x)
{
	double *v = sorted(s, w);
	uint32_t i = rank(v, w->nsorted, x);

	if (i == w->nsorted)
		return;
	memmove(v + i, v + i + 1, (w->nsorted - i - 1) * sizeof *v);
	w->nsorted--;
}

/* In proportion between the two samples nearest to the rank p * (n - 1), as spreadsheets and numpy do. */
static double
percentile(const double *v, uint32_t n, double p)
{
	double at = p / 100 * (n - 1);
	uint32_t i = (uint32_t)at;

	return i + 1 < n ? v[i] + (v[i + 1] - v[i]) * (at - i) : v[n - 1];
}

/* ---- in and out */

static void
let_go(const struct spec *s, struct window *w)
{
	const struct entry *e = entry_at(s, w, w->head);

	w->bad -= isnan(e->v) ? 1u : 0u;
	w->unsure -= (e->t & 1) != 0 && !isnan(e->v) ? 1u : 0u;
	if (s->fn == WIN_PERCENTILE && !isnan(e->v))
		sorted_remove(s, w, e->v);
	else if (s->fn != WIN_PERCENTILE && w->head == w->fend)
		flip(s, w);
	w->head++;
}

static void
take(const struct spec *s, struct window *w, int64_t now_ns, double v, bool unsure)
{
	double a[AGG_MAX];

	if (w->tail - w->head == s->cap) {
		if (s->count == 0)
			w->cut_ns = entry_at(s, w, w->head)->t;
		let_go(s, w);
	}
	*entry_at(s, w, w->tail) = (struct entry){ (now_ns & ~1LL) | unsure, v };
	w->tail++;
	w->bad += isnan(v) ? 1u : 0u;
	w->unsure += unsure && !isnan(v) ? 1u : 0u;
	w->gap_left -= w->gap_left > 0;
	if (s->fn == WIN_PERCENTILE) {
		if (!isnan(v))
			sorted_add(s, w, v);
	} else if (!timed(s)) {
		single_at(s, w, w->tail - 1, a);
		combine(s->fn, w->back, a);
	} else if (w->tail - w->head > 1 && w->tail - 2 >= w->fend) {
		single_at(s, w, w->tail - 2, a);
		combine(s->fn, w->back, a);
	}
}

/* What a cell is as an entry. */
static double
as_entry(const struct spec *s, const struct cell *x)
{
	if (status_is_bad(x->status))
		return NAN;
	if (s->fn == WIN_COVERAGE)
		return 0;
	return s->type == EXPR_BOOL ? (double)x->i : x->f;
}

static void
feed(const struct spec *s, struct window *w, bool fresh, int64_t now_ns, const struct cell *x)
{
	double v = as_entry(s, x);
	bool unsure = status_is_uncertain(x->status), same = false;

	if (timed(s) && w->tail > w->head) {
		const struct entry *e = entry_at(s, w, w->tail - 1);
		same = (e->v == v || (isnan(e->v) && isnan(v))) && ((e->t & 1) != 0) == unsure;
		fresh = true;	/* a value may change with time alone */
	}
	if (!w->fed && fresh) {
		w->fed = true;
		w->first_ns = w->t0 = now_ns;
	}
	if (fresh && !same)
		take(s, w, now_ns, v, unsure);
	if (s->count > 0)
		while (w->tail - w->head > s->count)
			let_go(s, w);
	else if (timed(s))
		while (w->tail - w->head > 1 && entry_at(s, w, w->head + 1)->t <= now_ns - s->span_ns)
			let_go(s, w);
	else
		while (w->tail > w->head && (entry_at(s, w, w->head)->t | 1) <= now_ns - s->span_ns)
			let_go(s, w);
}

/* A window of time up to now: its parts, and how much of the span is known and good. */
static void
timed_total(const struct spec *s, struct window *w, int64_t now_ns, double *a)
{
	double part[AGG_MAX];
	int64_t start = now_ns - s->span_ns;

	memset(a, 0, AGG_MAX * sizeof *a);
	if (w->tail == w->head)
		return;
	const struct entry *first = entry_at(s, w, w->head), *last = entry_at(s, w, w->tail - 1);
	int64_t from = (first->t & ~1LL) > start ? first->t & ~1LL : start;
	if (first == last) {
		single(s, w, first, from, now_ns > from ? now_ns : from, a);
		return;
	}
	total(s, w, w->head + 1, a);
	single(s, w, first, from, entry_at(s, w, w->head + 1)->t & ~1LL, part);
	combine(s->fn, a, part);
	single(s, w, last, last->t & ~1LL, now_ns, part);
	combine(s->fn, a, part);
}

/* The result of the samples in a, which are n good ones. False: they are too few. */
static bool
result(const struct spec *s, const struct window *w, const double *a, struct cell *x)
{
	switch ((enum window_kind)s->fn) {
	case WIN_MEAN:	 x->f = a[1] / a[0]; return a[0] > 0;
	case WIN_SUM: case WIN_MIN: case WIN_MAX:
			 x->f = a[1]; return a[0] > 0;
	case WIN_STDDEV: x->f = a[0] > 1 ? sqrt(a[2] / (a[0] - 1)) : 0; return a[0] > 1;
	case WIN_SLOPE:	 x->f = a[3] > 0 ? a[4] / a[3] : 0; return a[3] > 0;
	case WIN_RATE:	 x->f = a[3] > a[1] ? (a[4] - a[2]) / (a[3] - a[1]) : 0; return a[3] > a[1];
	case WIN_DELTA:	 x->f = a[4] - a[2]; return a[0] > 0;
	case WIN_COUNT:	 x->i = (int64_t)a[1]; return a[0] > 0;
	case WIN_PERCENTILE:
			 x->f = w->nsorted > 0 ? percentile(sorted(s, w), w->nsorted, s->param) : 0;
			 return w->nsorted > 0;
	case WIN_TMEAN:	 x->f = a[1] / a[0]; return a[0] > 0;
	case WIN_INTEGRAL: case WIN_RUN_TIME:
			 x->f = a[1]; return a[0] > 0;
	case WIN_COVERAGE:
			 x->f = s->count > 0 ? a[0] / s->count : a[0] / ((double)s->span_ns / 1e9); return true;
	case WIN_KINDS: break;
	}
	return false;
}

void
window_run(const struct spec *s, void *state, bool fresh, int64_t now_ns, struct cell *x)
{
	struct window *w = state;
	double a[AGG_MAX] = { 0 };
	bool partly;

	feed(s, w, fresh, now_ns, x);
	if (timed(s)) {
		timed_total(s, w, now_ns, a);
		double missing = (double)s->span_ns / 1e9 - a[0];
		partly = missing > (double)s->span_ns / 1e9 * 1e-9 + 1e-8 || a[2] > 0;
	} else {
		if (s->fn != WIN_PERCENTILE)
			total(s, w, w->head, a);
		partly = w->bad > 0 || w->unsure > 0;
		if (s->count > 0)
			partly = partly || w->tail - w->head < s->count || w->gap_left > 0;
		else
			partly = partly || !w->fed || w->first_ns > now_ns - s->span_ns;
	}
	if (s->count == 0 && w->cut_ns != 0)
		partly = partly || w->cut_ns > now_ns - s->span_ns;
	bool was_bad = status_is_bad(x->status), usable = result(s, w, a, x);
	if (s->fn == WIN_COVERAGE)
		x->status = 0, x->why = EXPR_WHY_NONE;
	else if (!usable) {
		if (was_bad)
			return;	/* the input's own reason says more */
		x->status = (uint32_t)STATUS_BadNoData;
		x->why = EXPR_WHY_EMPTY;
	} else {
		x->status = partly ? (uint32_t)STATUS_UncertainSubNormal : 0;
		x->why = partly ? EXPR_WHY_PARTLY : EXPR_WHY_NONE;
	}
}

void
window_init(const struct spec *s, void *state)
{
	memset(state, 0, sizeof(struct window));
	(void)s;
}

void
window_gap(const struct spec *s, void *state, int64_t now_ns)
{
	struct window *w = state;

	w->cut_ns = now_ns;
	w->gap_left = s->count;
}
