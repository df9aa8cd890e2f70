/*
 * Tags of one source that lie on each other. Sorted by (source, space, first), each is compared with the one that
 * reaches farthest among those before it, so a hundred thousand tags take one sort and one pass.
 */
#include <stdlib.h>
#include <string.h>

#include "site/checks.h"

struct span {
	uint32_t	source, tag;
	const struct at_info *at;
	const char	*text;		/* the address as written */
};

static int
by_address(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->at->space != y->at->space)
		return x->at->space < y->at->space ? -1 : 1;
	if (x->at->first != y->at->first)
		return x->at->first < y->at->first ? -1 : 1;
	if (x->at->last != y->at->last)
		return x->at->last < y->at->last ? -1 : 1;
	int text = x->at->bit && y->at->bit ? strcmp(x->text, y->text) : 0;
	return text != 0 ? text : x->tag < y->tag ? -1 : x->tag > y->tag;
}

static void
report(struct loader *l, const struct span *a, const struct span *b)
{
	const struct tag *t = &l->tags[b->tag], *other = &l->tags[a->tag];
	bool same_range = a->at->first == b->at->first && a->at->last == b->at->last;

	if (same_range && a->at->type == b->at->type) {
		site_warning(&l->f, "duplicate-address", t->place,
		    "tags \"%.160s\" and \"%.160s\" (%s:%d) both read \"%.80s\" of source %s",
		    t->path, other->path, other->place.file, other->place.line, t->at,
		    l->plan->sources[t->source].name);
		site_remedy(&l->f, "remove one, unless both names are wanted");
	} else {
		site_error(&l->f, "overlap", t->place,
		    "tag \"%.160s\" at \"%.60s\" overlaps \"%.160s\" at \"%.60s\" (%s:%d) in source %s",
		    t->path, t->at, other->path, other->at, other->place.file, other->place.line,
		    l->plan->sources[t->source].name);
		site_remedy(&l->f, "one of the two has a wrong address or a type of the wrong length");
	}
}

/* The tags that lie on bits of words, or those that do not, in the order of their addresses. */
static struct span *
spans(struct loader *l, bool bits, size_t *n)
{
	struct span *v = arena_array(&l->scratch, l->ntags + 1, sizeof *v);

	*n = 0;
	for (size_t i = 0; i < l->ntags; i++)
		if (l->places[i].known && l->places[i].at.bit == bits)
			v[(*n)++] = (struct span){ l->tags[i].source, (uint32_t)i, &l->places[i].at, l->tags[i].at };
	for (size_t i = 1; i < *n; i++)
		if (by_address(&v[i - 1], &v[i]) > 0) {
			qsort(v, *n, sizeof *v, by_address);
			break;
		}
	return v;
}

static void
check_bits(struct loader *l)
{
	size_t n;
	const struct span *v = spans(l, true, &n);

	/* Which bit of its word a tag has only its text says, so equal texts are what can be found. */
	for (size_t i = 1; i < n; i++)
		if (v[i].source == v[i - 1].source && v[i].at->first == v[i - 1].at->first &&
		    strcmp(v[i].text, v[i - 1].text) == 0)
			report(l, &v[i - 1], &v[i]);
}

void
check_overlaps(struct loader *l)
{
	const struct span *reach = NULL;
	size_t n;
	const struct span *v = spans(l, false, &n);

	for (size_t i = 0; i < n; i++) {
		bool same_space = reach != NULL && reach->source == v[i].source && reach->at->space == v[i].at->space;
		if (same_space && v[i].at->first <= reach->at->last)
			report(l, reach, &v[i]);
		if (!same_space || v[i].at->last > reach->at->last)
			reach = &v[i];
	}
	check_bits(l);
}
