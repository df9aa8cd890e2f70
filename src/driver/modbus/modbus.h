/*
 * Inside of the Modbus engine: what its files share. Outside of this folder only the three driver records are known
 * (driver/drivers.def).
 *
 *	link     one TCP connection or one line; owns the slots (requests under way) and what has come of a frame
 *	source   one unit on it; owns tags, blocks, the queue of blocks to read, writes and the on-demand read that wait
 *	tag      sorted by (scan class, table, register): a block is a run of neighbours in that order
 *	class    one scan class of a source; busy from scan() until host.scan_done
 *	block    what one request reads
 *
 * Where to start reading: modbus.c (the driver's calls), modbus_txn.c (the life of a request), modbus_block.c (what is
 * asked for together, and the search for an address that the device refuses), modbus_rx.c (bytes to replies).
 *
 * All memory is one run of bytes that open() lays out; indexes instead of pointers between rows, MB_NONE for none.
 */
#ifndef DRIVER_MODBUS_H
#define DRIVER_MODBUS_H

#include "driver/driver.h"
#include "driver/modbus/modbus_keys.h"
#include "driver/modbus/modbus_value.h"

#define MB_NONE		UINT32_MAX
#define MB_WINDOW_MAX	16u		/* requests under way on one connection, Messaging on TCP/IP V1.0b, 4.4.1.1 */
#define MB_WRITES_MAX	4u		/* writes that may wait in one source */
#define MB_BACKOFF_MAX 32 /* times isolated-retry: the longest pause between two tries of a refused address */
#define MB_PROBE_WAIT_NS (5 * NS_PER_S)	/* a probe that waited this long goes ahead of the others' scans */
#define MB_LAG_MAX	3u		/* late replies in a row: the unit answers one request behind for good */
#define MB_MISSING_MAX	8u		/* what a unit that was frozen is believed to have kept for later */
#define MB_FULL_NS	(5 * NS_PER_MS)	/* pause when the link takes no more bytes */

enum mb_fault {
	MB_FAULT_NONE,
	MB_FAULT_EXCEPTION,	/* the device refused */
	MB_FAULT_TIMEOUT,	/* no reply in time */
	MB_FAULT_GARBAGE,	/* what came is no answer to the request */
	MB_FAULT_LINK,		/* the connection went away */
	MB_FAULTS
};

struct mb_trouble {		/* what is wrong with a block, since when; count 0: nothing */
	struct wall	since, last;
	uint32_t	count;		/* of failed requests in a row */
	uint16_t	tid;		/* of the last of them */
	uint8_t		fault, exception;
	uint8_t		reply_len;	/* bytes of the reply that are kept */
	uint8_t		reply[20];
};

struct mb_asked {		/* how the last on-demand read of a tag failed, fault MB_FAULT_NONE if it did not */
	struct wall	when;
	uint16_t	reg0, count, tid;	/* of the request */
	uint8_t		fault, exception;
};

struct mb_tag {
	struct mb_op	 op;
	uint32_t	 index;		/* in the source, as in the plan */
	uint32_t	 block;		/* that it was last read with */
	uint32_t	 bad;		/* status of the last decoding, Good if that went well */
	uint8_t		 raw[8];	/* what could not be decoded */
	struct mb_asked	 asked;
	uint16_t	 scan_class;	/* the source's number of classes: only on demand */
	bool		 wall;		/* not to be read together with the tag before it: that was refused */
	bool		 isolated;	/* refused on its own: read alone and seldom */
	bool		 broken;	/* its address cannot be understood */
	bool		 marked;	/* wanted by the on-demand read */
};

enum mb_block_state { MB_IDLE, MB_QUEUED, MB_FLIGHT, MB_SPLIT };

struct mb_block {
	uint32_t	 first, n;	/* tags */
	uint32_t	 next;		/* in its class, or in the list of free ones */
	uint32_t	 qnext;		/* in the source's queue */
	uint32_t	 parent;	/* that it is a half of, during a search */
	uint16_t	 reg0, count;	/* what is read; bits or registers */
	uint16_t	 scan_class;
	uint8_t		 table, state, tries;
	uint8_t		 halves_done, halves_good;	/* MB_SPLIT */
	bool		 ever_good;
	bool		 skipped;	/* not asked for in this scan: its time has not come yet */
	uint32_t	 cut;		/* MB_SPLIT: first tag of the right half */
	uint16_t	 half_max;	/* MB_SPLIT: count of the longer half */
	uint8_t		 refusal;	/* MB_SPLIT: the exception that started it */
	struct mono	 retry_at;	/* refused as a whole or isolated: not before */
	int64_t		 backoff_ns;
	struct mb_trouble trouble;
};

struct mb_class {
	uint32_t	first, n;	/* tags */
	uint32_t	blocks;		/* list */
	uint32_t	pending;	/* blocks queued or under way */
	uint32_t	next_ready;	/* in the link's list of scans that ended without a request */
	bool		busy, replan;
};

struct mb_write {
	uint32_t	id, tag;	/* tag: sorted position */
	uint8_t		step;		/* MB_STEP_... */
	uint8_t		tries;
	struct mb_encoded enc;
};
enum { MB_STEP_WRITE, MB_STEP_FETCH, MB_STEP_STORE };	/* the latter two: read, change, write */

struct mb_read {		/* the on-demand read of a source; one at a time */
	bool		active, flight;
	uint32_t	id;
	uint32_t	cursor;		/* sorted position that is next */
	uint32_t	first, last;	/* run under way */
	uint16_t	reg0, count, tid;
	uint32_t	alone_until;	/* up to this position tags are read one by one: a run was refused */
	uint8_t		tries;
	int		err;
};

enum mb_list { MB_UNLISTED, MB_LIST_WORK, MB_LIST_PROBE };

struct mb_src {
	const struct source *s;
	struct mb_conf	 conf;
	uint32_t	 index;
	struct mb_tag	*tags;		/* sorted */
	uint32_t	*pos;		/* sorted position by index in the source */
	struct mb_class	*classes;
	uint32_t	 ntags, nclasses;
	struct mb_block	*blocks;	/* pool of nblocks; used ones below `high`, of them the free ones listed */
	uint32_t	 nblocks, high, free;
	uint32_t	 q_head, q_tail;
	uint16_t limit[2]; /* the most in one request, registers and bits; the device's own limit once learnt */
	uint16_t	 good_len[2];	/* the longest that was answered */
	struct mono	 not_before;	/* pause asked for by request-gap, a retry, or a reply that may still come */
	uint32_t owed; /* lines: replies that did not come in time and may still come, until owed_until */
	struct mono	 owed_until;
	uint32_t	 lag;		/* lines: late replies that came where another was awaited, in a row */
	uint32_t	 missing;	/* lines: replies that never came, the last MB_MISSING_MAX of them */
	uint32_t	 timeouts_row;
	uint32_t	 probe_class;	/* MB_NONE: no probe wanted */
	bool		 probe_flight;
	struct mono	 probe_since;
	struct mb_write	*writes;	/* ring of MB_WRITES_MAX; NULL: writes are off */
	uint32_t	 w_head, w_count;
	bool		 w_flight, no_mask, no_single;
	struct mb_read	 read;
	enum mb_list	 listed;
	uint32_t	 next;		/* in the link's list */
	bool		 trace;
	uint32_t	 isolated, broken;	/* tags */
	struct driver_counts counts;
};

enum mb_job { MB_JOB_NONE, MB_JOB_SCAN, MB_JOB_PROBE, MB_JOB_READ, MB_JOB_WRITE };

struct mb_slot {		/* a request under way */
	enum mb_job	 job;		/* MB_JOB_NONE: free */
	uint32_t	 src, block;
	uint16_t	 tid;
	uint8_t		 unit, req_len;
	uint8_t		 req[MB_REQ_HEAD];	/* what the reply is checked against */
	bool		 echo_due;	/* a copy of the sent bytes is expected first */
	struct mono	 sent, deadline;
};

struct mb_link {
	struct driver_host *h;
	enum mb_framing	 framing;
	struct mb_src	*src;
	uint32_t	 nsrc;
	struct mono	 now;		/* as of the call that runs */
	struct wall	 wall;
	bool		 up, resetting;
	uint16_t	 tid;
	uint8_t		 window, flight;
	struct mb_slot	 slots[MB_WINDOW_MAX];
	uint32_t	 work_head, work_tail, probe_head, probe_tail;
	uint32_t	 ready_src, ready_class;	/* list of scans that ended without a request */
	struct mono	 line_free;	/* silence between frames, turnaround, back-pressure */
	int64_t		 char_ns, silence_ns;	/* of a line: one character, the pause between frames */
	int64_t		 quiet_ns;	/* without a byte, and what has come so far is garbage */
	int64_t		 reset_after;
	uint32_t	 timeouts_row;	/* over all sources, without any reply between */
	bool		 echo;		/* the adapter returns what is sent */
	uint8_t		 rx[2 * MB_ADU_MAX];
	size_t		 rx_len;
	struct mono	 rx_quiet;	/* when the silence that resynchronises a line is reached */
	uint8_t		 scratch[MB_SCRATCH] __attribute__((aligned(16)));
};

/* modbus_block.c: what is read together. */
void mb_plan_class(struct mb_src *s, uint32_t class);
/* Cut a refused block of several tags in two; kids[] receives the halves. False when the pool is used up. */
bool mb_split(struct mb_src *s, uint32_t block, uint32_t kids[2]);
/* A half ended; good: it gave data. Returns the parent when this was its second half, else MB_NONE. */
uint32_t mb_half_done(struct mb_src *s, uint32_t block, bool good);
void mb_isolate(struct mb_src *s, struct mb_block *b);
void mb_deisolate(struct mb_src *s, struct mb_block *b, struct mono now);
/* The run that an on-demand read asks for next, from r->cursor on. False: nothing is left. */
bool mb_read_run(const struct mb_src *s, struct mb_read *r);

/* modbus_turn.c: whose turn it is. */
void mb_enlist(struct mb_link *l, struct mb_src *s);	/* after anything that may have given the source work */
struct mb_src *mb_turn(struct mb_link *l);		/* who may send now; NULL: nobody */
bool mb_wants_turn(const struct mb_src *s);
void mb_turn_taken(struct mb_link *l, struct mb_src *s); /* it has sent: to the end of the list, if there is more */

/* modbus_txn.c: the life of a request. */
void mb_pump(struct mb_link *l);
void mb_answered(struct mb_link *l, struct mb_slot *slot, const uint8_t *pdu, size_t len, const uint8_t *frame, size_t
    frame_len);
void mb_failed(struct mb_link *l, struct mb_slot *slot, enum mb_fault fault, const uint8_t *frame, size_t frame_len);
void mb_reset(struct mb_link *l, const char *why);
void mb_free_slot(struct mb_link *l, struct mb_slot *slot);
uint32_t mb_fault_status(enum mb_fault fault, uint8_t exception);

/* modbus_scan.c: replies to blocks and probes. */
void mb_queue_push(struct mb_src *s, uint32_t block, bool front);
void mb_scan_reply(struct mb_link *l, struct mb_src *s, const struct mb_slot *slot, const struct mb_reply *reply,
    const uint8_t *frame, size_t frame_len);
void mb_scan_fault(struct mb_link *l, struct mb_src *s, const struct mb_slot *slot, enum mb_fault fault,
    const uint8_t *frame, size_t frame_len);
void mb_probe_end(struct mb_link *l, struct mb_src *s);
/* Give up what is queued of this source's scans. */
void mb_scan_abandon(struct mb_link *l, struct mb_src *s, enum mb_fault fault);
/* Decode one tag from what was read from `base` on and emit it. */
void mb_take(struct mb_link *l, struct mb_src *s, struct mb_tag *t, const uint8_t *data, uint16_t base, uint8_t flags);
void mb_class_finish(struct mb_link *l, struct mb_src *s, uint32_t class);
void mb_emit(struct mb_link *l, struct mb_src *s, const struct mb_tag *t, uint32_t status, const struct value *v,
    uint8_t flags);
void mb_emit_bad(struct mb_link *l, struct mb_src *s, const struct mb_tag *t, uint32_t status, uint8_t flags);
void mb_trouble_note(struct mb_link *l, struct mb_trouble *t, const struct mb_slot *slot, enum mb_fault fault,
    uint8_t exception, const uint8_t *frame, size_t len);

/* modbus_demand.c: reads and writes that somebody asked for. */
int mb_read_start(struct mb_link *l, struct mb_src *s, const uint32_t *tags, uint32_t n, uint32_t id);
void mb_read_reply(struct mb_link *l, struct mb_src *s, const struct mb_reply *reply);
void mb_read_fault(struct mb_link *l, struct mb_src *s, enum mb_fault fault);
int mb_write_start(struct mb_link *l, struct mb_src *s, uint32_t tag, const struct value *v, uint32_t id);
void mb_write_request(struct mb_src *s, struct writer *w);
void mb_write_reply(struct mb_link *l, struct mb_src *s, const struct mb_reply *reply);
void mb_write_fault(struct mb_link *l, struct mb_src *s, enum mb_fault fault);
void mb_write_end(struct mb_link *l, struct mb_src *s, int err, const char *why);
/* Writes that wait and whose time is over end with ERR_EXPIRED. */
void mb_write_expire(struct mb_link *l, struct mb_src *s);
/* Everything that waits ends with this error. */
void mb_demand_abandon(struct mb_link *l, struct mb_src *s, int err, const char *why);

/* modbus_rx.c: bytes to replies. */
void mb_rx(struct mb_link *l, const uint8_t *p, size_t len);
/* The line was quiet for long enough, or a reply is overdue: judge what has come. */
void mb_rx_quiet(struct mb_link *l);

/* modbus_why.c */
void mb_why(const struct mb_link *l, const struct mb_src *s, uint32_t tag, struct json *out);
void mb_explain(enum mb_framing f, bool out, const void *p, size_t len, struct buf *text);

/* modbus_open.c: bytes that a link takes, and its layout in ctx. h NULL: only to look at the plan of blocks. */
size_t mb_size(const struct link_sources *v);
int mb_open(enum mb_framing f, void *ctx, const struct link_sources *v, struct driver_host *h);

/* modbus_load.c */
int mb_load(enum mb_framing f, const struct source *s, struct arena *a, struct load_info *out);

static inline bool
mb_broadcast(const struct mb_link *l, const struct mb_src *s)
{
	return l->framing != MB_TCP && s->conf.unit == 0;
}

#endif
