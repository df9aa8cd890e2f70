/* See stored.h. */
#include "spool/stored.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "spool/columns.h"
#include "spool/format.h"

int
stored_init(struct stored *s)
{
	*s = (struct stored){ 0 };
	int err = chain_init(&s->chain);
	if (err == 0)
		err = unpacker_init(&s->unpacker);
	s->samples = calloc(SPOOL_BATCH_MAX, sizeof *s->samples);
	s->raw = malloc(SPOOL_BATCH_BYTES_MAX);
	return err == 0 && (s->samples == NULL || s->raw == NULL) ? ERR_NOMEM : err;
}

void
stored_fini(struct stored *s)
{
	chain_fini(&s->chain);
	unpacker_fini(&s->unpacker);
	free(s->samples);
	free(s->raw);
	*s = (struct stored){ 0 };
}

int
stored_take(struct stored *s, const uint8_t rec[120], const uint8_t *payload, size_t len, const struct schema_file *schema,
    const uint8_t *before, bool *chained, struct spool_batch *out)
{
	static uint8_t hash[SPOOL_HASH];
	struct rec_header h;
	uint8_t is[SPOOL_HASH];
	const uint8_t *p = payload;

	if (rec_header_get(rec, &h) != 0 || h.len != len || h.crc != crc32c(0, payload, len))
		return ERR_CORRUPT;
	*chained = false;
	if (before != NULL) {
		int err = chain_link(&s->chain, before, rec + REC_HASHED, REC_HASH - REC_HASHED, payload, len, is);
		if (err != 0)
			return err;
		*chained = memcmp(is, h.hash, SPOOL_HASH) == 0;
	}
	if ((h.flags & REC_ZSTD) != 0) {
		if (h.raw_len > SPOOL_BATCH_BYTES_MAX || unpack(&s->unpacker, payload, len, s->raw, h.raw_len) != 0)
			return ERR_CORRUPT;
		p = s->raw;
		len = h.raw_len;
	}
	if (columns_decode(p, len, s->samples, h.n, schema->types, schema->schema.n, h.sealed) != 0)
		return ERR_CORRUPT;
	memcpy(hash, h.hash, SPOOL_HASH);
	*out = (struct spool_batch){ .first = h.first, .n = h.n, .samples = s->samples, .sealed = h.sealed, .t_min = h.t_min, .t_max = h.t_max,
	    .hash = hash, .mark = h.mark, .rec = rec, .payload = payload, .payload_len = h.len };
	return 0;
}
