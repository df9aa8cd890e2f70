/* penstock ledger --received. */
#ifndef CLI_LEDGER_RECEIVED_H
#define CLI_LEDGER_RECEIVED_H

#include <stdbool.h>

/* Print what came over links. Returns the exit status: EXIT_FINDINGS when a file is damaged. */
int ledger_received(const char *state, bool json);

#endif
