/*
 * See reduce.h. Here: what all kinds have in common (order, type, dispatch) and the plainest kind, every sample.
 * reduce_change.c, reduce_window.c and reduce_door.c hold the other three.
 */
#include <stdlib.h>

#include "base/log.h"
#include "gate/reduce_kinds.h"

/* A sample's time that runs this far ahead of our clock, all at once, tells of a device clock that was set forward. */
#define AHEAD_NS	(10 * NS_PER_S)

struct reduce_how
reduce_how_of(const struct flow *f)
{
	struct reduce_how h;

	memset(&h, 0, sizeof h);
	h.kind = (uint8_t)f->reduce;
	h.change = (uint8_t)f->change;
	h.deadband = f->deadband;
	h.at_least_every_ns = f->at_least_every_ns;
	h.window_ns = f->window_ns;
	h.window_fns = f->window_fns;
	h.door = f->door;
	return h;
}

static void *
array(uint32_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size);
	if (p == NULL)
		fatal("out_of_memory", "points=%u", n);
	return p;
}

static void
every_take(struct reduce *r, uint32_t i, struct sample *x, enum reduce_mode mode, struct out *o)
{
	(void)i;
	if (mode != REDUCE_QUIET)
		pass(r, x, o);
}

/* Windows shorter than a second would close between two scans of many devices: a tenth of the window, at most 5 s. */
static int64_t
lateness_of(int64_t window_ns)
{
	return window_ns / 10 < 5 * NS_PER_S ? window_ns / 10 : 5 * NS_PER_S;
}

struct reduce *
reduce_new(const struct reduce_how *how, const struct reduce_point *points, uint32_t n)
{
	struct reduce *r = array(1, sizeof *r);

	r->how = *how;
	r->n = n;
	r->points = array(n, sizeof *r->points);
	if (n > 0)
		memcpy(r->points, points, n * sizeof *points);
	r->seen = array(n, sizeof *r->seen);
	r->take = every_take;
	if (how->kind == REDUCE_ON_CHANGE) {
		r->sent = array(n, sizeof *r->sent);
		r->take = change_take;
	} else if (how->kind == REDUCE_SWINGING_DOOR) {
		r->door = array(n, sizeof *r->door);
		r->take = door_take;
	} else if (how->kind == REDUCE_WINDOW && how->window_ns > 0) {
		r->window = array(n, sizeof *r->window);
		r->take = window_take;
		r->lateness = lateness_of(how->window_ns);
		for (uint32_t fn = 0; fn < WINDOW_FNS; fn++)
			if ((how->window_fns & 1u << fn) != 0)
				r->fns[r->nfns++] = fn;
	}
	return r;
}

void
reduce_free(struct reduce *r)
{
	if (r == NULL)
		return;
	free(r->points);
	free(r->seen);
	free(r->sent);
	free(r->door);
	free(r->window);
	free(r);
}

/*
 * Compare a sample's times with those of the one before it and say what is remarkable: SAMPLE_LATE,
 * SAMPLE_CLOCK_STEP. Arrival times of one tag come from one process in order, so one that goes back is a step of our
 * own clock, and at once certain. A device's clock is judged with patience: stragglers are late, a long run of them
 * is a clock set back.
 */
static uint8_t
order_note(struct seen *p, const struct sample *s)
{
	int64_t t = sample_time(s).ns, a = s->arrival.ns;
	const struct seen was = *p;
	bool step = (s->flags & SAMPLE_CLOCK_STEP) != 0 || a < was.arrival;
	bool late = was.arrival != 0 && t < was.time;

	*p = (struct seen){ .time = t, .arrival = a, .period = was.arrival != 0 ? a - was.arrival : 0 };
	if (late && !step) {
		p->late_run = was.late_run + ((s->flags & SAMPLE_HISTORICAL) == 0);
		if (p->late_run < LATE_RUN) {
			p->time = was.time;
			return SAMPLE_LATE;
		}
		p->late_run = 0;
		return SAMPLE_CLOCK_STEP;
	}
	if (!step && was.arrival != 0)
		step = t > a + AHEAD_NS && t - was.time > a - was.arrival + AHEAD_NS;
	return (uint8_t)((late ? SAMPLE_LATE : 0) | (step ? SAMPLE_CLOCK_STEP : 0));
}

/* A type that the schema does not know of, or a good sample without a value: the value cannot be believed. */
static inline void
check_type(struct reduce *r, const struct reduce_point *p, struct sample *x)
{
	if (x->v.type == p->type || (x->v.type == VALUE_NULL && status_is_bad(x->status)))
		return;
	r->counts.mistyped++;
	x->v = (struct value){ .type = VALUE_NULL };
	if (!status_is_bad(x->status))
		x->status = (uint32_t)STATUS_BadInternalError;
}

void
reduce_take(struct reduce *r, const uint32_t *slot, uint32_t nslots, const struct sample *v, size_t n,
    enum reduce_mode mode,
    struct out *o)
{
	/* The door may pass two for one; a window reserves for itself. */
	out_reserve(o, 2 * n);
	for (size_t k = 0; k < n; k++) {
		if (v[k].tag >= nslots || slot[v[k].tag] == 0)
			continue;
		uint32_t i = slot[v[k].tag] - 1;
		struct sample x = v[k];
		/*
		 * Read again: what is not newer than the restored state is part of it. Windows know better, by closed.
		 */
		if (mode != REDUCE_LIVE && r->window == NULL && x.arrival.ns <= r->seen[i].arrival &&
		    (x.flags & SAMPLE_CLOCK_STEP) == 0)
			continue;
		r->counts.seen++;
		check_type(r, &r->points[i], &x);
		uint8_t note = order_note(&r->seen[i], &x);
		if (note != 0) {
			x.flags |= note;
			r->counts.late += (note & SAMPLE_LATE) != 0;
			r->counts.steps += (note & SAMPLE_CLOCK_STEP) != 0;
		}
		x.tag = r->points[i].out;
		r->take(r, i, &x, mode, o);
	}
}

/* The point that owns an index of the schema: points stand in that order, each with the same number of indexes. */
static bool
point_of(const struct reduce *r, uint32_t out, uint32_t *i)
{
	*i = r->nfns > 0 ? out / r->nfns : out;
	return *i < r->n;
}

void
reduce_restore(struct reduce *r, const struct sample *s)
{
	uint32_t i;

	if (!point_of(r, s->tag, &i))
		return;
	if (r->window != NULL) {
		window_restore(r, i, s);
		return;
	}
	if ((s->flags & (SAMPLE_LATE | SAMPLE_CLOCK_STEP)) == SAMPLE_LATE)
		return;
	r->seen[i] = (struct seen){ .time = sample_time(s).ns, .arrival = s->arrival.ns };
	if (r->sent != NULL)
		sent_note(&r->sent[i], s);
	if (r->door != NULL)
		door_restore(r, i, s);
}

int64_t
reduce_tick(struct reduce *r, struct wall now, struct out *o)
{
	return r->window != NULL ? window_tick(r, now, o) : INT64_MAX;
}

void
reduce_finish(struct reduce *r, struct wall now, struct out *o)
{
	if (r->door != NULL)
		door_finish(r, o);
	if (r->window != NULL)
		window_finish(r, now, o);
}

bool
reduce_has_memory(const struct reduce *r)
{
	return r->window != NULL || r->door != NULL;
}

const struct reduce_counts *
reduce_counts(const struct reduce *r)
{
	return &r->counts;
}
