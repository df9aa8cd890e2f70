/* See sample.h. The writer of a ring may be a process that has been taken over: nothing in it is believed. */
#include "model/sample.h"

#include <string.h>

static int
check_value(struct value *v, const uint8_t *blob, size_t blob_len)
{
	if (!value_type_valid(v->type))
		return ERR_PROTO;
	if (!value_has_bytes(v->type)) {
		v->len = 0;
		if (v->type == VALUE_BOOL)	/* a bool that is neither 0 nor 1 must not exist in C */
			v->b = v->u != 0;
		return 0;
	}
	if (v->len > VALUE_BYTES_MAX)
		return ERR_LIMIT;
	if (v->u > blob_len || v->len > blob_len - v->u)
		return ERR_PROTO;
	size_t size = value_size(v->type);
	if ((v->type & VALUE_ARRAY) != 0 && v->len % size != 0)
		return ERR_PROTO;
	v->p = blob + v->u;
	return 0;
}

int
batch_parse(void *p, size_t len, struct batch *out)
{
	if (len < sizeof out->head)
		return ERR_SHORT;
	memcpy(&out->head, p, sizeof out->head);
	if (out->head.n > BATCH_SAMPLES_MAX || out->head.blob_len > BATCH_BYTES_MAX)
		return ERR_LIMIT;
	size_t want = batch_size(out->head.n, out->head.blob_len);
	if (len != want)
		return len < want ? ERR_SHORT : ERR_LONG;
	out->samples = (struct sample *)(void *)((uint8_t *)p + sizeof out->head);
	const uint8_t *blob = (const uint8_t *)(out->samples + out->head.n);
	for (uint32_t i = 0; i < out->head.n; i++) {
		int err = check_value(&out->samples[i].v, blob, out->head.blob_len);
		if (err != 0)
			return err;
	}
	return 0;
}
