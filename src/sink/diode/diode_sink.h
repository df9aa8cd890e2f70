/* What the files of the diode sink share; nobody else includes this. diode.c tells the whole. */
#ifndef SINK_DIODE_H
#define SINK_DIODE_H

#include "base/log.h"
#include "os/udp.h"
#include "proto/diode/diode_send.h"
#include "sink/sink.h"
#include "site/link.h"

#define CHUNK		256u		/* datagrams */
#define HIGH_NS		(250 * NS_PER_MS)	/* more than can be sent in so long does not wait here */
#define SCHEMA_NS	(10 * NS_PER_S)	/* a schema comes again after so long, at first after 1 s and 3 s */
#define REPEATS		3		/* of a control message, 10 ms apart */
#define ENDED_MAX	8u		/* streams that have ended and are still told of */
#define ENDED_BEACONS	10u		/* in so many beacons */

enum diode_sink_key {
	DS_KEY_TO, DS_KEY_KEY, DS_KEY_DATA, DS_KEY_REPAIR, DS_KEY_INTERLEAVE, DS_KEY_DATAGRAM, DS_KEY_RATE, DS_KEY_FLUSH, DS_KEY_BEACON, DS_KEYS
};

/* A batch in the blocks: sent when the datagram at `after` was. */
struct diode_batch {
	struct diode_batch	*next;
	uint64_t		 first, last;
	uint64_t		 end;		/* of its record, in the stream's bytes */
	uint64_t		 after;		/* datagrams of this session that must have gone; UINT64_MAX: some are not made yet */
};

struct diode_stream {
	struct diode_stream	*next;
	struct sink_stream	*s;
	uint64_t		 id;		/* sink/node.h */
	uint32_t		 no;		/* of the session */
	uint64_t		 first, last;	/* numbers: first of this session, last that was taken */
	uint64_t		 sent;		/* last whose blocks are made */
	struct diode_batch	*batches, **end;
	struct mono		 flush_at, schema_at;
	unsigned		 schemas;	/* sent */
};

struct diode_chunk {
	struct diode_chunk	*next;
	uint32_t		 n, at;		/* filled, sent */
	uint16_t		 len[CHUNK];
	uint8_t			 data[];	/* [CHUNK][datagram] */
};

struct diode_sink {
	struct sink_host	*host;
	const struct sink	*cfg;
	struct sockaddr_storage	 to;
	socklen_t		 to_len;
	int			 fd;
	struct diode_keys	 keys;
	struct diode_params	 params;
	struct diode_sender	*sender;
	uv_timer_t		 timer;
	struct diode_stream	*streams;
	uint64_t		 gone;		/* numbers that the store did not have any more */

	/* out.c */
	struct diode_chunk	*first, *last;
	uint64_t		 made, sent;	/* datagrams */
	size_t			 waiting;	/* bytes */
	double			 tokens;
	struct mono		 tokens_at, retry_at, stalled_at;
	bool			 shown_up, want_ready;

	/* beat.c */
	enum diode_control_kind	 kind;		/* of the next control message */
	unsigned		 repeats;	/* that are still to be sent */
	struct mono		 beat_at;	/* the next one, or the next repeat */
	struct mono		 next_beacon;
	struct { struct diode_row row; unsigned left; } ended[ENDED_MAX];	/* left: beacons */
	unsigned		 nended;	/* ever; the oldest makes room */
	bool			 stopping, closed;
	struct mono		 deadline;
	void			(*stopped)(void *arg);
	void			*stopped_arg;
	struct log_limit	 quiet;
};

/* out.c: datagrams wait, are paced and go */
void ds_out(void *arg, const uint8_t *p, size_t len);
/* Send what may go now. Returns when to come again. */
struct mono ds_pump(struct diode_sink *k, struct mono now);
bool ds_room(const struct diode_sink *k);
void ds_drop_all(struct diode_sink *k);

/* beat.c: the clock: flushes, schemas, control messages */
void ds_step(struct diode_sink *k);
void ds_wake(struct diode_sink *k);
/* A schema of the stream, into its blocks. */
void ds_schema(struct diode_sink *k, struct diode_stream *st, struct mono now);
/* Which batches are in blocks that are made; call after a record or a flush. */
void ds_made(struct diode_sink *k, struct diode_stream *st);
/* A stream ends: what it has gathered goes out, and its totals are told for a while yet, so that the loss of its tail is known. */
void ds_ended(struct diode_sink *k, struct diode_stream *st);
void ds_finish(struct diode_sink *k);

#endif
