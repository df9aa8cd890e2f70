/* What the files of the receiver share; nobody else includes this. */
#ifndef PROTO_DIODE_RECV_INT_H
#define PROTO_DIODE_RECV_INT_H

#include "proto/diode/diode_fec.h"
#include "proto/diode/diode_recv.h"
#include "proto/diode/diode_wire.h"

#define DIODE_SERIALS	4096u

/* A block on its way: the room for its symbols follows. */
struct rblock {
	uint8_t		used;
	uint16_t	size;
	uint32_t	have;		/* symbols that are there */
	bool		done;		/* its data are whole and checked */
	bool		bad;		/* they are not what was sent */
	bool		there[DIODE_SYMBOLS_MAX];
	size_t		bytes;		/* of memory */
	uint8_t		data[];
};

struct rstream {
	uint32_t	id;		/* 0: free */
	uint64_t	base;		/* first block that was neither delivered nor declared lost */
	uint64_t	known;		/* blocks below this exist: seen, or told of */
	uint64_t	far;		/* a block ahead of the window that one datagram told of; 0: none */
	struct mono	since[DIODE_WINDOW];	/* when it was first known that this block exists */
	struct rblock	*slot[DIODE_WINDOW];
	/* the record that is being put together */
	uint8_t		head[DIODE_RECORD_HEAD];
	uint32_t	head_len;
	bool		synced;		/* where a record begins is known */
	uint8_t		*body;
	uint32_t	body_len;
	size_t		body_cap;
	struct diode_record record;
	struct mono	used_at;
};

struct diode_recv {
	struct diode_recv_conf	conf;
	struct diode_fec	*fec;
	struct diode_recv_counts n;
	uint64_t		session, serial_next;
	uint64_t		serials[DIODE_SERIALS / 64];	/* those below serial_next that have come, a bit each */
	uint64_t		candidate, refused;	/* a session seen once; the last one that was not allowed */
	uint32_t		floor;			/* streams up to this one are over, but for those below */
	double			inversions;		/* that may be made now */
	struct mono		budget_at;
	uint8_t			*flat;			/* a block's bytes, when they lie apart */
	struct rstream		streams[DIODE_STREAMS_MAX];
};

/* diode_block.c: symbols into blocks, and back */
/* Store a symbol whose MAC is good. False: it cannot be taken (no room, or not of the block). */
bool block_symbol(struct diode_recv *r, struct rstream *st, const struct diode_head *h, const uint8_t *p);
/* Make it whole if it can be. */
void block_try(struct diode_recv *r, struct rstream *st, uint64_t block, struct mono now);
void block_drop(struct diode_recv *r, struct rstream *st, uint64_t block);

/* diode_deliver.c: blocks in order into records */
/* Deliver and declare lost what can be. */
void deliver(struct diode_recv *r, struct rstream *st, struct mono now);
/* Give up all below `block` that is not done. */
void deliver_until(struct diode_recv *r, struct rstream *st, uint64_t block);
void stream_end(struct diode_recv *r, struct rstream *st);
void stream_known(struct rstream *st, uint64_t known, struct mono now);

#endif
