/* A stream of the gate: its spool, its ledger, its reduction. Opening brings back what a gate before this one knew. */
#include <stdio.h>
#include <stdlib.h>

#include "gate/inside.h"

/*
 * How far back a stream is read for the last sample of each tag: the newest few of each, and never less than a full
 * batch. A tag that has been quiet for longer is not found; then its next sample passes, changed or not.
 */
static uint64_t
tail_samples(const struct spool_schema *schema)
{
	uint64_t n = 4ULL * schema->n;
	return n > SPOOL_BATCH_MAX ? n : SPOOL_BATCH_MAX;
}

struct stream *
stream_new(struct gate *g, const char *dir, const char *flow, uint32_t schema)
{
	struct stream *st = calloc(1, sizeof *st);
	char *name = strdup(flow);

	if (st == NULL || name == NULL)
		fatal("out_of_memory", "stream=%s", dir);
	snprintf(st->dir, sizeof st->dir, "%s", dir);
	st->flow = name;
	st->schema = schema;
	st->sync_at = st->tick_at = MONO_NEVER;
	struct stream **end = &g->streams;
	while (*end != NULL)
		end = &(*end)->next_stream;
	*end = st;
	return st;
}

struct stream *
stream_by_dir(struct gate *g, const char *dir)
{
	struct stream *st = g->streams;
	while (st != NULL && strcmp(st->dir, dir) != 0)
		st = st->next_stream;
	return st;
}

void
stream_lose(struct stream *st, uint64_t n, const char *who, const char *note)
{
	st->lost += n;
	st->lost_total += n;
	snprintf(st->lost_note, sizeof st->lost_note, "%s: %s", who, note);
}

int
stream_path(const struct gate *g, const struct stream *st, char out[DISK_PATH_MAX])
{
	int n = snprintf(out, DISK_PATH_MAX, "%s/%s", g->spool_dir, st->dir);
	return n < (int)DISK_PATH_MAX ? 0 : ERR_LIMIT;
}

/*
 * The reduction learns what was admitted last. What cannot be read back is office's to report; here it only tells less.
 */
static int
restore(struct gate *g, struct stream *st, const char *path, uint64_t back)
{
	struct spool_reader *r = NULL;
	struct spool_batch b;
	struct spool_damage damage;
	uint64_t from = st->next > back ? st->next - back : 1;

	if (st->reduce == NULL || st->next <= 1)
		return 0;
	int err = spool_reader_open(path, from, g->disk, &r);
	while (err == 0) {
		err = spool_next(r, &b, &damage);
		for (uint32_t i = 0; err == 0 && i < b.n; i++)
			reduce_restore(st->reduce, &b.samples[i]);
		if (err == ERR_GAP)
			err = 0;
	}
	spool_reader_close(r);
	return err == ERR_AGAIN ? 0 : err;
}

static int
open_old(struct gate *g, struct stream *st, const char *path)
{
	struct spool_reader *r = NULL;
	int err = spool_reader_open(path, 0, g->disk, &r);

	if (err == 0)
		err = spool_open(g->root, spool_reader_schema(r), &st->opts, &st->spool);
	spool_reader_close(r);
	return err;
}

static void
learn_state(struct stream *st)
{
	struct spool_state s;

	spool_state(st->spool, &s);
	st->next = s.next;
	memset(st->restored, 0, sizeof st->restored);
	for (size_t i = 0; i < MARKS_MAX && s.marks[i].epoch != 0; i++)
		st->restored[i] = s.marks[i];
	if (s.cut_bytes > 0)
		log_warn("torn_tail_cut",
		    "stream=\"%s\" bytes=%llu note=\"a write was not finished when gate or the machine stopped; "
		    "nothing admitted was in it\"", st->dir, (unsigned long long)s.cut_bytes);
	log_info("stream_open", "stream=\"%s\" first=%llu next=%llu", st->dir, (unsigned long long)s.first,
	    (unsigned long long)s.next);
}

/*
 * A damaged ledger is set aside by ledger_open(); what can be proved of it lives on in a new one. Who joined behind the damage is then
 * not known, nor is anybody when the file was missing or empty: such sinks are owed all that the spool still holds. They may get again
 * what they have, under the same keys; the other way round, what was pending would be lost without a word.
 */
static int
open_ledger(struct gate *g, struct stream *st, const char *path, struct wall wall)
{
	struct ledger_entry e = { .kind = LEDGER_OPEN, .when = wall, .sink = "", .note = "" };
	struct ledger_account a = { 0 };
	struct spool_state s;
	int err = ledger_open(path, g->disk, &st->ledger);
	bool damaged = err == ERR_CORRUPT;

	if (damaged) {
		log_error("ledger_damaged",
		    "stream=\"%s\" note=\"the damaged file is kept; a new one begins with the totals that can still be "
		    "proved. Sinks may get again what they have\"", st->dir);
		err = ledger_open(path, g->disk, &st->ledger);
	}
	if (err == 0)
		err = ledger_account(st->ledger, &a);
	if (err != 0)
		return err;
	spool_state(st->spool, &s);
	st->owe_from = damaged || (a.nsinks == 0 && s.next > 1) ? s.first : 0;
	err = ledger_put(st->ledger, &e);
	if (err_action(err) != ERR_DO_RETRY)
		return err;
	/* Of little weight: what is delivered of this stream can be accounted for without it, and so make the room that is missing. */
	log_warn("open_not_entered", "stream=\"%s\" error=\"%s\"", st->dir, err_text(err));
	return 0;
}

/* Before a segment is deleted the ledger takes up what proves it was there. */
static int
enter_seal(void *arg, const struct spool_seal *seal)
{
	struct stream *st = arg;
	return ledger_seal(st->ledger, seal);
}

int
stream_open(struct gate *g, struct stream *st, const struct spool_schema *schema, struct wall wall)
{
	char path[DISK_PATH_MAX];
	int err = stream_path(g, st, path);

	st->opts.seal = enter_seal;
	st->opts.seal_arg = st;

	if (err == 0)
		err = schema != NULL ? spool_open(g->root, schema, &st->opts, &st->spool) : open_old(g, st, path);
	if (err == 0)
		err = open_ledger(g, st, path, wall);
	if (err != 0)
		goto fail;
	learn_state(st);
	members_load(st);
	err = restore(g, st, path, schema != NULL ? tail_samples(schema) : 0);
	if (err == 0)
		return 0;
fail:
	spool_close(st->spool);
	ledger_close(st->ledger);
	st->spool = NULL;
	st->ledger = NULL;
	return err;
}

void
stream_free(struct stream *st)
{
	if (st == NULL)
		return;
	spool_close(st->spool);
	ledger_close(st->ledger);
	reduce_free(st->reduce);
	out_fini(&st->out);
	free((char *)(uintptr_t)st->flow);
	free(st);
}
