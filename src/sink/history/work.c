/* The job of the history sink, see history.c: full chunks and the oldest dirty ones, copied, written in one transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/clock.h"
#include "sink/history/sink_history.h"

#define JOB_ROWS	4096u		/* chunks a transaction: with more series than this a second, each waits its turn */
#define RETRY_MAX_MS	30000

int
work_add_row(struct history_sink *k, struct series *s, bool close)
{
	struct job_rows *r = &k->job.waiting;

	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 256;
		struct job_row *v = realloc(r->v, cap * sizeof *v);
		if (v == NULL)
			return ERR_NOMEM;
		r->v = v;
		r->cap = cap;
	}
	uint8_t *bytes = close ? s->chunk.p : malloc(s->chunk.len);
	if (bytes == NULL)
		return ERR_NOMEM;
	if (s->row == 0)
		s->row = k->next_row++;
	r->v[r->n++] = (struct job_row){ .bytes = bytes, .series = s, .row = { .id = s->row, .series = s->id, .t0 = s->chunk.t0,
	    .t1 = s->chunk.t1, .n = s->chunk.n, .stream = s->version, .seq = s->seq, .close = close, .data = bytes, .len = s->chunk.len } };
	s->rows++;
	if (close) {	/* the row has the bytes now */
		s->chunk = (struct chunk){ 0 };
		s->row = 0;
	} else {
		memcpy(bytes, s->chunk.p, s->chunk.len);
		k->buffered += s->chunk.len;
	}
	return 0;
}

static void
on_work(uv_work_t *w)
{
	struct history_sink *k = w->data;
	struct job *j = &k->job;
	int err = history_begin(k->writer);

	for (size_t i = 0; err == 0 && i < j->out.n; i++)
		err = history_put_raw(k->writer, &j->out.v[i].row);
	if (err == 0)
		err = history_expire(k->writer, j->now, k->keep_ns);
	if (err == 0)
		err = history_commit(k->writer);
	if (err != 0) {
		snprintf(j->fault, sizeof j->fault, "%s", history_fault(k->writer));
		history_rollback(k->writer);
	}
	j->err = err;
}

/* What is committed by now: everything before the oldest sample of the first dirty series. */
static void
report(struct history_sink *k, struct stream *st)
{
	uint64_t below = st->dirty != NULL ? st->dirty->dirty_from : UINT64_MAX;

	while (st->taken != NULL && st->taken->last < below) {
		struct taken *t = st->taken;
		st->taken = t->next;
		if (st->taken == NULL)
			st->taken_end = &st->taken;
		k->ntaken--;
		k->host->done(k->host, st->of, t->first, t->last);
		free(t);
	}
}

void
work_report(struct history_sink *k)
{
	for (struct stream *st = k->streams; st != NULL; st = st->next)
		report(k, st);
}

static void
say_failing(struct history_sink *k)
{
	char text[384];

	snprintf(text, sizeof text, "cannot write the history: %s (%s); samples wait in the spool", k->job.fault, err_text(k->job.err));
	if (!k->failing)
		log_error("history_not_written", "error=\"%s\" remedy=\"make room on the disk or mend its rights; it is tried again\"", text);
	k->failing = true;
	k->host->state(k->host, false, text);
}

static void
forget(struct history_sink *k, struct job_rows *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct job_row *row = &r->v[i];
		k->buffered -= row->row.len;
		free(row->bytes);
		row->series->rows--;
		series_let_go(k, row->series);
	}
	r->n = 0;
}

void
work_fini(struct history_sink *k)
{
	forget(k, &k->job.out);
	forget(k, &k->job.waiting);
	free(k->job.out.v);
	free(k->job.waiting.v);
}

bool
work_idle(const struct history_sink *k)
{
	return !k->running && k->job.out.n == 0 && k->job.waiting.n == 0;
}

static void
on_timer_closed(uv_handle_t *h)
{
	struct history_sink *k = h->data;
	k->stopped(k->stopped_arg);
}

void
work_ended(struct history_sink *k)
{
	if (!uv_is_closing((uv_handle_t *)&k->timer))
		uv_close((uv_handle_t *)&k->timer, on_timer_closed);
}

static bool
any_dirty(const struct history_sink *k)
{
	for (const struct stream *st = k->streams; st != NULL; st = st->next)
		if (st->dirty != NULL)
			return true;
	return k->job.waiting.n > 0;
}

/* Series that the job took are clean, unless they got more meanwhile: those are dirty anew, from what came then. */
static void
on_work_done(uv_work_t *w, int status)
{
	struct history_sink *k = w->data;
	(void)status;

	k->running = false;
	if (k->job.err != 0) {
		say_failing(k);
		k->retry_ms = k->retry_ms == 0 ? HISTORY_COMMIT_MS : k->retry_ms * 2 < RETRY_MAX_MS ? k->retry_ms * 2 : RETRY_MAX_MS;
		if (k->stopping)	/* the spool keeps it for the next start */
			work_ended(k);
		return;
	}
	forget(k, &k->job.out);
	if (k->failing)
		k->host->state(k->host, true, "writing");
	k->failing = false;
	k->retry_ms = 0;
	work_report(k);
	history_say_ready(k);
	if (k->stopping && !any_dirty(k))
		work_ended(k);
	else if (k->stopping || k->want_ready)
		work_start(k);
}

/* The oldest dirty series of each stream, in turn, until the job has its rows. */
static int
collect(struct history_sink *k)
{
	bool more = true;

	while (more && k->job.waiting.n < JOB_ROWS) {
		more = false;
		for (struct stream *st = k->streams; st != NULL && k->job.waiting.n < JOB_ROWS; st = st->next) {
			struct series *s = st->dirty;
			if (s == NULL)
				continue;
			int err = s->chunk.n > 0 ? work_add_row(k, s, k->buffered >= HISTORY_CLOSE_AT) : 0;
			if (err != 0)
				return err;
			st->dirty = s->next;
			if (st->dirty == NULL)
				st->dirty_end = &st->dirty;
			s->dirty = false;
			more = true;
		}
	}
	return 0;
}

void
work_start(struct history_sink *k)
{
	if (k->running)
		return;
	if (k->job.out.n == 0) {	/* else the one before failed: its rows first, as they are */
		if (collect(k) != 0)
			log_warn("history_short_of_memory", "rows=%zu", k->job.waiting.n);
		struct job_rows spare = k->job.out;
		k->job.out = k->job.waiting;
		k->job.waiting = spare;
	}
	if (k->job.out.n == 0)
		return;
	k->job.now = wall_now().ns;
	k->job.work.data = k;
	k->running = uv_queue_work(k->host->loop, &k->job.work, on_work, on_work_done) == 0;
}
