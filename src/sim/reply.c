/* See reply.h. */
#include "sim/reply.h"

#include <string.h>

/* Faults of the message: change the ids or the PDU before it is framed. */
static size_t
spoil_message(const struct sim_fault *f, struct mbs_adu *as, enum mbs_framing framing, uint8_t *pdu, size_t len)
{
	switch (f->kind) {
	case SIM_FAULT_WRONG_TID:
		as->tid++;
		if (framing == MBS_RTU)
			as->unit++;
		return len;
	case SIM_FAULT_WRONG_UNIT:
		as->unit++;
		return len;
	case SIM_FAULT_WRONG_FC:
		pdu[0] = (uint8_t)((pdu[0] & 0x80) | (pdu[0] == 3 ? 4 : 3));
		return len;
	case SIM_FAULT_EXCEPTION:
		pdu[0] |= 0x80;
		pdu[1] = (uint8_t)f->arg;
		return 2;
	case SIM_FAULT_TRUNCATE:
		return len > 3 ? len - 2 : len - 1;
	default:
		return len;
	}
}

static void
spoil_frame(const struct sim_fault *f, enum mbs_framing framing, struct sim_rng *dice, struct sim_reply *r)
{
	switch (f->kind) {
	case SIM_FAULT_DELAY:
		r->delay_ms = f->arg;
		break;
	case SIM_FAULT_SHORT:
		r->len /= 2;
		break;
	case SIM_FAULT_GARBAGE:
		r->len = 1 + sim_rng_u64(dice) % 64;
		for (size_t i = 0; i < r->len; i++)
			r->bytes[i] = (uint8_t)sim_rng_u64(dice);
		break;
	case SIM_FAULT_BAD_CHECK:
		r->bytes[framing == MBS_TCP ? 3 : r->len - 1] ^= 0x5A;
		break;
	case SIM_FAULT_DUPLICATE:
		memcpy(r->bytes + r->len, r->bytes, r->len);
		r->len *= 2;
		break;
	case SIM_FAULT_SPLIT:
		r->split = r->len / 2;
		r->split_ms = f->arg;
		break;
	case SIM_FAULT_CLOSE:
		r->len /= 2;
		r->then = SIM_CLOSE;
		break;
	default:
		break;
	}
}

void
sim_reply_make(const struct sim_fault *f, enum mbs_framing framing, const struct mbs_adu *req, const uint8_t *pdu,
    size_t pdu_len, struct sim_rng *dice, struct sim_reply *out)
{
	uint8_t spoilt[MBS_PDU_MAX];
	struct mbs_adu as = *req;

	out->len = out->split = 0;
	out->delay_ms = out->split_ms = 0;
	out->then = SIM_KEEP;
	if (f != NULL && (f->kind == SIM_FAULT_RESET || f->kind == SIM_FAULT_REFUSE))
		out->then = SIM_RESET;
	if (pdu_len == 0 || out->then == SIM_RESET)
		return;
	if (f == NULL) {
		out->len = mbs_wrap(framing, req->tid, req->unit, pdu, pdu_len, out->bytes);
		return;
	}
	if (f->kind == SIM_FAULT_SILENCE || f->kind == SIM_FAULT_HALF_OPEN)
		return;
	memcpy(spoilt, pdu, pdu_len);
	pdu_len = spoil_message(f, &as, framing, spoilt, pdu_len);
	out->len = mbs_wrap(framing, as.tid, as.unit, spoilt, pdu_len, out->bytes);
	spoil_frame(f, framing, dice, out);
}
