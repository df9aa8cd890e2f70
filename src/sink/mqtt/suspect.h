/*
 * Finding the message that makes a broker hang up. A broker without reason codes can only close the connection, and then everything
 * in flight is owed again, the culprit first. So after a close that may be a message's fault, messages go out one at a time; the one that
 * is alone in flight when the broker closes gets a strike, any answer clears all. With three strikes it is sentenced: its batch
 * goes to quarantine. Should the next message fare alike without one answer between, it may be the broker that is ill: each further sentence
 * in a row takes twice the strikes.
 */
#ifndef SINK_MQTT_SUSPECT_H
#define SINK_MQTT_SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

#define SUSPECT_STRIKES		3u
#define SUSPECT_DOUBLINGS	4u

struct suspect {
	const void	*stream, *lost_stream;
	uint64_t	 number, lost_number;
	unsigned	 lost;		/* messages lost with this connection, the oldest is lost_stream, lost_number */
	unsigned	 strikes, in_row;
	bool		 alone, sentenced;
};

/* A message was answered: the broker is well and so is the message. */
void suspect_answered(struct suspect *s);
/* A message was lost with its connection; called oldest first, before suspect_fell(). */
void suspect_lost(struct suspect *s, const void *stream, uint64_t number);
/* The connection is gone; blame: it may be a message's fault. */
void suspect_fell(struct suspect *s, bool blame);
/* Is a message of this batch sentenced? Carries out the sentence: true once. */
bool suspect_take(struct suspect *s, const void *stream, uint64_t first, uint64_t last);
/* A stream goes away. */
void suspect_forget(struct suspect *s, const void *stream);

#endif
