/*
 * How a message is found again, when nobody can say whether it arrived: by the identity that went out with it, or by
 * its natural key. An identity is made of the event's id alone, so it is the same whoever sends the event, and when.
 */
#include "sink/sap_odata/message_int.h"

#include <stdio.h>
#include <string.h>

#include "proto/odata/url.h"

static unsigned
nibble(char c)
{
	return c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f'
	    ? (unsigned)(c - 'a') + 10 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 0;
}

/*
 * Bytes 0..5 and 9..15 of a UUID are all hash (RFC 9562, 5.5: the version is in byte 6, the variant in byte 8): 104
 * bits, of which 80 or 100 become letters, five bits each. Capitals and digits alone, since SAP stores such fields in
 * capitals.
 */
void
identity_text(const char *id, enum identity_form form, char out[40])
{
	static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint8_t bytes[16], hash[13];
	size_t n = 0, count = form == IDENTITY_TEXT20 ? 20 : 16;

	out[0] = '\0';
	if (form == IDENTITY_GUID)
		snprintf(out, 40, "%s", id);
	if (form == IDENTITY_GUID || form == IDENTITY_NONE)
		return;
	for (size_t i = 0; id[i] != '\0' && n < 32; i++)
		if (id[i] != '-') {
			bytes[n / 2] = (uint8_t)(n % 2 == 0 ? nibble(id[i]) << 4 : bytes[n / 2] | nibble(id[i]));
			n++;
		}
	memcpy(hash, bytes, 6);
	memcpy(hash + 6, bytes + 9, 7);
	for (size_t i = 0; i < count; i++) {
		size_t bit = i * 5;
		unsigned two = (unsigned)hash[bit / 8] << 8 | (bit / 8 + 1 < sizeof hash ? hash[bit / 8 + 1] : 0);
		out[i] = letters[two >> (11 - bit % 8) & 31];
	}
	out[count] = '\0';
}

static int
value_of(struct build *b, const char *prop, const struct edm_value *identity, struct edm_value *out)
{
	if (identity != NULL && strcmp(prop, b->m->m.identity_prop) == 0) {
		*out = *identity;
		return VALUE_THERE;
	}
	for (uint32_t i = 0; i < b->m->fields.n; i++)
		if (strcmp(b->m->fields.v[i].prop, prop) == 0)
			return field_value(b, &b->m->fields.v[i], out);
	return VALUE_ABSENT;
}

/* A default that is blank: in a body the property is left out, in a key it stands, as of a batch that belongs to no plant. */
static bool
is_blank(const struct build *b, const char *prop, struct edm_value *out)
{
	for (uint32_t i = 0; i < b->m->fields.n; i++) {
		const struct field *f = &b->m->fields.v[i];
		if (strcmp(f->prop, prop) == 0 && f->type == EDM_STRING && f->def != NULL && f->def[0] == '\0') {
			*out = (struct edm_value){ .type = EDM_STRING, .text = "" };
			return true;
		}
	}
	return false;
}

static int
by_key(struct build *b, const struct edm_value *identity, struct buf *out)
{
	struct odata_key keys[16];
	size_t n = 0;

	for (const char *const *s = b->m->lookup; *s != NULL; s++) {
		if (n == sizeof keys / sizeof keys[0])
			return message_fault(b, "mapping", *s, "a key has at most 16 parts");
		keys[n].name = *s;
		int got = value_of(b, *s, identity, &keys[n].value);
		if (got == VALUE_ABSENT && is_blank(b, *s, &keys[n].value))
			got = VALUE_THERE;
		n++;
		if (got != VALUE_THERE)
			return got == VALUE_FAULT ? got : message_fault(b, "missing", *s,
			    "%s is part of the key, and the event has no value for it", *s);
	}
	buf_puts(out, b->m->m.set);
	if (odata_put_key(out, b->m->m.version, keys, n) == 0)
		return VALUE_THERE;
	return message_fault(b, "mapping", "", "a part of the key has a type that no address can say");
}

static int
by_filter(struct build *b, const struct edm_value *identity, struct buf *out)
{
	struct odata_query q;
	int got = VALUE_THERE;

	buf_puts(out, b->m->m.set);
	odata_query_begin(&q, out, b->m->m.version);
	for (const char *const *s = b->m->lookup; *s != NULL && got != VALUE_FAULT; s++) {
		struct edm_value v;
		got = value_of(b, *s, identity, &v);
		if (got == VALUE_THERE)
			odata_query_where(&q, *s, "eq", &v);
	}
	odata_query(&q, "$top", "3");	/* one is expected; more is to be told */
	int err = odata_query_end(&q);
	if (got == VALUE_FAULT)
		return got;
	return err == 0 ? VALUE_THERE : message_fault(b, "mapping", "",
	    "the lookup has a value that no address can say");
}

int
lookup_path(struct build *b, const struct edm_value *identity, struct message *out)
{
	struct buf path = { .max = 8192 };

	if (b->m->lookup == NULL || b->m->lookup[0] == NULL)
		return VALUE_THERE;
	int got = b->m->lookup_by_key ? by_key(b, identity, &path) : by_filter(b, identity, &path);
	out->lookup = arena_strndup(b->a, buf_text(&path), path.len);
	out->lookup_key = b->m->lookup_by_key;
	if (got != VALUE_FAULT && path.err != 0)
		got = message_fault(b, "too-long", "", "the address of the lookup would be longer than %zu bytes",
		    path.max);
	buf_fini(&path);
	return got;
}
