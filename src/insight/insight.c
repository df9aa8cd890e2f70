/*
 * See insight.h. The rings are mapped and kept, one a writer, and left unread: a reader costs its writer nothing, and
 * an idle one costs nothing at all. A derivation would begin at the newest record, so nothing is missed by not having
 * read before.
 */
#include "insight/insight.h"

#include <stdlib.h>
#include <string.h>

struct held_ring {
	char			*writer;
	struct ring_reader	*r;
};

struct insight {
	struct plan		*plan;
	struct held_ring	 rings[INSIGHT_RINGS_MAX];
	size_t			 n;
};

struct insight *
insight_new(void)
{
	return calloc(1, sizeof(struct insight));
}

void
insight_free(struct insight *in)
{
	if (in == NULL)
		return;
	for (size_t i = 0; i < in->n; i++) {
		ring_close(in->rings[i].r);
		free(in->rings[i].writer);
	}
	plan_free(in->plan);
	free(in);
}

void
insight_plan(struct insight *in, struct plan *p)
{
	plan_free(in->plan);
	in->plan = p;
}

int
insight_ring(struct insight *in, const char *writer, struct ring_reader *r)
{
	for (size_t i = 0; i < in->n; i++)
		if (strcmp(in->rings[i].writer, writer) == 0) {
			ring_close(in->rings[i].r);
			in->rings[i].r = r;
			return 0;
		}
	char *name = in->n < INSIGHT_RINGS_MAX ? strdup(writer) : NULL;
	if (name == NULL) {
		ring_close(r);
		return ERR_LIMIT;
	}
	in->rings[in->n++] = (struct held_ring){ name, r };
	return 0;
}

size_t
insight_rings(const struct insight *in)
{
	return in->n;
}
