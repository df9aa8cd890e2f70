/*
 * A turn: what has been answered is noted, what may go is chosen and noted as SENT, all in one transaction; only when that is durable is
 * the poster called. A turn that cannot be written starts nothing and forgets nothing: verdicts wait in memory.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "outbox/inside.h"

#define WINDOW_LOOK_NS	(30 * NS_PER_S)	/* within maintenance the clock on the wall is looked at so often */
#define FOLLOW_LEASE_NS	(600 * NS_PER_S)	/* a follow-up that was under way at a crash is asked for again after this */
#define DISK_AGAIN_MAX	5		/* 1, 2, 4 ... 32 s between tries of a disk that fails */

/* What a turn may still start. */
struct room {
	size_t		 slots;		/* calls */
	size_t		 batch;		/* events of a post */
	int64_t		 again_t;	/* earliest reason to come back, known so far */
	struct group	*groups, **end;
	struct group	*filling;	/* a post with room */
};

static void
soonest(struct room *m, int64_t t)
{
	m->again_t = t < m->again_t ? t : m->again_t;
}

static void
fill_tokens(struct outbox *b, int64_t t)
{
	double rate = b->opts.rate, most = rate > 1 ? rate : 1;

	if (rate > 0)
		b->tokens += (double)(t - b->tokens_t) * 1e-9 * rate;
	if (b->tokens > most || rate <= 0)
		b->tokens = most;
	b->tokens_t = t;
}

/* One more event may go by the rate. Else when. */
static bool
take_token(struct outbox *b, struct room *m, int64_t t)
{
	if (b->opts.rate <= 0)
		return true;
	if (b->tokens < 1) {
		soonest(m, t + 1 + (int64_t)((1 - b->tokens) / b->opts.rate * 1e9));
		return false;
	}
	b->tokens -= 1;
	return true;
}

/* How much may be started now, and if nothing, when to look again. */
static struct room
look_round(struct outbox *b, int64_t t, struct wall wall)
{
	struct room m = { .batch = b->opts.batch, .again_t = t + OUTBOX_SLOW_NS };

	b->in_window = window_in(&b->opts, wall);
	if (b->in_window)
		soonest(&m, t + WINDOW_LOOK_NS);
	if (b->draining || b->acc.suspended || b->in_window)
		return m;
	if (t < b->down_until_t) {
		soonest(&m, b->down_until_t);
		return m;
	}
	m.slots = b->opts.connections > b->connections_used ? b->opts.connections - b->connections_used : 0;
	if (b->probing) {
		m.slots = b->connections_used == 0 ? 1 : 0;
		m.batch = 1;
	}
	fill_tokens(b, t);
	return m;
}

static struct group *
group_new(struct outbox *b, struct room *m, enum call call)
{
	size_t most = call == CALL_POST ? m->batch : 1;
	struct group *g = calloc(1, sizeof *g + most * sizeof g->v[0]);

	(void)b;
	if (g == NULL)
		return NULL;
	g->call = call;
	*m->end = g;
	m->end = &g->next;
	m->slots--;
	return g;
}

/* Put an event into a call. */
static int
board(struct outbox *b, struct room *m, sqlite3_stmt *s, enum call call, int64_t t, struct wall wall)
{
	struct group *g = call == CALL_POST ? m->filling : NULL;

	if (g == NULL)
		g = group_new(b, m, call);
	struct flight *f = g != NULL ? flight_new(s, call, t, wall) : NULL;
	if (f == NULL)
		return ERR_NOMEM;
	f->group = g;
	g->v[g->n++] = f;
	g->open++;
	m->filling = call == CALL_POST && g->n < m->batch ? g : call == CALL_POST ? NULL : m->filling;
	return 0;
}

static int
next_lane(struct outbox *b, int64_t t, int64_t *head, char lane[OUTBOX_NAME_MAX + 1])
{
	sqlite3_stmt *s = store_statement(b, SQL_LANE_NEXT);

	if (s == NULL)
		return ERR_IO;
	sqlite3_bind_int64(s, 1, t);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		snprintf(lane, OUTBOX_NAME_MAX + 1, "%s", store_text(s, 0));
		*head = sqlite3_column_int64(s, 1);
	}
	sqlite3_reset(s);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? ERR_END : store_fail(b, sqlite_err(rc));
}

static const char *
way_of(const struct outbox *b, sqlite3_stmt *s, char out[OUTBOX_TEXT_MAX])
{
	struct outbox_item item;

	row_item(s, &item);
	if (b->opts.poster.way != NULL)
		b->opts.poster.way(b->opts.poster.arg, &item, out, OUTBOX_TEXT_MAX);
	return out;
}

/* The first of a lane goes: noted as SENT, its lane as busy. ERR_END: there is no room for it. */
static int
send_head(struct outbox *b, struct room *m, const char *lane, int64_t head, int64_t t, struct wall wall)
{
	sqlite3_stmt *s;
	struct row was, r;
	char way[OUTBOX_TEXT_MAX] = "";

	const struct flight *before = flight_find(b, head);
	if (before != NULL && !before->answered)	/* of a store that was lost */
		return lane_refresh(b, lane, t + NS_PER_S, t, true);
	int err = row_get(b, head, &s);
	if (err == ERR_NOTFOUND)
		return lane_refresh(b, lane, t, t, true);
	if (err != 0)
		return err;
	row_read(s, &was);
	r = was;
	enum call call = was.unknown ? CALL_LOOKUP : CALL_POST;
	if (m->slots == 0 && (call == CALL_LOOKUP || m->filling == NULL))
		err = ERR_END;
	else if (!take_token(b, m, t))
		err = ERR_END;
	else {
		r.state = OUTBOX_SENT;
		r.last_try = wall.ns;
		if (call == CALL_POST) {
			r.attempts++;
			r.first_sent = r.first_sent != 0 ? r.first_sent : wall.ns;
			r.posted_t = t;
			r.way = way_of(b, s, way);
		}
		err = row_put(b, &was, &r);
		err = err != 0 ? err : lane_busy(b, lane, head);
		err = err != 0 ? err : board(b, m, s, call, t, wall);
	}
	sqlite3_reset(s);
	return err;
}

static int
send_lanes(struct outbox *b, struct room *m, int64_t t, struct wall wall)
{
	char lane[OUTBOX_NAME_MAX + 1];
	int64_t head = 0;
	int err = 0;

	/* Ends: each round takes a lane out of those that are due, or there is no room. */
	while (err == 0 && (m->slots > 0 || m->filling != NULL)) {
		err = next_lane(b, t, &head, lane);
		if (err == 0)
			err = send_head(b, m, lane, head, t, wall);
	}
	return err == ERR_END ? 0 : err;
}

/* Follow-ups get a quarter of the connections, at least one, so that neither they nor the events starve. */
static int
send_follows(struct outbox *b, struct room *m, int64_t t, struct wall wall)
{
	size_t most = b->opts.connections / 4 > 0 ? b->opts.connections / 4 : 1;

	for (size_t i = 0; i < most && m->slots > 0 && !b->probing && b->opts.poster.follow != NULL; i++) {
		sqlite3_stmt *s = store_statement(b, SQL_FOLLOW_NEXT);
		struct row was, r;
		if (s == NULL)
			return ERR_IO;
		sqlite3_bind_int64(s, 1, t);
		int rc = sqlite3_step(s);
		int64_t seq = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
		sqlite3_reset(s);
		if (rc != SQLITE_ROW)
			return rc == SQLITE_DONE ? 0 : store_fail(b, sqlite_err(rc));
		int err = row_get(b, seq, &s);
		if (err != 0)
			return err;
		row_read(s, &was);
		r = was;
		r.follow_t = t + FOLLOW_LEASE_NS;
		err = row_put(b, &was, &r);
		if (err == 0 && flight_find(b, seq) == NULL)
			err = board(b, m, s, CALL_FOLLOW, t, wall);
		sqlite3_reset(s);
		if (err != 0)
			return err;
	}
	return 0;
}

static int
wake(struct outbox *b, struct room *m, enum statement which)
{
	sqlite3_stmt *s = store_statement(b, which);
	int rc = s == NULL ? SQLITE_ERROR : sqlite3_step(s);

	if (rc == SQLITE_ROW)
		soonest(m, sqlite3_column_int64(s, 0));
	sqlite3_reset(s);
	return sqlite_err(rc);
}

/* The groups are durable now: they are the poster's. */
static size_t
start(struct outbox *b, struct room *m, struct mono now)
{
	const struct outbox_poster *p = &b->opts.poster;
	const struct outbox_item *items[OUTBOX_BATCH_MAX];
	size_t n = 0;

	for (struct group *g = m->groups; g != NULL; g = g->next) {
		b->connections_used++;
		for (size_t i = 0; i < g->n; i++)
			flight_add(b, g->v[i]);
	}
	for (struct group *g = m->groups, *next; g != NULL; g = next, n++) {
		size_t k = g->n;
		next = g->next;		/* a verdict from within the call ends the group */
		for (size_t i = 0; i < k; i++)
			items[i] = &g->v[i]->item;
		int err = g->call == CALL_POST ? p->post(p->arg, items, k) : g->call == CALL_LOOKUP ? p->lookup(p->arg, items[0]) :
		    p->follow(p->arg, items[0]);
		for (size_t i = 0; err != 0 && i < k; i++)
			outbox_verdict(b, items[i]->seq, &(struct outbox_verdict){ .kind = OUTBOX_IS_DOWN, .text = err_text(err) }, now);
	}
	return n;
}

static void
forget_groups(struct room *m)
{
	for (struct group *g = m->groups, *next; g != NULL; g = next) {
		next = g->next;
		for (size_t i = 0; i < g->n; i++)
			free(g->v[i]);
		free(g);
	}
}

/* All that is written in one turn. */
static int
note_and_choose(struct outbox *b, struct room *m, int64_t t, struct wall wall)
{
	bool more = false;

	int err = store_begin(b);
	err = err != 0 ? err : verdicts_apply(b, t, wall);
	err = err != 0 ? err : send_follows(b, m, t, wall);
	err = err != 0 ? err : send_lanes(b, m, t, wall);
	err = err != 0 ? err : expire_some(b, t, &more);
	if (err == 0 && more)
		soonest(m, t);
	/* With no slot left a verdict comes first. */
	if (err == 0 && m->slots > 0 && m->again_t > t)
		err = wake(b, m, SQL_LANE_WAKE);
	if (err == 0 && m->slots > 0 && m->again_t > t && b->opts.poster.follow != NULL)
		err = wake(b, m, SQL_FOLLOW_WAKE);
	if (err == 0)
		err = store_commit(b, t);
	else
		store_rollback(b);
	return err;
}

struct outbox_turn
outbox_turn(struct outbox *b, struct mono now, struct wall wall)
{
	int err = 0;

	if (b->damaged) {
		outbox_clock_here(b, now);
		err = store_replace(b, wall);
	}
	int64_t t = outbox_clock(b, now);
	struct room m = look_round(b, t, wall);
	double tokens = b->tokens;

	m.end = &m.groups;
	if (err == 0)
		err = note_and_choose(b, &m, t, wall);
	if (err != 0) {
		forget_groups(&m);
		b->tokens = tokens;
		if (b->retry_disk++ == 0)
			log_error("outbox_not_written", "%s", b->fault);
		int shift = b->retry_disk <= DISK_AGAIN_MAX ? b->retry_disk - 1 : DISK_AGAIN_MAX;
		return (struct outbox_turn){ .again = mono_add(now, NS_PER_S << shift), .err = err };
	}
	if (b->retry_disk > 0)
		log_info("outbox_written_again", "failures=%d", b->retry_disk);
	b->retry_disk = 0;
	verdicts_done(b);
	size_t n = start(b, &m, now);
	if (b->nanswered > 0)
		m.again_t = t;
	return (struct outbox_turn){ .again = mono_add(now, m.again_t > t ? m.again_t - t : 0), .started = n };
}
