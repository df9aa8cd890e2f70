/* Deleting segments: what every sink has, and what quota and age demand. The segment being written always stays. */
#include "base/log.h"
#include "spool/store.h"

/* The header of a segment tells how the stream stood before it, so the second one's is the seal of the first. */
static int
read_seal(struct spool *s, struct spool_seal *out)
{
	char path[DISK_PATH_MAX];
	uint8_t bytes[SEG_HEADER];
	struct seg_header h;

	*out = (struct spool_seal){ .first = s->segs[0].first, .last = s->segs[1].first - 1, .oldest = s->t_first };
	int err = name_segment(s->dir, s->segs[1].first, ".seg", path);
	if (err != 0)
		return err;
	int fd = s->disk->open(s->disk->ctx, path, DISK_READ);
	if (fd < 0)
		return fd;
	err = disk_read_all(s->disk, fd, bytes, sizeof bytes, 0);
	s->disk->close(s->disk->ctx, fd);
	if (err == 0)
		err = seg_header_get(bytes, &h);
	if (err != 0)
		return err;
	out->newest = h.before.newest;
	out->sealed = h.before.sealed;
	memcpy(out->hash, h.before.hash, SPOOL_HASH);
	return 0;
}

/* Why the oldest segment must go although not every sink has it, NULL: it may stay. */
static const char *
policy(const struct spool *s, const struct spool_seal *seal, struct wall now)
{
	if (s->opts.quota_bytes != 0 && s->old_bytes + s->off > s->opts.quota_bytes)
		return "quota";
	if (s->opts.quota_age_ns != 0 && seal->sealed.ns != 0 && now.ns - seal->sealed.ns > s->opts.quota_age_ns)
		return "age";
	return NULL;
}

static int
remove_oldest(struct spool *s)
{
	char path[DISK_PATH_MAX];

	int err = name_segment(s->dir, s->segs[0].first, ".seg", path);
	if (err == 0)
		err = s->disk->unlink(s->disk->ctx, path);
	if (err != 0 && err != ERR_NOTFOUND)
		return err;
	s->old_bytes -= s->segs[0].bytes;
	memmove(&s->segs[0], &s->segs[1], --s->nsegs * sizeof s->segs[0]);
	s->t_first = oldest_time(s);
	/* Each for itself: two deletions that a power cut splits could leave a hole in the numbering. */
	return s->disk->sync_dir(s->disk->ctx, s->dir);
}

int
spool_trim(struct spool *s, uint64_t settled, struct wall now,
    int (*drop)(void *arg, uint64_t first, uint64_t last, const char *policy), void *arg)
{
	struct spool_seal seal;

	while (s->nsegs > 1) {
		int err = read_seal(s, &seal);
		if (err != 0 && err != ERR_CORRUPT && err != ERR_END)
			return err;
		const char *why = policy(s, &seal, now);
		if (seal.last >= settled) {
			if (why == NULL)
				return 0;
			err = drop(arg, seal.first > settled ? seal.first : settled, seal.last, why);
			if (err != 0)
				return err;
		}
		err = s->opts.seal != NULL ? s->opts.seal(s->opts.seal_arg, &seal) : 0;
		if (err == 0)
			err = remove_oldest(s);
		if (err != 0)
			return err;
		log_info("spool.trimmed", "stream=\"%s\" first=%llu last=%llu why=%s", s->dir,
		    (unsigned long long)seal.first, (unsigned long long)seal.last,
		    seal.last < settled ? "settled" : why);
	}
	return 0;
}
