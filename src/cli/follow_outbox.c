/* What the outboxes know of an event, see follow.h: found by id, key or document, and shown with all that was tried. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/follow.h"
#include "cli/outboxes.h"

struct seen {
	const char	*what;		/* id, key or document; "id:..." the id alone */
	bool		 only_id;
	json_t		**event;	/* NULL: not asked */
	int64_t		 seq[8];	/* in this outbox; an event may go out by several mappings */
	size_t		 n;
};

/* Documents are padded with zeros, and may have parts: "12345" and "12345/1" find "000000012345/00000001". */
static bool
is_document(const char *document, const char *what)
{
	while (*document != '\0' && *what != '\0') {
		document += strspn(document, "0");
		what += strspn(what, "0");
		size_t n = strcspn(document, "/"), m = strcspn(what, "/");
		if (n != m || strncmp(document, what, n) != 0)
			return false;
		document += n + (document[n] == '/');
		what += m + (what[m] == '/');
	}
	return *what == '\0';
}

static bool
each_item(void *arg, const struct outbox_item *i)
{
	struct seen *s = arg;

	if (strcmp(i->of.id, s->what) != 0 && (s->only_id ||
	    (strcmp(i->of.key, s->what) != 0 && !is_document(i->document, s->what))))
		return true;
	if (s->event != NULL && *s->event == NULL)
		*s->event = json_loadb(i->of.body, i->of.body_len, 0, NULL);
	if (s->n < sizeof s->seq / sizeof s->seq[0])
		s->seq[s->n++] = i->seq;
	return true;
}

static int
look(const struct outbox_name *v, struct seen *s, struct outbox_look **out)
{
	char why[512];
	int err = outbox_look_open(v->path, out, why, sizeof why);

	if (err != 0) {
		if (err != ERR_NOTFOUND)
			fprintf(stderr, "penstock follow: %s: %s\n", v->path, why);
		return err;
	}
	for (int state = 0; err == 0 && state < OUTBOX_STATE_COUNT; state++) {
		struct outbox_filter f = { .state = state };
		err = outbox_look_each(*out, &f, each_item, s);
	}
	return err;
}

int
follow_in_outboxes(const char *state, const char *what, json_t **event)
{
	static struct outbox_name v[OUTBOXES_MAX];
	int n = outboxes_find(state, NULL, v);
	struct seen s = { .what = what, .event = event };

	*event = NULL;
	for (int i = 0; i < n && *event == NULL; i++) {
		struct outbox_look *l = NULL;
		(void)look(&v[i], &s, &l);	/* said; the others may have it */
		outbox_look_close(l);
	}
	return *event != NULL ? 0 : ERR_NOTFOUND;
}

/* ---- shown ---- */

static void
show_item(void *arg, const struct outbox_item *i)
{
	const struct follow_print *p = arg;
	char when[WALL_TEXT];

	p->step(p->arg, "outbox");
	printf("#%lld of %s: %s%s, by mapping ", (long long)i->seq, p->sink, outbox_state_name(i->state),
	    i->outcome_unknown ? ", nobody knows yet whether the far end has it" : i->complaint ? ", with a complaint" : "");
	outbox_print_safe(i->of.mapping);
	printf("\n%s came %s\n", FOLLOW_MORE, wall_format(i->put, 3, when));
}

static void
show_try(void *arg, const struct outbox_try *t)
{
	char when[WALL_TEXT], took[DURATION_TEXT];
	(void)arg;

	printf("%s %s  %-9s %s after %s  ", FOLLOW_MORE, wall_format(t->at, 3, when), t->call, t->verdict,
	    duration_format(t->took_ns, took));
	outbox_print_safe(t->code);
	printf("%s", *t->code != '\0' && *t->text != '\0' ? ": " : "");
	outbox_print_safe(t->text);
	putchar('\n');
}

static void
show_change(void *arg, const struct outbox_change *c)
{
	char when[WALL_TEXT];
	(void)arg;

	printf("%s %s  %s by %s: ", FOLLOW_MORE, wall_format(c->at, 3, when), c->verb, c->who);
	outbox_print_safe(c->why);
	putchar('\n');
}

static void
show_document(void *arg, const struct outbox_item *i)
{
	const struct follow_print *p = arg;
	char when[WALL_TEXT];

	p->step(p->arg, "document");
	if (*i->document == '\0')
		printf("none yet");
	else
		outbox_print_safe(i->document);
	if (i->settled.ns != 0)
		printf(", known since %s", wall_format(i->settled, 3, when));
	putchar('\n');
	if (i->complaint || i->state == OUTBOX_REFUSED || i->state == OUTBOX_QUARANTINED) {
		printf("%s ", FOLLOW_MORE);
		outbox_print_safe(i->code);
		printf("%s", *i->code != '\0' ? ": " : "");
		outbox_print_safe(i->text);
		printf("\n%s penstock outbox show %lld --sink %s\n", FOLLOW_MORE, (long long)i->seq, p->sink);
	}
}

size_t
follow_outboxes(const char *state, const char *id, void (*step)(void *arg, const char *what), void *arg)
{
	static struct outbox_name v[OUTBOXES_MAX];
	int n = outboxes_find(state, NULL, v);
	size_t found = 0;

	for (int i = 0; i < n; i++) {
		struct seen s = { .what = id, .only_id = true };
		struct outbox_look *l = NULL;
		struct follow_print p = { .sink = v[i].sink, .step = step, .arg = arg };
		const struct outbox_visitor all = { show_item, show_try, show_change, &p },
		    last = { .item = show_document, .arg = &p };
		int err = look(&v[i], &s, &l);
		for (size_t k = 0; err == 0 && k < s.n; k++, found++) {
			err = outbox_look_item(l, s.seq[k], &all);
			err = err != 0 ? err : outbox_look_item(l, s.seq[k], &last);
		}
		outbox_look_close(l);
	}
	return found;
}
