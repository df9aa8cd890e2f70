/* The real catalog: the example of the manual is right, the demo's site is right, and exit statuses are as promised. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/test.h"
#include "cli/cli.h"
#include "os/file.h"
#include "proc/catalog.h"
#include "site/files.h"

static void
expect_clean(const struct plan *p, const struct site_report *r)
{
	struct buf b = { 0 };
	site_report_print(r, false, &b);
	if (r->n > 0 || p == NULL)
		test_fail(__FILE__, __LINE__, "findings:\n%s", buf_text(&b));
}

/* Text between two marks, as a file in memory. */
static struct site_file
cut_out(const char *page, const char *name, const char *from, const char *to)
{
	const char *start = strstr(page, from);
	CHECK(start != NULL);
	start += strlen(from);
	const char *end = strstr(start, to);
	CHECK(end != NULL);
	return (struct site_file){ name, start, (size_t)(end - start) };
}

TEST(the_example_of_the_manual_has_no_findings)
{
	struct buf page = { 0 };
	struct plan *p = NULL;
	struct site_report r;

	CHECK_INT(file_read("doc/site-file.md", 1 << 20, &page), 0);
	struct site_file files[] = {
		cut_out(buf_text(&page), "site.yaml", "```yaml\n", "```"),
		cut_out(buf_text(&page), "drives.csv", "`0..1200` |\n\n", "\n\nWhat spreadsheets"),
		{ NULL, NULL, 0 },
	};
	struct site_io io = site_io_memory(files);
	CHECK_INT(site_load_from(&io, "site.yaml", catalog_all(), &p, &r), 0);
	expect_clean(p, &r);
	CHECK(plan_tag(p, "Packaging/Line 3/Drives/current")->hi == 63.5);
	plan_free(p);
	site_report_free(&r);
	buf_fini(&page);
}

TEST(the_site_of_the_demo_has_no_findings)
{
	struct plan *p = NULL;
	struct site_report r;
	CHECK_INT(site_load("etc/demo/site.yaml", catalog_all(), &p, &r), 0);
	expect_clean(p, &r);
	plan_free(p);
	site_report_free(&r);
}

/* Run a check on a site of this text, with its output thrown away; returns the exit status. */
static int
status_of(const char *text, const char *option)
{
	char path[200], *argv[] = { "check", path, (char *)(uintptr_t)option, NULL };
	snprintf(path, sizeof path, "%s/site.yaml", test_dir());
	FILE *f = text != NULL ? fopen(path, "w") : NULL;
	if (f != NULL) {
		fputs(text, f);
		fclose(f);
	}
	fflush(stdout);
	int out = dup(1), err = dup(2), null = open("/dev/null", O_WRONLY);
	dup2(null, 1);
	dup2(null, 2);
	int status = cmd_check(option ? 3 : 2, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(null);
	return status;
}

TEST(the_exit_status_tells_clean_findings_and_failure_apart)
{
	static const char right[] = "site: { enterprise: A, name: B }\nzones: { z: { level: 2 } }\n";
	CHECK_INT(status_of("site: { enterprise: A, name: B }\nzones: { z: { level: 9 } }\n", NULL), EXIT_FINDINGS);
	CHECK_INT(status_of(right, NULL), EXIT_OK);
	CHECK_INT(status_of(right, "--json"), EXIT_OK);
	CHECK_INT(status_of(right, "--strict"), EXIT_FINDINGS);
	CHECK_INT(status_of(right, "--no-such-option"), EXIT_CANNOT);
	CHECK_INT(status_of(NULL, NULL), EXIT_CANNOT);
}

TEST_MAIN
