/* See office.h. The pieces put together: plans, timers, the channel to gate, the end. Start reading at office_plan() and on_tick(). */
#include "office/office.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "office/inside.h"
#include "os/clock.h"

#define TICK_MS		1000u
#define FLUSH_MS	100u			/* DELIVERED is told at most so often */
#define SCAN_NS		NS_PER_S		/* the spool is looked through for new streams at most so often */
#define CONFIRM_NS	(3 * NS_PER_S)
#define CHANGE_NS	(3 * NS_PER_S)		/* a sink that a plan changes has so long to finish */
#define REPORT_NS	(500 * NS_PER_MS)	/* of the time to stop: for the last reports */

/* ---- small things ---- */

char *
office_path(const char *a, const char *b)
{
	size_t size = strlen(a) + strlen(b) + 2;
	char *p = malloc(size);
	if (p == NULL)
		fatal("out_of_memory", "what=path");
	snprintf(p, size, "%s/%s", a, b);
	return p;
}

struct plan_ref *
plan_hold(struct plan_ref *r)
{
	r->refs++;
	return r;
}

void
plan_let_go(struct plan_ref *r)
{
	if (r == NULL || --r->refs > 0)
		return;
	plan_free(r->plan);
	free(r);
}

/* ---- gate ---- */

static void
on_flush(uv_timer_t *t)
{
	struct office *o = t->data;
	reporter_flush(&o->reporter);
	if (o->reporter.dirty && o->reporter.ch.fd >= 0)
		office_flush_soon(o);
}

void
office_flush_soon(struct office *o)
{
	if (!uv_is_active((uv_handle_t *)&o->flush))
		uv_timer_start(&o->flush, on_flush, FLUSH_MS, 0);
}

static void
free_handle(uv_handle_t *h)
{
	free(h);
}

static void
drop_gate(struct office *o)
{
	if (o->gate_poll == NULL)
		return;
	uv_poll_stop(o->gate_poll);
	uv_close((uv_handle_t *)o->gate_poll, free_handle);
	o->gate_poll = NULL;
}

static void
on_gate(uv_poll_t *h, int status, int events)
{
	struct office *o = h->data;
	(void)status;
	(void)events;
	if (o->reporter.ch.fd < 0 || reporter_receive(&o->reporter) != 0) {
		drop_gate(o);
		office_requests_lost(o);
		office_changes_lost(o);
	}
}

static int
on_outcome(void *arg, const struct msg *m)
{
	return m->type == MSG_AUDITED ? office_audited(arg, m->p, m->len) : office_outcome(arg, m->p, m->len);
}

void
office_peer(struct office *o, int fd)
{
	drop_gate(o);
	/* What the gate before has answered may still be read. */
	if (o->reporter.ch.fd >= 0)
		reporter_receive(&o->reporter);
	office_requests_lost(o);
	office_changes_lost(o);
	reporter_channel(&o->reporter, fd);
	o->gate_poll = malloc(sizeof *o->gate_poll);
	if (o->gate_poll == NULL)
		fatal("out_of_memory", "what=channel");
	uv_poll_init(o->opts.loop, o->gate_poll, fd);
	o->gate_poll->data = o;
	uv_poll_start(o->gate_poll, UV_READABLE, on_gate);
	office_flush_soon(o);
}

int
office_changed(struct office *o, const void *p, size_t len)
{
	return o->reporter.ch.fd < 0 ? ERR_CONN : channel_send(&o->reporter.ch, MSG_CHANGED, p, len, -1);
}

/* ---- work ---- */

void
office_wake(struct office *o)
{
	if (o->stopping || o->plan == NULL)
		return;
	if (mono_diff(mono_now(), o->scanned) >= SCAN_NS)
		streams_scan(o);
	for (struct outlet *k = o->outlets; k != NULL; k = k->next) {
		if (k->phase != OUTLET_RUNNING)
			continue;
		delivery_wake(&k->delivery);
		delivery_pump(&k->delivery);
	}
}

static void
on_tick(uv_timer_t *t)
{
	struct office *o = t->data;
	struct mono now = mono_now();

	if (o->stopping)
		return;
	if (mono_diff(now, o->scanned) >= SCAN_NS)
		streams_scan(o);
	for (struct outlet *k = o->outlets; k != NULL; k = k->next)
		if (k->phase == OUTLET_RUNNING) {
			delivery_tick(&k->delivery, now, wall_now());
			release_next(k);
		}
	streams_tick(o);
	office_requests_tick(o);
	office_changes_tick(o);
	if (mono_diff(now, o->confirmed) >= CONFIRM_NS) {
		o->confirmed = now;
		release_confirm(o);
	}
	if (o->reporter.dirty)
		office_flush_soon(o);
}

/* ---- plans ---- */

static const struct sink *
sink_of_plan(const struct plan *p, const char *name)
{
	for (uint32_t i = 0; i < p->nsinks; i++)
		if (strcmp(p->sinks[i].name, name) == 0)
			return &p->sinks[i];
	return NULL;
}

/* Sinks of the plan that are not there yet. One that is still finishing under the same name is opened when it has. */
static void
open_missing(struct office *o)
{
	for (uint32_t i = 0; o->plan != NULL && !o->stopping && i < o->plan->plan->nsinks; i++) {
		const struct sink *s = &o->plan->plan->sinks[i];
		struct outlet *k = o->outlets;
		while (k != NULL && strcmp(k->name, s->name) != 0)
			k = k->next;
		if (k == NULL && strlen(s->name) < sizeof k->name)
			outlet_new(o, s);
	}
}

int
office_plan(struct office *o, struct plan *plan)
{
	struct plan_ref *ref = calloc(1, sizeof *ref);

	if (ref == NULL)
		fatal("out_of_memory", "what=plan");
	ref->plan = plan;
	ref->refs = 1;
	plan_let_go(o->plan);
	o->plan = ref;
	for (struct outlet *k = o->outlets, *next; k != NULL; k = next) {
		const struct sink *s = sink_of_plan(plan, k->name);
		next = k->next;
		if (s == NULL || s->key != k->key || k->phase == OUTLET_BROKEN)
			outlet_stop(k, mono_add(mono_now(), CHANGE_NS));
	}
	streams_replan(o);
	open_missing(o);
	streams_scan(o);
	return 0;
}

static void finish(struct office *o);

void
office_outlet_gone(struct office *o)
{
	if (o->stopping)
		finish(o);
	else {
		open_missing(o);
		streams_look_again(o);
		streams_scan(o);
	}
}

/* ---- requests ---- */

static void
sinks_line(const struct outlet *k, struct buf *out)
{
	struct json j = { .out = out };
	char since[WALL_TEXT];
	uint64_t backlog = 0;

	for (const struct pair *p = k->delivery.pairs; p != NULL; p = p->next)
		backlog += p->backlog;
	json_open(&j, '{');
	json_key_text(&j, "sink", k->name);
	json_key_text(&j, "kind", k->cfg->kind);
	json_key_bool(&j, "connected", k->connected && k->phase == OUTLET_RUNNING);
	json_key_text(&j, "since", wall_format(k->since, 0, since));
	json_key_text(&j, "state", k->phase == OUTLET_STOPPING ? "stopping: the site file has changed it" : k->state);
	json_key_u64(&j, "backlog", backlog);
	json_key_u64(&j, "delivered", k->delivery.delivered);
	json_close(&j, '}');
	buf_putc(out, '\n');
}

bool
office_ask(struct office *o, const char *verb, int argc, const char *const *argv, struct buf *out)
{
	if (strcmp(verb, "quarantine") == 0) {
		release_ask(o, argc, argv, out);
		return true;
	}
	if (strcmp(verb, "sinks") != 0)
		return false;
	for (const struct outlet *k = o->outlets; k != NULL; k = k->next)
		sinks_line(k, out);
	return true;
}

/* ---- the end ---- */

/* Sinks are gone; now the last reports must reach gate, if gate is there. */
static void
finish(struct office *o)
{
	if (o->outlets != NULL || o->outlets_closing > 0 || o->said_stopped)
		return;
	bool late = !mono_before(mono_now(), o->deadline);
	/* What is just being put aside counts too; a full channel: the timer comes again. */
	if (!late && (!quarantine_idle(o->quarantine) || !reporter_flush(&o->reporter)))
		return;
	o->said_stopped = true;
	o->opts.stopped(o->opts.arg);
}

static void
on_stop_timer(uv_timer_t *t)
{
	struct office *o = t->data;

	if (!mono_before(mono_now(), o->deadline) && !o->said_stopped) {
		log_warn("office_stop_late", "why=\"a sink did not finish in time; what it was given is owed and comes again\"");
		reporter_flush(&o->reporter);
		o->said_stopped = true;
		o->opts.stopped(o->opts.arg);
		return;
	}
	finish(o);
}

void
office_stop(struct office *o, struct mono deadline)
{
	o->stopping = true;
	o->deadline = deadline;
	uv_timer_start(&o->stop_timer, on_stop_timer, 20, 20);
	for (struct outlet *k = o->outlets, *next; k != NULL; k = next) {
		next = k->next;
		outlet_stop(k, mono_add(deadline, -REPORT_NS));
	}
	finish(o);
}

int
office_open(const struct office_opts *opts, struct office **out)
{
	const struct disk *d = opts->disk;
	char why[400] = "";
	struct office *o = calloc(1, sizeof *o);

	if (o == NULL)
		return ERR_NOMEM;
	o->opts = *opts;
	o->spool = office_path(opts->state_dir, "spool");
	o->dir = office_path(opts->state_dir, "office");
	o->complaints = (struct log_limit){ .burst = 3, .period_ms = 60000 };
	reporter_init(&o->reporter);
	o->reporter.outcome = on_outcome;
	o->reporter.arg = o;
	char *db = office_path(o->dir, "quarantine.db");
	int err = d->mkdir(d->ctx, o->dir);
	if (err != 0)
		snprintf(why, sizeof why, "%s cannot be made: %s", o->dir, err_text(err));
	else
		err = quarantine_open(db, opts->loop, &o->quarantine, why, sizeof why);
	free(db);
	if (err != 0) {
		log_error("office_unusable", "why=\"%s\"", why);
		free(o->spool);
		free(o->dir);
		free(o);
		return err;
	}
	uv_timer_init(opts->loop, &o->tick);
	uv_timer_init(opts->loop, &o->flush);
	uv_timer_init(opts->loop, &o->stop_timer);
	o->tick.data = o->flush.data = o->stop_timer.data = o;
	uv_timer_start(&o->tick, on_tick, TICK_MS, TICK_MS);
	release_resume(o);
	*out = o;
	return 0;
}

static void
on_handle_closed(uv_handle_t *h)
{
	struct office *o = h->data;
	if (--o->handles > 0)
		return;
	free(o->spool);
	free(o->dir);
	free(o);
}

void
office_close(struct office *o)
{
	uv_timer_t *const timers[] = { &o->tick, &o->flush, &o->stop_timer };

	drop_gate(o);
	quarantine_close(o->quarantine);
	reporter_fini(&o->reporter);
	office_requests_free(o);
	office_changes_free(o);
	streams_free(o);
	plan_let_go(o->plan);
	o->handles = 3;
	for (int i = 0; i < 3; i++)
		uv_close((uv_handle_t *)timers[i], on_handle_closed);
}
