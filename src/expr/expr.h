/*
 * Expressions over tags: the one language of derived tags, triggers, interlocks and `penstock eval`. doc/expressions.md
 * is the reference of the language; this is how C uses it. A pure library: no clock, no file, no allocation while
 * running.
 *
 *	text --expr_compile--> struct expr (in an arena, immutable, shared)
 *	struct expr + state (expr_state_size() bytes, plain bytes without pointers) + inputs + now --expr_eval--> result
 *
 * Compiling checks types and units and translates into straight-line code for a stack of fixed depth: there are no
 * jumps, so an evaluation costs the same each time (windows: amortised) and every state sees every evaluation. What a
 * program may need is known when it is compiled, and limited by the EXPR_*_MAX below.
 *
 * Owner of time is the caller: `now` is the time of the samples being taken, or of the clock where nothing came and
 * time alone passes (expr_uses_time()). It may stand still. A step back of up to a minute counts as standing still; a
 * longer one empties the windows and timers.
 */
#ifndef EXPR_EXPR_H
#define EXPR_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "model/value.h"

#define EXPR_TEXT_MAX		4096u	/* bytes of an expression */
#define EXPR_DEPTH_MAX		32u	/* parentheses and calls within each other */
#define EXPR_STEPS_MAX		512u	/* operations of a program */
#define EXPR_STACK_MAX		48u	/* values waiting at once */
#define EXPR_INPUTS_MAX		64u	/* different tags of a program */
#define EXPR_VALUES_MAX		256u	/* bytes of a text that is kept or made */
#define EXPR_WINDOW_MAX		65536u	/* samples of one window */
#define EXPR_STATE_MAX		(4u << 20)	/* bytes of state of a program */

enum expr_type { EXPR_BOOL, EXPR_INT, EXPR_FLOAT, EXPR_TEXT, EXPR_TIME, EXPR_TYPES };
const char *expr_type_name(enum expr_type t);	/* "bool", "integer", ... static */

struct expr_enum_item { int64_t value; const char *text; };

/* What a name in an expression stands for. Texts and items must live as long as the program. */
struct expr_tag {
	uint64_t	 id;		/* the caller's; given back by expr_input() */
	uint8_t		 type;		/* enum value_type; arrays and bytes cannot be used */
	const char	*name;		/* the whole path, for people */
	const char	*unit;		/* UCUM, "" if none */
	int64_t
	    period_ns;	/* how often samples come, for the size of windows; 0: not known, 100 ms is taken */
	const struct expr_enum_item *items;	/* of its enumeration; NULL: none */
	uint32_t	 nitems;
};

struct expr_env {
	/*
	 * Find a tag by the name as written (without quotes; relative to whatever the caller takes as its place). 0 and
	 * *out; ERR_NOTFOUND and similar with the cause in why ("there is no tag \"sped\"; did you mean \"speed\"?").
	 */
	int	(*resolve)(void *arg, const char *name, size_t len, struct expr_tag *out, char *why, size_t size);
	void	 *arg;
	const char *unit;		/* what the result is to be in, converted; NULL: as it comes */
	const struct zone_offset
	    *zones;	/* in order of time, for hour() and such; must outlive the program; NULL: UTC */
	uint32_t nzones;
};

struct expr_error {
	int	column;			/* in the text, from 1, in bytes */
	char	cause[300];		/* what is wrong */
	char	remedy[300];		/* what to do; "" when the cause says it */
};

struct expr;
/*
 * Compile. The program lives in the arena (given back with it, also what a failure left there). text is borrowed only
 * for the call. 0; ERR_SYNTAX, ERR_TYPE (types or units), ERR_NOTFOUND (a name), ERR_LIMIT; then *e is filled.
 */
int expr_compile(const char *text, size_t len, const struct expr_env *env, struct arena *a, struct expr **out,
    struct expr_error *e);

enum expr_type expr_result_type(const struct expr *p);
/* What struct value's type a usable result has: BOOL, I64, F64, TEXT or TIME. */
uint8_t expr_value_type(const struct expr *p);
const char *expr_unit(const struct expr *p);		/* UCUM, "" for none */
size_t expr_inputs(const struct expr *p);
const struct expr_tag *expr_input(const struct expr *p, size_t i);
/* May the result change although no input does (windows over time, held, now)? Then evaluate it from time to time. */
bool expr_uses_time(const struct expr *p);
/* Does it remember anything? */
bool expr_has_state(const struct expr *p);
/* How often samples come of which the result is made, ns: the shortest of its inputs; 0: not known. */
int64_t expr_period_ns(const struct expr *p);
/* Same text in the same surroundings (types, units, windows): states may be exchanged. Stable across runs. */
uint64_t expr_hash(const struct expr *p);

/* Bytes of state, at least 8; must be 8-aligned. */
size_t expr_state_size(const struct expr *p);
void expr_init(const struct expr *p, void *state);
/* Samples were lost on the way: windows are uncertain until they have been passed once, timers begin anew. */
void expr_gap(const struct expr *p, void *state);

struct expr_input {
	struct value	v;		/* borrowed for the call */
	uint32_t	status;
	struct wall	time;		/* of the sample; 0: none has come, the input is BadWaitingForInitialData */
};

enum expr_why {
	EXPR_WHY_NONE,		/* the result is good */
	EXPR_WHY_INPUT,		/* an input is not good */
	EXPR_WHY_WAITING,	/* an input has no sample yet */
	EXPR_WHY_DIVIDE,	/* division by zero */
	EXPR_WHY_OVERFLOW,	/* a number too large for its type */
	EXPR_WHY_UNDEFINED,	/* no number: the root of a negative one, the logarithm of none, an input that is NaN */
	EXPR_WHY_RANGE,		/* an argument outside of what the function takes */
	EXPR_WHY_LONG,		/* a text longer than EXPR_VALUES_MAX */
	EXPR_WHY_EMPTY,		/* a window without a usable sample, a state that never was */
	EXPR_WHY_PARTLY,	/* a window not full, or with samples that were bad, uncertain or lost */
	EXPR_WHY_KEPT,		/* a count kept from before, its input is bad now */
	EXPR_WHYS
};

struct expr_result {
	struct value	v;		/* VALUE_NULL when the status is bad; a text is borrowed from state or inputs */
	uint32_t	status;		/* OPC UA */
	enum expr_why	why;
	uint16_t	column;		/* where in the text it arose, from 1 */
	uint16_t	input;		/* for WHY_INPUT, WHY_WAITING: which */
};

/*
 * Evaluate once. in: one pointer an input, none NULL; fresh: bit i is set when input i has a new sample since the last
 * call (windows and counters take only what is fresh).
 */
void expr_eval(const struct expr *p, void *state, const struct expr_input *const *in, uint64_t fresh, struct wall now,
    struct expr_result *out);

/* The reason of a result in words ("division by zero at column 12"); out has room for size bytes. Returns out. */
char *expr_why_text(const struct expr *p, const struct expr_result *r, char *out, size_t size);

/* A step of an evaluation, in the order in which it is worked out: a part of the text and what it came to. */
struct expr_step {
	uint16_t	 column, len;	/* the part of the text */
	enum expr_type	 type;
	const char	*unit;		/* "" for none */
	struct expr_result r;
};
/* The same as expr_eval(), telling each step. */
void expr_eval_steps(const struct expr *p, void *state, const struct expr_input *const *in, uint64_t fresh,
    struct wall now, struct expr_result *out, void (*tell)(void *arg, const struct expr_step *s), void *arg);

/*
 * What must outlive the process: totals of counter(), edges(), run_time(), the latch(). Each has a key, stable as long
 * as that part of the text and its inputs are the same, whatever else in the expression changes, and a few bytes.
 */
#define EXPR_KEEP_MAX 40u
size_t expr_keeps(const struct expr *p);
/* Copy item i out: its key, its bytes into buf[EXPR_KEEP_MAX]. Returns how many. */
size_t expr_keep(const struct expr *p, const void *state, size_t i, uint64_t *key, uint8_t *buf);
/* Put an item back into a fresh state. 0; ERR_NOTFOUND: this program has none of that key and length. */
int expr_restore(const struct expr *p, void *state, uint64_t key, const uint8_t *buf, size_t len);

/* The functions, for `penstock keys` and the reference: rows in functions.def. */
struct expr_function {
	const char	*name, *form, *help, *example;	/* example: an expression that uses it */
};
extern const struct expr_function expr_functions[];	/* ended by a NULL name */

#endif
