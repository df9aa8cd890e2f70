/*
 * opcua-server: 30,000 variables of which 10,000 values/s change, watched whole by open62541's own client in a process of its own, which counts
 * what it misses; 100,000 variables; 200 sessions. Beside them: the same number of variables as ordinary nodes of open62541's own server.
 */
#include <open62541/client.h>
#include <open62541/client_config_default.h>
#include <open62541/client_highlevel.h>
#include <open62541/client_subscriptions.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bench/bench.h"
#include "base/log.h"
#include "os/procfs.h"
#include "sink/opcua_server/rig.h"

#define RATE		10000u
#define SECONDS		20u
#define PER_CALL	5000u
#define NS		2
#define PATH_BYTES	64u

/* ---- the client, in a process of its own ---- */

struct watched { double last; };
static struct { uint64_t values, gaps, overflows; struct watched *v; } got;

static void
quiet(void *ctx, UA_LogLevel level, UA_LogCategory c, const char *fmt, va_list ap)
{
	(void)ctx, (void)level, (void)c, (void)fmt, (void)ap;
}
static UA_Logger no_log = { .log = quiet };

static void
on_change(UA_Client *c, UA_UInt32 sub, void *sub_ctx, UA_UInt32 mon, void *ctx, UA_DataValue *v)
{
	struct watched *w = ctx;
	(void)c, (void)sub, (void)sub_ctx, (void)mon;

	if (!v->hasValue)
		return;
	double x = *(double *)v->value.data;
	got.overflows += (v->status & 0x480) == 0x480;		/* InfoType DataValue, Overflow: OPC 10000-4, 7.39.1 */
	if (x == 0)
		return;		/* what stood there before */
	got.values++;
	got.gaps += x != w->last + 1;
	w->last = x;
}

static UA_Client *
enter(uint16_t port)
{
	UA_ClientConfig cfg = { .logging = &no_log };
	char url[64];

	snprintf(url, sizeof url, "opc.tcp://127.0.0.1:%u", port);
	if (UA_ClientConfig_setDefault(&cfg) != UA_STATUSCODE_GOOD)
		return NULL;
	cfg.timeout = 30000;
	UA_Client *c = UA_Client_newWithConfig(&cfg);
	if (c != NULL && UA_Client_connect(c, url) == UA_STATUSCODE_GOOD)
		return c;
	if (c != NULL)
		UA_Client_delete(c);
	return NULL;
}

static void
path_of(uint32_t i, char out[PATH_BYTES])
{
	snprintf(out, PATH_BYTES, "Plant/Line %u/Machine %u/value-%02u", i / 1000, i / 100, i % 100);
}

static bool
watch(UA_Client *c, uint32_t from, uint32_t n, struct watched *w)
{
	UA_CreateSubscriptionRequest q = UA_CreateSubscriptionRequest_default();
	q.requestedPublishingInterval = 250;
	UA_CreateSubscriptionResponse s = UA_Client_Subscriptions_create(c, q, NULL, NULL, NULL);
	UA_MonitoredItemCreateRequest *items = calloc(PER_CALL, sizeof *items);
	UA_Client_DataChangeNotificationCallback *calls = calloc(PER_CALL, sizeof *calls);
	void **ctx = calloc(PER_CALL, sizeof *ctx);
	char (*paths)[PATH_BYTES] = calloc(PER_CALL, PATH_BYTES);
	bool good = s.responseHeader.serviceResult == UA_STATUSCODE_GOOD;

	for (uint32_t i = 0; good && i < n; i += PER_CALL) {
		uint32_t m = n - i < PER_CALL ? n - i : PER_CALL;
		for (uint32_t k = 0; k < m; k++) {
			path_of(from + i + k, paths[k]);
			items[k] = UA_MonitoredItemCreateRequest_default(UA_NODEID_STRING(NS, paths[k]));
			items[k].requestedParameters.samplingInterval = 1000;
			items[k].requestedParameters.queueSize = 10;
			calls[k] = on_change;
			ctx[k] = &w[i + k];
		}
		UA_CreateMonitoredItemsRequest r;
		UA_CreateMonitoredItemsRequest_init(&r);
		r.subscriptionId = s.subscriptionId;
		r.timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH;
		r.itemsToCreate = items;
		r.itemsToCreateSize = m;
		UA_CreateMonitoredItemsResponse p = UA_Client_MonitoredItems_createDataChanges(c, r, ctx, calls, NULL);
		good = p.responseHeader.serviceResult == UA_STATUSCODE_GOOD && p.resultsSize == m;
		for (size_t k = 0; good && k < p.resultsSize; k++)
			good = p.results[k].statusCode == UA_STATUSCODE_GOOD;
		UA_CreateMonitoredItemsResponse_clear(&p);
	}
	free(items);
	free(calls);
	free(ctx);
	free(paths);
	return good;
}

struct report { bool ready, good; uint64_t values, gaps, overflows; double create_s, browse_s; uint32_t sessions, nodes; };

static void
say(int fd, const struct report *r)
{
	if (write(fd, r, sizeof *r) != (ssize_t)sizeof *r)
		_exit(1);
}

/* Watch n variables until `want` values have come or there has been nothing for 5 s. */
static void
client_all(uint16_t port, int fd, uint32_t n, uint64_t want)
{
	struct report r = { 0 };
	double began = bench_now_s(), moved;
	uint64_t before = 0;

	got.v = calloc(n, sizeof *got.v);
	UA_Client *c = enter(port);
	r.good = c != NULL && watch(c, 0, n, got.v);
	r.create_s = bench_now_s() - began;
	r.ready = true;
	say(fd, &r);
	moved = bench_now_s();
	while (r.good && got.values < want && bench_now_s() - moved < 8) {
		UA_Client_run_iterate(c, 50);
		if (got.values != before)
			moved = bench_now_s();
		before = got.values;
	}
	r.ready = false;
	r.values = got.values;
	r.gaps = got.gaps;
	r.overflows = got.overflows;
	say(fd, &r);
	if (c != NULL) {
		UA_Client_disconnect(c);
		UA_Client_delete(c);
	}
	_exit(0);
}

/* n sessions of one process, each with `items` variables of its own choice. */
static void
client_many(uint16_t port, int fd, uint32_t n, uint32_t items, uint32_t vars, uint64_t want)
{
	struct report r = { .good = true };
	UA_Client **c = calloc(n + 1, sizeof *c);
	double began = bench_now_s(), end;

	got.v = calloc((size_t)n * items, sizeof *got.v);
	for (uint32_t i = 0; i < n && r.good; i++) {
		c[i] = enter(port);
		r.good = c[i] != NULL && watch(c[i], i * items % (vars - items), items, &got.v[(size_t)i * items]);
		r.sessions += r.good;
	}
	UA_Client *more = enter(port);
	r.nodes = more != NULL;		/* one too many was let in */
	if (more != NULL)
		UA_Client_delete(more);
	r.create_s = bench_now_s() - began;
	r.ready = true;
	say(fd, &r);
	end = bench_now_s() + SECONDS + 10;
	while (got.values < want && bench_now_s() < end)
		for (uint32_t i = 0; i < r.sessions; i++)
			UA_Client_run_iterate(c[i], 0);
	r.ready = false;
	r.values = got.values;
	r.gaps = got.gaps;
	say(fd, &r);
	_exit(0);
}

/* ---- the server, here ---- */

/* Not PSS: a client is a fork of this process and shares pages with it. */
static double
rss_mib(void)
{
	struct procfs_memory m;
	procfs_memory(procfs_self(), &m);
	return (double)m.rss / 1048576;
}

static struct spool_tag *
make_tags(uint32_t n)
{
	struct spool_tag *t = calloc(n, sizeof *t);

	for (uint32_t i = 0; i < n; i++) {
		char *name = malloc(PATH_BYTES);
		path_of(i, name);
		t[i] = (struct spool_tag){ .name = name, .unit = "Cel", .help = "a temperature", .type = VALUE_F64, .has_range = true, .lo = 0, .hi = 100 };
	}
	return t;
}

static void
free_tags(struct spool_tag *t, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free((void *)(uintptr_t)t[i].name);
	free(t);
}

static bool
begin(struct rig *r, uint32_t sessions)
{
	char dir[600], why[300];

	snprintf(dir, sizeof dir, "%s/office", bench_dir());
	mkdir(dir, 0700);
	strcat(dir, "/ua");
	mkdir(dir, 0700);
	dir[strlen(dir) - strlen("/office/ua")] = '\0';
	rig_init(r, dir);
	r->keys[UAS_K_SESSIONS].i = sessions;
	return rig_open(r, why, sizeof why) == 0 && rig_until(r, &r->up);
}

/* Every variable gets this value, and the server has applied it. */
static void
set_all(struct rig *r, uint32_t n, double value)
{
	struct sample *v = calloc(SPOOL_BATCH_MAX, sizeof *v);
	struct wall now = wall_now();

	for (uint32_t i = 0; i < n;) {
		uint32_t m = 0;
		for (; m < SPOOL_BATCH_MAX && i < n; m++, i++)
			v[m] = (struct sample){ .tag = i, .source = now, .arrival = now, .v = { .type = VALUE_F64, .f64 = value } };
		rig_offer(r, v, m, true);
	}
	free(v);
	while (r->done + 1 < r->next) {
		rig_pump(r);
		mono_sleep(NS_PER_MS);
	}
}

/* RATE values a second for SECONDS, a batch each 10 ms; pumps until all is done. */
static uint64_t
feed(struct rig *r, uint32_t n)
{
	static struct sample v[RATE / 100];
	double began = bench_now_s();
	uint64_t sent = 0;

	for (uint32_t tick = 0; tick < SECONDS * 100; tick++) {
		struct wall now = wall_now();
		for (uint32_t k = 0; k < RATE / 100; k++, sent++)
			v[k] = (struct sample){ .tag = (uint32_t)(sent % n), .source = now, .arrival = now,
			    .v = { .type = VALUE_F64, .f64 = (double)(sent / n + 1) } };
		rig_offer(r, v, RATE / 100, true);
		rig_pump(r);
		double ahead = began + (tick + 1) * 0.01 - bench_now_s();
		if (ahead > 0)
			mono_sleep((int64_t)(ahead * 1e9));
	}
	while (r->done + 1 < r->next) {
		rig_pump(r);
		mono_sleep(NS_PER_MS);
	}
	return sent;
}

static pid_t
spawn(int *fd, void (*run)(uint16_t, int, void *), uint16_t port, void *arg)
{
	int p[2];

	if (pipe(p) != 0)
		return -1;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		close(p[0]);
		run(port, p[1], arg);
		_exit(0);
	}
	close(p[1]);
	*fd = p[0];
	return pid;
}

static bool
hear(struct rig *r, int fd, struct report *out)
{
	size_t n = 0;
	(void)r;

	while (n < sizeof *out) {
		ssize_t k = read(fd, (char *)out + n, sizeof *out - n);
		if (k <= 0)
			return false;
		n += (size_t)k;
	}
	return out->good;
}

struct job { uint32_t n, items, vars; uint64_t want; };
static void run_all(uint16_t port, int fd, void *arg) { struct job *j = arg; client_all(port, fd, j->n, j->want); }
static void run_many(uint16_t port, int fd, void *arg) { struct job *j = arg; client_many(port, fd, j->n, j->items, j->vars, j->want); }

/* What variables add to a server that listens already. */
static void
size_of(uint32_t n)
{
	struct rig r;
	struct spool_tag *tags = make_tags(n);

	if (!begin(&r, 200)) {
		bench_skip("variables", r.text);
		return;
	}
	double before = rss_mib(), began = bench_now_s();
	rig_add(&r, tags, n, NULL);
	set_all(&r, n, 0);
	double took = bench_now_s() - began, mib = rss_mib() - before;
	char name[64];
	snprintf(name, sizeof name, "%u variables: there, each with a value", n);
	bench_row(name, took, "s", NULL, 0, NULL);
	snprintf(name, sizeof name, "%u variables: memory of one", n);
	bench_row(name, mib * 1048576 / n, "bytes", NULL, 0, "with path, unit, range, description, value");
	rig_fini(&r);
	free_tags(tags, n);
}

static void
beside(uint32_t n)
{
	struct bench_child c;
	char items[16];
	double mib[2];

	for (int i = 0; i < 2; i++) {
		snprintf(items, sizeof items, "%u", i == 0 ? 1 : n);
		char port[8];
		snprintf(port, sizeof port, "%u", rig_free_port());
		const char *const argv[] = { bench_peer("ua_server"), "--port", port, "--variables", items, NULL };
		if (access(argv[0], X_OK) != 0 || !bench_spawn(&c, argv)) {
			bench_skip("beside", "the peer ua_server is not built");
			return;
		}
		for (const char *l; (l = bench_line(&c, 30)) != NULL && strcmp(l, "ready") != 0;)
			;
		mib[i] = bench_pss_mib(c.pid);
		bench_end(&c, SIGTERM);
	}
	bench_row("beside: open62541's own nodes, no unit, no range", (mib[1] - mib[0]) * 1048576 / n, "bytes", NULL, 0, "a variable");
}

static void
watched(uint32_t n, uint32_t nclients)
{
	struct rig r;
	struct spool_tag *tags = make_tags(n);
	struct job job = { .n = n, .want = (uint64_t)RATE * SECONDS };
	int fds[16];
	pid_t pids[16];
	struct report rep, sum = { 0 };
	bool good = true;
	char name[80];

	if (!begin(&r, 200)) {
		bench_skip("watched", r.text);
		return;
	}
	rig_add(&r, tags, n, NULL);
	set_all(&r, n, 0);
	double idle = rss_mib();
	for (uint32_t i = 0; i < nclients; i++) {
		pids[i] = spawn(&fds[i], run_all, r.port, &job);
		good = good && hear(&r, fds[i], &rep);
		sum.create_s = rep.create_s > sum.create_s ? rep.create_s : sum.create_s;
	}
	double with = rss_mib(), cpu = bench_cpu_s(0), began = bench_now_s();
	uint64_t sent = feed(&r, n);
	cpu = bench_cpu_s(0) - cpu;
	double took = bench_now_s() - began;
	for (uint32_t i = 0; i < nclients; i++) {
		good = hear(&r, fds[i], &rep) && good;
		sum.values += rep.values;
		sum.gaps += rep.gaps;
		sum.overflows += rep.overflows;
		waitpid(pids[i], NULL, 0);
		close(fds[i]);
	}
	uint64_t want = sent * nclients;
	snprintf(name, sizeof name, "%u variables, %u client%s: notifications missed", n, nclients, nclients > 1 ? "s" : "");
	bench_row(name, good ? (double)(want - sum.values) + (double)sum.gaps : -1, "of all", "offered", (double)want, good ? NULL : "a client failed");
	bench_row("  values/s at the server", (double)sent / took, "/s", "goal", RATE, NULL);
	bench_row("  processor of the server", cpu / took * 100, "% of a core", NULL, 0, NULL);
	bench_row("  memory of a monitored item", (with - idle) * 1048576 / n / nclients, "bytes", NULL, 0, NULL);
	bench_row("  a client subscribes to all", sum.create_s, "s", NULL, 0, NULL);
	rig_fini(&r);
	free_tags(tags, n);
}

static void
sessions(uint32_t n, uint32_t vars)
{
	struct rig r;
	struct spool_tag *tags = make_tags(vars);
	uint64_t feeds = (uint64_t)RATE * SECONDS;
	struct job job = { .n = n, .items = 100, .vars = vars, .want = 0 };
	struct report rep;
	int fd;

	/* Each variable changes feeds / vars times, whoever watches it. */
	job.want = (uint64_t)n * job.items * (feeds / vars);
	if (!begin(&r, n)) {
		bench_skip("sessions", r.text);
		return;
	}
	rig_add(&r, tags, vars, NULL);
	set_all(&r, vars, 0);
	double idle = rss_mib();
	pid_t pid = spawn(&fd, run_many, r.port, &job);
	bool good = hear(&r, fd, &rep);
	double with = rss_mib(), cpu = bench_cpu_s(0), began = bench_now_s();
	feed(&r, vars);
	cpu = bench_cpu_s(0) - cpu;
	double took = bench_now_s() - began;
	uint32_t opened = rep.sessions, over = rep.nodes;
	good = hear(&r, fd, &rep) && good;
	waitpid(pid, NULL, 0);
	close(fd);
	bench_row("sessions at one time, 100 items each", opened, "", "goal", n, over ? "AND ONE MORE WAS LET IN" : "one more is refused");
	bench_row("  notifications missed", good && rep.values < job.want ? (double)(job.want - rep.values) + (double)rep.gaps : (double)rep.gaps, "of all",
	    "offered", (double)job.want, NULL);
	bench_row("  processor of the server", cpu / took * 100, "% of a core", NULL, 0, NULL);
	bench_row("  memory of a session", (with - idle) * 1048576 / n, "bytes", NULL, 0, "with its 100 items");
	rig_fini(&r);
	free_tags(tags, vars);
}

int
bench_opcua_server(int argc, char **argv)
{
	(void)argc, (void)argv;
	log_open("bench", LOG_LEVEL_ERROR);
	signal(SIGPIPE, SIG_IGN);
	bench_title("opcua-server: the OPC UA server, %u values/s for %u s", RATE, SECONDS);
	size_of(30000);
	size_of(100000);
	beside(100000);
	watched(30000, 1);
	watched(30000, 4);
	sessions(200, 20000);
	return 0;
}
