/*
 * What came over the one-way link: schemas, batches and beacons, in order. A number that is missing is lost the moment a later one comes, or a beacon whose
 * blocks were all delivered or declared lost says that it was sent: nothing else can bring it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/diode/diode_int.h"
#include "os/clock.h"
#include "spool/format.h"

#define SCHEMA_SUFFIX	".schema"

static struct upstream *
stream_of(const struct diode_in *d, uint64_t session, uint32_t stream)
{
	for (size_t i = 0; i < DIODE_STREAMS_MAX; i++)
		if (d->streams[i].u != NULL && d->streams[i].session == session && d->streams[i].stream == stream)
			return d->streams[i].u;
	return NULL;
}

/* A batch and the loss before it, or a beacon's losses, find room. */
static bool
room(const struct diode_in *d)
{
	return d->us.pending_bytes < PENDING_HIGH && d->us.npending + 2 + DIODE_ROWS_MAX <= PENDING_MAX;
}

static bool
asking(const struct diode_in *d)
{
	for (const struct upstream *u = d->us.list; u != NULL; u = u->next)
		if (u->user != NULL && ((const struct flight *)u->user)->asking)
			return true;
	return false;
}

/* body: of a SCHEMA record. NULL: it cannot be had. */
static struct upstream *
upstream_of(struct diode_in *d, const struct diode_schema *s, struct mono now)
{
	struct upstream *u = upstream_find(&d->us, s->id);
	unsigned long left_out;

	if (u != NULL)
		return u;
	u = upstream_get(&d->us, s->id, s->flow, s->version, s->file, s->len);
	int err = u != NULL ? flight_open(d, u) : ERR_PROTO;
	if (err != 0) {
		if (log_limit_ok(&d->quiet, now, &left_out))
			log_error("diode_stream", "source=\"%s\" flow=\"%.100s\" why=\"%s\" effect=\"what comes of it is not taken\" left_out=%lu", d->s->name, s->flow,
			    u == NULL ? d->us.why : err_text(err), left_out);
		return NULL;	/* without a flight it stays in the list, and is not used */
	}
	if (u->receipts->n > 0 || ((struct flight *)u->user)->nold > 0)
		flight_ask(d, u, now);
	else {
		u->start = s->first - 1;
		upstream_begin(&d->us, u, 0, u->start);
	}
	return u;
}

/* Kept, so that a restart need not wait for it to come again. */
static void
keep_schema(const struct diode_in *d, const struct diode_schema *s, const uint8_t *body, size_t len)
{
	char path[DISK_PATH_MAX];
	struct disk_stat st;

	if (snprintf(path, sizeof path, "%s/%016llx" SCHEMA_SUFFIX, d->dir, (unsigned long long)s->id) >= (int)sizeof path ||
	    disk_os.stat(disk_os.ctx, path, &st) == 0)
		return;
	int err = disk_replace(&disk_os, path, body, len);
	if (err != 0)
		log_warn("diode_schema", "file=\"%s\" error=\"%s\" effect=\"after a restart this stream waits until its schema comes again\"", path, err_text(err));
}

static void
write_claim(struct diode_in *d, struct upstream *u)
{
	struct flight *f = u->user;
	unsigned long left_out;

	f->claim.id = u->id;
	int err = claim_write(&disk_os, f->claim_fd, &f->claim);
	if (err != 0 && log_limit_ok(&d->quiet, d->us.moved, &left_out))
		log_warn("diode_claim", "source=\"%s\" flow=\"%s\" error=\"%s\" effect=\"ledger --received cannot compare\" left_out=%lu", d->s->name, u->flow,
		    err_text(err), left_out);
}

/* This stream of this session is u. */
static void
bind(struct diode_in *d, uint64_t session, uint32_t stream, struct upstream *u)
{
	struct flight *f = u->user;

	if (stream_of(d, session, stream) != NULL)
		return;
	d->streams[d->nstreams].session = session;
	d->streams[d->nstreams].stream = stream;
	d->streams[d->nstreams].u = u;
	d->nstreams = (d->nstreams + 1) % DIODE_STREAMS_MAX;
	if (f->claim.session == session && f->claim.stream == stream)
		return;
	f->claim.session = session;
	f->claim.stream = stream;
	f->claim.first = u->start + 1;
	write_claim(d, u);
}

static void
take_schema(struct diode_in *d, const struct dd_event *e, struct mono now)
{
	struct diode_schema s;

	if (diode_schema_get(e->data, e->len, &s) != 0 || stream_of(d, e->session, e->stream) != NULL)
		return;
	struct upstream *u = upstream_of(d, &s, now);
	if (u == NULL || u->user == NULL)
		return;
	keep_schema(d, &s, e->data, e->len);
	bind(d, e->session, e->stream, u);
}

static void
take_batch(struct diode_in *d, const struct dd_event *e, struct mono now)
{
	struct upstream *u = stream_of(d, e->session, e->stream);
	struct rec_header h;
	struct pending *p;
	enum batch_is is;
	uint64_t first, last;
	unsigned long left_out;

	if (u == NULL) {
		d->no_schema++;
		return;
	}
	if (e->len < DIODE_REC || rec_header_get(e->data, &h) != 0)
		snprintf(d->us.why, sizeof d->us.why, "a batch of flow %.100s has no header that can be read", u->flow);
	else if (upstream_lost(&d->us, u, h.first - 1, h.sealed, h.t_min) == 0 &&
	    upstream_batch(&d->us, u, e->data, e->data + DIODE_REC, e->len - DIODE_REC, &is, &first, &last, &p) == 0) {
		if (is == BATCH_LATE && log_limit_ok(&d->quiet, now, &left_out))
			log_warn("diode_late", "source=\"%s\" flow=\"%s\" first=%llu last=%llu note=\"these numbers were declared lost before they came, and stay so\" "
			    "left_out=%lu", d->s->name, u->flow, (unsigned long long)first, (unsigned long long)last, left_out);
		return;
	}
	if (log_limit_ok(&d->quiet, now, &left_out))
		log_error("diode_batch", "source=\"%s\" why=\"%s\" left_out=%lu", d->s->name, d->us.why, left_out);
}

static void
take_row(struct diode_in *d, const struct dd_event *e, const struct diode_row *row, bool settled)
{
	struct upstream *u = upstream_find(&d->us, row->id);
	struct flight *f = u != NULL ? u->user : NULL;

	if (f == NULL)
		return;
	bind(d, e->session, row->stream, u);
	if (settled)
		(void)upstream_lost(&d->us, u, row->last, e->control.clock, (struct wall){ 0 });	/* there is room for all rows */
	if (row->last < row->first || row->last <= f->claim.last)
		return;
	f->claim.last = row->last;
	f->claim.when = e->control.clock;
	write_claim(d, u);
}

static void
take_control(struct diode_in *d, const struct dd_event *e, struct mono now, struct wall wall)
{
	const struct diode_control *c = &e->control;
	int64_t offset = wall.ns - c->clock.ns;
	char text[200];

	for (uint32_t i = 0; i < c->n; i++)
		take_row(d, e, &c->rows[i], e->settled[i]);
	d->offset_ns = offset;
	d->last = *c;
	d->beacon_at = now;
	if (d->beacon == BEACON_OK)
		return;
	snprintf(text, sizeof text, "session %016llx, a beacon every %.1f s", (unsigned long long)e->session, (double)c->interval_ns / 1e9);
	if (d->beacon != BEACON_NONE)
		log_info("diode_beacon_ok", "source=\"%s\" session=%016llx", d->s->name, (unsigned long long)e->session);
	if (d->beacon != BEACON_LATE)
		d->h->reach(d->h, 0, true, text);
	d->beacon = BEACON_OK;
}

struct mono
diode_look_at_beacon(struct diode_in *d, struct mono now)
{
	int64_t age = mono_diff(now, d->beacon_at), every = d->last.interval_ns;
	char text[200];

	if (d->beacon == BEACON_NONE || d->beacon == BEACON_LOST)
		return MONO_NEVER;
	if (age > 5 * every) {
		d->beacon = BEACON_LOST;
		snprintf(text, sizeof text, d->last.kind == DIODE_END ? "the sender was stopped in good order" :
		    "no beacon for %.1f s: is the sender up, and the way to here whole?", (double)age / 1e9);
		log_error("diode_beacon_lost", "source=\"%s\" cause=\"%s\"", d->s->name, text);
		d->h->reach(d->h, 0, false, text);
		return MONO_NEVER;
	}
	if (age > 2 * every && d->beacon == BEACON_OK) {
		d->beacon = BEACON_LATE;
		log_warn("diode_beacon_late", "source=\"%s\" age_ms=%lld", d->s->name, (long long)(age / NS_PER_MS));
	}
	return mono_add(d->beacon_at, (d->beacon == BEACON_OK ? 2 : 5) * every + NS_PER_MS);
}

void
diode_take(struct diode_in *d, struct mono now, struct wall wall)
{
	/* Ends: each turn takes one event, and new ones are bounded by what the ring's window lets in. */
	while (room(d) && !asking(d)) {
		struct dd_event *e = dd_thread_take(d->t);
		if (e == NULL)
			return;
		if (e->kind == DD_CONTROL)
			take_control(d, e, now, wall);
		else if (e->record == DIODE_SCHEMA)
			take_schema(d, e, now);
		else
			take_batch(d, e, now);
		free(e);
	}
}

struct recall { struct diode_in *d; struct mono now; };

static int
recall_one(void *arg, const char *name)
{
	struct recall *r = arg;
	size_t len = strlen(name);
	char path[DISK_PATH_MAX];
	struct buf body = { .max = DIODE_RECORD_MAX };
	struct diode_schema s;

	if (len < sizeof SCHEMA_SUFFIX || strcmp(name + len - (sizeof SCHEMA_SUFFIX - 1), SCHEMA_SUFFIX) != 0 ||
	    snprintf(path, sizeof path, "%s/%s", r->d->dir, name) >= (int)sizeof path)
		return 0;
	struct disk_stat st;
	int fd = disk_os.open(disk_os.ctx, path, DISK_READ), err = fd < 0 ? fd : disk_os.fstat(disk_os.ctx, fd, &st);
	char *p = err == 0 && st.size > 0 && st.size <= DIODE_RECORD_MAX ? buf_room(&body, (size_t)st.size) : NULL;
	if (err == 0)
		err = p != NULL ? disk_read_all(&disk_os, fd, p, (size_t)st.size, 0) : ERR_LIMIT;
	if (fd >= 0)
		disk_os.close(disk_os.ctx, fd);
	if (err == 0)
		err = diode_schema_get((const uint8_t *)p, (size_t)st.size, &s);
	struct upstream *u = err == 0 ? upstream_of(r->d, &s, r->now) : NULL;
	struct flight *f = u != NULL ? u->user : NULL;
	if (f != NULL && f->claim.session != 0)
		bind(r->d, f->claim.session, f->claim.stream, u);
	if (err != 0)
		log_warn("diode_schema", "file=\"%s\" error=\"%s\" effect=\"this stream waits until its schema comes again\"", path, err_text(err));
	buf_fini(&body);
	return 0;
}

void
diode_recall(struct diode_in *d, struct mono now)
{
	struct recall r = { d, now };

	(void)disk_os.list(disk_os.ctx, d->dir, recall_one, &r);	/* none is there yet, or it is said when it is written */
}
