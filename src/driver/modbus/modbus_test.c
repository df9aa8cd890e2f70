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
	CHECK_INT(r->sent[0].len, test_hex("00 00 00 00 00 06 01 03 00 6B 00 03", want, sizeof want));
	CHECK_BYTES(r->sent[0].p + 2, want + 2, 10);
	uint8_t reply[15];
	test_hex("00 00 00 00 00 09 01 03 06 02 2B 00 00 00 64", reply, sizeof reply);
	memcpy(reply, r->sent[0].p, 2);		/* the transaction id is the client's choice */
	rig_input(r, reply, sizeof reply);
	CHECK_INT(value_at(&r->seen[0][0].v, 0).u, 555);
	CHECK_INT(value_at(&r->seen[0][0].v, 2).u, 100);
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

TEST(a_silent_device_is_reconnected_after_three_timeouts)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	run_of_tags(r, 0, 0, 0);
	rig_tag(r, 0, "holding 0");
	rig_tag(r, 0, "input 0");
	rig_tag(r, 0, "coil 0");
	rig_open(r);
	rig_scan(r, 0);		/* two timeouts, then the third block is not even tried */
	CHECK_INT(r->total_sent, 2);
	CHECK_INT(r->outcomes[0][OUTCOME_TIMEOUT], 2);
	CHECK_INT(r->seen[0][2].status, (uint32_t)STATUS_BadNoCommunication);
	CHECK_INT(r->resets, 0);
	rig_scan(r, 0);
	CHECK_INT(r->total_sent, 3);
	CHECK_INT(r->resets, 1);
	r->d->down(r->ctx, r->now, r->wall);
	r->d->up(r->ctx, r->now, r->wall);
	rig_device(r, 1);
	rig_scan(r, 0);
	CHECK_INT(r->seen[0][2].status, STATUS_Good);
	rig_close(r);
}

TEST(a_dead_unit_costs_its_neighbours_only_its_timeout)
{
	struct rig *r = rig_new(&modbus_rtu_driver, 4);
	for (uint32_t i = 0; i < 4; i++) {
		if (i != 1)
			rig_device(r, (int)i + 1);
		for (int k = 0; k < 3; k++) {
			char at[32];
			snprintf(at, sizeof at, "holding %d", 100 * k);
			rig_tag(r, i, at);
		}
	}
	rig_open(r);
	for (uint32_t i = 0; i < 4; i++)
		CHECK_INT(r->d->scan(r->ctx, i, 0, false, r->now, r->wall), 0);
	struct mono start = r->now;
	rig_run(r);
	for (uint32_t i = 0; i < 4; i++) {
		CHECK_INT(r->done_scans[i], 1);
		for (uint32_t k = 0; k < 3; k++)
			CHECK_INT(r->seen[i][k].status, i == 1 ? (uint32_t)STATUS_BadNoCommunication : STATUS_Good);
	}
	CHECK_INT(r->outcomes[1][OUTCOME_TIMEOUT], 2);	/* one, and one repetition */
	CHECK_INT(r->resets, 0);
	CHECK(mono_diff(r->now, start) < 3 * NS_PER_S);
	/* Once known to be silent: one timeout a scan. */
	CHECK_INT(r->d->scan(r->ctx, 1, 0, false, r->now, r->wall), 0);
	rig_run(r);
	CHECK_INT(r->outcomes[1][OUTCOME_TIMEOUT], 3);
	rig_close(r);
}

TEST(units_take_turns_request_by_request)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 2);
	for (uint32_t i = 0; i < 2; i++) {
		rig_device(r, (int)i + 1);
		for (int k = 0; k < 3; k++) {
			char at[32];
			snprintf(at, sizeof at, "holding %d", 1000 * k);
			rig_tag(r, i, at);
		}
	}
	rig_open(r);
	r->d->scan(r->ctx, 0, 0, false, r->now, r->wall);
	r->d->scan(r->ctx, 1, 0, false, r->now, r->wall);
	static const uint8_t turns[] = { 1, 1, 2, 1, 2, 2 };	/* unit 1 began alone; from then on one each */
	for (int k = 0; k < 6; k++) {
		uint8_t reply[MB_ADU_MAX];
		struct frame f = rig_take(r);
		CHECK_INT(f.p[6], turns[k]);
		size_t len = rig_reply(r, &f, reply);
		rig_input(r, reply, len);
	}
	CHECK_INT(r->done_scans[0] + r->done_scans[1], 2);
	rig_close(r);
}

TEST(several_requests_are_under_way_where_allowed_and_may_be_answered_in_any_order)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	uint8_t reply[4][MB_ADU_MAX];
	size_t len[4];
	rig_device(r, 1);
	rig_key(r, 0, MB_KEY_IN_FLIGHT, 4);
	for (int k = 0; k < 6; k++) {
		char at[32];
		snprintf(at, sizeof at, "holding %d", 1000 * k);
		rig_tag(r, 0, at);
		r->dev[1]->regs[1][1000 * k] = (uint16_t)(1000 * k);
	}
	rig_open(r);
	r->d->scan(r->ctx, 0, 0, false, r->now, r->wall);
	CHECK_INT(r->nsent, 4);
	for (int k = 0; k < 4; k++) {
		struct frame f = rig_take(r);
		len[k] = rig_reply(r, &f, reply[k]);
	}
	for (int k = 3; k >= 0; k--)
		rig_input(r, reply[k], len[k]);
	rig_run(r);
	all_good(r, 0, 1);
	rig_close(r);
}

TEST(a_stream_may_be_torn_and_glued_anywhere)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	uint8_t all[8 * MB_ADU_MAX];
	rig_device(r, 1);
	rig_key(r, 0, MB_KEY_IN_FLIGHT, 4);
	run_of_tags(r, 0, 0, 100);
	run_of_tags(r, 0, 200, 100);
	run_of_tags(r, 0, 400, 100);
	rig_open(r);
	for (uint32_t piece = 1; piece < 300; piece += 13) {
		uint32_t scans = r->done_scans[0];
		r->d->scan(r->ctx, 0, 0, false, r->now, r->wall);
		size_t n = 0;
		while (r->nsent > 0) {
			struct frame f = rig_take(r);
			n += rig_reply(r, &f, all + n);
		}
		for (size_t at = 0; at < n; at += piece)
			rig_input(r, all + at, n - at < piece ? n - at : piece);
		CHECK_INT(r->done_scans[0], scans + 1);
		all_good(r, 0, scans + 1);
	}
	rig_close(r);
}

TEST(foreign_replies_are_dropped_without_closing)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	uint8_t reply[MB_ADU_MAX], wrong[MB_ADU_MAX];
	rig_device(r, 1)->regs[1][0] = 7;
	rig_tag(r, 0, "holding 0");
	rig_open(r);
	r->d->scan(r->ctx, 0, 0, false, r->now, r->wall);
	struct frame f = rig_take(r);
	size_t len = rig_reply(r, &f, reply);
	static const struct {
		int at;
		uint8_t flip;
	} spoil[] = { { 1, 0x40 }, { 6, 0x02 }, { 7, 0x07 } }; /* id, unit, function */
	for (size_t i = 0; i < 3; i++) {
		memcpy(wrong, reply, len);
		wrong[spoil[i].at] ^= spoil[i].flip;
		wrong[len - 1] = 99;
		rig_input(r, wrong, len);
		CHECK_INT(r->done_scans[0], 0);
	}
	rig_input(r, reply, len);
	CHECK_INT(r->seen[0][0].v.u, 7);
	CHECK_INT(r->d->counts(r->ctx, 0).late_dropped, 3);
	CHECK_INT(r->resets, 0);
	/* Bytes that are no Modbus TCP at all lose the stream. */
	rig_input(r, "HTTP/1.1 400 Bad Request", 24);
	CHECK_INT(r->resets, 1);
	rig_close(r);
}

TEST(a_damaged_reply_is_repeated_then_bad)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	uint8_t reply[MB_ADU_MAX];
	rig_device(r, 1)->regs[1][0] = 7;
	rig_tag(r, 0, "holding 0");
	rig_open(r);
	r->d->scan(r->ctx, 0, 0, false, r->now, r->wall);
	for (int i = 0; i < 2; i++) {
		rig_pass(r, 200 * NS_PER_MS);
		struct frame f = rig_take(r);
		size_t len = rig_reply(r, &f, reply);
		reply[8] = 4;	/* announces two registers where one was asked for and is there */
		rig_input(r, reply, len);
	}
	CHECK_INT(r->done_scans[0], 1);
	CHECK_INT(r->seen[0][0].status, (uint32_t)STATUS_BadCommunicationError);
	CHECK_INT(r->outcomes[0][OUTCOME_GARBAGE], 2);
	rig_close(r);
}

TEST(a_busy_device_is_asked_again_and_never_recorded_as_zero)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	uint8_t busy[9];
	rig_device(r, 1)->regs[1][0] = 7;
	rig_tag(r, 0, "holding 0");
	rig_open(r);
	r->d->scan(r->ctx, 0, 0, false, r->now, r->wall);
	struct frame f = rig_take(r);
	test_hex("00 00 00 00 00 03 01 83 06", busy, sizeof busy);
	memcpy(busy, f.p, 2);
	rig_input(r, busy, sizeof busy);
	CHECK_INT(r->nsent, 0);			/* not at once */
	CHECK_INT(r->seen[0][0].n, 0);
	rig_pass(r, 101 * NS_PER_MS);
	CHECK_INT(r->nsent, 1);
	f = rig_take(r);
	memcpy(busy, f.p, 2);
	rig_input(r, busy, sizeof busy);
	CHECK_INT(r->seen[0][0].status, (uint32_t)STATUS_BadResourceUnavailable);
	CHECK_INT(r->seen[0][0].v.type, VALUE_NULL);
	CHECK_INT(r->outcomes[0][OUTCOME_REFUSED], 2);
	rig_close(r);
}

TEST(the_request_gap_and_a_full_link_are_waited_out)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	uint8_t reply[MB_ADU_MAX];
	rig_device(r, 1);
	rig_key(r, 0, MB_KEY_REQUEST_GAP, 30 * NS_PER_MS);
	rig_tag(r, 0, "holding 0");
	rig_tag(r, 0, "holding 1000");
	rig_open(r);
	r->full = true;
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
	r->full = false;
	rig_pass(r, 6 * NS_PER_MS);
	struct frame f = rig_take(r);
	size_t len = rig_reply(r, &f, reply);
	rig_input(r, reply, len);
	rig_pass(r, 29 * NS_PER_MS);
	CHECK_INT(r->nsent, 0);
	rig_pass(r, 2 * NS_PER_MS);
	CHECK_INT(r->nsent, 1);
	rig_run(r);
	CHECK_INT(r->done_scans[0], 1);
	rig_close(r);
}

TEST(a_scan_that_is_not_finished_is_busy)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	rig_device(r, 1);
	rig_tag(r, 0, "holding 0");
	rig_open(r);
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), ERR_BUSY);
	rig_run(r);
	rig_scan(r, 0);
	rig_close(r);
}

TEST(a_probe_is_one_request_without_samples)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	rig_device(r, 1);
	run_of_tags(r, 0, 0, 100);
	run_of_tags(r, 0, 200, 50);
	rig_open(r);
	CHECK_INT(r->d->scan(r->ctx, 0, 0, true, r->now, r->wall), 0);
	CHECK_INT(r->sent[0].p[11], 1);		/* one register */
	rig_run(r);
	CHECK_INT(r->total_sent, 1);
	CHECK_INT(r->done_scans[0], 1);
	CHECK_INT(r->outcomes[0][OUTCOME_OK], 1);
	CHECK_INT(r->seen[0][0].n, 0);
	free(r->dev[1]);
	r->dev[1] = NULL;
	CHECK_INT(r->d->scan(r->ctx, 0, 0, true, r->now, r->wall), 0);
	rig_run(r);
	CHECK_INT(r->done_scans[0], 2);
	CHECK_INT(r->outcomes[0][OUTCOME_TIMEOUT], 1);
	rig_close(r);
}

TEST(giving_up_says_bad_once_and_losing_the_link_ends_everything)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	const uint32_t two[] = { 0, 1 };
	rig_device(r, 1);
	rig_key(r, 0, MB_KEY_WRITES, 1);
	run_of_tags(r, 0, 0, 30);
	run_of_tags(r, 0, 500, 30);
	rig_open(r);
	rig_scan(r, 0);
	r->d->give_up(r->ctx, 0, (uint32_t)STATUS_BadShutdown, r->wall);
	for (uint32_t i = 0; i < 60; i++) {
		CHECK_INT(r->seen[0][i].n, 2);
		CHECK_INT(r->seen[0][i].status, (uint32_t)STATUS_BadShutdown);
	}
	r->d->scan(r->ctx, 0, 0, false, r->now, r->wall);
	CHECK_INT(r->d->read(r->ctx, 0, two, 2, 9, r->now), 0);
	CHECK_INT(r->d->write(r->ctx, 0, 0, &(struct value){ .type = VALUE_U16, .u = 1 }, 10, r->now), 0);
	r->d->down(r->ctx, r->now, r->wall);
	CHECK_INT(r->done_scans[0], 2);
	CHECK_INT(r->ops, 2);
	CHECK_INT(r->op_err, ERR_CONN);
	for (uint32_t i = 2; i < 60; i++)
		CHECK_INT(r->seen[0][i].n, 3);
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), ERR_CONN);
	CHECK(r->d->next(r->ctx).ns == INT64_MAX);
	rig_close(r);
}

TEST(an_address_that_cannot_be_understood_is_bad_alone)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	rig_device(r, 1);
	run_of_tags(r, 0, 0, 2);
	free((void *)(uintptr_t)r->tags[0][1].at);
	r->tags[0][1].at = strdup("nonsense");	/* the site reader would have refused it */
	rig_open(r);
	rig_scan(r, 0);
	rig_scan(r, 0);
	CHECK_INT(r->seen[0][0].status, STATUS_Good);
	CHECK_INT(r->seen[0][1].n, 2);
	CHECK_INT(r->seen[0][1].status, (uint32_t)STATUS_BadConfigurationError);
	rig_close(r);
}

TEST_MAIN
