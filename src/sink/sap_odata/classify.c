/* See classify.h. */
#include "sink/sap_odata/classify.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/odata/error.h"

#define LOGON_AGAIN_NS	(10 * NS_PER_S)	/* a password that was mended is seen soon; nothing goes out before that */
#define AFTER_MAX_NS	(3600 * NS_PER_S)

/* Short for the table. */
enum {
	DONE = OUTBOX_IS_DONE, ABSENT = OUTBOX_IS_ABSENT, REFUSED = OUTBOX_IS_REFUSED, BUSY = OUTBOX_IS_BUSY, DOWN = OUTBOX_IS_DOWN,
	UNKNOWN = OUTBOX_IS_UNKNOWN,
};

/*
 * What stands before the service (a proxy, a filter) may withhold the answer to what was done, with a page of its own or a redirect to one: only the
 * service's own word is a proof that nothing was.
 *
 * By status: for a post that was answered with an OData error, and with anything else (a page of a proxy, a text of the web server); for a question.
 * after_s: the pause where Retry-After says none, 0: back-off. The first row that fits counts.
 */
static const struct status_row {
	int		 from, to;
	int		 post, post_plain, ask;
	int		 after_s;
	const char	*hint;
} rows[] = {
	{ 200, 299, DONE,    DONE,    DONE,    0,   NULL },
	{ 300, 399, UNKNOWN, UNKNOWN, DOWN,    60,  "the address leads elsewhere: check server and proxy; maybe a page to log on stands before the service" },
	/* How often that is tried is far_logon.c's matter. */
	{ 401, 401, DOWN,    DOWN,    DOWN,    10,  "the log-on was refused (401): check user and password, or client and secret, in SAP and in the file" },
	{ 403, 403, REFUSED, UNKNOWN, REFUSED, 60,  "the technical user lacks an authorisation: transaction SU53 there shows which" },
	{ 404, 404, BUSY,    UNKNOWN, BUSY,    300, "the service or the set is not there: activate it in SAP, or mend the mapping" },
	{ 405, 405, BUSY,    UNKNOWN, BUSY,    300, "the service does not let it be done: check mapping and service" },
	{ 407, 407, DOWN,    DOWN,    DOWN,    60,  "the proxy wants a log-on: check proxy-user and its file" },
	{ 408, 408, UNKNOWN, UNKNOWN, UNKNOWN, 0,   NULL },
	/* Another effect of the same identity, or somebody else at the same object: asked before it is repeated. */
	{ 409, 409, UNKNOWN, UNKNOWN, UNKNOWN, 0,   NULL },
	/* OASIS Repeatable Requests 1.0: also said of what is older than the far end's memory of repeats, as after an outage. */
	{ 412, 412, BUSY,    BUSY,    BUSY,    0,   "if it stays so, set repeatability-headers: no" },
	{ 423, 423, BUSY,    BUSY,    BUSY,    0,   NULL },
	{ 425, 425, DOWN,    DOWN,    DOWN,    0,   NULL },
	/* Of a create: with the ETag of what is there it would write over what somebody else has put down. An update goes with one. */
	{ 428, 428, REFUSED, REFUSED, REFUSED, 0,   "the service takes it for a change of what is there already (it wants an ETag), and the mapping creates: look "
	    "in SAP what is there; then cancel this one, or write a mapping that updates" },
	{ 429, 429, DOWN,    DOWN,    DOWN,    0,   NULL },
	{ 400, 499, REFUSED, REFUSED, REFUSED, 0,   NULL },
	{ 501, 501, BUSY,    UNKNOWN, BUSY,    300, "the service cannot do it: check the mapping" },
	/* Said with Retry-After, or in OData: see below. A proxy says it as well of a connection that broke after the request had gone on. */
	{ 503, 503, DOWN,    UNKNOWN, DOWN,    0,   NULL },
	/* Also 500: work was begun there, and whether it was rolled back nobody has said. */
	{ 500, 599, UNKNOWN, UNKNOWN, UNKNOWN, 0,   NULL },
};

struct sap_answer
sap_answer_of(const struct far_answer *a)
{
	const struct http_answer *h = a->http;
	struct sap_answer out = { .stage = a->stage, .end = h->end, .status = h->status, .body = h->body, .len = h->len, .cut = h->cut, .why = h->why };

	if (h->end != HTTP_ANSWERED)
		return out;
	const char *token = http_header(h, "x-csrf-token");
	out.token_required = h->status == 403 && token != NULL && strcasecmp(token, "required") == 0;
	out.type = http_header(h, "content-type");
	out.retry_after = http_header(h, "retry-after");
	out.message = http_header(h, "sap-message");
	out.etag = http_header(h, "etag");
	return out;
}

int64_t
sap_retry_after(const char *value, struct wall now)
{
	int64_t ns = 0;

	if (value == NULL || value[0] == '\0')
		return 0;
	if (strspn(value, "0123456789") == strlen(value))
		ns = strlen(value) > 6 ? AFTER_MAX_NS : atol(value) * NS_PER_S;
	else {
		time_t t = curl_getdate(value, NULL);
		ns = t < 0 || t > 253402300799 ? 0 : (int64_t)t * NS_PER_S - now.ns;
	}
	return ns <= 0 ? 0 : ns > AFTER_MAX_NS ? AFTER_MAX_NS : ns;
}

static const struct status_row *
row_of(int status)
{
	static const struct status_row strange = { 0, 999, UNKNOWN, UNKNOWN, UNKNOWN, 0, "no HTTP status that is known" };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (status >= rows[i].from && status <= rows[i].to)
			return &rows[i];
	return &strange;
}

static void
not_answered(const struct sap_answer *a, struct arena *arena, struct outbox_verdict *out)
{
	bool lost = a->end == HTTP_LOST && a->stage == FAR_CALL;
	const char *what = a->stage == FAR_LOGON ? "the token endpoint: " : a->stage == FAR_SESSION ? "the session's token: " : "";

	out->kind = lost ? OUTBOX_IS_UNKNOWN : OUTBOX_IS_DOWN;
	out->code = lost ? "lost" : "unreachable";
	out->after_ns = a->stage == FAR_LOGON ? LOGON_AGAIN_NS : 0;
	out->text = arena_printf(arena, "%s%s", what, a->why != NULL ? a->why : "");
}

/* The far end's words, and what to do about them where that is known. */
static void
say(const struct odata_error *e, const struct sap_answer *a, const struct status_row *row, struct arena *arena, struct outbox_verdict *out)
{
	static const char *const stages[] = { [FAR_LOGON] = "the token endpoint: ", [FAR_SESSION] = "the session's token: ", [FAR_CALL] = "" };
	struct buf t = { .max = OUTBOX_TEXT_MAX * 2 };
	const char *hint = a->status == 403 && !e->structured ?
	    "this is no word of the service itself: is it active (SICF), or does a proxy or filter stand before it?" : row->hint;

	buf_puts(&t, stages[a->stage]);
	buf_puts(&t, e->text[0] != '\0' ? e->text : a->why != NULL ? a->why : "");
	for (uint32_t i = 0; i < e->ndetails; i++)
		if (strncmp(e->details[i].code, "/IWBEP/CX_MGW_", 14) != 0)	/* the gateway's way of saying that there was an error */
			buf_printf(&t, "; %s%s%s", e->details[i].code, e->details[i].code[0] != '\0' ? ": " : "", e->details[i].text);
	if (e->transaction[0] != '\0')
		buf_printf(&t, " [transaction %s]", e->transaction);
	if (hint != NULL && (!e->structured || a->status != 400))
		buf_printf(&t, "%s%s", t.len > 0 ? "; " : "", hint);
	out->text = arena_strdup(arena, buf_text(&t));
	out->code = e->structured && e->code[0] != '\0' ? e->code : arena_printf(arena, "HTTP/%d", a->status);
	out->target = e->target;
	buf_fini(&t);
}

void
sap_judge(enum asked asked, bool by_key, const struct sap_answer *a, struct wall now, struct arena *arena, struct outbox_verdict *out)
{
	struct odata_error e;

	*out = (struct outbox_verdict){ 0 };
	if (a->end != HTTP_ANSWERED) {
		not_answered(a, arena, out);
		return;
	}
	const struct status_row *row = row_of(a->status);
	if (a->stage == FAR_CALL && a->status / 100 == 2) {
		out->kind = a->cut ? OUTBOX_IS_UNKNOWN : OUTBOX_IS_DONE;
		out->code = a->cut ? "unreadable" : "";
		out->text = a->cut ? "a success was said, but the answer is longer than answer-max" : "";
		return;
	}
	odata_error_parse(a->body != NULL ? a->body : "", a->len, a->type, arena, &e);
	say(&e, a, row, arena, out);
	int kind = asked != ASKED_POST ? row->ask : e.structured ? row->post : row->post_plain;
	int64_t after = sap_retry_after(a->retry_after, now);
	out->after_ns = after > 0 ? after : kind != UNKNOWN ? row->after_s * NS_PER_S : 0;	/* asked for soon: that may wait */
	if (a->stage != FAR_CALL)	/* nothing has reached the service */
		kind = DOWN;
	else if (a->token_required) {
		kind = DOWN;
		out->after_ns = after;
		out->code = "csrf";
		out->text = "a token that was fetched just now was refused: maybe the session's cookies get lost behind a load balancer";
	} else if (a->status == 503 && after > 0)
		kind = DOWN;
	else if (asked == ASKED_LOOKUP && a->status == 404 && by_key && e.structured && strncmp(e.code, "/IWFND/MED/", 11) != 0)
		kind = ABSENT;		/* not: the service itself is not there, nobody has looked */
	else if (asked == ASKED_POST && a->status == 404 && e.structured && strncmp(e.code, "/IWFND/", 7) != 0)
		kind = REFUSED;		/* a word of the business, not of the gateway before it */
	else if (asked != ASKED_POST && a->status == 403 && !e.structured)
		kind = DOWN;
	out->kind = (enum outbox_verdict_kind)kind;
}
