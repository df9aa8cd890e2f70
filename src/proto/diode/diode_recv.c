/* See diode_recv.h. What of a datagram may change anything, in order: its form, its session, its parameters, its place, its MAC. */
#include "proto/diode/diode_recv.h"

#include <stdlib.h>
#include <string.h>

#include "proto/diode/diode_recv_int.h"

struct diode_recv *
diode_recv_new(const struct diode_recv_conf *conf)
{
	struct diode_recv *r = diode_params_ok(&conf->params) ? calloc(1, sizeof *r) : NULL;

	if (r == NULL)
		return NULL;
	r->conf = *conf;
	if (r->conf.hold_blocks == 0 || r->conf.hold_blocks > DIODE_WINDOW / 2)
		r->conf.hold_blocks = DIODE_WINDOW / 2;
	r->inversions = conf->inversions_per_s;
	r->fec = diode_fec_new(conf->params.k, conf->params.p);
	if (r->fec == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

static void
end_session(struct diode_recv *r)
{
	for (size_t i = 0; i < DIODE_STREAMS_MAX; i++)
		if (r->streams[i].id != 0)
			stream_end(r, &r->streams[i]);
	r->session = 0;
	r->floor = 0;
}

void
diode_recv_free(struct diode_recv *r)
{
	if (r == NULL)
		return;
	r->conf.lost = NULL;
	for (size_t i = 0; i < DIODE_STREAMS_MAX; i++) {
		for (uint64_t b = 0; b < DIODE_WINDOW; b++)
			block_drop(r, &r->streams[i], b);
		free(r->streams[i].body);
	}
	diode_fec_free(r->fec);
	free(r);
}

static struct rstream *
find(struct diode_recv *r, uint32_t stream)
{
	for (size_t i = 0; i < DIODE_STREAMS_MAX; i++)
		if (r->streams[i].id == stream)
			return &r->streams[i];
	return NULL;
}

/*
 * A stream that is heard of for the first time. One that is near its beginning is taken from there: what was before this block may still come. Else this
 * receiver has joined late, and takes what one group back can still bring.
 */
static struct rstream *
stream_new(struct diode_recv *r, uint32_t stream, uint64_t block, struct mono now)
{
	struct rstream *st = find(r, 0);

	if (stream <= r->floor)
		return NULL;
	if (st == NULL) {
		/* Full: the one that has been silent for longest is over. Numbers only grow, so what comes of it still is a repeat. */
		for (size_t i = 0; i < DIODE_STREAMS_MAX; i++)
			if (st == NULL || mono_before(r->streams[i].used_at, st->used_at))
				st = &r->streams[i];
		r->floor = st->id > r->floor ? st->id : r->floor;
		stream_end(r, st);
	}
	*st = (struct rstream){ .id = stream, .used_at = now };
	st->base = st->known = block < r->conf.hold_blocks ? 0 : block - r->conf.params.depth;
	for (size_t i = 0; i < DIODE_WINDOW; i++)
		st->since[i] = MONO_NEVER;
	return st;
}

/* False: it is of a session that is not taken. */
static bool
session_ok(struct diode_recv *r, const struct diode_head *h)
{
	if (h->session == r->session)
		return true;
	if (h->session == r->refused)
		return false;
	if (!h->control && r->candidate != h->session) {
		r->candidate = h->session;
		return false;
	}
	r->candidate = 0;
	if (!r->conf.adopt(r->conf.arg, h->session)) {
		r->refused = h->session;
		return false;
	}
	end_session(r);
	r->session = h->session;
	r->serial_next = h->serial < DIODE_SERIALS ? 0 : h->serial;	/* what a late joiner has not seen is not missing */
	memset(r->serials, 0, sizeof r->serials);
	return true;
}

/*
 * The window of serials, as RFC 4303, 3.4.3 has it: each is taken once, one from behind the window not at all. False: not to be taken.
 */
static bool
serial_ok(struct diode_recv *r, uint64_t serial)
{
	if (serial + DIODE_SERIALS < r->serial_next) {
		r->n.late++;
		return false;
	}
	if (serial >= r->serial_next) {
		uint64_t ahead = serial - r->serial_next;
		r->n.missing += ahead;
		/* Ends: at most the window is cleared. */
		for (uint64_t i = 0; i <= ahead && i < DIODE_SERIALS; i++)
			r->serials[(serial - i) / 64 % (DIODE_SERIALS / 64)] &= ~(1ull << (serial - i) % 64);
		r->serial_next = serial + 1;
	} else if ((r->serials[serial / 64 % (DIODE_SERIALS / 64)] >> serial % 64 & 1) != 0) {
		r->n.duplicate++;
		return false;
	} else {
		r->n.reordered++;
		r->n.missing -= r->n.missing > 0;
	}
	r->serials[serial / 64 % (DIODE_SERIALS / 64)] |= 1ull << serial % 64;
	return true;
}

static void
take_control(struct diode_recv *r, const uint8_t *p, const struct diode_head *h, struct mono now)
{
	struct diode_control c;
	bool settled[DIODE_ROWS_MAX] = { 0 };

	if (diode_control_get(p + DIODE_HEAD, h->size, &c) != 0) {
		r->n.malformed++;
		return;
	}
	for (uint32_t i = 0; i < c.n; i++) {
		const struct diode_row *row = &c.rows[i];
		struct rstream *st = find(r, row->stream);
		if (st == NULL && row->ended)
			continue;
		if (st == NULL && (st = stream_new(r, row->stream, row->blocks, now)) == NULL)
			continue;
		st->used_at = now;
		if (row->blocks > st->base + DIODE_WINDOW)
			deliver_until(r, st, row->blocks - r->conf.hold_blocks);
		stream_known(st, row->blocks, now);
		deliver(r, st, now);
		settled[i] = st->base >= row->blocks;
	}
	r->conf.control(r->conf.arg, r->session, &c, settled);
}

/* Is it to be taken into the window? Moves that, when a second one says so. Its MAC is good. */
static bool
in_window(struct diode_recv *r, struct rstream *st, uint64_t block)
{
	if (block < st->base + DIODE_WINDOW && block >= st->base)
		return true;
	uint64_t apart = block > st->far ? block - st->far : st->far - block;
	if (st->far == 0 || apart >= DIODE_WINDOW) {
		st->far = block;
		r->n.ahead++;
		return false;
	}
	st->far = 0;
	deliver_until(r, st, block - r->conf.hold_blocks);
	return true;
}

static void
take_symbol(struct diode_recv *r, const uint8_t *p, const struct diode_head *h, struct mono now)
{
	struct rstream *st = find(r, h->stream);

	if (st == NULL && (st = stream_new(r, h->stream, h->block, now)) == NULL)
		return;
	st->used_at = now;
	if (h->block < st->base) {
		r->n.surplus++;
		return;
	}
	if (!in_window(r, st, h->block))
		return;
	struct rblock *b = st->slot[h->block % DIODE_WINDOW];
	if (b != NULL && (b->done || (h->symbol < b->used + r->conf.params.p && b->there[h->symbol]))) {
		r->n.surplus++;
		return;
	}
	stream_known(st, h->block + 1, now);
	if (block_symbol(r, st, h, p + DIODE_HEAD))
		block_try(r, st, h->block, now);
	deliver(r, st, now);
}

void
diode_recv_datagram(struct diode_recv *r, const uint8_t *p, size_t len, struct mono now)
{
	struct diode_head h;

	if (diode_head_get(p, len, &h) != 0) {
		r->n.malformed++;
		return;
	}
	if (!diode_mac_ok(r->conf.keys, h.epoch, p, DIODE_HEAD + h.size)) {
		r->n.bad_mac++;
		return;
	}
	if (!diode_params_same(&h.params, &r->conf.params)) {
		r->n.mismatched++;
		r->conf.mismatch(r->conf.arg, &h.params);
		return;
	}
	if (!session_ok(r, &h)) {
		r->n.refused++;
		return;
	}
	if (!serial_ok(r, h.serial))
		return;
	r->n.datagrams++;
	r->n.bytes += len;
	if (h.control)
		take_control(r, p, &h, now);
	else
		take_symbol(r, p, &h, now);
}

struct mono
diode_recv_tick(struct diode_recv *r, struct mono now)
{
	struct mono next = MONO_NEVER;

	for (size_t i = 0; i < DIODE_STREAMS_MAX; i++) {
		struct rstream *st = &r->streams[i];
		if (st->id == 0 || st->base >= st->known)
			continue;
		deliver(r, st, now);
		if (st->base < st->known)
			next = mono_min(next, mono_add(st->since[st->base % DIODE_WINDOW], r->conf.hold_ns));
	}
	return next;
}

uint64_t
diode_recv_session(const struct diode_recv *r)
{
	return r->session;
}

const struct diode_recv_counts *
diode_recv_counts(const struct diode_recv *r)
{
	return &r->n;
}
