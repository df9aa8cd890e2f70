/*
 * What a verdict makes of an event. Each kind of call has its table: kind of verdict -> what becomes of the event. Verdicts wait in
 * memory until a turn notes them; what concerns the far end as a whole (it is down) counts from the moment it is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "outbox/inside.h"

/* ---- taking them ---- */

/* As much of a text as is kept, not ending within a character. */
static size_t
cut(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	if (n <= max)
		return n;
	for (n = max; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
		;
	return n;
}

/* A copy of the texts of a verdict in one allocation. */
static int
copy(const struct outbox_verdict *v, struct outbox_verdict *out, char **said)
{
	const char *from[] = { v->document, v->code, v->text, v->target };
	static const size_t max[] = { OUTBOX_TEXT_MAX, OUTBOX_CODE_MAX, OUTBOX_TEXT_MAX, OUTBOX_NAME_MAX };
	size_t len[4], total = 4;

	for (int i = 0; i < 4; i++) {
		from[i] = from[i] != NULL ? from[i] : "";
		len[i] = cut(from[i], max[i]);
		total += len[i];
	}
	char *p = malloc(total);
	if (p == NULL)
		return ERR_NOMEM;
	*said = p;
	*out = *v;
	const char **to[] = { &out->document, &out->code, &out->text, &out->target };
	for (int i = 0; i < 4; i++) {
		memcpy(p, from[i], len[i]);
		p[len[i]] = '\0';
		*to[i] = p;
		p += len[i] + 1;
	}
	return 0;
}

static void
far_end_down(struct outbox *b, const struct outbox_verdict *v, int64_t t)
{
	if (t >= b->down_until_t)	/* several that were under way say the same: one pause */
		b->down_until_t = t + (v->after_ns > 0 ? v->after_ns : backoff_next(&b->down));
	else if (v->after_ns > 0 && t + v->after_ns > b->down_until_t)
		b->down_until_t = t + v->after_ns;
	b->probing = true;
	const char *code = v->code != NULL ? v->code : "", *text = v->text != NULL ? v->text : "";
	snprintf(b->down_why, sizeof b->down_why, "%.200s%s%.190s", code, *code != '\0' && *text != '\0' ? ": " : "", text);
}

static void
far_end_up(struct outbox *b)
{
	b->probing = false;
	b->down_until_t = 0;
	b->down_why[0] = '\0';
	backoff_reset(&b->down);
}

static void
take_late(struct outbox *b, int64_t seq, const struct outbox_verdict *v)
{
	struct late *l = b->nlates < OUTBOX_LATE_MAX ? calloc(1, sizeof *l) : NULL;

	if (l == NULL || copy(v, &l->verdict, &l->said) != 0) {
		free(l);
		log_error("outbox_complaint_lost", "item=%lld code=\"%.100s\" why=\"the disk takes nothing, and too many wait for it\"",
		    (long long)seq, v->code != NULL ? v->code : "");
		return;
	}
	l->seq = seq;
	l->next = b->lates;
	b->lates = l;
	b->nlates++;
}

void
outbox_verdict(struct outbox *b, int64_t seq, const struct outbox_verdict *v, struct mono now)
{
	struct flight *f = flight_find(b, seq);
	int64_t t = outbox_clock(b, now);

	if (f == NULL || f->answered) {
		if (v->kind == OUTBOX_IS_LATE_FAILED && (f == NULL || f->call != CALL_FOLLOW))
			take_late(b, seq, v);
		else
			b->strays++;
		return;
	}
	if (copy(v, &f->verdict, &f->said) != 0)
		fatal("out_of_memory", "what=verdict");
	f->answered = true;
	f->answered_t = t;
	b->nanswered++;
	if (v->kind == OUTBOX_IS_DOWN)
		far_end_down(b, v, t);
	else if (v->kind != OUTBOX_IS_UNKNOWN && v->kind != OUTBOX_IS_BAD)	/* it has spoken */
		far_end_up(b);
	if (--f->group->open == 0) {
		free(f->group);
		b->connections_used--;
	}
	f->group = NULL;
}

/* ---- what becomes of the event ---- */

/* What is being made of one event. */
struct change {
	struct outbox		*b;
	const struct flight	*f;
	struct row		*r;
	int64_t			 t, due_t;	/* due_t: when its lane goes on */
	struct wall		 wall;
};

/* The pause after so many in a row: 2, 4, 8 s ..., drawn from the upper half of its range. */
static int64_t
pause_ns(const struct change *c)
{
	struct outbox *b = c->b;
	struct backoff w;

	if (c->f->verdict.after_ns > 0)
		return c->f->verdict.after_ns;
	backoff_init(&w, b->down.min_ns, b->down.max_ns, b->random);
	for (uint32_t i = 1; i < c->r->waits && w.last_ns < w.max_ns; i++)
		w.last_ns = w.last_ns == 0 ? w.min_ns : w.last_ns * 2;
	int64_t ns = backoff_next(&w);
	b->random = w.random;
	return ns;
}

static void
said(struct change *c)
{
	c->r->code = c->f->verdict.code;
	c->r->text = c->f->verdict.text;
	c->r->target = c->f->verdict.target;
}

static void
confirm(struct change *c)
{
	const struct outbox_verdict *v = &c->f->verdict;

	c->r->state = OUTBOX_CONFIRMED;
	c->r->unknown = c->r->open = false;
	c->r->waits = 0;
	c->r->settled = c->wall.ns;
	c->r->aged_t = c->t;
	c->r->document = v->document;
	c->r->follow_t = v->follow_ns > 0 && c->b->opts.poster.follow != NULL ? c->t + v->follow_ns : 0;
	said(c);
}

static void
complain(struct change *c)
{
	if (c->f->call != CALL_FOLLOW)
		confirm(c);
	c->r->follow_t = 0;
	c->r->complaint = true;
	said(c);
}

static void
ready_later(struct change *c)
{
	c->r->state = OUTBOX_READY;
	c->r->waits++;
	c->due_t = c->t + pause_ns(c);
	said(c);
}

/* All wait for the far end; this one is as it was before. Not said: it is no fault of this event. */
static void
ready_again(struct change *c)
{
	c->r->state = OUTBOX_READY;
}

static void
look_up_later(struct change *c)
{
	c->r->unknown = true;
	c->r->waits++;
	c->due_t = c->t + pause_ns(c);
	if (c->f->call == CALL_POST)	/* nobody listens from here on; the far end may go on */
		c->r->posted_t = c->f->answered_t;
	said(c);
}

static void
look_up_again(struct change *c)
{
	c->r->unknown = true;
}

/* It is not there. Only what was asked long enough after the post counts: until then the post may still be at work there. */
static void
absent(struct change *c)
{
	int64_t settled_t = c->r->posted_t + c->b->opts.settle_ns;

	if (c->f->began_t < settled_t) {
		c->due_t = settled_t;
		return;
	}
	c->r->state = OUTBOX_READY;
	c->r->unknown = false;
	/* The first time at once. One that is lost again and again is what the far end cannot digest: the pauses grow as for any other trouble. */
	if (c->r->waits++ > 1)
		c->due_t = c->t + pause_ns(c);
}

static void
refuse(struct change *c)
{
	const struct outbox_rule *rule = rule_find(&c->b->opts, c->f->verdict.code);

	said(c);
	if (rule != NULL && rule->action == OUTBOX_RETRY) {
		c->r->state = c->f->call == CALL_LOOKUP ? OUTBOX_SENT : OUTBOX_READY;
		c->due_t = c->t + rule->after_ns;
		return;
	}
	c->r->state = OUTBOX_REFUSED;
	c->r->waits = 0;
	c->r->open = !(rule != NULL ? rule->action == OUTBOX_PASS : c->b->opts.pass);
}

static void
bad(struct change *c)
{
	const struct outbox_rule *rule = rule_find(&c->b->opts, c->f->verdict.code);

	said(c);
	c->r->state = OUTBOX_QUARANTINED;
	c->r->waits = 0;
	c->r->open = !(rule != NULL && rule->action != OUTBOX_RETRY ? rule->action == OUTBOX_PASS : c->b->opts.pass);
}

static void
followed(struct change *c)
{
	c->r->follow_t = 0;
	c->r->waits = 0;
}

static void
follow_later(struct change *c)
{
	c->r->waits++;
	c->r->follow_t = c->t + pause_ns(c);
}

static void
follow_again(struct change *c)
{
	c->r->follow_t = c->t;
}

static void (*const becomes[][OUTBOX_VERDICT_KINDS])(struct change *) = {
	[CALL_POST] = {
		[OUTBOX_IS_DONE] = confirm, [OUTBOX_IS_ABSENT] = look_up_later, [OUTBOX_IS_REFUSED] = refuse,
		[OUTBOX_IS_BUSY] = ready_later, [OUTBOX_IS_DOWN] = ready_again, [OUTBOX_IS_UNKNOWN] = look_up_later,
		[OUTBOX_IS_BAD] = bad, [OUTBOX_IS_LATE_FAILED] = complain,
	},
	[CALL_LOOKUP] = {
		[OUTBOX_IS_DONE] = confirm, [OUTBOX_IS_ABSENT] = absent, [OUTBOX_IS_REFUSED] = refuse,
		[OUTBOX_IS_BUSY] = look_up_later, [OUTBOX_IS_DOWN] = look_up_again, [OUTBOX_IS_UNKNOWN] = look_up_later,
		[OUTBOX_IS_BAD] = bad, [OUTBOX_IS_LATE_FAILED] = complain,
	},
	[CALL_FOLLOW] = {
		[OUTBOX_IS_DONE] = followed, [OUTBOX_IS_ABSENT] = follow_later, [OUTBOX_IS_REFUSED] = complain,
		[OUTBOX_IS_BUSY] = follow_later, [OUTBOX_IS_DOWN] = follow_again, [OUTBOX_IS_UNKNOWN] = follow_later,
		[OUTBOX_IS_BAD] = complain, [OUTBOX_IS_LATE_FAILED] = complain,
	},
};

/* ---- noting it ---- */

/* One line of an event's history; of a long one the middle is left out. */
static int
note_try(struct outbox *b, struct row *r, const struct flight *f)
{
	sqlite3_stmt *s = store_statement(b, SQL_TRY);
	const struct outbox_verdict *v = &f->verdict;
	const char *const texts[] = { v->document, v->code, v->text, v->target };
	const int64_t numbers[] = { r->seq, ++r->tries, f->began_wall, f->answered_t - f->began_t, f->call, v->kind };

	if (s == NULL)
		return ERR_IO;
	for (int i = 0; i < 6; i++)
		sqlite3_bind_int64(s, i + 1, numbers[i]);
	for (int i = 0; i < 4; i++)
		sqlite3_bind_text(s, i + 7, texts[i], -1, SQLITE_STATIC);
	int err = store_done(b, s);
	if (err != 0 || r->tries <= OUTBOX_TRIES_FIRST + OUTBOX_TRIES_LAST)
		return err;
	s = store_statement(b, SQL_TRY_TRIM);
	sqlite3_bind_int64(s, 1, r->seq);
	sqlite3_bind_int64(s, 2, (int64_t)r->tries - OUTBOX_TRIES_LAST);
	return store_done(b, s);
}

static int
apply(struct outbox *b, const struct flight *f, int64_t t, struct wall wall)
{
	sqlite3_stmt *s;
	struct row was, r;

	int err = row_get(b, f->item.seq, &s);
	if (err == ERR_NOTFOUND)	/* of a store that was lost */
		return 0;
	if (err != 0)
		return err;
	row_read(s, &was);
	r = was;
	struct change c = { .b = b, .f = f, .r = &r, .t = t, .due_t = t, .wall = wall };
	/* A person may have settled it meanwhile (cancel is refused for what is under way, so only a follow-up is out of date). */
	if (f->call == CALL_FOLLOW ? was.state == OUTBOX_CONFIRMED : was.state == OUTBOX_SENT) {
		becomes[f->call][f->verdict.kind](&c);
		err = note_try(b, &r, f);
		err = err != 0 ? err : row_put(b, &was, &r);
		if (err == 0 && f->call != CALL_FOLLOW)
			err = lane_refresh(b, was.lane, c.due_t, t, true);
	}
	sqlite3_reset(s);
	return err;
}

static int
apply_late(struct outbox *b, const struct late *l)
{
	sqlite3_stmt *s;
	struct row was, r;

	int err = row_get(b, l->seq, &s);
	if (err != 0)
		return err == ERR_NOTFOUND ? 0 : err;
	row_read(s, &was);
	r = was;
	if (was.state == OUTBOX_CONFIRMED) {
		r.complaint = true;
		r.follow_t = 0;
		r.code = l->verdict.code;
		r.text = l->verdict.text;
		r.target = l->verdict.target;
		err = row_put(b, &was, &r);
	} else
		b->strays++;
	sqlite3_reset(s);
	return err;
}

int
verdicts_apply(struct outbox *b, int64_t t, struct wall wall)
{
	int err = 0;

	for (size_t i = 0; b->nanswered > 0 && err == 0 && i < OUTBOX_BUCKETS; i++)
		for (struct flight *f = b->flights[i]; err == 0 && f != NULL; f = f->next)
			if (f->answered && !f->orphan)
				err = apply(b, f, t, wall);
	for (struct late *l = b->lates; err == 0 && l != NULL; l = l->next)
		err = apply_late(b, l);
	return err;
}

void
verdicts_done(struct outbox *b)
{
	for (size_t i = 0; b->nanswered > 0 && i < OUTBOX_BUCKETS; i++)
		for (struct flight *f = b->flights[i], *next; f != NULL; f = next) {
			next = f->next;
			if (f->answered) {
				flight_remove(b, f);
				b->nanswered--;
			}
		}
	while (b->lates != NULL) {
		struct late *l = b->lates;
		b->lates = l->next;
		free(l->said);
		free(l);
	}
	b->nlates = 0;
}
