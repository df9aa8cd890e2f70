/*
 * The Modbus application protocol: function code onward, without any framing. Requests are written, replies are parsed
 * against the request that they answer, so a parsed reply has the length and the echo that the request calls for.
 * Numbers of pages and sections refer to "MODBUS Application Protocol Specification V1.1b3".
 *
 * reg0: address as it stands on the wire, counted from 0, of a register or a bit.
 */
#ifndef DRIVER_MODBUS_PDU_H
#define DRIVER_MODBUS_PDU_H

#include "base/bytes.h"

#define MB_PDU_MAX		253u	/* 4.1 */
#define MB_READ_REGS_MAX	125u	/* 6.3, 6.4 */
#define MB_READ_BITS_MAX	2000u	/* 6.1, 6.2 */
#define MB_WRITE_REGS_MAX	123u	/* 6.12 */
#define MB_WRITE_BITS_MAX	1968u	/* 6.11 */
#define MB_RW_WRITE_MAX		121u	/* 6.17 */
#define MB_REQ_HEAD		10u	/* bytes of a request that its reply is checked against, at most */

enum mb_fc {
	MB_FC_READ_COILS = 1, MB_FC_READ_DISCRETE = 2, MB_FC_READ_HOLDING = 3, MB_FC_READ_INPUT = 4,
	MB_FC_WRITE_COIL = 5, MB_FC_WRITE_REG = 6, MB_FC_WRITE_COILS = 15, MB_FC_WRITE_REGS = 16,
	MB_FC_MASK_WRITE = 22, MB_FC_READ_WRITE = 23, MB_FC_MEI = 43,
};
#define MB_EXCEPTION_BIT 0x80u
#define MB_MEI_DEVICE_ID 0x0Eu

enum mb_exception {		/* 7 */
	MB_EX_FUNCTION = 1, MB_EX_ADDRESS = 2, MB_EX_VALUE = 3, MB_EX_DEVICE = 4, MB_EX_ACK = 5, MB_EX_BUSY = 6,
	MB_EX_NAK = 7, MB_EX_PARITY = 8, MB_EX_PATH = 10, MB_EX_TARGET = 11,
};

enum mb_table { MB_COIL, MB_DISCRETE, MB_INPUT, MB_HOLDING, MB_TABLES };

static inline bool mb_table_bits(enum mb_table t) { return t == MB_COIL || t == MB_DISCRETE; }
uint8_t mb_read_fc(enum mb_table t);
/* "holding" and the like, static. */
const char *mb_table_name(enum mb_table t);
/* Name of a function or exception code for people, static; unknown ones are called "function" / "exception". */
const char *mb_fc_name(uint8_t fc);
const char *mb_exception_name(uint8_t code);
/* What a person can do about an exception, static, one sentence. */
const char *mb_exception_remedy(uint8_t code);

/* Requests. Counts must lie within the limits above; w fails with ERR_FULL when there is no room. */
void mb_put_read(struct writer *w, uint8_t fc, uint16_t reg0, uint16_t n);		/* 6.1 to 6.4 */
void mb_put_write_coil(struct writer *w, uint16_t reg0, bool on);			/* 6.5 */
void mb_put_write_reg(struct writer *w, uint16_t reg0, uint16_t v);			/* 6.6 */
/* bits: n bits, the first is bit 0 of the first byte. 6.11 */
void mb_put_write_coils(struct writer *w, uint16_t reg0, uint16_t n, const uint8_t *bits);
/* regs: n registers as on the wire, 2 n bytes. 6.12 */
void mb_put_write_regs(struct writer *w, uint16_t reg0, uint16_t n, const uint8_t *regs);
/* The device makes (old AND and_mask) OR (or_mask AND NOT and_mask). 6.16 */
void mb_put_mask_write(struct writer *w, uint16_t reg0, uint16_t and_mask, uint16_t or_mask);
/* Writes first, then reads. 6.17 */
void mb_put_read_write(struct writer *w, uint16_t read0, uint16_t nread, uint16_t write0, uint16_t nwrite, const uint8_t
    *regs);
/* code: 1 basic, 2 regular, 3 extended, 4 the one object. 6.21 */
void mb_put_device_id(struct writer *w, uint8_t code, uint8_t object);

struct mb_reply {
	uint8_t		 fc;		/* of the request */
	uint8_t		 exception;	/* 0: a normal reply */
	const uint8_t	*data;		/* what was read, borrowed; NULL for writes */
	uint16_t	 len;
};

/*
 * Parse one reply PDU (all of r) as the answer to a request.
 *
 * req  borrowed, the first bytes of the request PDU, MB_REQ_HEAD or as many as it has
 * Returns 0 also for an exception; ERR_SHORT, ERR_LONG, ERR_PROTO when it cannot be the answer to req (other
 * function, wrong byte count, wrong echo).
 */
int mb_parse_reply(const uint8_t *req, size_t req_len, struct reader *r, struct mb_reply *out);

struct mb_device_id {
	uint8_t	code, conformity, next, count;
	bool	more;
};
/* Head of a device identification reply, as given in mb_reply.data, then `count` objects. 0 or ERR_PROTO, ERR_SHORT. */
int mb_parse_device_id(struct reader *r, struct mb_device_id *out);
/* One object; text borrowed. 0 or ERR_SHORT. */
int mb_parse_device_object(struct reader *r, uint8_t *id, const char **text, uint8_t *len);

#endif
