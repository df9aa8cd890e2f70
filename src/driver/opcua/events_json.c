/* An event of a server as a sample: its fields as JSON, its times, what it means for the refresh under way. See events.h. */
#include "driver/opcua/events_int.h"

#include <string.h>

#include "base/log.h"
#include "driver/opcua/ua_value.h"

#define STATUS_OVERFLOW 0x00000480u	/* Good, InfoType DataValue, Overflow: OPC 10000-4 1.05, 7.39.1 */

struct event {
	UA_ByteString		 id;
	UA_NodeId		 type, condition, branch;
	UA_DateTime		 time, received;
	bool			 acked, has_acked;
	uint16_t		 severity;
};

static const void *
scalar(const UA_Variant *v, const UA_DataType *type)
{
	return UA_Variant_hasScalarType(v, type) ? v->data : NULL;
}

static void
note(struct event *x, enum event_role role, const UA_Variant *v)
{
	const void *p;

	switch (role) {
	case ROLE_EVENT_ID:
		if ((p = scalar(v, &UA_TYPES[UA_TYPES_BYTESTRING])) != NULL)
			x->id = *(const UA_ByteString *)p;
		break;
	case ROLE_TYPE:
	case ROLE_CONDITION:
	case ROLE_BRANCH:
		if ((p = scalar(v, &UA_TYPES[UA_TYPES_NODEID])) != NULL)
			*(role == ROLE_TYPE ? &x->type : role == ROLE_CONDITION ? &x->condition : &x->branch) = *(const UA_NodeId *)p;
		break;
	case ROLE_TIME:
	case ROLE_RECEIVED:
		if ((p = scalar(v, &UA_TYPES[UA_TYPES_DATETIME])) != NULL)
			*(role == ROLE_TIME ? &x->time : &x->received) = *(const UA_DateTime *)p;
		break;
	case ROLE_ACKED:
		if ((p = scalar(v, &UA_TYPES[UA_TYPES_BOOLEAN])) != NULL) {
			x->acked = *(const UA_Boolean *)p;
			x->has_acked = true;
		}
		break;
	case ROLE_SEVERITY:
		if ((p = scalar(v, &UA_TYPES[UA_TYPES_UINT16])) != NULL)
			x->severity = *(const UA_UInt16 *)p;
		break;
	default:
		break;
	}
}

static bool
is(const struct event *x, uint32_t type)
{
	return x->type.namespaceIndex == 0 && x->type.identifierType == UA_NODEIDTYPE_NUMERIC && x->type.identifier.numeric == type;
}

/* Events that are about the telling itself. True: no sample is made of it. */
static bool
about_telling(struct ua_events *e, struct event_tag *t, const struct event *x)
{
	if (is(x, UA_NS0ID_REFRESHSTARTEVENTTYPE))
		t->refreshing = true;
	else if (is(x, UA_NS0ID_REFRESHENDEVENTTYPE))
		t->refreshing = false;
	else if (is(x, UA_NS0ID_REFRESHREQUIREDEVENTTYPE))
		e->refresh = true;
	else
		return false;
	return true;
}

static bool
said(const struct value *v, const struct event_field *f)
{
	/* A branch that is none is the trunk (Part 9, 5.5.2.11): nothing to say. */
	if (f->role == ROLE_BRANCH && v->type == VALUE_TEXT && v->len == 3 && memcmp(v->p, "i=0", 3) == 0)
		return false;
	return v->type != VALUE_NULL;
}

static void
put_fields(struct ua_events *e, struct event_tag *t, const UA_EventFieldList *l, struct arena *m, struct json *j, struct event *x)
{
	uint32_t n = event_nfields(t->filter);
	const char *why;

	for (uint32_t i = 0; i < n && i < l->eventFieldsSize; i++) {
		const struct event_field *f = &event_fields[i];
		const UA_Variant *v = &l->eventFields[i];
		struct value value;
		if (v->type == NULL || v->type == &UA_TYPES[UA_TYPES_STATUSCODE]) {
			/* A field that the event does not have comes as null or as a status (7.22.3); Quality is one of its own right. */
			if (v->type == NULL || strcmp(f->name, "Quality") != 0)
				continue;
		}
		note(x, f->role, v);
		if (ua_value_plain(e->agent, v, m, &value, &why) != 0 || !said(&value, f))
			continue;
		json_key(j, f->name);
		value_json(j, &value);
	}
}

static void
out(struct ua_events *e, struct event_tag *t, struct buf *b, uint32_t status, struct wall source, struct wall server)
{
	struct value v = { .type = VALUE_JSON, .len = (uint32_t)b->len, .p = buf_text(b) };

	if (b->err != 0) {	/* a message of more than 64 KiB: that there was an event is said */
		log_warn("opcua_event_too_long", "source=\"%s\" tag=\"%s\"", e->agent->source->name, e->agent->source->tags[t->tag].path);
		v = (struct value){ .type = VALUE_NULL };
		status = UA_STATUSCODE_BADENCODINGLIMITSEXCEEDED;
	}
	t->events++;
	ua_out_sample(e->agent, t->tag, status, &v, source, server, e->agent->wall, 0);
}

void
event_notified(struct ua_events *e, struct event_tag *t, const UA_EventFieldList *l)
{
	struct buf b = { .max = VALUE_BYTES_MAX };
	struct json j = { .out = &b };
	struct arena m = { 0 };
	struct event x = { .time = 0 };
	uint32_t status = UA_STATUSCODE_GOOD;

	json_open(&j, '{');
	put_fields(e, t, l, &m, &j, &x);
	/* A server that takes no where clause sends all. */
	bool mild = t->filter == EVENT_FILTER_BARE && x.severity < e->agent->items[t->tag].addr.severity;
	if (!about_telling(e, t, &x) && !mild) {
		if (t->refreshing)
			json_key_bool(&j, "Refresh", true);
		if (is(&x, UA_NS0ID_EVENTQUEUEOVERFLOWEVENTTYPE)) {
			t->overflows++;
			status = STATUS_OVERFLOW;
			json_key_bool(&j, "Overflow", true);
			log_warn("opcua_event_overflow", "source=\"%s\" tag=\"%s\" remedy=\"raise the tag's queue\"", e->agent->source->name,
			    e->agent->source->tags[t->tag].path);
		}
		json_close(&j, '}');
		if (!UA_NodeId_isNull(&x.condition) && x.id.length > 0)
			event_remember(e, t, &x.condition, &x.branch, &x.id, x.acked || !x.has_acked);
		out(e, t, &b, status, ua_wall(x.time), ua_wall(x.received));
	}
	buf_fini(&b);
	arena_fini(&m);
}

void
event_lost(struct ua_events *e, struct event_tag *t, uint32_t n)
{
	struct buf b = { 0 };
	struct json j = { .out = &b };

	t->overflows++;
	json_open(&j, '{');
	json_key(&j, "Message");
	json_text(&j, n > 0 ? "events were lost: the server no longer had some of its messages" :
	    "events may have been lost: the server did not keep what happened while there was no connection");
	json_key_bool(&j, "Overflow", true);
	json_close(&j, '}');
	out(e, t, &b, STATUS_OVERFLOW, (struct wall){ 0 }, (struct wall){ 0 });
	buf_fini(&b);
}
