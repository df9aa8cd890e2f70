/*
 * Several events in one $batch: each is a change set of its own, so that one that is refused takes no other with it. The answer has a part for
 * each, in the order of the change sets; what has no part, or a part that cannot be told apart, is looked up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/clock.h"
#include "proto/odata/batch.h"
#include "sink/sap_odata/poster_int.h"

#define NO_BATCH_NS	(3600 * NS_PER_S)	/* a service that refuses $batch as such is not asked again before */

static int
build(struct op *op, struct odata_batch *b)
{
	char seed[48], id[24], ids[ID_HEADERS][HEADER_TEXT];

	snprintf(seed, sizeof seed, "penstock-%llu-%lld", (unsigned long long)++op->poster->nbatches, (long long)op->items[0].seq);
	op->body = (struct buf){ .max = BATCH_BYTES_MAX };
	odata_batch_begin(b, &op->body, seed);
	for (size_t i = 0; i < op->n; i++) {
		const struct op_item *it = &op->items[i];
		size_t nids = poster_id_headers(op, it, ids);
		snprintf(id, sizeof id, "%zu", i + 1);
		odata_batch_put(b, &(struct odata_op){ .set = (unsigned)i + 1, .method = it->message.method, .path = it->message.path, .content_id = id,
		    .headers = nids == ID_HEADERS ? arena_printf(&op->arena, "%s\r\n%s\r\n", ids[0], ids[1]) : NULL, .body = it->message.body,
		    .len = it->message.len });
	}
	return odata_batch_end(b);
}

/* The whole $batch was not taken: nothing of it was done. Each goes alone, and so do the next ones for a while. */
static void
fall_apart(struct op *op, const struct outbox_verdict *v)
{
	struct poster *p = op->poster;

	log_warn("batch_refused", "service=%s code=\"%s\" text=\"%.200s\" retry=\"each event alone; $batch again in an hour\"",
	    op->items[0].mapping->service, v->code, v->text);
	p->no_batch_until = mono_add(mono_now(), NO_BATCH_NS);
	op_end(op, &(struct outbox_verdict){ .kind = OUTBOX_IS_BUSY, .after_ns = 1, .code = v->code, .text = v->text });
}

static void
part_judged(struct op *op, size_t i, const struct odata_part *part)
{
	struct sap_answer a = { .stage = FAR_CALL, .end = HTTP_ANSWERED, .status = part->status, .body = part->body, .len = part->len,
	    .type = odata_header(part->headers, "content-type", &op->arena), .retry_after = odata_header(part->headers, "retry-after", &op->arena),
	    .message = odata_header(part->headers, "sap-message", &op->arena) };
	struct outbox_verdict v;

	sap_judge(ASKED_POST, false, &a, wall_now(), &op->arena, &v);
	const char *hint = v.kind == OUTBOX_IS_DONE ? NULL : mapping_hint(op->items[i].mapping, v.code);
	if (hint != NULL)
		v.text = arena_printf(&op->arena, "%s; %s", v.text, hint);
	if (v.kind == OUTBOX_IS_DONE)
		op_posted(op, i, &a);
	else
		op_verdict(op, i, &v);
}

static void
read_parts(struct op *op, const struct sap_answer *a)
{
	struct odata_part *parts = NULL;
	size_t n = 0;
	char why[256] = "a change set got no answer", id[24];

	int err = odata_batch_parse(a->type != NULL ? a->type : "", a->body, a->len, &op->arena, &parts, &n, why);
	if (err != 0 && err != ERR_SHORT)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		size_t at = parts[i].place;
		/* An identity that is echoed counts more than the place. */
		snprintf(id, sizeof id, "%zu", at + 1);
		if (at < op->n && (parts[i].content_id[0] == '\0' || strcmp(parts[i].content_id, id) == 0))
			part_judged(op, at, &parts[i]);
	}
	op_end(op, &(struct outbox_verdict){ .kind = OUTBOX_IS_UNKNOWN, .code = "unreadable", .text = why });
}

static void
on_batch(void *arg, const struct far_answer *got)
{
	struct op *op = arg;
	struct sap_answer a = sap_answer_of(got);
	struct outbox_verdict v;

	sap_judge(ASKED_POST, false, &a, wall_now(), &op->arena, &v);
	poster_note(op->poster, got, &v);
	if (v.kind == OUTBOX_IS_DONE)
		read_parts(op, &a);
	else if (a.end == HTTP_ANSWERED && a.stage == FAR_CALL && a.status / 100 != 5 && (v.kind == OUTBOX_IS_REFUSED || v.kind == OUTBOX_IS_BUSY))
		fall_apart(op, &v);
	else
		op_end(op, &v);
}

void
op_post_batch(struct op *op)
{
	struct odata_batch b;
	int err = build(op, &b);

	if (err == 0) {
		const char *const h[] = { arena_printf(&op->arena, "content-type: %s", b.type), "accept: multipart/mixed", NULL };
		const struct far_call c = { .method = "POST", .service = op->items[0].mapping->service, .path = "$batch", .headers = h,
		    .body = op->body.p, .len = op->body.len };
		err = far_start(op->poster->far, &c, on_batch, op);
	}
	op->poster->news.posts += err == 0;
	op->poster->news.messages += err == 0 ? op->n : 0;
	op->poster->news.bytes += err == 0 ? op->body.len : 0;
	if (err != 0) {
		log_warn("batch_not_built", "error=\"%s\"", err_text(err));
		op->poster->no_batch_until = mono_add(mono_now(), NO_BATCH_NS);
		op_end(op, &(struct outbox_verdict){ .kind = OUTBOX_IS_BUSY, .code = "batch", .text = err_text(err) });
	}
}
