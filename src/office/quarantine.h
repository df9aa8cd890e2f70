/*
 * The quarantine: batches that a sink's far end will never take, kept with their samples, the reason and the message that was refused, in
 * <state>/office/quarantine.db, until a person sends them again or drops them. Durable before anybody is told.
 *
 * An item is *held*; then *released* (delivered after all) or *discarded*, and is deleted once the ledger has that.
 *
 * Putting aside runs in libuv's thread pool, many in one transaction, so a disk that is slow to sync stalls no delivery. What people
 * ask for is rare and runs on the loop.
 */
#ifndef OFFICE_QUARANTINE_H
#define OFFICE_QUARANTINE_H

#include <uv.h>

#include "base/buf.h"
#include "base/clock.h"

#define QUARANTINE_BYTES_MAX	(1ull << 30)	/* of all samples held; beyond it refused batches stay owed and their streams wait */
/* As many as the ledger can tell apart (ACCOUNT_RANGES_MAX of one sink), with room to spare; beyond it, as above. */
#define QUARANTINE_ITEMS_MAX	16000u
#define QUARANTINE_PREVIEW_MAX	(16u << 10)

enum quarantine_state { QUARANTINE_HELD, QUARANTINE_RELEASED, QUARANTINE_DISCARDED };

struct quarantine_item {
	int64_t			 id;
	enum quarantine_state	 state;
	const char		*stream, *sink, *reason, *preview, *note;	/* note: why it was dropped */
	uint64_t		 first, last;
	struct wall		 when;
	int64_t			 attempts;	/* of sending it again */
	const void		*samples;	/* frozen.h; NULL where not asked for */
	size_t			 samples_len;
};

struct quarantine;
/* Open for writing, creating it; path: of the database. 0, or an error with the cause in why. */
int quarantine_open(const char *path, uv_loop_t *loop, struct quarantine **out, char *why, size_t size);
/* Open for looking only: list and get. ERR_NOTFOUND: there is none, so nothing was ever refused. */
int quarantine_look(const char *path, struct quarantine **out, char *why, size_t size);
void quarantine_close(struct quarantine *q);	/* waits for what is being put aside */

/*
 * Put aside; everything in item is copied. stored(arg, err) is called from the loop: 0 once it is durable; ERR_LIMIT when the quarantine is
 * full, any other error when the disk would not (it may be tried again).
 */
void quarantine_put(struct quarantine *q, const struct quarantine_item *item, void (*stored)(void *arg, int err), void *arg);

/* Is nothing being put aside? */
bool quarantine_idle(const struct quarantine *q);

/* Calls each(arg, item) in order of id; state negative: all. sink NULL: of all. Without samples and preview. 0 or an error. */
int quarantine_each(struct quarantine *q, int state, const char *sink, void (*each)(void *arg, const struct quarantine_item *item), void *arg);
/* One item with everything. 0, ERR_NOTFOUND, ERR_IO. */
int quarantine_get(struct quarantine *q, int64_t id, void (*each)(void *arg, const struct quarantine_item *item), void *arg);
/* Durable when it returns 0. note NULL: keep. ERR_NOTFOUND: it is not held. */
int quarantine_set(struct quarantine *q, int64_t id, enum quarantine_state state, const char *note);
/* It was refused again: count it, keep the new reason. */
int quarantine_again(struct quarantine *q, int64_t id, const char *reason);
int quarantine_delete(struct quarantine *q, int64_t id);
/* Items held, of one sink (NULL: all). */
uint64_t quarantine_count(struct quarantine *q, const char *sink);

#endif
