/* See modbus_pdu.h. */
#include "driver/modbus/modbus_pdu.h"

static const struct { const char *name; uint8_t read_fc; } tables[] = {
	[MB_COIL]     = { "coil",     MB_FC_READ_COILS },
	[MB_DISCRETE] = { "discrete", MB_FC_READ_DISCRETE },
	[MB_INPUT]    = { "input",    MB_FC_READ_INPUT },
	[MB_HOLDING]  = { "holding",  MB_FC_READ_HOLDING },
};
_Static_assert(sizeof tables / sizeof tables[0] == MB_TABLES, "a row a table");

static const struct { uint8_t fc; const char *name; } functions[] = {
	{ 1, "read coils" }, { 2, "read discrete inputs" }, { 3, "read holding" }, { 4, "read input" },
	{ 5, "write coil" }, { 6, "write register" }, { 7, "read exception status" }, { 8, "diagnostics" },
	{ 11, "event counter" }, { 12, "event log" }, { 15, "write coils" }, { 16, "write registers" },
	{ 17, "report server id" }, { 20, "read file record" }, { 21, "write file record" }, { 22, "mask write" },
	{ 23, "read/write registers" }, { 24, "read FIFO" }, { 43, "encapsulated interface" },
};

static const struct { uint8_t code; const char *name, *remedy; } exceptions[] = {
	{ MB_EX_FUNCTION, "illegal function",
	    "the device does not offer this table or function: check the table (holding or input) in its manual" },
	{ MB_EX_ADDRESS, "illegal data address",
	    "the device has nothing at this address: check it, and address-base (0 or 1), against its manual" },
	{ MB_EX_VALUE, "illegal data value",
	    "the device refuses the count or the value: lower block-limit, or check the type against its manual" },
	{ MB_EX_DEVICE, "device failure", "the device reports an internal fault: look at the device itself" },
	{ MB_EX_ACK, "acknowledge, long job", "the device is still working on it: ask less often" },
	{ MB_EX_BUSY, "device busy", "the device has no time for this: lengthen the scan or set request-gap" },
	{ MB_EX_NAK, "negative acknowledge", "the device cannot carry this out in its present state" },
	{ MB_EX_PARITY, "memory parity error", "the device reports damaged memory: look at the device itself" },
	{ MB_EX_PATH, "gateway path unavailable",
	    "the gateway has no free or valid port to this unit: check its set-up" },
	{ MB_EX_TARGET, "gateway target no answer",
	    "the gateway got no answer: check the unit id, and the device's power and wiring" },
};

uint8_t
mb_read_fc(enum mb_table t)
{
	return tables[t].read_fc;
}

const char *
mb_table_name(enum mb_table t)
{
	return tables[t].name;
}

const char *
mb_fc_name(uint8_t fc)
{
	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
		if (functions[i].fc == fc)
			return functions[i].name;
	return "function";
}

const char *
mb_exception_name(uint8_t code)
{
	for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
		if (exceptions[i].code == code)
			return exceptions[i].name;
	return "exception";
}

const char *
mb_exception_remedy(uint8_t code)
{
	for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
		if (exceptions[i].code == code)
			return exceptions[i].remedy;
	return "the code is the maker's own: see the device's manual";
}

void
mb_put_read(struct writer *w, uint8_t fc, uint16_t reg0, uint16_t n)
{
	wr_u8(w, fc);
	wr_be16(w, reg0);
	wr_be16(w, n);
}

void
mb_put_write_coil(struct writer *w, uint16_t reg0, bool on)
{
	wr_u8(w, MB_FC_WRITE_COIL);
	wr_be16(w, reg0);
	wr_be16(w, on ? 0xFF00 : 0x0000);
}

void
mb_put_write_reg(struct writer *w, uint16_t reg0, uint16_t v)
{
	wr_u8(w, MB_FC_WRITE_REG);
	wr_be16(w, reg0);
	wr_be16(w, v);
}

void
mb_put_write_coils(struct writer *w, uint16_t reg0, uint16_t n, const uint8_t *bits)
{
	size_t bytes = ((size_t)n + 7) / 8;

	wr_u8(w, MB_FC_WRITE_COILS);
	wr_be16(w, reg0);
	wr_be16(w, n);
	wr_u8(w, (uint8_t)bytes);
	wr_bytes(w, bits, bytes);
}

void
mb_put_write_regs(struct writer *w, uint16_t reg0, uint16_t n, const uint8_t *regs)
{
	wr_u8(w, MB_FC_WRITE_REGS);
	wr_be16(w, reg0);
	wr_be16(w, n);
	wr_u8(w, (uint8_t)(2 * n));
	wr_bytes(w, regs, 2 * (size_t)n);
}

void
mb_put_mask_write(struct writer *w, uint16_t reg0, uint16_t and_mask, uint16_t or_mask)
{
	wr_u8(w, MB_FC_MASK_WRITE);
	wr_be16(w, reg0);
	wr_be16(w, and_mask);
	wr_be16(w, or_mask);
}

void
mb_put_read_write(struct writer *w, uint16_t read0, uint16_t nread, uint16_t write0, uint16_t nwrite, const uint8_t
    *regs)
{
	wr_u8(w, MB_FC_READ_WRITE);
	wr_be16(w, read0);
	wr_be16(w, nread);
	wr_be16(w, write0);
	wr_be16(w, nwrite);
	wr_u8(w, (uint8_t)(2 * nwrite));
	wr_bytes(w, regs, 2 * (size_t)nwrite);
}

void
mb_put_device_id(struct writer *w, uint8_t code, uint8_t object)
{
	wr_u8(w, MB_FC_MEI);
	wr_u8(w, MB_MEI_DEVICE_ID);
	wr_u8(w, code);
	wr_u8(w, object);
}

static unsigned
req_u16(const uint8_t *req, size_t at)
{
	return (unsigned)req[at] << 8 | req[at + 1];
}

/* Byte count, then that many bytes, which must be what the request asked for. */
static void
parse_read(struct reader *r, unsigned want, struct mb_reply *out)
{
	if (rd_u8(r) != want || rd_left(r) != want)
		rd_fail(r, ERR_PROTO);
	out->data = rd_bytes(r, want);
	out->len = (uint16_t)want;
}

/* The reply repeats the first len bytes of the request, function code included. */
static void
parse_echo(const uint8_t *req, size_t len, struct reader *r)
{
	const uint8_t *b = rd_bytes(r, len - 1);
	if (b != NULL && memcmp(b, req + 1, len - 1) != 0)
		rd_fail(r, ERR_PROTO);
}

/* How a normal reply is checked: rows by function, with the least length of the request's head that the check needs. */
static void
parse_normal(const uint8_t *req, size_t req_len, struct reader *r, struct mb_reply *out)
{
	if (req_len < (req[0] == MB_FC_MEI ? 2u : 5u)) {
		rd_fail(r, ERR_PROTO);
		return;
	}
	switch (req[0]) {
	case MB_FC_READ_COILS: case MB_FC_READ_DISCRETE:
		parse_read(r, (req_u16(req, 3) + 7) / 8, out);
		break;
	case MB_FC_READ_HOLDING: case MB_FC_READ_INPUT: case MB_FC_READ_WRITE:
		parse_read(r, 2 * req_u16(req, 3), out);
		break;
	case MB_FC_WRITE_COIL: case MB_FC_WRITE_REG: case MB_FC_WRITE_COILS: case MB_FC_WRITE_REGS:
		parse_echo(req, 5, r);
		break;
	case MB_FC_MASK_WRITE:
		parse_echo(req, req_len < 7 ? 5 : 7, r);
		break;
	case MB_FC_MEI:
		if (rd_u8(r) != req[1])
			rd_fail(r, ERR_PROTO);
		out->len = (uint16_t)rd_left(r);
		out->data = rd_bytes(r, out->len);
		break;
	default:
		rd_fail(r, ERR_PROTO);
	}
}

int
mb_parse_reply(const uint8_t *req, size_t req_len, struct reader *r, struct mb_reply *out)
{
	*out = (struct mb_reply){ .fc = req[0] };
	uint8_t fc = rd_u8(r);

	if (fc == (req[0] | MB_EXCEPTION_BIT)) {
		out->exception = rd_u8(r);
		if (out->exception == 0)
			rd_fail(r, ERR_PROTO);
	} else if (fc == req[0])
		parse_normal(req, req_len, r, out);
	else
		rd_fail(r, ERR_PROTO);
	return rd_end(r);
}

int
mb_parse_device_id(struct reader *r, struct mb_device_id *out)
{
	out->code = rd_u8(r);
	out->conformity = rd_u8(r);
	out->more = rd_u8(r) != 0;
	out->next = rd_u8(r);
	out->count = rd_u8(r);
	return r->err;
}

int
mb_parse_device_object(struct reader *r, uint8_t *id, const char **text, uint8_t *len)
{
	*id = rd_u8(r);
	*len = rd_u8(r);
	*text = (const char *)rd_bytes(r, *len);
	return r->err;
}
