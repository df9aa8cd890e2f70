/* See serial.h. */
#include "os/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"

static const struct { int baud; speed_t code; } rates[] = {
	{ 50, B50 }, { 75, B75 }, { 110, B110 }, { 134, B134 }, { 150, B150 }, { 200, B200 }, { 300, B300 }, { 600,
	    B600 },
	{ 1200, B1200 }, { 1800, B1800 }, { 2400, B2400 }, { 4800, B4800 }, { 9600, B9600 }, { 19200, B19200 },
	{ 38400, B38400 }, { 57600, B57600 }, { 115200, B115200 }, { 230400, B230400 }, { 460800, B460800 },
	{ 500000, B500000 }, { 576000, B576000 }, { 921600, B921600 }, { 1000000, B1000000 }, { 1152000, B1152000 },
	{ 1500000, B1500000 }, { 2000000, B2000000 }, { 2500000, B2500000 }, { 3000000, B3000000 }, { 3500000,
	    B3500000 },
	{ 4000000, B4000000 },
};

static int
rate_code(int baud, speed_t *out)
{
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
		if (rates[i].baud == baud) {
			*out = rates[i].code;
			return 0;
		}
	return ERR_RANGE;
}

/*
 * A pseudo terminal (Linux majors 136 to 143) has no parity. The kernel drops the flag without a word, and the C
 * library reports that as EINVAL when nothing else was changed either, which is the case when it is opened a second
 * time.
 */
static bool
is_pty(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && major(st.st_rdev) >= 136 && major(st.st_rdev) <= 143;
}

/* Raw mode with the line's framing; a read returns what is there. */
static int
set_mode(int fd, const struct serial_line *line, char *why, size_t size)
{
	static const tcflag_t bits[] = { [5] = CS5, [6] = CS6, [7] = CS7, [8] = CS8 };
	struct termios t;
	speed_t speed;

	if (rate_code(line->baud, &speed) != 0 || line->data_bits < 5 || line->data_bits > 8) {
		snprintf(why, size,
		    "%s cannot run at %d baud with %d data bits: use a standard rate such as 9600, 19200 or 115200",
		    line->device, line->baud, line->data_bits);
		return ERR_RANGE;
	}
	if (tcgetattr(fd, &t) != 0) {
		snprintf(why, size, "%s is no serial line: name a device such as /dev/ttyS0 or /dev/ttyUSB0",
		    line->device);
		return ERR_TYPE;
	}
	cfmakeraw(&t);
	t.c_cflag &= ~(tcflag_t)(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
	t.c_cflag |= bits[line->data_bits] | CLOCAL | CREAD;
	if (line->parity != 'N' && !is_pty(fd))
		t.c_cflag |= PARENB | (line->parity == 'O' ? PARODD : 0);
	if (line->stop_bits == 2)
		t.c_cflag |= CSTOPB;
	t.c_iflag &= ~(tcflag_t)(IXON | IXOFF | INPCK);
	t.c_cc[VMIN] = 1;	/* with 0 an idle line would read like one that has hung up */
	t.c_cc[VTIME] = 0;
	cfsetispeed(&t, speed);
	cfsetospeed(&t, speed);
	if (tcsetattr(fd, TCSANOW, &t) != 0) {
		snprintf(why, size, "%s refuses its settings: %s", line->device, strerror(errno));
		return err_from_errno(errno);
	}
	return 0;
}

static int
set_rs485(int fd, const struct serial_line *line, char *why, size_t size)
{
	struct serial_rs485 r = { .flags = SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND };

	if (ioctl(fd, TIOCSRS485, &r) == 0)
		return 0;
	snprintf(why, size,
	    "%s cannot switch an RS-485 transmitter by itself (%s): turn rs485 off if the adapter does it in hardware",
	    line->device, strerror(errno));
	return ERR_RANGE;
}

/*
 * Two locks: TIOCEXCL stops a plain open, flock() meets other programs that are careful (and root, whom TIOCEXCL lets
 * pass).
 */
static int
lock_line(int fd, const struct serial_line *line, char *why, size_t size)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		(void)ioctl(fd, TIOCEXCL);
		return 0;
	}
	snprintf(why, size, "%s is in use by another program: stop it, or give each its own line", line->device);
	return ERR_BUSY;
}

static int
explain_open(int errnum, const struct serial_line *line, char *why, size_t size)
{
	if (errnum == EBUSY) {
		snprintf(why, size, "%s is in use by another program: stop it, or give each its own line",
		    line->device);
		return ERR_BUSY;
	}
	const char *remedy = errnum == ENOENT || errnum == ENXIO || errnum == ENODEV ?
	    "check that the adapter is plugged in" :
	    errnum == EACCES || errnum == EPERM ? "let this user open it, usually through the group dialout" :
	    "check the adapter";
	snprintf(why, size, "%s cannot be opened (%s): %s", line->device, strerror(errnum), remedy);
	return err_from_errno(errnum);
}

int
serial_open(const struct serial_line *line, int *fd, char *why, size_t size)
{
	*fd = -1;
	int s = open(line->device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (s < 0)
		return explain_open(errno, line, why, size);
	int err = lock_line(s, line, why, size);
	if (err == 0)
		err = set_mode(s, line, why, size);
	if (err == 0 && line->rs485)
		err = set_rs485(s, line, why, size);
	if (err != 0) {
		close(s);
		return err;
	}
	tcflush(s, TCIOFLUSH);
	*fd = s;
	return 0;
}
