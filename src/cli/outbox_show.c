/* penstock outbox show: one event, what was tried, what people did, and the exact message that goes out. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "cli/outbox_cli.h"

static void
line(const char *name, const char *text)
{
	if (*text == '\0')
		return;
	printf("  %-10s ", name);
	outbox_print_safe(text);
	putchar('\n');
}

static void
show_item(void *arg, const struct outbox_item *i)
{
	struct outbox_asked *a = arg;
	char t[4][WALL_TEXT];

	if (a->json) {
		json_key_text(a->j, "sink", a->of->sink);
		outbox_json_item(a->j, i, true);
		return;
	}
	printf("event %lld of sink %s: %s%s%s\n", (long long)i->seq, a->of->sink, outbox_state_name(i->state),
	    i->outcome_unknown ? ", and nobody knows whether the far end has it" : "", i->complaint ? ", with a complaint" : "");
	line("event", i->of.event);
	line("type", i->of.type);
	line("key", i->of.key);
	line("lane", i->of.lane);
	line("identity", i->of.id);
	line("flow", i->of.flow);
	line("mapping", i->of.mapping);
	printf("  %-10s %s, came %s\n", "time", wall_format(i->of.time, 3, t[0]), wall_format(i->put, 3, t[1]));
	if (i->attempts > 0)
		printf("  %-10s %u, first %s, newest try %s\n", "sent", i->attempts, wall_format(i->first_sent, 3, t[2]),
		    wall_format(i->last_try, 3, t[3]));
	line("document", i->document);
	line("code", i->code);
	line("says", i->text);
	line("field", i->target);
	printf("  %-10s %.*s\n", "body", (int)i->of.body_len, i->of.body);
}

static void
show_try(void *arg, const struct outbox_try *t)
{
	struct outbox_asked *a = arg;
	char when[WALL_TEXT], took[DURATION_TEXT];
	const struct { const char *key, *text; } texts[] = {
		{ "at", wall_format(t->at, 3, when) }, { "call", t->call }, { "verdict", t->verdict }, { "document", t->document },
		{ "code", t->code }, { "text", t->text }, { "target", t->target },
	};

	if (!a->json) {
		printf("  %s%-4u %s %-9s %-11s after %-9s ", a->tries_open ? "" : "history\n  ", t->n, when, t->call, t->verdict,
		    duration_format(t->took_ns, took));
		a->tries_open = true;
		outbox_print_safe(t->code);
		printf("%s", *t->code != '\0' && *t->text != '\0' ? ": " : "");
		outbox_print_safe(t->text);
		printf("%s", *t->document != '\0' ? " document " : "");
		outbox_print_safe(t->document);
		putchar('\n');
		return;
	}
	if (!a->tries_open) {
		json_key(a->j, "history");
		json_open(a->j, '[');
	}
	a->tries_open = true;
	json_open(a->j, '{');
	json_key_u64(a->j, "no", t->n);
	json_key_i64(a->j, "took_ms", t->took_ns / NS_PER_MS);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (*texts[i].text != '\0')
			json_key_text(a->j, texts[i].key, texts[i].text);
	json_close(a->j, '}');
}

static void
show_change(void *arg, const struct outbox_change *c)
{
	struct outbox_asked *a = arg;
	char when[WALL_TEXT];
	const struct { const char *key, *text; } texts[] = {
		{ "at", wall_format(c->at, 3, when) }, { "who", c->who }, { "verb", c->verb }, { "why", c->why },
		{ "field", c->what },
		{ "before", c->before }, { "after", c->after },
	};

	if (!a->json) {
		printf("  by %s  %s %s", c->who, when, c->verb);
		if (*c->what != '\0') {
			printf(" of ");
			outbox_print_safe(c->what);
			printf(" from ");
			outbox_print_safe(c->before);
			printf(" to ");
			outbox_print_safe(c->after);
		}
		printf(": ");
		outbox_print_safe(c->why);
		putchar('\n');
		return;
	}
	if (a->tries_open)
		json_close(a->j, ']');
	a->tries_open = false;
	if (a->shown++ == 0) {
		json_key(a->j, "changes");
		json_open(a->j, '[');
	}
	json_open(a->j, '{');
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (*texts[i].text != '\0')
			json_key_text(a->j, texts[i].key, texts[i].text);
	json_close(a->j, '}');
}

static bool
message_line(void *arg, char *text, size_t len)
{
	struct outbox_asked *a = arg;
	json_t *o = json_loadb(text, len, 0, NULL);
	const char *message = json_string_value(json_object_get(o, "message")),
	    *error = json_string_value(json_object_get(o, "error"));

	if (a->json && message != NULL) {
		json_key_text(a->j, "message", message);
	} else if (!a->json && (message != NULL || error != NULL)) {
		printf("\n%s", message != NULL ? "what goes out:\n" : "");
		const char *p = message != NULL ? message : error;
		for (; *p != '\0'; p++)
			if ((unsigned char)*p >= 0x20 || *p == '\n')
				putchar(*p);
		putchar('\n');
	}
	json_decref(o);
	return true;
}

/* The exact message, where somebody runs who can make it. */
static void
show_message(struct outbox_asked *a, const char *id)
{
	char path[4300];
	const char *args[] = { a->of->sink, "message", id };

	snprintf(path, sizeof path, "%s/control.sock", a->state_dir);
	if (access(path, R_OK | W_OK) != 0)
		return;
	int fd = ctl_request(a->state_dir, "outbox", 3, args);
	if (fd >= 0)
		ctl_lines(fd, message_line, a);
	ctl_close(fd);
}

int
outbox_show(struct outbox_asked *a, const struct outbox_name *v, int n)
{
	const struct outbox_visitor visitor = { .item = show_item, .attempt = show_try, .change = show_change, .arg = a };
	struct outbox_look *l;
	struct buf b = { 0 };
	struct json j = { .out = &b };
	char why[500] = "no outbox has been begun yet";
	int64_t seq;

	if (a->n != 1 || num_parse_i64(a->args[0], strlen(a->args[0]), &seq) != 0 || seq <= 0)
		return outbox_cannot("show what? Give the number of one event");
	if (n > 1)
		return outbox_cannot("there is more than one outbox: say which with --sink NAME");
	int err = n == 1 ? outbox_look_open(v[0].path, &l, why, sizeof why) : ERR_NOTFOUND;
	if (err != 0)
		return outbox_cannot(why);
	a->of = &v[0];
	a->j = &j;
	json_open(&j, '{');
	err = outbox_look_item(l, seq, &visitor);
	outbox_look_close(l);
	if (err == ERR_NOTFOUND)
		fprintf(stderr, "penstock outbox: no event %s: it was never here, or its record was removed by age\n", a->args[0]);
	else if (err != 0)
		outbox_cannot(err_text(err));
	else {
		if (a->tries_open || a->shown > 0)
			json_close(&j, ']');
		show_message(a, a->args[0]);
		json_close(&j, '}');
		if (a->json)
			puts(buf_text(&b));
	}
	buf_fini(&b);
	return err == 0 ? EXIT_OK : err == ERR_NOTFOUND ? EXIT_FINDINGS : EXIT_CANNOT;
}
