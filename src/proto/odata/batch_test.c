/* $batch: bytes as OData 2.0 batch processing and RFC 2046 have them, and answers of servers, good and hostile. */
#include "proto/odata/batch.h"

#include <string.h>

#include "base/err.h"
#include "base/test.h"

static struct arena arena;
static char why[256];

TEST(change_sets_and_reads_in_one)
{
	struct buf b = { 0 };
	struct odata_batch x;

	odata_batch_begin(&x, &b, "1f");
	odata_batch_put(&x, &(struct odata_op){ .set = 1, .method = "POST", .path = "A", .content_id = "1",
	    .body = "{}", .len = 2 });
	odata_batch_put(&x, &(struct odata_op){ .set = 1, .method = "MERGE", .path = "A('1')", .if_match = "W/\"1\"",
	    .body = "{}", .len = 2 });
	odata_batch_put(&x, &(struct odata_op){ .method = "GET", .path = "A?$top=1" });
	CHECK_INT(odata_batch_end(&x), 0);
	CHECK_STR(x.type, "multipart/mixed; boundary=batch_1f");
	CHECK_STR(buf_text(&b),
	    "--batch_1f\r\nContent-Type: multipart/mixed; boundary=set1_batch_1f\r\n\r\n"
	    "--set1_batch_1f\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n"
	    "POST A HTTP/1.1\r\nAccept: application/json\r\nContent-ID: 1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}\r\n"
	    "--set1_batch_1f\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
	    "MERGE A('1') HTTP/1.1\r\nAccept: application/json\r\nIf-Match: W/\"1\"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}\r\n"
	    "--set1_batch_1f--\r\n"
	    "--batch_1f\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
	    "GET A?$top=1 HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n"
	    "--batch_1f--\r\n");
	buf_fini(&b);
}

TEST(nothing_can_be_smuggled_into_a_request)
{
	static const struct odata_op wrong[] = {
		{ .method = "POST", .path = "A HTTP/1.1\r\nX: y" }, { .method = "POST\r\n", .path = "A" },
		    { .method = "POST", .path = "A B" },
		{ .method = "POST", .path = "A", .content_id = "1\r\n\r\n" },
		    { .method = "POST", .path = "A", .if_match = "\n" },
		{ .method = "POST", .path = "A", .body = "--batch_1f--", .len = 12 },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct buf b = { 0 };
		struct odata_batch x;
		odata_batch_begin(&x, &b, "1f");
		odata_batch_put(&x, &wrong[i]);
		CHECK_INT(odata_batch_end(&x), ERR_SYNTAX);
		buf_fini(&b);
	}
}

static struct odata_part *
parse(const char *type, const char *body, size_t want, int err)
{
	struct odata_part *v;
	size_t n;
	int got = odata_batch_parse(type, body, strlen(body), &arena, &v, &n, why);
	if (got != err)
		test_fail(__FILE__, __LINE__, "%d (%s), want %d", got, why, err);
	CHECK_INT(n, want);
	return v;
}

TEST(a_failed_change_set_is_one_part)
{
	/*
	 * As SAP's gateway answers: quoted boundary or not, Content-ID in either place, a set as a nested multipart, a
	 * failure without one.
	 */
	struct odata_part *v = parse("multipart/mixed; boundary=\"B 1\"",
	    "--B 1\r\nContent-Type: multipart/mixed; boundary=C\r\nContent-Length: 5\r\n\r\n--C\r\nContent-Type: application/http\r\nContent-Length: 9\r\n"
	    "content-transfer-encoding: binary\r\ncontent-id: 7\r\n\r\nHTTP/1.1 201 Created\r\nContent-Type: application/json\r\nETag: W/\"1\"\r\n\r\n"
	    "{\"d\":{\"x\":\"--C--\"}}\r\n--C--\r\n\r\n--B 1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 Bad Request\r\nContent-ID: 8\r\n\r\n{\"error\":{}}\r\n"
	    "--B 1--\r\n", 2, 0);
	CHECK_INT(v[0].status, 201);
	CHECK_INT(v[0].set, 1);
	CHECK_INT(v[0].place, 0);
	CHECK_STR(v[0].content_id, "7");
	CHECK_STR(v[0].body, "{\"d\":{\"x\":\"--C--\"}}");
	CHECK_STR(odata_header(v[0].headers, "etag", &arena), "W/\"1\"");
	CHECK(odata_header(v[0].headers, "tag", &arena) == NULL);
	CHECK_INT(v[1].status, 400);
	CHECK_INT(v[1].set, 0);
	CHECK_INT(v[1].place, 1);
	CHECK_STR(v[1].content_id, "8");
	CHECK_STR(v[1].body, "{\"error\":{}}");
	arena_fini(&arena);
}

TEST(line_ends_of_unix_and_answers_without_a_body_are_taken)
{
	struct odata_part *v = parse("Multipart/Mixed; charset=x; Boundary=b",
	    "preamble\n--b\nContent-Type: application/http\n\nHTTP/1.1 204 No Content\n\n\n--b--\nepilogue", 1, 0);
	CHECK_INT(v[0].status, 204);
	CHECK_INT(v[0].len, 0);
	arena_fini(&arena);
}

TEST(hostile_answers_are_refused)
{
	parse("text/html", "--b\r\n", 0, ERR_SYNTAX);
	parse("multipart/mixed", "--b\r\n", 0, ERR_SYNTAX);
	parse("multipart/mixed; boundary=", "--\r\n", 0, ERR_SYNTAX);
	parse("multipart/mixed; boundary=0123456789012345678901234567890123456789012345678901234567890123456789x", "",
	    0, ERR_SYNTAX);
	parse("multipart/mixed; boundary=b", "", 0, ERR_SYNTAX);
	parse("multipart/mixed; boundary=b", "--b\r\n", 0, ERR_SHORT);
	parse("multipart/mixed; boundary=b", "--b--\r\n", 0, 0);
	parse("multipart/mixed; boundary=b", "--b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx\r\n--b\r\n\r\nHTTP/1.1 201 C", 1,
	    ERR_SHORT);
	parse("multipart/mixed; boundary=b", "--b\r\n\r\nnot http\r\n--b--\r\n", 0, ERR_SYNTAX);
	parse("multipart/mixed; boundary=b", "--b\r\n\r\nHTTP/1.1 999 X\r\n\r\n\r\n--b--\r\n", 0, ERR_SYNTAX);
	/* A set within a set is an answer without a status line. */
	parse("multipart/mixed; boundary=b",
	    "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n--d--\r\n--c--\r\n--b--\r\n",
	    0, ERR_SYNTAX);
	arena_fini(&arena);
}

TEST_MAIN
