/* Events as messages: the exact bytes, by the reference of SAP's services, and the words of what cannot be one. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/test.h"
#include "os/file.h"
#include "sink/sap_odata/map.h"

static struct arena arena;
static struct mapping_set *set;
static struct message msg;
static struct fault why;

/* Identities below: base 32 of bytes 0..5 and 9..15 of the id, made by another program (Python). */

/* The plant is in Dresden, in winter. */
static const struct zone_offset berlin[] = { { { 0 }, 3600 } };
static const struct message_setting settings[] = { { "plant", "1010" }, { "decision-set", "WB01" },
    { "notification-type", "M1" } };
static const struct message_env env = { berlin, 1, settings, 3 };

#define ID "6f1c2d3e-4a5b-5c6d-8e7f-0a1b2c3d4e5f"
#define EVENT(type, fields, units) "{\"id\":\"" ID "\",\"event\":\"Packaging/Line 3/Filler/done\",\"type\":\"" type "\",\"key\":\"k/1\",\"no\":7," \
	"\"time\":\"2026-11-22T23:30:00.250Z\",\"fields\":{" fields "},\"units\":{" units "},\"status\":{},\"from\":{}}"

static const struct mapping *
mapping(const char *name)
{
	char text[300];
	if (set == NULL)
		CHECK_INT(mapping_load_quiet(NULL, &set, text, sizeof text), 0);
	const struct mapping *m = mapping_find(set, name);
	CHECK(m != NULL);
	return m;
}

static int
build(const char *name, const char *event)
{
	return message_build(mapping(name), NULL, &env, event, strlen(event), &arena, &msg, &why);
}

static void
refused(const char *name, const char *event, const char *code, const char *target, const char *says)
{
	CHECK_INT(build(name, event), ERR_RANGE);
	CHECK_STR(why.code, code);
	CHECK_STR(why.target, target);
	if (strstr(why.text, says) == NULL)
		test_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", why.text, says);
}

TEST(a_confirmation_has_padded_numbers_texts_for_decimals_and_the_plants_day)
{
	CHECK_INT(build("production-confirmation", EVENT("operations-performance",
	    "\"order\":\"1000123\",\"operation\":\"10\",\"yield\":120,\"scrap\":2.5,\"final\":true",
	    "\"yield\":\"1\",\"scrap\":\"1\"")), 0);
	CHECK_STR(msg.method, "POST");
	CHECK_STR(msg.path, "ProdnOrdConf2");
	CHECK_STR(msg.body,
	    "{\"ExternalSystemConfirmation\":\"" ID "\",\"OrderID\":\"000001000123\",\"Sequence\":\"0\",\"OrderOperation\":\"0010\","
	    "\"ConfirmationYieldQuantity\":\"120\",\"ConfirmationScrapQuantity\":\"2.5\",\"ConfirmationUnit\":\"PC\",\"ConfirmationUnitISOCode\":\"PCE\","
	    "\"IsFinalConfirmation\":true,\"FinalConfirmationType\":\"X\",\"PostingDate\":\"/Date(1795392000000)/\",\"ConfirmationExternalEntryDate\":\"/Date(1795392000000)/\","
	    "\"ConfirmationExternalEntryTime\":\"PT00H30M00S\",\"Plant\":\"1010\"}");
	CHECK_INT(msg.len, strlen(msg.body));
	CHECK_STR(msg.lane, "order 1000123");
	CHECK_STR(msg.identity, ID);
	CHECK_STR(msg.lookup, "ProdnOrdConf2?$top=3&$filter=ExternalSystemConfirmation%20eq%20guid%27" ID "%27");
	CHECK(!msg.lookup_key);
	CHECK_INT(msg.items, 0);
	arena_fini(&arena);
}

/* What is made before midnight on the plant's wall is posted to that day, whenever it leaves, and whatever UTC says. */
TEST(a_confirmation_is_posted_to_the_day_of_its_event_or_to_the_one_that_it_names)
{
	static const char event[] = "{\"id\":\"" ID "\",\"event\":\"Line/done\",\"type\":\"operations-performance\",\"key\":\"k\",\"no\":7,\"time\":\"%s\","
	    "\"fields\":{\"order\":\"1\",\"yield\":1%s},\"units\":{\"yield\":\"1\"}}";
	static const struct { const char *time, *field, *day; } rows[] = {
		{ "2026-11-22T22:59:59.999Z", "", "1795305600000" }, { "2026-11-22T23:00:00.000Z", "", "1795392000000" },
		{ "2026-11-23T05:00:00.000Z", ",\"posting-time\":\"2026-11-22T21:00:00.000Z\"", "1795305600000" },
		{ "2026-11-30T23:10:00.000Z", ",\"posting-time\":\"2026-11-30T22:50:00.000Z\"", "1795996800000" },
	};
	char text[1000], want[80];

	for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text, event, rows[i / 2].time, rows[i / 2].field);
		snprintf(want, sizeof want, "\"PostingDate\":\"/Date(%s)/\"", rows[i / 2].day);
		CHECK_INT(build(i % 2 == 0 ? "production-confirmation" : "process-confirmation", text), 0);
		if (strstr(msg.body, want) == NULL)
			test_fail(__FILE__, __LINE__, "no %s in: %s", want, msg.body);
	}
	snprintf(text, sizeof text, event, rows[0].time, ",\"posting-time\":null");
	refused("production-confirmation", text, "no-value", "PostingDate", "the field \"posting-time\"");
	arena_fini(&arena);
}

TEST(goods_movements_go_below_it)
{
	CHECK_INT(build("production-confirmation", EVENT("operations-performance",
	    "\"order\":\"1000123\",\"yield\":1,\"receipt-quantity\":1,"
	    "\"receipt-material\":\"FG-1\",\"component-1-material\":\"RM-1\",\"component-1-quantity\":0.3333333,\"component-3-material\":\"RM-3\","
	    "\"component-3-quantity\":2,\"component-3-batch\":\"B\\\"1\"",
	    "\"yield\":\"1\",\"receipt-quantity\":\"1\",\"component-1-quantity\":\"kg\",\"component-3-quantity\":\"L\"")), 0);
	const char *items = strstr(msg.body, "\"to_ProdnOrdConfMatlDocItm\":");
	CHECK(items != NULL);
	CHECK_STR(items, "\"to_ProdnOrdConfMatlDocItm\":["
	    "{\"OrderID\":\"000001000123\",\"OrderItem\":\"0001\",\"Material\":\"FG-1\",\"Plant\":\"1010\",\"GoodsMovementType\":\"101\",\"GoodsMovementRefDocType\":\"F\","
	    "\"QuantityInEntryUnit\":\"1\",\"EntryUnit\":\"PC\"},"
	    "{\"OrderID\":\"000001000123\",\"Material\":\"RM-1\",\"Plant\":\"1010\",\"GoodsMovementType\":\"261\",\"QuantityInEntryUnit\":\"0.333\",\"EntryUnit\":\"KG\"},"
	    "{\"OrderID\":\"000001000123\",\"Material\":\"RM-3\",\"Plant\":\"1010\",\"Batch\":\"B\\\"1\",\"GoodsMovementType\":\"261\",\"QuantityInEntryUnit\":\"2\","
	    "\"EntryUnit\":\"L\"}]}");
	CHECK_INT(msg.items, 3);
	arena_fini(&arena);
}

TEST(results_go_through_the_text_properties)
{
	CHECK_INT(build("inspection-value", EVENT("test-result",
	    "\"lot\":\"40000123\",\"operation-id\":\"1\",\"characteristic\":\"10\",\"value\":12.3456789,\"valuation\":true",
	    "\"value\":\"mm\"")), 0);
	CHECK_STR(msg.path, "A_InspectionResultValue");
	CHECK(strstr(msg.body,
	    "\"InspectionLot\":\"000040000123\",\"InspPlanOperationInternalID\":\"00000001\",\"InspectionCharacteristic\":\"0010\","
	    "\"InspResultFrmtdMeasuredValue\":\"12.345679\",\"InspectionValuationResult\":\"A\"") != NULL);
	CHECK(strstr(msg.body, "\"InspectionResultText\":\"DWE2TFJABDZGM6SC7N75\"") != NULL);
	CHECK_STR(msg.identity, "DWE2TFJABDZGM6SC7N75");
	CHECK_STR(msg.lane, "lot 40000123");
	arena_fini(&arena);
}

TEST(what_has_a_key_is_looked_up_by_it)
{
	CHECK_INT(build("usage-decision", EVENT("test-result",
	    "\"lot\":\"40000123\",\"decision\":\"A\",\"decision-group\":\"01\"", "")), 0);
	CHECK_STR(msg.lookup, "A_InspLotUsageDecision('000040000123')");
	CHECK(msg.lookup_key);
	CHECK_STR(msg.identity, "");
	arena_fini(&arena);
}

TEST(version_4_writes_plain_days_clocks_and_numbers)
{
	CHECK_INT(build("measurement-document", EVENT("equipment-actual",
	    "\"measuring-point\":\"4711\",\"reading\":80.25", "\"reading\":\"Cel\"")), 0);
	CHECK_STR(msg.body,
	    "{\"MeasurementDocumentText\":\"DWE2TFJABDZGM6SC7N75\",\"MeasuringPoint\":\"000000004711\",\"MsmtRdngDate\":\"2026-11-23\","
	    "\"MsmtRdngTime\":\"00:30:00\",\"MeasurementReadingInEntryUoM\":80.25,\"MeasurementReadingEntryUoM\":\"°C\"}");
	arena_fini(&arena);
}

TEST(a_notification_is_cut_where_the_mapping_says_so)
{
	CHECK_INT(build("maintenance-notification", EVENT("maintenance-request",
	    "\"equipment-number\":\"10000042\",\"text\":\"Lager der Förderpumpe vibriert über der Grenze\"",
	    "")), 0);
	CHECK(strstr(msg.body,
	    "\"NotificationType\":\"M1\",\"NotificationText\":\"Lager der Förderpumpe vibriert über der \"") != NULL);
	CHECK(strstr(msg.body,
	    "\"TechObjIsEquipOrFuncnlLoc\":\"EAMS_EQUI\",\"MalfunctionStartDate\":\"/Date(1795392000000)/\",\"MalfunctionStartTime\":\"PT00H30M00S\"") != NULL);
	arena_fini(&arena);
}

TEST(serial_numbers_stand_below_the_item_of_a_goods_movement)
{
	CHECK_INT(build("material-document", EVENT("material-actual",
	    "\"material\":\"FG-1\",\"movement\":\"received\",\"order\":\"1000123\",\"quantity\":2,"
	    "\"serial-1\":\"S1\",\"serial-2\":\"S2\"", "\"quantity\":\"1\"")), 0);
	CHECK(strstr(msg.body,
	    "\"to_SerialNumbers\":[{\"SerialNumber\":\"S1\"},{\"SerialNumber\":\"S2\"}]}]}") != NULL);
	CHECK(strstr(msg.body, "\"GoodsMovementCode\":\"02\",\"PostingDate\":\"/Date(1795392000000)/\"") != NULL);
	CHECK_STR(msg.identity, "DWE2TFJABDZGM6SC");
	arena_fini(&arena);
}

TEST(what_cannot_be_booked_is_refused_in_words)
{
#define CONFIRM(fields, units) EVENT("operations-performance", fields, units)
	const char *m = "production-confirmation";
	refused(m, CONFIRM("\"yield\":1", "\"yield\":\"1\""), "missing", "OrderID", "the field \"order\" has no value");
	refused(m, CONFIRM("\"order\":\"\",\"yield\":1", "\"yield\":\"1\""), "missing", "OrderID",
	    "penstock outbox edit");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":null", ""), "missing", "ConfirmationYieldQuantity", "\"yield\"");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":1,\"scrap\":null", "\"yield\":\"1\""), "no-value",
	    "ConfirmationScrapQuantity", "wrong booking");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":1.0005", "\"yield\":\"1\""), "number",
	    "ConfirmationYieldQuantity", "has 3 decimals");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":12345678901", "\"yield\":\"1\""), "number",
	    "ConfirmationYieldQuantity", "at most 10 digits before the point");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":18446744073709551615", "\"yield\":\"1\""), "number",
	    "ConfirmationYieldQuantity", "at most 10 digits");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":\"many\"", "\"yield\":\"1\""), "number",
	    "ConfirmationYieldQuantity", "\"many\"");
	refused(m, CONFIRM("\"order\":\"1234567890123\",\"yield\":1", "\"yield\":\"1\""), "too-long", "OrderID",
	    "13 characters; OrderID takes 12");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":1", ""), "unit", "ConfirmationUnit", "has no unit");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":1", "\"yield\":\"{turns}\""), "unit", "ConfirmationUnit",
	    "for which no unit of SAP is known");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":1,\"scrap\":1", "\"yield\":\"kg\",\"scrap\":\"g\""), "unit",
	    "ConfirmationScrapQuantity", "one unit for both");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":1,\"unit\":\"KG\"", "\"yield\":\"1\""), "unit",
	    "ConfirmationUnit", "one of them is wrong");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":1,\"final\":\"perhaps\"", "\"yield\":\"1\""), "word",
	    "IsFinalConfirmation", "\"perhaps\"");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":1,\"start\":\"today\"", "\"yield\":\"1\""), "value",
	    "ConfirmedExecutionStartDate", "\"today\"");
	refused(m, CONFIRM("\"order\":\"1\",\"yield\":1,\"component-2-quantity\":1",
	    "\"yield\":\"1\",\"component-2-quantity\":\"kg\""), "missing",
	    "to_ProdnOrdConfMatlDocItm[1]/Material", "component-2-material");
	refused(m, EVENT("test-result", "", ""), "event", "", "takes \"operations-performance\"");
	refused(m, "{\"id\":", "event", "", "not JSON");
	refused(m, "[]", "event", "", "not an event");
	refused("production-orders", EVENT("test-result", "", ""), "mapping", "", "reads");
	refused("usage-decision", EVENT("test-result", "\"lot\":[1],\"decision\":\"A\",\"decision-group\":\"1\"", ""),
	    "value", "InspectionLot", "one value");
	arena_fini(&arena);
}

TEST(a_code_of_a_unit_goes_for_all_quantities_that_share_it)
{
	/* The yield has no unit of its own here, so nothing but the code says what all of it is in. */
	refused("production-confirmation", EVENT("operations-performance", "\"order\":\"1\",\"yield\":120,\"scrap\":2.5,\"unit\":\"PC\"",
	    "\"scrap\":\"kg\""), "unit", "ConfirmationScrapQuantity", "would be booked in \"PC\"");
	CHECK_INT(build("production-confirmation", EVENT("operations-performance",
	    "\"order\":\"1\",\"yield\":120,\"scrap\":2,\"unit\":\"PC\"", "\"scrap\":\"{bottle}\"")), 0);
	arena_fini(&arena);
}

TEST(a_setting_that_is_missing_is_named)
{
	static const char event[] = EVENT("test-result", "\"lot\":\"1\",\"decision\":\"A\",\"decision-group\":\"1\"",
	    "");
	CHECK_INT(message_build(mapping("usage-decision"), NULL, NULL, event, sizeof event - 1, &arena, &msg, &why),
	    ERR_RANGE);
	CHECK_STR(why.code, "setting");
	CHECK(strstr(why.text, "needs the setting \"plant\"") != NULL);
	arena_fini(&arena);
}

TEST(the_service_may_allow_less_than_the_mapping)
{
	struct buf b = { .max = META_BYTES_MAX };
	char text[META_WHY_MAX];
	struct odata_meta *meta;
	static const char event[] = EVENT("material-actual",
	    "\"material\":\"A-MATERIAL-OF-20-LONG\",\"batch\":\"B1\"", "");

	CHECK_INT(file_read("test/peers/s4/metadata/API_BATCH_SRV.xml", META_BYTES_MAX, &b), 0);
	char *at = strstr(b.p, "Name=\"Material\" Type=\"Edm.String\" Nullable=\"false\" MaxLength=\"40\"");
	CHECK(at != NULL);
	memcpy(strstr(at, "\"40\""), "\"16\"", 4);
	CHECK_INT(odata_meta_parse(b.p, b.len, &arena, &meta, text), 0);
	CHECK_INT(message_build(mapping("batch"), meta, &env, event, sizeof event - 1, &arena, &msg, &why), ERR_RANGE);
	CHECK_STR(why.code, "too-long");
	CHECK(strstr(why.text, "Material takes 16") != NULL);
	buf_fini(&b);
	arena_fini(&arena);
}

TEST(a_number_of_the_document_comes_from_any_answer)
{
	char out[100];
	unsigned more;
	const struct mapping *m = mapping("production-confirmation");
	msg = (struct message){ .identity = "" };
#define DOCUMENT(answer) message_document(m, &msg, answer, strlen(answer), out, sizeof out, &more)
	CHECK_INT(DOCUMENT("{\"d\":{\"__metadata\":{},\"ConfirmationGroup\":\"0000012345\",\"ConfirmationCount\":\"00000001\",\"to_X\":{\"__deferred\":{\"uri\":\"u\"}}}}"), 0);
	CHECK_STR(out, "0000012345/00000001");
	CHECK_INT(DOCUMENT("{\"d\":{\"results\":[{\"ConfirmationGroup\":\"1\",\"ConfirmationCount\":\"2\"},{\"ConfirmationGroup\":\"1\",\"ConfirmationCount\":\"3\"}]}}"), 0);
	CHECK_STR(out, "1/2");
	CHECK_INT(more, 2);
	CHECK_INT(DOCUMENT("{\"d\":{\"CancelProdnOrdConf\":{\"ConfirmationGroup\":\"1\",\"ConfirmationCount\":\"2\"}}}"), 0);
	CHECK_INT(DOCUMENT("{\"d\":{\"results\":[]}}"), ERR_NOTFOUND);
	CHECK_INT(DOCUMENT("{\"value\":[]}"), ERR_NOTFOUND);
	CHECK_INT(DOCUMENT("{\"@odata.context\":\"c\",\"ConfirmationGroup\":\"7\",\"ConfirmationCount\":8}"), 0);
	CHECK_STR(out, "7/8");
	CHECK_INT(DOCUMENT("<html>"), ERR_SYNTAX);
	CHECK_INT(DOCUMENT(""), ERR_SYNTAX);
	CHECK_INT(DOCUMENT("{\"d\":{}}"), ERR_SYNTAX);
}

TEST(what_bears_another_identity_is_not_ours_and_proves_nothing)
{
	char out[100];
	unsigned more;
	const struct mapping *m = mapping("production-confirmation");
#define CONF(id, n) "{\"ConfirmationGroup\":\"1\",\"ConfirmationCount\":\"" n "\",\"ExternalSystemConfirmation\":" id "}"
#define OTHER "\"00000000-0000-0000-0000-000000000001\""
	CHECK_INT(build("production-confirmation", EVENT("operations-performance", "\"order\":\"1\",\"yield\":1", "\"yield\":\"1\"")), 0);
	/* A service that does not read $filter: the newest three of all. */
	CHECK_INT(DOCUMENT("{\"d\":{\"results\":[" CONF(OTHER, "7") "," CONF(OTHER, "8") "]}}"), ERR_PROTO);
	CHECK_INT(DOCUMENT("{\"d\":{\"results\":[" CONF("null", "7") "]}}"), ERR_PROTO);
	CHECK_INT(DOCUMENT("{\"d\":{\"results\":[{\"ConfirmationGroup\":\"1\",\"ConfirmationCount\":\"7\"}]}}"), ERR_PROTO);
	CHECK_INT(DOCUMENT("{\"d\":{\"results\":[" CONF(OTHER, "7") "," CONF("\"6F1C2D3E-4A5B-5C6D-8E7F-0A1B2C3D4E5F\"", "8") "]}}"), 0);
	CHECK_STR(out, "1/8");
	CHECK_INT(more, 1);
	CHECK_INT(DOCUMENT("{\"d\":{\"results\":[" CONF("\"6f1c2d3e4a5b5c6d8e7f0a1b2c3d4e5f\"", "9") "]}}"), 0);
	CHECK_STR(out, "1/9");
#define CREATED(answer) message_created(m, &msg, answer, strlen(answer), out, sizeof out)
	CHECK_INT(CREATED("{\"d\":" CONF(OTHER, "7") "}"), ERR_PROTO);
	CHECK_INT(CREATED("{\"d\":" CONF("\"6F1C2D3E-4A5B-5C6D-8E7F-0A1B2C3D4E5F\"", "7") "}"), 0);
	CHECK_STR(out, "1/7");
	CHECK_INT(CREATED("{\"d\":" CONF("null", "7") "}"), 0);
	CHECK_INT(CREATED("{\"d\":{\"CancelProdnOrdConf\":" CONF("\"\"", "7") "}}"), 0);
	CHECK_INT(CREATED("{\"d\":{\"results\":[]}}"), ERR_SYNTAX);
	CHECK_INT(CREATED("<html>"), ERR_SYNTAX);
	/* An empty page that leads to another is not all there is. */
	CHECK_INT(DOCUMENT("{\"d\":{\"results\":[],\"__next\":\"ProdnOrdConf2?$skiptoken=1\"}}"), ERR_SYNTAX);
	arena_fini(&arena);
}

TEST(an_id_that_is_no_uuid_makes_no_identity)
{
	static const char *const ids[] = { "------------------------------------", "machine-7-of-line-3-event-0000000017",
		"6f1c2d3e-4a5b-5c6d-8e7f-0a1b2c3d4e5g", "6f1c2d3e-4a5b-5c6d-8e7f-0a1b2c3d' or" };
	char event[600];

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		snprintf(event, sizeof event, "{\"id\":\"%s\",\"event\":\"A/b\",\"type\":\"operations-performance\",\"key\":\"k\",\"no\":1,"
		    "\"time\":\"2026-11-22T23:30:00Z\",\"fields\":{\"order\":\"1\",\"yield\":1},\"units\":{\"yield\":\"1\"}}", ids[i]);
		refused("production-confirmation", event, "event", "", "no UUID");
	}
	arena_fini(&arena);
}

TEST(a_result_by_key_is_ours_when_it_says_what_we_said)
{
	char out[100];
	const struct mapping *m = mapping("inspection-result");
	CHECK_INT(build("inspection-result", EVENT("test-result",
	    "\"lot\":\"40000123\",\"operation-id\":\"1\",\"characteristic\":\"10\",\"mean\":12.5,\"valuation\":\"A\"",
	    "\"mean\":\"mm\"")), 0);
	CHECK_STR(msg.lookup,
	    "A_InspectionResult(InspectionLot='000040000123',InspPlanOperationInternalID='00000001',InspectionCharacteristic='0010')");
#define FOUND(mean) "{\"d\":{\"InspectionLot\":\"40000123\",\"InspResultFrmtdMeanValue\":\"" mean "\",\"InspectionValuationResult\":\"A\"}}"
	CHECK_INT(message_document(m, &msg, FOUND("12.500"), strlen(FOUND("12.500")), out, sizeof out, NULL), 0);
	CHECK_STR(out, "40000123");
	CHECK_INT(message_document(m, &msg, FOUND("12.600"), strlen(FOUND("12.600")), out, sizeof out, NULL),
	    ERR_NOTFOUND);
	/* The answer to our own posting is ours, also where the technical user's numbers have a comma. */
	CHECK_INT(message_created(m, &msg, FOUND("12,5"), strlen(FOUND("12,5")), out, sizeof out), 0);
	CHECK_STR(out, "40000123");
	arena_fini(&arena);
}

#define DATES "\"material\":\"BOTTLE-05\",\"batch\":\"B1\",\"made\":\"2026-11-20T10:00:00Z\",\"supplier\":\"17300001\""
#define BATCH(rest) "{\"d\":{\"__metadata\":{\"etag\":\"W/\\\"7\\\"\"},\"Material\":\"BOTTLE-05\",\"Batch\":\"B1\"," rest "}}"

static enum fill_state
fill(const char *answer, struct fill *f)
{
	CHECK_INT(message_fill(mapping("batch-dates"), &msg, answer, strlen(answer), &arena, f), 0);
	return f->state;
}

/* /Date(1763596800000)/ is 2025-11-20, /Date(1795132800000)/ 2026-11-20: by Python's calendar. */
TEST(an_update_writes_what_is_blank_and_never_over_others)
{
	struct fill f;

	CHECK_INT(build("batch-dates", EVENT("material-actual", DATES, "")), 0);
	CHECK_STR(msg.method, "PATCH");
	CHECK_STR(msg.path, "Batch(Material='BOTTLE-05',BatchIdentifyingPlant='',Batch='B1')");
	CHECK_STR(msg.lookup, msg.path);
	CHECK(msg.lookup_key);
	CHECK_STR(msg.body, "{\"ManufactureDate\":\"/Date(1795132800000)/\",\"Supplier\":\"17300001\"}");
	CHECK_INT(fill(BATCH("\"ManufactureDate\":null,\"Supplier\":\"\""), &f), FILL_WRITE);
	CHECK_STR(f.etag, "W/\"7\"");
	CHECK_STR(f.document, "BOTTLE-05/B1");
	CHECK_INT(fill(BATCH("\"ManufactureDate\":\"/Date(1795132800000)/\",\"Supplier\":\"\""), &f), FILL_WRITE);
	CHECK_INT(fill(BATCH("\"ManufactureDate\":\"/Date(1795132800000+0000)/\",\"Supplier\":\"0017300001\""), &f), FILL_SAME);
	CHECK_INT(fill(BATCH("\"ManufactureDate\":\"/Date(1763596800000)/\",\"Supplier\":\"\""), &f), FILL_TAKEN);
	CHECK_STR(f.prop, "ManufactureDate");
	CHECK_STR(f.has, "2025-11-20T00:00:00");
	CHECK_STR(f.wanted, "2026-11-20T00:00:00");
	/* What the answer does not show, or not as a day, was not seen to be blank. */
	CHECK_INT(fill(BATCH("\"ManufactureDate\":null"), &f), FILL_TAKEN);
	CHECK_INT(fill(BATCH("\"ManufactureDate\":{},\"Supplier\":\"\""), &f), FILL_TAKEN);
	CHECK_STR(f.prop, "ManufactureDate");
	/* Version 4 has its ETag elsewhere; one that would end the header is none. */
	CHECK_INT(fill("{\"@odata.etag\":\"W/\\\"8\\\"\",\"Material\":\"A\",\"ManufactureDate\":null,\"Supplier\":null}", &f), FILL_WRITE);
	CHECK_STR(f.etag, "W/\"8\"");
	fill("{\"@odata.etag\":\"x\\r\\nEvil: 1\",\"Material\":\"A\",\"ManufactureDate\":null,\"Supplier\":null}", &f);
	CHECK(f.etag == NULL);
	CHECK_INT(message_fill(mapping("batch-dates"), &msg, "{\"d\":{\"results\":[]}}", 20, &arena, &f), ERR_SYNTAX);
	CHECK_INT(message_fill(mapping("batch-dates"), &msg, "<html>", 6, &arena, &f), ERR_SYNTAX);
	refused("batch-dates", EVENT("material-actual", "\"material\":\"M\",\"batch\":\"B\"", ""), "missing", "", "nothing that could be written");
	arena_fini(&arena);
}

TEST(goods_movements_that_were_not_booked_are_missed)
{
	char path[300], text[300];
	const struct mapping *m = mapping("production-confirmation");
	static const char created[] = "{\"d\":{\"ConfirmationGroup\":\"0000012345\",\"ConfirmationCount\":\"00000001\"}}";
	CHECK_INT(message_follow(m, created, sizeof created - 1, path, sizeof path), 0);
	CHECK_STR(path,
	    "ProdnOrdConf2(ConfirmationGroup='0000012345',ConfirmationCount='00000001')/to_ProdnOrdConfMatlDocItm");
#define JUDGE(answer) message_follow_judge(m, 2, answer, strlen(answer), text, sizeof text)
	CHECK_INT(JUDGE("{\"d\":{\"results\":[{\"MaterialDocument\":\"49\"},{\"MaterialDocument\":\"50\"}]}}"), 0);
	CHECK_INT(JUDGE("{\"d\":{\"results\":[{\"MaterialDocument\":\"49\"},{\"MaterialDocument\":\"\"}]}}"),
	    ERR_AGAIN);
	CHECK(strstr(text, "1 of 2") != NULL && strstr(text, "COGI") != NULL);
	CHECK_INT(JUDGE("{\"d\":{\"results\":[]}}"), ERR_AGAIN);
	CHECK_INT(JUDGE("nonsense"), ERR_SYNTAX);
}

TEST(a_bit_may_come_as_a_number)
{
	CHECK_INT(build("production-confirmation",
	    CONFIRM("\"order\":1000123,\"yield\":1.0,\"final\":1,\"no-goods-movements\":1", "\"yield\":\"1\"")), 0);
	CHECK(strstr(msg.body, "\"OrderID\":\"000001000123\"") != NULL);
	CHECK(strstr(msg.body, "\"ConfirmationYieldQuantity\":\"1\"") != NULL);
	CHECK(strstr(msg.body, "\"IsFinalConfirmation\":true,\"FinalConfirmationType\":\"X\","
	    "\"APIConfHasNoGoodsMovements\":true") != NULL);
	refused("production-confirmation",
	    CONFIRM("\"order\":1,\"yield\":1,\"no-goods-movements\":2", "\"yield\":\"1\""), "value",
	    "APIConfHasNoGoodsMovements", "\"2\"");
	arena_fini(&arena);
}

TEST(a_call_has_its_parameters_in_the_query)
{
	static const char cancel[] = "mapping: cancel\nevent: operations-performance\nservice: /sap/X\nversion: 2\ncall: CancelProdnOrdConf\n"
	    "identity: { property: ExternalSystemConfirmation, form: guid }\n"
	    "document: [ConfirmationGroup, ConfirmationCount]\nfields:\n"
	    "  ConfirmationGroup: { type: String(10), from: group, pad: 10 }\n  PostingDate: { type: DateTime, context: time }\n"
	    "  ConfirmationText: { type: String(40), text: \"O'Neil {key} & co\" }\n";
	static const char event[] = CONFIRM("\"group\":\"12345\"", "");
	struct mapping_text v = { "cancel.yaml", cancel, sizeof cancel - 1 };
	struct mapping_set *own;
	struct site_report r;
	struct findings f;

	findings_init(&f, &r);
	CHECK_INT(mapping_load_texts(&v, 1, &f, &own), 0);
	findings_finish(&f);
	site_report_free(&r);
	CHECK_INT(message_build(mapping_find(own, "cancel"), NULL, &env, event, sizeof event - 1, &arena, &msg, &why),
	    0);
	CHECK_STR(msg.path,
	    "CancelProdnOrdConf?ConfirmationGroup=%270000012345%27&PostingDate=datetime%272026-11-23T00%3A00%3A00%27"
	    "&ConfirmationText=%27O%27%27Neil%20k%2F1%20%26%20co%27&ExternalSystemConfirmation=guid%27" ID "%27");
	CHECK_STR(msg.body, "");
	CHECK_STR(msg.lookup, "");	/* a GET of the call would be no question */
	mapping_set_free(own);
	arena_fini(&arena);
}

TEST(a_lane_is_the_order_without_its_zeros)
{
	char lane[100];
	static const char event[] = CONFIRM("\"order\":\"000001000123\"", ""), none[] = CONFIRM("\"yield\":1", "");
	CHECK_INT(message_lane(mapping("production-confirmation"), event, sizeof event - 1, lane, sizeof lane, &why),
	    0);
	CHECK_STR(lane, "order 1000123");
	CHECK_INT(message_lane(mapping("production-confirmation"), none, sizeof none - 1, lane, sizeof lane, &why), 0);
	CHECK_STR(lane, "");
	CHECK_INT(message_lane(mapping("production-confirmation"), "{", 1, lane, sizeof lane, &why), ERR_RANGE);
	arena_fini(&arena);
}

TEST_MAIN
