/*
 * What stands in the audit log about a request, and what the command line shows of it: JSON objects, see
 * doc/requests.md.
 */
#include <stdio.h>
#include <string.h>

#include "gate/request_int.h"

/* The JSON of an entry is no longer: a text of control characters grows sixfold by its escapes. */
#define RECORD_MAX	(AUDIT_LINE_MAX - 1024u)

static void
put(struct json *j, const char *key, const char *text)
{
	if (*text == '\0')
		return;
	json_key_text(j, key, text);
}

static void
put_what(struct json *j, const struct held *h, bool whole)
{
	const struct request *q = &h->ask;

	put(j, "kind", request_kind_name(q->kind));
	put(j, q->kind == REQUEST_CALL ? "source" : "tag", q->target);
	put(j, "method", q->method);
	put(j, "event", q->event);
	if (!whole) {
		json_key_u64(j, "arguments_left_out", q->nargs);
	} else if (q->nargs > 0) {
		json_key(j, q->kind == REQUEST_WRITE ? "value" : "arguments");
		if (q->kind != REQUEST_WRITE)
			json_open(j, '[');
		for (uint32_t i = 0; i < q->nargs; i++)
			value_json(j, q->kind == REQUEST_WRITE && h->value.type != VALUE_NULL ? &h->value :
			    &q->args[i]);
		if (q->kind != REQUEST_WRITE)
			json_close(j, ']');
	}
	put(j, "entry", h->rule);
	put(j, "from", q->from);
	put(j, "user", q->user);
	put(j, "key", q->key);
	put(j, "note", q->note);
}

static void
put_reason(struct json *j, enum request_reason why, const char *text)
{
	put(j, "reason", request_reason_code(why));
	put(j, "why", *text != '\0' ? text : request_reason_text(why));
}

static void
put_request(const struct held *h, enum request_reason why, bool whole, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	put_what(&j, h, whole);
	json_key(&j, "roles");
	json_open(&j, '[');
	for (uint32_t i = 0; i < h->ask.nroles; i++)
		json_text(&j, h->ask.roles[i]);
	json_close(&j, ']');
	json_key_i64(&j, "ttl_ms", h->ttl_ns / NS_PER_MS);
	json_key(&j, "decision");
	json_text(&j, why != REASON_NONE ? "refused" : h->state == REQUEST_PENDING ? "second person asked for" :
	    "admitted");
	put_reason(&j, why, h->text);
	json_close(&j, '}');
}

bool
record_request(const struct held *h, enum request_reason why, struct buf *out)
{
	put_request(h, why, true, out);
	if (out->err == 0 && out->len <= RECORD_MAX)
		return true;
	buf_reset(out);
	put_request(h, why, false, out);
	return false;
}

void
record_confirm(const struct held *h, const struct request_person *p, enum request_reason why, const char *text,
    struct buf *out)
{
	struct json j = { .out = out };
	(void)h;

	json_open(&j, '{');
	put(&j, "from", p->from);
	put(&j, "user", p->user);
	put(&j, "decision", why == REASON_NONE ? "admitted" : "refused");
	put_reason(&j, why, text);
	json_close(&j, '}');
}

static void
put_results(struct json *j, const struct held *h, bool whole)
{
	if (!whole) {
		json_key_u64(j, "results_left_out", h->nresults);
		return;
	}
	if (h->readback.type != VALUE_NULL) {
		json_key(j, "readback");
		value_json(j, &h->readback);
	}
	if (h->nresults == 0)
		return;
	json_key(j, "results");
	json_open(j, '[');
	for (uint32_t i = 0; i < h->nresults; i++)
		value_json(j, &h->results[i]);
	json_close(j, ']');
}

static void
put_outcome(const struct held *h, bool whole, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	put(&j, "state", request_state_name(h->state));
	put(&j, "reason", h->code);
	put(&j, "why", h->text);
	put_results(&j, h, whole);
	json_close(&j, '}');
}

void
record_outcome(const struct held *h, struct buf *out)
{
	put_outcome(h, true, out);
	if (out->err == 0 && out->len <= RECORD_MAX)
		return;
	buf_reset(out);
	put_outcome(h, false, out);
}

void
record_mark(const struct held *h, char *out, size_t size)
{
	char hex[2][2 * DIGEST + 1];
	const uint8_t *digests[2] = { h->key, h->digest };

	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < DIGEST; i++)
			snprintf(hex[k] + 2 * i, 3, "%02x", digests[k][i]);
	if (h->keyed)
		snprintf(out, size, "%s:%s", hex[0], hex[1]);
	else
		snprintf(out, size, "-");
}

void
record_line(const struct held *h, struct mono now, struct buf *out)
{
	struct json j = { .out = out };
	char when[WALL_TEXT];

	json_open(&j, '{');
	json_key_u64(&j, "id", h->id);
	put(&j, "state", request_state_name(h->state));
	put_what(&j, h, true);
	put(&j, "asked", wall_format(h->asked_at, 3, when));
	if (request_state_final(h->state))
		put(&j, "ended", wall_format(h->ended_at, 3, when));
	else {
		json_key_i64(&j, "ttl_ms", mono_before(now, h->deadline) ? mono_diff(h->deadline, now) / NS_PER_MS : 0);
	}
	put(&j, "confirmed_by", h->confirmed_by);
	put(&j, "reason", h->code);
	put(&j, "why", h->text);
	put_results(&j, h, true);
	json_close(&j, '}');
	buf_putc(out, '\n');
}
