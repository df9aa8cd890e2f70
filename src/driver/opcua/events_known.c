/* Conditions by the id of their newest event, so that an event can be acknowledged: OPC 10000-9 1.05, 5.7.3 wants the EventId and the ConditionId. */
#include "driver/opcua/events_int.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"

static void
clear(struct event_known *k)
{
	UA_NodeId_clear(&k->condition);
	UA_NodeId_clear(&k->branch);
	UA_ByteString_clear(&k->event);
}

void
event_forget(struct event_tag *t)
{
	for (uint32_t i = 0; i < t->nknown; i++)
		clear(&t->known[i]);
	t->nknown = 0;
}

/* Where this branch is kept: its place, a free one, or that of the oldest. */
static struct event_known *
place(struct event_tag *t, const UA_NodeId *condition, const UA_NodeId *branch)
{
	struct event_known *oldest = &t->known[0];

	for (uint32_t i = 0; i < t->nknown; i++) {
		if (UA_NodeId_equal(&t->known[i].condition, condition) && UA_NodeId_equal(&t->known[i].branch, branch))
			return &t->known[i];
		if (t->known[i].age < oldest->age)
			oldest = &t->known[i];
	}
	return t->nknown < UA_EVENTS_KNOWN ? &t->known[t->nknown++] : oldest;
}

void
event_remember(struct ua_events *e, struct event_tag *t, const UA_NodeId *condition, const UA_NodeId *branch, const UA_ByteString *event, bool acked)
{
	struct event_known *k = place(t, condition, branch);

	clear(k);
	*k = (struct event_known){ .acked = acked, .age = ++e->age };
	if (UA_NodeId_copy(condition, &k->condition) != UA_STATUSCODE_GOOD || UA_NodeId_copy(branch, &k->branch) != UA_STATUSCODE_GOOD ||
	    UA_ByteString_copy(event, &k->event) != UA_STATUSCODE_GOOD)
		clear(k);
}

bool
ua_events_find(struct ua_agent *a, uint32_t tag, const char *id, UA_NodeId *condition, UA_ByteString *event, char *why, size_t size)
{
	struct ua_events *e = events_of(a);
	const struct event_tag *t = NULL;
	const struct event_known *found = NULL;
	uint8_t bytes[BASE64_BYTES(1024)];
	size_t len = strlen(id), n = 0;

	for (uint32_t i = 0; e != NULL && i < e->ntags; i++)
		if (e->tags[i].tag == tag)
			t = &e->tags[i];
	if (t == NULL) {
		snprintf(why, size, "this tag has no events");
		return false;
	}
	if (len > 1024 || base64_get(id, len, bytes, &n) != 0) {
		snprintf(why, size, "the event's id is none: take the text of EventId as the event's sample has it");
		return false;
	}
	for (uint32_t i = 0; i < t->nknown; i++) {
		const struct event_known *k = &t->known[i];
		bool fits = len == 0 ? !k->acked : k->event.length == n && memcmp(k->event.data, bytes, n) == 0;
		if (fits && k->event.length > 0 && (found == NULL || k->age > found->age))
			found = k;
	}
	if (found == NULL) {
		snprintf(why, size, len == 0 ? "no condition of this tag waits for an acknowledgement" :
		    "no condition has this event as its newest: it changed since, or is older than this connection");
		return false;
	}
	*event = found->event;
	return UA_NodeId_copy(&found->condition, condition) == UA_STATUSCODE_GOOD;
}
