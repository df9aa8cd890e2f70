/*
 * Tags of kind events: what a notifier says, each event a sample of type json, in order, with the event's own Time as source time. One subscription of
 * its own for all of a source's event tags, taken over after a loss of the session where the server allows it. At each (re)connect the conditions
 * that are of interest now are said anew (ConditionRefresh, OPC 10000-9 1.05, 5.5.7); those events are marked "Refresh": true.
 *
 *	{ "EventId": base64, "EventType": NodeId, "SourceNode": NodeId, "SourceName", "Time", "ReceiveTime", "Message", "Severity",
 *	  "ConditionId": NodeId, "ConditionName", "BranchId", "Retain", "EnabledState", "AckedState", "ConfirmedState", "ActiveState",
 *	  "SuppressedState": true or false, "Shelving", "LimitState", "Quality": status, "LastSeverity", "Comment", "ClientUserId" }
 *
 * What the event's type does not have is left out. An event that says that others were lost has "Overflow": true and the overflow bit in
 * its status (OPC 10000-4, 7.39.1).
 */
#ifndef DRIVER_OPCUA_EVENTS_H
#define DRIVER_OPCUA_EVENTS_H

#include "driver/opcua/publish.h"

#define UA_EVENTS_QUEUE		1000u	/* events that the server keeps between two publishings, unless the address says */
#define UA_EVENTS_KNOWN		256u	/* conditions of a tag that can be acknowledged by their event's id */

int  ua_events_init(struct ua_agent *a);
void ua_events_fini(struct ua_agent *a);
void ua_events_up(struct ua_agent *a, struct mono now);
void ua_events_down(struct ua_agent *a, struct mono now, const char *why);
void ua_events_tick(struct ua_agent *a, struct mono now);
struct mono ua_events_next(struct ua_agent *a);
void ua_events_why(struct ua_agent *a, const struct ua_item *it, struct json *out);
#define UA_EVENTS_ROW { .name = "events", .init = ua_events_init, .fini = ua_events_fini, .up = ua_events_up, .down = ua_events_down, \
	.tick = ua_events_tick, .next = ua_events_next, .why = ua_events_why }

/*
 * The condition whose event of this tag has this id (base64 as in the sample; "": the newest that is not acknowledged). condition: given
 * (UA_NodeId_clear); event: borrowed until the next event. False: why says so.
 */
bool ua_events_find(struct ua_agent *a, uint32_t tag, const char *id, UA_NodeId *condition, UA_ByteString *event, char *why, size_t size);

#endif
