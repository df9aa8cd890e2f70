/* tsan */
/*
 * The way from an agent's thread to the engine's: order and content survive, a full queue makes the agent wait and a closed one lets it go; agents without a
 * server come and go and leave nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/test.h"
#include "driver/opcua/agent.h"
#include "os/clock.h"
#include "os/wake.h"

#ifdef __SANITIZE_THREAD__
/*
 * The agent's lock is let go and taken again within calls of the library (a name is looked up, the queue is full), which holds a mutex of its client then.
 * Nobody but the agent's thread ever takes that mutex, so the order of the two cannot matter.
 */
const char *__tsan_default_suppressions(void);
const char *
__tsan_default_suppressions(void)
{
	return "deadlock:take_lock\ndeadlock:lockClient\n";
}
#endif

/* A source with no tags; keys at their defaults. */
static struct ua_thread *
make_agent(const char *endpoint)
{
	static struct keyval keys[UA_KEYS];
	static struct source s;
	struct ua_thread *t = NULL;

	keys[UA_KEY_SECURITY] = (struct keyval){ .set = true, .i = 1 << UA_POLICY_NONE };
	keys[UA_KEY_TIMEOUT] = (struct keyval){ .set = true, .i = 5 * NS_PER_S };
	s = (struct source){ .name = "s", .driver = "opcua", .endpoint = endpoint, .link = endpoint, .keys = keys, .nkeys = UA_KEYS };
	CHECK_INT(ua_agent_new(&s, &t), 0);
	return t;
}

static void
nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

static void
wait_until_gone(void)
{
	for (int i = 0; i < 5000 && ua_agents_living() > 0; i++)
		nap();
	CHECK_INT(ua_agents_living(), 0);
}

#define ROWS 200000u

/* Row i: a sample of tag i with a text of i % 300 bytes; every 1000th a done with a reason. */
static void *
produce(void *arg)
{
	struct ua_thread *t = arg;
	char text[300];

	memset(text, 'x', sizeof text);
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < ROWS; i++) {
		struct value v = { .type = VALUE_TEXT, .len = i % 300, .p = text };
		if (i % 1000 == 999)
			ua_out_done(&t->agent, i, ERR_CONN, "the connection went away");
		else
			ua_out_sample(&t->agent, i, i, &v, (struct wall){ i }, (struct wall){ i + 1 }, (struct wall){ i + 2 },
			    SAMPLE_HISTORICAL);
		if (i % 100 == 0)
			ua_out_flush(t);
	}
	ua_out_flush(t);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void
check_row(const struct ua_out_row *r, const char *text, uint32_t i)
{
	CHECK_INT(r->no, i);
	if (i % 1000 == 999) {
		CHECK_INT(r->kind, UA_OUT_DONE);
		CHECK_INT(r->err, ERR_CONN);
		CHECK(strcmp(text, "the connection went away") == 0);
		return;
	}
	CHECK_INT(r->kind, UA_OUT_SAMPLE);
	CHECK_INT(r->status, i);
	CHECK_INT(r->flags, SAMPLE_HISTORICAL);
	CHECK_INT(r->v.len, i % 300);
	CHECK(r->v.len == 0 || (((const char *)r->v.p)[0] == 'x' && ((const char *)r->v.p)[r->v.len - 1] == 'x'));
	CHECK(r->source.ns == i && r->server.ns == i + 1 && r->arrival.ns == i + 2);
}

TEST(all_rows_arrive_in_order_however_slow_the_reader_is)
{
	struct ua_thread *t = make_agent("opc.tcp://127.0.0.1:1");
	const struct ua_out_row *r;
	pthread_t id;
	const char *text;
	uint32_t n = 0;

	CHECK_INT(pthread_create(&id, NULL, produce, t), 0);
	for (int i = 0; i < 200; i++)
		nap();		/* 200,000 rows of 250 bytes are more than UA_OUT_MAX: the other side waits by now */
	while (n < ROWS) {
		struct wait_fd w = { .fd = ua_out_fd(t->agent.out), .in = true };
		CHECK_INT(wait_fds(&w, 1, 10 * NS_PER_S), 1);
		while ((r = ua_out_next(t->agent.out, &text)) != NULL)
			check_row(r, text, n++);
	}
	pthread_join(id, NULL);
	CHECK(ua_out_next(t->agent.out, &text) == NULL);
	struct wait_fd w = { .fd = ua_out_fd(t->agent.out), .in = true };
	CHECK_INT(wait_fds(&w, 1, 0), 0);
	ua_agent_release(t);
	wait_until_gone();
}

TEST(an_agent_whose_engine_has_let_go_does_not_wait)
{
	struct ua_thread *t = make_agent("opc.tcp://127.0.0.1:1");
	pthread_t id;

	CHECK_INT(pthread_create(&id, NULL, produce, t), 0);
	nap();
	ua_out_close(t->agent.out);
	pthread_join(id, NULL);
	ua_agent_release(t);
	wait_until_gone();
}

TEST(agents_that_find_no_server_say_why_and_leave_at_once)
{
	const struct ua_out_row *r = NULL;
	const char *text;

	for (int i = 0; i < 5; i++) {
		struct ua_thread *t = make_agent("opc.tcp://127.0.0.1:1");
		CHECK_INT(ua_agent_start(t), 0);
		for (int k = 0; k < 2500 && ((r = ua_out_next(t->agent.out, &text)) == NULL || r->kind != UA_OUT_REACH); k++)
			nap();
		CHECK(r != NULL && r->flags == 0);
		CHECK(strstr(text, "connecting: 127.0.0.1:1: ") == text);
		CHECK_INT(ua_agent_ask(t, &(struct ua_ask){ .kind = UA_ASK_CALL, .id = 7, .method = "m" }), 0);
		ua_agent_release(t);
	}
	wait_until_gone();
}

TEST(an_endpoint_that_makes_no_sense_is_told)
{
	struct ua_thread *t = make_agent("http://127.0.0.1:1");
	const struct ua_out_row *r = NULL;
	const char *text = "";

	CHECK_INT(ua_agent_start(t), 0);
	for (int k = 0; k < 2500 && ((r = ua_out_next(t->agent.out, &text)) == NULL || r->kind != UA_OUT_REACH); k++)
		nap();
	CHECK(r != NULL && strstr(text, "is no opc.tcp URL") != NULL);
	/* It waits to be asked to leave, and then says once that it has. */
	for (int k = 0; k < 50; k++, nap())
		CHECK((r = ua_out_next(t->agent.out, &text)) == NULL || r->kind != UA_OUT_LEFT);
	atomic_store(&t->leave, true);
	ua_loop_wake(t->loop);
	for (int k = 0; k < 2500 && ((r = ua_out_next(t->agent.out, &text)) == NULL || r->kind != UA_OUT_LEFT); k++)
		nap();
	CHECK(r != NULL);
	ua_agent_release(t);
	wait_until_gone();
}

TEST_MAIN
