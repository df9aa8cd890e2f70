/*
 * penstock audit: who asked what of which device, and what became of it; and the proof that nobody changed the log.
 * Nothing needs to run.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "gate/audit.h"
#include "os/clock.h"
#include "site/parse.h"

static const char usage[] =
	"usage: penstock audit verify [--anchor NUMBER:HASH] [--json] [--state DIR]\n"
	"       penstock audit show [--since 1h|2026-11-22T16:00:00Z] [--last N] [--id REQUEST] [--json] [--state "
	    "DIR]\n"
	"verify proves the chain: a changed, removed or moved entry is named. That the end of the log was cut off "
	    "shows only against an\n"
	"anchor: keep the one that verify prints where nobody who can write here can. Exit status 1 when something is "
	    "found.\n";

struct asked {
	const char	*state, *anchor, *since;
	bool		 json;
	uint64_t	 last, id;
	struct wall	 from;
	char		**kept;		/* --last: the newest lines, a ring */
	uint64_t	 shown;
};

/* ---- verify ---- */

static void
put_anchor(char out[120], const struct audit_verdict *v)
{
	int n = snprintf(out, 120, "%" PRIu64 ":", v->last);
	for (size_t i = 0; i < AUDIT_HASH; i++)
		n += snprintf(out + n, (size_t)(120 - n), "%02x", v->hash[i]);
}

static void
verdict_json(const struct audit_verdict *v, const char *anchor, const struct buf *findings)
{
	struct buf out = { 0 };
	struct json j = { .out = &out };

	json_open(&j, '{');
	json_key_u64(&j, "entries", v->entries);
	json_key_u64(&j, "first", v->first);
	json_key_u64(&j, "last", v->last);
	json_key_text(&j, "anchor", anchor);
	json_key(&j, "findings");
	json_open(&j, '[');
	for (const char *p = buf_text(findings); *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n')
		json_str(&j, p, strcspn(p, "\n"));
	json_close(&j, ']');
	json_close(&j, '}');
	printf("%s\n", buf_text(&out));
	buf_fini(&out);
}

static int
verify(const struct asked *a, const char *dir)
{
	struct audit_verdict v;
	struct buf findings = { 0 };
	char anchor[120];

	int err = audit_verify(dir, &disk_os, a->anchor, &v, &findings);
	if (err != 0 && err != ERR_CORRUPT) {
		fprintf(stderr, "penstock audit: %s: %s%s\n", dir, err == ERR_SYNTAX ?
		    "the anchor is not of the form NUMBER:HASH" : err_text(err),
		    err == ERR_DENIED ? "; is this the user of the service?" : "");
		return EXIT_CANNOT;
	}
	put_anchor(anchor, &v);
	if (a->json)
		verdict_json(&v, anchor, &findings);
	else {
		fputs(buf_text(&findings), stdout);
		printf("%" PRIu64 " entries, %" PRIu64 " to %" PRIu64 ": %s\nanchor %s\n", v.entries, v.first, v.last,
		    err == 0 ? "the chain holds" : "the log is not as it was written", anchor);
	}
	buf_fini(&findings);
	return err == 0 ? EXIT_OK : EXIT_FINDINGS;
}

/* ---- show ---- */

static void
print_line(const struct asked *a, const struct audit_line *l, struct buf *out)
{
	char when[WALL_TEXT];

	buf_reset(out);
	if (a->json)
		buf_printf(out, "{\"number\":%" PRIu64 ",\"time\":\"%s\",\"kind\":\"%s\",\"id\":%" PRIu64
		    ",\"entry\":%.*s}", l->number,
		    wall_format(l->at, 3, when), audit_kind_name(l->kind), l->id, (int)l->json_len, l->json);
	else
		buf_printf(out, "%8" PRIu64 "  %s  %-8s %6" PRIu64 "  %.*s", l->number, wall_format(l->at, 3, when),
		    audit_kind_name(l->kind),
		    l->id, (int)l->json_len, l->json);
}

static int
show_line(void *arg, const struct audit_place *at, const struct audit_line *l, const char *text, size_t len)
{
	struct asked *a = arg;
	struct buf out = { 0 };
	(void)text;

	if (l == NULL) {
		fprintf(stderr, "penstock audit: %s:%zu: %zu bytes that are no entry; penstock audit verify says "
		    "more\n", at->file, at->line, len);
		return 0;
	}
	if ((a->id != 0 && l->id != a->id) || l->at.ns < a->from.ns)
		return 0;
	print_line(a, l, &out);
	if (a->last == 0)
		puts(buf_text(&out));
	else {
		char **slot = &a->kept[a->shown % a->last];
		free(*slot);
		*slot = strdup(buf_text(&out));
	}
	a->shown++;
	buf_fini(&out);
	return 0;
}

static int
show(struct asked *a, const char *dir)
{
	if (a->last > 0 && (a->kept = calloc(a->last, sizeof *a->kept)) == NULL)
		return EXIT_CANNOT;
	int err = audit_walk(dir, &disk_os, show_line, a);
	for (uint64_t i = 0; i < a->last; i++) {
		char *line = a->kept[(a->shown + i) % a->last];
		if (line != NULL)
			puts(line);
		free(line);
	}
	free(a->kept);
	if (err == ERR_NOTFOUND)
		fprintf(stderr, "penstock audit: there is no log in %s yet\n", dir);
	else if (err != 0)
		fprintf(stderr, "penstock audit: %s: %s\n", dir, err_text(err));
	return err == 0 ? EXIT_OK : EXIT_CANNOT;
}

/* ---- arguments ---- */

static bool
read_since(struct asked *a)
{
	static const struct key since = { "since", KEY_DURATION, .help = "" };
	struct parse_env env = { .decimal = '.' };
	struct keyval v = { 0 };

	if (a->since == NULL || wall_parse(a->since, &a->from) == 0)
		return true;
	if (key_parse(&since, a->since, strlen(a->since), &env, &v) != 0) {
		fprintf(stderr, "penstock audit: --since \"%s\": write how long ago (1h), or a time "
		    "(2026-11-22T16:00:00Z)\n", a->since);
		return false;
	}
	a->from.ns = wall_now().ns - v.i;
	return true;
}

static uint64_t
number(const char *s)
{
	return strtoull(s, NULL, 10);
}

int
cmd_audit(int argc, char **argv)
{
	static const struct option options[] = {
		{ "anchor", required_argument, NULL, 'a' }, { "since", required_argument, NULL, 'f' }, { "last",
		    required_argument, NULL, 'l' },
		{ "id", required_argument, NULL, 'i' }, { "json", no_argument, NULL, 'j' }, { "state",
		    required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct asked a = { .state = NULL };
	char dir[DISK_PATH_MAX];
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'a': a.anchor = optarg; break;
		case 'f': a.since = optarg; break;
		case 'l': a.last = number(optarg); break;
		case 'i': a.id = number(optarg); break;
		case 'j': a.json = true; break;
		case 's': a.state = optarg; break;
		default: return cli_usage(usage, c == 'h');
		}
	snprintf(dir, sizeof dir, "%s/audit", ctl_state_dir(a.state));
	if (argc - optind == 1 && strcmp(argv[optind], "verify") == 0)
		return verify(&a, dir);
	if (argc - optind == 1 && strcmp(argv[optind], "show") == 0 && a.last < 1000000)
		return read_since(&a) ? show(&a, dir) : EXIT_CANNOT;
	return cli_usage(usage, false);
}
