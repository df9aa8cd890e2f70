/* What `penstock plan` says about two plans. */
#include "site/diff.h"

#include "base/test.h"
#include "site/site_testing.h"

static struct plan *
site(const char *sources, const char *equipment, const char *flows)
{
	char yaml[4096];
	struct plan *p = NULL;
	struct site_report r;
	int n = snprintf(yaml, sizeof yaml,
	    "site: { enterprise: A, name: B }\nzones: { z: { level: 2 } }\nsources: { %s }\n"
	    "sinks: { s: { kind: box, zone: z, broker: h } }\nequipment: { %s }\nflows: { %s }\n", sources, equipment, flows);
	if (toy_load_text(yaml, (size_t)n, NULL, 0, &p, &r) != 0) {
		struct buf b = { 0 };
		site_report_print(&r, false, &b);
		test_fail(__FILE__, __LINE__, "%s", buf_text(&b));
	}
	site_report_free(&r);
	return p;
}

#define P "p: { driver: toy, zone: z, endpoint: h, unit: 1 }"
#define Q "q: { driver: toy, zone: z, endpoint: i, unit: 1 }"
#define EP "Lp: { source: p, tags: { a: { at: word 1 int16 }, b: { at: word 2 int16 } } }"
#define EQ "Lq: { source: q, tags: { a: { at: word 1 int16 } } }"
#define F "f: { what: Lp/a, to: s }"

static const char *
diff(struct plan *a, struct plan *b, bool json)
{
	static struct buf out;
	buf_reset(&out);
	CHECK_INT(site_diff(a, b, &out, json), 0);
	plan_free(a);
	plan_free(b);
	return buf_text(&out);
}

TEST(the_same_site_changes_nothing)
{
	CHECK_STR(diff(site(P, EP, F), site(P, EP, F), false), "nothing would change\n");
}

TEST(the_order_of_tags_changes_nothing)
{
	CHECK_STR(diff(site(P, EP, F),
	    site(P, "Lp: { source: p, tags: { b: { at: word 2 int16 }, a: { at: word 1 int16 } } }", F), false),
	    "nothing would change\n");
}

TEST(everything_is_new_when_nothing_runs)
{
	CHECK_STR(diff(NULL, site(P, EP, F), false),
	    "  + source p: toy h:502, 2 tags\n"
	    "  + sink s: box\n"
	    "  + flow f: 1 values\n"
	    "sources 0 -> 1, tags 0 -> 2, flows 0 -> 1, sinks 0 -> 1\n"
	    "requests a second 0.0 -> 2.0, bytes a day on the links 0 B -> 3.5 MB (estimates of the drivers)\n");
}

TEST(a_source_that_is_not_touched_is_not_named)
{
	const char *t = diff(site(P "," Q, EP "," EQ, F), site(P "," Q,
	    EP ", Lq: { source: q, tags: { a: { at: word 9 int16 } } }", F), false);
	CHECK(strstr(t, "source p") == NULL);
	CHECK(strstr(t,
	    "~ source q: will be reconnected: 0 tags added, 0 removed, 1 changed\n    ~ Lq/a  word 1 int16 -> word 9 int16\n")
	    != NULL);
}

TEST(a_flow_with_other_tags_gets_a_new_schema_version)
{
	const char *t = diff(site(P, EP, F), site(P, EP, "f: { what: Lp/*, to: s }"), false);
	CHECK(strstr(t, "~ flow f: a new schema version") != NULL && strstr(t, "1 -> 2 values") != NULL);
	CHECK(strstr(t, "source p") == NULL);
	t = diff(site(P, EP, F), site(P, EP, "f: { what: Lp/a, to: s, how: { on-change: any } }"), false);
	CHECK(strstr(t, "its handling changes, its values do not") != NULL);
}

TEST(json_says_the_same)
{
	const char *t = diff(site(P "," Q, EP "," EQ, F), site(P, EP, F), true);
	CHECK(strstr(t,
	    "\"sources\":[{\"change\":\"removed\",\"name\":\"q\",\"reconnected\":false,\"tags\":[]}]") != NULL);
	CHECK(strstr(t, "\"requests-per-second\":{\"before\":3,\"after\":2}") != NULL);
	CHECK(strstr(t, "\"tags\":{\"added\":0,\"removed\":1,\"changed\":0}") != NULL);
}

TEST_MAIN
