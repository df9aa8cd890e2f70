/* See claim.h, where the format stands. */
#include "driver/upstream/claim.h"

#include "base/bytes.h"
#include "base/crc32c.h"

#define SIZE	56u
static const char magic[4] = { 'P', 'S', 'N', 'T' };

int
claim_write(const struct disk *d, int fd, const struct claim *c)
{
	uint8_t p[SIZE];
	struct writer w = wr_init(p, sizeof p);

	wr_bytes(&w, magic, sizeof magic);
	wr_le32(&w, 0);
	wr_le64(&w, c->id);
	wr_le64(&w, c->session);
	wr_le32(&w, c->stream);
	wr_le32(&w, 0);
	wr_le64(&w, c->first);
	wr_le64(&w, c->last);
	wr_le64(&w, (uint64_t)c->when.ns);
	w = wr_init(p + 4, 4);
	wr_le32(&w, crc32c(0, p + 8, SIZE - 8));
	return disk_write_all(d, fd, p, sizeof p, 0);
}

int
claim_read(const struct disk *d, const char *path, struct claim *out)
{
	uint8_t p[SIZE];
	struct reader r = rd_init(p + 4, SIZE - 4);
	int fd = d->open(d->ctx, path, DISK_READ);

	if (fd < 0)
		return fd;
	int err = disk_read_all(d, fd, p, sizeof p, 0);
	d->close(d->ctx, fd);
	if (err != 0)
		return err == ERR_END ? ERR_CORRUPT : err;
	if (memcmp(p, magic, sizeof magic) != 0 || rd_le32(&r) != crc32c(0, p + 8, SIZE - 8))
		return ERR_CORRUPT;
	out->id = rd_le64(&r);
	out->session = rd_le64(&r);
	out->stream = rd_le32(&r);
	(void)rd_le32(&r);
	out->first = rd_le64(&r);
	out->last = rd_le64(&r);
	out->when.ns = (int64_t)rd_le64(&r);
	return 0;
}
