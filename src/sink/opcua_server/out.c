/* See out.h. The library names a connection by its socket; since that number is used again, a queue also knows the socket's cookie. */
#include "sink/opcua_server/out.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "os/clock.h"

struct piece {
	UA_ByteString	 bytes;
	size_t		 sent;
	struct piece	*next;
};

struct queue {
	int		 fd;
	uint64_t	 cookie;
	struct piece	*head, **tail;
	size_t		 waiting;
	struct mono	 moved;		/* when it last took something */
	struct queue	*next;
};

struct uas_out {
	UA_ConnectionManager	*cm;
	struct queue		*queues;	/* of connections for which something waits: few */
	uint64_t		 closed;
	struct log_limit	 limit;
};

/* The library hands out no room for an argument of ours: there is one server a thread. */
static _Thread_local struct uas_out *here;

static uint64_t
cookie_of(int fd)
{
	uint64_t c = 0;
	socklen_t len = sizeof c;
	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &c, &len) == 0 ? c : 0;
}

static void
drop(struct uas_out *o, struct queue *q)
{
	struct queue **at = &o->queues;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	for (struct piece *p = q->head, *next; p != NULL; p = next) {
		next = p->next;
		UA_ByteString_clear(&p->bytes);
		UA_free(p);
	}
	free(q);
}

/* Bytes sent, 0 when the socket takes nothing now, -1 when the connection is over. */
static ssize_t
try(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	do
		n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n >= 0 ? n : errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
}

/* False: the connection is over. */
static bool
push(struct queue *q, struct mono now)
{
	while (q->head != NULL) {
		struct piece *p = q->head;
		ssize_t n = try(q->fd, p->bytes.data + p->sent, p->bytes.length - p->sent);
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		q->moved = now;
		q->waiting -= (size_t)n;
		p->sent += (size_t)n;
		if (p->sent < p->bytes.length)
			continue;
		q->head = p->next;
		if (q->head == NULL)
			q->tail = &q->head;
		UA_ByteString_clear(&p->bytes);
		UA_free(p);
	}
	return true;
}

/* The library learns of it by the socket's end, as with any connection that breaks. */
static void
cut(struct uas_out *o, struct queue *q, const char *why)
{
	unsigned long more;

	if (why != NULL) {
		o->closed++;
		if (log_limit_ok(&o->limit, mono_now(), &more))
			log_warn("opcua_client_cut", "why=\"%s\" waiting=%zu more=%lu", why, q->waiting, more);
	}
	shutdown(q->fd, SHUT_RDWR);
	drop(o, q);
}

static UA_StatusCode
wait_for(struct uas_out *o, struct queue *q, int fd, UA_ByteString *buf, size_t sent)
{
	struct piece *p = UA_malloc(sizeof *p);

	if (p == NULL)
		goto lost;
	if (q == NULL) {
		if ((q = calloc(1, sizeof *q)) == NULL)
			goto lost;
		*q = (struct queue){ .fd = fd, .cookie = cookie_of(fd), .tail = &q->head, .moved = mono_now(), .next = o->queues };
		o->queues = q;
	}
	*p = (struct piece){ .bytes = *buf, .sent = sent };
	UA_ByteString_init(buf);
	*q->tail = p;
	q->tail = &p->next;
	q->waiting += p->bytes.length - sent;
	if (q->waiting <= UAS_OUT_MAX)
		return UA_STATUSCODE_GOOD;
	cut(o, q, "it does not read what it asked for");
	return UA_STATUSCODE_BADCONNECTIONCLOSED;
lost:
	UA_free(p);
	UA_ByteString_clear(buf);
	shutdown(fd, SHUT_RDWR);
	return UA_STATUSCODE_BADCONNECTIONCLOSED;
}

static UA_StatusCode
send_with(UA_ConnectionManager *cm, uintptr_t id, const UA_KeyValueMap *params, UA_ByteString *buf)
{
	struct uas_out *o = here;
	struct queue *q = o->queues;
	int fd = (int)id;
	(void)cm;
	(void)params;

	while (q != NULL && q->fd != fd)
		q = q->next;
	if (q != NULL && q->cookie != cookie_of(fd)) {	/* of a connection before, with the same number */
		drop(o, q);
		q = NULL;
	}
	if (q != NULL)
		return wait_for(o, q, fd, buf, 0);
	ssize_t n = try(fd, buf->data, buf->length);
	if (n < 0) {
		UA_ByteString_clear(buf);
		shutdown(fd, SHUT_RDWR);
		return UA_STATUSCODE_BADCONNECTIONCLOSED;
	}
	if ((size_t)n < buf->length)
		return wait_for(o, NULL, fd, buf, (size_t)n);
	UA_ByteString_clear(buf);
	return UA_STATUSCODE_GOOD;
}

size_t
uas_out_flush(struct uas_out *o, struct mono now)
{
	size_t waiting = 0;

	for (struct queue *q = o->queues, *next; q != NULL; q = next) {
		next = q->next;
		if (q->cookie != cookie_of(q->fd))
			drop(o, q);
		else if (!push(q, now))
			cut(o, q, NULL);
		else if (q->head == NULL)
			drop(o, q);
		else if (mono_diff(now, q->moved) > UAS_OUT_STALL_S * NS_PER_S)
			cut(o, q, "it has read nothing for a while");
		else
			waiting += q->waiting;
	}
	return waiting;
}

bool
uas_out_cut_largest(struct uas_out *o, size_t more_than)
{
	struct queue *most = NULL;

	for (struct queue *q = o->queues; q != NULL; q = q->next)
		if (q->waiting > more_than && (most == NULL || q->waiting > most->waiting))
			most = q;
	if (most != NULL)
		cut(o, most, "the server's memory limit was reached and it has most waiting");
	return most != NULL;
}

struct uas_out *
uas_out_new(UA_ConnectionManager *cm)
{
	struct uas_out *o = calloc(1, sizeof *o);

	if (o == NULL)
		fatal("out_of_memory", "what=\"opcua server\"");
	*o = (struct uas_out){ .cm = cm, .limit = { .burst = 5, .period_ms = 60000 } };
	cm->sendWithConnection = send_with;
	here = o;
	return o;
}

void
uas_out_free(struct uas_out *o)
{
	if (o == NULL)
		return;
	while (o->queues != NULL)
		drop(o, o->queues);
	if (here == o)
		here = NULL;
	free(o);
}

uint64_t
uas_out_closed(const struct uas_out *o)
{
	return o->closed;
}
