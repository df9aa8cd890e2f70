/* What there is in a store, and what of it is about to end. */
#include "pki/list.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "pki/record.h"

static void
fill_cert(struct pki_item *it, X509 *x)
{
	cert_name(X509_get_subject_name(x), it->subject);
	cert_name(X509_get_issuer_name(x), it->issuer);
	cert_sha1(x, it->sha1);
	cert_sha256(x, it->sha256);
	if (cert_uri(x, 0, it->uri) == 0)
		cert_clean(it->uri);
	it->ca = cert_is_ca(x);
	it->self_signed = cert_is_self_signed(x);
	it->not_before = cert_time(X509_get0_notBefore(x));
	it->not_after = cert_time(X509_get0_notAfter(x));
}

void
item_fill(struct pki_item *it, enum pki_place place, const struct pki_file *f, struct wall now)
{
	*it = (struct pki_item){ .place = place, .err = f->err };
	snprintf(it->path, sizeof it->path, "%s", f->path);
	if (f->cert != NULL)
		fill_cert(it, f->cert);
	else if (f->crl != NULL) {
		const ASN1_TIME *next = X509_CRL_get0_nextUpdate(f->crl);
		cert_name(X509_CRL_get_issuer(f->crl), it->subject);
		snprintf(it->issuer, sizeof it->issuer, "%s", it->subject);
		it->not_before = cert_time(X509_CRL_get0_lastUpdate(f->crl));
		it->not_after = next != NULL ? cert_time(next) : (struct wall){ INT64_MAX };
	}
	if (it->err == 0)
		it->days_left = cert_days_left(it->not_after, now);
}

struct walk {
	struct wall	 now;
	int		 (*each)(void *arg, const struct pki_item *item);
	void		*arg;
	bool		 in_use;	/* only what is, and ends soon */
	int32_t		 days;
};

static void
fill_note(struct pki *p, struct pki_item *it)
{
	struct record r;

	if (pki_read_record(p, it->path, &r) != 0)
		return;
	snprintf(it->from, sizeof it->from, "%s", r.from);
	snprintf(it->status, sizeof it->status, "%s", r.status);
	snprintf(it->why, sizeof it->why, "%s", r.why);
	it->seen = r.last;
}

static int
show_one(struct pki *p, enum pki_place place, const struct pki_file *f, const struct walk *w)
{
	struct pki_item it;
	uint8_t *der = NULL;

	item_fill(&it, place, f, w->now);
	if (w->in_use && (it.err != 0 || it.days_left >= w->days))
		return 0;
	if (place == PKI_REJECTED)
		fill_note(p, &it);
	if (f->cert != NULL) {
		it.der_len = cert_der(f->cert, &der);
		it.der = der;
	}
	int stop = w->each(w->arg, &it);
	OPENSSL_free(der);
	return stop;
}

static int
walk_place(struct pki *p, enum pki_place place, const struct walk *w)
{
	struct pki_files f = { 0 };

	int stop = pki_files_load(p, place, &f);
	if (stop != 0)
		pki_fail(p, stop, "%s/%s cannot be read: %s", p->dir, pki_place_name(place), err_text(stop));
	for (size_t i = 0; stop == 0 && i < f.n; i++)
		stop = show_one(p, place, &f.v[i], w);
	pki_files_free(&f);
	return stop;
}

int
pki_each(struct pki *p, struct wall now, int (*each)(void *arg, const struct pki_item *item), void *arg)
{
	const struct walk w = { .now = now, .each = each, .arg = arg };
	int stop = 0;

	for (int place = 0; stop == 0 && place < PKI_PLACES; place++)
		stop = walk_place(p, (enum pki_place)place, &w);
	return stop;
}

int
pki_each_ending(struct pki *p, unsigned days, struct wall now, int (*each)(void *arg, const struct pki_item *item), void *arg)
{
	const struct walk w = { .now = now, .each = each, .arg = arg, .in_use = true, .days = (int32_t)(days > 100000 ? 100000 : days) };
	int stop = 0;

	for (int place = 0; stop == 0 && place < PKI_PLACES; place++)
		if (place != PKI_PREVIOUS && place != PKI_REJECTED)
			stop = walk_place(p, (enum pki_place)place, &w);
	return stop;
}

static const char *
remedy(enum pki_place place)
{
	switch (place) {
	case PKI_OWN:		return "penstock cert renew --stage, tell the peers, then --activate";
	case PKI_NEXT:		return "penstock cert renew --cancel, then --stage";
	case PKI_TRUSTED:	return "renew it in the device, and trust the new one";
	case PKI_ISSUERS:	return "get the CA's new certificate: penstock cert import FILE";
	default:		return "get the CA's present list: penstock cert import FILE.crl";
	}
}

static int
warn_one(void *arg, const struct pki_item *it)
{
	const struct pki *p = arg;
	char until[WALL_TEXT];

	log_warn("certificate_ends", "side=%s place=%s subject=\"%s\" sha1=%s until=%s days=%d file=\"%s\" remedy=\"%s\"", pki_side_name(p->side),
	    pki_place_name(it->place), it->subject, it->sha1, wall_format(it->not_after, 0, until), it->days_left, it->path, remedy(it->place));
	return 0;
}

void
pki_warn_ending(struct pki *p, unsigned days, struct wall now)
{
	int err = pki_each_ending(p, days, now, warn_one, p);

	if (err != 0)
		log_warn("certificates_unread", "side=%s why=\"%s\"", pki_side_name(p->side), pki_why(p));
}

int
pki_each_in(const void *bytes, size_t len, struct wall now, int (*each)(void *arg, const struct pki_item *item), void *arg)
{
	const struct walk w = { .now = now, .each = each, .arg = arg };
	struct pki_files f = { 0 };

	int stop = pki_files_parse(&f, "", bytes, len);
	for (size_t i = 0; stop == 0 && i < f.n; i++)
		stop = show_one(NULL, PKI_PLACES, &f.v[i], &w);
	pki_files_free(&f);
	return stop;
}
