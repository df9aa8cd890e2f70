/* Addresses as people write them, and what they are told when they get one wrong. */
#include "base/test.h"
#include "driver/modbus/modbus_addr.h"

#include <string.h>

static const struct mb_addr_rules base0 = { .regs_max = 125, .bits_max = 2000 };
static const struct mb_addr_rules base1 = { .base = 1, .order = MB_CDAB, .regs_max = 125, .bits_max = 2000 };

static const struct good {
	const char *at;
	enum mb_table table;
	int reg0, span, count;
	enum mb_kind kind;
	int type;
} good[] = {
	{ "holding 100 float32", MB_HOLDING, 100, 2, 0, MB_K_F32, VALUE_F32 },
	{ "40101 float32", MB_HOLDING, 100, 2, 0, MB_K_F32, VALUE_F32 },
	{ "400101 int16", MB_HOLDING, 100, 1, 0, MB_K_I16, VALUE_I16 },
	{ "465536", MB_HOLDING, 65535, 1, 0, MB_K_U16, VALUE_U16 },
	{ "30001", MB_INPUT, 0, 1, 0, MB_K_U16, VALUE_U16 },
	{ "10008", MB_DISCRETE, 7, 1, 0, MB_K_BIT, VALUE_BOOL },
	{ "00005", MB_COIL, 4, 1, 0, MB_K_BIT, VALUE_BOOL },
	{ "000005", MB_COIL, 4, 1, 0, MB_K_BIT, VALUE_BOOL },
	{ "%MW100", MB_HOLDING, 100, 1, 0, MB_K_U16, VALUE_U16 },
	{ "%IW99 int32", MB_INPUT, 99, 2, 0, MB_K_I32, VALUE_I32 },
	{ "%M5", MB_COIL, 5, 1, 0, MB_K_BIT, VALUE_BOOL },
	{ "%mw100.3", MB_HOLDING, 100, 1, 0, MB_K_REG_BIT, VALUE_BOOL },
	{ "0x64", MB_HOLDING, 100, 1, 0, MB_K_U16, VALUE_U16 },
	{ "input 0x64 float64", MB_INPUT, 100, 4, 0, MB_K_F64, VALUE_F64 },
	{ "coil 5", MB_COIL, 5, 1, 0, MB_K_BIT, VALUE_BOOL },
	{ "coil 5 bool", MB_COIL, 5, 1, 0, MB_K_BIT, VALUE_BOOL },
	{ "coil 5 bool[16]", MB_COIL, 5, 16, 16, MB_K_BIT, VALUE_BOOL | VALUE_ARRAY },
	{ "discrete 7", MB_DISCRETE, 7, 1, 0, MB_K_BIT, VALUE_BOOL },
	{ "input 3 uint16", MB_INPUT, 3, 1, 0, MB_K_U16, VALUE_U16 },
	{ "holding 100.3", MB_HOLDING, 100, 1, 0, MB_K_REG_BIT, VALUE_BOOL },
	{ "40100:15 bool", MB_HOLDING, 99, 1, 0, MB_K_REG_BIT, VALUE_BOOL },
	{ "HOLDING 100 FLOAT32", MB_HOLDING, 100, 2, 0, MB_K_F32, VALUE_F32 },
	{ "holding 100 float32[10]", MB_HOLDING, 100, 20, 10, MB_K_F32, VALUE_F32 | VALUE_ARRAY },
	{ "holding 100 float32 [10] cdab", MB_HOLDING, 100, 20, 10, MB_K_F32, VALUE_F32 | VALUE_ARRAY },
	{ "holding 1 uint8 high-byte", MB_HOLDING, 1, 1, 0, MB_K_U8, VALUE_U8 },
	{ "holding 1 uint8[5]", MB_HOLDING, 1, 3, 5, MB_K_U8, VALUE_U8 | VALUE_ARRAY },
	{ "holding 1.8 bool[10]", MB_HOLDING, 1, 2, 10, MB_K_REG_BIT, VALUE_BOOL | VALUE_ARRAY },
	{ "holding 10 string 15", MB_HOLDING, 10, 8, 15, MB_K_TEXT, VALUE_TEXT },
	{ "holding 10 string 16 chars", MB_HOLDING, 10, 8, 16, MB_K_TEXT, VALUE_TEXT },
	{ "holding 10 string 8 registers low-first", MB_HOLDING, 10, 8, 16, MB_K_TEXT, VALUE_TEXT },
	{ "holding 7 bcd32", MB_HOLDING, 7, 2, 0, MB_K_BCD32, VALUE_U32 },
	{ "holding 7 int16 sunspec", MB_HOLDING, 7, 1, 0, MB_K_I16, VALUE_I16 },
	{ "holding 65534 float32", MB_HOLDING, 65534, 2, 0, MB_K_F32, VALUE_F32 },
};

TEST(every_form_of_the_manual_is_understood)
{
	char why[300];
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		const struct good *g = &good[i];
		struct mb_addr a;
		if (mb_addr_parse(g->at, &base0, &a, why, sizeof why) != 0)
			test_fail(__FILE__, __LINE__, "\"%s\" is refused: %s", g->at, why);
		if (a.table != g->table || a.reg0 != g->reg0 || a.span != g->span || a.count != g->count ||
		    a.kind != g->kind || mb_addr_type(&a) != g->type)
			test_fail(__FILE__, __LINE__, "\"%s\": table %d reg0 %d span %d count %d kind %d type %d",
			    g->at, a.table, a.reg0, a.span, a.count, a.kind, mb_addr_type(&a));
	}
}

TEST(address_base_moves_plain_numbers_only)
{
	struct mb_addr a;
	char why[300];
	CHECK_INT(mb_addr_parse("holding 100 float32", &base1, &a, why, sizeof why), 0);
	CHECK_INT(a.reg0, 99);
	CHECK_INT(mb_addr_parse("holding 65536", &base1, &a, why, sizeof why), 0);
	CHECK_INT(a.reg0, 65535);
	CHECK_INT(mb_addr_parse("40101", &base1, &a, why, sizeof why), 0);
	CHECK_INT(a.reg0, 100);
	CHECK_INT(mb_addr_parse("holding 0x64", &base1, &a, why, sizeof why), 0);
	CHECK_INT(a.reg0, 100);
	CHECK_INT(mb_addr_parse("%MW100", &base1, &a, why, sizeof why), 0);
	CHECK_INT(a.reg0, 100);
	CHECK_INT(mb_addr_parse("holding 0", &base1, &a, why, sizeof why), ERR_RANGE);
	CHECK_STR(why, "holding 0 is out of range: with address-base 1 they count from 1 to 65536");
}

TEST(the_order_is_the_source_s_unless_the_tag_has_its_own)
{
	struct mb_addr a;
	char why[300];
	CHECK_INT(mb_addr_parse("holding 100 float32", &base1, &a, why, sizeof why), 0);
	CHECK_INT(a.order, MB_CDAB);
	CHECK_INT(mb_addr_parse("holding 100 float32 dcba", &base1, &a, why, sizeof why), 0);
	CHECK_INT(a.order, MB_DCBA);
	CHECK_INT(mb_addr_parse("holding 100 uint16", &base1, &a, why, sizeof why), 0);
	CHECK_INT(a.order, MB_ABCD);
}

static const struct { const char *at; int err; const char *part; } faults[] = {
	{ "", ERR_SYNTAX, "begin with holding" },
	{ "100", ERR_SYNTAX, "neither 5 nor 6 digits" },
	{ "holdng 100", ERR_SYNTAX, "did you mean \"holding\"" },
	{ "holding", ERR_SYNTAX, "a number is missing" },
	{ "holding x", ERR_SYNTAX, "a number is missing" },
	{ "holding 70000", ERR_RANGE, "count from 0 to 65535" },
	{ "holding 99999999999", ERR_SYNTAX, "a number is missing" },
	{ "0x10000", ERR_RANGE, "0xFFFF" },
	{ "40000", ERR_RANGE, "counts from 1" },
	{ "465537", ERR_RANGE, "up to 65536" },
	{ "20001", ERR_SYNTAX, "no table begins with 2" },
	{ "holding 65535 float32", ERR_RANGE, "takes 2 registers from 65535 on and so ends past 65535" },
	{ "holding 100.16", ERR_RANGE, "bit 16 is out of range" },
	{ "holding 100.", ERR_SYNTAX, "a bit number is missing" },
	{ "coil 5.3", ERR_TYPE, "one bit already" },
	{ "coil 5 float32", ERR_TYPE, "did you mean holding 5" },
	{ "holding 5 bool", ERR_TYPE, "which bit" },
	{ "holding 100.3 uint16", ERR_TYPE, "is a bool" },
	{ "holding 100 flaot32", ERR_SYNTAX, "did you mean \"float32\"" },
	{ "holding 100 banana", ERR_SYNTAX, "neither a type" },
	{ "holding 100 float32 [", ERR_SYNTAX, "count of an array" },
	{ "holding 100 float32[0]", ERR_SYNTAX, "at least 1" },
	{ "holding 100 float32[63]", ERR_LIMIT,
	    "takes 126 registers and one request of this source reads at most 125" },
	{ "holding 100 float32[99999]", ERR_LIMIT, "split it" },
	{ "coil 0 bool[2001]", ERR_LIMIT, "split it" },
	{ "holding 100 string", ERR_SYNTAX, "needs its length" },
	{ "holding 100 string 251", ERR_SYNTAX, "1 to 250" },
	{ "holding 100 uint16 low-byte", ERR_TYPE, "single uint8" },
	{ "holding 100 uint8[4] low-byte", ERR_TYPE, "single uint8" },
	{ "holding 100 float32 %", ERR_SYNTAX, "neither a type" },
};

TEST(a_wrong_address_is_told_its_cause_and_remedy)
{
	struct mb_addr a;
	char why[300];
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		int err = mb_addr_parse(faults[i].at, &base0, &a, why, sizeof why);
		if (err != faults[i].err || strstr(why, faults[i].part) == NULL)
			test_fail(__FILE__, __LINE__, "\"%s\": %d \"%s\"", faults[i].at, err, why);
	}
}

TEST(a_lower_block_limit_limits_the_longest_value)
{
	struct mb_addr a;
	char why[300];
	const struct mb_addr_rules small = { .regs_max = 32, .bits_max = 2000 };
	CHECK_INT(mb_addr_parse("holding 0 float32[16]", &small, &a, why, sizeof why), 0);
	CHECK_INT(mb_addr_parse("holding 0 float32[17]", &small, &a, why, sizeof why), ERR_LIMIT);
}

TEST_MAIN
