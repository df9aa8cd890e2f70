/*
 * What is read together, and the search for an address that a device refuses.
 *
 * Tags of a class stand sorted by table and register. A block is a run of neighbours whose registers, with the gaps
 * between them, fit one request; a value is never cut. What the device refuses changes the plan for good:
 *
 *	wall       two neighbours were readable apart but not together: the gap between them is forbidden
 *	limit      the same without a gap, or with exception 3,
    and nothing so long was ever answered: the device takes less
 *	isolated   one tag was refused on its own: it gets a block of its own and is asked for seldom
 *
 * The search is a tree: a refused block is cut in two, both halves are read in the same scan, a refused half is cut
 * again. It needs at most 2 n blocks for n tags, which is what the pool holds. The tree goes when the class is planned
 * anew, before its next scan.
 */
#include "driver/modbus/modbus.h"

static struct mb_block *
take(struct mb_src *s, uint32_t *index)
{
	struct mb_block *b;

	if (s->free != MB_NONE) {
		*index = s->free;
		s->free = s->blocks[s->free].next;
	} else if (s->high < s->nblocks)
		*index = s->high++;
	else
		return NULL;
	b = &s->blocks[*index];
	*b = (struct mb_block){ .next = MB_NONE, .qnext = MB_NONE, .parent = MB_NONE };
	return b;
}

static unsigned tag_end(const struct mb_tag *t) { return (unsigned)t->op.a.reg0 + t->op.a.span; }

/* Set what the block reads from its tags, and tell these. */
static void
cover(struct mb_src *s, uint32_t index)
{
	struct mb_block *b = &s->blocks[index];
	unsigned end = 0;

	b->reg0 = s->tags[b->first].op.a.reg0;
	b->table = s->tags[b->first].op.a.table;
	b->scan_class = s->tags[b->first].scan_class;
	for (uint32_t i = b->first; i < b->first + b->n; i++) {
		s->tags[i].block = index;
		if (tag_end(&s->tags[i]) > end)
			end = tag_end(&s->tags[i]);
	}
	b->count = (uint16_t)(end - b->reg0);
}

/* May t be read in one request with what covers [first, end) of the same table? */
static bool
joins(const struct mb_src *s, const struct mb_tag *t, unsigned first, unsigned end)
{
	bool bits = mb_table_bits(t->op.a.table);
	unsigned gap_max = bits ? 16u * s->conf.gap_limit : s->conf.gap_limit;
	unsigned new_end = tag_end(t) > end ? tag_end(t) : end;

	if (t->op.a.reg0 > end + gap_max)
		return false;
	return new_end - first <= s->limit[bits];
}

static bool
same_run(const struct mb_tag *a, const struct mb_tag *b)
{
	return a->op.a.table == b->op.a.table && !a->isolated && !b->isolated && !b->wall && !a->broken && !b->broken;
}

/* Keep the blocks of isolated tags (with their back-off and their story), return the others to the pool. */
static void
clear_class(struct mb_src *s, uint32_t class)
{
	for (uint32_t i = s->classes[class].blocks, next; i != MB_NONE; i = next) {
		struct mb_block *b = &s->blocks[i];
		next = b->next;
		if (b->n == 1 && b->state != MB_SPLIT && s->tags[b->first].isolated && s->tags[b->first].block == i)
			continue;
		b->next = s->free;
		s->free = i;
	}
	s->classes[class].blocks = MB_NONE;
}

static void
count_blocks(struct mb_src *s)
{
	s->counts.blocks = 0;
	for (uint32_t c = 0; c < s->nclasses; c++)
		for (uint32_t i = s->classes[c].blocks; i != MB_NONE; i = s->blocks[i].next)
			s->counts.blocks++;
}

void
mb_plan_class(struct mb_src *s, uint32_t class)
{
	struct mb_class *c = &s->classes[class];
	uint32_t *tail = &c->blocks, end = c->first + c->n, index;

	clear_class(s, class);
	for (uint32_t i = c->first; i < end;) {
		struct mb_tag *t = &s->tags[i];
		if (t->broken) {
			i++;
			continue;
		}
		struct mb_block *b;
		if (t->isolated && t->block != MB_NONE) {
			index = t->block;
			b = &s->blocks[index];
			*b = (struct mb_block){ .first = i, .n = 1, .qnext = MB_NONE, .parent = MB_NONE,
			    .retry_at = b->retry_at,
			    .backoff_ns = b->backoff_ns, .trouble = b->trouble };
		} else if ((b = take(s, &index)) != NULL) {
			b->first = i;
			b->n = 1;
		} else
			break;	/* cannot be: 2 n blocks for n tags */
		unsigned last = tag_end(t);
		while (i + b->n < end && same_run(&s->tags[i + b->n - 1], &s->tags[i + b->n]) &&
		    joins(s, &s->tags[i + b->n], t->op.a.reg0, last)) {
			if (tag_end(&s->tags[i + b->n]) > last)
				last = tag_end(&s->tags[i + b->n]);
			b->n++;
		}
		cover(s, index);
		b->next = MB_NONE;
		*tail = index;
		tail = &b->next;
		i += b->n;
	}
	c->replan = false;
	count_blocks(s);
}

/* The tag at which the block falls into the most equal halves, by register; at least one tag each side. */
static uint32_t
middle(const struct mb_src *s, const struct mb_block *b)
{
	unsigned half = b->reg0 + b->count / 2u;
	uint32_t i = b->first + 1;

	while (i < b->first + b->n - 1 && s->tags[i].op.a.reg0 < half)
		i++;
	return i;
}

bool
mb_split(struct mb_src *s, uint32_t block, uint32_t kids[2])
{
	struct mb_block *l = take(s, &kids[0]);
	if (l == NULL)
		return false;
	struct mb_block *r = take(s, &kids[1]), *b = &s->blocks[block];
	if (r == NULL) {
		l->next = s->free;
		s->free = kids[0];
		return false;
	}
	b->cut = middle(s, b);
	*l = (struct mb_block){ .first = b->first, .n = b->cut - b->first, .next = kids[1], .qnext = MB_NONE,
	    .parent = block };
	*r = (struct mb_block){ .first = b->cut, .n = b->first + b->n - b->cut, .next = b->next, .qnext = MB_NONE,
	    .parent = block };
	b->next = kids[0];
	cover(s, kids[0]);
	cover(s, kids[1]);
	b->half_max = l->count > r->count ? l->count : r->count;
	b->halves_done = b->halves_good = 0;
	b->state = MB_SPLIT;
	return true;
}

/* Both halves gave data though the whole did not: what may not be asked for together? */
static void
learn(struct mb_src *s, struct mb_block *b)
{
	bool bits = mb_table_bits(b->table);
	unsigned left_end = 0;

	for (uint32_t i = b->first; i < b->cut; i++)
		if (tag_end(&s->tags[i]) > left_end)
			left_end = tag_end(&s->tags[i]);
	bool gap = s->tags[b->cut].op.a.reg0 > left_end;
	if (b->count > s->good_len[bits] && (!gap || b->refusal == MB_EX_VALUE)) {
		s->limit[bits] = b->half_max;
		for (uint32_t i = 0; i < s->nclasses; i++)
			s->classes[i].replan = true;
	} else
		s->tags[b->cut].wall = true;
}

uint32_t
mb_half_done(struct mb_src *s, uint32_t block, bool good)
{
	uint32_t up = s->blocks[block].parent;
	if (up == MB_NONE)
		return MB_NONE;
	struct mb_block *b = &s->blocks[up];

	b->halves_good = (uint8_t)(b->halves_good + good);
	if (++b->halves_done < 2)
		return MB_NONE;
	if (b->halves_good == 2)
		learn(s, b);
	s->classes[b->scan_class].replan = true;
	return up;
}

void
mb_isolate(struct mb_src *s, struct mb_block *b)
{
	struct mb_tag *t = &s->tags[b->first];

	if (b->n == 1 && !t->isolated) {
		t->isolated = true;
		s->isolated++;
		s->counts.isolated_tags = s->isolated;
	}
}

void
mb_deisolate(struct mb_src *s, struct mb_block *b, struct mono now)
{
	struct mb_tag *t = &s->tags[b->first];

	if (b->n != 1 || !t->isolated)
		return;
	t->isolated = false;
	s->isolated--;
	s->counts.isolated_tags = s->isolated;
	s->classes[b->scan_class].replan = true;
	/* The device has changed its mind on one; it may have on the others. */
	for (uint32_t i = 0; i < s->ntags; i++)
		if (s->tags[i].isolated && s->tags[i].block != MB_NONE)
			s->blocks[s->tags[i].block].retry_at = now;
}

bool
mb_read_run(const struct mb_src *s, struct mb_read *r)
{
	uint32_t i = r->cursor;

	while (i < s->ntags && !s->tags[i].marked)
		i++;
	if (i == s->ntags)
		return false;
	const struct mb_tag *t = &s->tags[i];
	unsigned end = tag_end(t);
	r->first = r->last = i;
	while (i >= r->alone_until && ++i < s->ntags && same_run(&s->tags[i - 1], &s->tags[i])) {
		if (s->tags[i].scan_class != t->scan_class || !joins(s, &s->tags[i], t->op.a.reg0, end))
			break;
		if (!s->tags[i].marked)
			continue;
		if (tag_end(&s->tags[i]) > end)
			end = tag_end(&s->tags[i]);
		r->last = i;
	}
	r->reg0 = t->op.a.reg0;
	r->count = (uint16_t)(end - t->op.a.reg0);
	return true;
}
