/* See scan.h. */
#include "spool/scan.h"

#include <stdlib.h>

#include "base/crc32c.h"

#define WINDOW (64u << 10)

void
scan_init(struct scan *s, const struct disk *disk)
{
	*s = (struct scan){ .disk = disk, .fd = -1 };
}

void
scan_fini(struct scan *s)
{
	free(s->buf);
	s->buf = NULL;
	s->cap = s->len = 0;
}

static int
grow(struct scan *s, size_t want)
{
	size_t cap = s->cap == 0 ? WINDOW : s->cap;
	while (cap < want)
		cap *= 2;
	if (cap == s->cap)
		return 0;
	uint8_t *p = realloc(s->buf, cap);
	if (p == NULL)
		return ERR_NOMEM;
	s->buf = p;
	s->cap = cap;
	return 0;
}

/*
 * Bring [off, off + want) into the window, as far as the file has it. Returns the bytes there, maybe more, or an error.
 */
static ssize_t
window(struct scan *s, uint64_t off, size_t want, const uint8_t **p)
{
	bool inside = off >= s->at && off - s->at <= s->len;
	size_t skip = inside ? (size_t)(off - s->at) : 0;

	if (!inside || s->len - skip < want) {
		int err = grow(s, want);
		if (err != 0)
			return err;
		s->len = inside ? s->len - skip : 0;
		if (s->len > 0)
			memmove(s->buf, s->buf + skip, s->len);
		s->at = off;
		skip = 0;
	}
	while (s->len - skip < want) {
		ssize_t n = s->disk->pread(s->disk->ctx, s->fd, s->buf + s->len, s->cap - s->len, s->at + s->len);
		if (n < 0)
			return n;
		if (n == 0)
			break;
		s->len += (size_t)n;
	}
	*p = s->buf + skip;
	return (ssize_t)(s->len - skip);
}

int
scan_start(struct scan *s, int fd, struct seg_header *h)
{
	const uint8_t *p;

	s->fd = fd;
	s->off = SEG_HEADER;
	s->salted = false;
	s->len = 0;
	ssize_t n = window(s, 0, SEG_HEADER, &p);
	if (n < 0)
		return (int)n;
	if (n < (ssize_t)SEG_HEADER)
		return ERR_AGAIN;
	int err = seg_header_get(p, h);
	if (err == 0) {
		s->salted = true;
		s->salt = h->salt;
	}
	return err;
}

int
scan_header(struct scan *s, struct rec_header *h)
{
	const uint8_t *p;

	ssize_t n = window(s, s->off, REC_HEADER, &p);
	if (n < 0)
		return (int)n;
	if (n < (ssize_t)REC_HEADER)
		return ERR_AGAIN;
	int err = rec_header_get(p, h);
	if (err == 0 && s->salted && h->salt != s->salt)
		err = ERR_CORRUPT;
	return err;
}

int
scan_payload(struct scan *s, const struct rec_header *h, const uint8_t **payload)
{
	const uint8_t *p;

	ssize_t n = window(s, s->off, REC_HEADER + h->len, &p);
	if (n < 0)
		return (int)n;
	if (n < (ssize_t)scan_size(h))
		return ERR_AGAIN;
	if (crc32c(0, p + REC_HEADER, h->len) != h->crc)
		return ERR_GAP;
	s->salted = true;
	s->salt = h->salt;
	*payload = p + REC_HEADER;
	return 0;
}

const uint8_t *
scan_stored(const struct scan *s)
{
	return s->buf + (s->off - s->at);
}

/* Is there a whole batch at off? 0, ERR_END if not, or a disk error. */
static int
whole_at(struct scan *s, uint64_t off, struct rec_header *h)
{
	const uint8_t *payload;
	uint64_t was = s->off;

	s->off = off;
	int err = scan_header(s, h);
	if (err == 0)
		err = scan_payload(s, h, &payload);
	if (err == 0)
		return 0;
	s->off = was;
	return err == ERR_AGAIN || err == ERR_CORRUPT || err == ERR_GAP ? ERR_END : err;
}

int
scan_find(struct scan *s, uint64_t from, struct rec_header *h)
{
	static const uint8_t magic[4] = { REC_MAGIC & 0xff, REC_MAGIC >> 8 & 0xff, REC_MAGIC >> 16 & 0xff,
		REC_MAGIC >> 24 };
	const uint8_t *p;

	/* Ends: from grows with every turn, and a turn without a header's worth of bytes left is the last. */
	for (;;) {
		ssize_t n = window(s, from, REC_HEADER, &p);
		if (n < 0)
			return (int)n;
		if (n < (ssize_t)REC_HEADER)
			return ERR_END;
		const uint8_t *hit = memmem(p, (size_t)n, magic, sizeof magic);
		if (hit == NULL) {
			from += (uint64_t)n - (sizeof magic - 1);
			continue;
		}
		from += (uint64_t)(hit - p);
		int err = whole_at(s, from, h);
		if (err != ERR_END)
			return err;
		from++;
	}
}
