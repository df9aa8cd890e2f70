/* Every fault as bytes, and how faults are written. */
#include "sim/reply.h"

#include <string.h>

#include "base/err.h"
#include "base/test.h"
#include "sim/text.h"

static const struct mbs_adu req = { .tid = 0x1234, .unit = 7 };
static const uint8_t pdu[] = { 3, 4, 0, 1, 0, 2 };
static const uint8_t right[] = { 0x12, 0x34, 0, 0, 0, 7, 7, 3, 4, 0, 1, 0, 2 };
static struct sim_reply r;

static void
make(const char *fault, enum mbs_framing framing)
{
	struct sim_fault f = { 0 };
	struct sim_rng dice;

	sim_rng_init(&dice, 1, 1);
	if (fault != NULL)
		CHECK_INT(sim_fault_parse(fault, strlen(fault), &f), 0);
	sim_reply_make(fault ? &f : NULL, framing, &req, pdu, sizeof pdu, &dice, &r);
}

static void
expect(int line, const char *fault, const char *hex)
{
	uint8_t want[64];
	size_t n = test_hex(hex, want, sizeof want);

	make(fault, MBS_TCP);
	if (r.len != n)
		test_fail(__FILE__, line, "%s gives %zu bytes, want %zu", fault, r.len, n);
	CHECK_BYTES(r.bytes, want, n);
}
#define EXPECT(fault, hex) expect(__LINE__, (fault), (hex))

TEST(without_a_fault_the_answer_is_right)
{
	make(NULL, MBS_TCP);
	CHECK_INT(r.len, sizeof right);
	CHECK_BYTES(r.bytes, right, sizeof right);
	CHECK(r.delay_ms == 0 && r.split == 0 && r.then == SIM_KEEP);
}

TEST(faults_of_content_change_what_they_say)
{
	EXPECT("silence", "");
	EXPECT("half-open", "");
	EXPECT("short", "1234 0000 0007");
	EXPECT("truncate", "1234 0000 0005 07 03 04 0001");
	EXPECT("wrong-tid", "1235 0000 0007 07 03 04 0001 0002");
	EXPECT("wrong-unit", "1234 0000 0007 08 03 04 0001 0002");
	EXPECT("wrong-function", "1234 0000 0007 07 04 04 0001 0002");
	EXPECT("exception", "1234 0000 0003 07 83 04");
	EXPECT("exception=6", "1234 0000 0003 07 83 06");
	EXPECT("bad-check", "1234 005A 0007 07 03 04 0001 0002");
	EXPECT("duplicate", "1234 0000 0007 07 03 04 0001 0002 1234 0000 0007 07 03 04 0001 0002");
}

TEST(faults_of_time_keep_the_bytes)
{
	make("delay=300ms", MBS_TCP);
	CHECK_INT(r.delay_ms, 300);
	CHECK_BYTES(r.bytes, right, sizeof right);
	make("split=50", MBS_TCP);
	CHECK_INT(r.split_ms, 50);
	CHECK(r.split > 0 && r.split < r.len);
	CHECK_BYTES(r.bytes, right, sizeof right);
}

TEST(faults_of_the_connection_say_how_it_ends)
{
	make("close", MBS_TCP);
	CHECK(r.then == SIM_CLOSE && r.len == sizeof right / 2);
	make("reset", MBS_TCP);
	CHECK(r.then == SIM_RESET && r.len == 0);
	make("refuse", MBS_TCP);
	CHECK(r.then == SIM_RESET && r.len == 0);
}

TEST(garbage_is_no_answer_and_a_bad_crc_is_seen)
{
	struct mbs_adu a;

	make("garbage", MBS_TCP);
	CHECK(r.len >= 1 && r.len <= 64);
	CHECK(r.len != sizeof right || memcmp(r.bytes, right, r.len) != 0);
	make("bad-check", MBS_RTU);
	CHECK(!mbs_rtu_silence(r.bytes, r.len, &a));
	make(NULL, MBS_RTU);
	CHECK(mbs_rtu_silence(r.bytes, r.len, &a) && a.unit == 7);
}

TEST(a_dead_unit_has_no_answer_whatever_the_fault)
{
	struct sim_rng dice;
	struct sim_fault f;

	sim_rng_init(&dice, 1, 1);
	CHECK_INT(sim_fault_parse("garbage", 7, &f), 0);
	sim_reply_make(&f, MBS_TCP, &req, pdu, 0, &dice, &r);
	CHECK_INT(r.len, 0);
}

TEST(plans_of_faults_are_understood_or_refused)
{
	struct sim_fault_plan p;

	CHECK_INT(sim_fault_plan_parse("filler:silence@10s+5s", &p), 0);
	CHECK_STR(p.target, "filler");
	CHECK(p.fault.kind == SIM_FAULT_SILENCE && p.fault.percent == 100);
	CHECK(p.at_ms == 10000 && p.fault.until_ms == 5000);
	CHECK_INT(sim_fault_plan_parse("line:delay=300ms@1m%20", &p), 0);
	CHECK(p.fault.arg == 300 && p.at_ms == 60000 && p.fault.until_ms == UINT64_MAX && p.fault.percent == 20);
	CHECK_INT(sim_fault_plan_parse("all:exception=6", &p), 0);
	CHECK(p.fault.arg == 6 && p.at_ms == 0);
	CHECK_INT(sim_fault_plan_parse("filler", &p), ERR_SYNTAX);
	CHECK_INT(sim_fault_plan_parse(":silence", &p), ERR_SYNTAX);
	CHECK_INT(sim_fault_plan_parse("filler:sleep", &p), ERR_NOTFOUND);
	CHECK_INT(sim_fault_plan_parse("filler:silence@", &p), ERR_SYNTAX);
	CHECK_INT(sim_fault_plan_parse("filler:silence@5x", &p), ERR_SYNTAX);
	CHECK_INT(sim_fault_plan_parse("filler:exception=256", &p), ERR_RANGE);
	CHECK_INT(sim_fault_plan_parse("filler:silence%101", &p), ERR_RANGE);
	CHECK_STR(sim_fault_nearest("silense"), "silence");
}

TEST(a_share_of_the_requests_is_hit)
{
	struct sim_fault f = { .kind = SIM_FAULT_SILENCE, .percent = 20, .until_ms = 1000 };
	struct sim_rng dice;
	int hits = 0;

	sim_rng_init(&dice, 5, 5);
	for (int i = 0; i < 10000; i++)
		hits += sim_fault_hits(&f, 999, &dice);
	CHECK(hits > 1800 && hits < 2200);
	CHECK(!sim_fault_hits(&f, 1000, &dice));
	f.percent = 100;
	CHECK(sim_fault_hits(&f, 0, &dice));
	f.kind = SIM_FAULT_NONE;
	CHECK(!sim_fault_hits(&f, 0, &dice));
}

TEST(durations_are_read_with_their_units)
{
	uint64_t ms;
	static const struct { const char *text; uint64_t ms; } good[] = {
		{ "250ms", 250 }, { "5s", 5000 }, { "1.5s", 1500 }, { "2m", 120000 }, { "2min", 120000 },
		{ "8h", 28800000 },
		{ "7", 7000 },
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		CHECK_INT(sim_parse_ms(good[i].text, strlen(good[i].text), 1000, &ms), 0);
		CHECK_INT(ms, good[i].ms);
	}
	CHECK_INT(sim_parse_ms("", 0, 1, &ms), ERR_SYNTAX);
	CHECK_INT(sim_parse_ms("s", 1, 1, &ms), ERR_SYNTAX);
	CHECK_INT(sim_parse_ms("5d", 2, 1, &ms), ERR_SYNTAX);
	CHECK_INT(sim_parse_ms("99999999h", 9, 1, &ms), ERR_RANGE);
}

TEST_MAIN
