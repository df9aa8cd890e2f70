/*
 * What the engine asks of a connection besides its scans: reads on demand, and the way back: writes, method calls, acknowledgements. Each ask
 * is a few calls one after the other (what type has the node? is that type known? now the write), and ends with one ua_out_done(). The call that
 * changes something is sent once, never again; right before it the deadline is looked at.
 */
#ifndef DRIVER_OPCUA_ASKS_H
#define DRIVER_OPCUA_ASKS_H

#include "driver/opcua/ua.h"

#define UA_ARGUMENTS_MAX 64u

int  ua_asks_init(struct ua_agent *a);
void ua_asks_fini(struct ua_agent *a);
void ua_asks_down(struct ua_agent *a, struct mono now, const char *why);
void ua_asks_tick(struct ua_agent *a, struct mono now);
struct mono ua_asks_next(struct ua_agent *a);
bool ua_asks_ask(struct ua_agent *a, const struct ua_ask *ask);
#define UA_ASKS_ROW { .name = "asks", .init = ua_asks_init, .fini = ua_asks_fini, .down = ua_asks_down, .tick = ua_asks_tick, \
	.next = ua_asks_next, .ask = ua_asks_ask }

/* What the status of an operation that changes something means for whoever asked: driver.h, ERR_DENIED and so on. */
int ua_outcome(UA_StatusCode s);

#endif
