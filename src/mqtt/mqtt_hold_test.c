/* tsan */
/*
 * opts.hold: nothing is acknowledged before its owner says so. The broker here is the test itself, packet by packet as MQTT 3.1.1 writes them
 * (OASIS, 3.1 to 3.9), so that each byte the link sends is seen.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "mqtt/mqtt_link.h"
#include "os/clock.h"

#define LIMIT_MS	60000

static uv_loop_t loop;
static struct mqtt_link *mlink;		/* not "link", which is of unistd.h */
static unsigned ups, downs, received;
static bool closed;
static int listener, peer = -1;

static void on_up(void *arg, const struct mqtt_up *up) { (void)arg; (void)up; ups++; }
static void on_down(void *arg, const struct mqtt_down *d) { (void)arg; (void)d; downs++; }
static void on_returned(void *arg, struct mqtt_msg *m) { (void)arg; (void)m; }
static void on_closed(void *arg) { (void)arg; closed = true; }

static void
on_received(void *arg, const char *topic, const void *p, size_t len, uint8_t qos, bool retain)
{
	(void)arg;
	(void)p;
	(void)retain;
	CHECK(strcmp(topic, "t") == 0 && len == 1 && qos == 1);
	received++;
}

static const struct mqtt_link_ops ops = { .up = on_up, .down = on_down, .returned = on_returned, .received = on_received };

static void
run_until(const volatile unsigned *what, unsigned n)
{
	struct mono end = mono_add(mono_now(), LIMIT_MS * NS_PER_MS);

	while (*what < n && mono_before(mono_now(), end)) {
		uv_run(&loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	CHECK_INT(*what, n);
}

/* Exactly these bytes come. */
static void
expect(const char *bytes, size_t len)
{
	uint8_t got[256];
	size_t n = 0;
	struct pollfd p = { .fd = peer, .events = POLLIN };

	while (n < len && poll(&p, 1, LIMIT_MS) == 1) {
		ssize_t r = read(peer, got + n, len - n);
		if (r <= 0)
			break;
		n += (size_t)r;
	}
	CHECK_INT(n, len);
	CHECK(memcmp(got, bytes, len) == 0);
}

static void
expect_silence(int ms)
{
	struct pollfd p = { .fd = peer, .events = POLLIN };
	CHECK_INT(poll(&p, 1, ms), 0);
}

static void
say(const char *bytes, size_t len)
{
	CHECK_INT(write(peer, bytes, len), len);
}

/* CONNECT with the clean-session bit as told, CONNACK; SUBSCRIBE to "t" at QoS 1, SUBACK. */
static void
meet(bool present)
{
	char connack[] = { 0x20, 2, present ? 1 : 0, 0 };

	peer = accept(listener, NULL, NULL);
	CHECK(peer >= 0);
	expect("\x10\x0d\0\4MQTT\4\0\0\x3c\0\1c", 15);		/* flags 0: the session is kept */
	say(connack, sizeof connack);
	expect("\x82\6\0\1\0\1t\1", 8);
	say("\x90\3\0\1\1", 5);
}

static void
begin(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof a;
	static struct mqtt_server server = { "127.0.0.1", 0 };
	static const struct mqtt_filter filter = { "t", 1 };
	char why[200];

	ups = downs = received = 0;
	closed = false;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(listener, 4) == 0 && getsockname(listener, (struct sockaddr *)&a, &len) == 0);
	server.port = ntohs(a.sin_port);
	uv_loop_init(&loop);
	struct mqtt_link_opts o = { .name = "test", .servers = &server, .nservers = 1, .client_id = "c", .keep_alive_s = 60, .window = 1,
		.filters = &filter, .nfilters = 1, .hold = 4, .pause_min_ns = 10 * NS_PER_MS, .pause_max_ns = 20 * NS_PER_MS };
	CHECK_INT(mqtt_link_open(&loop, &o, &ops, NULL, &mlink, why, sizeof why), 0);
}

static void
end(void)
{
	mqtt_link_close(mlink, 0, mono_add(mono_now(), NS_PER_S), on_closed, NULL);
	while (!closed)
		uv_run(&loop, UV_RUN_ONCE);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	close(peer);
	close(listener);
}

/* PUBLISH at QoS 1, topic "t", one byte. */
static void
publish(char mid)
{
	char p[] = { 0x32, 6, 0, 1, 't', 0, mid, 'x' };
	say(p, sizeof p);
}

TEST(an_acknowledgement_waits_until_all_that_came_before_it_is_done)
{
	begin();
	meet(false);
	run_until(&ups, 1);
	publish(1);
	publish(2);
	run_until(&received, 2);
	expect_silence(200);
	mqtt_link_done(mlink, 1);
	expect_silence(200);
	mqtt_link_done(mlink, 1);
	expect("\x40\2\0\1\x40\2\0\2", 8);
	end();
}

TEST(no_more_are_taken_than_may_be_held)
{
	begin();
	meet(false);
	run_until(&ups, 1);
	for (char i = 1; i <= 8; i++)
		publish(i);
	run_until(&received, 4);
	for (int i = 0; i < 50; i++, usleep(2000))
		uv_run(&loop, UV_RUN_NOWAIT);
	CHECK_INT(received, 4);
	mqtt_link_done(mlink, 4);
	run_until(&received, 8);
	expect("\x40\2\0\1\x40\2\0\2\x40\2\0\3\x40\2\0\4", 16);
	mqtt_link_done(mlink, 4);
	expect("\x40\2\0\5\x40\2\0\6\x40\2\0\7\x40\2\0\x08", 16);
	end();
}

TEST(what_is_held_at_the_end_is_not_acknowledged_by_a_goodbye)
{
	char c;

	begin();
	meet(false);
	run_until(&ups, 1);
	publish(1);
	run_until(&received, 1);
	mqtt_link_close(mlink, 0, mono_add(mono_now(), NS_PER_S), on_closed, NULL);
	while (!closed)
		uv_run(&loop, UV_RUN_ONCE);
	CHECK_INT(read(peer, &c, 1), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	close(peer);
	close(listener);
}

TEST(what_was_held_over_a_lost_connection_comes_again_and_old_words_do_not_count)
{
	begin();
	meet(false);
	run_until(&ups, 1);
	publish(1);
	run_until(&received, 1);
	close(peer);
	meet(true);
	publish(1);
	mqtt_link_done(mlink, 1);	/* of the connection that is gone: the link has not told of the new one's message yet */
	expect_silence(200);
	run_until(&received, 2);
	expect_silence(200);
	mqtt_link_done(mlink, 1);
	expect("\x40\2\0\1", 4);
	end();
}

TEST_MAIN
