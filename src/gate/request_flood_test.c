/* Requests that come too fast or are too long: refused, without filling the log. */
#include "gate/request_rig.h"

TEST(requests_come_no_faster_than_the_entry_says)
{
	struct rig *g = rig_new();
	struct request_rule *r = rig_rule(g->plan, "sp", 0);
	r->min_interval_ns = NS_PER_S;
	r->per_minute = 3;
	requests_plan(g->r, g->plan, g->now, g->wall);
	CHECK_STR(rig_ask(g, "L/sp", 1), "");
	rig_pass(g, 999);
	CHECK_STR(rig_ask(g, "L/sp", 1), "interval");
	rig_pass(g, 1);
	CHECK_STR(rig_ask(g, "L/sp", 1), "");
	rig_pass(g, 1000);
	/* A new plan does not forget the pace. */
	requests_plan(g->r, g->plan, g->now, g->wall);
	CHECK_STR(rig_ask(g, "L/sp", 1), "");
	rig_pass(g, 1000);
	CHECK_STR(rig_ask(g, "L/sp", 1), "rate");
	rig_pass(g, 57000);
	CHECK_STR(rig_ask(g, "L/sp", 1), "");
	rig_free(g);
}

TEST(a_flood_is_refused_without_filling_the_log)
{
	struct rig *g = rig_ready();
	for (int i = 0; i < 1000; i++)
		rig_ask(g, "L/none", 3);
	CHECK_STR(g->told_code, "flood");
	CHECK_INT(g->nlog, 2 * REQUESTS_A_SECOND);
	rig_pass(g, 60000);
	requests_tick(g->r, g->now, g->wall);
	CHECK_INT(rig_entries(g, AUDIT_FLOOD), 1);
	CHECK(strstr(g->log[g->nlog - 1].json, "950") != NULL);
	rig_ask(g, "L/sp", 3);
	CHECK_INT(g->nsent, 1);
	rig_free(g);
}

TEST(made_up_names_are_one_flood_and_not_the_command_lines)
{
	struct rig *g = rig_ready();
	struct value v = { .type = VALUE_F64, .f64 = 3 };
	char from[20];
	for (int i = 0; i < 500; i++) {
		struct request q = rig_write("L/sp", &v);
		snprintf(from, sizeof from, "office%d", i);
		q.from = from;
		requests_ask(g->r, 1, &q, g->now, g->wall);
	}
	CHECK_STR(g->told_code, "flood");
	CHECK_INT(g->nlog, 2 * REQUESTS_A_SECOND);
	rig_ask(g, "L/sp", 3);
	CHECK_INT(g->nsent, 1);
	rig_free(g);
}

TEST(a_flood_of_second_persons_does_not_fill_the_log_either)
{
	struct rig *g = rig_new();
	enum request_reason why;
	rig_rule(g->plan, "sp", 0)->second_person = true;
	requests_plan(g->r, g->plan, g->now, g->wall);
	rig_ask(g, "L/sp", 3);
	for (int i = 0; i < 500; i++)
		CHECK_INT(rig_confirm(g, "anna", "", &why), ERR_DENIED);
	CHECK_INT(why, REASON_FLOOD);
	CHECK(rig_entries(g, AUDIT_CONFIRM) < REQUESTS_A_SECOND);
	rig_free(g);
}

/* 12,000 control characters are 72,000 in the log, which has no room for them in an entry. */
TEST(what_is_too_long_for_the_log_does_not_stop_the_others)
{
	static char text[12000];
	struct rig *g = rig_new();
	struct request_arg any = { .any = true };
	struct value v = { .type = VALUE_TEXT, .len = sizeof text, .p = text };
	struct request q = { .kind = REQUEST_CALL, .target = "plc", .method = "m", .event = "", .args = &v, .nargs = 1,
	    .from = "cli", .user = "anna", .key = "", .note = "" };

	memset(text, 1, sizeof text);
	rig_rule(g->plan, "sp", 0);
	struct request_rule *r = rig_rule(g->plan, "m", 0);
	r->kind = REQUEST_CALL;
	r->method = "m";
	r->ntags = 0;
	r->args = &any;
	r->nargs = 1;
	requests_plan(g->r, g->plan, g->now, g->wall);
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_STR(g->told_code, "arguments");
	q.method = "none";
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_STR(g->told_code, "no-entry");
	CHECK_INT(g->nsent, 0);
	CHECK_INT(rig_entries(g, AUDIT_OUTCOME), 2);
	rig_ask(g, "L/sp", 3);
	CHECK_INT(g->nsent, 1);
	struct request_result res = { .id = g->sent_id, .state = REQUEST_APPLIED, .code = "", .text = "", .results = &v,
	    .nresults = 1 };
	requests_carried(g->r, "line", &res, g->wall);
	CHECK_INT(rig_entries(g, AUDIT_OUTCOME), 3);
	rig_ask(g, "L/sp", 4);
	CHECK_INT(g->nsent, 2);
	rig_free(g);
}

TEST_MAIN
