/* See read.h: what is asked. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "proto/odata/url.h"
#include "sink/sap_odata/map_int.h"

static const char *
setting(const struct message_env *env, const char *name)
{
	for (size_t i = 0; env != NULL && i < env->nsettings; i++)
		if (strcmp(env->settings[i].name, name) == 0 && *env->settings[i].value != '\0')
			return env->settings[i].value;
	return NULL;
}

static int
add_where(struct odata_query *q, const struct mapping *m, const struct message_env *env, const struct read_where *w,
    struct arena *a, char *why, size_t size)
{
	const char *value = w->setting != NULL ? setting(env, w->setting) : w->value;
	char wrong[ODATA_WHY_MAX];
	struct edm_value v;

	if (value == NULL) {
		if (w->optional)
			return 0;
		snprintf(why, size,
		    "the mapping %s reads by %s, which needs the setting \"%s\": add %s=... to the key `settings` of the sink", m->name, w->prop, w->setting,
		    w->setting);
		return ERR_NOTFOUND;
	}
	if (edm_from_text(value, strlen(value), w->type, a, &v, wrong) != 0) {
		snprintf(why, size, "the setting \"%s\" does not fit %s: %s", w->setting != NULL ? w->setting : "",
		    w->prop, wrong);
		return ERR_SYNTAX;
	}
	odata_query_where(q, w->prop, w->op, &v);
	return 0;
}

static void
add_select(struct odata_query *q, const struct reading *r)
{
	struct buf names = { 0 };
	for (uint32_t i = 0; i < r->ntags; i++) {
		uint32_t k = 0;
		while (k < i && strcmp(r->tags[k].prop, r->tags[i].prop) != 0)
			k++;
		if (k == i)
			buf_printf(&names, "%s%s", names.len > 0 ? "," : "", r->tags[i].prop);
	}
	bool there = r->delta == NULL;
	for (uint32_t i = 0; i < r->ntags && !there; i++)
		there = strcmp(r->tags[i].prop, r->delta) == 0;
	if (!there)
		buf_printf(&names, ",%s", r->delta);
	odata_query(q, "$select", buf_text(&names));
	buf_fini(&names);
}

int
read_path(const struct mapping *m, const struct message_env *env, const char *mark, struct buf *out, char *why,
    size_t size)
{
	const struct reading *r = m->reading;
	struct arena a = { 0 };
	struct odata_query q;
	struct edm_value v;
	char top[16], wrong[ODATA_WHY_MAX];
	int err = 0;

	why[0] = '\0';
	buf_puts(out, m->set);
	odata_query_begin(&q, out, m->version);
	add_select(&q, r);
	for (uint32_t i = 0; i < r->nwhere && err == 0; i++)
		err = add_where(&q, m, env, &r->where[i], &a, why, size);
	if (err == 0 && r->delta != NULL && mark != NULL && *mark != '\0') {
		err = edm_from_text(mark, strlen(mark), r->delta_type, &a, &v, wrong);
		if (err == 0)
			odata_query_where(&q, r->delta, "ge", &v);
		else
			snprintf(why, size, "the marker of the last row read cannot be used: %s", wrong);
	}
	if (r->delta != NULL)
		odata_query(&q, "$orderby", r->delta);
	snprintf(top, sizeof top, "%u", r->top);
	odata_query(&q, "$top", top);
	int last = odata_query_end(&q);
	if (err == 0 && last != 0) {
		snprintf(why, size, "a condition of the mapping %s has a type that no address can say", m->name);
		err = last;
	}
	arena_fini(&a);
	return err;
}
