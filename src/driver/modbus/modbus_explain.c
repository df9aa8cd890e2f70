/*
 * One frame in one line, for traces: "TCP tid=7 unit=1 read holding 100..109". Takes anything; says what is wrong with
 * it.
 */
#include "driver/modbus/modbus.h"

#define SHOWN_BYTES 16u

static void
bytes_of(struct buf *b, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len && i < SHOWN_BYTES; i++)
		buf_printf(b, " %02X", p[i]);
	if (len > SHOWN_BYTES)
		buf_printf(b, " ... (%zu bytes)", len);
}

static void
range(struct buf *b, unsigned first, unsigned n)
{
	if (n > 1)
		buf_printf(b, " %u..%u", first, first + n - 1);
	else
		buf_printf(b, " %u", first);
}

static void
device_id(struct buf *b, bool out, struct reader r)
{
	struct mb_device_id id;
	uint8_t object, len, kind = rd_u8(&r);
	const char *text;

	if (kind != MB_MEI_DEVICE_ID) {
		buf_printf(b, " type %02X", kind);
		return;
	}
	buf_puts(b, " device identification");
	if (out) {
		unsigned code = rd_u8(&r);
		buf_printf(b, " code %u from object %u", code, rd_u8(&r));
		return;
	}
	if (mb_parse_device_id(&r, &id) != 0)
		return;
	for (unsigned i = 0; i < id.count && mb_parse_device_object(&r, &object, &text, &len) == 0; i++) {
		buf_printf(b, " %u=\"", object);
		for (unsigned k = 0; k < len; k++)
			buf_putc(b, text[k] >= ' ' && text[k] <= '~' && text[k] != '"' ? text[k] : '?');
		buf_putc(b, '"');
	}
	if (id.more)
		buf_printf(b, ", more from object %u", id.next);
}

static void
request(struct buf *b, uint8_t fc, struct reader r)
{
	struct reader body = r;
	unsigned first = rd_be16(&r), n = rd_be16(&r), n2, n3;

	buf_printf(b, "%s", mb_fc_name(fc));
	switch (fc) {
	case 1: case 2: case 3: case 4:
		range(b, first, n);
		break;
	case MB_FC_WRITE_COIL:
		buf_printf(b, " %u %s", first, n == 0xFF00 ? "on" : n == 0 ? "off" : "neither on nor off");
		break;
	case MB_FC_WRITE_REG:
		buf_printf(b, " %u = %u", first, n);
		break;
	case MB_FC_WRITE_COILS: case MB_FC_WRITE_REGS:
		range(b, first, n);
		rd_u8(&r);
		buf_puts(b, " =");
		bytes_of(b, r.p, rd_left(&r));
		break;
	case MB_FC_MASK_WRITE:
		buf_printf(b, " %u and %04X or %04X", first, n, rd_be16(&r));
		break;
	case MB_FC_READ_WRITE:
		range(b, first, n);
		n2 = rd_be16(&r);
		n3 = rd_be16(&r);
		buf_puts(b, ", write");
		range(b, n2, n3);
		break;
	case MB_FC_MEI:
		device_id(b, true, body);
		return;
	default:
		buf_printf(b, " %u", fc);
		bytes_of(b, body.p, rd_left(&body));
		return;
	}
	if (r.err != 0)
		buf_puts(b, " (cut short)");
}

static void
reply(struct buf *b, uint8_t fc, struct reader r)
{
	if ((fc & MB_EXCEPTION_BIT) != 0) {
		unsigned code = rd_u8(&r);
		buf_printf(b, "exception %u, %s, to %s", code, mb_exception_name((uint8_t)code), mb_fc_name(fc & 0x7F));
		return;
	}
	buf_printf(b, "%s reply", mb_fc_name(fc));
	switch (fc) {
	case 1: case 2: case 3: case 4: case MB_FC_READ_WRITE: {
		unsigned n = rd_u8(&r);
		if (n != rd_left(&r))
			buf_printf(b, ", %u bytes announced, %zu there", n, rd_left(&r));
		buf_puts(b, ":");
		bytes_of(b, r.p, rd_left(&r));
		break;
	}
	case MB_FC_WRITE_COIL: case MB_FC_WRITE_REG: case MB_FC_MASK_WRITE: {
		unsigned at = rd_be16(&r);
		buf_printf(b, " %u =", at);
		bytes_of(b, r.p, rd_left(&r));
		break;
	}
	case MB_FC_WRITE_COILS: case MB_FC_WRITE_REGS: {
		unsigned first = rd_be16(&r);
		range(b, first, rd_be16(&r));
		break;
	}
	case MB_FC_MEI:
		device_id(b, false, r);
		break;
	default:
		buf_printf(b, " %u", fc);
		bytes_of(b, r.p, rd_left(&r));
	}
}

static void
pdu(struct buf *b, bool out, const uint8_t *p, size_t len)
{
	struct reader r = rd_init(p, len);
	uint8_t fc = rd_u8(&r);

	if (r.err != 0)
		buf_puts(b, "no function code");
	else if (out)
		request(b, fc, r);
	else
		reply(b, fc, r);
}

void
mb_explain(enum mb_framing f, bool out, const void *p, size_t len, struct buf *text)
{
	const uint8_t *b = p;
	struct mb_mbap m;

	if (f == MB_TCP) {
		if (mb_parse_mbap(b, len, &m) != 0) {
			buf_puts(text, "TCP no Modbus header:");
			bytes_of(text, b, len);
			return;
		}
		buf_printf(text, "TCP tid=%u unit=%u ", m.tid, m.unit);
		size_t there = len - MB_MBAP_LEN;
		if (there != m.pdu_len)
			buf_printf(text, "(%u bytes announced, %zu there) ", m.pdu_len, there);
		pdu(text, out, b + MB_MBAP_LEN, there < m.pdu_len ? there : m.pdu_len);
		return;
	}
	if (len < MB_RTU_MIN) {
		buf_puts(text, "RTU too short:");
		bytes_of(text, b, len);
		return;
	}
	buf_printf(text, "RTU unit=%u %s", b[0], mb_crc_good(b, len) ? "" : "(bad CRC) ");
	pdu(text, out, b + 1, len - 3);
}
