/* The rules that need the whole site, one by one: routes, overlaps, link load, types and parameters, tables. */
#include "base/test.h"
#include "site/site_testing.h"

static struct plan		*plan;
static struct site_report	 report;

/* Sections that every one of these sites has; its three lines come first. */
static const char head[] =
    "site: { enterprise: A, name: B }\n"
    "zones: { a: { level: 2 }, b: { level: 2 }, dmz: { level: 3.5 }, it: { level: 4 } }\n"
    "sources: { p: { driver: toy, zone: a, endpoint: h, unit: 1 }, q: { driver: toy, zone: b, endpoint: i, unit: 1 } }\n";
#define SINK "sinks: { s: { kind: box, zone: it, broker: h } }\n"

static int
load(const char *body, const char *csv)
{
	char yaml[8192];
	plan_free(plan);
	site_report_free(&report);
	int n = snprintf(yaml, sizeof yaml, "%s%s", head, body);
	return toy_load_text(yaml, (size_t)n, csv, csv ? strlen(csv) : 0, &plan, &report);
}

static size_t
count(const char *rule)
{
	size_t n = 0;
	for (size_t i = 0; i < report.n; i++)
		n += strcmp(report.findings[i].rule, rule) == 0;
	return n;
}

static const struct finding *
expect(const char *rule, int line, int column)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < report.n; i++)
		if (strcmp(report.findings[i].rule, rule) == 0 && report.findings[i].place.line == line &&
		    report.findings[i].place.column == column)
			return &report.findings[i];
	site_report_print(&report, false, &b);
	test_fail(__FILE__, __LINE__, "no %s at %d:%d in:\n%s", rule, line, column, buf_text(&b));
}

#define TAGS "equipment: { P: { source: p, tags: { x: { at: word 1 int16 } } }, Q: { source: q, tags: { x: { at: word 1 int16 } } } }\n"

TEST(the_only_chain_of_conduits_is_found)
{
	CHECK_INT(load("conduits: { u1: { from: a, to: dmz }, u2: { from: dmz, to: it }, back: { from: it, to: a } }\n" SINK TAGS
	    "flows: { f: { what: P/x, to: s, why: w, owner: o } }\n", NULL), 0);
	CHECK_INT(plan->flows[0].nconduits, 2);
	CHECK_STR(plan->conduits[plan->flows[0].conduits[0]].name, "u1");
	CHECK_STR(plan->conduits[plan->flows[0].conduits[1]].name, "u2");
}

TEST(a_flow_that_no_conduit_carries_is_refused)
{
	CHECK_INT(load("conduits: { u1: { from: it, to: a } }\n" SINK TAGS "flows: { f: { what: P/x, to: s } }\n",
	    NULL), ERR_SYNTAX);
	CHECK(strstr(expect("no-conduit", 7, 30)->cause, "from zone a to zone it") != NULL);
}

TEST(via_must_name_the_whole_way_and_nothing_else)
{
	static const char conduits[] = "conduits: { u1: { from: a, to: dmz }, u2: { from: dmz, to: it }, u3: { from: b, to: it } }\n";
	char body[2048];
	snprintf(body, sizeof body, "%s%s%sflows: { f: { what: P/x, to: s, via: u1 } }\n", conduits, SINK, TAGS);
	CHECK_INT(load(body, NULL), ERR_SYNTAX);
	expect("no-conduit", 7, 38);
	snprintf(body, sizeof body, "%s%s%sflows: { f: { what: P/x, to: s, via: [u1, u2, u3] } }\n", conduits, SINK,
	    TAGS);
	CHECK_INT(load(body, NULL), ERR_SYNTAX);
	expect("via-unused", 7, 47);
	snprintf(body, sizeof body, "%s%s%sflows: { f: { what: P/x, to: s, via: [u1, u4] } }\n", conduits, SINK, TAGS);
	CHECK_INT(load(body, NULL), ERR_SYNTAX);
	expect("dangling", 7, 43);
	snprintf(body, sizeof body, "%s%s%sflows: { f: { what: '*/x', to: s, via: [u1, u2, u3] } }\n", conduits, SINK,
	    TAGS);
	CHECK_INT(load(body, NULL), 0);
	CHECK_INT(plan->flows[0].nconduits, 3);
}

TEST(two_ways_are_one_too_many)
{
	static const char rest[] = "conduits: { u1: { from: a, to: dmz }, u2: { from: dmz, to: it }, u3: { from: a, to: it } }\n" SINK TAGS;
	char body[2048];
	snprintf(body, sizeof body, "%sflows: { f: { what: P/x, to: s } }\n", rest);
	CHECK_INT(load(body, NULL), ERR_SYNTAX);
	expect("many-conduits", 7, 30);
	snprintf(body, sizeof body, "%sflows: { f: { what: P/x, to: s, via: u3 } }\n", rest);
	CHECK_INT(load(body, NULL), 0);
}

TEST(from_limits_a_flow_to_zones)
{
	CHECK_INT(load("conduits: { u1: { from: a, to: it } }\n" SINK TAGS "flows: { f: { what: '**', from: a, to: s } }\n", NULL), 0);
	CHECK_INT(plan->flows[0].ntags, 1);
	CHECK_STR(plan->flows[0].tags[0].name, "P/x");
}

TEST(a_sink_in_the_same_zone_needs_no_conduit)
{
	CHECK_INT(load("sinks: { s: { kind: box, zone: a, broker: h } }\n" TAGS "flows: { f: { what: P/x, to: s } }\n", NULL), 0);
	CHECK_INT(plan->flows[0].nconduits, 0);
	CHECK_INT(count("flow-reason"), 0);
}

TEST(overlaps_are_errors_and_equal_addresses_warnings)
{
	CHECK_INT(load("equipment: { P: { source: p, tags: {\n"			/* line 4 */
	    " a: { at: word 10 float32 },\n"
	    " b: { at: word 11 int16 },\n"
	    " c: { at: word 20 int16 }, d: { at: word 20 int16 },\n"
	    " e: { at: word 30 int16 }, f: { at: word 30 uint16 },\n"
	    " g: { at: word 40 int16 }, h: { at: bit 40.1 } } } }\n", NULL), ERR_SYNTAX);
	expect("overlap", 6, 2);
	CHECK_INT(expect("duplicate-address", 7, 28)->severity, FINDING_WARNING);
	expect("overlap", 8, 28);
	CHECK_INT(count("overlap"), 2);
}

TEST(a_bit_that_is_read_twice_is_found)
{
	CHECK_INT(load("equipment: { P: { source: p, tags: {\n"
	    " a: { at: bit 1.1 }, b: { at: bit 1.2 }, c: { at: bit 1.1 } }, }, Q: { source: q, tags: { a: { at: bit 1.1 } } } }\n",
	    NULL), 0);
	CHECK_INT(count("duplicate-address"), 1);
	expect("duplicate-address", 5, 42);
}

TEST(a_type_that_nothing_has_is_said_so)
{
	CHECK_INT(load("types: { up: { }, t: { extends: up, tags: { a: { at: word 1 int16 } } }, u: { } }\n"
	    "equipment: { P: { source: p, type: t } }\n", NULL), 0);
	expect("unused", 4, 74);
	CHECK(strstr(expect("unused", 4, 74)->cause, "type u") != NULL);
}

TEST(tags_of_different_sources_do_not_overlap)
{
	CHECK_INT(load(TAGS, NULL), 0);
	CHECK_INT(count("duplicate-address") + count("overlap"), 0);
}

TEST(a_link_is_not_asked_for_more_than_it_can_carry)
{
	CHECK_INT(load("equipment: { P: { source: p, tags: {\n"
	    " a: { at: word 1 int16, scan: 10 ms }, b: { at: word 2 int16, scan: 10 ms }, c: { at: word 3 int16, scan: 10 ms },\n"
	    " d: { at: word 4 int16, scan: 10 ms }, e: { at: word 5 int16, scan: 10 ms }, f: { at: word 6 int16, scan: 10 ms },\n"
	    " g: { at: word 7 int16, scan: 10 ms }, h: { at: word 8 int16, scan: 10 ms } } } }\n", NULL), 0);
	const struct finding *f = expect("link-load", 3, 12);
	CHECK_INT(f->severity, FINDING_WARNING);
	CHECK(strstr(f->cause, "80 %") != NULL && strstr(f->cause, "8 tags of 1 ms") != NULL);
	CHECK(plan->sources[0].requests_per_s == 800);
}

TEST(sources_on_one_link_add_up)
{
	char body[4096];
	int n = snprintf(body, sizeof body, "equipment: {\n");
	for (int s = 0; s < 2; s++) {
		n += snprintf(body + n, sizeof body - (size_t)n, " E%d: { source: p%d, tags: {", s, s);
		for (int t = 0; t < 6; t++)
			n += snprintf(body + n, sizeof body - (size_t)n, " t%d: { at: word %d int16, scan: 10 ms },",
			    t, t);
		n += snprintf(body + n, sizeof body - (size_t)n, " } },\n");
	}
	snprintf(body + n, sizeof body - (size_t)n, "}\n");
	char yaml[8192];
	n = snprintf(yaml, sizeof yaml, "site: { enterprise: A, name: B }\nzones: { a: { level: 2 } }\nsources:\n"
	    "  p0: { driver: toy, zone: a, endpoint: GW, unit: 1 }\n  p1: { driver: toy, zone: a, endpoint: 'gw:502', unit: 2 }\n%s", body);
	plan_free(plan);
	site_report_free(&report);
	CHECK_INT(toy_load_text(yaml, (size_t)n, NULL, 0, &plan, &report), ERR_SYNTAX);
	plan = NULL;
	CHECK(strstr(expect("link-load", 4, 3)->cause, "the 2 sources on gw:502 ask for 120 %") != NULL);
}

TEST(types_extend_types_and_replace_their_tags)
{
	CHECK_INT(load("types:\n"
	    "  base: { params: { n: 5 }, tags: { a: { at: \"word ${n} int16\" }, b: { at: word 100 int16 } } }\n"
	    "  sub: { extends: base, params: { n: 7 }, tags: { b: { at: word 200 int16 }, c: { at: \"word ${n + 1} int16\" } } }\n"
	    "equipment: { E: { type: sub, source: p }, F: { type: sub, source: q, params: { n: 50 } } }\n", NULL), 0);
	CHECK_STR(plan_tag(plan, "E/a")->at, "word 7 int16");
	CHECK_STR(plan_tag(plan, "E/b")->at, "word 200 int16");
	CHECK_STR(plan_tag(plan, "F/c")->at, "word 51 int16");
	CHECK_INT(plan->ntags, 6);
}

TEST(parameters_that_are_wrong_are_named)
{
	CHECK_INT(load("types:\n"								/* 4 */
	    "  t: { params: { base: ~, name: x }, tags: {\n"
	    "    a: { at: \"word ${bas} int16\" },\n"
	    "    b: { at: \"word ${base + 1 int16\" },\n"
	    "    c: { at: \"word ${name + 1} int16\" },\n"
	    "    d: { at: \"word ${base + 1} int16\" } } }\n"
	    "equipment: { E: { type: t, source: p, params: { bse: 1 } } }\n", NULL), ERR_SYNTAX);
	CHECK(strstr(expect("params", 6, 14)->cause, "\"base\"") != NULL);
	expect("params", 7, 14);
	expect("params", 8, 14);
	CHECK(strstr(expect("params", 9, 14)->cause, "gives no value") != NULL);
	expect("params", 10, 49);
}

TEST(a_circle_of_types_ends)
{
	CHECK_INT(load("types: { a: { extends: b }, b: { extends: a } }\nequipment: { E: { type: a } }\n", NULL),
	    ERR_SYNTAX);
	expect("extends", 4, 24);
}

TEST(a_fault_in_a_type_is_said_once_and_counted)
{
	CHECK_INT(load("types: { t: { tags: { a: { at: wort } } } }\n"
	    "equipment: { E: { type: t, source: p }, F: { type: t, source: p }, G: { type: t, source: q } }\n", NULL), ERR_SYNTAX);
	CHECK_INT(count("at-syntax"), 1);
	CHECK(strstr(expect("at-syntax", 4, 32)->cause, "and 2 more") != NULL);
	CHECK_INT(report.errors, 1);
}

/* One fault, one finding: not the flow that misses the tag, nor the other end of its range. */
TEST(a_bad_cell_is_not_blamed_on_others)
{
	CHECK_INT(load("conduits: { u1: { from: a, to: dmz }, u2: { from: dmz, to: it } }\n" SINK
	    "equipment: { P: { source: p, tags: t.csv } }\nflows: { f: { what: P/*, to: s, why: w, owner: o } }\n",
	    "name;at;range-low;range-high\nx;word 1 int16;0;1.000,5\n"), ERR_SYNTAX);
	CHECK_INT(report.errors, 1);
	CHECK(strstr(expect("wrong-type", 2, 18)->cause, "ambiguous") != NULL);
}

#define TABLE "equipment: { P: { source: p, tags: t.csv } }\n"

TEST(bad_cells_are_refused_by_row_and_column)
{
	CHECK_INT(load(TABLE, "name,at,factor,unit,scan,enum,tpye\n"
	    "a,word 1 int16,\"1.234,5\",,,,\n"
	    "b,word 2 int16,1;5,,,,\n"
	    "c,word 3 int16,,degC,,,\n"
	    "d,word 4 int16,,,5 ms,,\n"
	    "e,,,,,,\n"
	    ",word 6 int16,,,,,\n"
	    "g,word 7 int16,,,,nowhere,\n"
	    "a,word 8 int16,,,,,\n"
	    "h,word 9 int16,,,,,,x\n"
	    "a,word 10 int16,,,,,\n"), ERR_SYNTAX);
	CHECK(strstr(expect("unknown-column", 1, 31)->cause, "cell G1") != NULL &&
	    strstr(expect("unknown-column", 1, 31)->cause,
	    "\"type\"") != NULL);
	CHECK(strstr(expect("wrong-type", 2, 16)->cause, "cell C2") != NULL &&
	    strstr(expect("wrong-type", 2, 16)->cause, "ambiguous") != NULL);
	expect("wrong-type", 3, 16);
	CHECK(strstr(expect("unit", 4, 17)->cause, "\"Cel\"") != NULL);
	expect("out-of-range", 5, 18);
	expect("missing-cell", 6, 1);
	expect("missing-cell", 7, 1);
	expect("dangling", 8, 19);
	expect("extra-cell", 10, 21);
	CHECK(strstr(expect("duplicate-path", 11, 1)->cause, "t.csv:9") != NULL);
}

TEST(a_table_without_its_columns_is_refused)
{
	CHECK_INT(load(TABLE, "name;adress\na;word 1 int16\n"), ERR_SYNTAX);
	expect("missing-column", 1, 1);
	expect("unknown-column", 1, 6);
	CHECK_INT(load(TABLE, ""), ERR_SYNTAX);
	expect("table", 1, 1);
	CHECK_INT(load("equipment: { P: { source: p, tags: u.csv } }\n", NULL), ERR_SYNTAX);
	CHECK(strstr(expect("unreadable", 4, 36)->cause, "u.csv") != NULL);
}

TEST(tables_of_the_site_say_whole_paths)
{
	CHECK_INT(load("tables: [t.csv]\n",
	    "path,equipment,name,source,at,range\nA/B/x,,,p,word 1 int16,0..5\n,C/D,y,q,word 2 int16,\n"), 0);
	CHECK(plan_tag(plan, "A/B/x")->hi == 5);
	CHECK_INT(plan_tag(plan, "C/D/y")->source, 1);
	CHECK_INT(load("tables: [t.csv]\n", "path,at\nA/x,word 1 int16\n"), ERR_SYNTAX);
	expect("no-source", 2, 1);
	CHECK_INT(load(TABLE, "path,at\nP/x,word 1 int16\nQ/x,word 2 int16\n"), ERR_SYNTAX);
	expect("table-path", 3, 1);
}

TEST(contradictions_in_how_are_named)
{
	CHECK_INT(load("sinks: { s: { kind: box, zone: a, broker: h } }\n" TAGS "flows:\n"	/* 4 5 6 */
	    "  f: { what: P/x, to: s, how: { on-change: 1, window: 5 s, functions: [mean] } }\n"
	    "  g: { what: P/x, to: s, how: { window: 5 s } }\n"
	    "  h: { what: P/x, to: s, how: { on-change: 1 % of range } }\n"
	    "  i: { what: P/x, to: s, how: { swinging-door: 1 % } }\n"
	    "  j: { what: P/x, to: s, how: { format: sparkplug } }\n"
	    "  k: { what: P/x, to: [s, s] }\n"
	    "  l: { what: P/x, to: s, how: { functions: [mean, medium], window: 5 s } }\n", NULL), ERR_SYNTAX);
	expect("how", 7, 55);
	expect("how", 8, 41);
	CHECK(strstr(expect("how", 9, 44)->cause, "P/x") != NULL);
	expect("how", 10, 48);
	CHECK(strstr(expect("unknown-key", 11, 33)->remedy, "sink") != NULL);
	expect("duplicate-key", 12, 27);
	expect("wrong-type", 13, 51);
}

TEST(a_tag_whose_type_nobody_knows_is_refused_with_a_remedy)
{
	CHECK_INT(load("equipment: { P: { source: p, tags: {\n"
	    " a: { at: name 1 },\n"
	    " b: { at: name 2, type: float32 },\n"
	    " c: { at: name 3, factor: 0.1 },\n"
	    " d: { at: name 4, writable: yes, factor: 1 } } } }\n", NULL), ERR_SYNTAX);
	CHECK_INT(count("no-type"), 2);
	const struct finding *f = expect("no-type", 5, 11);
	CHECK(strstr(f->cause, "tag \"P/a\" has no type") != NULL && strstr(f->cause, "driver toy") != NULL);
	CHECK(strstr(f->remedy, "add type: ") != NULL && strstr(f->remedy, "penstock browse") != NULL);
	expect("no-type", 8, 11);
}

TEST(values_that_do_not_go_together_are_named)
{
	CHECK_INT(load("equipment: { P: { source: p, tags: {\n"
	    " a: { at: bit 1.1, factor: 2 },\n"
	    " b: { at: word 2 float32, enum: packml-state },\n"
	    " c: { at: word 9 int16, factor: 0 },\n"
	    " d: { at: word 10 int16, source: z } } } }\n"
	    "sinks: { s: { kind: box, zone: it, broker: h, topic: 'a/#' } }\n", NULL), ERR_SYNTAX);
	expect("scale-type", 5, 28);
	expect("enum-type", 6, 33);
	expect("factor", 7, 33);
	expect("dangling", 8, 34);
	expect("sink-keys", 9, 54);
}

TEST(what_yaml_allows_and_we_do_not_is_refused)
{
	CHECK_INT(load("types: &x { }\n", NULL), ERR_SYNTAX);
	expect("yaml-anchor", 4, 8);
	CHECK_INT(load("types: *x\n", NULL), ERR_SYNTAX);
	expect("yaml-anchor", 4, 8);
	CHECK_INT(load("types: !t { }\n", NULL), ERR_SYNTAX);
	expect("yaml-tag", 4, 8);
	CHECK_INT(load("---\nx: y\n", NULL), ERR_SYNTAX);
	expect("yaml", 4, 1);
	CHECK_INT(load("types: { a: { }, a: { } }\n", NULL), ERR_SYNTAX);
	expect("duplicate-key", 4, 18);
	CHECK_INT(load("types:\n\ta: { }\n", NULL), ERR_SYNTAX);
	CHECK_INT(count("yaml"), 1);
	CHECK_INT(load("x: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
	    NULL), ERR_SYNTAX);
	CHECK_INT(count("limit"), 1);
}

/* Each with the place where the person must look, and what is probably wrong there. */
TEST(common_slips_in_yaml_are_named)
{
	static const struct {
		const char	*text, *rule, *remedy;
		int		 line, column;
	} slips[] = {
		{ "types:\n\ta: { }\n", "yaml", "tab", 5, 1 },
		{ "types: { a: { }\nflows: { }\n", "yaml", "brace", 4, 8 },
		{ "tables: [ a.csv\nflows: { }\n", "yaml", "bracket", 4, 9 },
		{ "types: { a: { description: \"x } }\n", "yaml", "quote", 4, 28 },
		{ "flows: { f: { what: **/x, to: s } }\n", "yaml", "\"**/speed\"", 4, 22 },
		{ "types: { a: { tags: { x: { at: %MW1 } } } }\n", "yaml", "\"%MW100 int16\"", 4, 32 },
		{ "types:\n  a { }\n  b: { }\n", "yaml", "colon is missing", 6, 4 },
		{ "types: { a: { description:x } }\n", "unknown-key", "blank is missing after the colon: description: x", 4, 15 },
		{ "types: { a: { description: \"\xb0\" } }\n", "encoding", "UTF-8", 4, 29 },
	};
	for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++) {
		CHECK_INT(load(slips[i].text, NULL), ERR_SYNTAX);
		const struct finding *f = expect(slips[i].rule, slips[i].line, slips[i].column);
		if (strstr(f->remedy, slips[i].remedy) == NULL)
			test_fail(__FILE__, __LINE__, "remedy of slip %zu is \"%s\"", i, f->remedy);
	}
}

TEST(only_so_many_findings_are_kept_and_the_rest_is_counted)
{
	struct buf text = { 0 }, out = { 0 };
	buf_puts(&text, "site: { enterprise: A, name: B }\nzones: { z: { level: 2 } }\n");
	for (int i = 0; i < 1500; i++)
		buf_printf(&text, "x%d: 1\n", i);
	plan_free(plan);
	site_report_free(&report);
	CHECK_INT(toy_load_text(text.p, text.len, NULL, 0, &plan, &report), ERR_SYNTAX);
	CHECK_INT(report.n, SITE_FINDINGS_MAX);
	CHECK_INT(report.errors, 1500);
	CHECK_INT(report.left_out, 500);
	site_report_print(&report, false, &out);
	CHECK(strstr(buf_text(&out), "and 500 more") != NULL);
	buf_fini(&text);
	buf_fini(&out);
}

TEST(what_a_terminal_would_obey_is_not_repeated)
{
	struct buf out = { 0 };
	CHECK_INT(load("\"\\e[31m\\a\": 1\n", NULL), ERR_SYNTAX);
	site_report_print(&report, false, &out);
	CHECK(strchr(buf_text(&out), 27) == NULL && strchr(buf_text(&out), 7) == NULL);
	buf_fini(&out);
}

TEST(a_file_that_is_not_there_is_one_finding)
{
	struct site_io io = site_io_memory((struct site_file[]){ { NULL, NULL, 0 } });
	plan_free(plan);
	site_report_free(&report);
	CHECK_INT(site_load_from(&io, "x.yaml", &toy_catalog, &plan, &report), ERR_NOTFOUND);
	CHECK_INT(report.n, 1);
	CHECK_STR(report.findings[0].rule, "unreadable");
}

TEST_MAIN
