/* See tcp.h. */
#include "os/tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

static void
set_option(int fd, int level, int option, int value)
{
	/* Each is a wish: a kernel that refuses one still gives a usable connection. */
	(void)setsockopt(fd, level, option, &value, sizeof value);
}

static void
set_up(int s)
{
	set_option(s, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(s, IPPROTO_TCP, TCP_KEEPIDLE, TCP_KEEPALIVE_S);
	set_option(s, IPPROTO_TCP, TCP_KEEPINTVL, 10);
	set_option(s, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

int
tcp_listen(const struct sockaddr *at, socklen_t len, int *fd)
{
	int s = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*fd = -1;
	if (s < 0)
		return err_from_errno(errno);
	set_option(s, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(s, at, len) != 0 || listen(s, 8) != 0) {
		int errnum = errno;
		close(s);
		errno = errnum;
		return errnum == EADDRINUSE ? ERR_BUSY : err_from_errno(errnum);
	}
	*fd = s;
	return 0;
}

int
tcp_accept(int fd, struct sockaddr_storage *from, socklen_t *len)
{
	*len = sizeof *from;
	int s = accept4(fd, (struct sockaddr *)from, len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (s < 0)
		return errno == EWOULDBLOCK || errno == ECONNABORTED || errno == EINTR ? ERR_AGAIN : err_from_errno(errno);
	set_up(s);
	return s;
}

int
tcp_connect(const struct sockaddr *to, socklen_t len, int *fd)
{
	int s = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*fd = -1;
	if (s < 0)
		return err_from_errno(errno);
	set_up(s);
	if (connect(s, to, len) != 0 && errno != EINPROGRESS) {
		int errnum = errno;
		close(s);
		errno = errnum;
		return err_from_errno(errnum);
	}
	*fd = s;
	return 0;
}

int
tcp_result(int fd)
{
	int errnum = 0;
	socklen_t len = sizeof errnum;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &len) != 0)
		return errno;
	return errnum;
}

int
tcp_numeric(const char *host, int port, struct sockaddr_storage *out, socklen_t *len)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV },
	    *found = NULL;
	char service[16];

	snprintf(service, sizeof service, "%d", port);
	if (getaddrinfo(host, service, &hints, &found) != 0 || found == NULL)
		return ERR_SYNTAX;
	memcpy(out, found->ai_addr, found->ai_addrlen);
	*len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

char *
tcp_format(const struct sockaddr *a, socklen_t len, char *out)
{
	char host[64], service[8];

	if (getnameinfo(a, len, host, sizeof host, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(out, TCP_ADDR_TEXT, "unknown address");
	else
		snprintf(out, TCP_ADDR_TEXT, a->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, service);
	return out;
}

const char *
tcp_cause(int errnum)
{
	static const struct { int errnum; const char *text; } rows[] = {
		{ ECONNREFUSED,
		    "the host answers but nothing listens on this port: check the port and that the server is "
		    "switched on" },
		{ ETIMEDOUT, "no answer from the host: check address, power, cable and firewall" },
		{ EHOSTUNREACH,
		    "no route to the host, or it does not answer on its network: check address, netmask and cable" },
		{ ENETUNREACH, "no network leads there: check this machine's address and routes" },
		{ ECONNRESET, "the device cut the connection: it may allow fewer connections, or has restarted" },
		{ EPIPE, "the device cut the connection: it may allow fewer connections, or has restarted" },
		{ EACCES, "a rule of this machine forbids the connection: check firewall and sandbox" },
		{ EPERM, "a rule of this machine forbids the connection: check firewall and sandbox" },
		{ EADDRNOTAVAIL, "this machine has no free port or no address for it" },
		{ EMFILE, "this process has used up its descriptors: raise its limit" },
		{ EIO, "the line failed: check the adapter and its cable" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].errnum == errnum)
			return rows[i].text;
	return errnum == 0 ? "the device closed the connection" : strerror(errnum);
}
