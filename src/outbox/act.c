/*
 * What people do with events: each verb a row, each change in one transaction with the record of who did it and why. The same function says
 * what it would do (dry), so that the audit log can have it before it is done.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "base/utf8.h"
#include "outbox/inside.h"

#define REASON_MAX	500u
#define IDS_MAX		60
#define FIELDS_MAX	20

/* One request of a person, read. */
struct deed {
	struct outbox	*b;
	const char	*verb, *who, *why, *lane, *code;
	const char	*args[IDS_MAX];		/* items, or for edit one item and FIELD=VALUE */
	int		 n;
	bool		 dry, all;
	int64_t		 t;
	struct wall	 wall;
	struct buf	*out;
	/* Of the item under way, for the record: */
	struct buf	 what, before, after;
};

/* ---- words ---- */

static int
complain(struct deed *d, int64_t seq, int err, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static int
complain(struct deed *d, int64_t seq, int err, const char *fmt, ...)
{
	struct json j = { .out = d->out };
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (d->all && err == ERR_DENIED)	/* counted; not a line each */
		return err;
	json_open(&j, '{');
	if (seq != 0) {
		json_key(&j, "id");
		json_i64(&j, seq);
	}
	json_key(&j, "error");
	json_text(&j, text);
	json_close(&j, '}');
	buf_putc(d->out, '\n');
	return err;
}

static int
disk(struct deed *d, int64_t seq, int err)
{
	return complain(d, seq, err, "nothing was changed: %s", *d->b->fault != '\0' ? d->b->fault : err_text(err));
}

static void
pair(struct json *j, const char *key, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	json_key(j, key);
	json_text(j, text);
}

#define SHOWN_MAX 500u	/* of a value, in an answer and in the audit log; the record has all of it */

static void
value(struct json *j, const char *key, const struct buf *b)
{
	json_key(j, key);
	json_str(j, buf_text(b), b->len < SHOWN_MAX ? b->len : SHOWN_MAX);
	if (b->len > SHOWN_MAX) {
		json_key(j, "cut_at");
		json_u64(j, SHOWN_MAX);
	}
}

/* What was done with one item: for the person, and for the audit log. */
static void
tell(struct deed *d, int64_t seq, const char *lane, const char *key, const char *did)
{
	struct json j = { .out = d->out };

	json_open(&j, '{');
	json_key(&j, "id");
	json_i64(&j, seq);
	pair(&j, "key", key);
	pair(&j, "lane", lane);
	json_key(&j, d->dry ? "would" : "did");
	json_text(&j, did);
	if (d->what.len > 0) {
		pair(&j, "field", buf_text(&d->what));
		value(&j, "before", &d->before);
		value(&j, "after", &d->after);
	}
	json_close(&j, '}');
	buf_putc(d->out, '\n');
}

static int
record(struct deed *d, int64_t seq)
{
	sqlite3_stmt *s = store_statement(d->b, SQL_CHANGE);
	const char *const texts[] = { d->who, d->verb, d->why, buf_text(&d->what), buf_text(&d->before), buf_text(&d->after) };

	if (s == NULL)
		return ERR_IO;
	sqlite3_bind_int64(s, 1, seq);
	sqlite3_bind_int64(s, 2, d->wall.ns);
	for (int i = 0; i < 6; i++)
		sqlite3_bind_text(s, i + 3, texts[i], -1, SQLITE_STATIC);
	return store_done(d->b, s);
}

/* ---- verbs: each makes of `was` what is to be; NULL, or why not ---- */

static bool
under_way(const struct deed *d, const struct row *r)
{
	return flight_find(d->b, r->seq) != NULL;
}

static const char *
retry(struct deed *d, const struct row *was, struct row *r, const char **did)
{
	if (under_way(d, was))
		return "it is with the far end at this moment: wait for what it says";
	if (was->state == OUTBOX_CONFIRMED)
		return "the far end has it: a second posting would be a second booking. Correct it there";
	r->state = was->unknown ? OUTBOX_SENT : OUTBOX_READY;
	r->open = true;
	r->waits = 0;
	r->settled = r->aged_t = 0;
	*did = was->unknown ? "is looked up, and sent if it is not there" : "is sent as soon as its turn comes";
	return NULL;
}

/* A person has looked where nobody else can, and says that the far end does not have it. */
static const char *
resend(struct deed *d, const struct row *was, struct row *r, const char **did)
{
	if (under_way(d, was))
		return "it is with the far end at this moment: wait for what it says";
	if (!was->unknown || was->state == OUTBOX_CONFIRMED || was->state == OUTBOX_CANCELLED)
		return "it is known what became of it: retry is for what was refused";
	r->state = OUTBOX_READY;
	r->unknown = false;
	r->open = true;
	r->waits = 0;
	*did = "is sent again without a look, since you say that the far end does not have it";
	return NULL;
}

static const char *
cancel(struct deed *d, const struct row *was, struct row *r, const char **did)
{
	if (under_way(d, was))
		return "it is with the far end at this moment: wait for what it says";
	if (was->state == OUTBOX_CONFIRMED)
		return "the far end has it: reverse it there";
	if (was->state == OUTBOX_CANCELLED)
		return "it is cancelled already";
	r->state = OUTBOX_CANCELLED;
	r->open = false;
	r->settled = d->wall.ns;
	r->aged_t = d->t;
	*did = was->unknown ? "is never sent again; but nobody knows whether the far end had it, look there" : "is never sent";
	return NULL;
}

static const char *
seen(struct deed *d, const struct row *was, struct row *r, const char **did)
{
	(void)d;
	if (!was->complaint)
		return "there is no complaint about it";
	r->complaint = false;
	*did = "its complaint is dealt with";
	return NULL;
}

static const char *
edit(struct deed *d, const struct row *was, struct row *r, const char **did)
{
	if (was->state == OUTBOX_CONFIRMED || was->state == OUTBOX_CANCELLED)
		return was->state == OUTBOX_CONFIRMED ? "the far end has it: correct it there" : "it is cancelled: retry it first";
	if (was->unknown || under_way(d, was))
		return "nobody knows yet whether the far end has it as it was: retry it first, that looks it up";
	r->state = OUTBOX_READY;
	r->open = true;
	r->waits = 0;
	*did = "is sent with its new value as soon as its turn comes";
	return NULL;
}

static const struct verb {
	const char	*name;
	const char	*(*act)(struct deed *d, const struct row *was, struct row *r, const char **did);
	bool		 edits, many, line, now;	/* line: its lane is looked at anew; now: and goes on at once */
} verbs[] = {
	{ "retry", retry, false, true, true, true },
	{ "resend", resend, false, true, true, true },
	{ "cancel", cancel, false, true, true, false },
	{ "seen", seen, false, true, false, false },
	{ "edit", edit, true, false, true, false },
};

/* ---- one item ---- */

/* FIELD=VALUE one after another; the body as it is then, in *body. 0, or an error that was said. */
static int
edit_body(struct deed *d, int64_t seq, const char *text, size_t len, struct buf *body)
{
	struct buf at[2] = { { 0 }, { 0 } };

	buf_put(&at[0], text, len);
	for (int i = 1; i < d->n; i++) {
		const char *eq = strchr(d->args[i], '=');
		char field[OUTBOX_NAME_MAX + 1];
		if (eq == NULL || eq == d->args[i] || (size_t)(eq - d->args[i]) > OUTBOX_NAME_MAX) {
			buf_fini(&at[0]);
			buf_fini(&at[1]);
			return complain(d, seq, ERR_SYNTAX, "\"%.100s\" is no FIELD=VALUE", d->args[i]);
		}
		snprintf(field, sizeof field, "%.*s", (int)(eq - d->args[i]), d->args[i]);
		struct buf before = { .max = 4 * OUTBOX_BODY_MAX };
		buf_reset(&at[i % 2]);
		int err = edit_field(buf_text(&at[(i + 1) % 2]), at[(i + 1) % 2].len, field, eq + 1, &at[i % 2], &before);
		buf_printf(&d->what, "%s%s", i > 1 ? ", " : "", field);
		buf_printf(&d->before, "%s%s", i > 1 ? ", " : "", buf_text(&before));
		buf_printf(&d->after, "%s%s", i > 1 ? ", " : "", eq + 1);
		buf_fini(&before);
		if (err != 0) {
			buf_fini(&at[0]);
			buf_fini(&at[1]);
			return complain(d, seq, err, err == ERR_NOTFOUND ? "the event has no field \"%.100s\": penstock outbox show tells its fields" :
			    err == ERR_TYPE ? "the value of \"%.100s\" must be of the kind that stands there: a number, true or false" :
			    "with this value of \"%.100s\" the event is too long", field);
		}
	}
	buf_put(body, at[(d->n - 1) % 2].p, at[(d->n - 1) % 2].len);
	buf_fini(&at[0]);
	buf_fini(&at[1]);
	return body->err;
}

static int
set_body(struct outbox *b, int64_t seq, const struct buf *body)
{
	sqlite3_stmt *s = store_statement(b, SQL_SET_BODY);

	if (s == NULL)
		return ERR_IO;
	sqlite3_bind_int64(s, 1, seq);
	sqlite3_bind_text64(s, 2, body->p, body->len, SQLITE_STATIC, SQLITE_UTF8);
	return store_done(b, s);
}

/* The item read in s: decided, and unless dry written. 0, or an error that was said. */
static int
act_on(struct deed *d, const struct verb *v, sqlite3_stmt *s, struct buf *body)
{
	struct outbox_item item;
	struct row was, r;
	const char *did = "";

	row_read(s, &was);
	row_item(s, &item);
	r = was;
	const char *no = v->act(d, &was, &r, &did);
	if (no != NULL)
		return complain(d, was.seq, ERR_DENIED, "%s", no);
	int err = v->edits ? edit_body(d, was.seq, item.of.body, item.of.body_len, body) : 0;
	if (err != 0)
		return err;
	if (!d->dry) {
		err = row_put(d->b, &was, &r);
		if (err == 0 && v->edits)
			err = set_body(d->b, was.seq, body);
		if (err == 0 && v->line)
			err = lane_new(d->b, was.lane, was.seq, d->t);
		if (err == 0 && v->line)
			err = lane_refresh(d->b, was.lane, v->now ? d->t : LANE_KEEP, d->t, false);
		if (err == 0)
			err = record(d, was.seq);
		if (err != 0)
			return disk(d, was.seq, err);
	}
	if (!d->all)
		tell(d, was.seq, item.of.lane, item.of.key, did);
	return 0;
}

static int
one(struct deed *d, const struct verb *v, int64_t seq)
{
	struct buf body = { .max = OUTBOX_BODY_MAX };
	sqlite3_stmt *s;

	buf_reset(&d->what);
	buf_reset(&d->before);
	buf_reset(&d->after);
	int err = row_get(d->b, seq, &s);
	if (err == ERR_NOTFOUND)
		return complain(d, seq, err, "no such event: it was never here, or its record was removed by age");
	if (err != 0)
		return disk(d, seq, err);
	err = act_on(d, v, s, &body);
	sqlite3_reset(s);
	buf_fini(&body);
	return err;
}

/* ---- many ---- */

/* All that wait for a person, as filtered: in one transaction, told in one line. */
static int
every(struct deed *d, const struct verb *v)
{
	static const enum outbox_state states[] = { OUTBOX_REFUSED, OUTBOX_QUARANTINED };
	uint64_t n = 0, not = 0;
	int err = 0;

	for (size_t i = 0; err == 0 && i < 2; i++)
		for (int64_t seq = 0; err == 0;) {	/* ends: seq grows */
			sqlite3_stmt *s = store_statement(d->b, SQL_NEXT_REFUSED);
			if (s == NULL)
				return disk(d, 0, ERR_IO);
			sqlite3_bind_int(s, 1, (int)states[i]);
			sqlite3_bind_int64(s, 2, seq);
			sqlite3_bind_text(s, 3, d->lane, -1, SQLITE_STATIC);
			sqlite3_bind_text(s, 4, d->code, -1, SQLITE_STATIC);
			int rc = sqlite3_step(s);
			if (rc == SQLITE_ROW)
				seq = sqlite3_column_int64(s, 0);
			sqlite3_reset(s);
			if (rc != SQLITE_ROW) {
				err = sqlite_err(rc) != 0 ? disk(d, 0, sqlite_err(rc)) : 0;
				break;
			}
			int one_err = one(d, v, seq);
			n += one_err == 0;
			not += one_err == ERR_DENIED;
			err = one_err == ERR_DENIED ? 0 : one_err;
		}
	if (err != 0)
		return err;
	struct json j = { .out = d->out };
	json_open(&j, '{');
	json_key(&j, d->dry ? "would" : "did");
	json_text(&j, v->name);
	json_key(&j, "count");
	json_u64(&j, n);
	json_key(&j, "not");
	json_u64(&j, not);
	pair(&j, "lane", d->lane);
	pair(&j, "code", d->code);
	json_close(&j, '}');
	buf_putc(d->out, '\n');
	return 0;
}

static int
go_on(struct deed *d)
{
	struct json j = { .out = d->out };

	if (!d->b->acc.suspended)
		return complain(d, 0, ERR_DENIED, "it is not suspended");
	if (!d->dry) {
		d->b->acc.suspended = false;
		d->b->dirty = true;
		int err = record(d, 0);
		if (err != 0)
			return disk(d, 0, err);
	}
	json_open(&j, '{');
	json_key(&j, d->dry ? "would" : "did");
	json_text(&j, "goes on sending");
	json_close(&j, '}');
	buf_putc(d->out, '\n');
	return 0;
}

/* ---- reading what was asked ---- */

static int
parse(struct deed *d, int argc, const char *const *argv)
{
	const struct { const char *name; const char **to; } options[] = {
		{ "--reason", &d->why }, { "--lane", &d->lane }, { "--code", &d->code },
	};

	for (int i = 1; i < argc; i++) {
		size_t k = 0;
		while (k < 3 && strcmp(argv[i], options[k].name) != 0)
			k++;
		if (k < 3 && i + 1 < argc)
			*options[k].to = argv[++i];
		else if (k < 3 || d->n == IDS_MAX)
			return complain(d, 0, ERR_SYNTAX, k < 3 ? "%s wants a text" : "at most 60 at once, or all; \"%.40s\" is one too many",
			    argv[i]);
		else
			d->args[d->n++] = argv[i];
	}
	if (d->why == NULL || *d->why == '\0')
		return complain(d, 0, ERR_SYNTAX, "say why with --reason TEXT: it stands in the audit log and with the event");
	if (strlen(d->why) > REASON_MAX || !utf8_valid(d->why, strlen(d->why)))
		return complain(d, 0, ERR_LIMIT, "the reason is too long (%u bytes at most) or no valid text", REASON_MAX);
	d->all = d->n == 1 && strcmp(d->args[0], "all") == 0;
	if (!d->all && (d->lane != NULL || d->code != NULL))
		return complain(d, 0, ERR_SYNTAX, "--lane and --code choose among all: write all instead of numbers");
	return 0;
}

static int
perform(struct deed *d, const struct verb *v)
{
	int err = 0;

	if (d->n == 0 || (v->edits && (d->n < 2 || d->n > FIELDS_MAX)))
		return complain(d, 0, ERR_SYNTAX, v->edits ? "write: edit ID FIELD=VALUE... (at most 20)" : "which ones? Numbers of events, or all");
	if (d->all && strcmp(v->name, "retry") != 0 && strcmp(v->name, "cancel") != 0)
		return complain(d, 0, ERR_SYNTAX, "\"all\" is for retry and cancel only");
	if (d->all)
		return every(d, v);
	for (int i = 0; i < (v->edits ? 1 : d->n); i++) {
		int64_t seq;
		int one_err = num_parse_i64(d->args[i], strlen(d->args[i]), &seq) != 0 || seq <= 0 ?
		    complain(d, 0, ERR_SYNTAX, "\"%.40s\" is no number of an event", d->args[i]) : one(d, v, seq);
		err = err != 0 ? err : one_err;
	}
	return err;
}

/* What goes out for an event, exactly, as the poster would make it now. */
static int
message(struct deed *d, int argc, const char *const *argv)
{
	const struct outbox_poster *p = &d->b->opts.poster;
	struct buf text = { .max = 1u << 20 };
	struct json j = { .out = d->out };
	struct outbox_item item;
	sqlite3_stmt *s;
	int64_t seq = 0;

	if (argc != 2 || num_parse_i64(argv[1], strlen(argv[1]), &seq) != 0 || seq <= 0)
		return complain(d, 0, ERR_SYNTAX, "message of which event? Give its number");
	if (p->preview == NULL)
		return complain(d, seq, ERR_UNSUPPORTED, "this sink cannot say what it would send");
	int err = row_get(d->b, seq, &s);
	if (err != 0)
		return complain(d, seq, err, err == ERR_NOTFOUND ? "no such event" : "the outbox cannot be read");
	row_item(s, &item);
	err = p->preview(p->arg, &item, &text);
	sqlite3_reset(s);
	if (err == 0 && text.err == 0) {
		json_open(&j, '{');
		json_key(&j, "id");
		json_i64(&j, seq);
		json_key(&j, "message");
		json_str(&j, buf_text(&text), text.len);
		json_close(&j, '}');
		buf_putc(d->out, '\n');
	} else
		err = complain(d, seq, err != 0 ? err : text.err, "no message can be made of it: %s", text.len > 0 ? buf_text(&text) :
		    err_text(err));
	buf_fini(&text);
	return err;
}

int
outbox_do(struct outbox *b, int argc, const char *const *argv, const char *who, bool dry, struct mono now, struct wall wall,
    struct buf *out)
{
	struct deed d = { .b = b, .verb = argc > 0 ? argv[0] : "", .who = who, .dry = dry, .t = outbox_clock(b, now), .wall = wall,
		.out = out };
	const struct verb *v = NULL;
	bool resume = strcmp(d.verb, "resume") == 0;

	if (strcmp(d.verb, "message") == 0)
		return message(&d, argc, argv);
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(d.verb, verbs[i].name) == 0)
			v = &verbs[i];
	int err = v == NULL && !resume ? complain(&d, 0, ERR_UNSUPPORTED, "\"%.40s\" is nothing that an outbox can do", d.verb) :
	    parse(&d, argc, argv);
	if (err == 0 && (err = store_begin(b)) != 0)
		disk(&d, 0, err);
	else if (err == 0) {
		size_t told = out->len;
		err = resume ? go_on(&d) : perform(&d, v);
		/* One that could not be changed does not undo the others; a disk that fails undoes all. */
		bool broken = err == ERR_CORRUPT || (err != 0 && err_action(err) == ERR_DO_RETRY);
		if (broken || dry)
			store_rollback(b);
		else {
			int commit = store_commit(b, d.t);
			if (commit != 0) {
				out->len = told;
				err = disk(&d, 0, commit);
			}
		}
	}
	buf_fini(&d.what);
	buf_fini(&d.before);
	buf_fini(&d.after);
	return err;
}
