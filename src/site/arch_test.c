/* Each rule of the architecture: a site that breaks it, the finding's place, and that the twin without the fault is clean. */
#include <string.h>

#include "base/test.h"
#include "site/address.h"
#include "site/arch.h"
#include "site/site_testing.h"

static struct plan		*plan;
static struct site_report	 report;

#define ENFORCE "security: { architecture: enforce }\n"
#define SITE "site: { enterprise: A, name: B }\n"
#define ZONES \
	"zones:\n" \
	"  cell: { level: 2, sl-t: 2, owner: production, networks: [10.3.1.0/24] }\n" \
	"  dmz: { level: 3.5, sl-t: 3, owner: security, networks: [10.9.0.0/24] }\n" \
	"  office: { level: 4, sl-t: 1, owner: it }\n"
#define CONDUITS "conduits: { up: { from: cell, to: dmz } }\n"
#define SOURCES "sources: { p: { driver: toy, zone: cell, endpoint: 10.3.1.7, unit: 1 } }\n"
#define SINKS "sinks: { s: { kind: box, zone: dmz, broker: h } }\n"
#define EQUIPMENT "equipment: { Hall/Line/Robot: { source: p, tags: { x: { at: word 1 int16 } } } }\n"
#define FLOW_ "why: w, owner: o, use-case: u, confidentiality: internal"
#define FLOWS "flows: { f: { what: '**/x', to: s, " FLOW_ ", criticality: C3 } }\n"
#define WITHOUT "without: [time, names, directory, patches, malware, backup, logs]"
#define CLEAN SITE ENFORCE ZONES CONDUITS SOURCES SINKS EQUIPMENT FLOWS

static int
load(const char *yaml)
{
	plan_free(plan);
	site_report_free(&report);
	return toy_load_text(yaml, strlen(yaml), NULL, 0, &plan, &report);
}

/* Findings but those of zones that a case has no use for. */
static size_t
findings(void)
{
	size_t n = 0;

	for (size_t i = 0; i < report.n; i++)
		n += strcmp(report.findings[i].rule, "unused") != 0;
	return n;
}

static void
clean(const char *yaml, int line)
{
	struct buf b = { 0 };

	if (load(yaml) == 0 && findings() == 0)
		return;
	site_report_print(&report, false, &b);
	test_fail(__FILE__, line, "findings:\n%s", buf_text(&b));
}

/* Exactly this rule, about this thing. */
static void
broken(const char *yaml, const char *rule, const char *where, int line)
{
	struct buf b = { 0 };

	load(yaml);
	for (size_t i = 0; i < report.n; i++)
		if (strcmp(report.findings[i].rule, rule) == 0 && strncmp(report.findings[i].cause, where, strlen(where)) == 0 &&
		    report.findings[i].place.line > 0 && *report.findings[i].remedy != '\0' && findings() == 1)
			return;
	site_report_print(&report, false, &b);
	test_fail(__FILE__, line, "not %s alone for %s, but:\n%s", rule, where, buf_text(&b));
}
#define CLEAN_SITE(yaml) clean(yaml, __LINE__)
#define BROKEN(yaml, rule, where) broken(yaml, rule, where, __LINE__)

/* Names go into rules of a firewall between quotes, and what stands behind the address must not be dropped silently. */
TEST(an_interface_is_a_name_a_zone_and_an_address)
{
#define NODE(interface) CLEAN "nodes: { n: { zone: dmz, owner: o, " WITHOUT ", interfaces: ['" interface "', 'eth1 dmz 10.9.0.2/24'] } }\n"
	CLEAN_SITE(NODE("enp0s31f6.100 cell 10.3.1.2/24"));
	BROKEN(NODE("eth0\"accept;# cell 10.3.1.2/24"), "interface", "node n");
	BROKEN(NODE("eth0 cell 10.3.1.2/24 10.3.1.3/24"), "interface", "node n");
	BROKEN(NODE("sixteen-letters0 cell 10.3.1.2/24"), "interface", "node n");
}

TEST(a_well_made_site_has_no_finding)
{
	CLEAN_SITE(CLEAN);
	CHECK_INT(plan->arch->mode, ARCH_ENFORCE);
	CHECK_STR(plan->arch->zones[0].owner, "production");
	CHECK_INT(plan->arch->zones[1].sl_t.of[FR_RDF], 3);
}

TEST(zones_need_owner_and_target)
{
	BROKEN(SITE ENFORCE "zones: { cell: { level: 2, sl-t: 1 } }\n", "Z1", "zone cell");
}

TEST(levels_are_vectors)
{
	CHECK_INT(load(SITE "zones: { cell: { level: 2, sl-t: 2, sl-t-for: [RDF 3, RA 1] } }\n"), 0);
	CHECK_INT(plan->arch->zones[0].sl_t.of[FR_IAC], 2);
	CHECK_INT(plan->arch->zones[0].sl_t.of[FR_RDF], 3);
	CHECK_INT(plan->arch->zones[0].sl_t.of[FR_RA], 1);
	BROKEN(SITE "zones: { cell: { level: 2, sl-t: 2, sl-t-for: [RDF 5] } }\n", "security-level", "\"RDF 5\"");
	BROKEN(SITE ENFORCE "zones: { cell: { level: 2, owner: o, sl-t: 2, sl-c: 2, sl-c-for: [UC 1] } }\n", "Z17", "zone cell");
}

#define OFFICE_SINK "sinks: { s: { kind: box, zone: office, broker: h } }\n"
TEST(nothing_jumps_over_the_dmz)
{
	BROKEN(SITE ENFORCE ZONES "conduits: { up: { from: cell, to: office } }\n" SOURCES OFFICE_SINK EQUIPMENT FLOWS
	    "nodes: { n: { zone: dmz, " WITHOUT ", interfaces: [eth0 dmz 10.9.0.2/24] } }\n", "Z3", "conduit up");
	CLEAN_SITE(SITE ENFORCE ZONES "conduits: { up: { from: cell, to: dmz }, on: { from: dmz, to: office } }\n" SOURCES OFFICE_SINK EQUIPMENT
	    FLOWS);
}

TEST(the_trusted_side_opens_sessions)
{
	BROKEN(SITE ENFORCE ZONES "conduits: { up: { from: cell, to: dmz, initiator: to } }\n" SOURCES SINKS EQUIPMENT FLOWS, "Z5", "conduit up");
}

TEST(machines_do_not_stand_in_the_business)
{
	BROKEN(SITE ENFORCE ZONES "conduits: { down: { from: office, to: dmz } }\n"
	    "sources: { p: { driver: toy, zone: office, endpoint: h, unit: 1 } }\n" SINKS EQUIPMENT FLOWS
	    "nodes: { n: { zone: cell, " WITHOUT ", interfaces: [eth0 cell 10.3.1.2/24] } }\n", "Z6", "source p");
}

TEST(nothing_goes_into_a_safety_zone)
{
	BROKEN(SITE ENFORCE ZONES "  sis: { level: 1, sl-t: 3, owner: safety, kind: safety }\n"
	    "conduits: { up: { from: cell, to: dmz }, in: { from: cell, to: sis } }\n" SOURCES
	    "sinks: { s: { kind: box, zone: dmz, broker: h }, t: { kind: box, zone: sis, broker: h } }\n" EQUIPMENT
	    "flows: { f: { what: '**/x', to: [s], " FLOW_ ", criticality: C3 }, g: { what: '**/x', to: t, " FLOW_ ", criticality: C3 } }\n",
	    "Z7", "conduit in");
}

TEST(a_conduit_is_as_strong_as_what_it_joins)
{
	BROKEN(SITE ENFORCE ZONES "conduits: { up: { from: cell, to: dmz, sl-t: 2 } }\n" SOURCES SINKS EQUIPMENT FLOWS, "Z9", "conduit up");
	CLEAN_SITE(SITE ENFORCE ZONES "conduits: { up: { from: cell, to: dmz, sl-t: 3 } }\n" SOURCES SINKS EQUIPMENT FLOWS);
}

TEST(no_public_addresses_below_the_dmz)
{
	BROKEN(SITE ENFORCE ZONES CONDUITS "sources: { p: { driver: toy, zone: cell, endpoint: 8.8.8.8, unit: 1 } }\n" SINKS EQUIPMENT FLOWS, "Z11",
	    "source p");
	BROKEN(SITE ENFORCE "zones: { cell: { level: 2, sl-t: 1, owner: o, networks: [0.0.0.0/0] } }\n", "Z11", "zone cell");
	BROKEN(SITE "zones: { cell: { level: 2, networks: [10.3.1.1/24] } }\n", "network", "\"10.3.1.1/24\"");
}

TEST(one_way_means_one_way)
{
	BROKEN(SITE ENFORCE ZONES "conduits: { up: { from: cell, to: dmz, one-way: yes } }\n" SOURCES SINKS EQUIPMENT FLOWS, "Z14", "flow f");
}

TEST(nodes_have_their_legs_where_they_say)
{
	CLEAN_SITE(CLEAN "nodes: { n: { zone: dmz, " WITHOUT ", interfaces: [eth0 cell 10.3.1.2/24, eth1 dmz 10.9.0.2/24] } }\n");
	CHECK_INT(plan->arch->nodes[0].ninterfaces, 2);
	BROKEN(CLEAN "nodes: { n: { zone: dmz, " WITHOUT ", interfaces: [eth0 cell 10.4.1.2/24] } }\n", "N1", "node n");
	BROKEN(CLEAN "nodes: { n: { zone: dmz, " WITHOUT ", interfaces: [eth0 cell 10.3.1.2/24, eth1 office 10.8.0.2/24] } }\n", "N2", "node n");
	BROKEN(CLEAN "nodes: { n: { zone: dmz, " WITHOUT ", interfaces: [eth0 cell] } }\n", "interface", "node n");
}

#define ROBOT(kind) "equipment: { Hall/Line: { kind: production-line }, Hall/Line/Robot: { kind: " kind ", source: p, tags: { x: { at: word 1 int16 } } } }\n"
TEST(the_hierarchy_skips_no_level)
{
	CLEAN_SITE(SITE ENFORCE ZONES CONDUITS SOURCES SINKS ROBOT("work-cell") FLOWS);
	BROKEN(SITE ENFORCE ZONES CONDUITS SOURCES SINKS ROBOT("control-module") FLOWS, "H1", "equipment Hall/Line/Robot");
	BROKEN(SITE ENFORCE ZONES CONDUITS SOURCES SINKS ROBOT("unit") FLOWS, "H2", "equipment Hall/Line/Robot");
}

TEST(an_asset_fills_one_role_at_a_time)
{
	CLEAN_SITE(CLEAN "assets: { a: { serial: '1', roles: ['2024-02-01..2025-01-30 Hall/Line/Robot'] }, b: { roles: ['2025-01-31.. Hall/Line/Robot'] } }\n");
	CHECK_INT(plan->arch->assets[0].roles[0].to_s - plan->arch->assets[0].roles[0].from_s, 365 * 86400);
	BROKEN(CLEAN "assets: { a: { roles: ['2024-02-01..2025-01-31 Hall/Line/Robot'] }, b: { roles: ['2025-01-31.. Hall/Line/Robot'] } }\n", "A2",
	    "asset b");
	BROKEN(CLEAN "assets: { a: { roles: ['2025-01-31.. Hall/Line/Press'] } }\n", "A1", "asset a");
	BROKEN(CLEAN "assets: { a: { roles: ['since ever Hall/Line/Robot'] } }\n", "asset-role", "asset a");
}

TEST(flows_say_what_for_and_bridge_their_outage)
{
#define F(rest) SITE ENFORCE ZONES CONDUITS SOURCES SINKS EQUIPMENT "flows: { f: { what: '**/x', to: s, " rest " } }\n"
	BROKEN(F("why: w, owner: o, criticality: C3, confidentiality: internal"), "F1", "flow f");
	BROKEN(F(FLOW_ ", criticality: C2"), "F2", "flow f");
	CLEAN_SITE(F(FLOW_ ", criticality: C2, bridges: 2 d"));
	BROKEN(F(FLOW_ ", criticality: C2, bridges: 2 d, how: { quota-age: 1 d }"), "F2", "flow f");
	BROKEN(F(FLOW_ ", criticality: C2, bridges: 30 d, how: { quota: 1 MiB }"), "F2", "flow f");
	BROKEN(F(FLOW_ ", criticality: C1, bridges: 1 h, how: { durability: none }"), "F2", "flow f");
#undef F
}

#define BYPASS SITE ENFORCE ZONES "conduits: { up: { from: cell, to: office } }\n" SOURCES OFFICE_SINK EQUIPMENT FLOWS \
	"nodes: { n: { zone: dmz, " WITHOUT ", interfaces: [eth0 dmz 10.9.0.2/24] } }\n"
#define EXCEPTION(rule, where, day) "exceptions: { x: { rule: " rule ", where: " where ", reason: until the relay is there, owner: ciso, expires: " day " } }\n"
TEST(an_exception_holds_until_its_day)
{
	CLEAN_SITE(BYPASS EXCEPTION("Z3", "conduit up", "2199-12-31"));
	CHECK(plan->arch->exceptions[0].used);
	load(BYPASS EXCEPTION("Z3", "conduit up", "2020-12-31"));
	CHECK_INT(findings(), 2);	/* it is over, and so the rule is broken again */
	CHECK_STR(report.findings[report.n - 2].rule, "Z3");
	CHECK_STR(report.findings[report.n - 1].rule, "X1");
	BROKEN(CLEAN EXCEPTION("Z99", "conduit up", "2199-12-31"), "X2", "exception x");
	BROKEN(CLEAN EXCEPTION("Z3", "conduit up", "2199-12-31"), "X3", "exception x");
	BROKEN(CLEAN EXCEPTION("Z3", "conduit up", "31.12.2199"), "date", "exception x");
}

TEST(a_site_that_wants_advice_gets_warnings)
{
	CHECK_INT(load(SITE ZONES "conduits: { up: { from: cell, to: office } }\n" SOURCES OFFICE_SINK EQUIPMENT FLOWS
	    "nodes: { n: { zone: dmz, " WITHOUT ", interfaces: [eth0 dmz 10.9.0.2/24] } }\n"), 0);
	CHECK_INT(report.errors, 0);
	CHECK_INT(findings(), 1);
	CHECK_STR(report.findings[report.n - 1].rule, "Z3");
}

TEST(networks_are_read_and_compared)
{
	struct network n, h;

	CHECK_INT(network_parse("10.3.0.0/22", &n), 0);
	CHECK_INT(network_parse_host("10.3.3.255/22", &h), 0);
	CHECK(!network_holds(&n, &(struct network){ .address = { 10, 3, 4, 0 }, .bits = 32 }));
	CHECK_INT(network_parse_host("10.3.3.255", &h), 0);
	CHECK(network_holds(&n, &h));
	CHECK(!network_is_public(&h));
	CHECK_INT(network_parse_host("9.9.9.9", &h), 0);
	CHECK(network_is_public(&h));
	CHECK_INT(network_parse("fd00:3::/64", &n), 0);
	CHECK(n.v6 && !network_is_public(&n));
	static const char *const bad[] = { "10.3.0.1/22", "10.3.0.0", "10.3.0.0/33", "10.3.0.0/-1", "10.3.0.0/",
	    "10.3.0/24", "x/8", "::1/129", "/8" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK(network_parse(bad[i], &n) != 0);
}

TEST(a_conduit_is_for_something)
{
	BROKEN(SITE ENFORCE ZONES "conduits: { up: { from: cell, to: dmz }, idle: { from: dmz, to: office } }\n" SOURCES SINKS EQUIPMENT FLOWS, "Z2", "conduit idle");
	/* A service goes through it: then it is for that. */
	CLEAN_SITE(SITE ENFORCE ZONES "conduits: { up: { from: cell, to: dmz }, more: { from: dmz, to: office } }\n" SOURCES SINKS EQUIPMENT FLOWS
	    "nodes: { n: { zone: dmz, " WITHOUT ", interfaces: [eth0 dmz 10.9.0.2/24] } }\n"
	    "services: { help: { kind: upkeep, zone: office, endpoint: '10.8.0.9:22', owner: it } }\n");
}

TEST(no_port_is_open_through_both_sides_of_the_dmz)
{
#define BOTH(source, sink) SITE ENFORCE ZONES "conduits: { up: { from: cell, to: dmz }, on: { from: dmz, to: office } }\n" \
	"sources: { p: { driver: toy, zone: cell, endpoint: '10.3.1.7" source "', unit: 1 } }\nsinks: { s: { kind: box, zone: office, broker: 'h" sink "' } }\n" \
	EQUIPMENT "flows: { f: { what: '**/x', to: s, via: [up, on], " FLOW_ ", criticality: C3 } }\n"
	CLEAN_SITE(BOTH(":502", ":1883"));
	BROKEN(BOTH(":1883", ":1883"), "Z4", "flow f");
}

TEST(what_is_wireless_stands_apart)
{
#define AIR(kind, how) SITE ENFORCE "zones:\n  cell: { level: 2, sl-t: 2, owner: production, kind: " kind " }\n  dmz: { level: 3.5, sl-t: 3, owner: security }\n" CONDUITS \
	"sources: { p: { driver: toy, zone: cell, endpoint: 10.3.1.7, unit: 1" how " } }\n" SINKS EQUIPMENT FLOWS
	CLEAN_SITE(AIR("plain", ""));
	CLEAN_SITE(AIR("wireless", ""));
	CLEAN_SITE(AIR("plain", ", attached: fixed"));
	CLEAN_SITE(AIR("wireless", ", attached: wireless"));
	CLEAN_SITE(AIR("external", ", attached: external"));
	BROKEN(AIR("plain", ", attached: wireless"), "Z8", "source p");
	BROKEN(AIR("external", ", attached: temporary"), "Z8", "source p");
	BROKEN(AIR("temporary", ", attached: fixed"), "Z8", "source p");
}

#define EDGE "nodes: { n: { zone: dmz, without: [names, patches, malware, backup, logs%s], interfaces: [eth0 cell 10.3.1.2/24, eth1 dmz 10.9.0.2/24] } }\n"

static const char *
with_services(const char *without, const char *services)
{
	static char text[4096];

	snprintf(text, sizeof text, SITE ENFORCE ZONES "conduits: { up: { from: cell, to: dmz }, on: { from: dmz, to: office } }\n" SOURCES SINKS EQUIPMENT FLOWS EDGE
	    "services:\n  watch: { kind: time, zone: dmz, endpoint: '10.9.0.5:123', transport: udp, owner: ot }\n"
	    "  desk: { kind: upkeep, zone: office, endpoint: '10.8.0.9:22', owner: it }\n%s", without, services);
	return text;
}

TEST(services_are_written_down)
{
	CLEAN_SITE(with_services(", directory", ""));
	BROKEN(with_services("", ""), "Z13", "node n");
	CHECK(strstr(report.findings[0].cause, "directory") != NULL && strstr(report.findings[0].cause, "time") == NULL);
	CLEAN_SITE(with_services("", "  who: { kind: directory, zone: dmz, endpoint: '10.9.0.6:636', nodes: [n], owner: ot }\n"));
	/* No conduit lets the office open a session to the DMZ. */
	BROKEN(with_services(", directory", "  fetch: { kind: backup, zone: office, endpoint: '10.8.0.9:22', session: server, owner: it }\n"), "Z13", "service fetch");
	BROKEN(with_services(", directory", "  x: { kind: logs, zone: dmz, endpoint: nowhere, owner: o }\n"),
	    "endpoint", "service x");
	BROKEN(with_services(", directory", "  x: { kind: logs, zone: dmz, endpoint: 'h:514', owner: o, nodes: [nobody] }\n"), "dangling", "service x");
	CHECK_INT(load(with_services(", directory", "")), 0);
	CHECK(plan->arch->nservices == 2 && plan->arch->services[0].kind == SERVICE_TIME && plan->arch->services[0].nnodes == 1);
	CHECK_STR(plan->arch->services[0].endpoint, "10.9.0.5:123");
}

TEST(a_service_does_not_jump_over_the_dmz_either)
{
	BROKEN(SITE ENFORCE ZONES "conduits: { up: { from: cell, to: dmz }, past: { from: cell, to: office } }\n" SOURCES SINKS EQUIPMENT FLOWS
	    "nodes: { n: { zone: cell, " WITHOUT ", interfaces: [eth0 cell 10.3.1.2/24] } }\n"
	    "services: { far: { kind: logs, zone: office, endpoint: '10.8.0.9:6514', owner: it } }\n", "Z3", "conduit past");
}

TEST(who_administers_ot_is_not_known_by_the_business)
{
	BROKEN(with_services("", "  who: { kind: directory, zone: office, endpoint: '10.8.0.6:636', owner: it }\n"),
	    "Z12", "service who");
	BROKEN(with_services("", "  who: { kind: directory, zone: dmz, endpoint: '10.9.0.6:636', shared-with: [office], owner: it }\n"), "Z12", "service who");
	CLEAN_SITE(with_services("", "  who: { kind: directory, zone: dmz, endpoint: '10.9.0.6:636', shared-with: [cell], owner: it }\n"));
}

TEST(what_listens_has_a_flow)
{
	CLEAN_SITE(CLEAN);
	/* With a warning beside it that nothing goes to it, which findings() leaves out. */
	BROKEN(SITE ENFORCE ZONES CONDUITS SOURCES "sinks: { s: { kind: box, zone: dmz, broker: h }, door: { kind: door, zone: dmz, at: '10.9.0.2:4840' } }\n"
	    EQUIPMENT FLOWS, "Z15", "sink door");
}

TEST_MAIN
