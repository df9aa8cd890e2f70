/* Somebody asks: floods and repetitions are turned away, the rest is judged. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gate/request_int.h"

#define FLOOD_ENTRY_NS	(60 * NS_PER_S)

/* Names that the plan does not know are one requester: a taken-over office could make up any number of them. */
static const char *
known_from(const struct requests *r, const char *from)
{
	if (strcmp(from, "cli") == 0 || strcmp(from, REQUEST_FROM_EVENTS) == 0)
		return from;
	for (uint32_t i = 0; r->plan != NULL && i < r->plan->nsinks; i++)
		if (strcmp(r->plan->sinks[i].name, from) == 0)
			return from;
	return "(unknown)";
}

/* The command line has the first place, whoever comes first. */
bool
request_flooded(struct requests *r, const char *from, struct mono now)
{
	struct flood *f = NULL;

	from = known_from(r, from);
	snprintf(r->floods[0].from, sizeof r->floods[0].from, "cli");

	for (size_t i = 0; i < sizeof r->floods / sizeof r->floods[0] && f == NULL; i++)
		if (r->floods[i].from[0] == '\0' || strcmp(r->floods[i].from, from) == 0)
			f = &r->floods[i];
	if (f == NULL)		/* more requesters than places: the last ones share one */
		f = &r->floods[sizeof r->floods / sizeof r->floods[0] - 1];
	snprintf(f->from, sizeof f->from, "%s", from);
	if (mono_diff(now, f->second) >= NS_PER_S || f->second.ns == 0) {
		f->second = now;
		f->n = 0;
	}
	if (++f->n <= REQUESTS_A_SECOND)
		return false;
	f->left_out++;
	if (r->flood_at.ns == INT64_MAX)
		r->flood_at = mono_add(now, FLOOD_ENTRY_NS);
	return true;
}

void
request_enter_floods(struct requests *r, struct wall wall)
{
	for (size_t i = 0; i < sizeof r->floods / sizeof r->floods[0]; i++) {
		struct flood *f = &r->floods[i];
		struct buf b = { 0 };
		struct json j = { .out = &b };
		if (f->left_out == 0)
			continue;
		json_open(&j, '{');
		json_key_text(&j, "from", f->from);
		json_key_u64(&j, "refused", f->left_out);
		json_close(&j, '}');
		if (r->ops.audit(r->ops.arg, &(struct audit_new){ AUDIT_FLOOD, 0, NULL, buf_text(&b) }, 1, wall) == 0)
			f->left_out = 0;
		buf_fini(&b);
	}
}

/* The same key again: the known outcome, or a place among those who wait for it. True: answered. */
static bool
repeated(struct requests *r, uint64_t token, const struct request *q, const uint8_t key[DIGEST],
    const uint8_t digest[DIGEST])
{
	const struct known_key *k = keys_find(r, key);
	(void)q;

	if (k == NULL)
		return false;
	r->counts.repeated++;
	if (memcmp(k->digest, digest, DIGEST) != 0) {
		request_tell_refused(r, token, REASON_KEY);
		return true;
	}
	struct held *h = request_find(r, k->id);
	struct request_result res = { .id = k->id, .state = (enum request_state)k->state, .code = "repeated",
	    .text = "asked before with this key; penstock audit show has all of it" };
	if (h != NULL)
		res = request_result_of(h);
	if (h != NULL && !request_state_final(h->state) && !request_wait(h, token)) {
		request_tell_refused(r, token, REASON_FULL);
		return true;
	}
	if (token != 0)
		r->ops.tell(r->ops.arg, token, &res);
	return true;
}

void
requests_ask(struct requests *r, uint64_t token, const struct request *q, struct mono now, struct wall wall)
{
	uint8_t key[DIGEST], digest[DIGEST];
	char text[TEXT_MAX] = "";
	struct target t;

	r->counts.asked++;
	if (request_flooded(r, q->from, now)) {
		request_tell_refused(r, token, REASON_FLOOD);
		return;
	}
	keys_digest(r, q, key, digest);
	if (*q->key != '\0' && repeated(r, token, q, key, digest))
		return;
	struct held *h = request_new(r, token, q, wall);
	h->state = REQUEST_STATE_COUNT;		/* not one of those under way yet */
	h->keyed = *q->key != '\0';
	memcpy(h->key, key, DIGEST);
	memcpy(h->digest, digest, DIGEST);
	h->deadline = q->deadline.ns != 0 ? q->deadline : now;
	if (h->deadline.ns < 0)		/* before the machine was: over, and no difference to it overflows */
		h->deadline.ns = 1;
	h->ttl_ns = mono_diff(h->deadline, now);
	enum request_reason why = r->nactive >= REQUESTS_ACTIVE_MAX ? REASON_FULL : judge_target(r, q, &t);
	if (why == REASON_NONE) {
		if (q->deadline.ns == 0)
			h->deadline = mono_add(now, h->ttl_ns = t.rule->ttl_ns);
		h->rule = arena_strdup(&h->memory, t.rule->name);
		h->source = arena_strdup(&h->memory, t.source->name);
		h->zone = arena_strdup(&h->memory, r->plan->zones[t.source->zone].name);
		why = judge_value(&h->ask, &t, &h->value, &h->memory, text, sizeof text);
	}
	if (why == REASON_NONE && !mono_before(now, h->deadline))
		why = REASON_LATE;
	if (why == REASON_NONE && mono_diff(h->deadline, now) > t.rule->ttl_ns)
		why = REASON_TTL;
	if (why == REASON_NONE)
		why = judge_now(r, h, &t, now, wall, text, sizeof text);
	if (why != REASON_NONE)
		request_refuse(r, h, why, text, now, wall);
	else
		request_admit(r, h, &t, now, wall);
}

