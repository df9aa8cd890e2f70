/*
 * See modbus_ident.h. One request at a time; a reply that says more follows is followed until the next object does not
 * advance.
 */
#include "driver/modbus/modbus_ident.h"

#include <string.h>

#include "driver/modbus/modbus_ask.h"
#include "model/status.h"

const char *const modbus_ident_names[MODBUS_IDENT_OBJECTS] = {
	"vendor", "product code", "revision", "vendor url", "product name", "model", "application",
};

enum { CODE_BASIC = 1, CODE_REGULAR = 2 };

struct ident {
	struct driver_host	*h;
	const struct source	*s;
	struct mb_conf		 conf;
	struct mb_ask		 ask;
	uint32_t		 id;
	uint8_t			 code, object;		/* asked for */
};

static int link_tcp(const struct source *s, struct link_spec *out) { return mb_link(MB_TCP, s, out); }
static int link_rtu(const struct source *s, struct link_spec *out) { return mb_link(MB_RTU, s, out); }
static int link_tunnel(const struct source *s, struct link_spec *out) { return mb_link(MB_RTU_TCP, s, out); }

static size_t ident_size(const struct link_sources *s) { (void)s; return sizeof(struct ident); }

static int
ident_open(enum mb_framing f, void *ctx, const struct link_sources *s, struct driver_host *h)
{
	struct ident *c = ctx;

	c->h = h;
	c->s = s->v[0];
	mb_conf_read(f, c->s->keys, &c->conf);
	mb_ask_init(&c->ask, f, &c->conf, h);
	return 0;
}

static int
open_tcp(void *ctx, const struct link_sources *s, struct driver_host *h)
{
	return ident_open(MB_TCP, ctx, s, h);
}
static int
open_rtu(void *ctx, const struct link_sources *s, struct driver_host *h)
{
	return ident_open(MB_RTU, ctx, s, h);
}
static int
open_tunnel(void *ctx, const struct link_sources *s, struct driver_host *h)
{
	return ident_open(MB_RTU_TCP, ctx, s, h);
}
static void ident_close(void *ctx) { (void)ctx; }

static void
ident_up(void *ctx, struct mono now, struct wall wall)
{
	(void)ctx;
	(void)now;
	(void)wall;
}

static void
finish(struct ident *c, int err, const char *why)
{
	c->ask.waiting = false;
	c->h->done(c->h, c->id, err, why);
}

static void
ident_down(void *ctx, struct mono now, struct wall wall)
{
	struct ident *c = ctx;

	(void)now;
	(void)wall;
	if (c->ask.waiting)
		finish(c, ERR_CONN, "the connection was lost");
}

static void
ask(struct ident *c, struct mono now)
{
	uint8_t pdu[8];
	struct writer w = wr_init(pdu, sizeof pdu);

	mb_put_device_id(&w, c->code, c->object);
	if (mb_ask_send(&c->ask, c->conf.unit, &w, c->conf.timeout_ns, now) != 0)
		finish(c, ERR_FULL, "the peer does not read");
}

static int
ident_read(void *ctx, uint32_t src, const uint32_t *tags, uint32_t n, uint32_t id, struct mono now)
{
	struct ident *c = ctx;

	(void)src;
	(void)tags;
	(void)n;
	if (c->ask.waiting)
		return ERR_BUSY;
	c->id = id;
	c->code = CODE_REGULAR;
	c->object = 0;
	ask(c, now);
	return 0;
}

/* The objects of one reply. Returns the object to go on with, 0 when it was the last. */
static uint8_t
take_objects(struct ident *c, const struct mb_reply *reply, struct wall wall)
{
	struct reader r = rd_init(reply->data, reply->len);
	struct mb_device_id head;

	if (mb_parse_device_id(&r, &head) != 0)
		return 0;
	for (uint8_t i = 0; i < head.count; i++) {
		uint8_t object, len;
		const char *text;
		if (mb_parse_device_object(&r, &object, &text, &len) != 0)
			return 0;
		struct value v = { .type = VALUE_TEXT, .len = len, .p = text };
		if (object < MODBUS_IDENT_OBJECTS && object < c->s->ntags)
			c->h->sample(c->h, 0, object, STATUS_Good, &v, (struct wall){ 0 }, (struct wall){ 0 }, wall,
			    SAMPLE_REREAD);
	}
	return head.more && head.next > c->object ? head.next : 0;
}

static void
answer(struct ident *c, const struct mb_reply *reply, struct mono now, struct wall wall)
{
	if (reply->exception != 0 && c->code == CODE_REGULAR && c->object == 0) {
		c->code = CODE_BASIC;	/* it may know no other */
		ask(c, now);
		return;
	}
	if (reply->exception != 0) {
		finish(c, ERR_NOTFOUND, "the device refuses function 43/14");
		return;
	}
	c->object = take_objects(c, reply, wall);
	if (c->object != 0)
		ask(c, now);
	else
		finish(c, 0, NULL);
}

static void
ident_input(void *ctx, const void *p, size_t len, struct mono now, struct wall wall)
{
	struct ident *c = ctx;
	struct mb_reply reply;

	switch (mb_ask_input(&c->ask, p, len, now, &reply)) {
	case MB_ANSWER_REPLY:	answer(c, &reply, now, wall); break;
	case MB_ANSWER_GARBAGE:	finish(c, ERR_PROTO, "what came is no device identification"); break;
	default:		break;
	}
}

static void
ident_tick(void *ctx, struct mono now, struct wall wall)
{
	struct ident *c = ctx;

	(void)wall;
	if (mb_ask_tick(&c->ask, now) == MB_ANSWER_SILENCE)
		finish(c, ERR_TIMEOUT, "no answer in time");
}

static struct mono ident_next(const void *ctx) { return mb_ask_next(&((const struct ident *)ctx)->ask); }

static int
ident_scan(void *ctx, uint32_t src, uint32_t scan_class, bool probe, struct mono now, struct wall wall)
{
	(void)ctx;
	(void)src;
	(void)scan_class;
	(void)probe;
	(void)now;
	(void)wall;
	return ERR_NOTFOUND;	/* there are no scan classes */
}

static void
ident_give_up(void *ctx, uint32_t src, uint32_t status, struct wall wall)
{
	(void)ctx;
	(void)src;
	(void)status;
	(void)wall;
}
static void ident_trace(void *ctx, uint32_t src, bool on) { (void)ctx; (void)src; (void)on; }
static void
ident_why(const void *ctx, uint32_t src, uint32_t tag, struct json *out)
{
	(void)ctx;
	(void)src;
	(void)tag;
	(void)out;
}

static struct driver_counts
ident_counts(const void *ctx, uint32_t src)
{
	(void)ctx;
	(void)src;
	return (struct driver_counts){ 0 };
}

static int
ident_parse_at(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size)
{
	(void)at;
	(void)keys;
	(void)why;
	(void)size;
	*out = (struct at_info){ .type = VALUE_TEXT };
	return 0;
}

#define IDENT(text, table, link_fn, open_fn) { \
	.info = { .name = text, .keys = table, .parse_at = ident_parse_at }, .link = link_fn, .size = ident_size, \
	.open = open_fn, .close = ident_close, .up = ident_up, .down = ident_down, .input = ident_input, \
	.tick = ident_tick, .next = ident_next, .scan = ident_scan, .give_up = ident_give_up, .read = ident_read, \
	.trace = ident_trace, .why = ident_why, .counts = ident_counts }

const struct driver *
modbus_ident(const struct driver *of)
{
	static const struct driver tcp = IDENT("modbus-tcp", mb_keys_tcp, link_tcp, open_tcp);
	static const struct driver rtu = IDENT("modbus-rtu", mb_keys_rtu, link_rtu, open_rtu);
	static const struct driver tunnel = IDENT("modbus-rtu-tcp", mb_keys_rtu_tcp, link_tunnel, open_tunnel);
	const struct driver *const all[] = { &tcp, &rtu, &tunnel };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(all[i]->info.name, of->info.name) == 0)
			return all[i];
	return NULL;
}
