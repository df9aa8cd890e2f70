/*
 * Serial lines: an existing tty, or a pseudo terminal of our own. The simulator stands for devices outside the
 * gateway, so it opens its ttys itself and shares nothing with the gateway's serial code in os/.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "sim/net.h"

#define REOPEN_MS 500

static const struct { unsigned baud; speed_t speed; } speeds[] = {
	{ 1200, B1200 }, { 2400, B2400 }, { 4800, B4800 }, { 9600, B9600 }, { 19200, B19200 }, { 38400, B38400 },
	{ 57600, B57600 }, { 115200, B115200 }, { 230400, B230400 }, { 460800, B460800 }, { 921600, B921600 },
};

/* Raw, 8 data bits, even parity as Modbus wants by default (V1.02, 2.5.1); a pty ignores speed and parity. */
static int
make_raw(int fd, unsigned baud)
{
	struct termios t;

	if (tcgetattr(fd, &t) != 0)
		return err_from_errno(errno);
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++)
		if (speeds[i].baud == baud) {
			t.c_cflag |= PARENB;
			cfsetspeed(&t, speeds[i].speed);
		}
	return tcsetattr(fd, TCSANOW, &t) == 0 ? 0 : err_from_errno(errno);
}

static int
open_tty(struct sim_endpoint *e)
{
	int fd = open(e->tty, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_from_errno(errno);
	int err = make_raw(fd, e->baud);
	if (err != 0) {
		close(fd);
		return err;
	}
	return sim_conn_from_fd(e, fd);
}

static void
on_reopen(uv_timer_t *t)
{
	struct sim_endpoint *e = t->data;

	if (open_tty(e) != 0)
		uv_timer_start(t, on_reopen, REOPEN_MS, 0);
	else
		log_info("sim-tty-back", "endpoint=%s tty=\"%s\"", e->name, e->tty);
}

void
sim_endpoint_lost_tty(struct sim_endpoint *e)
{
	log_warn("sim-tty-lost", "endpoint=%s tty=\"%s\" retry_ms=%d", e->name, e->tty, REOPEN_MS);
	uv_timer_start(&e->reopen, on_reopen, REOPEN_MS, 0);
}

int
sim_serve_tty(struct sim_endpoint *e, const char *path, unsigned baud)
{
	e->tty = path;
	e->baud = baud;
	uv_timer_init(e->net->loop, &e->reopen);
	e->reopen.data = e;
	snprintf(e->where, sizeof e->where, "%s", path);
	int err = open_tty(e);
	if (err != 0)
		log_error("sim-tty",
		    "endpoint=%s tty=\"%s\" error=\"%s; is it a serial device, or a pty made by socat?\"", e->name,
		    path, err_text(err));
	return err;
}

int
sim_serve_pty(struct sim_endpoint *e, const char *link)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), other = -1, err;
	char name[64];

	e->tty = link;
	uv_timer_init(e->net->loop, &e->reopen);
	e->reopen.data = e;
	snprintf(e->where, sizeof e->where, "%s", link);
	if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0 || ptsname_r(fd, name, sizeof name) != 0 ||
	    /* Kept open for good, so that the line does not hang up when a master closes it. */
	    (other = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 ||
	    (unlink(link) != 0 && errno != ENOENT) || symlink(name, link) != 0) {
		err = err_from_errno(errno);
		goto out;
	}
	if ((err = make_raw(other, 0)) == 0)
		return sim_conn_from_fd(e, fd);
out:
	log_error("sim-pty", "endpoint=%s link=\"%s\" error=\"%s; can a link be made there?\"", e->name, link,
	    err_text(err));
	if (other >= 0)
		close(other);
	if (fd >= 0)
		close(fd);
	return err;
}
