/* Inside of the history part: gaps.c keeps the queue, history.c reads. */
#ifndef DRIVER_OPCUA_HISTORY_INT_H
#define DRIVER_OPCUA_HISTORY_INT_H

#include "driver/opcua/history.h"

#define GAPS_EACH	4u		/* gaps for each tag that may wait, on average */
#define BATCH_MAX	50u		/* nodes in one call */
#define PAGE_MAX	1000u		/* values of one node in one answer */
#define BUSY_MAX	8u		/* times that one gap may be put off because the server is too busy for it; half an hour */
#define CONT_MAX	4096u		/* bytes of a continuation point */

struct gap {
	uint32_t	 tag;
	uint32_t	 values;	/* given already */
	uint32_t	 busy;		/* times that the server was too busy for this one alone */
	UA_DateTime	 from, to;	/* both exclusive; to 0: not known yet */
};

struct reading {		/* one node of the batch that is being read */
	uint32_t	 gap;
	UA_DateTime	 last;		/* of the newest value given */
	UA_ByteString	 cont;		/* continuation point, given; empty: nothing left */
	uint32_t	 empty;		/* answers in a row without a value */
	bool		 more;		/* is to be asked for (again) */
	bool		 over;		/* its gap has ended, by success or not */
};

struct history {
	struct gap	*gaps;
	uint32_t	 room, nfree, *free_gaps;
	struct ua_line	 queue;		/* gaps that can be read */
	uint32_t	*open;		/* [ntags] gap + 1 that waits for its end */
	uint32_t	*filled;	/* [ntags] values given, ever */
	UA_StatusCode	*status;	/* [ntags] why its last gap was given up */
	uint8_t		*busy_tag;	/* [ntags] it is in the batch */
	struct reading	 batch[BATCH_MAX];
	uint32_t	 nbatch, asked[BATCH_MAX], nasked;
	UA_DateTime	 start, end;	/* of the batch's call */
	bool		 busy;
	struct ua_bulk	 bulk;
	struct mono	 hold;
	uint32_t	 waits;		/* times in a row that the server was too busy */
	uint64_t	 values, done, given_up, dropped, unordered;
	uint64_t	 said;		/* gaps done and given up at the last log line */
};

static inline struct history *ua_history_of(const struct ua_agent *a) { return a->part[UA_PART_HISTORY]; }
/* Choose the nodes of the next call and its window. False: none can be read now. */
bool ua_gaps_choose(struct ua_agent *a, struct history *h);
void ua_gap_free(struct history *h, uint32_t gap);

#endif
