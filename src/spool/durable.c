/*
 * Making admitted batches durable, and what is done when that fails: see "A failed write or sync" at the top of
 * append.c.
 */
#include <stdlib.h>

#include "base/log.h"
#include "spool/scan.h"
#include "spool/store.h"

int
segment_room(struct spool *s)
{
	if (s->nsegs < s->segs_cap)
		return 0;
	uint32_t cap = s->segs_cap == 0 ? 16 : s->segs_cap * 2;
	struct segment *p = realloc(s->segs, cap * sizeof *p);
	if (p == NULL)
		return ERR_NOMEM;
	s->segs = p;
	s->segs_cap = cap;
	return 0;
}

void
segment_note(struct spool *s, uint64_t first, uint64_t last_bytes)
{
	if (s->nsegs > 0) {
		s->segs[s->nsegs - 1].bytes = last_bytes;
		s->old_bytes += last_bytes;
	}
	s->segs[s->nsegs++] = (struct segment){ first, 0 };
}

int
hold(struct spool *s, const uint8_t *rec, size_t len)
{
	if (s->held_cap - s->held_len < len) {
		size_t cap = s->held_cap == 0 ? 64u << 10 : s->held_cap;
		while (cap - s->held_len < len)
			cap *= 2;
		uint8_t *p = realloc(s->held, cap);
		if (p == NULL)
			return ERR_NOMEM;
		s->held = p;
		s->held_cap = cap;
	}
	memcpy(s->held + s->held_len, rec, len);
	s->held_len += len;
	return 0;
}

/* From here on nothing that stands before the tail would be written anew. */
static void
begin_anew(struct spool *s)
{
	s->solid = s->tail;
	s->solid_off = s->off;
	s->held_len = 0;
}

static uint32_t
header_bytes(const struct spool *s, const struct tail *before, uint8_t out[SEG_HEADER])
{
	struct seg_header h = {
		.version = SPOOL_FORMAT, .schema = s->schema.schema.version, .created = s->now, .before = *before
	};
	seg_header_put(&h, out);
	return h.salt;
}

static void
switch_to(struct spool *s, int fd, uint64_t off, uint32_t salt)
{
	if (s->fd >= 0)
		s->disk->close(s->disk->ctx, s->fd);
	s->fd = fd;
	s->off = off;
	s->salt = salt;
	s->broken = false;
}

/*
 * A file of that name cannot hold anything admitted, or recovery would have found it: it is left from a try that
 * failed.
 */
static int
create_new(const struct disk *d, const char *path)
{
	int fd = d->open(d->ctx, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCL);
	if (fd != ERR_EXISTS)
		return fd;
	int err = d->unlink(d->ctx, path);
	return err != 0 ? err : d->open(d->ctx, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCL);
}

int
segment_rotate(struct spool *s)
{
	const struct disk *d = s->disk;
	char path[DISK_PATH_MAX];
	uint8_t header[SEG_HEADER];

	int err = s->fd >= 0 ? segment_sync(s) : 0;
	if (err == 0 && s->fd >= 0 && s->off == SEG_HEADER)
		return 0;	/* the sync failed, and the segment that came of it is new and empty */
	if (err == 0)
		err = segment_room(s);
	if (err == 0)
		err = name_segment(s->dir, s->tail.next, ".seg", path);
	if (err != 0)
		return err;
	uint32_t salt = header_bytes(s, &s->tail, header);
	int fd = create_new(d, path);
	if (fd < 0)
		return fd;
	err = disk_write_all(d, fd, header, sizeof header, 0);
	if (err != 0) {
		d->close(d->ctx, fd);
		d->unlink(d->ctx, path);
		return err;
	}
	segment_note(s, s->tail.next, s->off);
	switch_to(s, fd, SEG_HEADER, salt);
	s->dir_dirty = true;
	begin_anew(s);
	return 0;
}

static void
resalt_held(struct spool *s, uint32_t salt)
{
	struct rec_header h;

	for (size_t at = 0; at < s->held_len; at += scan_size(&h)) {
		if (rec_header_get(s->held + at, &h) != 0)
			fatal("spool.held", "stream=\"%s\" at=%zu", s->dir, at);
		rec_header_resalt(s->held + at, salt);
	}
}

/* The header and all that is held as a new, durable file. Returns its descriptor. */
static int
write_rescue(struct spool *s, const char *aside, const uint8_t header[SEG_HEADER])
{
	const struct disk *d = s->disk;

	int fd = create_new(d, aside);
	if (fd < 0)
		return fd;
	int err = disk_write_all(d, fd, header, SEG_HEADER, 0);
	if (err == 0)
		err = disk_write_all(d, fd, s->held, s->held_len, SEG_HEADER);
	if (err == 0)
		err = d->sync(d->ctx, fd);
	if (err == 0)
		return fd;
	d->close(d->ctx, fd);
	d->unlink(d->ctx, aside);
	return err;
}

/* Give the rescued file its name. in_place: it takes that of the failed segment, which held nothing durable. */
static int
name_rescue(struct spool *s, const char *aside, const char *path, bool in_place)
{
	const struct disk *d = s->disk;

	int err = d->rename(d->ctx, aside, path);
	if (err != 0) {
		d->unlink(d->ctx, aside);
		return err;
	}
	err = d->sync_dir(d->ctx, s->dir);
	if (err != 0 && !in_place)
		d->unlink(d->ctx, path);	/* the caller may now be told that its batch was not admitted */
	return err;
}

int
segment_rescue(struct spool *s)
{
	const struct disk *d = s->disk;
	char aside[DISK_PATH_MAX], path[DISK_PATH_MAX];
	uint8_t header[SEG_HEADER];

	int err = name_segment(s->dir, s->solid.next, ".new", aside);
	if (err == 0)
		err = name_segment(s->dir, s->solid.next, ".seg", path);
	if (err == 0)
		err = segment_room(s);
	if (err != 0)
		return err;
	uint32_t salt = header_bytes(s, &s->solid, header);
	resalt_held(s, salt);
	int fd = write_rescue(s, aside, header);
	if (fd < 0)
		return fd;
	bool in_place = s->nsegs > 0 && s->segs[s->nsegs - 1].first == s->solid.next;
	err = name_rescue(s, aside, path, in_place);
	if (err != 0) {
		d->close(d->ctx, fd);
		return err;
	}
	if (!in_place) {
		/*
		 * What the failed one holds behind its durable part has a new home; a reader stops at the new one's
		 * number anyway.
		 */
		if (s->fd >= 0)
			d->truncate(d->ctx, s->fd, s->solid_off);
		segment_note(s, s->solid.next, s->solid_off);
	}
	switch_to(s, fd, SEG_HEADER + s->held_len, salt);
	s->dir_dirty = false;
	begin_anew(s);
	s->durable = s->tail.next;
	log_warn("spool.segment_replaced", "stream=\"%s\" first=%llu", s->dir,
	    (unsigned long long)s->segs[s->nsegs - 1].first);
	return 0;
}

int
segment_repair(struct spool *s)
{
	return s->opts.durability == SPOOL_NONE ? segment_rebuild(s) : segment_rescue(s);
}

int
segment_sync(struct spool *s)
{
	const struct disk *d = s->disk;

	if (s->broken)
		return segment_repair(s);
	if (s->fd < 0 || (s->durable == s->tail.next && !s->dir_dirty))
		return 0;
	int err = d->sync(d->ctx, s->fd);
	if (err == 0 && s->dir_dirty)
		err = d->sync_dir(d->ctx, s->dir);
	if (err == 0) {
		s->dir_dirty = false;
		begin_anew(s);
		s->durable = s->tail.next;
		return 0;
	}
	log_error("spool.sync_failed", "stream=\"%s\" error=%s do=\"check the disk; the segment is given up\"", s->dir,
	    err_name(err));
	s->broken = true;
	return segment_repair(s);
}
