/* The office as a whole on a real spool and ledger, with a sink that notes what it is offered. Gate is played by the test. */
#include "office/office.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "os/clock.h"
#include "sink/sink.h"
#include "spool/ledger.h"

static struct spool_tag tags[] = { { .name = "Line/a", .unit = "", .help = "", .type = VALUE_U32 } };
static const struct spool_schema schema = { .flow = "f", .version = 1, .tags = tags, .n = 1 };
static const struct spool_opts	 keep = { .durability = SPOOL_NONE };

/* The far end. */
static struct {
	struct sink_host *host;
	bool		 refuses;
	unsigned	 offers, refused;
	bool		 stops_late;
	void		(*stopped)(void *arg);		/* of a stop that is put off */
	void		*stopped_arg;
	uint64_t	 last_first, last_value;	/* of the last batch that was taken */
} far;

static int
fake_open(void *inst, const struct sink *cfg, const struct plan *plan, struct sink_host *h, char *why, size_t size)
{
	(void)inst, (void)cfg, (void)plan, (void)why, (void)size;
	far.host = h;
	return 0;
}

static int
fake_add(void *inst, struct sink_stream *s)
{
	(void)inst, (void)s;
	return 0;
}

static void
fake_remove(void *inst, struct sink_stream *s)
{
	(void)inst, (void)s;
}

static int
fake_offer(void *inst, struct sink_stream *s, const struct spool_batch *b, bool live)
{
	(void)inst, (void)live;
	uint64_t first = b->first, last = b->first + b->n - 1;

	if (far.refuses) {
		far.refused++;
		far.host->refused(far.host, s, first, last, "test");
		return 0;
	}
	far.offers++;
	far.last_first = first;
	far.last_value = b->samples[0].v.u;
	far.host->done(far.host, s, first, last);
	return 0;
}

static int
fake_preview(void *inst, struct sink_stream *s, const struct spool_batch *b, struct buf *out)
{
	(void)inst, (void)s, (void)b;
	buf_puts(out, "message");
	return 0;
}

static void
fake_stop(void *inst, struct mono deadline, void (*stopped)(void *arg), void *arg)
{
	(void)inst, (void)deadline;
	if (!far.stops_late) {
		stopped(arg);
		return;
	}
	far.stopped = stopped;
	far.stopped_arg = arg;
}

static void
fake_close(void *inst)
{
	(void)inst;
}

static const struct sink_type fake = { .size = 1, .open = fake_open, .stream_add = fake_add, .stream_remove = fake_remove,
	.offer = fake_offer, .preview = fake_preview, .stop = fake_stop, .close = fake_close };

static const struct sink_type *
find(const char *kind)
{
	(void)kind;
	return &fake;
}

/* Gate's part. */
static char			 state[128], dir[200];
static struct spool_root	*root;
static struct spool		*spool;
static struct ledger		*ledger;

static void
gate_begin(void)
{
	char path[160];
	long holder;

	snprintf(path, sizeof path, "%s/spool", state);
	snprintf(dir, sizeof dir, "%s/f@00000001", path);
	CHECK_INT(spool_root_open(path, &disk_os, &root, &holder), 0);
	CHECK_INT(spool_open(root, &schema, &keep, &spool), 0);
	CHECK_INT(ledger_open(dir, &disk_os, &ledger), 0);
}

static void
gate_end(void)
{
	ledger_close(ledger);
	spool_close(spool);
	spool_root_close(root);
}

static void
append(uint32_t n, uint64_t value)
{
	struct sample v[16];
	uint64_t first;

	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct sample){ .arrival = { NS_PER_S + (int64_t)value }, .v = { .type = VALUE_U32, .u = value + i } };
	CHECK_INT(spool_append(spool, v, n, &(struct spool_mark){ 0 }, (struct wall){ NS_PER_S }, &first), 0);
}

static void
enter(enum ledger_kind kind, uint64_t first, uint64_t last)
{
	struct ledger_entry e = { .kind = kind, .when = { NS_PER_S }, .sink = "broker", .first = first, .last = last, .note = "" };
	CHECK_INT(ledger_put(ledger, &e), 0);
}

/* The office's part. */
static uv_loop_t	loop;
static struct office	*office;
static bool		 has_stopped;

static void
stopped(void *arg)
{
	(void)arg;
	has_stopped = true;
}

/* A sink "broker", and a flow "f" that goes to it, or to nobody. */
static struct plan *
plan_for(bool broker)
{
	struct plan *p = calloc(1, sizeof *p);

	CHECK(p != NULL);
	p->nsinks = p->nflows = 1;
	p->sinks = arena_array(&p->arena, 1, sizeof *p->sinks);
	p->sinks[0] = (struct sink){ .name = "broker", .kind = "fake", .key = 1 };
	p->flows = arena_array(&p->arena, 1, sizeof *p->flows);
	p->flows[0] = (struct flow){ .name = "f", .schema = 1, .nsinks = broker };
	p->flows[0].sinks = arena_array(&p->arena, 1, sizeof *p->flows[0].sinks);
	return p;
}

static void
office_begin(bool broker)
{
	struct office_opts o = { .loop = &loop, .state_dir = state, .disk = &disk_os, .find = find, .stopped = stopped };

	CHECK_INT(uv_loop_init(&loop), 0);
	has_stopped = false;
	CHECK_INT(office_open(&o, &office), 0);
	CHECK_INT(office_plan(office, plan_for(broker)), 0);
}

/* Turn the loop until *n is at least want, or for so long. */
static void
turn(const unsigned *n, unsigned want, int64_t most_ms)
{
	struct mono end = mono_add(mono_now(), most_ms * NS_PER_MS);

	while (*n < want && mono_before(mono_now(), end)) {
		office_wake(office);
		uv_run(&loop, UV_RUN_NOWAIT);
		uv_sleep(5);
	}
}

static void
office_end(void)
{
	office_stop(office, mono_add(mono_now(), NS_PER_S));
	while (!has_stopped)
		uv_run(&loop, UV_RUN_ONCE);
	office_close(office);
	while (uv_loop_close(&loop) == UV_EBUSY)
		uv_run(&loop, UV_RUN_ONCE);
}

static void
begin(void)
{
	snprintf(state, sizeof state, "%s", test_dir());
	memset(&far, 0, sizeof far);
	gate_begin();
	enter(LEDGER_SINK, 1, 1);
}

/* An item 1..10 in quarantine of which the ledger does not know yet, and no office. */
static void
put_aside(void)
{
	append(10, 100);
	far.refuses = true;
	office_begin(true);
	turn(&far.refused, 1, 5000);
	office_end();
	CHECK_INT(far.refused, 1);
	far.refuses = false;
}

TEST(what_is_put_aside_stays_aside_though_the_ledger_did_not_hear_of_it)
{
	begin();
	put_aside();
	append(10, 200);
	office_begin(true);
	turn(&far.offers, 1, 5000);
	turn(&far.offers, 2, 300);
	CHECK_INT(far.offers, 1);
	CHECK_INT(far.last_first, 11);
	office_end();
	gate_end();
}

/* Number 1..10 of the quarantine were lost from the spool, and others were admitted under the same numbers: they are owed. */
TEST(samples_whose_number_is_in_quarantine_since_before_a_power_cut_are_delivered)
{
	char cut[256];

	begin();
	put_aside();
	snprintf(cut, sizeof cut, "%s/00000000000000000001.seg", dir);
	gate_end();
	CHECK_INT(remove(cut), 0);
	gate_begin();
	office_begin(true);
	turn(&far.offers, 1, 300);
	CHECK_INT(far.offers, 0);
	office_end();
	append(10, 300);
	office_begin(true);
	turn(&far.offers, 1, 5000);
	CHECK_INT(far.offers, 1);
	CHECK_INT(far.last_value, 300);
	office_end();
	gate_end();
}

/* Who may see what is the site file's to say, for what is sent again too; and a retry brings nothing else along. */
TEST(a_sink_that_left_a_flow_gets_nothing_of_it_from_quarantine)
{
	const char *const retry[] = { "retry", "all" };
	struct buf out = { 0 };

	begin();
	put_aside();
	enter(LEDGER_QUARANTINED, 1, 10);
	enter(LEDGER_LEAVE, 0, 0);
	append(10, 200);
	office_begin(false);
	turn(&far.offers, 1, 100);
	CHECK(office_ask(office, "quarantine", 2, retry, &out));
	CHECK(strstr(buf_text(&out), "no sink of this flow any more") != NULL);
	turn(&far.offers, 1, 500);
	CHECK_INT(far.offers, 0);
	buf_fini(&out);
	office_end();
	gate_end();
}

/* Gate may bring the last batches of a flow that has left the plan when everything before them is delivered already. */
TEST(what_comes_late_to_a_stream_without_a_flow_is_delivered)
{
	struct plan *p = plan_for(true);

	begin();
	append(10, 100);
	enter(LEDGER_DELIVERED, 0, 10);
	p->nflows = 0;
	office_begin(true);
	CHECK_INT(office_plan(office, p), 0);
	turn(&far.offers, 1, 1200);
	CHECK_INT(far.offers, 0);
	append(10, 200);
	turn(&far.offers, 1, 10000);
	CHECK_INT(far.last_first, 11);
	office_end();
	gate_end();
}

/* A sink that a plan changes finishes first and is opened anew then: the backlog of old streams is its too. */
TEST(a_sink_that_was_changed_goes_on_with_streams_of_old)
{
	struct plan *p = plan_for(true);

	begin();
	p->nflows = 0;
	p->sinks[0].key = 2;
	office_begin(true);
	append(10, 100);
	far.stops_late = true;
	CHECK_INT(office_plan(office, p), 0);
	turn(&far.offers, 1, 100);
	CHECK_INT(far.offers, 0);
	far.stops_late = false;
	far.stopped(far.stopped_arg);
	turn(&far.offers, 1, 2000);
	CHECK_INT(far.offers, 1);
	office_end();
	gate_end();
}

TEST_MAIN
