/* See pty.h. */
#include "os/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"

/* Linux applies the settings of our side to the other one (tty_mode_ioctl), so nobody has to open that first. */
static int
make_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) != 0)
		return -1;
	cfmakeraw(&t);
	return tcsetattr(fd, TCSANOW, &t);
}

static int
link_to(const char *name, const char *link)
{
	char aside[PATH_MAX];

	if ((size_t)snprintf(aside, sizeof aside, "%s.new", link) >= sizeof aside) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (unlink(aside) != 0 && errno != ENOENT)
		return -1;
	if (symlink(name, aside) != 0)
		return -1;
	return rename(aside, link);
}

int
pty_open(const char *link, int *fd, char *why, size_t size)
{
	char name[64];

	*fd = -1;
	int p = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p >= 0 && grantpt(p) == 0 && unlockpt(p) == 0 && ptsname_r(p, name, sizeof name) == 0 && make_raw(p) == 0 &&
	    link_to(name, link) == 0) {
		*fd = p;
		return 0;
	}
	int err = err_from_errno(errno);
	snprintf(why, size, "no pseudo terminal at %s (%s): %s", link, strerror(errno),
	    p < 0 ? "is /dev/pts mounted?" : "name a path in a folder that this user may write to");
	if (p >= 0)
		close(p);
	return err;
}
