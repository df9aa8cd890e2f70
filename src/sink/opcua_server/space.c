/* Folders, variables and their present values. See space.h. */
#include "sink/opcua_server/space.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "model/path.h"
#include "os/clock.h"

static void *
must(void *p)
{
	if (p == NULL)
		fatal("out_of_memory", "what=\"address space\"");
	return p;
}

static UA_NodeId
text_id(UA_UInt16 ns, const char *text, size_t len)
{
	UA_NodeId id = { .namespaceIndex = ns, .identifierType = UA_NODEIDTYPE_STRING };
	UA_Byte *copy = must(malloc(len + 1));

	memcpy(copy, text, len);
	copy[len] = '\0';
	id.identifier.string = (UA_String){ .length = len, .data = copy };
	return id;
}

static const char *
id_text(const struct uas_node *n)
{
	return (const char *)n->id.identifier.string.data;
}

/* ---- the index of ids: chained, at most one node a slot on average ---- */

static void
grow(struct uas_space *s)
{
	size_t n = s->nslots == 0 ? 256 : s->nslots * 2;
	struct uas_node **slots = must(calloc(n, sizeof *slots));

	for (size_t i = 0; i < s->nslots; i++)
		for (struct uas_node *c = s->slots[i], *next; c != NULL; c = next) {
			next = c->chain;
			c->chain = slots[c->hash & (n - 1)];
			slots[c->hash & (n - 1)] = c;
		}
	free(s->slots);
	s->slots = slots;
	s->nslots = n;
}

static void
enter(struct uas_space *s, struct uas_node *n)
{
	if ((size_t)s->nvars + s->nfolders >= s->nslots)
		grow(s);
	n->hash = hash64(id_text(n), n->id.identifier.string.length);
	n->chain = s->slots[n->hash & (s->nslots - 1)];
	s->slots[n->hash & (s->nslots - 1)] = n;
}

static void
leave(struct uas_space *s, struct uas_node *n)
{
	struct uas_node **at = &s->slots[n->hash & (s->nslots - 1)];

	while (*at != n)
		at = &(*at)->chain;
	*at = n->chain;
}

static struct uas_node *
look(const struct uas_space *s, const char *id, size_t len)
{
	uint64_t h = hash64(id, len);
	struct uas_node *n = s->slots[h & (s->nslots - 1)];

	while (n != NULL && (n->hash != h || n->id.identifier.string.length != len || memcmp(id_text(n), id, len) != 0))
		n = n->chain;
	return n;
}

struct uas_node *
uas_space_node(const struct uas_space *s, const UA_String *id)
{
	return id->length == 0 ? NULL : look(s, (const char *)id->data, id->length);
}

static void
adopt(struct uas_folder *f, struct uas_node *child)
{
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 8 : f->cap * 2;
		f->children = must(realloc(f->children, f->cap * sizeof *f->children));
	}
	UA_QualifiedName name = { .namespaceIndex = child->id.namespaceIndex, .name = child->id.identifier.string };
	name.name.length -= child->kind == UAS_FOLDER;
	name.name.data += name.name.length - child->name_len;
	name.name.length = child->name_len;
	f->children[f->n++] = (UA_ReferenceTarget){
		.targetId = UA_NodePointer_fromNodeId(&child->id), .targetNameHash = UA_QualifiedName_hash(&name),
	};
	child->parent = f;
}

static void disown(struct uas_space *s, struct uas_node *child);

static void
free_node(struct uas_space *s, struct uas_node *n)
{
	UA_Byte *text = n->id.identifier.string.data;

	leave(s, n);
	if (n->kind == UAS_VAR) {
		struct uas_var *v = (struct uas_var *)n;
		uas_raw_clear(&v->raw, &v->type);
		s->nvars--;
	} else {
		free(((struct uas_folder *)n)->children);
		s->nfolders--;
	}
	free(n);
	free(text);
}

static void
disown(struct uas_space *s, struct uas_node *child)
{
	struct uas_folder *f = child->parent;
	UA_NodePointer p = UA_NodePointer_fromNodeId(&child->id);

	if (f == NULL)
		return;
	for (uint32_t i = f->n; i-- > 0;)	/* from the end: that is where they are when all go */
		if (f->children[i].targetId.immediate == p.immediate) {
			memmove(&f->children[i], &f->children[i + 1], (f->n - i - 1) * sizeof *f->children);
			f->n--;
			break;
		}
	child->parent = NULL;
	if (f->n == 0 && f != &s->root && f->node.live == NULL) {
		disown(s, &f->node);
		free_node(s, &f->node);
	}
}

/* The folder of a path's first len bytes, which end with '/'; made where it is missing. Ends: each turn is a shorter path. */
static struct uas_folder *
folder(struct uas_space *s, const char *path, size_t len)
{
	if (len == 0)
		return &s->root;
	struct uas_folder *f = (struct uas_folder *)look(s, path, len);
	if (f != NULL)
		return f;
	size_t start = len - 1;
	while (start > 0 && path[start - 1] != '/')
		start--;
	struct uas_folder *parent = folder(s, path, start);
	f = must(calloc(1, sizeof *f));
	f->node = (struct uas_node){ .kind = UAS_FOLDER, .name_len = (uint32_t)(len - 1 - start), .id = text_id(s->ns, path, len) };
	enter(s, &f->node);
	adopt(parent, &f->node);
	s->nfolders++;
	return f;
}

static struct uas_var *
variable(struct uas_space *s, const char *path)
{
	size_t len = strlen(path), start = len;
	struct uas_var *v = (struct uas_var *)look(s, path, len);

	while (start > 0 && path[start - 1] != '/')
		start--;
	if (v == NULL) {
		v = must(calloc(1, sizeof *v));
		v->node = (struct uas_node){ .kind = UAS_VAR, .name_len = (uint32_t)(len - start), .id = text_id(s->ns, path, len) };
		v->status = (uint32_t)STATUS_BadWaitingForInitialData;
		enter(s, &v->node);
		s->nvars++;
	}
	if (v->node.parent == NULL)
		adopt(folder(s, path, start), &v->node);
	return v;
}

/* The present value as it stands, said to all that watch. */
static void
tell(struct uas_space *s, struct uas_var *v)
{
	static _Thread_local struct log_limit limit = { .burst = 5, .period_ms = 60000 };
	unsigned long more;
	UA_WriteValue w;

	if (v->node.monitored == NULL || s->server == NULL)
		return;
	UA_WriteValue_init(&w);
	w.nodeId = v->node.id;
	w.attributeId = UA_ATTRIBUTEID_VALUE;
	w.value = (UA_DataValue){
		.hasValue = v->type != VALUE_NULL, .hasStatus = true, .status = v->status,
		.hasSourceTimestamp = v->source != 0, .sourceTimestamp = v->source,
		.hasServerTimestamp = v->server != 0, .serverTimestamp = v->server,
	};
	uas_raw_variant(&v->raw, v->type, &w.value.value);
	s->applying = true;
	UA_StatusCode err = UA_Server_write(s->server, &w);
	s->applying = false;
	if (err != UA_STATUSCODE_GOOD && log_limit_ok(&limit, mono_now(), &more))
		log_warn("opcua_value_not_told", "node=\"%s\" error=%s note=\"clients that watch it have missed a sample\" more=%lu", id_text(&v->node),
		    UA_StatusCode_name(err), more);
}

static void
set_bad(struct uas_space *s, struct uas_var *v, uint32_t status)
{
	uas_raw_clear(&v->raw, &v->type);
	v->status = status;
	v->source = v->server = 0;
	v->newest_ns = 0;
	tell(s, v);
}

int
uas_space_add(struct uas_space *s, struct uas_stream *st)
{
	for (uint32_t i = 0; i < st->n; i++)
		if (strlen(st->names[i]) > PATH_LEN_MAX * 2 || strlen(st->names[i]) == 0)
			return ERR_LIMIT;
	for (uint32_t i = 0; i < st->n; i++) {
		struct uas_var *v = st->vars[i] = variable(s, st->names[i]);
		const struct uas_def *before = v->def;
		v->refs++;
		v->def = &st->defs[i];
		v->flow = st->flow;
		v->writable = st->writable[i];
		v->series = 0;
		if (before == NULL || before->type != v->def->type)
			set_bad(s, v, (uint32_t)STATUS_BadWaitingForInitialData);
	}
	st->next = s->streams;
	s->streams = st;
	return 0;
}

void
uas_space_let_go(struct uas_space *s, struct uas_var *v)
{
	if (v->refs > 0 || v->node.monitored != NULL || v->node.live != NULL)
		return;
	disown(s, &v->node);
	free_node(s, &v->node);
}

struct uas_stream *
uas_space_stream(struct uas_space *s, uint32_t id)
{
	struct uas_stream *st = s->streams;
	while (st != NULL && st->id != id)
		st = st->next;
	return st;
}

/* What the other streams say of variables that have lost the one that spoke for them. */
static void
hand_over(struct uas_space *s)
{
	for (struct uas_stream *o = s->streams; o != NULL; o = o->next)
		for (uint32_t i = 0; i < o->n; i++) {
			struct uas_var *v = o->vars[i];
			if (v->def != NULL)
				continue;
			v->def = &o->defs[i];
			v->flow = o->flow;
			v->writable = o->writable[i];
			v->series = 0;
		}
}

void
uas_space_remove(struct uas_space *s, uint32_t id)
{
	struct uas_stream **at = &s->streams, *st;
	bool orphans = false;

	while ((st = *at) != NULL && st->id != id)
		at = &st->next;
	if (st == NULL)
		return;
	*at = st->next;
	for (uint32_t i = st->n; i-- > 0;) {
		struct uas_var *v = st->vars[i];
		if (v->def == &st->defs[i]) {
			v->def = NULL;
			v->flow = NULL;
			v->writable = false;
		}
		if (--v->refs > 0) {
			orphans = orphans || v->def == NULL;
			continue;
		}
		if (v->node.monitored != NULL)
			set_bad(s, v, (uint32_t)STATUS_BadNodeIdUnknown);
		disown(s, &v->node);
		uas_space_let_go(s, v);
	}
	if (orphans)
		hand_over(s);
	struct arena a = st->arena;
	arena_fini(&a);
}

void
uas_space_apply(struct uas_space *s, struct uas_var *v, const struct sample *sample, bool live)
{
	int64_t t = sample_time(sample).ns;

	if (v->def == NULL)
		return;
	if (!live && t < v->newest_ns) {
		s->late++;
		return;
	}
	uint32_t status = sample->status;
	if (!uas_raw_set(&v->raw, &v->type, &sample->v))
		status = (uint32_t)STATUS_BadOutOfMemory;
	v->status = status;
	v->source = uas_time(t);
	v->server = uas_time(sample->arrival.ns);
	v->newest_ns = t;
	s->applied++;
	tell(s, v);
}

void
uas_space_init(struct uas_space *s, UA_UInt16 ns, const char *root_name)
{
	*s = (struct uas_space){ .ns = ns, .nfolders = 1, .root_name = root_name };
	s->root.node = (struct uas_node){ .kind = UAS_FOLDER, .id = text_id(ns, "/", 1) };
	enter(s, &s->root.node);
}

void
uas_space_fini(struct uas_space *s)
{
	s->server = NULL;
	while (s->streams != NULL) {
		for (uint32_t i = 0; i < s->streams->n; i++)
			s->streams->vars[i]->node.monitored = NULL;
		uas_space_remove(s, s->streams->id);
	}
	free(s->slots);
	free(s->root.node.id.identifier.string.data);
	free(s->root.children);
	uas_nodes_fini(s);
}
