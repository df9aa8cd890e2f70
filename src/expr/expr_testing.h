/* For tests and harnesses: a small machine with tags of all kinds, and evaluation in one call. */
#ifndef EXPR_TESTING_H
#define EXPR_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "expr/expr.h"
#include "model/status.h"

enum { T_SPEED, T_TEMP, T_TEMP2, T_PRESSURE, T_P2, T_COUNT, T_WORD, T_RUNNING, T_STATE, T_BATCH, T_LEVEL, T_TORQUE,
    T_RATIO, T_ANGLE,
	T_WEIGHT, T_POWER, T_TOTAL, T_WHEN, T_SPACED, TESTING_TAGS };

static const struct expr_enum_item testing_states[] = { { 2, "stopped" }, { 4, "idle" }, { 6, "execute" },
    { 9, "aborted" } };

#define TESTING_PERIOD_NS (100 * NS_PER_MS)
static const struct expr_tag testing_tags[TESTING_TAGS] = {
#define TAG(i, t, n, u) [i] = { i, t, n, u, TESTING_PERIOD_NS, NULL, 0 }
	TAG(T_SPEED, VALUE_F32, "speed", "/min"), TAG(T_TEMP, VALUE_F64, "temp", "Cel"),
	    TAG(T_TEMP2, VALUE_F64, "temp2", "[degF]"),
	TAG(T_PRESSURE, VALUE_F64, "pressure", "bar"), TAG(T_P2, VALUE_F64, "p2", "kPa"),
	    TAG(T_COUNT, VALUE_U16, "count", ""),
	TAG(T_WORD, VALUE_U32, "word", ""), TAG(T_RUNNING, VALUE_BOOL, "running", ""),
	[T_STATE] = { T_STATE, VALUE_U16, "state", "", TESTING_PERIOD_NS, testing_states, 4 },
	TAG(T_BATCH, VALUE_TEXT, "batch", ""), TAG(T_LEVEL, VALUE_F64, "level", "%"), TAG(T_TORQUE, VALUE_I16, "torque",
	    "N.m"),
	TAG(T_RATIO, VALUE_F64, "ratio", ""), TAG(T_ANGLE, VALUE_F64, "angle", "deg"),
	    TAG(T_WEIGHT, VALUE_F64, "weight", "g"),
	TAG(T_POWER, VALUE_F64, "power", "kW"), TAG(T_TOTAL, VALUE_U64, "total", ""), TAG(T_WHEN, VALUE_TIME, "when",
	    ""),
	TAG(T_SPACED, VALUE_F64, "Line 3/Filler/fill level", "mm"),
#undef TAG
};

static inline int
testing_resolve(void *arg, const char *name, size_t len, struct expr_tag *out, char *why, size_t size)
{
	(void)arg;
	for (size_t i = 0; i < TESTING_TAGS; i++)
		if (strlen(testing_tags[i].name) == len && memcmp(testing_tags[i].name, name, len) == 0) {
			*out = testing_tags[i];
			return 0;
		}
	snprintf(why, size, "there is no tag \"%.*s\"", (int)(len < 100 ? len : 100), name);
	return ERR_NOTFOUND;
}

/* The machine, and one program over it. */
struct testing {
	struct arena	  arena;
	struct expr	 *p;
	uint64_t	 *state;
	struct expr_error e;
	struct expr_input now[TESTING_TAGS];
	const struct expr_input *in[EXPR_INPUTS_MAX];
	int64_t		  now_ns;
	struct expr_result r;
};

#define TESTING_START_NS (1795000000LL * NS_PER_S)	/* 2026-11-18T11:06:40Z */

static inline void
testing_fini(struct testing *t)
{
	arena_fini(&t->arena);
	free(t->state);
	memset(t, 0, sizeof *t);
}

/* Compile, or leave p NULL and e filled. */
static inline int
testing_open(struct testing *t, const char *text, const char *unit)
{
	struct expr_env env = { .resolve = testing_resolve, .unit = unit };

	testing_fini(t);
	t->now_ns = TESTING_START_NS;
	int err = expr_compile(text, strlen(text), &env, &t->arena, &t->p, &t->e);
	if (err != 0)
		return err;
	t->state = calloc(1, expr_state_size(t->p) + 8);
	if (t->state == NULL)
		abort();
	expr_init(t->p, t->state);
	for (size_t i = 0; i < expr_inputs(t->p); i++)
		t->in[i] = &t->now[expr_input(t->p, i)->id];
	return 0;
}

static inline void
testing_set(struct testing *t, int tag, double v)
{
	struct expr_input *in = &t->now[tag];

	in->v = (struct value){ .type = testing_tags[tag].type };
	in->status = 0;
	in->time.ns = t->now_ns;
	switch (in->v.type) {
	case VALUE_BOOL: in->v.b = v != 0; break;
	case VALUE_F32: in->v.f32 = (float)v; break;
	case VALUE_F64: in->v.f64 = v; break;
	case VALUE_U16: case VALUE_U32: case VALUE_U64: in->v.u = v > 0 ? (uint64_t)v : 0; break;
	default: in->v.i = (int64_t)v; break;
	}
}

static inline void
testing_text(struct testing *t, int tag, const char *s)
{
	testing_set(t, tag, 0);
	t->now[tag].v = (struct value){ .type = VALUE_TEXT, .len = (uint32_t)strlen(s), .p = s };
}

/* Evaluate with all inputs fresh (all = true) or none. */
static inline const struct expr_result *
testing_eval(struct testing *t, bool all)
{
	expr_eval(t->p, t->state, t->in, all ? UINT64_MAX : 0, (struct wall){ t->now_ns }, &t->r);
	return &t->r;
}

static inline double
testing_number(const struct expr_result *r)
{
	double v = -999999;

	return value_as_f64(&r->v, &v) ? v : r->v.type == VALUE_TIME ? (double)r->v.i : -999999;
}

#endif
