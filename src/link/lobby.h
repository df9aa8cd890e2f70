/*
 * The lobby between two nodes: gets connections to the node that is named, by listening or by connecting, in a thread of its own. What it hands out has
 * shown its certificate and said its name; nobody else reaches the loop of the process. So looking at certificates, making keys, looking up names and
 * waiting for strangers hold nobody up.
 *
 *	listening	at most LOBBY_HALF_MAX may be on their way through the lobby, each for LOBBY_GREET_NS; when one more comes the oldest goes. So
 *			who connects and says nothing keeps nobody out.
 *	connecting	one connection; when it is over lobby_again() asks for another, with growing pauses between attempts.
 */
#ifndef LINK_LOBBY_H
#define LINK_LOBBY_H

#include "link/bond.h"
#include "os/disk.h"
#include "pki/node.h"
#include "proto/link/link_conn.h"

#define LOBBY_HALF_MAX	12u
#define LOBBY_GREET_NS	(5 * NS_PER_S)	/* in which a far end has to show who it is */
#define LOBBY_OPEN_NS	(10 * NS_PER_S)	/* for a TCP connection */
#define LOBBY_TEXT	800u

struct lobby_conf {
	bool		 connect;		/* else listen */
	const char	*host;			/* to connect to: a name or an address; to listen at: an address */
	int		 port;
	const char	*what;			/* for log lines: "source=\"below\"" */
	const char	*peer, *name;		/* the other node's name, ours (NULL: that of the machine) */
	const char	*site, *state;		/* of the node, and the state folder of the certificates */
	enum pki_side	 side;
	int64_t		 silence_ns;		/* struct link_io */
	uint32_t	 window;		/* to be said in HELLO */
};

struct lobby;
/* Start. conf is copied. 0 and *out given, to lobby_close(); ERR_NOMEM or the kernel's. */
int lobby_open(const struct lobby_conf *conf, struct lobby **out);
/* Returns at once; the thread ends by itself. NULL does nothing. */
void lobby_close(struct lobby *d);
/* Readable when lobby_take() has something to say. */
int lobby_wake(const struct lobby *d);

/* A connection to the other node, given: lobby_conn_free(). It is held (c.hold), and what it has for frames is the lobby's: set c.io.frame and c.io.arg. */
struct lobby_conn {
	struct link_conn	c;		/* c.fd is this one's, too */
	char			from[128];	/* "10.4.0.1:51312" */
	uint32_t		window;		/* that the other node has said */
	struct bond		bond;		/* step it with the connection, and hand it frames that are not yours: link/bond.h */
};
void lobby_conn_free(struct lobby_conn *n);

/*
 * text  of LOBBY_TEXT bytes: what the lobby has to say since the last call ("waits for node cell", "...: no answer"), "" for nothing
 * err   0 for a mere state, or why an attempt failed
 * Returns a connection, or NULL.
 */
struct lobby_conn *lobby_take(struct lobby *d, char *text, int *err);
/* Connecting: the connection is over, or is not wanted: try again. worked: it was of use, so the next pause is short. */
void lobby_again(struct lobby *d, bool worked);

#endif
