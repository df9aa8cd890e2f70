/* The sections sources and sinks: their own keys, and those that the driver or the kind of sink brings. */
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "site/arch.h"
#include "site/link.h"
#include "site/loader.h"

static bool
same(const char *a, const char *b, size_t len)
{
	return strlen(b) == len && memcmp(a, b, len) == 0;
}

/*
 * The driver or kind that an entry names. The key is read ahead of the others, since it decides which keys there
 * are.
 */
static const struct driver_info *
find_driver(struct loader *l, const struct node *name, const char *what)
{
	struct near near = { .word = name->text };
	for (size_t i = 0; l->catalog->drivers[i] != NULL; i++) {
		if (same(name->text, l->catalog->drivers[i]->name, name->len))
			return l->catalog->drivers[i];
		near_try(&near, l->catalog->drivers[i]->name);
	}
	site_error(&l->f, "unknown-driver", loader_at(l, name), "%s names driver \"%.80s\", which there is not%s%s%s",
	    what, name->text,
	    near.best ? "; did you mean \"" : "", near.best ? near.best : "", near.best ? "\"?" : "");
	site_remedy(&l->f, "`penstock keys` lists the drivers that this program has");
	return NULL;
}

static const struct sink_info *
find_kind(struct loader *l, const struct node *name, const char *what)
{
	struct near near = { .word = name->text };
	for (size_t i = 0; l->catalog->sinks[i] != NULL; i++) {
		if (same(name->text, l->catalog->sinks[i]->name, name->len))
			return l->catalog->sinks[i];
		near_try(&near, l->catalog->sinks[i]->name);
	}
	site_error(&l->f, "unknown-sink-kind", loader_at(l, name),
	    "%s is of kind \"%.80s\", which there is not%s%s%s", what, name->text,
	    near.best ? "; did you mean \"" : "", near.best ? near.best : "", near.best ? "\"?" : "");
	site_remedy(&l->f, "`penstock keys` lists the kinds of sinks that this program has");
	return NULL;
}

/*
 * Keys of an entry whose driver or kind is not known: everything but our own keys is left alone, since nobody can judge
 * it; one finding about the driver is enough.
 */
static void
read_known_keys(struct loader *l, const struct node *n, const char *what, const struct key *own, struct keyval *vals)
{
	for (size_t i = 0; own[i].name != NULL; i++) {
		const struct node *v = node_get(n, own[i].name);
		if (v != NULL && v->kind == NODE_SCALAR && keys_scalar(l, &own[i], v, what, &vals[i]) == 0) {
			vals[i].line = v->line;
			vals[i].column = v->column;
		}
	}
}

static void
read_endpoint(struct loader *l, const struct node *n, const struct driver_info *d, const char *what, struct source *s)
{
	struct endpoint e;
	char why[160], link[4200], url[8600];
	struct place at = keys_item_place(l, n, "endpoint", 0);
	const char *scheme = d != NULL ? d->endpoint_scheme : NULL, *path = "";
	int err = scheme != NULL ? endpoint_parse_url(s->endpoint, scheme, &e, &path, why, sizeof why) :
	    endpoint_parse(s->endpoint, &e, why, sizeof why);

	if (err != 0) {
		site_error(&l->f, "endpoint", at, "endpoint of %s is \"%.100s\", which %s", what, s->endpoint, why);
		site_remedy(&l->f, d != NULL && d->endpoint_is_device ?
		    "write the path of the device, such as /dev/ttyS0" : scheme != NULL ?
		    "write scheme://host:port/path or host:port, such as opc.tcp://10.3.1.10:4840" :
		    "write host:port, such as 10.3.1.10:502");
	} else if (d != NULL && d->endpoint_is_device != e.device) {
		site_error(&l->f, "endpoint", at, "endpoint of %s is \"%.100s\", but driver %s speaks over a %s",
		    what, s->endpoint, d->name,
		    d->endpoint_is_device ? "serial line" : "network");
		site_remedy(&l->f, d->endpoint_is_device ?
		    "write the path of the device, such as /dev/ttyS0, or choose another driver" :
		    "write host:port, such as 10.3.1.10:502, or choose another driver");
	} else if (d != NULL && !e.device && e.port == 0 && d->default_port == 0) {
		site_error(&l->f, "endpoint", at,
		    "endpoint of %s is \"%.100s\" without a port, and driver %s has no usual one", what,
		    s->endpoint, d->name);
		site_remedy(&l->f, "write host:port");
	}
	endpoint_link(&e, d != NULL ? d->default_port : 0, link, sizeof link);
	if (scheme == NULL) {
		s->link = strings_keep(&l->strings, link, strlen(link));
		return;
	}
	snprintf(url, sizeof url, "%s://%s%s (%s)", scheme, link, path, s->name);
	s->link = strings_keep(&l->strings, url, strlen(url));
}

static void
no_endpoint(struct loader *l, const struct node *n, const struct driver_info *d, const char *what, struct source *s, bool written)
{
	char link[300];
	int len = snprintf(link, sizeof link, "%s (%.200s)", d->name, s->name);

	s->link = strings_keep(&l->strings, link, (size_t)len);
	if (!written)
		return;
	site_error(&l->f, "endpoint", keys_item_place(l, n, "endpoint", 0),
	    "%s has an endpoint, and driver %s speaks to nobody", what, d->name);
	site_remedy(&l->f, "remove `endpoint`");
}

static uint32_t
zone_of(struct loader *l, const struct node *n, const struct keyval *v, const char *what)
{
	const struct zone *z = v->set ? ref_find(l, SECTION_ZONES, v->s, keys_item_place(l, n, "zone", 0), what) : NULL;
	if (z == NULL)
		return 0;
	uint32_t i = (uint32_t)(z - l->plan->zones);
	l->zone_used[i] = true;
	return i;
}

static void
read_source(struct loader *l, const struct node *n, const char *what, struct source *s)
{
	struct keyval own[SOURCE_KEYS] = { 0 };
	const struct node *name = node_get(n, "driver");
	const struct driver_info *d = name != NULL && name->kind == NODE_SCALAR ? find_driver(l, name, what) : NULL;

	s->nkeys = (uint32_t)key_count(d != NULL ? d->keys : NULL);
	s->keys = arena_array(&l->plan->arena, s->nkeys + 1, sizeof *s->keys);
	if (d != NULL || name == NULL) {
		struct keyset sets[] = { { source_keys, own }, { d != NULL ? d->keys : NULL, s->keys } };
		keys_read(l, n, what, sets, 2);
	} else
		read_known_keys(l, n, what, source_keys, own);
	s->driver = d != NULL ? d->name : "";
	s->endpoint = own[SOURCE_ENDPOINT].set ? own[SOURCE_ENDPOINT].s : "";
	s->link = "";
	l->plan->arch->attached[s - l->plan->sources] = own[SOURCE_ATTACHED].set ?
	    (uint8_t)(own[SOURCE_ATTACHED].i + ATTACHED_FIXED) : ATTACHED_UNSAID;
	s->zone = zone_of(l, n, &own[SOURCE_ZONE], what);
	if (d != NULL && d->no_endpoint)
		no_endpoint(l, n, d, what, s, own[SOURCE_ENDPOINT].set);
	else if (own[SOURCE_ENDPOINT].set)
		read_endpoint(l, n, d, what, s);
	else if (node_get(n, "endpoint") == NULL) {
		site_error(&l->f, "missing-key", loader_at(l, n->key), "%s lacks its key \"endpoint\"", what);
		site_remedy(&l->f, "add endpoint: %s", source_keys[SOURCE_ENDPOINT].help);
	}
	l->drivers[s - l->plan->sources] = d;
}

void
load_sources(struct loader *l)
{
	struct plan *p = l->plan;
	const struct node *section = l->section[SECTION_SOURCES];
	size_t count = section != NULL && section->kind == NODE_MAP ? section->len : 0;
	char what[160];

	if (count > PLAN_SOURCES_MAX) {
		site_error(&l->f, "limit", loader_at(l, section),
		    "%zu sources are more than the %u that one site can have", count,
		    PLAN_SOURCES_MAX);
		site_remedy(&l->f, "split the site into several nodes");
		return;
	}
	/* And two a zone for what is derived there (load_derived.c) and for its events (load_events.c). */
	p->sources = arena_array(&p->arena, count + 2 * (size_t)p->nzones + 2, sizeof *p->sources);
	l->drivers = arena_array(&l->scratch, count + 2 * (size_t)p->nzones + 2, sizeof *l->drivers);
	for (const struct node *n = section_first(l, SECTION_SOURCES); n != NULL; n = n->next) {
		snprintf(what, sizeof what, "source %.128s", n->key->text);
		section_name(l, SECTION_SOURCES, n);
		struct source *s = &p->sources[p->nsources++];
		s->name = strings_keep(&l->strings, n->key->text, n->key->len);
		s->place = loader_at(l, n->key);
		ref_add(l, SECTION_SOURCES, s->name, s);
		read_source(l, n, what, s);
	}
}

static void
judge_sink(struct loader *l, const struct node *n, const struct sink_info *info, const char *what, const struct sink *s)
{
	char why[400] = "";
	size_t key = 0;

	if (info->check == NULL || info->check(s, why, sizeof why, &key) == 0)
		return;
	struct place at = loader_at(l, n->key);
	const char *name = key < s->nkeys ? info->keys[key].name : NULL;
	if (name != NULL && node_get(n, name) != NULL)
		at = keys_item_place(l, n, name, 0);
	site_error(&l->f, "sink-keys", at, "%s: %s", what, why);
	site_remedy(&l->f, "see `penstock keys` for what kind %s takes", info->name);
}

static void
read_sink(struct loader *l, const struct node *n, const char *what, struct sink *s)
{
	struct keyval own[SINK_KEYS] = { 0 };
	const struct node *name = node_get(n, "kind");
	const struct sink_info *info = name != NULL && name->kind == NODE_SCALAR ? find_kind(l, name, what) : NULL;
	size_t findings = 0;

	s->kind = info != NULL ? info->name : "";
	s->nkeys = (uint32_t)key_count(info != NULL ? info->keys : NULL);
	s->keys = arena_array(&l->plan->arena, s->nkeys + 1, sizeof *s->keys);
	if (info != NULL || name == NULL) {
		struct keyset sets[] = { { sink_keys, own }, { info != NULL ? info->keys : NULL, s->keys } };
		findings = keys_read(l, n, what, sets, 2);
	} else
		read_known_keys(l, n, what, sink_keys, own);
	s->zone = zone_of(l, n, &own[SINK_ZONE], what);
	if (info != NULL && findings == 0)
		judge_sink(l, n, info, what, s);
}

void
load_sinks(struct loader *l)
{
	struct plan *p = l->plan;
	const struct node *section = l->section[SECTION_SINKS];
	size_t count = section != NULL && section->kind == NODE_MAP ? section->len : 0;
	char what[160];

	p->sinks = arena_array(&p->arena, count, sizeof *p->sinks);
	l->sink_used = arena_array(&l->scratch, count, sizeof *l->sink_used);
	for (const struct node *n = section_first(l, SECTION_SINKS); n != NULL; n = n->next) {
		snprintf(what, sizeof what, "sink %.128s", n->key->text);
		section_name(l, SECTION_SINKS, n);
		struct sink *s = &p->sinks[p->nsinks++];
		s->name = strings_keep(&l->strings, n->key->text, n->key->len);
		s->place = loader_at(l, n->key);
		ref_add(l, SECTION_SINKS, s->name, s);
		read_sink(l, n, what, s);
	}
}
