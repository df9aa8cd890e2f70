/* See eval_data.h. */
#include "cli/eval_data.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/map.h"
#include "base/num.h"
#include "cli/ctl.h"
#include "model/sample.h"
#include "os/memfd.h"
#include "os/stream.h"
#include "ring/ring.h"
#include "sink/history/store.h"
#include "site/csv.h"
#include "site/files.h"
#include "site/slice.h"

#define RINGS_MAX 64u

static void
add(struct eval_data *d, int64_t t, uint32_t input, uint32_t status, const struct value *v)
{
	if (d->n == EVAL_POINTS_MAX) {
		d->full = true;
		return;
	}
	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 4096;
		struct eval_point *more = realloc(d->v, cap * sizeof *more);
		if (more == NULL) {
			d->full = true;
			return;
		}
		d->v = more;
		d->cap = cap;
	}
	struct eval_point *p = &d->v[d->n++];
	*p = (struct eval_point){ t, input, status, *v };
	if (value_has_bytes(v->type))
		p->v.p = arena_strndup(&d->texts, v->len > 0 ? v->p : "", v->len);
}

static int
input_of(const struct eval_data *d, const char *path, size_t len)
{
	for (size_t i = 0; i < d->ninputs; i++) {
		const char *name = d->inputs[i].name;
		if (strlen(name) == len && memcmp(name, path, len) == 0)
			return (int)i;
	}
	return -1;
}

/* ---- CSV, as `penstock trend --raw --csv` writes it: tag,time,value,status; without a status: Good ---- */

static bool
read_value(uint8_t type, const struct csv_field *f, struct value *out)
{
	double v = 0;
	struct wall w;
	char text[64];

	*out = (struct value){ .type = type };
	snprintf(text, sizeof text, "%.*s", (int)(f->len < 60 ? f->len : 60), f->s);
	if (type == VALUE_TEXT) {
		out->p = f->s;
		out->len = (uint32_t)f->len;
		return true;
	}
	if (type == VALUE_TIME) {
		bool ok = wall_parse(text, &w) == 0;
		out->i = ok ? w.ns : 0;
		return ok;
	}
	if (type == VALUE_BOOL && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0)) {
		out->b = text[0] == 't' || text[0] == 'T';
		return true;
	}
	if (type == VALUE_I64 || type == VALUE_I32 || type == VALUE_I16 || type == VALUE_I8)
		return num_parse_i64(f->s, f->len, &out->i) == 0;
	if (type == VALUE_U64 || type == VALUE_U32 || type == VALUE_U16 || type == VALUE_U8)
		return num_parse_u64(f->s, f->len, &out->u) == 0;
	bool ok = num_parse_f64(f->s, f->len, '.', &v) == 0;
	if (type == VALUE_F32)
		out->f32 = (float)v;
	else if (type == VALUE_BOOL)
		out->b = v != 0;
	else
		out->f64 = v;
	return ok;
}

static uint32_t
status_of(const struct csv_field *f)
{
	static const struct { const char *name; uint32_t code; } rows[] = {
#define X(name, code, text) { #name, code },
		STATUS_LIST(X)
#undef X
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strlen(rows[i].name) == f->len && memcmp(rows[i].name, f->s, f->len) == 0)
			return rows[i].code;
	return (uint32_t)STATUS_Bad;
}

/* One row; false with the cause in why. A header is a first row whose second cell is no time. */
static bool
csv_point(struct eval_data *d, const struct csv *c, const char **why)
{
	char when[WALL_TEXT + 1];
	struct wall t;
	struct value v;
	uint32_t status = 0;

	if (c->n == 0 || (c->n == 1 && c->field[0].len == 0))
		return true;
	int i = input_of(d, c->field[0].s, c->field[0].len);
	if (c->n < 3) {
		*why = "a row has the cells tag, time, value and, if it is not Good, status";
		return false;
	}
	snprintf(when, sizeof when, "%.*s", (int)(c->field[1].len < WALL_TEXT ? c->field[1].len : WALL_TEXT),
	    c->field[1].s);
	if (wall_parse(when, &t) != 0) {
		*why = "the time is not written as 2026-11-22T06:00:00Z";
		return c->row == 1;
	}
	if (i < 0)
		return true;	/* of a tag that the expression does not use */
	if (c->n > 3 && c->field[3].len > 0)
		status = status_of(&c->field[3]);
	if (c->field[2].len == 0 && status_is_bad(status))
		v = (struct value){ .type = VALUE_NULL };
	else if (!read_value(d->inputs[i].type, &c->field[2], &v)) {
		*why = "the value is not of the tag's type";
		return false;
	}
	add(d, t.ns, (uint32_t)i, status, &v);
	return true;
}

int
eval_from_csv(struct eval_data *d, const char *path)
{
	struct buf text = { .max = 256u << 20 };
	struct csv c;
	const char *why = NULL;
	int err = site_io_disk.read(site_io_disk.ctx, path, &text);

	if (err != 0) {
		fprintf(stderr, "penstock: %s cannot be read: %s\n", path, err_text(err));
		buf_fini(&text);
		return err;
	}
	err = csv_init(&c, buf_text(&text), text.len);
	while (err == 0 && why == NULL && (err = csv_row(&c)) == 0) {
		const char *fault = NULL;
		if (!csv_point(d, &c, &fault))
			why = fault;
	}
	if (err != ERR_END || why != NULL) {
		fprintf(stderr, "penstock: %s:%d: %s\n", path, c.line, why != NULL ? why : c.why);
		err = ERR_SYNTAX;
	}
	csv_fini(&c);
	buf_fini(&text);
	return err == ERR_END ? 0 : err;
}

/* ---- the local history ---- */

struct from_history { struct eval_data *d; uint32_t input; struct history *h; int64_t from, to; int err; bool found; };

static bool
history_point(void *arg, const struct point *p)
{
	struct from_history *f = arg;

	add(f->d, p->t, f->input, p->status, &p->v);
	return !f->d->full;
}

/* A tag may be in several flows: the first series with its name that has anything does. */
static bool
history_series(void *arg, const struct series_info *s)
{
	struct from_history *f = arg;
	size_t before = f->d->n;

	f->err = history_points(f->h, s->id, f->from, f->to, history_point, f);
	f->found = f->d->n > before;
	return f->err == 0 && !f->found;
}

static int
read_history(struct eval_data *d, const char *path, int64_t from, int64_t to)
{
	struct from_history f = { .d = d, .from = from, .to = to };
	char why[512];
	int err = history_open(path, false, &f.h, why, sizeof why);

	if (err != 0) {
		fprintf(stderr, "penstock: %s\n", why);
		return err;
	}
	for (f.input = 0; f.input < d->ninputs && err == 0; f.input++) {
		err = history_each_series(f.h, d->inputs[f.input].name, history_series, &f);
		err = err != 0 ? err : f.err;
	}
	if (err != 0)
		fprintf(stderr, "penstock: the history %s cannot be read: %s\n", path, err_text(err));
	history_close(f.h);
	return err;
}

int
eval_from_history(struct eval_data *d, const char *state, const char *sink, int64_t from, int64_t to)
{
	char folder[512], path[1024];
	struct dirent **names;
	int err = 0, found = 0;

	snprintf(folder, sizeof folder, "%s/office", state);
	int n = scandir(folder, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s/" HISTORY_FILE, folder, names[i]->d_name);
		bool wanted = names[i]->d_name[0] != '.' && (sink == NULL || strcmp(sink, names[i]->d_name) == 0);
		free(names[i]);
		if (!wanted || access(path, F_OK) != 0 || err != 0 || d->n > 0)
			continue;
		found++;
		err = read_history(d, path, from, to);
	}
	if (n >= 0)
		free(names);
	if (found > 0)
		return err;
	fprintf(stderr,
	    "penstock: no history under %s; give a flow a sink of kind history, or name the state directory with --state\n",
	    folder);
	return ERR_NOTFOUND;
}

/* ---- what runs ---- */

struct live {
	struct eval_data	*d;
	struct plan		*plan;
	struct ring_reader	*rings[RINGS_MAX];
	uint32_t		 nrings;
	struct map		 by_key;
};

static void
take_slice(void *arg, int fd)
{
	struct live *l = arg;
	size_t len = memfd_size(fd);
	const void *p = memfd_map_ro(fd, len);

	if (p != NULL && l->plan == NULL && slice_read(p, len, &l->plan) == 0)
		for (uint32_t i = 0; i < l->plan->nsources; i++)
			map_put_u64(&l->by_key, l->plan->sources[i].key, &l->plan->sources[i]);
	memfd_unmap(p, len);
	stream_close(fd);
}

static void
take_ring(void *arg, const char *writer, int fd)
{
	struct live *l = arg;
	(void)writer;

	if (l->d != NULL && l->nrings < RINGS_MAX && ring_open(fd, &l->rings[l->nrings]) == 0)
		l->nrings++;
	stream_close(fd);
}

static void
take_batch(struct live *l, const void *record, size_t len, struct sample *room)
{
	struct batch b;
	const struct source *s = batch_parse(record, len, room, &b) == 0 ? map_get_u64(&l->by_key, b.head.source_key) :
	    NULL;

	for (uint32_t i = 0; s != NULL && i < b.head.n; i++) {
		const struct sample *v = &b.samples[i];
		if (v->tag >= s->ntags)
			continue;
		int input = input_of(l->d, s->tags[v->tag].path, strlen(s->tags[v->tag].path));
		if (input >= 0)
			add(l->d, v->arrival.ns, (uint32_t)input, v->status, &v->v);
	}
}

static void
live_fini(struct live *l)
{
	for (uint32_t i = 0; i < l->nrings; i++)
		ring_close(l->rings[i]);
	map_fini(&l->by_key);
}

int
eval_running_plan(const char *state, struct plan **out)
{
	struct live l = { 0 };
	int err = ctl_rings(state, take_slice, take_ring, &l);

	live_fini(&l);
	*out = l.plan;
	return err != 0 ? err : l.plan == NULL ? ERR_NOTFOUND : 0;
}

int
eval_from_rings(struct eval_data *d, const char *state)
{
	struct live l = { .d = d };
	size_t size = batch_size(BATCH_SAMPLES_MAX, BATCH_BYTES_MAX), len;
	void *record = malloc(size);
	struct sample *room = calloc(BATCH_SAMPLES_MAX, sizeof *room);
	int err = record == NULL || room == NULL ? ERR_NOMEM : ctl_rings(state, take_slice, take_ring, &l);
	uint64_t lost;

	for (uint32_t i = 0; err == 0 && i < l.nrings; i++) {
		ring_seek(l.rings[i], 0);	/* the oldest that is still there */
		for (int r = 0; r != ERR_AGAIN && r != ERR_PROTO && !d->full; )	/* ends: at the newest */
			if ((r = ring_read(l.rings[i], record, size, &len, &lost)) == 0)
				take_batch(&l, record, len, room);
	}
	live_fini(&l);
	plan_free(l.plan);
	free(record);
	free(room);
	return err;
}

static int
by_time(const void *a, const void *b)
{
	const struct eval_point *x = a, *y = b;
	return x->t != y->t ? (x->t > y->t) - (x->t < y->t) : (x->input > y->input) - (x->input < y->input);
}

void
eval_sort(struct eval_data *d)
{
	if (d->n > 0)
		qsort(d->v, d->n, sizeof *d->v, by_time);
}

void
eval_data_fini(struct eval_data *d)
{
	free(d->v);
	arena_fini(&d->texts);
}
