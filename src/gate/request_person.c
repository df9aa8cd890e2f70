/* The second person's word, and calling off what still waits for it. */
#include <stdio.h>
#include <strings.h>

#include "gate/request_int.h"

/* One person has one name, whatever it comes from; letter case is none of it. */
static bool
same_person(const struct request *q, const struct request_person *p)
{
	return strcasecmp(q->user, p->user) == 0 || *p->user == '\0';
}

int
requests_confirm(struct requests *r, uint64_t token, uint64_t id, const struct request_person *p,
    enum request_reason *why, struct mono now,
    struct wall wall)
{
	struct held *h = request_find(r, id);
	char text[TEXT_MAX] = "";
	struct target t;

	*why = REASON_NONE;
	if (h == NULL || h->state != REQUEST_PENDING)
		return ERR_NOTFOUND;
	if (!mono_before(now, h->deadline)) {
		request_end(r, h, REQUEST_EXPIRED, REASON_LATE, "no second person confirmed it in time", now, wall);
		return ERR_NOTFOUND;
	}
	if (request_flooded(r, p->from, now)) {	/* each word is an entry too */
		*why = REASON_FLOOD;
		return ERR_DENIED;
	}
	bool known = judge_again(r, h, &t, text, sizeof text) == REASON_NONE;
	*why = !known ? REASON_PLAN : same_person(&h->ask, p) ? REASON_PERSON : !judge_role(t.rule, p->roles,
	    p->nroles) ? REASON_ROLE :
	    REASON_NONE;
	bool denied = *why == REASON_PERSON || *why == REASON_ROLE;
	/* What has changed meanwhile counts. */
	if (*why == REASON_NONE)
		*why = judge_now(r, h, &t, now, wall, text, sizeof text);
	struct buf json = { 0 };
	record_confirm(h, p, *why, text, &json);
	struct audit_new v[] = { { AUDIT_CONFIRM, id, NULL, buf_text(&json) }, { AUDIT_SENT, id, NULL, "{}" } };
	int err = r->unentered > 0 ? ERR_NOSPACE : json.err != 0 ? json.err : r->ops.audit(r->ops.arg, v,
	    *why == REASON_NONE ? 2 : 1, wall);
	buf_fini(&json);
	if (err != 0)
		*why = REASON_AUDIT;
	if (err != 0 || denied)
		return ERR_DENIED;
	request_wait(h, token);
	if (*why != REASON_NONE) {
		request_end(r, h, REQUEST_REFUSED, *why, text, now, wall);
		return 0;
	}
	h->confirmed = true;
	h->confirmed_by = arena_strdup(&h->memory, p->user);
	h->state = REQUEST_SENT;
	request_hand_over(r, h, &t, now, wall);
	return 0;
}

int
requests_cancel(struct requests *r, uint64_t id, const struct request_person *p, enum request_reason *why,
    struct wall wall)
{
	struct held *h = request_find(r, id);
	struct target t;

	*why = REASON_NONE;
	if (h == NULL || h->state != REQUEST_PENDING)
		return ERR_NOTFOUND;
	if (!same_person(&h->ask, p) && (judge_target(r, &h->ask, &t) != REASON_NONE || !judge_role(t.rule, p->roles,
	    p->nroles))) {
		*why = REASON_ROLE;
		return ERR_DENIED;
	}
	char text[TEXT_MAX];
	snprintf(text, sizeof text, "cancelled by %.63s before it was sent", p->user);
	request_end(r, h, REQUEST_REFUSED, REASON_CANCELLED, text, (struct mono){ 0 }, wall);
	return 0;
}

