/*
 * For the tests of pki: certificates and revocation lists made by plain OpenSSL calls (not by make.c, which is under test),
 * as CAs, devices and forgers make them. Header only. Keys are made once and shared: they take long.
 */
#ifndef PKI_RIG_H
#define PKI_RIG_H

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/test.h"
#include "pki/pki.h"

#define RIG_T0		1780272000LL	/* 2026-06-01T00:00:00Z, "now" of most tests */
#define RIG_DAY		86400LL
#define RIG_NOW		((struct wall){ RIG_T0 * NS_PER_S })
#define RIG_KEYS	8u

/* Key number i of 2048 bits. */
static inline EVP_PKEY *
rig_key(unsigned i)
{
	static EVP_PKEY *keys[RIG_KEYS];

	if (keys[i] == NULL)
		keys[i] = EVP_RSA_gen(2048);
	return keys[i];
}

struct rig_cert {
	const char	*cn;
	EVP_PKEY	*key;
	X509		*issuer;		/* NULL: itself */
	EVP_PKEY	*issuer_key;		/* NULL: its own */
	const char	*san;			/* as openssl's configuration writes it */
	const char	*ku, *eku;		/* NULL: what an application or a CA has; "": left out */
	const char	*extra;			/* one more extension, "name=value" */
	bool		 ca;
	int		 pathlen;		/* of a CA; -1 or 0 with no_path: none */
	int64_t		 from_day, to_day;	/* from RIG_T0; both 0: -30 to 335 */
	const EVP_MD	*md;			/* NULL: SHA-256 */
	long		 serial;
	bool		 v1;
};

static inline void
rig_ext(X509 *x, const char *name, const char *value)
{
	X509V3_CTX ctx;

	if (value[0] == '\0')
		return;
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf(NULL, &ctx, name, value);
	CHECK(e != NULL && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

static inline void
rig_extensions(X509 *x, const struct rig_cert *c)
{
	char basic[60] = "critical,CA:FALSE", name[40];

	if (c->ca && c->pathlen >= 0)
		snprintf(basic, sizeof basic, "critical,CA:TRUE,pathlen:%d", c->pathlen);
	else if (c->ca)
		snprintf(basic, sizeof basic, "critical,CA:TRUE");
	rig_ext(x, "basicConstraints", basic);
	rig_ext(x, "keyUsage", c->ku != NULL ? c->ku : c->ca ? "critical,keyCertSign,cRLSign" :
	    "critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment");
	if (!c->ca || c->eku != NULL)
		rig_ext(x, "extendedKeyUsage", c->eku != NULL ? c->eku : "serverAuth,clientAuth");
	if (c->san != NULL)
		rig_ext(x, "subjectAltName", c->san);
	if (c->extra != NULL) {
		snprintf(name, sizeof name, "%.*s", (int)strcspn(c->extra, "="), c->extra);
		rig_ext(x, name, strchr(c->extra, '=') + 1);
	}
}

static inline X509 *
rig_make(const struct rig_cert *c)
{
	bool dated = c->from_day != 0 || c->to_day != 0;
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);

	X509_set_version(x, c->v1 ? X509_VERSION_1 : X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), c->serial != 0 ? c->serial : 4711);
	CHECK(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)c->cn, -1, -1, 0) == 1);
	X509_set_issuer_name(x, c->issuer != NULL ? X509_get_subject_name(c->issuer) : n);
	ASN1_TIME_set(X509_getm_notBefore(x), RIG_T0 + (dated ? c->from_day : -30) * RIG_DAY);
	ASN1_TIME_set(X509_getm_notAfter(x), RIG_T0 + (dated ? c->to_day : 335) * RIG_DAY);
	X509_set_pubkey(x, c->key);
	if (!c->v1)
		rig_extensions(x, c);
	CHECK(X509_sign(x, c->issuer_key != NULL ? c->issuer_key : c->key, c->md != NULL ? c->md : EVP_sha256()) > 0);
	return x;
}

/* A CA's list: which certificates it revokes (NULL-ended), from which day to which. */
static inline X509_CRL *
rig_crl(X509 *ca, EVP_PKEY *key, int64_t from_day, int64_t to_day, X509 *const *revoked)
{
	X509_CRL *c = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, RIG_T0 + from_day * RIG_DAY);

	X509_CRL_set_version(c, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(c, X509_get_subject_name(ca));
	X509_CRL_set1_lastUpdate(c, t);
	for (; revoked != NULL && *revoked != NULL; revoked++) {
		X509_REVOKED *r = X509_REVOKED_new();
		X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(*revoked));
		X509_REVOKED_set_revocationDate(r, t);
		X509_CRL_add0_revoked(c, r);
	}
	ASN1_TIME_set(t, RIG_T0 + to_day * RIG_DAY);
	X509_CRL_set1_nextUpdate(c, t);
	ASN1_TIME_free(t);
	X509_CRL_sort(c);
	CHECK(X509_CRL_sign(c, key, EVP_sha256()) > 0);
	return c;
}

struct rig_bytes { uint8_t p[1 << 16]; size_t len; };

static inline void
rig_der(X509 *x, struct rig_bytes *out)
{
	uint8_t *at = out->p + out->len;
	int n = i2d_X509(x, NULL);

	CHECK(n > 0 && out->len + (size_t)n <= sizeof out->p);
	out->len += (size_t)i2d_X509(x, &at);
}

static inline void
rig_write(struct pki *p, const char *rel, const void *bytes, size_t len)
{
	char path[600];

	snprintf(path, sizeof path, "%s/%s", pki_dir(p), rel);
	FILE *f = fopen(path, "wb");
	CHECK(f != NULL && fwrite(bytes, 1, len, f) == len && fclose(f) == 0);
}

static inline void
rig_put(struct pki *p, const char *rel, X509 *x)
{
	struct rig_bytes b = { .len = 0 };

	rig_der(x, &b);
	rig_write(p, rel, b.p, b.len);
}

static inline void
rig_put_crl(struct pki *p, const char *rel, X509_CRL *c)
{
	uint8_t *der = NULL;
	int n = i2d_X509_CRL(c, &der);

	CHECK(n > 0);
	rig_write(p, rel, der, (size_t)n);
	OPENSSL_free(der);
}

/* A store in a fresh folder. */
static inline struct pki *
rig_store(void)
{
	struct pki *p;

	log_open("test", LOG_LEVEL_ERROR);
	CHECK_INT(pki_open(test_dir(), PKI_OT, NULL, &p), 0);
	return p;
}

/* How many files a folder of the store has whose name ends so. */
struct rig_count { const char *suffix; int n; };

static inline int
rig_count_one(void *arg, const char *name)
{
	struct rig_count *c = arg;
	size_t n = strlen(name), m = strlen(c->suffix);
	c->n += n >= m && strcmp(name + n - m, c->suffix) == 0;
	return 0;
}

static inline int
rig_files(struct pki *p, const char *rel, const char *suffix)
{
	struct rig_count c = { .suffix = suffix };
	char path[600];

	snprintf(path, sizeof path, "%s/%s", pki_dir(p), rel);
	CHECK_INT(disk_os.list(NULL, path, rig_count_one, &c), 0);
	return c.n;
}

#endif
