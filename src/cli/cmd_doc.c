/* penstock doc SITE: the integration architecture document, written from what runs. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/run.h"
#include "doc/document.h"
#include "os/clock.h"
#include "proc/catalog.h"

#define DOCUMENT_MAX	(256u << 20)
#define CHANGES_MAX	100

static const char usage[] =
	"usage: penstock doc SITE [--markdown | --matrix] [--diff OLD-SITE] [--output FILE]\n"
	"Writes the integration architecture document as one HTML file that prints well, or as Markdown. --matrix writes the data-flow matrix\n"
	"alone, as CSV. --diff writes what changed from OLD-SITE to SITE, for a review board; exit status 1 when something did.\n";

struct asked {
	const char	*site, *old, *output;
	bool		 markdown, matrix;
};

static struct plan *
load(const char *path, struct site_report *report)
{
	struct plan *plan = NULL;
	struct buf text = { 0 };

	if (site_load(path, catalog_all(), &plan, report) != 0) {
		site_report_print(report, false, &text);
		fputs(buf_text(&text), stderr);
		fprintf(stderr, "penstock: a site that does not check cannot be documented: mend what stands above\n");
	}
	buf_fini(&text);
	return plan;
}

/* "2026-11-22T20:00:00+00:00\tAnna\ttext", a line each. */
static size_t
split_changes(char *log, struct change *out)
{
	size_t n = 0;

	for (char *line = strtok(log, "\n"); line != NULL && n < CHANGES_MAX; line = strtok(NULL, "\n")) {
		char *who = strchr(line, '\t'), *what = who != NULL ? strchr(who + 1, '\t') : NULL;
		if (what == NULL)
			continue;
		*who++ = *what++ = '\0';
		out[n++] = (struct change){ line, who, what };
	}
	return n;
}

static size_t
changes_of(const char *site, struct change out[CHANGES_MAX], struct buf *log, const char **note)
{
	char folder[4096];
	const char *slash = strrchr(site, '/'), *name = slash != NULL ? slash + 1 : site;
	const char *argv[] = { "git", "-C", folder, "log", "-n", "100", "--follow", "--format=%cI%x09%an%x09%s", "--", name, NULL };

	*note = NULL;
	snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - site) : 1, slash != NULL ? site : ".");
	int status = run_tool(argv, NULL, false, true, log);
	size_t n = status == 0 ? split_changes((char *)(uintptr_t)buf_text(log), out) : 0;	/* the log is ours to cut */
	if (n == 0)
		*note = status == RUN_NOT_THERE ? "Not known: there is no git on this machine." :
		    "Not known: the site file is under no version control here. Keep it in git, and its history stands in this section.";
	return n;
}

static int
put_out(const struct asked *q, struct buf *out)
{
	FILE *f = q->output != NULL ? fopen(q->output, "we") : stdout;

	if (out->err != 0 || f == NULL) {
		fprintf(stderr, "penstock: %s\n", f == NULL ? "the output file cannot be made" : "the document is too long");
		return EXIT_CANNOT;
	}
	size_t written = fwrite(out->p, 1, out->len, f);
	bool good = written == out->len && (f == stdout ? fflush(f) : fclose(f)) == 0;
	if (!good)
		fprintf(stderr, "penstock: the document could not be written whole\n");
	return good ? EXIT_OK : EXIT_CANNOT;
}

static int
act(const struct asked *q)
{
	struct change changes[CHANGES_MAX];
	struct buf out = { .max = DOCUMENT_MAX }, log = { .max = 1u << 20 };
	struct page page = { .format = q->markdown ? PAGE_MARKDOWN : PAGE_HTML, .out = &out };
	struct site_report report, old_report = { 0 };
	char made[WALL_TEXT];
	struct plan *plan = load(q->site, &report), *old = NULL;
	int status = EXIT_CANNOT;

	wall_format(wall_now(), 0, made);
	struct document d = { .plan = plan, .catalog = catalog_all(), .report = &report, .made = made,
	    .changes = changes }, before = d;
	if (plan != NULL && q->old != NULL)
		old = load(q->old, &old_report);
	before.plan = old;
	before.report = &old_report;
	if (plan == NULL || (q->old != NULL && old == NULL))
		;	/* said already */
	else if (q->matrix) {
		document_matrix(&d, &out);
		status = put_out(q, &out);
	} else if (q->old != NULL) {
		size_t n = document_diff(&before, &d, &page);
		status = put_out(q, &out);
		status = status == EXIT_OK && n > 0 ? EXIT_FINDINGS : status;
	} else {
		d.nchanges = changes_of(q->site, changes, &log, &d.changes_note);
		document_write(&d, &page);
		status = put_out(q, &out);
	}
	plan_free(plan);
	plan_free(old);
	site_report_free(&report);
	site_report_free(&old_report);
	buf_fini(&out);
	buf_fini(&log);
	return status;
}

int
cmd_doc(int argc, char **argv)
{
	static const struct option options[] = {
		{ "markdown", no_argument, NULL, 'm' }, { "matrix", no_argument, NULL, 'x' },
		{ "diff", required_argument, NULL, 'd' },
		{ "output", required_argument, NULL, 'o' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct asked q = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "o:h", options, NULL)) != -1)
		switch (opt) {
		case 'm':
			q.markdown = true;
			break;
		case 'x':
			q.matrix = true;
			break;
		case 'd':
			q.old = optarg;
			break;
		case 'o':
			q.output = optarg;
			break;
		default:
			return cli_usage(usage, opt == 'h');
		}
	if (argc - optind != 1)
		return cli_usage(usage, false);
	q.site = argv[optind];
	return act(&q);
}
