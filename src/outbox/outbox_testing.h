/*
 * A scripted far end for the tests of the outbox (simulated). It books what it is posted, on the test's own clock: a booking takes effect
 * some time after the post began, whether or not its answer arrives; answers are lost, late, busy, down. It counts effects: that
 * each event has exactly one, in the order of its lane, is what all the tests are about.
 */
#ifndef OUTBOX_TESTING_H
#define OUTBOX_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "outbox/inside.h"

#define FAR_EVENTS	512
#define FAR_CALLS	512
#define FAR_LANES	16
#define T_SETTLE	(10 * NS_PER_S)

struct far_event {
	int		lane, order;	/* order: of its lane, from 1 */
	int		effects;
	int		booked;		/* the how-manieth effect in its lane */
	bool		refuse;		/* the far end refuses it until a person edits it */
};

/* A call that the far end works on. */
struct far_call {
	bool		used, effect_due, answer_due;
	enum call	call;
	int		event;
	int64_t		seq, effect_ns, answer_ns;
	struct outbox_verdict verdict;
};

struct far {
	uint64_t		random;
	struct outbox		*b;
	int64_t			 now;		/* mono and, shifted, wall */
	int64_t			 wall_off;
	struct far_event	 events[FAR_EVENTS];
	int			 n, lane_effects[FAR_LANES];
	struct far_call		 calls[FAR_CALLS];
	/* How bad it is, in per cent of the calls: */
	int			 lose, busy, down, slow, refuse;
	int			 in_lane[FAR_LANES];	/* calls under way */
	unsigned		 posts, lookups, most_at_once, at_once;
	bool			 order_broken, lane_shared;
};

static inline uint64_t
far_draw(struct far *f, uint64_t below)
{
	f->random = f->random * 6364136223846793005u + 1442695040888963407u;
	return (f->random >> 33) % below;
}

static inline bool far_chance(struct far *f, int percent) { return (int)far_draw(f, 100) < percent; }
static inline struct mono far_mono(const struct far *f) { return (struct mono){ f->now }; }
static inline struct wall far_wall(const struct far *f) { return (struct wall){ 1700000000 * NS_PER_S + f->now + f->wall_off }; }

static inline int
far_index(const struct outbox_item *i)
{
	return (int)strtol(i->of.id + 3, NULL, 10);
}

static inline struct far_call *
far_begin(struct far *f, const struct outbox_item *i, enum call call)
{
	for (size_t k = 0; k < FAR_CALLS; k++)
		if (!f->calls[k].used) {
			f->calls[k] = (struct far_call){ .used = true, .call = call, .event = far_index(i), .seq = i->seq, .answer_due = true,
				.answer_ns = f->now + (int64_t)far_draw(f, 2000) * NS_PER_MS };
			f->in_lane[f->events[far_index(i)].lane]++;
			f->lane_shared = f->lane_shared || f->in_lane[f->events[far_index(i)].lane] > 1;
			return &f->calls[k];
		}
	test_fail(__FILE__, __LINE__, "too many calls under way");
}

/* Without one that is told: a timeout, after which nobody listens any more. */
static inline void
far_lose(struct far *f, struct far_call *c)
{
	c->answer_ns = f->now + 3 * NS_PER_S;
	c->verdict = (struct outbox_verdict){ .kind = OUTBOX_IS_UNKNOWN, .code = "timeout", .text = "no answer came" };
}

static inline int
far_post(void *arg, const struct outbox_item *const *v, size_t n)
{
	struct far *f = arg;

	f->posts++;
	if (far_chance(f, 1))
		return ERR_CONN;
	bool down = far_chance(f, f->down), lost = far_chance(f, f->lose);
	for (size_t i = 0; i < n; i++) {
		struct far_call *c = far_begin(f, v[i], CALL_POST);
		struct far_event *e = &f->events[c->event];
		bool busy = far_chance(f, f->busy);
		if (down)
			c->verdict = (struct outbox_verdict){ .kind = OUTBOX_IS_DOWN, .code = "503" };
		else if (e->refuse && strstr(v[i]->of.body, "\"unit\":\"XX\"") != NULL)
			c->verdict = (struct outbox_verdict){ .kind = OUTBOX_IS_REFUSED, .code = "BM/302", .text = "unit XX is not known",
				.target = "ConfirmationUnit" };
		else if (busy)
			c->verdict = (struct outbox_verdict){ .kind = OUTBOX_IS_BUSY, .code = "423" };
		else {
			c->verdict = (struct outbox_verdict){ .kind = OUTBOX_IS_DONE, .document = "4711" };
			c->effect_due = true;
			c->effect_ns = far_chance(f, f->slow) ? f->now + (int64_t)far_draw(f, T_SETTLE / NS_PER_MS) * NS_PER_MS : f->now;
			if (c->effect_ns > c->answer_ns)
				c->answer_ns = c->effect_ns;
		}
		if (lost || (c->effect_due && c->answer_ns > f->now + 3 * NS_PER_S))
			far_lose(f, c);
	}
	return 0;
}

static inline int
far_lookup(void *arg, const struct outbox_item *i)
{
	struct far *f = arg;
	struct far_call *c = far_begin(f, i, CALL_LOOKUP);
	static const enum outbox_verdict_kind others[] = { OUTBOX_IS_BUSY, OUTBOX_IS_DOWN, OUTBOX_IS_UNKNOWN };

	f->lookups++;
	if (far_chance(f, (f->lose + f->down) / 2))
		c->verdict.kind = others[far_draw(f, 3)];
	else if (f->events[c->event].effects > 0)
		c->verdict = (struct outbox_verdict){ .kind = OUTBOX_IS_DONE, .document = "4711" };
	else
		c->verdict.kind = OUTBOX_IS_ABSENT;
	return 0;
}

static inline int
far_follow(void *arg, const struct outbox_item *i)
{
	struct far *f = arg;
	struct far_call *c = far_begin(f, i, CALL_FOLLOW);

	f->in_lane[f->events[c->event].lane]--;		/* a follow-up is in nobody's way */
	c->verdict = (struct outbox_verdict){ .kind = OUTBOX_IS_DONE };
	return 0;
}

static inline void
far_effect(struct far *f, struct far_call *c)
{
	struct far_event *e = &f->events[c->event];

	c->effect_due = false;
	e->effects++;
	e->booked = ++f->lane_effects[e->lane];
	/* Those before it in its lane have been booked, but for what a person has to look at. */
	for (int i = 0; i < c->event; i++)
		if (f->events[i].lane == e->lane && f->events[i].effects == 0 && !f->events[i].refuse)
			f->order_broken = true;
}

/* All that happens up to now, in order; answers only to an outbox that is there. */
static inline void
far_run(struct far *f, int64_t now)
{
	for (;;) {	/* ends: each round takes an effect or an answer away */
		struct far_call *first = NULL;
		bool effect = false;
		for (size_t k = 0; k < FAR_CALLS; k++) {
			struct far_call *c = &f->calls[k];
			if (!c->used)
				continue;
			int64_t at = c->effect_due && (!c->answer_due || c->effect_ns <= c->answer_ns) ? c->effect_ns : c->answer_ns;
			int64_t best = first == NULL ? now : effect ? first->effect_ns : first->answer_ns;
			if (at <= best) {
				first = c;
				effect = c->effect_due && (!c->answer_due || c->effect_ns <= c->answer_ns);
			}
		}
		if (first == NULL)
			break;
		if (effect)
			far_effect(f, first);
		else {
			first->answer_due = false;
			if (first->call != CALL_FOLLOW)
				f->in_lane[f->events[first->event].lane]--;
			if (f->b != NULL)
				outbox_verdict(f->b, first->seq, &first->verdict, (struct mono){ first->answer_ns });
		}
		first->used = first->effect_due || first->answer_due;
	}
	f->now = now;
}

/* The office has died: nobody hears answers, bookings go on. */
static inline void
far_crash(struct far *f)
{
	f->b = NULL;
	for (size_t k = 0; k < FAR_CALLS; k++) {
		f->calls[k].answer_due = false;
		f->calls[k].used = f->calls[k].used && f->calls[k].effect_due;
	}
	memset(f->in_lane, 0, sizeof f->in_lane);
}

/* The next event of a lane, put. */
static inline int
far_put(struct far *f, int lane, bool refuse)
{
	char id[32], name[32], key[32], body[200];
	int k = f->n;

	CHECK(k < FAR_EVENTS);
	snprintf(id, sizeof id, "ev-%d", k);
	snprintf(name, sizeof name, "order-%d", lane);
	snprintf(key, sizeof key, "1000/%d", k);
	int len = snprintf(body, sizeof body, "{\"id\":\"%s\",\"event\":\"Line/confirmation\",\"fields\":{\"yield\":%d,\"unit\":\"%s\"},"
	    "\"status\":{\"unit\":\"Bad\"}}", id, k, refuse ? "XX" : "PC");
	struct outbox_new v = { .id = id, .event = "Line/confirmation", .type = "operations-performance", .key = key, .lane = name,
		.body = body, .body_len = (size_t)len, .flow = "to-sap", .no = (uint64_t)k + 1, .time = far_wall(f), .mapping = "confirmation" };
	int err = outbox_put(f->b, &v, 1, far_mono(f), far_wall(f), NULL);
	if (err == 0) {
		f->events[k] = (struct far_event){ .lane = lane, .refuse = refuse };
		f->n++;
	}
	return err;
}

static inline struct outbox_opts
far_opts(struct far *f)
{
	return (struct outbox_opts){ .connections = 4, .batch = 1, .settle_ns = T_SETTLE, .seed = f->random,
		.poster = { .post = far_post, .lookup = far_lookup, .follow = far_follow, .arg = f } };
}

static inline void
far_open(struct far *f, const char *path, const struct outbox_opts *o)
{
	char why[500] = "";
	if (outbox_open(path, o, far_mono(f), far_wall(f), &f->b, why, sizeof why) != 0)
		test_fail(__FILE__, __LINE__, "not opened: %s", why);
}

/* The account adds up, and is what is in the file. */
static inline void
far_account(struct far *f)
{
	struct outbox_counts c;
	uint64_t sum = 0;
	sqlite3_stmt *s;

	CHECK_INT(outbox_counts(f->b, far_mono(f), &c), 0);
	for (int i = 0; i < OUTBOX_STATE_COUNT; i++)
		sum += c.n[i];
	CHECK_INT(sum, c.taken);
	CHECK_INT(sqlite3_prepare_v2(f->b->db, "SELECT state, count(*), sum(unknown), sum(complaint) FROM item GROUP BY state", -1, &s, NULL), 0);
	uint64_t rows = 0, unknown = 0, complaints = 0;
	while (sqlite3_step(s) == SQLITE_ROW) {
		int state = sqlite3_column_int(s, 0);
		rows += (uint64_t)sqlite3_column_int64(s, 1);
		unknown += (uint64_t)sqlite3_column_int64(s, 2);
		complaints += (uint64_t)sqlite3_column_int64(s, 3);
		if (state != OUTBOX_CONFIRMED && state != OUTBOX_CANCELLED)
			CHECK_INT(sqlite3_column_int64(s, 1), c.n[state]);
	}
	sqlite3_finalize(s);
	CHECK_INT(rows + c.removed, c.taken);
	CHECK_INT(unknown, c.unknown);
	CHECK_INT(complaints, c.complaints);
	/* Nobody is forgotten: whoever is in line has a lane, and a lane that is not held or busy has a time. */
	CHECK_INT(sqlite3_prepare_v2(f->b->db, "SELECT (SELECT count(*) FROM item WHERE open=1 AND lane NOT IN (SELECT name FROM lane)),"
	    "(SELECT count(*) FROM lane WHERE due IS NULL AND busy=0 AND held=0), (SELECT count(*) FROM lane WHERE held=1),"
	    "(SELECT count(*) FROM lane WHERE head NOT IN (SELECT seq FROM item WHERE open=1)),"
	    "(SELECT count(*) FROM item WHERE state IN (0, 1) AND open=0)", -1, &s, NULL), 0);
	CHECK_INT(sqlite3_step(s), SQLITE_ROW);
	for (int i = 0; i < 5; i++)
		CHECK_INT(sqlite3_column_int64(s, i), i == 2 ? (int64_t)c.lanes_held : 0);
	sqlite3_finalize(s);
}

#endif
