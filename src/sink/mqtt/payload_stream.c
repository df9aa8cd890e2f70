/* See payload.h: what depends on the tag alone, made once a stream. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "sink/mqtt/payload.h"
#include "sink/mqtt/topic.h"

static const char *
keep(struct arena *a, struct buf *b)
{
	return arena_strndup(a, buf_text(b), b->len);
}

/* Tags of one scan mostly share a topic: keep each text once. */
static const char *
keep_topic(struct arena *a, struct map *topics, const struct buf *b)
{
	char *known = map_get(topics, b->p, b->len);
	if (known == NULL) {
		known = arena_strndup(a, b->p, b->len);
		map_put(topics, known, b->len, known);
	}
	return known;
}

static const char *
source_of(const struct sink_stream *s, uint32_t i)
{
	if (s->plan_flow == NULL || i >= s->plan_flow->ntags || s->plan_flow->tags[i].source >= s->plan->nsources)
		return NULL;
	return s->plan->sources[s->plan_flow->tags[i].source].name;
}

static void
make_tag(struct payload_stream *p, const struct sink_stream *s, const char *topic, uint32_t i, struct map *topics, struct buf *b)
{
	const struct spool_tag *tag = &p->schema->tags[i];
	struct payload_tag *t = &p->tags[i];
	struct topic_parts parts = { s->plan->enterprise, s->plan->site, s->plan->country, s->flow, source_of(s, i), tag->name };

	t->source = parts.source;
	buf_reset(b);
	if (topic_make(topic, &parts, b) == 0)
		t->topic = keep_topic(&p->arena, topics, b);
	buf_reset(b);
	buf_puts(b, "{\"n\":");
	json_quote(b, tag->name, strlen(tag->name));
	buf_puts(b, ",\"v\":");
	t->head = p->kind == PAYLOAD_SCAN ? keep(&p->arena, b) : "";
	t->head_len = p->kind == PAYLOAD_SCAN ? (uint32_t)b->len : 0;
	t->unit = "";
	if (tag->unit == NULL || tag->unit[0] == '\0' || p->kind == PAYLOAD_SCAN)
		return;
	buf_reset(b);
	buf_puts(b, ",\"u\":");
	json_quote(b, tag->unit, strlen(tag->unit));
	t->unit = keep(&p->arena, b);
	t->unit_len = (uint32_t)b->len;
}

struct payload_stream *
payload_stream_new(const struct sink_stream *s, enum payload_kind kind, const char *topic, const struct payload_template *t)
{
	struct payload_stream *p = calloc(1, sizeof *p);
	struct map topics = { 0 };
	struct buf b = { 0 };

	if (p == NULL)
		fatal("out_of_memory", "what=\"a stream's texts\"");
	p->refs = 1;
	p->kind = kind;
	p->template = t;
	p->schema = s->schema;
	p->plan = s->plan;
	int n = snprintf(p->key, sizeof p->key, "%s@%08x/", s->flow, s->schema_version);
	p->key_len = n > 0 && (size_t)n < sizeof p->key ? (size_t)n : sizeof p->key - 1;
	json_quote(&b, s->flow, strlen(s->flow));
	p->flow = keep(&p->arena, &b);
	p->tags = arena_array(&p->arena, s->schema->n, sizeof *p->tags);
	for (uint32_t i = 0; i < s->schema->n; i++)
		make_tag(p, s, topic, i, &topics, &b);
	map_fini(&topics);
	buf_fini(&b);
	return p;
}

struct payload_stream *
payload_stream_ref(struct payload_stream *p)
{
	p->refs++;
	return p;
}

void
payload_stream_unref(struct payload_stream *p)
{
	if (p == NULL || --p->refs > 0)
		return;
	arena_fini(&p->arena);
	free(p);
}
