/* Batches of events into the outbox: all that wait in one transaction, so that many small batches cost one sync. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/clock.h"
#include "sink/sap_odata/event.h"
#include "sink/sap_odata/worker.h"

#define PUT_MAX		2000u		/* events a transaction, but for one batch that has more */
#define PAUSE_MIN_NS	NS_PER_S
#define PAUSE_MAX_NS	(30 * NS_PER_S)

struct row {
	struct sap_job	*job;
	uint64_t	 no;		/* of the sample, for the message */
};

static void
bad(struct sap_job *j, uint64_t number, const char *why)
{
	if (j->err == 0)
		snprintf(j->why, sizeof j->why, "sample %llu: %.250s", (unsigned long long)number, why);
	j->err = ERR_RANGE;
}

/* false: it is no event. */
static bool
make(struct worker *w, struct sap_job *j, size_t i, struct outbox_new *out)
{
	struct sap_event e;
	struct fault fault = { .code = "" };
	char why[FAULT_TEXT], lane[OUTBOX_NAME_MAX + 1] = "";

	if (sap_event_read(j->v[i].json, j->v[i].len, &j->arena, &e, why, sizeof why) != 0) {
		bad(j, j->first + i, why);
		return false;
	}
	/* Without a mapping, or without a lane, it goes in all the same: it ends in quarantine there, with the reason, and a person may retry it. */
	const struct mapping *m = sap_mapping_of(w->cfg, w->set, e.path, e.type, why, sizeof why);
	if (m != NULL && message_lane(m, j->v[i].json, j->v[i].len, lane, sizeof lane, &fault) != 0)
		lane[0] = '\0';
	*out = (struct outbox_new){ .id = e.id, .event = e.path, .type = e.type, .key = e.key, .lane = arena_strdup(&j->arena, lane),
	    .body = j->v[i].json, .body_len = j->v[i].len, .flow = j->flow, .no = e.no, .time = e.time, .mapping = m != NULL ? m->name : "" };
	return true;
}

/* Put n events; those that are malformed or too long are taken out, and said of their jobs. */
static int
put_all(struct worker *w, struct outbox_new *v, struct row *rows, size_t n, struct mono now)
{
	int err = 0;
	size_t at = 0;

	/* Ends: each round but the last takes one out. */
	while (n > 0 && (err = outbox_put(w->outbox, v, n, now, wall_now(), &at)) == ERR_LIMIT && at < n) {
		bad(rows[at].job, rows[at].no, "the outbox takes no such event: its id may have 64 bytes, its path, type, key and order 1023 each, all "
		    "of valid UTF-8; who publishes it must shorten what is longer");
		memmove(&v[at], &v[at + 1], (n - at - 1) * sizeof *v);
		memmove(&rows[at], &rows[at + 1], (n - at - 1) * sizeof *rows);
		n--;
	}
	return n == 0 ? 0 : err;
}

static void
give_back(struct worker *w, struct sap_job *j)
{
	pthread_mutex_lock(&w->lock);
	*w->out_end = j;
	while (*w->out_end != NULL)
		w->out_end = &(*w->out_end)->next;
	pthread_mutex_unlock(&w->lock);
	uv_async_send(w->async);
}

/* What waits, at most PUT_MAX events of it. */
static size_t
take_jobs(struct worker *w)
{
	size_t n = 0;
	struct sap_job **end = &w->putting;

	for (; *end != NULL; end = &(*end)->next)
		n += (*end)->n;
	pthread_mutex_lock(&w->lock);
	while (w->in != NULL && (n == 0 || n + w->in->n <= PUT_MAX)) {
		struct sap_job *j = w->in;
		w->in = j->next;
		j->next = NULL;
		*end = j;
		end = &j->next;
		n += j->n;
	}
	if (w->in == NULL)
		w->in_end = &w->in;
	pthread_mutex_unlock(&w->lock);
	return n;
}

static void
failed(struct worker *w, int err, struct mono now)
{
	const char *why = outbox_fault(w->outbox);

	w->put_pause_ns = w->put_pause_ns == 0 ? PAUSE_MIN_NS : w->put_pause_ns * 2 < PAUSE_MAX_NS ? w->put_pause_ns * 2 : PAUSE_MAX_NS;
	w->put_again = mono_add(now, w->put_pause_ns);
	log_error("outbox_not_written", "sink=%s error=\"%s\" why=\"%s\"", w->name, err_text(err), why);
	snprintf(w->fault, sizeof w->fault, "%.280s", why[0] != '\0' ? why : err_text(err));
}

struct mono
worker_put(struct worker *w, struct mono now)
{
	if (mono_before(now, w->put_again))
		return w->put_again;
	size_t n = take_jobs(w), k = 0;
	if (w->putting == NULL)
		return MONO_NEVER;
	struct outbox_new *v = calloc(n + 1, sizeof *v);
	struct row *rows = calloc(n + 1, sizeof *rows);
	if (v == NULL || rows == NULL)
		fatal("out_of_memory", "what=outbox");
	for (struct sap_job *j = w->putting; j != NULL; j = j->next) {
		j->err = 0;
		for (size_t i = 0; i < j->n; i++)
			if (make(w, j, i, &v[k]))
				rows[k++] = (struct row){ j, j->first + i };
	}
	int err = put_all(w, v, rows, k, now);
	free(v);
	free(rows);
	if (err != 0) {
		failed(w, err, now);
		return w->put_again;
	}
	struct sap_job *done = w->putting;
	w->putting = NULL;
	w->put_pause_ns = 0;
	give_back(w, done);
	return now;	/* maybe there are more */
}
