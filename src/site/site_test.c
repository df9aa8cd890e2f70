/* From text to plan: what a right site gives, and that a wrong one is refused at the right place. */
#include "site/site.h"

#include "base/test.h"
#include "site/site_testing.h"

static const char good[] =
"site: { enterprise: Acme Beverages, name: Dresden, country: DE, time-zone: Europe/Berlin }\n"	/* 1 */
"zones:\n"
"  line-3:     { level: 2, sl-t: 2 }\n"
"  enterprise: { level: 3.5, sl-t: 1 }\n"
"conduits:\n"
"  line-3-up: { from: line-3, to: enterprise, initiator: from }\n"
"sources:\n"
"  filler-plc: { driver: toy, zone: line-3, endpoint: 10.3.1.10, unit: 1 }\n"
"sinks:\n"
"  broker: { kind: box, zone: enterprise, broker: broker.example:1883 }\n"			/* 10 */
"types:\n"
"  filler:\n"
"    params: { base: 100 }\n"
"    tags:\n"
"      speed: { at: \"word ${base} float32\", unit: /min, scan: 100ms, range: [0, 1200] }\n"
"      state: { at: \"word ${base + 20} uint16\", enum: packml-state, scan: 100 ms }\n"
"      level: { at: word 7 int16, unit: \"%\", factor: 0.1, scan: 1 s }\n"
"      setup: { at: word 8 uint16, scan: on-demand, writable: yes }\n"
"equipment:\n"
"  Packaging/Line 3/Filler: { type: filler, source: filler-plc, params: { base: 200 } }\n"	/* 20 */
"flows:\n"
"  speeds:\n"
"    what: Packaging/**/speed\n"
"    to: broker\n"
"    how: { on-change: 0.5 %, at-least-every: 10 s }\n"
"    why: OEE dashboard\n"
"    owner: production-it\n"
"  means:\n"
"    what: [\"**/speed\", \"**/level\"]\n"
"    via: line-3-up\n"										/* 30 */
"    to: broker\n"
"    how: { window: 10 s, functions: [mean, max], durability: each, quota: 1 GiB }\n"
"    why: trends\n"
"    owner: quality\n";

static struct plan		*plan;
static struct site_report	 report;

static int
load(const char *yaml, const char *csv)
{
	plan_free(plan);
	site_report_free(&report);
	return toy_load_text(yaml, strlen(yaml), csv, csv ? strlen(csv) : 0, &plan, &report);
}

/* A finding of this rule at this place; the test fails with the whole report when there is none. */
static const struct finding *
expect(const char *rule, int line, int column)
{
	for (size_t i = 0; i < report.n; i++)
		if (strcmp(report.findings[i].rule, rule) == 0 && report.findings[i].place.line == line &&
		    report.findings[i].place.column == column)
			return &report.findings[i];
	struct buf b = { 0 };
	site_report_print(&report, false, &b);
	test_fail(__FILE__, __LINE__, "no %s at %d:%d in:\n%s", rule, line, column, buf_text(&b));
}

static void
expect_none(void)
{
	struct buf b = { 0 };
	site_report_print(&report, false, &b);
	if (report.n > 0)
		test_fail(__FILE__, __LINE__, "findings:\n%s", buf_text(&b));
}

TEST(a_right_site_becomes_a_plan)
{
	CHECK_INT(load(good, NULL), 0);
	expect_none();
	CHECK_STR(plan->site, "Dresden");
	CHECK_INT(plan->nsources, 1);
	CHECK_STR(plan->sources[0].link, "10.3.1.10:502");
	CHECK_INT(plan->sources[0].keys[TOY_UNIT].i, 1);
	CHECK_INT(plan->sources[0].keys[TOY_TIMEOUT].i, 1000000000);
	CHECK_INT(plan->ntags, 4);
	CHECK(plan->zones[1].it && !plan->zones[0].it);
	const struct tag *t = plan_tag(plan, "Packaging/Line 3/Filler/speed");
	CHECK(t != NULL);
	CHECK_STR(t->at, "word 200 float32");
	CHECK_INT(t->type, VALUE_F32);
	CHECK_STR(t->unit, "/min");
	CHECK(t->has_range && t->lo == 0 && t->hi == 1200);
	CHECK_INT(t->scan_ns, 100000000);
	CHECK_STR(plan_tag(plan, "Packaging/Line 3/Filler/state")->at, "word 220 uint16");
	CHECK_STR(plan_tag(plan, "Packaging/Line 3/Filler/state")->enumeration->items[6].text, "Execute");
	CHECK_INT(plan_tag(plan, "Packaging/Line 3/Filler/level")->type, VALUE_F64);
	CHECK_INT(plan_tag(plan, "Packaging/Line 3/Filler/setup")->scan_class, PLAN_NO_SCAN);
	CHECK(plan_tag(plan, "Packaging/Line 3/Filler/nothing") == NULL);
	CHECK_INT(plan->sources[0].nscans, 2);
	CHECK_INT(plan->sources[0].scans_ns[0], 100000000);
	CHECK_INT(plan->sources[0].scans_ns[1], 1000000000);
}

TEST(flows_know_their_tags_their_way_and_their_reduction)
{
	CHECK_INT(load(good, NULL), 0);
	const struct flow *f = &plan->flows[0];
	CHECK_INT(f->ntags, 1);
	CHECK_STR(f->tags[0].name, "Packaging/Line 3/Filler/speed");
	CHECK_INT(f->nconduits, 1);
	CHECK_INT(f->reduce, REDUCE_ON_CHANGE);
	CHECK_INT(f->change, CHANGE_OF_VALUE);
	CHECK(f->deadband == 0.005);
	CHECK_INT(f->at_least_every_ns, 10000000000);
	f = &plan->flows[1];
	CHECK_INT(f->ntags, 4);
	CHECK_STR(f->tags[0].name, "Packaging/Line 3/Filler/level:max");
	CHECK_STR(f->tags[1].name, "Packaging/Line 3/Filler/level:mean");
	CHECK_INT(f->durability, DURABLE_EACH);
	CHECK_INT(f->quota_bytes, 1073741824);
	CHECK(f->schema != plan->flows[0].schema && f->schema != 0);
}

TEST(the_same_words_give_the_same_hash_and_other_words_another)
{
	char other[sizeof good];
	CHECK_INT(load(good, NULL), 0);
	uint64_t hash = plan->hash, key = plan->sources[0].key;
	uint32_t schema = plan->flows[0].schema;
	CHECK_INT(load(good, NULL), 0);
	CHECK(plan->hash == hash && plan->sources[0].key == key && plan->flows[0].schema == schema);
	memcpy(other, good, sizeof good);
	memcpy(strstr(other, "OEE"), "oee", 3);
	CHECK_INT(load(other, NULL), 0);
	CHECK(plan->hash != hash && plan->sources[0].key == key && plan->flows[0].schema == schema);
	memcpy(strstr(other, "200 }"), "300 }", 5);
	CHECK_INT(load(other, NULL), 0);
	CHECK(plan->sources[0].key != key && plan->flows[0].schema == schema);
}

TEST(a_table_of_tags_is_read)
{
	static const char yaml[] =
	    "site: { enterprise: A, name: B }\n"
	    "zones: { z: { level: 2 } }\n"
	    "sources: { p: { driver: toy, zone: z, endpoint: h, unit: 1 } }\n"
	    "equipment:\n"
	    "  Line: { source: p, tags: t.csv }\n";
	CHECK_INT(load(yaml, "\xef\xbb\xbfname;at;unit;scan;range-low;range-high;factor;description\r\n"
	    "temperature;word 1 int16;Cel;500 ms;-40;1,5;0,1;\"Tank; the \"\"left\"\"\r\none\"\r\n"
	    ";;;;;;;\r\n"
	    "count;word 2 uint32;1;;;;;\r\n"), 0);
	const struct tag *t = plan_tag(plan, "Line/temperature");
	CHECK(t != NULL && t->has_range && t->lo == -40 && t->hi == 1.5 && t->factor == 0.1);
	CHECK_STR(t->help, "Tank; the \"left\"\r\none");
	CHECK_STR(t->place.file, "t.csv");
	CHECK_INT(t->place.line, 2);
	CHECK_INT(plan_tag(plan, "Line/count")->place.line, 5);
	CHECK_INT(plan_tag(plan, "Line/count")->scan_ns, 1000000000);
	CHECK_STR(site_files(plan)[1], "t.csv");
}

TEST(findings_stand_where_the_fault_is)
{
	static const char yaml[] =
	    "site: { enterprise: A, nam: B }\n"								/* 1 */
	    "zones: { z: { level: 2 }, y: { level: nine } }\n"
	    "sources:\n"
	    "  p: { driver: toy, zone: zz, endpoint: h, unit: 300 }\n"
	    "  q: { driver: tyo, zone: z, endpoint: h }\n"
	    "equipment:\n"
	    "  Line:\n"
	    "    source: p\n"
	    "    tags:\n"
	    "      a: { at: wort 1 int16 }\n"								/* 10 */
	    "      b: { at: word 2 int16, scan: 1 ms }\n"
	    "      c: { at: word 3 int16, range: [5, 1] }\n"
	    "      d: { at: word 4 float32, enum: packml-stat }\n"
	    "      e: { at: word 5 int16 }\n"
	    "      f: { at: word 6 int16, type: uint16, unit: degC }\n"
	    "flows:\n"
	    "  f: { what: Lime/*, to: box }\n";
	CHECK_INT(load(yaml, NULL), ERR_SYNTAX);
	CHECK(plan == NULL);
	CHECK(strstr(expect("unknown-key", 1, 24)->cause, "\"name\"") != NULL);
	expect("missing-key", 1, 1);
	expect("wrong-type", 2, 39);
	expect("dangling", 4, 27);
	CHECK(strstr(expect("out-of-range", 4, 50)->remedy, "0 to 247") != NULL);
	CHECK(strstr(expect("unknown-driver", 5, 16)->cause, "\"toy\"") != NULL);
	expect("at-syntax", 10, 16);
	CHECK(strstr(expect("out-of-range", 11, 36)->remedy, "10 ms") != NULL);
	expect("range-inverted", 12, 37);
	CHECK(strstr(expect("dangling", 13, 38)->cause, "\"packml-state\"") != NULL);
	expect("overlap", 14, 7);
	expect("type-mismatch", 15, 36);
	CHECK(strstr(expect("unit", 15, 50)->cause, "\"Cel\"") != NULL);
	expect("flow-empty", 17, 14);
	expect("dangling", 17, 26);
}

/* The same site in another folder: files are found beside it, and it counts as the same. */
static uint64_t
hash_in(const char *dir, const char **ca)
{
	char path[200];
	static const char *const files[][2] = {
		{ "site.yaml", "site: { enterprise: A, name: B }\nzones: { z: { level: 2 } }\n"
		    "sources: { p: { driver: toy, zone: z, endpoint: h, unit: 1 } }\n"
		    "sinks: { s: { kind: box, zone: z, broker: h, ca-file: ca.pem } }\n"
		    "tables: [tags.csv]\nflows: { f: { what: L/*, to: s } }\n" },
		{ "tags.csv", "path,source,at\nL/a,p,word 1 int16\n" },
	};
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, files[i][0]);
		FILE *f = fopen(path, "w");
		CHECK(f != NULL);
		fputs(files[i][1], f);
		CHECK(fclose(f) == 0);
	}
	snprintf(path, sizeof path, "%s/site.yaml", dir);
	plan_free(plan);
	site_report_free(&report);
	CHECK_INT(site_load(path, &toy_catalog, &plan, &report), 0);
	expect_none();
	*ca = plan->sinks[0].keys[BOX_CA].s;
	CHECK(site_files(plan)[1] != NULL && site_files(plan)[2] == NULL);
	return plan->hash;
}

TEST(a_site_may_be_moved)
{
	char want[200];
	const char *ca, *dir = test_dir();
	uint64_t first = hash_in(dir, &ca);
	snprintf(want, sizeof want, "%s/ca.pem", dir);
	CHECK_STR(ca, want);
	CHECK(hash_in(test_dir(), &ca) == first);
}

TEST(a_site_that_is_a_folder_or_missing_is_said_so)
{
	plan_free(plan);
	site_report_free(&report);
	CHECK_INT(site_load(test_dir(), &toy_catalog, &plan, &report), ERR_TYPE);
	CHECK(strstr(report.findings[0].cause, "regular file") != NULL);
	site_report_free(&report);
	CHECK_INT(site_load("/nonexistent/site.yaml", &toy_catalog, &plan, &report), ERR_NOTFOUND);
	CHECK_STR(report.findings[0].remedy, "check the path");
}

TEST_MAIN
