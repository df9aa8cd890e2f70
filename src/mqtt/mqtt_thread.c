/*
 * The helper thread's half of an MQTT link: what it hears from the loop and says to it, and the life of one connection after the
 * other. Start reading at mqtt_thread(). The calls of libmosquitto are in mqtt_conn.c, what a fall means in mqtt_fall.c.
 */
#include <mosquitto.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "os/clock.h"
#include "mqtt/mqtt_link_int.h"

#define GOODBYE_NS	(2 * NS_PER_S)	/* to write what is queued and the DISCONNECT */
#define MISC_NS		NS_PER_S	/* the library's keep-alive is looked after at least this often */

/* ---- events to the loop ---- */

struct event *
mqtt_event_new(struct mqtt_link *l, enum event_kind kind, size_t text)
{
	struct event *e = calloc(1, sizeof *e + text);
	if (e == NULL)
		fatal("out_of_memory", "what=\"mqtt event\"");
	e->kind = kind;
	e->session = l->serial;
	return e;
}

/* Under lock. */
static void
post_locked(struct mqtt_link *l, struct event *e)
{
	*l->ev_tail = e;
	l->ev_tail = &e->next;
	if (e->kind == EVENT_RECEIVED)
		l->inbox++;
	if (!l->abandoned)
		uv_async_send(&l->async);
}

void
mqtt_post(struct mqtt_link *l, struct event *e)
{
	pthread_mutex_lock(&l->lock);
	post_locked(l, e);
	pthread_mutex_unlock(&l->lock);
}

static void
give_back(struct mqtt_link *l, struct msg_list *list)
{
	if (list->head == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	msg_move(&l->out, list);
	if (!l->abandoned)
		uv_async_send(&l->async);
	pthread_mutex_unlock(&l->lock);
}

void
mqtt_return_one(struct mqtt_link *l, struct mqtt_msg *m, enum mqtt_result result)
{
	struct msg_list one = { NULL, NULL };
	m->result = result;
	msg_push(&one, m);
	give_back(l, &one);
}

static void
open_session(struct mqtt_link *l, uint32_t serial)
{
	pthread_mutex_lock(&l->lock);
	l->open_session = serial;
	pthread_mutex_unlock(&l->lock);
}

/* Nothing more is taken in, and everything that has not been answered is lost, oldest first. */
static void
return_all(struct mqtt_link *l)
{
	struct msg_list lost = { NULL, NULL };

	open_session(l, 0);
	mqtt_take_orders(l);
	for (size_t i = 0; i < l->nflight; i++)
		msg_push(&lost, l->flight[i]);
	l->nflight = 0;
	msg_move(&lost, &l->todo);
	for (struct mqtt_msg *m = lost.head; m != NULL; m = m->next)
		m->result = MQTT_LOST;
	give_back(l, &lost);
}

/* ---- orders from the loop ---- */

/* Take the messages in; those that were meant for an earlier session go back at once. Returns the orders as they stand. */
struct orders
mqtt_take_orders(struct mqtt_link *l)
{
	struct msg_list in;
	struct msg_list stale = { NULL, NULL };

	pthread_mutex_lock(&l->lock);
	in = l->in;
	l->in = (struct msg_list){ NULL, NULL };
	struct orders o = l->orders;
	pthread_mutex_unlock(&l->lock);
	for (struct mqtt_msg *m; (m = msg_pop(&in)) != NULL;)
		msg_push(m->session == l->serial ? &l->todo : &stale, m);
	for (struct mqtt_msg *m = stale.head; m != NULL; m = m->next)
		m->result = MQTT_LOST;
	give_back(l, &stale);
	return o;
}

void
mqtt_drain_wake(struct mqtt_link *l)
{
	uint64_t n;
	ssize_t got = read(l->wake_fd, &n, sizeof n);
	(void)got;	/* EAGAIN: it was a time-out */
}

/* Wait for an order or until then. */
static void
wait_wake(struct mqtt_link *l, struct mono until)
{
	int64_t left = mono_diff(until, mono_now());
	struct pollfd p = { .fd = l->wake_fd, .events = POLLIN };
	int ms = until.ns == INT64_MAX ? -1 : left <= 0 ? 0 : (int)(left / NS_PER_MS + 1);

	poll(&p, 1, ms);
	mqtt_drain_wake(l);
}

/* ---- one connection ---- */

/* Write what is queued, say goodbye, wait until it is out. */
static void
say_goodbye(struct mqtt_link *l, uint8_t reason, struct mono latest)
{
	struct mono until = mono_min(mono_add(mono_now(), GOODBYE_NS), latest);
	int rc = mqtt_publish_todo(l);

	if (!mqtt_may_write(l))
		return;		/* messages are held: a goodbye would acknowledge them */

	while (rc == 0 && mosquitto_want_write(l->m) && mono_before(mono_now(), until))
		rc = mqtt_turn(l, until);
	if (rc == 0)
		rc = mosquitto_disconnect_v5(l->m, l->o.v5 ? reason : 0, NULL);
	while (rc == 0 && mosquitto_want_write(l->m) && mono_before(mono_now(), until))
		rc = mqtt_turn(l, until);
}

/* Serve an established session until it falls. Returns the library's error; drop and quit end it with 0. */
static int
serve(struct mqtt_link *l, int64_t *pause_ns)
{
	for (;;) {
		struct orders o = mqtt_take_orders(l);
		if (o.quit || o.drop) {
			say_goodbye(l, o.reason, o.quit ? o.until : MONO_NEVER);
			*pause_ns = o.pause_ns;
			return 0;
		}
		int rc = mqtt_publish_todo(l);
		struct mono until = mono_add(mono_now(), MISC_NS);
		if (rc == 0 && l->nflight > 0) {
			until.ns = l->flight[0]->sent_ns + l->o.ack_timeout_ns;
			if (!mono_before(mono_now(), until))
				return MOSQ_ERR_TIMEOUT;
		}
		if (rc == 0)
			rc = mqtt_turn(l, until);
		if (l->fell)
			return l->fell_rc != 0 ? l->fell_rc : MOSQ_ERR_CONN_LOST;
		if (rc != 0)
			return rc;
	}
}

static void
post_down(struct mqtt_link *l, const struct mqtt_down *d, const char *why)
{
	struct event *e = mqtt_event_new(l, EVENT_DOWN, strlen(why) + 1);
	e->down = *d;
	memcpy(e->text, why, strlen(why) + 1);
	mqtt_post(l, e);
}

/* Forget the connection before and number the new one. */
static void
session_reset(struct mqtt_link *l)
{
	l->serial++;
	l->connack = -1;
	l->suback = l->fell_rc = 0;
	l->granted = 0;
	l->fell = false;
	l->detail[0] = '\0';
	l->up_info = (struct mqtt_up){ .server = l->server, .receive_max = 65535 };
	l->unwritten = 0;
	pthread_mutex_lock(&l->lock);
	l->waiting = 0;
	l->waiting_session = l->serial;
	pthread_mutex_unlock(&l->lock);
}

/* One connection from the first packet to its fall; returns the pause before the next one. */
static int64_t
session(struct mqtt_link *l)
{
	int64_t pause_ns = -1;
	char why[400];

	session_reset(l);
	struct mono began = mono_now();
	int rc = mqtt_establish(l);
	bool was_up = rc == 0;
	if (was_up) {
		struct event *e = mqtt_event_new(l, EVENT_UP, 0);
		e->up = l->up_info;
		open_session(l, l->serial);
		mqtt_post(l, e);
		began = mono_now();
		rc = serve(l, &pause_ns);
	} else if (l->fell && l->fell_rc >= 0x80)
		rc = l->fell_rc;
	mqtt_explain(l, rc, why, sizeof why);
	struct mqtt_down d = { .fall = mqtt_judge(l, rc, was_up), .server = l->server, .was_up = was_up };
	d.reason = (uint8_t)(rc >= 0x80 ? rc : l->connack > 0 ? l->connack : l->suback);
	if (pause_ns < 0)
		pause_ns = mqtt_pause_after(l, d.fall, was_up ? mono_diff(mono_now(), began) : 0);
	d.pause_ns = pause_ns;
	mosquitto_destroy(l->m);
	l->m = NULL;
	return_all(l);
	pthread_mutex_lock(&l->lock);
	l->orders.drop = false;
	pthread_mutex_unlock(&l->lock);
	post_down(l, &d, why);
	return pause_ns;
}

/* Until the pause is over and, where it must be asked, the loop has answered. False: quit. */
static bool
wait_turn(struct mqtt_link *l, struct mono until)
{
	bool asked = false, go = !l->o.ask;

	for (;;) {
		bool due = !mono_before(mono_now(), until);
		if (mqtt_take_orders(l).quit)
			return false;
		if (due && !go && !asked) {
			mqtt_post(l, mqtt_event_new(l, EVENT_ASK, 0));
			asked = true;
		}
		if (asked && !go) {
			pthread_mutex_lock(&l->lock);
			if ((go = l->orders.go)) {
				struct will_copy old = l->will;
				l->will = l->orders.will;
				l->server = l->orders.server;
				l->orders.will = old;	/* freed by the next go */
				l->orders.go = false;
			}
			pthread_mutex_unlock(&l->lock);
		}
		if (due && go)
			return true;
		wait_wake(l, due ? MONO_NEVER : until);
	}
}

void *
mqtt_thread(void *arg)
{
	struct mqtt_link *l = arg;
	struct mono next = mono_now();

	while (wait_turn(l, next))
		next = mono_add(mono_now(), session(l));
	return_all(l);
	struct event *done = mqtt_event_new(l, EVENT_DONE, 0);
	pthread_mutex_lock(&l->lock);
	bool abandoned = l->abandoned;
	post_locked(l, done);
	pthread_mutex_unlock(&l->lock);
	if (abandoned)
		mqtt_link_free(l);
	return NULL;
}
