/* The book of data types of a connection, and the values that wait for it. See types.h. */
#include <stdlib.h>

#include "base/err.h"
#include "driver/opcua/types_int.h"

struct ua_id
types_id(const UA_NodeId *n)
{
	static const char kinds[] = { [UA_NODEIDTYPE_NUMERIC] = 'i', [UA_NODEIDTYPE_STRING] = 's', [UA_NODEIDTYPE_GUID] = 'g',
	    [UA_NODEIDTYPE_BYTESTRING] = 'b' };
	struct ua_id id = { .ns = n->namespaceIndex, .kind = kinds[n->identifierType] };

	if (id.kind == 'i')
		id.i = n->identifier.numeric;
	else if (id.kind == 'g') {	/* little-endian fields in memory are the bytes of the wire */
		id.p = (const uint8_t *)&n->identifier.guid;
		id.len = 16;
	} else {
		id.p = n->identifier.string.data;
		id.len = (uint32_t)n->identifier.string.length;
	}
	return id;
}
_Static_assert(sizeof(UA_Guid) == 16, "a Guid without gaps");

const UA_DataType *
ua_types_std(const UA_NodeId *id, bool encoding)
{
	if (id->namespaceIndex != 0 || id->identifierType != UA_NODEIDTYPE_NUMERIC || id->identifier.numeric == 0)
		return NULL;
	for (size_t i = 0; i < UA_TYPES_COUNT; i++) {
		const UA_NodeId *x = encoding ? &UA_TYPES[i].binaryEncodingId : &UA_TYPES[i].typeId;
		if (x->namespaceIndex == 0 && x->identifier.numeric == id->identifier.numeric)
			return &UA_TYPES[i];
	}
	return NULL;
}

static struct types_entry *
new_entry(struct ua_types *t)
{
	if (t->n == UA_TYPES_KNOWN_MAX)
		return NULL;
	struct types_entry *e = arena_new(&t->memory, struct types_entry);
	e->book = t;
	e->type.own = e;
	e->all = t->entries;
	t->entries = e;
	t->n++;
	return e;
}

static bool
put(struct ua_types *t, struct map *m, const UA_NodeId *id, struct types_entry *e)
{
	uint8_t key[UA_ID_KEY];
	struct ua_id x = types_id(id);
	size_t len = ua_id_key(&x, key);

	if (len == 0)
		return false;
	map_put(m, arena_strndup(&t->memory, (const char *)key, len), len, e);
	return true;
}

static struct types_entry *
get(const struct map *m, const struct ua_id *id)
{
	uint8_t key[UA_ID_KEY];
	size_t len = ua_id_key(id, key);
	return len > 0 ? map_get(m, (const char *)key, len) : NULL;
}

void
types_enqueue(struct ua_types *t, struct types_entry *e, enum entry_state s)
{
	e->state = s;
	e->next = NULL;
	*t->queue_end = e;
	t->queue_end = &e->next;
	t->waiting++;
}

void
types_failed(struct ua_types *t, struct types_entry *e)
{
	e->state = ENTRY_FAILED;
	e->failed = t->agent->now;
}

/* The types of Part 5 are in the library; nothing has to be asked. */
static void
define(struct ua_types *t, struct types_entry *e)
{
	const UA_DataType *std = ua_types_std(&e->id, false);

	if (std == NULL)
		types_enqueue(t, e, ENTRY_TYPE);
	else if (!types_define_std(t, e, std))
		types_failed(t, e);
}

struct types_entry *
types_entry(struct ua_types *t, const UA_NodeId *id)
{
	struct ua_id x = types_id(id);
	struct types_entry *e = get(&t->by_type, &x);

	if (e != NULL)
		return e;
	e = new_entry(t);
	if (e == NULL || UA_NodeId_copy(id, &e->id) != UA_STATUSCODE_GOOD || !put(t, &t->by_type, id, e))
		return NULL;
	define(t, e);
	return e;
}

/* ---- what others ask ---- */

static const struct ua_type *
find(void *arg, const struct ua_id *encoding)
{
	struct ua_types *t = arg;
	struct types_entry *e = get(&t->by_encoding, encoding);
	return e != NULL && e->state == ENTRY_READY && e->structure ? &e->type : NULL;
}

const struct ua_type_book *
ua_types_book(struct ua_agent *a)
{
	struct ua_types *t = types_of(a);
	t->book = (struct ua_type_book){ .namespaces = (const char *const *)a->namespaces, .nnamespaces = a->nnamespaces, .find = find, .arg = t };
	return &t->book;
}

static bool
node_of(const struct ua_id *x, UA_NodeId *out)
{
	*out = (UA_NodeId){ .namespaceIndex = x->ns };
	if (x->kind == 'i') {
		out->identifier.numeric = x->i;
		return true;
	}
	if (x->kind == 'g') {
		out->identifierType = UA_NODEIDTYPE_GUID;
		memcpy(&out->identifier.guid, x->p, 16);
		return true;
	}
	out->identifierType = x->kind == 's' ? UA_NODEIDTYPE_STRING : UA_NODEIDTYPE_BYTESTRING;
	UA_ByteString b = { .length = x->len, .data = (UA_Byte *)(uintptr_t)x->p };
	return UA_ByteString_copy(&b, &out->identifier.byteString) == UA_STATUSCODE_GOOD;
}

static bool
again(struct ua_types *t, struct types_entry *e)
{
	if (e->state == ENTRY_FAILED && t->agent->now.ns - e->failed.ns >= UA_TYPES_RETRY_NS)
		types_enqueue(t, e, UA_NodeId_isNull(&e->id) ? ENTRY_ENCODING : ENTRY_TYPE);
	return e->state < ENTRY_READY;
}

bool
ua_types_want(struct ua_agent *a, const struct ua_id *encoding, const UA_NodeId *hint)
{
	struct ua_types *t = types_of(a);
	struct types_entry *e = get(&t->by_encoding, encoding);

	if (!a->session)
		return false;
	if (e != NULL)
		return again(t, e);
	e = new_entry(t);
	if (e == NULL || !node_of(encoding, &e->encoding) || !put(t, &t->by_encoding, &e->encoding, e))
		return false;
	if (hint != NULL && UA_NodeId_copy(hint, &e->hint) != UA_STATUSCODE_GOOD)
		return false;
	const UA_DataType *std = ua_types_std(&e->encoding, true);
	if (std != NULL) {
		e->id = std->typeId;
		if (!types_define_std(t, e, std))
			types_failed(t, e);
		types_settle(t);
	} else
		types_enqueue(t, e, ENTRY_ENCODING);
	return e->state < ENTRY_READY || (e->state == ENTRY_READY && std != NULL);
}

const struct ua_type *
ua_types_of(struct ua_agent *a, const UA_NodeId *data_type, uint8_t *builtin, bool *coming)
{
	struct ua_types *t = types_of(a);

	*coming = false;
	*builtin = 0;
	if (data_type->namespaceIndex == 0 && data_type->identifierType == UA_NODEIDTYPE_NUMERIC && data_type->identifier.numeric >= 1 &&
	    data_type->identifier.numeric <= UA_B_DIAGNOSTIC) {
		*builtin = (uint8_t)data_type->identifier.numeric;
		return NULL;
	}
	struct types_entry *e = a->session ? types_entry(t, data_type) : NULL;
	if (e == NULL)
		return NULL;
	types_settle(t);
	*coming = again(t, e);
	*builtin = e->state == ENTRY_READY ? e->builtin : 0;
	return e->state == ENTRY_READY && (e->structure || e->type.nnames > 0) ? &e->type : NULL;
}

const UA_NodeId *
ua_types_encoding(const struct ua_type *type)
{
	const struct types_entry *e = type->own;
	return &e->encoding;
}

/* ---- values that wait ---- */

bool
ua_types_waits(const struct ua_agent *a, uint32_t tag)
{
	const struct ua_types *t = types_of(a);
	return !t->releasing && t->waits[tag] > 0;
}

bool
ua_types_hold(struct ua_agent *a, uint32_t tag, const UA_DataValue *dv, struct wall arrival, uint8_t flags)
{
	struct ua_types *t = types_of(a);

	if (t->releasing) {	/* the head of the line meets a type within a type: it stays where it is */
		t->again = true;
		return true;
	}
	struct types_held *h = t->nheld < UA_TYPES_HELD_MAX ? malloc(sizeof *h) : NULL;
	if (h == NULL)
		return false;
	*h = (struct types_held){ .tag = tag, .arrival = arrival, .flags = flags };
	if (UA_DataValue_copy(dv, &h->dv) != UA_STATUSCODE_GOOD) {
		free(h);
		return false;
	}
	*t->held_end = h;
	t->held_end = &h->next;
	t->nheld++;
	t->waits[tag]++;
	return true;
}

static void
drop_head(struct ua_types *t)
{
	struct types_held *h = t->held;

	t->held = h->next;
	if (t->held == NULL)
		t->held_end = &t->held;
	t->nheld--;
	t->waits[h->tag]--;
	UA_DataValue_clear(&h->dv);
	free(h);
}

static void
release(struct ua_types *t)
{
	while (t->held != NULL && t->waiting == 0) {
		struct types_held *h = t->held;
		t->releasing = true;
		t->again = false;
		ua_out_value(t->agent, h->tag, &h->dv, h->arrival, h->flags);
		t->releasing = false;
		if (t->again)
			return;		/* ...and something is asked for now, or will be */
		drop_head(t);
	}
}

/* ---- the part ---- */

int
ua_types_init(struct ua_agent *a)
{
	struct ua_types *t = arena_new(&a->memory, struct ua_types);

	t->agent = a;
	t->queue_end = &t->queue;
	t->held_end = &t->held;
	t->waits = arena_array(&a->memory, a->source->ntags + 1, sizeof *t->waits);
	a->part[UA_PART_TYPES] = t;
	return 0;
}

/* Values that still wait belong to a session that is gone: the new one begins with the values as they are then. */
void
ua_types_down(struct ua_agent *a, struct mono now, const char *why)
{
	struct ua_types *t = types_of(a);

	(void)now;
	(void)why;
	while (t->held != NULL)
		drop_head(t);
	for (struct types_entry *e = t->entries; e != NULL; e = e->all) {
		UA_NodeId_clear(&e->id);
		UA_NodeId_clear(&e->encoding);
		UA_NodeId_clear(&e->at);
		UA_NodeId_clear(&e->hint);
	}
	map_fini(&t->by_encoding);
	map_fini(&t->by_type);
	arena_fini(&t->memory);
	t->by_encoding = t->by_type = (struct map){ 0 };
	t->entries = t->queue = NULL;
	t->queue_end = &t->queue;
	t->n = t->fields = t->calls = t->waiting = 0;
}

void
ua_types_fini(struct ua_agent *a)
{
	if (types_of(a) != NULL)
		ua_types_down(a, (struct mono){ 0 }, "");
}

void
ua_types_up(struct ua_agent *a, struct mono now)
{
	(void)a;
	(void)now;
}

void
ua_types_tick(struct ua_agent *a, struct mono now)
{
	struct ua_types *t = types_of(a);

	(void)now;
	types_ask(t);
	release(t);
}

struct mono
ua_types_next(struct ua_agent *a)
{
	struct ua_types *t = types_of(a);
	/* A call that found no room, or values that may go now. */
	return (t->queue != NULL && t->calls < UA_TYPES_CALLS) || (t->held != NULL && t->waiting == 0) ? mono_add(a->now, 20 * NS_PER_MS) : MONO_NEVER;
}
