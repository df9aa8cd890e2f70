/* What is asked of events: the fields (select clauses) and which events (where clause), OPC 10000-4 1.05, 7.22.3. */
#include "driver/opcua/events_int.h"

#include <stdlib.h>
#include <string.h>

#include "driver/opcua/resolve.h"

#define BASE_FIELDS 8u

/* OPC 10000-5 1.05, 6.4.2; OPC 10000-9 1.05, 5.5.2, 5.7.2, 5.8.2, 5.8.10. The first BASE_FIELDS are those of BaseEventType. */
const struct event_field event_fields[] = {
	{ "EventId", 2041, "EventId", ROLE_EVENT_ID }, { "EventType", 2041, "EventType", ROLE_TYPE }, { "SourceNode", 2041, "SourceNode", ROLE_PLAIN },
	{ "SourceName", 2041, "SourceName", ROLE_PLAIN }, { "Time", 2041, "Time", ROLE_TIME }, { "ReceiveTime", 2041, "ReceiveTime", ROLE_RECEIVED },
	{ "Message", 2041, "Message", ROLE_PLAIN }, { "Severity", 2041, "Severity", ROLE_SEVERITY },
	{ "ConditionId", 2782, "", ROLE_CONDITION }, { "ConditionName", 2782, "ConditionName", ROLE_PLAIN }, { "BranchId", 2782, "BranchId", ROLE_BRANCH },
	{ "Retain", 2782, "Retain", ROLE_PLAIN }, { "EnabledState", 2782, "EnabledState/Id", ROLE_PLAIN },
	{ "AckedState", 2881, "AckedState/Id", ROLE_ACKED }, { "ConfirmedState", 2881, "ConfirmedState/Id", ROLE_PLAIN },
	{ "ActiveState", 2915, "ActiveState/Id", ROLE_PLAIN }, { "SuppressedState", 2915, "SuppressedState/Id", ROLE_PLAIN },
	{ "Shelving", 2915, "ShelvingState/CurrentState", ROLE_PLAIN }, { "LimitState", 9341, "LimitState/CurrentState", ROLE_PLAIN },
	{ "Quality", 2782, "Quality", ROLE_PLAIN }, { "LastSeverity", 2782, "LastSeverity", ROLE_PLAIN },
	{ "Comment", 2782, "Comment", ROLE_PLAIN }, { "ClientUserId", 2782, "ClientUserId", ROLE_PLAIN },
};
#define FIELDS (sizeof event_fields / sizeof event_fields[0])

uint32_t
event_nfields(enum event_filter f)
{
	return f <= EVENT_FILTER_WISH ? (uint32_t)FIELDS : BASE_FIELDS;
}

static void
select_field(UA_SimpleAttributeOperand *s, const struct event_field *f, struct arena *m)
{
	*s = (UA_SimpleAttributeOperand){ .typeDefinitionId = UA_NODEID_NUMERIC(0, f->type), .attributeId = UA_ATTRIBUTEID_VALUE };
	if (f->path[0] == '\0') {	/* Part 9, 5.5.2.13: the ConditionId is the NodeId of the instance */
		s->attributeId = UA_ATTRIBUTEID_NODEID;
		return;
	}
	s->browsePath = arena_array(m, 4, sizeof *s->browsePath);
	for (const char *p = f->path, *slash; p != NULL; p = slash != NULL ? slash + 1 : NULL) {
		slash = strchr(p, '/');
		size_t len = slash != NULL ? (size_t)(slash - p) : strlen(p);
		s->browsePath[s->browsePathSize++] = UA_QUALIFIEDNAME(0, arena_strndup(m, p, len));
	}
}

/* ---- which events: (OfType kind and Severity >= n) or OfType RefreshStart, RefreshEnd, RefreshRequired, EventQueueOverflow ---- */

struct where {
	struct arena		*m;
	UA_ContentFilterElement	*v;
	size_t			 n;
};

static void
operand(struct where *w, UA_ContentFilterElement *e, const void *p, const UA_DataType *type)
{
	UA_ExtensionObject *x = &e->filterOperands[e->filterOperandsSize++];
	void *copy = arena_alloc(w->m, type->memSize);
	memcpy(copy, p, type->memSize);
	UA_ExtensionObject_setValueNoDelete(x, copy, type);
}

static UA_ContentFilterElement *
element(struct where *w, UA_FilterOperator op)
{
	UA_ContentFilterElement *e = &w->v[w->n++];
	*e = (UA_ContentFilterElement){ .filterOperator = op, .filterOperands = arena_array(w->m, 2, sizeof *e->filterOperands) };
	return e;
}

static void
literal(struct where *w, UA_ContentFilterElement *e, const void *p, const UA_DataType *type)
{
	UA_LiteralOperand l = { 0 };
	void *copy = arena_alloc(w->m, type->memSize);
	memcpy(copy, p, type->memSize);
	UA_Variant_setScalar(&l.value, copy, type);
	l.value.storageType = UA_VARIANT_DATA_NODELETE;
	operand(w, e, &l, &UA_TYPES[UA_TYPES_LITERALOPERAND]);
}

static void
refer(struct where *w, UA_ContentFilterElement *e, size_t to)
{
	UA_ElementOperand o = { .index = (UA_UInt32)to };
	operand(w, e, &o, &UA_TYPES[UA_TYPES_ELEMENTOPERAND]);
}

static void
of_type(struct where *w, const UA_NodeId *type)
{
	UA_ContentFilterElement *e = element(w, UA_FILTEROPERATOR_OFTYPE);
	literal(w, e, type, &UA_TYPES[UA_TYPES_NODEID]);
}

static void
severe(struct where *w, UA_UInt16 severity)
{
	UA_ContentFilterElement *e = element(w, UA_FILTEROPERATOR_GREATERTHANOREQUAL);
	UA_SimpleAttributeOperand s;
	static const struct event_field field = { "Severity", 2041, "Severity", ROLE_PLAIN };

	select_field(&s, &field, w->m);
	operand(w, e, &s, &UA_TYPES[UA_TYPES_SIMPLEATTRIBUTEOPERAND]);
	literal(w, e, &severity, &UA_TYPES[UA_TYPES_UINT16]);
}

/* What must come through whatever is wished for. */
static const uint32_t always[] = { UA_NS0ID_REFRESHSTARTEVENTTYPE, UA_NS0ID_REFRESHENDEVENTTYPE, UA_NS0ID_REFRESHREQUIREDEVENTTYPE,
    UA_NS0ID_EVENTQUEUEOVERFLOWEVENTTYPE };
#define ALWAYS (sizeof always / sizeof always[0])

/* The tree lies in the array with the root first: Or(wish, Or(always 0, Or(always 1, ...))). Element k of the chain refers to what stands behind. */
static void
where(struct where *w, const UA_NodeId *kind, UA_UInt16 severity, size_t n)
{
	size_t both = kind != NULL && severity > 0, wish = 2 * n;

	w->v = arena_array(w->m, 2 * ALWAYS + 4, sizeof *w->v);
	for (size_t i = 0; i < n; i++) {	/* elements 0 .. n-1: Or(i) = always[i] or the next, the last of them or the wish */
		UA_ContentFilterElement *e = element(w, UA_FILTEROPERATOR_OR);
		refer(w, e, n + i);
		refer(w, e, i + 1 < n ? i + 1 : wish);
	}
	for (size_t i = 0; i < n; i++) {
		UA_NodeId type = UA_NODEID_NUMERIC(0, always[i]);
		of_type(w, &type);
	}
	if (both) {
		UA_ContentFilterElement *e = element(w, UA_FILTEROPERATOR_AND);
		refer(w, e, wish + 1);
		refer(w, e, wish + 2);
	}
	if (kind != NULL)
		of_type(w, kind);
	if (severity > 0)
		severe(w, severity);
}

UA_StatusCode
event_filter_make(struct ua_agent *a, const struct ua_addr *addr, enum event_filter f, struct arena *m, UA_EventFilter *out)
{
	uint32_t n = event_nfields(f);
	UA_NodeId *kind = NULL;
	bool owned = false;
	char *why = NULL;

	UA_EventFilter_init(out);
	out->selectClauses = arena_array(m, n, sizeof *out->selectClauses);
	out->selectClausesSize = n;
	for (uint32_t i = 0; i < n; i++)
		select_field(&out->selectClauses[i], &event_fields[i], m);
	if (f == EVENT_FILTER_BARE || (addr->event_kind == NULL && addr->severity == 0))
		return UA_STATUSCODE_GOOD;
	if (addr->event_kind != NULL) {
		kind = arena_new(m, UA_NodeId);
		UA_StatusCode s = ua_node_of(a, addr->event_kind, kind, &owned, &why);
		free(why);
		if (s != UA_STATUSCODE_GOOD)
			return s;
		if (owned) {	/* a byte string: its bytes into the arena, so that nothing is to be freed */
			UA_ByteString *b = &kind->identifier.byteString;
			UA_Byte *copy = arena_alloc(m, b->length);
			memcpy(copy, b->data, b->length);
			UA_Byte *was = b->data;
			b->data = copy;
			UA_free(was);
		}
	}
	struct where w = { .m = m };
	where(&w, kind, addr->severity, f == EVENT_FILTER_ALL ? ALWAYS : 0);
	out->whereClause.elements = w.v;
	out->whereClause.elementsSize = w.n;
	return UA_STATUSCODE_GOOD;
}
