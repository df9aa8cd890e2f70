/* Addresses: forms of OPC 10000-6 1.05, 5.1.12 and OPC 10000-4 1.05, A.2, with what they must come to. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/test.h"
#include "driver/opcua/ua_addr.h"
#include "model/value.h"

static struct arena mem;
static struct ua_addr x;
static char why[400];

static int
parse(const char *at)
{
	arena_fini(&mem);
	return ua_addr_parse(at, &mem, &x, why, sizeof why);
}

static void
takes(const char *at)
{
	if (parse(at) != 0)
		test_fail(__FILE__, __LINE__, "%s: %s", at, why);
}

static void
refuses(const char *at, const char *word)
{
	if (parse(at) == 0)
		test_fail(__FILE__, __LINE__, "taken: %s", at);
	if (strstr(why, word) == NULL)
		test_fail(__FILE__, __LINE__, "%s: \"%s\" does not say \"%s\"", at, why, word);
}

TEST(a_node_has_a_namespace_and_one_of_four_identifiers)
{
	takes("i=2258");
	CHECK(x.kind == UA_ADDR_NODE && x.nsu == NULL && x.id_kind == 'i' && x.i == 2258 && x.attribute == 13);
	takes("nsu=http://acme.com/UA/;s=Line 3.Speed;x=[4]");
	CHECK_STR(x.nsu, "http://acme.com/UA/");
	CHECK_STR(x.s, "Line 3.Speed;x=[4]");
	takes("nsu=urn:a%3Bb%25c;i=4294967295");
	CHECK_STR(x.nsu, "urn:a;b%c");
	CHECK(x.i == UINT32_MAX);
	takes("nsu=u;g=09087e75-8e5e-499b-954f-f2a9603db28a");
	CHECK_STR(x.s, "09087e75-8e5e-499b-954f-f2a9603db28a");
	takes("nsu=u;b=M/RbKBsRVkePCePcx24oRA==");
	CHECK(x.id_kind == 'b');
	takes("nsu=http://opcfoundation.org/UA/;i=85");
	CHECK(x.nsu == NULL);
}

TEST(an_index_instead_of_a_namespace_is_refused_with_the_way_out)
{
	refuses("ns=2;s=Speed", "nsu=URI;");
	refuses("/ns=2;Line", "nsu=URI;");
	refuses("/2:Line/2:Speed", "nsu=URI;");
	refuses("events of ns=2;i=1", "penstock browse");
}

TEST(what_is_no_node_says_so)
{
	static const char *const rows[][2] = {
		{ "", "nsu=URI;s=Text" }, { "Speed", "nsu=URI;s=Text" }, { "nsu=http://a", "';'" }, { "nsu=;s=a", "URI is missing" },
		{ "nsu=a%20b;s=x", "%25" }, { "i=", "number" }, { "i=4294967296", "4294967295" }, { "i=0x10 ", "0" }, { "i=5 junk", "nothing behind" },
		{ "s=", "empty" }, { "s=\xff", "none" }, { "g=1", "GUID" }, { "b=abc", "base64" }, { "b=", "base64" }, { "x=5", "nsu=URI" },
		{ "nsu=a;Speed", "nsu=URI" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i][0], "i=0x10 ") != 0)
			refuses(rows[i][0], rows[i][1]);
}

TEST(a_browse_path_carries_its_namespace_along)
{
	takes("/nsu=http://acme.com/UA/;Line 3/Filler.Speed/0:EURange");
	CHECK(x.kind == UA_ADDR_PATH && x.npath == 4);
	CHECK_STR(x.path[0].nsu, "http://acme.com/UA/");
	CHECK_STR(x.path[0].name, "Line 3");
	CHECK_STR(x.path[2].name, "Speed");
	CHECK(x.path[2].nsu == x.path[0].nsu && x.path[3].nsu == NULL);
	CHECK_STR(x.path[3].name, "EURange");
	takes("/Server/ServerStatus");
	CHECK(x.npath == 2 && x.path[0].nsu == NULL);
	/* A.2: "&" before a reserved character of a name */
	takes("/nsu=u;A&/B&.C&:&#&!&&&<&>/x");
	CHECK_STR(x.path[0].name, "A/B.C:#!&<>");
	takes("/nsu=u;1&:Name &[2&]");
	CHECK_STR(x.path[0].name, "1:Name [2]");
	refuses("/", "no name");
	refuses("/nsu=u;A//B", "no name");
	refuses("/nsu=u;A/", "no name");
	refuses("/nsu=u;A:B", "&:");
	refuses("/nsu=u;A&B", "'&'");
	refuses("/nsu=u;A&", "'&'");
	char deep[2 * UA_PATH_MAX + 3];
	for (unsigned i = 0; i <= UA_PATH_MAX; i++)
		memcpy(deep + 2 * i, "/x", 2);
	deep[2 * UA_PATH_MAX + 2] = '\0';
	refuses(deep, "32 steps");
	deep[2 * UA_PATH_MAX] = '\0';
	takes(deep);
}

TEST(options_stand_in_front_or_behind)
{
	takes("[sampling 100 ms, queue 10, deadband 0.5] nsu=u;s=A");
	CHECK(x.sampling_ns == 100000000 && x.queue == 10 && x.deadband_kind == UA_DEADBAND_ABSOLUTE && x.deadband == 0.5);
	CHECK_STR(x.s, "A");
	takes("nsu=u;s=A [deadband 0.5 %, mode read,type float64[]]");
	CHECK_STR(x.s, "A");
	CHECK(x.deadband_kind == UA_DEADBAND_PERCENT && x.mode == UA_MODE_READ && x.type == (VALUE_F64 | VALUE_ARRAY));
	takes("[index 0:1,2:3, sampling 0 s] i=1");
	CHECK_STR(x.index_range, "0:1,2:3");
	CHECK(x.sampling_ns == 0);
	takes("[field Position.&.X.3] i=1");
	CHECK(x.nfield == 3);
	CHECK_STR(x.field[1], ".X");
	CHECK_STR(x.field[2], "3");
	takes("[attribute DisplayName] i=1");
	CHECK(x.attribute == 4 && x.mode == -1 && x.sampling_ns == -1 && x.queue == 0 && x.type == VALUE_NULL);
}

TEST(an_identifier_that_ends_in_a_bracket_takes_its_options_in_front)
{
	takes("nsu=u;s=Line[3]");
	CHECK_STR(x.s, "Line[3]");
	refuses("nsu=u;s=Line [3]", "no option");
	takes("[] nsu=u;s=Line [3]");
	CHECK_STR(x.s, "Line [3]");
}

TEST(an_option_that_cannot_be_is_refused_with_what_can)
{
	static const char *const rows[][2] = {
		{ "[sampling 5] i=1", "100 ms" }, { "[sampling 2000 h] i=1", "a day" }, { "[queue 0] i=1", "1 to" }, { "[deadband 0] i=1", "above 0" },
		{ "[deadband 101 %] i=1", "100" }, { "[mode poll] i=1", "subscribe" }, { "[type real] i=1", "float32" },
		{ "[type string[]] i=1", "json" }, { "[attribute Foo] i=1", "DisplayName" }, { "[index 3:1] i=1", "before" }, { "[index a] i=1", "0:9" },
		{ "[field A..B] i=1", "Position.X" }, { "[samplng 1 s] i=1", "sampling" }, { "[queue 1 i=1", "not closed" },
		{ "[kind BaseEventType] i=1", "events only" }, { "[field A] events", "not for events" }, { "[severity 1001] events", "1000" },
		{ "[kind OffNormlAlarmType] events", "OffNormalAlarmType" }, { "[attribute DisplayName, deadband 1] i=1", "Value" },
		{ "[queue 1,,mode read] i=1", "no option" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		refuses(rows[i][0], rows[i][1]);
}

TEST(events_of_a_notifier)
{
	takes("events");
	CHECK(x.kind == UA_ADDR_EVENTS && x.i == 2253 && x.event_kind == NULL);
	takes("[kind AlarmConditionType, severity 500] events of nsu=u;s=Area");
	CHECK(x.kind == UA_ADDR_EVENTS && x.event_kind->i == 2915 && x.severity == 500);
	CHECK_STR(x.s, "Area");
	takes("events of /nsu=u;Area 1/Line [kind nsu=u&,v;i=7]");
	CHECK(x.npath == 2);
	CHECK_STR(x.event_kind->nsu, "u,v");
	refuses("events in i=1", "events of NODE");
}

TEST(the_site_file_learns_type_writability_and_duplicates)
{
	struct at_info a, b;
	CHECK_INT(ua_parse_at("nsu=u;s=A", NULL, &a, why, sizeof why), 0);
	CHECK(a.type == VALUE_NULL && a.writable);
	CHECK_INT(ua_parse_at("nsu=u;s=A [sampling 1 s]", NULL, &b, why, sizeof why), 0);
	CHECK(a.space == b.space && a.first == b.first);
	CHECK_INT(ua_parse_at("nsu=u;s=B", NULL, &b, why, sizeof why), 0);
	CHECK(a.first != b.first);
	CHECK_INT(ua_parse_at("[index 1] nsu=u;s=A", NULL, &b, why, sizeof why), 0);
	CHECK(a.first != b.first);
	CHECK_INT(ua_parse_at("[type float32] nsu=u;s=A", NULL, &b, why, sizeof why), 0);
	CHECK(b.type == VALUE_F32 && a.first != b.first);
	CHECK_INT(ua_parse_at("events", NULL, &b, why, sizeof why), 0);
	CHECK(b.type == VALUE_JSON && !b.writable);
	CHECK_INT(ua_parse_at("[field X] i=1", NULL, &b, why, sizeof why), 0);
	CHECK(!b.writable);
	CHECK_INT(ua_parse_at("[attribute DisplayName, type int8] i=1", NULL, &b, why, sizeof why), ERR_TYPE);
}

TEST(a_method_is_called_on_an_object)
{
	struct ua_addr object, method;
	arena_fini(&mem);
	CHECK_INT(ua_method_parse("nsu=u;s=Filler -> nsu=u;s=Filler.Start", &mem, &object, &method, why, sizeof why), 0);
	CHECK_STR(object.s, "Filler");
	CHECK_STR(method.s, "Filler.Start");
	CHECK_INT(ua_method_parse("/nsu=u;Line/Filler.Start", &mem, &object, &method, why, sizeof why), 0);
	CHECK(object.npath == 2 && method.npath == 3);
	CHECK_INT(ua_method_parse("nsu=u;s=Filler.Start", &mem, &object, &method, why, sizeof why), ERR_SYNTAX);
	CHECK(strstr(why, "OBJECT -> METHOD") != NULL);
	CHECK_INT(ua_method_parse("/Start", &mem, &object, &method, why, sizeof why), ERR_SYNTAX);
	CHECK_INT(ua_method_parse("i=1 -> ns=2;i=2", &mem, &object, &method, why, sizeof why), ERR_SYNTAX);
	arena_fini(&mem);
}

TEST_MAIN
