/* See receipts.h, where the format stands. */
#include "driver/upstream/receipts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"

static const char magic[8] = { 'P', 'N', 'S', 'T', 'K', 'L', 'N', 'R' };
#define ROW_MAGIC 0x31524c50u	/* "PLR1" */

void
receipt_put(const struct receipt *v, uint8_t out[RECEIPT_ROW])
{
	struct writer w = wr_init(out, RECEIPT_ROW);

	wr_le32(&w, ROW_MAGIC);
	wr_le32(&w, 0);
	wr_le64(&w, v->first);
	wr_le64(&w, v->last);
	wr_le64(&w, v->samples);
	wr_le64(&w, (uint64_t)v->when.ns);
	wr_le64(&w, (uint64_t)v->sealed.ns);
	wr_le32(&w, v->generation);
	wr_le32(&w, v->flags);
	wr_bytes(&w, v->hash, LINK_HASH);
	wr_le64(&w, 0);
	w = wr_init(out + 4, 4);
	wr_le32(&w, crc32c(0, out + 8, RECEIPT_ROW - 8));
}

int
receipt_get(const uint8_t in[RECEIPT_ROW], struct receipt *v)
{
	struct reader r = rd_init(in, RECEIPT_ROW);

	if (rd_le32(&r) != ROW_MAGIC || rd_le32(&r) != crc32c(0, in + 8, RECEIPT_ROW - 8))
		return ERR_CORRUPT;
	v->first = rd_le64(&r);
	v->last = rd_le64(&r);
	v->samples = rd_le64(&r);
	v->when.ns = (int64_t)rd_le64(&r);
	v->sealed.ns = (int64_t)rd_le64(&r);
	v->generation = rd_le32(&r);
	v->flags = rd_le32(&r);
	memcpy(v->hash, rd_bytes(&r, LINK_HASH), LINK_HASH);
	return v->first == 0 || v->last < v->first || rd_le64(&r) != 0 ? ERR_CORRUPT : 0;
}

static void
head_put(const struct receipts *r, uint8_t out[RECEIPT_HEAD])
{
	struct writer w = wr_init(out, RECEIPT_HEAD);

	wr_bytes(&w, magic, sizeof magic);
	wr_le32(&w, 1);
	wr_le32(&w, r->schema);
	wr_le64(&w, r->id);
	wr_bytes(&w, r->schema_hash, LINK_HASH);
	wr_le32(&w, 0);
	wr_le32(&w, crc32c(0, out, RECEIPT_HEAD - 4));
}

static int
head_get(const uint8_t in[RECEIPT_HEAD], uint64_t *id, uint32_t *schema)
{
	struct reader r = rd_init(in + 8, RECEIPT_HEAD - 8), c = rd_init(in + RECEIPT_HEAD - 4, 4);

	if (memcmp(in, magic, sizeof magic) != 0 || rd_le32(&c) != crc32c(0, in, RECEIPT_HEAD - 4))
		return ERR_CORRUPT;
	if (rd_le32(&r) != 1)
		return ERR_VERSION;
	*schema = rd_le32(&r);
	*id = rd_le64(&r);
	return 0;
}

#define BLOCK (RECEIPTS_KEPT + 1)	/* rows read at once */

/*
 * Rows from `from` to before `to`, in order; *end receives up to where they are whole. A damaged row that is not the last
 * is told, since proof is lost with it.
 */
static int
walk(const struct disk *d, int fd, uint64_t from, uint64_t to, uint64_t *end,
    void (*each)(void *arg, const struct receipt *v), void *arg)
{
	uint8_t rows[BLOCK * RECEIPT_ROW];
	struct receipt v;

	for (uint64_t i = from, n; i < to; i += n) {
		n = to - i < BLOCK ? to - i : BLOCK;
		int err = disk_read_all(d, fd, rows, n * RECEIPT_ROW, RECEIPT_HEAD + i * RECEIPT_ROW);
		if (err != 0)
			return err;
		for (uint64_t k = 0; k < n; k++) {
			if (receipt_get(rows + k * RECEIPT_ROW, &v) != 0)
				return i + k + 1 < to ? ERR_CORRUPT : (*end = i + k, 0);
			each(arg, &v);
		}
	}
	*end = to;
	return 0;
}

static uint64_t
rows_of(uint64_t size)
{
	return (size - RECEIPT_HEAD) / RECEIPT_ROW;
}

static void
keep(void *arg, const struct receipt *v)
{
	struct receipts *r = arg;

	if (r->n == RECEIPTS_KEPT) {
		memmove(r->newest, r->newest + 1, (RECEIPTS_KEPT - 1) * sizeof *v);
		r->n--;
	}
	r->newest[r->n++] = *v;
}

static int
open_there(struct receipts *r)
{
	uint8_t head[RECEIPT_HEAD];
	struct disk_stat st;
	uint64_t id = 0;
	uint32_t schema = 0;

	int err = r->disk->fstat(r->disk->ctx, r->fd, &st);
	if (err == 0 && st.size < RECEIPT_HEAD)
		return ERR_CORRUPT;
	if (err == 0)
		err = disk_read_all(r->disk, r->fd, head, sizeof head, 0);
	if (err == 0)
		err = head_get(head, &id, &schema);
	if (err == 0 && (id != r->id || schema != r->schema))
		err = ERR_CORRUPT;
	/* One more than is kept: the last one may be torn. */
	uint64_t n = err == 0 ? rows_of(st.size) : 0;
	if (err == 0)
		err = walk(r->disk, r->fd, n > BLOCK ? n - BLOCK : 0, n, &r->nrows, keep, r);
	if (err == 0 && RECEIPT_HEAD + r->nrows * RECEIPT_ROW < st.size)
		err = r->disk->truncate(r->disk->ctx, r->fd, RECEIPT_HEAD + r->nrows * RECEIPT_ROW);
	return err;
}

/* The file and its folder. Costs some syncs. */
static int
make(struct receipts *r)
{
	uint8_t head[RECEIPT_HEAD];
	char dir[DISK_PATH_MAX];
	int n = snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(r->path, '/') - r->path), r->path);

	if (n < 0 || (size_t)n >= sizeof dir)
		return ERR_LIMIT;
	head_put(r, head);
	int err = r->disk->mkdir(r->disk->ctx, dir);
	if (err == 0)
		err = disk_sync_parent(r->disk, dir);
	if (err == 0)
		err = disk_replace(r->disk, r->path, head, sizeof head);
	return err;
}

int
receipts_open(struct receipts *r, const struct disk *disk, const char *dir, uint64_t id, uint32_t schema,
    const uint8_t schema_hash[LINK_HASH])
{
	*r = (struct receipts){ .disk = disk, .fd = -1, .id = id, .schema = schema };
	memcpy(r->schema_hash, schema_hash, LINK_HASH);
	if ((size_t)snprintf(r->path, sizeof r->path, "%s/%016llx.receipts", dir, (unsigned long long)id) >= sizeof r->path)
		return ERR_LIMIT;
	r->fd = disk->open(disk->ctx, r->path, DISK_READ | DISK_WRITE);
	if (r->fd == ERR_NOTFOUND)
		return 0;
	int err = r->fd < 0 ? r->fd : open_there(r);
	if (err != 0)
		receipts_close(r);
	return err;
}

static void
pass(void *arg, const struct receipt *v)
{
	(void)arg;
	(void)v;
}

int
receipts_check(const struct receipts *r)
{
	uint64_t end;

	return r->fd < 0 ? 0 : walk(r->disk, r->fd, 0, r->nrows, &end, pass, NULL);
}

void
receipts_close(struct receipts *r)
{
	if (r->disk != NULL && r->fd >= 0)
		r->disk->close(r->disk->ctx, r->fd);
	r->fd = -1;
}

void
receipts_free(struct receipts *r)
{
	if (r != NULL)
		receipts_close(r);
	free(r);
}

struct fold { struct buf *out; struct receipt sum; uint64_t left; };

static void
put_row(struct buf *out, const struct receipt *v)
{
	uint8_t row[RECEIPT_ROW];
	receipt_put(v, row);
	buf_put(out, row, sizeof row);
}

/* Old rows become one sum as long as they are one unbroken run of a generation. */
static void
fold(void *arg, const struct receipt *v)
{
	struct fold *f = arg;
	struct receipt *s = &f->sum;
	bool old = f->left > RECEIPTS_KEPT;

	f->left--;
	if (old && s->first != 0 && v->generation == s->generation && ((v->flags | s->flags) & RECEIPT_LOST) == 0 && (v->flags & RECEIPT_GAP) == 0 &&
	    v->first == s->last + 1) {
		uint32_t chained = s->flags & v->flags & RECEIPT_CHAINED;
		uint64_t first = s->first, samples = s->samples + v->samples;
		uint32_t gap = s->flags & RECEIPT_GAP;
		*s = *v;
		s->first = first;
		s->samples = samples;
		s->flags = RECEIPT_SUM | chained | gap;
		return;
	}
	if (s->first != 0)
		put_row(f->out, s);
	s->first = 0;
	if (old)
		*s = *v;
	else
		put_row(f->out, v);
}

static int
shorten(struct receipts *r)
{
	struct buf out = { 0 };
	struct fold f = { .out = &out, .left = r->nrows };
	uint8_t head[RECEIPT_HEAD];
	uint64_t end;

	head_put(r, head);
	buf_put(&out, head, sizeof head);
	int err = walk(r->disk, r->fd, 0, r->nrows, &end, fold, &f);
	if (err == 0)
		err = out.err != 0 ? out.err : disk_replace(r->disk, r->path, out.p, out.len);
	if (err == 0) {
		receipts_close(r);
		r->fd = r->disk->open(r->disk->ctx, r->path, DISK_READ | DISK_WRITE);
		r->nrows = (out.len - RECEIPT_HEAD) / RECEIPT_ROW;
		err = r->fd < 0 ? r->fd : 0;
	}
	buf_fini(&out);
	return err;
}

int
receipts_save(struct receipts *r, const struct receipt *v, uint32_t n)
{
	struct buf out = { 0 };

	for (uint32_t i = 0; i < n; i++)
		put_row(&out, &v[i]);
	int err = out.err;
	if (err == 0 && r->fd < 0) {	/* the first rows; or it was lost when it was written anew */
		r->fd = r->disk->open(r->disk->ctx, r->path, DISK_READ | DISK_WRITE);
		if (r->fd == ERR_NOTFOUND && r->nrows == 0 && (err = make(r)) == 0)
			r->fd = r->disk->open(r->disk->ctx, r->path, DISK_READ | DISK_WRITE);
	}
	if (err == 0)
		err = r->fd < 0 ? r->fd : 0;
	if (err == 0)
		err = disk_write_all(r->disk, r->fd, out.p, out.len, RECEIPT_HEAD + r->nrows * RECEIPT_ROW);
	if (err == 0)
		err = r->disk->sync(r->disk->ctx, r->fd);
	buf_fini(&out);
	if (err != 0)
		return err;
	r->nrows += n;
	if (r->nrows > RECEIPTS_MAX)
		shorten(r);	/* whether it works or not, these rows are on disk */
	return 0;
}

void
receipts_note(struct receipts *r, const struct receipt *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		keep(r, &v[i]);
}

int
receipts_add(struct receipts *r, const struct receipt *v, uint32_t n)
{
	int err = receipts_save(r, v, n);

	if (err == 0)
		receipts_note(r, v, n);
	return err;
}

int
receipts_read(const struct disk *d, const char *path, uint64_t *id, uint32_t *schema, void (*each)(void *arg, const struct receipt *v), void *arg)
{
	uint8_t head[RECEIPT_HEAD];
	struct disk_stat st;
	uint64_t end;
	int fd = d->open(d->ctx, path, DISK_READ);

	if (fd < 0)
		return fd;
	int err = d->fstat(d->ctx, fd, &st);
	if (err == 0 && st.size < RECEIPT_HEAD)
		err = ERR_CORRUPT;
	if (err == 0)
		err = disk_read_all(d, fd, head, sizeof head, 0);
	if (err == 0)
		err = head_get(head, id, schema);
	if (err == 0)
		err = walk(d, fd, 0, rows_of(st.size), &end, each, arg);
	d->close(d->ctx, fd);
	return err;
}
