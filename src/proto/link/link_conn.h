/*
 * A connection between two nodes: frames above TLS above a stream that somebody else owns. Sans I/O: reads and writes go through functions of the
 * caller. Knows when it was last heard, so that one that is only half open is found out.
 */
#ifndef PROTO_LINK_CONN_H
#define PROTO_LINK_CONN_H

#include "base/clock.h"
#include "proto/link/link_frame.h"
#include "proto/link/link_tls.h"

#define LINK_OUT_HIGH	(4u << 20)	/* bytes that wait to be sent, from which on nothing more should be put */

struct link_io {
	/* As stream_read() and stream_write() of os/stream.h. */
	ssize_t	(*read)(int fd, void *p, size_t len);
	ssize_t	(*write)(int fd, const void *p, size_t len);
	/* A frame, borrowed during the call. 0, or an error that ends the connection. */
	int	(*frame)(void *arg, const struct link_frame *f);
	void	*arg;
	int64_t	silence_ns;		/* heard nothing for so long: lost. Pings go out at a third of it. */
	uint32_t frame_max;		/* longest frame that is taken; 0: LINK_FRAME_MAX */
};

struct link_conn {
	struct link_io	 io;
	int		 fd;
	struct link_tls	*tls;		/* taken */
	struct buf	 in, out;	/* plain text */
	size_t		 out_at;	/* so much of it is cipher text already */
	unsigned	 reads;		/* left in this step */
	struct mono	 now;		/* of this step */
	struct mono	 heard, said;
	bool		 hold;		/* the caller's: hand on no frame and read nothing for now; step again when it is cleared */
	bool		 blocked;	/* the stream takes no more at present: wait until it is writable */
	uint64_t	 bytes_in, bytes_out;
	char		 why[600];	/* how it ended, for people */
};

/* fd borrowed, tls taken; c stays where it is until link_conn_fini(). */
void link_conn_init(struct link_conn *c, int fd, struct link_tls *tls, const struct link_io *io, struct mono now);
void link_conn_fini(struct link_conn *c);
/* Take what has come, hand on frames, send what waits. 0: goes on; an error: it is over, c->why says how. */
int link_conn_step(struct link_conn *c, struct mono now);
/* Send what waits in c->out. */
int link_conn_flush(struct link_conn *c, struct mono now);
/* Put a BATCH; the bytes are borrowed during the call. Sent with the next step or flush. */
void link_conn_batch(struct link_conn *c, uint32_t stream, const uint8_t rec[LINK_REC], const void *payload, size_t len);
/* Bytes that wait. */
size_t link_conn_waiting(const struct link_conn *c);
/* When to call link_conn_step() at the latest. */
struct mono link_conn_next(const struct link_conn *c);

#endif
