/*
 * An enrolment between two stores over a socket pair, and what must not pass for one. Proofs are compared with ones that a script computed from the
 * layout in proof.h (Python, hmac).
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/test.h"
#include "enrol/enrol.h"
#include "os/stream.h"

#define T0	1780272000LL	/* 2026-06-01 */
#define NOW	((struct wall){ T0 * NS_PER_S })

struct side {
	struct pki		*pki;
	struct pki_own		 own;
	struct enrol_conf	 conf;
	struct enrol		 e;
	int			 fd, err;
};

static struct enrol_secret secret = { "an evenly random one" };

static void
side_open(struct side *s, enum enrol_role role, const char *name, const char *peer, struct invitation *inv)
{
	log_open("test", LOG_LEVEL_ERROR);
	memset(s, 0, sizeof *s);
	CHECK_INT(pki_open(test_dir(), role == ENROL_INVITER ? PKI_OT : PKI_IT, NULL, &s->pki), 0);
	CHECK_INT(pki_node_own(s->pki, name, "plant", NOW, &s->own), 0);
	s->conf = (struct enrol_conf){ .role = role, .name = name, .peer = peer, .secret = &secret, .pki = s->pki, .own = &s->own, .invitation = inv,
	    .read = stream_read, .write = stream_write };
	s->fd = -1;
}

static void
side_close(struct side *s)
{
	enrol_fini(&s->e);
	stream_close(s->fd);
	pki_own_fini(&s->own);
	pki_close(s->pki);
}

/* Let both talk until nothing moves any more. */
static void
talk(struct side *a, struct side *b, struct wall wall)
{
	struct mono now = { NS_PER_S };
	int fd[2];

	enrol_fini(&a->e);
	enrol_fini(&b->e);
	stream_close(a->fd);
	stream_close(b->fd);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	a->fd = fd[0];
	b->fd = fd[1];
	a->err = enrol_init(&a->e, &a->conf, fd[0], "there", now);
	b->err = enrol_init(&b->e, &b->conf, fd[1], "here", now);
	for (int i = 0; i < 20; i++) {
		if (a->err == 0 && a->e.state != ENROL_DONE)
			a->err = enrol_step(&a->e, now, wall);
		if (b->err == 0 && b->e.state != ENROL_DONE)
			b->err = enrol_step(&b->e, now, wall);
	}
}

static int
count(void *arg, const struct pki_item *it)
{
	*(int *)arg += it->place == PKI_TRUSTED;
	return 0;
}

static int
trusted(const struct side *s)
{
	int n = 0;

	pki_each(s->pki, NOW, count, &n);
	return n;
}

TEST(a_proof_is_these_bytes)
{
	struct enrol_facts f = { .name = { "cell", "relay" } };
	struct enrol_secret s;
	uint8_t want[32], got[32];

	for (size_t i = 0; i < ENROL_SECRET; i++)
		s.b[i] = (uint8_t)i;
	memset(f.binding, 0x11, sizeof f.binding);
	memset(f.cert[ENROL_JOINER], 0x22, 32);
	memset(f.cert[ENROL_INVITER], 0x33, 32);
	test_hex("b81d35acf5b8565eaf1047ee59a953057cd0c391d4eb7b3d4fcf62faaf4380c0", want, sizeof want);
	CHECK_INT(enrol_proof(&s, ENROL_JOINER, &f, got), 0);
	CHECK_BYTES(got, want, 32);
	CHECK_INT(enrol_proof_check(&s, ENROL_JOINER, &f, want), 0);
	CHECK_INT(enrol_proof_check(&s, ENROL_INVITER, &f, want), ERR_DENIED);
	test_hex("e6a03e8e66827e9c7f5a0c1c08ccb98f756c113f58ee152011b5fd29209786ef", want, sizeof want);
	CHECK_INT(enrol_proof(&s, ENROL_INVITER, &f, got), 0);
	CHECK_BYTES(got, want, 32);
	f.binding[31] ^= 1;
	CHECK_INT(enrol_proof_check(&s, ENROL_INVITER, &f, want), ERR_DENIED);
}

TEST(two_that_know_the_secret_believe_each_other_afterwards)
{
	struct invitation inv = { 0 };
	struct side up, down;

	side_open(&up, ENROL_INVITER, "relay", "cell", &inv);
	side_open(&down, ENROL_JOINER, "cell", "relay", NULL);
	talk(&up, &down, NOW);
	CHECK_STR(up.e.why, "");
	CHECK_STR(down.e.why, "");
	CHECK(up.e.state == ENROL_DONE && down.e.state == ENROL_DONE);
	struct pki_verdict v;
	struct pki_peer peer = { .chain = down.own.chain, .len = down.own.chain_len, .role = PKI_CLIENT, .host = "cell", .crl_optional = true, .now = NOW };
	CHECK_INT(pki_verify(up.pki, &peer, &v), 0);
	peer = (struct pki_peer){ .chain = up.own.chain, .len = up.own.chain_len, .role = PKI_SERVER, .host = "relay", .crl_optional = true, .now = NOW };
	CHECK_INT(pki_verify(down.pki, &peer, &v), 0);
	/* Once more, with the same certificate: the first answer may have been lost. */
	talk(&up, &down, NOW);
	CHECK(up.e.state == ENROL_DONE && down.e.state == ENROL_DONE);
	CHECK(trusted(&up) == 1 && trusted(&down) == 1);
	side_close(&up);
	side_close(&down);
}

TEST(another_machine_with_the_same_secret_comes_too_late)
{
	struct invitation inv = { 0 };
	struct side up, down, other;

	side_open(&up, ENROL_INVITER, "relay", "cell", &inv);
	side_open(&down, ENROL_JOINER, "cell", "relay", NULL);
	side_open(&other, ENROL_JOINER, "cell", "relay", NULL);
	talk(&up, &down, NOW);
	CHECK(up.e.state == ENROL_DONE);
	talk(&up, &other, NOW);
	CHECK(up.err == ERR_EXISTS && strstr(up.e.why, "used already") != NULL);
	CHECK(other.err != 0 && strstr(other.e.why, "used already") != NULL);
	CHECK(trusted(&up) == 1 && trusted(&other) == 0);
	side_close(&up);
	side_close(&down);
	side_close(&other);
}

TEST(another_secret_lets_nobody_in)
{
	static const struct enrol_secret wrong = { "one that is mistaken" };
	struct invitation inv = { 0 };
	struct side up, down;

	side_open(&up, ENROL_INVITER, "relay", "cell", &inv);
	side_open(&down, ENROL_JOINER, "cell", "relay", NULL);
	down.conf.secret = &wrong;
	talk(&up, &down, NOW);
	CHECK(up.err == ERR_DENIED && up.e.wrong && inv.wrong == 1 && !inv.taken);
	CHECK(down.err != 0 && strstr(down.e.why, "the proof does not fit") != NULL);
	CHECK(trusted(&up) == 0 && trusted(&down) == 0);
	side_close(&up);
	side_close(&down);
}

TEST(with_another_name_the_certificate_is_not_taken)
{
	struct invitation inv = { 0 };
	struct side up, down;

	/* It says another name than was invited. */
	side_open(&up, ENROL_INVITER, "relay", "cell", &inv);
	side_open(&down, ENROL_JOINER, "press", "relay", NULL);
	talk(&up, &down, NOW);
	CHECK(up.err == ERR_DENIED && !up.e.wrong && inv.wrong == 0 && !inv.taken);
	CHECK(strstr(down.e.why, "joins as \"press\" to \"relay\"") != NULL || strstr(down.e.why, "joins as 'press' to 'relay'") != NULL);
	/* It says the right one, and its certificate has another. */
	down.conf.name = "cell";
	talk(&up, &down, NOW);
	CHECK(up.err == ERR_DENIED && !inv.taken && strstr(up.e.why, "BadCertificateHostNameInvalid") != NULL);
	CHECK(trusted(&up) == 0 && trusted(&down) == 0);
	side_close(&up);
	side_close(&down);
}

TEST(a_certificate_that_has_ended_is_not_taken)
{
	struct invitation inv = { 0 };
	struct side up, down;

	side_open(&up, ENROL_INVITER, "relay", "cell", &inv);
	side_open(&down, ENROL_JOINER, "cell", "relay", NULL);
	talk(&up, &down, (struct wall){ (T0 + 731 * 86400) * NS_PER_S });
	CHECK(up.err == ERR_DENIED && strstr(up.e.why, "BadCertificateTimeInvalid") != NULL);
	CHECK(trusted(&up) == 0 && trusted(&down) == 0);
	side_close(&up);
	side_close(&down);
}

TEST(who_joins_believes_nobody_without_a_proof)
{
	static const struct enrol_secret wrong = { "one that is mistaken" };
	struct invitation inv = { 0 };
	struct side up, down;
	uint8_t proof[ENROL_PROOF] = { 1 };

	/* One that says WELCOME to all who come: it cannot know the proof. */
	side_open(&up, ENROL_INVITER, "relay", "cell", &inv);
	side_open(&down, ENROL_JOINER, "cell", "relay", NULL);
	up.conf.secret = &wrong;
	struct mono now = { NS_PER_S };
	int fd[2];
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	up.fd = fd[0];
	down.fd = fd[1];
	CHECK_INT(enrol_init(&up.e, &up.conf, fd[0], "there", now), 0);
	CHECK_INT(enrol_init(&down.e, &down.conf, fd[1], "here", now), 0);
	link_put_welcome(&up.e.c.out, proof);
	for (int i = 0; i < 10; i++) {
		if (up.err == 0)
			up.err = enrol_step(&up.e, now, NOW);
		if (down.err == 0)
			down.err = enrol_step(&down.e, now, NOW);
	}
	CHECK(down.err != 0 && down.e.state == ENROL_OVER);
	CHECK_INT(trusted(&down), 0);
	side_close(&up);
	side_close(&down);
}

TEST(a_guest_that_says_nothing_is_not_waited_for)
{
	struct invitation inv = { 0 };
	struct side up;
	int fd[2];

	side_open(&up, ENROL_INVITER, "relay", "cell", &inv);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
	up.fd = fd[0];
	CHECK_INT(enrol_init(&up.e, &up.conf, fd[0], "there", (struct mono){ NS_PER_S }), 0);
	CHECK_INT(enrol_step(&up.e, (struct mono){ NS_PER_S }, NOW), 0);
	CHECK_INT(enrol_step(&up.e, mono_add((struct mono){ NS_PER_S }, ENROL_TIME_NS), NOW), ERR_TIMEOUT);
	stream_close(fd[1]);
	side_close(&up);
}

TEST_MAIN
