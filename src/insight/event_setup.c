/*
 * The expressions of events as programs beside those of derived tags: they see the same samples in the same order. Each
 * has a made-up tag; a trigger is evaluated with each sample of its inputs, a field only as far as it remembers
 * something, and once more when an event is made.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "insight/event_journal.h"
#include "insight/inside.h"
#include "site/derive.h"
#include "site/hash.h"

#define TRIGGER_NAME "\001trigger"	/* no field is called so */

static const char *
trigger_text(const struct event_rule *r)
{
	return *r->when != '\0' ? r->when : r->request;
}

uint32_t
events_count_progs(const struct plan *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->nevents; i++) {
		n += *trigger_text(&p->events[i]) != '\0';
		for (uint32_t k = 0; k < p->events[i].nfields; k++)
			n += p->events[i].fields[k].from != EVENT_FROM_VALUE;
	}
	return n;
}

static int
add(struct setup *s, uint32_t *n, uint32_t event, uint32_t role)
{
	const struct event_rule *r = s->events[event].rule;
	const struct event_rule_field *f = role != ROLE_TRIGGER ? &r->fields[role] : NULL;
	struct tag *t = arena_new(&s->arena, struct tag);
	struct prog *g = &s->progs[*n];

	*t = (struct tag){ .path = r->path,
		.at = f != NULL ? f->text : trigger_text(r),
		.unit = "",
		.help = "",
		.source = r->source,
		.with_inputs = f == NULL };
	int err = prog_compile(s, g, t, f != NULL && *f->unit != '\0' ? f->unit : NULL);
	if (err != 0)
		return err;
	g->event = event;
	g->role = role;
	g->path_hash = prog_hash(r->path, f != NULL ? f->name : TRIGGER_NAME);
	/*
	 * A count that is declared otherwise begins anew: its counter goes with its total, or all that it ever had
	 * would be counted again.
	 */
	if (f != NULL && f->from == EVENT_FROM_COUNT) {
		uint64_t key = hash_count(f);
		g->path_hash = hash64_more(g->path_hash, &key, sizeof key);
	}
	if (f == NULL)
		s->events[event].trigger = *n;
	else
		s->events[event].progs[role] = *n;
	(*n)++;
	return 0;
}

int
events_compile(struct setup *s, uint32_t first)
{
	struct plan *p = s->plan;
	int err = 0;

	s->events = arena_array(&s->arena, p->nevents + 1, sizeof *s->events);
	for (uint32_t i = 0; i < p->nevents && err == 0; i++) {
		struct event *e = &s->events[s->nevents++];
		*e = (struct event){ .rule = &p->events[i], .trigger = NONE };
		e->progs = arena_array(&s->arena, e->rule->nfields + 1, sizeof *e->progs);
		memset(e->progs, 0xff, (e->rule->nfields + 1) * sizeof *e->progs);
		map_put(&s->events_by_path, e->rule->path, strlen(e->rule->path), e);
		if (*trigger_text(e->rule) != '\0')
			err = add(s, &first, i, ROLE_TRIGGER);
		for (uint32_t k = 0; k < e->rule->nfields && err == 0; k++)
			if (e->rule->fields[k].from != EVENT_FROM_VALUE)
				err = add(s, &first, i, k);
	}
	return err;
}

/* ---- a plan in force ---- */

/* Which of the two is the newer: what keep.c has of this event, or the journal? */
static void
choose(struct insight *in, struct event_memory *m, uint64_t trigger_of)
{
	uint8_t level = TRIGGER_UNKNOWN;
	bool kept = keep_has(in, m->hash, KEEP_TRIGGER ^ trigger_of, &level);

	m->newer = !kept || m->kept_seq >= in->found_seq;
	if (!m->newer) {
		m->trigger = level <= TRIGGER_TRUE ? level : TRIGGER_UNKNOWN;
		m->trigger_of = trigger_of;
		m->nplaces = 0;
	}
	m->passing = m->newer && m->nplaces > 0;
	in->ev.npassing += m->passing;
}

/* It comes back into a plan: its counters go on from where they were. */
static void
come_back(struct insight *in, const struct event *e)
{
	for (uint32_t i = 0; i < in->s->nprogs; i++) {
		struct prog *g = &in->s->progs[i];
		for (uint32_t k = 0; g->event != NONE && &in->s->events[g->event] == e && k < e->m->nkept; k++)
			if (e->m->kept[k].prog == g->path_hash)
				expr_restore(g->p, g->state, e->m->kept[k].key, e->m->kept[k].bytes, e->m->kept[k].len);
	}
}

/* Events of a declaration that is in no plan wait in the stream "", and are numbered anew in theirs when it comes back.
 */
static void
sort_waiting(struct insight *in)
{
	struct event_stream *streams = in->ev.streams;	/* new ones come in front, and have nothing */

	for (struct event_stream *s = streams; s != NULL; s = s->next) {
		struct event_wait *w = s->first;
		s->first = NULL;
		s->end = &s->first;
		for (struct event_wait *next; w != NULL; w = next) {
			next = w->next;
			const struct event *e = map_get(&in->s->events_by_path, w->path, strlen(w->path));
			const char *name = e != NULL ? in->s->plan->sources[e->rule->source].name : "";
			struct event_stream *to = event_stream_of(&in->ev, name, strlen(name));
			if (to != s) {
				s->bytes -= w->len;
				to->bytes += w->len;
				w->no = ++to->last;
				in->ev.whole = in->ev.dirty = true;
				log_warn("event_moved",
				    "event=\"%s\" to=\"%s\" why=\"its declaration was removed or came back\"", w->path,
				    name);
			}
			w->next = NULL;
			to->newest = w->no;
			*to->end = w;
			to->end = &w->next;
		}
		s->sent = s->confirmed;
		s->flying = 0;
	}
}

void
events_plan(struct insight *in, bool first, struct wall now)
{
	for (struct event_memory *m = in->ev.memories; m != NULL; m = m->next)
		m->was_linked = m->linked, m->linked = false;
	in->ev.nraised = 0;
	for (uint32_t i = 0; i < in->s->nevents; i++) {
		struct event *e = &in->s->events[i];
		uint64_t of = e->trigger != NONE ? expr_hash(in->s->progs[e->trigger].p) : 0;
		e->m = event_memory_of(&in->ev, e->rule->path, strlen(e->rule->path));
		e->m->linked = true;
		if (first)
			choose(in, e->m, of);
		else if (!e->m->was_linked)
			come_back(in, e);
		/* A count that the declaration no longer has, and gets again later, begins anew like its counter. */
		if (event_totals_trim(e->m, e->rule))
			e->m->dirty = in->ev.dirty = true;
		if (e->m->trigger_of != of) {
			e->m->trigger_of = of;
			e->m->trigger = TRIGGER_UNKNOWN;
			e->m->raised = false;
		}
		in->ev.nraised += e->m->raised;
		if (*e->rule->request == '\0')
			e->m->shake = SHAKE_IDLE;
		else if (first && e->m->shake == SHAKE_IDLE && e->m->no > 0)
			e->m->shake = SHAKE_CLOSING;	/* it may not have been reset */
		if (!e->m->was_linked)
			e->m->since_ns = now.ns;
		if (e->rule->every_ns > 0)
			e->next_ns = e->m->no > 0 ? (e->m->time_ns / e->rule->every_ns + 1) * e->rule->every_ns : 0;
	}
	sort_waiting(in);
}
