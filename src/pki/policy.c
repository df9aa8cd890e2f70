/* What a security policy asks of certificates: length of keys and hash of signatures (OPC 10000-7, the SecurityPolicy facets). */
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <string.h>

#include "pki/judge.h"

#define POLICY(name)	"http://opcfoundation.org/UA/SecurityPolicy#" name

struct rule {
	const char	*uri;
	int		 bits_min, bits_max;
	bool		 sha1;
};

/* The first row is for whoever names none, and for policies that are newer than this list. */
static const struct rule rules[] = {
	{ POLICY("Basic256Sha256"), 2048, 4096, false },
	{ POLICY("Aes128_Sha256_RsaOaep"), 2048, 4096, false },
	{ POLICY("Aes256_Sha256_RsaPss"), 2048, 4096, false },
	/* Withdrawn; only for devices that know nothing better, where the site file says so. */
	{ POLICY("Basic256"), 1024, 2048, true },
	{ POLICY("Basic128Rsa15"), 1024, 2048, true },
};

static const struct rule *
find(const char *uri)
{
	for (size_t i = 0; uri != NULL && i < sizeof rules / sizeof rules[0]; i++)
		if (strcmp(rules[i].uri, uri) == 0)
			return &rules[i];
	return &rules[0];
}

static int
judge_key(struct judge *j, size_t i, const struct rule *r)
{
	X509 *x = j->chain.v[i];
	EVP_PKEY *key = X509_get0_pubkey(x);
	int bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);
	bool rsa = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;

	/* The policies' longest key is about what a peer must compute with; a CA's key is only ever checked. */
	if (rsa && bits >= r->bits_min && (i > 0 || bits <= r->bits_max))
		return 0;
	/* A CA may as well sign by an elliptic curve: 256 bits are as good as 3072 of RSA. */
	if (i > 0 && key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && bits >= 256)
		return 0;
	return judge_refuse(j, PKI_BadCertificatePolicyCheckFailed, x, "subjectPublicKeyInfo", "", "its key is %s of %d bits, where %s "
	    "asks for RSA of %d to %d bits; give the device a new certificate (2048 bits or more)", key == NULL ? "unknown" :
	    EVP_PKEY_get0_type_name(key), bits, strchr(r->uri, '#') + 1, r->bits_min, r->bits_max);
}

static int
judge_hash(struct judge *j, X509 *x, const struct rule *r)
{
	int md = NID_undef;
	bool known = X509_get_signature_info(x, &md, NULL, NULL, NULL) == 1;

	if (known && (md == NID_sha256 || md == NID_sha384 || md == NID_sha512 || (r->sha1 && md == NID_sha1)))
		return 0;
	return judge_refuse(j, PKI_BadCertificatePolicyCheckFailed, x, "signatureAlgorithm", "", "it is signed with %s, where %s asks for "
	    "SHA-256 or better; give the device a new certificate", OBJ_nid2ln(X509_get_signature_nid(x)), strchr(r->uri, '#') + 1);
}

int
judge_policy(struct judge *j)
{
	const struct rule *r = find(j->peer->policy);
	int err = 0;

	for (size_t i = 0; err == 0 && i < j->chain.n; i++) {
		err = judge_key(j, i, r);
		/* What a root says of itself proves nothing by its signature: it is believed for being in the list. */
		if (err == 0 && (i == 0 || i + 1 < j->chain.n))
			err = judge_hash(j, j->chain.v[i], r);
	}
	return err;
}
