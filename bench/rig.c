/* See rig.h. */
#include "bench/rig.h"

#include <jansson.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/ctl.h"

#define LATENCIES_MAX 1000000u

static int
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0), port = 0;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && getsockname(fd, (struct sockaddr *)&a, &len) == 0)
		port = ntohs(a.sin_port);
	close(fd);
	return port;
}

bool
rig_sim(struct rig *r, const char *const *args)
{
	const char *argv[32] = { bench_program(), "sim" };
	size_t n = 2, cap = 0;

	for (; args[n - 2] != NULL && n < 31; n++)
		argv[n] = args[n - 2];
	if (!bench_spawn(&r->sim, argv))
		return false;
	for (const char *line; (line = bench_line(&r->sim, 20)) != NULL;) {
		struct rig_endpoint e;
		if (strcmp(line, "ready") == 0)
			return true;
		if (sscanf(line, "endpoint %31s %63s", e.name, e.address) != 2)
			continue;
		if (r->n == cap) {
			cap = cap ? cap * 2 : 64;
			r->endpoints = realloc(r->endpoints, cap * sizeof e);
		}
		r->endpoints[r->n++] = e;
	}
	fprintf(stderr, "bench: the simulated plant did not come up\n");
	return false;
}

bool
rig_broker(struct rig *r)
{
	char path[128];
	const char *dir = bench_dir();

	r->broker_port = free_port();
	snprintf(path, sizeof path, "%s/broker.conf", dir);
	FILE *f = fopen(path, "w");
	if (f == NULL)
		return false;
	/* Without no-delay the broker's leg to the subscriber waits for delayed acknowledgements, 40 ms, whoever publishes. */
	fprintf(f, "set_tcp_nodelay true\nlistener %d 127.0.0.1\nallow_anonymous true\nlog_type error\nmax_queued_messages 100000\n", r->broker_port);
	fclose(f);
	const char *argv[] = { "mosquitto", "-c", path, NULL };
	if (!bench_spawn(&r->broker, argv))
		return false;
	usleep(300000);
	return kill(r->broker.pid, 0) == 0;
}

void
rig_site(struct rig *r, const char *extra, struct buf *out)
{
	buf_puts(out, "site: { enterprise: Bench, name: Rig }\nzones:\n  ot: { level: 2 }\n  it: { level: 3.5 }\n");
	if (r->broker_port != 0)
		buf_puts(out, "conduits:\n  up: { from: ot, to: it }\n");
	buf_puts(out, "sources:\n");
	for (size_t i = 0; i < r->n; i++)
		buf_printf(out, "  s%zu: { driver: modbus-tcp, zone: ot, endpoint: \"%s\", unit: 1%s }\n", i, r->endpoints[i].address, extra);
	if (r->broker_port != 0)
		buf_printf(out, "sinks:\n  b: { kind: mqtt, zone: it, broker: \"127.0.0.1:%d\" }\n", r->broker_port);
}

/* ---- the status ---- */

static bool
on_status(void *arg, char *text, size_t len)
{
	json_error_t e;
	*(json_t **)arg = json_loadb(text, len, 0, &e);
	return false;
}

static json_t *
status(struct rig *r)
{
	json_t *root = NULL;
	int fd = ctl_request(r->state, "status", 0, NULL);
	if (fd < 0)
		return NULL;
	ctl_lines(fd, on_status, &root);
	ctl_close(fd);
	return root;
}

bool
rig_usage(struct rig *r, struct rig_usage *out)
{
	json_t *root = status(r), *p;
	size_t i;

	if (root == NULL)
		return false;
	*out = (struct rig_usage){ .at_s = bench_now_s(), .processes = 1 };
	out->cpu_s = json_number_value(json_object_get(root, "cpu_ns")) / 1e9;
	out->pss_mib = json_number_value(json_object_get(root, "pss_bytes")) / (1 << 20);
	json_array_foreach(json_object_get(root, "processes"), i, p) {
		out->cpu_s += json_number_value(json_object_get(p, "cpu_ns")) / 1e9;
		out->pss_mib += json_number_value(json_object_get(p, "pss_bytes")) / (1 << 20);
		out->processes++;
	}
	json_decref(root);
	return true;
}

bool
rig_children(struct rig *r, const char *prefix, struct rig_usage *out)
{
	json_t *root = status(r), *p;
	size_t i;

	if (root == NULL)
		return false;
	*out = (struct rig_usage){ .at_s = bench_now_s() };
	json_array_foreach(json_object_get(root, "processes"), i, p) {
		if (strncmp(json_string_value(json_object_get(p, "name")), prefix, strlen(prefix)) != 0)
			continue;
		out->cpu_s += json_number_value(json_object_get(p, "cpu_ns")) / 1e9;
		out->pss_mib += json_number_value(json_object_get(p, "pss_bytes")) / (1 << 20);
		out->processes++;
	}
	json_decref(root);
	return out->processes > 0;
}

double
rig_figure(struct rig *r, const char *kind, const char *prefix, const char *figure)
{
	json_t *root = status(r), *p, *o;
	size_t i, k;
	double sum = 0;

	if (root == NULL)
		return -1;
	json_array_foreach(json_object_get(root, "processes"), i, p)
		json_array_foreach(json_object_get(p, "objects"), k, o)
			if (strcmp(json_string_value(json_object_get(o, "kind")), kind) == 0 &&
			    strncmp(json_string_value(json_object_get(o, "name")), prefix, strlen(prefix)) == 0)
				sum += json_number_value(json_object_get(o, figure));
	json_decref(root);
	return sum;
}

static bool
all_up(struct rig *r)
{
	json_t *root = status(r), *p;
	size_t i, up = 0;

	json_array_foreach(json_object_get(root, "processes"), i, p)
		up += strcmp(json_string_value(json_object_get(p, "state")), "up") == 0;
	json_decref(root);
	return up >= 4;
}

bool
rig_start(struct rig *r, const struct buf *site)
{
	char path[128], socket_path[160];

	r->dir = bench_dir();
	snprintf(path, sizeof path, "%s/site.yaml", r->dir);
	snprintf(r->state, sizeof r->state, "%s/state", r->dir);
	snprintf(socket_path, sizeof socket_path, "%s/control.sock", r->state);
	FILE *f = fopen(path, "w");
	if (f == NULL || fwrite(site->p, 1, site->len, f) != site->len || fclose(f) != 0)
		return false;
	const char *argv[] = { "sh", "-c", "exec \"$0\" run \"$1\" --state \"$2\" 2>\"$1.log\"", bench_program(), path, r->state, NULL };
	if (!bench_spawn(&r->penstock, argv))
		return false;
	for (int i = 0; i < 300; i++) {
		usleep(100000);
		if (access(socket_path, F_OK) == 0 && all_up(r))
			return true;
	}
	fprintf(stderr, "bench: penstock did not come up; its log begins with:\n");
	char line[1024];
	snprintf(socket_path, sizeof socket_path, "%s.log", path);
	f = fopen(socket_path, "r");
	for (int i = 0; f != NULL && i < 20 && fgets(line, sizeof line, f) != NULL; i++)
		fputs(line, stderr);
	if (f != NULL)
		fclose(f);
	return false;
}

void
rig_stop(struct rig *r)
{
	bench_end(&r->penstock, SIGTERM);
	bench_end(&r->broker, SIGTERM);
	bench_end(&r->sim, SIGTERM);
	free(r->endpoints);
	*r = (struct rig){ 0 };
}

/* ---- the far end ---- */

struct far_end {
	struct mosquitto	*m;
	pthread_mutex_t		 lock;
	struct far_end_count	 count;
	double			*latencies;
	size_t			 nlatencies;
};

static int64_t
wall_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Values are counted by their names, which stand once a value in the message; the arrival is that of its first group. */
static void
on_message(struct mosquitto *m, void *arg, const struct mosquitto_message *msg)
{
	struct far_end *f = arg;
	const char *p = msg->payload, *end = p + msg->payloadlen, *hit;
	int64_t now = wall_ns();
	uint64_t values = 0;
	char when[WALL_TEXT];
	struct wall arrival;
	(void)m;

	for (hit = p; (hit = memmem(hit, (size_t)(end - hit), "\"n\":\"", 5)) != NULL; hit += 5)
		values++;
	hit = memmem(p, (size_t)(end - p), "\"arrival\":\"", 11);
	const char *quote = hit != NULL ? memchr(hit + 11, '"', (size_t)(end - hit - 11)) : NULL;
	pthread_mutex_lock(&f->lock);
	f->count.messages++;
	f->count.bytes += (uint64_t)msg->payloadlen;
	f->count.values += values;
	if (quote != NULL && quote - hit - 11 < WALL_TEXT && f->nlatencies < LATENCIES_MAX) {
		memcpy(when, hit + 11, (size_t)(quote - hit - 11));
		when[quote - hit - 11] = '\0';
		if (wall_parse(when, &arrival) == 0)
			f->latencies[f->nlatencies++] = (double)(now - arrival.ns) / 1e6;
	}
	pthread_mutex_unlock(&f->lock);
}

struct far_end *
far_end_open(int port)
{
	struct far_end *f = calloc(1, sizeof *f);

	mosquitto_lib_init();
	f->latencies = malloc(LATENCIES_MAX * sizeof *f->latencies);
	pthread_mutex_init(&f->lock, NULL);
	f->m = mosquitto_new(NULL, true, f);
	mosquitto_message_callback_set(f->m, on_message);
	if (f->latencies == NULL || mosquitto_connect(f->m, "127.0.0.1", port, 60) != MOSQ_ERR_SUCCESS ||
	    mosquitto_subscribe(f->m, NULL, "#", 0) != MOSQ_ERR_SUCCESS || mosquitto_loop_start(f->m) != MOSQ_ERR_SUCCESS) {
		fprintf(stderr, "bench: the subscriber cannot reach the broker\n");
		exit(2);
	}
	return f;
}

void
far_end_count(struct far_end *f, struct far_end_count *out)
{
	pthread_mutex_lock(&f->lock);
	*out = f->count;
	pthread_mutex_unlock(&f->lock);
}

double *
far_end_latencies(struct far_end *f, size_t *n)
{
	pthread_mutex_lock(&f->lock);
	*n = f->nlatencies;
	double *copy = malloc((*n + 1) * sizeof *copy);
	memcpy(copy, f->latencies, *n * sizeof *copy);
	f->nlatencies = 0;
	pthread_mutex_unlock(&f->lock);
	return copy;
}

void
far_end_close(struct far_end *f)
{
	mosquitto_disconnect(f->m);
	mosquitto_loop_stop(f->m, true);
	mosquitto_destroy(f->m);
	free(f->latencies);
	free(f);
}
