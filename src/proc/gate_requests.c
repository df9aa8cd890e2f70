/*
 * See gate_requests.h. Those who ask are named by tokens; a token is ours, and leads back to a client or to a number of
 * office's own.
 */
#include "proc/gate_requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/clock.h"
#include "proc/gate_audit.h"
#include "proc/gate_client.h"
#include "proc/notes.h"
#include "proc/orders.h"

#define ZONES_MAX	64u
#define AGAIN_NS	(50 * NS_PER_MS)	/* office did not take an outcome: again after this */
#define SAID_MAX	1024u			/* outcomes that office may leave unread */
#define AUDITS_A_SECOND	50u
#define PUBLISH_NS	(500 * NS_PER_MS)

struct said {			/* an outcome that office, or insight, has not been told yet */
	struct said	*next;
	enum msg_type	 type;
	size_t		 len;
	uint8_t		 p[];
};

/* Those who ask over a channel. */
enum peer { PEER_OFFICE, PEER_INSIGHT, PEERS };
struct owed_to { struct said *first, **end; uint32_t n; };

struct asker {
	struct asker	*next;
	uint64_t	 token;
	struct gate_client *client;	/* NULL: peer */
	enum peer	 peer;
	uint64_t	 number;	/* the peer's own */
};

struct gate_requests {
	struct gate_requests_ops ops;
	struct audit		*audit;
	struct requests		*requests;
	struct orders_out	*fields[ZONES_MAX];
	struct asker		*askers;
	uint64_t		 next_token;
	struct owed_to		 owed[PEERS];
	struct mono		 published, audit_second;
	uint32_t		 audits;	/* that processes asked for, within that second */
	stat_t			*figures, *reasons[REASON_COUNT];
};

/* ---- what the library wants ---- */

static int
on_audit(void *arg, const struct audit_new *v, size_t n, struct wall now)
{
	struct gate_requests *g = arg;
	return audit_put(g->audit, v, n, now);
}

static int
on_send(void *arg, const char *zone, const struct order *o)
{
	struct gate_requests *g = arg;

	for (size_t i = 0; i < ZONES_MAX; i++)
		if (g->fields[i] != NULL && strcmp(orders_out_zone(g->fields[i]), zone) == 0)
			return orders_out_send(g->fields[i], o);
	return ERR_CONN;
}

static struct asker *
asker_find(struct gate_requests *g, uint64_t token)
{
	struct asker *a = g->askers;
	while (a != NULL && a->token != token)
		a = a->next;
	return a;
}

static void
asker_free(struct gate_requests *g, struct asker *a)
{
	struct asker **at = &g->askers;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	free(a);
}

static struct asker *
asker_new(struct gate_requests *g)
{
	struct asker *a = calloc(1, sizeof *a);

	if (a == NULL)
		fatal("out_of_memory", "what=request");
	a->token = ++g->next_token;
	a->next = g->askers;
	g->askers = a;
	return a;
}

/* True: all is told. */
static bool
say(struct gate_requests *g)
{
	bool all = true;

	for (int i = 0; i < PEERS; i++) {
		struct owed_to *o = &g->owed[i];
		int (*to)(void *, enum msg_type, const void *, size_t) = i == PEER_OFFICE ? g->ops.to_office : g->ops.to_insight;
		while (o->first != NULL && to(g->ops.arg, o->first->type, o->first->p, o->first->len) != ERR_AGAIN) {
			struct said *s = o->first;
			o->first = s->next;
			if (o->first == NULL)
				o->end = &o->first;
			o->n--;
			free(s);
		}
		all &= o->first == NULL;
	}
	return all;
}

static void
unsay(struct owed_to *o)
{
	for (struct said *s = o->first, *next; s != NULL; s = next) {
		next = s->next;
		free(s);
	}
	*o = (struct owed_to){ .end = &o->first };
}

/* To office or insight, now or when it listens. */
static void
say_soon(struct gate_requests *g, enum peer peer, enum msg_type type, const uint8_t *p, size_t len)
{
	struct said *s = malloc(sizeof *s + len);

	if (s == NULL)
		fatal("out_of_memory", "what=outcome");
	*s = (struct said){ .type = type, .len = len };
	memcpy(s->p, p, len);
	g->owed[peer].n++;
	*g->owed[peer].end = s;
	g->owed[peer].end = &s->next;
	if (!say(g))
		g->ops.soon(g->ops.arg);
}

static void
say_outcome(struct gate_requests *g, enum peer peer, uint64_t number, const struct request_result *r)
{
	static uint8_t bytes[8 + REQUEST_BYTES_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);

	wr_le64(&w, number);
	request_result_pack(&w, r);	/* it came through a message that is no longer than this one */
	say_soon(g, peer, MSG_OUTCOME, bytes, wr_len(&w));
}

static void
on_tell(void *arg, uint64_t token, const struct request_result *r)
{
	struct gate_requests *g = arg;
	struct asker *a = asker_find(g, token);
	bool over = request_state_final(r->state);

	if (a == NULL)
		return;
	if (a->client != NULL)
		over = gate_client_tell(a->client, r);
	else if (over)
		say_outcome(g, a->peer, a->number, r);
	if (over)
		asker_free(g, a);
}

/* ---- the outside ---- */

static void
recall(void *arg, const struct audit_line *l)
{
	struct gate_requests *g = arg;
	requests_recall(g->requests, l);
}

int
gate_requests_open(const char *state_dir, const struct gate_requests_ops *ops, struct gate_requests **out)
{
	struct gate_requests *g = calloc(1, sizeof *g);
	char dir[DISK_PATH_MAX];

	if (g == NULL || (size_t)snprintf(dir, sizeof dir, "%s/audit", state_dir) >= sizeof dir) {
		free(g);
		return ERR_LIMIT;
	}
	g->ops = *ops;
	for (int i = 0; i < PEERS; i++)
		unsay(&g->owed[i]);
	g->requests = requests_new(&(struct requests_ops){ .audit = on_audit, .send = on_send, .tell = on_tell,
	    .arg = g });
	int err = audit_open(dir, &disk_os, wall_now(), recall, g, &g->audit);
	if (err != 0) {
		requests_free(g->requests);
		free(g);
		return err;
	}
	requests_recalled(g->requests, boot_now(), wall_now());
	*out = g;
	return 0;
}

void
gate_requests_close(struct gate_requests *g)
{
	if (g == NULL)
		return;
	requests_free(g->requests);
	audit_close(g->audit);
	while (g->askers != NULL)
		asker_free(g, g->askers);
	for (int i = 0; i < PEERS; i++)
		unsay(&g->owed[i]);
	free(g);
}

void
gate_requests_plan(struct gate_requests *g, const struct plan *p)
{
	struct buf b = { 0 };
	struct json j = { .out = &b };
	char hash[20];

	requests_plan(g->requests, p, boot_now(), wall_now());
	snprintf(hash, sizeof hash, "%016llx", (unsigned long long)p->hash);
	json_open(&j, '{');
	json_key_text(&j, "plan", hash);
	json_key_text(&j, "site", p->site);
	json_key_u64(&j, "flows", p->nflows);
	json_key_u64(&j, "requests", p->nrequests);
	json_close(&j, '}');
	gate_requests_note(g, AUDIT_PLAN, buf_text(&b));
	buf_fini(&b);
}

void
gate_requests_figures(struct gate_requests *g, struct stats *stats)
{
	g->figures = stats_object(stats, STATS_requests, "requests");
	for (int i = 1; i < REASON_COUNT; i++)
		g->reasons[i] = stats_object(stats, STATS_refused, request_reason_code((enum request_reason)i));
}

void
gate_requests_note(struct gate_requests *g, enum audit_kind kind, const char *json)
{
	int err = audit_put(g->audit, &(struct audit_new){ kind, 0, NULL, json }, 1, wall_now());

	if (err != 0)
		log_error("audit_entry_lost", "kind=%s error=\"%s\"", audit_kind_name(kind), err_text(err));
}

void
gate_requests_live(struct gate_requests *g, uint64_t source_key, const struct sample *v, uint32_t n)
{
	requests_live(g->requests, source_key, v, n, boot_now());
}

void
gate_requests_live_lost(struct gate_requests *g)
{
	requests_live_lost(g->requests);
}

/* ---- field ---- */

static void
on_carried(void *arg, const char *zone, const struct request_result *r)
{
	struct gate_requests *g = arg;

	requests_carried(g->requests, zone, r, wall_now());
	g->ops.soon(g->ops.arg);
}

static int
on_changed(void *arg, const char *zone, const void *p, size_t len)
{
	char process[160];

	snprintf(process, sizeof process, "field:%s", zone);
	return gate_requests_changed(arg, process, p, len);
}

static void
on_lost(void *arg, const char *zone)
{
	struct gate_requests *g = arg;

	for (size_t i = 0; i < ZONES_MAX; i++)
		if (g->fields[i] != NULL && strcmp(orders_out_zone(g->fields[i]), zone) == 0)
			g->fields[i] = NULL;
	requests_zone_lost(g->requests, zone, wall_now());
	g->ops.soon(g->ops.arg);
}

void
gate_requests_field(struct gate_requests *g, uv_loop_t *loop, const char *zone, int fd)
{
	struct orders_out_ops ops = { .carried = on_carried, .changed = on_changed, .lost = on_lost, .arg = g };
	struct orders_out *out = orders_out_open(loop, fd, zone, &ops);
	size_t room = ZONES_MAX;

	if (out == NULL)
		return;
	for (size_t i = 0; i < ZONES_MAX; i++) {
		if (g->fields[i] != NULL && strcmp(orders_out_zone(g->fields[i]), zone) == 0) {
			orders_out_close(g->fields[i]);
			g->fields[i] = NULL;
			requests_zone_lost(g->requests, zone, wall_now());
		}
		if (g->fields[i] == NULL && room == ZONES_MAX)
			room = i;
	}
	if (room == ZONES_MAX) {
		log_error("too_many_zones", "zone=%s most=%u effect=\"its devices get no requests\"", zone, ZONES_MAX);
		orders_out_close(out);
		return;
	}
	g->fields[room] = out;
}

int
gate_requests_durable(struct gate_requests *g, const char *writer, uint64_t origin, uint64_t no, bool hole)
{
	const char *colon = strchr(writer, ':');
	const char *zone = colon != NULL ? colon + 1 : writer;

	for (size_t i = 0; i < ZONES_MAX; i++)
		if (g->fields[i] != NULL && strcmp(orders_out_zone(g->fields[i]), zone) == 0)
			return orders_out_durable(g->fields[i], origin, no, hole);
	return ERR_AGAIN;
}

/* ---- office and insight ---- */

static int
from_peer(struct gate_requests *g, enum peer peer, const void *p, size_t len)
{
	struct reader r = rd_init(p, len);
	struct arena a = { 0 };
	struct request q;

	uint64_t number = rd_le64(&r);
	request_unpack(&r, &a, &q);
	int err = rd_end(&r);
	/* The name of the command line is nobody's to use, that of events is insight's alone, and its only one. */
	if (err == 0 && (strcmp(q.from, REQUEST_FROM_CLI) == 0 || (strcmp(q.from, REQUEST_FROM_EVENTS) == 0) != (peer == PEER_INSIGHT)))
		err = ERR_DENIED;
	/* It asks and asks and does not listen: gate's memory is not its to fill. */
	if (err == 0 && g->owed[peer].n >= SAID_MAX)
		err = ERR_FULL;
	if (err == 0) {
		struct asker *k = asker_new(g);
		k->peer = peer;
		k->number = number;
		requests_ask(g->requests, k->token, &q, boot_now(), wall_now());
		g->ops.soon(g->ops.arg);
	}
	arena_fini(&a);
	return err;
}

static void
peer_gone(struct gate_requests *g, enum peer peer)
{
	for (struct asker *a = g->askers, *next; a != NULL; a = next) {
		next = a->next;
		if (a->client != NULL || a->peer != peer)
			continue;
		requests_forget(g->requests, a->token);
		asker_free(g, a);
	}
	unsay(&g->owed[peer]);
}

int
gate_requests_office(struct gate_requests *g, const void *p, size_t len)
{
	return from_peer(g, PEER_OFFICE, p, len);
}

/* So many changes a second and no more: a person's, also of a script; the log is not for other processes to fill. */
static bool
audit_allowed(struct gate_requests *g, struct mono now)
{
	if (mono_diff(now, g->audit_second) >= NS_PER_S) {
		g->audit_second = now;
		g->audits = 0;
	}
	return g->audits++ < AUDITS_A_SECOND;
}

int
gate_requests_audit(struct gate_requests *g, const void *p, size_t len)
{
	struct buf json = { .max = AUDIT_LINE_MAX - 1024 };
	uint8_t bytes[12];
	struct writer w = wr_init(bytes, sizeof bytes);
	uint64_t number;

	int err = g->owed[PEER_OFFICE].n >= SAID_MAX ? ERR_FULL : gate_audit_read(p, len, &number, &json);
	if (err == 0) {
		int entered = json.err != 0 ? ERR_LIMIT : !audit_allowed(g, mono_now()) ? ERR_FULL :
		    audit_put(g->audit, &(struct audit_new){ AUDIT_OUTBOX, 0, NULL, buf_text(&json) }, 1, wall_now());
		wr_le64(&w, number);
		wr_le32(&w, (uint32_t)entered);
		say_soon(g, PEER_OFFICE, MSG_AUDITED, bytes, wr_len(&w));
	}
	buf_fini(&json);
	return err;
}

int
gate_requests_changed(struct gate_requests *g, const char *process, const void *p, size_t len)
{
	struct buf json = { .max = AUDIT_LINE_MAX - 1024 };

	int err = notes_read(p, len, process, &json);
	if (err == 0 && (json.err != 0 || !audit_allowed(g, mono_now())))
		log_error("audit_entry_lost", "kind=cert process=%s error=\"%s\"", process,
		    json.err != 0 ? "it is too long" : "too many within a second");
	else if (err == 0)
		gate_requests_note(g, AUDIT_CERT, buf_text(&json));
	buf_fini(&json);
	return err;
}

void
gate_requests_office_gone(struct gate_requests *g)
{
	peer_gone(g, PEER_OFFICE);
}

int
gate_requests_insight(struct gate_requests *g, const void *p, size_t len)
{
	return from_peer(g, PEER_INSIGHT, p, len);
}

void
gate_requests_insight_gone(struct gate_requests *g)
{
	peer_gone(g, PEER_INSIGHT);
}

/* ---- the command line ---- */

uint64_t
gate_requests_token(struct gate_requests *g, struct gate_client *c)
{
	struct asker *a = asker_new(g);
	a->client = c;
	return a->token;
}

void
gate_requests_forget(struct gate_requests *g, uint64_t token)
{
	struct asker *a = asker_find(g, token);

	requests_forget(g->requests, token);
	if (a != NULL)
		asker_free(g, a);
}

void
gate_requests_client(struct gate_requests *g, struct client *c, int argc, const char *const *argv)
{
	gate_client_serve(g, g->requests, c, argc, argv);
	g->ops.soon(g->ops.arg);
}

/* ---- time ---- */

static void
publish(struct gate_requests *g)
{
	const struct requests_counts *c = requests_counts(g->requests);
	uint8_t hash[AUDIT_HASH];
	const uint64_t v[STATS_requests_N] = {
		[STATS_requests_asked] = c->asked, [STATS_requests_admitted] = c->admitted,
		    [STATS_requests_applied] = c->applied,
		[STATS_requests_refused] = c->refused, [STATS_requests_expired] = c->expired,
		    [STATS_requests_unknown] = c->unknown,
		[STATS_requests_repeated] = c->repeated, [STATS_requests_pending] = c->pending,
		[STATS_requests_audit_entries] = audit_newest(g->audit, hash),
	};

	for (int i = 0; i < STATS_requests_N; i++)
		stat_set(&g->figures[i], v[i]);
	for (int i = 1; i < REASON_COUNT; i++)
		stat_set(&g->reasons[i][STATS_refused_count], c->by_reason[i]);
}

struct mono
gate_requests_tick(struct gate_requests *g)
{
	struct mono now = mono_now(), boot = boot_now();

	struct mono next = requests_tick(g->requests, boot, wall_now());
	bool told = say(g);
	if (g->figures != NULL && mono_diff(now, g->published) >= PUBLISH_NS) {
		g->published = now;
		publish(g);
	}
	/* From the clock that counts to the one that timers use. */
	if (next.ns != INT64_MAX)
		next = mono_add(now, mono_diff(next, boot));
	if (g->figures != NULL)
		next = mono_min(next, mono_add(g->published, PUBLISH_NS));
	return !told ? mono_min(next, mono_add(now, AGAIN_NS)) : next;
}
