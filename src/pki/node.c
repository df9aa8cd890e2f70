/* See node.h. */
#include "pki/node.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pki/inside.h"

int
pki_node_own(struct pki *p, const char *name, const char *site, struct wall now, struct pki_own *out)
{
	struct pki_spec spec = { .dns = { name, pki_host() }, .common_name = name, .server = p->side == PKI_OT };
	char uri[PKI_URI_MAX];

	if (strcmp(spec.dns[0], spec.dns[1]) == 0)
		spec.dns[1] = NULL;
	spec.uri = uri;
	if (pki_uri(name, site != NULL && *site != '\0' ? site : "site", p->side, uri) != 0)
		return pki_fail(p, ERR_LIMIT, "the node's name and the site's make an ApplicationURI of more than %u characters; make a certificate with a "
		    "shorter one: penstock cert new --side %s --dns %.60s --uri URI", PKI_URI_MAX - 1, pki_side_name(p->side), name);
	return pki_own_ensure(p, &spec, now, out);
}

size_t
pki_leaf(const uint8_t *chain, size_t len)
{
	size_t used = 0;
	X509 *x = cert_decode(chain, len, &used);

	X509_free(x);
	return x != NULL ? used : 0;
}

int
pki_sha256(const uint8_t *der, size_t len, uint8_t out[PKI_SHA256])
{
	return EVP_Digest(der, len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : ERR_NOMEM;
}

bool
pki_is_named(const uint8_t *der, size_t len, const char *name)
{
	size_t used;
	X509 *x = cert_decode(der, len, &used);
	bool yes = x != NULL && cert_names_host(x, name);

	X509_free(x);
	return yes;
}

void
pki_remark(struct pki *p, const char *what, const uint8_t *der, size_t len, const char *detail, struct wall now)
{
	char subject[PKI_NAME_MAX] = "", sha1[PKI_SHA1_TEXT] = "";
	size_t used;
	X509 *x = len > 0 ? cert_decode(der, len, &used) : NULL;

	if (x != NULL) {
		cert_name(X509_get_subject_name(x), subject);
		cert_sha1(x, sha1);
	}
	X509_free(x);
	pki_note(p, what, subject, sha1, detail, now);
}

int
pki_pin(struct pki *p, const uint8_t *der, size_t len, struct wall now)
{
	struct pki_imported got;
	int err = pki_import(p, der, len, PKI_AS_TRUSTED, now, &got);

	if (err == 0 && got.certs == 0)
		return pki_fail(p, ERR_EXISTS, "that is our own certificate of side %s: a node cannot be joined to itself", pki_side_name(p->side));
	return err;
}

struct namesakes {
	const char	*name;
	const uint8_t	*der;
	size_t		 len;
	int		(*each)(void *arg, const struct pki_item *item);
	void		*arg;
};

static int
namesake(void *arg, const struct pki_item *it)
{
	const struct namesakes *n = arg;

	if (it->place != PKI_TRUSTED || it->err != 0 || it->der == NULL || it->ca || !pki_is_named(it->der, it->der_len, n->name) ||
	    (it->der_len == n->len && memcmp(it->der, n->der, n->len) == 0))
		return 0;
	return n->each(n->arg, it);
}

int
pki_each_namesake(struct pki *p, const char *name, const uint8_t *der, size_t len, struct wall now,
    int (*each)(void *arg, const struct pki_item *item), void *arg)
{
	struct namesakes n = { name, der, len, each, arg };

	return pki_each(p, now, namesake, &n);
}

void
pki_clean(char *text)
{
	cert_clean(text);
}

int
pki_say(struct pki *p, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why, sizeof p->why, fmt, ap);
	va_end(ap);
	return err;
}
