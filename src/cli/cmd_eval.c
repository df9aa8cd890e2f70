/*
 * penstock eval 'EXPR': tries an expression on what runs, on the local history or on a CSV file, and explains the last
 * result step by step. Samples go in as they would in the insight process, so windows and counters are filled.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/ctl.h"
#include "cli/eval_data.h"
#include "cli/load.h"
#include "cli/span.h"
#include "model/status.h"
#include "os/clock.h"
#include "site/derive.h"

static const char usage[] =
	"usage: penstock eval 'EXPR' [--site SITE] [--at EQUIPMENT] [--unit UNIT] [--csv FILE | --last 1h [--sink NAME]]\n"
	"                     [--all] [--json] [--state DIR]\n"
	"Without --csv and --last it is tried on the samples that the rings of the running penstock hold now.\n"
	"--at: where names begin, such as 'Packaging/Line 3/Filler'. --all: each result, not the last alone.\n"
	"--csv: rows tag,time,value,status, as penstock trend --raw --csv writes them.\n";

struct eval {
	const char		*text, *site, *at, *unit, *csv, *last, *sink, *state;
	bool			 all, json;
	struct plan		*plan;
	struct arena		 arena;
	struct expr		*p;
	uint64_t		*memory;
	struct eval_data	 data;
	struct expr_input	*inputs;
	const struct expr_input	**in;
	struct buf		 line;
	bool			 first;
};

static int
load_plan(struct eval *e)
{
	if (e->site == NULL)
		return eval_running_plan(ctl_state_dir(e->state), &e->plan) == 0 ? EXIT_OK : EXIT_CANNOT;
	return load_site_file(e->site, false, &e->plan) == 0 ? EXIT_OK : EXIT_FINDINGS;
}

static int
compile(struct eval *e)
{
	struct map paths = { 0 };
	char *own = arena_printf(&e->arena, "%s%s", e->at != NULL ? e->at : "", e->at != NULL ? "/" : "");
	struct derive_scope scope = { .own = own, .find = derive_find, .arg = &paths, .arena = &e->arena,
	    .plan = e->plan };
	struct expr_error fault;

	derive_index(&paths, e->plan);
	int err = derive_compile(e->text, e->unit, &scope, &e->p, &fault);
	map_fini(&paths);
	if (err == 0)
		return EXIT_OK;
	fprintf(stderr, "penstock: %s\n", fault.cause);
	if (strpbrk(e->text, "\n\t") == NULL)
		fprintf(stderr, "    %s\n    %*s^\n", e->text, fault.column - 1, "");
	if (fault.remedy[0] != '\0')
		fprintf(stderr, "    %s\n", fault.remedy);
	return EXIT_FINDINGS;
}

static int
load_data(struct eval *e)
{
	int64_t last = 0, now = wall_now().ns;

	struct eval_input *inputs = arena_array(&e->arena, expr_inputs(e->p) + 1, sizeof *inputs);
	for (size_t i = 0; i < expr_inputs(e->p); i++)
		inputs[i] = (struct eval_input){ expr_input(e->p, i)->name, expr_input(e->p, i)->type };
	e->data.inputs = inputs;
	e->data.ninputs = expr_inputs(e->p);
	if (e->data.ninputs == 0)
		return EXIT_OK;
	if (e->csv != NULL)
		return eval_from_csv(&e->data, e->csv) == 0 ? EXIT_OK : EXIT_CANNOT;
	if (e->last == NULL)
		return eval_from_rings(&e->data, ctl_state_dir(e->state)) == 0 ? EXIT_OK : EXIT_CANNOT;
	if (span_parse(e->last, &last) != 0)
		return cli_usage(usage, false);
	return eval_from_history(&e->data, ctl_state_dir(e->state), e->sink, now - last, now + NS_PER_S) == 0 ?
	    EXIT_OK : EXIT_CANNOT;
}

/* ---- what is shown ---- */

static void
put_result(struct eval *e, const struct expr_result *r, const char *unit)
{
	char why[400];

	if (r->v.type == VALUE_NULL)
		buf_puts(&e->line, "-");
	else if (r->v.type == VALUE_TEXT) {
		buf_putc(&e->line, '"');
		value_print(&e->line, &r->v);
		buf_putc(&e->line, '"');
	} else
		value_print(&e->line, &r->v);
	if (unit[0] != '\0' && r->v.type != VALUE_NULL)
		buf_printf(&e->line, " %s", unit);
	if (!status_is_good(r->status))
		buf_printf(&e->line, "   %s: %s", status_name(r->status), expr_why_text(e->p, r, why, sizeof why));
}

static void
show_step(void *arg, const struct expr_step *s)
{
	struct eval *e = arg;
	size_t len = strlen(e->text), from = s->column - 1u < len ? s->column - 1u : len, n = s->len < len - from ?
	    s->len : len - from;

	buf_reset(&e->line);
	buf_printf(&e->line, "    %-40.*s ", (int)n, e->text + from);
	put_result(e, &s->r, s->unit);
	printf("%s\n", buf_text(&e->line));
}

static void
json_result(struct eval *e, struct json *j, const struct expr_result *r, const char *unit)
{
	char why[400];

	json_key(j, "value");
	value_json(j, &r->v);
	json_key_text(j, "status", status_name(r->status));
	json_key_text(j, "unit", unit);
	if (r->why == EXPR_WHY_NONE)
		return;
	json_key_text(j, "why", expr_why_text(e->p, r, why, sizeof why));
}

static void
json_step(void *arg, const struct expr_step *s)
{
	struct eval *e = arg;
	struct json j = { .out = &e->line };
	char part[EXPR_TEXT_MAX + 1];

	snprintf(part, sizeof part, "%.*s", s->len, e->text + s->column - 1);
	buf_puts(&e->line, e->first ? "" : ",");
	e->first = false;
	json_open(&j, '{');
	json_key_text(&j, "part", part);
	json_result(e, &j, &s->r, s->unit);
	json_close(&j, '}');
}

static void
show_inputs(struct eval *e)
{
	char when[WALL_TEXT];

	for (size_t i = 0; i < expr_inputs(e->p); i++) {
		const struct expr_tag *t = expr_input(e->p, i);
		buf_reset(&e->line);
		buf_printf(&e->line, "    %-40s ", t->name);
		if (e->inputs[i].time.ns == 0)
			buf_puts(&e->line, "no sample");
		else {
			value_print(&e->line, &e->inputs[i].v);
			buf_printf(&e->line, "%s%s   %s at %s", t->unit[0] ? " " : "", t->unit,
			    status_name(e->inputs[i].status),
			    wall_format(e->inputs[i].time, 3, when));
		}
		printf("%s\n", buf_text(&e->line));
	}
}

static void
show_one(struct eval *e, int64_t t, const struct expr_result *r)
{
	char when[WALL_TEXT];

	buf_reset(&e->line);
	if (e->json) {
		struct json j = { .out = &e->line };
		json_open(&j, '{');
		json_key_text(&j, "t", wall_format((struct wall){ t }, 3, when));
		json_result(e, &j, r, expr_unit(e->p));
		json_close(&j, '}');
	} else {
		buf_printf(&e->line, "%s  ", wall_format((struct wall){ t }, 3, when));
		put_result(e, r, expr_unit(e->p));
	}
	printf("%s\n", buf_text(&e->line));
}

/* The last evaluation, told step by step. */
static int
explain(struct eval *e, uint64_t fresh, int64_t t)
{
	struct expr_result r;

	if (!e->json) {
		const struct eval_data *d = &e->data;
		double span = d->n > 0 ? (double)(d->v[d->n - 1].t - d->v[0].t) / 1e9 : 0;
		printf("%s\n  inputs (%zu samples over %.1f s%s)\n", e->text, d->n, span, d->full ?
		    ", the rest was left out" : "");
		show_inputs(e);
		printf("  steps\n");
		expr_eval_steps(e->p, e->memory, e->in, fresh, (struct wall){ t }, &r, show_step, e);
		buf_reset(&e->line);
		put_result(e, &r, expr_unit(e->p));
		printf("  = %s\n", buf_text(&e->line));
	} else {
		struct json j = { .out = &e->line };
		buf_reset(&e->line);
		e->first = true;
		buf_puts(&e->line, "{\"steps\":[");
		expr_eval_steps(e->p, e->memory, e->in, fresh, (struct wall){ t }, &r, json_step, e);
		buf_puts(&e->line, "],\"result\":");
		json_open(&j, '{');
		json_result(e, &j, &r, expr_unit(e->p));
		json_close(&j, '}');
		printf("%s}\n", buf_text(&e->line));
	}
	return status_is_bad(r.status) ? EXIT_FINDINGS : EXIT_OK;
}

/* Samples of one moment are one evaluation, unless one of them is of a tag that has been set already. */
static int
evaluate(struct eval *e)
{
	const struct eval_data *d = &e->data;
	struct expr_result r;
	uint64_t fresh = 0;
	int64_t t = d->n > 0 ? d->v[0].t : wall_now().ns;

	for (size_t i = 0; i < d->n; i++) {
		const struct eval_point *p = &d->v[i];
		if (fresh != 0 && (p->t != t || (fresh >> p->input & 1) != 0)) {
			expr_eval(e->p, e->memory, e->in, fresh, (struct wall){ t }, &r);
			fresh = 0;
			if (e->all)
				show_one(e, t, &r);
		}
		t = p->t;
		e->inputs[p->input] = (struct expr_input){ p->v, p->status, { p->t } };
		fresh |= 1ull << p->input;
	}
	return explain(e, fresh, t);
}

static int
parse_options(struct eval *e, int argc, char **argv)
{
	static const struct option options[] = {
		{ "site", required_argument, NULL, 'f' }, { "at", required_argument, NULL, 'a' },
		    { "unit", required_argument, NULL, 'u' },
		{ "csv", required_argument, NULL, 'c' }, { "last", required_argument, NULL, 'l' },
		    { "sink", required_argument, NULL, 'k' },
		{ "all", no_argument, NULL, 'A' }, { "json", no_argument, NULL, 'j' },
		    { "state", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "f:a:u:c:l:k:Ajs:h", options, NULL)) != -1)
		switch (opt) {
		case 'f': e->site = optarg; break;
		case 'a': e->at = optarg; break;
		case 'u': e->unit = optarg; break;
		case 'c': e->csv = optarg; break;
		case 'l': e->last = optarg; break;
		case 'k': e->sink = optarg; break;
		case 'A': e->all = true; break;
		case 'j': e->json = true; break;
		case 's': e->state = optarg; break;
		default: return cli_usage(usage, opt == 'h');
		}
	if (argc - optind != 1 || (e->csv != NULL && e->last != NULL))
		return cli_usage(usage, false);
	e->text = argv[optind];
	return -1;
}

int
cmd_eval(int argc, char **argv)
{
	struct eval e = { 0 };
	int status = parse_options(&e, argc, argv);

	if (status >= 0)
		return status;
	status = load_plan(&e);
	if (status == EXIT_OK)
		status = compile(&e);
	if (status == EXIT_OK)
		status = load_data(&e);
	if (status == EXIT_OK) {
		size_t n = expr_inputs(e.p);
		e.memory = arena_array(&e.arena, expr_state_size(e.p) / 8 + 1, 8);
		e.inputs = arena_array(&e.arena, n + 1, sizeof *e.inputs);
		e.in = arena_array(&e.arena, n + 1, sizeof *e.in);
		for (size_t i = 0; i < n; i++)
			e.in[i] = &e.inputs[i];
		expr_init(e.p, e.memory);
		eval_sort(&e.data);
		status = evaluate(&e);
	}
	eval_data_fini(&e.data);
	buf_fini(&e.line);
	plan_free(e.plan);
	arena_fini(&e.arena);
	return status;
}
