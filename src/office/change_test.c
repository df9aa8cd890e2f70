/* What people do with an outbox: tried, entered in gate's log, done; in this order, or not at all. */
#include "base/log.h"
#include "base/test.h"
#include "office/inside.h"

#include <string.h>

static struct office	 o;
static struct outlet	 k;
static struct channel	 gate;
static char		 told[2000], done_args[500];
static unsigned		 ends, asked;
static bool		 late;		/* the sink answers when it is told to */
static struct sink_ask	 waiting;

static void
answer(const struct sink_ask *a)
{
	char text[300] = "";

	for (int i = 1; i < a->argc && strncmp(a->argv[i], "--", 2) != 0; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), strcmp(a->argv[i], "2") == 0 ? "{\"id\":2,\"error\":\"it is under way\"}\n" :
		    "{\"id\":%s,\"%s\":\"sent\"}\n", a->argv[i], a->dry ? "would" : "did");
	if (!a->dry)
		for (int i = 0; i < a->argc; i++)
			snprintf(done_args + strlen(done_args), sizeof done_args - strlen(done_args), "%s ", a->argv[i]);
	a->answer(a->arg, text, strlen(text));
}

static int
fake_ask(void *inst, const struct sink_ask *a)
{
	(void)inst;
	asked++;
	waiting = *a;
	if (!late)
		answer(a);
	return 0;
}

static const struct sink_type fake = { .ask = fake_ask };

static int
on_outcome(void *arg, const struct msg *m)
{
	return office_audited(arg, m->p, m->len);
}

static void
on_answer(void *arg, const char *lines, size_t len, bool end)
{
	(void)arg;
	snprintf(told + strlen(told), sizeof told - strlen(told), "%.*s", (int)len, lines);
	ends += end;
}

static void
begin(void)
{
	int fds[2];

	log_open("test", LOG_LEVEL_ERROR);
	o = (struct office){ .outlets = &k };
	k = (struct outlet){ .office = &o, .name = "sap", .type = &fake, .phase = OUTLET_RUNNING };
	told[0] = done_args[0] = '\0';
	ends = asked = 0;
	late = false;
	CHECK_INT(channel_pair(fds), 0);
	channel_init(&o.reporter.ch, fds[0], ROLE_OFFICE, ROLE_GATE);
	channel_init(&gate, fds[1], ROLE_GATE, ROLE_OFFICE);
	o.reporter.outcome = on_outcome;
	o.reporter.arg = &o;
}

static void
finish(void)
{
	office_changes_free(&o);
	if (o.reporter.ch.fd >= 0)
		channel_close(&o.reporter.ch);
	channel_close(&gate);
}

#define ASK(...) office_change(&o, "anna", (int)(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)), \
	(const char *[]){ __VA_ARGS__ }, on_answer, &o)

/* What gate was asked to enter, and its answer to it. NULL: nothing. */
static const char *
entered(int err)
{
	static char what[2000];
	char sink[100], who[100];
	struct msg m;
	uint8_t bytes[12];

	if (channel_recv(&gate, &m) != 0)
		return NULL;
	CHECK_INT(m.type, MSG_AUDIT);
	struct reader r = rd_init(m.p, m.len);
	uint64_t number = rd_le64(&r);
	rd_text(&r, sink, sizeof sink - 1);
	rd_text(&r, who, sizeof who - 1);
	rd_text(&r, what, sizeof what - 1);
	CHECK_INT(rd_end(&r), 0);
	CHECK_STR(sink, "sap");
	CHECK_STR(who, "anna");
	struct writer w = wr_init(bytes, sizeof bytes);
	wr_le64(&w, number);
	wr_le32(&w, (uint32_t)err);
	CHECK_INT(channel_send(&gate, MSG_AUDITED, bytes, wr_len(&w), -1), 0);
	CHECK_INT(reporter_receive(&o.reporter), 0);
	return what;
}

TEST(a_change_is_entered_before_it_is_done_and_only_what_was_entered_is_done)
{
	begin();
	ASK("sap", "retry", "1", "2", "3", "--reason", "2");
	CHECK_INT(asked, 1);
	CHECK_STR(done_args, "");
	CHECK_STR(entered(0), "{\"verb\":\"retry\",\"reason\":\"2\",\"events\":[{\"id\":1,\"would\":\"sent\"},{\"id\":3,\"would\":\"sent\"}]}");
	CHECK_STR(done_args, "retry 1 3 --reason 2 ");
	CHECK_STR(told, "{\"id\":2,\"error\":\"it is under way\"}\n{\"id\":1,\"did\":\"sent\"}\n{\"id\":3,\"did\":\"sent\"}\n");
	CHECK_INT(ends, 1);
	finish();
}

TEST(what_the_log_does_not_take_is_not_done)
{
	begin();
	ASK("", "retry", "1", "--reason", "x");
	CHECK(entered(ERR_NOSPACE) != NULL);
	CHECK_STR(done_args, "");
	CHECK(strstr(told, "nothing was changed: the audit log does not take it") != NULL);
	ASK("sap", "retry", "2", "--reason", "x");	/* nothing of it can be done: no entry */
	CHECK(entered(0) == NULL);
	ASK("sap", "retry", "1", "--reason", "x");	/* gate dies before it answers */
	office_changes_lost(&o);
	CHECK(strstr(told, "ended before it said") != NULL);
	CHECK_INT(ends, 3);
	CHECK_STR(done_args, "");
	finish();
}

TEST(a_sink_that_stops_in_between_is_said_and_its_answer_is_not_waited_for)
{
	begin();
	late = true;
	ASK("sap", "retry", "1", "--reason", "x");
	office_changes_of_sink_gone(&o, "sap");
	CHECK_INT(ends, 1);
	CHECK(o.changes == NULL);
	ASK("sap", "retry", "1", "--reason", "x");
	office_change_forget(&o, &o);			/* the person went away; it goes its way */
	answer(&waiting);
	late = false;
	CHECK(entered(0) != NULL);
	CHECK_STR(done_args, "retry 1 --reason x ");
	CHECK_INT(ends, 1);
	CHECK(o.changes == NULL);
	k.phase = OUTLET_STOPPING;
	ASK("sap", "retry", "1", "--reason", "x");
	ASK("other", "retry", "1", "--reason", "x");
	CHECK(strstr(told, "does not run at the moment") != NULL && strstr(told, "no sink other") != NULL);
	finish();
}

TEST_MAIN
