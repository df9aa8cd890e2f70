/*
 * A toy protocol to try the engine with: a request is { unit, class }, its reply { unit, class, value }. The device
 * at the far end is in the same loop and can be told to be silent, to hang up, or to be away. For engine_test.c
 * and order_test.c alone.
 */
#ifndef FIELD_TOY_RIG_H
#define FIELD_TOY_RIG_H

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/test.h"
#include "field/field.h"
#include "field/link.h"
#include "os/clock.h"

#define TOY_TIMEOUT_NS	(40 * NS_PER_MS)
#define TOY_UNITS	8u

/* ---- the toy driver ---- */

struct toy {
	struct driver_host	*h;
	struct link_sources	 s;
	struct { bool busy; struct mono until; } req[TOY_UNITS][2];
};

static int
toy_link(const struct source *s, struct link_spec *out)
{
	*out = (struct link_spec){ .kind = LINK_TCP, .host = "127.0.0.1", .port = atoi(s->link) };
	out->connect_timeout_ns = NS_PER_S;
	return 0;
}

static size_t toy_size(const struct link_sources *s) { (void)s; return sizeof(struct toy); }

static int
toy_open(void *ctx, const struct link_sources *s, struct driver_host *h)
{
	struct toy *t = ctx;
	t->h = h;
	t->s = *s;
	return s->n <= TOY_UNITS ? 0 : ERR_LIMIT;
}

static void toy_close(void *ctx) { (void)ctx; }
static void toy_up(void *ctx, struct mono now, struct wall wall) { (void)ctx; (void)now; (void)wall; }

static void
toy_end(struct toy *t, uint32_t src, uint32_t class, uint32_t status, uint8_t value, enum outcome o, struct wall wall)
{
	struct value v = { .type = status == 0 ? VALUE_U8 : VALUE_NULL, .u = value };
	for (uint32_t i = 0; i < t->s.v[src]->ntags; i++)
		if (t->s.v[src]->tags[i].scan_class == class)
			t->h->sample(t->h, src, i, status, &v, (struct wall){ 0 }, (struct wall){ 0 }, wall, 0);
	t->req[src][class].busy = false;
	t->h->outcome(t->h, src, o, 0, o == OUTCOME_TIMEOUT ? TOY_TIMEOUT_NS : NS_PER_MS);
	t->h->scan_done(t->h, src, class);
}

#define TOY_LATE_NS	(5 * NS_PER_MS)

static void
toy_expire(struct toy *t, struct mono now, struct wall wall)
{
	for (uint32_t i = 0; i < t->s.n; i++)
		for (uint32_t c = 0; c < 2; c++) {
			if (!t->req[i][c].busy || mono_before(now, t->req[i][c].until))
				continue;
			/* A busy machine kept us from looking: the request or its reply may stand in the socket. */
			if (mono_diff(now, t->req[i][c].until) > TOY_LATE_NS)
				t->req[i][c].until = mono_add(now, TOY_LATE_NS);
			else
				toy_end(t, i, c, (uint32_t)STATUS_BadTimeout, 0, OUTCOME_TIMEOUT, wall);
		}
}

static void
toy_down(void *ctx, struct mono now, struct wall wall)
{
	(void)now;
	struct toy *t = ctx;
	for (uint32_t i = 0; i < t->s.n; i++)
		for (uint32_t c = 0; c < 2; c++)
			if (t->req[i][c].busy)
				toy_end(t, i, c, (uint32_t)STATUS_BadNoCommunication, 0, OUTCOME_TIMEOUT, wall);
}

static void
toy_input(void *ctx, const void *p, size_t len, struct mono now, struct wall wall)
{
	(void)now;
	const uint8_t *b = p;
	for (; len >= 3; b += 3, len -= 3)
		toy_end(ctx, b[0], b[1], 0, b[2], OUTCOME_OK, wall);
}

static void toy_tick(void *ctx, struct mono now, struct wall wall) { toy_expire(ctx, now, wall); }

static struct mono
toy_next(const void *ctx)
{
	const struct toy *t = ctx;
	struct mono next = MONO_NEVER;
	for (uint32_t i = 0; i < t->s.n; i++)
		for (uint32_t c = 0; c < 2; c++)
			if (t->req[i][c].busy)
				next = mono_min(next, t->req[i][c].until);
	return next;
}

static int
toy_scan(void *ctx, uint32_t src, uint32_t class, bool probe, struct mono now, struct wall wall)
{
	(void)probe;
	(void)wall;
	struct toy *t = ctx;
	uint8_t req[2] = { (uint8_t)src, (uint8_t)class };
	if (t->req[src][class].busy)
		return ERR_BUSY;
	t->req[src][class].busy = true;
	t->req[src][class].until = mono_add(now, TOY_TIMEOUT_NS);
	t->h->send(t->h, req, sizeof req);
	return 0;
}

static void
toy_give_up(void *ctx, uint32_t src, uint32_t status, struct wall wall)
{
	struct toy *t = ctx;
	struct value none = { .type = VALUE_NULL };
	for (uint32_t i = 0; i < t->s.v[src]->ntags; i++)
		t->h->sample(t->h, src, i, status, &none, (struct wall){ 0 }, (struct wall){ 0 }, wall, 0);
}

/* What the toy does with a write, and what a read gives; set by a test. */
static struct toy_back {
	bool		silent;		/* say nothing of a write */
	int		err;		/* else this */
	bool		deaf;		/* it confirms and does nothing */
	bool		fill;		/* it sends until the connection takes no more */
	unsigned	writes;
	uint64_t	value;		/* 0: 77 */
	struct mono	deadline;	/* of the last write, as the host said */
	uint32_t	id;		/* of it */
} toy_back;

static int
toy_write(void *ctx, uint32_t src, uint32_t tag, const struct value *v, uint32_t id, struct mono now)
{
	struct toy *t = ctx;
	(void)src;
	(void)tag;
	(void)now;
	toy_back.writes++;
	toy_back.deadline = t->h->deadline(t->h, id);
	toy_back.id = id;
	static const uint8_t noise[512] = { 0xff };
	while (toy_back.fill && t->h->send(t->h, noise, sizeof noise) == 0)
		continue;
	if (toy_back.err == 0 && !toy_back.deaf && !toy_back.silent)
		toy_back.value = v->u;
	if (!toy_back.silent)
		t->h->done(t->h, id, toy_back.err, "");
	return 0;
}

static int
toy_read(void *ctx, uint32_t src, const uint32_t *tags, uint32_t n, uint32_t id, struct mono now)
{
	struct toy *t = ctx;
	struct value v = { .type = VALUE_U8, .u = toy_back.value != 0 ? toy_back.value : 77 };
	(void)now;
	for (uint32_t i = 0; i < n; i++)
		t->h->sample(t->h, src, tags[i], 0, &v, (struct wall){ 0 }, (struct wall){ 0 }, wall_now(),
		    SAMPLE_REREAD);
	t->h->done(t->h, id, 0, NULL);
	return 0;
}

static void toy_trace(void *ctx, uint32_t src, bool on) { (void)ctx; (void)src; (void)on; }

static void
toy_why(const void *ctx, uint32_t src, uint32_t tag, struct json *out)
{
	(void)ctx;
	(void)src;
	(void)tag;
	(void)out;
}

static struct driver_counts
toy_counts(const void *ctx, uint32_t src)
{
	(void)ctx;
	(void)src;
	return (struct driver_counts){ 0 };
}

static const struct driver toy_driver = {
	.info = { .name = "toy" }, .link = toy_link, .size = toy_size, .open = toy_open,
	.close = toy_close, .up = toy_up, .down = toy_down, .input = toy_input, .tick = toy_tick, .next = toy_next,
	.scan = toy_scan, .give_up = toy_give_up, .read = toy_read, .write = toy_write, .trace = toy_trace, .why = toy_why,
	.counts = toy_counts,
};

static const struct driver *
find_toy(const char *name)
{
	return strcmp(name, "toy") == 0 ? &toy_driver : NULL;
}

/* ---- the toy device ---- */

struct device {
	uv_tcp_t	 listener;
	uv_tcp_t	*peers[64];
	int		 npeers;
	int		 port;
	unsigned	 accepts;
	uint32_t	 silent;	/* bit set of units that do not answer */
	bool		 hang_up;	/* close every connection at once */
	uint8_t		 value;
	uint8_t		 buf[4096];
};

static uv_loop_t loop;
static struct device dev;

static void free_peer(uv_handle_t *h) { free(h); }

static void
drop_peer(uv_tcp_t *peer)
{
	for (int i = 0; i < dev.npeers; i++)
		if (dev.peers[i] == peer) {
			dev.peers[i] = dev.peers[--dev.npeers];
			uv_close((uv_handle_t *)peer, free_peer);
			return;
		}
}

static void
give_buf(uv_handle_t *h, size_t n, uv_buf_t *b)
{
	(void)h;
	(void)n;
	*b = uv_buf_init((char *)dev.buf, sizeof dev.buf);
}

static void
on_request(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	if (n < 0) {
		drop_peer((uv_tcp_t *)s);
		return;
	}
	for (ssize_t i = 0; i + 1 < n; i += 2) {
		uint8_t unit = (uint8_t)b->base[i], reply[3] = { unit, (uint8_t)b->base[i + 1], dev.value };
		uv_buf_t out = uv_buf_init((char *)reply, 3);
		if ((dev.silent >> unit & 1) == 0)
			CHECK_INT(uv_try_write(s, &out, 1), 3);
	}
}

static void
on_accept(uv_stream_t *s, int status)
{
	CHECK_INT(status, 0);
	uv_tcp_t *peer = malloc(sizeof *peer);
	uv_tcp_init(&loop, peer);
	CHECK_INT(uv_accept(s, (uv_stream_t *)peer), 0);
	dev.accepts++;
	if (dev.hang_up || dev.npeers == 64) {
		uv_close((uv_handle_t *)peer, free_peer);
		return;
	}
	dev.peers[dev.npeers++] = peer;
	uv_read_start((uv_stream_t *)peer, give_buf, on_request);
}

static void
device_open(int port)
{
	struct sockaddr_in a;
	int len = sizeof a;
	dev.value = 1;
	uv_tcp_init(&loop, &dev.listener);
	uv_ip4_addr("127.0.0.1", port, &a);
	CHECK_INT(uv_tcp_bind(&dev.listener, (struct sockaddr *)&a, 0), 0);
	CHECK_INT(uv_listen((uv_stream_t *)&dev.listener, 128, on_accept), 0);
	uv_tcp_getsockname(&dev.listener, (struct sockaddr *)&a, &len);
	dev.port = ntohs(a.sin_port);
}

static void
device_close(void)
{
	while (dev.npeers > 0)
		drop_peer(dev.peers[0]);
	uv_close((uv_handle_t *)&dev.listener, NULL);
}

/* ---- what came out ---- */

#define BATCHES_MAX 20000
static struct seen { struct batch_head head; uint32_t status, flags; uint64_t value; } seen[BATCHES_MAX];
static uint32_t nseen;

static void
on_batch(void *arg, const struct batch_head *head, const struct sample *samples, const void *blob)
{
	(void)arg;
	(void)blob;
	CHECK(nseen < BATCHES_MAX);
	seen[nseen++] = (struct seen){ *head, head->n > 0 ? samples[0].status : 0, head->n > 0 ? samples[0].flags : 0,
		head->n > 0 ? samples[0].v.u : 0 };
}

__attribute__((unused)) __attribute__((unused)) static uint32_t
count(uint64_t key, uint32_t status)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < nseen; i++)
		n += seen[i].head.source_key == key && seen[i].status == status;
	return n;
}

/* Sequence numbers of a source run from 1 without a hole. */
__attribute__((unused)) static void
check_sequence(uint64_t key)
{
	uint64_t seq = 0;
	for (uint32_t i = 0; i < nseen; i++)
		if (seen[i].head.source_key == key)
			CHECK_INT(seen[i].head.seq, ++seq);
}

/* ---- plans and running ---- */

static struct plan *
make_plan(int port, uint32_t n, int64_t period_ns, const uint64_t *keys)
{
	struct plan *p = calloc(1, sizeof *p);
	p->nsources = n;
	p->sources = arena_array(&p->arena, n, sizeof *p->sources);
	for (uint32_t i = 0; i < n; i++) {
		struct source *s = &p->sources[i];
		*s = (struct source){ .driver = "toy", .key = keys[i], .ntags = 3, .nscans = 1,
			.scans_ns = { period_ns } };
		s->name = arena_printf(&p->arena, "unit-%llu", (unsigned long long)keys[i]);
		s->link = s->endpoint = arena_printf(&p->arena, "%d", port);
		s->tags = arena_array(&p->arena, 3, sizeof *s->tags);
		for (uint32_t t = 0; t < 3; t++)
			s->tags[t] = (struct tag){ .path = arena_printf(&p->arena, "Line/%s/%u", s->name, t),
			    .at = "x", .unit = "",
				.scan_ns = period_ns, .source = i, .index = t };
	}
	return p;
}

#define RUN_TICK_MS	2u
#define RUN_GAP_NS	(20 * NS_PER_MS)	/* the period of most plans here */

static struct running { int64_t left_ns; struct mono last; } running;

static void
on_run_tick(uv_timer_t *t)
{
	struct mono now = mono_now();
	int64_t ran = mono_diff(now, running.last);

	running.last = now;
	running.left_ns -= ran < RUN_GAP_NS ? ran : RUN_GAP_NS;
	if (running.left_ns <= 0)
		uv_stop(t->loop);
}

/*
 * Let all run for so much time of the processor's: what a busy machine keeps from us in one go is not counted beyond a period. The engine
 * makes one scan of those that fall into such a gap, so there are as many scans in the end as without it.
 */
static void
run_ms(int ms)
{
	uv_timer_t t;

	running = (struct running){ ms * NS_PER_MS, mono_now() };
	uv_timer_init(&loop, &t);
	uv_timer_start(&t, on_run_tick, RUN_TICK_MS, RUN_TICK_MS);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&t, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
}

/* What must come true in the end, however long a busy machine takes. */
#define RUN_UNTIL(cond) do {							\
	for (int i_ = 0; i_ < 5000 && !(cond); i_++)				\
		run_ms(2);							\
	CHECK(cond); } while (0)

__attribute__((unused)) static struct field *
start(struct plan *p, uint32_t connects_max)
{
	struct field_config c = { .loop = &loop, .out.batch = on_batch, .driver = find_toy,
	    .connects_max = connects_max,
		.retry_min_ns = 2 * NS_PER_MS, .retry_max_ns = 4 * NS_PER_MS };
	struct field *f;
	nseen = 0;
	CHECK_INT(field_new(&c, &f), 0);
	CHECK_INT(field_apply(f, p), 0);
	return f;
}

__attribute__((unused)) static void
setup(void)
{
	memset(&dev, 0, sizeof dev);
	CHECK_INT(uv_loop_init(&loop), 0);
	device_open(0);
}

__attribute__((unused)) static void
teardown(struct field *f)
{
	field_free(f);
	device_close();
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
}

#endif
