/* See modbus_ask.h. */
#include "driver/modbus/modbus_ask.h"

void
mb_ask_init(struct mb_ask *a, enum mb_framing f, const struct mb_conf *c, struct driver_host *h)
{
	*a = (struct mb_ask){ .h = h, .framing = f };
	if (f == MB_RTU) {
		a->char_ns = mb_char_ns(c->baud);
		a->silence_ns = mb_silence_ns(c->baud);
	}
}

/* Bytes of the reply that is expected, for the time it takes on a line. */
static size_t
reply_bytes(const struct mb_ask *a)
{
	unsigned n = (unsigned)a->req[3] << 8 | a->req[4];

	if (a->req[0] <= MB_FC_READ_DISCRETE)
		return 5 + (n + 7) / 8;
	return a->req[0] <= MB_FC_READ_INPUT ? 5 + 2 * n : MB_ADU_MAX;
}

static int
put_out(struct mb_ask *a, struct mono now)
{
	if (a->h->send(a->h, a->adu, a->adu_len) != 0) {
		a->waiting = false;
		return ERR_FULL;
	}
	a->held = false;
	a->sent = now;
	a->deadline = mono_add(now, a->timeout_ns + a->char_ns * (int64_t)(a->adu_len + reply_bytes(a)));
	return 0;
}

int
mb_ask_send(struct mb_ask *a, uint8_t unit, const struct writer *pdu, int64_t timeout_ns, struct mono now)
{
	a->req_len = wr_len(pdu) < sizeof a->req ? wr_len(pdu) : sizeof a->req;
	memcpy(a->req, pdu->start, a->req_len);
	a->unit = unit;
	a->timeout_ns = timeout_ns;
	a->rx_len = 0;
	a->adu_len = mb_frame(a->framing, ++a->tid, unit, pdu->start, wr_len(pdu), a->adu);
	a->waiting = true;
	a->held = mono_before(now, a->line_free);
	return a->held ? 0 : put_out(a, now);
}

static void
drop_front(struct mb_ask *a, size_t n)
{
	a->rx_len -= n;
	memmove(a->rx, a->rx + n, a->rx_len);
}

/*
 * Take one whole frame off the front; *len is its PDU's length, 0 for one that is somebody else's. False: none is
 * whole.
 */
static bool
tcp_frame(struct mb_ask *a, size_t *len)
{
	struct mb_mbap m;
	int err = mb_parse_mbap(a->rx, a->rx_len, &m);

	*len = 0;
	if (err == ERR_PROTO) {
		a->rx_len = 0;
		return false;
	}
	if (err != 0 || a->rx_len < MB_MBAP_LEN + m.pdu_len)
		return false;
	if (m.tid == a->tid && m.unit == a->unit) {
		memcpy(a->pdu, a->rx + MB_MBAP_LEN, m.pdu_len);
		*len = m.pdu_len;
	}
	drop_front(a, MB_MBAP_LEN + m.pdu_len);
	return true;
}

/*
 * The same on a line: the first place where unit, function, length and CRC agree; what stands in front of it is noise
 * or echo.
 */
static bool
line_frame(struct mb_ask *a, size_t *len)
{
	for (size_t at = 0; at + MB_RTU_MIN <= a->rx_len; at++) {
		const uint8_t *p = a->rx + at;
		if (p[0] != a->unit || (p[1] & ~MB_EXCEPTION_BIT) != a->req[0])
			continue;
		size_t want = mb_rtu_reply_len(p, a->rx_len - at);
		if (want == 0 || want > a->rx_len - at || want > MB_PDU_MAX + 3 || !mb_crc_good(p, want))
			continue;
		*len = want - 3;
		memcpy(a->pdu, p + 1, *len);
		drop_front(a, at + want);
		return true;
	}
	return false;
}

static void
over(struct mb_ask *a, struct mono now)
{
	a->waiting = false;
	a->line_free = mono_add(now, a->silence_ns);
}

enum mb_answer
mb_ask_input(struct mb_ask *a, const void *p, size_t len, struct mono now, struct mb_reply *out)
{
	size_t pdu_len, room = sizeof a->rx - a->rx_len;

	if (!a->waiting || a->held)
		return MB_ANSWER_WAIT;
	if (len > room)
		len = room;	/* more than two frames at once is nothing that was asked for */
	memcpy(a->rx + a->rx_len, p, len);
	a->rx_len += len;
	/* Ends: each turn takes a frame off the buffer. */
	while (a->framing == MB_TCP ? tcp_frame(a, &pdu_len) : line_frame(a, &pdu_len)) {
		if (pdu_len == 0)
			continue;
		struct reader r = rd_init(a->pdu, pdu_len);
		if (mb_parse_reply(a->req, a->req_len, &r, out) != 0) {
			over(a, now);
			return MB_ANSWER_GARBAGE;
		}
		int64_t took = mono_diff(now, a->sent);
		a->h->outcome(a->h, 0, out->exception == 0 ? OUTCOME_OK : OUTCOME_REFUSED, took, took);
		over(a, now);
		return MB_ANSWER_REPLY;
	}
	if (a->rx_len == sizeof a->rx)
		a->rx_len = 0;
	return MB_ANSWER_WAIT;
}

enum mb_answer
mb_ask_tick(struct mb_ask *a, struct mono now)
{
	if (!a->waiting || mono_before(now, mb_ask_next(a)))
		return MB_ANSWER_WAIT;
	if (a->held && put_out(a, now) == 0)
		return MB_ANSWER_WAIT;
	over(a, now);
	return MB_ANSWER_SILENCE;
}
