/* tsan */
/* The history: packing, rolling up, the store, and the sink over crashes. The sink's worker runs on another thread. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "ring/stats.h"
#include "sink/history/store.h"
#include "sink/sink.h"

static uint64_t	seed = 1;

static uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static struct value
random_value(uint8_t type, uint8_t *bytes)
{
	struct value v = { .type = type };
	float f = (float)(rnd() % 1000) / 8;
	double d = (double)(int64_t)rnd() / 1e6;

	if (value_has_bytes(type)) {
		v.len = (uint32_t)(rnd() % 5 * (value_size(type) ? value_size(type) : 1));
		for (uint32_t i = 0; i < v.len; i++)
			bytes[i] = (uint8_t)('a' + rnd() % 26);
		v.p = bytes;
	} else if (type == VALUE_BOOL)
		v.b = rnd() & 1;
	else if (type == VALUE_F32)
		v.f32 = rnd() % 5 ? f : NAN;
	else if (type == VALUE_F64)
		v.f64 = d;
	else if (type >= VALUE_I8 && type <= VALUE_U8)
		v.i = (int64_t)(rnd() % 100);
	else
		v.u = rnd() % 3 ? rnd() % 1000 : rnd();
	return v;
}

struct kept {
	int64_t		t;
	uint32_t	status;
	uint8_t		flags;
	struct value	v;
	uint8_t		bytes[64];
};
static struct kept	kept[2000];
static size_t		nkept, at;

static bool
compare(void *arg, const struct point *p)
{
	(void)arg;
	CHECK(at < nkept);
	CHECK(p->t == kept[at].t);
	CHECK_INT(p->status, kept[at].status);
	CHECK_INT(p->flags, kept[at].flags);
	CHECK(value_equal(&p->v, &kept[at].v));
	at++;
	return true;
}

TEST(what_is_packed_comes_back_whatever_its_type)
{
	static const uint8_t types[] = { VALUE_BOOL, VALUE_I8, VALUE_U16, VALUE_I32, VALUE_U64, VALUE_F32, VALUE_F64, VALUE_TIME, VALUE_TEXT,
	    VALUE_BYTES, VALUE_JSON, VALUE_F32 | VALUE_ARRAY };
	for (size_t k = 0; k < 200; k++) {
		struct chunk c = { 0 };
		int64_t t = 1700000000000000000 + (int64_t)(rnd() % 1000);
		nkept = at = 0;
		for (;;) {
			struct kept *e = &kept[nkept];
			bool none = rnd() % 20 == 0;
			e->v = none ? (struct value){ .type = VALUE_NULL } : random_value(types[k % sizeof types], e->bytes);
			if (!none && nkept > 0 && rnd() % 4 == 0 && kept[nkept - 1].v.type == e->v.type) {
				memcpy(e->bytes, kept[nkept - 1].bytes, sizeof e->bytes);
				e->v = kept[nkept - 1].v;
				if (value_has_bytes(e->v.type))
					e->v.p = e->bytes;
			}
			t += rnd() % 3 ? 100000000 : (int64_t)(rnd() % 1000000000);
			e->t = t;
			e->status = none ? 0x800A0000 : rnd() % 10 == 0 ? 0x40940000 : 0;
			e->flags = rnd() % 30 == 0 ? SAMPLE_LATE : 0;
			int err = chunk_append(&c, e->t, e->status, e->flags, &e->v);
			if (err == ERR_FULL)
				break;
			CHECK_INT(err, 0);
			nkept++;
		}
		CHECK(nkept > 50);
		CHECK_INT(c.n, nkept);
		CHECK(c.len <= CHUNK_BYTES);
		CHECK_INT(chunk_read(c.p, c.len, compare, NULL), 0);
		CHECK_INT(at, nkept);
		chunk_fini(&c);
	}
}

TEST(a_steady_value_costs_a_byte_a_sample)
{
	struct chunk c = { 0 };
	struct value v = { .type = VALUE_F32, .f32 = 21.5f };
	for (int i = 0; i < 1000; i++)
		CHECK_INT(chunk_append(&c, 1700000000000000000 + i * INT64_C(1000000000), 0, 0, &v), 0);
	CHECK(c.len < 1000 + 30);
	chunk_fini(&c);
}

TEST(a_damaged_chunk_is_refused_and_ends)
{
	struct chunk c = { 0 };
	struct value v = { .type = VALUE_U32, .u = 7 };
	nkept = 0;
	for (int i = 0; i < 50; i++)
		CHECK_INT(chunk_append(&c, i * INT64_C(99991), 0, 0, &v), 0);
	CHECK_INT(chunk_read("\x02\x07", 2, compare, NULL), ERR_VERSION);
	CHECK_INT(chunk_read("\x01\xff", 2, compare, NULL), ERR_PROTO);
	CHECK_INT(chunk_read("\x01\x07\x40", 3, compare, NULL), ERR_PROTO);
	CHECK_INT(chunk_read("\x01\x07\x02", 3, compare, NULL), ERR_SHORT);
	chunk_fini(&c);
}

TEST(roll_ups_agree_with_counting_by_hand)
{
	struct rolls r = { 0 };
	static const struct { int64_t ms; double v; bool bad; } in[] = {
		{ 100, 1, false }, { 900, 3, false }, { 1000, 10, false }, { 1500, 0, true }, { 2500, 5, false }, { 500, 8, false } /* late */,
	};
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
		struct point p = { .t = in[i].ms * 1000000, .status = in[i].bad ? 0x80000000 : 0, .v = { .type = VALUE_F64, .f64 = in[i].v } };
		CHECK_INT(rolls_add(&r, ROLL_1S, &p), 0);
	}
	CHECK_INT(r.n, 3);
	CHECK(r.v[0].n == 3 && r.v[0].min == 1 && r.v[0].max == 8 && r.v[0].sum == 12 && r.v[0].last == 3);
	CHECK(r.v[1].n == 1 && r.v[1].bad == 1 && r.v[1].sum == 10);
	CHECK(r.v[2].t == 2000000000 && r.v[2].last == 5);
	CHECK(roll_floor(-1, 1000) == -1000 && roll_floor(-1000, 1000) == -1000 && roll_floor(999, 1000) == 0);
	rolls_fini(&r);
}

/* ---- the sink over a fake office ---- */

static struct sink_stream	stream;
static struct sink_host		host;
static uint64_t			stats_page[STATS_sink_N];
static uint64_t			acked, owed;
static bool			is_stopped;
static char			folder[512];
static uv_loop_t		*loop;

static void
on_done(struct sink_host *h, struct sink_stream *s, uint64_t first, uint64_t last)
{
	(void)h;
	(void)s;
	CHECK(first == acked + 1);
	acked = last;
}

static void on_ready(struct sink_host *h) { (void)h; }
static void on_state(struct sink_host *h, bool connected, const char *text) { (void)h; (void)connected; (void)text; }
static void on_stopped(void *arg) { (void)arg; is_stopped = true; }

static void *
start(const struct spool_schema *schema)
{
	struct keyval keys[4] = { 0 };
	struct sink cfg = { .name = "h", .keys = keys, .nkeys = 4 };
	char why[256];
	void *inst = calloc(1, history_sink.size);

	loop = malloc(sizeof *loop);
	uv_loop_init(loop);
	host = (struct sink_host){ .loop = loop, .state_dir = folder, .done = on_done, .ready = on_ready, .state = on_state, .stats = stats_page };
	stream = (struct sink_stream){ .flow = schema->flow, .schema_version = schema->version, .schema = schema };
	CHECK_INT(history_sink.open(inst, &cfg, NULL, &host, why, sizeof why), 0);
	CHECK_INT(history_sink.stream_add(inst, &stream), 0);
	return inst;
}

static void
stop(void *inst)
{
	is_stopped = false;
	history_sink.stop(inst, (struct mono){ INT64_MAX }, on_stopped, NULL);
	while (!is_stopped)
		uv_run(loop, UV_RUN_ONCE);
	history_sink.close(inst);
	free(inst);
	uv_loop_close(loop);
	free(loop);
}

static void	*abandoned[64];		/* read by the leak checker alone */
static size_t	 nabandoned;

/* What a crash leaves is the file: chunks in memory, the loop and its timer are abandoned as they are. */
static void
crash(void *inst)
{
	for (int i = 0; i < 20; i++) {	/* a job that runs may end: a thread cannot be killed alone */
		uv_run(loop, UV_RUN_NOWAIT);
		usleep(2000);
	}
	abandoned[nabandoned++] = inst;
	abandoned[nabandoned++] = loop;
}

static bool
keep_point(void *arg, const struct point *p)
{
	(void)arg;
	CHECK(nkept == 0 || p->t > kept[nkept - 1].t);
	kept[nkept++].t = p->t;
	return true;
}

static bool
keep_points(void *arg, const struct series_info *s)
{
	CHECK_INT(history_points(arg, s->id, 0, INT64_MAX, keep_point, NULL), 0);
	return true;
}

#define TAGS 7u
static int64_t time_of(uint64_t n) { return 1700000000000000000 + (int64_t)(n / TAGS) * 100000000; }

static void
offer(void *inst, uint64_t first, uint32_t n)
{
	static struct sample v[4096];
	struct spool_batch b = { .first = first, .n = n, .samples = v };
	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct sample){ .tag = (uint32_t)((first + i) % TAGS), .arrival = { time_of(first + i) },
		    .v = { .type = VALUE_F64, .f64 = (double)(first + i) } };
	int err;
	while ((err = history_sink.offer(inst, &stream, &b, true)) == ERR_FULL)
		uv_run(loop, UV_RUN_ONCE);
	CHECK_INT(err, 0);
}

static uint64_t	seen;
static double	last_seen;

static bool
count_point(void *arg, const struct point *p)
{
	(void)arg;
	CHECK(p->v.f64 > last_seen);
	last_seen = p->v.f64;
	CHECK(p->t == time_of((uint64_t)p->v.f64));
	seen++;
	return true;
}

static bool
count_series(void *arg, const struct series_info *s)
{
	struct rolls r = { 0 };
	uint64_t before = seen, rolled = 0;
	last_seen = 0;
	CHECK_INT(history_points(arg, s->id, 0, INT64_MAX, count_point, NULL), 0);
	for (int l = 0; l < ROLL_LEVELS; l++) {
		r.n = 0;
		rolled = 0;
		CHECK_INT(history_rolls(arg, s->id, (enum roll_level)l, 0, INT64_MAX, &r), 0);
		for (size_t i = 0; i < r.n; i++)
			rolled += r.v[i].n;
		CHECK_INT(rolled, seen - before);
	}
	rolls_fini(&r);
	return true;
}

TEST(every_sample_is_there_exactly_once_over_crashes_and_repeats)
{
	struct spool_tag tags[TAGS];
	char names[TAGS][16], why[256], path[600];
	struct spool_schema schema = { .flow = "f", .version = 3, .tags = tags, .n = TAGS };
	struct history *h;

	snprintf(folder, sizeof folder, "%s", test_dir());
	for (unsigned i = 0; i < TAGS; i++) {
		snprintf(names[i], sizeof names[i], "a/t%u", i);
		tags[i] = (struct spool_tag){ .name = names[i], .unit = "", .help = "", .type = VALUE_F64 };
	}
	acked = owed = 0;
	for (int round = 0; round < 6; round++) {
		void *inst = start(&schema);
		/* Office offers from the oldest that was not acknowledged, in the same batches. */
		for (uint64_t first = acked + 1; first <= owed; first += 100)
			offer(inst, first, 100);
		for (int i = 0; i < 100; i++) {
			offer(inst, owed + 1, 100);
			owed += 100;
			if (rnd() % 8 == 0)
				uv_run(loop, UV_RUN_NOWAIT);
		}
		if (round % 2 == 0)
			crash(inst);
		else {
			stop(inst);
			CHECK(acked == owed);
		}
	}
	snprintf(path, sizeof path, "%s/" HISTORY_FILE, folder);
	CHECK_INT(history_open(path, false, &h, why, sizeof why), 0);
	seen = 0;
	CHECK_INT(history_each_series(h, "a/*", count_series, h), 0);
	CHECK_INT(seen, owed);
	history_close(h);
}

TEST(numbers_given_anew_after_a_power_cut_are_new_samples)
{
	struct spool_tag tag = { .name = "a/t0", .unit = "", .help = "", .type = VALUE_F64 };
	struct spool_schema schema = { .flow = "f", .version = 3, .tags = &tag, .n = 1 };
	char path[600], why[256];
	struct history *h;
	struct sample v = { .v = { .type = VALUE_F64 } };
	struct spool_batch b = { .n = 1, .samples = &v };

	snprintf(folder, sizeof folder, "%s", test_dir());
	acked = 0;
	for (int run = 0; run < 2; run++) {	/* the spool lost its numbers 6..10 in between */
		void *inst = start(&schema);
		for (uint64_t n = run == 0 ? 1 : 6; n <= 10; n++) {
			b.first = n;
			v.arrival.ns = (int64_t)(n + (run == 0 ? 0 : 100)) * 1000000000;
			v.v.f64 = (double)v.arrival.ns / 1e9;
			acked = n - 1;
			CHECK_INT(history_sink.offer(inst, &stream, &b, true), 0);
		}
		acked = run == 0 ? 0 : 5;
		stop(inst);
	}
	snprintf(path, sizeof path, "%s/" HISTORY_FILE, folder);
	CHECK_INT(history_open(path, false, &h, why, sizeof why), 0);
	nkept = 0;
	CHECK_INT(history_each_series(h, "a/t0", keep_points, h), 0);
	CHECK_INT(nkept, 15);
	history_close(h);
}

static uint64_t	done_of[2];

static void
on_done_of_two(struct sink_host *h, struct sink_stream *s, uint64_t first, uint64_t last)
{
	uint64_t *done = &done_of[s->schema_version - 1];
	(void)h;
	CHECK(first == *done + 1);
	*done = last;
}

static void
offer_one(void *inst, struct sink_stream *s, uint64_t n, uint64_t t)
{
	struct sample v = { .arrival = { time_of(t) }, .v = { .type = VALUE_F64, .f64 = (double)t } };
	struct spool_batch b = { .first = n, .n = 1, .samples = &v };
	int err;
	while ((err = history_sink.offer(inst, s, &b, true)) == ERR_FULL)
		uv_run(loop, UV_RUN_ONCE);
	CHECK_INT(err, 0);
}

TEST(a_new_stream_of_a_flow_goes_on_where_the_old_one_ended)
{
	struct spool_tag tag = { .name = "a/t0", .unit = "", .help = "", .type = VALUE_F64 };
	struct spool_schema old = { .flow = "f", .version = 1, .tags = &tag, .n = 1 }, new = { .flow = "f", .version = 2, .tags = &tag, .n = 1 };
	struct sink_stream second = { .flow = "f", .schema_version = 2, .schema = &new };
	char path[600], why[256];
	struct history *h;

	snprintf(folder, sizeof folder, "%s", test_dir());
	done_of[0] = done_of[1] = 0;
	void *inst = start(&old);
	host.done = on_done_of_two;
	for (uint64_t i = 1; i <= 50; i++)
		offer_one(inst, &stream, i, i * TAGS);
	while (done_of[0] < 50)
		uv_run(loop, UV_RUN_ONCE);
	/* The plan changes while the old stream has a backlog of more than a chunk. */
	CHECK_INT(history_sink.stream_add(inst, &second), 0);
	for (uint64_t i = 51; i <= 3000; i++)
		offer_one(inst, &stream, i, i * TAGS);
	offer_one(inst, &second, 1, 3001 * TAGS);	/* waits until what the old one brought is committed */
	CHECK_INT(done_of[0], 3000);
	history_sink.stream_remove(inst, &stream);
	for (uint64_t i = 2; i <= 1000; i++)
		offer_one(inst, &second, i, (3000 + i) * TAGS);
	stop(inst);
	CHECK_INT(done_of[1], 1000);
	snprintf(path, sizeof path, "%s/" HISTORY_FILE, folder);
	CHECK_INT(history_open(path, false, &h, why, sizeof why), 0);
	seen = 0;
	CHECK_INT(history_each_series(h, "a/*", count_series, h), 0);	/* each once, in raw and in every roll-up */
	CHECK_INT(seen, 4000);
	history_close(h);
}

#define TEXT_LEN 3000u
#define MANY 9000u

static bool
count_texts(void *arg, const struct point *p)
{
	(void)arg;
	CHECK_INT(p->v.len, TEXT_LEN);
	seen++;
	return true;
}

static bool
count_texts_of(void *arg, const struct series_info *s)
{
	CHECK_INT(history_points(arg, s->id, 0, INT64_MAX, count_texts, NULL), 0);
	return true;
}

/* More open chunks than may be held in memory, and chunks that fill while a job is under way. */
TEST(what_is_held_in_memory_is_bounded_and_stops_nothing)
{
	static uint8_t text[TEXT_LEN];
	static char names[MANY][16];
	struct spool_tag *tags = calloc(MANY, sizeof *tags);
	struct spool_schema schema = { .flow = "f", .version = 3, .tags = tags, .n = MANY };
	struct sample *v = calloc(MANY, sizeof *v);
	char path[600], why[256];
	struct history *h;

	snprintf(folder, sizeof folder, "%s", test_dir());
	memset(text, 'x', sizeof text);
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof names[i], "a/t%u", i);
		tags[i] = (struct spool_tag){ .name = names[i], .unit = "", .help = "", .type = VALUE_TEXT };
	}
	acked = 0;
	void *inst = start(&schema);
	for (uint64_t first = 1; first <= 2 * MANY; first += 100) {
		struct spool_batch b = { .first = first, .n = 100, .samples = v };
		for (uint32_t i = 0; i < 100; i++)
			v[i] = (struct sample){ .tag = (uint32_t)((first + i - 1) % MANY), .arrival = { time_of(first + i) },
			    .v = { .type = VALUE_TEXT, .len = TEXT_LEN, .p = text } };
		while (history_sink.offer(inst, &stream, &b, true) == ERR_FULL)
			uv_run(loop, UV_RUN_ONCE);
		uv_run(loop, UV_RUN_NOWAIT);
	}
	stop(inst);
	CHECK_INT(acked, 2 * MANY);
	snprintf(path, sizeof path, "%s/" HISTORY_FILE, folder);
	CHECK_INT(history_open(path, false, &h, why, sizeof why), 0);
	seen = 0;
	CHECK_INT(history_each_series(h, "**", count_texts_of, h), 0);
	CHECK_INT(seen, 2 * MANY);
	history_close(h);
	free(tags);
	free(v);
}

static void
on_done_of(struct sink_host *h, struct sink_stream *s, uint64_t first, uint64_t last)
{
	(void)h;
	*(uint64_t *)s->delivery += last - first + 1;
}

/* n samples of one tag, with values and times that go on from stream to stream. wait: until they are done. */
static void
offer_to(void *inst, struct sink_stream *s, uint64_t *number, uint64_t *value, uint32_t n, bool wait)
{
	struct sample v;
	struct spool_batch b = { .n = 1, .samples = &v };

	for (uint32_t i = 0; i < n; i++, ++*value) {
		b.first = ++*number;
		v = (struct sample){ .arrival = { time_of(*value) }, .v = { .type = VALUE_F64, .f64 = (double)*value } };
		CHECK_INT(history_sink.offer(inst, s, &b, true), 0);
	}
	while (wait && *(uint64_t *)s->delivery < *number)
		uv_run(loop, UV_RUN_ONCE);
}

/* While a new schema version takes over, the old one may still bring something, and it may come back. */
TEST(two_versions_of_a_flow_share_a_series_and_lose_nothing)
{
	struct spool_tag tag = { .name = "a/t0", .unit = "", .help = "", .type = VALUE_F64 };
	struct spool_schema one = { .flow = "f", .version = 3, .tags = &tag, .n = 1 }, two = one;
	uint64_t number[2] = { 0 }, done[2] = { 0 }, value = 7;
	struct sink_stream newer = { .flow = "f", .schema_version = 4, .schema = &two, .delivery = &done[1] };
	char path[600], why[256];
	struct history *h;

	two.version = 4;
	snprintf(folder, sizeof folder, "%s", test_dir());
	void *inst = start(&one);
	host.done = on_done_of;
	stream.delivery = &done[0];
	offer_to(inst, &stream, &number[0], &value, 50, true);
	offer_to(inst, &stream, &number[0], &value, 50, false);
	CHECK_INT(history_sink.stream_add(inst, &newer), 0);
	offer_to(inst, &stream, &number[0], &value, 50, true);
	offer_to(inst, &newer, &number[1], &value, 50, true);
	offer_to(inst, &stream, &number[0], &value, 50, true);
	history_sink.stream_remove(inst, &stream);
	offer_to(inst, &newer, &number[1], &value, 50, true);
	CHECK_INT(history_sink.stream_add(inst, &stream), 0);
	offer_to(inst, &stream, &number[0], &value, 50, false);
	history_sink.stream_remove(inst, &newer);
	offer_to(inst, &stream, &number[0], &value, 50, true);
	stop(inst);

	snprintf(path, sizeof path, "%s/" HISTORY_FILE, folder);
	CHECK_INT(history_open(path, false, &h, why, sizeof why), 0);
	seen = 0;
	CHECK_INT(history_each_series(h, "a/*", count_series, h), 0);
	CHECK_INT(seen, value - 7);
	history_close(h);
}

static bool
any_point(void *arg, const struct point *p)
{
	(void)arg;
	(void)p;
	seen++;
	return true;
}

TEST(what_is_too_old_goes_as_fast_as_it_may_come)
{
	static const int64_t keep_ns[1 + ROLL_LEVELS] = { NS_PER_S };
	char path[600], why[256];
	struct chunk c = { 0 };
	struct value v = { .type = VALUE_F64, .f64 = 1 };
	struct history *h;

	snprintf(path, sizeof path, "%s/" HISTORY_FILE, test_dir());
	CHECK_INT(history_open(path, true, &h, why, sizeof why), 0);
	CHECK_INT(chunk_append(&c, time_of(0), 0, 0, &v), 0);
	CHECK_INT(history_begin(h), 0);
	for (int64_t i = 1; i <= 4096; i++) {	/* rows of a whole job */
		struct raw_row r = { .id = i, .series = 1, .t0 = c.t0, .t1 = c.t1, .n = 1, .data = c.p, .len = c.len };
		CHECK_INT(history_put_raw(h, &r), 0);
	}
	CHECK_INT(history_expire(h, time_of(0) + 2 * NS_PER_S, keep_ns), 0);
	CHECK_INT(history_commit(h), 0);
	seen = 0;
	CHECK_INT(history_points(h, 1, 0, INT64_MAX, any_point, NULL), 0);
	CHECK_INT(seen, 0);
	history_close(h);
	chunk_fini(&c);
}

TEST(a_file_that_is_no_history_is_named_with_a_remedy)
{
	char path[600], why[256];
	struct history *h;
	snprintf(path, sizeof path, "%s/x.db", test_dir());
	FILE *f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("garbage ", f);
	fclose(f);
	CHECK_INT(history_open(path, true, &h, why, sizeof why), ERR_CORRUPT);
	CHECK(strstr(why, "move the file aside") != NULL);
}

TEST_MAIN
