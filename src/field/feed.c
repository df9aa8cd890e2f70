/* See feed.h. */
#include "field/feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "field/link.h"
#include "os/clock.h"

static void scan_due(struct deadline *d, struct mono now);
static void probe_due(struct deadline *d, struct mono now);

static void *
must_calloc(size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size);

	if (p == NULL)
		fatal("out_of_memory", "what=feed n=%zu size=%zu", n, size);
	return p;
}

static uint32_t
tags_of_class(const struct source *s, uint32_t scan_class)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->ntags; i++)
		n += s->tags[i].scan_ns > 0 && s->tags[i].scan_class == scan_class;
	return n;
}

static void
scan_over(struct scan *s)
{
	s->running = false;
	s->feed->link->running--;
	field_scan_ended(s->feed->field);
}

struct feed *
feed_new(struct link *l, uint32_t no, const struct source *s, bool shared, struct mono now)
{
	struct feed *f = must_calloc(1, sizeof *f);

	*f = (struct feed){ .field = l->field, .link = l, .no = no, .source = s, .probe.fire = probe_due };
	health_init(&f->health, s->name, s->key, shared, now);
	f->scans = must_calloc(s->nscans, sizeof *f->scans);
	for (uint32_t i = 0; i < s->nscans; i++) {
		struct scan *scan = &f->scans[i];
		*scan = (struct scan){ .timer.fire = scan_due, .feed = f, .scan_class = (uint16_t)i };
		grid_init(&scan->grid, s->scans_ns[i], s->key, i);
		emit_init(&scan->emit, f, (uint16_t)i, tags_of_class(s, i));
	}
	uint32_t loose = link_is_own(l) ? FEED_LOOSE_OWN_MAX : FEED_LOOSE_MAX;
	emit_init(&f->loose, f, 0, s->ntags < loose ? s->ntags : loose);
	f->known = must_calloc(s->ntags, sizeof *f->known);
	for (uint32_t i = 0; i < s->ntags; i++)
		f->known[i].scan_class = (uint16_t)(s->tags[i].scan_ns > 0 ? s->tags[i].scan_class : s->nscans);
	f->stepped = must_calloc((s->ntags + 63) / 64, sizeof *f->stepped);
	f->figures = stats_object(f->field->stats, STATS_source, s->name);
	return f;
}

void
feed_move(struct feed *f, struct link *l, uint32_t no, const struct source *s, bool shared)
{
	f->link = l;
	f->no = no;
	f->source = s;
	f->health.source = s->name;
	f->health.shared = shared;
	for (uint32_t i = 0; i < s->nscans; i++)
		f->scans[i].running = false;
}

void
feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	feed_halt(f);
	for (uint32_t i = 0; i < f->source->nscans; i++) {
		if (f->scans[i].running)
			scan_over(&f->scans[i]);
		emit_flush(&f->scans[i].emit, false);
		emit_fini(&f->scans[i].emit);
	}
	emit_flush(&f->loose, false);
	emit_fini(&f->loose);
	for (uint32_t i = 0; i < f->source->ntags; i++)
		if (f->known[i].cap > 0)
			free((void *)(uintptr_t)f->known[i].good.p);
	free(f->known);
	free(f->stepped);
	free(f->scans);
	free(f);
}

/* Make all tags bad with this status, unless they are so already. */
static void
give_up(struct feed *f, uint32_t status)
{
	struct wall wall;

	if (f->given_up)
		return;
	f->given_up = true;
	field_now(f->field, &wall);
	for (uint32_t i = 0; i < f->source->nscans; i++)
		emit_flush(&f->scans[i].emit, false);	/* what is older goes out first */
	link_enter(f->link);
	f->link->driver->give_up(f->link->ctx, f->no, status, wall);
	emit_flush(&f->loose, false);
	link_leave(f->link);
}

static void
start_scans(struct feed *f, struct mono now)
{
	for (uint32_t i = 0; i < f->source->nscans && !f->field->stopping; i++) {
		struct scan *s = &f->scans[i];
		if (deadline_is_set(&s->timer))
			continue;
		grid_start(&s->grid, now);
		s->first = s->grid.period_ns > FEED_FIRST_SCAN_NS;
		deadline_set(&f->field->deadlines, &s->timer, s->first ? now : s->grid.due);
	}
}

static void
stop_scans(struct feed *f)
{
	for (uint32_t i = 0; i < f->source->nscans; i++)
		deadline_clear(&f->field->deadlines, &f->scans[i].timer);
}

void
feed_halt(struct feed *f)
{
	stop_scans(f);
	deadline_clear(&f->field->deadlines, &f->probe);
	link_probe_forget(f->link, f);
}

/* Hand one scan to the driver. */
static void
run_scan(struct scan *s, struct mono due)
{
	struct feed *f = s->feed;
	struct wall wall;
	struct mono now = field_now(f->field, &wall);

	/* Before the call: the driver may bring samples, even the end of the scan, from within it. */
	s->emit.due_ns = wall.ns - mono_diff(now, due);
	s->running = true;
	f->link->running++;
	f->field->running++;
	link_enter(f->link);
	if (f->link->driver->scan(f->link->ctx, f->no, s->scan_class, false, now, wall) == 0)
		hist_add(&f->lateness, mono_diff(now, due), now);
	else {
		f->nskipped++;
		scan_over(s);
	}
	link_leave(f->link);
}

static void
scan_due(struct deadline *d, struct mono now)
{
	struct scan *s = CONTAINER(d, struct scan, timer);
	struct feed *f = s->feed;
	struct mono due = now;
	uint64_t skipped = 0;

	/* The link takes over new sources: this scan is done right after, see apply.c. */
	if (f->link->change != NULL) {
		deadline_set(&f->field->deadlines, d, mono_add(now, NS_PER_MS));
		return;
	}
	if (!s->first)
		due = grid_take(&s->grid, now, &skipped);
	s->first = false;
	f->nskipped += skipped;
	/* A value is missed now: from here on it would be stale, so it is bad. */
	if (f->link->state != LINK_UP) {
		give_up(f, (uint32_t)(f->health.answered ? STATUS_BadNoCommunication : STATUS_BadServerNotConnected));
		return;
	}
	deadline_set(&f->field->deadlines, d, s->grid.due);
	if (s->running)
		f->nskipped++;
	else
		run_scan(s, due);
}

static void
probe_due(struct deadline *d, struct mono now)
{
	(void)now;
	struct feed *f = CONTAINER(d, struct feed, probe);
	link_probe_enqueue(f->link, f);
}

bool
feed_probe(struct feed *f, struct mono now)
{
	struct wall wall;

	if (f->source->nscans == 0)
		return false;
	field_now(f->field, &wall);
	health_probe(&f->health, now);
	link_enter(f->link);
	int err = f->link->driver->scan(f->link->ctx, f->no, 0, true, now, wall);
	link_leave(f->link);
	if (err != 0)
		health_probe_failed(&f->health, now);
	return err == 0;
}

void
feed_up(struct feed *f, struct mono now)
{
	if (health_demoted(&f->health))
		link_probe_enqueue(f->link, f);
	else
		start_scans(f, now);
}

void
feed_down(struct feed *f, struct mono now)
{
	health_link_down(&f->health, now);
	deadline_clear(&f->field->deadlines, &f->probe);
	link_probe_forget(f->link, f);
	for (uint32_t i = 0; i < f->source->nscans; i++)
		/* The driver's down() has ended them; a driver that forgot must not block us. */
		if (f->scans[i].running)
			feed_scan_done(f, i, now);
}

void
feed_unreachable(struct feed *f)
{
	stop_scans(f);
	give_up(f, (uint32_t)(f->health.answered ? STATUS_BadNoCommunication : STATUS_BadServerNotConnected));
}

/* Keep what `penstock why` wants to know. */
static void
remember(struct feed *f, const struct sample *s)
{
	struct known *k = &f->known[s->tag];

	if (k->status != s->status || k->since.ns == 0) {
		k->status = s->status;
		k->since = s->arrival;
	}
	if (!status_is_good(s->status))
		return;
	k->good_at = s->arrival;
	f->good_at = s->arrival;
	const void *mine = k->good.p;
	k->good = s->v;
	if (!value_has_bytes(s->v.type))
		return;
	if (k->cap < s->v.len || k->cap == 0) {
		void *p = realloc(k->cap > 0 ? (void *)(uintptr_t)mine : NULL, s->v.len > 0 ? s->v.len : 1);
		if (p == NULL)
			fatal("out_of_memory", "what=last-value source=\"%s\"", f->source->name);
		mine = p;
		k->cap = s->v.len > 0 ? s->v.len : 1;
	}
	if (s->v.len > 0)
		memcpy((void *)(uintptr_t)mine, s->v.p, s->v.len);
	k->good.p = mine;
}

/* The batch that a sample of this tag belongs to. */
static struct emit *
emit_of(struct feed *f, const struct sample *s)
{
	uint16_t c = f->known[s->tag].scan_class;

	return (s->flags & SAMPLE_REREAD) == 0 && c < f->source->nscans && f->scans[c].running ? &f->scans[c].emit :
	    &f->loose;
}

void
feed_sample(struct feed *f, const struct sample *s)
{
	struct sample *to = emit_add(emit_of(f, s), s, f->field->now);

	if (f->nstepped > 0 && (f->stepped[s->tag / 64] >> (s->tag % 64) & 1) != 0) {
		f->stepped[s->tag / 64] &= ~(1ull << (s->tag % 64));
		f->nstepped--;
		to->flags |= SAMPLE_CLOCK_STEP;
	}
	f->nsamples++;
	if (status_is_good(s->status))
		f->given_up = false;
	remember(f, s);
}

/* What waits goes first, so that a tag's samples keep their order. */
void
feed_numbered(struct feed *f, const struct sample *v, uint32_t n, const struct driver_numbers *no)
{
	static struct sample room[BATCH_SAMPLES_MAX];
	struct buf blob = { .max = BATCH_BYTES_MAX };

	emit_flush(&f->loose, false);
	for (uint32_t i = 0; i < n; i++) {
		room[i] = v[i];
		if (value_has_bytes(v[i].v.type)) {
			room[i].v.u = blob.len;
			buf_put(&blob, v[i].v.p, v[i].v.len);
		}
		if (v[i].tag >= f->source->ntags || blob.err != 0)
			fatal("driver_broken", "source=\"%s\" what=numbered tag=%u bytes=%zu", f->source->name, v[i].tag, blob.len);
		if (status_is_good(v[i].status))
			f->given_up = false;
		remember(f, &v[i]);
	}
	f->nsamples += n;
	struct batch_head head = { .source_key = f->source->key, .seq = ++f->seq, .n = n, .blob_len = (uint32_t)blob.len,
	    .flags = no->kind == NUMBERS_LOST ? BATCH_LOST : no->kind == NUMBERS_ASK ? BATCH_ASK : 0, .origin = no->origin, .origin_no = no->no, .origin_prev = no->prev, .origin_base = no->base };
	field_emit(f->field, &head, room, buf_text(&blob));
	buf_fini(&blob);
}

void
feed_scan_done(struct feed *f, uint32_t scan_class, struct mono now)
{
	if (scan_class < f->source->nscans && f->scans[scan_class].running) {
		struct scan *s = &f->scans[scan_class];
		f->nscans++;
		emit_flush(&s->emit, true);
		scan_over(s);
	} else if (f->link->probing == f)
		link_probe_ended(f->link, f, now);
}

void
feed_outcome(struct feed *f, enum outcome o, int64_t busy_ns, struct mono now)
{
	struct link *l = f->link;

	switch (health_outcome(&f->health, o, now)) {
	case HEALTH_DEMOTE:
		f->todo |= FEED_DEMOTE;
		l->todo = true;
		break;
	case HEALTH_RECOVER:
		f->todo |= FEED_RECOVER;
		l->todo = true;
		break;
	case HEALTH_NOTHING:
		break;
	}
	if (o == OUTCOME_OK || o == OUTCOME_REFUSED) {
		l->silence = 0;
		if (!l->answered) {
			l->answered = true;
			backoff_reset(&l->retry);
		}
	} else {
		l->silence++;
		budget_charge(&l->budget, busy_ns, now);
	}
}

void
feed_act(struct feed *f, struct mono now)
{
	uint32_t todo = f->todo;

	f->todo = 0;
	/* Both in one call: the later state counts. */
	if ((todo & FEED_DEMOTE) != 0 && health_demoted(&f->health)) {
		stop_scans(f);
		give_up(f, (uint32_t)(f->health.answered ? STATUS_BadNoCommunication : STATUS_BadTimeout));
		deadline_set(&f->field->deadlines, &f->probe, mono_add(now, health_pause(&f->health)));
	} else if ((todo & FEED_RECOVER) != 0 && !health_demoted(&f->health)) {
		deadline_clear(&f->field->deadlines, &f->probe);
		link_probe_forget(f->link, f);
		start_scans(f, now);
		link_probe_others(f->link);
	}
}

void
feed_step(struct feed *f)
{
	memset(f->stepped, 0xff, (f->source->ntags + 63) / 64 * sizeof *f->stepped);
	f->nstepped = f->source->ntags;
}
