/* penstock trend TAG: what the local history has of a tag, as a chart in the terminal, CSV or JSON. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/chart.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "cli/span.h"
#include "os/clock.h"
#include "sink/history/store.h"

static const char usage[] =
	"usage: penstock trend TAG [--last 1h] [--from TIME] [--to TIME] [--raw|--by 1s|1min|1h] [--csv|--json]\n"
	"                     [--state DIR] [--sink NAME]\n"
	"TAG is a path, or a pattern such as 'Packaging/**/speed' (the first that matches is drawn; --csv and --json write all).\n"
	"TIME is RFC 3339, such as 2026-11-22T06:00:00Z. Without --raw or --by the step is chosen from the span.\n";

enum form { FORM_CHART, FORM_CSV, FORM_JSON };

struct trend {
	const char	*pattern, *state, *sink;
	int64_t		 from, to;
	bool		 raw;
	int		 level;		/* enum roll_level, -1: choose */
	enum form	 form;
	struct history	*h;
	size_t		 shown;
	bool		 first;		/* nothing written yet, for commas */
	int		 err;
};

/* ---- output of one series ---- */

struct writer_arg {
	struct trend			*t;
	const struct series_info	*s;
};

static void
csv_cell(const char *s, size_t len)
{
	/* A spreadsheet takes a cell that begins like a formula for one. */
	bool formula = len > 0 && *s != '\0' && strchr("=+-@\t\r", *s) != NULL;
	printf("\"%s", formula ? "'" : "");
	for (size_t i = 0; i < len; i++)
		printf(s[i] == '"' ? "\"\"" : "%c", s[i]);
	putchar('"');
}

static void
csv_text(const char *s)
{
	csv_cell(s, strlen(s));
}

/* Numbers as they are; all else, which a device may have filled with anything, as one quoted cell. */
static void
csv_value(const struct value *v, const struct buf *json)
{
	if (v->type == VALUE_TEXT)
		csv_cell((const char *)v->p, v->len);
	else if (value_has_bytes(v->type))
		csv_cell(buf_text(json), json->len);
	else if (v->type != VALUE_NULL)
		fputs(buf_text(json), stdout);
}

static bool
write_point(void *arg, const struct point *p)
{
	struct writer_arg *w = arg;
	struct buf b = { 0 };
	struct json j = { .out = &b };
	char when[WALL_TEXT];

	wall_format((struct wall){ p->t }, 9, when);
	value_json(&j, &p->v);
	if (w->t->form == FORM_CSV) {
		csv_text(w->s->name);
		printf(",%s,", when);
		csv_value(&p->v, &b);
		printf(",%s\n", status_name(p->status));
	} else {
		printf("%s{\"tag\":", w->t->first ? "" : ",\n");
		struct buf q = { 0 };
		json_quote(&q, w->s->name, strlen(w->s->name));
		printf("%s,\"t\":\"%s\",\"v\":%s,\"status\":\"%s\"}", buf_text(&q), when, buf_text(&b), status_name(p->status));
		buf_fini(&q);
	}
	w->t->first = false;
	buf_fini(&b);
	return true;
}

static void
write_roll(struct trend *t, const struct series_info *s, const struct roll *r)
{
	char when[WALL_TEXT], min[NUM_TEXT] = "", max[NUM_TEXT] = "", mean[NUM_TEXT] = "", last[NUM_TEXT] = "";

	wall_format((struct wall){ r->t }, 0, when);
	if (r->n > 0) {
		num_f64(r->min, min);
		num_f64(r->max, max);
		num_f64(r->sum / r->n, mean);
		num_f64(r->last, last);
	}
	if (t->form == FORM_CSV) {
		csv_text(s->name);
		printf(",%s,%u,%u,%s,%s,%s,%s\n", when, r->n, r->bad, min, max, mean, last);
	} else {
		struct buf q = { 0 };
		json_quote(&q, s->name, strlen(s->name));
		printf("%s{\"tag\":%s,\"t\":\"%s\",\"n\":%u,\"bad\":%u,\"min\":%s,\"max\":%s,\"mean\":%s,\"last\":%s}", t->first ? "" : ",\n",
		    buf_text(&q), when, r->n, r->bad, r->n ? min : "null", r->n ? max : "null", r->n ? mean : "null",
		    r->n ? last : "null");
		buf_fini(&q);
	}
	t->first = false;
}

static bool
chart_point(void *arg, const struct point *p)
{
	double v;
	if (value_as_f64(&p->v, &v) && !status_is_bad(p->status))
		chart_add(arg, p->t, v, v, v);
	else
		chart_gap(arg, p->t);
	return true;
}

static bool
draw(struct trend *t, const struct series_info *s, const struct rolls *r)
{
	struct chart c = { .from = t->from, .to = t->to, .title = s->name, .unit = s->unit };

	chart_size(&c);
	if (t->raw)
		t->err = history_points(t->h, s->id, t->from, t->to, chart_point, &c);
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].n > 0)
			chart_add(&c, r->v[i].t + roll_width_ns((enum roll_level)t->level) / 2, r->v[i].min,
			    r->v[i].max, r->v[i].sum / r->v[i].n);
		else
			chart_gap(&c, r->v[i].t);
	chart_print(&c, stdout);
	printf("  flow %s, %s\n", s->flow, t->raw ? "every sample" : roll_name((enum roll_level)t->level));
	chart_fini(&c);
	return false;
}

static bool
on_series(void *arg, const struct series_info *s)
{
	struct trend *t = arg;
	struct rolls r = { 0 };
	struct writer_arg w = { t, s };

	t->shown++;
	if (!t->raw)
		t->err = history_rolls(t->h, s->id, (enum roll_level)t->level, t->from, t->to, &r);
	if (t->err == 0 && t->form == FORM_CHART) {
		bool more = draw(t, s, &r);
		rolls_fini(&r);
		return more;
	}
	if (t->err == 0 && t->raw)
		t->err = history_points(t->h, s->id, t->from, t->to, write_point, &w);
	for (size_t i = 0; t->err == 0 && i < r.n; i++)
		write_roll(t, s, &r.v[i]);
	rolls_fini(&r);
	return t->err == 0;
}

/* ---- where the history is ---- */

static int
show_file(struct trend *t, const char *path)
{
	char why[512];
	int err = history_open(path, false, &t->h, why, sizeof why);

	if (err != 0) {
		fprintf(stderr, "penstock: %s\n", why);
		return err;
	}
	err = history_each_series(t->h, t->pattern, on_series, t);
	if (err != 0 || t->err != 0)
		fprintf(stderr, "penstock: the history %s cannot be read: %s\n", path, err_text(err != 0 ? err : t->err));
	history_close(t->h);
	return err != 0 ? err : t->err;
}

/* Every sink of the state directory that has a history, or the one that was named. */
static int
show_all(struct trend *t)
{
	char folder[512], path[1024];
	struct dirent **names;
	int found = 0, err = 0;

	snprintf(folder, sizeof folder, "%s/office", t->state);
	int n = scandir(folder, &names, NULL, alphasort);
	if (n < 0 && errno != ENOENT) {
		fprintf(stderr, "penstock: %s cannot be looked at: %s; is this the user of the service?\n", folder,
		    strerror(errno));
		return ERR_IO;
	}
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s/" HISTORY_FILE, folder, names[i]->d_name);
		bool wanted = names[i]->d_name[0] != '.' && (t->sink == NULL || strcmp(t->sink, names[i]->d_name) == 0);
		free(names[i]);
		if (!wanted || access(path, F_OK) != 0 || err != 0 || (t->form == FORM_CHART && t->shown > 0))
			continue;
		found++;
		err = show_file(t, path);
	}
	if (n >= 0)
		free(names);
	if (found == 0)
		fprintf(stderr, "penstock: no history under %s; give a flow a sink of kind history, or name the state directory with --state\n", folder);
	return found == 0 ? ERR_NOTFOUND : err;
}

/* A step that gives a few hundred points: what a terminal can show. */
static void
choose_step(struct trend *t)
{
	double span_s = (double)(t->to - t->from) / 1e9;
	t->raw = span_s <= 120;
	t->level = span_s <= 1800 ? ROLL_1S : span_s <= 2 * 86400 ? ROLL_1MIN : ROLL_1H;
}

static int
parse_options(struct trend *t, int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "sink", required_argument, NULL, 'k' },
		{ "last", required_argument, NULL, 'l' },
		{ "from", required_argument, NULL, 'f' }, { "to", required_argument, NULL, 't' }, { "raw", no_argument, NULL, 'r' },
		{ "by", required_argument, NULL, 'b' }, { "csv", no_argument, NULL, 'c' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct wall w;
	int64_t last = 3600 * NS_PER_S, from = 0;
	bool step = false, ok = true;
	int opt;

	while (ok && (opt = getopt_long(argc, argv, "s:k:l:f:t:rb:cjh", options, NULL)) != -1)
		switch (opt) {
		case 's':
			t->state = optarg;
			break;
		case 'k':
			t->sink = optarg;
			break;
		case 'l':
			ok = span_parse(optarg, &last) == 0;
			break;
		case 'f':
			ok = wall_parse(optarg, &w) == 0;
			from = ok ? w.ns : 0;
			break;
		case 't':
			ok = wall_parse(optarg, &w) == 0;
			t->to = ok ? w.ns : 0;
			break;
		case 'r':
			step = t->raw = true;
			break;
		case 'b':
			ok = false;
			for (int l = 0; l < ROLL_LEVELS; l++)
				if (strcmp(roll_name((enum roll_level)l), optarg) == 0) {
					t->level = l;
					step = ok = true;
				}
			break;
		case 'c':
			t->form = FORM_CSV;
			break;
		case 'j':
			t->form = FORM_JSON;
			break;
		case 'h':
			return cli_usage(usage, true);
		default:
			ok = false;
		}
	if (!ok || argc - optind != 1)
		return cli_usage(usage, false);
	t->pattern = argv[optind];
	t->from = from != 0 ? from : t->to - last;
	if (!step)
		choose_step(t);
	return -1;
}

int
cmd_trend(int argc, char **argv)
{
	struct trend t = { .to = wall_now().ns + NS_PER_S, .level = -1, .first = true };
	int status = parse_options(&t, argc, argv);

	if (status >= 0)
		return status;
	t.state = ctl_state_dir(t.state);
	if (t.form == FORM_CSV)
		puts(t.raw ? "tag,time,value,status" : "tag,time,count,bad,min,max,mean,last");
	else if (t.form == FORM_JSON)
		fputs("[", stdout);
	int err = show_all(&t);
	if (t.form == FORM_JSON)
		puts("]");
	if (err == 0 && t.shown == 0) {
		fprintf(stderr, "penstock: the history has no tag %s; 'penstock trend \"**\" --csv' lists what it has\n", t.pattern);
		return EXIT_FINDINGS;
	}
	return err == 0 ? EXIT_OK : EXIT_CANNOT;
}
