/*
 * What files are called: "<common name> [<SHA-1 thumbprint>]", so that a folder can be read by a person, and thumbprints as
 * people type them. The common name is a stranger's text: only letters, digits and a few signs of ASCII survive.
 */
#include <ctype.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pki/inside.h"

#define CN_MAX	64u

void
pki_stem(X509 *x, char out[PKI_STEM])
{
	char cn[CN_MAX + 1] = "", sha1[PKI_SHA1_TEXT];
	const X509_NAME *subject = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *s = at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	size_t len = s == NULL ? 0 : (size_t)ASN1_STRING_length(s);

	for (size_t i = 0; i < len && i < CN_MAX; i++) {
		unsigned char c = ASN1_STRING_get0_data(s)[i];
		bool fine = c < 0x80 && (isalnum(c) || c == ' ' || strchr("-_()@+=", c) != NULL || (c == '.' && i > 0));
		cn[i] = fine && c != '\0' ? (char)c : '_';
	}
	for (size_t n = strlen(cn); n > 0 && (cn[n - 1] == ' ' || cn[n - 1] == '.'); n--)
		cn[n - 1] = '\0';
	cert_sha1(x, sha1);
	snprintf(out, PKI_STEM, "%s [%s]", cn[0] == '\0' || cn[0] == ' ' ? "certificate" : cn, sha1);
}

static bool
ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);
	return n > m && name[0] != '.' && strcasecmp(name + n - m, suffix) == 0;
}

bool
pki_is_cert_file(const char *name)
{
	return ends_with(name, ".der") || ends_with(name, ".pem") || ends_with(name, ".crt") || ends_with(name, ".cer");
}

bool
pki_is_crl_file(const char *name)
{
	return ends_with(name, ".crl") || ends_with(name, ".pem") || ends_with(name, ".der");
}

int
pki_print_parse(const char *text, struct pki_print *out)
{
	*out = (struct pki_print){ 0 };
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == ' ' || c == ':')
			continue;
		if (c >= 0x80 || !isxdigit(c) || out->len == sizeof out->hex - 1)
			return ERR_SYNTAX;
		out->hex[out->len++] = (char)toupper(c);
	}
	return out->len >= 8 ? 0 : ERR_SYNTAX;
}
