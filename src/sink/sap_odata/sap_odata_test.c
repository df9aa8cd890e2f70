/* tsan */
/*
 * The whole sink, as office runs it, against a small far end that keeps what was posted: each event has one effect, whatever answers get lost, and what
 * people and office see of it is true. The far end is ours and knows no more of SAP than these tests need; test/sys/test_sap.py has the simulator.
 */
#include <string.h>

#include "base/test.h"
#include "sink/sap_odata/sink_rig.h"
#include "site/finding.h"

#define SERVICE		"/sap/opu/odata/sap/API_PROD_ORDER_CONFIRMATION_2_SRV"
#define EVENTS_MAX	500u

/* ---- the far end ---- */

static struct sap {
	pthread_mutex_t	 lock;
	char		 ids[2 * EVENTS_MAX][40];	/* of what was posted */
	size_t		 n, lost, posts, lookups, batches;
	unsigned	 lose_every;			/* of postings: booked, and no answer */
	const char	*refuse;			/* status line and body for all postings */
	bool		 gone;				/* 503 to everything */
	bool		 once;				/* ... after one posting */
	bool		 blind;				/* what is there is not found */
	const char	*orders;			/* rows of A_ProductionOrder_2 */
	const char	*newest;			/* who asks for what changed since then gets none of them; NULL: nobody */
	size_t		 reads;
	char		 read[2000];			/* the newest question for orders */
} sap = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
answer(struct buf *out, const char *status, const char *headers, const char *body)
{
	buf_printf(out, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers, strlen(body), body);
}

/* The value of "ExternalSystemConfirmation" behind p. */
static bool
identity(const char *p, char out[40])
{
	const char *at = strstr(p, "\"ExternalSystemConfirmation\":\"");
	return at != NULL && sscanf(at + 30, "%39[0-9a-f-]", out) == 1;
}

static void
book(const char *p, struct buf *out)
{
	char id[40];
	if (!identity(p, id) || sap.n == 2 * EVENTS_MAX)
		return;
	strcpy(sap.ids[sap.n++], id);
	buf_printf(out, "{\"d\":{\"ConfirmationGroup\":\"0000000001\",\"ConfirmationCount\":\"%08zu\",\"ExternalSystemConfirmation\":\"%s\"}}", sap.n, id);
}

static void
batch(const char *request, struct buf *out)
{
	struct buf parts = { 0 }, body = { 0 };
	const char *p = strstr(request, "\r\n\r\n");

	sap.batches++;
	while ((p = strstr(p, "POST ProdnOrdConf2")) != NULL) {
		p += 18;
		body.len = 0;
		book(p, &body);
		buf_printf(&parts, "--r\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n"
		    "Content-Transfer-Encoding: binary\r\n\r\nHTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s"
		    "\r\n--c--\r\n", body.len, buf_text(&body));
	}
	buf_puts(&parts, "--r--\r\n");
	answer(out, "202 Accepted", "Content-Type: multipart/mixed; boundary=r\r\n", buf_text(&parts));
	buf_fini(&parts);
	buf_fini(&body);
}

static void
look_up(const char *request, struct buf *out)
{
	struct buf body = { 0 };
	bool comma = false;

	sap.lookups++;
	buf_puts(&body, "{\"d\":{\"results\":[");
	for (size_t i = 0; !sap.blind && i < sap.n; i++)
		if (strncmp(request, "GET ", 4) == 0 && strstr(request, sap.ids[i]) != NULL) {
			buf_printf(&body, "%s{\"ConfirmationGroup\":\"0000000001\",\"ConfirmationCount\":\"%08zu\",\"ExternalSystemConfirmation\":\"%s\"}",
			    comma ? "," : "", i + 1, sap.ids[i]);
			comma = true;
		}
	buf_puts(&body, "]}}");
	answer(out, "200 OK", "Content-Type: application/json\r\n", buf_text(&body));
	buf_fini(&body);
}

static bool
post(const char *request, struct buf *out)
{
	struct buf body = { 0 };

	sap.posts++;
	if (sap.refuse != NULL) {
		answer(out, "400 Bad Request", "Content-Type: application/json\r\n", sap.refuse);
		return true;
	}
	if (strstr(request, "$batch") != NULL)
		batch(request, out);
	else {
		book(request, &body);
		answer(out, "201 Created", "Content-Type: application/json\r\n", buf_text(&body));
	}
	buf_fini(&body);
	sap.gone = sap.once;
	if (sap.lose_every == 0 || sap.posts % sap.lose_every != 0)
		return true;
	sap.lost++;
	buf_reset(out);
	return false;
}

static void
read_orders(const char *request, struct buf *out)
{
	struct buf body = { 0 };

	sap.reads++;
	snprintf(sap.read, sizeof sap.read, "%.*s", (int)strcspn(request, "\r"), request);
	bool none = sap.orders == NULL || (sap.newest != NULL && strstr(sap.read, sap.newest) != NULL);
	buf_printf(&body, "{\"d\":{\"results\":[%s]}}", none ? "" : sap.orders);
	answer(out, "200 OK", "Content-Type: application/json\r\n", buf_text(&body));
	buf_fini(&body);
}

static bool
reply(struct rig *r, size_t i, const char *request, struct buf *out)
{
	bool stay = true;
	(void)r;
	(void)i;

	pthread_mutex_lock(&sap.lock);
	if (sap.gone)
		answer(out, "503 Service Unavailable", "Retry-After: 1\r\n", "");
	else if (strstr(request, "$metadata") != NULL)
		answer(out, "404 Not Found", "", "");
	else if (strncmp(request, "POST", 4) == 0)
		stay = post(request, out);
	else if (strstr(request, "A_ProductionOrder_2") != NULL)
		read_orders(request, out);
	else if (strstr(request, "ProdnOrdConf2") != NULL)
		look_up(request, out);
	else
		answer(out, "200 OK", "x-csrf-token: t\r\nset-cookie: s=1; path=/\r\n", "{}");
	pthread_mutex_unlock(&sap.lock);
	return stay;
}

static void
on_answer(void *arg, const char *lines, size_t len)
{
	(void)arg;
	snprintf(w.answer, sizeof w.answer, "%.*s", (int)len, lines);
}

static void
begin(unsigned batch_max)
{
	sap.n = sap.lost = sap.posts = sap.lookups = sap.batches = 0;
	sap.lose_every = 0;
	sap.refuse = NULL;
	sap.gone = sap.once = sap.blind = false;
	sap.orders = NULL;
	sap.reads = 0;
	office_begin(reply, batch_max, 4);
	sink_starts();
}

static int
offer(unsigned no)
{
	return offer_event(no, 20);
}

static size_t
different(void)
{
	size_t n = 0;

	for (size_t i = 0; i < sap.n; i++) {
		size_t k = 0;
		while (strcmp(sap.ids[k], sap.ids[i]) != 0)
			k++;
		n += k == i;
	}
	return n;
}

static size_t
booked(void)
{
	pthread_mutex_lock(&sap.lock);
	size_t n = sap.n;
	pthread_mutex_unlock(&sap.lock);
	return n;
}

static void
offer_all(unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to; i++)
		while (offer(i) == ERR_FULL)
			uv_run(&w.loop, UV_RUN_ONCE);
}

TEST(each_event_is_booked_once_though_answers_are_lost)
{
	begin(1);
	sap.lose_every = 7;
	offer_all(1, 200);
	UNTIL(w.done == 200, "all done");
	UNTIL(booked() >= 200 && strstr(w.state, " wait") == NULL, "all booked");
	CHECK_INT(sap.n, 200);
	CHECK_INT(different(), 200);
	CHECK(sap.lost > 10 && sap.lookups >= sap.lost);
	UNTIL(w.connected, "connection");
	office_end();
}

TEST(events_in_batches_are_booked_once_as_well)
{
	begin(20);
	offer_all(1, 40);
	UNTIL(booked() >= 40, "first ones booked");
	sap.lose_every = 5;
	offer_all(41, 300);
	UNTIL(booked() >= 300 && strstr(w.state, " wait") == NULL && w.done == 300, "all booked");
	CHECK_INT(sap.n, 300);
	CHECK_INT(different(), 300);
	CHECK(sap.batches > 0);
	office_end();
}

TEST(what_stands_in_the_outbox_is_posted_after_a_restart_and_a_repeat_is_passed_over)
{
	begin(1);
	sap.gone = true;
	offer_all(1, 30);
	UNTIL(w.done == 30, "all done");
	UNTIL(strstr(w.state, "503") != NULL || strstr(w.state, "HTTP/503") != NULL || strstr(w.state, "next try") != NULL, "trouble told");
	CHECK(!w.connected);
	CHECK_INT(sap.n, 0);
	sink_stops();
	sap.gone = false;
	sink_starts();
	offer_all(1, 30);	/* the spool did not know */
	UNTIL(booked() >= 30 && strstr(w.state, " wait") == NULL && w.done == 60, "all booked");
	CHECK_INT(sap.n, 30);
	CHECK_INT(different(), 30);
	office_end();
}

TEST(a_refusal_waits_for_a_person_who_can_retry_it)
{
	static const char *const list[] = { "retry", "1", "--reason", "the order is open again" };

	begin(1);
	sap.refuse = "{\"error\":{\"code\":\"RU/505\",\"message\":{\"lang\":\"en\",\"value\":\"Order 1000101 is closed\"}}}";
	CHECK_INT(offer(1), 0);
	UNTIL(strstr(w.state, "1 refused waits for a person: penstock outbox list") != NULL, "refusal in the state");
	pthread_mutex_lock(&sap.lock);
	sap.refuse = NULL;
	pthread_mutex_unlock(&sap.lock);
	const struct sink_ask q = { .verb = "outbox", .argc = 4, .argv = list, .who = "anna", .answer = on_answer };
	CHECK_INT(sap_odata_sink.ask(w.inst, &q), 0);
	UNTIL(w.answer[0] != '\0', "answer");
	CHECK(strstr(w.answer, "error") == NULL);
	UNTIL(booked() == 1, "booking");
	office_end();
}

TEST(what_is_no_event_is_refused_and_says_why)
{
	begin(1);
	CHECK_INT(offer_value(7, 1, (struct value){ .type = VALUE_F64, .f64 = 1.5 }), 0);
	CHECK_INT(w.refused, 1);
	CHECK(strstr(w.why, "Line/speed is no event") != NULL && strstr(w.why, "bookings") != NULL);
	CHECK_INT(offer_value(8, 0, (struct value){ .type = VALUE_JSON, .len = 7, .p = "{\"a\":1}" }), 0);
	UNTIL(w.refused == 2, "refusal");
	CHECK(strstr(w.why, "sample 8: this is no event") != NULL);
	static const char longer[] = "{\"id\":\"0123456789012345678901234567890123456789012345678901234567890123456789\",\"event\":\"Line/confirmation\","
	    "\"type\":\"operations-performance\",\"key\":\"1\",\"no\":1,\"time\":\"2026-11-22T22:40:12.123Z\",\"fields\":{}}";
	CHECK_INT(offer_value(10, 0, (struct value){ .type = VALUE_JSON, .len = sizeof longer - 1, .p = longer }), 0);
	UNTIL(w.refused == 3, "refusal of what is too long");
	CHECK(strstr(w.why, "sample 10: the outbox takes no such event: its id may have 64 bytes") != NULL);
	CHECK_INT(offer_value(9, 0, (struct value){ .type = VALUE_NULL }), 0);
	UNTIL(w.done == 1, "an empty sample is passed over");
	office_end();
}

#define ORDER(number, material, changed, done) "{\"ManufacturingOrder\":\"" number "\",\"Material\":\"" material "\",\"TotalQuantity\":\"500.000\"," \
	"\"LastChangeDateTime\":\"" changed "\",\"OrderIsTechnicallyCompleted\":\"" done "\"}"

static size_t
reads(void)
{
	pthread_mutex_lock(&sap.lock);
	size_t n = sap.reads;
	pthread_mutex_unlock(&sap.lock);
	return n;
}

/* Has it asked for what changed since then? */
static bool
asked_since(const char *mark)
{
	pthread_mutex_lock(&sap.lock);
	bool yes = strstr(sap.read, mark) != NULL;
	pthread_mutex_unlock(&sap.lock);
	return yes;
}

static void
newest_is(const char *mark)
{
	pthread_mutex_lock(&sap.lock);
	sap.newest = mark;
	pthread_mutex_unlock(&sap.lock);
}

static void
orders_are(const char *rows)
{
	pthread_mutex_lock(&sap.lock);
	sap.orders = rows;
	sap.reads = 0;
	pthread_mutex_unlock(&sap.lock);
	buf_reset(&w.writes);
	UNTIL(reads() >= 3 && w.asked == NULL, "reading");
}

TEST(orders_become_writes_of_tags_the_key_last_and_only_what_has_changed)
{
	static struct tag plan_tags[] = { { .path = "Line/order/material" }, { .path = "Line/order/order" }, { .path = "Line/order/planned-quantity" } };

	static struct source source = { .name = "orders", .tags = plan_tags, .ntags = 3 };

	begin(1);
	sink_stops();
	w.plan.sources = &source;
	w.plan.nsources = 1;
	w.reads[0] = "production-orders plant=1010 technically-completed= -> Line/order";
	key("read")->list = w.reads;
	key("read")->n = 1;
	key("poll")->i = 50 * NS_PER_MS;
	sink_starts();
	orders_are(ORDER("000001000123", "BOTTLE-05", "20261122100000", "") "," ORDER("000001000200", "BOTTLE-10", "20261122110000", "X"));
	CHECK_STR(buf_text(&w.writes), "Line/order/material=BOTTLE-05\nLine/order/planned-quantity=500\nLine/order/order=1000123\n");
	orders_are(ORDER("000001000124", "BOTTLE-05", "20261122120000", ""));
	CHECK_STR(buf_text(&w.writes), "Line/order/order=1000124\n");
	CHECK(strstr(sap.read, "20261122120000") != NULL && strstr(sap.read, "1010") != NULL);
	w.refuse = true;
	orders_are(ORDER("000001000125", "BOTTLE-05", "20261122130000", ""));
	UNTIL(strcmp(buf_text(&w.writes), "Line/order/order=1000125\nLine/order/order=1000125\n") == 0, "a second try of what gate refused");
	/* Refused, and another row is newer: it is read again all the same. */
	newest_is("20261122150000");
	w.refuse = true;
	orders_are(ORDER("000001000126", "BOTTLE-05", "20261122130000", "") "," ORDER("000001000201", "BOTTLE-10", "20261122150000", "X"));
	UNTIL(strcmp(buf_text(&w.writes), "Line/order/order=1000126\nLine/order/order=1000126\n") == 0, "a refused order asked for again");
	UNTIL(asked_since("20261122150000"), "marker kept once all is written");
	newest_is(NULL);
	sink_stops();
	sink_starts();		/* the marker was kept; the values are told anew */
	orders_are("");
	CHECK(strstr(sap.read, "20261122150000") != NULL);
	office_end();
}

/* Elsewhere nobody knows the document: it would be told as one that is gone, and be booked by hand. */
TEST(goods_movements_are_not_looked_for_in_another_client)
{
	static const char *const settings[] = { "plant = 1010" };
	static const char event[] = "{\"id\":\"6f1c0000-0000-5000-8000-000000000001\",\"event\":\"Line/confirmation\",\"type\":\"operations-performance\","
	    "\"key\":\"1\",\"no\":1,\"time\":\"2026-11-22T22:40:12.123Z\",\"fields\":{\"order\":\"1000100\",\"yield\":1,\"unit\":\"PC\",\"receipt-quantity\":1,"
	    "\"receipt-material\":\"BOTTLE-05\"},\"units\":{\"receipt-quantity\":\"1\"},\"status\":{},\"from\":{}}";

	begin(1);
	sink_stops();
	key("settings")->list = settings;
	key("settings")->n = 1;
	key("follow-up")->i = NS_PER_S;
	sap.once = true;
	sink_starts();
	CHECK_INT(offer_value(1, 0, (struct value){ .type = VALUE_JSON, .len = sizeof event - 1, .p = event }), 0);
	UNTIL(booked() == 1, "booking");
	sink_stops();
	sap.gone = sap.once = false;
	key("client")->s = "200";
	sink_starts();
	UNTIL(strstr(w.state, "1 posted with a complaint") != NULL, "complaint");
	CHECK_INT(sap.lookups, 0);
	office_end();
}

static void
person(const char *verb, const char *id)
{
	const char *const list[] = { verb, id, "--reason", "CO14 was looked at" };
	const struct sink_ask q = { .verb = "outbox", .argc = 4, .argv = list, .who = "anna", .answer = on_answer };

	w.answer[0] = '\0';
	CHECK_INT(sap_odata_sink.ask(w.inst, &q), 0);
	UNTIL(w.answer[0] != '\0', "answer");
	CHECK(strstr(w.answer, "error") == NULL);
}

/* It would be told "not there" of all that was booked. */
TEST(a_user_who_may_post_and_not_read_books_nothing_twice)
{
	begin(1);
	sink_stops();
	key("follow-up")->i = NS_PER_S;
	sap.blind = true;
	sink_starts();
	CHECK_INT(offer(1), 0);
	UNTIL(strstr(w.state, "1 posted with a complaint") != NULL, "complaint");
	pthread_mutex_lock(&sap.lock);
	sap.lose_every = 1;
	pthread_mutex_unlock(&sap.lock);
	CHECK_INT(offer(2), 0);
	UNTIL(strstr(w.state, "1 refused waits for a person") != NULL, "refusal");
	CHECK_INT(booked(), 2);
	CHECK_INT(sap.posts, 2);
	pthread_mutex_lock(&sap.lock);
	sap.blind = false;
	sap.lose_every = 0;
	pthread_mutex_unlock(&sap.lock);
	person("retry", "2");		/* found, now that it may be read */
	UNTIL(strstr(w.state, "refused") == NULL, "confirmation");
	CHECK_INT(booked(), 2);
	pthread_mutex_lock(&sap.lock);
	sap.lose_every = 1;
	pthread_mutex_unlock(&sap.lock);
	CHECK_INT(offer(3), 0);		/* and all goes by itself again */
	UNTIL(booked() == 3 && strstr(w.state, " wait") == NULL, "confirmation by a look");
	CHECK_INT(sap.posts, 3);
	office_end();
}

/* Two sinks at one server: each has an outbox of its own, so an event that goes to both would be booked twice. */
static size_t
twice(const char *other_server, uint32_t flow_of_other)
{
	static const struct flow_tag tag[] = { { .source = 3, .tag = 4 } };
	static struct event_rule event = { .path = "Line/confirmation", .source = 3, .tag = 4, .object = EVENT_OPERATIONS_PERFORMANCE };
	struct keyval keys[sizeof w.keys / sizeof w.keys[0]];
	uint32_t one[] = { 0 }, two[] = { flow_of_other };
	struct site_report report = { 0 };
	struct findings f;
	size_t n = 0;

	memcpy(keys, w.keys, sizeof keys);
	keys[key("server") - w.keys].s = other_server;
	struct sink pair[] = { w.cfg, w.cfg };
	pair[1].name = "sap-2";
	pair[1].keys = keys;
	struct flow flows[] = { { .name = "f", .tags = (struct flow_tag *)(uintptr_t)tag, .ntags = 1, .sinks = one, .nsinks = 1 },
		{ .name = "g", .tags = (struct flow_tag *)(uintptr_t)tag, .ntags = 1, .sinks = two, .nsinks = 1 } };
	struct plan p = { .sinks = pair, .nsinks = 2, .flows = flows, .nflows = 2, .events = &event, .nevents = 1 };
	findings_init(&f, &report);
	for (size_t i = 0; i < 2; i++)
		sap_odata_sink.verify(&pair[i], &p, NULL, false, &f);
	findings_finish(&f);
	for (size_t i = 0; i < report.n; i++)
		n += strcmp(report.findings[i].rule, "sap-twice") == 0;
	site_report_free(&report);
	return n;
}

TEST(an_event_that_two_sinks_would_book_is_found)
{
	begin(1);
	CHECK_INT(twice(w.server, 1), 1);
	CHECK_INT(twice("127.0.0.2:1", 1), 0);
	CHECK_INT(twice(w.server, 0), 0);
	office_end();
}

TEST_MAIN
