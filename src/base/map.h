/*
 * Open-addressing map from text or from a 64-bit number to a pointer. Keys of text are borrowed and must outlive the
 * map. No removal: maps here are built from a plan and die with it. A zeroed struct is an empty map.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
	struct map_slot	*slots;
	size_t		 n, cap;	/* entries held; slots, a power of two or 0 */
};

/* Add or replace. Returns the value that was there before, NULL if none. value must not be NULL. */
void *map_put(struct map *m, const char *key, size_t len, void *value);
void *map_get(const struct map *m, const char *key, size_t len);
void *map_put_u64(struct map *m, uint64_t key, void *value);
void *map_get_u64(const struct map *m, uint64_t key);
void map_fini(struct map *m);

/* FNV-1a with a final mix; stable across runs and machines, so it may be stored. */
uint64_t hash64(const void *p, size_t len);
/* Continue a hash (pass the result of the call before). */
uint64_t hash64_more(uint64_t h, const void *p, size_t len);

#endif
