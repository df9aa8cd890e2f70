/*
 * Requests of sinks on their way to gate and back: each is answered once, whatever becomes of gate or of the one who
 * asked.
 */
#include "base/arena.h"
#include "base/log.h"
#include "base/test.h"
#include "office/inside.h"
#include "office/request.h"
#include "os/clock.h"

#include <string.h>

static struct office	 o;
static struct channel	 gate;
static unsigned		 told;
static enum request_state state;
static uint64_t		 id;

static int
on_outcome(void *arg, const struct msg *m)
{
	return office_outcome(arg, m->p, m->len);
}

static void
on_done(void *arg, const struct request_result *r)
{
	(void)arg;
	told++;
	state = r->state;
	id = r->id;
}

static void
begin(void)
{
	int fds[2];

	log_open("test", LOG_LEVEL_ERROR);
	o = (struct office){ 0 };
	told = 0;
	CHECK_INT(channel_pair(fds), 0);
	channel_init(&o.reporter.ch, fds[0], ROLE_OFFICE, ROLE_GATE);
	channel_init(&gate, fds[1], ROLE_GATE, ROLE_OFFICE);
	o.reporter.outcome = on_outcome;
	o.reporter.arg = &o;
}

static void
finish(void)
{
	office_requests_free(&o);
	if (o.reporter.ch.fd >= 0)
		channel_close(&o.reporter.ch);
	channel_close(&gate);
}

static const struct value five = { .type = VALUE_I32, .i = 5 };

static int
ask(const void *arg)
{
	struct request q = { .kind = REQUEST_WRITE, .target = "L/sp", .method = "", .event = "", .args = &five,
	    .nargs = 1, .from = "cli",
	    .user = "eva", .roles = { "operator" }, .nroles = 1, .key = "k", .note = "",
	        .deadline = mono_add(mono_now(), NS_PER_S) };
	return office_request(&o, "server", &q, on_done, (void *)(uintptr_t)arg);
}

/* What gate was told; its number. */
static uint64_t
heard(struct arena *a, struct request *q)
{
	struct msg m;

	CHECK_INT(channel_recv(&gate, &m), 0);
	CHECK_INT(m.type, MSG_REQUEST);
	struct reader r = rd_init(m.p, m.len);
	uint64_t number = rd_le64(&r);
	request_unpack(&r, a, q);
	CHECK_INT(rd_end(&r), 0);
	return number;
}

static void
answer(uint64_t number, enum request_state s)
{
	uint8_t bytes[500];
	struct writer w = wr_init(bytes, sizeof bytes);
	struct request_result res = { .id = 77, .state = s, .code = "", .text = "" };

	wr_le64(&w, number);
	request_result_pack(&w, &res);
	CHECK_INT(channel_send(&gate, MSG_OUTCOME, bytes, wr_len(&w), -1), 0);
}

TEST(a_request_goes_to_gate_under_the_sinks_name_and_its_outcome_comes_back)
{
	struct arena a = { 0 };
	struct request q;

	begin();
	CHECK_INT(ask(NULL), 0);
	uint64_t number = heard(&a, &q);
	CHECK_STR(q.from, "server");	/* whatever the sink says that it is */
	CHECK_STR(q.user, "eva");
	CHECK(q.nroles == 1 && q.nargs == 1 && q.args[0].i == 5);
	int64_t left = mono_diff(q.deadline, boot_now());
	CHECK(left > 0 && left <= NS_PER_S);
	answer(number, REQUEST_APPLIED);
	CHECK_INT(told, 0);
	CHECK_INT(reporter_receive(&o.reporter), 0);
	CHECK_INT(told, 1);
	CHECK_INT(state, REQUEST_APPLIED);
	CHECK_INT(id, 77);
	answer(number, REQUEST_REFUSED);	/* it was answered */
	CHECK_INT(reporter_receive(&o.reporter), 0);
	CHECK_INT(told, 1);
	arena_fini(&a);
	finish();
}

TEST(without_gate_nothing_is_asked_and_a_gate_that_dies_leaves_it_unknown)
{
	begin();
	CHECK_INT(ask(NULL), 0);
	CHECK_INT(ask(NULL), 0);
	office_requests_lost(&o);
	CHECK_INT(told, 2);
	CHECK_INT(state, REQUEST_UNKNOWN);
	channel_close(&o.reporter.ch);
	o.reporter.ch.fd = -1;
	CHECK_INT(ask(NULL), ERR_CONN);
	CHECK_INT(told, 2);
	finish();
}

TEST(one_who_is_gone_is_not_told)
{
	struct arena a = { 0 };
	struct request q;
	int me;

	begin();
	CHECK_INT(ask(&me), 0);
	uint64_t number = heard(&a, &q);
	office_request_forget(&o, &me);
	answer(number, REQUEST_APPLIED);
	CHECK_INT(reporter_receive(&o.reporter), 0);
	CHECK_INT(told, 0);
	CHECK_INT(o.nasks, 0);
	CHECK_INT(ask(&me), 0);
	office_requests_of_sink_gone(&o, "server");
	office_requests_lost(&o);
	CHECK_INT(told, 0);
	arena_fini(&a);
	finish();
}

TEST(only_so_many_are_under_way_and_a_full_channel_says_so)
{
	begin();
	int err = 0;
	unsigned n = 0;
	while ((err = ask(NULL)) == 0)
		n++;
	CHECK_INT(err, ERR_FULL);
	CHECK(n > 0 && n <= OFFICE_REQUESTS_MAX);
	CHECK_INT(o.nasks, n);
	finish();
}

TEST(an_outcome_that_is_none_breaks_the_channel)
{
	begin();
	CHECK_INT(channel_send(&gate, MSG_OUTCOME, "xyz", 3, -1), 0);
	CHECK(reporter_receive(&o.reporter) != 0);
	finish();
}

TEST_MAIN
