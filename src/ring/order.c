/* See order.h. */
#include "ring/order.h"

#include <string.h>

static const char *
take_text(struct reader *r, struct arena *a, size_t max)
{
	char buf[REQUEST_TARGET_MAX + 1];
	size_t len = rd_text(r, buf, max);

	return arena_strndup(a, buf, r->err == 0 ? len : 0);
}

int
order_pack(struct writer *w, const struct order *o)
{
	uint64_t bits;

	memcpy(&bits, &o->tolerance, sizeof bits);
	wr_le64(w, o->id);
	wr_le64(w, (uint64_t)o->deadline.ns);
	wr_le64(w, o->source_key);
	wr_text(w, o->source);
	wr_text(w, o->tag);
	wr_text(w, o->readback_tag);
	wr_le64(w, bits);
	wr_le64(w, (uint64_t)o->within_ns);
	return request_pack(w, &o->ask);
}

int
order_unpack(const void *p, size_t len, struct arena *a, struct order *out)
{
	struct reader r = rd_init(p, len);

	*out = (struct order){ .id = rd_le64(&r) };
	out->deadline.ns = (int64_t)rd_le64(&r);
	out->source_key = rd_le64(&r);
	out->source = take_text(&r, a, REQUEST_TARGET_MAX);
	out->tag = take_text(&r, a, REQUEST_TARGET_MAX);
	out->readback_tag = take_text(&r, a, REQUEST_TARGET_MAX);
	uint64_t bits = rd_le64(&r);
	memcpy(&out->tolerance, &bits, sizeof bits);
	out->within_ns = (int64_t)rd_le64(&r);
	if (!(out->tolerance >= 0) || out->within_ns < 0 || out->within_ns > REQUEST_TTL_MAX_NS)
		rd_fail(&r, ERR_RANGE);
	request_unpack(&r, a, &out->ask);
	return rd_end(&r);
}
