/*
 * A client's Write becomes a request through gate. The Write service of OPC UA has no way to wait for a device, but a status of its own for that
 * (OPC 10000-4, 5.11.4.4): GoodCompletesAsynchronously, the value will be written, and whether it was shows in the variable itself. That is what
 * the client gets; the outcome is logged, and gate's audit log has it in full.
 */
#include <stdlib.h>

#include "base/log.h"
#include "os/clock.h"
#include "sink/opcua_server/uas.h"

#define ASKS_MAX	256u

struct uas_ask {
	struct uas_server	*server;
	uint64_t		 next;
	uint32_t		 under_way;
	struct log_limit	 limit;
};

/* There is one server a thread, and the library's callback has no argument of ours that a client could not also reach. */
static _Thread_local struct uas_ask *here;

struct uas_ask *
uas_ask_new(struct uas_server *s)
{
	struct uas_ask *a = calloc(1, sizeof *a);

	if (a == NULL)
		fatal("out_of_memory", "what=\"opcua server\"");
	*a = (struct uas_ask){ .server = s, .next = 1, .limit = { .burst = 20, .period_ms = 60000 } };
	here = a;
	return a;
}

void
uas_ask_free(struct uas_ask *a)
{
	if (a != NULL && here == a)
		here = NULL;
	free(a);
}

/* While a node is diverted it is read through this as well: the value as it stands. */
static UA_StatusCode
read_value(UA_Server *server, const UA_NodeId *session, void *user, const UA_NodeId *id, void *context, UA_Boolean source_time,
    const UA_NumericRange *range, UA_DataValue *out)
{
	const struct uas_var *v = uas_context_var(context);
	UA_Variant all;
	(void)server, (void)session, (void)user, (void)id, (void)source_time;

	UA_DataValue_init(out);
	if (v == NULL)
		return UA_STATUSCODE_BADINTERNALERROR;
	out->hasStatus = true;
	out->status = v->status;
	out->hasSourceTimestamp = v->source != 0;
	out->sourceTimestamp = v->source;
	out->hasServerTimestamp = v->server != 0;
	out->serverTimestamp = v->server;
	if (v->type == VALUE_NULL)
		return UA_STATUSCODE_GOOD;
	uas_raw_variant(&v->raw, v->type, &all);
	out->hasValue = true;
	if (range == NULL) {
		out->value = all;
		return UA_STATUSCODE_GOOD;
	}
	UA_StatusCode err = UA_Variant_copyRange(&all, &out->value, *range);
	if (err != UA_STATUSCODE_GOOD) {
		out->hasValue = false;
		out->status = err;
	}
	return UA_STATUSCODE_GOOD;
}

static struct uas_news *
as_request(const struct uas_user *u, const struct uas_var *v, const UA_DataValue *dv)
{
	struct uas_news *n = calloc(1, sizeof *n);
	struct value value;

	if (n == NULL)
		return NULL;
	if (!uas_value(&dv->value, &value, &n->arena)) {
		uas_news_free(n);
		return NULL;
	}
	struct request *q = arena_new(&n->arena, struct request);
	struct value *arg = arena_new(&n->arena, struct value);
	*arg = value;
	if (value.type == VALUE_TEXT || value.type == VALUE_BYTES)
		arg->p = arena_strndup(&n->arena, value.p, value.len);
	*q = (struct request){
		.kind = REQUEST_WRITE, .target = arena_strndup(&n->arena, (const char *)v->node.id.identifier.string.data, v->node.id.identifier.string.length),
		.method = "", .event = "", .args = arg, .nargs = 1, .from = "", .user = arena_strdup(&n->arena, u->name),
		.roles = { uas_role_names[u->role] }, .nroles = 1, .key = "", .note = "written by an OPC UA client",
	};
	n->kind = UAS_ASK;
	n->request = q;
	return n;
}

static UA_StatusCode
write_value(UA_Server *server, const UA_NodeId *session, void *user, const UA_NodeId *id, void *context, const UA_NumericRange *range,
    const UA_DataValue *dv)
{
	struct uas_ask *a = here;
	const struct uas_var *v = uas_context_var(context);
	const struct uas_user *by = uas_access_user(user);
	(void)server, (void)session, (void)id;

	if (a == NULL || v == NULL || by == NULL)
		return UA_STATUSCODE_BADINTERNALERROR;
	/* A device takes a value, no quality: "bad" must not come out there as a setpoint (OPC 10000-4, 5.11.4.4). */
	if (range != NULL || (dv->hasStatus && dv->status != UA_STATUSCODE_GOOD))
		return UA_STATUSCODE_BADWRITENOTSUPPORTED;
	if (!dv->hasValue)
		return UA_STATUSCODE_BADTYPEMISMATCH;
	if (a->under_way >= ASKS_MAX)
		return UA_STATUSCODE_BADTOOMANYOPERATIONS;
	struct uas_news *n = as_request(by, v, dv);
	if (n == NULL)
		return UA_STATUSCODE_BADTYPEMISMATCH;
	n->ask = a->next++;
	a->under_way++;
	uas_hand_tell(a->server->hand, n);
	return UA_STATUSCODE_GOODCOMPLETESASYNCHRONOUSLY;
}

const UA_DataSource *
uas_ask_source(void)
{
	static const UA_DataSource source = { .read = read_value, .write = write_value };
	return &source;
}

void
uas_ask_outcome(struct uas_ask *a, const struct uas_order *o)
{
	unsigned long more;

	if (a->under_way > 0)
		a->under_way--;
	if (o->state != REQUEST_APPLIED && log_limit_ok(&a->limit, mono_now(), &more))
		log_warn("opcua_write_not_applied", "sink=%s state=%s why=\"%s\" more=%lu", a->server->cfg->sink, request_state_name(o->state),
		    o->text != NULL ? o->text : "", more);
}
