/* The driver's calls, without a server: a thread that cannot be started is tried again. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/test.h"
#include "driver/opcua/agent.h"
#include "os/clock.h"

static int failures;		/* of pthread_create() that are still to come */

int
pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	void *found = dlsym(RTLD_NEXT, "pthread_create");

	if (failures > 0) {
		failures--;
		return EAGAIN;
	}
	memcpy(&real, &found, sizeof real);
	return real(id, attr, run, arg);
}

static char said[200];
static int lefts;

static void
on_reach(struct driver_host *h, uint32_t src, bool reached, const char *text)
{
	(void)h, (void)src, (void)reached;
	snprintf(said, sizeof said, "%s", text);
}

static void on_left(struct driver_host *h) { (void)h; lefts++; }

TEST(a_thread_that_cannot_be_started_is_tried_again)
{
	struct keyval keys[UA_KEYS] = { [UA_KEY_SECURITY] = { .set = true, .i = 1 << UA_POLICY_NONE },
		[UA_KEY_TIMEOUT] = { .set = true, .i = 5 * NS_PER_S } };
	struct source s = { .name = "s", .driver = "opcua", .endpoint = "opc.tcp://127.0.0.1:1", .link = "opc.tcp://127.0.0.1:1", .keys = keys,
		.nkeys = UA_KEYS };
	const struct source *v = &s;
	struct link_sources sources = { .v = &v, .n = 1 };
	struct driver_host h = { .reach = on_reach, .left = on_left };
	_Alignas(16) static char ctx[4096];
	struct mono now = { 1000 * NS_PER_S };

	CHECK(opcua_driver.size(&sources) <= sizeof ctx);
	CHECK_INT(opcua_driver.open(ctx, &sources, &h), 0);
	failures = 2;
	opcua_driver.up(ctx, now, (struct wall){ 1 });
	CHECK(strstr(said, "no thread can be started") != NULL);
	for (int i = 0; i < 2; i++) {
		struct mono at = opcua_driver.next(ctx);
		CHECK(at.ns > now.ns && at.ns < now.ns + 60 * NS_PER_S);
		opcua_driver.tick(ctx, (struct mono){ at.ns - 1 }, (struct wall){ 1 });
		CHECK_INT(failures, 1 - i);
		opcua_driver.tick(ctx, at, (struct wall){ 1 });
		now = at;
	}
	CHECK_INT(opcua_driver.next(ctx).ns, MONO_NEVER.ns);
	opcua_driver.close(ctx);
	for (int i = 0; i < 5000 && ua_agents_living() > 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	CHECK_INT(ua_agents_living(), 0);
}

TEST_MAIN
