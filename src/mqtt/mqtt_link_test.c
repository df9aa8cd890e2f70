/* tsan */
/*
 * The MQTT link against mosquitto, started here on a free loopback port, and against listeners that do not answer. Built with
 * SAN=thread this is the test of the two queues.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "os/clock.h"
#include "mqtt/mqtt_link.h"

#define LIMIT_MS 60000

#ifdef __SANITIZE_THREAD__
/* libmosquitto 2.0 unlocks a mutex of its own twice when the broker says DISCONNECT. */
const char *__tsan_default_suppressions(void);
const char *
__tsan_default_suppressions(void)
{
	return "mutex:libmosquitto.so\n";
}
#endif

/* ---- a broker of our own ---- */

static pid_t broker_pid;

/* A listening socket on a free loopback port. */
static int
listen_any(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 8) != 0 || getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		test_fail(__FILE__, __LINE__, "no port");
	*port = ntohs(a.sin_port);
	return fd;
}

static bool
answers(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) }, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
	close(fd);
	return ok;
}

static void
broker_stop(void)
{
	if (broker_pid <= 0)
		return;
	kill(broker_pid, SIGKILL);
	waitpid(broker_pid, NULL, 0);
	broker_pid = 0;
}

static void
broker_start(uint16_t port, const char *more)
{
	char path[200];
	snprintf(path, sizeof path, "%s/mosquitto.conf", test_dir());
	FILE *f = fopen(path, "w");
	fprintf(f, "listener %u 127.0.0.1\n%s\nlog_type none\n", port, more);
	fclose(f);
	if (access("/usr/sbin/mosquitto", X_OK) != 0)
		test_skip("mosquitto is not installed");
	broker_pid = fork();
	if (broker_pid == 0) {
		execl("/usr/sbin/mosquitto", "mosquitto", "-c", path, (char *)NULL);
		_exit(127);
	}
	atexit(broker_stop);
	for (int i = 0; i < 6000 && !answers(port); i++)
		usleep(10000);
	if (!answers(port))
		test_fail(__FILE__, __LINE__, "mosquitto did not start");
}

static uint16_t
free_port(void)
{
	uint16_t port;
	close(listen_any(&port));
	return port;
}

/* ---- the user of a link ---- */

static struct user {
	uv_loop_t	 loop;
	uv_timer_t	 limit;
	struct mqtt_link *link;
	unsigned	 ups, downs, acked, refused, lost, asked, received, out, lost_after_down, taken_late;
	bool		 closed, late, is_up;
	struct mqtt_down last;
	struct mqtt_up	 up;
	char		 why[400], topic[100], payload[100], msg_why[160];
	uint8_t		 reason;
	bool		 will;
} u;

static void on_up(void *arg, const struct mqtt_up *up) { (void)arg; u.ups++; u.up = *up; u.is_up = true; }

static void
on_down(void *arg, const struct mqtt_down *d)
{
	(void)arg;
	u.downs++;
	u.is_up = false;
	u.last = *d;
	snprintf(u.why, sizeof u.why, "%s", d->why);
	if (d->was_up && u.out > 0)
		u.lost_after_down++;	/* all must be back by now */
}

static struct mqtt_msg probe = { .topic = "late", .payload = "", .qos = 1 };

static void
on_returned(void *arg, struct mqtt_msg *m)
{
	(void)arg;
	/* Its connection has fallen, and down() is yet to come: a message taken now would go out in the next session. */
	if (m != &probe && m->result == MQTT_LOST)
		u.taken_late += mqtt_link_publish(u.link, &probe) == 0;
	u.out--;
	u.acked += m->result == MQTT_ACKED;
	u.lost += m->result == MQTT_LOST;
	u.refused += m->result == MQTT_REFUSED;
	if (m->result == MQTT_REFUSED) {
		u.reason = m->reason;
		snprintf(u.msg_why, sizeof u.msg_why, "%s", m->why);
	}
	m->user = NULL;
}

static void
on_received(void *arg, const char *topic, const void *p, size_t len, uint8_t qos, bool retain)
{
	(void)arg;
	(void)qos;
	(void)retain;
	u.received++;
	snprintf(u.topic, sizeof u.topic, "%s", topic);
	snprintf(u.payload, sizeof u.payload, "%.*s", (int)len, (const char *)p);
}

static void
on_ask(void *arg)
{
	struct mqtt_will w = { .topic = "will", .payload = "gone", .len = 4, .qos = 1 };
	(void)arg;
	u.asked++;
	mqtt_link_go(u.link, 0, u.will ? &w : NULL);
}

static const struct mqtt_link_ops ops = { on_ask, on_up, on_down, on_returned, on_received };

static void on_limit(uv_timer_t *t) { (void)t; u.late = true; }
static void on_closed(void *arg) { (void)arg; u.closed = true; }

#define UNTIL(cond) do {									\
	u.late = false;										\
	uv_timer_start(&u.limit, on_limit, LIMIT_MS, 0);					\
	while (!(cond) && !u.late)								\
		uv_run(&u.loop, UV_RUN_ONCE);							\
	uv_timer_stop(&u.limit);								\
	if (!(cond))										\
		test_fail(__FILE__, __LINE__, "not in time: %s (last fall: %s)", #cond, u.why);	\
} while (0)

static struct mqtt_link_opts
options(uint16_t port, bool v5)
{
	static struct mqtt_server server;
	server = (struct mqtt_server){ "127.0.0.1", port };
	return (struct mqtt_link_opts){
		.name = "test", .servers = &server, .nservers = 1, .v5 = v5, .client_id = "penstock-test", .keep_alive_s = 5, .window = 8,
		.pause_min_ns = 20 * NS_PER_MS, .pause_max_ns = 200 * NS_PER_MS,
	};
}

static void
begin(const struct mqtt_link_opts *o)
{
	char why[200];
	memset(&u, 0, sizeof u);
	uv_loop_init(&u.loop);
	uv_timer_init(&u.loop, &u.limit);
	CHECK_INT(mqtt_link_open(&u.loop, o, &ops, NULL, &u.link, why, sizeof why), 0);
}

static void
end(void)
{
	mqtt_link_close(u.link, 0, mono_add(mono_now(), 2 * NS_PER_S), on_closed, NULL);
	UNTIL(u.closed);
	CHECK_INT(u.out, 0);
	CHECK_INT(u.lost_after_down, 0);
	CHECK_INT(u.taken_late, 0);
	uv_close((uv_handle_t *)&u.limit, NULL);
	uv_run(&u.loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&u.loop), 0);
}

static struct mqtt_msg	msgs[64];

static void
publish(size_t n, const char *topic, const char *payload, uint8_t qos)
{
	for (size_t i = 0; i < n; i++) {
		msgs[i] = (struct mqtt_msg){ .topic = topic, .payload = payload, .len = (uint32_t)strlen(payload), .qos = qos, .key = "k/1",
		    .content_type = "text/plain", .text = true, .expiry_s = 60 };
		CHECK_INT(mqtt_link_publish(u.link, &msgs[i]), 0);
		u.out++;
	}
}

static void
round_trip(bool v5)
{
	static const struct mqtt_filter filters[] = { { "in/#", 1 } };
	uint16_t port = free_port();
	struct mqtt_link_opts o = options(port, v5);

	broker_start(port, "allow_anonymous true");
	o.filters = filters;
	o.nfilters = 1;
	begin(&o);
	CHECK_INT(mqtt_link_publish(u.link, &msgs[0]), ERR_CONN);
	UNTIL(u.ups == 1);
	publish(50, "in/x", "hello", 1);
	UNTIL(u.acked == 50 && u.received == 50);
	CHECK_STR(u.topic, "in/x");
	CHECK_STR(u.payload, "hello");
	publish(20, "in/y", "bye", 0);
	UNTIL(u.acked == 70 && u.received == 70);
	publish(1, "bad/+/topic", "x", 1);
	UNTIL(u.refused == 1);
	end();
	broker_stop();
}

TEST(messages_are_acknowledged_and_subscriptions_served_with_mqtt_5)
{
	round_trip(true);
}

TEST(messages_are_acknowledged_and_subscriptions_served_with_mqtt_3_1_1)
{
	round_trip(false);
}

TEST(a_killed_broker_gives_back_what_it_had_and_is_found_again)
{
	uint16_t port = free_port();
	struct mqtt_link_opts o = options(port, true);

	broker_start(port, "allow_anonymous true");
	begin(&o);
	UNTIL(u.ups == 1);
	kill(broker_pid, SIGSTOP);
	publish(20, "a", "b", 1);
	for (int i = 0; i < 20; i++) {
		uv_run(&u.loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	broker_stop();
	UNTIL(u.downs > 0);
	CHECK_INT(u.lost, 20);
	CHECK(u.last.was_up);
	CHECK_INT(u.last.fall, MQTT_FALL_PEER);
	UNTIL(u.downs > 2);
	CHECK_INT(u.last.fall, MQTT_FALL_UNREACHED);
	broker_start(port, "allow_anonymous true");
	UNTIL(u.ups == 2);
	publish(5, "a", "b", 1);
	UNTIL(u.acked == 5);
	end();
	broker_stop();
}

TEST(a_broker_that_hangs_is_left_after_the_time_for_acknowledgements)
{
	uint16_t port = free_port();
	struct mqtt_link_opts o = options(port, true);

	broker_start(port, "allow_anonymous true");
	o.ack_timeout_ns = 300 * NS_PER_MS;
	begin(&o);
	UNTIL(u.ups == 1);
	kill(broker_pid, SIGSTOP);
	publish(3, "a", "b", 1);
	UNTIL(u.downs > 0);
	CHECK_INT(u.last.fall, MQTT_FALL_SILENT);
	CHECK_INT(u.lost, 3);
	kill(broker_pid, SIGCONT);
	UNTIL(u.ups == 2);
	end();
	broker_stop();
}

TEST(a_listener_that_says_nothing_is_not_waited_for_and_does_not_hold_up_the_end)
{
	uint16_t port;
	int fd = listen_any(&port);
	struct mqtt_link_opts o = options(port, true);

	o.connect_timeout_ns = 200 * NS_PER_MS;
	begin(&o);
	UNTIL(u.downs > 0);
	CHECK_INT(u.last.fall, MQTT_FALL_UNREACHED);
	CHECK(strstr(u.why, "did not answer in time") != NULL);
	end();
	close(fd);
}

TEST(a_refused_login_is_told_as_such_and_not_repeated_fast)
{
	uint16_t port = free_port();
	struct mqtt_link_opts o = options(port, true);

	broker_start(port, "allow_anonymous false");
	begin(&o);
	UNTIL(u.downs > 0);
	CHECK_INT(u.last.fall, MQTT_FALL_DENIED);
	CHECK(strstr(u.why, "not authorized") != NULL || strstr(u.why, "refused the connection") != NULL);
	CHECK(u.last.pause_ns >= o.pause_max_ns / 2);
	end();
	broker_stop();
}

TEST(tls_never_falls_back_to_plain_text)
{
	uint16_t port = free_port();
	struct mqtt_link_opts o = options(port, true);

	broker_start(port, "allow_anonymous true");
	o.tls = true;
	begin(&o);
	UNTIL(u.downs > 1);
	CHECK_INT(u.ups, 0);
	end();
	broker_stop();
}

TEST(a_will_is_asked_for_before_each_connect_and_sent_by_disconnect_with_will)
{
	static const struct mqtt_filter filters[] = { { "will", 1 } };
	uint16_t port = free_port();
	struct mqtt_link_opts o = options(port, true), watch = options(port, true);
	struct mqtt_link *first;
	char why[200];

	broker_start(port, "allow_anonymous true");
	watch.client_id = "watcher";
	watch.filters = filters;
	watch.nfilters = 1;
	o.ask = true;
	begin(&watch);
	UNTIL(u.ups == 1);
	first = u.link;
	u.will = true;
	CHECK_INT(mqtt_link_open(&u.loop, &o, &ops, NULL, &u.link, why, sizeof why), 0);
	UNTIL(u.ups == 2);
	CHECK_INT(u.asked, 1);
	mqtt_link_drop(u.link, 0x04, 10 * NS_PER_MS);
	UNTIL(u.received == 1);
	CHECK_STR(u.payload, "gone");
	UNTIL(u.ups == 3);
	CHECK_INT(u.asked, 2);
	CHECK_INT(u.last.fall, MQTT_FALL_OURS);
	mqtt_link_close(u.link, 0, mono_add(mono_now(), 2 * NS_PER_S), on_closed, NULL);
	UNTIL(u.closed);
	u.closed = false;
	u.link = first;
	end();
	broker_stop();
}

/* A broker for one connection: these bytes (MQTT 5.0, 3.2 and 3.14), then silence until the test ends it. */
static pid_t
canned_broker(uint16_t *port, const char *hex)
{
	uint8_t bytes[64], in[512];
	size_t n = test_hex(hex, bytes, sizeof bytes);
	int fd = listen_any(port);
	pid_t pid = fork();

	if (pid == 0) {
		int c = accept(fd, NULL, NULL);
		if (recv(c, in, sizeof in, 0) > 0 && send(c, bytes, n, MSG_NOSIGNAL) > 0)
			pause();
		_exit(0);
	}
	close(fd);
	return pid;
}

TEST(a_client_id_that_another_client_takes_is_not_fought_for)
{
	uint16_t port;
	pid_t pid = canned_broker(&port, "20 03 00 00 00  e0 02 8e 00");
	struct mqtt_link_opts o = options(port, true);

	o.pause_max_ns = 60 * NS_PER_S;
	begin(&o);
	UNTIL(u.downs == 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_INT(u.last.fall, MQTT_FALL_TAKEN_OVER);
	CHECK_INT(u.last.reason, 0x8e);
	CHECK(u.last.pause_ns >= 30 * NS_PER_S);
	end();
}

TEST(what_the_broker_states_in_connack_is_handed_on)
{
	uint16_t port;
	/* Receive Maximum 10, Maximum Packet Size 4096 */
	pid_t pid = canned_broker(&port, "20 0b 00 00 08  21 00 0a  27 00 00 10 00");
	struct mqtt_link_opts o = options(port, true);

	begin(&o);
	UNTIL(u.ups == 1);
	CHECK_INT(u.up.max_packet, 4096);
	CHECK_INT(u.up.receive_max, 10);
	end();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST(endpoints_are_split_into_host_and_port)
{
	char host[32];
	uint16_t port;

	CHECK_INT(mqtt_endpoint("broker.example:8884", 1883, host, sizeof host, &port), 0);
	CHECK_STR(host, "broker.example");
	CHECK_INT(port, 8884);
	CHECK_INT(mqtt_endpoint("10.0.0.1", 1883, host, sizeof host, &port), 0);
	CHECK_INT(port, 1883);
	CHECK_INT(mqtt_endpoint("[fd00::1]:99", 1883, host, sizeof host, &port), 0);
	CHECK_STR(host, "fd00::1");
	CHECK_INT(port, 99);
	CHECK_INT(mqtt_endpoint("[fd00::1]", 1883, host, sizeof host, &port), 0);
	CHECK_INT(mqtt_endpoint("", 1883, host, sizeof host, &port), ERR_SYNTAX);
	CHECK_INT(mqtt_endpoint("h:", 1883, host, sizeof host, &port), ERR_SYNTAX);
	CHECK_INT(mqtt_endpoint("h:0", 1883, host, sizeof host, &port), ERR_SYNTAX);
	CHECK_INT(mqtt_endpoint("h:65536", 1883, host, sizeof host, &port), ERR_SYNTAX);
	CHECK_INT(mqtt_endpoint("[fd00::1", 1883, host, sizeof host, &port), ERR_SYNTAX);
	CHECK_INT(mqtt_endpoint("a-host-name-that-is-longer-than-the-room", 1883, host, sizeof host, &port), ERR_LIMIT);
}

TEST(reasons_have_names_and_say_what_to_do)
{
	CHECK_STR(mqtt_reason_text(0x95), "packet too large");
	CHECK(mqtt_reason_is_temporary(0x97));
	CHECK(!mqtt_reason_is_temporary(0x87));
	CHECK(!mqtt_reason_is_temporary(0x99));
}

TEST_MAIN
