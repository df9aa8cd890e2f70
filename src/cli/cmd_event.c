/*
 * penstock event: how events stand (asked of the insight process), what of them lies in the spool, and what recorded
 * samples would give.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/asking.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "cli/event_try.h"
#include "cli/load.h"
#include "cli/span.h"
#include "cli/streams.h"
#include "model/path.h"
#include "os/clock.h"
#include "proc/supervisor.h"
#include "sink/sink.h"
#include "spool/ledger.h"

static const char usage[] =
    "usage: penstock event list [PATTERN] [--json] [--state DIR]\n"
    "       penstock event show EVENT [--limit N] [--json] [--state DIR]\n"
    "       penstock event try EVENT [--site SITE] [--csv FILE | --last 1h [--sink NAME]] [--to SINK] [--json] [--state DIR]\n"
    "list: last number, time and key of each, what waits for the gate, and how its handshake stands.\n"
    "show: the same of one, and its newest records in the spool.\n"
    "try: a dry run over recorded samples (a table tag,time,value,status as `penstock trend --raw --csv` writes it; the local history; or\n"
    "what the rings of the running penstock hold): prints each record as it would leave. Nothing is sent, and numbers begin at 1.\n"
    "--to: and the exact message that this sink would make of it.\n"
    "Exit status 1 when an event has a fault or a trouble.\n";

struct asked {
	const char	*state, *site, *csv, *last, *sink, *to, *pattern;
	bool		 json, show, found, bad;
	uint64_t	 limit, n;
	/* try --to: */
	struct plan	*whole;		/* with its sinks */
	const struct sink *far;
	const struct sink_type *type;
};

/* ---- list and show ---- */

static bool
show_state(void *arg, char *text, size_t len)
{
	struct asked *a = arg;
	json_t *o = json_loadb(text, len, 0, NULL);

	if (o == NULL)
		return true;
	if (*asking_text(o, "error") != '\0') {
		fprintf(stderr, "penstock event: %s\n", asking_text(o, "error"));
		a->bad = true;
		json_decref(o);
		return false;
	}
	bool trouble = *asking_text(o, "trouble") != '\0';
	a->found = true;
	a->bad |= trouble;
	if (a->json)
		printf("%.*s\n", (int)len, text);
	else {
		printf("%s  %s\n", asking_text(o, "event"), asking_text(o, "type"));
		if (json_integer_value(json_object_get(o, "no")) == 0)
			printf("  none yet\n");
		else
			printf("  number %lld  at %s  key %s\n", json_integer_value(json_object_get(o, "no")),
			    asking_text(o, "time"), asking_text(o, "key"));
		if (json_integer_value(json_object_get(o, "waiting")) > 0)
			printf("  waiting for the gate: %lld\n", json_integer_value(json_object_get(o, "waiting")));
		if (json_integer_value(json_object_get(o, "faults")) > 0)
			printf("  with a fault since the process began: %lld\n",
			    json_integer_value(json_object_get(o, "faults")));
		if (*asking_text(o, "handshake") != '\0')
			printf("  handshake: %s\n", asking_text(o, "handshake"));
		if (trouble)
			printf("  trouble: %s\n", asking_text(o, "trouble"));
	}
	json_decref(o);
	return true;
}

static int
ask(struct asked *a)
{
	int fd = ctl_request(ctl_state_dir(a->state), "event", 1, &a->pattern);

	if (fd < 0)
		return EXIT_CANNOT;
	int err = ctl_lines(fd, show_state, a);
	ctl_close(fd);
	if (err != 0 || (!a->found && a->bad))
		return EXIT_CANNOT;
	if (!a->found && strcmp(a->pattern, "**") != 0) {
		fprintf(stderr,
		    "penstock event: no event of the running plan has the path \"%s\"; `penstock event list` shows them\n",
		    a->pattern);
		return EXIT_CANNOT;
	}
	return a->bad ? EXIT_FINDINGS : EXIT_OK;
}

/* The newest events of a stream: how far back they lie is not known, so it is read from ever further back. Ends: at the
 * stream's first. */
static int
show_stream(struct asked *a, const char *path)
{
	struct buf *ring = calloc(a->limit, sizeof *ring);
	struct spool_reader *r;
	struct spool_damage d;
	struct spool_batch b;
	struct spool_state s;
	uint64_t n = 0;

	int err = ring == NULL ? ERR_NOMEM : spool_look(path, &disk_os, &s);
	for (uint64_t back = 4096; err == 0 && n < a->limit; back *= 16) {
		uint64_t from = s.next - s.first > back ? s.next - back : s.first;
		n = 0;
		err = spool_reader_open(path, from, &disk_os, &r);
		int got = err;
		while (got == 0 || got == ERR_GAP) {
			got = spool_next(r, &b, &d);
			const struct spool_schema *schema = spool_reader_schema(r);
			for (uint32_t i = 0; got == 0 && i < b.n; i++)
				if (path_match(a->pattern, schema->tags[b.samples[i].tag].name) &&
				    b.samples[i].v.type == VALUE_JSON) {
					struct buf *slot = &ring[n++ % a->limit];
					buf_reset(slot);
					buf_put(slot, b.samples[i].v.p, b.samples[i].v.len);
				}
		}
		if (err == 0)
			spool_reader_close(r);
		if (from == s.first)
			break;
	}
	for (uint64_t i = n > a->limit ? n - a->limit : 0; i < n; i++)
		printf("%s%s\n", a->json ? "" : "  ", buf_text(&ring[i % a->limit]));
	a->n += n;
	for (uint64_t i = 0; ring != NULL && i < a->limit; i++)
		buf_fini(&ring[i]);
	free(ring);
	return err;
}

static int
show_spool(struct asked *a)
{
	struct streams streams;

	if (streams_find("event", a->state, NULL, &streams) != 0)
		return EXIT_CANNOT;
	for (size_t i = 0; i < streams.n; i++)
		if (show_stream(a, streams.v[i].path) != 0)
			fprintf(stderr, "penstock event: stream %s cannot be read; see penstock spool verify\n",
			    streams.v[i].dir);
	if (a->n == 0 && !a->json)
		printf("  the spool has none of it any more: delivered, and taken away\n");
	streams_fini(&streams);
	return EXIT_OK;
}

/* ---- try ---- */

/* The whole plan for --to, which the engine's slice is not. */
static int
find_far(struct asked *a)
{
	if (a->to == NULL)
		return 0;
	int err = a->site != NULL ? load_site_file(a->site, false, &a->whole) :
	    plans_load(ctl_state_dir(a->state), false, &a->whole);
	if (err != 0) {
		fprintf(stderr, "penstock event: no plan with sinks: %s; give it with --site SITE\n", err_text(err));
		return err;
	}
	for (uint32_t i = 0; i < a->whole->nsinks && a->far == NULL; i++)
		if (strcmp(a->whole->sinks[i].name, a->to) == 0)
			a->far = &a->whole->sinks[i];
	a->type = a->far != NULL ? sink_find(a->far->kind) : NULL;
	if (a->type == NULL)
		fprintf(stderr, "penstock event: the site has no sink \"%s\"\n", a->to);
	return a->type != NULL ? 0 : ERR_NOTFOUND;
}

static void
show_message(struct asked *a, const char *record, size_t len)
{
	struct value v = { .type = VALUE_JSON, .len = (uint32_t)len, .p = record };
	struct buf out = { 0 };
	char dir[DISK_PATH_MAX];

	snprintf(dir, sizeof dir, "%s/office/%s", ctl_state_dir(a->state), a->to);
	if (a->type->dry_run == NULL)
		printf("  %s delivers the record as it is (%s)\n", a->to, a->far->kind);
	else {
		a->bad |= a->type->dry_run(a->far, a->whole, dir, &v, 1, &out) != 0 ||
		    strncmp(buf_text(&out), "no message", 10) == 0;
		fputs(buf_text(&out), stdout);
	}
	buf_fini(&out);
}

static void
show_record(void *arg, const char *path, const char *record, size_t len, uint32_t status)
{
	struct asked *a = arg;

	if (!path_match(a->pattern, path))
		return;
	a->n++;
	a->bad |= !status_is_good(status);
	printf("%.*s\n", (int)len, record);
	if (a->type != NULL)
		show_message(a, record, len);
}

static int
find_data(const struct asked *a, struct eval_data *d)
{
	const char *state = ctl_state_dir(a->state);
	int64_t last = 0, now = wall_now().ns;

	if (a->csv != NULL)
		return eval_from_csv(d, a->csv);
	if (a->last == NULL)
		return eval_from_rings(d, state);
	if (span_parse(a->last, &last) != 0) {
		fputs(usage, stderr);
		return ERR_SYNTAX;
	}
	return eval_from_history(d, state, a->sink, now - last, now + NS_PER_S);
}

static bool
declared(const struct plan *p, const char *pattern)
{
	for (uint32_t i = 0; i < p->nevents; i++)
		if (path_match(pattern, p->events[i].path))
			return true;
	fprintf(stderr, "penstock event: the site declares no event \"%s\"\n", pattern);
	return false;
}

static int
try(struct asked *a)
{
	struct eval_data d = { 0 };
	struct plan *plan = NULL;
	if (find_far(a) != 0)
		return EXIT_CANNOT;
	int err =
	    a->site != NULL ? load_site_file(a->site, false, &plan) : eval_running_plan(ctl_state_dir(a->state), &plan);

	if (err != 0)
		return a->site != NULL ? EXIT_FINDINGS : EXIT_CANNOT;
	if (!declared(plan, a->pattern)) {
		plan_free(plan);
		return EXIT_CANNOT;
	}
	log_open("penstock", LOG_LEVEL_WARN);	/* the engine tells of its own life, as in the process */
	struct event_try *t = event_try_new(plan, show_record, a);
	if (t == NULL)
		return EXIT_CANNOT;
	event_try_inputs(t, &d);
	err = find_data(a, &d);
	if (err == 0) {
		eval_sort(&d);
		err = event_try_run(t, &d);
		if (err != 0)
			fprintf(stderr, "penstock event: %s\n", err_text(err));
		else if (a->n == 0)
			fprintf(stderr, "penstock event: %zu samples, and none of them triggers it\n", d.n);
	}
	event_try_free(t);
	eval_data_fini(&d);
	return err != 0 ? EXIT_CANNOT : a->bad ? EXIT_FINDINGS : EXIT_OK;
}

/* ---- the command ---- */

static int
parse(struct asked *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' },
		{ "site", required_argument, NULL, 'f' },
		{ "csv", required_argument, NULL, 'c' },
		{ "last", required_argument, NULL, 'l' },
		{ "sink", required_argument, NULL, 'k' },
		{ "to", required_argument, NULL, 't' },
		{ "limit", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 's': a->state = optarg; break;
		case 'f': a->site = optarg; break;
		case 'c': a->csv = optarg; break;
		case 'l': a->last = optarg; break;
		case 'k': a->sink = optarg; break;
		case 't': a->to = optarg; break;
		case 'n':
			a->limit = strtoull(optarg, NULL, 10);
			if (a->limit < 1 || a->limit > 100000)
				return -1;
			break;
		case 'j': a->json = true; break;
		case 'h': return 1;
		default: return -1;
		}
	return argc - optind < 1 || argc - optind > 2 || (a->csv != NULL && a->last != NULL) ? -1 : 0;
}

int
cmd_event(int argc, char **argv)
{
	struct asked a = { .limit = 10, .pattern = "**" };
	int parsed = parse(&a, argc, argv);
	const char *verb = parsed == 0 ? argv[optind] : "";
	bool named = parsed == 0 && argc - optind == 2;

	if (named)
		a.pattern = argv[optind + 1];
	if (strcmp(verb, "list") == 0)
		return ask(&a);
	if (strcmp(verb, "show") == 0 && named) {
		int status = ask(&a);
		int spool = show_spool(&a);
		return spool != EXIT_OK && status == EXIT_OK ? spool : status;
	}
	if (strcmp(verb, "try") == 0 && named) {
		int status = try(&a);
		plan_free(a.whole);
		return status;
	}
	return cli_usage(usage, parsed > 0);
}
