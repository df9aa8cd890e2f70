/* The message that makes a broker hang up is found, others are not blamed. */
#include "base/test.h"
#include "sink/suspect.h"

static int a, b;

static void
fall(struct suspects *s, const void *stream, uint64_t number, bool blame)
{
	suspects_lost(s, stream, number);
	suspects_fell(s, blame);
}

TEST(the_culprit_is_sentenced_when_it_has_been_alone_three_times)
{
	struct suspects s = { 0 };

	suspects_lost(&s, &a, 10);
	suspects_lost(&s, &a, 11);
	suspects_fell(&s, true);
	CHECK(suspects_alone(&s));
	for (int i = 0; i < 3; i++) {
		CHECK_INT(suspects_take(&s, &a, 10, 10), 0);
		fall(&s, &a, 10, true);
	}
	CHECK_INT(suspects_take(&s, &a, 11, 20), 0);
	CHECK_INT(suspects_take(&s, &b, 1, 10), 0);
	CHECK_INT(suspects_take(&s, &a, 1, 10), 3);
	CHECK_INT(suspects_take(&s, &a, 1, 10), 0);
	CHECK(suspects_alone(&s));
	suspects_answered(&s, &a, 11);
	suspects_answered(&s, &a, 12);
	CHECK(!suspects_alone(&s));
}

TEST(the_answer_to_another_stream_does_not_acquit_it)
{
	struct suspects s = { 0 };

	for (int i = 0; i < 3; i++) {
		fall(&s, &a, 10, true);
		suspects_answered(&s, &b, 100 + (uint64_t)i);
		CHECK(suspects_alone(&s));
	}
	CHECK_INT(suspects_take(&s, &a, 10, 10), 3);
}

TEST(its_own_answer_acquits_it_and_other_falls_do_not_count)
{
	struct suspects s = { 0 };

	for (int i = 0; i < 12; i++) {
		fall(&s, &a, 10, i % 2 == 0);
		if (i % 4 == 3) {
			suspects_answered(&s, &a, 10);
			CHECK(!suspects_alone(&s));
		}
		CHECK_INT(suspects_take(&s, &a, 10, 10), 0);
	}
	for (int i = 0; i < 10; i++)		/* connections that fall before anything is sent */
		suspects_fell(&s, true);
	CHECK(!suspects_alone(&s));
}

TEST(a_second_sentence_in_a_row_takes_twice_the_strikes)
{
	struct suspects s = { 0 };
	int strikes[3] = { 0 };

	for (int m = 0; m < 3; m++)
		while (suspects_take(&s, &a, (uint64_t)m + 1, (uint64_t)m + 1) == 0) {
			fall(&s, &a, (uint64_t)m + 1, true);
			strikes[m]++;
		}
	CHECK_INT(strikes[0], 3);
	CHECK_INT(strikes[1], 6);
	CHECK_INT(strikes[2], 12);
}

TEST(many_streams_have_a_suspect_each)
{
	struct suspects s = { 0 };
	int streams[SUSPECTS_MAX + 2];

	for (int round = 0; round < 3; round++)
		for (unsigned i = 0; i < SUSPECTS_MAX + 2; i++)
			fall(&s, &streams[i], 7, true);
	for (unsigned i = 0; i < SUSPECTS_MAX; i++)
		CHECK_INT(suspects_take(&s, &streams[i], 7, 7), 3);
	CHECK_INT(suspects_take(&s, &streams[SUSPECTS_MAX], 7, 7), 0);
	fall(&s, &streams[SUSPECTS_MAX], 7, true);
	suspects_forget(&s, &streams[SUSPECTS_MAX]);
	CHECK_INT(s.n, 0);
}

TEST_MAIN
