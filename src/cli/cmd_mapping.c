/*
 * penstock mapping: what the mappings of sink sap-odata are, and what one makes of an event, without a site, a network
 * or SAP. To list, to copy from, to try one of your own before it is put in force.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/cli.h"
#include "os/file.h"
#include "os/zone.h"
#include "sink/sap_odata/map.h"
#include "sink/sap_odata/read.h"

static const char usage[] =
	"usage: penstock mapping [NAME] [--mappings FOLDER] [--event FILE] [--metadata FILE] [--setting NAME=VALUE]... [--zone ZONE]\n"
	"Without a name all mappings; with one its file, to copy from.\n"
	"--event: the exact message that this event (JSON) becomes, or why it becomes none. --zone: of the plant, such as Europe/Berlin.\n"
	"--metadata: $metadata of the service, from a file: what does not fit it.\n"
	"Exit status: 0, 1 when something does not fit or no message is made, 2 when a file cannot be read.\n";

#define SETTINGS_MAX	64
#define ZONES_MAX	512
#define EVENT_MAX	(1u << 20)

struct options {
	const char		*name, *folder, *event, *metadata, *zone;
	struct message_setting	 settings[SETTINGS_MAX];
	struct zone_offset	 zones[ZONES_MAX];
	struct message_env	 env;
	struct arena		 arena;
	struct mapping_set	*set;
	struct odata_meta	*meta;
};

static int
read_file(const char *path, size_t max, struct buf *out)
{
	int err = file_read(path, max, out);
	if (err != 0)
		fprintf(stderr, "penstock: %s: %s\n", path, err_text(err));
	return err == 0 ? EXIT_OK : EXIT_CANNOT;
}

/* Findings to where people look. */
static int
print_findings(struct findings *f, struct site_report *r)
{
	struct buf text = { 0 };

	findings_finish(f);
	site_report_print(r, false, &text);
	fputs(buf_text(&text), stderr);
	int status = r->errors > 0 ? EXIT_FINDINGS : EXIT_OK;
	buf_fini(&text);
	site_report_free(r);
	return status;
}

static int
load(struct options *o)
{
	struct site_report r;
	struct findings f;

	findings_init(&f, &r);
	mapping_load(o->folder, &f, &o->set);
	int status = print_findings(&f, &r);
	return o->set != NULL ? status : EXIT_CANNOT;
}

static void
list(const struct mapping_set *s)
{
	size_t n;
	const struct mapping *const *v = mapping_all(s, &n);

	for (size_t i = 0; i < n; i++)
		printf("%-28s %-24s %s\n", v[i]->name, v[i]->reading != NULL ? "(reads)" : v[i]->event, v[i]->about);
}

static int
show(const struct mapping *m)
{
	const char *text = mapping_ready_text(m);
	struct buf own = { .max = MAPPING_FILE_MAX + 1 };

	if (text != NULL) {
		fputs(text, stdout);
		return EXIT_OK;
	}
	int status = read_file(m->at.file, MAPPING_FILE_MAX, &own);
	fputs(buf_text(&own), stdout);
	buf_fini(&own);
	return status;
}

/* Read the metadata, and hold the mapping against it. */
static int
check(struct options *o, const struct mapping *m)
{
	struct buf xml = { .max = META_BYTES_MAX + 1 };
	struct site_report r;
	struct findings f;
	char why[META_WHY_MAX];

	int status = read_file(o->metadata, META_BYTES_MAX, &xml);
	if (status != EXIT_OK)
		return status;
	int err = odata_meta_parse(buf_text(&xml), xml.len, &o->arena, &o->meta, why);
	buf_fini(&xml);
	if (err != 0) {
		fprintf(stderr, "penstock: %s: %s\n", o->metadata, why);
		return EXIT_CANNOT;
	}
	findings_init(&f, &r);
	mapping_check(m, o->meta, &f);
	return print_findings(&f, &r);
}

static int
try_event(struct options *o, const struct mapping *m)
{
	struct buf event = { .max = EVENT_MAX + 1 };
	struct message msg;
	struct fault why;

	int status = read_file(o->event, EVENT_MAX, &event);
	if (status != EXIT_OK)
		return status;
	if (message_build(m, o->meta, &o->env, buf_text(&event), event.len, &o->arena, &msg, &why) == 0) {
		printf("%s %s\n%s%s", msg.method, msg.path, msg.body, *msg.body != '\0' ? "\n" : "");
		printf("# lane: %s\n# looked up by: %s%s\n", *msg.lane != '\0' ? msg.lane : "none",
		    *msg.lookup != '\0' ? "GET " : "nothing: a lost answer waits for a person",
		    msg.lookup);
	} else {
		printf("no message: %s%s%s: %s\n", why.code, *why.target != '\0' ? ", " : "", why.target, why.text);
		status = EXIT_FINDINGS;
	}
	buf_fini(&event);
	return status;
}

static int
run(struct options *o)
{
	int status = load(o);
	if (status == EXIT_CANNOT)
		return status;
	if (o->name == NULL) {
		list(o->set);
		return status;
	}
	const struct mapping *m = mapping_find(o->set, o->name);
	if (m == NULL) {
		const char *near = mapping_near(o->set, o->name);
		fprintf(stderr, "penstock: there is no mapping '%s'%s%s%s\n", o->name, near != NULL
		    ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
		return EXIT_CANNOT;
	}
	if (o->metadata != NULL) {
		int fits = check(o, m);
		if (fits == EXIT_CANNOT)
			return fits;
		status = fits > status ? fits : status;
	}
	int done = o->event != NULL ? try_event(o, m) : o->metadata == NULL ? show(m) : EXIT_OK;
	return done > status ? done : status;
}

static int
add_setting(struct options *o, const char *text)
{
	const char *is = strchr(text, '=');

	if (is == NULL || is == text || o->env.nsettings == SETTINGS_MAX)
		return ERR_SYNTAX;
	o->settings[o->env.nsettings++] = (struct message_setting){ arena_strndup(&o->arena, text,
	    (size_t)(is - text)), is + 1 };
	return 0;
}

static int
add_zone(struct options *o, const char *name)
{
	o->env.nzones = zone_offsets(name, o->zones, ZONES_MAX);
	if (o->env.nzones > 0)
		return 0;
	fprintf(stderr, "penstock: there is no time zone '%s'\n", name);
	return ERR_NOTFOUND;
}

/* EXIT_OK: go on; else leave with *status. */
static bool
parse_options(struct options *o, int argc, char **argv, int *status)
{
	static const struct option options[] = {
		{ "mappings", required_argument, NULL, 'm' }, { "event", required_argument, NULL, 'e' },
		    { "metadata", required_argument, NULL, 'd' },
		{ "setting", required_argument, NULL, 's' }, { "zone", required_argument, NULL, 'z' },
		    { "help", no_argument, NULL, 'h' }, { 0 },
	};
	bool ok = true;
	int opt;

	while (ok && (opt = getopt_long(argc, argv, "m:e:d:s:z:h", options, NULL)) != -1)
		switch (opt) {
		case 'm': o->folder = optarg; break;
		case 'e': o->event = optarg; break;
		case 'd': o->metadata = optarg; break;
		case 's': ok = add_setting(o, optarg) == 0; break;
		case 'z': ok = add_zone(o, optarg) == 0; break;
		case 'h': *status = cli_usage(usage, true); return false;
		default: ok = false; break;
		}
	o->name = optind < argc ? argv[optind] : NULL;
	if (ok && argc - optind <= 1 && (o->name != NULL || (o->event == NULL && o->metadata == NULL)))
		return true;
	*status = cli_usage(usage, false);
	return false;
}

int
cmd_mapping(int argc, char **argv)
{
	struct options o = { 0 };
	int status;

	o.env.settings = o.settings;
	o.env.zones = o.zones;
	if (parse_options(&o, argc, argv, &status))
		status = run(&o);
	mapping_set_free(o.set);
	arena_fini(&o.arena);
	return status;
}
