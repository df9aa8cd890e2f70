/* One sink of the site file: its instance, what it may call, and its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "office/inside.h"
#include "office/request.h"
#include "os/clock.h"

static struct outlet *
of_host(struct sink_host *h)
{
	return (struct outlet *)((char *)h - offsetof(struct outlet, host));
}

struct outlet *
outlet_find(const struct office *o, const char *name)
{
	for (struct outlet *k = o->outlets; k != NULL; k = k->next)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

/* ---- what the sink says ---- */

static int
on_request(struct sink_host *h, const struct request *q, request_done *done, void *arg)
{
	struct outlet *k = of_host(h);
	return k->phase == OUTLET_RUNNING ? office_request(k->office, k->name, q, done, arg) : ERR_CONN;
}

static void
on_request_forget(struct sink_host *h, const void *arg)
{
	office_request_forget(of_host(h)->office, arg);
}

static void
on_done(struct sink_host *h, struct sink_stream *s, uint64_t first, uint64_t last)
{
	delivery_done(&of_host(h)->delivery, s, first, last, wall_now());
}

static void
on_refused(struct sink_host *h, struct sink_stream *s, uint64_t first, uint64_t last, const char *reason)
{
	delivery_refused(&of_host(h)->delivery, s, first, last, reason);
}

static void
on_ready(struct sink_host *h)
{
	struct outlet *k = of_host(h);
	if (k->phase == OUTLET_RUNNING && !k->office->stopping)
		delivery_ready(&k->delivery);
}

static void
on_lost(struct sink_host *h, const char *why)
{
	struct outlet *k = of_host(h);
	log_info("sink_lost", "sink=%s why=\"%s\"", k->name, why);
	delivery_lost(&k->delivery);
}

static void
on_state(struct sink_host *h, bool connected, const char *text)
{
	struct outlet *k = of_host(h);

	if (connected != k->connected || k->since.ns == 0)
		k->since = wall_now();
	k->connected = connected;
	snprintf(k->state, sizeof k->state, "%s", text);
	stat_set((stat_t *)&h->stats[STATS_sink_connected], connected);
}

static int
on_newest(struct sink_host *h, struct sink_stream *s, uint64_t from, void (*each)(void *arg, const struct spool_batch *b), void *arg)
{
	struct outlet *k = of_host(h);
	struct pair *p = s->delivery;
	const struct disk *disk = k->office->opts.disk;
	struct spool_reader *r;
	struct spool_batch b;
	struct spool_damage damage;
	struct ledger_sink l;
	uint64_t admitted = 0;

	int err = p == NULL ? ERR_NOTFOUND : stream_ledger(k->office, owed_of(p)->stream, k->name, &l, &admitted);
	if (err != 0)
		return err;
	if (admitted > SINK_NEWEST_MAX && from < admitted - SINK_NEWEST_MAX)
		from = admitted - SINK_NEWEST_MAX;
	err = spool_reader_open(p->dir, from, disk, &r);
	if (err != 0)
		return err;
	/* Ends: the spool is finite, and each call goes on behind the one before. */
	while ((err = spool_next(r, &b, &damage)) == 0 || err == ERR_GAP) {
		if (err == 0)
			each(arg, &b);
	}
	spool_reader_close(r);
	return err == ERR_AGAIN ? 0 : err;
}

/* ---- what delivery asks ---- */

static void
op_settled(void *arg, struct pair *p, uint64_t last)
{
	struct outlet *k = arg;
	account_delivered(&k->office->reporter, owed_of(p)->account, last);
	office_flush_soon(k->office);
}

static void
op_damaged(void *arg, struct pair *p, uint64_t first, uint64_t last, const char *cause)
{
	struct outlet *k = arg;
	account_item(&k->office->reporter, owed_of(p)->account, MSG_DAMAGED, first, last, cause);
	office_flush_soon(k->office);
}

static void
op_refused(void *arg, struct pair *p, const struct spool_batch *b, const char *reason)
{
	(void)arg;
	aside_put(owed_of(p), b, reason);
}

static int
op_ledger(void *arg, struct pair *p, uint64_t *next, uint64_t *admitted)
{
	struct outlet *k = arg;
	struct ledger_sink s;
	int err = stream_ledger(k->office, owed_of(p)->stream, k->name, &s, admitted);
	*next = err == 0 ? s.next : 0;
	return err;
}

static void
on_pump_timer(uv_timer_t *t)
{
	struct outlet *k = t->data;
	if (k->phase != OUTLET_RUNNING || k->office->stopping)
		return;
	k->delivery.ready = true;	/* if it is not, the sink says so to the first offer */
	delivery_wake(&k->delivery);
	delivery_pump(&k->delivery);
}

static void
op_again(void *arg, unsigned after_ms)
{
	struct outlet *k = arg;
	if (k->phase != OUTLET_RUNNING)
		return;
	if (!uv_is_active((uv_handle_t *)&k->pump_timer) || uv_timer_get_due_in(&k->pump_timer) > after_ms)
		uv_timer_start(&k->pump_timer, on_pump_timer, after_ms, 0);
}

static void
op_retried(void *arg, struct pair *p, int64_t id, const char *reason)
{
	release_retried(arg, owed_of(p), id, reason);
}

const struct delivery_ops outlet_ops = {
	.settled = op_settled, .damaged = op_damaged, .refused = op_refused, .ledger = op_ledger, .again = op_again, .retried = op_retried,
};

/* ---- life ---- */

static void
broken(struct outlet *k, const char *why)
{
	k->phase = OUTLET_BROKEN;
	log_error("sink_unusable", "sink=%s why=\"%s\"", k->name, why);
	on_state(&k->host, false, why);
}

static void
open_sink(struct outlet *k)
{
	char why[OFFICE_STATE_MAX] = "";

	k->type = k->office->opts.find(k->cfg->kind);
	if (k->type == NULL) {
		snprintf(why, sizeof why, "this penstock has no sink of kind %s", k->cfg->kind);
		broken(k, why);
		return;
	}
	int err = k->office->opts.disk->mkdir(k->office->opts.disk->ctx, k->dir);
	if (err != 0) {
		snprintf(why, sizeof why, "%s cannot be made: %s", k->dir, err_text(err));
		broken(k, why);
		return;
	}
	k->inst = calloc(1, k->type->size);
	if (k->inst == NULL)
		fatal("out_of_memory", "sink=%s", k->name);
	k->delivery = (struct delivery){
		.type = k->type, .inst = k->inst, .disk = k->office->opts.disk, .ops = &outlet_ops, .arg = k, .stats = k->host.stats,
		.ready = true,
	};
	k->delivery.tail = &k->delivery.pairs;
	err = k->type->open(k->inst, k->cfg, k->plan->plan, &k->host, why, sizeof why);
	if (err == 0)
		return;
	k->type->close(k->inst);
	free(k->inst);
	k->inst = NULL;
	broken(k, why[0] != '\0' ? why : err_text(err));
}

struct outlet *
outlet_new(struct office *o, const struct sink *cfg)
{
	struct outlet *k = calloc(1, sizeof *k);

	if (k == NULL)
		fatal("out_of_memory", "sink=%s", cfg->name);
	k->office = o;
	snprintf(k->name, sizeof k->name, "%s", cfg->name);
	k->key = cfg->key;
	k->cfg = cfg;
	k->plan = plan_hold(o->plan);
	k->dir = office_path(o->dir, cfg->name);
	k->host = (struct sink_host){
		.loop = o->opts.loop, .state_dir = k->dir, .done = on_done, .refused = on_refused, .ready = on_ready, .lost = on_lost,
		.state = on_state, .newest = on_newest, .request = on_request, .request_forget = on_request_forget, .stats = (uint64_t *)stats_object(o->opts.stats, STATS_sink, cfg->name),
	};
	uv_timer_init(o->opts.loop, &k->pump_timer);
	k->pump_timer.data = k;
	k->next = o->outlets;
	o->outlets = k;
	open_sink(k);
	return k;
}

static void
on_timer_closed(uv_handle_t *h)
{
	struct outlet *k = h->data;
	struct office *o = k->office;

	plan_let_go(k->plan);
	free(k->dir);
	free(k->retries);
	free(k->retry_bytes);
	frozen_free(&k->retry_frozen);
	free(k);
	o->outlets_closing--;
	office_outlet_gone(o);
}

/* The sink has stopped, or never was: nothing refers to the outlet any more. */
void
outlet_free(struct outlet *k)
{
	struct outlet **at = &k->office->outlets;

	while (k->delivery.pairs != NULL)
		owed_free(owed_of(k->delivery.pairs));
	office_requests_of_sink_gone(k->office, k->name);
	if (k->inst != NULL)
		k->type->close(k->inst);
	office_changes_of_sink_gone(k->office, k->name);	/* after close no answer comes */
	free(k->inst);
	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	k->office->outlets_closing++;
	uv_close((uv_handle_t *)&k->pump_timer, on_timer_closed);
}

static void
on_stopped(void *arg)
{
	outlet_free(arg);
}

void
outlet_stop(struct outlet *k, struct mono deadline)
{
	if (k->phase == OUTLET_STOPPING)
		return;
	bool was_open = k->phase == OUTLET_RUNNING;
	k->phase = OUTLET_STOPPING;
	k->delivery.ready = false;
	uv_timer_stop(&k->pump_timer);
	if (was_open)
		k->type->stop(k->inst, deadline, on_stopped, k);
	else
		outlet_free(k);
}
