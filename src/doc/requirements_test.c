/* The table against the totals of the standard (51 requirements, 49 enhancements; 37, 60, 90 and 100 by level). */
#include <string.h>

#include "base/test.h"
#include "doc/requirements.h"

TEST(the_table_adds_up_to_what_the_standard_has)
{
	static const unsigned srs[FRS] = { 13, 12, 9, 3, 4, 2, 8 }, res[FRS] = { 11, 12, 10, 3, 7, 1, 5 }, by_level[] = { 37, 60, 90, 100 },
	    at_1[FRS] = { 10, 8, 5, 2, 4, 1, 7 };
	unsigned sr[FRS] = { 0 }, re[FRS] = { 0 }, level[4] = { 0 }, first[FRS] = { 0 };

	for (size_t i = 0; i < nrequirements; i++) {
		const struct requirement *r = &requirements[i];
		*(strstr(r->sr, " RE ") != NULL ? &re[r->fr] : &sr[r->fr]) += 1;
		for (unsigned l = r->sl; l <= 4; l++)
			level[l - 1]++;
		first[r->fr] += r->sl == 1;
		CHECK(r->sr[0] - '1' == (int)r->fr);
		CHECK(r->share == SHARE_SITE || r->share == SHARE_NONE_YET || *r->text != '\0');
	}
	for (size_t f = 0; f < FRS; f++) {
		CHECK_INT(sr[f], srs[f]);
		CHECK_INT(re[f], res[f]);
		CHECK_INT(first[f], at_1[f]);
	}
	for (size_t l = 0; l < 4; l++)
		CHECK_INT(level[l], by_level[l]);
}

/* Typical errors of tables in circulation, which the reference names. */
TEST(the_levels_that_others_get_wrong_are_right)
{
	static const struct { const char *sr; unsigned sl; } rows[] = {
		{ "1.2", 2 }, { "1.8", 2 }, { "1.9", 2 }, { "4.1", 1 }, { "4.3", 1 }, { "5.3", 1 }, { "2.1 RE 2", 2 }, { "5.1 RE 1", 2 }, { "3.4", 2 },
		{ "1.1 RE 3", 4 }, { "1.7 RE 2", 4 }, { "2.1 RE 4", 4 }, { "2.11 RE 2", 4 }, { "2.12 RE 1", 4 }, { "3.3 RE 2", 4 }, { "3.8 RE 3", 4 },
		{ "3.9 RE 1", 4 }, { "4.1 RE 2", 4 }, { "5.1 RE 3", 4 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t k = 0;
		while (k < nrequirements && strcmp(requirements[k].sr, rows[i].sr) != 0)
			k++;
		CHECK(k < nrequirements);
		CHECK_INT(requirements[k].sl, rows[i].sl);
	}
}

TEST_MAIN
