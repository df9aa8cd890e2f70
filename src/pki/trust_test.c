/* What a person decides, what strangers may make us keep, and files that people copy in: lists, rejected/, import, listing. */
#include <openssl/pem.h>
#include <fcntl.h>
#include <unistd.h>

#include "os/disk_sim.h"
#include "pki/record.h"
#include "pki/rig.h"

#define HAS(text, part) do { if (strstr((text), (part)) == NULL) test_fail(__FILE__, __LINE__, "no '%s' in: %s", (part), (text)); } while (0)

static X509 *
device(const char *cn, unsigned key, long serial)
{
	return rig_make(&(struct rig_cert){ .cn = cn, .key = rig_key(key), .san = "URI:urn:x:y", .serial = serial });
}

static struct pki_print
print_of(X509 *x)
{
	uint8_t hash[20];
	char hex[41];
	struct pki_print p;

	CHECK(X509_digest(x, EVP_sha1(), hash, NULL) == 1);
	for (int i = 0; i < 20; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	CHECK_INT(pki_print_parse(hex, &p), 0);
	return p;
}

static void
show(struct pki *p, X509 *x, struct wall now)
{
	static struct pki_verdict v;
	struct rig_bytes b = { .len = 0 };

	rig_der(x, &b);
	CHECK_INT(pki_verify(p, &(struct pki_peer){ .chain = b.p, .len = b.len, .from = "opc.tcp://10.3.1.5:4840", .now = now }, &v), ERR_DENIED);
	CHECK_INT(v.status, PKI_BadCertificateUntrusted);
}

static int
import(struct pki *p, const void *bytes, size_t len, enum pki_as as)
{
	struct pki_imported got;
	return pki_import(p, bytes, len, as, RIG_NOW, &got);
}

TEST(a_thumbprint_is_read_as_people_write_it)
{
	struct pki_print p;

	CHECK_INT(pki_print_parse("1a:2B 3c:4D", &p), 0);
	CHECK_STR(p.hex, "1A2B3C4D");
	CHECK_INT(p.len, 8);
	CHECK_INT(pki_print_parse("1a2b3c4", &p), ERR_SYNTAX);
	CHECK_INT(pki_print_parse("", &p), ERR_SYNTAX);
	CHECK_INT(pki_print_parse("1a2b3c4g", &p), ERR_SYNTAX);
	CHECK_INT(pki_print_parse("../../etc/passwd", &p), ERR_SYNTAX);
	char text[67] = "";
	memset(text, 'f', 65);
	CHECK_INT(pki_print_parse(text, &p), ERR_SYNTAX);
	text[64] = '\0';
	CHECK_INT(pki_print_parse(text, &p), 0);
}

TEST(the_note_says_who_when_and_why_and_once_a_minute_is_enough)
{
	struct pki *p = rig_store();
	X509 *x = device("Filler", 0, 7);
	struct wall t = RIG_NOW;

	for (int i = 0; i < 5; i++, t.ns += 20 * NS_PER_S)
		show(p, x, t);
	CHECK_INT(rig_files(p, "rejected", ".der"), 1);
	char path[700], text[4000];
	struct pki_print print = print_of(x);
	snprintf(path, sizeof path, "%s/rejected/Filler [%s].txt", pki_dir(p), print.hex);
	FILE *f = fopen(path, "r");
	CHECK(f != NULL);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	HAS(text, "first: 2026-06-01T00:00:00Z\nlast: 2026-06-01T00:01:00Z\nfrom: opc.tcp://10.3.1.5:4840\nstatus: BadCertificateUntrusted\nwhy: ");
	HAS(text, "penstock cert trust ");
	struct record r;
	CHECK_INT(record_parse(text, strlen(text), &r), 0);
	CHECK_STR(r.status, "BadCertificateUntrusted");
	X509_free(x);
	pki_close(p);
}

TEST(strangers_cannot_fill_the_disk_and_the_oldest_goes)
{
	struct pki *p = rig_store();
	char name[40];
	int newest = 0;

	/* A hundred and more were copied in; one that is shown pushes the oldest out. */
	for (int i = 0; i < (int)PKI_REJECTED_MAX + 3; i++) {
		X509 *x = device("Old", 0, 1000 + i);
		snprintf(name, sizeof name, "rejected/%03d.der", i);
		rig_put(p, name, x);
		char path[700];
		snprintf(path, sizeof path, "%s/%s", pki_dir(p), name);
		struct timespec times[2] = { { .tv_sec = 1000000 + i }, { .tv_sec = 1000000 + i } };
		CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
		X509_free(x);
	}
	X509 *x = device("New", 1, 5);
	show(p, x, RIG_NOW);
	CHECK_INT(rig_files(p, "rejected", ".der"), PKI_REJECTED_MAX);
	CHECK_INT(rig_files(p, "rejected", "000.der") + rig_files(p, "rejected", "003.der"), 0);
	CHECK_INT(rig_files(p, "rejected", "004.der"), 1);
	X509_free(x);
	/* And a flood is written down only so fast. */
	for (int i = 0; i < 60; i++) {
		x = device("Flood", 0, 5000 + i);
		show(p, x, RIG_NOW);
		newest += rig_files(p, "rejected", ".der") != (int)PKI_REJECTED_MAX;
		X509_free(x);
	}
	CHECK_INT(newest, 0);
	CHECK_INT(rig_files(p, "rejected", ".txt"), 20);	/* REJECTS_BURST: 1 before, 19 of 60 */
	pki_close(p);
}

TEST(a_thumbprint_that_fits_several_moves_none)
{
	struct pki *p = rig_store();
	struct pki_print print = { .len = 0 };	/* fits all: the parser would not let it through */
	X509 *a = device("A", 0, 1), *b = device("B", 0, 2);

	show(p, a, RIG_NOW);
	show(p, b, RIG_NOW);
	CHECK_INT(pki_trust(p, &print, RIG_NOW, NULL), ERR_RANGE);
	HAS(pki_why(p), "fits several");
	print = print_of(a);
	CHECK_INT(pki_trust(p, &print, RIG_NOW, NULL), 0);
	CHECK_INT(pki_trust(p, &print, RIG_NOW, NULL), ERR_EXISTS);
	CHECK_INT(pki_reject(p, &print, RIG_NOW, NULL), 0);
	CHECK_INT(pki_reject(p, &print, RIG_NOW, NULL), ERR_NOTFOUND);
	X509_free(a);
	X509_free(b);
	pki_close(p);
}

TEST(a_file_with_several_is_not_removed_for_one)
{
	struct pki *p = rig_store();
	X509 *a = device("A", 0, 1), *b = device("B", 0, 2);
	struct pki_print print = print_of(a);
	BIO *m = BIO_new(BIO_s_mem());
	char *text;

	PEM_write_bio_X509(m, a);
	PEM_write_bio_X509(m, b);
	long n = BIO_get_mem_data(m, &text);
	rig_write(p, "trusted/certs/both.pem", text, (size_t)n);
	CHECK_INT(pki_reject(p, &print, RIG_NOW, NULL), ERR_TYPE);
	HAS(pki_why(p), "both.pem holds several");
	CHECK_INT(rig_files(p, "trusted/certs", ".pem"), 1);
	BIO_free(m);
	X509_free(a);
	X509_free(b);
	pki_close(p);
}

TEST(nothing_of_a_half_readable_file_is_stored)
{
	struct pki *p = rig_store();
	X509 *a = device("A", 0, 1);
	BIO *m = BIO_new(BIO_s_mem());
	char *text;

	PEM_write_bio_X509(m, a);
	BIO_puts(m, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	long n = BIO_get_mem_data(m, &text);
	CHECK_INT(import(p, text, (size_t)n, PKI_AS_TRUSTED), ERR_SYNTAX);
	CHECK_INT(import(p, "", 0, PKI_AS_TRUSTED), ERR_SYNTAX);
	CHECK_INT(import(p, "hello", 5, PKI_AS_TRUSTED), ERR_SYNTAX);
	CHECK_INT(rig_files(p, "trusted/certs", ""), 0);
	struct rig_bytes b = { .len = 0 };
	rig_der(a, &b);
	b.p[b.len] = 0;
	CHECK_INT(import(p, b.p, b.len + 1, PKI_AS_TRUSTED), ERR_SYNTAX);	/* a byte too many */
	CHECK_INT(import(p, b.p, b.len, PKI_AS_TRUSTED), 0);
	CHECK_INT(rig_files(p, "trusted/certs", ".der"), 1);
	BIO_free(m);
	X509_free(a);
	pki_close(p);
}

struct found { const char *sha1; unsigned places; };

static int
note_place(void *arg, const struct pki_item *it)
{
	struct found *f = arg;
	if (it->err == 0 && strcmp(it->sha1, f->sha1) == 0)
		f->places |= 1u << it->place;
	return 0;
}

static unsigned
places_of(struct pki *p, const char *sha1)
{
	struct found f = { .sha1 = sha1 };

	CHECK_INT(pki_each(p, RIG_NOW, note_place, &f), 0);
	return f.places;
}

/* A certificate that a person moves is in one list, in the other, or for a moment in both; never in none. */
TEST(no_disk_error_loses_a_certificate_that_is_moved)
{
	X509 *x = device("Filler", 0, 1);
	struct pki_print print = print_of(x);
	struct rig_bytes der = { .len = 0 };
	unsigned failed = 0;

	rig_der(x, &der);
	log_open("test", LOG_LEVEL_ERROR);
	for (int back = 0; back < 2; back++)
		for (uint64_t n = 1;; n++) {
			struct disk_sim *s = disk_sim_new();
			const struct disk *d = disk_sim_table(s);
			struct pki *p;
			CHECK_INT(d->mkdir(d->ctx, "/s"), 0);
			CHECK_INT(pki_open("/s", PKI_OT, d, &p), 0);
			CHECK_INT(disk_replace(d, back ? "/s/pki/ot/trusted/certs/a.der" : "/s/pki/ot/rejected/a.der", der.p, der.len), 0);
			disk_sim_fault(s, n % 2 == 0 ? SIM_IO : SIM_NOSPACE, n, 1);
			int err = back ? pki_reject(p, &print, RIG_NOW, NULL) : pki_trust(p, &print, RIG_NOW, NULL);
			uint64_t calls = disk_sim_calls(s);
			disk_sim_fault(s, SIM_NONE, 0, 0);
			failed += err != 0;
			CHECK(err == 0 || pki_why(p)[0] != '\0');
			unsigned places = places_of(p, print.hex);
			CHECK(places != 0);
			/* And what was left half done can be done again. */
			err = back ? pki_reject(p, &print, RIG_NOW, NULL) : pki_trust(p, &print, RIG_NOW, NULL);
			CHECK(err == 0 || err == ERR_EXISTS || err == ERR_NOTFOUND);
			CHECK_INT(places_of(p, print.hex), back ? 1u << PKI_REJECTED : 1u << PKI_TRUSTED);
			pki_close(p);
			disk_sim_free(s);
			if (n > calls)
				break;
		}
	CHECK(failed > 10);
	X509_free(x);
}

static int
count_item(void *arg, const struct pki_item *it)
{
	(void)it;
	++*(int *)arg;
	return 0;
}

static int
stop_at(void *arg, const struct pki_item *it)
{
	*(struct pki_item *)arg = *it;
	return 42;
}

TEST(what_ends_soon_is_listed_and_what_is_not_in_use_is_not)
{
	struct pki *p = rig_store();
	const struct { const char *rel; int64_t days; } files[] = {
		{ "trusted/certs/a.der", 29 }, { "trusted/certs/b.der", 31 }, { "issuers/certs/c.der", -5 }, { "rejected/d.der", 3 },
		{ "own/previous.cert.der", 3 },
	};
	struct pki_item it;
	int n = 0;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		X509 *x = rig_make(&(struct rig_cert){ .cn = "D", .key = rig_key(0), .serial = 1 + (long)i, .from_day = -20, .to_day = files[i].days });
		rig_put(p, files[i].rel, x);
		X509_free(x);
	}
	CHECK_INT(pki_each_ending(p, PKI_DAYS_WARN, RIG_NOW, count_item, &n), 0);
	CHECK_INT(n, 2);
	n = 0;
	CHECK_INT(pki_each(p, RIG_NOW, count_item, &n), 0);
	CHECK_INT(n, 5);
	CHECK_INT(pki_each_ending(p, 30, RIG_NOW, stop_at, &it), 42);
	CHECK_INT(it.days_left, 29);
	CHECK_INT(it.place, PKI_TRUSTED);
	CHECK_INT(pki_each_ending(p, 1, RIG_NOW, stop_at, &it), 42);
	CHECK_INT(it.days_left, -5);
	pki_close(p);
}

TEST(a_record_that_a_person_has_edited_is_read_as_far_as_it_goes)
{
	struct record r;
	static const char good[] = "note: ours\r\nfirst: 2026-06-01T00:00:00Z\r\nlast: 2026-06-01T00:01:00Z\r\nfrom: a\"b\x1b[0m\r\n";

	CHECK_INT(record_parse(good, sizeof good - 1, &r), 0);
	CHECK_STR(r.from, "a'b?[0m");
	CHECK_STR(r.why, "");
	CHECK_INT(record_parse("first: yesterday\n", 17, &r), ERR_SYNTAX);
	CHECK_INT(record_parse("", 0, &r), ERR_SYNTAX);
	char *big = calloc(1, RECORD_BYTES_MAX + 1);
	CHECK_INT(record_parse(big, RECORD_BYTES_MAX + 1, &r), ERR_LIMIT);
	free(big);
}

TEST_MAIN
