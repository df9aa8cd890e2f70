/* penstock advise SITE: which mechanism fits each flow, why, and whether the site has chosen it. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/load.h"
#include "doc/advice.h"

static const char usage[] =
	"usage: penstock advise SITE [--json]\n"
	"For each flow and sink: the mechanism that fits (by SAP release, direction, volume, kind of information), the figures behind it, and what the\n"
	"site has now. The rules stand in doc/architecture.md, in the order in which they are tried.\n";

static const char *
has_it(const struct advice_rule *r, const struct flow_facts *f)
{
	return advice_followed(r, f) ? "as it is" : *r->fits == '\0' ? "not in Penstock yet" : "differs";
}

static void
print_text(const struct plan *p, const struct flow_facts *f, const struct advice_rule *r)
{
	printf("flow %s to %s (%s): %s\n    %s [%s, %s]\n", f->flow->name, f->sink->name, f->sink->kind, r->mechanism,
	    r->why, r->id, has_it(r, f));
	printf("    at most %.3g values a day from %u tags%s; SAP: %s; %s%s%s%s%s\n", f->values_a_day, f->flow->ntags,
	    f->said->bulk ? ", bulk" : "",
	    sap_releases[p->arch->sap], f->said->category >= 0 ? arch_categories[f->said->category] : "no category said",
	    f->said->exchange >= 0 ? ", " : "", f->said->exchange >= 0 ? arch_exchanges[f->said->exchange] : "",
	    f->one_way ? ", one-way" : "", f->back ? ", requests come back" : "");
}

static void
print_json(struct json *j, const struct flow_facts *f, const struct advice_rule *r)
{
	json_open(j, '{');
	json_key_text(j, "flow", f->flow->name);
	json_key_text(j, "sink", f->sink->name);
	json_key_text(j, "rule", r->id);
	json_key_text(j, "mechanism", r->mechanism);
	json_key_text(j, "why", r->why);
	json_key_bool(j, "followed", advice_followed(r, f));
	json_key_bool(j, "in_penstock", *r->fits != '\0');
	json_key_f64(j, "values_a_day", f->values_a_day);
	json_close(j, '}');
}

static int
advise(const struct plan *p, bool json)
{
	struct buf out = { .max = 64u << 20 };
	struct json j = { .out = &out };

	if (json)
		json_open(&j, '[');
	for (uint32_t i = 0; i < p->nflows; i++)
		for (uint32_t k = 0; k < p->flows[i].nsinks; k++) {
			struct flow_facts f;
			flow_facts(p, &p->flows[i], p->flows[i].sinks[k], &f);
			const struct advice_rule *r = advice_for(p, &f);
			if (json)
				print_json(&j, &f, r);
			else
				print_text(p, &f, r);
		}
	if (json) {
		json_close(&j, ']');
		puts(buf_text(&out));
	}
	int status = out.err == 0 ? EXIT_OK : EXIT_CANNOT;
	buf_fini(&out);
	return status;
}

int
cmd_advise(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { 0 } };
	struct plan *plan = NULL;
	bool json = false;
	int opt, status = EXIT_CANNOT;

	while ((opt = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (opt != 'j')
			return cli_usage(usage, opt == 'h');
		json = true;
	}
	if (argc - optind != 1)
		return cli_usage(usage, false);
	if (load_site_file(argv[optind], false, &plan) == 0)
		status = advise(plan, json);
	plan_free(plan);
	return status;
}
