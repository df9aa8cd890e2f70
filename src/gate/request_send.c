/* An admitted request on its way: entered in the log, and only then handed to the process that speaks to the device. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gate/request_int.h"

static struct order
order_of(const struct requests *r, const struct held *h, const struct target *t)
{
	const struct request_rule *rule = t->rule;
	struct order o = { .id = h->id, .deadline = h->deadline, .source_key = t->source->key, .source = h->source,
	    .tag = t->tag != NULL ? t->tag->path : "", .readback_tag = "", .tolerance = rule->tolerance,
	        .within_ns = rule->within_ns,
	    .ask = h->ask };

	if (rule->readback && rule->readback_other) {
		const struct tag_ref ref = rule->readback_tag;
		o.readback_tag = r->plan->sources[ref.source].tags[ref.tag].path;
	} else if (rule->readback)
		o.readback_tag = t->tag->path;
	if (h->ask.kind == REQUEST_WRITE) {
		o.ask.args = &h->value;
		o.ask.nargs = 1;
	}
	return o;
}

/* Its entries are durable: hand it over. What cannot be handed over is refused, since nothing left. */
void
request_hand_over(struct requests *r, struct held *h, const struct target *t, struct mono now, struct wall wall)
{
	struct order o = order_of(r, h, t);

	judge_count(r, h, t, now, wall);
	int err = r->ops.send(r->ops.arg, h->zone, &o);
	if (err != 0) {
		request_end(r, h, REQUEST_REFUSED, REASON_FIELD, "", now, wall);
		return;
	}
	r->counts.admitted++;
	h->silent_at = mono_add(h->deadline, t->rule->within_ns + REQUESTS_SILENCE_NS);
	request_tell(r, h);
}

/* First entry and the word that it is sent, durable together; only then it goes. */
void
request_admit(struct requests *r, struct held *h, const struct target *t, struct mono now, struct wall wall)
{
	char mark[AUDIT_WORD_MAX];
	struct buf json = { 0 };
	bool pending = t->rule->second_person;

	h->state = pending ? REQUEST_PENDING : REQUEST_SENT;
	r->nactive++;
	bool whole = record_request(h, REASON_NONE, &json);
	record_mark(h, mark, sizeof mark);
	struct audit_new v[] = { { AUDIT_REQUEST, h->id, mark, buf_text(&json) }, { AUDIT_SENT, h->id, NULL, "{}" } };
	int err = r->unentered > 0 ? ERR_NOSPACE : json.err != 0 ? json.err : !whole ? ERR_LIMIT :
	    r->ops.audit(r->ops.arg, v, pending ? 1 : 2, wall);
	buf_fini(&json);
	if (!whole) {
		request_refuse(r, h, REASON_ARGS, "they are longer than an entry of the audit log may be", now, wall);
		return;
	}
	if (err != 0) {		/* neither of its entries is there */
		request_refuse(r, h, REASON_AUDIT, "", now, wall);
		return;
	}
	h->asked_entered = true;
	if (h->keyed)
		keys_put(r, h->key, h->digest, h->id, h->state);
	if (pending)
		request_tell(r, h);
	else
		request_hand_over(r, h, t, now, wall);
}

