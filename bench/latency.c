/*
 * latency: from the arrival of a device's reply to the message in the hands of a subscriber, at 10,000 values/s. The subscriber sees the
 * broker's hop too, so what is printed is more than arrival to publish. Beside it: the broker's hop alone, measured in the same run.
 */
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/rig.h"

#define SECONDS 10

static void
percentiles(double *v, size_t n, double *p50, double *p99)
{
	bench_median(v, n);	/* sorts */
	*p50 = n > 0 ? v[n / 2] : 0;
	*p99 = n > 0 ? v[(size_t)((double)n * 0.99)] : 0;
}

/* Messages of about the same size, stamped when they are published, through the same broker to the same subscriber. */
static void
broker_alone(struct rig *r, struct far_end *far, double *p50, double *p99)
{
	struct mosquitto *m = mosquitto_new(NULL, true, NULL);
	char payload[4096], when[WALL_TEXT];
	size_t n;

	mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1);	/* as our sink does: or the next waits for the acknowledgement of the last */
	if (mosquitto_connect(m, "127.0.0.1", r->broker_port, 60) != MOSQ_ERR_SUCCESS || mosquitto_loop_start(m) != MOSQ_ERR_SUCCESS)
		exit(2);
	free(far_end_latencies(far, &n));
	for (int i = 0; i < 300; i++) {
		struct timespec t;
		clock_gettime(CLOCK_REALTIME, &t);
		wall_format((struct wall){ t.tv_sec * NS_PER_S + t.tv_nsec }, 9, when);
		int len = snprintf(payload, sizeof payload, "{\"arrival\":\"%s\",\"pad\":\"%03000d\"}", when, i);
		mosquitto_publish(m, NULL, "alone", len, payload, 1, false);
		usleep(10000);
	}
	usleep(200000);
	double *v = far_end_latencies(far, &n);
	percentiles(v, n, p50, p99);
	free(v);
	mosquitto_disconnect(m);
	mosquitto_loop_stop(m, true);
	mosquitto_destroy(m);
}

int
bench_latency(int argc, char **argv)
{
	static const char *const sim[] = { "load", "--devices", "10", "--registers", "100", NULL };
	struct rig r = { 0 };
	struct buf site = { 0 };
	double p50, p99, b50, b99;
	size_t n;
	(void)argc;
	(void)argv;

	bool ok = rig_sim(&r, sim) && rig_broker(&r);
	if (ok) {
		rig_site(&r, "", &site);
		buf_puts(&site, "types:\n  device:\n    tags:\n");
		for (int i = 0; i < 100; i++)
			buf_printf(&site, "      r%03d: { at: holding %d uint16, scan: 100ms }\n", i, i);
		buf_puts(&site, "equipment:\n");
		for (int i = 0; i < 10; i++)
			buf_printf(&site, "  Line/D%d: { type: device, source: s%d }\n", i, i);
		buf_puts(&site, "flows:\n  all: { what: \"**\", to: b, how: { every-sample: yes } }\n");
		ok = rig_start(&r, &site);
	}
	buf_fini(&site);
	if (ok) {
		struct far_end *far = far_end_open(r.broker_port);
		sleep(3);
		free(far_end_latencies(far, &n));
		sleep(SECONDS);
		double *v = far_end_latencies(far, &n);
		percentiles(v, n, &p50, &p99);
		free(v);
		bench_end(&r.penstock, 15);
		broker_alone(&r, far, &b50, &b99);
		far_end_close(far);
		bench_title("latency: reply from the device to message at a subscriber, 10,000 values/s (goal: p99 under 5 ms)");
		bench_row("p50", p50, "ms", "broker's hop alone", b50, NULL);
		bench_row("p99", p99, "ms", "broker's hop alone", b99, NULL);
		bench_row("messages measured", (double)n, "1", NULL, 0, NULL);
	}
	rig_stop(&r);
	return ok ? 0 : 1;
}
