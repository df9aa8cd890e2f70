/* For tests of the sink as a whole: open62541's client beside rig.h, in one process. Header only. */
#ifndef SINK_OPCUA_SERVER_CLIENT_RIG_H
#define SINK_OPCUA_SERVER_CLIENT_RIG_H

#include <open62541/client.h>
#include <open62541/client_config_default.h>
#include <open62541/client_highlevel.h>
#include <open62541/client_subscriptions.h>
#include <sys/stat.h>

#include "base/test.h"
#include "sink/opcua_server/rig.h"

#ifdef __SANITIZE_THREAD__
/* The library takes its locks in two orders, but always in one thread. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "detect_deadlocks=0"; }
#endif

#define T0	(1700000000 * NS_PER_S)

static inline void
rig_quiet(void *ctx, UA_LogLevel level, UA_LogCategory c, const char *fmt, va_list ap)
{
	(void)ctx, (void)level, (void)c, (void)fmt, (void)ap;
}
static UA_Logger rig_no_log = { .log = rig_quiet };

/* A sink that listens. key: one to be set to i first; UAS_KEYS: none. */
static inline void
rig_begin_with(struct rig *r, enum uas_key key, int64_t i)
{
	static char dir[600];
	char why[500], path[700];

	snprintf(dir, sizeof dir, "%s", test_dir());
	snprintf(path, sizeof path, "%s/office", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/office/ua", dir);
	mkdir(path, 0700);
	rig_init(r, dir);
	if (key != UAS_KEYS)
		r->keys[key].i = i;
	CHECK_INT(rig_open(r, why, sizeof why), 0);
	CHECK(rig_until(r, &r->up));
}

static inline void rig_begin(struct rig *r) { rig_begin_with(r, UAS_KEYS, 0); }

/* Its connection succeeds or not: *status. */
static inline UA_Client *
rig_try_client(const struct rig *r, UA_StatusCode *status)
{
	UA_ClientConfig c = { .logging = &rig_no_log };
	char url[100];

	CHECK_INT(UA_ClientConfig_setDefault(&c), 0);
	c.timeout = 20000;
	UA_Client *cl = UA_Client_newWithConfig(&c);
	snprintf(url, sizeof url, "opc.tcp://127.0.0.1:%u", r->port);
	*status = UA_Client_connect(cl, url);
	return cl;
}

static inline UA_Client *
rig_client(const struct rig *r)
{
	UA_StatusCode status;
	UA_Client *c = rig_try_client(r, &status);

	CHECK_INT(status, 0);
	return c;
}

static inline void
rig_leave(UA_Client *c)
{
	UA_Client_disconnect(c);
	UA_Client_delete(c);
}

static inline void
rig_end(struct rig *r, UA_Client *c)
{
	rig_leave(c);
	rig_fini(r);
}

static inline UA_NodeId
rig_node(const char *id)
{
	return UA_NODEID_STRING(2, (char *)(uintptr_t)id);
}

static inline struct sample
rig_sample(uint32_t tag, double v, int64_t t_ns)
{
	return (struct sample){ .tag = tag, .source.ns = t_ns, .arrival.ns = t_ns + NS_PER_MS, .v = { .type = VALUE_F64, .f64 = v } };
}

/* Until all that was offered is done. */
static inline void
rig_settle(struct rig *r)
{
	for (int i = 0; i < 30000 && r->done + 1 < r->next; i++) {
		rig_pump(r);
		mono_sleep(NS_PER_MS);
	}
	CHECK_INT(r->done + 1, r->next);
}

#endif
