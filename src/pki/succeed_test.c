/* tsan */
/*
 * Succession: what is shown to whom, and which offers are believed. Two stores stand for two nodes; the expected file is written out from the layout in
 * succeed.h.
 */
#include <unistd.h>

#include "os/clock.h"
#include "pki/peers.h"
#include "pki/rig.h"

static const uint8_t binding[PKI_BINDING] = { 4, 7, 1, 1 };

struct node {
	struct pki	*p;
	struct pki_own	 own;
};

static void
node_open(struct node *n, enum pki_side side, const char *name)
{
	log_open("test", LOG_LEVEL_ERROR);
	memset(n, 0, sizeof *n);
	CHECK_INT(pki_open(test_dir(), side, NULL, &n->p), 0);
	CHECK_INT(pki_node_own(n->p, name, "plant", RIG_NOW, &n->own), 0);
}

static void
node_close(struct node *n)
{
	pki_own_fini(&n->own);
	pki_close(n->p);
}

static const char *
shown(struct node *n, const char *peer, struct wall now)
{
	static char sha1[PKI_SHA1_TEXT];
	struct pki_own own;

	CHECK_INT(pki_own_shown(n->p, peer, now, &own), 0);
	CHECK(own.generation == pki_shown_generation(n->p, peer));
	memcpy(sha1, own.sha1, sizeof sha1);
	pki_own_fini(&own);
	return sha1;
}

static void
known(struct node *n, const char *peer, const struct pki_own *own)
{
	uint8_t hash[PKI_SHA256];

	CHECK_INT(pki_sha256(own->cert, own->cert_len, hash), 0);
	CHECK_INT(pki_known_by(n->p, peer, hash), 0);
}

static struct wall days(int n) { return (struct wall){ (RIG_T0 + n * RIG_DAY) * NS_PER_S }; }

TEST(each_peer_is_shown_what_it_knows)
{
	struct node cell;
	struct pki_own next;

	node_open(&cell, PKI_IT, "cell");
	CHECK_STR(shown(&cell, "relay", RIG_NOW), cell.own.sha1);
	known(&cell, "relay", &cell.own);
	known(&cell, "other", &cell.own);
	CHECK_INT(pki_renew_stage(cell.p, 0, days(500)), 0);
	CHECK_INT(pki_own_newest(cell.p, &next), 0);
	CHECK(strcmp(next.sha1, cell.own.sha1) != 0);
	CHECK_STR(shown(&cell, "relay", days(500)), cell.own.sha1);
	uint64_t before = pki_shown_generation(cell.p, "relay");
	known(&cell, "relay", &next);
	CHECK(pki_shown_generation(cell.p, "relay") != before);
	CHECK_STR(shown(&cell, "relay", days(500)), next.sha1);
	CHECK_STR(shown(&cell, "other", days(500)), cell.own.sha1);
	/* Put in force for all: who was not told still sees what it knows, until that ends. Who was never linked sees what is in force. */
	CHECK_INT(pki_renew_activate(cell.p), 0);
	CHECK_STR(shown(&cell, "relay", days(501)), next.sha1);
	CHECK_STR(shown(&cell, "other", days(501)), cell.own.sha1);
	CHECK_STR(shown(&cell, "third", days(501)), next.sha1);
	CHECK_STR(shown(&cell, "other", days(731)), next.sha1);
	pki_own_fini(&next);
	node_close(&cell);
}

TEST(what_a_peer_knows_is_this_file)
{
	static const char want[] = "penstock peer 1\nname relay\nknows 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F\nnext -\nbefore -\n";
	struct node cell;
	uint8_t hash[PKI_SHA256], *bytes;
	char path[PKI_PATH];
	struct peer_file f;
	size_t len;

	node_open(&cell, PKI_IT, "cell");
	for (size_t i = 0; i < sizeof hash; i++)
		hash[i] = (uint8_t)i;
	CHECK_INT(pki_known_by(cell.p, "relay", hash), 0);
	peer_path(cell.p, "relay", path);
	CHECK_INT(pki_read(cell.p, path, 1000, &bytes, &len, NULL), 0);
	CHECK_STR((char *)bytes, want);
	pki_wipe(bytes, len);
	CHECK(peer_parse(want, &f));
	CHECK(!peer_parse("", &f) && !peer_parse("penstock peer 1\nname x", &f) && !peer_parse("penstock peer 2\nname x\nknows -\nnext -\nbefore -\n", &f));
	CHECK(!peer_parse("penstock peer 1\nname x\nknows 00\nnext -\nbefore -\n", &f) && !peer_parse("penstock peer 1\nname x\nknows -\nnext -\nbefore -\nmore", &f));
	CHECK(f.knows[0] == '\0' && f.next[0] == '\0');
	/* A damaged one counts as none. */
	rig_write(cell.p, path + strlen(pki_dir(cell.p)) + 1, "knows everything", 16);
	CHECK_STR(shown(&cell, "relay", RIG_NOW), cell.own.sha1);
	node_close(&cell);
}

struct offered {
	struct pki_own	next;
	uint8_t		hash[PKI_SHA256], got[PKI_SHA256], sig[PKI_SIGNATURE_MAX];
	struct pki_offer o;
};

/* cell has a next pair and signs an offer of it for relay. */
static void
make_offer(struct node *cell, struct offered *f)
{
	memset(f, 0, sizeof *f);
	CHECK_INT(pki_renew_stage(cell->p, 0, RIG_NOW), 0);
	CHECK_INT(pki_own_newest(cell->p, &f->next), 0);
	CHECK_INT(pki_sha256(f->next.cert, f->next.cert_len, f->hash), 0);
	f->o = (struct pki_offer){ .peer = "cell", .from = "here", .role = PKI_CLIENT, .leaf = cell->own.cert, .leaf_len = cell->own.cert_len, .binding = binding,
	    .sig = f->sig, .chain = f->next.chain, .chain_len = f->next.chain_len, .now = RIG_NOW };
	CHECK_INT(pki_offer_sign(&cell->own, binding, f->hash, f->sig, &f->o.sig_len), 0);
}

static bool
believes(struct node *n, const struct pki_own *own)
{
	struct pki_verdict v;
	struct pki_peer peer = { .chain = own->chain, .len = own->chain_len, .role = PKI_CLIENT, .host = "cell", .crl_optional = true, .now = RIG_NOW };

	return pki_verify(n->p, &peer, &v) == 0;
}

TEST(an_offer_is_believed_beside_the_old_one_which_goes_when_the_next_was_seen)
{
	struct node relay, cell;
	struct offered f;

	node_open(&relay, PKI_OT, "relay");
	node_open(&cell, PKI_IT, "cell");
	CHECK_INT(pki_pin(relay.p, cell.own.cert, cell.own.cert_len, RIG_NOW), 0);
	make_offer(&cell, &f);
	CHECK(!believes(&relay, &f.next));
	CHECK_INT(pki_offer_take(relay.p, &f.o, f.got), 0);
	CHECK_BYTES(f.got, f.hash, PKI_SHA256);
	CHECK(believes(&relay, &f.next) && believes(&relay, &cell.own));
	CHECK_INT(pki_offer_take(relay.p, &f.o, f.got), 0);	/* once more: the answer was lost */
	pki_peer_seen(relay.p, "cell", cell.own.cert, cell.own.cert_len, RIG_NOW);
	CHECK(believes(&relay, &cell.own));
	pki_peer_seen(relay.p, "cell", f.next.cert, f.next.cert_len, RIG_NOW);
	CHECK(believes(&relay, &f.next) && !believes(&relay, &cell.own));
	pki_peer_seen(relay.p, "cell", f.next.cert, f.next.cert_len, RIG_NOW);
	CHECK(believes(&relay, &f.next));
	pki_own_fini(&f.next);
	node_close(&relay);
	node_close(&cell);
}

TEST(of_two_offers_the_later_counts)
{
	struct node relay, cell;
	struct offered a, b;

	node_open(&relay, PKI_OT, "relay");
	node_open(&cell, PKI_IT, "cell");
	CHECK_INT(pki_pin(relay.p, cell.own.cert, cell.own.cert_len, RIG_NOW), 0);
	make_offer(&cell, &a);
	CHECK_INT(pki_offer_take(relay.p, &a.o, a.got), 0);
	CHECK_INT(pki_renew_cancel(cell.p), 0);
	make_offer(&cell, &b);
	CHECK_INT(pki_offer_take(relay.p, &b.o, b.got), 0);
	CHECK(!believes(&relay, &a.next) && believes(&relay, &b.next) && believes(&relay, &cell.own));
	pki_own_fini(&a.next);
	pki_own_fini(&b.next);
	node_close(&relay);
	node_close(&cell);
}

TEST(an_offer_that_is_not_what_it_says_is_refused)
{
	static const uint8_t elsewhere[PKI_BINDING] = { 1 };
	struct node relay, cell, other;
	struct offered f;
	struct pki_offer o;
	uint8_t sig[PKI_SIGNATURE_MAX];

	node_open(&relay, PKI_OT, "relay");
	node_open(&cell, PKI_IT, "cell");
	node_open(&other, PKI_IT, "other");
	make_offer(&cell, &f);
	/* Its present one is not believed itself. */
	CHECK_INT(pki_offer_take(relay.p, &f.o, f.got), ERR_DENIED);
	CHECK_INT(pki_pin(relay.p, cell.own.cert, cell.own.cert_len, RIG_NOW), 0);
	/* Another connection, a damaged signature, one of another key, none. */
	o = f.o;
	o.binding = elsewhere;
	CHECK_INT(pki_offer_take(relay.p, &o, f.got), ERR_DENIED);
	memcpy(sig, f.sig, sizeof sig);
	sig[40] ^= 1;
	o = f.o;
	o.sig = sig;
	CHECK_INT(pki_offer_take(relay.p, &o, f.got), ERR_DENIED);
	CHECK_INT(pki_offer_sign(&other.own, binding, f.hash, sig, &o.sig_len), 0);
	CHECK_INT(pki_offer_take(relay.p, &o, f.got), ERR_DENIED);
	o.sig_len = 0;
	CHECK_INT(pki_offer_take(relay.p, &o, f.got), ERR_DENIED);
	/* A certificate of another name, though rightly signed. */
	CHECK_INT(pki_sha256(other.own.cert, other.own.cert_len, f.hash), 0);
	CHECK_INT(pki_offer_sign(&cell.own, binding, f.hash, f.sig, &f.o.sig_len), 0);
	o = f.o;
	o.chain = other.own.chain;
	o.chain_len = other.own.chain_len;
	CHECK_INT(pki_offer_take(relay.p, &o, f.got), ERR_DENIED);
	CHECK(strstr(pki_why(relay.p), "BadCertificateHostNameInvalid") != NULL);
	/* No certificate. */
	o.chain_len = 20;
	CHECK_INT(pki_offer_take(relay.p, &o, f.got), ERR_SYNTAX);
	CHECK(!believes(&relay, &f.next));
	pki_own_fini(&f.next);
	node_close(&relay);
	node_close(&cell);
	node_close(&other);
}

TEST(the_next_pair_is_made_and_put_in_force_by_shares_of_the_life)
{
	struct node cell;
	int64_t life;

	/* 731 days with the one before today. */
	node_open(&cell, PKI_IT, "cell");
	CHECK_INT(pki_succession_due(cell.p, RIG_NOW, &life), PKI_DUE_NOTHING);
	CHECK_INT(pki_succession_due(cell.p, days(486), &life), PKI_DUE_NOTHING);
	CHECK_INT(pki_succession_due(cell.p, days(487), &life), PKI_DUE_STAGE);
	CHECK_INT(pki_renew_stage(cell.p, 0, days(487)), 0);
	CHECK_INT(pki_succession_due(cell.p, days(684), &life), PKI_DUE_NOTHING);
	CHECK_INT(pki_succession_due(cell.p, days(685), &life), PKI_DUE_ACTIVATE);
	CHECK_INT(pki_renew_activate(cell.p), 0);
	CHECK_INT(pki_succession_due(cell.p, days(685), &life), PKI_DUE_NOTHING);
	node_close(&cell);
}

TEST(the_next_pair_is_made_in_the_background)
{
	struct node cell;
	char path[PKI_PATH];

	node_open(&cell, PKI_IT, "cell");	/* of 2026-06-01, by its dates: it ends on 2028-05-31 */
	pki_path(cell.p, path, "own/next.cert.der");
	pki_renew_soon(cell.p, RIG_NOW);
	CHECK(!pki_exists(cell.p, path));
	for (int i = 0; i < 3000 && !pki_exists(cell.p, path); i++) {
		pki_renew_soon(cell.p, days(650));	/* again and again, as links do: one is made */
		usleep(10000);
	}
	CHECK(pki_exists(cell.p, path));
	node_close(&cell);
}

TEST_MAIN
