/*
 * isolation: what the dead do to the living. 1,000 devices at 1 s, then the same with 200 of them dead or stalling; and 50 units on one serial
 * line, then the same with 10 of them dead. Beside each figure: the run without the dead, in the same session.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/rig.h"

#define SETTLE	8	/* s, for the dead to be found out */
#define SECONDS	10

struct seen {
	double lateness_ms;	/* mean over the healthy sources of their own p99 */
	double rate;		/* scans a second of the healthy sources together */
};

/* One run: a simulated plant by its arguments, sources 0..healthy-1 are looked at. keys: for each source, with %d for its unit. */
static bool
one(const char *const *sim, unsigned sources, unsigned healthy, const char *driver, const char *keys, bool one_endpoint, const char *scan,
    const bool *dead, struct seen *out)
{
	struct rig r = { 0 };
	struct buf site = { 0 };
	char prefix[32];

	bool ok = rig_sim(&r, sim);
	if (ok) {
		buf_puts(&site, "site: { enterprise: Bench, name: Rig }\nzones:\n  ot: { level: 2 }\nsources:\n");
		for (unsigned i = 0, good = 0, bad = 0; i < sources; i++) {
			bool is_dead = dead != NULL ? dead[i] : i >= healthy;
			buf_printf(&site, "  %s-%u: { driver: %s, zone: ot, endpoint: \"%s\", ", is_dead ? "dead" : "live", is_dead ? bad++ : good++, driver,
			    r.endpoints[one_endpoint ? 0 : i].address);
			buf_printf(&site, "unit: %u%s }\n", one_endpoint ? i + 1 : 1, keys);
		}
		buf_printf(&site, "types:\n  device: { tags: { a: { at: \"holding 0 uint16[10]\", scan: %s } } }\nequipment:\n", scan);
		for (unsigned i = 0, good = 0, bad = 0; i < sources; i++) {
			bool is_dead = dead != NULL ? dead[i] : i >= healthy;
			buf_printf(&site, "  Line/D%u: { type: device, source: %s-%u }\n", i, is_dead ? "dead" : "live", is_dead ? bad++ : good++);
		}
		ok = rig_start(&r, &site);
	}
	buf_fini(&site);
	if (ok) {
		snprintf(prefix, sizeof prefix, "live-");
		sleep(SETTLE);
		double replies = rig_figure(&r, "source", prefix, "replies");
		double at = bench_now_s();
		sleep(SECONDS);
		out->rate = (rig_figure(&r, "source", prefix, "replies") - replies) / (bench_now_s() - at);
		out->lateness_ms = rig_figure(&r, "source", prefix, "lateness_p99_us") / healthy / 1000;
	}
	rig_stop(&r);
	return ok;
}

int
bench_isolation(int argc, char **argv)
{
	static const char *const all_well[] = { "load", "--devices", "1000", "--registers", "10", NULL };
	static const char *const some_dead[] = { "load", "--devices", "1000", "--registers", "10", "--dead", "100", "--stall", "100", NULL };
	static const char *const bus_well[] = { "bus", "--units", "50", "--dead", "0", "--baud", "19200", "--registers", "20", "--rtu-tcp", "--tcp", "0",
	    NULL };
	static const char *const bus_dead[] = { "bus", "--units", "50", "--dead", "10", "--baud", "19200", "--registers", "20", "--rtu-tcp", "--tcp", "0",
	    NULL };
	struct seen well, dead, line_well, line_dead;
	bool which[50] = { false };
	(void)argc;
	(void)argv;

	for (unsigned i = 0; i < 50; i++)	/* `sim bus` spreads its dead units evenly: every fifth */
		which[i] = i % 5 == 4;
	if (!one(all_well, 1000, 1000, "modbus-tcp", "", false, "1s", NULL, &well) ||
	    !one(some_dead, 1000, 800, "modbus-tcp", "", false, "1s", NULL, &dead) ||
	    !one(bus_well, 50, 40, "modbus-rtu-tcp", ", timeout: 200 ms, round-trip: 25 ms", true, "2500ms", which, &line_well) ||
	    !one(bus_dead, 50, 40, "modbus-rtu-tcp", ", timeout: 200 ms, round-trip: 25 ms", true, "2500ms", which, &line_dead))
		return 1;
	bench_title("isolation: the dead and the living (goal: lateness moves by less than 5 %%; the line keeps 90 %% of its rate)");
	bench_row("p99 lateness of 800, 200 are dead", dead.lateness_ms, "ms", "all 1,000 alive", well.lateness_ms, NULL);
	bench_row("scans of the living", dead.rate, "1/s", "wanted", 800, NULL);
	bench_row("replies of 40 units, 10 are dead", line_dead.rate, "1/s", "none dead", line_well.rate, NULL);
	return 0;
}
