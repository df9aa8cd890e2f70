/*
 * The answering side of Modbus, for simulated devices: one request PDU in, one response PDU out. It knows the limits
 * and the exceptions of the Modbus Application Protocol V1.1b3 and nothing of sockets or of what the registers mean.
 * It is written apart from the gateway's own Modbus engine on purpose: two that share code would share their mistakes.
 *
 * PDU: function code and data, without unit id, MBAP header or CRC. Addresses are protocol addresses, 0-based.
 */
#ifndef SIM_MBS_PDU_H
#define SIM_MBS_PDU_H

#include <stddef.h>
#include <stdint.h>

#define MBS_PDU_MAX	253	/* V1.1b3, 4.1 */
#define MBS_BITS_MAX	2000	/* most values that one request can read: 6.1, 6.2 */

enum mbs_table { MBS_COIL, MBS_DISCRETE, MBS_INPUT, MBS_HOLDING, MBS_TABLES };

/* V1.1b3, 7 */
enum mbs_exception {
	MBS_OK			= 0,
	MBS_ILLEGAL_FUNCTION	= 1,
	MBS_ILLEGAL_ADDRESS	= 2,
	MBS_ILLEGAL_VALUE	= 3,
	MBS_DEVICE_FAILURE	= 4,
	MBS_BUSY		= 6,
	MBS_NO_ANSWER		= 0x0B,	/* gateway target device failed to respond */
};

/* Device identification, 6.21: vendor, product code, revision, vendor URL, product name, model, application name. */
#define MBS_IDS		7

struct mbs_unit {
	void	*arg;			/* borrowed, handed to the functions below */
	/* n values from addr0 on; bits are 0 or 1. The range lies within 0..65535. Returns MBS_OK or an exception. */
	int	(*read)(void *arg, enum mbs_table table, uint16_t addr0, uint16_t n, uint16_t *out);
	/* All n or none. NULL: nothing is writable. */
	int	(*write)(void *arg, enum mbs_table table, uint16_t addr0, uint16_t n, const uint16_t *values);
	const char *const	*ids;	/* MBS_IDS texts; NULL: no identification */
};

/*
 * Answer one request. A request that the unit refuses gets an exception response, so there is always an answer, except
 * for an empty request (0).
 *
 * out   borrowed, MBS_PDU_MAX bytes
 * Returns the length of the response. Never blocks, never allocates.
 */
size_t mbs_answer(const struct mbs_unit *u, const uint8_t *req, size_t len, uint8_t *out);

#endif
