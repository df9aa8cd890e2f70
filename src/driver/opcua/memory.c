/*
 * What open62541 holds for one server, counted and limited. The library allocates through pointers of its thread (UA_ENABLE_MALLOC_SINGLETON), and all
 * work for a server is done in its agent's thread; so a counter for each thread is a counter for each server. What is refused comes back
 * as BadOutOfMemory from the library, and the connection is dropped.
 */
#include <malloc.h>
#include <sanitizer/asan_interface.h>	/* its macros are nothing without the sanitizer */
#include <stdlib.h>
#include <string.h>

#include <open62541/config.h>

#include "driver/opcua/agent.h"

#define POOL_STEPS		(1u << 16)	/* what messages on their way take, of 16 bytes each */
#define POOL_STEPS_A_TAG	8u		/* what stays of a tag: names, node ids */

static _Thread_local struct ua_memory *mine;

static bool
admit(size_t size)
{
	if (size <= mine->max && mine->used <= mine->max - size)
		return true;
	mine->refused++;
	return false;
}

static void *
took(void *p, size_t size)
{
	if (p != NULL && (mine->used += size) > mine->peak)
		mine->peak = mine->used;
	return p;
}

/* Steps of the pool that a request takes; 0: it is none of the pool's. */
static size_t
steps_of(size_t size)
{
	return size <= UA_POOL_SIZES * UA_POOL_STEP && mine->pool.base != NULL ? (size + UA_POOL_STEP - 1) / UA_POOL_STEP : 0;
}

static bool
is_pooled(const void *p)
{
	return (uintptr_t)p - (uintptr_t)mine->pool.base < (uintptr_t)mine->pool.end - (uintptr_t)mine->pool.base;
}

static size_t
pooled_size(const void *p)
{
	return mine->pool.size16[(size_t)((const uint8_t *)p - mine->pool.base) / UA_POOL_STEP] * UA_POOL_STEP;
}

/* A spare block is poisoned, and one in use beyond the size asked for: the sanitizer sees what it would see of malloc's. */
static void *
pool_get(size_t steps, size_t size)
{
	struct ua_pool *o = &mine->pool;
	struct ua_block *b = o->spare[steps];

	if (b != NULL) {
		ASAN_UNPOISON_MEMORY_REGION(b, size > sizeof *b ? size : sizeof *b);
		o->spare[steps] = b->next;
		if (size < sizeof *b) {
			ASAN_POISON_MEMORY_REGION(b, sizeof *b);
			ASAN_UNPOISON_MEMORY_REGION(b, size);
		}
	} else if ((size_t)(o->end - o->fresh) >= steps * UA_POOL_STEP) {
		b = (struct ua_block *)(void *)o->fresh;
		o->size16[(size_t)(o->fresh - o->base) / UA_POOL_STEP] = (uint8_t)steps;
		o->fresh += steps * UA_POOL_STEP;
		ASAN_UNPOISON_MEMORY_REGION(b, size);
	}
	return b;
}

static void *
count_malloc(size_t size)
{
	size_t steps = steps_of(size);
	void *p;

	if (!admit(size))
		return NULL;
	if (steps > 0 && (p = pool_get(steps, size)) != NULL)
		return took(p, steps * UA_POOL_STEP);
	p = malloc(size);
	return took(p, malloc_usable_size(p));
}

static void *
count_calloc(size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		return NULL;
	size_t steps = steps_of(n * size);
	void *p;
	if (!admit(n * size))
		return NULL;
	if (steps > 0 && (p = pool_get(steps, n * size)) != NULL) {
		memset(p, 0, n * size);
		return took(p, steps * UA_POOL_STEP);
	}
	p = calloc(n, size);
	return took(p, malloc_usable_size(p));
}

static void
gave(size_t size)
{
	mine->used -= size < mine->used ? size : mine->used;
}

static void
count_free(void *p)
{
	if (p == NULL)
		return;
	if (!is_pooled(p)) {
		gave(malloc_usable_size(p));
		free(p);
		return;
	}
	size_t size = pooled_size(p);
	struct ua_block *b = p;
	ASAN_UNPOISON_MEMORY_REGION(b, sizeof *b);
	b->next = mine->pool.spare[size / UA_POOL_STEP];
	ASAN_POISON_MEMORY_REGION(b, size);
	mine->pool.spare[size / UA_POOL_STEP] = b;
	gave(size);
}

static void *
count_realloc(void *p, size_t size)
{
	bool pooled = p != NULL && is_pooled(p);
	size_t old = p == NULL ? 0 : pooled ? pooled_size(p) : malloc_usable_size(p);
	void *q;

	if (pooled || (p == NULL && steps_of(size) > 0)) {
		if ((q = count_malloc(size)) != NULL && p != NULL) {
			ASAN_UNPOISON_MEMORY_REGION(p, old);	/* how much of it was asked for is not known here */
			memcpy(q, p, old < size ? old : size);
			count_free(p);
		}
		return q;
	}
	if (size > old && !admit(size - old))
		return NULL;
	if ((q = realloc(p, size)) == NULL)
		return NULL;
	gave(old);
	return took(q, malloc_usable_size(q));
}

void
ua_memory_pool(struct ua_memory *m, uint32_t ntags)
{
	size_t steps = POOL_STEPS + (size_t)ntags * POOL_STEPS_A_TAG;

	/* Pages that are not used cost nothing. */
	uint8_t *p = aligned_alloc(UA_POOL_STEP, (steps * UA_POOL_STEP + steps + 15) / 16 * 16);
	if (p == NULL)
		return;
	ASAN_POISON_MEMORY_REGION(p, steps * UA_POOL_STEP);
	m->pool = (struct ua_pool){ .base = p, .fresh = p, .end = p + steps * UA_POOL_STEP, .size16 = p + steps * UA_POOL_STEP };
}

void
ua_memory_enter(struct ua_memory *m)
{
	mine = m;
	UA_mallocSingleton = count_malloc;
	UA_callocSingleton = count_calloc;
	UA_reallocSingleton = count_realloc;
	UA_freeSingleton = count_free;
}

void
ua_memory_leave(void)
{
	UA_mallocSingleton = malloc;
	UA_callocSingleton = calloc;
	UA_reallocSingleton = realloc;
	UA_freeSingleton = free;
	ASAN_UNPOISON_MEMORY_REGION(mine->pool.base, (size_t)(mine->pool.end - mine->pool.base));
	free(mine->pool.base);
	mine->pool = (struct ua_pool){ 0 };
	mine = NULL;
}
