/*
 * Browse paths to NodeIds: many paths a call; and for a path that leads nowhere one call with all its beginnings, to say which step is missing.
 */
#include <stdio.h>
#include <stdlib.h>

#include <open62541/nodeids.h>

#include "driver/opcua/resolve.h"

/* The first `steps` steps of an item's path. False: a namespace is missing, *bad is the step. */
static bool
build(const struct ua_agent *a, const struct ua_item *it, uint32_t steps, struct arena *m, UA_BrowsePath *p, uint32_t *bad)
{
	UA_RelativePathElement *e = arena_array(m, steps, sizeof *e);

	UA_BrowsePath_init(p);
	p->startingNode = UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER);
	p->relativePath.elements = e;
	p->relativePath.elementsSize = steps;
	for (uint32_t i = 0; i < steps; i++) {
		int ns = ua_namespace(a, it->addr.path[i].nsu);
		if (ns < 0 || ns > UINT16_MAX) {
			*bad = i;
			return false;
		}
		e[i].referenceTypeId = UA_NODEID_NUMERIC(0, UA_NS0ID_HIERARCHICALREFERENCES);
		e[i].includeSubtypes = true;
		e[i].targetName = (UA_QualifiedName){ (uint16_t)ns, UA_STRING((char *)(uintptr_t)it->addr.path[i].name) };
	}
	return true;
}

/* The target that the whole path leads to (Part 4, 7.7: remainingPathIndex is the maximum then). NULL: none on this server. */
static const UA_NodeId *
target(const struct ua_agent *a, const UA_BrowsePathResult *res, UA_NodeId *room)
{
	for (size_t i = 0; i < res->targetsSize; i++) {
		const UA_ExpandedNodeId *id = &res->targets[i].targetId;
		if (res->targets[i].remainingPathIndex != UINT32_MAX || id->serverIndex != 0 || UA_NodeId_isNull(&id->nodeId))
			continue;
		*room = id->nodeId;
		if (id->namespaceUri.length > 0) {
			char uri[512];
			if (id->namespaceUri.length >= sizeof uri)
				continue;
			memcpy(uri, id->namespaceUri.data, id->namespaceUri.length);
			uri[id->namespaceUri.length] = '\0';
			int ns = ua_namespace(a, uri);
			if (ns < 0 || ns > UINT16_MAX)
				continue;
			room->namespaceIndex = (uint16_t)ns;
		}
		return room;
	}
	return NULL;
}

static void
fail(struct ua_agent *a, uint32_t tag, UA_StatusCode status, uint32_t step, const char *what)
{
	const struct ua_addr *addr = &a->items[tag].addr;
	const struct ua_name *n = &addr->path[step];
	char *why = NULL;

	if (asprintf(&why, "step %u of %u of the browse path, \"%s\"%s%s%s below \"%s\": %s", step + 1, addr->npath, n->name,
	    n->nsu != NULL ? " of namespace \"" : "", n->nsu != NULL ? n->nsu : "", n->nsu != NULL ? "\"" : "",
	    step == 0 ? "Objects" : addr->path[step - 1].name, what) < 0)
		why = NULL;
	ua_item_fail(a, tag, status, why);
	free(why);
}

static void
path_failed(struct ua_agent *a, struct ua_resolve *r, uint32_t tag, UA_StatusCode status)
{
	r->failed++;
	if (a->data->urgent > 0) {
		a->data->urgent--;
		r->state[tag] = UA_RES_STEPS;
		ua_line_put(&r->steps, tag);
		return;
	}
	r->state[tag] = UA_RES_NONE;
	ua_item_fail(a, tag, status, "its browse path leads to no node; which step is missing is looked into later");
}

static void
paths_reply(struct ua_agent *a, struct ua_resolve *r, const UA_TranslateBrowsePathsToNodeIdsResponse *res)
{
	UA_NodeId node;

	for (uint32_t i = 0; i < r->nasked; i++) {
		const UA_NodeId *found = res->results[i].statusCode == UA_STATUSCODE_GOOD ? target(a, &res->results[i], &node) : NULL;
		if (found != NULL) {
			r->translated++;
			ua_resolve_found(a, r->asked[i], found);
		} else
			path_failed(a, r, r->asked[i], UA_StatusCode_isBad(res->results[i].statusCode) ? res->results[i].statusCode :
			    UA_STATUSCODE_BADNOMATCH);
	}
}

/* Of one path all beginnings were asked for, shortest first: the first that leads nowhere is the culprit. */
static void
steps_reply(struct ua_agent *a, struct ua_resolve *r, const UA_TranslateBrowsePathsToNodeIdsResponse *res)
{
	uint32_t tag = r->asked[0], last = (uint32_t)res->resultsSize - 1;
	UA_NodeId node;
	const UA_NodeId *found = res->results[last].statusCode == UA_STATUSCODE_GOOD ? target(a, &res->results[last], &node) : NULL;

	if (found != NULL) {
		r->translated++;
		ua_resolve_found(a, tag, found);
		return;
	}
	uint32_t step = 0;
	while (step < last && res->results[step].statusCode == UA_STATUSCODE_GOOD && res->results[step].targetsSize > 0)
		step++;
	UA_StatusCode s = res->results[step].statusCode;
	r->state[tag] = UA_RES_NONE;
	fail(a, tag, UA_StatusCode_isBad(s) ? s : UA_STATUSCODE_BADNOMATCH, step,
	    s == UA_STATUSCODE_BADNOMATCH || !UA_StatusCode_isBad(s) ? "the server has no such child there (or the user may not see it): compare with "
	    "`penstock browse`" : "the server refuses to look it up");
}

static void
reply(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_resolve *r = arg;
	const UA_TranslateBrowsePathsToNodeIdsResponse *res = response;
	uint32_t want = r->stepwise ? a->items[r->asked[0]].addr.npath : r->nasked;

	r->busy = false;
	if (!a->session)
		return;
	if (!UA_StatusCode_isBad(status) && res != NULL && res->resultsSize != want) {
		ua_drop(a, "the server's answer about browse paths has another number of results than asked for");
		return;
	}
	if (!UA_StatusCode_isBad(status) && res != NULL) {
		ua_bulk_good(&r->translate);
		(r->stepwise ? steps_reply : paths_reply)(a, r, res);
		return;
	}
	enum ua_bulk_do what = ua_bulk_bad(&r->translate, r->nasked, status);
	/* A path of more steps than the server looks up at once would keep those behind it waiting for ever. */
	if (r->stepwise && status == UA_STATUSCODE_BADTOOMANYOPERATIONS)
		what = UA_BULK_GUILTY;
	for (uint32_t i = r->nasked; i-- > 0;)
		if (what == UA_BULK_GUILTY) {
			r->state[r->asked[i]] = UA_RES_NONE;
			ua_item_fail(a, r->asked[i], status, "the server refuses to look up its browse path");
		} else
			ua_line_unget(r->stepwise ? &r->steps : &r->paths, r->asked[i]);
	if (what == UA_BULK_LATER)
		r->hold = mono_add(a->now, ua_jitter(a, 5 * NS_PER_S));
}

static void
call(struct ua_agent *a, struct ua_resolve *r, UA_BrowsePath *p, uint32_t n)
{
	UA_TranslateBrowsePathsToNodeIdsRequest req;

	UA_TranslateBrowsePathsToNodeIdsRequest_init(&req);
	req.browsePaths = p;
	req.browsePathsSize = n;
	r->busy = true;
	int err = ua_call(a, &req, &UA_TYPES[UA_TYPES_TRANSLATEBROWSEPATHSTONODEIDSREQUEST],
	    &UA_TYPES[UA_TYPES_TRANSLATEBROWSEPATHSTONODEIDSRESPONSE], 0, reply, r);
	if (err == 0)
		return;
	ua_bulk_refused(&r->translate, n, err);
	r->busy = false;
	for (uint32_t i = r->nasked; i-- > 0;)
		ua_line_unget(r->stepwise ? &r->steps : &r->paths, r->asked[i]);
	r->hold = mono_add(a->now, 100 * NS_PER_MS);
}

void
ua_paths_tick(struct ua_agent *a, struct ua_resolve *r)
{
	struct arena m = { 0 };
	uint32_t bad = 0, n = 0;
	UA_BrowsePath *p;

	r->nasked = 0;
	r->stepwise = r->paths.n == 0;
	if (r->stepwise) {
		uint32_t tag = r->asked[0] = ua_line_get(&r->steps), steps = a->items[tag].addr.npath;
		p = arena_array(&m, steps, sizeof *p);
		for (n = 0; n < steps && build(a, &a->items[tag], n + 1, &m, &p[n], &bad); n++)
			;
		r->nasked = 1;
		if (n < steps) {
			r->state[tag] = UA_RES_NONE;
			fail(a, tag, UA_STATUSCODE_BADNODEIDUNKNOWN, bad, "the server has no such namespace now: check the spelling, or whether "
			    "the part of the server that brings it is running");
			arena_fini(&m);
			return;
		}
	} else {
		p = arena_array(&m, r->translate.size, sizeof *p);
		while (n < r->translate.size && r->paths.n > 0) {
			uint32_t tag = ua_line_get(&r->paths);
			if (build(a, &a->items[tag], a->items[tag].addr.npath, &m, &p[n], &bad)) {
				r->asked[n++] = tag;
				continue;
			}
			r->state[tag] = UA_RES_NONE;
			fail(a, tag, UA_STATUSCODE_BADNODEIDUNKNOWN, bad, "the server has no such namespace now: check the spelling, or "
			    "whether the part of the server that brings it is running");
		}
		r->nasked = n;
	}
	if (n > 0)
		call(a, r, p, n);
	arena_fini(&m);
}
