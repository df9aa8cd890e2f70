/*
 * The receiving end: datagrams in, records and declared losses out. Sans I/O. What comes is taken for nothing until its MAC is good; memory is bounded by
 * conf.memory whatever comes.
 *
 * Sessions. A session is adopted on one control message, or on two datagrams of it, if conf.adopt allows (it must keep which were seen, and
 * refuse those for ever). The one before ends with that: its blocks that wait are given up.
 *
 * Blocks of a stream are delivered in order. One that is not complete is waited for until a block `hold_blocks` further on is seen, or hold_ns have
 * passed since it was known to exist; then it is declared lost, and what follows goes on at the next record that begins. A block far ahead moves the
 * window only when a second one near it, or a beacon, says the same.
 */
#ifndef PROTO_DIODE_RECV_H
#define PROTO_DIODE_RECV_H

#include "base/clock.h"
#include "proto/diode/diode_control.h"
#include "proto/diode/diode_key.h"
#include "proto/diode/diode_record.h"

#define DIODE_WINDOW	64u	/* blocks of a stream that may be on their way */

struct diode_recv;

struct diode_recv_conf {
	struct diode_params	params;
	struct diode_keys	*keys;		/* borrowed for its life */
	size_t			memory;		/* for blocks and records on their way, bytes */
	int64_t			hold_ns;
	uint32_t		hold_blocks;	/* at most DIODE_WINDOW / 2; 0: 32 */
	uint32_t		inversions_per_s;	/* matrices to rebuild blocks, at most */
	/* May this session begin? Called once a session, from within diode_recv_datagram(). */
	bool			(*adopt)(void *arg, uint64_t session);
	/* A record, whole and checked; borrowed. */
	void			(*record)(void *arg, uint64_t session, uint32_t stream, const struct diode_record *r);
	/* Blocks from..to of a stream are lost for good. */
	void			(*lost)(void *arg, uint64_t session, uint32_t stream, uint64_t from, uint64_t to);
	/* A control message, and when it came. settled: for each of its rows, all blocks that it tells of were delivered or declared lost. */
	void			(*control)(void *arg, uint64_t session, const struct diode_control *c, const bool settled[]);
	/* The other end is set up for other parameters: nothing of it is taken. */
	void			(*mismatch)(void *arg, const struct diode_params *theirs);
	void			*arg;
};

struct diode_recv_counts {
	uint64_t	datagrams, bytes;	/* of sessions that are taken */
	uint64_t	malformed, bad_mac, refused, mismatched;	/* refused: of a session that is not taken */
	uint64_t	missing;		/* datagrams of the sessions taken that have not come (yet) */
	uint64_t	duplicate, late;	/* with a serial that came before; that is too old to know */
	uint64_t	surplus, ahead, no_room;	/* of a block that is whole or declared lost; of one far ahead; for which there was no memory */
	uint64_t	reordered;
	uint64_t	blocks, rebuilt, rebuilt_symbols, lost_blocks, bad_blocks, inversions, put_off;
	uint64_t	records, bad_records;
	size_t		memory;
};

/* Given: diode_recv_free(). NULL: no memory, or parameters outside of the limits. */
struct diode_recv *diode_recv_new(const struct diode_recv_conf *conf);
void diode_recv_free(struct diode_recv *r);
void diode_recv_datagram(struct diode_recv *r, const uint8_t *p, size_t len, struct mono now);
/* Declare lost what has been waited for long enough. Returns when to call again. */
struct mono diode_recv_tick(struct diode_recv *r, struct mono now);
/* The session in force, 0: none yet. */
uint64_t diode_recv_session(const struct diode_recv *r);
const struct diode_recv_counts *diode_recv_counts(const struct diode_recv *r);

#endif
