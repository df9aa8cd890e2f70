/* Reading as data: what is asked, and what comes of the answers. */
#include "sink/sap_odata/read.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/test.h"
#include "proto/odata/value.h"

static struct mapping_set *set;
static const struct message_setting settings[] = { { "plant", "10'0" } };
static const struct message_env env = { NULL, 0, settings, 1 };
static char why[300];

static const struct mapping *
mapping(const char *name)
{
	if (set == NULL)
		CHECK_INT(mapping_load_quiet(NULL, &set, why, sizeof why), 0);
	return mapping_find(set, name);
}

TEST(only_what_changed_is_asked_for)
{
	struct buf b = { 0 };
	CHECK_INT(read_path(mapping("inspection-operations"), &env, NULL, &b, why, sizeof why), 0);
	CHECK_STR(buf_text(&b),
	    "A_InspectionOperation?$select=InspectionLot%2CInspPlanOperationInternalID%2CInspectionOperation%2COperationText%2CWorkCenter&$top=500");
	buf_reset(&b);
	CHECK_INT(read_path(mapping("production-orders"), &env, "20261122224012", &b, why, sizeof why), 0);
	CHECK(strstr(buf_text(&b),
	    "%2CLastChangeDateTime&$orderby=LastChangeDateTime&$top=500&$filter=ProductionPlant%20eq%20%2710%27%270%27%20and%20OrderIsReleased%20eq%20"
	    "%27X%27%20and%20LastChangeDateTime%20ge%20%2720261122224012%27") != NULL);
	buf_reset(&b);
	CHECK_INT(read_path(mapping("equipment"), &env, "2026-11-22T22:40:12Z", &b, why, sizeof why), 0);
	CHECK(strstr(buf_text(&b),
	    "ValidityEndDate%20eq%20datetime%279999-12-31T00%3A00%3A00%27%20and%20LastChangeDateTime%20ge%20datetimeoffset%272026-11-22T22%3A40%3A12Z%27") != NULL);
	buf_reset(&b);
	CHECK_INT(read_path(mapping("production-orders"), NULL, NULL, &b, why, sizeof why), ERR_NOTFOUND);
	CHECK(strstr(why, "plant=...") != NULL);
	buf_fini(&b);
}

struct got { size_t n; char text[2000]; };

static void
on_row(void *arg, const struct read_row *r)
{
	struct got *g = arg;
	char value[100];
	for (uint32_t i = 0; i < r->m->reading->ntags; i++)
		if (!r->v[i].null) {
			edm_text(&r->v[i], value, sizeof value);
			g->n += (size_t)snprintf(g->text + g->n, sizeof g->text - g->n, "%s=%s ",
			    r->m->reading->tags[i].name, value);
		}
	g->n += (size_t)snprintf(g->text + g->n, sizeof g->text - g->n, "\n");
}

static int
rows(const char *name, const char *answer, struct got *g, struct read_page *page)
{
	*g = (struct got){ 0 };
	return read_rows(mapping(name), answer, strlen(answer), on_row, g, page);
}

TEST(rows_become_values_of_tags)
{
	struct got g;
	struct read_page page;
	CHECK_INT(rows("production-orders", "{\"d\":{\"results\":["
	    "{\"__metadata\":{},\"ManufacturingOrder\":\"000001000123\",\"Material\":\"FG-1\",\"TotalQuantity\":\"1200.000\",\"ProductionUnit\":\"PC\","
	    "\"MfgOrderPlannedStartDate\":\"/Date(1795305600000)/\",\"LastChangeDateTime\":\"20261122224012\"},"
	    "{\"ManufacturingOrder\":\"\",\"LastChangeDateTime\":\"20261122224013\"},"
	    "{\"ManufacturingOrder\":\"1000125\",\"TotalQuantity\":{},\"LastChangeDateTime\":\"20261122224011\"},"
	    "{\"ManufacturingOrder\":\"ORD-7\",\"TotalQuantity\":12.5,\"LastChangeDateTime\":\"zzzz\"}, 5],"
	    "\"__next\":\"https://s4/sap/A_ProductionOrder_2?$skiptoken=4\"}}", &g, &page), 0);
	CHECK_STR(g.text,
	    "order=1000123 material=FG-1 planned-quantity=1200 unit=PC planned-start=2026-11-22T00:00:00 \norder=ORD-7 planned-quantity=12.5 \n");
	CHECK_INT(page.rows, 2);
	CHECK_INT(page.bad, 3);
	CHECK_STR(page.why, "a row has no ManufacturingOrder");
	CHECK_STR(page.mark, "20261122224013");
	CHECK_STR(page.next, "https://s4/sap/A_ProductionOrder_2?$skiptoken=4");
}

TEST(limits_of_characteristics_are_numbers_even_as_texts)
{
	struct got g;
	struct read_page page;
	CHECK_INT(rows("inspection-characteristics",
	    "{\"d\":{\"results\":[{\"InspectionLot\":\"040000000123\",\"InspPlanOperationInternalID\":\"00000001\","
	    "\"InspectionCharacteristic\":\"0010\",\"InspSpecIsQuantitative\":true,\"InspSpecDecimalPlaces\":2,\"InspSpecUpperLimit\":\"1.2500000000000000E+01\","
	    "\"InspSpecLowerLimit\":11.5,\"InspSpecHasUpperLimit\":\"X\"}]}}", &g, &page), 0);
	CHECK_STR(g.text,
	    "lot=40000000123 operation-id=00000001 characteristic=0010 quantitative=true decimals=2 upper-limit=12.5 has-upper-limit=X lower-limit=11.5 \n");
}

TEST(what_is_no_list_is_refused)
{
	struct got g;
	struct read_page page;
	CHECK_INT(rows("production-orders", "{\"d\":{}}", &g, &page), ERR_SYNTAX);
	CHECK_INT(rows("production-orders", "", &g, &page), ERR_SYNTAX);
	CHECK_INT(rows("production-orders", "{\"value\":[]}", &g, &page), 0);
	CHECK_INT(page.rows, 0);

	/* A list that would cost gigabytes as a tree. */
	struct buf b = { 0 };
	buf_puts(&b, "{\"value\":[{}");
	for (int i = 0; i < 300000; i++)
		buf_puts(&b, ",{}");
	buf_puts(&b, "]}");
	CHECK_INT(rows("production-orders", buf_text(&b), &g, &page), ERR_SYNTAX);
	CHECK(strstr(page.why, "too large") != NULL);
	buf_fini(&b);
}

TEST_MAIN
