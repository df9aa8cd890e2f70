/*
 * Putting another pair in force, so that neither a power cut nor a reader in between ever finds a certificate without its
 * key. `from` is next (a renewal) or previous (the way back), `keep` the other one, under which the present pair survives:
 *
 *	1  keep.key.pem, keep.cert.der   are written: copies of what is in force        power cut: nothing has changed
 *	2  from.cert.der -> cert.der     rename, sync of the folder: this decides       the key is still from.key.pem
 *	3  from.key.pem -> key.pem       rename, sync of the folder                     done
 *
 * Between 2 and 3 own.c finds the key under its old name; the next writer ends what was interrupted (pki_swap_finish).
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "pki/inside.h"

static int
write_key(struct pki *p, const char *rel, EVP_PKEY *key)
{
	char path[PKI_PATH];
	char *text = NULL;
	BIO *b = BIO_new(BIO_s_secmem());
	int err = ERR_NOMEM;

	pki_path(p, path, rel);
	if (b != NULL && PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1) {
		long n = BIO_get_mem_data(b, &text);
		err = pki_write(p, path, text, (size_t)n, true);
	}
	BIO_free(b);	/* wiped: secmem */
	ERR_clear_error();
	return err == 0 ? 0 : pki_fail(p, err, "the private key %s cannot be written: %s", path, err_text(err));
}

static int
write_cert(struct pki *p, const char *rel, X509 *cert)
{
	char path[PKI_PATH];
	uint8_t *der;
	size_t n = cert_der(cert, &der);

	pki_path(p, path, rel);
	int err = n == 0 ? ERR_NOMEM : pki_write(p, path, der, n, false);
	OPENSSL_free(der);
	return err == 0 ? 0 : pki_fail(p, err, "the certificate %s cannot be written: %s", path, err_text(err));
}

static void
remove_own(struct pki *p, const char *name, const char *rest)
{
	char rel[64], path[PKI_PATH];

	snprintf(rel, sizeof rel, "own/%s%s", name, rest);
	pki_path(p, path, rel);
	p->disk->unlink(p->disk->ctx, path);
}

/* The certificate last: while it is not there, nothing is staged. */
int
pki_next_write(struct pki *p, EVP_PKEY *key, X509 *cert)
{
	remove_own(p, "next", ".cert.der");
	int err = write_key(p, "own/next.key.pem", key);
	return err != 0 || cert == NULL ? err : write_cert(p, "own/next.cert.der", cert);
}

static int
keep_pair(struct pki *p, const char *keep)
{
	struct pki_pair pair;
	char key[64], cert[64];

	snprintf(key, sizeof key, "own/%s.key.pem", keep);
	snprintf(cert, sizeof cert, "own/%s.cert.der", keep);
	remove_own(p, keep, ".cert.der");
	int err = pki_pair_load(p, "own/cert.der", &pair);
	if (err == 0)
		err = write_key(p, key, pair.key);
	if (err == 0)
		err = write_cert(p, cert, pair.cert);
	pki_pair_free(&pair);
	return err;
}

static int
put_in_force(struct pki *p, const char *from, const char *what)
{
	char rel[64], old[PKI_PATH], new[PKI_PATH], folder[PKI_PATH];

	snprintf(rel, sizeof rel, "own/%s.%s", from, what);
	pki_path(p, old, rel);
	snprintf(rel, sizeof rel, "own/%s", what);
	pki_path(p, new, rel);
	pki_path(p, folder, "own");
	int err = p->disk->rename(p->disk->ctx, old, new);
	if (err == 0)
		err = p->disk->sync_dir(p->disk->ctx, folder);
	return err == 0 ? 0 : pki_fail(p, err, "%s cannot be renamed to %s: %s", old, new, err_text(err));
}

/* The pair must stand under its own two names: key.pem will be replaced. */
static int
check_from(struct pki *p, const char *from)
{
	struct pki_pair pair;
	char cert[64], key[64];
	EVP_PKEY *k = NULL;

	snprintf(cert, sizeof cert, "own/%s.cert.der", from);
	snprintf(key, sizeof key, "own/%s.key.pem", from);
	int err = pki_pair_load(p, cert, &pair);
	if (err == 0)
		err = pki_key_load(p, key, &k);
	if (err == ERR_NOTFOUND || (err == 0 && EVP_PKEY_eq(pair.key, k) != 1))
		err = pki_fail(p, err == 0 ? ERR_CORRUPT : err, "there is no pair %s and %s in %s that could be put in force; make one with "
		    "penstock cert renew --stage --side %s", cert, key, p->dir, pki_side_name(p->side));
	EVP_PKEY_free(k);
	pki_pair_free(&pair);
	return err;
}

int
pki_swap(struct pki *p, const char *from, const char *keep)
{
	int err = pki_swap_finish(p);

	if (err == 0)
		err = check_from(p, from);
	if (err == 0 && keep != NULL)
		err = keep_pair(p, keep);
	if (err == 0)
		err = put_in_force(p, from, "cert.der");
	if (err == 0)
		err = put_in_force(p, from, "key.pem");
	return err;
}

static bool
fits(struct pki *p, const char *rel, EVP_PKEY *key)
{
	EVP_PKEY *k = NULL;
	bool yes = pki_key_load(p, rel, &k) == 0 && EVP_PKEY_eq(k, key) == 1;

	EVP_PKEY_free(k);
	return yes;
}

int
pki_swap_finish(struct pki *p)
{
	static const char *const names[] = { "next", "previous" };
	struct pki_pair pair;
	char path[PKI_PATH], rel[64];

	pki_path(p, path, "own/cert.der");
	if (!pki_exists(p, path))
		return 0;
	int err = pki_pair_load(p, "own/cert.der", &pair);
	if (err != 0)
		return err;
	if (!fits(p, "own/key.pem", pair.key))
		err = write_key(p, "own/key.pem", pair.key);
	for (size_t i = 0; err == 0 && i < sizeof names / sizeof names[0]; i++) {
		snprintf(rel, sizeof rel, "own/%s.cert.der", names[i]);
		pki_path(p, path, rel);
		snprintf(rel, sizeof rel, "own/%s.key.pem", names[i]);
		if (!pki_exists(p, path) && fits(p, rel, pair.key))
			remove_own(p, names[i], ".key.pem");
	}
	pki_pair_free(&pair);
	return err;
}
