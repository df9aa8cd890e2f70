/* One child of the supervisor: fork and exec, what it is given at its start, back-off, end. See supervisor.h. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "os/clock.h"
#include "os/memfd.h"
#include "os/packet.h"
#include "proc/supervisor.h"
#include "ring/stats.h"
#include "site/slice.h"

#define BACKOFF_MIN_MS	50
#define BACKOFF_MAX_MS	10000
#define CIRCLE_MS	1000	/* a pause of more than this: it is time that somebody looks */
#define HEALTHY_S	30	/* a child that lived this long starts again at the shortest back-off */
#define STATS_OBJECTS	64	/* on a status page besides one an entry of the plan */

static const enum slice_for slices[ROLES] = {
	[ROLE_FIELD] = SLICE_FIELD, [ROLE_INSIGHT] = SLICE_INSIGHT, [ROLE_GATE] = SLICE_GATE, [ROLE_OFFICE] = SLICE_OFFICE,
};

/* Who wakes whom: the readers of what a role writes. */
static const uint32_t wakes[ROLES] = {
	[ROLE_FIELD] = 1u << ROLE_INSIGHT | 1u << ROLE_GATE, [ROLE_INSIGHT] = 1u << ROLE_GATE, [ROLE_GATE] = 1u << ROLE_OFFICE,
};

const char *
proc_state_name(enum proc_state s)
{
	static const char *const names[] = {
		[PROC_DOWN] = "down", [PROC_STARTING] = "starting", [PROC_UP] = "up", [PROC_SWAPPING] = "swapping",
		[PROC_STOPPING] = "stopping",
	};
	return names[s];
}

struct proc *
proc_add(struct supervisor *s, enum role role, const char *zone_name, uint32_t zone)
{
	struct proc *p = calloc(1, sizeof *p), **at = &s->procs;
	if (p == NULL)
		fatal("out_of_memory", "process=%s", role_name(role));
	p->sup = s;
	p->role = role;
	p->zone = zone;
	p->wanted = true;
	p->backoff_ms = BACKOFF_MIN_MS;
	p->channel.fd = p->wake_fd = p->stats_fd = -1;
	for (size_t i = 0; i < RINGS_KEPT; i++)
		p->rings[i].fd = -1;
	snprintf(p->name, sizeof p->name, "%s%s%s", role_name(role), zone_name ? ":" : "", zone_name ? zone_name : "");
	if (role != ROLE_FIELD)
		p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	size_t objects = STATS_OBJECTS + s->plan->nsources + s->plan->nflows * 4 + s->plan->nsinks * 4;
	if ((role != ROLE_FIELD && p->wake_fd < 0) || stats_create(objects, &p->stats_fd) != 0)
		fatal("no_descriptors", "process=%s", p->name);
	uv_timer_init(s->loop, &p->timer);
	uv_timer_init(s->loop, &p->ring_timer);
	p->timer.data = p->ring_timer.data = p;
	while (*at != NULL)
		at = &(*at)->next;
	*at = p;
	return p;
}

static void
say(struct proc *p, enum msg_type type, const void *payload, size_t len, int fd)
{
	if (!p->running || p->channel.fd < 0)
		return;
	int err = channel_send(&p->channel, type, payload, len, fd);
	if (err != 0 && err != ERR_CONN)	/* gone: its exit is on the way */
		proc_kill(p, "does not read what it is told");
}

int
proc_send_plan(struct proc *p)
{
	struct buf slice = { .max = 1u << 30 };
	int err = slice_write(p->sup->plan, slices[p->role], p->zone, &slice);
	int fd = err != 0 ? err : memfd_sealed("slice", slice.p, slice.len);

	buf_fini(&slice);
	if (fd < 0) {
		log_error("slice_not_made", "process=%s error=\"%s\"", p->name, err_text(fd));
		return fd;
	}
	uint64_t number = p->sup->plan_number;
	say(p, MSG_PLAN, &number, sizeof number, fd);
	close(fd);
	return 0;
}

void
proc_send_ring(struct proc *to, const struct proc *writer, size_t i)
{
	uint8_t payload[128];
	struct writer w = wr_init(payload, sizeof payload);

	wr_le64(&w, writer->rings[i].epoch);
	wr_text(&w, writer->name);
	say(to, MSG_RING_IN, payload, wr_len(&w), writer->rings[i].fd);
}

static void
send_wakes(struct proc *p)
{
	if (p->wake_fd >= 0)
		say(p, MSG_WAKE_IN, NULL, 0, p->wake_fd);
	for (const struct proc *q = p->sup->procs; q != NULL; q = q->next) {
		if ((wakes[p->role] & 1u << q->role) == 0)
			continue;
		uint8_t payload[64];
		struct writer w = wr_init(payload, sizeof payload);
		wr_le32(&w, q->role);
		wr_text(&w, q->name);
		say(p, MSG_WAKE_OUT, payload, wr_len(&w), q->wake_fd);
	}
}

/* Rings that exist already, an older one of a writer before its newer one. */
static void
send_rings(struct proc *p)
{
	if (p->role != ROLE_GATE && p->role != ROLE_INSIGHT)
		return;
	for (const struct proc *q = p->sup->procs; q != NULL; q = q->next)
		for (size_t i = RINGS_KEPT; q != p && i > 0; i--)
			if (q->rings[i - 1].fd >= 0)
				proc_send_ring(p, q, i - 1);
}

/* Gate and office get the two ends of a new channel whenever one of them starts. */
static void
send_peers(struct proc *p)
{
	struct proc *other = NULL;
	int fds[2];

	if (p->role != ROLE_GATE && p->role != ROLE_OFFICE)
		return;
	for (struct proc *q = p->sup->procs; q != NULL; q = q->next)
		if (q->role == (p->role == ROLE_GATE ? ROLE_OFFICE : ROLE_GATE))
			other = q;
	if (other == NULL || !other->running)
		return;
	int err = channel_pair(fds);
	if (err != 0) {
		log_error("no_channel", "between=%s and=%s error=\"%s\"", p->name, other->name, err_text(err));
		proc_kill(p, "has no channel to the other side");	/* and is given one when it starts again */
		return;
	}
	say(p, MSG_PEER, NULL, 0, fds[0]);
	say(other, MSG_PEER, NULL, 0, fds[1]);
	close(fds[0]);
	close(fds[1]);
}

/* Events: gate and insight get the two ends of a channel whenever one of them starts. */
static void
send_insight_peer(struct proc *p)
{
	struct proc *gate = p->role == ROLE_GATE ? p : NULL, *insight = p->role == ROLE_INSIGHT ? p : NULL;
	int fds[2];

	for (struct proc *q = p->sup->procs; q != NULL && (gate != NULL || insight != NULL); q = q->next) {
		gate = gate == NULL && q->role == ROLE_GATE ? q : gate;
		insight = insight == NULL && q->role == ROLE_INSIGHT ? q : insight;
	}
	if (gate == NULL || insight == NULL || !gate->running || !insight->running)
		return;
	int err = channel_pair(fds);
	if (err != 0) {
		log_error("no_channel", "between=%s and=%s error=\"%s\"", gate->name, insight->name, err_text(err));
		proc_kill(insight, "has no channel to gate");	/* and is given one when it starts again */
		return;
	}
	say(gate, MSG_PEER_INSIGHT, NULL, 0, fds[0]);
	say(insight, MSG_PEER, NULL, 0, fds[1]);
	close(fds[0]);
	close(fds[1]);
}

/* The way of requests: gate and each field process get the two ends of a channel whenever one of them starts. */
static void
send_field_peer(struct proc *gate, struct proc *field)
{
	uint8_t payload[128];
	struct writer w = wr_init(payload, sizeof payload);
	const char *colon = strchr(field->name, ':');
	int fds[2];

	wr_text(&w, colon != NULL ? colon + 1 : field->name);
	int err = channel_pair(fds);
	if (err != 0) {
		log_error("no_channel", "between=%s and=%s error=\"%s\"", gate->name, field->name, err_text(err));
		proc_kill(field, "has no channel to gate");	/* and is given one when it starts again */
		return;
	}
	say(gate, MSG_PEER_FIELD, payload, wr_len(&w), fds[0]);
	say(field, MSG_PEER_FIELD, payload, wr_len(&w), fds[1]);
	close(fds[0]);
	close(fds[1]);
}

static void
send_field_peers(struct proc *p)
{
	for (struct proc *q = p->sup->procs; q != NULL && (p->role == ROLE_GATE || p->role == ROLE_FIELD); q = q->next)
		if (q->running && q->role == (p->role == ROLE_GATE ? ROLE_FIELD : ROLE_GATE))
			send_field_peer(p->role == ROLE_GATE ? p : q, p->role == ROLE_GATE ? q : p);
}

static void
on_poll(uv_poll_t *h, int status, int events)
{
	struct proc *p = h->data;
	struct msg m;
	(void)status;
	(void)events;

	for (int i = 0; i < 64 && p->channel.fd >= 0; i++) {
		int err = channel_recv(&p->channel, &m);
		if (err == ERR_AGAIN)
			return;
		if (err == ERR_CONN) {	/* its exit follows */
			uv_poll_stop(&p->poll);
			return;
		}
		if (err != 0) {
			proc_kill(p, "said what no row of messages.def allows");
			return;
		}
		supervisor_heard(p, &m);
	}
}

static void
on_poll_closed(uv_handle_t *h)
{
	struct proc *p = h->data;
	channel_close(&p->channel);
	if (!p->running)
		supervisor_exited(p);
}

static void
on_ended(uv_process_t *h, int64_t status, int signal_number)
{
	struct proc *p = h->data;

	if (signal_number != 0)
		snprintf(p->last_exit, sizeof p->last_exit, "killed by signal %d", signal_number);
	else
		snprintf(p->last_exit, sizeof p->last_exit, "exit status %d", (int)status);
	p->running = false;
	if (mono_diff(mono_now(), p->started) > HEALTHY_S * NS_PER_S)
		p->backoff_ms = BACKOFF_MIN_MS;
	uv_close((uv_handle_t *)h, NULL);
	uv_close((uv_handle_t *)&p->poll, on_poll_closed);
}

static int
spawn(struct proc *p, int child_end)
{
	char *args[] = { (char *)(uintptr_t)"penstock", (char *)(uintptr_t)"--child", (char *)(uintptr_t)role_name(p->role), p->name,
	    (char *)(uintptr_t)p->sup->state_dir, NULL };
	uv_stdio_container_t stdio[4] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },	/* children have nothing to say on standard output */
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },
		{ .flags = UV_INHERIT_FD, .data.fd = child_end },
	};
	uv_process_options_t o = { .file = "/proc/self/exe", .args = args, .exit_cb = on_ended, .stdio_count = 4, .stdio = stdio };

	p->process.data = p;
	return uv_spawn(p->sup->loop, &p->process, &o);
}

static void
on_restart(uv_timer_t *t)
{
	proc_start(t->data);
}

/* Try again later, later each time. */
static void
back_off(struct proc *p)
{
	int jitter = (int)(os_random() % (uint64_t)(p->backoff_ms / 2 + 1));
	uv_timer_start(&p->timer, on_restart, (uint64_t)(p->backoff_ms / 2 + jitter), 0);
	p->backoff_ms = p->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : p->backoff_ms * 2;
}

void
proc_start(struct proc *p)
{
	int fds[2], err = channel_pair(fds);

	if (err != 0) {
		log_error("process_not_started", "process=%s error=\"%s\"", p->name, err_text(err));
		back_off(p);
		return;
	}
	p->state = PROC_STARTING;
	err = spawn(p, fds[1]);
	close(fds[1]);
	if (err != 0) {
		close(fds[0]);
		log_error("process_not_started", "process=%s error=\"%s\"", p->name, uv_strerror(err));
		p->state = PROC_DOWN;
		uv_close((uv_handle_t *)&p->process, NULL);
		back_off(p);
		return;
	}
	p->running = true;
	p->drained = false;
	p->started = mono_now();
	p->started_wall = wall_now();
	channel_init(&p->channel, fds[0], ROLE_SUPERVISOR, p->role);
	uv_poll_init(p->sup->loop, &p->poll, fds[0]);
	p->poll.data = p;
	uv_poll_start(&p->poll, UV_READABLE, on_poll);
	log_info("process_started", "process=%s pid=%d", p->name, p->process.pid);
	say(p, MSG_STATS, NULL, 0, p->stats_fd);
	send_wakes(p);
	if (proc_send_plan(p) != 0)
		proc_kill(p, "has no plan");
	send_rings(p);
	send_peers(p);
	send_insight_peer(p);
	send_field_peers(p);
}

void
proc_kill(struct proc *p, const char *why)
{
	if (!p->running)
		return;
	log_error("process_killed", "process=%s pid=%d why=\"%s\"", p->name, p->process.pid, why);
	uv_process_kill(&p->process, SIGKILL);
}

void
proc_gone(struct proc *p)
{
	bool again = p->wanted;

	p->state = PROC_DOWN;
	uv_timer_stop(&p->timer);
	if (!again) {
		log_info("process_ended", "process=%s how=\"%s\" restart=no", p->name, p->last_exit);
		return;
	}
	log_warn("process_ended", "process=%s how=\"%s\" restart=yes", p->name, p->last_exit);
	p->restarts++;
	back_off(p);
	if (p->backoff_ms > CIRCLE_MS)	/* it has ended several times without having been up for long */
		log_error("process_ends_again_and_again", "process=%s how=\"%s\" restarts=%llu remedy=\"the lines of proc=%s before this one say why; "
		    "the others go on\"", p->name, p->last_exit, (unsigned long long)p->restarts, p->name);
}
