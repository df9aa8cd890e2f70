/*
 * reconnect: 10,000 times a device takes the connection and drops it. Memory, descriptors and threads of the scan engine before (after the first
 * 500, when all buffers have their size) and after.
 */
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "bench/bench.h"
#include "field/field.h"
#include "os/procfs.h"
#include "proc/catalog.h"
#include "site/site.h"

#define CYCLES	10000
#define FIRST	500

static _Atomic int	cycles;
static int		listener;

/* Takes, says a few bytes that make no sense every other time, drops. */
static void *
device(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		if (cycles % 2 == 0)
			(void)!send(fd, "\0\1\0\0\0", 5, MSG_NOSIGNAL);
		close(fd);
		cycles++;
	}
}

static int
count(const char *folder)
{
	DIR *d = opendir(folder);
	int n = 0;
	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}

static void
on_batch(void *arg, const struct batch_head *head, const struct sample *v, const void *blob)
{
	(void)arg;
	(void)head;
	(void)v;
	(void)blob;
}

static int	goal;

static void
on_check(uv_timer_t *t)
{
	if (cycles >= goal)
		uv_stop(t->loop);
}

int
bench_reconnect(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	char path[128];
	struct plan *plan;
	struct site_report report;
	struct field *field;
	uv_loop_t loop;
	uv_timer_t timer;
	pthread_t thread;
	(void)argc;
	(void)argv;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 64) != 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &len) != 0 || pthread_create(&thread, NULL, device, NULL) != 0)
		return 1;
	snprintf(path, sizeof path, "%s/site.yaml", bench_dir());
	FILE *f = fopen(path, "w");
	if (f == NULL)
		return 1;
	fprintf(f, "site: { enterprise: Bench, name: Rig }\nzones:\n  ot: { level: 2 }\nsources:\n  s: { driver: modbus-tcp, zone: ot, endpoint: "
	    "\"127.0.0.1:%d\", unit: 1 }\nequipment:\n  Line/D: { source: s, tags: { a: { at: holding 0 uint16, scan: 10ms } } }\n", ntohs(a.sin_port));
	fclose(f);
	log_open("bench", LOG_LEVEL_ERROR);
	if (site_load(path, catalog_all(), &plan, &report) != 0)
		return 1;
	site_report_free(&report);
	uv_loop_init(&loop);
	uv_timer_init(&loop, &timer);
	struct field_config config = { .loop = &loop, .out.batch = on_batch, .retry_min_ns = 100 * NS_PER_US, .retry_max_ns = 200 * NS_PER_US };
	if (field_new(&config, &field) != 0 || field_apply(field, plan) != 0)
		return 1;
	struct procfs_memory before, half, after;
	goal = FIRST;
	uv_timer_start(&timer, on_check, 1, 1);
	uv_run(&loop, UV_RUN_DEFAULT);
	procfs_memory(procfs_self(), &before);
	int fds = count("/proc/self/fd"), threads = count("/proc/self/task");
	goal = CYCLES / 2;
	uv_run(&loop, UV_RUN_DEFAULT);
	procfs_memory(procfs_self(), &half);
	goal = CYCLES;
	uv_run(&loop, UV_RUN_DEFAULT);
	procfs_memory(procfs_self(), &after);
	bench_title("reconnect: a device that takes the connection and drops it, %d times (goal: no growth)", CYCLES);
	bench_row("memory after", (double)after.rss / 1024, "KiB", "after the first 500", (double)before.rss / 1024, NULL);
	bench_row("memory after", (double)after.rss / 1024, "KiB", "after half of them", (double)half.rss / 1024, NULL);
	bench_row("descriptors after", count("/proc/self/fd"), "1", "after the first 500", fds, NULL);
	bench_row("threads after", count("/proc/self/task"), "1", "after the first 500", threads, NULL);
	field_free(field);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	shutdown(listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listener);
	return 0;
}
