/*
 * Interlocks of requests, judged before they run: the expression is compiled in the scope of each tag that it guards
 * (relative names mean that tag's equipment), must give true or false, remember nothing, and look only at tags whose
 * present value gate has.
 */
#include <stdio.h>
#include <string.h>

#include "site/derive.h"
#include "site/request_checks.h"

static const struct tag *
find(void *arg, const char *path, size_t len, int *err, char *why, size_t size)
{
	const struct loader *l = arg;
	uintptr_t at = (uintptr_t)map_get(&l->paths, path, len);
	(void)err;
	(void)why;
	(void)size;

	return at != 0 ? &l->tags[at - 1] : NULL;
}

/* What is wrong with the program, "" for nothing. */
static void
judge(const struct expr *p, char *cause, size_t size, const char **remedy)
{
	*cause = '\0';
	if (expr_result_type(p) != EXPR_BOOL) {
		snprintf(cause, size, "its interlock gives a %s, not true or false",
		    expr_type_name(expr_result_type(p)));
		*remedy = "compare it with something, such as pressure < 4";
		return;
	}
	if (expr_has_state(p) || expr_uses_time(p)) {
		snprintf(cause, size, "its interlock remembers what was before, or looks at the clock");
		*remedy = "put that part into a derived tag, and name the tag here";
		return;
	}
	for (size_t i = 0; i < expr_inputs(p); i++) {
		const struct expr_tag *t = expr_input(p, i);
		if (t->period_ns > 0 && t->type != VALUE_TEXT)
			continue;
		snprintf(cause, size, "its interlock looks at \"%.200s\", %s", t->name, t->type == VALUE_TEXT ?
		    "which is a text" :
		    "which is read on demand only, so that its present value is not known");
		*remedy = t->type == VALUE_TEXT ? "use numbers and booleans; a derived tag can make one of a text" :
		    "give that tag a scan period";
		return;
	}
}

static bool
compile_for(struct loader *l, const struct request_draft *d, const char *own)
{
	struct arena a = { 0 };
	struct derive_scope scope = { .own = own, .find = find, .arg = l, .arena = &a };
	struct expr_error e = { 0 };
	struct expr *p = NULL;
	char cause[800] = "";
	const char *remedy = "see doc/expressions.md";

	int err = derive_compile(d->rule->interlock, NULL, &scope, &p, &e);
	if (err != 0) {
		if (l->tags_missing && err == ERR_NOTFOUND)
			cause[0] = '\0';
		else
			snprintf(cause, sizeof cause, "its interlock, at character %d: %s", e.column, e.cause);
		remedy = *e.remedy != '\0' ? e.remedy : remedy;
	} else
		judge(p, cause, sizeof cause, &remedy);
	if (*cause != '\0')
		request_error(l, d, "request-interlock", "interlock", cause, remedy);
	arena_fini(&a);
	return *cause == '\0';
}

void
request_check_interlock(struct loader *l, const struct request_draft *d)
{
	const struct request_rule *r = d->rule;

	if (*r->interlock == '\0')
		return;
	if (r->ntags == 0)
		compile_for(l, d, "");
	for (uint32_t i = 0; i < r->ntags; i++)
		if (!compile_for(l, d, l->tags[r->tags[i].tag].path))
			return;		/* the others have the same words */
}
