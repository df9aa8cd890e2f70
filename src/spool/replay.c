/*
 * Reading a stream while it is being written. A reader never writes and takes no lock; all that it knows of the writer
 * is what the files say:
 *
 *	a file shorter than a batch	the writer is not done: ERR_AGAIN
 *	a batch of full length with a bad checksum, twice in a row	damage: ERR_GAP with its numbers
 *	a header with a bad checksum	damage if a whole batch stands behind it (found by its magic); else as the end
 *					of the file
 *	a next segment			this one is read to its end once more, then left; it counts only up to the
 *					number
 *					that the next one begins with
 *	another file of the same name	the writer gave up this one after a failed sync: open again, at the same number
 *	a number that is not there	ERR_GAP: deleted by quota or age if it is before all that is there, else damage
 */
#include <stdio.h>
#include <stdlib.h>

#include "spool/columns.h"
#include "spool/scan.h"
#include "spool/store.h"

/* The directory is listed at every so many ERR_AGAIN; the next segment's likely name is tried each time. */
#define LOOK_EVERY	16u

struct spool_reader {
	const struct disk	*disk;
	char			*dir;
	struct schema_file	 schema;
	struct unpacker		 unpacker;
	struct scan		 scan;
	struct segment_list	 list;
	/* Room that grows to the largest batch seen, within the limits of the format, and then stays. */
	struct sample		*samples;
	uint8_t			*raw;
	size_t			 samples_cap, raw_cap;

	uint64_t		 next;		/* number wanted; 0: the oldest there is */
	int			 fd;		/* -1: no segment is open */
	/* its numbers, the limit excluded; UINT64_MAX: no next one seen yet */
	uint64_t		 seg_first, seg_limit;
	uint64_t		 seg_id;
	uint32_t		 idle;		/* ERR_AGAIN in a row */
	uint64_t		 doubt;		/* offset that looked damaged at first sight, 0: none */
	char			 file[DISK_PATH_MAX];
	uint8_t			 hash[SPOOL_HASH];
	uint8_t			 rec[REC_HEADER];
};

int
spool_reader_open(const char *dir, uint64_t from, const struct disk *disk, struct spool_reader **out)
{
	struct chain chain = { 0 };
	int err = ERR_NOMEM;

	*out = NULL;
	struct spool_reader *r = calloc(1, sizeof *r);
	if (r == NULL)
		return ERR_NOMEM;
	r->disk = disk;
	r->fd = -1;
	r->next = from;
	r->dir = strdup(dir);
	scan_init(&r->scan, disk);
	if (r->dir != NULL && unpacker_init(&r->unpacker) == 0)
		err = chain_init(&chain);
	if (err == 0)
		err = schema_read(dir, disk, &chain, &r->schema);
	chain_fini(&chain);
	if (err != 0) {
		spool_reader_close(r);
		return err;
	}
	*out = r;
	return 0;
}

const struct spool_schema *
spool_reader_schema(const struct spool_reader *r)
{
	return &r->schema.schema;
}

static void
leave_segment(struct spool_reader *r)
{
	if (r->fd >= 0)
		r->disk->close(r->disk->ctx, r->fd);
	r->fd = -1;
	r->scan.fd = -1;
	r->doubt = 0;
}

void
spool_reader_close(struct spool_reader *r)
{
	if (r == NULL)
		return;
	leave_segment(r);
	scan_fini(&r->scan);
	unpacker_fini(&r->unpacker);
	schema_free(&r->schema);
	free(r->list.first);
	free(r->samples);
	free(r->raw);
	free(r->dir);
	free(r);
}

int
spool_seek(struct spool_reader *r, uint64_t from)
{
	leave_segment(r);
	r->next = from;
	r->idle = 0;
	return 0;
}

/* Open the segment that begins with list.first[i]. ERR_NOTFOUND: it was deleted meanwhile. */
static int
enter_segment(struct spool_reader *r, size_t i)
{
	struct seg_header h;
	struct disk_stat st;

	int err = name_segment(r->dir, r->list.first[i], ".seg", r->file);
	if (err != 0)
		return err;
	r->fd = r->disk->open(r->disk->ctx, r->file, DISK_READ);
	if (r->fd < 0) {
		err = r->fd;
		r->fd = -1;
		return err;
	}
	r->seg_first = r->list.first[i];
	r->seg_limit = i + 1 < r->list.n ? r->list.first[i + 1] : UINT64_MAX;
	err = r->disk->fstat(r->disk->ctx, r->fd, &st);
	r->seg_id = st.id;
	if (err == 0)
		err = scan_start(&r->scan, r->fd, &h);
	if (err == ERR_AGAIN || err == ERR_CORRUPT)
		err = 0;	/* its batches can be read without it */
	if (err != 0)
		leave_segment(r);
	return err;
}

static int
report(struct spool_reader *r, struct spool_damage *d, uint64_t last, const char *cause, uint64_t from, uint64_t to)
{
	*d = (struct spool_damage){
		.first = r->next, .last = last, .file = r->file, .cause = cause, .from = from, .to = to
	};
	r->next = last + 1;
	return ERR_GAP;
}

/* All before the oldest segment there is (list.first[0]) was deleted. */
static int
report_removed(struct spool_reader *r, struct spool_damage *damage)
{
	int err = name_segment(r->dir, r->list.first[0], ".seg", r->file);
	if (err != 0)
		return err;
	err = report(
	    r, damage, r->list.first[0] - 1, "deleted before it was read: quota, age, or every sink had it", 0, 0);
	damage->removed = true;
	return err;
}

/*
 * Find the segment that holds the wanted number. ERR_AGAIN: there is none at all; ERR_GAP: the number is older than
 * all.
 */
static int
find_segment(struct spool_reader *r, struct spool_damage *damage)
{
	size_t i = 0;

	int err = segment_list(r->dir, r->disk, &r->list);
	if (err != 0)
		return err;
	if (r->list.n == 0)
		return ERR_AGAIN;
	if (r->next == 0)
		r->next = r->list.first[0];
	if (r->next < r->list.first[0])
		return report_removed(r, damage);
	while (i + 1 < r->list.n && r->list.first[i + 1] <= r->next)
		i++;
	err = enter_segment(r, i);
	return err == ERR_NOTFOUND ? ERR_AGAIN : err;
}

/*
 * Does the segment's name belong to another file by now? Then that one is to be read: the writer gave up the one at
 * hand.
 */
static int
replaced(const struct spool_reader *r, bool *yes)
{
	struct disk_stat st;

	int err = r->disk->stat(r->disk->ctx, r->file, &st);
	*yes = err == 0 && st.id != r->seg_id;
	return err == ERR_NOTFOUND ? 0 : err;
}

/* Has the writer gone on to another segment? Learns seg_limit. *changed: there is something new to look at. */
static int
look_around(struct spool_reader *r, bool *changed)
{
	*changed = false;
	int err = segment_list(r->dir, r->disk, &r->list);
	if (err != 0)
		return err;
	for (size_t i = 0; i < r->list.n; i++) {
		if (r->list.first[i] > r->seg_first) {
			r->seg_limit = r->list.first[i];
			*changed = true;
			return 0;
		}
	}
	err = replaced(r, changed);
	if (*changed)
		leave_segment(r);	/* the next turn finds the new one by number */
	return err;
}

static bool
next_is_there(const struct spool_reader *r)
{
	char path[DISK_PATH_MAX];
	struct disk_stat st;

	return r->next != r->seg_first && name_segment(r->dir, r->next, ".seg", path) == 0 &&
	    r->disk->stat(r->disk->ctx, path, &st) == 0;
}

/*
 * The file ends, and a next segment is there. Numbers that are missing between the two are lost, unless this file was
 * replaced.
 */
static int
next_segment(struct spool_reader *r, bool damaged, struct spool_damage *damage)
{
	struct disk_stat st = { .size = r->scan.off };
	uint64_t off = r->scan.off;
	bool again = false;

	if (r->next < r->seg_limit) {
		int err = replaced(r, &again);
		if (err == 0)
			err = r->disk->fstat(r->disk->ctx, r->fd, &st);
		if (err != 0)
			return err;
	}
	leave_segment(r);
	r->idle = 0;
	if (r->next >= r->seg_limit || again)
		return 0;
	if (r->list.n > 0 && r->list.first[0] == r->seg_limit)	/* this segment is gone, and so is what came between */
		return report_removed(r, damage);
	return report(r, damage, r->seg_limit - 1,
	    damaged ? "damaged up to the end of the segment" : "missing at the end of the segment", off, st.size);
}

/* Nothing more can be read from this segment as it is now. 0: try again, something has changed. */
static int
segment_end(struct spool_reader *r, bool damaged, struct spool_damage *damage)
{
	bool changed = false;

	scan_forget(&r->scan);
	if (r->seg_limit != UINT64_MAX)
		return next_segment(r, damaged, damage);
	int err = r->idle++ % LOOK_EVERY == 0 || next_is_there(r) ? look_around(r, &changed) : 0;
	return err != 0 || changed ? err : ERR_AGAIN;
}

/* The place at off does not hold a batch. Once more, in case it was being written; then go to the next whole batch. */
static int
bad_place(struct spool_reader *r, const struct rec_header *known, struct spool_damage *damage)
{
	struct rec_header h;
	uint64_t off = r->scan.off;

	scan_forget(&r->scan);
	if (r->doubt != off) {
		r->doubt = off;
		return 0;
	}
	if (known != NULL) {	/* its header is good, so its numbers and its length are known */
		r->scan.off += scan_size(known);
		uint64_t last = known->first + known->n - 1;
		if (last < r->next || known->first >= r->seg_limit)
			return 0;
		return report(r, damage, last, "the checksum of the batch's content is wrong", off, r->scan.off);
	}
	int err = scan_find(&r->scan, off + 1, &h);
	if (err == ERR_END) {
		r->scan.off = off;
		return segment_end(r, true, damage);
	}
	if (err != 0 || h.first <= r->next)
		return err;
	return report(r, damage, (h.first < r->seg_limit ? h.first : r->seg_limit) - 1, "no batch can be made out here",
	    off, r->scan.off);
}

/* At least want elements at *p, *cap of them so far; what was in there is gone. The header's limits bound want. */
static int
room(void **p, size_t *cap, size_t want, size_t size)
{
	if (*cap >= want)
		return 0;
	free(*p);
	*cap = 0;
	want = want < 1024 ? 1024 : want;
	*p = malloc(want * size);
	if (*p == NULL)
		return ERR_NOMEM;
	*cap = want;
	return 0;
}

static int
make_room(struct spool_reader *r, const struct rec_header *h)
{
	void *samples = r->samples, *raw = r->raw;

	int err = room(&samples, &r->samples_cap, h->n, sizeof *r->samples);
	if (err == 0 && (h->flags & REC_ZSTD) != 0)
		err = room(&raw, &r->raw_cap, h->raw_len, 1);
	r->samples = samples;
	r->raw = raw;
	return err;
}

static int
deliver(struct spool_reader *r, const struct rec_header *h, const uint8_t *payload, struct spool_batch *out)
{
	const uint8_t *stored = payload;
	size_t len = h->len;

	int err = make_room(r, h);
	if (err == 0 && (h->flags & REC_ZSTD) != 0) {
		err = unpack(&r->unpacker, payload, h->len, r->raw, h->raw_len);
		payload = r->raw;
		len = h->raw_len;
	}
	if (err == 0)
		err = columns_decode(payload, len, r->samples, h->n, r->schema.types, r->schema.schema.n, h->sealed);
	if (err != 0)
		return err;
	memcpy(r->hash, h->hash, SPOOL_HASH);
	rec_header_put(h, r->rec);
	*out = (struct spool_batch){ .first = h->first,
		.n = h->n,
		.samples = r->samples,
		.sealed = h->sealed,
		.t_min = h->t_min,
		.t_max = h->t_max,
		.hash = r->hash,
		.mark = h->mark,
		.bytes = (uint32_t)scan_size(h),
		.rec = r->rec,
		.payload = stored,
		.payload_len = h->len };
	return 0;
}

/* One look at the place at off. 0 with out->n == 0: nothing to hand out yet, look again. */
static int
step(struct spool_reader *r, struct spool_batch *out, struct spool_damage *damage)
{
	struct rec_header h;
	const uint8_t *payload;

	int err = scan_header(&r->scan, &h);
	if (err == ERR_AGAIN || (err == 0 && h.first >= r->seg_limit))
		return segment_end(r, false, damage);
	if (err == ERR_CORRUPT)
		return bad_place(r, NULL, damage);
	if (err != 0)
		return err;
	if (h.first + h.n <= r->next) {		/* before the wanted one */
		r->scan.off += scan_size(&h);
		return 0;
	}
	err = scan_payload(&r->scan, &h, &payload);
	if (err == ERR_AGAIN)
		return segment_end(r, false, damage);
	if (err == ERR_GAP)
		return bad_place(r, &h, damage);
	if (err != 0)
		return err;
	if (h.first > r->next)
		return report(
		    r, damage, h.first - 1, "these numbers are missing between two batches", r->scan.off, r->scan.off);
	err = deliver(r, &h, payload, out);
	if (err == ERR_CORRUPT)		/* checksums hold, so a program wrote this that does not know the format */
		return bad_place(r, &h, damage);
	if (err != 0)
		return err;
	r->scan.off += scan_size(&h);
	r->next = h.first + h.n;
	r->idle = 0;
	return 0;
}

int
spool_next(struct spool_reader *r, struct spool_batch *out, struct spool_damage *damage)
{
	out->n = 0;
	/* Ends: a turn moves on in the file, or to a later segment, or leaves; a doubtful place is looked at twice. */
	for (;;) {
		int err = r->fd < 0 ? find_segment(r, damage) : step(r, out, damage);
		if (err != 0 || out->n > 0)
			return err;
	}
}
