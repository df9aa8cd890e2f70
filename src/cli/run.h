/* Running another program for a command of ours: nft, git. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdbool.h>

#include "base/buf.h"

#define RUN_NO_RIGHT	126	/* status: `apart` was asked for and takes root */
#define RUN_NOT_THERE	127	/* status: there is no such program */

/*
 * Run argv (NULL-ended, found by PATH) with `in` as its input (NULL: none) and its output appended to out (what does
 * not fit is lost). apart: in an empty network namespace of its own. quiet: what it complains of is not shown. Its exit
 * status, or -1 when it could not be run or was killed.
 */
int run_tool(const char *const *argv, const struct buf *in, bool apart, bool quiet, struct buf *out);

#endif
