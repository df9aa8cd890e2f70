/* See scan.h. */
#include "cli/scan.h"

#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "cli/cli.h"
#include "cli/scan_try.h"
#include "site/link.h"
#include "site/parse.h"

static const char how[] =
	    "usage: penstock scan ENDPOINT [--driver NAME] [--unit N] [--set KEY=VALUE]... [--at ADDRESS]... [--json]\n"
	    "       penstock scan ENDPOINT --units 1-247     which units are there\n"
	    "       penstock scan ENDPOINT --ranges          which of 0 to 999 can be read in each table, not only of "
	    "0 to 199\n"
	    "       penstock scan 10.3.1.10:502 --unit 1 --at 'holding 100 float32' --at 'coil 3'\n"
	    "       penstock scan /dev/ttyUSB0 --unit 17 --set baud=9600 --set parity=none\n"
	    "Exit status: 0 it answered well, 1 something was refused or bad, 2 it could not be asked.\n";

static int
usage(const char *what)
{
	fprintf(stderr, "penstock scan: %s\n%s", what, how);
	return EXIT_CANNOT;
}

static bool
known(const char *option)
{
	static const char *const with_value[] = { "--driver", "--unit", "--units", "--set", "--at" };

	for (size_t i = 0; i < sizeof with_value / sizeof with_value[0]; i++)
		if (strcmp(option, with_value[i]) == 0)
			return true;
	return false;
}

void
scan_usage(FILE *out)
{
	fputs(how, out);
}

int
scan_parse(int argc, char **argv, struct scan_args *a)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "--json") == 0) {
			a->json = true;
			continue;
		}
		if (strcmp(argv[i], "--ranges") == 0) {
			a->ranges = true;
			continue;
		}
		if (argv[i][0] != '-') {
			if (a->endpoint != NULL)
				return usage("one endpoint at a time");
			a->endpoint = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			a->help = true;
			return 0;
		}
		if (!known(argv[i])) {
			fprintf(stderr, "penstock scan: there is no option %s\n%s", argv[i], how);
			return EXIT_CANNOT;
		}
		if (value == NULL)
			return usage("an option lacks its value");
		if (strcmp(argv[i], "--driver") == 0)
			a->driver = value;
		else if (strcmp(argv[i], "--unit") == 0)
			a->unit = value;
		else if (strcmp(argv[i], "--units") == 0 && scan_units_parse(value, &a->first_unit, &a->last_unit) != 0)
			return usage("--units wants two unit numbers, as in 1-247");
		else if (strcmp(argv[i], "--units") == 0)
			;	/* parsed just now */
		else if (strcmp(argv[i], "--set") == 0 && a->nsets < SCAN_SETS_MAX)
			a->sets[a->nsets++] = value;
		else if (strcmp(argv[i], "--at") == 0 && a->nat < TRY_TAGS_MAX)
			a->at[a->nat++] = value;
		else
			return usage("too many options of one kind");
		i++;
	}
	return a->endpoint != NULL ? 0 : usage("name an endpoint: host:port, or a serial device");
}

static int
find_driver(const struct scan_args *a, struct scan_state *s)
{
	const char *name = a->driver != NULL ? a->driver : a->endpoint[0] == '/' ? "modbus-rtu" : "modbus-tcp";
	struct near near = { .word = name };

	s->driver = driver_find(name);
	if (s->driver != NULL)
		return 0;
	for (size_t i = 0; drivers[i] != NULL; i++)
		near_try(&near, drivers[i]->info.name);
	fprintf(stderr, "penstock scan: there is no driver \"%s\"", name);
	if (near.best != NULL)
		fprintf(stderr, "; did you mean \"%s\"?\n", near.best);
	else {
		fprintf(stderr, "; there are:");
		for (size_t i = 0; drivers[i] != NULL; i++)
			fprintf(stderr, " %s", drivers[i]->info.name);
		fputc('\n', stderr);
	}
	return EXIT_CANNOT;
}

static int
take_endpoint(const struct scan_args *a, struct scan_state *s)
{
	struct endpoint e;
	char why[256];

	if (endpoint_parse(a->endpoint, &e, why, sizeof why) != 0) {
		fprintf(stderr, "penstock scan: the endpoint \"%s\" %s\n", a->endpoint, why);
		return EXIT_CANNOT;
	}
	if (e.device != s->driver->info.endpoint_is_device) {
		fprintf(stderr, "penstock scan: the driver %s wants %s, not \"%s\"\n", s->driver->info.name,
		    e.device ? "host:port" : "a serial device such as /dev/ttyUSB0", a->endpoint);
		return EXIT_CANNOT;
	}
	endpoint_link(&e, s->driver->info.default_port, s->link, sizeof s->link);
	return 0;
}

int
scan_set_key(struct scan_state *s, const char *name, size_t len, const char *value)
{
	struct strings strings = { .arena = &s->arena };
	struct parse_env env = { .strings = &strings, .decimal = '.' };
	const struct key *keys = s->driver->info.keys;
	char word[64];
	struct near near = { .word = word };

	snprintf(word, sizeof word, "%.*s", (int)len, name);
	for (size_t i = 0; keys[i].name != NULL; i++) {
		if (strcmp(keys[i].name, word) != 0) {
			near_try(&near, keys[i].name);
			continue;
		}
		int err = key_parse(&keys[i], value, strlen(value), &env, &s->keys[i]);
		if (err != 0)
			fprintf(stderr, "penstock scan: %s \"%s\" %s: %s\n", word, value, env.why, env.remedy);
		strings_fini(&strings);
		return err != 0 ? EXIT_CANNOT : 0;
	}
	fprintf(stderr, "penstock scan: the driver %s has no key \"%s\"%s%s%s\n", s->driver->info.name, word,
	    near.best != NULL ? "; did you mean \"" : "", near.best != NULL ? near.best : "", near.best != NULL ?
	    "\"?" : "");
	return EXIT_CANNOT;
}

static int
take_keys(const struct scan_args *a, struct scan_state *s)
{
	s->keys = arena_array(&s->arena, key_count(s->driver->info.keys) + 1, sizeof *s->keys);
	for (uint32_t i = 0; i < a->nsets; i++) {
		const char *eq = strchr(a->sets[i], '=');
		if (eq == NULL)
			return usage("--set wants KEY=VALUE");
		if (scan_set_key(s, a->sets[i], (size_t)(eq - a->sets[i]), eq + 1) != 0)
			return EXIT_CANNOT;
	}
	return scan_set_key(s, "unit", 4, a->unit != NULL ? a->unit : "1");
}

int
scan_prepare(const struct scan_args *a, struct scan_state *s)
{
	int status = find_driver(a, s);

	if (status == 0)
		status = take_endpoint(a, s);
	return status == 0 ? take_keys(a, s) : status;
}
