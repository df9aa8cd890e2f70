/*
 * The opcua-server sink: the plant as an OPC UA address space for SCADA and IT clients, in the office's zone. See doc/opcua-server.md.
 *
 * It is a live view with a history behind it, not a store: a batch is done once its values stand in the address space and every monitored item that
 * watches them has been told. What a client that is not there has missed, it reads from the history. This file is the contract with office; the
 * server has a thread of its own (server.c), and hand.c lies between.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "os/clock.h"
#include "ring/stats.h"
#include "sink/opcua_server/uas.h"

struct sink_thread_stream {
	uint32_t		 id;
	struct sink_stream	*of;
	struct sink_thread_stream *next;
};

struct asked {		/* a request under way */
	struct opcua_server	*sink;
	uint64_t		 ask;
	struct asked		*next;
};

struct opcua_server {
	struct sink_host	*host;
	struct uas_thread	 t;
	pthread_t		 thread;
	bool			 started, up, want_ready;
	uv_async_t		 async;
	struct sink_thread_stream *streams;
	uint32_t		 last_id;
	struct asked		*asked;
	void			(*stopped)(void *arg);
	void			*stopped_arg;
};

/* ---- streams ---- */

/* The tag of the site file behind tag i of a stream; NULL when the plan has it no longer. */
static const struct tag *
plan_tag_of(const struct sink_stream *s, uint32_t i)
{
	if (s->plan_flow == NULL || s->plan_flow->window_fns != 0 || i >= s->plan_flow->ntags)
		return NULL;
	const struct flow_tag *ft = &s->plan_flow->tags[i];
	if (ft->source >= s->plan->nsources || ft->tag >= s->plan->sources[ft->source].ntags)
		return NULL;
	return &s->plan->sources[ft->source].tags[ft->tag];
}

static const struct enum_def *
copy_states(struct arena *a, const struct enum_def *from)
{
	struct enum_def *e;

	if (from == NULL)
		return NULL;
	e = arena_new(a, struct enum_def);
	e->name = arena_strdup(a, from->name);
	e->n = from->n;
	e->items = arena_array(a, from->n + 1, sizeof *e->items);
	for (uint32_t i = 0; i < from->n; i++) {
		e->items[i].value = from->items[i].value;
		e->items[i].text = arena_strdup(a, from->items[i].text);
	}
	return e;
}

/* May something be asked of this tag from this sink? */
static bool
is_writable(const struct opcua_server *k, const struct sink_stream *s, const struct tag *t)
{
	if (t == NULL || !t->writable || k->host->request == NULL)
		return false;
	for (uint32_t i = 0; i < s->plan->nrequests; i++) {
		const struct request_rule *r = &s->plan->requests[i];
		bool from_here = false;
		for (uint32_t j = 0; j < r->nsinks; j++)
			from_here = from_here || strcmp(s->plan->sinks[r->sinks[j]].name, k->t.cfg.sink) == 0;
		for (uint32_t j = 0; from_here && r->kind == REQUEST_WRITE && j < r->ntags; j++)
			if (r->tags[j].source == t->source && r->tags[j].tag == t->index)
				return true;
	}
	return false;
}

static struct uas_stream *
describe(struct opcua_server *k, const struct sink_stream *s, uint32_t id)
{
	struct arena a = { 0 };
	struct uas_stream *st = arena_new(&a, struct uas_stream);
	const struct enum_def *last = NULL, *copy = NULL;	/* tags of one enumeration stand together more often than not */

	st->id = id;
	st->flow = arena_strdup(&a, s->schema->flow);
	st->n = s->schema->n;
	st->names = arena_array(&a, st->n + 1, sizeof *st->names);
	st->defs = arena_array(&a, st->n + 1, sizeof *st->defs);
	st->vars = arena_array(&a, st->n + 1, sizeof *st->vars);
	st->writable = arena_array(&a, st->n + 1, sizeof *st->writable);
	for (uint32_t i = 0; i < st->n; i++) {
		const struct spool_tag *from = &s->schema->tags[i];
		const struct tag *t = plan_tag_of(s, i);
		if (t != NULL && t->enumeration != last) {
			last = t->enumeration;
			copy = copy_states(&a, last);
		}
		st->names[i] = arena_strdup(&a, from->name);
		st->defs[i] = (struct uas_def){
			.unit = arena_strdup(&a, from->unit), .help = arena_strdup(&a, from->help), .states = t != NULL && t->enumeration != NULL ? copy : NULL,
			.lo = from->lo, .hi = from->hi, .has_range = from->has_range, .type = from->type,
		};
		st->writable[i] = is_writable(k, s, t);
	}
	st->arena = a;
	return st;
}

struct prefill { struct opcua_server *k; uint32_t id; };

/* What the spool still has of a stream: so that after a restart values stand there, and not only those that have changed since. */
static void
prefill(void *arg, const struct spool_batch *b)
{
	struct prefill *p = arg;
	struct uas_order *o = uas_order_batch(p->id, b, false, false);

	if (o != NULL)
		uas_hand_order(&p->k->t.hand, o);
}

static int
on_stream_add(void *inst, struct sink_stream *s)
{
	struct opcua_server *k = inst;
	struct sink_thread_stream *st = calloc(1, sizeof *st);

	if (st == NULL)
		return ERR_NOMEM;
	*st = (struct sink_thread_stream){ .id = ++k->last_id, .of = s, .next = k->streams };
	k->streams = st;
	s->user = st;
	struct uas_order *o = uas_order_new(UAS_ADD, st->id);
	o->add = describe(k, s, st->id);
	uas_hand_order(&k->t.hand, o);
	if (s->plan_flow == NULL || k->host->newest == NULL)
		return 0;
	struct prefill p = { k, st->id };
	int err = k->host->newest(k->host, s, 0, prefill, &p);
	if (err != 0 && err != ERR_NOTFOUND)	/* nothing has been admitted yet */
		log_warn("opcua_server_values_missing", "flow=\"%s\" error=\"%s\" note=\"variables wait for their next sample\"", s->flow, err_text(err));
	return 0;
}

static void
on_stream_remove(void *inst, struct sink_stream *s)
{
	struct opcua_server *k = inst;
	struct sink_thread_stream *st = s->user, **at = &k->streams;

	while (*at != st)
		at = &(*at)->next;
	*at = st->next;
	uas_hand_order(&k->t.hand, uas_order_new(UAS_REMOVE, st->id));
	free(st);
	s->user = NULL;
}

/* ---- requests of clients ---- */

static void
answer(struct opcua_server *k, uint64_t ask, enum request_state state, const char *text)
{
	struct uas_order *o = uas_order_new(UAS_OUTCOME, 0);

	o->ask = ask;
	o->state = state;
	o->text = strdup(text != NULL ? text : "");
	uas_hand_order(&k->t.hand, o);
}

static void
on_outcome(void *arg, const struct request_result *r)
{
	struct asked *a = arg, **at = &a->sink->asked;

	answer(a->sink, a->ask, r->state, r->text);
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	free(a);
}

static void
pass_on(struct opcua_server *k, const struct uas_news *n)
{
	struct asked *a = calloc(1, sizeof *a);
	int err = ERR_DENIED;

	if (a == NULL) {
		answer(k, n->ask, REQUEST_REFUSED, "out of memory");
		return;
	}
	*a = (struct asked){ .sink = k, .ask = n->ask };
	if (k->host->request != NULL && k->stopped == NULL)
		err = k->host->request(k->host, n->request, on_outcome, a);
	if (err == 0) {
		a->next = k->asked;
		k->asked = a;
		return;
	}
	free(a);
	answer(k, n->ask, REQUEST_REFUSED, err_text(err));
}

/* ---- news of the thread ---- */

static void
say_ready(struct opcua_server *k)
{
	if (!k->want_ready || !k->up || k->stopped != NULL || uas_hand_full(&k->t.hand))
		return;
	k->want_ready = false;
	k->host->ready(k->host);
}

static void
on_done(struct opcua_server *k, const struct uas_news *n)
{
	struct sink_thread_stream *st = k->streams;

	while (st != NULL && st->id != n->stream)
		st = st->next;
	if (st != NULL && k->stopped == NULL)
		k->host->done(k->host, st->of, n->first, n->last);
}

static void
on_async_closed(uv_handle_t *h)
{
	struct opcua_server *k = h->data;
	k->stopped(k->stopped_arg);
}

static void
on_stopped(struct opcua_server *k)
{
	pthread_join(k->thread, NULL);
	k->started = false;
	for (struct asked *a = k->asked, *next; a != NULL; a = next) {
		next = a->next;
		k->host->request_forget(k->host, a);
		free(a);
	}
	k->asked = NULL;
	uv_close((uv_handle_t *)&k->async, on_async_closed);
}

static void
on_state(struct opcua_server *k, const struct uas_news *n)
{
	bool was = k->up;

	k->up = n->up;
	if (k->stopped != NULL)
		return;
	k->host->state(k->host, n->up, n->text);
	if (n->up && was)
		return;		/* other figures only */
	if (n->up)
		log_info("opcua_server_up", "sink=%s text=\"%s\"", k->t.cfg.sink, n->text);
	else
		log_error("opcua_server_down", "sink=%s why=\"%s\"", k->t.cfg.sink, n->text);
	if (was && !n->up)
		k->host->lost(k->host, n->text);
	k->want_ready = true;
	say_ready(k);
}

static void
on_async(uv_async_t *async)
{
	struct opcua_server *k = async->data;
	bool stopped = false;

	for (struct uas_news *n = uas_hand_news(&k->t.hand), *next; n != NULL; n = next) {
		next = n->next;
		switch (n->kind) {
		case UAS_DONE: on_done(k, n); break;
		case UAS_STATE: on_state(k, n); break;
		case UAS_ASK: pass_on(k, n); break;
		case UAS_STOPPED: stopped = true; break;
		}
		uas_news_free(n);
	}
	if (stopped)
		on_stopped(k);
	else
		say_ready(k);
}

/* ---- the contract ---- */

/* "<state>/office/<sink>" without its last two names. */
static const char *
state_of(struct arena *a, const char *dir)
{
	char *s = arena_strdup(a, dir);

	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(s, '/');
		if (slash != NULL)
			*slash = '\0';
	}
	return s;
}

static const char *
default_namespace(struct arena *a, const struct plan *p)
{
	char *s = arena_printf(a, "urn:penstock:%s:%s", p->enterprise != NULL ? p->enterprise : "", p->site != NULL ? p->site : "");

	for (char *c = s; *c != '\0'; c++)	/* RFC 8141 admits no blanks; the rest of what people write there does no harm */
		if (*c == ' ' || *c == '\t')
			*c = '-';
	return s;
}

static int
on_open(void *inst, const struct sink *cfg, const struct plan *plan, struct sink_host *h, char *why, size_t size)
{
	struct opcua_server *k = inst;
	struct uas_cfg *c = &k->t.cfg;
	size_t key;
	int err = uas_cfg_read(cfg, c, why, size, &key);

	if (err != 0)
		return err;
	if (cfg->zone < plan->nzones && !plan->zones[cfg->zone].it) {
		snprintf(why, size, "an OPC UA server listens, and nothing may listen in the OT zone %s: give the sink a zone of level 3.5 or above",
		    plan->zones[cfg->zone].name);
		return ERR_DENIED;
	}
	k->host = h;
	c->state = state_of(&c->arena, h->state_dir);
	c->site = arena_strdup(&c->arena, plan->site != NULL ? plan->site : "Penstock");
	c->enterprise = arena_strdup(&c->arena, plan->enterprise != NULL ? plan->enterprise : "");
	if (c->namespace == NULL)
		c->namespace = default_namespace(&c->arena, plan);
	if (uv_async_init(h->loop, &k->async, on_async) != 0)
		return ERR_NOMEM;
	k->async.data = k;
	uas_hand_init(&k->t.hand, &k->async);
	k->started = true;
	h->state(h, false, "starting");
	if (pthread_create(&k->thread, NULL, uas_thread_main, &k->t) != 0)
		fatal("out_of_memory", "what=\"thread of the OPC UA server\"");
	return 0;
}

static int
on_offer(void *inst, struct sink_stream *s, const struct spool_batch *b, bool live)
{
	struct opcua_server *k = inst;
	const struct sink_thread_stream *st = s->user;

	k->want_ready = true;
	if (!k->up)
		return ERR_CONN;
	if (uas_hand_full(&k->t.hand))
		return ERR_FULL;
	struct uas_order *o = uas_order_batch(st->id, b, live, true);
	if (o == NULL)
		return ERR_FULL;
	k->want_ready = false;
	uas_hand_order(&k->t.hand, o);
	return 0;
}

static int
on_preview(void *inst, struct sink_stream *s, const struct spool_batch *b, struct buf *out)
{
	(void)inst;
	for (uint32_t i = 0; i < b->n; i++) {
		const struct sample *v = &b->samples[i];
		if (v->tag >= s->schema->n)
			continue;
		buf_printf(out, "%s = ", s->schema->tags[v->tag].name);
		value_print(out, &v->v);
		buf_printf(out, " (%s)\n", status_name(v->status));
	}
	return out->err;
}

static void
on_stop(void *inst, struct mono deadline, void (*stopped)(void *arg), void *arg)
{
	struct opcua_server *k = inst;
	(void)deadline;	/* what is queued is still in the spool; closing the sessions takes some milliseconds */

	k->stopped = stopped;
	k->stopped_arg = arg;
	uas_hand_stop(&k->t.hand);
}

static void
on_close(void *inst)
{
	struct opcua_server *k = inst;

	while (k->streams != NULL) {
		struct sink_thread_stream *st = k->streams;
		k->streams = st->next;
		free(st);
	}
	if (k->t.hand.orders_tail != NULL)
		uas_hand_fini(&k->t.hand);
	arena_fini(&k->t.cfg.arena);
}

static int
check(const struct sink *s, char *why, size_t size, size_t *key)
{
	struct uas_cfg c;
	int err = uas_cfg_read(s, &c, why, size, key);

	arena_fini(&c.arena);
	return err;
}

const struct sink_type opcua_server_sink = {
	.info = { .name = "opcua-server", .help = "OPC UA server: the plant as an address space, with history, for SCADA and IT clients.", .keys = uas_keys,
	    .listens = true, .check = check },
	.size = sizeof(struct opcua_server),
	.open = on_open,
	.stream_add = on_stream_add,
	.stream_remove = on_stream_remove,
	.offer = on_offer,
	.preview = on_preview,
	.stop = on_stop,
	.close = on_close,
};
