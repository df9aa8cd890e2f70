/*
 * Retention: segments go when every sink has settled them, or when quota and age say so. What goes unsettled is
 * entered in the ledger, for every sink that was still owed it, and made durable before the segment goes.
 */
#include "gate/inside.h"

struct drop_ctx {
	struct stream	*st;
	struct wall	 wall;
};

static int
drop(void *arg, uint64_t first, uint64_t last, const char *policy)
{
	struct drop_ctx *c = arg;
	struct ledger_entry e = { .kind = LEDGER_DROPPED, .when = c->wall, .sink = "", .first = first, .last = last,
	    .note = policy };

	int err = ledger_put(c->st->ledger, &e);
	if (err == 0)
		err = ledger_sync(c->st->ledger);
	if (err != 0)
		return err;
	c->st->dropped += last - first + 1;
	log_warn("dropped_by_policy", "stream=\"%s\" first=%llu last=%llu policy=%s", c->st->dir,
	    (unsigned long long)first,
	    (unsigned long long)last, policy);
	return 0;
}

void
gate_trim(struct gate *g, struct mono now, struct wall wall)
{
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		if (st->spool == NULL || st->ledger == NULL)
			continue;
		struct drop_ctx c = { st, wall };
		int err = account_enter(g, st, wall);	/* what is delivered is not dropped */
		if (err == 0)
			err = spool_trim(st->spool, ledger_settled(st->ledger), wall, drop, &c);
		unsigned long left_out;
		if (err != 0 && log_limit_ok(&g->log_trim, now, &left_out))
			log_warn("trim_failed",
			    "stream=\"%s\" error=\"%s\" note=\"tried again in some seconds\" suppressed=%lu", st->dir,
			    err_text(err), left_out);
	}
}
