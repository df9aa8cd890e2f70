/*
 * OPC UA, the client: the driver's calls. All work is done in the agent's thread (agent.h); here its rows become samples and answers, in the engine's
 * thread. See ua.h for the parts.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "driver/opcua/agent.h"
#include "driver/own.h"
#include "os/clock.h"
#include "site/link.h"

#define ROWS_A_TICK	20000u		/* then others in the engine's loop get their turn */
#define START_AGAIN_NS	(10 * NS_PER_S)
#define WHY_WAIT_NS	(100 * NS_PER_MS)

struct opcua {
	struct driver_host	*h;
	struct ua_thread	*t;
	uint32_t		 ntags;
	bool			 started, more;
	struct mono		 start_at;	/* the thread could not be started: again at this time; 0: no */
	bool			 bad;		/* all tags were made bad and nothing came since */
	bool			 reached_once;
	struct driver_counts	 counts;
};

static size_t
opcua_size(const struct link_sources *s)
{
	(void)s;
	return sizeof(struct opcua);
}

static int
opcua_open(void *ctx, const struct link_sources *s, struct driver_host *h)
{
	struct opcua *d = ctx;

	if (s->n != 1)
		return ERR_LIMIT;	/* each source has a link of its own, see endpoint_scheme */
	d->h = h;
	d->ntags = s->v[0]->ntags;
	return ua_agent_new(s->v[0], &d->t);
}

static void
opcua_close(void *ctx)
{
	ua_agent_release(((struct opcua *)ctx)->t);
}

static int
opcua_wake(const void *ctx)
{
	return ua_out_fd(((const struct opcua *)ctx)->t->agent.out);
}

static void
start(struct opcua *d, struct mono now)
{
	d->started = ua_agent_start(d->t) == 0;
	d->start_at = d->started ? (struct mono){ 0 } : mono_add(now, START_AGAIN_NS);
	if (!d->started)
		d->h->reach(d->h, 0, false, "no thread can be started: this machine is out of memory or of processes; tried again every 10 s");
}

static void
opcua_up(void *ctx, struct mono now, struct wall wall)
{
	struct opcua *d = ctx;

	(void)wall;
	start(d, now);
}

static void
opcua_down(void *ctx, struct mono now, struct wall wall)
{
	struct opcua *d = ctx;

	(void)now;
	(void)wall;
	if (!d->started) {
		d->start_at = (struct mono){ 0 };
		d->h->left(d->h);
		return;
	}
	atomic_store(&d->t->leave, true);
	ua_loop_wake(d->t->loop);
}

static void
all_bad(struct opcua *d, uint32_t status, struct wall wall)
{
	struct value none = { .type = VALUE_NULL };

	if (d->bad)
		return;
	d->bad = true;
	for (uint32_t i = 0; i < d->ntags; i++)
		d->h->sample(d->h, 0, i, status, &none, (struct wall){ 0 }, (struct wall){ 0 }, wall, 0);
}

static void
take_reach(struct opcua *d, const struct ua_out_row *r, const char *text, struct wall wall)
{
	if (r->flags != 0)
		d->reached_once = true;
	else
		all_bad(d, (uint32_t)(d->reached_once ? STATUS_BadNoCommunication : STATUS_BadServerNotConnected), wall);
	d->h->reach(d->h, 0, r->flags != 0, text);
}

static void
take(struct opcua *d, const struct ua_out_row *r, const char *text, struct wall wall)
{
	switch ((enum ua_out_kind)r->kind) {
	case UA_OUT_SAMPLE:
		d->bad = false;
		d->h->sample(d->h, 0, r->no, r->status, &r->v, r->source, r->server, r->arrival, r->flags);
		break;
	case UA_OUT_DONE:
		d->h->done(d->h, r->no, r->err, text);
		break;
	case UA_OUT_RESULT:
		if (d->h->result != NULL)
			d->h->result(d->h, r->no, r->status, &r->v);
		break;
	case UA_OUT_REACH:
		take_reach(d, r, text, wall);
		break;
	case UA_OUT_LEFT:
		d->h->left(d->h);
		break;
	case UA_OUT_ALIVE:
		d->h->outcome(d->h, 0, OUTCOME_OK, 0, 0);
		break;
	case UA_OUT_COUNTS:
		memcpy(&d->counts, r->v.p, sizeof d->counts);
		break;
	case UA_OUT_TRACE:
		d->h->frame(d->h, 0, r->flags != 0, text, text != NULL ? strlen(text) : 0, NULL);
		break;
	}
}

static void
opcua_tick(void *ctx, struct mono now, struct wall wall)
{
	struct opcua *d = ctx;
	const struct ua_out_row *r = NULL;
	const char *text;

	if (d->start_at.ns != 0 && !mono_before(now, d->start_at))
		start(d, now);
	for (unsigned i = 0; i < ROWS_A_TICK && (r = ua_out_next(d->t->agent.out, &text)) != NULL; i++)
		take(d, r, text, wall);
	d->more = r != NULL;
}

static struct mono
opcua_next(const void *ctx)
{
	const struct opcua *d = ctx;

	return d->more ? (struct mono){ 0 } : d->start_at.ns != 0 ? d->start_at : MONO_NEVER;
}

static void
opcua_give_up(void *ctx, uint32_t src, uint32_t status, struct wall wall)
{
	(void)src;
	all_bad(ctx, status, wall);
}

static int
ask(struct opcua *d, struct ua_ask *k)
{
	k->deadline = d->h->deadline != NULL && k->kind != UA_ASK_READ ? d->h->deadline(d->h, k->id) : MONO_NEVER;
	return d->started ? ua_agent_ask(d->t, k) : ERR_CONN;
}

static int
opcua_read(void *ctx, uint32_t src, const uint32_t *tags, uint32_t n, uint32_t id, struct mono now)
{
	(void)src;
	(void)now;
	return ask(ctx, &(struct ua_ask){ .kind = UA_ASK_READ, .id = id, .tags = tags, .ntags = n });
}

static int
opcua_write(void *ctx, uint32_t src, uint32_t tag, const struct value *v, uint32_t id, struct mono now)
{
	struct opcua *d = ctx;
	struct value copy = *v;

	(void)src;
	(void)now;
	if (!d->t->conf.writes)
		return ERR_DENIED;
	return ask(d, &(struct ua_ask){ .kind = UA_ASK_WRITE, .id = id, .tags = &tag, .ntags = 1, .args = &copy, .nargs = 1 });
}

static int
opcua_call(void *ctx, uint32_t src, const char *method_at, const struct value *args, uint32_t nargs, uint32_t id, struct mono now)
{
	struct opcua *d = ctx;

	(void)src;
	(void)now;
	if (!d->t->conf.calls)
		return ERR_DENIED;
	return ask(d, &(struct ua_ask){ .kind = UA_ASK_CALL, .id = id, .method = method_at,
		.args = (struct value *)(uintptr_t)args, .nargs = nargs });
}

static int
opcua_ack(void *ctx, uint32_t src, uint32_t tag, const char *event, const char *comment, uint32_t id, struct mono now)
{
	struct opcua *d = ctx;

	(void)src;
	(void)now;
	if (!d->t->conf.calls)
		return ERR_DENIED;
	return ask(d, &(struct ua_ask){ .kind = UA_ASK_ACK, .id = id, .tags = &tag, .ntags = 1, .method = event, .comment = comment });
}

static void
opcua_trace(void *ctx, uint32_t src, bool on)
{
	(void)src;
	atomic_store(&((struct opcua *)ctx)->t->trace, on);
}

static void
why_item(struct ua_agent *a, const struct ua_item *it, struct json *out)
{
	if (it->trouble != UA_STATUSCODE_GOOD) {
		json_key_text(out, "trouble", UA_StatusCode_name(it->trouble));
		json_key_i64(out, "trouble_since_s", mono_diff(a->now, it->since) / NS_PER_S);
	}
	if (it->why != NULL)
		json_key_text(out, "reason", it->why);
	for (const struct ua_part *p = ua_parts; p->name != NULL; p++)
		if (p->why != NULL)
			p->why(a, it, out);
}

static void
opcua_why(const void *ctx, uint32_t src, uint32_t tag, struct json *out)
{
	const struct opcua *d = ctx;
	struct ua_thread *t = d->t;
	struct timespec until;

	(void)src;
	int64_t at = wall_now().ns + WHY_WAIT_NS;
	until = (struct timespec){ .tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S };
	if (pthread_mutex_timedlock(&t->lock, &until) != 0) {
		json_key_text(out, "busy", "the driver's thread has much to do at the moment: ask again");
		return;
	}
	if (t->working) {
		ua_conn_why(t, out);
		why_item(&t->agent, &t->agent.items[tag], out);
	} else {
		json_key_text(out, "busy", "the driver's thread is not at work: it is being started, or could not be");
	}
	pthread_mutex_unlock(&t->lock);
}

static struct driver_counts
opcua_counts(const void *ctx, uint32_t src)
{
	(void)src;
	return ((const struct opcua *)ctx)->counts;
}

const struct driver opcua_driver = {
	.info = { .name = "opcua", .help = "OPC UA: a server, or a redundant set of them.", .keys = ua_keys, .at_forms = ua_at_forms,
	    .default_port = 4840, .endpoint_scheme = "opc.tcp", .parse_at = ua_parse_at, .parse_method = ua_parse_method,
	    .writes = true, .calls = true, .acks = true, .load = own_no_load },
	.link = own_link, .size = opcua_size, .open = opcua_open, .close = opcua_close, .wake = opcua_wake, .up = opcua_up,
	.down = opcua_down, .input = own_no_input, .tick = opcua_tick, .next = opcua_next, .scan = own_no_scan,
	.give_up = opcua_give_up, .read = opcua_read, .write = opcua_write, .call = opcua_call, .ack = opcua_ack,
	.trace = opcua_trace, .why = opcua_why, .counts = opcua_counts, .explain = own_explain,
};
