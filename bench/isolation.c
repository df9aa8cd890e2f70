/*
 * isolation: what the dead do to the living. 1,000 devices at 1 s, then the same with 200 of them dead or stalling; and 50 units on one serial
 * line, then the same with 10 of them dead. Beside each figure: the same devices in a run without the dead, in the same session.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/rig.h"

#define SETTLE	8	/* s, for the dead to be found out */
#define SECONDS	10
#define ROUNDS	3

struct seen {
	double lateness_p99_ms, lateness_p50_ms;	/* mean over the healthy sources of their own */
	double rate;		/* scans a second of the healthy sources together */
};

/* One run: a simulated plant by its arguments. keys: of each source. Those that are not in dead[] are looked at. */
static bool
one(const char *const *sim, unsigned sources, const char *driver, const char *keys, bool one_endpoint, const char *scan,
    const bool *dead, struct seen *out)
{
	struct rig r = { 0 };
	struct buf site = { 0 };
	unsigned healthy = 0;

	bool ok = rig_sim(&r, sim);
	if (ok) {
		buf_puts(&site, "site: { enterprise: Bench, name: Rig }\nzones:\n  ot: { level: 2 }\nsources:\n");
		for (unsigned i = 0, good = 0, bad = 0; i < sources; i++) {
			buf_printf(&site, "  %s-%u: { driver: %s, zone: ot, endpoint: \"%s\", ", dead[i] ? "dead" : "live", dead[i] ? bad++ : good++, driver,
			    r.endpoints[one_endpoint ? 0 : i].address);
			buf_printf(&site, "unit: %u%s }\n", one_endpoint ? i + 1 : 1, keys);
		}
		buf_printf(&site, "types:\n  device: { tags: { a: { at: \"holding 0 uint16[10]\", scan: %s } } }\nequipment:\n", scan);
		for (unsigned i = 0, good = 0, bad = 0; i < sources; i++) {
			buf_printf(&site, "  Line/D%u: { type: device, source: %s-%u }\n", i, dead[i] ? "dead" : "live", dead[i] ? bad++ : good++);
		}
		ok = rig_start(&r, &site);
	}
	buf_fini(&site);
	if (ok) {
		for (unsigned i = 0; i < sources; i++)
			healthy += !dead[i];
		sleep(SETTLE);
		double replies = rig_figure(&r, "source", "live-", "replies");
		double at = bench_now_s();
		sleep(SECONDS);
		out->rate = (rig_figure(&r, "source", "live-", "replies") - replies) / (bench_now_s() - at);
		out->lateness_p99_ms = rig_figure(&r, "source", "live-", "lateness_p99_us") / healthy / 1000;
		out->lateness_p50_ms = rig_figure(&r, "source", "live-", "lateness_p50_us") / healthy / 1000;
	}
	rig_stop(&r);
	return ok;
}

/* Alive and dead in turn, ROUNDS times; medians, since the machine's own jitter is of the size of what is looked for. */
static bool
lateness(struct seen *well, struct seen *dead)
{
	static const char *const all_well[] = { "load", "--devices", "1000", "--registers", "10", NULL };
	static const char *const some_dead[] = { "load", "--devices", "1000", "--registers", "10", "--dead", "100", "--stall", "100", NULL };
	bool which[1000] = { false };
	double l[2][ROUNDS], p[2][ROUNDS], r[2][ROUNDS];

	for (unsigned i = 800; i < 1000; i++)	/* those that `sim load` makes dead or stalling: the same 800 are looked at in both runs */
		which[i] = true;
	for (int i = 0; i < ROUNDS; i++)
		for (int k = 0; k < 2; k++) {
			struct seen s;
			if (!one(k == 0 ? all_well : some_dead, 1000, "modbus-tcp", "", false, "1s", which, &s))
				return false;
			l[k][i] = s.lateness_p99_ms;
			p[k][i] = s.lateness_p50_ms;
			r[k][i] = s.rate;
		}
	*well = (struct seen){ bench_median(l[0], ROUNDS), bench_median(p[0], ROUNDS), bench_median(r[0], ROUNDS) };
	*dead = (struct seen){ bench_median(l[1], ROUNDS), bench_median(p[1], ROUNDS), bench_median(r[1], ROUNDS) };
	return true;
}

/* A pseudo terminal at 19200 baud, four fifths full while all are alive. */
static bool
line(bool some_dead, struct seen *out)
{
	char tty[128];
	const char *const sim[] = { "bus", "--units", "50", "--dead", some_dead ? "10" : "0", "--baud", "19200", "--registers", "20", "--pty", tty, NULL };
	bool which[50] = { false };

	snprintf(tty, sizeof tty, "%s/line", bench_dir());
	for (unsigned i = 0; i < 50; i++)	/* `sim bus` spreads its dead units evenly: every fifth */
		which[i] = i % 5 == 4;
	return one(sim, 50, "modbus-rtu", ", baud: 19200, parity: even, timeout: 200 ms", true, "2s", which, out);
}

int
bench_isolation(int argc, char **argv)
{
	struct seen well, dead, line_well, line_dead;
	(void)argc;
	(void)argv;

	if (!line(false, &line_well) || !line(true, &line_dead) || !lateness(&well, &dead))
		return 1;
	bench_title("isolation: the dead and the living (goal: lateness moves by less than 5 %%; the line keeps 90 %% of its rate)");
	bench_row("p99 lateness of 800, 200 are dead", dead.lateness_p99_ms, "ms", "all 1,000 alive", well.lateness_p99_ms, NULL);
	bench_row("p50 lateness of 800, 200 are dead", dead.lateness_p50_ms, "ms", "all 1,000 alive", well.lateness_p50_ms, NULL);
	bench_row("scans of the living", dead.rate, "1/s", "all 1,000 alive", well.rate, NULL);
	bench_row("replies of 40 units, 10 are dead", line_dead.rate, "1/s", "none dead", line_well.rate, NULL);
	return 0;
}
