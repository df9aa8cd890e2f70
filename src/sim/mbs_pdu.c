/* See mbs_pdu.h. One function a kind of request, found through the table at the end; start at mbs_answer(). */
#include "sim/mbs_pdu.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

/* Limits of V1.1b3: 6.1/6.2, 6.3/6.4, 6.11, 6.12, 6.17. */
#define READ_BITS_MAX	MBS_BITS_MAX
#define READ_REGS_MAX	125
#define WRITE_BITS_MAX	1968
#define WRITE_REGS_MAX	123
#define RW_WRITE_MAX	121

struct request {
	const struct mbs_unit	*unit;
	struct reader		 in;	/* after the function code */
	struct writer		*out;	/* the function code is written already */
	enum mbs_table		 table;
};

static int
unit_read(const struct request *q, uint16_t addr0, uint16_t n, uint16_t *out)
{
	if (addr0 + n > 65536)
		return MBS_ILLEGAL_ADDRESS;
	return q->unit->read(q->unit->arg, q->table, addr0, n, out);
}

static int
unit_write(const struct request *q, uint16_t addr0, uint16_t n, const uint16_t *values)
{
	if (addr0 + n > 65536 || q->unit->write == NULL)
		return MBS_ILLEGAL_ADDRESS;
	return q->unit->write(q->unit->arg, q->table, addr0, n, values);
}

static void
put_bits(struct writer *w, const uint16_t *v, uint16_t n)
{
	uint8_t *b = wr_space(w, (n + 7u) / 8);
	if (b == NULL)
		return;
	memset(b, 0, (n + 7u) / 8);
	for (uint16_t i = 0; i < n; i++)
		if (v[i] != 0)
			b[i / 8] |= (uint8_t)(1u << i % 8);
}

static void
put_regs(struct writer *w, const uint16_t *v, uint16_t n)
{
	uint8_t *b = wr_space(w, 2u * n);
	for (uint16_t i = 0; b != NULL && i < n; i++) {
		b[2 * i] = (uint8_t)(v[i] >> 8);
		b[2 * i + 1] = (uint8_t)v[i];
	}
}

/* 6.1, 6.2 */
static int
read_bits(struct request *q)
{
	uint16_t v[READ_BITS_MAX];
	uint16_t addr0 = rd_be16(&q->in), n = rd_be16(&q->in);

	if (rd_end(&q->in) != 0 || n < 1 || n > READ_BITS_MAX)
		return MBS_ILLEGAL_VALUE;
	int e = unit_read(q, addr0, n, v);
	if (e == MBS_OK) {
		wr_u8(q->out, (uint8_t)((n + 7) / 8));
		put_bits(q->out, v, n);
	}
	return e;
}

/* 6.3, 6.4 */
static int
read_regs(struct request *q)
{
	uint16_t v[READ_REGS_MAX];
	uint16_t addr0 = rd_be16(&q->in), n = rd_be16(&q->in);

	if (rd_end(&q->in) != 0 || n < 1 || n > READ_REGS_MAX)
		return MBS_ILLEGAL_VALUE;
	int e = unit_read(q, addr0, n, v);
	if (e == MBS_OK) {
		wr_u8(q->out, (uint8_t)(2 * n));
		put_regs(q->out, v, n);
	}
	return e;
}

/* 6.5: on is FF00, off is 0000, nothing else. */
static int
write_coil(struct request *q)
{
	uint16_t addr0 = rd_be16(&q->in), v = rd_be16(&q->in);
	const uint16_t bit = v == 0xFF00;

	if (rd_end(&q->in) != 0 || (v != 0xFF00 && v != 0))
		return MBS_ILLEGAL_VALUE;
	wr_be16(q->out, addr0);
	wr_be16(q->out, v);
	return unit_write(q, addr0, 1, &bit);
}

/* 6.6 */
static int
write_reg(struct request *q)
{
	uint16_t addr0 = rd_be16(&q->in), v = rd_be16(&q->in);

	if (rd_end(&q->in) != 0)
		return MBS_ILLEGAL_VALUE;
	wr_be16(q->out, addr0);
	wr_be16(q->out, v);
	return unit_write(q, addr0, 1, &v);
}

/* 6.11 */
static int
write_coils(struct request *q)
{
	uint16_t v[WRITE_BITS_MAX];
	uint16_t addr0 = rd_be16(&q->in), n = rd_be16(&q->in);
	uint8_t bytes = rd_u8(&q->in);

	if (q->in.err != 0 || n < 1 || n > WRITE_BITS_MAX || bytes != (n + 7) / 8 || rd_left(&q->in) != bytes)
		return MBS_ILLEGAL_VALUE;
	for (uint16_t i = 0; i < n; i++)
		v[i] = q->in.p[i / 8] >> i % 8 & 1;
	wr_be16(q->out, addr0);
	wr_be16(q->out, n);
	return unit_write(q, addr0, n, v);
}

/* The count, byte count and values that end 6.12 and 6.17. */
static int
take_regs(struct reader *in, uint16_t max, uint16_t *n, uint16_t *v)
{
	*n = rd_be16(in);
	uint8_t bytes = rd_u8(in);

	if (in->err != 0 || *n < 1 || *n > max || bytes != 2 * *n)
		return MBS_ILLEGAL_VALUE;
	for (uint16_t i = 0; i < *n; i++)
		v[i] = rd_be16(in);
	return rd_end(in) == 0 ? MBS_OK : MBS_ILLEGAL_VALUE;
}

/* 6.12 */
static int
write_regs(struct request *q)
{
	uint16_t v[WRITE_REGS_MAX], n, addr0 = rd_be16(&q->in);
	int e = take_regs(&q->in, WRITE_REGS_MAX, &n, v);

	if (e != MBS_OK)
		return e;
	wr_be16(q->out, addr0);
	wr_be16(q->out, n);
	return unit_write(q, addr0, n, v);
}

/* 6.16: new = (old AND and) OR (or AND NOT and) */
static int
mask_write(struct request *q)
{
	uint16_t addr0 = rd_be16(&q->in), and_mask = rd_be16(&q->in), or_mask = rd_be16(&q->in), v;

	if (rd_end(&q->in) != 0)
		return MBS_ILLEGAL_VALUE;
	int e = unit_read(q, addr0, 1, &v);
	if (e != MBS_OK)
		return e;
	v = (uint16_t)((v & and_mask) | (or_mask & ~and_mask));
	wr_be16(q->out, addr0);
	wr_be16(q->out, and_mask);
	wr_be16(q->out, or_mask);
	return unit_write(q, addr0, 1, &v);
}

/* 6.17: the write is done before the read. */
static int
read_write_regs(struct request *q)
{
	uint16_t v[READ_REGS_MAX], w[RW_WRITE_MAX], wn;
	uint16_t raddr0 = rd_be16(&q->in), rn = rd_be16(&q->in), waddr0 = rd_be16(&q->in);
	int e = take_regs(&q->in, RW_WRITE_MAX, &wn, w);

	if (e != MBS_OK || rn < 1 || rn > READ_REGS_MAX)
		return MBS_ILLEGAL_VALUE;
	if ((e = unit_read(q, raddr0, rn, v)) != MBS_OK || (e = unit_write(q, waddr0, wn, w)) != MBS_OK ||
	    (e = unit_read(q, raddr0, rn, v)) != MBS_OK)
		return e;
	wr_u8(q->out, (uint8_t)(2 * rn));
	put_regs(q->out, v, rn);
	return MBS_OK;
}

/*
 * 6.21, MEI type 14. Codes 1 and 2 stream the basic (0..2) and regular (0..6) objects; 3, extended, has no more than
 * regular here, so the conformity level is 0x82: regular, by stream and one by one. All fit into one PDU: no
 * MoreFollows.
 */
static int
device_id(struct request *q)
{
	uint8_t mei = rd_u8(&q->in), code = rd_u8(&q->in), object = rd_u8(&q->in);
	const char *const *ids = q->unit->ids;

	if (q->in.err == 0 && (mei != 0x0E || ids == NULL))
		return MBS_ILLEGAL_FUNCTION;
	if (rd_end(&q->in) != 0 || code < 1 || code > 4)
		return MBS_ILLEGAL_VALUE;
	unsigned end = code == 1 ? 3 : MBS_IDS;
	if (object >= end) {
		if (code == 4)
			return MBS_ILLEGAL_ADDRESS;
		object = 0;	/* "the server responds as if object 0 were pointed out" */
	}
	if (code == 4)
		end = object + 1u;
	wr_u8(q->out, mei);
	wr_u8(q->out, code);
	wr_u8(q->out, 0x82);
	wr_u8(q->out, 0);
	wr_u8(q->out, 0);
	wr_u8(q->out, (uint8_t)(end - object));
	for (unsigned i = object; i < end; i++) {
		size_t len = strnlen(ids[i], 32);
		wr_u8(q->out, (uint8_t)i);
		wr_u8(q->out, (uint8_t)len);
		wr_bytes(q->out, ids[i], len);
	}
	return MBS_OK;
}

static const struct row {
	uint8_t		 function;
	enum mbs_table	 table;
	int		(*serve)(struct request *q);
} rows[] = {
	{ 0x03, MBS_HOLDING,	read_regs },	/* the most frequent first */
	{ 0x04, MBS_INPUT,	read_regs },
	{ 0x01, MBS_COIL,	read_bits },
	{ 0x02, MBS_DISCRETE,	read_bits },
	{ 0x05, MBS_COIL,	write_coil },
	{ 0x06, MBS_HOLDING,	write_reg },
	{ 0x0F, MBS_COIL,	write_coils },
	{ 0x10, MBS_HOLDING,	write_regs },
	{ 0x16, MBS_HOLDING,	mask_write },
	{ 0x17, MBS_HOLDING,	read_write_regs },
	{ 0x2B, MBS_HOLDING,	device_id },
};

static const struct row *
row_of(uint8_t function)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].function == function)
			return &rows[i];
	return NULL;
}

size_t
mbs_answer(const struct mbs_unit *u, const uint8_t *req, size_t len, uint8_t *out)
{
	if (len == 0)
		return 0;
	struct writer w = wr_init(out, MBS_PDU_MAX);
	const struct row *row = row_of(req[0]);
	int e = MBS_ILLEGAL_FUNCTION;

	wr_u8(&w, req[0]);
	if (row != NULL) {
		struct request q = { .unit = u, .in = rd_init(req + 1, len - 1), .out = &w, .table = row->table };
		e = row->serve(&q);
		if (e == MBS_OK && w.err != 0)
			e = MBS_DEVICE_FAILURE;
	}
	if (e == MBS_OK)
		return wr_len(&w);
	out[0] = req[0] | 0x80;
	out[1] = (uint8_t)e;
	return 2;
}
