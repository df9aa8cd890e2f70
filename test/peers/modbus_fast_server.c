/*
 * The bench's server: answers every read of registers (3, 4) with canned ones as fast as one core can, so that what is
 * measured is the client. Requests that arrive together are answered together in one write. Anything else ends the
 * connection.
 *
 *   modbus_fast_server [--port N] [--ports N]        listens on N consecutive free ports from --port (0: any)
 *
 * Register i of a reply holds i. Prints a line "listening 127.0.0.1:PORT" a port, then "ready"; on SIGUSR1 and at the end
 * (SIGTERM) "stats {...}".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST = 12, HEADER = 9, BATCH = 64, EVENTS = 256, PORTS_MAX = 2048 };

struct conn {
	int	fd, listens;
	size_t	len;			/* bytes of unfinished requests kept in buf */
	uint8_t	buf[REQUEST * BATCH];
};

static uint8_t			canned[250];
static unsigned long		requests, accepted;
static volatile sig_atomic_t	ending;

static void
on_signal(int sig)
{
	(void)sig;
	ending = 1;
}

static void
watch(int ep, int fd, int listens)
{
	struct conn *c = calloc(1, sizeof *c);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	if (c == NULL)
		exit(2);
	c->fd = fd;
	c->listens = listens;
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static void
listen_on(int ep, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 1024) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
		perror("modbus_fast_server: listen");
		exit(2);
	}
	printf("listening 127.0.0.1:%d\n", ntohs(a.sin_port));
	watch(ep, fd, 1);
}

static void
accept_all(int ep, int listener)
{
	int fd, on = 1;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		watch(ep, fd, 0);
		accepted++;
	}
}

/* Writes the reply to one request; returns its length, 0 for a request that this server does not answer. */
static size_t
reply(const uint8_t *q, uint8_t *out)
{
	size_t bytes = 2 * (size_t)(q[10] << 8 | q[11]);
	if (q[4] != 0 || q[5] != 6 || (q[7] != 3 && q[7] != 4) || bytes == 0 || bytes > sizeof canned)
		return 0;
	memcpy(out, q, 8);
	out[4] = (uint8_t)((bytes + 3) >> 8);
	out[5] = (uint8_t)(bytes + 3);
	out[8] = (uint8_t)bytes;
	memcpy(out + HEADER, canned, bytes);
	return HEADER + bytes;
}

static int
serve(struct conn *c)
{
	static uint8_t out[BATCH * (HEADER + sizeof canned)];
	ssize_t n = recv(c->fd, c->buf + c->len, sizeof c->buf - c->len, 0);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	size_t have = c->len + (size_t)n, used = 0, len = 0;
	for (; have - used >= REQUEST; used += REQUEST) {
		size_t one = reply(c->buf + used, out + len);
		if (one == 0)
			return -1;
		len += one;
		requests++;
	}
	c->len = have - used;
	memmove(c->buf, c->buf + used, c->len);
	return len == 0 || send(c->fd, out, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}

/* The signal is an event among the others: a handler could run just before the loop falls asleep, and go unnoticed. */
static int
watch_asked(int ep)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK);
	watch(ep, fd, 0);
	return fd;
}

static void
tell_stats(void)
{
	printf("stats {\"accepted\": %lu, \"requests\": %lu}\n", accepted, requests);
	fflush(stdout);
}

static void
take_asked(int fd)
{
	struct signalfd_siginfo info;
	if (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
		tell_stats();
}

int
main(int argc, char **argv)
{
	struct epoll_event ev[EVENTS];
	struct sigaction sa = { .sa_handler = on_signal };
	int port = 0, ports = 1;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--port") == 0) port = atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--ports") == 0) ports = atoi(argv[i + 1]);
	}
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	for (size_t i = 0; i < sizeof canned; i += 2)
		canned[i + 1] = (uint8_t)(i / 2);
	int ep = epoll_create1(0), asked = watch_asked(ep);
	for (int i = 0; i < ports && i < PORTS_MAX; i++)
		listen_on(ep, port ? port + i : 0);
	printf("ready\n");
	fflush(stdout);
	while (!ending) {
		int n = epoll_wait(ep, ev, EVENTS, 1000);
		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;
			if (c->fd == asked) {
				take_asked(asked);
			} else if (c->listens) {
				accept_all(ep, c->fd);
			} else if (serve(c) != 0) {
				close(c->fd);
				free(c);
			}
		}
	}
	tell_stats();
	return 0;
}
