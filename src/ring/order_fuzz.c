/*
 * Any bytes as a message of the way back, from a process that was taken over: first byte even: an order, else a
 * result. Whatever is read can be written, and what was written reads as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "ring/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t	once[1 << 20], twice[1 << 20];

static void
order(const uint8_t *p, size_t len)
{
	struct arena a = { 0 };
	struct order o;
	struct writer w = wr_init(once, sizeof once), v = wr_init(twice, sizeof twice);

	if (order_unpack(p, len, &a, &o) == 0) {
		if (order_pack(&w, &o) != 0 || order_unpack(once, wr_len(&w), &a, &o) != 0 || order_pack(&v, &o) != 0 ||
		    wr_len(&v) != wr_len(&w) || memcmp(once, twice, wr_len(&w)) != 0)
			abort();
	}
	arena_fini(&a);
}

static void
result(const uint8_t *p, size_t len)
{
	struct arena a = { 0 };
	struct request_result res;
	struct reader r = rd_init(p, len);
	struct writer w = wr_init(once, sizeof once), v = wr_init(twice, sizeof twice);

	request_result_unpack(&r, &a, &res);
	if (rd_end(&r) == 0) {
		struct reader again;
		if (request_result_pack(&w, &res) != 0)
			abort();
		again = rd_init(once, wr_len(&w));
		if (request_result_unpack(&again, &a, &res) != 0 || request_result_pack(&v, &res) != 0 ||
		    wr_len(&v) != wr_len(&w) || memcmp(once, twice, wr_len(&w)) != 0)
			abort();
	}
	arena_fini(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > 70000)
		return 0;
	if ((data[0] & 1) == 0)
		order(data + 1, size - 1);
	else
		result(data + 1, size - 1);
	return 0;
}
