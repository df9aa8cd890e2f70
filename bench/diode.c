/*
 * What a one-way link costs: records of 64 KiB in datagrams of 1408 bytes with the usual code (32 + 8, interleave 4) and a MAC each, from one process to another
 * over loopback, checked, decoded and counted there, beside plain UDP with datagrams of the same size and nothing in them. Both ends as in sink and driver:
 * proto/diode over os/udp. UDP has no back-pressure; so that neither measurement is one of overruns, the receiver tells here, in memory that both have, how
 * many datagrams it has taken, and the sender stays at most WINDOW ahead. Payload alone counts.
 */
#include <netinet/in.h>
#include <stdatomic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "bench/bench.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/udp.h"
#include "os/wake.h"
#include "proto/diode/diode_recv.h"
#include "proto/diode/diode_send.h"

#define RECORD		(64u << 10)
#define TOTAL		((size_t)256 << 20)
#define DATAGRAM	1408u
#define BUFFER		(32u << 20)
#define WINDOW		1024u

enum what { PLAIN, PLAIN_CUT, DIODE };	/* a datagram each, pieces that the kernel cuts into datagrams (as the sink sends), the one-way link */

static const struct diode_params params = { .k = 32, .p = 8, .depth = 4, .size = DATAGRAM - DIODE_OVER };

static struct diode_keys keys;
static uint8_t		record[RECORD];
static size_t		got;
static _Atomic uint64_t	*taken;		/* datagrams, by the receiver */

/* ---- sending ---- */

static struct {
	int		 fd;
	uint64_t	 sent;
	enum what	 what;
	uint8_t		 room[UDP_BATCH][DATAGRAM];
	struct udp_datagram v[UDP_BATCH];
	unsigned	 n;
} out;

/* As any program sends many datagrams: sendmmsg(2). */
static int
send_each(void)
{
	struct mmsghdr msg[UDP_BATCH] = { 0 };
	struct iovec iov[UDP_BATCH];

	for (unsigned i = 0; i < out.n; i++) {
		iov[i] = (struct iovec){ out.room[i], out.v[i].len };
		msg[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	unsigned sent = 0;
	while (sent < out.n) {
		int n = sendmmsg(out.fd, msg + sent, out.n - sent, 0);
		sent += n > 0 ? (unsigned)n : 0;
	}
	return (int)sent;
}

static void
flush_out(void)
{
	while (out.sent + out.n > atomic_load(taken) + WINDOW)
		mono_sleep(50 * NS_PER_US);
	out.sent += out.n;
	for (unsigned sent = 0; sent < out.n;) {
		int n = out.what == PLAIN ? send_each() : udp_send(out.fd, out.v + sent, out.n - sent);
		if (n < 0 && n != ERR_AGAIN)
			_exit(1);
		sent += n > 0 ? (unsigned)n : 0;
	}
	out.n = 0;
}

static void
on_out(void *arg, const uint8_t *p, size_t len)
{
	(void)arg;
	memcpy(out.room[out.n], p, len);
	out.v[out.n] = (struct udp_datagram){ out.room[out.n], len };
	if (++out.n == UDP_BATCH)
		flush_out();
}

static void
send_all(const struct sockaddr_in *to, enum what what)
{
	struct diode_send_conf c = { .params = params, .session = (uint64_t)mono_now().ns, .keys = &keys, .out = on_out };
	struct diode_control start = { .kind = DIODE_START, .interval_ns = NS_PER_S };

	out.what = what;
	if (udp_send_open((const struct sockaddr *)to, sizeof *to, &out.fd) != 0)
		_exit(1);
	if (what != DIODE) {
		for (size_t sent = 0; sent < TOTAL; sent += DATAGRAM)
			on_out(NULL, record, DATAGRAM);
	} else {
		struct diode_sender *s = diode_send_new(&c);
		uint32_t stream = s != NULL ? diode_send_open(s) : 0;
		if (stream == 0)
			_exit(1);
		diode_send_control(s, &start);
		for (size_t sent = 0; sent < TOTAL; sent += RECORD)
			diode_send_record(s, stream, DIODE_BATCH, record, RECORD, NULL, 0);
		diode_send_flush(s, stream);
	}
	flush_out();
}

/* ---- receiving ---- */

static bool on_adopt(void *arg, uint64_t session) { (void)arg; (void)session; return true; }
static void on_lost(void *arg, uint64_t s, uint32_t st, uint64_t from, uint64_t to) { (void)arg; (void)s; (void)st; (void)from; (void)to; }
static void on_control(void *arg, uint64_t s, const struct diode_control *c, const bool settled[]) { (void)arg; (void)s; (void)c; (void)settled; }
static void on_mismatch(void *arg, const struct diode_params *p) { (void)arg; (void)p; }

static void
on_record(void *arg, uint64_t session, uint32_t stream, const struct diode_record *r)
{
	(void)arg;
	(void)session;
	(void)stream;
	got += r->len;
}

/* Payload, MB/s; 0: something was lost. *busy receives payload by the processor time of the end that took more of it, MB/s. */
static double
measure(enum what what, double *busy)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	struct udp_datagram v[UDP_BATCH];
	struct diode_recv_conf c = { .params = params, .keys = &keys, .memory = 64u << 20, .hold_ns = NS_PER_S, .inversions_per_s = 20000, .adopt = on_adopt,
	    .record = on_record, .lost = on_lost, .control = on_control, .mismatch = on_mismatch };
	struct udp_in *in;
	size_t buffer;
	uint64_t overrun;

	if (udp_in_open((struct sockaddr *)&a, sizeof a, BUFFER, DATAGRAM, &in, &buffer) != 0 || getsockname(udp_in_fd(in), (struct sockaddr *)&a, &len) != 0)
		exit(1);
	struct diode_recv *r = what == DIODE ? diode_recv_new(&c) : NULL;
	fflush(NULL);
	atomic_store(taken, 0);
	pid_t pid = fork();
	if (pid == 0) {
		send_all(&a, what);
		_exit(0);
	}
	struct wait_fd w = { .fd = udp_in_fd(in), .in = true };
	double began = bench_now_s(), last = began, cpu = bench_cpu_s(0);
	struct rusage sender;
	got = 0;
	/* Ends: nothing for 2 s, or all is here. */
	while (got < TOTAL && bench_now_s() - last < 2) {
		int n = udp_in_receive(in, v, &overrun);
		if (n <= 0) {
			wait_fds(&w, 1, 50 * NS_PER_MS);
			continue;
		}
		last = bench_now_s();
		for (int i = 0; i < n; i++)
			if (what == DIODE)
				diode_recv_datagram(r, v[i].p, v[i].len, (struct mono){ (int64_t)(last * 1e9) });
			else
				got += v[i].len;
		atomic_fetch_add(taken, (uint64_t)n);
	}
	cpu = bench_cpu_s(0) - cpu;
	kill(pid, SIGKILL);
	wait4(pid, NULL, 0, &sender);
	double theirs = (double)(sender.ru_utime.tv_sec + sender.ru_stime.tv_sec) + (double)(sender.ru_utime.tv_usec + sender.ru_stime.tv_usec) / 1e6;
	*busy = (double)got / (cpu > theirs ? cpu : theirs) / 1e6;
	diode_recv_free(r);
	udp_in_close(in);
	return got >= TOTAL ? (double)got / (last - began) / 1e6 : 0;
}

int
bench_diode(int argc, char **argv)
{
	static const char key[] = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	double v[DIODE + 1][3], busy[DIODE + 1][3];
	char why[200];
	(void)argc;
	(void)argv;

	if (diode_keys_parse(key, sizeof key - 1, &keys, why, sizeof why) != 0)
		return 1;
	taken = mmap(NULL, sizeof *taken, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (taken == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < sizeof record; i++)
		record[i] = (uint8_t)(i * 2654435761u >> 13);
	for (int i = 0; i < 3; i++)
		for (enum what w = PLAIN; w <= DIODE; w++)
			v[w][i] = measure(w, &busy[w][i]);
	for (enum what w = PLAIN; w <= DIODE; w++) {
		v[w][0] = bench_median(v[w], 3);
		busy[w][0] = bench_median(busy[w], 3);
	}
	bench_title("diode: records of 64 KiB one way over loopback, datagrams of %u bytes, 32 + 8 symbols", DATAGRAM);
	bench_row("one-way link, payload", v[DIODE][0], "MB/s", "plain UDP, sendmmsg", v[PLAIN][0], "goal: ratio of 0.5 at least");
	bench_row("by processor time of the busier end", busy[DIODE][0], "MB/s", "plain UDP, sendmmsg", busy[PLAIN][0], "whatever else runs here");
	bench_row("one-way link, payload", v[DIODE][0], "MB/s", "UDP cut by the kernel", v[PLAIN_CUT][0], "no goal: empty datagrams sent as the sink sends");
	bench_row("by processor time of the busier end", busy[DIODE][0], "MB/s", "UDP cut by the kernel", busy[PLAIN_CUT][0], NULL);
	munmap(taken, sizeof *taken);
	diode_keys_fini(&keys);
	return 0;
}
