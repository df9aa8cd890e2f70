/* HistoryRead of aggregates, OPC 10000-11 1.05, 6.5.4; what is computed is in aggregate.h. */
#include <stdlib.h>

#include "base/bytes.h"
#include "sink/opcua_server/aggregate.h"
#include "sink/opcua_server/hist.h"

#define CP_MAGIC	0x41474731u	/* "AGG1" */
#define CP_BYTES	12u
#define INTERVALS_MAX	10000000

/* All intervals of a request; k-th from first + k * width. */
struct intervals { int64_t first, end, width; uint64_t n; };

static UA_StatusCode
intervals_of(const UA_ReadProcessedDetails *d, struct intervals *out)
{
	int64_t a = uas_ns(d->startTime), b = uas_ns(d->endTime);

	if (d->startTime <= 0 || d->endTime <= 0 || a == b || a < 0 || b < 0)
		return UA_STATUSCODE_BADINVALIDARGUMENT;
	if (b < a)	/* backwards: not offered */
		return UA_STATUSCODE_BADHISTORYOPERATIONUNSUPPORTED;
	if (!(d->processingInterval >= 0) || d->processingInterval > 1e13 || (d->processingInterval > 0 && d->processingInterval < 0.001))
		return UA_STATUSCODE_BADINVALIDARGUMENT;
	int64_t width = (int64_t)(d->processingInterval * 1e6);
	*out = (struct intervals){ .first = a, .end = b, .width = width == 0 || width > b - a ? b - a : width };
	out->n = (uint64_t)((b - a - 1) / out->width + 1);	/* rounded up; b - a may be all that there is */
	return out->n > INTERVALS_MAX ? UA_STATUSCODE_BADTOOMANYOPERATIONS : UA_STATUSCODE_GOOD;
}

static bool
is_stepped(uint8_t type)
{
	uint8_t t = type & 0x7f;
	return t != VALUE_F32 && t != VALUE_F64;	/* what counts or names does not pass through what lies between */
}

static bool
number_of(const struct hist_point *p, double *out)
{
	switch (p->type) {
	case VALUE_BOOL: *out = p->raw.b; break;
	case VALUE_I8: *out = p->raw.i8; break;
	case VALUE_U8: *out = p->raw.u8; break;
	case VALUE_I16: *out = p->raw.i16; break;
	case VALUE_U16: *out = p->raw.u16; break;
	case VALUE_I32: *out = p->raw.i32; break;
	case VALUE_U32: *out = p->raw.u32; break;
	case VALUE_I64: *out = (double)p->raw.i64; break;
	case VALUE_U64: *out = (double)p->raw.u64; break;
	case VALUE_F32: *out = (double)p->raw.f32; break;
	case VALUE_F64: *out = p->raw.f64; break;
	default: return false;
	}
	return true;
}

static bool
any_good(const struct hist_points *p)
{
	double unused;

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].status >> 30 == 0 && number_of(&p->v[i], &unused))
			return true;
	return false;
}

/* Points back from `from` until a good one is among them, at most a day's or so many. */
static int
lead_in(struct uas_history *h, const struct uas_var *v, int64_t from, struct hist_points *p)
{
	int err = 0;

	for (size_t want = 1; err == 0 && want <= 4096; want *= 8) {
		hist_points_fini(p);
		err = hist_fetch_backward(h, v, 0, from, want, p);
		if (any_good(p) || p->n < want)
			break;
	}
	return err;
}

static int
lead_out(struct uas_history *h, const struct uas_var *v, int64_t to, struct hist_points *p)
{
	int err = 0;

	for (size_t want = 1; err == 0 && want <= 4096; want *= 8) {
		hist_points_fini(p);
		err = hist_fetch_forward(h, v, to, INT64_MAX, want, p);
		if (any_good(p) || p->n < want)
			break;
	}
	return err;
}

/* Everything that the intervals [from, to) rest on, in one run. */
static int
gather(struct uas_history *h, const struct uas_var *v, int64_t from, int64_t to, struct hist_points *all)
{
	struct hist_points parts[3] = { { .max = HIST_POINTS_MAX }, { .max = HIST_POINTS_MAX }, { .max = HIST_POINTS_MAX } };
	int err = hist_fetch(h, v, from, to, &parts[1]);

	if (err == 0)
		err = lead_in(h, v, from, &parts[0]);
	if (err == 0)
		err = lead_out(h, v, to, &parts[2]);
	size_t n = parts[0].n + parts[1].n + parts[2].n;
	all->v = err == 0 ? malloc((n + 1) * sizeof *all->v) : NULL;
	if (err == 0 && all->v == NULL)
		err = ERR_NOMEM;
	for (int i = 0; i < 3; i++) {
		if (err == 0 && parts[i].n > 0) {
			memcpy(all->v + all->n, parts[i].v, parts[i].n * sizeof *all->v);
			all->n += parts[i].n;
			parts[i].n = 0;		/* the values are all's now */
		}
		hist_points_fini(&parts[i]);
	}
	return err;
}

static void
put(const struct aggregate_result *a, const struct hist_points *raw, enum aggregate kind, uint8_t type, UA_DataValue *out)
{
	UA_DataValue_init(out);
	if (a->has_value && (kind == AGGREGATE_START || kind == AGGREGATE_END)) {
		hist_value(&raw->v[a->which], UA_TIMESTAMPSTORETURN_SOURCE, out);
		return;
	}
	out->hasStatus = a->status != 0;
	out->status = a->status;
	out->hasSourceTimestamp = true;
	out->sourceTimestamp = uas_time(a->t);
	if (!a->has_value)
		return;
	/* Types by 5.4.3: Count is an Int32, averages are Double; Minimum, Maximum and Interpolative have the type of the variable. */
	double v = a->v;
	int32_t count = (int32_t)v;
	struct value as = { .type = type & 0x7f };
	union uas_raw r = { 0 };
	uint8_t t = VALUE_NULL;
	if (kind == AGGREGATE_COUNT)
		out->hasValue = UA_Variant_setScalarCopy(&out->value, &count, &UA_TYPES[UA_TYPES_INT32]) == UA_STATUSCODE_GOOD;
	else if (kind == AGGREGATE_AVERAGE || kind == AGGREGATE_TIME_AVERAGE || as.type == VALUE_F64)
		out->hasValue = UA_Variant_setScalarCopy(&out->value, &v, &UA_TYPES[UA_TYPES_DOUBLE]) == UA_STATUSCODE_GOOD;
	else {
		UA_Variant borrowed;
		if (as.type == VALUE_F32)
			as.f32 = (float)v;
		else if (as.type == VALUE_BOOL)
			as.b = v != 0;
		else if (as.type == VALUE_U8 || as.type == VALUE_U16 || as.type == VALUE_U32 || as.type == VALUE_U64)
			as.u = v >= 0 && v < 18446744073709551615.0 ? (uint64_t)v : 0;
		else
			as.i = v > -9223372036854775808.0 && v < 9223372036854775807.0 ? (int64_t)v : 0;
		uas_raw_set(&r, &t, &as);
		uas_raw_variant(&r, t, &borrowed);
		out->hasValue = UA_Variant_copy(&borrowed, &out->value) == UA_STATUSCODE_GOOD;
	}
}

static UA_StatusCode
compute(struct uas_history *h, const struct uas_var *v, const struct intervals *iv, uint64_t k0, uint64_t k1, enum aggregate kind, UA_DataValue *out)
{
	struct hist_points raw = { .max = HIST_POINTS_MAX };
	int64_t from = iv->first + (int64_t)k0 * iv->width, to = k1 == iv->n ? iv->end : iv->first + (int64_t)k1 * iv->width;
	int err = gather(h, v, from, to, &raw);
	struct aggregate_point *p = err == 0 ? calloc(raw.n + 1, sizeof *p) : NULL;
	size_t i0 = 0, i1;

	if (p == NULL) {
		hist_points_fini(&raw);
		return err == ERR_LIMIT ? UA_STATUSCODE_BADTOOMANYOPERATIONS : UA_STATUSCODE_BADOUTOFMEMORY;
	}
	for (size_t i = 0; i < raw.n; i++) {
		p[i] = (struct aggregate_point){ .t = raw.v[i].t, .status = raw.v[i].status };
		p[i].number = number_of(&raw.v[i], &p[i].v);
	}
	while (i0 < raw.n && p[i0].t < from)
		i0++;
	for (uint64_t k = k0; k < k1; k++, i0 = i1) {
		struct aggregate_result a;
		int64_t b = iv->first + (int64_t)k * iv->width, e = k + 1 == iv->n ? iv->end : b + iv->width;
		for (i1 = i0; i1 < raw.n && p[i1].t < e;)
			i1++;
		aggregate(kind, p, raw.n, i0, i1, b, e, is_stepped(v->def->type), e - b < iv->width, &a);
		put(&a, &raw, kind, v->def->type, &out[k - k0]);
	}
	free(p);
	hist_points_fini(&raw);
	return UA_STATUSCODE_GOOD;
}

static bool
cp_get(const UA_ByteString *cp, uint64_t *k)
{
	struct reader r;

	if (cp->length != CP_BYTES)
		return false;
	r = rd_init(cp->data, cp->length);
	uint32_t magic = rd_be32(&r);
	*k = rd_be64(&r);
	return rd_end(&r) == 0 && magic == CP_MAGIC;
}

static UA_StatusCode
cp_put(UA_ByteString *cp, uint64_t k)
{
	struct writer w;

	if (UA_ByteString_allocBuffer(cp, CP_BYTES) != UA_STATUSCODE_GOOD)
		return UA_STATUSCODE_BADOUTOFMEMORY;
	w = wr_init(cp->data, cp->length);
	wr_be32(&w, CP_MAGIC);
	wr_be64(&w, k);
	return UA_STATUSCODE_GOOD;
}

/* Only the defaults are computed (aggregate.h); whoever asks for others must be told. */
static bool
configuration_ok(const UA_AggregateConfiguration *c)
{
	return c->useServerCapabilitiesDefaults ||
	    (c->treatUncertainAsBad && c->percentDataBad == 100 && c->percentDataGood == 100 && !c->useSlopedExtrapolation);
}

UA_StatusCode
hist_read_processed(struct uas_history *h, struct uas_var *v, const UA_ReadProcessedDetails *d, uint32_t aggregate_id, size_t budget,
    const UA_ByteString *cp, UA_HistoryReadResult *result, UA_HistoryData *out)
{
	struct intervals iv;
	uint64_t k0 = 0;
	int kind = aggregate_of(aggregate_id);
	UA_StatusCode err = intervals_of(d, &iv);

	if (kind < 0 || v->def == NULL)
		return UA_STATUSCODE_BADAGGREGATENOTSUPPORTED;
	if (!configuration_ok(&d->aggregateConfiguration))
		return UA_STATUSCODE_BADAGGREGATECONFIGURATIONREJECTED;
	if (!value_is_number(v->def->type) && kind != AGGREGATE_START && kind != AGGREGATE_END)
		return UA_STATUSCODE_BADAGGREGATEINVALIDINPUTS;
	if (err != UA_STATUSCODE_GOOD)
		return err;
	if (cp->length != 0 && (!cp_get(cp, &k0) || k0 >= iv.n))
		return UA_STATUSCODE_BADCONTINUATIONPOINTINVALID;
	size_t most = budget < UAS_HISTORY_VALUES_MAX ? budget : UAS_HISTORY_VALUES_MAX;
	uint64_t n = iv.n - k0 < most ? iv.n - k0 : most;
	UA_DataValue *values = UA_Array_new(n, &UA_TYPES[UA_TYPES_DATAVALUE]);
	if (values == NULL)
		return UA_STATUSCODE_BADOUTOFMEMORY;
	err = compute(h, v, &iv, k0, k0 + n, (enum aggregate)kind, values);
	size_t cap = n;
	while (err == UA_STATUSCODE_BADTOOMANYOPERATIONS && n > 1) {	/* too many points for one page: a shorter one */
		n = (n + 15) / 16;
		err = compute(h, v, &iv, k0, k0 + n, (enum aggregate)kind, values);
	}
	if (err == UA_STATUSCODE_GOOD && k0 + n < iv.n)
		err = cp_put(&result->continuationPoint, k0 + n);
	if (err != UA_STATUSCODE_GOOD) {
		UA_Array_delete(values, cap, &UA_TYPES[UA_TYPES_DATAVALUE]);
		return err;
	}
	out->dataValues = values;
	out->dataValuesSize = n;
	return UA_STATUSCODE_GOOD;
}
