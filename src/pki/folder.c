/*
 * The files of a list, looked at anew each time: it is needed when a connection begins, and a person may change it at any
 * moment. A file that cannot be used is a row of its own that says so and spoils nothing:
 * one bad copy must not make a plant's other certificates unknown.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "pki/inside.h"

#define PEM_MAX	256u	/* objects of one PEM file */

static const char *const place_names[PKI_PLACES] = {
	[PKI_OWN] = "own", [PKI_NEXT] = "next", [PKI_PREVIOUS] = "previous", [PKI_TRUSTED] = "trusted/certs",
	[PKI_ISSUERS] = "issuers/certs", [PKI_REJECTED] = "rejected", [PKI_TRUSTED_CRL] = "trusted/crl",
	[PKI_ISSUERS_CRL] = "issuers/crl",
};

const char *
pki_place_name(enum pki_place place)
{
	return place_names[place];
}

static struct pki_file *
add(struct pki_files *f, const char *path, int err)
{
	struct pki_file *v = realloc(f->v, (f->n + 1) * sizeof *v);

	if (v == NULL)
		return NULL;
	f->v = v;
	v += f->n++;
	*v = (struct pki_file){ .err = err, .alone = true };
	snprintf(v->path, sizeof v->path, "%s", path);
	return v;
}

/* One object of DER; 0 also when it is damaged, which the row says then. */
static int
add_der(struct pki_files *f, const char *path, const uint8_t *p, size_t len)
{
	const uint8_t *at = p;
	size_t used = 0;
	X509_CRL *crl = NULL;
	X509 *cert = cert_decode(p, len, &used);

	if (cert == NULL && len <= PKI_FILE_MAX && (crl = d2i_X509_CRL(NULL, &at, (long)len)) != NULL)
		used = (size_t)(at - p);
	ERR_clear_error();
	/* Bytes behind it are no DER file of ours or of anybody's: better to ask than to guess. */
	struct pki_file *row = add(f, path, (cert == NULL && crl == NULL) || used != len ? ERR_CORRUPT : 0);
	if (row != NULL && row->err == 0) {
		row->cert = cert;
		row->crl = crl;
		return 0;
	}
	X509_free(cert);
	X509_CRL_free(crl);
	return row == NULL ? ERR_NOMEM : 0;
}

/* PEM is taken apart without decoding, so that nothing in a file can make OpenSSL ask the terminal for a pass phrase. */
static int
add_pem(struct pki_files *f, const char *path, const void *bytes, size_t len)
{
	BIO *b = BIO_new_mem_buf(bytes, (int)len);
	size_t first = f->n, objects = 0;
	int err = b == NULL ? ERR_NOMEM : 0;

	while (err == 0 && objects < PEM_MAX) {
		char *name = NULL, *header = NULL;
		uint8_t *der = NULL;
		long n = 0;
		if (PEM_read_bio(b, &name, &header, &der, &n) != 1)
			break;
		objects++;
		bool cert = strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0;
		if (cert || strcmp(name, PEM_STRING_X509_CRL) == 0)
			err = add_der(f, path, der, (size_t)n);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)n);
	}
	ERR_clear_error();
	BIO_free(b);
	if (err == 0 && f->n == first && add(f, path, ERR_CORRUPT) == NULL)
		err = ERR_NOMEM;
	for (size_t i = first; i < f->n; i++)
		f->v[i].alone = objects == 1;
	return err;
}

int
pki_files_parse(struct pki_files *f, const char *path, const void *bytes, size_t len)
{
	if (len == 0 || len > PKI_FILE_MAX)
		return add(f, path, len == 0 ? ERR_SHORT : ERR_LIMIT) == NULL ? ERR_NOMEM : 0;
	if (*(const uint8_t *)bytes == 0x30)	/* SEQUENCE: every certificate and list begins so */
		return add_der(f, path, bytes, len);
	return add_pem(f, path, bytes, len);
}

struct load {
	struct pki		*p;
	struct pki_files	*f;
	enum pki_place		 place;
	size_t			 files;
	char			 folder[PKI_PATH];
};

static int
load_file(struct pki *p, const char *path, struct pki_files *f)
{
	struct disk_stat st = { 0 };
	uint8_t *bytes;
	size_t len, first = f->n;

	int err = pki_read(p, path, PKI_FILE_MAX, &bytes, &len, NULL);
	if (err == ERR_NOTFOUND)
		return 0;	/* gone since the folder was read */
	if (err != 0)
		return add(f, path, err) == NULL ? ERR_NOMEM : 0;
	err = pki_files_parse(f, path, bytes, len);
	free(bytes);
	p->disk->stat(p->disk->ctx, path, &st);
	for (size_t i = first; i < f->n; i++)
		f->v[i].mtime_ns = st.mtime_ns;
	return err;
}

static int
load_each(void *arg, const char *name)
{
	struct load *l = arg;
	bool crl = l->place == PKI_TRUSTED_CRL || l->place == PKI_ISSUERS_CRL;
	char path[PKI_PATH];

	if (!(crl ? pki_is_crl_file(name) : pki_is_cert_file(name)))
		return 0;
	if ((size_t)snprintf(path, sizeof path, "%s/%s", l->folder, name) >= sizeof path || l->files++ == PKI_LIST_MAX) {
		log_warn("certificate_file_ignored", "dir=\"%s\" file=\"%s\" remedy=\"at most %u files of a list are read, with names of at most "
		    "%zu bytes; remove what is not needed\"", l->folder, name, PKI_LIST_MAX, sizeof path - strlen(l->folder) - 2);
		return l->files > PKI_LIST_MAX ? ERR_LIMIT : 0;
	}
	return load_file(l->p, path, l->f);
}

int
pki_files_load(struct pki *p, enum pki_place place, struct pki_files *f)
{
	struct load l = { .p = p, .f = f, .place = place };

	if (place == PKI_OWN || place == PKI_NEXT || place == PKI_PREVIOUS) {
		pki_path(p, l.folder, place == PKI_OWN ? "own/cert.der" : place == PKI_NEXT ? "own/next.cert.der" : "own/previous.cert.der");
		return load_file(p, l.folder, f);
	}
	pki_path(p, l.folder, pki_place_name(place));
	int err = p->disk->list(p->disk->ctx, l.folder, load_each, &l);
	return err == ERR_NOTFOUND || err == ERR_LIMIT ? 0 : err;
}

void
pki_files_free(struct pki_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		X509_free(f->v[i].cert);
		X509_CRL_free(f->v[i].crl);
	}
	free(f->v);
	*f = (struct pki_files){ 0 };
}

struct print {
	struct load	 l;
	uint64_t	 h;
	int64_t		 newest_ns;
};

static uint64_t
hash(uint64_t h, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;	/* FNV-1a */
	return h;
}

static int
print_each(void *arg, const char *name)
{
	struct print *f = arg;
	struct disk_stat st;
	char path[PKI_PATH];

	if ((size_t)snprintf(path, sizeof path, "%s/%s", f->l.folder, name) >= sizeof path ||
	    f->l.p->disk->stat(f->l.p->disk->ctx, path, &st) != 0)
		return 0;
	const uint64_t facts[] = { st.id, (uint64_t)st.mtime_ns, st.size };
	f->h = hash(hash(f->h, name, strlen(name) + 1), facts, sizeof facts);
	f->newest_ns = st.mtime_ns > f->newest_ns ? st.mtime_ns : f->newest_ns;
	return 0;
}

/* What a folder looks like from outside; 0: better read it. */
static uint64_t
fingerprint(struct pki *p, enum pki_place place)
{
	struct print f = { .l = { .p = p, .place = place }, .h = 0xcbf29ce484222325u };

	pki_path(p, f.l.folder, pki_place_name(place));
	if (p->disk->list(p->disk->ctx, f.l.folder, print_each, &f) != 0)
		return 0;
	/* Two writes within a tick of the clock look alike; a second later nothing of that kind can be left. */
	return f.newest_ns > wall_now().ns - NS_PER_S ? 0 : f.h;
}

int
pki_files_share(struct pki *p, enum pki_place place, struct pki_files *f)
{
	struct pki_cache *c = &p->cache[place];
	uint64_t print = fingerprint(p, place);

	if (print == 0 || print != c->print) {
		pki_files_free(&c->files);
		c->print = 0;
		int err = pki_files_load(p, place, &c->files);
		if (err != 0)
			return err;
		c->print = print;
	}
	for (size_t i = 0; i < c->files.n; i++) {
		const struct pki_file *from = &c->files.v[i];
		struct pki_file *row = add(f, from->path, from->err);
		if (row == NULL)
			return ERR_NOMEM;
		*row = *from;
		if (row->cert != NULL)
			X509_up_ref(row->cert);
		if (row->crl != NULL)
			X509_CRL_up_ref(row->crl);
	}
	return 0;
}

struct pki_file *
pki_files_find(const struct pki_files *f, const X509 *x)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].cert != NULL && cert_same(f->v[i].cert, x))
			return &f->v[i];
	return NULL;
}
