/* See reads.h. */
#include "sink/sap_odata/reads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/file.h"
#include "proto/odata/url.h"
#include "proto/odata/value.h"
#include "sink/sap_odata/classify.h"
#include "sink/sap_odata/read.h"
#include "sink/sap_odata/worker.h"

#define VALUE_TEXT_MAX	1000u
#define PAGES_MAX	1000u		/* of one round: a far end that always has one more is not followed for ever */
#define KNOWN_MAX	100000u		/* tags of which the last value is remembered */

struct one {			/* a row of `read` */
	struct reads		*of;
	const struct sap_read	*cfg;
	const struct mapping	*m;
	struct message_env	 env;
	bool			 asking;
	struct mono		 due;
	unsigned		 pages;
	char			 mark[READ_MARK_MAX], newest[READ_MARK_MAX];	/* kept; of the round that is on */
	char			*next;		/* READ_NEXT_MAX bytes: the page to ask for, "" from the mark on */
	bool			 to_keep;	/* newest is to be kept once all is written */
	bool			 refused;	/* gate took not all of it: the same rows are read again */
	char			 trouble[300];
};

struct known { uint64_t hash; };

struct reads {
	struct worker	*w;
	struct one	*v;
	size_t		 n, nknown;
	uint64_t	 rows;		/* read so far */
	struct map	 known;		/* tag -> hash of the value passed on last */
	struct arena	 arena;
};

/* ---- a row becomes writes ---- */

static size_t
waiting(struct reads *r)
{
	pthread_mutex_lock(&r->w->lock);
	size_t n = r->w->nwrites;
	pthread_mutex_unlock(&r->w->lock);
	return n;
}

static bool
is_news(struct reads *r, const char *tag, const char *text)
{
	uint64_t h = hash64(text, strlen(text));
	struct known *k = map_get(&r->known, tag, strlen(tag));

	if (k != NULL && k->hash == h)
		return false;
	if (k == NULL && r->nknown < KNOWN_MAX) {
		char *key = arena_strdup(&r->arena, tag);
		k = arena_new(&r->arena, struct known);
		map_put(&r->known, key, strlen(key), k);
		r->nknown++;
	}
	if (k != NULL)
		k->hash = h;
	return true;
}

/* As text: gate reads it as what the tag is. */
static void
pass_on(struct one *o, const char *tag, const char *text, bool last)
{
	struct reads *r = o->of;
	size_t tlen = strlen(tag) + 1, len = strlen(text);
	struct sap_write *x = is_news(r, tag, text) ? calloc(1, sizeof *x + tlen + len + 1) : NULL;

	if (x == NULL)
		return;
	x->of = o;
	x->row = r->rows;
	x->last = last;
	x->tag = (char *)(x + 1);
	memcpy(x->tag, tag, tlen);
	memcpy(x->tag + tlen, text, len + 1);
	x->v = (struct value){ .type = VALUE_TEXT, .len = (uint32_t)len, .p = x->tag + tlen };
	pthread_mutex_lock(&r->w->lock);
	*r->w->writes_end = x;
	r->w->writes_end = &x->next;
	r->w->nwrites++;
	pthread_mutex_unlock(&r->w->lock);
}

static const char *
text_of(const struct read_row *row, const char *name, char out[VALUE_TEXT_MAX])
{
	const struct reading *rd = row->m->reading;

	for (uint32_t i = 0; i < rd->ntags; i++)
		if (strcmp(rd->tags[i].name, name) == 0) {
			if (row->v[i].null)
				return "";
			edm_text(&row->v[i], out, VALUE_TEXT_MAX);
			return out;
		}
	return NULL;
}

/* "Packaging/{work-center}/order" with the row's own values. false: one of them is not there, or makes no path. */
static bool
place_of(const struct read_row *row, const char *pattern, char *out, size_t size)
{
	char name[64], value[VALUE_TEXT_MAX];
	size_t n = 0;

	for (const char *p = pattern; *p != '\0'; p++) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		if (end == NULL) {
			if (n + 1 < size)
				out[n++] = *p;
			continue;
		}
		snprintf(name, sizeof name, "%.*s", (int)(end - p - 1 < 63 ? end - p - 1 : 63), p + 1);
		const char *v = text_of(row, name, value);
		if (v == NULL || v[0] == '\0' || strpbrk(v, "/*?") != NULL || n + strlen(v) + 1 >= size)
			return false;
		memcpy(out + n, v, strlen(v));
		n += strlen(v);
		p = end;
	}
	out[n] = '\0';
	return n > 0 && n + 1 < size;
}

/* Conditions of the row of `read` that name a tag of the reading: they are held against what came. */
static bool
wanted(const struct one *o, const struct read_row *row)
{
	char value[VALUE_TEXT_MAX];

	for (size_t i = 0; i < o->cfg->nwhere; i++) {
		const char *v = text_of(row, o->cfg->where[i].name, value);
		if (v != NULL && strcmp(v, o->cfg->where[i].value) != 0)
			return false;
	}
	return true;
}

static void
on_row(void *arg, const struct read_row *row)
{
	struct one *o = arg;
	const struct reading *rd = row->m->reading;
	char place[REQUEST_TARGET_MAX], tag[REQUEST_TARGET_MAX + 1], value[VALUE_TEXT_MAX];

	if (!wanted(o, row) || !place_of(row, o->cfg->equipment, place, sizeof place))
		return;
	o->of->rows++;
	for (unsigned key = 0; key < 2; key++)		/* the key in the second round */
		for (uint32_t i = 0; i < rd->ntags; i++) {
			if ((strcmp(rd->tags[i].name, rd->key) == 0) != (key == 1) || row->v[i].null)
				continue;
			edm_text(&row->v[i], value, sizeof value);
			if (snprintf(tag, sizeof tag, "%s/%s", place, rd->tags[i].name) < (int)sizeof tag &&
			    plan_tag(o->of->w->plan, tag) != NULL)
				pass_on(o, tag, value, key == 1);
		}
}

/* ---- asking ---- */

static void
mark_path(const struct one *o, char *out, size_t size)
{
	uint64_t h = hash64(o->cfg->equipment, strlen(o->cfg->equipment));

	h = hash64_more(h, o->cfg->mapping, strlen(o->cfg->mapping));
	for (size_t i = 0; i < o->cfg->nwhere; i++) {
		h = hash64_more(h, o->cfg->where[i].name, strlen(o->cfg->where[i].name));
		h = hash64_more(h, o->cfg->where[i].value, strlen(o->cfg->where[i].value));
	}
	snprintf(out, size, "%s/read-%016llx.mark", o->of->w->dir, (unsigned long long)h);
}

/*
 * All that came up to the newest marker is written: the next round goes on from there. What gate refused must come again,
 * also when nobody changes its row in SAP: else a tag would stay with the order of before, and that order be booked.
 */
static void
keep_mark(struct one *o)
{
	char path[DISK_PATH_MAX + 64];
	bool refused = o->refused;

	o->to_keep = o->refused = false;
	if (refused || o->newest[0] == '\0' || strcmp(o->newest, o->mark) == 0)
		return;
	snprintf(o->mark, sizeof o->mark, "%s", o->newest);
	mark_path(o, path, sizeof path);
	int err = disk_replace(&disk_os, path, o->mark, strlen(o->mark));
	if (err != 0)
		log_warn("mark_not_kept", "file=\"%s\" error=\"%s\"", path, err_text(err));
}

static void
round_ends(struct one *o, const char *trouble)
{
	o->next[0] = '\0';
	o->pages = 0;
	o->due = mono_add(mono_now(), o->of->w->cfg->poll_ns);
	if (trouble[0] != '\0' && o->trouble[0] == '\0')
		log_warn("read_failed", "sink=%s mapping=%s why=\"%s\"", o->of->w->name, o->m->name, trouble);
	snprintf(o->trouble, sizeof o->trouble, "%s", trouble);
}

static void
on_page(void *arg, const struct far_answer *got)
{
	struct one *o = arg;
	struct sap_answer a = sap_answer_of(got);
	struct outbox_verdict v;
	struct arena arena = { 0 };
	struct read_page *page = arena_new(&arena, struct read_page);
	char text[300];

	o->asking = false;
	sap_judge(ASKED_LIST, false, &a, wall_now(), &arena, &v);
	int err = v.kind == OUTBOX_IS_DONE ? read_rows(o->m, a.body, a.len, on_row, o, page) : 0;
	uv_async_send(o->of->w->async);		/* there may be values to write */
	if (v.kind != OUTBOX_IS_DONE || err != 0) {
		snprintf(text, sizeof text, "%.250s", err != 0 ? page->why : v.text[0] != '\0' ? v.text : v.code);
		round_ends(o, text);
		arena_fini(&arena);
		return;
	}
	if (strcmp(page->mark, o->newest) > 0)
		snprintf(o->newest, sizeof o->newest, "%s", page->mark);
	if (page->bad > 0)
		log_warn("rows_passed_over", "sink=%s mapping=%s rows=%zu first=\"%.200s\"", o->of->w->name,
		    o->m->name, page->bad, page->why);
	const char *host = strstr(o->of->w->cfg->far.base, "://") + 3;
	const char *below = page->next[0] != '\0' && ++o->pages < PAGES_MAX
	    ? odata_below(page->next, host, o->m->service) : NULL;
	if (page->next[0] != '\0' && below == NULL && o->pages < PAGES_MAX)
		round_ends(o, "the server's link to the next page leads elsewhere");
	else if (below == NULL) {
		o->to_keep = true;
		round_ends(o, "");
	} else {
		snprintf(o->next, READ_NEXT_MAX, "%s", below);
		o->due = (struct mono){ 0 };
	}
	arena_fini(&arena);
}

static void
ask(struct one *o, struct far *f)
{
	static const char *const h[] = { "accept: application/json", NULL };
	struct buf path = { .max = HTTP_URL_MAX };
	char why[300] = "";

	int err = 0;
	if (o->next[0] != '\0')
		buf_puts(&path, o->next);
	else
		err = read_path(o->m, &o->env, o->mark, &path, why, sizeof why);
	const struct far_call c = { .method = "GET", .service = o->m->service, .path = buf_text(&path), .headers = h };
	if (err == 0 && (err = path.err) == 0)
		err = far_start(f, &c, on_page, o);
	o->asking = err == 0;
	buf_fini(&path);
	if (err != 0)
		round_ends(o, why[0] != '\0' ? why : err_text(err));
}

/* What gate refused is no longer taken for known, and read again. */
static void
forget_unwritten(struct reads *r)
{
	pthread_mutex_lock(&r->w->lock);
	struct sap_write *x = r->w->unwritten;
	r->w->unwritten = NULL;
	pthread_mutex_unlock(&r->w->lock);
	for (struct sap_write *next; x != NULL; x = next) {
		struct known *k = map_get(&r->known, x->tag, strlen(x->tag));
		next = x->next;
		if (k != NULL)
			k->hash = 0;
		((struct one *)x->of)->refused = true;
		free(x);
	}
}

struct mono
reads_turn(struct reads *r, struct far *f, struct mono now)
{
	struct mono next = MONO_NEVER;
	size_t left = r->n > 0 ? waiting(r) : 0;

	forget_unwritten(r);

	for (size_t i = 0; i < r->n; i++) {
		struct one *o = &r->v[i];
		if (o->to_keep && left == 0)
			keep_mark(o);
		if (!o->asking && !mono_before(now, o->due) && left < READS_WRITES_MAX)
			ask(o, f);
		if (!o->asking && left < READS_WRITES_MAX)
			next = mono_min(next, o->due);
	}
	return next;
}

void
reads_tell(const struct reads *r, struct buf *t)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].trouble[0] != '\0') {
			buf_printf(t, "; %s cannot be read: %s", r->v[i].m->name, r->v[i].trouble);
			return;
		}
}

/* ---- life ---- */

static void
load_mark(struct one *o)
{
	char path[DISK_PATH_MAX + 64];
	struct buf b = { 0 };

	mark_path(o, path, sizeof path);
	if (file_read(path, READ_MARK_MAX - 1, &b) == 0)
		snprintf(o->mark, sizeof o->mark, "%s", buf_text(&b));
	snprintf(o->newest, sizeof o->newest, "%s", o->mark);
	buf_fini(&b);
}

int
reads_open(struct worker *w, struct reads **out, char *why, size_t size)
{
	struct reads *r = calloc(1, sizeof *r);

	if (r == NULL) {
		snprintf(why, size, "%s", err_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	r->w = w;
	r->v = arena_array(&r->arena, w->cfg->nreads + 1, sizeof *r->v);
	for (; r->n < w->cfg->nreads; r->n++) {
		struct one *o = &r->v[r->n];
		const struct sap_read *c = &w->cfg->reads[r->n];
		/* What narrows this reading alone comes before what the sink sets for all. */
		struct message_setting *s = arena_array(&r->arena, c->nwhere + w->cfg->nsettings + 1, sizeof *s);
		size_t n = 0;
		for (size_t i = 0; i < c->nwhere; i++)
			if (c->where[i].value[0] != '\0')
				s[n++] = c->where[i];
		for (size_t i = 0; i < w->cfg->nsettings; i++)
			s[n++] = w->cfg->settings[i];
		*o = (struct one){ .of = r, .cfg = c, .m = mapping_find(w->set, c->mapping),
		    .next = arena_alloc(&r->arena, READ_NEXT_MAX),
		    .env = { .zones = w->plan->offsets, .nzones = w->plan->noffsets, .settings = s, .nsettings = n } };
		load_mark(o);
	}
	*out = r;
	return 0;
}

void
reads_close(struct reads *r)
{
	if (r == NULL)
		return;
	map_fini(&r->known);
	arena_fini(&r->arena);
	free(r);
}
