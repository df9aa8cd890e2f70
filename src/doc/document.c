/* The sections of the document, in the order in which a reviewer asks. See document.h. */
#include "doc/document.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "doc/draw.h"
#include "doc/events.h"
#include "doc/security.h"
#include "site/derive.h"
#include "site/ways.h"

#define HEADS(...) (const char *const[]){ __VA_ARGS__, NULL }
#define ROW(p, ...) page_row(p, (const char *const[]){ __VA_ARGS__ })

typedef void part(const struct document *d, struct page *p, struct arena *a);

static const char *
sl_text(const struct sl *sl, struct arena *a)
{
	if (!sl->set)
		return "";
	for (size_t i = 1; i < FRS; i++)
		if (sl->of[i] != sl->of[0])
			return arena_printf(a, "IAC %u, UC %u, SI %u, DC %u, RDF %u, TRE %u, RA %u", sl->of[0], sl->of[1], sl->of[2], sl->of[3], sl->of[4],
			    sl->of[5], sl->of[6]);
	return arena_printf(a, "%u", sl->of[0]);
}

static const char *
many(uint32_t n, const char *one, const char *more, struct arena *a)
{
	return arena_printf(a, "%u %s", n, n == 1 ? one : more);
}

static void
scope(const struct document *d, struct page *p, struct arena *a)
{
	const struct plan *s = d->plan;
	uint32_t sources = 0, tags = 0;

	for (uint32_t i = 0; i < s->nsources; i++) {
		sources += !source_is_derived(&s->sources[i]);
		tags += source_is_events(&s->sources[i]) ? 0 : s->sources[i].ntags;
	}
	page_heading(p, 1, "Scope");
	page_text(p, "This document describes how the machines of %s, %s, are integrated with the systems that use their data. It was made by Penstock "
	    PENSTOCK_VERSION " from the site file that the gateway itself runs, on %s; plan %016llx. Nothing in it was written by hand but what the site file says.",
	    s->enterprise, s->site, d->made, (unsigned long long)s->hash);
	if (p->format != PAGE_COLLECT)
		page_text(p, "%s, %s, %s; %s with %s; %s to %s; %s; %s.", many(s->nzones, "zone", "zones", a),
		    many(s->nconduits, "conduit", "conduits", a), many(s->arch->nnodes, "node", "nodes", a),
		    many(sources, "source", "sources", a), many(tags, "tag", "tags", a),
		    many(s->nflows, "flow", "flows", a), many(s->nsinks, "sink", "sinks", a),
		    many(s->nrequests, "kind of request back", "kinds of requests back", a),
		    many(s->arch->nexceptions, "exception", "exceptions", a));
	if (d->report != NULL && p->format != PAGE_COLLECT)
		page_text(p, d->report->n == 0 ? "penstock check has no findings." : "penstock check finds something (%zu): see exceptions and findings.", d->report->n);
}

static void
zones(const struct document *d, struct page *p, struct arena *a)
{
	const struct plan *s = d->plan;
	struct buf svg = { .max = 16u << 20 };

	page_heading(p, 1, "Zones and conduits");
	draw_zones(s, &svg);
	page_drawing(p, buf_text(&svg), "Zones by Purdue level. An arrow is a conduit: its head is where data goes, its dot the side that opens the session; dashed "
	    "is one-way.");
	buf_fini(&svg);
	page_table(p, "zones", HEADS("zone", "level", "kind", "SL-T", "SL-C", "owner", "networks", "namespace", "description"));
	for (uint32_t i = 0; i < s->nzones; i++) {
		const struct arch_zone *z = &s->arch->zones[i];
		const char *nets = "";
		for (uint32_t k = 0; k < z->nnetworks; k++)
			nets = arena_printf(a, "%s%s%s", nets, k > 0 ? ", " : "", z->networks[k]);
		ROW(p, s->zones[i].name, arena_printf(a, "%g", s->zones[i].level), zone_kinds[z->kind], sl_text(&z->sl_t, a), sl_text(&z->sl_c, a), z->owner, nets,
		    s->zones[i].netns, z->help);
	}
	page_table_end(p);
	page_table(p, "conduits", HEADS("conduit", "data from", "data to", "session from", "requests back", "one-way", "SL-T", "owner", "description"));
	for (uint32_t i = 0; i < s->nconduits; i++) {
		const struct conduit *c = &s->conduits[i];
		const struct arch_conduit *x = &s->arch->conduits[i];
		ROW(p, c->name, s->zones[c->from].name, s->zones[c->to].name, s->zones[c->initiator_from ? c->from : c->to].name, c->requests ? "admitted ones" : "none",
		    x->one_way ? "yes" : "no", sl_text(&x->sl_t, a), x->owner, x->help);
	}
	page_table_end(p);
}

/* What the nodes need beyond the flows: the ways that drift when nobody writes them down. */
static void
services(const struct plan *s, struct page *p, struct arena *a)
{
	if (s->arch->nservices == 0)
		return;
	page_heading(p, 2, "Services that the nodes use");
	page_table(p, "services", HEADS("service", "kind", "zone of the server", "address", "over", "session", "nodes", "accounts shared with", "owner", "description"));
	for (uint32_t i = 0; i < s->arch->nservices; i++) {
		const struct service *x = &s->arch->services[i];
		const char *nodes = "", *shared = "";
		for (uint32_t k = 0; k < x->nnodes; k++)
			nodes = arena_printf(a, "%s%s%s", nodes, k > 0 ? ", " : "", s->arch->nodes[x->nodes[k]].name);
		for (uint32_t k = 0; k < x->nshared; k++)
			shared = arena_printf(a, "%s%s%s", shared, k > 0 ? ", " : "", s->zones[x->shared[k]].name);
		ROW(p, x->name, service_kinds[x->kind], s->zones[x->zone].name, x->endpoint, service_transports[x->transport], x->server_opens ? "opened by the server" :
		    "opened by the node", nodes, x->kind == SERVICE_DIRECTORY ? shared : "", x->owner, x->help);
	}
	page_table_end(p);
}

static void
processes(const struct document *d, struct page *p, struct arena *a)
{
	const struct plan *s = d->plan;
	struct buf svg = { .max = 16u << 20 };

	page_heading(p, 1, "Nodes and processes");
	draw_processes(s, &svg);
	page_drawing(p, buf_text(&svg), "What runs on a node. Each box is a process with a sandbox of its own; an arrow is data.");
	buf_fini(&svg);
	if (s->arch->nnodes == 0)
		page_text(p, "The site file names no node.");
	else
		page_table(p, "nodes", HEADS("node", "zone", "interfaces", "does without", "owner", "description"));
	for (uint32_t i = 0; i < s->arch->nnodes; i++) {
		const struct gateway_node *n = &s->arch->nodes[i];
		const char *faces = "";
		for (uint32_t k = 0; k < n->ninterfaces; k++)
			faces = arena_printf(a, "%s%s%s %s faces %s", faces, k > 0 ? "; " : "", n->interfaces[k].name, n->interfaces[k].address, n->interfaces[k].zone);
		const char *without = "";
		for (int k = 0; k < SERVICE_KINDS; k++)
			if ((n->without >> k & 1) != 0)
				without = arena_printf(a, "%s%s%s", without, *without != '\0' ? ", " : "", service_kinds[k]);
		ROW(p, n->name, n->zone, faces, without, n->owner, n->help);
	}
	if (s->arch->nnodes > 0)
		page_table_end(p);
	services(s, p, a);
	page_text(p, "What each process may do is enforced by the kernel and measured: penstock status --security.");
}

static const char *
kind_of_depth(const char *path)
{
	static const char *const names[] = { "area", "work center", "work unit", "equipment module", "control module" };
	size_t depth = 0;

	for (const char *c = path; *c != '\0'; c++)
		depth += *c == '/';
	return names[depth < 5 ? depth : 4];
}

static void
equipment(const struct document *d, struct page *p, struct arena *a)
{
	const struct arch *x = d->plan->arch;

	page_heading(p, 1, "Equipment and assets");
	page_text(p, "Role-based hierarchy of IEC 62264-1 below %s / %s. The kind is by depth where the site file says none.", d->plan->enterprise, d->plan->site);
	page_table(p, "equipment", HEADS("equipment", "kind", "asset in this role now", "description"));
	for (uint32_t i = 0; i < x->nequipment; i++) {
		const struct arch_equipment *e = &x->equipment[i];
		const char *now = "";
		for (uint32_t k = 0; k < x->nassets; k++)
			for (uint32_t r = 0; r < x->assets[k].nroles; r++)
				if (strcmp(x->assets[k].roles[r].equipment, e->path) == 0 && x->assets[k].roles[r].from_s <= x->now_s && x->now_s < x->assets[k].roles[r].to_s)
					now = arena_printf(a, "%s%s%s", now, *now != '\0' ? ", " : "", x->assets[k].name);
		ROW(p, e->path, e->kind != EQUIPMENT_UNSAID ? equipment_kinds[e->kind] : kind_of_depth(e->path), now, e->help);
	}
	page_table_end(p);
	if (x->nassets == 0)
		return;
	page_table(p, "assets", HEADS("asset", "maker", "model", "serial", "roles", "description"));
	for (uint32_t i = 0; i < x->nassets; i++) {
		const char *roles = "";
		for (uint32_t r = 0; r < x->assets[i].nroles; r++) {
			const struct asset_role *role = &x->assets[i].roles[r];
			char from[WALL_TEXT], to[WALL_TEXT] = "now";
			wall_format((struct wall){ role->from_s * NS_PER_S }, 0, from);
			if (role->to_s != INT64_MAX)
				wall_format((struct wall){ (role->to_s - 1) * NS_PER_S }, 0, to);
			roles = arena_printf(a, "%s%s%.10s to %.10s %s", roles, r > 0 ? "; " : "", from, to, role->equipment);
		}
		ROW(p, x->assets[i].name, x->assets[i].maker, x->assets[i].model, x->assets[i].serial, roles, x->assets[i].help);
	}
	page_table_end(p);
}

/* As the site file says, or as the zone's kind does. */
static const char *
attached(const struct plan *s, uint32_t source)
{
	enum zone_kind kind = s->arch->zones[s->sources[source].zone].kind;

	if (s->arch->attached[source] != ATTACHED_UNSAID)
		return attachments[s->arch->attached[source] - ATTACHED_FIXED];
	return kind == ZONE_WIRELESS || kind == ZONE_TEMPORARY || kind == ZONE_EXTERNAL ? zone_kinds[kind] : attachments[0];
}

static void
sources(const struct document *d, struct page *p, struct arena *a)
{
	const struct plan *s = d->plan;

	page_heading(p, 1, "Systems");
	page_table(p, "sources", HEADS("source", "driver", "zone", "endpoint", "attached", "tags", "asked for"));
	for (uint32_t i = 0; i < s->nsources; i++) {
		const struct source *x = &s->sources[i];
		if (source_is_events(x))	/* in a chapter of their own */
			continue;
		if (source_is_derived(x)) {
			ROW(p, document_source(s, x, a), "insight process", s->zones[x->zone].name, "", "",
			    arena_printf(a, "%u", x->ntags), "");
			continue;
		}
		ROW(p, x->name, x->driver, s->zones[x->zone].name, x->endpoint, attached(s, i), arena_printf(a, "%u", x->ntags), x->requests_per_s > 0 ?
		    arena_printf(a, "%.3g requests/s", x->requests_per_s) : "");
	}
	page_table_end(p);
	page_table(p, "sinks", HEADS("sink", "kind", "zone"));
	for (uint32_t i = 0; i < s->nsinks; i++)
		ROW(p, s->sinks[i].name, s->sinks[i].kind, s->zones[s->sinks[i].zone].name);
	page_table_end(p);
}

static void
flows(const struct document *d, struct page *p, struct arena *a)
{
	static const struct { int column; const char *head; } shown[] = {
		{ MX_ID, "flow" }, { MX_USE_CASE, "use case" }, { MX_SOURCE, "from" }, { MX_TARGET, "to" }, { MX_CONDUIT, "conduits" },
		{ MX_INITIATOR, "session from" }, { MX_TRIGGER, "when" }, { MX_FREQUENCY, "how often" }, { MX_VOLUME, "volume" }, { MX_OWNER, "owner" }, { MX_CRITICALITY, "C" },
	};
	enum { SHOWN = sizeof shown / sizeof shown[0] };
	const char *heads[SHOWN + 1] = { 0 }, *cells[SHOWN];
	struct matrix_row *rows;
	size_t n = matrix_rows(d, a, &rows);

	page_heading(p, 1, "Data flows");
	page_text(p, "Delivery is at least once and in order, with a key by which the far end drops repeats; what was admitted is accounted for in the ledger. The "
	    "matrix with all %u columns: penstock doc SITE --matrix.", MATRIX_COLUMNS);
	for (size_t i = 0; i < SHOWN; i++)
		heads[i] = shown[i].head;
	page_table(p, "flows", heads);
	for (size_t i = 0; i < n; i++) {
		for (size_t c = 0; c < SHOWN; c++)
			cells[c] = rows[i].cell[shown[c].column];
		page_row(p, cells);
	}
	page_table_end(p);
	page_heading(p, 2, "When the way is broken");
	page_table(p, "outages", HEADS("flow", "must bridge", "buffer", "durability"));
	for (uint32_t i = 0; i < d->plan->nflows; i++) {
		static const char *const durability[] = { "each batch", "at intervals", "none: a power cut loses what was not written" };
		char bridge[DURATION_TEXT];
		const struct flow *f = &d->plan->flows[i];
		size_t k = 0;
		while (k < n && strncmp(rows[k].cell[MX_ID], f->name, strlen(f->name)) != 0)
			k++;
		ROW(p, f->name, d->plan->arch->flows[i].outage_ns > 0 ? duration_format(d->plan->arch->flows[i].outage_ns, bridge) : "not said",
		    k < n ? rows[k].cell[MX_BUFFERING] : "", durability[f->durability]);
	}
	page_table_end(p);
}

static void
interfaces(const struct document *d, struct page *p, struct arena *a)
{
	struct way *ways;
	uint32_t n = ways_of(d->plan, d->catalog, a, &ways);

	page_heading(p, 1, "Interfaces");
	page_text(p, "Every network way of the plan, and no other: the firewall rules of penstock firewall are made of the same rows.");
	page_table(p, "interfaces", HEADS("what", "protocol", "zone", "address", "port", "session", "encrypted", "flows"));
	for (uint32_t i = 0; i < n; i++)
		ROW(p, ways[i].what, ways[i].kind, ways[i].zone, ways[i].missing != NULL ? ways[i].missing : ways[i].host, ways[i].missing != NULL ? "" :
		    arena_printf(a, ways[i].one_way ? "%d (UDP)" : "%d", ways[i].port), ways[i].one_way ? "none, one way" : ways[i].inbound ? "opened by the far end" : "opened by us", ways[i].encrypted ? "yes" : "no", ways[i].flows);
	page_table_end(p);
}

static void
requests(const struct document *d, struct page *p, struct arena *a)
{
	const struct plan *s = d->plan;

	page_heading(p, 1, "The way back");
	if (s->nrequests == 0) {
		page_text(p, "Nothing: no request of anybody reaches a machine. The site file has no section requests.");
		return;
	}
	page_text(p, "Only these; every request and its outcome stands in the audit log (penstock audit show).");
	page_table(p, "requests", HEADS("request", "tags or method", "asked by", "roles", "limits", "interlock", "at most", "second person", "readback", "why", "owner"));
	for (uint32_t i = 0; i < s->nrequests; i++) {
		const struct request_rule *r = &s->requests[i];
		const char *by = r->cli ? "command line" : "", *roles = "";
		for (uint32_t k = 0; k < r->nsinks; k++)
			by = arena_printf(a, "%s%s%s", by, *by != '\0' ? ", " : "", s->sinks[r->sinks[k]].name);
		for (uint32_t k = 0; k < r->nroles; k++)
			roles = arena_printf(a, "%s%s%s", roles, k > 0 ? ", " : "", r->roles[k]);
		ROW(p, r->name, r->ntags == 0 ? r->method : r->ntags == 1 ? s->sources[r->tags[0].source].tags[r->tags[0].tag].path : arena_printf(a, "%u tags", r->ntags),
		    by, roles, r->has_limits ? arena_printf(a, "%g to %g", r->lo, r->hi) : r->nvalues + r->nwords > 0 ? "listed values" : "none", r->interlock,
		    r->per_minute > 0 ? arena_printf(a, "%u a minute", r->per_minute) : "", r->second_person ? "yes" : "no", r->readback ? "yes" : "no", r->why, r->owner);
	}
	page_table_end(p);
}

static void
history(const struct document *d, struct page *p, struct arena *a)
{
	(void)a;
	if (p->format == PAGE_COLLECT)
		return;
	page_heading(p, 1, "Changes of the site file");
	if (d->changes_note != NULL) {
		page_text(p, "%s", d->changes_note);
		return;
	}
	page_table(p, "changes", HEADS("when", "who", "what"));
	for (size_t i = 0; i < d->nchanges; i++)
		ROW(p, d->changes[i].when, d->changes[i].who, d->changes[i].what);
	page_table_end(p);
}

static part *const parts[] = {
	scope, zones, processes, equipment, sources, flows, document_events, interfaces, requests, document_security,
	document_exceptions, history,
};

void
document_write(const struct document *d, struct page *page)
{
	struct arena a = { 0 };
	char title[300];

	snprintf(title, sizeof title, "Integration architecture of %s, %s", d->plan->enterprise, d->plan->site);
	page_open(page, title);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		parts[i](d, page, &a);
	page_close(page);
	arena_fini(&a);
}
