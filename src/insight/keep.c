/*
 * What outlives the process, in a folder of its own, as it is written; keep_found.c reads it back.
 *
 *	live, safe	counts (counter, edges, run_time, latch) together with the place in each ring that they belong to
 *	cursor		how far in each ring what was derived has been sent
 *
 * live and safe, little-endian:
 *	"PKEP", u32 version 1, u64 sequence, u32 rings, u32 items
 *	rings times:	u64 epoch, u64 position
 *	items times:	u64 hash of the tag's path, u64 key of the part of the expression, u8 length, bytes (host order:
 *			expr_keep())
 *	u32 CRC-32C of all before
 *	Of an event also an item with the hash of its path, key KEEP_TRIGGER and one byte: its trigger as it was last.
 *
 * cursor, little-endian:	"PCUR", u32 count, count times (u64 epoch, u64 position), u32 CRC-32C
 *
 * The argument. All counts and positions of one file were taken between two records, so they belong together: whoever
 * restores the counts and reads on from the positions comes to the counts that would have been, each record counted
 * once. What a ring no longer holds is counted all the same where a reading is compared with the last one
 * (counter); edges and run_time lose it, and know that there was a gap.
 *
 * Killed: `live` is written aside and renamed, at least every second, and not synced; the page cache outlives a
 * process, so it is there whole. Records between it and the kill are read again, for the counts alone as far as
 * `cursor` says that their results were sent. `cursor` is written with one pwrite of less than a page after each turn,
 * behind the sending: killed between the two, the results of one turn are sent twice, never lost. A cursor that cannot
 * be read lets everything pass that is read again, with the same effect.
 *
 * Power cut: rings are gone with the memory. `safe` is replaced with all the syncs that this takes, every 10 s and at
 * the end; the one of the two with the higher sequence that is whole counts, so a `live` that the cut has torn does no
 * harm.
 */
#include "insight/keep.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/log.h"

#define LIVE_NS		NS_PER_S
#define SAFE_NS		(10 * NS_PER_S)
#define BYTES_A_SECOND	(8u << 20)	/* what keeping may write: a large file is written less often */

static const struct held_ring *
placed_ring(const struct insight *in, uint64_t epoch)
{
	for (const struct held_ring *h = in->rings; h != NULL; h = h->next)
		if (h->placed && h->epoch == epoch)
			return h;
	return NULL;
}

/*
 * A ring that was found and is not handed to this process yet keeps its place: whoever comes next would else read it from its
 * beginning, and count it again. So does one that has ended, as long as there is room: it may be handed out once more.
 */
size_t
keep_positions(const struct insight *in, struct kept_pos out[INSIGHT_RINGS_MAX])
{
	size_t n = 0;

	for (const struct held_ring *h = in->rings; h != NULL && n < INSIGHT_RINGS_MAX; h = h->next)
		if (h->placed)
			out[n++] = (struct kept_pos){ h->epoch, ring_pos(h->r) };
	for (size_t i = in->nfound; i > 0 && n < INSIGHT_RINGS_MAX; i--)
		if (placed_ring(in, in->found[i - 1].epoch) == NULL)
			out[n++] = in->found[i - 1];
	return n;
}

void
keep_ended(struct insight *in, const struct held_ring *h)
{
	size_t i = 0;

	if (!h->placed)
		return;
	while (i < in->nfound && in->found[i].epoch != h->epoch)
		i++;
	if (i == INSIGHT_RINGS_MAX)	/* the oldest makes room */
		i = 0;
	if (i == in->nfound)
		in->nfound++;
	memmove(&in->found[i], &in->found[i + 1], (in->nfound - 1 - i) * sizeof in->found[0]);
	in->found[in->nfound - 1] = (struct kept_pos){ h->epoch, ring_pos(h->r) };
}

/* How far what was derived from this ring has been sent. */
static uint64_t
sent_to(const struct insight *in, const struct kept_pos *at)
{
	const struct held_ring *h = placed_ring(in, at->epoch);
	uint64_t pos = h != NULL && h->quiet_to > at->pos ? h->quiet_to : at->pos;

	for (size_t i = 0; h == NULL && i < in->ncursor; i++)
		if (in->cursor[i].epoch == at->epoch && in->cursor[i].pos > pos)
			pos = in->cursor[i].pos;
	return pos;
}

void
keep_cursor(struct insight *in)
{
	uint8_t bytes[KEEP_CURSOR_MAX] = { 'P', 'C', 'U', 'R' };
	struct writer w = wr_init(bytes + 4, sizeof bytes - 4);
	struct kept_pos v[INSIGHT_RINGS_MAX];
	size_t n = keep_positions(in, v);

	if (!in->cursor_dirty || in->cursor_fd < 0)
		return;
	in->cursor_dirty = false;
	wr_le32(&w, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {	/* what is read again now was sent up to quiet_to */
		wr_le64(&w, v[i].epoch);
		wr_le64(&w, sent_to(in, &v[i]));
	}
	wr_le32(&w, crc32c(0, bytes, 4 + wr_len(&w)));
	const struct disk *d = in->opts.disk;
	ssize_t done = d->pwrite(d->ctx, in->cursor_fd, bytes, 4 + wr_len(&w), 0);
	if (done != (ssize_t)(4 + wr_len(&w)))
		in->f.save_errors++;
}

static void
put(struct buf *b, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> 8 * i));
}

/* All that is to be kept as it stands now, between two records. */
static void
write_items(struct insight *in, struct buf *b)
{
	struct kept_pos v[INSIGHT_RINGS_MAX];
	size_t n = keep_positions(in, v), items = 0;
	uint8_t bytes[EXPR_KEEP_MAX];
	uint64_t key;

	buf_put(b, "PKEP", 4);
	put(b, KEEP_VERSION, 4);
	put(b, ++in->kept_seq, 8);
	put(b, n, 4);
	put(b, 0, 4);
	for (size_t i = 0; i < n; i++) {
		put(b, v[i].epoch, 8);
		put(b, v[i].pos, 8);
	}
	for (uint32_t i = 0; in->s != NULL && i < in->s->nprogs; i++) {
		const struct prog *g = &in->s->progs[i];
		/* One that is ahead of the rings: the journal of events has it, with its own places. */
		bool ahead = g->event != NONE && in->s->events[g->event].m->passing;
		for (size_t k = 0, m = ahead ? 0 : expr_keeps(g->p); k < m; k++) {
			size_t len = expr_keep(g->p, g->state, k, &key, bytes);
			put(b, g->path_hash, 8);
			put(b, key, 8);
			put(b, len, 1);
			buf_put(b, bytes, len);
			items++;
		}
	}
	for (uint32_t i = 0; in->s != NULL && i < in->s->nevents; i++) {
		const struct event_memory *m = in->s->events[i].m;
		if (m->passing)
			continue;
		put(b, m->hash, 8);
		put(b, KEEP_TRIGGER ^ m->trigger_of, 8);
		put(b, 1, 1);
		put(b, m->raised ? TRIGGER_FALSE : m->trigger, 1);	/* not made yet: it would rise again */
		items++;
	}
	if (b->err != 0)
		return;
	for (size_t i = 0; i < 4; i++)
		b->p[20 + i] = (char)(items >> 8 * i);
	put(b, crc32c(0, b->p, b->len), 4);
}

/* Aside and renamed, without syncs: whole for whoever reads it while this machine runs. */
static int
replace_unsynced(const struct disk *d, const char *path, const struct buf *b)
{
	char aside[DISK_PATH_MAX + 8];

	snprintf(aside, sizeof aside, "%s.new", path);
	int fd = d->open(d->ctx, aside, DISK_WRITE | DISK_CREATE);
	if (fd < 0)
		return fd;
	int err = d->truncate(d->ctx, fd, 0);
	if (err == 0)
		err = disk_write_all(d, fd, b->p, b->len, 0);
	d->close(d->ctx, fd);
	return err != 0 ? err : d->rename(d->ctx, aside, path);
}

static int
save(struct insight *in, bool safe, size_t *len)
{
	struct buf b = { .max = KEEP_FILE_MAX };
	char path[DISK_PATH_MAX];

	write_items(in, &b);
	int err = b.err;
	if (err == 0)
		err = safe ? disk_replace(in->opts.disk, keep_path(in, "safe", path), b.p, b.len) :
		    replace_unsynced(in->opts.disk, keep_path(in, "live", path), &b);
	in->f.saves++;
	if (err != 0 && in->f.save_errors++ % 60 == 0)
		log_error("counts_not_kept",
		    "dir=\"%s\" error=\"%s\" note=\"a restart now would lose what was counted since; make room or "
		    "repair the disk\"", in->opts.dir, err_text(err));
	*len = b.len;
	buf_fini(&b);
	return err;
}

static bool
anything_kept(const struct insight *in)
{
	for (uint32_t i = 0; in->s != NULL && i < in->s->nprogs; i++)
		if (expr_keeps(in->s->progs[i].p) > 0)
			return true;
	return in->s != NULL && in->s->nevents > 0;
}

int64_t
keep_turn(struct insight *in, int64_t now_ns)
{
	size_t len = 0;

	if (in->opts.dir == NULL || !in->keeping)
		return 0;
	if (in->live_ns - now_ns > 600 * NS_PER_S)	/* the clock went back */
		in->live_ns = in->safe_ns = 0;
	if (!in->state_dirty)
		return 0;
	if (now_ns >= in->live_ns) {
		bool safe = now_ns >= in->safe_ns;
		save(in, safe, &len);
		in->state_dirty = false;
		int64_t rest = (int64_t)((double)len / BYTES_A_SECOND * 1e9);
		in->live_ns = now_ns + (rest > LIVE_NS ? rest : LIVE_NS);
		if (safe)
			in->safe_ns = now_ns + (rest > SAFE_NS ? rest : SAFE_NS);
	}
	return in->live_ns;
}

void
keep_plan(struct insight *in)
{
	in->keeping = in->opts.dir != NULL && anything_kept(in);
	in->live_ns = 0;
	in->state_dirty = true;
}

int
insight_save(struct insight *in, struct wall now)
{
	size_t len;

	if (!in->keeping)
		return 0;
	int err = save(in, true, &len);
	in->safe_ns = now.ns + SAFE_NS;
	return err;
}
