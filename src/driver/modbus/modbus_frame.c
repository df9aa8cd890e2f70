/* See modbus_frame.h. */
#include "driver/modbus/modbus_frame.h"

#include "base/clock.h"

/* Remainder of each byte value under polynomial 0xA001, reflected. */
static const uint16_t crc_table[256] = {
	0x0000, 0xC0C1, 0xC181, 0x0140, 0xC301, 0x03C0, 0x0280, 0xC241, 0xC601, 0x06C0, 0x0780, 0xC741,
	0x0500, 0xC5C1, 0xC481, 0x0440, 0xCC01, 0x0CC0, 0x0D80, 0xCD41, 0x0F00, 0xCFC1, 0xCE81, 0x0E40,
	0x0A00, 0xCAC1, 0xCB81, 0x0B40, 0xC901, 0x09C0, 0x0880, 0xC841, 0xD801, 0x18C0, 0x1980, 0xD941,
	0x1B00, 0xDBC1, 0xDA81, 0x1A40, 0x1E00, 0xDEC1, 0xDF81, 0x1F40, 0xDD01, 0x1DC0, 0x1C80, 0xDC41,
	0x1400, 0xD4C1, 0xD581, 0x1540, 0xD701, 0x17C0, 0x1680, 0xD641, 0xD201, 0x12C0, 0x1380, 0xD341,
	0x1100, 0xD1C1, 0xD081, 0x1040, 0xF001, 0x30C0, 0x3180, 0xF141, 0x3300, 0xF3C1, 0xF281, 0x3240,
	0x3600, 0xF6C1, 0xF781, 0x3740, 0xF501, 0x35C0, 0x3480, 0xF441, 0x3C00, 0xFCC1, 0xFD81, 0x3D40,
	0xFF01, 0x3FC0, 0x3E80, 0xFE41, 0xFA01, 0x3AC0, 0x3B80, 0xFB41, 0x3900, 0xF9C1, 0xF881, 0x3840,
	0x2800, 0xE8C1, 0xE981, 0x2940, 0xEB01, 0x2BC0, 0x2A80, 0xEA41, 0xEE01, 0x2EC0, 0x2F80, 0xEF41,
	0x2D00, 0xEDC1, 0xEC81, 0x2C40, 0xE401, 0x24C0, 0x2580, 0xE541, 0x2700, 0xE7C1, 0xE681, 0x2640,
	0x2200, 0xE2C1, 0xE381, 0x2340, 0xE101, 0x21C0, 0x2080, 0xE041, 0xA001, 0x60C0, 0x6180, 0xA141,
	0x6300, 0xA3C1, 0xA281, 0x6240, 0x6600, 0xA6C1, 0xA781, 0x6740, 0xA501, 0x65C0, 0x6480, 0xA441,
	0x6C00, 0xACC1, 0xAD81, 0x6D40, 0xAF01, 0x6FC0, 0x6E80, 0xAE41, 0xAA01, 0x6AC0, 0x6B80, 0xAB41,
	0x6900, 0xA9C1, 0xA881, 0x6840, 0x7800, 0xB8C1, 0xB981, 0x7940, 0xBB01, 0x7BC0, 0x7A80, 0xBA41,
	0xBE01, 0x7EC0, 0x7F80, 0xBF41, 0x7D00, 0xBDC1, 0xBC81, 0x7C40, 0xB401, 0x74C0, 0x7580, 0xB541,
	0x7700, 0xB7C1, 0xB681, 0x7640, 0x7200, 0xB2C1, 0xB381, 0x7340, 0xB101, 0x71C0, 0x7080, 0xB041,
	0x5000, 0x90C1, 0x9181, 0x5140, 0x9301, 0x53C0, 0x5280, 0x9241, 0x9601, 0x56C0, 0x5780, 0x9741,
	0x5500, 0x95C1, 0x9481, 0x5440, 0x9C01, 0x5CC0, 0x5D80, 0x9D41, 0x5F00, 0x9FC1, 0x9E81, 0x5E40,
	0x5A00, 0x9AC1, 0x9B81, 0x5B40, 0x9901, 0x59C0, 0x5880, 0x9841, 0x8801, 0x48C0, 0x4980, 0x8941,
	0x4B00, 0x8BC1, 0x8A81, 0x4A40, 0x4E00, 0x8EC1, 0x8F81, 0x4F40, 0x8D01, 0x4DC0, 0x4C80, 0x8C41,
	0x4400, 0x84C1, 0x8581, 0x4540, 0x8701, 0x47C0, 0x4680, 0x8641, 0x8201, 0x42C0, 0x4380, 0x8341,
	0x4100, 0x81C1, 0x8081, 0x4040,
};

uint16_t
mb_crc(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < len; i++)
		crc = (uint16_t)(crc >> 8 ^ crc_table[(crc ^ b[i]) & 0xFF]);
	return crc;
}

bool
mb_crc_good(const uint8_t *p, size_t len)
{
	uint16_t crc = mb_crc(p, len - 2);
	return p[len - 2] == (crc & 0xFF) && p[len - 1] == crc >> 8;
}

size_t
mb_frame(enum mb_framing f, uint16_t tid, uint8_t unit, const uint8_t *pdu, size_t len, uint8_t *out)
{
	struct writer w = wr_init(out, MB_ADU_MAX);

	if (f == MB_TCP) {
		const uint8_t head[] = { (uint8_t)(tid >> 8), (uint8_t)tid, 0, 0, (uint8_t)((len + 1) >> 8),
			(uint8_t)(len + 1) };
		wr_bytes(&w, head, sizeof head);
	}
	wr_u8(&w, unit);
	wr_bytes(&w, pdu, len);
	if (f != MB_TCP)
		wr_le16(&w, mb_crc(out, wr_len(&w)));
	return wr_len(&w);
}

int
mb_parse_mbap(const uint8_t *p, size_t len, struct mb_mbap *out)
{
	if (len < MB_MBAP_LEN)
		return ERR_SHORT;
	unsigned protocol = (unsigned)p[2] << 8 | p[3], length = (unsigned)p[4] << 8 | p[5];
	/* Unit id and a PDU of 2..253 bytes: the shortest is an exception. */
	if (protocol != 0 || length < 3 || length > MB_PDU_MAX + 1)
		return ERR_PROTO;
	*out = (struct mb_mbap){ .tid = (uint16_t)(p[0] << 8 | p[1]), .unit = p[6], .pdu_len = (uint16_t)(length - 1) };
	return 0;
}

/*
 * A device identification reply says its length object by object, V1.1b3 6.21: address, 2B, 0E, code, conformity, more,
 * next, count, then { id, length, text }. Ends because each object moves `at` forward and at is bounded by len.
 */
static size_t
device_id_len(const uint8_t *p, size_t len)
{
	size_t at = 8;

	if (len < at)
		return 0;
	if (p[2] != MB_MEI_DEVICE_ID)
		return MB_LEN_UNKNOWN;
	for (unsigned i = 0; i < p[7]; i++) {
		if (len < at + 2)
			return 0;
		at += 2u + p[at + 1];
	}
	return at + 2;
}

size_t
mb_rtu_reply_len(const uint8_t *p, size_t len)
{
	if (len < 2)
		return 0;
	if ((p[1] & MB_EXCEPTION_BIT) != 0)
		return 5;
	switch (p[1]) {
	case MB_FC_READ_COILS:
	case MB_FC_READ_DISCRETE:
	case MB_FC_READ_HOLDING:
	case MB_FC_READ_INPUT:
	case MB_FC_READ_WRITE:
	case 12: case 17: case 20: case 21:	/* event log, server id, file records: all with a byte count */
		return len < 3 ? 0 : 5u + p[2];
	case MB_FC_WRITE_COIL: case MB_FC_WRITE_REG: case MB_FC_WRITE_COILS: case MB_FC_WRITE_REGS: case 8: case 11:
		return 8;
	case 7:
		return 5;
	case MB_FC_MASK_WRITE:
		return 10;
	case MB_FC_MEI:
		return device_id_len(p, len);
	default:
		return MB_LEN_UNKNOWN;
	}
}

size_t
mb_rtu_request_len(const uint8_t *p, size_t len)
{
	if (len < 2)
		return 0;
	switch (p[1]) {
	case MB_FC_READ_COILS: case MB_FC_READ_DISCRETE: case MB_FC_READ_HOLDING: case MB_FC_READ_INPUT:
	case MB_FC_WRITE_COIL: case MB_FC_WRITE_REG: case 8:
		return 8;
	case 7: case 11: case 12: case 17:
		return 4;
	case MB_FC_WRITE_COILS: case MB_FC_WRITE_REGS:
		return len < 7 ? 0 : 9u + p[6];
	case MB_FC_MASK_WRITE:
		return 10;
	case MB_FC_READ_WRITE:
		return len < 11 ? 0 : 13u + p[10];
	case MB_FC_MEI:
		return 7;
	default:
		return MB_LEN_UNKNOWN;
	}
}

int64_t
mb_char_ns(int baud)
{
	return 11 * NS_PER_S / (baud > 0 ? baud : 9600);
}

int64_t
mb_silence_ns(int baud)
{
	return baud > 19200 ? 1750 * NS_PER_US : mb_char_ns(baud) * 7 / 2;
}
