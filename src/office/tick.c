/* See delivery.h: what is looked after once a second, live lanes and figures. */
#include "office/delivery.h"

#define BEHIND_NS	(2 * NS_PER_S)	/* a pair that has been behind for as long gets a live lane, where it may */

static void
start_live(struct pair *p, uint64_t admitted)
{
	if (p->live_on || admitted < p->main.next || p->done.n > RANGES_MAX / 2)
		return;
	p->live = (struct lane){ .next = admitted + 1 };
	p->live_from = admitted + 1;
	p->live_on = true;
}

static void
pair_tick(struct delivery *d, struct pair *p, struct mono now)
{
	uint64_t next, admitted = 0;

	if (p->main.caught_up || (p->main.at_end && !p->live_on)) {
		p->behind_since.ns = 0;
		p->backlog = p->main.next - p->cursor;
		return;
	}
	if (p->behind_since.ns == 0)
		p->behind_since = now;
	/* The ledger may be long: it is not read at every tick. */
	if (mono_diff(now, p->behind_since) < BEHIND_NS || mono_diff(now, p->looked) < BEHIND_NS)
		return;
	p->looked = now;
	if (d->ops->ledger(d->arg, p, &next, &admitted) != 0)
		return;
	p->backlog = admitted + 1 > p->cursor ? admitted + 1 - p->cursor : 0;
	for (size_t i = 0; i < p->done.n; i++)
		p->backlog -= p->done.r[i].last - p->done.r[i].first + 1 < p->backlog ? p->done.r[i].last - p->done.r[i].first + 1 : p->backlog;
	/* Not while it is away; a full window counts as there. */
	if (p->live_first && (d->ready || p->n > p->nrefused))
		start_live(p, admitted);
}

void
delivery_tick(struct delivery *d, struct mono now, struct wall wall)
{
	uint64_t in_flight = 0, backlog = 0, oldest = 0;

	for (struct pair *p = d->pairs; p != NULL; p = p->next) {
		pair_tick(d, p, now);
		in_flight += p->n;
		backlog += p->backlog;
		uint64_t sealed = p->n > 0 ? (uint64_t)p->entries[0].sealed.ns : p->main.held ? (uint64_t)p->main.batch.sealed.ns : 0;
		if (sealed != 0 && (oldest == 0 || sealed < oldest))
			oldest = sealed;
	}
	stat_t *s = (stat_t *)d->stats;
	stat_set(&s[STATS_sink_in_flight], in_flight);
	stat_set(&s[STATS_sink_backlog], backlog);
	stat_set(&s[STATS_sink_oldest_ns], oldest);
	stat_set(&s[STATS_sink_lag_ns], oldest != 0 && (uint64_t)wall.ns > oldest ? (uint64_t)wall.ns - oldest : 0);
	stat_set(&s[STATS_sink_delivered], d->delivered);
	stat_set(&s[STATS_sink_batches], d->batches);
	stat_set(&s[STATS_sink_repeats], d->repeats);
	delivery_pump(d);
}
