/*
 * Events made of recorded samples, without anything being sent or remembered: the engine of the insight process itself
 * runs over them, with the samples' own times as its clock. Numbers begin at 1.
 */
#ifndef CLI_EVENT_TRY_H
#define CLI_EVENT_TRY_H

#include "cli/eval_data.h"
#include "insight/insight.h"

struct event_try;
/* An event that would leave: its record, exactly; borrowed for the call. path: of its declaration. */
typedef void event_try_fn(void *arg, const char *path, const char *record, size_t len, uint32_t status);

/* plan taken, also on failure. Given: event_try_free. NULL: an expression does not compile, which was said. */
struct event_try *event_try_new(struct plan *plan, event_try_fn *each, void *arg);
void event_try_free(struct event_try *t);
/* What samples are to be found: set in d, borrowed from t. */
void event_try_inputs(struct event_try *t, struct eval_data *d);
/* Run over samples in the order of time (eval_sort()). 0 or an error. */
int event_try_run(struct event_try *t, const struct eval_data *d);

#endif
