/* `penstock sim bus`: up to 247 units behind one serial line, reached by a TCP gateway, a tty or a pseudo terminal. */
#include <stdio.h>

#include "base/log.h"
#include "sim/app.h"
#include "sim/ramp.h"

#define UNITS_MAX 247	/* Modbus over Serial Line V1.02, 2.2 */

static struct sim_app app;
static struct sim_ramp ramps[UNITS_MAX];
static struct sim_unit units[UNITS_MAX];
static struct sim_slot slots[UNITS_MAX];
static struct sim_endpoint ep;
static struct {
	uint64_t	units, dead, baud, registers, change_ms, port, turnaround_ms, timeout_ms, dead_exception;
	const char	*pty, *serial;
	bool		rtu_tcp;
} opt;

/* Dead units stand evenly between the others: of 50 with 10 dead, 5, 10, 15, ... */
static bool
is_dead(uint64_t i)
{
	return (i + 1) * opt.dead / opt.units > i * opt.dead / opt.units;
}

static void
make_units(void)
{
	for (uint64_t i = 0; i < opt.units; i++) {
		sim_ramp_init(&ramps[i], (uint32_t)i, (uint32_t)opt.registers, (uint32_t)opt.change_ms);
		units[i].mb = (struct mbs_unit){ .arg = &ramps[i], .read = sim_ramp_read };
		units[i].dead = is_dead(i);
		snprintf(units[i].name, sizeof units[i].name, "unit%u", (unsigned)i + 1);
		slots[i] = (struct sim_slot){ (uint8_t)(i + 1), &units[i] };
		sim_net_add_unit(&app.net, &units[i]);
	}
}

static int
open_bus(void)
{
	const struct sim_bus_config cfg = {
		.baud = (unsigned)opt.baud, .turnaround_ms = (uint32_t)opt.turnaround_ms,
		.timeout_ms = (uint32_t)opt.timeout_ms, .dead_exception = (uint8_t)opt.dead_exception,
	};
	bool rtu = opt.pty != NULL || opt.serial != NULL || opt.rtu_tcp;
	int err;

	ep = (struct sim_endpoint){
		.name = "bus", .framing = rtu ? MBS_RTU : MBS_TCP, .slots = slots, .nslots = opt.units,
	};
	ep.bus = sim_bus_new(&app.loop, &cfg);
	if (ep.bus == NULL)
		return 2;
	sim_net_add(&app.net, &ep);
	if (opt.pty != NULL)
		err = sim_serve_pty(&ep, opt.pty);
	else if (opt.serial != NULL)
		err = sim_serve_tty(&ep, opt.serial, (unsigned)opt.baud);
	else
		err = sim_listen(&ep, app.bind, (unsigned)opt.port);
	for (uint64_t i = 0; err == 0 && i < opt.units; i++)
		printf("endpoint %s %s unit=%u%s\n", units[i].name, ep.where, (unsigned)i + 1,
		    units[i].dead ? " dead" : "");
	return err != 0;
}

int
sim_bus(int argc, char **argv)
{
	struct sim_opt rows[SIM_COMMON_OPTS + 12] = {
		{ "units", "N", "how many, ids 1 to N (50)", OPT_UINT, &opt.units, 1, UNITS_MAX },
		{ "dead", "K", "so many of them never answer, spread evenly", OPT_UINT, &opt.dead, 0, UNITS_MAX },
		{ "baud", "N", "speed of the line, 11 bits a character (19200); 0: no pacing",
		    OPT_UINT, &opt.baud, 0, 4000000 },
		{ "registers", "M", "registers each, from address 0 (100)", OPT_UINT, &opt.registers, 1, 65536 },
		{ "change-ms", "MS", "values change so often (100); 0: at every read",
		    OPT_UINT, &opt.change_ms, 0, 3600000 },
		{ "tcp", "PORT", "a gateway from Modbus TCP on this port (0: any free one)",
		    OPT_UINT, &opt.port, 0, 65535 },
		{ "rtu-tcp", NULL, "that port speaks RTU over TCP instead", OPT_FLAG, &opt.rtu_tcp, 0, 0 },
		{ "pty", "LINK", "instead: a new pseudo terminal, its other side linked here",
		    OPT_TEXT, &opt.pty, 0, 0 },
		{ "serial", "TTY", "instead: an existing tty", OPT_TEXT, &opt.serial, 0, 0 },
		{ "turnaround-ms", "MS", "a unit thinks so long (5)", OPT_UINT, &opt.turnaround_ms, 0, 60000 },
		{ "timeout-ms", "MS", "the gateway waits so long for a dead unit (500)",
		    OPT_UINT, &opt.timeout_ms, 0, 60000 },
		{ "dead-exception", "CODE", "and then says so (11); 0: nothing (0)",
		    OPT_UINT, &opt.dead_exception, 0, 255 },
	};
	opt.units = 50;
	opt.baud = 19200;
	opt.registers = opt.change_ms = 100;
	opt.turnaround_ms = 5;
	opt.timeout_ms = 500;
	sim_common_opts(&app, rows + 12);
	int status = sim_opts("bus",
	    "Units behind one serial line: one request at a time, at the pace of the line.", rows,
	    sizeof rows / sizeof rows[0], argc, argv);
	if (status >= 0)
		return status;
	if (opt.dead > opt.units || (opt.pty != NULL && opt.serial != NULL)) {
		fprintf(stderr, "penstock sim bus: %s\n", opt.dead > opt.units ? "--dead is more than --units" :
		    "--pty and --serial are two ways to the one line; give one");
		return 2;
	}
	if (sim_app_init(&app) != 0)
		return 2;
	make_units();
	return open_bus() != 0 ? 2 : sim_app_run(&app);
}
