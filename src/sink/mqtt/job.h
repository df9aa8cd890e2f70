/* A batch on its way to the broker: its encoded messages and how far they have got. Buffers are used again from job to job. */
#ifndef SINK_MQTT_JOB_H
#define SINK_MQTT_JOB_H

#include "sink/mqtt/mqtt_keys.h"
#include "mqtt/mqtt_link.h"

struct mqtt_job {
	struct mqtt_job		*next;
	struct sink_stream	*s;		/* NULL: removed meanwhile, nobody waits for the outcome */
	struct payload_stream	*enc;		/* a reference: the topics are in it */
	uint64_t		 first, last;
	struct payload_out	 out;
	struct mqtt_msg		*msgs;		/* out.n of them */
	size_t			 cap;
	size_t			 sent;		/* messages [0, sent) have been handed to the link at least once */
	size_t			 out_now;	/* of these, with the link now */
	size_t			 nbusy;		/* of these, to be sent again */
	bool			 refused;
	char			 why[400];
};

/* Jobs in the order in which they were offered, and spare ones. tail must point to head at the start. */
struct job_list {
	struct mqtt_job	*head, **tail, *spare;
	size_t		 bytes, unsent;		/* encoded bytes; messages never handed to the link */
};

struct mqtt_job *job_take(struct job_list *l, struct sink_stream *s, const struct spool_batch *b);
void job_put_away(struct job_list *l, struct mqtt_job *j);
void job_enqueue(struct job_list *l, struct mqtt_job *j);
void job_dequeue(struct job_list *l, struct mqtt_job *j);	/* linear; the oldest is found at once */
void job_list_fini(struct job_list *l);
/* Make j->msgs from j->out. 0 or ERR_NOMEM. */
int job_messages(struct mqtt_job *j, const struct mqtt_cfg *cfg);
/* The next message to hand to the link (one that was put off goes first), NULL: none now. The caller hands it over. */
struct mqtt_msg *job_next(struct job_list *l, struct mqtt_job *j);
/* Is a message larger than max_packet (0: no limit)? Then why says so. */
bool job_too_large(const struct mqtt_job *j, uint32_t max_packet, char *why, size_t size);

static inline bool
job_ended(const struct mqtt_job *j)
{
	return j->sent == j->out.n && j->out_now == 0 && j->nbusy == 0;
}

#endif
