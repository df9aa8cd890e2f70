/* See outboxes.h. */
#include "cli/outboxes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/disk.h"

struct find {
	const char		*dir, *sink;
	struct outbox_name	*v;
	int			 n;
};

static int
add(void *arg, const char *name)
{
	struct find *f = arg;
	struct outbox_name *o = &f->v[f->n];
	struct disk_stat st;

	if ((f->sink != NULL && strcmp(f->sink, name) != 0) || strlen(name) >= sizeof o->sink || f->n == OUTBOXES_MAX ||
	    (size_t)snprintf(o->path, sizeof o->path, "%s/%s/" OUTBOX_FILE, f->dir, name) >= sizeof o->path ||
	    disk_os.stat(disk_os.ctx, o->path, &st) != 0)
		return 0;
	snprintf(o->sink, sizeof o->sink, "%s", name);
	f->n++;
	return 0;
}

int
outboxes_find(const char *state_dir, const char *sink, struct outbox_name v[OUTBOXES_MAX])
{
	char dir[4200];
	struct find f = { .dir = dir, .sink = sink, .v = v };

	snprintf(dir, sizeof dir, "%s/office", state_dir);
	int err = disk_os.list(disk_os.ctx, dir, add, &f);
	return err != 0 && err != ERR_NOTFOUND ? err : f.n;
}

void
outbox_print_safe(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			printf("\\x%02x", (unsigned char)*s);
		else
			putchar(*s);
}

void
outbox_print_counts(const struct outbox_counts *c, const char *indent)
{
	char age[DURATION_TEXT];

	printf("%staken %" PRIu64 " =", indent, c->taken);
	for (int i = 0; i < OUTBOX_STATE_COUNT; i++)
		printf("%s %" PRIu64 " %s", i > 0 ? " +" : "", c->n[i], outbox_state_name((enum outbox_state)i));
	printf("\n");
	if (c->oldest.ns != 0)
		printf("%sthe oldest that waits came %s ago\n", indent, duration_format(wall_now().ns - c->oldest.ns, age));
	if (c->unknown > 0)
		printf("%s%" PRIu64 " of them may be booked already: looked up before anything is sent\n", indent, c->unknown);
	if (c->lanes_held > 0)
		printf("%s%" PRIu64 " lanes wait for a person: penstock outbox list\n", indent, c->lanes_held);
	if (c->complaints > 0)
		printf("%s%" PRIu64 " confirmed with a complaint that nobody has seen to: penstock outbox list --complaints\n", indent, c->complaints);
	if (c->removed > 0)
		printf("%s%" PRIu64 " records of confirmed and cancelled ones were removed by age; they count\n",
		    indent, c->removed);
	if (c->suspended)
		printf("%sSUSPENDED: its file was damaged and put aside; nothing is sent until: penstock outbox resume --reason TEXT\n", indent);
}

void
outbox_json_counts(struct json *j, const struct outbox_counts *c)
{
	const struct { const char *key; uint64_t n; } rest[] = {
		{ "taken", c->taken }, { "repeated", c->repeated }, { "removed", c->removed }, { "complaints", c->complaints },
		{ "outcome_unknown", c->unknown }, { "lanes_held", c->lanes_held },
	};
	char when[WALL_TEXT];

	for (int i = 0; i < OUTBOX_STATE_COUNT; i++) {
		json_key(j, outbox_state_name((enum outbox_state)i));
		json_u64(j, c->n[i]);
	}
	for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
		json_key_u64(j, rest[i].key, rest[i].n);
	json_key_text(j, "oldest_waiting", c->oldest.ns != 0 ? wall_format(c->oldest, 3, when) : NULL);
	json_key_bool(j, "suspended", c->suspended);
}

void
outbox_print_head(void)
{
	printf("%-7s %-11s %-20s %5s %-20s %-26s  %s\n", "ID", "STATE", "CAME", "TRIES", "LANE", "KEY", "WHY");
}

/* A column of foreign text. */
static void
column(const char *s, int width)
{
	char text[64];
	size_t n = 0;

	for (; *s != '\0' && n < sizeof text - 1; s++)
		text[n++] = (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s;
	text[n] = '\0';
	printf("%-*s ", width, text);
}

void
outbox_print_line(const struct outbox_item *i)
{
	char when[WALL_TEXT];
	bool said = *i->code != '\0' || *i->text != '\0';

	printf("%-7lld %-11s %-20s %5u ", (long long)i->seq, i->complaint ? "complaint" : i->outcome_unknown ? "unknown" :
	    outbox_state_name(i->state), wall_format(i->put, 0, when), i->attempts);
	column(i->of.lane, 20);
	column(i->of.key, 26);
	putchar(' ');
	outbox_print_safe(i->code);
	printf("%s", said && *i->code != '\0' && *i->text != '\0' ? ": " : "");
	outbox_print_safe(i->text);
	if (*i->target != '\0') {
		printf(" (field ");
		outbox_print_safe(i->target);
		printf(")");
	}
	if (*i->document != '\0') {
		printf(" document ");
		outbox_print_safe(i->document);
	}
	putchar('\n');
}

static void
json_time(struct json *j, const char *key, struct wall t)
{
	char when[WALL_TEXT];

	if (t.ns == 0)
		return;
	json_key_text(j, key, wall_format(t, 3, when));
}

void
outbox_json_item(struct json *j, const struct outbox_item *i, bool whole)
{
	const struct { const char *key, *text; } texts[] = {
		{ "state", outbox_state_name(i->state) }, { "event_id", i->of.id }, { "event", i->of.event },
		{ "type", i->of.type },
		{ "key", i->of.key }, { "lane", i->of.lane }, { "flow", i->of.flow }, { "mapping", i->of.mapping },
		{ "document", i->document },
		{ "code", i->code }, { "text", i->text }, { "target", i->target },
	};

	json_key_i64(j, "id", i->seq);
	for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
		if (*texts[k].text != '\0')
			json_key_text(j, texts[k].key, texts[k].text);
	json_key_bool(j, "outcome_unknown", i->outcome_unknown);
	json_key_bool(j, "complaint", i->complaint);
	json_key_u64(j, "attempts", i->attempts);
	json_time(j, "time", i->of.time);
	json_time(j, "came", i->put);
	json_time(j, "first_sent", i->first_sent);
	json_time(j, "last_try", i->last_try);
	json_time(j, "settled", i->settled);
	if (whole) {
		json_key(j, "body");
		json_raw(j, i->of.body, i->of.body_len);
	}
}

/* ---- all of them ---- */

static size_t
each_account(const char *state_dir, void (*each)(void *arg, const char *sink, const struct outbox_counts *c), void *arg)
{
	static struct outbox_name v[OUTBOXES_MAX];
	struct outbox_look *l;
	struct outbox_counts c;
	char why[500];
	size_t off = 0;
	int n = outboxes_find(state_dir, NULL, v);

	for (int i = 0; i < n; i++) {
		if (outbox_look_open(v[i].path, &l, why, sizeof why) != 0)
			continue;
		if (outbox_look_counts(l, &c) == 0) {
			uint64_t sum = 0;
			for (int k = 0; k < OUTBOX_STATE_COUNT; k++)
				sum += c.n[k];
			off += sum != c.taken;
			each(arg, v[i].sink, &c);
		}
		outbox_look_close(l);
	}
	return off;
}

static void
json_one(void *arg, const char *sink, const struct outbox_counts *c)
{
	struct json *j = arg;

	json_open(j, '{');
	json_key_text(j, "sink", sink);
	outbox_json_counts(j, c);
	json_close(j, '}');
}

static void
print_one(void *arg, const char *sink, const struct outbox_counts *c)
{
	(void)arg;
	printf("outbox of %s, events:\n", sink);
	outbox_print_counts(c, "  ");
}

size_t
outboxes_json(const char *state_dir, struct json *j)
{
	json_open(j, '[');
	size_t off = each_account(state_dir, json_one, j);
	json_close(j, ']');
	return off;
}

size_t
outboxes_print(const char *state_dir)
{
	return each_account(state_dir, print_one, NULL);
}
