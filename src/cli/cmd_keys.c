/* `penstock keys [--markdown]`: the reference of every key of the site file. `penstock schema`: the same for editors. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "expr/expr.h"
#include "proc/catalog.h"
#include "site/reference.h"

static int
print_and_free(struct buf *out)
{
	int status = out->err == 0 ? EXIT_OK : EXIT_CANNOT;

	fputs(buf_text(out), stdout);
	buf_fini(out);
	return status;
}

/* Asked for, or shown because the arguments are wrong. */
static int
usage(int argc, char **argv, const char *text)
{
	return cli_usage(text, argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0));
}

static int
functions(void)
{
	for (const struct expr_function *f = expr_functions; f->name != NULL; f++)
		printf("%-28s %s; %s\n", f->form, f->help, f->example);
	return EXIT_OK;
}

int
cmd_keys(int argc, char **argv)
{
	bool markdown = argc == 2 && strcmp(argv[1], "--markdown") == 0;
	struct buf out = { 0 };

	if (argc == 2 && strcmp(argv[1], "expressions") == 0)
		return functions();
	if (argc > 2 || (argc == 2 && !markdown))
		return usage(argc, argv, "usage: penstock keys [--markdown | expressions]\n"
		    "Every key that a site file may have, with its limits, default and meaning;\n"
		    "or the functions that expressions may use.\n");
	reference_print(catalog_all(), markdown, &out);
	return print_and_free(&out);
}

int
cmd_schema(int argc, char **argv)
{
	struct buf out = { 0 };

	if (argc > 1)
		return usage(argc, argv, "usage: penstock schema\n"
		    "A JSON Schema of the site file. Editors with YAML support complete and check with it.\n");
	schema_print(catalog_all(), &out);
	return print_and_free(&out);
}
