/*
 * A subscription that lives in our session and that nobody here follows: one whose take-over or deletion was not answered in time, so that we have given it up and
 * the server has not. Our Publish requests keep it alive for ever (Part 4, 5.13.1.2), and its messages eat them. When it shows itself it is ended.
 */
#include "driver/opcua/sequence.h"

static void
ended(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	(void)arg;
	(void)response;
	if (UA_StatusCode_isBad(status))
		log_info("opcua_delete_refused", "source=\"%s\" status=%s", a->source->name, ua_status_name(status));
}

void
ua_publish_end_stray(struct ua_agent *a, uint32_t id)
{
	UA_DeleteSubscriptionsRequest req;

	UA_DeleteSubscriptionsRequest_init(&req);
	req.subscriptionIds = &id;
	req.subscriptionIdsSize = 1;
	if (ua_call(a, &req, &UA_TYPES[UA_TYPES_DELETESUBSCRIPTIONSREQUEST], &UA_TYPES[UA_TYPES_DELETESUBSCRIPTIONSRESPONSE], 0, ended, NULL) == 0)
		log_info("opcua_subscription_stray", "source=\"%s\" id=%u result=deleted", a->source->name, id);
}
