/* See client.h. Writes go straight to the socket; what it does not take waits in a bounded buffer. */
#include "proc/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "os/packet.h"

static int	nclients;

struct client {
	uv_pipe_t	 pipe;
	uv_write_t	 write;
	struct buf	 waiting, writing;	/* not yet handed to uv; handed over */
	bool		 busy, lost, ending, closing;
	void		(*gone)(void *arg);
	void		*gone_arg;
};

static void
on_closed(uv_handle_t *h)
{
	struct client *c = h->data;
	buf_fini(&c->waiting);
	buf_fini(&c->writing);
	free(c);
	nclients--;
}

static void
shut(struct client *c)
{
	if (c->closing)
		return;
	c->closing = true;
	uv_close((uv_handle_t *)&c->pipe, on_closed);
}

/* The client went first. Whoever asked to be told is, and must not touch it again; else it waits here for client_end(). */
static void
lost(struct client *c)
{
	void (*gone)(void *) = c->gone;

	if (c->lost || c->closing)
		return;
	c->lost = true;
	uv_read_stop((uv_stream_t *)&c->pipe);
	if (!c->ending && gone == NULL)
		return;
	shut(c);
	if (!c->ending)
		gone(c->gone_arg);
}

static void flush(struct client *c);

static void
on_written(uv_write_t *w, int status)
{
	struct client *c = w->data;
	c->busy = false;
	if (c->closing)
		return;
	if (status != 0)
		lost(c);
	else
		flush(c);
}

static void
flush(struct client *c)
{
	if (c->busy || c->lost || c->closing)
		return;
	if (c->waiting.len == 0) {
		if (c->ending)
			shut(c);
		return;
	}
	struct buf t = c->writing;
	c->writing = c->waiting;
	c->waiting = t;
	buf_reset(&c->waiting);
	uv_buf_t b = uv_buf_init(c->writing.p, (unsigned)c->writing.len);
	c->busy = true;
	c->write.data = c;
	if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &b, 1, on_written) != 0) {
		c->busy = false;
		lost(c);
	}
}

static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	static char scratch[256];	/* a client has said all it may; more is read and ignored */
	(void)h;
	(void)suggested;
	*b = uv_buf_init(scratch, sizeof scratch);
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	(void)b;
	if (n < 0)
		lost(s->data);
}

struct client *
client_new(uv_loop_t *loop, int fd)
{
	struct client *c = nclients < CLIENTS_MAX ? calloc(1, sizeof *c) : NULL;
	if (c == NULL) {
		packet_close(fd);
		return NULL;
	}
	nclients++;
	c->waiting.max = c->writing.max = CLIENT_BACKLOG_MAX;
	uv_pipe_init(loop, &c->pipe, 0);
	c->pipe.data = c;
	if (uv_pipe_open(&c->pipe, fd) != 0) {
		packet_close(fd);
		shut(c);
		return NULL;
	}
	uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
	return c;
}

bool
client_reply(struct client *c, const char *text, size_t len)
{
	if (c->lost || c->closing || c->waiting.len + len > CLIENT_BACKLOG_MAX)
		return false;
	buf_put(&c->waiting, text, len);
	if (c->waiting.err != 0)
		return false;
	flush(c);
	return true;
}

void
client_end(struct client *c)
{
	if (c->ending)
		return;
	c->ending = true;
	if (c->lost)
		shut(c);
	else
		flush(c);
}

void
client_on_gone(struct client *c, void (*gone)(void *arg), void *arg)
{
	c->gone = gone;
	c->gone_arg = arg;
}
