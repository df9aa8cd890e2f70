/* See ctl.h. Request: u32 length (little-endian), then the verb and the arguments as length-prefixed texts (base/bytes.h). */
#include "cli/ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/packet.h"

#define LINE_MAX_BYTES (4u << 20)	/* longest line of an answer */

const char *
ctl_state_dir(const char *given)
{
	const char *env = getenv("PENSTOCK_STATE");
	return given != NULL ? given : env != NULL && *env != '\0' ? env : "/var/lib/penstock";
}

static int
dial(const char *state_dir)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int n = snprintf(a.sun_path, sizeof a.sun_path, "%s/control.sock", state_dir);

	if (n < 0 || (size_t)n >= sizeof a.sun_path) {
		fprintf(stderr, "penstock: the state directory's name is too long for a socket (%zu bytes at most): %s\n",
		    sizeof a.sun_path - sizeof "/control.sock", state_dir);
		return ERR_RANGE;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_from_errno(errno);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	int err = err_from_errno(errno);
	if (errno == EACCES)
		fprintf(stderr, "penstock: not allowed to open %s; run as the user of the service, or as root\n", a.sun_path);
	else
		fprintf(stderr, "penstock: no penstock is running with the state directory %s; start one with 'penstock run SITE', or name "
		    "another directory with --state or PENSTOCK_STATE\n", state_dir);
	close(fd);
	return err;
}

int
ctl_request(const char *state_dir, const char *verb, int argc, const char *const *argv)
{
	uint8_t out[4 + CTL_REQUEST_MAX];
	struct writer w = wr_init(out + 4, CTL_REQUEST_MAX);

	wr_text(&w, verb);
	for (int i = 0; i < argc; i++)
		wr_text(&w, argv[i]);
	if (w.err != 0) {
		fprintf(stderr, "penstock: the request is too long (%u bytes at most)\n", CTL_REQUEST_MAX);
		return ERR_LIMIT;
	}
	int fd = dial(state_dir);
	if (fd < 0)
		return fd;
	struct writer head = wr_init(out, 4);
	wr_le32(&head, (uint32_t)wr_len(&w));
	size_t len = 4 + wr_len(&w), done = 0;
	while (done < len) {
		ssize_t n = send(fd, out + done, len - done, MSG_NOSIGNAL);
		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR) {
			int err = err_from_errno(errno);
			fprintf(stderr, "penstock: the running penstock hung up: %s\n", strerror(errno));
			close(fd);
			return err;
		}
	}
	return fd;
}

int
ctl_lines(int fd, bool (*line)(void *arg, char *text, size_t len), void *arg)
{
	size_t cap = 65536, len = 0;
	char *b = malloc(cap);
	int err = b == NULL ? ERR_NOMEM : 0;

	while (err == 0) {
		if (len == cap) {
			char *bigger = cap >= LINE_MAX_BYTES ? NULL : realloc(b, cap * 2);
			if (bigger == NULL) {
				err = ERR_LIMIT;
				break;
			}
			b = bigger;
			cap *= 2;
		}
		ssize_t n = read(fd, b + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err = n < 0 ? err_from_errno(errno) : ERR_END;
			break;
		}
		len += (size_t)n;
		char *start = b, *nl;
		while (err == 0 && (nl = memchr(start, '\n', len - (size_t)(start - b))) != NULL) {
			*nl = '\0';
			if (!line(arg, start, (size_t)(nl - start)))
				err = ERR_END;
			start = nl + 1;
		}
		len -= (size_t)(start - b);
		memmove(b, start, len);
	}
	free(b);
	return err == ERR_END ? 0 : err;
}

static bool
print_line(void *arg, char *text, size_t len)
{
	text[len] = '\n';
	return fwrite(text, 1, len + 1, arg) == len + 1;
}

int
ctl_copy(int fd, FILE *out)
{
	int err = ctl_lines(fd, print_line, out);
	fflush(out);
	return err;
}

int
ctl_rings(const char *state_dir, void (*slice)(void *arg, int fd), void (*ring)(void *arg, const char *writer, int fd), void *arg)
{
	int fd = ctl_request(state_dir, "rings", 0, NULL), err = 0;
	if (fd < 0)
		return fd;
	/* Each descriptor comes with its own line; the kernel never joins two that carry descriptors, unix(7). */
	for (;;) {
		char text[256];
		size_t len = 0;
		int pass;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		poll(&p, 1, -1);
		err = packet_recv(fd, text, sizeof text - 1, &len, &pass);
		if (err == ERR_AGAIN)
			continue;
		if (err != 0)
			break;
		text[len] = '\0';
		text[strcspn(text, "\n")] = '\0';
		if (pass < 0)
			continue;
		if (strncmp(text, "ring ", 5) == 0)
			ring(arg, text + 5, pass);
		else if (strcmp(text, "slice") == 0)
			slice(arg, pass);
		else
			close(pass);
	}
	close(fd);
	return err == ERR_CONN ? 0 : err;
}

void
ctl_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
