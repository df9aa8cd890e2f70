/* The engine through the driver contract, against a naive device and a clock that only the test moves. */
#include "driver/modbus/modbus_rig.h"

TEST(a_scan_reads_floats_and_integers)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	struct device *d = rig_device(r, 1);
	rig_tag(r, 0, "holding 100 float32");
	rig_tag(r, 0, "holding 110 uint32");
	rig_tag(r, 0, "40121 int16");
	rig_open(r);
	d->regs[1][100] = 0x3F80;	/* 1.0 is 3F80 0000 */
	d->regs[1][110] = 0x0001;
	d->regs[1][111] = 0x0002;
	d->regs[1][120] = 0xFFFE;
	rig_scan(r, 0);
	CHECK_INT(r->total_sent, 1);
	CHECK(r->seen[0][0].v.type == VALUE_F32 && r->seen[0][0].v.f32 == 1.0f);
	CHECK_INT(r->seen[0][1].v.u, 0x10002);
	CHECK_INT(r->seen[0][2].v.i, -2);
	CHECK_INT(r->outcomes[0][OUTCOME_OK], 1);
	rig_close(r);
}

TEST(the_request_is_byte_for_byte_what_the_specification_shows)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	uint8_t want[12];
	rig_tag(r, 0, "holding 107 uint16[3]");		/* V1.1b3 6.3: 03 00 6B 00 03 */
	rig_open(r);
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
	CHECK_INT(r->sent[0].len, test_hex("00 01 00 00 00 06 01 03 00 6B 00 03", want, sizeof want));
	CHECK_BYTES(r->sent[0].p, want, 12);
	uint8_t reply[15];
	test_hex("00 01 00 00 00 09 01 03 06 02 2B 00 00 00 64", reply, sizeof reply);
	rig_input(r, reply, sizeof reply);
	CHECK_INT(value_at(&r->seen[0][0].v, 0).u, 555);
	CHECK_INT(value_at(&r->seen[0][0].v, 2).u, 100);
	rig_close(r);
}

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

TEST(a_late_reply_is_not_taken_for_the_next)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	struct device *d = rig_device(r, 1);
	uint8_t late[MB_ADU_MAX], reply[MB_ADU_MAX];
	rig_tag(r, 0, "holding 5");
	rig_open(r);
	d->regs[1][5] = 1;
	r->d->scan(r->ctx, 0, 0, false, r->now, r->wall);
	struct frame f = rig_take(r);
	size_t late_len = rig_reply(r, &f, late);
	rig_pass(r, 1100 * NS_PER_MS);
	CHECK_INT(r->seen[0][0].status, (uint32_t)STATUS_BadNoCommunication);
	CHECK_INT(r->done_scans[0], 1);
	r->d->scan(r->ctx, 0, 0, false, r->now, r->wall);
	d->regs[1][5] = 2;
	rig_input(r, late, late_len);
	CHECK_INT(r->done_scans[0], 1);
	f = rig_take(r);
	size_t len = rig_reply(r, &f, reply);
	rig_input(r, reply, len);
	CHECK_INT(r->done_scans[0], 2);
	CHECK_INT(r->seen[0][0].v.u, 2);
	CHECK_INT(r->d->counts(r->ctx, 0).late_dropped, 1);
	CHECK_INT(r->resets, 0);
	rig_close(r);
}

TEST_MAIN
