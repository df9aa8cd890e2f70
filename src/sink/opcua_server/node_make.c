/* Folders and variables as nodes, made from their rows. See nodes.h. */
#include "sink/opcua_server/nodes.h"

static const UA_NodeId objects_id = { .identifierType = UA_NODEIDTYPE_NUMERIC, .identifier.numeric = UA_NS0ID_OBJECTSFOLDER };
static UA_UInt32 no_dimension;	/* 0: of any length */

/* ---- the parts that all nodes have ---- */

void
node_name(UA_NodeHead *h, struct uas_scratch *x, UA_UInt16 ns, UA_String name)
{
	h->browseName = (UA_QualifiedName){ .namespaceIndex = ns, .name = name };
	x->display = (UA_LocalizedTextListEntry){ .localizedText.text = name };
	h->displayName = &x->display;
	h->references = x->refs;
}

void
node_ref(UA_NodeHead *h, UA_Byte type, bool inverse, UA_ReferenceTarget *targets, size_t n)
{
	if (n == 0)
		return;
	h->references[h->referencesSize++] = (UA_NodeReferenceKind){
		.targets.array = targets, .targetsSize = n, .referenceTypeIndex = type, .isInverse = inverse,
	};
}

void
node_type_and_parent(struct uas_scratch *x, uint32_t type, const UA_NodeId *parent, UA_Byte by)
{
	UA_NodeId t = ns0(type);

	x->type = (UA_ReferenceTarget){ .targetId = UA_NodePointer_fromNodeId(&t) };
	node_ref(&x->node.head, UA_REFERENCETYPEINDEX_HASTYPEDEFINITION, false, &x->type, 1);
	if (parent == NULL)
		return;
	x->parent = (UA_ReferenceTarget){ .targetId = UA_NodePointer_fromNodeId(parent) };
	node_ref(&x->node.head, by, true, &x->parent, 1);
}

static UA_String
last_name(const struct uas_node *n)
{
	UA_String s = n->id.identifier.string;

	s.length -= n->kind == UAS_FOLDER;
	s.data += s.length - n->name_len;
	s.length = n->name_len;
	return s;
}

void
node_make_folder(struct uas_space *s, struct uas_scratch *x, struct uas_folder *f)
{
	UA_ObjectNode *o = &x->node.objectNode;
	bool root = f == &s->root;

	o->head.nodeClass = UA_NODECLASS_OBJECT;
	node_name(&o->head, x, s->ns, root ? text_of(s->root_name) : last_name(&f->node));
	node_type_and_parent(x, root ? UA_NS0ID_FOLDERTYPE : UA_NS0ID_BASEOBJECTTYPE, root ? &objects_id : f->node.parent != NULL ?
	    &f->node.parent->node.id : NULL, root || f->node.parent == &s->root ? UA_REFERENCETYPEINDEX_ORGANIZES : UA_REFERENCETYPEINDEX_HASCOMPONENT);
	node_ref(&o->head, root ? UA_REFERENCETYPEINDEX_ORGANIZES : UA_REFERENCETYPEINDEX_HASCOMPONENT, false, f->children, f->n);
}

/* ---- variables ---- */

static uint32_t
type_of(const struct uas_var *v)
{
	unsigned set = node_props(v);

	if (set & 1u << PROP_ENUM)
		return UA_NS0ID_MULTISTATEVALUEDISCRETETYPE;
	return set & 1u << PROP_RANGE ? UA_NS0ID_ANALOGITEMTYPE : UA_NS0ID_DATAITEMTYPE;
}

bool
node_text_room(struct uas_scratch *x, size_t n)
{
	if (x->text_cap >= n)
		return true;
	char *p = realloc(x->text, n);
	if (p == NULL)
		return false;
	x->text = p;
	x->text_cap = n;
	return true;
}

void
node_rank(UA_VariableNode *n, int32_t rank)
{
	n->valueRank = rank;
	n->arrayDimensionsSize = rank == UA_VALUERANK_ONE_DIMENSION;
	n->arrayDimensions = rank == UA_VALUERANK_ONE_DIMENSION ? &no_dimension : NULL;
}

bool
node_make_var(struct uas_space *s, struct uas_scratch *x, struct uas_var *v)
{
	UA_VariableNode *n = &x->node.variableNode;
	uint8_t type = v->def != NULL ? v->def->type : v->type;

	n->head.nodeClass = UA_NODECLASS_VARIABLE;
	node_name(&n->head, x, s->ns, last_name(&v->node));
	n->head.monitoredItems = v->node.monitored;
	if (v->def != NULL && v->def->help[0] != '\0') {
		x->description = (UA_LocalizedTextListEntry){ .localizedText.text = text_of(v->def->help) };
		n->head.description = &x->description;
	}
	n->dataType = uas_type(type)->typeId;
	if (type == VALUE_NULL)
		n->dataType = ns0(UA_NS0ID_BASEDATATYPE);
	node_rank(n, type & VALUE_ARRAY ? UA_VALUERANK_ONE_DIMENSION : UA_VALUERANK_SCALAR);
	n->accessLevel = UA_ACCESSLEVELMASK_READ | (v->writable ? UA_ACCESSLEVELMASK_WRITE : 0);
	if (s->has_history != NULL && s->has_history(s->history, v)) {
		n->accessLevel |= UA_ACCESSLEVELMASK_HISTORYREAD;
		n->historizing = true;
	}
	n->isDynamic = true;
	n->valueSource = UA_VALUESOURCE_DATA;
	UA_DataValue *dv = &n->value.data.value;
	*dv = (UA_DataValue){
		.hasValue = v->type != VALUE_NULL, .hasStatus = true, .status = v->status,
		.hasSourceTimestamp = v->source != 0, .sourceTimestamp = v->source,
		.hasServerTimestamp = v->server != 0, .serverTimestamp = v->server,
	};
	uas_raw_variant(&v->raw, v->type, &dv->value);
	node_type_and_parent(x, type_of(v), v->node.parent != NULL ? &v->node.parent->node.id : NULL,
	    v->node.parent == &s->root ? UA_REFERENCETYPEINDEX_ORGANIZES : UA_REFERENCETYPEINDEX_HASCOMPONENT);
	return s->applying || node_add_props(x, v);
}
