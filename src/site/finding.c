/* See finding.h. */
#include "site/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct finding_more {
	size_t		index;		/* into report->findings */
	size_t		repeats;	/* further ones of this rule at this place */
	bool		remedied;
};

void
findings_init(struct findings *f, struct site_report *report)
{
	*report = (struct site_report){ 0 };
	*f = (struct findings){ .report = report };
}

void
findings_resume(struct findings *f, struct site_report *report)
{
	*f = (struct findings){ .report = report, .cap = report->n };
}

/* Findings name their file by a text of the report, since the plan that knew it may be gone. */
static const char *
keep_file(struct findings *f, const char *file)
{
	struct site_report *r = f->report;
	if (file == NULL)
		return "";
	for (size_t i = r->n; i > 0 && i + 8 > r->n; i--)
		if (strcmp(r->findings[i - 1].place.file, file) == 0)
			return r->findings[i - 1].place.file;
	return arena_strdup(&r->arena, file);
}

__attribute__((format(printf, 2, 0))) static const char *
keep_text(struct findings *f, const char *fmt, va_list ap)
{
	char text[FINDING_TEXT_MAX];
	int n = vsnprintf(text, sizeof text, fmt, ap);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
	/* What stands in the file may hold anything; a terminal gets no control bytes from us. */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	return arena_strndup(&f->report->arena, text, len);
}

static uint64_t
identity(const char *rule, struct place at)
{
	uint64_t h = hash64(rule, strlen(rule));
	if (at.file != NULL)
		h = hash64_more(h, at.file, strlen(at.file));
	h = hash64_more(h, &at.line, sizeof at.line);
	return hash64_more(h, &at.column, sizeof at.column);
}

static bool
room_for_one(struct findings *f)
{
	struct site_report *r = f->report;
	if (r->n < f->cap)
		return true;
	if (f->cap >= SITE_FINDINGS_MAX)
		return false;
	size_t cap = f->cap ? f->cap * 4 : 16;
	cap = cap < SITE_FINDINGS_MAX ? cap : SITE_FINDINGS_MAX;
	struct finding *more = arena_array(&r->arena, cap, sizeof *more);
	if (r->n > 0)
		memcpy(more, r->findings, r->n * sizeof *more);
	r->findings = more;
	f->cap = cap;
	return true;
}

__attribute__((format(printf, 5, 0))) static void
add(struct findings *f, enum severity severity, const char *rule, struct place at, const char *fmt, va_list ap)
{
	struct site_report *r = f->report;
	uint64_t id = identity(rule, at);
	struct finding_more *m = map_get_u64(&f->seen, id);

	if (m != NULL) {
		m->repeats++;
		f->last = m;
		return;
	}
	if (severity == FINDING_ERROR)
		r->errors++;
	else
		r->warnings++;
	f->last = NULL;
	if (!room_for_one(f)) {
		r->left_out++;
		return;
	}
	const char *file = keep_file(f, at.file);
	m = arena_new(&r->arena, struct finding_more);
	m->index = r->n++;
	r->findings[m->index] = (struct finding){
		.severity = severity, .rule = rule, .place = { file, at.line, at.column },
		.cause = keep_text(f, fmt, ap), .remedy = "",
	};
	map_put_u64(&f->seen, id, m);
	f->last = m;
}

void
site_error(struct findings *f, const char *rule, struct place at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(f, FINDING_ERROR, rule, at, fmt, ap);
	va_end(ap);
}

void
site_warning(struct findings *f, const char *rule, struct place at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(f, FINDING_WARNING, rule, at, fmt, ap);
	va_end(ap);
}

void
site_remedy(struct findings *f, const char *fmt, ...)
{
	if (f->last == NULL || f->last->remedied)
		return;
	va_list ap;
	va_start(ap, fmt);
	f->report->findings[f->last->index].remedy = keep_text(f, fmt, ap);
	va_end(ap);
	f->last->remedied = true;
}

static int
by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int file = strcmp(x->place.file, y->place.file);
	if (file != 0)
		return file;
	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.column != y->place.column)
		return x->place.column < y->place.column ? -1 : 1;
	return strcmp(x->rule, y->rule);
}

void
findings_finish(struct findings *f)
{
	struct site_report *r = f->report;
	for (size_t i = 0; i < r->n; i++) {
		struct finding *one = &r->findings[i];
		struct finding_more *m = map_get_u64(&f->seen, identity(one->rule, one->place));
		if (m != NULL && m->repeats > 0)
			one->cause = arena_printf(&r->arena, "%s (and %zu more of this kind from this place)",
			    one->cause, m->repeats);
	}
	if (r->n > 1)
		qsort(r->findings, r->n, sizeof *r->findings, by_place);
	map_fini(&f->seen);
	f->last = NULL;
}
