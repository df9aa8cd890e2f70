/* See poster.h. Start reading at post(). */
#include "sink/sap_odata/poster_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "os/clock.h"
#include "proto/odata/error.h"
#include "sink/sap_odata/event.h"

#define LASTING_NS	(300 * NS_PER_S)	/* what is put off for so long is nothing that mends itself */

/* ---- ops ---- */

void
op_free(struct op *op)
{
	*op->at = op->next;
	if (op->next != NULL)
		op->next->at = op->at;
	buf_fini(&op->body);
	arena_fini(&op->arena);
	free(op);
}

void
op_verdict(struct op *op, size_t i, const struct outbox_verdict *v)
{
	if (op->items[i].decided)
		return;
	op->items[i].decided = true;
	outbox_verdict(op->poster->outbox, op->items[i].seq, v, mono_now());
}

void
op_end(struct op *op, const struct outbox_verdict *v)
{
	for (size_t i = 0; i < op->n; i++)
		op_verdict(op, i, v);
	op_free(op);
}

static int
fault_of(struct poster *p, struct op *op, const struct outbox_item *item, struct op_item *it, struct fault *why)
{
	struct sap_event e;

	if (sap_event_read(item->of.body, item->of.body_len, &op->arena, &e, why->text, sizeof why->text) != 0) {
		snprintf(why->code, sizeof why->code, "event");
		return ERR_RANGE;
	}
	if (e.fault_code != NULL) {
		snprintf(why->code, sizeof why->code, "%s", e.fault_code);
		snprintf(why->text, sizeof why->text, "the event breaks its own declaration: %.300s", e.fault_text != NULL ? e.fault_text : "no reason is given");
		snprintf(why->target, sizeof why->target, "%s", e.fault_field != NULL ? e.fault_field : "");
		return ERR_RANGE;
	}
	it->mapping = item->of.mapping[0] != '\0' ? mapping_find(p->set, item->of.mapping) : NULL;
	if (it->mapping == NULL)
		it->mapping = sap_mapping_of(p->cfg, p->set, e.path, e.type, why->text, sizeof why->text);
	if (it->mapping == NULL) {
		snprintf(why->code, sizeof why->code, "mapping");
		return ERR_RANGE;
	}
	it->id = e.id;
	it->time = e.time;
	return message_build(it->mapping, metas_of(p->metas, it->mapping->service), &p->env, item->of.body, item->of.body_len, &op->arena,
	    &it->message, why);
}

struct op *
op_new(struct poster *p, enum op_kind kind, const struct outbox_item *const *v, size_t n)
{
	static const enum outbox_verdict_kind kinds[] = {
		[OP_POST] = OUTBOX_IS_BAD, [OP_LOOKUP] = OUTBOX_IS_REFUSED, [OP_FOLLOW] = OUTBOX_IS_LATE_FAILED,
	};
	struct op *op = calloc(1, sizeof *op);

	if (op == NULL)
		fatal("out_of_memory", "what=\"a post\"");
	*op = (struct op){ .poster = p, .kind = kind, .next = p->ops, .at = &p->ops };
	if (op->next != NULL)
		op->next->at = &op->next;
	p->ops = op;
	op->items = arena_array(&op->arena, n, sizeof *op->items);
	for (size_t i = 0; i < n; i++) {
		struct op_item *it = &op->items[op->n];
		struct fault why = { .code = "" };

		*it = (struct op_item){ .seq = v[i]->seq, .settled = v[i]->settled };
		if (fault_of(p, op, v[i], it, &why) == 0) {
			op->n++;
			continue;
		}
		/* Asking about what cannot be made any more: its mapping has changed since it was sent. A person must look. */
		const struct outbox_verdict bad = { .kind = kinds[kind], .code = why.code, .text = why.text,
		    .target = why.target };
		outbox_verdict(p->outbox, it->seq, &bad, mono_now());
	}
	if (op->n > 0)
		return op;
	op_free(op);
	return NULL;
}

void
poster_note(struct poster *p, const struct far_answer *a, const struct outbox_verdict *v)
{
	p->news.up = a->stage == FAR_CALL && a->http->end == HTTP_ANSWERED && v->kind != OUTBOX_IS_DOWN;
	bool trouble = v->kind == OUTBOX_IS_DOWN || (v->kind == OUTBOX_IS_BUSY && v->after_ns >= LASTING_NS);
	if (!trouble)
		p->news.trouble[0] = '\0';
	else
		snprintf(p->news.trouble, sizeof p->news.trouble, "%.240s", v->text != NULL && v->text[0] != '\0' ? v->text : v->code);
}

size_t
poster_id_headers(const struct op *op, const struct op_item *it, char v[ID_HEADERS][HEADER_TEXT])
{
	time_t t = (time_t)(it->time.ns / NS_PER_S);
	struct tm tm;
	char when[40], hex[40];
	size_t n = 0;

	/* Of the event, so that every repeat bears the same (IMF-fixdate, RFC 9110, 5.6.7). */
	if (!op->poster->cfg->repeatability || strlen(it->id) >= sizeof hex || gmtime_r(&t, &tm) == NULL)
		return 0;
	strftime(when, sizeof when, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	for (const char *c = it->id; *c != '\0'; c++)
		if (*c != '-')
			hex[n++] = *c;
	hex[n] = '\0';
	bool v2 = it->mapping->version == 2;
	snprintf(v[0], HEADER_TEXT, "%s: %s", v2 ? "RequestID" : "Repeatability-Request-ID", v2 ? hex : it->id);
	snprintf(v[1], HEADER_TEXT, "%s: %s", v2 ? "RepeatabilityCreation" : "Repeatability-First-Sent", when);
	return ID_HEADERS;
}

/* ---- posting alone ---- */

void
op_posted(struct op *op, size_t i, const struct sap_answer *a)
{
	struct op_item *it = &op->items[i];
	char document[OUTBOX_TEXT_MAX], warning[OUTBOX_TEXT_MAX] = "";
	struct odata_error said;
	int err = 0;

	if (it->mapping->update)	/* 204: the answer says nothing that was not read before */
		snprintf(document, sizeof document, "%s", op->document);
	else
		err = message_created(it->mapping, &it->message, a->body, a->len, document, sizeof document);
	if (err != 0) {
		op_verdict(op, i, &(struct outbox_verdict){ .kind = OUTBOX_IS_UNKNOWN, .code = "unreadable",
		    .text = err == ERR_PROTO ? "a success was said, but of another event: somebody on the way mixes up answers. It is looked up" :
		    "a success was said, but the answer holds no number of a document: it is looked up" });
		return;
	}
	if (a->message != NULL && odata_message_parse(a->message, strlen(a->message), &op->arena, &said) == 0)
		odata_error_line(&said, warning, sizeof warning);
	op_verdict(op, i, &(struct outbox_verdict){ .kind = OUTBOX_IS_DONE, .document = document, .text = warning,
	    .follow_ns = poster_follow_ns(op->poster, it) });
}

static void
on_posted(void *arg, const struct far_answer *got)
{
	struct op *op = arg;
	struct sap_answer a = sap_answer_of(got);
	struct outbox_verdict v;

	sap_judge(ASKED_POST, false, &a, wall_now(), &op->arena, &v);
	poster_note(op->poster, got, &v);
	if (v.kind == OUTBOX_IS_DONE)
		op_posted(op, 0, &a);
	else if (op->if_match != NULL && a.status == 412 && v.kind == OUTBOX_IS_BUSY)
		v.text = "somebody changed it between reading and writing: it is read again";
	else {
		const char *hint = mapping_hint(op->items[0].mapping, v.code);
		if (hint != NULL)
			v.text = arena_printf(&op->arena, "%s; %s", v.text, hint);
	}
	op_end(op, &v);
}

void
op_post_single(struct op *op)
{
	struct op_item *it = &op->items[0];
	char ids[ID_HEADERS][HEADER_TEXT];
	const char *h[8];
	size_t n = 0, nids = poster_id_headers(op, it, ids);

	if (it->mapping->update && op->if_match == NULL) {
		op_read_to_fill(op);
		return;
	}
	h[n++] = POSTER_ACCEPT;
	if (op->if_match != NULL)
		h[n++] = op->if_match;
	if (it->message.len > 0)
		h[n++] = "content-type: application/json";
	for (size_t i = 0; i < nids; i++)
		h[n++] = ids[i];
	h[n] = NULL;
	const struct far_call c = { .method = it->message.method, .service = it->mapping->service, .path = it->message.path, .headers = h,
	    .body = it->message.body, .len = it->message.len };
	int err = far_start(op->poster->far, &c, on_posted, op);
	op->poster->news.posts += err == 0;
	op->poster->news.messages += err == 0;
	op->poster->news.bytes += err == 0 ? it->message.len : 0;
	if (err != 0)
		op_end(op, &(struct outbox_verdict){ .kind = OUTBOX_IS_DOWN, .code = "unreachable", .text = err_text(err) });
}

/* ---- what the outbox calls ---- */

/* The service by which an item may travel with others; NULL: it goes alone. */
static const char *
service_of(const struct poster *p, const struct outbox_item *v)
{
	const struct mapping *m = v->of.mapping[0] != '\0' ? mapping_find(p->set, v->of.mapping) : NULL;

	/* Of a call the parameters stand in its address, which not every far end reads within a change set; an update reads first. */
	return m != NULL && !m->call && !m->update && !mono_before(mono_now(), p->no_batch_until) ? m->service : NULL;
}

static int
post(void *arg, const struct outbox_item *const *v, size_t n)
{
	struct poster *p = arg;
	const struct outbox_item *group[OUTBOX_BATCH_MAX];
	const char *service[OUTBOX_BATCH_MAX];
	bool taken[OUTBOX_BATCH_MAX] = { false };

	for (size_t i = 0; i < n; i++)
		service[i] = n > 1 ? service_of(p, v[i]) : NULL;
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		if (taken[i])
			continue;
		for (size_t j = i; j < n; j++) {
			if (j != i && (taken[j] || service[i] == NULL || service[j] == NULL || strcmp(service[i], service[j]) != 0))
				continue;
			group[k++] = v[j];
			taken[j] = true;
		}
		struct op *op = op_new(p, OP_POST, group, k);
		if (op != NULL && op->n > 1)
			op_post_batch(op);
		else if (op != NULL)
			op_post_single(op);
	}
	return 0;
}

void
poster_print(const char *base, const struct mapping *map, const struct message *m, struct buf *out)
{
	buf_printf(out, "%s %s%s/%s\nmapping %s\nidentity %s\nlane %s\n%s\n", m->method, base, map->service, m->path, map->name,
	    m->identity, m->lane, m->body);
}

static int
post_preview(void *arg, const struct outbox_item *item, struct buf *out)
{
	struct poster *p = arg;
	struct op op = { .poster = p };
	struct op_item it = { .seq = item->seq };
	struct fault why = { .code = "" };

	int err = fault_of(p, &op, item, &it, &why);
	if (err == 0)
		poster_print(p->cfg->far.base, it.mapping, &it.message, out);
	else
		buf_printf(out, "%s%s%s", why.target, why.target[0] != '\0' ? ": " : "", why.text);
	arena_fini(&op.arena);
	return err;
}

/* Where it would be looked up: system, service, and the question itself with the identity in it. */
static void
post_way(void *arg, const struct outbox_item *item, char *out, size_t size)
{
	struct poster *p = arg;
	struct op op = { .poster = p };
	struct op_item it = { .seq = item->seq };
	struct fault why = { .code = "" };

	if (fault_of(p, &op, item, &it, &why) == 0)
		poster_way(p, &it, out, size);
	arena_fini(&op.arena);
}

void
poster_way(const struct poster *p, const struct op_item *it, char *out, size_t size)
{
	const char *client = p->cfg->far.client;

	snprintf(out, size, "%s%s/%s client %s", p->cfg->far.base, it->mapping->service, it->message.lookup, client != NULL ? client : "default");
}

struct outbox_poster
poster_calls(struct poster *p)
{
	return (struct outbox_poster){ .post = post, .way = post_way, .lookup = post_lookup, .follow = post_follow, .preview = post_preview, .arg = p };
}

void
poster_fini(struct poster *p)
{
	while (p->ops != NULL)
		op_free(p->ops);
}
