/*
 * The resolve part: what becomes of each item when a session begins, and the line of those in trouble. Paths are in resolve_path.c, attributes in attrs.c.
 */
#include "driver/opcua/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ua_resolve *part(const struct ua_agent *a) { return a->part[UA_PART_RESOLVE]; }

int
ua_resolve_init(struct ua_agent *a)
{
	uint32_t n = a->source->ntags;
	struct ua_resolve *r = arena_new(&a->memory, struct ua_resolve);

	ua_data_init(a);
	r->state = arena_array(&a->memory, n, sizeof *r->state);
	r->owned = arena_array(&a->memory, n, sizeof *r->owned);
	r->described = arena_array(&a->memory, n, sizeof *r->described);
	r->asked = arena_array(&a->memory, a->data->per_call, sizeof *r->asked);
	r->attrs_asked = arena_array(&a->memory, a->data->per_call, sizeof *r->attrs_asked);
	ua_line_init(&r->paths, &a->memory, n);
	ua_line_init(&r->steps, &a->memory, n);
	ua_line_init(&r->attrs, &a->memory, n);
	ua_line_init(&r->waiting, &a->memory, n);
	a->part[UA_PART_RESOLVE] = r;
	return 0;
}

static void
forget_node(struct ua_agent *a, struct ua_resolve *r, uint32_t tag)
{
	if (r->owned[tag])
		UA_NodeId_clear(&a->items[tag].node);
	a->items[tag].node = UA_NODEID_NULL;
	r->owned[tag] = false;
}

static void
forget_type(struct ua_item *it)
{
	UA_NodeId_clear(&it->data_type);
	it->value_rank = 0;
	it->access_level = 0;
}

void
ua_resolve_fini(struct ua_agent *a)
{
	struct ua_resolve *r = part(a);

	if (r == NULL)
		return;
	for (uint32_t i = 0; i < a->source->ntags; i++) {
		forget_node(a, r, i);
		forget_type(&a->items[i]);
	}
	a->part[UA_PART_RESOLVE] = NULL;
}

static UA_StatusCode
missing_namespace(const struct ua_agent *a, const char *nsu, char **why)
{
	if (asprintf(why, "the server has no namespace \"%s\" (its table has %u): check the spelling in the address, or whether the part of "
	    "the server that brings this namespace is running", nsu, a->nnamespaces) < 0)
		*why = NULL;
	return UA_STATUSCODE_BADNODEIDUNKNOWN;
}

UA_StatusCode
ua_node_of(const struct ua_agent *a, const struct ua_addr *addr, UA_NodeId *out, bool *owned, char **why)
{
	int ns = ua_namespace(a, addr->nsu);
	UA_String text = addr->s != NULL ? UA_STRING((char *)(uintptr_t)addr->s) : UA_STRING_NULL;
	UA_StatusCode rv = UA_STATUSCODE_GOOD;

	*owned = false;
	*why = NULL;
	*out = UA_NODEID_NULL;
	if (ns < 0 || ns > UINT16_MAX)
		return missing_namespace(a, addr->nsu, why);
	out->namespaceIndex = (uint16_t)ns;
	switch (addr->id_kind) {
	case 'i':
		out->identifierType = UA_NODEIDTYPE_NUMERIC;
		out->identifier.numeric = addr->i;
		return rv;
	case 's':
		out->identifierType = UA_NODEIDTYPE_STRING;
		out->identifier.string = text;
		return rv;
	case 'g':
		out->identifierType = UA_NODEIDTYPE_GUID;
		rv = UA_Guid_parse(&out->identifier.guid, text);
		break;
	default:
		out->identifierType = UA_NODEIDTYPE_BYTESTRING;
		rv = UA_ByteString_fromBase64(&out->identifier.byteString, &text);
		*owned = rv == UA_STATUSCODE_GOOD;
	}
	if (rv != UA_STATUSCODE_GOOD)
		*out = UA_NODEID_NULL;
	return rv;
}

/* One item, from the beginning. */
static void
begin(struct ua_agent *a, struct ua_resolve *r, uint32_t tag, bool again)
{
	struct ua_item *it = &a->items[tag];
	UA_NodeId node;
	bool owned;
	char *why;

	forget_node(a, r, tag);
	if (it->addr.npath > 0) {
		r->state[tag] = again ? UA_RES_STEPS : UA_RES_PATH;
		ua_line_put(again ? &r->steps : &r->paths, tag);
		return;
	}
	UA_StatusCode rv = ua_node_of(a, &it->addr, &node, &owned, &why);
	if (rv == UA_STATUSCODE_GOOD) {
		it->node = node;
		r->owned[tag] = owned;
		r->state[tag] = UA_RES_DONE;
		if (it->addr.kind == UA_ADDR_NODE)
			ua_resolve_found(a, tag, NULL);
		else	/* a notifier: events.c sees that it is there */
			ua_item_good(a, tag);
	} else
		ua_item_fail(a, tag, rv, why);
	free(why);
}

/* The node is known: node is copied, NULL: it stands in the item. */
void
ua_resolve_found(struct ua_agent *a, uint32_t tag, const UA_NodeId *node)
{
	struct ua_resolve *r = part(a);
	struct ua_item *it = &a->items[tag];

	if (node != NULL) {
		forget_node(a, r, tag);
		if (UA_NodeId_copy(node, &it->node) != UA_STATUSCODE_GOOD) {
			ua_item_fail(a, tag, UA_STATUSCODE_BADOUTOFMEMORY, NULL);
			return;
		}
		r->owned[tag] = true;
	}
	r->state[tag] = UA_RES_DONE;
	if (it->addr.attribute == UA_ATTRIBUTEID_VALUE && UA_NodeId_isNull(&it->data_type) && !r->described[tag]) {
		r->described[tag] = true;
		ua_line_put(&r->attrs, tag);
	}
	ua_item_resolved(a, tag);
}

void
ua_resolve_up(struct ua_agent *a, struct mono now)
{
	struct ua_resolve *r = part(a);
	bool same = a->same_server && !a->namespaces_moved;

	a->data->urgent = UA_RETRY_AT_ONCE;
	ua_bulk_init(&r->translate, a->data->per_call, a->limits.translate);
	ua_bulk_init(&r->read, a->data->per_call, a->limits.read / 3 > 0 ? a->limits.read / 3 : 1);
	r->hold = now;
	r->attrs_hold = mono_add(now, ua_jitter(a, 2 * NS_PER_S));	/* values come first */
	r->retry_at = MONO_NEVER;
	for (uint32_t i = 0; i < a->source->ntags; i++) {
		if (!same)
			forget_type(&a->items[i]);
		r->described[i] = false;
		ua_item_good(a, i);
		begin(a, r, i, false);
	}
}

void
ua_resolve_down(struct ua_agent *a, struct mono now, const char *why)
{
	struct ua_resolve *r = part(a);

	(void)now;
	(void)why;
	r->paths.n = r->steps.n = r->attrs.n = r->waiting.n = 0;
	r->busy = r->attrs_busy = false;
	r->retry_at = MONO_NEVER;
	for (uint32_t i = 0; i < a->source->ntags; i++) {
		forget_node(a, r, i);
		r->state[i] = UA_RES_NONE;
	}
}

void
ua_resolve_retry(struct ua_agent *a, uint32_t tag)
{
	struct ua_resolve *r = part(a);

	if (!a->session)
		return;
	if (r->state[tag] != UA_RES_WAITING)
		ua_line_put(&r->waiting, tag);
	r->state[tag] = UA_RES_WAITING;
	r->retry_at = mono_min(r->retry_at, a->items[tag].retry_at);
}

/* Those whose time has come, a few; the line keeps its others. */
static void
retry(struct ua_agent *a, struct ua_resolve *r, struct mono now)
{
	uint32_t some = UA_RETRY_AT_ONCE;
	struct mono at = MONO_NEVER;

	for (uint32_t n = r->waiting.n; n > 0; n--) {
		uint32_t tag = ua_line_get(&r->waiting);
		if (some > 0 && !mono_before(now, a->items[tag].retry_at)) {
			some--;
			r->state[tag] = UA_RES_NONE;
			begin(a, r, tag, true);		/* may put it back into this line, behind those that we look at */
			continue;
		}
		ua_line_put(&r->waiting, tag);
		at = mono_min(at, a->items[tag].retry_at);
	}
	for (uint32_t n = r->waiting.n, i = 0; i < n && i < UA_RETRY_AT_ONCE; i++)	/* those just put back stand at its end */
		at = mono_min(at, a->items[r->waiting.v[(r->waiting.head + n - 1 - i) % r->waiting.room]].retry_at);
	r->retry_at = at.ns == INT64_MAX || mono_before(mono_add(now, NS_PER_S), at) ? at : mono_add(now, NS_PER_S);
}

void
ua_resolve_tick(struct ua_agent *a, struct mono now)
{
	struct ua_resolve *r = part(a);

	if (!a->session)
		return;
	if (!mono_before(now, r->retry_at))
		retry(a, r, now);
	if (!r->busy && !mono_before(now, r->hold) && (r->paths.n > 0 || r->steps.n > 0))
		ua_paths_tick(a, r);
	if (!r->attrs_busy && !mono_before(now, r->attrs_hold) && r->attrs.n > 0)
		ua_attrs_tick(a, r);
}

struct mono
ua_resolve_next(struct ua_agent *a)
{
	struct ua_resolve *r = part(a);

	if (!a->session)
		return MONO_NEVER;
	struct mono t = r->retry_at;
	if (!r->busy && (r->paths.n > 0 || r->steps.n > 0))
		t = mono_min(t, r->hold);
	if (!r->attrs_busy && r->attrs.n > 0)
		t = mono_min(t, r->attrs_hold);
	return t;
}

void
ua_resolve_why(struct ua_agent *a, const struct ua_item *it, struct json *out)
{
	static const char *const names[] = { "not connected", "path is being looked up", "path is being looked up step by step",
		"known", "in trouble, tried again later" };
	struct ua_resolve *r = part(a);

	json_key_text(out, "node", names[r->state[it - a->items]]);
	if (it->troubles > 0) {
		json_key_u64(out, "attempts", it->troubles);
		json_key_i64(out, "again_in_s", mono_diff(it->retry_at, a->now) / NS_PER_S);
	}
	if (!UA_NodeId_isNull(&it->data_type)) {
		json_key_u64(out, "access_level", it->access_level);
		json_key_i64(out, "value_rank", it->value_rank);
	}
}
