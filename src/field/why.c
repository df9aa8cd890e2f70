/*
 * See why.h. From the outside in: the connection, the device, then the tag; the first that is at fault is the
 * verdict.
 */
#include "field/why.h"

#include <stdio.h>

#include "field/link.h"
#include "field/show.h"
#include "os/clock.h"

static void
verdict(const struct feed *f, const struct known *k, char *out, size_t size)
{
	const struct link *l = f->link;

	if (l->state == LINK_QUEUED)
		snprintf(out, size, "%s waits for its turn: many connections are being opened at once", l->name);
	else if (l->state != LINK_UP && l->cause[0] == '\0')
		snprintf(out, size, "the connection to %s is being opened", l->name);
	else if (l->state != LINK_UP)
		snprintf(out, size, "there is no connection to %s: %s", l->name, l->cause);
	else if (health_demoted(&f->health) && !f->health.answered)
		snprintf(out, size,
		    "%s is connected, but the device has never answered: check its unit number and that it is "
		    "switched on", l->name);
	else if (health_demoted(&f->health))
		snprintf(out, size, "%s is connected, but the device no longer answers: check its power and its bus",
		    l->name);
	else if (k->since.ns == 0)
		snprintf(out, size, "it has not been read yet");
	else if (status_is_good(k->status))
		snprintf(out, size, "nothing is wrong with it");
	else
		snprintf(out, size, "%s", status_text(k->status));
}

static void
put_source(struct json *j, const struct feed *f)
{
	const struct link *l = f->link;
	struct wall wall = wall_now();
	struct mono now = mono_now();

	json_key_text(j, "source", f->source->name);
	json_key_text(j, "driver", f->source->driver);
	json_key_text(j, "link", l->name);
	json_key_text(j, "link_state", link_state_name(l->state));
	json_key_text(j, "link_cause", l->cause);
	json_key_text(j, "health", health_name(f->health.state));
	json_wall(j, "health_since", (struct wall){ wall.ns - mono_diff(now, f->health.since) }, 3);
	json_key_u64(j, "missed_in_a_row", f->health.misses);
}

void
why_json(struct feed *f, uint32_t tag, struct buf *out)
{
	const struct tag *t = &f->source->tags[tag];
	const struct known *k = &f->known[tag];
	struct json j = { .out = out };
	char text[LINK_CAUSE_MAX + 256];

	json_open(&j, '{');
	json_key_text(&j, "tag", t->path);
	json_key_text(&j, "at", t->at);
	verdict(f, k, text, sizeof text);
	json_key_text(&j, "verdict", text);
	json_key_text(&j, "status", k->since.ns != 0 ? status_name(k->status) : "BadWaitingForInitialData");
	json_wall(&j, "since", k->since, 3);
	json_key(&j, "last_good");
	value_json(&j, &k->good);
	if (show_unit(t)[0] != '\0')
		json_key_text(&j, "unit", show_unit(t));
	json_wall(&j, "last_good_at", k->good_at, 3);
	put_source(&j, f);
	json_key(&j, "detail");
	json_open(&j, '{');
	f->link->driver->why(f->link->ctx, f->no, tag, &j);
	json_close(&j, '}');
	json_close(&j, '}');
}
