/*
 * See map.h: an event becomes a request. Rows are filled in, items counted, the body written in the order of the
 * mapping.
 */
#include "sink/sap_odata/message_int.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "proto/odata/url.h"

#define BODY_MAX	(1u << 20)

static int
write_property(struct build *b, struct buf *out, bool *comma, const char *prop, const struct edm_value *v)
{
	if (*comma)
		buf_putc(out, ',');
	*comma = true;
	json_quote(out, prop, strlen(prop));
	buf_putc(out, ':');
	if (edm_put_json(out, b->m->m.version, false, v) == 0)
		return VALUE_THERE;
	return message_fault(b, "mapping", prop,
	    "%s is of type %s, which OData %u does not have: correct the mapping %s", prop, edm_name(v->type),
	    b->m->m.version,
	    b->m->m.name);
}

static int write_items(struct build *b, const struct fields *v, struct buf *out, bool *comma, uint32_t *counted);

/* One entity: its properties, then its items. */
static int
write_entity(struct build *b, const struct fields *v, const struct edm_value *identity, struct buf *out,
    uint32_t *counted)
{
	bool comma = false;

	b->group = v;
	if (units_agree(b, v) == VALUE_FAULT)
		return VALUE_FAULT;
	buf_putc(out, '{');
	if (identity != NULL && write_property(b, out, &comma, b->m->m.identity_prop, identity) == VALUE_FAULT)
		return VALUE_FAULT;
	for (uint32_t i = 0; i < v->n; i++) {
		struct edm_value value;
		if (b->m->m.update && map_is_key(&b->m->m, v->v[i].prop))	/* it stands in the address */
			continue;
		int got = field_value(b, &v->v[i], &value);
		if (got == VALUE_FAULT)
			return VALUE_FAULT;
		if (got == VALUE_THERE && write_property(b, out, &comma, v->v[i].prop, &value) == VALUE_FAULT)
			return VALUE_FAULT;
	}
	if (write_items(b, v, out, &comma, counted) == VALUE_FAULT)
		return VALUE_FAULT;
	buf_putc(out, '}');
	return VALUE_THERE;
}

static bool
is_there(struct build *b, const struct item *it)
{
	/* One that had no usable value is there: its own row then says what is to be done about that. */
	return it->when == NULL || event_field(b, it->when) != NULL;
}

/* All entities of one navigation, which several items may share. `from` is the first of them. */
static int
write_nav(struct build *b, const struct fields *v, uint32_t from, struct buf *out, uint32_t *n)
{
	struct build item = *b;
	const struct odata_nav *nav = b->type != NULL ? odata_nav(b->type, v->items[from].nav) : NULL;

	item.type = nav != NULL ? nav->to : NULL;
	for (uint32_t i = from; i < v->nitems; i++) {
		const struct item *it = &v->items[i];
		if (strcmp(it->nav, v->items[from].nav) != 0)
			continue;
		for (uint32_t k = 1; k <= (it->repeat > 0 ? it->repeat : 1); k++) {
			if (it->repeat > 0)
				item.n = k;
			else
				item.n = b->n;
			if (!is_there(&item, it))
				continue;
			if (*n > 0)
				buf_putc(out, ',');
			snprintf(item.where, sizeof item.where, "%.120s[%u]/", it->nav, ++*n);
			if (write_entity(&item, &it->fields, NULL, out, NULL) == VALUE_FAULT)
				return VALUE_FAULT;
		}
	}
	return VALUE_THERE;
}

static int
write_items(struct build *b, const struct fields *v, struct buf *out, bool *comma, uint32_t *counted)
{
	for (uint32_t i = 0; i < v->nitems; i++) {
		uint32_t n = 0, before = 0;
		struct buf rows = { .max = BODY_MAX };

		while (before < i && strcmp(v->items[before].nav, v->items[i].nav) != 0)
			before++;
		if (before < i)		/* written with its first */
			continue;
		int got = write_nav(b, v, i, &rows, &n);
		if (got != VALUE_FAULT && n > 0) {
			const struct odata_nav *nav = b->type != NULL ? odata_nav(b->type, v->items[i].nav) : NULL;
			bool one = nav != NULL && !nav->many && n == 1;
			buf_printf(out, "%s\"%s\":%s", *comma ? "," : "", v->items[i].nav, one ? "" : "[");
			buf_put(out, buf_text(&rows), rows.len);
			buf_puts(out, one ? "" : "]");
			*comma = true;
			if (counted != NULL && b->m->m.follow_nav != NULL &&
			    strcmp(b->m->m.follow_nav, v->items[i].nav) == 0)
				*counted = n;
		}
		if (rows.err != 0 && out->err == 0)
			out->err = rows.err;
		buf_fini(&rows);
		if (got == VALUE_FAULT)
			return got;
	}
	return VALUE_THERE;
}

/* A function import: POST with its parameters in the query. */
static int
write_call(struct build *b, const struct edm_value *identity, struct buf *out)
{
	const struct fields *v = &b->m->fields;
	bool begun = false;

	b->group = v;
	buf_puts(out, b->m->m.set);
	for (uint32_t i = 0; i <= v->n; i++) {
		const struct field *f = i < v->n ? &v->v[i] : NULL;
		struct edm_value value = { 0 };
		struct buf literal = { 0 };
		if (f == NULL && identity == NULL)
			break;
		int got = f != NULL ? field_value(b, f, &value) : VALUE_THERE;
		if (got == VALUE_FAULT)
			return got;
		if (got == VALUE_ABSENT)
			continue;
		if (odata_put_literal(&literal, b->m->m.version, f != NULL ? &value : identity) != 0)
			got = message_fault(b, "mapping", f != NULL ? f->prop : "",
			    "a parameter has a type that OData %u does not have", b->m->m.version);
		buf_printf(out, "%c%s=", begun ? '&' : '?', f != NULL ? f->prop : b->m->m.identity_prop);
		odata_put_escaped(out, buf_text(&literal), literal.len);
		buf_fini(&literal);
		begun = true;
		if (got == VALUE_FAULT)
			return got;
	}
	return VALUE_THERE;
}

static const struct odata_type *
type_of(const struct mapping *m, const struct odata_meta *meta)
{
	const struct odata_set *s = meta != NULL && !m->call ? odata_set(meta, m->set) : NULL;
	return s != NULL ? s->type : NULL;
}

static int
build(struct build *b, struct message *out)
{
	const struct mapping *m = &b->m->m;
	struct buf body = { .max = BODY_MAX };
	struct edm_value identity = { .type = m->identity == IDENTITY_GUID ? EDM_GUID : EDM_STRING };
	char id[40] = "";

	identity_text(json_string_value(json_object_get(b->event, "id")), m->identity, id);
	identity.text = out->identity = arena_strdup(b->a, id);
	identity.len = strlen(id);
	const struct edm_value *known = m->identity_prop != NULL ? &identity : NULL;
	int got = m->call ? write_call(b, known, &body) : write_entity(b, &b->m->fields, known, &body, &out->items);
	if (got != VALUE_FAULT && body.err != 0)
		got = message_fault(b, "too-long", "", "the message would be longer than %u bytes", BODY_MAX);
	if (got != VALUE_FAULT) {
		out->method = "POST";
		out->path = m->call ? arena_strndup(b->a, buf_text(&body), body.len) : m->set;
		out->body = m->call ? "" : arena_strndup(b->a, buf_text(&body), body.len);
		out->len = m->call ? 0 : body.len;
		unsigned missing = 0;
		out->lane = b->m->lane != NULL ? event_expand(b, b->m->lane, true, &missing) : "";
		out->lane = missing > 0 ? "" : out->lane;
		b->group = &b->m->fields;
		got = lookup_path(b, known, out);
	}
	if (got != VALUE_FAULT && m->update) {
		out->method = "PATCH";
		out->path = out->lookup;
		if (out->len == 2)	/* {} */
			got = message_fault(b, "missing", "", "the event has a value for the key alone, and for nothing that could be written");
	}
	buf_fini(&body);
	return got == VALUE_FAULT ? ERR_RANGE : 0;
}

static const struct message_env no_env = { 0 };

int
message_build(const struct mapping *m, const struct odata_meta *meta, const struct message_env *env,
    const char *event_json, size_t len,
    struct arena *a, struct message *out, struct fault *why)
{
	struct build b = { .m = map_full(m), .env = env != NULL ? env : &no_env, .a = a, .type = type_of(m, meta),
	    .why = why };

	*out = (struct message){ .method = "", .path = "", .body = "", .lane = "", .lookup = "", .identity = "" };
	*why = (struct fault){ 0 };
	if (m->reading != NULL) {
		message_fault(&b, "mapping", "", "the mapping %s reads; it makes no messages", m->name);
		return ERR_RANGE;
	}
	json_t *event = event_open(&b, event_json, len);
	if (event == NULL)
		return ERR_RANGE;
	const char *type = json_string_value(json_object_get(event, "type"));
	int err = ERR_RANGE;
	if (type == NULL || strcmp(type, m->event) != 0)
		message_fault(&b, "event", "",
		    "the event is of type \"%.60s\"; the mapping %s takes \"%s\": choose another mapping for it",
		    type != NULL ? type : "",
		    m->name, m->event);
	else
		err = build(&b, out);
	json_decref(event);
	return err;
}

int
message_lane(const struct mapping *m, const char *event_json, size_t len, char *out, size_t size, struct fault *why)
{
	struct arena a = { 0 };
	struct build b = { .m = map_full(m), .env = &no_env, .a = &a, .why = why };
	unsigned missing = 0;

	*why = (struct fault){ 0 };
	out[0] = '\0';
	json_t *event = event_open(&b, event_json, len);
	const char *lane = event != NULL && b.m->lane != NULL ? event_expand(&b, b.m->lane, true, &missing) : "";
	if (missing == 0)
		snprintf(out, size, "%s", lane);
	json_decref(event);
	arena_fini(&a);
	return event != NULL ? 0 : ERR_RANGE;
}
