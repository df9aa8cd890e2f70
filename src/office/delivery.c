/* See delivery.h. Start reading at delivery_pump(). Reading the spool is in lane.c, the account of a pair in pair.c. */
#include "office/delivery.h"


#include "office/lane.h"
#include "office/pair.h"
#include "os/clock.h"

#define TROUBLE_MS	1000u		/* after an error of the spool or the sink that time may cure */

enum step { STEP_OFFERED, STEP_NOTHING, STEP_FULL };

/* ---- offering ---- */

static void
lost_numbers(struct delivery *d, struct pair *p, const struct spool_damage *g)
{
	uint64_t owed = 0, admitted, first = g->first;

	/* What the ledger has settled without us was dropped by policy before it was deleted. */
	if (d->ops->ledger(d->arg, p, &owed, &admitted) == 0 && owed > first)
		first = owed <= g->last ? owed : g->last + 1;
	if (first <= g->last) {
		log_error("spool_damaged", "stream=\"%s\" first=%llu last=%llu file=\"%s\" cause=\"%s\"", p->dir,
		    (unsigned long long)first, (unsigned long long)g->last, g->file, g->cause);
		d->ops->damaged(d->arg, p, first, g->last, g->cause);
	}
	pair_settle(d, p, g->first, g->last);
}

/* Read until a batch is held that somebody needs. False: nothing to offer now. */
static bool
fill(struct delivery *d, struct pair *p, struct lane *lane)
{
	struct spool_damage damage;
	unsigned long left_out;

	while (!lane->held) {
		if (!pair_may_read(p))
			return false;
		uint64_t skip = ranges_skip(&p->done, lane->next > p->cursor ? lane->next : p->cursor);
		if (skip != lane->next)
			lane_move(lane, skip);
		if (lane == &p->main && p->live_on && lane->next >= p->live_from) {
			lane_close(&p->main);	/* the backlog has arrived where the live lane began */
			p->main = p->live;
			p->live = (struct lane){ 0 };
			p->live_on = false;
			continue;
		}
		int err = lane_read(lane, p->dir, d->disk, &damage);
		if (err == ERR_GAP)
			lost_numbers(d, p, &damage);
		else if (err != 0) {
			if (err != ERR_AGAIN) {
				if (log_limit_ok(&p->complaints, mono_now(), &left_out))
					log_error("spool_unreadable", "stream=\"%s\" error=\"%s\" left_out=%lu", p->dir, err_text(err), left_out);
				d->ops->again(d->arg, TROUBLE_MS);
			}
			return false;
		} else if (pair_entry(p, lane->batch.first, lane->batch.first + lane->batch.n - 1) != NULL)
			lane_taken(lane);	/* refused, and on its way to quarantine */
	}
	return true;
}

static enum step
offer(struct delivery *d, struct pair *p, struct lane *lane)
{
	if (!fill(d, p, lane) || !pair_may_read(p))
		return STEP_NOTHING;
	const struct spool_batch *b = &lane->batch;
	uint64_t last = b->first + b->n - 1;
	bool live = lane == &p->live || lane->caught_up;

	/* Entered before it is offered: a sink may answer from within. */
	p->entries[p->n++] = (struct entry){ .first = b->first, .last = last, .sealed = b->sealed };
	int err = d->type->offer(d->inst, &p->stream, b, live);
	if (err == 0) {
		if (last < p->repeat_to && lane == &p->main)
			d->repeats += b->n;
		lane_taken(lane);
		return STEP_OFFERED;
	}
	struct entry *e = pair_entry(p, b->first, last);
	if (e != NULL)
		pair_drop_entry(p, e);
	lane->caught_up = false;
	d->ready = false;
	if (err != ERR_FULL && err != ERR_CONN)
		d->ops->again(d->arg, TROUBLE_MS);
	return STEP_FULL;
}

static enum step
pair_step(struct delivery *d, struct pair *p)
{
	enum step s = STEP_NOTHING;

	if (p->hold_until.ns != 0 && mono_before(mono_now(), p->hold_until))
		return STEP_NOTHING;
	p->hold_until.ns = 0;
	if (p->older != NULL && !pair_drained(p->older))
		return STEP_NOTHING;
	if (p->live_on)
		s = offer(d, p, &p->live);
	return s == STEP_NOTHING ? offer(d, p, &p->main) : s;
}

/* The head goes to the end, so that each pair has its turn. */
static void
rotate(struct delivery *d)
{
	struct pair *p = d->pairs;

	if (p == NULL || p->next == NULL)
		return;
	d->pairs = p->next;
	p->next = NULL;
	*d->tail = p;
	d->tail = &p->next;
}

static bool
offer_retry(struct delivery *d)
{
	if (!d->retry.on || d->retry.offered)
		return true;
	d->retry.offered = true;
	int err = d->type->offer(d->inst, &d->retry.pair->stream, &d->retry.batch, false);
	if (err == 0)
		return true;
	d->retry.offered = false;
	d->ready = false;
	if (err != ERR_FULL && err != ERR_CONN)
		d->ops->again(d->arg, TROUBLE_MS);
	return false;
}

/* One batch of each pair in turn, until the sink is full, nothing is left, or this turn has been long enough. */
static void
pump_once(struct delivery *d)
{
	unsigned offered = 0, idle = 0, n = 0;

	for (const struct pair *p = d->pairs; p != NULL; p = p->next)
		n++;
	if (!d->ready || !offer_retry(d))
		return;
	while (d->ready && idle < n) {
		bool knew_end = d->pairs->main.at_end;
		enum step s = pair_step(d, d->pairs);
		if (s == STEP_FULL)
			return;		/* this pair is the first to go on */
		/* To find an end is progress too: a newer stream may wait for it. */
		idle = s == STEP_OFFERED || (!knew_end && d->pairs->main.at_end) ? 0 : idle + 1;
		rotate(d);
		if (s == STEP_OFFERED && ++offered == DELIVERY_TURN) {
			d->ops->again(d->arg, 0);
			return;
		}
	}
}

void
delivery_pump(struct delivery *d)
{
	/* A sink that answers from within offer() ends up here again: the outer call goes round once more. */
	d->pump_again = true;
	if (d->pumping)
		return;
	d->pumping = true;
	/* Ends: each round offers, or finds the sink full or all pairs idle. */
	while (d->pump_again) {
		d->pump_again = false;
		pump_once(d);
	}
	d->pumping = false;
}

void
delivery_wake(struct delivery *d)
{
	for (struct pair *p = d->pairs; p != NULL; p = p->next)
		p->main.at_end = p->live.at_end = false;
}

/* ---- what the sink says ---- */

void
delivery_ready(struct delivery *d)
{
	d->ready = true;
	delivery_pump(d);
}

static bool
is_retry(const struct delivery *d, const struct sink_stream *s, uint64_t first, uint64_t last)
{
	return d->retry.on && d->retry.offered && &d->retry.pair->stream == s && d->retry.batch.first == first &&
	    d->retry.batch.first + d->retry.batch.n - 1 == last;
}

static void
end_retry(struct delivery *d, const char *reason)
{
	struct pair *p = d->retry.pair;
	int64_t id = d->retry.id;
	d->retry.on = d->retry.offered = false;
	d->ops->retried(d->arg, p, id, reason);
}

void
delivery_done(struct delivery *d, struct sink_stream *s, uint64_t first, uint64_t last, struct wall now)
{
	struct pair *p = s->delivery;
	struct entry *e = pair_entry(p, first, last);

	stat_set((stat_t *)&d->stats[STATS_sink_last_ack_ns], (uint64_t)now.ns);
	if (e == NULL && is_retry(d, s, first, last)) {
		end_retry(d, NULL);
		return;
	}
	if (e == NULL || e->refused)
		return;		/* of an earlier connection: it was offered anew, or is about to be */
	bool was_held_back = !pair_may_read(p);
	pair_drop_entry(p, e);
	d->delivered += last - first + 1;
	d->batches++;
	pair_settle(d, p, first, last);
	if (was_held_back)
		d->ops->again(d->arg, 0);
}

/* Owed anew: the backlog goes back to it, and passes over what is under way. */
void
delivery_restore(struct delivery *d, struct pair *p, uint64_t first, uint64_t last, unsigned after_ms)
{
	struct entry *e = pair_entry(p, first, last);

	if (e == NULL)
		return;
	pair_drop_entry(p, e);
	if (first < p->main.next)
		lane_move(&p->main, first);
	p->main.caught_up = false;
	p->hold_until = mono_add(mono_now(), after_ms * NS_PER_MS);
	d->ops->again(d->arg, after_ms);
}

/* Read it once more, by itself: what the sink was shown is gone. */
static void
put_aside(struct delivery *d, struct pair *p, uint64_t first, uint64_t last, const char *reason)
{
	struct lane lane = { .next = first };
	struct spool_damage damage;

	if (lane_read(&lane, p->dir, d->disk, &damage) == 0)
		d->ops->refused(d->arg, p, &lane.batch, reason);
	else	/* by and by it is read as damaged, or refused again */
		delivery_restore(d, p, first, last, TROUBLE_MS);
	lane_close(&lane);
}

void
delivery_refused(struct delivery *d, struct sink_stream *s, uint64_t first, uint64_t last, const char *reason)
{
	struct pair *p = s->delivery;
	struct entry *e = pair_entry(p, first, last);

	if (e == NULL && is_retry(d, s, first, last)) {
		end_retry(d, reason);
		return;
	}
	if (e == NULL || e->refused)
		return;
	e->refused = true;
	p->nrefused++;
	put_aside(d, p, first, last, reason);
}

void
delivery_quarantined(struct delivery *d, struct pair *p, uint64_t first, uint64_t last)
{
	struct entry *e = pair_entry(p, first, last);

	if (e != NULL)
		pair_drop_entry(p, e);
	pair_settle(d, p, first, last);
	d->ops->again(d->arg, 0);
}

/* What was offered is owed anew, but what is on its way to quarantine. */
void
delivery_lost(struct delivery *d)
{
	for (struct pair *p = d->pairs; p != NULL; p = p->next) {
		size_t kept = 0;
		for (size_t i = 0; i < p->n; i++)
			if (p->entries[i].refused)
				p->entries[kept++] = p->entries[i];
		p->n = kept;
		if (p->main.next > p->repeat_to)
			p->repeat_to = p->main.next;
		if (p->live_on) {
			lane_close(&p->live);
			p->live_on = false;
		}
		lane_move(&p->main, p->cursor);
		p->main.caught_up = false;
	}
	d->retry.offered = false;
	d->ready = false;
}

int
delivery_retry(struct delivery *d, struct pair *p, int64_t id, const struct spool_batch *b)
{
	if (d->retry.on)
		return ERR_BUSY;
	d->retry.on = true;
	d->retry.offered = false;
	d->retry.id = id;
	d->retry.pair = p;
	d->retry.batch = *b;
	delivery_pump(d);
	return 0;
}
