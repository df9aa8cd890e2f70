/*
 * See sequence.h. `expected` is the next message; those further on are held until it has come or is known to be lost. `known` is the newest that the server
 * was seen to have, from held messages, keep-alives and the list of a transfer: while it is not behind us something is missing.
 */
#include "driver/opcua/sequence.h"

#include <stdlib.h>

static void
hand_on(struct ua_agent *a, struct ua_sub *s, const UA_NotificationMessage *m)
{
	uint32_t lost = s->gone_by;

	s->gone_by = 0;
	if (lost > 0)
		s->hole(a, s, lost);
	s->messages++;
	if (m->publishTime > s->published)
		s->published = m->publishTime;
	/* A StatusChangeNotification ends the subscription: s->in is false then and the rest is of no use. */
	for (size_t i = 0; i < m->notificationDataSize && s->in; i++)
		s->notification(a, s, &m->notificationData[i]);
}

/* After expected has moved: is anything missing still? */
static void
settle(struct ua_agent *a, struct ua_sub *s)
{
	uint32_t ahead = s->known != 0 ? ua_seq_steps(s->expected, s->known) : UINT32_MAX;

	if (ahead > UA_SEQ_NEAR) {
		s->known = 0;
		s->missing_since = MONO_NEVER;
	} else if (!ua_sequence_missing(s))
		s->missing_since = a->now;
}

static int
find_held(const struct ua_sub *s, uint32_t seq)
{
	for (uint32_t i = 0; i < s->nheld; i++)
		if (s->held[i].sequenceNumber == seq)
			return (int)i;
	return -1;
}

static void
unhold(struct ua_sub *s, uint32_t i)
{
	s->held_bytes -= UA_calcSizeBinary(&s->held[i], &UA_TYPES[UA_TYPES_NOTIFICATIONMESSAGE]);
	UA_NotificationMessage_clear(&s->held[i]);
	s->held[i] = s->held[--s->nheld];
}

void
ua_sequence_drop_held(struct ua_sub *s)
{
	while (s->nheld > 0)
		unhold(s, s->nheld - 1);
	free(s->held);
	s->held = NULL;
	s->held_bytes = 0;
}

void
ua_sequence_drain(struct ua_agent *a, struct ua_sub *s)
{
	int i;

	while (s->in && s->nheld > 0 && (i = find_held(s, s->expected)) >= 0) {
		UA_NotificationMessage m = s->held[i];
		s->held_bytes -= UA_calcSizeBinary(&m, &UA_TYPES[UA_TYPES_NOTIFICATIONMESSAGE]);
		s->held[i] = s->held[--s->nheld];
		s->expected = ua_seq_next(s->expected);
		ua_publish_ack(a, s, m.sequenceNumber);
		hand_on(a, s, &m);
		UA_NotificationMessage_clear(&m);
	}
	if (s->in)
		settle(a, s);
}

void
ua_sequence_lost(struct ua_agent *a, struct ua_sub *s)
{
	s->lost++;
	s->gone_by++;
	s->expected = ua_seq_next(s->expected);
	ua_sequence_drain(a, s);
}

/* No room for more that wait: what is missing up to the first of them is given up. */
static void
skip_to_held(struct ua_agent *a, struct ua_sub *s)
{
	uint32_t nearest = UA_SEQ_NEAR;

	for (uint32_t i = 0; i < s->nheld; i++) {
		uint32_t d = ua_seq_steps(s->expected, s->held[i].sequenceNumber);
		nearest = d < nearest ? d : nearest;
	}
	for (; nearest > 0 && s->in; nearest--)
		ua_sequence_lost(a, s);
}

void
ua_sequence_known(struct ua_agent *a, struct ua_sub *s, uint32_t seq, int64_t reorder_ns)
{
	if (s->known == 0 || ua_seq_steps(s->known, seq) <= UA_SEQ_NEAR)
		s->known = seq;
	if (!ua_sequence_missing(s))
		s->missing_since = (struct mono){ a->now.ns - UA_REORDER_NS + reorder_ns };
}

static void
hold(struct ua_agent *a, struct ua_sub *s, const UA_NotificationMessage *m)
{
	size_t bytes = UA_calcSizeBinary(m, &UA_TYPES[UA_TYPES_NOTIFICATIONMESSAGE]);

	if (find_held(s, m->sequenceNumber) >= 0) {
		s->repeated++;
		return;
	}
	while (s->in && s->nheld > 0 && (s->nheld >= UA_HELD_MAX || s->held_bytes + bytes > UA_HELD_BYTES_MAX))
		skip_to_held(a, s);
	if (!s->in)
		return;
	if (s->held == NULL && (s->held = calloc(UA_HELD_MAX, sizeof *s->held)) == NULL)
		fatal("out_of_memory", "what=opcua_held");
	if (UA_NotificationMessage_copy(m, &s->held[s->nheld]) != UA_STATUSCODE_GOOD)
		return;		/* it stays with the server, unacknowledged: Republish brings it */
	s->nheld++;
	s->held_bytes += bytes;
}

/* The run of numbers is broken (a server that counts anew without saying so): believe the message, and that something may be lost. */
static void
start_over(struct ua_agent *a, struct ua_sub *s, uint32_t seq)
{
	ua_sequence_drop_held(s);
	s->lost++;
	s->gone_by++;
	s->known = 0;
	s->missing_since = MONO_NEVER;
	s->expected = seq;
	(void)a;
}

static void
keep_alive(struct ua_agent *a, struct ua_sub *s, const UA_NotificationMessage *m)
{
	uint32_t next = m->sequenceNumber, ahead;

	s->keep_alives++;
	if (next == 0 || next == s->expected)	/* 0: some servers leave it out */
		return;
	ahead = ua_seq_steps(s->expected, next);
	if (ahead <= UA_SEQ_NEAR)
		ua_sequence_known(a, s, next == 1 ? UINT32_MAX : next - 1, UA_REORDER_NS);
	else if (ua_seq_steps(next, s->expected) > UA_SEQ_NEAR)
		start_over(a, s, next);
}

bool
ua_sequence_message(struct ua_agent *a, struct ua_sub *s, const UA_NotificationMessage *m)
{
	uint32_t seq = m->sequenceNumber;

	if (m->notificationDataSize == 0) {
		keep_alive(a, s, m);
		return false;
	}
	uint32_t ahead = ua_seq_steps(s->expected, seq);
	if (seq != 0 && ahead > 0 && ahead <= UA_SEQ_NEAR) {
		ua_sequence_known(a, s, seq, UA_REORDER_NS);
		hold(a, s, m);
		if (s->in)
			ua_sequence_drain(a, s);	/* making room may have brought us there */
		return false;
	}
	if (seq != 0 && ahead > 0 && ua_seq_steps(seq, s->expected) <= UA_SEQ_NEAR) {
		s->repeated++;
		return true;
	}
	if (seq != 0 && ahead > 0)
		start_over(a, s, seq);
	if (seq != 0)
		s->expected = ua_seq_next(seq);
	hand_on(a, s, m);
	if (s->in)
		ua_sequence_drain(a, s);
	return seq != 0;
}
