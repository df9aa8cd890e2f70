/*
 * Inside of the reduction: what reduce.c and the kinds of it (reduce_change.c, reduce_window.c, reduce_door.c) share.
 * Nobody else includes this.
 */
#ifndef GATE_REDUCE_KINDS_H
#define GATE_REDUCE_KINDS_H

#include <math.h>
#include <string.h>

#include "gate/reduce.h"

/* This many late samples in a row are no stragglers: the device's clock was set back. */
#define LATE_RUN	8u

/* Order of a tag's samples: the one before. */
struct seen {
	int64_t	time, arrival;	/* arrival 0: none yet */
	int64_t	period;		/* arrival minus the arrival before it */
	uint32_t late_run;	/* late ones in a row */
};

/* The last one that passed. */
struct sent {
	uint64_t	bits;		/* the scalar, or a hash of the bytes */
	int64_t		arrival;
	uint32_t	status, len;
	uint8_t		type;
	bool		known;
};

struct door {
	struct sent	sent;
	bool		line;		/* t0, v0 are an end of a line that goes on */
	bool		holding;
	int64_t		t0;
	double		v0, lo, hi;	/* slopes per second that keep all points since within the deviation */
	struct sample	held;		/* the newest of them, not passed yet */
};

struct acc {				/* one open window */
	double		mean, m2;	/* Welford */
	double		sum, low;	/* Neumaier: low holds what sum has lost */
	double		area;		/* value x ns, step-wise */
	int64_t		area_ns;
	int64_t		t_first, t_last;	/* of good samples */
	uint64_t	first, last, min, max;	/* bits */
	uint32_t	n, bad;
	bool		some;		/* any sample at all */
	bool		sub;		/* partial, or of samples that were not all good */
	bool		unordered;	/* a late sample is in it: the time-weighted mean could not use it */
	uint8_t		flags;
};

struct window {
	struct acc	a[2];		/* [open, open + W) and [open + W, open + 2W) */
	int64_t		open;
	int64_t		closed;		/* nothing before this time enters any more; 0: no limit known */
	int64_t		cursor;		/* time-weighting is done up to here */
	int64_t		held_t;		/* the value that holds now, since when */
	double		held;
	int64_t		newest;		/* time of the newest sample */
	int64_t		skew;		/* arrival minus time of it */
	int64_t		passed;		/* arrival of the last change of status that passed, or restored result */
	uint32_t	status;
	uint32_t	misses;		/* samples after a restart that lie in closed windows */
	bool		started, holds, restored;
};

struct reduce {
	struct reduce_how	 how;
	struct reduce_point	*points;
	struct seen		*seen;
	struct sent		*sent;		/* on change */
	struct door		*door;
	struct window		*window;
	uint32_t		 n;
	uint32_t		 fns[WINDOW_FNS], nfns;
	int64_t			 lateness;	/* how long a window stays open for late samples */
	struct reduce_counts	 counts;
	/* Take one sample of point i; its tag is already the schema's, its flags are set. Room for two is reserved. */
	void			(*take)(struct reduce *r, uint32_t i, struct sample *x, enum reduce_mode mode,
	    struct out *o);
};

/* A sample that is late and not the first after a jump: it never moves a reference. */
static inline bool
is_late(const struct sample *x)
{
	return (x->flags & (SAMPLE_LATE | SAMPLE_CLOCK_STEP)) == SAMPLE_LATE;
}

/* A good or uncertain sample with a finite number. */
static inline bool
usable(const struct sample *x, double *v)
{
	return !status_is_bad(x->status) && value_as_f64(&x->v, v) && isfinite(*v);
}

static inline uint64_t
value_bits(const struct value *v)
{
	uint32_t f;
	switch (v->type) {
	case VALUE_NULL:	return 0;
	case VALUE_BOOL:	return v->b;
	case VALUE_F32:		memcpy(&f, &v->f32, sizeof f); return f;
	default:		return v->u;
	}
}

static inline struct value
bits_value(uint8_t type, uint64_t bits)
{
	struct value v = { .type = type };
	uint32_t f = (uint32_t)bits;
	switch (type) {
	case VALUE_NULL:	break;
	case VALUE_BOOL:	v.b = bits != 0; break;
	case VALUE_F32:		memcpy(&v.f32, &f, sizeof f); break;
	default:		v.u = bits; break;
	}
	return v;
}

static inline void
pass(struct reduce *r, const struct sample *x, struct out *o)
{
	out_push(o, x);
	r->counts.passed++;
}

/* reduce_change.c */
void change_take(struct reduce *r, uint32_t i, struct sample *x, enum reduce_mode mode, struct out *o);
void sent_note(struct sent *s, const struct sample *x);
/* Whether the value differs from the one sent, for the given kind of deadband. */
bool sent_differs(const struct sent *s, const struct value *v, enum change_kind kind, double deadband,
    const struct reduce_point *p);
bool sent_overdue(const struct reduce *r, uint32_t i, const struct sent *s, const struct sample *x);

/* reduce_door.c */
void door_take(struct reduce *r, uint32_t i, struct sample *x, enum reduce_mode mode, struct out *o);
void door_restore(struct reduce *r, uint32_t i, const struct sample *x);
void door_finish(struct reduce *r, struct out *o);

/* reduce_window.c */
void window_take(struct reduce *r, uint32_t i, struct sample *x, enum reduce_mode mode, struct out *o);
void window_restore(struct reduce *r, uint32_t i, const struct sample *x);
int64_t window_tick(struct reduce *r, struct wall now, struct out *o);
void window_finish(struct reduce *r, struct wall now, struct out *o);
/* acc.c: one window's sums. */
void acc_add(struct acc *a, uint8_t type, const struct value *v, double x, int64_t t);
/* The result of a function; false: this type has none. */
bool acc_result(const struct acc *a, enum window_fn fn, uint8_t type, struct value *out);

#endif
