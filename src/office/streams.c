/* Which streams of the spool are owed to which sinks: the spool's directories and the plan decide, the ledger says from where on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "office/inside.h"
#include "os/clock.h"

/* Gate may admit to a stream that has left the plan for half a minute yet: what was on its way. Reading a ledger may take a while. */
#define LATE_NS		(60 * NS_PER_S)
#define LOOK_NS		(3 * NS_PER_S)

int
stream_ledger(struct office *o, const struct stream *s, const char *sink, struct ledger_sink *out, uint64_t *admitted)
{
	struct ledger_account a;
	struct buf where = { 0 };
	unsigned long left_out;

	int err = ledger_read(s->path, o->opts.disk, &a, &where);
	if (err == ERR_CORRUPT && log_limit_ok(&o->complaints, mono_now(), &left_out))
		log_error("ledger_damaged", "stream=\"%s\" where=\"%s\" left_out=%lu", s->name, buf_text(&where), left_out);
	buf_fini(&where);
	if (err != 0)
		return err;
	if (admitted != NULL)
		*admitted = a.admitted;
	for (uint32_t i = 0; i < a.nsinks; i++) {
		if (strcmp(a.sinks[i].name, sink) == 0) {
			*out = a.sinks[i];
			return 0;
		}
	}
	return ERR_NOTFOUND;
}

/* ---- streams ---- */

static struct stream *
stream_find(const struct office *o, const char *name)
{
	for (struct stream *s = o->streams; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

static struct stream *
stream_get(struct office *o, const char *name, const char *flow, uint32_t version)
{
	struct stream *s = stream_find(o, name);
	struct disk_stat st;

	if (s != NULL || strlen(name) > REPORT_STREAM_MAX)
		return s;
	s = calloc(1, sizeof *s);
	if (s == NULL || (s->flow = strdup(flow)) == NULL)
		fatal("out_of_memory", "stream=\"%s\"", name);
	snprintf(s->name, sizeof s->name, "%s", name);
	s->path = office_path(o->spool, name);
	s->version = version;
	char *schema = office_path(s->path, "schema");
	if (o->opts.disk->stat(o->opts.disk->ctx, schema, &st) == 0)
		s->born_ns = st.mtime_ns;
	free(schema);
	s->next = o->streams;
	o->streams = s;
	return s;
}

static const struct spool_schema *
stream_schema(struct office *o, struct stream *s)
{
	unsigned long left_out;

	if (s->reader == NULL) {
		int err = spool_reader_open(s->path, 0, o->opts.disk, &s->reader);
		if (err != 0) {
			if (err != ERR_NOTFOUND && log_limit_ok(&o->complaints, mono_now(), &left_out))
				log_error("schema_unreadable", "stream=\"%s\" error=\"%s\"", s->name, err_text(err));
			s->reader = NULL;
			return NULL;
		}
	}
	return spool_reader_schema(s->reader);
}

void
streams_free(struct office *o)
{
	for (struct stream *s = o->streams, *next; s != NULL; s = next) {
		next = s->next;
		spool_reader_close(s->reader);
		free(s->path);
		free(s->flow);
		free(s);
	}
	o->streams = NULL;
}

/* ---- the plan's view ---- */

static const struct flow *
flow_find(const struct plan *p, const char *name)
{
	for (uint32_t i = 0; i < p->nflows; i++)
		if (strcmp(p->flows[i].name, name) == 0)
			return &p->flows[i];
	return NULL;
}

static bool
flow_has_sink(const struct plan *p, const struct flow *f, const char *sink)
{
	for (uint32_t i = 0; i < f->nsinks; i++)
		if (f->sinks[i] < p->nsinks && strcmp(p->sinks[f->sinks[i]].name, sink) == 0)
			return true;
	return false;
}

/* ---- pairs ---- */

struct owed *
owed_find(const struct outlet *k, const char *stream)
{
	for (struct pair *p = k->delivery.pairs; p != NULL; p = p->next)
		if (strcmp(owed_of(p)->stream->name, stream) == 0)
			return owed_of(p);
	return NULL;
}

/* Streams of one flow go one after the other: the plan's own last, the others as they were born. */
static bool
goes_before(const struct owed *a, const struct owed *b)
{
	if (a == b || a->visiting || strcmp(a->stream->flow, b->stream->flow) != 0 || a->current)
		return false;
	return b->current || a->stream->born_ns < b->stream->born_ns ||
	    (a->stream->born_ns == b->stream->born_ns && a->stream->version < b->stream->version);
}

static void
order(struct outlet *k)
{
	for (struct pair *p = k->delivery.pairs; p != NULL; p = p->next) {
		struct owed *w = owed_of(p), *best = NULL;
		for (struct pair *q = k->delivery.pairs; q != NULL; q = q->next)
			if (goes_before(owed_of(q), w) && (best == NULL || goes_before(best, owed_of(q))))
				best = owed_of(q);
		p->older = best != NULL ? &best->pair : NULL;
	}
}

struct owed *
owed_new(struct outlet *k, struct stream *s, uint64_t next)
{
	const struct spool_schema *schema = stream_schema(k->office, s);
	const struct plan *plan = k->office->plan->plan;
	const struct flow *f = flow_find(plan, s->flow);

	if (schema == NULL)
		return NULL;
	struct owed *w = calloc(1, sizeof *w);
	if (w == NULL)
		fatal("out_of_memory", "stream=\"%s\"", s->name);
	w->outlet = k;
	w->stream = s;
	w->plan = plan_hold(k->office->plan);
	w->current = f != NULL && f->schema == s->version;
	w->account = reporter_account(&k->office->reporter, s->name, k->name, next > 0 ? next - 1 : 0);
	w->pair.stream = (struct sink_stream){
		.flow = s->flow, .schema_version = s->version, .schema = schema, .plan_flow = w->current ? f : NULL, .plan = plan,
	};
	w->pair.dir = s->path;
	w->pair.office = w;
	w->pair.live_first = w->current && f->live_first;
	int err = k->type->stream_add(k->inst, &w->pair.stream);
	if (err != 0) {
		log_error("stream_refused", "sink=%s stream=\"%s\" error=\"%s\"", k->name, s->name, err_text(err));
		plan_let_go(w->plan);
		free(w);
		return NULL;
	}
	delivery_add(&k->delivery, &w->pair, next);
	s->pairs++;
	aside_recall(w, next);
	order(k);
	return w;
}

void
owed_free(struct owed *w)
{
	struct outlet *k = w->outlet;

	delivery_remove(&k->delivery, &w->pair);
	k->type->stream_remove(k->inst, &w->pair.stream);
	w->stream->pairs--;
	if (w->stream->pairs == 0) {
		spool_reader_close(w->stream->reader);
		w->stream->reader = NULL;
	}
	plan_let_go(w->plan);
	free(w);
	order(k);
}

bool
owed_may(struct outlet *k, const char *stream, uint64_t *next)
{
	const struct stream *s = stream_find(k->office, stream);
	const struct flow *f = s != NULL ? flow_find(k->office->plan->plan, s->flow) : NULL;
	struct ledger_sink l;

	if (s == NULL || (f != NULL && !flow_has_sink(k->office->plan->plan, f, k->name)))
		return false;
	if (stream_ledger(k->office, s, k->name, &l, NULL) != 0 || !l.active)
		return false;
	*next = l.next;
	return true;
}

struct owed *
owed_visit(struct outlet *k, const char *stream)
{
	struct owed *w = owed_find(k, stream);
	uint64_t next;

	if (w != NULL || !owed_may(k, stream, &next))
		return w;
	w = owed_new(k, stream_find(k->office, stream), next);
	if (w != NULL)
		w->visiting = true;
	return w;
}

/* ---- looking for work ---- */

/* Does the sink still get this stream, and from where? The ledger must name the sink: gate enters it before it admits for it. */
static void
examine(struct outlet *k, struct stream *s)
{
	const struct plan *plan = k->office->plan->plan;
	const struct flow *f = flow_find(plan, s->flow);
	bool current = f != NULL && f->schema == s->version;
	struct ledger_sink l;

	if (k->phase != OUTLET_RUNNING || owed_find(k, s->name) != NULL)
		return;
	if (f != NULL && !flow_has_sink(plan, f, k->name))
		return;
	if (stream_ledger(k->office, s, k->name, &l, NULL) != 0 || (!current && l.pending == 0))
		return;
	if (owed_new(k, s, l.next) != NULL)
		log_info("stream_taken_up", "sink=%s stream=\"%s\" next=%llu pending=%llu", k->name, s->name, (unsigned long long)l.next,
		    (unsigned long long)l.pending);
}

static bool
is_current(const struct office *o, const struct stream *s)
{
	const struct flow *f = flow_find(o->plan->plan, s->flow);
	return f != NULL && f->schema == s->version;
}

static void
found(void *arg, const char *dir, const char *flow, uint32_t version)
{
	struct office *o = arg;
	struct stream *s = stream_get(o, dir, flow, version);
	bool old = s != NULL && !is_current(o, s);

	if (s == NULL || s->examined || (old && s->looked.ns != 0 && mono_diff(o->scanned, s->looked) < LOOK_NS))
		return;
	for (struct outlet *k = o->outlets; k != NULL; k = k->next)
		examine(k, s);
	s->looked = o->scanned;
	s->examined = old && mono_diff(o->scanned, o->replanned) > LATE_NS;
}

void
streams_scan(struct office *o)
{
	o->scanned = mono_now();
	if (o->plan == NULL || o->stopping)
		return;
	int err = spool_streams(o->spool, o->opts.disk, found, o);
	unsigned long left_out;
	if (err != 0 && err != ERR_NOTFOUND && log_limit_ok(&o->complaints, mono_now(), &left_out))
		log_error("spool_unreadable", "spool=\"%s\" error=\"%s\"", o->spool, err_text(err));
}

static void
replan_pair(struct owed *w)
{
	const struct plan *plan = w->outlet->office->plan->plan;
	const struct flow *f = flow_find(plan, w->stream->flow);

	if (f != NULL && !flow_has_sink(plan, f, w->outlet->name)) {
		owed_free(w);	/* gate enters that the sink left: nothing is owed any more */
		return;
	}
	w->current = f != NULL && f->schema == w->stream->version;
	w->pair.live_first = w->current && f->live_first;
}

void
streams_look_again(struct office *o)
{
	o->replanned = mono_now();
	for (struct stream *s = o->streams; s != NULL; s = s->next) {
		s->examined = false;
		s->looked.ns = 0;
	}
}

void
streams_replan(struct office *o)
{
	streams_look_again(o);
	for (struct outlet *k = o->outlets; k != NULL; k = k->next) {
		for (struct pair *p = k->delivery.pairs, *next; p != NULL; p = next) {
			next = p->next;
			replan_pair(owed_of(p));
		}
		order(k);
	}
}

/* A stream of old with nothing left, known to the ledger as such, needs no pair. */
void
streams_tick(struct office *o)
{
	for (struct outlet *k = o->outlets; k != NULL; k = k->next) {
		for (struct pair *p = k->delivery.pairs, *next; p != NULL; p = next) {
			struct owed *w = owed_of(p);
			next = p->next;
			if (k->phase != OUTLET_RUNNING || w->current || k->delivery.retry.on || !pair_drained(p) ||
			    w->account->accounted + 1 < p->cursor)
				continue;
			if (!w->visiting)
				log_info("stream_drained", "sink=%s stream=\"%s\" last=%llu", k->name, w->stream->name,
				    (unsigned long long)(p->cursor - 1));
			owed_free(w);
		}
	}
}
