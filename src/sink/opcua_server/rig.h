/*
 * For tests and the bench: a sink of kind opcua-server with a host that stands in for office, and schemas made here. The caller pumps the loop.
 */
#ifndef SINK_OPCUA_SERVER_RIG_H
#define SINK_OPCUA_SERVER_RIG_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "sink/opcua_server/uas.h"

struct rig {
	uv_loop_t		 loop;
	struct sink_host	 host;
	void			*inst;
	struct plan		 plan;
	struct zone		 zone;
	struct sink		 cfg;
	struct keyval		 keys[UAS_KEYS];
	char			 listen[64], state[600], dir[700], text[512];
	uint16_t		 port;
	bool			 up, stopped;
	uint64_t		 done, readys;		/* samples done; calls of ready */
	struct sink_stream	 stream;
	struct spool_schema	 schema;
	uint64_t		 next;			/* number of the next sample */
	uint64_t		 stats[32];
	struct request		 asked;			/* the last request */
	char			 asked_target[256], asked_user[64], asked_role[64];
	double			 asked_value;
	request_done		*asked_done;
	void			*asked_arg;
	unsigned		 asks;
};

static inline struct rig *
rig_of(struct sink_host *h)
{
	return (struct rig *)((char *)h - offsetof(struct rig, host));
}

static inline void
rig_done(struct sink_host *h, struct sink_stream *s, uint64_t first, uint64_t last)
{
	(void)s;
	rig_of(h)->done += last - first + 1;
}

static inline void rig_ready(struct sink_host *h) { rig_of(h)->readys++; }
static inline void rig_lost(struct sink_host *h, const char *why) { (void)why; rig_of(h)->up = false; }

static inline void
rig_state(struct sink_host *h, bool up, const char *text)
{
	rig_of(h)->up = up;
	snprintf(rig_of(h)->text, sizeof rig_of(h)->text, "%s", text);
}

static inline int
rig_request(struct sink_host *h, const struct request *q, request_done *done, void *arg)
{
	struct rig *r = rig_of(h);

	snprintf(r->asked_target, sizeof r->asked_target, "%s", q->target);
	snprintf(r->asked_user, sizeof r->asked_user, "%s", q->user);
	snprintf(r->asked_role, sizeof r->asked_role, "%s", q->nroles > 0 ? q->roles[0] : "");
	if (!value_as_f64(&q->args[0], &r->asked_value))
		r->asked_value = -1;
	r->asked_done = done;
	r->asked_arg = arg;
	r->asks++;
	return 0;
}

static inline void rig_forget(struct sink_host *h, const void *arg) { (void)h; (void)arg; }

static inline uint16_t
rig_free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 || getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		abort();
	close(fd);
	return ntohs(a.sin_port);
}

/* A sink in this directory; keys may be changed before rig_open(). */
static inline void
rig_init(struct rig *r, const char *state)
{
	*r = (struct rig){ 0 };
	uv_loop_init(&r->loop);
	snprintf(r->state, sizeof r->state, "%s", state);
	snprintf(r->dir, sizeof r->dir, "%s/office/ua", state);
	r->port = rig_free_port();
	snprintf(r->listen, sizeof r->listen, "127.0.0.1:%u", r->port);
	r->zone = (struct zone){ .name = "it", .level = 4, .it = true };
	r->plan = (struct plan){ .enterprise = "Acme", .site = "Dresden", .zones = &r->zone, .nzones = 1, .sinks = &r->cfg, .nsinks = 1 };
	r->cfg = (struct sink){ .name = "ua", .kind = "opcua-server", .keys = r->keys, .nkeys = UAS_KEYS };
	r->keys[UAS_K_LISTEN] = (struct keyval){ .set = true, .s = r->listen };
	r->keys[UAS_K_SECURITY] = (struct keyval){ .set = true, .i = 1 << UAS_SEC_NONE };
	r->keys[UAS_K_ANONYMOUS] = (struct keyval){ .set = true, .b = true };
	r->keys[UAS_K_SESSIONS] = (struct keyval){ .set = true, .i = 200 };
	r->keys[UAS_K_SUBSCRIPTIONS] = (struct keyval){ .set = true, .i = 1000 };
	r->keys[UAS_K_ITEMS] = (struct keyval){ .set = true, .i = 300000 };
	r->keys[UAS_K_MEMORY] = (struct keyval){ .set = true, .i = (int64_t)1 << 30 };
	r->keys[UAS_K_HISTORY] = (struct keyval){ .set = true, .b = true };
	r->host = (struct sink_host){ .loop = &r->loop, .state_dir = r->dir, .done = rig_done, .ready = rig_ready, .lost = rig_lost, .state = rig_state,
	    .request = rig_request, .request_forget = rig_forget, .stats = r->stats };
	r->next = 1;
}

static inline int
rig_open(struct rig *r, char *why, size_t size)
{
	r->inst = calloc(1, opcua_server_sink.size);
	why[0] = '\0';
	return opcua_server_sink.open(r->inst, &r->cfg, &r->plan, &r->host, why, size);
}

static inline void rig_pump(struct rig *r) { uv_run(&r->loop, UV_RUN_NOWAIT); }

/* Pump until *what, at most some seconds. */
static inline bool
rig_until(struct rig *r, const bool *what)
{
	struct mono end = mono_add(mono_now(), 60 * NS_PER_S);

	while (!*what && mono_before(mono_now(), end)) {
		rig_pump(r);
		mono_sleep(NS_PER_MS);
	}
	return *what;
}

/* A stream of these tags (borrowed). */
static inline int
rig_add(struct rig *r, struct spool_tag *tags, uint32_t n, const struct flow *flow)
{
	r->schema = (struct spool_schema){ .flow = "f", .version = 1, .tags = tags, .n = n };
	r->stream = (struct sink_stream){ .flow = "f", .schema_version = 1, .schema = &r->schema, .plan = &r->plan, .plan_flow = flow };
	int err = opcua_server_sink.stream_add(r->inst, &r->stream);
	mono_sleep(200 * NS_PER_MS);	/* the server's tick takes it up; there is no news of it */
	return err;
}

/* Offer samples as the stream's next batch; pumps while the sink has no room. */
static inline void
rig_offer(struct rig *r, struct sample *v, uint32_t n, bool live)
{
	struct spool_batch b = { .first = r->next, .n = n, .samples = v };

	while (opcua_server_sink.offer(r->inst, &r->stream, &b, live) != 0) {
		rig_pump(r);
		mono_sleep(NS_PER_MS);
	}
	r->next += n;
}

static inline void rig_stopped(void *arg) { ((struct rig *)arg)->stopped = true; }

static inline void
rig_fini(struct rig *r)
{
	opcua_server_sink.stop(r->inst, mono_add(mono_now(), 5 * NS_PER_S), rig_stopped, r);
	rig_until(r, &r->stopped);
	opcua_server_sink.close(r->inst);
	free(r->inst);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	uv_loop_close(&r->loop);
}

#endif
