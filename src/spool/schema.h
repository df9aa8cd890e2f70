/*
 * The schema file of a stream: what its tags are. Written once, when the stream is made; layout in doc/spool-format.md.
 */
#ifndef SPOOL_SCHEMA_H
#define SPOOL_SCHEMA_H

#include "base/arena.h"
#include "spool/chain.h"

#define SCHEMA_TEXT_MAX	4096u		/* bytes of a name, unit or help */
#define SCHEMA_FILE_MAX	(256u << 20)

struct schema_file {
	struct arena		 arena;
	struct spool_schema	 schema;	/* in the arena */
	uint8_t			*types;		/* of the tags, for columns.h */
	uint8_t			 hash[SPOOL_HASH];	/* of the file: where the stream's chain begins */
};

/* Parse len bytes as a schema file. ERR_CORRUPT, ERR_VERSION. On failure out is empty. */
int schema_parse(const void *p, size_t len, struct chain *chain, struct schema_file *out);
/* ERR_NOTFOUND when there is none. */
int schema_read(const char *dir, const struct disk *disk, struct chain *chain, struct schema_file *out);
/* The bytes of the file; given (free()). Errors as of schema_write(), and ERR_NOMEM. */
int schema_encode(const struct spool_schema *schema, uint8_t **out, size_t *len);
/* Write it for good. ERR_LIMIT: too many tags, a text too long; ERR_TYPE: no such type. */
int schema_write(const char *dir, const struct disk *disk, const struct spool_schema *schema);
/* Do both describe the same tags (names and types, in order)? */
bool schema_same(const struct spool_schema *a, const struct spool_schema *b);
void schema_free(struct schema_file *f);

#endif
