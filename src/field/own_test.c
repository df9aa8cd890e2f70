/* tsan */
/*
 * The engine with a driver that has a thread of its own (LINK_OWN): states come from what the driver says, samples pass while it is up and are bad once when it
 * is lost, a plan leaves what has not changed alone, a stop waits for the driver to leave.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "field/toy_rig.h"
#include "field/feed.h"
#include "os/stream.h"
#include "os/wake.h"

static const uint64_t keys[] = { 11, 22, 33 };

/* What the driver's thread has to say; a bit each. */
enum say { SAY_UP = 1, SAY_LOST = 2, SAY_VALUE = 4, SAY_LEFT = 8 };

struct own {
	struct driver_host	*h;
	struct link_sources	 s;
	pthread_t		 thread;
	int			 fd, in;
	atomic_uint		 say;		/* by the thread, taken by tick */
	atomic_bool		 leave, stop;
	atomic_uint		 reads;
	uint32_t		 read_id;
	bool			 bad;
};

static atomic_uint opened, closed, started, world;	/* world: say that all threads repeat */

static int
own_link(const struct source *s, struct link_spec *out)
{
	(void)s;
	*out = (struct link_spec){ .kind = LINK_OWN };
	return 0;
}

static size_t own_size(const struct link_sources *s) { (void)s; return sizeof(struct own); }

static int
own_open(void *ctx, const struct link_sources *s, struct driver_host *h)
{
	struct own *o = ctx;

	o->h = h;
	o->s = *s;
	atomic_fetch_add(&opened, 1);
	return wake_open(&o->fd) != 0 || wake_open(&o->in) != 0 ? ERR_NOMEM : 0;
}

static void *
own_thread(void *arg)
{
	struct own *o = arg;

	while (!atomic_load(&o->stop)) {
		struct wait_fd w = { .fd = o->in, .in = true };
		wait_fds(&w, 1, 5 * NS_PER_MS);
		wake_clear(o->in);
		atomic_fetch_or(&o->say, atomic_load(&o->leave) ? SAY_LEFT : atomic_load(&world));
		wake_set(o->fd);
	}
	return NULL;
}

static void
own_up(void *ctx, struct mono now, struct wall wall)
{
	struct own *o = ctx;

	(void)now;
	(void)wall;
	atomic_fetch_add(&started, 1);
	CHECK_INT(pthread_create(&o->thread, NULL, own_thread, o), 0);
}

static void
own_down(void *ctx, struct mono now, struct wall wall)
{
	struct own *o = ctx;

	(void)now;
	(void)wall;
	atomic_store(&o->leave, true);
	wake_set(o->in);
}

static void
own_give_up(void *ctx, uint32_t src, uint32_t status, struct wall wall)
{
	struct own *o = ctx;

	for (uint32_t i = 0; i < o->s.v[src]->ntags && !o->bad; i++)
		o->h->sample(o->h, src, i, status, NULL, (struct wall){ 0 }, (struct wall){ 0 }, wall, 0);
	o->bad = true;
}

static void
own_tick(void *ctx, struct mono now, struct wall wall)
{
	struct own *o = ctx;
	struct value v = { .type = VALUE_U8, .u = 5 };

	(void)now;
	wake_clear(o->fd);
	unsigned say = atomic_exchange(&o->say, 0);
	if ((say & SAY_LOST) != 0) {
		own_give_up(o, 0, (uint32_t)STATUS_BadNoCommunication, wall);
		o->h->reach(o->h, 0, false, "the cable is out");
	} else if ((say & SAY_UP) != 0)
		o->h->reach(o->h, 0, true, "");
	if ((say & SAY_VALUE) != 0) {
		o->bad = false;
		for (uint32_t i = 0; i < o->s.v[0]->ntags; i++)
			o->h->sample(o->h, 0, i, 0, &v, (struct wall){ 0 }, (struct wall){ 0 }, wall, 0);
	}
	if ((say & SAY_LEFT) != 0)
		o->h->left(o->h);
}

static void
own_close(void *ctx)
{
	struct own *o = ctx;

	atomic_fetch_add(&closed, 1);
	if (o->thread != 0) {
		atomic_store(&o->stop, true);
		wake_set(o->in);
		pthread_join(o->thread, NULL);
	}
	stream_close(o->fd);
	stream_close(o->in);
}

static int own_wake(const void *ctx) { return ((const struct own *)ctx)->fd; }
static struct mono own_next(const void *ctx) { (void)ctx; return MONO_NEVER; }

static int
own_scan(void *ctx, uint32_t src, uint32_t class, bool probe, struct mono now, struct wall wall)
{
	(void)ctx; (void)src; (void)class; (void)probe; (void)now; (void)wall;
	CHECK(false);		/* the engine scans no such link */
	return ERR_UNSUPPORTED;
}

static const struct driver own_driver = {
	.info = { .name = "toy" }, .link = own_link, .size = own_size, .open = own_open, .close = own_close, .wake = own_wake,
	.up = own_up, .down = own_down, .tick = own_tick, .next = own_next, .scan = own_scan, .give_up = own_give_up,
	.read = toy_read, .trace = toy_trace, .why = toy_why, .counts = toy_counts,
};

static const struct driver *
find_own(const char *name)
{
	return strcmp(name, "toy") == 0 ? &own_driver : NULL;
}

/* Sources with links of their own: 1, 2, ... */
static struct plan *
own_plan(uint32_t n, const uint64_t *k)
{
	struct plan *p = make_plan(0, n, 20 * NS_PER_MS, k);
	for (uint32_t i = 0; i < n; i++)
		p->sources[i].link = arena_printf(&p->arena, "own://%u", i);
	return p;
}

static struct field *
begin(struct plan *p)
{
	struct field_config c = { .loop = &loop, .out.batch = on_batch, .driver = find_own };
	struct field *f;

	nseen = 0;
	atomic_store(&opened, 0);
	atomic_store(&closed, 0);
	atomic_store(&started, 0);
	CHECK_INT(uv_loop_init(&loop), 0);
	CHECK_INT(field_new(&c, &f), 0);
	CHECK_INT(field_apply(f, p), 0);
	return f;
}

static void
end(struct field *f)
{
	field_free(f);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	CHECK_INT(atomic_load(&opened), atomic_load(&closed));
}

/* Good and bad samples of a source. */
static uint32_t
samples_with(uint64_t key, uint32_t status)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < nseen; i++)
		if (seen[i].head.source_key == key && seen[i].head.n > 0 && seen[i].status == status)
			n += seen[i].head.n;
	return n;
}

TEST(the_state_is_what_the_driver_says_and_tags_are_bad_once)
{
	atomic_store(&world, 0);
	struct field *f = begin(own_plan(1, keys));
	CHECK_INT(f->links[0]->state, LINK_CONNECTING);
	run_ms(50);
	CHECK_INT(f->links[0]->state, LINK_CONNECTING);
	atomic_store(&world, SAY_LOST);
	RUN_UNTIL(samples_with(11, (uint32_t)STATUS_BadNoCommunication) == 3);
	CHECK_INT(f->links[0]->state, LINK_WAITING);
	CHECK(strcmp(f->links[0]->cause, "the cable is out") == 0);
	atomic_store(&world, SAY_UP | SAY_VALUE);
	RUN_UNTIL(samples_with(11, 0) >= 3);
	CHECK_INT(f->links[0]->state, LINK_UP);
	CHECK_INT(f->links[0]->connects, 1);
	CHECK(f->links[0]->feeds[0]->health.answered);
	atomic_store(&world, SAY_LOST);
	RUN_UNTIL(samples_with(11, (uint32_t)STATUS_BadNoCommunication) == 6);
	run_ms(50);
	CHECK_INT(samples_with(11, (uint32_t)STATUS_BadNoCommunication), 6);
	CHECK_INT(f->links[0]->feeds[0]->nscans, 0);
	check_sequence(11);
	end(f);
}

TEST(a_new_plan_leaves_what_has_not_changed_alone)
{
	uint64_t other[] = { 11, 33 };

	atomic_store(&world, SAY_UP | SAY_VALUE);
	struct field *f = begin(own_plan(2, keys));
	struct link *first = f->links[0], *second = f->links[1];
	RUN_UNTIL(first->state == LINK_UP && second->state == LINK_UP);
	CHECK_INT(field_apply(f, own_plan(2, other)), 0);
	CHECK(f->links[0] == first);
	CHECK(f->links[1] != second);
	CHECK_INT(first->connects, 1);
	CHECK_INT(atomic_load(&started), 3);
	CHECK_INT(atomic_load(&closed), 1);
	RUN_UNTIL(samples_with(33, 0) > 0);
	CHECK_INT(f->links[1]->state, LINK_UP);
	check_sequence(11);
	check_sequence(33);
	end(f);
}

static void on_stopped(void *arg) { *(bool *)arg = true; }

TEST(a_stop_waits_until_the_driver_has_left)
{
	bool stopped = false;

	atomic_store(&world, SAY_UP | SAY_VALUE);
	struct field *f = begin(own_plan(2, keys));
	RUN_UNTIL(f->links[0]->state == LINK_UP && f->links[1]->state == LINK_UP);
	field_stop(f, 30 * NS_PER_S, on_stopped, &stopped);
	CHECK(!stopped);
	CHECK_INT(f->running, 2);
	RUN_UNTIL(stopped);
	CHECK_INT(f->running, 0);
	end(f);
}

TEST_MAIN
