/* What the files of the link sink share; nobody else includes this. link.c tells the whole. */
#ifndef SINK_LINK_H
#define SINK_LINK_H

#include "base/backoff.h"
#include "base/log.h"
#include "pki/node.h"
#include "proto/link/link_conn.h"
#include "sink/sink.h"
#include "site/link.h"

enum link_sink_key { LS_KEY_TO, LS_KEY_PEER, LS_KEY_NAME, LS_KEY_TIMEOUT, LS_KEYS };

struct link_stream {
	struct link_stream	*next;
	struct sink_stream	*s;
	uint32_t		 no;		/* of this connection, and kept over connections */
	uint64_t		 id;		/* random, in <state>/office/<sink>/<stream>.id */
	bool			 ready;		/* the other node has said what it has */
	struct link_have	*have;		/* [LINK_HAVE_MAX] */
	uint32_t		 nhave;
};

enum link_sink_state {
	LS_WAITING,	/* for the next attempt */
	LS_LOOKUP,	/* a name is looked up */
	LS_CONNECTING,
	LS_GREETING,	/* TLS, then HELLO */
	LS_UP,
	LS_STOPPED,
};

struct link_sink {
	struct sink_host	*host;
	const struct sink	*cfg;
	struct endpoint		 to;
	char			 site[128];
	char			 dir[DISK_PATH_MAX];	/* state_dir */
	char			 state_dir[DISK_PATH_MAX];	/* of the node */
	enum link_sink_state	 state;
	int			 fd;
	uv_poll_t		*poll;
	uv_timer_t		 timer;
	uv_getaddrinfo_t	 lookup;
	bool			 looking, timer_closed, closing;
	struct link_conn	 c;
	struct backoff		 pause;
	struct mono		 began;
	struct link_stream	*streams;
	uint32_t		 window, in_flight;
	bool			 want_ready, want_out;
	struct pki		*pki;
	struct pki_own		 own;
	struct log_limit	 quiet;
	char			 refused[700];	/* why the other node's certificate was not taken, "" */
	void			(*stopped)(void *arg);
	void			*stopped_arg;
};

/* way.c: the connection */
void ls_start(struct link_sink *k);
void ls_lost(struct link_sink *k, const char *why);
/* Send what waits, and look when to wake up next. */
void ls_flush(struct link_sink *k);
void ls_finish(struct link_sink *k);
const char *ls_own_name(const struct link_sink *k);

/* link.c */
int ls_frame(void *arg, const struct link_frame *f);
void ls_offer_all(struct link_sink *k);

#endif
