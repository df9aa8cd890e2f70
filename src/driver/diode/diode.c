/*
 * The receiving end of a one-way link: datagrams of another node's `diode` sink, from which its streams are made again. Nothing is ever sent: what is lost
 * beyond the code's power is declared lost, with its numbers, to gate, to the tags and to the receipts. See doc/diode.md, and for the parts
 *
 *	proto/diode/	datagrams, code, blocks, sessions	take.c		schemas, batches, beacons
 *	receive.c	the socket and its thread		flight.c	how a restart of anything loses no account
 *	sessions.c	which senders were seen			driver/upstream/	streams, receipts, losses
 *
 * Silence makes no tag bad, as with a link: that the beacon is LATE or LOST stands in `penstock status` and in the log.
 */
#include "driver/diode/diode_int.h"
#include "driver/own.h"

#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/stream.h"
#include "os/timer.h"
#include "os/wake.h"
#include "os/watch.h"
#include "site/link.h"

static size_t
dd_size(const struct link_sources *s)
{
	(void)s;
	return sizeof(struct diode_in);
}

static int
dd_open(void *ctx, const struct link_sources *s, struct driver_host *h)
{
	struct diode_in *d = ctx;

	if (s->n != 1)
		return ERR_LIMIT;	/* each source has a link of its own, see endpoint_scheme */
	d->h = h;
	d->s = s->v[0];
	d->wake_fd = -1;
	d->open_at = MONO_NEVER;
	d->quiet = (struct log_limit){ .burst = 20, .period_ms = 60000 };
	d->us.keep = true;
	d->us.begins = flight_begins;
	d->us.arg = d;
	int err = upstreams_init(&d->us, d->s, h);
	if (err == 0)
		err = upstream_dir(&d->us, d->dir);
	if (err == 0)
		err = wake_open(&d->wake_fd);
	if (err == 0)
		err = watch_set(d->us.watch, d->wake_fd, true, false);
	if (err != 0) {
		upstreams_fini(&d->us);
		stream_close(d->wake_fd);
	}
	return err;
}

static void
dd_close(void *ctx)
{
	struct diode_in *d = ctx;

	dd_thread_stop(d->t);
	for (struct upstream *u = d->us.list; u != NULL; u = u->next)
		flight_close(u);
	upstreams_fini(&d->us);
	stream_close(d->wake_fd);
}

static int
dd_wake(const void *ctx)
{
	return ((const struct diode_in *)ctx)->us.watch;
}

static void
start(struct diode_in *d, struct mono now)
{
	char why[700];

	int err = dd_thread_start(d->s, d->dir, d->wake_fd, &d->t, why, sizeof why);
	d->open_at = err == 0 ? MONO_NEVER : mono_add(now, 5 * NS_PER_S);
	if (err == 0)
		snprintf(why, sizeof why, "waits for the first beacon on %.100s", d->s->endpoint);
	d->h->reach(d->h, 0, false, why);
}

/* Of figures that only ever should be small, each change is told. */
static void
tell_counts(struct diode_in *d, struct mono now)
{
	struct dd_counts c = dd_thread_counts(d->t);
	unsigned long left_out;

	if ((c.overrun > d->told.overrun || c.queue_full > d->told.queue_full || c.n.no_room > d->told.n.no_room) && log_limit_ok(&d->quiet, now, &left_out)) {
		log_warn("diode_overrun", "source=\"%s\" datagrams=%llu records=%llu no_room=%llu note=\"this machine was too slow, the way did not lose them\" "
		    "remedy=\"raise net.core.rmem_max, or lower the sender's rate\" left_out=%lu", d->s->name, (unsigned long long)c.overrun,
		    (unsigned long long)c.queue_full, (unsigned long long)c.n.no_room, left_out);
		d->told = c;
	}
	if (c.n.bad_mac > d->told.n.bad_mac && log_limit_ok(&d->quiet, now, &left_out)) {
		log_warn("diode_bad_mac", "source=\"%s\" datagrams=%llu note=\"another key at the other end, or a stranger who sends to this port\" left_out=%lu",
		    d->s->name, (unsigned long long)c.n.bad_mac, left_out);
		d->told.n.bad_mac = c.n.bad_mac;
	}
}

static void
work(struct diode_in *d, struct mono now, struct wall wall)
{
	struct mono next;

	if (d->t == NULL && !mono_before(now, d->open_at))
		start(d, now);
	upstream_persist(&d->us, now, wall);
	if (d->t != NULL) {
		tell_counts(d, now);
		diode_take(d, now, wall);
	}
	next = mono_min(mono_min(upstream_next(&d->us), d->open_at), diode_look_at_beacon(d, now));
	for (struct upstream *u = d->us.list; u != NULL; u = u->next) {
		struct flight *f = u->user;
		flight_tidy(d, u);
		if (f == NULL || !f->asking)
			continue;
		if (mono_diff(now, f->asked_at) >= ASK_NS)
			flight_ask(d, u, now);
		next = mono_min(next, mono_add(f->asked_at, ASK_NS));
	}
	timer_arm(d->us.timer, next);
}

static void
dd_up(void *ctx, struct mono now, struct wall wall)
{
	struct diode_in *d = ctx;
	int err = disk_os.mkdir(disk_os.ctx, d->dir);

	if (err != 0)
		log_error("diode_folder", "source=\"%s\" folder=\"%s\" error=\"%s\"", d->s->name, d->dir, err_text(err));
	d->us.moved = now;
	diode_recall(d, now);
	d->open_at = now;
	work(d, now, wall);
}

/* What is durable already gets its receipt before the end. */
static void
leave(struct diode_in *d)
{
	if (!d->leaving || upstream_busy(&d->us))
		return;
	d->leaving = false;
	d->us.persist_at = MONO_NEVER;
	timer_arm(d->us.timer, MONO_NEVER);
	d->h->left(d->h);
}

static void
dd_down(void *ctx, struct mono now, struct wall wall)
{
	struct diode_in *d = ctx;

	if (d->t != NULL)
		diode_take(d, now, wall);
	dd_thread_stop(d->t);
	d->t = NULL;
	d->open_at = MONO_NEVER;
	d->us.persist_at = now;
	d->leaving = true;
	upstream_persist(&d->us, now, wall);
	leave(d);
}

static void
dd_tick(void *ctx, struct mono now, struct wall wall)
{
	struct diode_in *d = ctx;

	wake_clear(d->wake_fd);
	work(d, now, wall);
	leave(d);
}

static void
dd_durable(void *ctx, uint64_t origin, uint64_t no, bool hole)
{
	struct diode_in *d = ctx;
	struct mono now = mono_now();

	for (struct upstream *u = d->us.list; u != NULL; u = u->next)
		if (u->origin == origin && u->user != NULL && ((struct flight *)u->user)->asking)
			flight_answered(d, u, no, wall_now());
	upstream_durable(&d->us, origin, no, hole, now);
	wake_set(d->wake_fd);	/* there may be room again */
}

static void
dd_why(const void *ctx, uint32_t src, uint32_t tag, struct json *out)
{
	static const char *const states[] = { [BEACON_NONE] = "none yet", [BEACON_OK] = "OK", [BEACON_LATE] = "LATE", [BEACON_LOST] = "LOST" };
	const struct diode_in *d = ctx;
	struct dd_counts c = d->t != NULL ? dd_thread_counts(d->t) : (struct dd_counts){ 0 };
	(void)src;

	upstream_why(&d->us, tag, out);
	json_key_text(out, "beacon", states[d->beacon]);
	json_key_i64(out, "clock_offset_ms", d->offset_ns / NS_PER_MS);
	json_key_u64(out, "sender_waiting_datagrams", d->last.waiting);
	json_key_u64(out, "gone_at_the_sender", d->last.gone);
	json_key_u64(out, "datagrams", c.n.datagrams);
	json_key_u64(out, "datagrams_missing", c.n.missing);
	json_key_u64(out, "datagrams_without_room", c.overrun);
	json_key_u64(out, "datagrams_repeated", c.n.duplicate);
	json_key_u64(out, "datagrams_reordered", c.n.reordered);
	json_key_u64(out, "datagrams_late", c.n.late);
	json_key_u64(out, "datagrams_bad_mac", c.n.bad_mac);
	json_key_u64(out, "datagrams_refused", c.n.refused + c.n.mismatched + c.n.malformed);
	json_key_u64(out, "blocks", c.n.blocks);
	json_key_u64(out, "blocks_rebuilt", c.n.rebuilt);
	json_key_u64(out, "blocks_lost", c.n.lost_blocks);
	json_key_u64(out, "batches_without_schema", d->no_schema);
	for (const struct upstream *u = d->us.list; u != NULL; u = u->next)
		if (strcmp(u->flow, d->us.at[tag].flow) == 0) {
			json_key_u64(out, "lost", u->lost);
			json_key_u64(out, "late", u->late);
			return;
		}
}

static struct driver_counts
dd_counts(const void *ctx, uint32_t src)
{
	const struct diode_in *d = ctx;
	struct dd_counts c = d->t != NULL ? dd_thread_counts(d->t) : (struct dd_counts){ 0 };
	(void)src;

	return (struct driver_counts){ .replies = c.n.datagrams, .garbage = c.n.bad_mac + c.n.malformed + c.n.refused + c.n.mismatched,
	    .late_dropped = c.n.late, .blocks = c.n.blocks, .timeouts = c.n.lost_blocks };
}

const struct driver diode_driver = {
	.info = { .name = "diode", .help = "Another Penstock node, which sends to this one over a way that has no way back (sink diode there).", .keys = diode_keys,
	    .at_forms = upstream_at_forms, .default_port = 7434, .endpoint_scheme = "diode", .listens = true, .one_way = true, .ring_bytes = 16u << 20,
	    .parse_at = upstream_parse_at, .load = own_no_load },
	.link = own_link, .size = dd_size, .open = dd_open, .close = dd_close, .wake = dd_wake, .up = dd_up, .down = dd_down,
	.input = own_no_input, .tick = dd_tick, .next = own_no_next, .scan = own_no_scan, .give_up = own_no_give_up, .read = own_no_read,
	.trace = own_no_trace, .why = dd_why, .counts = dd_counts, .explain = own_explain, .durable = dd_durable,
};
