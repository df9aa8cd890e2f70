/*
 * The section requests: what may be asked of a device, by whom, within which limits. Here each entry becomes a row of
 * the plan; request_checks.c says what is wrong with it.
 */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "model/path.h"
#include "site/request_checks.h"

static struct place
place_of(const struct loader *l, const struct request_draft *d, const char *key)
{
	return node_get(d->node, key) != NULL ? keys_item_place(l, d->node, key, 0) : d->rule->place;
}

void
request_error(struct loader *l, const struct request_draft *d, const char *rule, const char *key, const char *cause,
    const char *remedy)
{
	site_error(&l->f, rule, place_of(l, d, key), "%s: %s", d->what, cause);
	site_remedy(&l->f, "%s", remedy);
}

/* The tags by their number in the order of reading; compile.c turns these into sources and indexes. */
static void
find_tags(struct loader *l, struct request_draft *d)
{
	const struct keyval *what = &d->v[REQUEST_RULE_WHAT];
	bool *marked = arena_array(&l->scratch, l->ntags + 1, sizeof *marked);
	size_t n = 0;

	for (size_t i = 0; i < what->n; i++) {
		size_t hits = 0;
		for (size_t t = 0; t < l->ntags && strlen(what->list[i]) <= PATH_LEN_MAX; t++)
			if (path_match(what->list[i], l->tags[t].path)) {
				hits++;
				n += !marked[t];
				marked[t] = true;
			}
		if (hits > 0 || l->tags_missing)
			continue;
		site_error(&l->f, "request-tag", keys_item_place(l, d->node, "what", i),
		    "%s: no tag matches \"%.200s\"",
		    d->what, what->list[i]);
		site_remedy(&l->f, "write the path of a tag; `penstock plan` lists them");
	}
	d->rule->tags = arena_array(&l->plan->arena, n + 1, sizeof *d->rule->tags);
	for (size_t t = 0; t < l->ntags; t++)
		if (marked[t])
			d->rule->tags[d->rule->ntags++].tag = (uint32_t)t;
}

static void
find_from(struct loader *l, struct request_draft *d)
{
	const struct keyval *from = &d->v[REQUEST_RULE_FROM];
	struct request_rule *r = d->rule;

	r->sinks = arena_array(&l->plan->arena, from->n + 1, sizeof *r->sinks);
	for (size_t i = 0; i < from->n; i++) {
		if (strcmp(from->list[i], "cli") == 0) {
			r->cli = true;
			continue;
		}
		if (strcmp(from->list[i], REQUEST_FROM_EVENTS) == 0) {
			r->events = true;
			continue;
		}
		const struct sink *s = ref_find(l, SECTION_SINKS, from->list[i], keys_item_place(l, d->node, "from", i),
		    d->what);
		if (s == NULL)
			continue;
		l->sink_used[s - l->plan->sinks] = true;
		r->sinks[r->nsinks++] = (uint32_t)(s - l->plan->sinks);
	}
}

static void
bad_argument(struct loader *l, struct request_draft *d, size_t i, const char *text)
{
	site_error(&l->f, "wrong-type", keys_item_place(l, d->node, "arguments", i),
	    "argument %zu of %s is \"%.80s\", which is no range, list of words or `any`", i + 1, d->what, text);
	site_remedy(&l->f, "write \"0..100\", \"start|stop\" or any");
}

static void
read_arguments(struct loader *l, struct request_draft *d)
{
	const struct keyval *v = &d->v[REQUEST_RULE_ARGUMENTS];
	struct request_rule *r = d->rule;

	r->args = arena_array(&l->plan->arena, v->n + 1, sizeof *r->args);
	if (v->n > REQUEST_ARGS_MAX) {
		request_error(l, d, "limit", "arguments", "it has more than 16 arguments", "call a method with fewer");
		return;
	}
	for (size_t i = 0; i < v->n; i++) {
		struct request_arg *a = &r->args[r->nargs++];
		const char *text = v->list[i], *dots = strstr(text, "..");
		a->words = "";
		if (strcmp(text, "any") == 0)
			a->any = true;
		else if (dots != NULL) {
			a->has_limits = true;
			if (num_parse_f64(text, (size_t)(dots - text), '.', &a->lo) != 0 ||
			    num_parse_f64(dots + 2, strlen(dots + 2), '.', &a->hi) != 0 || !(a->lo <= a->hi))
				bad_argument(l, d, i, text);
		} else if (*text != '\0')
			a->words = strings_keep(&l->strings, text, strlen(text));
		else
			bad_argument(l, d, i, text);
	}
}

static void
read_readback(struct loader *l, struct request_draft *d)
{
	static const struct node none = { .kind = NODE_MAP };
	const struct node *n = node_get(d->node, "readback");
	struct keyval v[READBACK_KEYS] = { 0 };
	struct request_rule *r = d->rule;
	char what[200];

	snprintf(what, sizeof what, "readback of %.160s", d->what);
	keys_read(l, n != NULL ? n : &none, what, &(struct keyset){ readback_keys, v }, 1);
	r->readback = r->kind == REQUEST_WRITE && !v[READBACK_SKIP].b;
	r->tolerance = v[READBACK_TOLERANCE].f;
	r->within_ns = v[READBACK_WITHIN].i;
	if (!v[READBACK_TAG].set)
		return;
	uintptr_t at = (uintptr_t)map_get(&l->paths, v[READBACK_TAG].s, strlen(v[READBACK_TAG].s));
	if (at == 0) {
		if (!l->tags_missing)
			request_error(l, d, "request-readback", "readback",
			    "the tag that it names for reading back is not there",
			    "write its whole path; `penstock plan` lists the tags");
		return;
	}
	r->readback_other = true;
	r->readback_tag.tag = (uint32_t)(at - 1);
}

static void
read_texts(struct loader *l, struct request_draft *d)
{
	const struct keyval *v = d->v;
	struct request_rule *r = d->rule;

	r->why = v[REQUEST_RULE_WHY].set ? v[REQUEST_RULE_WHY].s : "";
	r->owner = v[REQUEST_RULE_OWNER].set ? v[REQUEST_RULE_OWNER].s : "";
	r->interlock = v[REQUEST_RULE_INTERLOCK].set ? v[REQUEST_RULE_INTERLOCK].s : "";
	r->method = v[REQUEST_RULE_METHOD].set ? v[REQUEST_RULE_METHOD].s : "";
	r->roles = v[REQUEST_RULE_ROLE].list;
	r->nroles = (uint32_t)v[REQUEST_RULE_ROLE].n;
	for (uint32_t i = 0; i < r->nroles; i++)
		if (strlen(r->roles[i]) > REQUEST_NAME_MAX) {
			request_error(l, d, "out-of-range", "role", "a role has more than 63 bytes", "shorten it");
			r->nroles = 0;
		}
	(void)l;
}

static void
read_entry(struct loader *l, struct request_draft *d)
{
	const struct keyval *v = d->v;
	struct request_rule *r = d->rule;

	keys_read(l, d->node, d->what, &(struct keyset){ request_keys, d->v }, 1);
	r->kind = (enum request_kind)v[REQUEST_RULE_KIND].i;
	r->step = v[REQUEST_RULE_STEP].f;
	r->change = v[REQUEST_RULE_CHANGE].f;
	r->change_ns = v[REQUEST_RULE_CHANGE_PER].i;
	r->min_interval_ns = v[REQUEST_RULE_MIN_INTERVAL].i;
	r->per_minute = (uint32_t)v[REQUEST_RULE_PER_MINUTE].i;
	r->ttl_ns = v[REQUEST_RULE_TTL].i;
	r->second_person = v[REQUEST_RULE_SECOND_PERSON].b;
	read_texts(l, d);
	find_from(l, d);
	read_arguments(l, d);
	if (r->kind == REQUEST_CALL) {
		const struct source *s = v[REQUEST_RULE_SOURCE].set ? ref_find(l, SECTION_SOURCES,
		    v[REQUEST_RULE_SOURCE].s,
		    keys_item_place(l, d->node, "source", 0), d->what) : NULL;
		d->source_known = s != NULL;
		r->source = s != NULL ? (uint32_t)(s - l->plan->sources) : 0;
	}
	find_tags(l, d);
	read_readback(l, d);
	request_check(l, d);
}

void
load_requests(struct loader *l)
{
	struct plan *p = l->plan;
	const struct node *section = l->section[SECTION_REQUESTS];
	size_t count = section != NULL && section->kind == NODE_MAP ? section->len : 0;
	char what[160];

	if (count > PLAN_REQUESTS_MAX) {
		site_error(&l->f, "limit", loader_at(l, section),
		    "%zu entries of requests are more than the %u that one site can have",
		    count, PLAN_REQUESTS_MAX);
		site_remedy(&l->f, "let one entry take several tags with `what: [a, b]`");
		return;
	}
	p->requests = arena_array(&p->arena, count, sizeof *p->requests);
	for (const struct node *n = section_first(l, SECTION_REQUESTS); n != NULL; n = n->next) {
		struct request_rule *r = &p->requests[p->nrequests++];
		snprintf(what, sizeof what, "request %.128s", n->key->text);
		section_name(l, SECTION_REQUESTS, n);
		r->name = strings_keep(&l->strings, n->key->text, n->key->len);
		r->place = loader_at(l, n->key);
		struct request_draft d = { .rule = r, .node = n, .what = what };
		read_entry(l, &d);
	}
	request_check_overlap(l);
}
