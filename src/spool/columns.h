/*
 * The samples of a batch as columns: what is alike stands side by side, and what repeats costs nothing. The layout is
 * explained at the top of columns.c. Sans I/O; neither way allocates.
 */
#ifndef SPOOL_COLUMNS_H
#define SPOOL_COLUMNS_H

#include "base/bytes.h"
#include "model/sample.h"

/*
 * types: of the stream's tags (enum value_type), ntags of them, borrowed. base: the time that the batch is sealed at;
 * the same on the way back. ERR_RANGE: a tag beyond the schema, no such type, a text longer than VALUE_BYTES_MAX;
 * ERR_FULL: the writer has no room.
 */
int columns_encode(
    struct writer *w, const struct sample *v, size_t n, const uint8_t *types, uint32_t ntags, struct wall base);
/*
 * The reverse: exactly n samples from exactly len bytes, ERR_CORRUPT otherwise. Texts and arrays point into p.
 */
int columns_decode(
    const uint8_t *p, size_t len, struct sample *out, size_t n, const uint8_t *types, uint32_t ntags, struct wall base);

#endif
