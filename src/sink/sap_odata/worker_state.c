/* The state of the sink in one sentence for people: is it connected, what waits, what needs somebody. */
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "sink/sap_odata/reads.h"
#include "sink/sap_odata/worker.h"

static void
say_counts(struct buf *t, const struct outbox_counts *c)
{
	uint64_t waiting = c->n[OUTBOX_READY] + c->n[OUTBOX_SENT], held = c->n[OUTBOX_REFUSED] + c->n[OUTBOX_QUARANTINED];
	char pause[DURATION_TEXT];

	if (c->down_ns > 0)
		buf_printf(t, "; next try in %s", duration_format((c->down_ns / NS_PER_S + 1) * NS_PER_S, pause));
	if (c->suspended)
		buf_puts(t, "; the outbox was damaged and sends nothing until a person has looked: penstock outbox list, then resume");
	if (c->in_window)
		buf_puts(t, "; a maintenance window: nothing is sent until it ends");
	if (waiting > 0)
		buf_printf(t, "; %llu wait", (unsigned long long)waiting);
	if (held > 0)
		buf_printf(t, "; %llu refused wait%s for a person: penstock outbox list", (unsigned long long)held, held == 1 ? "s" : "");
	if (c->lanes_held > 0)
		buf_printf(t, ", and hold %llu order%s", (unsigned long long)c->lanes_held, c->lanes_held == 1 ? "" : "s");
	if (c->complaints > 0)
		buf_printf(t, "; %llu posted with a complaint", (unsigned long long)c->complaints);
}

void
worker_tell(struct worker *w)
{
	struct outbox_counts c = { 0 };
	struct buf t = { .max = 4096 };
	char first[300];
	const char *host = strstr(w->cfg->far.base, "://") + 3, *trouble = metas_trouble(w->metas);
	const struct poster_news *n = &w->poster.news;
	bool known = n->up || n->trouble[0] != '\0' || metas_settled(w->metas);
	bool counted = w->outbox != NULL && outbox_counts(w->outbox, mono_now(), &c) == 0;
	bool down = n->trouble[0] != '\0' || (!n->up && trouble != NULL);

	if (w->fault[0] != '\0')
		buf_printf(&t, "%s; events wait in the spool", w->fault);
	else if (!known)
		buf_printf(&t, "connecting to %s", host);
	else if (down)
		buf_printf(&t, "%s: %s", host, n->trouble[0] != '\0' ? n->trouble : trouble);
	else
		buf_printf(&t, "connected to %s%s", host, w->cfg->tls ? ", encrypted" : "");
	if (counted)
		say_counts(&t, &c);
	size_t misfits = metas_misfits(w->metas, first, sizeof first);
	if (misfits > 0)
		buf_printf(&t, "; %zu misfit%s between mappings and metadata: %s", misfits, misfits == 1 ? "" : "s", first);
	if (!down && trouble != NULL)
		buf_printf(&t, "; %s", trouble);
	reads_tell(w->reads, &t);

	pthread_mutex_lock(&w->lock);
	struct worker_state *s = &w->state;
	bool connected = known && !down && w->fault[0] == '\0';
	if (connected != s->connected || strncmp(s->text, buf_text(&t), sizeof s->text - 1) != 0 || n->messages != s->messages) {
		s->connected = connected;
		snprintf(s->text, sizeof s->text, "%s", buf_text(&t));
		s->messages = n->messages;
		s->bytes = n->bytes;
		w->state_new = true;
		uv_async_send(w->async);
	}
	pthread_mutex_unlock(&w->lock);
	buf_fini(&t);
}
