/* Framing: the header of Modbus TCP, the RTU frame with its CRC, and requests that come in pieces. */
#include "sim/mbs_frame.h"

#include "base/err.h"
#include "base/test.h"

TEST(crc_of_known_frames)
{
	uint8_t f[8];
	/* Modbus over Serial Line V1.02, appendix B: 02 07 has CRC 41 12; a second well-known one: C5 CD. */
	CHECK_INT(mbs_crc(f, test_hex("02 07", f, sizeof f)), 0x1241);
	CHECK_INT(mbs_crc(f, test_hex("01 03 00 00 00 0A", f, sizeof f)), 0xCDC5);
}

TEST(a_tcp_request_is_found_when_it_is_whole)
{
	uint8_t b[64];
	struct mbs_adu a;
	size_t len = test_hex("1501 0000 0006 FF 03 0000 0002  1502 0000 0006 01 04 0001 0001", b, sizeof b);

	for (size_t i = 0; i < 12; i++)
		CHECK_INT(mbs_next(MBS_TCP, b, i, &a), 0);
	CHECK_INT(mbs_next(MBS_TCP, b, len, &a), 12);
	CHECK_INT(a.tid, 0x1501);
	CHECK_INT(a.unit, 0xFF);
	CHECK_INT(a.pdu_len, 5);
	CHECK_BYTES(a.pdu, "\x03\x00\x00\x00\x02", 5);
	CHECK_INT(mbs_next(MBS_TCP, b + 12, len - 12, &a), 12);
	CHECK_INT(a.tid, 0x1502);
}

TEST(a_header_that_is_no_modbus_ends_the_connection)
{
	uint8_t b[64];
	struct mbs_adu a;

	CHECK_INT(mbs_next(MBS_TCP, b, test_hex("0001 0001 0006 01 03 0000 0001", b, sizeof b), &a), ERR_PROTO);
	CHECK_INT(mbs_next(MBS_TCP, b, test_hex("0001 0000 0001 01", b, sizeof b), &a), ERR_PROTO);
	CHECK_INT(mbs_next(MBS_TCP, b, test_hex("0001 0000 00FF 01", b, sizeof b), &a), ERR_PROTO);
	CHECK_INT(mbs_next(MBS_TCP, b, test_hex("0001 0000 00FE 01", b, sizeof b), &a), 0);
}

TEST(an_rtu_request_is_found_by_its_length_and_crc)
{
	uint8_t b[64];
	struct mbs_adu a;
	size_t len = test_hex("01 03 0000 000A C5CD", b, sizeof b);

	for (size_t i = 0; i < len; i++)
		CHECK_INT(mbs_next(MBS_RTU, b, i, &a), 0);
	CHECK_INT(mbs_next(MBS_RTU, b, len, &a), 8);
	CHECK_INT(a.unit, 1);
	CHECK_INT(a.pdu_len, 5);
	b[3] ^= 1;
	CHECK_INT(mbs_next(MBS_RTU, b, len, &a), ERR_PROTO);
}

/* The example of V1.1b3, 6.12, to unit 1; CRC by pymodbus. */
TEST(an_rtu_write_has_the_length_of_its_byte_count)
{
	uint8_t b[64];
	struct mbs_adu a;
	size_t len = test_hex("01 10 0001 0002 04 000A 0102 9230", b, sizeof b);

	CHECK_INT(mbs_next(MBS_RTU, b, len - 1, &a), 0);
	CHECK_INT(mbs_next(MBS_RTU, b, len, &a), 13);
	CHECK_INT(a.pdu_len, 10);
	b[6] = 0xFF;	/* a byte count that no frame has room for */
	CHECK_INT(mbs_next(MBS_RTU, b, len, &a), ERR_PROTO);
}

TEST(an_unknown_rtu_function_is_ended_by_silence)
{
	uint8_t b[64];
	struct mbs_adu a;
	size_t len = test_hex("02 07 4112", b, sizeof b);

	CHECK_INT(mbs_next(MBS_RTU, b, len, &a), 0);
	CHECK(mbs_rtu_silence(b, len, &a));
	CHECK_INT(a.unit, 2);
	CHECK_INT(a.pdu_len, 1);
	b[0] = 3;
	CHECK(!mbs_rtu_silence(b, len, &a));
	CHECK(!mbs_rtu_silence(b, 3, &a));
}

TEST(answers_are_framed_as_the_standard_shows)
{
	uint8_t out[MBS_ADU_MAX], want[MBS_ADU_MAX];
	size_t n = test_hex("1501 0000 0005 FF 03 02 000A", want, sizeof want);

	CHECK_INT(mbs_wrap(MBS_TCP, 0x1501, 0xFF, (const uint8_t *)"\x03\x02\x00\x0A", 4, out), n);
	CHECK_BYTES(out, want, n);
	CHECK_INT(mbs_wrap(MBS_RTU, 0, 2, (const uint8_t *)"\x07", 1, out), 4);
	CHECK_BYTES(out, "\x02\x07\x41\x12", 4);
	uint8_t pdu[MBS_PDU_MAX] = { 3 };
	CHECK_INT(mbs_wrap(MBS_TCP, 1, 1, pdu, sizeof pdu, out), MBS_TCP_MAX);
	CHECK_INT(mbs_wrap(MBS_RTU, 1, 1, pdu, sizeof pdu, out), MBS_RTU_MAX);
}

TEST_MAIN
