/*
 * Offsets against what is known of Berlin: summer time from the last Sunday of March to that of October, at 01:00
 * UTC.
 */
#include "os/zone.h"

#include <stdlib.h>

#include "base/test.h"

TEST(berlin_changes_on_the_last_sundays_of_march_and_october)
{
	struct zone_offset v[100];
	size_t n = zone_offsets("Europe/Berlin", v, 100);
	struct wall spring, autumn;

	if (n == 0)
		test_skip("no tzdata here");
	CHECK_INT(v[0].offset_s, 3600);
	wall_parse("2026-03-29T01:00:00Z", &spring);
	wall_parse("2026-10-25T01:00:00Z", &autumn);
	for (size_t i = 0; i + 1 < n; i++)
		if (v[i].from.ns == spring.ns) {
			CHECK_INT(v[i].offset_s, 7200);
			CHECK_INT(v[i + 1].from.ns, autumn.ns);
			CHECK_INT(v[i + 1].offset_s, 3600);
			return;
		}
	test_fail(__FILE__, __LINE__, "no change on 2026-03-29");
}

TEST(a_zone_without_changes_has_one_offset_and_unknown_ones_none)
{
	struct zone_offset v[4];

	if (zone_offsets("Asia/Kolkata", v, 4) == 0)
		test_skip("no tzdata here");
	CHECK_INT(zone_offsets("Asia/Kolkata", v, 4), 1);
	CHECK_INT(v[0].offset_s, 19800);
	CHECK_INT(zone_offsets("Europe/Nowhere", v, 4), 0);
	CHECK_INT(zone_offsets("../../../etc/passwd", v, 4), 0);
	CHECK_INT(zone_offsets("", v, 4), 0);
}

TEST(the_zone_of_the_process_stays)
{
	struct zone_offset v[4];

	setenv("TZ", "UTC", 1);
	zone_offsets("Asia/Kolkata", v, 4);
	CHECK_STR(getenv("TZ"), "UTC");
}
TEST_MAIN
