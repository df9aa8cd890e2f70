/* From names to node ids, on the rig: browse paths and namespaces, found or not. */
#include "driver/opcua/data_rig.h"
#include "driver/opcua/resolve.h"
#include "driver/opcua/subs.h"

static const struct ua_name good_path[] = { { "urn:a", "Plant" }, { "urn:a", "Line" }, { NULL, "Speed" } };
static const struct ua_name bad_path[] = { { "urn:a", "Plant" }, { "urn:a", "Gone" }, { NULL, "Speed" } };
static const struct ua_name no_namespace[] = { { "urn:a", "Plant" }, { "urn:z", "Line" } };

static bool
answer_paths(void)
{
	struct rig_call *c = rig_call_of(UA_TYPES_TRANSLATEBROWSEPATHSTONODEIDSREQUEST);
	UA_TranslateBrowsePathsToNodeIdsResponse r;

	if (c == NULL)
		return false;
	const UA_TranslateBrowsePathsToNodeIdsRequest *q = c->request;
	UA_TranslateBrowsePathsToNodeIdsResponse_init(&r);
	r.resultsSize = q->browsePathsSize;
	r.results = UA_Array_new(r.resultsSize, &UA_TYPES[UA_TYPES_BROWSEPATHRESULT]);
	CHECK(q->browsePathsSize <= 50);
	for (size_t i = 0; i < r.resultsSize; i++) {
		const UA_RelativePath *p = &q->browsePaths[i].relativePath;
		CHECK_INT(q->browsePaths[i].startingNode.identifier.numeric, 85);
		UA_String gone = UA_STRING("Gone");
		if (p->elementsSize > 1 && UA_String_equal(&p->elements[1].targetName.name, &gone)) {
			r.results[i].statusCode = UA_STATUSCODE_BADNOMATCH;
			continue;
		}
		r.results[i].targets = UA_Array_new(1, &UA_TYPES[UA_TYPES_BROWSEPATHTARGET]);
		r.results[i].targetsSize = 1;
		r.results[i].targets[0].remainingPathIndex = UINT32_MAX;
		r.results[i].targets[0].targetId.nodeId = UA_NODEID_STRING_ALLOC(1, "found");
	}
	rig_end(c, 0, &r);
	UA_TranslateBrowsePathsToNodeIdsResponse_clear(&r);
	return true;
}

TEST(paths_are_resolved_in_bulk_and_a_missing_step_is_named)
{
	rig_open(120);
	for (uint32_t i = 0; i < 120; i++) {
		rig.a.items[i].addr.kind = UA_ADDR_PATH;
		rig.a.items[i].addr.path = (struct ua_name *)(uintptr_t)(i == 5 ? bad_path : i == 6 ? no_namespace : good_path);
		rig.a.items[i].addr.npath = i == 6 ? 2 : 3;
	}
	rig_start();
	rig_up();
	uint32_t n = 0;
	while (answer_paths()) {
		n++;
		rig_serve();
	}
	CHECK_INT(n, 4);		/* 50, 50, 19; and the steps of one */
	CHECK_INT(rig.troubles, 2);
	CHECK(strstr(rig.why[5], "step 2 of 3") != NULL);
	CHECK(strstr(rig.why[5], "\"Gone\"") != NULL && strstr(rig.why[5], "below \"Plant\"") != NULL);
	CHECK_INT(rig.a.items[5].trouble, UA_STATUSCODE_BADNOMATCH);
	CHECK(strstr(rig.why[6], "urn:z") != NULL && strstr(rig.why[6], "step 2 of 2") != NULL);
	CHECK_INT(ua_subs_of(&rig.a)->state[119], UA_MON_LIVE);
	rig_close();
}

TEST(a_namespace_that_is_missing_is_named_and_its_coming_heals_the_item)
{
	rig_open(2);
	rig.a.items[1].addr.nsu = "urn:late";
	rig_start();
	rig_up();
	rig_serve();
	CHECK(strstr(rig.why[1], "urn:late") != NULL);
	rig_down();
	rig.nsu[2] = "urn:late";
	rig.a.nnamespaces = 3;
	rig_up();
	rig_serve();
	CHECK_INT(rig.a.items[1].trouble, 0);
	CHECK_INT(ua_subs_of(&rig.a)->state[1], UA_MON_LIVE);
	rig_close();
}

TEST_MAIN
