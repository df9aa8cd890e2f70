/*
 * Simulated devices on the network: endpoints (a listening port or a serial line), the units behind them, the
 * connections to them. One loop, one thread, thousands of endpoints.
 *
 *   endpoint  a port or a tty; has connections, a fault of its own, perhaps a bus
 *   unit      one Modbus device; may be reached through several endpoints, under an id in each
 *   bus       a serial line behind the endpoint: one request at a time, at the speed of its baud rate
 *
 * All structs live as long as the process; connections are made and freed here.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "sim/fault.h"
#include "sim/mbs_frame.h"
#include "sim/reply.h"

#define SIM_NAME_MAX 32

struct sim_stats { uint64_t requests, answers, unanswered, faulted, accepted, bytes_in, bytes_out; };

struct sim_unit {
	char			 name[SIM_NAME_MAX];	/* the target of faults */
	bool			 dead;			/* never answers */
	struct mbs_unit		 mb;
	struct sim_fault	 fault;
};

struct sim_slot { uint8_t id; struct sim_unit *unit; };	/* unit: borrowed */

struct sim_endpoint {
	char			 name[SIM_NAME_MAX];
	struct sim_net		*net;
	enum mbs_framing	 framing;
	bool			 lenient;	/* one device, directly addressed: any unit id reaches it */
	bool			 dead;		/* bound, nothing listens: connections are refused */
	struct sim_slot		*slots;		/* borrowed */
	size_t			 nslots;
	struct sim_bus		*bus;		/* borrowed; NULL: answers at once */
	struct sim_fault	 fault;
	struct sim_stats	 stats;
	char			 where[128];	/* "127.0.0.1:15020" or the path of the tty */

	struct sockaddr_storage	 addr;
	uv_tcp_t		*listener;	/* NULL while refusing */
	struct sim_conn		*conns;
	size_t			 nconns;
	const char		*tty;		/* borrowed path, NULL for TCP */
	bool			 pty;		/* it is a link to a pseudo terminal of ours, see tty.c */
	struct sim_conn		*newest;	/* the pseudo terminal that the link shows; NULL: being made */
	unsigned		 baud;		/* set on the tty; 0: leave it */
	uv_timer_t		 reopen;	/* of the tty, after it was lost */
};

struct sim_net {
	uv_loop_t		*loop;
	struct sim_endpoint	**ep;
	size_t			 nep, cap;
	struct sim_unit		**unit;
	size_t			 nunit, unit_cap;
	struct sim_rng		 dice;		/* for faults only, so they do not change the history of the plant */
	uv_timer_t		 fault_end;
	uint64_t		 start_ms;	/* loop time at start */
};

void sim_net_init(struct sim_net *n, uv_loop_t *loop, uint64_t seed);
/* Make a unit or endpoint known by name. Both are borrowed for good. */
void sim_net_add_unit(struct sim_net *n, struct sim_unit *u);
void sim_net_add(struct sim_net *n, struct sim_endpoint *e);

/* Listen on host:port (0: any free one; `where` says which). 0 or a code of err.h, after saying why on stderr. */
int sim_listen(struct sim_endpoint *e, const char *host, unsigned port);
/* Serve an existing tty, opened again by itself when it goes away. Errors as above. */
int sim_serve_tty(struct sim_endpoint *e, const char *path, unsigned baud);
/* Make a pseudo terminal and serve it; a symbolic link at `link` (replaced) shows its other side. */
int sim_serve_pty(struct sim_endpoint *e, const char *link);

/*
 * Put a fault on a target: a unit or endpoint by name, "all" for every endpoint. kind SIM_FAULT_NONE clears.
 * f->until_ms is a length from now. Returns how many targets there were; 0: no such name.
 */
size_t sim_fault_set(struct sim_net *n, const char *target, const struct sim_fault *f);
/* The fault that acts on this request at this endpoint, NULL: none. */
const struct sim_fault *sim_fault_now(struct sim_endpoint *e, struct sim_unit *u);

/* Endpoint internals, used by conn.c. */
void sim_conn_accept(struct sim_endpoint *e, uv_stream_t *listener);
int sim_conn_from_fd(struct sim_endpoint *e, int fd);
struct sim_unit *sim_endpoint_unit(const struct sim_endpoint *e, uint8_t id);
void sim_endpoint_lost_tty(struct sim_endpoint *e);
void sim_endpoint_pty_taken(struct sim_endpoint *e);

/* Connection operations, used by endpoint.c and bus.c. */
void sim_conn_hold(struct sim_conn *c, bool hold);		/* stop or go on reading */
void sim_conn_end(struct sim_conn *c, enum sim_then how);	/* CLOSE or RESET; c is gone */
void sim_conn_send(struct sim_conn *c, const uint8_t *p, size_t len, uint32_t delay_ms);
void sim_conn_reply(struct sim_conn *c, const struct sim_reply *r, uint32_t delay_ms);
struct sim_conn *sim_conn_next(const struct sim_conn *c);
struct sim_endpoint *sim_conn_endpoint(const struct sim_conn *c);

/* The answer of a unit as it leaves, with faults applied and counted; broadcasts are obeyed and give none. */
void sim_unit_reply(struct sim_endpoint *e, const struct mbs_adu *req, struct sim_reply *out);

/* A serial line behind an endpoint. Requests of all its connections queue up for it. */
struct sim_bus;
struct sim_bus_config {
	unsigned	baud;		/* 0: no pacing */
	uint32_t	turnaround_ms;	/* a unit thinks so long */
	uint32_t	timeout_ms;	/* a TCP gateway waits so long for a dead unit */
	uint8_t		dead_exception;	/* what the gateway then says; 0: nothing */
};
/* Lives as long as the process; NULL: out of memory. */
struct sim_bus *sim_bus_new(uv_loop_t *loop, const struct sim_bus_config *cfg);
void sim_bus_submit(struct sim_bus *b, struct sim_conn *c, const struct mbs_adu *req);
void sim_bus_forget(struct sim_bus *b, const struct sim_conn *c);	/* c goes away */

#endif
