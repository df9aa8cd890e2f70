/* Writing the ledger: see ledger.h for the promises, ledger_file.c for the bytes, account.c for the sums. */
#include "spool/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "spool/ledger_file.h"
#include "spool/stream_tail.h"

#define LEDGER_BYTES	(16u << 20)	/* a new file is begun once the entries of this one take so much */
#define RESERVE_BYTES	(32u << 10)

struct ledger {
	const struct disk	*disk;
	char			*dir, *path, *reserve;
	bool			 reserved;	/* the file at reserve is there */
	int			 fd;		/* -1: none */
	/* the file had a failed write or sync: it is replaced before anything else */
	bool			 broken;
	bool			 dirty;
	bool			 kept;		/* in a replacement that has not succeeded yet: the old file is kept */
	uint64_t		 off, begin;	/* where the next entry goes; where the first one went */
	uint64_t		 limit;		/* bytes of entries after which a new file is begun */
	struct chain		 chain;
	struct ledger_link	 link;
	struct account		 account;
	struct stream_tail	 tail;
};

/*
 * Keep the present file as "ledger.1". What cannot be read of it is not worth failing for: the totals are carried on.
 */
static void
keep_old(struct ledger *l, const char *name)
{
	char path[DISK_PATH_MAX];
	uint8_t *p;
	size_t len;

	if (ledger_load(l->dir, "ledger", l->disk, &p, &len) != 0)
		return;
	if ((size_t)snprintf(path, sizeof path, "%s/%s", l->dir, name) < sizeof path) {
		int err = disk_replace(l->disk, path, p, len);
		if (err != 0)
			log_warn("ledger.old_not_kept", "path=\"%s\" error=%s", path, err_name(err));
	}
	free(p);
}

/* A new file that begins with the account as it stands. The link stays that of the old one on failure. */
static int
begin_file(struct ledger *l)
{
	struct ledger_link link = l->link;
	uint8_t *p;
	size_t len;

	int err = ledger_head_make(&l->account, &l->chain, &link, &p, &len);
	if (err != 0)
		return err;
	err = disk_replace(l->disk, l->path, p, len);
	free(p);
	if (err != 0)
		return err;
	int fd = l->disk->open(l->disk->ctx, l->path, DISK_READ | DISK_WRITE);
	if (fd < 0)
		return fd;
	if (l->fd >= 0)
		l->disk->close(l->disk->ctx, l->fd);
	l->fd = fd;
	l->off = l->begin = len;
	l->link = link;
	l->broken = l->dirty = false;
	return 0;
}

/* Does the name still belong to the file that we write to? */
static bool
named(const struct ledger *l)
{
	struct disk_stat a, b;

	return l->fd >= 0 && l->disk->stat(l->disk->ctx, l->path, &a) == 0 &&
	    l->disk->fstat(l->disk->ctx, l->fd, &b) == 0 && a.id == b.id;
}

/* The old file is kept at the first try only: at the next one, what bears its name may be the new one. */
static int
renew(struct ledger *l)
{
	if (!l->kept)
		keep_old(l, "ledger.1");
	int err = begin_file(l);
	l->kept = err != 0 && !named(l);
	l->broken |= l->kept;
	return err;
}

/* The totals that can be proved go on in a new file, the damaged one is kept under a name that says where it broke. */
static int
set_aside(struct ledger *l, uint64_t entry)
{
	char name[64];

	snprintf(name, sizeof name, "ledger.damaged-%llu", (unsigned long long)entry);
	log_error("ledger.damaged",
	    "stream=\"%s\" entry=%llu kept=%s do=\"deliveries behind it are repeated; check the disk\"", l->dir,
	    (unsigned long long)entry, name);
	keep_old(l, name);
	int err = begin_file(l);
	return err != 0 ? err : ERR_CORRUPT;
}

static int
load(struct ledger *l)
{
	struct ledger_walk w;
	uint8_t *p;
	size_t len;

	int err = ledger_load(l->dir, "ledger", l->disk, &p, &len);
	if (err == ERR_NOTFOUND) {
		l->link.number = 1;
		return begin_file(l);
	}
	if (err != 0)
		return err;
	err = ledger_add_up(&w, p, len, &l->chain, &l->account);
	free(p);
	if (err == 0 || err == ERR_CORRUPT)
		l->link = w.link;
	if (err == ERR_CORRUPT) {
		l->link.number += l->link.number == 0;
		return set_aside(l, l->link.number);
	}
	if (err != 0)
		return err;
	l->fd = l->disk->open(l->disk->ctx, l->path, DISK_READ | DISK_WRITE);
	if (l->fd < 0)
		return l->fd;
	l->begin = w.start;
	l->off = w.off;
	if (len > w.off) {
		log_warn("ledger.tail_cut", "stream=\"%s\" bytes=%zu", l->dir, len - w.off);
		err = l->disk->truncate(l->disk->ctx, l->fd, w.off);
	}
	/* What was found counts from here on, so it must be durable; if it cannot be made so, a new file is. */
	if (err != 0 || l->disk->sync(l->disk->ctx, l->fd) != 0)
		return renew(l);
	return 0;
}

/*
 * A full disk is emptied by deleting segments, and what is deleted must first be entered here. So some room is kept: a
 * file of zeros that makes way when an entry finds none.
 */
static void
make_reserve(struct ledger *l)
{
	static const uint8_t zeros[RESERVE_BYTES];
	struct disk_stat st;
	uint64_t space;

	if (l->disk->stat(l->disk->ctx, l->reserve, &st) == 0 && st.size == RESERVE_BYTES)
		l->reserved = true;
	else if (l->disk->space(l->disk->ctx, l->dir, &space) == 0 && space > 4 * RESERVE_BYTES)
		l->reserved = disk_replace(l->disk, l->reserve, zeros, sizeof zeros) == 0;
}

static int
look_at_tail(struct ledger *l)
{
	int err = stream_tail_look(&l->tail);
	if (err == 0 && l->tail.next - 1 > l->account.admitted)
		l->account.admitted = l->tail.next - 1;
	return err;
}

int
ledger_open(const char *dir, const struct disk *disk, struct ledger **out)
{
	char path[DISK_PATH_MAX];

	*out = NULL;
	if ((size_t)snprintf(path, sizeof path, "%s/ledger.reserve", dir) >= sizeof path - sizeof ".new")
		return ERR_LIMIT;
	struct ledger *l = calloc(1, sizeof *l);
	if (l == NULL)
		return ERR_NOMEM;
	l->disk = disk;
	l->limit = LEDGER_BYTES;
	l->fd = -1;
	l->dir = strdup(dir);
	l->reserve = strdup(path);
	l->path = strndup(path, strlen(dir) + strlen("/ledger"));
	int err = stream_tail_init(&l->tail, dir, disk);
	if (err == 0)
		err = l->dir == NULL || l->path == NULL || l->reserve == NULL ? ERR_NOMEM : chain_init(&l->chain);
	if (err == 0)
		err = load(l);
	if (err == 0)
		err = look_at_tail(l);
	if (err != 0) {
		ledger_close(l);
		return err;
	}
	make_reserve(l);
	*out = l;
	return 0;
}

static int
write_entry(struct ledger *l, const struct ledger_entry *e)
{
	const struct disk *d = l->disk;
	struct ledger_link link = l->link;
	uint8_t bytes[LEDGER_ENTRY_MAX];
	size_t len;

	int err = ledger_entry_make(e, &l->chain, &link, bytes, &len);
	if (err != 0)
		return err;
	err = disk_write_all(d, l->fd, bytes, len, l->off);
	if (err == ERR_NOSPACE && l->reserved) {
		log_warn("ledger.reserve_used", "stream=\"%s\" do=\"the disk is full; make room\"", l->dir);
		l->reserved = false;
		if (d->unlink(d->ctx, l->reserve) == 0)
			err = disk_write_all(d, l->fd, bytes, len, l->off);
	}
	if (err != 0) {
		log_error("ledger.write_failed", "stream=\"%s\" error=%s", l->dir, err_name(err));
		if (d->truncate(d->ctx, l->fd, l->off) != 0 || err != ERR_NOSPACE)
			l->broken = true;
		return err == ERR_NOSPACE ? err : ERR_IO;
	}
	l->link = link;
	l->off += len;
	l->dirty = true;
	return 0;
}

int
ledger_put(struct ledger *l, const struct ledger_entry *entry)
{
	struct ledger_entry e = *entry;

	e.sink = e.sink != NULL ? e.sink : "";
	e.note = e.note != NULL ? e.note : "";
	int err = account_shows(&e) > l->account.admitted || e.kind == LEDGER_LEAVE ? look_at_tail(l) : 0;
	if (e.kind == LEDGER_LEAVE)
		e.last = l->account.admitted;
	if (err == 0)
		err = account_check(&l->account, &e);
	if (err == 0 && (l->broken || l->off - l->begin > l->limit)) {
		err = renew(l);
		if (err != 0 && !l->broken)
			err = 0;	/* the old file still takes entries; it is tried again with the next one */
	}
	if (err == 0)
		err = write_entry(l, &e);
	if (err == 0)
		account_apply(&l->account, &e);
	return err;
}

int
ledger_sync(struct ledger *l)
{
	if (!l->dirty && !l->broken)
		return 0;
	int err = l->broken ? ERR_IO : l->disk->sync(l->disk->ctx, l->fd);
	if (err != 0) {
		/* The kernel may have lost entries and call the file clean; the account in memory has them all. */
		log_error("ledger.sync_failed", "stream=\"%s\" do=\"check the disk; the file is replaced\"", l->dir);
		l->broken = true;
		err = renew(l);
		return err == 0 || err == ERR_NOSPACE ? err : ERR_IO;
	}
	l->dirty = false;
	if (!l->reserved)
		make_reserve(l);
	return 0;
}

int
ledger_seal(void *ledger, const struct spool_seal *seal)
{
	struct ledger *l = ledger;
	char hex[2 * SPOOL_HASH + 1], note[LEDGER_NOTE_MAX], oldest[WALL_TEXT], newest[WALL_TEXT];

	snprintf(note, sizeof note, "%s %s %s", chain_hex(seal->hash, hex), wall_format(seal->oldest, 9, oldest),
	    wall_format(seal->newest, 9, newest));
	int err = ledger_put(l,
	    &(struct ledger_entry){ .kind = LEDGER_SEAL,
		.when = seal->sealed,
		.sink = "",
		.first = seal->first,
		.last = seal->last,
		.note = note });
	return err != 0 ? err : ledger_sync(l);
}

void
ledger_limit(struct ledger *l, uint64_t bytes)
{
	l->limit = bytes;
}

uint64_t
ledger_settled(const struct ledger *l)
{
	return account_settled(&l->account);
}

int
ledger_account(struct ledger *l, struct ledger_account *out)
{
	int err = look_at_tail(l);
	account_export(&l->account, out);
	return err;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	if (l->fd >= 0) {
		if (l->dirty && ledger_sync(l) != 0)
			log_error(
			    "ledger.close", "stream=\"%s\" error=\"the last entries may not be durable\"", l->dir);
		l->disk->close(l->disk->ctx, l->fd);
	}
	stream_tail_fini(&l->tail);
	account_fini(&l->account);
	chain_fini(&l->chain);
	free(l->dir);
	free(l->path);
	free(l->reserve);
	free(l);
}
