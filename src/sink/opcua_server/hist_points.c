/* Points out of a store, in pages of what can be held: see hist.h. */
#include <stdlib.h>

#include "base/log.h"
#include "sink/opcua_server/hist.h"

#define FIRST_WINDOW_NS	(3600 * NS_PER_S)

void
hist_points_fini(struct hist_points *p)
{
	for (size_t i = 0; i < p->n; i++)
		uas_raw_clear(&p->v[i].raw, &p->v[i].type);
	free(p->v);
	*p = (struct hist_points){ .max = p->max };
}

static void
cut(struct hist_points *p, size_t n)
{
	while (p->n > n) {
		p->n--;
		uas_raw_clear(&p->v[p->n].raw, &p->v[p->n].type);
	}
}

struct fetch { struct hist_points *p; int err; };

static bool
on_point(void *arg, const struct point *from)
{
	struct fetch *f = arg;
	struct hist_points *p = f->p;

	if (p->n == p->max || p->bytes > (64u << 20)) {
		f->err = ERR_LIMIT;
		return false;
	}
	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 64 : p->cap * 2;
		struct hist_point *v = realloc(p->v, cap * sizeof *v);
		if (v == NULL) {
			f->err = ERR_NOMEM;
			return false;
		}
		p->v = v;
		p->cap = cap;
	}
	struct hist_point *to = &p->v[p->n];
	*to = (struct hist_point){ .t = from->t, .status = from->status, .type = VALUE_NULL };
	if (!uas_raw_set(&to->raw, &to->type, &from->v)) {
		f->err = ERR_NOMEM;
		return false;
	}
	p->bytes += value_has_bytes(from->v.type) ? from->v.len : 0;
	p->n++;
	return true;
}

static int
by_time(const void *a, const void *b)
{
	const struct hist_point *x = a, *y = b;
	return x->t < y->t ? -1 : x->t > y->t;
}

int
hist_fetch(struct uas_history *h, const struct uas_var *v, int64_t from, int64_t to, struct hist_points *p)
{
	struct fetch f = { .p = p };
	size_t before = p->n;
	int64_t id;
	struct history *store = hist_store(h, v, &id);

	if (store == NULL || from >= to)
		return 0;
	int err = history_points(store, id, from, to, on_point, &f);
	if (err == 0)
		err = f.err;
	if (err != 0) {
		cut(p, before);
		return err;
	}
	bool ordered = true;
	for (size_t i = before + 1; i < p->n; i++)
		ordered = ordered && p->v[i - 1].t <= p->v[i].t;
	if (!ordered)	/* late samples; glibc's qsort of so small elements merges, so equal times stay as they came */
		qsort(p->v + before, p->n - before, sizeof *p->v, by_time);
	return 0;
}

/*
 * A window held too much. A smaller one is tried, even when there are points already: what is sparse may be followed by what is dense. True: stop, and
 * *err says whether what there is is an answer (p->more: an unfinished one).
 */
static bool
too_much(struct hist_points *p, int64_t *window, int *err)
{
	if (*err == ERR_LIMIT && *window > NS_PER_MS) {
		*window /= 16;
		*err = 0;
		return false;
	}
	p->more = *err == ERR_LIMIT && p->n > 0;
	if (p->more)
		*err = 0;
	return true;
}

/* Is that enough for one answer? Texts and arrays fill one sooner than their number does. */
static bool
enough(struct hist_points *p, size_t n)
{
	p->more = p->bytes > HIST_PAGE_BYTES;
	return p->more || p->n >= n;
}

/* Windows that grow while they are empty and shrink when they hold too much. Ends: each turn moves on or shortens the window, down to 1 ms. */
int
hist_fetch_forward(struct uas_history *h, const struct uas_var *v, int64_t from, int64_t to, size_t n, struct hist_points *p)
{
	int64_t window = FIRST_WINDOW_NS;

	while (from < to && !enough(p, n)) {
		int64_t end = window < to - from ? from + window : to;
		int err = hist_fetch(h, v, from, end, p);
		if (err != 0) {
			if (too_much(p, &window, &err))
				return err;
			continue;
		}
		from = end;
		window = window > INT64_MAX / 8 ? window : window * 4;
	}
	return 0;
}

static void
put_before(struct hist_points *p, struct hist_points *earlier)
{
	struct hist_points all = { .max = p->max };

	all.cap = p->n + earlier->n;
	all.v = malloc((all.cap + 1) * sizeof *all.v);
	if (all.v == NULL)
		fatal("out_of_memory", "what=\"opcua history\"");
	if (earlier->n > 0)
		memcpy(all.v, earlier->v, earlier->n * sizeof *all.v);
	if (p->n > 0)
		memcpy(all.v + earlier->n, p->v, p->n * sizeof *all.v);
	all.n = p->n + earlier->n;
	all.bytes = p->bytes + earlier->bytes;
	free(p->v);
	free(earlier->v);
	*p = all;
}

int
hist_fetch_backward(struct uas_history *h, const struct uas_var *v, int64_t from, int64_t to, size_t n, struct hist_points *p)
{
	int64_t window = FIRST_WINDOW_NS;

	while (from < to && !enough(p, n)) {
		int64_t begin = window < to - from ? to - window : from;
		struct hist_points earlier = { .max = p->max - p->n };
		int err = hist_fetch(h, v, begin, to, &earlier);
		if (err != 0) {
			hist_points_fini(&earlier);
			if (too_much(p, &window, &err))
				return err;
			continue;
		}
		put_before(p, &earlier);
		to = begin;
		window = window > INT64_MAX / 8 ? window : window * 4;
	}
	return 0;
}

void
hist_value(const struct hist_point *p, UA_TimestampsToReturn times, UA_DataValue *out)
{
	UA_Variant v;

	UA_DataValue_init(out);
	uas_raw_variant(&p->raw, p->type, &v);
	out->hasValue = p->type != VALUE_NULL && UA_Variant_copy(&v, &out->value) == UA_STATUSCODE_GOOD;
	out->hasStatus = p->status != 0;
	out->status = p->status;
	if (p->type != VALUE_NULL && !out->hasValue) {	/* never a good value that is not there */
		out->hasStatus = true;
		out->status = UA_STATUSCODE_BADOUTOFMEMORY;
	}
	/* One time is stored, the sample's own; a server time is not, so what is asked for as such is left out (OPC 10000-11, 6.5.3.1). */
	out->hasSourceTimestamp = times != UA_TIMESTAMPSTORETURN_SERVER && times != UA_TIMESTAMPSTORETURN_NEITHER;
	out->sourceTimestamp = out->hasSourceTimestamp ? uas_time(p->t) : 0;
}
