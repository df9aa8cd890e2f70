/*
 * The data-flow matrix: a row a flow, source zone and sink. What the plan knows is derived (frequency and volume from scans and reduction, guarantee from how delivery
 * works); what only people know is what they wrote, or empty.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "doc/document.h"
#include "site/derive.h"
#include "site/ways.h"

const char *const matrix_heads[MATRIX_COLUMNS] = {
	"flow_id", "name", "use_case", "purpose", "isa95_category", "operations_category", "info_object", "source_system", "source_level", "source_zone",
	"target_system", "target_level", "target_zone", "conduit_id", "payload_direction", "session_initiator", "trigger", "frequency", "latency_max_ms",
	"volume_typ", "volume_peak", "format", "schema_version", "mechanism", "protocol_port", "transport_security", "authentication",
	"delivery_guarantee", "ordering", "buffering", "backfill", "retention", "time_source", "data_owner", "technical_owner", "master_system",
	"criticality", "safety_impact", "confidentiality", "export_control", "write_capable", "failure_behaviour", "status", "exception_id",
};

#define BYTES_A_SAMPLE	20	/* in the spool, before compression */

struct load { double per_s; int64_t fastest_ns, slowest_ns; size_t tags; };

/* What the tags of one zone bring to a flow, at most. */
static struct load
load_of(const struct plan *p, const struct flow *f, uint32_t zone)
{
	struct load l = { .fastest_ns = INT64_MAX };

	for (uint32_t i = 0; i < f->ntags; i++) {
		const struct source *s = &p->sources[f->tags[i].source];
		int64_t ns = f->reduce == REDUCE_WINDOW ? f->window_ns : s->tags[f->tags[i].tag].scan_ns;
		if (s->zone != zone)
			continue;
		l.tags++;
		if (ns <= 0)
			continue;
		l.per_s += (double)NS_PER_S / (double)ns;
		l.fastest_ns = ns < l.fastest_ns ? ns : l.fastest_ns;
		l.slowest_ns = ns > l.slowest_ns ? ns : l.slowest_ns;
	}
	return l;
}

const char *
document_source(const struct plan *p, const struct source *s, struct arena *a)
{
	if (!source_is_derived(s))
		return s->name;
	return arena_printf(a, "%s of %s", source_is_events(s) ? "events" : "derived tags", p->zones[s->zone].name);
}

static const char *
systems_of(const struct plan *p, const struct flow *f, uint32_t zone, struct arena *a)
{
	bool *seen = arena_array(a, p->nsources, sizeof *seen);
	const char *names = "";
	size_t n = 0;

	for (uint32_t i = 0; i < f->ntags; i++) {
		const struct source *s = &p->sources[f->tags[i].source];
		if (s->zone != zone || seen[f->tags[i].source])
			continue;
		seen[f->tags[i].source] = true;
		if (++n <= 8)
			names = arena_printf(a, "%s%s%s", names, *names == '\0' ? "" : ", ", document_source(p, s, a));
	}
	return n > 8 ? arena_printf(a, "%s and %zu more", names, n - 8) : names;
}

static const char *
frequency(const struct flow *f, const struct load *l, struct arena *a)
{
	char x[DURATION_TEXT], y[DURATION_TEXT];

	if (l->slowest_ns == 0)
		return "on demand";
	if (l->fastest_ns == l->slowest_ns)
		return arena_printf(a, "%s%s", f->reduce == REDUCE_EVERY || f->reduce == REDUCE_WINDOW ? "every " : "at most every ", duration_format(l->fastest_ns, x));
	return arena_printf(a, "every %s to %s", duration_format(l->fastest_ns, x), duration_format(l->slowest_ns, y));
}

static const char *
trigger(const struct flow *f, struct arena *a)
{
	char x[DURATION_TEXT];

	switch (f->reduce) {
	case REDUCE_EVERY:
		return "cyclic, every sample";
	case REDUCE_ON_CHANGE:
		return f->at_least_every_ns == 0 ? "on change" : arena_printf(a, "on change, at least every %s", duration_format(f->at_least_every_ns, x));
	case REDUCE_WINDOW:
		return arena_printf(a, "cyclic, windows of %s", duration_format(f->window_ns, x));
	default:
		return "on change (swinging door)";
	}
}

static const char *
buffering(const struct flow *f, struct arena *a)
{
	char age[DURATION_TEXT];
	const char *bytes = f->quota_bytes > 0 ? arena_printf(a, "%.0f MiB", (double)f->quota_bytes / 1048576) : NULL;
	const char *old = f->quota_age_ns > 0 ? arena_printf(a, "%s", duration_format(f->quota_age_ns, age)) : NULL;

	if (bytes == NULL && old == NULL)
		return "spool on disk until delivered, no quota";
	return arena_printf(a, "spool on disk, at most %s%s%s; then the oldest goes, entered in the ledger", bytes != NULL ? bytes : "",
	    bytes != NULL && old != NULL ? " or " : "", old != NULL ? old : "");
}

static const struct way *
way_of(const struct way *ways, uint32_t n, const char *what)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(ways[i].what, what) == 0)
			return &ways[i];
	return NULL;
}

/* The chain of the flow's conduits from one zone to another. */
static const char *
conduit_names(const struct plan *p, const struct flow *f, uint32_t zone, uint32_t to, struct arena *a)
{
	const char *names = "";

	for (uint32_t step = 0; step < f->nconduits && zone != to; step++) {
		uint32_t i = 0;
		while (i < f->nconduits && p->conduits[f->conduits[i]].from != zone)
			i++;
		if (i == f->nconduits)
			break;
		names = *names == '\0' ? p->conduits[f->conduits[i]].name : arena_printf(a, "%s, %s", names, p->conduits[f->conduits[i]].name);
		zone = p->conduits[f->conduits[i]].to;
	}
	return names;
}

static const char *
exceptions_for(const struct plan *p, const struct flow *f, struct arena *a)
{
	const char *where = arena_printf(a, "flow %s", f->name), *names = "";

	for (uint32_t i = 0; i < p->arch->nexceptions; i++)
		if (strcmp(p->arch->exceptions[i].where, where) == 0)
			names = *names == '\0' ? p->arch->exceptions[i].name : arena_printf(a, "%s, %s", names, p->arch->exceptions[i].name);
	return names;
}

static const char *
word(const char *const *words, int i)
{
	return i < 0 ? "" : words[i];
}

static bool
written_back(const struct plan *p, const struct flow *f, uint32_t sink)
{
	for (uint32_t i = 0; i < p->nrequests; i++)
		for (uint32_t k = 0; k < p->requests[i].nsinks; k++)
			for (uint32_t t = 0; t < p->requests[i].ntags && p->requests[i].sinks[k] == sink; t++)
				for (uint32_t n = 0; n < f->ntags; n++)
					if (f->tags[n].source == p->requests[i].tags[t].source && f->tags[n].tag == p->requests[i].tags[t].tag)
						return true;
	return false;
}

static void
fill(const struct document *d, const struct flow *f, uint32_t zone, uint32_t sink, const struct way *ways, uint32_t nways, struct arena *a,
    struct matrix_row *r)
{
	const struct plan *p = d->plan;
	const struct arch_flow *x = &p->arch->flows[f - p->flows];
	const struct sink *s = &p->sinks[sink];
	const struct zone *from = &p->zones[zone], *to = &p->zones[s->zone];
	const struct way *w = way_of(ways, nways, arena_printf(a, "sink %s", s->name));
	struct load l = load_of(p, f, zone);
	const char *conduits = conduit_names(p, f, zone, s->zone, a);
	bool outbound = w == NULL || !w->inbound;

	*r = (struct matrix_row){ .cell = {
		arena_printf(a, "%s/%s/%s", f->name, from->name, s->name), f->name, x->use_case, f->why, word(arch_exchanges, x->exchange),
		word(arch_categories, x->category), x->info_object, systems_of(p, f, zone, a), arena_printf(a, "%g", from->level), from->name, s->name,
		arena_printf(a, "%g", to->level), to->name, conduits, arena_printf(a, "%s to %s", from->name, to->name), outbound ? from->name : to->name,
		trigger(f, a), frequency(f, &l, a), f->latency_ns > 0 ? arena_printf(a, "%lld", (long long)(f->latency_ns / NS_PER_MS)) : "",
		arena_printf(a, "%zu %s, at most %.3g values/s", l.tags, l.tags == 1 ? "tag" : "tags", l.per_s), arena_printf(a, "%.3g MiB/day", l.per_s * BYTES_A_SAMPLE * 86400 / 1048576),
		s->kind, arena_printf(a, "%08x", f->schema), outbound ? "publish" : "served to subscribers", w == NULL ? "stays on this machine" :
		arena_printf(a, w->one_way ? "udp/%d" : "tcp/%d", w->port), w == NULL ? "" : w->encrypted ? "TLS or OPC UA security" : "none", "",
		"at least once, with a key that drops repeats", "in order of each flow", buffering(f, a), "yes, from the spool", "",
		"device or server where it gives one, else arrival", f->owner, "", "", x->criticality > 0 ? arena_printf(a, "C%d", x->criticality) : "",
		p->arch->zones[zone].kind == ZONE_SAFETY ? "yes" : "no", x->personal_data ? arena_printf(a, "%s, personal",
		word(arch_confidentialities, x->confidentiality)) : word(arch_confidentialities, x->confidentiality), x->export_control,
		written_back(p, f, sink) ? "yes, see requests" : "no", "keeps, and delivers later in order", arch_statuses[x->status], exceptions_for(p, f, a),
	} };
}

static bool
comes_from(const struct plan *p, const struct flow *f, uint32_t zone)
{
	for (uint32_t i = 0; i < f->ntags; i++)
		if (p->sources[f->tags[i].source].zone == zone)
			return true;
	return false;
}

size_t
matrix_rows(const struct document *d, struct arena *a, struct matrix_row **out)
{
	const struct plan *p = d->plan;
	struct way *ways;
	uint32_t nways = ways_of(p, d->catalog, a, &ways);
	size_t n = 0, cap = 1;

	for (uint32_t i = 0; i < p->nflows; i++)
		cap += (size_t)p->nzones * p->flows[i].nsinks;
	*out = arena_array(a, cap, sizeof **out);
	for (uint32_t i = 0; i < p->nflows; i++)
		for (uint32_t z = 0; z < p->nzones; z++)
			for (uint32_t s = 0; s < p->flows[i].nsinks && comes_from(p, &p->flows[i], z); s++)
				fill(d, &p->flows[i], z, p->flows[i].sinks[s], ways, nways, a, &(*out)[n++]);
	return n;
}

/* A cell that a spreadsheet would take for a formula is no formula. */
static void
csv_cell(struct buf *out, const char *s)
{
	buf_putc(out, '"');
	if (strchr("=+-@\t\r", *s) != NULL && *s != '\0')
		buf_putc(out, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			buf_putc(out, '"');
		buf_putc(out, *s);
	}
	buf_putc(out, '"');
}

void
document_matrix(const struct document *d, struct buf *out)
{
	struct arena a = { 0 };
	struct matrix_row *rows;
	size_t n = matrix_rows(d, &a, &rows);

	for (size_t c = 0; c < MATRIX_COLUMNS; c++)
		buf_printf(out, "%s%s", c > 0 ? "," : "", matrix_heads[c]);
	buf_puts(out, "\r\n");
	for (size_t i = 0; i < n; i++) {
		for (size_t c = 0; c < MATRIX_COLUMNS; c++) {
			if (c > 0)
				buf_putc(out, ',');
			csv_cell(out, rows[i].cell[c] != NULL ? rows[i].cell[c] : "");
		}
		buf_puts(out, "\r\n");
	}
	arena_fini(&a);
}
