/* The inside of a connection, shared by conn.c (life, requests) and send.c (answers, now and later). */
#ifndef SIM_CONN_H
#define SIM_CONN_H

#include "sim/net.h"

#define SIM_RX_MAX	2048		/* unread bytes of a connection */

struct sim_conn {
	union { uv_handle_t handle; uv_stream_t stream; uv_tcp_t tcp; uv_pipe_t pipe; } u;
	uv_timer_t		 timer;
	struct sim_endpoint	*e;
	struct sim_conn		*next, **prev;
	struct sim_later	*later;		/* answers that wait, by time */
	size_t			 nlater;
	uint64_t		 silence_ms;	/* RTU: when the line counts as quiet; UINT64_MAX: nothing pending */
	int			 handles;	/* open ones; freed with the last */
	bool			 closing, held, choked, batching;
	size_t			 rx_len, out_len;
	uint8_t			 rx[SIM_RX_MAX];
};

/* Read again, unless something forbids it. */
void sim_conn_read(struct sim_conn *c);
/* Write what sim_conn_send() gathered while c->batching. */
void sim_conn_flush(struct sim_conn *c);
/* Have sim_conn_timer() called when the next thing is due. */
void sim_conn_set_timer(struct sim_conn *c);
void sim_conn_timer(uv_timer_t *t);
/* Send the waiting answers that are due; forget all of them. */
void sim_conn_send_due(struct sim_conn *c);
void sim_conn_forget_later(struct sim_conn *c);

#endif
