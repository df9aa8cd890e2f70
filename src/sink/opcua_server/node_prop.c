/* The properties of a variable: range, unit, states. See nodes.h. */
#include <stdio.h>

#include "proto/unece.h"
#include "sink/opcua_server/nodes.h"
#include "sink/opcua_server/uas.h"

#define TEXT_SAMPLING_MS	500.0

static const struct {
	const char	*name;
	uint32_t	 data_type;	/* ns=0 */
	int32_t		 rank;
} props[PROPS] = {
	[PROP_RANGE] = { "EURange", UA_NS0ID_RANGE, UA_VALUERANK_SCALAR },			/* OPC 10000-8 1.05, 5.3.2.3 */
	[PROP_UNIT] = { "EngineeringUnits", UA_NS0ID_EUINFORMATION, UA_VALUERANK_SCALAR },
	[PROP_ENUM] = { "EnumValues", UA_NS0ID_ENUMVALUETYPE, UA_VALUERANK_ONE_DIMENSION },	/* 5.3.3.4 */
	[PROP_TEXT] = { "ValueAsText", UA_NS0ID_LOCALIZEDTEXT, UA_VALUERANK_SCALAR },
};

const char *
node_prop_name(enum prop p)
{
	return props[p].name;
}

unsigned
node_props(const struct uas_var *v)
{
	unsigned set = 0;

	if (v->def == NULL)
		return 0;
	if (v->def->states != NULL)
		return 1u << PROP_ENUM | 1u << PROP_TEXT;
	if (!value_is_number(v->def->type & 0x7f) || (v->def->type & 0x7f) == VALUE_BOOL)
		return 0;
	/* The range is what makes an AnalogItemType; a unit without one is an AnalogUnitType in 1.05, which older clients do not know. */
	if (v->def->has_range)
		set |= 1u << PROP_RANGE;
	if (v->def->unit[0] != '\0')
		set |= 1u << PROP_UNIT;
	return set;
}

/* References to the properties, with their ids. */
bool
node_add_props(struct uas_scratch *x, const struct uas_var *v)
{
	unsigned set = node_props(v);
	size_t len = v->node.id.identifier.string.length, n = 0, each = len + 24;

	if (set == 0)
		return true;
	if (!node_text_room(x, PROPS * each))
		return false;
	for (unsigned p = 0; p < PROPS; p++) {
		if (!(set & 1u << p))
			continue;
		char *id = x->text + n * each;
		int k = snprintf(id, each, "%.*s//%s", (int)len, (const char *)v->node.id.identifier.string.data, props[p].name);
		x->kid_ids[n] = (UA_NodeId){ .namespaceIndex = v->node.id.namespaceIndex, .identifierType = UA_NODEIDTYPE_STRING,
		    .identifier.string = { .length = (size_t)k, .data = (UA_Byte *)id } };
		UA_QualifiedName name = { .name = text_of(props[p].name) };
		x->kids[n] = (UA_ReferenceTarget){ .targetId = UA_NodePointer_fromNodeId(&x->kid_ids[n]), .targetNameHash = UA_QualifiedName_hash(&name) };
		n++;
	}
	node_ref(&x->node.head, UA_REFERENCETYPEINDEX_HASPROPERTY, false, x->kids, n);
	return true;
}

static void
unit_info(const char *ucum, UA_EUInformation *out)
{
	const struct unece *u = unece_of_ucum(ucum);

	/* OPC 10000-8 1.05, 5.6.3: the UNECE code as a number; units that it does not know stand under UCUM's own name with -1. */
	UA_EUInformation_init(out);
	out->namespaceUri = text_of(u != NULL ? UNECE_NAMESPACE : "http://unitsofmeasure.org");
	out->unitId = u != NULL ? unece_unit_id(u->code) : -1;
	out->displayName.text = text_of(u != NULL ? u->symbol : ucum);
	out->description.text = text_of(u != NULL ? u->name : ucum);
}

static bool
state_of(const struct uas_var *v, int64_t *out)
{
	switch (v->type) {
	case VALUE_BOOL: *out = v->raw.b; break;
	case VALUE_I8: *out = v->raw.i8; break;
	case VALUE_U8: *out = v->raw.u8; break;
	case VALUE_I16: *out = v->raw.i16; break;
	case VALUE_U16: *out = v->raw.u16; break;
	case VALUE_I32: *out = v->raw.i32; break;
	case VALUE_U32: *out = v->raw.u32; break;
	case VALUE_I64: *out = v->raw.i64; break;
	case VALUE_U64: *out = (int64_t)v->raw.u64; break;
	default: return false;
	}
	return true;
}

static bool
set_states(struct uas_scratch *x, const struct enum_def *e, UA_Variant *out)
{
	x->states = calloc(e->n + 1, sizeof *x->states);
	if (x->states == NULL)
		return false;
	for (uint32_t i = 0; i < e->n; i++) {
		x->states[i].value = e->items[i].value;
		x->states[i].displayName.text = text_of(e->items[i].text);
	}
	out->arrayLength = e->n;
	out->data = x->states;
	out->type = &UA_TYPES[UA_TYPES_ENUMVALUETYPE];
	return true;
}

/*
 * ValueAsText is a data source, and so it is sampled: it changes with the variable and is never written, so a monitored item that waited for a write
 * would keep the first text for ever.
 */
static UA_StatusCode
read_state_text(UA_Server *server, const UA_NodeId *session, void *user, const UA_NodeId *id, void *context, UA_Boolean source_time,
    const UA_NumericRange *range, UA_DataValue *out)
{
	struct uas_server *s = UA_Server_getConfig(server)->context;
	const struct uas_var *v = node_prop_var(&s->space, id);
	UA_LocalizedText text = { 0 };
	int64_t state;
	(void)session, (void)user, (void)context, (void)source_time;

	if (range != NULL)
		return UA_STATUSCODE_BADINDEXRANGEINVALID;
	if (v == NULL || v->def == NULL || v->def->states == NULL)
		return UA_STATUSCODE_BADNODEIDUNKNOWN;
	for (uint32_t i = 0; state_of(v, &state) && i < v->def->states->n; i++)
		if (v->def->states->items[i].value == state)
			text.text = text_of(v->def->states->items[i].text);
	out->hasSourceTimestamp = v->source != 0;
	out->sourceTimestamp = v->source;
	UA_StatusCode err = UA_Variant_setScalarCopy(&out->value, &text, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
	out->hasValue = err == UA_STATUSCODE_GOOD;
	return err;
}

bool
node_make_prop(struct uas_scratch *x, struct uas_var *v, enum prop p)
{
	UA_VariableNode *n = &x->node.variableNode;
	UA_Variant *value = &n->value.data.value.value;

	n->head.nodeClass = UA_NODECLASS_VARIABLE;
	node_name(&n->head, x, 0, text_of(props[p].name));
	n->dataType = ns0(props[p].data_type);
	node_rank(n, props[p].rank);
	n->accessLevel = UA_ACCESSLEVELMASK_READ;
	n->valueSource = UA_VALUESOURCE_DATA;
	n->value.data.value.hasValue = p != PROP_TEXT;
	if (p == PROP_RANGE) {
		x->value.range = (UA_Range){ .low = v->def->lo, .high = v->def->hi };
		UA_Variant_setScalar(value, &x->value.range, &UA_TYPES[UA_TYPES_RANGE]);
	} else if (p == PROP_UNIT) {
		unit_info(v->def->unit, &x->value.unit);
		UA_Variant_setScalar(value, &x->value.unit, &UA_TYPES[UA_TYPES_EUINFORMATION]);
	} else if (p == PROP_TEXT) {
		n->valueSource = UA_VALUESOURCE_DATASOURCE;
		n->value.dataSource = (UA_DataSource){ .read = read_state_text };
		n->minimumSamplingInterval = TEXT_SAMPLING_MS;
	} else if (!set_states(x, v->def->states, value))
		return false;
	if (p != PROP_TEXT)
		value->storageType = UA_VARIANT_DATA_NODELETE;
	node_type_and_parent(x, UA_NS0ID_PROPERTYTYPE, &v->node.id, UA_REFERENCETYPEINDEX_HASPROPERTY);
	return true;
}
