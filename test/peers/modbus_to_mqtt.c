/*
 * The bench's peer for the whole path: what one writes by hand in an afternoon. Each period it reads the registers of every
 * device with libmodbus, 125 at a time, prints them as one JSON message and publishes that with libmosquitto at QoS 1. It
 * keeps nothing, judges nothing and stops when a device does.
 *
 *   modbus_to_mqtt BROKER-PORT HOST:PORT... [--registers N] [--period-ms MS]
 *
 * Runs until it is killed. Prints "ready" once everything is connected.
 */
#include <errno.h>
#include <modbus.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEVICES_MAX = 256, REGISTERS_MAX = 10000, A_REQUEST = 125 };

static modbus_t *
connect_to(const char *endpoint)
{
	char host[64];
	int port;
	if (sscanf(endpoint, "%63[^:]:%d", host, &port) != 2)
		return NULL;
	modbus_t *ctx = modbus_new_tcp(host, port);
	if (ctx == NULL || modbus_set_slave(ctx, 1) != 0 || modbus_connect(ctx) != 0) {
		fprintf(stderr, "modbus_to_mqtt: %s: %s\n", endpoint, modbus_strerror(errno));
		return NULL;
	}
	return ctx;
}

/* The message that penstock makes of the same scan: see doc/mqtt.md. */
static int
message(char *out, size_t size, int device, const uint16_t *regs, int n)
{
	struct timespec t;
	struct tm tm;
	char when[32];
	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
	size_t len = (size_t)snprintf(out, size, "{\"groups\":[{\"arrival\":\"%s.%06ldZ\",\"samples\":[", when, t.tv_nsec / 1000);
	for (int i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s{\"n\":\"Line/D%d/r%03d\",\"v\":%u}", i == 0 ? "" : ",", device, i, regs[i]);
	if (len + 5 > size)
		return -1;
	len += (size_t)snprintf(out + len, size - len, "]}]}");
	return (int)len;
}

static int
scan(struct mosquitto *m, modbus_t *ctx, int device, int registers)
{
	static char text[REGISTERS_MAX * 64];
	static uint16_t regs[REGISTERS_MAX];
	char topic[32];
	for (int at = 0; at < registers; at += A_REQUEST) {
		int n = registers - at < A_REQUEST ? registers - at : A_REQUEST;
		if (modbus_read_registers(ctx, at, n, regs + at) != n)
			return -1;
	}
	int len = message(text, sizeof text, device, regs, registers);
	snprintf(topic, sizeof topic, "plain/D%d", device);
	return len > 0 && mosquitto_publish(m, NULL, topic, len, text, 1, false) == MOSQ_ERR_SUCCESS ? 0 : -1;
}

int
main(int argc, char **argv)
{
	static modbus_t *device[DEVICES_MAX];
	int n = 0, registers = 1000, period_ms = 100;

	mosquitto_lib_init();
	struct mosquitto *m = mosquitto_new(NULL, true, NULL);
	if (m == NULL || argc < 3)
		return 2;
	mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1);
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--registers") == 0 && i + 1 < argc) registers = atoi(argv[++i]);
		else if (strcmp(argv[i], "--period-ms") == 0 && i + 1 < argc) period_ms = atoi(argv[++i]);
		else if (n < DEVICES_MAX && (device[n++] = connect_to(argv[i])) == NULL) return 2;
	}
	if (registers < 1 || registers > REGISTERS_MAX || mosquitto_connect(m, "127.0.0.1", atoi(argv[1]), 60) != MOSQ_ERR_SUCCESS ||
	    mosquitto_loop_start(m) != MOSQ_ERR_SUCCESS) {
		fprintf(stderr, "modbus_to_mqtt: the broker on port %s cannot be reached\n", argv[1]);
		return 2;
	}
	printf("ready\n");
	fflush(stdout);
	struct timespec due;
	clock_gettime(CLOCK_MONOTONIC, &due);
	for (;;) {
		for (int i = 0; i < n; i++)
			if (scan(m, device[i], i, registers) != 0)
				return 1;
		due.tv_nsec += period_ms * 1000000L;
		due.tv_sec += due.tv_nsec / 1000000000L;
		due.tv_nsec %= 1000000000L;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
	}
}
