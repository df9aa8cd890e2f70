/* For the tests of gate: a small plan, a ring to write batches to, and reading back what was admitted. Header only. */
#ifndef GATE_RIG_H
#define GATE_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "gate/gate.h"
#include "os/disk.h"
#include "ring/report.h"
#include "spool/ledger.h"
#include "spool/names.h"

#define RIG_TAGS	4u	/* of each of the two sources */
#define RIG_SOURCES	2u
#define RIG_KEY(s)	(0x1000u + (s))
#define RIG_T0		(1700000000LL * NS_PER_S)
#define RIG_SOON	((struct mono){ NS_PER_S })
#define RIG_WALL0	((struct wall){ RIG_T0 })

/* Two sources with four float64 tags each, no flows, sinks "broker" and "history". */
static inline struct plan *
rig_plan(void)
{
	struct plan *p = calloc(1, sizeof *p);
	struct arena *a = &p->arena;

	p->nsources = RIG_SOURCES;
	p->sources = arena_array(a, RIG_SOURCES, sizeof *p->sources);
	p->ntags = RIG_SOURCES * RIG_TAGS;
	p->tags = arena_array(a, p->ntags, sizeof *p->tags);
	for (uint32_t s = 0; s < RIG_SOURCES; s++) {
		p->sources[s] = (struct source){ .name = arena_printf(a, "plc-%u", s), .driver = "test",
		    .key = RIG_KEY(s),
		    .tags = &p->tags[s * RIG_TAGS], .ntags = RIG_TAGS };
		for (uint32_t t = 0; t < RIG_TAGS; t++)
			p->sources[s].tags[t] = (struct tag){ .path = arena_printf(a, "Line/plc-%u/tag-%u", s, t),
			    .type = VALUE_F64,
			    .unit = "", .help = "", .scan_ns = NS_PER_S, .source = s, .index = t };
	}
	p->nsinks = 2;
	p->sinks = arena_array(a, 2, sizeof *p->sinks);
	p->sinks[0] = (struct sink){ .name = "broker", .kind = "mqtt" };
	p->sinks[1] = (struct sink){ .name = "history", .kind = "history" };
	p->flows = arena_array(a, 16, sizeof *p->flows);
	return p;
}

/* Add a flow of the sources in the bit set, to the sinks in the bit set. Returned to be refined. */
static inline struct flow *
rig_flow(struct plan *p, const char *name, uint32_t schema, uint32_t sources, uint32_t sinks, enum reduce_kind kind)
{
	struct flow *f = &p->flows[p->nflows++];

	*f = (struct flow){ .name = name, .schema = schema, .reduce = kind, .durability = DURABLE_NONE, .why = "",
	    .owner = "" };
	f->tags = arena_array(&p->arena, RIG_SOURCES * RIG_TAGS, sizeof *f->tags);
	for (uint32_t s = 0; s < RIG_SOURCES; s++)
		for (uint32_t t = 0; t < RIG_TAGS && (sources & 1u << s) != 0; t++)
			f->tags[f->ntags++] = (struct flow_tag){ s, t, p->sources[s].tags[t].path };
	f->sinks = arena_array(&p->arena, 2, sizeof *f->sinks);
	for (uint32_t i = 0; i < 2; i++)
		if ((sinks & 1u << i) != 0)
			f->sinks[f->nsinks++] = i;
	if (kind == REDUCE_WINDOW) {
		f->window_ns = 10 * NS_PER_S;
		f->window_fns = 1u << WINDOW_MEAN;
	}
	return f;
}

struct rig_ring {
	struct ring_writer	*w;
	int			 fd;
	uint64_t		 seq[RIG_SOURCES];
};

static inline void
rig_ring_new(struct rig_ring *r, size_t size)
{
	*r = (struct rig_ring){ 0 };
	CHECK_INT(ring_create("rig", size, &r->w, &r->fd), 0);
}

static inline void
rig_ring_free(struct rig_ring *r)
{
	ring_writer_free(r->w);
	close(r->fd);
}

/* A batch of a source: its four tags at time t, with the values v, v + 1... */
static inline void
rig_write(struct rig_ring *r, uint32_t source, int64_t t, double v)
{
	void *to = ring_reserve(r->w, batch_size(RIG_TAGS, 0));
	struct sample s[RIG_TAGS];
	struct batch_head head = { .source_key = RIG_KEY(source), .seq = ++r->seq[source], .n = RIG_TAGS, .due_ns = t,
	    .flags = BATCH_SCAN_END };

	for (uint32_t i = 0; i < RIG_TAGS; i++)
		s[i] = (struct sample){ .tag = i, .arrival = { t }, .v = { .type = VALUE_F64, .f64 = v + i } };
	ring_commit(r->w, batch_pack(&head, s, NULL, to), RIG_TAGS);
}

static inline struct ring_reader *
rig_reader(const struct rig_ring *r)
{
	struct ring_reader *rd;
	CHECK_INT(ring_open(r->fd, &rd), 0);
	return rd;
}

static unsigned rig_losses;	/* how often requests were told of a loss */
static inline void rig_live_lost(void *arg) { (void)arg; rig_losses++; }

static inline struct gate *
rig_gate(const char *dir, const struct disk *disk)
{
	struct gate_opts o = { .spool_dir = dir, .disk = disk, .live_lost = rig_live_lost };
	struct gate *g = NULL;
	rig_losses = 0;
	CHECK_INT(gate_new(&o, &g), 0);
	return g;
}

/* A gate of this plan (taken), and a ring that it reads as that of "field:a". */
static inline struct gate *
rig_begin(const char *dir, const struct disk *disk, struct plan *p, struct rig_ring *ring)
{
	struct gate *g = rig_gate(dir, disk);

	rig_ring_new(ring, 1 << 16);
	CHECK_INT(gate_plan(g, p, RIG_SOON, RIG_WALL0), 0);
	gate_ring(g, "field:a", rig_reader(ring));
	return g;
}

static inline void
rig_end(struct gate *g, struct rig_ring *ring)
{
	gate_free(g);
	rig_ring_free(ring);
}

/* At so many seconds, until it has no more to do. */
static inline void
rig_turns(struct gate *g, int64_t at_s)
{
	struct mono now = { at_s * NS_PER_S };
	while (gate_turn(g, now, (struct wall){ RIG_T0 + at_s * NS_PER_S }).more)
		;
}

static inline int
rig_report(struct gate *g, enum msg_type type, const char *stream, const char *sink, uint64_t first, uint64_t last)
{
	uint8_t bytes[REPORT_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);
	report_write(&w, stream, sink, first, last, "because");
	return gate_report(g, type, bytes, wr_len(&w), RIG_SOON, RIG_WALL0);
}

/* All samples of a stream, in order. Given: free. */
struct rig_rows {
	struct sample	*v;
	size_t		 n, batches;
};

static inline struct rig_rows
rig_read(const char *root, const char *stream)
{
	struct rig_rows rows = { 0 };
	struct spool_reader *r = NULL;
	struct spool_batch b;
	struct spool_damage d;
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", root, stream);
	if (spool_reader_open(path, 0, &disk_os, &r) != 0)
		return rows;
	int err = spool_next(r, &b, &d);
	for (; err == 0; err = spool_next(r, &b, &d)) {
		CHECK_INT(b.first, rows.n + 1);
		rows.v = reallocarray(rows.v, rows.n + b.n, sizeof *rows.v);
		CHECK(rows.v != NULL);
		memcpy(rows.v + rows.n, b.samples, b.n * sizeof *rows.v);
		rows.n += b.n;
		rows.batches++;
	}
	CHECK_INT(err, ERR_AGAIN);
	spool_reader_close(r);
	return rows;
}

static inline struct ledger_account
rig_account(const char *root, const char *stream)
{
	struct ledger_account a;
	struct buf where = { 0 };
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", root, stream);
	CHECK_INT(ledger_read(path, &disk_os, &a, &where), 0);
	buf_fini(&where);
	return a;
}

/* Order within a tag matters; how tags are mixed depends on what was read in one go. */
static inline void
rig_same(const char *stream, struct rig_rows a, struct rig_rows b)
{
	if (a.n != b.n)
		test_fail(__FILE__, __LINE__, "%s has %zu samples, undisturbed it has %zu", stream, a.n, b.n);
	for (uint32_t tag = 0; tag < RIG_TAGS * RIG_SOURCES; tag++) {
		size_t k = 0;
		for (size_t i = 0; i < a.n; i++) {
			if (a.v[i].tag != tag)
				continue;
			while (k < b.n && b.v[k].tag != tag)
				k++;
			CHECK(k < b.n);
			CHECK_INT(sample_time(&a.v[i]).ns, sample_time(&b.v[k]).ns);
			CHECK_INT(a.v[i].status, b.v[k].status);
			CHECK(value_equal(&a.v[i].v, &b.v[k].v));
			k++;
		}
	}
}

#endif
