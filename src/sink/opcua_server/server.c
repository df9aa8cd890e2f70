/*
 * The server's thread: opens the port, runs the library's loop, and in between, at each tick, takes the loop's orders: streams come and go, batches
 * are applied. The library's loop cannot be woken from outside, so the tick is a timer: 10 ms while there is work, 50 ms when there is none.
 */
#include <open62541/plugin/log.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "model/path.h"
#include "os/clock.h"
#include "sink/opcua_server/mem.h"
#include "sink/opcua_server/uas.h"

#define TICK_MS		10.0
#define TICK_IDLE_MS	50.0
#define IDLE_TICKS	100u
#define FIGURES_NS	NS_PER_S
#define CERTIFICATE_NS	(2 * NS_PER_S)
#define NAMESPACE	2	/* 0 is OPC UA's own, 1 the server's own URI */

/* ---- the library's log ---- */

__attribute__((format(printf, 4, 0))) static void
on_log(void *ctx, UA_LogLevel level, UA_LogCategory category, const char *fmt, va_list ap)
{
	static _Thread_local struct log_limit limit = { .burst = 10, .period_ms = 60000 };
	char text[512];
	unsigned long more;
	(void)ctx;
	(void)category;

	if (level < UA_LOGLEVEL_ERROR)	/* what clients do wrong is told by those who refuse it */
		return;
	if (!log_limit_ok(&limit, mono_now(), &more))
		return;
	vsnprintf(text, sizeof text, fmt, ap);
	log_warn("opcua_server_library", "text=\"%s\" more=%lu", text, more);
}

/* ---- orders ---- */

static void
apply_batch(struct uas_server *s, struct uas_order *o)
{
	struct uas_stream *st = uas_space_stream(&s->space, o->stream);
	struct uas_news *n;

	for (uint32_t i = 0; st != NULL && i < o->n; i++)
		if (o->samples[i].tag < st->n)
			uas_space_apply(&s->space, st->vars[o->samples[i].tag], &o->samples[i], o->live);
	if ((n = calloc(1, sizeof *n)) == NULL)
		fatal("out_of_memory", "what=\"opcua server\"");
	/* Also of what is not owed (to no stream then): the loop may be waiting for room. */
	*n = (struct uas_news){ .kind = UAS_DONE, .stream = o->owed ? o->stream : 0, .first = o->first, .last = o->last };
	uas_hand_tell(s->hand, n);
}

static void
obey(struct uas_server *s, struct uas_order *o)
{
	switch (o->kind) {
	case UAS_ADD:
		if (uas_space_add(&s->space, o->add) != 0)
			log_error("opcua_server_stream_refused", "flow=\"%s\" why=\"a tag's path is longer than %u bytes\"", o->add->flow, PATH_LEN_MAX * 2);
		else
			o->add = NULL;	/* taken */
		break;
	case UAS_BATCH: apply_batch(s, o); break;
	case UAS_REMOVE: uas_space_remove(&s->space, o->stream); break;
	case UAS_OUTCOME: uas_ask_outcome(s->ask, o); break;
	}
}

/* The text of the status page. */
static void
say_up(struct uas_server *s)
{
	const struct uas_figures *f = &s->told;
	char text[500];

	snprintf(text, sizeof text, "listening on opc.tcp://%s:%u%s%s; %zu of %u sessions, %u variables%s%s", s->cfg->host, s->cfg->port,
	    s->cfg->security & 1u << UAS_SEC_NONE ? ", WITHOUT SECURITY for those who ask so" : "", s->cfg->anonymous ? ", anonymous users may read" : "",
	    f->sessions, s->cfg->sessions, f->variables, f->refused != 0 ? "; the memory limit was reached" : "",
	    f->cut != 0 ? "; clients that did not read were cut" : "");
	uas_hand_state(s->hand, true, text);
}

static void
tell_figures(struct uas_server *s, struct mono now)
{
	if (mono_diff(now, s->figures_at) < FIGURES_NS)
		return;
	s->figures_at = now;
	UA_ServerStatistics st = UA_Server_getStatistics(s->server);
	struct uas_figures f = { .sessions = st.ss.currentSessionCount, .variables = s->space.nvars, .refused = uas_mem_refused(),
	    .cut = uas_out_closed(s->out) };
	if (f.sessions == s->told.sessions && f.variables == s->told.variables && f.refused == s->told.refused && f.cut == s->told.cut)
		return;
	if (f.refused != s->told.refused)
		log_warn("opcua_server_memory_limit", "sink=%s limit=%llu refused=%llu remedy=\"raise memory: of the sink, or have clients ask for less\"",
		    s->cfg->sink, (unsigned long long)s->cfg->memory, (unsigned long long)f.refused);
	s->told = f;
	say_up(s);
}

/*
 * A renewed certificate is shown from now on. Open channels live until their clients renew them, which then open new ones; sessions and subscriptions
 * live on. (UA_Server_updateCertificate() of 1.4 looks for the old certificate where it has none yet, and changes nothing.)
 */
static void
look_at_certificate(struct uas_server *s, struct mono now)
{
	UA_ServerConfig *c = UA_Server_getConfig(s->server);
	UA_StatusCode err = UA_STATUSCODE_GOOD;

	if (mono_diff(now, s->certificate_at) < CERTIFICATE_NS)
		return;
	s->certificate_at = now;
	if (!uas_trust_renewed(s->trust))
		return;
	const struct pki_own *own = uas_trust_own(s->trust);
	UA_ByteString cert = { .length = own->cert_len, .data = own->cert }, key = { .length = own->key_len, .data = own->key };
	for (size_t i = 0; i < c->securityPoliciesSize && err == UA_STATUSCODE_GOOD; i++) {
		UA_SecurityPolicy *sp = &c->securityPolicies[i];
		if (sp->updateCertificateAndPrivateKey != NULL)
			err = sp->updateCertificateAndPrivateKey(sp, cert, key);
	}
	if (err == UA_STATUSCODE_GOOD)
		log_info("opcua_server_certificate_renewed", "sink=%s sha1=%s", s->cfg->sink, own->sha1);
	else
		log_error("opcua_server_certificate_not_renewed", "sink=%s error=%s remedy=\"stop and start penstock\"", s->cfg->sink, UA_StatusCode_name(err));
}

/* The memory limit was reached since the tick before: who holds most goes, so that the others have room again. */
static void
make_room(struct uas_server *s)
{
	if (uas_mem_refused() == s->refused_seen && !uas_mem_over())
		return;
	s->refused_seen = uas_mem_refused();
	uas_mem_reserve(UAS_MEMORY_RESERVE);
	if (!uas_out_cut_largest(s->out, UAS_OUT_MAX / 4))
		uas_access_close_largest(s->access);
	uas_mem_reserve(0);
}

static void
on_tick(UA_Server *server, void *arg)
{
	struct uas_server *s = arg;
	struct mono now = mono_now();
	struct uas_order *o = uas_hand_orders(s->hand);

	s->idle = o != NULL ? 0 : s->idle + 1;
	/* What a greedy client has used up is not missing for the samples of all others: they may go beyond, and it goes below. */
	uas_mem_reserve(UAS_MEMORY_RESERVE);
	for (struct uas_order *next; o != NULL; o = next) {
		next = o->next;
		obey(s, o);
		uas_order_free(o);
	}
	uas_mem_reserve(0);
	if (uas_out_flush(s->out, now) > 0)
		s->idle = 0;
	make_room(s);
	tell_figures(s, now);
	look_at_certificate(s, now);
	bool slow = s->idle > IDLE_TICKS;
	if (slow != s->slow_tick) {
		s->slow_tick = slow;
		UA_Server_changeRepeatedCallbackInterval(server, s->tick_id, slow ? TICK_IDLE_MS : TICK_MS);
	}
}

/* ---- its life ---- */

static bool
begin(struct uas_server *s, char *why, size_t size)
{
	UA_ServerConfig c = { 0 };
	UA_StatusCode err = uas_configure(s, &c);

	if (err == UA_STATUSCODE_GOOD && (s->server = UA_Server_newWithConfig(&c)) == NULL)
		err = UA_STATUSCODE_BADOUTOFMEMORY;
	else if (err != UA_STATUSCODE_GOOD)
		UA_ServerConfig_clean(&c);
	if (err == UA_STATUSCODE_GOOD && UA_Server_addNamespace(s->server, s->cfg->namespace) != NAMESPACE)
		err = UA_STATUSCODE_BADINTERNALERROR;
	if (err == UA_STATUSCODE_GOOD)
		err = uas_hang_root(s);
	s->space.server = s->server;
	if (err != UA_STATUSCODE_GOOD) {
		snprintf(why, size, "the OPC UA server cannot be made: %s", UA_StatusCode_name(err));
		return false;
	}
	if (UA_Server_run_startup(s->server) != UA_STATUSCODE_GOOD) {
		snprintf(why, size, "cannot listen on %s port %u: another program has it, or it is no address of this machine; see `listen` of the sink",
		    s->cfg->host, s->cfg->port);
		return false;
	}
	return UA_Server_addRepeatedCallback(s->server, on_tick, s, TICK_MS, &s->tick_id) == UA_STATUSCODE_GOOD;
}

static void
end(struct uas_server *s)
{
	if (s->server != NULL) {
		if (UA_Server_getLifecycleState(s->server) == UA_LIFECYCLESTATE_STARTED)
			UA_Server_run_shutdown(s->server);
		UA_Server_delete(s->server);
	}
	uas_space_fini(&s->space);
	uas_out_free(s->out);
	uas_ask_free(s->ask);
	uas_access_free(s->access);
	uas_history_free(s->history);
	uas_trust_free(s->trust);
}

/* One life. False: it could not begin. */
static bool
live(struct uas_thread *t)
{
	struct uas_server s = { .cfg = &t->cfg, .hand = &t->hand, .logger = { .log = on_log } };
	char why[1024];
	bool up = false;

	uas_space_init(&s.space, NAMESPACE, t->cfg.site);
	s.trust = uas_trust_new(&t->cfg, why, sizeof why);
	if (s.trust != NULL) {
		s.access = uas_access_new(&t->cfg, &s);
		s.ask = uas_ask_new(&s);
		s.history = t->cfg.history ? uas_history_new(&t->cfg) : NULL;
		up = begin(&s, why, sizeof why);
	}
	if (up) {
		if (t->cfg.security & 1u << UAS_SEC_NONE)
			log_warn("opcua_server_without_security",
			    "sink=%s why=\"the site file's security: has none; anyone on the way can read and change what passes\"", t->cfg.sink);
		say_up(&s);
	} else
		uas_hand_state(&t->hand, false, why);
	while (up && !uas_hand_stopping(&t->hand))
		UA_Server_run_iterate(s.server, true);
	end(&s);
	return up;
}

void *
uas_thread_main(void *arg)
{
	struct uas_thread *t = arg;
	struct uas_news *n;
	int pause_ms = 500;

	uas_mem_begin(t->cfg.memory);
	while (!uas_hand_stopping(&t->hand) && !live(t)) {
		uas_hand_wait(&t->hand, pause_ms);
		pause_ms = pause_ms < 15000 ? pause_ms * 2 : 30000;
	}
	if ((n = calloc(1, sizeof *n)) == NULL)
		fatal("out_of_memory", "what=\"opcua server\"");
	n->kind = UAS_STOPPED;
	uas_hand_tell(&t->hand, n);
	return NULL;
}
