/* See cyclic.h. Groups are made at the first item of a period and stay; items come and go. */
#include "driver/opcua/cyclic.h"

#include <stdio.h>

#include "driver/opcua/history.h"
#include "driver/opcua/ua_value.h"

#define FIRST_NS	(100 * NS_PER_MS)	/* the first round does not wait for the grid */
#define SILENT_MAX	3u			/* reads without an answer before the session is given up */

enum { OUT, IN, GONE };		/* of an item: not in a group; in it; still in its list but not read */

struct group {
	int64_t		 period_ns;
	uint32_t	*v, n;		/* items */
	uint32_t	 pos, nasked;	/* the call under way: v[pos..pos+nasked) without those that are GONE */
	bool		 running, busy;
	struct mono	 due, hold;
	struct ua_bulk	 bulk;
	uint32_t	 silent;	/* calls in a row without an answer */
	uint64_t	 rounds, skipped;
};

struct cyclic {
	struct group	 groups[PLAN_SCAN_CLASSES_MAX];
	uint32_t	 ngroups;
	uint8_t		*state, *group_of;
	bool		*gap;		/* its next value ends a gap */
	struct wall	 answered;	/* the last answer */
	UA_ReadValueId	*ids;		/* [per call] */
};

static struct cyclic *part(const struct ua_agent *a) { return a->part[UA_PART_CYCLIC]; }

int
ua_cyclic_init(struct ua_agent *a)
{
	uint32_t n = a->source->ntags;
	struct cyclic *c = arena_new(&a->memory, struct cyclic);

	ua_data_init(a);
	a->part[UA_PART_CYCLIC] = c;
	c->state = arena_array(&a->memory, n, sizeof *c->state);
	c->group_of = arena_array(&a->memory, n, sizeof *c->group_of);
	c->gap = arena_array(&a->memory, n, sizeof *c->gap);
	c->ids = arena_array(&a->memory, a->data->per_call, sizeof *c->ids);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t g = 0;
		if (!ua_item_cyclic(a, &a->items[i]))
			continue;
		while (g < c->ngroups && c->groups[g].period_ns != a->source->tags[i].scan_ns)
			g++;
		if (g == PLAN_SCAN_CLASSES_MAX)
			return ERR_LIMIT;
		if (g == c->ngroups)
			c->groups[c->ngroups++].period_ns = a->source->tags[i].scan_ns;
		c->groups[g].n++;
		c->group_of[i] = (uint8_t)g;
	}
	for (uint32_t g = 0; g < c->ngroups; g++) {
		c->groups[g].v = arena_array(&a->memory, c->groups[g].n, sizeof *c->groups[g].v);
		c->groups[g].n = 0;
	}
	return 0;
}

void
ua_cyclic_fini(struct ua_agent *a)
{
	a->part[UA_PART_CYCLIC] = NULL;
}

void
ua_cyclic_add(struct ua_agent *a, uint32_t tag)
{
	struct cyclic *c = part(a);
	struct group *g = &c->groups[c->group_of[tag]];

	if (c->state[tag] == OUT)
		g->v[g->n++] = tag;
	c->state[tag] = IN;
	if (g->due.ns == INT64_MAX)
		g->due = mono_add(a->now, FIRST_NS);
}

void
ua_cyclic_up(struct ua_agent *a, struct mono now)
{
	struct cyclic *c = part(a);

	for (uint32_t i = 0; i < c->ngroups; i++) {
		struct group *g = &c->groups[i];
		ua_bulk_init(&g->bulk, a->data->per_call, a->limits.read);
		g->hold = now;
		g->silent = 0;
		g->due = g->n > 0 ? mono_add(now, FIRST_NS) : MONO_NEVER;
	}
}

void
ua_cyclic_down(struct ua_agent *a, struct mono now, const char *why)
{
	struct cyclic *c = part(a);

	(void)now;
	(void)why;
	for (uint32_t i = 0; i < a->source->ntags; i++)
		if (c->state[i] != OUT) {
			c->gap[i] = ua_history_gap(a, i, ua_datetime(c->answered)) || c->gap[i];
			c->state[i] = OUT;
		}
	for (uint32_t i = 0; i < c->ngroups; i++) {
		struct group *g = &c->groups[i];
		g->n = g->pos = 0;
		g->running = g->busy = false;
		g->due = MONO_NEVER;
	}
}

static bool
no_such(UA_StatusCode s)
{
	return s == UA_STATUSCODE_BADNODEIDUNKNOWN || s == UA_STATUSCODE_BADNODEIDINVALID || s == UA_STATUSCODE_BADATTRIBUTEIDINVALID ||
	    s == UA_STATUSCODE_BADINDEXRANGEINVALID;
}

static void
value(struct ua_agent *a, struct cyclic *c, uint32_t tag, const UA_DataValue *dv)
{
	if (dv->hasStatus && no_such(dv->status)) {
		c->state[tag] = GONE;
		ua_item_fail(a, tag, dv->status, dv->status == UA_STATUSCODE_BADATTRIBUTEIDINVALID ? "the node has no such attribute; a tag's value is "
		    "attribute 13 of a Variable" : dv->status == UA_STATUSCODE_BADINDEXRANGEINVALID ? NULL :
		    "the server knows no such node: check the address, or whether the object was removed or not downloaded yet");
		return;
	}
	if (c->gap[tag]) {
		ua_history_end(a, tag, dv);
		c->gap[tag] = false;
	}
	ua_out_value(a, tag, dv, a->wall, 0);
}

/* Their values stay away with this status; said once. */
static void
silent(struct ua_agent *a, struct cyclic *c, struct group *g, UA_StatusCode status)
{
	for (uint32_t i = g->pos; i < g->pos + g->nasked; i++)
		if (c->state[g->v[i]] == IN && a->items[g->v[i]].trouble != status)
			ua_out_trouble(a, g->v[i], status, NULL);
}

static void
failed(struct ua_agent *a, struct cyclic *c, struct group *g, uint32_t n, UA_StatusCode status)
{
	char why[160];

	switch (ua_bulk_bad(&g->bulk, n, status)) {
	case UA_BULK_AGAIN:
		return;
	case UA_BULK_GUILTY:
		for (; g->nasked > 0; g->nasked--, g->pos++)
			if (c->state[g->v[g->pos]] == IN) {
				c->state[g->v[g->pos]] = GONE;
				ua_item_fail(a, g->v[g->pos], status, NULL);
			}
		return;
	case UA_BULK_LATER:
		break;
	}
	silent(a, c, g, status);
	g->running = false;		/* the rest of the round would fare no better */
	if (status != UA_STATUSCODE_BADTIMEOUT && status != UA_STATUSCODE_BADREQUESTTIMEOUT)
		return;
	if (++g->silent < SILENT_MAX)
		return;
	snprintf(why, sizeof why, "%u reads in a row were not answered in time", g->silent);
	ua_drop(a, why);
}

static uint32_t
asked(const struct cyclic *c, const struct group *g)
{
	uint32_t n = 0;
	for (uint32_t i = g->pos; i < g->pos + g->nasked; i++)
		n += c->state[g->v[i]] == IN;
	return n;
}

static void
reply(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct group *g = arg;
	struct cyclic *c = part(a);
	const UA_ReadResponse *res = response;
	uint32_t n = asked(c, g), k = 0;

	if (!a->session || !g->busy)
		return;
	g->busy = false;
	if (UA_StatusCode_isBad(status) || res == NULL) {
		failed(a, c, g, n, status);
		return;
	}
	if (res->resultsSize != n) {
		ua_drop(a, "the server's answer to a read has another number of results than asked for");
		return;
	}
	ua_out_alive(a);
	ua_bulk_good(&g->bulk);
	g->silent = 0;
	c->answered = a->wall;
	for (uint32_t i = g->pos; i < g->pos + g->nasked; i++)
		if (c->state[g->v[i]] == IN)
			value(a, c, g->v[i], &res->results[k++]);
	g->pos += g->nasked;
	g->nasked = 0;
}

/* The next piece of a round. */
static void
read_some(struct ua_agent *a, struct cyclic *c, struct group *g)
{
	UA_ReadRequest req;
	uint32_t n = 0, i;

	for (i = g->pos; i < g->n && n < g->bulk.size; i++) {
		const struct ua_item *it = &a->items[g->v[i]];
		if (c->state[g->v[i]] != IN)
			continue;
		UA_ReadValueId_init(&c->ids[n]);
		c->ids[n].nodeId = it->node;
		c->ids[n].attributeId = it->addr.attribute;
		if (it->addr.index_range != NULL)
			c->ids[n].indexRange = UA_STRING((char *)(uintptr_t)it->addr.index_range);
		n++;
	}
	g->nasked = i - g->pos;
	if (n == 0) {
		g->pos = g->n;
		g->running = false;
		return;
	}
	UA_ReadRequest_init(&req);
	req.timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH;
	req.nodesToRead = c->ids;
	req.nodesToReadSize = n;
	g->busy = true;
	int err = ua_call(a, &req, &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE], 0, reply, g);
	if (err != 0) {
		ua_bulk_refused(&g->bulk, n, err);
		g->busy = false;
		g->nasked = 0;
		g->hold = mono_add(a->now, 20 * NS_PER_MS);
	}
}

/* The next point of the grid, which is the wall clock's. */
static struct mono
grid(const struct ua_agent *a, const struct group *g)
{
	return mono_add(a->now, g->period_ns - a->wall.ns % g->period_ns);
}

/* Items that are GONE leave the list between two rounds. */
static void
tidy(struct cyclic *c, struct group *g)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < g->n; i++)
		if (c->state[g->v[i]] == IN)
			g->v[n++] = g->v[i];
		else
			c->state[g->v[i]] = OUT;
	g->n = n;
}

void
ua_cyclic_tick(struct ua_agent *a, struct mono now)
{
	struct cyclic *c = part(a);

	for (uint32_t i = 0; i < c->ngroups && a->session; i++) {
		struct group *g = &c->groups[i];
		if (g->running && !g->busy && g->pos >= g->n)
			g->running = false;
		if (!mono_before(now, g->due)) {
			g->due = grid(a, g);
			if (g->running || g->busy)
				g->skipped++;
			else {
				tidy(c, g);
				g->running = true;
				g->rounds++;
				g->pos = 0;
			}
		}
		if (g->running && !g->busy && !mono_before(now, g->hold))
			read_some(a, c, g);
	}
}

struct mono
ua_cyclic_next(struct ua_agent *a)
{
	struct cyclic *c = part(a);
	struct mono t = MONO_NEVER;

	for (uint32_t i = 0; i < c->ngroups && a->session; i++) {
		const struct group *g = &c->groups[i];
		t = mono_min(t, g->due);
		if (g->running && !g->busy)
			t = mono_min(t, g->hold);
	}
	return t;
}

void
ua_cyclic_why(struct ua_agent *a, const struct ua_item *it, struct json *out)
{
	const struct cyclic *c = part(a);

	if (!ua_item_cyclic(a, it))
		return;
	const struct group *g = &c->groups[c->group_of[it - a->items]];
	json_key(out, "reads");
	json_open(out, '{');
	json_key_i64(out, "period_ms", g->period_ns / NS_PER_MS);
	json_key_u64(out, "tags", g->n);
	json_key_u64(out, "per_call", g->bulk.size);
	json_key_u64(out, "rounds", g->rounds);
	json_key_u64(out, "skipped", g->skipped);
	json_close(out, '}');
}
