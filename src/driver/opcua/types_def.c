/* Definitions of data types as ours: of a server's DataTypeDefinition attribute (OPC 10000-3 1.05, 8.48 to 8.51), or of the library's own types. */
#include "driver/opcua/types_int.h"

/* With as many fields as there may be, what names take stays bounded. A character is cut as a whole. */
static const char *
text(struct ua_types *t, const UA_String *s)
{
	size_t len = s->length;

	if (len > UA_TYPES_TEXT_MAX)
		for (len = UA_TYPES_TEXT_MAX; len > UA_TYPES_TEXT_MAX - 4 && (s->data[len] & 0xc0) == 0x80; len--)
			;
	return arena_strndup(&t->memory, (const char *)s->data, len);
}

static bool
room(struct ua_types *t, struct types_entry *e, size_t n, size_t max)
{
	if (n > max || n > UA_TYPES_FIELDS_MAX - t->fields)
		return false;
	t->fields += (uint32_t)n;
	e->type.fields = arena_array(&t->memory, n + 1, sizeof *e->type.fields);
	e->fields = arena_array(&t->memory, n + 1, sizeof *e->fields);
	return true;
}

/* A field's type: built in, or an entry that says it once it is read. */
static bool
field_type(struct ua_types *t, struct types_entry *e, uint32_t i, const UA_NodeId *type)
{
	struct ua_type_field *f = &e->type.fields[i];

	if (type->namespaceIndex == 0 && type->identifierType == UA_NODEIDTYPE_NUMERIC && type->identifier.numeric >= 1 &&
	    type->identifier.numeric <= 28) {
		uint32_t id = type->identifier.numeric;
		/* 24 BaseDataType, and Number, Integer, UInteger stand as Variant (OPC 10000-6, 5.1.2) */
		f->builtin = (uint8_t)(id > UA_B_DIAGNOSTIC ? UA_B_VARIANT : id);
		return true;
	}
	if (type->namespaceIndex == 0 && type->identifierType == UA_NODEIDTYPE_NUMERIC && type->identifier.numeric == 29) {
		f->builtin = UA_B_INT32;
		return true;
	}
	e->fields[i] = types_entry(t, type);
	return e->fields[i] != NULL;
}

static bool
structure(struct ua_types *t, struct types_entry *e, const UA_StructureDefinition *d)
{
	bool subtypes = d->structureType >= UA_STRUCTURETYPE_STRUCTUREWITHSUBTYPEDVALUES;
	bool is_union = d->structureType == UA_STRUCTURETYPE_UNION || d->structureType == UA_STRUCTURETYPE_UNIONWITHSUBTYPEDVALUES;

	if ((unsigned)d->structureType > UA_STRUCTURETYPE_UNIONWITHSUBTYPEDVALUES || !room(t, e, d->fieldsSize, UA_TYPE_FIELDS_MAX))
		return false;
	e->structure = true;
	e->builtin = UA_B_EXTENSION;
	e->type.kind = is_union ? UA_TYPE_UNION : d->structureType == UA_STRUCTURETYPE_STRUCTUREWITHOPTIONALFIELDS ? UA_TYPE_OPTIONAL : UA_TYPE_STRUCT;
	e->type.nfields = (uint32_t)d->fieldsSize;
	/* The type of the variable may be another than that of the value: only its own encoding proves that it is the same. */
	if (!UA_NodeId_isNull(&e->encoding) && !UA_NodeId_equal(&e->encoding, &d->defaultEncodingId) &&
	    (e->guessed || !UA_NodeId_isNull(&d->defaultEncodingId)))
		return false;
	if (UA_NodeId_isNull(&e->encoding) && UA_NodeId_copy(&d->defaultEncodingId, &e->encoding) != UA_STATUSCODE_GOOD)
		return false;
	e->state = ENTRY_READ;
	for (uint32_t i = 0; i < d->fieldsSize; i++) {
		const UA_StructureField *s = &d->fields[i];
		struct ua_type_field *f = &e->type.fields[i];
		/* 8.49: scalar, or a number of dimensions; what varies cannot stand in a structure. */
		if (s->valueRank != -1 && s->valueRank < 1)
			return false;
		f->name = text(t, &s->name);
		f->rank = s->valueRank;
		/* 8.49: in the kinds with subtyped values, isOptional says that subtypes are let in. */
		f->optional = s->isOptional && e->type.kind == UA_TYPE_OPTIONAL;
		f->subtyped = s->isOptional && subtypes;
		if (!field_type(t, e, i, &s->dataType))
			return false;
	}
	return true;
}

static bool
enumeration(struct ua_types *t, struct types_entry *e, const UA_EnumDefinition *d)
{
	size_t n = d->fieldsSize;

	if (n > UA_TYPE_NAMES_MAX || n > UA_TYPES_FIELDS_MAX - t->fields)
		return false;
	t->fields += (uint32_t)n;
	int64_t *numbers = arena_array(&t->memory, n + 1, sizeof *numbers);
	const char **names = arena_array(&t->memory, n + 1, sizeof *names);
	for (size_t i = 0; i < n; i++) {
		numbers[i] = d->fields[i].value;
		names[i] = text(t, &d->fields[i].name);
	}
	e->type.kind = UA_TYPE_ENUM;
	e->type.numbers = numbers;
	e->type.names = names;
	e->nnames = (uint32_t)n;
	return true;
}

void
types_name(struct ua_types *t, struct types_entry *e, const UA_String *name)
{
	if (e->type.name == NULL)	/* asked again and again, it is kept once */
		e->type.name = text(t, name);
}

bool
types_define(struct ua_types *t, struct types_entry *e, const UA_Variant *v)
{
	if (UA_Variant_hasScalarType(v, &UA_TYPES[UA_TYPES_STRUCTUREDEFINITION]))
		return structure(t, e, v->data);
	if (UA_Variant_hasScalarType(v, &UA_TYPES[UA_TYPES_ENUMDEFINITION])) {
		/* An option set has one too (8.52), but is a number of bits: what it is made from says which. */
		if (!enumeration(t, e, v->data) || UA_NodeId_copy(&e->id, &e->at) != UA_STATUSCODE_GOOD)
			return false;
		types_enqueue(t, e, ENTRY_BASE);
		return true;
	}
	return false;
}

static bool
std_structure(struct ua_types *t, struct types_entry *e, const UA_DataType *std)
{
	if (!room(t, e, std->membersSize, UA_TYPE_FIELDS_MAX))
		return false;
	e->structure = true;
	e->builtin = UA_B_EXTENSION;
	e->type.kind = std->typeKind == UA_DATATYPEKIND_UNION ? UA_TYPE_UNION : std->typeKind == UA_DATATYPEKIND_OPTSTRUCT ? UA_TYPE_OPTIONAL :
	    UA_TYPE_STRUCT;
	e->type.nfields = std->membersSize;
	for (uint32_t i = 0; i < std->membersSize; i++) {
		struct ua_type_field *f = &e->type.fields[i];
		const UA_DataTypeMember *m = &std->members[i];
		f->name = m->memberName;
		f->rank = m->isArray ? 1 : -1;
		f->optional = m->isOptional;
		if (m->memberType->typeKind <= UA_DATATYPEKIND_DIAGNOSTICINFO)
			f->builtin = (uint8_t)(m->memberType->typeKind + 1);
		else if (m->memberType->typeKind == UA_DATATYPEKIND_ENUM)
			f->builtin = UA_B_INT32;
		else if (!field_type(t, e, i, &m->memberType->typeId))
			return false;
	}
	return true;
}

bool
types_define_std(struct ua_types *t, struct types_entry *e, const UA_DataType *std)
{
	e->state = ENTRY_READ;
	e->type.name = std->typeName;
	if (UA_NodeId_isNull(&e->encoding))
		e->encoding = std->binaryEncodingId;	/* of namespace 0, a number: nothing to free */
	if (std->typeKind <= UA_DATATYPEKIND_DIAGNOSTICINFO) {
		e->builtin = (uint8_t)(std->typeKind + 1);
		return true;
	}
	if (std->typeKind == UA_DATATYPEKIND_ENUM) {
		e->builtin = UA_B_INT32;
		return true;
	}
	return std->typeKind >= UA_DATATYPEKIND_STRUCTURE && std->typeKind <= UA_DATATYPEKIND_UNION && std_structure(t, e, std);
}
