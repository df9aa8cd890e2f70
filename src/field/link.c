/*
 * See link.h. The connection's states. Bytes and the driver's deadlines are in link_io.c, what the driver says in
 * host.c.
 */
#include "field/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "field/feed.h"
#include "os/clock.h"
#include "os/serial.h"
#include "os/tcp.h"

static const struct { const char *name; uint8_t next; } states[LINK_STATES] = {
	[LINK_IDLE] = { "idle", 1 << LINK_QUEUED | 1 << LINK_RESOLVING | 1 << LINK_CONNECTING | 1 << LINK_UP |
	    1 << LINK_WAITING },
	[LINK_QUEUED] = { "queued", 1 << LINK_IDLE | 1 << LINK_RESOLVING | 1 << LINK_CONNECTING | 1 << LINK_WAITING },
	[LINK_RESOLVING] = { "resolving", 1 << LINK_IDLE | 1 << LINK_CONNECTING | 1 << LINK_WAITING },
	[LINK_CONNECTING] = { "connecting", 1 << LINK_IDLE | 1 << LINK_UP | 1 << LINK_WAITING },
	[LINK_UP] = { "up", 1 << LINK_IDLE | 1 << LINK_WAITING },
	[LINK_WAITING] = { "waiting", 1 << LINK_IDLE | 1 << LINK_QUEUED | 1 << LINK_RESOLVING | 1 << LINK_CONNECTING |
	    1 << LINK_UP },
};

const char *
link_state_name(enum link_state s)
{
	return s < LINK_STATES ? states[s].name : "unknown";
}

/* The one place where the state changes. Every state but idle and up has a deadline. */
void
link_move(struct link *l, enum link_state to, struct mono deadline)
{
	if (l->state != to) {
		if ((states[l->state].next >> to & 1) == 0)
			fatal("link_move", "link=\"%s\" from=%s to=%s", l->name, states[l->state].name,
			    states[to].name);
		log_debug("link_state", "link=\"%s\" from=%s to=%s", l->name, states[l->state].name, states[to].name);
	}
	l->state = to;
	deadline_set(&l->field->deadlines, &l->timeout, deadline);
}

/* Under the budget of connects no longer: the next in the queue gets its turn, from the loop. */
static void
uncount(struct link *l)
{
	struct field *f = l->field;

	if (!l->counted)
		return;
	l->counted = false;
	f->connecting--;
	struct link *next = f->connect_queue.head;
	if (next == NULL)
		return;
	f->connect_queue.head = next->queue_next;
	if (f->connect_queue.head == NULL)
		f->connect_queue.tail = NULL;
	next->queue_next = NULL;
	deadline_set(&f->deadlines, &next->timeout, mono_now());
}

static void
unqueue(struct link *l)
{
	struct link_queue *q = &l->field->connect_queue;
	struct link *prev = NULL;

	for (struct link *i = q->head; i != NULL && i != l; i = i->queue_next)
		prev = i;
	if ((prev != NULL ? prev->queue_next : q->head) != l)
		return;
	*(prev != NULL ? &prev->queue_next : &q->head) = l->queue_next;
	if (q->tail == l)
		q->tail = prev;
	l->queue_next = NULL;
}

/* No connection; cause is in l->cause. */
static void
attempt_failed(struct link *l)
{
	unsigned long left_out = 0;
	struct mono now = mono_now();
	char pause[DURATION_TEXT];
	int64_t wait = backoff_next(&l->retry);

	wire_close(l);
	uncount(l);
	link_move(l, LINK_WAITING, mono_add(now, wait));
	if (log_limit_ok(&l->quiet, now, &left_out))
		log_warn("link_failed", "link=\"%s\" retry=\"%s\" left_out=%lu cause=\"%s\"", l->name,
		    duration_format(wait, pause), left_out,
		    l->cause);
	for (uint32_t i = 0; i < l->sources.n; i++)
		feed_unreachable(l->feeds[i]);
}

static void
link_is_up(struct link *l)
{
	struct wall wall;
	struct mono now = field_now(l->field, &wall);
	unsigned long left_out = 0;

	uncount(l);
	link_move(l, LINK_UP, MONO_NEVER);
	l->up_at = now;
	l->answered = false;
	l->silence = 0;
	l->connects++;
	l->cause[0] = '\0';
	if (log_limit_ok(&l->quiet, now, &left_out))
		log_info("link_up", "link=\"%s\" connects=%llu left_out=%lu", l->name, (unsigned long long)l->connects,
		    left_out);
	wire_want(l, UV_READABLE);
	link_enter(l);
	l->driver->up(l->ctx, now, wall);
	for (uint32_t i = 0; i < l->sources.n; i++)
		feed_up(l->feeds[i], now);
	link_leave(l);
}

/* The address at l->address, or the one after it if that fails at once. */
static void
connect_next(struct link *l)
{
	char text[TCP_ADDR_TEXT];
	int fd;

	for (; l->address < l->naddresses; l->address++) {
		const struct sockaddr *to = (const struct sockaddr *)&l->addresses[l->address].a;
		int err = tcp_connect(to, l->addresses[l->address].len, &fd);
		int errnum = errno;
		if (err == 0 && (err = wire_open(l, fd, UV_WRITABLE)) == 0) {
			link_move(l, LINK_CONNECTING, mono_add(mono_now(), l->spec.connect_timeout_ns));
			return;
		}
		snprintf(l->cause, sizeof l->cause, "%s: %s", tcp_format(to, l->addresses[l->address].len, text),
		    tcp_cause(errnum));
	}
	attempt_failed(l);
}

static void
connect_failed(struct link *l, int errnum)
{
	char text[TCP_ADDR_TEXT];
	const struct sockaddr *to = (const struct sockaddr *)&l->addresses[l->address].a;

	snprintf(l->cause, sizeof l->cause, "%s: %s", tcp_format(to, l->addresses[l->address].len, text),
	    tcp_cause(errnum));
	wire_close(l);
	l->address++;
	connect_next(l);
}

void
link_resolved(struct link *l, int gai_error)
{
	if (gai_error == 0 && l->naddresses > 0) {
		connect_next(l);
		return;
	}
	snprintf(l->cause, sizeof l->cause,
	    "the name %s cannot be looked up (%s): check its spelling and this machine's name service",
	    l->spec.host, gai_error != 0 ? uv_strerror(gai_error) : "it has no address");
	attempt_failed(l);
}

static void
open_serial(struct link *l)
{
	struct serial_line line = { .device = l->spec.device, .baud = l->spec.baud, .data_bits = l->spec.data_bits,
		.stop_bits = l->spec.stop_bits, .parity = l->spec.parity, .rs485 = l->spec.rs485 };
	int fd;

	if (serial_open(&line, &fd, l->cause, sizeof l->cause) != 0)
		attempt_failed(l);
	else if (wire_open(l, fd, UV_READABLE) != 0) {
		snprintf(l->cause, sizeof l->cause, "%s cannot be waited on: it is no serial line", l->spec.device);
		attempt_failed(l);
	} else
		link_is_up(l);
}

static void
attempt(struct link *l)
{
	struct field *f = l->field;

	if (l->spec.kind == LINK_SERIAL) {
		open_serial(l);
		return;
	}
	if (f->connecting >= f->connects_max) {
		link_move(l, LINK_QUEUED, MONO_NEVER);	/* no deadline: every connect that it waits for has one */
		*(f->connect_queue.tail != NULL ? &f->connect_queue.tail->queue_next : &f->connect_queue.head) = l;
		f->connect_queue.tail = l;
		return;
	}
	l->counted = true;
	f->connecting++;
	l->address = 0;
	l->naddresses = 1;
	if (tcp_numeric(l->spec.host, l->spec.port, &l->addresses[0].a, &l->addresses[0].len) == 0) {
		connect_next(l);
		return;
	}
	l->naddresses = 0;
	link_move(l, LINK_RESOLVING, mono_add(mono_now(), LINK_RESOLVE_NS));
	if (resolve_start(l) != 0)
		link_resolved(l, UV_ENOMEM);
}

void
link_start(struct link *l)
{
	if (link_is_own(l))
		link_own_start(l);
	else
		attempt(l);
}

static void
timed_out(struct deadline *d, struct mono now)
{
	struct link *l = CONTAINER(d, struct link, timeout);

	(void)now;
	switch (l->state) {
	case LINK_QUEUED:
	case LINK_WAITING:
		attempt(l);
		break;
	case LINK_RESOLVING:
		resolve_cancel(l);
		link_resolved(l, UV_ETIMEDOUT);
		break;
	case LINK_CONNECTING:
		connect_failed(l, ETIMEDOUT);
		break;
	default:
		break;
	}
}

void
link_close(struct link *l)
{
	resolve_cancel(l);
	unqueue(l);
	wire_close(l);
	link_forget_output(l);
	uncount(l);
	if (l->leaving)
		link_own_left(l);
	link_move(l, LINK_IDLE, MONO_NEVER);
	deadline_clear(&l->field->deadlines, &l->tick);
	deadline_clear(&l->field->deadlines, &l->probe_turn);
}

void
link_drop(struct link *l)
{
	struct wall wall;
	struct mono now = field_now(l->field, &wall);
	unsigned long left_out = 0;
	char pause[DURATION_TEXT];
	/* One that was of use is tried again soon: many devices cut a connection that was idle for a while. */
	bool soon = l->answered && mono_diff(now, l->up_at) > NS_PER_S;
	int64_t wait = soon ? LINK_RETRY_SOON_NS / 2 + backoff_next(&l->retry) % (LINK_RETRY_SOON_NS / 2) :
	    backoff_next(&l->retry);

	if (soon)
		backoff_reset(&l->retry);
	snprintf(l->cause, sizeof l->cause, "%s%s%s", l->broken, l->broken_errno >= 0 ? ": " : "",
	    l->broken_errno >= 0 ? tcp_cause(l->broken_errno) : "");
	l->broken = NULL;
	wire_close(l);
	link_forget_output(l);
	link_move(l, LINK_WAITING, mono_add(now, wait));
	if (log_limit_ok(&l->quiet, now, &left_out))
		log_warn("link_lost", "link=\"%s\" retry=\"%s\" left_out=%lu cause=\"%s\"", l->name,
		    duration_format(wait, pause), left_out,
		    l->cause);
	deadline_clear(&l->field->deadlines, &l->tick);
	l->driver->down(l->ctx, now, wall);
	for (uint32_t i = 0; i < l->sources.n; i++)
		feed_down(l->feeds[i], now);
	deadline_clear(&l->field->deadlines, &l->probe_turn);
	l->probing = NULL;
}

/* A connect under way ended. */
void
link_connected(struct link *l)
{
	int errnum = tcp_result(l->wire->fd);

	if (errnum == 0)
		link_is_up(l);
	else
		connect_failed(l, errnum);
}

void
link_init(struct link *l)
{
	link_host_init(&l->host);
	l->timeout.fire = timed_out;
	link_io_init(l);
	link_probe_init(l);
	l->quiet = (struct log_limit){ .burst = 3, .period_ms = 60000 };
	backoff_init(&l->retry, l->field->retry_min_ns, l->field->retry_max_ns, hash64(l->name, strlen(l->name)));
}
