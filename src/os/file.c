/* See file.h. */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

#define STEP 65536u

void
file_inherit_none(void)
{
	/* Ends: the first that is beyond standard error. */
	for (int fd = 0; fd >= 0 && fd <= 2;) {
		fd = open("/dev/null", O_RDWR);
		if (fd > 2)
			close(fd);
	}
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	for (int fd = 3; fd < 1024; fd++)	/* before Linux 5.11 */
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Read to the end, whatever its size said: a file may grow or shrink under us. */
static int
read_all(int fd, size_t max, size_t size, struct buf *out)
{
	size_t got = 0;

	/* Ends: every round reads at least a byte, up to max. */
	for (;;) {
		size_t want = size > got ? size - got + 1 : STEP;
		char *to = buf_room(out, want);
		if (to == NULL)
			return out->err;
		ssize_t n = read(fd, to, want);
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_from_errno(errno);
		got += (size_t)n;
		if (got > max)
			return ERR_LIMIT;
		out->len += (size_t)n;
		out->p[out->len] = '\0';
	}
}

int
file_read(const char *path, size_t max, struct buf *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_from_errno(errno);
	int err = fstat(fd, &st) != 0 ? err_from_errno(errno) : 0;
	if (err == 0 && !S_ISREG(st.st_mode))
		err = ERR_TYPE;
	if (err == 0 && (uint64_t)st.st_size > max)
		err = ERR_LIMIT;
	if (err == 0)
		err = read_all(fd, max, (size_t)st.st_size, out);
	close(fd);
	return err;
}
