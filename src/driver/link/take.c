/*
 * What the other node says: streams are offered with their schema, batches come. Each batch is one of
 *
 *	new		behind all that came before: given to gate in pieces, then pending until gate has made it durable
 *	pending		repeated after a lost connection: it is on its way already, only who wants to hear of it is new
 *	received	its receipt is here: acknowledged at once
 *	given anew	numbers that were given before, to other samples: after a power cut the sender may have lost batches that it had not synced and had
 *			sent already (doc/spool-format.md). What was received stays; the stream goes on as a new generation.
 *
 * Pieces are cut by the sender's samples, never by what of them is wanted here, so that a repeat is cut in the same places whatever plan is in
 * force: gate knows a piece by its last number (gate/origin.c).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/link/link_int.h"
#include "os/clock.h"

#define TIME_MAX_NS	7258118400000000000LL	/* 2200-01-01, as in gate/admit.c */

void
linkd_fail(struct linkd *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->why, sizeof d->why, fmt, ap);
	va_end(ap);
	d->broken = true;
}

/* A name for this stream, as this source gets it, in this generation. */
static uint64_t
origin_of(struct linkd *d, const struct upstream *u)
{
	uint8_t hash[SPOOL_HASH], n[12];
	struct writer w = wr_init(n, sizeof n);
	uint64_t v = 0;

	wr_le64(&w, u->id);
	wr_le32(&w, u->generation);
	if (chain_link(&d->stored.chain, NULL, n, sizeof n, d->s->name, strlen(d->s->name), hash) != 0)
		fatal("out_of_memory", "what=\"hash of a stream\"");
	memcpy(&v, hash, sizeof v);
	return v != 0 ? v : 1;
}

static void
bad_tag(struct linkd *d, uint32_t tag, uint32_t status, const char *why)
{
	struct value none = { .type = VALUE_NULL };
	struct wall zero = { 0 };

	snprintf(d->trouble[tag], sizeof d->trouble[tag], "%s", why);
	d->h->sample(d->h, 0, tag, status, &none, zero, zero, wall_now(), 0);
	log_warn("link_tag_bad", "source=\"%s\" tag=\"%s\" why=\"%s\"", d->s->name, d->s->tags[tag].path, why);
}

static void
map_tag(struct linkd *d, struct upstream *u, uint32_t tag)
{
	const struct link_at *at = &d->at[tag];
	const struct spool_schema *sc = &u->schema.schema;
	char why[120];
	uint32_t i = 0;

	while (i < sc->n && strcmp(sc->tags[i].name, at->path) != 0)
		i++;
	if (i == sc->n)
		bad_tag(d, tag, (uint32_t)STATUS_BadNodeIdUnknown, "the other node's flow has no tag of this path: compare with its site file");
	else if (sc->tags[i].type != at->type) {
		snprintf(why, sizeof why, "there it is %s%s: write [type %s%s] behind the address", value_type_name(sc->tags[i].type),
		    (sc->tags[i].type & VALUE_ARRAY) != 0 ? "[]" : "", value_type_name(sc->tags[i].type), (sc->tags[i].type & VALUE_ARRAY) != 0 ? "[]" : "");
		bad_tag(d, tag, (uint32_t)STATUS_BadConfigurationError, why);
	} else if (d->s->tags[tag].scaled)
		bad_tag(d, tag, (uint32_t)STATUS_BadConfigurationError, "values of another node pass unchanged: leave factor and offset away");
	else {
		u->nmapped += u->map[i] == 0;
		u->map[i] = tag + 1;
		d->trouble[tag][0] = '\0';
	}
}

void
upstream_free(struct upstream *u)
{
	receipts_close(&u->receipts);
	schema_free(&u->schema);
	free(u->map);
	free(u);
}

static struct upstream *
upstream_new(struct linkd *d, const struct link_frame *f)
{
	struct upstream *u = calloc(1, sizeof *u);
	char dir[DISK_PATH_MAX];
	int err = u == NULL ? ERR_NOMEM : schema_parse(f->p, f->len, &d->stored.chain, &u->schema);

	if (u == NULL)
		fatal("out_of_memory", "what=\"stream of another node\"");
	u->receipts.fd = -1;
	if (err != 0 || strcmp(u->schema.schema.flow, f->name) != 0 || u->schema.schema.version != f->schema) {
		linkd_fail(d, "the schema of flow %.100s cannot be read: %s", f->name, err_text(err != 0 ? err : ERR_PROTO));
		upstream_free(u);
		return NULL;
	}
	u->id = f->id;
	snprintf(u->flow, sizeof u->flow, "%s", f->name);
	err = snprintf(dir, sizeof dir, "%s/link/%s", driver_state(), d->s->name) >= (int)sizeof dir ? ERR_LIMIT : 0;
	if (err == 0)
		err = receipts_open(&u->receipts, &disk_os, dir, u->id, f->schema, u->schema.hash);
	u->map = calloc(u->schema.schema.n + 1, sizeof *u->map);
	if (err != 0 || u->map == NULL) {
		log_error("link_receipts", "source=\"%s\" flow=\"%s\" file=\"%s\" error=\"%s\" remedy=\"%s\"", d->s->name, u->flow, u->receipts.path,
		    err_text(err), err == ERR_CORRUPT ? "the file is damaged: keep a copy and remove it; the stream then goes on from what the sender still owes" :
		    "see that the disk has room and the folder can be written");
		linkd_fail(d, "receipts of flow %.100s: %s", u->flow, err_text(err));
		upstream_free(u);
		return NULL;
	}
	const struct receipt *last = u->receipts.n > 0 ? &u->receipts.newest[u->receipts.n - 1] : NULL;
	u->generation = last != NULL ? last->generation : 0;
	u->emitted = u->base = last != NULL ? last->last : 0;
	u->origin = origin_of(d, u);
	u->next = d->ups;
	d->ups = u;
	for (uint32_t i = 0; i < d->s->ntags; i++)
		if (strcmp(d->at[i].flow, u->flow) == 0)
			map_tag(d, u, i);
	log_info("link_stream", "source=\"%s\" flow=\"%s\" schema=%08x tags=%u mapped=%u received=%llu%s", d->s->name, u->flow, f->schema, u->schema.schema.n,
	    u->nmapped, (unsigned long long)u->base, u->nmapped == 0 ? " note=\"no tag here takes anything of it: it is acknowledged and dropped\"" : "");
	return u;
}

struct upstream *
upstream_offered(struct linkd *d, const struct link_frame *f)
{
	struct upstream *u = d->ups;

	while (u != NULL && u->id != f->id)
		u = u->next;
	if (u != NULL && (strcmp(u->flow, f->name) != 0 || u->schema.schema.version != f->schema)) {
		linkd_fail(d, "one stream id for two flows, %.100s and %.100s: do not copy <state>/office of a node", u->flow, f->name);
		return NULL;
	}
	return u != NULL ? u : upstream_new(d, f);
}

static int
offered(struct linkd *d, const struct link_frame *f)
{
	struct link_have have[LINK_HAVE_MAX];
	struct upstream *u = d->streams[f->stream] == NULL ? upstream_offered(d, f) : NULL;

	if (u == NULL) {
		if (!d->broken)
			linkd_fail(d, "stream number %u was offered twice", f->stream);
		return ERR_PROTO;
	}
	d->streams[f->stream] = u;
	d->worked = true;
	for (uint32_t i = 0; i < u->receipts.n; i++) {
		const struct receipt *r = &u->receipts.newest[i];
		have[i] = (struct link_have){ r->first, r->last, { 0 } };
		memcpy(have[i].hash, r->hash, LINK_HASH);
	}
	link_put_have(&d->n->c.out, f->stream, have, u->receipts.n);
	return 0;
}

/* ---- batches ---- */

static bool
same(const struct receipt *r, const struct spool_batch *b)
{
	return r->first == b->first && r->last == b->first + b->n - 1 && memcmp(r->hash, b->hash, LINK_HASH) == 0;
}

/* True: it is no new one, and has been seen to. */
static bool
repeated(struct linkd *d, struct upstream *u, const struct link_frame *f, const struct spool_batch *b, const struct receipt *newest)
{
	uint64_t last = b->first + b->n - 1;

	if (b->first > newest->last)	/* the usual one */
		return false;
	for (uint32_t i = 0; i < d->npending; i++)
		if (d->pending[i].up == u && same(&d->pending[i].r, b)) {
			d->pending[i].serial = d->serial;
			d->pending[i].stream = f->stream;
			u->repeats++;
			return true;
		}
	bool have = false;
	for (uint32_t i = 0; i < u->receipts.n && !have; i++)
		have = same(&u->receipts.newest[i], b);
	/* Of long ago, when receipts were kept that are folded now: a batch that was sealed since cannot be meant. */
	if (!have && u->receipts.n > 0 && last < u->receipts.newest[0].first && b->sealed.ns <= newest->sealed.ns)
		have = true;
	if (have) {
		u->repeats++;
		link_put_ack(&d->n->c.out, f->stream, b->first, last);
	}
	return have;
}

static void
emit(struct linkd *d, struct upstream *u, const struct spool_batch *b, uint32_t from, uint32_t to)
{
	static struct sample out[CHUNK];
	struct driver_numbers no = { .origin = u->origin, .no = b->first + to - 1, .prev = u->emitted, .base = u->base };
	uint32_t n = 0;

	for (uint32_t i = from; i < to; i++) {
		uint32_t tag = u->map[b->samples[i].tag];
		if (tag == 0)
			continue;
		out[n] = b->samples[i];
		out[n++].tag = tag - 1;
	}
	d->h->numbered(d->h, 0, out, n, &no);
	u->emitted = no.no;
	u->samples += n;
}

static bool
times_ok(const struct spool_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct sample *s = &b->samples[i];
		if (s->arrival.ns <= 0 || s->arrival.ns > TIME_MAX_NS || s->source.ns < 0 || s->source.ns > TIME_MAX_NS || s->server.ns < 0 ||
		    s->server.ns > TIME_MAX_NS)
			return false;
	}
	return true;
}

static size_t
emit_all(struct linkd *d, struct upstream *u, const struct spool_batch *b)
{
	uint32_t from = 0, bytes = 0;
	size_t total = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		bytes += value_has_bytes(b->samples[i].v.type) ? b->samples[i].v.len : 0;
		if (i + 1 == b->n || i + 1 - from == CHUNK || bytes >= CHUNK_BYTES) {
			emit(d, u, b, from, i + 1);
			total += batch_size(i + 1 - from, bytes);
			from = i + 1;
			bytes = 0;
		}
	}
	return total;
}

/* Numbers that were given to other samples before: see the top. */
static void
given_anew(struct linkd *d, struct upstream *u, uint64_t first, uint64_t last)
{
	log_error("link_numbers_given_anew", "source=\"%s\" flow=\"%s\" from=%llu received_to=%llu note=\"the other node lost what it had not synced, and went on "
	    "from there; both are kept\"", d->s->name, u->flow, (unsigned long long)first, (unsigned long long)last);
	u->generation++;
	u->origin = origin_of(d, u);
	u->emitted = u->base = 0;
}

int
batch_take(struct linkd *d, const struct link_frame *f)
{
	struct upstream *u = d->streams[f->stream];
	struct spool_batch b;
	struct receipt before = { 0 };
	bool chained;

	if (u == NULL) {
		linkd_fail(d, "a batch came for a stream that was not offered");
		return ERR_PROTO;
	}
	uint64_t have = upstream_last(d, u, &before);
	const uint8_t *link = have > 0 ? before.hash : u->schema.hash;
	if (stored_take(&d->stored, f->rec, f->p, f->len, &u->schema, link, &chained, &b) != 0 || !times_ok(&b)) {
		linkd_fail(d, "a batch of flow %.100s is damaged: run penstock spool verify at the other node", u->flow);
		return ERR_CORRUPT;
	}
	if (repeated(d, u, f, &b, &before))
		return 0;
	bool gap = b.first != have + 1;
	if (b.first <= have)
		given_anew(d, u, b.first, have);
	else if (!gap && !chained)
		log_error("link_chain_broken", "source=\"%s\" flow=\"%s\" first=%llu note=\"this batch does not follow the one before by its hash; run penstock "
		    "spool verify at the other node\"", d->s->name, u->flow, (unsigned long long)b.first);
	struct pending *p = &d->pending[d->npending++];
	*p = (struct pending){ .up = u, .origin = u->origin, .serial = d->serial, .stream = f->stream,
	    .r = { .first = b.first, .last = b.first + b.n - 1, .samples = b.n, .sealed = b.sealed, .generation = u->generation,
		.flags = (chained && !gap ? RECEIPT_CHAINED : 0u) | (gap ? RECEIPT_GAP : 0u) } };
	memcpy(p->r.hash, b.hash, LINK_HASH);
	p->bytes = emit_all(d, u, &b);
	u->batches++;
	d->pending_bytes += p->bytes;
	linkd_hold(d);
	return 0;
}

int
linkd_frame(void *arg, const struct link_frame *f)
{
	struct linkd *d = arg;

	d->frames_in++;
	if (d->broken)
		return ERR_CONN;
	switch (f->kind) {
	case LINK_OFFER:
		return offered(d, f);
	case LINK_BATCH:
		return batch_take(d, f);
	default:
		linkd_fail(d, "the other node says what only a receiver may say");
		return ERR_PROTO;
	}
}
