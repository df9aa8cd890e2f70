/* What `penstock plan` says about two plans. */
#include "site/diff.h"

#include "base/test.h"
#include "site/site_testing.h"

static struct plan *
site(const char *sources, const char *equipment, const char *flows)
{
	char yaml[4096];
	int n = snprintf(yaml, sizeof yaml,
	    "site: { enterprise: A, name: B }\nzones: { z: { level: 2 } }\nsources: { %s }\n"
	    "sinks: { s: { kind: box, zone: z, broker: h } }\nequipment: { %s }\nflows: { %s }\n", sources, equipment, flows);
	return toy_plan(yaml, (size_t)n);
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
	    "sources 0 -> 1, tags 0 -> 2, flows 0 -> 1, sinks 0 -> 1, events 0 -> 0\n"
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

/* Equipment E with a counter n and a condition done; events as given. */
static struct plan *
event_site(const char *name, const char *flows, const char *events)
{
	char yaml[4096];
	int n = snprintf(yaml, sizeof yaml,
	    "site: { enterprise: A, name: %s }\nzones: { z: { level: 2 } }\nsources: { p: { driver: toy, zone: z, endpoint: h, unit: 1 } }\n"
	    "sinks: { s: { kind: box, zone: z, broker: h } }\n"
	    "equipment: { E: { source: p, tags: { n: { at: word 1 uint16 }, m: { at: word 2 uint16 }, done: { at: bit 9.1 },\n"
	    "  order: { at: word 20 uint32 }, req: { at: bit 9.2 }, ack: { at: bit 9.3, writable: yes } } } }\n"
	    "requests: { a: { what: E/ack, from: [events], why: w, owner: o } }\nflows: { %s }\n%s%s\n",
	    name, flows, *events != '\0' ? "events:\n" : "", events);
	return toy_plan(yaml, (size_t)n);
}

#define EF	"f: { what: [E/n, E/c], to: s }"
#define EVENT(trigger, key, fields)	\
	"  E/c: { type: operations-performance, " trigger ", key: " key ", fields: { order: { tag: order }, " fields " } }\n"
#define YIELD	"yield: { count: n, modulo: 65536 }"
#define WAS	event_site("B", EF, EVENT("when: done", "[order, no]", YIELD))

static void
event_tells(const char *events, const char *lines)
{
	const char *t = diff(WAS, event_site("B", EF, events), false);

	CHECK(strstr(t, "  ~ event E/c\n") != NULL && strstr(t, "source") != NULL && strstr(t, "reconnected") == NULL);
	if (strstr(t, lines) == NULL)
		test_fail(__FILE__, __LINE__, "no\n%s\nin\n%s", lines, t);
}

TEST(an_event_comes_and_goes)
{
	const char *t = diff(event_site("B", "f: { what: E/n, to: s }", ""), WAS, false);
	CHECK(strstr(t, "  + event E/c: operations-performance, done, 2 fields, flows: f\n") != NULL);
	CHECK(strstr(t, "sources 1 -> 1, tags 6 -> 6, flows 1 -> 1, sinks 1 -> 1, events 0 -> 1\n") != NULL);
	CHECK(strstr(t, "event:z") == NULL);
	t = diff(WAS, event_site("B", "f: { what: E/n, to: s }", ""), false);
	CHECK(strstr(t, "  - event E/c: is made no more\n") != NULL);
	CHECK(strstr(t, "event:z") == NULL);
	CHECK_STR(diff(WAS, WAS, false), "nothing would change\n");
}

TEST(what_an_event_says_otherwise_is_told)
{
	event_tells(EVENT("when: not done", "[order, no]", YIELD),
	    "    ~ trigger: done -> not done\n      if it is true at the change");
	event_tells(EVENT("every: 1 h", "[order, no]", YIELD), "    ~ trigger: done -> every 1 h\n");
	event_tells(EVENT("request: req, acknowledge: ack, timeout: 3 s", "[order, no]", YIELD),
	    "    ~ trigger: done -> handshake: 'req', acknowledged by E/ack, within 3 s\n");
	event_tells(EVENT("when: done", "order", YIELD), "    ~ key: order / its number -> order\n      ids are made of it");
	event_tells(EVENT("when: done", "[order, no]", YIELD ", x: { value: 3 }"), "    + field x: always 3, text\n");
	event_tells(EVENT("when: done", "[order, no]", "yield: { count: n, modulo: 65536, required: yes, range: [0, 9] }"),
	    "    ~ field yield: what is new in counter('n', 65536), integer -> "
	    "what is new in counter('n', 65536), integer from 0 to 9, required\nsources");
	event_tells("  E/c: { type: test-result, when: done, key: [order, no], fields: { " YIELD ", order: { tag: order } } }\n",
	    "    ~ type: operations-performance -> test-result\n");
	event_tells("  E/c: { type: operations-performance, when: done, key: [order, no], fields: { " YIELD ", order: { tag: order } } }\n",
	    "    ~ order of fields\n");
}

TEST(a_count_that_begins_anew_is_told)
{
	static const char anew[] = "\n      begins anew: what it counted since its last event is in none\n";
	static const char *const yields[] = { "count: m, modulo: 65536", "count: n", "count: n, modulo: 65536, unit: '{bottle}'" };
	char events[500];

	for (size_t i = 0; i < 3; i++) {
		snprintf(events, sizeof events, EVENT("when: done", "[order, no]", "yield: { %s }"), yields[i]);
		event_tells(events, anew);
	}
	event_tells(EVENT("when: done", "[order, no]", "yield: { value: 3 }"),
	    "-> always 3, text\n      what it counted since its last event is in none\n");
	event_tells(EVENT("when: done", "[order, no]", "good: { count: n, modulo: 65536 }"),
	    "    + field good: what is new in counter('n', 65536), integer\n"
	    "    - field yield: what is new in counter('n', 65536), integer\n      what it counted since its last event is in none\n");
}

TEST(an_event_in_another_flow_and_ids_that_are_new_are_told)
{
	const char *t = diff(WAS, event_site("B", EF ", g: { what: E/c, to: s }",
	    EVENT("when: done", "[order, no]", YIELD)), false);
	CHECK(strstr(t, "  ~ event E/c\n    ~ flows: f -> f, g\n") != NULL);
	t = diff(WAS, event_site("C", EF, EVENT("when: done", "[order, no]", YIELD)), false);
	CHECK(strstr(t, "  ~ enterprise or site: ids of all events") != NULL && strstr(t, "only names") == NULL);
}

TEST(json_says_the_same_of_events)
{
	const char *t = diff(WAS, event_site("B", EF, EVENT("when: done", "[order, no]", "yield: { count: n }")), true);
	CHECK(strstr(t,
	    "\"events\":[{\"change\":\"changed\",\"name\":\"E/c\",\"changes\":[{\"what\":\"field yield\",\"before\":") != NULL);
	CHECK(strstr(t, "\"effect\":\"begins anew: ") != NULL && strstr(t, "\"sources\":[]") != NULL);
	CHECK(strstr(t, "\"event-ids-renewed\":false") != NULL && strstr(t, "\"events\":{\"before\":1,\"after\":1}") != NULL);
}

TEST(derived_tags_are_no_source_that_is_reconnected)
{
	static const char one[] = "Lp: { source: p, tags: { a: { at: word 1 int16 }, d: { expr: a + 1 } } }";
	static const char two[] = "Lp: { source: p, tags: { a: { at: word 1 int16 }, d: { expr: a + 2 } } }";
	const char *t = diff(site(P, one, F), site(P, two, F), false);
	CHECK(strstr(t, "  ~ derived tags of zone z: 0 tags added, 0 removed, 1 changed\n    ~ Lp/d  a + 1 -> a + 2\n") != NULL);
	CHECK(strstr(t, "reconnected") == NULL && strstr(t, "sources 1 -> 1, tags 2 -> 2") != NULL);
	t = diff(site(P, one, F), site(P, two, F), true);
	CHECK(strstr(t, "\"name\":\"insight:z\",\"reconnected\":false") != NULL);
}

TEST_MAIN
