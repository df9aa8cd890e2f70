/*
 * On change: a sample passes when its value differs from the last one that passed by more than the deadband, when its
 * status differs, after a clock step, and when "at least every" would otherwise be missed.
 *
 * The deadband compares as OPC 10000-4, 7.22.2 does: |new - last passed| > deadband; exactly the deadband is no
 * change. "Of value" takes the fraction of the last passed value's magnitude, "of range" of hi - lo; without a range
 * any change passes. Texts, byte strings, arrays and times have no deadband: any change passes. Bytes are compared by
 * a 64-bit hash and their length, so that nothing has to be kept for them.
 */
#include "base/map.h"
#include "gate/reduce_kinds.h"

void
sent_note(struct sent *s, const struct sample *x)
{
	bool bytes = value_has_bytes(x->v.type);
	s->bits = bytes ? hash64(x->v.p, x->v.len) : value_bits(&x->v);
	s->len = bytes ? x->v.len : 0;
	s->type = x->v.type;
	s->status = x->status;
	s->arrival = x->arrival.ns;
	s->known = true;
}

bool
sent_differs(const struct sent *s, const struct value *v, enum change_kind kind, double deadband,
    const struct reduce_point *p)
{
	double was, is;

	if (v->type != s->type)
		return true;
	if (value_has_bytes(v->type))
		return v->len != s->len || hash64(v->p, v->len) != s->bits;
	if (value_bits(v) == s->bits)
		return false;
	struct value before = bits_value(s->type, s->bits);
	if (kind == CHANGE_ANY || !value_as_f64(v, &is) || !value_as_f64(&before, &was) || isnan(is) || isnan(was))
		return !value_equal(&before, v);
	double d = fabs(is - was);
	switch (kind) {
	case CHANGE_ABSOLUTE:	return d > deadband;
	case CHANGE_OF_VALUE:	return d > deadband * fabs(was);
	case CHANGE_OF_RANGE:	return p->has_range ? d > deadband * (p->hi - p->lo) : d > 0;
	default:		return d > 0;
	}
}

/*
 * At least every: true when this sample is due, or when the next one, if it takes as long as this one did, would come
 * too late. It counts by arrival, so that a device whose clock stands still is heard of nevertheless.
 */
bool
sent_overdue(const struct reduce *r, uint32_t i, const struct sent *s, const struct sample *x)
{
	if (r->how.at_least_every_ns == 0)
		return false;
	int64_t since = x->arrival.ns - s->arrival, every = r->how.at_least_every_ns;
	return since >= every || (since > 0 && since + r->seen[i].period > every);
}

void
change_take(struct reduce *r, uint32_t i, struct sample *x, enum reduce_mode mode, struct out *o)
{
	struct sent *s = &r->sent[i];
	bool goes = !s->known || x->status != s->status || (x->flags & SAMPLE_CLOCK_STEP) != 0;

	if (mode == REDUCE_QUIET)
		return;
	if (!goes && !status_is_bad(x->status))
		goes = sent_differs(s, &x->v, r->how.change, r->how.deadband, &r->points[i]);
	if (is_late(x)) {
		if (goes)
			pass(r, x, o);
		return;
	}
	if (!goes && !sent_overdue(r, i, s, x))
		return;
	sent_note(s, x);
	pass(r, x, o);
}
