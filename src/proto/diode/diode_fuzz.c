/*
 * Any bytes as what comes over a one-way link: a chunk is a byte of how, two bytes of length and so many bytes. They go to the parsers as they are, and,
 * given a good MAC, into a receiver: what only a broken sender could say must do no harm either.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/diode/diode_recv.h"
#include "proto/diode/diode_send.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static bool on_adopt(void *arg, uint64_t session) { (void)arg; return session % 5 != 0; }
static void on_lost(void *arg, uint64_t s, uint32_t st, uint64_t from, uint64_t to) { (void)arg; (void)s; (void)st; if (to < from) abort(); }
static void on_mismatch(void *arg, const struct diode_params *p) { (void)arg; (void)p; }
static void on_control(void *arg, uint64_t s, const struct diode_control *c, const bool settled[]) { (void)arg; (void)s; (void)c; (void)settled; }

static void
on_record(void *arg, uint64_t session, uint32_t stream, const struct diode_record *r)
{
	struct diode_schema s;
	uint8_t sum = 0;
	(void)arg;
	(void)session;
	(void)stream;

	for (size_t i = 0; i < r->len; i++)
		sum = (uint8_t)(sum + r->p[i]);
	*(volatile uint8_t *)&sum = sum;
	if (r->kind == DIODE_SCHEMA)
		(void)diode_schema_get(r->p, r->len, &s);
}

/* A datagram of ours around a symbol or a message: the head is made of the first bytes, so that most of what comes reaches the receiver. */
static void
wrap(struct diode_recv *r, struct diode_keys *keys, const struct diode_params *params, struct reader *in, struct mono now)
{
	static uint8_t d[DIODE_DATAGRAM_MAX];
	struct diode_head h = { .epoch = 1, .params = *params };
	uint8_t how = rd_u8(in);

	h.control = (how & 1) != 0;
	h.session = 1u + (how >> 1 & 3);
	h.serial = rd_u8(in);
	h.stream = h.control ? 0 : 1u + (how >> 3 & 1);
	h.block = h.control ? 0 : (how & 0x80) != 0 ? rd_le64(in) : rd_u8(in);
	h.used = (uint8_t)(h.control ? 0 : 1 + rd_u8(in) % params->k);
	h.symbol = (uint16_t)(h.control ? 0 : rd_u8(in) % (h.used + params->p));
	h.size = (uint16_t)(rd_left(in) < params->size ? rd_left(in) : params->size);
	if (in->err != 0 || h.size == 0)
		return;
	diode_head_put(&h, d);
	memcpy(d + DIODE_HEAD, in->p, h.size);
	if (diode_mac_put(keys, 1, d, DIODE_HEAD + h.size) == 0)
		diode_recv_datagram(r, d, DIODE_OVER + h.size, now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const char key[] = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	struct diode_params params = { .k = 4, .p = 2, .depth = 2, .size = 192 };
	struct diode_keys keys, other;
	char why[300];
	struct mono now = { NS_PER_S };
	struct reader r = rd_init(p, len);

	if (diode_keys_parse(key, sizeof key - 1, &keys, why, sizeof why) != 0)
		abort();
	struct diode_recv_conf c = { .params = params, .keys = &keys, .memory = 1u << 20, .hold_ns = NS_PER_S, .inversions_per_s = 100, .adopt = on_adopt,
	    .record = on_record, .lost = on_lost, .control = on_control, .mismatch = on_mismatch };
	struct diode_recv *d = diode_recv_new(&c);
	if (diode_keys_parse((const char *)p, len, &other, why, sizeof why) == 0)
		diode_keys_fini(&other);
	/* Ends: a chunk takes three bytes at least. */
	while (d != NULL && rd_left(&r) >= 3) {
		uint8_t how = rd_u8(&r);
		uint16_t want = rd_le16(&r);
		struct reader in = rd_sub(&r, want < rd_left(&r) ? want : rd_left(&r));
		now.ns += (how & 0x0f) * NS_PER_S / 20;
		if ((how & 0x10) != 0)
			diode_recv_datagram(d, in.p, rd_left(&in), now);
		else
			wrap(d, &keys, &params, &in, now);
		if ((how & 0x20) != 0)
			(void)diode_recv_tick(d, now);
		if (diode_recv_counts(d)->memory > c.memory)
			abort();
	}
	diode_recv_free(d);
	diode_keys_fini(&keys);
	return 0;
}
