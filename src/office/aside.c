/* Into the quarantine: durable there before gate hears of it and before the cursor passes. The way out is in release.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "office/inside.h"
#include "office/lane.h"
#include "os/clock.h"

#define AGAIN_MS 10000u		/* after the quarantine's disk failed */

struct aside {
	struct office	*office;
	char		 sink[64], stream[REPORT_STREAM_MAX + 1], reason[REPORT_NOTE_MAX + 1];
	uint64_t	 first, last;
};

static void
aside_failed(struct office *o, const struct aside *a, struct owed *w, int err)
{
	unsigned long left_out;

	if (log_limit_ok(&o->complaints, mono_now(), &left_out))
		log_error("quarantine_failed", "sink=%s stream=\"%s\" first=%llu error=\"%s\" remedy=\"%s\"", a->sink, a->stream,
		    (unsigned long long)a->first, err_text(err), err == ERR_LIMIT ?
		    "the quarantine is full: penstock quarantine retry or drop" : "free the disk of the state directory");
	if (w != NULL)
		delivery_restore(&w->outlet->delivery, &w->pair, a->first, a->last, AGAIN_MS);
}

/* The pair may be gone by now (a new plan): then the next one finds the item by aside_recall(). */
static void
on_stored(void *arg, int err)
{
	struct aside *a = arg;
	struct outlet *k = outlet_find(a->office, a->sink);
	struct owed *w = k != NULL ? owed_find(k, a->stream) : NULL;

	if (err != 0)
		aside_failed(a->office, a, w, err);
	else if (w != NULL && account_item(&a->office->reporter, w->account, MSG_QUARANTINED, a->first, a->last, a->reason)) {
		log_warn("batch_quarantined", "sink=%s stream=\"%s\" first=%llu last=%llu reason=\"%s\"", a->sink, a->stream,
		    (unsigned long long)a->first, (unsigned long long)a->last, a->reason);
		stat_set((stat_t *)&k->host.stats[STATS_sink_quarantined], quarantine_count(a->office->quarantine, k->name));
		delivery_quarantined(&k->delivery, &w->pair, a->first, a->last);
		office_flush_soon(a->office);
	} else if (w != NULL)
		aside_failed(a->office, a, w, ERR_LIMIT);
	free(a);
}

/* The beginning is enough to see what it was; cut between characters. */
static void
cut(struct buf *b)
{
	size_t len = QUARANTINE_PREVIEW_MAX;

	b->err = 0;
	if (b->len <= len)
		return;
	while (len > 0 && ((unsigned char)b->p[len] & 0xc0) == 0x80)
		len--;
	b->len = len;
	buf_puts(b, "\n(cut here)\n");
}

void
aside_put(struct owed *w, const struct spool_batch *b, const char *reason)
{
	struct office *o = w->outlet->office;
	struct buf samples = { 0 }, preview = { .max = 8u << 20 };
	struct aside *a = calloc(1, sizeof *a);

	if (a == NULL)
		fatal("out_of_memory", "what=quarantine");
	a->office = o;
	snprintf(a->sink, sizeof a->sink, "%s", w->outlet->name);
	snprintf(a->stream, sizeof a->stream, "%s", w->stream->name);
	snprintf(a->reason, sizeof a->reason, "%s", reason);
	a->first = b->first;
	a->last = b->first + b->n - 1;
	frozen_write(b, &samples);
	w->outlet->type->preview(w->outlet->inst, &w->pair.stream, b, &preview);
	cut(&preview);
	struct quarantine_item item = {
		.stream = a->stream, .sink = a->sink, .reason = a->reason, .preview = buf_text(&preview), .first = a->first, .last = a->last,
		.when = wall_now(), .samples = samples.p, .samples_len = samples.len,
	};
	if (samples.err == 0)
		quarantine_put(o->quarantine, &item, on_stored, a);
	else
		on_stored(a, samples.err);
	buf_fini(&samples);
	buf_fini(&preview);
}

struct recall {
	struct owed	*w;
	uint64_t	 next, admitted;
	struct lane	 lane;
	bool		 same;
};

/* Does the spool hold this batch under its number? What the spool cannot read any more is in the quarantine alone. */
static void
compare(void *arg, const struct quarantine_item *i)
{
	struct recall *r = arg;
	struct spool_damage damage;
	struct buf samples = { 0 };

	lane_move(&r->lane, i->first);
	r->same = true;
	if (lane_read(&r->lane, r->w->pair.dir, r->w->outlet->office->opts.disk, &damage) != 0)
		return;
	frozen_write(&r->lane.batch, &samples);
	r->same = samples.err == 0 && samples.len == i->samples_len && memcmp(samples.p, i->samples, samples.len) == 0;
	buf_fini(&samples);
}

/*
 * A power cut may have taken a batch from the spool that the quarantine already had: its number is given to other samples, which nobody
 * has refused. The item stays as it is; a person may still look at it, send it or drop it.
 */
static bool
given_anew(struct recall *r, const struct quarantine_item *i)
{
	if (i->last <= r->admitted && quarantine_get(r->w->outlet->office->quarantine, i->id, compare, r) == 0 && r->same)
		return false;
	log_warn("quarantine_not_recalled", "sink=%s stream=\"%s\" id=%lld first=%llu note=\"the spool does not hold this batch any more, as after a "
	    "power cut; its number is other samples'\"", i->sink, i->stream, (long long)i->id, (unsigned long long)i->first);
	return true;
}

static void
recall_one(void *arg, const struct quarantine_item *i)
{
	struct recall *r = arg;
	struct owed *w = r->w;
	struct office *o = w->outlet->office;

	if (strcmp(i->stream, w->stream->name) != 0 || i->first < r->next || given_anew(r, i))
		return;
	if (!account_item(&o->reporter, w->account, MSG_QUARANTINED, i->first, i->last, i->reason))
		return;
	delivery_quarantined(&w->outlet->delivery, &w->pair, i->first, i->last);
	office_flush_soon(o);
}

void
aside_recall(struct owed *w, uint64_t next)
{
	struct recall r = { .w = w, .next = next };
	struct ledger_sink l;

	if (stream_ledger(w->outlet->office, w->stream, w->outlet->name, &l, &r.admitted) != 0)
		return;
	quarantine_each(w->outlet->office->quarantine, QUARANTINE_HELD, w->outlet->name, recall_one, &r);
	lane_close(&r.lane);
	stat_set((stat_t *)&w->outlet->host.stats[STATS_sink_quarantined], quarantine_count(w->outlet->office->quarantine, w->outlet->name));
}
