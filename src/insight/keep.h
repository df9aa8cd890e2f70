/* What keep.c and keep_found.c share. */
#ifndef INSIGHT_KEEP_H
#define INSIGHT_KEEP_H

#include <stdio.h>

#include "insight/inside.h"

#define KEEP_VERSION	1u
#define KEEP_FILE_MAX	(512u << 20)
#define KEEP_CURSOR_MAX	(8u + INSIGHT_RINGS_MAX * 16u + 4u)

/* Of a file in its folder, in room of DISK_PATH_MAX; returns room. */
static inline const char *
keep_path(const struct insight *in, const char *name, char *room)
{
	snprintf(room, DISK_PATH_MAX, "%s/%s", in->opts.dir, name);
	return room;
}

#endif
