/* Secrets as text. The expected text was computed from the layout in secret.h by a script (Python, hashlib). */
#include "base/err.h"
#include "base/test.h"
#include "enrol/secret.h"

#include <string.h>

#define TEXT	"000G-40R4-0M30-E209-185G-R38E-1W81-24GK-E19J"	/* of the bytes 0, 1, ... 19 */

static int
parse(const char *text, struct enrol_secret *s)
{
	return enrol_secret_parse(text, strlen(text), s);
}

TEST(a_secret_is_this_text)
{
	struct enrol_secret s;
	char text[ENROL_TEXT];

	for (size_t i = 0; i < ENROL_SECRET; i++)
		s.b[i] = (uint8_t)i;
	enrol_secret_text(&s, text);
	CHECK_STR(text, TEXT);
	memset(s.b, 0xff, sizeof s.b);
	enrol_secret_text(&s, text);
	CHECK_STR(text, "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-3F16");
}

TEST(a_secret_may_be_typed_as_people_type)
{
	struct enrol_secret s, t;

	CHECK_INT(parse(TEXT, &s), 0);
	for (size_t i = 0; i < ENROL_SECRET; i++)
		CHECK_INT(s.b[i], i);
	CHECK_INT(parse(" ooog4or4 om3o e2o9 l85g r38e iw8L 24gk el9j\r\n", &t), 0);
	CHECK_BYTES(t.b, s.b, ENROL_SECRET);
}

TEST(what_is_mistyped_is_no_secret)
{
	char text[] = TEXT;
	struct enrol_secret s;
	static const struct enrol_secret none;

	/* Each sign in turn replaced by its neighbour: all are found. */
	for (size_t i = 0; i < sizeof text - 1; i++) {
		char was = text[i];
		if (was == '-')
			continue;
		text[i] = was == 'Z' ? 'Y' : was == '9' ? '8' : was == 'H' ? 'J' : was == 'K' ? 'M' : was == 'N' ? 'P' : was == 'T' ? 'V' : (char)(was + 1);
		CHECK_INT(parse(text, &s), ERR_CORRUPT);
		CHECK_BYTES(s.b, none.b, ENROL_SECRET);
		text[i] = was;
	}
	CHECK_INT(parse("000G-40R4", &s), ERR_SHORT);
	CHECK_INT(parse("", &s), ERR_SHORT);
	CHECK_INT(parse(TEXT "-0", &s), ERR_LONG);
	CHECK_INT(parse("UUUU-40R4-0M30-E209-185G-R38E-1W81-24GK-E19J", &s), ERR_SYNTAX);
	CHECK_INT(enrol_secret_parse("\0", 1, &s), ERR_SYNTAX);
}

TEST(two_secrets_are_two)
{
	struct enrol_secret a, b;

	CHECK_INT(enrol_secret_make(&a), 0);
	CHECK_INT(enrol_secret_make(&b), 0);
	CHECK(memcmp(&a, &b, sizeof a) != 0);
}

TEST_MAIN
