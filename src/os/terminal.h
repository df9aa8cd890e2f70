/* Asking a person for a secret. */
#ifndef OS_TERMINAL_H
#define OS_TERMINAL_H

#include <stdbool.h>

#include "base/buf.h"

/* Is standard input a terminal, with a person before it? */
bool terminal_is_one(void);

/*
 * One line of standard input, without its newline, appended to out. At a terminal the prompt is written to it and what is typed is not shown. 0; ERR_END:
 * there is no line; ERR_LIMIT: longer than max bytes; ERR_IO. Blocks.
 */
int terminal_secret(const char *prompt, size_t max, struct buf *out);

#endif
