/* What the files of pki/ share; nobody else includes this. pki.h has the layout and the contracts. */
#ifndef PKI_INSIDE_H
#define PKI_INSIDE_H

#include <openssl/x509.h>

#include "base/err.h"
#include "base/log.h"
#include "pki/pki.h"

#define PKI_PATH	512u	/* any path of a store */

struct pki_file {
	char		 path[PKI_PATH];
	X509		*cert;		/* one of the two; neither: err says why */
	X509_CRL	*crl;
	int		 err;
	int64_t		 mtime_ns;
	bool		 alone;		/* nothing else is in that file */
};

struct pki_files {
	struct pki_file	*v;
	size_t		 n;
};

struct pki {
	const struct disk	*disk;		/* borrowed */
	enum pki_side		 side;
	char			 dir[300];
	char			 actor[64];
	char			 why[1536];
	struct log_limit	 rejects;	/* how fast strangers may make us write */
	int			 lock_fd;	/* -1: not held */
	struct pki_cache {
		uint64_t	 print;		/* of the folder when it was read; 0: nothing is kept */
		struct pki_files files;
	}			 cache[PKI_PLACES];
};

/* ---- store.c: the folder ---- */

/* Set what pki_why() says; returns err. A later failure replaces an earlier one. */
int pki_fail(struct pki *p, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "<dir>/<rel>". Always fits: dir and the names that we make are bounded. */
void pki_path(const struct pki *p, char out[PKI_PATH], const char *rel);
/* One writer at a time on a side, over processes. Waits up to wait_ms; ERR_BUSY with a text. */
int pki_lock(struct pki *p, int wait_ms);
void pki_unlock(struct pki *p);
#define PKI_LOCK_MS	15000	/* another one may be making a key */

/* A whole file; *out given, to pki_wipe(). `exposed`, if not NULL: see struct disk_stat. Sets no text. */
int pki_read(const struct pki *p, const char *path, size_t max, uint8_t **out, size_t *len, bool *exposed);
/* Overwrite and free. */
void pki_wipe(void *bytes, size_t len);
/* Replace a file for good: aside, sync, rename, sync of the folder. Sets no text. */
int pki_write(const struct pki *p, const char *path, const void *bytes, size_t len, bool secret);
bool pki_exists(const struct pki *p, const char *path);
/* One line in changes.log and in the log. A failure to write the line is logged, and changes nothing else. */
void pki_note(struct pki *p, const char *action, const char *subject, const char *sha1, const char *detail, struct wall now);

/* ---- cert.c: facts of one certificate ---- */

/* One certificate from the front of p: exactly DER, its encoding what OpenSSL itself would write. *used: its bytes. NULL if it is none. */
X509 *cert_decode(const uint8_t *p, size_t len, size_t *used);
/* DER into memory that is given (OPENSSL_free); returns its length, 0 without memory. */
size_t cert_der(X509 *x, uint8_t **out);
void cert_sha1(const X509 *x, char out[PKI_SHA1_TEXT]);
void cert_sha256(const X509 *x, char out[PKI_SHA256_TEXT]);
/* A name in one line, for people and logs: what could deceive a terminal or end a quotation is replaced. */
void cert_name(const X509_NAME *name, char out[PKI_NAME_MAX]);
/* The same care for any text, in place. */
void cert_clean(char *text);
/* The i-th URI of subjectAltName, whole and free of NULs; 0, ERR_END behind the last, ERR_SYNTAX for one that is not usable. */
int cert_uri(const X509 *x, int i, char out[PKI_URI_MAX]);
/* Clamped to what struct wall can say (years 1678 to 2262). 0 for what is no time. */
struct wall cert_time(const ASN1_TIME *t);
bool cert_is_ca(X509 *x);
/* Issuer and subject are one, and the signature is by its own key. */
bool cert_is_self_signed(X509 *x);
/* Does its subjectAltName vouch for this name or address? (usage.c) */
bool cert_names_host(X509 *x, const char *host);
bool cert_same(const X509 *a, const X509 *b);
int32_t cert_days_left(struct wall not_after, struct wall now);

/* ---- names.c: what files are called ---- */

/* "<CN> [<SHA-1>]" without suffix: what a file system, a shell or a stranger's name could break is "_". */
#define PKI_STEM	128u
void pki_stem(X509 *x, char out[PKI_STEM]);
/* The suffixes that are looked at in a list of certificates, or of revocation lists. */
bool pki_is_cert_file(const char *name);
bool pki_is_crl_file(const char *name);

/* ---- folder.c: the files of a list ---- */

/* Append what lies at a place; a folder that is not there is empty. Files that cannot be used are rows with err. 0 or ERR_NOMEM, ERR_IO. */
int pki_files_load(struct pki *p, enum pki_place place, struct pki_files *f);
/*
 * The same through a cache, for judging: decoding a certificate takes 0.15 ms, and looking whether a file has changed 1 us. Rows hold
 * references of their own. A folder with a file that was written within the last second is read anew each time.
 */
int pki_files_share(struct pki *p, enum pki_place place, struct pki_files *f);
/* Append what is in bytes (DER or PEM, several in one PEM); path is what the rows will say. */
int pki_files_parse(struct pki_files *f, const char *path, const void *bytes, size_t len);
void pki_files_free(struct pki_files *f);
/* The row with this very certificate, NULL. */
struct pki_file *pki_files_find(const struct pki_files *f, const X509 *x);

/* ---- chain.c ---- */

struct pki_chain {
	X509	*v[PKI_CHAIN_MAX];	/* owned; the peer's own first */
	size_t	 n;
};

/* Certificates one behind the other. 0; ERR_LIMIT too many or too long; ERR_SYNTAX when one is damaged; ERR_NOTFOUND when there is none. */
int chain_parse(const uint8_t *p, size_t len, struct pki_chain *out);
void chain_free(struct pki_chain *c);

/* Where issuers are looked for; first come, first taken, but those that are valid now before those that are not. */
struct pki_pool {
	const struct pki_files	*lists[3];	/* NULL: none */
	const struct pki_chain	*sent;
	struct wall		 now;
};
enum { CHAIN_WHOLE, CHAIN_NO_ISSUER, CHAIN_BAD_SIGNATURE, CHAIN_TOO_LONG };
/*
 * From c->v[0] up to a self-signed certificate. c->n grows by what is found (references taken). Says how it ended; then the last one of
 * c is the certificate whose issuer is missing, or whose signature is not by the issuer of that name.
 */
int chain_build(struct pki_chain *c, const struct pki_pool *pool);

/* ---- own.c, swap.c, renew.c, make.c ---- */

struct pki_pair {
	X509		*cert;
	EVP_PKEY	*key;
};
/* A certificate of own/ and the key that fits it, of the three there may be. */
int pki_pair_load(struct pki *p, const char *cert_rel, struct pki_pair *out);
void pki_pair_free(struct pki_pair *pair);
/* As pki_own_load(), of another pair of own/. */
int pki_own_load_pair(struct pki *p, const char *cert_rel, struct pki_own *out);
/* A key file of own/. ERR_NOTFOUND without a text; ERR_DENIED, ERR_CORRUPT with one. */
int pki_key_load(struct pki *p, const char *rel, EVP_PKEY **out);
/* Write own/next.key.pem, then own/next.cert.der (NULL: none yet). */
int pki_next_write(struct pki *p, EVP_PKEY *key, X509 *cert);
/* Put `from` ("next", "previous") in force and keep what was under `keep` (NULL: nothing was there). Under the lock. */
int pki_swap(struct pki *p, const char *from, const char *keep);
/* End what a crash interrupted in pki_swap(). Under the lock. */
int pki_swap_finish(struct pki *p);
/* ERR_EXISTS with a text when own/next.* waits for somebody. */
int pki_check_nothing_waits(struct pki *p);
/* A new key of so many bits. NULL without memory or entropy. */
EVP_PKEY *pki_make_key(unsigned bits);

/* ---- trust.c ---- */

/* Take the certificate with this SHA-256 (hex) out of trusted/certs, for good. detail: for changes.log. 0; ERR_NOTFOUND; an error with a text. */
int pki_forget(struct pki *p, const char *sha256, const char *detail, struct wall now);

/* ---- rejected.c ---- */

/* Keep a certificate that was refused for lack of trust; never fails aloud, since the refusal itself is what counts. */
void pki_keep_rejected(struct pki *p, X509 *x, const char *from, enum pki_status status, const char *text, struct wall now);
/* The same for a person's decision; under the lock. */
int pki_put_rejected(struct pki *p, X509 *x, const char *from, enum pki_status status, const char *text, struct wall now);
struct record;
/* The note beside a file of rejected/. 0 or what reading and record_parse() say. */
int pki_read_record(struct pki *p, const char *path, struct record *out);
/* Remove its file and record. */
void pki_drop_rejected(struct pki *p, const char *path);

#endif
