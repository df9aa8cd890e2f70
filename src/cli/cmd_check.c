/* `penstock check SITE [--online] [--json] [--strict]`: everything that is wrong with a site file, in one run. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "os/disk.h"
#include "proc/catalog.h"
#include "sink/sink.h"
#include "site/derive.h"
#include "site/finding.h"

static const char usage[] =
    "usage: penstock check SITE [--online] [--state DIR] [--json] [--strict]\n"
    "Reads the site file and its tables and says everything that is wrong with them, with file:line:column.\n"
    "  --online  also ask the far ends of sinks that can be asked (sap-odata: does the service have what a mapping uses?)\n"
    "  --state   where a running penstock keeps what they said last, held against without --online\n"
    "  --json    findings as a JSON array\n"
    "  --strict  warnings count as findings\n"
    "Exit status: 0 clean (warnings alone are clean), 1 findings, 2 the file cannot be read.\n";

static void
print_verdict(const char *path, const struct plan *p, const struct site_report *r)
{
	if (p != NULL)
		fprintf(stderr, "%s: %u sources, %u tags, %u events, %u flows, %u sinks; %zu errors, %zu warnings\n", path,
		    plan_named_sources(p), p->ntags - p->nevents, p->nevents, p->nflows, p->nsinks, r->errors, r->warnings);
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
	const char	*path, *state;
	bool		 json, strict, online, help, wrong;
};

/* What the sinks are told to do, held against what is known of their far ends. */
static void
verify(const struct options *o, const struct plan *plan, struct site_report *report)
{
	struct findings f;
	char dir[DISK_PATH_MAX];

	findings_resume(&f, report);
	for (uint32_t i = 0; i < plan->nsinks; i++) {
		const struct sink_type *t = sink_find(plan->sinks[i].kind);
		snprintf(dir, sizeof dir, "%s/office/%s", ctl_state_dir(o->state), plan->sinks[i].name);
		if (t != NULL && t->verify != NULL)
			t->verify(&plan->sinks[i], plan, dir, o->online, &f);
	}
	findings_finish(&f);
}

static struct options
read_options(int argc, char **argv)
{
	struct options o = { .path = NULL };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			o.json = true;
		else if (strcmp(argv[i], "--strict") == 0)
			o.strict = true;
		else if (strcmp(argv[i], "--online") == 0)
			o.online = true;
		else if (strcmp(argv[i], "--state") == 0 && i + 1 < argc)
			o.state = argv[++i];
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
	if (o.help || o.wrong)
		return cli_usage(usage, o.help);
	struct plan *plan = NULL;
	struct site_report report;
	struct buf out = { 0 };
	int err = site_load(o.path, catalog_all(), &plan, &report);
	if (err == 0) {
		verify(&o, plan, &report);
		err = report.errors > 0 ? ERR_SYNTAX : 0;
	}
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
