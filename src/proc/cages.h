/*
 * The cage of each role: what a child of the supervisor may do, from its first plan on and before it reads a byte of a device, a broker or a
 * browser. os/cage.h has the means, here is the policy:
 *
 *	role      network                          reads                              writes
 *	field     its zone's namespace; no server  resolver files, secrets it names   <state>/pki/ot, serial lines it names
 *	insight   none                             nothing                            <state>/insight
 *	gate      none                             nothing                            <state>/spool, <state>/audit, <state>/gate
 *	office    its sinks' namespace             <state>/spool, resolver files,     <state>/office, <state>/pki/it
 *	                                           secrets it names
 *
 * A cage cannot be widened. A plan that needs more, or a file of the plan that was replaced by another of the same name (a certificate that was renewed), ends the process in good order; the supervisor starts it again with a new cage.
 * So does a resolver that was set anew, for a process that knows a far end by name.
 */
#ifndef PROC_CAGES_H
#define PROC_CAGES_H

#include "ring/channel.h"
#include "ring/stats.h"
#include "site/plan.h"

/*
 * Enter the cage; the process has one thread. 0; ERR_DENIED: the plan demands a layer that is missing, or the self-test found a hole, or a
 * network namespace cannot be entered; ERR_LIMIT: too many files are named (all logged).
 */
int cages_enter(enum role role, const char *state_dir, const struct plan *p);
/* Figures of it (kind cage), after each plan, since a plan resets the page. */
void cages_publish(struct stats *s);
/* Has this plan all that it needs within the cage? */
bool cages_fit(const struct plan *p);
/* The path of a file in the cage leads to another file now, which cannot be read: its path; NULL: none. */
const char *cages_stale(void);

#endif
