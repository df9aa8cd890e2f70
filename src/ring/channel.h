/*
 * The typed channel between our own processes: a SOCK_SEQPACKET socketpair, a message a packet, at most one descriptor with it.
 * What may be said, by whom, to whom and how long it may be is a row in messages.def; a message without a row for this direction, or
 * longer than its row allows, is refused on receipt and costs the sender the channel (the supervisor restarts it).
 *
 *	packet: u32 type, u32 length of the payload, payload		host order, one machine, one build
 */
#ifndef RING_CHANNEL_H
#define RING_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define CHANNEL_PAYLOAD_MAX	(60u << 10)

enum role { ROLE_SUPERVISOR, ROLE_FIELD, ROLE_INSIGHT, ROLE_GATE, ROLE_OFFICE, ROLES };
const char *role_name(enum role r);
int role_parse(const char *name);	/* -1: none */

enum msg_type {
#define MSG(name, from, to, max, fd, help) MSG_##name,
#include "ring/messages.def"
#undef MSG
	MSG_TYPES
};

struct msg {
	enum msg_type	 type;
	size_t		 len;
	uint8_t		*p;		/* in the channel's buffer, until the next call */
	int		 fd;		/* given, -1 if none */
};

struct channel {
	int		 fd;
	enum role	 self, peer;
	uint8_t		 buf[8 + CHANNEL_PAYLOAD_MAX];
};

/* A pair of connected ends; both given, close-on-exec, non-blocking. */
int channel_pair(int fds[2]);
void channel_init(struct channel *c, int fd, enum role self, enum role peer);
/* Send; fd (borrowed) or -1. 0; ERR_AGAIN when the socket is full (try later, nothing was sent); ERR_CONN when the peer is gone; ERR_DENIED when no
 * row allows it (a fault of ours). */
int channel_send(struct channel *c, enum msg_type type, const void *p, size_t len, int fd);
/* Receive one. 0; ERR_AGAIN; ERR_CONN when the peer is gone; ERR_DENIED, ERR_PROTO when it said what it may not. */
int channel_recv(struct channel *c, struct msg *out);
void channel_close(struct channel *c);
const char *msg_name(enum msg_type type);

#endif
