/* The far end of a command line tool: a stream socket that a child writes its answer to, never waiting for it. See child.h for its use. */
#ifndef PROC_CLIENT_H
#define PROC_CLIENT_H

#include <uv.h>

#include "proc/child.h"

#define CLIENT_BACKLOG_MAX	(4u << 20)	/* a line of an answer as long as the command line takes, cli/ctl.c */
#define CLIENTS_MAX		64		/* of a process, at a time: those who never read must not cost it its descriptors */

/* Take over a connected socket; fd taken, closed on failure. NULL when it is unusable or there are too many. */
struct client *client_new(uv_loop_t *loop, int fd);

#endif
