/*
 * Chains: taking apart what a peer sent, and finding the way from its certificate up to one that signed itself.
 *
 * Building is bounded on purpose (CVE-2022-37013 was a chain that led to itself): PKI_CHAIN_MAX steps, each step tries
 * each known certificate of the issuer's name once, no certificate is taken twice, and there is no going back.
 */
#include <openssl/err.h>
#include <string.h>

#include "pki/inside.h"

#define SIGNED_BITS_MAX	8192	/* a signature by a longer key is not worth the time that checking takes */

int
chain_parse(const uint8_t *p, size_t len, struct pki_chain *out)
{
	*out = (struct pki_chain){ 0 };
	if (p == NULL || len == 0)
		return ERR_NOTFOUND;
	if (len > PKI_CHAIN_BYTES_MAX)
		return ERR_LIMIT;
	/* Ends: each round takes the bytes of one certificate, and there are PKI_CHAIN_MAX rounds at most. */
	while (len > 0) {
		size_t used;
		X509 *x = out->n < PKI_CHAIN_MAX ? cert_decode(p, len, &used) : NULL;
		if (x == NULL) {
			int err = out->n == PKI_CHAIN_MAX ? ERR_LIMIT : ERR_SYNTAX;
			chain_free(out);
			return err;
		}
		out->v[out->n++] = x;
		p += used;
		len -= used;
	}
	return 0;
}

void
chain_free(struct pki_chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		X509_free(c->v[i]);
	*c = (struct pki_chain){ 0 };
}

static bool
signed_by(X509 *x, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	bool yes = key != NULL && EVP_PKEY_get_bits(key) <= SIGNED_BITS_MAX && X509_verify(x, key) == 1;

	ERR_clear_error();
	return yes;
}

static bool
taken(const struct pki_chain *c, const X509 *x)
{
	for (size_t i = 0; i < c->n; i++)
		if (cert_same(c->v[i], x))
			return true;
	return false;
}

struct search {
	const struct pki_chain	*c;
	struct wall		 now;
	X509			*found, *outdated;	/* borrowed */
	bool			 named;			/* somebody has the issuer's name */
};

static void
consider(struct search *s, X509 *candidate)
{
	X509 *x = s->c->v[s->c->n - 1];

	if (s->found != NULL || candidate == NULL || X509_NAME_cmp(X509_get_subject_name(candidate), X509_get_issuer_name(x)) != 0 ||
	    taken(s->c, candidate))
		return;
	s->named = true;
	if (!signed_by(x, candidate))
		return;
	bool valid = cert_time(X509_get0_notBefore(candidate)).ns <= s->now.ns && s->now.ns <= cert_time(X509_get0_notAfter(candidate)).ns;
	if (valid)
		s->found = candidate;
	else if (s->outdated == NULL)
		s->outdated = candidate;
}

int
chain_build(struct pki_chain *c, const struct pki_pool *pool)
{
	while (!cert_is_self_signed(c->v[c->n - 1])) {
		struct search s = { .c = c, .now = pool->now };
		for (size_t l = 0; l < sizeof pool->lists / sizeof pool->lists[0]; l++)
			for (size_t i = 0; pool->lists[l] != NULL && i < pool->lists[l]->n; i++)
				consider(&s, pool->lists[l]->v[i].cert);
		for (size_t i = 1; pool->sent != NULL && i < pool->sent->n; i++)
			consider(&s, pool->sent->v[i]);
		X509 *issuer = s.found != NULL ? s.found : s.outdated;
		X509 *x = c->v[c->n - 1];
		if (issuer == NULL) {
			bool own_name = X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
			return s.named || own_name ? CHAIN_BAD_SIGNATURE : CHAIN_NO_ISSUER;
		}
		if (c->n == PKI_CHAIN_MAX)
			return CHAIN_TOO_LONG;
		X509_up_ref(issuer);
		c->v[c->n++] = issuer;
	}
	return CHAIN_WHOLE;
}
