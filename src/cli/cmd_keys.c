/* `penstock keys [--markdown]`: the reference of every key of the site file. `penstock schema`: the same for editors. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "proc/catalog.h"
#include "site/reference.h"

static int
print_and_free(struct buf *out)
{
	int status = out->err == 0 && fputs(buf_text(out), stdout) >= 0 && fflush(stdout) == 0 ? EXIT_OK : EXIT_CANNOT;
	buf_fini(out);
	return status;
}

int
cmd_keys(int argc, char **argv)
{
	bool markdown = argc == 2 && strcmp(argv[1], "--markdown") == 0;
	struct buf out = { 0 };

	if (argc > 2 || (argc == 2 && !markdown)) {
		fprintf(stderr, "usage: penstock keys [--markdown]\n");
		return EXIT_CANNOT;
	}
	reference_print(catalog_all(), markdown, &out);
	return print_and_free(&out);
}

int
cmd_schema(int argc, char **argv)
{
	struct buf out = { 0 };
	(void)argv;

	if (argc > 1) {
		fprintf(stderr, "usage: penstock schema\n");
		return EXIT_CANNOT;
	}
	schema_print(catalog_all(), &out);
	return print_and_free(&out);
}
