/* What `penstock outbox` was asked, shared by its files: cmd_outbox.c lists and acts, outbox_show.c shows one event. */
#ifndef CLI_OUTBOX_CLI_H
#define CLI_OUTBOX_CLI_H

#include "cli/outboxes.h"

struct outbox_asked {
	const char		*state_dir, *sink, *state, *reason, *lane, *code;
	bool			 json, all, complaints;
	uint64_t		 limit;
	int			 n;
	char			**args;
	size_t			 shown, errors;
	const struct outbox_name *of;		/* the outbox being shown */
	struct json		*j;
	bool			 tries_open;
};

/* Says why on standard error; the exit status. */
int outbox_cannot(const char *why);
/* One event with its history. The exit status. */
int outbox_show(struct outbox_asked *a, const struct outbox_name *v, int n);

#endif
