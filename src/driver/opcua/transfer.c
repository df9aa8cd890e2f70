/*
 * After a loss of the session, with the same server still running: its subscriptions go on for their lifetime and are taken over (TransferSubscriptions, Part 4, 5.13.7) with
 * all that they have kept meanwhile. Many servers refuse it, for anonymous users nearly all; then everything is created anew.
 */
#include "driver/opcua/subs.h"

#define MOVED_NS	(5 * NS_PER_S)

static void
took(struct ua_agent *a, struct ua_subs *s, struct ua_class *c, const UA_TransferResult *res)
{
	if (ua_publish_resume(a, &c->sub, res->availableSequenceNumbers, res->availableSequenceNumbersSize) != 0) {
		ua_subs_lost(a, c);
		return;
	}
	c->state = UA_SUB_UP;
	c->torn = false;
	c->moved_until = mono_add(a->now, MOVED_NS + 2 * c->interval_ns);
	s->transferred++;
	for (uint32_t i = 0; i < a->source->ntags; i++)
		if (s->class_of[i] == c->no && s->state[i] == UA_MON_LIVE)
			s->mark[i] = (uint8_t)((s->mark[i] & UA_MARK_GAP) | UA_MARK_MOVED);
	log_info("opcua_subscription_transferred", "source=\"%s\" id=%u items=%u kept_messages=%zu", a->source->name, c->sub.id, c->nitems,
	    res->availableSequenceNumbersSize);
}

static void
reply(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_subs *s = arg;
	const UA_TransferSubscriptionsResponse *res = response;
	size_t k = 0;

	if (!a->session || ua_status_lost(status))
		return;		/* they stay kept, for the next session */
	for (uint32_t i = 0; i < s->nclasses; i++) {
		struct ua_class *c = &s->classes[i];
		if (c->state != UA_SUB_KEPT)
			continue;
		UA_StatusCode rv = UA_StatusCode_isBad(status) || res == NULL ? status : k < res->resultsSize ?
		    res->results[k].statusCode : UA_STATUSCODE_BADUNEXPECTEDERROR;
		if (!UA_StatusCode_isBad(rv) && res != NULL)
			took(a, s, c, &res->results[k]);
		else {
			log_info("opcua_transfer_refused", "source=\"%s\" id=%u status=%s", a->source->name, c->sub.id, ua_status_name(rv));
			ua_subs_lost(a, c);
		}
		k++;
	}
}

bool
ua_transfer(struct ua_agent *a, struct ua_subs *s)
{
	UA_UInt32 ids[PLAN_SCAN_CLASSES_MAX + 1];
	UA_TransferSubscriptionsRequest req;
	uint32_t n = 0;

	if (!a->data->transfer || !a->same_server || a->namespaces_moved)
		return false;
	for (uint32_t i = 0; i < s->nclasses; i++) {
		struct ua_class *c = &s->classes[i];
		if (c->state == UA_SUB_KEPT && (!c->whole || c->nitems == 0))
			ua_subs_lost(a, c);
		if (c->state == UA_SUB_KEPT)
			ids[n++] = c->sub.id;
	}
	if (n == 0)
		return false;
	UA_TransferSubscriptionsRequest_init(&req);
	req.subscriptionIds = ids;
	req.subscriptionIdsSize = n;
	req.sendInitialValues = true;
	return ua_call(a, &req, &UA_TYPES[UA_TYPES_TRANSFERSUBSCRIPTIONSREQUEST], &UA_TYPES[UA_TYPES_TRANSFERSUBSCRIPTIONSRESPONSE], 0, reply, s) == 0;
}
