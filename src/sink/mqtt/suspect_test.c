/* The message that makes a broker hang up is found, others are not blamed. */
#include "base/test.h"
#include "sink/mqtt/suspect.h"

static int stream;

TEST(the_culprit_is_sentenced_when_it_has_been_alone_three_times)
{
	struct suspect s = { 0 };

	suspect_lost(&s, &stream, 10);
	suspect_lost(&s, &stream, 11);
	suspect_fell(&s, true);
	CHECK(s.alone);
	for (int i = 0; i < 3; i++) {
		CHECK(!suspect_take(&s, &stream, 10, 10));
		suspect_lost(&s, &stream, 10);
		suspect_fell(&s, true);
	}
	CHECK(!suspect_take(&s, &stream, 11, 20));
	CHECK(suspect_take(&s, &stream, 1, 10));
	CHECK(!suspect_take(&s, &stream, 1, 10));
	CHECK(s.alone);
	suspect_answered(&s);
	CHECK(!s.alone);
}

TEST(an_answer_clears_all_and_other_falls_do_not_count)
{
	struct suspect s = { 0 };

	for (int i = 0; i < 10; i++) {
		suspect_lost(&s, &stream, 10);
		suspect_fell(&s, i % 2 == 0);
		if (i % 4 == 3)
			suspect_answered(&s);
		CHECK(!suspect_take(&s, &stream, 10, 10));
	}
	for (int i = 0; i < 10; i++) {		/* connections that fall before anything is sent */
		suspect_fell(&s, true);
		CHECK(!suspect_take(&s, &stream, 10, 10));
	}
}

TEST(a_second_sentence_in_a_row_takes_twice_the_strikes)
{
	struct suspect s = { 0 };
	int strikes[3] = { 0 };

	for (int m = 0; m < 3; m++)
		while (!suspect_take(&s, &stream, (uint64_t)m + 1, (uint64_t)m + 1)) {
			suspect_lost(&s, &stream, (uint64_t)m + 1);
			suspect_fell(&s, true);
			strikes[m]++;
		}
	CHECK_INT(strikes[0], 3);
	CHECK_INT(strikes[1], 6);
	CHECK_INT(strikes[2], 12);
}

TEST_MAIN
