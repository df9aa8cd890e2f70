/*
 * penstock ledger: the account of every flow, and whether it adds up. It reads the files themselves; nothing needs to
 * run.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "cli/ledger_received.h"
#include "cli/outboxes.h"
#include "cli/streams.h"
#include "os/disk.h"
#include "sink/sink.h"
#include "spool/ledger.h"

static const char usage[] =
	"usage: penstock ledger [FLOW] [--verify] [--json] [--state DIR]\n"
	"       penstock ledger --received [--json] [--state DIR]\n"
	"For each flow and sink: how many samples were admitted for it, and what became of every one of them.\n"
	"A sink that is marked as sent one way has no answers: what it delivered was sent, and only the far end knows what arrived.\n"
	"--verify also proves every checksum and hash of spool and ledger. LOST were never admitted: overwritten in a\n"
	"ring before they could be read. --received: what came from other nodes over links, by its receipts: numbers,\n"
	"samples, whether the chain of hashes is whole, and its last hash, which the other node has too; of one-way links also\n"
	"what was lost, and whether both together are what was sent. Exit status 1 when something does not add up or is damaged.\n";

struct asked {
	const char	*state, *flow;
	bool		 json, verify, received;
	uint64_t	 off;		/* sum of what is off, over all sinks */
	size_t		 rows, damaged, unread;
	struct buf	 findings, out;
	struct json	 j;
};

/* Does this sink send one way? Then what it delivered was sent, and only the far end knows what arrived. */
static bool
one_way(const struct asked *a, const struct ledger_sink *s)
{
	char path[DISK_PATH_MAX];
	struct disk_stat st;

	return snprintf(path, sizeof path, "%s/office/%s/" SINK_ONE_WAY_FILE, ctl_state_dir(a->state), s->name) < (int)sizeof path &&
	    disk_os.stat(disk_os.ctx, path, &st) == 0;
}

static void
print_row(struct asked *a, const struct stream_name *st, const struct ledger_account *acc, const struct ledger_sink *s)
{
	static const char head[] = "%-28s %-16s %12s %12s %12s %12s %12s %12s\n";

	if (a->rows++ == 0)
		printf(head, "STREAM", "SINK", "ADMITTED", "DELIVERED", "PENDING", "QUARANTINED", "DROPPED",
		    "LOST BEFORE");
	if (s == NULL)
		printf("%-28s %-16s %12" PRIu64 " %12s %12s %12s %12s %12" PRIu64 "\n", st->dir, "no sink yet",
		    acc->admitted, "-", "-", "-", "-", acc->lost);
	else
		printf("%-28s %-16s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64
		       "%s\n",
		    st->dir, s->name, s->owed, s->delivered, s->pending, s->quarantined, s->dropped, acc->lost,
		    one_way(a, s) ? "  (sent one way)" : s->active ? "" : "  (has left)");
}

static void
json_sink(struct json *j, const struct ledger_sink *s, int64_t balance, bool sent_only)
{
	const struct { const char *key; uint64_t n;
	} numbers[] = {
		{ "admitted", s->owed },
		{ "delivered", s->delivered },
		{ "pending", s->pending },
		{ "quarantined", s->quarantined },
		{ "dropped", s->dropped },
		{ "damaged", s->damaged },
		{ "owed_from", s->owed_from },
		{ "next", s->next },
	};

	json_open(j, '{');
	json_key_text(j, "sink", s->name);
	json_key_bool(j, "active", s->active);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		json_key_u64(j, numbers[i].key, numbers[i].n);
	json_wall(j, "last_ack", s->last_ack, 3);
	json_key_bool(j, "one_way", sent_only);
	json_key_i64(j, "balance", balance);
	json_close(j, '}');
}

static void
json_stream(struct asked *a, const struct stream_name *st, const struct ledger_account *acc)
{
	json_open(&a->j, '{');
	json_key_text(&a->j, "stream", st->dir);
	json_key_text(&a->j, "flow", st->flow);
	json_key_u64(&a->j, "admitted", acc->admitted);
	json_key_u64(&a->j, "lost_before_admission", acc->lost);
	json_key_u64(&a->j, "entries", acc->entries);
	json_key(&a->j, "sinks");
	json_open(&a->j, '[');
	for (uint32_t i = 0; i < acc->nsinks; i++)
		json_sink(&a->j, &acc->sinks[i], ledger_balance(&acc->sinks[i]), one_way(a, &acc->sinks[i]));
	json_close(&a->j, ']');
	json_close(&a->j, '}');
}

/* Findings name a file of the stream's directory; here they get the directory in front. */
static void
note_findings(struct asked *a, const struct stream_name *st, const char *text)
{
	a->damaged++;
	for (const char *p = text; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n')
		buf_printf(&a->findings, "%s/%.*s\n", st->path, (int)strcspn(p, "\n"), p);
}

static int
one_stream(struct asked *a, const struct stream_name *st)
{
	static struct ledger_account acc;
	struct buf found = { 0 };

	int err = a->verify ? ledger_verify(st->path, &disk_os, &acc, &found)
			    : ledger_read(st->path, &disk_os, &acc, NULL);
	if (err != 0 && err != ERR_CORRUPT) {
		fprintf(stderr, "penstock ledger: %s: %s\n", st->path, err_text(err));
		a->unread++;
		buf_fini(&found);
		return EXIT_CANNOT;
	}
	if (err == ERR_CORRUPT)
		note_findings(
		    a, st, found.len > 0 ? buf_text(&found) : "ledger: damaged; penstock ledger --verify says where");
	buf_fini(&found);
	for (uint32_t i = 0; i < acc.nsinks; i++) {
		int64_t balance = ledger_balance(&acc.sinks[i]);
		a->off += (uint64_t)(balance < 0 ? -balance : balance);
		if (!a->json)
			print_row(a, st, &acc, &acc.sinks[i]);
	}
	if (acc.nsinks == 0 && !a->json)
		print_row(a, st, &acc, NULL);
	if (a->json)
		json_stream(a, st, &acc);
	return EXIT_OK;
}

static int
finish(struct asked *a, size_t n)
{
	size_t outboxes = 0;		/* that do not add up */

	if (a->json) {
		json_close(&a->j, ']');
		json_key(&a->j, "outboxes");
		outboxes = outboxes_json(ctl_state_dir(a->state), &a->j);
		json_key_u64(&a->j, "balance", a->off);
		json_key_text(&a->j, "findings", buf_text(&a->findings));
		json_close(&a->j, '}');
		printf("%s\n", buf_text(&a->out));
	} else {
		outboxes = outboxes_print(ctl_state_dir(a->state));
		fputs(buf_text(&a->findings), stdout);
		if (outboxes > 0)
			printf("%zu outboxes do not add up: keep their files and report this\n", outboxes);
		if (n == 0)
			printf("no stream has been begun yet\n");
		if (a->off != 0)
			printf("balance %" PRIu64
			       ": so many samples are not accounted for; penstock ledger --verify says where to look\n",
			    a->off);
		else if (a->unread > 0)
			printf("balance unknown: %zu of %zu streams could not be read; is this the user of the service?\n", a->unread, n);
		else if (a->damaged > 0)
			printf("balance 0, but %zu streams are damaged; what is listed is what can still be proved\n",
			    a->damaged);
		else
			printf("balance 0: every admitted sample is accounted for\n");
	}
	return a->off != 0 || a->damaged > 0 || outboxes > 0 ? EXIT_FINDINGS : EXIT_OK;
}

static int
parse(struct asked *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "verify", no_argument, NULL, 'v' },
		{ "received", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's': a->state = optarg; break;
		case 'j': a->json = true; break;
		case 'v': a->verify = true; break;
		case 'r': a->received = true; break;
		case 'h': return 1;
		default: return -1;
		}
	}
	if (argc - optind > 1)
		return -1;
	a->flow = argv[optind];
	return 0;
}

int
cmd_ledger(int argc, char **argv)
{
	struct asked a = { .state = NULL };
	struct streams streams;

	int parsed = parse(&a, argc, argv);
	if (parsed != 0)
		return cli_usage(usage, parsed > 0);
	if (a.received)
		return ledger_received(ctl_state_dir(a.state), a.json);
	if (streams_find("ledger", a.state, a.flow, &streams) != 0)
		return EXIT_CANNOT;
	a.j.out = &a.out;
	json_open(&a.j, '{');
	json_key(&a.j, "streams");
	json_open(&a.j, '[');
	int status = EXIT_OK;
	for (size_t i = 0; i < streams.n; i++)
		status = one_stream(&a, &streams.v[i]) != EXIT_OK ? EXIT_CANNOT : status;
	int findings = finish(&a, streams.n);
	streams_fini(&streams);
	buf_fini(&a.findings);
	buf_fini(&a.out);
	return status != EXIT_OK ? status : findings;
}
