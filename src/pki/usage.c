/* Whom a certificate names and what it may be used for (OPC 10000-4 1.05, table 100; OPC 10000-6 1.05, 6.2.2; RFC 5280, 4.2.1). */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "pki/judge.h"

#define NAMES_SHOWN	6

static void
put_name(struct buf *out, const GENERAL_NAME *g)
{
	char text[INET6_ADDRSTRLEN] = "", name[100];
	int n = g->type == GEN_IPADD ? ASN1_STRING_length(g->d.iPAddress) : 0;

	if (n == 4 || n == 16)
		inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(g->d.iPAddress), text, sizeof text);
	snprintf(name, sizeof name, "%.*s", g->type == GEN_IPADD ? (int)strlen(text) : ASN1_STRING_length(g->d.ia5),
	    g->type == GEN_IPADD ? text : (const char *)ASN1_STRING_get0_data(g->d.ia5));
	cert_clean(name);
	buf_printf(out, "%s%s", out->len > 0 ? ", " : "", name);
}

/* The names of subjectAltName that are of a type, for a text; "none". */
static void
list_names(X509 *x, int a, int b, struct buf *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int shown = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		if (g->type != a && g->type != b)
			continue;
		if (shown++ < NAMES_SHOWN)
			put_name(out, g);
	}
	if (shown > NAMES_SHOWN)
		buf_printf(out, " and %d more", shown - NAMES_SHOWN);
	if (shown == 0)
		buf_puts(out, "none");
	GENERAL_NAMES_free(names);
	ERR_clear_error();
}

bool
cert_names_host(X509 *x, const char *host)
{
	const unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
	char bare[256];

	snprintf(bare, sizeof bare, "%s", host[0] == '[' ? host + 1 : host);
	if (host[0] == '[')
		bare[strcspn(bare, "]")] = '\0';
	/* Several devices write their address as a DNS name; it is vouched for just the same. */
	bool yes = X509_check_ip_asc(x, bare, 0) == 1 || X509_check_host(x, bare, 0, flags, NULL) == 1;
	ERR_clear_error();
	return yes;
}

int
judge_host(struct judge *j)
{
	X509 *x = j->chain.v[0];
	struct buf names = { .max = 2000 };

	if (j->peer->host == NULL || cert_names_host(x, j->peer->host))
		return 0;
	list_names(x, GEN_DNS, GEN_IPADD, &names);
	int err = judge_refuse(j, PKI_BadCertificateHostNameInvalid, x, "subjectAltName", "", "we dialled '%.200s', but it is for: %.600s; write "
	    "the endpoint with one of these names, or give the device a certificate that has this one", j->peer->host, buf_text(&names));
	buf_fini(&names);
	return err;
}

int
judge_uri(struct judge *j)
{
	X509 *x = j->chain.v[0];
	struct buf names = { .max = 2000 };
	char uri[PKI_URI_MAX], claimed[PKI_URI_MAX];
	int err;

	if (j->peer->uri == NULL)
		return 0;
	/* Ends: a certificate has finitely many names. */
	for (int i = 0; (err = cert_uri(x, i, uri)) != ERR_END; i++)
		if (err == 0 && strcmp(uri, j->peer->uri) == 0)
			return 0;
	snprintf(claimed, sizeof claimed, "%s", j->peer->uri);
	cert_clean(claimed);
	list_names(x, GEN_URI, GEN_URI, &names);
	err = judge_refuse(j, PKI_BadCertificateUriInvalid, x, "subjectAltName", "", "the peer calls itself '%s', but it is for: %.600s; the "
	    "device was renamed after its certificate was made, or shows another one's: make it a new certificate", claimed, buf_text(&names));
	buf_fini(&names);
	return err;
}

static int
refuse_ca(struct judge *j, X509 *x)
{
	return judge_refuse(j, PKI_BadCertificateUseNotAllowed, x, "basicConstraints", "", "it is marked as that of a CA, and whoever holds its "
	    "key could sign for others; give the device an application certificate (CA:FALSE)%s", cert_is_self_signed(x) ?
	    ", or admit this one as it is, if it stands in trusted/certs" : "");
}

static int
judge_own_use(struct judge *j)
{
	const uint32_t need = KU_DIGITAL_SIGNATURE | KU_DATA_ENCIPHERMENT;
	X509 *x = j->chain.v[0];
	uint32_t flags = X509_get_extension_flags(x), ku = X509_get_key_usage(x), eku = X509_get_extended_key_usage(x);
	bool server = j->peer->role == PKI_SERVER;

	if (cert_is_ca(x) && !(j->peer->ca_as_peer && j->self_trusted && j->chain.n == 1))
		return refuse_ca(j, x);
	/* Without the extension the key is for any use (RFC 5280, 4.2.1.3). */
	if ((flags & EXFLAG_KUSAGE) != 0 && (ku & need) != need)
		return judge_refuse(j, PKI_BadCertificateUseNotAllowed, x, "keyUsage", "", "its key is not for %s; an OPC UA application "
		    "certificate has digitalSignature, nonRepudiation, keyEncipherment and dataEncipherment: give the device such a one",
		    (ku & KU_DIGITAL_SIGNATURE) == 0 ? "signing (digitalSignature)" : "encrypting (dataEncipherment)");
	if ((flags & EXFLAG_XKUSAGE) != 0 && (eku & ((server ? XKU_SSL_SERVER : XKU_SSL_CLIENT) | XKU_ANYEKU)) == 0)
		return judge_refuse(j, PKI_BadCertificateUseNotAllowed, x, "extendedKeyUsage", "", "it is not for a %s (%s is missing); give the "
		    "device a certificate that is", server ? "server" : "client", server ? "serverAuth" : "clientAuth");
	return 0;
}

static int
judge_issuer_use(struct judge *j, size_t i, long below)
{
	X509 *x = j->chain.v[i];
	uint32_t flags = X509_get_extension_flags(x);
	long path = X509_get_pathlen(x);

	if (!cert_is_ca(x))
		return judge_refuse(j, PKI_BadCertificateIssuerUseNotAllowed, x, "basicConstraints", "", "it has signed another certificate, but is "
		    "not that of a CA; somebody signs who must not: find out who made the certificate that was shown");
	if ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(x) & KU_KEY_CERT_SIGN) == 0)
		return judge_refuse(j, PKI_BadCertificateIssuerUseNotAllowed, x, "keyUsage", "", "this CA's key is not for signing certificates "
		    "(keyCertSign is missing); the CA must be set up anew");
	if (path >= 0 && below > path)
		return judge_refuse(j, PKI_BadCertificateIssuerUseNotAllowed, x, "basicConstraints", "", "this CA allows %ld CAs below it "
		    "(pathLenConstraint), but the chain has %ld; have the certificate signed by a CA that may", path, below);
	return 0;
}

int
judge_usage(struct judge *j)
{
	int err = judge_own_use(j);

	for (size_t i = 1; err == 0 && i < j->chain.n; i++)
		err = judge_issuer_use(j, i, (long)i - 1);
	return err;
}
