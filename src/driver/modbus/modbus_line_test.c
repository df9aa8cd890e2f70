/* Serial lines and tunnels: framing without lengths, echoes, noise, late replies, timing, broadcast. */
#include "driver/modbus/modbus_rig.h"

static struct rig *
line(const struct driver *d, const char *at)
{
	struct rig *r = rig_new(d, 1);
	rig_device(r, 1)->regs[1][0] = 42;
	rig_tag(r, 0, at);
	return r;
}

static size_t
ask(struct rig *r, uint8_t *reply)
{
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
	struct frame f = rig_take(r);
	return rig_reply(r, &f, reply);
}

TEST(the_line_request_is_that_of_the_reference)
{
	struct rig *r = line(&modbus_rtu_driver, "holding 0 uint16[10]");
	uint8_t want[8], reply[MB_ADU_MAX];
	rig_open(r);
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
	CHECK_INT(r->sent[0].len, test_hex("01 03 00 00 00 0A C5 CD", want, sizeof want));
	CHECK_BYTES(r->sent[0].p, want, 8);
	struct frame f = rig_take(r);
	rig_input(r, reply, rig_reply(r, &f, reply));
	CHECK_INT(r->done_scans[0], 1);
	rig_close(r);
}

TEST(a_reply_in_single_bytes_with_pauses_is_whole)
{
	const struct driver *const both[] = { &modbus_rtu_driver, &modbus_rtu_tcp_driver };
	for (int k = 0; k < 2; k++) {
		struct rig *r = line(both[k], "holding 0");
		uint8_t reply[MB_ADU_MAX];
		rig_open(r);
		size_t len = ask(r, reply);
		for (size_t i = 0; i < len; i++) {
			rig_pass(
			    r, 60 * NS_PER_MS); /* longer than any silence: a slow adapter, not the end of a frame */
			rig_input(r, reply + i, 1);
		}
		CHECK_INT(r->done_scans[0], 1);
		CHECK_INT(r->seen[0][0].v.u, 42);
		CHECK_INT(r->outcomes[0][OUTCOME_GARBAGE], 0);
		rig_close(r);
	}
}

TEST(noise_in_front_of_a_reply_is_skipped)
{
	struct rig *r = line(&modbus_rtu_driver, "holding 0");
	uint8_t reply[MB_ADU_MAX], noisy[MB_ADU_MAX];
	rig_open(r);
	size_t len = ask(r, reply);
	memcpy(noisy, "\x00\xFF\x01\x03", 4);
	memcpy(noisy + 4, reply, len);
	rig_input(r, noisy, len + 4);
	CHECK_INT(r->done_scans[0], 1);
	CHECK_INT(r->seen[0][0].v.u, 42);
	rig_close(r);
}

TEST(a_bad_crc_is_repeated_after_silence_and_then_communication_error)
{
	struct rig *r = line(&modbus_rtu_driver, "holding 0");
	uint8_t reply[MB_ADU_MAX];
	rig_open(r);
	size_t len = ask(r, reply);
	reply[4] ^= 1;
	rig_input(r, reply, len);
	CHECK_INT(r->outcomes[0][OUTCOME_GARBAGE], 0);	/* more may come: not before the line is quiet */
	rig_pass(r, 30 * NS_PER_MS);
	CHECK_INT(r->outcomes[0][OUTCOME_GARBAGE], 1);
	CHECK_INT(r->done_scans[0], 0);
	rig_pass(r, 100 * NS_PER_MS);
	rig_take(r);
	rig_input(r, reply, len);
	rig_pass(r, 30 * NS_PER_MS);
	CHECK_INT(r->done_scans[0], 1);
	CHECK_INT(r->seen[0][0].status, (uint32_t)STATUS_BadCommunicationError);
	rig_scan(r, 0);
	CHECK_INT(r->seen[0][0].v.u, 42);
	rig_close(r);
}

TEST(the_echo_of_what_was_sent_is_dropped)
{
	struct rig *r = line(&modbus_rtu_driver, "holding 0");
	uint8_t reply[MB_ADU_MAX];
	rig_key(r, 0, MB_KEY_WRITES, 1);
	rig_open(r);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
		struct frame f = rig_take(r);
		rig_input(r, f.p, 3);
		rig_input(r, f.p + 3, f.len - 3);
		rig_input(r, reply, rig_reply(r, &f, reply));
		CHECK_INT(r->done_scans[0], i + 1);
		CHECK_INT(r->seen[0][0].v.u, 42);
		rig_pass(r, 10 * NS_PER_MS);
	}
	/*
	 * A write's reply looks like its echo; now that the adapter is known to echo, the first copy is not the reply.
	 */
	CHECK_INT(r->d->write(r->ctx, 0, 0, &(struct value){ .type = VALUE_U16, .u = 5 }, 1, r->now), 0);
	struct frame f = rig_take(r);
	rig_input(r, f.p, f.len);
	CHECK_INT(r->ops, 0);
	rig_input(r, reply, rig_reply(r, &f, reply));
	CHECK_INT(r->ops, 1);
	CHECK_INT(r->op_err, 0);
	CHECK_INT(r->dev[1]->regs[1][0], 5);
	rig_close(r);
}

TEST(a_late_reply_of_the_same_shape_is_not_the_answer_to_the_next_request)
{
	struct rig *r = line(&modbus_rtu_driver, "holding 0");
	uint8_t late[MB_ADU_MAX], reply[MB_ADU_MAX];
	rig_key(r, 0, MB_KEY_RETRIES, 0);
	rig_tag(r, 0, "holding 500");
	rig_open(r);
	r->dev[1]->regs[1][500] = 4711;
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
	struct frame f = rig_take(r);
	size_t late_len = rig_reply(r, &f, late);
	rig_pass(r, 1300 * NS_PER_MS);
	CHECK_INT(r->outcomes[0][OUTCOME_TIMEOUT], 1);
	CHECK_INT(r->nsent, 0);				/* the second block waits: its reply would look the same */
	rig_input(r, late, late_len);
	rig_pass(r, 5 * NS_PER_MS);
	CHECK_INT(r->nsent, 1);				/* what was owed has come: go on */
	f = rig_take(r);
	rig_input(r, reply, rig_reply(r, &f, reply));
	CHECK_INT(r->seen[0][1].v.u, 4711);
	CHECK_INT(r->seen[0][0].status, (uint32_t)STATUS_BadNoCommunication);
	CHECK_INT(r->d->counts(r->ctx, 0).late_dropped, 1);
	rig_close(r);
}

TEST(a_late_reply_of_another_unit_is_dropped)
{
	struct rig *r = rig_new(&modbus_rtu_driver, 2);
	uint8_t late[MB_ADU_MAX], reply[2 * MB_ADU_MAX];
	for (uint32_t i = 0; i < 2; i++) {
		rig_device(r, (int)i + 1)->regs[1][0] = (uint16_t)(i + 1);
		rig_tag(r, i, "holding 0");
		rig_key(r, i, MB_KEY_RETRIES, 0);
	}
	rig_open(r);
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
	CHECK_INT(r->d->scan(r->ctx, 1, 0, false, r->now, r->wall), 0);
	struct frame f = rig_take(r);
	size_t late_len = rig_reply(r, &f, late);
	rig_pass(r, 1300 * NS_PER_MS);
	f = rig_take(r);
	CHECK_INT(f.p[0], 2);
	/* Both replies glued together. */
	memcpy(reply, late, late_len);
	size_t len = rig_reply(r, &f, reply + late_len);
	rig_input(r, reply, late_len + len);
	CHECK_INT(r->seen[1][0].v.u, 2);
	CHECK_INT(r->seen[0][0].status, (uint32_t)STATUS_BadNoCommunication);
	rig_close(r);
}

TEST(replies_that_a_frozen_unit_kept_do_not_end_the_next_request)
{
	struct rig *r = line(&modbus_rtu_driver, "holding 0");
	uint8_t kept[4][MB_ADU_MAX];
	size_t len[4];
	rig_tag(r, 0, "holding 500 uint16[5]");
	rig_open(r);
	/* Probes of one register, all too late. */
	for (int i = 0; i < 3; i++) {
		CHECK_INT(r->d->scan(r->ctx, 0, 0, true, r->now, r->wall), 0);
		struct frame f = rig_take(r);
		len[i] = rig_reply(r, &f, kept[i]);
		rig_pass(r, 5 * NS_PER_S);
	}
	CHECK_INT(r->outcomes[0][OUTCOME_TIMEOUT], 3);
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
	struct frame f = rig_take(r);
	rig_input(r, kept[0], rig_reply(r, &f, kept[3]));	/* the first block is of the same shape, and right */
	rig_pass(r, 10 * NS_PER_MS);
	f = rig_take(r);
	len[3] = rig_reply(r, &f, kept[3]);
	for (int i = 1; i < 4; i++)
		rig_input(r, kept[i], len[i]);
	CHECK_INT(r->done_scans[0], 4);
	CHECK_INT(r->seen[0][0].v.u, 42);
	CHECK_INT(r->seen[0][1].status, STATUS_Good);
	CHECK_INT(r->outcomes[0][OUTCOME_GARBAGE], 0);
	CHECK_INT(r->d->counts(r->ctx, 0).late_dropped, 2);
	rig_close(r);
}

TEST(a_unit_that_answers_one_request_behind_for_good_resets_the_line)
{
	struct rig *r = line(&modbus_rtu_driver, "holding 0");
	uint8_t reply[MB_ADU_MAX];
	size_t len = 0;
	rig_tag(r, 0, "holding 500 uint16[5]");
	rig_tag(r, 0, "holding 600 uint16[7]");
	rig_open(r);
	for (uint32_t i = 0; i <= MB_LAG_MAX; i++) {
		uint32_t tag = i % 3;
		CHECK_INT(r->resets, 0);
		CHECK_INT(r->d->read(r->ctx, 0, &tag, 1, i, r->now), 0);
		struct frame f = rig_take(r);
		rig_input(r, reply, len);		/* to the request before */
		len = rig_reply(r, &f, reply);
		rig_pass(r, 5 * NS_PER_S);
		CHECK_INT(r->ops, i + 1);
		CHECK_INT(r->seen[0][tag].status, (uint32_t)STATUS_BadNoCommunication);
	}
	CHECK_INT(r->resets, 1);
	rig_close(r);
}

TEST(frames_are_apart_by_the_silence_of_the_baud_rate)
{
	struct rig *r = line(&modbus_rtu_driver, "holding 0");
	uint8_t reply[MB_ADU_MAX];
	rig_key(r, 0, MB_KEY_BAUD, 9600);
	rig_tag(r, 0, "holding 500");
	rig_open(r);
	size_t len = ask(r, reply);
	rig_input(r, reply, len);
	CHECK_INT(r->nsent, 0);
	rig_pass(r, 4000 * NS_PER_US);
	CHECK_INT(r->nsent, 0);
	rig_pass(r, 20 * NS_PER_US);
	CHECK_INT(r->nsent, 1);
	rig_close(r);
}

TEST(the_timeout_includes_the_time_on_the_line)
{
	struct rig *r = line(&modbus_rtu_driver, "holding 0 uint16[125]");
	rig_key(r, 0, MB_KEY_BAUD, 1200);
	rig_key(r, 0, MB_KEY_TIMEOUT, 500 * NS_PER_MS);
	rig_key(r, 0, MB_KEY_RETRIES, 0);
	rig_open(r);
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
	/* 8 + 255 characters of 11 bits at 1200 baud are 2.41 s. */
	rig_pass(r, 2900 * NS_PER_MS);
	CHECK_INT(r->done_scans[0], 0);
	rig_pass(r, 20 * NS_PER_MS);
	CHECK_INT(r->done_scans[0], 1);
	rig_close(r);
}

TEST(a_broadcast_is_sent_and_the_line_left_alone)
{
	struct rig *r = rig_new(&modbus_rtu_driver, 2);
	uint8_t want[8];
	rig_key(r, 0, MB_KEY_UNIT, 0);
	rig_key(r, 0, MB_KEY_WRITES, 1);
	rig_tag(r, 0, "holding 1");
	rig_device(r, 2);
	rig_tag(r, 1, "holding 0");
	rig_open(r);
	CHECK_INT(r->d->write(r->ctx, 0, 0, &(struct value){ .type = VALUE_U16, .u = 3 }, 1, r->now), 0);
	CHECK_INT(r->ops, 1);
	CHECK_INT(r->op_err, 0);
	struct frame f = rig_take(r);
	test_hex("00 06 00 01 00 03", want, sizeof want);
	CHECK_BYTES(f.p, want, 6);
	CHECK_INT(r->d->scan(r->ctx, 1, 0, false, r->now, r->wall), 0);
	rig_pass(r, 99 * NS_PER_MS);
	CHECK_INT(r->nsent, 0);
	rig_pass(r, 10 * NS_PER_MS);
	CHECK_INT(r->nsent, 1);
	/* Nobody answers a broadcast, so there is nothing to read from it. */
	uint32_t before = r->total_sent;
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
	rig_pass(r, NS_PER_MS);
	CHECK_INT(r->done_scans[0], 1);
	CHECK_INT(r->total_sent, before);
	CHECK(status_is_bad(r->seen[0][0].status));
	rig_close(r);
}

TEST(an_address_that_nobody_could_read_is_refused_for_broadcast)
{
	struct keyval keys[MB_KEYS_TUNNEL + 4] = { [MB_KEY_UNIT] = { .set = true, .i = 0 } };
	struct at_info info;
	char why[200];
	CHECK_INT(modbus_rtu_driver.info.parse_at("input 1", keys, &info, why, sizeof why), ERR_TYPE);
	CHECK(strstr(why, "broadcast") != NULL);
	CHECK_INT(modbus_tcp_driver.info.parse_at("input 1", keys, &info, why, sizeof why), 0);
}

TEST(the_load_of_a_line_is_estimated_from_its_baud_rate)
{
	struct rig *r = line(&modbus_rtu_driver, "holding 0 uint16[125]");
	struct load_info load;
	struct arena a = { 0 };
	rig_key(r, 0, MB_KEY_BAUD, 9600);
	r->src[0].scans_ns[0] = NS_PER_S;
	CHECK_INT(r->d->info.load(&r->src[0], &a, &load), 0);
	/* Reference: 8 bytes out, 255 in, about 300 ms plus 5..50 ms of the device. */
	CHECK(load.busy > 0.30 && load.busy < 0.36);
	CHECK(load.requests_per_s == 1.0);
	CHECK(strstr(load.basis, "9600 baud") != NULL);
	arena_fini(&a);
	rig_close(r);
}

TEST_MAIN
