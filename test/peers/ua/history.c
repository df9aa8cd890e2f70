/*
 * Variables with history, h0, h1, ...: Double, kept in open62541's store in memory and served for HistoryRead raw (Part 11,
 * 6.4.3). With --history-ms each is written at that pace and counts up; the command `fill` puts values into the past.
 */
#include <open62541/plugin/historydata/history_data_backend_memory.h>
#include <open62541/plugin/historydata/history_data_gathering_default.h>
#include <open62541/plugin/historydata/history_database_default.h>
#include <stdio.h>

#include "plant.h"

enum { VALUES_AT_FIRST = 1000 };

static UA_HistoryDataBackend backend;

static void
count_up(UA_Server *server, void *data)
{
	static UA_Double n;
	static double last_ms;
	char name[FOLDER_NAME_MAX];
	UA_DataValue v;

	(void)data;
	/* The library calls twice in a row after it was held up; whoever looks at a value now and then would not see the first. */
	if (plant.frozen || (n > 0 && now_ms() - last_ms < 0.75 * opt.history_ms))
		return;
	last_ms = now_ms();
	UA_DataValue_init(&v);
	UA_Variant_setScalar(&v.value, &n, &UA_TYPES[UA_TYPES_DOUBLE]);
	v.hasValue = v.hasSourceTimestamp = true;
	v.sourceTimestamp = UA_DateTime_now();
	for (int i = 0; i < opt.history; i++) {
		snprintf(name, sizeof(name), "h%d", i);
		UA_Server_writeDataValue(server, plant_id(name), v);
	}
	n++;
}

UA_StatusCode
history_fill(const char *name, UA_DateTime from, double step_ms, int n, double first)
{
	UA_NodeId id = plant_id(name);
	UA_DataValue v;

	if (backend.serverSetHistoryData == NULL)
		return UA_STATUSCODE_BADHISTORYOPERATIONUNSUPPORTED;
	for (int i = 0; i < n; i++) {
		UA_Double x = first + i;
		UA_DataValue_init(&v);
		UA_Variant_setScalar(&v.value, &x, &UA_TYPES[UA_TYPES_DOUBLE]);
		v.hasValue = v.hasSourceTimestamp = v.hasServerTimestamp = true;
		v.sourceTimestamp = v.serverTimestamp = from + (UA_DateTime)(i * step_ms * UA_DATETIME_MSEC);
		UA_StatusCode bad = backend.serverSetHistoryData(plant.server, backend.context, NULL, NULL, &id, true, &v);
		if (bad != UA_STATUSCODE_GOOD)
			return bad;
	}
	return UA_STATUSCODE_GOOD;
}

void
history_add(void)
{
	UA_ServerConfig *config = UA_Server_getConfig(plant.server);
	char name[FOLDER_NAME_MAX];
	UA_Double zero = 0;

	if (opt.history == 0)
		return;
	UA_HistoryDataGathering gathering = UA_HistoryDataGathering_Default((size_t)opt.history);
	config->historyDatabase = UA_HistoryDatabase_default(gathering);
	backend = UA_HistoryDataBackend_Memory((size_t)opt.history, VALUES_AT_FIRST);
	UA_HistorizingNodeIdSettings setting = { .historizingBackend = backend,
		.maxHistoryDataResponseSize = (size_t)opt.values_per_history,
		.historizingUpdateStrategy = UA_HISTORIZINGUPDATESTRATEGY_VALUESET };

	UA_NodeId folder = plant_folder(plant.root, "History");
	for (int i = 0; i < opt.history; i++) {
		UA_VariableAttributes a = UA_VariableAttributes_default;
		UA_NodeId id;
		snprintf(name, sizeof(name), "h%d", i);
		a.displayName = UA_LOCALIZEDTEXT("", name);
		a.dataType = UA_TYPES[UA_TYPES_DOUBLE].typeId;
		a.valueRank = UA_VALUERANK_SCALAR;
		a.historizing = true;
		a.accessLevel = UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_WRITE | UA_ACCESSLEVELMASK_HISTORYREAD;
		UA_Variant_setScalar(&a.value, &zero, &UA_TYPES[UA_TYPES_DOUBLE]);
		must(UA_Server_addVariableNode(plant.server, plant_id(name), folder, UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES),
		    UA_QUALIFIEDNAME(plant.ns, name), UA_NODEID_NUMERIC(0, UA_NS0ID_BASEDATAVARIABLETYPE), a, NULL, &id), name);
		must(gathering.registerNodeId(plant.server, gathering.context, &id, setting), name);
		UA_NodeId_clear(&id);
	}
	UA_NodeId_clear(&folder);
	if (opt.history_ms > 0)
		must(UA_Server_addRepeatedCallback(plant.server, count_up, NULL, opt.history_ms, NULL), "writing history");
}
