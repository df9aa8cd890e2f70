/*
 * The ledger on disk. Little-endian, checksums CRC-32C.
 *
 * Head, 64 bytes, and totals:
 *
 *	 0   8	magic "PNSTKLDG"
 *	 8   4	format version, 1
 *	12   4	length of the totals
 *	16   8	number of the first entry, from 1
 *	24  32	hash of the last entry of the file before; of the stream's first file, zero
 *	56   4	checksum of the totals
 *	60   4	checksum of bytes 0..59; every entry's checksum starts from it, so that a text that a far end gave as
 *		its reason
 *		cannot pass for an entry
 *	64	totals: the account as it stood when the file was begun (account_bytes.c). u64 highest number admitted,
 *		u64
 *		lost, u64 entries; two seals, the newest first: u64 last number, 32 hash; u32 sinks; per sink: varint
 *		length and name, u8 active, u64 owed from, next, owed in earlier stays, left at, delivered, quarantined,
 *		dropped, damaged, ahead, last acknowledgement (ns), u32 ranges; per range u64 first, u64 last, u8 in
 *		quarantine
 *
 * Entry, 80 bytes and its texts:
 *
 *	 0   4	magic "PLE1"
 *	 4   4	checksum of byte 8 to the end of the note
 *	 8   8	number of the entry
 *	16   8	when
 *	24   8	first sample number
 *	32   8	last sample number
 *	40   1	kind, in the order of LEDGER_LIST
 *	41   1	length of the sink's name, at most 63
 *	42   2	length of the note, at most 1000
 *	44   4	zero
 *	48  32	hash: SHA-256 over the hash before, bytes 8..47 and the texts. Before the first entry stands SHA-256
 *		over
 *		the hash in the head, the head's 64 bytes and the totals
 *	80	sink, note
 *
 * An entry goes out in one write and counts once the file is synced. A crash may leave a torn last one: it is cut. A
 * place that is bad and has a whole entry behind it is damage. A file that has grown large, or whose sync failed, is
 * replaced (write aside, sync, rename, sync the directory) by one that begins with the totals; the one before is kept
 * as "ledger.1".
 */
#include "spool/ledger_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "spool/format.h"

static const uint8_t	head_magic[8] = "PNSTKLDG";
static const uint8_t	entry_magic[4] = "PLE1";

int
ledger_head_make(const struct account *a, struct chain *chain, struct ledger_link *link, uint8_t **out, size_t *len)
{
	size_t room = LEDGER_HEAD + account_size(a);
	uint8_t *p = malloc(room);

	*out = NULL;
	if (p == NULL)
		return ERR_NOMEM;
	struct writer t = wr_init(p + LEDGER_HEAD, room - LEDGER_HEAD), h = wr_init(p, LEDGER_HEAD);
	account_put(a, &t);
	wr_bytes(&h, head_magic, sizeof head_magic);
	wr_le32(&h, SPOOL_FORMAT);
	wr_le32(&h, (uint32_t)wr_len(&t));
	wr_le64(&h, link->number);
	wr_bytes(&h, link->hash, SPOOL_HASH);
	wr_le32(&h, crc32c(0, t.start, wr_len(&t)));
	link->salt = crc32c(0, p, wr_len(&h));
	wr_le32(&h, link->salt);
	*len = LEDGER_HEAD + wr_len(&t);
	int err = t.err != 0 ? t.err : chain_link(chain, link->hash, p, *len, NULL, 0, link->hash);
	if (err != 0) {
		free(p);
		return err;
	}
	*out = p;
	return 0;
}

int
ledger_entry_make(
    const struct ledger_entry *e, struct chain *chain, struct ledger_link *link, uint8_t *out, size_t *len)
{
	size_t sink_len = strlen(e->sink), note_len = strlen(e->note);
	struct writer w = wr_init(out, LEDGER_ENTRY_MAX);

	if (sink_len > 63 || note_len > LEDGER_NOTE_MAX)
		return ERR_LIMIT;
	wr_bytes(&w, entry_magic, sizeof entry_magic);
	wr_le32(&w, 0);
	wr_le64(&w, link->number);
	wr_le64(&w, (uint64_t)e->when.ns);
	wr_le64(&w, e->first);
	wr_le64(&w, e->last);
	wr_u8(&w, (uint8_t)e->kind);
	wr_u8(&w, (uint8_t)sink_len);
	wr_le16(&w, (uint16_t)note_len);
	wr_le32(&w, 0);
	uint8_t *hash = wr_space(&w, SPOOL_HASH);
	wr_bytes(&w, e->sink, sink_len);
	wr_bytes(&w, e->note, note_len);
	*len = wr_len(&w);
	int err = chain_link(chain, link->hash, out + 8, 40, out + LEDGER_ENTRY_HEAD, sink_len + note_len, link->hash);
	if (err != 0)
		return err;
	memcpy(hash, link->hash, SPOOL_HASH);
	w = wr_init(out + 4, 4);
	wr_le32(&w, crc32c(link->salt, out + 8, *len - 8));
	link->number++;
	return 0;
}

int
ledger_walk_start(struct ledger_walk *w, const void *p, size_t len, struct chain *chain, struct account *totals)
{
	struct reader r = rd_init(p, len);

	*w = (struct ledger_walk){ .p = p, .len = len };
	*totals = (struct account){ 0 };
	const uint8_t *magic = rd_bytes(&r, sizeof head_magic);
	if (magic == NULL || memcmp(magic, head_magic, sizeof head_magic) != 0)
		return ERR_CORRUPT;
	uint32_t version = rd_le32(&r), totals_len = rd_le32(&r);
	w->begins = w->link.number = rd_le64(&r);
	const uint8_t *before = rd_bytes(&r, SPOOL_HASH);
	uint32_t totals_crc = rd_le32(&r);
	w->link.salt = rd_le32(&r);
	if (r.err != 0 || crc32c(0, p, LEDGER_HEAD - 4) != w->link.salt)
		return ERR_CORRUPT;
	if (version != SPOOL_FORMAT)
		return ERR_VERSION;
	struct reader t = rd_sub(&r, totals_len);
	if (t.err != 0 || crc32c(0, t.p, totals_len) != totals_crc)
		return ERR_CORRUPT;
	w->off = w->start = LEDGER_HEAD + totals_len;
	memcpy(w->before, before, SPOOL_HASH);
	int err = chain_link(chain, before, p, w->off, NULL, 0, w->link.hash);
	if (err == 0)
		err = account_get(&t, totals);
	return err == 0 && rd_end(&t) != 0 ? ERR_CORRUPT : err;
}

/*
 * The entry at off, if it is one: its checksum holds. ERR_AGAIN: the file ends first; ERR_CORRUPT. Fills all but the
 * texts.
 */
static int
entry_at(const struct ledger_walk *w, size_t off, struct ledger_entry *e, uint64_t *number, size_t *sink_len,
    size_t *note_len)
{
	struct reader r = rd_init(w->p + off, w->len - off);

	const uint8_t *magic = rd_bytes(&r, sizeof entry_magic);
	uint32_t crc = rd_le32(&r);
	*number = rd_le64(&r);
	*e = (struct ledger_entry){ .when = { (int64_t)rd_le64(&r) } };
	e->first = rd_le64(&r);
	e->last = rd_le64(&r);
	uint8_t kind = rd_u8(&r);
	*sink_len = rd_u8(&r);
	*note_len = rd_le16(&r);
	uint32_t zero = rd_le32(&r);
	rd_bytes(&r, SPOOL_HASH);
	if (r.err != 0)
		return ERR_AGAIN;
	if (memcmp(magic, entry_magic, sizeof entry_magic) != 0 || kind >= LEDGER_KINDS || *sink_len > 63 ||
	    *note_len > LEDGER_NOTE_MAX || zero != 0)
		return ERR_CORRUPT;
	e->kind = (enum ledger_kind)kind;
	if (rd_bytes(&r, *sink_len + *note_len) == NULL)
		return ERR_AGAIN;
	return crc32c(w->link.salt, w->p + off + 8, LEDGER_ENTRY_HEAD - 8 + *sink_len + *note_len) == crc ? 0
													  : ERR_CORRUPT;
}

/* Is there a whole entry anywhere behind off? */
static bool
whole_behind(const struct ledger_walk *w, size_t off)
{
	struct ledger_entry e;
	uint64_t number;
	size_t sink_len, note_len;

	/* Ends: off grows. */
	while (++off + LEDGER_ENTRY_HEAD <= w->len) {
		const uint8_t *hit = memmem(w->p + off, w->len - off, entry_magic, sizeof entry_magic);
		if (hit == NULL)
			return false;
		off = (size_t)(hit - w->p);
		if (entry_at(w, off, &e, &number, &sink_len, &note_len) == 0)
			return true;
	}
	return false;
}

int
ledger_walk_next(struct ledger_walk *w, struct chain *chain, struct ledger_entry *out)
{
	uint64_t number;
	size_t sink_len, note_len;
	uint8_t hash[SPOOL_HASH];

	if (w->off == w->len)
		return ERR_END;
	int err = entry_at(w, w->off, out, &number, &sink_len, &note_len);
	if (err != 0)
		return whole_behind(w, w->off) ? ERR_CORRUPT : ERR_AGAIN;
	const uint8_t *p = w->p + w->off, *texts = p + LEDGER_ENTRY_HEAD;
	err = chain_link(chain, w->link.hash, p + 8, 40, texts, sink_len + note_len, hash);
	if (err != 0)
		return err;
	if (number != w->link.number || memcmp(hash, p + 48, SPOOL_HASH) != 0 ||
	    memchr(texts, 0, sink_len + note_len) != NULL)
		return ERR_CORRUPT;
	memcpy(w->sink, texts, sink_len);
	w->sink[sink_len] = '\0';
	memcpy(w->note, texts + sink_len, note_len);
	w->note[note_len] = '\0';
	out->sink = w->sink;
	out->note = w->note;
	memcpy(w->link.hash, hash, SPOOL_HASH);
	w->link.number++;
	w->off += LEDGER_ENTRY_HEAD + sink_len + note_len;
	return 0;
}

int
ledger_load(const char *dir, const char *name, const struct disk *disk, uint8_t **out, size_t *len)
{
	char path[DISK_PATH_MAX];
	struct disk_stat st;

	*out = NULL;
	*len = 0;
	if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path)
		return ERR_LIMIT;
	int fd = disk->open(disk->ctx, path, DISK_READ);
	if (fd < 0)
		return fd;
	int err = disk->fstat(disk->ctx, fd, &st);
	if (err == 0 && st.size > LEDGER_FILE_MAX)
		err = ERR_LIMIT;
	uint8_t *p = err == 0 ? malloc((size_t)st.size + 1) : NULL;
	if (err == 0)
		err = p == NULL ? ERR_NOMEM : disk_read_all(disk, fd, p, (size_t)st.size, 0);
	disk->close(disk->ctx, fd);
	if (err != 0) {
		free(p);
		return err;
	}
	*out = p;
	*len = (size_t)st.size;
	return 0;
}

int
ledger_add_up(struct ledger_walk *w, const void *p, size_t len, struct chain *chain, struct account *a)
{
	struct ledger_entry e;

	int err = ledger_walk_start(w, p, len, chain, a);
	if (err != 0)
		account_fini(a);	/* half a table proves nothing */
	while (err == 0) {
		size_t at = w->off;
		struct ledger_link link = w->link;
		err = ledger_walk_next(w, chain, &e);
		if (err != 0)
			break;
		if (account_shows(&e) > a->admitted)
			a->admitted = account_shows(&e);
		err = account_check(a, &e);
		if (err != 0) {		/* gate refuses such an entry, so this is not its work */
			w->off = at;
			w->link = link;
			return err == ERR_NOMEM ? err : ERR_CORRUPT;
		}
		account_apply(a, &e);
	}
	return err == ERR_END || err == ERR_AGAIN ? 0 : err;
}

int
ledger_shown(const char *dir, const struct disk *disk, uint64_t *out)
{
	struct ledger_walk w;
	struct account a = { 0 };
	struct chain chain;
	uint8_t *p;
	size_t len;

	*out = 0;
	int err = ledger_load(dir, "ledger", disk, &p, &len);
	if (err != 0)
		return err == ERR_NOTFOUND ? 0 : err;
	err = chain_init(&chain);
	if (err == 0)
		err = ledger_add_up(&w, p, len, &chain, &a);
	*out = a.admitted;
	account_fini(&a);
	chain_fini(&chain);
	free(p);
	/* What can be proved counts; opening the ledger will tell of the damage. */
	return err == ERR_CORRUPT || err == ERR_VERSION ? 0 : err;
}
