/*
 * Times: an event has instants in UTC, SAP has days and clocks of the plant. The plant's wall decides, never the UTC
 * day.
 */
#include "sink/sap_odata/message_int.h"

#include "base/err.h"

int
field_time(struct build *b, const struct field *f, const char *text, struct edm_value *out)
{
	struct wall t;

	if (wall_parse(text, &t) != 0)
		return message_fault(b, "time", f->prop,
		    "the field \"%.63s\" is \"%.40s\", which is no time such as 2026-11-22T22:40:12Z, and %s (%s) takes one",
		    f->source, text, f->prop, edm_name(f->type));
	int64_t local = local_seconds(t, b->env->zones, b->env->nzones), day = local / 86400 - (local % 86400 < 0);
	int64_t utc = t.ns / NS_PER_S - (t.ns % NS_PER_S < 0);
	bool instant = f->part == PART_INSTANT || f->type == EDM_DATETIMEOFFSET;

	out->type = f->type;
	if (f->type == EDM_DATE)
		out->i = instant ? utc / 86400 - (utc % 86400 < 0) : day;
	else if (f->type == EDM_TIME || f->type == EDM_TIMEOFDAY || f->type == EDM_DURATION)
		out->i = local - day * 86400;
	else if (f->type == EDM_DATETIMEOFFSET || instant) {
		out->i = utc;
		out->ns = (int32_t)(t.ns - utc * NS_PER_S);
	} else
		out->i = f->part == PART_CLOCK ? local : day * 86400;
	return VALUE_THERE;
}
