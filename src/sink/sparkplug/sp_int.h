/*
 * The inside of the sparkplug sink, shared by its files. sparkplug.c is the sink's record and its life, sp_host.c what comes from hosts,
 * sp_birth.c births and deaths, sp_data.c batches as messages, sp_send.c the way to the broker and the way back.
 *
 *	offer --sp_data--> messages --sp_send--> link --> broker
 *	done  <--sp_send-- confirmation <--------- link
 *
 * A session of the edge node: CONNECT with an NDEATH as will, [the primary host is online,] NBIRTH, a DBIRTH a device, data. Whatever
 * interrupts it starts again from there. Sequence numbers are taken when a message is handed to the link, whose queue is first in first out
 * and dies with its connection, so that what arrives is numbered without holes.
 */
#ifndef SINK_SPARKPLUG_SP_INT_H
#define SINK_SPARKPLUG_SP_INT_H

#include "base/log.h"
#include "ring/stats.h"
#include "sink/suspect.h"
#include "sink/sparkplug/sp_bdseq.h"
#include "sink/sparkplug/sp_command.h"
#include "sink/sparkplug/sp_node.h"
#include "sink/sparkplug/sp_wire.h"

#define SP_JOBS_MAX		256u		/* batches sent and not confirmed */
#define SP_JOBS_BYTES_MAX	(4u << 20)	/* their messages; one batch is always taken */
#define SP_MESSAGES_MAX		512u		/* messages with the link; births aside */
#define SP_MESSAGE_METRICS	1000u		/* of a data message */
#define SP_MESSAGE_BYTES	(256u << 10)	/* of a data message, unless one value alone is larger */
#define SP_PATH_MAX		4096u

enum sp_phase {
	SP_DOWN,	/* no session, or one that is being set up */
	SP_WAITING,	/* connected; the primary host is not known to be online */
	SP_BORN,	/* births are out: data flows */
	SP_LEAVING,	/* NDEATH is out; with its answer the connection ends */
};

enum sp_msg_kind { SP_MSG_BIRTH, SP_MSG_DATA, SP_MSG_CONFIRM, SP_MSG_DEATH };

struct sp_msg {
	struct mqtt_msg		 m;
	struct sp_msg		*next;		/* among the spare ones */
	struct buf		 topic, payload;
	enum sp_msg_kind	 kind;
	uint64_t		 serial;	/* its own; of a confirmation: of the last message that it confirms */
};

/* A batch under way. */
struct sp_job {
	struct sink_stream	*s;		/* NULL: removed meanwhile */
	uint64_t		 first, last;	/* samples */
	uint64_t		 from, upto;	/* messages: serials (from, upto] */
	size_t			 bytes;
	bool			 refused;
	char			 why[320];
};

/* A sample on its way into a message. */
struct sp_ref {
	const struct sample	*s;
	int64_t			 time_ns;
	uint32_t		 device, metric;
	bool			 historical;
};

struct sp_sink {
	struct sp_cfg		 cfg;
	const char		*name;
	struct sink_host	*host;
	struct mqtt_link	*link;
	struct buf		 group, id, confirm_topic, state_topic, ncmd_topic, dcmd_prefix;
	struct sp_bdseq		 bdseq;
	char			 bdseq_path[SP_PATH_MAX];

	struct sp_stream	*streams;
	struct sp_node		 node;
	bool			 stale;		/* the streams have changed since the node was built */
	struct sp_builder	*builder;
	struct buf		 scratch;
	struct sp_ref		*refs, *refs_spare;	/* SPOOL_BATCH_MAX each */

	enum sp_phase		 phase;
	size_t			 server;
	bool			 walk;		/* go on to the next server */
	bool			 was_up, stopping, leaving, want_ready;
	uint32_t		 max_packet;
	uint16_t		 receive_max;
	struct sp_host		 primary;
	struct mono		 waiting_since, born_at;
	struct mono		 leave_at;	/* SP_LEAVING: at the latest; MONO_NEVER: it was told to end */
	bool			 rebirth_due;
	uint64_t		 commands_refused;
	struct log_limit	 complaints;

	uint8_t			 seq;		/* of the next message */
	int			 bdseq_now;
	uint64_t		 serial;	/* of the last message handed to the link */
	uint64_t		 births;	/* serial of the last message of the births */
	uint64_t		 confirmed;	/* up to here the broker has them, or TCP without confirmations */
	bool			 confirm_out;
	size_t			 in_flight;
	struct sp_msg		*spare;
	struct sp_job		*jobs;		/* a ring of SP_JOBS_MAX */
	size_t			 job0, njobs, jobs_bytes;
	struct suspects		 suspects;	/* batches, by their first samples */
	char			 last_fall[200];

	uv_timer_t		 tick, soon, stop_timer;
	struct mono		 deadline;
	int			 open_parts;
	void			(*stopped)(void *arg);
	void			*stopped_arg;
};

/* sp_send.c */
/* A message to fill: its builder has been started with the next sequence number, or none for a death. */
struct sp_msg *sp_msg_begin(struct sp_sink *k, enum sp_msg_kind kind);
/* Encode what the builder holds and hand it to the link. 0, or an error: then nothing was sent, and no number was used. */
int sp_msg_send(struct sp_sink *k, struct sp_msg *m);
bool sp_full(const struct sp_sink *k);
void sp_job_add(struct sp_sink *k, const struct sp_job *j);
/* Ask for a confirmation where one is due, and tell the office what is confirmed. */
void sp_settle(struct sp_sink *k);
void sp_jobs_forget(struct sp_sink *k, const struct sink_stream *s);
void sp_jobs_lost(struct sp_sink *k, bool blame);	/* all of them are owed again; blame: one may be to blame for the fall */
void sp_send_free(struct sp_sink *k);
extern void sp_on_returned(void *arg, struct mqtt_msg *m);

/* sp_birth.c */
void sp_birth_all(struct sp_sink *k);		/* NBIRTH and all DBIRTHs: the session begins, or begins anew */
int sp_birth_device(struct sp_sink *k, uint32_t device);
void sp_settle_device(struct sp_sink *k, uint32_t device);	/* DDEATH if it is away */
void sp_settle_devices(struct sp_sink *k);
void sp_death(struct sp_sink *k);		/* NDEATH; the answer leads to sp_depart() */
void sp_death_payload(struct sp_sink *k, struct buf *out);
/* The streams have changed: build the node anew. True: births are needed. */
bool sp_rebuild(struct sp_sink *k);
void sp_rebirth(struct sp_sink *k);		/* wanted; done now or when the pause allows */

/* sp_data.c */
int sp_data_send(struct sp_sink *k, struct sp_stream *st, const struct spool_batch *b);
int sp_data_preview(struct sp_sink *k, struct sp_stream *st, const struct spool_batch *b, struct buf *out);
void sp_data_newest(struct sp_sink *k, struct sp_stream *st);	/* look up the present values of a stream */

/* sp_host.c */
void sp_on_received(void *arg, const char *topic, const void *payload, size_t len, uint8_t qos, bool retain);
void sp_host_look(struct sp_sink *k);		/* connected: born, or wait for the primary host */
void sp_end_session(struct sp_sink *k, bool walk);	/* NDEATH, DISCONNECT, go on to the next attempt */
void sp_drop(struct sp_sink *k);

/* sparkplug.c */
void sp_depart(struct sp_sink *k);		/* NDEATH is answered, or has had its time: DISCONNECT */

#endif
