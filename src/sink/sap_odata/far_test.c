/* tsan */
/* The far end, against a scripted one: what is sent, what is never sent twice, and what is made of each way to fail. Statuses and headers are those
 * of the reference page on SAP's protocol; RFC 6749 for OAuth. */
#include <sys/stat.h>

#include "base/test.h"
#include "os/clock.h"
#include "sink/sap_odata/far.h"
#include "sink/sap_odata/http_rig.h"

#define SERVICE "/sap/opu/odata/sap/API_X;v=0002"
#define TOKEN(t) { .text = "HTTP/1.1 200 OK\r\nx-csrf-token: " t "\r\nset-cookie: SAP_SESSIONID_T_100=" t "; path=/; HttpOnly\r\n" \
	"set-cookie: sap-usercontext=sap-client=100; path=/\r\nContent-Length: 2\r\n\r\n{}" }
#define REQUIRED { .text = "HTTP/1.1 403 Forbidden\r\nX-CSRF-Token: Required\r\nContent-Length: 28\r\n\r\nCSRF token validation failed" }
#define CREATED { .text = "HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\n{\"d\":1}" }

struct seen {
	unsigned	 n;
	enum far_stage	 stage;
	enum http_end	 end;
	int		 status;
	bool		 cut;
	char		 body[200], why[400];
};

static void
note(void *arg, const struct far_answer *a)
{
	struct seen *s = arg;
	s->n++;
	s->stage = a->stage;
	s->end = a->http->end;
	s->status = a->http->status;
	s->cut = a->http->cut;
	snprintf(s->body, sizeof s->body, "%s", a->http->body);
	snprintf(s->why, sizeof s->why, "%s", a->http->why);
}

static struct far *
new_far(const struct rig *r, struct far_opts o)
{
	static char base[64];
	char why[300];
	struct far *f;

	http_global();
	snprintf(base, sizeof base, "http://127.0.0.1:%u", r->port);
	o.base = o.base != NULL ? o.base : base;
	o.http.connections = 4;
	o.http.connect_ns = o.http.connect_ns != 0 ? o.http.connect_ns : 5 * NS_PER_S;
	o.http.total_ns = o.http.total_ns != 0 ? o.http.total_ns : 10 * NS_PER_S;
	o.http.answer_max = o.http.answer_max != 0 ? o.http.answer_max : 1000;
	CHECK_INT(far_new(&o, &f, why, sizeof why), 0);
	return f;
}

static void
run(struct far *f)
{
	struct mono until = mono_add(mono_now(), 30 * NS_PER_S);
	while (far_under_way(f) > 0 && mono_before(mono_now(), until))
		far_turn(f, -1, NS_PER_S);
	CHECK_INT(far_under_way(f), 0);
}

static struct seen
call(struct far *f, const char *method, const char *path)
{
	struct seen s = { 0 };
	const struct far_call c = { .method = method, .service = SERVICE, .path = path, .body = "{\"a\":1}", .len = method[0] == 'G' ? 0 : 7 };
	CHECK_INT(far_start(f, &c, note, &s), 0);
	run(f);
	CHECK_INT(s.n, 1);
	return s;
}

static bool
asked(struct rig *r, size_t i, const char *what)
{
	CHECK(i < r->nasked);
	return strcasestr(buf_text(&r->asked[i]), what) != NULL;
}

static void
end(struct far *f, struct rig *r)
{
	far_free(f);
	rig_stop(r);
	rig_free(r);
}

TEST(a_post_fetches_the_token_and_brings_it_with_all_cookies)
{
	struct rig r;
	RIG(&r, TOKEN("abc"), CREATED, CREATED);
	struct far *f = new_far(&r, (struct far_opts){ .client = "100", .language = "EN" });
	struct seen s = call(f, "POST", "Set");

	CHECK_INT(s.status, 201);
	CHECK_STR(s.body, "{\"d\":1}");
	CHECK_INT(call(f, "POST", "Set").status, 201);
	CHECK_INT(r.nasked, 3);
	CHECK(asked(&r, 0, "GET " SERVICE "/ HTTP/1.1\r\n") && strstr(r.asked[0].p, "x-csrf-token: Fetch\r\n") != NULL);
	CHECK(asked(&r, 1, "POST " SERVICE "/Set HTTP/1.1\r\n") && asked(&r, 1, "x-csrf-token: abc\r\n"));
	CHECK(asked(&r, 1, "SAP_SESSIONID_T_100=abc") && asked(&r, 1, "sap-usercontext=sap-client=100"));
	CHECK(asked(&r, 1, "sap-client: 100\r\n") && asked(&r, 1, "sap-language: EN\r\n") && !asked(&r, 1, "expect:"));
	CHECK_INT(r.connections, 1);
	end(f, &r);
}

TEST(a_stale_token_is_fetched_anew_and_the_call_repeated_once)
{
	struct rig r;
	RIG(&r, TOKEN("old"), REQUIRED, TOKEN("new"), CREATED, REQUIRED, TOKEN("third"), REQUIRED);
	struct far *f = new_far(&r, (struct far_opts){ 0 });

	CHECK_INT(call(f, "POST", "Set").status, 201);
	CHECK(asked(&r, 3, "x-csrf-token: new") && asked(&r, 3, "SAP_SESSIONID_T_100=new") && !asked(&r, 2, "old"));
	CHECK_INT(call(f, "POST", "Set").status, 403);
	CHECK_INT(r.nasked, 7);
	end(f, &r);
}

TEST(a_403_of_authorisation_is_no_stale_token)
{
	struct rig r;
	RIG(&r, TOKEN("a"), { .text = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno" });
	struct far *f = new_far(&r, (struct far_opts){ 0 });

	CHECK_INT(call(f, "POST", "Set").status, 403);
	CHECK_INT(r.nasked, 2);
	end(f, &r);
}

TEST(a_service_without_tokens_is_posted_to_without)
{
	struct rig r;
	RIG(&r, { .text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" }, CREATED, CREATED);
	struct far *f = new_far(&r, (struct far_opts){ 0 });

	CHECK_INT(call(f, "POST", "Set").status, 201);
	CHECK(!asked(&r, 1, "x-csrf-token"));
	CHECK_INT(call(f, "POST", "Set").status, 201);
	CHECK_INT(r.nasked, 3);
	end(f, &r);
}

TEST(a_failed_fetch_ends_the_call_before_it_was_sent)
{
	struct rig r;
	RIG(&r, { .text = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n" });
	struct far *f = new_far(&r, (struct far_opts){ 0 });
	struct seen s = call(f, "POST", "Set");

	CHECK_INT(s.stage, FAR_SESSION);
	CHECK_INT(s.status, 503);
	CHECK_INT(r.nasked, 1);
	end(f, &r);
}

/* The trap: libcurl repeats a POST by itself when a kept connection is closed without an answer. The far end may have booked it. */
TEST(a_post_on_a_kept_connection_that_dies_is_sent_once_and_its_outcome_is_unknown)
{
	struct rig r;
	RIG(&r, TOKEN("a"), CREATED, { .text = NULL }, CREATED);
	struct far *f = new_far(&r, (struct far_opts){ 0 });

	CHECK_INT(call(f, "POST", "Set").status, 201);
	struct seen s = call(f, "POST", "Set");
	CHECK_INT(s.end, HTTP_LOST);
	CHECK_STR(s.why, "the connection was closed before an answer came");
	CHECK_INT(r.nasked, 3);
	end(f, &r);
}

TEST(a_post_without_a_body_is_sent_once_as_well)
{
	struct rig r;
	RIG(&r, TOKEN("a"), { .text = NULL }, CREATED);
	struct far *f = new_far(&r, (struct far_opts){ 0 });
	struct seen s = { 0 };
	const struct far_call c = { .method = "POST", .service = SERVICE, .path = "Cancel?Group='1'" };

	CHECK_INT(far_start(f, &c, note, &s), 0);
	run(f);
	CHECK_INT(s.end, HTTP_LOST);
	CHECK_INT(r.nasked, 2);
	end(f, &r);
}

TEST(a_get_on_a_kept_connection_that_dies_is_asked_again)
{
	struct rig r;
	RIG(&r, CREATED, { .text = NULL }, { .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" });
	struct far *f = new_far(&r, (struct far_opts){ 0 });

	CHECK_INT(call(f, "GET", "Set").status, 201);
	struct seen s = call(f, "GET", "Set");
	CHECK_INT(s.status, 200);
	CHECK_STR(s.body, "hi");
	end(f, &r);
}

TEST(a_silent_far_end_times_out_as_lost_and_an_absent_one_as_unsent)
{
	struct rig r;
	RIG(&r, TOKEN("a"), { .silent = true });
	struct far *f = new_far(&r, (struct far_opts){ .http = { .total_ns = 300 * NS_PER_MS } });
	struct seen s = call(f, "POST", "Set");

	CHECK_INT(s.stage, FAR_CALL);
	CHECK_INT(s.end, HTTP_LOST);
	far_free(f);
	rig_stop(&r);
	f = new_far(&r, (struct far_opts){ 0 });	/* its port is free again: nobody listens */
	s = call(f, "GET", "Set");
	CHECK_INT(s.end, HTTP_UNSENT);
	CHECK(s.why[0] != '\0');
	far_free(f);
	rig_free(&r);
}

TEST(half_an_answer_is_lost)
{
	struct rig r;
	RIG(&r, TOKEN("a"), { .text = "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"d\":", .close = true });
	struct far *f = new_far(&r, (struct far_opts){ 0 });

	CHECK_INT(call(f, "POST", "Set").end, HTTP_LOST);
	end(f, &r);
}

TEST(answers_are_bounded)
{
	static char big[3000], head[HTTP_HEAD_MAX + 4000];
	struct rig r;

	memset(big, 'x', sizeof big - 1);
	memcpy(big, "HTTP/1.1 201 Created\r\nContent-Length: 2900\r\n\r\n", 46);
	size_t n = (size_t)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n");
	while (n < HTTP_HEAD_MAX + 2000)
		n += (size_t)snprintf(head + n, sizeof head - n, "set-cookie: c%zu=%0*d\r\n", n, 1000, 1);
	snprintf(head + n, sizeof head - n, "Content-Length: 0\r\n\r\n");
	RIG(&r, TOKEN("a"), { .text = big, .close = true }, { .text = head, .close = true });
	struct far *f = new_far(&r, (struct far_opts){ 0 });
	struct seen s = call(f, "POST", "Set");
	CHECK_INT(s.end, HTTP_ANSWERED);
	CHECK_INT(s.status, 201);
	CHECK(s.cut);
	s = call(f, "GET", "Set");
	CHECK_INT(s.end, HTTP_LOST);
	CHECK(strstr(s.why, "head of the answer") != NULL);
	end(f, &r);
}

TEST(a_far_end_that_sets_cookies_without_end_is_forgotten)
{
	static char many[8000];
	static struct rig_answer script[30];
	struct rig r;
	size_t n = (size_t)snprintf(many, sizeof many, "HTTP/1.1 200 OK\r\n");

	for (unsigned i = 0; i < 49; i++)	/* libcurl takes at most 50 of an answer */
		n += (size_t)snprintf(many + n, sizeof many - n, "set-cookie: c%u=%0*u\r\n", i, 100, i);
	snprintf(many + n, sizeof many - n, "Content-Length: 0\r\n\r\n");
	for (size_t i = 0; i < 30; i++)
		script[i].text = many;
	rig_start(&r, script, 30);
	struct far *f = new_far(&r, (struct far_opts){ 0 });
	size_t without = 0;
	for (size_t i = 0; i < 25; i++) {
		CHECK_INT(call(f, "GET", "Set").status, 200);
		without += !asked(&r, i, "cookie: ");
	}
	CHECK_INT(without, 2);		/* the first, and the one after 1,000 of them */
	end(f, &r);
}

TEST(no_redirect_is_followed)
{
	struct rig r;
	RIG(&r, { .text = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" });
	struct far *f = new_far(&r, (struct far_opts){ 0 });

	CHECK_INT(call(f, "GET", "Set").status, 302);
	CHECK_INT(r.nasked, 1);
	end(f, &r);
}

static char *
secret_file(void)
{
	static char path[300];
	snprintf(path, sizeof path, "%s/secret", test_dir());
	FILE *f = fopen(path, "w");
	CHECK(f != NULL && fputs("s3cret\n", f) > 0 && fclose(f) == 0 && chmod(path, 0600) == 0);
	return path;
}

TEST(basic_log_on_goes_with_each_call)
{
	struct rig r;
	RIG(&r, TOKEN("a"), CREATED);
	struct far *f = new_far(&r, (struct far_opts){ .auth = FAR_AUTH_BASIC, .user = "TECH", .secret_file = secret_file() });

	CHECK_INT(call(f, "POST", "Set").status, 201);
	CHECK(asked(&r, 0, "authorization: Basic VEVDSDpzM2NyZXQ=\r\n") && asked(&r, 1, "authorization: Basic VEVDSDpzM2NyZXQ=\r\n"));
	end(f, &r);
}

TEST(a_secret_that_cannot_be_read_ends_the_call_before_it_was_sent)
{
	struct rig r;
	RIG(&r, CREATED);
	struct far *f = new_far(&r, (struct far_opts){ .auth = FAR_AUTH_BASIC, .user = "TECH", .secret_file = "/nonexistent/secret" });
	struct seen s = call(f, "GET", "Set");

	CHECK_INT(s.stage, FAR_LOGON);
	CHECK_INT(s.end, HTTP_UNSENT);
	CHECK(strstr(s.why, "/nonexistent/secret") != NULL);
	CHECK_INT(r.nasked, 0);
	end(f, &r);
}

TEST(a_wrong_password_is_tried_once_however_many_calls_wait)
{
	static const char no[] = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
	struct rig r;
	struct seen s[3] = { { 0 } };
	RIG(&r, { .text = no }, CREATED, CREATED, CREATED, CREATED);
	char *file = secret_file();
	struct far *f = new_far(&r, (struct far_opts){ .auth = FAR_AUTH_BASIC, .user = "TECH", .secret_file = file });
	const struct far_call c = { .method = "GET", .service = SERVICE, .path = "Set" };

	for (size_t i = 0; i < 3; i++)
		CHECK_INT(far_start(f, &c, note, &s[i]), 0);
	run(f);
	CHECK_INT(r.nasked, 1);
	CHECK_INT(s[0].status, 401);
	CHECK_INT(s[1].stage, FAR_LOGON);
	CHECK_INT(s[2].end, HTTP_UNSENT);
	FILE *new = fopen(file, "w");
	CHECK(new != NULL && fputs("the right one\n", new) > 0 && fclose(new) == 0);
	for (size_t i = 0; i < 3; i++)
		CHECK_INT(far_start(f, &c, note, &s[i]), 0);
	run(f);
	CHECK_INT(r.nasked, 4);
	CHECK(asked(&r, 1, "Basic VEVDSDp0aGUgcmlnaHQgb25l"));
	CHECK_INT(s[2].status, 201);
	end(f, &r);
}

TEST(an_oauth_token_is_kept_and_renewed_once_when_it_is_refused)
{
	static const char t1[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 67\r\n\r\n"
	    "{\"access_token\":\"one\",\"token_type\":\"bearer\",\"expires_in\":\"3600\" }  ";
	static const char t2[] = "HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n{\"access_token\":\"two\",\"expires_in\":3600     }";
	static const char no[] = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
	struct rig r;
	char url[80];
	RIG(&r, { .text = t1 }, CREATED, CREATED, { .text = no }, { .text = t2 }, CREATED, { .text = no }, { .text = t1 }, { .text = no });
	snprintf(url, sizeof url, "http://127.0.0.1:%u/oauth/token", r.port);
	struct far *f = new_far(&r, (struct far_opts){ .auth = FAR_AUTH_OAUTH, .user = "id", .secret_file = secret_file(), .token_url = url,
	    .scope = "API X" });

	CHECK_INT(call(f, "GET", "Set").status, 201);
	CHECK(asked(&r, 0, "POST /oauth/token ") && asked(&r, 0, "Basic aWQ6czNjcmV0") &&
	    asked(&r, 0, "grant_type=client_credentials&scope=API%20X"));
	CHECK(asked(&r, 1, "authorization: Bearer one\r\n"));
	CHECK_INT(call(f, "GET", "Set").status, 201);
	CHECK_INT(r.nasked, 3);
	CHECK_INT(call(f, "GET", "Set").status, 201);
	CHECK(asked(&r, 5, "authorization: Bearer two\r\n"));
	CHECK_INT(call(f, "GET", "Set").status, 401);
	CHECK_INT(r.nasked, 9);
	end(f, &r);
}

TEST(a_token_endpoint_that_talks_nonsense_is_told_so)
{
	struct rig r;
	char url[80];
	RIG(&r, { .text = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>" });
	snprintf(url, sizeof url, "http://127.0.0.1:%u/oauth/token", r.port);
	struct far *f = new_far(&r, (struct far_opts){ .auth = FAR_AUTH_OAUTH, .user = "id", .secret_file = secret_file(), .token_url = url });
	struct seen s = call(f, "POST", "Set");

	CHECK_INT(s.stage, FAR_LOGON);
	CHECK_STR(s.why, "the answer of the token endpoint holds no access_token");
	CHECK_INT(r.nasked, 1);
	end(f, &r);
}

TEST(what_is_under_way_at_the_end_is_lost_or_unsent)
{
	struct rig r;
	struct seen a = { 0 }, b = { 0 };
	RIG(&r, TOKEN("a"), { .silent = true });
	struct far *f = new_far(&r, (struct far_opts){ 0 });
	const struct far_call c = { .method = "POST", .service = SERVICE, .path = "Set", .body = "{}", .len = 2 };

	CHECK_INT(far_start(f, &c, note, &a), 0);
	while (r.nasked < 2)
		far_turn(f, -1, 10 * NS_PER_MS);
	CHECK_INT(far_start(f, &c, note, &b), 0);
	end(f, &r);
	CHECK_INT(a.end, HTTP_LOST);
	CHECK_INT(b.end, HTTP_UNSENT);
}

TEST_MAIN
