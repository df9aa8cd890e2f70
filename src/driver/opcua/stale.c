/*
 * A subscription may be deaf: keep-alives come for ever, changes do not. Where the site gives tags a longest silence (key `stale`), a tag that was silent for so
 * long is read. Another value than the last one, twice, with nothing told in between, means that the subscription is of no use, and
 * it is made anew. Tags with a deadband are left out: a value that has moved within it is rightly not told.
 */
#include <stdlib.h>

#include "base/map.h"
#include "driver/opcua/subs.h"

#define STALE_READ_MAX	100u

struct ua_stale {
	int64_t		*told;		/* [ntags] mono ns of the last value; 0: not looked at yet */
	uint64_t	*hash;		/* [ntags] of that value */
	bool		*suspect;	/* [ntags] read once and found different */
	uint32_t	 asked[STALE_READ_MAX], nasked;
	bool		 busy;
	struct mono	 at;
	uint32_t	 from;		/* the search goes on here */
};

struct ua_stale *
ua_stale_new(struct ua_agent *a)
{
	struct ua_stale *t = arena_new(&a->memory, struct ua_stale);
	uint32_t n = a->source->ntags;

	t->told = arena_array(&a->memory, n, sizeof *t->told);
	t->hash = arena_array(&a->memory, n, sizeof *t->hash);
	t->suspect = arena_array(&a->memory, n, sizeof *t->suspect);
	return t;
}

/* Of value and status, not of the times. */
static uint64_t
hash(const UA_DataValue *dv)
{
	uint8_t room[128];
	UA_ByteString b = { sizeof room, room };
	size_t need = dv->hasValue ? UA_calcSizeBinary(&dv->value, &UA_TYPES[UA_TYPES_VARIANT]) : 0;
	UA_StatusCode status = dv->hasStatus ? dv->status : 0;
	uint64_t h = hash64(&status, sizeof status);

	if (need == 0)
		return h;
	if (need > sizeof room)
		b = (UA_ByteString){ 0, NULL };
	if (UA_encodeBinary(&dv->value, &UA_TYPES[UA_TYPES_VARIANT], &b) != UA_STATUSCODE_GOOD)
		return h;
	h = hash64_more(h, b.data, b.length);
	if (b.data != room)
		UA_ByteString_clear(&b);
	return h;
}

void
ua_stale_value(struct ua_agent *a, uint32_t tag, const UA_DataValue *dv)
{
	struct ua_stale *t = ua_subs_of(a)->stale;

	t->told[tag] = a->now.ns;
	t->hash[tag] = hash(dv);
	t->suspect[tag] = false;
}

static void
reply(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_stale *t = arg;
	struct ua_subs *s = ua_subs_of(a);
	const UA_ReadResponse *res = response;

	t->busy = false;
	if (!a->session || UA_StatusCode_isBad(status) || res == NULL || res->resultsSize != t->nasked)
		return;
	for (uint32_t i = 0; i < t->nasked; i++) {
		uint32_t tag = t->asked[i];
		if (s->state[tag] != UA_MON_LIVE)
			continue;
		struct ua_class *c = &s->classes[s->class_of[tag]];
		if (hash(&res->results[i]) == t->hash[tag]) {
			t->told[tag] = a->now.ns;
			t->suspect[tag] = false;
		} else if (!t->suspect[tag]) {	/* it may have changed this moment: two publishings to tell so */
			t->suspect[tag] = true;
			t->told[tag] = a->now.ns - a->data->stale_ns + 2 * c->interval_ns + NS_PER_S;
		} else {
			t->suspect[tag] = false;
			ua_subs_rebuild(a, c, "a tag has changed and the subscription has not told so");
		}
	}
}

static void
ask(struct ua_agent *a, struct ua_stale *t)
{
	UA_ReadValueId ids[STALE_READ_MAX];
	UA_ReadRequest req;

	for (uint32_t i = 0; i < t->nasked; i++) {
		const struct ua_item *it = &a->items[t->asked[i]];
		UA_ReadValueId_init(&ids[i]);
		ids[i].nodeId = it->node;
		ids[i].attributeId = it->addr.attribute;
		if (it->addr.index_range != NULL)
			ids[i].indexRange = UA_STRING((char *)(uintptr_t)it->addr.index_range);
	}
	UA_ReadRequest_init(&req);
	req.timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH;
	req.nodesToRead = ids;
	req.nodesToReadSize = t->nasked;
	t->busy = ua_call(a, &req, &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE], 0, reply, t) == 0;
}

void
ua_stale_tick(struct ua_agent *a, struct mono now)
{
	struct ua_subs *s = ua_subs_of(a);
	struct ua_stale *t = s->stale;
	uint32_t max = a->limits.read < STALE_READ_MAX ? a->limits.read : STALE_READ_MAX, n = a->source->ntags;

	if (t->busy || mono_before(now, t->at))
		return;
	t->nasked = 0;
	for (uint32_t k = 0; k < n && t->nasked < max; k++) {
		uint32_t i = t->from = (t->from + 1) % n;
		if (s->state[i] != UA_MON_LIVE || a->items[i].addr.deadband_kind != UA_DEADBAND_NONE || UA_NodeId_isNull(&a->items[i].node))
			continue;
		if (t->told[i] == 0)
			t->told[i] = now.ns;
		if (now.ns - t->told[i] >= a->data->stale_ns)
			t->asked[t->nasked++] = i;
	}
	if (t->nasked > 0)
		ask(a, t);
	t->at = mono_add(now, t->nasked == max ? 100 * NS_PER_MS : NS_PER_S);
}

struct mono
ua_stale_next(struct ua_agent *a)
{
	const struct ua_stale *t = ua_subs_of(a)->stale;
	return t->busy ? MONO_NEVER : t->at;
}

void
ua_stale_down(struct ua_agent *a)
{
	struct ua_stale *t = ua_subs_of(a)->stale;

	t->busy = false;
	for (uint32_t i = 0; i < a->source->ntags; i++) {
		t->told[i] = 0;
		t->suspect[i] = false;
	}
}
