/* Reading the ledger: see ledger.h. */
#include <stdlib.h>

#include "spool/ledger_file.h"
#include "spool/stream_tail.h"

static const struct { const char *name, *text; } kinds[] = {
#define X(kind, text) [LEDGER_##kind] = { #kind, text },
	LEDGER_LIST(X)
#undef X
};
_Static_assert(sizeof kinds / sizeof kinds[0] == LEDGER_KINDS, "a row for each kind");

const char *
ledger_kind_name(enum ledger_kind kind)
{
	return kind < LEDGER_KINDS ? kinds[kind].name : "UNKNOWN";
}

const char *
ledger_kind_text(enum ledger_kind kind)
{
	return kind < LEDGER_KINDS ? kinds[kind].text : "unknown";
}

const struct ledger_sink *
ledger_find(const struct ledger_account *a, const char *sink)
{
	for (uint32_t i = 0; i < a->nsinks; i++)
		if (strcmp(a->sinks[i].name, sink) == 0)
			return &a->sinks[i];
	return NULL;
}

/* A file that shrinks while it is read (the writer cut off an entry that found no space) is read again. */
static int
load(const char *dir, const char *name, const struct disk *disk, uint8_t **p, size_t *len)
{
	int err = ERR_END;

	for (int i = 0; err == ERR_END && i < 3; i++)
		err = ledger_load(dir, name, disk, p, len);
	return err;
}

static int
read_account(const char *dir, const struct disk *disk, struct chain *chain, struct account *a, struct buf *where)
{
	struct ledger_walk w;
	uint8_t *p;
	size_t len;

	int err = load(dir, "ledger", disk, &p, &len);
	if (err == ERR_NOTFOUND)
		return 0;
	if (err != 0)
		return err;
	err = ledger_add_up(&w, p, len, chain, a);
	if (err == ERR_CORRUPT && where != NULL)
		buf_printf(
		    where, "%s/ledger: damaged at byte %zu, entry %llu", dir, w.off, (unsigned long long)w.link.number);
	free(p);
	return err;
}

int
ledger_read(const char *dir, const struct disk *disk, struct ledger_account *out, struct buf *where)
{
	struct account a = { 0 };
	struct stream_tail tail = { .scan = { .fd = -1 } };
	struct chain chain = { 0 };

	int err = chain_init(&chain);
	if (err == 0)
		err = stream_tail_init(&tail, dir, disk);
	if (err == 0)
		err = read_account(dir, disk, &chain, &a, where);
	int looked = tail.dir != NULL ? stream_tail_look(&tail) : ERR_NOMEM;
	if (tail.next > 0 && tail.next - 1 > a.admitted)
		a.admitted = tail.next - 1;
	account_export(&a, out);
	account_fini(&a);
	stream_tail_fini(&tail);
	chain_fini(&chain);
	return err != 0 ? err : looked;
}

static int
each_in(const char *dir, const char *name, const struct disk *disk, struct chain *chain,
    void (*each)(void *arg, const struct ledger_entry *e), void *arg)
{
	struct account totals = { 0 };
	struct ledger_walk w;
	struct ledger_entry e;
	uint8_t *p;
	size_t len;

	int err = load(dir, name, disk, &p, &len);
	if (err != 0)
		return err == ERR_NOTFOUND ? 0 : err;
	err = ledger_walk_start(&w, p, len, chain, &totals);
	while (err == 0 && (err = ledger_walk_next(&w, chain, &e)) == 0)
		each(arg, &e);
	account_fini(&totals);
	free(p);
	return err == ERR_END || err == ERR_AGAIN ? 0 : err;
}

int
ledger_each(const char *dir, const struct disk *disk, void (*each)(void *arg, const struct ledger_entry *e), void *arg)
{
	struct chain chain;

	int err = chain_init(&chain);
	if (err != 0)
		return err;
	err = each_in(dir, "ledger.1", disk, &chain, each, arg);
	if (err == 0)
		err = each_in(dir, "ledger", disk, &chain, each, arg);
	chain_fini(&chain);
	return err;
}
