/* See modbus_keys.h. */
#include "driver/modbus/modbus_keys.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const orders[] = { "abcd", "cdab", "badc", "dcba", NULL };
static const char *const string_orders[] = { "high-first", "low-first", NULL };
static const char *const not_implemented[] = { "none", "sunspec", NULL };
static const char *const nans[] = { "bad", "pass", NULL };
static const char *const parities[] = { "none", "even", "odd", NULL };

#define MS	(double)NS_PER_MS
#define SECOND	(double)NS_PER_S

#define COMMON(gap_default, unit_help) \
	[MB_KEY_UNIT] = { .name = "unit", .type = KEY_INT, .max = 255, .required = true, .help = unit_help }, \
	[MB_KEY_ADDRESS_BASE] = { .name = "address-base", .type = KEY_INT, .max = 1, .def = "0", .help = \
	    "What the device's manual counts addresses from in forms such as \"holding 100\": 0 or 1. Forms such as " \
	    "40101, %MW100 and 0x64 are not affected." }, \
	[MB_KEY_WORD_ORDER] = { .name = "word-order", .type = KEY_ENUM, .choices = orders, .def = "abcd", .help = \
	    "Order of the bytes of 32-bit and 64-bit values, A the most significant: abcd big-endian, cdab words " \
	    "swapped, badc bytes swapped, dcba little-endian. A tag may say otherwise." }, \
	[MB_KEY_STRING_ORDER] = { .name = "string-order", .type = KEY_ENUM, .choices = string_orders, \
	    .def = "high-first", .help = "Which byte of a register holds the first of its two characters." }, \
	[MB_KEY_NOT_IMPLEMENTED] = { .name = "not-implemented", .type = KEY_ENUM, .choices = not_implemented, \
	    .def = "none", .help = "sunspec: values that SunSpec reserves for 'not implemented' (0x8000, 0xFFFF, " \
	    "NaN and so on) are bad." }, \
	[MB_KEY_NAN] = { .name = "nan", .type = KEY_ENUM, .choices = nans, .def = "bad", .help = \
	    "What to make of NaN and infinities in floats: a bad value, or pass them on." }, \
	[MB_KEY_BLOCK_LIMIT] = { .name = "block-limit", .type = KEY_INT, .min = 1, .max = MB_READ_REGS_MAX, \
	    .def = "125", .help = \
	    "The most registers that one request may read; many devices allow fewer than 125." }, \
	[MB_KEY_BIT_BLOCK_LIMIT] = { .name = "bit-block-limit", .type = KEY_INT, .min = 1, .max = MB_READ_BITS_MAX, \
	    .def = "2000", .help = "The most coils or discrete inputs that one request may read." }, \
	[MB_KEY_GAP_LIMIT] = { .name = "gap-limit", .type = KEY_INT, .max = 124, .def = gap_default, .help = \
	    "How many registers that no tag wants may be read along to save a request (bits: 16 times as many); 0 " \
	    "for none." }, \
	[MB_KEY_IN_FLIGHT] = { .name = "in-flight", .type = KEY_INT, .min = 1, .max = 16, .def = "1", .help = \
	    "Requests that may be under way on the connection at once. Many devices lose or mix up more than 1; " \
	    "serial lines and tunnels always have 1. The smallest of the sources on a connection counts." }, \
	[MB_KEY_REQUEST_GAP] = { .name = "request-gap", .type = KEY_DURATION, .max = 60 * SECOND, .def = "0 ms", \
	    .help = "Pause that the device needs between a reply and the next request." }, \
	[MB_KEY_TIMEOUT] = { .name = "timeout", .type = KEY_DURATION, .min = 10 * MS, .max = 60 * SECOND, \
	    .def = "1 s", .help = "How long a reply may take; the transmission time of a serial line comes on top." }, \
	[MB_KEY_RETRIES] = { .name = "retries", .type = KEY_INT, .max = 5, .def = "1", .help = \
	    "How often a read is repeated after a damaged reply, the exceptions 5, 6, 10 and 11, and, on lines and " \
	    "tunnels, after no reply from a unit that answered before. A write is never repeated." }, \
	[MB_KEY_RETRY_DELAY] = { .name = "retry-delay", .type = KEY_DURATION, .max = 60 * SECOND, .def = "100 ms", \
	    .help = "Pause before a repetition." }, \
	[MB_KEY_ISOLATED_RETRY] = { .name = "isolated-retry", .type = KEY_DURATION, .min = 100 * MS, \
	    .max = 3600 * SECOND, .def = "10 s", .help = "When an address that the device refused is tried again; " \
	    "doubles each time up to 32 times as long." }, \
	[MB_KEY_WRITES] = { .name = "writes", .type = KEY_BOOL, .def = "no", .help = \
	    "Whether admitted requests may write to this device at all." }, \
	[MB_KEY_MASK_WRITE] = { .name = "mask-write", .type = KEY_BOOL, .def = "yes", .help = \
	    "Write a bit or byte of a register with function 22 (mask write)." }, \
	[MB_KEY_READ_MODIFY_WRITE] = { .name = "read-modify-write", .type = KEY_BOOL, .def = "no", .help = \
	    "Where function 22 is off or refused by the device: may a bit or byte be written by reading its register, " \
	    "changing and writing it? That may undo what the machine changes in between." }, \
	[MB_KEY_WRITE_MULTIPLE] = { .name = "write-multiple", .type = KEY_BOOL, .def = "no", .help = \
	    "Write single registers and coils with functions 16 and 15 too, for devices without 6 and 5." }

#define STREAM(rtt) \
	[MB_KEY_CONNECT_TIMEOUT] = { .name = "connect-timeout", .type = KEY_DURATION, .min = 100 * MS, \
	    .max = 60 * SECOND, .def = "3 s", .help = "How long opening the connection may take." }, \
	[MB_KEY_RECONNECT_AFTER] = { .name = "reconnect-after", .type = KEY_INT, .min = 1, .max = 100, .def = "3", \
	    .help = "Timeouts in a row after which the connection is closed and opened again, when nobody on it " \
	    "answers." }, \
	[MB_KEY_ROUND_TRIP] = { .name = "round-trip", .type = KEY_DURATION, .max = 10 * SECOND, .def = rtt, .help = \
	    "What a request and its reply take, for estimating the load of the connection." }

#define UNIT_TCP \
	"Unit id. Behind a gateway the unit's address, 1 to 247; for a device of its own what its manual says, " \
	    "often 1, 255 or 0."
#define UNIT_RTU "Address of the unit on the line, 1 to 247; 0 is broadcast, for writing only."
#define TURNAROUND "Pause after a broadcast, in which the units do their work."

const char *const mb_at_forms[] = {
	"holding 100 float32: table (holding, input, coil, discrete) and register, counted from address-base; a type",
	"40101 float32: 5 or 6 digits, the first is the table, the rest counts from 1 (register 100 on the wire)",
	"%MW100 int16: IEC style, as on the wire; %MW holding, %IW input, %M coil, %I discrete",
	"holding 0x64 uint32: hex, as on the wire", "coil 5, discrete 7: bits, of type bool",
	"holding 100.3: one bit of a register, 0 the least significant", "holding 100 float32[10]: an array",
	"holding 10 string 16 chars, holding 10 string 8 registers: a text",
	"holding 7 bcd32: four decimal digits a register",
	"holding 100 int32 cdab: with its own order of bytes (abcd cdab badc dcba); low-byte, high-byte, low-first, "
	"high-first, sunspec",
	NULL
};

const struct key mb_keys_tcp[] = { COMMON("20", UNIT_TCP), STREAM("2 ms"), [MB_KEYS_TCP] = { .name = NULL } };

const struct key mb_keys_rtu_tcp[] = {
	COMMON("8", UNIT_RTU),
	STREAM("50 ms"),
	[MB_KEY_TUNNEL_TURNAROUND] = { .name = "turnaround",
	    .type = KEY_DURATION,
	    .max = 10 * SECOND,
	    .def = "100 ms",
	    .help = TURNAROUND },
	[MB_KEYS_TUNNEL] = { .name = NULL },
};

const struct key mb_keys_rtu[] = {
	COMMON("8", UNIT_RTU),
	[MB_KEY_BAUD] = { .name = "baud",
	    .type = KEY_INT,
	    .min = 300,
	    .max = 4000000,
	    .unit = "Bd",
	    .def = "19200",
	    .help = "Speed of the line; all units on it share it." },
	[MB_KEY_PARITY] = { .name = "parity",
	    .type = KEY_ENUM,
	    .choices = parities,
	    .def = "even",
	    .help = "Parity of the line." },
	[MB_KEY_STOP_BITS] = { .name = "stop-bits",
	    .type = KEY_INT,
	    .min = 1,
	    .max = 2,
	    .def = "1",
	    .help = "Stop bits of the line." },
	[MB_KEY_RS485] = { .name = "rs485",
	    .type = KEY_BOOL,
	    .def = "no",
	    .help = "Have the kernel switch the RS-485 transmitter; not needed for adapters that do so themselves." },
	[MB_KEY_TURNAROUND] = { .name = "turnaround",
	    .type = KEY_DURATION,
	    .max = 10 * SECOND,
	    .def = "100 ms",
	    .help = TURNAROUND },
	[MB_KEYS_RTU] = { .name = NULL },
};

static int64_t
num(const struct keyval *keys, int i, int64_t unset)
{
	return keys != NULL && keys[i].set ? keys[i].i : unset;
}

static bool
yes(const struct keyval *keys, int i, bool unset)
{
	return keys != NULL && keys[i].set ? keys[i].b : unset;
}

static void
read_stream(enum mb_framing f, const struct keyval *keys, struct mb_conf *c)
{
	c->connect_ns = num(keys, MB_KEY_CONNECT_TIMEOUT, 3 * NS_PER_S);
	c->reconnect_after = (int)num(keys, MB_KEY_RECONNECT_AFTER, 3);
	c->round_trip_ns = num(keys, MB_KEY_ROUND_TRIP, (f == MB_TCP ? 2 : 50) * NS_PER_MS);
	if (f == MB_RTU_TCP)
		c->turnaround_ns = num(keys, MB_KEY_TUNNEL_TURNAROUND, 100 * NS_PER_MS);
}

static void
read_serial(const struct keyval *keys, struct mb_conf *c)
{
	c->baud = (int)num(keys, MB_KEY_BAUD, 19200);
	c->parity = "NEO"[num(keys, MB_KEY_PARITY, 1)];
	c->stop_bits = (int)num(keys, MB_KEY_STOP_BITS, 1);
	c->rs485 = yes(keys, MB_KEY_RS485, false);
	c->turnaround_ns = num(keys, MB_KEY_TURNAROUND, 100 * NS_PER_MS);
}

void
mb_conf_read(enum mb_framing f, const struct keyval *keys, struct mb_conf *c)
{
	*c = (struct mb_conf){
		.unit = (uint8_t)num(keys, MB_KEY_UNIT, 1),
		.rules = {
			.base = (int)num(keys, MB_KEY_ADDRESS_BASE, 0),
			.order = (uint8_t)num(keys, MB_KEY_WORD_ORDER, MB_ABCD),
			.low_first = num(keys, MB_KEY_STRING_ORDER, 0) == 1,
			.sunspec = num(keys, MB_KEY_NOT_IMPLEMENTED, 0) == 1,
			.regs_max = (uint16_t)num(keys, MB_KEY_BLOCK_LIMIT, MB_READ_REGS_MAX),
			.bits_max = (uint16_t)num(keys, MB_KEY_BIT_BLOCK_LIMIT, MB_READ_BITS_MAX),
		},
		.nan_bad = num(keys, MB_KEY_NAN, 0) == 0,
		.gap_limit = (uint16_t)num(keys, MB_KEY_GAP_LIMIT, f == MB_TCP ? 20 : 8),
		.window = (uint8_t)(f == MB_TCP ? num(keys, MB_KEY_IN_FLIGHT, 1) : 1),
		.request_gap_ns = num(keys, MB_KEY_REQUEST_GAP, 0),
		.timeout_ns = num(keys, MB_KEY_TIMEOUT, NS_PER_S),
		.retries = (uint8_t)num(keys, MB_KEY_RETRIES, 1),
		.retry_delay_ns = num(keys, MB_KEY_RETRY_DELAY, 100 * NS_PER_MS),
		.isolated_ns = num(keys, MB_KEY_ISOLATED_RETRY, 10 * NS_PER_S),
		.writes = yes(keys, MB_KEY_WRITES, false),
		.mask_write = yes(keys, MB_KEY_MASK_WRITE, true),
		.read_modify_write = yes(keys, MB_KEY_READ_MODIFY_WRITE, false),
		.write_multiple = yes(keys, MB_KEY_WRITE_MULTIPLE, false),
	};
	if (f == MB_RTU)
		read_serial(keys, c);
	else
		read_stream(f, keys, c);
}

/* "host:port" as the site reader checked and normalised it; a v6 address stands in brackets. */
static int
split_host(const struct source *s, struct link_spec *out)
{
	static char host[256];	/* until the next call: the engine copies it */
	const char *text = s->link != NULL ? s->link : s->endpoint, *colon = strrchr(text, ':'), *end = colon;
	size_t skip = 0;

	if (text[0] == '[') {
		end = strchr(text, ']');
		skip = 1;
		if (end == NULL)
			return ERR_SYNTAX;
		colon = end[1] == ':' ? end + 1 : NULL;
	}
	if (end == NULL)
		end = text + strlen(text);
	int n = snprintf(host, sizeof host, "%.*s", (int)(end - text - (ptrdiff_t)skip), text + skip);
	if (n <= 0 || (size_t)n >= sizeof host)
		return ERR_SYNTAX;
	out->host = host;
	out->port = colon != NULL ? atoi(colon + 1) : 502;
	return out->port > 0 && out->port < 65536 ? 0 : ERR_RANGE;
}

int
mb_link(enum mb_framing f, const struct source *s, struct link_spec *out)
{
	struct mb_conf c;

	mb_conf_read(f, s->keys, &c);
	if (f == MB_RTU) {
		*out = (struct link_spec){ .kind = LINK_SERIAL, .device = s->link != NULL ? s->link : s->endpoint,
		    .baud = c.baud,
		    .data_bits = 8, .stop_bits = c.stop_bits, .parity = c.parity, .rs485 = c.rs485 };
		return 0;
	}
	*out = (struct link_spec){ .kind = LINK_TCP, .connect_timeout_ns = c.connect_ns };
	return split_host(s, out);
}

int
mb_parse_at(enum mb_framing f, const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size)
{
	struct mb_conf c;
	struct mb_addr a;

	mb_conf_read(f, keys, &c);
	int err = mb_addr_parse(at, &c.rules, &a, why, size);
	if (err != 0)
		return err;
	*out = (struct at_info){ .type = mb_addr_type(&a), .writable = a.table == MB_COIL || a.table == MB_HOLDING,
	    .space = a.table,
	    .bit = a.kind == MB_K_REG_BIT };
	if (f != MB_TCP && c.unit == 0 && !out->writable) {
		snprintf(why, size,
		    "unit 0 is broadcast, which is for writing only, and a %s cannot be written: give the unit's own "
		    "address",
		    mb_table_name(a.table));
		return ERR_TYPE;
	}
	/* Bits count as they are, registers in bytes, so that the two halves of a register do not meet. */
	out->first = a.reg0;
	out->last = (uint64_t)a.reg0 + a.span - 1;
	if (!mb_table_bits(a.table)) {
		bool half = (a.kind == MB_K_U8 || a.kind == MB_K_I8) && a.count == 0;
		out->first = 2ull * a.reg0 + (half && !a.high_byte ? 1 : 0);
		out->last = half ? out->first : 2ull * a.reg0 + 2ull * a.span - 1;
	}
	return 0;
}

int
mb_can_write(const struct keyval *keys, char *why, size_t size)
{
	if (yes(keys, MB_KEY_WRITES, false))
		return 0;
	snprintf(why, size, "set `writes: yes` at the source: a Modbus device has no user names, so this key says that it may be written");
	return ERR_DENIED;
}
