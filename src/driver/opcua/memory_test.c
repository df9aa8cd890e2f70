/* The pool of small blocks behind the library's allocation. Its blocks are malloc's equals: aligned, distinct, given back and counted. */
#include <stdlib.h>
#include <string.h>

#include <open62541/types.h>

#include "base/test.h"
#include "driver/opcua/agent.h"

static struct ua_memory m;

static void
begin(uint32_t ntags)
{
	m = (struct ua_memory){ .max = 64u << 20 };
	if (ntags > 0)
		ua_memory_pool(&m, ntags);
	ua_memory_enter(&m);
}

static bool
in_pool(const void *p)
{
	return (const uint8_t *)p >= m.pool.base && (const uint8_t *)p < m.pool.end;
}

TEST(small_blocks_are_of_the_pool_and_large_ones_are_not)
{
	begin(1);
	for (size_t size = 1; size <= 80; size++) {
		uint8_t *p = UA_malloc(size);
		CHECK(p != NULL && (uintptr_t)p % 16 == 0);
		CHECK_INT(in_pool(p), size <= 64);
		memset(p, 0xa5, size);
		UA_free(p);
	}
	CHECK_INT(m.used, 0);
	ua_memory_leave();
}

TEST(a_block_that_was_used_comes_back_and_calloc_clears_it)
{
	begin(1);
	uint8_t *p = UA_malloc(24);
	memset(p, 0xff, 24);
	UA_free(p);
	uint8_t *q = UA_calloc(3, 8);
	CHECK(q == p);
	for (int i = 0; i < 24; i++)
		CHECK_INT(q[i], 0);
	UA_free(q);
	ua_memory_leave();
}

TEST(blocks_do_not_overlap_and_all_are_had_when_the_pool_is_used_up)
{
	enum { N = 200000 };
	uint32_t **v = calloc(N, sizeof *v);
	bool outside = false;

	begin(1);
	for (uint32_t i = 0; i < N; i++) {
		v[i] = UA_malloc(4 + i % 40);
		*v[i] = i;
		outside |= !in_pool(v[i]);
	}
	CHECK(outside);
	for (uint32_t i = 0; i < N; i++) {
		CHECK_INT(*v[i], i);
		UA_free(v[i]);
	}
	CHECK_INT(m.used, 0);
	ua_memory_leave();
	free(v);
}

TEST(realloc_keeps_what_stands_in_a_block_on_its_way_out_of_the_pool)
{
	begin(1);
	char *p = UA_realloc(NULL, 10);
	CHECK(in_pool(p));
	memcpy(p, "flow meter", 10);
	p = UA_realloc(p, 60);
	CHECK(in_pool(p) && memcmp(p, "flow meter", 10) == 0);
	p = UA_realloc(p, 6000);
	CHECK(!in_pool(p) && memcmp(p, "flow meter", 10) == 0);
	p = UA_realloc(p, 9000);
	CHECK(memcmp(p, "flow meter", 10) == 0);
	UA_free(p);
	CHECK_INT(m.used, 0);
	ua_memory_leave();
}

TEST(the_limit_holds_for_small_blocks_too)
{
	begin(1);
	m.max = 100;
	void *p = UA_malloc(64);
	CHECK(p != NULL);
	CHECK(UA_malloc(60) == NULL);
	CHECK_INT(m.refused, 1);
	UA_free(p);
	ua_memory_leave();
}

TEST(what_was_allocated_before_the_pool_was_there_can_be_freed)
{
	void *p = UA_malloc(16);

	begin(1);
	CHECK(!in_pool(p));
	UA_free(p);
	ua_memory_leave();
}

TEST_MAIN
