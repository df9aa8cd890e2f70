/* Questions of the poster: is an event there already, and has what should follow from it followed? See poster.h. */
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "sink/sap_odata/poster_int.h"

#define FOLLOW_TRIES	5	/* so many times the pause: then what has not followed is a complaint */

/*
 * A user who may post and may not read is told "not there" of all, and what was booked would be posted again whenever an answer is lost. So of each mapping
 * with an identity one posting is looked for; what is not found is a complaint, and "not there" proves nothing for that mapping until something is found.
 */
static struct poster_sight *
sight_of(struct poster *p, const struct mapping *m)
{
	for (size_t i = 0; i < p->nsights; i++)
		if (p->sights[i].mapping == m)
			return &p->sights[i];
	return NULL;
}

/* The first of its mapping: it is looked for. */
static bool
sight_begin(struct poster *p, const struct op_item *it)
{
	if (it->mapping->identity_prop == NULL || it->message.lookup[0] == '\0' || p->nsights == SAP_POSTS_MAX || sight_of(p, it->mapping) != NULL)
		return false;
	p->sights[p->nsights++] = (struct poster_sight){ .mapping = it->mapping };
	return true;
}

/* What a look for one of them brought; a follow-up knows that it is there. */
static void
sight_note(const struct op *op, enum outbox_verdict_kind kind)
{
	struct poster_sight *s = sight_of(op->poster, op->items[0].mapping);

	if (s != NULL && (kind == OUTBOX_IS_DONE || kind == OUTBOX_IS_LATE_FAILED))
		s->blind = false;
	else if (s != NULL && kind == OUTBOX_IS_ABSENT && op->kind == OP_FOLLOW)
		s->blind = true;
}

static bool
has_goods(const struct op_item *it)
{
	return it->mapping->follow_nav != NULL && it->message.items > 0;
}

int64_t
poster_follow_ns(struct poster *p, const struct op_item *it)
{
	int64_t ns = p->cfg->follow_ns;

	return ns > 0 && (sight_begin(p, it) || has_goods(it)) ? ns : 0;
}

/* SAP has it in any case: that it cannot be said what followed is a complaint, no refusal. */
static void
end_follow(struct op *op, struct outbox_verdict *v)
{
	if (v->kind == OUTBOX_IS_REFUSED)
		v->kind = OUTBOX_IS_LATE_FAILED;
	op_end(op, v);
}

static void
on_followed(void *arg, const struct far_answer *got)
{
	struct op *op = arg;
	struct op_item *it = &op->items[0];
	struct sap_answer a = sap_answer_of(got);
	struct outbox_verdict v;
	char text[OUTBOX_TEXT_MAX] = "";

	sap_judge(ASKED_LIST, false, &a, wall_now(), &op->arena, &v);
	poster_note(op->poster, got, &v);
	if (v.kind == OUTBOX_IS_DONE) {
		int err = message_follow_judge(it->mapping, it->message.items, a.body, a.len, text, sizeof text);
		int64_t age = wall_now().ns - it->settled.ns, every = op->poster->cfg->follow_ns;
		v.text = text;
		if (err != 0 && age < FOLLOW_TRIES * every)
			v = (struct outbox_verdict){ .kind = OUTBOX_IS_BUSY, .after_ns = every, .code = "follow-up", .text = text };
		else if (err != 0)
			v = (struct outbox_verdict){ .kind = OUTBOX_IS_LATE_FAILED, .code = "follow-up", .text = text, .target = it->mapping->follow_nav };
	}
	end_follow(op, &v);
}

static void
start_follow(struct op *op, const struct sap_answer *found)
{
	static const char *const h[] = { POSTER_ACCEPT, NULL };
	struct op_item *it = &op->items[0];
	char path[HTTP_URL_MAX];

	int err = message_follow(it->mapping, found->body, found->len, path, sizeof path);
	if (err != 0 || path[0] == '\0') {	/* nothing to look at, or no way to say where */
		op_end(op, &(struct outbox_verdict){ .kind = err == 0 ? OUTBOX_IS_DONE : OUTBOX_IS_LATE_FAILED, .code = "follow-up",
		    .text = err == 0 ? "" : "whether its goods movements were booked cannot be found out: look in SAP" });
		return;
	}
	const struct far_call c = { .method = "GET", .service = it->mapping->service, .path = path, .headers = h };
	if (far_start(op->poster->far, &c, on_followed, op) != 0)
		op_end(op, &(struct outbox_verdict){ .kind = OUTBOX_IS_BUSY, .code = "unreachable", .text = err_text(ERR_NOMEM) });
}

/* The answer of a lookup that was a success, read. */
static void
found(struct op *op, const struct sap_answer *a, struct outbox_verdict *v)
{
	struct op_item *it = &op->items[0];
	char document[OUTBOX_TEXT_MAX];
	unsigned more = 1;

	int err = message_document(it->mapping, &it->message, a->body, a->len, document, sizeof document, &more);
	*v = (struct outbox_verdict){ .kind = OUTBOX_IS_DONE };
	if (err == 0) {
		v->document = arena_strdup(&op->arena, document);
		v->follow_ns = has_goods(it) ? op->poster->cfg->follow_ns : 0;
		if (more > 1)
			*v = (struct outbox_verdict){ .kind = OUTBOX_IS_LATE_FAILED, .document = v->document, .code = "double",
			    .text = arena_printf(&op->arena, "SAP holds this %u times: cancel all but one there", more) };
	} else if (err == ERR_NOTFOUND)
		v->kind = OUTBOX_IS_ABSENT;
	else if (err == ERR_PROTO)
		*v = (struct outbox_verdict){ .kind = OUTBOX_IS_REFUSED, .code = "lookup-ignored", .target = it->mapping->identity_prop,
		    .text = "asked for one identity, SAP gave documents of others: the service does not filter by it, so nobody can say whether this one is "
		    "there. Look in SAP; cancel it if it is there, else penstock outbox resend it" };
	else
		*v = (struct outbox_verdict){ .kind = OUTBOX_IS_UNKNOWN, .code = "unreadable",
		    .text = "the answer to the question whether it is there cannot be understood" };
}

static void
on_looked(void *arg, const struct far_answer *got)
{
	struct op *op = arg;
	struct sap_answer a = sap_answer_of(got);
	struct outbox_verdict v;

	sap_judge(ASKED_LOOKUP, op->items[0].message.lookup_key, &a, wall_now(), &op->arena, &v);
	poster_note(op->poster, got, &v);
	if (v.kind == OUTBOX_IS_DONE)
		found(op, &a, &v);
	sight_note(op, v.kind);
	const struct poster_sight *s = sight_of(op->poster, op->items[0].mapping);
	if (op->kind == OP_FOLLOW && v.kind == OUTBOX_IS_DONE && has_goods(&op->items[0]))
		start_follow(op, &a);
	else if (op->kind == OP_FOLLOW && v.kind == OUTBOX_IS_ABSENT)
		op_end(op, &(struct outbox_verdict){ .kind = OUTBOX_IS_LATE_FAILED, .code = "gone", .text = "SAP took it, and a look for it finds none: it was "
		    "taken away there, or the technical user may post it and not read it. Give it the right to, then penstock outbox seen" });
	else if (op->kind == OP_FOLLOW)
		end_follow(op, &v);
	else {
		if (v.kind == OUTBOX_IS_ABSENT && s != NULL && s->blind)
			v = (struct outbox_verdict){ .kind = OUTBOX_IS_REFUSED, .code = "lookup-blind", .text = "SAP says that it is not there, as it says of one "
			    "that it had taken: maybe the technical user may not read what it posts. Look in SAP; then penstock outbox resend or cancel it" };
		op_end(op, &v);
	}
}

static int
ask(struct poster *p, enum op_kind kind, const struct outbox_item *item)
{
	static const char *const h[] = { POSTER_ACCEPT, NULL };
	struct op *op = op_new(p, kind, &item, 1);

	if (op == NULL)		/* it has its verdict */
		return 0;
	const struct op_item *it = &op->items[0];
	char way[OUTBOX_TEXT_MAX];
	poster_way(p, it, way, sizeof way);
	if (item->way[0] != '\0' && strcmp(item->way, way) != 0) {
		op_end(op, &(struct outbox_verdict){ .kind = kind == OP_FOLLOW ? OUTBOX_IS_LATE_FAILED : OUTBOX_IS_REFUSED, .code = "moved",
		    .text = arena_printf(&op->arena, "since it was posted its mapping or the server has changed, and asking elsewhere would prove nothing. It was "
		    "posted to be found at %s: look there%s", item->way, kind == OP_FOLLOW ? " whether its goods movements are booked (COGI)" :
		    ", then penstock outbox resend or cancel it") });
		return 0;
	}
	if (it->message.lookup[0] == '\0') {
		op_end(op, &(struct outbox_verdict){ .kind = kind == OP_FOLLOW ? OUTBOX_IS_DONE : OUTBOX_IS_REFUSED, .code = "no-lookup",
		    .text = "it was sent, the answer was lost, and the mapping knows no way to ask for it: look in SAP, then penstock outbox resend or cancel it" });
		return 0;
	}
	const struct far_call c = { .method = "GET", .service = it->mapping->service, .path = it->message.lookup, .headers = h };
	int err = far_start(p->far, &c, on_looked, op);
	if (err != 0)
		op_free(op);
	return err;
}

int
post_lookup(void *arg, const struct outbox_item *item)
{
	return ask(arg, OP_LOOKUP, item);
}

int
post_follow(void *arg, const struct outbox_item *item)
{
	return ask(arg, OP_FOLLOW, item);
}
