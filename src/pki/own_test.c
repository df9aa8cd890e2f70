/*
 * Our own certificate: what is in it (OPC 10000-6 1.05, 6.2.2, read by OpenSSL's own functions), who may read its key, and
 * renewal, which keeps what peers have configured and survives a power cut at every call.
 */
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/disk_sim.h"
#include "pki/rig.h"

#define HAS(text, part) do { if (strstr((text), (part)) == NULL) test_fail(__FILE__, __LINE__, "no '%s' in: %s", (part), (text)); } while (0)

static const struct pki_spec spec = {
	.uri = "urn:edge-1:penstock:Dresden:ot", .common_name = "Penstock edge-1", .organization = "Acme \xc3\x9c" "ber",
	.dns = { "edge-1", "edge-1.plant.example" }, .ip = { "10.3.1.2", "fd00::2" }, .bits = 2048,
};

static X509 *
own_cert(const struct pki_own *o)
{
	const uint8_t *at = o->cert;
	X509 *x = d2i_X509(NULL, &at, (long)o->cert_len);

	CHECK(x != NULL && at == o->cert + o->cert_len);
	return x;
}

static EVP_PKEY *
own_key(const struct pki_own *o)
{
	const uint8_t *at = o->key;
	EVP_PKEY *k = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)o->key_len);

	CHECK(k != NULL);
	return k;
}

/* Key and certificate are a pair, as OpenSSL sees it. */
static void
check_pair(const struct pki_own *o)
{
	X509 *x = own_cert(o);
	EVP_PKEY *k = own_key(o);

	CHECK_INT(X509_check_private_key(x, k), 1);
	X509_free(x);
	EVP_PKEY_free(k);
}

TEST(an_own_certificate_says_what_the_standard_asks_for)
{
	struct pki *p = rig_store();
	struct pki_own o, again;

	CHECK_INT(pki_own_load(p, &o), ERR_NOTFOUND);
	HAS(pki_why(p), "penstock cert new --side ot");
	CHECK_INT(pki_own_generation(p), 0);
	CHECK_INT(pki_own_make(p, &spec, RIG_NOW), 0);
	CHECK_INT(pki_own_load(p, &o), 0);
	check_pair(&o);
	X509 *x = own_cert(&o);
	CHECK_INT(X509_get_version(x), 2);
	CHECK_STR(o.uri, spec.uri);
	CHECK_INT(o.not_after.ns / NS_PER_S, RIG_T0 + 730 * RIG_DAY);
	CHECK(o.not_before.ns < RIG_NOW.ns);
	CHECK_INT(X509_check_ca(x), 0);
	CHECK_INT(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION | KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT | KU_KEY_CERT_SIGN);
	CHECK_INT(X509_get_extended_key_usage(x), XKU_SSL_CLIENT);
	CHECK_INT(X509_check_host(x, "edge-1.plant.example", 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL), 1);
	CHECK_INT(X509_check_ip_asc(x, "10.3.1.2", 0), 1);
	CHECK_INT(X509_check_ip_asc(x, "fd00::2", 0), 1);
	CHECK_INT(X509_check_issued(x, x), X509_V_OK);
	CHECK_INT(X509_get_signature_nid(x), NID_sha256WithRSAEncryption);
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	CHECK_INT(sk_GENERAL_NAME_value(names, 0)->type, GEN_URI);	/* first, as some stacks only look there */
	GENERAL_NAMES_free(names);
	/* OPC 10000-6 1.05, 6.2.6: alone it is its own chain. */
	CHECK_INT(o.chain_len, o.cert_len);
	CHECK_INT(pki_own_make(p, &spec, RIG_NOW), ERR_EXISTS);
	CHECK_INT(pki_own_ensure(p, &spec, RIG_NOW, &again), 0);
	CHECK_STR(again.sha1, o.sha1);
	CHECK_INT(again.generation, pki_own_generation(p));
	CHECK_INT(rig_files(p, "own", ""), 2);	/* cert.der, key.pem, and nothing is left of the making */
	X509_free(x);
	pki_own_fini(&o);
	pki_own_fini(&again);
	pki_close(p);
}

TEST(a_spec_that_no_peer_could_use_is_refused_with_a_reason)
{
	struct pki *p = rig_store();
	char uri[PKI_URI_MAX];
	struct pki_spec s = spec;

	s.bits = 1024;
	CHECK_INT(pki_own_make(p, &s, RIG_NOW), ERR_RANGE);
	s = spec;
	s.uri = "no uri";
	CHECK_INT(pki_own_make(p, &s, RIG_NOW), ERR_SYNTAX);
	s = spec;
	s.ip[0] = "10.3.1";
	CHECK_INT(pki_own_make(p, &s, RIG_NOW), ERR_SYNTAX);
	HAS(pki_why(p), "'10.3.1' is no IP address");
	s = spec;
	s.dns[0] = "a b";
	CHECK_INT(pki_own_make(p, &s, RIG_NOW), ERR_SYNTAX);
	s = spec;
	s.common_name = "";
	CHECK_INT(pki_own_make(p, &s, RIG_NOW), ERR_SYNTAX);
	CHECK_INT(pki_own_generation(p), 0);
	CHECK_INT(pki_uri("edge 1", "Dresden/S\xc3\xbc" "d", PKI_IT, uri), 0);
	CHECK_STR(uri, "urn:edge%201:penstock:Dresden%2FS%C3%BCd:it");
	char longest[400];
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	CHECK_INT(pki_uri("h", longest, PKI_OT, uri), ERR_LIMIT);
	CHECK_INT(pki_uri(longest, "s", PKI_OT, uri), ERR_LIMIT);
	pki_close(p);
}

TEST(a_key_that_others_may_read_is_not_used)
{
	struct pki *p = rig_store();
	struct pki_own o;
	struct stat st;
	char path[600];
	const mode_t bad[] = { 0640, 0604, 0660, 0601 };

	CHECK_INT(pki_own_make(p, &spec, RIG_NOW), 0);
	snprintf(path, sizeof path, "%s/own/key.pem", pki_dir(p));
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		chmod(path, bad[i]);
		CHECK_INT(pki_own_load(p, &o), ERR_DENIED);
		HAS(pki_why(p), "can be read or changed by others");
		HAS(pki_why(p), path);
	}
	chmod(path, 0600);
	CHECK_INT(pki_own_load(p, &o), 0);
	pki_own_fini(&o);
	pki_close(p);
}

TEST(damage_is_said_and_never_asks_the_terminal)
{
	struct pki *p = rig_store();
	struct pki_own o;
	char path[600], *text;
	BIO *b = BIO_new(BIO_s_mem());

	CHECK_INT(pki_own_make(p, &spec, RIG_NOW), 0);
	snprintf(path, sizeof path, "%s/own/key.pem", pki_dir(p));
	CHECK(PEM_write_bio_PKCS8PrivateKey(b, rig_key(0), EVP_aes_128_cbc(), "secret", 6, NULL, NULL) == 1);
	long n = BIO_get_mem_data(b, &text);
	rig_write(p, "own/key.pem", text, (size_t)n);
	CHECK_INT(pki_own_load(p, &o), ERR_CORRUPT);
	HAS(pki_why(p), "pass phrase");
	rig_write(p, "own/key.pem", "x", 1);
	CHECK_INT(pki_own_load(p, &o), ERR_CORRUPT);
	HAS(pki_why(p), "no PEM private key");
	BIO_free(b);
	b = BIO_new(BIO_s_mem());
	CHECK(PEM_write_bio_PKCS8PrivateKey(b, rig_key(0), NULL, NULL, 0, NULL, NULL) == 1);
	n = BIO_get_mem_data(b, &text);
	rig_write(p, "own/key.pem", text, (size_t)n);
	CHECK_INT(pki_own_load(p, &o), ERR_CORRUPT);
	HAS(pki_why(p), "no private key");
	rig_write(p, "own/cert.der", "0123", 4);
	CHECK_INT(pki_own_load(p, &o), ERR_CORRUPT);
	HAS(pki_why(p), "is damaged");
	BIO_free(b);
	pki_close(p);
}

TEST(a_renewal_keeps_what_peers_know_and_the_way_back)
{
	struct pki *p = rig_store();
	struct pki_own a, b, c;
	struct wall later = { RIG_NOW.ns + 700 * RIG_DAY * NS_PER_S }, end = { RIG_NOW.ns + 731 * RIG_DAY * NS_PER_S };

	CHECK_INT(pki_renew_stage(p, 0, RIG_NOW), ERR_NOTFOUND);
	CHECK_INT(pki_own_make(p, &spec, RIG_NOW), 0);
	CHECK_INT(pki_own_load(p, &a), 0);
	CHECK_INT(pki_renew_activate(p), ERR_NOTFOUND);
	CHECK_INT(pki_renew_back(p, RIG_NOW), ERR_NOTFOUND);
	CHECK_INT(pki_renew_stage(p, 0, later), 0);
	/* Staged: shown around, not yet in force. */
	CHECK_INT(pki_own_generation(p), a.generation);
	CHECK_INT(pki_renew_stage(p, 0, later), ERR_EXISTS);
	CHECK_INT(pki_own_request(p, NULL), ERR_EXISTS);
	CHECK_INT(pki_renew_activate(p), 0);
	CHECK(pki_own_generation(p) != a.generation);
	CHECK_INT(pki_own_load(p, &b), 0);
	check_pair(&b);
	CHECK_STR(b.uri, a.uri);
	CHECK_INT(b.not_after.ns / NS_PER_S, RIG_T0 + (700 + 730) * RIG_DAY);
	X509 *x = own_cert(&a), *y = own_cert(&b);
	CHECK_INT(X509_NAME_cmp(X509_get_subject_name(x), X509_get_subject_name(y)), 0);
	CHECK_INT(X509_check_ip_asc(y, "fd00::2", 0), 1);
	CHECK_INT(X509_get_extended_key_usage(y), XKU_SSL_CLIENT);
	CHECK_INT(EVP_PKEY_eq(X509_get0_pubkey(x), X509_get0_pubkey(y)), 0);
	CHECK(ASN1_INTEGER_cmp(X509_get0_serialNumber(x), X509_get0_serialNumber(y)) != 0);
	/* A peer does not know the new one yet: back, and again forward. */
	CHECK_INT(pki_renew_back(p, end), ERR_DENIED);
	CHECK_INT(pki_renew_back(p, later), 0);
	CHECK_INT(pki_own_load(p, &c), 0);
	check_pair(&c);
	CHECK_STR(c.sha1, a.sha1);
	pki_own_fini(&c);
	CHECK_INT(pki_renew_activate(p), 0);
	CHECK_INT(pki_own_load(p, &c), 0);
	CHECK_STR(c.sha1, b.sha1);
	X509_free(x);
	X509_free(y);
	pki_own_fini(&a);
	pki_own_fini(&b);
	pki_own_fini(&c);
	pki_close(p);
}

TEST(what_is_staged_can_be_given_up)
{
	struct pki *p = rig_store();
	struct pki_own o;

	CHECK_INT(pki_renew_cancel(p), ERR_NOTFOUND);
	CHECK_INT(pki_own_make(p, &spec, RIG_NOW), 0);
	CHECK_INT(pki_renew_stage(p, 10, RIG_NOW), 0);
	CHECK_INT(pki_renew_cancel(p), 0);
	CHECK_INT(pki_renew_activate(p), ERR_NOTFOUND);
	CHECK_INT(rig_files(p, "own", ""), 2);
	CHECK_INT(pki_own_load(p, &o), 0);
	pki_own_fini(&o);
	pki_close(p);
}

TEST(renewal_by_itself_stages_first_and_activates_later)
{
	struct pki *p = rig_store();
	struct pki_own a, b;
	enum pki_due did;
	const struct { int day; enum pki_due due; } days[] = {
		{ 0, PKI_DUE_NOTHING }, { 699, PKI_DUE_NOTHING }, { 701, PKI_DUE_STAGE }, { 702, PKI_DUE_NOTHING }, { 722, PKI_DUE_NOTHING },
		{ 724, PKI_DUE_ACTIVATE }, { 725, PKI_DUE_NOTHING },
	};

	CHECK_INT(pki_renew_due(p, 30, 7, RIG_NOW), PKI_DUE_NOTHING);
	CHECK_INT(pki_own_make(p, &spec, RIG_NOW), 0);
	CHECK_INT(pki_own_load(p, &a), 0);
	for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
		struct wall now = { RIG_NOW.ns + days[i].day * RIG_DAY * NS_PER_S };
		CHECK_INT(pki_renew_due(p, 30, 7, now), days[i].due);
		CHECK_INT(pki_renew_auto(p, 30, 7, now, &did), 0);
		CHECK_INT(did, days[i].due);
	}
	CHECK_INT(pki_own_load(p, &b), 0);
	CHECK(strcmp(a.sha1, b.sha1) != 0);
	pki_own_fini(&a);
	pki_own_fini(&b);
	pki_close(p);
}

/* The CA of a plant signs a request as `openssl x509 -req -copy_extensions copy` does. */
static X509 *
sign_request(struct pki *p, X509 *ca, EVP_PKEY *key, bool with_names, int64_t to_day)
{
	char path[600];

	snprintf(path, sizeof path, "%s/own/next.csr.pem", pki_dir(p));
	FILE *f = fopen(path, "r");
	CHECK(f != NULL);
	X509_REQ *r = PEM_read_X509_REQ(f, NULL, NULL, NULL);
	fclose(f);
	CHECK(r != NULL && X509_REQ_verify(r, X509_REQ_get0_pubkey(r)) == 1);
	X509 *x = X509_new();
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 99);
	X509_set_subject_name(x, X509_REQ_get_subject_name(r));
	X509_set_issuer_name(x, X509_get_subject_name(ca));
	X509_set_pubkey(x, X509_REQ_get0_pubkey(r));
	ASN1_TIME_set(X509_getm_notBefore(x), RIG_T0 - RIG_DAY);
	ASN1_TIME_set(X509_getm_notAfter(x), RIG_T0 + to_day * RIG_DAY);
	STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(r);
	for (int i = 0; with_names && i < sk_X509_EXTENSION_num(exts); i++)
		X509_add_ext(x, sk_X509_EXTENSION_value(exts, i), -1);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	CHECK(X509_sign(x, key, EVP_sha256()) > 0);
	X509_REQ_free(r);
	return x;
}

static int
import(struct pki *p, X509 *x, enum pki_as as, struct pki_imported *got)
{
	struct rig_bytes b = { .len = 0 };

	rig_der(x, &b);
	return pki_import(p, b.p, b.len, as, RIG_NOW, got);
}

TEST(a_certificate_that_the_plants_ca_signs_comes_with_its_chain)
{
	X509 *root = rig_make(&(struct rig_cert){ .cn = "Root", .key = rig_key(1), .ca = true, .pathlen = -1 });
	X509 *sub = rig_make(&(struct rig_cert){ .cn = "Sub", .key = rig_key(2), .issuer = root, .issuer_key = rig_key(1), .ca = true, .pathlen = 0 });
	struct pki *p = rig_store();
	struct pki_imported got;
	struct pki_own o, next;
	enum pki_due did;

	CHECK_INT(pki_own_request(p, NULL), ERR_NOTFOUND);
	CHECK_INT(pki_own_request(p, &spec), 0);
	X509 *nameless = sign_request(p, sub, rig_key(2), false, 100), *ended = sign_request(p, sub, rig_key(2), true, -1);
	X509 *good = sign_request(p, sub, rig_key(2), true, 100);
	CHECK_INT(import(p, nameless, PKI_AS_ISSUER, &got), ERR_TYPE);
	HAS(pki_why(p), "copy_extensions");
	CHECK_INT(import(p, ended, PKI_AS_ISSUER, &got), ERR_RANGE);
	CHECK_INT(import(p, root, PKI_AS_ISSUER, &got), 0);
	CHECK_INT(got.certs, 1);
	CHECK_INT(import(p, sub, PKI_AS_ISSUER, &got), 0);
	CHECK_INT(import(p, good, PKI_AS_ISSUER, &got), 0);
	CHECK(got.own && got.certs == 0);
	CHECK_INT(pki_own_load(p, &o), 0);
	check_pair(&o);
	struct rig_bytes want = { .len = 0 };
	rig_der(good, &want);
	CHECK_INT(o.cert_len, want.len);
	rig_der(sub, &want);
	rig_der(root, &want);
	CHECK_INT(o.chain_len, want.len);
	CHECK_BYTES(o.chain, want.p, want.len);
	CHECK_INT(rig_files(p, "own", ""), 2);
	/* Its renewal: a request with the same names, and the signed one waits as next. */
	CHECK_INT(pki_renew_stage(p, 0, RIG_NOW), ERR_TYPE);
	struct wall late = { RIG_NOW.ns + 90 * RIG_DAY * NS_PER_S };
	CHECK_INT(pki_renew_auto(p, 30, 7, late, &did), 0);
	CHECK_INT(did, PKI_DUE_PERSON);
	CHECK_INT(pki_renew_auto(p, 30, 7, late, &did), 0);	/* it still waits: no second request */
	X509 *renewed = sign_request(p, sub, rig_key(2), true, 400);
	CHECK_INT(import(p, renewed, PKI_AS_ISSUER, &got), 0);
	CHECK(got.own);
	CHECK_INT(pki_own_load(p, &next), 0);
	CHECK_STR(next.sha1, o.sha1);
	pki_own_fini(&next);
	CHECK_INT(pki_renew_activate(p), 0);
	CHECK_INT(pki_own_load(p, &next), 0);
	CHECK_STR(next.uri, spec.uri);
	CHECK(strcmp(next.sha1, o.sha1) != 0);
	check_pair(&next);
	pki_own_fini(&next);
	pki_own_fini(&o);
	X509 *all[] = { root, sub, nameless, ended, good, renewed };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		X509_free(all[i]);
	pki_close(p);
}

/* The processes of a site start together, and each wants the side's certificate. */
TEST(several_processes_that_start_at_once_make_one_certificate)
{
	struct pki *p = rig_store();
	struct pki_own o;
	int fds[2], sum = 0;
	char sha1[PKI_SHA1_TEXT];

	CHECK_INT(pipe(fds), 0);
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			int err = pki_own_ensure(p, &spec, RIG_NOW, &o);
			ssize_t n = write(fds[1], o.sha1, err == 0 ? PKI_SHA1_TEXT : 1);
			_exit(err != 0 || n != (ssize_t)PKI_SHA1_TEXT);
		}
	}
	close(fds[1]);
	for (int i = 0, status; i < 4; i++) {
		CHECK(wait(&status) > 0);
		sum += status != 0;
	}
	CHECK_INT(sum, 0);
	CHECK_INT(pki_own_load(p, &o), 0);
	for (int i = 0; i < 4; i++) {
		CHECK_INT(read(fds[0], sha1, sizeof sha1), sizeof sha1);
		CHECK_STR(sha1, o.sha1);
	}
	close(fds[0]);
	pki_own_fini(&o);
	pki_close(p);
}

/* ---- power cuts ---- */

static struct pki *
sim_store(struct disk_sim *s)
{
	struct pki *p = NULL;

	CHECK_INT(pki_open("/state", PKI_OT, disk_sim_table(s), &p), 0);
	return p;
}

static void
load_is_one_of(struct disk_sim *s, const char *a, const char *b, bool go_on, const char *when)
{
	struct pki *p = sim_store(s);
	struct pki_own o;

	int err = pki_own_load(p, &o);
	if (err != 0)
		test_fail(__FILE__, __LINE__, "%s: %s: %s", when, err_name(err), pki_why(p));
	check_pair(&o);
	if (strcmp(o.sha1, a) != 0 && strcmp(o.sha1, b) != 0)
		test_fail(__FILE__, __LINE__, "%s: %s is neither %s nor %s", when, o.sha1, a, b);
	pki_own_fini(&o);
	/* The store goes on working: what waits can be put in force, or there is nothing to. */
	if (go_on) {
		err = pki_renew_activate(p);
		CHECK(err == 0 || err == ERR_NOTFOUND);
		CHECK_INT(pki_own_load(p, &o), 0);
		check_pair(&o);
		pki_own_fini(&o);
	}
	pki_close(p);
}

TEST(a_power_cut_at_any_call_of_an_activation_leaves_a_pair)
{
	struct disk_sim *base = disk_sim_new();
	struct pki *p;
	struct pki_own a, b;
	char when[80];
	unsigned states = 0;

	log_open("test", LOG_LEVEL_ERROR);
	disk_sim_table(base)->mkdir(disk_sim_table(base)->ctx, "/state");
	p = sim_store(base);
	CHECK_INT(pki_own_make(p, &spec, RIG_NOW), 0);
	CHECK_INT(pki_renew_stage(p, 100, RIG_NOW), 0);
	CHECK_INT(pki_own_load(p, &a), 0);
	pki_close(p);
	struct disk_sim *done = disk_sim_killed(base);
	disk_sim_fault(done, SIM_NONE, 0, 0);
	p = sim_store(done);
	CHECK_INT(pki_renew_activate(p), 0);
	uint64_t calls = disk_sim_calls(done);
	CHECK_INT(pki_own_load(p, &b), 0);
	pki_close(p);
	CHECK(strcmp(a.sha1, b.sha1) != 0);
	for (uint64_t n = 1; n <= calls; n++) {
		struct disk_sim *s = disk_sim_killed(base);
		p = NULL;
		disk_sim_fault(s, SIM_OFF, n, 1);
		if (pki_open("/state", PKI_OT, disk_sim_table(s), &p) == 0)
			pki_renew_activate(p);
		pki_close(p);
		/* Of some thousand states, those that differ from call to call: all of them were tried once, and hold. */
		uint64_t all = disk_sim_states(s, 4), step = all / 4 + 1;
		for (uint64_t k = n % step; k < all; k += step) {
			struct disk_sim *cut = disk_sim_cut(s, k, 4);
			snprintf(when, sizeof when, "call %llu, state %llu", (unsigned long long)n, (unsigned long long)k);
			load_is_one_of(cut, a.sha1, b.sha1, states % 16 == 0, when);
			disk_sim_free(cut);
			states++;
		}
		disk_sim_free(s);
	}
	CHECK(states > 100);
	pki_own_fini(&a);
	pki_own_fini(&b);
	disk_sim_free(done);
	disk_sim_free(base);
}

TEST_MAIN
