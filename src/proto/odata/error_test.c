/* Failures in the shapes of the reference, of SAP's gateways and of what stands before them. */
#include "proto/odata/error.h"

#include <string.h>

#include "base/err.h"
#include "base/test.h"

static struct arena arena;
static struct odata_error e;
static char line[400];

static void
parse(const char *body)
{
	odata_error_parse(body, strlen(body), NULL, &arena, &e);
	odata_error_line(&e, line, sizeof line);
}

TEST(version_2_with_inner_details)
{
	parse("{\"error\":{\"code\":\"RU/505\",\"message\":{\"lang\":\"en\",\"value\":\"Enter a value\"},\"innererror\":{\"transactionid\":\"4A0F\",\"errordetails\":["
	    "{\"code\":\"RU/505\",\"message\":\"Enter a value\",\"severity\":\"error\",\"target\":\"OrderOperation\"},"
	    "{\"code\":\"RU/013\",\"message\":\"Operation 0010\\nis missing\",\"severity\":\"error\",\"target\":\"\"},"
	    "{\"code\":\"/IWBEP/CX_MGW_BUSI_EXCEPTION\",\"message\":\"\",\"severity\":\"info\"}]}}}");
	CHECK_STR(e.code, "RU/505");
	CHECK_STR(e.text, "Enter a value");
	CHECK_STR(e.target, "OrderOperation");
	CHECK_STR(e.transaction, "4A0F");
	CHECK(e.structured);
	CHECK_INT(e.ndetails, 2);
	CHECK_STR(line, "RU/505: Enter a value (OrderOperation); also: RU/013: Operation 0010 is missing");
	arena_fini(&arena);
}

TEST(messages_as_lists_texts_and_objects)
{
	parse("{\"error\":{\"code\":\"005056A509B11EE1B9A8FEC11C21D78E\",\"message\":[{\"lang\":\"de\",\"value\":\"\"},{\"lang\":\"en\",\"value\":\"No stock\"}]}}");
	CHECK_STR(e.text, "No stock");
	parse("{\"error\":{\"code\":400,\"message\":\"plain\",\"innererror\":{\"errordetails\":{\"errordetail\":[{\"code\":\"A/1\",\"message\":{\"lang\":\"en\",\"value\":\"inner\"}}]}}}}");
	CHECK_STR(e.code, "400");
	CHECK_STR(e.text, "plain");
	CHECK_STR(e.details[0].text, "inner");
	arena_fini(&arena);
}

TEST(version_4_has_target_and_details)
{
	parse("{\"error\":{\"code\":\"IR/071\",\"message\":\"Point 4711 does not exist\",\"target\":\"MeasuringPoint\",\"@Common.numericSeverity\":4,\"details\":["
	    "{\"code\":\"IR/072\",\"message\":\"Check the point\",\"target\":\"X\",\"@Common.numericSeverity\":3}]}}");
	CHECK_STR(line, "IR/071: Point 4711 does not exist (MeasuringPoint); also: IR/072: Check the point (X)");
	CHECK_INT(e.details[0].severity, ODATA_WARNING);
	arena_fini(&arena);
}

TEST(what_stands_before_sap_answers_as_it_likes)
{
	parse("{\"fault\":{\"faultstring\":\"Rate limit quota violation\",\"detail\":{\"errorcode\":\"policies.ratelimit.QuotaViolation\"}}}");
	CHECK_STR(line, "policies.ratelimit.QuotaViolation: Rate limit quota violation");
	parse("{\"error\":\"invalid_client\",\"error_description\":\"Bad credentials\"}");
	CHECK_STR(line, "invalid_client: Bad credentials");
	parse("<html><head><title>503 Service Unavailable</title><style>p{}</style></head><body><script>x</script><h1>Down</h1><p>for &amp; until 6&nbsp;am</p></body></html>");
	CHECK_STR(line, "503 Service Unavailable: Down for & until 6 am");
	parse("<?xml version=\"1.0\"?><error xmlns=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\"><code>CO/017</code>"
	    "<message xml:lang=\"en\">Order &lt;1&gt; does not exist</message></error>");
	CHECK_STR(line, "CO/017: Order <1> does not exist");
	CHECK(e.structured);
	parse("CSRF token validation failed");
	CHECK_STR(line, "CSRF token validation failed");
	CHECK(!e.structured);
	parse("");
	CHECK_STR(line, "");
	parse("{\"error\":");
	CHECK_STR(line, "{\"error\":");
	parse("\x1b[2J\xff\xfe");
	CHECK_STR(e.text, "[2J??");
	arena_fini(&arena);
}

TEST(hostile_errors_stay_short)
{
	static char big[200000];
	memset(big, '[', sizeof big - 1);
	big[0] = '{';
	parse(big);
	CHECK(strlen(e.text) <= ODATA_ERROR_TEXT_MAX + 4);
	memset(big, '<', sizeof big - 1);
	parse(big);
	CHECK(strlen(e.text) <= ODATA_ERROR_TEXT_MAX + 4);
	parse("{\"error\":{\"code\":{},\"message\":[[[1]]],\"innererror\":[],\"details\":{}}}");
	CHECK_STR(line, "");
	CHECK(e.structured);
	arena_fini(&arena);
}

TEST(a_success_may_warn_in_a_header)
{
	static const char header[] = "{\"code\":\"RU/100\",\"message\":\"Quantity exceeds plan\",\"severity\":\"warning\",\"target\":\"\",\"details\":[{\"code\":\"RU/101\",\"message\":"
	    "\"Check\",\"severity\":\"info\"}]}";
	CHECK_INT(odata_message_parse(header, sizeof header - 1, &arena, &e), 0);
	CHECK_STR(odata_error_line(&e, line, sizeof line), "RU/100: Quantity exceeds plan");
	CHECK_INT(odata_message_parse("nonsense", 8, &arena, &e), ERR_SYNTAX);
	arena_fini(&arena);
}

TEST_MAIN
