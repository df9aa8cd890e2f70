/*
 * See request.h. Requests under way are kept in one short list; gate answers each by the number that it was given here.
 */
#include "office/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "office/inside.h"
#include "os/clock.h"

/*
 * Gate answers at the end of the time to live, of reading back and of its patience with field; this is past all of
 * them.
 */
#define PATIENCE_NS	(2 * REQUEST_TTL_MAX_NS + 60 * NS_PER_S)

struct office_ask {
	struct office_ask	*next;
	uint64_t		 number;
	char			 sink[REPORT_SINK_MAX + 1];
	struct mono		 give_up;
	request_done		*done;		/* NULL: nobody waits any more */
	void			*arg;
};

/* Take it off the list and tell. The callback may ask again. */
static void
finish(struct office *o, struct office_ask *a, const struct request_result *r)
{
	struct office_ask **at = &o->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	o->nasks--;
	if (a->done != NULL)
		a->done(a->arg, r);
	free(a);
}

int
office_request(struct office *o, const char *sink, const struct request *q, request_done *done, void *arg)
{
	static uint8_t bytes[8 + REQUEST_BYTES_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);
	struct request mine = *q;

	if (o->reporter.ch.fd < 0 || o->stopping)
		return ERR_CONN;
	if (o->nasks == OFFICE_REQUESTS_MAX)
		return ERR_FULL;
	mine.from = sink;
	if (q->deadline.ns != 0) {	/* from here on it is on the clock that a suspended machine does not stop */
		mine.deadline = mono_add(boot_now(), mono_diff(q->deadline, mono_now()));
		if (mine.deadline.ns <= 0)	/* 0 would mean none */
			mine.deadline.ns = 1;
	}
	wr_le64(&w, o->next_ask + 1);
	if (request_pack(&w, &mine) != 0)
		return ERR_LIMIT;
	struct office_ask *a = calloc(1, sizeof *a);
	if (a == NULL)
		return ERR_NOMEM;
	int err = channel_send(&o->reporter.ch, MSG_REQUEST, bytes, wr_len(&w), -1);
	if (err != 0) {
		free(a);
		return err == ERR_AGAIN ? ERR_FULL : ERR_CONN;
	}
	a->number = ++o->next_ask;
	snprintf(a->sink, sizeof a->sink, "%s", sink);
	a->give_up = mono_add(mono_now(), PATIENCE_NS);
	a->done = done;
	a->arg = arg;
	a->next = o->asks;
	o->asks = a;
	o->nasks++;
	return 0;
}

void
office_request_forget(struct office *o, const void *arg)
{
	for (struct office_ask *a = o->asks; a != NULL; a = a->next)
		if (a->arg == arg)
			a->done = NULL;
}

void
office_requests_of_sink_gone(struct office *o, const char *sink)
{
	for (struct office_ask *a = o->asks; a != NULL; a = a->next)
		if (strcmp(a->sink, sink) == 0)
			a->done = NULL;
}

int
office_outcome(struct office *o, const void *p, size_t len)
{
	struct reader r = rd_init(p, len);
	struct arena memory = { 0 };
	struct request_result res;
	struct office_ask *a = o->asks;

	uint64_t number = rd_le64(&r);
	request_result_unpack(&r, &memory, &res);
	int err = rd_end(&r);
	while (a != NULL && a->number != number)
		a = a->next;
	if (err == 0 && a != NULL && request_state_final(res.state))
		finish(o, a, &res);
	arena_fini(&memory);
	return err;
}

static void
unknown(struct office *o, struct office_ask *a, const char *text)
{
	struct request_result res = { .state = REQUEST_UNKNOWN, .code = "lost", .text = text };
	finish(o, a, &res);
}

void
office_requests_lost(struct office *o)
{
	/* Ends: those asked from within a callback are not told of this loss. */
	uint64_t last = o->next_ask;

	for (struct office_ask *a = o->asks; a != NULL;) {
		if (a->number > last) {
			a = a->next;
			continue;
		}
		unknown(o, a, "gate ended before it said what became of it; the audit log does, once gate is back");
		a = o->asks;
	}
}

void
office_requests_tick(struct office *o)
{
	struct mono now = mono_now();

	for (struct office_ask *a = o->asks, *next; a != NULL; a = next) {
		next = a->next;
		if (mono_before(now, a->give_up))
			continue;
		unknown(o, a, "gate does not say what became of it");
		return;		/* the list may be another one now; the next tick goes on */
	}
}

void
office_requests_free(struct office *o)
{
	for (struct office_ask *a = o->asks, *next; a != NULL; a = next) {
		next = a->next;
		free(a);
	}
	o->asks = NULL;
	o->nasks = 0;
}
