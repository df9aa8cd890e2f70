/* penstock firewall SITE NODE: the nftables rules that fit the plan; checked by nft itself; compared with what is loaded. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "cli/cli.h"
#include "cli/load.h"
#include "cli/nft.h"
#include "cli/run.h"
#include "proc/catalog.h"

#define MANAGEMENT_MAX	16
#define LISTING_MAX	(16u << 20)

static const char usage[] =
	"usage: penstock firewall SITE NODE [--management 'IFACE NETWORK PORT']... [--csv | --check | --diff]\n"
	"Prints the nftables rules for a node of the site's section `nodes`: who may connect to whom, at which port, and nothing else.\n"
	"--csv prints the same rows for other firewalls. --check has nft judge them. --diff compares them with what this machine has loaded\n"
	"(exit status 1 when they differ); both take root.\n";

struct asked {
	const char	*site, *node;
	const char	*management[MANAGEMENT_MAX + 1];
	size_t		 nmanagement;
	enum { PRINT, CSV, CHECK, DIFF } how;
};

static int
cannot_run(int status)
{
	if (status == RUN_NOT_THERE)
		fputs("penstock: there is no nft on this machine; install nftables\n", stderr);
	else if (status == RUN_NO_RIGHT)
		fputs("penstock: this takes root: the rules are tried in a network namespace of their own\n", stderr);
	else
		fputs("penstock: nft refused; what it said stands above\n", stderr);
	return EXIT_CANNOT;
}

static int
check(const struct buf *rules)
{
	static const char *const argv[] = { "nft", "-c", "-f", "-", NULL };
	struct buf out = { .max = LISTING_MAX };
	int status = run_tool(argv, rules, true, false, &out);

	buf_fini(&out);
	if (status != 0)
		return cannot_run(status);
	puts("nft accepts these rules");
	return EXIT_OK;
}

/* Lines of a that b has not, as often as they stand there. */
static size_t
lines_only_in(const char *a, const char *b, const char *mark)
{
	size_t found = 0;

	for (const char *line = a; *line != '\0'; ) {
		size_t len = strcspn(line, "\n");
		bool there = false;
		for (const char *other = b; *other != '\0' && !there; ) {
			size_t n = strcspn(other, "\n");
			there = n == len && memcmp(line, other, n) == 0;
			other += n + (other[n] == '\n');
		}
		if (!there) {
			printf("%s%.*s\n", mark, (int)len, line);
			found++;
		}
		line += len + (line[len] == '\n');
	}
	return found;
}

/* Both as nft lists them, without counts, so that equal rules have equal lines. */
static int
diff(const struct buf *rules)
{
	static const char *const listing[] = { "nft", "-s", "list", "table", "inet", "penstock", NULL };
	/* Listing takes a second run, in the same namespace: within one script it shows what was there before. */
	static const char *const load_and_list[] = { "sh", "-c", "nft -f - && exec nft -s list table inet penstock", NULL };
	struct buf wanted = { .max = LISTING_MAX }, loaded = { .max = LISTING_MAX };

	int status = run_tool(load_and_list, rules, true, false, &wanted);
	int result = status != 0 ? cannot_run(status) : EXIT_OK;
	if (status == 0 && run_tool(listing, NULL, false, true, &loaded) != 0) {
		puts("nothing is loaded: there is no table inet penstock");
		result = EXIT_FINDINGS;
	} else if (status == 0) {
		size_t n = lines_only_in(buf_text(&wanted), buf_text(&loaded), "missing: ") +
		    lines_only_in(buf_text(&loaded), buf_text(&wanted), "too much: ");
		if (n == 0)
			puts("what is loaded is what the plan needs");
		result = n == 0 ? EXIT_OK : EXIT_FINDINGS;
	}
	buf_fini(&wanted);
	buf_fini(&loaded);
	return result;
}

static const struct gateway_node *
find_node(const struct plan *p, const char *name)
{
	struct near near = { .word = name };

	for (uint32_t i = 0; i < p->arch->nnodes; i++) {
		if (strcmp(p->arch->nodes[i].name, name) == 0)
			return &p->arch->nodes[i];
		near_try(&near, p->arch->nodes[i].name);
	}
	fprintf(stderr, "penstock: the site has no node \"%s\"%s%s%s; nodes stand in its section `nodes`\n", name,
	    near.best != NULL ? "; did you mean " : "",
	    near.best != NULL ? near.best : "", near.best != NULL ? "?" : "");
	return NULL;
}

static int
act(const struct asked *q, const struct plan *p)
{
	struct nft_opts o = { .node = find_node(p, q->node), .site_file = q->site, .management = q->management };
	struct arena a = { 0 };
	struct buf out = { .max = LISTING_MAX };
	struct way *ways, *services, *all;
	char why[300] = "";
	int result = EXIT_CANNOT;

	if (o.node == NULL)
		return EXIT_CANNOT;
	uint32_t n = ways_of(p, catalog_all(), &a, &ways), more = ways_of_services(p, o.node, &a, &services);
	all = arena_array(&a, n + more + 1u, sizeof *all);
	memcpy(all, ways, n * sizeof *all);
	memcpy(all + n, services, more * sizeof *all);
	int err = (q->how == CSV ? nft_csv : nft_rules)(&o, all, n + more, &out, why, sizeof why);
	if (err != 0)
		fprintf(stderr, "penstock: %s\n", *why != '\0' ? why : "the rules are too long");
	else if (q->how == CHECK)
		result = check(&out);
	else if (q->how == DIFF)
		result = diff(&out);
	else
		result = fputs(buf_text(&out), stdout) >= 0 ? EXIT_OK : EXIT_CANNOT;
	buf_fini(&out);
	arena_fini(&a);
	return result;
}

/* 0; 1: help is wanted; -1: wrong. */
static int
read_options(int argc, char **argv, struct asked *q)
{
	static const struct option options[] = {
		{ "management", required_argument, NULL, 'm' }, { "csv", no_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "diff", no_argument, NULL, 'd' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'm' && q->nmanagement < MANAGEMENT_MAX)
			q->management[q->nmanagement++] = optarg;
		else if (opt == 'c' || opt == 'k' || opt == 'd')
			q->how = opt == 'c' ? CSV : opt == 'k' ? CHECK : DIFF;
		else
			return opt == 'h' ? 1 : -1;
	}
	if (argc - optind != 2)
		return -1;
	q->site = argv[optind];
	q->node = argv[optind + 1];
	return 0;
}

int
cmd_firewall(int argc, char **argv)
{
	struct asked q = { 0 };
	struct plan *plan = NULL;
	int parsed = read_options(argc, argv, &q);

	if (parsed != 0)
		return cli_usage(usage, parsed > 0);
	if (load_site_file(q.site, true, &plan) != 0)
		return EXIT_CANNOT;
	int result = act(&q, plan);
	plan_free(plan);
	return result;
}
