/* The walk of `penstock browse`: Browse and BrowseNext (OPC 10000-4 1.05, 5.8.2, 5.8.3). See browse.h. */
#include "driver/opcua/browse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "driver/opcua/resolve.h"
#include "driver/opcua/types_int.h"

struct call {			/* one under way */
	struct ua_browse	*b;
	uint32_t		 n;
	uint32_t		 nodes[];
};

void
ua_browse_init_job(struct ua_browse *b)
{
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	b->size = UA_BROWSE_PER_CALL;
	if (b->max == 0)
		b->max = UA_BROWSE_MAX;
}

void
ua_browse_fini_job(struct ua_browse *b)
{
	free(b->nodes);
	free(b->again);
	free(b->kinds);
	map_fini(&b->seen);
	map_fini(&b->kind_of);
	arena_fini(&b->memory);
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
}

UA_NodeId
browse_node_id(const struct ua_id *id)
{
	UA_NodeId n = { .namespaceIndex = id->ns };

	if (id->kind == 'i') {
		n.identifier.numeric = id->i;
		return n;
	}
	if (id->kind == 'g') {
		n.identifierType = UA_NODEIDTYPE_GUID;
		memcpy(&n.identifier.guid, id->p, 16);
		return n;
	}
	n.identifierType = id->kind == 's' ? UA_NODEIDTYPE_STRING : UA_NODEIDTYPE_BYTESTRING;
	n.identifier.string = (UA_String){ .length = id->len, .data = (UA_Byte *)(uintptr_t)id->p };
	return n;
}

void
browse_end(struct ua_browse *b, const char *why)
{
	pthread_mutex_lock(&b->lock);
	snprintf(b->why, sizeof b->why, "%s", why);
	b->state = BROWSE_DONE;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

/* ---- nodes ---- */

/* A node that was not seen before; NULL: it was, or there is no more room. */
static struct browse_node *
add(struct ua_browse *b, const UA_NodeId *node, uint32_t parent)
{
	uint8_t key[UA_ID_KEY];
	struct ua_id id = types_id(node);
	size_t len = ua_id_key(&id, key);

	if (len == 0 || map_get(&b->seen, (const char *)key, len) != NULL)
		return NULL;
	if (b->n == b->max) {
		b->full = true;
		return NULL;
	}
	if (b->n == b->room) {
		uint32_t room = b->room > 0 ? 2 * b->room : 4096;
		struct browse_node *v = realloc(b->nodes, room * sizeof *v);
		if (v == NULL) {
			b->full = true;
			return NULL;
		}
		b->nodes = v;
		b->room = room;
	}
	char *copy = arena_strndup(&b->memory, (const char *)key, len);
	map_put(&b->seen, copy, len, copy);
	if (id.len > 0)		/* its bytes end the key */
		id.p = (const uint8_t *)copy + (len - id.len);
	struct browse_node *n = &b->nodes[b->n++];
	*n = (struct browse_node){ .parent = parent, .id = id, .type = UINT32_MAX, .rank = -2, .name = "" };
	n->depth = b->n > 1 ? (uint8_t)(b->nodes[parent].depth + 1) : 0;
	return n;
}

static void
take_reference(struct ua_browse *b, uint32_t parent, const UA_ReferenceDescription *r)
{
	static const UA_NodeId server = { .identifier.numeric = UA_NS0ID_SERVER };

	if (r->nodeId.serverIndex != 0 || r->nodeId.namespaceUri.length > 0)
		return;		/* it lies on another server */
	if (b->from == NULL && UA_NodeId_equal(&r->nodeId.nodeId, &server))
		return;		/* its diagnostics change with every session, ours too; --from i=2253 shows them */
	if (b->nodes[parent].depth >= UA_BROWSE_DEPTH) {
		b->too_deep++;
		return;
	}
	struct browse_node *n = add(b, &r->nodeId.nodeId, parent);
	if (n == NULL)
		return;
	size_t len = r->browseName.name.length < UA_BROWSE_TEXT_MAX ? r->browseName.name.length : UA_BROWSE_TEXT_MAX;
	n->name = arena_strndup(&b->memory, (const char *)r->browseName.name.data, len);
	n->name_ns = r->browseName.namespaceIndex;
	n->class = (uint8_t)r->nodeClass;
	n->property = r->referenceTypeId.namespaceIndex == 0 && r->referenceTypeId.identifierType == UA_NODEIDTYPE_NUMERIC &&
	    r->referenceTypeId.identifier.numeric == UA_NS0ID_HASPROPERTY;
}

static void
ask_again(struct ua_browse *b, uint32_t node)
{
	if (b->nagain == b->again_room) {
		uint32_t room = b->again_room > 0 ? 2 * b->again_room : 256;
		uint32_t *v = realloc(b->again, room * sizeof *v);
		if (v == NULL) {
			b->refused++;
			return;
		}
		b->again = v;
		b->again_room = room;
	}
	b->again[b->nagain++] = node;
}

/* ---- answers ---- */

static void pump(struct ua_agent *a, struct ua_browse *b);
static void next_pages(struct ua_agent *a, struct call *c, const UA_BrowseResult *results, size_t n);

static void
take_results(struct ua_agent *a, struct call *c, const UA_BrowseResult *v, size_t n)
{
	struct ua_browse *b = c->b;

	for (size_t i = 0; i < n && i < c->n; i++) {
		if (v[i].statusCode == UA_STATUSCODE_BADNOCONTINUATIONPOINTS)
			ask_again(b, c->nodes[i]);	/* too many nodes with too many references in one call */
		else if (UA_StatusCode_isBad(v[i].statusCode))
			b->refused++;
		for (size_t k = 0; k < v[i].referencesSize; k++)
			take_reference(b, c->nodes[i], &v[i].references[k]);
	}
	next_pages(a, c, v, n);
}

/* A call came to nothing: smaller ones, down to single nodes; a lost connection ends the walk by down(). */
static void
failed(struct ua_agent *a, struct call *c, UA_StatusCode s)
{
	struct ua_browse *b = c->b;

	if (!a->session)
		return;
	if (c->n == 1 && s != UA_STATUSCODE_BADTIMEOUT)
		b->refused++;
	else if (c->n == 1) {
		browse_end(b, "the server does not answer any more");
		return;
	} else
		for (uint32_t i = 0; i < c->n; i++)
			ask_again(b, c->nodes[i]);
	b->size = b->size > 1 ? b->size / 2 : 1;
}

static void
browsed(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct call *c = arg;
	struct ua_browse *b = c->b;
	const UA_BrowseResponse *r = response;

	b->calls--;
	if (UA_StatusCode_isBad(status) || r == NULL || r->resultsSize != c->n)
		failed(a, c, UA_StatusCode_isBad(status) ? status : UA_STATUSCODE_BADUNEXPECTEDERROR);
	else
		take_results(a, c, r->results, r->resultsSize);
	free(c);
	if (a->session && b->state == BROWSE_WALKING)
		pump(a, b);
}

static void
continued(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct call *c = arg;
	struct ua_browse *b = c->b;
	const UA_BrowseNextResponse *r = response;

	b->calls--;
	if (UA_StatusCode_isBad(status) || r == NULL || r->resultsSize != c->n)
		b->refused += a->session && !b->full ? c->n : 0;
	else
		take_results(a, c, r->results, r->resultsSize);
	free(c);
	if (a->session && b->state == BROWSE_WALKING)
		pump(a, b);
}

/* What did not fit in one page, unless a page brought nothing at all: then there is no end in sight. */
static void
next_pages(struct ua_agent *a, struct call *c, const UA_BrowseResult *v, size_t n)
{
	struct ua_browse *b = c->b;
	struct call *more = calloc(1, sizeof *more + c->n * sizeof more->nodes[0]);
	UA_ByteString *points = calloc(n + 1, sizeof *points);

	if (more == NULL || points == NULL)
		browse_end(b, "out of memory");
	for (size_t i = 0; more != NULL && points != NULL && i < n; i++) {
		if (v[i].continuationPoint.length == 0)
			continue;
		if (v[i].referencesSize == 0)
			b->refused++;
		else {
			points[more->n] = v[i].continuationPoint;
			more->nodes[more->n++] = c->nodes[i];
		}
	}
	if (more != NULL && more->n > 0) {
		UA_BrowseNextRequest r = { .releaseContinuationPoints = b->full, .continuationPointsSize = more->n, .continuationPoints = points };
		more->b = b;
		b->pages++;
		if (ua_call(a, &r, &UA_TYPES[UA_TYPES_BROWSENEXTREQUEST], &UA_TYPES[UA_TYPES_BROWSENEXTRESPONSE], 0, continued, more) == 0) {
			b->calls++;
			more = NULL;
		} else
			b->refused += more->n;
	}
	free(more);
	free(points);
}

/* ---- asking ---- */

static int
browse(struct ua_agent *a, struct ua_browse *b, struct call *c)
{
	UA_BrowseDescription *d = calloc(c->n, sizeof *d);

	if (d == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < c->n; i++)
		d[i] = (UA_BrowseDescription){ .nodeId = browse_node_id(&b->nodes[c->nodes[i]].id), .browseDirection = UA_BROWSEDIRECTION_FORWARD,
		    .referenceTypeId = UA_NODEID_NUMERIC(0, UA_NS0ID_HIERARCHICALREFERENCES), .includeSubtypes = true,
		    .nodeClassMask = UA_NODECLASS_OBJECT | UA_NODECLASS_VARIABLE | (b->types ? UA_NODECLASS_OBJECTTYPE : 0),
		    .resultMask = UA_BROWSERESULTMASK_REFERENCETYPEID | UA_BROWSERESULTMASK_NODECLASS | UA_BROWSERESULTMASK_BROWSENAME };
	UA_BrowseRequest r = { .requestedMaxReferencesPerNode = UA_BROWSE_REFERENCES, .nodesToBrowseSize = c->n, .nodesToBrowse = d };
	int err = ua_call(a, &r, &UA_TYPES[UA_TYPES_BROWSEREQUEST], &UA_TYPES[UA_TYPES_BROWSERESPONSE], 0, browsed, c);
	free(d);
	return err;
}

static bool
worth_asking(const struct browse_node *n)
{
	return !n->property;	/* properties have none themselves (OPC 10000-3, 5.6.3) */
}

/* How many nodes may be asked for now. */
static uint32_t
allowed(struct ua_agent *a, struct ua_browse *b)
{
	uint32_t n = a->limits.browse > 0 && a->limits.browse < b->size ? a->limits.browse : b->size;

	if (b->rate <= 0)
		return n;
	b->tokens += (double)(a->now.ns - b->tokens_at.ns) * b->rate / 1e9;
	b->tokens_at = a->now;
	if (b->tokens > b->rate)
		b->tokens = b->rate;
	return b->tokens < n ? (uint32_t)b->tokens : n;
}

static void
pump(struct ua_agent *a, struct ua_browse *b)
{
	while (b->calls < UA_BROWSE_CALLS && !b->full && b->state == BROWSE_WALKING) {
		uint32_t most = allowed(a, b), from = b->next, was = b->nagain;
		/* Few nodes are known at first: more of them in one call once more calls have been answered. */
		struct call *c = most > 0 ? calloc(1, sizeof *c + most * sizeof c->nodes[0]) : NULL;
		if (c == NULL)
			return;
		c->b = b;
		while (c->n < most && b->next < b->n) {
			if (worth_asking(&b->nodes[b->next]))
				c->nodes[c->n++] = b->next;
			b->next++;
		}
		while (c->n < most && b->nagain > 0)
			c->nodes[c->n++] = b->again[--b->nagain];
		int err = c->n > 0 ? browse(a, b, c) : ERR_END;
		if (err == 0) {
			b->calls++;
			b->calls_made++;
			b->tokens -= b->rate > 0 ? c->n : 0;
			continue;
		}
		if (err != ERR_END) {	/* come again with a later tick */
			b->next = from;
			b->nagain = was;
		}
		free(c);
		return;
	}
}

/* ---- the part ---- */

static bool
start_node(struct ua_agent *a, struct ua_browse *b, UA_NodeId *out)
{
	static const char objects[] = "i=85", types[] = "i=88";
	const char *from = b->from != NULL ? b->from : b->types ? types : objects;
	struct ua_addr addr;
	char why[200], *reason = NULL;
	bool owned;

	if (ua_addr_parse(from, &b->memory, &addr, why, sizeof why) != 0 || addr.kind != UA_ADDR_NODE) {
		browse_end(b, why[0] != '\0' ? why : "--from takes a node: i=85, nsu=URI;s=Text");
		return false;
	}
	if (ua_node_of(a, &addr, out, &owned, &reason) != UA_STATUSCODE_GOOD) {
		browse_end(b, reason != NULL ? reason : "the server has no such node");
		free(reason);
		return false;
	}
	return true;	/* what it may own ends with the program */
}

void
ua_browse_up(struct ua_agent *a, struct mono now)
{
	struct ua_browse *b = a->browse;
	UA_NodeId from;

	if (b == NULL || b->state != BROWSE_WAITING || !start_node(a, b, &from))
		return;
	b->namespaces = arena_array(&b->memory, a->nnamespaces + 1, sizeof *b->namespaces);
	b->nnamespaces = a->nnamespaces;
	for (uint32_t i = 0; i < a->nnamespaces; i++)
		b->namespaces[i] = arena_strdup(&b->memory, a->namespaces[i]);
	add(b, &from, 0);
	b->nodes[0].class = UA_NODECLASS_OBJECT;
	b->tokens_at = now;
	b->state = BROWSE_WALKING;
}

void
ua_browse_down(struct ua_agent *a, struct mono now, const char *why)
{
	struct ua_browse *b = a->browse;
	char text[300];

	(void)now;
	if (b == NULL || b->state == BROWSE_WAITING || b->state == BROWSE_DONE)
		return;
	snprintf(text, sizeof text, "the connection was lost on the way (%.200s): begin again, perhaps with --rate", why);
	browse_end(b, text);
}

void
ua_browse_tick(struct ua_agent *a, struct mono now)
{
	struct ua_browse *b = a->browse;

	(void)now;
	if (b == NULL || b->state == BROWSE_DONE || b->state == BROWSE_WAITING)
		return;
	if (b->state == BROWSE_WALKING) {
		pump(a, b);
		if (b->calls == 0 && (b->full || (b->next == b->n && b->nagain == 0)))
			b->state = BROWSE_READING;
	}
	if (b->state == BROWSE_READING && browse_read(a, b))
		b->state = BROWSE_TYPES;
	if (b->state == BROWSE_TYPES && browse_kinds(a, b))
		browse_end(b, "");
}

struct mono
ua_browse_next(struct ua_agent *a)
{
	const struct ua_browse *b = a->browse;
	if (b == NULL || b->state == BROWSE_DONE || b->state == BROWSE_WAITING)
		return MONO_NEVER;
	return mono_add(a->now, b->calls > 0 && b->rate <= 0 ? 20 * NS_PER_MS : 2 * NS_PER_MS);
}
