/* `penstock check SITE [--json] [--strict]`: everything that is wrong with a site file, in one run. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/cli.h"
#include "proc/catalog.h"
#include "site/site.h"

static void
print_verdict(const char *path, const struct plan *p, const struct site_report *r)
{
	if (p != NULL)
		fprintf(stderr, "%s: %u sources, %u tags, %u flows, %u sinks; %zu errors, %zu warnings\n", path,
		    p->nsources, p->ntags,
		    p->nflows, p->nsinks, r->errors, r->warnings);
	else
		fprintf(stderr, "%s: %zu errors, %zu warnings\n", path, r->errors, r->warnings);
}

static int
status_of(int err, const struct site_report *r, bool strict)
{
	if (err == 0)
		return strict && r->warnings > 0 ? EXIT_FINDINGS : EXIT_OK;
	return err == ERR_SYNTAX ? EXIT_FINDINGS : EXIT_CANNOT;
}

int
cmd_check(int argc, char **argv)
{
	const char *path = NULL;
	bool json = false, strict = false, usage = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strcmp(argv[i], "--strict") == 0)
			strict = true;
		else if (argv[i][0] == '-' || path != NULL)
			usage = true;
		else
			path = argv[i];
	}
	if (usage || path == NULL) {
		fprintf(stderr, "usage: penstock check SITE [--json] [--strict]\n"
		    "Exit status: 0 clean (warnings alone are clean unless --strict), 1 findings, 2 the file cannot "
		    "be read.\n");
		return EXIT_CANNOT;
	}
	struct plan *plan = NULL;
	struct site_report report;
	struct buf out = { 0 };
	int err = site_load(path, catalog_all(), &plan, &report);
	site_report_print(&report, json, &out);
	fputs(buf_text(&out), stdout);
	if (!json)
		print_verdict(path, plan, &report);
	int status = status_of(err, &report, strict);
	if (fflush(stdout) != 0)
		status = EXIT_CANNOT;
	buf_fini(&out);
	site_report_free(&report);
	plan_free(plan);
	return status;
}
