/*
 * The life of a request: what a source asks next, its bytes out, its end by a reply or a deadline. Whose turn it is:
 * modbus_turn.c.
 */
#include "driver/modbus/modbus.h"

#include "model/status.h"

static enum mb_job
next_job(const struct mb_src *s)
{
	/*
	 * While a late reply may come only the repetition of its request goes out: for that one it is the right answer.
	 */
	if (s->owed > 0 && s->q_head != MB_NONE && s->blocks[s->q_head].tries > 0)
		return MB_JOB_SCAN;
	if (s->w_count > 0 && !s->w_flight)
		return MB_JOB_WRITE;
	if (s->read.active && !s->read.flight)
		return MB_JOB_READ;
	if (s->q_head != MB_NONE)
		return MB_JOB_SCAN;
	return MB_JOB_PROBE;
}

/* The cheapest question that tells whether the unit lives: one tag, not one that it refuses if there is another. */
static void
probe_request(struct mb_src *s, struct writer *w)
{
	const struct mb_tag *t = NULL;

	for (uint32_t i = 0; i < s->ntags && (t == NULL || t->isolated); i++)
		if (!s->tags[i].broken)
			t = &s->tags[i];
	if (t == NULL)
		mb_put_read(w, MB_FC_READ_HOLDING, 0, 1);
	else
		mb_put_read(w, mb_read_fc(t->op.a.table), t->op.a.reg0, t->op.a.span);
}

static void
put_request(struct mb_src *s, enum mb_job job, struct writer *w)
{
	const struct mb_block *b;

	switch (job) {
	case MB_JOB_WRITE:
		mb_write_request(s, w);
		break;
	case MB_JOB_READ:
		mb_put_read(w, mb_read_fc(s->tags[s->read.first].op.a.table), s->read.reg0, s->read.count);
		break;
	case MB_JOB_SCAN:
		b = &s->blocks[s->q_head];
		mb_put_read(w, mb_read_fc(b->table), b->reg0, b->count);
		break;
	default:
		probe_request(s, w);
	}
}

/* The job is on its way: take it from where it waited. */
static void
commit(struct mb_src *s, struct mb_slot *slot)
{
	switch (slot->job) {
	case MB_JOB_WRITE:
		s->w_flight = true;
		break;
	case MB_JOB_READ:
		s->read.flight = true;
		s->read.tid = slot->tid;
		break;
	case MB_JOB_SCAN:
		slot->block = s->q_head;
		s->q_head = s->blocks[slot->block].qnext;
		s->blocks[slot->block].state = MB_FLIGHT;
		break;
	default:
		s->probe_flight = true;
	}
}

/* Length of the reply that is expected, for the time it takes on a line. */
static size_t
reply_bytes(const uint8_t *pdu)
{
	unsigned n = (unsigned)pdu[3] << 8 | pdu[4];

	switch (pdu[0]) {
	case MB_FC_READ_COILS: case MB_FC_READ_DISCRETE:
		return 5 + (n + 7) / 8;
	case MB_FC_READ_HOLDING: case MB_FC_READ_INPUT: case MB_FC_READ_WRITE:
		return 5 + 2 * n;
	default:
		return 10;
	}
}

static struct mb_slot *
free_slot(struct mb_link *l)
{
	uint32_t i = 0;
	while (l->slots[i].job != MB_JOB_NONE)
		i++;	/* ends: flight < window <= MB_WINDOW_MAX */
	return &l->slots[i];
}

/* A broadcast gets no answer: it is done when it is sent, and the units need time for it. Serial Line V1.02, 2.4.1. */
static void
broadcast_sent(struct mb_link *l, struct mb_src *s, size_t len)
{
	l->line_free = mono_add(l->now, l->char_ns * (int64_t)len + s->conf.turnaround_ns);
	mb_write_end(l, s, 0, "broadcast: sent, nobody confirms it");
}

/* Send the next job of a source. False when the link takes no more. */
static bool
send_one(struct mb_link *l, struct mb_src *s)
{
	uint8_t pdu[MB_PDU_MAX], adu[MB_ADU_MAX];
	struct writer w = wr_init(pdu, sizeof pdu);
	enum mb_job job = next_job(s);

	put_request(s, job, &w);
	uint16_t tid = (uint16_t)(l->tid + 1);
	size_t len = mb_frame(l->framing, tid, s->conf.unit, pdu, wr_len(&w), adu);
	if (l->h->send(l->h, adu, len) != 0) {
		l->line_free = mono_add(l->now, MB_FULL_NS);
		return false;
	}
	l->tid = tid;
	s->counts.requests++;
	if (s->trace)
		l->h->frame(l->h, s->index, true, adu, len, "");
	if (job == MB_JOB_WRITE && mb_broadcast(l, s)) {
		broadcast_sent(l, s, len);
		return true;
	}
	struct mb_slot *slot = free_slot(l);
	*slot = (struct mb_slot){ .job = job, .src = s->index, .block = MB_NONE, .tid = tid, .unit = s->conf.unit,
	    .sent = l->now,
	    .req_len = (uint8_t)(wr_len(&w) < MB_REQ_HEAD ? wr_len(&w) : MB_REQ_HEAD), .echo_due = l->echo };
	memcpy(slot->req, pdu, slot->req_len);
	slot->deadline = mono_add(l->now, s->conf.timeout_ns + l->char_ns * (int64_t)(len + reply_bytes(pdu)));
	l->flight++;
	commit(s, slot);
	return true;
}

void
mb_pump(struct mb_link *l)
{
	/*
	 * Ends: each turn uses up a slot, moves line_free past now (broadcast, full link), finds no source or takes one that
	 * has nothing left off the list.
	 */
	while (l->up && !l->resetting && l->flight < l->window && !mono_before(l->now, l->line_free)) {
		struct mb_src *s = mb_turn(l);
		if (s == NULL)
			break;
		mb_write_expire(l, s);
		if (mb_wants_turn(s) && !send_one(l, s))
			break;
		mb_turn_taken(l, s);
	}
}

void
mb_free_slot(struct mb_link *l, struct mb_slot *slot)
{
	struct mb_src *s = &l->src[slot->src];

	slot->job = MB_JOB_NONE;
	l->flight--;
	if (l->framing == MB_RTU)
		l->line_free = mono_add(l->now, l->silence_ns);
	if (s->conf.request_gap_ns > 0)
		s->not_before = mono_add(l->now, s->conf.request_gap_ns);
}

void
mb_reset(struct mb_link *l, const char *why)
{
	if (l->resetting)
		return;
	l->resetting = true;
	l->h->reset(l->h, why);
}

static void
note_outcome(struct mb_link *l, struct mb_src *s, const struct mb_slot *slot, enum outcome o)
{
	int64_t took = mono_diff(l->now, slot->sent);
	l->h->outcome(l->h, s->index, o, o == OUTCOME_OK || o == OUTCOME_REFUSED ? took : 0, took);
}

static bool gateway_silent(uint8_t exception) { return exception == MB_EX_PATH || exception == MB_EX_TARGET; }

void
mb_answered(struct mb_link *l, struct mb_slot *slot, const uint8_t *pdu, size_t len, const uint8_t *frame, size_t
    frame_len)
{
	struct mb_src *s = &l->src[slot->src];
	struct reader r = rd_init(pdu, len);
	struct mb_reply reply;

	if (mb_parse_reply(slot->req, slot->req_len, &r, &reply) != 0) {
		mb_failed(l, slot, MB_FAULT_GARBAGE, frame, frame_len);
		return;
	}
	struct mb_slot was = *slot;
	mb_free_slot(l, slot);
	/* Two requests, one reply: the other may still come. */
	if (s->owed > 0 && mono_before(l->now, s->owed_until))
		s->not_before = s->owed_until;
	l->timeouts_row = 0;
	s->counts.replies++;
	s->counts.exceptions += reply.exception != 0;
	if (gateway_silent(reply.exception))
		s->timeouts_row++;	/* the gateway lives, the unit behind it does not */
	else
		s->timeouts_row = 0;
	if (s->trace)
		l->h->frame(l->h, s->index, false, frame, frame_len, "");
	note_outcome(l, s, &was,
	    reply.exception == 0 ? OUTCOME_OK : gateway_silent(reply.exception) ? OUTCOME_TIMEOUT : OUTCOME_REFUSED);
	switch (was.job) {
	case MB_JOB_SCAN:	mb_scan_reply(l, s, &was, &reply, frame, frame_len); break;
	case MB_JOB_PROBE:	mb_probe_end(l, s); break;
	case MB_JOB_READ:	mb_read_reply(l, s, &reply); break;
	default:		mb_write_reply(l, s, &reply); break;
	}
	mb_enlist(l, s);
}

/*
 * After silence: is it the connection that is dead? A line cannot be reset, and one dead unit of several must not reset
 * it.
 */
static void
judge_silence(struct mb_link *l, struct mb_src *s)
{
	l->timeouts_row++;
	s->timeouts_row++;
	if (l->framing == MB_RTU)
		return;
	int64_t enough = l->reset_after * (l->nsrc > 1 ? 2 : 1);
	if (l->timeouts_row >= enough)
		mb_reset(l, l->nsrc > 1 ? "no unit on this connection answers" :
		    "the device does not answer on this connection");
}

/*
 * Without transaction ids a late reply would pass for that of the next request of the same shape: the unit is left
 * alone for as long again as it had to answer, or until what it owes has come (modbus_rx.c, foreign).
 */
static void
reply_owed(struct mb_link *l, struct mb_src *s)
{
	s->owed = mono_before(l->now, s->owed_until) ? s->owed + 1 : 1;
	s->not_before = s->owed_until = mono_add(l->now, s->conf.timeout_ns);
	if (s->missing < MB_MISSING_MAX)
		s->missing++;
}

void
mb_failed(struct mb_link *l, struct mb_slot *slot, enum mb_fault fault, const uint8_t *frame, size_t frame_len)
{
	struct mb_src *s = &l->src[slot->src];
	struct mb_slot was = *slot;

	mb_free_slot(l, slot);
	if (s->trace && frame_len > 0)
		l->h->frame(l->h, s->index, false, frame, frame_len, "damaged, or no answer to the request");
	if (fault == MB_FAULT_TIMEOUT) {
		s->counts.timeouts++;
		note_outcome(l, s, &was, OUTCOME_TIMEOUT);
		judge_silence(l, s);
		if (l->framing != MB_TCP)
			reply_owed(l, s);
	} else if (fault == MB_FAULT_GARBAGE) {
		s->counts.garbage++;
		note_outcome(l, s, &was, OUTCOME_GARBAGE);
	}
	switch (was.job) {
	case MB_JOB_SCAN:	mb_scan_fault(l, s, &was, fault, frame, frame_len); break;
	case MB_JOB_PROBE:	mb_probe_end(l, s); break;
	case MB_JOB_READ:	mb_read_fault(l, s, fault); break;
	default:		mb_write_fault(l, s, fault); break;
	}
	mb_enlist(l, s);
}

/*
 * Reference: timeouts and gateways' 10, 11: no communication; 1 to 3 are about what was asked for; 5, 6: the device is
 * busy.
 */
uint32_t
mb_fault_status(enum mb_fault fault, uint8_t exception)
{
	if (fault == MB_FAULT_TIMEOUT || fault == MB_FAULT_LINK)
		return (uint32_t)STATUS_BadNoCommunication;
	if (fault == MB_FAULT_GARBAGE)
		return (uint32_t)STATUS_BadCommunicationError;
	switch (exception) {
	case MB_EX_FUNCTION: case MB_EX_ADDRESS: case MB_EX_VALUE:
		return (uint32_t)STATUS_BadConfigurationError;
	case MB_EX_ACK: case MB_EX_BUSY:
		return (uint32_t)STATUS_BadResourceUnavailable;
	case MB_EX_PATH: case MB_EX_TARGET:
		return (uint32_t)STATUS_BadNoCommunication;
	default:
		return (uint32_t)STATUS_BadDeviceFailure;
	}
}
