/*
 * How PDUs travel: the MBAP header of Modbus TCP (Messaging on TCP/IP V1.0b, 3.1.3) and the RTU frame of a serial line
 * (Modbus over Serial Line V1.02, 2.5.1), seen from the server, so what is framed here are requests. Nothing is owned
 * or allocated; a found frame points into the caller's bytes.
 */
#ifndef SIM_MBS_FRAME_H
#define SIM_MBS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/mbs_pdu.h"

#define MBS_TCP_MAX	260	/* MBAP 7 + PDU 253 */
#define MBS_RTU_MAX	256	/* address 1 + PDU 253 + CRC 2 */
#define MBS_ADU_MAX	MBS_TCP_MAX

enum mbs_framing { MBS_TCP, MBS_RTU };

struct mbs_adu {
	uint16_t	 tid;		/* transaction id, 0 on RTU */
	uint8_t		 unit;
	const uint8_t	*pdu;		/* borrowed */
	size_t		 pdu_len;
};

/* CRC-16 of the RTU frame: reflected 0xA001, start 0xFFFF; sent low byte first. V1.02, 6.2.2. */
uint16_t mbs_crc(const uint8_t *p, size_t len);

/*
 * The first request in len received bytes. Returns the bytes that it takes up, 0 when more must come, ERR_PROTO when
 * these bytes are no request: on TCP the connection is of no more use, on RTU wait for silence and forget them.
 * An RTU request whose function code does not tell its length gives 0 until the silence, see mbs_rtu_silence().
 */
int mbs_next(enum mbs_framing f, const uint8_t *p, size_t len, struct mbs_adu *out);

/* The line has been quiet for 3.5 characters: is what stands here one whole frame? */
bool mbs_rtu_silence(const uint8_t *p, size_t len, struct mbs_adu *out);

/* Frame a response PDU (pdu_len <= MBS_PDU_MAX) into out[MBS_ADU_MAX]. Returns the length. */
size_t mbs_wrap(enum mbs_framing f, uint16_t tid, uint8_t unit, const uint8_t *pdu, size_t pdu_len, uint8_t *out);

#endif
