/*
 * The sap-odata sink: events become documents in an SAP system. A batch of the spool is done when all its events stand durably in the sink's outbox
 * (outbox/outbox.h); from there the worker (worker.h) posts them, each with one effect. Here is the half that runs on the loop: the contract
 * with office.
 *
 * What is offered and is no event is refused at once, in words that say so; `penstock check` has said it before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/clock.h"
#include "os/disk.h"
#include "ring/stats.h"
#include "sink/sap_odata/event.h"
#include "sink/sap_odata/sap_odata.h"

/* ---- what the worker brings ---- */

static void
job_free(struct sap_sink *k, struct sap_job *j)
{
	struct sap_job **at = &k->jobs;

	while (*at != j)
		at = &(*at)->all;
	*at = j->all;
	k->njobs--;
	k->bytes -= j->bytes;
	arena_fini(&j->arena);
	free(j);
}

static void
on_jobs(struct sap_sink *k, struct sap_job *j)
{
	for (struct sap_job *next; j != NULL; j = next) {
		next = j->next;
		if (j->s != NULL && !k->stopping && j->err == 0)
			k->host->done(k->host, j->s, j->first, j->last);
		else if (j->s != NULL && !k->stopping)
			k->host->refused(k->host, j->s, j->first, j->last, j->why);
		job_free(k, j);
	}
	if (k->want_ready && !k->stopping && k->njobs < WORKER_JOBS_MAX / 2 && k->bytes < WORKER_BYTES_MAX / 2) {
		k->want_ready = false;
		k->host->ready(k->host);
	}
}

static void
on_answers(struct sap_sink *k, struct sap_ask *a)
{
	for (struct sap_ask *next; a != NULL; a = next) {
		next = a->next;
		k->nasks--;
		a->q.answer(a->q.arg, buf_text(&a->out), a->out.len);
		buf_fini(&a->out);
		arena_fini(&a->arena);
		free(a);
	}
}

static void
on_state(struct sap_sink *k, const struct worker_state *s)
{
	stat_add((stat_t *)&k->host->stats[STATS_sink_messages], s->messages - k->told_messages);
	stat_add((stat_t *)&k->host->stats[STATS_sink_bytes], s->bytes - k->told_bytes);
	k->told_messages = s->messages;
	k->told_bytes = s->bytes;
	k->host->state(k->host, s->connected, s->text);
}

/* ---- life ---- */

static void
on_closed(uv_handle_t *h)
{
	struct sap_sink *k = h->data;

	if (--k->handles > 0)
		return;
	worker_join(&k->w);
	k->started = false;
	k->stopped(k->stopped_arg);
}

static void
on_async(uv_async_t *a)
{
	struct sap_sink *k = a->data;
	struct worker *w = &k->w;

	pthread_mutex_lock(&w->lock);
	struct sap_job *jobs = w->out;
	struct sap_ask *answers = w->answers;
	struct worker_state state = w->state;
	bool news = w->state_new, ended = w->ended;
	w->out = NULL;
	w->out_end = &w->out;
	w->answers = NULL;
	w->answers_end = &w->answers;
	w->state_new = false;
	pthread_mutex_unlock(&w->lock);
	on_jobs(k, jobs);
	on_answers(k, answers);
	if (news)
		on_state(k, &state);
	sap_next_value(k);
	if (!ended || uv_is_closing((uv_handle_t *)&k->async))
		return;
	k->handles = 2;
	uv_close((uv_handle_t *)&k->async, on_closed);
	uv_close((uv_handle_t *)&k->timer, on_closed);
}

static int
sap_open(void *inst, const struct sink *cfg, const struct plan *plan, struct sink_host *h, char *why, size_t size)
{
	struct sap_sink *k = inst;
	size_t key;

	k->host = h;
	k->plan = plan;
	k->name = cfg->name;
	k->refusals = (struct log_limit){ .burst = 5, .period_ms = 600000 };
	int err = sap_cfg_read(cfg, &k->cfg, why, size, &key);
	if (err == 0)
		err = mapping_load_quiet(k->cfg.mappings, &k->set, why, size);
	if (err == 0)
		err = sap_cfg_names(&k->cfg, k->set, why, size, &key);
	if (err != 0)
		return err;
	if (k->cfg.far.auth == FAR_AUTH_BASIC && !k->cfg.tls)
		log_warn("sap_password_in_clear", "sink=%s remedy=\"take tls: no away, or everybody on the way can read the password\"", k->name);
	http_global();
	k->w = (struct worker){ .cfg = &k->cfg, .set = k->set, .plan = plan, .name = cfg->name, .dir = strdup(h->state_dir) };
	if (k->w.dir == NULL)
		return ERR_NOMEM;
	if ((err = worker_open(&k->w, why, size)) != 0)
		return err;
	uv_async_init(h->loop, &k->async, on_async);
	uv_timer_init(h->loop, &k->timer);
	k->async.data = k->timer.data = k;
	worker_go(&k->w, &k->async);
	k->started = true;
	h->state(h, false, "connecting");
	return 0;
}

static void
sap_stop(void *inst, struct mono deadline, void (*stopped)(void *arg), void *arg)
{
	struct sap_sink *k = inst;

	k->stopping = true;
	k->stopped = stopped;
	k->stopped_arg = arg;
	uv_timer_stop(&k->timer);
	if (k->host->request_forget != NULL)
		k->host->request_forget(k->host, k);
	pthread_mutex_lock(&k->w.lock);
	k->w.quit = true;
	k->w.deadline = deadline;
	pthread_mutex_unlock(&k->w.lock);
	worker_wake(&k->w);
}

static void
sap_close(void *inst)
{
	struct sap_sink *k = inst;

	while (k->jobs != NULL)
		job_free(k, k->jobs);
	free(k->write);
	free(k->w.dir);
	mapping_set_free(k->set);
	sap_cfg_fini(&k->cfg);
}

/* ---- batches ---- */

static int
sap_stream_add(void *inst, struct sink_stream *s)
{
	(void)inst;
	(void)s;
	return 0;
}

static void
sap_stream_remove(void *inst, struct sink_stream *s)
{
	struct sap_sink *k = inst;

	for (struct sap_job *j = k->jobs; j != NULL; j = j->all)
		if (j->s == s)
			j->s = NULL;
}

/* Is it an event, or nothing at all (a sample that only says that there is no value)? */
static bool
is_event(const struct sample *v)
{
	return v->v.type == VALUE_JSON || v->v.type == VALUE_NULL;
}

static int
refuse(struct sap_sink *k, struct sink_stream *s, const struct spool_batch *b, uint32_t i)
{
	char why[400];
	uint32_t tag = b->samples[i].tag;

	snprintf(why, sizeof why, "%.200s is no event: this sink takes events alone (events: of the site file), not values of tags; take it out of flow %.60s",
	    tag < s->schema->n ? s->schema->tags[tag].name : "a tag", s->flow);
	k->host->refused(k->host, s, b->first, b->first + b->n - 1, why);
	return 0;
}

static int
sap_offer(void *inst, struct sink_stream *s, const struct spool_batch *b, bool live)
{
	struct sap_sink *k = inst;
	(void)live;

	if (k->stopping)
		return ERR_CONN;
	for (uint32_t i = 0; i < b->n; i++)
		if (!is_event(&b->samples[i]))
			return refuse(k, s, b, i);
	if (k->jobs != NULL && (k->njobs >= WORKER_JOBS_MAX || k->bytes >= WORKER_BYTES_MAX)) {
		k->want_ready = true;
		return ERR_FULL;
	}
	struct sap_job *j = calloc(1, sizeof *j);
	if (j == NULL)
		return ERR_FULL;
	*j = (struct sap_job){ .s = s, .first = b->first, .last = b->first + b->n - 1, .all = k->jobs };
	j->flow = arena_strdup(&j->arena, s->flow);
	j->v = arena_array(&j->arena, b->n, sizeof *j->v);
	for (uint32_t i = 0; i < b->n; i++) {
		const struct value *v = &b->samples[i].v;
		if (v->type == VALUE_NULL)
			continue;
		j->v[j->n++] = (struct sap_sample){ arena_strndup(&j->arena, v->p, v->len), v->len };
		j->bytes += v->len;
	}
	k->jobs = j;
	k->njobs++;
	k->bytes += j->bytes;
	pthread_mutex_lock(&k->w.lock);
	*k->w.in_end = j;
	k->w.in_end = &j->next;
	pthread_mutex_unlock(&k->w.lock);
	worker_wake(&k->w);
	return 0;
}

/* ---- for people ---- */

static int
sap_preview(void *inst, struct sink_stream *s, const struct spool_batch *b, struct buf *out)
{
	struct sap_sink *k = inst;
	const struct sap_dry dry = { .cfg = &k->cfg, .set = k->set, .plan = k->plan, .dir = k->host->state_dir };
	(void)s;

	struct value *v = calloc(b->n, sizeof *v);
	if (v == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < b->n; i++)
		v[i] = b->samples[i].v;
	sap_dry_run(&dry, v, b->n, out);
	free(v);
	return out->err;
}

static int
sap_ask(void *inst, const struct sink_ask *q)
{
	struct sap_sink *k = inst;

	if (strcmp(q->verb, "outbox") != 0)
		return ERR_UNSUPPORTED;
	if (k->stopping || !k->started)
		return ERR_CONN;
	struct sap_ask *a = k->nasks < WORKER_ASKS_MAX ? calloc(1, sizeof *a) : NULL;
	if (a == NULL)
		return ERR_FULL;
	a->q = *q;
	const char **argv = arena_array(&a->arena, (size_t)q->argc + 1, sizeof *argv);
	for (int i = 0; i < q->argc; i++)
		argv[i] = arena_strdup(&a->arena, q->argv[i]);
	a->q.argv = argv;
	a->q.verb = "outbox";
	a->q.who = arena_strdup(&a->arena, q->who);
	a->out.max = 1u << 20;
	k->nasks++;
	pthread_mutex_lock(&k->w.lock);
	*k->w.asks_end = a;
	k->w.asks_end = &a->next;
	pthread_mutex_unlock(&k->w.lock);
	worker_wake(&k->w);
	return 0;
}

const struct sink_type sap_odata_sink = {
	.info = {
		.name = "sap-odata",
		.help = "Events become documents in SAP S/4HANA by OData: confirmations, inspection results, notifications, each with one effect.",
		.keys = sap_keys,
		.events_only = true,
		.default_port = 80,
		.tls_port = 443,
		.check = sap_check,
	},
	.size = sizeof(struct sap_sink),
	.open = sap_open,
	.stream_add = sap_stream_add,
	.stream_remove = sap_stream_remove,
	.offer = sap_offer,
	.preview = sap_preview,
	.dry_run = sap_dry,
	.verify = sap_verify,
	.ask = sap_ask,
	.stop = sap_stop,
	.close = sap_close,
};
