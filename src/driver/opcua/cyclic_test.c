/* Tags that are read in cycles, on the rig. */
#include "driver/opcua/cyclic.h"
#include "driver/opcua/data_rig.h"

static bool
answer_read(UA_StatusCode of_tag_3)
{
	struct rig_call *c = rig_call_of(UA_TYPES_READREQUEST);
	UA_ReadResponse r;

	if (c == NULL)
		return false;
	const UA_ReadRequest *q = c->request;
	UA_ReadResponse_init(&r);
	r.resultsSize = q->nodesToReadSize;
	r.results = UA_Array_new(r.resultsSize, &UA_TYPES[UA_TYPES_DATAVALUE]);
	CHECK(q->maxAge == 0.0);
	CHECK_INT(q->timestampsToReturn, UA_TIMESTAMPSTORETURN_BOTH);
	for (size_t i = 0; i < r.resultsSize; i++) {
		int32_t tag = (int32_t)rig_tag_of(&q->nodesToRead[i].nodeId);
		if (tag == 3 && of_tag_3 != 0)
			r.results[i] = (UA_DataValue){ .hasStatus = true, .status = of_tag_3 };
		else
			r.results[i] = rig_dv(tag, rig_time(1));
	}
	rig_end(c, 0, &r);
	UA_ReadResponse_clear(&r);
	return true;
}

TEST(reads_come_on_the_grid_in_the_servers_pieces)
{
	rig_open(700);
	rig.data.read = true;
	rig.data.per_call = 1000;
	rig_start();
	rig_up();
	rig_run(150 * NS_PER_MS);
	for (int i = 0; i < 3; i++) {	/* 300 a call */
		CHECK(answer_read(UA_STATUSCODE_BADNODEIDUNKNOWN));
		rig_tick();
	}
	CHECK(!answer_read(0));
	CHECK_INT(rig.nvalues, 699);
	CHECK_INT(rig.a.items[3].trouble, UA_STATUSCODE_BADNODEIDUNKNOWN);
	rig_run(840 * NS_PER_MS);
	CHECK(rig_call_of(UA_TYPES_READREQUEST) == NULL);
	rig_run(10 * NS_PER_MS);	/* a whole second of the wall clock */
	CHECK_INT(rig.a.wall.ns % NS_PER_S, 0);
	CHECK_INT(((const UA_ReadRequest *)rig_call_of(UA_TYPES_READREQUEST)->request)->nodesToReadSize, 300);
	CHECK_INT(rig_count(UA_TYPES_PUBLISHREQUEST), 0);
	rig_close();
}

/* The value of tag 3 is too big for any answer. */
TEST(one_value_that_is_too_big_for_an_answer_hurts_only_its_tag)
{
	uint32_t calls_after = 0;
	bool bad = false;

	rig_open(300);
	rig.data.read = true;
	rig.data.per_call = 1000;
	rig_start();
	rig_up();
	for (int k = 0; k < 1000; k++) {
		struct rig_call *c = rig_call_of(UA_TYPES_READREQUEST);
		bool has_3 = false;
		const UA_ReadRequest *q = c != NULL ? c->request : NULL;
		for (size_t i = 0; q != NULL && i < q->nodesToReadSize; i++)
			has_3 |= rig_tag_of(&q->nodesToRead[i].nodeId) == 3;
		if (q != NULL && q->nodesToRead[0].attributeId == UA_ATTRIBUTEID_DATATYPE)
			rig_answer_attrs(c);
		else if (has_3)
			rig_end(c, UA_STATUSCODE_BADRESPONSETOOLARGE, NULL);
		else if (c != NULL) {
			answer_read(0);
			calls_after += bad && rig.a.now.ns < 1005 * NS_PER_S && rig.a.now.ns >= 1003 * NS_PER_S;
		}
		bad |= rig.a.items[3].trouble != 0;
		rig_run(10 * NS_PER_MS);
	}
	CHECK_INT(rig.a.items[3].trouble, UA_STATUSCODE_BADRESPONSETOOLARGE);
	CHECK_INT(calls_after, 2);	/* one a second with all the others, again */
	CHECK(rig.nvalues >= 299u * 7);
	rig_close();
}

TEST(a_round_that_is_not_over_is_not_begun_again)
{
	char text[600];
	struct buf b = { 0 };
	struct json j = { .out = &b };

	rig_open(10);
	rig.data.read = true;
	rig_start();
	rig_up();
	rig_run(3500 * NS_PER_MS);
	CHECK_INT(rig_count(UA_TYPES_READREQUEST), 1 + (rig_call_of(UA_TYPES_READREQUEST)->no != rig.ncalls - 1));
	CHECK(answer_read(0));
	json_open(&j, '{');
	ua_cyclic_why(&rig.a, &rig.a.items[0], &j);
	json_close(&j, '}');
	snprintf(text, sizeof text, "%s", buf_text(&b));
	CHECK(strstr(text, "\"skipped\":3") != NULL);
	buf_fini(&b);
	rig_close();
}

TEST(reads_that_are_never_answered_drop_the_session)
{
	rig_open(10);
	rig.data.read = true;
	rig_start();
	rig_up();
	for (int i = 0; i < 20 && rig.dropped[0] == '\0'; i++) {
		struct rig_call *c;
		rig_run(NS_PER_S);
		rig_serve();
		if ((c = rig_call_of(UA_TYPES_READREQUEST)) != NULL)
			rig_end(c, UA_STATUSCODE_BADTIMEOUT, NULL);
	}
	CHECK(rig.dropped[0] != '\0');
	CHECK_INT(rig.a.items[0].trouble, UA_STATUSCODE_BADTIMEOUT);
	rig_close();
}

TEST_MAIN
