/* See metas.h. */
#include "sink/sap_odata/metas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/file.h"

#define RETRY_NS	(60 * NS_PER_S)		/* after a failure, twice as long each time */
#define ETAG_MAX	200u
#define FINDINGS_LOGGED	20u

struct entry {
	const char		*service;	/* of a mapping */
	struct metas		*of;
	struct arena		 arena;		/* of meta */
	struct odata_meta	*meta;
	char			 etag[ETAG_MAX];
	bool			 fetching, asked;
	struct mono		 due;
	int64_t			 pause_ns, every_ns;
	char			 trouble[400];
	size_t			 misfits;
	char			 first[300];
};

struct metas {
	char			 dir[DISK_PATH_MAX];	/* "": none */
	bool			 quiet;
	const struct mapping	**mappings;
	size_t			 nmappings;
	struct entry		*v;
	size_t			 n;
};

static void
path_of(const struct entry *e, const char *ending, char *out, size_t size)
{
	const char *name = strrchr(e->service, '/');

	/* The last name is for people, the number tells two services of one name apart. */
	snprintf(out, size, "%s/%.100s-%016llx.%s", e->of->dir, name != NULL ? name + 1 : e->service,
	    (unsigned long long)hash64(e->service, strlen(e->service)), ending);
}

/* ---- the mappings held against it ---- */

static void
check(struct entry *e)
{
	struct site_report r = { 0 };
	struct findings f;

	findings_init(&f, &r);
	e->misfits = 0;
	for (size_t i = 0; i < e->of->nmappings; i++)
		if (strcmp(e->of->mappings[i]->service, e->service) == 0)
			e->misfits += mapping_check(e->of->mappings[i], e->meta, &f);
	findings_finish(&f);
	e->first[0] = '\0';
	for (size_t i = 0; i < r.n; i++) {
		const struct finding *x = &r.findings[i];
		if (i < FINDINGS_LOGGED && !e->of->quiet)
			log_event(x->severity == FINDING_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "mapping_misfit",
			    "file=\"%s\" line=%d rule=%s cause=\"%s\" remedy=\"%s\"", x->place.file, x->place.line, x->rule, x->cause, x->remedy);
		if (e->first[0] == '\0' && x->severity == FINDING_ERROR)
			snprintf(e->first, sizeof e->first, "%.250s", x->cause);
	}
	site_report_free(&r);
}

/* Take this XML. 0, or an error with why; then what was known stays. */
static int
take(struct entry *e, const char *xml, size_t len, char *why)
{
	struct arena a = { 0 };
	struct odata_meta *meta;

	int err = odata_meta_parse(xml, len, &a, &meta, why);
	if (err != 0) {
		arena_fini(&a);
		return err;
	}
	arena_fini(&e->arena);
	e->arena = a;
	e->meta = meta;
	check(e);
	return 0;
}

/* ---- the copy on the disk ---- */

static void
load(struct entry *e)
{
	char path[DISK_PATH_MAX + 200], why[META_WHY_MAX];
	struct buf b = { .max = META_BYTES_MAX + (1u << 17) };

	path_of(e, "xml", path, sizeof path);
	int err = file_read(path, META_BYTES_MAX, &b);
	if (err == 0 && (err = take(e, buf_text(&b), b.len, why)) != 0)
		log_warn("metadata_copy_unusable", "file=\"%s\" error=\"%s\"", path, why);
	buf_reset(&b);
	path_of(e, "etag", path, sizeof path);
	if (err == 0 && file_read(path, ETAG_MAX - 1, &b) == 0 && strpbrk(buf_text(&b), "\r\n") == NULL)
		snprintf(e->etag, sizeof e->etag, "%s", buf_text(&b));
	buf_fini(&b);
}

static void
keep(struct entry *e, const char *xml, size_t len)
{
	char path[DISK_PATH_MAX + 200];

	/* The ETag goes first and comes last: it is never that of another copy. */
	path_of(e, "etag", path, sizeof path);
	disk_os.unlink(disk_os.ctx, path);
	path_of(e, "xml", path, sizeof path);
	int err = disk_replace(&disk_os, path, xml, len);
	path_of(e, "etag", path, sizeof path);
	if (err == 0 && e->etag[0] != '\0')
		err = disk_replace(&disk_os, path, e->etag, strlen(e->etag));
	if (err != 0)
		log_warn("metadata_not_kept", "file=\"%s\" error=\"%s\"", path, err_text(err));
}

/* ---- fetching ---- */

static void
failed(struct entry *e, const char *why)
{
	int64_t next = e->pause_ns == 0 ? RETRY_NS : e->pause_ns * 2;

	e->pause_ns = next < e->every_ns ? next : e->every_ns;
	e->due = mono_add(mono_now(), e->pause_ns);
	snprintf(e->trouble, sizeof e->trouble, "the metadata of %.100s cannot be had: %.180s", e->service, why);
	if (!e->of->quiet)
		log_warn("metadata_not_fetched", "service=%s why=\"%.200s\"", e->service, why);
}

static void
on_meta(void *arg, const struct far_answer *a)
{
	struct entry *e = arg;
	const struct http_answer *h = a->http;
	char why[META_WHY_MAX + 100];

	e->fetching = false;
	e->asked = true;
	if (h->end != HTTP_ANSWERED)
		snprintf(why, sizeof why, "%.300s", h->why);
	else if (h->cut)
		snprintf(why, sizeof why, "it is longer than answer-max");
	else
		snprintf(why, sizeof why, "HTTP status %d", h->status);
	if (h->end != HTTP_ANSWERED || h->cut || (h->status != 200 && (h->status != 304 || e->meta == NULL))) {
		failed(e, why);
		return;
	}
	if (h->status == 200 && take(e, h->body, h->len, why) != 0) {
		failed(e, why);
		return;
	}
	e->pause_ns = 0;
	e->trouble[0] = '\0';
	e->due = mono_add(mono_now(), e->every_ns);
	if (h->status != 200 || e->of->dir[0] == '\0')
		return;
	const char *etag = http_header(h, "etag");
	snprintf(e->etag, sizeof e->etag, "%s", etag != NULL && strlen(etag) < ETAG_MAX ? etag : "");
	keep(e, h->body, h->len);
	log_info("metadata", "service=%s bytes=%zu misfits=%zu", e->service, h->len, e->misfits);
}

static void
fetch(struct entry *e, struct far *f)
{
	char match[ETAG_MAX + 20];
	const char *h[] = { "accept: application/xml", e->etag[0] != '\0' && e->meta != NULL ? match : NULL, NULL };
	const struct far_call c = { .method = "GET", .service = e->service, .path = "$metadata", .headers = h };

	snprintf(match, sizeof match, "if-none-match: %s", e->etag);
	int err = far_start(f, &c, on_meta, e);
	e->fetching = err == 0;
	e->asked |= err != 0;
	if (err != 0)
		failed(e, err_text(err));
}

struct mono
metas_turn(struct metas *m, struct far *f, struct mono now, int64_t every_ns)
{
	struct mono next = MONO_NEVER;

	for (size_t i = 0; i < m->n; i++) {
		struct entry *e = &m->v[i];
		e->every_ns = every_ns;
		if (!e->fetching && !mono_before(now, e->due))
			fetch(e, f);
		if (!e->fetching)
			next = mono_min(next, e->due);
	}
	return next;
}

/* ---- life ---- */

int
metas_open(const char *dir, const struct mapping *const *v, size_t n, bool quiet, struct metas **out, char *why, size_t size)
{
	struct metas *m = calloc(1, sizeof *m);

	if (m == NULL || (m->mappings = calloc(n + 1, sizeof *m->mappings)) == NULL || (m->v = calloc(n + 1, sizeof *m->v)) == NULL)
		fatal("out_of_memory", "what=metadata");
	m->quiet = quiet;
	snprintf(m->dir, sizeof m->dir, "%s", dir != NULL ? dir : "");
	int err = dir != NULL ? disk_os.mkdir(disk_os.ctx, dir) : 0;
	if (err != 0) {
		snprintf(why, size, "the folder %.200s cannot be made: %s", dir, err_text(err));
		metas_close(m);
		return err;
	}
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		m->mappings[m->nmappings++] = v[i];
		while (k < m->n && strcmp(m->v[k].service, v[i]->service) != 0)
			k++;
		if (k == m->n)
			m->v[m->n++] = (struct entry){ .service = v[i]->service, .of = m };
	}
	for (size_t i = 0; dir != NULL && i < m->n; i++)
		load(&m->v[i]);
	*out = m;
	return 0;
}

void
metas_close(struct metas *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++)
		arena_fini(&m->v[i].arena);
	free(m->mappings);
	free(m->v);
	free(m);
}

void
metas_hush(struct metas *m)
{
	m->quiet = true;
}

const struct odata_meta *
metas_of(const struct metas *m, const char *service)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->v[i].service, service) == 0)
			return m->v[i].meta;
	return NULL;
}

bool
metas_settled(const struct metas *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->v[i].asked)
			return false;
	return true;
}

const char *
metas_trouble(const struct metas *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].trouble[0] != '\0')
			return m->v[i].trouble;
	return NULL;
}

size_t
metas_misfits(const struct metas *m, char *first, size_t size)
{
	size_t n = 0;

	first[0] = '\0';
	for (size_t i = 0; i < m->n; i++) {
		if (n == 0)
			snprintf(first, size, "%s", m->v[i].first);
		n += m->v[i].misfits;
	}
	return n;
}

void
metas_report(const struct metas *m, struct place at, struct findings *f)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct entry *e = &m->v[i];
		if (e->trouble[0] != '\0') {
			site_error(f, "sap-online", at, "%s", e->trouble);
			site_remedy(f, "see that the server is there, the user may log on, and the service is active in SAP");
		}
		for (size_t k = 0; k < m->nmappings && e->meta != NULL; k++)
			if (strcmp(m->mappings[k]->service, e->service) == 0)
				mapping_check(m->mappings[k], e->meta, f);
	}
}
