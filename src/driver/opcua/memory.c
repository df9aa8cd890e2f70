/*
 * What open62541 holds for one server, counted and limited. The library allocates through pointers of its thread (UA_ENABLE_MALLOC_SINGLETON), and all
 * work for a server is done in its agent's thread; so a counter for each thread is a counter for each server. What is refused comes back
 * as BadOutOfMemory from the library, and the connection is dropped.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <open62541/config.h>

#include "driver/opcua/agent.h"

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
took(void *p)
{
	if (p != NULL && (mine->used += malloc_usable_size(p)) > mine->peak)
		mine->peak = mine->used;
	return p;
}

static void *
count_malloc(size_t size)
{
	return admit(size) ? took(malloc(size)) : NULL;
}

static void *
count_calloc(size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		return NULL;
	return admit(n * size) ? took(calloc(n, size)) : NULL;
}

static void
count_free(void *p)
{
	if (p == NULL)
		return;
	size_t size = malloc_usable_size(p);
	mine->used -= size < mine->used ? size : mine->used;
	free(p);
}

static void *
count_realloc(void *p, size_t size)
{
	size_t old = p != NULL ? malloc_usable_size(p) : 0;

	if (size > old && !admit(size - old))
		return NULL;
	void *q = realloc(p, size);
	if (q == NULL)
		return NULL;
	mine->used -= old < mine->used ? old : mine->used;
	return took(q);
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
	mine = NULL;
}
