/* A walk's rows as a table that a site file takes as it is, and the differences between two of them. See browse_cli.h. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/num.h"
#include "cli/browse_cli.h"
#include "os/file.h"
#include "site/csv.h"

static void
cell(const char *s, FILE *out)
{
	/* A description comes from the server: nothing in it becomes a formula of a spreadsheet. */
	bool formula = s[0] != '\0' && strchr("=+-@\t\r", s[0]) != NULL;

	if (!formula && strpbrk(s, ",;\"\n\r\t") == NULL && s[0] != ' ') {
		fputs(s, out);
		return;
	}
	fputc('"', out);
	if (formula)
		fputc('\'', out);
	for (; *s != '\0'; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static const char *
number(bool there, double v, char *out)
{
	out[0] = '\0';
	if (there)
		out[num_f64(v, out)] = '\0';
	return out;
}

void
browse_csv(const struct browse_rows *r, const char *source, FILE *out)
{
	char lo[NUM_TEXT + 1], hi[NUM_TEXT + 1];

	fprintf(out, "path,%sat,type,unit,range-low,range-high,description\n", source != NULL ? "source," : "");
	for (uint32_t i = 0; i < r->n; i++) {
		const struct browse_row *x = &r->v[i];
		const char *const cells[] = { x->path, x->at, x->type, x->unit, number(x->has_range, x->lo, lo),
		    number(x->has_range, x->hi, hi), x->help };
		for (size_t k = 0; k < sizeof cells / sizeof cells[0]; k++) {
			if (k > 0)
				fputc(',', out);
			if (k == 4 || k == 5)
				fputs(cells[k], out);
			else
				cell(cells[k], out);
			if (k == 0 && source != NULL) {
				fputc(',', out);
				cell(source, out);
			}
		}
		fputc('\n', out);
	}
}

/* ---- differences ---- */

enum column { COL_PATH, COL_AT, COL_TYPE, COL_UNIT, COL_LO, COL_HI, COLUMNS };
static const char *const names[COLUMNS] = { "path", "at", "type", "unit", "range-low", "range-high" };

struct old_row {
	const char	*v[COLUMNS];
	bool		 met;
};

static bool
heading(struct csv *c, int *at, const char *file)
{
	for (int i = 0; i < COLUMNS; i++)
		at[i] = -1;
	for (size_t k = 0; k < c->n; k++)
		for (int i = 0; i < COLUMNS; i++)
			if (c->field[k].len == strlen(names[i]) && memcmp(c->field[k].s, names[i], c->field[k].len) == 0)
				at[i] = (int)k;
	if (at[COL_AT] >= 0)
		return true;
	fprintf(stderr, "penstock browse: %s has no column \"at\": give a table that penstock browse has written\n", file);
	return false;
}

/* The rows of the old table by address. */
static bool
read_old(const char *file, struct arena *m, struct map *by_at, struct old_row ***all, size_t *n)
{
	size_t room = 0;
	struct buf text = { .max = 256u << 20 };
	struct csv c;
	int at[COLUMNS];

	int err = file_read(file, 256u << 20, &text);
	if (err != 0) {
		fprintf(stderr, "penstock browse: %s: %s\n", file, err_text(err));
		buf_fini(&text);
		return false;
	}
	err = csv_init(&c, buf_text(&text), text.len);
	bool ok = err == 0 && csv_row(&c) == 0 && heading(&c, at, file);
	if (err != 0)
		fprintf(stderr, "penstock browse: %s: %s\n", file, c.why);
	while (ok && (err = csv_row(&c)) == 0) {
		struct old_row *r = arena_new(m, struct old_row);
		for (int i = 0; i < COLUMNS; i++)
			r->v[i] = at[i] >= 0 && (size_t)at[i] < c.n ? arena_strndup(m, c.field[at[i]].s, c.field[at[i]].len) : "";
		if (*n == room) {
			room = room > 0 ? 2 * room : 1024;
			struct old_row **v = realloc(*all, room * sizeof *v);
			if (v == NULL) {
				ok = false;
				break;
			}
			*all = v;
		}
		(*all)[(*n)++] = r;
		map_put(by_at, r->v[COL_AT], strlen(r->v[COL_AT]), r);
	}
	if (ok && err != ERR_END) {
		fprintf(stderr, "penstock browse: %s:%d: %s\n", file, c.bad_line, c.why);
		ok = false;
	}
	csv_fini(&c);
	buf_fini(&text);
	return ok;
}

static void
say(FILE *out, bool *begun, const char *path, const char *what, const char *was, const char *is)
{
	if (!*begun)
		fprintf(out, "~ %s:", path);
	fprintf(out, "%s %s %s -> %s", *begun ? "," : "", what, was[0] != '\0' ? was : "none", is[0] != '\0' ? is : "none");
	*begun = true;
}

static bool
changed(const struct browse_row *x, const struct old_row *o, FILE *out)
{
	char lo[NUM_TEXT + 1], hi[NUM_TEXT + 1];
	const char *const is[COLUMNS] = { x->path, x->at, x->type, x->unit, number(x->has_range, x->lo, lo),
	    number(x->has_range, x->hi, hi) };
	bool begun = false;

	for (int i = COL_TYPE; i < COLUMNS; i++)
		if (strcmp(is[i], o->v[i]) != 0)
			say(out, &begun, x->path, names[i], o->v[i], is[i]);
	if (begun)
		fputc('\n', out);
	return begun;
}

long
browse_diff(const struct browse_rows *r, const char *file, FILE *out)
{
	struct arena m = { 0 };
	struct map by_at = { 0 };
	struct old_row **all = NULL;
	size_t n = 0;
	long lines = -1;

	if (read_old(file, &m, &by_at, &all, &n)) {
		lines = 0;
		for (uint32_t i = 0; i < r->n; i++) {
			struct old_row *o = map_get(&by_at, r->v[i].at, strlen(r->v[i].at));
			if (o == NULL) {
				fprintf(out, "+ %s at %s\n", r->v[i].path, r->v[i].at);
				lines++;
				continue;
			}
			o->met = true;
			lines += changed(&r->v[i], o, out);
		}
		for (size_t i = 0; i < n; i++)
			if (!all[i]->met) {
				fprintf(out, "- %s at %s\n", all[i]->v[COL_PATH], all[i]->v[COL_AT]);
				lines++;
			}
	}
	free(all);
	map_fini(&by_at);
	arena_fini(&m);
	return lines;
}
