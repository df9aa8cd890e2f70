/* What hosts send to an edge node: commands (Sparkplug 3.0.0, 5.15, 6.4.25 and 6.4.26) and the state of a host (6.4.31). Both come from outside. */
#ifndef SINK_SPARKPLUG_SP_COMMAND_H
#define SINK_SPARKPLUG_SP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_COMMAND_MAX	65536u	/* bytes of a command */
#define SP_STATE_MAX	4096u	/* bytes of a STATE */

struct sp_command {
	bool	rebirth;	/* Node Control/Rebirth = true stands in it */
	size_t	others;		/* metrics that somebody wants written */
};

/* 0; ERR_LIMIT: too long; ERR_PROTO: no Sparkplug payload. */
int sp_command_parse(const void *p, size_t len, struct sp_command *out);

struct sp_host_state {
	bool	online;
	int64_t	timestamp;	/* ms UTC, as the host says; to be compared only with its own */
};
/* {"online": bool, "timestamp": number}; further keys are passed over. 0; ERR_LIMIT, ERR_SYNTAX: no JSON; ERR_PROTO: not these keys. */
int sp_host_state_parse(const void *p, size_t len, struct sp_host_state *out);

/* The primary host as an edge node knows it at one broker, and the rule of timestamps that keeps late messages out. */
struct sp_host {
	bool	known;		/* a STATE was taken in this session */
	bool	online;
	int64_t	timestamp;
};
/* Take a STATE. False: it is older than the one before and means nothing. */
bool sp_host_take(struct sp_host *h, const struct sp_host_state *s);

#endif
