/* See chain.h. */
#include "spool/chain.h"

#include <openssl/evp.h>

int
chain_init(struct chain *c)
{
	*c = (struct chain){ .ctx = EVP_MD_CTX_new(), .md = EVP_MD_fetch(NULL, "SHA256", NULL) };
	if (c->ctx != NULL && c->md != NULL)
		return 0;
	chain_fini(c);
	return ERR_NOMEM;
}

void
chain_fini(struct chain *c)
{
	EVP_MD_CTX_free(c->ctx);
	EVP_MD_free(c->md);
	*c = (struct chain){ 0 };
}

int
chain_link(struct chain *c, const uint8_t *before, const void *a, size_t a_len, const void *b, size_t b_len,
    uint8_t out[SPOOL_HASH])
{
	unsigned len = 0;

	if (EVP_DigestInit_ex2(c->ctx, c->md, NULL) != 1 ||
	    (before != NULL && EVP_DigestUpdate(c->ctx, before, SPOOL_HASH) != 1) ||
	    (a_len > 0 && EVP_DigestUpdate(c->ctx, a, a_len) != 1) ||
	    (b_len > 0 && EVP_DigestUpdate(c->ctx, b, b_len) != 1) || EVP_DigestFinal_ex(c->ctx, out, &len) != 1 ||
	    len != SPOOL_HASH)
		return ERR_NOMEM;
	return 0;
}

char *
chain_hex(const uint8_t hash[SPOOL_HASH], char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < (int)SPOOL_HASH; i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	out[2 * SPOOL_HASH] = '\0';
	return out;
}
