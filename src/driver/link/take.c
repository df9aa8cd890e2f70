/* What the other node says: streams are offered with their schema, batches come. Which of those are new: driver/upstream/batch.c. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "driver/link/link_int.h"
#include "os/clock.h"

void
linkd_fail(struct linkd *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->why, sizeof d->why, fmt, ap);
	va_end(ap);
	d->broken = true;
}

static int
offered(struct linkd *d, const struct link_frame *f)
{
	struct link_have have[LINK_HAVE_MAX];
	struct upstream *u = NULL;

	if (d->streams[f->stream] != NULL)
		linkd_fail(d, "stream number %u was offered twice", f->stream);
	else if ((u = upstream_get(&d->us, f->id, f->name, f->schema, f->p, f->len)) == NULL)
		linkd_fail(d, "%s", d->us.why);
	if (u == NULL)
		return ERR_PROTO;
	d->streams[f->stream] = u;
	d->worked = true;
	for (uint32_t i = 0; i < u->receipts->n; i++) {
		const struct receipt *r = &u->receipts->newest[i];
		have[i] = (struct link_have){ r->first, r->last, { 0 } };
		memcpy(have[i].hash, r->hash, LINK_HASH);
	}
	link_put_have(&d->n->c.out, f->stream, have, u->receipts->n);
	return 0;
}

static int
batch(struct linkd *d, const struct link_frame *f)
{
	struct upstream *u = d->streams[f->stream];
	struct pending *p = NULL;
	enum batch_is is;
	uint64_t first, last;

	if (u == NULL) {
		linkd_fail(d, "a batch came for a stream that was not offered");
		return ERR_PROTO;
	}
	int err = upstream_batch(&d->us, u, f->rec, f->p, f->len, &is, &first, &last, &p);
	if (err != 0) {
		linkd_fail(d, "%s", err == ERR_FULL ? "more batches came than were asked for" : d->us.why);
		return err;
	}
	if (is == BATCH_REPEATED || is == BATCH_LATE)
		link_put_ack(&d->n->c.out, f->stream, first, last);
	else {
		p->serial = d->serial;
		p->stream = f->stream;
	}
	linkd_hold(d);
	return 0;
}

void
linkd_hold(struct linkd *d)
{
	if (d->n != NULL)
		d->n->c.hold = upstream_full(&d->us);
}

void
linkd_received(void *arg, const struct pending *p)
{
	struct linkd *d = arg;

	if (d->n != NULL && p->serial == d->serial)
		link_put_ack(&d->n->c.out, p->stream, p->r.first, p->r.last);
}

int
linkd_frame(void *arg, const struct link_frame *f)
{
	struct linkd *d = arg;

	d->frames_in++;
	if (d->broken)
		return ERR_CONN;
	switch (f->kind) {
	case LINK_OFFER:
		return offered(d, f);
	case LINK_BATCH:
		return batch(d, f);
	case LINK_RENEW:
	case LINK_RENEWED:
		if (bond_frame(&d->n->bond, &d->n->c, f, d->n->from, wall_now()) > 0)
			linkd_fail(d, "this node's certificate was renewed: the next connection shows the new one");
		return 0;
	default:
		linkd_fail(d, "the other node says what only a receiver may say");
		return ERR_PROTO;
	}
}
