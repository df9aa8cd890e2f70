/* What the files of the lobby share; nobody else includes this. */
#ifndef LINK_LOBBY_INT_H
#define LINK_LOBBY_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/backoff.h"
#include "base/log.h"
#include "link/lobby.h"

/* One on its way through the lobby. */
struct half {
	struct lobby		*d;
	struct lobby_conn	*n;		/* NULL while TCP connects */
	int			 fd;		/* while n is NULL */
	struct mono		 began;
	bool			 greeted;
	struct pki_own		 shown;		/* by us, over this connection */
	uint8_t			*chain;		/* that the far end has shown, and that was taken */
	size_t			 chain_len;
	char			 from[128];
	char			 refused[600];	/* why the certificate was not taken, "" */
};

struct lobby {
	struct lobby_conf	 conf;		/* its texts are ours */
	char			 texts[5][DISK_PATH_MAX];
	char			 what[160];
	atomic_int		 owners;	/* the user and the thread */
	int			 wake, inner;	/* to the user, to the thread */

	pthread_mutex_t		 lock;		/* of what follows, up to the blank line */
	bool			 stop, again, worked;
	struct lobby_conn	*ready;
	char			 text[LOBBY_TEXT];
	int			 err;

	/* the thread's */
	struct pki		*pki;
	struct pki_own		 own;
	int			 listen_fd;
	bool			 wanted;	/* connecting: a connection is to be had */
	struct mono		 next;		/* attempt to listen or to connect */
	struct backoff		 pause;
	struct half		*halves[LOBBY_HALF_MAX];	/* oldest first */
	unsigned		 nhalves;
	struct log_limit	 quiet;
};

/* lobby.c: tell the user. err 0: a state. */
void lobby_say(struct lobby *d, int err, const char *text);
void lobby_hand_over(struct lobby *d, struct lobby_conn *n);

/* half.c */
/* Take in a new one; fd is taken. connecting: TCP is not through yet. */
void half_begin(struct lobby *d, int fd, const char *from, bool connecting, struct mono now);
/* It can be read or written, or its time may be over. True: it is gone from the row (through the lobby, or out). */
bool half_step(struct half *h, struct mono now);
void half_drop(struct half *h);
struct mono half_deadline(const struct half *h);
/* Certificate and key, made if there are none, read anew when they were renewed. */
int own_load(struct lobby *d);

#endif
