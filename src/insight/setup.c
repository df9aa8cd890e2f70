/*
 * From a plan to tables: programs of all derived tags, the points that they read, who uses which point, and in which
 * order programs follow each other (rank: one more than the highest rank among the inputs).
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "insight/inside.h"
#include "site/derive.h"

static uint32_t
point_of(struct setup *s, const struct tag *t)
{
	uint32_t *slot = &s->feeds[t->source].points[t->index];

	if (*slot == NONE) {
		*slot = s->npoints;
		s->points[s->npoints++] = (struct point){ .tag = t };
	}
	return *slot;
}

uint64_t
prog_hash(const char *path, const char *field)
{
	uint64_t h = hash64(path, strlen(path));
	return field == NULL ? h : hash64_more(h, field, strlen(field) + 1);
}

int
prog_compile(struct setup *s, struct prog *g, const struct tag *t, const char *unit)
{
	struct derive_scope scope = { .own = t->path, .find = derive_find, .arg = &s->paths, .arena = &s->arena,
	    .plan = s->plan };
	struct expr_error e;
	int err = derive_compile(t->at, unit, &scope, &g->p, &e);

	if (err == 0 && t->type != VALUE_NULL && expr_value_type(g->p) != t->type)
		err = ERR_TYPE;
	if (err != 0) {
		log_error("expression_refused", "tag=\"%s\" column=%d cause=\"%s\"", t->path, e.column, e.cause);
		return ERR_SYNTAX;
	}
	g->tag = t;
	g->point = g->event = NONE;
	g->path_hash = prog_hash(t->path, NULL);
	g->state = arena_array(&s->arena, expr_state_size(g->p) / 8 + 1, 8);
	expr_init(g->p, g->state);
	g->in = arena_array(&s->arena, expr_inputs(g->p) + 1, sizeof *g->in);
	return 0;
}

static const struct tag *
input_tag(const struct prog *g, size_t i)
{
	return (const struct tag *)(uintptr_t)expr_input(g->p, i)->id;
}

static void
wire(struct setup *s)
{
	uint32_t nuses = 0, at = 0;

	for (uint32_t i = 0; i < s->nprogs; i++)
		for (size_t k = 0; k < expr_inputs(s->progs[i].p); k++) {
			s->points[point_of(s, input_tag(&s->progs[i], k))].nuses++;
			nuses++;
		}
	s->uses = arena_array(&s->arena, nuses + 1, sizeof *s->uses);
	for (uint32_t i = 0; i < s->npoints; i++) {
		s->points[i].use0 = at;
		at += s->points[i].nuses;
		s->points[i].nuses = 0;
		map_put(&s->points_by_path, s->points[i].tag->path, strlen(s->points[i].tag->path), &s->points[i]);
	}
	for (uint32_t i = 0; i < s->nprogs; i++)
		for (size_t k = 0; k < expr_inputs(s->progs[i].p); k++) {
			struct point *p = &s->points[point_of(s, input_tag(&s->progs[i], k))];
			s->uses[p->use0 + p->nuses++] = (struct use){ i, (uint8_t)k };
			s->progs[i].in[k] = &p->in;
		}
	for (uint32_t i = 0; i < s->nderived; i++)
		s->progs[i].point = s->feeds[s->progs[i].tag->source].points[s->progs[i].tag->index];
}

/* Ends: a circle was refused by the checks, and RANKS_MAX passes reach the deepest. */
static int
rank(struct setup *s)
{
	bool changed = true;

	for (uint32_t pass = 0; changed; pass++) {
		if (pass == RANKS_MAX)
			return ERR_LIMIT;
		changed = false;
		for (uint32_t i = 0; i < s->nprogs; i++) {
			const struct prog *g = &s->progs[i];
			if (g->point == NONE)
				continue;
			const struct point *p = &s->points[g->point];
			for (uint32_t k = 0; k < p->nuses; k++) {
				struct prog *user = &s->progs[s->uses[p->use0 + k].prog];
				if (user->rank > g->rank)
					continue;
				user->rank = g->rank + 1;
				changed = true;
			}
		}
	}
	return 0;
}

static void
make_queues(struct setup *s)
{
	uint32_t n[RANKS_MAX] = { 0 };

	for (uint32_t i = 0; i < s->nprogs; i++)
		n[s->progs[i].rank]++;
	for (uint32_t r = 0; r < RANKS_MAX; r++)
		s->queue[r].v = arena_array(&s->arena, n[r] + 1, sizeof *s->queue[r].v);
	s->lowest = RANKS_MAX;
	s->ticking = arena_array(&s->arena, s->nprogs + 1, sizeof *s->ticking);
	for (uint32_t r = 0; r < RANKS_MAX; r++)
		for (uint32_t i = 0; i < s->nprogs; i++)
			if (n[r] > 0 && s->progs[i].rank == r && s->progs[i].tag->with_inputs &&
			    expr_uses_time(s->progs[i].p))
				s->ticking[s->nticking++] = i;
}

/* Tags of one period, lowest rank first, so that one evaluation sees what was due with it. */
static void
make_dues(struct setup *s)
{
	struct map periods = { 0 };

	s->dues = arena_array(&s->arena, s->nprogs + 1, sizeof *s->dues);
	for (uint32_t pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < s->nprogs; i++) {
			const struct tag *t = s->progs[i].tag;
			if (t->with_inputs || s->progs[i].event != NONE)
				continue;
			struct due *d = map_get_u64(&periods, (uint64_t)t->scan_ns);
			if (d == NULL) {
				d = &s->dues[s->ndues++];
				d->period_ns = t->scan_ns;
				map_put_u64(&periods, (uint64_t)t->scan_ns, d);
			}
			d->n += pass == 0;
		}
		for (uint32_t i = 0; i < s->ndues && pass == 0; i++) {
			s->dues[i].progs = arena_array(&s->arena, s->dues[i].n + 1, sizeof *s->dues[i].progs);
			s->dues[i].n = 0;
		}
	}
	for (uint32_t r = 0; r < RANKS_MAX; r++)
		for (uint32_t i = 0; i < s->nprogs && s->queue[r].v != NULL; i++)
			if (s->progs[i].rank == r && !s->progs[i].tag->with_inputs && s->progs[i].event == NONE) {
				struct due *d = map_get_u64(&periods, (uint64_t)s->progs[i].tag->scan_ns);
				d->progs[d->n++] = i;
			}
	map_fini(&periods);
}

static void
make_feeds(struct setup *s)
{
	const struct plan *p = s->plan;

	s->feeds = arena_array(&s->arena, p->nsources + 1, sizeof *s->feeds);
	for (uint32_t i = 0; i < p->nsources; i++) {
		struct feed *f = &s->feeds[i];
		f->source = &p->sources[i];
		f->points = arena_array(&s->arena, f->source->ntags + 1, sizeof *f->points);
		memset(f->points, 0xff, (f->source->ntags + 1) * sizeof *f->points);
		f->blob.max = BATCH_BYTES_MAX;
		if (source_is_derived(f->source) && !source_is_events(f->source)) {
			uint32_t cap = f->source->ntags < BATCH_SAMPLES_MAX ? f->source->ntags : BATCH_SAMPLES_MAX;
			f->out = arena_array(&s->arena, cap + 1, sizeof *f->out);
			s->nprogs += f->source->ntags;
		} else
			map_put_u64(&s->feeds_by_key, f->source->key, f);
	}
}

int
setup_new(struct plan *p, struct setup **out)
{
	struct setup *s = calloc(1, sizeof *s);
	uint32_t n = 0;
	int err = 0;

	if (s == NULL)
		fatal("out_of_memory", "derived=%u", p->ntags);
	s->plan = p;
	make_feeds(s);
	s->nderived = s->nprogs;
	s->nprogs += events_count_progs(p);
	if (s->nprogs > 0)
		derive_index(&s->paths, p);
	s->progs = arena_array(&s->arena, s->nprogs + 1, sizeof *s->progs);
	for (uint32_t i = 0; i < p->nsources && err == 0; i++)
		for (uint32_t k = 0; source_is_derived(&p->sources[i]) && !source_is_events(&p->sources[i]) &&
		    k < p->sources[i].ntags && err == 0; k++)
			err = prog_compile(s, &s->progs[n++], &p->sources[i].tags[k], p->sources[i].tags[k].unit);
	if (err == 0)
		err = events_compile(s, n);
	if (err == 0) {
		size_t most = 0;
		for (uint32_t i = 0; i < s->nprogs; i++)
			most += expr_inputs(s->progs[i].p);
		s->points = arena_array(&s->arena, (most < p->ntags ? most : p->ntags) + 1, sizeof *s->points);
		wire(s);
		err = rank(s);
	}
	if (err != 0) {
		setup_free(s);
		return err;
	}
	make_queues(s);
	make_dues(s);
	*out = s;
	return 0;
}

void
setup_free(struct setup *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->npoints; i++)
		free(s->points[i].text);
	for (uint32_t i = 0; s->plan != NULL && i < s->plan->nsources; i++)
		buf_fini(&s->feeds[i].blob);
	map_fini(&s->feeds_by_key);
	map_fini(&s->points_by_path);
	map_fini(&s->paths);
	map_fini(&s->events_by_path);
	plan_free(s->plan);
	arena_fini(&s->arena);
	free(s);
}

static void
carry_prog(struct prog *g, const struct prog *old)
{
	uint8_t bytes[EXPR_KEEP_MAX];
	uint64_t key;

	if (expr_hash(g->p) == expr_hash(old->p) && expr_state_size(g->p) == expr_state_size(old->p)) {
		memcpy(g->state, old->state, expr_state_size(g->p));
		g->eval_ns = old->eval_ns;
		return;
	}
	for (size_t i = 0, n = expr_keeps(old->p); i < n; i++) {
		size_t len = expr_keep(old->p, old->state, i, &key, bytes);
		expr_restore(g->p, g->state, key, bytes, len);	/* one that is gone is gone */
	}
}

void
setup_carry(struct setup *s, const struct setup *old)
{
	struct map progs = { 0 };

	for (uint32_t i = 0; i < old->nprogs; i++)
		map_put_u64(&progs, old->progs[i].path_hash, &old->progs[i]);
	for (uint32_t i = 0; i < s->nprogs; i++) {
		const struct prog *was = map_get_u64(&progs, s->progs[i].path_hash);
		if (was != NULL)
			carry_prog(&s->progs[i], was);
	}
	map_fini(&progs);
	for (uint32_t i = 0; i < s->npoints; i++) {
		struct point *to = &s->points[i];
		struct point *from = map_get(&old->points_by_path, to->tag->path, strlen(to->tag->path));
		if (from == NULL || from->tag->type != to->tag->type)
			continue;
		to->in = from->in;
		to->text = from->text;	/* its bytes move with it: the old setup is about to go */
		to->cap = from->cap;
		from->text = NULL;
		from->cap = 0;
	}
	for (uint32_t i = 0; i < s->plan->nsources; i++)
		for (uint32_t k = 0; k < old->plan->nsources; k++)
			if (s->feeds[i].source->key == old->feeds[k].source->key) {
				s->feeds[i].seq = old->feeds[k].seq;
				s->feeds[i].epoch = old->feeds[k].epoch;
			}
}
