/*
 * The rings, read in order: an older ring of a writer to its end before the newer one, and writers in turn.
 *
 * After a restart. Every batch of the spool carries (epoch, pos, low) of the ring it came from. `pos` is how far its
 * stream had taken the ring; `low` is a place from which every stream can be brought back:
 *
 *	ring:   ---- low ======== pos of A ==== pos of B ======== newest
 *	              |  A and B: for the     |  B has it, A has not
 *	              |  state alone          |
 *
 * Reading starts at the newest `low`. A stream passes over records that end at or before its own pos; windows and
 * swinging doors take them once more for their state (REDUCE_QUIET), since that is nowhere else. They may have taken
 * more than their pos says, since a record that lets nothing through leaves no mark: up to where the ring stood when
 * gate started they look at what is in the spool already (REDUCE_AGAIN). For them `low` trails behind by most of a
 * ring; where every flow is stateless it is the record in work. A ring that no stream has a mark of is read from its
 * beginning. Places to go back to must be borders of records; some are noted as reading goes on.
 */
#include <stdlib.h>

#include "gate/inside.h"

#define RECORD_MAX	batch_size(BATCH_SAMPLES_MAX, BATCH_BYTES_MAX)

void
gate_ring(struct gate *g, const char *writer, struct ring_reader *r)
{
	struct ring_in *in = calloc(1, sizeof *in), **end = &g->rings;
	char *name = strdup(writer);

	if (in == NULL || name == NULL)
		fatal("out_of_memory", "ring=%s", writer);
	if (g->record == NULL)
		g->record = malloc(RECORD_MAX);
	if (g->room == NULL)
		g->room = calloc(BATCH_SAMPLES_MAX, sizeof *g->room);
	if (g->record == NULL || g->room == NULL)
		fatal("out_of_memory", "wanted=%zu", RECORD_MAX);
	in->writer = name;
	in->r = r;
	in->epoch = ring_epoch(r);
	in->stats = stats_object(g->stats, STATS_ring, writer);
	for (struct ring_in *have = g->rings; have != NULL; have = have->next)
		if (have->epoch == in->epoch) {	/* handed out twice: it is being read already */
			ring_close(r);
			free(name);
			free(in);
			return;
		}
	while (*end != NULL)
		end = &(*end)->next;
	*end = in;
	log_info("ring_in", "writer=\"%s\" epoch=%016llx", writer, (unsigned long long)in->epoch);
}

static void
ring_free(struct ring_in *in)
{
	ring_close(in->r);
	free(in->writer);
	free(in);
}

void
rings_free(struct gate *g)
{
	for (struct ring_in *in = g->rings, *next; in != NULL; in = next) {
		next = in->next;
		ring_free(in);
	}
	g->rings = NULL;
	free(g->record);
	free(g->room);
	g->record = NULL;
	g->room = NULL;
}

struct ring_in *
ring_by_epoch(struct gate *g, uint64_t epoch)
{
	struct ring_in *in = g->rings;
	while (in != NULL && in->epoch != epoch)
		in = in->next;
	return in;
}

uint64_t
ring_low(const struct gate *g, const struct ring_in *in)
{
	if (!g->memory && g->from == in && g->start != 0)
		return g->start;
	return in->nborders > 0 ? in->borders[0] : 0;
}

/* Note a border of records, about BORDERS of them over three quarters of a ring; older ones may be overwritten soon. */
static void
note_border(struct ring_in *in, uint64_t pos)
{
	uint64_t keep = ring_size(in->r) / 4 * 3, gone = 0;

	if (in->nborders > 0 && pos - in->borders[in->nborders - 1] < keep / (BORDERS - 2))
		return;
	while (gone < in->nborders && pos - in->borders[gone] > keep)
		gone++;
	if (gone == 0 && in->nborders == BORDERS)
		gone = 1;
	memmove(in->borders, in->borders + gone, (in->nborders - gone) * sizeof in->borders[0]);
	in->nborders -= (uint32_t)gone;
	in->borders[in->nborders++] = pos;
}

static const struct spool_mark *
mark_for(const struct stream *st, uint64_t epoch)
{
	for (size_t i = 0; i < MARKS_MAX && st->restored[i].epoch != 0; i++)
		if (st->restored[i].epoch == epoch)
			return &st->restored[i];
	return NULL;
}

/* The lowest position kept by a stream that lies above `above`; UINT64_MAX: none. */
static uint64_t
next_mark(const struct gate *g, uint64_t epoch, uint64_t above)
{
	uint64_t best = UINT64_MAX;

	for (const struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		const struct spool_mark *m = mark_for(st, epoch);
		if (m != NULL && m->pos > above && m->pos < best)
			best = m->pos;
	}
	return best;
}

/*
 * What a stream had not taken yet and what is overwritten now: how much it was cannot be known any more. Below `low`
 * all had all.
 */
static void
tell_missed(struct gate *g, struct ring_in *in, uint64_t low, struct mono now)
{
	uint64_t at = ring_pos(in->r);
	bool missed = false;

	if (at <= low)
		return;
	for (struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		const struct spool_mark *m = mark_for(st, in->epoch);
		missed |= m != NULL && st->current && m->pos < at;
	}
	if (missed)
		admit_lost(g, in, NULL, 0,
		    "gate was away for longer than the ring lasts; how many samples went is not known", now);
}

static void
place(struct gate *g, struct ring_in *in, struct mono now)
{
	uint64_t low = 0;
	bool known = false;

	in->placed = true;
	for (const struct stream *st = g->streams; st != NULL; st = st->next_stream) {
		const struct spool_mark *m = mark_for(st, in->epoch);
		if (m == NULL)
			continue;
		known = true;
		low = m->low > low ? m->low : low;
		in->taken = m->pos > in->taken ? m->pos : in->taken;
	}
	if (known) {
		ring_seek(in->r, UINT64_MAX);
		in->replay = ring_pos(in->r);
	}
	int err = ring_seek(in->r, low);
	/*
	 * Overwritten, or not believable: then the place that the slowest stream stands at, the next slowest... Ends:
	 * each is higher.
	 */
	for (uint64_t at = known ? next_mark(g, in->epoch, low) : UINT64_MAX; err != 0 &&
	    at != UINT64_MAX; at = next_mark(g, in->epoch, at))
		err = ring_seek(in->r, at);
	if (err == ERR_RANGE)
		ring_seek(in->r, 0);
	if (known) {
		tell_missed(g, in, low, now);
		log_info("ring_resumed", "writer=\"%s\" epoch=%016llx pos=%llu replay_to=%llu", in->writer,
		    (unsigned long long)in->epoch,
		    (unsigned long long)ring_pos(in->r), (unsigned long long)in->replay);
	}
}

static bool
has_older(const struct gate *g, const struct ring_in *in)
{
	for (const struct ring_in *o = g->rings; o != in; o = o->next)
		if (strcmp(o->writer, in->writer) == 0)
			return true;
	return false;
}

static bool
has_newer(const struct ring_in *in)
{
	for (const struct ring_in *o = in->next; o != NULL; o = o->next)
		if (strcmp(o->writer, in->writer) == 0)
			return true;
	return false;
}

/* One record. 0; ERR_AGAIN: none; ERR_END: this ring gives nothing more, ever. */
static int
read_one(struct gate *g, struct ring_in *in, struct mono now, struct wall wall)
{
	size_t len;
	uint64_t lost, start = ring_pos(in->r);
	int err = ring_read(in->r, g->record, RECORD_MAX, &len, &lost);

	switch (err) {
	case 0:
		note_border(in, start);
		g->start = start;
		g->end = ring_pos(in->r);
		if (admit_parse(g, in, len, now)) {
			g->legs_left = g->route->nlegs;
			admit_go(g, now, wall);
		}
		return 0;
	case ERR_GAP:
		in->gaps++;
		in->nborders = 0;
		if (g->opts.live_lost != NULL)
			g->opts.live_lost(g->opts.arg);
		in->overwritten += lost;
		return 0;
	case ERR_LIMIT:
		in->refused++;
		return 0;
	case ERR_AGAIN:
		return has_newer(in) ? ERR_END : ERR_AGAIN;
	default:
		log_error("ring_dead",
		    "writer=\"%s\" error=\"%s\" note=\"the process that writes it is broken or was taken over; its "
		    "ring is not read any more\"", in->writer, err_text(err));
		if (g->opts.ring_dead != NULL)
			g->opts.ring_dead(g->opts.arg, in->writer, in->epoch);
		return ERR_END;
	}
}

static void
ring_remove(struct gate *g, struct ring_in *in, struct mono now)
{
	struct ring_in **at = &g->rings;

	while (*at != in)
		at = &(*at)->next;
	*at = in->next;
	if (g->from == in)
		g->from = NULL;
	admit_overwritten(g, in, now);
	log_info("ring_ended", "writer=\"%s\" epoch=%016llx records=%llu lost=%llu", in->writer,
	    (unsigned long long)in->epoch,
	    (unsigned long long)in->records, (unsigned long long)in->lost);
	ring_free(in);
}

bool
rings_read(struct gate *g, uint32_t records, struct mono now, struct wall wall)
{
	bool more = true;

	if (g->route != NULL && !g->held)
		admit_go(g, now, wall);
	while (more && records > 0 && !g->held) {
		more = false;
		for (struct ring_in *in = g->rings, *next; in != NULL && !g->held; in = next) {
			next = in->next;
			if (has_older(g, in))
				continue;
			if (!in->placed)
				place(g, in, now);
			int err = read_one(g, in, now, wall);
			if (err == ERR_END)
				ring_remove(g, in, now);
			more |= err != ERR_AGAIN;
			records -= records > 0;
		}
	}
	return more && !g->held;
}
