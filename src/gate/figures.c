/*
 * What gate shows on the status page. Counting is done in plain fields; the page is brought up to date a few times a
 * second.
 */
#include "gate/inside.h"

void
gate_figures(struct gate *g)
{
	if (g->stats != NULL)
		stats_reset(g->stats);
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream)
		st->stats = stats_object(g->stats, STATS_flow, st->current ? st->flow : st->dir);
	for (struct ring_in *in = g->rings; in != NULL; in = in->next)
		in->stats = stats_object(g->stats, STATS_ring, in->writer);
	gate_publish(g);
}

static void
publish_stream(struct stream *st)
{
	static const struct reduce_counts none;
	const struct reduce_counts *c = st->reduce != NULL ? reduce_counts(st->reduce) : &none;
	struct spool_state s = { 0 };
	stat_t *f = st->stats;

	if (st->spool != NULL)
		spool_state(st->spool, &s);
	stat_set(&f[STATS_flow_seen], c->seen);
	stat_set(&f[STATS_flow_admitted], st->admitted);
	stat_set(&f[STATS_flow_reduced], c->seen > c->passed ? c->seen - c->passed : 0);
	stat_set(&f[STATS_flow_late], c->late + c->too_late);
	stat_set(&f[STATS_flow_batches], st->batches);
	stat_set(&f[STATS_flow_spool_bytes], s.bytes);
	stat_set(&f[STATS_flow_first], s.first);
	stat_set(&f[STATS_flow_next], s.next);
	stat_set(&f[STATS_flow_durable], s.durable);
	uint64_t settled = st->ledger != NULL ? ledger_settled(st->ledger) : 0;
	stat_set(&f[STATS_flow_settled], settled == UINT64_MAX ? s.next : settled);
	stat_set(&f[STATS_flow_held], st->out.n);
	stat_set(&f[STATS_flow_dropped], st->dropped);
	stat_set(&f[STATS_flow_write_errors], st->write_errors);
	stat_set(&f[STATS_flow_last_ns], (uint64_t)st->last_admitted.ns);
}

void
gate_publish(struct gate *g)
{
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream)
		publish_stream(st);
	for (struct ring_in *in = g->rings; in != NULL; in = in->next) {
		stat_set(&in->stats[STATS_ring_records], in->records);
		stat_set(&in->stats[STATS_ring_samples], in->samples);
		stat_set(&in->stats[STATS_ring_lost_samples], in->lost);
		stat_set(&in->stats[STATS_ring_refused_records], in->refused);
	}
}
