/* What the files of the link sink share; nobody else includes this. link.c tells the whole. */
#ifndef SINK_LINK_H
#define SINK_LINK_H

#include "base/log.h"
#include "link/lobby.h"
#include "sink/sink.h"
#include "site/link.h"

enum link_sink_key { LS_KEY_TO, LS_KEY_PEER, LS_KEY_NAME, LS_KEY_ROLE, LS_KEY_TIMEOUT, LS_KEYS };

struct link_stream {
	struct link_stream	*next;
	struct sink_stream	*s;
	uint32_t		 no;		/* of this connection, and kept over connections */
	uint64_t		 id;		/* random, in <state>/office/<sink>/<stream>.id */
	bool			 ready;		/* the other node has said what it has */
	struct link_have	*have;		/* [LINK_HAVE_MAX] */
	uint32_t		 nhave;
};

struct link_sink {
	struct sink_host	*host;
	const struct sink	*cfg;
	struct endpoint		 to;
	char			 site[128];
	char			 state_dir[DISK_PATH_MAX];	/* of the node */
	bool			 up;		/* and the other node may be offered things */
	struct lobby		*lobby;
	struct lobby_conn	*n;		/* NULL: no connection */
	bool			 worked;	/* something of use has come over it */
	bool			 renewed;	/* the other node knows our next certificate: connect anew */
	uv_poll_t		*poll, *news;	/* of the connection, of the lobby */
	uv_timer_t		 timer;
	bool			 timer_closed, closing;
	struct link_stream	*streams;
	uint32_t		 window, in_flight;
	bool			 want_ready, want_out;
	struct log_limit	 quiet;
	void			(*stopped)(void *arg);
	void			*stopped_arg;
};

/* way.c: the connection */
int ls_start(struct link_sink *k);
/* Send what waits, and look when to wake up next. */
void ls_flush(struct link_sink *k);
void ls_finish(struct link_sink *k);

/* link.c */
int ls_frame(void *arg, const struct link_frame *f);
void ls_offer_all(struct link_sink *k);

#endif
