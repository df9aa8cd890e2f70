/*
 * Making an own application certificate (OPC 10000-6 1.05, 6.2.2): RSA, SHA-256, CA:FALSE, the ApplicationURI first in
 * subjectAltName, and keyCertSign only because a self-signed certificate is its own issuer, which several stacks insist on.
 * A renewal copies what peers may have configured: subject, names, uses, key length. Only key, serial and dates are new.
 */
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "os/who.h"
#include "pki/make.h"

#define BITS_DEFAULT	3072u
#define DAYS_DEFAULT	730u
#define DAYS_MAX	(100u * 365u)
#define BEFORE_S	86400	/* device clocks lag; a certificate from tomorrow is a refusal that nobody understands */

static const char uses_self_signed[] = "critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,keyCertSign";
static const char uses_requested[] = "critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment";

const char *
pki_host(void)
{
	static char host[256];

	if (host[0] == '\0')
		who_host(host, sizeof host);
	return host;
}

/* What may stand in the specific string of a URN without being encoded (RFC 8141, 2), the colon aside. */
static bool
urn_put(char *out, size_t *at, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-._~", c) != NULL;
		size_t room = PKI_URI_MAX - *at;
		int n = snprintf(out + *at, room, plain ? "%c" : "%%%02X", c);
		if (n < 0 || (size_t)n >= room)
			return false;
		*at += (size_t)n;
	}
	return true;
}

int
pki_uri(const char *host, const char *site, enum pki_side side, char out[PKI_URI_MAX])
{
	size_t at = (size_t)snprintf(out, PKI_URI_MAX, "urn:");

	if (!urn_put(out, &at, host))
		return ERR_LIMIT;
	at += (size_t)snprintf(out + at, PKI_URI_MAX - at, ":penstock:");
	if (at >= PKI_URI_MAX || !urn_put(out, &at, site))
		return ERR_LIMIT;
	at += (size_t)snprintf(out + at, PKI_URI_MAX - at, ":%s", pki_side_name(side));
	return at < PKI_URI_MAX ? 0 : ERR_LIMIT;
}

static bool
add_text_name(GENERAL_NAMES *names, int type, const char *text)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	if (g == NULL || s == NULL || ASN1_STRING_set(s, text, -1) != 1) {
		GENERAL_NAME_free(g);
		ASN1_IA5STRING_free(s);
		return false;
	}
	GENERAL_NAME_set0_value(g, type, s);
	if (sk_GENERAL_NAME_push(names, g) > 0)
		return true;
	GENERAL_NAME_free(g);
	return false;
}

static bool
add_ip(GENERAL_NAMES *names, const char *text)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(text);
	GENERAL_NAME *g = ip == NULL ? NULL : GENERAL_NAME_new();

	if (g == NULL) {
		ASN1_OCTET_STRING_free(ip);
		return false;
	}
	GENERAL_NAME_set0_value(g, GEN_IPADD, ip);
	if (sk_GENERAL_NAME_push(names, g) > 0)
		return true;
	GENERAL_NAME_free(g);
	return false;
}

/* Printable ASCII without blanks: what an IA5String name is made of. */
static bool
is_plain(const char *s, size_t max)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return n > 0 && n < max;
}

static int
names_of(struct pki *p, const struct pki_spec *spec, GENERAL_NAMES *names)
{
	bool ok = add_text_name(names, GEN_URI, spec->uri);

	for (size_t i = 0; ok && i < PKI_NAMES_MAX && spec->dns[i] != NULL; i++) {
		if (!is_plain(spec->dns[i], 254))
			return pki_fail(p, ERR_SYNTAX, "'%.100s' is no DNS name: letters, digits, '-' and '.' make one (an internationalised "
			    "name in its xn-- form)", spec->dns[i]);
		ok = add_text_name(names, GEN_DNS, spec->dns[i]);
	}
	for (size_t i = 0; ok && i < PKI_NAMES_MAX && spec->ip[i] != NULL; i++)
		if (!add_ip(names, spec->ip[i]))
			return pki_fail(p, ERR_SYNTAX, "'%.100s' is no IP address: write 10.3.1.5 or fd00::5", spec->ip[i]);
	return ok ? 0 : pki_fail(p, ERR_NOMEM, "out of memory");
}

static bool
add_name_entry(X509_NAME *name, const char *key, const char *text)
{
	return X509_NAME_add_entry_by_txt(name, key, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1;
}

static int
shape_fill(struct pki *p, const struct pki_spec *spec, struct pki_shape *s)
{
	char cn[64];

	s->bits = spec->bits == 0 ? BITS_DEFAULT : spec->bits;
	s->days = spec->days == 0 ? DAYS_DEFAULT : spec->days;
	s->uses = p->side == PKI_OT && !spec->server ? "clientAuth" : "serverAuth,clientAuth";
	if (s->bits != 2048 && s->bits != 3072 && s->bits != 4096)
		return pki_fail(p, ERR_RANGE, "a key of %u bits is not what the security policies admit: 2048, 3072 or 4096", s->bits);
	if (s->days > DAYS_MAX)
		return pki_fail(p, ERR_RANGE, "%u days are more than a certificate may last here (%u)", s->days, DAYS_MAX);
	if (spec->uri == NULL || !is_plain(spec->uri, PKI_URI_MAX) || strchr(spec->uri, ':') == NULL)
		return pki_fail(p, ERR_SYNTAX, "'%.100s' is no ApplicationURI: at most %u signs of ASCII without blanks, such as "
		    "urn:host:penstock:site:ot", spec->uri == NULL ? "" : spec->uri, PKI_URI_MAX - 1);
	s->subject = X509_NAME_new();
	s->names = sk_GENERAL_NAME_new_null();
	if (s->subject == NULL || s->names == NULL)
		return pki_fail(p, ERR_NOMEM, "out of memory");
	snprintf(cn, sizeof cn, "Penstock %s", pki_side_name(p->side));
	if (!add_name_entry(s->subject, "CN", spec->common_name != NULL ? spec->common_name : cn) ||
	    (spec->organization != NULL && !add_name_entry(s->subject, "O", spec->organization)))
		return pki_fail(p, ERR_SYNTAX, "the common name and the organization take 1 to 64 characters of UTF-8 each");
	return names_of(p, spec, s->names);
}

int
shape_from_spec(struct pki *p, const struct pki_spec *spec, struct pki_shape *s)
{
	*s = (struct pki_shape){ 0 };
	int err = shape_fill(p, spec, s);
	if (err != 0)
		shape_fini(s);
	ERR_clear_error();
	return err;
}

int
shape_from_cert(struct pki *p, X509 *like, unsigned days, struct pki_shape *s)
{
	int64_t was_ns = cert_time(X509_get0_notAfter(like)).ns - cert_time(X509_get0_notBefore(like)).ns;
	int64_t was_days = was_ns / NS_PER_S / 86400 - BEFORE_S / 86400;
	EVP_PKEY *key = X509_get0_pubkey(like);
	int bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);

	*s = (struct pki_shape){ .days = days != 0 ? days : was_days > 0 && was_days <= DAYS_MAX ? (unsigned)was_days : DAYS_DEFAULT };
	s->bits = bits >= 4096 ? 4096 : bits >= 3072 ? 3072 : 2048;
	s->uses = (X509_get_extension_flags(like) & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(like) & XKU_SSL_SERVER) == 0 ?
	    "clientAuth" : "serverAuth,clientAuth";
	s->subject = X509_NAME_dup(X509_get_subject_name(like));
	s->names = X509_get_ext_d2i(like, NID_subject_alt_name, NULL, NULL);
	if (s->subject != NULL && s->names != NULL && s->days <= DAYS_MAX)
		return 0;
	shape_fini(s);
	return pki_fail(p, ERR_TYPE, "the present certificate cannot be renewed: it has no subjectAltName to keep, or %u days are too many; "
	    "move own/cert.der and own/key.pem away and make another with penstock cert new", days);
}

void
shape_fini(struct pki_shape *s)
{
	X509_NAME_free(s->subject);
	GENERAL_NAMES_free(s->names);
	*s = (struct pki_shape){ 0 };
}

EVP_PKEY *
pki_make_key(unsigned bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);

	ERR_clear_error();
	return key;
}

static bool
add_ext(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static bool
set_serial(X509 *x)
{
	BIGNUM *n = BN_new();
	/* 126 random bits: positive, not zero, at most 20 bytes (RFC 5280, 4.1.2.2). */
	bool ok = n != NULL && BN_rand(n, 126, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

X509 *
shape_certificate(const struct pki_shape *s, EVP_PKEY *key, struct wall now)
{
	time_t t = (time_t)(now.ns / NS_PER_S);
	X509 *x = X509_new();

	bool ok = x != NULL && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    X509_set_subject_name(x, s->subject) == 1 && X509_set_issuer_name(x, s->subject) == 1 && X509_set_pubkey(x, key) == 1 &&
	    ASN1_TIME_set(X509_getm_notBefore(x), t - BEFORE_S) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(x), t + (time_t)s->days * 86400) != NULL &&
	    add_ext(x, NID_basic_constraints, "critical,CA:FALSE") && add_ext(x, NID_key_usage, uses_self_signed) &&
	    add_ext(x, NID_ext_key_usage, s->uses) && add_ext(x, NID_subject_key_identifier, "hash") &&
	    add_ext(x, NID_authority_key_identifier, "keyid:always") &&
	    X509_add1_ext_i2d(x, NID_subject_alt_name, s->names, 0, X509V3_ADD_DEFAULT) == 1 && X509_sign(x, key, EVP_sha256()) > 0;
	ERR_clear_error();
	if (ok)
		return x;
	X509_free(x);
	return NULL;
}

static bool
push_ext(STACK_OF(X509_EXTENSION) *exts, X509_EXTENSION *e)
{
	if (e != NULL && sk_X509_EXTENSION_push(exts, e) > 0)
		return true;
	X509_EXTENSION_free(e);
	return false;
}

X509_REQ *
shape_request(const struct pki_shape *s, EVP_PKEY *key)
{
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	X509_REQ *r = X509_REQ_new();
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, NULL, NULL, r, NULL, 0);
	bool ok = r != NULL && exts != NULL && X509_REQ_set_version(r, X509_REQ_VERSION_1) == 1 &&
	    X509_REQ_set_subject_name(r, s->subject) == 1 && X509_REQ_set_pubkey(r, key) == 1 &&
	    push_ext(exts, X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, "critical,CA:FALSE")) &&
	    push_ext(exts, X509V3_EXT_conf_nid(NULL, &ctx, NID_key_usage, uses_requested)) &&
	    push_ext(exts, X509V3_EXT_conf_nid(NULL, &ctx, NID_ext_key_usage, s->uses)) &&
	    push_ext(exts, X509V3_EXT_i2d(NID_subject_alt_name, 0, s->names)) && X509_REQ_add_extensions(r, exts) == 1 &&
	    X509_REQ_sign(r, key, EVP_sha256()) > 0;
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	ERR_clear_error();
	if (ok)
		return r;
	X509_REQ_free(r);
	return NULL;
}
