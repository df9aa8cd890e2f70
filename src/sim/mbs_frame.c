/* See mbs_frame.h. */
#include "sim/mbs_frame.h"

#include <string.h>

#include "base/bytes.h"

#define RTU_MIN 4	/* address, function code, CRC */

/* Two nibbles a byte: small enough to check by eye, fast enough for any serial line. */
uint16_t
mbs_crc(const uint8_t *p, size_t len)
{
	static const uint16_t nibble[16] = {
		0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
		0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
	};
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < len; i++) {
		crc = (uint16_t)(crc >> 4 ^ nibble[(crc ^ p[i]) & 15]);
		crc = (uint16_t)(crc >> 4 ^ nibble[(crc ^ p[i] >> 4) & 15]);
	}
	return crc;
}

static int
tcp_next(const uint8_t *p, size_t len, struct mbs_adu *out)
{
	struct reader r = rd_init(p, len);
	uint16_t tid = rd_be16(&r), protocol = rd_be16(&r), length = rd_be16(&r);

	if (r.err != 0)
		return 0;
	if (protocol != 0 || length < 2 || length > MBS_PDU_MAX + 1)
		return ERR_PROTO;
	if (rd_left(&r) < length)
		return 0;
	*out = (struct mbs_adu){ .tid = tid, .unit = r.p[0], .pdu = r.p + 1, .pdu_len = length - 1u };
	return 6 + length;
}

/*
 * The length of a request PDU by its function code: `fixed` bytes, plus the value of the byte at `counted` where
 * there is one (byte counts of functions 15, 16, 23). Functions not listed are delimited by silence only.
 */
static const struct { uint8_t function, fixed, counted; } lengths[] = {
	{ 0x01, 5, 0 }, { 0x02, 5, 0 }, { 0x03, 5, 0 }, { 0x04, 5, 0 }, { 0x05, 5, 0 }, { 0x06, 5, 0 },
	{ 0x0F, 6, 5 }, { 0x10, 6, 5 }, { 0x16, 7, 0 }, { 0x17, 10, 9 }, { 0x2B, 4, 0 },
};

static size_t
request_len(const uint8_t *pdu, size_t len)
{
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		if (lengths[i].function != pdu[0])
			continue;
		if (lengths[i].counted == 0)
			return lengths[i].fixed;
		return len > lengths[i].counted ? lengths[i].fixed + (size_t)pdu[lengths[i].counted] : 0;
	}
	return 0;
}

bool
mbs_rtu_silence(const uint8_t *p, size_t len, struct mbs_adu *out)
{
	if (len < RTU_MIN || len > MBS_RTU_MAX || mbs_crc(p, len - 2) != (p[len - 2] | p[len - 1] << 8))
		return false;
	*out = (struct mbs_adu){ .unit = p[0], .pdu = p + 1, .pdu_len = len - 3 };
	return true;
}

static int
rtu_next(const uint8_t *p, size_t len, struct mbs_adu *out)
{
	if (len < RTU_MIN)
		return 0;
	size_t pdu_len = request_len(p + 1, len - 1), total = pdu_len + 3;
	if (pdu_len == 0)
		return len > MBS_RTU_MAX ? ERR_PROTO : 0;
	if (total > MBS_RTU_MAX)
		return ERR_PROTO;
	if (len < total)
		return 0;
	return mbs_rtu_silence(p, total, out) ? (int)total : ERR_PROTO;
}

int
mbs_next(enum mbs_framing f, const uint8_t *p, size_t len, struct mbs_adu *out)
{
	return f == MBS_TCP ? tcp_next(p, len, out) : rtu_next(p, len, out);
}

size_t
mbs_wrap(enum mbs_framing f, uint16_t tid, uint8_t unit, const uint8_t *pdu, size_t pdu_len, uint8_t *out)
{
	struct writer w = wr_init(out, MBS_ADU_MAX);

	if (f == MBS_TCP) {
		const uint16_t length = (uint16_t)(pdu_len + 1);
		const uint8_t mbap[6] = { (uint8_t)(tid >> 8), (uint8_t)tid, 0, 0, (uint8_t)(length >> 8),
			(uint8_t)length };
		wr_bytes(&w, mbap, sizeof mbap);
	}
	wr_u8(&w, unit);
	wr_bytes(&w, pdu, pdu_len);
	if (f == MBS_RTU)
		wr_le16(&w, mbs_crc(out, wr_len(&w)));
	return wr_len(&w);
}
