/*
 * The handshake with a machine:
 *
 *	machine		request ____/----------------------\_______________
 *	penstock	            | event made, journaled, in the spool
 *			acknowledge ____________/-----------------\________
 *
 *	IDLE --request--> OPEN --durable, acknowledge written--> ACKED --request lowered, journaled--> CLOSING --acknowledge reset--> IDLE
 *
 * OPEN and ACKED are one state on disk: after a restart a request that is still high is that of the event made before,
 * which is acknowledged once more and not made again. That the request was lowered is on disk before the acknowledge is
 * reset, since only then may the machine ask anew. A machine that gives up and lowers its request in OPEN has its event
 * all the same; it is reset then.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "insight/event_journal.h"
#include "insight/inside.h"

#define ASK_AGAIN_NS	(2 * NS_PER_S)	/* after a refusal */
#define ASK_LOST_NS	(15 * 60 * NS_PER_S)	/* longer than any request lives: its outcome was lost */

static void
enter(struct insight *in, struct event *e, enum shake_state state, int64_t now_ns)
{
	struct event_memory *m = e->m;
	bool was = m->shake == SHAKE_OPEN || m->shake == SHAKE_ACKED, is = state == SHAKE_OPEN || state == SHAKE_ACKED;

	if (was != is)
		m->dirty = in->ev.dirty = true;
	m->shake = (uint8_t)state;
	m->since_ns = now_ns;
	m->ask_ns = 0;
	m->told = false;
	m->trouble[0] = '\0';
}

/* Write the acknowledge, unless that is under way or was just refused. */
static void
ask(struct insight *in, struct event *e, bool value, int64_t now_ns)
{
	struct event_memory *m = e->m;
	struct value v = { .type = VALUE_I64, .i = value };
	struct request q = { .kind = REQUEST_WRITE,
		.target = e->rule->acknowledge,
		.method = "",
		.event = "",
		.args = &v,
		.nargs = 1,
		.from = REQUEST_FROM_EVENTS,
		.user = "insight",
		.key = "",
		.note = e->rule->path };

	/* While something is to be journaled nothing is written: the machine must not be ahead of the disk. */
	if (in->opts.ask == NULL || (m->ask_ns != 0 && now_ns < m->ask_ns && m->ask_ns - now_ns <= ASK_LOST_NS) ||
	    in->ev.dirty)
		return;
	m->ask_ns = now_ns + ASK_AGAIN_NS;
	m->ask_token = ++in->ev.asked;
	if (in->opts.ask(in->opts.arg, m->ask_token, &q) != 0)
		return;
	m->asking = true;
	m->ask_value = value;
	m->ask_ns = now_ns + ASK_LOST_NS;
}

static bool
durable(const struct insight *in, const struct event *e)
{
	const char *name = in->s->plan->sources[e->rule->source].name;

	for (const struct event_stream *s = in->ev.streams; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return s->confirmed >= e->m->shake_no;
	return false;
}

static void
tell_late(struct event *e, int64_t now_ns)
{
	struct event_memory *m = e->m;

	if (m->told || m->shake == SHAKE_IDLE || now_ns - m->since_ns < e->rule->timeout_ns)
		return;
	m->told = true;
	log_warn("handshake_late", "event=\"%s\" no=%llu state=%s cause=\"%s%s\"", e->rule->path,
	    (unsigned long long)m->no,
	    m->shake == SHAKE_ACKED      ? "acknowledged"
		: m->shake == SHAKE_OPEN ? "requested"
					 : "closing",
	    m->shake == SHAKE_ACKED      ? "the machine does not lower its request: look at its program"
		: *m->trouble != '\0'    ? "the acknowledge cannot be written: "
		: m->shake == SHAKE_OPEN ? "the event is not durable in the spool yet, or the machine does not answer"
					 : "the machine does not answer",
	    m->trouble);
}

static void
step(struct insight *in, struct event *e, int64_t now_ns)
{
	struct event_memory *m = e->m;

	switch ((enum shake_state)m->shake) {
	case SHAKE_IDLE:
		if (m->level == TRIGGER_TRUE && event_make_asked(in, e, now_ns))
			enter(in, e, SHAKE_OPEN, now_ns);
		break;
	case SHAKE_OPEN:
		if (m->level == TRIGGER_FALSE)
			enter(in, e, SHAKE_CLOSING, now_ns);
		else if (m->level == TRIGGER_TRUE && durable(in, e))
			ask(in, e, true, now_ns);
		break;
	case SHAKE_ACKED:
		if (m->level == TRIGGER_FALSE)
			enter(in, e, SHAKE_CLOSING, now_ns);
		break;
	case SHAKE_CLOSING:
		ask(in, e, false, now_ns);	/* not before the journal knows: ask() sees to it */
		break;
	}
	tell_late(e, now_ns);
}

void
events_shake(struct insight *in, int64_t now_ns)
{
	in->ev.nshakes = 0;
	for (uint32_t i = 0; i < in->s->nevents; i++) {
		struct event *e = &in->s->events[i];
		if (*e->rule->request == '\0' || in->ev.damaged)
			continue;
		step(in, e, now_ns);
		in->ev.nshakes += e->m->shake != SHAKE_IDLE || e->m->level == TRIGGER_TRUE;
	}
}

void
insight_outcome(struct insight *in, uint64_t token, const struct request_result *r, struct wall now)
{
	struct event_memory *m = in->ev.memories;

	while (m != NULL &&
	    !(m->asking && m->ask_token == token)) /* an older one of the same handshake is of no account */
		m = m->next;
	struct event *e = m != NULL && in->s != NULL ? map_get(&in->s->events_by_path, m->path, strlen(m->path)) : NULL;

	if (e == NULL || e->m != m)
		return;
	m->asking = false;
	m->ask_ns = now.ns + ASK_AGAIN_NS;
	if (r->state != REQUEST_APPLIED) {
		snprintf(m->trouble, sizeof m->trouble, "%s: %.180s", request_state_name(r->state), r->text);
		return;
	}
	if (m->shake == SHAKE_OPEN && m->ask_value)
		enter(in, e, SHAKE_ACKED, now.ns);
	else if (m->shake == SHAKE_CLOSING && !m->ask_value)
		enter(in, e, SHAKE_IDLE, now.ns);
	in->ev.shaken = true;
}

void
insight_gate_new(struct insight *in)
{
	for (struct event_memory *m = in->ev.memories; m != NULL; m = m->next) {
		m->asking = false;
		m->ask_ns = 0;
	}
	in->ev.shaken = true;
}
