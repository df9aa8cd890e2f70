/*
 * Reading what arch.h holds: attributes of rows that others read, and the sections nodes, assets and exceptions;
 * services: arch_services.c.
 */
#include "site/arch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/near.h"
#include "site/address.h"
#include "site/loader.h"

const char *const fr_names[FRS] = { "IAC", "UC", "SI", "DC", "RDF", "TRE", "RA" };
const char *const zone_kinds[] = { "plain", "safety", "wireless", "temporary", "external", NULL };
const char *const equipment_kinds[] = {
	"", "area", "production-line", "process-cell", "production-unit", "storage-zone", "work-center", "work-cell", "unit", "storage-unit", "work-unit",
	"equipment-module", "control-module", NULL
};
const char *const arch_categories[] = { "production", "quality", "maintenance", "inventory", NULL };
const char *const arch_exchanges[] = { "definition", "capability", "schedule", "performance", NULL };
const char *const arch_confidentialities[] = { "public", "internal", "confidential", "restricted", NULL };
const char *const attachments[] = { "fixed", "wireless", "temporary", "external", NULL };
const char *const sap_releases[] = { "none", "ecc6", "s4", "s4-cloud", NULL };
const char *const arch_statuses[] = { "proposed", "approved", "live", "deprecated", NULL };

int
equipment_depth(enum equipment_kind k)
{
	static const int depths[EQUIPMENT_KINDS] = { 0, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 5 };
	return depths[k];
}

void
arch_init(struct loader *l)
{
	struct plan *p = l->plan;
	struct arch *a = arena_new(&p->arena, struct arch);
	size_t n[SECTIONS];

	for (size_t i = 0; i < SECTIONS; i++)
		n[i] = l->section[i] != NULL && l->section[i]->kind == NODE_MAP ? l->section[i]->len + 1u : 1u;
	a->zones = arena_array(&p->arena, n[SECTION_ZONES], sizeof *a->zones);
	a->conduits = arena_array(&p->arena, n[SECTION_CONDUITS], sizeof *a->conduits);
	a->flows = arena_array(&p->arena, n[SECTION_FLOWS], sizeof *a->flows);
	a->equipment = arena_array(&p->arena, n[SECTION_EQUIPMENT], sizeof *a->equipment);
	a->attached = arena_array(&p->arena, n[SECTION_SOURCES], sizeof *a->attached);
	a->services = arena_array(&p->arena, n[SECTION_SERVICES], sizeof *a->services);
	a->nodes = arena_array(&p->arena, n[SECTION_NODES], sizeof *a->nodes);
	a->assets = arena_array(&p->arena, n[SECTION_ASSETS], sizeof *a->assets);
	a->exceptions = arena_array(&p->arena, n[SECTION_EXCEPTIONS], sizeof *a->exceptions);
	a->now_s = l->io->now != NULL ? l->io->now(l->io->ctx).ns / NS_PER_S : 0;
	p->arch = a;
}

static const char *
text(const struct keyval *v)
{
	return v->set ? v->s : "";
}

/* "RDF 3" over the number that stands for all. */
static struct sl
read_sl(struct loader *l, const struct keyval *all, const struct keyval *some, struct place at, const char *key)
{
	struct sl sl = { .set = all->set };

	memset(sl.of, (int)all->i, sizeof sl.of);
	for (size_t i = 0; i < some->n; i++) {
		char name[8] = "";
		int level = -1, end = 0;
		size_t fr = 0;
		if (sscanf(some->list[i], "%7[A-Z] %d%n", name, &level, &end) != 2 || some->list[i][end] != '\0')
			level = -1;
		while (fr < FRS && strcmp(fr_names[fr], name) != 0)
			fr++;
		if (fr == FRS || level < 0 || level > 4) {
			site_error(&l->f, "security-level", at, "\"%.40s\" below %s is no security level", some->list[i], key);
			site_remedy(&l->f, "write one of IAC, UC, SI, DC, RDF, TRE, RA and a number from 0 to 4, such as \"RDF 3\"");
			continue;
		}
		sl.of[fr] = (uint8_t)level;
		sl.set = true;
	}
	return sl;
}

void
arch_zone(struct loader *l, uint32_t zone, const struct keyval *v, struct place at)
{
	struct arch_zone *z = &l->plan->arch->zones[zone];
	struct network net;

	*z = (struct arch_zone){
		.sl_t = read_sl(l, &v[ZONE_SL_T], &v[ZONE_SL_T_FOR], at, "sl-t-for"),
		.sl_c = read_sl(l, &v[ZONE_SL_C], &v[ZONE_SL_C_FOR], at, "sl-c-for"),
		.kind = (enum zone_kind)v[ZONE_KIND].i, .owner = text(&v[ZONE_OWNER]), .help = text(&v[ZONE_DESCRIPTION]),
		.networks = v[ZONE_NETWORKS].list, .nnetworks = (uint32_t)v[ZONE_NETWORKS].n,
	};
	z->sl_t.set = v[ZONE_SL_T].written || v[ZONE_SL_T_FOR].n > 0;
	for (uint32_t i = 0; i < z->nnetworks; i++)
		if (network_parse(z->networks[i], &net) != 0) {
			site_error(&l->f, "network", at, "\"%.60s\" below networks is no network", z->networks[i]);
			site_remedy(&l->f, "write it as 10.3.1.0/24 or fd00:3::/64, with no bits set behind the prefix");
		}
}

void
arch_conduit(struct loader *l, uint32_t conduit, const struct keyval *v, struct place at)
{
	l->plan->arch->conduits[conduit] = (struct arch_conduit){
		.sl_t = read_sl(l, &v[CONDUIT_SL_T], &v[CONDUIT_SL_T_FOR], at, "sl-t-for"), .owner = text(&v[CONDUIT_OWNER]),
		.help = text(&v[CONDUIT_DESCRIPTION]), .one_way = v[CONDUIT_ONE_WAY].b,
	};
}

void
arch_equipment(struct loader *l, const char *path, const struct keyval *v, struct place at)
{
	struct arch *a = l->plan->arch;

	a->equipment[a->nequipment++] = (struct arch_equipment){
		.path = path, .help = text(&v[EQUIPMENT_DESCRIPTION]),
		.kind = v[EQUIPMENT_KIND].set ? (enum equipment_kind)v[EQUIPMENT_KIND].i :
		    EQUIPMENT_UNSAID, .place = at,
	};
}

void
arch_flow(struct loader *l, uint32_t flow, const struct keyval *v)
{
	l->plan->arch->flows[flow] = (struct arch_flow){
		.use_case = text(&v[FLOW_USE_CASE]), .info_object = text(&v[FLOW_INFO_OBJECT]),
		.category = v[FLOW_CATEGORY].set ? (int)v[FLOW_CATEGORY].i : -1,
		.exchange = v[FLOW_EXCHANGE].set ? (int)v[FLOW_EXCHANGE].i : -1,
		.criticality = v[FLOW_CRITICALITY].set ? (int)v[FLOW_CRITICALITY].i + 1 : 0,
		.confidentiality = v[FLOW_CONFIDENTIALITY].set ? (int)v[FLOW_CONFIDENTIALITY].i : -1,
		.status = (int)v[FLOW_STATUS].i,
		.outage_ns = v[FLOW_OUTAGE].set ? v[FLOW_OUTAGE].i : 0, .personal_data = v[FLOW_PERSONAL_DATA].b,
		.bulk = v[FLOW_BULK].b,
		.export_control = text(&v[FLOW_EXPORT_CONTROL]),
	};
}

static void
read_interface(struct loader *l, const char *words, struct gateway_node *node, struct place at)
{
	char name[16], zone[128], address[64];	/* IFNAMSIZ */
	struct network net;
	int end = 0;

	/* The name goes into rules of a firewall between quotes. */
	if (sscanf(words, "%15[A-Za-z0-9_.:+-] %127s %63s %n", name, zone, address, &end) != 3 || words[end] != '\0' ||
	    network_parse_host(address, &net) != 0) {
		site_error(&l->f, "interface", at, "node %s: \"%.80s\" is no interface", node->name, words);
		site_remedy(&l->f, "write its name (at most 15 letters, digits and _.:+-), the zone that it faces and its address: "
		    "\"eth0 line-3 10.3.1.2/24\"");
		return;
	}
	if (ref_find(l, SECTION_ZONES, zone, at, node->name) == NULL)
		return;
	node->interfaces[node->ninterfaces++] = (struct interface){
		strings_keep(&l->strings, name, strlen(name)), strings_keep(&l->strings, zone, strlen(zone)),
		strings_keep(&l->strings, address, strlen(address)),
	};
}

static void
read_node(struct loader *l, const struct node *n, const char *what)
{
	struct arch *a = l->plan->arch;
	struct keyval v[NODE_KEYS] = { 0 };
	struct gateway_node *node = &a->nodes[a->nnodes++];

	keys_read(l, n, what, &(struct keyset){ node_keys, v }, 1);
	*node = (struct gateway_node){ .name = strings_keep(&l->strings, n->key->text, n->key->len), .zone = text(&v[NODE_ZONE]),
	    .owner = text(&v[NODE_OWNER]), .help = text(&v[NODE_DESCRIPTION]), .without = (uint64_t)v[NODE_WITHOUT].i,
	    .place = loader_at(l, n->key) };
	ref_add(l, SECTION_NODES, node->name, node);
	if (v[NODE_ZONE].set)
		ref_find(l, SECTION_ZONES, node->zone, keys_item_place(l, n, "zone", 0), what);
	node->interfaces = arena_array(&l->plan->arena, v[NODE_INTERFACES].n + 1, sizeof *node->interfaces);
	for (size_t i = 0; i < v[NODE_INTERFACES].n; i++)
		read_interface(l, v[NODE_INTERFACES].list[i], node, keys_item_place(l, n, "interfaces", i));
}

/* "2025-01-31" as its first second; false: it is none. */
static bool
day(const char *s, int64_t *out)
{
	char stamp[40];
	struct wall t;

	snprintf(stamp, sizeof stamp, "%.10sT00:00:00Z", s);
	if (strlen(s) < 10 || wall_parse(stamp, &t) != 0)
		return false;
	*out = t.ns / NS_PER_S;
	return true;
}

#define DAY_S	86400

static bool
read_role(struct loader *l, const char *words, struct asset_role *r)
{
	const char *path = strchr(words, ' ');
	size_t len = path != NULL ? (size_t)(path - words) : 0;

	*r = (struct asset_role){ .to_s = INT64_MAX };
	if ((len != 12 && len != 22) || strncmp(words + 10, "..", 2) != 0 || !day(words, &r->from_s) ||
	    (len == 22 && !day(words + 12, &r->to_s)))
		return false;
	if (len == 22)
		r->to_s += DAY_S;
	path += strspn(path, " ");
	r->equipment = strings_keep(&l->strings, path, strlen(path));
	return *path != '\0';
}

static void
read_asset(struct loader *l, const struct node *n, const char *what)
{
	struct arch *a = l->plan->arch;
	struct keyval v[ASSET_KEYS] = { 0 };
	struct asset *asset = &a->assets[a->nassets++];

	keys_read(l, n, what, &(struct keyset){ asset_keys, v }, 1);
	*asset = (struct asset){ .name = strings_keep(&l->strings, n->key->text, n->key->len), .maker = text(&v[ASSET_MAKER]),
	    .model = text(&v[ASSET_MODEL]), .serial = text(&v[ASSET_SERIAL]), .help = text(&v[ASSET_DESCRIPTION]),
	    .place = loader_at(l, n->key) };
	asset->roles = arena_array(&l->plan->arena, v[ASSET_ROLES].n + 1, sizeof *asset->roles);
	for (size_t i = 0; i < v[ASSET_ROLES].n; i++) {
		if (read_role(l, v[ASSET_ROLES].list[i], &asset->roles[asset->nroles])) {
			asset->nroles++;
			continue;
		}
		site_error(&l->f, "asset-role", keys_item_place(l, n, "roles", i), "%s: \"%.100s\" is no role", what,
		    v[ASSET_ROLES].list[i]);
		site_remedy(&l->f, "write the first day, two dots, the last day if it has left, and the path of the equipment: "
		    "\"2025-01-31.. Packaging/Line 3/Filler\"");
	}
}

static void
read_exception(struct loader *l, const struct node *n, const char *what)
{
	struct arch *a = l->plan->arch;
	struct keyval v[EXCEPTION_KEYS] = { 0 };
	struct exception *e = &a->exceptions[a->nexceptions++];

	keys_read(l, n, what, &(struct keyset){ exception_keys, v }, 1);
	*e = (struct exception){ .name = strings_keep(&l->strings, n->key->text, n->key->len), .rule = text(&v[EXCEPTION_RULE]),
	    .where = text(&v[EXCEPTION_WHERE]), .reason = text(&v[EXCEPTION_REASON]), .owner = text(&v[EXCEPTION_OWNER]),
	    .place = loader_at(l, n->key) };
	if (!v[EXCEPTION_EXPIRES].set)
		return;
	if (!day(v[EXCEPTION_EXPIRES].s, &e->expires_s)) {
		site_error(&l->f, "date", keys_item_place(l, n, "expires", 0), "%s: \"%.20s\" is no day", what,
		    v[EXCEPTION_EXPIRES].s);
		site_remedy(&l->f, "write year, month and day, as 2027-06-30");
		return;
	}
	e->expires_s += DAY_S;
}

void
load_arch(struct loader *l)
{
	static const struct { int section; const char *one; void (*read)(struct loader *, const struct node *, const char *); } parts[] = {
		{ SECTION_NODES, "node", read_node }, { SECTION_SERVICES, "service", arch_service },
		{ SECTION_ASSETS, "asset", read_asset }, { SECTION_EXCEPTIONS, "exception", read_exception },
	};
	char what[160];

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		for (const struct node *n = section_first(l, parts[i].section); n != NULL; n = n->next) {
			snprintf(what, sizeof what, "%s %.128s", parts[i].one, n->key->text);
			section_name(l, parts[i].section, n);
			parts[i].read(l, n, what);
		}
}
