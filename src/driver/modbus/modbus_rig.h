/*
 * For the tests of this folder: a host with a clock of its own that records all that the driver says, and a naive
 * device that answers requests from plain tables. The device shares no code with the driver.
 */
#ifndef DRIVER_MODBUS_RIG_H
#define DRIVER_MODBUS_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "driver/modbus/modbus.h"
#include "model/status.h"

#define RIG_TAGS	300
#define RIG_SOURCES	8
#define RIG_FRAMES	64

struct seen {			/* what was last said of a tag */
	uint32_t	status, n;
	struct value	v;
	uint8_t		bytes[2048];
	uint8_t		flags;
};

struct frame { uint8_t p[MB_ADU_MAX]; size_t len; };

struct device {			/* one unit */
	uint16_t	regs[2][65536];	/* input, holding */
	uint8_t		bits[2][65536];	/* coil, discrete */
	bool		dead;
	unsigned	bad_first, bad_last;	/* holding registers that do not exist */
	unsigned	bad2;			/* one more */
	unsigned	regs_max;	/* longest read; 0: 125 */
	uint8_t		too_long;	/* exception for a longer one */
	uint8_t		always;		/* this exception to all requests */
	uint8_t		no_fc;		/* a function it lacks */
	unsigned	requests;
};

struct rig {
	struct driver_host h;		/* first: host calls come back here */
	const struct driver *d;
	void		*ctx;
	struct source	 src[RIG_SOURCES];
	const struct source *list[RIG_SOURCES];
	struct link_sources sources;
	struct tag	 tags[RIG_SOURCES][RIG_TAGS];
	struct keyval	 keys[RIG_SOURCES][MB_KEYS_TUNNEL + 4];
	struct mono	 now;
	struct wall	 wall;
	struct seen	*seen[RIG_SOURCES];	/* RIG_TAGS each */
	struct frame	 sent[RIG_FRAMES];	/* not yet taken by a device */
	uint32_t	 nsent, total_sent;
	bool		 full;
	uint32_t	 done_scans[RIG_SOURCES], outcomes[RIG_SOURCES][4];
	uint32_t	 resets, traced;
	const char	*reset_why;
	uint32_t	 ops, op_id;
	int		 op_err;
	char		 op_why[200];
	struct device	*dev[256];	/* by unit */
};

static inline int
rig_send(struct driver_host *h, const void *p, size_t len)
{
	struct rig *r = (struct rig *)h;
	if (r->full)
		return ERR_FULL;
	if (r->nsent == RIG_FRAMES)
		test_fail(__FILE__, __LINE__, "more than %d frames unanswered", RIG_FRAMES);
	memcpy(r->sent[r->nsent].p, p, len);
	r->sent[r->nsent++].len = len;
	r->total_sent++;
	return 0;
}

static inline void
rig_sample(struct driver_host *h, uint32_t src, uint32_t tag, uint32_t status, const struct value *v,
    struct wall source_time, struct wall server_time, struct wall arrival, uint8_t flags)
{
	struct rig *r = (struct rig *)h;
	struct seen *s = &r->seen[src][tag];
	if (source_time.ns != 0 || server_time.ns != 0 || arrival.ns == 0)
		test_fail(__FILE__, __LINE__, "a time was invented or is missing");
	if ((v->type == VALUE_NULL) != status_is_bad(status))
		test_fail(__FILE__, __LINE__, "status %08x with a value of type %u", status, v->type);
	s->status = status;
	s->v = *v;
	s->n++;
	s->flags = flags;
	if (value_has_bytes(v->type)) {
		memcpy(s->bytes, v->p, v->len);
		s->v.p = s->bytes;
	}
}

static inline void
rig_scan_done(struct driver_host *h, uint32_t src, uint32_t class)
{
	(void)class;
	((struct rig *)h)->done_scans[src]++;
}

static inline void
rig_outcome(struct driver_host *h, uint32_t src, enum outcome o, int64_t rtt_ns, int64_t busy_ns)
{
	struct rig *r = (struct rig *)h;
	r->outcomes[src][o]++;
	if (busy_ns < 0 || rtt_ns < 0)
		test_fail(__FILE__, __LINE__, "negative time");
}

static inline void
rig_frame(struct driver_host *h, uint32_t src, bool out, const void *p, size_t len, const char *note)
{
	(void)src; (void)out; (void)p; (void)len; (void)note;
	((struct rig *)h)->traced++;
}

static inline void
rig_done(struct driver_host *h, uint32_t id, int err, const char *why)
{
	struct rig *r = (struct rig *)h;
	r->ops++;
	r->op_id = id;
	r->op_err = err;
	snprintf(r->op_why, sizeof r->op_why, "%s", why);
}

static inline void
rig_reset(struct driver_host *h, const char *why)
{
	struct rig *r = (struct rig *)h;
	r->resets++;
	r->reset_why = why;
}

static inline void
rig_key(struct rig *r, uint32_t src, int key, int64_t v)
{
	r->keys[src][key] = (struct keyval){ .set = true, .written = true, .i = v, .b = v != 0 };
}

/* A rig of n sources with units 1, 2, ...; tags come next, then rig_open. Free with rig_close. */
static inline struct rig *
rig_new(const struct driver *d, uint32_t n)
{
	struct rig *r = calloc(1, sizeof *r);
	r->h = (struct driver_host){ .send = rig_send,
		.sample = rig_sample,
		.scan_done = rig_scan_done,
		.outcome = rig_outcome,
		.frame = rig_frame,
		.done = rig_done,
		.reset = rig_reset };
	r->d = d;
	r->now.ns = 1000 * NS_PER_S;
	r->wall.ns = 1700000000 * NS_PER_S;
	for (uint32_t i = 0; i < n; i++) {
		r->seen[i] = calloc(RIG_TAGS, sizeof *r->seen[i]);
		r->src[i] = (struct source){ .name = "s",
			.endpoint = "127.0.0.1:502",
			.link = "127.0.0.1:502",
			.keys = r->keys[i],
			.tags = r->tags[i],
			.nscans = 1,
			.scans_ns = { 100 * NS_PER_MS } };
		r->list[i] = &r->src[i];
		rig_key(r, i, MB_KEY_UNIT, i + 1);
	}
	r->sources = (struct link_sources){ .v = r->list, .n = n };
	return r;
}

/* Add a tag of the address's own type to a source, and return it for changes. */
static inline struct tag *
rig_tag(struct rig *r, uint32_t src, const char *at)
{
	struct source *s = &r->src[src];
	struct tag *t = &r->tags[src][s->ntags];
	struct at_info info;
	char why[300];
	if (r->d->info.parse_at(at, r->keys[src], &info, why, sizeof why) != 0)
		test_fail(__FILE__, __LINE__, "%s: %s", at, why);
	*t = (struct tag){ .path = "p", .at = strdup(at), .type = info.type, .scan_ns = 100 * NS_PER_MS, .factor = 1,
	    .index = s->ntags,
	    .writable = info.writable };
	s->ntags++;
	return t;
}

static inline void
rig_open(struct rig *r)
{
	size_t size = r->d->size(&r->sources);
	r->ctx = calloc(1, size);
	CHECK_INT(r->d->open(r->ctx, &r->sources, &r->h), 0);
	r->d->up(r->ctx, r->now, r->wall);
}

static inline void
rig_close(struct rig *r)
{
	r->d->close(r->ctx);
	free(r->ctx);
	for (uint32_t i = 0; i < r->sources.n; i++) {
		for (uint32_t t = 0; t < r->src[i].ntags; t++)
			free((void *)(uintptr_t)r->tags[i][t].at);
		free(r->seen[i]);
	}
	for (int i = 0; i < 256; i++)
		free(r->dev[i]);
	free(r);
}

static inline struct device *
rig_device(struct rig *r, int unit)
{
	r->dev[unit] = calloc(1, sizeof *r->dev[unit]);
	r->dev[unit]->bad_first = r->dev[unit]->bad2 = 0x1000000;
	return r->dev[unit];
}

/* Move the clock, calling tick whenever the driver has asked for it. */
static inline void
rig_pass(struct rig *r, int64_t ns)
{
	struct mono end = mono_add(r->now, ns);
	for (int guard = 0;; guard++) {
		struct mono next = r->d->next(r->ctx);
		if (mono_before(end, next))
			break;
		if (guard > 100000)
			test_fail(__FILE__, __LINE__, "the driver asks for a tick without end");
		if (mono_before(r->now, next)) {
			r->wall.ns += mono_diff(next, r->now);
			r->now = next;
		}
		r->d->tick(r->ctx, r->now, r->wall);
	}
	r->wall.ns += mono_diff(end, r->now);
	r->now = end;
}

static inline void
rig_input(struct rig *r, const void *p, size_t len)
{
	r->d->input(r->ctx, p, len, r->now, r->wall);
}

static inline bool
rig_tcp(const struct rig *r)
{
	return r->d == &modbus_tcp_driver;
}

/* CRC bit by bit, as the serial line specification words it. */
static inline uint16_t
rig_crc(const uint8_t *p, size_t len)
{
	unsigned crc = 0xFFFF;
	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
	}
	return (uint16_t)crc;
}

/* What the device says to a request PDU; returns the length of the reply PDU. */
static inline size_t
device_pdu(struct device *d, const uint8_t *q, size_t qlen, uint8_t *a)
{
	unsigned fc = q[0], first = (unsigned)q[1] << 8 | q[2], n = (unsigned)q[3] << 8 | q[4], ex = d->always;
	unsigned max = d->regs_max ? d->regs_max : 125;

	d->requests++;
	a[0] = (uint8_t)fc;
	if (fc == d->no_fc)
		ex = 1;
	if (ex == 0 && (fc == 3 || fc == 4)) {
		if (n > max)
			ex = d->too_long ? d->too_long : 3;
		else if (first + n > 65536)
			ex = 2;
		for (unsigned i = first; fc == 3 && ex == 0 && i < first + n; i++)
			if ((i >= d->bad_first && i <= d->bad_last) || i == d->bad2)
				ex = 2;
		a[1] = (uint8_t)(2 * n);
		for (unsigned i = 0; ex == 0 && i < n; i++) {
			a[2 + 2 * i] = (uint8_t)(d->regs[fc == 3][first + i] >> 8);
			a[3 + 2 * i] = (uint8_t)d->regs[fc == 3][first + i];
		}
		if (ex == 0)
			return 2 + 2 * n;
	} else if (ex == 0 && (fc == 1 || fc == 2)) {
		a[1] = (uint8_t)((n + 7) / 8);
		memset(a + 2, 0, a[1]);
		for (unsigned i = 0; i < n; i++)
			a[2 + i / 8] |= (uint8_t)(d->bits[fc == 2][first + i] << i % 8);
		return 2u + a[1];
	} else if (ex == 0 && fc == 5) {
		d->bits[0][first] = n == 0xFF00;
	} else if (ex == 0 && fc == 6) {
		d->regs[1][first] = (uint16_t)n;
	} else if (ex == 0 && fc == 15) {
		for (unsigned i = 0; i < n; i++)
			d->bits[0][first + i] = q[6 + i / 8] >> i % 8 & 1;
	} else if (ex == 0 && fc == 16) {
		for (unsigned i = 0; i < n; i++)
			d->regs[1][first + i] = (uint16_t)(q[6 + 2 * i] << 8 | q[7 + 2 * i]);
	} else if (ex == 0 && fc == 22) {
		unsigned or_mask = (unsigned)q[5] << 8 | q[6];
		d->regs[1][first] = (uint16_t)((d->regs[1][first] & n) | (or_mask & ~n));
		memcpy(a, q, 7);
		return 7;
	} else if (ex == 0)
		ex = 1;
	if (ex != 0) {
		a[0] = (uint8_t)(fc | 0x80);
		a[1] = (uint8_t)ex;
		return 2;
	}
	memcpy(a, q, 5);
	(void)qlen;
	return 5;
}

/* The device's whole frame in answer to f; 0: it says nothing. */
static inline size_t
rig_reply(struct rig *r, const struct frame *f, uint8_t *out)
{
	bool tcp = rig_tcp(r);
	struct device *d = r->dev[f->p[tcp ? 6 : 0]];
	size_t head = tcp ? 7 : 1;

	if (!tcp && rig_crc(f->p, f->len) != 0)
		test_fail(__FILE__, __LINE__, "a request with a bad CRC was sent");
	if (d == NULL || d->dead)
		return 0;
	size_t n = device_pdu(d, f->p + head, f->len - head - (tcp ? 0 : 2), out + head);
	memcpy(out, f->p, head);
	if (tcp) {
		out[4] = (uint8_t)((n + 1) >> 8);
		out[5] = (uint8_t)(n + 1);
		return head + n;
	}
	uint16_t crc = rig_crc(out, head + n);
	out[head + n] = (uint8_t)crc;
	out[head + n + 1] = (uint8_t)(crc >> 8);
	return head + n + 2;
}

static inline struct frame
rig_take(struct rig *r)
{
	if (r->nsent == 0)
		test_fail(__FILE__, __LINE__, "nothing was sent");
	struct frame f = r->sent[0];
	memmove(r->sent, r->sent + 1, --r->nsent * sizeof r->sent[0]);
	return f;
}

/* Let the devices answer everything, 1 ms each, and dead ones time out, until the driver has nothing more to say. */
static inline void
rig_run(struct rig *r)
{
	uint8_t reply[MB_ADU_MAX + 8];
	for (int guard = 0; guard < 5000; guard++) {
		if (r->nsent > 0) {
			struct frame f = rig_take(r);
			size_t len = rig_reply(r, &f, reply);
			rig_pass(r, NS_PER_MS);
			if (len > 0)
				rig_input(r, reply, len);
			continue;
		}
		struct mono next = r->d->next(r->ctx);
		if (next.ns == INT64_MAX)
			return;
		rig_pass(r, mono_before(r->now, next) ? mono_diff(next, r->now) : 0);
	}
	test_fail(__FILE__, __LINE__, "the scan does not end");
}

static inline void
rig_scan(struct rig *r, uint32_t src)
{
	uint32_t before = r->done_scans[src];
	CHECK_INT(r->d->scan(r->ctx, src, 0, false, r->now, r->wall), 0);
	rig_run(r);
	CHECK_INT(r->done_scans[src], before + 1);
}

/* n tags holding first, first + 1, ... with the value of their address. */
static inline void
run_of_tags(struct rig *r, uint32_t src, int first, int n)
{
	char at[32];
	for (int i = first; i < first + n; i++) {
		snprintf(at, sizeof at, "holding %d", i);
		rig_tag(r, src, at);
		r->dev[src + 1]->regs[1][i] = (uint16_t)i;
	}
}

/* Each tag of a source had so many samples and holds the value of its address. */
static inline void
all_good(struct rig *r, uint32_t src, uint32_t scans)
{
	for (uint32_t i = 0; i < r->src[src].ntags; i++) {
		const struct seen *s = &r->seen[src][i];
		if (s->n != scans || s->status != STATUS_Good ||
		    s->v.u != strtoul(r->src[src].tags[i].at + 8, NULL, 10))
			test_fail(__FILE__, __LINE__, "%s: %u samples, status %08x, value %llu", r->src[src].tags[i].at,
			    s->n, s->status, (unsigned long long)s->v.u);
	}
}

#endif
