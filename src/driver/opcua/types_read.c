/* Reading a data type from its server, a step a call: whose encoding is it, what is its definition, what is it made from. See types_int.h. */
#include "base/err.h"
#include "driver/opcua/types_int.h"

/* What the answer to one call says. */
static void
finished(struct ua_types *t, struct types_entry *e)
{
	(void)e;
	t->calls--;
	t->waiting--;
	if (t->waiting == 0)
		types_settle(t);
}

/* ---- Browse: one reference backwards ---- */

static const UA_NodeId *
only_target(UA_StatusCode status, const UA_BrowseResponse *r)
{
	if (UA_StatusCode_isBad(status) || r == NULL || r->resultsSize != 1 || UA_StatusCode_isBad(r->results[0].statusCode) ||
	    r->results[0].referencesSize == 0 || r->results[0].references[0].nodeId.serverIndex != 0)
		return NULL;
	return &r->results[0].references[0].nodeId.nodeId;
}

static void
found_type(struct ua_types *t, struct types_entry *e, const UA_NodeId *type)
{
	/* No node of that encoding (many servers leave it out): the data type of the variable may be it. */
	if (type == NULL && !UA_NodeId_isNull(&e->hint)) {
		type = &e->hint;
		e->guessed = true;
	}
	if (type == NULL || UA_NodeId_copy(type, &e->id) != UA_STATUSCODE_GOOD)
		types_failed(t, e);
	else
		types_enqueue(t, e, ENTRY_TYPE);
}

static void
found_base(struct ua_types *t, struct types_entry *e, const UA_NodeId *base)
{
	static const UA_NodeId enumeration = { .identifier.numeric = 29 };

	if (base == NULL && e->nnames > 0)
		base = &enumeration;
	if (base == NULL || ++e->bases > UA_TYPES_BASES_MAX) {
		types_failed(t, e);
		return;
	}
	const UA_DataType *std = ua_types_std(base, false);
	bool ns0 = base->namespaceIndex == 0 && base->identifierType == UA_NODEIDTYPE_NUMERIC;
	if (ns0 && base->identifier.numeric == 29) {
		e->builtin = UA_B_INT32;
		e->type.nnames = e->nnames;
		e->state = ENTRY_READ;
	} else if (ns0 && base->identifier.numeric == 22)	/* a structure that nobody defines */
		types_failed(t, e);
	else if (std != NULL && std->typeKind <= UA_DATATYPEKIND_DIAGNOSTICINFO) {
		e->builtin = (uint8_t)(std->typeKind + 1);
		e->state = ENTRY_READ;
	} else if (ns0 && base->identifier.numeric >= 24 && base->identifier.numeric <= 28) {
		e->builtin = UA_B_VARIANT;		/* BaseDataType, Number, Integer, UInteger */
		e->state = ENTRY_READ;
	} else {
		UA_NodeId_clear(&e->at);
		if (UA_NodeId_copy(base, &e->at) != UA_STATUSCODE_GOOD)
			types_failed(t, e);
		else
			types_enqueue(t, e, ENTRY_BASE);
	}
}

static void
browsed(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct types_entry *e = arg;
	struct ua_types *t = types_of(a);
	const UA_NodeId *target = only_target(status, response);

	if (!a->session) {	/* the book is closed with the session */
		finished(t, e);
		return;
	}
	if (e->asked == ENTRY_ENCODING)
		found_type(t, e, target);
	else
		found_base(t, e, target);
	finished(t, e);
}

static int
browse(struct ua_types *t, struct types_entry *e, const UA_NodeId *from, UA_UInt32 reference)
{
	UA_BrowseDescription d = { .nodeId = *from, .browseDirection = UA_BROWSEDIRECTION_INVERSE, .referenceTypeId = UA_NODEID_NUMERIC(0, reference),
	    .includeSubtypes = true };
	UA_BrowseRequest r = { .nodesToBrowseSize = 1, .nodesToBrowse = &d, .requestedMaxReferencesPerNode = 1 };
	return ua_call(t->agent, &r, &UA_TYPES[UA_TYPES_BROWSEREQUEST], &UA_TYPES[UA_TYPES_BROWSERESPONSE], 0, browsed, e);
}

/* ---- Read: its definition ---- */

static void
put_name(struct ua_types *t, struct types_entry *e, const UA_DataValue *dv)
{
	if (dv->hasValue && UA_Variant_hasScalarType(&dv->value, &UA_TYPES[UA_TYPES_QUALIFIEDNAME]))
		types_name(t, e, &((const UA_QualifiedName *)dv->value.data)->name);
}

static void
was_read(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct types_entry *e = arg;
	struct ua_types *t = types_of(a);
	const UA_ReadResponse *r = response;

	if (!a->session) {
		finished(t, e);
		return;
	}
	if (UA_StatusCode_isBad(status) || r == NULL || r->resultsSize != 3) {
		types_failed(t, e);
		finished(t, e);
		return;
	}
	const UA_DataValue *abstract = &r->results[2];
	put_name(t, e, &r->results[1]);
	e->abstract = abstract->hasValue && UA_Variant_hasScalarType(&abstract->value, &UA_TYPES[UA_TYPES_BOOLEAN]) &&
	    *(const UA_Boolean *)abstract->value.data;
	bool there = r->results[0].hasValue && !UA_StatusCode_isBad(r->results[0].status) && r->results[0].value.type != NULL;
	if (there) {
		if (!types_define(t, e, &r->results[0].value))
			types_failed(t, e);
	} else if (r->results[1].hasValue) {
		UA_NodeId_clear(&e->at);
		if (UA_NodeId_copy(&e->id, &e->at) == UA_STATUSCODE_GOOD)
			types_enqueue(t, e, ENTRY_BASE);
		else
			types_failed(t, e);
	} else
		types_failed(t, e);	/* no such node */
	finished(t, e);
}

static int
read_definition(struct ua_types *t, struct types_entry *e)
{
	UA_ReadValueId ids[3] = {
		{ .nodeId = e->id, .attributeId = UA_ATTRIBUTEID_DATATYPEDEFINITION }, { .nodeId = e->id, .attributeId = UA_ATTRIBUTEID_BROWSENAME },
		{ .nodeId = e->id, .attributeId = UA_ATTRIBUTEID_ISABSTRACT },
	};
	UA_ReadRequest r = { .timestampsToReturn = UA_TIMESTAMPSTORETURN_NEITHER, .nodesToReadSize = 3, .nodesToRead = ids };
	return ua_call(t->agent, &r, &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE], 0, was_read, e);
}

static int
ask(struct ua_types *t, struct types_entry *e)
{
	switch (e->state) {
	case ENTRY_ENCODING:	return browse(t, e, &e->encoding, UA_NS0ID_HASENCODING);
	case ENTRY_TYPE:	return read_definition(t, e);
	default:		return browse(t, e, &e->at, UA_NS0ID_HASSUBTYPE);
	}
}

void
types_ask(struct ua_types *t)
{
	while (t->queue != NULL && t->calls < UA_TYPES_CALLS && t->agent->session) {
		struct types_entry *e = t->queue;
		int err = ask(t, e);
		if (err == ERR_BUSY || err == ERR_CONN)
			return;		/* with the next tick, or never: then down() comes */
		t->queue = e->next;
		if (t->queue == NULL)
			t->queue_end = &t->queue;
		if (err == 0) {
			e->asked = e->state;
			e->state = ENTRY_ASKED;
			t->calls++;
			continue;
		}
		types_failed(t, e);
		t->waiting--;
		if (t->waiting == 0)
			types_settle(t);
	}
}
