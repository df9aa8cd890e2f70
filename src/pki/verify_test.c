/*
 * Judging a peer: each step of OPC 10000-4 1.05, table 100, is met by a certificate that fails at just that step. The status
 * codes are the table's; chains are judged by OpenSSL's own path validation too, and both must agree.
 */
#include <openssl/x509_vfy.h>

#include "pki/rig.h"

#define URI	"urn:filler:plc"
#define SAN	"URI:" URI ",DNS:filler,IP:10.3.1.5"
#define HAS(text, part) do { if (strstr((text), (part)) == NULL) test_fail(__FILE__, __LINE__, "no '%s' in: %s", (part), (text)); } while (0)

static struct pki_verdict v;

static enum pki_status
judge_as(struct pki *p, struct pki_peer peer, X509 *const *chain)
{
	struct rig_bytes b = { .len = 0 };

	for (; *chain != NULL; chain++)
		rig_der(*chain, &b);
	peer.chain = b.p;
	peer.len = b.len;
	peer.from = "opc.tcp://filler:4840";
	if (peer.now.ns == 0)
		peer.now = RIG_NOW;
	int err = pki_verify(p, &peer, &v);
	CHECK_INT(err, v.err);
	CHECK((err == 0) == (v.status == PKI_Good));
	CHECK((err == 0) == (v.text[0] == '\0'));
	return v.status;
}

static enum pki_status
judge(struct pki *p, X509 *x)
{
	X509 *const chain[] = { x, NULL };
	return judge_as(p, (struct pki_peer){ .role = PKI_SERVER, .host = "filler", .uri = URI }, chain);
}

/* The device's certificate as `c` makes it, trusted. */
static struct pki *
trusting(struct rig_cert c, X509 **out)
{
	struct pki *p = rig_store();

	c.cn = c.cn != NULL ? c.cn : "Filler";
	c.key = c.key != NULL ? c.key : rig_key(0);
	c.san = c.san != NULL ? c.san : SAN;
	*out = rig_make(&c);
	rig_put(p, "trusted/certs/filler.der", *out);
	return p;
}

static enum pki_status
judge_one(struct rig_cert c)
{
	X509 *x;
	struct pki *p = trusting(c, &x);
	enum pki_status s = judge(p, x);

	X509_free(x);
	pki_close(p);
	return s;
}

TEST(a_trusted_self_signed_certificate_is_good_and_an_empty_list_trusts_nobody)
{
	X509 *x;
	struct pki *p = trusting((struct rig_cert){ 0 }, &x), *empty = NULL;
	struct pki_peer named = { .role = PKI_SERVER, .host = "10.3.1.5", .uri = URI };
	X509 *const chain[] = { x, NULL };

	CHECK_INT(judge(p, x), PKI_Good);
	CHECK_INT(judge_as(p, named, chain), PKI_Good);
	CHECK_INT(v.not_after.ns, (RIG_T0 + 335 * RIG_DAY) * NS_PER_S);
	CHECK_INT(rig_files(p, "rejected", ".der"), 0);
	empty = rig_store();
	CHECK_INT(judge(empty, x), PKI_BadCertificateUntrusted);
	CHECK_INT(v.status, (int32_t)0x801A0000);
	HAS(v.text, "opc.tcp://filler:4840");
	HAS(v.text, "\"CN=Filler\"");
	HAS(v.text, v.sha1);
	HAS(v.text, "the list is empty, which trusts nobody");
	HAS(v.text, "penstock cert trust ");
	HAS(v.text, " --side ot");
	HAS(v.list, "/pki/ot/trusted/certs");
	CHECK_INT(rig_files(empty, "rejected", ".der"), 1);
	CHECK_INT(rig_files(empty, "rejected", ".txt"), 1);
	pki_close(empty);
	pki_close(p);
	X509_free(x);
}

TEST(the_same_name_with_another_key_is_refused_and_the_text_says_what_may_have_happened)
{
	X509 *x, *renewed = rig_make(&(struct rig_cert){ .cn = "Filler", .key = rig_key(1), .san = SAN });
	struct pki *p = trusting((struct rig_cert){ 0 }, &x);

	CHECK_INT(judge(p, renewed), PKI_BadCertificateUntrusted);
	HAS(v.text, "is trusted: the device may have renewed its own");
	pki_close(p);
	X509_free(x);
	X509_free(renewed);
}

TEST(each_step_has_its_own_status_and_field)
{
	CHECK_INT(judge_one((struct rig_cert){ .from_day = -400, .to_day = -1 }), PKI_BadCertificateTimeInvalid);
	CHECK_STR(v.field, "notAfter");
	HAS(v.text, "2026-05-31T00:00:00Z");
	CHECK_INT(judge_one((struct rig_cert){ .from_day = 1, .to_day = 400 }), PKI_BadCertificateTimeInvalid);
	CHECK_STR(v.field, "notBefore");
	HAS(v.text, "check both clocks");
	CHECK_INT(judge_one((struct rig_cert){ .san = "URI:" URI ",DNS:capper,IP:10.3.1.6" }), PKI_BadCertificateHostNameInvalid);
	HAS(v.text, "we dialled 'filler', but it is for: capper, 10.3.1.6");
	CHECK_INT(judge_one((struct rig_cert){ .san = "URI:urn:other,DNS:filler" }), PKI_BadCertificateUriInvalid);
	HAS(v.text, "calls itself '" URI "', but it is for: urn:other");
	CHECK_INT(judge_one((struct rig_cert){ .san = "DNS:filler" }), PKI_BadCertificateUriInvalid);
	CHECK_INT(judge_one((struct rig_cert){ .ku = "critical,digitalSignature,keyEncipherment" }), PKI_BadCertificateUseNotAllowed);
	CHECK_STR(v.field, "keyUsage");
	CHECK_INT(judge_one((struct rig_cert){ .eku = "clientAuth" }), PKI_BadCertificateUseNotAllowed);
	CHECK_STR(v.field, "extendedKeyUsage");
	CHECK_INT(judge_one((struct rig_cert){ .ku = "", .eku = "" }), PKI_Good);
	CHECK_INT(judge_one((struct rig_cert){ .ca = true, .ku = "critical,digitalSignature,dataEncipherment,keyCertSign", .eku = "serverAuth" }),
	    PKI_BadCertificateUseNotAllowed);
	CHECK_STR(v.field, "basicConstraints");
	CHECK_INT(judge_one((struct rig_cert){ .v1 = true }), PKI_BadCertificateInvalid);
	CHECK_STR(v.field, "version");
	CHECK_INT(judge_one((struct rig_cert){ .issuer_key = rig_key(1) }), PKI_BadCertificateInvalid);
	CHECK_STR(v.field, "signatureValue");
	CHECK_INT(judge_one((struct rig_cert){ .md = EVP_sha1() }), PKI_BadCertificatePolicyCheckFailed);
	CHECK_STR(v.field, "signatureAlgorithm");
	CHECK_INT(judge_one((struct rig_cert){ .extra = "1.2.3.4=critical,DER:0500" }), PKI_BadSecurityChecksFailed);
	HAS(v.text, "unhandled critical extension");
}

TEST(validity_is_inclusive_at_both_ends)
{
	X509 *x;
	struct pki *p = trusting((struct rig_cert){ .from_day = -10, .to_day = 10 }, &x);
	X509 *const chain[] = { x, NULL };
	const struct { int64_t s; bool good; } times[] = {
		{ RIG_T0 - 10 * RIG_DAY - 1, false }, { RIG_T0 - 10 * RIG_DAY, true }, { RIG_T0 + 10 * RIG_DAY, true }, { RIG_T0 + 10 * RIG_DAY + 1, false },
	};

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		struct pki_peer peer = { .role = PKI_SERVER, .now = { times[i].s * NS_PER_S } };
		CHECK_INT(judge_as(p, peer, chain) == PKI_Good, times[i].good);
	}
	pki_close(p);
	X509_free(x);
}

TEST(weak_keys_are_admitted_by_the_old_policies_alone)
{
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	X509 *x;
	struct pki *p = trusting((struct rig_cert){ .key = weak, .md = EVP_sha1() }, &x);
	X509 *const chain[] = { x, NULL };
	struct pki_peer peer = { .role = PKI_SERVER };

	CHECK_INT(judge_as(p, peer, chain), PKI_BadCertificatePolicyCheckFailed);
	CHECK_STR(v.field, "subjectPublicKeyInfo");
	HAS(v.text, "RSA");
	HAS(v.text, "1024 bits");
	peer.policy = "http://opcfoundation.org/UA/SecurityPolicy#Aes256_Sha256_RsaPss";
	CHECK_INT(judge_as(p, peer, chain), PKI_BadCertificatePolicyCheckFailed);
	peer.policy = "http://opcfoundation.org/UA/SecurityPolicy#Basic256";
	CHECK_INT(judge_as(p, peer, chain), PKI_Good);
	peer.policy = "http://opcfoundation.org/UA/SecurityPolicy#NoSuchThing";
	CHECK_INT(judge_as(p, peer, chain), PKI_BadCertificatePolicyCheckFailed);
	pki_close(p);
	X509_free(x);
	EVP_PKEY_free(weak);
}

TEST(a_certificate_of_a_client_is_not_that_of_a_server)
{
	X509 *x;
	struct pki *p = trusting((struct rig_cert){ .eku = "clientAuth" }, &x);
	X509 *const chain[] = { x, NULL };

	CHECK_INT(judge_as(p, (struct pki_peer){ .role = PKI_CLIENT, .uri = URI }, chain), PKI_Good);
	CHECK_INT(judge_as(p, (struct pki_peer){ .role = PKI_SERVER, .uri = URI }, chain), PKI_BadCertificateUseNotAllowed);
	pki_close(p);
	X509_free(x);
}

TEST(a_device_marked_as_ca_is_admitted_only_where_it_is_asked_for_and_only_if_trusted_itself)
{
	X509 *x, *signed_by_it;
	struct pki *p = trusting((struct rig_cert){ .ca = true, .pathlen = -1, .ku = "", .eku = "" }, &x);
	X509 *const chain[] = { x, NULL };
	struct pki_peer peer = { .role = PKI_SERVER, .uri = URI, .ca_as_peer = true, .crl_optional = true };

	CHECK_INT(judge_as(p, peer, chain), PKI_Good);
	peer.ca_as_peer = false;
	CHECK_INT(judge_as(p, peer, chain), PKI_BadCertificateUseNotAllowed);
	signed_by_it = rig_make(&(struct rig_cert){ .cn = "Sub", .key = rig_key(1), .issuer = x, .issuer_key = rig_key(0), .san = SAN, .ca = true,
	    .pathlen = -1, .ku = "", .eku = "" });
	peer.ca_as_peer = true;
	CHECK_INT(judge_as(p, peer, (X509 *const []){ signed_by_it, x, NULL }), PKI_BadCertificateUseNotAllowed);
	pki_close(p);
	X509_free(x);
	X509_free(signed_by_it);
}

TEST(names_that_deceive_do_not_match_and_cannot_break_a_text)
{
	/* A NUL inside: "filler\0.evil" must not pass for "filler", nor "urn:filler:plc\0x" for the URI. */
	static const char nul_uri[] = "DER:30:12:86:10:75:72:6E:3A:66:69:6C:6C:65:72:3A:70:6C:63:00:78";
	static const char nul_dns[] = "DER:30:0E:82:0C:66:69:6C:6C:65:72:00:2E:65:76:69:6C";
	char san[4000] = "DNS:";
	X509 *x;

	CHECK_INT(judge_one((struct rig_cert){ .san = nul_uri }), PKI_BadCertificateHostNameInvalid);
	CHECK_INT(judge_one((struct rig_cert){ .san = nul_dns }), PKI_BadCertificateHostNameInvalid);
	struct pki *p = trusting((struct rig_cert){ .san = nul_uri }, &x);
	CHECK_INT(judge_as(p, (struct pki_peer){ .role = PKI_SERVER, .uri = URI }, (X509 *const []){ x, NULL }), PKI_BadCertificateUriInvalid);
	pki_close(p);
	X509_free(x);
	memset(san + 4, 'a', 3000);
	CHECK_INT(judge_one((struct rig_cert){ .san = san }), PKI_BadCertificateHostNameInvalid);
	CHECK(strlen(v.text) < sizeof v.text - 1);
	/* A name that would clear a terminal, end a quotation, write backwards. */
	p = rig_store();
	x = rig_make(&(struct rig_cert){ .cn = "F\x1b[2J\"\n\xe2\x80\xae\xc2\x9b" "x/../../etc", .key = rig_key(0), .san = SAN });
	CHECK_INT(judge(p, x), PKI_BadCertificateUntrusted);
	CHECK(strpbrk(v.text, "\x1b\n") == NULL && strstr(v.text, "\xe2\x80\xae") == NULL && strstr(v.text, "\xc2\x9b") == NULL);
	CHECK(strchr(v.subject, '"') == NULL);
	CHECK_INT(rig_files(p, "rejected", "].der"), 1);
	pki_close(p);
	X509_free(x);
}

TEST(what_is_no_certificate_is_said_to_be_none)
{
	struct pki *p = rig_store();
	struct pki_peer peer = { .chain = (const uint8_t *)"hello", .len = 5, .from = "x", .now = RIG_NOW };

	CHECK_INT(pki_verify(p, &peer, &v), ERR_DENIED);
	CHECK_INT(v.status, PKI_BadCertificateInvalid);
	HAS(v.text, "no X.509 certificate");
	peer.len = 0;
	CHECK_INT(pki_verify(p, &peer, &v), ERR_DENIED);
	HAS(v.text, "it sent none");
	pki_close(p);
}

/* The same content with a longer length field (BER) would have a second thumbprint, and slip past a list of refused ones. */
TEST(an_encoding_that_is_not_der_is_no_certificate)
{
	X509 *x;
	struct pki *p = trusting((struct rig_cert){ 0 }, &x);
	struct rig_bytes der = { .len = 0 }, ber = { .len = 0 };
	struct pki_peer peer = { .role = PKI_SERVER, .from = "x", .now = RIG_NOW };

	rig_der(x, &der);
	CHECK(der.p[0] == 0x30 && der.p[1] == 0x82);
	memcpy(ber.p, (const uint8_t []){ 0x30, 0x83, 0x00 }, 3);
	memcpy(ber.p + 3, der.p + 2, der.len - 2);
	ber.len = der.len + 1;
	const uint8_t *at = ber.p;
	X509 *again = d2i_X509(NULL, &at, (long)ber.len);
	CHECK(again != NULL);	/* OpenSSL itself does not mind */
	X509_free(again);
	peer.chain = ber.p;
	peer.len = ber.len;
	CHECK_INT(pki_verify(p, &peer, &v), ERR_DENIED);
	CHECK_INT(v.status, PKI_BadCertificateInvalid);
	pki_close(p);
	X509_free(x);
}

/* A flipped bit anywhere, and a missing or an additional byte, never leaves a certificate good. */
TEST(no_byte_of_a_certificate_can_be_changed)
{
	X509 *ca = rig_make(&(struct rig_cert){ .cn = "Plant CA", .key = rig_key(1), .ca = true, .pathlen = -1 });
	X509 *x = rig_make(&(struct rig_cert){ .cn = "Filler", .key = rig_key(0), .san = SAN, .issuer = ca, .issuer_key = rig_key(1) });
	X509_CRL *crl = rig_crl(ca, rig_key(1), -1, 7, NULL);
	struct pki *p = rig_store();
	struct rig_bytes b = { .len = 0 };
	struct pki_peer peer = { .role = PKI_SERVER, .uri = URI, .from = "x", .now = RIG_NOW };

	rig_put(p, "trusted/certs/ca.der", ca);
	rig_put_crl(p, "trusted/crl/ca.crl", crl);
	rig_der(x, &b);
	peer.chain = b.p;
	peer.len = b.len;
	CHECK_INT(pki_verify(p, &peer, &v), 0);
	for (size_t i = 0; i < b.len; i++) {
		b.p[i] ^= (uint8_t)(1u << (i % 8));
		CHECK_INT(pki_verify(p, &peer, &v), ERR_DENIED);
		b.p[i] ^= (uint8_t)(1u << (i % 8));
	}
	for (peer.len = 0; peer.len < b.len; peer.len++)
		CHECK_INT(pki_verify(p, &peer, &v), ERR_DENIED);
	peer.len = b.len + 1;
	CHECK_INT(pki_verify(p, &peer, &v), ERR_DENIED);
	peer.len = b.len;
	CHECK_INT(pki_verify(p, &peer, &v), 0);
	pki_close(p);
	X509_free(ca);
	X509_free(x);
	X509_CRL_free(crl);
}

TEST_MAIN
