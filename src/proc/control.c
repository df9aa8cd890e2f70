/* The control socket: connections, and the requests that come over them until each is whole; answer.c answers. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/ctl.h"
#include "os/listen.h"
#include "proc/client.h"
#include "proc/supervisor.h"

#define REQUESTS_MAX	64	/* that are being read, then the oldest goes; those answered are clients, proc/client.h */
#define REQUEST_MS	2000	/* a client must have said all by then */

struct incoming {
	struct incoming	*next;
	struct supervisor *sup;
	uv_poll_t	 poll;
	uv_timer_t	 timer;
	int		 fd, closing;
	size_t		 len;
	uint8_t		 b[4 + CTL_REQUEST_MAX];
	const char	*argv[CLIENT_ARGS_MAX + 1];
	int		 argc;
	char		 texts[CTL_REQUEST_MAX + CLIENT_ARGS_MAX + 1];
};

static struct incoming	*requests;	/* being read, the oldest first */
static int		 nrequests;

static void
on_request_closed(uv_handle_t *h)
{
	struct incoming *r = h->data;
	if (--r->closing == 0)
		free(r);
}

/* Forget the request; its descriptor has been taken over by somebody or is closed here. */
static void
end_request(struct incoming *r, bool close_fd)
{
	struct incoming **at = &requests;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	nrequests--;
	r->closing = 2;
	uv_close((uv_handle_t *)&r->poll, on_request_closed);
	uv_close((uv_handle_t *)&r->timer, on_request_closed);
	if (close_fd)	/* after the loop has forgotten it */
		close(r->fd);
}

static int
parse(struct incoming *r)
{
	struct reader head = rd_init(r->b, r->len < 4 ? r->len : 4);
	uint32_t len = rd_le32(&head);
	char *text = r->texts;

	if (head.err != 0)
		return ERR_AGAIN;
	if (len == 0 || len > CTL_REQUEST_MAX)
		return ERR_LIMIT;
	if (r->len < 4 + (size_t)len)
		return ERR_AGAIN;
	struct reader in = rd_init(r->b + 4, len);
	while (in.p != in.end && in.err == 0 && r->argc < CLIENT_ARGS_MAX + 1) {
		/* Each text is shorter than what it was read from, so all fit with their NULs. */
		size_t n = rd_text(&in, text, rd_left(&in) > 0 ? rd_left(&in) - 1 : 0);
		r->argv[r->argc++] = text;
		text += n + 1;
	}
	return rd_end(&in) != 0 || r->argc == 0 || r->len != 4 + (size_t)len ? ERR_PROTO : 0;
}

static void
on_request(uv_poll_t *h, int status, int events)
{
	struct incoming *r = h->data;
	(void)status;
	(void)events;

	ssize_t n = read_some(r->fd, r->b + r->len, sizeof r->b - r->len);
	if (n == ERR_AGAIN)
		return;
	if (n > 0)
		r->len += (size_t)n;
	int err = n < 0 ? (int)n : parse(r);
	if (err == ERR_AGAIN)
		return;
	uv_poll_stop(&r->poll);
	if (err == 0)
		control_answer(r->sup, r->argc, r->argv, r->fd);
	end_request(r, err != 0);
}

static void
on_request_late(uv_timer_t *t)
{
	end_request(t->data, true);
}

static void
on_connection(uv_poll_t *h, int status, int events)
{
	struct supervisor *s = h->data;
	(void)status;
	(void)events;

	int fd = accept_unix(s->listen_fd);
	if (fd < 0)
		return;
	struct incoming *r = calloc(1, sizeof *r), **end = &requests;
	if (r == NULL) {
		close(fd);
		return;
	}
	if (nrequests == REQUESTS_MAX)	/* those that say nothing must not keep out those that do */
		end_request(requests, true);
	while (*end != NULL)
		end = &(*end)->next;
	*end = r;
	nrequests++;
	r->sup = s;
	r->fd = fd;
	uv_poll_init(s->loop, &r->poll, fd);
	uv_timer_init(s->loop, &r->timer);
	r->poll.data = r->timer.data = r;
	uv_poll_start(&r->poll, UV_READABLE, on_request);
	uv_timer_start(&r->timer, on_request_late, REQUEST_MS, 0);
}

int
control_open(struct supervisor *s)
{
	char path[512];

	snprintf(path, sizeof path, "%s/lock", s->state_dir);
	s->lock_fd = lock_file(path);
	if (s->lock_fd < 0) {
		log_error("state_directory_not_usable", "path=\"%s\" error=\"%s\" remedy=\"%s\"", s->state_dir, err_text(s->lock_fd),
		    s->lock_fd == ERR_BUSY ? "another penstock runs with it: stop that one or name another directory with --state" :
		    "make it writable for this user");
		return s->lock_fd;
	}
	snprintf(path, sizeof path, "%s/control.sock", s->state_dir);
	s->listen_fd = listen_unix(path, 0660);
	if (s->listen_fd < 0) {
		log_error("control_socket_not_made", "path=\"%s\" error=\"%s\"", path, err_text(s->listen_fd));
		return s->listen_fd;
	}
	uv_poll_init(s->loop, &s->listener, s->listen_fd);
	s->listener.data = s;
	return uv_poll_start(&s->listener, UV_READABLE, on_connection);
}

void
control_close(struct supervisor *s)
{
	if (s->listen_fd < 0)
		return;
	uv_poll_stop(&s->listener);
	close(s->listen_fd);
	close(s->lock_fd);
	s->listen_fd = -1;
}
