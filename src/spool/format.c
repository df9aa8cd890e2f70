/* See format.h; the layout is explained in append.c. */
#include "spool/format.h"

#include "base/bytes.h"
#include "base/crc32c.h"

#define SEG_CRC (SEG_HEADER - 4)

static const uint8_t seg_magic[8] = "PNSTKSEG";

static void
put_mark(struct writer *w, const struct spool_mark *m)
{
	wr_le64(w, m->epoch);
	wr_le64(w, m->pos);
	wr_le64(w, m->low);
}

static struct spool_mark
get_mark(struct reader *r)
{
	struct spool_mark m = { .epoch = rd_le64(r) };
	m.pos = rd_le64(r);
	m.low = rd_le64(r);
	return m;
}

static struct wall
get_wall(struct reader *r)
{
	return (struct wall){ (int64_t)rd_le64(r) };
}

void
seg_header_put(struct seg_header *h, uint8_t out[SEG_HEADER])
{
	struct writer w = wr_init(out, SEG_HEADER);

	memset(out, 0, SEG_HEADER);
	wr_bytes(&w, seg_magic, sizeof seg_magic);
	wr_le32(&w, h->version);
	wr_le32(&w, h->schema);
	wr_le64(&w, h->before.next);
	wr_le64(&w, (uint64_t)h->created.ns);
	wr_le64(&w, (uint64_t)h->before.sealed.ns);
	wr_le64(&w, (uint64_t)h->before.newest.ns);
	wr_bytes(&w, h->before.hash, SPOOL_HASH);
	for (unsigned i = 0; i < SPOOL_MARKS; i++)
		put_mark(&w, &h->before.marks[i]);
	h->salt = crc32c(0, out, SEG_CRC);
	w = wr_init(out + SEG_CRC, 4);
	wr_le32(&w, h->salt);
}

int
seg_header_get(const uint8_t in[SEG_HEADER], struct seg_header *out)
{
	struct reader r = rd_init(in + SEG_CRC, 4);

	*out = (struct seg_header){ .salt = rd_le32(&r) };
	if (memcmp(in, seg_magic, sizeof seg_magic) != 0 || crc32c(0, in, SEG_CRC) != out->salt)
		return ERR_CORRUPT;
	r = rd_init(in + sizeof seg_magic, SEG_CRC - sizeof seg_magic);
	out->version = rd_le32(&r);
	if (out->version != SPOOL_FORMAT)
		return ERR_VERSION;
	out->schema = rd_le32(&r);
	out->before.next = rd_le64(&r);
	out->created = get_wall(&r);
	out->before.sealed = get_wall(&r);
	out->before.newest = get_wall(&r);
	memcpy(out->before.hash, rd_bytes(&r, SPOOL_HASH), SPOOL_HASH);
	for (unsigned i = 0; i < SPOOL_MARKS; i++)
		out->before.marks[i] = get_mark(&r);
	return r.err != 0 || out->before.next == 0 ? ERR_CORRUPT : 0;
}

static void
seal(uint8_t rec[REC_HEADER])
{
	struct writer w = wr_init(rec + 4, 4);
	wr_le32(&w, crc32c(0, rec + 8, REC_HEADER - 8));
}

void
rec_header_put(const struct rec_header *h, uint8_t out[REC_HEADER])
{
	struct writer w = wr_init(out, REC_HEADER);

	wr_le32(&w, REC_MAGIC);
	wr_le32(&w, 0);
	wr_le32(&w, h->salt);
	wr_le32(&w, h->len);
	wr_le32(&w, h->crc);
	wr_le32(&w, h->raw_len);
	wr_le32(&w, h->n);
	wr_le32(&w, h->flags);
	wr_le64(&w, h->first);
	wr_le64(&w, (uint64_t)h->sealed.ns);
	wr_le64(&w, (uint64_t)h->t_min.ns);
	wr_le64(&w, (uint64_t)h->t_max.ns);
	put_mark(&w, &h->mark);
	wr_bytes(&w, h->hash, SPOOL_HASH);
	seal(out);
}

void
rec_header_resalt(uint8_t rec[REC_HEADER], uint32_t salt)
{
	struct writer w = wr_init(rec + 8, 4);
	wr_le32(&w, salt);
	seal(rec);
}

int
rec_header_get(const uint8_t in[REC_HEADER], struct rec_header *out)
{
	struct reader r = rd_init(in, REC_HEADER);

	if (rd_le32(&r) != REC_MAGIC || rd_le32(&r) != crc32c(0, in + 8, REC_HEADER - 8))
		return ERR_CORRUPT;
	*out = (struct rec_header){ .salt = rd_le32(&r) };
	out->len = rd_le32(&r);
	out->crc = rd_le32(&r);
	out->raw_len = rd_le32(&r);
	out->n = rd_le32(&r);
	out->flags = rd_le32(&r);
	out->first = rd_le64(&r);
	out->sealed = get_wall(&r);
	out->t_min = get_wall(&r);
	out->t_max = get_wall(&r);
	out->mark = get_mark(&r);
	memcpy(out->hash, rd_bytes(&r, SPOOL_HASH), SPOOL_HASH);
	/* Checksums say that gate wrote this; limits are kept all the same, a reader sizes its memory by them. */
	if (r.err != 0 || out->n == 0 || out->n > SPOOL_BATCH_MAX || out->len > SPOOL_BATCH_BYTES_MAX ||
	    out->raw_len > SPOOL_BATCH_BYTES_MAX || out->first == 0 || out->first > UINT64_MAX - SPOOL_BATCH_MAX)
		return ERR_CORRUPT;
	return 0;
}

static void
remember(struct spool_mark marks[SPOOL_MARKS], const struct spool_mark *m)
{
	unsigned at = 0;

	while (at < SPOOL_MARKS - 1 && marks[at].epoch != 0 && marks[at].epoch != m->epoch)
		at++;
	memmove(&marks[1], &marks[0], at * sizeof marks[0]);
	marks[0] = *m;
}

void
tail_advance(struct tail *t, const struct rec_header *h)
{
	t->next = h->first + h->n;
	memcpy(t->hash, h->hash, SPOOL_HASH);
	t->sealed = h->sealed;
	t->newest = h->t_max;
	if (h->mark.epoch != 0)
		remember(t->marks, &h->mark);
}
