/* The command line at the gate: `penstock request`, its arguments and its answers, a line of JSON each. */
#ifndef PROC_GATE_CLIENT_H
#define PROC_GATE_CLIENT_H

#include "gate/request.h"
#include "proc/child.h"

/*
 * The arguments, after who asks (who.h):
 *	write TAG VALUE, call SOURCE METHOD ARG..., ack TAG EVENT	with options before the verb:
 *		deadline=NS (boot_now()), key=TEXT, note=TEXT, wait
 *	list N, show ID, confirm ID, cancel ID	(confirm with wait before it)
 */
struct gate_requests;
struct gate_client;
/* c given. */
void gate_client_serve(struct gate_requests *g, struct requests *r, struct client *c, int argc,
    const char *const *argv);
/* A state of what it waits for. True: it waits no more, and is freed. */
bool gate_client_tell(struct gate_client *k, const struct request_result *r);

/* gate_requests.c: who waits for a request. */
uint64_t gate_requests_token(struct gate_requests *g, struct gate_client *c);
void gate_requests_forget(struct gate_requests *g, uint64_t token);

#endif
