/* See child.h. One loop; the channel to the supervisor is descriptor 3. */
#include "proc/child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "os/cage.h"
#include "os/clock.h"
#include "os/memfd.h"
#include "os/memory.h"
#include "os/stream.h"
#include "proc/cages.h"
#include "proc/certs.h"
#include "proc/client.h"
#include "site/slice.h"

#define CHANNEL_FD	3
#define CAGE_LOOK_MS	5000	/* how often it is looked whether files were replaced */
#define WAKES_MAX	64
#define DRAIN_ROUNDS	64	/* messages taken a loop turn, so that a chatty supervisor cannot starve the rest */

struct child_proc {
	struct child		 pub;
	const struct child_ops	*ops;
	void			*arg;
	enum role		 role;
	struct channel		 sup;
	uv_poll_t		 sup_poll, wake_poll;
	uv_check_t		 after_io;
	int			 wake_in;
	struct { int fd; enum role role; char name[64]; } wake_out[WAKES_MAX];
	size_t			 nwakes;
	bool			 signal_due, leaving, caged;
	uv_timer_t		 cage_timer;
	int			 status;
};

static void
leave(struct child_proc *c, int status)
{
	c->status = status;
	c->leaving = true;
	uv_stop(c->pub.loop);
}

/* The only loop of the process ends: a supervisor that is gone, or that talks nonsense, leaves nothing to serve. */
static void
say(struct child_proc *c, enum msg_type type, const void *p, size_t len, int fd)
{
	int err = channel_send(&c->sup, type, p, len, fd);
	if (err != 0 && !c->leaving) {
		log_error("supervisor_unreachable", "message=%s error=\"%s\"", msg_name(type), err_text(err));
		leave(c, 1);
	}
}

/* What the process may reach was fixed by its first plan; one that needs more gets a new process. */
static void
restart_for(struct child_proc *c, const char *why, const char *path)
{
	log_info("cage_outgrown", "why=\"%s\" path=\"%s\" next=\"the process ends and starts anew\"", why, path);
	leave(c, 0);
}

static void
on_cage_timer(uv_timer_t *t)
{
	struct child_proc *c = t->data;
	const char *path = cages_stale();

	if (path != NULL)
		restart_for(c, "the file was replaced by another", path);
}

/* False: the process leaves, and the plan (taken) is not put in force. */
static bool
enter_cage(struct child_proc *c, struct plan *plan)
{
	if (c->caged && cages_fit(plan))
		return true;
	if (c->caged)
		restart_for(c, "the new plan needs what the sandbox does not allow", "");
	else if (cages_enter(c->role, c->pub.state_dir, plan) != 0)
		leave(c, 1);
	else {
		c->caged = true;
		uv_timer_init(c->pub.loop, &c->cage_timer);
		c->cage_timer.data = c;
		uv_timer_start(&c->cage_timer, on_cage_timer, CAGE_LOOK_MS, CAGE_LOOK_MS);
		uv_unref((uv_handle_t *)&c->cage_timer);
		certs_watch(c->pub.loop, c->role, c->pub.state_dir);
		return true;
	}
	plan_free(plan);
	return false;
}

static void
take_plan(struct child_proc *c, const struct msg *m)
{
	struct reader r = rd_init(m->p, m->len);
	uint64_t number = rd_le64(&r);
	size_t len = memfd_size(m->fd);
	const void *p = memfd_check_sealed(m->fd) == 0 && len > 0 ? memfd_map_ro(m->fd, len) : NULL;
	struct plan *plan = NULL;
	int err = p == NULL ? ERR_PROTO : slice_read(p, len, &plan);

	memfd_unmap(p, len);
	if (err == 0 && !enter_cage(c, plan))
		return;
	if (err == 0)
		err = c->ops->plan(c->arg, plan);
	if (err == 0)
		cages_publish(c->pub.stats);
	if (err != 0) {
		log_error("plan_refused", "error=\"%s\"", err_text(err));
		leave(c, 1);
		return;
	}
	memory_give_back();
	say(c, MSG_READY, &number, sizeof number, -1);
}

static void
take_ring(struct child_proc *c, const struct msg *m)
{
	struct reader r = rd_init(m->p, m->len);
	char writer[128 + 1];
	struct ring_reader *ring;

	rd_le64(&r);
	rd_text(&r, writer, sizeof writer - 1);
	int err = rd_end(&r) != 0 ? ERR_PROTO : ring_open(m->fd, &ring);
	if (err != 0) {
		log_error("ring_refused", "error=\"%s\"", err_text(err));
		return;
	}
	if (c->ops->ring_in == NULL)
		ring_close(ring);
	else
		c->ops->ring_in(c->arg, writer, ring);
}

static void
on_wake(uv_poll_t *h, int status, int events)
{
	struct child_proc *c = h->data;
	uint64_t n;
	(void)status;
	(void)events;
	if (read(c->wake_in, &n, sizeof n) == sizeof n && c->ops->wake != NULL)
		c->ops->wake(c->arg);
}

static void
take_wake_in(struct child_proc *c, int fd)
{
	if (c->wake_in >= 0) {	/* once is enough; the supervisor keeps it for the life of the process */
		close(fd);
		return;
	}
	c->wake_in = fd;
	uv_poll_init(c->pub.loop, &c->wake_poll, fd);
	c->wake_poll.data = c;
	uv_poll_start(&c->wake_poll, UV_READABLE, on_wake);
}

/* A new eventfd of the same reader replaces the one before. */
static void
take_wake_out(struct child_proc *c, const struct msg *m)
{
	struct reader r = rd_init(m->p, m->len);
	char name[64];
	enum role role = (enum role)rd_le32(&r);
	size_t i = 0;

	rd_text(&r, name, sizeof name - 1);
	while (i < c->nwakes && (c->wake_out[i].role != role || strcmp(c->wake_out[i].name, name) != 0))
		i++;
	if (rd_end(&r) != 0 || i == WAKES_MAX) {
		log_error("wake_refused", "readers=%zu", c->nwakes);
		close(m->fd);
		return;
	}
	if (i == c->nwakes)
		c->nwakes++;
	else
		close(c->wake_out[i].fd);
	c->wake_out[i].fd = m->fd;
	c->wake_out[i].role = role;
	memcpy(c->wake_out[i].name, name, sizeof name);
}

static void
take_stats(struct child_proc *c, int fd)
{
	if (c->pub.stats == NULL) {
		int err = stats_map(fd, &c->pub.stats);
		if (err != 0)
			log_warn("no_status_page", "error=\"%s\"", err_text(err));
	}
	close(fd);
}

static void
take_client(struct child_proc *c, const struct msg *m)
{
	struct reader r = rd_init(m->p, m->len);
	static char texts[CLIENT_ARGS_MAX + 1][4096];
	const char *argv[CLIENT_ARGS_MAX + 1];
	int argc = 0;

	while (r.p != r.end && r.err == 0 && argc < CLIENT_ARGS_MAX + 1) {
		rd_text(&r, texts[argc], sizeof texts[0] - 1);
		argv[argc] = texts[argc];
		argc++;
	}
	struct client *client = client_new(c->pub.loop, m->fd);
	if (client == NULL)
		return;
	if (rd_end(&r) != 0 || argc == 0 || c->ops->client == NULL) {
		static const char no[] = "{\"error\":\"this process does not understand the request\"}\n";
		client_reply(client, no, sizeof no - 1);
		client_end(client);
		return;
	}
	c->ops->client(c->arg, client, argv[0], argc - 1, argv + 1);
}

static void
take_peer_field(struct child_proc *c, const struct msg *m)
{
	struct reader r = rd_init(m->p, m->len);
	char zone[128];

	rd_text(&r, zone, sizeof zone - 1);
	if (rd_end(&r) == 0 && c->ops->peer_field != NULL)
		c->ops->peer_field(c->arg, zone, m->fd);
	else
		close(m->fd);
}

static void
take_stop(struct child_proc *c, const struct msg *m)
{
	struct reader r = rd_init(m->p, m->len);
	uint64_t ms = rd_le64(&r);

	if (c->ops->stop == NULL)
		child_stopped(&c->pub);
	else
		c->ops->stop(c->arg, mono_add(mono_now(), (int64_t)(ms < 600000 ? ms : 600000) * NS_PER_MS));
}

static void
take(struct child_proc *c, const struct msg *m)
{
	switch (m->type) {
	case MSG_PLAN:
		take_plan(c, m);
		close(m->fd);
		break;
	case MSG_RING_IN:
		take_ring(c, m);
		close(m->fd);
		break;
	case MSG_STATS:
		take_stats(c, m->fd);
		break;
	case MSG_WAKE_IN:
		take_wake_in(c, m->fd);
		break;
	case MSG_WAKE_OUT:
		take_wake_out(c, m);
		break;
	case MSG_CLIENT:
		take_client(c, m);
		break;
	case MSG_PEER:
		if (c->ops->peer != NULL)
			c->ops->peer(c->arg, m->fd);
		else
			close(m->fd);
		break;
	case MSG_PEER_INSIGHT:
		if (c->ops->peer_insight != NULL)
			c->ops->peer_insight(c->arg, m->fd);
		else
			close(m->fd);
		break;
	case MSG_PEER_FIELD:
		take_peer_field(c, m);
		break;
	case MSG_DRAIN:
		if (c->ops->drain != NULL)
			c->ops->drain(c->arg);
		else
			child_drained(&c->pub);
		break;
	case MSG_STOP:
		take_stop(c, m);
		break;
	default:	/* no row lets the supervisor say anything else */
		break;
	}
}

static void
on_supervisor(uv_poll_t *h, int status, int events)
{
	struct child_proc *c = h->data;
	struct msg m;
	(void)status;
	(void)events;

	for (int i = 0; i < DRAIN_ROUNDS && !c->leaving; i++) {
		int err = channel_recv(&c->sup, &m);
		if (err == ERR_AGAIN)
			return;
		if (err != 0) {
			log_warn("supervisor_gone", "error=\"%s\"", err_text(err));
			leave(c, 1);
			return;
		}
		take(c, &m);
	}
}

/* Readers are woken once a loop turn, however much was written in it. */
static void
on_after_io(uv_check_t *h)
{
	struct child_proc *c = h->data;
	if (!c->signal_due)
		return;
	c->signal_due = false;
	for (size_t i = 0; i < c->nwakes; i++) {
		uint64_t one = 1;
		ssize_t n = write(c->wake_out[i].fd, &one, sizeof one);
		(void)n;	/* full means that the reader has been told already */
	}
}

static struct child_proc *
of(struct child *c)
{
	return (struct child_proc *)(void *)c;
}

int
child_ring(struct child *pub, size_t size, struct ring_writer **ring, size_t *have)
{
	struct ring_writer *fresh;
	int fd;

	if (*have >= size)
		return 0;
	int err = ring_create(pub->name, size, &fresh, &fd);
	if (err != 0) {
		log_error("ring_failed", "bytes=%zu error=\"%s\"", size, err_text(err));
		return err;
	}
	ring_writer_free(*ring);
	*ring = fresh;
	*have = size;
	uint64_t epoch = ring_writer_epoch(fresh);
	say(of(pub), MSG_RING_OUT, &epoch, sizeof epoch, fd);
	stream_close(fd);
	return 0;
}

void
child_ring_dead(struct child *pub, const char *writer, uint64_t epoch)
{
	uint8_t payload[136];
	struct writer w = wr_init(payload, sizeof payload);

	wr_le64(&w, epoch);
	wr_text(&w, writer);
	if (w.err == 0)
		say(of(pub), MSG_RING_DEAD, payload, wr_len(&w), -1);
}

void
child_signal(struct child *pub)
{
	of(pub)->signal_due = true;
}

void
child_drained(struct child *pub)
{
	say(of(pub), MSG_DRAINED, NULL, 0, -1);
}

void
child_stopped(struct child *pub)
{
	say(of(pub), MSG_STOPPED, NULL, 0, -1);
	leave(of(pub), 0);
}

int
child_main(enum role role, const char *name, const char *state_dir, const struct child_ops *ops, void *arg, struct child **self)
{
	static struct child_proc c;
	static uv_loop_t loop;

	c = (struct child_proc){ .ops = ops, .arg = arg, .role = role, .wake_in = -1,
	    .pub = { .loop = &loop, .name = name, .state_dir = state_dir } };
	log_open(name, LOG_LEVEL_INFO);
	*self = &c.pub;
	/* A child outlives nobody: the kernel ends it with its supervisor, even if that is killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);	/* ^C reaches the whole group; the supervisor decides what follows */
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	cage_no_rings();
	uv_loop_init(&loop);
	channel_init(&c.sup, CHANNEL_FD, role, ROLE_SUPERVISOR);
	uv_poll_init(&loop, &c.sup_poll, CHANNEL_FD);
	c.sup_poll.data = &c;
	uv_poll_start(&c.sup_poll, UV_READABLE, on_supervisor);
	uv_check_init(&loop, &c.after_io);
	c.after_io.data = &c;
	uv_check_start(&c.after_io, on_after_io);
	uv_unref((uv_handle_t *)&c.after_io);
	while (!c.leaving)
		uv_run(&loop, UV_RUN_DEFAULT);
	on_after_io(&c.after_io);
	return c.status;
}
