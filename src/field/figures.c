/* Figures of sources and of the process on the status page, brought up to date once a second. */
#include "field/ask.h"
#include "field/feed.h"
#include "field/link.h"
#include "os/clock.h"

#define FIGURES_NS NS_PER_S

/*
 * Scans a second over the last FEED_RATE_S seconds, in thousandths; to be taken once a second. Of a source that the
 * engine does not scan, since its server tells what changes: values a second.
 */
static uint64_t
rate_mhz(struct feed *f)
{
	uint64_t now = link_is_own(f->link) ? f->nsamples : f->nscans;
	uint64_t *oldest = &f->past[f->past_at % FEED_RATE_S];
	uint64_t seconds = f->past_at < FEED_RATE_S ? f->past_at : FEED_RATE_S;
	uint64_t then = f->past_at < FEED_RATE_S ? f->past[0] : *oldest;
	uint64_t rate = seconds == 0 ? 0 : (now - then) * 1000 / seconds;

	*oldest = now;
	f->past_at++;
	return rate;
}

static uint64_t
target_mhz(const struct source *s)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s->nscans; i++)
		sum += (uint64_t)(1000 * NS_PER_S / (s->scans_ns[i] > 0 ? s->scans_ns[i] : NS_PER_S));
	return sum;
}

void
feed_figures(struct feed *f, struct mono now)
{
	const struct link *l = f->link;
	struct driver_counts c = l->driver->counts(l->ctx, f->no);
	stat_t *s = f->figures;

	stat_set(&s[STATS_source_state], f->health.state);
	stat_set(&s[STATS_source_connected], l->state == LINK_UP);
	stat_set(&s[STATS_source_scans], f->nscans);
	stat_set(&s[STATS_source_skipped], f->nskipped);
	stat_set(&s[STATS_source_samples], f->nsamples);
	stat_set(&s[STATS_source_requests], c.requests);
	stat_set(&s[STATS_source_replies], c.replies);
	stat_set(&s[STATS_source_exceptions], c.exceptions);
	stat_set(&s[STATS_source_timeouts], c.timeouts);
	stat_set(&s[STATS_source_garbage], c.garbage);
	stat_set(&s[STATS_source_late_dropped], c.late_dropped);
	stat_set(&s[STATS_source_isolated], c.isolated_tags);
	stat_set(&s[STATS_source_reconnects], l->connects > 0 ? l->connects - 1 : 0);
	stat_set(&s[STATS_source_lateness_p50_us], hist_us(&f->lateness, 0.50, now));
	stat_set(&s[STATS_source_lateness_p99_us], hist_us(&f->lateness, 0.99, now));
	stat_set(&s[STATS_source_rate_mhz], f->rate_mhz);
	stat_set(&s[STATS_source_target_mhz], link_is_own(l) ? 0 : target_mhz(f->source));
	stat_set(&s[STATS_source_last_good_ns], (uint64_t)f->good_at.ns);
}

static void
field_figures(struct field *f)
{
	uint64_t up = 0;

	for (uint32_t i = 0; i < f->nlinks; i++)
		up += f->links[i]->state == LINK_UP;
	stat_set(&f->figures[STATS_field_links], f->nlinks);
	stat_set(&f->figures[STATS_field_links_up], up);
	stat_set(&f->figures[STATS_field_batches], f->batches);
	stat_set(&f->figures[STATS_field_samples], f->samples);
	stat_set(&f->figures[STATS_field_clock_steps], f->clock_steps);
}

void
figures_due(struct deadline *d, struct mono now)
{
	struct field *f = CONTAINER(d, struct field, figures_deadline);
	struct wall wall;

	field_now(f, &wall);	/* a step of the clock is noticed within a second even while nothing is scanned */
	for (uint32_t i = 0; i < f->nlinks; i++)
		for (uint32_t k = 0; k < f->links[i]->sources.n; k++) {
			struct feed *feed = f->links[i]->feeds[k];
			feed->rate_mhz = rate_mhz(feed);
			feed_figures(feed, now);
		}
	field_figures(f);
	deadline_set(&f->deadlines, d, mono_add(now, FIGURES_NS));
}

/* The page shows the new plan's sources at once, those that went on with the figures that they had. */
void
field_reset_figures(struct field *f)
{
	struct wall wall;
	struct mono now = field_now(f, &wall);

	if (f->stats != NULL)
		stats_reset(f->stats);
	f->figures = stats_object(f->stats, STATS_field, "field");
	for (uint32_t i = 0; i < f->nlinks; i++)
		for (uint32_t k = 0; k < f->links[i]->sources.n; k++) {
			struct feed *feed = f->links[i]->feeds[k];
			feed->figures = stats_object(f->stats, STATS_source, feed->source->name);
			feed_figures(feed, now);
		}
	field_figures(f);
}
