/*
 * A far end for tests: a thread that listens on loopback and answers one request after the other as a script says, whatever connection it
 * comes on; or as a function says. It notes what it was asked.
 */
#ifndef SAP_ODATA_HTTP_RIG_H
#define SAP_ODATA_HTTP_RIG_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/test.h"

#define RIG_CONNS	16
#define RIG_ASKED	64

struct rig_answer {
	const char	*text;		/* whole answer; NULL: none, the connection is closed */
	bool		 close;		/* after the answer */
	bool		 silent;	/* no answer, and the connection stays open */
};

struct rig;
/* Instead of a script: makes the answer of request number i into out; false: the connection is closed after it (an empty one: without it). */
typedef bool rig_reply(struct rig *r, size_t i, const char *request, struct buf *out);

struct rig {
	rig_reply		*reply;
	void			*arg;		/* its own */
	int			 fd, wake[2];
	unsigned		 port;
	const struct rig_answer	*script;
	size_t			 n;
	pthread_t		 thread;
	struct buf		 asked[RIG_ASKED];	/* head and body of each request; read after rig_stop(), or up to nasked */
	_Atomic size_t		 nasked;
	_Atomic unsigned	 connections;
};

struct rig_conn { int fd; struct buf in; };

/* Bytes of the first whole request in the buffer; 0: none yet. */
static size_t
rig_whole(const struct buf *b)
{
	const char *end = b->len > 0 ? strstr(b->p, "\r\n\r\n") : NULL, *length = b->len > 0 ? strcasestr(b->p, "\r\ncontent-length:") : NULL;
	size_t body = end != NULL && length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;

	return end != NULL && b->len >= (size_t)(end + 4 - b->p) + body ? (size_t)(end + 4 - b->p) + body : 0;
}

/* false: the connection ends. */
static bool
rig_answer(struct rig *r, struct rig_conn *c, size_t len)
{
	size_t i = r->nasked;
	const struct rig_answer *a = i < r->n ? &r->script[i] : NULL;

	struct buf made = { 0 };
	bool stay = true;

	if (i < RIG_ASKED)
		buf_put(&r->asked[i], c->in.p, len);
	if (r->reply != NULL) {
		char after = c->in.p[len];
		c->in.p[len] = '\0';
		stay = r->reply(r, i, c->in.p, &made);
		c->in.p[len] = after;
	}
	memmove(c->in.p, c->in.p + len, c->in.len - len + 1);
	c->in.len -= len;
	r->nasked = i + 1;
	if (r->reply != NULL) {
		stay = (made.len == 0 || send(c->fd, made.p, made.len, MSG_NOSIGNAL) == (ssize_t)made.len) && stay && made.len > 0;
		buf_fini(&made);
		return stay;
	}
	if (a == NULL || (a->text == NULL && !a->silent))
		return false;
	if (a->text != NULL && send(c->fd, a->text, strlen(a->text), MSG_NOSIGNAL) < 0)
		return false;
	return !a->close;
}

static bool
rig_read(struct rig *r, struct rig_conn *c)
{
	char *to = buf_room(&c->in, 65536);
	ssize_t n = to == NULL ? -1 : recv(c->fd, to, 65536, 0);

	if (n <= 0)
		return false;
	c->in.len += (size_t)n;
	c->in.p[c->in.len] = '\0';
	for (size_t len; (len = rig_whole(&c->in)) > 0;)
		if (!rig_answer(r, c, len))
			return false;
	return true;
}

static void *
rig_thread(void *arg)
{
	struct rig *r = arg;
	struct rig_conn c[RIG_CONNS];
	struct pollfd p[RIG_CONNS + 2];

	for (size_t i = 0; i < RIG_CONNS; i++)
		c[i] = (struct rig_conn){ .fd = -1 };
	for (;;) {
		for (size_t i = 0; i < RIG_CONNS; i++)
			p[i] = (struct pollfd){ .fd = c[i].fd, .events = POLLIN };
		p[RIG_CONNS] = (struct pollfd){ .fd = r->fd, .events = POLLIN };
		p[RIG_CONNS + 1] = (struct pollfd){ .fd = r->wake[0], .events = POLLIN };
		poll(p, RIG_CONNS + 2, -1);
		if (p[RIG_CONNS + 1].revents != 0)
			break;
		for (size_t i = 0; i < RIG_CONNS; i++)
			if (c[i].fd >= 0 && p[i].revents != 0 && !rig_read(r, &c[i])) {
				close(c[i].fd);
				c[i].fd = -1;
				c[i].in.len = 0;
			}
		for (size_t i = 0; p[RIG_CONNS].revents != 0 && i < RIG_CONNS; i++)
			if (c[i].fd < 0) {
				c[i].fd = accept(r->fd, NULL, NULL);
				r->connections++;
				break;
			}
	}
	for (size_t i = 0; i < RIG_CONNS; i++) {
		if (c[i].fd >= 0)
			close(c[i].fd);
		buf_fini(&c[i].in);
	}
	return NULL;
}

static inline void
rig_start(struct rig *r, const struct rig_answer *script, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;

	*r = (struct rig){ .script = script, .n = n, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	CHECK(bind(r->fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(r->fd, 16) == 0);
	CHECK(getsockname(r->fd, (struct sockaddr *)&a, &len) == 0 && pipe(r->wake) == 0);
	r->port = ntohs(a.sin_port);
	CHECK_INT(pthread_create(&r->thread, NULL, rig_thread, r), 0);
}
#define RIG(r, ...) rig_start((r), (const struct rig_answer[]){ __VA_ARGS__ }, \
    sizeof (const struct rig_answer[]){ __VA_ARGS__ } / sizeof(struct rig_answer))

static inline void
rig_serve(struct rig *r, rig_reply *reply, void *arg)
{
	rig_start(r, NULL, 0);
	r->arg = arg;
	r->reply = reply;	/* nobody has its port yet */
}

static inline void
rig_stop(struct rig *r)
{
	CHECK_INT(write(r->wake[1], "", 1), 1);
	pthread_join(r->thread, NULL);
	close(r->fd);
	close(r->wake[0]);
	close(r->wake[1]);
}

static inline void
rig_free(struct rig *r)
{
	for (size_t i = 0; i < RIG_ASKED; i++)
		buf_fini(&r->asked[i]);
}

#define RIG_OK(body) "HTTP/1.1 200 OK\r\nContent-Length: " #body "\r\n\r\n"

#endif
