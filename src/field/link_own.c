/*
 * Links whose driver connects by itself, in threads of its own (LINK_OWN in driver/driver.h). The engine opens nothing,
 * scans nothing and judges nothing: it waits for the driver's descriptor, hands on what tick() brings, and takes the
 * state from what the driver says:
 *
 *	idle ──> connecting ──reach──> up ──no reach──> waiting
 *	               └──no reach──> waiting ──reach──> up
 *
 * There are no pauses here: how long the driver waits between its attempts is its own affair.
 */
#include <stdio.h>

#include "base/log.h"
#include "field/feed.h"
#include "field/link.h"
#include "os/clock.h"

void
link_own_start(struct link *l)
{
	struct wall wall;
	struct mono now = field_now(l->field, &wall);

	if (wire_borrow(l, l->driver->wake(l->ctx), UV_READABLE) != 0)
		fatal("driver_broken", "driver=%s link=\"%s\" what=wake", l->driver->info.name, l->name);
	link_move(l, LINK_CONNECTING, MONO_NEVER);
	link_enter(l);
	l->driver->up(l->ctx, now, wall);
	link_leave(l);
}

void
link_own_ready(struct link *l)
{
	struct wall wall;
	struct mono now = field_now(l->field, &wall);

	link_enter(l);
	l->driver->tick(l->ctx, now, wall);
	link_leave(l);
}

static void
reached(struct link *l, struct feed *f, struct mono now)
{
	unsigned long left_out = 0;

	if (l->state != LINK_UP) {
		link_move(l, LINK_UP, MONO_NEVER);
		l->up_at = now;
		l->connects++;
		if (log_limit_ok(&l->quiet, now, &left_out))
			log_info("link_up", "link=\"%s\" connects=%llu left_out=%lu how=\"%s\"", l->name,
			    (unsigned long long)l->connects, left_out, l->cause);
	}
	l->cause[0] = '\0';
	feed_outcome(f, OUTCOME_OK, 0, now);
}

static void
lost(struct link *l, struct feed *f, struct mono now)
{
	unsigned long left_out = 0;
	bool was_up = l->state == LINK_UP;

	if (l->state != LINK_WAITING)
		link_move(l, LINK_WAITING, MONO_NEVER);
	f->given_up = true;	/* the driver has made its tags bad */
	if (log_limit_ok(&l->quiet, now, &left_out))
		log_warn(was_up ? "link_lost" : "link_failed", "link=\"%s\" left_out=%lu cause=\"%s\"", l->name, left_out,
		    l->cause);
}

void
link_own_reach(struct link *l, uint32_t src, bool can, const char *text)
{
	struct mono now = l->field->now;

	if (l->wire == NULL)
		return;
	snprintf(l->cause, sizeof l->cause, "%s", text != NULL ? text : "");
	if (can)
		reached(l, l->feeds[src], now);
	else
		lost(l, l->feeds[src], now);
}

void
link_own_durable(struct link *l, uint64_t origin, uint64_t no, bool hole)
{
	if (l->driver->durable == NULL || l->wire == NULL)
		return;
	field_now(l->field, &(struct wall){ 0 });
	link_enter(l);
	l->driver->durable(l->ctx, origin, no, hole);
	link_leave(l);
}

void
link_own_leave(struct link *l)
{
	struct wall wall;
	struct mono now = field_now(l->field, &wall);

	if (l->wire == NULL || l->leaving)
		return;
	l->leaving = true;
	l->field->running++;
	link_enter(l);
	l->driver->down(l->ctx, now, wall);
	link_leave(l);
}

void
link_own_left(struct link *l)
{
	if (!l->leaving)
		return;
	l->leaving = false;
	field_scan_ended(l->field);
}
