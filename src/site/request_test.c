/*
 * The section requests: what is admitted stands in the plan, and everything that would not hold is found before it
 * runs.
 */
#include "base/test.h"
#include "site/hash.h"
#include "site/site_testing.h"
#include "site/slice.h"

static struct plan		*plan;
static struct site_report	 report;

static const char head[] =
    "site: { enterprise: A, name: B }\n"
    "zones: { a: { level: 2 }, dmz: { level: 3.5 }, it: { level: 4 } }\n"
    "enums: { mode: { 0: stop, 1: run }, other: { 0: no, 1: yes } }\n"
    "sources: { p: { driver: toy, zone: a, endpoint: h, unit: 1 }, sealed: { driver: toy, zone: a, endpoint: i, unit: "
        "99 } }\n"
    "sinks: { s: { kind: box, zone: it, broker: h }, near: { kind: box, zone: a, broker: h } }\n"
    "equipment: { P: { source: p, tags: {\n"
    "  sp: { at: word 1 int16, writable: yes, range: [0, 100], unit: Cel }, bare: { at: word 2 int16, writable: yes "
        "},\n"
    "  mode: { at: word 3 int16, writable: yes, enum: mode }, other: { at: word 4 int16, writable: yes, enum: other "
        "},\n"
    "  ro: { at: word 5 int16, range: [0, 1] }, flag: { at: bit 9.1, writable: yes }, hot: { at: word 6 int16, "
        "writable: yes, unit: K,\n"
    "  range: [0, 1] }, rare: { at: word 7 int16, writable: yes, scan: on-demand, range: [0, 9] } } },\n"
    "  S: { source: sealed, tags: { x: { at: word 1 int16, writable: yes, range: [0, 1] } } } }\n";
#define SHUT "conduits: { u1: { from: a, to: dmz, requests: yes }, u2: { from: dmz, to: it } }\n"
#define OPEN "conduits: { u1: { from: a, to: dmz, requests: yes }, u2: { from: dmz, to: it, requests: yes } }\n"

static int
load(const char *conduits, const char *entries)
{
	char yaml[8192];
	plan_free(plan);
	plan = NULL;
	site_report_free(&report);
	int n = snprintf(yaml, sizeof yaml, "%s%srequests:\n%s", head, conduits, entries);
	return toy_load_text(yaml, (size_t)n, NULL, 0, &plan, &report);
}

static void
refused(const char *conduits, const char *entries, const char *rule, const char *part)
{
	struct buf b = { 0 };

	CHECK_INT(load(conduits, entries), ERR_SYNTAX);
	for (size_t i = 0; i < report.n; i++)
		if (strcmp(report.findings[i].rule, rule) == 0 && strstr(report.findings[i].cause, part) != NULL) {
			CHECK(*report.findings[i].remedy != '\0' && report.findings[i].place.line >= 12);
			return;
		}
	site_report_print(&report, false, &b);
	test_fail(__FILE__, __LINE__, "no %s with \"%s\" in:\n%s", rule, part, buf_text(&b));
}

#define BY " why: w, owner: o }\n"

TEST(an_entry_stands_in_the_plan_with_all_that_it_says)
{
	CHECK_INT(load(OPEN, "  set: { what: P/sp, from: [cli, s], role: [operator, engineer], limits: [10, 60], unit: "
	    "Cel, step: 5, change: 20,\n"
	    "    change-per: 2 min, min-interval: 1 s, per-minute: 6, ttl: 3 s, second-person: yes,\n"
	    "    readback: { tag: P/ro, tolerance: 0.5, within: 2 s }," BY), 0);
	const struct request_rule *r = &plan->requests[0];
	CHECK_INT(plan->nrequests, 1);
	CHECK_STR(r->name, "set");
	CHECK_INT(r->ntags, 1);
	CHECK_STR(plan->sources[r->tags[0].source].tags[r->tags[0].tag].path, "P/sp");
	CHECK(r->cli && r->nsinks == 1 && r->nroles == 2 && r->second_person && r->has_limits && r->lo == 10 &&
	    r->hi == 60);
	CHECK(r->step == 5 && r->change == 20 && r->change_ns == 120 * NS_PER_S && r->min_interval_ns == NS_PER_S);
	CHECK(r->per_minute == 6 && r->ttl_ns == 3 * NS_PER_S && r->within_ns == 2 * NS_PER_S && r->tolerance == 0.5);
	CHECK(r->readback && r->readback_other);
	CHECK_STR(plan->sources[0].tags[r->readback_tag.tag].path, "P/ro");
}

TEST(gate_is_told_the_entries_and_nobody_else_is)
{
	static const enum slice_for others[] = { SLICE_FIELD, SLICE_INSIGHT, SLICE_OFFICE };
	struct buf b = { 0 };
	struct plan *p;

	CHECK_INT(load("", "  set: { what: [P/mode], from: cli, values: [run, 0]," BY
	    "  go: { kind: call, source: p, method: start, arguments: ['0..5', 'a|b', any], from: cli," BY), 0);
	CHECK_INT(slice_write(plan, SLICE_GATE, 0, &b), 0);
	CHECK_INT(slice_read(b.p, b.len, &p), 0);
	CHECK_INT(p->nrequests, 2);
	for (uint32_t i = 0; i < 2; i++)
		CHECK(hash_request(p, &p->requests[i]) == hash_request(plan, &plan->requests[i]));
	CHECK(p->requests[0].nvalues == 2 && p->requests[0].values[0] == 1 && p->requests[0].values[1] == 0);
	CHECK(p->requests[1].nargs == 3 && p->requests[1].args[0].hi == 5 && p->requests[1].args[2].any);
	plan_free(p);
	for (size_t i = 0; i < 3; i++) {
		buf_reset(&b);
		CHECK_INT(slice_write(plan, others[i], 0, &b), 0);
		CHECK_INT(slice_read(b.p, b.len, &p), 0);
		CHECK_INT(p->nrequests, 0);
		plan_free(p);
	}
	buf_fini(&b);
}

/* The second section is a finding; the entries are checked all the same, with sources that are named and were not read. */
TEST(a_section_of_sources_written_twice_is_a_finding)
{
	CHECK(load(OPEN, "  x: { what: P/sp, from: cli," BY "  y: { kind: call, source: plc, method: start, from: cli," BY "sources:\n") != 0);
	CHECK(report.errors > 0);
}

/* Every section is checked, whatever is left of the others. */
TEST(zones_that_are_none_are_a_finding)
{
	static const char yaml[] = "site: { enterprise: A, name: B }\nzones: 7\nsinks: { s: { kind: box, zone: a, broker: h } }\n";

	plan_free(plan);
	plan = NULL;
	site_report_free(&report);
	CHECK(toy_load_text(yaml, sizeof yaml - 1, NULL, 0, &plan, &report) != 0);
	CHECK(report.errors > 0);
}

TEST(a_tag_must_be_there_and_writable)
{
	refused("", "  x: { what: P/none, from: cli," BY, "request-tag", "no tag matches");
	refused("", "  x: { what: P/ro, from: cli," BY, "request-tag", "\"P/ro\" is not writable");
	refused("", "  x: { what: S/x, from: cli," BY, "request-driver", "source sealed cannot be written");
	refused("", "  x: { kind: ack, what: P/sp, from: cli," BY, "request-driver", "cannot acknowledge events");
}

TEST(a_number_is_bounded_within_its_range_and_in_its_unit)
{
	CHECK_INT(load("", "  x: { what: P/sp, from: cli," BY), 0);
	refused("", "  x: { what: P/bare, from: cli," BY, "request-limits", "nothing bounds");
	refused("", "  x: { what: P/sp, from: cli, limits: [10, 101]," BY, "request-limits", "go past the range");
	refused("", "  x: { what: P/sp, from: cli, unit: K, limits: [10, 20]," BY, "request-limits",
	    "its unit is \"K\"");
	refused("", "  x: { what: [P/sp, P/hot], from: cli, limits: [0, 1]," BY, "request-limits", "different units");
	refused("", "  x: { what: P/flag, from: cli, limits: [0, 1]," BY, "request-limits", "no number");
	refused("", "  x: { what: P/flag, from: cli, step: 1," BY, "request-limits", "step and change");
	refused("", "  x: { what: P/rare, from: cli, step: 1," BY, "request-limits", "on demand only");
	refused("", "  x: { what: P/mode, from: cli, values: [go]," BY, "request-limits", "\"go\" is no value");
	refused("", "  x: { what: [P/mode, P/other], from: cli, values: [1]," BY, "request-limits",
	    "different enumerations");
}

TEST(nothing_comes_back_through_a_conduit_that_does_not_let_it)
{
	refused(SHUT, "  x: { what: P/sp, from: s," BY, "request-way",
	    "conduit u2 does not let requests back from zone it to zone dmz");
	refused("", "  x: { what: P/sp, from: s," BY, "request-way", "no conduit leads from zone a");
	CHECK_INT(load(OPEN, "  x: { what: P/sp, from: s," BY), 0);
	CHECK_INT(load("", "  x: { what: P/sp, from: near," BY), 0);
	refused("", "  x: { what: P/sp, from: nobody," BY, "dangling", "nobody");
}

TEST(an_interlock_is_compiled_before_it_runs)
{
	CHECK_INT(load("", "  x: { what: P/sp, from: cli, interlock: 'ro < 1 and not flag',\n" BY), 0);
	CHECK_STR(plan->requests[0].interlock, "ro < 1 and not flag");
	CHECK_INT(load("", "  x: { what: P/sp, from: cli, interlock: \"'P/ro' < 1\"," BY), 0);
	refused("", "  x: { what: P/sp, from: cli, interlock: 'nothing > 1'," BY, "request-interlock",
	    "there is no tag \"nothing\"");
	refused("", "  x: { what: P/sp, from: cli, interlock: 'ro + 1'," BY, "request-interlock", "not true or false");
	refused("", "  x: { what: P/sp, from: cli, interlock: 'ro <'," BY, "request-interlock", "at character");
	refused("", "  x: { what: P/sp, from: cli, interlock: 'rare < 1'," BY, "request-interlock", "on demand only");
	refused("", "  x: { what: P/sp, from: cli, interlock: 'held(ro < 1, 5s)'," BY, "request-interlock",
	    "remembers");
}

TEST(who_and_why_and_how_long_are_asked_for)
{
	refused("", "  x: { what: P/sp," BY, "missing-key", "from");
	refused("", "  x: { what: P/sp, from: cli, owner: o }\n", "missing-key", "why");
	refused("", "  x: { what: P/sp, from: cli, ttl: 11 min," BY, "out-of-range", "ttl");
	refused("", "  x: { what: P/sp, from: cli, ttl: 50 ms," BY, "out-of-range", "ttl");
	refused("", "  x: { from: cli," BY, "request-keys", "needs the key `what`");
	refused("", "  x: { kind: call, what: P/sp, source: p, method: m, from: cli," BY, "request-keys",
	    "`what` means nothing");
	refused("", "  x: { what: P/sp, from: cli, readback: { tag: P/no }," BY, "request-readback", "is not there");
	refused("", "  x: { what: P/sp, from: cli, readback: { tag: S/x }," BY, "request-readback", "another source");
}

TEST(two_entries_do_not_admit_the_same_for_the_same)
{
	refused("", "  x: { what: P/sp, from: cli," BY "  y: { what: P/sp, from: cli, limits: [0, 1]," BY,
	    "request-overlap", "x and y");
	CHECK_INT(load("", "  x: { what: P/sp, from: cli, role: a," BY "  y: { what: P/sp, from: cli, role: b," BY), 0);
	CHECK_INT(load("", "  x: { what: P/sp, from: cli," BY "  y: { what: P/sp, from: near," BY), 0);
}

TEST_MAIN
