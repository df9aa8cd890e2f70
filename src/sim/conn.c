/*
 * One connection to an endpoint: bytes to requests, answers to bytes. Answers of one read leave in one write. Answers
 * that are late on purpose wait in a list ordered by time. See net.h.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "sim/net.h"

#define RX_MAX		2048		/* unread bytes of a connection */
#define OUT_MAX		(64 * MBS_ADU_MAX)
#define LATER_MAX	1024		/* answers that wait, a connection; more are dropped */
#define UNSENT_MAX	(256 * 1024)	/* a reader this far behind is not read from until it caught up */
#define SILENCE_MS	20		/* 3.5 characters at 1200 baud and above, with room for a slow scheduler */

struct later {
	struct later	*next;
	uint64_t	 due_ms;
	enum sim_then	 then;
	size_t		 len;
	uint8_t		 bytes[];
};

struct sim_conn {
	union { uv_handle_t handle; uv_stream_t stream; uv_tcp_t tcp; uv_pipe_t pipe; } u;
	uv_timer_t		 timer;
	struct sim_endpoint	*e;
	struct sim_conn		*next, **prev;
	struct later		*later;
	size_t			 nlater;
	uint64_t		 silence_ms;	/* RTU: when the line counts as quiet; UINT64_MAX: nothing pending */
	int			 handles;	/* open ones; freed with the last */
	bool			 closing, held, choked, batching;
	size_t			 rx_len, out_len;
	uint8_t			 rx[RX_MAX];
};

/* Answers of the read in progress. One for all connections: it is empty whenever the loop turns. */
static uint8_t out[OUT_MAX];

struct write { uv_write_t req; uint8_t bytes[]; };

static void on_timer(uv_timer_t *t);
static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf);
static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf);

struct sim_conn *sim_conn_next(const struct sim_conn *c) { return c->next; }
struct sim_endpoint *sim_conn_endpoint(const struct sim_conn *c) { return c->e; }

static void
on_closed(uv_handle_t *h)
{
	struct sim_conn *c = h->data;

	if (--c->handles > 0)
		return;
	while (c->later != NULL) {
		struct later *l = c->later;
		c->later = l->next;
		free(l);
	}
	free(c);
}

void
sim_conn_end(struct sim_conn *c, enum sim_then how)
{
	if (c->closing)
		return;
	c->closing = true;
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	c->e->nconns--;
	if (c->e->bus != NULL)
		sim_bus_forget(c->e->bus, c);
	uv_close((uv_handle_t *)&c->timer, on_closed);
	if (how != SIM_RESET || c->u.handle.type != UV_TCP || uv_tcp_close_reset(&c->u.tcp, on_closed) != 0)
		uv_close(&c->u.handle, on_closed);
}

static void
start_reading(struct sim_conn *c)
{
	if (!c->closing && !c->held && !c->choked)
		uv_read_start(&c->u.stream, on_alloc, on_read);
}

void
sim_conn_hold(struct sim_conn *c, bool hold)
{
	c->held = hold;
	if (hold)
		uv_read_stop(&c->u.stream);
	else
		start_reading(c);
}

static struct sim_conn *
conn_new(struct sim_endpoint *e)
{
	struct sim_conn *c = malloc(sizeof *c);

	if (c == NULL)
		return NULL;
	memset(c, 0, offsetof(struct sim_conn, rx));	/* rx is written before it is read */
	c->e = e;
	c->silence_ms = UINT64_MAX;
	c->handles = 2;
	uv_timer_init(e->net->loop, &c->timer);
	c->timer.data = c;
	return c;
}

static void
conn_link(struct sim_conn *c)
{
	struct sim_endpoint *e = c->e;

	c->u.handle.data = c;
	c->next = e->conns;
	c->prev = &e->conns;
	if (e->conns != NULL)
		e->conns->prev = &c->next;
	e->conns = c;
	e->nconns++;
	e->stats.accepted++;
}

void
sim_conn_accept(struct sim_endpoint *e, uv_stream_t *listener)
{
	struct sim_conn *c = conn_new(e);

	if (c == NULL)
		return;
	uv_tcp_init(e->net->loop, &c->u.tcp);
	conn_link(c);
	if (uv_accept(listener, &c->u.stream) != 0) {
		sim_conn_end(c, SIM_CLOSE);
		return;
	}
	uv_tcp_nodelay(&c->u.tcp, 1);
	const struct sim_fault *f = sim_fault_now(e, NULL);
	if (f != NULL && f->kind == SIM_FAULT_RESET)
		sim_conn_end(c, SIM_RESET);
	else
		sim_conn_hold(c, f != NULL && f->kind == SIM_FAULT_HALF_OPEN);
}

int
sim_conn_from_fd(struct sim_endpoint *e, int fd)
{
	struct sim_conn *c = conn_new(e);

	if (c == NULL) {
		close(fd);
		return ERR_NOMEM;
	}
	uv_pipe_init(e->net->loop, &c->u.pipe, 0);
	conn_link(c);
	int r = uv_pipe_open(&c->u.pipe, fd);
	if (r != 0) {
		close(fd);
		sim_conn_end(c, SIM_CLOSE);
		return err_from_errno(-r);
	}
	start_reading(c);
	return 0;
}

static void
on_written(uv_write_t *req, int status)
{
	struct sim_conn *c = req->handle->data;

	free(req->data);
	if (status < 0)
		sim_conn_end(c, SIM_CLOSE);
	else if (c->choked && uv_stream_get_write_queue_size(&c->u.stream) < UNSENT_MAX / 2) {
		c->choked = false;
		start_reading(c);
	}
}

/* What the socket does not take at once is copied and queued. */
static void
send_now(struct sim_conn *c, const uint8_t *p, size_t len)
{
	uv_buf_t b = uv_buf_init((char *)(uintptr_t)p, (unsigned)len);
	int sent = uv_try_write(&c->u.stream, &b, 1);

	if (sent < 0 && sent != UV_EAGAIN) {
		sim_conn_end(c, SIM_CLOSE);
		return;
	}
	size_t done = sent > 0 ? (size_t)sent : 0;
	c->e->stats.bytes_out += len;
	if (done == len)
		return;
	struct write *w = malloc(sizeof *w + len - done);
	if (w == NULL) {
		sim_conn_end(c, SIM_CLOSE);
		return;
	}
	memcpy(w->bytes, p + done, len - done);
	w->req.data = w;
	b = uv_buf_init((char *)w->bytes, (unsigned)(len - done));
	if (uv_write(&w->req, &c->u.stream, &b, 1, on_written) != 0) {
		free(w);
		sim_conn_end(c, SIM_CLOSE);
	} else if (uv_stream_get_write_queue_size(&c->u.stream) > UNSENT_MAX) {
		c->choked = true;
		uv_read_stop(&c->u.stream);
	}
}

static void
flush(struct sim_conn *c)
{
	size_t len = c->out_len;
	c->out_len = 0;
	if (len > 0 && !c->closing)
		send_now(c, out, len);
}

static void
set_timer(struct sim_conn *c)
{
	uint64_t now = uv_now(c->e->net->loop), due = c->silence_ms;

	if (c->closing)
		return;
	if (c->later != NULL && c->later->due_ms < due)
		due = c->later->due_ms;
	if (due == UINT64_MAX)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, on_timer, due > now ? due - now : 0, 0);
}

static void
send_later(struct sim_conn *c, const uint8_t *p, size_t len, uint32_t delay_ms, enum sim_then then)
{
	struct later **at = &c->later, *l;

	if (c->nlater >= LATER_MAX || (l = malloc(sizeof *l + len)) == NULL)
		return;
	*l = (struct later){ .due_ms = uv_now(c->e->net->loop) + delay_ms, .then = then, .len = len };
	if (len > 0)
		memcpy(l->bytes, p, len);
	while (*at != NULL && (*at)->due_ms <= l->due_ms)	/* at most LATER_MAX */
		at = &(*at)->next;
	l->next = *at;
	*at = l;
	c->nlater++;
	set_timer(c);
}

void
sim_conn_send(struct sim_conn *c, const uint8_t *p, size_t len, uint32_t delay_ms)
{
	if (c->closing || len == 0)
		return;
	if (delay_ms > 0) {
		send_later(c, p, len, delay_ms, SIM_KEEP);
		return;
	}
	if (c->out_len + len > OUT_MAX)
		flush(c);
	if (c->closing)
		return;
	memcpy(out + c->out_len, p, len);
	c->out_len += len;
	if (!c->batching)
		flush(c);
}

void
sim_conn_reply(struct sim_conn *c, const struct sim_reply *r, uint32_t delay_ms)
{
	size_t first = r->split > 0 ? r->split : r->len;

	delay_ms += r->delay_ms;
	sim_conn_send(c, r->bytes, first, delay_ms);
	if (first < r->len)
		sim_conn_send(c, r->bytes + first, r->len - first, delay_ms + r->split_ms);
	if (r->then == SIM_KEEP || c->closing)
		return;
	if (delay_ms + r->split_ms > 0)
		send_later(c, NULL, 0, delay_ms + r->split_ms, r->then);
	else {
		flush(c);
		sim_conn_end(c, r->then);
	}
}

static void
request(struct sim_conn *c, const struct mbs_adu *adu)
{
	struct sim_reply reply;

	c->e->stats.requests++;
	if (c->e->bus != NULL) {
		sim_bus_submit(c->e->bus, c, adu);
		return;
	}
	sim_unit_reply(c->e, adu, &reply);
	sim_conn_reply(c, &reply, 0);
}

/* Take whole requests off the front of rx. On RTU, bytes that are no request are forgotten at the next silence. */
static void
take_requests(struct sim_conn *c)
{
	size_t off = 0;
	int n = 0;

	while (!c->closing && off < c->rx_len) {	/* ends: every round takes n > 0 bytes or leaves */
		struct mbs_adu adu;
		n = mbs_next(c->e->framing, c->rx + off, c->rx_len - off, &adu);
		if (n <= 0)
			break;
		off += (size_t)n;
		request(c, &adu);
	}
	if (c->closing)
		return;
	if (n < 0 && c->e->framing == MBS_TCP) {
		flush(c);
		sim_conn_end(c, SIM_CLOSE);
		return;
	}
	memmove(c->rx, c->rx + off, c->rx_len - off);
	c->rx_len -= off;
	if (c->e->framing == MBS_RTU) {
		c->silence_ms = c->rx_len > 0 ? uv_now(c->e->net->loop) + SILENCE_MS : UINT64_MAX;
		set_timer(c);
	}
}

static void
on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
	struct sim_conn *c = h->data;

	(void)size;
	if (c->rx_len == RX_MAX)	/* RTU noise without end: only the silence matters */
		c->rx_len = 0;
	*buf = uv_buf_init((char *)c->rx + c->rx_len, (unsigned)(RX_MAX - c->rx_len));
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct sim_conn *c = s->data;

	(void)buf;
	if (n < 0) {
		struct sim_endpoint *e = c->e;
		sim_conn_end(c, SIM_CLOSE);
		if (e->tty != NULL)
			sim_endpoint_lost_tty(e);
		return;
	}
	c->rx_len += (size_t)n;
	c->e->stats.bytes_in += (uint64_t)n;
	c->batching = true;
	take_requests(c);
	c->batching = false;
	flush(c);
}

static void
on_timer(uv_timer_t *t)
{
	struct sim_conn *c = t->data;
	uint64_t now = uv_now(t->loop);

	if (now >= c->silence_ms) {
		struct mbs_adu adu;
		c->silence_ms = UINT64_MAX;
		if (mbs_rtu_silence(c->rx, c->rx_len, &adu))
			request(c, &adu);
		c->rx_len = 0;
	}
	while (!c->closing && c->later != NULL && c->later->due_ms <= now) {
		struct later *l = c->later;
		c->later = l->next;
		c->nlater--;
		sim_conn_send(c, l->bytes, l->len, 0);
		if (l->then != SIM_KEEP)
			sim_conn_end(c, l->then);
		free(l);
	}
	set_timer(c);
}
