/*
 * Out of the quarantine again. Order matters at each step: delivered before it is marked released; marked before gate hears of
 * that; deleted only when the ledger has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "office/inside.h"
#include "os/clock.h"

/* ---- out: sent again ---- */

struct loading {
	struct outlet	*k;
	struct owed	*w;
	int		 err;
};

static void
load_one(void *arg, const struct quarantine_item *i)
{
	struct loading *l = arg;
	struct outlet *k = l->k;

	if (i->state != QUARANTINE_HELD)
		return;
	l->w = owed_visit(k, i->stream);
	frozen_free(&k->retry_frozen);
	free(k->retry_bytes);
	k->retry_bytes = malloc(i->samples_len + 1);
	if (l->w == NULL || k->retry_bytes == NULL)
		return;
	memcpy(k->retry_bytes, i->samples, i->samples_len);
	l->err = frozen_read(k->retry_bytes, i->samples_len, &k->retry_frozen);
	if (l->err == 0 && (k->retry_frozen.batch.first != i->first || i->first + k->retry_frozen.batch.n - 1 != i->last))
		l->err = ERR_CORRUPT;
}

void
release_next(struct outlet *k)
{
	while (k->nretries > 0 && !k->delivery.retry.on && k->phase == OUTLET_RUNNING && !k->office->stopping) {
		int64_t id = k->retries[0];
		struct loading l = { .k = k };
		memmove(k->retries, k->retries + 1, --k->nretries * sizeof *k->retries);
		int err = quarantine_get(k->office->quarantine, id, load_one, &l);
		if (err == 0 && l.w != NULL && l.err == 0)
			delivery_retry(&k->delivery, &l.w->pair, id, &k->retry_frozen.batch);
		else
			log_warn("quarantine_retry_impossible", "sink=%s id=%lld error=\"%s\"", k->name, (long long)id,
			    err_text(err != 0 ? err : l.err != 0 ? l.err : ERR_NOTFOUND));
	}
}

/* Tell gate that an item is released or discarded, as its state says. */
static void
tell(void *arg, const struct quarantine_item *i)
{
	struct office *o = arg;
	struct account *a = reporter_account(&o->reporter, i->stream, i->sink, 0);

	account_item(&o->reporter, a, i->state == QUARANTINE_RELEASED ? MSG_RELEASED : MSG_DISCARDED, i->first, i->last, i->note);
	office_flush_soon(o);
}

void
release_retried(struct outlet *k, struct owed *w, int64_t id, const char *reason)
{
	struct office *o = k->office;

	if (reason != NULL) {
		quarantine_again(o->quarantine, id, reason);
		log_warn("quarantine_refused_again", "sink=%s stream=\"%s\" id=%lld reason=\"%s\"", k->name, w->stream->name, (long long)id,
		    reason);
	} else if (quarantine_set(o->quarantine, id, QUARANTINE_RELEASED, NULL) == 0) {
		log_info("quarantine_released", "sink=%s stream=\"%s\" id=%lld", k->name, w->stream->name, (long long)id);
		quarantine_get(o->quarantine, id, tell, o);
	}
	stat_set((stat_t *)&k->host.stats[STATS_sink_quarantined], quarantine_count(o->quarantine, k->name));
	release_next(k);
}

/* ---- until the ledger has it ---- */

struct finding {
	const struct quarantine_item *item;
	bool			 found;
};

static void
match(void *arg, const struct ledger_entry *e)
{
	struct finding *f = arg;
	enum ledger_kind want = f->item->state == QUARANTINE_RELEASED ? LEDGER_RELEASED : LEDGER_DISCARDED;

	f->found = f->found || (e->kind == want && e->first == f->item->first && e->last == f->item->last &&
	    strcmp(e->sink, f->item->sink) == 0);
}

struct confirming {
	struct office	*o;
	int64_t		 ids[64];
	size_t		 n;
};

static void
confirm_one(void *arg, const struct quarantine_item *i)
{
	struct confirming *c = arg;
	struct finding f = { i, false };

	if (i->state == QUARANTINE_HELD || c->n == sizeof c->ids / sizeof c->ids[0])
		return;
	char *path = office_path(c->o->spool, i->stream);
	int err = ledger_each(path, c->o->opts.disk, match, &f);
	free(path);
	if (err != 0 && !f.found)
		return;
	if (f.found) {
		struct account *a = reporter_account(&c->o->reporter, i->stream, i->sink, 0);
		account_confirm(a, i->state == QUARANTINE_RELEASED ? MSG_RELEASED : MSG_DISCARDED, i->first, i->last);
		c->ids[c->n++] = i->id;
	}
}

void
release_confirm(struct office *o)
{
	struct confirming c = { .o = o };
	bool any = false;

	for (struct account *a = o->reporter.accounts; a != NULL; a = a->next)
		for (struct report_item *i = a->items; i != NULL; i = i->next)
			any = any || ((i->type == MSG_RELEASED || i->type == MSG_DISCARDED) && i->sent);
	if (!any)
		return;
	quarantine_each(o->quarantine, -1, NULL, confirm_one, &c);
	for (size_t i = 0; i < c.n; i++)
		quarantine_delete(o->quarantine, c.ids[i]);
}

static void
resume_one(void *arg, const struct quarantine_item *i)
{
	if (i->state != QUARANTINE_HELD)
		tell(arg, i);
}

void
release_resume(struct office *o)
{
	quarantine_each(o->quarantine, -1, NULL, resume_one, o);
}

/* ---- what people ask for ---- */

struct picking {
	struct office	*o;
	const char	*reason;	/* drop; NULL: retry */
	int64_t		 want;		/* id, or 0 for all */
	int64_t		*ids;
	size_t		 n, cap;
};

static void
pick(void *arg, const struct quarantine_item *i)
{
	struct picking *p = arg;

	if (i->state != QUARANTINE_HELD || (p->want != 0 && p->want != i->id) || p->n == OFFICE_RETRIES_MAX)
		return;
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		p->ids = reallocarray(p->ids, p->cap, sizeof *p->ids);
		if (p->ids == NULL)
			fatal("out_of_memory", "what=quarantine");
	}
	p->ids[p->n++] = i->id;
}

struct owner {
	char sink[64], stream[REPORT_STREAM_MAX + 1];
};

static void
note_owner(void *arg, const struct quarantine_item *i)
{
	struct owner *w = arg;
	snprintf(w->sink, sizeof w->sink, "%s", i->sink);
	snprintf(w->stream, sizeof w->stream, "%s", i->stream);
}

static const char *
retry_one(struct office *o, int64_t id)
{
	struct owner owner = { .sink = "" };
	uint64_t next;

	if (quarantine_get(o->quarantine, id, note_owner, &owner) != 0)
		return "it cannot be read";
	struct outlet *k = outlet_find(o, owner.sink);
	if (k == NULL || k->phase != OUTLET_RUNNING)
		return "its sink is not there: it is not in the site file, or could not be opened (penstock status)";
	if (!owed_may(k, owner.stream, &next))
		return "its sink is no sink of this flow any more, so it may not have it: drop it, or put the sink back into the flow";
	for (size_t i = 0; i < k->nretries; i++)
		if (k->retries[i] == id)
			return NULL;
	if (k->nretries == OFFICE_RETRIES_MAX)
		return "too many wait to be sent again";
	int64_t *more = reallocarray(k->retries, k->nretries + 1, sizeof *more);
	if (more == NULL)
		return "out of memory";
	k->retries = more;
	k->retries[k->nretries++] = id;
	release_next(k);
	return NULL;
}

static const char *
drop_one(struct office *o, int64_t id, const char *reason)
{
	struct outlet *k;

	for (k = o->outlets; k != NULL; k = k->next)
		if (k->delivery.retry.on && k->delivery.retry.id == id)
			return "it is just being sent again";
	int err = quarantine_set(o->quarantine, id, QUARANTINE_DISCARDED, reason);
	if (err != 0)
		return err == ERR_NOTFOUND ? "it is not held any more" : err_text(err);
	quarantine_get(o->quarantine, id, tell, o);
	return NULL;
}

static void
answer(struct buf *out, int64_t id, const char *did, const char *no)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	if (id != 0)
		json_key_i64(&j, "id", id);
	json_key(&j, no != NULL ? "error" : "did");
	json_text(&j, no != NULL ? no : did);
	json_close(&j, '}');
	buf_putc(out, '\n');
}

/* A line an item for those that were named; for all, a line a failure and one for the rest. */
static void
act(struct office *o, struct picking *p, struct buf *out)
{
	const char *did = p->reason != NULL ? "dropped" : "is being sent again";
	char sum[80];
	size_t good = 0;

	for (size_t i = 0; i < p->n; i++) {
		const char *no = p->reason != NULL ? drop_one(o, p->ids[i], p->reason) : retry_one(o, p->ids[i]);
		good += no == NULL;
		if (p->want != 0 || (no != NULL && i - good < 100))
			answer(out, p->ids[i], did, no);
	}
	snprintf(sum, sizeof sum, "%zu of %zu: %s", good, p->n, did);
	if (p->want == 0)
		answer(out, 0, sum, NULL);
	for (struct outlet *k = o->outlets; k != NULL; k = k->next)
		stat_set((stat_t *)&k->host.stats[STATS_sink_quarantined], quarantine_count(o->quarantine, k->name));
}

void
release_ask(struct office *o, int argc, const char *const *argv, struct buf *out)
{
	bool drop = argc > 0 && strcmp(argv[0], "drop") == 0;
	const char *reason = NULL;

	if (argc < 2 || (!drop && strcmp(argv[0], "retry") != 0)) {
		answer(out, 0, NULL, "say \"retry ID...\" or \"drop ID... --reason TEXT\"");
		return;
	}
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--reason") == 0)
			reason = argv[i + 1];
	if (drop && (reason == NULL || reason[0] == '\0')) {
		answer(out, 0, NULL, "what is dropped is lost for good: say why with --reason TEXT, it stands in the ledger");
		return;
	}
	for (int i = 1; i < argc && strcmp(argv[i], "--reason") != 0; i++) {
		struct picking p = { .o = o, .reason = drop ? reason : NULL };
		bool all = strcmp(argv[i], "all") == 0;
		int err = all ? 0 : num_parse_i64(argv[i], strlen(argv[i]), &p.want);
		if (err == 0 && (all || p.want > 0))
			err = quarantine_each(o->quarantine, QUARANTINE_HELD, NULL, pick, &p);
		if (err != 0 || (!all && p.n == 0))
			answer(out, p.want, NULL, "nothing of this number is held: penstock quarantine list shows what is");
		else if (all && p.n == 0)
			answer(out, 0, "nothing is held", NULL);
		else
			act(o, &p, out);
		free(p.ids);
	}
}
