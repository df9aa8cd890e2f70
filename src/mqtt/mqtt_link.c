/* The loop's half of an MQTT link; see mqtt_link.h. Start reading at mqtt_link_open() and on_async(). */
#include "mqtt/mqtt_link.h"

#include <mosquitto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "os/clock.h"
#include "mqtt/mqtt_link_int.h"

#define DEADLINE_AGAIN_MS	20

static pthread_once_t	lib_once = PTHREAD_ONCE_INIT;

static void
lib_init(void)
{
	mosquitto_lib_init();
}

static void
wake_thread(struct mqtt_link *l)
{
	uint64_t one = 1;
	/* A full counter means that the thread has a wake-up waiting: nothing is lost. */
	ssize_t n = write(l->wake_fd, &one, sizeof one);
	(void)n;
}

void
mqtt_link_free(struct mqtt_link *l)
{
	free(l->orders.will.topic);
	free(l->orders.will.payload);
	free(l->will.topic);
	free(l->will.payload);
	for (struct event *e = l->ev_head, *next; e != NULL; e = next) {
		next = e->next;
		free(e);
	}
	close(l->wake_fd);
	pthread_mutex_destroy(&l->lock);
	arena_fini(&l->arena);
	free(l);
}

static void
on_handle_closed(uv_handle_t *h)
{
	struct mqtt_link *l = h->data;
	if (--l->handles > 0)
		return;
	void (*closed)(void *) = l->closed;
	void *arg = l->closed_arg;
	pthread_mutex_lock(&l->lock);
	bool abandoned = l->abandoned;
	pthread_mutex_unlock(&l->lock);
	if (!abandoned)
		mqtt_link_free(l);
	closed(arg);
}

/* The loop half is done with: every message is back, no callback will come. */
static void
finish(struct mqtt_link *l)
{
	if (l->finished)
		return;
	l->finished = true;
	uv_close((uv_handle_t *)&l->async, on_handle_closed);
	uv_close((uv_handle_t *)&l->timer, on_handle_closed);
}

static void
give_back(struct mqtt_link *l, struct msg_list *list)
{
	for (struct mqtt_msg *m; (m = msg_pop(list)) != NULL;)
		l->ops->returned(l->arg, m);
}

static void
dispatch(struct mqtt_link *l, struct event *e)
{
	if (e->kind == EVENT_DONE) {
		pthread_join(l->thread, NULL);
		finish(l);
		return;
	}
	if (e->kind == EVENT_UP)
		l->session = e->session;
	l->up = e->kind == EVENT_UP || (l->up && e->kind != EVENT_DOWN);
	if (l->closing)
		return;
	switch (e->kind) {
	case EVENT_ASK:
		l->ops->ask(l->arg);
		break;
	case EVENT_UP:
		l->ops->up(l->arg, &e->up);
		break;
	case EVENT_DOWN:
		e->down.why = e->text;
		l->ops->down(l->arg, &e->down);
		break;
	case EVENT_RECEIVED:
		l->heard = e->session;
		if (l->ops->received != NULL)
			l->ops->received(l->arg, e->text, e->text + strlen(e->text) + 1, e->len, e->qos, e->retain);
		break;
	case EVENT_DONE:
		break;
	}
}

/* Returned messages go first: those lost with a connection are back before its down() is called. */
static void
on_async(uv_async_t *h)
{
	struct mqtt_link *l = h->data;
	struct msg_list back;
	unsigned long dropped;

	pthread_mutex_lock(&l->lock);
	back = l->out;
	l->out = (struct msg_list){ NULL, NULL };
	struct event *e = l->ev_head;
	l->ev_head = NULL;
	l->ev_tail = &l->ev_head;
	l->inbox = 0;
	dropped = l->inbox_dropped;
	l->inbox_dropped = 0;
	pthread_mutex_unlock(&l->lock);

	give_back(l, &back);
	while (e != NULL) {
		struct event *next = e->next;
		dispatch(l, e);
		free(e);
		e = next;
	}
	if (dropped > 0)
		log_warn("mqtt_inbox_dropped", "name=%s messages=%lu", l->o.name, dropped);
}

static bool
has_done(const struct mqtt_link *l)
{
	for (const struct event *e = l->ev_head; e != NULL; e = e->next)
		if (e->kind == EVENT_DONE)
			return true;
	return false;
}

/*
 * The deadline of a close. A thread that serves a session sees the same deadline and is about to end: look again shortly. One that
 * is held up in a name look-up holds no message and is left to end by itself.
 */
static void
on_deadline(uv_timer_t *h)
{
	struct mqtt_link *l = h->data;
	struct msg_list back = { NULL, NULL };

	pthread_mutex_lock(&l->lock);
	l->abandoned = l->held_up && !has_done(l);
	if (l->abandoned) {
		back = l->out;
		msg_move(&back, &l->in);
		l->out = (struct msg_list){ NULL, NULL };
	}
	pthread_mutex_unlock(&l->lock);
	if (!l->abandoned)
		return;
	log_warn("mqtt_thread_left", "name=%s why=\"it is held up in a name look-up or a connect, and ends by itself\"", l->o.name);
	give_back(l, &back);
	pthread_detach(l->thread);
	finish(l);
}

static int
start_thread(struct mqtt_link *l)
{
	sigset_t all, old;

	/* Signals are the loop's; SIGPIPE of a TLS write then becomes EPIPE. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&l->thread, NULL, mqtt_thread, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int
mqtt_link_open(uv_loop_t *loop, const struct mqtt_link_opts *opts, const struct mqtt_link_ops *ops, void *arg, struct mqtt_link **out,
    char *why, size_t size)
{
	if (opts->nservers == 0 || opts->nservers > MQTT_SERVERS_MAX || opts->nfilters > MQTT_FILTERS_MAX) {
		snprintf(why, size, "%zu servers and %zu subscriptions: 1 to %u and at most %u are possible", opts->nservers, opts->nfilters,
		    MQTT_SERVERS_MAX, MQTT_FILTERS_MAX);
		return ERR_LIMIT;
	}
	pthread_once(&lib_once, lib_init);
	struct mqtt_link *l = calloc(1, sizeof *l);
	if (l == NULL)
		return ERR_NOMEM;
	mqtt_copy_opts(l, opts);
	l->ops = ops;
	l->arg = arg;
	l->ev_tail = &l->ev_head;
	pthread_mutex_init(&l->lock, NULL);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = l->wake_fd < 0 ? -1 : uv_async_init(loop, &l->async, on_async);
	if (rc != 0) {
		snprintf(why, size, "no descriptor left for the link to the broker: raise the limit of open files");
		mqtt_link_free(l);
		return ERR_IO;
	}
	uv_timer_init(loop, &l->timer);
	l->async.data = l->timer.data = l;
	l->handles = 2;
	rc = start_thread(l);
	if (rc != 0)
		fatal("mqtt_thread_refused", "name=%s error=\"%s\"", l->o.name, strerror(rc));
	*out = l;
	return 0;
}

void
mqtt_link_go(struct mqtt_link *l, size_t server, const struct mqtt_will *will)
{
	struct will_copy w = { 0 };

	if (will != NULL) {
		w = (struct will_copy){ strdup(will->topic), malloc(will->len + 1), will->len, will->qos, true, will->retain };
		if (w.topic == NULL || w.payload == NULL)
			fatal("out_of_memory", "what=will");
		memcpy(w.payload, will->payload, will->len);
	}
	pthread_mutex_lock(&l->lock);
	struct will_copy old = l->orders.will;
	l->orders.will = w;
	l->orders.server = server < l->o.nservers ? server : 0;
	l->orders.go = true;
	pthread_mutex_unlock(&l->lock);
	free(old.topic);
	free(old.payload);
	wake_thread(l);
}

int
mqtt_link_publish(struct mqtt_link *l, struct mqtt_msg *m)
{
	if (!l->up || l->closing)
		return ERR_CONN;
	m->session = l->session;
	m->result = MQTT_LOST;
	m->reason = 0;
	m->why[0] = '\0';
	pthread_mutex_lock(&l->lock);
	/* It may have fallen, and down() not been told yet: what was taken now would outlive it. */
	bool open = l->open_session == l->session, first = l->in.head == NULL;
	if (open)
		msg_push(&l->in, m);
	pthread_mutex_unlock(&l->lock);
	if (open && first)
		wake_thread(l);
	return open ? 0 : ERR_CONN;
}

void
mqtt_link_done(struct mqtt_link *l, unsigned n)
{
	pthread_mutex_lock(&l->lock);
	/* Those of a connection that has gone meanwhile come again. */
	if (l->heard == l->waiting_session)
		l->waiting -= n < l->waiting ? n : l->waiting;
	bool none = l->waiting == 0;
	pthread_mutex_unlock(&l->lock);
	if (none)
		wake_thread(l);
}

void
mqtt_link_drop(struct mqtt_link *l, uint8_t reason, int64_t pause_ns)
{
	pthread_mutex_lock(&l->lock);
	l->orders.drop = true;
	l->orders.reason = reason;
	l->orders.pause_ns = pause_ns;
	pthread_mutex_unlock(&l->lock);
	wake_thread(l);
}

void
mqtt_link_close(struct mqtt_link *l, uint8_t reason, struct mono deadline, void (*closed)(void *arg), void *arg)
{
	if (l->closing)
		return;
	l->closing = true;
	l->closed = closed;
	l->closed_arg = arg;
	pthread_mutex_lock(&l->lock);
	l->orders.quit = true;
	l->orders.reason = reason;
	l->orders.until = deadline;
	pthread_mutex_unlock(&l->lock);
	wake_thread(l);
	int64_t left = mono_diff(deadline, mono_now());
	uv_timer_start(&l->timer, on_deadline, left > 0 ? (uint64_t)(left / NS_PER_MS) : 0, DEADLINE_AGAIN_MS);
}
