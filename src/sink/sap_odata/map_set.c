/* See map.h: many mappings, the ready ones and a site's own. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "os/file.h"
#include "sink/sap_odata/map_int.h"

static void
put(struct mapping_set *s, struct findings *f, const struct mapping *m, bool own)
{
	struct mapping *w = (struct mapping *)(uintptr_t)m;

	w->of = s;
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->v[i]->name, m->name) != 0)
			continue;
		if (own && strncmp(s->v[i]->at.file, "ready/", 6) != 0) {
			site_error(f, "duplicate-mapping", m->at, "the mapping %s is in %s already", m->name,
			    s->v[i]->at.file);
			site_remedy(f, "rename or remove one of the two");
			return;
		}
		s->v[i] = m;
		return;
	}
	if (s->n == MAPPINGS_MAX) {
		site_error(f, "limit", m->at, "there are more than %u mappings", MAPPINGS_MAX);
		site_remedy(f, "remove some");
		return;
	}
	s->v[s->n++] = m;
}

static void
add(struct mapping_set *s, struct findings *f, const char *file, const char *text, size_t len, bool own)
{
	if (len > MAPPING_FILE_MAX) {
		site_error(f, "limit", (struct place){ file, 1, 1 }, "the file is larger than %u KiB",
		    MAPPING_FILE_MAX / 1024);
		site_remedy(f, "a mapping is a page or two: is it one?");
		return;
	}
	const struct mapping *m = map_file_read(&s->arena, f, file, text, len);
	if (m != NULL)
		put(s, f, m, own);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(const struct mapping *const *)a)->name, (*(const struct mapping *const *)b)->name);
}

static struct mapping_set *
begin(struct findings *f)
{
	struct mapping_set *s = calloc(1, sizeof *s);

	for (size_t i = 0; s != NULL && sap_ready[i][0] != NULL; i++) {
		char file[120];
		snprintf(file, sizeof file, "ready/%.100s", sap_ready[i][0]);
		add(s, f, file, sap_ready[i][1], strlen(sap_ready[i][1]), false);
	}
	return s;
}

static int
end(struct mapping_set *s, const struct findings *f, size_t errors, struct mapping_set **out)
{
	qsort(s->v, s->n, sizeof s->v[0], by_name);
	*out = s;
	return f->report->errors > errors ? ERR_SYNTAX : 0;
}

int
mapping_load_texts(const struct mapping_text *v, size_t n, struct findings *f, struct mapping_set **out)
{
	size_t errors = f->report->errors;
	struct mapping_set *s = *out = begin(f);

	if (s == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		add(s, f, v[i].name, v[i].text, v[i].len, true);
	return end(s, f, errors, out);
}

static int
is_yaml(const struct dirent *d)
{
	size_t len = strlen(d->d_name);
	return d->d_name[0] != '.' && len > 5 && strcmp(d->d_name + len - 5, ".yaml") == 0;
}

static int
add_file(struct mapping_set *s, struct findings *f, const char *folder, const char *name)
{
	struct buf text = { .max = MAPPING_FILE_MAX + 1 };
	const char *path = arena_printf(&s->arena, "%s/%s", folder, name);

	int err = file_read(path, MAPPING_FILE_MAX, &text);
	if (err == 0)
		add(s, f, path, buf_text(&text), text.len, true);
	else {
		site_error(f, "unreadable", (struct place){ path, 1, 1 }, "the mapping cannot be read: %s",
		    err_text(err));
		site_remedy(f, "make it readable for those who run Penstock, or remove it");
	}
	buf_fini(&text);
	return err;
}

int
mapping_load(const char *folder, struct findings *f, struct mapping_set **out)
{
	size_t errors = f->report->errors;
	struct dirent **names = NULL;
	struct mapping_set *s = *out = begin(f);

	if (s == NULL)
		return ERR_NOMEM;
	int n = folder != NULL ? scandir(folder, &names, is_yaml, alphasort) : 0;
	if (n < 0) {
		int err = err_from_errno(errno);
		site_error(f, "unreadable", (struct place){ arena_strdup(&s->arena, folder), 1, 1 },
		    "the folder of mappings cannot be read: %s", err_text(err));
		site_remedy(f, "name a folder that is there and readable, or leave the key `mappings` out");
		return err;
	}
	for (int i = 0; i < n; i++) {
		add_file(s, f, folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return end(s, f, errors, out);
}

int
mapping_load_quiet(const char *folder, struct mapping_set **out, char *why, size_t size)
{
	struct site_report r;
	struct findings f;

	findings_init(&f, &r);
	int err = mapping_load(folder, &f, out);
	findings_finish(&f);
	for (size_t i = 0; err != 0 && i < r.n; i++)
		if (r.findings[i].severity == FINDING_ERROR) {
			const struct finding *x = &r.findings[i];
			snprintf(why, size, "%s:%d:%d: %s; %s", x->place.file, x->place.line, x->place.column,
			    x->cause, x->remedy != NULL ? x->remedy : "");
			break;
		}
	site_report_free(&r);
	return err;
}

void
mapping_set_free(struct mapping_set *s)
{
	if (s == NULL)
		return;
	arena_fini(&s->arena);
	free(s);
}

const struct mapping *const *
mapping_all(const struct mapping_set *s, size_t *n)
{
	*n = s->n;
	return s->v;
}

const struct mapping *
mapping_find(const struct mapping_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i]->name, name) == 0)
			return s->v[i];
	return NULL;
}

const char *
mapping_near(const struct mapping_set *s, const char *name)
{
	struct near n = { .word = name };
	for (size_t i = 0; i < s->n; i++)
		near_try(&n, s->v[i]->name);
	return n.best;
}

const char *
mapping_ready_text(const struct mapping *m)
{
	static const char folder[] = "ready/";

	if (strncmp(m->at.file, folder, sizeof folder - 1) != 0)
		return NULL;
	for (size_t i = 0; sap_ready[i][0] != NULL; i++)
		if (strcmp(sap_ready[i][0], m->at.file + sizeof folder - 1) == 0)
			return sap_ready[i][1];
	return NULL;
}

const char *const *
mapping_settings(const struct mapping *m)
{
	return map_full(m)->settings;
}

/* What is known of SAP's own messages, whatever the mapping. */
static const struct hint common[] = {
	{ "M7/053",
	    "the posting period is closed: have it opened in SAP (MMPV), or give the event another posting date" },
	{ "M3/305",
	    "the material is not known in SAP, or not in this plant: compare number and plant with the material master" },
	{ "M7/021",
	    "there is not enough stock of a component: correct the stock in SAP, or the storage location of the mapping" },
};

const char *
mapping_hint(const struct mapping *m, const char *code)
{
	const struct mapping_full *full = map_full(m);

	if (code == NULL)
		return NULL;
	for (uint32_t i = 0; i < full->nhints; i++)
		if (strcmp(full->hints[i].code, code) == 0)
			return full->hints[i].text;
	for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
		if (strcmp(common[i].code, code) == 0)
			return common[i].text;
	return NULL;
}
