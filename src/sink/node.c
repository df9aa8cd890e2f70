/* See node.h. */
#include "sink/node.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "spool/names.h"

int
sink_node_identity(const struct sink_host *h, const char *name, const struct sink_stream *s, uint64_t *id)
{
	char dir[NAME_DIR_MAX], path[DISK_PATH_MAX + NAME_DIR_MAX + 8], text[17] = "";
	int err = name_stream(s->flow, s->schema_version, dir);

	*id = 0;
	if (err != 0)
		return err;
	if (s->plan_flow != NULL && s->plan_flow->live_first) {
		log_error("link_live_first", "sink=%s flow=\"%s\" remedy=\"a link carries a flow in order: take live-first away from it, or "
		    "give it to the sink of the last node\"", name, s->flow);
		return ERR_UNSUPPORTED;
	}
	snprintf(path, sizeof path, "%s/%s.id", h->state_dir, dir);
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

int
sink_node_preview(void *inst, struct sink_stream *s, const struct spool_batch *b, struct buf *out)
{
	(void)inst;
	buf_printf(out, "batch %llu..%llu of %s, %u bytes as stored\n", (unsigned long long)b->first,
	    (unsigned long long)(b->first + b->n - 1), s->flow, b->payload_len);
	return out->err;
}
