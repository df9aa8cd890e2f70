/*
 * Names on disk: of a stream's directory, and of its segments. A flow's name may hold any character; in a directory's
 * name all but letters, digits, '.', '-' and '_' stand as %XX, and a leading '.' too.
 */
#ifndef SPOOL_NAMES_H
#define SPOOL_NAMES_H

#include <stdbool.h>

#include "spool/spool.h"

#define NAME_DIR_MAX	256u	/* a directory name with its NUL; also of a flow's */

/* "<flow>@<8 hex digits>" into out. ERR_LIMIT: too long. */
int name_stream(const char *flow, uint32_t schema, char out[NAME_DIR_MAX]);
/* The reverse; false: not the name of a stream. */
bool name_stream_parse(const char *name, char flow[NAME_DIR_MAX], uint32_t *schema);
/* "<dir>/<20 digits><suffix>" into out. ERR_LIMIT. */
int name_segment(const char *dir, uint64_t first, const char *suffix, char out[DISK_PATH_MAX]);
/* The first number out of "<20 digits>.seg"; false for any other name. */
bool name_segment_parse(const char *name, uint64_t *first);

/* The segments of a directory in order. first: given, to be freed. Other files are passed over. */
struct segment_list { uint64_t *first; size_t n, cap; };
int segment_list(const char *dir, const struct disk *disk, struct segment_list *out);

#endif
