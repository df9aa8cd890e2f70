/* The section events: what an entry becomes, and what is refused with which remedy. */
#include "base/test.h"
#include "site/derive.h"
#include "site/site_testing.h"
#include "site/slice.h"

static struct plan *plan;
static struct site_report report;

/* Equipment P at source p (zone a), Q in another zone, a box that takes what is named P/e. */
static int
load(const char *flow, const char *entries)
{
	char yaml[8192];
	int n = snprintf(yaml, sizeof yaml,
	    "site: { enterprise: A, name: B }\n"
	    "zones: { a: { level: 2 }, b: { level: 2 }, it: { level: 3.5 } }\n"
	    "conduits: { up: { from: a, to: it }, upb: { from: b, to: it } }\n"
	    "sources: { p: { driver: toy, zone: a, endpoint: h, unit: 1 }, q: { driver: toy, zone: b, endpoint: h, unit: 2 } }\n"
	    "sinks: { s: { kind: box, zone: it, broker: h }, till: { kind: till, zone: it, broker: h } }\n"
	    "equipment:\n"
	    "  P: { source: p, tags: { n: { at: word 1 uint16, unit: \"1\" }, t: { at: word 2 float32, unit: Cel }, done: { at: bit 9.1 },\n"
	    "    req: { at: bit 9.2 }, ack: { at: bit 9.3, writable: yes }, order: { at: word 20 uint32 }, temp: { expr: t + 1, unit: Cel } } }\n"
	    "  Q: { source: q, tags: { n: { at: word 1 uint16 } } }\n"
	    "requests: { a: { what: P/ack, from: [events], why: w, owner: o } }\n"
	    "flows: { f: { what: [P/n, %s], to: [s%s], why: w, owner: o%s } }\n"
	    "events:\n%s", *flow != '\0' && *flow != ',' && *flow != '+' ? flow : "P/e", *flow == '+' ? ", till" : "",
	    *flow == ',' ? flow : "", entries);
	plan_free(plan);
	plan = NULL;
	site_report_free(&report);
	CHECK(n > 0 && (size_t)n < sizeof yaml);
	return toy_load_text(yaml, (size_t)n, NULL, 0, &plan, &report);
}

static void
refused(const char *flow, const char *entries, const char *rule, const char *part)
{
	struct buf b = { 0 };

	CHECK_INT(load(flow, entries), ERR_SYNTAX);
	for (size_t i = 0; i < report.n; i++)
		if (strcmp(report.findings[i].rule, rule) == 0 && strstr(report.findings[i].cause, part) != NULL) {
			CHECK(*report.findings[i].remedy != '\0' && report.findings[i].place.line >= 10 &&
			    report.findings[i].place.column > 0);
			return;
		}
	site_report_print(&report, false, &b);
	test_fail(__FILE__, __LINE__, "no %s with \"%s\" in:\n%s", rule, part, buf_text(&b));
}

#define E(fields) "  P/e: { type: test-result, when: done, fields: { " fields " } }\n"

TEST(an_entry_stands_in_the_plan_and_is_a_tag_that_flows_take)
{
	CHECK_INT(load("", "  P/e: { type: operations-performance, request: req, acknowledge: ack, timeout: 3 s, key: [order, no], fields: {\n"
	    "    order: { tag: order, type: text, length: 12, required: yes }, yield: { count: n, modulo: 65536 },\n"
	    "    warm: { expr: mean(temp over 10s), unit: '[degF]', range: [0, 200] }, unit: { value: PC, one-of: [PC, KG] } } }\n"), 0);
	CHECK_INT(plan->nevents, 1);
	const struct event_rule *r = &plan->events[0];
	const struct tag *t = &plan->sources[r->source].tags[r->tag];
	CHECK_STR(plan->sources[r->source].name, "event:a");
	CHECK(source_is_events(&plan->sources[r->source]) && source_is_derived(&plan->sources[r->source]));
	CHECK_STR(t->path, "P/e");
	CHECK_INT(t->type, VALUE_JSON);
	CHECK(r->object == EVENT_OPERATIONS_PERFORMANCE && r->timeout_ns == 3 * NS_PER_S && r->nfields == 4);
	CHECK_STR(r->request, "'req'");
	CHECK_STR(r->acknowledge, "P/ack");
	CHECK(r->fields[0].type == EVENT_IS_TEXT && r->fields[0].length == 12 && r->fields[0].required);
	CHECK(r->fields[1].from == EVENT_FROM_COUNT && r->fields[1].type == EVENT_IS_INTEGER);
	CHECK_STR(r->fields[1].text, "counter('n', 65536)");
	CHECK_STR(r->fields[1].unit, "1");
	CHECK(r->fields[2].type == EVENT_IS_NUMBER && r->fields[2].has_range && r->fields[2].hi == 200);
	CHECK_STR(r->fields[2].unit, "[degF]");
	CHECK(r->fields[3].from == EVENT_FROM_VALUE && r->fields[3].nwords == 2);
	CHECK(r->nkey == 2 && r->key[0] == 0 && r->key[1] == EVENT_KEY_NO);
	CHECK(plan->requests[0].events && !plan->requests[0].cli);
}

TEST(insight_is_told_of_events_and_field_is_not)
{
	struct buf b = { 0 };
	struct plan *got;

	CHECK_INT(load("", E("n: { tag: n }, l: { tag: order, type: text, one-of: [a, b], length: 9 }")), 0);
	CHECK_INT(slice_write(plan, SLICE_INSIGHT, 0, &b), 0);
	CHECK_INT(slice_read(b.p, b.len, &got), 0);
	CHECK_INT(got->nevents, 1);
	CHECK_STR(got->events[0].path, "P/e");
	CHECK_STR(got->sources[got->events[0].source].tags[got->events[0].tag].path, "P/e");
	CHECK_STR(got->events[0].fields[1].words[1], "b");
	CHECK(got->events[0].key[0] == EVENT_KEY_NO && got->events[0].fields[1].length == 9);
	plan_free(got);
	buf_reset(&b);
	CHECK_INT(slice_write(plan, SLICE_FIELD, 0, &b), 0);
	CHECK_INT(slice_read(b.p, b.len, &got), 0);
	CHECK(got->nevents == 0 && got->nsources == 1);
	plan_free(got);
	buf_fini(&b);
	uint64_t hash = plan->hash;
	CHECK_INT(load("", E("n: { tag: n }, l: { tag: order, type: text, one-of: [a, c], length: 9 }")), 0);
	CHECK(plan->hash != hash);
}

TEST(what_would_not_hold_is_refused)
{
	refused("", E("n: { tag: nn }"), "event-expr", "no tag \"nn\"");
	refused("", E("n: { }"), "event-field", "nothing says where");
	refused("", E("n: { tag: n, value: 3 }"), "event-field", "more than one source");
	refused("", E("n: { expr: 't + n' }"), "event-type", "column");
	refused("", E("n: { tag: t, unit: bar }"), "event-type", "bar");
	refused("", E("n: { tag: t, type: integer }"), "event-type", "to be a integer");
	refused("", E("n: { tag: n, length: 4 }"), "event-type", "only a text has a length");
	refused("", E("n: { tag: order, type: text, range: [0, 1] }"), "event-type", "only a number has a range");
	refused("", E("n: { tag: n, range: [5, 1] }"), "event-field", "ends before");
	refused("", E("n: { tag: n, one-of: [a] }"), "event-type", "to be numbers");
	refused("", E("n: { value: x, type: integer }"), "event-type", "constant is not of its type");
	refused("", E("n: { tag: n, modulo: 10 }"), "event-field", "modulo belongs to a count");
	refused("", E("\"a b\": { tag: n }"), "event-field", "its name has other characters");
	refused("", E("n: { tag: n }, q: { tag: Q/n }"), "event-zone", "zones a and b");
	refused("", E("n: { value: 1 }, p: { tag: n }, s: { tag: order, type: text, length: 1001 }"), "out-of-range", "length");
	refused("", "  P/e: { type: test-result, when: done, key: [m], fields: { n: { tag: n } } }\n", "event-key", "\"m\"");
	refused("", "  P/e: { type: test-result, fields: { n: { tag: n } } }\n", "event-trigger", "nothing says when");
	refused("", "  P/e: { type: test-result, when: done, every: 1 h, fields: { n: { tag: n } } }\n",
	    "event-trigger", "more than one");
	refused("", "  P/e: { type: test-result, when: n, fields: { n: { tag: n } } }\n", "event-type", "no condition");
	refused("", "  P/e: { type: test-result, request: req, fields: { n: { tag: n } } }\n", "event-trigger",
	    "a request and an acknowledge");
	refused("", "  P/e: { type: test-result, request: req, acknowledge: done, fields: { n: { tag: n } } }\n",
	    "event-acknowledge", "cannot be written");
	refused("", "  P/e: { type: none, when: done, fields: { n: { tag: n } } }\n", "wrong-type", "none");
	refused("", "  P/e: { type: test-result, every: 1 h, fields: { n: { value: 1 } } }\n", "event-zone", "made of no tag");
	refused("", "  P/e: { type: test-result, when: done, fields: { n: { tag: n } } }\n  P/n: { type: test-result, when: done, fields: { n: { tag: n } } }\n",
	    "duplicate-path", "P/n");
	refused(", how: { on-change: 1 }", E("n: { tag: n }"), "event-flow", "reduces");
	refused("P/t", "  P/e: { type: test-result, request: req, acknowledge: ack, fields: { n: { tag: n } } }\n",
	    "event-flow", "no flow takes it");
	refused(", how: { durability: none }", "  P/e: { type: test-result, request: req, acknowledge: ack, fields: { n: { tag: n } } }\n", "event-flow",
	    "nothing durable");
}

TEST(an_acknowledge_needs_an_entry_of_requests)
{
	refused("", "  P/e: { type: test-result, request: req, acknowledge: ack, fields: { n: { tag: n } } }\n"
	    "  P/x: { type: test-result, request: req, acknowledge: Q/w, fields: { n: { tag: n } } }\n", "event-expr", "Q/w");
}

TEST(a_sink_of_events_takes_no_values)
{
	CHECK_INT(load("", E("n: { tag: n }")), 0);
	refused("+", E("n: { tag: n }"), "event-sink", "brings \"P/n\" to sink till");
}

TEST(an_event_in_no_flow_is_told_and_no_error)
{
	CHECK_INT(load("P/t", E("n: { tag: n }")), 0);
	CHECK(report.warnings >= 1 && report.errors == 0);
}

TEST_MAIN
