/*
 * An OPC UA client that does nothing: open62541's own, subscribing to the bulk of ua_server and counting what arrives. It is
 * the measure that our driver is held against. Connecting and browsing are in ua_bare/.
 *
 *   ua_bare_client --url opc.tcp://HOST:PORT [--items N] [--nodes FILE] [--sampling MS] [--publishing MS] [--per-call N]
 *                  [--per-subscription N] [--queue N] [--warm-up S] [--seconds S] [--browse] [--root NODE]
 *                  [--policy NAME --cert DER --key PEM-OR-DER] [--uri APPLICATION-URI] [--user NAME:PASSWORD]
 *
 * It subscribes to v0, v1, ... of the plant of ua_server, or to what FILE names, a node id a line such as ns=2;s=Line 3/speed.
 * With a policy it signs and encrypts, and takes any server's certificate.
 *
 * --browse walks everything below Objects/Plant, or below NODE, 1000 nodes a request, and prints
 *   {"browse_nodes": nodes found, "browse_s": seconds}
 * With --items or --nodes it then prints, counted from the end of the warm-up (2 s) on,
 *   {"items","create_s": seconds that creating took,"seconds","values","values_per_s","bad": values whose status is bad,
 *    "gaps": times that a Double did not go up by one,"cpu_s": user and system in that time,"rss_kb": at its end}
 */
#include <getopt.h>
#include <open62541/client.h>
#include <open62541/client_highlevel.h>
#include <open62541/client_subscriptions.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "ua_bare/bare.h"

struct options opt = { .per_call = 1000, .per_subscription = 1000000, .queue = 2, .sampling_ms = 1000, .publishing_ms = 1000,
	.warm_up_s = 2, .seconds = 10 };

static UA_NodeId *wanted;		/* the items, `opt.items` of them */
static uint64_t values, bad, gaps;
static double *last;

double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void
must(UA_StatusCode status, const char *what)
{
	if (status == UA_STATUSCODE_GOOD)
		return;
	fprintf(stderr, "ua_bare_client: %s: %s\n", what, UA_StatusCode_name(status));
	exit(1);
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
create(UA_Client *client, UA_UInt32 sub, int from, int n)
{
	UA_MonitoredItemCreateRequest *items = calloc((size_t)n, sizeof(*items));
	UA_Client_DataChangeNotificationCallback *calls = calloc((size_t)n, sizeof(*calls));
	void **contexts = calloc((size_t)n, sizeof(*contexts));

	for (int i = 0; i < n; i++) {
		items[i] = UA_MonitoredItemCreateRequest_default(wanted[from + i]);
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
		must(answer.results[i].statusCode, "creating an item");
	UA_CreateMonitoredItemsResponse_clear(&answer);
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

/* Fills `wanted`. */
static void
choose(UA_UInt16 ns)
{
	char line[4096];
	FILE *f = opt.nodes != NULL ? fopen(opt.nodes, "r") : NULL;

	if (opt.nodes != NULL && f == NULL)
		must(UA_STATUSCODE_BADNOTFOUND, opt.nodes);
	if (f != NULL)
		for (opt.items = 0; fgets(line, sizeof(line), f) != NULL; opt.items++)
			;
	wanted = calloc((size_t)opt.items, sizeof(*wanted));
	if (f != NULL)
		rewind(f);
	for (int i = 0; i < opt.items; i++) {
		if (f != NULL && fgets(line, sizeof(line), f) != NULL) {
			line[strcspn(line, "\n")] = '\0';
			must(UA_NodeId_parse(&wanted[i], UA_STRING(line)), line);
		} else {
			snprintf(line, sizeof(line), "v%d", i);
			wanted[i] = UA_NODEID_STRING_ALLOC(ns, line);
		}
	}
	if (f != NULL)
		fclose(f);
}

static void
watch(UA_Client *client)
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
		create(client, sub, i, n);
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
}

static void
parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "url", 1, NULL, 'u' }, { "items", 1, NULL, 'n' }, { "sampling", 1, NULL, 's' }, { "publishing", 1, NULL, 'p' },
		{ "per-call", 1, NULL, 'c' }, { "per-subscription", 1, NULL, 'S' }, { "queue", 1, NULL, 'q' },
		{ "warm-up", 1, NULL, 'w' }, { "seconds", 1, NULL, 't' }, { "browse", 0, NULL, 'b' }, { "nodes", 1, NULL, 'f' },
		{ "root", 1, NULL, 'r' }, { "policy", 1, NULL, 'P' }, { "cert", 1, NULL, 'C' }, { "key", 1, NULL, 'K' },
		{ "uri", 1, NULL, 'U' }, { "user", 1, NULL, 'a' }, { 0 },
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
		case 'f': opt.nodes = optarg; break;
		case 'r': opt.root = optarg; break;
		case 'P': opt.policy = optarg; break;
		case 'C': opt.cert = optarg; break;
		case 'K': opt.key = optarg; break;
		case 'U': opt.uri = optarg; break;
		case 'a': opt.user = optarg; break;
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
	UA_Client *client = connected();
	if ((opt.nodes == NULL && opt.items > 0) || (opt.browse && opt.root == NULL))
		must(UA_Client_NamespaceGetIndex(client, &uri, &ns), "the plant's namespace");
	if (opt.browse)
		browse(client, ns);
	choose(ns);
	if (opt.items > 0)
		watch(client);
	fflush(stdout);
	UA_Client_disconnect(client);		/* values arrive until its reply: what arrived() touches must be there still */
	UA_Client_delete(client);
	for (int i = 0; i < opt.items; i++)
		UA_NodeId_clear(&wanted[i]);
	free(wanted);
	free(last);
	return 0;
}
