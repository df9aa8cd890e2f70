/* Units of OPC UA. Numbers are those of the examples in OPC 10000-8 and of UNECE_to_OPCUA.csv that the OPC Foundation publishes. */
#include "proto/unece.h"

#include <string.h>

#include "base/test.h"
#include "model/unit.h"

TEST(codes_become_the_numbers_that_the_foundation_publishes)
{
	CHECK_INT(unece_unit_id("CEL"), 4408652);
	CHECK_INT(unece_unit_id("P1"), 20529);
	CHECK_INT(unece_unit_id("MTR"), 5067858);
	CHECK_INT(unece_unit_id("23"), 12851);
}

TEST(a_ucum_unit_has_its_code_and_back)
{
	CHECK_STR(unece_of_ucum("Cel")->code, "CEL");
	CHECK_STR(unece_of_ucum("m3/h")->code, "MQH");
	CHECK_STR(unece_of_id(4408652)->ucum, "Cel");
	CHECK(unece_of_ucum("furlong") == NULL);
	CHECK(unece_of_id(-1) == NULL);
}

TEST(what_the_table_gives_the_site_file_understands)
{
	static const char *const codes[] = { "MTR", "LTR", "KGM", "C62", "RPM", "C94", "PS", "GLL", "KWH", "D46", "G42", "Q30", "FAH", "C24" };
	struct unit u;
	char why[200];

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		const struct unece *e = unece_of_id(unece_unit_id(codes[i]));
		CHECK(e != NULL);
		CHECK_INT(unit_parse(e->ucum, strlen(e->ucum), &u, why, sizeof why), 0);
	}
}

TEST_MAIN
