/* Orders over loopback: in time or not at all, once, and judged by what the device holds afterwards. */
#include "field/order.h"
#include "field/toy_rig.h"

static const uint64_t keys[] = { 11, 22 };
static struct value want = { .type = VALUE_U8, .u = 42 };
static uint64_t last_id;
static unsigned told;
static struct request_result result;
static char code[64];

static void
on_done(void *arg, const struct request_result *r)
{
	(void)arg;
	told++;
	result = *r;
	snprintf(code, sizeof code, "%s", r->code);
}

static struct field *
begin_scanning(int64_t period_ns)
{
	struct plan *p;

	setup();
	toy_back = (struct toy_back){ 0 };
	told = 0;
	last_id = 0;
	p = make_plan(dev.port, 1, period_ns, keys);
	for (uint32_t t = 0; t < 2; t++)
		p->sources[0].tags[t].writable = true;
	struct field *f = start(p, 0);
	RUN_UNTIL(count(keys[0], 0) > 0);
	return f;
}

static struct field *
begin(void)
{
	return begin_scanning(20 * NS_PER_MS);
}

static struct order
order(int64_t ttl_ms)
{
	return (struct order){ .id = ++last_id, .deadline = mono_add(boot_now(), ttl_ms * NS_PER_MS), .source_key = 11,
	    .source = "unit-11",
	    .tag = "Line/unit-11/0", .readback_tag = "Line/unit-11/0", .within_ns = 300 * NS_PER_MS,
	    .ask = { .kind = REQUEST_WRITE, .target = "", .method = "", .event = "", .args = &want, .nargs = 1,
	        .from = "", .user = "",
	    .key = "", .note = "" } };
}

static void
take(struct field *f, struct order o)
{
	order_take(f, &o, on_done, NULL);
}

TEST(a_write_is_confirmed_and_read_back)
{
	struct field *f = begin();
	take(f, order(30000));
	int64_t left = mono_diff(toy_back.deadline, mono_now());
	CHECK(left > 0 && left <= 30 * NS_PER_S);
	RUN_UNTIL(told == 1);
	CHECK_INT(result.state, REQUEST_APPLIED);
	CHECK_INT(result.readback.u, 42);
	CHECK_INT(toy_back.writes, 1);
	teardown(f);
}

TEST(a_device_that_confirms_and_does_nothing_is_found)
{
	struct field *f = begin();
	struct order o = order(30000);
	toy_back.deaf = true;
	o.within_ns = 2 * NS_PER_S;
	take(f, o);
	run_ms(150);
	CHECK_INT(told, 0);		/* it may take its time */
	RUN_UNTIL(told == 1);
	CHECK_INT(result.state, REQUEST_UNKNOWN);
	CHECK_STR(code, "readback");
	CHECK_INT(result.readback.u, 77);
	teardown(f);
}

TEST(without_readback_the_device_is_believed)
{
	struct field *f = begin();
	struct order o = order(30000);
	toy_back.deaf = true;
	o.readback_tag = "";
	take(f, o);
	CHECK_INT(result.state, REQUEST_APPLIED);
	toy_back.err = ERR_TIMEOUT;
	o.id = ++last_id;
	take(f, o);
	CHECK_INT(result.state, REQUEST_UNKNOWN);
	CHECK_STR(code, "unconfirmed");
	teardown(f);
}

TEST(a_write_whose_answer_was_lost_may_still_be_found_there)
{
	struct field *f = begin();
	toy_back.err = ERR_TIMEOUT;
	toy_back.value = 42;
	take(f, order(30000));
	RUN_UNTIL(told == 1);
	CHECK_INT(result.state, REQUEST_APPLIED);
	teardown(f);
}

TEST(what_is_over_is_not_begun)
{
	struct field *f = begin();
	take(f, order(0));
	CHECK_INT(result.state, REQUEST_EXPIRED);
	take(f, order(-1000));
	CHECK_INT(result.state, REQUEST_EXPIRED);
	toy_back.err = ERR_EXPIRED;	/* over in the driver's queue */
	take(f, order(30000));
	CHECK_INT(result.state, REQUEST_EXPIRED);
	CHECK_INT(told, 3);
	CHECK_INT(toy_back.writes, 1);
	teardown(f);
}

TEST(an_order_that_has_ended_may_not_leave_the_drivers_queue)
{
	struct field *f = begin();
	toy_back.silent = true;
	take(f, order(30000));
	CHECK(toy_back.id != 0 && mono_before(mono_now(), order_deadline(f, toy_back.id)));
	order_end_all(f);
	CHECK_STR(code, "stopped");
	CHECK(!mono_before(mono_now(), order_deadline(f, toy_back.id)));
	teardown(f);
}

/* The device's side reads nothing: at the deadline bytes wait in both kernels, and ours may not get there later. */
TEST(what_waits_in_our_kernel_at_the_deadline_is_reset)
{
	struct field *f = begin_scanning(60 * NS_PER_S);	/* no scan that gives up on the connection first */
	unsigned before = dev.accepts;
	for (int i = 0; i < dev.npeers; i++)
		uv_read_stop((uv_stream_t *)dev.peers[i]);
	toy_back.silent = toy_back.fill = true;
	take(f, order(1500));
	run_ms(60);
	CHECK_INT(told, 0);
	CHECK_INT(dev.accepts, before);
	RUN_UNTIL(dev.accepts == before + 1);
	teardown(f);
}

TEST(whole_numbers_read_back_are_the_same_or_not)
{
	static struct value big = { .type = VALUE_U32, .u = 20000000 };
	struct field *f = begin();
	struct order o = order(30000);
	o.ask.args = &big;
	toy_back.deaf = true;
	toy_back.value = 20000001;
	take(f, o);
	RUN_UNTIL(told == 1);
	CHECK_INT(result.state, REQUEST_UNKNOWN);
	CHECK_STR(code, "readback");
	teardown(f);
}

TEST(an_order_is_done_once)
{
	struct field *f = begin();
	struct order o = order(30000), older = o;
	o.id = last_id = 5;
	take(f, o);
	RUN_UNTIL(told == 1);
	CHECK_INT(result.state, REQUEST_APPLIED);
	take(f, o);
	CHECK_STR(code, "repeated");
	older.id = 4;
	take(f, older);
	CHECK_STR(code, "repeated");
	CHECK_INT(toy_back.writes, 1);
	teardown(f);
}

TEST(what_cannot_be_is_refused_before_the_device_hears_of_it)
{
	struct field *f = begin();
	struct order o = order(30000);
	o.source_key = 12;
	take(f, o);
	CHECK_STR(code, "plan");
	o = order(30000);
	o.source = "unit-99";
	take(f, o);
	CHECK_STR(code, "plan");
	o = order(30000);
	o.tag = "Line/unit-11/2";	/* not writable */
	take(f, o);
	CHECK_STR(code, "device");
	o = order(30000);
	o.tag = "Line/unit-11/none";
	take(f, o);
	CHECK_STR(code, "device");
	o = order(30000);
	o.ask.kind = REQUEST_CALL;
	take(f, o);
	CHECK_STR(code, "device");
	CHECK_INT(toy_back.writes, 0);
	toy_back.err = ERR_DENIED;
	take(f, order(30000));
	CHECK_INT(result.state, REQUEST_REFUSED);
	CHECK_INT(told, 6);
	teardown(f);
}

TEST(without_a_connection_it_is_refused_and_not_kept)
{
	struct field *f = begin();
	device_close();
	RUN_UNTIL(f->links[0]->state != LINK_UP);
	take(f, order(30000));
	CHECK_INT(result.state, REQUEST_REFUSED);
	CHECK_INT(toy_back.writes, 0);
	device_open(0);
	teardown(f);
}

TEST(what_is_under_way_at_a_stop_or_a_new_plan_is_unknown)
{
	struct field *f = begin();
	toy_back.silent = true;
	take(f, order(30000));
	run_ms(30);
	CHECK_INT(told, 0);
	CHECK_INT(field_apply(f, make_plan(dev.port, 1, 20 * NS_PER_MS, keys + 1)), 0);
	RUN_UNTIL(told == 1);
	CHECK_INT(result.state, REQUEST_UNKNOWN);
	CHECK_STR(code, "plan");
	teardown(f);
	f = begin();
	toy_back.silent = true;
	take(f, order(30000));
	teardown(f);
	CHECK_INT(told, 1);
	CHECK_STR(code, "stopped");
}

TEST_MAIN
