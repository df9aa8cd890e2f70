/* CSV as RFC 4180 has it and as spreadsheets save it. */
#include "site/csv.h"

#include <string.h>

#include "base/err.h"
#include "base/test.h"

static struct csv	csv;

static int
start(const char *text)
{
	csv_fini(&csv);
	csv = (struct csv){ 0 };
	return csv_init(&csv, text, strlen(text));
}

static void
row(size_t n, const char *const *want)
{
	CHECK_INT(csv_row(&csv), 0);
	CHECK_INT(csv.n, n);
	for (size_t i = 0; i < n; i++) {
		char got[100];
		CHECK(csv.field[i].len < sizeof got);
		memcpy(got, csv.field[i].s, csv.field[i].len);
		got[csv.field[i].len] = '\0';
		CHECK_STR(got, want[i]);
	}
}
#define ROW(...) row(sizeof (const char *[]){ __VA_ARGS__ } / sizeof (char *), (const char *[]){ __VA_ARGS__ })

/* RFC 4180, 2: rules 1 to 7, with its own examples. */
TEST(the_examples_of_the_rfc_are_read)
{
	CHECK_INT(start("aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n"), 0);
	ROW("aaa", "bbb", "ccc");
	ROW("zzz", "yyy", "xxx");
	CHECK_INT(csv_row(&csv), ERR_END);
	CHECK_INT(start("\"aaa\",\"b\r\nbb\",\"ccc\"\r\nzzz,yyy,xxx"), 0);
	ROW("aaa", "b\r\nbb", "ccc");
	ROW("zzz", "yyy", "xxx");
	CHECK_INT(start("\"aaa\",\"b\"\"bb\",\"ccc\""), 0);
	ROW("aaa", "b\"bb", "ccc");
}

TEST(what_spreadsheets_save_is_read)
{
	CHECK_INT(start("\xef\xbb\xbfname;at;factor\r\na;holding 1;0,5\r\n"), 0);
	CHECK_INT(csv.separator, ';');
	ROW("name", "at", "factor");
	ROW("a", "holding 1", "0,5");
	CHECK_INT(start("name\tat\na, b\tc\n"), 0);
	ROW("name", "at");
	ROW("a, b", "c");
	CHECK_INT(start("sep=;\r\nname,x;at\r\n"), 0);
	ROW("name,x", "at");
	CHECK_INT(csv.row, 2);
	CHECK_INT(start("\"a;b;c;d\",e\n"), 0);
	CHECK_INT(csv.separator, ',');
}

TEST(blanks_are_cut_off_outside_of_quotes_only)
{
	CHECK_INT(start("  a b ,\" c \" , \n"), 0);
	ROW("a b", " c ", "");
}

TEST(places_are_those_of_the_text_and_rows_those_of_the_spreadsheet)
{
	CHECK_INT(start("a,b\n\"x\ny\",  z\nlast,\"q\"\n"), 0);
	ROW("a", "b");
	ROW("x\ny", "z");
	CHECK(csv.field[0].line == 2 && csv.field[0].column == 1);
	CHECK(csv.field[1].line == 3 && csv.field[1].column == 6);
	ROW("last", "q");
	CHECK(csv.row == 3 && csv.field[1].line == 4 && csv.field[1].column == 6);
}

TEST(several_fields_with_doubled_quotes_stand_in_one_row)
{
	CHECK_INT(start("\"a\"\"\",\"\"\"b\",\"c\",\"\"\"\"\n"), 0);
	ROW("a\"", "\"b", "c", "\"");
}

TEST(broken_quotes_are_refused_where_they_stand)
{
	CHECK_INT(start("a,b\nc,\"d\ne,f\n"), 0);
	ROW("a", "b");
	CHECK_INT(csv_row(&csv), ERR_SYNTAX);
	CHECK(csv.bad_line == 2 && csv.bad_column == 3);
	CHECK_INT(start("\"a\"b,c\n"), 0);
	CHECK_INT(csv_row(&csv), ERR_SYNTAX);
	CHECK(csv.bad_line == 1 && csv.bad_column == 4);
}

TEST(other_character_sets_are_refused)
{
	CHECK_INT(csv_init(&csv, "\xff\xfe" "a\0,\0", 6), ERR_SYNTAX);
	CHECK(strstr(csv.why, "UTF-16") != NULL && strstr(csv.remedy, "CSV UTF-8") != NULL);
	CHECK_INT(csv_init(&csv, "a,b\nc\0", 6), ERR_SYNTAX);
	CHECK(csv.bad_line == 2 && csv.bad_column == 2);
	CHECK_INT(csv_init(&csv, "unit\n1 \xb0" "C\n", 10), ERR_SYNTAX);
	CHECK(csv.bad_line == 2 && csv.bad_column == 3);
}

TEST(a_row_without_end_is_refused)
{
	char text[1200];
	memset(text, ',', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	CHECK_INT(start(text), 0);
	CHECK_INT(csv_row(&csv), ERR_LIMIT);
}

TEST(cells_are_named_as_spreadsheets_do)
{
	char name[16];
	CHECK_STR(csv_cell_name(0, 1, name), "A1");
	CHECK_STR(csv_cell_name(25, 9, name), "Z9");
	CHECK_STR(csv_cell_name(26, 10, name), "AA10");
	CHECK_STR(csv_cell_name(255, 65536, name), "IV65536");
}

TEST_MAIN
