/*
 * What gate has made durable becomes a receipt, and then an acknowledgement, in this order. Why nothing is lost and nothing twice, whoever dies when:
 *
 *	before the receipt is synced	the other node has no acknowledgement and sends the batch again; gate knows its numbers and passes over them
 *	after it, before the ack	the other node sends it again, or sees it among the HAVEs: it is acknowledged without going to gate
 *	after the ack			the other node's gate enters it in its ledger; if that is lost, as before
 */
#include <stdio.h>
#include <string.h>

#include "driver/link/link_int.h"

uint64_t
upstream_last(const struct linkd *d, const struct upstream *u, struct receipt *r)
{
	for (uint32_t i = d->npending; i > 0; i--)
		if (d->pending[i - 1].up == u) {
			if (r != NULL)
				*r = d->pending[i - 1].r;
			return d->pending[i - 1].r.last;
		}
	if (u->receipts.n == 0)
		return 0;
	if (r != NULL)
		*r = u->receipts.newest[u->receipts.n - 1];
	return u->receipts.newest[u->receipts.n - 1].last;
}

void
linkd_hold(struct linkd *d)
{
	if (d->n != NULL)
		d->n->c.hold = d->pending_bytes >= PENDING_HIGH || d->npending == PENDING_MAX;
}

/* What gate has not confirmed is asked for again, with a new connection. */
static void
send_back(struct linkd *d, uint64_t origin, const char *why)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < d->npending; i++) {
		struct pending *p = &d->pending[i];
		if (!p->durable && (origin == 0 || p->origin == origin)) {
			p->up->emitted = p->up->base;
			d->pending_bytes -= p->bytes;
		} else
			d->pending[kept++] = *p;
	}
	d->npending = kept;
	log_warn("link_sent_back", "source=\"%s\" why=\"%s\"", d->s->name, why);
	way_lost(d, why);
}

void
linkd_durable(struct linkd *d, uint64_t origin, uint64_t no, bool hole, struct mono now)
{
	for (struct upstream *u = d->ups; u != NULL; u = u->next)
		if (u->origin == origin && no > u->base)
			u->base = no;
	for (uint32_t i = 0; i < d->npending; i++) {
		struct pending *p = &d->pending[i];
		if (p->origin != origin || p->r.last > no || p->durable)
			continue;
		p->durable = true;
		d->moved = now;
		d->persist_at = mono_min(d->persist_at, mono_add(now, PERSIST_NS));
	}
	if (hole)
		send_back(d, origin, "gate misses samples of this link: they are asked for again");
}

/* The durable ones at the front of a stream's row; *n of them into rows and which. */
static uint32_t
collect(struct linkd *d, const struct upstream *u, struct wall wall, struct receipt *rows)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->npending; i++) {
		struct pending *p = &d->pending[i];
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
acknowledge(struct linkd *d, const struct upstream *u, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < d->npending; i++) {
		struct pending *p = &d->pending[i];
		if (p->up != u || n == 0) {
			d->pending[kept++] = *p;
			continue;
		}
		if (d->n != NULL && p->serial == d->serial)
			link_put_ack(&d->n->c.out, p->stream, p->r.first, p->r.last);
		d->pending_bytes -= p->bytes;
		n--;
	}
	d->npending = kept;
}

void
linkd_persist(struct linkd *d, struct mono now, struct wall wall)
{
	static struct receipt rows[PENDING_MAX];

	if (d->npending > 0 && mono_diff(now, d->moved) > STUCK_NS) {
		d->moved = now;
		send_back(d, 0, "nothing was made durable here for two minutes: is the disk full?");
	}
	if (mono_before(now, d->persist_at))
		return;
	d->persist_at = MONO_NEVER;
	for (struct upstream *u = d->ups; u != NULL; u = u->next) {
		uint32_t n = collect(d, u, wall, rows);
		int err = n > 0 ? receipts_add(&u->receipts, rows, n) : 0;
		if (err == 0) {
			acknowledge(d, u, n);
			continue;
		}
		unsigned long left_out;
		if (log_limit_ok(&d->quiet, now, &left_out))
			log_error("link_receipts", "source=\"%s\" flow=\"%s\" file=\"%s\" error=\"%s\" note=\"nothing is acknowledged until it can be written\" "
			    "left_out=%lu", d->s->name, u->flow, u->receipts.path, err_text(err), left_out);
		d->persist_at = mono_add(now, RETRY_NS);
	}
	linkd_hold(d);
}
