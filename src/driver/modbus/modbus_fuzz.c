/*
 * Bytes of a hostile device in all three framings, with time passing between them. The input is a script: each step's
 * first byte says what to do and how many of the bytes that follow go in; the requests that the driver sends are
 * answered by nobody else, so a good reply must be in the script (the transaction ids follow from the clock, which
 * starts at a fixed time).
 */
#include <stdlib.h>

#include "driver/modbus/modbus.h"
#include "driver/modbus/modbus_ident.h"
#include "driver/modbus/modbus_try.h"
#include "model/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned	open_scans, sends, ended;
static bool	reset_asked;

static int
on_send(struct driver_host *h, const void *p, size_t len)
{
	(void)h; (void)p;
	if (len > MB_ADU_MAX)
		abort();
	return ++sends % 7 == 0 ? ERR_FULL : 0;		/* now and then the link is full */
}

static void
on_sample(struct driver_host *h, uint32_t src, uint32_t tag, uint32_t status, const struct value *v,
    struct wall s, struct wall d, struct wall arrival, uint8_t flags)
{
	(void)h; (void)src; (void)tag; (void)s; (void)d; (void)arrival; (void)flags;
	if ((v->type == VALUE_NULL) != status_is_bad(status) || !value_type_valid(v->type))
		abort();
	if (value_has_bytes(v->type)) {		/* touch every byte */
		volatile uint8_t sum = 0;
		for (uint32_t i = 0; i < v->len; i++)
			sum = (uint8_t)(sum + ((const uint8_t *)v->p)[i]);
	}
}

static void
on_scan_done(struct driver_host *h, uint32_t src, uint32_t class)
{
	(void)h; (void)src; (void)class;
	if (open_scans-- == 0)
		abort();
}

static void
on_outcome(struct driver_host *h, uint32_t src, enum outcome o, int64_t rtt_ns, int64_t busy_ns)
{
	(void)h; (void)src; (void)o; (void)rtt_ns; (void)busy_ns;
}

static void
on_frame(struct driver_host *h, uint32_t src, bool out, const void *p, size_t len, const char *note)
{
	struct buf b = { 0 };
	(void)h; (void)src; (void)note;
	modbus_tcp_driver.explain(out, p, len, &b);
	modbus_rtu_driver.explain(out, p, len, &b);
	buf_fini(&b);
}

static void
on_done(struct driver_host *h, uint32_t id, int err, const char *why)
{
	(void)h;
	(void)id;
	(void)err;
	(void)why;
	ended++;
}
static void on_reset(struct driver_host *h, const char *why) { (void)h; (void)why; reset_asked = true; }

static struct driver_host host = { .send = on_send, .sample = on_sample, .scan_done = on_scan_done, .outcome = on_outcome,
	.frame = on_frame, .done = on_done, .reset = on_reset };

static const char *const at[] = {
	"holding 0 uint16",
	"holding 1 float32",
	"holding 3 string 20 chars",
	"holding 20 bcd32",
	"holding 22 uint8[7]",
	"holding 30.5",
	"holding 31.0 bool[20]",
	"holding 100 float64[5] dcba",
	"input 0 int16 sunspec",
	"coil 3",
	"coil 4 bool[40]",
	"discrete 9",
};
#define TAGS (sizeof at / sizeof at[0])

static struct mono	now;
static struct wall	wall;

static void
pass(const struct driver *d, void *ctx, int64_t ns)
{
	now.ns += ns;
	wall.ns += ns;
	for (int i = 0; i < 200 && !mono_before(now, d->next(ctx)); i++)
		d->tick(ctx, now, wall);
	if (!mono_before(now, d->next(ctx)))
		abort();	/* never at rest */
}

static void
scan(const struct driver *d, void *ctx, uint32_t src, bool probe)
{
	if (d->scan(ctx, src, 0, probe, now, wall) == 0)
		open_scans++;
}

static void
obey_reset(const struct driver *d, void *ctx)
{
	if (!reset_asked)
		return;
	reset_asked = false;
	d->down(ctx, now, wall);
	d->up(ctx, now, wall);
}

static void
step(const struct driver *d, void *ctx, struct reader *r)
{
	uint8_t op = rd_u8(r);
	size_t len = op >> 3;
	const uint32_t tags[] = { 0, 3, 9 };

	switch (op & 7) {
	case 0: case 1: case 2:
		if (len == 31)
			len = rd_u8(r);
		if (len > rd_left(r))
			len = rd_left(r);
		d->input(ctx, rd_bytes(r, len), len, now, wall);
		break;
	case 3:
		pass(d, ctx, (int64_t)len * 5 * NS_PER_MS);
		break;
	case 4:
		pass(d, ctx, (int64_t)len * 100 * NS_PER_MS);
		break;
	case 5:
		scan(d, ctx, len & 1, len == 30);
		break;
	case 6:
		if (len & 1)
			(void)d->read(ctx, 0, tags, 3, 1, now);
		else
			(void)d->write(
			    ctx, 0, (uint32_t)(len / 2) % TAGS, &(struct value){ .type = VALUE_U16, .u = len }, 2, now);
		break;
	default:
		d->down(ctx, now, wall);
		d->up(ctx, now, wall);
		reset_asked = false;
	}
	obey_reset(d, ctx);
}

static void
run(const struct driver *d, const uint8_t *data, size_t size)
{
	struct tag tags[TAGS];
	struct keyval keys[2][MB_KEYS_TUNNEL + 4] = { 0 };
	struct source src[2];
	const struct source *list[] = { &src[0], &src[1] };
	const struct link_sources sources = { list, 2 };
	struct reader r = rd_init(data, size);
	struct at_info info;
	char why[200];

	for (size_t i = 0; i < TAGS; i++) {
		if (d->info.parse_at(at[i], keys[0], &info, why, sizeof why) != 0)
			abort();
		tags[i] = (struct tag){ .at = at[i],
			.type = info.type,
			.scan_ns = 1,
			.factor = 1,
			.index = (uint32_t)i,
			.writable = true };
	}
	for (int i = 0; i < 2; i++) {
		keys[i][MB_KEY_UNIT] = (struct keyval){ .set = true, .i = i + 1 };
		keys[i][MB_KEY_WRITES] = (struct keyval){ .set = true, .b = true };
		src[i] = (struct source){
			.keys = keys[i], .tags = tags, .ntags = TAGS, .nscans = 1, .scans_ns = { NS_PER_S }
		};
	}
	now.ns = 0;
	wall.ns = NS_PER_S;
	open_scans = sends = 0;
	reset_asked = false;
	void *ctx = calloc(1, d->size(&sources));
	if (ctx == NULL || d->open(ctx, &sources, &host) != 0)
		abort();
	d->up(ctx, now, wall);
	d->trace(ctx, 0, true);
	scan(d, ctx, 0, false);
	while (rd_left(&r) > 0)
		step(d, ctx, &r);
	for (int i = 0; i < 400 && open_scans > 0; i++) {
		pass(d, ctx, NS_PER_S);
		obey_reset(d, ctx);
	}
	if (open_scans > 0)
		abort();	/* a scan without end */
	d->close(ctx);
	free(ctx);
}

/* The tools that try a device: pieces of the input arrive, time passes; a read always ends. */
static void
run_asking(const struct driver *d, const char *const *questions, uint32_t n, const uint8_t *data, size_t size)
{
	struct tag tags[4] = { 0 };
	struct keyval keys[MB_KEYS_TUNNEL + 4] = { 0 };
	struct source src = { .keys = keys, .tags = tags, .ntags = n };
	const struct source *list[] = { &src };
	const struct link_sources sources = { list, 1 };
	struct reader r = rd_init(data, size);
	const uint32_t all[] = { 0, 1, 2, 3 };

	for (uint32_t i = 0; i < n; i++)
		tags[i] = (struct tag){ .at = questions[i], .index = i };
	now.ns = 0;
	wall.ns = NS_PER_S;
	ended = 0;
	void *ctx = calloc(1, d->size(&sources));
	if (ctx == NULL || d->open(ctx, &sources, &host) != 0)
		abort();
	d->up(ctx, now, wall);
	if (d->read(ctx, 0, all, n, 1, now) != 0)
		abort();
	while (rd_left(&r) > 0) {
		size_t len = rd_u8(&r);
		if (len > rd_left(&r))
			len = rd_left(&r);
		d->input(ctx, rd_bytes(&r, len), len, now, wall);
		pass(d, ctx, len % 8 == 0 ? NS_PER_S : NS_PER_MS);
	}
	for (int i = 0; i < 2000 && ended == 0; i++)
		pass(d, ctx, NS_PER_S);
	if (ended != 1)
		abort();
	d->close(ctx);
	free(ctx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const questions[] = { "unit 1", "ranges holding 0 300", "unit 2", "ranges coil 0 10" };
	struct buf b = { 0 };

	if (size > 4096)
		return 0;
	run(&modbus_tcp_driver, data, size);
	run(&modbus_rtu_driver, data, size);
	run(&modbus_rtu_tcp_driver, data, size);
	run_asking(modbus_try(&modbus_tcp_driver), questions, 4, data, size);
	run_asking(modbus_try(&modbus_rtu_driver), questions, 4, data, size);
	run_asking(modbus_ident(&modbus_tcp_driver), modbus_ident_names, 4, data, size);
	run_asking(modbus_ident(&modbus_rtu_driver), modbus_ident_names, 4, data, size);
	mb_explain(MB_TCP, true, data, size, &b);
	mb_explain(MB_TCP, false, data, size, &b);
	mb_explain(MB_RTU, true, data, size, &b);
	mb_explain(MB_RTU, false, data, size, &b);
	buf_fini(&b);
	return 0;
}
