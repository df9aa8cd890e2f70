/* See gate.h. Here: the beginning, the end, and what a turn does in which order. */
#include "gate/gate.h"

#include <stdlib.h>

#include "gate/inside.h"

#define RECORDS_A_TURN	256u
#define TRIM_EVERY_NS	(5 * NS_PER_S)
#define PUBLISH_EVERY_NS (500 * NS_PER_MS)

int
gate_new(const struct gate_opts *opts, struct gate **out)
{
	struct gate *g = calloc(1, sizeof *g);
	long holder = 0;

	if (g == NULL || (g->spool_dir = strdup(opts->spool_dir)) == NULL) {
		free(g);
		return ERR_NOMEM;
	}
	g->disk = opts->disk;
	g->opts = *opts;
	g->sync_at = g->tick_at = g->flush_at = g->account_at = g->before_until = MONO_NEVER;
	g->log_write = g->log_refused = g->log_report = g->log_lost = g->log_trim = g->log_old =
	    (struct log_limit){ .burst = 3, .period_ms = 10000 };
	int err = spool_root_open(g->spool_dir, opts->disk, &g->root, &holder);
	if (err != 0) {
		log_error("spool_unusable", "dir=\"%s\" error=\"%s\" holder_pid=%ld note=\"%s\"", opts->spool_dir,
		    err_text(err), holder,
		    err == ERR_BUSY ? "another gate writes to this spool; stop it first" :
		    "check that the directory can be written");
		free(g->spool_dir);
		free(g);
		return err;
	}
	*out = g;
	return 0;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	rings_free(g);
	for (struct stream *st = g->streams, *next; st != NULL; st = next) {
		next = st->next_stream;
		stream_free(st);
	}
	routes_fini(&g->before);
	routes_fini(&g->routes);
	plan_free(g->plan);
	spool_root_close(g->root);
	free(g->spool_dir);
	free(g);
}

void
gate_stats(struct gate *g, struct stats *s)
{
	g->stats = s;
}

/* Windows that are over by the clock. */
static void
tick(struct gate *g, struct mono now, struct wall wall)
{
	g->tick_at = MONO_NEVER;
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		if (st->reduce == NULL || !st->current || st->spool == NULL)
			continue;
		if (!mono_before(now, st->tick_at)) {
			bool waited = st->out.n > 0;
			int64_t again = reduce_tick(st->reduce, wall, &st->out);
			st->tick_at = again == INT64_MAX ? MONO_NEVER : mono_add(now, again);
			if (!waited) {
				st->epoch = 0;
				st->out_since = now;
			}
			int err = stream_flush(g, st, now, wall);
			if (err != 0)
				gate_hold(g, st, err, now);
		}
		g->tick_at = mono_min(g->tick_at, st->tick_at);
	}
}

static struct mono
next_turn(const struct gate *g)
{
	struct mono next = mono_min(g->sync_at, g->account_at);

	next = mono_min(next, mono_min(g->trim_at, g->before_until));
	if (g->held)
		return mono_min(next, g->retry_at);
	next = mono_min(next, mono_min(g->tick_at, g->flush_at));
	return g->publish_at.ns != 0 ? mono_min(next, g->publish_at) : next;
}

struct gate_turn
gate_turn(struct gate *g, struct mono now, struct wall wall)
{
	struct gate_turn t = { 0 };
	struct mono due = g->held ? g->retry_at : g->flush_at;

	g->admitted = false;
	if (!mono_before(now, due))
		gate_release(g, now, wall);
	if (!g->held && g->plan != NULL) {
		t.more = rings_read(g, RECORDS_A_TURN, now, wall);
		/* A window may be over by the clock only when nothing of it waits in a ring, as after a restart. */
		if (!t.more && !g->held && !mono_before(now, g->tick_at))
			tick(g, now, wall);
	}
	if (!mono_before(now, g->sync_at))
		gate_sync(g, now, false);
	origins_tell(g);
	gate_account(g, now, wall, false);
	if (!mono_before(now, g->before_until))
		plan_forget_before(g, now, wall);
	if (!mono_before(now, g->trim_at)) {
		if (g->plan != NULL)
			plan_settle_old(g, g->plan, now, wall);
		gate_trim(g, now, wall);
		g->trim_at = mono_add(now, TRIM_EVERY_NS);
	}
	if (!mono_before(now, g->publish_at)) {
		gate_publish(g);
		g->publish_at = mono_add(now, PUBLISH_EVERY_NS);
	}
	t.admitted = g->admitted;
	t.held = g->held;
	t.next = next_turn(g);
	return t;
}

int
gate_drain(struct gate *g, struct mono now, struct wall wall)
{
	if (g->held && !gate_release(g, now, wall))
		return ERR_NOSPACE;
	if (rings_read(g, RECORDS_A_TURN, now, wall))
		return ERR_AGAIN;
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		if (st->reduce == NULL || st->spool == NULL)
			continue;
		if (st->out.n == 0)
			st->epoch = 0;
		reduce_finish(st->reduce, wall, &st->out);
		int err = stream_flush(g, st, now, wall);
		if (err != 0)
			gate_hold(g, st, err, now);
	}
	int err = g->held ? ERR_NOSPACE : gate_sync(g, now, true);
	if (err == 0)
		err = gate_account(g, now, wall, true);
	gate_publish(g);
	return err;
}

struct gate_totals
gate_totals(const struct gate *g)
{
	struct gate_totals t = { .refused_reports = g->refused_reports };

	for (const struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		t.admitted += st->admitted;
		t.lost += st->lost_total;
		t.seen += st->reduce != NULL ? reduce_counts(st->reduce)->seen : 0;
	}
	for (const struct ring_in *in = g->rings; in != NULL; in = in->next) {
		t.refused_records += in->refused;
		t.gaps += in->gaps;
	}
	return t;
}
