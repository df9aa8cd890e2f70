/*
 * The gate process: gate/ on a loop. It has the rings to read, the spool to write and a channel to office; no socket,
 * no address. Every wake-up and every deadline runs one turn of the gate. The disk is waited for in the loop: while
 * it works the rings take what comes, and nothing could be appended meanwhile anyway.
 *
 * Office reports delivery over the channel and may have been taken over: the channel refuses what no row of
 * messages.def allows, gate_report() what the account does not. While the disk refuses the ledger's entries, the
 * channel is not read, and office waits.
 *
 * The way back is in gate_requests.c: requests come from office and the command line, orders go to the field processes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "gate/gate.h"
#include "os/clock.h"
#include "proc/child.h"
#include "proc/gate_insight.h"
#include "proc/gate_requests.h"
#include "ring/report.h"

#define REPORTS_A_TURN	64

struct peer {			/* the channel to office; one at a time, freed when its handle is closed */
	struct channel	 channel;
	uv_poll_t	 poll;
	bool		 waiting;	/* a report could not be taken yet */
	enum msg_type	 type;
	size_t		 len;
	uint8_t		 payload[REPORT_MAX];
};

struct gate_proc {
	struct child	*self;
	struct gate	*gate;
	struct gate_requests *requests;
	struct peer	*peer;
	struct gate_insight *insight;
	uv_timer_t	 timer;
	bool		 started, draining, stopping;
	struct mono	 deadline;
};

static void run(struct gate_proc *p);
static void on_timer(uv_timer_t *h);
static void on_report(uv_poll_t *h, int status, int events);

static void
peer_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
peer_drop(struct gate_proc *p)
{
	struct peer *o = p->peer;

	p->peer = NULL;
	if (o == NULL)
		return;
	gate_requests_office_gone(p->requests);
	uv_poll_stop(&o->poll);
	channel_close(&o->channel);
	o->poll.data = o;
	uv_close((uv_handle_t *)&o->poll, peer_closed);
}

/* A person took something out of quarantine: that stands in the audit log too. */
static void
note_report(struct gate_proc *p, enum msg_type type, const uint8_t *payload, size_t len)
{
	struct report r;
	struct buf b = { 0 };
	struct json j = { .out = &b };

	if ((type != MSG_RELEASED && type != MSG_DISCARDED) || report_read(payload, len, &r) != 0)
		return;
	json_open(&j, '{');
	json_key_text(&j, "stream", r.stream);
	json_key_text(&j, "sink", r.sink);
	json_key_u64(&j, "first", r.first);
	json_key_u64(&j, "last", r.last);
	json_key_text(&j, "note", r.note);
	json_close(&j, '}');
	gate_requests_note(p->requests, type == MSG_RELEASED ? AUDIT_RELEASE : AUDIT_DISCARD, buf_text(&b));
	buf_fini(&b);
}

/* True: taken or refused for good. False: kept, and the channel rests. */
static bool
take_report(struct gate_proc *p, struct peer *o, enum msg_type type, const uint8_t *payload, size_t len)
{
	if (len > sizeof o->payload) {
		log_warn("report_refused", "message=%s bytes=%zu", msg_name(type), len);
		return true;
	}
	int err = gate_report(p->gate, type, payload, len, mono_now(), wall_now());
	if (err == 0)
		note_report(p, type, payload, len);
	if (err != ERR_AGAIN)
		return true;
	if (!o->waiting) {
		memcpy(o->payload, payload, len);
		o->type = type;
		o->len = len;
		o->waiting = true;
		uv_poll_stop(&o->poll);
	}
	return false;
}

static void
retry_report(struct gate_proc *p)
{
	struct peer *o = p->peer;

	if (o == NULL || !o->waiting || !take_report(p, o, o->type, o->payload, o->len))
		return;
	o->waiting = false;
	uv_poll_start(&o->poll, UV_READABLE, on_report);
}

static void
on_report(uv_poll_t *h, int status, int events)
{
	struct gate_proc *p = h->data;
	struct peer *o = p->peer;
	struct msg m;
	(void)status;
	(void)events;

	for (int i = 0; i < REPORTS_A_TURN && !o->waiting; i++) {
		int err = channel_recv(&o->channel, &m);
		if (err == ERR_AGAIN)
			break;
		if (err != 0) {
			log_info("office_gone", "error=\"%s\"", err_text(err));
			peer_drop(p);
			return;
		}
		if (m.type == MSG_REQUEST)
			err = gate_requests_office(p->requests, m.p, m.len);
		else if (m.type == MSG_AUDIT)
			err = gate_requests_audit(p->requests, m.p, m.len);
		else if (m.type == MSG_CHANGED)
			err = gate_requests_changed(p->requests, "office", m.p, m.len);
		else
			take_report(p, o, m.type, m.p, m.len);
		if (err != 0) {
			log_error("request_malformed", "error=\"%s\" effect=\"office is let go and gets a new channel when it restarts\"",
			    err_text(err));
			peer_drop(p);
			return;
		}
	}
	run(p);
}

/* Without office there is nobody to tell: it reads the ledger when it comes back. */
static int
accounted(void *arg, const char *stream, const char *sink, uint64_t last)
{
	struct gate_proc *p = arg;
	uint8_t bytes[REPORT_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);

	if (p->peer == NULL)
		return 0;
	int err = report_write(&w, stream, sink, 0, last, "");
	if (err == 0)
		err = channel_send(&p->peer->channel, MSG_ACCOUNTED, bytes, wr_len(&w), -1);
	if (err == ERR_AGAIN)
		return ERR_AGAIN;
	if (err != 0) {
		log_warn("office_unreachable", "error=\"%s\"", err_text(err));
		peer_drop(p);
	}
	return 0;
}

static int
to_office(void *arg, enum msg_type type, const void *bytes, size_t len)
{
	struct gate_proc *p = arg;
	return p->peer == NULL ? ERR_CONN : channel_send(&p->peer->channel, type, bytes, len, -1);
}

static int
to_insight(void *arg, enum msg_type type, const void *bytes, size_t len)
{
	struct gate_proc *p = arg;
	return p->insight == NULL ? ERR_CONN : gate_insight_say(p->insight, type, bytes, len);
}

/* From within a callback of anybody's: the loop comes back to run(). */
static void
soon(void *arg)
{
	struct gate_proc *p = arg;

	if (p->started)
		uv_timer_start(&p->timer, on_timer, 0, 0);
}

static void
live(void *arg, uint64_t source_key, const struct sample *v, uint32_t n)
{
	struct gate_proc *p = arg;
	gate_requests_live(p->requests, source_key, v, n);
}

static int
durable(void *arg, const char *writer, uint64_t origin, uint64_t no, bool hole)
{
	struct gate_proc *p = arg;

	if (strcmp(writer, role_name(ROLE_INSIGHT)) == 0)
		return p->insight != NULL ? gate_insight_durable(p->insight, origin, no, hole) : ERR_AGAIN;
	return gate_requests_durable(p->requests, writer, origin, no, hole);
}

static void
live_lost(void *arg)
{
	struct gate_proc *p = arg;
	gate_requests_live_lost(p->requests);
}

static void
ring_dead(void *arg, const char *writer, uint64_t epoch)
{
	struct gate_proc *p = arg;
	child_ring_dead(p->self, writer, epoch);
}

static void
stopped(struct gate_proc *p, int err)
{
	struct gate_totals t = gate_totals(p->gate);

	p->stopping = p->draining = false;
	if (err != 0)
		log_error("stopped_with_rest",
		    "error=\"%s\" note=\"what is not written stays in the rings as long as they live\"",
		    err_text(err));
	log_info("gate_totals", "seen=%llu admitted=%llu lost=%llu refused_records=%llu refused_reports=%llu",
	    (unsigned long long)t.seen,
	    (unsigned long long)t.admitted, (unsigned long long)t.lost, (unsigned long long)t.refused_records,
	    (unsigned long long)t.refused_reports);
	peer_drop(p);
	child_stopped(p->self);
}

/* Drain or stop, as far as it goes now. True: there is more to do at once. */
static bool
finish(struct gate_proc *p, struct mono now, struct wall wall)
{
	int err = gate_drain(p->gate, now, wall);

	child_signal(p->self);
	if (p->stopping && (err == 0 || !mono_before(now, p->deadline))) {
		stopped(p, err);
		return false;
	}
	if (err == 0 && p->draining) {
		p->draining = false;
		log_info("drained", "%s", "");
		child_drained(p->self);
	}
	return err == ERR_AGAIN;
}

static void
on_timer(uv_timer_t *h)
{
	run(h->data);
}

static void
run(struct gate_proc *p)
{
	struct mono now = mono_now();
	struct wall wall = wall_now();
	bool more = false;

	if (!p->started)
		return;
	retry_report(p);
	if (p->draining || p->stopping) {
		bool stopping = p->stopping;
		more = finish(p, now, wall);
		if (stopping && !p->stopping)
			return;
	}
	struct gate_turn t = gate_turn(p->gate, now, wall);
	if (t.admitted)
		child_signal(p->self);
	struct mono next = mono_min(p->stopping ? mono_min(t.next, p->deadline) : t.next, gate_requests_tick(p->requests));
	if (p->peer != NULL && p->peer->waiting)
		next = mono_min(next, mono_add(now, 100 * NS_PER_MS));
	if (next.ns == INT64_MAX && !t.more && !more) {
		uv_timer_stop(&p->timer);
		return;
	}
	int64_t wait_ns = t.more || more ? 0 : mono_diff(next, mono_now());
	uv_update_time(p->self->loop);
	uv_timer_start(&p->timer, on_timer, wait_ns <= 0 ? 0 : (uint64_t)((wait_ns + NS_PER_MS - 1) / NS_PER_MS), 0);
}

static int
op_plan(void *arg, struct plan *plan)
{
	struct gate_proc *p = arg;

	if (!p->started) {
		uv_timer_init(p->self->loop, &p->timer);
		p->timer.data = p;
		p->started = true;
	}
	gate_stats(p->gate, p->self->stats);
	gate_requests_plan(p->requests, plan);	/* first: it looks at the one before, which gate then frees */
	int err = gate_plan(p->gate, plan, mono_now(), wall_now());
	gate_requests_figures(p->requests, p->self->stats);
	child_signal(p->self);
	run(p);
	return err;
}

static void
op_ring_in(void *arg, const char *writer, struct ring_reader *r)
{
	struct gate_proc *p = arg;

	gate_ring(p->gate, writer, r);
	run(p);
}

static void
op_wake(void *arg)
{
	run(arg);
}

static void
op_peer(void *arg, int fd)
{
	struct gate_proc *p = arg;
	struct peer *o = calloc(1, sizeof *o);

	peer_drop(p);
	if (o == NULL || uv_poll_init(p->self->loop, &o->poll, fd) != 0) {
		log_error("no_peer", "fd=%d", fd);
		free(o);
		close(fd);
		return;
	}
	channel_init(&o->channel, fd, ROLE_GATE, ROLE_OFFICE);
	p->peer = o;
	o->poll.data = p;
	uv_poll_start(&o->poll, UV_READABLE, on_report);
}

static int
insight_request(void *arg, const void *bytes, size_t len)
{
	struct gate_proc *p = arg;
	return gate_requests_insight(p->requests, bytes, len);
}

static void
insight_gone(void *arg)
{
	struct gate_proc *p = arg;

	gate_insight_close(p->insight);
	p->insight = NULL;
	gate_requests_insight_gone(p->requests);
}

static void
op_peer_insight(void *arg, int fd)
{
	struct gate_proc *p = arg;
	struct gate_insight_ops ops = { .request = insight_request, .gone = insight_gone, .arg = p };

	if (p->insight != NULL)
		insight_gone(p);
	p->insight = gate_insight_open(p->self->loop, fd, &ops);
}

static void
op_peer_field(void *arg, const char *zone, int fd)
{
	struct gate_proc *p = arg;
	gate_requests_field(p->requests, p->self->loop, zone, fd);
}

/* What `penstock node` did with the store of certificates, and by the kernel's word who did it: argv is user, what, peer, SHA-256, detail. */
static void
note_node(struct gate_proc *p, struct client *c, int argc, const char *const *argv)
{
	static const char *const keys[] = { "user", "what", "peer", "sha256", "detail" };
	static const char yes[] = "{\"noted\":true}\n", no[] = "{\"error\":\"such an entry has five parts, of 1000 bytes at most\"}\n";
	struct buf b = { 0 };
	struct json j = { .out = &b };
	bool ok = argc == (int)(sizeof keys / sizeof keys[0]);

	for (int i = 0; ok && i < argc; i++)
		ok = strlen(argv[i]) <= 1000;
	json_open(&j, '{');
	for (int i = 0; ok && i < argc; i++)
		json_key_text(&j, keys[i], argv[i]);
	json_close(&j, '}');
	if (ok)
		gate_requests_note(p->requests, AUDIT_NODE, buf_text(&b));
	client_reply(c, ok ? yes : no, ok ? sizeof yes - 1 : sizeof no - 1);
	client_end(c);
	buf_fini(&b);
}

static void
op_client(void *arg, struct client *c, const char *verb, int argc, const char *const *argv)
{
	static const char no[] = "{\"error\":\"this is not a request for the gate\"}\n";
	struct gate_proc *p = arg;

	if (strcmp(verb, "request") == 0) {
		gate_requests_client(p->requests, c, argc, argv);
		return;
	}
	if (strcmp(verb, "node") == 0) {
		note_node(p, c, argc, argv);
		return;
	}
	client_reply(c, no, sizeof no - 1);
	client_end(c);
}

static void
op_drain(void *arg)
{
	struct gate_proc *p = arg;

	p->draining = true;
	if (p->started)
		run(p);
	else
		child_drained(p->self);
}

static void
op_stop(void *arg, struct mono deadline)
{
	struct gate_proc *p = arg;

	p->stopping = true;
	p->deadline = deadline;
	if (p->started)
		run(p);
	else
		stopped(p, 0);
}

int
gate_main(const char *name, const char *state_dir)
{
	static const struct child_ops ops = {
		.plan = op_plan, .ring_in = op_ring_in, .wake = op_wake, .peer = op_peer, .peer_insight = op_peer_insight,
		.peer_field = op_peer_field,
		.client = op_client,
		.drain = op_drain, .stop = op_stop,
	};
	static struct gate_proc p;
	char dir[4096];

	log_open(name, LOG_LEVEL_INFO);
	if ((size_t)snprintf(dir, sizeof dir, "%s/spool", state_dir) >= sizeof dir) {
		log_error("path_too_long", "dir=\"%s\"", state_dir);
		return 1;
	}
	struct gate_opts opts = { .spool_dir = dir, .disk = &disk_os, .accounted = accounted, .live = live, .live_lost = live_lost,
	    .ring_dead = ring_dead, .durable = durable, .arg = &p };
	struct gate_requests_ops ops_requests = { .to_office = to_office, .to_insight = to_insight, .soon = soon,
	    .arg = &p };
	if (gate_new(&opts, &p.gate) != 0)	/* its lock keeps a second writer from the audit log too */
		return 1;
	if (gate_requests_open(state_dir, &ops_requests, &p.requests) != 0) {
		gate_free(p.gate);
		return 1;
	}
	int status = child_main(ROLE_GATE, name, state_dir, &ops, &p, &p.self);
	gate_requests_close(p.requests);
	gate_free(p.gate);
	return status;
}
