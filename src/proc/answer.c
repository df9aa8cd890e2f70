/*
 * What a client of the control socket may ask is a row below. The supervisor answers the first kind itself; for the others it picks
 * the process and hands the client's socket over, so no long answer ever passes through here. control.c reads the requests.
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
#include "proc/who.h"
#include "site/derive.h"
#include "site/diff.h"
#include "site/site.h"
#include "site/slice.h"

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
	json_key_text(&j, "error", text);
	json_close(&j, '}');
	buf_putc(&b, '\n');
	if (c != NULL) {
		reply(c, &b);
		client_end(c);
	}
	buf_fini(&b);
}

static void
do_status(struct supervisor *s, const char *const *argv, int fd)
{
	struct client *c = client_new(s->loop, fd);
	struct buf b = { 0 };
	(void)argv;

	if (c == NULL)
		return;
	supervisor_status(s, &b);
	buf_putc(&b, '\n');
	reply(c, &b);
	client_end(c);
	buf_fini(&b);
}

static void
do_stop(struct supervisor *s, const char *const *argv, int fd)
{
	static const char text[] = "stopping in good order\n";
	struct client *c = client_new(s->loop, fd);
	(void)argv;
	/* Not ended: the client sees the end when this process has left, and so knows that all is done. */
	if (c != NULL)
		client_reply(c, text, sizeof text - 1);
	supervisor_stop(s);
}

/* The rings, read-only, and a slice that says what is in them. */
static void
do_rings(struct supervisor *s, const char *const *argv, int fd)
{
	struct buf b = { .max = 1u << 30 };
	char text[128];
	(void)argv;

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
do_apply(struct supervisor *s, const char *const *argv, int fd)
{
	struct client *c = client_new(s->loop, fd);
	struct site_report report;
	struct plan *plan = NULL;
	struct buf b = { 0 };

	if (c == NULL)
		return;
	int err = site_load(argv[1], catalog_all(), &plan, &report);
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
do_back(struct supervisor *s, const char *const *argv, int fd)
{
	struct plan *plan = NULL;
	(void)argv;

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

enum route { TO_SELF, TO_TAG, TO_SOURCE, TO_OFFICE, TO_GATE, TO_INSIGHT };

static const struct verb {
	const char	*name;
	enum route	 route;
	int		 min_args;
	bool		 who;		/* the person stands before the arguments */
	void		(*self)(struct supervisor *, const char *const *argv, int fd);
} verbs[] = {
	{ "status", TO_SELF, 0, false, do_status },
	{ "rings", TO_SELF, 0, false, do_rings },
	{ "stop", TO_SELF, 0, false, do_stop },
	{ "apply", TO_SELF, 1, false, do_apply },
	{ "back", TO_SELF, 0, false, do_back },
	{ "read", TO_TAG, 1, false, NULL },
	{ "why", TO_TAG, 1, false, NULL },
	{ "trace", TO_SOURCE, 1, false, NULL },
	{ "quarantine", TO_OFFICE, 1, false, NULL },
	{ "sinks", TO_OFFICE, 0, false, NULL },
	{ "outbox", TO_OFFICE, 2, true, NULL },
	{ "event", TO_INSIGHT, 1, false, NULL },
	{ "request", TO_GATE, 1, true, NULL },	/* with who asks before its arguments, as all that go to gate */
	{ "node", TO_GATE, 4, true, NULL },		/* penstock node has done something: an entry for the audit log */
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
route(struct supervisor *s, const struct verb *v, const char *const *argv, const char **no)
{
	const struct plan *plan = s->plan;
	const struct source *source = NULL;

	if (v->route == TO_GATE)
		return of_role(s, ROLE_GATE, NULL);
	if (v->route == TO_INSIGHT)
		return of_role(s, ROLE_INSIGHT, NULL);
	if (v->route == TO_OFFICE)
		return of_role(s, ROLE_OFFICE, NULL);
	for (uint32_t i = 0; v->route == TO_SOURCE && i < plan->nsources; i++)
		if (strcmp(plan->sources[i].name, argv[1]) == 0)
			source = &plan->sources[i];
	for (uint32_t i = 0; v->route == TO_TAG && source == NULL && i < plan->ntags; i++)
		if (path_match(argv[1], plan->tags[i].path))
			source = &plan->sources[plan->tags[i].source];
	*no = v->route == TO_SOURCE ? "there is no source of this name in the running plan; 'penstock status' lists them" :
	    "no tag of the running plan has this path; patterns may hold * and **, for example 'Packaging/**/speed'";
	if (source != NULL && source_is_derived(source))
		return of_role(s, ROLE_INSIGHT, NULL);
	return source == NULL ? NULL : of_role(s, ROLE_FIELD, plan->zones[source->zone].name);
}

static void
hand_over(struct supervisor *s, struct proc *p, const char *who, int argc, const char *const *argv, int fd)
{
	uint8_t payload[CTL_REQUEST_MAX + WHO_MAX];
	struct writer w = wr_init(payload, sizeof payload);

	for (int i = 0; i < argc; i++) {
		wr_text(&w, argv[i]);
		if (i == 0 && who != NULL)
			wr_text(&w, who);
	}
	if (!p->running || channel_send(&p->channel, MSG_CLIENT, payload, wr_len(&w), fd) != 0)
		reply_error(s, fd, "the process that knows is not running at the moment; it is being restarted, try again");
	else
		close(fd);
}

void
control_answer(struct supervisor *s, int argc, const char *const *argv, int fd)
{
	const char *no = NULL;

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].name, argv[0]) != 0)
			continue;
		if (argc - 1 < verbs[i].min_args) {
			reply_error(s, fd, "the request lacks an argument");
			return;
		}
		if (verbs[i].self != NULL) {
			verbs[i].self(s, argv, fd);
			return;
		}
		struct proc *p = route(s, &verbs[i], argv, &no);
		char who[WHO_MAX];
		if (p != NULL && verbs[i].who && who_is(fd, who, sizeof who) != 0)
			reply_error(s, fd, "the kernel does not say who you are");
		else if (p != NULL)
			hand_over(s, p, verbs[i].who ? who : NULL, argc, argv, fd);
		else
			reply_error(s, fd, no != NULL ? no : "nobody to ask");
		return;
	}
	reply_error(s, fd, "the running penstock does not know this request; is it of another version than the command?");
}
