/*
 * The spool on disk, and how a batch gets there.
 *
 * All numbers are little-endian. All checksums are CRC-32C (base/crc32c.h). Times are ns since 1970 UTC. A stream's
 * directory holds the file "schema" (schema.c), the file "ledger" (ledger.c) and segments; other files are left alone.
 * A segment is called by the number of its first sample, 20 decimal digits and ".seg", and is one header followed by
 * batches without anything between.
 *
 * Segment header, 512 bytes (one sector), the stream as it stood when the segment began:
 *
 *	  0   8	magic "PNSTKSEG"
 *	  8   4	format version, 1
 *	 12   4	schema version, as in the directory's name
 *	 16   8	number of the first sample, as in the file's name
 *	 24   8	time at which the segment was begun
 *	 32   8	time at which the batch before was sealed, 0 if there is none
 *	 40   8	newest sample time of the batch before
 *	 48  32	hash of the batch before; for the first segment SHA-256 of the schema file
 *	 80 360	the newest mark of each of up to 15 rings, newest first: epoch, pos, low, 8 bytes each; epoch 0 ends the
 *		list
 *	440  68	zero
 *	508   4	checksum of bytes 0..507; this number is also the segment's *salt*
 *
 * Batch, 120 bytes of header and a payload:
 *
 *	  0   4	magic "PBAT"
 *	  4   4	checksum of header bytes 8..119
 *	  8   4	the segment's salt
 *	 12   4	length of the payload as stored, at most 4 MiB
 *	 16   4	checksum of the payload as stored
 *	 20   4	length of the payload before compression, at most 4 MiB
 *	 24   4	number of samples, 1..8192
 *	 28   4	flags; bit 0: the payload is one zstd frame
 *	 32   8	number of the first sample
 *	 40   8	time at which the batch was sealed
 *	 48   8	oldest sample time (source, else server, else arrival)
 *	 56   8	newest sample time
 *	 64  24	mark: ring epoch, pos, low
 *	 88  32	hash: SHA-256 over the hash of the batch before, header bytes 12..87 and the payload as stored
 *
 * The payload's columns are explained in columns.c. The salt says that a batch belongs to this file: what a recycled
 * disk block or a text sent by a device may hold cannot pass for a batch, since neither knows it. The hash leaves the
 * salt out, so a batch can move to another segment and stay the same link of the chain.
 *
 * Numbers run on from batch to batch and from segment to segment. Where they do not, the samples between are lost, and
 * a reader says so. A segment ends where the next one begins, by number: what it holds from there on does not count.
 *
 * Durability. A batch goes out in one write. It is durable once the file is synced, and the directory too when the
 * segment is new. Until then SPOOL_EACH and SPOOL_INTERVAL keep it in memory. A segment is synced before the next one
 * is begun.
 *
 * Worst loss to a power cut: EACH nothing that spool_append() said 0 to; INTERVAL what was admitted in the last
 * sync_ns; NONE whatever the kernel had not written. To the death of the process alone: nothing, the kernel has it.
 *
 * After a crash. Only the last segment can be anything but complete, since the ones before were synced before it was
 * begun. Its batches are walked: the header's checksum is looked at before its length is used, then the payload's. The
 * file is cut behind the last whole batch. Where a damaged place has whole batches behind it, those stay, and the place
 * stays as it is, to be reported by readers: unsynced writes may reach the disk in any order, and so may decay, and
 * what is whole may have been acknowledged. A file that has no header and no whole batch never came to be; it goes away
 * (it is kept as ".damaged" if it is longer than a header), and the one before is the last. The header tells all that
 * is needed of the segments before (marks, hash), so none of them is read. What was found is synced before it is
 * believed to be durable. If the ledger knows of higher numbers than the segments (a sink acknowledged what a power cut
 * then took away), numbering goes on behind those: a number is never given to a second sample that the ledger could
 * tell from the first.
 *
 * A failed write or sync. A write that found no space is cut off again and the segment goes on. After any other failure
 * the segment gets nothing more: the kernel may have dropped what it could not write and call it clean (so a second
 * sync proves nothing). The batches that were not durable are written from memory (NONE, which keeps none there: all
 * batches of the segment, read back) into a new file under ".new", which is synced, renamed to its first number and its
 * directory synced; only then is the failed one cut back to its durable part. A crash between leaves either the old
 * state or the new one. Batches keep their numbers and hashes, so a reader that had seen them sees nothing new. While
 * no new segment can be made, spool_append() fails and what was admitted stays in memory; with EACH, the batch of the
 * failing call is taken back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "spool/columns.h"
#include "spool/store.h"

#define SEGMENT_BYTES_MIN	(64u << 10)

static int
open_schema(struct spool *s, const struct spool_schema *schema)
{
	struct chain *chain = &s->root->chain;

	int err = schema_read(s->dir, s->disk, chain, &s->schema);
	if (err == ERR_NOTFOUND) {
		err = schema_write(s->dir, s->disk, schema);
		if (err == 0)
			err = schema_read(s->dir, s->disk, chain, &s->schema);
	}
	if (err == 0 && !schema_same(&s->schema.schema, schema))
		return ERR_VERSION;
	return err;
}

static int
make_dir(struct spool *s, const struct spool_schema *schema)
{
	char name[NAME_DIR_MAX], path[DISK_PATH_MAX];

	int err = name_stream(schema->flow, schema->version, name);
	if (err != 0)
		return err;
	/* Room for the longest name in it: a segment's. */
	if ((size_t)snprintf(path, sizeof path, "%s/%s", s->root->path, name) >= sizeof path - 32)
		return ERR_LIMIT;
	s->dir = strdup(path);
	if (s->dir == NULL)
		return ERR_NOMEM;
	err = s->disk->mkdir(s->disk->ctx, s->dir);
	return err != 0 ? err : s->disk->sync_dir(s->disk->ctx, s->root->path);
}

/* A small quota wants small segments: what is deleted to keep it is a whole segment. */
static uint64_t
segment_limit(const struct spool_opts *opts)
{
	uint64_t n = opts->segment_bytes != 0 ? opts->segment_bytes : SPOOL_SEGMENT_BYTES;

	if (opts->quota_bytes != 0 && n > opts->quota_bytes / 8)
		n = opts->quota_bytes / 8 > SEGMENT_BYTES_MIN ? opts->quota_bytes / 8 : SEGMENT_BYTES_MIN;
	return n;
}

static void
set_opts(struct spool *s, const struct spool_opts *opts)
{
	s->opts = *opts;
	s->opts.segment_bytes = segment_limit(opts);
}

int
spool_open(struct spool_root *r, const struct spool_schema *schema, const struct spool_opts *opts, struct spool **out)
{
	*out = NULL;
	struct spool *s = calloc(1, sizeof *s);
	if (s == NULL)
		return ERR_NOMEM;
	s->root = r;
	s->disk = r->disk;
	s->fd = -1;
	set_opts(s, opts);
	int err = make_dir(s, schema);
	if (err == 0)
		err = open_schema(s, schema);
	if (err == 0)
		err = recover(s);
	if (err != 0) {
		spool_close(s);
		return err;
	}
	s->open = true;
	*out = s;
	return 0;
}

/* What is kept in memory, and from where on a failed batch is taken back, must not mix two kinds of durability. */
int
spool_change(struct spool *s, const struct spool_opts *opts)
{
	int err = opts->durability != s->opts.durability ? segment_sync(s) : 0;

	if (err != 0)
		return err == ERR_NOSPACE || err == ERR_NOMEM ? err : ERR_IO;
	set_opts(s, opts);
	return 0;
}

static void
time_range(const struct sample *v, size_t n, struct rec_header *h)
{
	h->t_min = h->t_max = sample_time(&v[0]);
	for (size_t i = 1; i < n; i++) {
		struct wall t = sample_time(&v[i]);
		if (t.ns < h->t_min.ns)
			h->t_min = t;
		if (t.ns > h->t_max.ns)
			h->t_max = t;
	}
}

/* The columns into the root's raw buffer, which grows to the largest batch ever seen and then stays. */
static int
make_columns(struct spool *s, const struct sample *v, size_t n, struct wall sealed, size_t *len)
{
	struct spool_root *r = s->root;

	/* Ends: the room doubles up to a limit. */
	for (;;) {
		struct writer w = wr_init(r->raw, r->room);
		int err = columns_encode(&w, v, n, s->schema.types, s->schema.schema.n, sealed);
		*len = wr_len(&w);
		if (err != ERR_FULL)
			return err;
		if (r->room >= SPOOL_BATCH_BYTES_MAX)
			return ERR_LIMIT;
		err = root_room(r, r->room == 0 ? SPOOL_BATCH_BYTES_MAX : r->room * 2);
		if (err != 0)
			return err;
	}
}

/* The payload, compressed where that pays, into the root's record buffer. */
static int
make_payload(struct spool *s, const struct sample *v, size_t n, struct rec_header *h)
{
	struct spool_root *r = s->root;
	size_t len, packed = 0;

	int err = make_columns(s, v, n, h->sealed, &len);
	if (err != 0)
		return err;
	uint8_t *payload = r->rec + REC_HEADER;
	if (pack_worthwhile(&s->pack, len))
		packed = pack(&r->packer, &s->pack, r->raw, len, payload);
	if (packed == 0)
		memcpy(payload, r->raw, len);
	h->raw_len = (uint32_t)len;
	h->len = (uint32_t)(packed != 0 ? packed : len);
	h->flags = packed != 0 ? REC_ZSTD : 0;
	h->crc = crc32c(0, payload, h->len);
	return 0;
}

/* The batch as it will stand on disk, but for the salt of the segment that takes it. */
static int
make_record(struct spool *s, const struct sample *v, size_t n, const struct spool_mark *mark, struct wall now,
    struct rec_header *h)
{
	*h = (struct rec_header){ .n = (uint32_t)n, .first = s->tail.next, .sealed = now };
	if (mark != NULL)
		h->mark = *mark;
	time_range(v, n, h);
	int err = make_payload(s, v, n, h);
	if (err != 0)
		return err;
	uint8_t *rec = s->root->rec;
	rec_header_put(h, rec);
	return chain_link(
	    &s->root->chain, s->tail.hash, rec + REC_HASHED, REC_HASH - REC_HASHED, rec + REC_HEADER, h->len, h->hash);
}

/* A segment that can take len more bytes, and room in memory where they must be kept until they are durable. */
static int
make_room(struct spool *s, size_t len)
{
	int err = s->broken ? segment_repair(s) : 0;
	if (err == 0 && (s->fd < 0 || (s->off > SEG_HEADER && s->off + len > s->opts.segment_bytes)))
		err = segment_rotate(s);
	if (err == 0 && s->held_len > 0 && s->held_len + len > HELD_MAX)
		err = segment_sync(s);
	return err;
}

static int
write_record(struct spool *s, size_t len)
{
	const struct disk *d = s->disk;

	int err = disk_write_all(d, s->fd, s->root->rec, len, s->off);
	if (err == 0)
		return 0;
	log_error("spool.write_failed", "stream=\"%s\" error=%s", s->dir, err_name(err));
	if (d->truncate(d->ctx, s->fd, s->off) != 0 || err != ERR_NOSPACE)
		s->broken = true;
	return err;
}

/* Back to before a batch that could not be made durable, neither here nor in a segment of its own. */
static void
roll_back(struct spool *s)
{
	s->tail = s->solid;
	s->off = s->solid_off;
	s->held_len = 0;
	if (s->fd >= 0)
		s->disk->truncate(s->disk->ctx, s->fd, s->off);
}

static int
store(struct spool *s, struct rec_header *h)
{
	size_t len = REC_HEADER + h->len;
	bool keep = s->opts.durability != SPOOL_NONE;

	int err = make_room(s, len);
	if (err != 0)
		return err;
	h->salt = s->salt;
	rec_header_put(h, s->root->rec);
	err = keep ? hold(s, s->root->rec, len) : 0;
	if (err != 0)
		return err;
	err = write_record(s, len);
	if (err != 0) {
		s->held_len -= keep ? len : 0;
		return err;
	}
	tail_advance(&s->tail, h);
	s->off += len;
	if (!keep) {
		s->solid = s->tail;
		s->solid_off = s->off;
	}
	if (s->opts.durability == SPOOL_EACH && (err = segment_sync(s)) != 0)
		roll_back(s);
	return err;
}

int
spool_append(
    struct spool *s, const struct sample *v, size_t n, const struct spool_mark *mark, struct wall now, uint64_t *first)
{
	struct rec_header h;

	if (n == 0 || n > SPOOL_BATCH_MAX)
		return ERR_LIMIT;
	s->now = now;
	int err = make_record(s, v, n, mark, now, &h);
	if (err != 0)
		return err;
	err = store(s, &h);
	if (err != 0)
		return err == ERR_NOSPACE || err == ERR_NOMEM ? err : ERR_IO;
	if (s->t_first.ns == 0)
		s->t_first = h.t_min;
	*first = h.first;
	return 0;
}

int
spool_sync(struct spool *s, struct mono now, bool force, struct mono *next)
{
	const int64_t retry_ns = 200 * NS_PER_MS;
	int64_t period = s->opts.sync_ns > 0 ? s->opts.sync_ns : NS_PER_S;
	bool dirty = s->durable != s->tail.next || s->dir_dirty || s->held_len > 0;
	bool due = s->opts.durability == SPOOL_INTERVAL && mono_diff(now, s->last_sync) >= period;

	*next = s->opts.durability == SPOOL_INTERVAL ? mono_add(now, period) : MONO_NEVER;
	if (!dirty)
		return 0;
	if (!due && !force) {
		if (s->opts.durability == SPOOL_INTERVAL)
			*next = mono_add(s->last_sync, period);
		return 0;
	}
	int err = segment_sync(s);
	if (err != 0) {
		*next = mono_add(now, retry_ns);
		return err == ERR_NOSPACE || err == ERR_NOMEM ? err : ERR_IO;
	}
	s->last_sync = now;
	return 0;
}

void
spool_state(const struct spool *s, struct spool_state *out)
{
	*out = (struct spool_state){
		.first = s->nsegs > 0 ? s->segs[0].first : s->tail.next,
		.next = s->tail.next,
		.durable = s->durable,
		.bytes = s->old_bytes + s->off,
		.segments = s->nsegs,
		.cut_bytes = s->cut_bytes,
		.t_first = s->t_first,
		.t_last = s->tail.newest,
	};
	memcpy(out->marks, s->tail.marks, sizeof s->tail.marks);
	memcpy(out->hash, s->tail.hash, SPOOL_HASH);
}

void
spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->open && (s->durable != s->tail.next || s->held_len > 0) && segment_sync(s) != 0)
		log_error("spool.close", "stream=\"%s\" error=\"the last batches may not be durable\"", s->dir);
	if (s->fd >= 0)
		s->disk->close(s->disk->ctx, s->fd);
	schema_free(&s->schema);
	free(s->segs);
	free(s->held);
	free(s->dir);
	free(s);
}
