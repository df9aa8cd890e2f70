/* Inside expr/: a call on its way through call.c to the handlers of call_*.c. */
#ifndef EXPR_CALL_H
#define EXPR_CALL_H

#include "expr/inside.h"

struct fn;
struct call {
	const struct fn	*f;
	struct part	 args[ARGS_MAX + 1];	/* on the stack, the last on top */
	size_t		 n;
	bool		 over;			/* a window: */
	uint32_t	 count;			/* of so many samples, or 0 and */
	int64_t		 span_ns;
	struct unit	 unit;			/* of a [unit] argument, */
	const char	*ut;			/* NULL: none */
	uint16_t	 column, end;
};

/* Check the arguments and emit; r: a plain integer with the inputs of all arguments, to be made into the result. */
typedef struct part fn_handler(struct build *b, struct call *c, struct part r);
struct fn {
	const char	*name;
	fn_handler	*handler;
	int		 param;
	size_t		 min, max;
};

fn_handler fn_abs, fn_extreme, fn_avg, fn_clamp, fn_round, fn_div, fn_sqrt, fn_math, fn_angle, fn_bits, fn_if, fn_unit,
    fn_number;
fn_handler fn_text, fn_len, fn_edit, fn_ends, fn_mid, fn_find, fn_match, fn_now, fn_time_of, fn_clock, fn_quality;
fn_handler fn_prev, fn_edge, fn_held, fn_latch, fn_counter, fn_window;

/* A number that stands in the text and on top of the stack, taken off it. */
bool literal(struct build *b, const struct part *p, double *out, const char *what);

#endif
