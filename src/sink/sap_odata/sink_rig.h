/*
 * For tests and measurements: an sap-odata sink as office runs it, on a loop of its own, with a far end of http_rig.h. What the sink says is noted in
 * `w`; requests for tags are all admitted, one after the other.
 */
#ifndef SAP_ODATA_SINK_RIG_H
#define SAP_ODATA_SINK_RIG_H

#include "os/clock.h"
#include "ring/stats.h"
#include "sink/sap_odata/http_rig.h"
#include "sink/sink.h"

static struct world {
	uv_loop_t	 loop;
	struct sink_host host;
	struct sink	 cfg;
	struct keyval	 keys[64];
	struct plan	 plan;
	struct rig	 rig;
	void		*inst;
	uint64_t	 stats[STATS_FIGURES_MAX], done, refused;
	bool		 connected, stopped;
	char		 server[40], dir[300], state[500], why[500], answer[4000];
	const char	*posts[1], *reads[1];
	uv_timer_t	 tick;
	request_done	*asked;		/* a write that has no answer yet */
	void		*asked_arg;
	struct buf	 writes;	/* "tag=value\n" */
	bool		 refuse;	/* the next one */
} w;

static void on_done(struct sink_host *h, struct sink_stream *s, uint64_t first, uint64_t last) { (void)h; (void)s; w.done += last - first + 1; }
static void on_ready(struct sink_host *h) { (void)h; }
static void on_lost(struct sink_host *h, const char *why) { (void)h; (void)why; }
static void on_stopped(void *arg) { *(bool *)arg = true; }
static void on_forget(struct sink_host *h, const void *arg) { (void)h; (void)arg; w.asked = NULL; }

static void
on_tick(uv_timer_t *t)
{
	const struct request_result r = { .state = w.refuse ? REQUEST_REFUSED : REQUEST_APPLIED, .code = "", .text = "" };
	request_done *done = w.asked;
	(void)t;

	w.asked = NULL;
	w.refuse = w.refuse && done == NULL;
	if (done != NULL)
		done(w.asked_arg, &r);
}

/* Gate admits all. */
static int
on_request(struct sink_host *h, const struct request *q, request_done *done, void *arg)
{
	(void)h;
	CHECK(w.asked == NULL && q->kind == REQUEST_WRITE && q->nargs == 1 && q->args[0].type == VALUE_TEXT && strcmp(q->user, "sap") == 0);
	buf_printf(&w.writes, "%s=%.*s\n", q->target, (int)q->args[0].len, (const char *)q->args[0].p);
	w.asked = done;
	w.asked_arg = arg;
	return 0;
}

static void
on_refused(struct sink_host *h, struct sink_stream *s, uint64_t first, uint64_t last, const char *reason)
{
	(void)h;
	(void)s;
	w.refused += last - first + 1;
	snprintf(w.why, sizeof w.why, "%s", reason);
}

static void
on_state(struct sink_host *h, bool connected, const char *text)
{
	(void)h;
	w.connected = connected;
	snprintf(w.state, sizeof w.state, "%s", text);
}

static struct keyval *
key(const char *name)
{
	for (size_t i = 0; sap_odata_sink.info.keys[i].name != NULL; i++)
		if (strcmp(sap_odata_sink.info.keys[i].name, name) == 0) {
			w.keys[i].set = true;
			return &w.keys[i];
		}
	test_fail(__FILE__, __LINE__, "no key %s", name);
}

static void
sink_starts(void)
{
	char why[400];

	w.inst = calloc(1, sap_odata_sink.size);
	int err = sap_odata_sink.open(w.inst, &w.cfg, &w.plan, &w.host, why, sizeof why);
	if (err != 0)
		test_fail(__FILE__, __LINE__, "open: %s", why);
}

static void
sink_stops(void)
{
	w.stopped = false;
	sap_odata_sink.stop(w.inst, mono_add(mono_now(), 5 * NS_PER_S), on_stopped, &w.stopped);
	while (!w.stopped)
		uv_run(&w.loop, UV_RUN_ONCE);
	sap_odata_sink.close(w.inst);
	free(w.inst);
	w.inst = NULL;
}

/* A sink whose far end is a rig that answers by `reply`; not started yet, so that keys may be set. */
static void
office_begin(rig_reply *reply, unsigned batch_max, unsigned connections)
{
	memset(&w, 0, sizeof w);
	rig_serve(&w.rig, reply, NULL);
	uv_loop_init(&w.loop);
	uv_timer_init(&w.loop, &w.tick);
	uv_timer_start(&w.tick, on_tick, 20, 20);
	snprintf(w.dir, sizeof w.dir, "%s", test_dir());
	snprintf(w.server, sizeof w.server, "127.0.0.1:%u", w.rig.port);
	w.host = (struct sink_host){ .loop = &w.loop, .state_dir = w.dir, .done = on_done, .refused = on_refused, .ready = on_ready, .lost = on_lost,
	    .state = on_state, .request = on_request, .request_forget = on_forget, .stats = w.stats };
	w.cfg = (struct sink){ .name = "sap", .kind = "sap-odata", .keys = w.keys, .nkeys = (uint32_t)key_count(sap_odata_sink.info.keys) };
	w.posts[0] = "** -> production-confirmation";
	key("server")->s = w.server;
	key("token-path")->s = "/t";
	key("post")->list = w.posts;
	key("post")->n = 1;
	key("tls")->b = false;
	key("connections")->i = connections;
	key("batch")->i = batch_max;
	key("timeout")->i = key("connect-timeout")->i = 5 * NS_PER_S;
	key("settle")->i = 100 * NS_PER_MS;
	key("keep")->i = 3600 * NS_PER_S;
	key("keep-max")->i = 100000;
	key("answer-max")->i = 1 << 20;
	key("metadata-every")->i = key("poll")->i = 3600 * NS_PER_S;
}

static void
office_end(void)
{
	sink_stops();
	uv_close((uv_handle_t *)&w.tick, NULL);
	while (uv_loop_close(&w.loop) == UV_EBUSY)
		uv_run(&w.loop, UV_RUN_ONCE);
	rig_stop(&w.rig);
	rig_free(&w.rig);
	buf_fini(&w.writes);
}

static struct spool_tag tags[] = { { .name = "Line/confirmation", .type = VALUE_JSON }, { .name = "Line/speed", .type = VALUE_F64 } };
static const struct spool_schema schema = { .flow = "bookings", .version = 1, .tags = tags, .n = 2 };
static struct sink_stream stream = { .flow = "bookings", .schema = &schema };

static int
offer_value(uint64_t no, uint32_t tag, struct value v)
{
	struct sample s = { .tag = tag, .v = v };
	const struct spool_batch b = { .first = no, .n = 1, .samples = &s };
	return sap_odata_sink.offer(w.inst, &stream, &b, true);
}

/* Event number no, of one of `orders` orders. */
static int
offer_event(unsigned no, unsigned orders)
{
	char json[600];
	int len = snprintf(json, sizeof json, "{\"id\":\"6f1c0000-0000-5000-8000-%012u\",\"event\":\"Line/confirmation\",\"type\":\"operations-performance\","
	    "\"key\":\"%u\",\"no\":%u,\"time\":\"2026-11-22T22:40:12.123Z\",\"fields\":{\"order\":\"%u\",\"operation\":\"0010\",\"yield\":%u,\"unit\":\"PC\"},"
	    "\"units\":{},\"status\":{},\"from\":{}}", no, no, no, 1000100 + no % orders, no);
	return offer_value(no, 0, (struct value){ .type = VALUE_JSON, .len = (uint32_t)len, .p = json });
}

#define UNTIL(cond, what) do {									\
	struct mono until_ = mono_add(mono_now(), 40 * NS_PER_S);				\
	while (!(cond) && mono_before(mono_now(), until_))					\
		uv_run(&w.loop, UV_RUN_ONCE);							\
	if (!(cond))										\
		test_fail(__FILE__, __LINE__, "no %s; state: %s", (what), w.state);		\
} while (0)

#endif
