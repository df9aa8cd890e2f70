/* The server's PDUs against the worked examples of the Modbus Application Protocol V1.1b3, and its limits. */
#include "sim/mbs_pdu.h"

#include <stdbool.h>
#include <string.h>

#include "base/test.h"

/* A unit with 65536 cells a table; addresses from 60000 on exist but are not writable, `hole` does not exist. */
static uint16_t cells[MBS_TABLES][65536];
static const uint32_t read_only0 = 60000, hole = 50000;
static int broken;	/* exception that every access gets */

static int
cells_read(void *arg, enum mbs_table t, uint16_t addr0, uint16_t n, uint16_t *out)
{
	(void)arg;
	if (addr0 <= hole && addr0 + n > hole)
		return MBS_ILLEGAL_ADDRESS;
	memcpy(out, &cells[t][addr0], n * sizeof *out);
	return broken;
}

static int
cells_write(void *arg, enum mbs_table t, uint16_t addr0, uint16_t n, const uint16_t *v)
{
	(void)arg;
	if (addr0 + n > (int)read_only0 || (addr0 <= hole && addr0 + n > hole))
		return MBS_ILLEGAL_ADDRESS;
	memcpy(&cells[t][addr0], v, n * sizeof *v);
	return broken;
}

static const char *const ids[MBS_IDS] = {
	"Company identification", "Product code XX", "V2.11", "", "name", "model", "app",
};
static const struct mbs_unit unit = { .read = cells_read, .write = cells_write, .ids = ids };

static void
expect(int line, const char *request, const char *answer)
{
	uint8_t req[300], want[300], got[MBS_PDU_MAX];
	size_t len = test_hex(request, req, sizeof req), want_len = test_hex(answer, want, sizeof want);
	size_t got_len = mbs_answer(&unit, req, len, got);

	if (got_len != want_len)
		test_fail(__FILE__, line, "answer has %zu bytes, want %zu (first %02x %02x)", got_len, want_len, got[0],
		    got[1]);
	CHECK_BYTES(got, want, want_len);
}
#define EXPECT(request, answer) expect(__LINE__, (request), (answer))

/* Bits from bytes as the examples print them, first address in the lowest bit. */
static void
set_bits(enum mbs_table t, uint16_t addr0, const char *hex)
{
	uint8_t b[32];
	size_t n = test_hex(hex, b, sizeof b);
	for (size_t i = 0; i < 8 * n; i++)
		cells[t][addr0 + i] = b[i / 8] >> i % 8 & 1;
}

TEST(read_coils_example_of_6_1)
{
	set_bits(MBS_COIL, 0x13, "CD 6B 05");
	EXPECT("01 0013 0013", "01 03 CD 6B 05");
}

TEST(read_discrete_inputs_example_of_6_2)
{
	set_bits(MBS_DISCRETE, 0xC4, "AC DB 35");
	EXPECT("02 00C4 0016", "02 03 AC DB 35");
}

TEST(read_holding_registers_example_of_6_3)
{
	cells[MBS_HOLDING][0x6B] = 0x022B;
	cells[MBS_HOLDING][0x6D] = 0x0064;
	EXPECT("03 006B 0003", "03 06 022B 0000 0064");
}

TEST(read_input_registers_example_of_6_4)
{
	cells[MBS_INPUT][8] = 0x000A;
	EXPECT("04 0008 0001", "04 02 000A");
}

TEST(write_single_coil_example_of_6_5)
{
	EXPECT("05 00AC FF00", "05 00AC FF00");
	CHECK_INT(cells[MBS_COIL][0xAC], 1);
	EXPECT("05 00AC 0000", "05 00AC 0000");
	CHECK_INT(cells[MBS_COIL][0xAC], 0);
	EXPECT("05 00AC 0001", "85 03");
}

TEST(write_single_register_example_of_6_6)
{
	EXPECT("06 0001 0003", "06 0001 0003");
	CHECK_INT(cells[MBS_HOLDING][1], 3);
}

TEST(write_multiple_coils_example_of_6_11)
{
	EXPECT("0F 0013 000A 02 CD 01", "0F 0013 000A");
	static const uint8_t want[10] = { 1, 0, 1, 1, 0, 0, 1, 1, 1, 0 };
	for (int i = 0; i < 10; i++)
		CHECK_INT(cells[MBS_COIL][0x13 + i], want[i]);
}

TEST(write_multiple_registers_example_of_6_12)
{
	EXPECT("10 0001 0002 04 000A 0102", "10 0001 0002");
	CHECK_INT(cells[MBS_HOLDING][1], 0x000A);
	CHECK_INT(cells[MBS_HOLDING][2], 0x0102);
}

TEST(mask_write_example_of_6_16)
{
	cells[MBS_HOLDING][4] = 0x12;
	EXPECT("16 0004 00F2 0025", "16 0004 00F2 0025");
	CHECK_INT(cells[MBS_HOLDING][4], 0x17);
}

TEST(read_write_example_of_6_17_writes_before_it_reads)
{
	static const uint16_t before[6] = { 0x00FE, 0x0ACD, 0x0001, 0x0003, 0x000D, 0x00FF };
	memcpy(&cells[MBS_HOLDING][3], before, sizeof before);
	EXPECT("17 0003 0006 000E 0003 06 00FF 00FF 00FF", "17 0C 00FE 0ACD 0001 0003 000D 00FF");
	CHECK_INT(cells[MBS_HOLDING][0x10], 0xFF);
	EXPECT("17 0003 0001 0003 0001 02 1234", "17 02 1234");
}

TEST(device_identification_of_6_21_streams_basic_objects)
{
	uint8_t got[MBS_PDU_MAX];
	static const uint8_t req[] = { 0x2B, 0x0E, 0x01, 0x00 };
	size_t len = mbs_answer(&unit, req, sizeof req, got);

	/* As in the example, except for the conformity level: regular, and one by one. */
	CHECK_BYTES(got, "\x2B\x0E\x01\x82\x00\x00\x03\x00\x16" "Company identification", 31);
	CHECK_BYTES(got + 31, "\x01\x0F" "Product code XX" "\x02\x05" "V2.11", 24);
	CHECK_INT(len, 55);
	EXPECT("2B 0E 04 02", "2B 0E 04 82 00 00 01 02 05 56 32 2E 31 31");
	EXPECT("2B 0E 04 09", "AB 02");
	EXPECT("2B 0E 05 00", "AB 03");
	EXPECT("2B 0D 01 00", "AB 01");
}

TEST(unknown_functions_and_wrong_lengths_are_refused)
{
	EXPECT("07", "87 01");
	EXPECT("63 0000", "E3 01");
	EXPECT("03 0000 00", "83 03");
	EXPECT("03 0000 0001 00", "83 03");
	EXPECT("10 0001 0002 04 000A 01", "90 03");
	EXPECT("10 0001 0002 03 000A 01", "90 03");
	EXPECT("0F 0013 000A 01 CD", "8F 03");
	CHECK_INT(mbs_answer(&unit, (const uint8_t *)"", 0, (uint8_t[MBS_PDU_MAX]){ 0 }), 0);
}

TEST(counts_are_held_to_the_limits_of_the_standard)
{
	uint8_t got[MBS_PDU_MAX];

	EXPECT("01 0000 0000", "81 03");
	EXPECT("01 0000 07D1", "81 03");
	EXPECT("03 0000 0000", "83 03");
	EXPECT("03 0000 007E", "83 03");
	EXPECT("10 0000 0000 00", "90 03");
	EXPECT("17 0000 007E 0000 0001 02 0000", "97 03");
	CHECK_INT(mbs_answer(&unit, (const uint8_t *)"\x01\x00\x00\x07\xD0", 5, got), 252);
	CHECK_INT(mbs_answer(&unit, (const uint8_t *)"\x03\x00\x00\x00\x7D", 5, got), 252);
}

TEST(addresses_that_do_not_exist_give_exception_2)
{
	EXPECT("03 FFFF 0001", "03 02 0000");
	EXPECT("03 FFFF 0002", "83 02");
	EXPECT("01 FF00 0101", "81 02");
	EXPECT("03 C34F 0002", "83 02");	/* across the hole */
	EXPECT("06 EA60 0001", "86 02");	/* read-only */
	EXPECT("16 EA60 0001 0001", "96 02");
	EXPECT("17 0000 0001 EA60 0001 02 0000", "97 02");
}

TEST(an_exception_of_the_unit_is_passed_on)
{
	broken = MBS_DEVICE_FAILURE;
	EXPECT("03 0000 0001", "83 04");
	EXPECT("06 0000 0001", "86 04");
	broken = MBS_OK;
}

TEST_MAIN
