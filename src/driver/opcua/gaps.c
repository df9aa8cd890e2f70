/*
 * The gaps: when they begin and end, and which are read together. A gap never begins long before the outage, even if the item has not changed for months: what the server
 * had to tell until it was last heard has been told, give or take SLACK for clocks that disagree and values under way.
 */
#include "driver/opcua/history_int.h"
#include "driver/opcua/resolve.h"
#include "driver/opcua/ua_value.h"

#define SLACK		(60LL * 10000000)	/* 100 ns units */
#define ACCESS_HISTORY	4u			/* AccessLevelType HistoryRead, Part 3, 8.57 */
#define TOGETHER	(600LL * 10000000)	/* gaps that begin within this are read in one call */

void
ua_gap_free(struct history *h, uint32_t gap)
{
	h->free_gaps[h->nfree++] = gap;
}

bool
ua_history_gap(struct ua_agent *a, uint32_t tag, UA_DateTime alive)
{
	struct history *h = ua_history_of(a);
	const struct ua_item *it = &a->items[tag];

	if (!a->data->history || it->newest.ns == 0 || it->addr.attribute != UA_ATTRIBUTEID_VALUE)
		return false;
	if (h->open[tag] != 0)
		return true;
	if (!UA_NodeId_isNull(&it->data_type) && (it->access_level & ACCESS_HISTORY) == 0)
		return false;
	if (h->nfree == 0) {
		h->dropped++;
		return false;
	}
	uint32_t g = h->free_gaps[--h->nfree];
	UA_DateTime from = ua_datetime(it->newest);
	if (alive != 0 && from < alive - SLACK)
		from = alive - SLACK;
	h->gaps[g] = (struct gap){ .tag = tag, .from = from };
	h->open[tag] = g + 1;
	return true;
}

void
ua_history_end(struct ua_agent *a, uint32_t tag, const UA_DataValue *dv)
{
	struct history *h = ua_history_of(a);
	uint32_t g = h->open[tag] - 1;

	if (h->open[tag] == 0)
		return;
	h->open[tag] = 0;
	h->gaps[g].to = dv != NULL && dv->hasSourceTimestamp ? dv->sourceTimestamp : 0;
	if (h->gaps[g].to <= h->gaps[g].from + 1)
		ua_gap_free(h, g);
	else
		ua_line_put(&h->queue, g);
}

/* Can it be read now? The gap is let go where the node has no history. */
static bool
ready(struct ua_agent *a, struct history *h, uint32_t g)
{
	const struct ua_item *it = &a->items[h->gaps[g].tag];

	return !UA_NodeId_isNull(&it->node) && h->busy_tag[h->gaps[g].tag] == 0 &&
	    (!UA_NodeId_isNull(&it->data_type) || !ua_attrs_pending(a));
}

static bool
hopeless(const struct ua_agent *a, const struct gap *g)
{
	const struct ua_item *it = &a->items[g->tag];
	return !UA_NodeId_isNull(&it->data_type) && (it->access_level & ACCESS_HISTORY) == 0;
}

static void
widen(struct history *h, const struct gap *g, UA_DateTime window)
{
	if (h->nbatch == 0) {
		h->start = g->from;
		h->end = g->to;
	}
	if (g->from < h->start)
		h->start = g->from;
	if (g->to > h->end)
		h->end = g->to;
	if (h->end - h->start > window)
		h->end = h->start + window;
}

bool
ua_gaps_choose(struct ua_agent *a, struct history *h)
{
	UA_DateTime window = a->data->history_window_ns / 100;

	h->nbatch = 0;
	for (uint32_t look = h->queue.n; look > 0 && h->nbatch < h->bulk.size; look--) {
		uint32_t i = ua_line_get(&h->queue);
		const struct gap *g = &h->gaps[i];
		if (hopeless(a, g)) {
			ua_gap_free(h, i);
			continue;
		}
		bool near = h->nbatch == 0 || (g->from - h->start < TOGETHER && h->start - g->from < TOGETHER);
		if (!near || !ready(a, h, i)) {
			ua_line_put(&h->queue, i);
			continue;
		}
		widen(h, g, window);
		h->busy_tag[g->tag] = 1;
		h->batch[h->nbatch++] = (struct reading){ .gap = i, .last = g->from, .more = true };
	}
	return h->nbatch > 0;
}
