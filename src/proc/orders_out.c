/* Gate's end of the channel to a field process, see orders.h. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/orders.h"
#include "ring/channel.h"

struct orders_out {
	struct channel		 channel;
	uv_poll_t		 poll;
	struct orders_out_ops	 ops;
	char			 zone[128];
};

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

const char *
orders_out_zone(const struct orders_out *out)
{
	return out->zone;
}

/* 0: there may be more; an error: the other end is gone, or said what it may not. */
static int
take_one(struct orders_out *out)
{
	struct msg m;
	struct arena a = { 0 };
	struct request_result res;

	int err = channel_recv(&out->channel, &m);
	if (err != 0)
		return err;
	if (m.type == MSG_CHANGED)
		return out->ops.changed(out->ops.arg, out->zone, m.p, m.len);
	struct reader r = rd_init(m.p, m.len);
	request_result_unpack(&r, &a, &res);
	err = rd_end(&r);
	if (err == 0)
		out->ops.carried(out->ops.arg, out->zone, &res);
	arena_fini(&a);
	return err;
}

static void
finish(struct orders_out *out)
{
	uv_poll_stop(&out->poll);
	channel_close(&out->channel);
	uv_close((uv_handle_t *)&out->poll, on_closed);
}

void
orders_out_close(struct orders_out *out)
{
	while (take_one(out) == 0)
		continue;
	finish(out);
}

static void
on_ready(uv_poll_t *h, int status, int events)
{
	struct orders_out *out = h->data;
	(void)status;
	(void)events;

	for (int i = 0; i < 64; i++) {
		int err = take_one(out);
		if (err == ERR_AGAIN)
			return;
		if (err == 0)
			continue;
		log_info("field_gone", "zone=%s error=\"%s\"", out->zone, err_text(err));
		void (*lost)(void *, const char *) = out->ops.lost;
		finish(out);
		lost(out->ops.arg, out->zone);
		return;
	}
}

struct orders_out *
orders_out_open(uv_loop_t *loop, int fd, const char *zone, const struct orders_out_ops *ops)
{
	struct orders_out *out = calloc(1, sizeof *out);

	if (out == NULL || uv_poll_init(loop, &out->poll, fd) != 0) {
		log_error("no_channel_to_field", "zone=%s fd=%d", zone, fd);
		free(out);
		close(fd);
		return NULL;
	}
	channel_init(&out->channel, fd, ROLE_GATE, ROLE_FIELD);
	out->ops = *ops;
	snprintf(out->zone, sizeof out->zone, "%s", zone);
	out->poll.data = out;
	uv_poll_start(&out->poll, UV_READABLE, on_ready);
	return out;
}

int
orders_out_send(struct orders_out *out, const struct order *o)
{
	static uint8_t bytes[ORDER_BYTES_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);

	if (order_pack(&w, o) != 0)
		return ERR_LIMIT;
	return channel_send(&out->channel, MSG_CARRY_OUT, bytes, wr_len(&w), -1);
}

int
orders_out_durable(struct orders_out *out, uint64_t origin, uint64_t no, bool hole)
{
	uint8_t bytes[17];
	struct writer w = wr_init(bytes, sizeof bytes);

	wr_le64(&w, origin);
	wr_le64(&w, no);
	wr_u8(&w, hole);
	return channel_send(&out->channel, MSG_DURABLE, bytes, wr_len(&w), -1);
}
