/*
 * Interlocks: an expression over live tags that must be true when a request is admitted. One is compiled for each tag
 * that it guards with the plan, and evaluated over the present values. What cannot be known is not true: an input that
 * is bad, uncertain, stale or has not come refuses.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gate/request_int.h"
#include "site/derive.h"

struct interlocks {
	struct arena	 memory;
	struct expr	***of;		/* [entry][tag of the entry]; a method has one. NULL: it did not compile */
};

static struct expr *
compile(struct requests *r, struct interlocks *in, const struct request_rule *rule, const char *own, struct map *paths)
{
	struct derive_scope scope = { .own = own, .find = derive_find, .arg = paths, .arena = &in->memory };
	struct expr_error e = { 0 };
	struct expr *p = NULL;

	if (derive_compile(rule->interlock, NULL, &scope, &p, &e) != 0 || expr_has_state(p) ||
	    expr_result_type(p) != EXPR_BOOL) {
		log_error("interlock_unusable", "request=%s cause=\"%s\" effect=\"it refuses\"", rule->name, e.cause);
		return NULL;
	}
	for (size_t i = 0; i < expr_inputs(p); i++) {
		const struct tag *t = (const struct tag *)(uintptr_t)expr_input(p, i)->id;
		live_watch(r, (struct tag_ref){ t->source, t->index });
	}
	return p;
}

void
interlocks_build(struct requests *r)
{
	struct interlocks *in = arena_new(&r->live_memory, struct interlocks);
	struct map paths = { 0 };

	in->of = arena_array(&r->live_memory, r->plan->nrequests + 1, sizeof *in->of);
	if (r->interlocks != NULL)
		arena_fini(&r->interlocks->memory);
	r->interlocks = in;
	for (uint32_t i = 0; i < r->plan->nrequests; i++) {
		const struct request_rule *rule = &r->plan->requests[i];
		if (*rule->interlock == '\0')
			continue;
		if (paths.n == 0)
			derive_index(&paths, r->plan);
		in->of[i] = arena_array(&in->memory, rule->ntags + 1, sizeof *in->of[i]);
		if (rule->ntags == 0)
			in->of[i][0] = compile(r, in, rule, "", &paths);
		for (uint32_t k = 0; k < rule->ntags; k++) {
			const struct tag_ref ref = rule->tags[k];
			in->of[i][k] = compile(r, in, rule, r->plan->sources[ref.source].tags[ref.tag].path, &paths);
		}
	}
	map_fini(&paths);
}

void
interlocks_free(struct interlocks *in)
{
	if (in != NULL)
		arena_fini(&in->memory);
}

static const struct expr *
of_target(const struct requests *r, const struct request_rule *rule, const struct tag *tag)
{
	struct expr **all = r->interlocks->of[rule - r->plan->requests];

	if (tag == NULL)
		return all[0];
	for (uint32_t k = 0; k < rule->ntags; k++)
		if (rule->tags[k].source == tag->source && rule->tags[k].tag == tag->index)
			return all[k];
	return NULL;
}

bool
interlock_true(const struct requests *r, const struct target *t, struct mono now, struct wall wall, char *text,
    size_t size)
{
	struct expr_input in[EXPR_INPUTS_MAX];
	const struct expr_input *at[EXPR_INPUTS_MAX];
	uint64_t state[512];
	struct expr_result res = { 0 };

	if (*t->rule->interlock == '\0')
		return true;
	const struct expr *p = of_target(r, t->rule, t->tag);
	if (p == NULL || expr_state_size(p) > sizeof state) {
		snprintf(text, size, "its interlock cannot be evaluated");
		return false;
	}
	for (size_t i = 0; i < expr_inputs(p); i++) {
		const struct tag *tag = (const struct tag *)(uintptr_t)expr_input(p, i)->id;
		char why[300];
		const struct live *v = live_get(r, (struct tag_ref){ tag->source, tag->index }, now, wall, why,
		    sizeof why);
		if (v == NULL) {
			snprintf(text, size, "the interlock cannot be judged: %s", why);
			return false;
		}
		in[i] = (struct expr_input){ .v = v->v, .status = v->status, .time = v->arrival };
		at[i] = &in[i];
	}
	expr_init(p, state);
	expr_eval(p, state, at, UINT64_MAX, wall, &res);
	if (status_is_good(res.status) && res.v.type == VALUE_BOOL && res.v.b)
		return true;
	if (status_is_good(res.status))
		snprintf(text, size, "the interlock \"%.300s\" does not hold now", t->rule->interlock);
	else {
		char why[200];
		snprintf(text, size, "the interlock cannot be judged: %s", expr_why_text(p, &res, why, sizeof why));
	}
	return false;
}
