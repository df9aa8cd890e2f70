/*
 * Laying out a link: how much memory it takes, its sources, tags in order, scan classes and first plan of blocks.
 */
#include "driver/modbus/modbus.h"

#include <stdlib.h>

/*
 * What a USB adapter may hold bytes back, and what a device server may: comes on top of the silence that ends garbage.
 */
#define LINE_LATENCY_NS		(16 * NS_PER_MS)
#define TUNNEL_SILENCE_NS	(50 * NS_PER_MS)

/* Memory of a link is laid out twice by the same code: with base 0 to measure it, then for real. */
struct layout {
	uint8_t	*base;
	size_t	 used;
};

static void *
lay(struct layout *l, size_t n, size_t size)
{
	void *p = l->base != NULL ? l->base + l->used : NULL;
	l->used += (n * size + 15) & ~(size_t)15;
	return p;
}

static void
lay_source(struct layout *at, const struct source *s, struct mb_src *out)
{
	out->nblocks = 2 * s->ntags + 1;
	out->nclasses = s->nscans;
	out->tags = lay(at, s->ntags, sizeof *out->tags);
	out->pos = lay(at, s->ntags, sizeof *out->pos);
	out->classes = lay(at, s->nscans, sizeof *out->classes);
	out->writes = lay(at, MB_WRITES_MAX, sizeof *out->writes);
	out->blocks = lay(at, out->nblocks, sizeof *out->blocks);
}

size_t
mb_size(const struct link_sources *v)
{
	struct layout at = { 0 };
	struct mb_src scratch = { 0 };

	lay(&at, 1, sizeof(struct mb_link));
	lay(&at, v->n, sizeof(struct mb_src));
	for (uint32_t i = 0; i < v->n; i++)
		lay_source(&at, v->v[i], &scratch);
	return at.used;
}

static int
by_place(const void *pa, const void *pb)
{
	const struct mb_tag *a = pa, *b = pb;
	const struct mb_addr *x = &a->op.a, *y = &b->op.a;

	if (a->scan_class != b->scan_class)
		return a->scan_class < b->scan_class ? -1 : 1;
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->reg0 != y->reg0)
		return x->reg0 < y->reg0 ? -1 : 1;
	if (x->span != y->span)
		return x->span < y->span ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void
open_tags(struct mb_src *s)
{
	char why[8];

	for (uint32_t i = 0; i < s->s->ntags; i++) {
		const struct tag *t = &s->s->tags[i];
		struct mb_tag *m = &s->tags[i];
		struct mb_addr a;
		/* The site reader has judged it; should the two disagree, this one tag is bad and the others work. */
		*m = (struct mb_tag){ .broken = mb_addr_parse(t->at, &s->conf.rules, &a, why, sizeof why) != 0 };
		mb_op_init(&m->op, &a, t, s->conf.nan_bad);
		m->index = i;
		s->broken += m->broken;
		m->block = MB_NONE;
		m->scan_class = (uint16_t)(t->scan_ns > 0 && t->scan_class < s->nclasses ? t->scan_class : s->nclasses);
	}
	qsort(s->tags, s->s->ntags, sizeof *s->tags, by_place);
	for (uint32_t i = 0; i < s->s->ntags; i++)
		s->pos[s->tags[i].index] = i;
}

static void
open_classes(struct mb_src *s)
{
	uint32_t i = 0;

	for (uint32_t c = 0; c < s->nclasses; c++) {
		struct mb_class *class = &s->classes[c];
		class->blocks = MB_NONE;
		class->first = i;
		while (i < s->ntags && s->tags[i].scan_class == c)
			i++;
		class->n = i - class->first;
	}
	for (uint32_t c = 0; c < s->nclasses; c++)
		mb_plan_class(s, c);
}

static void
open_source(struct mb_link *l, struct layout *at, const struct source *s, uint32_t index)
{
	struct mb_src *m = &l->src[index];

	*m = (struct mb_src){ .s = s, .index = index, .ntags = s->ntags, .free = MB_NONE, .q_head = MB_NONE,
	    .q_tail = MB_NONE,
	    .probe_class = MB_NONE, .next = MB_NONE };
	lay_source(at, s, m);
	mb_conf_read(l->framing, s->keys, &m->conf);
	if (!m->conf.writes)
		m->writes = NULL;
	m->limit[0] = m->conf.rules.regs_max;
	m->limit[1] = m->conf.rules.bits_max;
	open_tags(m);
	open_classes(m);
}

int
mb_open(enum mb_framing f, void *ctx, const struct link_sources *v, struct driver_host *h)
{
	struct layout at = { .base = ctx };
	struct mb_link *l = lay(&at, 1, sizeof *l);

	l->h = h;
	l->framing = f;
	l->nsrc = v->n;
	l->src = lay(&at, v->n, sizeof *l->src);
	l->work_head = l->work_tail = l->probe_head = l->probe_tail = l->ready_src = MB_NONE;
	l->rx_quiet = MONO_NEVER;
	l->window = MB_WINDOW_MAX;
	l->quiet_ns = TUNNEL_SILENCE_NS;
	for (uint32_t i = 0; i < v->n; i++) {
		open_source(l, &at, v->v[i], i);
		const struct mb_conf *c = &l->src[i].conf;
		if (c->window < l->window)
			l->window = c->window;
		if (c->reconnect_after > l->reset_after)
			l->reset_after = c->reconnect_after;
		if (f == MB_RTU && i == 0) {
			l->char_ns = mb_char_ns(c->baud);
			l->silence_ns = mb_silence_ns(c->baud);
			l->quiet_ns = l->silence_ns + LINE_LATENCY_NS;
		}
	}
	return 0;
}
