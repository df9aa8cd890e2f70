/*
 * The node store: nodes of our namespace are made from the rows of space.h when the library asks for one, in *scratch* memory that is used again
 * after the library has let go. All other nodes are the library's own and stay in its own store.
 *
 * While the library holds a node, whoever asks for the same one gets the same scratch. That is what keeps the list of monitored items whole: the
 * library changes it in the node, and it is put back into the row when the last holder lets go.
 */
#include "sink/opcua_server/nodes.h"

static struct uas_scratch *
take(struct uas_space *s)
{
	struct uas_scratch *x = s->free;

	if (x != NULL) {
		char *text = x->text;
		size_t cap = x->text_cap;
		s->free = x->next;
		memset(x, 0, sizeof *x);
		x->text = text;
		x->text_cap = cap;
	} else if ((x = calloc(1, sizeof *x)) != NULL)
		s->scratches++;
	return x;
}

static void
give(struct uas_space *s, struct uas_scratch *x)
{
	free(x->states);
	x->states = NULL;
	x->next = s->free;
	s->free = x;
}

/* "path//EURange": the variable's row and which property. */
static struct uas_node *
find_prop(struct uas_space *s, UA_String id, enum prop *which)
{
	for (unsigned p = 0; p < PROPS; p++) {
		size_t k = strlen(node_prop_name((enum prop)p));
		if (id.length < k + 3 || memcmp(id.data + id.length - k, node_prop_name((enum prop)p), k) != 0 || memcmp(id.data + id.length - k - 2, "//", 2) != 0)
			continue;
		UA_String path = { .length = id.length - k - 2, .data = id.data };
		struct uas_node *n = uas_space_node(s, &path);
		*which = (enum prop)p;
		return n != NULL && n->kind == UAS_VAR && (node_props((struct uas_var *)n) & 1u << p) ? n : NULL;
	}
	return NULL;
}

struct uas_var *
node_prop_var(struct uas_space *s, const UA_NodeId *id)
{
	enum prop p;

	if (id->namespaceIndex != s->ns || id->identifierType != UA_NODEIDTYPE_STRING)
		return NULL;
	return (struct uas_var *)find_prop(s, id->identifier.string, &p);
}

static const UA_Node *
make_property(struct uas_space *s, const UA_NodeId *id)
{
	enum prop p;
	struct uas_node *of = find_prop(s, id->identifier.string, &p);
	struct uas_scratch *x = of != NULL ? take(s) : NULL;

	if (x == NULL)
		return NULL;
	if (!node_text_room(x, id->identifier.string.length + 1) || !node_make_prop(x, (struct uas_var *)of, p)) {
		give(s, x);
		return NULL;
	}
	memcpy(x->text, id->identifier.string.data, id->identifier.string.length);
	x->node.head.nodeId = *id;
	x->node.head.nodeId.identifier.string.data = (UA_Byte *)x->text;
	x->node.head.constructed = true;
	x->property = true;
	x->of = of;
	x->holders = 1;
	return &x->node;
}

static const UA_Node *
get_node(void *ctx, const UA_NodeId *id, UA_UInt32 mask, UA_ReferenceTypeSet refs, UA_BrowseDirection dir)
{
	struct uas_space *s = ctx;

	if (id->namespaceIndex != s->ns)
		return s->inner.getNode(s->inner.context, id, mask, refs, dir);
	if (id->identifierType != UA_NODEIDTYPE_STRING)
		return NULL;
	struct uas_node *of = uas_space_node(s, &id->identifier.string);
	if (of == NULL)
		return make_property(s, id);
	if (of->live != NULL) {
		of->live->holders++;
		return &of->live->node;
	}
	struct uas_scratch *x = take(s);
	if (x == NULL)
		return NULL;
	x->node.head.nodeId = of->id;
	x->node.head.context = of;
	x->node.head.constructed = true;
	if (of->kind == UAS_FOLDER)
		node_make_folder(s, x, (struct uas_folder *)of);
	else if (!node_make_var(s, x, (struct uas_var *)of)) {
		give(s, x);
		return NULL;
	}
	x->of = of;
	x->holders = 1;
	of->live = x;
	return &x->node;
}

static const UA_Node *
get_node_from_ptr(void *ctx, UA_NodePointer p, UA_UInt32 mask, UA_ReferenceTypeSet refs, UA_BrowseDirection dir)
{
	if (!UA_NodePointer_isLocal(p))
		return NULL;
	UA_NodeId id = UA_NodePointer_toNodeId(p);
	return get_node(ctx, &id, mask, refs, dir);
}

static void
release_node(void *ctx, const UA_Node *node)
{
	struct uas_space *s = ctx;

	if (node == NULL)
		return;
	if (node->head.nodeId.namespaceIndex != s->ns) {
		s->inner.releaseNode(s->inner.context, node);
		return;
	}
	struct uas_scratch *x = (struct uas_scratch *)(uintptr_t)node;	/* its first member */
	if (--x->holders > 0)
		return;
	if (!x->property) {
		struct uas_node *of = x->of;
		of->live = NULL;
		if (of->kind == UAS_VAR) {
			of->monitored = x->node.head.monitoredItems;
			/* What the library wrote into the node is its own copy; what we put there is borrowed and not freed by this. */
			if (x->node.variableNode.valueSource == UA_VALUESOURCE_DATA)
				UA_DataValue_clear(&x->node.variableNode.value.data.value);
			uas_space_let_go(s, (struct uas_var *)of);
		}
	}
	give(s, x);
}

struct uas_var *
uas_context_var(void *context)
{
	struct uas_node *n = context;
	return n != NULL && n->kind == UAS_VAR ? (struct uas_var *)n : NULL;
}

void
uas_node_divert(struct uas_var *v, const UA_DataSource *to)
{
	UA_VariableNode *n;

	if (v->node.live == NULL)
		return;
	n = &v->node.live->node.variableNode;
	if (n->valueSource == UA_VALUESOURCE_DATA)
		UA_DataValue_clear(&n->value.data.value);
	n->valueSource = UA_VALUESOURCE_DATASOURCE;
	n->value.dataSource = *to;
}

/* ---- what clients may not do here, and what the library does to its own nodes ---- */

static UA_StatusCode
get_node_copy(void *ctx, const UA_NodeId *id, UA_Node **out)
{
	struct uas_space *s = ctx;
	return id->namespaceIndex == s->ns ? UA_STATUSCODE_BADNOTSUPPORTED : s->inner.getNodeCopy(s->inner.context, id, out);
}

static UA_StatusCode
insert_node(void *ctx, UA_Node *node, UA_NodeId *added)
{
	struct uas_space *s = ctx;

	if (node->head.nodeId.namespaceIndex != s->ns)
		return s->inner.insertNode(s->inner.context, node, added);
	s->inner.deleteNode(s->inner.context, node);
	return UA_STATUSCODE_BADNODEIDREJECTED;
}

static UA_StatusCode
remove_node(void *ctx, const UA_NodeId *id)
{
	struct uas_space *s = ctx;
	return id->namespaceIndex == s->ns ? UA_STATUSCODE_BADUSERACCESSDENIED : s->inner.removeNode(s->inner.context, id);
}

static UA_Node *
new_node(void *ctx, UA_NodeClass c)
{
	struct uas_space *s = ctx;
	return s->inner.newNode(s->inner.context, c);
}

static void
delete_node(void *ctx, UA_Node *node)
{
	struct uas_space *s = ctx;
	s->inner.deleteNode(s->inner.context, node);
}

static UA_StatusCode
replace_node(void *ctx, UA_Node *node)
{
	struct uas_space *s = ctx;
	return s->inner.replaceNode(s->inner.context, node);
}

static const UA_NodeId *
reference_type(void *ctx, UA_Byte index)
{
	struct uas_space *s = ctx;
	return s->inner.getReferenceTypeId(s->inner.context, index);
}

static void
iterate(void *ctx, UA_NodestoreVisitor visit, void *arg)
{
	struct uas_space *s = ctx;
	s->inner.iterate(s->inner.context, visit, arg);
}

static void
clear(void *ctx)
{
	struct uas_space *s = ctx;

	if (s->inner.clear != NULL)
		s->inner.clear(s->inner.context);
	s->inner = (UA_Nodestore){ 0 };
}

void
uas_nodestore(struct uas_space *s, UA_Nodestore *out)
{
	s->inner = *out;
	*out = (UA_Nodestore){
		.context = s, .clear = clear, .newNode = new_node, .deleteNode = delete_node, .getNode = get_node, .getNodeFromPtr = get_node_from_ptr,
		.releaseNode = release_node, .getNodeCopy = get_node_copy, .insertNode = insert_node, .replaceNode = replace_node,
		.removeNode = remove_node, .getReferenceTypeId = reference_type, .iterate = iterate,
	};
}

void
uas_nodes_fini(struct uas_space *s)
{
	for (struct uas_scratch *x = s->free, *next; x != NULL; x = next) {
		next = x->next;
		free(x->text);
		free(x);
	}
	s->free = NULL;
}
