/*
 * The records of a stream, one behind the other through its blocks; one may span several blocks.
 *
 *	0	8	sequence, from 0, in the stream of this session
 *	8	1	kind
 *	9	3	0
 *	12	4	length of the body
 *	16	...	body
 *
 *	1 SCHEMA	u64 identity (random, the sender's for this stream for good), u64 first number that this session sends of it, text flow, u32 schema
 *			version, then the schema file of the spool to the end (doc/spool-format.md). Comes first, and again every so often
 *	2 BATCH		120 bytes batch header, payload as stored to the end (doc/spool-format.md)
 *
 * text: varint length and so many bytes of UTF-8 without a NUL.
 */
#ifndef PROTO_DIODE_RECORD_H
#define PROTO_DIODE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define DIODE_RECORD_HEAD	16u
#define DIODE_RECORD_MAX	(16u << 20)	/* of a body; a batch is 4 MiB at most, a schema may be more */
#define DIODE_NAME_MAX		255u
#define DIODE_REC		120u		/* a batch's header; REC_HEADER of the spool */

enum diode_kind { DIODE_SCHEMA = 1, DIODE_BATCH = 2 };

struct diode_record {
	uint64_t	seq;
	uint8_t		kind;
	uint32_t	len;
	const uint8_t	*p;		/* body, borrowed */
};
/* A body taken apart; borrows. */
struct diode_schema {
	uint64_t	id, first;
	char		flow[DIODE_NAME_MAX + 1];
	uint32_t	version;
	const uint8_t	*file;
	size_t		len;
};

void diode_record_head_put(const struct diode_record *r, uint8_t out[DIODE_RECORD_HEAD]);
/* The head alone. 0, ERR_SHORT, ERR_LIMIT (a body that is too long), ERR_PROTO. */
int diode_record_head_get(const uint8_t *p, size_t len, struct diode_record *out);
/* Head of a SCHEMA body into out[DIODE_SCHEMA_HEAD_MAX]; the file follows. Returns its length, 0: the name is too long. */
#define DIODE_SCHEMA_HEAD_MAX	(16u + 2u + DIODE_NAME_MAX + 4u)
size_t diode_schema_put(const struct diode_schema *s, uint8_t out[DIODE_SCHEMA_HEAD_MAX]);
/* 0, ERR_SHORT, ERR_PROTO, ERR_LIMIT. */
int diode_schema_get(const uint8_t *p, size_t len, struct diode_schema *out);

#endif
