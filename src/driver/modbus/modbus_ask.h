/*
 * One question at a time, over any of the three framings: what tools need that try a device and run no plant. The
 * engine proper is modbus.h; this knows no scans, no repetitions and no health.
 */
#ifndef DRIVER_MODBUS_ASK_H
#define DRIVER_MODBUS_ASK_H

#include "driver/driver.h"
#include "driver/modbus/modbus_frame.h"
#include "driver/modbus/modbus_keys.h"

struct mb_ask {
	struct driver_host	*h;
	enum mb_framing		 framing;
	int64_t			 char_ns, silence_ns;	/* serial lines: one character, the pause between frames */
	bool waiting, held; /* for a reply; held: the request waits for the line to have been silent */
	struct mono		 line_free;
	uint8_t			 adu[MB_ADU_MAX];	/* of the request */
	size_t			 adu_len;
	uint8_t			 unit;
	uint16_t		 tid;
	uint8_t			 req[MB_REQ_HEAD];
	size_t			 req_len;
	struct mono		 sent, deadline;
	int64_t			 timeout_ns;
	uint8_t			 rx[2 * MB_ADU_MAX];
	size_t			 rx_len;
	uint8_t			 pdu[MB_PDU_MAX];	/* of the reply; mb_reply.data points into it */
};

enum mb_answer {
	MB_ANSWER_WAIT,		/* nothing yet */
	MB_ANSWER_REPLY,	/* a reply or an exception */
	MB_ANSWER_GARBAGE,	/* from the unit that was asked, but no answer to the question */
	MB_ANSWER_SILENCE,	/* the deadline passed */
};

void mb_ask_init(struct mb_ask *a, enum mb_framing f, const struct mb_conf *c, struct driver_host *h);
/*
 * Send one request PDU, of at most MB_REQ_HEAD bytes. What came before is forgotten. 0, or ERR_FULL when the link takes
 * nothing.
 */
int mb_ask_send(struct mb_ask *a, uint8_t unit, const struct writer *pdu, int64_t timeout_ns, struct mono now);
/*
 * Bytes arrived. On MB_ANSWER_REPLY *out is filled, valid until the next call. host.outcome is told of replies only:
 * silence is what a search expects, and must not make the engine give the link up.
 */
enum mb_answer mb_ask_input(struct mb_ask *a, const void *p, size_t len, struct mono now, struct mb_reply *out);
/* MB_ANSWER_SILENCE once the deadline is over. */
enum mb_answer mb_ask_tick(struct mb_ask *a, struct mono now);
static inline struct mono
mb_ask_next(const struct mb_ask *a)
{
	return !a->waiting ? MONO_NEVER : a->held ? a->line_free : a->deadline;
}

#endif
