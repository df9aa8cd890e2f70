/* See sample.h. The writer of a ring may be a process that has been taken over: nothing in it is believed. */
#include "model/sample.h"

#include <string.h>

/* Where the columns of a batch stand; each NULL if it is left out. */
struct columns {
	const uint8_t	*types, *flags;
	const uint32_t	*tags, *status;
	const uint64_t	*values;
	const int64_t	*source, *server, *arrival;
	const uint8_t	*blob;
	size_t		 len;		/* of the whole, head included */
};

static struct columns
columns_of(const struct batch_head *h, const void *p)
{
	const uint8_t *b = (const uint8_t *)p + sizeof *h;
	size_t n = h->n;
	struct columns c = { .types = b, .flags = b + n };

	b += (2 * n + 7) / 8 * 8;
	c.tags = (const uint32_t *)(const void *)b;
	c.status = c.tags + n;
	c.values = (const uint64_t *)(const void *)(c.status + n);
	const int64_t *times = (const int64_t *)(const void *)(c.values + n);
	if (h->times & BATCH_SOURCE_TIMES) {
		c.source = times;
		times += n;
	}
	if (h->times & BATCH_SERVER_TIMES) {
		c.server = times;
		times += n;
	}
	if (h->times & BATCH_ARRIVAL_TIMES) {
		c.arrival = times;
		times += n;
	}
	c.blob = (const uint8_t *)times;
	c.len = (size_t)(c.blob - (const uint8_t *)p) + h->blob_len;
	return c;
}

/* The bits of a scalar, whatever its width: equal values have equal bits, unused ones are zero. */
static uint64_t
bits_of(const struct value *v)
{
	uint32_t f;

	if (v->type == VALUE_BOOL)
		return v->b;
	if (v->type != VALUE_F32)
		return v->u;
	memcpy(&f, &v->f32, sizeof f);
	return f;
}

size_t
batch_pack(const struct batch_head *head, const struct sample *v, const void *blob, void *to)
{
	struct batch_head h = *head;

	h.times = 0;
	h.arrival_ns = h.n > 0 ? v[0].arrival.ns : 0;
	for (uint32_t i = 0; i < h.n; i++)
		h.times |= (v[i].source.ns != 0 ? BATCH_SOURCE_TIMES : 0u) | (v[i].server.ns != 0 ? BATCH_SERVER_TIMES : 0u) |
		    (v[i].arrival.ns != h.arrival_ns ? BATCH_ARRIVAL_TIMES : 0u);
	memcpy(to, &h, sizeof h);
	struct columns c = columns_of(&h, to);
	uint8_t *types = (uint8_t *)(uintptr_t)c.types, *flags = (uint8_t *)(uintptr_t)c.flags;
	uint32_t *tags = (uint32_t *)(uintptr_t)c.tags, *status = (uint32_t *)(uintptr_t)c.status;
	uint64_t *values = (uint64_t *)(uintptr_t)c.values;
	int64_t *source = (int64_t *)(uintptr_t)c.source, *server = (int64_t *)(uintptr_t)c.server,
	    *arrival = (int64_t *)(uintptr_t)c.arrival;
	memset(types + 2 * (size_t)h.n, 0, (8 - 2 * (size_t)h.n % 8) % 8);
	for (uint32_t i = 0; i < h.n; i++) {
		types[i] = v[i].v.type;
		flags[i] = v[i].flags;
		tags[i] = v[i].tag;
		status[i] = v[i].status;
		values[i] = value_has_bytes(v[i].v.type) ? (v[i].v.u & UINT32_MAX) | (uint64_t)v[i].v.len << 32 : bits_of(&v[i].v);
		if (source != NULL)
			source[i] = v[i].source.ns;
		if (server != NULL)
			server[i] = v[i].server.ns;
		if (arrival != NULL)
			arrival[i] = v[i].arrival.ns;
	}
	if (h.blob_len > 0)
		memcpy((uint8_t *)(uintptr_t)c.blob, blob, h.blob_len);
	return c.len;
}

static int
take_value(struct value *v, uint64_t bits, const uint8_t *blob, size_t blob_len)
{
	if (!value_type_valid(v->type))
		return ERR_PROTO;
	if (!value_has_bytes(v->type)) {
		if (v->type == VALUE_BOOL)	/* a bool that is neither 0 nor 1 must not exist in C */
			v->b = bits != 0;
		else if (v->type == VALUE_F32) {
			uint32_t f = (uint32_t)bits;
			memcpy(&v->f32, &f, sizeof f);
		} else
			v->u = bits;
		return 0;
	}
	uint32_t at = (uint32_t)bits, len = (uint32_t)(bits >> 32);
	if (len > VALUE_BYTES_MAX)
		return ERR_LIMIT;
	if (at > blob_len || len > blob_len - at || ((v->type & VALUE_ARRAY) != 0 && len % value_size(v->type) != 0))
		return ERR_PROTO;
	v->len = len;
	v->p = blob + at;
	return 0;
}

int
batch_parse(const void *p, size_t len, struct sample *room, struct batch *out)
{
	if (len < sizeof out->head)
		return ERR_SHORT;
	memcpy(&out->head, p, sizeof out->head);
	const struct batch_head *h = &out->head;
	if (h->n > BATCH_SAMPLES_MAX || h->blob_len > BATCH_BYTES_MAX)
		return ERR_LIMIT;
	if (h->times > BATCH_TIMES_ALL)
		return ERR_PROTO;
	struct columns c = columns_of(h, p);
	if (len != c.len)
		return len < c.len ? ERR_SHORT : ERR_LONG;
	for (uint32_t i = 0; i < h->n; i++) {
		room[i] = (struct sample){ .tag = c.tags[i], .status = c.status[i], .flags = c.flags[i], .v.type = c.types[i],
		    .source.ns = c.source != NULL ? c.source[i] : 0, .server.ns = c.server != NULL ? c.server[i] : 0,
		    .arrival.ns = c.arrival != NULL ? c.arrival[i] : h->arrival_ns };
		int err = take_value(&room[i].v, c.values[i], c.blob, h->blob_len);
		if (err != 0)
			return err;
	}
	out->samples = room;
	return 0;
}
