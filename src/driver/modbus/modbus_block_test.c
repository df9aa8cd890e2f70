/* What is read together, and the search for addresses that a device refuses. */
#include "driver/modbus/modbus_rig.h"

TEST(one_illegal_register_leaves_its_neighbours_good)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	struct device *d = rig_device(r, 1);
	char at[32];
	for (int i = 0; i < 100; i++) {
		snprintf(at, sizeof at, "holding %d", i);
		rig_tag(r, 0, at);
		d->regs[1][i] = (uint16_t)(1000 + i);
	}
	d->bad_first = d->bad_last = 37;
	rig_open(r);
	rig_scan(r, 0);
	for (uint32_t i = 0; i < 100; i++) {
		CHECK_INT(r->seen[0][i].n, 1);
		if (i == 37)
			CHECK_INT(r->seen[0][i].status, (uint32_t)STATUS_BadConfigurationError);
		else
			CHECK_INT(r->seen[0][i].v.u, 1000 + i);
	}
	/* From now on: one request for the registers below, one for those above, and the culprit left alone. */
	uint32_t before = r->total_sent;
	rig_scan(r, 0);
	CHECK_INT(r->total_sent - before, 2);
	CHECK_INT(r->seen[0][37].n, 2);
	CHECK_INT(r->seen[0][37].status, (uint32_t)STATUS_BadConfigurationError);
	CHECK_INT(r->seen[0][38].n, 2);
	CHECK_INT(r->d->counts(r->ctx, 0).isolated_tags, 1);
	rig_close(r);
}

TEST(a_forbidden_gap_is_found_and_remembered)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	struct device *d = rig_device(r, 1);
	run_of_tags(r, 0, 0, 10);
	run_of_tags(r, 0, 15, 10);
	d->bad_first = 10;
	d->bad_last = 14;
	rig_open(r);
	rig_scan(r, 0);
	all_good(r, 0, 1);
	CHECK_INT(r->total_sent, 4);	/* the whole twice, and its halves */
	rig_scan(r, 0);
	all_good(r, 0, 2);
	CHECK_INT(r->total_sent, 6);
	CHECK_INT(r->d->counts(r->ctx, 0).isolated_tags, 0);
	CHECK_INT(r->d->counts(r->ctx, 0).blocks, 2);
	rig_close(r);
}

TEST(a_device_that_takes_shorter_blocks_is_learnt)
{
	for (uint8_t ex = 2; ex <= 3; ex++) {
		struct rig *r = rig_new(&modbus_tcp_driver, 1);
		struct device *d = rig_device(r, 1);
		run_of_tags(r, 0, 0, 250);
		d->regs_max = 50;
		d->too_long = ex;
		rig_open(r);
		rig_scan(r, 0);
		all_good(r, 0, 1);
		uint64_t refused = r->d->counts(r->ctx, 0).exceptions;
		uint32_t before = r->total_sent;
		rig_scan(r, 0);
		all_good(r, 0, 2);
		CHECK_INT(r->d->counts(r->ctx, 0).exceptions, refused);
		CHECK(r->total_sent - before <= 8);	/* 5 would do; halving 125 ends at 32 */
		rig_close(r);
	}
}

TEST(two_illegal_registers_are_both_found)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	struct device *d = rig_device(r, 1);
	run_of_tags(r, 0, 0, 100);
	d->bad_first = d->bad_last = 3;
	d->bad2 = 77;
	rig_open(r);
	rig_scan(r, 0);
	for (uint32_t i = 0; i < 100; i++) {
		CHECK_INT(r->seen[0][i].n, 1);
		CHECK_INT(
		    r->seen[0][i].status, i == 3 || i == 77 ? (uint32_t)STATUS_BadConfigurationError : STATUS_Good);
	}
	uint32_t before = r->total_sent;
	rig_scan(r, 0);
	CHECK_INT(r->total_sent - before, 3);
	rig_close(r);
}

TEST(an_isolated_address_comes_back_when_the_device_has_it)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	struct device *d = rig_device(r, 1);
	run_of_tags(r, 0, 0, 20);
	d->bad_first = d->bad_last = 5;
	rig_open(r);
	rig_scan(r, 0);
	CHECK_INT(r->d->counts(r->ctx, 0).isolated_tags, 1);
	rig_pass(r, 11 * NS_PER_S);
	uint32_t before = d->requests;
	rig_scan(r, 0);
	CHECK_INT(d->requests - before, 3);	/* tried again, alone */
	rig_pass(r, 11 * NS_PER_S);
	before = d->requests;
	rig_scan(r, 0);
	CHECK_INT(d->requests - before, 2);	/* the pause has doubled */
	d->bad_first = 0x1000000;
	rig_pass(r, 20 * NS_PER_S);
	rig_scan(r, 0);
	all_good(r, 0, 4);
	before = d->requests;
	rig_scan(r, 0);
	CHECK_INT(d->requests - before, 1);
	CHECK_INT(r->d->counts(r->ctx, 0).isolated_tags, 0);
	rig_close(r);
}

TEST(passing_errors_start_no_search)
{
	static const uint8_t codes[] = { 4, 6, 10, 11, 7 };
	static const uint32_t status[] = { (uint32_t)STATUS_BadDeviceFailure, (uint32_t)STATUS_BadResourceUnavailable,
		(uint32_t)STATUS_BadNoCommunication, (uint32_t)STATUS_BadNoCommunication,
		(uint32_t)STATUS_BadDeviceFailure };
	for (size_t k = 0; k < sizeof codes; k++) {
		struct rig *r = rig_new(&modbus_tcp_driver, 1);
		struct device *d = rig_device(r, 1);
		run_of_tags(r, 0, 0, 60);
		rig_open(r);
		d->always = codes[k];
		rig_scan(r, 0);
		CHECK(d->requests <= 2);	/* once, and one repetition of the passing ones */
		for (uint32_t i = 0; i < 60; i++)
			CHECK_INT(r->seen[0][i].status, status[k]);
		CHECK_INT(r->d->counts(r->ctx, 0).isolated_tags, 0);
		CHECK_INT(r->d->counts(r->ctx, 0).blocks, 1);
		d->always = 0;
		rig_scan(r, 0);
		for (uint32_t i = 0; i < 60; i++)
			CHECK_INT(r->seen[0][i].status, STATUS_Good);
		rig_close(r);
	}
}

TEST(one_refusal_alone_starts_no_search)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	struct device *d = rig_device(r, 1);
	uint8_t refusal[9];
	run_of_tags(r, 0, 0, 60);
	rig_open(r);
	r->d->scan(r->ctx, 0, 0, false, r->now, r->wall);
	struct frame f = rig_take(r);
	test_hex("00 00 00 00 00 03 01 83 02", refusal, sizeof refusal);
	memcpy(refusal, f.p, 2);
	rig_input(r, refusal, sizeof refusal);
	rig_run(r);
	all_good(r, 0, 1);
	CHECK_INT(r->d->counts(r->ctx, 0).blocks, 1);
	CHECK_INT(d->requests, 1);	/* the refusal was the test's own */
	rig_scan(r, 0);
	all_good(r, 0, 2);
	CHECK_INT(d->requests, 2);
	rig_close(r);
}

TEST(a_table_that_the_device_lacks_is_asked_for_seldom)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	struct device *d = rig_device(r, 1);
	rig_tag(r, 0, "input 0");
	rig_tag(r, 0, "holding 0");
	d->no_fc = 4;
	rig_open(r);
	for (int i = 0; i < 5; i++)
		rig_scan(r, 0);
	CHECK_INT(d->requests, 6);
	CHECK_INT(r->seen[0][0].n, 5);
	CHECK_INT(r->seen[0][0].status, (uint32_t)STATUS_BadConfigurationError);
	CHECK_INT(r->seen[0][1].status, STATUS_Good);
	rig_close(r);
}

TEST(a_value_is_never_split_over_two_requests)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	char at[40];
	rig_device(r, 1);
	rig_key(r, 0, MB_KEY_BLOCK_LIMIT, 7);	/* three floats and a half */
	for (int i = 0; i < 20; i++) {
		snprintf(at, sizeof at, "holding %d float32", 2 * i);
		rig_tag(r, 0, at);
	}
	rig_open(r);
	CHECK_INT(r->d->counts(r->ctx, 0).blocks, 7);
	for (int i = 0; i < 20; i++) {
		float f = (float)i + 0.5f;
		uint32_t u;
		memcpy(&u, &f, 4);
		r->dev[1]->regs[1][2 * i] = (uint16_t)(u >> 16);
		r->dev[1]->regs[1][2 * i + 1] = (uint16_t)u;
	}
	rig_scan(r, 0);
	for (int i = 0; i < 20; i++)
		CHECK(r->seen[0][i].v.f32 == (float)i + 0.5f);
	rig_close(r);
}

TEST(tables_and_distant_registers_are_not_merged)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	rig_device(r, 1);
	rig_tag(r, 0, "holding 0");
	rig_tag(r, 0, "input 1");
	rig_tag(r, 0, "holding 21");	/* gap of 20: merged */
	rig_tag(r, 0, "holding 43");	/* gap of 21: not */
	rig_tag(r, 0, "coil 0");
	rig_tag(r, 0, "coil 300");
	rig_open(r);
	CHECK_INT(r->d->counts(r->ctx, 0).blocks, 4);
	rig_scan(r, 0);
	CHECK_INT(r->total_sent, 4);
	rig_close(r);
}

TEST_MAIN
