/* The directory that all streams live in, with its lock; and the list of streams. */
#include <stdio.h>
#include <stdlib.h>

#include "spool/store.h"

#define ROOM_MIN (64u << 10)

int
root_room(struct spool_root *r, size_t bytes)
{
	free(r->rec);
	free(r->raw);
	r->rec = malloc(REC_HEADER + bytes);
	r->raw = malloc(bytes);
	r->room = r->rec != NULL && r->raw != NULL ? bytes : 0;
	return r->room != 0 ? 0 : ERR_NOMEM;
}

static int
take_lock(struct spool_root *r, long *holder)
{
	char path[DISK_PATH_MAX];

	if ((size_t)snprintf(path, sizeof path, "%s/lock", r->path) >= sizeof path)
		return ERR_LIMIT;
	r->lock_fd = r->disk->open(r->disk->ctx, path, DISK_READ | DISK_WRITE | DISK_CREATE);
	if (r->lock_fd < 0)
		return r->lock_fd;
	return r->disk->lock(r->disk->ctx, r->lock_fd, holder);
}

int
spool_root_open(const char *path, const struct disk *disk, struct spool_root **out, long *holder)
{
	int err = ERR_NOMEM;

	*out = NULL;
	*holder = 0;
	struct spool_root *r = calloc(1, sizeof *r);
	if (r == NULL)
		return ERR_NOMEM;
	r->disk = disk;
	r->lock_fd = -1;
	r->path = strdup(path);
	if (r->path == NULL || root_room(r, ROOM_MIN) != 0 || chain_init(&r->chain) != 0 ||
	    packer_init(&r->packer) != 0)
		goto fail;
	err = disk->mkdir(disk->ctx, path);
	if (err == 0)
		err = take_lock(r, holder);
	if (err == 0)
		err = disk_sync_parent(disk, path);
	if (err != 0)
		goto fail;
	*out = r;
	return 0;
fail:
	spool_root_close(r);
	return err;
}

void
spool_root_close(struct spool_root *r)
{
	if (r == NULL)
		return;
	if (r->lock_fd >= 0)
		r->disk->close(r->disk->ctx, r->lock_fd);
	chain_fini(&r->chain);
	packer_fini(&r->packer);
	free(r->path);
	free(r->rec);
	free(r->raw);
	free(r);
}

struct stream_walk {
	void	(*each)(void *arg, const char *dir, const char *flow, uint32_t schema);
	void	*arg;
};

static int
one_stream(void *arg, const char *name)
{
	const struct stream_walk *w = arg;
	char flow[NAME_DIR_MAX];
	uint32_t schema;

	if (name_stream_parse(name, flow, &schema))
		w->each(w->arg, name, flow, schema);
	return 0;
}

int
spool_streams(const char *root, const struct disk *disk,
    void (*each)(void *arg, const char *dir, const char *flow, uint32_t schema), void *arg)
{
	struct stream_walk w = { each, arg };
	return disk->list(disk->ctx, root, one_stream, &w);
}
