/* What gate takes from an office that may have been taken over: no name that is not its own, and no memory without end. */
#include "proc/gate_requests.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/test.h"
#include "os/clock.h"

static bool reads;
static uint32_t told, dropped;
static int entered;		/* what gate said of the newest AUDIT */

static int
to_office(void *arg, enum msg_type type, const void *p, size_t len)
{
	struct reader r = rd_init(p, len);

	if (type == MSG_AUDITED) {
		(void)rd_le64(&r);
		entered = (int)(int32_t)rd_le32(&r);
		return 0;
	}
	(void)arg;
	(void)p;
	CHECK(len > 8);
	if (!reads)
		return ERR_AGAIN;
	told++;
	return 0;
}

static void
soon(void *arg)
{
	(void)arg;
}

static int
ask(struct gate_requests *g, uint64_t number, const char *from)
{
	static uint8_t bytes[8 + REQUEST_BYTES_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);
	struct value v = { .type = VALUE_F64, .f64 = 1 };
	struct request q = { .kind = REQUEST_WRITE, .target = "L/sp", .method = "", .event = "", .args = &v, .nargs = 1,
	    .from = from, .user = "anna", .key = "", .note = "" };

	wr_le64(&w, number);
	CHECK_INT(request_pack(&w, &q), 0);
	return gate_requests_office(g, bytes, wr_len(&w));
}

static void
remove_all(const char *dir)
{
	char command[200];
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	CHECK_INT(system(command), 0);
}

TEST(an_office_that_does_not_listen_is_let_go)
{
	struct gate_requests_ops ops = { .to_office = to_office, .soon = soon };
	char dir[] = "/tmp/gate-requests-XXXXXX";
	struct gate_requests *g;

	log_open("test", LOG_LEVEL_ERROR);
	CHECK(mkdtemp(dir) != NULL);
	CHECK_INT(gate_requests_open(dir, &ops, &g), 0);
	CHECK(ask(g, 1, "cli") != 0);		/* the command line's name is not its own */
	reads = true;
	for (uint64_t i = 0; i < 2000; i++)
		CHECK_INT(ask(g, i, "server"), 0);
	CHECK_INT(told, 2000);
	reads = false;
	for (uint64_t i = 0; i < 2000; i++)
		dropped += ask(g, i, "server") != 0;
	CHECK_INT(dropped, 2000 - 1024);
	gate_requests_office_gone(g);		/* and what it left unread with it */
	CHECK_INT(ask(g, 1, "server"), 0);
	gate_requests_close(g);
	remove_all(dir);
}

static int
enter(struct gate_requests *g, const char *sink, const char *who, const char *what)
{
	static uint8_t bytes[60000];
	struct writer w = wr_init(bytes, sizeof bytes);

	wr_le64(&w, 7);
	wr_text(&w, sink);
	wr_text(&w, who);
	wr_text(&w, what);
	entered = 1;
	return gate_requests_audit(g, bytes, wr_len(&w));
}

static int
look_for(void *arg, const struct audit_place *at, const struct audit_line *l, const char *text, size_t len)
{
	(void)at;
	(void)text;
	(void)len;
	if (l != NULL && l->kind == AUDIT_OUTBOX)
		snprintf(arg, 300, "%.*s", (int)l->json_len, l->json);
	return 0;
}

TEST(a_change_to_an_outbox_stands_in_the_log_before_it_is_answered)
{
	struct gate_requests_ops ops = { .to_office = to_office, .soon = soon };
	char dir[] = "/tmp/gate-requests-XXXXXX", logs[64], found[300] = "";
	struct gate_requests *g;

	log_open("test", LOG_LEVEL_ERROR);
	CHECK(mkdtemp(dir) != NULL);
	snprintf(logs, sizeof logs, "%s/audit", dir);
	CHECK_INT(gate_requests_open(dir, &ops, &g), 0);
	CHECK_INT(enter(g, "sap", "anna", "{\"verb\":\"cancel\"}"), 0);
	CHECK_INT(entered, 0);
	audit_walk(logs, &disk_os, look_for, found);
	CHECK_STR(found, "{\"sink\":\"sap\",\"from\":\"cli\",\"user\":\"anna\",\"change\":{\"verb\":\"cancel\"}}");
	/* What would break out of the entry, or is none, costs office the channel. */
	CHECK(enter(g, "sap", "anna", "{\"verb\":1},\"user\":\"root\"") != 0);
	CHECK(enter(g, "sap", "anna", "[]") != 0);
	CHECK(enter(g, "a name of a sink that is longer than any name of a sink could ever be in a plan", "anna", "{}") != 0);
	CHECK_INT(entered, 1);
	for (int i = 0; i < 60; i++)
		CHECK_INT(enter(g, "sap", "anna", "{}"), 0);
	CHECK_INT(entered, ERR_FULL);		/* too many within a second */
	gate_requests_close(g);
	remove_all(dir);
}

struct changes { char last[300]; int64_t n; };

static int
look_for_changes(void *arg, const struct audit_place *at, const struct audit_line *l, const char *text, size_t len)
{
	struct changes *c = arg;
	(void)at;
	(void)text;
	(void)len;
	if (l != NULL && l->kind == AUDIT_CERT) {
		snprintf(c->last, sizeof c->last, "%.*s", (int)l->json_len, l->json);
		c->n++;
	}
	return 0;
}

TEST(a_process_enters_what_it_changed_under_its_own_name_alone)
{
	struct gate_requests_ops ops = { .to_office = to_office, .soon = soon };
	static const char *const texts[] = { "ot", "renewed", "the nodes themselves", "CN=cell", "0A1B",
		"x\",\"process\":\"office" };
	char dir[] = "/tmp/gate-requests-XXXXXX", logs[64];
	struct changes found = { 0 };
	uint8_t bytes[4096];
	struct writer w = wr_init(bytes, sizeof bytes);
	struct gate_requests *g;

	log_open("test", LOG_LEVEL_ERROR);
	CHECK(mkdtemp(dir) != NULL);
	snprintf(logs, sizeof logs, "%s/audit", dir);
	CHECK_INT(gate_requests_open(dir, &ops, &g), 0);
	for (size_t i = 0; i < 6; i++)
		wr_text(&w, texts[i]);
	CHECK_INT(gate_requests_changed(g, "field:line-3", bytes, wr_len(&w)), 0);
	audit_walk(logs, &disk_os, look_for_changes, &found);
	CHECK_INT(found.n, 1);
	CHECK_STR(found.last, "{\"process\":\"field:line-3\",\"side\":\"ot\",\"what\":\"renewed\","
	    "\"by\":\"the nodes themselves\",\"subject\":\"CN=cell\",\"sha1\":\"0A1B\",\"detail\":\"x\\\",\\\"process\\\":\\\"office\"}");
	/* Malformed: it costs the process its channel. */
	CHECK(gate_requests_changed(g, "office", bytes, wr_len(&w) - 1) != 0);
	bytes[wr_len(&w)] = 0;
	CHECK(gate_requests_changed(g, "office", bytes, wr_len(&w) + 1) != 0);
	/* Who floods fills no disk: 50 in each second that this takes, and that it began and ended in. */
	struct mono begin = mono_now();
	for (int i = 0; i < 300; i++)
		CHECK_INT(gate_requests_changed(g, "office", bytes, wr_len(&w)), 0);
	int64_t seconds = mono_diff(mono_now(), begin) / NS_PER_S + 2;
	found.n = 0;
	audit_walk(logs, &disk_os, look_for_changes, &found);
	CHECK(found.n >= 50 && found.n <= 50 * seconds);
	gate_requests_close(g);
	remove_all(dir);
}

TEST_MAIN
