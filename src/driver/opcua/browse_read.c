/* What the variables that were found say of themselves: data type, rank, description, access; unit and range from their properties. See browse.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "driver/opcua/browse.h"
#include "driver/opcua/types.h"
#include "driver/opcua/types_int.h"
#include "proto/unece.h"

static const UA_UInt32 wanted[] = { UA_ATTRIBUTEID_DATATYPE, UA_ATTRIBUTEID_VALUERANK, UA_ATTRIBUTEID_DESCRIPTION, UA_ATTRIBUTEID_USERACCESSLEVEL };
#define WANTED ((uint32_t)(sizeof wanted / sizeof wanted[0]))

struct call {
	struct ua_browse	*b;
	uint32_t		 from, to;	/* nodes */
};

static const void *
scalar(const UA_DataValue *v, const UA_DataType *type)
{
	return v->hasValue && UA_Variant_hasScalarType(&v->value, type) ? v->value.data : NULL;
}

static uint32_t
kind_of(struct ua_browse *b, const UA_NodeId *id)
{
	uint8_t key[UA_ID_KEY];
	struct ua_id x = types_id(id);
	size_t len = ua_id_key(&x, key);
	uintptr_t known = len > 0 ? (uintptr_t)map_get(&b->kind_of, (const char *)key, len) : 0;

	if (known != 0)
		return (uint32_t)known - 1;
	if (len == 0 || b->nkinds == UA_BROWSE_TYPES_MAX)
		return UINT32_MAX;
	if (b->kinds == NULL)
		b->kinds = calloc(UA_BROWSE_TYPES_MAX, sizeof *b->kinds);
	char *copy = arena_strndup(&b->memory, (const char *)key, len);
	if (b->kinds == NULL)
		return UINT32_MAX;
	if (x.len > 0)
		x.p = (const uint8_t *)copy + (len - x.len);
	b->kinds[b->nkinds] = (struct browse_type){ .id = browse_node_id(&x) };
	map_put(&b->kind_of, copy, len, (void *)(uintptr_t)(b->nkinds + 1));
	return b->nkinds++;
}

static void
take_attributes(struct ua_browse *b, struct browse_node *n, const UA_DataValue *v)
{
	const UA_NodeId *type = scalar(&v[0], &UA_TYPES[UA_TYPES_NODEID]);
	const UA_Int32 *rank = scalar(&v[1], &UA_TYPES[UA_TYPES_INT32]);
	const UA_LocalizedText *help = scalar(&v[2], &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
	const UA_Byte *access = scalar(&v[3], &UA_TYPES[UA_TYPES_BYTE]);

	if (type != NULL)
		n->type = kind_of(b, type);
	n->rank = rank != NULL ? *rank : -2;
	n->access = access != NULL ? *access : 1;
	if (help != NULL && help->text.length > 0)
		n->help = arena_strndup(&b->memory, (const char *)help->text.data,
		    help->text.length < UA_BROWSE_TEXT_MAX ? help->text.length : UA_BROWSE_TEXT_MAX);
}

static bool
is_named(const struct browse_node *n, const char *name)
{
	return n->property && n->name_ns == 0 && strcmp(n->name, name) == 0;
}

/* A property of an analog item: OPC 10000-8 1.05, 5.3.2.3. */
static bool
tells(const struct browse_node *n)
{
	return is_named(n, "EngineeringUnits") || is_named(n, "EURange");
}

static void
take_property(struct ua_browse *b, const struct browse_node *n, const UA_DataValue *v)
{
	struct browse_node *of = &b->nodes[n->parent];
	const UA_EUInformation *eu = scalar(v, &UA_TYPES[UA_TYPES_EUINFORMATION]);
	const UA_Range *range = scalar(v, &UA_TYPES[UA_TYPES_RANGE]);

	if (eu != NULL) {
		static const UA_String cefact = UA_STRING_STATIC(UNECE_NAMESPACE);
		bool known = eu->namespaceUri.length == 0 || UA_String_equal(&eu->namespaceUri, &cefact);
		const struct unece *u = known ? unece_of_id(eu->unitId) : NULL;
		of->analog = true;
		of->unit = u != NULL ? u->ucum : NULL;
		if (u == NULL && eu->displayName.text.length > 0)
			of->unit_text = arena_strndup(&b->memory, (const char *)eu->displayName.text.data,
			    eu->displayName.text.length < 60 ? eu->displayName.text.length : 60);
	}
	if (range != NULL && isfinite(range->low) && isfinite(range->high) && range->low < range->high) {
		of->has_range = true;
		of->lo = range->low;
		of->hi = range->high;
	}
}

static uint32_t
reads_of(const struct browse_node *n)
{
	return n->class != UA_NODECLASS_VARIABLE ? 0 : !n->property ? WANTED : tells(n) ? 1 : 0;
}

static void
was_read(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct call *c = arg;
	struct ua_browse *b = c->b;
	const UA_ReadResponse *r = response;
	size_t k = 0;

	b->calls--;
	bool there = !UA_StatusCode_isBad(status) && r != NULL;
	if (!there && a->session)
		b->refused += c->to - c->from;
	for (uint32_t i = c->from; there && i < c->to; i++) {
		struct browse_node *n = &b->nodes[i];
		uint32_t reads = reads_of(n);
		if (k + reads > r->resultsSize)
			break;
		if (reads == WANTED)
			take_attributes(b, n, &r->results[k]);
		else if (reads == 1)
			take_property(b, n, &r->results[k]);
		k += reads;
	}
	free(c);
	if (a->session && b->state == BROWSE_READING)
		browse_read(a, b);
}

static int
read_some(struct ua_agent *a, struct ua_browse *b, uint32_t most)
{
	UA_ReadValueId *ids = calloc(most, sizeof *ids);
	struct call *c = calloc(1, sizeof *c);
	uint32_t n = 0, i = b->read_next;
	int err = ids == NULL || c == NULL ? ERR_NOMEM : 0;

	for (; err == 0 && i < b->n && n + reads_of(&b->nodes[i]) <= most; i++) {
		uint32_t reads = reads_of(&b->nodes[i]);
		for (uint32_t k = 0; k < reads; k++)
			ids[n++] = (UA_ReadValueId){ .nodeId = browse_node_id(&b->nodes[i].id),
			    .attributeId = reads == 1 ? UA_ATTRIBUTEID_VALUE : wanted[k] };
	}
	if (n > 0) {
		UA_ReadRequest r = { .timestampsToReturn = UA_TIMESTAMPSTORETURN_NEITHER, .nodesToReadSize = n, .nodesToRead = ids };
		*c = (struct call){ b, b->read_next, i };
		err = ua_call(a, &r, &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE], 0, was_read, c);
	}
	if (err == 0) {
		b->read_next = i;
		b->calls += n > 0;
		b->calls_made += n > 0;
	}
	if (err != 0 || n == 0)
		free(c);
	free(ids);
	return err;
}

bool
browse_read(struct ua_agent *a, struct ua_browse *b)
{
	uint32_t most = a->limits.read > 0 && a->limits.read < 4 * UA_BROWSE_PER_CALL ? a->limits.read : 4 * UA_BROWSE_PER_CALL;

	if (most < WANTED)
		most = WANTED;	/* a server that lets less than four attributes be read refuses it, and that is counted */
	while (b->calls < UA_BROWSE_CALLS && b->read_next < b->n)
		if (read_some(a, b, most) != 0)
			break;
	return b->calls == 0 && b->read_next == b->n;
}

bool
browse_kinds(struct ua_agent *a, struct ua_browse *b)
{
	bool all = true;

	for (uint32_t i = 0; i < b->nkinds; i++) {
		struct browse_type *k = &b->kinds[i];
		bool coming = false;
		if (k->done)
			continue;
		const struct ua_type *t = ua_types_of(a, &k->id, &k->builtin, &coming);
		k->structure = t != NULL && t->kind != UA_TYPE_ENUM;
		k->done = !coming;
		all &= k->done;
	}
	return all;
}
