/*
 * penstock follow: one business event, step by step, from the register of a machine to the document that it became.
 * Everything shown is read from what the processes have written (plan, spool, ledger, outbox); nothing is asked of a
 * machine or of a far end.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "cli/asking.h"
#include "cli/cli.h"
#include "cli/ctl.h"
#include "cli/follow.h"
#include "cli/outboxes.h"
#include "model/status.h"
#include "os/disk.h"
#include "proc/supervisor.h"
#include "site/derive.h"
#include "spool/chain.h"
#include "spool/ledger.h"

static const char usage[] =
	"usage: penstock follow ID|KEY|DOCUMENT [--state DIR]\n"
	"       penstock follow TAG --count N [--state DIR]\n"
	"Follows one event from the registers that it was made of to the document that it became: by its id, its key, or the number of the\n"
	"document; or by a tag and a count that it reached (one bottle), to the event which that count went into.\n";

struct follow {
	const char	*state;
	struct plan	*plan;
	struct streams	 streams;
	struct followed	 f;
	int		 step;
};

static void
step(void *arg, const char *what)
{
	struct follow *w = arg;

	printf("%d  %-9s ", ++w->step, what);
}

#define MORE	FOLLOW_MORE " "

/* Texts of records are printed with outbox_print_safe(): they may have come from foreigners, over a broker. */

static void
put_reading(const char *label, const struct reading *r)
{
	char when[WALL_TEXT];
	struct buf v = { 0 };

	value_print(&v, &r->v);
	printf(MORE "%s %s at %s", label, buf_text(&v), wall_format(r->at.time, 3, when));
	if (r->status != 0)
		printf(", %s", status_name(r->status));
	printf("   (number %" PRIu64 " of %s)\n", r->at.number, r->at.stream->dir);
	buf_fini(&v);
}

/* ---- 1: the machine ---- */

/* Registers below a tag: itself, or the inputs of the expression that it is. */
static void
put_tag(struct follow *w, const char *path, const struct followed *before)
{
	const struct tag *t = plan_tag(w->plan, path);
	struct reading r;

	step(w, "machine");
	if (t == NULL) {
		outbox_print_safe(path);
		printf(", which the present plan does not have any more\n");
		return;
	}
	const struct source *s = &w->plan->sources[t->source];
	if (source_is_derived(s))
		printf("%s: derived, %s\n", path, t->at);
	else
		printf("%s: %s of %s (%s %s)\n", path, t->at, s->name, s->driver, s->endpoint);
	struct wall then = followed_read(w->f.event, path), earlier = followed_read(before->event, path);
	if (earlier.ns != 0 && follow_reading(&w->streams, path, earlier, &r) == 0)
		put_reading("before", &r);
	if (json_object_get(w->f.event, "read") == NULL)	/* made by somebody else */
		printf(MORE "its record does not say which readings went into it\n");
	else if (then.ns == 0)
		printf(MORE "had not been read yet\n");
	else if (follow_reading(&w->streams, path, then, &r) == 0)
		put_reading("then  ", &r);
	else
		printf(MORE "no flow carries its readings, so what it read is known from the event alone\n");
}

static void
machine(struct follow *w)
{
	const char *field;
	struct followed before = { 0 };
	json_t *tags, *tag, *shown = json_object();
	size_t i;

	if (w->f.in_spool)
		(void)follow_before(&w->streams, &w->f, &before);
	json_object_foreach(json_object_get(w->f.event, "from"), field, tags)
		json_array_foreach(tags, i, tag) {
			const char *name = json_string_value(tag);
			if (name == NULL || json_object_get(shown, name) != NULL)
				continue;
			json_object_set_new(shown, name, json_true());
			put_tag(w, name, &before);
		}
	json_decref(shown);
	json_decref(before.event);
}

/* ---- 2: the event ---- */

static void
event(struct follow *w)
{
	const char *path = asking_text(w->f.event, "event"), *name;
	json_t *v;

	step(w, "event");
	outbox_print_safe(path);
	printf(", ");
	outbox_print_safe(asking_text(w->f.event, "type"));
	printf(" number %" JSON_INTEGER_FORMAT ", key ", json_integer_value(json_object_get(w->f.event, "no")));
	outbox_print_safe(asking_text(w->f.event, "key"));
	printf("\n" MORE "id ");
	outbox_print_safe(asking_text(w->f.event, "id"));
	printf(", at ");
	outbox_print_safe(asking_text(w->f.event, "time"));
	putchar('\n');
	json_object_foreach(json_object_get(w->f.event, "fields"), name, v) {
		const char *unit = asking_text(json_object_get(w->f.event, "units"), name);
		printf(MORE "  ");
		outbox_print_safe(name);
		printf("%*s ", (int)(strlen(name) < 20 ? 20 - strlen(name) : 0), "");
		asking_print_value(v);
		if (*unit != '\0' && strcmp(unit, "1") != 0) {
			putchar(' ');
			outbox_print_safe(unit);
		}
		putchar('\n');
	}
	const json_t *fault = json_object_get(w->f.event, "fault");
	if (fault != NULL) {
		printf(MORE "faulty: ");
		outbox_print_safe(asking_text(fault, "text"));
		putchar('\n');
	}
}

/* ---- 3: gate, spool and ledger ---- */

static void
gate(struct follow *w)
{
	static struct ledger_account acc;
	char sealed[WALL_TEXT], hex[2 * SPOOL_HASH + 1], ack[WALL_TEXT];
	const struct followed_at *at = &w->f.at;

	step(w, "gate");
	if (!w->f.in_spool) {
		printf("not in the spool any more (retention); known from the outbox\n");
		return;
	}
	printf("admitted by flow %s as number %" PRIu64 " of %s\n", at->stream->flow, at->number, at->stream->dir);
	printf(MORE "sealed %s in the batch %.16s... of the chain\n", wall_format(at->sealed, 3, sealed), chain_hex(at->hash, hex));
	if (ledger_read(at->stream->path, &disk_os, &acc, NULL) != 0) {
		printf(MORE "the ledger cannot be read: penstock ledger --verify says why\n");
		return;
	}
	for (uint32_t i = 0; i < acc.nsinks; i++)
		if (at->number >= acc.sinks[i].owed_from) {
			step(w, "office");
			printf("%s: %s%s%s\n", acc.sinks[i].name, at->number < acc.sinks[i].next ? "taken" : "still owed to it",
			    at->number < acc.sinks[i].next && acc.sinks[i].last_ack.ns != 0 ? ", newest receipt " : "",
			    at->number < acc.sinks[i].next && acc.sinks[i].last_ack.ns != 0 ?
			    wall_format(acc.sinks[i].last_ack, 3, ack) : "");
		}
}

/* ---- what is asked for ---- */

static int
find(struct follow *w, const char *what, double count)
{
	struct follow_query q = { .what = what };
	struct reading r;
	char when[WALL_TEXT];
	int err;

	if (count >= 0) {
		err = follow_count(&w->streams, what, count, &r);
		if (err == ERR_NOTFOUND)
			fprintf(stderr, "penstock follow: no flow carries a reading of %s that reaches %.15g; penstock spool info shows what is kept\n", what,
			    count);
		if (err != 0)
			return err;
		printf("%s reached %.15g at %s\n\n", what, count, wall_format(r.at.time, 3, when));
		q = (struct follow_query){ .tag = what, .since = r.at.time };
	}
	err = follow_event(&w->streams, &q, &w->f);
	if (err == ERR_NOTFOUND && count < 0) {
		json_t *known;
		err = follow_in_outboxes(w->state, what, &known);
		if (err == 0) {	/* by its document perhaps, or it has left the spool */
			char *id = strdup(asking_text(known, "id"));
			q.what = id;
			if (id == NULL || follow_event(&w->streams, &q, &w->f) != 0)
				w->f = (struct followed){ .event = json_incref(known) };
			free(id);
			json_decref(known);
		}
	}
	if (err == ERR_NOTFOUND)
		fprintf(stderr, count < 0 ? "penstock follow: no event has the id, key or document \"%s\"; penstock event list and penstock outbox list "
		    "show what there is\n" : "penstock follow: no event that is made of %s has come since: it is still being counted\n", what);
	return err;
}

static int
follow(struct follow *w, const char *what, double count)
{
	int err = plans_load(w->state, false, &w->plan);

	if (err != 0) {
		fprintf(stderr, "penstock follow: %s keeps no plan that can be read: %s; name the state directory with --state DIR or PENSTOCK_STATE\n",
		    w->state, err_text(err));
		return EXIT_CANNOT;
	}
	if (streams_find("follow", w->state, NULL, &w->streams) != 0)
		return EXIT_CANNOT;
	err = find(w, what, count);
	if (err != 0)
		return err == ERR_NOTFOUND ? EXIT_FINDINGS : EXIT_CANNOT;
	machine(w);
	event(w);
	gate(w);
	if (follow_outboxes(w->state, asking_text(w->f.event, "id"), step, w) == 0)
		printf("\nNo outbox has it: its flow goes to sinks without one (penstock ledger), or it is still on its way.\n");
	return EXIT_OK;
}

int
cmd_follow(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' }, { "count", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct follow w = { 0 };
	double count = -1;
	int opt;

	while ((opt = getopt_long(argc, argv, "s:c:h", options, NULL)) != -1)
		switch (opt) {
		case 's':
			w.state = optarg;
			break;
		case 'c':
			if (num_parse_f64(optarg, strlen(optarg), '.', &count) == 0 && count >= 0)
				break;
			fprintf(stderr, "penstock follow: --count %s: a number of 0 or more is wanted\n", optarg);
			return EXIT_CANNOT;
		default:
			return cli_usage(usage, opt == 'h');
		}
	if (argc - optind != 1)
		return cli_usage(usage, false);
	w.state = ctl_state_dir(w.state);
	int status = follow(&w, argv[optind], count);
	json_decref(w.f.event);
	streams_fini(&w.streams);
	plan_free(w.plan);
	return status;
}
