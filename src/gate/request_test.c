/* Requests at the gate, with a clock that the test turns: what is admitted, and each reason to refuse. */
#include <math.h>

#include "gate/request_rig.h"

TEST(nothing_is_admitted_without_an_entry)
{
	struct rig *g = rig_new();
	CHECK_STR(rig_ask(g, "L/sp", 5), "no-entry");
	requests_plan(g->r, g->plan, g->now, g->wall);
	CHECK_STR(rig_ask(g, "L/sp", 5), "no-entry");
	CHECK_INT(g->told.state, REQUEST_REFUSED);
	CHECK_INT(g->nsent, 0);
	CHECK_INT(rig_entries(g, AUDIT_REQUEST), 2);
	CHECK_INT(rig_entries(g, AUDIT_OUTCOME), 2);
	rig_free(g);
}

TEST(an_admitted_write_is_entered_sent_and_told)
{
	struct rig *g = rig_ready();
	rig_ask(g, "L/sp", 42);
	CHECK_INT(g->told.state, REQUEST_SENT);
	CHECK_INT(g->nsent, 1);
	CHECK(g->sent_value == 42 && g->sent_deadline.ns == g->now.ns + 10 * NS_PER_S);
	CHECK_STR(g->sent_zone, "line");
	CHECK_STR(g->sent_readback, "L/sp");
	rig_carried(g, g->sent_id, REQUEST_APPLIED);
	CHECK_INT(g->told.state, REQUEST_APPLIED);
	CHECK_INT(g->token, 5);
	CHECK_INT(g->nlog, 3);
	CHECK(strstr(g->log[0].json, "\"value\":42") != NULL && strstr(g->log[0].json, "\"user\":\"anna\"") != NULL);
	CHECK_STR(g->log[2].mark, "applied");
	rig_carried(g, g->sent_id, REQUEST_UNKNOWN);	/* said twice: it is over */
	CHECK_INT(g->nlog, 3);
	rig_free(g);
}

TEST(who_asks_must_be_named_and_have_the_role)
{
	static const char *const roles[] = { "operator" };
	struct rig *g = rig_new();
	struct request_rule *r = rig_rule(g->plan, "sp", 0);
	struct value v = { .type = VALUE_F64, .f64 = 1 };
	struct request q = rig_write("L/sp", &v);

	r->roles = roles;
	r->nroles = 1;
	requests_plan(g->r, g->plan, g->now, g->wall);
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_STR(g->told_code, "role");
	q.from = "server";
	q.roles[q.nroles++] = "operator";
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_STR(g->told_code, "from");
	q.from = "cli";
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_INT(g->told.state, REQUEST_SENT);
	rig_free(g);
}

TEST(values_are_judged_in_the_tags_type)
{
	static const double allowed[] = { 3, 5 };
	static const char *const words[] = { "A", "B" };
	static const struct { const char *tag; struct value v; const char *code; } rows[] = {
		{ "L/sp", { .type = VALUE_F64, .f64 = 100 }, "" }, { "L/sp", { .type = VALUE_F64, .f64 = 100.001 },
		    "limit" },
		{ "L/sp", { .type = VALUE_F64, .f64 = -1 }, "limit" }, { "L/sp", { .type = VALUE_F64,
		    .f64 = (double)__builtin_nanf("") }, "type" },
		{ "L/sp", { .type = VALUE_F64, .f64 = __builtin_inf() }, "type" },
		{ "L/sp", { .type = VALUE_TEXT, .len = 4, .p = "12.5" }, "" }, { "L/sp", { .type = VALUE_TEXT, .len = 3,
		    .p = "hot" }, "type" },
		{ "L/n", { .type = VALUE_I32, .i = 5 }, "" }, { "L/n", { .type = VALUE_I32, .i = 4 }, "value" },
		{ "L/n", { .type = VALUE_F64, .f64 = 3.5 }, "type" }, { "L/n", { .type = VALUE_I32, .i = 70000 },
		    "type" },
		{ "L/mode", { .type = VALUE_TEXT, .len = 3, .p = "run" }, "" }, { "L/mode", { .type = VALUE_I32,
		    .i = 2 }, "value" },
		{ "L/flag", { .type = VALUE_TEXT, .len = 4, .p = "true" }, "" }, { "L/flag", { .type = VALUE_I32,
		    .i = 2 }, "type" },
		{ "L/name", { .type = VALUE_TEXT, .len = 1, .p = "B" }, "" }, { "L/name", { .type = VALUE_TEXT,
		    .len = 1, .p = "C" }, "value" },
		{ "L/name", { .type = VALUE_I32, .i = 1 }, "type" },
	};
	struct rig *g = rig_new();

	rig_rule(g->plan, "sp", 0);
	struct request_rule *n = rig_rule(g->plan, "n", 1);
	n->values = allowed;
	n->nvalues = 2;
	rig_rule(g->plan, "mode", 2);
	rig_rule(g->plan, "flag", 3);
	struct request_rule *name = rig_rule(g->plan, "name", 4);
	name->words = words;
	name->nwords = 2;
	requests_plan(g->r, g->plan, g->now, g->wall);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct request q = rig_write(rows[i].tag, &rows[i].v);
		requests_ask(g->r, 1, &q, g->now, g->wall);
		if (strcmp(g->told_code, rows[i].code) != 0)
			test_fail(__FILE__, __LINE__, "row %zu: \"%s\" (%s), want \"%s\"", i, g->told_code,
			    g->told_text, rows[i].code);
		CHECK_INT(g->told.state, *rows[i].code == '\0' ? REQUEST_SENT : REQUEST_REFUSED);
	}
	rig_free(g);
}

TEST(limits_of_the_entry_are_narrower_than_the_range)
{
	struct rig *g = rig_new();
	struct request_rule *r = rig_rule(g->plan, "sp", 0);
	r->has_limits = true;
	r->lo = 10.1;
	r->hi = 20.3;
	requests_plan(g->r, g->plan, g->now, g->wall);
	CHECK_STR(rig_ask(g, "L/sp", 20.3), "");
	CHECK_STR(rig_ask(g, "L/sp", 10.1), "");
	CHECK_STR(rig_ask(g, "L/sp", 20.4), "limit");
	CHECK(strstr(g->told_text, "10.1 to 20.3 Cel") != NULL);
	rig_free(g);
}

TEST(a_method_is_called_with_the_arguments_that_are_allowed)
{
	struct rig *g = rig_new();
	struct request_rule *r = rig_rule(g->plan, "go", 0);
	struct request_arg args[] = { { .has_limits = true, .lo = 0, .hi = 5, .words = "" }, { .words = "fast|slow" } };
	struct value v[] = { { .type = VALUE_F64, .f64 = 5 }, { .type = VALUE_TEXT, .len = 4, .p = "slow" } };
	struct request q = { .kind = REQUEST_CALL, .target = "plc", .method = "start", .event = "", .args = v,
	    .nargs = 2, .from = "cli",
	    .user = "a", .key = "", .note = "" };

	r->kind = REQUEST_CALL;
	r->method = "start";
	r->args = args;
	r->nargs = 2;
	r->ntags = 0;
	r->readback = false;
	requests_plan(g->r, g->plan, g->now, g->wall);
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_INT(g->told.state, REQUEST_SENT);
	v[0].f64 = 6;
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_STR(g->told_code, "arguments");
	v[0].f64 = 1;
	v[1].len = 3;
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_STR(g->told_code, "arguments");
	q.nargs = 1;
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_STR(g->told_code, "arguments");
	q.method = "stop";
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_STR(g->told_code, "no-entry");
	CHECK_INT(g->nsent, 1);
	rig_free(g);
}

TEST(a_time_to_live_is_bounded_and_may_be_over)
{
	struct rig *g = rig_ready();
	struct value v = { .type = VALUE_F64, .f64 = 1 };
	struct request q = rig_write("L/sp", &v);

	q.deadline = mono_add(g->now, 11 * NS_PER_S);
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_STR(g->told_code, "ttl");
	q.deadline = g->now;
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_STR(g->told_code, "late");
	CHECK_INT(g->told.state, REQUEST_EXPIRED);
	CHECK_INT(g->nsent, 0);
	q.deadline = mono_add(g->now, 1);
	g->wall.ns -= 3600 * NS_PER_S;		/* the wall clock has no say */
	requests_ask(g->r, 1, &q, g->now, g->wall);
	CHECK_INT(g->told.state, REQUEST_SENT);
	CHECK_INT(g->sent_deadline.ns, g->now.ns + 1);
	rig_free(g);
}

TEST(a_deadline_may_be_any_number)
{
	static const int64_t ends[] = { INT64_MIN, -1, 1, INT64_MAX };
	struct rig *g = rig_ready();
	struct value v = { .type = VALUE_F64, .f64 = 1 };
	struct request q = rig_write("L/sp", &v);

	for (size_t i = 0; i < 4; i++) {
		q.deadline.ns = ends[i];
		requests_ask(g->r, 1, &q, g->now, g->wall);
		CHECK_STR(g->told_code, i < 3 ? "late" : "ttl");
	}
	CHECK_INT(g->nsent, 0);
	rig_free(g);
}

TEST(steps_are_judged_by_a_present_value_that_is_good_and_fresh)
{
	struct rig *g = rig_new();
	rig_rule(g->plan, "sp", 0)->step = 5;
	requests_plan(g->r, g->plan, g->now, g->wall);
	CHECK_STR(rig_ask(g, "L/sp", 5), "present");
	rig_live(g, 0, 10, (uint32_t)STATUS_Good);
	CHECK_STR(rig_ask(g, "L/sp", 15), "");
	CHECK_STR(rig_ask(g, "L/sp", 15.1), "step");
	CHECK_STR(rig_ask(g, "L/sp", 4.9), "step");
	rig_pass(g, 5100);	/* three scans and two seconds */
	CHECK_STR(rig_ask(g, "L/sp", 10), "present");
	CHECK(strstr(g->told_text, "stale") != NULL);
	rig_live(g, 0, 10, (uint32_t)STATUS_BadNoCommunication);
	CHECK_STR(rig_ask(g, "L/sp", 10), "present");
	rig_live(g, 0, 10, (uint32_t)STATUS_Good);
	g->wall.ns -= 60 * NS_PER_S;	/* set back: how old it is cannot be said */
	CHECK_STR(rig_ask(g, "L/sp", 10), "present");
	rig_live(g, 0, 10, (uint32_t)STATUS_Good);
	CHECK_STR(rig_ask(g, "L/sp", 10), "");
	rig_free(g);
}

TEST(a_tag_moves_only_so_far_within_the_time)
{
	struct rig *g = rig_new();
	struct request_rule *r = rig_rule(g->plan, "sp", 0);
	r->change = 10;
	r->change_ns = 60 * NS_PER_S;
	requests_plan(g->r, g->plan, g->now, g->wall);
	rig_live(g, 0, 50, (uint32_t)STATUS_Good);
	CHECK_STR(rig_ask(g, "L/sp", 54), "");		/* 4 */
	CHECK_STR(rig_ask(g, "L/sp", 50), "");		/* and 4 back */
	CHECK_STR(rig_ask(g, "L/sp", 53), "change");
	CHECK_STR(rig_ask(g, "L/sp", 52), "");		/* 10 */
	CHECK_STR(rig_ask(g, "L/sp", 52.1), "change");
	rig_pass(g, 60000);
	rig_live(g, 0, 52, (uint32_t)STATUS_Good);
	CHECK_STR(rig_ask(g, "L/sp", 62), "");
	CHECK_INT(g->nsent, 4);
	rig_free(g);
}

TEST(an_interlock_refuses_what_it_does_not_know_to_be_safe)
{
	struct rig *g = rig_new();
	rig_rule(g->plan, "sp", 0)->interlock = "pv < 50 and not flag";
	requests_plan(g->r, g->plan, g->now, g->wall);
	CHECK_STR(rig_ask(g, "L/sp", 5), "interlock");
	CHECK(strstr(g->told_text, "has come yet") != NULL);
	struct sample flag = { .tag = 3, .status = (uint32_t)STATUS_Good, .arrival = g->wall,
	    .v = { .type = VALUE_BOOL } };
	requests_live(g->r, 77, &flag, 1, g->now);
	rig_live(g, 5, 49, (uint32_t)STATUS_Good);
	CHECK_STR(rig_ask(g, "L/sp", 5), "");
	rig_live(g, 5, 50, (uint32_t)STATUS_Good);
	CHECK_STR(rig_ask(g, "L/sp", 5), "interlock");
	CHECK(strstr(g->told_text, "does not hold now") != NULL);
	rig_live(g, 5, 49, (uint32_t)STATUS_BadNoCommunication);
	CHECK_STR(rig_ask(g, "L/sp", 5), "interlock");
	rig_live(g, 5, 49, (uint32_t)STATUS_UncertainLastUsableValue);
	CHECK_STR(rig_ask(g, "L/sp", 5), "interlock");
	rig_live(g, 5, 49, (uint32_t)STATUS_Good);
	requests_plan(g->r, g->plan, g->now, g->wall);	/* what is watched keeps its value */
	CHECK_STR(rig_ask(g, "L/sp", 5), "");
	rig_pass(g, 5100);
	CHECK_STR(rig_ask(g, "L/sp", 5), "interlock");
	CHECK(strstr(g->told_text, "stale") != NULL);
	CHECK_INT(g->nsent, 2);
	rig_free(g);
}

/* After a restart of gate, or from a device's buffer, values come that are old although they have just come. */
TEST(a_present_value_is_as_old_as_its_arrival_and_no_history)
{
	struct rig *g = rig_new();
	struct sample s = { .tag = 0, .status = (uint32_t)STATUS_Good, .v = { .type = VALUE_F64, .f64 = 10 } };
	rig_rule(g->plan, "sp", 0)->step = 5;
	requests_plan(g->r, g->plan, g->now, g->wall);
	s.arrival.ns = g->wall.ns - 6 * NS_PER_S;
	requests_live(g->r, 77, &s, 1, g->now);
	CHECK_STR(rig_ask(g, "L/sp", 11), "present");
	s.arrival = g->wall;
	s.flags = SAMPLE_HISTORICAL;
	requests_live(g->r, 77, &s, 1, g->now);
	CHECK_STR(rig_ask(g, "L/sp", 11), "present");
	s.flags = 0;
	requests_live(g->r, 77, &s, 1, g->now);
	rig_ask(g, "L/sp", 11);
	CHECK_INT(g->nsent, 1);
	rig_free(g);
}

TEST(a_value_from_before_a_gap_is_not_the_present_one)
{
	struct rig *g = rig_new();
	rig_rule(g->plan, "sp", 0)->interlock = "pv < 50";
	requests_plan(g->r, g->plan, g->now, g->wall);
	rig_live(g, 5, 49, (uint32_t)STATUS_Good);
	requests_live_lost(g->r);
	CHECK_STR(rig_ask(g, "L/sp", 9), "interlock");
	CHECK(strstr(g->told_text, "lost") != NULL);
	rig_live(g, 5, 49, (uint32_t)STATUS_Good);
	rig_ask(g, "L/sp", 9);
	CHECK_INT(g->nsent, 1);
	rig_free(g);
}

TEST(a_present_value_that_is_no_number_refuses)
{
	struct rig *g = rig_new();
	struct request_rule *r = rig_rule(g->plan, "sp", 0);
	r->step = 5;
	requests_plan(g->r, g->plan, g->now, g->wall);
	rig_live(g, 0, (double)NAN, (uint32_t)STATUS_Good);
	CHECK_STR(rig_ask(g, "L/sp", 90), "present");
	rig_live(g, 0, (double)INFINITY, (uint32_t)STATUS_Good);
	CHECK_STR(rig_ask(g, "L/sp", 90), "present");
	r->step = 0;
	r->change = 5;
	rig_live(g, 0, (double)NAN, (uint32_t)STATUS_Good);
	CHECK_STR(rig_ask(g, "L/sp", 90), "present");
	CHECK_INT(g->nsent, 0);
	rig_free(g);
	g = rig_new();
	rig_rule(g->plan, "sp", 0)->interlock = "not (pv > 50)";
	requests_plan(g->r, g->plan, g->now, g->wall);
	rig_live(g, 5, (double)NAN, (uint32_t)STATUS_Good);
	CHECK_STR(rig_ask(g, "L/sp", 9), "interlock");
	rig_live(g, 5, 49, (uint32_t)STATUS_Good);
	rig_ask(g, "L/sp", 9);
	CHECK_INT(g->nsent, 1);
	rig_free(g);
}

TEST(limits_of_whole_numbers_are_exact)
{
	struct rig *g = rig_new();
	struct request_rule *r = rig_rule(g->plan, "n", 1);
	g->plan->tags[1].type = VALUE_U32;
	r->has_limits = true;
	r->lo = 4e9;
	r->hi = 4.1e9;
	requests_plan(g->r, g->plan, g->now, g->wall);
	CHECK_STR(rig_ask(g, "L/n", 4100000001.0), "limit");
	CHECK_STR(rig_ask(g, "L/n", 3999999999.0), "limit");
	rig_ask(g, "L/n", 4100000000.0);
	CHECK_INT(g->nsent, 1);
	r->nvalues = 1;
	r->values = (double[]){ 4e9 };
	CHECK_STR(rig_ask(g, "L/n", 4000000001.0), "value");
	rig_free(g);
}

TEST_MAIN
