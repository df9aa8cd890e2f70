/* What the site file's checks want of an address (struct driver_info): its type, whether it can be written, what is a duplicate. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "driver/opcua/ua_addr.h"
#include "model/value.h"

const char *const ua_at_forms[] = {
	"nsu=http://acme.com/line;s=Filler.Speed: a node by its namespace's URI and text (i=number, g=GUID, b=base64); i=2258 in OPC UA's own",
	"/nsu=http://acme.com/line;Line 3/Filler/Speed: a browse path below Objects; '&' before / . : & and the like in a name; 0:Name for OPC UA's own",
	"[field Position.X] NODE: a part of a structure; [index 0:9] of an array; [attribute DisplayName] instead of the value",
	"[type float64] NODE: values of another type are bad, unless they fit exactly; [type float64[]] for an array",
	"[sampling 100 ms, queue 10, deadband 0.5] NODE: how the server samples; deadband 0.5 % of its EURange; [mode read]: cyclic reads",
	"events, events of NODE: events and alarms as json; [kind AlarmConditionType, severity 500]",
	"NODE [sampling 1 s]: options may stand behind as well, after a blank",
	NULL
};

/* Part 6, A.1, and the types of Part 3, 5. Texts for what is no number here. */
static const struct { const char *name; uint32_t id; uint8_t type; } attributes[] = {
	{ "NodeId", 1, VALUE_TEXT }, { "NodeClass", 2, VALUE_I32 }, { "BrowseName", 3, VALUE_TEXT }, { "DisplayName", 4, VALUE_TEXT },
	{ "Description", 5, VALUE_TEXT }, { "WriteMask", 6, VALUE_U32 }, { "UserWriteMask", 7, VALUE_U32 }, { "IsAbstract", 8, VALUE_BOOL },
	{ "Symmetric", 9, VALUE_BOOL }, { "InverseName", 10, VALUE_TEXT }, { "ContainsNoLoops", 11, VALUE_BOOL },
	{ "EventNotifier", 12, VALUE_U8 }, { "Value", 13, VALUE_NULL }, { "DataType", 14, VALUE_TEXT }, { "ValueRank", 15, VALUE_I32 },
	{ "ArrayDimensions", 16, VALUE_U32 | VALUE_ARRAY }, { "AccessLevel", 17, VALUE_U8 }, { "UserAccessLevel", 18, VALUE_U8 },
	{ "MinimumSamplingInterval", 19, VALUE_F64 }, { "Historizing", 20, VALUE_BOOL }, { "Executable", 21, VALUE_BOOL },
	{ "UserExecutable", 22, VALUE_BOOL }, { "DataTypeDefinition", 23, VALUE_JSON }, { "AccessLevelEx", 27, VALUE_U32 },
};
#define ATTRIBUTES (sizeof attributes / sizeof attributes[0])

uint32_t
ua_attribute(const char *name, size_t len)
{
	for (size_t i = 0; i < ATTRIBUTES; i++)
		if (strlen(attributes[i].name) == len && memcmp(attributes[i].name, name, len) == 0)
			return attributes[i].id;
	return 0;
}

uint8_t
ua_attribute_type(uint32_t attribute)
{
	for (size_t i = 0; i < ATTRIBUTES; i++)
		if (attributes[i].id == attribute)
			return attributes[i].type;
	return VALUE_NULL;
}

static uint64_t
more(uint64_t h, const char *s)
{
	return s == NULL ? hash64_more(h, "", 1) : hash64_more(h, s, strlen(s) + 1);
}

uint64_t
ua_addr_hash(const struct ua_addr *x)
{
	uint64_t h = hash64(&x->kind, sizeof x->kind);

	h = more(h, x->nsu);
	h = hash64_more(h, &x->id_kind, 1);
	h = hash64_more(h, &x->i, sizeof x->i);
	h = more(h, x->s);
	for (uint32_t i = 0; i < x->npath; i++)
		h = more(more(h, x->path[i].nsu), x->path[i].name);
	h = hash64_more(h, &x->attribute, sizeof x->attribute);
	h = more(h, x->index_range);
	for (uint32_t i = 0; i < x->nfield; i++)
		h = more(h, x->field[i]);
	h = hash64_more(h, &x->severity, sizeof x->severity);
	if (x->event_kind != NULL) {
		uint64_t kind = ua_addr_hash(x->event_kind);
		h = hash64_more(h, &kind, sizeof kind);
	}
	return h;
}

int
ua_parse_at(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size)
{
	struct arena a = { 0 };
	struct ua_addr x;

	(void)keys;
	*out = (struct at_info){ 0 };
	int err = ua_addr_parse(at, &a, &x, why, size);
	if (err == 0) {
		uint8_t known = x.kind == UA_ADDR_EVENTS ? VALUE_JSON : ua_attribute_type(x.attribute);
		if (known != VALUE_NULL && x.type != VALUE_NULL && x.type != known) {
			snprintf(why, size, "this attribute is of type %s: leave out its type", value_type_name(known));
			err = ERR_TYPE;
		}
		uint64_t h = ua_addr_hash(&x);
		out->type = known != VALUE_NULL ? known : x.type;
		/* A field cannot be written without the rest of its structure. */
		out->writable = x.kind != UA_ADDR_EVENTS && x.attribute == 13 && x.nfield == 0;
		/* A node may well be read as two types; twice as the same is a slip. */
		h = hash64_more(h, &out->type, 1);
		out->space = (uint32_t)(h >> 32);
		out->first = out->last = h;
	}
	arena_fini(&a);
	return err;
}

int
ua_method_parse(const char *at, struct arena *a, struct ua_addr *object, struct ua_addr *method, char *why, size_t size)
{
	const char *arrow = NULL;

	*object = *method = (struct ua_addr){ .attribute = 13, .mode = -1, .sampling_ns = -1 };
	for (const char *p = at; (p = strstr(p, " -> ")) != NULL; p++)
		arrow = p;
	if (arrow != NULL) {
		int err = ua_addr_parse_where(at, (size_t)(arrow - at), a, object, why, size);
		return err != 0 ? err : ua_addr_parse_where(arrow + 4, strlen(arrow + 4), a, method, why, size);
	}
	int err = ua_addr_parse_where(at, strlen(at), a, method, why, size);
	if (err != 0)
		return err;
	if (method->kind != UA_ADDR_PATH || method->npath < 2) {
		snprintf(why, size, "a method is called on an object: write OBJECT -> METHOD (nsu=URI;s=Filler -> nsu=URI;s=Filler.Start), or one "
		    "browse path, /nsu=URI;Filler/Start");
		return ERR_SYNTAX;
	}
	*object = *method;
	object->npath--;
	return 0;
}

int
ua_parse_method(const char *at, const struct keyval *keys, char *why, size_t size)
{
	struct arena a = { 0 };
	struct ua_addr object, method;

	(void)keys;
	int err = ua_method_parse(at, &a, &object, &method, why, size);
	arena_fini(&a);
	return err;
}
