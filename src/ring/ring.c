/*
 * See ring.h. The header's fields are atomics; the data is copied with plain loads while the writer may be changing it, which is
 * why a copy counts only after `reserve` has been looked at again (a sequence lock without a counter: positions never repeat).
 * Under the thread sanitizer those copies go through relaxed atomic words, so that the intended race is no report.
 */
#include "ring/ring.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "os/memfd.h"

#define MAGIC	0x52534e50u	/* "PNSR" */
#define VERSION	1u
#define PAGE	4096u
#define SKIP	0xffffffffu

struct head {
	uint32_t		magic, version;
	uint64_t		size, epoch;
	_Atomic uint64_t	reserve;	/* bytes from here on may be being written */
	_Atomic uint64_t	commit;		/* bytes up to here may be read */
};

struct record {
	uint32_t	len, weight;
	uint64_t	weight_before;
};

struct ring_writer {
	struct head	*head;
	uint8_t		*data;
	uint64_t	 size, pos;	/* pos: of the record being written */
	uint64_t	 reserved;	/* as far as anything may have been written */
	uint64_t	 weight;
};

struct ring_reader {
	const struct head	*head;
	const uint8_t		*data;
	uint64_t		 size, epoch, pos, weight;
	bool			 dead, placed;	/* placed: weight is known, so a gap can be counted */
};

_Static_assert(sizeof(struct head) <= PAGE, "the header fits its page");

static uint64_t
padded(uint64_t len)
{
	return (sizeof(struct record) + len + 7) & ~(uint64_t)7;
}

/* Copies of what may change meanwhile; 8-aligned, whole words. */
static void
copy_out(void *to, const uint8_t *from, size_t len)
{
#if defined(__SANITIZE_THREAD__)
	uint64_t *t = to;
	const _Atomic uint64_t *f = (const _Atomic uint64_t *)(const void *)from;
	for (size_t i = 0; i < (len + 7) / 8; i++) {
		uint64_t w = atomic_load_explicit(&f[i], memory_order_relaxed);
		memcpy(&t[i], &w, len - i * 8 < 8 ? len - i * 8 : 8);
	}
#else
	memcpy(to, from, len);
#endif
}

int
ring_create(const char *name, size_t size, struct ring_writer **out, int *fd)
{
	if (size > RING_SIZE_MAX)
		return ERR_LIMIT;
	size = size < RING_SIZE_MIN ? RING_SIZE_MIN : (size + PAGE - 1) / PAGE * PAGE;
	struct ring_writer *w = calloc(1, sizeof *w);
	int f = w == NULL ? ERR_NOMEM : memfd_new(name, PAGE + size), err = 0;
	if (f < 0) {
		free(w);
		return f;
	}
	w->head = memfd_map_rw(f, PAGE + size);
	if (w->head == NULL)
		err = ERR_NOMEM;
	else
		err = memfd_seal_future_writes(f);
	int ro = err != 0 ? err : memfd_reopen_ro(f);
	memfd_close(f);
	if (ro < 0) {
		memfd_unmap(w->head, PAGE + size);
		free(w);
		return ro;
	}
	w->data = (uint8_t *)w->head + PAGE;
	w->size = size;
	w->head->magic = MAGIC;
	w->head->version = VERSION;
	w->head->size = size;
	w->head->epoch = os_random();
	*out = w;
	*fd = ro;
	return 0;
}

uint64_t
ring_writer_epoch(const struct ring_writer *w)
{
	return w->head->epoch;
}

static struct record *
record_at(struct ring_writer *w, uint64_t pos)
{
	return (struct record *)(void *)(w->data + pos % w->size);
}

void *
ring_reserve(struct ring_writer *w, size_t len)
{
	uint64_t need = padded(len), size = w->size;

	if (len > size / 4)
		return NULL;
	uint64_t to_end = size - w->pos % size;
	uint64_t start = need <= to_end ? w->pos : w->pos + to_end;
	/* Never back: a longer record that was reserved and then committed short may have spoilt what lies behind it. */
	w->reserved = start + need > w->reserved ? start + need : w->reserved;
	atomic_store_explicit(&w->head->reserve, w->reserved, memory_order_relaxed);
	/* The new reserve is seen before any byte of the record: a reader that reads a byte below also sees it. */
	atomic_thread_fence(memory_order_seq_cst);
	if (start != w->pos) {
		record_at(w, w->pos)->len = SKIP;
		w->pos = start;
		atomic_store_explicit(&w->head->commit, start, memory_order_release);
	}
	return record_at(w, w->pos) + 1;
}

void
ring_commit(struct ring_writer *w, size_t len, uint32_t weight)
{
	*record_at(w, w->pos) = (struct record){ .len = (uint32_t)len, .weight = weight, .weight_before = w->weight };
	w->weight += weight;
	w->pos += padded(len);
	atomic_store_explicit(&w->head->commit, w->pos, memory_order_release);
}

void
ring_writer_free(struct ring_writer *w)
{
	if (w == NULL)
		return;
	memfd_unmap(w->head, PAGE + w->size);
	free(w);
}

int
ring_open(int fd, struct ring_reader **out)
{
	int err = memfd_check_sealed(fd);
	size_t len = memfd_size(fd);

	if (err != 0)
		return err;
	if (len < PAGE + RING_SIZE_MIN || len > PAGE + (size_t)RING_SIZE_MAX || len % PAGE != 0)
		return ERR_PROTO;
	const struct head *h = memfd_map_ro(fd, len);
	if (h == NULL)
		return ERR_NOMEM;
	struct ring_reader *r = calloc(1, sizeof *r);
	if (r == NULL || h->magic != MAGIC || h->version != VERSION || h->size != len - PAGE || h->epoch == 0) {
		err = r == NULL ? ERR_NOMEM : h->magic == MAGIC && h->version != VERSION ? ERR_VERSION : ERR_PROTO;
		memfd_unmap(h, len);
		free(r);
		return err;
	}
	/* The size is the file's, which is sealed: the writer may change what the header says at any moment. */
	*r = (struct ring_reader){ .head = h, .data = (const uint8_t *)h + PAGE, .size = len - PAGE, .epoch = h->epoch };
	r->pos = atomic_load_explicit(&h->commit, memory_order_acquire) & ~(uint64_t)7;
	*out = r;
	return 0;
}

uint64_t
ring_epoch(const struct ring_reader *r)
{
	return r->epoch;
}

size_t
ring_size(const struct ring_reader *r)
{
	return r->size;
}

uint64_t
ring_pos(const struct ring_reader *r)
{
	return r->pos;
}

static uint64_t
committed(const struct ring_reader *r)
{
	return atomic_load_explicit(&r->head->commit, memory_order_acquire);
}

/* May the writer have come within one ring size of this position? */
static bool
overwritten(const struct ring_reader *r, uint64_t pos)
{
	atomic_thread_fence(memory_order_acquire);	/* what was copied was copied before this look */
	uint64_t reserve = atomic_load_explicit(&r->head->reserve, memory_order_relaxed);
	return reserve > r->size && pos < reserve - r->size;
}

/* Borders of records are known at the start of the data alone: go on where the writer's lap began, or at the newest record. */
static void
resync(struct ring_reader *r)
{
	/* A lap of the data begins with a record, always; if the writer's own lap is the only whole one left, that is its start. */
	uint64_t commit = committed(r), lap = commit - commit % r->size;
	r->pos = overwritten(r, lap) ? commit : lap;
}

int
ring_seek(struct ring_reader *r, uint64_t pos)
{
	uint64_t commit = committed(r);

	r->placed = pos == 0;	/* nothing was before the beginning, so what is gone of it can be counted */
	r->weight = 0;
	if (pos == UINT64_MAX) {
		r->pos = commit;
		return 0;
	}
	if (pos > commit || (pos & 7) != 0)
		return ERR_RANGE;
	r->pos = pos;
	if (overwritten(r, pos)) {
		resync(r);
		return ERR_GAP;
	}
	return 0;
}

static int
gap(struct ring_reader *r, uint64_t *lost)
{
	/* How much went is known when the next record tells the weight before it; until then nothing is claimed. */
	*lost = 0;
	resync(r);
	return ERR_GAP;
}

static int
dead(struct ring_reader *r)
{
	r->dead = true;
	return ERR_PROTO;
}

int
ring_read(struct ring_reader *r, void *p, size_t size, size_t *len, uint64_t *lost)
{
	/* Ends: at most one skip record can stand before the start of the data. */
	for (int hops = 0; !r->dead && hops < 2; hops++) {
		uint64_t commit = committed(r);
		if (commit < r->pos || (commit & 7) != 0)
			return dead(r);
		if (commit == r->pos)
			return ERR_AGAIN;
		if (overwritten(r, r->pos))
			return gap(r, lost);
		struct record rec;
		uint64_t at = r->pos % r->size;
		if (r->size - at < sizeof rec)	/* only a skip mark fits here */
			rec = (struct record){ .len = SKIP };
		else
			copy_out(&rec, r->data + at, sizeof rec);
		if (rec.len != SKIP && (padded(rec.len) > r->size - at || padded(rec.len) > commit - r->pos)) {
			if (overwritten(r, r->pos))
				return gap(r, lost);
			return dead(r);
		}
		if (rec.len == SKIP) {
			if (overwritten(r, r->pos))
				return gap(r, lost);
			r->pos += r->size - at;
			continue;
		}
		size_t take = rec.len <= size ? rec.len : 0;
		copy_out(p, r->data + at + sizeof rec, take);
		if (overwritten(r, r->pos))
			return gap(r, lost);
		if (r->placed && rec.weight_before != r->weight) {
			if (rec.weight_before < r->weight)
				return dead(r);
			*lost = rec.weight_before - r->weight;
			r->weight = rec.weight_before;
			return ERR_GAP;
		}
		r->placed = true;
		r->weight = rec.weight_before + rec.weight;
		r->pos += padded(rec.len);
		*len = rec.len;
		return take == rec.len ? 0 : ERR_LIMIT;
	}
	return dead(r);
}

void
ring_close(struct ring_reader *r)
{
	if (r == NULL)
		return;
	memfd_unmap(r->head, PAGE + r->size);
	free(r);
}
