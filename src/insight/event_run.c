/*
 * When an event is made: a trigger rose in a group of samples that is through by now, so that every field sees what
 * came with it; the clock; or a machine asks (event_shake.c). What is made waits in its stream and is journaled at the
 * end of the turn, many with one sync.
 *
 * After a start an event waits for the first samples of what it is made of, a while.
 */
#include <string.h>

#include "base/log.h"
#include "insight/event_journal.h"
#include "insight/inside.h"
#include "site/hash.h"

#define READY_NS (10 * NS_PER_S)

void
event_triggered(struct insight *in, struct prog *g, const struct expr_result *r, int64_t time_ns)
{
	struct event_memory *m = in->s->events[g->event].m;
	bool usable = r->v.type == VALUE_BOOL && !status_is_bad(r->status);

	if (!usable)	/* what it was is what counts until it can be told again */
		return;
	if (*in->s->events[g->event].rule->request != '\0') {
		m->level = r->v.b ? TRIGGER_TRUE : TRIGGER_FALSE;
		in->ev.shaken = true;
		m->level_ns = time_ns;
		return;
	}
	if (r->v.b && m->trigger == TRIGGER_FALSE && !m->raised) {
		m->raised = true;
		m->raised_ns = time_ns;
		in->ev.nraised++;
	}
	m->trigger = r->v.b ? TRIGGER_TRUE : TRIGGER_FALSE;
}

static bool
ready(const struct insight *in, const struct event *e, int64_t now_ns)
{
	if (now_ns - in->ev.opened_ns > READY_NS || now_ns < in->ev.opened_ns)
		return true;
	for (uint32_t i = 0; i < e->rule->nfields; i++) {
		const struct prog *g = e->progs[i] != NONE ? &in->s->progs[e->progs[i]] : NULL;
		for (size_t k = 0; g != NULL && k < expr_inputs(g->p); k++)
			if (g->in[k]->time.ns == 0)
				return false;
	}
	return true;
}

/* ---- one event ---- */

/* From what the counter has in all to what it has since the last event; that is the last event now. */
static void
count_since(struct event_memory *m, const struct event_rule_field *f, struct value *v)
{
	struct event_total *t = event_total_of(m, hash_count(f));

	if (v->type == VALUE_I64) {
		int64_t total = v->i, before = t->real ? (int64_t)t->f : t->i;
		v->i = total < before ? total : total - before;	/* counters only grow, from 0: less is one that began anew */
		t->real = false;
		t->i = total;
	} else if (v->type == VALUE_F64) {
		double total = v->f64, before = t->real ? t->f : (double)t->i;
		v->f64 = total < before ? total : total - before;
		t->real = true;
		t->f = total;
	}
}

static void
work_out(struct insight *in, struct event *e, int64_t now_ns, struct event_value *v, const struct expr **progs,
    const struct expr_input *const **inputs)
{
	for (uint32_t i = 0; i < e->rule->nfields; i++) {
		const struct event_rule_field *f = &e->rule->fields[i];
		struct expr_result r;
		progs[i] = NULL;
		inputs[i] = NULL;
		if (e->progs[i] == NONE) {
			v[i] = event_constant(f);
			continue;
		}
		struct prog *g = &in->s->progs[e->progs[i]];
		expr_eval(g->p, g->state, g->in, g->fresh, (struct wall){ now_ns }, &r);
		g->fresh = 0;
		progs[i] = g->p;
		inputs[i] = g->in;
		v[i] = (struct event_value){ .v = r.v, .status = r.status };
		if (f->from == EVENT_FROM_COUNT && !status_is_bad(r.status))
			count_since(e->m, f, &v[i].v);
	}
}

/* Returns its number within its stream. */
static uint64_t
make(struct insight *in, struct event *e, int64_t time_ns, int64_t now_ns)
{
	struct event_value v[EVENT_FIELDS_MAX];
	const struct expr *progs[EVENT_FIELDS_MAX];
	const struct expr_input *const *inputs[EVENT_FIELDS_MAX];
	struct event_memory *m = e->m;
	const struct plan *p = in->s->plan;
	const char *name = p->sources[e->rule->source].name;
	struct event_facts facts = { .enterprise = p->enterprise,
		.site = p->site,
		.no = m->no + 1,
		.time = { time_ns },
		.values = v,
		.progs = progs,
		.in = inputs };

	work_out(in, e, now_ns, v, progs, inputs);
	buf_reset(&in->ev.record);
	int err = event_record(e->rule, &facts, m->key, &in->ev.record);
	if (err < 0)	/* the checks of the site have added up the lengths */
		fatal("event_too_long", "event=\"%s\" bytes=%zu", e->rule->path, in->ev.record.len);
	struct event_stream *s = event_stream_of(&in->ev, name, strlen(name));
	struct event_wait *w = event_wait_new(s, m, ++s->last, in->ev.record.p, (uint32_t)in->ev.record.len);
	w->time_ns = time_ns;
	w->arrival_ns = now_ns;
	w->status = err == 0 ? (uint32_t)STATUS_Good : (uint32_t)STATUS_Uncertain;
	m->no++;
	m->time_ns = time_ns;
	m->faults += err != 0;
	m->dirty = s->dirty = in->ev.dirty = in->state_dirty = true;
	in->ev.bytes += w->len;
	in->ev.fresh++;
	in->f.events++;
	in->f.event_faults += err != 0;
	if (err != 0 && m->faults % 100 == 1)
		log_warn("event_faulty",
		    "event=\"%s\" no=%llu faults=%llu note=\"it goes its way with the member fault; penstock event show says which\"",
		    e->rule->path, (unsigned long long)m->no, (unsigned long long)m->faults);
	return w->no;
}

bool
event_make_asked(struct insight *in, struct event *e, int64_t now_ns)
{
	if (in->ev.damaged || !ready(in, e, now_ns))
		return false;
	e->m->shake_no = make(in, e, e->m->level_ns != 0 ? e->m->level_ns : now_ns, now_ns);
	return true;
}

void
events_due(struct insight *in, int64_t now_ns)
{
	if (in->ev.shaken) {
		in->ev.shaken = false;
		events_shake(in, now_ns);
	}
	for (uint32_t i = 0; i < in->s->nevents && in->ev.nraised > 0; i++) {
		struct event *e = &in->s->events[i];
		if (!e->m->raised || in->ev.damaged || !ready(in, e, now_ns))
			continue;
		e->m->raised = false;
		in->ev.nraised--;
		make(in, e, e->m->raised_ns, now_ns);
	}
}

/* One for all multiples that have passed: while the process was away nothing was missed in the counts. */
static int64_t
by_clock(struct insight *in, int64_t now_ns)
{
	int64_t next = 0;

	for (uint32_t i = 0; i < in->s->nevents; i++) {
		struct event *e = &in->s->events[i];
		int64_t period = e->rule->every_ns;
		if (period == 0)
			continue;
		if (e->next_ns == 0 || e->next_ns - now_ns > period)	/* the first time, or the clock went back */
			e->next_ns = (now_ns / period + 1) * period;
		/* While it passes over what it has, its other fields would be of then. */
		if (now_ns >= e->next_ns && !in->ev.damaged && !e->m->passing && ready(in, e, now_ns)) {
			make(in, e, now_ns / period * period, now_ns);
			e->next_ns = (now_ns / period + 1) * period;
		}
		int64_t at = now_ns >= e->next_ns ? now_ns + NS_PER_S : e->next_ns;
		next = next == 0 || at < next ? at : next;
	}
	return next;
}

int64_t
events_tick(struct insight *in, int64_t now_ns)
{
	int64_t next = by_clock(in, now_ns);

	if (in->ev.nshakes > 0)
		in->ev.shaken = true;
	events_due(in, now_ns);
	if (in->ev.nraised > 0 || in->ev.nshakes > 0 || in->ev.bytes > 0 || in->ev.dirty)
		next = next == 0 || next > now_ns + NS_PER_S ? now_ns + NS_PER_S : next;
	return next;
}

/* ---- reading ---- */

bool
events_hold(const struct insight *in)
{
	return in->ev.retry_ns != 0 || in->ev.bytes > EVENTS_WAITING_MAX || in->ev.fresh >= EVENTS_FRESH_MAX;
}

bool
event_passes(const struct insight *in, const struct prog *g)
{
	const struct event_memory *m = in->s->events[g->event].m;

	if (!m->passing || in->reading == NULL)
		return false;
	for (uint32_t i = 0; i < m->nplaces; i++)
		if (m->places[i].epoch == in->reading->epoch)
			return ring_pos(in->reading->r) <= m->places[i].pos;
	return false;
}

/* Is every ring past the places of this event? One that nobody hands out any more is waited for a while. */
static bool
passed(const struct insight *in, const struct event_memory *m, int64_t now_ns)
{
	for (uint32_t i = 0; i < m->nplaces; i++) {
		const struct held_ring *h = in->rings;
		while (h != NULL && h->epoch != m->places[i].epoch)
			h = h->next;
		if (h == NULL ? now_ns - in->ev.opened_ns < READY_NS : !h->placed || ring_pos(h->r) < m->places[i].pos)
			return false;
	}
	return true;
}

void
events_pass(struct insight *in, int64_t now_ns)
{
	for (struct event_memory *m = in->ev.memories; m != NULL && in->ev.npassing > 0; m = m->next)
		if (m->passing && passed(in, m, now_ns)) {
			m->passing = false;
			in->ev.npassing--;
		}
}
