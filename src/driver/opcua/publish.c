/*
 * See publish.h. Two Publish requests and one a subscription are kept with the server, fewer if it says that these are too many; each carries the
 * acknowledgements that are due.
 */
#include "driver/opcua/publish.h"

#include <stdio.h>
#include <stdlib.h>

#include "driver/opcua/sequence.h"
#include "driver/opcua/subs.h"

#define ACKS_MAX	256u
#define AGAIN_NS	NS_PER_S	/* after a Publish that failed for no known reason */
#define STRAYS_MAX	8u	/* messages of a subscription that we do not follow until it is ended */
#define FAILS_MAX	10u
#define GRACE_NS	NS_PER_S	/* what was silent too long gets this, so that what waits in the socket is read first */

struct ua_publish {
	struct ua_sub	*subs[UA_SUBS_MAX];
	uint32_t	 nsubs, outstanding, limit, fails;
	uintptr_t	 epoch;		/* grows with each subscription: tells which of them a Publish can have known */
	struct mono	 hold;
	UA_SubscriptionAcknowledgement	acks[ACKS_MAX];
	uint32_t	 nacks;
	uint32_t	 stray;		/* messages since the last add() of subscriptions that are none of ours */
};

static struct ua_publish *of(const struct ua_agent *a) { return ua_subs_of(a)->publish; }

struct ua_publish *
ua_publish_new(struct ua_agent *a)
{
	struct ua_publish *p = arena_new(&a->memory, struct ua_publish);
	p->limit = UA_SUBS_MAX + 2;
	return p;
}

static void
out(struct ua_publish *p, struct ua_sub *s)
{
	for (uint32_t i = 0; i < p->nsubs; i++)
		if (p->subs[i] == s)
			p->subs[i] = p->subs[--p->nsubs];
	s->in = false;
	s->missing_since = MONO_NEVER;
	ua_sequence_drop_held(s);
}

void
ua_publish_free(struct ua_publish *p)
{
	while (p != NULL && p->nsubs > 0)
		out(p, p->subs[0]);
}

void
ua_publish_down(struct ua_agent *a)
{
	struct ua_publish *p = of(a);

	while (p->nsubs > 0)
		out(p, p->subs[0]);
	p->outstanding = p->nacks = p->fails = 0;
	p->limit = UA_SUBS_MAX + 2;
	p->hold = (struct mono){ 0 };
}

static int
add(struct ua_agent *a, struct ua_sub *s)
{
	struct ua_publish *p = of(a);

	if (p->nsubs == UA_SUBS_MAX)
		return ERR_LIMIT;
	p->subs[p->nsubs++] = s;
	p->epoch++;
	p->stray = 0;		/* its first messages may have come before it was known */
	s->in = true;
	s->asked = false;
	s->known = s->refused = s->gone_by = 0;
	s->missing_since = s->suspect = MONO_NEVER;
	s->heard = a->now;
	return 0;
}

int
ua_publish_add(struct ua_agent *a, struct ua_sub *s)
{
	s->expected = 1;
	return add(a, s);
}

int
ua_publish_resume(struct ua_agent *a, struct ua_sub *s, const uint32_t *available, size_t n)
{
	int rv = add(a, s);

	for (size_t i = 0; rv == 0 && i < n && i < UA_SEQ_NEAR; i++) {
		if (ua_seq_steps(s->expected, available[i]) <= UA_SEQ_NEAR)
			ua_sequence_known(a, s, available[i], 0);
		else
			ua_publish_ack(a, s, available[i]);
	}
	return rv;
}

void
ua_publish_remove(struct ua_agent *a, struct ua_sub *s)
{
	out(of(a), s);
}

void
ua_publish_ack(struct ua_agent *a, const struct ua_sub *s, uint32_t seq)
{
	struct ua_publish *p = of(a);

	if (p->nacks < ACKS_MAX)	/* beyond it the server forgets by itself */
		p->acks[p->nacks++] = (UA_SubscriptionAcknowledgement){ s->id, seq };
}

static void
gone(struct ua_agent *a, struct ua_publish *p, struct ua_sub *s, UA_StatusCode status)
{
	out(p, s);
	s->gone(a, s, status);
}

static int64_t
silence_ns(const struct ua_agent *a, const struct ua_sub *s)
{
	double ms = s->interval_ms * s->keep_alive_count;
	return (int64_t)(ms >= 1 ? ms < 86400e3 ? ms : 86400e3 : 1) * NS_PER_MS + a->data->timeout_ns;
}

/* A StatusChangeNotification among the data ends the subscription. */
static bool
ended(struct ua_agent *a, struct ua_publish *p, struct ua_sub *s, const UA_NotificationMessage *m)
{
	for (size_t i = 0; i < m->notificationDataSize; i++) {
		const UA_ExtensionObject *x = &m->notificationData[i];
		if (x->encoding < UA_EXTENSIONOBJECT_DECODED ||
		    x->content.decoded.type != &UA_TYPES[UA_TYPES_STATUSCHANGENOTIFICATION])
			continue;
		gone(a, p, s, ((const UA_StatusChangeNotification *)x->content.decoded.data)->status);
		return true;
	}
	return false;
}

static void
message(struct ua_agent *a, struct ua_publish *p, const UA_PublishResponse *res)
{
	const UA_NotificationMessage *m = &res->notificationMessage;
	struct ua_sub *s = NULL;

	for (uint32_t i = 0; i < p->nsubs; i++)
		if (p->subs[i]->id == res->subscriptionId)
			s = p->subs[i];
	if (s == NULL) {
		if (++p->stray % STRAYS_MAX == 0)
			ua_publish_end_stray(a, res->subscriptionId);
		return;
	}
	s->heard = a->now;
	s->suspect = MONO_NEVER;
	if (!ended(a, p, s, m) && ua_sequence_message(a, s, m))
		ua_publish_ack(a, s, m->sequenceNumber);
}

static void
refused(struct ua_agent *a, struct ua_publish *p, UA_StatusCode status, uintptr_t epoch)
{
	char why[160];

	switch (status) {
	case UA_STATUSCODE_BADTOOMANYPUBLISHREQUESTS:
		p->limit = p->outstanding > 1 ? p->outstanding : 1;
		if (p->outstanding == 0)
			p->hold = mono_add(a->now, ua_jitter(a, AGAIN_NS));	/* even one is too many: not as fast as it says so */
		return;
	case UA_STATUSCODE_BADTIMEOUT:
	case UA_STATUSCODE_BADREQUESTTIMEOUT:
		/* Nothing to say for that long; keep-alives are watched for themselves. A server that says so at once is not asked without end. */
		p->hold = mono_add(a->now, ua_jitter(a, AGAIN_NS));
		return;
	case UA_STATUSCODE_BADNOSUBSCRIPTION:
		if (epoch != p->epoch)
			return;		/* sent before the newest of them was made */
		while (p->nsubs > 0)
			gone(a, p, p->subs[0], status);
		return;
	case UA_STATUSCODE_BADSESSIONIDINVALID:
	case UA_STATUSCODE_BADSESSIONCLOSED:
	case UA_STATUSCODE_BADSESSIONNOTACTIVATED:
		snprintf(why, sizeof why, "the server has ended the session (%s)", ua_status_name(status));
		ua_drop(a, why);
		return;
	default:
		p->hold = mono_add(a->now, ua_jitter(a, AGAIN_NS));
		if (++p->fails < FAILS_MAX)
			return;
		snprintf(why, sizeof why, "the server refuses %u Publish requests in a row (%s)", p->fails, ua_status_name(status));
		ua_drop(a, why);
	}
}

static void send_all(struct ua_agent *a, struct ua_publish *p);

static void
reply(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_publish *p = of(a);

	if (p->outstanding > 0)
		p->outstanding--;
	if (!a->session)
		return;
	if (UA_StatusCode_isBad(status) || response == NULL)
		refused(a, p, status, (uintptr_t)arg);
	else {
		p->fails = 0;
		ua_out_alive(a);
		message(a, p, response);
	}
	if (a->session)
		send_all(a, p);
}

static void
send_all(struct ua_agent *a, struct ua_publish *p)
{
	uint32_t want = p->nsubs == 0 ? 0 : p->nsubs + 2 < p->limit ? p->nsubs + 2 : p->limit;
	int64_t wait_ns = 60 * NS_PER_S;

	if (mono_before(a->now, p->hold))
		return;
	for (uint32_t i = 0; i < p->nsubs; i++)
		if (silence_ns(a, p->subs[i]) * (want + 1) > wait_ns)
			wait_ns = silence_ns(a, p->subs[i]) * (want + 1);
	if (wait_ns > 86400 * NS_PER_S)
		wait_ns = 86400 * NS_PER_S;
	while (p->outstanding < want) {
		UA_PublishRequest req;
		UA_PublishRequest_init(&req);
		req.subscriptionAcknowledgements = p->acks;
		req.subscriptionAcknowledgementsSize = p->nacks;
		p->outstanding++;
		if (ua_call(a, &req, &UA_TYPES[UA_TYPES_PUBLISHREQUEST], &UA_TYPES[UA_TYPES_PUBLISHRESPONSE],
		    (uint32_t)(wait_ns / NS_PER_MS), reply, (void *)p->epoch) != 0) {
			p->outstanding--;
			p->hold = mono_add(a->now, 100 * NS_PER_MS);
			return;
		}
		p->nacks = 0;
	}
}

static struct ua_sub *
by_id(struct ua_publish *p, uintptr_t id)
{
	for (uint32_t i = 0; i < p->nsubs; i++)
		if (p->subs[i]->id == id)
			return p->subs[i];
	return NULL;
}

static void
republished(struct ua_agent *a, void *arg, UA_StatusCode status, const void *response)
{
	struct ua_publish *p = of(a);
	struct ua_sub *s = by_id(p, (uintptr_t)arg);
	const UA_RepublishResponse *res = response;

	if (!a->session || s == NULL || !s->asked)
		return;
	s->asked = false;
	if (!UA_StatusCode_isBad(status) && res != NULL && res->notificationMessage.sequenceNumber == s->asked_seq &&
	    res->notificationMessage.notificationDataSize > 0) {
		s->republished++;
		s->refused = 0;
		if (!ended(a, p, s, &res->notificationMessage) && ua_sequence_message(a, s, &res->notificationMessage))
			ua_publish_ack(a, s, res->notificationMessage.sequenceNumber);
	} else if (status == UA_STATUSCODE_BADSUBSCRIPTIONIDINVALID) {
		gone(a, p, s, status);
		return;
	} else if (s->asked_seq != s->expected) {
		;	/* it has come by itself meanwhile */
	} else if (status == UA_STATUSCODE_BADMESSAGENOTAVAILABLE || ++s->refused >= 3) {
		s->refused = 0;
		ua_sequence_lost(a, s);
	} else {
		s->missing_since = mono_add(a->now, NS_PER_S);
		return;
	}
	if (s->in && ua_sequence_missing(s))
		s->missing_since = (struct mono){ a->now.ns - UA_REORDER_NS };	/* the next one at once */
}

static void
ask_again(struct ua_agent *a, struct ua_sub *s)
{
	UA_RepublishRequest req;

	UA_RepublishRequest_init(&req);
	req.subscriptionId = s->id;
	req.retransmitSequenceNumber = s->asked_seq = s->expected;
	s->asked = true;
	if (ua_call(a, &req, &UA_TYPES[UA_TYPES_REPUBLISHREQUEST], &UA_TYPES[UA_TYPES_REPUBLISHRESPONSE], 0, republished,
	    (void *)(uintptr_t)s->id) != 0) {
		s->asked = false;
		s->missing_since = a->now;
	}
}

/* False: the session is given up. */
static bool
watch(struct ua_agent *a, struct ua_sub *s, struct mono now)
{
	char why[200];

	if (mono_diff(now, s->heard) <= silence_ns(a, s))
		return true;
	if (s->suspect.ns == INT64_MAX)
		s->suspect = now;
	if (mono_diff(now, s->suspect) < GRACE_NS)
		return true;
	snprintf(why, sizeof why, "no message of subscription %u for %lld s, though the server promised a keep-alive every %.1f s", s->id,
	    (long long)(mono_diff(now, s->heard) / NS_PER_S), s->interval_ms * s->keep_alive_count / 1000);
	ua_drop(a, why);
	return false;
}

void
ua_publish_tick(struct ua_agent *a, struct mono now)
{
	struct ua_publish *p = of(a);

	for (uint32_t i = 0; i < p->nsubs; i++) {
		struct ua_sub *s = p->subs[i];
		if (!watch(a, s, now))
			return;
		if (!s->asked && ua_sequence_missing(s) && mono_diff(now, s->missing_since) >= UA_REORDER_NS)
			ask_again(a, s);
	}
	send_all(a, p);
}

struct mono
ua_publish_next(struct ua_agent *a)
{
	struct ua_publish *p = of(a);
	struct mono t = MONO_NEVER;

	for (uint32_t i = 0; i < p->nsubs; i++) {
		const struct ua_sub *s = p->subs[i];
		if (!s->asked && ua_sequence_missing(s))
			t = mono_min(t, mono_add(s->missing_since, UA_REORDER_NS));
		t = mono_min(t, s->suspect.ns != INT64_MAX ? mono_add(s->suspect, GRACE_NS) : mono_add(s->heard, silence_ns(a, s) + 1));
	}
	if (p->nsubs > 0 && p->outstanding < (p->nsubs + 2 < p->limit ? p->nsubs + 2 : p->limit))
		t = mono_min(t, p->hold);
	return t;
}
