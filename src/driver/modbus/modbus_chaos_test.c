/*
 * Random trouble: drops, delays past the timeout, exceptions, garbage, damaged, torn and glued replies, lost
 * connections. Whatever happens: nothing crashes, every scan ends within bounded time, and a good sample is the value
 * of its own register. To prove the latter each register holds a number that follows from its unit, its address and the
 * request that it was read for.
 */
#include "driver/modbus/modbus_rig.h"

static uint64_t	seed;

static uint32_t
rnd(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 11) % below;
}

struct pending { uint8_t p[MB_ADU_MAX]; size_t len; struct mono at; };

struct chaos {
	struct rig	*r;
	struct pending	 q[32];		/* replies that will still come */
	uint32_t	 n;
	uint32_t	 window;
	uint32_t	 trouble;	/* one reply in so many goes wrong */
};

/* What register `reg` of a unit holds: never changes, so a late but rightly attributed reply is right too. */
static uint16_t
content(uint32_t unit, uint32_t reg)
{
	return (uint16_t)(reg * 7 + unit * 4099);
}

static struct rig *
plant(const struct driver *d, uint32_t units, uint32_t window)
{
	struct rig *r = rig_new(d, units);
	for (uint32_t u = 0; u < units; u++) {
		struct device *dev = rig_device(r, (int)u + 1);
		for (uint32_t i = 0; i < 65536; i++)
			dev->regs[1][i] = content(u + 1, i);
		if (d == &modbus_tcp_driver)
			rig_key(r, u, MB_KEY_IN_FLIGHT, window);
		rig_key(r, u, MB_KEY_BLOCK_LIMIT, 20 + rnd(100));
		for (uint32_t i = 0, reg = rnd(100); i < 40; i++, reg += 1 + rnd(4) + (rnd(8) == 0 ? 40 : 0)) {
			char at[32];
			snprintf(at, sizeof at, "holding %u", reg);
			rig_tag(r, u, at);
		}
		dev->bad_first = dev->bad_last = rnd(200);
		dev->bad2 = rnd(300);
	}
	rig_open(r);
	return r;
}

static void
later(struct chaos *c, const uint8_t *p, size_t len, int64_t delay_ns)
{
	if (c->n == sizeof c->q / sizeof c->q[0])
		return;
	memcpy(c->q[c->n].p, p, len);
	c->q[c->n].len = len;
	c->q[c->n++].at = mono_add(c->r->now, delay_ns);
}

/* The device's side of one request, with trouble. */
static void
answer(struct chaos *c, const struct frame *f)
{
	uint8_t reply[MB_ADU_MAX + 8];
	size_t len = rig_reply(c->r, f, reply), head = rig_tcp(c->r) ? 7 : 1;
	int64_t delay = 1 + rnd(5) * NS_PER_MS;

	if (c->trouble > 0 && rnd(c->trouble) == 0)
		switch (rnd(7)) {
		case 0:					/* lost */
			return;
		case 1: /* late, but before the next unit of time a unit is left alone */
			delay = 900 * NS_PER_MS + rnd(1000) * NS_PER_MS;
			break;
		case 2:					/* refused for a passing reason */
			reply[head] |= 0x80;
			reply[head + 1] = (uint8_t)(4 + rnd(3));
			len = head + 2;
			if (rig_tcp(c->r))
				reply[5] = 3;
			else {
				uint16_t crc = rig_crc(reply, len);
				reply[len++] = (uint8_t)crc;
				reply[len++] = (uint8_t)(crc >> 8);
			}
			break;
		case 3: /* cut short; nobody could tell on TCP if another reply followed */
			if (!rig_tcp(c->r) || (c->window == 1 && c->n == 0))
				len = 1 + rnd((uint32_t)len - 1);
			break;
		case 4: /* a bit turned over; TCP has a checksum below, so only where it shows */
			if (!rig_tcp(c->r))
				reply[rnd((uint32_t)len)] ^= (uint8_t)(1 << rnd(8));
			else
				reply[0] ^= (uint8_t)(0x80 >> rnd(3));	/* an id that is not under way */
			break;
		case 5:					/* noise in front of it */
			if (!rig_tcp(c->r)) {
				uint8_t noise[3] = { (uint8_t)rnd(256), (uint8_t)rnd(256), (uint8_t)rnd(256) };
				later(c, noise, 1 + rnd(3), delay / 2);
			}
			break;
		default:				/* twice; a line has its silence for that, a tunnel nothing */
			if (c->r->d == &modbus_rtu_tcp_driver)
				break;
			later(c, reply, len, delay + rnd(3) * NS_PER_MS);
		}
	later(c, reply, len, delay);
}

static void
deliver(struct chaos *c, uint32_t i)
{
	struct pending p = c->q[i];
	memmove(&c->q[i], &c->q[i + 1], (--c->n - i) * sizeof c->q[0]);
	for (size_t at = 0; at < p.len;) {		/* torn at random places */
		size_t take = 1 + rnd((uint32_t)(p.len - at));
		if (rnd(2))
			take = p.len - at;
		rig_input(c->r, p.p + at, take);
		at += take;
	}
}

static void
reconnect(struct chaos *c)
{
	struct rig *r = c->r;
	r->d->down(r->ctx, r->now, r->wall);
	c->n = r->nsent = 0;		/* nothing of an old connection reaches the new one */
	r->resets = 0;
	rig_pass(r, 100 * NS_PER_MS);
	r->d->up(r->ctx, r->now, r->wall);
}

/* Everything that happens until `end`. */
static void
until(struct chaos *c, struct mono end)
{
	struct rig *r = c->r;
	for (int guard = 0; guard < 200000; guard++) {
		while (r->nsent > 0) {
			struct frame f = rig_take(r);
			answer(c, &f);
		}
		if (r->resets > 0)
			reconnect(c);
		struct mono next = mono_min(r->d->next(r->ctx), end);
		uint32_t first = c->n;
		for (uint32_t i = 0; i < c->n; i++)
			if (mono_before(c->q[i].at, next)) {
				next = c->q[i].at;
				first = i;
			}
		if (mono_before(r->now, next)) {
			r->wall.ns += mono_diff(next, r->now);
			r->now = next;
		}
		if (first < c->n)
			deliver(c, first);
		else if (!mono_before(r->now, r->d->next(r->ctx)))
			r->d->tick(r->ctx, r->now, r->wall);
		else if (!mono_before(r->now, end))
			return;
	}
	test_fail(__FILE__, __LINE__, "the driver never comes to rest");
}

static void
judge(struct rig *r)
{
	for (uint32_t u = 0; u < r->sources.n; u++)
		for (uint32_t i = 0; i < r->src[u].ntags; i++) {
			const struct seen *s = &r->seen[u][i];
			uint32_t reg = (uint32_t)strtoul(r->src[u].tags[i].at + 8, NULL, 10);
			if (s->n > 0 && s->status == STATUS_Good && s->v.u != content(u + 1, reg))
				test_fail(__FILE__, __LINE__, "unit %u register %u reads %llu: somebody else's value",
				    u + 1, reg, (unsigned long long)s->v.u);
		}
}

static void
campaign(const struct driver *d, uint32_t units, uint32_t window, uint32_t trouble)
{
	struct chaos c = { .r = plant(d, units, window), .window = window, .trouble = trouble };
	struct rig *r = c.r;
	uint32_t started[RIG_SOURCES] = { 0 };

	for (int scan = 0; scan < 40; scan++) {
		for (uint32_t u = 0; u < units; u++)
			if (r->d->scan(r->ctx, u, 0, rnd(10) == 0, r->now, r->wall) == 0)
				started[u]++;
		until(&c, mono_add(r->now, rnd(300) * NS_PER_MS));
		judge(r);
		if (rnd(15) == 0)
			reconnect(&c);
	}
	/* All quiet now: what was started ends, and it takes no longer than all the timeouts together. */
	c.trouble = 0;
	until(&c, mono_add(r->now, 120 * NS_PER_S));
	for (uint32_t u = 0; u < units; u++)
		CHECK_INT(r->done_scans[u], started[u]);
	/* And with the trouble over every register that exists is good again. */
	for (int scan = 0; scan < 4; scan++) {
		for (uint32_t u = 0; u < units; u++)
			CHECK_INT(r->d->scan(r->ctx, u, 0, false, r->now, r->wall), 0);
		until(&c, mono_add(r->now, 800 * NS_PER_S));
	}
	for (uint32_t u = 0; u < units; u++)
		for (uint32_t i = 0; i < r->src[u].ntags; i++) {
			uint32_t reg = (uint32_t)strtoul(r->src[u].tags[i].at + 8, NULL, 10);
			const struct device *dev = r->dev[u + 1];
			bool exists = reg != dev->bad_first && reg != dev->bad2;
			if ((r->seen[u][i].status == STATUS_Good) != exists)
				test_fail(__FILE__, __LINE__, "unit %u register %u: status %08x", u + 1, reg,
				    r->seen[u][i].status);
		}
	judge(r);
	rig_close(r);
}

static void
many(const struct driver *d, uint32_t units, uint32_t window)
{
	static const uint32_t troubles[] = { 0, 30, 6, 2, 1 }, rounds = 40;
	for (uint32_t i = 0; i < rounds; i++) {
		seed = 0x9E3779B97F4A7C15u * (i + 1) + units * 131 + window;
		campaign(d, units, window, troubles[i % 5]);
	}
}

TEST(one_device_on_tcp) { many(&modbus_tcp_driver, 1, 1); }
TEST(one_device_on_tcp_with_a_window) { many(&modbus_tcp_driver, 1, 8); }
TEST(a_gateway_on_tcp) { many(&modbus_tcp_driver, 5, 2); }
TEST(a_line) { many(&modbus_rtu_driver, 4, 1); }
TEST(a_tunnel) { many(&modbus_rtu_tcp_driver, 3, 1); }

TEST_MAIN
