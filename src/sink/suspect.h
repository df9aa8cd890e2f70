/*
 * Finding the message that makes a broker hang up. A broker without reason codes can only close the connection, and then everything
 * in flight is owed again, the culprit among it. So after a close that may be a message's fault, messages go out one at a time, as many as
 * were lost; the one that is alone in flight when the broker closes gets a strike, and keeps it until it is answered itself. With
 * three strikes it is sentenced: its batch goes to quarantine. Should the next message fare alike without one answer between, it may be the
 * broker that is ill: each further sentence in a row takes twice the strikes.
 *
 * Streams take turns, so there may be a suspect in each.
 */
#ifndef SINK_SUSPECT_H
#define SINK_SUSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUSPECTS_MAX		8u
#define SUSPECT_STRIKES		3u
#define SUSPECT_DOUBLINGS	4u

struct suspects {
	struct suspect {
		const void	*stream;
		uint64_t	 number;
		unsigned	 strikes;
		bool		 sentenced;
	} s[SUSPECTS_MAX];
	size_t		 n;
	unsigned	 probation;	/* answers to wait for with one message in flight at a time */
	unsigned	 in_row;	/* sentences since the last answer */
	unsigned	 lost;		/* messages lost with this connection; the oldest: */
	const void	*lost_stream;
	uint64_t	 lost_number;
};

/* Must messages go out one at a time? */
static inline bool
suspects_alone(const struct suspects *s)
{
	return s->n > 0 || s->probation > 0;
}

/* A message was answered: the broker is well and so is the message. */
void suspects_answered(struct suspects *s, const void *stream, uint64_t number);
/* A message was lost with its connection; called oldest first, before suspects_fell(). */
void suspects_lost(struct suspects *s, const void *stream, uint64_t number);
/* The connection is gone; blame: it may be a message's fault. */
void suspects_fell(struct suspects *s, bool blame);
/* Is a message of this batch sentenced? Carries out the sentence: its strikes once, then 0. */
unsigned suspects_take(struct suspects *s, const void *stream, uint64_t first, uint64_t last);
/* A stream goes away. */
void suspects_forget(struct suspects *s, const void *stream);

#endif
