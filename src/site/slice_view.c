/* See slice_view.h. The table below is the promise that slice.h makes. */
#include "site/slice_view.h"

#include "site/derive.h"

static const struct {
	bool	endpoints;	/* endpoint, link and driver keys of sources */
	bool	addresses;	/* `at` of tags */
	bool	expressions;	/* those of derived tags */
	bool	all_tags;	/* else only those that a flow names, or that may be written (below) */
	bool	one_zone;	/* sources of one zone only */
	bool	flows, sinks, sink_keys;
	bool	requests;	/* what may be asked of devices */
	bool	writes;		/* of that, only which tags may be written from which sink */
	bool	events;		/* what events are made of */
	bool	help;		/* descriptions of tags: for those who write schemas */
} told[] = {
	[SLICE_FIELD] =   { .endpoints = true, .addresses = true, .all_tags = true, .one_zone = true },
	[SLICE_INSIGHT] = { .all_tags = true, .expressions = true, .events = true },
	[SLICE_GATE] =    { .all_tags = true, .flows = true, .sinks = true, .requests = true,
	    .help = true },
	[SLICE_OFFICE] =  { .flows = true, .sinks = true, .sink_keys = true, .writes = true, .help = true },
	[SLICE_ALL] =     { .endpoints = true, .addresses = true, .all_tags = true, .flows = true, .sinks = true,
	    .sink_keys = true, .requests = true, .events = true, .help = true },
};

/* For each tag of the plan: 0 when it is left out, else its new number within its source, plus 1. */
static uint32_t *
number_tags(const struct plan *p, enum slice_for who, uint32_t zone, struct arena *a)
{
	uint32_t *keep = arena_array(a, p->ntags + 1, sizeof *keep);

	for (uint32_t i = 0; told[who].flows && i < p->nflows; i++)
		for (uint32_t k = 0; k < p->flows[i].ntags; k++) {
			const struct flow_tag *ft = &p->flows[i].tags[k];
			keep[&p->sources[ft->source].tags[ft->tag] - p->tags] = 1;
		}
	/* A sink may write what it does not read: orders from an ERP go to tags that no flow needs to bring back. */
	for (uint32_t i = 0; told[who].writes && i < p->nrequests; i++)
		for (uint32_t k = 0; p->requests[i].kind == REQUEST_WRITE && p->requests[i].nsinks > 0 &&
		    k < p->requests[i].ntags; k++) {
			const struct tag_ref *t = &p->requests[i].tags[k];
			keep[&p->sources[t->source].tags[t->tag] - p->tags] = 1;
		}
	for (uint32_t i = 0; i < p->nsources; i++) {
		const struct source *s = &p->sources[i];
		uint32_t n = 0;
		for (uint32_t k = 0; k < s->ntags; k++) {
			uint32_t *mark = &keep[&s->tags[k] - p->tags];
			bool in_zone = !told[who].one_zone || (s->zone == zone && !source_is_derived(s));
			*mark = in_zone && (told[who].all_tags || *mark != 0) ? ++n : 0;
		}
	}
	return keep;
}

static struct source
view_source(const struct plan *p, enum slice_for who, const struct source *from, struct plan *view,
    const uint32_t *keep)
{
	struct source s = *from;
	s.tags = &view->tags[view->ntags];
	s.ntags = 0;
	if (!told[who].endpoints) {
		s.endpoint = s.link = "";
		s.keys = NULL;
		s.nkeys = 0;
	}
	for (uint32_t k = 0; k < from->ntags; k++) {
		if (keep[&from->tags[k] - p->tags] == 0)
			continue;
		struct tag *t = &view->tags[view->ntags++];
		*t = from->tags[k];
		t->source = view->nsources;
		t->index = s.ntags++;
		if (!told[who].addresses && !(told[who].expressions && source_is_derived(from)))
			t->at = "";
		if (!told[who].help)
			t->help = "";
	}
	return s;
}

static void
view_flows(const struct plan *p, struct arena *a, struct plan *view, const uint32_t *keep)
{
	view->flows = arena_array(a, p->nflows + 1, sizeof *view->flows);
	view->nflows = p->nflows;
	for (uint32_t i = 0; i < p->nflows; i++) {
		struct flow *f = &view->flows[i];
		*f = p->flows[i];
		f->tags = arena_array(a, f->ntags + 1, sizeof *f->tags);
		for (uint32_t k = 0; k < f->ntags; k++) {
			f->tags[k] = p->flows[i].tags[k];
			f->tags[k].tag = keep[&p->sources[f->tags[k].source].tags[f->tags[k].tag] - p->tags] - 1;
		}
	}
}

/* A sink shows what may be written through it. The judging, and all that it goes by, is gate's alone. */
static void
view_writes(const struct plan *p, struct arena *a, struct plan *view, const uint32_t *keep)
{
	view->requests = arena_array(a, p->nrequests + 1, sizeof *view->requests);
	view->nrequests = 0;
	for (uint32_t i = 0; i < p->nrequests; i++) {
		const struct request_rule *from = &p->requests[i];
		if (from->kind != REQUEST_WRITE || from->nsinks == 0)
			continue;
		struct request_rule *r = &view->requests[view->nrequests++];
		*r = (struct request_rule){
			.name = from->name, .kind = from->kind, .method = "", .sinks = from->sinks,
			.nsinks = from->nsinks, .interlock = "",
			.why = "", .owner = "",
		};
		r->tags = arena_array(a, from->ntags + 1, sizeof *r->tags);
		for (uint32_t k = 0; k < from->ntags; k++) {
			struct tag_ref t = from->tags[k];
			uint32_t mark = keep[&p->sources[t.source].tags[t.tag] - p->tags];
			r->tags[r->ntags++] = (struct tag_ref){ .source = t.source, .tag = mark - 1 };
		}
	}
}

void
slice_view(const struct plan *p, enum slice_for who, uint32_t zone, struct arena *a, struct plan *view)
{
	const uint32_t *keep = number_tags(p, who, zone, a);

	*view = *p;
	view->arena = (struct arena){ 0 };
	view->nsources = view->ntags = view->nsinks = view->nflows = 0;
	view->sources = arena_array(a, p->nsources + 1, sizeof *view->sources);
	view->tags = arena_array(a, p->ntags + 1, sizeof *view->tags);
	for (uint32_t i = 0; i < p->nsources; i++) {
		if (told[who].one_zone && (p->sources[i].zone != zone || source_is_derived(&p->sources[i])))
			continue;
		view->sources[view->nsources] = view_source(p, who, &p->sources[i], view, keep);
		view->nsources++;
	}
	if (!told[who].flows)
		view->nconduits = 0;
	else
		view_flows(p, a, view, keep);
	if (told[who].writes)
		view_writes(p, a, view, keep);
	else if (!told[who].requests)	/* who has them has all tags and sinks, so their numbers hold */
		view->nrequests = 0;
	if (!told[who].events)		/* who has them has all tags */
		view->nevents = 0;
	view->sinks = arena_array(a, p->nsinks + 1, sizeof *view->sinks);
	for (uint32_t i = 0; told[who].sinks && i < p->nsinks; i++) {
		struct sink *s = &view->sinks[view->nsinks++];
		*s = p->sinks[i];
		if (!told[who].sink_keys) {
			s->keys = NULL;
			s->nkeys = 0;
		}
	}
}
