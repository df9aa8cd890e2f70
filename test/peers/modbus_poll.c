/*
 * The bench's first peer: a plain libmodbus polling loop, as people write it. It reads the same block over and over on
 * each of its connections in turn, and prints what it reached.
 *
 *   modbus_poll HOST:PORT... [--connections N] [--registers N] [--seconds S] [--unit U]
 *
 * Connections are spread over the endpoints given. Prints one JSON line with requests, seconds, requests_per_s, errors.
 */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CONNS_MAX = 1024, HOSTS_MAX = 256 };

static double
now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static modbus_t *
connect_to(const char *endpoint, int unit)
{
	char host[64];
	int port;
	if (sscanf(endpoint, "%63[^:]:%d", host, &port) != 2) {
		fprintf(stderr, "modbus_poll: %s is not HOST:PORT\n", endpoint);
		exit(2);
	}
	modbus_t *ctx = modbus_new_tcp(host, port);
	if (ctx == NULL || modbus_set_slave(ctx, unit) != 0 || modbus_connect(ctx) != 0) {
		fprintf(stderr, "modbus_poll: %s: %s\n", endpoint, modbus_strerror(errno));
		exit(2);
	}
	return ctx;
}

int
main(int argc, char **argv)
{
	static modbus_t *conn[CONNS_MAX];
	const char *hosts[HOSTS_MAX];
	int nhosts = 0, nconns = 1, registers = 125, unit = 1;
	double seconds = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--connections") == 0 && i + 1 < argc) nconns = atoi(argv[++i]);
		else if (strcmp(argv[i], "--registers") == 0 && i + 1 < argc) registers = atoi(argv[++i]);
		else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) seconds = atof(argv[++i]);
		else if (strcmp(argv[i], "--unit") == 0 && i + 1 < argc) unit = atoi(argv[++i]);
		else if (nhosts < HOSTS_MAX) hosts[nhosts++] = argv[i];
	}
	if (nhosts == 0 || nconns < 1 || nconns > CONNS_MAX || registers < 1 || registers > 125) {
		fprintf(stderr, "usage: modbus_poll HOST:PORT... [--connections N] [--registers N] [--seconds S] [--unit U]\n");
		return 2;
	}
	for (int i = 0; i < nconns; i++)
		conn[i] = connect_to(hosts[i % nhosts], unit);

	unsigned long requests = 0, errors = 0;
	double start = now_s(), end = start;
	while (end - start < seconds) {
		for (int i = 0; i < nconns; i++) {
			uint16_t regs[125];
			if (modbus_read_registers(conn[i], 0, registers, regs) == registers)
				requests++;
			else
				errors++;
		}
		end = now_s();
	}
	printf("{\"requests\": %lu, \"seconds\": %.3f, \"requests_per_s\": %.0f, \"errors\": %lu}\n", requests, end - start,
	    (double)requests / (end - start), errors);
	for (int i = 0; i < nconns; i++) {
		modbus_close(conn[i]);
		modbus_free(conn[i]);
	}
	return errors != 0;
}
