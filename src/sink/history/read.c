/* The reading half of the store; see store.h. */
#include "model/path.h"
#include "sink/history/db.h"

static const char *
text(sqlite3_stmt *s, int column)
{
	const char *t = (const char *)sqlite3_column_text(s, column);
	return t != NULL ? t : "";
}

int
history_each_series(struct history *h, const char *pattern, bool (*each)(void *arg, const struct series_info *s), void *arg)
{
	sqlite3_stmt *s = db_statement(h, SQL_SERIES);
	int rc;

	if (s == NULL)
		return ERR_CORRUPT;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct series_info i = { .id = sqlite3_column_int64(s, 0), .flow = text(s, 1), .name = text(s, 2),
		    .type = (uint8_t)sqlite3_column_int(s, 3), .unit = text(s, 4), .help = text(s, 5),
		    .has_range = sqlite3_column_type(s, 6) != SQLITE_NULL, .lo = sqlite3_column_double(s, 6), .hi = sqlite3_column_double(s, 7) };
		if (path_match(pattern, i.name) && !each(arg, &i)) {
			rc = SQLITE_DONE;
			break;
		}
	}
	sqlite3_reset(s);
	return sqlite_err(rc);
}

struct within {
	int64_t	from, to;
	bool	(*each)(void *arg, const struct point *p);
	void	*arg;
	bool	ended;
};

static bool
if_within(void *arg, const struct point *p)
{
	struct within *w = arg;
	if (p->t >= w->from && p->t < w->to)
		w->ended = !w->each(w->arg, p);
	return !w->ended;
}

int
history_points(struct history *h, int64_t series, int64_t from, int64_t to, bool (*each)(void *arg, const struct point *p), void *arg)
{
	struct within w = { .from = from, .to = to, .each = each, .arg = arg };
	sqlite3_stmt *s = db_statement(h, SQL_POINTS);
	int rc = SQLITE_DONE, err = 0;

	if (s == NULL)
		return ERR_CORRUPT;
	sqlite3_bind_int64(s, 1, series);
	sqlite3_bind_int64(s, 2, from - CHUNK_SPAN_NS);
	sqlite3_bind_int64(s, 3, to);
	sqlite3_bind_int64(s, 4, from);
	while (err == 0 && !w.ended && (rc = sqlite3_step(s)) == SQLITE_ROW)
		err = chunk_read(sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0), if_within, &w);
	sqlite3_reset(s);
	return err != 0 ? err : sqlite_err(rc);
}

struct fold {
	struct rolls	*out;
	enum roll_level	 level;
	int64_t		 from, to;
	int		 err;
};

static bool
fold_open(void *arg, const struct point *p)
{
	struct fold *f = arg;
	int64_t t = roll_floor(p->t, roll_width_ns(f->level));
	if (t >= f->from && t < f->to)
		f->err = rolls_add(f->out, f->level, p);
	return f->err == 0;
}

int
history_rolls(struct history *h, int64_t series, enum roll_level l, int64_t from, int64_t to, struct rolls *out)
{
	struct rolls row = { 0 };
	struct fold f = { .out = out, .level = l, .from = from, .to = to };
	sqlite3_stmt *s = db_statement(h, SQL_ROLLS);
	int rc = SQLITE_DONE, err = 0;

	if (s == NULL)
		return ERR_CORRUPT;
	sqlite3_bind_int(s, 1, (int)l);
	sqlite3_bind_int64(s, 2, series);
	sqlite3_bind_int64(s, 3, roll_floor(from, roll_span_ns(l)));
	sqlite3_bind_int64(s, 4, to);
	while (err == 0 && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		row.n = 0;
		err = rolls_unpack(sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0), &row);
		for (size_t i = 0; err == 0 && i < row.n; i++)
			if (row.v[i].t >= from && row.v[i].t < to)
				err = rolls_merge(out, &row.v[i]);
	}
	sqlite3_reset(s);
	rolls_fini(&row);
	err = err != 0 ? err : sqlite_err(rc);
	if (err != 0 || (s = db_statement(h, SQL_OPEN_RAW)) == NULL)
		return err != 0 ? err : ERR_CORRUPT;
	sqlite3_bind_int64(s, 1, series);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && sqlite3_column_int(s, 1) != 0)
		err = chunk_read(sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0), fold_open, &f);
	sqlite3_reset(s);
	return err != 0 ? err : f.err != 0 ? f.err : sqlite_err(rc);
}
