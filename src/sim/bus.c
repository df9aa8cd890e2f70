/*
 * A serial line behind an endpoint: whoever asks, requests go over the wire one after the other, and each occupies it
 * for as long as its characters take (11 bits each), plus the silence of 3.5 characters around a frame, plus the time
 * the unit thinks. A dead unit costs a gateway its whole timeout: that is what makes one slow down all.
 *
 * Behind TCP the answer leaves when the last character would have arrived. On a tty it drips out at the baud rate, as
 * a master with a real line would see it; there the master, not we, waits for the dead.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/net.h"

#define QUEUE_MAX	256	/* requests that wait; more are dropped, as a gateway with full memory does */
#define BITS_A_CHAR	11	/* Modbus over Serial Line V1.02, 2.5.1 */

struct job { struct sim_conn *conn; struct mbs_adu adu; uint8_t pdu[MBS_PDU_MAX]; };

struct sim_bus {
	struct sim_bus_config	 cfg;
	uv_timer_t		 timer;
	uv_loop_t		*loop;
	bool			 busy;
	struct sim_conn		*conn;		/* who gets `reply` when the line is through with it; NULL: gone */
	struct sim_reply	 reply;
	size_t			 head, n;
	struct job		 queue[QUEUE_MAX];
};

static void on_through(uv_timer_t *t);

struct sim_bus *
sim_bus_new(uv_loop_t *loop, const struct sim_bus_config *cfg)
{
	struct sim_bus *b = calloc(1, sizeof *b);

	if (b == NULL)
		return NULL;
	b->cfg = *cfg;
	b->loop = loop;
	uv_timer_init(loop, &b->timer);
	b->timer.data = b;
	return b;
}

/* Time of `chars` characters on the wire, ms; with the silence before a frame. */
static double
wire_ms(const struct sim_bus *b, double chars)
{
	if (b->cfg.baud == 0)
		return 0;
	double silence = b->cfg.baud > 19200 ? 1.75 : 3.5 * BITS_A_CHAR * 1000 / b->cfg.baud;
	return chars * BITS_A_CHAR * 1000 / b->cfg.baud + silence;
}

/* Send the answer as the line would, starting delay_ms from now; what arrives in one millisecond goes in one piece. */
static void
drip(const struct sim_bus *b, struct sim_conn *c, const struct sim_reply *r, double delay_ms)
{
	double char_ms = (double)BITS_A_CHAR * 1000 / b->cfg.baud;
	size_t step = char_ms >= 1 ? 1 : (size_t)(1 / char_ms);

	for (size_t off = 0; off < r->len; off += step) {
		size_t n = r->len - off < step ? r->len - off : step;
		double late = off >= r->split && r->split > 0 ? r->split_ms : 0;
		sim_conn_send(c, r->bytes + off, n,
		    1 + (uint32_t)(delay_ms + r->delay_ms + late + char_ms * (double)(off + n)));
	}
}

static void
start_next(struct sim_bus *b)
{
	const struct job *j = &b->queue[b->head];
	struct sim_endpoint *e = sim_conn_endpoint(j->conn);
	bool tty = e->tty != NULL;

	b->conn = j->conn;
	b->busy = true;
	sim_unit_reply(e, &j->adu, &b->reply);
	double ms = wire_ms(b, (double)j->adu.pdu_len + 3);
	if (b->reply.len > 0) {
		double answer_ms = wire_ms(b, (double)b->reply.len + (e->framing == MBS_TCP ? -4 : 0));
		ms += b->cfg.turnaround_ms;
		if (tty && b->cfg.baud > 0) {
			drip(b, j->conn, &b->reply, ms);
			b->conn = NULL;
		}
		ms += answer_ms + b->reply.delay_ms;
		b->reply.delay_ms = 0;
	} else if (!tty) {
		const uint8_t refusal[2] = { j->adu.pdu[0] | 0x80, b->cfg.dead_exception };
		ms += b->cfg.timeout_ms;
		if (b->cfg.dead_exception != 0)
			sim_reply_make(NULL, e->framing, &j->adu, refusal, 2, &e->net->dice, &b->reply);
	}
	b->head = (b->head + 1) % QUEUE_MAX;
	b->n--;
	uv_timer_start(&b->timer, on_through, (uint64_t)(ms + 0.5), 0);
}

static void
on_through(uv_timer_t *t)
{
	struct sim_bus *b = t->data;

	if (b->conn != NULL)
		sim_conn_reply(b->conn, &b->reply, 0);
	b->conn = NULL;
	b->busy = false;
	if (b->n > 0)
		start_next(b);
}

void
sim_bus_submit(struct sim_bus *b, struct sim_conn *c, const struct mbs_adu *req)
{
	if (b->n == QUEUE_MAX)
		return;
	struct job *j = &b->queue[(b->head + b->n++) % QUEUE_MAX];
	j->conn = c;
	j->adu = *req;
	memcpy(j->pdu, req->pdu, req->pdu_len);
	j->adu.pdu = j->pdu;
	if (!b->busy)
		start_next(b);
}

void
sim_bus_forget(struct sim_bus *b, const struct sim_conn *c)
{
	size_t kept = 0;

	if (b->conn == c)
		b->conn = NULL;
	for (size_t i = 0; i < b->n; i++) {
		struct job *from = &b->queue[(b->head + i) % QUEUE_MAX], *to = &b->queue[(b->head + kept) % QUEUE_MAX];
		if (from->conn == c)
			continue;
		if (from != to) {
			*to = *from;
			to->adu.pdu = to->pdu;
		}
		kept++;
	}
	b->n = kept;
}
