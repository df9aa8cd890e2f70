/*
 * The proof that ledger.h promises. What each byte of a stream's directory is held to:
 *
 *	schema		its checksum, and the chain of the first segment, which begins with its hash
 *	segment header	its checksum, name, and the numbers and hash that the segment before ended with (or its seal, if
 *			it is gone)
 *	batch header	its checksum, its number, and its link in the chain
 *	payload		its checksum, its link in the chain, and that it decodes
 *	ledger		its checksums, its own chain (across ledger.1 and ledger), and the balance of every sink
 *
 * Bytes that belong to none of these are findings too. What a chain cannot show by itself is that whole batches or
 * entries were cut off at its end: for the spool, the ledger's entries show how far it must reach at least;
 * doc/ledger.md tells the rest.
 */
#include <stdio.h>
#include <stdlib.h>

#include "spool/columns.h"
#include "spool/ledger_file.h"
#include "spool/scan.h"
#include "spool/store.h"

#define LOOKS	3	/* a live writer may be in the middle of a batch, or have deleted a segment: look again */

struct proof {
	const char		*dir;
	const struct disk	*disk;
	struct buf		*out;
	uint32_t		 findings;
	bool			 last_look;	/* what may come of a live writer is a finding now */
	struct chain		 chain;
	struct unpacker		 unpacker;
	struct schema_file	 schema;
	bool			 schema_good;
	struct account		 account;
	struct scan		 scan;
	struct segment_list	 list;
	uint64_t		 next;		/* the number that must come now */
	uint8_t			 hash[SPOOL_HASH];
	bool			 hash_known;	/* false behind damage: the next batch's own hash is taken up */
	struct sample		*samples;	/* room for the largest batch so far */
	uint8_t			*raw;
	size_t			 samples_cap, raw_cap;
};

__attribute__((format(printf, 4, 5))) static void
finding(struct proof *p, const char *file, uint64_t off, const char *fmt, ...)
{
	va_list ap;

	p->findings++;
	buf_printf(p->out, "%s: byte %llu: ", file, (unsigned long long)off);
	va_start(ap, fmt);
	buf_vprintf(p->out, fmt, ap);
	va_end(ap);
	buf_putc(p->out, '\n');
}

/* ---- the ledger ---- */

/*
 * Walk one file to its end. On return the walk stands there. 0, also when it had findings; ERR_NOTFOUND; a disk error.
 */
static int
prove_ledger_file(struct proof *p, const char *name, struct ledger_walk *w, bool *whole)
{
	uint8_t *bytes = NULL;
	size_t len;
	int err = 0;

	*whole = false;
	/* A torn tail may be an entry on its way: only what stays is a finding. */
	for (int look = 0; look < LOOKS && !*whole; look++) {
		free(bytes);
		account_fini(&p->account);
		err = ledger_load(p->dir, name, p->disk, &bytes, &len);
		if (err != 0)
			return err;
		err = ledger_add_up(w, bytes, len, &p->chain, &p->account);
		*whole = err == 0 && w->off == len;
	}
	if (err == ERR_CORRUPT)
		finding(p, name, w->off, "entry %llu is damaged", (unsigned long long)w->link.number);
	else if (err == ERR_VERSION)
		finding(p, name, 8, "made by another version of the program");
	else if (err == 0 && !*whole)
		finding(
		    p, name, w->off, "%zu bytes behind the last entry are none: a torn tail, or damage", len - w->off);
	free(bytes);
	w->p = NULL;
	return err == ERR_CORRUPT || err == ERR_VERSION ? 0 : err;
}

static int
prove_ledger(struct proof *p)
{
	struct ledger_walk old, w;
	bool old_whole, whole;

	int none = prove_ledger_file(p, "ledger.1", &old, &old_whole);
	if (none != 0 && none != ERR_NOTFOUND)
		return none;
	int err = prove_ledger_file(p, "ledger", &w, &whole);
	if (err != 0)
		return err == ERR_NOTFOUND && none == ERR_NOTFOUND ? 0 : err;
	/*
	 * A file between the two that could not be kept (a full disk) leaves a hole in the numbers, and proves nothing.
	 */
	if (none == 0 && old_whole && whole && old.link.number >= w.begins &&
	    (old.link.number > w.begins || memcmp(old.link.hash, w.before, SPOOL_HASH) != 0))
		finding(p, "ledger", 16, "does not continue ledger.1");
	return 0;
}

/* ---- one batch ---- */

/* At least want elements at p, *cap of them so far. NULL: out of memory. The header's limits bound want. */
static void *
room(void *p, size_t *cap, size_t want, size_t size)
{
	if (*cap >= want)
		return p;
	free(p);
	p = malloc(want * size);
	*cap = p != NULL ? want : 0;
	return p;
}

static bool
decodes(struct proof *p, const struct rec_header *h, const uint8_t *payload)
{
	size_t len = h->len;

	p->samples = room(p->samples, &p->samples_cap, h->n, sizeof *p->samples);
	if ((h->flags & REC_ZSTD) != 0) {
		p->raw = room(p->raw, &p->raw_cap, h->raw_len > 0 ? h->raw_len : 1, 1);
		if (p->raw == NULL || unpack(&p->unpacker, payload, h->len, p->raw, h->raw_len) != 0)
			return false;
		payload = p->raw;
		len = h->raw_len;
	}
	const struct spool_schema *s = &p->schema.schema;
	return !p->schema_good ||
	    (p->samples != NULL &&
		columns_decode(payload, len, p->samples, h->n, p->schema.types, s->n, h->sealed) == 0);
}

static void
prove_batch(struct proof *p, const char *file, const struct rec_header *h, const uint8_t *payload)
{
	const uint8_t *rec = scan_stored(&p->scan);
	uint64_t off = p->scan.off;
	uint8_t hash[SPOOL_HASH];

	if (h->first != p->next)
		finding(p, file, off, "samples %llu to %llu are missing", (unsigned long long)p->next,
		    (unsigned long long)h->first - 1);
	else if (p->hash_known &&
	    (chain_link(&p->chain, p->hash, rec + REC_HASHED, REC_HASH - REC_HASHED, payload, h->len, hash) != 0 ||
		memcmp(hash, h->hash, SPOOL_HASH) != 0))
		finding(p, file, off,
		    "the hash of the batch with samples %llu to %llu does not follow from what is before",
		    (unsigned long long)h->first, (unsigned long long)(h->first + h->n - 1));
	if (!decodes(p, h, payload))
		finding(p, file, off, "the content of the batch with samples %llu to %llu cannot be decoded",
		    (unsigned long long)h->first, (unsigned long long)(h->first + h->n - 1));
	p->next = h->first + h->n;
	memcpy(p->hash, h->hash, SPOOL_HASH);
	p->hash_known = true;
}

/* ---- one segment ---- */

static void
prove_header(struct proof *p, const char *file, int err, const struct seg_header *h, uint64_t first)
{
	if (err != 0) {
		finding(p, file, 0,
		    err == ERR_VERSION ? "made by another version of the program" : "the segment's header is damaged");
		return;
	}
	if (h->before.next != first)
		finding(
		    p, file, 16, "the header says that it begins with sample %llu", (unsigned long long)h->before.next);
	if (p->schema_good && h->schema != p->schema.schema.version)
		finding(p, file, 12, "the header tells of schema %08x", (unsigned)h->schema);
	if (!p->hash_known) {
		memcpy(p->hash, h->before.hash, SPOOL_HASH);
		p->hash_known = true;
	} else if (memcmp(p->hash, h->before.hash, SPOOL_HASH) != 0)
		finding(p, file, 48, "the header's hash is not that of the batch before");
}

/* What the oldest segment must follow: the schema, or the seal of what was deleted. */
static int
prove_beginning(struct proof *p, const char *file, uint64_t first)
{
	const struct account_seal *seals = p->account.seals;
	const uint8_t *hash = first == 1 ? (p->schema_good ? p->schema.hash : NULL) :
	    first - 1 == seals[0].last ? seals[0].hash : first - 1 == seals[1].last ? seals[1].hash : NULL;

	p->next = first;
	p->hash_known = hash != NULL;
	if (hash != NULL)
		memcpy(p->hash, hash, SPOOL_HASH);
	else {
		if (first > 1 && !p->last_look)
			return ERR_AGAIN;	/* trimmed since the ledger was read? */
		if (first > 1)
			finding(p, file, 0, "samples before %llu are gone and the ledger holds no seal of them",
			    (unsigned long long)first);
	}
	return 0;
}

/* The place at off holds no good batch, err says why. Go on behind it. False: nothing more is to be had. */
static bool
pass_damage(struct proof *p, const char *file, int err, const struct rec_header *h)
{
	uint64_t off = p->scan.off;
	struct rec_header found;

	if (err == ERR_GAP) {
		finding(p, file, off, "the content of the batch with samples %llu to %llu is damaged",
		    (unsigned long long)h->first, (unsigned long long)(h->first + h->n - 1));
		p->scan.off += scan_size(h);
		p->next = h->first + h->n;
		memcpy(p->hash, h->hash, SPOOL_HASH);	/* its header is good, so the chain goes on */
		p->hash_known = true;
		return true;
	}
	p->hash_known = false;
	if (scan_find(&p->scan, off + 1, &found) == 0) {
		finding(p, file, off, "%llu bytes are no batch", (unsigned long long)(p->scan.off - off));
		return true;
	}
	finding(p, file, off, "nothing can be made out from here to the end");
	return false;
}

/*
 * Bytes between the last batch and the end of the file. In the last segment they may be a batch on its way. True: look
 * again.
 */
static bool
prove_end(struct proof *p, const char *file, bool last, int *looks)
{
	struct disk_stat st;

	if (p->disk->fstat(p->disk->ctx, p->scan.fd, &st) != 0 || st.size <= p->scan.off)
		return false;
	scan_forget(&p->scan);
	if (last && ++*looks < LOOKS)
		return true;
	finding(p, file, p->scan.off, "%llu bytes behind the last batch are none: a torn tail, or damage",
	    (unsigned long long)(st.size - p->scan.off));
	return false;
}

static int
prove_batches(struct proof *p, const char *file, uint64_t limit)
{
	struct rec_header h;
	const uint8_t *payload;
	int looks = 0;

	/* Ends: off grows, but for the few looks at the end. */
	for (;;) {
		int err = scan_header(&p->scan, &h);
		if (err == 0 && h.first >= limit) {
			finding(p, file, p->scan.off, "batches from here on also stand in the next segment");
			return 0;
		}
		if (err == 0)
			err = scan_payload(&p->scan, &h, &payload);
		if (err == 0) {
			prove_batch(p, file, &h, payload);
			p->scan.off += scan_size(&h);
			looks = 0;
		} else if (err == ERR_AGAIN) {
			if (!prove_end(p, file, limit == UINT64_MAX, &looks))
				return 0;
		} else if (err != ERR_CORRUPT && err != ERR_GAP) {
			return err;
		} else if (!pass_damage(p, file, err, &h)) {
			return 0;
		}
	}
}

static int
prove_segment(struct proof *p, size_t i)
{
	char path[DISK_PATH_MAX];
	uint64_t first = p->list.first[i], limit = i + 1 < p->list.n ? p->list.first[i + 1] : UINT64_MAX;
	struct seg_header h;

	int err = name_segment(p->dir, first, ".seg", path);
	if (err != 0)
		return err;
	const char *file = strrchr(path, '/') + 1;
	int fd = p->disk->open(p->disk->ctx, path, DISK_READ);
	if (fd < 0)
		return fd == ERR_NOTFOUND ? ERR_AGAIN : fd;
	if (i == 0) {
		err = prove_beginning(p, file, first);
	} else if (p->next != first) {
		finding(p, file, 0, "samples %llu to %llu are missing before it", (unsigned long long)p->next,
		    (unsigned long long)first - 1);
		p->next = first;
	}
	if (err != 0) {
		p->disk->close(p->disk->ctx, fd);
		return err;
	}
	err = scan_start(&p->scan, fd, &h);
	if (err == 0 || err == ERR_CORRUPT || err == ERR_VERSION || err == ERR_AGAIN) {
		prove_header(p, file, err, &h, first);
		err = err == ERR_VERSION ? 0 : prove_batches(p, file, limit);
	}
	p->scan.fd = -1;
	p->disk->close(p->disk->ctx, fd);
	return err;
}

/* ---- all together ---- */

static int
name_damaged(void *arg, const char *name)
{
	struct proof *p = arg;

	if (strstr(name, ".damaged") != NULL)
		finding(p, name, 0, "set aside as unreadable; what it held is lost unless it can be read by hand");
	return 0;
}

static void
prove_sums(struct proof *p, struct ledger_account *out)
{
	uint64_t admitted = p->next > 0 ? p->next - 1 : 0;

	if (p->account.admitted > admitted)
		finding(p, "ledger", 0, "speaks of sample %llu, but the spool ends with %llu: its end is missing",
		    (unsigned long long)p->account.admitted, (unsigned long long)admitted);
	else
		p->account.admitted = admitted;
	account_export(&p->account, out);
	for (uint32_t i = 0; i < out->nsinks; i++)
		if (ledger_balance(&out->sinks[i]) != 0)
			finding(p, "ledger", 0, "sink %s is off by %lld samples", out->sinks[i].name,
			    (long long)ledger_balance(&out->sinks[i]));
}

static int
prove(struct proof *p, struct ledger_account *out)
{
	int err = schema_read(p->dir, p->disk, &p->chain, &p->schema);
	p->schema_good = err == 0;
	if (err == ERR_CORRUPT || err == ERR_VERSION || err == ERR_END)
		finding(p, "schema", 0, err == ERR_VERSION ? "made by another version of the program" : "damaged");
	else if (err != 0)
		return err;
	err = prove_ledger(p);
	if (err == 0)
		err = segment_list(p->dir, p->disk, &p->list);
	p->next = p->account.seals[0].last + 1;	/* where the numbering must go on if no segment is left */
	for (size_t i = 0; err == 0 && i < p->list.n; i++)
		err = prove_segment(p, i);
	if (err == 0)
		err = p->disk->list(p->disk->ctx, p->dir, name_damaged, p);
	if (err == 0)
		prove_sums(p, out);
	return err;
}

static int
prove_once(const char *dir, const struct disk *disk, bool last_look, struct ledger_account *out, struct buf *findings)
{
	struct proof p = { .dir = dir, .disk = disk, .out = findings, .last_look = last_look };
	int err = ERR_NOMEM;

	scan_init(&p.scan, disk);
	if (chain_init(&p.chain) == 0 && unpacker_init(&p.unpacker) == 0)
		err = prove(&p, out);
	schema_free(&p.schema);
	account_fini(&p.account);
	scan_fini(&p.scan);
	unpacker_fini(&p.unpacker);
	chain_fini(&p.chain);
	free(p.list.first);
	free(p.samples);
	free(p.raw);
	return err == 0 && p.findings > 0 ? ERR_CORRUPT : err;
}

int
ledger_verify(const char *dir, const struct disk *disk, struct ledger_account *out, struct buf *findings)
{
	int err = ERR_AGAIN;
	size_t start = findings->len;

	/* A segment that was deleted meanwhile has a seal in the ledger by now. */
	for (int look = 0; look < LOOKS && err == ERR_AGAIN; look++) {
		findings->len = start;
		*out = (struct ledger_account){ 0 };
		err = prove_once(dir, disk, look == LOOKS - 1, out, findings);
	}
	return err;
}
