/* See plan.h. */
#include "site/site.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct plan *
plan_new(void)
{
	struct plan *p = calloc(1, sizeof *p);
	if (p == NULL)
		fatal("out_of_memory", "plan");
	p->enterprise = p->site = p->country = p->time_zone = p->folder = p->users = "";
	return p;
}

void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	arena_fini(&p->arena);
	free(p);
}

/* A source's tags are sorted by path, in the plan and in every slice. */
const struct tag *
source_tag(const struct source *s, const char *path)
{
	uint32_t lo = 0, hi = s->ntags;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int order = strcmp(path, s->tags[mid].path);
		if (order == 0)
			return &s->tags[mid];
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct tag *
plan_tag(const struct plan *p, const char *path)
{
	for (uint32_t i = 0; i < p->nsources; i++) {
		const struct tag *t = source_tag(&p->sources[i], path);
		if (t != NULL)
			return t;
	}
	return NULL;
}

const char *const *
site_files(const struct plan *p)
{
	return p->files;
}
