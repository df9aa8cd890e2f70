/*
 * The sending end: records in, datagrams out. A stream gathers bytes into a group of up to `depth` blocks; a full group, or one that is flushed, goes out
 * interleaved: first symbol of each block, second symbol of each... So a burst of depth * p lost datagrams costs each block of a full group p of
 * them, which it can bear. Sans I/O; a stream's memory is one group.
 */
#ifndef PROTO_DIODE_SEND_H
#define PROTO_DIODE_SEND_H

#include "base/clock.h"
#include "proto/diode/diode_control.h"
#include "proto/diode/diode_key.h"
#include "proto/diode/diode_record.h"

struct diode_sender;

struct diode_send_conf {
	struct diode_params	params;
	uint64_t		session;	/* random, not 0 */
	struct diode_keys	*keys;		/* borrowed for its life */
	/* A datagram to send, whole; borrowed during the call. */
	void			(*out)(void *arg, const uint8_t *p, size_t len);
	void			*arg;
};

/* Given: diode_send_free(). NULL: no memory, or parameters outside of the limits. */
struct diode_sender *diode_send_new(const struct diode_send_conf *conf);
void diode_send_free(struct diode_sender *s);
/* A new stream; its number (from 1, never used twice), 0: there are DIODE_STREAMS_MAX, or no memory. */
uint32_t diode_send_open(struct diode_sender *s);
/* What it has gathered goes out, and its memory is freed. */
void diode_send_close(struct diode_sender *s, uint32_t stream);
/* Append a record whose body is a then b; groups that it fills go out. 0; ERR_LIMIT: the body is too long; ERR_NOTFOUND: no such stream. */
int diode_send_record(struct diode_sender *s, uint32_t stream, uint8_t kind, const void *a, size_t a_len, const void *b, size_t b_len);
/* Send what a stream has gathered. */
void diode_send_flush(struct diode_sender *s, uint32_t stream);
/* Send a control message, once. */
void diode_send_control(struct diode_sender *s, const struct diode_control *c);
struct diode_send_state {
	uint64_t	blocks;			/* sent */
	uint64_t	appended, sent;		/* bytes of records: taken, and gone out */
};
struct diode_send_state diode_send_state(const struct diode_sender *s, uint32_t stream);
/* Bytes of payload that a message of control may have. */
size_t diode_send_room(const struct diode_sender *s);

#endif
