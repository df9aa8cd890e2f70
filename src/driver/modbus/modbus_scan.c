/*
 * Scans: a block's reply becomes samples, a block's failure becomes bad samples, a repetition or a search. Each tag of
 * a class gets exactly one sample a scan; a class is finished when none of its blocks is queued or under way.
 */
#include "driver/modbus/modbus.h"

#include "model/status.h"

void
mb_queue_push(struct mb_src *s, uint32_t block, bool front)
{
	struct mb_block *b = &s->blocks[block];

	b->state = MB_QUEUED;
	if (s->q_head == MB_NONE) {
		b->qnext = MB_NONE;
		s->q_head = s->q_tail = block;
	} else if (front) {
		b->qnext = s->q_head;
		s->q_head = block;
	} else {
		b->qnext = MB_NONE;
		s->blocks[s->q_tail].qnext = block;
		s->q_tail = block;
	}
}

void
mb_emit(struct mb_link *l, struct mb_src *s, const struct mb_tag *t, uint32_t status, const struct value *v, uint8_t
    flags)
{
	l->h->sample(l->h, s->index, t->index, status, v, (struct wall){ 0 }, (struct wall){ 0 }, l->wall, flags);
}

void
mb_emit_bad(struct mb_link *l, struct mb_src *s, const struct mb_tag *t, uint32_t status, uint8_t flags)
{
	const struct value none = { .type = VALUE_NULL };
	mb_emit(l, s, t, status, &none, flags);
}

void
mb_trouble_note(struct mb_link *l, struct mb_trouble *t, const struct mb_slot *slot, enum mb_fault fault,
    uint8_t exception, const uint8_t *frame, size_t len)
{
	if (t->count++ == 0 || t->fault != fault || t->exception != exception)
		t->since = l->wall;
	t->last = l->wall;
	t->tid = slot != NULL ? slot->tid : 0;
	t->fault = (uint8_t)fault;
	t->exception = exception;
	t->reply_len = (uint8_t)(len < sizeof t->reply ? len : sizeof t->reply);
	if (t->reply_len > 0)
		memcpy(t->reply, frame, t->reply_len);
}

static uint32_t
block_status(const struct mb_block *b)
{
	return b->trouble.count == 0 ? (uint32_t)STATUS_BadWaitingForInitialData :
	    mb_fault_status(b->trouble.fault, b->trouble.exception);
}

static void
block_bad(struct mb_link *l, struct mb_src *s, const struct mb_block *b)
{
	for (uint32_t i = b->first; i < b->first + b->n; i++)
		mb_emit_bad(l, s, &s->tags[i], block_status(b), 0);
}

void
mb_class_finish(struct mb_link *l, struct mb_src *s, uint32_t class)
{
	struct mb_class *c = &s->classes[class];

	for (uint32_t i = c->blocks; i != MB_NONE; i = s->blocks[i].next)
		if (s->blocks[i].skipped) {
			s->blocks[i].skipped = false;
			block_bad(l, s, &s->blocks[i]);
		}
	for (uint32_t i = c->first; s->broken > 0 && i < c->first + c->n; i++)
		if (s->tags[i].broken)
			mb_emit_bad(l, s, &s->tags[i], (uint32_t)STATUS_BadConfigurationError, 0);
	c->busy = false;
	l->h->scan_done(l->h, s->index, class);
}

/* The block is over for this scan; its parents too, as far as it was the last they waited for. */
static void
block_end(struct mb_link *l, struct mb_src *s, uint32_t index, bool good)
{
	struct mb_class *c = &s->classes[s->blocks[index].scan_class];
	uint32_t class = s->blocks[index].scan_class;

	s->blocks[index].state = MB_IDLE;
	while ((index = mb_half_done(s, index, good)) != MB_NONE)
		good = false;	/* a block that had to be cut is not good, whatever its halves gave */
	if (--c->pending == 0)
		mb_class_finish(l, s, class);
}

void
mb_take(struct mb_link *l, struct mb_src *s, struct mb_tag *t, const uint8_t *data, uint16_t base, uint8_t flags)
{
	struct value v;
	uint32_t status = mb_decode(&t->op, data, base, l->scratch, &v);

	if (__builtin_expect(status != STATUS_Good, 0) && !mb_table_bits(t->op.a.table))
		memcpy(t->raw, data + 2 * (t->op.a.reg0 - base), t->op.a.span < 4 ? 2u * t->op.a.span : 8u);
	t->bad = status;
	mb_emit(l, s, t, status, &v, flags);
}

static void
block_good(struct mb_link *l, struct mb_src *s, uint32_t index, const uint8_t *data)
{
	struct mb_block *b = &s->blocks[index];
	bool bits = mb_table_bits(b->table);

	if (b->count > s->good_len[bits])
		s->good_len[bits] = b->count;
	b->ever_good = true;
	b->backoff_ns = 0;
	b->retry_at = (struct mono){ 0 };
	b->trouble.count = 0;
	for (struct mb_tag *t = &s->tags[b->first], *end = t + b->n; t < end; t++)
		mb_take(l, s, t, data, b->reg0, 0);
	if (s->isolated > 0)
		mb_deisolate(s, b, l->now);
	block_end(l, s, index, true);
}

/* Ask for it seldom from now on: each refusal doubles the pause. */
static void
back_off(struct mb_link *l, struct mb_src *s, struct mb_block *b)
{
	int64_t most = s->conf.isolated_ns * MB_BACKOFF_MAX;

	b->backoff_ns = b->backoff_ns == 0 ? s->conf.isolated_ns : b->backoff_ns < most / 2 ? 2 * b->backoff_ns : most;
	b->retry_at = mono_add(l->now, b->backoff_ns);
}

static void
block_fails(struct mb_link *l, struct mb_src *s, uint32_t index)
{
	block_bad(l, s, &s->blocks[index]);
	block_end(l, s, index, false);
}

static void
repeat(struct mb_link *l, struct mb_src *s, uint32_t index)
{
	s->blocks[index].tries++;
	mb_queue_push(s, index, true);
	struct mono at = mono_add(l->now, s->conf.retry_delay_ns);
	if (mono_before(s->not_before, at))
		s->not_before = at;
}

/* Exceptions 2 and 3 are about what was asked for: find out which part of it. */
static void
refused(struct mb_link *l, struct mb_src *s, uint32_t index, uint8_t exception)
{
	struct mb_block *b = &s->blocks[index];
	uint32_t kids[2];

	/* A second chance before it is taken apart: the device may be in a passing state. Halves are asked once. */
	if (b->parent == MB_NONE && b->tries == 0 && (b->n > 1 || b->ever_good)) {
		repeat(l, s, index);
		return;
	}
	if (b->n > 1 && mb_split(s, index, kids)) {
		b->refusal = exception;
		s->classes[b->scan_class].pending++;
		mb_queue_push(s, kids[1], true);
		mb_queue_push(s, kids[0], true);
		return;
	}
	mb_isolate(s, b);
	back_off(l, s, b);
	s->classes[b->scan_class].replan = true;
	block_fails(l, s, index);
}

void
mb_scan_abandon(struct mb_link *l, struct mb_src *s, enum mb_fault fault)
{
	/* Ends: each turn takes one from the queue, and none is put back. */
	while (s->q_head != MB_NONE) {
		uint32_t index = s->q_head;
		s->q_head = s->blocks[index].qnext;
		mb_trouble_note(l, &s->blocks[index].trouble, NULL, fault, 0, NULL, 0);
		block_fails(l, s, index);
	}
}

static bool
passing(uint8_t exception)
{
	return exception == MB_EX_ACK || exception == MB_EX_BUSY || exception == MB_EX_PATH ||
	       exception == MB_EX_TARGET;
}

void
mb_scan_reply(struct mb_link *l, struct mb_src *s, const struct mb_slot *slot, const struct mb_reply *reply,
    const uint8_t *frame, size_t frame_len)
{
	struct mb_block *b = &s->blocks[slot->block];

	if (reply->exception == 0) {
		block_good(l, s, slot->block, reply->data);
		return;
	}
	mb_trouble_note(l, &b->trouble, slot, MB_FAULT_EXCEPTION, reply->exception, frame, frame_len);
	if (reply->exception == MB_EX_ADDRESS || reply->exception == MB_EX_VALUE) {
		refused(l, s, slot->block, reply->exception);
		return;
	}
	if (passing(reply->exception) && b->tries < s->conf.retries) {
		repeat(l, s, slot->block);
		return;
	}
	if (reply->exception == MB_EX_FUNCTION)
		back_off(l, s, b);
	block_fails(l, s, slot->block);
	if (s->timeouts_row >= 2)
		mb_scan_abandon(l, s, MB_FAULT_TIMEOUT);
}

void
mb_scan_fault(struct mb_link *l, struct mb_src *s, const struct mb_slot *slot, enum mb_fault fault,
    const uint8_t *frame, size_t frame_len)
{
	struct mb_block *b = &s->blocks[slot->block];

	mb_trouble_note(l, &b->trouble, slot, fault, 0, frame, frame_len);
	/*
	 * TCP repeats by itself; on a line a frame may be lost, but a unit that was silent before gets no second try.
	 */
	bool again =
	    fault == MB_FAULT_GARBAGE || (fault == MB_FAULT_TIMEOUT && l->framing != MB_TCP && s->timeouts_row <= 1);
	if (again && !l->resetting && b->tries < s->conf.retries) {
		if (fault == MB_FAULT_TIMEOUT)
			s->not_before = l->now;	/* a late reply is the answer to this very request */
		repeat(l, s, slot->block);
		return;
	}
	block_fails(l, s, slot->block);
	if (s->timeouts_row >= 2)
		mb_scan_abandon(l, s, MB_FAULT_TIMEOUT);
}

void
mb_probe_end(struct mb_link *l, struct mb_src *s)
{
	uint32_t class = s->probe_class;

	s->probe_class = MB_NONE;
	s->probe_flight = false;
	s->classes[class].busy = false;
	l->h->scan_done(l->h, s->index, class);
}
