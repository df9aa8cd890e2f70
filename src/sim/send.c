/*
 * Bytes out of a connection. Answers of one read leave in one write; what the socket does not take is queued by libuv;
 * answers that are late on purpose wait in a list ordered by time. See net.h.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/conn.h"

#define OUT_MAX		(64 * MBS_ADU_MAX)
#define LATER_MAX	1024		/* answers that wait, a connection; more are dropped */
#define UNSENT_MAX	(256 * 1024)	/* a reader this far behind is not read from until it caught up */

struct sim_later {
	struct sim_later	*next;
	uint64_t		 due_ms;
	enum sim_then		 then;
	size_t			 len;
	uint8_t			 bytes[];
};

struct write { uv_write_t req; uint8_t bytes[]; };

/* Answers of the read in progress. One for all connections: it is empty whenever the loop turns. */
static uint8_t out[OUT_MAX];

static void
on_written(uv_write_t *req, int status)
{
	struct sim_conn *c = req->handle->data;

	free(req->data);
	if (status < 0)
		sim_conn_end(c, SIM_CLOSE);
	else if (c->choked && uv_stream_get_write_queue_size(&c->u.stream) < UNSENT_MAX / 2) {
		c->choked = false;
		sim_conn_read(c);
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

void
sim_conn_flush(struct sim_conn *c)
{
	size_t len = c->out_len;
	c->out_len = 0;
	if (len > 0 && !c->closing)
		send_now(c, out, len);
}

void
sim_conn_set_timer(struct sim_conn *c)
{
	uint64_t now = uv_now(c->e->net->loop), due = c->silence_ms;

	if (c->closing)
		return;
	if (c->later != NULL && c->later->due_ms < due)
		due = c->later->due_ms;
	if (due == UINT64_MAX)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, sim_conn_timer, due > now ? due - now : 0, 0);
}

static void
send_later(struct sim_conn *c, const uint8_t *p, size_t len, uint32_t delay_ms, enum sim_then then)
{
	struct sim_later **at = &c->later, *l;

	if (c->nlater >= LATER_MAX || (l = malloc(sizeof *l + len)) == NULL)
		return;
	*l = (struct sim_later){ .due_ms = uv_now(c->e->net->loop) + delay_ms, .then = then, .len = len };
	if (len > 0)
		memcpy(l->bytes, p, len);
	while (*at != NULL && (*at)->due_ms <= l->due_ms)	/* at most LATER_MAX */
		at = &(*at)->next;
	l->next = *at;
	*at = l;
	c->nlater++;
	sim_conn_set_timer(c);
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
		sim_conn_flush(c);
	if (c->closing)
		return;
	memcpy(out + c->out_len, p, len);
	c->out_len += len;
	if (!c->batching)
		sim_conn_flush(c);
}

void
sim_conn_reply(struct sim_conn *c, const struct sim_reply *r, uint32_t delay_ms)
{
	size_t first = r->split > 0 ? r->split : r->len;

	delay_ms += r->delay_ms;
	sim_conn_send(c, r->bytes, first, delay_ms);
	if (first < r->len)
		sim_conn_send(c, r->bytes + first, r->len - first, delay_ms + r->split_ms);
	if (r->then == SIM_KEEP || c->closing || c->e->tty != NULL)	/* nobody can hang up a serial line */
		return;
	if (delay_ms + r->split_ms > 0)
		send_later(c, NULL, 0, delay_ms + r->split_ms, r->then);
	else {
		sim_conn_flush(c);
		sim_conn_end(c, r->then);
	}
}

void
sim_conn_send_due(struct sim_conn *c)
{
	while (!c->closing && c->later != NULL && c->later->due_ms <= uv_now(c->e->net->loop)) {
		struct sim_later *l = c->later;
		c->later = l->next;
		c->nlater--;
		sim_conn_send(c, l->bytes, l->len, 0);
		if (l->then != SIM_KEEP)
			sim_conn_end(c, l->then);
		free(l);
	}
}

void
sim_conn_forget_later(struct sim_conn *c)
{
	while (c->later != NULL) {
		struct sim_later *l = c->later;
		c->later = l->next;
		free(l);
	}
}
