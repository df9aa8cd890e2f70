/*
 * The journal of events on the disk; its format is in event_bytes.c. Why each event is made once and each piece is
 * counted once, whoever dies when:
 *
 *	before the frame is synced	nothing of the event has left the process. The next one reads the rings again from before it, or counts
 *					from the readings of the event before: it is made again, with the same number.
 *	after it			the event is in the journal, with what its expressions remembered and how far the rings were read. The next
 *					process passes over what was read, does not make it again, and sends it until gate says that it is durable.
 *	gate repeats, or is another	events are numbered within their stream, and gate takes each number once (gate/origin.c).
 *
 * At its start a process writes what it has found as a new file, synced, before anything leaves: what it read may have
 * been in the page cache alone. After a write or sync that failed the next one is such a file too, since nobody knows
 * what a failed sync has left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "insight/event_journal.h"
#include "insight/inside.h"

#define SNAPSHOT_MIN	(1u << 20)	/* the file grows to at least this, or four times what it began with */

static const char *
path_of(const struct insight *in, char *room)
{
	snprintf(room, DISK_PATH_MAX, "%s/events", in->opts.dir);
	return room;
}

/* ---- what is remembered ---- */

static void
remember_places(struct insight *in, struct event_memory *m)
{
	struct kept_pos now[2 * INSIGHT_RINGS_MAX];
	uint32_t n = (uint32_t)keep_positions(in, now);

	/* It may be ahead of the rings, and of some that have not come yet. */
	for (uint32_t k = 0; k < m->nplaces && m->passing && n < 2 * INSIGHT_RINGS_MAX; k++) {
		uint32_t i = 0;
		while (i < n && now[i].epoch != m->places[k].epoch)
			i++;
		if (i == n)
			now[n++] = m->places[k];
		else if (m->places[k].pos > now[i].pos)
			now[i].pos = m->places[k].pos;
	}
	struct kept_pos *v = reallocarray(m->places, n + 1, sizeof *v);
	if (v == NULL)
		fatal("out_of_memory", "what=events");
	memcpy(v, now, n * sizeof *v);
	m->places = v;
	m->nplaces = n;
	m->kept_seq = in->kept_seq;
}

static void
remember(struct insight *in, const struct event *e)
{
	struct event_memory *m = e->m;
	uint32_t n = 0, most = 0;

	for (uint32_t i = 0; i < e->rule->nfields; i++)
		most += e->progs[i] != NONE ? (uint32_t)expr_keeps(in->s->progs[e->progs[i]].p) : 0;
	most += e->trigger != NONE ? (uint32_t)expr_keeps(in->s->progs[e->trigger].p) : 0;
	struct event_kept *v = reallocarray(m->kept, most + 1, sizeof *v);
	if (v == NULL)
		fatal("out_of_memory", "what=events");
	for (uint32_t i = 0; i <= e->rule->nfields; i++) {
		uint32_t at = i < e->rule->nfields ? e->progs[i] : e->trigger;
		const struct prog *g = at != NONE ? &in->s->progs[at] : NULL;
		for (size_t k = 0; g != NULL && k < expr_keeps(g->p) && n < most; k++, n++) {
			v[n].prog = g->path_hash;
			v[n].len = (uint8_t)expr_keep(g->p, g->state, k, &v[n].key, v[n].bytes);
		}
	}
	m->kept = v;
	m->nkept = n;
	remember_places(in, m);
}

void
events_remember(struct insight *in)
{
	for (uint32_t i = 0; i < in->s->nevents; i++)
		remember(in, &in->s->events[i]);
}

const struct event_kept *
event_found(const struct insight *in, const struct prog *g, uint64_t key)
{
	const struct event_memory *m = in->s->events[g->event].m;

	for (uint32_t i = 0; i < m->nkept && m->newer; i++)
		if (m->kept[i].prog == g->path_hash && m->kept[i].key == key)
			return &m->kept[i];
	return NULL;
}

/* ---- writing ---- */

static void
written(struct insight *in)
{
	for (struct event_memory *m = in->ev.memories; m != NULL; m = m->next)
		m->dirty = false;
	for (struct event_stream *s = in->ev.streams; s != NULL; s = s->next) {
		s->dirty = false;
		for (struct event_wait *w = s->first; w != NULL; w = w->next)
			w->journaled = true;
	}
	in->ev.fresh = 0;
	in->ev.dirty = in->ev.whole = false;
	in->ev.retry_ns = 0;
}

static int
put_frame(struct insight *in, bool all)
{
	struct buf *out = &in->ev.out;

	journal_begin(out, in->ev.frame + 1);
	for (struct event_stream *s = in->ev.streams; s != NULL; s = s->next)
		if (all || s->dirty)
			journal_put_stream(out, s);
	for (struct event_memory *m = in->ev.memories; m != NULL; m = m->next) {
		if (!all && !m->dirty)
			continue;
		const struct event *e =
		    in->s != NULL ? map_get(&in->s->events_by_path, m->path, strlen(m->path)) : NULL;
		if (e != NULL && e->m == m)
			remember(in, e);
		journal_put_memory(out, m);
	}
	for (struct event_stream *s = in->ev.streams; s != NULL; s = s->next)
		for (struct event_wait *w = s->first; w != NULL; w = w->next)
			if (all || !w->journaled)
				journal_put_wait(out, s, w);
	return journal_end(out);
}

static int
snapshot(struct insight *in)
{
	const struct disk *d = in->opts.disk;
	char path[DISK_PATH_MAX];
	int err = put_frame(in, true);

	if (err == 0)
		err = disk_replace(d, path_of(in, path), in->ev.out.p, in->ev.out.len);
	if (err != 0)
		return err;
	if (in->ev.fd >= 0)
		d->close(d->ctx, in->ev.fd);
	in->ev.fd = d->open(d->ctx, path, DISK_WRITE);
	if (in->ev.fd < 0)
		return in->ev.fd;
	in->ev.frame++;
	in->ev.size = in->ev.base = in->ev.out.len;
	return 0;
}

static int
append(struct insight *in)
{
	const struct disk *d = in->opts.disk;
	int err = put_frame(in, false);

	if (err == 0)
		err = disk_write_all(d, in->ev.fd, in->ev.out.p, in->ev.out.len, in->ev.size);
	if (err == 0)
		err = d->sync(d->ctx, in->ev.fd);
	if (err != 0)
		return err;
	in->ev.frame++;
	in->ev.size += in->ev.out.len;
	return 0;
}

int
events_commit(struct insight *in, int64_t now_ns)
{
	struct events *ev = &in->ev;

	if (in->opts.dir == NULL) {
		written(in);
		return 0;
	}
	if (ev->damaged || (ev->retry_ns != 0 && now_ns < ev->retry_ns && ev->retry_ns - now_ns <= EVENTS_RETRY_NS))
		return ERR_AGAIN;
	uint64_t most = ev->base * 4 > SNAPSHOT_MIN ? ev->base * 4 : SNAPSHOT_MIN;
	int err = ev->whole || ev->fd < 0 || ev->size > most ? snapshot(in) : append(in);
	if (err == 0) {
		if (ev->retry_ns != 0)
			log_info("events_journaled", "note=\"the disk takes them again\"");
		written(in);
		if (ev->out.cap > SNAPSHOT_MIN)
			buf_fini(&ev->out);
		return 0;
	}
	if (in->f.save_errors++ % 60 == 0)
		log_error("events_wait",
		    "dir=\"%s\" error=\"%s\" events=%u note=\"no event leaves and no sample is read until they can be written; "
		    "make room or repair the disk\"",
		    in->opts.dir, err_text(err), ev->fresh);
	ev->whole = true;	/* what the disk has of this frame nobody knows */
	ev->retry_ns = now_ns + EVENTS_RETRY_NS;
	return err;
}

/* ---- the start ---- */

static int
read_file(struct insight *in, struct buf *b)
{
	const struct disk *d = in->opts.disk;
	char path[DISK_PATH_MAX];
	struct disk_stat st;
	int fd = d->open(d->ctx, path_of(in, path), DISK_READ);

	if (fd < 0)
		return fd;
	b->max = JOURNAL_FILE_MAX + 1;
	int err = d->fstat(d->ctx, fd, &st);
	if (err == 0 && st.size > JOURNAL_FILE_MAX)
		err = ERR_LIMIT;
	char *to = err == 0 ? buf_room(b, (size_t)st.size + 1) : NULL;
	if (err == 0)
		err = to == NULL ? b->err : disk_read_all(d, fd, to, (size_t)st.size, 0);
	b->len = err == 0 ? (size_t)st.size : 0;
	d->close(d->ctx, fd);
	return err;
}

void
events_open(struct insight *in)
{
	struct events *ev = &in->ev;
	struct buf b = { 0 };
	char path[DISK_PATH_MAX];
	size_t good = 0;

	if (in->opts.dir == NULL)
		return;
	int err = read_file(in, &b);
	if (err == 0)
		err = journal_read(ev, (const uint8_t *)b.p, b.len, &good);
	else if (err == ERR_NOTFOUND)
		err = 0;
	if (err != 0) {
		ev->damaged = true;
		log_error("events_damaged",
		    "path=\"%s\" error=\"%s\" good_bytes=%zu bytes=%zu note=\"no event is made: numbers and counts of those before "
		    "are not known, and making them up would book twice. Restore the file from a backup, or move it away: then every event "
		    "begins at number 1, and keys that hold `no` come again\"",
		    path_of(in, path), err_text(err), good, b.len);
	} else if (good < b.len)
		log_warn("events_torn",
		    "path=\"%s\" bytes=%zu note=\"the group that was being written when the power went; none of it had left\"",
		    path_of(in, path), b.len - good);
	buf_fini(&b);
	for (const struct event_memory *m = ev->memories; m != NULL; m = m->next)
		in->kept_seq = m->kept_seq > in->kept_seq ? m->kept_seq : in->kept_seq;
	for (struct event_stream *s = ev->streams; s != NULL; s = s->next)
		s->sent = s->confirmed;
	ev->whole = true;
	ev->dirty = ev->memories != NULL || ev->streams != NULL;
}

void
events_close(struct insight *in)
{
	if (in->ev.fd >= 0)
		in->opts.disk->close(in->opts.disk->ctx, in->ev.fd);
	in->ev.fd = -1;
	events_free(&in->ev);
}
