/*
 * Facts of one certificate, read once and made safe to show: a certificate is written by a stranger, and its names end
 * up in logs, terminals, file names and texts that a person acts on.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "pki/inside.h"

X509 *
cert_decode(const uint8_t *p, size_t len, size_t *used)
{
	const uint8_t *at = p;
	uint8_t *again = NULL;

	*used = 0;
	if (len > PKI_CHAIN_BYTES_MAX)
		len = PKI_CHAIN_BYTES_MAX;
	X509 *x = d2i_X509(NULL, &at, (long)len);
	if (x == NULL) {
		ERR_clear_error();
		return NULL;
	}
	/* DER has one way to say a thing (X.690, 10): what comes out differently is BER, and would have two thumbprints. */
	int n = i2d_X509(x, &again);
	bool same = n > 0 && n == at - p && memcmp(again, p, (size_t)n) == 0;
	OPENSSL_free(again);
	/* This fills the cached flags; a certificate whose extensions cannot be read is marked, and is none to us. */
	if (!same || (X509_get_extension_flags(x) & EXFLAG_INVALID) != 0) {
		ERR_clear_error();
		X509_free(x);
		return NULL;
	}
	*used = (size_t)n;
	return x;
}

size_t
cert_der(X509 *x, uint8_t **out)
{
	*out = NULL;
	int n = i2d_X509(x, out);
	return n > 0 ? (size_t)n : 0;
}

static void
digest(const X509 *x, const EVP_MD *md, char *out, size_t size)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (X509_digest(x, md, hash, &len) != 1)
		len = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < len && 2 * i + 2 < size; i++)
		snprintf(out + 2 * i, 3, "%02X", hash[i]);
}

void
cert_sha1(const X509 *x, char out[PKI_SHA1_TEXT])
{
	digest(x, EVP_sha1(), out, PKI_SHA1_TEXT);
}

void
cert_sha256(const X509 *x, char out[PKI_SHA256_TEXT])
{
	digest(x, EVP_sha256(), out, PKI_SHA256_TEXT);
}

/* Controls (C0, DEL, C1) and what turns the direction of writing or cannot be seen: never of use in a name. */
static bool
deceives(const char *p, size_t n)
{
	unsigned char a = (unsigned char)p[0], b = n > 1 ? (unsigned char)p[1] : 0, c = n > 2 ? (unsigned char)p[2] : 0;

	if (n == 1)
		return a < 0x20 || a == 0x7f;
	if (n == 2)
		return a == 0xc2 && b < 0xa0;
	if (a == 0xe2 && b == 0x80)
		return (c >= 0x8b && c <= 0x8f) || (c >= 0xa8 && c <= 0xae);
	return (a == 0xe2 && b == 0x81 && c >= 0xa0 && c <= 0xaf) || (a == 0xef && b == 0xbb && c == 0xbf);
}

void
cert_clean(char *text)
{
	char *to = text;

	/* Ends: each round takes one byte at least, and never writes ahead of what it has read. */
	for (const char *p = text, *end = text + strlen(text); p < end;) {
		size_t n = utf8_len(p, (size_t)(end - p));
		if (n == 0 || deceives(p, n)) {
			*to++ = '?';
			p += n == 0 ? 1 : n;
			continue;
		}
		memmove(to, p, n);
		if (*to == '"')
			*to = '\'';
		to += n;
		p += n;
	}
	*to = '\0';
}

void
cert_name(const X509_NAME *name, char out[PKI_NAME_MAX])
{
	const unsigned long flags = XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | ASN1_STRFLGS_UTF8_CONVERT | ASN1_STRFLGS_ESC_CTRL |
	    ASN1_STRFLGS_ESC_2253 | ASN1_STRFLGS_DUMP_UNKNOWN | ASN1_STRFLGS_DUMP_DER;
	BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;

	snprintf(out, PKI_NAME_MAX, "(no name)");
	if (b != NULL && X509_NAME_print_ex(b, name, 0, flags) > 0) {
		long n = BIO_get_mem_data(b, &text);
		size_t len = n < 0 ? 0 : (size_t)n < PKI_NAME_MAX ? (size_t)n : PKI_NAME_MAX - 1;
		memcpy(out, text, len);
		out[len] = '\0';
		cert_clean(out);
	}
	ERR_clear_error();
	BIO_free(b);
}

int
cert_uri(const X509 *x, int i, char out[PKI_URI_MAX])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int err = ERR_END;

	out[0] = '\0';
	for (int k = 0; k < sk_GENERAL_NAME_num(names); k++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, k);
		if (g->type != GEN_URI || i-- > 0)
			continue;
		const uint8_t *text = ASN1_STRING_get0_data(g->d.uniformResourceIdentifier);
		size_t len = (size_t)ASN1_STRING_length(g->d.uniformResourceIdentifier);
		err = ERR_SYNTAX;
		if (len > 0 && len < PKI_URI_MAX && memchr(text, 0, len) == NULL) {
			memcpy(out, text, len);
			out[len] = '\0';
			err = 0;
		}
		break;
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return err;
}

struct wall
cert_time(const ASN1_TIME *t)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;
	struct wall w = { 0 };

	if (t != NULL && epoch != NULL && ASN1_TIME_check(t) == 1 && ASN1_TIME_diff(&days, &seconds, epoch, t) == 1) {
		int64_t s = (int64_t)days * 86400 + seconds;
		w.ns = s >= INT64_MAX / NS_PER_S ? INT64_MAX : s <= INT64_MIN / NS_PER_S ? INT64_MIN : s * NS_PER_S;
	}
	ASN1_TIME_free(epoch);
	ERR_clear_error();
	return w;
}

bool
cert_is_ca(X509 *x)
{
	const uint32_t both = EXFLAG_BCONS | EXFLAG_CA;	/* not X509_check_ca(): that asks for keyCertSign in the same breath */

	return (X509_get_extension_flags(x) & both) == both;
}

bool
cert_is_self_signed(X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	bool yes = X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0 && key != NULL && X509_verify(x, key) == 1;

	ERR_clear_error();
	return yes;
}

bool
cert_same(const X509 *a, const X509 *b)
{
	return X509_cmp(a, b) == 0;
}

int32_t
cert_days_left(struct wall not_after, struct wall now)
{
	int64_t day = 86400 * NS_PER_S, left;

	if (__builtin_sub_overflow(not_after.ns, now.ns, &left))
		left = not_after.ns > now.ns ? INT64_MAX : INT64_MIN;
	return (int32_t)(left >= 0 ? left / day : -((-(left + 1)) / day) - 1);
}
