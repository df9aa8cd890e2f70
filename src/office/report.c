/* See report.h. */
#include "office/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void
reporter_init(struct reporter *r)
{
	*r = (struct reporter){ .ch.fd = -1 };
}

void
reporter_fini(struct reporter *r)
{
	if (r->ch.fd >= 0)
		channel_close(&r->ch);
	for (struct account *a = r->accounts, *next; a != NULL; a = next) {
		next = a->next;
		for (struct report_item *i = a->items, *n; i != NULL; i = n) {
			n = i->next;
			free(i);
		}
		free(a);
	}
	reporter_init(r);
}

struct account *
reporter_account(struct reporter *r, const char *stream, const char *sink, uint64_t delivered)
{
	for (struct account *a = r->accounts; a != NULL; a = a->next)
		if (strcmp(a->stream, stream) == 0 && strcmp(a->sink, sink) == 0)
			return a;
	struct account *a = calloc(1, sizeof *a);
	if (a == NULL)
		fatal("out_of_memory", "what=account");
	snprintf(a->stream, sizeof a->stream, "%s", stream);
	snprintf(a->sink, sizeof a->sink, "%s", sink);
	a->delivered = a->told = a->accounted = delivered;
	a->next = r->accounts;
	r->accounts = a;
	return a;
}

void
reporter_channel(struct reporter *r, int fd)
{
	if (r->ch.fd >= 0)
		channel_close(&r->ch);
	channel_init(&r->ch, fd, ROLE_OFFICE, ROLE_GATE);
	for (struct account *a = r->accounts; a != NULL; a = a->next) {
		a->told = a->accounted;
		for (struct report_item *i = a->items; i != NULL; i = i->next)
			i->sent = false;
	}
	r->dirty = true;
}

void
account_delivered(struct reporter *r, struct account *a, uint64_t last)
{
	if (last <= a->delivered)
		return;
	a->delivered = last;
	r->dirty = true;
}

static bool
is_forward(enum msg_type t)
{
	return t == MSG_QUARANTINED || t == MSG_DAMAGED;
}

bool
account_item(struct reporter *r, struct account *a, enum msg_type type, uint64_t first, uint64_t last, const char *note)
{
	struct report_item **at = &a->items;

	while (*at != NULL && is_forward((*at)->type) && (!is_forward(type) || (*at)->first < first))
		at = &(*at)->next;
	if (*at != NULL && (*at)->type == type && (*at)->first == first)
		return true;
	if (a->nitems == REPORT_KEPT_MAX)
		return false;
	size_t len = strnlen(note, REPORT_NOTE_MAX);
	struct report_item *i = calloc(1, sizeof *i + len + 1);
	if (i == NULL)
		fatal("out_of_memory", "what=report");
	i->type = type;
	i->first = first;
	i->last = last;
	memcpy(i->note, note, len);
	i->next = *at;
	*at = i;
	a->nitems++;
	r->dirty = true;
	return true;
}

static void
drop_item(struct account *a, struct report_item **at)
{
	struct report_item *i = *at;
	*at = i->next;
	a->nitems--;
	free(i);
}

void
account_confirm(struct account *a, enum msg_type type, uint64_t first, uint64_t last)
{
	for (struct report_item **at = &a->items; *at != NULL;) {
		if ((*at)->type == type && (*at)->first == first && (*at)->last == last)
			drop_item(a, at);
		else
			at = &(*at)->next;
	}
}

static int
tell(struct reporter *r, const struct account *a, enum msg_type type, uint64_t first, uint64_t last, const char *note)
{
	uint8_t bytes[REPORT_MAX];
	struct writer w = wr_init(bytes, sizeof bytes);

	int err = report_write(&w, a->stream, a->sink, first, last, note);
	return err != 0 ? err : channel_send(&r->ch, type, bytes, wr_len(&w), -1);
}

/* Gate has not heard yet that these went into quarantine, so it cannot hear that they left it. */
static bool
too_early(const struct account *a, const struct report_item *i)
{
	for (const struct report_item *f = a->items; f != NULL && is_forward(f->type); f = f->next)
		if (!f->sent && f->first <= i->last && i->first <= f->last)
			return true;
	return false;
}

/* Delivered up to the first exception, the exception, and so on; then all there is. */
static int
tell_account(struct reporter *r, struct account *a)
{
	int err = 0;

	for (struct report_item *i = a->items; err == 0 && i != NULL; i = i->next) {
		if (i->sent || (!is_forward(i->type) && too_early(a, i)))
			continue;
		uint64_t before = i->first - 1;
		if (is_forward(i->type) && before > a->told && before <= a->delivered) {
			err = tell(r, a, MSG_DELIVERED, 0, before, "");
			a->told = err == 0 ? before : a->told;
		}
		/* An exception ahead of the cursor waits until the cursor is there. */
		if (err == 0 && (!is_forward(i->type) || before <= a->told)) {
			err = tell(r, a, i->type, i->first, i->last, i->note);
			i->sent = err == 0;
			if (i->sent && is_forward(i->type) && i->last > a->told)
				a->told = i->last;
		}
	}
	if (err == 0 && a->delivered > a->told) {
		err = tell(r, a, MSG_DELIVERED, 0, a->delivered, "");
		a->told = err == 0 ? a->delivered : a->told;
	}
	return err;
}

bool
reporter_flush(struct reporter *r)
{
	int err = 0;

	if (r->ch.fd < 0 || !r->dirty)
		return true;
	for (struct account *a = r->accounts; err == 0 && a != NULL; a = a->next)
		err = tell_account(r, a);
	r->dirty = err != 0;
	if (err != 0 && err != ERR_AGAIN) {
		log_warn("gate_unreachable", "error=\"%s\"", err_text(err));
		channel_close(&r->ch);
		r->ch.fd = -1;
	}
	return err != ERR_AGAIN;
}

static void
accounted(struct reporter *r, const struct report *m)
{
	struct account *a = r->accounts;

	while (a != NULL && (strcmp(a->stream, m->stream) != 0 || strcmp(a->sink, m->sink) != 0))
		a = a->next;
	if (a == NULL)
		return;
	if (m->last > a->accounted)
		a->accounted = m->last;
	for (struct report_item **at = &a->items; *at != NULL;) {
		if (is_forward((*at)->type) && (*at)->sent && (*at)->last <= a->accounted) {
			drop_item(a, at);
			continue;
		}
		a->confirm = a->confirm || (!is_forward((*at)->type) && (*at)->sent);
		at = &(*at)->next;
	}
}

int
reporter_receive(struct reporter *r)
{
	struct msg m;
	struct report rep;
	int err;

	/* Ends: gate's queue is finite, and each round takes one from it. */
	while ((err = channel_recv(&r->ch, &m)) == 0) {
		if (m.type == MSG_ACCOUNTED && report_read(m.p, m.len, &rep) == 0)
			accounted(r, &rep);
		else if ((m.type == MSG_OUTCOME || m.type == MSG_AUDITED) && r->outcome != NULL && r->outcome(r->arg, &m) == 0)
			continue;
		else {
			err = ERR_PROTO;
			break;
		}
	}
	if (err == ERR_AGAIN)
		return 0;
	log_warn("gate_channel_lost", "error=\"%s\"", err_text(err));
	channel_close(&r->ch);
	r->ch.fd = -1;
	return err;
}
