/*
 * Swinging door trending: of a run of samples only the ends of straight lines pass, such that every sample left out
 * lies within the deviation E of the line between the two that passed around it (at its own time).
 *
 *	 v |        hi ,'         From the last passed sample (t0, v0) each later one allows the slopes that run
 *	   |         ,'  x        through its gate [v - E, v + E]. lo and hi bound what all of them allow.
 *	   |    x  ,'_,-' held    The newest sample is held as long as the line from (t0, v0) to it stays inside.
 *	   |     ,_-'  '  lo      One that does not fit lets the held one pass, which becomes the new (t0, v0).
 *	   |(t0,v0)
 *	   +------------------ t
 *
 * The usual form of the method only asks whether lo and hi still leave room (Bristol, US patent 4,669,097), and then
 * passes the held sample even where its own line leaves the room: errors up to 2 E. Here the line that is kept is the
 * line that was tested, so E holds for every sample; the price is a few more samples.
 *
 * What cannot be on a line (bad, not a number, another status, after a clock step) ends it: the held sample passes,
 * then this one, and a number begins a new line. Values that are no numbers by type pass on any change.
 */
#include "gate/reduce_kinds.h"

static double
deviation(const struct reduce *r, uint32_t i, double v0)
{
	const struct reduce_point *p = &r->points[i];

	switch (r->how.change) {
	case CHANGE_OF_VALUE:	return r->how.door * fabs(v0);
	case CHANGE_OF_RANGE:	return p->has_range ? r->how.door * (p->hi - p->lo) : 0;
	default:		return r->how.door;
	}
}

/* This sample has passed and is an end of a line; v is its number if it has one. */
static void
begin(struct door *d, const struct sample *x, bool number, double v)
{
	sent_note(&d->sent, x);
	d->line = number;
	d->holding = false;
	d->t0 = sample_time(x).ns;
	d->v0 = v;
	d->lo = -INFINITY;
	d->hi = INFINITY;
}

static void
let_go(struct reduce *r, struct door *d, enum reduce_mode mode, struct out *o)
{
	double v = 0;

	if (!d->holding)
		return;
	if (mode != REDUCE_QUIET)
		pass(r, &d->held, o);
	struct sample held = d->held;
	bool number = usable(&held, &v);
	begin(d, &held, number, v);
}

static void
hold(struct reduce *r, uint32_t i, struct door *d, const struct sample *x, double v, double dt)
{
	double e = deviation(r, i, d->v0);
	double lo = (v - e - d->v0) / dt, hi = (v + e - d->v0) / dt;

	d->lo = lo > d->lo ? lo : d->lo;
	d->hi = hi < d->hi ? hi : d->hi;
	d->held = *x;
	d->holding = true;
}

/* Seconds from the line's begin to x, 0 when it is no later. */
static double
run_s(const struct door *d, const struct sample *x)
{
	int64_t dt = sample_time(x).ns - d->t0;
	return dt > 0 ? (double)dt * 1e-9 : 0;
}

static void
extend(struct reduce *r, uint32_t i, struct sample *x, double v, enum reduce_mode mode, struct out *o)
{
	struct door *d = &r->door[i];
	double dt = run_s(d, x);
	double slope = dt > 0 ? (v - d->v0) / dt : 0;

	if (d->holding && (slope < d->lo || slope > d->hi)) {
		let_go(r, d, mode, o);
		dt = run_s(d, x);
	}
	bool at_begin = dt == 0;	/* a second sample of the same time: there is no slope to it */
	if (at_begin && fabs(v - d->v0) <= deviation(r, i, d->v0))
		return;
	if (at_begin || sent_overdue(r, i, &d->sent, x)) {
		begin(d, x, true, v);
		if (mode != REDUCE_QUIET)
			pass(r, x, o);
		return;
	}
	hold(r, i, d, x, v, dt);
}

void
door_take(struct reduce *r, uint32_t i, struct sample *x, enum reduce_mode mode, struct out *o)
{
	struct door *d = &r->door[i];
	const struct sent *s = &d->sent;
	double v = 0;
	bool number = value_is_number(r->points[i].type) && usable(x, &v);
	bool changed = !s->known || x->status != (d->holding ? d->held.status : s->status) ||
	    (x->flags & SAMPLE_CLOCK_STEP) != 0;

	if (is_late(x)) {
		if (mode != REDUCE_QUIET)
			pass(r, x, o);
		return;
	}
	if (!changed && number && d->line) {
		extend(r, i, x, v, mode, o);
		return;
	}
	if (!changed && !number && !d->line) {
		bool differs = !status_is_bad(x->status) && sent_differs(s, &x->v, CHANGE_ANY, 0, &r->points[i]);
		if (!differs && !sent_overdue(r, i, s, x))
			return;
	}
	let_go(r, d, mode, o);
	begin(d, x, number, v);
	if (mode != REDUCE_QUIET)
		pass(r, x, o);
}

void
door_restore(struct reduce *r, uint32_t i, const struct sample *x)
{
	double v = 0;
	bool number = value_is_number(r->points[i].type) && usable(x, &v);
	begin(&r->door[i], x, number, v);
}

void
door_finish(struct reduce *r, struct out *o)
{
	for (uint32_t i = 0; i < r->n; i++) {
		out_reserve(o, 1);
		let_go(r, &r->door[i], REDUCE_LIVE, o);
	}
}
