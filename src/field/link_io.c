/*
 * Bytes and driver calls on a link. A request costs one write and one read: nothing is queued unless the kernel's
 * buffer is full, nothing is allocated, and the driver's deadline is moved in the heap only when it becomes earlier.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "field/apply.h"
#include "field/feed.h"
#include "field/link.h"
#include "field/order.h"
#include "os/clock.h"
#include "os/stream.h"

static bool
all_demoted(const struct link *l)
{
	for (uint32_t i = 0; i < l->sources.n; i++)
		if (!health_demoted(&l->feeds[i]->health))
			return false;
	return true;
}

/* The driver has deadlines: on a connection, or always if it connects by itself. */
static bool
ticks(const struct link *l)
{
	return link_is_own(l) ? l->wire != NULL : l->state == LINK_UP;
}

static void
act(struct link *l)
{
	struct mono now = mono_now();

	l->todo = false;
	for (uint32_t i = 0; i < l->sources.n; i++)
		if (l->feeds[i]->todo != 0)
			feed_act(l->feeds[i], now);
}

void
link_leave(struct link *l)
{
	if (l->depth > 1) {
		l->depth--;
		return;
	}
	do {
		if (l->todo)
			act(l);
		if (l->silence >= LINK_SILENCE_MAX && l->state == LINK_UP && l->spec.kind == LINK_TCP && all_demoted(l))
			link_break(l, "nobody answers on this connection although it is open", -1);
		if (l->broken != NULL && l->state == LINK_UP && !link_is_own(l))
			link_drop(l);
		l->broken = NULL;
	} while (l->todo);
	if (l->change != NULL && l->running == 0)
		link_change_take(l);
	l->depth = 0;
	if (ticks(l)) {
		struct mono next = l->driver->next(l->ctx);
		if (!deadline_is_set(&l->tick) || mono_before(next, l->tick.at))
			deadline_set(&l->field->deadlines, &l->tick, next);
	}
	field_watch_emits(l->field);
}

/* The deadline may be older than what the driver wants by now: it is moved only when it fires. */
static void
tick_due(struct deadline *d, struct mono unused)
{
	struct link *l = CONTAINER(d, struct link, tick);
	struct wall wall;
	struct mono now = field_now(l->field, &wall);

	(void)unused;
	if (!ticks(l))
		return;
	struct mono next = l->driver->next(l->ctx);
	if (mono_before(now, next)) {
		deadline_set(&l->field->deadlines, d, next);
		return;
	}
	link_enter(l);
	l->driver->tick(l->ctx, now, wall);
	link_leave(l);
}

void
link_break(struct link *l, const char *why, int errnum)
{
	if (l->broken != NULL)
		return;
	l->broken = why;
	l->broken_errno = errnum;
}

static void
flush_output(struct link *l)
{
	while (l->out.p != NULL) {
		ssize_t n = stream_write(l->wire->fd, l->out.p + l->out.at, l->out.len - l->out.at);
		if (n == ERR_AGAIN)
			return;
		if (n < 0) {
			link_break(l, "writing failed", errno);
			return;
		}
		l->out.at += (size_t)n;
		if (l->out.at == l->out.len)
			link_forget_output(l);
	}
	wire_want(l, UV_READABLE);
}

static int
keep_output(struct link *l, const uint8_t *p, size_t len)
{
	if (l->out.len - l->out.at + len > LINK_QUEUE_MAX)
		return ERR_FULL;
	if (l->out.p == NULL && (l->out.p = malloc(LINK_QUEUE_MAX)) == NULL)
		return ERR_FULL;
	memmove(l->out.p, l->out.p + l->out.at, l->out.len - l->out.at);
	l->out.len -= l->out.at;
	l->out.at = 0;
	memcpy(l->out.p + l->out.len, p, len);
	l->out.len += len;
	wire_want(l, UV_READABLE | UV_WRITABLE);
	return 0;
}

int
link_send(struct link *l, const void *p, size_t len)
{
	if (l->state != LINK_UP || l->broken != NULL)
		return ERR_CONN;
	if (l->out.p != NULL)
		return keep_output(l, p, len);
	ssize_t n = stream_write(l->wire->fd, p, len);
	if (n == (ssize_t)len)
		return 0;
	if (n < 0 && n != ERR_AGAIN) {
		link_break(l, "writing failed", errno);
		return ERR_CONN;
	}
	size_t taken = n > 0 ? (size_t)n : 0;
	return keep_output(l, (const uint8_t *)p + taken, len - taken);
}

/* One read takes what is there; more than the buffer holds makes the loop come again. */
static void
take_input(struct link *l)
{
	struct wall wall;
	ssize_t n = stream_read(l->wire->fd, l->field->in, sizeof l->field->in);

	if (n == ERR_AGAIN)
		return;
	link_enter(l);
	if (n > 0) {
		struct mono now = field_now(l->field, &wall);
		l->driver->input(l->ctx, l->field->in, (size_t)n, now, wall);
	} else
		link_break(l, "the connection is lost", n == ERR_END ? 0 : errno);
	link_leave(l);
}

void
link_ready(struct link *l, int events)
{
	if (link_is_own(l)) {
		link_own_ready(l);
		return;
	}
	if (l->state == LINK_CONNECTING) {
		link_connected(l);
		return;
	}
	if ((events & UV_WRITABLE) != 0 && l->out.p != NULL) {
		link_enter(l);
		if (order_overdue(l)) {	/* we were stopped longer than it may live, and its timer comes after us */
			stream_abort(l->wire->fd);
			link_break(l, "a write was still on its way when its time was over", -1);
		} else
			flush_output(l);
		link_leave(l);
	}
	if (l->state == LINK_UP && (events & UV_READABLE) != 0)
		take_input(l);
}

void
link_forget_output(struct link *l)
{
	free(l->out.p);
	l->out.p = NULL;
	l->out.len = l->out.at = 0;
}

void
link_io_init(struct link *l)
{
	l->tick.fire = tick_due;
}
