/* The first pair of a store, and requests to the plant's own CA. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "os/clock.h"
#include "pki/make.h"

static int
no_memory(struct pki *p)
{
	return pki_fail(p, ERR_NOMEM, "out of memory, or no random numbers, while making a key");
}

/* ERR_EXISTS when there is something in own/ that making a pair would destroy. */
static int
check_empty(struct pki *p)
{
	char cert[PKI_PATH], key[PKI_PATH];

	pki_path(p, cert, "own/cert.der");
	pki_path(p, key, "own/key.pem");
	if (pki_exists(p, cert))
		return pki_fail(p, ERR_EXISTS, "there is a certificate already: %s; to follow it up: penstock cert renew --stage --side %s (or "
		    "penstock cert new --csr for one that the plant's CA signs)", cert, pki_side_name(p->side));
	if (pki_exists(p, key))
		return pki_fail(p, ERR_EXISTS, "there is a private key without a certificate: %s; put its certificate at %s, or move the key away",
		    key, cert);
	return 0;
}

static void
note_own(struct pki *p, const char *action, X509 *x, const char *detail, struct wall now)
{
	char subject[PKI_NAME_MAX], sha1[PKI_SHA1_TEXT];

	cert_name(X509_get_subject_name(x), subject);
	cert_sha1(x, sha1);
	pki_note(p, action, subject, sha1, detail, now);
}

static int
make_locked(struct pki *p, const struct pki_spec *spec, struct wall now)
{
	struct pki_shape shape = { 0 };
	EVP_PKEY *key = NULL;
	X509 *x = NULL;

	int err = check_empty(p);
	if (err == 0)
		err = shape_from_spec(p, spec, &shape);
	if (err == 0 && ((key = pki_make_key(shape.bits)) == NULL || (x = shape_certificate(&shape, key, now)) == NULL))
		err = no_memory(p);
	if (err == 0)
		err = pki_next_write(p, key, x);
	if (err == 0)
		err = pki_swap(p, "next", NULL);
	if (err == 0)
		note_own(p, "made", x, "place=own", now);
	X509_free(x);
	EVP_PKEY_free(key);
	shape_fini(&shape);
	return err;
}

int
pki_own_make(struct pki *p, const struct pki_spec *spec, struct wall now)
{
	int err = pki_lock(p, PKI_LOCK_MS);

	if (err == 0)
		err = make_locked(p, spec, now);
	pki_unlock(p);
	return err;
}

int
pki_own_ensure(struct pki *p, const struct pki_spec *spec, struct wall now, struct pki_own *out)
{
	int err = pki_own_load(p, out);

	if (err != ERR_NOTFOUND)
		return err;
	err = pki_own_make(p, spec, now);
	/* EXISTS: another process was faster, or there is a key alone, and then loading says what is missing. */
	return err == 0 || (err == ERR_EXISTS && pki_own_generation(p) != 0) ? pki_own_load(p, out) : err;
}

static int
write_request(struct pki *p, X509_REQ *r)
{
	char path[PKI_PATH];
	char *text = NULL;
	BIO *b = BIO_new(BIO_s_mem());
	int err = ERR_NOMEM;

	pki_path(p, path, "own/next.csr.pem");
	if (b != NULL && PEM_write_bio_X509_REQ(b, r) == 1) {
		long n = BIO_get_mem_data(b, &text);
		err = pki_write(p, path, text, (size_t)n, false);
	}
	BIO_free(b);
	ERR_clear_error();
	return err == 0 ? 0 : pki_fail(p, err, "the request %s cannot be written: %s", path, err_text(err));
}

/* With a certificate in place a request repeats it: peers may have its names configured. */
static int
request_shape(struct pki *p, const struct pki_spec *spec, struct pki_shape *shape)
{
	struct pki_pair pair = { 0 };

	if (pki_own_generation(p) == 0)
		return spec != NULL ? shape_from_spec(p, spec, shape) : pki_fail(p, ERR_NOTFOUND, "there is no certificate in %s/own whose names "
		    "could be asked for again; say which: penstock cert new --csr --site NAME", p->dir);
	int err = pki_pair_load(p, "own/cert.der", &pair);
	if (err == 0)
		err = shape_from_cert(p, pair.cert, 0, shape);
	pki_pair_free(&pair);
	return err;
}

static int
request_locked(struct pki *p, const struct pki_spec *spec)
{
	struct pki_shape shape = { 0 };
	EVP_PKEY *key = NULL;
	X509_REQ *r = NULL;
	char subject[PKI_NAME_MAX];

	int err = pki_own_generation(p) != 0 ? pki_swap_finish(p) : 0;
	if (err == 0)
		err = pki_check_nothing_waits(p);
	if (err == 0)
		err = request_shape(p, spec, &shape);
	if (err == 0 && ((key = pki_make_key(shape.bits)) == NULL || (r = shape_request(&shape, key)) == NULL))
		err = no_memory(p);
	if (err == 0)
		err = pki_next_write(p, key, NULL);
	if (err == 0)
		err = write_request(p, r);
	if (err == 0) {
		cert_name(shape.subject, subject);
		pki_note(p, "requested", subject, "", "place=own/next.csr.pem", wall_now());
	}
	X509_REQ_free(r);
	EVP_PKEY_free(key);
	shape_fini(&shape);
	return err;
}

int
pki_own_request(struct pki *p, const struct pki_spec *spec)
{
	int err = pki_lock(p, PKI_LOCK_MS);

	if (err == 0)
		err = request_locked(p, spec);
	pki_unlock(p);
	return err;
}
