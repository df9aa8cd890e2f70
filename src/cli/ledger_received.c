/*
 * penstock ledger --received: what this node has received over its links, by the receipts (driver/upstream/receipts.h):
 * from which number to which, how many samples, whether the chain of hashes is whole, and the hash of the last batch,
 * which stands in the header of the lower node's batch that ends there. Of a one-way link also what was lost, range by
 * range, and how far the other end says that it has sent: received and lost together make that up.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "base/buf.h"
#include "cli/ledger_received.h"
#include "driver/upstream/claim.h"
#include "driver/upstream/receipts.h"
#include "os/disk.h"
#include "spool/chain.h"

struct seen {
	const char	*dir, *source;
	bool		 json;
	size_t		 files, damaged;
	uint64_t	 first, last, samples, rows, gaps, unchained, lost, losses;
	bool		 one_way;	/* the other end says how far it has sent */
	struct claim	 claim;
	struct buf	 ranges;	/* JSON */
	uint32_t	 generation;
	uint8_t		 hash[LINK_HASH];
};

static void
each_row(void *arg, const struct receipt *v)
{
	struct seen *s = arg;

	s->first = s->rows == 0 ? v->first : s->first;
	s->last = v->last;
	s->rows++;
	if ((v->flags & RECEIPT_LOST) != 0) {
		s->lost += v->samples;
		buf_printf(&s->ranges, "%s{\"first\":%" PRIu64 ",\"last\":%" PRIu64 "}", s->losses++ > 0 ? "," : "",
		    v->first, v->last);
		return;
	}
	s->samples += v->samples;
	s->gaps += (v->flags & RECEIPT_GAP) != 0;
	s->unchained += (v->flags & (RECEIPT_CHAINED | RECEIPT_GAP)) == 0;
	s->generation = v->generation;
	memcpy(s->hash, v->hash, LINK_HASH);
}

/* sent = received + lost + on the way, in numbers of the stream. */
static void
print_one_way(const struct seen *s, uint64_t id, uint32_t schema, const char *hex)
{
	char told[160];
	uint64_t known = s->samples + s->lost, sent = s->claim.last >= s->first ? s->claim.last - s->first + 1 : 0;

	if (s->generation > 0)
		snprintf(told, sizeof told, "given anew %" PRIu32 " times", s->generation);
	else if (s->last > s->claim.last || known == sent)
		snprintf(told, sizeof told, "as many as were sent");
	else if (s->claim.last > s->last && known == s->last - s->first + 1)
		snprintf(told, sizeof told, "%" PRIu64 " more were sent and are on the way", s->claim.last - s->last);
	else
		snprintf(told, sizeof told, "%" PRIu64 " WERE SENT: this does not add up, run penstock ledger --verify", sent);
	printf("%s %016" PRIx64 "@%08" PRIx32 ": %" PRIu64 "..%" PRIu64 " one way, %" PRIu64 " received, %" PRIu64 " lost in %" PRIu64 " ranges, %s; last hash %s\n",
	    s->source, id, schema, s->first, s->last, s->samples, s->lost, s->losses, told, hex);
}

static void
print(const struct seen *s, uint64_t id, uint32_t schema)
{
	static const char text[] = "%s %016" PRIx64 "@%08" PRIx32 ": %" PRIu64 "..%" PRIu64 ", %" PRIu64 " samples, %s; last hash %s\n";
	static const char json[] = "{\"source\":\"%s\",\"stream\":\"%016" PRIx64 "\",\"schema\":\"%08" PRIx32 "\",\"first\":%" PRIu64 ",\"last\":%" PRIu64
	    ",\"samples\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"unchained\":%" PRIu64 ",\"generations\":%" PRIu32 ",\"hash\":\"%s\"";
	char hex[65], chain[160];

	chain_hex(s->hash, hex);
	if (s->json) {
		printf(json, s->source, id, schema, s->first, s->last, s->samples, s->gaps, s->unchained, s->generation + 1, hex);
		if (s->one_way)
			printf(",\"sent\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"losses\":[%s]", s->claim.last, s->lost,
			    buf_text(&s->ranges));
		printf("}\n");
		return;
	}
	if (s->one_way) {
		print_one_way(s, id, schema, hex);
		return;
	}
	if (s->unchained > 0 || s->gaps > 0 || s->generation > 0)
		snprintf(chain, sizeof chain, "chain broken %" PRIu64 " times, numbers missing %" PRIu64 " times, given anew %" PRIu32 " times", s->unchained,
		    s->gaps, s->generation);
	else
		snprintf(chain, sizeof chain, "chain whole");
	printf(text, s->source, id, schema, s->first, s->last, s->samples, chain, hex);
}

/* path: of receipts, whose name ends alike. */
static bool
read_claim(struct seen *s, const char *receipts)
{
	char path[DISK_PATH_MAX];
	size_t stem = strlen(receipts) - (sizeof ".receipts" - 1);

	return snprintf(path, sizeof path, "%.*s.sent", (int)stem, receipts) < (int)sizeof path &&
	    claim_read(&disk_os, path, &s->claim) == 0;
}

static int
each_file(void *arg, const char *name)
{
	struct seen *s = arg;
	char path[DISK_PATH_MAX];
	size_t len = strlen(name);
	uint64_t id = 0;
	uint32_t schema = 0;

	if (len < 10 || strcmp(name + len - 9, ".receipts") != 0)
		return 0;
	if (snprintf(path, sizeof path, "%s/%s/%s", s->dir, s->source, name) >= (int)sizeof path)
		return ERR_LIMIT;
	s->rows = s->first = s->last = s->samples = s->gaps = s->unchained = s->lost = s->losses = 0;
	buf_reset(&s->ranges);
	s->one_way = read_claim(s, path);
	int err = receipts_read(&disk_os, path, &id, &schema, each_row, s);
	s->files++;
	if (err != 0) {
		fprintf(stderr, "penstock ledger: %s: %s\n", path, err_text(err));
		s->damaged++;
	} else if (s->rows > 0)
		print(s, id, schema);
	return 0;
}

static int
each_source(void *arg, const char *name)
{
	struct seen *s = arg;
	char path[DISK_PATH_MAX];

	s->source = name;
	if (snprintf(path, sizeof path, "%s/%s", s->dir, name) >= (int)sizeof path)
		return ERR_LIMIT;
	return disk_os.list(disk_os.ctx, path, each_file, s);
}

int
ledger_received(const char *state, bool json)
{
	char dir[DISK_PATH_MAX];
	struct seen s = { .dir = dir, .json = json };

	if (snprintf(dir, sizeof dir, "%s/link", state) >= (int)sizeof dir)
		return EXIT_CANNOT;
	int err = disk_os.list(disk_os.ctx, dir, each_source, &s);
	buf_fini(&s.ranges);
	if (err != 0 && err != ERR_NOTFOUND) {
		fprintf(stderr, "penstock ledger: %s: %s\n", dir, err_text(err));
		return EXIT_CANNOT;
	}
	if (s.files == 0 && !json)
		printf("nothing has been received over a link\n");
	return s.damaged > 0 ? EXIT_FINDINGS : EXIT_OK;
}
