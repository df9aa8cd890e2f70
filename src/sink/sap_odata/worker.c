/* See worker.h. Start reading at run(). */
#include "sink/sap_odata/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/stream.h"
#include "os/wake.h"
#include "sink/sap_odata/reads.h"

#define OPEN_AGAIN_NS	(10 * NS_PER_S)
#define TELL_NS		NS_PER_S
#define LEAVE_NS	(500 * NS_PER_MS)	/* of the time to stop: kept for the last transaction */
#define TURN_MAX_NS	(10 * NS_PER_S)

void
worker_wake(struct worker *w)
{
	wake_set(w->wake_fd);
}

/* ---- the outbox ---- */

static void
open_outbox(struct worker *w, struct mono now)
{
	const struct sap_cfg *c = w->cfg;
	char path[DISK_PATH_MAX + 32];
	const struct outbox_opts o = {
		.connections = c->connections, .batch = c->batch, .rate = c->rate, .pass = c->pass, .rules = c->rules, .nrules = c->nrules,
		.windows = c->windows, .nwindows = c->nwindows, .zone = w->plan->offsets, .nzone = w->plan->noffsets, .settle_ns = c->settle_ns,
		.keep_ns = c->keep_ns, .keep_max = c->keep_max, .seed = hash64(w->name, strlen(w->name)), .poster = poster_calls(&w->poster),
	};

	snprintf(path, sizeof path, "%s/" OUTBOX_FILE, w->dir);
	int err = outbox_open(path, &o, now, wall_now(), &w->outbox, w->fault, sizeof w->fault);
	if (err == 0) {
		w->fault[0] = '\0';
		w->poster.outbox = w->outbox;
		return;
	}
	w->outbox = NULL;
	w->open_again = mono_add(now, OPEN_AGAIN_NS);
	log_error("outbox_not_opened", "sink=%s why=\"%s\" retry=\"10 s\"", w->name, w->fault);
}

/* ---- people ---- */

static void
answer_asks(struct worker *w)
{
	static const char shut[] = "{\"error\":\"the outbox is not open yet: penstock status says why\"}\n";

	pthread_mutex_lock(&w->lock);
	struct sap_ask *a = w->asks;
	w->asks = NULL;
	w->asks_end = &w->asks;
	pthread_mutex_unlock(&w->lock);
	for (struct sap_ask *next; a != NULL; a = next) {
		next = a->next;
		a->next = NULL;
		if (w->outbox == NULL)
			buf_puts(&a->out, shut);
		else
			outbox_do(w->outbox, a->q.argc, a->q.argv, a->q.who, a->q.dry, mono_now(), wall_now(), &a->out);
		pthread_mutex_lock(&w->lock);
		*w->answers_end = a;
		w->answers_end = &a->next;
		pthread_mutex_unlock(&w->lock);
		uv_async_send(w->async);
	}
}

/* ---- the thread ---- */

static bool
told_to_quit(struct worker *w, struct mono *deadline)
{
	pthread_mutex_lock(&w->lock);
	bool quit = w->quit;
	*deadline = w->deadline;
	pthread_mutex_unlock(&w->lock);
	return quit;
}

/* One round; returns until when it may wait. */
static struct mono
turn(struct worker *w, struct mono now)
{
	struct mono until = mono_add(now, TURN_MAX_NS);

	if (w->outbox == NULL && !mono_before(now, w->open_again))
		open_outbox(w, now);
	until = mono_min(until, w->outbox == NULL ? w->open_again : worker_put(w, now));
	answer_asks(w);
	if (w->outbox != NULL) {
		struct outbox_turn t = outbox_turn(w->outbox, now, wall_now());
		until = mono_min(until, t.again);
		if (t.err != 0 || w->put_pause_ns == 0)
			snprintf(w->fault, sizeof w->fault, "%.290s", t.err != 0 ? outbox_fault(w->outbox) : "");
	}
	until = mono_min(until, metas_turn(w->metas, w->far, now, w->cfg->metadata_ns));
	until = mono_min(until, reads_turn(w->reads, w->far, now));
	if (!mono_before(now, w->told)) {
		worker_tell(w);
		w->told = mono_add(now, TELL_NS);
	}
	return mono_min(until, w->told);
}

/* What is under way may end, as far as there is time; what has not ended is noted as such and looked up at the next start. */
static void
leave(struct worker *w, struct mono deadline)
{
	deadline.ns -= LEAVE_NS;
	if (w->outbox != NULL)
		outbox_drain(w->outbox);
	while (w->outbox != NULL && outbox_in_flight(w->outbox) > 0 && mono_before(mono_now(), deadline)) {
		struct mono now = mono_now();
		struct outbox_turn t = outbox_turn(w->outbox, now, wall_now());
		far_turn(w->far, w->wake_fd, mono_diff(mono_min(t.again, deadline), now));
		wake_clear(w->wake_fd);
	}
	metas_hush(w->metas);
	far_free(w->far);
	if (w->outbox != NULL)
		outbox_turn(w->outbox, mono_now(), wall_now());
	outbox_close(w->outbox);
	w->outbox = NULL;
	answer_asks(w);
	poster_fini(&w->poster);
	reads_close(w->reads);
	metas_close(w->metas);
}

static void *
run(void *arg)
{
	struct worker *w = arg;
	struct mono deadline;

	while (!told_to_quit(w, &deadline)) {
		struct mono now = mono_now(), until = turn(w, now);
		far_turn(w->far, w->wake_fd, mono_diff(until, mono_now()));
		wake_clear(w->wake_fd);
	}
	leave(w, deadline);
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	uv_async_send(w->async);	/* under lock: once the loop has seen `ended`, it closes the handle */
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int
worker_open(struct worker *w, char *why, size_t size)
{
	const struct mapping *used[SAP_MAPPINGS_USED_MAX];
	char dir[DISK_PATH_MAX];

	w->in_end = &w->in;
	w->out_end = &w->out;
	w->asks_end = &w->asks;
	w->answers_end = &w->answers;
	w->writes_end = &w->writes;
	w->wake_fd = -1;
	pthread_mutex_init(&w->lock, NULL);
	snprintf(dir, sizeof dir, "%s/" METAS_FOLDER, w->dir);
	int err = metas_open(dir, used, sap_mappings_used(w->cfg, w->set, used), false, &w->metas, why, size);
	if (err == 0)
		err = far_new(&w->cfg->far, &w->far, why, size);
	if (err == 0)
		err = reads_open(w, &w->reads, why, size);
	if (err == 0 && (err = wake_open(&w->wake_fd)) != 0)
		snprintf(why, size, "%s", err_text(err));
	w->poster = (struct poster){ .cfg = w->cfg, .set = w->set, .metas = w->metas, .far = w->far, .env = { .zones = w->plan->offsets,
	    .nzones = w->plan->noffsets, .settings = w->cfg->settings, .nsettings = w->cfg->nsettings } };
	if (err == 0)
		return 0;
	far_free(w->far);
	reads_close(w->reads);
	metas_close(w->metas);
	if (w->wake_fd >= 0)
		stream_close(w->wake_fd);
	pthread_mutex_destroy(&w->lock);
	return err;
}

void
worker_go(struct worker *w, uv_async_t *async)
{
	w->async = async;
	if (pthread_create(&w->thread, NULL, run, w) != 0)
		fatal("no_thread", "sink=%s", w->name);
}

void
worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
	stream_close(w->wake_fd);
	*w->writes_end = w->unwritten;
	for (struct sap_write *x = w->writes, *next; x != NULL; x = next) {
		next = x->next;
		free(x);
	}
	pthread_mutex_destroy(&w->lock);
}
