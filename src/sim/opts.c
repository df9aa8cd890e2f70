/* Options from rows: one table is parser, check and help text. See app.h. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/near.h"
#include "base/num.h"
#include "sim/app.h"
#include "sim/text.h"
#include "sim/verbs.h"

#define OPTS_MAX 32

static void
usage(const char *command, const char *about, const struct sim_opt *rows, size_t n)
{
	printf("usage: penstock sim %s [options]\n\n%s\n\n", command, about);
	for (size_t i = 0; i < n; i++)
		printf("  --%s%s%-*s %s\n", rows[i].name, rows[i].arg ? " " : "",
		    22 - (int)strlen(rows[i].name) - (rows[i].arg ? 1 : 0), rows[i].arg ? rows[i].arg : "",
		    rows[i].help);
}

static int
take_fault(struct sim_app *a, const char *text)
{
	if (a->nplan == SIM_PLANS_MAX)
		return ERR_LIMIT;
	int e = sim_fault_plan_parse(text, &a->plan[a->nplan]);
	a->nplan += e == 0;
	return e;
}

static int
take(const struct sim_opt *o, const char *text)
{
	uint64_t v;
	double d;
	int e;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)o->to = true;
		return 0;
	case OPT_UINT:
		if ((e = sim_parse_uint(text, (uint64_t)o->lo, (uint64_t)o->hi, &v)) == 0)
			*(uint64_t *)o->to = v;
		return e;
	case OPT_MS:
		if ((e = sim_parse_ms(text, strlen(text), 1, &v)) == 0)
			*(uint64_t *)o->to = v;
		return e;
	case OPT_REAL:
		if ((e = num_parse_f64(text, strlen(text), '.', &d)) == 0 && !(d >= o->lo && d <= o->hi))
			e = ERR_RANGE;
		if (e == 0)
			*(double *)o->to = d;
		return e;
	case OPT_TEXT:
		*(const char **)o->to = text;
		return 0;
	case OPT_FAULT:
		return take_fault(o->to, text);
	}
	return ERR_TYPE;
}

static int
complain(const char *command, const struct sim_opt *o, const char *text, int err)
{
	fprintf(stderr, "penstock sim %s: --%s %s: %s", command, o->name, text, err_text(err));
	if (o->kind == OPT_UINT || o->kind == OPT_REAL)
		fprintf(stderr, "; it takes %.10g to %.10g", o->lo, o->hi);
	else if (o->kind == OPT_MS)
		fprintf(stderr, "; it takes a duration such as 500ms, 10s, 5m, 8h");
	else if (o->kind == OPT_FAULT)
		fprintf(stderr, "; it looks like filler:silence@10s+5s or line:delay=300ms@1m+30s%%20; "
		    "penstock sim --help lists the kinds");
	fprintf(stderr, "\n");
	return 2;
}

static int
unknown(const char *command, const char *word, const struct sim_opt *rows, size_t n)
{
	const char *name = word + strspn(word, "-");
	struct near near = { .word = name };

	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			fprintf(stderr, "penstock sim %s: --%s needs a value: %s\n", command, name, rows[i].arg);
			return 2;
		}
		near_try(&near, rows[i].name);
	}
	fprintf(stderr, "penstock sim %s: unknown option \"%s\"", command, word);
	if (near.best != NULL)
		fprintf(stderr, "; did you mean --%s?", near.best);
	fprintf(stderr, " See penstock sim %s --help\n", command);
	return 2;
}

int
sim_opts(const char *command, const char *about, const struct sim_opt *rows, size_t n, int argc, char **argv)
{
	struct option longs[OPTS_MAX + 2] = { 0 };
	int at, index = 0;

	for (size_t i = 0; i < n && i < OPTS_MAX; i++)
		longs[i] = (struct option){ rows[i].name, rows[i].arg ? required_argument : no_argument, NULL, 1 };
	longs[n] = (struct option){ "help", no_argument, NULL, 'h' };
	opterr = 0;
	optind = 0;	/* glibc: start afresh */
	for (;;) {
		at = optind > 0 ? optind : 1;
		int got = getopt_long(argc, argv, "+h", longs, &index);
		if (got == -1)
			break;
		if (got == 'h') {
			usage(command, about, rows, n);
			return 0;
		}
		if (got == '?')
			return unknown(command, at < argc ? argv[at] : "", rows, n);
		int e = take(&rows[index], optarg);
		if (e != 0)
			return complain(command, &rows[index], optarg, e);
	}
	if (optind < argc) {
		fprintf(stderr, "penstock sim %s: \"%s\" is left over; options begin with --\n", command, argv[optind]);
		return 2;
	}
	return -1;
}

void
sim_common_opts(struct sim_app *a, struct sim_opt *rows)
{
	const struct sim_opt common[SIM_COMMON_OPTS] = {
		{ "bind", "ADDRESS", "IP address to listen on (127.0.0.1)", OPT_TEXT, &a->bind, 0, 0 },
		{ "seed", "N", "same seed, same history (1)", OPT_UINT, &a->seed, 0, 1e15 },
		{ "control", "PORT", "control line on 127.0.0.1 (0: any free port)",
		    OPT_UINT, &a->control_port, 0, 65535 },
		{ "fault", "T:KIND@WHEN+LEN", "a fault by schedule, e.g. filler:silence@10s+5s; may be repeated",
		    OPT_FAULT, a, 0, 0 },
		{ "for", "DURATION", "end by itself after so long", OPT_MS, &a->for_ms, 0, 0 },
	};
	memcpy(rows, common, sizeof common);
	a->bind = "127.0.0.1";
	a->seed = 1;
}
