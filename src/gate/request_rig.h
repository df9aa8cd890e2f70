/*
 * For the tests of requests: a plan with a few entries, a log and a field that remember what they were told. Header
 * only.
 */
#ifndef GATE_REQUEST_RIG_H
#define GATE_REQUEST_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/test.h"
#include "gate/request.h"

#define RIG_ENTRIES 2000u

struct rig {
	struct requests	*r;
	struct plan	*plan;
	struct mono	 now;
	struct wall	 wall;
	bool		 disk_full, no_field;
	struct { enum audit_kind kind; uint64_t id; char mark[101], *json; } log[RIG_ENTRIES];
	uint32_t	 nlog;
	uint32_t	 nsent;
	uint64_t	 sent_id;
	struct mono	 sent_deadline;
	double		 sent_value;
	char		 sent_zone[64], sent_readback[64];
	uint32_t	 ntold;
	struct request_result told;
	uint64_t	 token;
	char		 told_code[64], told_text[600];
};

static inline int
rig_audit(void *arg, const struct audit_new *v, size_t n, struct wall now)
{
	struct rig *g = arg;
	(void)now;
	if (g->disk_full)
		return ERR_NOSPACE;
	for (size_t i = 0; i < n; i++)
		if (strlen(v[i].json) > AUDIT_LINE_MAX - 300)
			return ERR_LIMIT;
	for (size_t i = 0; i < n && g->nlog < RIG_ENTRIES; i++) {
		g->log[g->nlog].kind = v[i].kind;
		g->log[g->nlog].id = v[i].id;
		snprintf(g->log[g->nlog].mark, sizeof g->log[0].mark, "%s", v[i].mark != NULL ? v[i].mark : "-");
		g->log[g->nlog++].json = strdup(v[i].json);
	}
	return 0;
}

static inline int
rig_send(void *arg, const char *zone, const struct order *o)
{
	struct rig *g = arg;
	if (g->no_field)
		return ERR_CONN;
	/* Nothing leaves before the log says so. */
	if (g->nlog == 0 || g->log[g->nlog - 1].kind != AUDIT_SENT || g->log[g->nlog - 1].id != o->id)
		test_fail(__FILE__, __LINE__, "an order left before its entry");
	g->nsent++;
	g->sent_id = o->id;
	g->sent_deadline = o->deadline;
	g->sent_value = 0;
	if (o->ask.nargs > 0)
		value_as_f64(&o->ask.args[0], &g->sent_value);
	snprintf(g->sent_zone, sizeof g->sent_zone, "%s", zone);
	snprintf(g->sent_readback, sizeof g->sent_readback, "%s", o->readback_tag);
	return 0;
}

static inline void
rig_tell(void *arg, uint64_t token, const struct request_result *r)
{
	struct rig *g = arg;
	g->ntold++;
	g->token = token;
	g->told = *r;
	snprintf(g->told_code, sizeof g->told_code, "%s", r->code);
	snprintf(g->told_text, sizeof g->told_text, "%s", r->text);
}

static inline struct requests *
rig_requests(struct rig *g)
{
	return requests_new(&(struct requests_ops){ .audit = rig_audit, .send = rig_send, .tell = rig_tell, .arg = g });
}

/*
 * One source "plc" in zone "line": sp (float64, 0..100 Cel), n (uint16, no range), mode (enum), flag, name (text), pv.
 */
static inline struct plan *
rig_plan(void)
{
	static struct enum_item items[] = { { 0, "stop" }, { 1, "run" } };
	static const struct enum_def mode = { "mode", items, 2 };
	struct plan *p = plan_new();
	struct arena *a = &p->arena;

	p->zones = arena_array(a, 1, sizeof *p->zones);
	p->zones[p->nzones++].name = "line";
	p->sources = arena_array(a, 1, sizeof *p->sources);
	p->tags = arena_array(a, 6, sizeof *p->tags);
	p->ntags = 6;
	p->nsources = 1;
	p->sources[0] = (struct source){ .name = "plc", .driver = "toy", .key = 77, .tags = p->tags, .ntags = 6 };
	static const struct { const char *path; uint8_t type; } tags[] = { { "L/sp", VALUE_F64 }, { "L/n", VALUE_U16 },
	    { "L/mode", VALUE_U16 },
	    { "L/flag", VALUE_BOOL }, { "L/name", VALUE_TEXT }, { "L/pv", VALUE_F64 } };
	for (uint32_t i = 0; i < 6; i++)
		p->tags[i] = (struct tag){ .path = tags[i].path, .type = tags[i].type, .unit = i == 0 ? "Cel" : "",
		    .help = "", .at = "",
		    .scan_ns = NS_PER_S, .index = i, .writable = true };
	p->tags[0].has_range = true;
	p->tags[0].hi = 100;
	p->tags[2].enumeration = &mode;
	p->sinks = arena_array(a, 1, sizeof *p->sinks);
	p->sinks[p->nsinks++] = (struct sink){ .name = "server", .kind = "opcua-server" };
	p->requests = arena_array(a, 8, sizeof *p->requests);
	return p;
}

/* An entry for one tag, from cli, ten seconds to live, to be refined. */
static inline struct request_rule *
rig_rule(struct plan *p, const char *name, uint32_t tag)
{
	struct request_rule *r = &p->requests[p->nrequests++];

	*r = (struct request_rule){ .name = name, .ntags = 1, .cli = true, .method = "", .interlock = "", .why = "",
	    .owner = "",
	    .ttl_ns = 10 * NS_PER_S, .per_minute = 100, .readback = true, .within_ns = 5 * NS_PER_S };
	r->tags = arena_array(&p->arena, 1, sizeof *r->tags);
	r->tags[0].tag = tag;
	return r;
}

static inline struct rig *
rig_new(void)
{
	struct rig *g = calloc(1, sizeof *g);

	log_open("test", LOG_LEVEL_ERROR);
	g->now.ns = 1000 * NS_PER_S;
	g->wall.ns = 1700000000LL * NS_PER_S;
	g->plan = rig_plan();
	g->r = rig_requests(g);
	requests_recalled(g->r, g->now, g->wall);
	return g;
}

static inline void
rig_free(struct rig *g)
{
	requests_free(g->r);
	plan_free(g->plan);
	for (uint32_t i = 0; i < g->nlog; i++)
		free(g->log[i].json);
	free(g);
}

static inline void
rig_pass(struct rig *g, int64_t ms)
{
	g->now.ns += ms * NS_PER_MS;
	g->wall.ns += ms * NS_PER_MS;
}

static inline struct request
rig_write(const char *tag, const struct value *v)
{
	return (struct request){ .kind = REQUEST_WRITE, .target = tag, .method = "", .event = "", .args = v, .nargs = 1,
	    .from = "cli",
	    .user = "anna", .key = "", .note = "" };
}

/* Ask to write a number; the code it was answered with. */
static inline const char *
rig_ask(struct rig *g, const char *tag, double d)
{
	struct value v = { .type = VALUE_F64, .f64 = d };
	struct request q = rig_write(tag, &v);

	requests_ask(g->r, 5, &q, g->now, g->wall);
	return g->told_code;
}

static inline void
rig_carried(struct rig *g, uint64_t id, enum request_state s)
{
	struct request_result res = { .id = id, .state = s, .code = "", .text = "done", .readback = { .type = VALUE_F64,
	    .f64 = 1 } };
	requests_carried(g->r, "line", &res, g->wall);
}

static inline void
rig_live(struct rig *g, uint32_t tag, double d, uint32_t status)
{
	struct sample s = { .tag = tag, .status = status, .arrival = g->wall, .v = { .type = VALUE_F64, .f64 = d } };
	requests_live(g->r, 77, &s, 1, g->now);
}

static inline uint32_t
rig_entries(const struct rig *g, enum audit_kind kind)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < g->nlog; i++)
		n += g->log[i].kind == kind;
	return n;
}

/* With an entry for the setpoint in force. */
static inline struct rig *
rig_ready(void)
{
	struct rig *g = rig_new();
	rig_rule(g->plan, "sp", 0);
	requests_plan(g->r, g->plan, g->now, g->wall);
	return g;
}

static inline int
rig_confirm(struct rig *g, const char *user, const char *role, enum request_reason *why)
{
	struct request_person p = { .from = "cli", .user = user, .roles = &role, .nroles = 1 };
	return requests_confirm(g->r, 8, g->told.id, &p, why, g->now, g->wall);
}

#endif
