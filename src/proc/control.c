/*
 * The control socket: who may be asked what is a row below. The supervisor answers the first kind itself; for the others it picks
 * the process and hands the client's socket over, so no long answer ever passes through here.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/ctl.h"
#include "model/path.h"
#include "os/listen.h"
#include "os/memfd.h"
#include "proc/catalog.h"
#include "proc/client.h"
#include "proc/supervisor.h"
#include "site/diff.h"
#include "site/site.h"
#include "site/slice.h"

#define REQUESTS_MAX	64	/* that are being read, then the oldest goes; those answered are clients, proc/client.h */
#define REQUEST_MS	2000	/* a client must have said all by then */

struct request {
	struct request	*next;
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

static struct request	*requests;	/* being read, the oldest first */
static int		 nrequests;

/* ---- answers of the supervisor itself; each takes the descriptor ---- */

static void
reply(struct client *c, const struct buf *b)
{
	static const char no[] = "{\"error\":\"the answer is too long to be given\"}\n";

	if (b->err != 0 || !client_reply(c, buf_text(b), b->len)) {
		log_warn("answer_not_given", "bytes=%zu", b->len);
		client_reply(c, no, sizeof no - 1);
	}
}

static void
reply_error(struct supervisor *s, int fd, const char *text)
{
	struct client *c = client_new(s->loop, fd);
	struct buf b = { 0 };
	struct json j = { .out = &b };

	json_open(&j, '{');
	json_key(&j, "error");
	json_text(&j, text);
	json_close(&j, '}');
	buf_putc(&b, '\n');
	if (c != NULL) {
		reply(c, &b);
		client_end(c);
	}
	buf_fini(&b);
}

static void
do_status(struct supervisor *s, const struct request *r, int fd)
{
	struct client *c = client_new(s->loop, fd);
	struct buf b = { 0 };
	(void)r;

	if (c == NULL)
		return;
	supervisor_status(s, &b);
	buf_putc(&b, '\n');
	reply(c, &b);
	client_end(c);
	buf_fini(&b);
}

static void
do_stop(struct supervisor *s, const struct request *r, int fd)
{
	static const char text[] = "stopping in good order\n";
	struct client *c = client_new(s->loop, fd);
	(void)r;
	/* Not ended: the client sees the end when this process has left, and so knows that all is done. */
	if (c != NULL)
		client_reply(c, text, sizeof text - 1);
	supervisor_stop(s);
}

/* The rings, read-only, and a slice that says what is in them. */
static void
do_rings(struct supervisor *s, const struct request *r, int fd)
{
	struct buf b = { .max = 1u << 30 };
	char text[128];
	(void)r;

	int err = slice_write(s->plan, SLICE_INSIGHT, 0, &b), slice = err != 0 ? err : memfd_sealed("slice", b.p, b.len);
	buf_fini(&b);
	if (slice >= 0) {
		err = send_with_fd(fd, "slice\n", slice);
		close(slice);
	}
	for (const struct proc *p = s->procs; p != NULL && slice >= 0 && err == 0; p = p->next) {
		if (p->rings[0].fd < 0)
			continue;
		snprintf(text, sizeof text, "ring %s\n", p->name);
		err = send_with_fd(fd, text, p->rings[0].fd);
	}
	close(fd);
}

/* ---- plans ---- */

static void
on_swapped(void *arg, int err)
{
	struct client *c = arg;
	struct buf b = { 0 };

	if (err == 0)
		buf_puts(&b, "{\"applied\":true}\n");
	else
		buf_printf(&b, "{\"error\":\"the plan is kept, but not every process has taken it yet (%s): look at penstock status, and "
		    "penstock apply --back returns\"}\n", err_text(err));
	reply(c, &b);
	client_end(c);
	buf_fini(&b);
}

/* Keep a plan (taken) and put it in force; what changes is told to the client as text lines first. */
static void
put_in_force(struct supervisor *s, struct client *c, struct plan *plan)
{
	struct buf b = { 0 };
	int err = s->on_swapped != NULL || s->stopping ? ERR_BUSY : site_diff(s->plan, plan, &b, false);

	if (err == 0)
		err = plans_store(s->state_dir, plan);
	if (err != 0) {
		plan_free(plan);
		buf_reset(&b);
		buf_printf(&b, "{\"error\":\"nothing was changed: %s\"}\n",
		    err == ERR_BUSY ? "another plan is being put in force, try again in a moment" : err_text(err));
		reply(c, &b);
		client_end(c);
	} else {
		reply(c, &b);
		supervisor_swap(s, plan, on_swapped, c);
	}
	buf_fini(&b);
}

static void
do_apply(struct supervisor *s, const struct request *r, int fd)
{
	struct client *c = client_new(s->loop, fd);
	struct site_report report;
	struct plan *plan = NULL;
	struct buf b = { 0 };

	if (c == NULL)
		return;
	int err = site_load(r->argv[1], catalog_all(), &plan, &report);
	site_report_print(&report, false, &b);
	reply(c, &b);
	site_report_free(&report);
	if (err == 0)
		put_in_force(s, c, plan);
	else {
		static const char no[] = "{\"error\":\"nothing was changed: the site file has errors\"}\n";
		client_reply(c, no, sizeof no - 1);
		client_end(c);
	}
	buf_fini(&b);
}

static void
do_back(struct supervisor *s, const struct request *r, int fd)
{
	struct plan *plan = NULL;
	(void)r;

	int err = plans_load(s->state_dir, true, &plan);
	if (err == ERR_NOTFOUND)
		reply_error(s, fd, "there is no plan before this one; 'penstock apply SITE' keeps the one it replaces");
	else if (err != 0)
		reply_error(s, fd, "nothing was changed: the plan before this one, plans/previous in the state directory, is damaged; apply the site file "
		    "it came from");
	else {
		struct client *c = client_new(s->loop, fd);
		if (c == NULL)
			plan_free(plan);
		else
			put_in_force(s, c, plan);
	}
}

/* ---- who is asked ---- */

enum route { TO_SELF, TO_TAG, TO_SOURCE, TO_OFFICE };

static const struct verb {
	const char	*name;
	enum route	 route;
	int		 min_args;
	void		(*self)(struct supervisor *, const struct request *, int fd);
} verbs[] = {
	{ "status", TO_SELF, 0, do_status },
	{ "rings", TO_SELF, 0, do_rings },
	{ "stop", TO_SELF, 0, do_stop },
	{ "apply", TO_SELF, 1, do_apply },
	{ "back", TO_SELF, 0, do_back },
	{ "read", TO_TAG, 1, NULL },
	{ "why", TO_TAG, 1, NULL },
	{ "trace", TO_SOURCE, 1, NULL },
	{ "quarantine", TO_OFFICE, 1, NULL },
	{ "sinks", TO_OFFICE, 0, NULL },
};

static struct proc *
of_role(struct supervisor *s, enum role role, const char *zone)
{
	char name[64];
	snprintf(name, sizeof name, "%s%s%s", role_name(role), zone ? ":" : "", zone ? zone : "");
	for (struct proc *p = s->procs; p != NULL; p = p->next)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

/* The process for a request; NULL with why in *no. */
static struct proc *
route(struct supervisor *s, const struct verb *v, const struct request *r, const char **no)
{
	const struct plan *plan = s->plan;
	const struct source *source = NULL;

	if (v->route == TO_OFFICE)
		return of_role(s, ROLE_OFFICE, NULL);
	for (uint32_t i = 0; v->route == TO_SOURCE && i < plan->nsources; i++)
		if (strcmp(plan->sources[i].name, r->argv[1]) == 0)
			source = &plan->sources[i];
	for (uint32_t i = 0; v->route == TO_TAG && source == NULL && i < plan->ntags; i++)
		if (path_match(r->argv[1], plan->tags[i].path))
			source = &plan->sources[plan->tags[i].source];
	*no = v->route == TO_SOURCE ? "there is no source of this name in the running plan; 'penstock status' lists them" :
	    "no tag of the running plan has this path; patterns may hold * and **, for example 'Packaging/**/speed'";
	return source == NULL ? NULL : of_role(s, ROLE_FIELD, plan->zones[source->zone].name);
}

static void
hand_over(struct supervisor *s, struct proc *p, const struct request *r, int fd)
{
	uint8_t payload[CTL_REQUEST_MAX];
	struct writer w = wr_init(payload, sizeof payload);

	for (int i = 0; i < r->argc; i++)
		wr_text(&w, r->argv[i]);
	if (!p->running || channel_send(&p->channel, MSG_CLIENT, payload, wr_len(&w), fd) != 0)
		reply_error(s, fd, "the process that knows is not running at the moment; it is being restarted, try again");
	else
		close(fd);
}

static void
answer(struct supervisor *s, struct request *r, int fd)
{
	const char *no = NULL;

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].name, r->argv[0]) != 0)
			continue;
		if (r->argc - 1 < verbs[i].min_args) {
			reply_error(s, fd, "the request lacks an argument");
			return;
		}
		if (verbs[i].self != NULL) {
			verbs[i].self(s, r, fd);
			return;
		}
		struct proc *p = route(s, &verbs[i], r, &no);
		if (p != NULL)
			hand_over(s, p, r, fd);
		else
			reply_error(s, fd, no != NULL ? no : "nobody to ask");
		return;
	}
	reply_error(s, fd, "the running penstock does not know this request; is it of another version than the command?");
}

/* ---- connections ---- */

static void
on_request_closed(uv_handle_t *h)
{
	struct request *r = h->data;
	if (--r->closing == 0)
		free(r);
}

/* Forget the request; its descriptor has been taken over by somebody or is closed here. */
static void
end_request(struct request *r, bool close_fd)
{
	struct request **at = &requests;

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
parse(struct request *r)
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
	struct request *r = h->data;
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
		answer(r->sup, r, r->fd);
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
	struct request *r = calloc(1, sizeof *r), **end = &requests;
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
