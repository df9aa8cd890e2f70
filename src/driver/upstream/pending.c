/*
 * What gate has made durable becomes a receipt, and then the driver hears of it, in this order. Why nothing is lost and nothing twice over a link, whoever
 * dies when:
 *
 *	before the receipt is synced	the other node has no acknowledgement and sends the batch again; gate knows its numbers and passes over them
 *	after it, before the ack	the other node sends it again, or sees it among the HAVEs: it is acknowledged without going to gate
 *	after the ack			the other node's gate enters it in its ledger; if that is lost, as before
 *
 * Over a one-way link nothing comes again; what it does instead stands in driver/diode/flight.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/upstream/upstream.h"

#define PERSIST_NS	(10 * NS_PER_MS)	/* receipts of so long share one sync */
#define RETRY_NS	NS_PER_S	/* after the disk has refused a receipt */

bool
upstream_full(const struct upstreams *us)
{
	return us->pending_bytes >= PENDING_HIGH || us->npending == PENDING_MAX;
}

/* What gate has not confirmed is given again, from here or from the other node. */
static void
send_back(struct upstreams *us, uint64_t origin, const char *why)
{
	log_warn("link_sent_back", "source=\"%s\" why=\"%s\"", us->s->name, why);
	if (us->keep) {
		upstream_again(us, origin);
		return;
	}
	uint32_t kept = 0;
	for (uint32_t i = 0; i < us->npending; i++) {
		struct pending *p = &us->pending[i];
		if (!p->durable && (origin == 0 || p->origin == origin)) {
			p->up->emitted = p->up->base;
			us->pending_bytes -= p->bytes;
		} else
			us->pending[kept++] = *p;
	}
	us->npending = kept;
	us->ask_again(us->arg, why);
}

void
upstream_durable(struct upstreams *us, uint64_t origin, uint64_t no, bool hole, struct mono now)
{
	for (struct upstream *u = us->list; u != NULL; u = u->next)
		if (u->origin == origin && no > u->base)
			u->base = no;
	for (uint32_t i = 0; i < us->npending; i++) {
		struct pending *p = &us->pending[i];
		if (p->origin != origin || p->r.last > no || p->durable)
			continue;
		p->durable = true;
		us->moved = now;
		us->persist_at = mono_min(us->persist_at, mono_add(now, PERSIST_NS));
	}
	if (hole)
		send_back(us, origin, "gate misses samples of this link: they are given again");
}

/* The durable ones at the front of a stream's row; *n of them into rows and which. */
static uint32_t
collect(struct upstreams *us, const struct upstream *u, struct wall wall, struct receipt *rows)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < us->npending; i++) {
		struct pending *p = &us->pending[i];
		if (p->up != u)
			continue;
		if (!p->durable)
			break;
		p->r.when = wall;
		rows[n++] = p->r;
	}
	return n;
}

/* The first n of a stream's, whose receipts are on disk. */
static void
tell(struct upstreams *us, const struct upstream *u, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < us->npending; i++) {
		struct pending *p = &us->pending[i];
		if (p->up != u || n == 0) {
			us->pending[kept++] = *p;
			continue;
		}
		if (us->received != NULL)
			us->received(us->arg, p);
		us->pending_bytes -= p->bytes;
		free(p->copy);
		n--;
	}
	us->npending = kept;
}

/* What the saver has done. */
static void
saved(struct upstreams *us, struct mono now)
{
	struct save_job *j;
	unsigned long left_out;

	while ((j = saver_done(us->saver)) != NULL) {
		struct upstream *u = j->user;
		us->njobs--;
		if (j->check) {
			if (j->err != 0)
				log_error("link_receipts", "source=\"%s\" flow=\"%s\" file=\"%s\" error=\"%s\" "
				    "note=\"an old receipt cannot be read: the proof of what came then is lost, what comes is received\" "
				    "remedy=\"keep a copy of the file and remove it while penstock is stopped\"",
				    us->s->name, u->flow, u->receipts->path, err_text(j->err));
			free(j);
			continue;
		}
		u->saving = 0;
		if (j->err == 0) {
			receipts_note(u->receipts, j->rows, j->n);
			tell(us, u, j->n);
			us->persist_at = now;	/* what has become durable meanwhile */
		} else {
			if (log_limit_ok(&us->quiet, now, &left_out))
				log_error("link_receipts", "source=\"%s\" flow=\"%s\" file=\"%s\" error=\"%s\" note=\"nothing counts as received until it can "
				    "be written\" left_out=%lu", us->s->name, u->flow, u->receipts->path, err_text(j->err), left_out);
			us->persist_at = mono_min(us->persist_at, mono_add(now, RETRY_NS));
		}
		free(j);
	}
}

void
upstream_persist(struct upstreams *us, struct mono now, struct wall wall)
{
	static struct receipt rows[PENDING_MAX];

	if (us->njobs > 0)
		saved(us, now);
	if (us->npending == 0)
		us->moved = now;
	if (us->npending > 0 && mono_diff(now, us->moved) > STUCK_NS) {
		us->moved = now;
		send_back(us, 0, "nothing was made durable here for two minutes: is the disk full?");
	}
	if (mono_before(now, us->persist_at))
		return;
	us->persist_at = MONO_NEVER;
	for (struct upstream *u = us->list; u != NULL; u = u->next) {
		uint32_t n = u->saving == 0 ? collect(us, u, wall, rows) : 0;
		if (n == 0)
			continue;
		struct save_job *j = save_job_new(u->receipts, u, n);
		memcpy(j->rows, rows, n * sizeof rows[0]);
		u->saving = n;
		us->njobs++;
		saver_put(us->saver, j);
	}
}

bool
upstream_busy(const struct upstreams *us)
{
	return us->njobs > 0;
}

struct mono
upstream_next(const struct upstreams *us)
{
	return us->npending == 0 ? us->persist_at : mono_min(us->persist_at, mono_add(us->moved, STUCK_NS + NS_PER_S));
}
