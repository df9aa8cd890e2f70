/*
 * The way back: what office says of delivery becomes entries of the ledger. Office reads what brokers say and may
 * have been taken over, so a report is parsed into bounds and must fit the account: a known stream and sink, numbers
 * that were given, nothing backwards. "Delivered" is cumulative, so of several in a tenth of a second only the newest
 * is entered; then the ledger is synced once, and only then does office hear that it may forget.
 */
#include <stdio.h>

#include "gate/inside.h"

#define SYNC_EVERY_NS	(100 * NS_PER_MS)

static int
put(struct stream *st, const char *sink, enum ledger_kind kind, uint64_t first, uint64_t last, const char *note,
    struct wall wall)
{
	struct ledger_entry e = { .kind = kind, .when = wall, .sink = sink, .first = first, .last = last,
	    .note = note };
	int err = ledger_put(st->ledger, &e);

	st->ledger_dirty |= err == 0;
	return err;
}

static void
entered(struct member *m, uint64_t last)
{
	if (last > m->entered)
		m->entered = last;
}

/* Enter the newest "delivered" of a sink, if one waits. Refused by the account: dropped, it can never become right. */
static int
put_delivered(struct gate *g, struct stream *st, struct member *m, struct wall wall)
{
	uint64_t last = m->delivered;

	if (last == 0)
		return 0;
	int err = put(st, m->name, LEDGER_DELIVERED, 0, last, "", wall);
	if (err_action(err) == ERR_DO_RETRY)
		return err;
	m->delivered = 0;
	if (err != 0) {
		g->refused_reports++;
		log_warn("report_refused", "stream=\"%s\" sink=\"%s\" last=%llu error=\"%s\"", st->dir, m->name,
		    (unsigned long long)last, err_text(err));
		return 0;
	}
	entered(m, last);
	return 0;
}

static int
kind_of(enum msg_type type)
{
	switch (type) {
	case MSG_DELIVERED:	return LEDGER_DELIVERED;
	case MSG_QUARANTINED:	return LEDGER_QUARANTINED;
	case MSG_RELEASED:	return LEDGER_RELEASED;
	case MSG_DISCARDED:	return LEDGER_DISCARDED;
	case MSG_DAMAGED:	return LEDGER_DAMAGED;
	default:		return -1;
	}
}

static int
enter_report(struct gate *g, struct stream *st, struct member *m, enum ledger_kind kind, const struct report *rep,
    struct wall wall)
{
	if (rep->last >= st->next || rep->last == 0)
		return ERR_RANGE;
	if (kind == LEDGER_DELIVERED) {
		if (rep->last < m->delivered)
			return ERR_RANGE;
		m->delivered = rep->last;
		return 0;
	}
	if (rep->first == 0 || rep->first > rep->last)
		return ERR_RANGE;
	int err = put_delivered(g, st, m, wall);	/* what was said before stands before */
	if (err == 0)
		err = put(st, m->name, kind, rep->first, rep->last, rep->note, wall);
	if (err == 0)
		entered(m, rep->last);
	return err;
}

/* What a sink left behind in quarantine is still to be decided on. */
static bool
may_report(const struct member *m, enum ledger_kind kind)
{
	return m->present || kind == LEDGER_RELEASED || kind == LEDGER_DISCARDED;
}

int
gate_report(struct gate *g, enum msg_type type, const void *p, size_t len, struct mono now, struct wall wall)
{
	struct report rep = { .stream = "", .sink = "" };
	unsigned long left_out;
	int kind = kind_of(type), err = kind < 0 ? ERR_DENIED : report_read(p, len, &rep);
	struct stream *st = err == 0 ? stream_by_dir(g, rep.stream) : NULL;
	struct member *m = st != NULL && st->ledger != NULL ? member_find(st, rep.sink) : NULL;

	if (err == 0)
		err = m == NULL || !may_report(m, (enum ledger_kind)kind) ? ERR_NOTFOUND :
		    enter_report(g, st, m, (enum ledger_kind)kind, &rep, wall);
	if (err == 0) {
		g->account_at = mono_min(g->account_at, mono_add(now, SYNC_EVERY_NS));
		return 0;
	}
	if (err_action(err) == ERR_DO_RETRY)
		return ERR_AGAIN;
	g->refused_reports++;
	if (log_limit_ok(&g->log_report, now, &left_out))
		log_warn("report_refused",
		    "message=%s stream=\"%s\" sink=\"%s\" first=%llu last=%llu error=\"%s\" suppressed=%lu",
		    msg_name(type), rep.stream, rep.sink, (unsigned long long)rep.first, (unsigned long long)rep.last,
		    err_text(err),
		    left_out);
	return err;
}

static int
put_lost(struct stream *st, struct wall wall)
{
	if (st->lost_note[0] == '\0' || st->ledger == NULL)
		return 0;
	int err = put(st, "", LEDGER_LOST, 0, st->lost, st->lost_note, wall);
	if (err_action(err) == ERR_DO_RETRY)
		return err;
	if (err != 0)
		log_error("loss_not_entered", "stream=\"%s\" samples=%llu error=\"%s\"", st->dir,
		    (unsigned long long)st->lost, err_text(err));
	st->lost = 0;
	st->lost_note[0] = '\0';
	return 0;
}

/* Durable now: office may forget. It may also be slow to listen; then it is told later. */
static bool
answer(struct gate *g, struct stream *st)
{
	bool all = true;

	for (uint32_t i = 0; i < st->nsinks; i++) {
		struct member *m = &st->sinks[i];
		if (m->entered == 0)
			continue;
		if (g->opts.accounted == NULL || g->opts.accounted(g->opts.arg, st->dir, m->name, m->entered) == 0)
			m->entered = 0;
		else
			all = false;
	}
	return all;
}

int
account_enter(struct gate *g, struct stream *st, struct wall wall)
{
	int err = 0;

	for (uint32_t i = 0; i < st->nsinks && err == 0; i++)
		err = put_delivered(g, st, &st->sinks[i], wall);
	return err;
}

static int
account_stream(struct gate *g, struct stream *st, struct wall wall)
{
	int err = put_lost(st, wall);

	if (err == 0)
		err = account_enter(g, st, wall);
	if (err == 0 && st->ledger_dirty)
		err = ledger_sync(st->ledger);
	if (err != 0)
		return err;
	st->ledger_dirty = false;
	return answer(g, st) ? 0 : ERR_AGAIN;
}

int
gate_account(struct gate *g, struct mono now, struct wall wall, bool force)
{
	int first = 0;

	if (!force && mono_before(now, g->account_at))
		return 0;
	g->account_at = MONO_NEVER;
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		int err = account_stream(g, st, wall);
		if (err == 0)
			continue;
		unsigned long left_out;
		if (err != ERR_AGAIN && log_limit_ok(&g->log_write, now, &left_out))
			log_error("cannot_write_ledger", "stream=\"%s\" error=\"%s\" suppressed=%lu", st->dir,
			    err_text(err), left_out);
		first = first != 0 ? first : err;
		g->account_at = mono_add(now, SYNC_EVERY_NS);
	}
	return first;
}
