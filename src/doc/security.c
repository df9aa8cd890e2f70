/* See security.h. */
#include "doc/security.h"

#include <stdio.h>

#include "base/clock.h"
#include "doc/requirements.h"

#define HEADS(...) (const char *const[]){ __VA_ARGS__, NULL }
#define ROW(p, ...) page_row(p, (const char *const[]){ __VA_ARGS__ })

static const char *
share_text(enum share s)
{
	static const char *const texts[] = { "gateway", "gateway and site", "open: not in the gateway yet", "site" };
	return texts[s];
}

/* Which zones demand it, "line-3, dmz". */
static const char *
demanding(const struct plan *s, const struct requirement *r, struct arena *a)
{
	const char *names = "";

	for (uint32_t z = 0; z < s->nzones; z++)
		if (s->arch->zones[z].sl_t.of[r->fr] >= r->sl)
			names = arena_printf(a, "%s%s%s", names, *names != '\0' ? ", " : "", s->zones[z].name);
	return names;
}

void
document_security(const struct document *d, struct page *p, struct arena *a)
{
	page_heading(p, 1, "Security requirements by zone");
	page_text(p, "System requirements of IEC 62443-3-3:2013 (with Corrigendum 1:2014) that a zone's target level demands, whose they are, and what the gateway's "
	    "part rests on. This supports an assessment; it is no certificate. What a level has achieved only the asset owner can say.");
	page_table(p, "requirements", HEADS("SR", "title", "from SL", "demanded by", "whose", "evidence or what is missing"));
	for (size_t i = 0; i < nrequirements; i++) {
		const struct requirement *r = &requirements[i];
		const char *zones_of = demanding(d->plan, r, a);
		if (*zones_of != '\0')
			ROW(p, r->sr, r->title, arena_printf(a, "%u", r->sl), zones_of, share_text(r->share), r->text);
	}
	page_table_end(p);
}

void
document_exceptions(const struct document *d, struct page *p, struct arena *a)
{
	const struct arch *x = d->plan->arch;

	page_heading(p, 1, "Exceptions and findings");
	if (x->nexceptions == 0)
		page_text(p, "There are no exceptions.");
	else
		page_table(p, "exceptions", HEADS("exception", "rule", "where", "reason", "owner", "until"));
	for (uint32_t i = 0; i < x->nexceptions; i++) {
		char until[WALL_TEXT];
		wall_format((struct wall){ (x->exceptions[i].expires_s - 1) * NS_PER_S }, 0, until);
		ROW(p, x->exceptions[i].name, x->exceptions[i].rule, x->exceptions[i].where, x->exceptions[i].reason, x->exceptions[i].owner,
		    arena_printf(a, "%.10s", until));
	}
	if (x->nexceptions > 0)
		page_table_end(p);
	if (d->report == NULL || d->report->n == 0)
		return;
	page_table(p, "findings", HEADS("finding", "rule", "remedy"));
	for (size_t i = 0; i < d->report->n; i++)
		ROW(p, d->report->findings[i].cause, d->report->findings[i].rule, d->report->findings[i].remedy);
	page_table_end(p);
}
