/* `penstock check SITE [--json] [--strict]`: everything that is wrong with a site file, in one run. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/cli.h"
#include "proc/catalog.h"
#include "site/site.h"

static const char usage[] =
    "usage: penstock check SITE [--json] [--strict]\n"
    "Reads the site file and its tables and says everything that is wrong with them, with file:line:column.\n"
    "  --json    findings as a JSON array\n"
    "  --strict  warnings count as findings\n"
    "Exit status: 0 clean (warnings alone are clean), 1 findings, 2 the file cannot be read.\n";

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

struct options {
	const char	*path;
	bool		 json, strict, help, wrong;
};

static struct options
read_options(int argc, char **argv)
{
	struct options o = { .path = NULL };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			o.json = true;
		else if (strcmp(argv[i], "--strict") == 0)
			o.strict = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			o.help = true;
		else if (argv[i][0] == '-' || o.path != NULL)
			o.wrong = true;
		else
			o.path = argv[i];
	}
	o.wrong |= o.path == NULL;
	return o;
}

int
cmd_check(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	if (o.help || o.wrong) {
		fputs(usage, o.help ? stdout : stderr);
		return o.help ? EXIT_OK : EXIT_CANNOT;
	}
	struct plan *plan = NULL;
	struct site_report report;
	struct buf out = { 0 };
	int err = site_load(o.path, catalog_all(), &plan, &report);
	site_report_print(&report, o.json, &out);
	fputs(buf_text(&out), stdout);
	int status = status_of(err, &report, o.strict);

	fflush(stdout);	/* the verdict comes last, wherever both go */
	if (!o.json)
		print_verdict(o.path, plan, &report);
	buf_fini(&out);
	site_report_free(&report);
	plan_free(plan);
	return status;
}
