/* Inside of loop.c and tcp.c. */
#ifndef DRIVER_OPCUA_LOOP_INT_H
#define DRIVER_OPCUA_LOOP_INT_H

#include "driver/opcua/loop.h"
#include "os/lookup.h"
#include "os/wake.h"

struct ua_timer {
	UA_UInt64	 id;		/* 0: free */
	UA_Callback	 call;
	void		*application, *data;
	int64_t		 every_ns;	/* 0: once */
	struct mono	 at;
};

enum ua_socket_state { UA_SOCKET_FREE, UA_SOCKET_CONNECTING, UA_SOCKET_OPEN, UA_SOCKET_CLOSING };

struct ua_socket {
	enum ua_socket_state	 state;
	uintptr_t		 id;
	int			 fd;
	char			 host[256];
	int			 port;
	struct lookup_address	 addresses[UA_ADDRESSES_MAX];
	unsigned		 naddresses, address;
	struct mono		 give_up_at;	/* connecting */
	uint8_t			*out;		/* bytes that the kernel did not take */
	size_t			 out_len, out_at;
	void			*application, *context;
	UA_ConnectionManager_connectionCallback call;
};

struct ua_loop {
	UA_EventLoop		 el;		/* first */
	UA_ConnectionManager	 cm;
	struct ua_loop_lock	 lock;
	int			 wake_fd;
	UA_UInt64		 last_id;
	uintptr_t		 last_socket;
	int64_t			 connect_ns;
	uint64_t		 bytes_in, bytes_out;
	struct ua_timer		 timers[UA_TIMERS_MAX];
	struct ua_socket	 sockets[UA_SOCKETS_MAX];
	UA_DelayedCallback	*delayed, **delayed_end;
	char			 why[UA_WHY_MAX];
	uint8_t			 in[UA_READ_MAX];
};

/* tcp.c */
void ua_tcp_init(struct ua_loop *l);
/* What sockets want to wait for; returns how many of v were filled, which[i] the socket of v[i]. */
unsigned ua_tcp_wants(struct ua_loop *l, struct wait_fd *v, struct ua_socket **which, struct mono *until);
void ua_tcp_ready(struct ua_loop *l, struct ua_socket *s, const struct wait_fd *w);
/* Tell of those that are to be closed, and of connects that took too long. True: there were such. */
bool ua_tcp_sweep(struct ua_loop *l, struct mono now);

#endif
