/* idle: 100 tags at 1 s, a flow on change, nothing else to do. Beside it: the least that as many empty processes take. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/rig.h"

#define SECONDS 20

int
bench_idle(int argc, char **argv)
{
	static const char *const sim[] = { "load", "--devices", "1", "--registers", "100", "--change-ms", "60000", NULL };
	static const char *const nothing[] = { "sleep", "60", NULL };
	struct rig r = { 0 };
	struct buf site = { 0 };
	struct rig_usage a = { 0 }, b = { 0 };
	(void)argc;
	(void)argv;

	bool ok = rig_sim(&r, sim) && rig_broker(&r);
	if (ok) {
		rig_site(&r, "", &site);
		buf_puts(&site, "types:\n  device:\n    tags:\n");
		for (int i = 0; i < 100; i++)
			buf_printf(&site, "      r%03d: { at: holding %d uint16, scan: 1s }\n", i, i);
		buf_puts(&site, "equipment:\n  Line/D: { type: device, source: s0 }\nflows:\n  all: { what: \"**\", to: b, how: { on-change: 0 } }\n");
		ok = rig_start(&r, &site);
	}
	buf_fini(&site);
	if (ok) {
		sleep(3);
		ok = rig_usage(&r, &a);
		sleep(SECONDS);
		ok = rig_usage(&r, &b) && ok;
		double empty = 0;
		for (unsigned i = 0; i < b.processes; i++) {
			struct bench_child c;
			if (!bench_spawn(&c, nothing))
				break;
			usleep(50000);
			empty += bench_pss_mib(c.pid);
			bench_end(&c, SIGKILL);
		}
		bench_title("idle: 100 tags at 1 s (goal: under 1 %% of a core, under 25 MB)");
		bench_row("processor, all processes", (b.cpu_s - a.cpu_s) / (b.at_s - a.at_s) * 100, "% of core", "goal", 1, NULL);
		bench_row("memory, PSS of all processes", b.pss_mib * 1.048576, "MB", "as many 'sleep' processes", empty * 1.048576, NULL);
	}
	rig_stop(&r);
	return ok ? 0 : 1;
}
