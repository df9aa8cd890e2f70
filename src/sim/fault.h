/*
 * What a simulated device does wrong, on purpose. A fault sits on a *target*: a unit (its answers suffer wherever it is
 * reached) or an endpoint (all answers through it, and its connections). At most one fault a target; it may end by
 * itself, and may hit only a share of the requests.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/rng.h"

/*        kind             word              argument: default, most; what it does */
#define SIM_FAULT_LIST(X) \
	X(SILENCE,	"silence",	0, 0,	   "requests are read and never answered") \
	X(DELAY,	"delay",	1000, 3600000, "answers come so many ms late") \
	X(SHORT,	"short",	0, 0,	   "answers stop in the middle of the frame, the rest never comes") \
	X(TRUNCATE,	"truncate",	0, 0,	   "whole frames whose PDU ends two bytes early") \
	X(WRONG_TID,	"wrong-tid",	0, 0,	   "another transaction id; on RTU another unit id") \
	X(WRONG_UNIT,	"wrong-unit",	0, 0,	   "another unit id") \
	X(WRONG_FC,	"wrong-function", 0, 0,	   "another function code") \
	X(EXCEPTION,	"exception",	4, 255,	   "every request is refused with this exception code") \
	X(GARBAGE,	"garbage",	0, 0,	   "1 to 64 random bytes in place of the answer") \
	X(BAD_CHECK,	"bad-check",	0, 0,	   "wrong CRC; on TCP a wrong protocol id") \
	X(DUPLICATE,	"duplicate",	0, 0,	   "every answer twice") \
	X(SPLIT,	"split",	20, 10000, "legal but nasty: answers in two pieces, so many ms apart") \
	X(CLOSE,	"close",	0, 0,	   "half an answer, then the connection is closed") \
	X(RESET,	"reset",	0, 0, "connections are reset: new ones at once, others at the next request") \
	X(HALF_OPEN,	"half-open",	0, 0,	   "connections stay open, nothing is read or answered any more") \
	X(REFUSE,	"refuse",	0, 0,	   "open connections are reset, new ones refused")

enum sim_fault_kind {
	SIM_FAULT_NONE,
#define X(kind, word, def, most, text) SIM_FAULT_##kind,
	SIM_FAULT_LIST(X)
#undef X
	SIM_FAULT_KINDS
};

struct sim_fault {
	enum sim_fault_kind	 kind;
	uint32_t		 arg;
	uint8_t			 percent;	/* of the requests; 100: all */
	uint64_t		 until_ms;	/* loop time at which it ends; UINT64_MAX: when cleared */
};

/* A fault that begins later: `--fault filler:delay=300ms@10s+5s%20`. */
struct sim_fault_plan {
	char			 target[32];
	struct sim_fault	 fault;		/* until_ms: a length in ms here, UINT64_MAX for ever */
	uint64_t		 at_ms;		/* after start */
};

/* "delay=300ms" or "exception=6" or "silence". 0, ERR_SYNTAX, ERR_NOTFOUND for an unknown word, ERR_RANGE. */
int sim_fault_parse(const char *s, size_t len, struct sim_fault *out);
int sim_fault_plan_parse(const char *s, struct sim_fault_plan *out);
const char *sim_fault_word(enum sim_fault_kind k);
const char *sim_fault_help(enum sim_fault_kind k);
const char *sim_fault_nearest(const char *word);	/* for "did you mean"; NULL when nothing is near */

/* Does f act on this request? False when it is over or the dice say no. */
bool sim_fault_hits(const struct sim_fault *f, uint64_t now_ms, struct sim_rng *dice);

#endif
