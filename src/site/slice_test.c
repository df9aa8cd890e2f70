/* What each process is told, and that a slice survives the way. */
#include "site/slice.h"

#include "base/crc32c.h"
#include "base/test.h"
#include "site/hash.h"
#include "site/site_testing.h"

static const char yaml[] =
"site: { enterprise: Acme, name: Dresden }\n"
"zones: { a: { level: 2 }, b: { level: 2 }, it: { level: 4 } }\n"
"conduits: { a-up: { from: a, to: it }, b-up: { from: b, to: it } }\n"
"sources:\n"
"  pa: { driver: toy, zone: a, endpoint: 10.0.0.1, unit: 1 }\n"
"  pb: { driver: toy, zone: b, endpoint: 10.0.0.2, unit: 2 }\n"
"sinks: { broker: { kind: box, zone: it, broker: broker.example:1883, topic: acme } }\n"
"equipment:\n"
"  A: { source: pa, tags: { x: { at: word 1 uint16, enum: packml-state }, y: { at: word 2 uint16, enum: packml-state },"
" z: { at: word 3 int16, unit: Cel, range: [0, 9], factor: 0.5, description: tank } } }\n"
"  B: { source: pb, tags: { x: { at: word 1 uint16, scan: 200 ms } } }\n"
"flows: { f: { what: [A/y, A/z, B/x], to: broker, how: { window: 5 s, functions: [min, last] }, why: w, owner: o } }\n";

/* The same, and two tags that no flow names: one that the broker may write, one that only the command line may. */
static const char written[] =
"site: { enterprise: Acme, name: Dresden }\n"
"zones: { a: { level: 2 }, it: { level: 4 } }\n"
"conduits: { a-up: { from: a, to: it, requests: yes } }\n"
"sources: { pa: { driver: toy, zone: a, endpoint: 10.0.0.1, unit: 1 } }\n"
"sinks: { broker: { kind: box, zone: it, broker: broker.example:1883, topic: acme } }\n"
"equipment:\n"
"  A: { source: pa, tags: { x: { at: word 1 uint16 }, y: { at: word 2 uint16, writable: yes }, z: { at: word 3 uint16, writable: yes } } }\n"
"flows: { f: { what: A/x, to: broker, why: w, owner: o } }\n"
"requests:\n"
"  order: { what: A/y, from: [broker], limits: [0, 9], why: w, owner: o }\n"
"  hand: { what: A/z, from: [cli], limits: [0, 9], why: w, owner: o }\n";

static struct plan	*plan, *slice;
static struct buf	 bytes;

static void
cut_of(const char *text, enum slice_for who, uint32_t zone)
{
	struct site_report report;
	plan_free(plan);
	plan_free(slice);
	slice = NULL;
	buf_reset(&bytes);
	CHECK_INT(toy_load_text(text, strlen(text), NULL, 0, &plan, &report), 0);
	site_report_free(&report);
	CHECK_INT(slice_write(plan, who, zone, &bytes), 0);
	CHECK_INT(slice_read(bytes.p, bytes.len, &slice), 0);
	CHECK(slice->hash == plan->hash);
}

static void
cut(enum slice_for who, uint32_t zone)
{
	cut_of(yaml, who, zone);
}

static bool
tells(const char *text)
{
	return memmem(bytes.p, bytes.len, text, strlen(text)) != NULL;
}

TEST(field_is_told_its_zone_and_nothing_above)
{
	cut(SLICE_FIELD, 1);
	CHECK_INT(slice->nsources, 1);
	CHECK_STR(slice->sources[0].name, "pb");
	CHECK_STR(slice->sources[0].link, "10.0.0.2:502");
	CHECK_INT(slice->sources[0].keys[TOY_UNIT].i, 2);
	CHECK(slice->sources[0].key == plan->sources[1].key);
	CHECK(hash_source(&slice->sources[0], slice->folder) == slice->sources[0].key);
	CHECK_STR(slice->sources[0].tags[0].at, "word 1 uint16");
	CHECK_INT(slice->sources[0].tags[0].source, 0);
	CHECK(slice->nflows == 0 && slice->nsinks == 0);
	CHECK(!tells("broker") && !tells("10.0.0.1") && !tells("acme"));
}

TEST(insight_is_told_tags_without_addresses)
{
	cut(SLICE_INSIGHT, 0);
	CHECK_INT(slice->ntags, 4);
	CHECK_STR(slice->sources[0].tags[2].path, "A/z");
	CHECK_STR(slice->sources[0].tags[2].unit, "Cel");
	CHECK(slice->sources[0].tags[2].hi == 9 && slice->sources[0].tags[2].factor == 0.5);
	CHECK(slice->sources[0].tags[0].enumeration == slice->sources[0].tags[1].enumeration);
	CHECK_STR(slice->sources[0].tags[0].enumeration->items[17].text, "Complete");
	CHECK(!tells("10.0.0") && !tells("word") && !tells("broker") && !tells("tank"));
}

TEST(gate_is_told_flows_and_the_names_of_sinks)
{
	cut(SLICE_GATE, 0);
	CHECK_INT(slice->nflows, 1);
	const struct flow *f = &slice->flows[0];
	CHECK_INT(f->ntags, 6);
	CHECK_STR(f->tags[0].name, "A/y:min");
	CHECK_STR(slice->sources[f->tags[0].source].tags[f->tags[0].tag].path, "A/y");
	CHECK_INT(f->nconduits, 2);
	CHECK_STR(slice->conduits[f->conduits[1]].name, "b-up");
	CHECK_STR(slice->sinks[f->sinks[0]].name, "broker");
	CHECK_INT(slice->sinks[0].nkeys, 0);
	CHECK_INT(hash_schema(slice, f), plan->flows[0].schema);
	CHECK(hash_flow(slice, f) == hash_flow(plan, &plan->flows[0]));
	CHECK(!tells("broker.example") && !tells("10.0.0"));
	CHECK_STR(slice->sources[0].tags[2].help, "tank");
}

TEST(office_is_told_sinks_and_only_tags_that_flow)
{
	cut(SLICE_OFFICE, 0);
	CHECK_INT(slice->ntags, 3);
	const struct flow *f = &slice->flows[0];
	CHECK_STR(slice->sources[f->tags[2].source].tags[f->tags[2].tag].path, "A/z");
	CHECK_STR(slice->sources[f->tags[5].source].tags[f->tags[5].tag].path, "B/x");
	CHECK_STR(slice->sinks[0].keys[BOX_BROKER].s, "broker.example:1883");
	CHECK(slice->sinks[0].key == plan->sinks[0].key);
	CHECK(!tells("A/x") && !tells("10.0.0") && !tells("word"));
}

TEST(office_is_told_what_its_sinks_may_write)
{
	cut_of(written, SLICE_OFFICE, 0);
	CHECK_INT(slice->ntags, 2);
	const struct tag *y = plan_tag(slice, "A/y");
	CHECK(y != NULL && plan_tag(slice, "A/z") == NULL && !tells("A/z") && !tells("word"));
	CHECK_INT(slice->nrequests, 1);
	CHECK(slice->requests[0].ntags == 1 && slice->requests[0].tags[0].source == y->source &&
	    slice->requests[0].tags[0].tag == y->index);
	CHECK(!slice->requests[0].has_limits);
}

TEST(the_whole_plan_survives_its_own_store)
{
	cut(SLICE_ALL, 0);
	CHECK_INT(slice->ntags, plan->ntags);
	CHECK(hash_plan(slice) == plan->hash);
	CHECK_STR(slice->sources[1].endpoint, "10.0.0.2");
	CHECK_STR(slice->sinks[0].keys[BOX_TOPIC].s, "acme");
	CHECK(slice->sources[0].requests_per_s == plan->sources[0].requests_per_s && slice->sources[0].requests_per_s > 0);
}

TEST(a_damaged_slice_is_refused_at_every_byte)
{
	cut(SLICE_OFFICE, 0);
	for (size_t i = 0; i < bytes.len; i++) {
		struct plan *p = NULL;
		bytes.p[i] ^= 0x10;
		CHECK(slice_read(bytes.p, bytes.len, &p) != 0 && p == NULL);
		bytes.p[i] ^= 0x10;
	}
}

TEST(a_slice_cut_short_is_refused_even_when_its_checksum_holds)
{
	cut(SLICE_GATE, 0);
	for (size_t len = 0; len < bytes.len; len++) {
		struct plan *p = NULL;
		uint8_t copy[4096];
		CHECK(bytes.len < sizeof copy);
		memcpy(copy, bytes.p, len);
		if (len >= 12) {
			uint32_t sum = crc32c(0, copy + 12, len - 12);
			for (size_t i = 0; i < 4; i++)
				copy[8 + i] = (uint8_t)(sum >> 8 * i);
		}
		CHECK(slice_read(copy, len, &p) != 0 && p == NULL);
	}
}

TEST(another_version_is_told_apart)
{
	struct plan *p;
	cut(SLICE_GATE, 0);
	bytes.p[4]++;
	CHECK_INT(slice_read(bytes.p, bytes.len, &p), ERR_VERSION);
}

TEST_MAIN
