/* See tags.h. */
#include "site/tags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/path.h"
#include "site/load_derived.h"

static struct place
cell(const struct tag_input *in, int key)
{
	return in->cells[key].line != 0 ? in->cells[key] : in->place;
}

static bool
room(struct loader *l, struct place at)
{
	if (l->ntags < l->cap)
		return true;
	if (l->ntags >= PLAN_TAGS_MAX) {
		site_error(&l->f, "limit", (struct place){ at.file, 0, 0 }, "more than %u tags", PLAN_TAGS_MAX);
		site_remedy(&l->f, "split the site into several nodes");
		return false;
	}
	size_t cap = l->cap ? l->cap * 2 : 1024;
	struct tag *tags = realloc(l->tags, cap * sizeof *tags);
	if (tags != NULL)
		l->tags = tags;
	struct tag_place *places = realloc(l->places, cap * sizeof *places);
	if (places != NULL)
		l->places = places;
	if (tags == NULL || places == NULL)
		fatal("out_of_memory", "tags=%zu", cap);
	l->cap = cap;
	return true;
}

static bool
path_is_new(struct loader *l, const struct tag_input *in)
{
	const char *fault = path_fault(in->path, in->path_len);
	if (fault != NULL) {
		site_error(&l->f, "path", in->place, "the path \"%.100s\" %s", in->path, fault);
		site_remedy(&l->f,
		    "a path is names joined by '/', the tag's own name last: Packaging/Line 3/Filler/speed");
		return false;
	}
	uintptr_t before = (uintptr_t)map_put(&l->paths, in->path, in->path_len, (void *)(uintptr_t)(l->ntags + 1));
	if (before == 0)
		return true;
	map_put(&l->paths, in->path, in->path_len, (void *)before);
	const struct place *first = &l->tags[before - 1].place;
	site_error(&l->f, "duplicate-path", in->place,
	    "there are two tags with the path \"%.200s\"; the first is at %s:%d", in->path,
	    first->file, first->line);
	site_remedy(&l->f, "rename one of the two, or remove it");
	return false;
}

static bool
find_source(struct loader *l, const struct tag_input *in, struct tag *t)
{
	if (in->source == NULL || *in->source == '\0') {
		site_error(&l->f, "no-source", in->place, "tag \"%.200s\" has no source", in->path);
		site_remedy(&l->f, "name one with `source` at its equipment, or at the tag");
		return false;
	}
	const struct source *s = map_get(&l->rows[SECTION_SOURCES], in->source, strlen(in->source));
	if (s == NULL && in->source_judged)
		return false;
	if (s == NULL) {
		char what[240];
		snprintf(what, sizeof what, "tag \"%.200s\"", in->path);
		ref_find(l, SECTION_SOURCES, in->source, cell(in, TAG_SOURCE), what);
		return false;
	}
	t->source = (uint32_t)(s - l->plan->sources);
	return true;
}

/* The type of the tag: of its address, else the one that is written beside it. */
static uint8_t
check_type(struct loader *l, const struct tag_input *in, uint8_t at_type)
{
	if (!in->v[TAG_TYPE].set)
		return at_type;
	const char *want = tag_keys[TAG_TYPE].choices[in->v[TAG_TYPE].i];
	if (at_type == VALUE_NULL)
		return (uint8_t)value_type_parse(want, strlen(want));
	if (strcmp(want, value_type_name(at_type)) == 0)
		return at_type;
	site_error(&l->f, "type-mismatch", cell(in, TAG_TYPE),
	    "tag \"%.200s\" says type %s, but its address \"%.80s\" yields %s", in->path,
	    want, in->at, value_type_name(at_type));
	site_remedy(&l->f, "correct the type within the address, or remove `type`");
	return at_type;
}

static bool
is_whole(uint8_t type)
{
	return type >= VALUE_BOOL && type <= VALUE_U64;
}

static void
scale(struct loader *l, const struct tag_input *in, struct tag *t, bool known)
{
	const struct keyval *factor = &in->v[TAG_FACTOR], *offset = &in->v[TAG_OFFSET];

	t->factor = factor->set ? factor->f : 1;
	t->offset = offset->set ? offset->f : 0;
	t->scaled = t->factor != 1 || t->offset != 0;
	if (t->factor == 0) {
		site_error(&l->f, "factor", cell(in, TAG_FACTOR),
		    "factor of \"%.200s\" is 0: every value would be the offset", in->path);
		site_remedy(&l->f, "write the factor by which the raw value is multiplied, such as 0.1");
	}
	if (!t->scaled || !known)
		return;
	uint8_t element = t->type & (uint8_t)~VALUE_ARRAY;
	if (t->type == VALUE_NULL) {	/* the driver learns it from the device */
		t->type = VALUE_F64;
		return;
	}
	if (!value_is_number(element) || element == VALUE_BOOL) {
		site_error(&l->f, "scale-type", cell(in, factor->set ? TAG_FACTOR : TAG_OFFSET),
		    "\"%.200s\" is scaled, but its address yields %s", in->path, value_type_name(t->type));
		site_remedy(&l->f,
		    "only numbers can be scaled: remove factor and offset, or correct the type in the address");
		return;
	}
	t->type = (uint8_t)(VALUE_F64 | (t->type & VALUE_ARRAY));
}

static void
set_range(struct loader *l, const struct tag_input *in, struct tag *t, bool known)
{
	const struct keyval *v = &in->v[TAG_RANGE];
	if (!v->set)
		return;
	t->has_range = true;
	t->lo = v->f;
	t->hi = v->g;
	if (t->lo >= t->hi) {
		site_error(&l->f, "range-inverted", cell(in, TAG_RANGE), "range of \"%.200s\" goes from %g to %g",
		    in->path, t->lo, t->hi);
		site_remedy(&l->f, "write the lower value first: [low, high]");
	} else if (known && !value_is_number(t->type & (uint8_t)~VALUE_ARRAY)) {
		site_error(&l->f, "range-type", cell(in, TAG_RANGE),
		    "\"%.200s\" has a range, but its address yields %s", in->path,
		    value_type_name(t->type));
		site_remedy(&l->f, "only numbers have a range: remove it, or correct the type in the address");
	}
}

static void
set_enum(struct loader *l, const struct tag_input *in, struct tag *t, bool known)
{
	char what[240];
	if (!in->v[TAG_ENUM].set)
		return;
	snprintf(what, sizeof what, "tag \"%.200s\"", in->path);
	t->enumeration = ref_find(l, SECTION_ENUMERATIONS, in->v[TAG_ENUM].s, cell(in, TAG_ENUM), what);
	if (known && (t->scaled || !is_whole(t->type))) {
		site_error(&l->f, "enum-type", cell(in, TAG_ENUM), "\"%.200s\" has the enumeration %s, but %s",
		    in->path, in->v[TAG_ENUM].s,
		    t->scaled ? "is scaled" : "is no whole number");
		site_remedy(&l->f, "an enumeration needs a whole number without factor and offset");
	}
}

/* gate believes no value of a type that the plan does not name, so one that nobody knows would be bad for ever. */
static void
must_have_type(struct loader *l, const struct tag_input *in, const struct tag *t)
{
	if (t->type != VALUE_NULL)
		return;
	site_error(&l->f, "no-type", cell(in, TAG_AT),
	    "tag \"%.200s\" has no type, and driver %s cannot tell it from \"%.80s\"",
	    in->path, l->drivers[t->source]->name, in->at);
	site_remedy(&l->f, "add type: float64, or what else its values are (`penstock browse` writes it); of an array "
	    "it stands in the address: [type float64[]]");
}

/* Is the address understood? place gets where it lies. */
static bool
read_address(struct loader *l, const struct tag_input *in, struct tag *t, struct tag_place *place)
{
	char why[400] = "";
	const struct driver_info *d = l->drivers[t->source];
	const struct source *s = &l->plan->sources[t->source];

	*place = (struct tag_place){ 0 };
	if (d == NULL || in->at == NULL)
		return false;
	if (d->parse_at(in->at, s->keys, &place->at, why, sizeof why) != 0) {
		site_error(&l->f, "at-syntax", cell(in, TAG_AT), "address \"%.100s\" of tag \"%.160s\": %s", in->at,
		    in->path, why);
		site_remedy(&l->f, "correct the address; `penstock keys` shows the forms that driver %s reads",
		    d->name);
		return false;
	}
	t->type = check_type(l, in, place->at.type);
	place->known = true;
	if (t->writable && !place->at.writable) {
		site_error(&l->f, "not-writable", cell(in, TAG_WRITABLE),
		    "tag \"%.200s\" is writable, but nothing can be written to \"%.80s\"",
		    in->path, in->at);
		site_remedy(&l->f, "remove `writable`, or use an address that the device lets be written");
	}
	return true;
}

bool
tag_add_made(struct loader *l, const struct tag *t)
{
	struct tag_input in = { .path = t->path, .path_len = strlen(t->path), .place = t->place };

	if (!room(l, t->place) || !path_is_new(l, &in))
		return false;
	l->places[l->ntags] = (struct tag_place){ 0 };
	l->tags[l->ntags++] = *t;
	return true;
}

void
tag_add(struct loader *l, const struct tag_input *in)
{
	struct tag t = {
		.path = in->path, .at = in->at != NULL ? in->at : "", .unit = in->v[TAG_UNIT].set ?
		    in->v[TAG_UNIT].s : "",
		.help = in->help, .scan_ns = in->v[TAG_SCAN].i, .writable = in->v[TAG_WRITABLE].b, .place = in->place,
	};

	if (!room(l, in->place) || !path_is_new(l, in))
		return;
	if (in->v[TAG_EXPR].set) {
		derived_add(l, in, &t);
		l->places[l->ntags] = (struct tag_place){ 0 };
		set_range(l, in, &t, false);
		set_enum(l, in, &t, false);
		l->tags[l->ntags++] = t;
		return;
	}
	if (in->at == NULL && !in->v[TAG_AT].set) {
		site_error(&l->f, "missing-key", in->place, "tag \"%.200s\" lacks its key \"at\"", in->path);
		site_remedy(&l->f, "add at: the address in the source; or expr: an expression over other tags");
	}
	bool sourced = find_source(l, in, &t);
	bool known = sourced && read_address(l, in, &t, &l->places[l->ntags]);
	if (!sourced)
		l->places[l->ntags] = (struct tag_place){ 0 };
	scale(l, in, &t, known);
	if (known)
		must_have_type(l, in, &t);
	known = known && t.type != VALUE_NULL;
	set_range(l, in, &t, known);
	set_enum(l, in, &t, known);
	l->tags[l->ntags++] = t;
}
