/* tsan */
/* Two nodes meet, whoever connects; strangers who say nothing keep nobody out; a certificate that is not trusted, or another name, gets nobody in. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "link/lobby_int.h"
#include "os/clock.h"
#include "os/stream.h"
#include "os/tcp.h"
#include "os/wake.h"

#define STRANGERS	(3 * LOBBY_HALF_MAX)

static char	below[DISK_PATH_MAX], above[DISK_PATH_MAX];	/* state folders */
static int	port;

/* Both nodes, with certificates, each trusting the other. */
static void
two_nodes(void)
{
	static const struct { char *dir; enum pki_side side; const char *name; } nodes[] = { { below, PKI_IT, "cell" }, { above, PKI_OT, "relay" } };
	struct pki *p[2] = { 0 };
	struct pki_own own[2] = { 0 };

	if (below[0] != '\0')
		return;
	for (int i = 0; i < 2; i++) {
		snprintf(nodes[i].dir, DISK_PATH_MAX, "%s", test_dir());
		CHECK_INT(pki_open(nodes[i].dir, nodes[i].side, NULL, &p[i]), 0);
		CHECK_INT(pki_node_own(p[i], nodes[i].name, "test", wall_now(), &own[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		CHECK_INT(pki_pin(p[i], own[1 - i].cert, own[1 - i].cert_len, wall_now()), 0);
	for (int i = 0; i < 2; i++) {
		pki_own_fini(&own[i]);
		pki_close(p[i]);
	}
}

static void
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int fd;

	CHECK_INT(tcp_listen((struct sockaddr *)&a, sizeof a, &fd), 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	port = ntohs(a.sin_port);
	stream_close(fd);
}

static struct lobby *
node(bool lower, bool connect, const char *peer)
{
	struct lobby_conf conf = { .connect = connect, .host = "127.0.0.1", .port = port, .what = lower ? "sink=\"up\"" : "source=\"below\"", .peer = peer,
	    .name = lower ? "cell" : "relay", .site = "test", .state = lower ? below : above, .side = lower ? PKI_IT : PKI_OT,
	    .silence_ns = 10 * NS_PER_S, .window = lower ? 0 : 7 };
	struct lobby *l = NULL;

	CHECK_INT(lobby_open(&conf, &l), 0);
	return l;
}

/* Until there is a connection, or the lobby says something with this word in it (then NULL). */
static struct lobby_conn *
wait_news(struct lobby *l, const char *word)
{
	char text[LOBBY_TEXT];
	int err;

	for (int i = 0; i < 3000; i++) {
		struct wait_fd w = { .fd = lobby_wake(l), .in = true };
		wait_fds(&w, 1, 10 * NS_PER_MS);
		struct lobby_conn *n = lobby_take(l, text, &err);
		if (n != NULL || (word != NULL && strstr(text, word) != NULL))
			return n;
	}
	CHECK(word == NULL && "no connection in time");
	return NULL;
}

static void
meet(bool lower_connects)
{
	two_nodes();
	free_port();
	struct lobby *b = node(true, lower_connects, "relay"), *a = node(false, !lower_connects, "cell");
	struct lobby_conn *nb = wait_news(b, NULL), *na = wait_news(a, NULL);

	CHECK(nb != NULL && na != NULL);
	if (nb != NULL && na != NULL) {
		CHECK_INT((int)nb->window, 7);
		CHECK_INT((int)na->window, 0);
		CHECK(na->c.hold && nb->c.hold);
	}
	/* The connection is over: who connects gets another. */
	lobby_conn_free(nb);
	lobby_conn_free(na);
	lobby_again(lower_connects ? b : a, true);
	nb = wait_news(b, NULL);
	na = wait_news(a, NULL);
	CHECK(nb != NULL && na != NULL);
	lobby_conn_free(nb);
	lobby_conn_free(na);
	lobby_close(b);
	lobby_close(a);
}

TEST(the_lower_node_connects) { meet(true); }
TEST(the_upper_node_connects) { meet(false); }

TEST(strangers_who_say_nothing_keep_nobody_out)
{
	struct sockaddr_storage to;
	socklen_t len;
	int fd[STRANGERS];

	two_nodes();
	free_port();
	struct lobby *a = node(false, false, "cell");
	CHECK(wait_news(a, "waits for node") == NULL);
	CHECK_INT(tcp_numeric("127.0.0.1", port, &to, &len), 0);
	for (unsigned i = 0; i < STRANGERS; i++)
		CHECK_INT(tcp_connect((struct sockaddr *)&to, len, &fd[i]), 0);
	struct mono begin = mono_now();
	struct lobby *b = node(true, true, "relay");
	struct lobby_conn *na = wait_news(a, NULL);
	CHECK(na != NULL);
	CHECK(mono_diff(mono_now(), begin) < STRANGERS / LOBBY_HALF_MAX * LOBBY_GREET_NS);	/* not one after the other */
	lobby_conn_free(na);
	for (unsigned i = 0; i < STRANGERS; i++)
		stream_close(fd[i]);
	lobby_close(b);
	lobby_close(a);
}

TEST(who_is_not_the_one_that_is_named_does_not_get_in)
{
	two_nodes();
	free_port();
	struct lobby *a = node(false, false, "another"), *b = node(true, true, "relay");

	CHECK(wait_news(a, "BadCertificateHostNameInvalid") == NULL);
	lobby_close(b);
	lobby_close(a);
}

TEST_MAIN
