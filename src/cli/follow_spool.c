/*
 * What the spool knows of an event, see follow.h. Batches are read from the newest segment that can hold what is asked,
 * found by halving: numbers and times of a stream rise together but for what devices bring late, so half a minute more
 * is read.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/follow.h"
#include "os/disk.h"

#define LATE_NS		(30 * NS_PER_S)
#define BACK_FIRST	65536u

/* Each sample of a tag of the stream, from a number on; false ends it. */
typedef bool each_sample(void *arg, const struct spool_tag *tag, const struct followed_at *at, const struct sample *v);

static int
walk(const struct stream_name *st, const char *tag, uint64_t from, each_sample *each, void *arg)
{
	struct spool_reader *r;
	struct spool_batch b;
	struct spool_damage d;
	int err = spool_reader_open(st->path, from, &disk_os, &r);
	bool more = true;

	if (err != 0)
		return err;
	const struct spool_schema *schema = spool_reader_schema(r);
	while (more && ((err = spool_next(r, &b, &d)) == 0 || err == ERR_GAP))
		for (uint32_t i = 0; err == 0 && i < b.n && more; i++) {
			const struct sample *v = &b.samples[i];
			const struct spool_tag *t = &schema->tags[v->tag];
			if (tag != NULL ? strcmp(t->name, tag) != 0 : v->v.type != VALUE_JSON)
				continue;
			struct followed_at at = { .stream = st, .number = b.first + i, .time = sample_time(v), .sealed = b.sealed };
			memcpy(at.hash, b.hash, sizeof at.hash);
			more = each(arg, t, &at, v);
		}
	spool_reader_close(r);
	return err == ERR_AGAIN ? 0 : err;
}

/* Has the stream a tag of this name; or, NULL, one of type json? */
static bool
carries(const struct stream_name *st, const char *tag)
{
	struct spool_reader *r;
	bool found = false;

	if (spool_reader_open(st->path, 0, &disk_os, &r) != 0)
		return false;
	const struct spool_schema *s = spool_reader_schema(r);
	for (uint32_t i = 0; i < s->n && !found; i++)
		found = tag != NULL ? strcmp(s->tags[i].name, tag) == 0 : s->tags[i].type == VALUE_JSON;
	spool_reader_close(r);
	return found;
}

/* The number from which on all that is as young as `t` is read. */
static uint64_t
number_at(const struct stream_name *st, struct wall t)
{
	struct spool_state s;
	struct spool_reader *r;
	struct spool_batch b;
	struct spool_damage d;

	if (spool_look(st->path, &disk_os, &s) != 0 || spool_reader_open(st->path, 0, &disk_os, &r) != 0)
		return 0;
	uint64_t low = s.first, high = s.next;
	while (low + SPOOL_BATCH_MAX < high) {
		uint64_t middle = low + (high - low) / 2;
		if (spool_seek(r, middle) != 0 || spool_next(r, &b, &d) != 0)
			break;
		if (b.t_max.ns < t.ns - LATE_NS)
			low = middle;
		else
			high = middle;
	}
	spool_reader_close(r);
	return low;
}

static int
over(const struct streams *s, const char *tag, struct wall from, each_sample *each, void *arg)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!carries(&s->v[i], tag))
			continue;
		int err = walk(&s->v[i], tag, from.ns != 0 ? number_at(&s->v[i], from) : 0, each, arg);
		if (err != 0) {
			fprintf(stderr, "penstock follow: %s: %s; penstock spool verify says where\n", s->v[i].path, err_text(err));
			return err;
		}
	}
	return 0;
}

/* ---- events ---- */

struct search {
	const struct follow_query *q;
	const char		*path;		/* of a declaration, with no: the one before */
	json_int_t		 no;
	uint64_t		 end;		/* and before this number of the stream */
	struct followed		*out;
};

static bool
is(const json_t *e, const char *key, const char *want)
{
	const char *s = json_string_value(json_object_get(e, key));
	return s != NULL && strcmp(s, want) == 0;
}

static bool
made_of(const json_t *e, const char *tag)
{
	const char *field;
	json_t *tags, *t;
	size_t i;

	json_object_foreach(json_object_get(e, "from"), field, tags)
		json_array_foreach(tags, i, t)
			if (json_is_string(t) && strcmp(json_string_value(t), tag) == 0)
				return true;
	return false;
}

struct wall
followed_read(const json_t *event, const char *tag)
{
	const char *text = json_string_value(json_object_get(json_object_get(event, "read"), tag));
	struct wall t = { 0 };

	return text != NULL && wall_parse(text, &t) == 0 ? t : (struct wall){ 0 };
}

static void
keep(struct followed *out, json_t *e, const struct followed_at *at)
{
	json_decref(out->event);
	*out = (struct followed){ .event = json_incref(e), .at = *at, .in_spool = true };
}

static bool
each_event(void *arg, const struct spool_tag *tag, const struct followed_at *at, const struct sample *v)
{
	struct search *s = arg;
	const struct follow_query *q = s->q;
	const char *needle = q != NULL ? q->tag != NULL ? q->tag : q->what : s->path;
	(void)tag;

	if (q == NULL && at->number >= s->end)
		return false;
	if (q != NULL && q->tag != NULL && s->out->event != NULL && at->time.ns >= s->out->at.time.ns)
		return at->time.ns < s->out->at.time.ns + LATE_NS;
	/* What it does not contain as it stands it could only have escaped: all others are told without being parsed. */
	if (memmem(v->v.p, v->v.len, needle, strlen(needle)) == NULL && memchr(v->v.p, '\\', v->v.len) == NULL)
		return true;
	json_t *e = json_loadb(v->v.p, v->v.len, 0, NULL);
	if (e == NULL)	/* json of a device, which need not be an event */
		return true;
	if (q == NULL) {
		json_int_t no = json_integer_value(json_object_get(e, "no"));
		json_int_t had = json_integer_value(json_object_get(s->out->event, "no"));
		if (is(e, "event", s->path) && no < s->no && no > had)
			keep(s->out, e, at);
	} else if (q->tag != NULL ? made_of(e, q->tag) && followed_read(e, q->tag).ns >= q->since.ns :
	    is(e, "id", q->what) || is(e, "key", q->what))
		keep(s->out, e, at);
	json_decref(e);
	return q == NULL || q->tag != NULL || s->out->event == NULL;
}

int
follow_event(const struct streams *s, const struct follow_query *q, struct followed *out)
{
	struct search search = { .q = q, .out = out };

	*out = (struct followed){ 0 };
	int err = over(s, NULL, q->tag != NULL ? q->since : (struct wall){ 0 }, each_event, &search);
	return err != 0 ? err : out->event != NULL ? 0 : ERR_NOTFOUND;
}

int
follow_before(const struct streams *s, const struct followed *of, struct followed *out)
{
	const struct followed_at *at = &of->at;
	struct search search = { .path = json_string_value(json_object_get(of->event, "event")),
		.no = json_integer_value(json_object_get(of->event, "no")), .end = at->number, .out = out };
	int err = 0;

	*out = (struct followed){ 0 };
	/* It lies closely before, as a rule: further back is looked only when it does not. */
	for (uint64_t back = BACK_FIRST; err == 0 && search.path != NULL && out->event == NULL; back *= 4) {
		err = walk(at->stream, NULL, at->number > back ? at->number - back : 0, each_event, &search);
		if (back >= at->number)
			break;
	}
	if (err == 0 && search.path != NULL && out->event == NULL && search.no > 1) {	/* in the stream of a flow as it was before? */
		search.end = UINT64_MAX;
		err = over(s, NULL, (struct wall){ 0 }, each_event, &search);
	}
	return err != 0 ? err : out->event != NULL ? 0 : ERR_NOTFOUND;
}

/* ---- readings ---- */

struct look {
	struct wall	 before;
	double		 count;
	bool		 counting, found;
	struct reading	*out;
};

static bool
each_reading(void *arg, const struct spool_tag *tag, const struct followed_at *at, const struct sample *v)
{
	struct look *l = arg;
	double n;
	(void)tag;

	bool number = value_as_f64(&v->v, &n);
	if (!l->counting && at->time.ns > l->before.ns)
		return at->time.ns < l->before.ns + LATE_NS;
	if (!number || (l->counting && n < l->count) || (l->found && (l->counting || at->time.ns < l->out->at.time.ns)))
		return true;
	l->found = true;
	*l->out = (struct reading){ .at = *at, .v = v->v, .status = v->status };
	return !l->counting;
}

int
follow_reading(const struct streams *s, const char *tag, struct wall before, struct reading *out)
{
	struct look l = { .before = before, .out = out };
	int err = over(s, tag, before, each_reading, &l);

	if (err == 0 && !l.found)	/* it changes seldom: its last reading lies far back */
		err = over(s, tag, (struct wall){ 0 }, each_reading, &l);
	return err != 0 ? err : l.found ? 0 : ERR_NOTFOUND;
}

int
follow_count(const struct streams *s, const char *tag, double count, struct reading *out)
{
	struct look l = { .count = count, .counting = true, .out = out };
	int err = over(s, tag, (struct wall){ 0 }, each_reading, &l);

	return err != 0 ? err : l.found ? 0 : ERR_NOTFOUND;
}
