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

static const struct finding *
find(const struct site_report *r, const char *rule)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->findings[i].rule, rule) == 0)
			return &r->findings[i];
	return NULL;
}

static int
load_text(const char *yaml, struct plan **p, struct site_report *r)
{
	struct site_file files[] = { { "site.yaml", yaml, strlen(yaml) }, { NULL, NULL, 0 } };
	struct site_io io = site_io_memory(files);
	return site_load_from(&io, "site.yaml", catalog_all(), p, r);
}

/* 50 floats are 100 registers: 8 bytes out, 205 in, 11 bits each at 9600 baud are 244 ms. Four times a second cannot be. */
TEST(a_serial_line_is_not_asked_for_more_than_its_baud_rate_carries)
{
	struct plan *p = NULL;
	struct site_report r;
	CHECK_INT(load_text("site: { enterprise: A, name: B }\nzones: { z: { level: 2 } }\n"
	    "sources: { u: { driver: modbus-rtu, zone: z, endpoint: /dev/ttyS0, unit: 1, baud: 9600 } }\n"
	    "equipment: { E: { source: u, tags: { a: { at: 'holding 0 float32[50]', scan: 250 ms } } } }\n", &p, &r), ERR_SYNTAX);
	const struct finding *f = find(&r, "link-load");
	CHECK(f != NULL && f->severity == FINDING_ERROR && f->place.line == 3);
	CHECK(strstr(f->cause, "9600 baud") != NULL);
	site_report_free(&r);
	CHECK_INT(load_text("site: { enterprise: A, name: B }\nzones: { z: { level: 2 } }\n"
	    "sources: { u: { driver: modbus-rtu, zone: z, endpoint: /dev/ttyS0, unit: 1, baud: 9600 } }\n"
	    "equipment: { E: { source: u, tags: { a: { at: 'holding 0 float32[50]', scan: 1 s } } } }\n", &p, &r), 0);
	CHECK_INT(r.n, 0);
	plan_free(p);
	site_report_free(&r);
}

TEST(modbus_addresses_are_judged_by_their_driver)
{
	struct plan *p = NULL;
	struct site_report r;
	CHECK_INT(load_text("site: { enterprise: A, name: B }\nzones: { z: { level: 2 } }\n"
	    "sources: { u: { driver: modbus-tcp, zone: z, endpoint: h, unit: 1 } }\n"
	    "equipment: { E: { source: u, tags: {\n"
	    " a: { at: holding 70000 },\n"
	    " b: { at: input 5, writable: yes },\n"
	    " c: { at: holding 10 float32 }, d: { at: holding 11 uint16 },\n"
	    " e: { at: holding 20 uint8 low-byte }, f: { at: holding 20 uint8 high-byte },\n"
	    " g: { at: holding 30.1 }, h: { at: holding 30.2 }, i: { at: holding 30 uint16 } } } }\n", &p, &r), ERR_SYNTAX);
	CHECK(find(&r, "at-syntax") != NULL && find(&r, "at-syntax")->place.line == 5);
	CHECK(find(&r, "not-writable") != NULL && find(&r, "not-writable")->place.line == 6);
	CHECK(find(&r, "overlap") != NULL && find(&r, "overlap")->place.line == 7);
	CHECK_INT(r.n, 3);
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
