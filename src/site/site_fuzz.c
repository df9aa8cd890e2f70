/*
 * Any bytes as a site file. Never a crash or a hang; a refusal always says why; and a plan that is made goes
 * through a slice of each kind and comes back with the same hash.
 */
#include <stdlib.h>

#include "site/site_testing.h"
#include "site/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char table[] = "name,at,unit,scan\na,word 1 int16,Cel,1 s\n";

static void
through_slices(const struct plan *p)
{
	for (int who = SLICE_FIELD; who <= SLICE_ALL; who++) {
		struct buf b = { 0 };
		struct plan *back = NULL;
		if (slice_write(p, (enum slice_for)who, 0, &b) != 0 || slice_read(b.p, b.len, &back) != 0 ||
		    back->hash != p->hash)
			abort();
		plan_free(back);
		buf_fini(&b);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan *p = NULL;
	struct site_report r;
	struct buf text = { 0 };

	int err = toy_load_text((const char *)data, size, table, sizeof table - 1, &p, &r);
	if ((err == 0) != (p != NULL) || (err != 0 && r.errors == 0))
		abort();
	for (size_t i = 0; i < r.n; i++)
		if (r.findings[i].remedy[0] == '\0' || r.findings[i].cause[0] == '\0')
			abort();
	site_report_print(&r, true, &text);
	if (p != NULL)
		through_slices(p);
	buf_fini(&text);
	plan_free(p);
	site_report_free(&r);
	return 0;
}
