/*
 * Commands on standard input, one a line; each is answered by one JSON line, {"ok":true,...} or {"ok":false,"error":...}.
 * A word "#N" before a command comes back in its answer as "id":N.
 * NODE is a name in the plant's namespace, or a whole node id such as i=2258 or ns=2;s=v0.
 *
 *   set NODE JSON            a scalar in OPC UA's JSON encoding, of the type that the variable has
 *   data NODE JSON           a whole DataValue, {"Value":{"Type":11,"Body":1},"Status":...,"SourceTimestamp":...}
 *   status NODE CODE         bad (or good) from now on: a number, or 0x80310000; the value goes with it only if not bad
 *   clear NODE               a bulk variable changes by itself again
 *   get NODE                 {"value": the DataValue}, where the library has JSON for it (not for t.Batch, t.Choice)
 *   remove NODE              deletes it; monitored items on it go bad
 *   fill NAME UNIX_MS STEP_MS N FIRST      N values into the history of NAME
 *   event SEVERITY TEXT      a BaseEventType event of the object Server
 *   freeze, thaw             values stop changing, and go on where they were
 *   stall MS                 nothing at all is answered for so long
 *   shift MS                 source timestamps of the bulk are off by this
 *   level N                  the service level
 *   close-sessions           {"closed": how many}
 *   stats                    {"sessions","channels","rejected_channels","items","items_ever","reads","writes"}
 *   quit
 */
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plant.h"

enum { POLL_MS = 20, LINE_SIZE = 65536 };

static struct {
	char	line[LINE_SIZE];
	size_t	len;
	bool	quit, eof;
	long	id;
} in;

/* Borrowed, until the next command. */
static UA_NodeId
node(const char *text)
{
	static UA_NodeId parsed;

	UA_NodeId_clear(&parsed);
	if ((strncmp(text, "ns=", 3) == 0 || strncmp(text, "i=", 2) == 0) &&
	    UA_NodeId_parse(&parsed, UA_STRING((char *)(uintptr_t)text)) == UA_STATUSCODE_GOOD)
		return parsed;
	return plant_id(text);
}

static UA_StatusCode
write_data(const UA_NodeId *id, const UA_DataValue *value)
{
	uint32_t i;

	if (!bulk_index(id, &i))
		return UA_Server_writeDataValue(plant.server, *id, *value);
	bulk_hold(i, value);
	return UA_STATUSCODE_GOOD;
}

/* What NODE holds now. */
static UA_StatusCode
read_data(const UA_NodeId *id, UA_DataValue *out)
{
	UA_ReadValueId want;

	UA_ReadValueId_init(&want);
	want.nodeId = *id;
	want.attributeId = UA_ATTRIBUTEID_VALUE;
	*out = UA_Server_read(plant.server, &want, UA_TIMESTAMPSTORETURN_SOURCE);
	return out->hasStatus && !out->hasValue && UA_StatusCode_isBad(out->status) ? out->status : UA_STATUSCODE_GOOD;
}

static UA_StatusCode
do_set(const char *name, char *json)
{
	UA_NodeId id = node(name);
	UA_ByteString text = UA_STRING(json);
	UA_DecodeJsonOptions o = { .customTypes = UA_Server_getConfig(plant.server)->customDataTypes };
	UA_DataValue v;
	UA_StatusCode status = read_data(&id, &v);

	if (status == UA_STATUSCODE_GOOD && v.value.type == NULL)
		status = UA_STATUSCODE_BADNODATA;
	if (status == UA_STATUSCODE_GOOD) {
		const UA_DataType *type = v.value.type;
		void *x = UA_new(type);
		UA_DataValue_clear(&v);
		status = UA_decodeJson(&text, x, type, &o);
		if (status == UA_STATUSCODE_GOOD) {
			UA_Variant_setScalar(&v.value, x, type);
			v.hasValue = v.hasSourceTimestamp = true;
			v.sourceTimestamp = UA_DateTime_now();
			status = write_data(&id, &v);
			UA_Variant_init(&v.value);
		}
		UA_delete(x, type);
	}
	UA_DataValue_clear(&v);
	return status;
}

static UA_StatusCode
do_data(const char *name, char *json)
{
	UA_NodeId id = node(name);
	UA_ByteString text = UA_STRING(json);
	UA_DecodeJsonOptions o = { .customTypes = UA_Server_getConfig(plant.server)->customDataTypes };
	UA_DataValue v;
	UA_StatusCode status = UA_decodeJson(&text, &v, &UA_TYPES[UA_TYPES_DATAVALUE], &o);

	if (status == UA_STATUSCODE_GOOD)
		status = write_data(&id, &v);
	UA_DataValue_clear(&v);
	return status;
}

static UA_StatusCode
do_status(const char *name, const char *code)
{
	UA_NodeId id = node(name);
	UA_DataValue v;

	read_data(&id, &v);
	v.status = (UA_StatusCode)strtoul(code, NULL, 0);
	v.hasStatus = v.status != UA_STATUSCODE_GOOD;
	v.hasValue = v.hasValue && !UA_StatusCode_isBad(v.status);
	v.hasSourceTimestamp = true;
	v.sourceTimestamp = UA_DateTime_now();
	UA_StatusCode status = write_data(&id, &v);
	UA_DataValue_clear(&v);
	return status;
}

static UA_StatusCode
do_get(const char *name)
{
	UA_NodeId id = node(name);
	UA_ByteString json = UA_BYTESTRING_NULL;
	UA_EncodeJsonOptions o = { .useReversible = true };
	UA_DataValue v;

	read_data(&id, &v);
	UA_StatusCode status = UA_encodeJson(&v, &UA_TYPES[UA_TYPES_DATAVALUE], &json, &o);
	if (status == UA_STATUSCODE_GOOD)
		printf("{\"ok\":true,\"id\":%ld,\"value\":%.*s}\n", in.id, (int)json.length, (char *)json.data);
	UA_ByteString_clear(&json);
	UA_DataValue_clear(&v);
	return status;
}

static UA_StatusCode
do_event(UA_UInt16 severity, char *text)
{
	UA_DateTime now = UA_DateTime_now();
	UA_LocalizedText message = UA_LOCALIZEDTEXT("en", text);
	UA_String source = UA_STRING("Server");
	UA_NodeId id;
	UA_StatusCode status = UA_Server_createEvent(plant.server, UA_NODEID_NUMERIC(0, UA_NS0ID_BASEEVENTTYPE), &id);

	if (status != UA_STATUSCODE_GOOD)
		return status;
	UA_Server_writeObjectProperty_scalar(plant.server, id, UA_QUALIFIEDNAME(0, "Time"), &now, &UA_TYPES[UA_TYPES_DATETIME]);
	UA_Server_writeObjectProperty_scalar(plant.server, id, UA_QUALIFIEDNAME(0, "Severity"), &severity,
	    &UA_TYPES[UA_TYPES_UINT16]);
	UA_Server_writeObjectProperty_scalar(plant.server, id, UA_QUALIFIEDNAME(0, "Message"), &message,
	    &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
	UA_Server_writeObjectProperty_scalar(plant.server, id, UA_QUALIFIEDNAME(0, "SourceName"), &source,
	    &UA_TYPES[UA_TYPES_STRING]);
	return UA_Server_triggerEvent(plant.server, id, UA_NODEID_NUMERIC(0, UA_NS0ID_SERVER), NULL, true);
}

static void
freeze(void)
{
	if (!plant.frozen)
		plant.running_ms += now_ms() - plant.thawed_ms;
	plant.frozen = true;
}

void
control_thaw(void)
{
	plant.thawed_ms = now_ms();
	plant.zero = UA_DateTime_now() - (UA_DateTime)(plant.running_ms * UA_DATETIME_MSEC);
	plant.frozen = false;
}

static void
stall(double ms)
{
	struct timespec t = { (time_t)(ms / 1000), (long)((ms - (double)(time_t)(ms / 1000) * 1000) * 1e6) };

	nanosleep(&t, NULL);
}

static void
print_stats(void)
{
	UA_ServerStatistics s = UA_Server_getStatistics(plant.server);

	printf("{\"ok\":true,\"id\":%ld,\"sessions\":%zu,\"channels\":%zu,\"rejected_channels\":%zu,"
	    "\"items\":%llu,\"items_ever\":%llu,\"reads\":%llu,\"writes\":%llu}\n",
	    in.id, s.ss.currentSessionCount, s.scs.currentChannelCount, s.scs.rejectedChannelCount,
	    (unsigned long long)plant.items, (unsigned long long)plant.items_ever, (unsigned long long)plant.reads,
	    (unsigned long long)plant.writes);
}

/* One command; false if it is none. *printed says that the answer is out already. */
static bool
command(char *verb, char *arg, char *rest, UA_StatusCode *status, bool *printed)
{
	uint32_t i;
	double ms, step, first;
	int n;

	if (strcmp(verb, "set") == 0)
		*status = do_set(arg, rest);
	else if (strcmp(verb, "data") == 0)
		*status = do_data(arg, rest);
	else if (strcmp(verb, "status") == 0)
		*status = do_status(arg, rest);
	else if (strcmp(verb, "get") == 0)
		*printed = (*status = do_get(arg)) == UA_STATUSCODE_GOOD;
	else if (strcmp(verb, "clear") == 0 && bulk_index(&(UA_NodeId){ plant.ns, UA_NODEIDTYPE_STRING,
	    { .string = UA_STRING(arg) } }, &i))
		bulk_hold(i, NULL);
	else if (strcmp(verb, "remove") == 0)
		*status = UA_Server_deleteNode(plant.server, node(arg), true);
	else if (strcmp(verb, "fill") == 0 && sscanf(rest, "%lf %lf %d %lf", &ms, &step, &n, &first) == 4)
		*status = history_fill(arg, (UA_DateTime)(ms * UA_DATETIME_MSEC) + UA_DATETIME_UNIX_EPOCH, step, n, first);
	else if (strcmp(verb, "event") == 0)
		*status = do_event((UA_UInt16)atoi(arg), rest);
	else if (strcmp(verb, "freeze") == 0)
		freeze();
	else if (strcmp(verb, "thaw") == 0 && plant.frozen)
		control_thaw();
	else if (strcmp(verb, "stall") == 0)
		stall(atof(arg));
	else if (strcmp(verb, "shift") == 0)
		plant.shift_ms = atof(arg);
	else if (strcmp(verb, "level") == 0)
		plant.service_level = (UA_Byte)atoi(arg);
	else if (strcmp(verb, "close-sessions") == 0)
		*printed = printf("{\"ok\":true,\"id\":%ld,\"closed\":%d}\n", in.id, security_close_sessions()) > 0;
	else if (strcmp(verb, "stats") == 0)
		*printed = true, print_stats();
	else if (strcmp(verb, "quit") == 0)
		in.quit = true;
	else
		return false;
	return true;
}

static void
obey(char *line)
{
	static char empty[] = "";
	char *rest = line, *verb = strsep(&rest, " ");
	UA_StatusCode status = UA_STATUSCODE_GOOD;
	bool printed = false;

	in.id = 0;
	if (verb[0] == '#' && rest != NULL) {
		in.id = atol(verb + 1);
		verb = strsep(&rest, " ");
	}
	char *arg = rest != NULL ? strsep(&rest, " ") : empty;
	if (!command(verb, arg, rest != NULL ? rest : empty, &status, &printed))
		printf("{\"ok\":false,\"id\":%ld,\"error\":\"no such command, or not with these words\"}\n", in.id);
	else if (status != UA_STATUSCODE_GOOD)
		printf("{\"ok\":false,\"id\":%ld,\"error\":\"%s\"}\n", in.id, UA_StatusCode_name(status));
	else if (!printed)
		printf("{\"ok\":true,\"id\":%ld}\n", in.id);
	fflush(stdout);
}

/* One read a time, so that an endless input cannot keep the server from serving. */
static void
listen_in(UA_Server *server, void *data)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	(void)server, (void)data;
	if (in.eof || poll(&p, 1, 0) <= 0)
		return;
	ssize_t n = read(STDIN_FILENO, in.line + in.len, sizeof(in.line) - 1 - in.len);
	if (n <= 0) {
		struct stat st;
		in.eof = true;		/* whoever held the other end of a pipe is gone */
		in.quit = in.quit || (fstat(STDIN_FILENO, &st) == 0 && S_ISFIFO(st.st_mode));
		return;
	}
	in.len += (size_t)n;
	for (char *nl; (nl = memchr(in.line, '\n', in.len)) != NULL;) {
		*nl = '\0';
		obey(in.line);
		in.len -= (size_t)(nl + 1 - in.line);
		memmove(in.line, nl + 1, in.len);
	}
	if (in.len == sizeof(in.line) - 1)
		in.len = 0;
}

void
control_tell_write(const UA_NodeId *id, const UA_Variant *value)
{
	UA_ByteString json = UA_BYTESTRING_NULL;
	UA_EncodeJsonOptions o = { .useReversible = true };
	UA_String name = UA_STRING_NULL;

	UA_NodeId_print(id, &name);
	if (value != NULL)
		UA_encodeJson(value, &UA_TYPES[UA_TYPES_VARIANT], &json, &o);
	printf("{\"event\":\"write\",\"node\":\"%.*s\",\"value\":%.*s}\n", (int)name.length, (char *)name.data,
	    json.length > 0 ? (int)json.length : 4, json.length > 0 ? (char *)json.data : "null");
	fflush(stdout);
	UA_String_clear(&name);
	UA_ByteString_clear(&json);
}

bool
control_wants_end(void)
{
	return in.quit;
}

void
control_start(void)
{
	must(UA_Server_addRepeatedCallback(plant.server, listen_in, NULL, POLL_MS, NULL), "listening to commands");
}
