/*
 * The plans on disk: <state>/plans/current and <state>/plans/previous, each a whole compiled plan in the slice format, so a plan
 * can be taken up again even when the site file it came from has been changed or lost. Each is replaced by writing aside, syncing,
 * renaming; `previous` is written first, so at no moment is there no plan.
 */
#include <stdio.h>
#include <stdlib.h>

#include "os/disk.h"
#include "proc/supervisor.h"
#include "site/slice.h"

#define PLAN_BYTES_MAX (1u << 30)

static int
read_file(const char *path, struct buf *out)
{
	const struct disk *d = &disk_os;
	struct disk_stat st;
	int fd = d->open(d->ctx, path, DISK_READ);

	if (fd < 0)
		return fd;
	int err = d->fstat(d->ctx, fd, &st);
	char *to = err == 0 ? buf_room(out, (size_t)st.size) : NULL;
	if (err == 0 && to == NULL)
		err = out->err;
	if (err == 0)
		err = disk_read_all(d, fd, to, (size_t)st.size, 0);
	if (err == 0)
		out->len += (size_t)st.size;
	d->close(d->ctx, fd);
	return err;
}

int
plans_store(const char *state_dir, const struct plan *p)
{
	char folder[512], current[600], previous[600];
	struct buf before = { .max = PLAN_BYTES_MAX }, now = { .max = PLAN_BYTES_MAX };

	snprintf(folder, sizeof folder, "%s/plans", state_dir);
	snprintf(current, sizeof current, "%s/current", folder);
	snprintf(previous, sizeof previous, "%s/previous", folder);
	int err = disk_os.mkdir(disk_os.ctx, folder);
	if (err == 0)
		err = slice_write(p, SLICE_ALL, 0, &now);
	if (err == 0 && read_file(current, &before) == 0 && (before.len != now.len || memcmp(before.p, now.p, now.len) != 0))
		err = disk_replace(&disk_os, previous, before.p, before.len);
	if (err == 0)
		err = disk_replace(&disk_os, current, now.p, now.len);
	buf_fini(&before);
	buf_fini(&now);
	return err;
}

int
plans_load(const char *state_dir, bool previous, struct plan **out)
{
	char path[600];
	struct buf b = { .max = PLAN_BYTES_MAX };

	snprintf(path, sizeof path, "%s/plans/%s", state_dir, previous ? "previous" : "current");
	int err = read_file(path, &b);
	if (err == 0)
		err = slice_read(b.p, b.len, out);
	buf_fini(&b);
	return err;
}
