/*
 * penstock tail PATTERN: samples as they arrive, by equipment path. Reads the rings themselves, read-only, so a slow
 * terminal costs the running processes nothing; what it misses is counted and said.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/num.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "field/show.h"
#include "model/path.h"
#include "os/clock.h"
#include "os/memfd.h"
#include "os/stream.h"
#include "ring/ring.h"
#include "site/slice.h"

#define RINGS_MAX	64u
#define PAUSE_NS	(20 * NS_PER_MS)
/* The rings are asked for again, soon when none has news: a process may have been started anew, or a plan have brought one. */
#define LOOK_AGAIN_NS	(2 * NS_PER_S)
#define LOOK_ALSO_NS	(10 * NS_PER_S)

struct tail {
	const char	*pattern;
	bool		 json;
	int64_t		 left;		/* samples still to print; negative: no end */
	struct plan	*plan;
	struct map	 by_key;	/* source key -> struct source */
	struct ring_reader *rings[RINGS_MAX];
	uint32_t	 nrings;
	struct buf	 line;
	struct sample	 room[BATCH_SAMPLES_MAX];
	uint64_t	 buf[(sizeof(struct batch_head) + BATCH_SAMPLES_MAX * BATCH_PACKED_SAMPLE + 8 +
			    BATCH_BYTES_MAX) / 8 + 1];
};

static void
take_slice(void *arg, int fd)
{
	struct tail *t = arg;
	size_t len = memfd_size(fd);
	const void *p = memfd_map_ro(fd, len);
	struct plan *plan = NULL;

	if (p != NULL && slice_read(p, len, &plan) == 0) {
		plan_free(t->plan);
		map_fini(&t->by_key);
		t->plan = plan;
		for (uint32_t i = 0; i < plan->nsources; i++)
			map_put_u64(&t->by_key, plan->sources[i].key, &plan->sources[i]);
	}
	memfd_unmap(p, len);
	stream_close(fd);
}

static void
take_ring(void *arg, const char *writer, int fd)
{
	struct tail *t = arg;
	struct ring_reader *r = NULL;

	/* Samples come from field, derived ones from insight. */
	if ((strncmp(writer, "field", 5) == 0 || strcmp(writer, "insight") == 0) && t->nrings < RINGS_MAX &&
	    ring_open(fd, &r) == 0) {
		for (uint32_t i = 0; i < t->nrings && r != NULL; i++)
			if (ring_epoch(t->rings[i]) == ring_epoch(r)) {
				ring_close(r);
				r = NULL;
			}
		if (r != NULL)
			t->rings[t->nrings++] = r;
	}
	stream_close(fd);
}

static void
print_sample(struct tail *t, const struct tag *tag, const struct sample *s)
{
	struct json j = { .out = &t->line };
	char when[WALL_TEXT];

	buf_reset(&t->line);
	if (t->json) {
		json_open(&j, '{');
		show_sample(&j, tag, s);
		json_close(&j, '}');
	} else {
		buf_printf(&t->line, "%s  %s  ", wall_format(sample_time(s), 3, when), tag->path);
		value_print(&t->line, &s->v);
		if (show_unit(tag)[0] != '\0')
			buf_printf(&t->line, " %s", show_unit(tag));
		if (!status_is_good(s->status))
			buf_printf(&t->line, "  %s", status_text(s->status));
	}
	printf("%s\n", buf_text(&t->line));
}

static void
print_batch(struct tail *t, size_t len)
{
	struct batch b;

	if (batch_parse(t->buf, len, t->room, &b) != 0)
		return;
	const struct source *s = map_get_u64(&t->by_key, b.head.source_key);
	for (uint32_t i = 0; s != NULL && i < b.head.n && t->left != 0; i++) {
		if (b.samples[i].tag >= s->ntags || !path_match(t->pattern, s->tags[b.samples[i].tag].path))
			continue;
		print_sample(t, &s->tags[b.samples[i].tag], &b.samples[i]);
		t->left -= t->left > 0;
	}
}

/* All that a ring holds now. False when it is of no more use. */
static bool
drain(struct tail *t, struct ring_reader *r, bool *news)
{
	for (;;) {
		size_t len = 0;
		uint64_t lost = 0;
		int err = ring_read(r, t->buf, sizeof t->buf, &len, &lost);
		if (err == ERR_AGAIN || t->left == 0)
			return true;
		*news = true;
		if (err == 0)
			print_batch(t, len);
		else if (err == ERR_GAP)
			fprintf(stderr, "... %" PRIu64 " samples were overwritten before they could be shown ...\n",
			    lost);
		else if (err != ERR_LIMIT)
			return false;
	}
}

/* False when the running plan has no such tag: nothing would ever come. */
static bool
any_match(const struct tail *t)
{
	for (uint32_t i = 0; t->plan != NULL && i < t->plan->ntags; i++)
		if (path_match(t->pattern, t->plan->tags[i].path))
			return true;
	if (t->plan != NULL)
		fprintf(stderr, "penstock tail: no tag of the running plan is called '%s'; patterns may hold * and **, for example "
		    "'Packaging/**/speed', and need quotes in a shell\n", t->pattern);
	return t->plan == NULL;
}

static int
follow(struct tail *t, const char *state)
{
	struct mono asked = { 0 }, heard = { 0 };

	while (t->left != 0) {
		bool news = false;
		struct mono now = mono_now();
		if (mono_diff(now, asked) > (mono_diff(now, heard) > LOOK_AGAIN_NS ? LOOK_AGAIN_NS : LOOK_ALSO_NS)) {
			if (ctl_rings(state, take_slice, take_ring, t) != 0)
				return EXIT_CANNOT;	/* the reason has been printed */
			if (!any_match(t))
				return EXIT_FINDINGS;
			asked = mono_now();
		}
		for (uint32_t i = 0; i < t->nrings; i++)
			if (!drain(t, t->rings[i], &news)) {
				ring_close(t->rings[i]);
				t->rings[i--] = t->rings[--t->nrings];
			}
		if (news)
			heard = mono_now();
		if (fflush(stdout) != 0)
			return EXIT_OK;		/* the reader of a pipe has left */
		mono_sleep(PAUSE_NS);
	}
	return EXIT_OK;
}

int
cmd_tail(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' },
		{ "count", required_argument, NULL, 'n' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	static const char usage[] = "usage: penstock tail [PATTERN] [--count N] [--json] [--state DIR]\n"
	    "PATTERN is a path with * (within a name) and ** (any names), for example 'Packaging/**/speed'; without "
	    "it, all.\n";
	static struct tail t = { .pattern = "**", .left = -1 };
	const char *state = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "s:jn:h", options, NULL)) != -1)
		switch (opt) {
		case 's':
			state = optarg;
			break;
		case 'j':
			t.json = true;
			break;
		case 'n':
			if (num_parse_i64(optarg, strlen(optarg), &t.left) != 0 || t.left < 1) {
				fprintf(stderr, "penstock tail: --count wants a number of samples from 1 on, not \"%s\"\n", optarg);
				return EXIT_CANNOT;
			}
			break;
		default:
			return cli_usage(usage, opt == 'h');
		}
	if (argc - optind > 1)
		return cli_usage(usage, false);
	if (optind < argc)
		t.pattern = argv[optind];
	int status = follow(&t, ctl_state_dir(state));
	for (uint32_t i = 0; i < t.nrings; i++)
		ring_close(t.rings[i]);
	map_fini(&t.by_key);
	plan_free(t.plan);
	buf_fini(&t.line);
	return status;
}
