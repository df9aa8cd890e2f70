/* Reads and writes on demand, and what people are told: why, trace lines. */
#include "driver/modbus/modbus_rig.h"

static struct rig *
writable(const char *at)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	rig_device(r, 1);
	rig_key(r, 0, MB_KEY_WRITES, 1);
	rig_tag(r, 0, at);
	return r;
}

static void
write_u(struct rig *r, uint64_t u)
{
	CHECK_INT(r->d->write(r->ctx, 0, 0, &(struct value){ .type = VALUE_U32, .u = u }, 77, r->now), 0);
}

TEST(each_kind_of_place_is_written_with_its_function)
{
	static const struct { const char *at; uint64_t v; const char *pdu; } rows[] = {
		{ "holding 1", 3, "06 00 01 00 03" },
		{ "coil 172", 1, "05 00 AC FF 00" },
		{ "holding 1 uint32", 0x000A0102, "10 00 01 00 02 04 00 0A 01 02" },
		{ "holding 1 uint32 cdab", 0x000A0102, "10 00 01 00 02 04 01 02 00 0A" },
		{ "holding 4.2", 1, "16 00 04 FF FB 00 04" },
		{ "holding 4 uint8", 0x25, "16 00 04 FF 00 00 25" },
		{ "holding 4 bcd16", 1234, "06 00 04 12 34" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rig *r = writable(rows[i].at);
		uint8_t want[64];
		size_t n = test_hex(rows[i].pdu, want, sizeof want);
		rig_open(r);
		write_u(r, rows[i].v);
		CHECK_INT(r->sent[0].len, 7 + n);
		CHECK_BYTES(r->sent[0].p + 7, want, n);
		rig_run(r);
		CHECK_INT(r->ops, 1);
		CHECK_INT(r->op_id, 77);
		CHECK_INT(r->op_err, 0);
		rig_close(r);
	}
}

TEST(a_device_without_mask_write_is_read_changed_and_written)
{
	struct rig *r = writable("holding 4.2");
	rig_key(r, 0, MB_KEY_READ_MODIFY_WRITE, 1);
	r->dev[1]->no_fc = 22;
	r->dev[1]->regs[1][4] = 0x00F1;
	rig_open(r);
	write_u(r, 1);
	rig_run(r);
	CHECK_INT(r->op_err, 0);
	CHECK_INT(r->dev[1]->regs[1][4], 0x00F5);
	CHECK_INT(r->total_sent, 3);
	write_u(r, 0);
	rig_run(r);
	CHECK_INT(r->dev[1]->regs[1][4], 0x00F1);
	CHECK_INT(r->total_sent, 5);
	rig_close(r);
}

TEST(a_register_is_not_read_changed_and_written_unless_the_site_allows_it)
{
	struct rig *r = writable("holding 4.2");
	r->dev[1]->no_fc = 22;
	r->dev[1]->regs[1][4] = 0x00F1;
	rig_open(r);
	write_u(r, 1);
	rig_run(r);
	CHECK_INT(r->op_err, ERR_DENIED);
	CHECK(strstr(r->op_why, "read-modify-write: yes") != NULL);
	CHECK_INT(r->dev[1]->regs[1][4], 0x00F1);
	CHECK_INT(r->d->write(r->ctx, 0, 0, &(struct value){ .type = VALUE_U32, .u = 1 }, 78, r->now), ERR_DENIED);
	CHECK_INT(r->total_sent, 1);
	rig_close(r);
}

static struct mono
due(struct driver_host *h, uint32_t id)
{
	(void)h;
	(void)id;
	return (struct mono){ 1000 * NS_PER_S + 100 * NS_PER_MS };
}

/* The line is held by a scan that gets no answer; by the time that it is free the write is too late. */
TEST(a_write_that_waited_too_long_never_leaves)
{
	struct rig *r = writable("holding 4");
	r->h.deadline = due;
	r->dev[1]->dead = true;
	rig_open(r);
	CHECK_INT(r->d->scan(r->ctx, 0, 0, false, r->now, r->wall), 0);
	CHECK_INT(r->nsent, 1);
	write_u(r, 9);
	while (r->ops == 0) {
		rig_pass(r, 50 * NS_PER_MS);
		for (uint32_t i = 0; i < r->nsent; i++)
			CHECK_INT(r->sent[i].p[7], 3);
	}
	CHECK_INT(r->op_err, ERR_EXPIRED);
	rig_close(r);
}

TEST(a_device_without_single_writes_gets_multiple_ones)
{
	struct rig *r = writable("holding 4");
	r->dev[1]->no_fc = 6;
	rig_open(r);
	write_u(r, 9);
	rig_run(r);
	CHECK_INT(r->op_err, 0);
	CHECK_INT(r->dev[1]->regs[1][4], 9);
	rig_close(r);
}

TEST(a_write_without_answer_is_unknown_and_not_repeated)
{
	struct rig *r = writable("holding 4");
	r->dev[1]->dead = true;
	rig_open(r);
	write_u(r, 9);
	rig_run(r);
	CHECK_INT(r->total_sent, 1);
	CHECK_INT(r->op_err, ERR_TIMEOUT);
	CHECK(strstr(r->op_why, "may or may not") != NULL);
	rig_close(r);
}

TEST(a_refused_write_says_why)
{
	struct rig *r = writable("holding 4");
	r->dev[1]->always = 2;
	rig_open(r);
	write_u(r, 9);
	rig_run(r);
	CHECK_INT(r->op_err, ERR_DENIED);
	CHECK(strstr(r->op_why, "no such register") != NULL);
	rig_close(r);
}

TEST(writes_are_off_unless_the_source_and_the_tag_allow_them)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 2);
	const struct value one = { .type = VALUE_U16, .u = 1 };
	rig_device(r, 1);
	rig_tag(r, 0, "holding 4");
	rig_key(r, 1, MB_KEY_WRITES, 1);
	rig_tag(r, 1, "holding 4")->writable = false;
	rig_tag(r, 1, "input 4");
	rig_open(r);
	CHECK_INT(r->d->write(r->ctx, 0, 0, &one, 1, r->now), ERR_DENIED);
	CHECK_INT(r->d->write(r->ctx, 1, 0, &one, 1, r->now), ERR_DENIED);
	CHECK_INT(r->d->write(r->ctx, 1, 1, &one, 1, r->now), ERR_DENIED);
	CHECK_INT(r->d->write(r->ctx, 1, 9, &one, 1, r->now), ERR_RANGE);
	CHECK_INT(r->total_sent, 0);
	rig_close(r);
}

TEST(a_value_outside_of_the_type_is_not_sent)
{
	struct rig *r = writable("holding 4 int16");
	rig_open(r);
	CHECK_INT(r->d->write(r->ctx, 0, 0, &(struct value){ .type = VALUE_I32, .i = 40000 }, 1, r->now), ERR_RANGE);
	CHECK_INT(r->total_sent, 0);
	rig_close(r);
}

TEST(writes_queue_up_in_order_and_the_queue_has_an_end)
{
	struct rig *r = writable("holding 4");
	rig_open(r);
	for (uint32_t i = 1; i <= MB_WRITES_MAX; i++)
		write_u(r, i);
	CHECK_INT(r->d->write(r->ctx, 0, 0, &(struct value){ .type = VALUE_U16, .u = 1 }, 1, r->now), ERR_BUSY);
	rig_run(r);
	CHECK_INT(r->ops, MB_WRITES_MAX);
	CHECK_INT(r->dev[1]->regs[1][4], MB_WRITES_MAX);
	rig_close(r);
}

TEST(a_read_on_demand_coalesces_and_marks_its_samples)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	const uint32_t tags[] = { 4, 0, 2 };
	rig_device(r, 1);
	for (int i = 0; i < 5; i++) {
		char at[32];
		snprintf(at, sizeof at, "holding %d", 3 * i);
		struct tag *t = rig_tag(r, 0, at);
		t->scan_ns = i < 3 ? 0 : t->scan_ns;	/* the first three only on demand */
		r->dev[1]->regs[1][3 * i] = (uint16_t)i;
	}
	rig_open(r);
	CHECK_INT(r->d->read(r->ctx, 0, tags, 3, 5, r->now), 0);
	CHECK_INT(r->d->read(r->ctx, 0, tags, 3, 6, r->now), ERR_BUSY);
	rig_run(r);
	CHECK_INT(r->ops, 1);
	CHECK_INT(r->op_id, 5);
	CHECK_INT(r->op_err, 0);
	CHECK_INT(r->total_sent, 2);	/* tags 0 and 2 together, tag 4 belongs to a scan class */
	for (uint32_t i = 0; i < 5; i++)
		CHECK_INT(r->seen[0][i].n, i % 2 == 0);
	CHECK_INT(r->seen[0][2].v.u, 2);
	CHECK_INT(r->seen[0][4].flags, SAMPLE_REREAD);
	rig_scan(r, 0);
	CHECK_INT(r->seen[0][0].n, 1);
	CHECK_INT(r->seen[0][3].n, 1);
	rig_close(r);
}

TEST(a_refused_read_on_demand_is_read_tag_by_tag)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	const uint32_t tags[] = { 0, 1, 2, 3 };
	rig_device(r, 1)->bad_first = 2;
	r->dev[1]->bad_last = 2;
	for (int i = 0; i < 4; i++) {
		char at[32];
		snprintf(at, sizeof at, "holding %d", i);
		rig_tag(r, 0, at);
	}
	rig_open(r);
	CHECK_INT(r->d->read(r->ctx, 0, tags, 4, 5, r->now), 0);
	rig_run(r);
	CHECK_INT(r->op_err, ERR_DENIED);
	for (uint32_t i = 0; i < 4; i++) {
		CHECK_INT(r->seen[0][i].n, 1);
		CHECK_INT(r->seen[0][i].status, i == 2 ? (uint32_t)STATUS_BadConfigurationError : STATUS_Good);
	}
	rig_close(r);
}

static const char *
why(struct rig *r, uint32_t tag)
{
	static struct buf b;
	struct json j = { .out = &b };
	buf_reset(&b);
	json_open(&j, '{');
	r->d->why(r->ctx, 0, tag, &j);
	json_close(&j, '}');
	return buf_text(&b);
}

#define CHECK_HAS(text, part) \
	do { \
		if (strstr((text), (part)) == NULL) \
			test_fail(__FILE__, __LINE__, "no %s in %s", part, text); \
	} while (0)

TEST(why_shows_request_reply_cause_and_remedy)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	rig_device(r, 1)->bad_first = 107;
	r->dev[1]->bad_last = 107;
	rig_tag(r, 0, "holding 100");
	rig_tag(r, 0, "holding 107");
	rig_tag(r, 0, "holding 110 float32");
	rig_open(r);
	r->dev[1]->regs[1][110] = 0x7FC0;
	rig_scan(r, 0);
	rig_scan(r, 0);
	const char *t = why(r, 1);
	CHECK_HAS(t, "\"isolated\":true");
	CHECK_HAS(t, "01 03 00 6B 00 01\"");
	CHECK_HAS(t, "read holding 107\"");
	CHECK_HAS(t, "83 02\"");
	CHECK_HAS(t, "exception 2, illegal data address");
	CHECK_HAS(t, "\"exception\":2");
	CHECK_HAS(t, "address-base");
	CHECK_HAS(t, "\"since\":\"2023-11-14T");
	CHECK_HAS(t, "next-try-in-ms");
	CHECK_HAS(why(r, 0), "\"isolated\":false");
	CHECK_HAS(why(r, 2), "7F C0 00 00");
	CHECK_HAS(why(r, 2), "NaN");
	r->dev[1]->dead = true;
	rig_scan(r, 0);
	CHECK_HAS(why(r, 0), "no reply came in time");
	rig_close(r);
}

static const char *
explain(const struct driver *d, bool out, const char *hex)
{
	static struct buf b;
	uint8_t bytes[300];
	buf_reset(&b);
	d->explain(out, bytes, test_hex(hex, bytes, sizeof bytes), &b);
	return buf_text(&b);
}

TEST(why_knows_of_reads_on_demand_too)
{
	struct rig *r = rig_new(&modbus_tcp_driver, 1);
	const uint32_t tag = 0;
	rig_device(r, 1)->bad_first = 107;
	r->dev[1]->bad_last = 107;
	rig_tag(r, 0, "holding 107")->scan_ns = 0;
	rig_open(r);
	CHECK(strstr(why(r, 0), "cause") == NULL);
	CHECK_INT(r->d->read(r->ctx, 0, &tag, 1, 1, r->now), 0);
	rig_run(r);
	const char *t = why(r, 0);
	CHECK_HAS(t, "01 03 00 6B 00 01\"");
	CHECK_HAS(t, "00 00 00 03 01 83 02\"");
	CHECK_HAS(t, "exception 2, illegal data address");
	r->dev[1]->bad_first = 0x1000000;
	CHECK_INT(r->d->read(r->ctx, 0, &tag, 1, 2, r->now), 0);
	rig_run(r);
	CHECK(strstr(why(r, 0), "cause") == NULL);
	rig_close(r);
}

TEST(frames_are_explained_in_one_line)
{
	CHECK_STR(explain(&modbus_tcp_driver, true, "00 07 00 00 00 06 01 03 00 64 00 0A"),
	    "TCP tid=7 unit=1 read holding 100..109");
	CHECK_STR(explain(&modbus_tcp_driver, false, "00 07 00 00 00 05 01 03 02 02 2B"),
	    "TCP tid=7 unit=1 read holding reply: 02 2B");
	CHECK_STR(explain(&modbus_tcp_driver, false, "00 07 00 00 00 03 01 83 02"),
	    "TCP tid=7 unit=1 exception 2, illegal data address, to read holding");
	CHECK_STR(explain(&modbus_rtu_driver, true, "01 03 00 00 00 0A C5 CD"), "RTU unit=1 read holding 0..9");
	CHECK_STR(
	    explain(&modbus_rtu_driver, true, "01 03 00 00 00 0A C5 CC"), "RTU unit=1 (bad CRC) read holding 0..9");
	CHECK_STR(explain(&modbus_tcp_driver, true, "00 07 00 00 00 06 01 05 00 AC FF 00"),
	    "TCP tid=7 unit=1 write coil 172 on");
	CHECK_STR(explain(&modbus_tcp_driver, true, "00 07 00 00 00 06 01 06 00 01 00 03"),
	    "TCP tid=7 unit=1 write register 1 = 3");
	CHECK_STR(explain(&modbus_tcp_driver, false, "48 54 54 50"), "TCP no Modbus header: 48 54 54 50");
	CHECK_STR(
	    explain(&modbus_tcp_driver, false, "00 07 00 00 00 1B 01 2B 0E 01 83 00 00 01 00 07 43 6F 6D 70 61 6E 79"),
	    "TCP tid=7 unit=1 (26 bytes announced, 16 there) encapsulated interface reply device identification "
	    "0=\"Company\"");
	CHECK_STR(explain(&modbus_rtu_driver, true, "01"), "RTU too short: 01");
}

TEST(frames_are_traced_while_asked_for)
{
	struct rig *r = writable("holding 4");
	rig_open(r);
	rig_scan(r, 0);
	CHECK_INT(r->traced, 0);
	r->d->trace(r->ctx, 0, true);
	rig_scan(r, 0);
	CHECK_INT(r->traced, 2);
	rig_close(r);
}

TEST(the_drivers_are_found_by_name)
{
	CHECK(driver_find("modbus-tcp") == &modbus_tcp_driver);
	CHECK(driver_find("modbus-rtu") == &modbus_rtu_driver);
	CHECK(driver_find("modbus-rtu-tcp") == &modbus_rtu_tcp_driver);
	CHECK_INT(key_count(modbus_tcp_driver.info.keys), MB_KEYS_TCP);
	CHECK_INT(key_count(modbus_rtu_driver.info.keys), MB_KEYS_RTU);
	CHECK_INT(key_count(modbus_rtu_tcp_driver.info.keys), MB_KEYS_TUNNEL);
	CHECK_STR(modbus_rtu_driver.info.keys[MB_KEY_BAUD].name, "baud");
}

TEST(the_link_is_what_the_endpoint_says)
{
	struct keyval keys[MB_KEYS_TUNNEL + 4] = { 0 };
	struct link_spec l;
	struct source s = { .endpoint = "plc.line3:1502", .keys = keys };
	CHECK_INT(modbus_tcp_driver.link(&s, &l), 0);
	CHECK_STR(l.host, "plc.line3");
	CHECK_INT(l.port, 1502);
	s.endpoint = "[fe80::1]:502";
	CHECK_INT(modbus_tcp_driver.link(&s, &l), 0);
	CHECK_STR(l.host, "fe80::1");
	s.endpoint = "10.0.0.1";
	CHECK_INT(modbus_tcp_driver.link(&s, &l), 0);
	CHECK_INT(l.port, 502);
	s.endpoint = "/dev/ttyUSB0";
	CHECK_INT(modbus_rtu_driver.link(&s, &l), 0);
	CHECK(l.kind == LINK_SERIAL);
	CHECK_STR(l.device, "/dev/ttyUSB0");
	CHECK_INT(l.baud, 19200);
	CHECK_INT(l.parity, 'E');
}

TEST_MAIN
