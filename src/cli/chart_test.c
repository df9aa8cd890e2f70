/* What a chart says beside its dots. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "cli/chart.h"

static char	printed[64 << 10];

/* Values 0 and 660, as a machine that stands and runs, drawn in so many columns. */
static const char *
draw(const char *columns)
{
	struct chart c = { .from = 0, .to = 100, .title = "speed", .unit = "/min" };
	FILE *f = tmpfile();

	CHECK(f != NULL);
	setenv("COLUMNS", columns, 1);
	chart_size(&c);
	for (int64_t t = 0; t < 100; t++)
		chart_add(&c, t, t / 10 % 2 ? 660 : 0, t / 10 % 2 ? 660 : 0, t / 10 % 2 ? 660 : 0);
	chart_print(&c, f);
	chart_fini(&c);
	rewind(f);
	printed[fread(printed, 1, sizeof printed - 1, f)] = '\0';
	fclose(f);
	return printed;
}

TEST(the_lowest_label_is_the_lowest_value_and_no_rounding_error)
{
	const char *s = draw("100");
	CHECK(strstr(s, "\n           0 |") != NULL);
	CHECK(strstr(s, "e-") == NULL);
}

TEST(a_narrow_terminal_gets_a_chart_all_the_same)
{
	CHECK(strstr(draw("10"), "1970-01-01T00:00:00Z 1970-01-01T00:00:00Z\n") != NULL);
}

TEST_MAIN
