/* For the test and the bench of a link: a certificate that both ends show. Header only. */
#ifndef PROTO_LINK_RIG_H
#define PROTO_LINK_RIG_H

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "proto/link/link_tls.h"

/* The certificate and its key into c; made by the first call, which takes a while, and kept. */
static inline void
link_rig_cert(struct link_tls_conf *c)
{
	static uint8_t *cert, *key;
	static int cert_len, key_len;

	if (cert == NULL) {
		EVP_PKEY *k = EVP_RSA_gen(2048);
		X509 *x = X509_new();
		X509_set_version(x, X509_VERSION_3);
		ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
		X509_gmtime_adj(X509_getm_notBefore(x), -60);
		X509_gmtime_adj(X509_getm_notAfter(x), 3600);
		X509_set_pubkey(x, k);
		X509_sign(x, k, EVP_sha256());
		cert_len = i2d_X509(x, &cert);
		key_len = i2d_PrivateKey(k, &key);
		X509_free(x);
		EVP_PKEY_free(k);
	}
	c->chain = cert;
	c->chain_len = cert_len > 0 ? (size_t)cert_len : 0;
	c->key = key;
	c->key_len = key_len > 0 ? (size_t)key_len : 0;
}

#endif
