/*
 * What was turned away, kept for a person's decision. Strangers decide how often this is called, so it is bounded in every
 * direction: PKI_REJECTED_MAX certificates, a few new ones a minute, a repeated one noted once a minute.
 */
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "pki/inside.h"
#include "pki/record.h"

#define NOTED_AGAIN_NS	(60 * NS_PER_S)

/* "x.der" -> "x.txt" */
static void
note_path(const char *path, char out[PKI_PATH])
{
	size_t n = strlen(path);

	snprintf(out, PKI_PATH, "%.*s.txt", (int)(n > 4 ? n - 4 : n), path);
}

int
pki_read_record(struct pki *p, const char *path, struct record *out)
{
	char note[PKI_PATH];
	uint8_t *bytes;
	size_t len;

	note_path(path, note);
	int err = pki_read(p, note, RECORD_BYTES_MAX, &bytes, &len, NULL);
	if (err == 0)
		err = record_parse((const char *)bytes, len, out);
	free(bytes);
	return err;
}

void
pki_drop_rejected(struct pki *p, const char *path)
{
	char note[PKI_PATH];

	note_path(path, note);
	p->disk->unlink(p->disk->ctx, note);
	p->disk->unlink(p->disk->ctx, path);
}

struct census {
	struct pki	*p;
	size_t		 n;
	int64_t		 oldest_ns;
	char		 folder[PKI_PATH], oldest[PKI_PATH], keep[PKI_PATH];
};

static int
count(void *arg, const char *name)
{
	struct census *c = arg;
	struct disk_stat st;
	char path[PKI_PATH];

	if (!pki_is_cert_file(name) || (size_t)snprintf(path, sizeof path, "%s/%s", c->folder, name) >= sizeof path ||
	    c->p->disk->stat(c->p->disk->ctx, path, &st) != 0)
		return 0;
	c->n++;
	if (strcmp(path, c->keep) != 0 && (c->oldest[0] == '\0' || st.mtime_ns < c->oldest_ns)) {
		c->oldest_ns = st.mtime_ns;
		snprintf(c->oldest, sizeof c->oldest, "%s", path);
	}
	return 0;
}

/* The oldest go until PKI_REJECTED_MAX are left; never the one that has just come. */
static void
make_room(struct pki *p, const char *path)
{
	/* Ends: each round removes one file. More than a few rounds only if a person copied files in. */
	for (unsigned i = 0; i < PKI_LIST_MAX; i++) {
		struct census c = { .p = p };
		pki_path(p, c.folder, "rejected");
		snprintf(c.keep, sizeof c.keep, "%s", path);
		if (p->disk->list(p->disk->ctx, c.folder, count, &c) != 0 || c.n <= PKI_REJECTED_MAX || c.oldest[0] == '\0')
			return;
		pki_drop_rejected(p, c.oldest);
		log_warn("certificate_rejected_forgotten", "file=\"%s\" remedy=\"more than %u strange certificates were shown; when the device "
		    "shows it again it is kept again\"", c.oldest, PKI_REJECTED_MAX);
	}
}

static int
write_files(struct pki *p, X509 *x, const char *path, const struct record *r)
{
	struct buf text = { 0 };
	char note[PKI_PATH];
	uint8_t *der;
	size_t n = cert_der(x, &der);

	record_print(r, &text);
	note_path(path, note);
	int err = n == 0 || text.err != 0 ? ERR_NOMEM : pki_write(p, note, text.p, text.len, false);
	if (err == 0 && !pki_exists(p, path))
		err = pki_write(p, path, der, n, false);
	OPENSSL_free(der);
	buf_fini(&text);
	return err;
}

static void
fill_record(struct record *r, const char *from, enum pki_status status, const char *text, struct wall now)
{
	if (r->first.ns == 0)
		r->first = now;
	r->last = now;
	snprintf(r->from, sizeof r->from, "%s", from != NULL ? from : "");
	snprintf(r->status, sizeof r->status, "%s", pki_status_name(status));
	snprintf(r->why, sizeof r->why, "%s", text);
	cert_clean(r->from);
	cert_clean(r->why);
}

static void
path_of(struct pki *p, X509 *x, char out[PKI_PATH])
{
	char stem[PKI_STEM], rel[PKI_STEM + 16];

	pki_stem(x, stem);
	snprintf(rel, sizeof rel, "rejected/%s.der", stem);
	pki_path(p, out, rel);
}

int
pki_put_rejected(struct pki *p, X509 *x, const char *from, enum pki_status status, const char *text, struct wall now)
{
	struct record r = { 0 };
	char path[PKI_PATH];

	path_of(p, x, path);
	if (pki_read_record(p, path, &r) != 0)
		r = (struct record){ 0 };
	fill_record(&r, from, status, text, now);
	int err = write_files(p, x, path, &r);
	if (err != 0)
		return pki_fail(p, err, "%s cannot be written: %s", path, err_text(err));
	make_room(p, path);
	return 0;
}

void
pki_keep_rejected(struct pki *p, X509 *x, const char *from, enum pki_status status, const char *text, struct wall now)
{
	struct record r;
	char path[PKI_PATH], sha1[PKI_SHA1_TEXT], subject[PKI_NAME_MAX], who[200];
	unsigned long more = 0;

	path_of(p, x, path);
	bool known = pki_exists(p, path);
	if (known && pki_read_record(p, path, &r) == 0 && now.ns - r.last.ns < NOTED_AGAIN_NS && now.ns >= r.last.ns)
		return;
	if (!log_limit_ok(&p->rejects, mono_now(), &more) || pki_lock(p, 0) != 0)
		return;
	int err = pki_put_rejected(p, x, from, status, text, now);
	pki_unlock(p);
	cert_sha1(x, sha1);
	cert_name(X509_get_subject_name(x), subject);
	snprintf(who, sizeof who, "%s", from != NULL ? from : "");
	cert_clean(who);
	if (err != 0)
		log_warn("certificate_not_kept", "side=%s from=\"%s\" subject=\"%s\" sha1=%s err=%s", pki_side_name(p->side), who, subject, sha1,
		    err_name(err));
	else if (!known)
		log_warn("certificate_rejected", "side=%s from=\"%s\" subject=\"%s\" sha1=%s status=%s kept=\"%s\" left_out=%lu", pki_side_name(p->side),
		    who, subject, sha1, pki_status_name(status), path, more);
}
