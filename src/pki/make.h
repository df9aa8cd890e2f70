/* How an own certificate or a request for one is made: first what it is to say, then the object. For own.c and renew.c. */
#ifndef PKI_MAKE_H
#define PKI_MAKE_H

#include <openssl/x509v3.h>

#include "pki/inside.h"

struct pki_shape {
	X509_NAME	*subject;	/* owned */
	GENERAL_NAMES	*names;		/* owned: subjectAltName */
	const char	*uses;		/* extendedKeyUsage; static */
	unsigned	 bits, days;
};

/* Checked: ERR_SYNTAX, ERR_RANGE with a text. *s is given on success, to shape_fini(). */
int shape_from_spec(struct pki *p, const struct pki_spec *spec, struct pki_shape *s);
/* What `like` says; days 0: as long as it lasted. ERR_TYPE with a text when it has nothing to keep. */
int shape_from_cert(struct pki *p, X509 *like, unsigned days, struct pki_shape *s);
void shape_fini(struct pki_shape *s);

/* Given; NULL without memory. */
X509 *shape_certificate(const struct pki_shape *s, EVP_PKEY *key, struct wall now);
X509_REQ *shape_request(const struct pki_shape *s, EVP_PKEY *key);

#endif
