/*
 * The memory of keys: who asked with which key, for what, and what became of it. The newest REQUESTS_KEYS are known; a
 * lookup compares them all, which takes less than the sync of one entry of the log.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gate/request_int.h"

void
keys_digest(struct requests *r, const struct request *q, uint8_t key[DIGEST], uint8_t digest[DIGEST])
{
	static uint8_t bytes[REQUEST_BYTES_MAX];
	uint8_t hash[AUDIT_HASH];
	struct writer w = wr_init(bytes, sizeof bytes);
	/* What was asked, without who, why and until when. */
	struct request what = { .kind = q->kind, .target = q->target, .method = q->method, .event = q->event,
	    .args = q->args,
	    .nargs = q->nargs, .from = "", .user = "", .key = "", .note = "" };

	request_pack(&w, &what);
	if (chain_link(&r->chain, NULL, bytes, wr_len(&w), NULL, 0, hash) != 0)
		fatal("no_sha256", "what=\"request\"");
	memcpy(digest, hash, DIGEST);
	w = wr_init(bytes, sizeof bytes);
	wr_text(&w, q->from);
	wr_text(&w, q->user);
	wr_text(&w, q->key);
	if (chain_link(&r->chain, NULL, bytes, wr_len(&w), NULL, 0, hash) != 0)
		fatal("no_sha256", "what=\"key\"");
	memcpy(key, hash, DIGEST);
}

struct known_key *
keys_find(struct requests *r, const uint8_t key[DIGEST])
{
	for (uint32_t i = 0; i < r->nkeys; i++)
		if (memcmp(r->keys[i].key, key, DIGEST) == 0)
			return &r->keys[i];
	return NULL;
}

void
keys_put(struct requests *r, const uint8_t key[DIGEST], const uint8_t digest[DIGEST], uint64_t id,
    enum request_state state)
{
	struct known_key *k = keys_find(r, key);

	if (k == NULL) {
		k = &r->keys[r->key_at];
		r->key_at = (r->key_at + 1) % REQUESTS_KEYS;
		r->nkeys += r->nkeys < REQUESTS_KEYS;
		memcpy(k->key, key, DIGEST);
	}
	memcpy(k->digest, digest, DIGEST);
	k->id = id;
	k->state = (uint8_t)state;
}
