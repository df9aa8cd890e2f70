/*
 * Inside expr/: the compiled form and the builder that makes it. Reading order: lex.c (tokens), parse.c (grammar),
 * operators.c, types.c (types and units), call.c (functions), compile.c (the program), eval.c (running it), window.c,
 * state.c.
 *
 * There is no tree: the parser hands each finished part to the type checker, which emits code for a stack machine at
 * once. A part whose value is already on the stack is described by a struct part; conversions of a part that is not on
 * top name their depth.
 */
#ifndef EXPR_INSIDE_H
#define EXPR_INSIDE_H

#include <stdio.h>

#include "base/err.h"
#include "expr/expr.h"
#include "model/status.h"
#include "model/unit.h"

#define ARGS_MAX	8u
#define SPECS_MAX	64u	/* windows and other states of a program */
#define CONSTS_MAX	1024u
#define TEXT_SLOT	EXPR_VALUES_MAX

/* Operations: name, values taken from the stack (one is put back). `arg` and `index` are of struct op. */
#define OP_LIST(X)								\
	X(CONST, 0)	/* index: constant; arg: enum expr_type */		\
	X(LOAD, 0)	/* arg: input */					\
	X(TO_FLOAT, 0)	/* in place, arg: depth */				\
	X(CONVERT, 0)	/* in place, arg: depth; index: factor, offset */	\
	X(ADD_I, 2) X(SUB_I, 2) X(MUL_I, 2) X(DIV_I, 2) X(MOD_I, 2)		\
	X(NEG_I, 1) X(ABS_I, 1) X(MIN_I, 2) X(MAX_I, 2)				\
	X(ADD_F, 2) X(SUB_F, 2) X(MUL_F, 2) X(DIV_F, 2) X(MOD_F, 2) X(POW_F, 2)	\
	X(NEG_F, 1) X(ABS_F, 1) X(MIN_F, 2) X(MAX_F, 2) X(CLAMP_I, 3) X(CLAMP_F, 3)	\
	X(MATH, 1)	/* arg: enum math_fn */					\
	X(ROUND, 1)	/* arg: enum round_fn; float to integer */		\
	X(CMP_I, 2) X(CMP_F, 2) X(CMP_T, 2)	/* arg: enum relation */	\
	X(AND, 2) X(OR, 2) X(XOR, 2) X(NOT, 1) X(SELECT, 3) X(ELSE, 2)		\
	X(TIME_ADD, 2) X(TIME_LESS, 2) X(TIME_SUB, 2)				\
	X(BIT, 1)	/* arg: number of the bit */				\
	X(BITS, 1)	/* arg: lowest | highest << 8 */			\
	X(CONCAT, 2)	/* index: place for text in the state, as all that make text */	\
	X(TEXT_OF, 1)	/* arg: type | (digits + 1) << 8 */			\
	X(ENUM_TEXT, 1)	/* arg: input */					\
	X(LENGTH, 1) X(CASE, 1) X(TRIM, 1) X(END, 2) X(MID, 3) X(FIND, 2) X(MATCH, 2) X(NUMBER, 1)	\
	X(NOW, 0) X(CLOCK, 1)	/* arg: enum clock_part */			\
	X(QUALITY, 1)	/* arg: enum quality_fn */				\
	X(TIME_OF, 0) X(AGE, 0)	/* arg: input */				\
	X(STATE, 1)	/* index: spec */					\
	X(LATCH, 2)	/* index: spec */					\
	X(WINDOW, 1)	/* index: spec */

enum op_code {
#define X(name, pops) OP_##name,
	OP_LIST(X)
#undef X
	OPS
};

struct op {
	uint8_t		code;
	uint16_t	arg;
	uint32_t	index;
};

enum math_fn { MATH_SQRT, MATH_EXP, MATH_LN, MATH_LOG10, MATH_SIN, MATH_COS, MATH_TAN, MATH_ASIN, MATH_ACOS,
    MATH_ATAN };
enum round_fn { ROUND_NEAREST, ROUND_DOWN, ROUND_UP, ROUND_TO_ZERO };
enum relation { REL_EQ, REL_NE, REL_LT, REL_LE, REL_GT, REL_GE };
enum clock_part { CLOCK_YEAR, CLOCK_MONTH, CLOCK_DAY, CLOCK_WEEKDAY, CLOCK_HOUR, CLOCK_MINUTE, CLOCK_SECOND,
    CLOCK_OF_DAY };
enum quality_fn { QUALITY_GOOD, QUALITY_UNCERTAIN, QUALITY_BAD, QUALITY_STATUS, QUALITY_TEXT };
enum state_fn {
	STATE_PREV, STATE_CHANGED, STATE_RISING, STATE_FALLING, STATE_HELD, STATE_COUNTER_I, STATE_COUNTER_F,
	    STATE_EDGES,
	STATE_RUN_TIME, STATE_LATCH, STATE_FNS
};
enum window_kind {
	WIN_MEAN, WIN_TMEAN, WIN_MIN, WIN_MAX, WIN_SUM, WIN_STDDEV, WIN_PERCENTILE, WIN_SLOPE, WIN_RATE, WIN_DELTA,
	    WIN_COUNT,
	WIN_RUN_TIME, WIN_INTEGRAL, WIN_COVERAGE, WIN_KINDS
};

union konst {
	int64_t		 i;
	double		 f;
	const char	*p;	/* the length stands in the constant behind it */
};

/* A thing that remembers: its bytes begin at `off` of the state. */
struct spec {
	uint8_t		fn;		/* enum state_fn or window_kind */
	bool		window;
	uint8_t		type;		/* enum expr_type of what it is fed */
	uint64_t	mask;		/* inputs whose news are news for it */
	uint32_t	off, size;
	uint32_t	cap;		/* windows: samples of room */
	uint32_t	count;		/* windows over a count: how many; 0: over span_ns */
	int64_t		span_ns;
	double		param;		/* percentile 0..100; modulo of a float counter */
	int64_t		modulo;		/* of an integer counter, 0: none */
	uint64_t	key;		/* of what outlives the process; 0: does not */
};

struct source_of {			/* what an operation came from, for errors and explanations */
	uint16_t	column, len;
	uint8_t		type;
	const char	*unit;
};

struct expr {
	struct op	*ops;
	struct source_of *from;		/* one an op */
	uint32_t	 nops, nspecs, ntags, depth;
	union konst	*consts;
	struct spec	*specs;
	struct expr_tag	*tags;
	const char	*unit;
	const struct zone_offset *zones;
	uint32_t	 nzones;
	uint32_t	 state_size;
	enum expr_type	 type;
	bool		 uses_time;
	int64_t		 period_ns;
	uint64_t	 hash;
};

/* A value on the stack. */
struct cell {
	union {
		int64_t		 i;	/* integers, times, and bools as 0 or 1 */
		double		 f;
		const char	*p;
	};
	uint32_t	status, len;	/* len: of a text */
	uint8_t		why, input;
	uint16_t	column;
};

/* The first bytes of a state. */
struct state_head {
	int64_t		now_ns;		/* of the last evaluation, 0: none yet */
};

/* One evaluation under way. */
struct run {
	const struct expr	*p;
	uint8_t			*state;
	const struct expr_input *const *in;
	uint64_t		 fresh;
	int64_t			 now_ns;
	uint16_t		 column;	/* of the present operation */
};

/* ---- tokens */

enum token_kind {
	TOK_END, TOK_NUMBER, TOK_TEXT, TOK_NAME,
	    TOK_QUOTED /* 'a tag' */, TOK_UNIT /* [..] */, TOK_BIT /* .3 */, TOK_OP, TOK_BAD
};
struct token {
	enum token_kind	 kind;
	const char	*p;		/* of its inside, where it is quoted */
	size_t		 len;
	uint16_t	 column, end;	/* end: column behind it */
	bool		 integer;
	int64_t		 i;
	double		 f;
};

struct build;
void lex_next(struct build *b);
bool tok_is(const struct build *b, const char *op_or_word);

/* ---- building */

struct part {
	enum expr_type	 type;
	struct unit	 unit;
	const char	*ut;		/* the unit's text */
	bool		 bare;		/* a number written without a unit: takes that of what it meets */
	int		 const_op;	/* the one operation it is, a constant; -1 */
	int		 input;		/* the one input it is; -1 */
	int		 items;		/* input whose enumeration its numbers mean; -1 */
	uint64_t	 mask;		/* inputs it is made of */
	uint16_t	 column, end;
};

struct build {
	const char	*text;
	size_t		 len, pos;
	struct token	 tok;
	const struct expr_env *env;
	struct arena	*a;
	struct expr_error *e;
	int		 err;
	uint32_t	 nest, depth, max_depth;
	struct op	 ops[EXPR_STEPS_MAX];
	struct source_of from[EXPR_STEPS_MAX];
	uint32_t	 nops;
	union konst	 consts[CONSTS_MAX];
	uint32_t	 nconsts;
	struct spec	 specs[SPECS_MAX];
	uint32_t	 nspecs;
	struct expr_tag	 tags[EXPR_INPUTS_MAX];
	uint32_t	 ntags;
	size_t		 state;
	bool		 uses_time;
};

/* The first fault is kept; all later work is idle. */
void build_fault(struct build *b, int err, int column, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void build_remedy(struct build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Append an operation whose result is described by *r (its column, end, type, ut). */
void emit(struct build *b, enum op_code code, uint16_t arg, uint32_t index, const struct part *r);
uint32_t add_const(struct build *b, union konst k);
/* A spec with size bytes of state. */
struct spec *add_spec(struct build *b, size_t size, const struct part *of, uint32_t *index);
/* A place for a text in the state: its offset. */
uint32_t text_slot(struct build *b);
/* Take back a constant that was just emitted. */
void drop_const(struct build *b, const struct part *p);

/* parse.c */
struct part parse_expr(struct build *b);
/* operators.c */
struct part op_binary(struct build *b, const char *op, struct part l, struct part r);
struct part op_negate(struct build *b, struct part x);
struct part op_select(struct build *b, struct part c, struct part x, struct part y);
struct part op_else(struct build *b, struct part x, struct part y);
/* types.c */
/*
 * Bring n parts that lie on the stack (the last on top) to one type and unit: that of the first that is no bare number.
 * The result describes the values, and spans all columns. what: for the error text ("compared").
 */
struct part unify(struct build *b, struct part *parts, size_t n, const char *what);
void need_type(struct build *b, const struct part *p, enum expr_type t, const char *what);
void need_number(struct build *b, const struct part *p, const char *what);
bool is_number(const struct part *p);
/* r, which is made of these parts, reads what they read and spans their columns; it is no constant. */
void join(struct part *r, const struct part *parts, size_t n);
/* The number at this depth, times factor, plus offset; a constant is worked out at once. */
void scale(struct build *b, struct part *p, double factor, double offset, uint16_t depth);
/* A number at this depth becomes a float. */
void make_float(struct build *b, struct part *p, uint16_t depth);
/* The number on top, in another unit: false and a fault when it is of another dimension. */
bool convert_to(struct build *b, struct part *p, const struct unit *u, const char *ut, uint16_t depth,
    const char *what);
/* units.c: what comes of units under * / and so on. The text may be NULL past its limit: then a fault was raised. */
extern const struct unit unit_one, unit_second, unit_kelvin;
bool unit_pure(const struct unit *u);
void unit_product(struct build *b, struct part *r, const struct part *x, const struct part *y, int sign);
void unit_power(struct build *b, struct part *r, const struct part *x, int power);
bool unit_root(struct build *b, struct part *r, const struct part *x);
/* The unit of a difference: a scale with its zero elsewhere gives K; returns the factor that numbers need. */
double unit_difference(struct part *r);
bool read_unit(struct build *b, const char *s, size_t len, int column, struct unit *out, const char **text);
/* call.c */
struct part parse_call(struct build *b, const char *name, size_t len, uint16_t column);

/* ---- running */

size_t window_size(const struct spec *s);
void window_init(const struct spec *s, void *state);
/* Take x if fresh, give the window's result in x. */
void window_run(const struct spec *s, void *state, bool fresh, int64_t now_ns, struct cell *x);
void window_gap(const struct spec *s, void *state, int64_t now_ns);

size_t state_fn_size(enum state_fn fn);
void state_run(const struct run *r, const struct spec *s, struct cell *x);
void latch_run(const struct run *r, const struct spec *s, struct cell *set, const struct cell *reset);
void state_gap(const struct spec *s, void *state);

void text_run(const struct run *r, const struct op *op, struct cell *x);
void clock_run(const struct run *r, const struct op *op, struct cell *x);

/* Make a cell bad for a reason that lies in this operation. */
void cell_fail(const struct run *r, struct cell *x, uint32_t status, enum expr_why why);

/* arith.c */
void num_integers(const struct run *r, enum op_code code, struct cell *x, const struct cell *y);
void num_floats(const struct run *r, enum op_code code, struct cell *x, const struct cell *y);
void num_math(const struct run *r, enum math_fn fn, struct cell *x);
void num_round(const struct run *r, enum round_fn fn, struct cell *x);
void num_compare(const struct op *op, struct cell *x, const struct cell *y);
void num_times(const struct run *r, enum op_code code, struct cell *x, const struct cell *y);

static inline void
cell_range(const struct run *r, struct cell *x, enum expr_why why)
{
	cell_fail(r, x, (uint32_t)STATUS_BadOutOfRange, why);
}

/* Results of floats are numbers, or bad. */
static inline void
cell_float(const struct run *r, struct cell *x)
{
	if (__builtin_expect(!__builtin_isfinite(x->f), 0)) {
		if (!status_is_bad(x->status))
			cell_range(r, x, __builtin_isnan(x->f) ? EXPR_WHY_UNDEFINED : EXPR_WHY_OVERFLOW);
		x->f = 0;
	}
}

/* Is this status worse than that: bad before uncertain before good. */
static inline bool
status_worse(uint32_t a, uint32_t b)
{
	return a >> 30 > b >> 30;
}

/* The result of x and y is as bad as the worse of them; at a tie x, the left one, explains. */
static inline void
cell_worse(struct cell *x, const struct cell *y)
{
	if (__builtin_expect(status_worse(y->status, x->status), 0)) {
		x->status = y->status;
		x->why = y->why;
		x->input = y->input;
		x->column = y->column;
	}
}

#endif
