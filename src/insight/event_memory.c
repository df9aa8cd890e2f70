/* What is known of declarations and streams: made when first spoken of, kept for the life of the process. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "insight/event_journal.h"
#include "os/memfd.h"
#include "site/hash.h"

static void *
memory(void *p)
{
	if (p == NULL)
		fatal("out_of_memory", "what=events");
	return p;
}

struct event_memory *
event_memory_of(struct events *ev, const char *path, size_t len)
{
	uint64_t hash = hash64(path, len);

	hash = hash != 0 ? hash : 1;
	struct event_memory *m = map_get_u64(&ev->by_hash, hash);
	if (m != NULL)
		return m;
	m = memory(calloc(1, sizeof *m));
	m->path = memory(strndup(path, len));
	m->hash = hash;
	m->next = ev->memories;
	ev->memories = m;
	map_put_u64(&ev->by_hash, hash, m);
	return m;
}

struct event_total *
event_total_of(struct event_memory *m, uint64_t field)
{
	for (uint32_t i = 0; i < m->ntotals; i++)
		if (m->totals[i].field == field)
			return &m->totals[i];
	if (m->ntotals == m->totals_cap) {
		m->totals_cap = m->totals_cap != 0 ? m->totals_cap * 2 : 4;
		m->totals = memory(reallocarray(m->totals, m->totals_cap, sizeof *m->totals));
	}
	m->totals[m->ntotals] = (struct event_total){ .field = field };
	return &m->totals[m->ntotals++];
}

bool
event_totals_trim(struct event_memory *m, const struct event_rule *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->ntotals; i++) {
		uint32_t k = 0;
		while (k < r->nfields && (r->fields[k].from != EVENT_FROM_COUNT ||
		    hash_count(&r->fields[k]) != m->totals[i].field))
			k++;
		if (k < r->nfields)
			m->totals[n++] = m->totals[i];
	}
	bool less = n < m->ntotals;
	m->ntotals = n;
	return less;
}

struct event_stream *
event_stream_of(struct events *ev, const char *name, size_t len)
{
	for (struct event_stream *s = ev->streams; s != NULL; s = s->next)
		if (strlen(s->name) == len && memcmp(s->name, name, len) == 0)
			return s;
	struct event_stream *s = memory(calloc(1, sizeof *s));
	s->name = memory(strndup(name, len));
	s->origin = os_random();
	s->end = &s->first;
	s->dirty = true;
	s->next = ev->streams;
	ev->streams = s;
	return s;
}

struct event_wait *
event_wait_new(struct event_stream *s, struct event_memory *m, uint64_t no, const void *bytes, uint32_t len)
{
	struct event_wait *w = memory(calloc(1, sizeof *w + len));

	w->no = s->newest = no;
	w->path = m->path;
	w->hash = m->hash;
	w->len = len;
	if (len > 0)
		memcpy(w->bytes, bytes, len);
	*s->end = w;
	s->end = &w->next;
	s->bytes += len;
	return w;
}

void
event_stream_trim(struct events *ev, struct event_stream *s)
{
	while (s->first != NULL && s->first->no <= s->confirmed) {
		struct event_wait *w = s->first;
		s->first = w->next;
		s->bytes -= w->len;
		ev->bytes -= w->len;
		s->flying -= w->no <= s->sent && w->len <= s->flying ? w->len : 0;
		if (!w->journaled)
			ev->fresh--;
		free(w);
	}
	if (s->first == NULL) {
		s->end = &s->first;
		s->flying = 0;
	}
}

void
events_free(struct events *ev)
{
	for (struct event_memory *m = ev->memories, *next; m != NULL; m = next) {
		next = m->next;
		free(m->path);
		free(m->totals);
		free(m->kept);
		free(m->places);
		free(m);
	}
	for (struct event_stream *s = ev->streams, *next; s != NULL; s = next) {
		next = s->next;
		for (struct event_wait *w = s->first, *then; w != NULL; w = then) {
			then = w->next;
			free(w);
		}
		free(s->name);
		free(s);
	}
	map_fini(&ev->by_hash);
	buf_fini(&ev->out);
	buf_fini(&ev->record);
	*ev = (struct events){ .fd = -1 };
}
