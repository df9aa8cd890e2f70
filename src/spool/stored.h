/*
 * A batch as it is stored (doc/spool-format.md), away from its file: checked against its checksum and the hash of the batch before it, and taken
 * apart. For a node that gets another node's batches as they are.
 */
#ifndef SPOOL_STORED_H
#define SPOOL_STORED_H

#include "spool/pack.h"
#include "spool/schema.h"

struct stored {
	struct chain	 chain;
	struct unpacker	 unpacker;
	struct sample	*samples;	/* [SPOOL_BATCH_MAX] */
	uint8_t		*raw;		/* [SPOOL_BATCH_BYTES_MAX] */
};

int stored_init(struct stored *s);	/* ERR_NOMEM; then stored_fini() is still allowed */
void stored_fini(struct stored *s);
/*
 * rec      120 bytes of header
 * before   hash of the batch before, NULL: not known, then the chain is not looked at
 * chained  true: the batch's hash is what its bytes and `before` make
 * out      as spool_next() gives it; borrowed until the next call
 * 0; ERR_CORRUPT: this is no undamaged batch of this schema.
 */
int stored_take(struct stored *s, const uint8_t rec[120], const uint8_t *payload, size_t len, const struct schema_file *schema,
    const uint8_t *before, bool *chained, struct spool_batch *out);

#endif
