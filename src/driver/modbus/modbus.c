/*
 * Modbus TCP, RTU and RTU over TCP: the driver's calls, and its three records. See modbus.h for the parts and their
 * words.
 *
 * "MODBUS Application Protocol Specification V1.1b3", "MODBUS Messaging on TCP/IP Implementation Guide V1.0b", "MODBUS
 * over Serial Line V1.02".
 */
#include "driver/modbus/modbus.h"

static void
at_time(struct mb_link *l, struct mono now, struct wall wall)
{
	l->now = now;
	l->wall = wall;
}

static void
mb_close(void *ctx)
{
	(void)ctx;	/* all memory is the context's, and that is the caller's */
}

static void
mb_up(void *ctx, struct mono now, struct wall wall)
{
	struct mb_link *l = ctx;

	at_time(l, now, wall);
	l->up = true;
	l->resetting = false;
	l->rx_len = 0;
	l->rx_quiet = MONO_NEVER;
	l->timeouts_row = 0;
	l->line_free = now;
	/*
	 * A new context may take over a connection (reload): its ids are to differ from those that are still owed a
	 * reply.
	 */
	if (l->tid == 0)
		l->tid = (uint16_t)(now.ns / NS_PER_US);
	for (uint32_t i = 0; i < l->nsrc; i++) {
		struct mb_src *s = &l->src[i];
		s->not_before = s->owed_until = now;
		s->owed = s->missing = s->timeouts_row = 0;
		/* It may be another device by now, or the same with a new program: ask again for what it refused. */
		for (uint32_t b = 0; b < s->high; b++)
			s->blocks[b].retry_at = now;
	}
}

static void
end_ready(struct mb_link *l)
{
	while (l->ready_src != MB_NONE) {
		struct mb_src *s = &l->src[l->ready_src];
		uint32_t class = l->ready_class;
		struct mb_class *c = &s->classes[class];
		l->ready_src = c->next_ready == MB_NONE ? MB_NONE : c->next_ready / PLAN_SCAN_CLASSES_MAX;
		l->ready_class = c->next_ready == MB_NONE ? 0 : c->next_ready % PLAN_SCAN_CLASSES_MAX;
		mb_class_finish(l, s, class);
	}
}

static void
mb_down(void *ctx, struct mono now, struct wall wall)
{
	struct mb_link *l = ctx;

	at_time(l, now, wall);
	l->up = false;
	for (uint32_t i = 0; i < l->window; i++)
		if (l->slots[i].job == MB_JOB_SCAN || l->slots[i].job == MB_JOB_PROBE)
			mb_failed(l, &l->slots[i], MB_FAULT_LINK, NULL, 0);
		else if (l->slots[i].job != MB_JOB_NONE)
			mb_free_slot(l, &l->slots[i]);
	for (uint32_t i = 0; i < l->nsrc; i++) {
		struct mb_src *s = &l->src[i];
		mb_scan_abandon(l, s, MB_FAULT_LINK);
		if (s->probe_class != MB_NONE)
			mb_probe_end(l, s);
		mb_demand_abandon(l, s, ERR_CONN, "the connection went away before this was sent");
		mb_enlist(l, s);
	}
	end_ready(l);
	l->rx_len = 0;
	l->rx_quiet = MONO_NEVER;
}

static void
mb_input(void *ctx, const void *p, size_t len, struct mono now, struct wall wall)
{
	struct mb_link *l = ctx;

	at_time(l, now, wall);
	if (!l->up || l->resetting)
		return;
	mb_rx(l, p, len);
	mb_pump(l);
}

static void
mb_tick(void *ctx, struct mono now, struct wall wall)
{
	struct mb_link *l = ctx;

	at_time(l, now, wall);
	end_ready(l);
	if (!mono_before(now, l->rx_quiet))
		mb_rx_quiet(l);
	for (uint32_t i = 0; i < l->window; i++) {
		struct mb_slot *slot = &l->slots[i];
		if (slot->job == MB_JOB_NONE || mono_before(now, slot->deadline))
			continue;
		if (l->rx_len == 0)
			mb_failed(l, slot, MB_FAULT_TIMEOUT, NULL, 0);
		else if (l->framing != MB_TCP)
			mb_rx_quiet(l);	/* a torn reply is garbage, not silence */
		else {
			/* What comes next would be taken for the rest of this frame. */
			mb_reset(l, "a reply stopped half way: what follows cannot be told apart from its rest");
			mb_failed(l, slot, MB_FAULT_GARBAGE, l->rx, l->rx_len);
		}
	}
	mb_pump(l);
}

/* When the first of a list may go on. */
static struct mono
list_next(const struct mb_link *l, uint32_t i)
{
	struct mono at = MONO_NEVER;

	for (; i != MB_NONE; i = l->src[i].next)
		at = mono_min(at, l->src[i].not_before);
	return mono_before(at, l->line_free) ? l->line_free : at;
}

static struct mono
mb_next(const void *ctx)
{
	const struct mb_link *l = ctx;
	struct mono at = l->rx_quiet;

	if (l->ready_src != MB_NONE)
		return l->now;
	for (uint32_t i = 0; l->flight > 0 && i < l->window; i++)
		if (l->slots[i].job != MB_JOB_NONE)
			at = mono_min(at, l->slots[i].deadline);
	if (l->up && !l->resetting && l->flight < l->window)
		at = mono_min(at, mono_min(list_next(l, l->work_head), list_next(l, l->probe_head)));
	return at;
}

/* Nothing to ask for: the scan ends with the next tick, not within scan(). */
static void
make_ready(struct mb_link *l, struct mb_src *s, uint32_t class)
{
	s->classes[class].next_ready =
	    l->ready_src == MB_NONE ? MB_NONE : l->ready_src * PLAN_SCAN_CLASSES_MAX + l->ready_class;
	l->ready_src = s->index;
	l->ready_class = class;
}

static void
start_scan(struct mb_link *l, struct mb_src *s, uint32_t class)
{
	struct mb_class *c = &s->classes[class];

	if (c->replan)
		mb_plan_class(s, class);
	for (uint32_t i = c->blocks; i != MB_NONE; i = s->blocks[i].next) {
		struct mb_block *b = &s->blocks[i];
		b->tries = 0;
		b->skipped = mono_before(l->now, b->retry_at) || mb_broadcast(l, s);
		if (!b->skipped) {
			mb_queue_push(s, i, false);
			c->pending++;
		}
	}
	if (c->pending == 0)
		make_ready(l, s, class);
}

static int
mb_scan(void *ctx, uint32_t src, uint32_t class, bool probe, struct mono now, struct wall wall)
{
	struct mb_link *l = ctx;
	struct mb_src *s = &l->src[src];

	at_time(l, now, wall);
	if (class >= s->nclasses)
		return ERR_RANGE;
	if (!l->up)
		return ERR_CONN;
	if (s->classes[class].busy || (probe && s->probe_class != MB_NONE))
		return ERR_BUSY;
	s->classes[class].busy = true;
	if (probe && !mb_broadcast(l, s)) {
		s->probe_class = class;
		s->probe_since = now;
	} else
		start_scan(l, s, class);
	mb_enlist(l, s);
	mb_pump(l);
	return 0;
}

static void
mb_give_up(void *ctx, uint32_t src, uint32_t status, struct wall wall)
{
	struct mb_link *l = ctx;
	struct mb_src *s = &l->src[src];

	l->wall = wall;
	for (uint32_t i = 0; i < s->ntags; i++)
		mb_emit_bad(l, s, &s->tags[i], status, 0);
}

static int
mb_read_now(void *ctx, uint32_t src, const uint32_t *tags, uint32_t n, uint32_t id, struct mono now)
{
	struct mb_link *l = ctx;

	l->now = now;
	int err = mb_read_start(l, &l->src[src], tags, n, id);
	if (err == 0) {
		mb_enlist(l, &l->src[src]);
		mb_pump(l);
	}
	return err;
}

static int
mb_write_now(void *ctx, uint32_t src, uint32_t tag, const struct value *v, uint32_t id, struct mono now)
{
	struct mb_link *l = ctx;

	l->now = now;
	int err = mb_write_start(l, &l->src[src], tag, v, id);
	if (err == 0) {
		mb_enlist(l, &l->src[src]);
		mb_pump(l);
	}
	return err;
}

static void
mb_trace(void *ctx, uint32_t src, bool on)
{
	struct mb_link *l = ctx;
	l->src[src].trace = on;
}

static void
mb_why_tag(const void *ctx, uint32_t src, uint32_t tag, struct json *out)
{
	const struct mb_link *l = ctx;
	mb_why(l, &l->src[src], tag, out);
}

static struct driver_counts
mb_counts(const void *ctx, uint32_t src)
{
	const struct mb_link *l = ctx;
	return l->src[src].counts;
}

/* The three records differ in framing, keys and what is to be opened. */
#define RECORD(id, framing_, name_, help_, keys_, port_, device_) \
	static int id##_parse_at(const char *at, const struct keyval *k, struct at_info *o, char *why, size_t n) \
	{ \
		return mb_parse_at(framing_, at, k, o, why, n); \
	} \
	static int id##_load(const struct source *s, struct arena *a, struct load_info *o) \
	{ \
		return mb_load(framing_, s, a, o); \
	} \
	static int id##_link(const struct source *s, struct link_spec *o) { return mb_link(framing_, s, o); } \
	static int id##_open(void *c, const struct link_sources *s, struct driver_host *h) \
	{ \
		return mb_open(framing_, c, s, h); \
	} \
	static void id##_explain(bool out, const void *p, size_t n, struct buf *b) \
	{ \
		mb_explain(framing_, out, p, n, b); \
	} \
	const struct driver id##_driver = { \
		.info = { .name = name_, .help = help_, .keys = keys_, .at_forms = mb_at_forms, .default_port = port_, \
		    .endpoint_is_device = device_, .parse_at = id##_parse_at, .load = id##_load, \
		    .writes = true, .can_write = mb_can_write }, \
		.link = id##_link, .size = mb_size, .open = id##_open, .close = mb_close, .up = mb_up, \
		.down = mb_down, .input = mb_input, .tick = mb_tick, .next = mb_next, .scan = mb_scan, \
		.give_up = mb_give_up, .read = mb_read_now, .write = mb_write_now, .trace = mb_trace, \
		.why = mb_why_tag, .counts = mb_counts, .explain = id##_explain, \
	}

RECORD(modbus_tcp, MB_TCP, "modbus-tcp", "Modbus TCP: a device, or the units behind a gateway.", mb_keys_tcp, 502,
    false);
RECORD(modbus_rtu, MB_RTU, "modbus-rtu", "Modbus RTU: the units on a serial line.", mb_keys_rtu, 0, true);
RECORD(modbus_rtu_tcp, MB_RTU_TCP, "modbus-rtu-tcp",
    "Modbus RTU frames through a TCP connection, as serial device servers tunnel them.", mb_keys_rtu_tcp, 502, false);
