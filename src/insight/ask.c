/* What people ask of insight: why a derived tag is as it is, by its expression and what its inputs are now. */
#include <stdio.h>
#include <string.h>

#include "insight/inside.h"
#include "model/path.h"
#include "model/status.h"

#define ASK_TAGS_MAX 256u

static void
put_input(struct json *j, const struct expr_tag *t, const struct expr_input *in)
{
	json_open(j, '{');
	json_key_text(j, "tag", t->name);
	json_key(j, "value");
	value_json(j, &in->v);
	json_key_text(j, "unit", t->unit);
	json_key_text(j, "status", in->time.ns == 0 ? "BadWaitingForInitialData" : status_name(in->status));
	json_wall(j, "time", in->time, 3);
	json_close(j, '}');
}

static void
put_prog(struct json *j, const struct prog *g)
{
	char why[500];

	json_open(j, '{');
	json_key_text(j, "tag", g->tag->path);
	json_key_text(j, "verdict", g->last_ns == 0 ? "it has not been evaluated yet" : g->last.why == EXPR_WHY_NONE ?
	    "nothing is wrong with it" :
	    expr_why_text(g->p, &g->last, why, sizeof why));
	json_key_text(j, "status", g->last_ns == 0 ? "BadWaitingForInitialData" : status_name(g->last.status));
	json_key(j, "value");
	value_json(j, &g->last.v);
	json_key_text(j, "unit", expr_unit(g->p));
	json_wall(j, "time", (struct wall){ g->last_ns }, 3);
	json_key_text(j, "expr", g->tag->at);
	json_key(j, "inputs");
	json_open(j, '[');
	for (size_t i = 0; i < expr_inputs(g->p); i++)
		put_input(j, expr_input(g->p, i), g->in[i]);
	json_close(j, ']');
	json_close(j, '}');
}

size_t
insight_why(const struct insight *in, const char *pattern, bool (*line)(void *arg, const char *text, size_t len),
    void *arg)
{
	size_t n = 0;

	for (uint32_t i = 0; in->s != NULL && i < in->s->nderived && n < ASK_TAGS_MAX; i++) {
		struct buf out = { 0 };
		struct json j = { .out = &out };
		if (!path_match(pattern, in->s->progs[i].tag->path))
			continue;
		put_prog(&j, &in->s->progs[i]);
		buf_putc(&out, '\n');
		bool taken = out.err == 0 && line(arg, buf_text(&out), out.len);
		buf_fini(&out);
		if (!taken)
			break;
		n++;
	}
	return n;
}

static const char *
shake_name(const struct event *e)
{
	static const char *const names[] = { "idle", "requested", "acknowledged", "closing" };
	return *e->rule->request == '\0' ? NULL : names[e->m->shake <= SHAKE_CLOSING ? e->m->shake : 0];
}

static void
put_event(const struct insight *in, struct json *j, const struct event *e)
{
	const struct event_memory *m = e->m;
	uint64_t waiting = 0;

	for (const struct event_stream *s = in->ev.streams; s != NULL; s = s->next)
		for (const struct event_wait *w = s->first; w != NULL; w = w->next)
			waiting += w->hash == m->hash;
	json_open(j, '{');
	json_key_text(j, "event", e->rule->path);
	json_key_text(j, "type", event_object_name(e->rule->object));
	json_key_u64(j, "no", m->no);
	json_wall(j, "time", (struct wall){ m->time_ns }, 3);
	json_key_text(j, "key", m->key);
	json_key_u64(j, "waiting", waiting);
	json_key_u64(j, "faults", m->faults);
	json_key_text(j, "handshake", shake_name(e));
	json_key_text(j, "trouble", in->ev.damaged ? "the journal of events is damaged, so none is made: see the log" :
	    m->trouble[0] != '\0' ? m->trouble : NULL);
	json_close(j, '}');
}

size_t
insight_events(const struct insight *in, const char *pattern, bool (*line)(void *arg, const char *text, size_t len), void *arg)
{
	size_t n = 0;

	for (uint32_t i = 0; in->s != NULL && i < in->s->nevents; i++) {
		struct buf out = { 0 };
		struct json j = { .out = &out };
		if (!path_match(pattern, in->s->events[i].rule->path))
			continue;
		put_event(in, &j, &in->s->events[i]);
		buf_putc(&out, '\n');
		bool taken = out.err == 0 && line(arg, buf_text(&out), out.len);
		buf_fini(&out);
		if (!taken)
			break;
		n++;
	}
	return n;
}
