/*
 * `penstock scan ENDPOINT`: try a device without a site file. Opens the same connection as a plant would, through the same driver, reads a
 * few addresses once and prints what came: who the device says it is, which tables answer, and the values.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/near.h"
#include "cli/cli.h"
#include "cli/scan_try.h"
#include "driver/modbus/modbus_ident.h"
#include "field/try.h"
#include "model/status.h"
#include "site/link.h"
#include "site/parse.h"

#define SETS_MAX 32u
#define LOOK_EACH 4u	/* addresses of each table that are read when none is asked for */

struct scan_args {
	const char	*endpoint, *driver, *unit;
	const char	*sets[SETS_MAX];	/* "key=value" */
	uint32_t	 nsets;
	const char	*at[TRY_TAGS_MAX];
	uint32_t	 nat;
	bool		 json, ranges;
	unsigned	 first_unit, last_unit;	/* of --units; 0, 0: not asked for */
};

struct scan_state {
	struct arena		 arena;
	const struct driver	*driver;
	char			 link[4200];
	struct keyval		*keys;
};

static int
usage(const char *what)
{
	fprintf(stderr, "penstock scan: %s\n"
	    "usage: penstock scan ENDPOINT [--driver NAME] [--unit N] [--set KEY=VALUE]... [--at ADDRESS]... [--json]\n"
	    "       penstock scan ENDPOINT --units 1-247     which units are there\n"
	    "       penstock scan ENDPOINT --ranges          which addresses of the unit can be read\n"
	    "       penstock scan 10.3.1.10:502 --unit 1 --at 'holding 100 float32' --at 'coil 3'\n"
	    "       penstock scan /dev/ttyUSB0 --unit 17 --set baud=9600 --set parity=none\n", what);
	return EXIT_CANNOT;
}

static int
parse_args(int argc, char **argv, struct scan_args *a)
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
		if (value == NULL)
			return usage("an option lacks its value");
		if (strcmp(argv[i], "--driver") == 0)
			a->driver = value;
		else if (strcmp(argv[i], "--unit") == 0)
			a->unit = value;
		else if (strcmp(argv[i], "--set") == 0 && a->nsets < SETS_MAX)
			a->sets[a->nsets++] = value;
		else if (strcmp(argv[i], "--at") == 0 && a->nat < TRY_TAGS_MAX)
			a->at[a->nat++] = value;
		else if (strcmp(argv[i], "--units") == 0) {
			if (scan_units_parse(value, &a->first_unit, &a->last_unit) != 0)
				return usage("--units wants two unit numbers, as in 1-247");
		} else
			return usage("unknown option, or too many of one kind");
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

static int
set_key(struct scan_state *s, const char *name, size_t len, const char *value)
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
	    near.best != NULL ? "; did you mean \"" : "", near.best != NULL ? near.best : "", near.best != NULL ? "\"?" : "");
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
		if (set_key(s, a->sets[i], (size_t)(eq - a->sets[i]), eq + 1) != 0)
			return EXIT_CANNOT;
	}
	return set_key(s, "unit", 4, a->unit != NULL ? a->unit : "1");
}

/* Addresses that were asked for, or the first few of each table. */
static int
take_addresses(struct scan_args *a, struct scan_state *s)
{
	static const char *const tables[] = { "coil", "discrete", "input", "holding" };

	for (uint32_t i = 0; i < a->nat; i++) {
		struct at_info info;
		char why[256];
		if (s->driver->info.parse_at(a->at[i], s->keys, &info, why, sizeof why) != 0) {
			fprintf(stderr, "penstock scan: the address \"%s\" cannot be used: %s\n", a->at[i], why);
			return EXIT_CANNOT;
		}
	}
	if (a->nat > 0)
		return 0;
	for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
		for (uint32_t i = 0; i < LOOK_EACH; i++)
			a->at[a->nat++] = arena_printf(&s->arena, "%s %u", tables[t], i);
	return 0;
}

static void
print_identity(const struct scan_state *s)
{
	struct try_device d = { .driver = modbus_ident(s->driver), .link = s->link, .keys = s->keys };
	const char *at[MODBUS_IDENT_OBJECTS];
	struct try_result r;

	if (d.driver == NULL)
		return;
	for (uint32_t i = 0; i < MODBUS_IDENT_OBJECTS; i++)
		at[i] = modbus_ident_names[i];
	bool any = false;
	if (try_read(&d, at, MODBUS_IDENT_OBJECTS, &r) == 0)
		for (uint32_t i = 0; i < MODBUS_IDENT_OBJECTS; i++)
			if (r.values[i].given && status_is_good(r.values[i].status)) {
				printf("  %-14s %s\n", modbus_ident_names[i], buf_text(&r.values[i].text));
				any = true;
			}
	if (!any)
		printf("  the device does not say who it is (function 43/14)\n");
	try_fini(&r);
}

static void
print_json(const struct scan_args *a, const struct scan_state *s, const struct try_result *r)
{
	struct buf b = { 0 };
	struct json j = { .out = &b };

	for (uint32_t i = 0; i < a->nat; i++) {
		const struct try_value *v = &r->values[i];
		buf_reset(&b);
		j.comma = false;
		json_open(&j, '{');
		json_key(&j, "endpoint");
		json_text(&j, s->link);
		json_key(&j, "at");
		json_text(&j, a->at[i]);
		json_key(&j, "value");
		json_raw(&j, v->given ? buf_text(&v->text) : "null", v->given ? v->text.len : 4);
		json_key(&j, "status");
		json_text(&j, v->given ? status_name(v->status) : "BadTimeout");
		if (v->why.len > 0) {
			json_key(&j, "detail");
			json_raw(&j, v->why.p, v->why.len);
		}
		json_close(&j, '}');
		printf("%s\n", buf_text(&b));
	}
	buf_fini(&b);
}

static void
print_table(const struct scan_args *a, const struct try_result *r)
{
	for (uint32_t i = 0; i < a->nat; i++) {
		const struct try_value *v = &r->values[i];
		bool good = v->given && status_is_good(v->status);
		printf("  %-24s %s\n", a->at[i], good ? buf_text(&v->text) : v->given ? status_text(v->status) : "no answer");
	}
}

static int
report(const struct scan_args *a, const struct scan_state *s, const struct try_result *r, int err)
{
	uint32_t good = 0;

	for (uint32_t i = 0; i < a->nat; i++)
		good += r->values[i].given && status_is_good(r->values[i].status);
	if (err != 0) {
		fprintf(stderr, "penstock scan: no connection to %s: %s\n", s->link, r->cause[0] != '\0' ? r->cause : err_text(err));
		return EXIT_CANNOT;
	}
	if (a->json)
		print_json(a, s, r);
	if (!r->answered) {
		fprintf(stderr, "penstock scan: %s is connected, but unit %s does not answer: check the unit number (often 1, 255 or 0 for a device of "
		    "its own, 1 to 247 behind a gateway), and that the device speaks %s\n", s->link, a->unit != NULL ? a->unit : "1",
		    s->driver->info.name);
		return EXIT_CANNOT;
	}
	if (!a->json) {
		printf("%s: connected, unit %s answers\n", s->link, a->unit != NULL ? a->unit : "1");
		print_identity(s);
		print_table(a, r);
	}
	return good == a->nat ? EXIT_OK : EXIT_FINDINGS;
}

int
cmd_scan(int argc, char **argv)
{
	struct scan_args a = { 0 };
	struct scan_state s = { 0 };
	struct try_result *r;
	int status = parse_args(argc, argv, &a);

	if (status == 0)
		status = find_driver(&a, &s);
	if (status == 0)
		status = take_endpoint(&a, &s);
	if (status == 0)
		status = take_keys(&a, &s);
	if (status == 0)
		status = take_addresses(&a, &s);
	if (status == 0) {
		log_open("scan", LOG_LEVEL_ERROR);
		struct try_device d = { .driver = s.driver, .link = s.link, .keys = s.keys };
		if (a.ranges || a.last_unit > 0) {
			status = a.ranges ? scan_ranges(&d) : scan_units(&d, a.first_unit, a.last_unit);
			arena_fini(&s.arena);
			return status;
		}
		r = arena_new(&s.arena, struct try_result);
		int err = try_read(&d, a.at, a.nat, r);
		status = report(&a, &s, r, err);
		try_fini(r);
	}
	arena_fini(&s.arena);
	return status;
}
