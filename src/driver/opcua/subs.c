/*
 * The subs part: one subscription a publishing interval, its life over sessions. Items are created in subs_items.c, taken over in transfer.c, its messages come from
 * publish.c.
 */
#include "driver/opcua/subs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "driver/opcua/history.h"

#define REFUSED_FIRST_NS	(5 * NS_PER_S)
#define GONE_FIRST_NS		(100 * NS_PER_MS)
#define REFUSED_LAST_NS		(300 * NS_PER_S)
#define PER_PUBLISH_MAX		10000u	/* notifications in one message: what is more comes in the next, and memory has a bound */

struct ua_subs *ua_subs_of(const struct ua_agent *a) { return a->part[UA_PART_SUBS]; }

static struct ua_class *
class_for(struct ua_agent *a, struct ua_subs *s, int64_t interval_ns)
{
	for (uint32_t i = 0; i < s->nclasses; i++)
		if (s->classes[i].interval_ns == interval_ns)
			return &s->classes[i];
	struct ua_class *c = &s->classes[s->nclasses];
	*c = (struct ua_class){ .interval_ns = interval_ns, .no = s->nclasses++ };
	ua_line_init(&c->wait, &a->memory, a->source->ntags);
	return c;
}

int
ua_subs_init(struct ua_agent *a)
{
	uint32_t n = a->source->ntags;
	struct ua_subs *s = arena_new(&a->memory, struct ua_subs);

	ua_data_init(a);
	a->part[UA_PART_SUBS] = s;
	s->publish = ua_publish_new(a);
	s->lost_lines = (struct log_limit){ .burst = 3, .period_ms = 60000 };
	s->state = arena_array(&a->memory, n, sizeof *s->state);
	s->mark = arena_array(&a->memory, n, sizeof *s->mark);
	s->class_of = arena_array(&a->memory, n, sizeof *s->class_of);
	s->revised_ms = arena_array(&a->memory, n, sizeof *s->revised_ms);
	s->revised_queue = arena_array(&a->memory, n, sizeof *s->revised_queue);
	s->asked = arena_array(&a->memory, a->data->per_call, sizeof *s->asked);
	s->requests = arena_array(&a->memory, a->data->per_call, sizeof *s->requests);
	s->filters = arena_array(&a->memory, a->data->per_call, sizeof *s->filters);
	for (uint32_t i = 0; i < n; i++) {
		struct ua_item *it = &a->items[i];
		s->class_of[i] = UINT8_MAX;
		if (!ua_item_subscribed(a, it))
			continue;
		struct ua_class *c = class_for(a, s, a->data->publishing_ns > 0 ? a->data->publishing_ns : a->source->tags[i].scan_ns);
		s->class_of[i] = (uint8_t)c->no;
		it->sub = c;
	}
	if (a->data->stale_ns > 0)
		s->stale = ua_stale_new(a);
	return 0;
}

void
ua_subs_fini(struct ua_agent *a)
{
	if (ua_subs_of(a) != NULL)
		ua_publish_free(ua_subs_of(a)->publish);
	a->part[UA_PART_SUBS] = NULL;
}

void
ua_subs_add(struct ua_agent *a, uint32_t tag)
{
	struct ua_subs *s = ua_subs_of(a);

	if (s->state[tag] != UA_MON_OFF)
		return;			/* kept from the session before, maybe to be taken over */
	s->state[tag] = UA_MON_WAIT;
	ua_line_put(&s->classes[s->class_of[tag]].wait, tag);
}

void
ua_subs_up(struct ua_agent *a, struct mono now)
{
	struct ua_subs *s = ua_subs_of(a);

	ua_bulk_init(&s->bulk, a->data->per_call, a->limits.monitored_items);
	s->hold = now;
	for (uint32_t i = 0; i < s->nclasses; i++) {
		s->classes[i].hold = now;
		s->classes[i].refusals = s->classes[i].deaths = 0;
	}
	if (!ua_transfer(a, s))
		for (uint32_t i = 0; i < s->nclasses; i++)
			if (s->classes[i].state == UA_SUB_KEPT)
				ua_subs_lost(a, &s->classes[i]);
}

/* What its values were up to is known; what comes next is not. */
static void
open_gap(struct ua_agent *a, struct ua_subs *s, const struct ua_class *c, uint32_t tag)
{
	if (ua_history_gap(a, tag, c->sub.published))
		s->mark[tag] |= UA_MARK_GAP;
}

void
ua_subs_down(struct ua_agent *a, struct mono now, const char *why)
{
	struct ua_subs *s = ua_subs_of(a);

	(void)now;
	(void)why;
	ua_publish_down(a);
	for (uint32_t i = 0; i < s->nclasses; i++) {
		struct ua_class *c = &s->classes[i];
		c->whole = s->asked_of != c || s->nasked == 0;
		c->state = c->state == UA_SUB_UP || c->state == UA_SUB_KEPT ? UA_SUB_KEPT : UA_SUB_NONE;
		c->wait.n = 0;
	}
	for (uint32_t i = 0; i < a->source->ntags; i++)
		if (s->state[i] == UA_MON_LIVE)
			open_gap(a, s, &s->classes[s->class_of[i]], i);
		else
			s->state[i] = UA_MON_OFF;
	s->busy = false;
	s->nasked = 0;
	s->asked_of = NULL;
	if (s->stale != NULL)
		ua_stale_down(a);
}

void
ua_subs_lost(struct ua_agent *a, struct ua_class *c)
{
	struct ua_subs *s = ua_subs_of(a);

	c->state = UA_SUB_NONE;
	c->sub.id = 0;
	c->nitems = 0;
	if (s->asked_of == c)
		s->nasked = 0;
	for (uint32_t i = 0; i < a->source->ntags; i++) {
		if (s->class_of[i] != c->no || (s->state[i] != UA_MON_LIVE && s->state[i] != UA_MON_ASKED))
			continue;
		if (s->state[i] == UA_MON_LIVE && (s->mark[i] & UA_MARK_GAP) == 0)
			open_gap(a, s, c, i);
		s->mark[i] &= UA_MARK_GAP;
		s->state[i] = UA_MON_OFF;
		a->items[i].monitored_id = 0;
		if (a->session && !UA_NodeId_isNull(&a->items[i].node))
			ua_subs_add(a, i);
	}
}

static void
gone(struct ua_agent *a, struct ua_sub *sub, UA_StatusCode status)
{
	struct ua_class *c = sub->arg;

	unsigned long left_out;
	int64_t wait = GONE_FIRST_NS;

	if (log_limit_ok(&ua_subs_of(a)->lost_lines, a->now, &left_out))
		log_warn("opcua_subscription_gone", "source=\"%s\" id=%u status=%s messages=%llu left_out=%lu", a->source->name, sub->id,
		    ua_status_name(status), (unsigned long long)sub->messages, left_out);
	ua_subs_lost(a, c);
	if (mono_diff(a->now, c->born) > REFUSED_LAST_NS)
		c->deaths = 0;
	for (uint32_t i = 0; i < c->deaths && wait < REFUSED_LAST_NS; i++)
		wait *= 4;
	c->deaths++;
	c->hold = mono_add(a->now, ua_jitter(a, wait < REFUSED_LAST_NS ? wait : REFUSED_LAST_NS));
}

static void
hole(struct ua_agent *a, struct ua_sub *sub, uint32_t n)
{
	struct ua_subs *s = ua_subs_of(a);
	struct ua_class *c = sub->arg;

	unsigned long left_out;
	if (log_limit_ok(&s->lost_lines, a->now, &left_out))
		log_warn("opcua_messages_lost", "source=\"%s\" id=%u count=%u total=%llu left_out=%lu why=\"the server had them no more when asked "
		    "again\"", a->source->name, sub->id, n, (unsigned long long)sub->lost, left_out);
	c->torn = true;
	for (uint32_t i = 0; i < a->source->ntags; i++)
		if (s->class_of[i] == c->no && s->state[i] == UA_MON_LIVE)
			open_gap(a, s, c, i);
}

static void
refused(struct ua_agent *a, struct ua_subs *s, struct ua_class *c, UA_StatusCode status)
{
	char why[200];
	int64_t wait = REFUSED_FIRST_NS;

	for (uint32_t i = 0; i < c->refusals && wait < REFUSED_LAST_NS; i++)
		wait *= 2;
	c->hold = mono_add(a->now, ua_jitter(a, wait < REFUSED_LAST_NS ? wait : REFUSED_LAST_NS));
	if (c->refusals++ > 0)
		return;
	snprintf(why, sizeof why, "the server refuses a subscription (%s): it may have too many; end other clients, or let this source read (mode: read)",
	    ua_status_name(status));
	log_warn("opcua_subscription_refused", "source=\"%s\" status=%s", a->source->name, ua_status_name(status));
	for (uint32_t i = 0; i < a->source->ntags; i++)
		if (s->class_of[i] == c->no && s->state[i] == UA_MON_WAIT)
			ua_out_trouble(a, i, status, why);
}

static void
created(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_class *c = arg;
	struct ua_subs *s = ua_subs_of(a);
	const UA_CreateSubscriptionResponse *res = response;

	if (c->state == UA_SUB_ASKED)
		c->state = UA_SUB_NONE;
	if (!a->session || c->state != UA_SUB_NONE)
		return;
	if (UA_StatusCode_isBad(status) || res == NULL) {
		refused(a, s, c, status);
		return;
	}
	c->refusals = 0;
	c->torn = false;
	c->sub.id = res->subscriptionId;
	c->sub.interval_ms = isfinite(res->revisedPublishingInterval) ? res->revisedPublishingInterval : (double)(c->interval_ns / NS_PER_MS);
	c->sub.keep_alive_count = res->revisedMaxKeepAliveCount > 0 ? res->revisedMaxKeepAliveCount : 1;
	c->sub.arg = c;
	c->sub.notification = ua_monitor_notification;
	c->sub.gone = gone;
	c->sub.hole = hole;
	c->born = a->now;
	if (ua_publish_add(a, &c->sub) == 0)
		c->state = UA_SUB_UP;
	else
		refused(a, s, c, UA_STATUSCODE_BADTOOMANYSUBSCRIPTIONS);
}

static uint32_t
count_of(int64_t ns, int64_t interval_ns)
{
	int64_t n = (ns + interval_ns - 1) / interval_ns;
	return n < 1 ? 1 : n > 1000000 ? 1000000 : (uint32_t)n;
}

static void
create(struct ua_agent *a, struct ua_class *c)
{
	UA_CreateSubscriptionRequest req;

	UA_CreateSubscriptionRequest_init(&req);
	req.requestedPublishingInterval = (double)c->interval_ns / NS_PER_MS;
	req.requestedMaxKeepAliveCount = count_of(a->data->keep_alive_ns, c->interval_ns);
	req.requestedLifetimeCount = count_of(a->data->lifetime_ns, c->interval_ns);
	if (req.requestedLifetimeCount < 3 * req.requestedMaxKeepAliveCount)	/* Part 4, 5.13.2.2 */
		req.requestedLifetimeCount = 3 * req.requestedMaxKeepAliveCount;
	req.maxNotificationsPerPublish = PER_PUBLISH_MAX;
	req.publishingEnabled = true;
	c->state = UA_SUB_ASKED;
	if (ua_call(a, &req, &UA_TYPES[UA_TYPES_CREATESUBSCRIPTIONREQUEST], &UA_TYPES[UA_TYPES_CREATESUBSCRIPTIONRESPONSE], 0, created, c) != 0) {
		c->state = UA_SUB_NONE;
		c->hold = mono_add(a->now, 100 * NS_PER_MS);
	}
}

static void
deleted(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	(void)arg;
	(void)response;
	if (UA_StatusCode_isBad(status))
		log_info("opcua_delete_refused", "source=\"%s\" status=%s", a->source->name, ua_status_name(status));
}

void
ua_subs_rebuild(struct ua_agent *a, struct ua_class *c, const char *why)
{
	UA_DeleteSubscriptionsRequest req;
	uint32_t id = c->sub.id;

	log_warn("opcua_subscription_rebuilt", "source=\"%s\" id=%u why=\"%s\"", a->source->name, id, why);
	UA_DeleteSubscriptionsRequest_init(&req);
	req.subscriptionIds = &id;
	req.subscriptionIdsSize = 1;
	ua_publish_remove(a, &c->sub);
	ua_subs_of(a)->rebuilt++;
	/* If this call cannot be made now, or is not answered, its messages are not ours and it is ended as a stray. */
	if (ua_call(a, &req, &UA_TYPES[UA_TYPES_DELETESUBSCRIPTIONSREQUEST], &UA_TYPES[UA_TYPES_DELETESUBSCRIPTIONSRESPONSE], 0, deleted, NULL) != 0)
		log_info("opcua_delete_left", "source=\"%s\" id=%u", a->source->name, id);
	ua_subs_lost(a, c);
}

void
ua_subs_tick(struct ua_agent *a, struct mono now)
{
	struct ua_subs *s = ua_subs_of(a);

	if (!a->session)
		return;
	for (uint32_t i = 0; i < s->nclasses; i++) {
		struct ua_class *c = &s->classes[i];
		if (c->state == UA_SUB_NONE && c->wait.n > 0 && !mono_before(now, c->hold))
			create(a, c);
	}
	ua_monitor_tick(a, s, now);
	ua_publish_tick(a, now);
	if (s->stale != NULL && a->session)
		ua_stale_tick(a, now);
}

struct mono
ua_subs_next(struct ua_agent *a)
{
	struct ua_subs *s = ua_subs_of(a);

	if (!a->session)
		return MONO_NEVER;
	struct mono t = ua_publish_next(a);
	for (uint32_t i = 0; i < s->nclasses; i++) {
		const struct ua_class *c = &s->classes[i];
		if (c->state == UA_SUB_NONE && c->wait.n > 0)
			t = mono_min(t, c->hold);
		if (c->state == UA_SUB_UP && c->wait.n > 0 && !s->busy)
			t = mono_min(t, s->hold);
	}
	return s->stale != NULL ? mono_min(t, ua_stale_next(a)) : t;
}

void
ua_subs_why(struct ua_agent *a, const struct ua_item *it, struct json *out)
{
	static const char *const names[] = { "not monitored", "waits to be created", "is being created", "monitored" };
	const struct ua_subs *s = ua_subs_of(a);
	size_t i = (size_t)(it - a->items);

	if (s->class_of[i] == UINT8_MAX)
		return;
	const struct ua_class *c = &s->classes[s->class_of[i]];
	json_key(out, "subscription");
	json_open(out, '{');
	json_key_text(out, "item", names[s->state[i]]);
	json_key_u64(out, "id", c->sub.id);
	json_key_f64(out, "publishing_ms", c->sub.interval_ms);
	json_key_f64(out, "keep_alive_s", c->sub.interval_ms * c->sub.keep_alive_count / 1000);
	if (s->state[i] == UA_MON_LIVE) {
		json_key(out, "sampling_ms");	/* as the server has revised them */
		json_f64(out, (double)s->revised_ms[i]);
		json_key_u64(out, "queue", s->revised_queue[i]);
	}
	json_key_u64(out, "messages", c->sub.messages);
	json_key_u64(out, "republished", c->sub.republished);
	json_key_u64(out, "lost", c->sub.lost);
	json_key_u64(out, "overflows", s->overflows);
	json_close(out, '}');
}
