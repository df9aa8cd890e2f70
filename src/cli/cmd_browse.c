/*
 * penstock browse: walk through an OPC UA server and write what it has as a tag table, as types, or as differences from
 * an older table. It connects as the driver does, with the certificates of the state directory, but needs no site file.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "base/near.h"
#include "base/num.h"
#include "cli/browse_cli.h"
#include "cli/cli.h"
#include "cli/load.h"
#include "cli/ctl.h"
#include "driver/opcua/agent.h"
#include "site/parse.h"

static const char usage[] =
    "usage: penstock browse opc.tcp://HOST:PORT[/PATH] | SITE:SOURCE [--from NODE] [--path PREFIX] [--source NAME]\n"
    "                [--types] [--diff OLD.csv] [--rate N] [--max N] [--set KEY=VALUE]... [--state DIR]\n"
    "Writes a tag table (CSV) of all variables below NODE (Objects) on standard output: path, at, type, unit, range, description.\n"
    "--path: what the paths begin with. --source: a column with this source. --types: the server's object types as a `types:` section instead. --diff: what is new (+), gone (-)\n"
    "or changed (~) against an older table; status 1 when there is something. --rate: at most N nodes a second; --max: at most N nodes.\n"
    "--set: a key of the driver, such as --set security=none or --set user=NAME; `penstock keys` lists them. Whom to trust is told with\n"
    "penstock cert, with the same --state.\n";

static int
parse_number(const char *s, double most, double *out)
{
	return num_parse_f64(s, strlen(s), '.', out) == 0 && *out >= 1 && *out <= most ? 0 : EXIT_CANNOT;
}

static int
parse(int argc, char **argv, struct browse_args *a)
{
	double v;

	for (int i = 1; i < argc; i++) {
		const char *o = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(o, "--help") == 0 || strcmp(o, "-h") == 0) {
			a->help = true;
			return 0;
		}
		if (strcmp(o, "--types") == 0 || strcmp(o, "--csv") == 0) {	/* --csv says what is so anyway */
			a->types |= o[2] == 't';
			continue;
		}
		if (o[0] != '-') {
			if (a->target != NULL)
				return EXIT_CANNOT;
			a->target = o;
			continue;
		}
		if (value == NULL)
			return EXIT_CANNOT;
		i++;
		if (strcmp(o, "--from") == 0)
			a->from = value;
		else if (strcmp(o, "--path") == 0)
			a->prefix = value;
		else if (strcmp(o, "--source") == 0)
			a->source = value;
		else if (strcmp(o, "--diff") == 0)
			a->diff = value;
		else if (strcmp(o, "--state") == 0)
			a->state = value;
		else if (strcmp(o, "--rate") == 0 && parse_number(value, 1e9, &v) == 0)
			a->rate = v;
		else if (strcmp(o, "--max") == 0 && parse_number(value, 1e8, &v) == 0)
			a->max = (uint32_t)v;
		else if (strcmp(o, "--set") == 0 && a->nsets < BROWSE_SETS_MAX && strchr(value, '=') != NULL)
			a->sets[a->nsets++] = value;
		else
			return EXIT_CANNOT;
	}
	return a->target != NULL ? 0 : EXIT_CANNOT;
}

/* ---- the source ---- */

static int
set_key(const struct driver_info *d, struct arena *m, struct keyval *keys, const char *name, size_t len, const char *value)
{
	struct strings strings = { .arena = m };
	struct parse_env env = { .strings = &strings, .decimal = '.' };
	char word[64];
	struct near near = { .word = word };
	int err = ERR_NOTFOUND;

	snprintf(word, sizeof word, "%.*s", (int)len, name);
	for (size_t i = 0; d->keys[i].name != NULL; i++) {
		near_try(&near, d->keys[i].name);
		if (strcmp(d->keys[i].name, word) != 0)
			continue;
		keys[i] = (struct keyval){ 0 };
		err = key_parse(&d->keys[i], value, strlen(value), &env, &keys[i]);
		if (err != 0)
			fprintf(stderr, "penstock browse: %s \"%s\" %s: %s\n", word, value, env.why, env.remedy);
	}
	if (err == ERR_NOTFOUND)
		fprintf(stderr, "penstock browse: the driver opcua has no key \"%s\"%s%s%s\n", word,
		    near.best != NULL ? "; did you mean \"" : "",
		    near.best != NULL ? near.best : "", near.best != NULL ? "\"?" : "");
	strings_fini(&strings);
	return err;
}

/* A source of a site file: its endpoint and keys, without its tags. */
static int
source_of_site(struct browse_args *a, struct source *out, struct plan **plan)
{
	const char *target = a->target;
	const char *colon = strrchr(target, ':');
	char file[4096];

	snprintf(file, sizeof file, "%.*s", (int)(colon - target), target);
	int err = load_site_file(file, false, plan);
	for (uint32_t i = 0; err == 0 && i < (*plan)->nsources; i++)
		if (strcmp((*plan)->sources[i].name, colon + 1) == 0 && strcmp((*plan)->sources[i].driver, "opcua") == 0) {
			*out = (*plan)->sources[i];
			out->tags = NULL;
			out->ntags = 0;
			out->nscans = 0;
			if (a->source == NULL)
				a->source = out->name;
			return 0;
		}
	if (err == 0)
		fprintf(stderr, "penstock browse: %s has no source \"%s\" with the driver opcua\n", file, colon + 1);
	return err != 0 ? err : ERR_NOTFOUND;
}

static int
make_source(struct browse_args *a, struct arena *m, struct source *out, struct plan **plan)
{
	const struct driver_info *d = &opcua_driver.info;

	if (strstr(a->target, "://") == NULL && strchr(a->target, ':') != NULL && strstr(a->target, ".yaml:") != NULL) {
		int err = source_of_site(a, out, plan);
		if (err != 0)
			return err;
	} else {
		*out = (struct source){ .name = "browse", .driver = "opcua", .endpoint = a->target, .link = a->target,
		    .nkeys = (uint32_t)key_count(d->keys) };
		out->keys = arena_array(m, out->nkeys + 1, sizeof *out->keys);
		for (uint32_t i = 0; i < out->nkeys; i++)
			if (d->keys[i].def != NULL && d->keys[i].type != KEY_LIST &&
			    set_key(d, m, out->keys, d->keys[i].name, strlen(d->keys[i].name), d->keys[i].def) != 0)
				return ERR_SYNTAX;
	}
	for (uint32_t i = 0; i < a->nsets; i++) {
		const char *eq = strchr(a->sets[i], '=');
		if (set_key(d, m, out->keys, a->sets[i], (size_t)(eq - a->sets[i]), eq + 1) != 0)
			return ERR_SYNTAX;
	}
	return 0;
}

/* ---- the walk ---- */

/* Why there is no connection, if the agent has said so. */
static bool
cannot_connect(struct ua_thread *t)
{
	const struct ua_out_row *r;
	const char *text;
	bool failed = false;

	while ((r = ua_out_next(t->agent.out, &text)) != NULL)
		if (r->kind == UA_OUT_REACH && (r->flags & 1) == 0) {
			fprintf(stderr, "penstock browse: %s\n", text);
			failed = true;
		}
	return failed;
}

static bool
walk(struct ua_thread *t, struct ua_browse *b)
{
	bool done = false, failed = false;

	while (!done && !failed) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 50 * NS_PER_MS;
		until.tv_sec += until.tv_nsec / NS_PER_S;
		until.tv_nsec %= NS_PER_S;
		pthread_mutex_lock(&b->lock);
		if (b->state != BROWSE_DONE)
			pthread_cond_timedwait(&b->changed, &b->lock, &until);
		done = b->state == BROWSE_DONE;
		pthread_mutex_unlock(&b->lock);
		failed = cannot_connect(t) && !done;
	}
	if (done && b->why[0] != '\0')
		fprintf(stderr, "penstock browse: %s\n", b->why);
	return done && b->why[0] == '\0';
}

static void
said(const struct ua_browse *b, const struct browse_rows *r)
{
	fprintf(stderr, "%u nodes, %u variables, in %u calls\n", b->n, r->n, b->calls_made + b->pages);
	if (b->full)
		fprintf(stderr, "there are more nodes: the walk ended at %u; raise --max, or begin lower with --from\n", b->max);
	if (b->refused > 0)
		fprintf(stderr, "the server did not let %u nodes be looked at\n", b->refused);
	if (b->too_deep > 0)
		fprintf(stderr, "%u nodes lie deeper than %u levels: begin lower with --from\n", b->too_deep, UA_BROWSE_DEPTH);
	if (r->no_path > 0)
		fprintf(stderr, "%u variables are left out: their paths are too long\n", r->no_path);
	if (r->no_address > 0)
		fprintf(stderr, "%u variables are left out: their NodeIds do not fit an address\n", r->no_address);
}

static int
report(const struct browse_args *a, const struct ua_browse *b)
{
	struct browse_rows r;
	int status = EXIT_OK;

	browse_rows_make(b, a->prefix, &r);
	if (a->types) {
		uint32_t n = browse_types(b, stdout);
		fprintf(stderr, "%u object types with variables\n", n);
	} else if (a->diff != NULL) {
		long n = browse_diff(&r, a->diff, stdout);
		status = n < 0 ? EXIT_CANNOT : n > 0 ? EXIT_FINDINGS : EXIT_OK;
	} else
		browse_csv(&r, a->source, stdout);
	fflush(stdout);
	if (!a->types)
		said(b, &r);
	browse_rows_free(&r);
	return status;
}

/*
 * The agent closes its session and goes; what it was lent is freed after that. Not if it takes long: then the program
 * ends with it.
 */
static bool
gone(void)
{
	for (unsigned i = 0; i < 600 && ua_agents_living() > 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 5 * NS_PER_MS }, NULL);
	return ua_agents_living() == 0;
}

int
cmd_browse(int argc, char **argv)
{
	struct browse_args a = { .max = 0 };
	struct arena m = { 0 };
	struct source source;
	struct plan *plan = NULL;
	struct ua_thread *t = NULL;
	int status = EXIT_CANNOT;

	if (parse(argc, argv, &a) != 0 || a.help)
		return cli_usage(usage, a.help);
	log_open("browse", LOG_LEVEL_ERROR);
	driver_set_home(ctl_state_dir(a.state), "");
	if (make_source(&a, &m, &source, &plan) == 0 && ua_agent_new(&source, &t) == 0) {
		struct ua_browse *b = calloc(1, sizeof *b);
		if (b != NULL) {
			*b = (struct ua_browse){ .from = a.from, .types = a.types, .max = a.max, .rate = a.rate };
			ua_browse_init_job(b);
			t->agent.browse = b;
			if (ua_agent_start(t) == 0 && walk(t, b))
				status = report(&a, b);
		}
		ua_agent_release(t);
		if (b != NULL && gone()) {
			ua_browse_fini_job(b);
			free(b);
		}
	}
	plan_free(plan);
	arena_fini(&m);
	return status;
}
