/*
 * The machine's limit, for the bench: an epoll loop that sends one read request a connection, takes whatever comes back
 * as soon as the announced length is there, and sends the next. It decodes nothing and keeps nothing.
 *
 *   modbus_epoll HOST:PORT... [--connections N] [--registers N] [--seconds S] [--unit U]
 *
 * Connections are spread over the endpoints given. Prints one JSON line with requests, seconds, requests_per_s, errors.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNS_MAX = 4096, HOSTS_MAX = 256, EVENTS = 256 };

struct conn {
	int	fd;
	size_t	got;			/* bytes of the reply under way */
};

static uint8_t	request[12] = { 0, 0, 0, 0, 0, 6, 1, 3, 0, 0, 0, 125 };
static size_t	reply_len;

static double
now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int
connect_to(const char *endpoint)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	char host[64];
	int port, on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	if (sscanf(endpoint, "%63[^:]:%d", host, &port) != 2 || inet_pton(AF_INET, host, &a.sin_addr) != 1) {
		fprintf(stderr, "modbus_epoll: %s is not ADDRESS:PORT\n", endpoint);
		exit(2);
	}
	a.sin_port = htons((uint16_t)port);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		perror(endpoint);
		exit(2);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

/* Returns 1 when a reply is complete, 0 while it is not, -1 when the connection is gone. */
static int
take(struct conn *c)
{
	static uint8_t sink[4096];
	ssize_t n = recv(c->fd, sink, sizeof sink, MSG_DONTWAIT);
	if (n <= 0)
		return -1;
	c->got += (size_t)n;
	if (c->got < reply_len)
		return 0;
	c->got = 0;
	return 1;
}

static int
ask(struct conn *c)
{
	return send(c->fd, request, sizeof request, MSG_NOSIGNAL) == (ssize_t)sizeof request ? 0 : -1;
}

int
main(int argc, char **argv)
{
	static struct conn conns[CONNS_MAX];
	struct epoll_event ev[EVENTS];
	const char *hosts[HOSTS_MAX];
	int nhosts = 0, nconns = 1, registers = 125;
	double seconds = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--connections") == 0 && i + 1 < argc) nconns = atoi(argv[++i]);
		else if (strcmp(argv[i], "--registers") == 0 && i + 1 < argc) registers = atoi(argv[++i]);
		else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) seconds = atof(argv[++i]);
		else if (strcmp(argv[i], "--unit") == 0 && i + 1 < argc) request[6] = (uint8_t)atoi(argv[++i]);
		else if (nhosts < HOSTS_MAX) hosts[nhosts++] = argv[i];
	}
	if (nhosts == 0 || nconns < 1 || nconns > CONNS_MAX || registers < 1 || registers > 125) {
		fprintf(stderr, "usage: modbus_epoll HOST:PORT... [--connections N] [--registers N] [--seconds S] [--unit U]\n");
		return 2;
	}
	request[11] = (uint8_t)registers;
	reply_len = 9 + 2 * (size_t)registers;

	int ep = epoll_create1(0);
	for (int i = 0; i < nconns; i++) {
		conns[i].fd = connect_to(hosts[i % nhosts]);
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &conns[i] };
		epoll_ctl(ep, EPOLL_CTL_ADD, conns[i].fd, &e);
	}
	unsigned long requests = 0, errors = 0;
	double start = now_s(), end = start;
	for (int i = 0; i < nconns; i++)
		ask(&conns[i]);
	while (end - start < seconds && errors < (unsigned long)nconns) {
		int n = epoll_wait(ep, ev, EVENTS, 100);
		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;
			int done = take(c);
			requests += done == 1;
			if (done < 0 || (done == 1 && ask(c) != 0)) {
				errors++;
				close(c->fd);
			}
		}
		end = now_s();
	}
	printf("{\"requests\": %lu, \"seconds\": %.3f, \"requests_per_s\": %.0f, \"errors\": %lu}\n", requests, end - start,
	    (double)requests / (end - start), errors);
	return errors != 0;
}
