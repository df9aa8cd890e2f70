/*
 * penstock ledger --received: what this node has received over its links, by the receipts (driver/upstream/receipts.h): from which number to which, how
 * many samples, whether the chain of hashes is whole, and the hash of the last batch, which stands in the header of the lower node's batch that ends there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/ledger_received.h"
#include "driver/upstream/receipts.h"
#include "os/disk.h"
#include "spool/chain.h"

struct seen {
	const char	*dir, *source;
	bool		 json;
	size_t		 files, damaged;
	uint64_t	 first, last, samples, rows, gaps, unchained;
	uint32_t	 generation;
	uint8_t		 hash[LINK_HASH];
};

static void
each_row(void *arg, const struct receipt *v)
{
	struct seen *s = arg;

	s->first = s->rows == 0 ? v->first : s->first;
	s->last = v->last;
	s->samples += v->samples;
	s->gaps += (v->flags & RECEIPT_GAP) != 0;
	s->unchained += (v->flags & (RECEIPT_CHAINED | RECEIPT_GAP)) == 0;
	s->generation = v->generation;
	memcpy(s->hash, v->hash, LINK_HASH);
	s->rows++;
}

static void
print(const struct seen *s, uint64_t id, uint32_t schema)
{
	static const char text[] = "%s %016" PRIx64 "@%08" PRIx32 ": %" PRIu64 "..%" PRIu64 ", %" PRIu64 " samples, %s; last hash %s\n";
	static const char json[] = "{\"source\":\"%s\",\"stream\":\"%016" PRIx64 "\",\"schema\":\"%08" PRIx32 "\",\"first\":%" PRIu64 ",\"last\":%" PRIu64
	    ",\"samples\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"unchained\":%" PRIu64 ",\"generations\":%" PRIu32 ",\"hash\":\"%s\"}\n";
	char hex[65], chain[120];

	chain_hex(s->hash, hex);
	if (s->json) {
		printf(json, s->source, id, schema, s->first, s->last, s->samples, s->gaps, s->unchained, s->generation + 1, hex);
		return;
	}
	if (s->unchained > 0 || s->gaps > 0 || s->generation > 0)
		snprintf(chain, sizeof chain, "chain broken %" PRIu64 " times, numbers missing %" PRIu64 " times, given anew %" PRIu32 " times", s->unchained,
		    s->gaps, s->generation);
	else
		snprintf(chain, sizeof chain, "chain whole");
	printf(text, s->source, id, schema, s->first, s->last, s->samples, chain, hex);
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
	s->rows = s->first = s->last = s->samples = s->gaps = s->unchained = 0;
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
	if (err != 0 && err != ERR_NOTFOUND) {
		fprintf(stderr, "penstock ledger: %s: %s\n", dir, err_text(err));
		return EXIT_CANNOT;
	}
	if (s.files == 0 && !json)
		printf("nothing has been received over a link\n");
	return s.damaged > 0 ? EXIT_FINDINGS : EXIT_OK;
}
