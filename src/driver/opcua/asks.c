/* Asks of the engine: the list of those under way, their ends, and reads on demand. See asks.h. */
#include "driver/opcua/asks_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "driver/opcua/types.h"

#define AGAIN_NS	(20 * NS_PER_MS)

struct asks {
	struct op	*ops;
};

/* ---- ends ---- */

static void
free_op(struct op *o)
{
	*o->link = o->next;
	if (o->next != NULL)
		o->next->link = o->link;
	for (uint32_t i = 0; o->args != NULL && i < o->ask->nargs; i++)
		UA_Variant_clear(&o->args[i]);
	UA_Array_delete(o->inputs, o->ninputs, &UA_TYPES[UA_TYPES_ARGUMENT]);
	UA_NodeId_clear(&o->object);
	UA_NodeId_clear(&o->method);
	UA_NodeId_clear(&o->inputs_node);
	op_clear_target(o);
	arena_fini(&o->memory);
	free(o);
}

void
op_done(struct op *o, int err, const char *why)
{
	struct ua_agent *a = o->a;
	uint32_t id = o->ask->id;
	char text[sizeof o->why];

	/* The ask is gone with ua_out_done(), and free_op() looks at it. */
	snprintf(text, sizeof text, "%s", why != NULL ? why : "");
	free_op(o);
	ua_out_done(a, id, err, text[0] != '\0' ? text : NULL);
}

int
ua_outcome(UA_StatusCode s)
{
	if (!UA_StatusCode_isBad(s))
		return 0;
	switch (s) {
	case UA_STATUSCODE_BADTYPEMISMATCH:
		return ERR_TYPE;
	case UA_STATUSCODE_BADOUTOFRANGE:
	case UA_STATUSCODE_BADINDEXRANGEINVALID:
	case UA_STATUSCODE_BADINDEXRANGENODATA:
		return ERR_RANGE;
	case UA_STATUSCODE_BADNODEIDUNKNOWN:
	case UA_STATUSCODE_BADMETHODINVALID:
	case UA_STATUSCODE_BADNOTFOUND:
		return ERR_NOTFOUND;
	case UA_STATUSCODE_BADTOOMANYOPERATIONS:
	case UA_STATUSCODE_BADRESOURCEUNAVAILABLE:
		return ERR_BUSY;
	/* The server, or what stands behind it, lost its way in the middle. */
	case UA_STATUSCODE_BADTIMEOUT:
	case UA_STATUSCODE_BADREQUESTTIMEOUT:
		return ERR_TIMEOUT;
	case UA_STATUSCODE_BADNOCOMMUNICATION:
	case UA_STATUSCODE_BADCOMMUNICATIONERROR:
	case UA_STATUSCODE_BADDEVICEFAILURE:
	case UA_STATUSCODE_BADUNEXPECTEDERROR:
	case UA_STATUSCODE_BADINTERNALERROR:
	case UA_STATUSCODE_BADSHUTDOWN:
		return ERR_IO;
	case UA_STATUSCODE_BADCONNECTIONCLOSED:
	case UA_STATUSCODE_BADSECURECHANNELCLOSED:
	case UA_STATUSCODE_BADSESSIONCLOSED:
	case UA_STATUSCODE_BADNOTCONNECTED:
	case UA_STATUSCODE_BADDISCONNECT:
	case UA_STATUSCODE_BADREQUESTCANCELLEDBYCLIENT:
		return ERR_CONN;
	default:
		return ERR_DENIED;
	}
}

void
op_failed(struct op *o, UA_StatusCode s, bool sent, const char *what)
{
	int err = ua_outcome(s);
	bool lost = err == ERR_TIMEOUT || err == ERR_CONN || err == ERR_IO;

	/* Nothing that changes anything has left: then it is as it was. */
	if (!sent && lost)
		err = mono_before(o->a->now, o->ask->deadline) ? ERR_BUSY : ERR_EXPIRED;
	snprintf(o->why, sizeof o->why, "%s: %s%s", what, UA_StatusCode_name(s),
	    sent && lost ? "; it may have been carried out or not" : sent ? "" : "; nothing was changed");
	op_done(o, err, o->why);
}

bool
op_expired(struct op *o)
{
	if (mono_before(o->a->now, o->ask->deadline))
		return false;
	op_done(o, ERR_EXPIRED, "its time was over before it could be sent");
	return true;
}

/* ---- reads on demand ---- */

static void
no_value(struct ua_agent *a, uint32_t tag, uint32_t status)
{
	struct value none = { .type = VALUE_NULL };
	ua_out_sample(a, tag, status, &none, (struct wall){ 0 }, (struct wall){ 0 }, a->wall, SAMPLE_REREAD);
}

static bool
readable(const struct ua_item *it)
{
	return it->addr.kind != UA_ADDR_EVENTS && !UA_NodeId_isNull(&it->node);
}

/* Values with structures may wait for their definitions: the read ends when they are out. */
static int
wait_types(struct op *o)
{
	for (uint32_t i = 0; i < o->ask->ntags; i++)
		if (ua_types_waits(o->a, o->ask->tags[i]))
			return ERR_AGAIN;
	op_done(o, 0, NULL);
	return 0;
}

static void
was_read(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct op *o = arg;
	const UA_ReadResponse *r = response;
	size_t k = 0;

	if (UA_StatusCode_isBad(status) || r == NULL) {
		snprintf(o->why, sizeof o->why, "the server did not answer the read: %s", UA_StatusCode_name(status));
		int err = ua_outcome(status);
		op_done(o, err != 0 ? err : ERR_CONN, o->why);
		return;
	}
	for (uint32_t i = o->at; i < o->at + o->n; i++) {
		if (!readable(&a->items[o->ask->tags[i]]))
			continue;
		if (k >= r->resultsSize)
			break;
		ua_out_value(a, o->ask->tags[i], &r->results[k++], a->wall, SAMPLE_REREAD);
	}
	o->at += o->n;
	o->step = op_read;
}

int
op_read(struct op *o)
{
	const struct ua_ask *k = o->ask;
	uint32_t most = o->a->limits.read > 0 && o->a->limits.read < 1000 ? o->a->limits.read : 1000, n = 0;
	struct arena m = { 0 };
	UA_ReadValueId *ids = arena_array(&m, most, sizeof *ids);

	for (o->n = 0; o->at + o->n < k->ntags && n < most; o->n++) {
		const struct ua_item *it = &o->a->items[k->tags[o->at + o->n]];
		if (!readable(it))
			continue;
		ids[n] = (UA_ReadValueId){ .nodeId = it->node, .attributeId = it->addr.attribute };
		if (it->addr.index_range != NULL)
			ids[n].indexRange = UA_STRING((char *)(uintptr_t)it->addr.index_range);
		n++;
	}
	int err = 0;
	if (n > 0) {
		UA_ReadRequest r = { .timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH, .nodesToReadSize = n, .nodesToRead = ids };
		err = ua_call(o->a, &r, &UA_TYPES[UA_TYPES_READREQUEST], &UA_TYPES[UA_TYPES_READRESPONSE], 0, was_read, o);
	}
	arena_fini(&m);
	if (err == ERR_BUSY)
		return err;
	for (uint32_t i = o->at; i < o->at + o->n; i++) {
		const struct ua_item *it = &o->a->items[k->tags[i]];
		if (it->addr.kind == UA_ADDR_EVENTS)
			no_value(o->a, k->tags[i], UA_STATUSCODE_BADNOTSUPPORTED);
		else if (!readable(it))
			no_value(o->a, k->tags[i], it->trouble != UA_STATUSCODE_GOOD ? it->trouble : UA_STATUSCODE_BADWAITINGFORINITIALDATA);
	}
	if (err != 0) {
		op_done(o, err, "the server could not be asked");
		return 0;
	}
	if (n > 0) {
		o->step = NULL;
		return 0;
	}
	o->at += o->n;
	o->step = o->at < k->ntags ? op_read : wait_types;
	return o->step(o);
}

/* ---- the part ---- */

static struct asks *
asks_of(const struct ua_agent *a)
{
	return a->part[UA_PART_ASKS];
}

int
ua_asks_init(struct ua_agent *a)
{
	a->part[UA_PART_ASKS] = arena_new(&a->memory, struct asks);
	return 0;
}

void
ua_asks_fini(struct ua_agent *a)
{
	struct asks *s = asks_of(a);
	while (s != NULL && s->ops != NULL)
		free_op(s->ops);
}

/* Calls under way have been answered (badly) already. What is left had not sent anything yet. */
void
ua_asks_down(struct ua_agent *a, struct mono now, const char *why)
{
	struct asks *s = asks_of(a);

	(void)now;
	(void)why;
	for (struct op *o = s->ops, *next; o != NULL; o = next) {
		next = o->next;
		if (o->step != NULL)
			op_done(o, o->ask->kind == UA_ASK_READ ? ERR_CONN : ERR_BUSY, "the connection was lost before anything was sent");
	}
}

void
ua_asks_tick(struct ua_agent *a, struct mono now)
{
	(void)now;
	for (struct op *o = asks_of(a)->ops, *next; o != NULL; o = next) {
		next = o->next;
		if (o->step == NULL || (o->ask->kind != UA_ASK_READ && op_expired(o)))
			continue;
		int err = o->step(o);
		if (err != 0 && err != ERR_BUSY && err != ERR_AGAIN)
			op_done(o, err, o->why[0] != '\0' ? o->why : err_text(err));
	}
}

struct mono
ua_asks_next(struct ua_agent *a)
{
	for (const struct op *o = asks_of(a)->ops; o != NULL; o = o->next)
		if (o->step != NULL)
			return mono_add(a->now, AGAIN_NS);
	return MONO_NEVER;
}

bool
ua_asks_ask(struct ua_agent *a, const struct ua_ask *ask)
{
	static int (*const first[])(struct op *) = { [UA_ASK_READ] = op_read, [UA_ASK_WRITE] = op_write, [UA_ASK_CALL] = op_call, [UA_ASK_ACK] = op_ack };
	struct asks *s = asks_of(a);
	struct op *o = calloc(1, sizeof *o), **end = &s->ops;

	if (o == NULL) {
		ua_out_done(a, ask->id, ERR_NOMEM, NULL);
		return true;
	}
	while (*end != NULL)	/* in the order they were asked: the later of two writes to a node must not be overtaken */
		end = &(*end)->next;
	*o = (struct op){ .link = end, .a = a, .ask = ask, .step = first[ask->kind] };
	*end = o;
	return true;	/* the next tick begins it */
}
