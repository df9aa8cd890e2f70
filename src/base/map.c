/* See map.h: linear probing, grown at three quarters full. */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct map_slot {
	const char	*key;	/* NULL for number keys */
	size_t		 len;
	uint64_t	 hash;	/* the number itself, for number keys */
	void		*value;	/* NULL: slot is free */
};

uint64_t
hash64_more(uint64_t h, const void *p, size_t len)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * 0x100000001b3u;
	return h;
}

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 33;
}

uint64_t
hash64(const void *p, size_t len)
{
	return mix(hash64_more(0xcbf29ce484222325u, p, len));
}

static struct map_slot *
find(const struct map *m, const char *key, size_t len, uint64_t hash)
{
	/* Ends: at least a quarter of the slots is free. */
	for (size_t i = mix(hash) & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct map_slot *s = &m->slots[i];
		if (s->value == NULL)
			return s;
		if (s->hash != hash || s->len != len || (s->key == NULL) != (key == NULL))
			continue;
		if (key == NULL || memcmp(s->key, key, len) == 0)
			return s;
	}
}

static void
grow(struct map *m)
{
	struct map bigger = { .cap = m->cap ? m->cap * 2 : 16, .n = m->n };
	bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
	if (bigger.slots == NULL)
		fatal("out_of_memory", "map slots=%zu", bigger.cap);
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].value != NULL)
			*find(&bigger, m->slots[i].key, m->slots[i].len, m->slots[i].hash) = m->slots[i];
	free(m->slots);
	*m = bigger;
}

static void *
put(struct map *m, const char *key, size_t len, uint64_t hash, void *value)
{
	if (m->n * 4 >= m->cap * 3)
		grow(m);
	struct map_slot *s = find(m, key, len, hash);
	void *before = s->value;
	if (before == NULL) {
		m->n++;
		*s = (struct map_slot){ .key = key, .len = len, .hash = hash };
	}
	s->value = value;
	return before;
}

void *
map_put(struct map *m, const char *key, size_t len, void *value)
{
	return put(m, key, len, hash64(key, len), value);
}

void *
map_get(const struct map *m, const char *key, size_t len)
{
	return m->cap ? find(m, key, len, hash64(key, len))->value : NULL;
}

void *
map_put_u64(struct map *m, uint64_t key, void *value)
{
	return put(m, NULL, 0, key, value);
}

void *
map_get_u64(const struct map *m, uint64_t key)
{
	return m->cap ? find(m, NULL, 0, key)->value : NULL;
}

void
map_fini(struct map *m)
{
	free(m->slots);
	*m = (struct map){ 0 };
}
