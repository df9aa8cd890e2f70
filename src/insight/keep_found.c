/* What a process before this one has kept: read when it begins, and taken up by those whose it is. keep.c has the format. */
#include "insight/keep.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/log.h"

struct kept_item { uint8_t len, bytes[EXPR_KEEP_MAX]; };

static uint64_t
item_key(uint64_t path, uint64_t key)
{
	uint64_t both[2] = { path, key }, h = hash64(both, sizeof both);
	return h != 0 ? h : 1;
}

static int
read_whole(const struct insight *in, const char *name, struct buf *out)
{
	const struct disk *d = in->opts.disk;
	char path[DISK_PATH_MAX];
	struct disk_stat st;
	int fd = d->open(d->ctx, keep_path(in, name, path), DISK_READ);

	if (fd < 0)
		return fd;
	int err = d->fstat(d->ctx, fd, &st);
	if (err == 0 && st.size > KEEP_FILE_MAX)
		err = ERR_LIMIT;
	char *to = err == 0 ? buf_room(out, (size_t)st.size + 1) : NULL;
	if (err == 0)
		err = to == NULL ? out->err : disk_read_all(d, fd, to, (size_t)st.size, 0);
	if (err == 0)
		out->len = (size_t)st.size;
	d->close(d->ctx, fd);
	return err;
}

/* Is the end of it the checksum of the rest? Then *body is the rest. */
static bool
whole(const struct buf *b, struct reader *body)
{
	if (b->len < 8)
		return false;
	struct reader tail = rd_init(b->p + b->len - 4, 4);
	*body = rd_init(b->p, b->len - 4);
	return rd_le32(&tail) == crc32c(0, b->p, b->len - 4);
}

static uint64_t
sequence(const struct buf *b, struct reader *body)
{
	static const uint8_t magic[4] = { 'P', 'K', 'E', 'P' };

	if (!whole(b, body))
		return 0;
	const uint8_t *m = rd_bytes(body, 4);
	uint32_t version = rd_le32(body);
	uint64_t seq = rd_le64(body);
	return body->err == 0 && memcmp(m, magic, 4) == 0 && version == KEEP_VERSION ? seq : 0;
}

static void
read_items(struct insight *in, struct reader *r)
{
	uint32_t rings = rd_le32(r), items = rd_le32(r);

	for (uint32_t i = 0; i < rings && r->err == 0; i++) {	/* ends: each takes 16 bytes, or fails */
		struct kept_pos p = { rd_le64(r), rd_le64(r) };
		if (in->nfound < INSIGHT_RINGS_MAX && r->err == 0)
			in->found[in->nfound++] = p;
	}
	for (uint32_t i = 0; i < items && r->err == 0; i++) {	/* ends: each takes 17 bytes or more, or fails */
		uint64_t path = rd_le64(r), key = rd_le64(r);
		uint8_t len = rd_u8(r);
		const uint8_t *bytes = rd_bytes(r, len);
		if (r->err != 0 || len > EXPR_KEEP_MAX)
			break;
		struct kept_item *k = arena_new(&in->kept_arena, struct kept_item);
		k->len = len;
		memcpy(k->bytes, bytes, len);
		map_put_u64(&in->kept, item_key(path, key), k);
	}
}

static void
read_cursor(struct insight *in)
{
	struct buf b = { .max = KEEP_CURSOR_MAX + 16 };
	struct reader r;

	if (read_whole(in, "cursor", &b) == 0 && b.len >= 12) {
		struct reader head = rd_init(b.p + 4, 4);
		uint32_t n = rd_le32(&head);
		b.len = n <= INSIGHT_RINGS_MAX && b.len >= 12 + n * 16u ? 12 + n * 16u :
		    0;	/* an older, longer one may stand behind it */
		if (whole(&b, &r) && rd_bytes(&r, 8) != NULL)
			for (uint32_t i = 0; i < n; i++)
				in->cursor[in->ncursor++] = (struct kept_pos){ rd_le64(&r), rd_le64(&r) };
	}
	buf_fini(&b);
}

void
keep_open(struct insight *in)
{
	const struct disk *d = in->opts.disk;
	struct buf live = { .max = KEEP_FILE_MAX + 16 }, safe = { .max = KEEP_FILE_MAX + 16 };
	struct reader a, b;
	char path[DISK_PATH_MAX];

	if (in->opts.dir == NULL)
		return;
	d->mkdir(d->ctx, in->opts.dir);
	uint64_t seq_live = read_whole(in, "live", &live) == 0 ? sequence(&live, &a) : 0;
	uint64_t seq_safe = read_whole(in, "safe", &safe) == 0 ? sequence(&safe, &b) : 0;
	in->kept_seq = in->found_seq = seq_live > seq_safe ? seq_live : seq_safe;
	if (in->kept_seq != 0)
		read_items(in, seq_live > seq_safe ? &a : &b);
	else if (live.len > 0 || safe.len > 0)
		log_error("counts_unreadable", "dir=\"%s\" note=\"counts begin anew; check the disk\"", in->opts.dir);
	buf_fini(&live);
	buf_fini(&safe);
	read_cursor(in);
	in->cursor_fd = d->open(d->ctx, keep_path(in, "cursor", path), DISK_WRITE | DISK_CREATE);
	if (in->cursor_fd < 0) {
		log_warn("no_cursor",
		    "path=\"%s\" error=\"%s\" note=\"after a crash some derived samples may be sent twice\"", path,
		    err_text(in->cursor_fd));
		in->cursor_fd = -1;
	}
	log_info("counts_restored", "items=%zu rings=%zu sequence=%llu", in->kept.n, in->nfound,
	    (unsigned long long)in->kept_seq);
}

void
keep_close(struct insight *in)
{
	if (in->cursor_fd >= 0)
		in->opts.disk->close(in->opts.disk->ctx, in->cursor_fd);
	in->cursor_fd = -1;
	map_fini(&in->kept);
	arena_fini(&in->kept_arena);
}

void
keep_restore(struct insight *in, struct prog *g)
{
	uint64_t key;
	uint8_t bytes[EXPR_KEEP_MAX];

	for (size_t i = 0, n = expr_keeps(g->p); i < n; i++) {
		expr_keep(g->p, g->state, i, &key, bytes);
		const struct kept_item *k = map_get_u64(&in->kept, item_key(g->path_hash, key));
		const struct event_kept *newer = g->event != NONE ? event_found(in, g, key) : NULL;
		if (newer != NULL)
			expr_restore(g->p, g->state, key, newer->bytes, newer->len);
		else if (k != NULL)
			expr_restore(g->p, g->state, key, k->bytes, k->len);
	}
	if (expr_keeps(g->p) > 0)
		expr_gap(g->p, g->state);	/* a time that was running is not known to have run on */
}

void
keep_place(struct insight *in, struct held_ring *h)
{
	uint64_t pos = 0;
	bool known = false;

	h->placed = true;
	for (size_t i = 0; i < in->nfound; i++)
		if (in->found[i].epoch == h->epoch) {
			pos = in->found[i].pos;
			known = true;
		}
	for (size_t i = 0; i < in->ncursor; i++)
		if (in->cursor[i].epoch == h->epoch)
			h->quiet_to = in->cursor[i].pos;
	int err = ring_seek(h->r, pos);
	h->missed = known && err == ERR_GAP;
	if (err == ERR_RANGE)
		ring_seek(h->r, 0);
	if (known || h->quiet_to > 0)
		log_info("ring_resumed", "writer=\"%s\" epoch=%016llx pos=%llu sent_to=%llu", h->writer,
		    (unsigned long long)h->epoch,
		    (unsigned long long)ring_pos(h->r), (unsigned long long)h->quiet_to);
}

bool
keep_has(const struct insight *in, uint64_t path, uint64_t key, uint8_t *byte)
{
	const struct kept_item *k = map_get_u64(&in->kept, item_key(path, key));

	if (k == NULL || k->len != 1)
		return false;
	*byte = k->bytes[0];
	return true;
}
