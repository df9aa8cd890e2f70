/* The ledger's file as bytes and back; the layout is explained at the top of ledger_file.c. Private to this folder. */
#ifndef SPOOL_LEDGER_FILE_H
#define SPOOL_LEDGER_FILE_H

#include "spool/account.h"
#include "spool/chain.h"

#define LEDGER_HEAD		64u
#define LEDGER_ENTRY_HEAD	80u
#define LEDGER_ENTRY_MAX	(LEDGER_ENTRY_HEAD + 64 + LEDGER_NOTE_MAX)
#define LEDGER_TOTALS_MAX	(128u << 20)
#define LEDGER_FILE_MAX		(256u << 20)

/* Where an entry is linked: what stands before it. */
struct ledger_link {
	uint64_t	number;			/* of the next entry */
	uint8_t		hash[SPOOL_HASH];	/* of the entry before; of the head, for the first one */
	uint32_t	salt;			/* the head's checksum; every entry's checksum starts from it */
};

/*
 * Head and totals: a whole new file. *len bytes, given, to be freed. link: what stands before; on return, for the first
 * entry.
 */
int ledger_head_make(
    const struct account *a, struct chain *chain, struct ledger_link *link, uint8_t **out, size_t *len);
/* Room for LEDGER_ENTRY_MAX at out. *len receives the bytes. The link moves on. ERR_LIMIT: texts too long. */
int ledger_entry_make(
    const struct ledger_entry *e, struct chain *chain, struct ledger_link *link, uint8_t *out, size_t *len);

/* Walks a ledger file that is in memory. */
struct ledger_walk {
	const uint8_t		*p;
	size_t			 len, start, off;	/* start: of the first entry; off: the entry to look at next */
	struct ledger_link	 link;
	uint8_t			 before[SPOOL_HASH];	/* hash of the last entry of the file before */
	uint64_t		 begins;	/* number of the first entry */
	char			 sink[64], note[LEDGER_NOTE_MAX + 1];	/* texts of the entry in hand */
};

/* ERR_CORRUPT, ERR_VERSION. totals: filled, to be finished by the caller in any case. */
int ledger_walk_start(struct ledger_walk *w, const void *p, size_t len, struct chain *chain, struct account *totals);
/*
 * 0 and an entry; ERR_END: exactly at the end; ERR_AGAIN: a torn tail, nothing whole follows; ERR_CORRUPT: damaged,
 * w->off says where.
 */
int ledger_walk_next(struct ledger_walk *w, struct chain *chain, struct ledger_entry *out);

/* The file `name` of a stream's directory in memory: given, to be freed. ERR_NOTFOUND, ERR_LIMIT. */
int ledger_load(const char *dir, const char *name, const struct disk *disk, uint8_t **out, size_t *len);
/*
 * Add up a file in memory. a->admitted becomes the highest number that an entry shows to be admitted; w stands behind
 * the last good entry. A torn tail is no failure. ERR_CORRUPT: the account holds what could be proved. a is to be
 * finished in any case.
 */
int ledger_add_up(struct ledger_walk *w, const void *p, size_t len, struct chain *chain, struct account *a);
/* The highest number that the ledger of a stream knows to have been given, 0 if there is no ledger. */
int ledger_shown(const char *dir, const struct disk *disk, uint64_t *out);

#endif
