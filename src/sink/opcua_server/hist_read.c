/*
 * HistoryRead of raw values, OPC 10000-11 1.05, 6.5.3. Continuation points are stateless: a time and how many values of that time have been given
 * already, so a client may keep one as long as it likes and nothing is held for it here.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "sink/opcua_server/hist.h"

#define CP_MAGIC	0x52415731u	/* "RAW1" */
#define CP_BYTES	16u
#define BOUND_NOT_FOUND	UA_STATUSCODE_BADBOUNDNOTFOUND

struct cursor {
	int64_t		t;	/* go on with values of this time */
	uint32_t	skip;	/* without the first so many of them */
};

static bool
cp_get(const UA_ByteString *cp, struct cursor *out)
{
	struct reader r;

	if (cp->length != CP_BYTES)
		return false;
	r = rd_init(cp->data, cp->length);
	uint32_t magic = rd_be32(&r);
	out->skip = rd_be32(&r);
	out->t = (int64_t)rd_be64(&r);
	return rd_end(&r) == 0 && magic == CP_MAGIC;
}

static UA_StatusCode
cp_put(UA_ByteString *cp, const struct cursor *c)
{
	struct writer w;

	if (UA_ByteString_allocBuffer(cp, CP_BYTES) != UA_STATUSCODE_GOOD)
		return UA_STATUSCODE_BADOUTOFMEMORY;
	w = wr_init(cp->data, cp->length);
	wr_be32(&w, CP_MAGIC);
	wr_be32(&w, c->skip);
	wr_be64(&w, (uint64_t)c->t);
	return UA_STATUSCODE_GOOD;
}

/* What a request asks for: values with from <= t < to, forward or backward. */
struct range {
	int64_t	from, to;
	bool	backward;
	int64_t	first, last;	/* start and end as the bounds are named */
	bool	has_first, has_last;
};

static bool
range_of(const UA_ReadRawModifiedDetails *d, struct range *r)
{
	bool start = d->startTime > 0, end = d->endTime > 0;	/* DateTime.MinValue: not given (6.5.3.2) */
	int64_t a = start ? uas_ns(d->startTime) : 0, b = end ? uas_ns(d->endTime) : 0;

	a = a < 0 ? 0 : a;	/* what is older than 1970 is in no store of ours */
	b = b < 0 ? 0 : b;
	if (start + end + (d->numValuesPerNode > 0) < 2)
		return false;
	*r = (struct range){ .first = start ? a : b, .last = end ? b : a, .has_first = start, .has_last = start && end };
	if (!start) {		/* from the end backwards */
		*r = (struct range){ .backward = true, .from = 0, .to = b < INT64_MAX ? b + 1 : b, .first = b, .has_first = true };
	} else if (!end) {
		r->from = a;
		r->to = INT64_MAX;
	} else if (a == b) {
		r->from = a;
		r->to = a < INT64_MAX ? a + 1 : a;
	} else if (a < b) {
		r->from = a;
		r->to = b;
	} else {
		r->backward = true;
		r->from = b < INT64_MAX ? b + 1 : b;
		r->to = a < INT64_MAX ? a + 1 : a;
	}
	return true;
}

struct page { UA_DataValue *v; size_t n, cap; UA_TimestampsToReturn times; };

static bool
add(struct page *g, const struct hist_point *p)
{
	if (g->n == g->cap)
		return false;
	hist_value(p, g->times, &g->v[g->n++]);
	return true;
}

/* A bounding value: the point, or that there is none (6.5.3.2: BadBoundNotFound with the time that was asked for). */
static void
add_bound(struct page *g, const struct hist_point *p, int64_t t)
{
	if (p != NULL) {
		add(g, p);
		return;
	}
	if (g->n == g->cap)
		return;
	UA_DataValue *v = &g->v[g->n++];
	UA_DataValue_init(v);
	v->hasStatus = true;
	v->status = BOUND_NOT_FOUND;
	v->hasSourceTimestamp = true;
	v->sourceTimestamp = uas_time(t);
}

/* The nearest point before t (or at it), or at or behind it. */
static int
nearest(struct uas_history *h, const struct uas_var *v, int64_t t, bool before, struct page *g)
{
	struct hist_points p = { .max = HIST_POINTS_MAX };
	int err = before ? hist_fetch_backward(h, v, 0, t < INT64_MAX ? t + 1 : t, 1, &p) : hist_fetch_forward(h, v, t, INT64_MAX, 1, &p);

	if (err == 0)
		add_bound(g, p.n == 0 ? NULL : before ? &p.v[p.n - 1] : &p.v[0], t);
	hist_points_fini(&p);
	return err;
}

static bool
stands_at(struct uas_history *h, const struct uas_var *v, int64_t t)
{
	struct hist_points p = { .max = HIST_POINTS_MAX };
	bool any = hist_fetch(h, v, t, t < INT64_MAX ? t + 1 : t, &p) == 0 && p.n > 0;

	hist_points_fini(&p);
	return any;
}

/* Point k in the order of the answer. */
static const struct hist_point *
in_order(const struct hist_points *p, bool backward, size_t k)
{
	return &p->v[backward ? p->n - 1 - k : k];
}

static UA_StatusCode
fill(struct uas_history *h, const struct uas_var *v, const struct range *r, struct cursor *c, struct page *g, bool *more)
{
	struct hist_points p = { .max = HIST_POINTS_MAX };
	size_t room = g->cap - g->n, k = c->skip, bytes = 0;
	int64_t from = !r->backward && c->t > r->from ? c->t : r->from, to = r->backward && c->t < r->to ? c->t + 1 : r->to;
	int err = r->backward ? hist_fetch_backward(h, v, from, to, room + c->skip + 1, &p) : hist_fetch_forward(h, v, from, to, room + c->skip + 1, &p);

	for (; err == 0 && k < p.n && g->n < g->cap && bytes < HIST_PAGE_BYTES; k++) {
		const struct hist_point *q = in_order(&p, r->backward, k);
		bytes += q->type == VALUE_NULL || !value_has_bytes(q->type) ? 0 : q->type & VALUE_ARRAY ? q->raw.array.n * 8 : q->raw.text.length;
		add(g, q);
	}
	k = k < p.n ? k : p.n;	/* a continuation point may say anything */
	*more = err == 0 && p.n > 0 && (k < p.n || p.more);
	if (*more) {
		c->t = in_order(&p, r->backward, k < p.n ? k : p.n - 1)->t;
		c->skip = 0;
		for (size_t i = k; i > 0 && in_order(&p, r->backward, i - 1)->t == c->t; i--)
			c->skip++;
	}
	hist_points_fini(&p);
	return err == 0 ? UA_STATUSCODE_GOOD : err == ERR_LIMIT ? UA_STATUSCODE_BADTOOMANYOPERATIONS : UA_STATUSCODE_BADHISTORYOPERATIONINVALID;
}

UA_StatusCode
hist_read_raw(struct uas_history *h, struct uas_var *v, const UA_ReadRawModifiedDetails *d, UA_TimestampsToReturn times, size_t budget,
    const UA_ByteString *cp, UA_HistoryReadResult *result, UA_HistoryData *out)
{
	struct page g = { .times = times };
	struct range r;
	struct cursor c;
	bool first = cp->length == 0, more = false;

	if (times == UA_TIMESTAMPSTORETURN_NEITHER || times == UA_TIMESTAMPSTORETURN_INVALID)
		return UA_STATUSCODE_BADTIMESTAMPSTORETURNINVALID;
	if (!range_of(d, &r))
		return UA_STATUSCODE_BADHISTORYOPERATIONINVALID;
	c = (struct cursor){ .t = r.backward ? r.to - 1 : r.from };
	if (!first && !cp_get(cp, &c))
		return UA_STATUSCODE_BADCONTINUATIONPOINTINVALID;
	g.cap = budget < UAS_HISTORY_VALUES_MAX ? budget : UAS_HISTORY_VALUES_MAX;
	if (d->numValuesPerNode > 0 && d->numValuesPerNode < g.cap)
		g.cap = d->numValuesPerNode;
	g.v = UA_Array_new(g.cap + 2, &UA_TYPES[UA_TYPES_DATAVALUE]);
	if (g.v == NULL)
		return UA_STATUSCODE_BADOUTOFMEMORY;
	if (d->returnBounds && first && r.has_first && !stands_at(h, v, r.first))
		nearest(h, v, r.first, !r.backward, &g);
	UA_StatusCode err = fill(h, v, &r, &c, &g, &more);
	if (err == UA_STATUSCODE_GOOD && !more && d->returnBounds && r.has_last && r.first != r.last) {
		if (g.n < g.cap)
			nearest(h, v, r.last, r.backward, &g);
		else {	/* no more than were asked for: on a page of its own, behind the end of the range */
			more = true;
			c = (struct cursor){ .t = r.backward ? r.from - 1 : r.to };
		}
	}
	if (err == UA_STATUSCODE_GOOD && more)
		err = cp_put(&result->continuationPoint, &c);
	if (g.n == 0) {
		UA_Array_delete(g.v, g.cap + 2, &UA_TYPES[UA_TYPES_DATAVALUE]);
		g.v = NULL;
	}
	out->dataValues = g.v;
	out->dataValuesSize = g.n;
	return err != UA_STATUSCODE_GOOD ? err : g.n == 0 ? UA_STATUSCODE_GOODNODATA : UA_STATUSCODE_GOOD;
}
