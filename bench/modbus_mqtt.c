/*
 * modbus-mqtt: 10 Modbus TCP servers x 1,000 registers at 100 ms to an MQTT broker, one JSON message a source and scan. Counted
 * at a subscriber. Beside it: what libmodbus alone needs to fetch as much, one request after another, decoding nothing further.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/rig.h"

#define DEVICES		10
#define REGISTERS	1000
#define SECONDS		10

static void
write_site(struct rig *r, struct buf *b)
{
	rig_site(r, "", b);
	buf_puts(b, "types:\n  device:\n    tags:\n");
	for (int i = 0; i < REGISTERS; i++)
		buf_printf(b, "      r%03d: { at: holding %d uint16, scan: 100ms }\n", i, i);
	buf_puts(b, "equipment:\n");
	for (int i = 0; i < DEVICES; i++)
		buf_printf(b, "  Line/D%d: { type: device, source: s%d }\n", i, i);
	buf_puts(b, "flows:\n  all: { what: \"**\", to: b, how: { every-sample: yes } }\n");
}

/* Processor time of a libmodbus loop for one request of 125 registers, measured against the same servers. */
static double
libmodbus_cpu_per_request(struct rig *r)
{
	char program[4200];
	snprintf(program, sizeof program, "%s", bench_peer("modbus_poll"));
	const char *argv[] = { program, r->endpoints[0].address, r->endpoints[1].address, "--connections", "2", "--registers", "125", "--seconds",
	    "3", NULL };
	struct bench_child c;
	json_error_t e;

	if (access(program, X_OK) != 0 || !bench_spawn(&c, argv))
		return 0;
	usleep(500000);
	double at = bench_now_s(), cpu = bench_cpu_s(c.pid);
	usleep(2000000);
	double used = (bench_cpu_s(c.pid) - cpu) / (bench_now_s() - at);
	const char *line = bench_line(&c, 10);
	json_t *o = line != NULL ? json_loads(line, 0, &e) : NULL;
	double rps = json_number_value(json_object_get(o, "requests_per_s"));
	json_decref(o);
	bench_end(&c, SIGTERM);
	return rps > 0 ? used / rps : 0;
}

int
bench_modbus_mqtt(int argc, char **argv)
{
	static const char *const sim[] = { "load", "--devices", "10", "--registers", "1000", NULL };
	struct rig r = { 0 };
	struct buf site = { 0 };
	struct rig_usage a, b;
	struct far_count ca, cb;
	(void)argc;
	(void)argv;

	if (!rig_sim(&r, sim) || !rig_broker(&r)) {
		rig_stop(&r);
		return 1;
	}
	double libmodbus = libmodbus_cpu_per_request(&r);
	write_site(&r, &site);
	bool ok = rig_start(&r, &site);
	buf_fini(&site);
	if (!ok) {
		rig_stop(&r);
		return 1;
	}
	struct far_end *far = far_open(r.broker_port);
	sleep(4);
	double requests = rig_figure(&r, "source", "", "requests");
	ok = rig_usage(&r, &a);
	far_count(far, &ca);
	sleep(SECONDS);
	ok = rig_usage(&r, &b) && ok;
	far_count(far, &cb);
	requests = rig_figure(&r, "source", "", "requests") - requests;
	double s = b.at_s - a.at_s, cpu = (b.cpu_s - a.cpu_s) / s * 100;
	bench_title("modbus-mqtt: %d servers x %d registers at 100 ms, JSON to a broker (goal: 25 %% of a core, 40 MB)", DEVICES, REGISTERS);
	bench_row("values arriving", (double)(cb.values - ca.values) / s, "1/s", "configured", DEVICES * REGISTERS * 10.0, NULL);
	bench_row("messages arriving", (double)(cb.messages - ca.messages) / s, "1/s", "sources x scans", DEVICES * 10.0, NULL);
	bench_row("bytes a value on the wire", (double)(cb.bytes - ca.bytes) / (double)(cb.values - ca.values), "B", NULL, 0, NULL);
	bench_row("processor, all processes", cpu, "% of core", libmodbus > 0 ? "libmodbus, the requests alone" : NULL, libmodbus * requests / s * 100,
	    NULL);
	bench_row("memory, PSS of all processes", b.pss_mib * 1.048576, "MB", "goal", 40, NULL);
	far_close(far);
	rig_stop(&r);
	return ok ? 0 : 1;
}
