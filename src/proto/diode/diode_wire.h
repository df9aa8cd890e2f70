/*
 * What the two ends of a one-way link put on the wire: UDP datagrams that stand alone, since nothing ever comes back. Sans I/O. All numbers are
 * little-endian, every datagram carries all that is needed to judge it.
 *
 *	offset	bytes
 *	0	4	"PNSD"
 *	4	1	version, 1
 *	5	1	flags: 1 control; others 0
 *	6	2	key epoch: which of the pre-placed keys made the MAC
 *	8	8	session: random, one a life of the sending process
 *	16	8	serial: counts the datagrams of the session from 0, so that the receiver knows how many are missing
 *	24	4	stream: a flow, within the session; never used again in it. 0 for control
 *	28	8	block of the stream, from 0, never wraps. 0 for control
 *	36	2	symbol: 0..used-1 data, used..used+p-1 repair. 0 for control
 *	38	2	size: bytes of this symbol, equal for all of the block; of the message for control
 *	40	1	k: most data symbols of a block		these four are the parameters of the session; a receiver that was set up
 *	41	1	p: repair symbols of a block		for others refuses, see diode_recv.h
 *	42	1	depth: blocks that are interleaved
 *	43	1	used: data symbols of this block, 1..k. 0 for control
 *	44	2	symbol size at most, a parameter as well
 *	46	2	0
 *	48	size	the symbol, or the message (diode_control.h)
 *	48+size	16	HMAC-SHA-256 over all before, its first 16 bytes
 *
 * A *block* is `used` data symbols and p repair symbols; any `used` of them give it back (diode_fec.h). Its data symbols, one behind the other:
 *
 *	0	4	length of the content
 *	4	4	offset in the content at which the first record begins, 0xffffffff: none begins here
 *	8	4	CRC-32C over stream (4), block (8) and content
 *	12	...	content: the next bytes of the stream's records (diode_record.h); zeros up to used * size
 */
#ifndef PROTO_DIODE_WIRE_H
#define PROTO_DIODE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIODE_VERSION		1u
#define DIODE_HEAD		48u
#define DIODE_MAC		16u
#define DIODE_OVER		(DIODE_HEAD + DIODE_MAC)
#define DIODE_DATAGRAM_MIN	256u
#define DIODE_DATAGRAM_MAX	8972u	/* of UDP in a jumbo frame */
#define DIODE_K_MAX		128u
#define DIODE_P_MAX		64u
#define DIODE_SYMBOLS_MAX	(DIODE_K_MAX + DIODE_P_MAX)
#define DIODE_DEPTH_MAX		16u
#define DIODE_BLOCK_HEAD	12u
#define DIODE_NO_RECORD		0xffffffffu
#define DIODE_STREAMS_MAX	64u	/* of one session at one time */

/* What both ends must be set up for alike. */
struct diode_params { uint8_t k, p, depth; uint16_t size; };

struct diode_head {
	bool			control;
	uint16_t		epoch;
	uint64_t		session, serial;
	uint32_t		stream;
	uint64_t		block;
	uint16_t		symbol, size;
	uint8_t			used;
	struct diode_params	params;
};

/* Are these within the limits? */
bool diode_params_ok(const struct diode_params *p);
bool diode_params_same(const struct diode_params *a, const struct diode_params *b);
/* Write the header into out[DIODE_HEAD]. */
void diode_head_put(const struct diode_head *h, uint8_t out[DIODE_HEAD]);
/*
 * Take a datagram apart, its MAC not looked at. The symbol stands at p + DIODE_HEAD, the MAC behind it. 0; ERR_SHORT, ERR_LONG (of another length
 * than it says), ERR_PROTO (none of ours, or what cannot be), ERR_VERSION, ERR_RANGE.
 */
int diode_head_get(const uint8_t *p, size_t len, struct diode_head *out);

#endif
