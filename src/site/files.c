/* See files.h. */
#include "site/files.h"

#include <string.h>

#include "os/clock.h"
#include "os/file.h"

static int
read_disk(void *ctx, const char *path, struct buf *out)
{
	(void)ctx;
	return file_read(path, SITE_FILE_MAX, out);
}

static struct wall
now(void *ctx)
{
	(void)ctx;
	return wall_now();
}

const struct site_io site_io_disk = { .read = read_disk, .now = now };

static int
read_memory(void *ctx, const char *path, struct buf *out)
{
	for (const struct site_file *f = ctx; f->name != NULL; f++) {
		if (strcmp(f->name, path) != 0)
			continue;
		if (f->len > SITE_FILE_MAX)
			return ERR_LIMIT;
		buf_put(out, f->text, f->len);
		return out->err;
	}
	return ERR_NOTFOUND;
}

/* Sites in memory are those of tests and fuzzers, which want the same answer every day: it is 2026-01-01. */
static struct wall
same_day(void *ctx)
{
	(void)ctx;
	return (struct wall){ 1767225600 * NS_PER_S };
}

struct site_io
site_io_memory(const struct site_file *rows)
{
	return (struct site_io){ .read = read_memory, .now = same_day, .ctx = (void *)(uintptr_t)rows };
}
