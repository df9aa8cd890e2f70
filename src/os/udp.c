/* See udp.h. udp(7): UDP_SEGMENT, ip(7), socket(7): SO_RXQ_OVFL, SO_ATTACH_FILTER. */
#include "os/udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

#define SEND_BUFFER	(4 << 20)
#define UDP_BYTES_MAX	65507u	/* of one call that the kernel cuts into datagrams */

#ifndef UDP_SEGMENT	/* Linux 4.18; older headers */
#define UDP_SEGMENT	103
#endif

static int
failed(int fd)
{
	int errnum = errno;

	if (fd >= 0)
		close(fd);
	errno = errnum;
	return errnum == EADDRINUSE ? ERR_BUSY : err_from_errno(errnum);
}

int
udp_send_open(const struct sockaddr *to, socklen_t len, int *fd)
{
	static struct sock_filter drop[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	const struct sock_fprog filter = { 1, drop };
	int s = socket(to->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = SEND_BUFFER, one = 1, whole = IP_PMTUDISC_PROBE, min = 0;
	bool v6 = to->sa_family == AF_INET6;

	*fd = -1;
	if (s < 0)
		return failed(s);
	/* DF without believing what routers say of the path: that would be a way back. */
	if (setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0 ||
	    setsockopt(s, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &whole, sizeof whole) != 0)
		return failed(s);
	(void)setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof one);
	(void)setsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)setsockopt(s, SOL_SOCKET, SO_RCVBUF, &min, sizeof min);	/* the least that there is */
	if (connect(s, to, len) != 0)
		return failed(s);
	*fd = s;
	return 0;
}

/* What the far end or a router said of a datagram before is reported here by the kernel, once each: it is no answer to this one. */
static bool
said_back(int errnum)
{
	return errnum == ECONNREFUSED || errnum == EHOSTUNREACH || errnum == ENETUNREACH || errnum == EPROTO || errnum == EHOSTDOWN;
}

/*
 * Datagrams of equal length in one piece that the kernel cuts: half the work. Returns how many went, 0: it cannot be done so, by this kernel or on this way.
 */
static int
send_in_one(int fd, const struct udp_datagram *v, unsigned n)
{
	static atomic_bool cannot;
	struct iovec iov[UDP_BATCH];
	union { char bytes[CMSG_SPACE(sizeof(uint16_t))]; struct cmsghdr align; } control = { 0 };
	struct msghdr h = { .msg_iov = iov, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	uint16_t size = (uint16_t)v[0].len;
	unsigned k = 0;

	for (; k < n && v[k].len == size && (k + 1) * v[0].len <= UDP_BYTES_MAX; k++)
		iov[k] = (struct iovec){ (void *)(uintptr_t)v[k].p, v[k].len };
	if (k < 2 || atomic_load(&cannot))
		return 0;
	h.msg_iovlen = k;
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof size);
	memcpy(CMSG_DATA(c), &size, sizeof size);
	if (sendmsg(fd, &h, MSG_NOSIGNAL) > 0)
		return (int)k;
	if (errno == EINVAL || errno == EIO || errno == EOPNOTSUPP || errno == ENOPROTOOPT || errno == EMSGSIZE)
		atomic_store(&cannot, true);
	return 0;	/* whatever it is: one by one it is told, or it passes */
}

int
udp_send(int fd, const struct udp_datagram *v, unsigned n)
{
	struct mmsghdr msg[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	int sent;

	n = n < UDP_BATCH ? n : UDP_BATCH;
	if ((sent = send_in_one(fd, v, n)) > 0)
		return sent;
	for (unsigned i = 0; i < n; i++) {
		iov[i] = (struct iovec){ (void *)(uintptr_t)v[i].p, v[i].len };
		msg[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
	/* Ends: a report is taken with each failure, and few can wait. */
	for (int tries = 0; tries < 4 && sent <= 0; tries++) {
		sent = sendmmsg(fd, msg, n, MSG_NOSIGNAL);
		if (sent <= 0 && !said_back(errno) && errno != EINTR)
			break;
	}
	if (sent > 0)
		return sent;
	if (errno == EMSGSIZE)
		return ERR_LIMIT;
	return errno == EWOULDBLOCK || errno == ENOBUFS || errno == EPERM || errno == EINTR || errno == ENETDOWN || said_back(errno) ? ERR_AGAIN : err_from_errno(errno);
}

struct udp_in {
	int		fd;
	size_t		longest;
	uint8_t		*room;		/* [UDP_BATCH][longest + 1] */
	uint64_t	overrun;
	uint32_t	last;		/* what the kernel counts, which wraps */
	struct mmsghdr	msg[UDP_BATCH];
	struct iovec	iov[UDP_BATCH];
	union { char bytes[CMSG_SPACE(sizeof(uint32_t))]; struct cmsghdr align; } control[UDP_BATCH];
};

int
udp_in_open(const struct sockaddr *at, socklen_t len, size_t buffer_bytes, size_t longest, struct udp_in **out, size_t *got_bytes)
{
	int s = socket(at->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, size = buffer_bytes > INT32_MAX ? INT32_MAX : (int)buffer_bytes;
	socklen_t n = sizeof size;

	*out = NULL;
	if (s < 0)
		return failed(s);
	/* The first takes CAP_NET_ADMIN, the second is cut at net.core.rmem_max. */
	if (setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		(void)setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (getsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, &n) == 0)
		*got_bytes = (size_t)size / 2;		/* the kernel gives twice of it for its own book-keeping, and says so */
	if (setsockopt(s, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one) != 0 || bind(s, at, len) != 0)
		return failed(s);
	struct udp_in *u = calloc(1, sizeof *u);
	uint8_t *room = malloc((longest + 1) * UDP_BATCH);
	if (u == NULL || room == NULL) {
		free(u);
		free(room);
		close(s);
		return ERR_NOMEM;
	}
	u->fd = s;
	u->longest = longest;
	u->room = room;
	for (unsigned i = 0; i < UDP_BATCH; i++)
		u->iov[i] = (struct iovec){ room + i * (longest + 1), longest + 1 };
	*out = u;
	return 0;
}

void
udp_in_close(struct udp_in *u)
{
	if (u == NULL)
		return;
	close(u->fd);
	free(u->room);
	free(u);
}

int
udp_in_fd(const struct udp_in *u)
{
	return u->fd;
}

int
udp_in_receive(struct udp_in *u, struct udp_datagram *v, uint64_t *overrun)
{
	for (unsigned i = 0; i < UDP_BATCH; i++)
		u->msg[i].msg_hdr = (struct msghdr){ .msg_iov = &u->iov[i], .msg_iovlen = 1, .msg_control = u->control[i].bytes,
		    .msg_controllen = sizeof u->control[i].bytes };
	int n = recvmmsg(u->fd, u->msg, UDP_BATCH, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return n == 0 || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNREFUSED ? ERR_AGAIN : err_from_errno(errno);
	for (int i = 0; i < n; i++) {
		struct msghdr *h = &u->msg[i].msg_hdr;
		v[i] = (struct udp_datagram){ u->iov[i].iov_base, u->msg[i].msg_len };
		for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c))
			if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
				uint32_t now;
				memcpy(&now, CMSG_DATA(c), sizeof now);
				u->overrun += now - u->last;
				u->last = now;
			}
	}
	*overrun = u->overrun;
	return n;
}
