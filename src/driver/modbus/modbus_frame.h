/*
 * Framing of Modbus PDUs: MBAP on TCP ("MODBUS Messaging on TCP/IP V1.0b", 3.1.3), address and CRC on serial lines and
 * on streams that tunnel them ("MODBUS over Serial Line V1.02", 2.5).
 *
 * A reply on a serial line carries no length; it is framed by the length that its function code and byte count imply
 * and proven by the CRC. Pauses end nothing: USB adapters and device servers make and swallow them.
 */
#ifndef DRIVER_MODBUS_FRAME_H
#define DRIVER_MODBUS_FRAME_H

#include "base/bytes.h"
#include "driver/modbus/modbus_pdu.h"

enum mb_framing { MB_TCP, MB_RTU, MB_RTU_TCP };

#define MB_ADU_MAX	260u	/* the longest frame of any framing */
#define MB_MBAP_LEN	7u
#define MB_RTU_MIN	4u	/* address, function, CRC */

/*
 * CRC-16 with polynomial 0xA001 reflected, start 0xFFFF; its low byte goes on the wire first. Serial Line V1.02,
 * 2.5.1.2.
 */
uint16_t mb_crc(const void *p, size_t len);
/* Do the last two bytes prove the ones before? len at least 2. */
bool mb_crc_good(const uint8_t *p, size_t len);

/*
 * Frame len bytes of PDU (at most MB_PDU_MAX) into out[MB_ADU_MAX]; tid is for MB_TCP only. Returns the frame's length.
 */
size_t mb_frame(enum mb_framing f, uint16_t tid, uint8_t unit, const uint8_t *pdu, size_t len, uint8_t *out);

struct mb_mbap {
	uint16_t	tid;
	uint8_t		unit;
	uint16_t	pdu_len;	/* 2..253; the PDU begins MB_MBAP_LEN bytes into the frame */
};
/*
 * The header at p. 0; ERR_SHORT while fewer than MB_MBAP_LEN bytes are there; ERR_PROTO when it is none (the stream is
 * lost).
 */
int mb_parse_mbap(const uint8_t *p, size_t len, struct mb_mbap *out);

/*
 * Length of the RTU frame that begins at p, CRC included, as far as its first bytes tell: 0 while too few are there,
 * MB_LEN_UNKNOWN for a function whose length cannot be told.
 */
#define MB_LEN_UNKNOWN SIZE_MAX
size_t mb_rtu_reply_len(const uint8_t *p, size_t len);
size_t mb_rtu_request_len(const uint8_t *p, size_t len);

/*
 * Time of one character of 11 bits, and the silence of 3.5 characters (1.75 ms above 19200 baud). Serial Line V1.02,
 * 2.5.1.1.
 */
int64_t mb_char_ns(int baud);
int64_t mb_silence_ns(int baud);

#endif
