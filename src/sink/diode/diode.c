/*
 * The sending end of a one-way link: the batches of its flows, as they stand in the spool, in datagrams with an erasure code, to one address. Nothing comes
 * back, so a batch is done when its last datagram was handed to the kernel: *sent*, which is not delivered. What is lost after that is known at the far end
 * alone (driver/diode), to the number. What was not sent is kept, as for any sink. See doc/diode.md.
 *
 *	proto/diode/	datagrams, code, blocks		beat.c	flushes, schemas and totals told again and again
 *	out.c		pacing and sending		sink/node.h	who a stream is
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/stream.h"
#include "os/tcp.h"
#include "pki/preplaced.h"
#include "sink/diode/diode_sink.h"
#include "sink/node.h"

static const struct key diode_sink_keys[] = {
	[DS_KEY_TO] = { "to", KEY_ENDPOINT, .required = true,
	    .help = "Address (a number, no name) and port of the receiving node, which its source of driver diode binds." },
	[DS_KEY_KEY] = { "key", KEY_SECRET, .required = true,
	    .help = "File of the keys that both ends have: a line is an epoch and 64 hex digits; the highest epoch is used. Make it with echo 1 $(openssl rand "
	    "-hex 32), chmod 600." },
	[DS_KEY_DATA] = { "data-symbols", KEY_INT, .min = 1, .max = DIODE_K_MAX, .def = "32", .help = "Most data symbols of a block. The same at both ends." },
	[DS_KEY_REPAIR] = { "repair-symbols", KEY_INT, .min = 1, .max = DIODE_P_MAX, .def = "8",
	    .help = "Repair symbols of a block: so many of its datagrams may be lost. The same at both ends." },
	[DS_KEY_INTERLEAVE] = { "interleave", KEY_INT, .min = 1, .max = DIODE_DEPTH_MAX, .def = "4",
	    .help = "Blocks whose datagrams are sent in turn, so that a burst of losses is shared by them. The same at both ends." },
	[DS_KEY_DATAGRAM] = { "datagram", KEY_INT, .min = DIODE_DATAGRAM_MIN, .max = DIODE_DATAGRAM_MAX, .unit = "By", .def = "1408",
	    .help = "Bytes of a datagram at most, without the headers of IP and UDP. The same at both ends." },
	[DS_KEY_RATE] = { "rate", KEY_SIZE, .min = 10000, .max = 10e9, .def = "8 MB",
	    .help = "Bytes a second at most, with headers. Keep it 30 % below what the way carries and the receiver can take." },
	[DS_KEY_FLUSH] = { "flush", KEY_DURATION, .min = 1e6, .max = 10e9, .def = "20 ms",
	    .help = "Data waits so long at most for a group of blocks to become full." },
	[DS_KEY_BEACON] = { "beacon", KEY_DURATION, .min = 100e6, .max = 300e9, .def = "1 s",
	    .help = "How often the totals are told. The other end calls it LATE after two of these, LOST after five." },
	[DS_KEYS] = { 0 },
};

static int
read_to(const struct sink *s, struct sockaddr_storage *a, socklen_t *len, char *why, size_t size)
{
	struct endpoint e;
	char text[160];

	if (endpoint_parse(s->keys[DS_KEY_TO].s, &e, text, sizeof text) == 0 && !e.device && tcp_numeric(e.host, e.port != 0 ? e.port : 7434, a, len) == 0)
		return 0;
	snprintf(why, size, "this is no address and port in numbers: write \"10.4.0.2:7434\"; nobody can be asked for a name over a one-way link");
	return ERR_SYNTAX;
}

static int
check(const struct sink *s, char *why, size_t size, size_t *key)
{
	struct sockaddr_storage a;
	socklen_t len;

	*key = DS_KEY_TO;
	return read_to(s, &a, &len, why, size);
}

static int
make_sender(struct diode_sink *k)
{
	struct diode_send_conf c = { .params = k->params, .keys = &k->keys, .out = ds_out, .arg = k };

	/* Ends: 0 comes once in 2^64. */
	while (c.session == 0)
		if (uv_random(NULL, NULL, &c.session, sizeof c.session, 0, NULL) != 0)
			return ERR_IO;
	k->sender = diode_send_new(&c);
	if (k->sender != NULL)
		log_info("diode_session", "sink=%s session=%016llx epoch=%u", k->cfg->name, (unsigned long long)c.session, diode_keys_newest(&k->keys));
	return k->sender != NULL ? 0 : ERR_NOMEM;
}

/* For whoever reads the ledger: what counts as delivered here is sent (cli/cmd_ledger.c). */
static void
say_one_way(const struct diode_sink *k)
{
	static const char text[] = "What the ledger calls delivered by this sink was sent one way; whether it arrived is known at the far end alone.\n";
	char path[DISK_PATH_MAX];
	struct disk_stat st;

	if (snprintf(path, sizeof path, "%s/" SINK_ONE_WAY_FILE, k->host->state_dir) >= (int)sizeof path || disk_os.stat(disk_os.ctx, path, &st) == 0)
		return;
	int err = disk_replace(&disk_os, path, text, sizeof text - 1);
	if (err != 0)
		log_warn("diode_note", "sink=%s file=\"%s\" error=\"%s\" effect=\"penstock ledger does not say that it is one way\"", k->cfg->name, path, err_text(err));
}

static int
on_open(void *inst, const struct sink *cfg, const struct plan *plan, struct sink_host *h, char *why, size_t size)
{
	struct diode_sink *k = inst;
	(void)plan;

	k->host = h;
	k->cfg = cfg;
	k->fd = -1;
	k->quiet = (struct log_limit){ .burst = 3, .period_ms = 60000 };
	k->params = (struct diode_params){ .k = (uint8_t)cfg->keys[DS_KEY_DATA].i, .p = (uint8_t)cfg->keys[DS_KEY_REPAIR].i,
	    .depth = (uint8_t)cfg->keys[DS_KEY_INTERLEAVE].i, .size = (uint16_t)(cfg->keys[DS_KEY_DATAGRAM].i - (int64_t)DIODE_OVER) };
	int err = read_to(cfg, &k->to, &k->to_len, why, size);
	if (err == 0)
		err = preplaced_read(cfg->keys[DS_KEY_KEY].s, &k->keys, why, size);
	if (err == 0 && (err = make_sender(k)) != 0) {
		snprintf(why, size, "%s", err_text(err));
		diode_keys_fini(&k->keys);
	}
	if (err != 0)
		return err;
	say_one_way(k);
	k->kind = DIODE_START;
	k->next_beacon = k->tokens_at = k->retry_at = mono_now();
	k->stalled_at = MONO_NEVER;
	uv_timer_init(h->loop, &k->timer);
	k->timer.data = k;
	h->state(h, false, "starting");
	ds_wake(k);
	return 0;
}

static int
on_stream_add(void *inst, struct sink_stream *s)
{
	struct diode_sink *k = inst;
	struct diode_stream *st = calloc(1, sizeof *st);

	if (st == NULL)
		fatal("out_of_memory", "sink=%s", k->cfg->name);
	int err = sink_node_identity(k->host, k->cfg->name, s, &st->id);
	if (err == 0 && (st->no = diode_send_open(k->sender)) == 0)
		err = ERR_LIMIT;
	if (err != 0) {
		free(st);
		return err;
	}
	st->s = s;
	st->end = &st->batches;
	st->flush_at = st->schema_at = MONO_NEVER;
	s->user = st;
	st->next = k->streams;
	k->streams = st;
	return 0;
}

static void
free_stream(struct diode_stream *st)
{
	while (st->batches != NULL) {
		struct diode_batch *b = st->batches;
		st->batches = b->next;
		free(b);
	}
	free(st);
}

static void
on_stream_remove(void *inst, struct sink_stream *s)
{
	struct diode_sink *k = inst;
	struct diode_stream **at = &k->streams, *st = s->user;

	while (*at != st)
		at = &(*at)->next;
	*at = st->next;
	ds_ended(k, st);
	free_stream(st);
	ds_wake(k);
}

static void
note_batch(struct diode_sink *k, struct diode_stream *st, const struct spool_batch *b)
{
	struct diode_batch *n = malloc(sizeof *n);

	if (n == NULL)
		fatal("out_of_memory", "sink=%s", k->cfg->name);
	*n = (struct diode_batch){ .first = b->first, .last = b->first + b->n - 1, .end = diode_send_state(k->sender, st->no).appended, .after = UINT64_MAX };
	*st->end = n;
	st->end = &n->next;
	st->last = n->last;
}

static int
on_offer(void *inst, struct sink_stream *s, const struct spool_batch *b, bool live)
{
	struct diode_sink *k = inst;
	struct diode_stream *st = s->user;
	struct mono now = mono_now();
	(void)live;

	if (k->stopping)
		return ERR_CONN;
	if (!ds_room(k) || k->fd < 0) {
		k->want_ready = true;
		return ERR_FULL;
	}
	if (b->rec == NULL) {
		k->host->refused(k->host, s, b->first, b->first + b->n - 1, "a link sends batches as they stand in the spool, and this one is not there any more");
		return 0;
	}
	if (st->first == 0) {
		st->first = b->first;
		ds_schema(k, st, now);
	} else if (b->first > st->last + 1)
		k->gone += b->first - st->last - 1;
	int err = diode_send_record(k->sender, st->no, DIODE_BATCH, b->rec, DIODE_REC, b->payload, b->payload_len);
	if (err != 0) {
		k->host->refused(k->host, s, b->first, b->first + b->n - 1, "this batch is too long for a one-way link");
		return 0;
	}
	note_batch(k, st, b);
	ds_made(k, st);
	st->flush_at = mono_min(st->flush_at, mono_add(now, k->cfg->keys[DS_KEY_FLUSH].i));
	ds_wake(k);
	return 0;
}

static void
on_stop(void *inst, struct mono deadline, void (*stopped)(void *arg), void *arg)
{
	struct diode_sink *k = inst;

	k->stopped = stopped;
	k->stopped_arg = arg;
	k->deadline = deadline;
	ds_finish(k);
}

static void
on_close(void *inst)
{
	struct diode_sink *k = inst;

	while (k->streams != NULL) {
		struct diode_stream *st = k->streams;
		k->streams = st->next;
		free_stream(st);
	}
	ds_drop_all(k);
	stream_close(k->fd);
	diode_send_free(k->sender);
	diode_keys_fini(&k->keys);
}

const struct sink_type diode_sink = {
	.info = { .name = "diode", .help = "Another Penstock node, to which this one sends over a way that has no way back (source of driver diode there).",
	    .keys = diode_sink_keys, .one_way = true, .default_port = 7434, .check = check },
	.size = sizeof(struct diode_sink),
	.open = on_open, .stream_add = on_stream_add, .stream_remove = on_stream_remove, .offer = on_offer, .preview = sink_node_preview, .stop = on_stop,
	.close = on_close,
};
