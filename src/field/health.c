/* See health.h. */
#include "field/health.h"

#include "base/log.h"

static const char *const names[HEALTH_STATES] = {
	[HEALTH_GOOD] = "good",
	[HEALTH_SUSPECT] = "suspect",
	[HEALTH_SILENT] = "silent",
	[HEALTH_PROBING] = "probing",
};

/* Which state may follow which. */
static const uint8_t moves[HEALTH_STATES] = {
	[HEALTH_GOOD] = 1 << HEALTH_SUSPECT | 1 << HEALTH_SILENT,
	[HEALTH_SUSPECT] = 1 << HEALTH_GOOD | 1 << HEALTH_SILENT,
	[HEALTH_SILENT] = 1 << HEALTH_PROBING | 1 << HEALTH_GOOD,
	[HEALTH_PROBING] = 1 << HEALTH_SILENT | 1 << HEALTH_GOOD,
};

const char *
health_name(enum health_state s)
{
	return s < HEALTH_STATES ? names[s] : "unknown";
}

/* The one place where the state changes. People hear of demotion and recovery; the rest is for us. */
static void
enter(struct health *h, enum health_state to, struct mono now)
{
	unsigned long left_out = 0;

	if (h->state == to)
		return;
	if ((moves[h->state] >> to & 1) == 0)
		fatal("health_move", "source=\"%s\" from=%s to=%s", h->source, names[h->state], names[to]);
	bool told = to == HEALTH_SILENT ? h->state != HEALTH_PROBING : to == HEALTH_GOOD && h->state != HEALTH_SUSPECT;
	if (!told)
		log_debug("source_health", "source=\"%s\" from=%s to=%s", h->source, names[h->state], names[to]);
	else if (log_limit_ok(&h->quiet, now, &left_out))
		log_event(to == HEALTH_GOOD ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
		    to == HEALTH_GOOD ? "source_recovered" : "source_silent",
		    "source=\"%s\" misses=%u left_out=%lu", h->source, h->misses, left_out);
	/* A probe that fails leaves a silent source as long silent as it was. */
	if (h->state < HEALTH_SILENT || to < HEALTH_SILENT)
		h->since = now;
	h->state = to;
}

void
health_init(struct health *h, const char *source, uint64_t seed, bool shared, struct mono now)
{
	*h = (struct health){ .source = source, .shared = shared, .since = now };
	h->quiet = (struct log_limit){ .burst = 4, .period_ms = 60000 };
	backoff_init(&h->probes, HEALTH_PROBE_MIN_NS, HEALTH_PROBE_MAX_NS, seed);
}

static enum health_do
answered(struct health *h, struct mono now)
{
	bool was_demoted = health_demoted(h);

	enter(h, HEALTH_GOOD, now);
	h->misses = 0;
	h->answered = true;
	backoff_reset(&h->probes);
	return was_demoted ? HEALTH_RECOVER : HEALTH_NOTHING;
}

/* Garbage counts as a miss: a device whose every answer is broken is of no more use than a silent one. */
static enum health_do
missed(struct health *h, struct mono now)
{
	h->misses++;
	if (health_demoted(h))
		return HEALTH_NOTHING;
	if (h->misses >= (h->answered || !h->shared ? HEALTH_MISSES_MAX : HEALTH_MISSES_NEW)) {
		enter(h, HEALTH_SILENT, now);
		return HEALTH_DEMOTE;
	}
	enter(h, HEALTH_SUSPECT, now);
	return HEALTH_NOTHING;
}

enum health_do
health_outcome(struct health *h, enum outcome o, struct mono now)
{
	return o == OUTCOME_OK || o == OUTCOME_REFUSED ? answered(h, now) : missed(h, now);
}

void
health_probe(struct health *h, struct mono now)
{
	enter(h, HEALTH_PROBING, now);
}

void
health_probe_failed(struct health *h, struct mono now)
{
	if (h->state == HEALTH_PROBING)
		enter(h, HEALTH_SILENT, now);
}

void
health_link_down(struct health *h, struct mono now)
{
	health_probe_failed(h, now);
	if (h->state == HEALTH_SUSPECT) {
		enter(h, HEALTH_GOOD, now);
		h->misses = 0;
	}
}

void
budget_charge(struct budget *b, int64_t busy_ns, struct mono now)
{
	struct mono from = mono_before(b->free_at, now) ? now : b->free_at;
	struct mono until = mono_add(from, busy_ns * (100 - HEALTH_DEAD_PERCENT) / HEALTH_DEAD_PERCENT);

	b->free_at = mono_min(until, mono_add(now, HEALTH_DEBT_MAX_NS));
}
