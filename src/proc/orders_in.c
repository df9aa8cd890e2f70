/*
 * Field's end of the channel to gate, see orders.h. Outcomes that the channel does not take at once are kept and sent
 * when it does.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "field/order.h"
#include "proc/orders.h"
#include "ring/channel.h"

#define OWED_MAX	256u

struct owed {
	struct owed	*next;
	size_t		 len;
	uint8_t		 p[];
};

struct orders_in {
	struct channel		 channel;
	uv_poll_t		 poll;
	struct field *const	*field;
	unsigned		 refs;		/* orders under way, the open handle, and the one who opened it */
	bool			 closed;
	struct owed		*owed, **owed_end;
	unsigned		 nowed;
};

static void on_ready(uv_poll_t *h, int status, int events);

static void
let_go(struct orders_in *in)
{
	if (--in->refs > 0)
		return;
	for (struct owed *o = in->owed, *next; o != NULL; o = next) {
		next = o->next;
		free(o);
	}
	free(in);
}

static void
on_closed(uv_handle_t *h)
{
	let_go(h->data);
}

static void
shut(struct orders_in *in)
{
	if (in->closed)
		return;
	in->closed = true;
	uv_poll_stop(&in->poll);
	channel_close(&in->channel);
	uv_close((uv_handle_t *)&in->poll, on_closed);
}

void
orders_in_close(struct orders_in *in)
{
	if (in == NULL)
		return;
	shut(in);
	let_go(in);
}

static void
watch(struct orders_in *in)
{
	uv_poll_start(&in->poll, UV_READABLE | (in->owed != NULL ? UV_WRITABLE : 0), on_ready);
}

static void
keep(struct orders_in *in, const uint8_t *p, size_t len)
{
	struct owed *o = in->nowed < OWED_MAX ? malloc(sizeof *o + len) : NULL;

	if (o == NULL) {
		log_error("outcome_lost", "why=\"gate does not read; it will say unknown\"");
		return;
	}
	o->next = NULL;
	o->len = len;
	memcpy(o->p, p, len);
	*in->owed_end = o;
	in->owed_end = &o->next;
	in->nowed++;
	watch(in);
}

static void
on_done(void *arg, const struct request_result *r)
{
	struct orders_in *in = arg;
	uint8_t bytes[REQUEST_BYTES_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);
	struct request_result cut = *r;

	if (request_result_pack(&w, r) != 0) {	/* what a method gave is too long */
		w = wr_init(bytes, sizeof bytes);
		cut.nresults = 0;
		cut.readback = (struct value){ .type = VALUE_NULL };
		request_result_pack(&w, &cut);
	}
	if (!in->closed) {
		int err = in->owed != NULL ? ERR_AGAIN : channel_send(&in->channel, MSG_CARRIED, bytes, wr_len(&w), -1);
		if (err == ERR_AGAIN)
			keep(in, bytes, wr_len(&w));
	} else
		log_warn("outcome_untold", "request=%llu state=%s why=\"gate is gone\"", (unsigned long long)r->id,
		    request_state_name(r->state));
	let_go(in);
}

static void
pay(struct orders_in *in)
{
	while (in->owed != NULL) {
		struct owed *o = in->owed;
		int err = channel_send(&in->channel, MSG_CARRIED, o->p, o->len, -1);
		if (err == ERR_AGAIN)
			return;
		in->owed = o->next;
		if (in->owed == NULL)
			in->owed_end = &in->owed;
		in->nowed--;
		free(o);
	}
	watch(in);
}

static void
take(struct orders_in *in, const struct msg *m)
{
	struct arena a = { 0 };
	struct order o;

	int err = order_unpack(m->p, m->len, &a, &o);
	in->refs++;
	if (err != 0 || *in->field == NULL) {
		struct request_result no = { .id = o.id, .state = REQUEST_REFUSED, .code = "device", .text = err != 0 ?
		    "the order cannot be read" : "the process that speaks to the device has no plan yet: ask again" };
		log_error("order_refused", "request=%llu error=\"%s\"", (unsigned long long)o.id, err_text(err));
		on_done(in, &no);
	} else
		order_take(*in->field, &o, on_done, in);
	arena_fini(&a);
}

static void
take_durable(struct orders_in *in, const struct msg *m)
{
	struct reader r = rd_init(m->p, m->len);

	uint64_t origin = rd_le64(&r), no = rd_le64(&r);
	bool hole = rd_u8(&r) != 0;
	if (rd_end(&r) == 0 && *in->field != NULL)
		field_durable(*in->field, origin, no, hole);
}

static void
on_ready(uv_poll_t *h, int status, int events)
{
	struct orders_in *in = h->data;
	struct msg m;
	(void)status;

	if ((events & UV_WRITABLE) != 0)
		pay(in);
	for (int i = 0; i < 16 && !in->closed; i++) {
		int err = channel_recv(&in->channel, &m);
		if (err == ERR_AGAIN)
			return;
		if (err != 0) {
			log_info("gate_gone", "error=\"%s\"", err_text(err));
			shut(in);
			return;
		}
		if (m.type == MSG_DURABLE)
			take_durable(in, &m);
		else
			take(in, &m);
	}
}

int
orders_in_changed(struct orders_in *in, const void *p, size_t len)
{
	return in == NULL || in->closed ? ERR_CONN : channel_send(&in->channel, MSG_CHANGED, p, len, -1);
}

struct orders_in *
orders_in_open(uv_loop_t *loop, int fd, struct field *const *field)
{
	struct orders_in *in = calloc(1, sizeof *in);

	if (in == NULL || uv_poll_init(loop, &in->poll, fd) != 0) {
		log_error("no_channel_to_gate", "fd=%d", fd);
		free(in);
		close(fd);
		return NULL;
	}
	channel_init(&in->channel, fd, ROLE_FIELD, ROLE_GATE);
	in->field = field;
	in->refs = 2;
	in->owed_end = &in->owed;
	in->poll.data = in;
	watch(in);
	return in;
}
