/* What an outbox does with each verdict, with people, with the clock and with its file; the far end is played by hand. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "outbox/look.h"
#include "outbox/outbox_testing.h"

/* A poster that only notes what it was called for. */
struct hand {
	struct outbox	*b;
	char		 path[100];
	struct outbox_opts o;
	int64_t		 now, wall_off;
	char		 called[400];	/* "post 1 2, lookup 3, " */
	struct buf	 out;
	int64_t		 n;
	const char	*way;		/* how events are posted now */
	char		 asked[40];	/* where the last lookup was to ask */
};

static int
note(struct hand *h, const char *what, const struct outbox_item *const *v, size_t n)
{
	size_t len = strlen(h->called);

	len += (size_t)snprintf(h->called + len, sizeof h->called - len, "%s", what);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(h->called + len, sizeof h->called - len, " %lld", (long long)v[i]->seq);
	snprintf(h->called + len, sizeof h->called - len, ", ");
	return 0;
}

static int hand_post(void *arg, const struct outbox_item *const *v, size_t n) { return note(arg, "post", v, n); }

static int
hand_lookup(void *arg, const struct outbox_item *i)
{
	struct hand *h = arg;

	snprintf(h->asked, sizeof h->asked, "%s", i->way);
	return note(arg, "lookup", &i, 1);
}

static void
hand_way(void *arg, const struct outbox_item *i, char *out, size_t size)
{
	const struct hand *h = arg;
	snprintf(out, size, "%s %s", h->way, i->of.id);
}

static int hand_follow(void *arg, const struct outbox_item *i) { return note(arg, "follow", &i, 1); }

static struct wall hand_wall(const struct hand *h) { return (struct wall){ 1700000000 * NS_PER_S + h->now + h->wall_off }; }

static void
hand_open(struct hand *h)
{
	char why[500] = "";

	if (outbox_open(h->path, &h->o, (struct mono){ h->now }, hand_wall(h), &h->b, why, sizeof why) != 0)
		test_fail(__FILE__, __LINE__, "%s", why);
}

static struct hand *
begin(void)
{
	static struct hand h;

	log_open("test", LOG_LEVEL_ERROR);
	h = (struct hand){ .o = { .connections = 8, .batch = 1, .settle_ns = 10 * NS_PER_S,
	    .poster = { .post = hand_post, .way = hand_way, .lookup = hand_lookup, .follow = hand_follow, .arg = &h } }, .way = "old server" };
	snprintf(h.path, sizeof h.path, "%s/outbox.db", test_dir());
	hand_open(&h);
	return &h;
}

static int
put(struct hand *h, const char *lane, int64_t k)
{
	char id[32], body[200];

	snprintf(id, sizeof id, "id-%lld", (long long)k);
	int len = snprintf(body, sizeof body, "{\"id\":\"%s\",\"fields\":{\"yield\":1.50,\"unit\":\"PC\",\"lot\":null},\"status\":{\"lot\":\"Bad\"}}", id);
	struct outbox_new v = { .id = id, .event = "e", .type = "t", .key = id, .lane = lane, .body = body, .body_len = (size_t)len, .flow = "f",
		.no = (uint64_t)k, .time = { 1700000000 * NS_PER_S + k }, .mapping = "" };
	return outbox_put(h->b, &v, 1, (struct mono){ h->now }, hand_wall(h), NULL);
}

/* A turn; what the poster was called for. */
static const char *
go(struct hand *h)
{
	h->called[0] = '\0';
	for (int i = 0; i < 3; i++)
		CHECK_INT(outbox_turn(h->b, (struct mono){ h->now }, hand_wall(h)).err, 0);
	return h->called;
}

static void
say(struct hand *h, int64_t seq, enum outbox_verdict_kind kind, const char *code)
{
	struct outbox_verdict v = { .kind = kind, .code = code, .text = "words", .target = "Field", .document = kind == OUTBOX_IS_DONE ? "4711" : "" };
	outbox_verdict(h->b, seq, &v, (struct mono){ h->now });
}

static void pass_s(struct hand *h, int64_t s) { h->now += s * NS_PER_S; }

static uint64_t
count(struct hand *h, enum outbox_state s)
{
	struct outbox_counts c;
	CHECK_INT(outbox_counts(h->b, (struct mono){ h->now }, &c), 0);
	return c.n[s];
}

static const char *
person(struct hand *h, int argc, const char *const *argv)
{
	buf_reset(&h->out);
	outbox_do(h->b, argc, argv, "anna", false, (struct mono){ h->now }, hand_wall(h), &h->out);
	return buf_text(&h->out);
}
#define PERSON(h, ...) person((h), (int)(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)), (const char *[]){ __VA_ARGS__ })

static void
end(struct hand *h)
{
	char wal[120];

	snprintf(wal, sizeof wal, "%s-wal", h->path);
	outbox_close(h->b);
	CHECK(access(wal, F_OK) != 0);		/* all is folded in: one file to keep */
	buf_fini(&h->out);
}

TEST(one_of_a_lane_is_under_way_at_a_time_and_lanes_go_side_by_side)
{
	struct hand *h = begin();

	for (int k = 1; k <= 4; k++)
		CHECK_INT(put(h, k % 2 ? "a" : "b", k), 0);
	CHECK_INT(put(h, "a", 1), 0);		/* once more: known */
	CHECK_STR(go(h), "post 1, post 2, ");
	CHECK_STR(go(h), "");
	say(h, 1, OUTBOX_IS_DONE, "");
	CHECK_STR(go(h), "post 3, ");
	struct outbox_counts c;
	outbox_counts(h->b, (struct mono){ h->now }, &c);
	CHECK_INT(c.taken, 4);
	CHECK_INT(c.repeated, 1);
	end(h);
}

TEST(a_locked_order_waits_two_then_four_seconds_and_others_do_not)
{
	struct hand *h = begin();

	put(h, "a", 1);
	put(h, "b", 2);
	go(h);
	say(h, 1, OUTBOX_IS_BUSY, "423");
	say(h, 2, OUTBOX_IS_DONE, "");
	put(h, "b", 3);
	CHECK_STR(go(h), "post 3, ");
	h->now += 999 * NS_PER_MS;		/* drawn from the upper half of 2 s */
	CHECK_STR(go(h), "");
	pass_s(h, 2);
	CHECK_STR(go(h), "post 1, ");
	say(h, 1, OUTBOX_IS_BUSY, "423");
	go(h);
	h->now += 1999 * NS_PER_MS;
	CHECK_STR(go(h), "");
	pass_s(h, 3);
	CHECK_STR(go(h), "post 1, ");
	end(h);
}

TEST(when_the_far_end_is_down_all_wait_and_one_asks_first)
{
	struct hand *h = begin();

	for (int k = 1; k <= 5; k++)
		put(h, "", k);
	h->o.connections = 2;
	outbox_close(h->b);
	hand_open(h);
	CHECK_STR(go(h), "post 1, post 2, ");
	struct outbox_verdict v = { .kind = OUTBOX_IS_DOWN, .code = "503", .after_ns = 60 * NS_PER_S };
	outbox_verdict(h->b, 1, &v, (struct mono){ h->now });
	say(h, 2, OUTBOX_IS_DONE, "");		/* the other one was lucky; it is up again, as far as we know */
	CHECK_STR(go(h), "post 3, post 4, ");
	outbox_verdict(h->b, 3, &v, (struct mono){ h->now });
	outbox_verdict(h->b, 4, &v, (struct mono){ h->now });
	pass_s(h, 59);
	CHECK_STR(go(h), "");
	struct outbox_counts c;
	outbox_counts(h->b, (struct mono){ h->now }, &c);
	CHECK_INT(c.down_ns, NS_PER_S);
	CHECK_STR(c.down_why, "503");
	pass_s(h, 1);
	CHECK_STR(go(h), "post 5, ");
	say(h, 5, OUTBOX_IS_DONE, "");
	CHECK_STR(go(h), "post 1, post 3, ");
	end(h);
}

TEST(what_nobody_knows_the_end_of_is_looked_up_and_posted_again_only_when_it_can_be_at_work_no_more)
{
	struct hand *h = begin();

	put(h, "a", 1);
	go(h);
	pass_s(h, 100);				/* a long time until it was given up */
	say(h, 1, OUTBOX_IS_UNKNOWN, "timeout");
	go(h);
	pass_s(h, 3);
	CHECK_STR(go(h), "lookup 1, ");
	say(h, 1, OUTBOX_IS_ABSENT, "");	/* too early to be believed */
	CHECK_STR(go(h), "");
	pass_s(h, 6);
	CHECK_STR(go(h), "");
	pass_s(h, 2);
	CHECK_STR(go(h), "lookup 1, ");
	say(h, 1, OUTBOX_IS_ABSENT, "");
	CHECK_STR(go(h), "post 1, ");
	/* And after a restart, whatever the clock says. */
	outbox_close(h->b);
	h->wall_off = -86400 * NS_PER_S;
	hand_open(h);
	CHECK_STR(go(h), "lookup 1, ");
	say(h, 1, OUTBOX_IS_DONE, "");
	go(h);
	CHECK_INT(count(h, OUTBOX_CONFIRMED), 1);
	end(h);
}

TEST(a_lookup_is_told_where_it_was_posted_whatever_has_changed_since)
{
	struct hand *h = begin();

	put(h, "a", 1);
	go(h);
	h->way = "new server";
	outbox_close(h->b);
	hand_open(h);
	CHECK_STR(go(h), "lookup 1, ");
	CHECK_STR(h->asked, "old server id-1");
	pass_s(h, 20);
	say(h, 1, OUTBOX_IS_UNKNOWN, "");
	go(h);
	pass_s(h, 20);
	CHECK_STR(go(h), "lookup 1, ");
	say(h, 1, OUTBOX_IS_ABSENT, "");
	CHECK_STR(go(h), "post 1, ");		/* it goes the new way, and is looked up there */
	say(h, 1, OUTBOX_IS_UNKNOWN, "");
	go(h);
	pass_s(h, 20);
	CHECK_STR(go(h), "lookup 1, ");
	CHECK_STR(h->asked, "new server id-1");
	end(h);
}

TEST(what_is_lost_each_time_is_sent_with_growing_pauses)
{
	struct hand *h = begin();
	int64_t last = 0, pause[8];

	put(h, "a", 1);
	CHECK_STR(go(h), "post 1, ");
	for (int i = 0; i < 8; i++) {
		say(h, 1, OUTBOX_IS_UNKNOWN, "500");
		while (strcmp(go(h), "lookup 1, ") != 0)
			pass_s(h, 1);
		pass_s(h, 20);
		say(h, 1, OUTBOX_IS_UNKNOWN, "");	/* that one was begun too early to count */
		go(h);
		while (strcmp(go(h), "lookup 1, ") != 0)
			pass_s(h, 1);
		say(h, 1, OUTBOX_IS_ABSENT, "");
		last = h->now;
		while (strcmp(go(h), "post 1, ") != 0)
			pass_s(h, 1);
		pause[i] = (h->now - last) / NS_PER_S;
	}
	CHECK(pause[7] >= 60);
	CHECK(pause[7] > pause[1]);
	end(h);
}

TEST(a_person_who_has_looked_may_send_what_cannot_be_looked_up)
{
	struct hand *h = begin();

	put(h, "a", 1);
	put(h, "b", 2);
	go(h);
	CHECK(strstr(PERSON(h, "resend", "1", "--reason", "x"), "at this moment") != NULL);
	say(h, 1, OUTBOX_IS_UNKNOWN, "timeout");
	say(h, 2, OUTBOX_IS_REFUSED, "no");
	go(h);
	pass_s(h, 20);
	CHECK_STR(go(h), "lookup 1, ");
	say(h, 1, OUTBOX_IS_REFUSED, "no-lookup");
	CHECK_STR(go(h), "");
	CHECK(strstr(PERSON(h, "resend", "2", "--reason", "x"), "it is known") != NULL);
	CHECK(strstr(PERSON(h, "retry", "1", "--reason", "x"), "looked up") != NULL);
	CHECK_STR(go(h), "lookup 1, ");
	say(h, 1, OUTBOX_IS_REFUSED, "no-lookup");
	CHECK_STR(go(h), "");
	CHECK(strstr(PERSON(h, "resend", "1", "--reason", "not in SAP: CO14 shows none"), "without a look") != NULL);
	CHECK_STR(go(h), "post 1, ");
	say(h, 1, OUTBOX_IS_DONE, "");
	go(h);
	CHECK_INT(count(h, OUTBOX_CONFIRMED), 1);
	CHECK(strstr(PERSON(h, "resend", "1", "--reason", "x"), "it is known") != NULL);
	end(h);
}

TEST(a_refusal_holds_its_lane_until_a_person_has_mended_it)
{
	struct hand *h = begin();

	put(h, "a", 1);
	put(h, "a", 2);
	go(h);
	say(h, 1, OUTBOX_IS_REFUSED, "BM/302");
	pass_s(h, 100000);
	CHECK_STR(go(h), "");
	CHECK_INT(count(h, OUTBOX_REFUSED), 1);
	CHECK(strstr(PERSON(h, "retry", "1"), "--reason") != NULL);
	CHECK(strstr(PERSON(h, "edit", "1", "speed=3", "--reason", "x"), "no field") != NULL);
	CHECK(strstr(PERSON(h, "edit", "1", "yield=abc", "--reason", "x"), "a number") != NULL);
	CHECK_STR(PERSON(h, "edit", "1", "yield=2.50", "lot=L'7\"; DROP TABLE item;--", "--reason", "counted by hand"),
	    "{\"id\":1,\"key\":\"id-1\",\"lane\":\"a\",\"did\":\"is sent with its new value as soon as its turn comes\",\"field\":\"yield, lot\","
	    "\"before\":\"1.50, null\",\"after\":\"2.50, L'7\\\"; DROP TABLE item;--\"}\n");
	CHECK_STR(go(h), "post 1, ");
	CHECK_STR(flight_find(h->b, 1)->item.of.body,
	    "{\"id\":\"id-1\",\"fields\":{\"yield\":2.50,\"unit\":\"PC\",\"lot\":\"L'7\\\"; DROP TABLE item;--\"},\"status\":{}}");
	CHECK(strstr(PERSON(h, "cancel", "1", "--reason", "x"), "with the far end at this moment") != NULL);
	say(h, 1, OUTBOX_IS_DONE, "");
	CHECK_STR(go(h), "post 2, ");
	CHECK(strstr(PERSON(h, "retry", "1", "--reason", "x"), "second booking") != NULL);
	end(h);
}

TEST(rules_say_what_becomes_of_a_refusal_by_its_code)
{
	struct hand *h = begin();
	struct outbox_rule rules[2];
	char why[200];

	CHECK_INT(outbox_rule_parse("M7/0* -> retry after 5 min", &rules[0], why, sizeof why), 0);
	CHECK_INT(outbox_rule_parse("  CO/*7 ->pass", &rules[1], why, sizeof why), 0);
	h->o.rules = rules;
	h->o.nrules = 2;
	outbox_close(h->b);
	hand_open(h);
	for (int k = 1; k <= 4; k++)
		put(h, k % 2 ? "a" : "b", k);
	go(h);
	say(h, 1, OUTBOX_IS_REFUSED, "M7/053");
	say(h, 2, OUTBOX_IS_REFUSED, "CO/017");
	CHECK_STR(go(h), "post 4, ");
	CHECK_INT(count(h, OUTBOX_REFUSED), 1);
	pass_s(h, 299);
	CHECK_STR(go(h), "");
	pass_s(h, 1);
	CHECK_STR(go(h), "post 1, ");
	CHECK(strstr(PERSON(h, "retry", "all", "--code", "CO/017", "--reason", "released"), "\"count\":1") != NULL);
	say(h, 4, OUTBOX_IS_DONE, "");
	CHECK_STR(go(h), "post 2, ");
	end(h);
	free((char *)rules[0].code);
	free((char *)rules[1].code);
	static const char *const bad[] = { "", "->", "x", "x -> ", "x -> retry", "x -> retry after", "x -> retry after 5", "x -> retry after 0 s",
		"x -> pass now", "-> hold", "x -> retry after 99999999999 d" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_INT(outbox_rule_parse(bad[i], &rules[0], why, sizeof why), ERR_SYNTAX);
}

TEST(a_complaint_that_comes_later_stays_until_a_person_has_seen_to_it)
{
	struct hand *h = begin();

	put(h, "a", 1);
	go(h);
	struct outbox_verdict v = { .kind = OUTBOX_IS_DONE, .document = "100", .follow_ns = 30 * NS_PER_S };
	outbox_verdict(h->b, 1, &v, (struct mono){ h->now });
	CHECK_STR(go(h), "");
	outbox_close(h->b);		/* a restart forgets no follow-up */
	hand_open(h);
	pass_s(h, 31);
	CHECK_STR(go(h), "follow 1, ");
	say(h, 1, OUTBOX_IS_LATE_FAILED, "M7/021");
	go(h);
	struct outbox_counts c;
	outbox_counts(h->b, (struct mono){ h->now }, &c);
	CHECK_INT(c.complaints, 1);
	CHECK_INT(c.n[OUTBOX_CONFIRMED], 1);
	h->o.keep_ns = NS_PER_S;
	outbox_close(h->b);
	hand_open(h);
	pass_s(h, 1000);
	go(h);
	CHECK(strstr(PERSON(h, "seen", "1", "--reason", "posted by hand"), "dealt with") != NULL);
	pass_s(h, 1000);
	go(h);
	outbox_counts(h->b, (struct mono){ h->now }, &c);
	CHECK_INT(c.complaints, 0);
	CHECK_INT(c.removed, 1);
	CHECK_INT(c.n[OUTBOX_CONFIRMED], 1);
	/* The event comes once more; its record is gone, but not the memory that such a one may have been here. */
	put(h, "a", 1);
	CHECK_STR(go(h), "lookup 2, ");
	end(h);
}

TEST(what_a_person_cancelled_is_never_sent_though_age_removed_it_and_it_comes_once_more)
{
	struct hand *h = begin();
	struct outbox_counts c;

	put(h, "a", 1);
	put(h, "b", 2);
	go(h);
	say(h, 1, OUTBOX_IS_REFUSED, "M7/021");
	say(h, 2, OUTBOX_IS_DONE, "");
	go(h);
	CHECK(strstr(PERSON(h, "cancel", "1", "--reason", "booked by hand"), "is never sent") != NULL);
	h->o.keep_ns = NS_PER_S;
	outbox_close(h->b);
	hand_open(h);
	pass_s(h, 1000);
	go(h);
	outbox_counts(h->b, (struct mono){ h->now }, &c);
	CHECK_INT(c.removed, 2);
	/* The far end does not have it, and would be asked, and then posted to. */
	put(h, "a", 1);
	CHECK_STR(go(h), "");
	put(h, "b", 2);
	CHECK_STR(go(h), "lookup 3, ");
	say(h, 3, OUTBOX_IS_DONE, "");
	go(h);
	outbox_close(h->b);		/* nor after a restart, nor in a store that replaces a damaged one */
	hand_open(h);
	put(h, "a", 1);
	CHECK_STR(go(h), "");
	h->b->damaged = true;
	CHECK_STR(go(h), "");
	PERSON(h, "resume", "--reason", "compared with SAP");
	put(h, "a", 1);
	CHECK_STR(go(h), "");
	outbox_counts(h->b, (struct mono){ h->now }, &c);
	CHECK_INT(c.n[OUTBOX_READY] + c.n[OUTBOX_SENT], 0);
	CHECK(c.repeated > 0);
	end(h);
}

TEST(nothing_is_sent_in_a_window_of_maintenance_by_the_clock_there)
{
	static const struct { const char *window, *at; bool in; } cases[] = {
		/* 2026-11-22 is a Sunday; Berlin is an hour ahead in winter, two in summer. */
		{ "Sun 02:00-06:00", "2026-11-22T00:59:59Z", false }, { "Sun 02:00-06:00", "2026-11-22T01:00:00Z", true },
		{ "Sun 02:00-06:00", "2026-11-22T04:59:59Z", true }, { "Sun 02:00-06:00", "2026-11-22T05:00:00Z", false },
		{ "sun 02:00 - 06:00", "2026-06-21T00:00:00Z", true }, { "Sun 02:00-06:00", "2026-06-21T04:00:00Z", false },
		{ "Mon-Fri 12:00-12:30", "2026-11-22T11:10:00Z", false }, { "Mon-Fri 12:00-12:30", "2026-11-23T11:10:00Z", true },
		{ "Fri-Mon 12:00-12:30", "2026-11-25T11:10:00Z", false }, { "daily 23:30-00:30", "2026-11-22T23:15:00Z", true },
		{ "Sun 23:30-00:30", "2026-11-22T23:15:00Z", true }, { "Sun 23:30-00:30", "2026-11-21T23:15:00Z", false },
		{ "Sun 00:00-24:00", "2026-11-22T22:59:59Z", true }, { "Sun 00:00-24:00", "2026-11-22T23:00:00Z", false },
	};
	static const struct zone_offset berlin[] = {
		{ { 0 }, 3600 }, { { 1774746000 * NS_PER_S }, 7200 }, { { 1792890000 * NS_PER_S }, 3600 },
	};
	struct outbox_window w;
	char why[200];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct outbox_opts o = { .windows = &w, .nwindows = 1, .zone = berlin, .nzone = 3 };
		struct wall at;
		CHECK_INT(outbox_window_parse(cases[i].window, &w, why, sizeof why), 0);
		CHECK_INT(wall_parse(cases[i].at, &at), 0);
		if (window_in(&o, at) != cases[i].in)
			test_fail(__FILE__, __LINE__, "%s at %s", cases[i].window, cases[i].at);
	}
	static const char *const bad[] = { "", "Sun", "Sun 02:00", "Sun 2:00-3:00", "Sun 02:00-25:00", "Son 02:00-03:00", "Sun-X 01:00-02:00",
		"Sun 02:00-03:00 x", "Sun 24:00-03:00", "daily" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_INT(outbox_window_parse(bad[i], &w, why, sizeof why), ERR_SYNTAX);
	struct hand *h = begin();
	CHECK_INT(outbox_window_parse("daily 00:00-24:00", &w, why, sizeof why), 0);
	h->o.windows = &w;
	h->o.nwindows = 1;
	outbox_close(h->b);
	hand_open(h);
	put(h, "a", 1);
	CHECK_STR(go(h), "");
	end(h);
}

TEST(a_rate_is_kept_whatever_waits)
{
	struct hand *h = begin();
	size_t n = 0;

	h->o.rate = 5;
	h->o.connections = 64;
	outbox_close(h->b);
	hand_open(h);
	for (int k = 1; k <= 40; k++)
		put(h, "", k);
	for (int i = 0; i < 40; i++) {		/* 4 s */
		h->now += 100 * NS_PER_MS;
		n += outbox_turn(h->b, (struct mono){ h->now }, hand_wall(h)).started;
	}
	CHECK(n >= 20 && n <= 21);
	end(h);
}

TEST(malformed_events_are_refused_whole_and_texts_of_a_far_end_are_cut)
{
	struct hand *h = begin();
	static char big[OUTBOX_BODY_MAX + 2];
	size_t bad = 99;
	struct outbox_new v[2] = {
		{ .id = "1", .event = "e", .type = "", .key = "", .lane = "", .body = "{}", .body_len = 2, .flow = "", .mapping = "" },
		{ .id = "2", .event = "e", .type = "", .key = "", .lane = "", .body = "{]", .body_len = 2, .flow = "", .mapping = "" },
	};

	CHECK_INT(outbox_put(h->b, v, 2, (struct mono){ 0 }, hand_wall(h), &bad), ERR_LIMIT);
	CHECK_INT(bad, 1);
	CHECK_INT(count(h, OUTBOX_READY), 0);
	memset(big, 'x', sizeof big);
	memcpy(big, "{\"a\":\"", 6);
	memcpy(big + OUTBOX_BODY_MAX - 1, "\"}", 2);
	v[1].body = big;
	v[1].body_len = OUTBOX_BODY_MAX + 1;
	CHECK_INT(outbox_put(h->b, v, 2, (struct mono){ 0 }, hand_wall(h), NULL), ERR_LIMIT);
	memcpy(big + OUTBOX_BODY_MAX - 2, "\"}", 2);
	v[1].body_len = OUTBOX_BODY_MAX;
	v[1].lane = v[0].lane = "x";
	CHECK_INT(outbox_put(h->b, v, 2, (struct mono){ 0 }, hand_wall(h), NULL), 0);
	v[0].lane = "\xff";
	CHECK_INT(outbox_put(h->b, v, 1, (struct mono){ 0 }, hand_wall(h), NULL), ERR_LIMIT);
	go(h);
	for (size_t i = 0; i < sizeof big - 1; i++)
		big[i] = "\xc3\xa4"[i % 2];
	struct outbox_verdict words = { .kind = OUTBOX_IS_REFUSED, .code = big, .text = big, .target = big };
	outbox_verdict(h->b, 1, &words, (struct mono){ h->now });
	go(h);
	sqlite3_stmt *s;
	CHECK_INT(row_get(h->b, 1, &s), 0);
	struct outbox_item i;
	row_item(s, &i);
	CHECK_INT(strlen(i.text), OUTBOX_TEXT_MAX);
	CHECK_INT(strlen(i.target), OUTBOX_NAME_MAX - 1);	/* no half of a character */
	sqlite3_reset(s);
	end(h);
}

/* ---- the file ---- */

static void
spoil(const char *path, size_t from, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	static char junk[8192];

	memset(junk, 0xa5, sizeof junk);
	CHECK(fd >= 0);
	for (size_t at = 0; at < len; at += sizeof junk)
		CHECK(pwrite(fd, junk, len - at < sizeof junk ? len - at : sizeof junk, (off_t)(from + at)) > 0);
	close(fd);
}

/* Else `settle` of what was under way would be over at once, and records age by as long as we had run. */
TEST(a_store_that_is_replaced_while_we_run_does_not_move_the_clock)
{
	struct hand *h = begin();

	CHECK_INT(put(h, "", 1), 0);
	CHECK(strstr(go(h), "post") != NULL);
	h->now += 24 * 3600 * NS_PER_S;
	int64_t before = outbox_clock(h->b, (struct mono){ h->now });
	h->b->damaged = true;
	outbox_turn(h->b, (struct mono){ h->now }, hand_wall(h));
	CHECK(h->b->acc.suspended);
	CHECK(outbox_clock(h->b, (struct mono){ h->now }) - before < NS_PER_S);
	end(h);
}

TEST(a_damaged_file_is_put_aside_what_can_be_read_carried_over_and_nothing_sent_until_a_person_looked)
{
	struct hand *h = begin();
	struct outbox_counts c;
	char cmd[300];

	for (int k = 1; k <= 2000; k++)
		CHECK_INT(put(h, "", k), 0);
	outbox_close(h->b);
	/* Pages of the table, of its indexes, in the middle: found when they are met, not before. */
	spoil(h->path, 100 * 4096, 20 * 4096);
	hand_open(h);
	struct outbox_turn t = { .err = 0 };
	for (int i = 0; i < 3000 && !h->b->acc.suspended; i++) {
		h->called[0] = '\0';
		t = outbox_turn(h->b, (struct mono){ h->now }, hand_wall(h));
		for (int64_t seq = 1; seq <= 2000; seq++)
			if (flight_find(h->b, seq) != NULL && !flight_find(h->b, seq)->answered && !flight_find(h->b, seq)->orphan)
				say(h, seq, OUTBOX_IS_DONE, "");
	}
	CHECK(h->b->acc.suspended);
	t = outbox_turn(h->b, (struct mono){ h->now }, hand_wall(h));
	CHECK_INT(t.err, 0);
	CHECK_INT(t.started, 0);
	CHECK_INT(outbox_counts(h->b, (struct mono){ h->now }, &c), 0);
	CHECK(c.taken > 1500 && c.taken < 2000);
	CHECK_INT(c.n[OUTBOX_READY], 0);
	CHECK_INT(c.n[OUTBOX_SENT] + c.n[OUTBOX_CONFIRMED], c.taken);
	snprintf(cmd, sizeof cmd, "ls %s.damaged-* >/dev/null", h->path);
	CHECK_INT(system(cmd), 0);
	put(h, "", 1999);			/* of before: looked up */
	outbox_close(h->b);			/* suspended over restarts */
	hand_open(h);
	CHECK_STR(go(h), "");
	CHECK(strstr(PERSON(h, "resume", "--reason", "compared with SAP"), "goes on") != NULL);
	CHECK(strstr(go(h), "lookup") != NULL);
	CHECK(strstr(h->called, "post") == NULL);
	end(h);
	/* Not even a database any more. */
	snprintf(cmd, sizeof cmd, "rm -f %s*", h->path);
	CHECK_INT(system(cmd), 0);
	int fd = open(h->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	spoil(h->path, 0, 10000);
	hand_open(h);
	CHECK(h->b->acc.suspended);
	end(h);
}

TEST(a_newer_store_is_refused_and_left_alone)
{
	struct hand *h = begin();
	struct outbox *b;
	char why[500];

	sqlite3_exec(h->b->db, "PRAGMA user_version=2", NULL, NULL, NULL);
	end(h);
	CHECK_INT(outbox_open(h->path, &h->o, (struct mono){ 0 }, hand_wall(h), &b, why, sizeof why), ERR_VERSION);
	CHECK(strstr(why, "newer penstock") != NULL);
}

TEST(a_full_disk_sends_nothing_loses_nothing_and_says_so)
{
	struct hand *h = begin();
	struct rlimit was, full;

	for (int k = 1; k <= 3; k++)
		put(h, "", k);
	CHECK_STR(go(h), "post 1, post 2, post 3, ");
	say(h, 1, OUTBOX_IS_DONE, "");
	CHECK_INT(getrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_IGN);
	full = was;
	full.rlim_cur = 1;
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &full), 0);
	struct outbox_turn t = outbox_turn(h->b, (struct mono){ h->now }, hand_wall(h));
	int put_err = put(h, "", 4);
	bool said = *outbox_fault(h->b) != '\0';
	const char *answer = PERSON(h, "cancel", "3", "--reason", "x");
	bool told = strstr(answer, "error") != NULL;
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &was), 0);
	CHECK(t.err != 0 && put_err != 0 && said && told);
	CHECK_INT(t.started, 0);
	CHECK(mono_diff(t.again, (struct mono){ h->now }) > 0);
	CHECK_INT(put(h, "", 4), 0);
	CHECK_STR(go(h), "post 4, ");
	CHECK_INT(count(h, OUTBOX_CONFIRMED), 1);
	CHECK_STR(outbox_fault(h->b), "");
	end(h);
}

/* ---- beside the one who works ---- */

static void
see(void *arg, const struct outbox_item *i)
{
	CHECK_STR(i->document, "4711");
	(*(int *)arg)++;
}
static void
see_try(void *arg, const struct outbox_try *t)
{
	CHECK(strcmp(t->call, "post") == 0);
	*(int *)arg += 10;
}
static void
see_change(void *arg, const struct outbox_change *c)
{
	CHECK_STR(c->who, "anna");
	CHECK_STR(c->why, "lock is gone");
	*(int *)arg += 100;
}

TEST(anybody_may_look_while_it_works)
{
	struct hand *h = begin();
	struct outbox_look *l;
	struct outbox_counts c;
	char why[300];
	int seen = 0;

	CHECK_INT(outbox_look_open("/nonexistent/outbox.db", &l, why, sizeof why), ERR_NOTFOUND);
	put(h, "a", 1);
	for (int i = 0; i < 60; i++) {		/* a long history keeps its beginning and its end */
		go(h);
		say(h, 1, OUTBOX_IS_BUSY, "423");
		go(h);
		pass_s(h, 400);
	}
	PERSON(h, "retry", "1", "--reason", "lock is gone");
	go(h);
	say(h, 1, OUTBOX_IS_DONE, "");
	go(h);
	CHECK_INT(outbox_look_open(h->path, &l, why, sizeof why), 0);
	CHECK_INT(outbox_look_counts(l, &c), 0);
	CHECK_INT(c.n[OUTBOX_CONFIRMED], 1);
	CHECK_INT(outbox_look_item(l, 1, &(struct outbox_visitor){ see, see_try, see_change, &seen }), 0);
	CHECK_INT(seen, 1 + 10 * (OUTBOX_TRIES_FIRST + OUTBOX_TRIES_LAST) + 100);
	CHECK_INT(outbox_look_item(l, 2, &(struct outbox_visitor){ see, see_try, see_change, &seen }), ERR_NOTFOUND);
	outbox_look_close(l);
	end(h);
}

/* ---- kill -9 at any moment ---- */

/* What the far end has, in memory that outlives the process: bookings of each event. */
static int *booked;

static int
kill_post(void *arg, const struct outbox_item *const *v, size_t n)
{
	struct hand *h = arg;

	for (size_t i = 0; i < n; i++) {
		__atomic_add_fetch(&booked[v[i]->of.no], 1, __ATOMIC_SEQ_CST);
		if (v[i]->of.no % 7 != 0)	/* the answer of every seventh is lost */
			say(h, v[i]->seq, OUTBOX_IS_DONE, "");
		else
			say(h, v[i]->seq, OUTBOX_IS_UNKNOWN, "timeout");
	}
	return 0;
}

static int
kill_lookup(void *arg, const struct outbox_item *i)
{
	say(arg, i->seq, booked[i->of.no] > 0 ? OUTBOX_IS_DONE : OUTBOX_IS_ABSENT, "");
	return 0;
}

static void
work(struct hand *h, int64_t events, bool for_ever)
{
	hand_open(h);
	for (int64_t k = 1; k <= events; k++)
		CHECK_INT(put(h, k % 3 ? "a" : "b", k), 0);	/* the spool repeats what it does not know to be done */
	while (for_ever || count(h, OUTBOX_CONFIRMED) < (uint64_t)events) {
		go(h);
		h->now += 500 * NS_PER_MS;
	}
	end(h);
}

TEST(killed_at_any_moment_each_event_is_booked_once)
{
	enum { EVENTS = 200, KILLS = 25 };
	struct hand *h = begin();
	uint64_t random = 1;

	end(h);
	booked = mmap(NULL, sizeof *booked * (EVENTS + 1), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(booked != MAP_FAILED);
	h->o.poster = (struct outbox_poster){ .post = kill_post, .lookup = kill_lookup, .arg = h };
	h->o.settle_ns = 0;
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			work(h, EVENTS, true);
			_exit(1);
		}
		random = random * 6364136223846793005u + 1442695040888963407u;
		usleep((useconds_t)(random >> 33) % 60000);
		kill(pid, SIGKILL);
		CHECK_INT(waitpid(pid, NULL, 0), pid);
		h->now += 1000 * NS_PER_S;
	}
	work(h, EVENTS, false);
	for (int k = 1; k <= EVENTS; k++)
		if (booked[k] != 1)
			test_fail(__FILE__, __LINE__, "event %d was booked %d times", k, booked[k]);
	munmap(booked, sizeof *booked * (EVENTS + 1));
}

TEST_MAIN
