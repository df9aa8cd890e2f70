/*
 * A descriptor in the loop. Polled, not streamed: a request then costs one write and one read and no memory. The handle
 * is released by the loop some time after wire_close(), so it stands apart from the link.
 */
#include <stdlib.h>

#include "base/log.h"
#include "field/link.h"
#include "os/stream.h"

static void
on_event(uv_poll_t *p, int status, int events)
{
	struct wire *w = CONTAINER(p, struct wire, poll);

	if (w->link != NULL)
		link_ready(w->link, status < 0 ? UV_READABLE : events);	/* the read or write then tells what is wrong */
}

static void
on_closed(uv_handle_t *h)
{
	free(CONTAINER(h, struct wire, poll));
}

int
wire_borrow(struct link *l, int fd, int events)
{
	int err = wire_open(l, fd, events);

	if (err == 0)
		l->wire->borrowed = true;
	return err;
}

int
wire_open(struct link *l, int fd, int events)
{
	struct wire *w = calloc(1, sizeof *w);

	if (w == NULL)
		fatal("out_of_memory", "what=connection link=\"%s\"", l->name);
	int err = uv_poll_init(l->field->loop, &w->poll, fd);
	if (err != 0) {
		free(w);
		stream_close(fd);
		return err_from_errno(-err);
	}
	w->fd = fd;
	w->link = l;
	l->wire = w;
	wire_want(l, events);
	return 0;
}

void
wire_want(struct link *l, int events)
{
	struct wire *w = l->wire;

	if (w->events == events)
		return;
	w->events = events;
	uv_poll_start(&w->poll, events, on_event);	/* fails only on a closing handle */
}

void
wire_close(struct link *l)
{
	struct wire *w = l->wire;

	if (w == NULL)
		return;
	l->wire = NULL;
	w->link = NULL;
	uv_close((uv_handle_t *)&w->poll, on_closed);
	if (!w->borrowed)
		stream_close(w->fd);
}
