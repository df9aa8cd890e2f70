/* A certificate in full, for the person who must decide whether to trust it: what to compare with what the device shows. */
#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "pki/inside.h"

#define LABEL	"%-16s"
#define NAMES_SHOWN_MAX	100

static void
line(struct buf *out, const char *label, const char *text)
{
	buf_printf(out, LABEL "%s\n", label, text);
}

static void
put_key(struct buf *out, X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);

	buf_printf(out, LABEL "%s %d bits\n", "key", key == NULL ? "unknown" : EVP_PKEY_get0_type_name(key),
	    key == NULL ? 0 : EVP_PKEY_get_bits(key));
	line(out, "signature", OBJ_nid2ln(X509_get_signature_nid(x)));
}

static void
put_serial(struct buf *out, X509 *x)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = n == NULL ? NULL : BN_bn2hex(n);
	char text[64];

	snprintf(text, sizeof text, "%s", hex == NULL ? "?" : hex);
	line(out, "serial", text);
	OPENSSL_free(hex);
	BN_free(n);
}

static void
put_times(struct buf *out, X509 *x, struct wall now)
{
	char from[WALL_TEXT], to[WALL_TEXT];
	struct wall begin = cert_time(X509_get0_notBefore(x)), end = cert_time(X509_get0_notAfter(x));
	int32_t left = cert_days_left(end, now);

	buf_printf(out, LABEL "%s\n", "valid from", wall_format(begin, 0, from));
	if (end.ns == INT64_MAX)
		line(out, "valid until", "without end");
	else if (left < 0)
		buf_printf(out, LABEL "%s (ENDED)\n", "valid until", wall_format(end, 0, to));
	else
		buf_printf(out, LABEL "%s (%d days left%s)\n", "valid until", wall_format(end, 0, to), left, left < PKI_DAYS_WARN ? ", SOON" : "");
	if (begin.ns > now.ns)
		line(out, "", "NOT YET VALID by this machine's clock");
}

static void
put_general_name(struct buf *out, const GENERAL_NAME *g)
{
	char text[300];
	const char *kind = g->type == GEN_URI ? "URI" : g->type == GEN_DNS ? "DNS" : g->type == GEN_EMAIL ? "e-mail" : NULL;

	if (kind != NULL) {
		const char *p = (const char *)ASN1_STRING_get0_data(g->d.ia5);
		int len = ASN1_STRING_length(g->d.ia5);
		bool nul = memchr(p, 0, (size_t)len) != NULL;
		snprintf(text, sizeof text, "%.*s", len > 256 ? 256 : len, p);
		cert_clean(text);
		buf_printf(out, LABEL "%s %s%s%s\n", "names", kind, text, len > 256 ? "..." : "", nul ? " (then a NUL: DECEPTIVE)" : "");
	} else if (g->type == GEN_IPADD) {
		int n = ASN1_STRING_length(g->d.iPAddress);
		text[0] = '\0';
		if (n == 4 || n == 16)
			inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(g->d.iPAddress), text, sizeof text);
		buf_printf(out, LABEL "IP %s\n", "names", text);
	} else
		line(out, "names", "of another kind");
}

static void
put_names(struct buf *out, X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int n = sk_GENERAL_NAME_num(names);

	for (int i = 0; i < n && i < NAMES_SHOWN_MAX; i++)
		put_general_name(out, sk_GENERAL_NAME_value(names, i));
	if (n > NAMES_SHOWN_MAX)
		buf_printf(out, LABEL "and %d more\n", "names", n - NAMES_SHOWN_MAX);
	if (n <= 0)
		line(out, "names", "none (no subjectAltName)");
	GENERAL_NAMES_free(names);
}

static void
put_uses(struct buf *out, X509 *x)
{
	static const struct { uint32_t bit; const char *name; } ku[] = {
		{ KU_DIGITAL_SIGNATURE, "digitalSignature" }, { KU_NON_REPUDIATION, "nonRepudiation" },
		{ KU_KEY_ENCIPHERMENT, "keyEncipherment" }, { KU_DATA_ENCIPHERMENT, "dataEncipherment" },
		{ KU_KEY_AGREEMENT, "keyAgreement" }, { KU_KEY_CERT_SIGN, "keyCertSign" }, { KU_CRL_SIGN, "cRLSign" },
	}, eku[] = {
		{ XKU_SSL_SERVER, "serverAuth" }, { XKU_SSL_CLIENT, "clientAuth" }, { XKU_CODE_SIGN, "codeSigning" }, { XKU_ANYEKU, "any" },
	};
	uint32_t flags = X509_get_extension_flags(x);

	buf_printf(out, LABEL, "key usage");
	for (size_t i = 0; (flags & EXFLAG_KUSAGE) != 0 && i < sizeof ku / sizeof ku[0]; i++)
		if ((X509_get_key_usage(x) & ku[i].bit) != 0)
			buf_printf(out, "%s ", ku[i].name);
	buf_printf(out, "%s\n" LABEL, (flags & EXFLAG_KUSAGE) != 0 ? "" : "any (not said)", "extended usage");
	for (size_t i = 0; (flags & EXFLAG_XKUSAGE) != 0 && i < sizeof eku / sizeof eku[0]; i++)
		if ((X509_get_extended_key_usage(x) & eku[i].bit) != 0)
			buf_printf(out, "%s ", eku[i].name);
	buf_puts(out, (flags & EXFLAG_XKUSAGE) != 0 ? "\n" : "any (not said)\n");
	if (cert_is_ca(x) && X509_get_pathlen(x) >= 0)
		buf_printf(out, LABEL "yes, with at most %ld CAs below it\n", "CA", X509_get_pathlen(x));
	else
		line(out, "CA", cert_is_ca(x) ? "yes: who trusts it trusts all that it signs" : "no");
}

int
pki_describe(const uint8_t *der, size_t len, struct wall now, struct buf *out)
{
	char subject[PKI_NAME_MAX], issuer[PKI_NAME_MAX], sha1[PKI_SHA1_TEXT], sha256[PKI_SHA256_TEXT];
	size_t used;
	X509 *x = cert_decode(der, len, &used);

	if (x == NULL)
		return ERR_CORRUPT;
	cert_name(X509_get_subject_name(x), subject);
	cert_name(X509_get_issuer_name(x), issuer);
	cert_sha1(x, sha1);
	cert_sha256(x, sha256);
	line(out, "subject", subject);
	line(out, "issuer", cert_is_self_signed(x) ? "itself (self-signed)" : issuer);
	put_serial(out, x);
	put_times(out, x, now);
	put_names(out, x);
	put_key(out, x);
	put_uses(out, x);
	line(out, "SHA-1", sha1);
	line(out, "SHA-256", sha256);
	ERR_clear_error();
	X509_free(x);
	return out->err;
}
