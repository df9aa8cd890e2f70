/*
 * The stores of this node's history sinks, opened read-only: which has which variable, and the calls of clients, node by node. See hist.h.
 *
 * A series belongs to a variable when it bears its name; that of the variable's own flow goes first. Who has what is found in one pass over the
 * stores, again when a variable asks that was not found then.
 */
#include "sink/opcua_server/hist.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "os/clock.h"

#define STORES_MAX	8u
#define NONE		(-1)
#define AGAIN_NS	(2 * NS_PER_S)
#define CALL_NS		(2 * NS_PER_S)	/* of the server's time for one call */
#define STORE_SHIFT	56		/* a variable's series: number of the store above, its id there below */

struct uas_history {
	char		*folder;	/* <state>/office */
	struct { char *path; struct history *h; } stores[STORES_MAX];
	size_t		 n;
	struct uas_space *space;
	struct mono	 again;		/* the next pass over the stores not before */
	size_t		 at;		/* of the pass */
};

static void
open_stores(struct uas_history *h)
{
	DIR *d = opendir(h->folder);
	char path[1400], why[300];

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL && h->n < STORES_MAX;) {
		bool known = false;
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s/" HISTORY_FILE, h->folder, e->d_name);
		for (size_t i = 0; i < h->n; i++)
			known = known || strcmp(h->stores[i].path, path) == 0;
		if (known || history_open(path, false, &h->stores[h->n].h, why, sizeof why) != 0)
			continue;	/* no history there, or not yet */
		if ((h->stores[h->n].path = strdup(path)) == NULL)
			fatal("out_of_memory", "what=\"opcua server\"");
		h->n++;
	}
	if (d != NULL)
		closedir(d);
}

static bool
on_series(void *arg, const struct series_info *s)
{
	struct uas_history *h = arg;
	UA_String id = { .length = strlen(s->name), .data = (UA_Byte *)(uintptr_t)s->name };
	struct uas_node *n = uas_space_node(h->space, &id);

	if (n == NULL || n->kind != UAS_VAR)
		return true;
	struct uas_var *v = (struct uas_var *)n;
	if (v->series > 0 && (v->flow == NULL || strcmp(v->flow, s->flow) != 0))
		return true;
	v->series = s->id | (int64_t)h->at << STORE_SHIFT;
	return true;
}

static void
pass(struct uas_history *h)
{
	struct mono begun = mono_now();

	open_stores(h);
	for (struct uas_stream *st = h->space->streams; st != NULL; st = st->next)
		for (uint32_t i = 0; i < st->n; i++)
			st->vars[i]->series = NONE;
	for (h->at = 0; h->at < h->n; h->at++)
		if (history_each_series(h->stores[h->at].h, "**", on_series, h) != 0)
			log_warn("opcua_history_unreadable", "file=\"%s\" error=\"%s\"", h->stores[h->at].path, history_fault(h->stores[h->at].h));
	int64_t took = mono_diff(mono_now(), begun);
	h->again = mono_add(mono_now(), AGAIN_NS + 50 * took);	/* at most two per cent of the time */
}

bool
hist_has(void *arg, struct uas_var *v)
{
	struct uas_history *h = arg;

	if (v->series <= 0 && v->def != NULL && !mono_before(mono_now(), h->again))
		pass(h);
	return v->series > 0;
}

struct history *
hist_store(struct uas_history *h, const struct uas_var *v, int64_t *id)
{
	size_t at = (size_t)(v->series >> STORE_SHIFT);

	*id = v->series & (((int64_t)1 << STORE_SHIFT) - 1);
	return v->series > 0 && at < h->n ? h->stores[at].h : NULL;
}

/* ---- life ---- */

struct uas_history *
uas_history_new(const struct uas_cfg *cfg)
{
	struct uas_history *h = calloc(1, sizeof *h);

	if (h == NULL || asprintf(&h->folder, "%s/office", cfg->state) < 0)
		fatal("out_of_memory", "what=\"opcua server\"");
	return h;
}

void
uas_history_free(struct uas_history *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->n; i++) {
		history_close(h->stores[i].h);
		free(h->stores[i].path);
	}
	free(h->folder);
	free(h);
}

static bool
permitted(struct uas_history *h, const UA_HistoryReadValueId *id, UA_StatusCode *err, struct uas_var **v)
{
	struct uas_node *n = id->nodeId.namespaceIndex == h->space->ns && id->nodeId.identifierType == UA_NODEIDTYPE_STRING ?
	    uas_space_node(h->space, &id->nodeId.identifier.string) : NULL;

	*v = n != NULL && n->kind == UAS_VAR ? (struct uas_var *)n : NULL;
	*err = n == NULL ? UA_STATUSCODE_BADNODEIDUNKNOWN : *v == NULL || !hist_has(h, *v) ? UA_STATUSCODE_BADHISTORYOPERATIONUNSUPPORTED :
	    id->indexRange.length != 0 ? UA_STATUSCODE_BADINDEXRANGEINVALID : UA_STATUSCODE_GOOD;
	return *err == UA_STATUSCODE_GOOD;
}

/*
 * A call may name 10,000 nodes, and everybody else waits while it is answered: what comes after so much time, or more bytes than an answer may have, is
 * to be asked for again with fewer nodes.
 */
struct allowance { struct mono until; size_t bytes; };

static bool
spent(const struct allowance *a)
{
	return a->bytes > UAS_MESSAGE_MAX || mono_before(a->until, mono_now());
}

/* The library leaves an empty HistoryData in each result. Where there is nothing to say, none is to be said (OPC 10000-4, 5.11.3.2). */
static void
no_history(UA_HistoryReadResult *r, UA_StatusCode err)
{
	UA_ExtensionObject_clear(&r->historyData);
	r->statusCode = err;
}

static void
answered(struct allowance *left, UA_HistoryReadResult *r, UA_StatusCode err, const UA_HistoryData *data)
{
	if (UA_StatusCode_isBad(err))
		no_history(r, err);
	else {
		r->statusCode = err;
		left->bytes += UA_calcSizeBinary(data, &UA_TYPES[UA_TYPES_HISTORYDATA]);
	}
}

static void
on_raw(UA_Server *server, void *ctx, const UA_NodeId *session, void *user, const UA_RequestHeader *header, const UA_ReadRawModifiedDetails *d,
    UA_TimestampsToReturn times, UA_Boolean release, size_t n, const UA_HistoryReadValueId *ids, UA_HistoryReadResponse *response,
    UA_HistoryData *const *const data)
{
	struct allowance left = { .until = mono_add(mono_now(), CALL_NS) };
	struct uas_history *h = ctx;
	struct uas_var *v;
	UA_StatusCode err;
	(void)server, (void)session, (void)user, (void)header;

	for (size_t i = 0; i < n; i++) {
		if (release) {	/* ours are words that the client keeps for us: nothing is held here */
			no_history(&response->results[i], UA_STATUSCODE_GOOD);
			continue;
		}
		if (spent(&left))
			err = UA_STATUSCODE_BADTOOMANYOPERATIONS;
		else if (permitted(h, &ids[i], &err, &v))
			err = hist_read_raw(h, v, d, times, UAS_HISTORY_VALUES_MAX * 10 / n + 1, &ids[i].continuationPoint, &response->results[i], data[i]);
		answered(&left, &response->results[i], err, data[i]);
	}
}

static void
on_processed(UA_Server *server, void *ctx, const UA_NodeId *session, void *user, const UA_RequestHeader *header, const UA_ReadProcessedDetails *d,
    UA_TimestampsToReturn times, UA_Boolean release, size_t n, const UA_HistoryReadValueId *ids, UA_HistoryReadResponse *response,
    UA_HistoryData *const *const data)
{
	struct allowance left = { .until = mono_add(mono_now(), CALL_NS) };
	struct uas_history *h = ctx;
	struct uas_var *v;
	UA_StatusCode err;
	(void)server, (void)session, (void)user, (void)header, (void)times;

	if (d->aggregateTypeSize != n) {
		response->responseHeader.serviceResult = UA_STATUSCODE_BADAGGREGATELISTMISMATCH;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (release) {
			no_history(&response->results[i], UA_STATUSCODE_GOOD);
			continue;
		}
		const UA_NodeId *a = &d->aggregateType[i];
		uint32_t id = a->namespaceIndex == 0 && a->identifierType == UA_NODEIDTYPE_NUMERIC ? a->identifier.numeric : 0;
		if (spent(&left))
			err = UA_STATUSCODE_BADTOOMANYOPERATIONS;
		else if (permitted(h, &ids[i], &err, &v))
			err = hist_read_processed(h, v, d, id, UAS_HISTORY_VALUES_MAX * 10 / n + 1, &ids[i].continuationPoint, &response->results[i], data[i]);
		answered(&left, &response->results[i], err, data[i]);
	}
}

static void
clear(UA_HistoryDatabase *db)
{
	db->context = NULL;	/* the server's life owns it */
}

void
uas_history_install(struct uas_history *h, struct uas_server *s, UA_ServerConfig *c)
{
	h->space = &s->space;
	s->space.history = h;
	s->space.has_history = hist_has;
	c->historizingEnabled = true;
	c->accessHistoryDataCapability = true;
	c->historyDatabase = (UA_HistoryDatabase){ .context = h, .clear = clear, .readRaw = on_raw, .readProcessed = on_processed };
}
