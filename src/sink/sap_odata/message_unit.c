/*
 * Units of quantities. An event says UCUM; SAP wants a code of its own, or an ISO code. Nothing is converted here: the
 * site file does that where it declares the field, and a quantity whose unit does not fit is refused.
 */
#include "sink/sap_odata/message_int.h"

#include <string.h>

#include "model/unit.h"

static const char *
code_of(const struct unit_row *r, enum unit_code which)
{
	const char *s = which == UNIT_ISO ? r->iso : r->sap;
	return *s != '\0' ? s : NULL;
}

/* Same quantity in the same size: "L" and "l", "1" and "{bottles}". */
static bool
same_unit(const char *a, const char *b)
{
	struct unit x, y;
	char why[200];

	if (strcmp(a, b) == 0)
		return true;
	return unit_parse(a, strlen(a), &x, why, sizeof why) == 0 &&
	    unit_parse(b, strlen(b), &y, why, sizeof why) == 0 &&
	    memcmp(x.dim, y.dim, sizeof x.dim) == 0 && x.factor == y.factor && x.offset == y.offset;
}

/* The code that the event gives in a field of its own, beside the quantity `of`; NULL: none. */
static const char *
given(struct build *b, const char *of, enum unit_code *which)
{
	for (uint32_t i = 0; i < b->group->n; i++) {
		const struct field *f = &b->group->v[i];
		if (f->from == FROM_FIELD && f->unit_of != NULL && strcmp(f->unit_of, of) == 0) {
			*which = f->code;
			return event_text(b, event_field(b, f->source));
		}
	}
	return NULL;
}

static int
contradicts(struct build *b, const struct field *f, const char *code, enum unit_code which)
{
	const char *ucum = event_unit(b, f->unit_of);
	const struct unit_row *row = unit_of_code(b->m, code, which);

	if (ucum == NULL || row == NULL || same_unit(ucum, row->ucum))
		return VALUE_THERE;
	return message_fault(b, "unit", f->prop,
	    "the event says the unit \"%.10s\" for \"%.63s\", which is measured in \"%.40s\": one of them is wrong; correct the "
	    "field in the site file, or the event (penstock outbox edit)", code, f->unit_of, ucum);
}

int
field_unit(struct build *b, const struct field *f, const char **out)
{
	enum unit_code which = f->code;
	const char *code = given(b, f->unit_of, &which), *ucum = event_unit(b, f->unit_of);
	const json_t *quantity = event_field(b, f->unit_of);

	*out = NULL;
	if (quantity == NULL || json_is_null(quantity))
		return VALUE_ABSENT;
	if (code != NULL) {
		if (contradicts(b, f, code, which) == VALUE_FAULT)
			return VALUE_FAULT;
		const struct unit_row *row = which == f->code ? NULL : unit_of_code(b->m, code, which);
		*out = which == f->code ? code : row != NULL ? code_of(row, f->code) : NULL;
		return *out != NULL ? VALUE_THERE : VALUE_ABSENT;
	}
	if (ucum == NULL)
		return VALUE_ABSENT;
	const struct unit_row *row = unit_of_ucum(b->m, ucum);
	*out = row != NULL ? code_of(row, f->code) : NULL;
	if (*out != NULL)
		return VALUE_THERE;
	return message_fault(b, "unit", f->prop,
	    "\"%.63s\" is in \"%.40s\", for which no %s is known: give the field a unit that SAP has, or add it to `units` of "
	    "the mapping %.60s", f->unit_of, ucum, f->code == UNIT_ISO ? "ISO code" : "unit of SAP", b->m->m.name);
}

/* The code that the event gives for a property of units goes for all quantities that share it, not only for the one it is named with. */
static int
code_agrees(struct build *b, const struct fields *v, const struct field *f, const char *mine)
{
	for (uint32_t i = 0; i < v->n; i++) {
		const struct field *o = &v->v[i];
		if (o->unit_of == NULL || o->from != FROM_FIELD || strcmp(o->prop, f->unit_prop) != 0 ||
		    strcmp(o->unit_of, f->source) == 0)	/* its own: contradicts() */
			continue;
		const char *code = event_text(b, event_field(b, o->source));
		const struct unit_row *row = code != NULL ? unit_of_code(b->m, code, o->code) : NULL;
		if (row != NULL && !same_unit(mine, row->ucum))
			return message_fault(b, "unit", f->prop,
			    "\"%.63s\" is in \"%.40s\", but would be booked in \"%.10s\", which the event says for %s: declare the "
			    "field in that unit in the site file, which converts", f->source, mine, code, f->unit_prop);
	}
	return VALUE_THERE;
}

int
units_agree(struct build *b, const struct fields *v)
{
	for (uint32_t i = 0; i < v->n; i++) {
		const struct field *f = &v->v[i];
		const char *mine = f->unit_prop != NULL && f->from == FROM_FIELD && event_field(b, f->source) != NULL
		    ? event_unit(b, f->source) : NULL;
		if (mine != NULL && code_agrees(b, v, f, mine) == VALUE_FAULT)
			return VALUE_FAULT;
		for (uint32_t k = 0; mine != NULL && k < i; k++) {
			const struct field *o = &v->v[k];
			if (o->unit_prop == NULL || o->from != FROM_FIELD ||
			    strcmp(o->unit_prop, f->unit_prop) != 0 || event_field(b, o->source) == NULL)
				continue;
			const char *other = event_unit(b, o->source);
			if (other != NULL && !same_unit(mine, other))
				return message_fault(b, "unit", f->prop,
				    "\"%.63s\" is in \"%.40s\" and \"%.63s\" in \"%.40s\", but SAP has one unit for both (%s): "
				    "declare both fields with the same unit in the site file, which converts",
				    f->source, mine, o->source, other, f->unit_prop);
		}
	}
	return VALUE_THERE;
}
