/* When all that was to be read is read: which types can be used, and what their fields are. See types_int.h. */
#include "driver/opcua/types_int.h"

/* Does a field of it have a type that cannot be had? An abstract structure is no trouble: it stands as ExtensionObject. */
static bool
broken(const struct types_entry *e)
{
	for (uint32_t i = 0; i < e->type.nfields; i++)
		if (e->fields[i] != NULL && e->fields[i]->state == ENTRY_FAILED && !e->fields[i]->abstract)
			return true;
	return false;
}

static void
link_fields(struct types_entry *e)
{
	for (uint32_t i = 0; i < e->type.nfields; i++) {
		struct ua_type_field *f = &e->type.fields[i];
		const struct types_entry *of = e->fields[i];
		if (of == NULL)
			continue;
		if (of->abstract && (of->structure || of->state == ENTRY_FAILED)) {
			/* OPC 10000-6, 5.2.6: of an abstract type always the subtype's ExtensionObject */
			f->builtin = UA_B_EXTENSION;
			f->type = NULL;
			continue;
		}
		f->builtin = of->builtin;
		f->type = of->structure || of->type.nnames > 0 ? &of->type : NULL;
	}
}

/* An encoding is known by its type's entry, if that came first or was another's field. */
static void
share(struct ua_types *t, struct types_entry *e)
{
	uint8_t key[UA_ID_KEY];
	struct ua_id x = types_id(&e->encoding);
	size_t len = UA_NodeId_isNull(&e->encoding) ? 0 : ua_id_key(&x, key);

	if (len > 0 && e->structure && map_get(&t->by_encoding, (const char *)key, len) == NULL)
		map_put(&t->by_encoding, arena_strndup(&t->memory, (const char *)key, len), len, e);
}

void
types_settle(struct ua_types *t)
{
	bool changed = true;

	if (t->waiting > 0)
		return;
	/* Ends: each round fails an entry more, or is the last. */
	while (changed) {
		changed = false;
		for (struct types_entry *e = t->entries; e != NULL; e = e->all)
			if (e->state == ENTRY_READ && broken(e)) {
				types_failed(t, e);
				changed = true;
			}
	}
	for (struct types_entry *e = t->entries; e != NULL; e = e->all)
		if (e->state == ENTRY_READ) {
			e->state = ENTRY_READY;
			link_fields(e);
			share(t, e);
		}
}
