/*
 * One connection to an endpoint: its life, and bytes to requests. Answers leave through send.c. See net.h.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "os/stream.h"
#include "sim/conn.h"

#define SILENCE_MS	20		/* 3.5 characters at 2400 baud and above, with room for a slow scheduler */

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
	sim_conn_forget_later(c);
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
	if (c->e->newest == c)
		c->e->newest = NULL;
	if (c->e->bus != NULL)
		sim_bus_forget(c->e->bus, c);
	uv_close((uv_handle_t *)&c->timer, on_closed);
	if (how != SIM_RESET || c->u.handle.type != UV_TCP || uv_tcp_close_reset(&c->u.tcp, on_closed) != 0)
		uv_close(&c->u.handle, on_closed);
}

void
sim_conn_read(struct sim_conn *c)
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
		sim_conn_read(c);
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
		stream_close(fd);
		return ERR_NOMEM;
	}
	uv_pipe_init(e->net->loop, &c->u.pipe, 0);
	conn_link(c);
	e->newest = c;
	int r = uv_pipe_open(&c->u.pipe, fd);
	if (r != 0) {
		stream_close(fd);
		sim_conn_end(c, SIM_CLOSE);
		return err_from_errno(-r);
	}
	sim_conn_read(c);
	return 0;
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
		sim_conn_flush(c);
		sim_conn_end(c, SIM_CLOSE);
		return;
	}
	memmove(c->rx, c->rx + off, c->rx_len - off);
	c->rx_len -= off;
	if (c->e->framing == MBS_RTU) {
		c->silence_ms = c->rx_len > 0 ? uv_now(c->e->net->loop) + SILENCE_MS : UINT64_MAX;
		sim_conn_set_timer(c);
	}
}

static void
on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
	struct sim_conn *c = h->data;

	(void)size;
	if (c->rx_len == SIM_RX_MAX)	/* RTU noise without end: only the silence matters */
		c->rx_len = 0;
	*buf = uv_buf_init((char *)c->rx + c->rx_len, (unsigned)(SIM_RX_MAX - c->rx_len));
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct sim_conn *c = s->data;
	struct sim_endpoint *e = c->e;

	(void)buf;
	if (n < 0) {
		bool lost = e->tty != NULL && e->newest == c;
		sim_conn_end(c, SIM_CLOSE);
		if (lost)
			sim_endpoint_lost_tty(e);
		return;
	}
	if (e->pty && e->newest == c)
		sim_endpoint_pty_taken(e);
	c->rx_len += (size_t)n;
	e->stats.bytes_in += (uint64_t)n;
	c->batching = true;
	take_requests(c);
	c->batching = false;
	sim_conn_flush(c);
}

void
sim_conn_timer(uv_timer_t *t)
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
	sim_conn_send_due(c);
	sim_conn_set_timer(c);
}
