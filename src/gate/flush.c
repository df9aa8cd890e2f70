/*
 * From what waits to the spool. One ring batch becomes one spool batch a flow, so that what was read together stays
 * together on its way; a flow with a latency lets several share one. When the disk refuses, what waits goes on
 * waiting, reading stops, and it is tried again with growing pauses.
 */
#include "gate/inside.h"

#define RETRY_FIRST_NS	(100 * NS_PER_MS)
#define RETRY_MAX_NS	(5 * NS_PER_S)
#define SYNC_NS		NS_PER_S	/* where the plan names no interval */

/*
 * The mark of the next n of what waits. Only the last part may say that its ring was taken up to pos: a gate that
 * reads the ring again then knows that the record at `from` may have been admitted in part.
 */
static struct spool_mark
mark_of(struct gate *g, const struct stream *st, bool last)
{
	if (st->epoch == 0)
		return (struct spool_mark){ 0 };
	if (st->origin != 0)	/* a number of the other node's says more than a place in a ring: it outlives the ring */
		return (struct spool_mark){ .epoch = st->origin, .pos = last ? st->origin_no : st->origin_before };
	const struct ring_in *in = ring_by_epoch(g, st->epoch);
	uint64_t pos = last ? st->pos : st->from, low = in != NULL ? ring_low(g, in) : 0;
	return (struct spool_mark){ .epoch = st->epoch, .pos = pos, .low = low < pos ? low : pos };
}

static void
note_appended(struct gate *g, struct stream *st, uint64_t first, size_t n, struct mono now, struct wall wall)
{
	st->next = first + n;
	st->admitted += n;
	st->batches++;
	st->last_admitted = wall;
	if (st->opts.durability == SPOOL_INTERVAL)
		st->sync_at = mono_min(st->sync_at, mono_add(now, st->opts.sync_ns > 0 ? st->opts.sync_ns : SYNC_NS));
	g->sync_at = mono_min(g->sync_at, st->sync_at);
	g->admitted = true;
}

/*
 * Trying again would not help: these samples are given up, in the open, so that the ones behind them are not lost too.
 */
static size_t
cannot_admit(struct gate *g, struct stream *st, size_t n, int err, struct mono now)
{
	stream_lose(st, n, "gate", err_text(err));
	g->account_at = mono_min(g->account_at, now);
	log_error("not_admitted", "stream=\"%s\" samples=%zu error=\"%s\"", st->dir, n, err_text(err));
	return n;
}

int
stream_flush(struct gate *g, struct stream *st, struct mono now, struct wall wall)
{
	size_t done = 0;
	int err = 0;

	if (st->out.n == 0 || st->spool == NULL)
		return st->out.n == 0 ? 0 : ERR_AGAIN;
	while (err == 0 && done < st->out.n) {
		size_t n = st->out.n - done < SPOOL_BATCH_MAX ? st->out.n - done : SPOOL_BATCH_MAX;
		struct spool_mark m = mark_of(g, st, done + n == st->out.n);
		uint64_t first;
		err = spool_append(st->spool, st->out.v + done, n, &m, wall, &first);
		if (err == 0) {
			note_appended(g, st, first, n, now, wall);
			done += n;
		} else if (err_action(err) != ERR_DO_RETRY) {
			done += cannot_admit(g, st, n, err, now);
			err = 0;
		}
	}
	out_drop(&st->out, done);
	if (st->out.n == 0)
		origin_flushed(st);
	return err;
}

void
gate_hold(struct gate *g, struct stream *st, int err, struct mono now)
{
	unsigned long left_out;

	st->write_errors++;
	if (!g->held)
		g->back_off_ns = RETRY_FIRST_NS;
	g->held = true;
	g->retry_at = mono_add(now, g->back_off_ns);
	if (log_limit_ok(&g->log_write, now, &left_out))
		log_error("cannot_write",
		    "stream=\"%s\" error=\"%s\" waiting=%zu dir=\"%s\" note=\"nothing admitted is lost; rings buffer "
		    "until the disk takes it. Make room or repair the disk\" suppressed=%lu", st->dir, err_text(err),
		    st->out.n,
		    g->spool_dir, left_out);
}

/* Whether what this stream has may wait no longer. */
static bool
due(const struct gate *g, const struct stream *st, struct mono now)
{
	return st->out.n > 0 && (g->held || st->latency_ns == 0 || !mono_before(now, mono_add(st->out_since,
	    st->latency_ns)));
}

bool
gate_release(struct gate *g, struct mono now, struct wall wall)
{
	bool was_held = g->held;
	int64_t back_off = g->back_off_ns;

	if (was_held)
		gate_trim(g, now, wall);	/* what is settled may make the room that is missing */
	g->flush_at = MONO_NEVER;
	bool failed = was_held && !plan_open_missing(g, now, wall);
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		if (st->out.n == 0)
			continue;
		int err = due(g, st, now) ? stream_flush(g, st, now, wall) : 0;
		if (err != 0) {
			gate_hold(g, st, err, now);
			failed = true;
		} else if (st->out.n > 0)
			g->flush_at = mono_min(g->flush_at, mono_add(st->out_since, st->latency_ns));
	}
	if (failed && was_held) {
		g->back_off_ns = back_off * 2 < RETRY_MAX_NS ? back_off * 2 : RETRY_MAX_NS;
		g->retry_at = mono_add(now, g->back_off_ns);
	}
	if (!failed && was_held) {
		g->held = false;
		log_info("writing_again", "dir=\"%s\"", g->spool_dir);
	}
	return !g->held;
}

/*
 * Syncs run here, in the loop: a spool may be used by one thread at a time, and while it is synced nothing could be
 * appended to it anyway. The rings take what comes meanwhile.
 */
int
gate_sync(struct gate *g, struct mono now, bool force)
{
	int first_err = 0;

	g->sync_at = MONO_NEVER;
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		if (st->spool == NULL || (!force && mono_before(now, st->sync_at)))
			goto next;
		struct mono again = MONO_NEVER;
		struct spool_state state;
		int err = spool_sync(st->spool, now, force, &again);
		spool_state(st->spool, &state);
		st->sync_at = err == 0 && state.durable == state.next ? MONO_NEVER : again;
		if (err != 0) {
			st->sync_at = mono_add(now, RETRY_FIRST_NS);
			gate_hold(g, st, err, now);
			first_err = first_err != 0 ? first_err : err;
		}
next:
		g->sync_at = mono_min(g->sync_at, st->sync_at);
	}
	return first_err;
}
