/* The far end of a command line tool: a stream socket that a child writes its answer to, never waiting for it. See child.h for its use. */
#ifndef PROC_CLIENT_H
#define PROC_CLIENT_H

#include <uv.h>

#include "proc/child.h"

#define CLIENT_BACKLOG_MAX	(1u << 20)

/* Take over a connected socket; fd taken. NULL when it is unusable. */
struct client *client_new(uv_loop_t *loop, int fd);

#endif
