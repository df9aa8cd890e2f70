/* See mem.h. The library's four functions are pointers of the thread (its build option MALLOC_SINGLETON). */
#include "sink/opcua_server/mem.h"

#include <malloc.h>
#include <open62541/types.h>
#include <stdlib.h>

static _Thread_local uint64_t used, most, reserve, refused;

static void
count(const void *p)
{
	if (p != NULL)
		used += malloc_usable_size((void *)(uintptr_t)p);
}

static void
uncount(const void *p)
{
	size_t n = p != NULL ? malloc_usable_size((void *)(uintptr_t)p) : 0;
	used -= n < used ? n : used;	/* what another thread made was not counted */
}

static bool
too_much(size_t n)
{
	if (n <= most + reserve && used <= most + reserve - n)
		return false;
	refused++;
	return true;
}

static void *
counted_malloc(size_t n)
{
	void *p = too_much(n) ? NULL : malloc(n);
	count(p);
	return p;
}

static void *
counted_calloc(size_t n, size_t size)
{
	size_t all;
	void *p = __builtin_mul_overflow(n, size, &all) || too_much(all) ? NULL : calloc(n, size);
	count(p);
	return p;
}

static void *
counted_realloc(void *old, size_t n)
{
	if (too_much(n))
		return NULL;
	size_t before = old != NULL ? malloc_usable_size(old) : 0;
	void *p = realloc(old, n);
	if (p != NULL || n == 0) {
		used -= before < used ? before : used;
		count(p);
	}
	return p;
}

static void
counted_free(void *p)
{
	uncount(p);
	free(p);
}

void
uas_mem_begin(uint64_t max)
{
	used = refused = 0;
	most = max;
	UA_mallocSingleton = counted_malloc;
	UA_callocSingleton = counted_calloc;
	UA_reallocSingleton = counted_realloc;
	UA_freeSingleton = counted_free;
}

void uas_mem_reserve(uint64_t bytes) { reserve = bytes; }
bool uas_mem_over(void) { return used > most; }
uint64_t uas_mem_used(void) { return used; }
uint64_t uas_mem_refused(void) { return refused; }
