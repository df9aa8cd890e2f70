/*
 * An OPC UA server that is not our code: open62541 speaks, this file and the ones in ua/ only decide what it says.
 *
 *   ua_server --port N [--host ADDR] [--uri APPLICATION-URI] [--namespaces URI,URI,...]
 *             [--variables N] [--per-folder N] [--type Double|Float|Int32|UInt32|UInt16|Int64|Boolean]
 *             [--change-ms MS | --rate CHANGES-PER-SECOND] [--analog N] [--history N [--history-ms MS]]
 *             [--policy NAME]... [--no-sign] [--no-encrypt] [--no-discovery] [--cert DER --key PEM-OR-DER] [--plain-passwords]
 *             [--trust DER]... [--issuer DER]... [--crl DER]... [--user NAME:PASSWORD]... [--no-anonymous]
 *             [--user-trust DER]... [--user-issuer DER]... [--user-crl DER]...
 *             [--min-sampling-ms MS] [--max-sessions N] [--max-items N] [--max-subscriptions N] [--nodes-per-read N]
 *             [--nodes-per-write N] [--nodes-per-browse N] [--nodes-per-translate N] [--items-per-call N]
 *             [--values-per-history N] [--log]
 *
 * Its address space is Objects/Plant in namespace urn:penstock:test:plant, every node with a string identifier that is its
 * browse name: f0/v0.. (ua/bulk.c), Types/t.Boolean.. (ua/typed.c), Machine/q0.. and methods (ua/machine.c), History/h0..
 * (ua/history.c). --namespaces gives the order of the namespace table from index 2 on; where the plant's is not in it, it
 * comes last. --variables are made at about 100,000 a second or two. Policies are None (the default), Basic256Sha256,
 * Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss, and the two that are deprecated.
 *
 * Prints "listening opc.tcp://HOST:PORT", then "ready". Commands come on standard input, see ua/control.c; a write by a
 * client is told as {"event":"write","node","value"}. It ends on SIGTERM and SIGINT, on `quit`, and when the pipe that is
 * its standard input is closed.
 */
#include <getopt.h>
#include <open62541/plugin/log_stdout.h>
#include <open62541/server_config_default.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ua/plant.h"

struct plant_options opt = { .host = "127.0.0.1", .uri = "urn:penstock:test:ua-server", .type = "Double", .port = 4840,
	.variables = 100, .per_folder = 100, .analog = 3, .min_sampling_ms = 0, .max_sessions = 250,
	.values_per_history = 1000 };
struct plant plant = { .service_level = 255 };

static volatile sig_atomic_t stopped;

static void
stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void
must(UA_StatusCode status, const char *what)
{
	if (status == UA_STATUSCODE_GOOD)
		return;
	fprintf(stderr, "ua_server: %s: %s\n", what, UA_StatusCode_name(status));
	exit(1);
}

UA_NodeId
plant_id(const char *name)
{
	return UA_NODEID_STRING(plant.ns, (char *)(uintptr_t)name);
}

UA_NodeId
plant_folder(UA_NodeId parent, const char *name)
{
	UA_ObjectAttributes a = UA_ObjectAttributes_default;
	UA_NodeId id;

	a.displayName = UA_LOCALIZEDTEXT("", (char *)(uintptr_t)name);
	must(UA_Server_addObjectNode(plant.server, plant_id(name), parent, UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES),
	    UA_QUALIFIEDNAME(plant.ns, (char *)(uintptr_t)name), UA_NODEID_NUMERIC(0, UA_NS0ID_FOLDERTYPE), a, NULL, &id), name);
	return id;
}

UA_NodeId
plant_variable(UA_NodeId parent, const char *name, const UA_Variant *value, UA_NodeId data_type)
{
	UA_VariableAttributes a = UA_VariableAttributes_default;
	UA_UInt32 any_length = 0;
	bool scalar = value->type == NULL || UA_Variant_isScalar(value);

	a.displayName = UA_LOCALIZEDTEXT("", (char *)(uintptr_t)name);
	a.value = *value;
	a.dataType = data_type;
	a.accessLevel = UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_WRITE;
	a.valueRank = scalar ? UA_VALUERANK_SCALAR : UA_VALUERANK_ONE_DIMENSION;
	if (value->arrayDimensionsSize > 0) {
		a.valueRank = (UA_Int32)value->arrayDimensionsSize;
		a.arrayDimensions = value->arrayDimensions;
		a.arrayDimensionsSize = value->arrayDimensionsSize;
	} else if (!scalar) {
		a.arrayDimensions = &any_length;
		a.arrayDimensionsSize = 1;
	}
	must(UA_Server_addVariableNode(plant.server, plant_id(name), parent, UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES),
	    UA_QUALIFIEDNAME(plant.ns, (char *)(uintptr_t)name), UA_NODEID_NUMERIC(0, UA_NS0ID_BASEDATAVARIABLETYPE), a, NULL,
	    NULL), name);
	return plant_id(name);
}

/* Options, and where each one's argument goes: a number, a text, a list, or a flag that it sets. */
static const struct {
	const char	*name;
	int		*number;
	const char     **text;
	struct list	*list;
	bool		*flag;
} option_table[] = {
	{ "port", &opt.port, 0, 0, 0 }, { "host", 0, &opt.host, 0, 0 }, { "uri", 0, &opt.uri, 0, 0 },
	{ "namespaces", 0, 0, &opt.namespaces, 0 }, { "variables", &opt.variables, 0, 0, 0 },
	{ "per-folder", &opt.per_folder, 0, 0, 0 }, { "type", 0, &opt.type, 0, 0 }, { "change-ms", &opt.change_ms, 0, 0, 0 },
	{ "rate", &opt.rate, 0, 0, 0 }, { "analog", &opt.analog, 0, 0, 0 }, { "history", &opt.history, 0, 0, 0 },
	{ "history-ms", &opt.history_ms, 0, 0, 0 }, { "policy", 0, 0, &opt.policies, 0 }, { "cert", 0, &opt.cert, 0, 0 },
	{ "key", 0, &opt.key, 0, 0 }, { "trust", 0, 0, &opt.trust, 0 }, { "issuer", 0, 0, &opt.issuers, 0 },
	{ "crl", 0, 0, &opt.crls, 0 }, { "user", 0, 0, &opt.users, 0 }, { "user-trust", 0, 0, &opt.user_trust, 0 },
	{ "user-issuer", 0, 0, &opt.user_issuers, 0 }, { "user-crl", 0, 0, &opt.user_crls, 0 },
	{ "no-anonymous", 0, 0, 0, &opt.no_anonymous }, { "plain-passwords", 0, 0, 0, &opt.plain_passwords },
	{ "no-discovery", 0, 0, 0, &opt.no_discovery }, { "no-sign", 0, 0, 0, &opt.no_sign }, { "no-encrypt", 0, 0, 0, &opt.no_encrypt }, { "log", 0, 0, 0, &opt.loud },
	{ "min-sampling-ms", &opt.min_sampling_ms, 0, 0, 0 }, { "max-sessions", &opt.max_sessions, 0, 0, 0 },
	{ "max-items", &opt.max_items, 0, 0, 0 }, { "max-subscriptions", &opt.max_subscriptions, 0, 0, 0 },
	{ "nodes-per-read", &opt.nodes_per_read, 0, 0, 0 }, { "nodes-per-write", &opt.nodes_per_write, 0, 0, 0 },
	{ "nodes-per-browse", &opt.nodes_per_browse, 0, 0, 0 },
	{ "nodes-per-translate", &opt.nodes_per_translate, 0, 0, 0 }, { "items-per-call", &opt.items_per_call, 0, 0, 0 },
	{ "values-per-history", &opt.values_per_history, 0, 0, 0 },
};
enum { OPTIONS = sizeof(option_table) / sizeof(option_table[0]) };

static void
parse_options(int argc, char **argv)
{
	struct option known[OPTIONS + 1] = { 0 };
	int i;

	for (i = 0; i < OPTIONS; i++)
		known[i] = (struct option){ option_table[i].name, option_table[i].flag == NULL, NULL, 0 };
	while (getopt_long(argc, argv, "", known, &i) == 0) {
		if (option_table[i].flag != NULL)
			*option_table[i].flag = true;
		else if (option_table[i].number != NULL)
			*option_table[i].number = atoi(optarg);
		else if (option_table[i].text != NULL)
			*option_table[i].text = optarg;
		else for (char *word; (word = strsep(&optarg, ",")) != NULL && option_table[i].list->n < LIST_MAX;)
			option_table[i].list->item[option_table[i].list->n++] = word;
		if (option_table[i].number == &opt.per_folder && opt.per_folder < 1)
			opt.per_folder = 1;
	}
	if (optind < argc || opt.variables < 0) {
		fprintf(stderr, "ua_server: see the top of ua_server.c for its options\n");
		exit(2);
	}
	bool named = false;
	for (i = 0; i < opt.namespaces.n; i++)
		named = named || strcmp(opt.namespaces.item[i], PLANT_URI) == 0;
	if (!named && opt.namespaces.n < LIST_MAX)
		opt.namespaces.item[opt.namespaces.n++] = PLANT_URI;
	for (i = 0; i < opt.namespaces.n; i++)
		if (strcmp(opt.namespaces.item[i], PLANT_URI) == 0)
			plant.ns = (UA_UInt16)(2 + i);
}

static void
count_items(UA_Server *server, const UA_NodeId *session, void *session_context, const UA_NodeId *node, void *context,
    UA_UInt32 attribute, UA_Boolean removed)
{
	(void)server, (void)session, (void)session_context, (void)node, (void)context, (void)attribute;
	if (removed) {
		plant.items--;
	} else {
		plant.items++;
		plant.items_ever++;
	}
}

static void
configure(UA_ServerConfig *config)
{
	char url[300];

	config->logging = UA_Log_Stdout_new(opt.loud ? UA_LOGLEVEL_INFO : UA_LOGLEVEL_FATAL);
	must(UA_ServerConfig_setBasics_withPort(config, (UA_UInt16)opt.port), "the configuration");
	snprintf(url, sizeof(url), "opc.tcp://%s:%d", opt.host, opt.port);
	UA_String_clear(&config->serverUrls[0]);
	config->serverUrls[0] = UA_STRING_ALLOC(url);
	UA_String_clear(&config->applicationDescription.applicationUri);
	config->applicationDescription.applicationUri = UA_STRING_ALLOC(opt.uri);
	config->customDataTypes = types_custom(plant.ns);
	config->maxSessions = (UA_UInt16)opt.max_sessions;
	config->maxSecureChannels = (UA_UInt16)(opt.max_sessions + 10);
	config->maxMonitoredItems = (UA_UInt32)opt.max_items;
	config->maxSubscriptions = (UA_UInt32)opt.max_subscriptions;
	config->maxNodesPerRead = (UA_UInt32)opt.nodes_per_read;
	config->maxNodesPerWrite = (UA_UInt32)opt.nodes_per_write;
	config->maxNodesPerBrowse = (UA_UInt32)opt.nodes_per_browse;
	config->maxNodesPerTranslateBrowsePathsToNodeIds = (UA_UInt32)opt.nodes_per_translate;
	config->maxMonitoredItemsPerCall = (UA_UInt32)opt.items_per_call;
	config->maxReturnDataValues = (UA_UInt32)opt.values_per_history;
	config->accessHistoryDataCapability = opt.history > 0;
	config->samplingIntervalLimits.min = opt.min_sampling_ms > 0 ? opt.min_sampling_ms : 10;
	config->monitoredItemRegisterCallback = count_items;
	security_configure(config);
}

int
main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = stop };
	UA_ServerConfig config;

	parse_options(argc, argv);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	signal(SIGPIPE, SIG_IGN);

	memset(&config, 0, sizeof(config));
	configure(&config);
	plant.server = UA_Server_newWithConfig(&config);
	if (plant.server == NULL)
		must(UA_STATUSCODE_BADOUTOFMEMORY, "the server");
	for (int i = 0; i < opt.namespaces.n; i++)
		UA_Server_addNamespace(plant.server, opt.namespaces.item[i]);

	control_thaw();
	plant.root = plant_folder(UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER), "Plant");
	types_add_nodes();
	typed_add();
	machine_add();
	history_add();
	bulk_add();
	control_start();
	must(UA_Server_run_startup(plant.server), "starting (is the port free?)");
	printf("listening opc.tcp://%s:%d\nready\n", opt.host, opt.port);
	fflush(stdout);
	while (!stopped && !control_wants_end())
		UA_Server_run_iterate(plant.server, true);
	UA_Server_run_shutdown(plant.server);
	UA_Server_delete(plant.server);
	UA_NodeId_clear(&plant.root);
	return 0;
}
