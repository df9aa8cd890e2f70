/* What gate hears: over a real channel, with a gate that forgets, is slow or goes away. */
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "office/report.h"

static struct reporter	r;
static struct channel	gate;
static struct account	*a;

static void
connect_gate(void)
{
	int fds[2];

	CHECK_INT(channel_pair(fds), 0);
	reporter_channel(&r, fds[0]);
	channel_init(&gate, fds[1], ROLE_GATE, ROLE_OFFICE);
}

static void
begin(void)
{
	reporter_init(&r);
	connect_gate();
	a = reporter_account(&r, "f@00000001", "broker", 100);
}

static void
end(void)
{
	reporter_fini(&r);
	channel_close(&gate);
}

/* The next thing that gate hears. */
static void
hears(enum msg_type type, uint64_t first, uint64_t last)
{
	struct report rep;
	struct msg m;

	CHECK_INT(channel_recv(&gate, &m), 0);
	CHECK_STR(msg_name(m.type), msg_name(type));
	CHECK_INT(report_read(m.p, m.len, &rep), 0);
	CHECK_STR(rep.stream, "f@00000001");
	CHECK_STR(rep.sink, "broker");
	CHECK_INT(rep.first, first);
	CHECK_INT(rep.last, last);
}

static void
hears_nothing(void)
{
	struct msg m;
	CHECK_INT(channel_recv(&gate, &m), ERR_AGAIN);
}

static void
accounts(uint64_t last)
{
	uint8_t bytes[REPORT_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);

	CHECK_INT(report_write(&w, "f@00000001", "broker", 0, last, ""), 0);
	CHECK_INT(channel_send(&gate, MSG_ACCOUNTED, bytes, wr_len(&w), -1), 0);
	CHECK_INT(reporter_receive(&r), 0);
}

TEST(deliveries_are_coalesced_to_the_newest)
{
	begin();
	for (uint64_t i = 101; i <= 200; i++)
		account_delivered(&r, a, i);
	CHECK(reporter_flush(&r));
	hears(MSG_DELIVERED, 0, 200);
	hears_nothing();
	CHECK(reporter_flush(&r));
	hears_nothing();
	account_delivered(&r, a, 150);
	CHECK(reporter_flush(&r));
	hears_nothing();
	end();
}

TEST(an_exception_is_told_before_the_numbers_behind_it)
{
	begin();
	CHECK(account_item(&r, a, MSG_QUARANTINED, 151, 160, "no"));
	CHECK(account_item(&r, a, MSG_DAMAGED, 121, 130, "torn"));
	account_delivered(&r, a, 140);
	CHECK(reporter_flush(&r));
	hears(MSG_DELIVERED, 0, 120);
	hears(MSG_DAMAGED, 121, 130);
	hears(MSG_DELIVERED, 0, 140);
	hears_nothing();		/* the quarantined ones are ahead of what is settled */
	account_delivered(&r, a, 200);
	CHECK(reporter_flush(&r));
	hears(MSG_DELIVERED, 0, 150);
	hears(MSG_QUARANTINED, 151, 160);
	hears(MSG_DELIVERED, 0, 200);
	end();
}

/* A person may be quick: sent again, or dropped, before the cursor has come to where the batch was refused. */
TEST(what_leaves_the_quarantine_is_told_after_it_went_in)
{
	begin();
	CHECK(account_item(&r, a, MSG_QUARANTINED, 151, 160, "no"));
	CHECK(account_item(&r, a, MSG_RELEASED, 151, 160, ""));
	CHECK(account_item(&r, a, MSG_RELEASED, 51, 60, ""));
	CHECK(reporter_flush(&r));
	hears(MSG_RELEASED, 51, 60);
	hears_nothing();
	account_delivered(&r, a, 160);
	CHECK(reporter_flush(&r));
	hears(MSG_DELIVERED, 0, 150);
	hears(MSG_QUARANTINED, 151, 160);
	hears(MSG_RELEASED, 151, 160);
	hears_nothing();
	end();
}

TEST(a_new_gate_hears_again_what_is_not_accounted_for)
{
	begin();
	CHECK(account_item(&r, a, MSG_QUARANTINED, 151, 160, "no"));
	CHECK(account_item(&r, a, MSG_RELEASED, 51, 60, ""));
	account_delivered(&r, a, 200);
	CHECK(reporter_flush(&r));
	hears(MSG_DELIVERED, 0, 150);
	hears(MSG_QUARANTINED, 151, 160);
	hears(MSG_RELEASED, 51, 60);
	hears(MSG_DELIVERED, 0, 200);
	accounts(120);
	channel_close(&gate);
	connect_gate();
	CHECK(reporter_flush(&r));
	hears(MSG_DELIVERED, 0, 150);
	hears(MSG_QUARANTINED, 151, 160);
	hears(MSG_RELEASED, 51, 60);
	hears(MSG_DELIVERED, 0, 200);
	accounts(200);
	CHECK(a->confirm);
	account_confirm(a, MSG_RELEASED, 51, 60);
	CHECK_INT(a->nitems, 0);
	channel_close(&gate);
	connect_gate();
	CHECK(reporter_flush(&r));
	hears_nothing();
	end();
}

TEST(a_full_channel_and_a_lost_gate_lose_nothing)
{
	unsigned told = 0;
	struct msg m;
	struct report rep;
	uint64_t last = 100;

	begin();
	for (uint64_t i = 0; i < 3000; i++)
		CHECK(account_item(&r, a, MSG_QUARANTINED, 101 + i * 2, 101 + i * 2, "a reason"));
	account_delivered(&r, a, 10000);
	CHECK(!reporter_flush(&r));
	for (int round = 0; round < 10000 && last < 10000; round++) {
		while (channel_recv(&gate, &m) == 0) {
			CHECK_INT(report_read(m.p, m.len, &rep), 0);
			told += m.type == MSG_QUARANTINED;
			CHECK(m.type == MSG_QUARANTINED ? rep.first == last + 1 : rep.last > last);
			last = rep.last;
		}
		reporter_flush(&r);
	}
	CHECK_INT(told, 3000);
	CHECK_INT(last, 10000);
	channel_close(&gate);
	CHECK(reporter_receive(&r) != 0);
	CHECK_INT(r.ch.fd, -1);
	account_delivered(&r, a, 10001);
	CHECK(reporter_flush(&r));
	connect_gate();
	for (uint64_t i = 0; i < 3000; i++)
		account_item(&r, a, MSG_QUARANTINED, 101 + i * 2, 101 + i * 2, "a reason");
	CHECK_INT(a->nitems, 3000);
	end();
}

TEST(more_items_than_are_kept_are_not_taken)
{
	begin();
	for (uint64_t i = 0; i < REPORT_KEPT_MAX; i++)
		CHECK(account_item(&r, a, MSG_QUARANTINED, 101 + i, 101 + i, ""));
	CHECK(!account_item(&r, a, MSG_QUARANTINED, 90000, 90000, ""));
	CHECK(account_item(&r, a, MSG_QUARANTINED, 101, 101, ""));
	end();
}

TEST(nonsense_from_gate_costs_the_channel)
{
	begin();
	CHECK_INT(channel_send(&gate, MSG_ACCOUNTED, "\xff\xff", 2, -1), 0);
	CHECK_INT(reporter_receive(&r), ERR_PROTO);
	CHECK_INT(r.ch.fd, -1);
	end();
}

TEST_MAIN
