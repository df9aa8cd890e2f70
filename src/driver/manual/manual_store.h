/*
 * The values that people, or the systems above, have entered: kept in a file that is replaced as a whole with all the syncs that this takes, so
 * that a value is on disk before anybody is told that it was taken.
 *
 * <state>/manual/<source>.values, little-endian:
 *	"PMAN", u32 version 1, u32 values
 *	each:	u8 length of the name, name, i64 when it was entered, value (u8 type, then 8 bytes of a scalar, or varint length and bytes)
 *	u32 CRC-32C of all before
 */
#ifndef DRIVER_MANUAL_STORE_H
#define DRIVER_MANUAL_STORE_H

#include "base/arena.h"
#include "base/clock.h"
#include "model/value.h"
#include "os/disk.h"

#define MANUAL_NAME_MAX	63u
#define MANUAL_TEXT_MAX	1000u	/* bytes of a text */
#define MANUAL_MAX	4096u	/* values of one source */

struct manual_value {
	char		name[MANUAL_NAME_MAX + 1];
	struct wall	when;		/* ns 0: never entered */
	struct value	v;		/* a text's bytes are own memory (malloc) */
};

struct manual_store {
	const struct disk	*disk;
	char			 dir[DISK_PATH_MAX - 128], path[DISK_PATH_MAX];
	struct manual_value	*v;	/* also those that no tag names any more: a tag that comes back finds its value */
	uint32_t		 n;
};

/* Take bytes of a file. 0 or an error; what was read by then is kept. */
int manual_store_parse(struct manual_store *s, const void *p, size_t len);
/* Find the file of a source and read it. ERR_CORRUPT: it cannot be believed (nothing is taken of it). A file that is not there is no error. */
int manual_store_open(struct manual_store *s, const struct disk *disk, const char *state, const char *source);
void manual_store_close(struct manual_store *s);
/* The value of a name; NULL: none. */
const struct manual_value *manual_store_get(const struct manual_store *s, const char *name);
/* Enter a value durably: 0, or the error of the disk, ERR_LIMIT; then all is as it was. v is borrowed. */
int manual_store_set(struct manual_store *s, const char *name, const struct value *v, struct wall when);

#endif
