/* The control commands that every simulator has. */
#ifndef SIM_VERBS_H
#define SIM_VERBS_H

#include "base/json.h"
#include "sim/control.h"

extern const struct sim_verb sim_verbs[];
extern const size_t sim_nverbs;

/* "error ..." for a fault that cannot be read, naming the nearest one. */
void sim_say_bad_fault(struct buf *out, const char *word, int err);

#endif
