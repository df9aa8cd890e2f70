/*
 * The lower end of a link between nodes: connects to the upper node and sends it the batches of its flows as they stand in the spool, compressed as
 * they are, each with its header, whose hash the far end checks. What the far end has durably it acknowledges; what it has already (HAVE) is
 * not sent again. Which samples those are, and why nothing is lost or twice: driver/link. See doc/link.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "ring/stats.h"
#include "sink/link/link_sink.h"
#include "sink/node.h"
#include "spool/schema.h"

static const char *const roles[] = { "connect", "listen", NULL };

static const struct key link_sink_keys[] = {
	[LS_KEY_ROLE] = { "role", KEY_ENUM, .choices = roles, .def = "connect",
	    .help = "Who opens the session: connect (to the address `to`) or listen (at it; the other node's source connects). The side that is trusted more "
	    "should open it." },
	[LS_KEY_TO] = { "to", KEY_ENDPOINT, .required = true, .help = "Address and port of the other node, at which its source of driver link listens; with `role: listen` the address of this one." },
	[LS_KEY_PEER] = { "peer", KEY_TEXT, .min = 1, .max = LINK_NAME_MAX, .required = true,
	    .help = "Name of the upper node; it must stand in the certificate that it shows, as a DNS name." },
	[LS_KEY_NAME] = { "name", KEY_TEXT, .min = 1, .max = LINK_NAME_MAX,
	    .help = "Name of this node, for its certificate when it is made. Not given: the name of the machine." },
	[LS_KEY_TIMEOUT] = { "timeout", KEY_DURATION, .min = 1e9, .max = 300e9, .def = "10 s",
	    .help = "A connection over which nothing is heard for so long is given up." },
	[LS_KEYS] = { 0 },
};

static int
read_to(const struct sink *s, struct endpoint *e, char *why, size_t size)
{
	char text[160];
	int err = endpoint_parse(s->keys[LS_KEY_TO].s, e, text, sizeof text);

	if (err == 0 && !e->device) {
		e->port = e->port != 0 ? e->port : 7433;
		return 0;
	}
	snprintf(why, size, "this is no address and port: write \"10.4.0.2:7433\"");
	return ERR_SYNTAX;
}

static int
check(const struct sink *s, char *why, size_t size, size_t *key)
{
	struct endpoint e;

	*key = LS_KEY_TO;
	return read_to(s, &e, why, size);
}

/* ---- what the other node says ---- */

static struct link_stream *
by_no(struct link_sink *k, uint32_t no)
{
	struct link_stream *st = k->streams;
	while (st != NULL && st->no != no)
		st = st->next;
	return st;
}

static void
offer_stream(struct link_sink *k, struct link_stream *st)
{
	uint8_t *file = NULL;
	size_t len = 0;
	int err = schema_encode(st->s->schema, &file, &len);

	st->ready = false;
	if (err == 0)
		link_put_offer(&k->n->c.out, st->no, st->id, st->s->flow, st->s->schema_version, file, len);
	else
		log_error("link_not_offered", "sink=%s flow=\"%s\" error=\"%s\"", k->cfg->name, st->s->flow, err_text(err));
	free(file);
}

void
ls_offer_all(struct link_sink *k)
{
	for (struct link_stream *st = k->streams; st != NULL; st = st->next)
		offer_stream(k, st);
}

static int
have(struct link_sink *k, const struct link_frame *f)
{
	struct link_stream *st = by_no(k, f->stream);

	if (st == NULL)
		return 0;	/* removed meanwhile */
	st->nhave = f->count;
	for (uint32_t i = 0; i < f->count; i++)
		st->have[i] = link_have_at(f, i);
	st->ready = true;
	k->want_ready = k->worked = true;
	return 0;
}

static int
ack(struct link_sink *k, const struct link_frame *f)
{
	struct link_stream *st = by_no(k, f->stream);

	if (k->in_flight > 0)
		k->in_flight--;
	k->want_ready = true;
	if (st != NULL)
		k->host->done(k->host, st->s, f->first, f->last);
	return 0;
}

int
ls_frame(void *arg, const struct link_frame *f)
{
	struct link_sink *k = arg;

	switch (f->kind) {
	case LINK_HAVE:
		return have(k, f);
	case LINK_ACK:
		return ack(k, f);
	case LINK_RENEW:
	case LINK_RENEWED:
		k->renewed |= bond_frame(&k->n->bond, &k->n->c, f, k->n->from, wall_now()) > 0;
		return 0;
	default:
		return ERR_PROTO;
	}
}

/* ---- the contract ---- */

static int
on_open(void *inst, const struct sink *cfg, const struct plan *plan, struct sink_host *h, char *why, size_t size)
{
	struct link_sink *k = inst;
	int err = read_to(cfg, &k->to, why, size);

	if (err != 0)
		return err;
	k->host = h;
	k->cfg = cfg;
	k->quiet = (struct log_limit){ .burst = 3, .period_ms = 60000 };
	snprintf(k->site, sizeof k->site, "%s", plan->site != NULL ? plan->site : "");
	snprintf(k->state_dir, sizeof k->state_dir, "%s", h->state_dir);	/* "<state>/office/<sink>" without its last two names */
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(k->state_dir, '/');
		if (slash != NULL)
			*slash = '\0';
	}
	err = ls_start(k);
	if (err != 0) {
		snprintf(why, size, "cannot begin: %s", err_text(err));
		return err;
	}
	uv_timer_init(h->loop, &k->timer);
	k->timer.data = k;
	h->state(h, false, k->cfg->keys[LS_KEY_ROLE].i == 0 ? "connecting" : "waiting for the other node");
	return 0;
}

static uint32_t
free_no(struct link_sink *k)
{
	uint32_t no = 0;
	while (by_no(k, no) != NULL)
		no++;
	return no;
}

static int
on_stream_add(void *inst, struct sink_stream *s)
{
	struct link_sink *k = inst;
	struct link_stream *st = calloc(1, sizeof *st);

	if (st == NULL || (st->have = calloc(LINK_HAVE_MAX, sizeof *st->have)) == NULL)
		fatal("out_of_memory", "sink=%s", k->cfg->name);
	int err = sink_node_identity(k->host, k->cfg->name, s, &st->id);
	st->no = free_no(k);
	if (err == 0 && st->no >= LINK_STREAMS_MAX)
		err = ERR_LIMIT;
	if (err != 0) {
		free(st->have);
		free(st);
		return err;
	}
	st->s = s;
	s->user = st;
	st->next = k->streams;
	k->streams = st;
	if (k->up) {
		/* Where its number was another's in this connection, the far end ends it, and all begins anew. */
		offer_stream(k, st);
		ls_flush(k);
	}
	return 0;
}

static void
on_stream_remove(void *inst, struct sink_stream *s)
{
	struct link_sink *k = inst;
	struct link_stream **at = &k->streams, *st = s->user;

	while (*at != st)
		at = &(*at)->next;
	*at = st->next;
	free(st->have);
	free(st);
}

static bool
has(const struct link_stream *st, const struct spool_batch *b)
{
	for (uint32_t i = 0; i < st->nhave; i++)
		if (st->have[i].first == b->first && st->have[i].last == b->first + b->n - 1 && memcmp(st->have[i].hash, b->hash, LINK_HASH) == 0)
			return true;
	return false;
}

static int
on_offer(void *inst, struct sink_stream *s, const struct spool_batch *b, bool live)
{
	struct link_sink *k = inst;
	struct link_stream *st = s->user;
	(void)live;

	if (!k->up)
		return ERR_CONN;
	if (!st->ready || k->in_flight >= k->window)
		return ERR_FULL;	/* until an answer comes */
	if (link_conn_waiting(&k->n->c) > LINK_OUT_HIGH) {
		k->want_out = true;
		return ERR_FULL;
	}
	if (b->rec == NULL) {
		k->host->refused(k->host, s, b->first, b->first + b->n - 1, "a link sends batches as they stand in the spool, and this one is not there any more");
		return 0;
	}
	if (has(st, b)) {
		k->host->done(k->host, s, b->first, b->first + b->n - 1);
		return 0;
	}
	link_conn_batch(&k->n->c, st->no, b->rec, b->payload, b->payload_len);
	k->in_flight++;
	stat_add((stat_t *)&k->host->stats[STATS_sink_messages], 1);
	stat_add((stat_t *)&k->host->stats[STATS_sink_bytes], b->payload_len + LINK_REC);
	ls_flush(k);
	return 0;
}

static void
on_stop(void *inst, struct mono deadline, void (*stopped)(void *arg), void *arg)
{
	struct link_sink *k = inst;
	(void)deadline;	/* what is not acknowledged is still in the spool, and goes out again; the far end knows it */

	k->stopped = stopped;
	k->stopped_arg = arg;
	ls_finish(k);
}

static void
on_close(void *inst)
{
	struct link_sink *k = inst;

	while (k->streams != NULL) {
		struct link_stream *st = k->streams;
		k->streams = st->next;
		free(st->have);
		free(st);
	}
}

const struct sink_type link_sink = {
	.info = { .name = "link", .help = "Another Penstock node, to which this one connects (source of driver link there).", .keys = link_sink_keys,
	    .encrypted = true, .role_key = "role", .default_port = 7433, .check = check },
	.size = sizeof(struct link_sink),
	.open = on_open, .stream_add = on_stream_add, .stream_remove = on_stream_remove, .offer = on_offer, .preview = sink_node_preview, .stop = on_stop,
	.close = on_close,
};
