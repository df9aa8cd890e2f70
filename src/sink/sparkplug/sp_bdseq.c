/* See sp_bdseq.h. */
#include "sink/sparkplug/sp_bdseq.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/num.h"

#define DIGITS_MAX	8u

static int
read_last(struct sp_bdseq *b, int64_t *last)
{
	char text[DIGITS_MAX];
	size_t n = 0;
	ssize_t got = 0;

	int fd = b->disk->open(b->disk->ctx, b->path, DISK_READ);
	if (fd < 0)
		return fd;
	while (n < sizeof text && (got = b->disk->pread(b->disk->ctx, fd, text + n, sizeof text - n, n)) > 0)
		n += (size_t)got;
	b->disk->close(b->disk->ctx, fd);
	if (got < 0)
		return (int)got;
	if (n < 2 || text[n - 1] != '\n' || num_parse_i64(text, n - 1, last) != 0 || *last < 0 || *last > 255)
		return ERR_CORRUPT;
	return 0;
}

static void
load(struct sp_bdseq *b)
{
	int64_t last = -1;

	int err = read_last(b, &last);
	if (err != 0 && err != ERR_NOTFOUND)
		log_warn("sparkplug_bdseq_unreadable", "file=\"%s\" error=\"%s\" effect=\"counting starts at 0 again\"", b->path, err_text(err));
	b->last = err == 0 ? (int)last : -1;
	b->loaded = true;
}

int
sp_bdseq_next(struct sp_bdseq *b)
{
	char text[DIGITS_MAX];

	if (!b->loaded)
		load(b);
	b->last = (b->last + 1) % 256;
	int n = snprintf(text, sizeof text, "%d\n", b->last);
	int err = disk_replace(b->disk, b->path, text, (size_t)n);
	if (err != 0)
		log_error("sparkplug_bdseq_unwritten", "file=\"%s\" error=\"%s\" effect=\"after a restart this number may be used again\"", b->path,
		    err_text(err));
	return b->last;
}
