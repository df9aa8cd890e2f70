/*
 * Samples for `penstock eval` and `penstock event try`, from a running penstock's rings, from the local history or from
 * a CSV file.
 */
#ifndef CLI_EVAL_DATA_H
#define CLI_EVAL_DATA_H

#include "base/arena.h"
#include "expr/expr.h"
#include "site/plan.h"

#define EVAL_POINTS_MAX 5000000u

struct eval_point {
	int64_t		t;		/* ns since 1970 UTC */
	uint32_t	input, status;
	struct value	v;		/* bytes in the arena */
};

struct eval_input { const char *name; uint8_t type; };	/* path of a tag, enum value_type */

struct eval_data {
	const struct eval_input	*inputs;	/* what is looked for; borrowed */
	size_t			 ninputs;
	struct eval_point	*v;
	size_t			 n, cap;
	struct arena		 texts;
	bool			 full;		/* EVAL_POINTS_MAX reached: what came later is left out */
};

/* Each adds what it finds and returns 0, or a negative error after saying on standard error what to do. */
int eval_from_csv(struct eval_data *d, const char *path);
int eval_from_history(struct eval_data *d, const char *state, const char *sink, int64_t from, int64_t to);
/* The plan that runs, as insight knows it (given, plan_free); then what its rings hold now. */
int eval_running_plan(const char *state, struct plan **out);
int eval_from_rings(struct eval_data *d, const char *state);
/* In the order of time; of equal times in the order of coming. */
void eval_sort(struct eval_data *d);
void eval_data_fini(struct eval_data *d);

#endif
