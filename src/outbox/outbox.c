/* See outbox.h: an outbox opened and closed, events put in, and the account. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/utf8.h"
#include "outbox/inside.h"

#define BACKOFF_MIN_NS	(2 * NS_PER_S)
#define BACKOFF_MAX_NS	(300 * NS_PER_S)

static const char *const names[OUTBOX_STATE_COUNT] = {
#define X(name, text) [OUTBOX_##name] = text,
	OUTBOX_STATES(X)
#undef X
};

const char *
outbox_state_name(enum outbox_state s)
{
	return s < OUTBOX_STATE_COUNT ? names[s] : "?";
}

int
outbox_state_parse(const char *s)
{
	for (int i = 0; i < OUTBOX_STATE_COUNT; i++)
		if (strcmp(s, names[i]) == 0)
			return i;
	return -1;
}

static unsigned
within(unsigned v, unsigned most)
{
	return v == 0 ? 1 : v > most ? most : v;
}

int
outbox_open(const char *path, const struct outbox_opts *o, struct mono now, struct wall wall, struct outbox **out, char *why,
    size_t size)
{
	struct outbox *b = calloc(1, sizeof *b);

	*out = NULL;
	if (b == NULL || (b->path = strdup(path)) == NULL) {
		free(b);
		snprintf(why, size, "%s", err_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	b->opts = *o;
	b->opts.connections = within(o->connections, OUTBOX_CONNECTIONS_MAX);
	b->opts.batch = within(o->batch, OUTBOX_BATCH_MAX);
	b->random = o->seed;
	int64_t most = o->backoff_max_ns > 0 ? o->backoff_max_ns : BACKOFF_MAX_NS;
	backoff_init(&b->down, most < BACKOFF_MIN_NS ? most : BACKOFF_MIN_NS, most, hash64(&o->seed, sizeof o->seed));
	b->mono0 = now;
	int err = store_open(b, wall, why, size);
	if (err != 0) {
		outbox_close(b);
		return err;
	}
	b->tokens_t = b->clock0;
	b->tokens = 1;
	*out = b;
	return 0;
}

void
outbox_close(struct outbox *b)
{
	if (b == NULL)
		return;
	if (b->db != NULL)
		store_rollback(b);
	flights_free(b);
	verdicts_done(b);
	store_close(b);
	free(b->path);
	free(b);
}

/* ---- events ---- */

static bool
text_ok(const char *s, size_t min, size_t max)
{
	size_t n = strnlen(s, max + 1);
	return n >= min && n <= max && utf8_valid(s, n);
}

static bool
good(const struct outbox_new *v)
{
	return text_ok(v->id, 1, OUTBOX_ID_MAX) && text_ok(v->event, 1, OUTBOX_NAME_MAX) && text_ok(v->type, 0, OUTBOX_NAME_MAX) &&
	    text_ok(v->key, 0, OUTBOX_NAME_MAX) && text_ok(v->lane, 0, OUTBOX_NAME_MAX) && text_ok(v->flow, 0, OUTBOX_NAME_MAX) &&
	    text_ok(v->mapping, 0, OUTBOX_NAME_MAX) && v->body_len <= OUTBOX_BODY_MAX && v->body_len > 0 && v->body[0] == '{' &&
	    json_valid(v->body, v->body_len);
}

/* A repeat is nothing new. Another event under the identity of an earlier one is: its key is not one of a kind, and what it says is not booked. */
static void
tell_other(struct outbox *b, const struct outbox_new *v)
{
	sqlite3_stmt *s = store_statement(b, SQL_SAME);

	if (s == NULL)
		return;
	sqlite3_bind_text(s, 1, v->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, v->time.ns);
	if (sqlite3_step(s) == SQLITE_ROW)
		log_error("event_key_again", "event=\"%s\" key=\"%s\" earlier=%lld effect=\"another event had this key: this one is passed over, and what it counted is "
		    "not booked\" remedy=\"make the key one of a kind, with no in it: events: of the site file\"", v->event, v->key,
		    (long long)sqlite3_column_int64(s, 0));
	sqlite3_reset(s);
}

/* A person has cancelled it, and age removed its record. */
static int
cancelled_before(struct outbox *b, const char *id, bool *yes)
{
	sqlite3_stmt *s = store_statement(b, SQL_NEVER_HAS);

	if (s == NULL)
		return ERR_IO;
	sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
	int rc = sqlite3_step(s);
	*yes = rc == SQLITE_ROW;
	sqlite3_reset(s);
	return sqlite_err(rc) != 0 ? store_fail(b, sqlite_err(rc)) : 0;
}

static int
put_one(struct outbox *b, const struct outbox_new *v, int64_t t, struct wall wall)
{
	/* It may have been here before, in a record that is gone: the far end knows. */
	bool maybe = v->time.ns <= b->acc.fresh;
	struct row r = { .state = maybe ? OUTBOX_SENT : OUTBOX_READY, .unknown = maybe, .open = true, .put = wall.ns,
		.posted_t = maybe ? t : 0, .document = "", .code = "", .text = "", .target = "", .way = "" };
	struct outbox_new mine = *v;
	bool fresh, never = false;

	if (*v->lane == '\0')
		mine.lane = v->id;
	int err = maybe ? cancelled_before(b, v->id, &never) : 0;
	if (never) {
		b->acc.repeated++;
		b->dirty = true;
	}
	if (err != 0 || never)
		return err;
	err = row_new(b, &r, &mine, &fresh);
	if (err == 0 && !fresh)
		tell_other(b, v);
	if (err == 0 && fresh)
		err = lane_new(b, mine.lane, sqlite3_last_insert_rowid(b->db), t);
	return err;
}

int
outbox_put(struct outbox *b, const struct outbox_new *v, size_t n, struct mono now, struct wall wall, size_t *bad)
{
	int err = 0;

	for (size_t i = 0; i < n; i++)
		if (!good(&v[i])) {
			if (bad != NULL)
				*bad = i;
			return ERR_LIMIT;
		}
	if (b->damaged) {
		outbox_clock_here(b, now);
		err = store_replace(b, wall);
	}
	int64_t t = outbox_clock(b, now);
	err = err != 0 ? err : store_begin(b);
	for (size_t i = 0; err == 0 && i < n; i++)
		err = put_one(b, &v[i], t, wall);
	if (err == 0)
		return store_commit(b, t);
	store_rollback(b);
	return err;
}

/* ---- the rest ---- */

void
outbox_drain(struct outbox *b)
{
	b->draining = true;
}

size_t
outbox_in_flight(const struct outbox *b)
{
	return b->connections_used;
}

const char *
outbox_fault(const struct outbox *b)
{
	return b->fault;
}

int
outbox_counts(struct outbox *b, struct mono now, struct outbox_counts *out)
{
	const struct account *a = &b->acc;
	int64_t left = b->down_until_t - outbox_clock(b, now);

	*out = (struct outbox_counts){ .taken = a->taken, .repeated = a->repeated, .removed = a->removed, .complaints = a->complaints,
		.unknown = a->unknown, .strays = b->strays, .lanes_held = a->lanes_held, .suspended = a->suspended,
		.down_why = b->down_why, .in_window = b->in_window };
	for (int i = 0; i < OUTBOX_STATE_COUNT; i++)
		out->n[i] = a->n[i];
	out->down_ns = left > 0 ? left : 0;
	sqlite3_stmt *s = store_statement(b, SQL_OLDEST);
	int rc = s == NULL ? SQLITE_ERROR : sqlite3_step(s);
	if (rc == SQLITE_ROW)
		out->oldest.ns = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return sqlite_err(rc) != 0 ? store_fail(b, sqlite_err(rc)) : 0;
}
