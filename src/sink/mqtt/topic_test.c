/* Topics: what a template makes of names from a plant, by the rules of MQTT 5.0, 4.7. */
#include "sink/mqtt/topic.h"

#include <string.h>

#include "base/err.h"
#include "base/test.h"

static const struct topic_parts parts = {
	.enterprise = "Acme", .site = "Dresden", .country = "DE", .flow = "speeds", .source = "plc-1", .path = "Packaging/Line 3/Filler/speed",
};

static const char *
make(const char *template, const struct topic_parts *p)
{
	static struct buf b;
	buf_reset(&b);
	CHECK_INT(topic_make(template, p, &b), 0);
	return buf_text(&b);
}

TEST(placeholders_become_what_they_stand_for)
{
	CHECK_STR(make("{enterprise}/{site}/{flow}", &parts), "Acme/Dresden/speeds");
	CHECK_STR(make("{enterprise}/{site}/{path}", &parts), "Acme/Dresden/Packaging/Line 3/Filler/speed");
	CHECK_STR(make("{country}/{area}/{equipment}/_/{tag}/{source}", &parts),
	    "DE/Packaging/Packaging/Line 3/Filler/_/speed/plc-1");
	CHECK_STR(make("plain", &parts), "plain");
}

TEST(names_from_the_plant_cannot_change_levels_or_become_wildcards)
{
	struct topic_parts p = { .enterprise = "A+B/C", .site = "#", .flow = "$SYS", .path = "x/+/z\x01" };
	CHECK_STR(make("{enterprise}/{site}/{path}", &p), "A_B_C/_/x/_/z_");
	CHECK_STR(make("{flow}/a", &p), "_SYS/a");
	p.enterprise = "a\xff\xc0z";
	CHECK_STR(make("{enterprise}", &p), "a__z");
}

TEST(empty_levels_are_filled)
{
	struct topic_parts p = { .path = "speed" };
	CHECK_STR(make("{enterprise}/{site}/{tag}", &p), "_/_/speed");
	CHECK_STR(make("{equipment}/{tag}/", &p), "_/speed/_");
	CHECK_STR(make("{source}", &p), "_");
}

TEST(bad_templates_are_refused_with_a_remedy)
{
	char why[300];
	static const struct { const char *template, *says; } bad[] = {
		{ "a/+/b", "wildcards" }, { "#", "wildcards" }, { "{pth}", "{path}" }, { "{path", "not closed" }, { "a}", "'}'" },
		{ "", "1 to" }, { "$SYS/x", "belongs to the broker" }, { "a\xff", "UTF-8" }, { "{}", "placeholder" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		why[0] = '\0';
		CHECK_INT(topic_check(bad[i].template, why, sizeof why), ERR_SYNTAX);
		if (strstr(why, bad[i].says) == NULL)
			test_fail(__FILE__, __LINE__, "\"%s\" gives \"%s\"", bad[i].template, why);
	}
	CHECK_INT(topic_check("{enterprise}/{site}/{country}/{flow}/{source}/{path}/{equipment}/{area}/{tag}", why, sizeof why), 0);
}

TEST_MAIN
