/* What becomes of a request that was admitted: sent, waited for, confirmed by a second person, over whatever dies meanwhile. */
#include "gate/request_rig.h"

TEST(the_same_key_gives_the_known_outcome_and_no_second_write)
{
	struct rig *g = rig_ready();
	struct value v = { .type = VALUE_F64, .f64 = 7 };
	struct request q = rig_write("L/sp", &v);

	q.key = "order-1";
	requests_ask(g->r, 1, &q, g->now, g->wall);
	requests_ask(g->r, 2, &q, g->now, g->wall);	/* while it is under way: waits too */
	CHECK_INT(g->told.state, REQUEST_SENT);
	g->ntold = 0;
	rig_carried(g, g->sent_id, REQUEST_APPLIED);
	CHECK_INT(g->ntold, 2);
	rig_pass(g, 60000);
	requests_ask(g->r, 3, &q, g->now, g->wall);
	CHECK_INT(g->told.state, REQUEST_APPLIED);
	CHECK_INT(g->token, 3);
	v.f64 = 8;
	requests_ask(g->r, 4, &q, g->now, g->wall);
	CHECK_STR(g->told_code, "key");
	CHECK_INT(g->nsent, 1);
	q.user = "bert";		/* another one's key is another key */
	requests_ask(g->r, 5, &q, g->now, g->wall);
	CHECK_INT(g->told.state, REQUEST_SENT);
	CHECK_INT(g->nsent, 2);
	rig_free(g);
}

/* A new gate over what the log of the old one says. */
static void
restart(struct rig *g)
{
	uint32_t n = g->nlog;

	requests_free(g->r);
	g->r = rig_requests(g);
	for (uint32_t i = 0; i < n; i++) {
		struct audit_line l = { .number = i + 1, .kind = g->log[i].kind, .id = g->log[i].id,
		    .mark = g->log[i].mark,
		    .mark_len = strlen(g->log[i].mark) };
		requests_recall(g->r, &l);
	}
	requests_recalled(g->r, g->now, g->wall);
	requests_plan(g->r, g->plan, g->now, g->wall);
}

TEST(what_was_sent_by_a_gate_that_died_is_unknown_and_not_sent_again)
{
	struct rig *g = rig_ready();
	struct value v = { .type = VALUE_F64, .f64 = 7 };
	struct request q = rig_write("L/sp", &v);

	q.key = "k";
	requests_ask(g->r, 1, &q, g->now, g->wall);
	uint64_t id = g->sent_id;
	restart(g);
	CHECK_INT(g->log[g->nlog - 1].kind, AUDIT_OUTCOME);
	CHECK_INT(g->log[g->nlog - 1].id, id);
	CHECK_STR(g->log[g->nlog - 1].mark, "unknown");
	requests_ask(g->r, 9, &q, g->now, g->wall);
	CHECK_INT(g->told.state, REQUEST_UNKNOWN);
	rig_carried(g, id, REQUEST_APPLIED);	/* the word of an order that is over */
	CHECK_INT(g->told.state, REQUEST_UNKNOWN);
	CHECK_INT(g->nsent, 1);
	rig_ask(g, "L/sp", 3);
	CHECK(g->sent_id > id);
	restart(g);
	restart(g);
	CHECK_INT(rig_entries(g, AUDIT_OUTCOME), 2);
	rig_free(g);
}

TEST(a_field_that_dies_leaves_what_it_had_unknown)
{
	struct rig *g = rig_ready();
	rig_ask(g, "L/sp", 3);
	requests_zone_lost(g->r, "other", g->wall);
	CHECK_INT(g->told.state, REQUEST_SENT);
	requests_zone_lost(g->r, "line", g->wall);
	CHECK_INT(g->told.state, REQUEST_UNKNOWN);
	CHECK_STR(g->told_code, "lost");
	g->no_field = true;
	CHECK_STR(rig_ask(g, "L/sp", 3), "field");
	CHECK_INT(g->told.state, REQUEST_REFUSED);
	CHECK_INT(rig_entries(g, AUDIT_OUTCOME), 2);
	rig_free(g);
}

TEST(a_field_that_stays_silent_leaves_it_unknown)
{
	struct rig *g = rig_ready();
	rig_ask(g, "L/sp", 3);
	struct mono next = requests_tick(g->r, g->now, g->wall);
	CHECK_INT(next.ns, g->now.ns + 10 * NS_PER_S + 5 * NS_PER_S + REQUESTS_SILENCE_NS);
	rig_pass(g, 44999);
	requests_tick(g->r, g->now, g->wall);
	CHECK_INT(g->told.state, REQUEST_SENT);
	rig_pass(g, 1);
	requests_tick(g->r, g->now, g->wall);
	CHECK_STR(g->told_code, "silent");
	struct request_result res = { .id = g->sent_id, .state = REQUEST_APPLIED, .code = "", .text = "" };
	requests_carried(g->r, "line", &res, g->wall);
	CHECK_INT(g->told.state, REQUEST_UNKNOWN);
	rig_free(g);
}

TEST(a_field_may_speak_of_its_own_orders_only)
{
	struct rig *g = rig_ready();
	rig_ask(g, "L/sp", 3);
	struct request_result res = { .id = g->sent_id, .state = REQUEST_APPLIED, .code = "", .text = "" };
	requests_carried(g->r, "other", &res, g->wall);
	res.state = REQUEST_PENDING;
	requests_carried(g->r, "line", &res, g->wall);
	res.state = REQUEST_APPLIED;
	res.id++;
	requests_carried(g->r, "line", &res, g->wall);
	CHECK_INT(g->told.state, REQUEST_SENT);
	rig_free(g);
}

TEST(without_a_log_nothing_is_done)
{
	struct rig *g = rig_ready();
	g->disk_full = true;
	CHECK_STR(rig_ask(g, "L/sp", 3), "audit");
	CHECK_INT(g->nsent, 0);
	g->disk_full = false;
	CHECK_STR(rig_ask(g, "L/sp", 3), "audit");	/* the refusal before is owed to the log */
	rig_pass(g, 1000);
	requests_tick(g->r, g->now, g->wall);
	rig_ask(g, "L/sp", 3);
	g->disk_full = true;		/* between sending and outcome */
	rig_carried(g, g->sent_id, REQUEST_APPLIED);
	CHECK_INT(g->told.state, REQUEST_APPLIED);
	g->disk_full = false;
	CHECK_STR(rig_ask(g, "L/sp", 3), "audit");	/* an outcome is owed to the log */
	rig_pass(g, 1000);
	requests_tick(g->r, g->now, g->wall);
	/* Three refusals and the one that was applied: all stand there in the end. */
	CHECK_INT(rig_entries(g, AUDIT_OUTCOME), 4);
	CHECK_INT(rig_entries(g, AUDIT_REQUEST), 4);
	CHECK_STR(rig_ask(g, "L/sp", 3), "");
	rig_free(g);
}

TEST(a_second_person_must_be_another_one_and_the_time_runs)
{
	struct rig *g = rig_new();
	enum request_reason why;
	rig_rule(g->plan, "sp", 0)->second_person = true;
	requests_plan(g->r, g->plan, g->now, g->wall);
	rig_ask(g, "L/sp", 3);
	CHECK_INT(g->told.state, REQUEST_PENDING);
	CHECK_INT(rig_confirm(g, "anna", "", &why), ERR_DENIED);
	CHECK_INT(rig_confirm(g, "ANNA", "", &why), ERR_DENIED);
	CHECK_INT(why, REASON_PERSON);
	CHECK_INT(g->nsent, 0);
	rig_pass(g, 9000);
	CHECK_INT(rig_confirm(g, "bert", "", &why), 0);
	CHECK_INT(g->nsent, 1);
	CHECK_INT(g->sent_deadline.ns, g->now.ns + NS_PER_S);
	CHECK_INT(rig_confirm(g, "carl", "", &why), ERR_NOTFOUND);
	rig_carried(g, g->sent_id, REQUEST_APPLIED);
	CHECK_INT(rig_entries(g, AUDIT_CONFIRM), 3);
	rig_ask(g, "L/sp", 4);
	rig_pass(g, 10000);
	requests_tick(g->r, g->now, g->wall);
	CHECK_INT(g->told.state, REQUEST_EXPIRED);
	CHECK_INT(rig_confirm(g, "bert", "", &why), ERR_NOTFOUND);
	CHECK_INT(g->nsent, 1);
	rig_free(g);
}

TEST(what_changed_while_a_second_person_was_waited_for_counts)
{
	struct rig *g = rig_new();
	enum request_reason why;
	struct request_rule *r = rig_rule(g->plan, "sp", 0);
	r->second_person = true;
	r->step = 5;
	requests_plan(g->r, g->plan, g->now, g->wall);
	rig_live(g, 0, 10, (uint32_t)STATUS_Good);
	rig_ask(g, "L/sp", 12);
	rig_live(g, 0, 50, (uint32_t)STATUS_Good);
	CHECK_INT(rig_confirm(g, "bert", "", &why), 0);
	CHECK_STR(g->told_code, "step");
	CHECK_INT(g->nsent, 0);
	rig_live(g, 0, 10, (uint32_t)STATUS_Good);
	rig_ask(g, "L/sp", 12);
	struct plan *other = rig_plan();
	requests_plan(g->r, other, g->now, g->wall);
	CHECK_STR(g->told_code, "plan");
	plan_free(g->plan);
	g->plan = other;
	rig_free(g);
}

TEST(what_was_judged_by_another_plan_is_not_confirmed_by_this_one)
{
	enum request_reason why;
	struct plan *plans[5];

	for (int i = 0; i < 5; i++) {
		struct rig *g = rig_new();
		rig_rule(g->plan, "sp", 0)->second_person = true;
		requests_plan(g->r, g->plan, g->now, g->wall);
		rig_ask(g, "L/sp", 80);
		uint64_t id = g->told.id;
		CHECK_INT(g->told.state, REQUEST_PENDING);
		plans[i] = rig_plan();
		struct request_rule *r = rig_rule(plans[i], i == 1 ? "other" : "sp", 0);
		r->second_person = true;
		if (i == 0) {		/* narrower limits */
			r->has_limits = true;
			r->hi = 50;
		} else if (i == 2)	/* another type */
			plans[i]->tags[0].type = VALUE_U16;
		else if (i == 3)
			r->ttl_ns = NS_PER_S;
		requests_plan(g->r, plans[i], g->now, g->wall);
		g->told.id = id;
		CHECK_INT(rig_confirm(g, "bert", "", &why), i < 4 ? ERR_NOTFOUND : 0);
		CHECK_INT(g->nsent, i < 4 ? 0 : 1);
		plan_free(g->plan);
		g->plan = plans[i];
		rig_free(g);
	}
}

TEST(a_pending_request_can_be_called_off_and_dies_with_its_gate)
{
	struct rig *g = rig_new();
	enum request_reason why;
	struct request_person anna = { .from = "cli", .user = "anna" };
	rig_rule(g->plan, "sp", 0)->second_person = true;
	requests_plan(g->r, g->plan, g->now, g->wall);
	rig_ask(g, "L/sp", 3);
	CHECK_INT(requests_cancel(g->r, g->told.id, &anna, &why, g->wall), 0);
	CHECK_STR(g->told_code, "cancelled");
	rig_ask(g, "L/sp", 3);
	uint64_t id = g->told.id;
	restart(g);
	CHECK_STR(g->log[g->nlog - 1].mark, "refused");
	CHECK_INT(g->log[g->nlog - 1].id, id);
	CHECK_INT(g->nsent, 0);
	rig_free(g);
}

TEST(what_is_shown_names_the_state_and_why)
{
	struct rig *g = rig_ready();
	struct buf b = { 0 };
	rig_ask(g, "L/sp", 101);
	rig_ask(g, "L/sp", 3);
	CHECK(requests_show(g->r, 0, 10, g->now, &b));
	CHECK(strstr(buf_text(&b), "\"state\":\"sent\"") != NULL && strstr(buf_text(&b),
	    "\"reason\":\"limit\"") != NULL);
	CHECK(!requests_show(g->r, 99, 10, g->now, &b));
	CHECK_INT(requests_counts(g->r)->by_reason[REASON_LIMIT], 1);
	buf_fini(&b);
	rig_free(g);
}

TEST_MAIN
