/* Inside of asks*.c: one ask under way. */
#ifndef DRIVER_OPCUA_ASKS_INT_H
#define DRIVER_OPCUA_ASKS_INT_H

#include "base/err.h"
#include "driver/opcua/asks.h"
#include "driver/opcua/ua_value.h"

struct asks;
struct op {
	struct op		*next, **link;
	struct ua_agent		*a;
	const struct ua_ask	*ask;		/* the agent's until ua_out_done() */
	/* What is to be done next; NULL while a call is under way. Returns ERR_BUSY or ERR_AGAIN: call it again with a later tick. 0: it has
	 * begun, or the op is done (and freed). */
	int			(*step)(struct op *o);
	struct arena		 memory;
	char			 why[400];
	/* reads */
	uint32_t		 at, n;		/* tags [at, at + n) are under way */
	/* writes and calls */
	struct ua_target	 target;
	UA_NodeId		 object, method;
	UA_Variant		*args;		/* [ask->nargs] */
	UA_Argument		*inputs;	/* of the method, NULL: it does not say */
	size_t			 ninputs;
	bool			 described;	/* whether it says is known */
	UA_NodeId		 inputs_node;
	struct ua_addr		 addr[2];
};

/* The op ends: done is told, all is freed. why may be o->why. */
void op_done(struct op *o, int err, const char *why);
/* The status of a whole call that went wrong, for o->why and op_done(); sent: it may have been carried out. */
void op_failed(struct op *o, UA_StatusCode s, bool sent, const char *what);
/* Is it too late? Then the op is done. */
bool op_expired(struct op *o);

int op_read(struct op *o);	/* asks.c */
int op_write(struct op *o);	/* asks_write.c */
int op_call(struct op *o);	/* asks_call.c */
int op_ack(struct op *o);	/* asks_call.c */
void op_clear_target(struct op *o);

#endif
