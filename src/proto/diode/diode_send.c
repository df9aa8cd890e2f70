/* See diode_send.h. The bytes of a group lie where their datagrams will: each symbol has room for its header before it and its MAC behind it. */
#include "proto/diode/diode_send.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "proto/diode/diode_fec.h"

struct sstream {
	uint32_t		id;		/* 0: free */
	uint8_t			*room;		/* [depth][k + p] datagrams */
	uint64_t		block;		/* of the first one of the group */
	uint64_t		seq;
	uint32_t		at;		/* block of the group that is being filled */
	uint32_t		fill[DIODE_DEPTH_MAX];	/* bytes of content */
	uint32_t		first[DIODE_DEPTH_MAX];	/* where the first record begins */
	uint64_t		appended, sent;
};

struct diode_sender {
	struct diode_send_conf	conf;
	struct diode_fec	*fec;
	uint64_t		serial;
	uint16_t		epoch;
	uint32_t		next_stream;
	struct sstream		streams[DIODE_STREAMS_MAX];
	uint8_t			*flat;		/* a block's bytes, when they are to be cut anew */
};

struct diode_sender *
diode_send_new(const struct diode_send_conf *conf)
{
	struct diode_sender *s = diode_params_ok(&conf->params) && conf->session != 0 ? calloc(1, sizeof *s) : NULL;

	if (s == NULL)
		return NULL;
	s->conf = *conf;
	s->epoch = diode_keys_newest(conf->keys);
	s->next_stream = 1;
	s->fec = diode_fec_new(conf->params.k, conf->params.p);
	s->flat = malloc((size_t)conf->params.k * conf->params.size);
	if (s->fec == NULL || s->flat == NULL) {
		diode_send_free(s);
		return NULL;
	}
	return s;
}

void
diode_send_free(struct diode_sender *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < DIODE_STREAMS_MAX; i++)
		free(s->streams[i].room);
	diode_fec_free(s->fec);
	free(s->flat);
	free(s);
}

static struct sstream *
find(const struct diode_sender *s, uint32_t stream)
{
	for (size_t i = 0; stream != 0 && i < DIODE_STREAMS_MAX; i++)
		if (s->streams[i].id == stream)
			return (struct sstream *)(uintptr_t)&s->streams[i];
	return NULL;
}

static size_t
datagram_size(const struct diode_sender *s)
{
	return s->conf.params.size + DIODE_OVER;
}

/* Most content bytes of a block. */
static uint32_t
capacity(const struct diode_sender *s)
{
	return (uint32_t)s->conf.params.k * s->conf.params.size - DIODE_BLOCK_HEAD;
}

uint32_t
diode_send_open(struct diode_sender *s)
{
	const struct diode_params *p = &s->conf.params;

	for (size_t i = 0; i < DIODE_STREAMS_MAX; i++) {
		struct sstream *st = &s->streams[i];
		if (st->id != 0)
			continue;
		*st = (struct sstream){ .room = malloc((size_t)p->depth * (p->k + p->p) * datagram_size(s)) };
		if (st->room == NULL)
			return 0;
		st->id = s->next_stream++;
		st->first[0] = DIODE_NO_RECORD;
		return st->id;
	}
	return 0;
}

void
diode_send_close(struct diode_sender *s, uint32_t stream)
{
	struct sstream *st = find(s, stream);

	if (st == NULL)
		return;
	diode_send_flush(s, stream);
	free(st->room);
	*st = (struct sstream){ 0 };
}

/* The datagram of symbol i of the group's block b. */
static uint8_t *
datagram(const struct diode_sender *s, const struct sstream *st, uint32_t b, uint32_t i)
{
	return st->room + ((size_t)b * (s->conf.params.k + s->conf.params.p) + i) * datagram_size(s);
}

/* Copy len bytes to or from the data symbols of a block, which lie apart, each of s->conf.params.size bytes. */
static void
spread(const struct diode_sender *s, const struct sstream *st, uint32_t b, uint32_t at, const uint8_t *p, size_t len)
{
	uint32_t size = s->conf.params.size;

	while (len > 0) {
		uint32_t in = at % size, n = size - in < len ? size - in : (uint32_t)len;
		memcpy(datagram(s, st, b, at / size) + DIODE_HEAD + in, p, n);
		at += n;
		p += n;
		len -= n;
	}
}

static void
gather(const struct diode_sender *s, const struct sstream *st, uint32_t b, uint32_t len)
{
	uint32_t size = s->conf.params.size;

	for (uint32_t at = 0; at < len; at += size)
		memcpy(s->flat + at, datagram(s, st, b, at / size) + DIODE_HEAD, len - at < size ? len - at : size);
}

/* Over what names the block, and its content, where that lies. */
static uint32_t
checksum(const struct diode_sender *s, const struct sstream *st, uint32_t b, uint32_t total)
{
	uint8_t named[12];
	struct writer w = wr_init(named, sizeof named);
	uint32_t size = s->conf.params.size, n;

	wr_le32(&w, st->id);
	wr_le64(&w, st->block + b);
	uint32_t crc = crc32c(0, named, sizeof named);
	for (uint32_t at = DIODE_BLOCK_HEAD; at < total; at += n) {
		n = size - at % size < total - at ? size - at % size : total - at;
		crc = crc32c(crc, datagram(s, st, b, at / size) + DIODE_HEAD + at % size, n);
	}
	return crc;
}

/* Head and cut of a block that is full or flushed. Symbols become as small as they can be, so that little is sent of little; a full one lies right already. */
static void
seal(struct diode_sender *s, struct sstream *st, uint32_t b, uint32_t *used, uint32_t *size)
{
	uint32_t total = DIODE_BLOCK_HEAD + st->fill[b], most = s->conf.params.size;
	struct writer w = wr_init(datagram(s, st, b, 0) + DIODE_HEAD, DIODE_BLOCK_HEAD);

	wr_le32(&w, st->fill[b]);
	wr_le32(&w, st->first[b]);
	wr_le32(&w, checksum(s, st, b, total));
	*used = (total + most - 1) / most;
	*size = (total + *used - 1) / *used;
	if (*size == most && total == *used * most)
		return;
	gather(s, st, b, total);
	for (uint32_t i = 0; i < *used; i++) {
		uint8_t *to = datagram(s, st, b, i) + DIODE_HEAD;
		uint32_t at = i * *size, n = at >= total ? 0 : total - at < *size ? total - at : *size;
		memcpy(to, s->flat + at, n);
		memset(to + n, 0, *size - n);
	}
}

static void
code(struct diode_sender *s, struct sstream *st, uint32_t b, uint32_t used, uint32_t size)
{
	uint8_t *data[DIODE_K_MAX], *repair[DIODE_P_MAX];

	for (uint32_t i = 0; i < used; i++)
		data[i] = datagram(s, st, b, i) + DIODE_HEAD;
	for (uint32_t i = 0; i < s->conf.params.p; i++)
		repair[i] = datagram(s, st, b, used + i) + DIODE_HEAD;
	diode_fec_encode(s->fec, used, size, data, repair);
}

static void
put_out(struct diode_sender *s, struct diode_head *h, uint8_t *p)
{
	h->serial = s->serial++;
	h->epoch = s->epoch;
	h->session = s->conf.session;
	h->params = s->conf.params;
	diode_head_put(h, p);
	if (diode_mac_put(s->conf.keys, s->epoch, p, DIODE_HEAD + h->size) == 0)
		s->conf.out(s->conf.arg, p, DIODE_OVER + h->size);
}

void
diode_send_flush(struct diode_sender *s, uint32_t stream)
{
	struct sstream *st = find(s, stream);
	uint32_t used[DIODE_DEPTH_MAX], size[DIODE_DEPTH_MAX], n, most = 0;

	if (st == NULL || st->fill[st->at] + st->at == 0)
		return;
	n = st->fill[st->at] > 0 ? st->at + 1 : st->at;
	for (uint32_t b = 0; b < n; b++) {
		seal(s, st, b, &used[b], &size[b]);
		code(s, st, b, used[b], size[b]);
		most = used[b] > most ? used[b] : most;
	}
	for (uint32_t i = 0; i < most + s->conf.params.p; i++)
		for (uint32_t b = 0; b < n; b++) {
			struct diode_head h = { .stream = st->id, .block = st->block + b, .symbol = (uint16_t)i, .used = (uint8_t)used[b],
			    .size = (uint16_t)size[b] };
			if (i < used[b] + s->conf.params.p)
				put_out(s, &h, datagram(s, st, b, i));
		}
	st->block += n;
	st->sent = st->appended;
	st->at = 0;
	st->fill[0] = 0;
	st->first[0] = DIODE_NO_RECORD;
}

/* Into the group; one that is full goes out. */
static void
append(struct diode_sender *s, struct sstream *st, const uint8_t *p, size_t len, bool begins)
{
	uint32_t cap = capacity(s);

	while (len > 0) {
		uint32_t *fill = &st->fill[st->at], n = cap - *fill < len ? cap - *fill : (uint32_t)len;
		if (begins && st->first[st->at] == DIODE_NO_RECORD)
			st->first[st->at] = *fill;
		begins = false;
		spread(s, st, st->at, DIODE_BLOCK_HEAD + *fill, p, n);
		*fill += n;
		st->appended += n;
		p += n;
		len -= n;
		if (*fill < cap)
			continue;
		if (st->at + 1u == s->conf.params.depth)
			diode_send_flush(s, st->id);
		else {
			st->fill[++st->at] = 0;
			st->first[st->at] = DIODE_NO_RECORD;
		}
	}
}

int
diode_send_record(struct diode_sender *s, uint32_t stream, uint8_t kind, const void *a, size_t a_len, const void *b, size_t b_len)
{
	struct sstream *st = find(s, stream);
	uint8_t head[DIODE_RECORD_HEAD];

	if (st == NULL)
		return ERR_NOTFOUND;
	if (a_len > DIODE_RECORD_MAX || b_len > DIODE_RECORD_MAX - a_len)
		return ERR_LIMIT;
	struct diode_record r = { .seq = st->seq++, .kind = kind, .len = (uint32_t)(a_len + b_len) };
	diode_record_head_put(&r, head);
	append(s, st, head, sizeof head, true);
	append(s, st, a, a_len, false);
	append(s, st, b, b_len, false);
	return 0;
}

void
diode_send_control(struct diode_sender *s, const struct diode_control *c)
{
	uint8_t p[DIODE_CONTROL_MAX + DIODE_OVER];
	struct diode_head h = { .control = true };

	h.size = (uint16_t)diode_control_put(c, p + DIODE_HEAD);
	put_out(s, &h, p);
}

size_t
diode_send_room(const struct diode_sender *s)
{
	return s->conf.params.size;
}

struct diode_send_state
diode_send_state(const struct diode_sender *s, uint32_t stream)
{
	const struct sstream *st = find(s, stream);
	return st != NULL ? (struct diode_send_state){ st->block, st->appended, st->sent } : (struct diode_send_state){ 0 };
}
