/* Derived tags: what an expression in the site file becomes in the plan, and which faults are found before it runs. */
#include "site/derive.h"

#include "base/test.h"
#include "site/site_testing.h"
#include "site/slice.h"

static struct plan		*plan;
static struct site_report	 report;

static const char head[] =
    "site: { enterprise: A, name: B }\n"
    "zones: { a: { level: 2 }, b: { level: 2 } }\n"
    "enums: { mode: { 0: stop, 1: run } }\n"
    "sources: { p: { driver: toy, zone: a, endpoint: h, unit: 1 }, q: { driver: toy, zone: b, endpoint: i, unit: 1 } }\n"
    "types:\n"
    "  pump:\n"
    "    params: { base: 100, limit: 80 }\n"
    "    tags:\n"
    "      p1: { at: \"word ${base} float32\", unit: bar, scan: 200 ms }\n"
    "      p2: { at: \"word ${base + 2} float32\", unit: kPa, scan: 1 s }\n"
    "      mode: { at: \"word ${base + 4} uint16\", enum: mode }\n"
    "      dp: { expr: p1 - p2 }\n"
    "      high: { expr: \"dp > ${limit} [kPa] and mode = \\\"run\\\"\", scan: 500 ms }\n";

static int
load(const char *equipment)
{
	char yaml[8192];
	plan_free(plan);
	plan = NULL;
	site_report_free(&report);
	int n = snprintf(yaml, sizeof yaml, "%sequipment:\n%s", head, equipment);
	return toy_load_text(yaml, (size_t)n, NULL, 0, &plan, &report);
}

static void
refused(const char *equipment, const char *rule, const char *part)
{
	struct buf b = { 0 };

	CHECK_INT(load(equipment), ERR_SYNTAX);
	for (size_t i = 0; i < report.n; i++)
		if (strcmp(report.findings[i].rule, rule) == 0 && strstr(report.findings[i].cause, part) != NULL) {
			CHECK(*report.findings[i].remedy != '\0');
			return;
		}
	site_report_print(&report, false, &b);
	test_fail(__FILE__, __LINE__, "no %s with \"%s\" in:\n%s", rule, part, buf_text(&b));
}

TEST(a_derived_tag_is_a_tag_of_its_zones_pseudo_source)
{
	CHECK_INT(load("  H/P1: { type: pump, source: p }\n  H/P2: { type: pump, source: q, params: { limit: 5 } }\n"),
	    0);
	const struct tag *dp = plan_tag(plan, "H/P1/dp"), *high = plan_tag(plan, "H/P2/high");
	CHECK(dp != NULL && high != NULL);
	const struct source *s = &plan->sources[dp->source];
	CHECK_STR(s->name, "insight:a");
	CHECK_STR(s->driver, DERIVE_DRIVER);
	CHECK(source_is_derived(s));
	CHECK_STR(plan->sources[high->source].name, "insight:b");
	CHECK_STR(dp->unit, "bar");
	CHECK_INT(dp->type, VALUE_F64);
	CHECK_INT(dp->scan_ns, 200 * NS_PER_MS);
	CHECK(dp->with_inputs && !high->with_inputs);
	CHECK_INT(high->type, VALUE_BOOL);
	CHECK_INT(high->scan_ns, 500 * NS_PER_MS);
	CHECK_STR(high->at, "dp > 5 [kPa] and mode = \"run\"");
}

TEST(a_changed_expression_is_a_changed_source)
{
	CHECK_INT(load("  H: { source: p, tags: { x: { at: word 1 int16 }, y: { expr: x + 1 } } }\n"), 0);
	uint64_t key = plan->sources[plan_tag(plan, "H/y")->source].key,
	    other = plan->sources[plan_tag(plan, "H/x")->source].key;
	CHECK_INT(load("  H: { source: p, tags: { x: { at: word 1 int16 }, y: { expr: x + 2 } } }\n"), 0);
	CHECK(plan->sources[plan_tag(plan, "H/y")->source].key != key);
	CHECK(plan->sources[plan_tag(plan, "H/x")->source].key == other);
}

TEST(names_are_looked_for_at_the_equipment_then_upwards_when_said_then_as_a_path)
{
	CHECK_INT(load("  H/A: { source: p, tags: { x: { at: word 1 int16 } } }\n"
	    "  H/B: { source: p, tags: { x: { at: word 2 int16 }, s: { expr: \"x + '../A/x' + 'H/A/x'\" }, t: { expr: s * 2, unit: '1' },\n"
	    "    'two words': { at: word 3 int16 }, u: { expr: \"'two words' + 1\" } } }\n"), 0);
	CHECK_INT(plan_tag(plan, "H/B/t")->type, VALUE_I64);
	refused("  H/A: { source: p, tags: { x: { expr: \"'../../../x'\" } } }\n", "expr", "no tag");
}

TEST(units_and_types_are_checked_where_the_expression_stands)
{
	refused("  H: { source: p, tags: { t: { at: word 1 int16, unit: Cel }, b: { at: word 2 int16, unit: bar }, x: { expr: t + b } } }\n",
	    "expr-type", "column 5");
	refused("  H: { source: p, tags: { b: { at: word 2 int16, unit: bar }, x: { expr: b * 2, unit: K } } }\n",
	    "expr-type", "in K");
	refused("  H: { source: p, tags: { b: { at: word 2 int16 }, x: { expr: bb } } }\n", "expr", "no tag");
	refused("  H: { source: p, tags: { b: { at: word 2 int16 }, x: { expr: b, at: word 3 int16 } } }\n", "expr",
	    "also \"at\"");
	refused("  H: { source: p, tags: { b: { at: word 2 int16 }, x: { expr: b, writable: yes } } }\n", "expr",
	    "writable");
	refused("  H: { source: p, tags: { b: { at: word 2 int16 }, x: { expr: b / 2, enum: mode } } }\n", "enum-type",
	    "float64");
	refused("  H: { source: p, tags: { b: { at: word 2 int16 }, x: { unit: K } } }\n", "missing-key", "at");
	refused("  H: { source: p, tags: { b: { at: word 2 int16, scan: 10 ms }, x: { expr: mean(b over 8h) } } }\n",
	    "expr-limit",
	    "samples");
	CHECK_INT(load("  H: { source: p, tags: { b: { at: word 2 int16, unit: bar }, x: { expr: b * 2, unit: kPa } } }\n"), 0);
	CHECK_STR(plan_tag(plan, "H/x")->unit, "kPa");
}

TEST(a_circle_is_told_with_all_that_is_in_it)
{
	refused("  H: { source: p, tags: { x: { expr: y + 1 }, y: { expr: z + 1 }, z: { expr: x } } }\n", "expr-cycle",
	    " -> ");
	CHECK_INT(report.errors, 1);
	for (int i = 0; i < 3; i++) {
		char name[8];
		snprintf(name, sizeof name, "H/%c", "xyz"[i]);
		CHECK(strstr(report.findings[0].cause, name) != NULL);
	}
	refused("  H: { source: p, tags: { x: { expr: x } } }\n", "expr-cycle", "H/x -> H/x");
}

TEST(an_expression_does_not_join_zones)
{
	refused("  H/A: { source: p, tags: { x: { at: word 1 int16 } } }\n"
	    "  H/B: { source: q, tags: { x: { at: word 2 int16 }, s: { expr: \"x + 'H/A/x'\" } } }\n", "expr-zone",
	    "zones b");
	refused("  H: { tags: { x: { expr: hour() } } }\n", "expr-zone", "no tag");
	CHECK_INT(load("  H: { source: q, tags: { y: { at: word 1 int16 }, x: { expr: hour() } } }\n"), 0);
	CHECK_STR(plan->sources[plan_tag(plan, "H/x")->source].name, "insight:b");
}

TEST(only_insight_is_told_expressions)
{
	static const struct { enum slice_for who; int sources; const char *at; } told[] = {
		{ SLICE_FIELD, 1, NULL }, { SLICE_INSIGHT, 3, "x + 1" }, { SLICE_GATE, 3, "" },
		    { SLICE_ALL, 3, "x + 1" } };

	CHECK_INT(load("  H: { source: p, tags: { x: { at: word 1 int16 }, y: { expr: x + 1 } } }\n"), 0);
	for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
		struct buf b = { 0 };
		struct plan *got = NULL;
		CHECK_INT(slice_write(plan, told[i].who, 0, &b), 0);
		CHECK_INT(slice_read(b.p, b.len, &got), 0);
		CHECK_INT(got->nsources, told[i].sources);
		const struct tag *t = plan_tag(got, "H/y");
		CHECK_INT(t != NULL, told[i].at != NULL);
		if (t != NULL) {
			CHECK_STR(t->at, told[i].at);
			CHECK(t->with_inputs);
		}
		plan_free(got);
		buf_fini(&b);
	}
}

TEST(a_table_may_have_expressions)
{
	static const char csv[] = "path,source,at,expr,unit\nH/x,p,word 1 int16,,bar\nH/y,,,x * 2,kPa\n";
	char yaml[1024];

	int n = snprintf(yaml, sizeof yaml, "site: { enterprise: A, name: B }\nzones: { a: { level: 2 } }\n"
	    "sources: { p: { driver: toy, zone: a, endpoint: h, unit: 1 } }\ntables: [t.csv]\n");
	plan_free(plan);
	plan = NULL;
	site_report_free(&report);
	int err = toy_load_text(yaml, (size_t)n, csv, sizeof csv - 1, &plan, &report);
	CHECK_INT(err, 0);
	CHECK_STR(plan_tag(plan, "H/y")->unit, "kPa");
}
TEST_MAIN
