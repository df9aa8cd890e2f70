/*
 * What a person is told: why a tag is bad, with the request and the reply as bytes and in words, and any frame in one
 * line.
 */
#include "driver/modbus/modbus.h"

#include <stdio.h>

#include "model/status.h"

static const char *const fault_words[] = {
	[MB_FAULT_NONE] = "nothing",
	[MB_FAULT_EXCEPTION] = "the device refused the request",
	[MB_FAULT_TIMEOUT] = "no reply came in time",
	[MB_FAULT_GARBAGE] = "what came is no valid reply",
	[MB_FAULT_LINK] = "the connection was lost",
};
_Static_assert(sizeof fault_words / sizeof fault_words[0] == MB_FAULTS, "a text a fault");

static const char *
fault_remedy(const struct mb_trouble *t)
{
	switch (t->fault) {
	case MB_FAULT_EXCEPTION:
		return mb_exception_remedy(t->exception);
	case MB_FAULT_TIMEOUT:
		return "check power, cabling and the unit id: a wrong unit id is often not answered at all; or "
		       "lengthen timeout";
	case MB_FAULT_GARBAGE:
		return "check the line (termination, baud, parity, two units with one address) or, on TCP, the kind of "
		       "gateway";
	default:
		return "check the network and the device; the connection is opened again by itself";
	}
}

static void
put_hex(struct buf *b, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_printf(b, "%s%02X", i > 0 ? " " : "", p[i]);
}

static void
json_hex(struct json *j, const char *key, const uint8_t *p, size_t len)
{
	struct buf b = { .max = 4096 };

	put_hex(&b, p, len);
	json_key(j, key);
	json_str(j, buf_text(&b), b.len);
	buf_fini(&b);
}

static void
json_words(struct json *j, const char *key, enum mb_framing f, bool out, const uint8_t *p, size_t len)
{
	struct buf b = { .max = 4096 };

	mb_explain(f, out, p, len, &b);
	json_key(j, key);
	json_str(j, buf_text(&b), b.len);
	buf_fini(&b);
}

static void
why_trouble(const struct mb_link *l, const struct mb_src *s, const struct mb_block *b, struct json *j)
{
	const struct mb_trouble *t = &b->trouble;

	json_key(j, "cause");
	if (t->fault == MB_FAULT_EXCEPTION) {
		char text[80];
		snprintf(text, sizeof text, "%s: exception %u, %s", fault_words[t->fault], t->exception,
		    mb_exception_name(t->exception));
		json_text(j, text);
		json_key_u64(j, "exception", t->exception);
		json_key_text(j, "exception-name", mb_exception_name(t->exception));
	} else
		json_text(j, fault_words[t->fault]);
	json_key_text(j, "remedy", fault_remedy(t));
	json_wall(j, "since", t->since, 3);
	json_wall(j, "last", t->last, 3);
	json_key_u64(j, "count", t->count);
	if (t->reply_len > 0) {
		json_hex(j, "reply", t->reply, t->reply_len);
		json_words(j, "reply-decoded", l->framing, false, t->reply, t->reply_len);
	}
	if (b->retry_at.ns > l->now.ns)
		json_key_i64(j, "next-try-in-ms", mono_diff(b->retry_at, l->now) / NS_PER_MS);
	(void)s;
}

static void
why_request(const struct mb_link *l, const struct mb_src *s, const struct mb_block *b, struct json *j)
{
	uint8_t pdu[8], adu[MB_ADU_MAX];
	struct writer w = wr_init(pdu, sizeof pdu);

	mb_put_read(&w, mb_read_fc(b->table), b->reg0, b->count);
	size_t len = mb_frame(l->framing, b->trouble.tid, s->conf.unit, pdu, wr_len(&w), adu);
	json_hex(j, "request", adu, len);
	json_words(j, "request-decoded", l->framing, true, adu, len);
}

/* The device answers but the value makes no sense: which registers, and what is wrong with them. */
static void
why_value(const struct mb_tag *t, struct json *j)
{
	json_key(j, "cause");
	if (t->bad == (uint32_t)STATUS_BadNotSupported)
		json_text(j, "the device marks this value as not implemented");
	else if (t->bad == (uint32_t)STATUS_BadDecodingError)
		json_text(j, "the registers hold no decimal digits (BCD)");
	else
		json_text(j, "the value is NaN, infinite, or outside of what the tag's type can hold");
	json_key(j, "remedy");
	json_text(j, "check type, word-order and scaling of the tag against the device's manual; or the sensor, if it "
		     "was right before");
	if (!mb_table_bits(t->op.a.table))
		json_hex(j, "registers", t->raw, t->op.a.span < 4 ? 2u * t->op.a.span : 8u);
}

/*
 * A tag that is in no scan: its last on-demand read, told as if it were a block. An exception's reply follows from the
 * request and the code, byte for byte.
 */
static struct mb_block
asked_block(const struct mb_link *l, const struct mb_src *s, const struct mb_tag *t)
{
	const struct mb_asked *a = &t->asked;
	struct mb_block b = { .table = t->op.a.table, .reg0 = a->reg0, .count = a->count };
	uint8_t adu[MB_ADU_MAX];

	if (a->fault == MB_FAULT_NONE)
		return b;
	b.trouble = (struct mb_trouble){ .since = a->when, .last = a->when, .count = 1, .tid = a->tid,
	    .fault = a->fault, .exception = a->exception };
	if (a->fault == MB_FAULT_EXCEPTION) {
		const uint8_t pdu[] = { mb_read_fc(b.table) | MB_EXCEPTION_BIT, a->exception };
		b.trouble.reply_len = (uint8_t)mb_frame(l->framing, a->tid, s->conf.unit, pdu, sizeof pdu, adu);
		memcpy(b.trouble.reply, adu, b.trouble.reply_len);
	}
	return b;
}

void
mb_why(const struct mb_link *l, const struct mb_src *s, uint32_t tag, struct json *j)
{
	const struct mb_tag *t = &s->tags[s->pos[tag]];
	const struct mb_addr *a = &t->op.a;
	char text[160];

	if (t->broken) {
		json_key_text(j, "cause", "the address cannot be understood");
		json_key_text(j, "remedy", "run penstock check on the site file");
		return;
	}
	snprintf(text, sizeof text, "unit %u, %s %u%s, %u %s, counted from 0 as on the wire", s->conf.unit,
	    mb_table_name(a->table), a->reg0, a->kind == MB_K_REG_BIT ? " (bit of a register)" : "", a->span,
	    mb_table_bits(a->table) ? "bit(s)" : "register(s)");
	json_key_text(j, "place", text);
	json_key_bool(j, "isolated", t->isolated);
	const struct mb_block asked = asked_block(l, s, t);
	const struct mb_block *b = t->block != MB_NONE ? &s->blocks[t->block] : &asked;
	if (b->count > 0)
		why_request(l, s, b, j);
	if (b->trouble.count > 0)
		why_trouble(l, s, b, j);
	else if (t->bad != STATUS_Good)
		why_value(t, j);
}
