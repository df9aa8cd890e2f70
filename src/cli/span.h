/* A length of time as a person writes it behind --last: "90 s", "15min", "1h", "7d". */
#ifndef CLI_SPAN_H
#define CLI_SPAN_H

#include <stdint.h>

/* *out in ns. 0 or ERR_SYNTAX. */
int span_parse(const char *s, int64_t *out);

#endif
