/* The life of a request, see request.h. Start reading at requests_ask(); how one is judged is in request_judge.c. */
#include "gate/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gate/request_int.h"

#define RETRY_NS	NS_PER_S	/* an outcome that the log refused is tried again so often */
#define FLOOD_ENTRY_NS	(60 * NS_PER_S)

static const struct { const char *code, *text; } reasons[REASON_COUNT] = {
	[REASON_NONE] = { "", "" },
#define X(name, code, text) [REASON_##name] = { code, text },
	REQUEST_REASONS(X)
#undef X
};

const char *
request_reason_code(enum request_reason r)
{
	return reasons[r].code;
}

const char *
request_reason_text(enum request_reason r)
{
	return reasons[r].text;
}

/* ---- telling ---- */

struct request_result
request_result_of(const struct held *h)
{
	return (struct request_result){ .id = h->id, .state = h->state, .code = h->code, .text = h->text,
	    .readback = h->readback,
	    .results = h->results, .nresults = h->nresults };
}

void
request_tell(struct requests *r, struct held *h)
{
	struct request_result res = request_result_of(h);

	for (uint32_t i = 0; i < WAITERS_MAX; i++) {
		uint64_t token = h->waiters[i];
		if (token == 0)
			continue;
		if (request_state_final(h->state))
			h->waiters[i] = 0;
		r->ops.tell(r->ops.arg, token, &res);
	}
}

/* Somebody else waits for it too. False: too many do. */
bool
request_wait(struct held *h, uint64_t token)
{
	for (uint32_t i = 0; i < WAITERS_MAX && token != 0; i++)
		if (h->waiters[i] == 0) {
			h->waiters[i] = token;
			return true;
		}
	return token == 0;
}

void
requests_forget(struct requests *r, uint64_t token)
{
	for (struct held *h = r->held; h != NULL; h = h->next)
		for (uint32_t i = 0; i < WAITERS_MAX; i++)
			if (h->waiters[i] == token)
				h->waiters[i] = 0;
}

/* A refusal that is no request of its own: it has no number. */
void
request_tell_refused(struct requests *r, uint64_t token, enum request_reason why)
{
	struct request_result res = { .state = REQUEST_REFUSED, .code = request_reason_code(why),
	    .text = request_reason_text(why) };

	r->counts.refused++;
	r->counts.by_reason[why]++;
	if (token != 0)
		r->ops.tell(r->ops.arg, token, &res);
}

/* ---- the list ---- */

static void
held_free(struct held *h)
{
	arena_fini(&h->memory);
	free(h);
}

struct held *
request_find(const struct requests *r, uint64_t id)
{
	struct held *h = r->held;
	while (h != NULL && h->id != id)
		h = h->next;
	return h;
}

/* Forget the oldest of those that are over. */
static void
shorten(struct requests *r)
{
	struct held **oldest = NULL;

	if (r->nheld <= REQUESTS_KEPT)
		return;
	for (struct held **at = &r->held; *at != NULL; at = &(*at)->next)
		if (request_state_final((*at)->state) && (*at)->entered)
			oldest = at;
	if (oldest == NULL)
		return;
	struct held *h = *oldest;
	*oldest = h->next;
	r->nheld--;
	held_free(h);
}

static void
copy_request(struct held *h, const struct request *q)
{
	struct arena *a = &h->memory;
	struct value *v = arena_array(a, q->nargs + 1, sizeof *v);

	h->ask = *q;
	h->ask.target = arena_strdup(a, q->target);
	h->ask.method = arena_strdup(a, q->method);
	h->ask.event = arena_strdup(a, q->event);
	h->ask.from = arena_strdup(a, q->from);
	h->ask.user = arena_strdup(a, q->user);
	h->ask.key = arena_strdup(a, q->key);
	h->ask.note = arena_strdup(a, q->note);
	for (uint32_t i = 0; i < q->nroles; i++)
		h->ask.roles[i] = arena_strdup(a, q->roles[i]);
	for (uint32_t i = 0; i < q->nargs; i++) {
		v[i] = q->args[i];
		if (value_has_bytes(v[i].type))
			v[i].p = arena_strndup(a, q->args[i].p, q->args[i].len);
	}
	h->ask.args = v;
}

struct held *
request_new(struct requests *r, uint64_t token, const struct request *q, struct wall wall)
{
	struct held *h = calloc(1, sizeof *h);

	if (h == NULL)
		fatal("out_of_memory", "what=request");
	h->id = r->next_id++;
	h->rule = h->zone = h->source = h->confirmed_by = h->code = "";
	h->asked_at = wall;
	h->waiters[0] = token;
	copy_request(h, q);
	h->next = r->held;
	r->held = h;
	r->nheld++;
	shorten(r);
	return h;
}

/* ---- ends ---- */

/*
 * What the log does not have yet of one that is over: its outcome, or both its entries, with one sync. What it refuses
 * is tried again; meanwhile nothing is admitted, and past REQUESTS_KEPT of them only the answers are left.
 */
static void
enter(struct requests *r, struct held *h, struct mono now, struct wall wall)
{
	struct buf asked = { 0 }, ended = { 0 };
	char mark[AUDIT_WORD_MAX];
	size_t first = h->asked_entered ? 1 : 0;

	record_request(h, h->why, &asked);
	record_outcome(h, &ended);
	record_mark(h, mark, sizeof mark);
	struct audit_new v[] = { { AUDIT_REQUEST, h->id, mark, buf_text(&asked) },
	    { AUDIT_OUTCOME, h->id, request_state_name(h->state), buf_text(&ended) } };
	int err = asked.err != 0 ? asked.err : ended.err != 0 ? ended.err : r->ops.audit(r->ops.arg, v + first,
	    2 - first, wall);
	buf_fini(&asked);
	buf_fini(&ended);
	if (err == 0 || r->unentered >= REQUESTS_KEPT) {
		if (err != 0)
			log_error("entry_lost", "request=%llu state=%s error=\"%s\"", (unsigned long long)h->id,
			    request_state_name(h->state),
			    err_text(err));
		h->entered = h->asked_entered = true;
		return;
	}
	if (r->unentered++ == 0)
		log_error("outcome_not_entered", "request=%llu state=%s error=\"%s\" effect=\"no request is admitted "
		    "until it is\"",
		    (unsigned long long)h->id, request_state_name(h->state), err_text(err));
	r->retry_at = mono_add(now, RETRY_NS);
}

/* It is over, and why; text "" takes that of the reason. Its entry is the caller's. */
void
request_conclude(struct requests *r, struct held *h, enum request_state state, enum request_reason why,
    const char *text, struct wall wall)
{
	if (!request_state_final(h->state) && h->state != REQUEST_STATE_COUNT)
		r->nactive--;
	h->state = state;
	h->ended_at = wall;
	h->code = request_reason_code(why);
	if (h->text != text)
		snprintf(h->text, sizeof h->text, "%s", *text != '\0' ? text : request_reason_text(why));
	if (*h->text == '\0')
		snprintf(h->text, sizeof h->text, "%s", request_reason_text(why));
	uint64_t *const counts[] = { [REQUEST_APPLIED] = &r->counts.applied, [REQUEST_REFUSED] = &r->counts.refused,
	    [REQUEST_EXPIRED] = &r->counts.expired, [REQUEST_UNKNOWN] = &r->counts.unknown };
	++*counts[state];
	r->counts.by_reason[why]++;
	if (h->keyed)
		keys_put(r, h->key, h->digest, h->id, state);
}

void
request_end(struct requests *r, struct held *h, enum request_state state, enum request_reason why, const char *text,
    struct mono now, struct wall wall)
{
	request_conclude(r, h, state, why, text, wall);
	enter(r, h, now, wall);
	request_tell(r, h);
}

void
request_refuse(struct requests *r, struct held *h, enum request_reason why, const char *text, struct mono now,
    struct wall wall)
{
	h->why = why;
	request_end(r, h, why == REASON_LATE ? REQUEST_EXPIRED : REQUEST_REFUSED, why, text, now, wall);
}

/* ---- outcomes ---- */

static bool
keep_results(struct held *h, const struct request_result *res)
{
	struct value *v = arena_array(&h->memory, res->nresults + 1, sizeof *v);

	for (uint32_t i = 0; i < res->nresults; i++) {
		v[i] = res->results[i];
		if (value_has_bytes(v[i].type))
			v[i].p = arena_strndup(&h->memory, res->results[i].p, v[i].len);
	}
	h->results = v;
	h->nresults = res->nresults;
	h->readback = res->readback;
	if (value_has_bytes(h->readback.type))
		h->readback.p = arena_strndup(&h->memory, res->readback.p, res->readback.len);
	return true;
}

void
requests_carried(struct requests *r, const char *zone, const struct request_result *res, struct wall wall)
{
	struct held *h = request_find(r, res->id);

	if (h == NULL || h->state != REQUEST_SENT || strcmp(h->zone, zone) != 0 || !request_state_final(res->state)) {
		log_warn("carried_refused", "zone=%s request=%llu why=\"it speaks of no order that is under way "
		    "there\"", zone,
		    (unsigned long long)res->id);
		return;
	}
	keep_results(h, res);
	/* Its words are its own; the code is kept as it came. */
	request_conclude(r, h, res->state, REASON_NONE, res->text, wall);
	h->code = arena_strdup(&h->memory, res->code);
	enter(r, h, (struct mono){ 0 }, wall);
	request_tell(r, h);
}

void
requests_zone_lost(struct requests *r, const char *zone, struct wall wall)
{
	for (struct held *h = r->held; h != NULL; h = h->next)
		if (h->state == REQUEST_SENT && strcmp(h->zone, zone) == 0)
			request_end(r, h, REQUEST_UNKNOWN, REASON_LOST, "", (struct mono){ 0 }, wall);
}

struct mono
requests_tick(struct requests *r, struct mono now, struct wall wall)
{
	struct mono next = MONO_NEVER;

	if (r->unentered > 0 && !mono_before(now, r->retry_at)) {
		r->unentered = 0;
		for (struct held *h = r->held; h != NULL; h = h->next)
			if (request_state_final(h->state) && !h->entered)
				enter(r, h, now, wall);
	}
	for (struct held *h = r->held; h != NULL; h = h->next) {
		if (h->state == REQUEST_PENDING && !mono_before(now, h->deadline))
			request_end(r, h, REQUEST_EXPIRED, REASON_LATE, "no second person confirmed it in time", now,
			    wall);
		else if (h->state == REQUEST_SENT && !mono_before(now, h->silent_at))
			request_end(r, h, REQUEST_UNKNOWN, REASON_SILENT, "", now, wall);
		if (h->state == REQUEST_PENDING || h->state == REQUEST_SENT)
			next = mono_min(next, h->state == REQUEST_PENDING ? h->deadline : h->silent_at);
	}
	if (!mono_before(now, r->flood_at)) {
		r->flood_at = MONO_NEVER;
		request_enter_floods(r, wall);
	}
	r->counts.pending = r->nactive;
	return mono_min(mono_min(next, r->flood_at), r->unentered > 0 ? r->retry_at : MONO_NEVER);
}

bool
requests_show(const struct requests *r, uint64_t id, uint32_t most, struct mono now, struct buf *out)
{
	uint32_t n = 0;

	for (const struct held *h = r->held; h != NULL; h = h->next) {
		if (id != 0 && h->id != id)
			continue;
		if (n++ < most || id != 0)
			record_line(h, now, out);
	}
	return n > 0;
}

const struct requests_counts *
requests_counts(const struct requests *r)
{
	return &r->counts;
}
