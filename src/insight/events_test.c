/*
 * Events over real rings and a simulated disk: the process is killed, the power is cut, the disk fails at any call,
 * gate loses what it was sent. Every event is made once, with numbers without holes, and their quantities add up to
 * what was counted.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/test.h"
#include "insight/event_journal.h"
#include "insight/insight.h"
#include "os/disk_sim.h"
#include "site/site_testing.h"

#define T0 (1795000000LL * NS_PER_S)
#define RECORDS 300

static const char yaml[] =
    "site: { enterprise: Acme, name: Dresden }\n"
    "zones: { a: { level: 2 }, it: { level: 3.5 } }\n"
    "conduits: { up: { from: a, to: it } }\n"
    "sources: { p: { driver: toy, zone: a, endpoint: h, unit: 1 } }\n"
    "sinks: { s: { kind: box, zone: it, broker: h } }\n"
    "equipment: { E: { source: p, tags: { n: { at: word 1 uint16, scan: 100 ms, unit: \"1\" }, done: { at: bit 9.1, scan: 100 ms },\n"
    "  t: { at: word 3 float32, unit: Cel, scan: 100 ms }, order: { at: word 5 uint32, scan: 100 ms },\n"
    "  req: { at: bit 9.2, scan: 100 ms }, ack: { at: bit 9.3, scan: 100 ms, writable: yes } } } }\n"
    "requests: { a: { what: E/ack, from: [events], why: w, owner: o } }\n"
    "events:\n"
    "  E/conf: { type: operations-performance, when: done, key: [order, no], fields: { order: { tag: order, type: text, length: 12, required: yes },\n"
    "    yield: { count: n, modulo: 65536 }, warm: { expr: 'max(t over 1s)', unit: '[degF]', range: [0, 200] }, unit: { value: PC } } }\n"
    "  E/shaken: { type: test-result, request: req, acknowledge: ack, timeout: 2 s, fields: { n: { tag: n } } }\n"
    "flows: { f: { what: E/**, to: s, why: w, owner: o } }\n";

static struct plan *the_plan;

/* left_out: without this line. */
static struct plan *
load_without(const char *left_out)
{
	char text[sizeof yaml], *at;

	snprintf(text, sizeof text, "%s", yaml);
	for (const char *line = left_out; line != NULL && (at = strstr(text, line)) != NULL;
	     line = NULL) /* to the key below it */
		memmove(at, strstr(at, "  E/shaken"), strlen(strstr(at, "  E/shaken")) + 1);
	return toy_plan(text, strlen(text));
}

/* With another count in place of that of the yield. */
static struct plan *
load_counting(const char *count)
{
	static const char was[] = "count: n, modulo: 65536";
	const char *at = strstr(yaml, was);
	char text[sizeof yaml + 100];

	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - yaml), yaml, count, at + strlen(was));
	return toy_plan(text, strlen(text));
}

static struct plan *
load(void)
{
	return load_without(NULL);
}

/* ---- a gate that forgets ---- */

static struct gate {
	uint64_t	 origin, taken, told;
	bool		 hole, deaf;
	unsigned	 lose;		/* every so many records are lost on the way; 0: none */
	unsigned	 seen;
	char		*events[RECORDS * 2];
	size_t		 n;
	struct insight	*in;
	/* the machine's acknowledge */
	uint64_t	 token;
	bool		 asked, value;
	uint64_t	 durable_when_asked;
} gate;

static void
gate_reset(void)
{
	for (size_t i = 0; i < gate.n; i++)
		free(gate.events[i]);
	gate = (struct gate){ 0 };
}

static void
on_batch(void *arg, const struct batch_head *h, const struct sample *v, const void *blob)
{
	(void)arg;
	if (h->origin == 0)
		return;
	gate.seen++;
	if (gate.deaf || (gate.lose != 0 && gate.seen % gate.lose == 0))
		return;
	CHECK(gate.origin == 0 || gate.origin == h->origin);
	gate.origin = h->origin;
	CHECK_INT(h->n, 1);
	CHECK(v->v.type == VALUE_JSON && v->arrival.ns > 0);
	if (h->origin_no <= gate.taken)
		return;
	if (h->origin_prev > gate.taken) {
		gate.hole = true;
		return;
	}
	CHECK_INT(h->origin_no, gate.taken + 1);
	gate.taken = h->origin_no;
	CHECK(gate.n < sizeof gate.events / sizeof gate.events[0]);
	gate.events[gate.n++] = strndup((const char *)blob + v->v.u, v->v.len);
}

static void
gate_tell(int64_t now_ns)
{
	if (gate.origin == 0 || (gate.told == gate.taken && !gate.hole))
		return;
	insight_durable(gate.in, gate.origin, gate.taken, gate.hole, (struct wall){ now_ns });
	gate.told = gate.taken;
	gate.hole = false;
}

static int
on_ask(void *arg, uint64_t token, const struct request *q)
{
	(void)arg;
	CHECK_STR(q->target, "E/ack");
	CHECK_STR(q->from, "events");
	gate.token = token;
	gate.asked = true;
	gate.value = q->args[0].i != 0;
	gate.durable_when_asked = gate.told;
	return 0;
}

/* ---- a machine ---- */

static struct ring_writer *ring;
static int ring_fd;
static uint64_t seq;

static void
new_ring(void)
{
	if (ring != NULL) {
		ring_writer_free(ring);
		close(ring_fd);
	}
	CHECK_INT(ring_create("t", 1 << 20, &ring, &ring_fd), 0);
	seq = 0;
}

static void
end_ring(void)
{
	ring_writer_free(ring);
	close(ring_fd);
	ring = NULL;
}

static uint32_t
number(const char *path)
{
	const struct tag *t = plan_tag(the_plan, path);
	CHECK(t != NULL);
	return t->index;
}

/* Rolls over at 40, is reset at 150. */
static uint16_t
reading(size_t i)
{
	return (uint16_t)(i < 150 ? 65456 + i * 2 : 5 + (i - 150) * 3);
}

static int64_t
truth(size_t i)
{
	return i < 150 ? (int64_t)i * 2 : 149 * 2 + 5 + (int64_t)(i - 150) * 3;
}

static void
write_at(size_t i, bool done, bool req, uint16_t n)
{
	const struct source *s = &the_plan->sources[plan_tag(the_plan, "E/n")->source];
	struct wall at = { T0 + (int64_t)i * 100 * NS_PER_MS };
	struct sample v[5] = {
		{ .tag = number("E/n"), .arrival = at, .v = { .type = VALUE_U16, .u = n } },
		{ .tag = number("E/done"), .arrival = at, .v = { .type = VALUE_BOOL, .b = done } },
		{ .tag = number("E/t"), .arrival = at, .v = { .type = VALUE_F32, .f32 = 20 } },
		{ .tag = number("E/order"), .arrival = at, .v = { .type = VALUE_U32, .u = 1000000 + i / 100 } },
		{ .tag = number("E/req"), .arrival = at, .v = { .type = VALUE_BOOL, .b = req } },
	};
	struct batch_head head = { .source_key = s->key, .seq = ++seq, .n = 5 };
	ring_commit(ring, batch_pack(&head, v, "", ring_reserve(ring, batch_size(5, 0))), 5);
}

static void
write_record(size_t i)
{
	write_at(i, i % 7 == 6, false, reading(i));
}

static struct insight *
start(const struct disk *disk, int64_t now_ns)
{
	struct insight_opts opts = { .dir = "/s", .disk = disk, .emit = on_batch, .ask = on_ask };
	struct insight *in = insight_new(&opts);
	struct ring_reader *r;

	CHECK_INT(insight_plan(in, load(), (struct wall){ now_ns }), 0);
	gate.in = in;
	insight_turn(in, (struct wall){ now_ns });	/* the loop turns before the rings come */
	CHECK_INT(ring_open(ring_fd, &r), 0);
	CHECK_INT(insight_ring(in, "field:a", r), 0);
	return in;
}

static int64_t
time_of(size_t i)
{
	return T0 + (int64_t)i * 100 * NS_PER_MS;
}

static void
turn(struct insight *in, int64_t now_ns)
{
	for (int i = 0; i < 1000 && insight_turn(in, (struct wall){ now_ns }).more; i++)
		;
}

/* All events that came to gate: numbers without holes, each key once, and the sum. */
static int64_t
sum(const char *path, size_t *events)
{
	int64_t total = 0, no = 0;

	*events = 0;
	for (size_t i = 0; i < gate.n; i++) {
		json_error_t e;
		json_t *j = json_loads(gate.events[i], 0, &e);
		CHECK(j != NULL);
		if (strcmp(json_string_value(json_object_get(j, "event")), path) == 0) {
			const json_t *f = json_object_get(j, "fields");
			char key[64];
			CHECK_INT(json_integer_value(json_object_get(j, "no")), ++no);
			CHECK(json_object_get(j, "fault") == NULL);
			if (strcmp(path, "E/conf") == 0) {
				snprintf(key, sizeof key, "%s/%lld", json_string_value(json_object_get(f, "order")),
				    (long long)no);
				CHECK_STR(json_string_value(json_object_get(j, "key")), key);
				total += json_integer_value(json_object_get(f, "yield"));
			}
			(*events)++;
		}
		json_decref(j);
	}
	return total;
}

/* The reading that an event names is the one up to which it and those before it have counted. */
static void
check_read(void)
{
	int64_t total = 0;

	for (size_t i = 0; i < gate.n; i++) {
		json_t *j = json_loads(gate.events[i], 0, NULL);
		const char *read = json_string_value(json_object_get(json_object_get(j, "read"), "E/n"));
		struct wall t = { 0 };
		if (strcmp(json_string_value(json_object_get(j, "event")), "E/conf") == 0) {
			CHECK(read != NULL);
			total += json_integer_value(json_object_get(json_object_get(j, "fields"), "yield"));
			CHECK_INT(wall_parse(read != NULL ? read : "", &t), 0);
			CHECK_INT(total, truth((size_t)((t.ns - T0) / (100 * NS_PER_MS))));
		}
		json_decref(j);
	}
}

enum death { KILL, POWER };

/* One life and another: the process ends without a word behind record `at`, written or not yet taken. */
static void
campaign(enum death death, size_t at, uint64_t pick, bool deaf)
{
	struct disk_sim *sim = disk_sim_new();
	size_t events;

	gate_reset();
	new_ring();
	CHECK_INT(disk_sim_table(sim)->mkdir(disk_sim_table(sim)->ctx, "/s"), 0);
	CHECK_INT(disk_sim_table(sim)->sync_dir(disk_sim_table(sim)->ctx, "/"), 0);
	struct insight *in = start(disk_sim_table(sim), time_of(0));
	for (size_t i = 0; i < RECORDS; i++) {
		write_record(i);
		gate.deaf = deaf && i > at / 2 && i < at + 3;
		if (i % 3 != 1)
			turn(in, time_of(i));
		if (i % 5 == 0)
			gate_tell(time_of(i));
		if (i != at)
			continue;
		struct disk_sim *after = death == KILL ? disk_sim_killed(sim) :
		    disk_sim_cut(sim, pick % disk_sim_states(sim, 20), 20);
		insight_free(in);
		disk_sim_free(sim);
		sim = after;
		if (death == POWER) {	/* the rings go with the memory */
			new_ring();
			write_record(i);
		}
		gate.told = 0;		/* and tells again what it has */
		in = start(disk_sim_table(sim), time_of(i));
		if (i % 2 == 0)
			turn(in, time_of(i));
	}
	gate.deaf = false;
	for (int s = 0; s < 50; s++) {
		turn(in, time_of(RECORDS) + s * NS_PER_S);
		gate_tell(time_of(RECORDS) + s * NS_PER_S);
	}
	/* The last event is that of the last record at which done rose. */
	size_t last = (RECORDS - 7) / 7 * 7 + 6;
	int64_t got = sum("E/conf", &events);
	if (got != truth(last))
		test_fail(__FILE__, __LINE__, "death %d at %zu pick %llu: %lld of %lld in %zu events", death, at,
		    (unsigned long long)pick, (long long)got, (long long)truth(last), events);
	CHECK(events == RECORDS / 7 || death == POWER);
	check_read();
	insight_free(in);
	disk_sim_free(sim);
	gate_reset();
	end_ring();
}

TEST(killed_at_any_record_every_event_is_made_once)
{
	the_plan = load();
	for (size_t at = 3; at < RECORDS - 10; at += 2)
		campaign(KILL, at, 0, at % 3 == 0);
	plan_free(the_plan);
}

/* A cut between 145 and 156 hides the reset from everybody: what was on the counter before it is known to none. */
TEST(after_a_power_cut_nothing_is_counted_twice_or_forgotten)
{
	the_plan = load();
	for (size_t at = 8; at < RECORDS - 10; at += 9)
		for (uint64_t pick = 0; pick < 12 && (at < 140 || at > 160); pick++)
			campaign(POWER, at, pick * 7, at % 2 == 0);
	plan_free(the_plan);
}

TEST(what_gate_did_not_get_is_sent_again)
{
	size_t events;

	the_plan = load();
	struct disk_sim *sim = disk_sim_new();
	disk_sim_table(sim)->mkdir(disk_sim_table(sim)->ctx, "/s");
	new_ring();
	struct insight *in = start(disk_sim_table(sim), time_of(0));
	gate.lose = 3;
	for (size_t i = 0; i < RECORDS; i++) {
		write_record(i);
		turn(in, time_of(i));
		gate_tell(time_of(i));
	}
	for (int s = 0; s < 200; s++) {		/* also those of which gate has heard nothing at all */
		turn(in, time_of(RECORDS) + s * NS_PER_S);
		gate_tell(time_of(RECORDS) + s * NS_PER_S);
	}
	CHECK_INT(sum("E/conf", &events), truth((RECORDS - 7) / 7 * 7 + 6));
	CHECK_INT(events, RECORDS / 7);
	insight_free(in);
	disk_sim_free(sim);
	gate_reset();
	end_ring();
	plan_free(the_plan);
}

/* Plans come and go, the declaration with them: it goes on where it was, and counts what went on meanwhile. */
TEST(a_new_plan_goes_on_with_numbers_and_counts)
{
	size_t events;

	the_plan = load();
	struct disk_sim *sim = disk_sim_new();
	disk_sim_table(sim)->mkdir(disk_sim_table(sim)->ctx, "/s");
	new_ring();
	struct insight *in = start(disk_sim_table(sim), time_of(0));
	for (size_t i = 0; i < RECORDS; i++) {
		write_record(i);
		turn(in, time_of(i));
		gate_tell(time_of(i));
		if (i % 40 == 8 || i % 40 == 10)
			CHECK_INT(insight_plan(in, i % 80 == 8 ? load_without("  E/conf:") : load(),
				      (struct wall){ time_of(i) }),
			    0);
	}
	for (int s = 0; s < 50; s++) {
		turn(in, time_of(RECORDS) + s * NS_PER_S);
		gate_tell(time_of(RECORDS) + s * NS_PER_S);
	}
	CHECK_INT(sum("E/conf", &events), truth((RECORDS - 7) / 7 * 7 + 6));
	CHECK(events > 35);
	insight_free(in);
	disk_sim_free(sim);
	gate_reset();
	end_ring();
	plan_free(the_plan);
}

/*
 * Somebody corrects the unit of a count, and takes it back. It begins anew each time: what was confirmed before is never
 * confirmed again, and nothing is taken off what comes. Two pieces a record, so no event has more than its 7 records.
 */
static void
count_changed(const char *count, bool restart)
{
	the_plan = load();
	struct disk_sim *sim = disk_sim_new();
	disk_sim_table(sim)->mkdir(disk_sim_table(sim)->ctx, "/s");
	gate_reset();
	new_ring();
	struct insight *in = start(disk_sim_table(sim), time_of(0));
	for (size_t i = 0; i < 140; i++) {
		write_record(i);
		turn(in, time_of(i));
		gate_tell(time_of(i));
		if (i == 57 || i == 99)
			CHECK_INT(insight_plan(in, i == 57 ? load_counting(count) : load(), (struct wall){ time_of(i) }), 0);
		if (i == 60 && restart) {
			insight_free(in);
			gate.told = 0;
			in = start(disk_sim_table(sim), time_of(i));
		}
	}
	for (size_t i = 0; i < gate.n; i++) {
		json_error_t e;
		json_t *j = json_loads(gate.events[i], 0, &e);
		const char *path = json_string_value(json_object_get(j, "event"));
		json_int_t yield = json_integer_value(json_object_get(json_object_get(j, "fields"), "yield"));
		if (path != NULL && strcmp(path, "E/conf") == 0 && (yield < 0 || yield > 14))
			test_fail(__FILE__, __LINE__, "%s%s: event %zu of %zu has %lld", count,
			    restart ? ", restart" : "", i, gate.n, (long long)yield);
		json_decref(j);
	}
	insight_free(in);
	disk_sim_free(sim);
	gate_reset();
	end_ring();
	plan_free(the_plan);
}

TEST(a_count_that_is_declared_otherwise_begins_anew)
{
	count_changed("count: n, modulo: 65536, unit: '{bottle}'", false);
	count_changed("count: n, modulo: 65536, unit: '{bottle}'", true);
	count_changed("count: n, modulo: 1000000", false);
	count_changed("count: n, modulo: 1000000", true);
	count_changed("value: 5", false);
}

/* Every call of the disk in turn fails, once, or for a while. */
TEST(a_disk_that_fails_holds_events_up_and_loses_none)
{
	static const enum sim_fault faults[] = { SIM_IO, SIM_NOSPACE, SIM_SHORT };
	size_t events;

	the_plan = load();
	for (uint64_t call = 1; call < 120; call += 3)
		for (size_t f = 0; f < 3; f++) {
			struct disk_sim *sim = disk_sim_new();
			disk_sim_table(sim)->mkdir(disk_sim_table(sim)->ctx, "/s");
			new_ring();
			struct insight *in = start(disk_sim_table(sim), time_of(0));
			disk_sim_fault(sim, faults[f], call, call % 2 == 0 ? 1 : 9);
			for (size_t i = 0; i < 120; i++) {
				write_record(i);
				turn(in, time_of(i));
				gate_tell(time_of(i));
			}
			for (int s = 0; s < 40; s++) {
				turn(in, time_of(120) + s * NS_PER_S);
				gate_tell(time_of(120) + s * NS_PER_S);
			}
			CHECK_INT(sum("E/conf", &events), truth(118));
			CHECK_INT(events, 17);
			insight_free(in);
			disk_sim_free(sim);
			gate_reset();
			end_ring();
		}
	plan_free(the_plan);
}

TEST(a_damaged_journal_stops_events_and_says_so)
{
	struct disk_sim *sim = disk_sim_new();
	const struct disk *d = disk_sim_table(sim);

	the_plan = load();
	d->mkdir(d->ctx, "/s");
	new_ring();
	struct insight *in = start(d, time_of(0));
	for (size_t i = 0; i < 60; i++) {
		write_record(i);
		turn(in, time_of(i));
	}
	insight_free(in);
	size_t before = gate.n;
	CHECK(before > 3);
	int fd = d->open(d->ctx, "/s/events", DISK_WRITE);
	CHECK(fd >= 0);
	disk_write_all(d, fd, "XXXX", 4, 30);
	d->close(d->ctx, fd);
	in = start(d, time_of(60));
	for (size_t i = 60; i < 120; i++) {
		write_record(i);
		turn(in, time_of(i));
	}
	CHECK_INT(gate.n, before);
	insight_free(in);
	disk_sim_free(sim);
	gate_reset();
	end_ring();
	plan_free(the_plan);
}

/* The files were made from the description of the format, by another program. */
static size_t
corpus(const char *name, uint8_t *out, size_t size)
{
	char path[200];

	snprintf(path, sizeof path, "test/corpus/event/%s", name);
	FILE *f = fopen(path, "rb");
	CHECK(f != NULL);
	size_t n = fread(out, 1, size, f);
	fclose(f);
	return n;
}

TEST(a_journal_reads_as_its_description_says)
{
	uint8_t bytes[4096];
	struct events ev = { .fd = -1 };
	size_t good, n = corpus("frame", bytes, sizeof bytes);

	CHECK_INT(journal_read(&ev, bytes, n, &good), 0);
	CHECK_INT(good, n);
	const struct event_memory *m = ev.memories;
	CHECK_STR(m->path, "L/F/conf");
	CHECK_STR(m->key, "1000123/5");
	CHECK(m->no == 5 && m->trigger == TRIGGER_TRUE && m->shake == SHAKE_OPEN && m->shake_no == 5 &&
	    m->kept_seq == 12);
	CHECK(m->ntotals == 1 && m->totals[0].field == 9 && m->totals[0].i == 120 && m->nkept == 1 &&
	    m->kept[0].len == 4);
	CHECK(m->nplaces == 1 && m->places[0].pos == 4096);
	CHECK(ev.streams->origin == 0x1122334455667788 && ev.streams->confirmed == 3 && ev.streams->first->no == 4);
	CHECK_INT(ev.streams->first->len, 17);
	events_free(&ev);
	CHECK_INT(journal_read(&ev, bytes, (n = corpus("torn", bytes, sizeof bytes)), &good), 0);
	CHECK(good < n && good > 100);
	events_free(&ev);
	CHECK_INT(journal_read(&ev, bytes, corpus("damaged", bytes, sizeof bytes), &good), ERR_PROTO);
	events_free(&ev);
}

/* ---- handshake ---- */

static void
answer(struct insight *in, int64_t now_ns, enum request_state state)
{
	struct request_result r = { .state = state, .code = "", .text = "said so" };

	CHECK(gate.asked);
	gate.asked = false;
	insight_outcome(in, gate.token, &r, (struct wall){ now_ns });
	turn(in, now_ns);
}

TEST(a_handshake_is_acknowledged_once_its_event_is_durable_also_over_a_restart)
{
	struct disk_sim *sim = disk_sim_new();
	size_t events, i = 0;

	the_plan = load();
	disk_sim_table(sim)->mkdir(disk_sim_table(sim)->ctx, "/s");
	new_ring();
	struct insight *in = start(disk_sim_table(sim), time_of(0));
#define STEP(req) do { write_at(i, false, req, 7); turn(in, time_of(i)); i++; } while (0)
	STEP(false);
	STEP(true);
	CHECK_INT(gate.n, 1);
	CHECK(!gate.asked);			/* not durable yet */
	gate_tell(time_of(i));
	turn(in, time_of(i));
	CHECK(gate.asked && gate.value && gate.durable_when_asked == 1);
	insight_free(in);			/* killed before the outcome came */
	gate.asked = false;
	gate.told = 0;
	in = start(disk_sim_table(sim), time_of(i));
	STEP(true);
	gate_tell(time_of(i));
	turn(in, time_of(i));
	CHECK(gate.asked && gate.value);	/* again, and no second event */
	CHECK_INT(gate.n, 1);
	answer(in, time_of(i), REQUEST_REFUSED);
	CHECK(!gate.asked);
	i += 30;
	STEP(true);
	CHECK(gate.asked && gate.value);	/* after a refusal, later */
	answer(in, time_of(i), REQUEST_APPLIED);
	STEP(true);
	CHECK(!gate.asked);
	STEP(false);
	CHECK(gate.asked && !gate.value);
	answer(in, time_of(i), REQUEST_APPLIED);
	STEP(true);
	CHECK_INT(gate.n, 2);
	gate_tell(time_of(i));
	sum("E/shaken", &events);
	CHECK_INT(events, 2);
	insight_free(in);
	disk_sim_free(sim);
	gate_reset();
	end_ring();
	plan_free(the_plan);
}

TEST_MAIN
