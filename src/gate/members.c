/*
 * The sinks of a stream. Who is owed what stands in the ledger: a sink that joins is owed everything from the next
 * number on, one that leaves by a change of the site file gives up what it was owed. A stream whose flow is gone or
 * has another schema keeps its sinks as long as the plan has them somewhere, so that its backlog is delivered.
 */
#include <stdio.h>

#include "gate/inside.h"

struct member *
member_find(struct stream *st, const char *name)
{
	for (uint32_t i = 0; i < st->nsinks; i++)
		if (strcmp(st->sinks[i].name, name) == 0)
			return &st->sinks[i];
	return NULL;
}

static struct member *
member_add(struct stream *st, const char *name)
{
	struct member *m = member_find(st, name);

	if (m != NULL || st->nsinks == LEDGER_SINKS_MAX || strlen(name) > REPORT_SINK_MAX)
		return m;
	m = &st->sinks[st->nsinks++];
	*m = (struct member){ 0 };
	memcpy(m->name, name, strlen(name) + 1);
	return m;
}

/* The ledger is the only memory of who is owed what. */
void
members_load(struct stream *st)
{
	struct ledger_account a;

	ledger_account(st->ledger, &a);
	st->nsinks = 0;
	for (uint32_t i = 0; i < a.nsinks; i++) {
		struct member *m = member_add(st, a.sinks[i].name);
		if (m != NULL)
			m->present = a.sinks[i].active;
	}
}

static int
enter(struct stream *st, struct member *m, enum ledger_kind kind, struct wall wall)
{
	struct ledger_entry e = { .kind = kind, .when = wall, .sink = m->name, .note = "by the site file" };

	if (kind == LEDGER_SINK)
		e.first = e.last = st->owe_from != 0 ? st->owe_from : st->next;
	int err = ledger_put(st->ledger, &e);
	if (err != 0)
		return err;
	m->present = kind == LEDGER_SINK;
	m->delivered = 0;
	log_info(m->present ? "sink_joined" : "sink_left", "stream=\"%s\" sink=\"%s\" next=%llu", st->dir, m->name,
	    (unsigned long long)(m->present ? e.first : st->next));
	if (m->present && st->owe_from != 0 && st->owe_from < st->next)
		log_warn("sink_owed_again", "stream=\"%s\" sink=\"%s\" first=%llu last=%llu note=\"the ledger does not say how far this sink "
		    "had got, so it gets again all that the spool holds, under the same keys\"", st->dir, m->name,
		    (unsigned long long)st->owe_from, (unsigned long long)st->next - 1);
	return 0;
}

static void
want(struct stream *st, const char *name)
{
	struct member *m = member_add(st, name);

	if (m != NULL)
		m->wanted = true;
	else
		log_error("too_many_sinks",
		    "stream=\"%s\" sink=\"%s\" limit=%u note=\"not delivered to; split the flow\"", st->dir, name,
		    LEDGER_SINKS_MAX);
}

/* f NULL: the flow is not in the plan. */
static void
mark_wanted(struct stream *st, const struct plan *p, const struct flow *f)
{
	for (uint32_t i = 0; i < st->nsinks; i++)
		st->sinks[i].wanted = false;
	if (f != NULL && (f->schema == st->schema || st->owe_from != 0)) {
		for (uint32_t i = 0; i < f->nsinks; i++)
			if (f->sinks[i] < p->nsinks)
				want(st, p->sinks[f->sinks[i]].name);
		return;
	}
	for (uint32_t i = 0; i < p->nsinks; i++) {
		struct member *m = member_find(st, p->sinks[i].name);
		if (m != NULL)
			m->wanted = true;
	}
}

int
members_update(struct stream *st, const struct plan *p, const struct flow *f, struct wall wall)
{
	int err = 0;

	mark_wanted(st, p, f);
	for (uint32_t i = 0; i < st->nsinks && err == 0; i++) {
		struct member *m = &st->sinks[i];
		bool joins = m->wanted && !m->present && f != NULL && (f->schema == st->schema || st->owe_from != 0);
		bool leaves = m->present && !m->wanted;
		if (!joins && !leaves)
			continue;
		err = enter(st, m, joins ? LEDGER_SINK : LEDGER_LEAVE, wall);
		if (err != 0 && err_action(err) != ERR_DO_RETRY) {
			/* The account does not allow it: the sink goes without, the flow goes on. */
			log_error("sink_not_entered", "stream=\"%s\" sink=\"%s\" error=\"%s\"", st->dir, m->name,
			    err_text(err));
			err = 0;
		}
	}
	if (err == 0)
		err = ledger_sync(st->ledger);	/* again, if it failed after the last entry */
	if (err == 0)
		st->owe_from = 0;	/* who joins later joins the flow as it then is */
	return err;
}
