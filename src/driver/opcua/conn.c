/*
 * The life of a connection, see conn.h: attempts without end and with growing pauses, one at a time; the session in use is watched, and moved to a fresh
 * client when our certificate was renewed or a better server of the set is there: the new session stands before the old one is left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/opcua/conn.h"
#include "os/clock.h"

#define RETRY_MIN_NS	NS_PER_S
#define RETRY_SOON_NS	(200 * NS_PER_MS)	/* the first attempt after a loss; jittered */
#define STABLE_NS	(30 * NS_PER_S)		/* a session that lasted so long was worth its pauses */
#define RENEW_LOOK_NS	(10 * NS_PER_S)		/* how often our certificate's file is looked at */
#define BUDGET		16			/* attempts at one time in this process */
#define DAY_NS		(86400 * NS_PER_S)

static atomic_int attempts;	/* under way, of all agents of this process */

/* ---- the process's budget of connects ---- */

static bool
count(struct ua_conn *c)
{
	if (!c->counted && atomic_fetch_add(&attempts, 1) >= BUDGET) {
		atomic_fetch_sub(&attempts, 1);
		return false;
	}
	c->counted = true;
	return true;
}

static void
uncount(struct ua_conn *c)
{
	if (c->counted)
		atomic_fetch_sub(&attempts, 1);
	c->counted = false;
}

/* ---- texts and warnings ---- */

static void
tell(struct ua_thread *t, bool reached)
{
	struct ua_conn *c = t->agent.conn;

	c->told = !reached;
	ua_out_reach(&t->agent, reached, c->text);
}

static void
describe(struct ua_thread *t)
{
	struct ua_conn *c = t->agent.conn;
	const struct ua_choice *k = &c->up->choice;

	snprintf(c->text, sizeof c->text, "%s with %s/%s as %s, service level %d", c->servers[c->current].url, ua_policy_name(k->policy),
	    ua_mode_name(k->endpoint.securityMode), t->conf.user_cert_file != NULL ? "a user with a certificate" : t->conf.user != NULL ?
	    t->conf.user : "anonymous", c->level);
}

/* Times are never altered; a person is told. */
static void
look_at_clock(struct ua_thread *t)
{
	struct ua_conn *c = t->agent.conn;
	const struct ua_facts *f = &c->up->facts;
	unsigned long left_out = 0;

	if (f->time == 0)
		return;
	/* In ms, since years 1 to 30,000 do not fit in nanoseconds. */
	c->clock_off_ms = f->time / UA_DATETIME_MSEC - UA_DATETIME_UNIX_EPOCH / UA_DATETIME_MSEC - f->time_at.ns / NS_PER_MS;
	int64_t warn_ms = t->conf.clock_warn_ns / NS_PER_MS;
	if (c->clock_off_ms <= warn_ms && c->clock_off_ms >= -warn_ms)
		return;
	c->clock_warnings++;
	if (log_limit_ok(&c->clock_quiet, t->agent.now, &left_out))
		log_warn("opcua_clock", "source=\"%s\" server=\"%s\" ahead_s=%lld left_out=%lu remedy=\"set the server's clock or this "
		    "machine's; times of values are passed on as they are\"", t->agent.source->name, c->servers[c->current].url,
		    (long long)(c->clock_off_ms / 1000), left_out);
}

static void
warn_of_end(struct ua_thread *t, const char *whose, struct wall not_after)
{
	char text[WALL_TEXT];
	int64_t left = not_after.ns - t->agent.wall.ns;

	if (not_after.ns != 0 && left < PKI_DAYS_WARN * DAY_NS)
		log_warn("certificate_ends", "source=\"%s\" certificate=\"%s\" days=%lld ends=%s", t->agent.source->name, whose,
		    (long long)(left / DAY_NS), wall_format(not_after, 0, text));
}

/* ---- a session comes into use, or goes ---- */

static bool
same_names(char *const *a, uint32_t n, char *const *b, uint32_t m)
{
	if (n != m)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

static void
keep_namespaces(struct ua_thread *t, struct ua_facts *f)
{
	struct ua_agent *a = &t->agent;
	struct ua_conn *c = a->conn;

	a->namespaces_moved = !same_names(c->last_namespaces, c->nlast, f->namespaces, f->nnamespaces);
	for (uint32_t i = 0; i < c->nlast; i++)
		free(c->last_namespaces[i]);
	free(c->last_namespaces);
	a->namespaces = c->last_namespaces = f->namespaces;
	a->nnamespaces = c->nlast = f->nnamespaces;
	f->namespaces = NULL;
	f->nnamespaces = 0;
}

static void
adopt(struct ua_thread *t, struct ua_open *o)
{
	struct ua_agent *a = &t->agent;
	struct ua_conn *c = a->conn;
	struct ua_facts *f = &o->facts;

	a->same_server = c->last_uri[0] != '\0' && strcmp(c->last_uri, f->server_uri) == 0 && f->started == a->server_started;
	a->server_started = f->started;
	snprintf(c->last_uri, sizeof c->last_uri, "%s", f->server_uri);
	keep_namespaces(t, f);
	a->limits = f->limits;
	a->client = o->client;
	c->up = o;
	c->state = UA_CONN_UP;
	c->current = o->server;
	c->level = c->servers[o->server].level = f->level;
	c->servers[o->server].at = a->now;
	c->up_at = c->heard_at = c->watch_at = a->now;
	c->watch_at = mono_add(a->now, t->conf.watch_ns);
	c->renew_at = mono_add(a->now, RENEW_LOOK_NS);
	c->better_at = a->now;
	c->watching = false;
	c->watch_refused = 0;
	c->drop[0] = '\0';
	c->memory_refused = t->memory.refused;
	c->connects++;
	c->was_up = true;
	describe(t);
	log_info("opcua_session", "source=\"%s\" how=\"%s\" server=\"%s\" same_server=%d", a->source->name, c->text, f->server_uri,
	    a->same_server);
	look_at_clock(t);
	warn_of_end(t, "ours", c->own.not_after);
	warn_of_end(t, "the server's", o->verdict.not_after);
	a->session = true;
	tell(t, true);
	for (const struct ua_part *p = ua_parts; p->name != NULL && a->session; p++)
		if (p->up != NULL)
			p->up(a, a->now);
}

/* What belonged to the session is nothing any more. */
static void
forget_items(struct ua_agent *a)
{
	for (uint32_t i = 0; i < a->source->ntags; i++) {
		struct ua_item *it = &a->items[i];
		UA_NodeId_clear(&it->node);
		it->trouble = UA_STATUSCODE_GOOD;
		it->monitored_id = 0;
	}
}

/* Leave the session that is up. close: in good order; else its subscriptions wait at the server for the next session. */
static void
put_down(struct ua_thread *t, const char *why, bool close)
{
	struct ua_agent *a = &t->agent;
	struct ua_conn *c = a->conn;
	struct ua_open *o = c->up;

	a->session = false;
	c->up = NULL;
	a->client = NULL;
	ua_open_free(o, close);		/* answers to calls under way come now */
	for (const struct ua_part *p = ua_parts; p->name != NULL; p++)
		if (p->down != NULL)
			p->down(a, a->now, why);
	forget_items(a);
	ua_agent_refuse(t, why);
	c->watching = false;
	a->namespaces = NULL;
	a->nnamespaces = 0;
}

static void
drop_opening(struct ua_conn *c, bool close)
{
	ua_open_free(c->opening, close);
	c->opening = NULL;
	uncount(c);
}

static void
lost(struct ua_thread *t, const char *why)
{
	struct ua_agent *a = &t->agent;
	struct ua_conn *c = a->conn;
	char text[UA_TEXT_MAX];

	snprintf(text, sizeof text, "%s", why);		/* why may be in what goes now */
	if (c->opening != NULL)
		drop_opening(c, false);
	if (mono_diff(a->now, c->up_at) >= STABLE_NS)
		backoff_reset(&c->retry);
	put_down(t, text, false);
	snprintf(c->text, sizeof c->text, "%s", text);
	c->state = UA_CONN_WAIT;
	int64_t pause = backoff_next(&c->retry);
	/* At once the first time; a session that broke at birth waits its turn. */
	c->retry_at = mono_add(a->now, c->retry.last_ns == c->retry.min_ns ? pause % RETRY_SOON_NS : pause);
	tell(t, false);
}

/* ---- attempts ---- */

static void
failed(struct ua_thread *t)
{
	struct ua_agent *a = &t->agent;
	struct ua_conn *c = a->conn;
	int64_t pause = backoff_next(&c->retry);
	char for_people[DURATION_TEXT];

	snprintf(c->text, sizeof c->text, "%.*s%s%s", (int)sizeof c->text - 80, c->opening->why, c->nservers > 1 ? "; server " : "",
	    c->nservers > 1 ? c->servers[c->current].host : "");
	log_debug("opcua_attempt", "source=\"%s\" retry=\"%s\" cause=\"%s\"", a->source->name, duration_format(pause, for_people), c->text);
	drop_opening(c, false);
	uint32_t next = ua_servers_next(c, a->now);
	/* The pause comes after a round through the set. */
	c->retry_at = mono_add(a->now, next > c->current ? RETRY_SOON_NS : pause);
	c->current = next;
	c->state = UA_CONN_WAIT;
	ua_agent_refuse(t, c->text);
	tell(t, false);
}

static void
begin(struct ua_thread *t, uint32_t server)
{
	struct ua_conn *c = t->agent.conn;

	if (!count(c)) {
		c->retry_at = mono_add(t->agent.now, RETRY_SOON_NS);
		return;
	}
	c->attempts++;
	if ((c->opening = ua_open_new(t, server)) == NULL) {
		uncount(c);
		c->retry_at = mono_add(t->agent.now, c->retry.max_ns);
		return;
	}
	if (c->state == UA_CONN_WAIT)
		c->state = UA_CONN_OPENING;
}

static void
tick_opening(struct ua_thread *t, struct mono now)
{
	struct ua_conn *c = t->agent.conn;
	struct ua_open *o = c->opening;

	ua_open_tick(o, now);
	if (o->state == UA_OPEN_FAILED)
		failed(t);
	else if (o->state == UA_OPEN_DONE) {
		c->opening = NULL;
		uncount(c);
		adopt(t, o);
	}
}

/* An attempt beside the session that is up: to move there. */
static void
tick_beside(struct ua_thread *t, struct mono now)
{
	struct ua_conn *c = t->agent.conn;
	struct ua_open *o = c->opening;
	bool elsewhere = o->server != c->current;

	ua_open_tick(o, now);
	if (o->state == UA_OPEN_FAILED) {
		log_warn(elsewhere ? "opcua_failover" : "opcua_renewal", "source=\"%s\" server=\"%s\" result=\"stays where it is\" cause=\"%s\"",
		    t->agent.source->name, c->servers[o->server].url, o->why);
		c->servers[o->server].level = elsewhere ? -2 : c->servers[o->server].level;
		c->servers[o->server].at = now;
		drop_opening(c, false);
		return;
	}
	if (o->state != UA_OPEN_DONE)
		return;
	c->servers[o->server].level = o->facts.level;
	c->servers[o->server].at = now;
	if (elsewhere && o->facts.level <= c->level) {
		drop_opening(c, true);		/* no better than what there is */
		return;
	}
	c->opening = NULL;
	uncount(c);
	c->failovers += elsewhere;
	log_info(elsewhere ? "opcua_failover" : "opcua_renewal", "source=\"%s\" from=\"%s\" to=\"%s\" level=%d was=%d",
	    t->agent.source->name, c->servers[c->current].url, c->servers[o->server].url, o->facts.level, c->level);
	put_down(t, elsewhere ? "moving to a better server of the set" : "moving to a session with the renewed certificate", elsewhere);
	adopt(t, o);
}

/* ---- while it is up ---- */

/* Our certificate was replaced on disk: bring up a session with the new one. */
static void
look_at_certificate(struct ua_thread *t, struct mono now)
{
	struct ua_conn *c = t->agent.conn;

	if (mono_before(now, c->renew_at))
		return;
	c->renew_at = mono_add(now, RENEW_LOOK_NS);
	if (c->pki != NULL && c->opening == NULL && c->up->generation != 0 && pki_own_generation(c->pki) != c->up->generation)
		begin(t, c->current);
}

static void
tick_watch(struct ua_thread *t, struct mono now)
{
	struct ua_conn *c = t->agent.conn;

	if (mono_before(now, c->watch_at))
		return;
	if (c->watching) {		/* the answer is due; the call's own timeout ends it */
		c->watch_at = mono_add(now, NS_PER_S);
		if (mono_diff(now, c->heard_at) > t->conf.watch_ns + 2 * t->conf.timeout_ns)
			ua_drop(&t->agent, "the server no longer answers");
		return;
	}
	describe(t);
	look_at_clock(t);
	c->watching = ua_watch(t) == 0;
	c->watch_at = mono_add(now, c->watching ? t->conf.watch_ns : NS_PER_S);
}

static void
tick_up(struct ua_thread *t, struct mono now)
{
	struct ua_conn *c = t->agent.conn;
	unsigned long left_out = 0;
	uint32_t which;

	if (c->drop[0] == '\0' && c->up->status != UA_STATUSCODE_GOOD) {
		ua_open_explain(c->up, "the session was lost", c->up->status);
		snprintf(c->drop, sizeof c->drop, "%s", c->up->why);
	}
	if (c->drop[0] != '\0') {
		lost(t, c->drop);
		return;
	}
	tick_watch(t, now);
	look_at_certificate(t, now);
	if (c->opening != NULL)
		tick_beside(t, now);
	else if (ua_servers_better(c, now, &which)) {
		if (log_limit_ok(&c->level_quiet, now, &left_out))
			log_warn("opcua_service_level", "source=\"%s\" server=\"%s\" level=%d state=%d left_out=%lu", t->agent.source->name,
			    c->servers[c->current].url, c->level, (int)c->up->facts.state, left_out);
		begin(t, which);
	}
}

void
ua_drop(struct ua_agent *a, const char *why)
{
	struct ua_conn *c = a->conn;

	if (a->session && c->drop[0] == '\0')
		snprintf(c->drop, sizeof c->drop, "%s", why);
	ua_loop_wake(ua_thread_of(a)->loop);
}

struct mono
ua_conn_tick(struct ua_thread *t, struct mono now)
{
	struct ua_conn *c = t->agent.conn;

	if (c->state == UA_CONN_WAIT && !mono_before(now, c->retry_at))
		begin(t, c->current);
	if (c->state == UA_CONN_OPENING)
		tick_opening(t, now);
	if (c->state == UA_CONN_UP)
		tick_up(t, now);
	struct mono next = c->state == UA_CONN_WAIT ? c->retry_at : c->state == UA_CONN_UP ? c->watch_at : MONO_NEVER;
	return c->opening != NULL ? mono_min(next, c->opening->deadline) : next;
}

bool
ua_conn_leave(struct ua_thread *t, struct mono now)
{
	struct ua_agent *a = &t->agent;
	struct ua_conn *c = a->conn;
	UA_SecureChannelState channel;

	if (c == NULL || c->state == UA_CONN_LEFT)
		return true;
	if (c->opening != NULL)
		drop_opening(c, false);
	if (c->up == NULL) {
		c->state = UA_CONN_LEFT;
		return true;
	}
	if (a->session) {
		a->session = false;
		c->up->deadline = mono_add(now, NS_PER_S);
		UA_Client_disconnectAsync(c->up->client);	/* CloseSession, then the channel when that is answered */
	}
	UA_Client_getState(c->up->client, &channel, NULL, NULL);
	if (channel != UA_SECURECHANNELSTATE_CLOSED && mono_before(now, c->up->deadline))
		return false;
	put_down(t, "the connection is being closed", false);
	c->state = UA_CONN_LEFT;
	return true;
}

int
ua_conn_new(struct ua_thread *t)
{
	struct ua_conn *c = calloc(1, sizeof *c);

	if (c == NULL)
		return ERR_NOMEM;
	t->agent.conn = c;
	snprintf(c->home, sizeof c->home, "%s", t->home);
	snprintf(c->site, sizeof c->site, "%s", t->site);
	backoff_init(&c->retry, RETRY_MIN_NS, t->conf.retry_max_ns, t->seed);
	c->clock_quiet = c->level_quiet = (struct log_limit){ .burst = 2, .period_ms = 600000 };
	/* Many sources begin at the same moment. */
	c->retry_at = mono_add(t->agent.now, backoff_next(&c->retry) % RETRY_SOON_NS);
	backoff_reset(&c->retry);
	int err = ua_servers_init(t);
	if (err != 0)
		tell(t, false);
	return err;
}

void
ua_conn_free(struct ua_thread *t)
{
	struct ua_conn *c = t->agent.conn;

	if (c == NULL)
		return;
	if (c->opening != NULL)
		drop_opening(c, false);
	if (c->up != NULL)
		put_down(t, "the connection is being closed", false);
	for (uint32_t i = 0; i < c->nlast; i++)
		free(c->last_namespaces[i]);
	free(c->last_namespaces);
	pki_own_fini(&c->own);
	pki_close(c->pki);
	free(c);
	t->agent.conn = NULL;
}

void
ua_conn_why(struct ua_thread *t, struct json *out)
{
	struct ua_conn *c = t->agent.conn;

	if (c == NULL)
		return;
	json_key_text(out, "connection", c->text);
	json_key_text(out, "server", c->servers[c->current].url);
	json_key_i64(out, "service_level", c->level);
	json_key_u64(out, "connects", c->connects);
	json_key_u64(out, "attempts", c->attempts);
	json_key_u64(out, "failovers", c->failovers);
	json_key_i64(out, "clock_ahead_ms", c->clock_off_ms);
	json_key_u64(out, "library_bytes", t->memory.used);
	json_key(out, "library_bytes_peak");
	json_u64(out, t->memory.peak > t->memory.peak_ever ? t->memory.peak : t->memory.peak_ever);
}
