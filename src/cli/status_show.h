/* The tables of `penstock status`. */
#ifndef CLI_STATUS_SHOW_H
#define CLI_STATUS_SHOW_H

#include <jansson.h>

/* Print the answer of the supervisor, with that of office as its member "sinks". Borrowed. */
void status_show(const json_t *root);
/* The same for --security: what the kernel enforces on each process (status_security.c). */
void status_show_security(const json_t *root);

#endif
