/* From a walk to tables and types, on a walk made by hand: names that a path, a spreadsheet or a grammar would take amiss. */
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "cli/browse_cli.h"

static const char *const uris[] = { "http://opcfoundation.org/UA/", "urn:a;b" };
static struct browse_type kinds[] = { { .builtin = UA_B_DOUBLE, .done = true },
    { .builtin = UA_B_EXTENSION, .structure = true, .done = true }, { .builtin = UA_B_VARIANT, .done = true } };
static struct browse_node nodes[16];
static struct ua_browse walk;

static struct browse_node *
add(uint32_t parent, uint8_t class, const char *name, const char *id, uint32_t type, int32_t rank)
{
	struct browse_node *n = &nodes[walk.n++];
	*n = (struct browse_node){ .parent = parent, .class = class, .name = name, .name_ns = 1, .type = type, .rank = rank,
	    .id = { .ns = 1, .kind = 's', .p = (const uint8_t *)id, .len = (uint32_t)strlen(id) } };
	return n;
}

static void
begin(void)
{
	walk = (struct ua_browse){ .nodes = nodes, .kinds = kinds, .nkinds = 3,
	    .namespaces = (const char **)(uintptr_t)uris, .nnamespaces = 2 };
	add(0, 1, "Root", "root", UINT32_MAX, -2);
}

static char *
written(void (*write)(FILE *out))
{
	static char text[4000];
	FILE *f = fmemopen(text, sizeof text, "w");
	write(f);
	fclose(f);
	return text;
}

static void
csv(FILE *out)
{
	struct browse_rows r;
	browse_rows_make(&walk, NULL, &r);
	browse_csv(&r, NULL, out);
	browse_rows_free(&r);
}

static void
types(FILE *out)
{
	browse_types(&walk, out);
}

TEST(odd_names_become_paths_and_cells_that_do_no_harm)
{
	begin();
	add(0, 1, "Line/1", "L", UINT32_MAX, -2);
	add(1, 2, "=cmd()", "a", 0, -1)->help = "=HYPERLINK(\"x\")";
	add(1, 2, "=cmd()", "b [3]", 0, 1);
	add(1, 2, " \x01*?\" ", "c;\"d", 1, -1);
	struct browse_node *q = add(1, 2, "q", "q", 0, -1);
	q->unit = "Cel";
	q->has_range = true;
	q->lo = -40;
	q->hi = 0.5;
	add(1, 2, "any", "any", 2, -1)->unit_text = "furlong";
	add(1, 2, "some", "some", 2, -1);
	add(1, 2, "open", "open", 0, -3)->has_range = true;
	add(1, 2, "brackets", "d [3]", 0, -1);
	add(1, 2, "grid", "g", 0, 2)->unit = "Cel";
	add(1, 2, "prop", "p", 0, -1)->property = true;
	CHECK_STR(written(csv), "path,at,type,unit,range-low,range-high,description\n"
	    "Line_1/____,\"nsu=urn:a%3Bb;s=c;\"\"d\",json,,,,\n"
	    "Line_1/_cmd(),\"[type float64[]] nsu=urn:a%3Bb;s=b [3]\",float64,,,,\n"
	    "Line_1/_cmd() (2),\"nsu=urn:a%3Bb;s=a\",float64,,,,\"'=HYPERLINK(\"\"x\"\")\"\n"
	    "Line_1/any,\"nsu=urn:a%3Bb;s=any\",float64,,,,unit: furlong\n"
	    "Line_1/brackets,\"[] nsu=urn:a%3Bb;s=d [3]\",float64,,,,\n"
    "Line_1/grid,\"nsu=urn:a%3Bb;s=g\",json,,,,\n"
	    "Line_1/open,\"nsu=urn:a%3Bb;s=open\",json,,,,\n"
    "Line_1/q,\"nsu=urn:a%3Bb;s=q\",float64,Cel,-40,0.5,\n"
    "Line_1/some,\"nsu=urn:a%3Bb;s=some\",json,,,,\n");
}

TEST(what_no_address_can_name_is_left_out_and_counted)
{
	static char deep[700];
	struct browse_rows r;

	begin();
	memset(deep, 'x', sizeof deep - 1);
	add(0, 2, "long id", deep, 0, -1);
	add(0, 2, deep, "long name", 0, -1);
	add(0, 2, "far", "far", 0, -1)->id.ns = 9;	/* an index that the server's own table does not have */
	add(0, 2, "good", "good", 0, -1);
	browse_rows_make(&walk, NULL, &r);
	CHECK_INT(r.n, 1);
	CHECK_INT(r.no_path, 1);
	CHECK_INT(r.no_address, 2);
	browse_rows_free(&r);
}

TEST(object_types_have_their_variables_by_path)
{
	begin();
	add(0, 8, "Filler Type", "T", UINT32_MAX, -2);
	add(1, 2, "Speed.Act", "T.s", 0, -1)->unit = "m/s";
	add(1, 1, "Head", "T.h", UINT32_MAX, -2);
	add(3, 2, "Pressure", "T.h.p", 0, -1)->has_range = true;
	nodes[4].hi = 16;
	add(1, 8, "Filler Type", "U", UINT32_MAX, -2);	/* a subtype of the same name */
	add(5, 2, "Extra${x}", "U.e", 1, -1);
	add(5, 2, "Extra", "U.f", 1, -1);
	add(5, 2, "List", "U.l", 0, 1);
	CHECK_STR(written(types), "types:\n"
	    "  Filler-Type:\n    params: { path: ~ }\n    tags:\n"
	    "      \"Speed.Act\": { at: \"${path}/nsu=urn:a%3Bb;Speed&.Act\", type: float64, unit: \"m/s\" }\n"
	    "      \"Head Pressure\": { at: \"${path}/nsu=urn:a%3Bb;Head/nsu=urn:a%3Bb;Pressure\", type: float64, range: [0, 16] }\n"
	    "  Filler-Type-2:\n    params: { path: ~ }\n    tags:\n"
	    "      \"Extra\": { at: \"${path}/nsu=urn:a%3Bb;Extra\", type: json }\n"
	    "      \"List\": { at: \"[type float64[]] ${path}/nsu=urn:a%3Bb;List\", type: float64 }\n");
}

TEST_MAIN
