/* See load.h. */
#include "cli/load.h"

#include <stdio.h>

#include "proc/catalog.h"
#include "site/site.h"

int
load_site_file(const char *path, bool all, struct plan **out)
{
	struct site_report report;
	struct buf text = { 0 };
	int err = site_load(path, catalog_all(), out, &report);

	if (err != 0 || all) {
		site_report_print(&report, false, &text);
		fputs(buf_text(&text), stderr);
	}
	buf_fini(&text);
	site_report_free(&report);
	return err;
}
