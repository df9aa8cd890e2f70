/*
 * From the right answer to what really leaves: framing, and the fault of the moment. Pure: bytes in, bytes and a
 * schedule out, so every fault is tested without a socket.
 */
#ifndef SIM_REPLY_H
#define SIM_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "sim/fault.h"
#include "sim/mbs_frame.h"

#define SIM_REPLY_MAX (2 * MBS_ADU_MAX)

enum sim_then { SIM_KEEP, SIM_CLOSE, SIM_RESET };

struct sim_reply {
	uint8_t		bytes[SIM_REPLY_MAX];
	size_t		len;		/* 0: nothing is sent */
	size_t		split;		/* send so many bytes first, the rest split_ms later; 0: all at once */
	uint32_t	delay_ms, split_ms;
	enum sim_then	then;		/* with the connection, after the last byte */
};

/*
 * f     the fault that acts, NULL for none
 * req   the request; only its transaction id and unit are looked at
 * pdu   the right answer, pdu_len <= MBS_PDU_MAX; 0: there is none (a dead unit)
 */
void sim_reply_make(const struct sim_fault *f, enum mbs_framing framing, const struct mbs_adu *req, const uint8_t *pdu,
    size_t pdu_len, struct sim_rng *dice, struct sim_reply *out);

#endif
