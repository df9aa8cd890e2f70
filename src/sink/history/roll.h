/*
 * Roll-ups: what a series was in each second, minute and hour. Numbers only; samples that are not Good or Uncertain count as bad and
 * enter no figure. Two roll-ups of the same stretch merge, so late samples and restarts need no special care.
 *
 * A stored row of roll-ups covers an aligned span of time and holds entries in order of time:
 *	i64 t, u32 n, u32 bad, f64 min, f64 max, f64 sum, f64 last, i64 t_last		little-endian, 56 bytes
 */
#ifndef SINK_HISTORY_ROLL_H
#define SINK_HISTORY_ROLL_H

#include "sink/history/chunk.h"

enum roll_level { ROLL_1S, ROLL_1MIN, ROLL_1H, ROLL_LEVELS };

struct roll {
	int64_t		t;		/* beginning of the stretch, ns */
	uint32_t	n, bad;		/* values that count, values that do not */
	double		min, max, sum, last;
	int64_t		t_last;		/* of `last` */
};

#define ROLL_BYTES	56u
#define ROLL_ROW_MAX	720u		/* entries of a row: the longest span over the shortest stretch of its level */

int64_t roll_width_ns(enum roll_level l);	/* 1 s, 1 min, 1 h */
int64_t roll_span_ns(enum roll_level l);	/* of a stored row: 10 min, 12 h, 30 d */
const char *roll_name(enum roll_level l);	/* "1s" */
/* The beginning of the stretch (or span) of this width that t lies in; right for times before 1970 too. */
int64_t roll_floor(int64_t t, int64_t width_ns);

/* A growing list of entries in order of time. */
struct rolls {
	struct roll	*v;
	size_t		 n, cap;
};
int rolls_add(struct rolls *r, enum roll_level l, const struct point *pt);	/* count a sample; nothing for values that are no numbers */
int rolls_merge(struct rolls *r, const struct roll *one);
void rolls_fini(struct rolls *r);
/* Stored bytes. out: room for r->n * ROLL_BYTES. */
void rolls_pack(const struct roll *v, size_t n, uint8_t *out);
int rolls_unpack(const void *p, size_t len, struct rolls *into);	/* merges */

#endif
