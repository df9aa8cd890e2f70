/* See sp_node.h. Start reading at sp_node_build(). */
#include "sink/sparkplug/sp_node.h"

#include <ctype.h>
#include <string.h>

#include "base/log.h"
#include "sink/sparkplug/sp_wire.h"

#define FORMER "former"	/* device of tags whose source the plan no longer knows */

struct build {
	struct sp_node		*node;
	const struct sp_cfg	*cfg;
	struct map		 devices;	/* id -> index + 1 */
	struct map		 lower;		/* the same and metric keys in lower case -> index + 1 */
	struct buf		 text;
	unsigned		 alike;		/* names that differ in letter case alone */
	const char		*example;
};

void
sp_topic(const struct sp_node *n, const char *type, const char *device, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, "spBv1.0/%s/%s/%s", n->group, type, n->id);
	if (device != NULL)
		buf_printf(out, "/%s", device);
}

static void *index_value(uint32_t i) { return (void *)(uintptr_t)(i + 1); }

/* Is key the same as a known one but for the case of its letters? Sparkplug 3.0.0, 4.1 and 6.4.5 advise against it. */
static void
look_alike(struct build *b, const char *key, uint32_t i)
{
	size_t len = strlen(key);
	char *low = arena_strndup(&b->node->arena, key, len);

	for (size_t k = 0; k < len; k++)
		low[k] = (char)tolower((unsigned char)low[k]);
	if (map_put(&b->lower, low, len, index_value(i)) == NULL)
		return;
	b->alike++;
	b->example = key;
}

static uint32_t
device_of(struct build *b, const char *id)
{
	struct sp_node *n = b->node;
	uintptr_t known = (uintptr_t)map_get(&b->devices, id, strlen(id));

	if (known != 0)
		return (uint32_t)known - 1;
	struct sp_device *d = &n->devices[n->ndevices];
	d->id = arena_strdup(&n->arena, id);
	map_put(&b->devices, d->id, strlen(id), index_value(n->ndevices));
	look_alike(b, d->id, n->ndevices);
	return n->ndevices++;
}

/* ---- the rule ---- */

static const char *
source_of(const struct sink_stream *s, uint32_t i)
{
	const struct plan *p = s->plan;
	const char *name = s->schema->tags[i].name;
	char path[1024];

	if (s->plan_flow != NULL && i < s->plan_flow->ntags && s->plan_flow->tags[i].source < p->nsources)
		return p->sources[s->plan_flow->tags[i].source].name;
	const struct tag *t = plan_tag(p, name);
	const char *colon = strrchr(name, ':');		/* "path:mean" */
	if (t == NULL && colon != NULL && (size_t)(colon - name) < sizeof path) {
		memcpy(path, name, (size_t)(colon - name));
		path[colon - name] = '\0';
		t = plan_tag(p, path);
	}
	return t != NULL && t->source < p->nsources ? p->sources[t->source].name : FORMER;
}

/* How much of a tag's path is its device: the first `depth` names, but never the tag's own. 0: it has no equipment. */
static size_t
equipment_len(const char *path, uint32_t depth)
{
	size_t len = 0;
	uint32_t names = 0;

	for (const char *slash = strchr(path, '/'); slash != NULL && (depth == 0 || names < depth); slash = strchr(slash + 1, '/'), names++)
		len = (size_t)(slash - path);
	return len;
}

/* The device of tag i, and its name there, into b->text as a metric key. */
static uint32_t
place(struct build *b, const struct sink_stream *s, uint32_t i, const char **name)
{
	const char *path = s->schema->tags[i].name;
	size_t len = b->cfg->devices == SP_BY_EQUIPMENT ? equipment_len(path, b->cfg->depth) : 0;

	*name = len > 0 ? path + len + 1 : path;
	buf_reset(&b->text);
	if (len > 0)
		sp_id_put(&b->text, path, len, true);
	else if (b->cfg->devices == SP_BY_SOURCE) {
		const char *source = source_of(s, i);
		sp_id_put(&b->text, source, strlen(source), false);
	} else
		return 0;
	return device_of(b, buf_text(&b->text));
}

/* ---- metrics ---- */

static uint32_t
add_metric(struct build *b, uint32_t device, const struct spool_tag *tag)
{
	struct sp_node *n = b->node;
	struct sp_metric *m = &n->metrics[n->nmetrics];

	m->key = arena_strndup(&n->arena, b->text.p, b->text.len);
	m->name = strchr(m->key, '\n') + 1;
	m->alias = n->nmetrics + 1;
	m->device = device;
	m->type = tag->type;
	m->unit = tag->unit != NULL ? arena_strdup(&n->arena, tag->unit) : NULL;
	m->has_range = tag->has_range;
	m->lo = tag->lo;
	m->hi = tag->hi;
	map_put(&n->by_key, m->key, b->text.len, index_value(n->nmetrics));
	look_alike(b, m->key, n->nmetrics);
	n->devices[device].n++;
	return n->nmetrics++;
}

static uint32_t
metric_of(struct build *b, const struct sink_stream *s, uint32_t i)
{
	struct sp_node *n = b->node;
	const struct spool_tag *tag = &s->schema->tags[i];
	const char *name;
	uint32_t device = place(b, s, i, &name);

	buf_reset(&b->text);
	/* The node has metrics of its own under this name, 6.4.5. */
	buf_printf(&b->text, "%u\n%s%s", device, device == 0 && strncmp(name, "Node Control/", 13) == 0 ? "Tags/" : "", name);
	uintptr_t known = (uintptr_t)map_get(&n->by_key, b->text.p, b->text.len);
	if (known != 0 && n->metrics[known - 1].type != tag->type) {
		buf_printf(&b->text, " (%s%s)", value_type_name(tag->type), (tag->type & VALUE_ARRAY) != 0 ? " array" : "");
		known = (uintptr_t)map_get(&n->by_key, b->text.p, b->text.len);
	}
	return known != 0 ? (uint32_t)known - 1 : add_metric(b, device, tag);
}

static void
add_stream(struct build *b, struct sp_stream *st)
{
	st->metrics = arena_array(&b->node->arena, st->s->schema->n + 1, sizeof *st->metrics);
	for (uint32_t i = 0; i < st->s->schema->n; i++)
		st->metrics[i] = metric_of(b, st->s, i);
}

/* Each device's list of its metrics, in the order of their aliases. */
static void
list_metrics(struct sp_node *n)
{
	struct buf topic = { 0 };

	for (uint32_t d = 0; d < n->ndevices; d++) {
		n->devices[d].metrics = arena_array(&n->arena, n->devices[d].n + 1, sizeof *n->devices[d].metrics);
		n->devices[d].n = 0;
		sp_topic(n, d == 0 ? "NDATA" : "DDATA", n->devices[d].id, &topic);
		n->devices[d].data_topic = arena_strdup(&n->arena, buf_text(&topic));
	}
	buf_fini(&topic);
	for (uint32_t i = 0; i < n->nmetrics; i++) {
		struct sp_device *d = &n->devices[n->metrics[i].device];
		d->metrics[d->n++] = i;
	}
}

/* ---- values ---- */

static void
count(struct sp_node *n, const struct sp_metric *m, uint32_t by)
{
	struct sp_device *d = &n->devices[m->device];

	if (sp_status_away(m->status))
		d->away += by;
	else if (m->status != (uint32_t)STATUS_BadWaitingForInitialData)
		d->present += by;
}

void
sp_node_take(struct sp_node *n, uint32_t metric, const struct sample *s)
{
	struct sp_metric *m = &n->metrics[metric];

	if (m->known)
		count(n, m, (uint32_t)-1);
	m->known = true;
	m->status = s->status;
	m->time = sample_time(s);
	m->v = s->v;
	if (value_has_bytes(s->v.type)) {
		buf_reset(&m->bytes);
		buf_put(&m->bytes, s->v.p, s->v.len);
		buf_putc(&m->bytes, '\0');
		m->v.p = m->bytes.p;
	}
	count(n, m, 1);
}

/* was: the device's index in the old model, which may number them otherwise. */
static void
move_value(struct sp_node *n, struct sp_node *old, uint32_t was, struct sp_metric *m, struct buf *key)
{
	buf_reset(key);
	buf_printf(key, "%u\n%s", was, m->name);
	uintptr_t i = (uintptr_t)map_get(&old->by_key, key->p, key->len);
	struct sp_metric *from = i != 0 ? &old->metrics[i - 1] : NULL;
	if (from == NULL || !from->known || from->type != m->type)
		return;
	m->known = true;
	m->v = from->v;
	m->status = from->status;
	m->time = from->time;
	m->bytes = from->bytes;
	from->bytes = (struct buf){ 0 };
	from->known = false;
	count(n, m, 1);
}

static void
move_values(struct sp_node *n, struct sp_node *old)
{
	struct map ids = { 0 };
	struct buf key = { 0 };

	for (uint32_t d = 1; d < old->ndevices; d++)
		map_put(&ids, old->devices[d].id, strlen(old->devices[d].id), index_value(d));
	for (uint32_t d = 0; d < n->ndevices; d++) {
		const char *id = n->devices[d].id;
		uintptr_t was = id == NULL ? 1 : (uintptr_t)map_get(&ids, id, strlen(id));
		for (uint32_t i = 0; was != 0 && i < n->devices[d].n; i++)
			move_value(n, old, (uint32_t)was - 1, &n->metrics[n->devices[d].metrics[i]], &key);
	}
	map_fini(&ids);
	buf_fini(&key);
}

bool
sp_node_same(const struct sp_node *a, const struct sp_node *b)
{
	if (a->ndevices != b->ndevices || a->nmetrics != b->nmetrics)
		return false;
	for (uint32_t d = 1; d < a->ndevices; d++)
		if (strcmp(a->devices[d].id, b->devices[d].id) != 0)
			return false;
	for (uint32_t i = 0; i < a->nmetrics; i++)
		if (a->metrics[i].type != b->metrics[i].type || strcmp(a->metrics[i].key, b->metrics[i].key) != 0)
			return false;
	return true;
}

void
sp_node_build(struct sp_node *n, const struct sp_cfg *cfg, const char *group, const char *id, struct sp_stream *streams, struct sp_node *old)
{
	struct build b = { .node = n, .cfg = cfg };
	size_t total = 0;

	*n = (struct sp_node){ .ndevices = 1 };
	n->group = arena_strdup(&n->arena, group);
	n->id = arena_strdup(&n->arena, id);
	for (struct sp_stream *s = streams; s != NULL; s = s->next)
		total += s->s->schema->n;
	n->metrics = arena_array(&n->arena, total + 1, sizeof *n->metrics);
	n->devices = arena_array(&n->arena, total + 2, sizeof *n->devices);
	for (int old_ones = 0; old_ones < 2; old_ones++)	/* the present plan's names come first */
		for (struct sp_stream *s = streams; s != NULL; s = s->next)
			if ((s->s->plan_flow == NULL) == (old_ones == 1))
				add_stream(&b, s);
	list_metrics(n);
	if (old != NULL)
		move_values(n, old);
	if (b.alike > 0)
		log_warn("sparkplug_names_alike", "node=\"%s/%s\" names=%u example=\"%s\" why=\"they differ in the case of letters alone; some hosts "
		    "take them for one: rename\"", group, id, b.alike, strchr(b.example, '\n') != NULL ? strchr(b.example, '\n') + 1 : b.example);
	map_fini(&b.devices);
	map_fini(&b.lower);
	buf_fini(&b.text);
}

void
sp_node_fini(struct sp_node *n)
{
	for (uint32_t i = 0; i < n->nmetrics; i++)
		buf_fini(&n->metrics[i].bytes);
	map_fini(&n->by_key);
	arena_fini(&n->arena);
	*n = (struct sp_node){ 0 };
}
