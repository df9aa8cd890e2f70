/*
 * The journal of events, <state>/insight/events: frames one behind the other, little-endian.
 *
 *	frame	"PEVJ", u32 length of the body, u64 number (rises by one), u32 CRC-32C of number and body, body
 *	body	records, each a kind (u8) and
 *	  'S'	a stream: text16 name, u64 origin, u64 last number given, u64 last number confirmed
 *	  'M'	a declaration: text16 path, u64 no, i64 time, text16 key, u8 trigger, u64 hash of the trigger, u8 shake, u64 stream's number of
 *		the event being acknowledged,
 *		u32 totals times (u64 field, u8 real, u64 bits),
 *		u32 kept times (u64 program, u64 key, u8 length, bytes in host order, see expr_keep()),
 *		u64 sequence of keep.c, u32 places times (u64 epoch, u64 position)
 *	  'E'	an event: text16 stream, text16 path, u64 stream's number, i64 time, i64 arrival, u32 status, u32 length, bytes
 *	text16	u16 length, bytes
 *
 * A later record of a kind takes the place of an earlier one. The file begins with a frame that says all (a snapshot,
 * put in place by rename); each later frame is one group of events: their records, and how the counters stand with
 * them. A frame is written only when the one before it is synced, so a power cut can break the last one alone: a broken
 * frame with a whole one behind it is damage, and is told as such, since events would be numbered and counted twice if
 * it were passed over.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "insight/event_journal.h"
#include "model/path.h"

#define HEAD	20u
#define COUNT_MAX 65536u

static const uint8_t magic[4] = { 'P', 'E', 'V', 'J' };

/* ---- writing ---- */

static void
put(struct buf *b, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> 8 * i));
}

static void
put_text(struct buf *b, const char *s)
{
	size_t n = strlen(s);
	put(b, n, 2);
	buf_put(b, s, n);
}

void
journal_begin(struct buf *out, uint64_t frame)
{
	buf_reset(out);
	out->max = JOURNAL_FILE_MAX;
	buf_put(out, magic, sizeof magic);
	put(out, 0, 4);
	put(out, frame, 8);
	put(out, 0, 4);
}

int
journal_end(struct buf *out)
{
	if (out->err != 0)
		return out->err;
	uint64_t len = out->len - HEAD;
	uint32_t sum = crc32c(crc32c(0, out->p + 8, 8), out->p + HEAD, len);
	for (size_t i = 0; i < 4; i++) {
		out->p[4 + i] = (char)(len >> 8 * i);
		out->p[16 + i] = (char)(sum >> 8 * i);
	}
	return 0;
}

void
journal_put_stream(struct buf *out, const struct event_stream *s)
{
	buf_putc(out, 'S');
	put_text(out, s->name);
	put(out, s->origin, 8);
	put(out, s->last, 8);
	put(out, s->confirmed, 8);
}

void
journal_put_memory(struct buf *out, const struct event_memory *m)
{
	buf_putc(out, 'M');
	put_text(out, m->path);
	put(out, m->no, 8);
	put(out, (uint64_t)m->time_ns, 8);
	put_text(out, m->key);
	put(out, m->raised ? TRIGGER_FALSE : m->trigger, 1);	/* raised and not made: it rises again */
	put(out, m->trigger_of, 8);
	put(out, m->shake == SHAKE_OPEN || m->shake == SHAKE_ACKED ? SHAKE_OPEN : SHAKE_IDLE, 1);
	put(out, m->shake_no, 8);
	put(out, m->ntotals, 4);
	for (uint32_t i = 0; i < m->ntotals; i++) {
		put(out, m->totals[i].field, 8);
		put(out, m->totals[i].real, 1);
		put(out, (uint64_t)m->totals[i].i, 8);
	}
	put(out, m->nkept, 4);
	for (uint32_t i = 0; i < m->nkept; i++) {
		put(out, m->kept[i].prog, 8);
		put(out, m->kept[i].key, 8);
		put(out, m->kept[i].len, 1);
		buf_put(out, m->kept[i].bytes, m->kept[i].len);
	}
	put(out, m->kept_seq, 8);
	put(out, m->nplaces, 4);
	for (uint32_t i = 0; i < m->nplaces; i++) {
		put(out, m->places[i].epoch, 8);
		put(out, m->places[i].pos, 8);
	}
}

void
journal_put_wait(struct buf *out, const struct event_stream *s, const struct event_wait *w)
{
	buf_putc(out, 'E');
	put_text(out, s->name);
	put_text(out, w->path);
	put(out, w->no, 8);
	put(out, (uint64_t)w->time_ns, 8);
	put(out, (uint64_t)w->arrival_ns, 8);
	put(out, w->status, 4);
	put(out, w->len, 4);
	buf_put(out, w->bytes, w->len);
}

/* ---- reading ---- */

static const uint8_t *
text16(struct reader *r, size_t max, size_t *len)
{
	*len = rd_le16(r);
	if (*len > max)
		rd_fail(r, ERR_LIMIT);
	return rd_bytes(r, *len);
}

static void
read_stream(struct events *ev, struct reader *r)
{
	size_t len;
	const uint8_t *name = text16(r, 255, &len);
	uint64_t origin = rd_le64(r), last = rd_le64(r), confirmed = rd_le64(r);

	if (r->err != 0)
		return;
	if (confirmed > last || origin == 0 || memchr(name, 0, len) != NULL) {
		rd_fail(r, ERR_PROTO);
		return;
	}
	struct event_stream *s = event_stream_of(ev, (const char *)name, len);
	s->origin = origin;
	s->last = last;
	s->confirmed = s->sent = confirmed;
	s->dirty = false;
	event_stream_trim(ev, s);
}

static void *
more(void *p, uint32_t n, size_t size)
{
	void *v = reallocarray(p, n + 1, size);
	if (v == NULL)
		fatal("out_of_memory", "what=events");
	return v;
}

static void
read_lists(struct event_memory *m, struct reader *r)
{
	uint32_t n = rd_le32(r);

	if (n > COUNT_MAX || n * 17ull > rd_left(r))
		rd_fail(r, ERR_LIMIT);
	m->ntotals = 0;
	for (uint32_t i = 0; i < n && r->err == 0; i++) {	/* ends: n is bounded by what is left */
		struct event_total *t = event_total_of(m, rd_le64(r));
		t->real = rd_u8(r) != 0;
		t->i = (int64_t)rd_le64(r);
	}
	n = rd_le32(r);
	if (n > COUNT_MAX || n * 17ull > rd_left(r))
		rd_fail(r, ERR_LIMIT);
	m->nkept = 0;
	m->kept = r->err == 0 ? more(m->kept, n, sizeof *m->kept) : m->kept;
	for (uint32_t i = 0; i < n && r->err == 0; i++) {
		struct event_kept *k = &m->kept[i];
		k->prog = rd_le64(r);
		k->key = rd_le64(r);
		k->len = rd_u8(r);
		if (k->len > EXPR_KEEP_MAX)
			rd_fail(r, ERR_LIMIT);
		const uint8_t *bytes = rd_bytes(r, k->len);
		if (r->err != 0)
			return;
		memcpy(k->bytes, bytes, k->len);
		m->nkept++;
	}
	m->kept_seq = rd_le64(r);
	n = rd_le32(r);
	if (n > COUNT_MAX || n * 16ull > rd_left(r))
		rd_fail(r, ERR_LIMIT);
	m->nplaces = 0;
	m->places = r->err == 0 ? more(m->places, n, sizeof *m->places) : m->places;
	for (uint32_t i = 0; i < n && r->err == 0; i++)
		m->places[m->nplaces++] = (struct kept_pos){ rd_le64(r), rd_le64(r) };
}

static void
read_memory(struct events *ev, struct reader *r)
{
	size_t len, key_len;
	const uint8_t *path = text16(r, PATH_LEN_MAX, &len);

	if (r->err != 0 || len == 0 || memchr(path, '\0', len) != NULL) {
		rd_fail(r, ERR_PROTO);
		return;
	}
	struct event_memory *m = event_memory_of(ev, (const char *)path, len);
	m->no = rd_le64(r);
	m->time_ns = (int64_t)rd_le64(r);
	const uint8_t *key = text16(r, EVENT_KEY_BYTES, &key_len);
	m->trigger = rd_u8(r);
	m->trigger_of = rd_le64(r);
	m->shake = rd_u8(r);
	m->shake_no = rd_le64(r);
	if (m->trigger > TRIGGER_TRUE || m->shake > SHAKE_OPEN)
		rd_fail(r, ERR_PROTO);
	if (r->err != 0)
		return;
	memcpy(m->key, key, key_len);
	m->key[key_len] = '\0';
	read_lists(m, r);
	m->dirty = false;
}

static void
read_wait(struct events *ev, struct reader *r)
{
	size_t name_len, len;
	const uint8_t *name = text16(r, 255, &name_len), *path = text16(r, PATH_LEN_MAX, &len);
	uint64_t no = rd_le64(r);
	int64_t time_ns = (int64_t)rd_le64(r), arrival_ns = (int64_t)rd_le64(r);
	uint32_t status = rd_le32(r), n = rd_le32(r);

	if (n > VALUE_BYTES_MAX || (r->err == 0 && (len == 0 || memchr(path, '\0', len) != NULL)))
		rd_fail(r, ERR_LIMIT);
	const uint8_t *bytes = rd_bytes(r, n);
	if (r->err != 0)
		return;
	struct event_stream *s = event_stream_of(ev, (const char *)name, name_len);
	uint64_t newest = s->first != NULL ? s->newest : s->confirmed;
	if (no <= newest)	/* of a snapshot that is repeated, or confirmed since */
		return;
	struct event_wait *w = event_wait_new(s, event_memory_of(ev, (const char *)path, len), no, bytes, n);
	w->time_ns = time_ns;
	w->arrival_ns = arrival_ns;
	w->status = status;
	w->journaled = true;
	ev->bytes += n;
	s->last = no > s->last ? no : s->last;
}

static int
read_body(struct events *ev, struct reader *r)
{
	while (rd_left(r) > 0 && r->err == 0) {	/* ends: each record takes a byte or more */
		switch (rd_u8(r)) {
		case 'S': read_stream(ev, r); break;
		case 'M': read_memory(ev, r); break;
		case 'E': read_wait(ev, r); break;
		default: rd_fail(r, ERR_PROTO); break;
		}
	}
	return r->err;
}

/* A whole frame at p? Its body, number and length. */
static bool
frame_at(const uint8_t *p, size_t len, uint64_t *number, struct reader *body, size_t *size)
{
	struct reader r = rd_init(p, len);
	const uint8_t *m = rd_bytes(&r, 4);
	uint32_t n = rd_le32(&r);

	*number = rd_le64(&r);
	uint32_t sum = rd_le32(&r);
	if (r.err != 0 || memcmp(m, magic, 4) != 0 || n > rd_left(&r) ||
	    crc32c(crc32c(0, p + 8, 8), p + HEAD, n) != sum)
		return false;
	*body = rd_init(p + HEAD, n);
	*size = HEAD + n;
	return true;
}

/* Linear but for false magics, each of which costs a checksum at most: bounded by the file's length over four. */
static bool
frame_behind(const uint8_t *p, size_t len, uint64_t above)
{
	struct reader body;
	uint64_t number;
	size_t size, tries = 0;

	for (size_t i = 1; i + HEAD <= len && tries < 1000; i++) {
		if (p[i] != magic[0] || memcmp(p + i, magic, 4) != 0)
			continue;
		tries++;
		if (frame_at(p + i, len - i, &number, &body, &size) && number > above)
			return true;
	}
	return false;
}

int
journal_read(struct events *ev, const uint8_t *p, size_t len, size_t *good)
{
	struct reader body;
	uint64_t number;
	size_t size;

	*good = 0;
	while (*good < len) {	/* ends: each frame has a head */
		if (!frame_at(p + *good, len - *good, &number, &body, &size))
			return *good == 0 || frame_behind(p + *good, len - *good, ev->frame) ? ERR_PROTO : 0;
		if (ev->frame != 0 && number != ev->frame + 1)
			return ERR_PROTO;
		if (read_body(ev, &body) != 0)
			return ERR_PROTO;
		ev->frame = number;
		*good += size;
	}
	return 0;
}
