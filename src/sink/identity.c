/* See identity.h. */
#include "sink/identity.h"

#include <stdio.h>
#include <stdlib.h>

#include "spool/names.h"

int
sink_identity(const char *dir, const struct sink_stream *s, uint64_t *id)
{
	char name[NAME_DIR_MAX], path[DISK_PATH_MAX + NAME_DIR_MAX + 8], text[17] = "";
	int err = name_stream(s->flow, s->schema_version, name);

	*id = 0;
	if (err != 0)
		return err;
	snprintf(path, sizeof path, "%s/%s.id", dir, name);
	int fd = disk_os.open(disk_os.ctx, path, DISK_READ);
	if (fd >= 0) {
		err = disk_read_all(&disk_os, fd, text, 16, 0);
		disk_os.close(disk_os.ctx, fd);
		char *end;
		*id = strtoull(text, &end, 16);
		return err == 0 && *end == '\0' && *id != 0 ? 0 : ERR_CORRUPT;
	}
	if (fd != ERR_NOTFOUND)
		return fd;
	while (*id == 0)
		if (uv_random(NULL, NULL, id, sizeof *id, 0, NULL) != 0)
			return ERR_IO;
	snprintf(text, sizeof text, "%016llx", (unsigned long long)*id);
	return disk_replace(&disk_os, path, text, 16);
}
