/* Walks everything below a node, level by level, with as many nodes in a request as most servers take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bare.h"

enum { PER_BROWSE = 1000 };

struct nodes {
	UA_NodeId	*id;
	size_t		 n, room;
};

/* One request for m nodes; what they refer to is appended. */
static void
browse_some(UA_Client *client, const UA_NodeId *ids, size_t m, struct nodes *found)
{
	UA_BrowseDescription *what = calloc(m, sizeof(*what));

	for (size_t i = 0; i < m; i++) {
		what[i].nodeId = ids[i];
		what[i].browseDirection = UA_BROWSEDIRECTION_FORWARD;
		what[i].referenceTypeId = UA_NODEID_NUMERIC(0, UA_NS0ID_HIERARCHICALREFERENCES);
		what[i].includeSubtypes = true;
		what[i].resultMask = UA_BROWSERESULTMASK_ALL;
	}
	UA_BrowseRequest request = { .nodesToBrowse = what, .nodesToBrowseSize = m };
	UA_BrowseResponse answer = UA_Client_Service_browse(client, request);
	must(answer.responseHeader.serviceResult, "browsing");
	for (size_t i = 0; i < answer.resultsSize; i++) {
		UA_BrowseResult *r = &answer.results[i];
		must(r->statusCode, "browsing a node");
		if (r->continuationPoint.length > 0)
			must(UA_STATUSCODE_BADTOOMANYMATCHES, "the server pages, though it was not asked to");
		if (found->n + r->referencesSize > found->room) {
			found->room = 2 * (found->n + r->referencesSize);
			found->id = realloc(found->id, found->room * sizeof(*found->id));
		}
		for (size_t k = 0; k < r->referencesSize; k++)
			UA_NodeId_copy(&r->references[k].nodeId.nodeId, &found->id[found->n++]);
	}
	UA_BrowseResponse_clear(&answer);
	free(what);
}

void
browse(UA_Client *client, UA_UInt16 ns)
{
	struct nodes level = { malloc(sizeof(UA_NodeId)), 1, 1 };
	size_t found = 0;
	double began = now_s();

	if (opt.root != NULL)
		must(UA_NodeId_parse(&level.id[0], UA_STRING((char *)(uintptr_t)opt.root)), opt.root);
	else
		level.id[0] = UA_NODEID_STRING_ALLOC(ns, "Plant");
	while (level.n > 0) {
		struct nodes next = { NULL, 0, 0 };
		for (size_t at = 0; at < level.n; at += PER_BROWSE)
			browse_some(client, level.id + at, level.n - at < PER_BROWSE ? level.n - at : PER_BROWSE, &next);
		for (size_t i = 0; i < level.n; i++)
			UA_NodeId_clear(&level.id[i]);
		free(level.id);
		level = next;
		found += next.n;
	}
	free(level.id);
	printf("{\"browse_nodes\":%zu,\"browse_s\":%.3f}\n", found, now_s() - began);
}
