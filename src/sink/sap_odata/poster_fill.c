/* An update: its entity is read, held against the message, and filled in under the ETag that it was read with (RFC 9110, 13.1.1). */
#include "os/clock.h"
#include "sink/sap_odata/poster_int.h"

#define LATER_NS	(300 * NS_PER_S)

/* Nothing was changed so far: what nobody knows the end of may be asked again. */
static void
end_unread(struct op *op, struct outbox_verdict *v)
{
	if (v->kind == OUTBOX_IS_UNKNOWN)
		v->kind = OUTBOX_IS_BUSY;
	if (v->kind == OUTBOX_IS_ABSENT)
		*v = (struct outbox_verdict){ .kind = OUTBOX_IS_REFUSED, .code = "not-there",
		    .text = arena_printf(&op->arena, "what is to be filled in, %s, is not in SAP: have it made there, then retry; or the rule \"not-there -> retry "
		    "after 5 min\" waits for it", op->items[0].message.path) };
	op_end(op, v);
}

static void
on_read(void *arg, const struct far_answer *got)
{
	struct op *op = arg;
	struct op_item *it = &op->items[0];
	struct sap_answer a = sap_answer_of(got);
	struct outbox_verdict v;
	struct fill f;

	sap_judge(ASKED_LOOKUP, true, &a, wall_now(), &op->arena, &v);
	poster_note(op->poster, got, &v);
	if (v.kind != OUTBOX_IS_DONE) {
		end_unread(op, &v);
		return;
	}
	if (message_fill(it->mapping, &it->message, a.body, a.len, &op->arena, &f) != 0) {
		op_end(op, &(struct outbox_verdict){ .kind = OUTBOX_IS_BUSY, .after_ns = LATER_NS, .code = "unreadable",
		    .text = "what is to be filled in was read, and the answer cannot be understood" });
		return;
	}
	op->document = f.document;
	if (f.state == FILL_TAKEN)
		op_end(op, &(struct outbox_verdict){ .kind = OUTBOX_IS_REFUSED, .code = "taken", .target = f.prop,
		    .text = arena_printf(&op->arena, "SAP has %.80s there already, the event says %.80s, and nothing that others have written is written over: see who is "
		    "right, then cancel it, or blank the field in SAP and retry", f.has, f.wanted) });
	else if (f.state == FILL_SAME)
		op_end(op, &(struct outbox_verdict){ .kind = OUTBOX_IS_DONE, .document = op->document, .text = "SAP had it so already" });
	else {
		const char *etag = a.etag != NULL && a.etag[0] != '\0' ? a.etag : f.etag;
		op->if_match = arena_printf(&op->arena, "if-match: %s", etag != NULL ? etag : "*");
		op_post_single(op);
	}
}

void
op_read_to_fill(struct op *op)
{
	static const char *const h[] = { POSTER_ACCEPT, NULL };
	const struct op_item *it = &op->items[0];
	const struct far_call c = { .method = "GET", .service = it->mapping->service, .path = it->message.path, .headers = h };

	if (far_start(op->poster->far, &c, on_read, op) != 0)
		op_end(op, &(struct outbox_verdict){ .kind = OUTBOX_IS_DOWN, .code = "unreachable", .text = err_text(ERR_NOMEM) });
}
