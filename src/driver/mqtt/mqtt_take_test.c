/* Messages, their numbers to gate, repeats, and when the broker may forget them; gate is played by hand. */
#include <string.h>

#include "base/test.h"
#include "driver/mqtt/mqtt_source.h"

static struct tag tags[] = { { .path = "E/a", .at = "x/+/c" }, { .path = "E/b", .at = "x/#" }, { .path = "E/c", .at = "y" } };
static struct source source = { .name = "s", .tags = tags, .ntags = 3 };
static struct {
	uint32_t	tag;
	uint64_t	no, prev, base;
	char		value[128];
	struct wall	time;
} got[64];
static size_t ngot;

static void
on_numbered(struct driver_host *h, uint32_t src, const struct sample *v, uint32_t n, const struct driver_numbers *no)
{
	(void)h;
	CHECK(src == 0 && n == 1 && v->v.type == VALUE_JSON && v->v.len < sizeof got[0].value && ngot < sizeof got / sizeof got[0]);
	got[ngot].tag = v->tag;
	got[ngot].no = no->no;
	got[ngot].prev = no->prev;
	got[ngot].base = no->base;
	got[ngot].time = v->source;
	memcpy(got[ngot].value, v->v.p, v->v.len);
	got[ngot++].value[v->v.len] = '\0';
}

static struct driver_host host = { .numbered = on_numbered };
static char recent[RECENT][ID_MAX + 1];

static struct mqtts
fresh(void)
{
	ngot = 0;
	memset(recent, 0, sizeof recent);
	return (struct mqtts){ .h = &host, .s = &source, .up = true, .origin = 7, .recent = recent, .quiet = { .burst = 0, .period_ms = 60000 } };
}

static void
take(struct mqtts *d, const char *topic, const char *payload)
{
	if (d->head == NULL)
		d->tail = &d->head;
	mqtts_received(d, topic, payload, strlen(payload), (struct wall){ 5 }, (struct mono){ 9 });
}

TEST(each_tag_that_takes_the_topic_gets_it_under_a_number_of_its_own)
{
	struct mqtts d = fresh();

	take(&d, "x/1/c", "{\"id\":\"A\",\"time\":\"1970-01-01T00:00:01Z\"}");
	take(&d, "y", "{\"n\":1}");
	CHECK_INT(ngot, 3);
	CHECK(got[0].tag == 0 && got[0].no == 1 && got[0].prev == 0 && got[0].time.ns == NS_PER_S);
	CHECK(got[1].tag == 1 && got[1].no == 2 && got[1].prev == 1 && got[2].tag == 2 && got[2].no == 3 && got[2].time.ns == 0);
	CHECK_STR(got[2].value, "{\"n\":1}");
	CHECK_INT(mqtts_settle(&d), 0);
	mqtts_confirmed(&d, 1);		/* half of the first */
	CHECK_INT(mqtts_settle(&d), 0);
	mqtts_confirmed(&d, 3);
	CHECK_INT(mqtts_settle(&d), 2);
	CHECK_INT(d.npending, 0);
}

TEST(a_repeat_is_known_before_and_after_gate_has_it)
{
	struct mqtts d = fresh();

	take(&d, "y", "{\"id\":\"A\"}");
	take(&d, "y", "{\"id\":\"A\"}");
	CHECK(ngot == 1 && d.repeats == 1);
	CHECK_INT(mqtts_settle(&d), 0);		/* the repeat is as little durable as the first */
	mqtts_confirmed(&d, 1);
	CHECK_INT(mqtts_settle(&d), 2);
	take(&d, "y", "{\"id\":\"A\"}");
	CHECK(ngot == 1 && d.repeats == 2);
	CHECK_INT(mqtts_settle(&d), 1);
	take(&d, "y", "{}");
	take(&d, "y", "{}");
	CHECK_INT(ngot, 3);		/* without an id nothing is a repeat */
	mqtts_forget(&d);
}

TEST(what_gate_misses_is_given_again_under_its_old_numbers)
{
	struct mqtts d = fresh();

	take(&d, "y", "{\"id\":\"A\"}");
	take(&d, "x/1/c", "{\"id\":\"B\"}");
	mqtts_confirmed(&d, 1);
	mqtts_again(&d, "test");
	CHECK_INT(ngot, 5);
	CHECK(got[3].no == 2 && got[3].prev == 1 && got[3].base == 1 && got[4].no == 3);
	CHECK_STR(got[4].value, "{\"id\":\"B\"}");
	mqtts_forget(&d);
}

TEST(of_a_connection_that_is_gone_nothing_is_acknowledged)
{
	struct mqtts d = fresh();

	take(&d, "y", "{\"id\":\"A\"}");
	d.session++;			/* it fell; the broker sends it again */
	take(&d, "y", "{\"id\":\"A\"}");
	mqtts_confirmed(&d, 1);
	CHECK_INT(mqtts_settle(&d), 1);
	CHECK_INT(d.npending, 0);
}

TEST(what_is_no_object_or_for_nobody_is_refused_and_acknowledged)
{
	static const char *const bad[] = { "", "{", "[1]", "1", "null", "\"x\"", "{\"a\":\"\xff\"}" };
	struct mqtts d = fresh();

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		take(&d, "y", bad[i]);
	take(&d, "z", "{}");
	CHECK(ngot == 0 && d.refused == sizeof bad / sizeof bad[0] + 1);
	CHECK(strstr(d.trouble, "no tag") != NULL);
	CHECK_INT(mqtts_settle(&d), sizeof bad / sizeof bad[0] + 1);
	take(&d, "y", "{\"id\":\"a text that is longer than sixty-four bytes, which an id of ours never is\"}");
	CHECK_INT(ngot, 1);
	mqtts_forget(&d);
}

TEST_MAIN
