/* Ranges against a bitmap that says the same in the simplest way. */
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "office/ranges.h"

TEST(ranges_agree_with_a_bitmap)
{
	static struct ranges s;
	static bool map[2100];
	unsigned seed = 7;
	uint64_t cursor = 1;

	for (unsigned round = 0; round < 20000; round++) {
		seed = seed * 1103515245u + 12345u;
		uint64_t first = cursor + (seed >> 8) % 300, last = first + (seed >> 20) % 12;
		if (last >= 2000)
			break;
		CHECK(ranges_add(&s, first, last));
		for (uint64_t i = first; i <= last; i++)
			map[i] = true;
		uint64_t probe = cursor + (seed >> 4) % 300, want = probe;
		while (map[want])
			want++;
		CHECK_INT(ranges_skip(&s, probe), want);
		for (size_t i = 1; i < s.n; i++)
			CHECK(s.r[i - 1].last + 1 < s.r[i].first);
		if (round % 7 == 0) {
			while (map[cursor])
				cursor++;
			CHECK_INT(ranges_advance(&s, s.n > 0 && s.r[0].first < cursor ? s.r[0].first : cursor), cursor);
			CHECK(s.n == 0 || s.r[0].first > cursor);
		}
	}
	CHECK(cursor > 100);
}

TEST(a_full_set_still_merges)
{
	static struct ranges s;

	for (uint64_t i = 0; i < RANGES_MAX; i++)
		CHECK(ranges_add(&s, 10 + i * 3, 10 + i * 3));
	CHECK(!ranges_add(&s, 5, 5));
	CHECK(ranges_add(&s, 11, 12));
	CHECK_INT(s.n, RANGES_MAX - 1);
	CHECK(ranges_add(&s, 5, 5));
	CHECK_INT(ranges_skip(&s, 10), 14);
	CHECK(ranges_add(&s, 1, UINT64_MAX));
	CHECK_INT(s.n, 1);
}

TEST_MAIN
