/*
 * The upper end of a link between nodes: listens for one lower node, takes its streams as they stand in its spool, and gives their samples on with
 * values, status and all three times unchanged: what was measured below is what is known above. See doc/link.md, and for the parts
 *
 *	proto/link/	frames, TLS, the connection		take.c		what the other node says
 *	way.c		who may connect				driver/upstream/	its streams: what of them is new, receipts, why nothing is lost or twice
 *	gate/origin.c	gate's half of it
 *
 * A lost connection makes no tag bad: the lower node keeps what it measures meanwhile, and each sample comes with its own time and status. That
 * the link is down stands in `penstock status`.
 *
 * All runs in the engine's loop but what link/lobby.h and upstream/save.h do; the one descriptor that LINK_OWN allows is the set in upstreams.
 */
#include <stdio.h>

#include "driver/link/link_int.h"
#include "driver/own.h"
#include "os/clock.h"
#include "os/timer.h"
#include "site/link.h"

static size_t
linkd_size(const struct link_sources *s)
{
	(void)s;
	return sizeof(struct linkd);
}

static void
ask_again(void *arg, const char *why)
{
	way_lost(arg, why);
}

static int
linkd_open(void *ctx, const struct link_sources *s, struct driver_host *h)
{
	struct linkd *d = ctx;

	if (s->n != 1)
		return ERR_LIMIT;	/* each source has a link of its own, see endpoint_scheme */
	d->h = h;
	d->s = s->v[0];
	d->quiet = (struct log_limit){ .burst = 5, .period_ms = 60000 };
	d->us.received = linkd_received;
	d->us.ask_again = ask_again;
	d->us.arg = d;
	int err = upstreams_init(&d->us, d->s, h);
	if (err != 0)
		upstreams_fini(&d->us);
	return err;
}

static void
linkd_close(void *ctx)
{
	struct linkd *d = ctx;

	way_close(d);
	upstreams_fini(&d->us);
}

static int
linkd_wake(const void *ctx)
{
	return ((const struct linkd *)ctx)->us.watch;
}

/* The engine gives no deadlines to drivers of this kind: a timer of our own stands in the set. */
static void
arm(struct linkd *d)
{
	struct mono next = upstream_next(&d->us);

	if (d->n != NULL)
		next = mono_min(next, link_conn_next(&d->n->c));
	timer_arm(d->us.timer, next);
}

static void
linkd_up(void *ctx, struct mono now, struct wall wall)
{
	struct linkd *d = ctx;

	(void)wall;
	d->us.moved = now;
	way_open(d);
	arm(d);
}

/* What is durable already is acknowledged before the end. */
static void
leave(struct linkd *d)
{
	if (!d->leaving || upstream_busy(&d->us))
		return;
	d->leaving = false;
	way_close(d);
	d->us.persist_at = MONO_NEVER;
	timer_arm(d->us.timer, MONO_NEVER);
	d->h->left(d->h);
}

static void
linkd_down(void *ctx, struct mono now, struct wall wall)
{
	struct linkd *d = ctx;

	d->leaving = true;
	d->us.persist_at = now;
	upstream_persist(&d->us, now, wall);
	leave(d);
}

static void
linkd_tick(void *ctx, struct mono now, struct wall wall)
{
	struct linkd *d = ctx;

	upstream_persist(&d->us, now, wall);
	linkd_hold(d);
	way_step(d, now);
	arm(d);
	leave(d);
}

static void
on_durable(void *ctx, uint64_t origin, uint64_t no, bool hole)
{
	struct linkd *d = ctx;

	upstream_durable(&d->us, origin, no, hole, mono_now());
	arm(d);
}

static void
linkd_why(const void *ctx, uint32_t src, uint32_t tag, struct json *out)
{
	const struct linkd *d = ctx;
	(void)src;

	upstream_why(&d->us, tag, out);
}

static struct driver_counts
linkd_counts(const void *ctx, uint32_t src)
{
	const struct linkd *d = ctx;
	struct driver_counts c = { .replies = d->frames_in };
	(void)src;

	for (const struct upstream *u = d->us.list; u != NULL; u = u->next)
		c.blocks += u->batches;
	return c;
}

const struct driver link_driver = {
	.info = { .name = "link", .help = "Another Penstock node, which connects to this one and sends its flows (sink link there).", .keys = link_keys,
	    .at_forms = upstream_at_forms, .default_port = 7433, .endpoint_scheme = "link", .listens = true, .role_key = "role", .ring_bytes = 16u << 20,
	    .parse_at = upstream_parse_at, .load = own_no_load },
	.link = own_link, .size = linkd_size, .open = linkd_open, .close = linkd_close, .wake = linkd_wake, .up = linkd_up, .down = linkd_down,
	.input = own_no_input, .tick = linkd_tick, .next = own_no_next, .scan = own_no_scan, .give_up = own_no_give_up, .read = own_no_read,
	.trace = own_no_trace, .why = linkd_why, .counts = linkd_counts, .explain = own_explain, .durable = on_durable,
};
