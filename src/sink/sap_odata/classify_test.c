/* Which answer means what. Bodies are those of the reference page on SAP's protocol; statuses of RFC 9110 and 6585. */
#include "sink/sap_odata/classify.h"

#include "base/test.h"

#define SAP_ERROR "{\"error\":{\"code\":\"RU/505\",\"message\":{\"lang\":\"en\",\"value\":\"Order 1000123 is closed\"},\"innererror\":{\"errordetails\":" \
	"[{\"code\":\"RU/506\",\"message\":\"Posting period is closed\",\"severity\":\"error\",\"target\":\"PostingDate\"}],\"transactionid\":\"4711\"}}}"
#define IWFND_ERROR "{\"error\":{\"code\":\"/IWFND/MED/170\",\"message\":{\"lang\":\"en\",\"value\":\"No service found\"}}}"
#define HTML "<html><head><title>Bad gateway</title></head><body><h1>proxy</h1></body></html>"

enum { OK = OUTBOX_IS_DONE, ABSENT = OUTBOX_IS_ABSENT, REFUSED = OUTBOX_IS_REFUSED, BUSY = OUTBOX_IS_BUSY, DOWN = OUTBOX_IS_DOWN,
	UNKNOWN = OUTBOX_IS_UNKNOWN };

static const struct wall now = { 1763769600 * NS_PER_S };	/* 2025-11-22T00:00:00Z */

static struct outbox_verdict
judge(enum asked asked, bool by_key, int status, const char *body, struct arena *a)
{
	struct outbox_verdict v;
	const struct sap_answer x = { .stage = FAR_CALL, .end = HTTP_ANSWERED, .status = status, .body = body, .len = strlen(body),
	    .type = body[0] == '<' ? "text/html" : "application/json" };
	sap_judge(asked, by_key, &x, now, a, &v);
	return v;
}

TEST(each_status_of_a_post_has_its_verdict)
{
	static const struct { int status; const char *body; int kind; } want[] = {
		{ 201, "{}", OK }, { 204, "", OK }, { 302, "", UNKNOWN }, { 400, SAP_ERROR, REFUSED }, { 400, HTML, REFUSED }, { 401, HTML, DOWN },
		{ 403, SAP_ERROR, REFUSED }, { 403, HTML, UNKNOWN }, { 404, SAP_ERROR, REFUSED }, { 404, IWFND_ERROR, BUSY }, { 404, HTML, UNKNOWN },
		{ 405, HTML, UNKNOWN }, { 407, HTML, DOWN }, { 408, "", UNKNOWN }, { 409, SAP_ERROR, UNKNOWN }, { 412, "", BUSY }, { 422, SAP_ERROR, REFUSED },
		{ 423, SAP_ERROR, BUSY }, { 428, "", REFUSED }, { 429, "", DOWN }, { 500, SAP_ERROR, UNKNOWN }, { 500, HTML, UNKNOWN },
		{ 501, "", UNKNOWN }, { 502, HTML, UNKNOWN }, { 503, HTML, UNKNOWN }, { 503, SAP_ERROR, DOWN }, { 504, HTML, UNKNOWN }, { 599, "", UNKNOWN }, { 999, "", UNKNOWN },
	};
	struct arena a = { 0 };

	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		if (judge(ASKED_POST, false, want[i].status, want[i].body, &a).kind != (unsigned)want[i].kind)
			test_fail(__FILE__, __LINE__, "%d with %.20s", want[i].status, want[i].body);
	arena_fini(&a);
}

TEST(a_question_is_never_answered_by_what_is_no_answer)
{
	struct arena a = { 0 };

	CHECK_INT(judge(ASKED_LOOKUP, true, 404, SAP_ERROR, &a).kind, OUTBOX_IS_ABSENT);
	CHECK_INT(judge(ASKED_LOOKUP, true, 404, HTML, &a).kind, OUTBOX_IS_BUSY);
	/* The service was taken away: nobody has looked whether the document is there. */
	CHECK_INT(judge(ASKED_LOOKUP, true, 404, IWFND_ERROR, &a).kind, OUTBOX_IS_BUSY);
	CHECK_INT(judge(ASKED_LOOKUP, false, 503, HTML, &a).kind, OUTBOX_IS_DOWN);
	CHECK_INT(judge(ASKED_LOOKUP, false, 404, SAP_ERROR, &a).kind, OUTBOX_IS_BUSY);
	CHECK_INT(judge(ASKED_LOOKUP, false, 200, "[]", &a).kind, OUTBOX_IS_DONE);
	CHECK_INT(judge(ASKED_LOOKUP, false, 500, HTML, &a).kind, OUTBOX_IS_UNKNOWN);
	CHECK_INT(judge(ASKED_LOOKUP, false, 403, HTML, &a).kind, OUTBOX_IS_DOWN);
	CHECK_INT(judge(ASKED_LOOKUP, false, 302, "", &a).kind, OUTBOX_IS_DOWN);
	CHECK_INT(judge(ASKED_LOOKUP, false, 400, SAP_ERROR, &a).kind, OUTBOX_IS_REFUSED);
	arena_fini(&a);
}

TEST(a_refusal_carries_what_sap_says)
{
	struct arena a = { 0 };
	struct outbox_verdict v = judge(ASKED_POST, false, 400, SAP_ERROR, &a);

	CHECK_STR(v.code, "RU/505");
	CHECK_STR(v.text, "Order 1000123 is closed; RU/506: Posting period is closed [transaction 4711]");
	CHECK_STR(judge(ASKED_POST, false, 502, HTML, &a).code, "HTTP/502");
	arena_fini(&a);
}

TEST(a_403_says_who_may_have_said_it)
{
	struct arena a = { 0 };

	CHECK(strstr(judge(ASKED_POST, false, 403, SAP_ERROR, &a).text, "SU53") != NULL);
	CHECK(strstr(judge(ASKED_LOOKUP, false, 403, HTML, &a).text, "SICF") != NULL);
	CHECK(strstr(judge(ASKED_LOOKUP, false, 403, HTML, &a).text, "SU53") == NULL);
	arena_fini(&a);
}

TEST(a_precondition_that_fails_says_what_to_do)
{
	struct arena a = { 0 };

	CHECK(strstr(judge(ASKED_POST, false, 412, "", &a).text, "repeatability-headers: no") != NULL);
	CHECK(strstr(judge(ASKED_POST, false, 428, "", &a).text, "look in SAP what is there") != NULL);
	arena_fini(&a);
}

TEST(what_never_left_may_be_repeated_and_what_left_is_asked_about)
{
	struct arena a = { 0 };
	struct outbox_verdict v;

	sap_judge(ASKED_POST, false, &(struct sap_answer){ .stage = FAR_CALL, .end = HTTP_LOST, .why = "reset" }, now, &a, &v);
	CHECK_INT(v.kind, OUTBOX_IS_UNKNOWN);
	CHECK_STR(v.text, "reset");
	sap_judge(ASKED_POST, false, &(struct sap_answer){ .stage = FAR_CALL, .end = HTTP_UNSENT, .why = "no name" }, now, &a, &v);
	CHECK_INT(v.kind, OUTBOX_IS_DOWN);
	sap_judge(ASKED_POST, false, &(struct sap_answer){ .stage = FAR_SESSION, .end = HTTP_LOST, .why = "reset" }, now, &a, &v);
	CHECK_INT(v.kind, OUTBOX_IS_DOWN);
	sap_judge(ASKED_POST, false, &(struct sap_answer){ .stage = FAR_SESSION, .end = HTTP_ANSWERED, .status = 500, .body = "" }, now, &a, &v);
	CHECK_INT(v.kind, OUTBOX_IS_DOWN);
	sap_judge(ASKED_POST, false, &(struct sap_answer){ .stage = FAR_CALL, .end = HTTP_ANSWERED, .status = 201, .body = "{", .cut = true }, now, &a, &v);
	CHECK_INT(v.kind, OUTBOX_IS_UNKNOWN);
	sap_judge(ASKED_POST, false, &(struct sap_answer){ .stage = FAR_CALL, .end = HTTP_ANSWERED, .status = 403, .token_required = true }, now, &a, &v);
	CHECK_INT(v.kind, OUTBOX_IS_DOWN);
	CHECK_STR(v.code, "csrf");
	CHECK_INT(v.after_ns, 0);
	arena_fini(&a);
}

TEST(a_proxys_503_may_come_after_the_booking_and_one_with_retry_after_does_not)
{
	struct arena a = { 0 };
	struct outbox_verdict v;
	struct sap_answer x = { .stage = FAR_CALL, .end = HTTP_ANSWERED, .status = 503, .type = "text/plain",
	    .body = "upstream connect error or disconnect/reset before headers. reset reason: connection termination" };

	x.len = strlen(x.body);
	sap_judge(ASKED_POST, false, &x, now, &a, &v);
	CHECK_INT(v.kind, OUTBOX_IS_UNKNOWN);
	x.retry_after = "7";
	sap_judge(ASKED_POST, false, &x, now, &a, &v);
	CHECK_INT(v.kind, OUTBOX_IS_DOWN);
	CHECK_INT(v.after_ns, 7 * NS_PER_S);
	x.stage = FAR_SESSION;
	x.retry_after = NULL;
	sap_judge(ASKED_POST, false, &x, now, &a, &v);
	CHECK_INT(v.kind, OUTBOX_IS_DOWN);
	arena_fini(&a);
}

TEST(retry_after_is_seconds_or_a_date_within_bounds)
{
	CHECK_INT(sap_retry_after("7", now), 7 * NS_PER_S);
	CHECK_INT(sap_retry_after("Sat, 22 Nov 2025 00:00:30 GMT", now), 30 * NS_PER_S);
	CHECK_INT(sap_retry_after("Fri, 21 Nov 2025 00:00:30 GMT", now), 0);
	CHECK_INT(sap_retry_after("99999999999999999999", now), 3600 * NS_PER_S);
	CHECK_INT(sap_retry_after("86400", now), 3600 * NS_PER_S);
	CHECK_INT(sap_retry_after("soon", now), 0);
	CHECK_INT(sap_retry_after("-5", now), 0);
	CHECK_INT(sap_retry_after("", now), 0);
	CHECK_INT(sap_retry_after(NULL, now), 0);
}

TEST_MAIN
