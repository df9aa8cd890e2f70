/* A next certificate handed from node to node, the old key vouching for it: see succeed.h. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "pki/list.h"
#include "pki/peers.h"

static const char label[] = "penstock link renewal 1";
#define SIGNED	(sizeof label + PKI_BINDING + PKI_SHA256)

static void
put_together(const uint8_t binding[PKI_BINDING], const uint8_t sha256[PKI_SHA256], uint8_t out[SIGNED])
{
	memcpy(out, label, sizeof label);	/* with its zero byte */
	memcpy(out + sizeof label, binding, PKI_BINDING);
	memcpy(out + sizeof label + PKI_BINDING, sha256, PKI_SHA256);
}

static bool
set_padding(EVP_PKEY_CTX *c)
{
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1;
}

int
pki_offer_sign(const struct pki_own *shown, const uint8_t binding[PKI_BINDING], const uint8_t sha256[PKI_SHA256], uint8_t sig[PKI_SIGNATURE_MAX],
    size_t *sig_len)
{
	const uint8_t *k = shown->key;
	uint8_t in[SIGNED];
	EVP_PKEY_CTX *c = NULL;
	EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &k, (long)shown->key_len);
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	put_together(binding, sha256, in);
	*sig_len = PKI_SIGNATURE_MAX;
	bool ok = key != NULL && md != NULL && EVP_DigestSignInit(md, &c, EVP_sha256(), NULL, key) == 1 && set_padding(c) &&
	    EVP_DigestSign(md, sig, sig_len, in, sizeof in) == 1;
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok ? 0 : ERR_CORRUPT;
}

static bool
is_signed_by(X509 *x, const struct pki_offer *o, const uint8_t sha256[PKI_SHA256])
{
	uint8_t in[SIGNED];
	EVP_PKEY_CTX *c = NULL;
	EVP_PKEY *key = X509_get0_pubkey(x);
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	put_together(o->binding, sha256, in);
	bool ok = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && md != NULL &&
	    EVP_DigestVerifyInit(md, &c, EVP_sha256(), NULL, key) == 1 && set_padding(c) && EVP_DigestVerify(md, o->sig, o->sig_len, in, sizeof in) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return ok;
}

/* Only who is believed itself hands on that belief; what a CA vouches for, the CA renews. */
static int
check_present(struct pki *p, X509 *x)
{
	struct pki_files trusted = { 0 };

	int err = pki_files_share(p, PKI_TRUSTED, &trusted);
	bool there = err == 0 && pki_files_find(&trusted, x) != NULL;
	pki_files_free(&trusted);
	if (err != 0)
		return pki_fail(p, err, "the list of trusted ones cannot be read: %s", err_text(err));
	return there ? 0 : pki_fail(p, ERR_DENIED, "its present certificate is not in the list of trusted ones by itself (a CA vouches for it), so the next "
	    "one must come from there too");
}

/* At most one next certificate a peer: one that was offered before and never shown goes. */
static int
remember(struct pki *p, const struct pki_offer *o, X509 *present, const uint8_t sha256[PKI_SHA256])
{
	char old[PKI_SHA256_TEXT], new[PKI_SHA256_TEXT];
	struct peer_file f;

	cert_sha256(present, old);
	peer_load(p, o->peer, &f);
	hash_text(sha256, new);
	if (f.next[0] != '\0' && strcmp(f.next, new) != 0 && strcmp(f.next, old) != 0)
		pki_forget(p, f.next, "how=offered-again", o->now);
	memcpy(f.next, new, sizeof f.next);
	memcpy(f.before, old, sizeof f.before);
	return peer_store(p, o->peer, &f);
}

static int
take(struct pki *p, const struct pki_offer *o, X509 *present, size_t leaf, uint8_t sha256[PKI_SHA256])
{
	struct pki_verdict v;
	struct pki_peer peer = { .chain = o->chain, .len = o->chain_len, .role = o->role, .from = o->from, .host = o->peer, .crl_optional = true,
	    .introduced = true, .ca_as_peer = true, .now = o->now };
	char detail[400], old[PKI_SHA1_TEXT];

	if (!is_signed_by(present, o, sha256))
		return pki_fail(p, ERR_DENIED, "the next certificate that %.100s offers is not signed by its present one", o->peer);
	int err = check_present(p, present);
	if (err == 0)
		err = pki_verify(p, &peer, &v);	/* with a text of its own */
	if (err == 0)
		err = remember(p, o, present, sha256);
	if (err == 0)
		err = pki_pin(p, o->chain, leaf, o->now);
	if (err != 0)
		return err;
	cert_sha1(present, old);
	snprintf(detail, sizeof detail, "how=renewed peer=\"%.120s\" from=%.90s by=%s", o->peer, o->from, old);
	pki_remark(p, "renewed", o->chain, leaf, detail, o->now);
	return 0;
}

int
pki_offer_take(struct pki *p, const struct pki_offer *o, uint8_t sha256[PKI_SHA256])
{
	size_t used, leaf = pki_leaf(o->chain, o->chain_len);
	X509 *present = cert_decode(o->leaf, o->leaf_len, &used);
	int err;

	if (leaf == 0 || present == NULL || o->chain_len > PKI_CHAIN_BYTES_MAX)
		err = pki_fail(p, ERR_SYNTAX, "what %.100s offers is no certificate", o->peer);
	else if ((err = pki_sha256(o->chain, leaf, sha256)) == 0)
		err = take(p, o, present, leaf, sha256);
	X509_free(present);
	return err;
}

void
pki_peer_seen(struct pki *p, const char *peer, const uint8_t *leaf, size_t leaf_len, struct wall now)
{
	uint8_t hash[PKI_SHA256];
	char hex[PKI_SHA256_TEXT], detail[300];
	struct peer_file f;

	peer_load(p, peer, &f);
	if (f.next[0] == '\0' || pki_sha256(leaf, leaf_len, hash) != 0 || strcmp(hash_text(hash, hex), f.next) != 0)
		return;
	snprintf(detail, sizeof detail, "how=succeeded peer=\"%.120s\" next=%.16s", peer, f.next);
	int err = pki_forget(p, f.before, detail, now);
	f.next[0] = f.before[0] = '\0';
	if (err == 0 || err == ERR_NOTFOUND)
		err = peer_store(p, peer, &f);
	if (err != 0)
		log_warn("certificate_not_retired", "peer=\"%s\" why=\"%s\" remedy=\"penstock cert reject takes the old one away\"", peer, pki_why(p));
}
