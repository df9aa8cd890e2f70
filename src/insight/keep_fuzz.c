/*
 * Any bytes as what insight finds on disk: the first byte says how many of the rest are `live`, the others are `safe`
 * and `cursor` at once. Never a crash, and never more positions than there is room for.
 */
#include <stdlib.h>
#include <string.h>

#include "insight/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct { const uint8_t *p; size_t len; } files[2];

static int
mem_open(void *ctx, const char *path, int flags)
{
	(void)ctx;
	if ((flags & DISK_WRITE) != 0)
		return ERR_DENIED;
	return strstr(path, "live") != NULL ? 10 : 11;
}

static int mem_close(void *ctx, int fd) { (void)ctx; (void)fd; return 0; }
static int mem_mkdir(void *ctx, const char *path) { (void)ctx; (void)path; return 0; }

static ssize_t
mem_pread(void *ctx, int fd, void *p, size_t len, uint64_t off)
{
	size_t have = files[fd - 10].len;
	(void)ctx;
	if (off >= have)
		return 0;
	len = len < have - off ? len : have - off;
	memcpy(p, files[fd - 10].p + off, len);
	return (ssize_t)len;
}

static int
mem_fstat(void *ctx, int fd, struct disk_stat *out)
{
	(void)ctx;
	*out = (struct disk_stat){ .size = files[fd - 10].len };
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct disk mem = { .open = mem_open, .close = mem_close, .pread = mem_pread, .fstat = mem_fstat,
	    .mkdir = mem_mkdir };
	struct insight in = { .opts = { .dir = "x", .disk = &mem }, .cursor_fd = -1 };

	if (size == 0)
		return 0;
	size_t cut = 1 + (size_t)data[0] * (size - 1) / 255;
	files[0].p = data + 1;
	files[0].len = cut - 1;
	files[1].p = data + cut;
	files[1].len = size - cut;
	keep_open(&in);
	if (in.nfound > INSIGHT_RINGS_MAX || in.ncursor > INSIGHT_RINGS_MAX)
		abort();
	keep_close(&in);
	return 0;
}
