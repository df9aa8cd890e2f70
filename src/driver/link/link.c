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
 * All runs in the engine's loop but what link/lobby.h and upstream/save.h do; the one descriptor that LINK_OWN allows is a set of descriptors (os/watch.h).
 */
#include <stdio.h>

#include "driver/link/link_int.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/timer.h"
#include "os/watch.h"
#include "site/link.h"

static int
linkd_link(const struct source *s, struct link_spec *out)
{
	struct endpoint e;
	const char *path;
	char why[200];

	*out = (struct link_spec){ .kind = LINK_OWN };
	return endpoint_parse_url(s->endpoint, "link", &e, &path, why, sizeof why);
}

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

	d->watch = d->timer_fd = -1;
	if (s->n != 1)
		return ERR_LIMIT;	/* each source has a link of its own, see endpoint_scheme */
	d->h = h;
	d->s = s->v[0];
	d->quiet = (struct log_limit){ .burst = 5, .period_ms = 60000 };
	d->us.received = linkd_received;
	d->us.ask_again = ask_again;
	d->us.arg = d;
	int err = upstreams_init(&d->us, d->s, h);
	if (err == 0)
		err = watch_open(&d->watch);
	if (err == 0)
		err = timer_open(&d->timer_fd);
	if (err == 0)
		err = watch_set(d->watch, d->timer_fd, true, false);
	if (err == 0)
		err = watch_set(d->watch, upstream_wake(&d->us), true, false);
	return err;
}

static void
linkd_close(void *ctx)
{
	struct linkd *d = ctx;

	way_close(d);
	upstreams_fini(&d->us);
	stream_close(d->timer_fd);
	stream_close(d->watch);
}

static int
linkd_wake(const void *ctx)
{
	return ((const struct linkd *)ctx)->watch;
}

/* The engine gives no deadlines to drivers of this kind: a timer of our own stands in the set. */
static void
arm(struct linkd *d)
{
	struct mono next = upstream_next(&d->us);

	if (d->n != NULL)
		next = mono_min(next, link_conn_next(&d->n->c));
	timer_arm(d->timer_fd, next);
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
	timer_arm(d->timer_fd, MONO_NEVER);
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
linkd_input(void *ctx, const void *p, size_t len, struct mono now, struct wall wall)
{
	(void)ctx;
	(void)p;
	(void)len;
	(void)now;
	(void)wall;
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

static struct mono
linkd_next(const void *ctx)
{
	(void)ctx;
	return MONO_NEVER;
}

static void
on_durable(void *ctx, uint64_t origin, uint64_t no, bool hole)
{
	struct linkd *d = ctx;

	upstream_durable(&d->us, origin, no, hole, mono_now());
	arm(d);
}

static int
linkd_scan(void *ctx, uint32_t src, uint32_t scan_class, bool probe, struct mono now, struct wall wall)
{
	(void)ctx;
	(void)src;
	(void)scan_class;
	(void)probe;
	(void)now;
	(void)wall;
	return ERR_UNSUPPORTED;		/* LINK_OWN: the engine does not scan */
}

static void
linkd_give_up(void *ctx, uint32_t src, uint32_t status, struct wall wall)
{
	(void)ctx;	/* see the top: nothing is made bad */
	(void)src;
	(void)status;
	(void)wall;
}

static int
linkd_read(void *ctx, uint32_t src, const uint32_t *tags, uint32_t n, uint32_t id, struct mono now)
{
	(void)ctx;
	(void)src;
	(void)tags;
	(void)n;
	(void)id;
	(void)now;
	return ERR_UNSUPPORTED;		/* the other node sends what it measures; it cannot be asked */
}

static void
linkd_trace(void *ctx, uint32_t src, bool on)
{
	(void)ctx;
	(void)src;
	(void)on;
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

static void
linkd_explain(bool out, const void *p, size_t len, struct buf *text)
{
	(void)out;
	buf_put(text, p, len);
}

static int
linkd_load(const struct source *s, struct arena *a, struct load_info *out)
{
	(void)s;
	(void)a;
	(void)out;
	return ERR_UNSUPPORTED;		/* the other node says how much it sends */
}

const struct driver link_driver = {
	.info = { .name = "link", .help = "Another Penstock node, which connects to this one and sends its flows (sink link there).", .keys = link_keys,
	    .at_forms = upstream_at_forms, .default_port = 7433, .endpoint_scheme = "link", .listens = true, .role_key = "role", .ring_bytes = 16u << 20,
	    .parse_at = upstream_parse_at, .load = linkd_load },
	.link = linkd_link, .size = linkd_size, .open = linkd_open, .close = linkd_close, .wake = linkd_wake, .up = linkd_up, .down = linkd_down,
	.input = linkd_input, .tick = linkd_tick, .next = linkd_next, .scan = linkd_scan, .give_up = linkd_give_up, .read = linkd_read,
	.trace = linkd_trace, .why = linkd_why, .counts = linkd_counts, .explain = linkd_explain, .durable = on_durable,
};
