/*
 * modbus-mqtt: 10 Modbus TCP servers x 1,000 registers at 100 ms to an MQTT broker, one JSON message a source and scan. Counted
 * at a subscriber. Beside it: a plain program on libmodbus and libmosquitto that does the same job (test/peers/modbus_to_mqtt.c),
 * before in the same run, with the same devices, broker and subscriber.
 */
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

/* What the plain program takes for the same job with the same devices and broker; 0: it could not be measured. */
struct cost {
	double	values_per_s, cpu_percent, pss_mb;
};

static struct cost
plain(struct rig *r, struct far_end *far)
{
	char program[4200], port[16];
	const char *argv[DEVICES + 8] = { program, port };
	struct bench_child c;
	struct far_end_count before, after;

	snprintf(program, sizeof program, "%s", bench_peer("modbus_to_mqtt"));
	snprintf(port, sizeof port, "%d", r->broker_port);
	for (size_t i = 0; i < DEVICES; i++)
		argv[i + 2] = r->endpoints[i].address;
	if (access(program, X_OK) != 0 || !bench_spawn(&c, argv) || bench_line(&c, 10) == NULL)
		return (struct cost){ 0 };
	sleep(2);
	far_end_count(far, &before);
	double at = bench_now_s(), cpu = bench_cpu_s(c.pid);
	sleep(SECONDS / 2);
	far_end_count(far, &after);
	double s = bench_now_s() - at;
	struct cost out = { (double)(after.values - before.values) / s, (bench_cpu_s(c.pid) - cpu) / s * 100, bench_pss_mib(c.pid) * 1.048576 };
	bench_end(&c, SIGTERM);
	return out;
}

int
bench_modbus_mqtt(int argc, char **argv)
{
	static const char *const sim[] = { "load", "--devices", "10", "--registers", "1000", NULL };
	struct rig r = { 0 };
	struct buf site = { 0 };
	struct rig_usage a, b;
	struct far_end_count ca, cb;
	(void)argc;
	(void)argv;

	if (!rig_sim(&r, sim) || !rig_broker(&r)) {
		rig_stop(&r);
		return 1;
	}
	struct far_end *far = far_end_open(r.broker_port);
	struct cost peer = plain(&r, far);
	write_site(&r, &site);
	bool ok = rig_start(&r, &site);
	buf_fini(&site);
	if (!ok) {
		far_end_close(far);
		rig_stop(&r);
		return 1;
	}
	sleep(4);
	ok = rig_usage(&r, &a);
	double at = bench_now_s();
	far_end_count(far, &ca);
	sleep(SECONDS);
	ok = rig_usage(&r, &b) && ok;
	double s = bench_now_s() - at, cpu = (b.cpu_s - a.cpu_s) / (b.at_s - a.at_s) * 100;
	far_end_count(far, &cb);
	const char *beside = peer.values_per_s > 0 ? "libmodbus and libmosquitto, plain" : NULL;
	bench_title("modbus-mqtt: %d servers x %d registers at 100 ms, JSON to a broker (goal: 25 %% of a core, 40 MB)", DEVICES, REGISTERS);
	bench_row("values arriving", (double)(cb.values - ca.values) / s, "1/s", "configured", DEVICES * REGISTERS * 10.0, NULL);
	bench_row("messages arriving", (double)(cb.messages - ca.messages) / s, "1/s", "sources x scans", DEVICES * 10.0, NULL);
	bench_row("bytes a value on the wire", (double)(cb.bytes - ca.bytes) / (double)(cb.values - ca.values), "B", NULL, 0, NULL);
	bench_row("processor, all processes", cpu, "% of core", "goal", 25, NULL);
	bench_row("processor, all processes", cpu, "% of core", beside, peer.cpu_percent, NULL);
	bench_row("memory, PSS of all processes", b.pss_mib * 1.048576, "MB", "goal", 40, NULL);
	bench_row("memory, PSS of all processes", b.pss_mib * 1.048576, "MB", beside, peer.pss_mb, NULL);
	if (beside != NULL)
		bench_row("values of the plain program", peer.values_per_s, "1/s", "configured", DEVICES * REGISTERS * 10.0, NULL);
	far_end_close(far);
	rig_stop(&r);
	return ok ? 0 : 1;
}
