/*
 * Values in registers: what a tag's bytes mean (decode), and the bytes that make a value (encode). All that does not
 * change between two scans is worked out once, into struct mb_op.
 */
#ifndef DRIVER_MODBUS_VALUE_H
#define DRIVER_MODBUS_VALUE_H

#include "driver/modbus/modbus_addr.h"
#include "site/plan.h"

/*
 * Room for any decoded text or array: 250 characters that each become two bytes, 2000 bools, 250 bytes scaled to
 * doubles.
 */
#define MB_SCRATCH	2048u

struct mb_op {
	struct mb_addr	 a;
	uint8_t		 out_type;	/* of the element as it leaves */
	bool		 plain;		/* scalar, no scaling, no conversion, no reserved values: the fast way */
	uint8_t		 width;		/* array whose elements leave as they are read: bytes of one; else 0 */
	bool		 scaled;
	bool		 nan_bad;	/* NaN and infinities are bad */
	double		 factor, divisor, offset;	/* raw * factor / divisor + offset; one of the first two is 1 */
	const struct enum_def *enumeration;	/* for out_type VALUE_TEXT from a number; borrowed */
};

/* t: borrowed for as long as the op is used. */
void mb_op_init(struct mb_op *op, const struct mb_addr *a, const struct tag *t, bool nan_bad);

/*
 * Decode one tag from a reply.
 *
 * data     what was read, from register or bit `base` on; the tag's span lies within
 * scratch  MB_SCRATCH bytes, aligned for a double; a text or array in *v points there
 * Returns the status; when it is bad, v is VALUE_NULL.
 */
uint32_t mb_decode(const struct mb_op *op, const uint8_t *data, uint16_t base, void *scratch, struct value *v);

struct mb_encoded {
	uint8_t		bytes[2 * MB_WRITE_REGS_MAX];	/* registers as on the wire, or packed bits */
	uint16_t	n;				/* registers or bits */
	bool		masked;				/* only some bits of one register change */
	uint16_t	and_mask, or_mask;		/* new = (old AND and_mask) OR or_mask */
};

/*
 * The bytes that make v at the tag's address, scaling undone. 0; ERR_RANGE, ERR_TYPE, ERR_LIMIT with cause and remedy
 * in why.
 */
int mb_encode(const struct mb_op *op, const struct value *v, struct mb_encoded *out, char *why, size_t size);

#endif
