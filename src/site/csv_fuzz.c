/*
 * Any bytes as a table: rows end, fields lie within the text or its copy, and a table of tags never harms the
 * loader.
 */
#include <stdlib.h>

#include "site/csv.h"
#include "site/site_testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char yaml[] =
    "site: { enterprise: A, name: B }\nzones: { z: { level: 2 } }\n"
    "sources: { p: { driver: toy, zone: z, endpoint: h, unit: 1 } }\nequipment: { L: { source: p, tags: t.csv } }\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv *c = calloc(1, sizeof *c);
	struct plan *p = NULL;
	struct site_report r;
	size_t sum = 0;

	if (c == NULL)
		abort();
	if (csv_init(c, (const char *)data, size) == 0)
		while (csv_row(c) == 0)
			for (size_t i = 0; i < c->n; i++) {
				if (c->field[i].line < 1 || c->field[i].column < 1)
					abort();
				for (size_t k = 0; k < c->field[i].len; k++)
					sum += (unsigned char)c->field[i].s[k];
			}
	if (sum > size * 255)
		abort();
	csv_fini(c);
	free(c);
	int err = toy_load_text(yaml, sizeof yaml - 1, (const char *)data, size, &p, &r);
	if ((err == 0) != (p != NULL) || (err != 0 && r.errors == 0))
		abort();
	plan_free(p);
	site_report_free(&r);
	return 0;
}
