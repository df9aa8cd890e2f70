/*
 * The event loop that open62541 runs on in an agent's thread, and its TCP: a UA_EventLoop with one UA_ConnectionManager of our own
 * (open62541/plugin/eventloop.h is that contract). The library's own loop cannot be woken from outside, looks names up behind our back, and hides why
 * a connect failed. Here the poll can be woken, a lock is let go while it waits, and each failure leaves a sentence for people.
 *
 * One thief's trick: the library asks FindServers on each connection to learn the server's URL, and connects anew when the server calls itself
 * differently (all behind NAT do). A ReverseHello (Part 6, 7.1.2.6) would tell it the URL, so on each connection the loop says one on the server's behalf.
 */
#ifndef DRIVER_OPCUA_LOOP_H
#define DRIVER_OPCUA_LOOP_H

#include <open62541/plugin/eventloop.h>

#include "base/clock.h"

#define UA_TIMERS_MAX	16u
#define UA_SOCKETS_MAX	6u		/* of one agent: the connection, its successor, those that are closing */
#define UA_ADDRESSES_MAX 8u
#define UA_READ_MAX	(128u << 10)	/* bytes taken at once */
#define UA_SEND_MAX	(32u << 20)	/* bytes that wait for a server to read */
#define UA_WHY_MAX	400u

struct ua_loop;

/* The lock that is let go while the loop waits; both may be NULL. */
struct ua_loop_lock {
	void	(*take)(void *arg);
	void	(*drop)(void *arg);
	void	*arg;
};
/* NULL: out of memory or descriptors. */
struct ua_loop *ua_loop_new(const struct ua_loop_lock *lock);
/* All clients on it must be deleted. */
void ua_loop_free(struct ua_loop *l);
/* For UA_ClientConfig.eventLoop, with externalEventLoop true. */
UA_EventLoop *ua_loop_el(struct ua_loop *l);
/* Have the run under way, or the next one, return at once. From any thread. */
void ua_loop_wake(struct ua_loop *l);
/* Let timers fire and bytes flow, until something happened or `until`. */
void ua_loop_run(struct ua_loop *l, struct mono until);
/* Why the last connection failed or was lost, "" when nothing did since the last call of ua_loop_forget(). */
const char *ua_loop_why(const struct ua_loop *l);
void ua_loop_forget(struct ua_loop *l);
/* Longest that opening a TCP connection to one address may take. */
void ua_loop_set_connect(struct ua_loop *l, int64_t ns);
uint64_t ua_loop_bytes(const struct ua_loop *l, bool out);

#endif
