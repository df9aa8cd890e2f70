/* Patterns over equipment paths. */
#include "model/path.h"

#include <string.h>

#include "base/test.h"

TEST(a_star_stays_within_one_name)
{
	CHECK(path_match("Packaging/*/Filler/speed", "Packaging/Line 3/Filler/speed"));
	CHECK(!path_match("Packaging/*/speed", "Packaging/Line 3/Filler/speed"));
	CHECK(path_match("Packaging/L*3/Fill?r/*", "Packaging/Line 3/Filler/speed"));
	CHECK(!path_match("*", "a/b"));
}

TEST(two_stars_span_any_number_of_names)
{
	CHECK(path_match("**", "a"));
	CHECK(path_match("**", "a/b/c"));
	CHECK(path_match("Packaging/**/speed", "Packaging/Line 3/Filler/speed"));
	CHECK(path_match("Packaging/**/speed", "Packaging/speed"));
	CHECK(!path_match("Packaging/**/speed", "Packaging/Line 3/Filler/speeds"));
	CHECK(path_match("**/b/**/d", "a/b/b/c/d"));
	CHECK(!path_match("**/b/**/d", "a/c/d"));
	CHECK(path_match("a/**", "a"));
	CHECK(path_match("**/x/y", "x/x/y"));
}

TEST(a_hostile_pattern_ends_soon)
{
	char pat[400], path[500];
	memset(pat, '*', sizeof pat);
	pat[sizeof pat - 2] = 'b';
	pat[sizeof pat - 1] = '\0';
	memset(path, 'a', sizeof path);
	path[sizeof path - 1] = '\0';
	CHECK(!path_match(pat, path));
}

TEST(malformed_paths_are_named)
{
	CHECK(path_fault("a/b", 3) == NULL);
	CHECK_STR(path_fault("a//b", 4), "has an empty name");
	CHECK_STR(path_fault("", 0), "has an empty name");
	CHECK_STR(path_fault("a/", 2), "has an empty name");
	CHECK_STR(path_fault("a/*", 3), "holds a wildcard");
	CHECK_STR(path_fault("a\n", 2), "holds a control character");
	CHECK_STR(path_fault("\xc0\xaf", 2), "not valid UTF-8");
}

TEST_MAIN
