/*
 * `penstock scan ENDPOINT`: try a device without a site file. Opens the same connection as a plant would, through the
 * same driver, reads once and prints what came: who the device says it is, which addresses of each table can be read,
 * and values.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/scan.h"
#include "cli/scan_try.h"
#include "driver/modbus/modbus_ident.h"
#include "driver/modbus/modbus_try.h"
#include "model/status.h"

#define READ_NS		(20 * NS_PER_S)
#define SEARCH_NS	(600 * NS_PER_S)	/* a search over many units or addresses, each with its time-out */
#define LOOK_EACH	4u			/* values of each table that are shown when none is asked for */

static const char *const tables[] = { "coil", "discrete", "input", "holding" };
#define TABLES (sizeof tables / sizeof tables[0])

static const char *
unit_of(const struct scan_args *a)
{
	return a->unit != NULL ? a->unit : "1";
}

static bool
good(const struct try_value *v)
{
	return v->given && status_is_good(v->status);
}

/* A text's JSON without its quotes; all else as it is. */
static void
print_plain(const char *json)
{
	size_t len = strlen(json);

	if (len >= 2 && json[0] == '"')
		printf("%.*s\n", (int)len - 2, json + 1);
	else
		printf("%s\n", json);
}

static int
no_connection(const struct scan_state *s, const struct try_result *r, int err)
{
	fprintf(stderr, "penstock scan: no connection to %s: %s\n", s->link, r->cause[0] != '\0' ? r->cause :
	    err_text(err));
	return EXIT_CANNOT;
}

/* ---- who it is, what it has ---- */

static void
print_identity(struct scan_state *s)
{
	struct try_device d = { .driver = modbus_ident(s->driver), .link = s->link, .keys = s->keys };
	struct try_result *r = arena_new(&s->arena, struct try_result);
	bool any = false;

	if (d.driver == NULL)
		return;
	if (try_read(&d, modbus_ident_names, MODBUS_IDENT_OBJECTS, READ_NS, r) == 0)
		for (uint32_t i = 0; i < MODBUS_IDENT_OBJECTS; i++)
			if (good(&r->values[i])) {
				printf("  %-24s ", modbus_ident_names[i]);
				print_plain(buf_text(&r->values[i].text));
				any = true;
			}
	if (!any)
		printf("  the device does not say who it is (function 43/14)\n");
	try_fini(r);
}

/* Ask for the readable addresses of each table, and choose the first few of each to be shown. */
static int
choose_addresses(struct scan_args *a, struct scan_state *s)
{
	struct try_device d = { .driver = modbus_try(s->driver), .link = s->link, .keys = s->keys };
	struct try_result *r = arena_new(&s->arena, struct try_result);
	const char *at[TABLES];
	unsigned last = a->ranges ? 999 : 199, from;

	if (d.driver == NULL) {
		fprintf(stderr, "penstock scan: say what to read with --at\n");
		return EXIT_CANNOT;
	}
	for (size_t t = 0; t < TABLES; t++)
		at[t] = arena_printf(&s->arena, "ranges %s 0 %u", tables[t], last);
	int err = try_read(&d, at, TABLES, SEARCH_NS, r);
	if (err != 0)
		return no_connection(s, r, err);
	for (size_t t = 0; t < TABLES; t++) {
		const char *text = buf_text(&r->values[t].text);
		s->readable[t] = good(&r->values[t]) ? arena_strdup(&s->arena, text) : NULL;
		if (!good(&r->values[t]) || sscanf(text, "\"%u", &from) != 1)
			continue;
		for (unsigned i = from; i < from + LOOK_EACH && i <= last; i++)
			a->at[a->nat++] = arena_printf(&s->arena, "%s %u", tables[t], i);
	}
	s->answered = r->answered;
	try_fini(r);
	return 0;
}

static void
print_readable(const struct scan_state *s)
{
	for (size_t t = 0; t < TABLES; t++)
		if (s->readable[t] == NULL)
			printf("  %-24s no answer\n", tables[t]);
		else if (strcmp(s->readable[t], "\"\"") == 0)
			printf("  %-24s nothing can be read\n", tables[t]);
		else {
			printf("  %-24s can be read: ", tables[t]);
			print_plain(s->readable[t]);
		}
}

/* ---- values ---- */

static int
check_addresses(const struct scan_args *a, const struct scan_state *s)
{
	struct at_info info;
	char why[256];

	for (uint32_t i = 0; i < a->nat; i++)
		if (s->driver->info.parse_at(a->at[i], s->keys, &info, why, sizeof why) != 0) {
			fprintf(stderr, "penstock scan: the address \"%s\" cannot be used: %s\n", a->at[i], why);
			return EXIT_CANNOT;
		}
	return 0;
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
		json_key_text(&j, "endpoint", s->link);
		json_key_text(&j, "at", a->at[i]);
		json_key(&j, "value");
		json_raw(&j, v->given ? buf_text(&v->text) : "null", v->given ? v->text.len : 4);
		json_key_text(&j, "status", v->given ? status_name(v->status) : "BadTimeout");
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
print_values(const struct scan_args *a, const struct try_result *r)
{
	for (uint32_t i = 0; i < a->nat; i++) {
		const struct try_value *v = &r->values[i];
		printf("  %-24s %s\n", a->at[i], good(v) ? buf_text(&v->text) : v->given ? status_text(v->status) :
		    "no answer");
	}
}

static int
no_answer(const struct scan_args *a, const struct scan_state *s)
{
	fprintf(stderr,
	    "penstock scan: %s is connected, but unit %s does not answer: check the unit number (often 1, 255 or 0 "
	    "for a device of its own, 1 to 247 behind a gateway; --units 1-247 searches), and that the device "
	    "speaks %s\n", s->link, unit_of(a), s->driver->info.name);
	return EXIT_CANNOT;
}

static int
scan_values(const struct scan_args *a, struct scan_state *s)
{
	struct try_device d = { .driver = s->driver, .link = s->link, .keys = s->keys };
	struct try_result *r = arena_new(&s->arena, struct try_result);
	uint32_t ngood = 0;
	int err = try_read(&d, a->at, a->nat, READ_NS, r);

	if (err != 0)
		return no_connection(s, r, err);
	for (uint32_t i = 0; i < a->nat; i++)
		ngood += good(&r->values[i]);
	bool answered = r->answered || s->answered;
	if (a->json)
		print_json(a, s, r);
	else if (answered)
		print_values(a, r);
	try_fini(r);
	if (!answered)
		return no_answer(a, s);
	return ngood == a->nat ? EXIT_OK : EXIT_FINDINGS;
}

static int
scan(struct scan_args *a, struct scan_state *s)
{
	if (a->last_unit > 0)
		return scan_units(&(struct try_device){ .driver = s->driver, .link = s->link, .keys = s->keys },
		    a->first_unit, a->last_unit);
	int status = check_addresses(a, s);
	if (status != 0 || a->nat > 0)
		return status != 0 ? status : scan_values(a, s);
	status = choose_addresses(a, s);
	if (status != 0)
		return status;
	if (!s->answered)
		return no_answer(a, s);
	if (!a->json) {
		printf("%s: connected, unit %s answers\n", s->link, unit_of(a));
		print_identity(s);
		print_readable(s);
	}
	return a->nat > 0 ? scan_values(a, s) : EXIT_FINDINGS;
}

int
cmd_scan(int argc, char **argv)
{
	struct scan_args a = { 0 };
	struct scan_state s = { 0 };
	int status = scan_parse(argc, argv, &a);

	if (a.help) {
		scan_usage(stdout);
		return EXIT_OK;
	}
	if (status == 0)
		status = scan_prepare(&a, &s);
	if (status == 0) {
		log_open("scan", LOG_LEVEL_ERROR);
		status = scan(&a, &s);
	}
	arena_fini(&s.arena);
	return status;
}
