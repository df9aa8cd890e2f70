/*
 * Putting a plan in force. What keeps its name and schema keeps its stream, its numbers and the state of its
 * reduction; the rest of the streams stays for office to drain. Batches of sources that the new plan no longer has
 * may still be on their way; they go the old way for a while.
 */
#include <stdlib.h>

#include "gate/inside.h"

#define BEFORE_NS	(30 * NS_PER_S)

static int
seal(void *arg, const struct spool_seal *s)
{
	struct stream *st = arg;
	return st->ledger != NULL ? ledger_seal(st->ledger, s) : ERR_AGAIN;
}

static struct spool_opts
opts_of(const struct flow *f, struct stream *st)
{
	static const enum spool_durability of[] = {
		[DURABLE_EACH] = SPOOL_EACH, [DURABLE_INTERVAL] = SPOOL_INTERVAL, [DURABLE_NONE] = SPOOL_NONE,
	};
	struct spool_opts o = { .durability = SPOOL_INTERVAL, .seal = seal, .seal_arg = st };

	if (f == NULL)
		return o;
	o.durability = of[f->durability];
	o.sync_ns = f->sync_ns;
	o.quota_bytes = f->quota_bytes > 0 ? (uint64_t)f->quota_bytes : 0;
	o.quota_age_ns = f->quota_age_ns;
	return o;
}

static const struct flow *
flow_named(const struct plan *p, const char *name)
{
	for (uint32_t i = 0; i < p->nflows; i++)
		if (strcmp(p->flows[i].name, name) == 0)
			return &p->flows[i];
	return NULL;
}

/* Errors that somebody must look into switch one stream off; the disk's own moods are waited out. */
static void
open_failed(struct gate *g, struct stream *st, int err, struct mono now)
{
	if (err_action(err) == ERR_DO_RETRY) {
		gate_hold(g, st, err, now);
		return;
	}
	st->off = true;
	log_error("stream_off",
	    "stream=\"%s\" dir=\"%s\" error=\"%s\" note=\"nothing of this flow is admitted and what comes is lost; the "
	    "other flows go on. penstock spool verify shows the damage\"", st->dir, g->spool_dir, err_text(err));
}

/* Parameters of a flow whose schema stays: a new reduction begins where the old one is brought to an end. */
static void
set_reduction(struct stream *st, const struct flow *f, const struct reduce_point *points, uint32_t n, struct wall wall)
{
	struct reduce_how how = reduce_how_of(f);

	if (st->reduce != NULL && memcmp(&how, &st->how, sizeof how) == 0)
		return;
	if (st->reduce != NULL)
		reduce_finish(st->reduce, wall, &st->out);
	reduce_free(st->reduce);
	st->how = how;
	st->reduce = reduce_new(&how, points, n);
	st->tick_at = reduce_has_memory(st->reduce) && how.kind == REDUCE_WINDOW ? (struct mono){ 0 } : MONO_NEVER;
}

static bool
any_bytes(const struct spool_schema *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (value_has_bytes(s->tags[i].type))
			return true;
	return false;
}

/* One flow: find or make its stream, set it up, open it if it is not. NULL: it cannot be named on disk. */
static struct stream *
stream_for(struct gate *g, const struct plan *p, const struct flow *f, struct mono now, struct wall wall)
{
	struct arena scratch = { 0 };
	struct reduce_point *points;
	struct spool_schema schema;
	char dir[NAME_DIR_MAX];

	int err = name_stream(f->name, f->schema, dir);
	if (err != 0) {
		log_error("flow_refused", "flow=\"%s\" error=\"%s\"", f->name, err_text(err));
		return NULL;
	}
	struct stream *st = stream_by_dir(g, dir);
	if (st == NULL)
		st = stream_new(g, dir, f->name, f->schema);
	uint32_t n = flow_points(p, f, &points, &schema, &scratch);
	if (st->out.v == NULL && st->out.bytes == NULL) {
		st->bytes = any_bytes(&schema);
		out_init(&st->out, st->bytes);
	}
	set_reduction(st, f, points, n, wall);
	st->current = true;
	st->stale = false;
	st->latency_ns = f->latency_ns;
	st->opts = opts_of(f, st);
	st->ready = st->off = false;
	err = st->spool == NULL ? stream_open(g, st, &schema, wall) : spool_change(st->spool, &st->opts);
	if (err == 0)
		err = members_update(st, p, f, wall);
	st->ready = err == 0;
	if (err != 0)
		open_failed(g, st, err, now);
	arena_fini(&scratch);
	return st;
}

static void
find_old(void *arg, const char *dir, const char *flow, uint32_t schema)
{
	struct gate *g = arg;

	if (stream_by_dir(g, dir) == NULL)
		stream_new(g, dir, flow, schema);
}

/* They are opened as they stand, so that their backlog is accounted for and trimmed. */
void
plan_settle_old(struct gate *g, const struct plan *p, struct mono now, struct wall wall)
{
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		if (st->current || st->off)
			continue;
		const struct flow *f = flow_named(p, st->flow);
		st->opts = opts_of(f, st);
		int err = st->spool == NULL ? stream_open(g, st, NULL, wall) : spool_change(st->spool, &st->opts);
		if (err == 0)
			err = members_update(st, p, f, wall);
		if (err != 0) {
			unsigned long left_out;
			st->off = err_action(err) != ERR_DO_RETRY;
			if (log_limit_ok(&g->log_old, now, &left_out))
				log_error("old_stream_unreadable", "stream=\"%s\" error=\"%s\" note=\"what it still holds cannot be "
				    "accounted for%s\" suppressed=%lu", st->dir, err_text(err), st->off ? "" : " yet; tried again in some "
				    "seconds", left_out);
		}
	}
}

void
plan_forget_before(struct gate *g, struct mono now, struct wall wall)
{
	g->before_until = MONO_NEVER;
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		if (!st->stale)
			continue;
		st->stale = false;
		reduce_finish(st->reduce, wall, &st->out);
		reduce_free(st->reduce);
		st->reduce = NULL;
		int err = stream_flush(g, st, now, wall);
		if (err != 0)
			gate_hold(g, st, err, now);
	}
	for (uint32_t i = 0; g->route != NULL && i < g->before.n; i++)
		if (&g->before.sources[i] == g->route) {
			admit_lost(g, g->from, g->route, g->batch.head.n,
			    "the disk refused a batch of a plan that is over", now);
			g->route = NULL;
		}
	routes_fini(&g->before);
}

/*
 * Streams that have just left the plan: what they hold half done goes out now, what is still on its way may add to it.
 */
static void
retire(struct gate *g, struct mono now, struct wall wall)
{
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		if (st->current || st->reduce == NULL)
			continue;
		st->stale = true;
		st->tick_at = MONO_NEVER;
		reduce_finish(st->reduce, wall, &st->out);
		int err = stream_flush(g, st, now, wall);
		if (err != 0)
			gate_hold(g, st, err, now);
	}
}

static void
look_around(struct gate *g)
{
	g->memory = false;
	g->tick_at = MONO_NEVER;
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		g->memory |= (st->current || st->stale) && (reduce_has_memory(st->reduce) || st->latency_ns > 0);
		g->tick_at = mono_min(g->tick_at, st->tick_at);
	}
}

bool
plan_open_missing(struct gate *g, struct mono now, struct wall wall)
{
	bool all = true;

	for (uint32_t i = 0; g->plan != NULL && i < g->plan->nflows; i++) {
		char dir[NAME_DIR_MAX];
		const struct flow *f = &g->plan->flows[i];
		struct stream *st = name_stream(f->name, f->schema, dir) == 0 ? stream_by_dir(g, dir) : NULL;
		if (st == NULL || st->ready || st->off)
			continue;
		stream_for(g, g->plan, f, now, wall);
		all &= st->ready || st->off;
	}
	return all;
}

int
gate_plan(struct gate *g, struct plan *p, struct mono now, struct wall wall)
{
	struct stream **of_flow = calloc(p->nflows + 1, sizeof *of_flow);

	if (of_flow == NULL)
		fatal("out_of_memory", "flows=%u", p->nflows);
	plan_forget_before(g, now, wall);
	spool_streams(g->spool_dir, g->disk, find_old, g);
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream)
		st->current = false;
	for (uint32_t i = 0; i < p->nflows; i++)
		of_flow[i] = stream_for(g, p, &p->flows[i], now, wall);
	plan_settle_old(g, p, now, wall);
	retire(g, now, wall);
	g->before = g->routes;
	g->before_until = mono_add(now, BEFORE_NS);
	struct routes fresh;
	routes_build(g, p, of_flow, &fresh);
	g->routes = fresh;
	free(of_flow);
	plan_free(g->plan);
	g->plan = p;
	look_around(g);
	gate_figures(g);
	log_info("plan_in_force", "hash=%016llx flows=%u sources=%u", (unsigned long long)p->hash, p->nflows,
	    p->nsources);
	return 0;
}
