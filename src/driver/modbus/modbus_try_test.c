/* Trying a device: units on a bus, readable ranges, identification. */
#include "driver/modbus/modbus_ident.h"
#include "driver/modbus/modbus_rig.h"
#include "driver/modbus/modbus_try.h"

/* A rig whose driver is the trial of another; rig_reply() tells the framing by that other. */
static struct rig *
trial(const struct driver *of, const struct driver *(*make)(const struct driver *))
{
	struct rig *r = rig_new(of, 1);
	r->d = make(of);
	return r;
}

/* Ask all questions; the devices answer as those of `of` would. */
static void
ask_all(struct rig *r, const struct driver *of)
{
	uint32_t tags[RIG_TAGS];
	uint8_t reply[MB_ADU_MAX + 8];

	rig_open(r);
	for (uint32_t i = 0; i < r->src[0].ntags; i++)
		tags[i] = i;
	CHECK_INT(r->d->read(r->ctx, 0, tags, r->src[0].ntags, 7, r->now), 0);
	for (int guard = 0; r->ops == 0; guard++) {
		CHECK(guard < 20000);
		if (r->nsent == 0) {
			rig_pass(r, mono_diff(r->d->next(r->ctx), r->now));
			continue;
		}
		struct frame f = rig_take(r);
		const struct driver *mine = r->d;
		r->d = of;
		size_t len = rig_reply(r, &f, reply);
		r->d = mine;
		rig_pass(r, NS_PER_MS);
		if (len > 0)
			rig_input(r, reply, len);
	}
	CHECK_INT(r->op_id, 7);
}

static const char *
text(struct rig *r, uint32_t tag)
{
	static char out[2200];
	const struct seen *s = &r->seen[0][tag];
	if (s->v.type != VALUE_TEXT)
		return status_name(s->status);
	snprintf(out, sizeof out, "%.*s", (int)s->v.len, (const char *)s->v.p);
	return out;
}

TEST(units_on_a_bus_are_found)
{
	struct rig *r = trial(&modbus_rtu_driver, modbus_try);
	rig_device(r, 3);
	rig_device(r, 7)->always = 2;
	for (int u = 1; u < 9; u++) {
		char at[32];
		snprintf(at, sizeof at, "unit %d", u);
		rig_tag(r, 0, at);
	}
	ask_all(r, &modbus_rtu_driver);
	for (uint32_t i = 0; i < 8; i++) {
		CHECK_INT(r->seen[0][i].n, 1);
		CHECK_STR(text(r, i), i == 2   ? "data"
				      : i == 6 ? "exception 2, illegal data address"
					       : "BadNoCommunication");
	}
	rig_close(r);
}

TEST(readable_ranges_are_found_to_the_register)
{
	struct rig *r = trial(&modbus_tcp_driver, modbus_try);
	struct device *d = rig_device(r, 1);
	d->bad_first = 100;
	d->bad_last = 199;
	d->bad2 = 333;
	d->no_fc = 4;
	d->regs_max = 60;
	rig_tag(r, 0, "ranges holding 0 399");
	rig_tag(r, 0, "ranges input 0 399");
	rig_tag(r, 0, "ranges coil 5 12");
	ask_all(r, &modbus_tcp_driver);
	CHECK_STR(text(r, 0), "0..99, 200..332, 334..399");
	CHECK_STR(text(r, 1), "BadNotSupported");
	CHECK_STR(text(r, 2), "5..12");
	rig_close(r);
}

TEST(what_the_requests_did_not_suffice_for_is_named)
{
	struct rig *r = trial(&modbus_tcp_driver, modbus_try);
	struct device *d = rig_device(r, 1);
	d->bad_first = 0;
	d->bad_last = 65535;
	rig_tag(r, 0, "ranges holding 0 9999");
	ask_all(r, &modbus_tcp_driver);
	CHECK_INT(d->requests, MODBUS_TRY_REQUESTS);
	CHECK(strncmp(text(r, 0), "; not tried: ", 13) == 0);
	rig_close(r);
}

TEST(a_device_that_falls_silent_ends_the_question)
{
	struct rig *r = trial(&modbus_tcp_driver, modbus_try);
	rig_tag(r, 0, "ranges holding 0 9999");
	ask_all(r, &modbus_tcp_driver);
	CHECK_STR(text(r, 0), "BadNoCommunication");
	CHECK_INT(r->total_sent, 2);
	rig_close(r);
}

TEST(a_question_that_is_none_is_refused)
{
	struct at_info info;
	char why[100];
	const struct driver *d = modbus_try(&modbus_tcp_driver);
	CHECK_INT(d->info.parse_at("unit 300", NULL, &info, why, sizeof why), ERR_SYNTAX);
	CHECK_INT(d->info.parse_at("ranges banana 0 1", NULL, &info, why, sizeof why), ERR_SYNTAX);
	CHECK_INT(d->info.parse_at("ranges holding 9 1", NULL, &info, why, sizeof why), ERR_SYNTAX);
	CHECK(strstr(why, "ranges holding 0 999") != NULL);
}

TEST(identification_follows_more_and_falls_back_to_basic)
{
	struct rig *r = trial(&modbus_tcp_driver, modbus_ident);
	uint8_t reply[64];
	const uint32_t tags[] = { 0, 1, 2 };
	for (uint32_t i = 0; i < 3; i++)
		rig_tag(r, 0, modbus_ident_names[i]);
	rig_open(r);
	CHECK_INT(r->d->read(r->ctx, 0, tags, 3, 7, r->now), 0);
	static const struct { const char *ask, *answer; } talk[] = {
		{ "2B 0E 02 00", "AB 03" },
		{ "2B 0E 01 00", "2B 0E 01 01 FF 02 02 00 03 41 42 43 01 02 44 45" },
		{ "2B 0E 01 02", "2B 0E 01 01 00 00 01 02 04 56 31 2E 30" },
	};
	for (size_t i = 0; i < 3; i++) {
		uint8_t want[16];
		struct frame f = rig_take(r);
		CHECK_BYTES(f.p + 7, want, test_hex(talk[i].ask, want, sizeof want));
		memcpy(reply, f.p, 7);
		size_t n = test_hex(talk[i].answer, reply + 7, sizeof reply - 7);
		reply[5] = (uint8_t)(n + 1);
		rig_input(r, reply, 7 + n);
	}
	CHECK_INT(r->ops, 1);
	CHECK_INT(r->op_err, 0);
	CHECK_STR(text(r, 0), "ABC");
	CHECK_STR(text(r, 1), "DE");
	CHECK_STR(text(r, 2), "V1.0");
	rig_close(r);
}

TEST_MAIN
