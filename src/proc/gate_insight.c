/* See gate_insight.h. Insight has no socket and no address, but reads what devices say: it is believed no more than office is. */
#include "proc/gate_insight.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "ring/channel.h"

#define REQUESTS_A_TURN 16

struct gate_insight {
	struct channel		 channel;
	uv_poll_t		 poll;
	struct gate_insight_ops	 ops;
};

static void
closed(uv_handle_t *h)
{
	free(h->data);
}

void
gate_insight_close(struct gate_insight *g)
{
	if (g == NULL)
		return;
	uv_poll_stop(&g->poll);
	channel_close(&g->channel);
	uv_close((uv_handle_t *)&g->poll, closed);
}

static void
on_ready(uv_poll_t *h, int status, int events)
{
	struct gate_insight *g = h->data;
	struct msg m;
	(void)status;
	(void)events;

	for (int i = 0; i < REQUESTS_A_TURN; i++) {
		int err = channel_recv(&g->channel, &m);
		if (err == ERR_AGAIN)
			return;
		if (err == 0)
			err = g->ops.request(g->ops.arg, m.p, m.len);
		if (err != 0) {
			log_info("insight_gone", "error=\"%s\"", err_text(err));
			g->ops.gone(g->ops.arg);
			return;
		}
	}
}

struct gate_insight *
gate_insight_open(uv_loop_t *loop, int fd, const struct gate_insight_ops *ops)
{
	struct gate_insight *g = calloc(1, sizeof *g);

	if (g == NULL || uv_poll_init(loop, &g->poll, fd) != 0) {
		log_error("no_channel_to_insight", "fd=%d", fd);
		free(g);
		close(fd);
		return NULL;
	}
	channel_init(&g->channel, fd, ROLE_GATE, ROLE_INSIGHT);
	g->ops = *ops;
	g->poll.data = g;
	uv_poll_start(&g->poll, UV_READABLE, on_ready);
	return g;
}

int
gate_insight_say(struct gate_insight *g, enum msg_type type, const void *p, size_t len)
{
	return channel_send(&g->channel, type, p, len, -1);
}

int
gate_insight_durable(struct gate_insight *g, uint64_t origin, uint64_t no, bool hole)
{
	uint8_t bytes[17];
	struct writer w = wr_init(bytes, sizeof bytes);

	wr_le64(&w, origin);
	wr_le64(&w, no);
	wr_u8(&w, hole);
	return channel_send(&g->channel, MSG_DURABLE, bytes, wr_len(&w), -1);
}
