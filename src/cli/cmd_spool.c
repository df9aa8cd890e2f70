/*
 * penstock spool: what lies in the spool, whether it is whole, and what is in it. It only reads; nothing needs to run.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "cli/cli.h"
#include "cli/streams.h"
#include "spool/ledger.h"

static const char usage[] =
    "usage: penstock spool info [STREAM] [--json] [--state DIR]\n"
    "       penstock spool verify [STREAM] [--json] [--state DIR]\n"
    "       penstock spool dump [STREAM] [--from N] [--limit N] [--json] [--state DIR]\n"
    "info: samples, segments and bytes of each stream. verify: every checksum, the chain of hashes, the numbering\n"
    "and the ledger. dump: the samples themselves, from number N on. STREAM is a directory's name or a flow.\n"
    "Exit status 1 when something is damaged.\n";

struct asked {
	const char	*state, *stream;
	bool		 json;
	uint64_t	 from, limit;
};

static void
print_json(struct buf *out)
{
	printf("%s\n", buf_text(out));
	buf_reset(out);
}

/* ---- info ---- */

static void
info_text(const struct stream_name *st, const struct spool_state *s)
{
	char from[WALL_TEXT], to[WALL_TEXT];
	uint64_t n = s->next - s->first;

	printf("%s\n", st->dir);
	if (n == 0) {
		printf("  empty; the next sample is number %" PRIu64 "\n", s->next);
		return;
	}
	printf("  samples   %" PRIu64 ", numbers %" PRIu64 " to %" PRIu64 "\n", n, s->first, s->next - 1);
	printf("  times     %s to %s\n", wall_format(s->t_first, 3, from), wall_format(s->t_last, 3, to));
	printf("  on disk   %" PRIu64 " bytes in %" PRIu32 " segments, %.2f bytes a sample\n", s->bytes, s->segments,
	    (double)s->bytes / (double)n);
}

static void
info_json(const struct stream_name *st, const struct spool_state *s)
{
	struct buf out = { 0 };
	struct json j = { .out = &out };
	const struct { const char *key; uint64_t n; } numbers[] = {
		{ "first", s->first }, { "next", s->next }, { "bytes", s->bytes }, { "segments", s->segments },
	};

	json_open(&j, '{');
	json_key_text(&j, "stream", st->dir);
	json_key_text(&j, "flow", st->flow);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		json_key_u64(&j, numbers[i].key, numbers[i].n);
	json_wall(&j, "oldest", s->t_first, 9);
	json_wall(&j, "newest", s->t_last, 9);
	json_close(&j, '}');
	print_json(&out);
	buf_fini(&out);
}

static int
info(const struct asked *a, const struct stream_name *st)
{
	struct spool_state s;

	int err = spool_look(st->path, &disk_os, &s);
	if (err != 0) {
		fprintf(stderr, "penstock spool: %s: %s\n", st->path, err_text(err));
		return EXIT_CANNOT;
	}
	(a->json ? info_json : info_text)(st, &s);
	return EXIT_OK;
}

/* ---- verify ---- */

static int
verify(const struct asked *a, const struct stream_name *st)
{
	static struct ledger_account acc;
	struct buf found = { 0 }, out = { 0 };

	int err = ledger_verify(st->path, &disk_os, &acc, &found);
	if (a->json) {
		struct json j = { .out = &out };
		json_open(&j, '{');
		json_key_text(&j, "stream", st->dir);
		json_key_text(&j, "result", err_name(err));
		json_key_u64(&j, "admitted", acc.admitted);
		json_key_text(&j, "findings", buf_text(&found));
		json_close(&j, '}');
		print_json(&out);
	} else if (err == 0) {
		printf(
		    "%s: whole: %" PRIu64 " samples, %" PRIu64 " ledger entries\n", st->dir, acc.admitted, acc.entries);
	} else {
		printf("%s: %s\n", st->dir, err_text(err));
		for (const char *p = buf_text(&found); *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n')
			printf("  %.*s\n", (int)strcspn(p, "\n"), p);
	}
	buf_fini(&found);
	buf_fini(&out);
	return err == 0 ? EXIT_OK : err == ERR_CORRUPT ? EXIT_FINDINGS : EXIT_CANNOT;
}

/* ---- dump ---- */

static void
json_time(struct json *j, const char *key, struct wall t)
{
	char when[WALL_TEXT];

	if (t.ns == 0)
		return;
	json_key_text(j, key, wall_format(t, 9, when));
}

static void
sample_json(struct buf *out, const struct spool_tag *tag, uint64_t number, const struct sample *s)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_key_u64(&j, "n", number);
	json_key_text(&j, "tag", tag->name);
	json_key(&j, "value");
	value_json(&j, &s->v);
	json_key_text(&j, "type", value_type_name(s->v.type));
	json_key_text(&j, "status", status_name(s->status));
	json_time(&j, "source", s->source);
	json_time(&j, "server", s->server);
	json_time(&j, "arrival", s->arrival);
	json_key_u64(&j, "flags", s->flags);
	json_close(&j, '}');
}

static void
sample_text(struct buf *out, const struct spool_tag *tag, uint64_t number, const struct sample *s)
{
	char when[WALL_TEXT];

	buf_printf(out, "%-10" PRIu64 " %s  %s  ", number, wall_format(sample_time(s), 6, when), tag->name);
	value_print(out, &s->v);
	/* "1" is UCUM's way to say that there is none. */
	if (tag->unit[0] != '\0' && strcmp(tag->unit, "1") != 0 && s->v.type != VALUE_NULL)
		buf_printf(out, " %s", tag->unit);
	if (!status_is_good(s->status) || s->status != STATUS_Good)
		buf_printf(out, "  %s", status_name(s->status));
}

static void
dump_batch(const struct asked *a, const struct spool_schema *schema, const struct spool_batch *b, uint64_t *shown,
    struct buf *out)
{
	for (uint32_t i = 0; i < b->n && *shown < a->limit; i++) {
		if (b->first + i < a->from)
			continue;
		(a->json ? sample_json : sample_text)(
		    out, &schema->tags[b->samples[i].tag], b->first + i, &b->samples[i]);
		print_json(out);
		++*shown;
	}
}

static int
dump(const struct asked *a, const struct stream_name *st)
{
	struct spool_reader *r;
	struct spool_batch b;
	struct spool_damage d;
	struct buf out = { 0 };
	uint64_t shown = 0;
	int status = EXIT_OK;

	int err = spool_reader_open(st->path, a->from, &disk_os, &r);
	while (err == 0 && shown < a->limit) {
		err = spool_next(r, &b, &d);
		if (err == 0) {
			dump_batch(a, spool_reader_schema(r), &b, &shown, &out);
		} else if (err == ERR_GAP) {
			fprintf(stderr,
			    "samples %" PRIu64 " to %" PRIu64 ": %s (%s, bytes %" PRIu64 " to %" PRIu64 ")\n", d.first,
			    d.last, d.cause, d.file, d.from, d.to);
			status = d.removed ? status : EXIT_FINDINGS;
			err = 0;
		}
	}
	if (err != 0 && err != ERR_AGAIN) {
		fprintf(stderr, "penstock spool: %s: %s\n", st->path, err_text(err));
		status = EXIT_CANNOT;
	}
	buf_fini(&out);
	spool_reader_close(r);
	return status;
}

static const struct verb {
	const char	*name;
	int		(*run)(const struct asked *a, const struct stream_name *st);
} verbs[] = {
	{ "info", info }, { "verify", verify }, { "dump", dump },
};

/* 0; 1: help was asked for; -1: usage. */
static int
parse(struct asked *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "from", required_argument, NULL, 'f' },
		{ "limit", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		uint64_t *number = c == 'f' ? &a->from : &a->limit;
		if (c == 'h')
			return 1;
		if (c == '?' || ((c == 'f' || c == 'l') && num_parse_u64(optarg, strlen(optarg), number) != 0))
			return -1;
		if (c == 's')
			a->state = optarg;
		a->json |= c == 'j';
	}
	if (argc - optind < 1 || argc - optind > 2)
		return -1;
	a->stream = argv[optind + 1];
	return 0;
}

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

int
cmd_spool(int argc, char **argv)
{
	struct asked a = { .limit = UINT64_MAX };
	struct streams streams;

	int parsed = parse(&a, argc, argv);
	const struct verb *verb = parsed == 0 ? find_verb(argv[optind]) : NULL;
	if (verb == NULL)
		return cli_usage(usage, parsed > 0);
	if (streams_find("spool", a.state, a.stream, &streams) != 0)
		return EXIT_CANNOT;
	int worst = EXIT_OK;
	for (size_t i = 0; i < streams.n; i++) {
		if (verb->run == dump && !a.json && streams.n > 1)
			printf("%s\n", streams.v[i].dir);
		int status = verb->run(&a, &streams.v[i]);
		worst = status > worst ? status : worst;
	}
	if (streams.n == 0 && !a.json)
		printf("no stream has been begun yet\n");
	streams_fini(&streams);
	return worst;
}
