/*
 * What a gate does with the stream it finds: see "After a crash" at the top of append.c. One segment is read, the last
 * one; an earlier one only where the last has a damaged header.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "spool/ledger_file.h"
#include "spool/scan.h"
#include "spool/store.h"

struct found {
	struct tail	tail;
	uint64_t	end;		/* of the last whole batch */
	uint32_t	salt, batches, damaged;
};

/* Walk the batches of the file that the scan was started on. each() is given each one as stored; may be NULL. */
static int
walk(struct scan *sc, struct found *f, int (*each)(struct spool *s, const uint8_t *rec, size_t len), struct spool *s)
{
	struct rec_header h;
	const uint8_t *payload;

	/* Ends: off grows with every turn. */
	for (;;) {
		int err = scan_header(sc, &h);
		bool header_good = err == 0;
		if (err == 0)
			err = scan_payload(sc, &h, &payload);
		if (err == 0 && h.first >= f->tail.next) {
			tail_advance(&f->tail, &h);
			f->batches++;
			if (each != NULL && (err = each(s, scan_stored(sc), scan_size(&h))) != 0)
				return err;
			sc->off += scan_size(&h);
			f->end = sc->off;
			f->salt = sc->salt;
			continue;
		}
		if (err == ERR_AGAIN)
			return 0;	/* the end, or a torn tail */
		if (err != 0 && err != ERR_CORRUPT && err != ERR_GAP)
			return err;
		err = scan_find(sc, sc->off + (header_good ? scan_size(&h) : 1), &h);
		if (err != 0)
			return err == ERR_END ? 0 : err;
		f->damaged++;
	}
}

/* How the stream stood behind the segment that begins with `first`, for one whose successor lost its header. */
static int
tail_behind(struct spool *s, uint64_t first, struct tail *out)
{
	char path[DISK_PATH_MAX];
	struct seg_header h;
	struct scan sc;
	struct found f = { .tail = { .next = first } };

	int err = name_segment(s->dir, first, ".seg", path);
	if (err != 0)
		return err;
	int fd = s->disk->open(s->disk->ctx, path, DISK_READ);
	if (fd < 0)
		return fd;
	scan_init(&sc, s->disk);
	err = scan_start(&sc, fd, &h);
	if (err == 0)
		f.tail = h.before;
	if (err == 0 || err == ERR_CORRUPT)
		err = walk(&sc, &f, NULL, NULL);
	scan_fini(&sc);
	s->disk->close(s->disk->ctx, fd);
	*out = f.tail;
	return err == ERR_AGAIN ? 0 : err;
}

/* A last segment without a whole batch and without a header: never came to be, or damaged from end to end. */
static int
set_aside(struct spool *s, uint64_t first, uint64_t size)
{
	char path[DISK_PATH_MAX], aside[DISK_PATH_MAX];

	int err = name_segment(s->dir, first, ".seg", path);
	if (err == 0)
		err = name_segment(s->dir, first, ".damaged", aside);
	if (err != 0)
		return err;
	s->cut_bytes += size;
	if (size <= SEG_HEADER)
		return s->disk->unlink(s->disk->ctx, path);
	log_warn("spool.segment_unreadable", "stream=\"%s\" kept=\"%s\" bytes=%llu", s->dir, aside,
	    (unsigned long long)size);
	return s->disk->rename(s->disk->ctx, path, aside);
}

static int
hold_all(struct spool *s, struct tail *before)
{
	struct seg_header h;
	struct scan sc;

	scan_init(&sc, s->disk);
	int err = scan_start(&sc, s->fd, &h);
	if (err == 0) {
		struct found f = { .tail = h.before };
		err = walk(&sc, &f, hold, s);
	}
	scan_fini(&sc);
	if (err == 0)
		*before = h.before;
	return err;
}

int
segment_rebuild(struct spool *s)
{
	struct tail before;

	s->held_len = 0;
	s->broken = true;
	int err = s->fd >= 0 ? hold_all(s, &before) : 0;
	if (err == 0 && s->fd >= 0) {
		s->solid = before;
		s->solid_off = SEG_HEADER;
	} else {
		log_error("spool.not_reread",
		    "stream=\"%s\" error=%s do=\"check the disk; what it had not written before may be lost\"", s->dir,
		    err_name(err));
		s->held_len = 0;
		s->solid = s->tail;
		s->solid_off = s->off;
	}
	err = segment_rescue(s);
	if (err != 0 || s->held_cap > HELD_MAX) {
		free(s->held);
		s->held = NULL;
		s->held_len = s->held_cap = 0;
	}
	if (err != 0) {		/* the next try reads it again */
		s->solid = s->tail;
		s->solid_off = s->off;
	}
	return err;
}

/* Take up the last segment where its last whole batch ends. */
static int
take_up(struct spool *s, const struct found *f, uint64_t size)
{
	const struct disk *d = s->disk;

	s->tail = s->solid = f->tail;
	s->off = s->solid_off = f->end;
	s->salt = f->salt;
	s->now = f->tail.sealed;
	if (f->damaged > 0)
		log_error("spool.damaged",
		    "stream=\"%s\" places=%u do=\"check the disk; penstock spool verify tells what is lost\"", s->dir,
		    f->damaged);
	if (size > f->end) {
		s->cut_bytes += size - f->end;
		log_warn("spool.tail_cut", "stream=\"%s\" bytes=%llu next=%llu", s->dir,
		    (unsigned long long)(size - f->end), (unsigned long long)f->tail.next);
		int err = d->truncate(d->ctx, s->fd, f->end);
		if (err != 0)
			return err;
	}
	if (d->sync(d->ctx, s->fd) == 0)
		return d->sync_dir(d->ctx, s->dir);
	return segment_rebuild(s);
}

/* The last segment. ERR_NOTFOUND: there was nothing in it, look at the one before. */
static int
recover_last(struct spool *s, struct scan *sc)
{
	uint64_t first = s->segs[s->nsegs - 1].first;
	char path[DISK_PATH_MAX];
	struct seg_header h;
	struct disk_stat st;
	struct found f = { .end = SEG_HEADER };

	int err = name_segment(s->dir, first, ".seg", path);
	if (err != 0)
		return err;
	s->fd = s->disk->open(s->disk->ctx, path, DISK_READ | DISK_WRITE);
	if (s->fd < 0)
		return s->fd;
	err = s->disk->fstat(s->disk->ctx, s->fd, &st);
	if (err != 0)
		return err;
	int head = scan_start(sc, s->fd, &h);
	if (head != 0 && head != ERR_AGAIN && head != ERR_CORRUPT)
		return head;
	if (head == 0 && (h.before.next != first || h.schema != s->schema.schema.version))
		head = ERR_CORRUPT;
	f.tail.next = first;
	if (head == 0) {
		f.tail = h.before;
		f.salt = h.salt;
	} else if (s->nsegs > 1)
		err = tail_behind(s, s->segs[s->nsegs - 2].first, &f.tail);
	if (err == 0 && head != ERR_AGAIN)
		err = walk(sc, &f, NULL, NULL);
	if (err != 0)
		return err;
	if (head != 0 && f.batches == 0) {
		err = set_aside(s, first, st.size);
		return err != 0 ? err : ERR_NOTFOUND;
	}
	return take_up(s, &f, st.size);
}

static void
close_segment(struct spool *s)
{
	if (s->fd >= 0)
		s->disk->close(s->disk->ctx, s->fd);
	s->fd = -1;
}

static int
note_all(struct spool *s)
{
	struct segment_list list = { 0 };
	char path[DISK_PATH_MAX];
	struct disk_stat st;

	int err = segment_list(s->dir, s->disk, &list);
	for (size_t i = 0; err == 0 && i < list.n; i++) {
		err = segment_room(s);
		if (err == 0)
			err = name_segment(s->dir, list.first[i], ".seg", path);
		if (err == 0)
			err = s->disk->stat(s->disk->ctx, path, &st);
		if (err == 0)
			s->segs[s->nsegs++] = (struct segment){ list.first[i], st.size };
	}
	free(list.first);
	return err;
}

/* Rescued segments that never got their name. */
static int
remove_leftover(void *arg, const char *name)
{
	const struct spool *s = arg;
	char path[DISK_PATH_MAX];

	if (strlen(name) != 24 || strspn(name, "0123456789") != 20 || strcmp(name + 20, ".new") != 0)
		return 0;
	if ((size_t)snprintf(path, sizeof path, "%s/%s", s->dir, name) >= sizeof path)
		return ERR_LIMIT;
	return s->disk->unlink(s->disk->ctx, path);
}

static int
recover_segments(struct spool *s)
{
	struct scan sc;
	int err = ERR_NOTFOUND;

	scan_init(&sc, s->disk);
	while (s->nsegs > 0 && err == ERR_NOTFOUND) {
		err = recover_last(s, &sc);
		if (err != 0)
			close_segment(s);
		if (err == ERR_NOTFOUND)
			s->nsegs--;
	}
	scan_fini(&sc);
	if (err != ERR_NOTFOUND)
		return err;
	/* Nothing was ever admitted. */
	s->tail.next = 1;
	memcpy(s->tail.hash, s->schema.hash, SPOOL_HASH);
	s->solid = s->tail;
	return 0;
}

struct wall
oldest_time(const struct spool *s)
{
	char path[DISK_PATH_MAX];
	uint8_t rec[REC_HEADER];
	struct rec_header h;
	struct wall t = { 0 };

	if (s->nsegs == 0 || name_segment(s->dir, s->segs[0].first, ".seg", path) != 0)
		return t;
	int fd = s->disk->open(s->disk->ctx, path, DISK_READ);
	if (fd < 0)
		return t;
	if (disk_read_all(s->disk, fd, rec, sizeof rec, SEG_HEADER) == 0 && rec_header_get(rec, &h) == 0)
		t = h.t_min;
	s->disk->close(s->disk->ctx, fd);
	return t;
}

/*
 * Numbers that the ledger knows are taken, even where a power cut took the samples. The hole is for readers to report.
 */
static int
pass_known(struct spool *s)
{
	uint64_t shown;

	int err = ledger_shown(s->dir, s->disk, &shown);
	if (err != 0 || shown < s->tail.next)
		return err;
	log_warn("spool.tail_lost",
	    "stream=\"%s\" first=%llu last=%llu cause=\"acknowledged before they were durable, then lost\"", s->dir,
	    (unsigned long long)s->tail.next, (unsigned long long)shown);
	s->tail.next = shown + 1;
	s->solid = s->tail;
	close_segment(s);	/* the next batch begins a segment, whose name tells the number */
	return 0;
}

int
recover(struct spool *s)
{
	int err = s->disk->list(s->disk->ctx, s->dir, remove_leftover, s);
	if (err == 0)
		err = note_all(s);
	if (err == 0)
		err = recover_segments(s);
	if (err == 0)
		err = pass_known(s);
	if (err != 0)
		return err;
	for (uint32_t i = 0; i + 1 < s->nsegs; i++)
		s->old_bytes += s->segs[i].bytes;
	s->durable = s->tail.next;
	s->t_first = oldest_time(s);
	return 0;
}
