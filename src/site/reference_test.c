/* The reference and the schema name every key that the parser takes. */
#include "site/reference.h"

/* jansson and base/json.h both have a json_null(); jansson's is not needed here. */
#define json_null jansson_null
#include <jansson.h>
#undef json_null

#include "base/test.h"
#include "site/sections.h"
#include "site/site_testing.h"

TEST(the_reference_names_every_key_of_every_table)
{
	const struct key *tables[] = {
		site_keys, zone_keys, conduit_keys, source_keys, sink_keys, type_keys, equipment_keys, tag_keys,
		    flow_keys, how_keys,
		column_keys, toy_keys, box_keys,
	};
	struct buf text = { 0 }, page = { 0 };
	char row[80];

	reference_print(&toy_catalog, false, &text);
	reference_print(&toy_catalog, true, &page);
	for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
		for (const struct key *k = tables[t]; k->name != NULL; k++) {
			snprintf(row, sizeof row, "\n  %-18s ", k->name);
			CHECK(strstr(buf_text(&text), row) != NULL);
			snprintf(row, sizeof row, "\n| `%s` | ", k->name);
			CHECK(strstr(buf_text(&page), row) != NULL);
		}
	CHECK(strstr(buf_text(&text), "a duration, 10 ms to 1 d, or on-demand; default 1 s") != NULL);
	buf_fini(&text);
	buf_fini(&page);
}

TEST(the_schema_is_json_with_a_case_for_each_driver_and_sink)
{
	struct buf out = { 0 };
	json_error_t err;

	schema_print(&toy_catalog, &out);
	json_t *schema = json_loads(buf_text(&out), JSON_REJECT_DUPLICATES, &err);
	CHECK(schema != NULL);
	CHECK_STR(json_string_value(json_object_get(schema, "$schema")),
	    "https://json-schema.org/draft/2020-12/schema");
	json_t *properties = json_object_get(schema, "properties");
	for (size_t i = 0; i < SECTIONS; i++)
		CHECK(json_object_get(properties, sections[i].name) != NULL);
	json_t *source = json_object_get(json_object_get(properties, "sources"), "additionalProperties");
	json_t *cases = json_object_get(source, "allOf");
	CHECK_INT(json_array_size(cases), 1);
	json_t *then = json_object_get(json_array_get(cases, 0), "then");
	CHECK_INT(json_integer_value(json_object_get(json_object_get(json_object_get(then, "properties"), "unit"),
	    "maximum")), 247);
	json_t *tag = json_object_get(json_object_get(schema, "$defs"), "tag");
	CHECK(json_object_get(json_object_get(tag, "properties"), "at") != NULL);	/* or expr: neither is demanded alone */
	json_decref(schema);
	buf_fini(&out);
}

TEST_MAIN
