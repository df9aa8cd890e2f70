/*
 * See modbus_try.h. Questions are answered one after the other; a question is a queue of pieces that are still to be
 * read.
 */
#include "driver/modbus/modbus_try.h"

#include <stdio.h>
#include <stdlib.h>

#include "driver/modbus/modbus_ask.h"
#include "model/status.h"

#define PIECES_MAX	1024u	/* that wait; a power of two */
#define TEXT_MAX	2000u	/* bytes of a text */
#define SILENT_MAX	2u	/* unanswered requests that end a question */

struct question {
	bool		ranges;		/* else: unit */
	uint8_t		unit, table;
	uint32_t	first, last;
};

struct piece { uint16_t first, n; };

struct trial {
	struct mb_ask	 ask;
	const struct source *s;
	struct mb_conf	 conf;
	bool		 active;
	uint32_t	 id, n, at;		/* questions, and the one that is being answered */
	uint32_t	 tags[MODBUS_TRY_QUESTIONS];
	struct question	 q;
	struct piece	 pieces[PIECES_MAX], piece;	/* ring; the one that was asked for */
	uint32_t	 head, waiting, requests, silent;
	struct mono	 began;
	uint8_t		 can[65536 / 8], open[65536 / 8];	/* bit an address: can be read; was not tried */
	char		 text[TEXT_MAX + 64];
	struct wall	 wall;
};

static int
parse_question(const char *at, struct question *q)
{
	char table[16];
	unsigned unit, first, last;

	if (sscanf(at, "unit %u", &unit) == 1 && unit <= 255) {
		*q = (struct question){ .unit = (uint8_t)unit };
		return 0;
	}
	if (sscanf(at, "ranges %15s %u %u", table, &first, &last) != 3 || first > last || last > 65535)
		return ERR_SYNTAX;
	for (unsigned t = 0; t < MB_TABLES; t++)
		if (strcmp(table, mb_table_name(t)) == 0) {
			*q = (struct question){ .ranges = true, .table = (uint8_t)t, .first = first, .last = last };
			return 0;
		}
	return ERR_SYNTAX;
}

static void
mark(uint8_t *bits, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << i % 8);
}

static void
push(struct trial *t, uint32_t first, uint32_t n)
{
	if (t->waiting == PIECES_MAX)
		mark(t->open, first, n);
	else
		t->pieces[(t->head + t->waiting++) % PIECES_MAX] = (struct piece){ (uint16_t)first, (uint16_t)n };
}

static void
say(struct trial *t, uint32_t status)
{
	struct value v = { .type = VALUE_NULL };

	if (!status_is_bad(status))
		v = (struct value){ .type = VALUE_TEXT, .len = (uint32_t)strlen(t->text), .p = t->text };
	t->ask.h->sample(
	    t->ask.h, 0, t->tags[t->at], status, &v, (struct wall){ 0 }, (struct wall){ 0 }, t->wall, SAMPLE_REREAD);
}

/* "0..99, 200" of the bits that are set; stops where the text is full. */
static void
list_runs(char *text, const uint8_t *bits, uint32_t first, uint32_t last)
{
	size_t len = strlen(text);
	const char *sep = "";

	for (uint32_t i = first; i <= last && len < TEXT_MAX - 20; i++) {
		if ((bits[i / 8] >> i % 8 & 1) == 0)
			continue;
		uint32_t from = i;
		while (i < last && (bits[(i + 1) / 8] >> (i + 1) % 8 & 1) != 0)
			i++;
		int n = from == i ? snprintf(text + len, TEXT_MAX - len, "%s%u", sep, i) :
		    snprintf(text + len, TEXT_MAX - len, "%s%u..%u", sep, from, i);
		len += (size_t)n;
		sep = ", ";
	}
}

static bool
any(const uint8_t *bits, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bits[i] != 0)
			return true;
	return false;
}

static void
say_ranges(struct trial *t)
{
	t->text[0] = '\0';
	list_runs(t->text, t->can, t->q.first, t->q.last);
	if (any(t->open, sizeof t->open)) {
		strcat(t->text, "; not tried: "); /* list_runs leaves room for it, text is 64 longer than TEXT_MAX */
		list_runs(t->text, t->open, t->q.first, t->q.last);
	}
	say(t, STATUS_Good);
}

/* The next request of this question. False: it is answered. */
static bool
ask_on(struct trial *t, struct mono now)
{
	uint8_t pdu[8];
	struct writer w = wr_init(pdu, sizeof pdu);

	if (t->waiting == 0 || t->requests == MODBUS_TRY_REQUESTS || mono_diff(now, t->began) > MODBUS_TRY_NS) {
		for (; t->waiting > 0; t->waiting--, t->head = (t->head + 1) % PIECES_MAX)
			mark(t->open, t->pieces[t->head].first, t->pieces[t->head].n);
		return false;
	}
	t->piece = t->pieces[t->head];
	t->head = (t->head + 1) % PIECES_MAX;
	t->waiting--;
	t->requests++;
	mb_put_read(&w, mb_read_fc(t->q.table), t->piece.first, t->piece.n);
	return mb_ask_send(&t->ask, t->q.ranges ? t->conf.unit : t->q.unit, &w, t->conf.timeout_ns, now) == 0;
}

/* Begin questions until one waits for an answer, or none is left. */
static void
next_question(struct trial *t, struct mono now)
{
	for (; t->at < t->n; t->at++) {
		if (parse_question(t->s->tags[t->tags[t->at]].at, &t->q) != 0) {
			say(t, (uint32_t)STATUS_BadConfigurationError);
			continue;
		}
		memset(t->can, 0, sizeof t->can);
		memset(t->open, 0, sizeof t->open);
		t->head = t->waiting = t->requests = t->silent = 0;
		t->began = now;
		if (!t->q.ranges) {
			t->q.table = MB_HOLDING;
			push(t, 0, 1);
		}
		uint32_t most = mb_table_bits(t->q.table) ? t->conf.rules.bits_max : t->conf.rules.regs_max;
		for (uint32_t i = t->q.first, n; t->q.ranges && i <= t->q.last; i += n) {
			n = t->q.last - i + 1 < most ? t->q.last - i + 1 : most;
			push(t, i, n);
		}
		if (ask_on(t, now))
			return;
		say(t, (uint32_t)STATUS_BadNoCommunication);
	}
	t->active = false;
	t->ask.h->done(t->ask.h, t->id, 0, "");
}

static void
end_question(struct trial *t, struct mono now)
{
	t->at++;
	next_question(t, now);
}

static void
unit_answers(struct trial *t, const struct mb_reply *r)
{
	if (r->exception == MB_EX_PATH || r->exception == MB_EX_TARGET) {
		say(t, (uint32_t)STATUS_BadNoCommunication);	/* the gateway answered, not the unit */
		return;
	}
	if (r->exception == 0)
		snprintf(t->text, sizeof t->text, "data");
	else
		snprintf(t->text, sizeof t->text, "exception %u, %s", r->exception, mb_exception_name(r->exception));
	say(t, STATUS_Good);
}

static void
replied(struct trial *t, const struct mb_reply *r, struct mono now)
{
	t->silent = 0;
	if (!t->q.ranges) {
		unit_answers(t, r);
		end_question(t, now);
		return;
	}
	if (r->exception == MB_EX_FUNCTION) {
		say(t, (uint32_t)STATUS_BadNotSupported);
		end_question(t, now);
		return;
	}
	if (r->exception == 0)
		mark(t->can, t->piece.first, t->piece.n);
	else if ((r->exception == MB_EX_ADDRESS || r->exception == MB_EX_VALUE) && t->piece.n > 1) {
		push(t, t->piece.first, t->piece.n / 2u);
		push(t, t->piece.first + t->piece.n / 2u, t->piece.n - t->piece.n / 2u);
	} else if (r->exception != MB_EX_ADDRESS && r->exception != MB_EX_VALUE)
		mark(t->open, t->piece.first, t->piece.n);
	if (!ask_on(t, now)) {
		say_ranges(t);
		end_question(t, now);
	}
}

static void
unanswered(struct trial *t, uint32_t status, struct mono now)
{
	mark(t->open, t->piece.first, t->piece.n);
	if (!t->q.ranges || ++t->silent == SILENT_MAX) {
		say(t, status);
		end_question(t, now);
	} else if (!ask_on(t, now)) {
		say_ranges(t);
		end_question(t, now);
	}
}

static size_t try_size(const struct link_sources *s) { (void)s; return sizeof(struct trial); }

static int
try_open(enum mb_framing f, void *ctx, const struct link_sources *s, struct driver_host *h)
{
	struct trial *t = ctx;

	t->s = s->v[0];
	mb_conf_read(f, t->s->keys, &t->conf);
	mb_ask_init(&t->ask, f, &t->conf, h);
	return 0;
}

static void try_close(void *ctx) { (void)ctx; }
static void try_up(void *ctx, struct mono now, struct wall wall) { (void)now; ((struct trial *)ctx)->wall = wall; }

static void
try_down(void *ctx, struct mono now, struct wall wall)
{
	struct trial *t = ctx;

	(void)now;
	t->wall = wall;
	t->ask.waiting = false;
	if (t->active) {
		t->active = false;
		t->ask.h->done(t->ask.h, t->id, ERR_CONN, "the connection was lost");
	}
}

static void
try_input(void *ctx, const void *p, size_t len, struct mono now, struct wall wall)
{
	struct trial *t = ctx;
	struct mb_reply r;

	t->wall = wall;
	switch (mb_ask_input(&t->ask, p, len, now, &r)) {
	case MB_ANSWER_REPLY:	replied(t, &r, now); break;
	case MB_ANSWER_GARBAGE:	unanswered(t, (uint32_t)STATUS_BadCommunicationError, now); break;
	default:		break;
	}
}

static void
try_tick(void *ctx, struct mono now, struct wall wall)
{
	struct trial *t = ctx;

	t->wall = wall;
	if (mb_ask_tick(&t->ask, now) == MB_ANSWER_SILENCE)
		unanswered(t, (uint32_t)STATUS_BadNoCommunication, now);
}

static struct mono try_next(const void *ctx) { return mb_ask_next(&((const struct trial *)ctx)->ask); }

static int
try_read_tags(void *ctx, uint32_t src, const uint32_t *tags, uint32_t n, uint32_t id, struct mono now)
{
	struct trial *t = ctx;

	(void)src;
	if (t->active)
		return ERR_BUSY;
	if (n > MODBUS_TRY_QUESTIONS)
		return ERR_LIMIT;
	memcpy(t->tags, tags, n * sizeof *tags);
	t->active = true;
	t->id = id;
	t->n = n;
	t->at = 0;
	next_question(t, now);
	return 0;
}

static int
try_parse_at(const char *at, const struct keyval *keys, struct at_info *out, char *why, size_t size)
{
	struct question q;

	(void)keys;
	*out = (struct at_info){ .type = VALUE_TEXT };
	if (parse_question(at, &q) == 0)
		return 0;
	snprintf(why, size, "a question is \"unit 17\" or \"ranges holding 0 999\"");
	return ERR_SYNTAX;
}

static int
try_scan(void *ctx, uint32_t src, uint32_t class, bool probe, struct mono now, struct wall wall)
{
	(void)ctx; (void)src; (void)class; (void)probe; (void)now; (void)wall;
	return ERR_NOTFOUND;	/* there are no scan classes */
}

static void
try_give_up(void *ctx, uint32_t src, uint32_t status, struct wall w)
{
	(void)ctx;
	(void)src;
	(void)status;
	(void)w;
}
static void try_trace(void *ctx, uint32_t src, bool on) { (void)ctx; (void)src; (void)on; }
static void
try_why(const void *ctx, uint32_t src, uint32_t tag, struct json *j)
{
	(void)ctx;
	(void)src;
	(void)tag;
	(void)j;
}

static struct driver_counts
try_counts(const void *ctx, uint32_t src)
{
	(void)ctx; (void)src;
	return (struct driver_counts){ 0 };
}

#define TRY(id, framing, text, table) \
	static int id##_link(const struct source *s, struct link_spec *o) { return mb_link(framing, s, o); } \
	static int id##_open(void *c, const struct link_sources *s, struct driver_host *h) \
	{ \
		return try_open(framing, c, s, h); \
	} \
	static const struct driver id = { \
		.info = { .name = text, .keys = table, .parse_at = try_parse_at }, .link = id##_link, \
		.size = try_size, .open = id##_open, .close = try_close, .up = try_up, .down = try_down, \
		.input = try_input, .tick = try_tick, .next = try_next, .scan = try_scan, .give_up = try_give_up, \
		.read = try_read_tags, .trace = try_trace, .why = try_why, .counts = try_counts }

TRY(tcp, MB_TCP, "modbus-tcp", mb_keys_tcp);
TRY(rtu, MB_RTU, "modbus-rtu", mb_keys_rtu);
TRY(tunnel, MB_RTU_TCP, "modbus-rtu-tcp", mb_keys_rtu_tcp);

const struct driver *
modbus_try(const struct driver *of)
{
	const struct driver *const all[] = { &tcp, &rtu, &tunnel };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(all[i]->info.name, of->info.name) == 0)
			return all[i];
	return NULL;
}
