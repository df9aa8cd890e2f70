/*
 * Windows: W long, aligned to multiples of W since 1970 UTC, [start, start + W), closed by event time.
 *
 *	      open             open+W            open+2W
 *	        |------ a[0] -----|------ a[1] -----|
 *	        x   x    x    x    x  o                     o: late, still enters a[0]
 *	                          |~~~|  lateness: a[0] closes when a sample arrives whose time is past this,
 *	                                 or when the clock says so and the tag has been silent
 *
 * Two windows are open at most, since lateness is at most a tenth of W. A result carries the end of its window as
 * source time and the time of closing as arrival. Its status is Good; UncertainSubNormal when a sample in it was not
 * good, when the tag was silent for more than three of its scan periods, or when the window began or ended in the
 * middle (start, stop, clock step); BadNoData when there was no usable sample, and then there is no value, whatever
 * the function. A stop cuts the window at its newest sample; what comes after counts from there, so sums and counts
 * of the parts add up.
 *
 * Time weighting is step-wise: a value holds until the next sample, over the window's edge too, but for no longer
 * than three scan periods; time that no value holds for has no weight and makes the result UncertainSubNormal.
 *
 * A change to a bad status passes at once, as a sample without a value for each function, with the source's own times.
 */
#include "gate/reduce_kinds.h"

/* After an outage this many empty windows are told one by one; of a longer run only the last. */
#define EMPTY_MAX	4

static int64_t
floor_to(int64_t t, int64_t w)
{
	return t - t % w;
}

/* How long a tag may be silent before a value no longer holds. */
static int64_t
hold_ns(const struct reduce *r, uint32_t i)
{
	int64_t scan = r->points[i].scan_ns;
	return scan > 0 && scan < INT64_MAX / 16 ? 3 * scan : INT64_MAX / 4;
}

static bool
has_result(enum window_fn fn, uint8_t type)
{
	return fn == WINDOW_COUNT || value_is_number(type);
}

/* One sample a function: the results of a, or without a (a bad status that passes) none. */
static void
emit(struct reduce *r, uint32_t i, const struct acc *a, const struct sample *as, struct out *o)
{
	out_reserve(o, r->nfns);
	for (uint32_t k = 0; k < r->nfns; k++) {
		struct sample x = *as;
		x.tag = r->points[i].out + k;
		x.v = (struct value){ .type = VALUE_NULL };
		if (!has_result(r->fns[k], r->points[i].type))
			x.status = (uint32_t)STATUS_BadConfigurationError;
		else if (a != NULL && a->n > 0)
			acc_result(a, r->fns[k], r->points[i].type, &x.v);
		if (a != NULL && a->n > 0 && r->fns[k] == WINDOW_TIME_MEAN && a->unordered && status_is_good(x.status))
			x.status = (uint32_t)STATUS_UncertainSubNormal;
		pass(r, &x, o);
	}
}

/* Weigh the held value from the cursor up to `to`, into the windows that it falls into. */
static void
weigh(struct reduce *r, uint32_t i, int64_t to)
{
	struct window *w = &r->window[i];
	int64_t until = to - w->held_t > hold_ns(r, i) ? w->held_t + hold_ns(r, i) : to;

	for (int k = 0; k < 2 && w->holds; k++) {
		int64_t start = w->open + k * r->how.window_ns, end = start + r->how.window_ns;
		int64_t a = start > w->cursor ? start : w->cursor, b = end < until ? end : until;
		if (b > a) {
			w->a[k].area += w->held * (double)(b - a);
			w->a[k].area_ns += b - a;
		}
	}
	if (to > w->cursor)
		w->cursor = to;
}

/* The result of a[0], which ends at `end`. */
static void
close_first(struct reduce *r, uint32_t i, int64_t end, int64_t now, struct out *o)
{
	struct window *w = &r->window[i];
	struct acc *a = &w->a[0];
	int64_t start = w->open > w->closed ? w->open : w->closed, hold = hold_ns(r, i);

	weigh(r, i, end);
	if (a->n > 0 && (a->t_first - start > hold || end - a->t_last > hold))
		a->sub = true;
	if (a->n > 0 && a->area_ns < end - start && (r->how.window_fns & 1u << WINDOW_TIME_MEAN) != 0)
		a->unordered = true;
	struct sample x = { .source = { end }, .arrival = { now }, .flags = a->flags };
	x.status = a->n == 0 ? (uint32_t)STATUS_BadNoData : a->sub || a->bad > 0 ? (uint32_t)STATUS_UncertainSubNormal :
	    (uint32_t)STATUS_Good;
	emit(r, i, a, &x, o);
	w->closed = end;
}

static void
shift(struct window *w, int64_t window_ns)
{
	w->a[0] = w->a[1];
	w->a[1] = (struct acc){ 0 };
	w->open += window_ns;
}

/* Close all windows that are over once event time has reached t. */
static void
advance(struct reduce *r, uint32_t i, int64_t t, int64_t now, struct out *o)
{
	struct window *w = &r->window[i];
	const int64_t len = r->how.window_ns;

	while (t - r->lateness >= w->open + len) {
		int64_t over = (t - r->lateness - w->open) / len;	/* windows to close, at least this one */
		if (!w->a[0].some && !w->a[1].some && over > EMPTY_MAX) {
			w->open += (over - 1) * len;
			w->closed = w->open;
		}
		close_first(r, i, w->open + len, now, o);
		shift(w, len);
	}
}

/* End everything that is open, at the newest sample. */
static void
cut(struct reduce *r, uint32_t i, int64_t now, uint8_t flags, struct out *o)
{
	struct window *w = &r->window[i];
	const int64_t len = r->how.window_ns, last = w->newest + 1;

	while (w->a[0].some || w->a[1].some) {
		bool whole = last >= w->open + len;
		w->a[0].sub |= !whole || flags != 0;
		w->a[0].flags |= flags;
		if (!whole && !w->a[0].some)
			break;
		close_first(r, i, whole ? w->open + len : last, now, o);
		if (!whole) {
			w->a[0] = (struct acc){ .sub = true };
			break;
		}
		shift(w, len);
	}
}

static void
begin(struct reduce *r, uint32_t i, int64_t t, uint8_t flags)
{
	struct window *w = &r->window[i];
	int64_t from = w->restored ? w->closed : t;

	w->open = floor_to(from, r->how.window_ns);
	w->a[0] = (struct acc){ .sub = w->open != from, .flags = flags };
	w->a[1] = (struct acc){ 0 };
	w->cursor = from;
	w->started = true;
	if (!w->restored) {
		w->closed = w->open;
		w->newest = t;
		w->holds = false;
	}
	w->restored = false;
}

static void
pass_bad(struct reduce *r, uint32_t i, const struct sample *x, enum reduce_mode mode, struct out *o)
{
	struct window *w = &r->window[i];

	if (mode == REDUCE_QUIET || (mode == REDUCE_AGAIN && x->arrival.ns <= w->passed))
		return;
	w->passed = x->arrival.ns;
	emit(r, i, NULL, x, o);
}

/* x is the newest sample: from now on this value holds. */
static void
hold_value(struct window *w, const struct sample *x, int64_t t, bool good, double v)
{
	w->holds = good;
	w->held = v;
	w->held_t = t;
	w->newest = t;
	w->skew = x->arrival.ns - t;
}

static void
add(struct reduce *r, uint32_t i, const struct sample *x, int64_t t)
{
	struct window *w = &r->window[i];
	struct acc *a = &w->a[t >= w->open + r->how.window_ns];
	uint8_t type = r->points[i].type;
	double v = 0;
	bool number = usable(x, &v), good = value_is_number(type) ? number : !status_is_bad(x->status);
	bool late = t < w->newest;

	if (!late && a->some && t - w->newest > hold_ns(r, i))
		a->sub = true;
	a->some = true;
	a->unordered |= late;
	if (!good)
		a->bad++;
	else {
		a->sub |= !status_is_good(x->status);
		acc_add(a, type, &x->v, v, t);
	}
	if (late)
		return;
	weigh(r, i, t);
	hold_value(w, x, t, good, v);
}

/*
 * The first samples after a restart lie before what is closed: was a clock set back while the gate was away? Ours, if
 * even the arrival is earlier; the device's, if it goes on like this.
 */
static bool
set_back(struct window *w, const struct sample *x)
{
	return x->arrival.ns < w->passed || ++w->misses >= LATE_RUN;
}

void
window_take(struct reduce *r, uint32_t i, struct sample *x, enum reduce_mode mode, struct out *o)
{
	struct window *w = &r->window[i];
	const int64_t t = sample_time(x).ns;

	if (w->restored && mode == REDUCE_LIVE && t < w->closed && set_back(w, x))
		x->flags |= SAMPLE_CLOCK_STEP;
	if ((x->flags & SAMPLE_CLOCK_STEP) != 0 && mode == REDUCE_LIVE) {
		if (w->started)
			cut(r, i, x->arrival.ns, SAMPLE_CLOCK_STEP, o);
		w->started = w->restored = false;
		w->closed = 0;
	}
	if (t < w->closed) {
		/* Read again after a restart: its window is in the spool already. Else it comes too late. */
		r->counts.too_late += mode == REDUCE_LIVE;
		double v = 0;
		bool good = usable(x, &v);
		if (mode != REDUCE_LIVE && !w->started && !is_late(x))	/* it may hold over the edge of what is closed */
			hold_value(w, x, t, good, v);
		return;
	}
	if (!w->started)
		begin(r, i, t, x->flags & SAMPLE_CLOCK_STEP);
	if (!is_late(x)) {
		if (status_is_bad(x->status) && x->status != w->status && x->status != (uint32_t)STATUS_BadNoData)
			pass_bad(r, i, x, mode, o);
		w->status = x->status;
	}
	advance(r, i, t, x->arrival.ns, o);
	add(r, i, x, t);
}

void
window_restore(struct reduce *r, uint32_t i, const struct sample *x)
{
	struct window *w = &r->window[i];

	if (status_is_bad(x->status) && x->status != (uint32_t)STATUS_BadNoData &&
	    x->status != (uint32_t)STATUS_BadConfigurationError) {
		w->status = x->status;
		w->passed = x->arrival.ns;
		return;
	}
	w->status = 0;
	w->passed = x->arrival.ns;
	w->closed = x->source.ns;
	w->restored = true;
}

/* Give a silent tag a second, or two scans of a slow one, before the clock closes its window. */
static int64_t
patience(const struct reduce *r, uint32_t i)
{
	int64_t scan = r->points[i].scan_ns;
	return 2 * scan < NS_PER_S ? NS_PER_S : 2 * scan < 60 * NS_PER_S ? 2 * scan : 60 * NS_PER_S;
}

int64_t
window_tick(struct reduce *r, struct wall now, struct out *o)
{
	for (uint32_t i = 0; i < r->n; i++) {
		struct window *w = &r->window[i];
		/* The time that a sample coming now would have, seen from the tag's own clock. */
		int64_t t = now.ns - w->skew - patience(r, i);
		if (w->started && t > w->newest)
			advance(r, i, t, now.ns, o);
	}
	int64_t next = r->how.window_ns / 8;
	return next < 20 * NS_PER_MS ? 20 * NS_PER_MS : next > NS_PER_S ? NS_PER_S : next;
}

void
window_finish(struct reduce *r, struct wall now, struct out *o)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->window[i].started)
			cut(r, i, now.ns, 0, o);
}
