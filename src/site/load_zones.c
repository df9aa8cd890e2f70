/* The sections site, security, zones, conduits and enums. */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "site/arch.h"
#include "site/enums.h"
#include "site/loader.h"

void
load_site(struct loader *l)
{
	struct keyval v[SITE_KEYS] = { 0 };
	struct plan *p = l->plan;

	if (l->section[SECTION_SITE] != NULL)
		keys_read(l, l->section[SECTION_SITE], "the section site", &(struct keyset){ site_keys, v }, 1);
	p->enterprise = v[SITE_ENTERPRISE].set ? v[SITE_ENTERPRISE].s : "";
	p->site = v[SITE_NAME].set ? v[SITE_NAME].s : "";
	p->country = v[SITE_COUNTRY].set ? v[SITE_COUNTRY].s : "";
	p->time_zone = v[SITE_TIME_ZONE].set ? v[SITE_TIME_ZONE].s : "UTC";
	if (l->section[SECTION_SECURITY] != NULL) {
		struct keyval s[SECURITY_KEYS] = { 0 };
		keys_read(l, l->section[SECTION_SECURITY], "the section security", &(struct keyset){ security_keys, s }, 1);
		p->sandbox_required = s[SECURITY_SANDBOX].i == 1;
		p->users = s[SECURITY_USERS].set ? s[SECURITY_USERS].s : "";
		p->arch->mode = (enum arch_mode)s[SECURITY_ARCHITECTURE].i;
	}
	p->arch->sap = (enum sap_release)v[SITE_SAP].i;
	l->table_decimal = !v[SITE_DECIMAL].set ? '\0' : v[SITE_DECIMAL].i == 1 ? ',' : '.';
}

static uint32_t
entries(const struct loader *l, int section)
{
	const struct node *n = l->section[section];
	return n != NULL && n->kind == NODE_MAP ? n->len : 0;
}

void
load_zones(struct loader *l)
{
	struct plan *p = l->plan;
	char what[160];

	p->zones = arena_array(&p->arena, entries(l, SECTION_ZONES), sizeof *p->zones);
	l->zone_used = arena_array(&l->scratch, entries(l, SECTION_ZONES), sizeof *l->zone_used);
	for (const struct node *n = section_first(l, SECTION_ZONES); n != NULL; n = n->next) {
		struct keyval v[ZONE_KEYS] = { 0 };
		snprintf(what, sizeof what, "zone %.128s", n->key->text);
		section_name(l, SECTION_ZONES, n);
		keys_read(l, n, what, &(struct keyset){ zone_keys, v }, 1);
		struct zone *z = &p->zones[p->nzones++];
		*z = (struct zone){
			.name = strings_keep(&l->strings, n->key->text, n->key->len),
			.level = v[ZONE_LEVEL].f, .sl_t = (int)v[ZONE_SL_T].i, .it = v[ZONE_LEVEL].f >= 3.5,
			.netns = v[ZONE_NETNS].set ? v[ZONE_NETNS].s : "", .at = loader_at(l, n->key),
		};
		ref_add(l, SECTION_ZONES, z->name, z);
		arch_zone(l, (uint32_t)(z - p->zones), v, z->at);
	}
}

static bool
zone_index(struct loader *l, const struct node *n, const char *key, const struct keyval *v, const char *what,
    uint32_t *out)
{
	if (!v->set)
		return false;
	const struct zone *z = ref_find(l, SECTION_ZONES, v->s, keys_item_place(l, n, key, 0), what);
	if (z == NULL)
		return false;
	*out = (uint32_t)(z - l->plan->zones);
	l->zone_used[*out] = true;
	return true;
}

void
load_conduits(struct loader *l)
{
	struct plan *p = l->plan;
	char what[160];

	p->conduits = arena_array(&p->arena, entries(l, SECTION_CONDUITS), sizeof *p->conduits);
	l->conduit_used = arena_array(&l->scratch, entries(l, SECTION_CONDUITS), sizeof *l->conduit_used);
	for (const struct node *n = section_first(l, SECTION_CONDUITS); n != NULL; n = n->next) {
		struct keyval v[CONDUIT_KEYS] = { 0 };
		snprintf(what, sizeof what, "conduit %.128s", n->key->text);
		section_name(l, SECTION_CONDUITS, n);
		keys_read(l, n, what, &(struct keyset){ conduit_keys, v }, 1);
		struct conduit *c = &p->conduits[p->nconduits++];
		*c = (struct conduit){
			.name = strings_keep(&l->strings, n->key->text, n->key->len),
			.initiator_from = v[CONDUIT_INITIATOR].i == 0, .requests = v[CONDUIT_REQUESTS].b,
			.at = loader_at(l, n->key),
		};
		ref_add(l, SECTION_CONDUITS, c->name, c);
		arch_conduit(l, (uint32_t)(c - p->conduits), v, c->at);
		bool from = zone_index(l, n, "from", &v[CONDUIT_FROM], what, &c->from);
		bool to = zone_index(l, n, "to", &v[CONDUIT_TO], what, &c->to);
		if (from && to && c->from == c->to) {
			site_error(&l->f, "conduit-loop", loader_at(l, n->key), "%s joins zone %s with itself", what,
			    p->zones[c->from].name);
			site_remedy(&l->f, "a conduit joins two zones; within one zone none is needed");
		}
	}
}

static void
read_item(struct loader *l, const struct node *n, int64_t value, const char *what, struct enum_def *e)
{
	if (n->kind != NODE_SCALAR || node_is_null(n)) {
		site_error(&l->f, "wrong-type", loader_at(l, n), "%s has %s as the text of number %lld", what,
		    node_kind_name(n),
		    (long long)value);
		site_remedy(&l->f, "write a text; put texts such as yes, no or 1 in quotes");
		return;
	}
	for (uint32_t i = 0; i < e->n; i++)
		if (e->items[i].value == value) {
			site_error(&l->f, "duplicate-key", loader_at(l, n), "%s gives number %lld two texts", what,
			    (long long)value);
			site_remedy(&l->f, "remove one of the two");
			return;
		}
	e->items[e->n++] = (struct enum_item){ value, strings_keep(&l->strings, n->text, n->len) };
}

static void
read_enum(struct loader *l, const struct node *n, const char *what)
{
	struct enum_def *e = arena_new(&l->plan->arena, struct enum_def);
	int64_t value = 0;

	e->name = strings_keep(&l->strings, n->key->text, n->key->len);
	ref_add(l, SECTION_ENUMERATIONS, e->name, e);
	if (n->kind == NODE_SCALAR || n->len == 0 || n->len > ENUM_ITEMS_MAX) {
		site_error(&l->f, "wrong-shape", loader_at(l, n),
		    "%s is %s; it needs 1 to %u numbers with their texts", what,
		    n->kind == NODE_SCALAR ? node_kind_name(n) : n->len == 0 ? "empty" : "too long", ENUM_ITEMS_MAX);
		site_remedy(&l->f, "write { 0: closed, 1: open }, or [closed, open] to count from 0");
		return;
	}
	e->items = arena_array(&l->plan->arena, n->len, sizeof *e->items);
	for (const struct node *i = n->first; i != NULL; i = i->next, value++) {
		if (n->kind == NODE_MAP && num_parse_i64(i->key->text, i->key->len, &value) != 0) {
			site_error(&l->f, "wrong-type", loader_at(l, i->key),
			    "%s has \"%.60s\" where a whole number is expected", what,
			    i->key->text);
			site_remedy(&l->f, "write the number first, its text after the colon: 0: closed");
			continue;
		}
		read_item(l, i, value, what, e);
	}
}

void
load_enums(struct loader *l)
{
	char what[160];

	for (size_t i = 0; enums_built_in[i] != NULL; i++)
		ref_add(l, SECTION_ENUMERATIONS, enums_built_in[i]->name, (void *)(uintptr_t)enums_built_in[i]);
	for (const struct node *n = section_first(l, SECTION_ENUMERATIONS); n != NULL; n = n->next) {
		snprintf(what, sizeof what, "enumeration %.128s", n->key->text);
		section_name(l, SECTION_ENUMERATIONS, n);
		read_enum(l, n, what);
	}
}
