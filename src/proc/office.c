/* The office process: the IT side. Knows no OT address and no OT credential; reads the spool, writes below <state>/office alone. */
#include "office/office.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "proc/child.h"
#include "proc/notes.h"
#include "proc/who.h"
#include "sink/sink.h"

static struct office_proc {
	struct child	*child;
	struct office	*office;
	int		 peer;		/* came before the first plan; -1: none waits */
} proc = { .peer = -1 };

static void
on_stopped(void *arg)
{
	struct office_proc *p = arg;
	child_stopped(p->child);
}

/* Changes of the store of certificates. */
static int
send_changed(const void *p, size_t len)
{
	return proc.office == NULL ? ERR_CONN : office_changed(proc.office, p, len);
}

static int
open_office(struct office_proc *p)
{
	struct office_opts opts = {
		.loop = p->child->loop, .state_dir = p->child->state_dir, .disk = &disk_os, .stats = p->child->stats, .find = sink_find,
		.stopped = on_stopped, .arg = p,
	};
	notes_open(p->child->loop, send_changed);
	return office_open(&opts, &p->office);
}

static int
on_plan(void *arg, struct plan *plan)
{
	struct office_proc *p = arg;
	int err = p->office == NULL ? open_office(p) : 0;

	if (err != 0) {
		plan_free(plan);
		return err;
	}
	err = office_plan(p->office, plan);
	if (err == 0 && p->peer >= 0) {
		office_peer(p->office, p->peer);
		p->peer = -1;
	}
	return err;
}

static void
on_wake(void *arg)
{
	struct office_proc *p = arg;
	if (p->office != NULL)
		office_wake(p->office);
}

static void
on_peer(void *arg, int fd)
{
	struct office_proc *p = arg;

	if (p->office != NULL)
		office_peer(p->office, fd);
	else {
		if (p->peer >= 0)
			close(p->peer);	/* the newer channel replaces it */
		p->peer = fd;
	}
}

/* ---- the command line ---- */

static void
on_lines(void *arg, const char *lines, size_t len, bool end)
{
	struct client *c = arg;

	if (len > 0 && !client_reply(c, lines, len))
		log_warn("client_slow", "verb=outbox bytes=%zu", len);
	if (!end)
		return;
	client_on_gone(c, NULL, NULL);
	client_end(c);
}

static void
on_client_gone(void *arg)
{
	office_change_forget(proc.office, arg);
}

static void
on_client(void *arg, struct client *c, const char *verb, int argc, const char *const *argv)
{
	static const char no[] = "{\"error\":\"this is not a request for the office\"}\n";
	struct office_proc *p = arg;
	struct buf out = { .max = 1u << 20 };

	if (p->office != NULL && argc > 0 && strcmp(verb, "outbox") == 0) {
		struct who who;
		who_parse(argv[0], &who);
		client_on_gone(c, on_client_gone, c);
		office_change(p->office, who.user, argc - 1, argv + 1, on_lines, c);
		return;
	}
	if (p->office == NULL || !office_ask(p->office, verb, argc, argv, &out))
		buf_put(&out, no, sizeof no - 1);
	if (!client_reply(c, buf_text(&out), out.len))
		log_warn("client_slow", "verb=%s bytes=%zu", verb, out.len);
	client_end(c);
	buf_fini(&out);
}

static void
on_stop(void *arg, struct mono deadline)
{
	struct office_proc *p = arg;

	if (p->office == NULL)
		child_stopped(p->child);
	else
		office_stop(p->office, deadline);
}

int
office_main(const char *name, const char *state_dir)
{
	static const struct child_ops ops = {
		.plan = on_plan, .wake = on_wake, .peer = on_peer, .client = on_client, .stop = on_stop,
	};

	/* A TLS connection that breaks is an error to handle, not the end. */
	signal(SIGPIPE, SIG_IGN);
	int status = child_main(ROLE_OFFICE, name, state_dir, &ops, &proc, &proc.child);
	notes_close();
	return status;
}
