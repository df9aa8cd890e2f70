/*
 * A Modbus server that is not our code: libmodbus speaks, this file only decides what it says. Over TCP it serves any
 * number of connections, over a serial line any number of units; each unit has tables of its own.
 *
 *   modbus_server [--port N | --serial DEV [--baud N] [--parity N|E|O]] [--host ADDR] [--units 1,3,10-12]
 *                 [--size REGISTERS] [--illegal [TABLE:]FROM[-TO],...] [--max-registers N] [--delay MS] [--tick MS]
 *                 [--unknown-unit silent|exception] [--log-writes FILE]
 *
 * At start holding register i holds i, input register i holds i + 10000 (mod 65536), coil i is on when i is a multiple
 * of 3, discrete input i when i is even. TABLE is coil, discrete, input or holding; without it the range is illegal in
 * all four. --tick adds one to every holding register of every unit each so many ms. --unknown-unit exception answers
 * for units that are not here with 0x0B, as a gateway would.
 *
 * --log-writes: a line for each write as it arrives and before it is answered: "NS UNIT HEX", NS on CLOCK_BOOTTIME, HEX the
 * request from its function code on; a request that is refused is no write.
 *
 * Prints "listening HOST:PORT" or "listening DEV", then "ready". A line "stats {...}" follows on SIGUSR1 and at the end
 * (SIGTERM, SIGINT).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNS_MAX = 1024, RANGES_MAX = 64, QUERY_MAX = MODBUS_TCP_MAX_ADU_LENGTH, GAP_MS = 4 };
enum table { COIL, DISCRETE, INPUT, HOLDING, ANY };

static const char *const table_names[] = { "coil", "discrete", "input", "holding" };

struct range {
	enum table	table;
	int		from, to;
};

struct conn {
	int	fd;
	bool	waiting;		/* a query is kept back until due_ms */
	long	due_ms;
	int	len;
	uint8_t	query[QUERY_MAX];
};

static struct {
	const char	*host, *serial, *log_writes;
	int		 port, baud, size, max_registers, delay_ms, tick_ms;
	char		 parity;
	bool		 answer_unknown;
	struct range	 illegal[RANGES_MAX];
	int		 nillegal;
	bool		 unit[256];
} opt = { .host = "127.0.0.1", .baud = 19200, .parity = 'N', .size = 65536, .max_registers = 125 };

static struct {
	unsigned long	accepted, requests, reads, writes, registers, exceptions, unanswered;
} stats;

static modbus_mapping_t		*tables[256];
static struct conn		 conns[CONNS_MAX];
static int			 nconns;
static volatile sig_atomic_t	 ending, want_stats;

static void
fail(const char *what)
{
	fprintf(stderr, "modbus_server: %s: %s\n", what, modbus_strerror(errno));
	exit(2);
}

static long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
on_signal(int sig)
{
	if (sig == SIGUSR1)
		want_stats = 1;
	else
		ending = 1;
}

static void
print_stats(void)
{
	printf("stats {\"accepted\": %lu, \"open\": %d, \"requests\": %lu, \"reads\": %lu, \"writes\": %lu, "
	    "\"registers\": %lu, \"exceptions\": %lu, \"unanswered\": %lu}\n", stats.accepted, nconns, stats.requests,
	    stats.reads, stats.writes, stats.registers, stats.exceptions, stats.unanswered);
	fflush(stdout);
}

/* What a request touches. Fields sit after the header, whose length differs between TCP and RTU. */
struct request {
	enum table	table;
	int		addr, count;
	bool		write;
};

static bool
parse_request(const uint8_t *pdu, struct request *q)
{
	static const enum table of[] = { [1] = COIL, [2] = DISCRETE, [3] = HOLDING, [4] = INPUT, [5] = COIL,
	    [6] = HOLDING, [15] = COIL, [16] = HOLDING, [22] = HOLDING, [23] = HOLDING };
	int fc = pdu[0];
	if (!((fc >= 1 && fc <= 6) || fc == 15 || fc == 16 || fc == 22 || fc == 23))
		return false;
	q->table = of[fc];
	q->addr = pdu[1] << 8 | pdu[2];
	q->count = fc == 5 || fc == 6 || fc == 22 ? 1 : pdu[3] << 8 | pdu[4];
	q->write = fc >= 5;
	return true;
}

static bool
is_illegal(const struct request *q)
{
	for (int i = 0; i < opt.nillegal; i++) {
		const struct range *r = &opt.illegal[i];
		if ((r->table == ANY || r->table == q->table) && q->addr <= r->to && r->from < q->addr + q->count)
			return true;
	}
	return false;
}

/* Before the answer, so that nobody knows of a write that does not stand here. */
static void
log_write(int unit, const uint8_t *pdu, int len)
{
	static FILE *f;
	struct timespec t;

	if (opt.log_writes == NULL)
		return;
	if (f == NULL && (f = fopen(opt.log_writes, "ae")) == NULL)
		fail(opt.log_writes);
	clock_gettime(CLOCK_BOOTTIME, &t);
	fprintf(f, "%lld %d ", t.tv_sec * 1000000000LL + t.tv_nsec, unit);
	for (int i = 0; i < len; i++)
		fprintf(f, "%02x", pdu[i]);
	fputc('\n', f);
	fflush(f);
}

static void
refuse(modbus_t *ctx, const uint8_t *query, unsigned code)
{
	stats.exceptions++;
	modbus_reply_exception(ctx, query, code);
}

/* Answers one whole request on the connection that ctx is set to. Returns false if the connection is done for. */
static bool
answer(modbus_t *ctx, const uint8_t *query, int len)
{
	int header = modbus_get_header_length(ctx);
	int unit = query[header - 1];
	struct request q = { 0 };

	stats.requests++;
	bool broadcast = opt.serial != NULL && unit == MODBUS_BROADCAST_ADDRESS;
	if (!opt.unit[unit] && !broadcast) {
		if (opt.answer_unknown)
			refuse(ctx, query, MODBUS_EXCEPTION_GATEWAY_TARGET);
		else
			stats.unanswered++;
		return true;
	}
	if (parse_request(query + header, &q)) {
		*(q.write ? &stats.writes : &stats.reads) += 1;
		if (is_illegal(&q)) {
			refuse(ctx, query, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
			return true;
		}
		if (q.table >= INPUT && q.count > opt.max_registers) {
			refuse(ctx, query, MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE);
			return true;
		}
		if (q.write)
			log_write(unit, query + header, len - header);
		stats.registers += q.table >= INPUT ? (unsigned long)q.count : 0;
	}
	if (!broadcast)
		return modbus_reply(ctx, query, len, tables[unit]) >= 0;
	for (int u = 1; u < 248; u++)
		if (opt.unit[u])
			modbus_reply(ctx, query, len, tables[u]);
	return true;
}

static void
make_tables(void)
{
	for (int u = 0; u < 256; u++) {
		if (!opt.unit[u])
			continue;
		modbus_mapping_t *m = modbus_mapping_new(opt.size, opt.size, opt.size, opt.size);
		if (m == NULL)
			fail("no memory for the tables");
		for (int i = 0; i < opt.size; i++) {
			m->tab_registers[i] = (uint16_t)i;
			m->tab_input_registers[i] = (uint16_t)(i + 10000);
			m->tab_bits[i] = i % 3 == 0;
			m->tab_input_bits[i] = i % 2 == 0;
		}
		tables[u] = m;
	}
}

static void
tick(long now)
{
	static long next;
	if (opt.tick_ms == 0 || now < next)
		return;
	next = now + opt.tick_ms;
	for (int u = 0; u < 256; u++)
		for (int i = 0; tables[u] != NULL && i < opt.size; i++)
			tables[u]->tab_registers[i]++;
}

static int
listen_on(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0 || inet_pton(AF_INET, opt.host, &a.sin_addr) != 1)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 512) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		fail("listen");
	printf("listening %s:%d\nready\n", opt.host, ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

static void
accept_one(int listener)
{
	int fd = accept(listener, NULL, NULL), on = 1;
	if (fd < 0)
		return;
	if (nconns == CONNS_MAX) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	conns[nconns++] = (struct conn){ .fd = fd };
	stats.accepted++;
}

/* The connection has bytes, or its answer is due. Returns false when it ended. */
static bool
serve_conn(modbus_t *ctx, struct conn *c, bool readable, long now)
{
	modbus_set_socket(ctx, c->fd);
	if (!c->waiting) {
		if (!readable)
			return true;
		c->len = modbus_receive(ctx, c->query);
		if (c->len <= 0)
			return c->len == 0;
		c->waiting = true;
		c->due_ms = now + opt.delay_ms;
	}
	if (c->due_ms > now)
		return true;
	c->waiting = false;
	return answer(ctx, c->query, c->len);
}

static int
next_wait(long now)
{
	long wait = opt.tick_ms ? opt.tick_ms : 1000;
	for (int i = 0; i < nconns; i++)
		if (conns[i].waiting && conns[i].due_ms - now < wait)
			wait = conns[i].due_ms > now ? conns[i].due_ms - now : 0;
	return (int)wait;
}

static void
serve_tcp(void)
{
	static struct pollfd p[CONNS_MAX + 1];
	modbus_t *ctx = modbus_new_tcp(opt.host, opt.port);
	if (ctx == NULL)
		fail("modbus_new_tcp");
	modbus_set_indication_timeout(ctx, 0, 500000);
	p[0] = (struct pollfd){ .fd = listen_on(), .events = POLLIN };
	while (!ending) {
		int n = nconns;
		for (int i = 0; i < n; i++)
			p[i + 1] = (struct pollfd){ .fd = conns[i].fd, .events = conns[i].waiting ? 0 : POLLIN };
		int ready = poll(p, (nfds_t)n + 1, next_wait(now_ms()));
		if (want_stats) {
			want_stats = 0;
			print_stats();
		}
		long now = now_ms();
		tick(now);
		for (int i = n - 1; i >= 0; i--) {
			bool readable = ready > 0 && p[i + 1].revents != 0;
			if (!serve_conn(ctx, &conns[i], readable, now)) {
				close(conns[i].fd);
				conns[i] = conns[--nconns];
			}
		}
		if (ready > 0 && p[0].revents & POLLIN)
			accept_one(p[0].fd);
	}
}

/* Bytes of one RTU frame: those that come without a pause of GAP_MS between them. */
static size_t
read_frame(int fd, uint8_t *buf, size_t max)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;
	while (n < max && poll(&p, 1, n == 0 ? 100 : GAP_MS) > 0) {
		ssize_t got = read(fd, buf + n, max - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n;
}

/*
 * libmodbus answers for one unit a context. To be several units on one line, each frame is handed to a context that is
 * set to that frame's unit, through a socket pair that takes the place of its serial line.
 */
static void
serve_serial(void)
{
	uint8_t frame[MODBUS_RTU_MAX_ADU_LENGTH], query[QUERY_MAX];
	int pair[2];
	modbus_t *ctx = modbus_new_rtu(opt.serial, opt.baud, opt.parity, 8, opt.parity == 'N' ? 2 : 1);
	if (ctx == NULL || modbus_set_slave(ctx, 1) != 0 || modbus_connect(ctx) != 0)
		fail(opt.serial);
	int line = modbus_get_socket(ctx);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		fail("socketpair");
	modbus_set_socket(ctx, pair[0]);
	modbus_set_indication_timeout(ctx, 0, 20000);
	printf("listening %s\nready\n", opt.serial);
	fflush(stdout);
	while (!ending) {
		size_t n = read_frame(line, frame, sizeof frame);
		if (want_stats) {
			want_stats = 0;
			print_stats();
		}
		tick(now_ms());
		if (n == 0)
			continue;
		modbus_set_slave(ctx, frame[0] < 248 ? frame[0] : 1);
		if (write(pair[1], frame, n) != (ssize_t)n)
			fail("socketpair");
		int len = modbus_receive(ctx, query);
		if (len <= 0) {
			stats.unanswered++;
			modbus_flush(ctx);
			while (recv(pair[0], query, sizeof query, MSG_DONTWAIT) > 0)
				;
			continue;
		}
		usleep((useconds_t)opt.delay_ms * 1000);
		answer(ctx, query, len);
		/* Of several frames without a pause only the first is answered: what is left must not answer the next. */
		while (recv(pair[0], query, sizeof query, MSG_DONTWAIT) > 0)
			;
		ssize_t out = recv(pair[1], frame, sizeof frame, MSG_DONTWAIT);
		if (out > 0 && write(line, frame, (size_t)out) != out)
			fail(opt.serial);
	}
}

static void
parse_units(char *list)
{
	for (char *item = strtok(list, ","); item != NULL; item = strtok(NULL, ",")) {
		int from, to, n = sscanf(item, "%d-%d", &from, &to);
		if (n < 1 || from < 0 || (n == 2 ? to : from) > 255)
			fail("--units wants numbers from 0 to 255");
		for (int u = from; u <= (n == 2 ? to : from); u++)
			opt.unit[u] = true;
	}
}

static void
parse_illegal(char *list)
{
	for (char *item = strtok(list, ","); item != NULL; item = strtok(NULL, ",")) {
		struct range r = { .table = ANY };
		char *colon = strchr(item, ':');
		for (int t = 0; colon != NULL && t < ANY; t++)
			if (strncmp(item, table_names[t], strlen(table_names[t])) == 0)
				r.table = (enum table)t;
		int n = sscanf(colon ? colon + 1 : item, "%d-%d", &r.from, &r.to);
		if (n < 1 || opt.nillegal == RANGES_MAX || (colon != NULL && r.table == ANY))
			fail("--illegal wants [TABLE:]FROM[-TO],...");
		if (n == 1)
			r.to = r.from;
		opt.illegal[opt.nillegal++] = r;
	}
}

static void
parse_options(int argc, char **argv)
{
	static char one[] = "1";
	char *units = one;
	for (int i = 1; i < argc; i += 2) {
		char *k = argv[i], *v = argv[i + 1];
		if (v == NULL) {
			fprintf(stderr, "modbus_server: %s wants a value\n", k);
			exit(2);
		}
		if (strcmp(k, "--port") == 0) opt.port = atoi(v);
		else if (strcmp(k, "--host") == 0) opt.host = v;
		else if (strcmp(k, "--serial") == 0) opt.serial = v;
		else if (strcmp(k, "--baud") == 0) opt.baud = atoi(v);
		else if (strcmp(k, "--parity") == 0) opt.parity = v[0];
		else if (strcmp(k, "--units") == 0) units = v;
		else if (strcmp(k, "--size") == 0) opt.size = atoi(v);
		else if (strcmp(k, "--illegal") == 0) parse_illegal(v);
		else if (strcmp(k, "--max-registers") == 0) opt.max_registers = atoi(v);
		else if (strcmp(k, "--log-writes") == 0) opt.log_writes = v;
		else if (strcmp(k, "--delay") == 0) opt.delay_ms = atoi(v);
		else if (strcmp(k, "--tick") == 0) opt.tick_ms = atoi(v);
		else if (strcmp(k, "--unknown-unit") == 0) opt.answer_unknown = strcmp(v, "exception") == 0;
		else {
			fprintf(stderr, "modbus_server: no such option: %s\n", k);
			exit(2);
		}
	}
	parse_units(units);
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	parse_options(argc, argv);
	make_tables();
	if (opt.serial != NULL)
		serve_serial();
	else
		serve_tcp();
	print_stats();
	return 0;
}
