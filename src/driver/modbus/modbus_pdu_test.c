/*
 * Codec and framing. Bytes come from the examples of the specification (section named at each) and from pymodbus 3.0
 * (Debian).
 */
#include "base/clock.h"
#include "base/test.h"
#include "driver/modbus/modbus_frame.h"
#include "driver/modbus/modbus_pdu.h"

static uint8_t		pdu[MB_PDU_MAX];
static struct writer	w;

static void
want(const char *hex)
{
	uint8_t bytes[MB_PDU_MAX];
	size_t n = test_hex(hex, bytes, sizeof bytes);

	CHECK_INT(w.err, 0);
	CHECK_INT(wr_len(&w), n);
	CHECK_BYTES(pdu, bytes, n);
	w = wr_init(pdu, sizeof pdu);
}

TEST(requests_are_those_of_the_specification)
{
	const uint8_t bits[] = { 0xCD, 0x01 }, regs[] = { 0x00, 0x0A, 0x01, 0x02 },
		      ff[] = { 0, 0xFF, 0, 0xFF, 0, 0xFF };

	w = wr_init(pdu, sizeof pdu);
	mb_put_read(&w, MB_FC_READ_COILS, 0x13, 0x13);
	want("01 00 13 00 13");			/* 6.1 */
	mb_put_read(&w, MB_FC_READ_DISCRETE, 0xC4, 0x16);
	want("02 00 C4 00 16");			/* 6.2 */
	mb_put_read(&w, MB_FC_READ_HOLDING, 0x6B, 3);
	want("03 00 6B 00 03");			/* 6.3 */
	mb_put_read(&w, MB_FC_READ_INPUT, 8, 1);
	want("04 00 08 00 01");			/* 6.4 */
	mb_put_write_coil(&w, 0xAC, true);
	want("05 00 AC FF 00");			/* 6.5 */
	mb_put_write_reg(&w, 1, 3);
	want("06 00 01 00 03");			/* 6.6 */
	mb_put_write_coils(&w, 0x13, 10, bits);
	want("0F 00 13 00 0A 02 CD 01");	/* 6.11 */
	mb_put_write_regs(&w, 1, 2, regs);
	want("10 00 01 00 02 04 00 0A 01 02");	/* 6.12 */
	mb_put_mask_write(&w, 4, 0xF2, 0x25);
	want("16 00 04 00 F2 00 25");		/* 6.16 */
	mb_put_read_write(&w, 3, 6, 14, 3, ff);
	want("17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF");	/* 6.17 */
	mb_put_device_id(&w, 1, 0);
	want("2B 0E 01 00");			/* 6.21 */
}

/* Parse a reply given in hex as the answer to a request given in hex. */
static int
parse(const char *request, const char *reply, struct mb_reply *out)
{
	static uint8_t q[64], a[64];
	size_t nq = test_hex(request, q, sizeof q), na = test_hex(reply, a, sizeof a);
	struct reader r = rd_init(a, na);
	return mb_parse_reply(q, nq < MB_REQ_HEAD ? nq : MB_REQ_HEAD, &r, out);
}

TEST(replies_of_the_specification_are_understood)
{
	struct mb_reply r;

	CHECK_INT(parse("01 00 13 00 13", "01 03 CD 6B 05", &r), 0);
	CHECK_INT(r.len, 3);
	CHECK_INT(r.data[0], 0xCD);
	CHECK_INT(parse("03 00 6B 00 03", "03 06 02 2B 00 00 00 64", &r), 0);
	CHECK_INT(r.len, 6);
	CHECK_INT(parse("04 00 08 00 01", "04 02 00 0A", &r), 0);
	CHECK_INT(parse("05 00 AC FF 00", "05 00 AC FF 00", &r), 0);
	CHECK(r.data == NULL);
	CHECK_INT(parse("06 00 01 00 03", "06 00 01 00 03", &r), 0);
	CHECK_INT(parse("0F 00 13 00 0A 02 CD 01", "0F 00 13 00 0A", &r), 0);
	CHECK_INT(parse("10 00 01 00 02 04 00 0A 01 02", "10 00 01 00 02", &r), 0);
	CHECK_INT(parse("16 00 04 00 F2 00 25", "16 00 04 00 F2 00 25", &r), 0);
	CHECK_INT(
	    parse("17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF", "17 0C 00 FE 0A CD 00 01 00 03 00 0D 00 FF", &r),
	    0);
	CHECK_INT(r.len, 12);
	CHECK_INT(parse("01 04 A1 00 01", "81 02", &r), 0);	/* 7, the example */
	CHECK_INT(r.exception, MB_EX_ADDRESS);
}

TEST(what_cannot_be_the_answer_is_refused)
{
	struct mb_reply r;

	CHECK_INT(parse("03 00 6B 00 03", "04 06 02 2B 00 00 00 64", &r), ERR_PROTO);	/* another function */
	CHECK_INT(parse("03 00 6B 00 03", "03 04 02 2B 00 00", &r), ERR_PROTO);		/* fewer registers */
	CHECK_INT(parse("03 00 6B 00 03", "03 06 02 2B 00 00 00", &r), ERR_PROTO);	/* cut short */
	CHECK_INT(parse("03 00 6B 00 03", "03 06 02 2B 00 00 00 64 00", &r), ERR_PROTO);	/* a byte more */
	CHECK_INT(parse("03 00 6B 00 03", "83 02 00", &r), ERR_LONG);
	CHECK_INT(parse("03 00 6B 00 03", "83", &r), ERR_SHORT);
	CHECK_INT(parse("03 00 6B 00 03", "83 00", &r), ERR_PROTO);			/* there is no exception 0 */
	CHECK_INT(parse("06 00 01 00 03", "06 00 02 00 03", &r), ERR_PROTO);		/* another register */
	CHECK_INT(parse("10 00 01 00 02 04 00 0A 01 02", "10 00 01 00 01", &r), ERR_PROTO);
	CHECK_INT(parse("16 00 04 00 F2 00 25", "16 00 04 00 F2 00 26", &r), ERR_PROTO);
	CHECK_INT(parse("03 00 6B 00 03", "", &r), ERR_SHORT);
}

TEST(device_identification_is_read_object_by_object)
{
	struct mb_reply r;
	struct mb_device_id id;
	const char *text;
	uint8_t object, len;

	/* As pymodbus answers with three objects. */
	CHECK_INT(parse("2B 0E 01 00",
		      "2B 0E 01 83 00 00 03 00 07 43 6F 6D 70 61 6E 79 01 04 50 72 6F 64 02 05 56 32 2E 31 31", &r),
	    0);
	struct reader d = rd_init(r.data, r.len);
	CHECK_INT(mb_parse_device_id(&d, &id), 0);
	CHECK_INT(id.count, 3);
	CHECK(!id.more);
	CHECK_INT(mb_parse_device_object(&d, &object, &text, &len), 0);
	CHECK_INT(len, 7);
	CHECK_BYTES(text, "Company", 7);
	CHECK_INT(mb_parse_device_object(&d, &object, &text, &len), 0);
	CHECK_INT(mb_parse_device_object(&d, &object, &text, &len), 0);
	CHECK_INT(object, 2);
	CHECK_INT(rd_end(&d), 0);
	CHECK_INT(mb_parse_device_object(&d, &object, &text, &len), ERR_SHORT);
}

TEST(the_crc_is_low_byte_first)
{
	uint8_t frame[MB_ADU_MAX], bytes[8];
	const uint8_t request[] = { 3, 0, 0, 0, 10 };

	test_hex("01 03 00 00 00 0A C5 CD", bytes, sizeof bytes);
	CHECK_INT(mb_frame(MB_RTU, 0, 1, request, 5, frame), 8);
	CHECK_BYTES(frame, bytes, 8);
	CHECK(mb_crc_good(bytes, 8));
	bytes[3] ^= 0x10;
	CHECK(!mb_crc_good(bytes, 8));
}

TEST(the_mbap_header_is_checked)
{
	uint8_t frame[MB_ADU_MAX], bytes[16];
	const uint8_t request[] = { 3, 0, 0, 0, 10 };
	struct mb_mbap m;

	/* Messaging on TCP/IP V1.0b, appendix A. */
	CHECK_INT(mb_frame(MB_TCP, 0x1501, 0xFF, request, 5, frame), 12);
	CHECK_BYTES(frame, bytes, test_hex("15 01 00 00 00 06 FF 03 00 00 00 0A", bytes, sizeof bytes));
	CHECK_INT(mb_parse_mbap(frame, 12, &m), 0);
	CHECK_INT(m.tid, 0x1501);
	CHECK_INT(m.unit, 0xFF);
	CHECK_INT(m.pdu_len, 5);
	CHECK_INT(mb_parse_mbap(frame, 6, &m), ERR_SHORT);
	frame[2] = 1;
	CHECK_INT(mb_parse_mbap(frame, 12, &m), ERR_PROTO);
	frame[2] = 0;
	frame[5] = 2;	/* unit and nothing but a function */
	CHECK_INT(mb_parse_mbap(frame, 12, &m), ERR_PROTO);
	frame[5] = 254;
	CHECK_INT(mb_parse_mbap(frame, 12, &m), 0);
	frame[5] = 255;
	CHECK_INT(mb_parse_mbap(frame, 12, &m), ERR_PROTO);
}

TEST(the_length_of_a_serial_reply_follows_from_its_beginning)
{
	uint8_t b[64];

	CHECK_INT(mb_rtu_reply_len(b, test_hex("01", b, sizeof b)), 0);
	CHECK_INT(mb_rtu_reply_len(b, test_hex("01 83", b, sizeof b)), 5);
	CHECK_INT(mb_rtu_reply_len(b, test_hex("01 03", b, sizeof b)), 0);
	CHECK_INT(mb_rtu_reply_len(b, test_hex("01 03 FA", b, sizeof b)), 255);
	CHECK_INT(mb_rtu_reply_len(b, test_hex("01 06", b, sizeof b)), 8);
	CHECK_INT(mb_rtu_reply_len(b, test_hex("01 16", b, sizeof b)), 10);
	CHECK(mb_rtu_reply_len(b, test_hex("01 64", b, sizeof b)) == MB_LEN_UNKNOWN);
	CHECK_INT(mb_rtu_reply_len(b, test_hex("01 2B 0E 01 83 00 00 02 00 03 41 42 43 01", b, sizeof b)), 0);
	CHECK_INT(mb_rtu_reply_len(b, test_hex("01 2B 0E 01 83 00 00 02 00 03 41 42 43 01 01 44", b, sizeof b)), 18);
}

TEST(silence_follows_the_baud_rate)
{
	CHECK_INT(mb_silence_ns(9600) / 1000, 4010);	/* 3.5 x 11 / 9600 s */
	CHECK_INT(mb_silence_ns(19200) / 1000, 2005);
	CHECK_INT(mb_silence_ns(38400) / 1000, 1750);
	CHECK_INT(mb_silence_ns(115200) / 1000, 1750);
}

TEST_MAIN
