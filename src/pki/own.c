/*
 * Our own certificate: read as a pair whatever a renewal is doing, and made when there is none.
 *
 * A pair is two files, and no file system replaces two at once. So the certificate decides, and three names are looked at
 * for the key that fits it: key.pem, next.key.pem, previous.key.pem. renew.c keeps one of them right at every moment.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "pki/make.h"

#define KEY_FILE_MAX	(64u << 10)

/* A pass phrase cannot be typed here; without this OpenSSL would ask the terminal. */
static int
no_phrase(char *out, int size, int writing, void *arg)
{
	(void)out, (void)size, (void)writing;
	*(bool *)arg = true;
	return -1;
}

int
pki_key_load(struct pki *p, const char *rel, EVP_PKEY **out)
{
	char path[PKI_PATH];
	bool exposed = false, asked = false;
	uint8_t *bytes;
	size_t len;

	*out = NULL;
	pki_path(p, path, rel);
	int err = pki_read(p, path, KEY_FILE_MAX, &bytes, &len, &exposed);
	if (err == ERR_NOTFOUND)
		return err;
	if (err != 0)
		return pki_fail(p, err, "the private key %s cannot be read: %s; run as the user of the service, or as root", path,
		    err_text(err));
	if (exposed) {
		pki_wipe(bytes, len);
		return pki_fail(p, ERR_DENIED, "the private key %s can be read or changed by others, so it is not used: nobody knows who has "
		    "a copy; move it and own/cert.der away and make a new pair (penstock cert new --side %s), or chmod 600 it if you are sure", path,
		    pki_side_name(p->side));
	}
	BIO *b = BIO_new_mem_buf(bytes, (int)len);
	*out = b == NULL ? NULL : PEM_read_bio_PrivateKey(b, NULL, no_phrase, &asked);
	BIO_free(b);
	pki_wipe(bytes, len);
	ERR_clear_error();
	if (*out != NULL)
		return 0;
	return pki_fail(p, ERR_CORRUPT, asked ? "the private key %s is locked by a pass phrase, and a service has nobody who types it; store it "
	    "without (openssl pkcs8 -topk8 -nocrypt), readable by its owner alone" : "the private key %s is damaged: it is no PEM private key; "
	    "restore it from a backup, or make a new pair with penstock cert new after moving own/cert.der away", path);
}

static int
cert_load(struct pki *p, const char *rel, X509 **out)
{
	struct pki_files f = { 0 };
	char path[PKI_PATH];
	uint8_t *bytes;
	size_t len;

	*out = NULL;
	pki_path(p, path, rel);
	int err = pki_read(p, path, PKI_FILE_MAX, &bytes, &len, NULL);
	if (err == ERR_NOTFOUND)
		return pki_fail(p, err, "there is no own certificate at %s; make one: penstock cert new --side %s", path,
		    pki_side_name(p->side));
	if (err != 0)
		return pki_fail(p, err, "the own certificate %s cannot be read: %s", path, err_text(err));
	err = pki_files_parse(&f, path, bytes, len);
	free(bytes);
	if (err == 0 && (f.n == 0 || f.v[0].cert == NULL))
		err = pki_fail(p, ERR_CORRUPT, "the own certificate %s is damaged; restore it from a backup, or move it away and make a new one: "
		    "penstock cert new --side %s", path, pki_side_name(p->side));
	if (err == 0) {
		*out = f.v[0].cert;
		f.v[0].cert = NULL;
	}
	pki_files_free(&f);
	return err;
}

static bool
is_pair(X509 *cert, EVP_PKEY *key)
{
	EVP_PKEY *public = X509_get0_pubkey(cert);
	bool yes = public != NULL && EVP_PKEY_eq(public, key) == 1;

	ERR_clear_error();
	return yes;
}

static int
pair_once(struct pki *p, const char *cert_rel, struct pki_pair *out)
{
	static const char *const keys[] = { "own/key.pem", "own/next.key.pem", "own/previous.key.pem" };
	int worst = ERR_CORRUPT;

	int err = cert_load(p, cert_rel, &out->cert);
	if (err != 0)
		return err;
	pki_fail(p, 0, "no private key in %s/own fits %s; restore the key that belongs to it, or move it away and make a new pair: "
	    "penstock cert new --side %s", p->dir, cert_rel, pki_side_name(p->side));
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		err = pki_key_load(p, keys[i], &out->key);
		if (err == 0 && is_pair(out->cert, out->key))
			return 0;
		EVP_PKEY_free(out->key);
		out->key = NULL;
		/* A key that cannot be used says why; the rest are others' partners. */
		if (err != 0 && err != ERR_NOTFOUND)
			worst = err;
		if (worst == ERR_DENIED)
			break;
	}
	X509_free(out->cert);
	out->cert = NULL;
	return worst;
}

int
pki_pair_load(struct pki *p, const char *cert_rel, struct pki_pair *out)
{
	int err = ERR_CORRUPT;

	*out = (struct pki_pair){ 0 };
	/* A renewal between our two reads shows the old certificate and the new key; the second look is consistent again. */
	for (int i = 0; i < 3 && err == ERR_CORRUPT; i++)
		err = pair_once(p, cert_rel, out);
	return err;
}

void
pki_pair_free(struct pki_pair *pair)
{
	X509_free(pair->cert);
	EVP_PKEY_free(pair->key);
	*pair = (struct pki_pair){ 0 };
}

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

uint64_t
pki_own_generation(struct pki *p)
{
	static const char *const files[] = { "own/cert.der", "own/key.pem" };
	struct disk_stat st;
	char path[PKI_PATH];
	uint64_t h = 0;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		pki_path(p, path, files[i]);
		if (p->disk->stat(p->disk->ctx, path, &st) != 0) {
			if (i == 0)
				return 0;
			continue;
		}
		h = mix(mix(mix(h, st.id), (uint64_t)st.mtime_ns), st.size);
	}
	return h == 0 ? 1 : h;
}

/* Ours and, as far as we know them, those who signed it. A chain that ends early is sent as it is: peers may know the rest. */
static int
chain_bytes(struct pki *p, X509 *cert, struct wall now, struct pki_own *out)
{
	struct pki_files issuers = { 0 }, trusted = { 0 };
	const struct pki_pool pool = { .lists = { &issuers, &trusted }, .now = now };
	struct pki_chain c = { .v = { cert }, .n = 1 };
	int err;

	X509_up_ref(cert);
	if ((err = pki_files_load(p, PKI_ISSUERS, &issuers)) == 0 && (err = pki_files_load(p, PKI_TRUSTED, &trusted)) == 0)
		chain_build(&c, &pool);
	for (size_t i = 0; err == 0 && i < c.n; i++) {
		uint8_t *der;
		size_t n = cert_der(c.v[i], &der);
		uint8_t *more = n == 0 ? NULL : realloc(out->chain, out->chain_len + n);
		if (more != NULL) {
			memcpy(more + out->chain_len, der, n);
			out->chain = more;
			out->chain_len += n;
		} else
			err = ERR_NOMEM;
		OPENSSL_free(der);
	}
	chain_free(&c);
	pki_files_free(&issuers);
	pki_files_free(&trusted);
	return err == 0 ? 0 : pki_fail(p, err, "the issuers of the own certificate in %s cannot be read: %s", p->dir, err_text(err));
}

static int
fill(struct pki *p, const struct pki_pair *pair, struct pki_own *out)
{
	uint8_t *der = NULL, *key = NULL;
	size_t n = cert_der(pair->cert, &der);
	int k = i2d_PrivateKey(pair->key, &key);	/* of an RSA key: PKCS#1 */
	int err = n == 0 || k <= 0 || (out->cert = malloc(n)) == NULL || (out->key = malloc((size_t)k)) == NULL ? ERR_NOMEM : 0;

	if (err == 0) {
		memcpy(out->cert, der, out->cert_len = n);
		memcpy(out->key, key, out->key_len = (size_t)k);
	}
	OPENSSL_free(der);
	OPENSSL_clear_free(key, k > 0 ? (size_t)k : 0);
	ERR_clear_error();
	if (err != 0)
		return pki_fail(p, err, "out of memory");
	if (cert_uri(pair->cert, 0, out->uri) != 0)
		return pki_fail(p, ERR_CORRUPT, "the own certificate %s/own/cert.der has no ApplicationURI in its subjectAltName, and no peer may "
		    "accept it so; have the CA sign the request as it is (copy_extensions), or make one: penstock cert new --side %s", p->dir,
		    pki_side_name(p->side));
	cert_sha1(pair->cert, out->sha1);
	out->not_before = cert_time(X509_get0_notBefore(pair->cert));
	out->not_after = cert_time(X509_get0_notAfter(pair->cert));
	return chain_bytes(p, pair->cert, out->not_before, out);
}

int
pki_own_load(struct pki *p, struct pki_own *out)
{
	return pki_own_load_pair(p, "own/cert.der", out);
}

int
pki_own_load_pair(struct pki *p, const char *cert_rel, struct pki_own *out)
{
	struct pki_pair pair;

	*out = (struct pki_own){ .generation = pki_own_generation(p) };	/* first: a change meanwhile is noticed later */
	int err = pki_pair_load(p, cert_rel, &pair);
	if (err == 0)
		err = fill(p, &pair, out);
	pki_pair_free(&pair);
	if (err != 0)
		pki_own_fini(out);
	return err;
}

void
pki_own_fini(struct pki_own *o)
{
	free(o->cert);
	free(o->chain);
	pki_wipe(o->key, o->key_len);
	*o = (struct pki_own){ 0 };
}

static uint8_t *
copied(const uint8_t *p, size_t len)
{
	uint8_t *to = malloc(len > 0 ? len : 1);

	if (to != NULL && len > 0)
		memcpy(to, p, len);
	return to;
}

int
pki_own_copy(struct pki_own *to, const struct pki_own *from)
{
	*to = *from;
	to->cert = copied(from->cert, from->cert_len);
	to->chain = copied(from->chain, from->chain_len);
	to->key = copied(from->key, from->key_len);
	if (to->cert != NULL && to->chain != NULL && to->key != NULL)
		return 0;
	pki_own_fini(to);
	return ERR_NOMEM;
}
