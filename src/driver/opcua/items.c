/*
 * The fate of an item: into whose hands it goes when its node is known, and what happens when it fails. An item that fails hurts only itself: its tag is bad
 * with the reason, and it is tried again after 10 s, then ever more slowly up to 5 min, a few at a time (resolve.c), for as long as the
 * connection lasts.
 */
#include <stdlib.h>
#include <string.h>

#include <open62541/types.h>

#include "driver/opcua/cyclic.h"
#include "driver/opcua/history.h"
#include "driver/opcua/resolve.h"
#include "driver/opcua/subs.h"

const char *
ua_status_name(UA_StatusCode s)
{
	return UA_StatusCode_name(s);
}

/* xorshift32; nothing here needs to be hard to guess. */
int64_t
ua_jitter(struct ua_agent *a, int64_t ns)
{
	uint32_t x = a->data->random;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	a->data->random = x;
	return ns - ns / 4 + ns / 2 / 1000 * (int64_t)(x % 1000);
}

static bool
live(const struct ua_agent *a, const struct ua_item *it)
{
	return it->addr.kind != UA_ADDR_EVENTS && a->source->tags[it - a->items].scan_ns > 0;
}

bool
ua_item_cyclic(const struct ua_agent *a, const struct ua_item *it)
{
	bool reads = it->addr.mode >= 0 ? it->addr.mode == UA_MODE_READ : a->data->read;
	return reads && live(a, it);
}

bool
ua_item_subscribed(const struct ua_agent *a, const struct ua_item *it)
{
	return live(a, it) && !ua_item_cyclic(a, it);
}

void
ua_item_fail(struct ua_agent *a, uint32_t tag, UA_StatusCode status, const char *why)
{
	struct ua_item *it = &a->items[tag];
	int64_t wait = UA_RETRY_FIRST_NS;

	for (uint32_t i = 0; i < it->troubles && wait < UA_RETRY_LAST_NS; i++)
		wait *= 2;
	if (wait > UA_RETRY_LAST_NS)
		wait = UA_RETRY_LAST_NS;
	if (it->troubles == 0)
		it->since = a->now;
	it->troubles++;
	it->retry_at = mono_add(a->now, ua_jitter(a, wait));
	it->trouble = status;
	ua_out_trouble(a, tag, status, why);
	ua_resolve_retry(a, tag);
}

void
ua_item_good(struct ua_agent *a, uint32_t tag)
{
	struct ua_item *it = &a->items[tag];

	it->trouble = UA_STATUSCODE_GOOD;
	it->troubles = 0;
	free(it->why);
	it->why = NULL;
}

void
ua_item_resolved(struct ua_agent *a, uint32_t tag)
{
	if (ua_item_cyclic(a, &a->items[tag]))
		ua_cyclic_add(a, tag);
	else if (ua_item_subscribed(a, &a->items[tag]))
		ua_subs_add(a, tag);
	else
		ua_item_good(a, tag);
}

bool
ua_status_lost(UA_StatusCode s)
{
	switch (s) {
	case UA_STATUSCODE_BADSHUTDOWN:
	case UA_STATUSCODE_BADCONNECTIONCLOSED:
	case UA_STATUSCODE_BADSECURECHANNELCLOSED:
	case UA_STATUSCODE_BADSECURECHANNELIDINVALID:
	case UA_STATUSCODE_BADSESSIONIDINVALID:
	case UA_STATUSCODE_BADSESSIONCLOSED:
	case UA_STATUSCODE_BADNOTCONNECTED:
	case UA_STATUSCODE_BADCOMMUNICATIONERROR:
		return true;
	default:
		return false;
	}
}

void
ua_bulk_good(struct ua_bulk *b)
{
	b->size = b->size > b->max / 2 ? b->max : b->size * 2;
}

/* The server says that the call is too big for it: it will be the next time too. */
static bool
too_big(UA_StatusCode s)
{
	return s == UA_STATUSCODE_BADTOOMANYOPERATIONS || s == UA_STATUSCODE_BADREQUESTTOOLARGE ||
	    s == UA_STATUSCODE_BADRESPONSETOOLARGE || s == UA_STATUSCODE_BADENCODINGLIMITSEXCEEDED;
}

enum ua_bulk_do
ua_bulk_bad(struct ua_bulk *b, uint32_t n, UA_StatusCode s)
{
	if (ua_status_lost(s))
		return UA_BULK_LATER;
	switch (s) {
	case UA_STATUSCODE_BADTIMEOUT:
	case UA_STATUSCODE_BADREQUESTTIMEOUT:
	case UA_BADSERVERTOOBUSY:
	case UA_STATUSCODE_BADTCPSERVERTOOBUSY:
	case UA_STATUSCODE_BADRESOURCEUNAVAILABLE:
	case UA_STATUSCODE_BADOUTOFMEMORY:
	case UA_STATUSCODE_BADTOOMANYOPERATIONS:
	case UA_STATUSCODE_BADREQUESTTOOLARGE:
	case UA_STATUSCODE_BADRESPONSETOOLARGE:
	case UA_STATUSCODE_BADENCODINGLIMITSEXCEEDED:
		if (n <= 1) {
			if (!too_big(s) || s == UA_STATUSCODE_BADTOOMANYOPERATIONS)
				return UA_BULK_LATER;
			b->max = b->full;	/* it was this one item's size, not the number */
			return UA_BULK_GUILTY;
		}
		b->size = n / 2;
		if (!too_big(s))
			return UA_BULK_LATER;
		b->max = b->size;
		return UA_BULK_AGAIN;
	default:
		if (n <= 1)
			return UA_BULK_GUILTY;
		b->size = n / 2;
		return UA_BULK_AGAIN;
	}
}

void
ua_line_init(struct ua_line *l, struct arena *m, uint32_t room)
{
	*l = (struct ua_line){ .v = arena_array(m, room + 1, sizeof *l->v), .room = room + 1 };
}

void
ua_line_put(struct ua_line *l, uint32_t item)
{
	if (l->n == l->room)
		fatal("opcua_line_full", "room=%u", l->room);
	l->v[(l->head + l->n++) % l->room] = item;
}

void
ua_line_unget(struct ua_line *l, uint32_t item)
{
	if (l->n == l->room)
		fatal("opcua_line_full", "room=%u", l->room);
	l->head = (l->head + l->room - 1) % l->room;
	l->v[l->head] = item;
	l->n++;
}

uint32_t
ua_line_get(struct ua_line *l)
{
	uint32_t item = l->v[l->head];
	l->head = (l->head + 1) % l->room;
	l->n--;
	return item;
}
