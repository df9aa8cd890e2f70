/*
 * Chains of CAs and their revocation lists: what table 100 of OPC 10000-4 1.05, 6.1.3 says about issuers. Wherever trust is in
 * the root, X509_verify_cert() with CRL checks (what `openssl verify -crl_check_all` runs) must come to the same verdict.
 */
#include <fcntl.h>
#include <openssl/x509_vfy.h>

#include "pki/rig.h"

#define URI	"urn:filler:plc"
#define SAN	"URI:" URI ",DNS:filler"
#define HAS(text, part) do { if (strstr((text), (part)) == NULL) test_fail(__FILE__, __LINE__, "no '%s' in: %s", (part), (text)); } while (0)

/* Root signs Sub, Sub signs the device; each CA has a list. Changed by a test before rig_build(). */
struct plant {
	struct rig_cert	 root, sub, leaf;
	X509		*r, *s, *x;
	X509_CRL	*of_root, *of_sub;	/* NULL: there is none */
	bool		 send_sub, send_root;
	const char	*root_to, *sub_to;	/* folders; NULL: nowhere */
	bool		 no_crls;
};

static struct pki_verdict v;

static struct plant
plant(void)
{
	return (struct plant){
		.root = { .cn = "Root", .key = rig_key(1), .ca = true, .pathlen = -1, .serial = 1 },
		.sub = { .cn = "Sub", .key = rig_key(2), .ca = true, .pathlen = 0, .serial = 2 },
		.leaf = { .cn = "Filler", .key = rig_key(0), .san = SAN, .serial = 3 },
		.send_sub = true, .root_to = "trusted/certs/root.der",
	};
}

static void
build(struct plant *t)
{
	t->r = rig_make(&t->root);
	t->sub.issuer = t->r;
	t->sub.issuer_key = t->sub.issuer_key != NULL ? t->sub.issuer_key : t->root.key;
	t->s = rig_make(&t->sub);
	t->leaf.issuer = t->s;
	t->leaf.issuer_key = t->leaf.issuer_key != NULL ? t->leaf.issuer_key : t->sub.key;
	t->x = rig_make(&t->leaf);
	if (!t->no_crls) {
		t->of_root = t->of_root != NULL ? t->of_root : rig_crl(t->r, t->root.key, -1, 7, NULL);
		t->of_sub = t->of_sub != NULL ? t->of_sub : rig_crl(t->s, t->sub.key, -1, 7, NULL);
	}
}

static void
tear_down(struct plant *t, struct pki *p)
{
	X509_free(t->r);
	X509_free(t->s);
	X509_free(t->x);
	X509_CRL_free(t->of_root);
	X509_CRL_free(t->of_sub);
	pki_close(p);
}

/* 1 when OpenSSL alone believes the device, with the root as its anchor. */
static int
openssl_says(const struct plant *t)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *sent = sk_X509_new_null();

	X509_STORE_add_cert(store, t->r);
	for (int i = 0; i < 2; i++) {	/* copies, since what was read is cached when a list is decoded */
		X509_CRL *crl = i == 0 ? t->of_root : t->of_sub, *copy = crl == NULL ? NULL : X509_CRL_dup(crl);
		if (copy != NULL)
			X509_STORE_add_crl(store, copy);
		X509_CRL_free(copy);
	}
	if (t->send_sub || t->sub_to != NULL)
		sk_X509_push(sent, t->s);
	CHECK_INT(X509_STORE_CTX_init(ctx, store, t->x, sent), 1);
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	X509_VERIFY_PARAM_set_time(param, RIG_T0);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_auth_level(param, 2);	/* 112 bits: no SHA-1, no short keys */
	int says = X509_verify_cert(ctx);
	sk_X509_free(sent);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return says;
}

static enum pki_status
ask(const struct plant *t, struct pki *p, bool crl_optional)
{
	struct rig_bytes b = { .len = 0 };

	rig_der(t->x, &b);
	if (t->send_sub)
		rig_der(t->s, &b);
	if (t->send_root)
		rig_der(t->r, &b);
	pki_verify(p, &(struct pki_peer){ .chain = b.p, .len = b.len, .role = PKI_SERVER, .from = "opc.tcp://filler:4840", .host = "filler",
	    .uri = URI, .crl_optional = crl_optional, .now = RIG_NOW }, &v);
	return v.status;
}

static struct pki *
store_of(const struct plant *t)
{
	struct pki *p = rig_store();

	if (t->root_to != NULL)
		rig_put(p, t->root_to, t->r);
	if (t->sub_to != NULL)
		rig_put(p, t->sub_to, t->s);
	if (t->of_root != NULL)
		rig_put_crl(p, "trusted/crl/root.crl", t->of_root);
	if (t->of_sub != NULL)
		rig_put_crl(p, "issuers/crl/sub.crl", t->of_sub);
	return p;
}

/* Build, judge, compare with OpenSSL where the root is the anchor. */
static enum pki_status
verdict(struct plant t)
{
	build(&t);
	struct pki *p = store_of(&t);
	enum pki_status status = ask(&t, p, false);

	if (t.root_to != NULL && strncmp(t.root_to, "trusted", 7) == 0)
		CHECK_INT(openssl_says(&t) == 1, status == PKI_Good);
	tear_down(&t, p);
	return status;
}

TEST(a_chain_to_a_trusted_root_is_good_however_its_middle_is_known)
{
	struct plant t = plant();

	CHECK_INT(verdict(t), PKI_Good);
	t.send_root = true;
	CHECK_INT(verdict(t), PKI_Good);
	t = plant();
	t.send_sub = false;
	CHECK_INT(verdict(t), PKI_BadCertificateChainIncomplete);
	HAS(v.text, "its issuer, \"CN=Sub\", is not known here");
	t.sub_to = "issuers/certs/sub.der";
	CHECK_INT(verdict(t), PKI_Good);
}

TEST(trust_lies_in_the_trusted_list_alone)
{
	struct plant t = plant();

	t.root_to = "issuers/certs/root.der";
	CHECK_INT(verdict(t), PKI_BadCertificateUntrusted);
	HAS(v.text, "neither it nor a CA above it");
	HAS(v.text, "its CA \"CN=Root\"");
	t.sub_to = "trusted/certs/sub.der";
	CHECK_INT(verdict(t), PKI_Good);
	t = plant();
	t.root_to = NULL;
	t.send_root = true;
	CHECK_INT(verdict(t), PKI_BadCertificateUntrusted);
	t.send_root = false;
	CHECK_INT(verdict(t), PKI_BadCertificateChainIncomplete);
	HAS(v.text, "issuer \"CN=Sub\"");
}

TEST(a_device_trusted_itself_still_needs_its_issuers)
{
	struct plant t = plant();

	t.root_to = "issuers/certs/root.der";
	build(&t);
	struct pki *p = store_of(&t);
	rig_put(p, "trusted/certs/filler.der", t.x);
	CHECK_INT(ask(&t, p, false), PKI_Good);
	char path[600];
	snprintf(path, sizeof path, "%s/issuers/certs/root.der", pki_dir(p));
	CHECK_INT(remove(path), 0);
	CHECK_INT(ask(&t, p, false), PKI_BadCertificateChainIncomplete);
	tear_down(&t, p);
}

TEST(what_is_refused_for_lack_of_trust_is_kept_with_its_issuers_and_can_be_trusted)
{
	struct plant t = plant();
	struct pki_print print;
	struct pki_item it;

	t.root_to = NULL;
	t.send_root = true;
	build(&t);
	struct pki *p = store_of(&t);
	CHECK_INT(ask(&t, p, false), PKI_BadCertificateUntrusted);
	CHECK_INT(rig_files(p, "rejected", ".der"), 3);
	CHECK_INT(rig_files(p, "rejected", ".txt"), 3);
	CHECK_INT(pki_print_parse(v.sha1, &print), 0);
	CHECK_INT(pki_trust(p, &print, RIG_NOW, &it), 0);
	CHECK_STR(it.subject, "CN=Filler");
	CHECK_INT(rig_files(p, "rejected", ""), 0);
	CHECK_INT(rig_files(p, "trusted/certs", ".der"), 1);
	CHECK_INT(rig_files(p, "issuers/certs", ".der"), 2);
	CHECK_INT(ask(&t, p, false), PKI_Good);
	tear_down(&t, p);
}

TEST(what_is_wrong_with_an_issuer_is_said_of_the_issuer)
{
	struct plant t = plant();

	t.sub.from_day = -400;
	t.sub.to_day = -1;
	CHECK_INT(verdict(t), PKI_BadCertificateIssuerTimeInvalid);
	CHECK_STR(v.subject, "CN=Sub");
	t = plant();
	t.root.from_day = -400;
	t.root.to_day = -1;
	CHECK_INT(verdict(t), PKI_BadCertificateIssuerTimeInvalid);
	CHECK_STR(v.subject, "CN=Root");
	t = plant();
	t.sub.ca = false;
	CHECK_INT(verdict(t), PKI_BadCertificateIssuerUseNotAllowed);
	CHECK_STR(v.field, "basicConstraints");
	t = plant();
	t.sub.ku = "critical,cRLSign";
	CHECK_INT(verdict(t), PKI_BadCertificateIssuerUseNotAllowed);
	CHECK_STR(v.field, "keyUsage");
	t = plant();
	t.root.pathlen = 0;
	CHECK_INT(verdict(t), PKI_BadCertificateIssuerUseNotAllowed);
	HAS(v.text, "pathLenConstraint");
	CHECK_STR(v.subject, "CN=Root");
	t = plant();
	t.sub.md = EVP_sha1();
	CHECK_INT(verdict(t), PKI_BadCertificatePolicyCheckFailed);
	CHECK_STR(v.subject, "CN=Sub");
	/* The root's own signature proves nothing, so its hash is of no account. */
	t = plant();
	t.root.md = EVP_sha1();
	CHECK_INT(verdict(t), PKI_Good);
	t = plant();
	t.sub.extra = "nameConstraints=critical,permitted;DNS:capper";
	CHECK_INT(verdict(t), PKI_BadSecurityChecksFailed);
	HAS(v.text, "permitted subtree violation");
}

TEST(a_ca_of_the_same_name_is_not_the_same_ca)
{
	struct plant t = plant();

	t.leaf.issuer_key = rig_key(3);
	CHECK_INT(verdict(t), PKI_BadCertificateInvalid);
	CHECK_STR(v.field, "signatureValue");
	t = plant();
	t.sub.issuer_key = rig_key(3);
	CHECK_INT(verdict(t), PKI_BadCertificateInvalid);
	CHECK_STR(v.subject, "CN=Sub");
}

TEST(revocation_lists_are_asked_for_at_each_step_of_the_chain)
{
	struct plant t = plant();

	t.no_crls = true;
	CHECK_INT(verdict(t), PKI_BadCertificateRevocationUnknown);
	HAS(v.text, "there is no revocation list of its CA, \"CN=Sub\"");
	HAS(v.text, "penstock cert import FILE.crl --side ot");
	HAS(v.list, "/issuers/crl");
	t = plant();
	build(&t);
	struct pki *p = store_of(&t);
	char path[600];
	snprintf(path, sizeof path, "%s/trusted/crl/root.crl", pki_dir(p));
	CHECK_INT(ask(&t, p, false), PKI_Good);
	CHECK_INT(remove(path), 0);
	CHECK_INT(ask(&t, p, false), PKI_BadCertificateIssuerRevocationUnknown);
	CHECK_STR(v.subject, "CN=Sub");
	HAS(v.list, "/trusted/crl");
	CHECK_INT(ask(&t, p, true), PKI_Good);
	tear_down(&t, p);
}

/* The lists must be made with the very certificates, so these build in two steps. */
static enum pki_status
with_lists(int64_t from, int64_t to, bool revoke_leaf, bool revoke_sub, EVP_PKEY *signer, bool optional)
{
	struct plant t = plant(), u = plant();

	build(&t);
	u.of_sub = rig_crl(t.s, signer != NULL ? signer : t.sub.key, from, to, revoke_leaf ? (X509 *[]){ t.x, NULL } : NULL);
	u.of_root = rig_crl(t.r, t.root.key, -1, 7, revoke_sub ? (X509 *[]){ t.s, NULL } : NULL);
	tear_down(&t, NULL);
	build(&u);
	struct pki *p = store_of(&u);
	enum pki_status status = ask(&u, p, optional);
	/* A list from the past that names the device is enough for us; OpenSSL too refuses, for the list's age. */
	if (!optional)
		CHECK_INT(openssl_says(&u) == 1, status == PKI_Good);
	tear_down(&u, p);
	return status;
}

TEST(revoked_expired_and_forged_lists_are_told_apart)
{
	CHECK_INT(with_lists(-1, 7, false, false, NULL, false), PKI_Good);
	CHECK_INT(with_lists(-1, 7, true, false, NULL, false), PKI_BadCertificateRevoked);
	HAS(v.text, "its CA has revoked it at 2026-05-31T00:00:00Z, in the list ");
	HAS(v.list, "issuers/crl/sub.crl");
	CHECK_STR(v.subject, "CN=Filler");
	CHECK_INT(with_lists(-1, 7, true, false, NULL, true), PKI_BadCertificateRevoked);
	CHECK_INT(with_lists(-1, 7, false, true, NULL, false), PKI_BadCertificateIssuerRevoked);
	CHECK_STR(v.subject, "CN=Sub");
	CHECK_INT(with_lists(-9, -1, false, false, NULL, false), PKI_BadCertificateRevocationUnknown);
	HAS(v.text, "out of date (nextUpdate)");
	CHECK_STR(v.field, "nextUpdate");
	CHECK_INT(with_lists(-9, -1, false, false, NULL, true), PKI_Good);
	CHECK_INT(with_lists(-9, -1, true, false, NULL, true), PKI_BadCertificateRevoked);
	CHECK_INT(with_lists(1, 7, false, false, NULL, false), PKI_BadCertificateRevocationUnknown);
	HAS(v.text, "from the future");
	CHECK_INT(with_lists(-1, 7, true, false, rig_key(4), false), PKI_BadCertificateRevocationUnknown);
	HAS(v.text, "not signed by it");
}

TEST(a_list_that_covers_only_a_part_is_not_used)
{
	struct plant t = plant(), u = plant();

	build(&t);
	u.of_sub = rig_crl(t.s, t.sub.key, -1, 7, NULL);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_issuing_distribution_point, "critical,onlyAA:TRUE");
	if (e == NULL) {	/* by its bytes: onlyContainsAttributeCerts [5] TRUE, RFC 5280, 5.2.5 */
		ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
		ASN1_OCTET_STRING_set(s, (const unsigned char *)"\x30\x03\x85\x01\xff", 5);
		e = X509_EXTENSION_create_by_NID(NULL, NID_issuing_distribution_point, 1, s);
		ASN1_OCTET_STRING_free(s);
	}
	CHECK(e != NULL && X509_CRL_add_ext(u.of_sub, e, -1) == 1 && X509_CRL_sign(u.of_sub, t.sub.key, EVP_sha256()) > 0);
	X509_EXTENSION_free(e);
	tear_down(&t, NULL);
	CHECK_INT(verdict(u), PKI_BadCertificateRevocationUnknown);
	HAS(v.text, "covers a part only");
}

/* n certificates, the first a device, each signed by the next; the last signs itself, or (loop) is signed by the second. */
static enum pki_status
long_chain(unsigned n, bool loop, bool lists)
{
	struct rig_bytes b = { .len = 0 };
	struct pki *p = rig_store();
	X509 *c[20], *names[2] = { NULL, NULL };
	char cn[20], rel[60];

	for (unsigned i = n; i-- > 0;) {
		snprintf(cn, sizeof cn, "C%u", i);
		struct rig_cert r = { .cn = cn, .key = rig_key(i % 4), .ca = i > 0, .pathlen = -1, .san = i == 0 ? SAN : NULL, .serial = (long)i + 1 };
		if (i + 1 < n) {
			r.issuer = c[i + 1];
			r.issuer_key = rig_key((i + 1) % 4);
		} else if (loop) {
			names[0] = rig_make(&(struct rig_cert){ .cn = "C1", .key = rig_key(1), .ca = true, .pathlen = -1 });
			r.issuer = names[0];
			r.issuer_key = rig_key(1);
		}
		c[i] = rig_make(&r);
		snprintf(rel, sizeof rel, "issuers/crl/%u.crl", i);
		X509_CRL *crl = lists && i > 0 ? rig_crl(c[i], rig_key(i % 4), -1, 7, NULL) : NULL;
		if (crl != NULL)
			rig_put_crl(p, rel, crl);
		X509_CRL_free(crl);
	}
	rig_put(p, "trusted/certs/last.der", c[n - 1]);
	for (unsigned i = 0; i < n; i++) {
		rig_der(c[i], &b);
		X509_free(c[i]);
	}
	X509_free(names[0]);
	pki_verify(p, &(struct pki_peer){ .chain = b.p, .len = b.len, .role = PKI_SERVER, .from = "x", .uri = URI, .now = RIG_NOW }, &v);
	pki_close(p);
	return v.status;
}

TEST(long_chains_and_loops_come_to_an_end)
{
	CHECK_INT(long_chain(10, false, true), PKI_Good);
	CHECK_INT(long_chain(11, false, true), PKI_BadCertificateInvalid);
	HAS(v.text, "more than 10 certificates");
	CHECK_INT(long_chain(3, true, true), PKI_BadCertificateChainIncomplete);
	CHECK_INT(long_chain(9, true, true), PKI_BadCertificateChainIncomplete);
}

TEST(a_file_that_cannot_be_read_spoils_no_other)
{
	struct plant t = plant();

	build(&t);
	struct pki *p = store_of(&t);
	rig_write(p, "trusted/certs/a.der", "\x30\x82", 2);
	rig_write(p, "trusted/certs/b.pem", "-----BEGIN CERTIFICATE-----\nx", 29);
	rig_write(p, "trusted/certs/c.der", "", 0);
	rig_write(p, "trusted/certs/d.txt", "x", 1);
	rig_write(p, "issuers/crl/e.crl", "\x30\x00", 2);
	CHECK_INT(ask(&t, p, false), PKI_Good);
	/* And where it may be what is missed, it is named. */
	rig_write(p, "issuers/crl/sub.crl", "\x30\x00", 2);
	CHECK_INT(ask(&t, p, false), PKI_BadCertificateRevocationUnknown);
	HAS(v.text, "issuers/crl/e.crl cannot be used: stored data is damaged)");
	rig_write(p, "trusted/certs/root.der", "\x30\x00", 2);
	rig_put(p, "issuers/certs/root.der", t.r);
	CHECK_INT(ask(&t, p, false), PKI_BadCertificateUntrusted);
	HAS(v.text, "trusted/certs/a.der cannot be used");
	tear_down(&t, p);
}

static void
age(struct pki *p, const char *rel)
{
	char path[700];

	snprintf(path, sizeof path, "%s/%s", pki_dir(p), rel);
	CHECK_INT(utimensat(AT_FDCWD, path, (struct timespec[]){ { .tv_sec = 1000 }, { .tv_sec = 1000 } }, 0), 0);
}

/* Lists are kept decoded once their files are a second old; every change must be seen all the same. */
TEST(a_list_that_is_kept_in_memory_follows_its_folder)
{
	struct plant t = plant();
	X509 *const gone[] = { NULL };
	char path[700];

	build(&t);
	struct pki *p = store_of(&t);
	for (int i = 0; i < 2; i++) {
		age(p, "trusted/certs/root.der");
		age(p, "trusted/crl/root.crl");
		age(p, "issuers/crl/sub.crl");
		CHECK_INT(ask(&t, p, false), PKI_Good);
	}
	/* Replaced by a longer one, removed, put back, and one more beside it. */
	X509_CRL *revokes = rig_crl(t.s, t.sub.key, -1, 7, (X509 *[]){ t.x, NULL }), *none = rig_crl(t.s, t.sub.key, -1, 7, gone);
	rig_put_crl(p, "issuers/crl/sub.crl", revokes);
	age(p, "issuers/crl/sub.crl");
	CHECK_INT(ask(&t, p, false), PKI_BadCertificateRevoked);
	rig_put_crl(p, "issuers/crl/sub.crl", none);
	age(p, "issuers/crl/sub.crl");
	CHECK_INT(ask(&t, p, false), PKI_Good);
	rig_put_crl(p, "trusted/crl/more.crl", revokes);
	age(p, "trusted/crl/more.crl");
	CHECK_INT(ask(&t, p, false), PKI_BadCertificateRevoked);
	snprintf(path, sizeof path, "%s/trusted/crl/more.crl", pki_dir(p));
	CHECK_INT(remove(path), 0);
	CHECK_INT(ask(&t, p, false), PKI_Good);
	snprintf(path, sizeof path, "%s/trusted/certs/root.der", pki_dir(p));
	CHECK_INT(remove(path), 0);
	CHECK_INT(ask(&t, p, false), PKI_BadCertificateChainIncomplete);
	X509_CRL_free(revokes);
	X509_CRL_free(none);
	tear_down(&t, p);
}

TEST_MAIN
