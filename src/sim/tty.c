/*
 * Serial lines as endpoints: an existing tty, opened again when it went away, or pseudo terminals of our own.
 *
 * A pseudo terminal that a careful master has locked (TIOCEXCL) stays locked after it was closed, as long as we hold our
 * side. So each master gets one of its own: as soon as the first byte shows that one is in use, a new one is made and the
 * link moved to it. Those in use are served until their master closes them; all are one bus.
 */
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "os/pty.h"
#include "os/serial.h"
#include "sim/net.h"

#define REOPEN_MS	500
#define REOPEN_PTY_MS	1	/* a master closed it without a word: the next one shall find one */
#define ANY_BAUD	19200	/* with no pacing asked for, a tty still wants a rate */

/* 8 data bits, even parity, one stop bit: the default of Modbus over Serial Line V1.02, 2.5.1. */
static int
open_tty(struct sim_endpoint *e, char *why, size_t size)
{
	const struct serial_line line = {
		.device = e->tty, .baud = e->baud ? (int)e->baud : ANY_BAUD,
		.data_bits = 8, .stop_bits = 1, .parity = 'E',
	};
	int fd, err = e->pty ? pty_open(e->tty, &fd, why, size) : serial_open(&line, &fd, why, size);

	if (err != 0)
		return err;
	err = sim_conn_from_fd(e, fd);
	if (err != 0)
		snprintf(why, size, "%s cannot be watched: %s", e->tty, err_text(err));
	return err;
}

static void
on_reopen(uv_timer_t *t)
{
	struct sim_endpoint *e = t->data;
	char why[256];

	if (open_tty(e, why, sizeof why) != 0)
		uv_timer_start(t, on_reopen, REOPEN_MS, 0);
	else if (!e->pty)
		log_info("sim-tty-back", "endpoint=%s tty=\"%s\"", e->name, e->tty);
}

void
sim_endpoint_lost_tty(struct sim_endpoint *e)
{
	if (!e->pty)
		log_warn("sim-tty-lost", "endpoint=%s tty=\"%s\" retry_ms=%d", e->name, e->tty, REOPEN_MS);
	uv_timer_start(&e->reopen, on_reopen, e->pty ? REOPEN_PTY_MS : REOPEN_MS, 0);
}

void
sim_endpoint_pty_taken(struct sim_endpoint *e)
{
	e->newest = NULL;
	on_reopen(&e->reopen);
}

static int
serve(struct sim_endpoint *e)
{
	char why[256] = "";

	uv_timer_init(e->net->loop, &e->reopen);
	e->reopen.data = e;
	snprintf(e->where, sizeof e->where, "%s", e->tty);
	int err = open_tty(e, why, sizeof why);
	if (err != 0)
		log_error("sim-tty", "endpoint=%s error=\"%s\"", e->name, why);
	return err;
}

int
sim_serve_tty(struct sim_endpoint *e, const char *path, unsigned baud)
{
	e->tty = path;
	e->baud = baud;
	return serve(e);
}

int
sim_serve_pty(struct sim_endpoint *e, const char *link)
{
	e->tty = link;
	e->pty = true;
	return serve(e);
}
