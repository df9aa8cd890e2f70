/*
 * Bytes to replies.
 *
 * TCP: frames by the MBAP length, matched by transaction id; one whose id, unit or function nobody waits for is dropped
 * and counted, and the connection stays. Only a header that is none loses the stream.
 *
 * Lines and tunnels: nothing says where a reply begins, so it is looked for: the awaited unit, function and length with
 * a good CRC, at any place in what has come (noise in front of a reply is common when an RS-485 line changes
 * direction). Whole frames of others in front of it are late replies and dropped. What is neither, nor the beginning of
 * a reply, is garbage: after a silence the buffer is emptied and the request has failed.
 */
#include "driver/modbus/modbus.h"

static void
drop_front(struct mb_link *l, size_t n)
{
	l->rx_len -= n;
	memmove(l->rx, l->rx + n, l->rx_len);
}

/* A reply to nobody: late, or for somebody else. Blamed on the unit that it names. */
static void
foreign(struct mb_link *l, uint8_t unit, const uint8_t *frame, size_t len)
{
	for (uint32_t i = 0; i < l->nsrc; i++) {
		struct mb_src *s = &l->src[i];
		if (s->conf.unit != unit && l->nsrc > 1)
			continue;
		s->counts.late_dropped++;
		s->missing -= s->missing > 0;
		if (s->owed > 0 && --s->owed == 0)
			s->owed_until = s->not_before = l->now;
		if (s->trace)
			l->h->frame(l->h, i, false, frame, len, "late or foreign, dropped");
		return;
	}
}

static struct mb_slot *
slot_of(struct mb_link *l, const struct mb_mbap *m, uint8_t fc)
{
	for (uint32_t i = 0; i < l->window; i++) {
		struct mb_slot *s = &l->slots[i];
		if (s->job != MB_JOB_NONE && s->tid == m->tid && s->unit == m->unit &&
		    (fc & ~MB_EXCEPTION_BIT) == s->req[0])
			return s;
	}
	return NULL;
}

/* One whole frame. */
static void
tcp_frame(struct mb_link *l, const struct mb_mbap *m, const uint8_t *frame)
{
	size_t len = MB_MBAP_LEN + m->pdu_len;
	struct mb_slot *slot = slot_of(l, m, frame[MB_MBAP_LEN]);

	if (slot == NULL)
		foreign(l, m->unit, frame, len);
	else
		mb_answered(l, slot, frame + MB_MBAP_LEN, m->pdu_len, frame, len);
}

/* Take whole frames off p; returns how many bytes were used, or len after losing the stream. */
static size_t
tcp_frames(struct mb_link *l, const uint8_t *p, size_t len)
{
	size_t at = 0;
	struct mb_mbap m;

	/* Ends: each turn uses at least MB_MBAP_LEN bytes. */
	while (at < len) {
		int err = mb_parse_mbap(p + at, len - at, &m);
		if (err == ERR_PROTO) {
			mb_reset(l,
			    "what arrives is not Modbus TCP: is this a tunnel (modbus-rtu-tcp), or another protocol?");
			return len;
		}
		if (err != 0 || len - at < MB_MBAP_LEN + m.pdu_len)
			break;
		tcp_frame(l, &m, p + at);
		at += MB_MBAP_LEN + m.pdu_len;
	}
	return at;
}

/* Whole frames are read where they lie; only a torn one is kept until its rest comes. */
static void
tcp_rx(struct mb_link *l, const uint8_t *p, size_t len)
{
	while (len > 0 && !l->resetting) {
		if (l->rx_len == 0) {
			size_t used = tcp_frames(l, p, len);
			p += used;
			len -= used;
			if (l->resetting || len == 0)
				return;
		}
		/* Complete the torn frame: at most MB_ADU_MAX bytes, or tcp_frames would have used or refused it. */
		size_t take = sizeof l->rx - l->rx_len < len ? sizeof l->rx - l->rx_len : len;
		memcpy(l->rx + l->rx_len, p, take);
		l->rx_len += take;
		p += take;
		len -= take;
		size_t used = tcp_frames(l, l->rx, l->rx_len);
		drop_front(l, used);
	}
}

static struct mb_slot *
awaited(struct mb_link *l)
{
	return l->slots[0].job != MB_JOB_NONE ? &l->slots[0] : NULL;
}

/* Is there a frame for this slot at p? Its length; 0: no; MB_LEN_UNKNOWN: perhaps, when more has come. */
static size_t
ours_at(const struct mb_slot *slot, const uint8_t *p, size_t len)
{
	if (p[0] != slot->unit || (len > 1 && (p[1] & ~MB_EXCEPTION_BIT) != slot->req[0]))
		return 0;
	size_t want = mb_rtu_reply_len(p, len);
	if (want == MB_LEN_UNKNOWN)
		return 0;
	if (want == 0 || want > len)
		return want > 256 ? 0 : MB_LEN_UNKNOWN;
	return mb_crc_good(p, want) ? want : 0;
}

/*
 * Could this be the reply to the slot's request? Only asked of a unit that has left requests unanswered: one that was
 * frozen gives all its replies at once when it wakes up, and each would end a request that it is not meant for.
 */
static bool
answers(const struct mb_slot *slot, const uint8_t *pdu, size_t len)
{
	struct reader r = rd_init(pdu, len);
	struct mb_reply reply;

	return mb_parse_reply(slot->req, slot->req_len, &r, &reply) == 0;
}

/* The adapter's copy of what was sent: for a read it cannot be a reply, for a write it is taken once per request. */
static bool
is_echo(struct mb_link *l, const struct mb_slot *slot)
{
	size_t n = l->rx_len < slot->req_len + 1u ? l->rx_len : slot->req_len + 1u;
	bool read = slot->req[0] <= MB_FC_READ_INPUT;

	if (n < 2 || l->rx[0] != slot->unit || memcmp(l->rx + 1, slot->req, n - 1) != 0)
		return false;
	return slot->echo_due || (read && n == slot->req_len + 1u);
}

/* Drop an echo at the front. True: look again; *wait: it may be one, more must come first. */
static bool
drop_echo(struct mb_link *l, struct mb_slot *slot, bool *wait)
{
	if (!is_echo(l, slot))
		return false;
	size_t want = mb_rtu_request_len(l->rx, l->rx_len);
	if (want == 0 || want > l->rx_len) {
		*wait = true;
		return false;
	}
	if (want == MB_LEN_UNKNOWN || !mb_crc_good(l->rx, want))
		return false;
	l->echo = true;
	slot->echo_due = false;
	drop_front(l, want);
	return true;
}

/* A whole frame of somebody else at the front: a late reply. */
static bool
drop_foreign(struct mb_link *l)
{
	size_t want = mb_rtu_reply_len(l->rx, l->rx_len);

	if (want == 0 || want == MB_LEN_UNKNOWN || want > l->rx_len || want < MB_RTU_MIN || !mb_crc_good(l->rx, want))
		return false;
	foreign(l, l->rx[0], l->rx, want);
	drop_front(l, want);
	return true;
}

/* A whole frame from the unit that was asked. */
static void
line_reply(struct mb_link *l, struct mb_slot *slot, const uint8_t *frame, size_t len)
{
	struct mb_src *s = &l->src[slot->src];

	if (s->missing == 0 || answers(slot, frame + 1, len - 3)) {
		s->lag = 0;
		mb_answered(l, slot, frame + 1, len - 3, frame, len);
		return;
	}
	foreign(l, slot->unit, frame, len);
	if (++s->lag == MB_LAG_MAX) {
		s->lag = 0;
		mb_reset(l, "replies lag behind their requests: the line is emptied and opened again");
	}
}

/* Look at what has come once. True: something was taken off, look again. */
static bool
line_look(struct mb_link *l)
{
	struct mb_slot *slot = awaited(l);
	bool wait = false;

	if (slot == NULL)
		return drop_foreign(l);
	if (drop_echo(l, slot, &wait))
		return true;
	if (wait)
		return false;
	for (size_t at = 0; at < l->rx_len; at++) {
		size_t len = ours_at(slot, l->rx + at, l->rx_len - at);
		if (len == MB_LEN_UNKNOWN || len == 0)
			continue;
		uint8_t frame[MB_ADU_MAX];	/* the buffer is free for the next reply before this one is judged */
		memcpy(frame, l->rx + at, len);
		drop_front(l, at + len);
		line_reply(l, slot, frame, len);
		return true;
	}
	return drop_foreign(l);
}

static void
line_rx(struct mb_link *l, const uint8_t *p, size_t len)
{
	/* Ends: each turn takes bytes from p, or the buffer is full and is emptied. */
	while (len > 0) {
		size_t take = sizeof l->rx - l->rx_len < len ? sizeof l->rx - l->rx_len : len;
		memcpy(l->rx + l->rx_len, p, take);
		l->rx_len += take;
		p += take;
		len -= take;
		while (l->rx_len > 0 && line_look(l))
			;	/* ends: each turn shortens the buffer */
		if (l->rx_len == sizeof l->rx)
			mb_rx_quiet(l);
		if (l->rx_len == sizeof l->rx)
			l->rx_len = 0;
	}
	l->rx_quiet = l->rx_len > 0 ? mono_add(l->now, l->quiet_ns) : MONO_NEVER;
	if (l->framing == MB_RTU && l->flight == 0)
		l->line_free = mono_add(l->now, l->silence_ns);
}

void
mb_rx(struct mb_link *l, const uint8_t *p, size_t len)
{
	if (l->framing == MB_TCP)
		tcp_rx(l, p, len);
	else
		line_rx(l, p, len);
}

/*
 * Could a reply be under way in the buffer? Pauses inside a frame happen, so it is then left alone until its deadline.
 */
static bool
may_become_reply(struct mb_link *l, const struct mb_slot *slot)
{
	for (size_t at = 0; at < l->rx_len; at++)
		if (ours_at(slot, l->rx + at, l->rx_len - at) == MB_LEN_UNKNOWN)
			return true;
	return is_echo(l, slot);
}

void
mb_rx_quiet(struct mb_link *l)
{
	struct mb_slot *slot = awaited(l);
	uint8_t seen[MB_ADU_MAX];
	size_t len = l->rx_len < sizeof seen ? l->rx_len : sizeof seen;

	l->rx_quiet = MONO_NEVER;
	if (slot != NULL && l->rx_len < sizeof l->rx && mono_before(l->now, slot->deadline) &&
	    may_become_reply(l, slot))
		return;
	memcpy(seen, l->rx, len);
	l->rx_len = 0;
	if (slot != NULL && len > 0)
		mb_failed(l, slot, MB_FAULT_GARBAGE, seen, len);
}
