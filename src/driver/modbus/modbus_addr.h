/*
 * Addresses of Modbus tags as people write them:
 *
 *	place [.bit] [type] [[count]] option...
 *
 *	holding 100 float32        table and register,
    counted from the source's address-base (0 unless it says otherwise)
 *	40101 float32              5 or 6 digits: the first is the table,
    the rest counts from 1 (register 100 on the wire)
 *	%MW100 int16               IEC style, as on the wire: %MW holding, %IW input, %M coil, %I discrete
 *	holding 0x64, 0x64         hex, as on the wire; without a table it is a holding register
 *	coil 5, discrete 7         bits; type bool
 *	holding 100.3              one bit of a register, bit 0 is the least significant; also 40101:3
 *	input 3 uint16             a register without a type is a uint16
 *	holding 100 float32[10]    an array; 8-bit elements are packed two a register; bool[20] are bits from bit 0 on
 *	holding 10 string 16 chars text, or "string 8 registers"
 *	holding 7 bcd32            four decimal digits a register
 *
 * Options: abcd cdab badc dcba (order of the bytes, against the source's word-order), low-byte high-byte (of an 8-bit
 * value), low-first high-first (characters within a register), sunspec (the reserved 'not implemented' values are bad).
 * Case does not matter.
 */
#ifndef DRIVER_MODBUS_ADDR_H
#define DRIVER_MODBUS_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver/modbus/modbus_pdu.h"
#include "model/value.h"

/* Order of bytes on the wire, A the most significant; for 64 bits the same swaps over four registers. */
enum mb_order { MB_ABCD, MB_CDAB, MB_BADC, MB_DCBA, MB_ORDERS };

enum mb_kind {			/* how the bytes of one element are to be understood */
	MB_K_BIT,		/* of a coil or discrete input */
	MB_K_REG_BIT,
	MB_K_U8, MB_K_I8, MB_K_U16, MB_K_I16, MB_K_U32, MB_K_I32, MB_K_U64, MB_K_I64, MB_K_F32, MB_K_F64,
	MB_K_BCD16, MB_K_BCD32, MB_K_TEXT, MB_KINDS
};

struct mb_addr {
	uint8_t		table;		/* enum mb_table */
	uint8_t		kind;		/* enum mb_kind */
	uint8_t		order;		/* enum mb_order */
	uint8_t		type;		/* value type of an element before scaling */
	uint16_t	reg0;		/* first register or bit, as on the wire */
	uint16_t	span;		/* registers or bits covered, at least 1; reg0 + span <= 65536 */
	uint16_t	count;		/* elements of an array; characters of a text; 0: scalar */
	uint8_t		bit;		/* MB_K_REG_BIT: bit of the first register */
	bool		high_byte;	/* scalar MB_K_U8, MB_K_I8 */
	bool		low_first;	/* characters and packed bytes: low byte of the register first */
	bool		sunspec;
};

/* What the source says where the address is silent. */
struct mb_addr_rules {
	int		base;		/* 0 or 1 */
	uint8_t		order;
	bool		low_first, sunspec;
	uint16_t	regs_max, bits_max;	/* the most that one request may ask for */
};

/* 0, or ERR_SYNTAX, ERR_RANGE, ERR_LIMIT, ERR_TYPE with cause and remedy in why (size bytes, always NUL-ended). */
int mb_addr_parse(const char *at, const struct mb_addr_rules *rules, struct mb_addr *out, char *why, size_t size);
/* Value type of the whole address, VALUE_ARRAY included. */
uint8_t mb_addr_type(const struct mb_addr *a);

#endif
