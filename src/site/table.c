/* See table.h. */
#include "site/table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/near.h"
#include "site/csv.h"

#define TABLE_BAD_ROWS_MAX 200u	/* give up on a table after so many bad rows: it is the wrong file */

enum { ALL_COLUMNS = TAG_KEYS + COLUMN_KEYS };

struct table {
	struct loader		*l;
	const char		*file;
	const struct equipment	*e;
	struct csv		 csv;
	struct parse_env	 env;
	const struct key	*key[CSV_FIELDS_MAX];	/* of each column; NULL: not known */
	int			 slot[CSV_FIELDS_MAX];	/* index into v of the row */
	size_t			 ncolumns;
	int			 column[ALL_COLUMNS];	/* where each key stands, -1: nowhere */
	struct keyval		 defaults[TAG_KEYS];
	size_t			 bad_rows;
};

struct row {
	struct keyval	v[ALL_COLUMNS];		/* those of tag_keys, then those of column_keys */
	struct place	at[ALL_COLUMNS];
	bool		bad;
};

static struct place
field_place(const struct table *t, size_t i)
{
	return (struct place){ t->file, t->csv.field[i].line, t->csv.field[i].column };
}

static const struct key *
find_column(const char *name, struct near *near, int *slot)
{
	for (int i = 0; i < ALL_COLUMNS; i++) {
		const struct key *k = i < TAG_KEYS ? &tag_keys[i] : &column_keys[i - TAG_KEYS];
		if (strcmp(k->name, name) == 0) {
			*slot = i;
			return k;
		}
		near_try(near, k->name);
	}
	return NULL;
}

static void
unknown_column(struct table *t, size_t i, const char *name, const struct near *near)
{
	char all[400] = "", cell[16];
	size_t len = 0;

	for (int k = 0; k < ALL_COLUMNS && len < sizeof all; k++)
		len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", k ? ", " : "",
		    k < TAG_KEYS ? tag_keys[k].name : column_keys[k - TAG_KEYS].name);
	site_error(&t->l->f, "unknown-column", field_place(t, i),
	    "cell %s names a column \"%.80s\", which no table has%s%s%s",
	    csv_cell_name(i, t->csv.row, cell), name, near->best ? "; did you mean \"" : "", near->best ? near->best :
	    "",
	    near->best ? "\"?" : "");
	site_remedy(&t->l->f, "columns are: %s", all);
}

static void
read_header(struct table *t)
{
	char name[65];

	t->ncolumns = t->csv.n;
	memset(t->column, -1, sizeof t->column);
	for (size_t i = 0; i < t->csv.n; i++) {
		size_t len = t->csv.field[i].len < 64 ? t->csv.field[i].len : 64;
		for (size_t k = 0; k < len; k++)
			name[k] = (char)tolower((unsigned char)t->csv.field[i].s[k]);
		name[len] = '\0';
		struct near near = { .word = name };
		t->key[i] = len > 0 ? find_column(name, &near, &t->slot[i]) : NULL;
		if (len == 0)
			continue;
		if (t->key[i] == NULL)
			unknown_column(t, i, name, &near);
		else if (t->column[t->slot[i]] >= 0) {
			site_error(&t->l->f, "duplicate-key", field_place(t, i),
			    "column \"%s\" stands here a second time", name);
			site_remedy(&t->l->f, "remove or rename one of the two");
		} else
			t->column[t->slot[i]] = (int)i;
	}
}

static bool
has(const struct table *t, int slot)
{
	return t->column[slot] >= 0;
}

static bool
header_ok(struct table *t)
{
	struct place at = { t->file, t->csv.n > 0 ? t->csv.field[0].line : 1, 1 };
	bool named = has(t, TAG_KEYS + COLUMN_PATH) ||
	    (has(t, TAG_KEYS + COLUMN_NAME) && (t->e != NULL || has(t, TAG_KEYS + COLUMN_EQUIPMENT)));

	if (!has(t, TAG_AT) && !has(t, TAG_EXPR)) {
		site_error(&t->l->f, "missing-column", at, "the table has no column \"at\" for the addresses");
		site_remedy(&t->l->f, "the first row names the columns; is the separator '%s' right?",
		    t->csv.separator == '\t' ? "tab" : t->csv.separator == ';' ? ";" : ",");
	} else if (!named) {
		site_error(&t->l->f, "missing-column", at, "the table has no column that names its tags");
		site_remedy(&t->l->f, t->e != NULL ?
		    "add a column \"name\" (below the equipment), or \"path\" (the whole path)" :
		    "add a column \"path\", or both \"equipment\" and \"name\"");
	}
	return (has(t, TAG_AT) || has(t, TAG_EXPR)) && named;
}

static void
bad_cell(struct table *t, struct row *r, size_t i, const char *rule, const char *why, const char *remedy)
{
	char cell[16];
	const struct csv_field *f = &t->csv.field[i];

	r->bad = true;
	csv_cell_name(i, t->csv.row, cell);
	if (t->key[i]->type == KEY_UNIT)
		site_error(&t->l->f, rule, field_place(t, i), "%s in cell %s: %s", t->key[i]->name, cell, why);
	else
		site_error(&t->l->f, rule, field_place(t, i), "%s in cell %s is \"%.*s\", which %s", t->key[i]->name,
		    cell,
		    (int)(f->len < 80 ? f->len : 80), f->s, why);
	site_remedy(&t->l->f, "%s", remedy);
}

static void
read_cells(struct table *t, struct row *r)
{
	for (size_t i = 0; i < t->csv.n; i++) {
		const struct csv_field *f = &t->csv.field[i];
		if (f->len == 0 || (i < t->ncolumns && t->key[i] == NULL))
			continue;
		if (i >= t->ncolumns) {
			char cell[16];
			site_error(&t->l->f, "extra-cell", field_place(t, i),
			    "cell %s lies behind the last column of the first row",
			    csv_cell_name(i, t->csv.row, cell));
			site_remedy(&t->l->f,
			    "name the column, empty the cell, or put a text that holds the separator in quotes");
			r->bad = true;
			return;
		}
		struct keyval v = { .written = true };
		int err = key_parse(t->key[i], f->s, f->len, &t->env, &v);
		if (err != 0)
			bad_cell(t, r, i, key_rule(t->key[i], err), t->env.why, t->env.remedy);
		r->v[t->slot[i]] = v;
		r->at[t->slot[i]] = field_place(t, i);
	}
}

static void
missing(struct table *t, struct row *r, struct place at, const char *what, const char *remedy)
{
	site_error(&t->l->f, "missing-cell", at, "row %d has no %s", t->csv.row, what);
	site_remedy(&t->l->f, "%s", remedy);
	r->bad = true;
}

static void
take_range(struct table *t, struct row *r, struct place at)
{
	const struct keyval *lo = &r->v[TAG_KEYS + COLUMN_LOW], *hi = &r->v[TAG_KEYS + COLUMN_HIGH];
	if ((lo->written && !lo->set) || (hi->written && !hi->set))
		return;		/* it is there, and what is wrong with it has been said */
	if (lo->set != hi->set)
		missing(t, r, at, lo->set ? "range-high beside its range-low" : "range-low beside its range-high",
		    "fill in both, or none");
	else if (lo->set && r->v[TAG_RANGE].set)
		missing(t, r, at, "use for both range and range-low", "fill in one of them");
	else if (lo->set) {
		r->v[TAG_RANGE] = (struct keyval){ .set = true, .f = lo->f, .g = hi->f };
		r->at[TAG_RANGE] = r->at[TAG_KEYS + COLUMN_LOW];
	}
}

static bool
is_below(const char *path, const char *equipment)
{
	size_t n = strlen(equipment);
	return strncmp(path, equipment, n) == 0 && path[n] == '/';
}

/* The whole path of the row's tag; NULL and a finding when the row does not say one. */
static const char *
row_path(struct table *t, struct row *r, struct place at, size_t *len)
{
	const struct keyval *path = &r->v[TAG_KEYS + COLUMN_PATH], *name = &r->v[TAG_KEYS + COLUMN_NAME];
	const struct keyval *equipment = &r->v[TAG_KEYS + COLUMN_EQUIPMENT];
	const char *base = equipment->set ? equipment->s : t->e != NULL ? t->e->path : NULL;
	char whole[PATH_ROOM];

	if (path->set) {
		*len = strlen(path->s);
		if (t->e != NULL && !is_below(path->s, t->e->path)) {
			site_error(&t->l->f, "table-path", r->at[TAG_KEYS + COLUMN_PATH],
			    "path \"%.160s\" does not lie below \"%.160s\", whose table this is", path->s, t->e->path);
			site_remedy(&t->l->f,
			    "use the column \"name\" for names within the equipment, or list the table in the "
			    "section tables");
			return NULL;
		}
		return path->s;
	}
	if (!name->set || base == NULL) {
		missing(t, r, at, "name for its tag", "fill in path, or equipment and name");
		return NULL;
	}
	int n = snprintf(whole, sizeof whole, "%s/%s", base, name->s);
	*len = n < 0 || (size_t)n >= sizeof whole ? sizeof whole - 1 : (size_t)n;
	return strings_add(&t->l->strings, whole, *len);
}

static void
read_row(struct table *t, struct row *r)
{
	struct place at = field_place(t, 0);
	size_t len = 0;

	memset(r, 0, sizeof *r);
	memcpy(r->v, t->defaults, sizeof t->defaults);
	read_cells(t, r);
	take_range(t, r, at);
	if (!r->v[TAG_AT].set && !r->v[TAG_AT].written && !r->v[TAG_EXPR].set && !r->v[TAG_EXPR].written)
		missing(t, r, at, "address", "fill in the column at");
	const char *path = row_path(t, r, at, &len);
	if (path == NULL || r->bad) {
		t->bad_rows++;
		return;
	}
	struct tag_input in = {
		.path = path, .path_len = len, .v = r->v, .at = r->v[TAG_AT].s, .expr = r->v[TAG_EXPR].s,
		.help = r->v[TAG_DESCRIPTION].set ?
		r->v[TAG_DESCRIPTION].s : "", .source = r->v[TAG_SOURCE].set ? r->v[TAG_SOURCE].s : t->e != NULL ?
		    t->e->source : NULL,
		.place = at, .cells = r->at, .source_judged = !r->v[TAG_SOURCE].set,
	};
	tag_add(t->l, &in);
}

static bool
row_is_empty(const struct csv *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->field[i].len > 0)
			return false;
	return true;
}

static void
read_rows(struct table *t)
{
	bool header = false;
	struct row row;
	int err;

	while ((err = csv_row(&t->csv)) == 0) {
		if (row_is_empty(&t->csv))
			continue;
		if (!header) {
			header = true;
			read_header(t);
			if (!header_ok(t))
				return;
			continue;
		}
		read_row(t, &row);
		if (t->bad_rows > TABLE_BAD_ROWS_MAX) {
			site_error(&t->l->f, "table", field_place(t, 0),
			    "more than %u rows are wrong; the rest of the table was not read",
			    TABLE_BAD_ROWS_MAX);
			site_remedy(&t->l->f,
			    "mend the first ones: is it the right file, with the right separator and decimal sign?");
			return;
		}
	}
	if (err != ERR_END) {
		site_error(&t->l->f, "table", (struct place){ t->file, t->csv.bad_line, t->csv.bad_column }, "%s",
		    t->csv.why);
		site_remedy(&t->l->f, "%s", t->csv.remedy);
	} else if (!header) {
		site_error(&t->l->f, "table", (struct place){ t->file, 1, 1 }, "the table is empty");
		site_remedy(&t->l->f, "the first row names the columns: name,at,unit,scan");
	}
}

static void
read_table(struct table *t, const struct buf *text)
{
	if (csv_init(&t->csv, buf_text(text), text->len) != 0) {
		site_error(&t->l->f, "encoding", (struct place){ t->file, t->csv.bad_line, t->csv.bad_column }, "%s",
		    t->csv.why);
		site_remedy(&t->l->f, "%s", t->csv.remedy);
		return;
	}
	t->env.decimal = t->l->table_decimal ? t->l->table_decimal : t->csv.separator == ';' ? ',' : '.';
	keys_defaults(t->l, tag_keys, t->defaults);
	read_rows(t);
}

static const char *
table_path(struct loader *l, const struct node *file)
{
	static const struct key key = { "tags", KEY_PATH, .help = "" };
	struct keyval v = { 0 };
	return keys_scalar(l, &key, file, "the table", &v) == 0 ? v.s : NULL;
}

void
table_load(struct loader *l, const struct node *file, const struct equipment *e)
{
	const char *path = table_path(l, file);
	struct buf text = { .max = SITE_FILE_MAX + (1u << 20) };
	size_t errors = l->f.report->errors;

	l->tags_missing |= path == NULL;
	if (path == NULL)
		return;
	int err = loader_read(l, path, &text);
	if (err != 0) {
		site_error(&l->f, "unreadable", loader_at(l, file), "table \"%.200s\" cannot be read: %s", path,
		    err == ERR_TYPE ? "it is no regular file" : err_text(err));
		site_remedy(&l->f,
		    "paths of tables are relative to the folder of the site file; a table is at most 64 MiB");
	} else {
		struct table *t = arena_new(&l->scratch, struct table);
		t->l = l;
		t->file = path;
		t->e = e;
		t->env = l->env;
		read_table(t, &text);
		csv_fini(&t->csv);
	}
	l->tags_missing |= l->f.report->errors != errors;
	buf_fini(&text);
}

void
load_tables(struct loader *l)
{
	const struct node *section = l->section[SECTION_TABLES];
	if (section == NULL || node_is_null(section))
		return;
	for (const struct node *n = section->kind == NODE_LIST ? section->first : section; n != NULL;
	    n = section->kind == NODE_LIST ? n->next : NULL) {
		if (n->kind == NODE_SCALAR && !node_is_null(n)) {
			table_load(l, n, NULL);
			continue;
		}
		site_error(&l->f, "wrong-shape", loader_at(l, n), "the section tables holds %s", node_kind_name(n));
		site_remedy(&l->f, "write a list of CSV files: [packaging.csv, utilities.csv]");
	}
}
