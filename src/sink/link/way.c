/* The connection to the other node: from the lobby (link/lobby.h), which knows that it is the one that peer: names. Tried again for ever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/stream.h"
#include "sink/link/link_sink.h"

static void step(struct link_sink *k);

static void
on_timer(uv_timer_t *t)
{
	step(t->data);
}

static void
wake_at(struct link_sink *k, struct mono at)
{
	int64_t ns = mono_diff(at, mono_now());

	uv_update_time(k->host->loop);
	uv_timer_start(&k->timer, on_timer, ns <= 0 ? 0 : (uint64_t)(ns / NS_PER_MS) + 1, 0);
}

static void
free_handle(uv_handle_t *h)
{
	free(h);
}

/* *poll watches a descriptor no longer. */
static void
unwatch(uv_poll_t **poll)
{
	if (*poll == NULL)
		return;
	uv_poll_stop(*poll);
	uv_close((uv_handle_t *)*poll, free_handle);
	*poll = NULL;
}

static uv_poll_t *
watch(struct link_sink *k, int fd, uv_poll_cb cb)
{
	uv_poll_t *p = malloc(sizeof *p);

	if (p == NULL || uv_poll_init(k->host->loop, p, fd) != 0)
		fatal("out_of_memory", "sink=%s what=connection", k->cfg->name);
	p->data = k;
	uv_poll_start(p, UV_READABLE, cb);
	return p;
}

static void
lost(struct link_sink *k, const char *why)
{
	unsigned long left_out;

	unwatch(&k->poll);
	lobby_conn_free(k->n);
	k->n = NULL;
	k->up = false;
	k->in_flight = 0;
	for (struct link_stream *st = k->streams; st != NULL; st = st->next)
		st->ready = false;
	if (log_limit_ok(&k->quiet, mono_now(), &left_out))
		log_warn("link_lost", "sink=%s at=%s:%d cause=\"%s\" left_out=%lu", k->cfg->name, k->to.host, k->to.port, why, left_out);
	lobby_again(k->lobby, k->worked);
	k->host->state(k->host, false, why);
	k->host->lost(k->host, why);
}

static void
on_poll(uv_poll_t *h, int status, int events)
{
	(void)status;
	(void)events;
	step(h->data);
}

/* Let the connection work, and look what it waits for. */
static void
step(struct link_sink *k)
{
	if (k->n == NULL)
		return;
	struct link_conn *c = &k->n->c;
	int err = link_conn_step(c, mono_now());
	if (err != 0) {
		char why[sizeof c->why];
		snprintf(why, sizeof why, "%s", c->why);
		lost(k, why);
		return;
	}
	if (k->renewed) {	/* what is unanswered is still in the spool, and goes out again */
		static const char why[] = "this node's certificate was renewed: the next connection shows the new one";
		link_put_close(&c->out, why);
		link_conn_flush(c, mono_now());
		lost(k, why);
		return;
	}
	bond_step(&k->n->bond, c, mono_now(), wall_now());
	uv_poll_start(k->poll, UV_READABLE | (c->blocked ? UV_WRITABLE : 0), on_poll);
	wake_at(k, link_conn_next(c));
	if (k->want_ready || (k->want_out && link_conn_waiting(c) < LINK_OUT_HIGH)) {
		k->want_ready = k->want_out = false;
		k->host->ready(k->host);
	}
}

void
ls_flush(struct link_sink *k)
{
	if (k->n != NULL)
		wake_at(k, mono_now());
}

/* Listening, the other node may come anew before it is noticed here that the old connection is dead: as in driver/link/way.c. */
static void
take_over(struct link_sink *k, struct lobby_conn *n)
{
	struct mono now = mono_now();

	if (n->window == 0 || (k->n != NULL && mono_diff(now, k->n->c.heard) < k->n->c.io.silence_ns / 2)) {
		if (n->window == 0)
			k->host->state(k->host, false, "the other node sends as this one does: there it must be a source of driver link");
		lobby_conn_free(n);
		if (k->n == NULL)
			lobby_again(k->lobby, false);
		return;
	}
	if (k->n != NULL)
		lost(k, "the other node has connected anew");
	k->n = n;
	n->c.io.frame = ls_frame;
	n->c.io.arg = k;
	n->c.hold = false;
	n->c.heard = now;
	k->window = n->window;
	k->in_flight = 0;
	k->worked = k->renewed = false;
	k->up = true;
	k->poll = watch(k, n->c.fd, on_poll);
	log_info("link_up", "sink=%s at=%s:%d from=%s peer=\"%s\" window=%u", k->cfg->name, k->to.host, k->to.port, n->from,
	    k->cfg->keys[LS_KEY_PEER].s, n->window);
	k->host->state(k->host, true, "connected");
	ls_offer_all(k);
	k->want_ready = true;
	ls_flush(k);
}

static void
on_news(uv_poll_t *h, int status, int events)
{
	struct link_sink *k = h->data;
	unsigned long left_out;
	char text[LOBBY_TEXT];
	int err;
	(void)status;
	(void)events;

	struct lobby_conn *n = lobby_take(k->lobby, text, &err);
	if (text[0] != '\0' && k->n == NULL && n == NULL) {
		if (err != 0 && log_limit_ok(&k->quiet, mono_now(), &left_out))
			log_warn("link_failed", "sink=%s at=%s:%d cause=\"%s\" left_out=%lu", k->cfg->name, k->to.host, k->to.port, text, left_out);
		k->host->state(k->host, false, text);
	}
	if (n != NULL)
		take_over(k, n);
}

int
ls_start(struct link_sink *k)
{
	const struct keyval *v = k->cfg->keys;
	char what[160];

	snprintf(what, sizeof what, "sink=\"%.140s\"", k->cfg->name);
	struct lobby_conf conf = { .connect = v[LS_KEY_ROLE].i == 0, .host = k->to.host, .port = k->to.port, .what = what, .peer = v[LS_KEY_PEER].s,
	    .name = v[LS_KEY_NAME].set ? v[LS_KEY_NAME].s : NULL, .site = k->site, .state = k->state_dir, .side = PKI_IT,
	    .silence_ns = v[LS_KEY_TIMEOUT].i };
	int err = lobby_open(&conf, &k->lobby);
	if (err == 0)
		k->news = watch(k, lobby_wake(k->lobby), on_news);
	return err;
}

static void
on_closed(uv_handle_t *h)
{
	struct link_sink *k = h->data;

	k->timer_closed = true;
	ls_finish(k);
}

/* Called again as each part is gone. */
void
ls_finish(struct link_sink *k)
{
	if (!k->closing) {
		k->closing = true;
		if (k->n != NULL) {
			link_put_close(&k->n->c.out, "the node is being stopped");
			link_conn_flush(&k->n->c, mono_now());
		}
		unwatch(&k->poll);
		unwatch(&k->news);
		lobby_conn_free(k->n);
		k->n = NULL;
		k->up = false;
		lobby_close(k->lobby);
		k->lobby = NULL;
		uv_close((uv_handle_t *)&k->timer, on_closed);
	}
	if (k->timer_closed && k->stopped != NULL) {
		void (*stopped)(void *) = k->stopped;
		k->stopped = NULL;
		stopped(k->stopped_arg);
	}
}
