/*
 * The server's request parser: whatever comes on a Modbus TCP or RTU connection. First byte: framing and how the rest
 * is cut into pieces. Every answer must be a frame that fits.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/mbs_frame.h"
#include "sim/points.h"
#include "sim/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sim_line line;
static struct sim_image image;

static void
answer(enum mbs_framing f, const struct mbs_unit *u, const struct mbs_adu *adu)
{
	uint8_t pdu[MBS_PDU_MAX];
	struct sim_reply r;
	struct sim_rng dice;
	enum sim_fault_kind kind = (enum sim_fault_kind)(adu->tid % SIM_FAULT_KINDS);
	struct sim_fault fault = { .kind = kind, .arg = 4, .percent = 100 };
	size_t len = mbs_answer(u, adu->pdu, adu->pdu_len, pdu);

	if (len > MBS_PDU_MAX || (len == 0) != (adu->pdu_len == 0))
		abort();
	if (len > 0 && (pdu[0] & 0x7F) != (adu->pdu[0] & 0x7F))
		abort();
	sim_rng_init(&dice, 1, 1);
	sim_reply_make(&fault, f, adu, pdu, len, &dice, &r);
	if (r.len > sizeof r.bytes || r.split > r.len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const ids[MBS_IDS] = { "a", "b", "c", "d", "e", "f", "g" };
	const struct mbs_unit u = { &image, sim_image_read, sim_image_write, ids };
	struct mbs_adu adu;
	int n;

	if (size == 0)
		return 0;
	sim_line_init(&line, 1);
	sim_image_init(&image, &line, SIM_FILLER);
	enum mbs_framing f = data[0] & 1 ? MBS_RTU : MBS_TCP;
	for (data++, size--; size > 0; data += n, size -= (size_t)n) {
		n = mbs_next(f, data, size, &adu);
		if (n <= 0)
			break;
		if ((size_t)n > size || adu.pdu < data || adu.pdu + adu.pdu_len > data + n || adu.pdu_len > MBS_PDU_MAX)
			abort();
		answer(f, &u, &adu);
	}
	if (f == MBS_RTU && mbs_rtu_silence(data, size, &adu))
		answer(f, &u, &adu);
	return 0;
}
