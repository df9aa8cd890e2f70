/* See advice.h. The facts behind the rows: limits of SAP's interfaces as their makers publish them, and what each way can promise. */
#include "doc/advice.h"

#include <string.h>

#include "base/clock.h"

#define IS(i)	(1u << (i))
#define S4	(IS(SAP_S4) | IS(SAP_S4_CLOUD))

enum { PRODUCTION, QUALITY, MAINTENANCE, INVENTORY };
enum { DEFINITION, CAPABILITY, SCHEDULE, PERFORMANCE };

const struct advice_rule advice_rules[] = {
	{ .id = "one-way", .mechanism = "one-way transfer (diode)", .fits = "diode", .one_way = true,
	  .why = "a conduit on its way lets nothing back, so no protocol with acknowledgements can pass" },
	{ .id = "orders-down", .mechanism = "OData reads by the office, offered as tags through requests", .fits = "", .sap = S4,
	  .exchanges = IS(DEFINITION) | IS(SCHEDULE),
	  .why = "definitions and schedules come from SAP: the OT side asks for them, nothing is pushed into it" },
	{ .id = "confirm-ecc", .mechanism = "IDoc PPCC2PRETTICKET over HTTPS (decoupled upload)", .fits = "", .sap = IS(SAP_ECC6), .exchanges = IS(PERFORMANCE),
	  .categories = IS(PRODUCTION), .bulk = -1,
	  .why = "ECC has no OData service for confirmations; the decoupled upload takes no order lock and can be repeated safely by its external key" },
	{ .id = "confirm-many", .mechanism = "MQTT to a second node that posts OData with $batch", .fits = "mqtt", .sap = S4, .exchanges = IS(PERFORMANCE),
	  .categories = IS(PRODUCTION) | IS(QUALITY), .day_min = 1e6, .day_max = 1e300, .bulk = -1,
	  .why = "so many values a day must be collected into events before they are booked: a document for each would lock orders against each other" },
	{ .id = "confirm", .mechanism = "OData: production or process order confirmation, through events and outbox", .fits = "", .sap = S4,
	  .exchanges = IS(PERFORMANCE), .categories = IS(PRODUCTION), .bulk = -1,
	  .why = "a confirmation is a booking: it needs one effect, an answer from SAP, and a person when it is refused" },
	{ .id = "results", .mechanism = "OData: inspection results and usage decision, through events and outbox", .fits = "", .sap = S4,
	  .categories = IS(QUALITY), .bulk = -1, .why = "a result belongs to a lot and a characteristic; SAP judges it and answers" },
	{ .id = "condition-apm", .mechanism = "hourly parquet files to Asset Performance Management", .fits = "", .sap = S4, .categories = IS(MAINTENANCE),
	  .day_min = 100000, .day_max = 1e300,
	  .why = "its REST door takes 100,000 measurements a day over all equipment; a file takes 1,000,000 rows" },
	{ .id = "notify", .mechanism = "OData: maintenance notification and measurement document, through events and outbox", .fits = "", .sap = S4,
	  .categories = IS(MAINTENANCE), .bulk = -1, .why = "what a person must act on is a notification, and what is measured now and then a measurement document" },
	{ .id = "supervise", .mechanism = "OPC UA server", .fits = "opcua-server", .back = true,
	  .why = "requests come back: OPC UA names the user, and carries a write and its outcome" },
	{ .id = "store", .mechanism = "MQTT to a data platform, reduced by change or window", .fits = "mqtt sparkplug history", .bulk = 1,
	  .why = "stores and analysis take streams; latency does not matter, so windows and change save most of the volume" },
	{ .id = "stream", .mechanism = "MQTT (Sparkplug where the far end knows it), history, or OPC UA server for SCADA", .fits = "mqtt sparkplug history opcua-server",
	  .why = "nothing speaks for a booking: a stream with acknowledgements, or a live view, is enough" },
	{ .mechanism = NULL },
};

void
flow_facts(const struct plan *p, const struct flow *f, uint32_t sink, struct flow_facts *out)
{
	*out = (struct flow_facts){ .flow = f, .said = &p->arch->flows[f - p->flows], .sink = &p->sinks[sink] };
	for (uint32_t i = 0; i < f->ntags; i++) {
		int64_t ns = f->reduce == REDUCE_WINDOW ? f->window_ns : p->sources[f->tags[i].source].tags[f->tags[i].tag].scan_ns;
		out->values_a_day += ns > 0 ? 86400.0 * (double)NS_PER_S / (double)ns : 0;
	}
	out->latency_s = (double)(f->reduce == REDUCE_WINDOW ? f->window_ns : f->latency_ns) / (double)NS_PER_S;
	for (uint32_t i = 0; i < f->nconduits; i++)
		out->one_way = out->one_way || p->arch->conduits[f->conduits[i]].one_way;
	for (uint32_t i = 0; i < p->nrequests; i++)
		for (uint32_t k = 0; k < p->requests[i].nsinks; k++)
			out->back = out->back || p->requests[i].sinks[k] == sink;
}

static bool
in_set(uint32_t set, int i)
{
	return set == 0 || (i >= 0 && (set & IS(i)) != 0);
}

static bool
rule_fits(const struct plan *p, const struct advice_rule *r, const struct flow_facts *f)
{
	if (r->sap != 0 && (r->sap & IS(p->arch->sap)) == 0)
		return false;
	if (!in_set(r->exchanges, f->said->exchange) || !in_set(r->categories, f->said->category))
		return false;
	if (r->day_max > 0 && (f->values_a_day < r->day_min || f->values_a_day > r->day_max))
		return false;
	if ((r->bulk > 0 && !f->said->bulk) || (r->bulk < 0 && f->said->bulk))
		return false;
	return (!r->one_way || f->one_way) && (!r->back || f->back);
}

const struct advice_rule *
advice_for(const struct plan *p, const struct flow_facts *f)
{
	const struct advice_rule *r = advice_rules;

	while (r[1].mechanism != NULL && !rule_fits(p, r, f))
		r++;
	return r;
}

bool
advice_followed(const struct advice_rule *r, const struct flow_facts *f)
{
	size_t len = strlen(f->sink->kind);

	for (const char *at = strstr(r->fits, f->sink->kind); at != NULL; at = strstr(at + 1, f->sink->kind))
		if ((at == r->fits || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}
