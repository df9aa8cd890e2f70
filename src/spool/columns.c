/*
 * The payload of a batch, columns of its n samples one behind the other. varint is LEB128, zigzag is a varint of a
 * folded signed number, and a *run* is a varint of its length (1..n) behind its content; the lengths of a column's runs
 * add up to n.
 *
 *	tags	runs of ascending tag numbers: zigzag (first tag - the one that would have come next), run.
 *		A whole scan of tags 0..n-1 is the three bytes 00 e8 07 for n = 1000.
 *	types	one byte: 0, every value has the type that the schema gives its tag; or 1, then runs: u8 type, run
 *	status	runs: varint status, run
 *	flags	runs: u8 flags, run
 *	times	arrival, then source, then server. One byte each: 0, all are 0; 1, runs: zigzag (time - the one before),
 *		run; 2, a zigzag (time - the one before) each. "Before" the first is the time at which the batch was
 *		sealed.
 *		Differences wrap at 64 bits.
 *	values	for each stretch of samples of one type, in order: fixed-size values in their width, little-endian, one
 *		behind the other (bool: a byte, 0 or 1; null: nothing); for texts, byte strings and arrays first a
 *		varint length
 *		each, then the bytes of each.
 *
 * Array elements are in the order of the host that wrote them (value.h), and so are the values here: the format is
 * little-endian because every host that we build for is, which the assertion below makes sure of.
 */
#include "spool/columns.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as they stand in memory");

enum { TYPES_SCHEMA, TYPES_RUNS };
enum { TIMES_ZERO, TIMES_RUNS, TIMES_EACH };

/* ---- encoding ---- */

static int
put_tags(struct writer *w, const struct sample *v, size_t n, uint32_t ntags)
{
	uint32_t next = 0;

	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && v[k].tag == v[k - 1].tag + 1; k++)
			;
		if (v[i].tag >= ntags || k - i > ntags - v[i].tag)
			return ERR_RANGE;
		wr_zigzag(w, (int64_t)v[i].tag - (int64_t)next);
		wr_varint(w, k - i);
		next = v[k - 1].tag + 1;
	}
	return 0;
}

static int
put_types(struct writer *w, const struct sample *v, size_t n, const uint8_t *types)
{
	size_t same = 0;

	while (same < n && v[same].v.type == types[v[same].tag])
		same++;
	wr_u8(w, same == n ? TYPES_SCHEMA : TYPES_RUNS);
	for (size_t i = 0, k; same < n && i < n; i = k) {
		if (!value_type_valid(v[i].v.type))
			return ERR_RANGE;
		for (k = i + 1; k < n && v[k].v.type == v[i].v.type; k++)
			;
		wr_u8(w, v[i].v.type);
		wr_varint(w, k - i);
	}
	return 0;
}

static void
put_status(struct writer *w, const struct sample *v, size_t n)
{
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && v[k].status == v[i].status; k++)
			;
		wr_varint(w, v[i].status);
		wr_varint(w, k - i);
	}
}

static void
put_flags(struct writer *w, const struct sample *v, size_t n)
{
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && v[k].flags == v[i].flags; k++)
			;
		wr_u8(w, v[i].flags);
		wr_varint(w, k - i);
	}
}

static int64_t
minus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t
plus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* One of the three times, `at` bytes into a sample. */
static int64_t
time_at(const struct sample *v, size_t at)
{
	struct wall t;
	memcpy(&t, (const uint8_t *)v + at, sizeof t);
	return t.ns;
}

static void
put_times(struct writer *w, const struct sample *v, size_t n, size_t at, int64_t base)
{
	size_t runs = 1;

	for (size_t i = 1; i < n; i++)
		runs += time_at(&v[i], at) != time_at(&v[i - 1], at);
	if (runs == 1 && time_at(&v[0], at) == 0) {
		wr_u8(w, TIMES_ZERO);
		return;
	}
	bool each = runs > n / 2;
	wr_u8(w, each ? TIMES_EACH : TIMES_RUNS);
	for (size_t i = 0, k; i < n; i = k) {
		int64_t t = time_at(&v[i], at);
		for (k = i + 1; !each && k < n && time_at(&v[k], at) == t; k++)
			;
		wr_zigzag(w, minus(t, base));
		if (!each)
			wr_varint(w, k - i);
		base = t;
	}
}

static int
put_bytes(struct writer *w, const struct sample *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].v.len > VALUE_BYTES_MAX)
			return ERR_RANGE;
		wr_varint(w, v[i].v.len);
	}
	for (size_t i = 0; i < n; i++)
		wr_bytes(w, v[i].v.p, v[i].v.len);
	return 0;
}

static int
put_stretch(struct writer *w, const struct sample *v, size_t n)
{
	uint8_t type = v->v.type;
	size_t width = value_size(type);

	if (value_has_bytes(type))
		return put_bytes(w, v, n);
	uint8_t *b = wr_space(w, n * width);
	if (b == NULL)
		return 0;	/* the writer keeps the error */
	switch (width) {
#define PUT(size) case size: for (size_t i = 0; i < n; i++) memcpy(b + size * i, &v[i].v.u, size); break;
	PUT(1) PUT(2) PUT(4) PUT(8)
#undef PUT
	default:
		break;		/* null */
	}
	return 0;
}

static int
put_values(struct writer *w, const struct sample *v, size_t n)
{
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && v[k].v.type == v[i].v.type; k++)
			;
		int err = put_stretch(w, v + i, k - i);
		if (err != 0)
			return err;
	}
	return w->err;
}

int
columns_encode(
    struct writer *w, const struct sample *v, size_t n, const uint8_t *types, uint32_t ntags, struct wall base)
{
	int err = put_tags(w, v, n, ntags);
	if (err == 0)
		err = put_types(w, v, n, types);
	if (err != 0)
		return err;
	put_status(w, v, n);
	put_flags(w, v, n);
	put_times(w, v, n, offsetof(struct sample, arrival), base.ns);
	put_times(w, v, n, offsetof(struct sample, source), base.ns);
	put_times(w, v, n, offsetof(struct sample, server), base.ns);
	return put_values(w, v, n);
}

/* ---- decoding: every loop over runs ends because a run is at least 1 and at most what is left ---- */

static size_t
get_run(struct reader *r, size_t left)
{
	uint64_t len = rd_varint(r);
	if (r->err != 0 || len == 0 || len > left) {
		rd_fail(r, ERR_CORRUPT);
		return left;
	}
	return (size_t)len;
}

static void
get_tags(struct reader *r, struct sample *out, size_t n, uint32_t ntags)
{
	int64_t next = 0;

	for (size_t i = 0; i < n && r->err == 0;) {
		int64_t first = rd_zigzag(r);
		size_t run = get_run(r, n - i);
		if (first < -next || first > (int64_t)ntags - next || (int64_t)run > (int64_t)ntags - next - first) {
			rd_fail(r, ERR_CORRUPT);
			return;
		}
		next += first;
		for (size_t k = 0; k < run; k++)
			out[i + k].tag = (uint32_t)next + (uint32_t)k;
		i += run;
		next += (int64_t)run;
	}
}

static void
get_types(struct reader *r, struct sample *out, size_t n, const uint8_t *types)
{
	uint8_t mode = rd_u8(r);

	if (r->err == 0 && mode > TYPES_RUNS)
		rd_fail(r, ERR_CORRUPT);
	if (r->err != 0)
		return;		/* and the tags are not known either */
	for (size_t i = 0; mode == TYPES_SCHEMA && i < n; i++)
		out[i].v.type = types[out[i].tag];
	for (size_t i = 0; mode == TYPES_RUNS && i < n && r->err == 0;) {
		uint8_t type = rd_u8(r);
		size_t run = get_run(r, n - i);
		if (!value_type_valid(type)) {
			rd_fail(r, ERR_CORRUPT);
			return;
		}
		for (size_t k = 0; k < run; k++)
			out[i + k].v.type = type;
		i += run;
	}
}

static void
get_status(struct reader *r, struct sample *out, size_t n)
{
	for (size_t i = 0; i < n && r->err == 0;) {
		uint64_t status = rd_varint(r);
		size_t run = get_run(r, n - i);
		if (status > UINT32_MAX)
			rd_fail(r, ERR_CORRUPT);
		for (size_t k = 0; k < run; k++)
			out[i + k].status = (uint32_t)status;
		i += run;
	}
}

static void
get_flags(struct reader *r, struct sample *out, size_t n)
{
	for (size_t i = 0; i < n && r->err == 0;) {
		uint8_t flags = rd_u8(r);
		size_t run = get_run(r, n - i);
		for (size_t k = 0; k < run; k++)
			out[i + k].flags = flags;
		i += run;
	}
}

static void
set_time(struct sample *out, size_t at, int64_t ns)
{
	memcpy((uint8_t *)out + at, &ns, sizeof ns);
}

static void
get_times(struct reader *r, struct sample *out, size_t n, size_t at, int64_t base)
{
	uint8_t mode = rd_u8(r);
	if (mode > TIMES_EACH)
		rd_fail(r, ERR_CORRUPT);
	for (size_t i = 0; i < n && r->err == 0;) {
		size_t run = mode == TIMES_EACH ? 1 : n - i;
		base = mode == TIMES_ZERO ? 0 : plus(base, rd_zigzag(r));
		if (mode == TIMES_RUNS)
			run = get_run(r, n - i);
		for (size_t k = 0; k < run; k++)
			set_time(&out[i + k], at, base);
		i += run;
	}
}

static void
get_bytes(struct reader *r, struct sample *out, size_t n)
{
	for (size_t i = 0; i < n && r->err == 0; i++) {
		uint64_t len = rd_varint(r);
		size_t size = value_size(out[i].v.type);
		if (len > VALUE_BYTES_MAX || ((out[i].v.type & VALUE_ARRAY) != 0 && len % size != 0))
			rd_fail(r, ERR_CORRUPT);
		out[i].v.len = (uint32_t)len;
	}
	for (size_t i = 0; i < n && r->err == 0; i++)
		out[i].v.p = rd_bytes(r, out[i].v.len);
}

static void
get_stretch(struct reader *r, struct sample *out, size_t n)
{
	uint8_t type = out->v.type;

	if (value_has_bytes(type)) {
		get_bytes(r, out, n);
		return;
	}
	const uint8_t *b = rd_bytes(r, n * value_size(type));
	if (b == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		out[i].v.len = 0;
	switch (type) {
#define GET(tag, ctype, member, wide)									\
	case VALUE_##tag:										\
		for (size_t i = 0; i < n; i++) {							\
			ctype x;									\
			memcpy(&x, b + i * sizeof x, sizeof x);						\
			out[i].v.member = (wide)x;							\
		}											\
		break;
	GET(I8, int8_t, i, int64_t) GET(I16, int16_t, i, int64_t) GET(I32, int32_t, i, int64_t)
	GET(I64, int64_t, i, int64_t) GET(TIME, int64_t, i, int64_t)
	GET(U8, uint8_t, u, uint64_t) GET(U16, uint16_t, u, uint64_t) GET(U32, uint32_t, u, uint64_t)
	GET(U64, uint64_t, u, uint64_t)
	/* As bits: a signalling NaN stays what it is. */
	GET(F32, uint32_t, u, uint64_t) GET(F64, uint64_t, u, uint64_t)
#undef GET
	default:	/* bool and null */
		for (size_t i = 0; i < n; i++)
			out[i].v.u = type == VALUE_BOOL && b[i] != 0;
		break;
	}
}

static void
get_values(struct reader *r, struct sample *out, size_t n)
{
	for (size_t i = 0, k; i < n && r->err == 0; i = k) {
		for (k = i + 1; k < n && out[k].v.type == out[i].v.type; k++)
			;
		get_stretch(r, out + i, k - i);
	}
}

int
columns_decode(
    const uint8_t *p, size_t len, struct sample *out, size_t n, const uint8_t *types, uint32_t ntags, struct wall base)
{
	struct reader r = rd_init(p, len);

	get_tags(&r, out, n, ntags);
	get_types(&r, out, n, types);
	get_status(&r, out, n);
	get_flags(&r, out, n);
	get_times(&r, out, n, offsetof(struct sample, arrival), base.ns);
	get_times(&r, out, n, offsetof(struct sample, source), base.ns);
	get_times(&r, out, n, offsetof(struct sample, server), base.ns);
	get_values(&r, out, n);
	return rd_end(&r) != 0 ? ERR_CORRUPT : 0;
}
