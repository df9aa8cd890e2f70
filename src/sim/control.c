/* See control.h: connections and lines. What the lines mean is in verbs.c and in the subcommands. */
#include "sim/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/near.h"
#include "sim/verbs.h"

struct client {
	uv_tcp_t		 tcp;
	struct sim_control	*ctl;
	size_t			 len;
	char			 line[CONTROL_LINE];
};
struct answer { uv_write_t req; char text[]; };

static const struct sim_verb *
find(const struct sim_verb *verbs, size_t n, const char *name, struct near *near)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
		near_try(near, verbs[i].name);
	}
	return NULL;
}

void
sim_control_line(struct sim_control *c, char *line)
{
	static const char blanks[] = " \t\r\n";
	char *argv[CONTROL_ARGS + 1], *save = NULL;
	int argc = 0;

	buf_reset(&c->out);
	for (char *w = strtok_r(line, blanks, &save); w != NULL; w = strtok_r(NULL, blanks, &save))
		if (argc < CONTROL_ARGS)
			argv[argc++] = w;
	argv[argc] = NULL;
	if (argc == 0)
		return;
	struct near near = { .word = argv[0] };
	const struct sim_verb *v = find(sim_verbs, sim_nverbs, argv[0], &near);
	if (v == NULL)
		v = find(c->verbs, c->n, argv[0], &near);
	if (v == NULL)
		buf_printf(&c->out, "error unknown command \"%s\"; %s \"%s\"?", argv[0],
		    near.best ? "did you mean" : "try", near.best ? near.best : "help");
	else if (argc - 1 < v->least || argc - 1 > v->most)
		buf_printf(&c->out, "error usage: %s %s", v->name, v->args);
	else
		v->run(c, argc, argv, &c->out);
}

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
client_end(struct client *cl)
{
	if (!uv_is_closing((uv_handle_t *)&cl->tcp))
		uv_close((uv_handle_t *)&cl->tcp, on_closed);
}

static void
on_written(uv_write_t *req, int status)
{
	(void)status;
	free(req->data);
}

static void
say(struct client *cl, const struct buf *text)
{
	struct answer *a = malloc(sizeof *a + text->len + 1);

	if (a == NULL)
		return;
	memcpy(a->text, buf_text(text), text->len);
	a->text[text->len] = '\n';
	a->req.data = a;
	uv_buf_t b = uv_buf_init(a->text, (unsigned)text->len + 1);
	if (uv_write(&a->req, (uv_stream_t *)&cl->tcp, &b, 1, on_written) != 0)
		free(a);
}

static void
on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
	struct client *cl = h->data;
	(void)size;
	*buf = uv_buf_init(cl->line + cl->len, (unsigned)(sizeof cl->line - cl->len));
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct client *cl = s->data;
	char *end;

	(void)buf;
	if (n < 0) {
		client_end(cl);
		return;
	}
	cl->len += (size_t)n;
	while ((end = memchr(cl->line, '\n', cl->len)) != NULL) {	/* each round takes a line off */
		size_t used = (size_t)(end - cl->line) + 1;
		*end = '\0';
		sim_control_line(cl->ctl, cl->line);
		if (cl->ctl->out.len > 0)
			say(cl, &cl->ctl->out);
		memmove(cl->line, cl->line + used, cl->len - used);
		cl->len -= used;
	}
	if (cl->len == sizeof cl->line)
		client_end(cl);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct client *cl = status == 0 ? calloc(1, sizeof *cl) : NULL;

	if (cl == NULL)
		return;
	cl->ctl = listener->data;
	uv_tcp_init(listener->loop, &cl->tcp);
	cl->tcp.data = cl;
	if (uv_accept(listener, (uv_stream_t *)&cl->tcp) != 0 ||
	    uv_read_start((uv_stream_t *)&cl->tcp, on_alloc, on_read) != 0)
		client_end(cl);
}

int
sim_control_open(struct sim_control *c, unsigned port)
{
	struct sockaddr_in addr;
	int len = sizeof addr, r;

	uv_ip4_addr("127.0.0.1", (int)port, &addr);
	uv_tcp_init(c->net->loop, &c->listener);
	c->listener.data = c;
	if ((r = uv_tcp_bind(&c->listener, (struct sockaddr *)&addr, 0)) != 0 ||
	    (r = uv_listen((uv_stream_t *)&c->listener, 16, on_connection)) != 0 ||
	    (r = uv_tcp_getsockname(&c->listener, (struct sockaddr *)&addr, &len)) != 0) {
		log_error("sim-control", "port=%u error=\"%s; is another program on this port?\"", port,
		    uv_strerror(r));
		return err_from_errno(-r);
	}
	snprintf(c->where, sizeof c->where, "127.0.0.1:%u", ntohs(addr.sin_port));
	return 0;
}
