/*
 * An OPC UA client that does nothing: open62541's own, subscribing to the bulk of ua_server and counting what arrives. It is
 * the measure that our driver is held against.
 *
 *   ua_bare_client --url opc.tcp://HOST:PORT [--items N] [--sampling MS] [--publishing MS] [--per-call N]
 *                  [--per-subscription N] [--queue N] [--warm-up S] [--seconds S] [--browse]
 *
 * --browse walks everything below Objects/Plant, 1000 nodes a request, and prints
 *   {"browse_nodes": nodes found, "browse_s": seconds}
 * With --items it subscribes to v0.. and then prints, counted from the end of the warm-up (2 s) on,
 *   {"items","create_s": seconds that creating took,"seconds","values","values_per_s","bad": values whose status is bad,
 *    "gaps": times that a Double did not go up by one,"cpu_s": user and system in that time,"rss_kb": at its end}
 */
#include <getopt.h>
#include <open62541/client.h>
#include <open62541/client_config_default.h>
#include <open62541/client_highlevel.h>
#include <open62541/client_subscriptions.h>
#include <open62541/plugin/log_stdout.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { PER_BROWSE = 1000, TIMEOUT_MS = 30000 };

static struct {
	const char	*url;
	int		 items, per_call, per_subscription, queue, browse;
	double		 sampling_ms, publishing_ms, warm_up_s, seconds;
} opt = { .per_call = 1000, .per_subscription = 1000000, .queue = 2, .sampling_ms = 1000, .publishing_ms = 1000,
	.warm_up_s = 2, .seconds = 10 };

static uint64_t values, bad, gaps;
static double *last;

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long
rss_kb(void)
{
	char line[200];
	long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "VmRSS: %ld", &kb);
	if (f != NULL)
		fclose(f);
	return kb;
}

static void
must(UA_StatusCode status, const char *what)
{
	if (status == UA_STATUSCODE_GOOD)
		return;
	fprintf(stderr, "ua_bare_client: %s: %s\n", what, UA_StatusCode_name(status));
	exit(1);
}

static void
arrived(UA_Client *client, UA_UInt32 sub, void *sub_context, UA_UInt32 item, void *context, UA_DataValue *v)
{
	size_t i = (size_t)(uintptr_t)context;

	(void)client, (void)sub, (void)sub_context, (void)item;
	values++;
	if (v->hasStatus && UA_StatusCode_isBad(v->status))
		bad++;
	if (v->hasValue && UA_Variant_hasScalarType(&v->value, &UA_TYPES[UA_TYPES_DOUBLE])) {
		double x = *(UA_Double *)v->value.data;
		gaps += last[i] >= 0 && x > last[i] + 1;
		last[i] = x;
	}
}

static UA_UInt32
subscribe(UA_Client *client)
{
	UA_CreateSubscriptionRequest request = UA_CreateSubscriptionRequest_default();

	request.requestedPublishingInterval = opt.publishing_ms;
	request.maxNotificationsPerPublish = 0;
	UA_CreateSubscriptionResponse answer = UA_Client_Subscriptions_create(client, request, NULL, NULL, NULL);
	must(answer.responseHeader.serviceResult, "creating a subscription");
	return answer.subscriptionId;
}

/* Creates items [from, from + n) in one call. */
static void
create(UA_Client *client, UA_UInt16 ns, UA_UInt32 sub, int from, int n)
{
	UA_MonitoredItemCreateRequest *items = calloc((size_t)n, sizeof(*items));
	UA_Client_DataChangeNotificationCallback *calls = calloc((size_t)n, sizeof(*calls));
	void **contexts = calloc((size_t)n, sizeof(*contexts));
	char (*names)[16] = calloc((size_t)n, sizeof(*names));

	for (int i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "v%d", from + i);
		items[i] = UA_MonitoredItemCreateRequest_default(UA_NODEID_STRING(ns, names[i]));
		items[i].requestedParameters.samplingInterval = opt.sampling_ms;
		items[i].requestedParameters.queueSize = (UA_UInt32)opt.queue;
		calls[i] = arrived;
		contexts[i] = (void *)(uintptr_t)(from + i);
	}
	UA_CreateMonitoredItemsRequest request;
	UA_CreateMonitoredItemsRequest_init(&request);
	request.subscriptionId = sub;
	request.timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH;
	request.itemsToCreate = items;
	request.itemsToCreateSize = (size_t)n;
	UA_CreateMonitoredItemsResponse answer =
	    UA_Client_MonitoredItems_createDataChanges(client, request, contexts, calls, NULL);
	must(answer.responseHeader.serviceResult, "creating items");
	for (size_t i = 0; i < answer.resultsSize; i++)
		must(answer.results[i].statusCode, names[i]);
	UA_CreateMonitoredItemsResponse_clear(&answer);
	free(names);
	free(contexts);
	free(calls);
	free(items);
}

static void
run_until(UA_Client *client, double end_s)
{
	while (now_s() < end_s)
		must(UA_Client_run_iterate(client, 100), "the connection");
}

static void
watch(UA_Client *client, UA_UInt16 ns)
{
	UA_UInt32 sub = 0;
	double began = now_s();

	last = malloc((size_t)opt.items * sizeof(*last));
	for (int i = 0; i < opt.items; i++)
		last[i] = -1;
	for (int i = 0, in_sub = opt.per_subscription; i < opt.items;) {
		if (in_sub >= opt.per_subscription) {
			sub = subscribe(client);
			in_sub = 0;
		}
		int n = opt.per_call;
		n = n < opt.items - i ? n : opt.items - i;
		n = n < opt.per_subscription - in_sub ? n : opt.per_subscription - in_sub;
		create(client, ns, sub, i, n);
		i += n;
		in_sub += n;
	}
	double create_s = now_s() - began;

	run_until(client, now_s() + opt.warm_up_s);
	values = bad = gaps = 0;
	double cpu0 = cpu_s(), t0 = now_s();
	run_until(client, t0 + opt.seconds);
	double took = now_s() - t0;
	printf("{\"items\":%d,\"create_s\":%.3f,\"seconds\":%.3f,\"values\":%llu,\"values_per_s\":%.0f,\"bad\":%llu,"
	    "\"gaps\":%llu,\"cpu_s\":%.3f,\"rss_kb\":%ld}\n", opt.items, create_s, took, (unsigned long long)values,
	    (double)values / took, (unsigned long long)bad, (unsigned long long)gaps, cpu_s() - cpu0, rss_kb());
	free(last);
}

struct nodes {
	UA_NodeId	*id;
	size_t		 n, room;
};

/* One request for m nodes; what they refer to is appended. */
static void
browse_some(UA_Client *client, const UA_NodeId *ids, size_t m, struct nodes *found)
{
	UA_BrowseDescription *what = calloc(m, sizeof(*what));

	for (size_t i = 0; i < m; i++) {
		what[i].nodeId = ids[i];
		what[i].browseDirection = UA_BROWSEDIRECTION_FORWARD;
		what[i].referenceTypeId = UA_NODEID_NUMERIC(0, UA_NS0ID_HIERARCHICALREFERENCES);
		what[i].includeSubtypes = true;
		what[i].resultMask = UA_BROWSERESULTMASK_ALL;
	}
	UA_BrowseRequest request = { .nodesToBrowse = what, .nodesToBrowseSize = m };
	UA_BrowseResponse answer = UA_Client_Service_browse(client, request);
	must(answer.responseHeader.serviceResult, "browsing");
	for (size_t i = 0; i < answer.resultsSize; i++) {
		UA_BrowseResult *r = &answer.results[i];
		must(r->statusCode, "browsing a node");
		if (r->continuationPoint.length > 0)
			must(UA_STATUSCODE_BADTOOMANYMATCHES, "the server pages, though it was not asked to");
		if (found->n + r->referencesSize > found->room) {
			found->room = 2 * (found->n + r->referencesSize);
			found->id = realloc(found->id, found->room * sizeof(*found->id));
		}
		for (size_t k = 0; k < r->referencesSize; k++)
			UA_NodeId_copy(&r->references[k].nodeId.nodeId, &found->id[found->n++]);
	}
	UA_BrowseResponse_clear(&answer);
	free(what);
}

/* Walks level by level. */
static void
browse(UA_Client *client, UA_UInt16 ns)
{
	struct nodes level = { malloc(sizeof(UA_NodeId)), 1, 1 };
	size_t found = 0;
	double began = now_s();

	level.id[0] = UA_NODEID_STRING_ALLOC(ns, "Plant");
	while (level.n > 0) {
		struct nodes next = { NULL, 0, 0 };
		for (size_t at = 0; at < level.n; at += PER_BROWSE)
			browse_some(client, level.id + at, level.n - at < PER_BROWSE ? level.n - at : PER_BROWSE, &next);
		for (size_t i = 0; i < level.n; i++)
			UA_NodeId_clear(&level.id[i]);
		free(level.id);
		level = next;
		found += next.n;
	}
	free(level.id);
	printf("{\"browse_nodes\":%zu,\"browse_s\":%.3f}\n", found, now_s() - began);
}

static void
parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "url", 1, NULL, 'u' }, { "items", 1, NULL, 'n' }, { "sampling", 1, NULL, 's' }, { "publishing", 1, NULL, 'p' },
		{ "per-call", 1, NULL, 'c' }, { "per-subscription", 1, NULL, 'S' }, { "queue", 1, NULL, 'q' },
		{ "warm-up", 1, NULL, 'w' }, { "seconds", 1, NULL, 't' }, { "browse", 0, NULL, 'b' }, { 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;)
		switch (c) {
		case 'u': opt.url = optarg; break;
		case 'n': opt.items = atoi(optarg); break;
		case 's': opt.sampling_ms = atof(optarg); break;
		case 'p': opt.publishing_ms = atof(optarg); break;
		case 'c': opt.per_call = atoi(optarg); break;
		case 'S': opt.per_subscription = atoi(optarg); break;
		case 'q': opt.queue = atoi(optarg); break;
		case 'w': opt.warm_up_s = atof(optarg); break;
		case 't': opt.seconds = atof(optarg); break;
		case 'b': opt.browse = 1; break;
		default: exit(2);
		}
	if (opt.url == NULL || opt.per_call < 1 || opt.per_subscription < 1) {
		fprintf(stderr, "ua_bare_client: see the top of ua_bare_client.c for its options\n");
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	UA_String uri = UA_STRING("urn:penstock:test:plant");
	UA_UInt16 ns = 0;

	parse_options(argc, argv);
	UA_ClientConfig config;
	memset(&config, 0, sizeof(config));
	config.logging = UA_Log_Stdout_new(UA_LOGLEVEL_ERROR);
	must(UA_ClientConfig_setDefault(&config), "the configuration");
	config.timeout = TIMEOUT_MS;
	UA_Client *client = UA_Client_newWithConfig(&config);
	must(UA_Client_connect(client, opt.url), opt.url);
	must(UA_Client_NamespaceGetIndex(client, &uri, &ns), "the plant's namespace");
	if (opt.browse)
		browse(client, ns);
	if (opt.items > 0)
		watch(client, ns);
	UA_Client_disconnect(client);
	UA_Client_delete(client);
	return 0;
}
