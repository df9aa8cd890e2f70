/*
 * What people do with the outbox of a sink, from the command line: tried dry, entered in the audit log, done; each step waits for the one
 * before. Nothing is done that the log does not have. Looking (`message`) is done at once.
 *
 *	TRYING --dry answer--> ENTERING --AUDITED--> DOING --answer--> told
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "office/inside.h"
#include "os/clock.h"

#define CHANGES_MAX	64u
#define ARGS_MAX	64
#define WHAT_MAX	(46u << 10)	/* of an entry, messages.def */
#define PATIENCE_NS	(60 * NS_PER_S)	/* with the sink and with gate */

enum stage { TRYING, ENTERING, DOING };

struct office_change {
	struct office_change	*next;
	struct office		*office;
	uint64_t		 number;
	enum stage		 stage;
	char			 sink[REPORT_SINK_MAX + 1];
	struct arena		 mem;
	struct sink_ask		 ask;		/* texts in mem */
	struct mono		 give_up;
	office_answer		*answer;	/* NULL: nobody waits any more */
	void			*arg;
	bool			 sink_has_it;	/* its answer is still to come: not freed before */
	bool			 over;
};

static void
tell(struct office_change *c, const char *lines, size_t len, bool end)
{
	if (c->answer != NULL)
		c->answer(c->arg, lines, len, end);
	if (end)
		c->answer = NULL;
}

static void
drop(struct office_change *c)
{
	struct office_change **at = &c->office->changes;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->office->nchanges--;
	arena_fini(&c->mem);
	free(c);
}

/* Told all there is to tell. */
static void
finish(struct office_change *c)
{
	tell(c, "", 0, true);
	c->over = true;
	if (!c->sink_has_it)
		drop(c);
}

static void
put_error(struct buf *out, const char *text)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_key_text(&j, "error", text);
	json_close(&j, '}');
	buf_putc(out, '\n');
}

static void
fail(struct office_change *c, const char *text)
{
	struct buf b = { 0 };

	put_error(&b, text);
	tell(c, buf_text(&b), b.len, false);
	buf_fini(&b);
	finish(c);
}

/* Only what stands in the log may be done: an event that was refused in the dry run is not asked for again. id 0: what is no number. */
static void
leave_out(struct office_change *c, json_int_t id)
{
	const char **argv = arena_array(&c->mem, (size_t)c->ask.argc + 1, sizeof *argv);
	int n = 0;

	for (int i = 0; i < c->ask.argc; i++) {
		const char *a = c->ask.argv[i];
		bool option = strncmp(a, "--", 2) == 0 && i > 0, number = a[0] >= '0' && a[0] <= '9';
		if (option) {
			argv[n++] = a;
			if (i + 1 < c->ask.argc)
				argv[n++] = c->ask.argv[++i];
		} else if (i == 0 || strcmp(a, "all") == 0 || (number && strtoll(a, NULL, 10) != id))
			argv[n++] = a;
	}
	c->ask.argv = argv;
	c->ask.argc = n;
}

/* Lines of an answer: errors go to the person (and to `errors`), the others to `good`, each as the inside of an array. How many others. */
static size_t
sort_lines(struct office_change *c, const char *lines, size_t len, struct buf *good, struct buf *errors)
{
	size_t n = 0;

	for (const char *p = lines, *end = lines + len; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t k = nl != NULL ? (size_t)(nl - p) : (size_t)(end - p);
		json_t *o = json_loadb(p, k, 0, NULL);
		if (json_object_get(o, "error") != NULL) {
			tell(c, p, k, false);
			tell(c, "\n", 1, false);
			buf_puts(errors, errors->len > 0 ? "," : "");
			buf_put(errors, p, k);
			if (c->stage == TRYING)
				leave_out(c, json_integer_value(json_object_get(o, "id")));
		} else if (o != NULL) {
			if (c->stage == DOING) {
				tell(c, p, k, false);
				tell(c, "\n", 1, false);
			}
			buf_puts(good, n++ > 0 ? "," : "");
			buf_put(good, p, k);
		}
		json_decref(o);
		p += k + 1;
	}
	return n;
}

/* {"verb": ..., "reason": ..., "events": [...]}, to gate; with number 0 gate's answer is of no interest. */
static int
enter(struct office_change *c, const char *verb, const char *lines, uint64_t number)
{
	static uint8_t bytes[WHAT_MAX + 1024];
	struct writer w = wr_init(bytes, sizeof bytes);
	struct buf b = { .max = WHAT_MAX };
	struct json j = { .out = &b };
	const char *reason = "";

	for (int i = 0; i + 1 < c->ask.argc; i++)
		if (strcmp(c->ask.argv[i], "--reason") == 0)
			reason = c->ask.argv[i + 1];
	json_open(&j, '{');
	json_key_text(&j, "verb", verb);
	json_key_text(&j, "reason", reason);
	json_key(&j, "events");
	json_open(&j, '[');
	json_raw(&j, lines, strlen(lines));
	json_close(&j, ']');
	json_close(&j, '}');
	wr_le64(&w, number);
	wr_text(&w, c->sink);
	wr_text(&w, c->ask.who);
	wr_text(&w, buf_text(&b));
	int err = b.err != 0 ? ERR_LIMIT : w.err != 0 ? ERR_LIMIT : c->office->reporter.ch.fd < 0 ? ERR_CONN :
	    channel_send(&c->office->reporter.ch, MSG_AUDIT, bytes, wr_len(&w), -1);
	buf_fini(&b);
	return err;
}

static void
on_answer(void *arg, const char *lines, size_t len)
{
	struct office_change *c = arg;
	struct buf what = { .max = WHAT_MAX }, errors = { .max = WHAT_MAX };

	c->sink_has_it = false;
	if (c->over) {
		drop(c);
		return;
	}
	size_t n = sort_lines(c, lines, len, &what, &errors);
	if (c->stage == DOING) {
		/* It stood in the log and could not be done after all: that stands there too. */
		if (errors.len > 0 && errors.err == 0 && !c->ask.dry)
			enter(c, "not done", buf_text(&errors), 0);
		buf_fini(&what);
		buf_fini(&errors);
		finish(c);
		return;
	}
	buf_fini(&errors);
	c->stage = ENTERING;
	c->number = ++c->office->next_change;
	int err = n == 0 ? 0 : what.err != 0 ? ERR_LIMIT : enter(c, c->ask.argv[0], buf_text(&what), c->number);
	buf_fini(&what);
	if (err == ERR_LIMIT)
		fail(c, "nothing was changed: that is too much for one entry of the audit log: give fewer at a time");
	else if (err != 0)
		fail(c, "nothing was changed: gate, which keeps the audit log, is not there at the moment: try again");
	else if (n == 0)
		finish(c);
}

static void
ask_sink(struct office_change *c, const struct sink_type *type, void *inst)
{
	c->sink_has_it = true;
	c->give_up = mono_add(mono_now(), PATIENCE_NS);
	int err = type->ask(inst, &c->ask);
	if (err == 0)		/* c may be gone by now */
		return;
	c->sink_has_it = false;
	fail(c, err == ERR_FULL ? "nothing was changed: too much is asked of this sink at the moment: try again" :
	    err == ERR_UNSUPPORTED ? "this sink has no outbox" : "nothing was changed: the sink is being stopped: try again");
}

static bool
has_outbox(const struct outlet *k)
{
	return k->phase == OUTLET_RUNNING && k->type->ask != NULL;
}

/* The sink that is meant; NULL with why. */
static struct outlet *
meant(struct office *o, const char *name, char *why, size_t size)
{
	struct outlet *found = NULL;
	unsigned n = 0;

	for (struct outlet *k = o->outlets; k != NULL; k = k->next)
		if (*name != '\0' ? strcmp(k->name, name) == 0 : has_outbox(k)) {
			found = k;
			n++;
		}
	if (n == 1 && has_outbox(found))
		return found;
	if (n == 1)
		snprintf(why, size, "sink %.60s %s", name, found->phase == OUTLET_RUNNING ? "has no outbox: it is of another kind" :
		    "does not run at the moment: penstock status says why");
	else if (*name != '\0')
		snprintf(why, size, "there is no sink %.60s in the running plan", name);
	else
		snprintf(why, size, n == 0 ? "no sink that runs has an outbox" : "there is more than one outbox: say which with --sink NAME");
	return NULL;
}

void
office_change(struct office *o, const char *who, int argc, const char *const *argv, office_answer *answer, void *arg)
{
	struct office_change *c = o->nchanges < CHANGES_MAX ? calloc(1, sizeof *c) : NULL;
	struct buf no = { 0 };
	char why[200] = "too many ask at the moment: try again";

	struct outlet *k = c != NULL && argc >= 2 && argc <= ARGS_MAX && !o->stopping ? meant(o, argv[0], why, sizeof why) : NULL;
	if (k == NULL) {
		put_error(&no, why);
		answer(arg, buf_text(&no), no.len, true);
		buf_fini(&no);
		free(c);
		return;
	}
	*c = (struct office_change){ .next = o->changes, .office = o, .answer = answer, .arg = arg };
	snprintf(c->sink, sizeof c->sink, "%s", k->name);
	const char **copy = arena_array(&c->mem, (size_t)argc, sizeof *copy);
	for (int i = 1; i < argc; i++)
		copy[i - 1] = arena_strdup(&c->mem, argv[i]);
	bool look = strcmp(copy[0], "message") == 0;
	c->ask = (struct sink_ask){ .verb = "outbox", .argc = argc - 1, .argv = copy, .who = arena_strdup(&c->mem, who), .dry = true,
		.answer = on_answer, .arg = c };
	c->stage = look ? DOING : TRYING;
	o->changes = c;
	o->nchanges++;
	ask_sink(c, k->type, k->inst);
}

void
office_change_forget(struct office *o, const void *arg)
{
	for (struct office_change *c = o->changes; o != NULL && c != NULL; c = c->next)
		if (c->arg == arg)
			c->answer = NULL;
}

int
office_audited(struct office *o, const void *p, size_t len)
{
	struct reader r = rd_init(p, len);
	struct office_change *c = o->changes;
	char why[200];

	uint64_t number = rd_le64(&r);
	int entered = (int)(int32_t)rd_le32(&r), err = rd_end(&r);
	while (c != NULL && (c->number != number || c->stage != ENTERING || c->over))
		c = c->next;
	if (err != 0 || c == NULL)
		return err;
	struct outlet *k = outlet_find(o, c->sink);
	if (entered != 0) {
		snprintf(why, sizeof why, "nothing was changed: the audit log does not take it: %s%s", err_text(entered),
		    entered == ERR_FULL ? " (too many changes within a second)" : "");
		fail(c, why);
	} else if (k == NULL || !has_outbox(k)) {
		enter(c, "not done", "", 0);
		fail(c, "nothing was changed: the sink has been stopped meanwhile");
	} else {
		c->stage = DOING;
		c->ask.dry = false;
		ask_sink(c, k->type, k->inst);
	}
	return 0;
}

void
office_changes_lost(struct office *o)
{
	for (struct office_change *c = o->changes, *next; c != NULL; c = next) {
		next = c->next;
		if (c->stage == ENTERING && !c->over)
			fail(c, "nothing was changed: gate, which keeps the audit log, ended before it said that it has it: try again");
	}
}

void
office_changes_of_sink_gone(struct office *o, const char *sink)
{
	for (struct office_change *c = o->changes, *next; c != NULL; c = next) {
		next = c->next;
		if (strcmp(c->sink, sink) != 0 || !c->sink_has_it)
			continue;
		c->sink_has_it = false;
		if (c->over)
			drop(c);
		else
			fail(c, c->stage == DOING ? "the sink was stopped before it said whether it is done: look with penstock outbox show" :
			    "nothing was changed: the sink has been stopped meanwhile");
	}
}

void
office_changes_tick(struct office *o)
{
	struct mono now = mono_now();

	for (struct office_change *c = o->changes, *next; c != NULL; c = next) {
		next = c->next;
		if (c->over || mono_before(now, c->give_up))
			continue;
		fail(c, c->stage == DOING ? "the sink does not say whether it is done: look with penstock outbox show" :
		    "nothing was changed: no answer came in a minute");
	}
}

void
office_changes_free(struct office *o)
{
	while (o->changes != NULL)
		drop(o->changes);
}
