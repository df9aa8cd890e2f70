/* `penstock sim bottling`. See bottling.h and README.md. */
#include "sim/bottling.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define TICK_MS		20
#define STEPS_A_TICK	100000	/* about 20 ms of work: beyond, model time falls behind instead of the network */

static struct sim_plant plant;
static const char *ids[SIM_KINDS][MBS_IDS];

static struct {
	uint64_t	base_port, rtu_port, baud, skip_ms, history_ms, every_ms;
	const char	*serial;
	bool		 rtu_tcp;
} opt;

void
sim_plant_advance(struct sim_plant *p)
{
	uint64_t now = uv_hrtime(), n;
	double elapsed_ms = (double)(now - p->last_ns) / 1e6;

	p->last_ns = now;
	if (p->paused)
		return;
	p->owed_ms += elapsed_ms * p->scale;
	n = (uint64_t)(p->owed_ms / SIM_STEP_MS);
	p->owed_ms -= (double)n * SIM_STEP_MS;
	if (n > STEPS_A_TICK)
		n = STEPS_A_TICK;
	while (n-- > 0)
		sim_line_step(&p->line);
}

static void
on_tick(uv_timer_t *t)
{
	sim_plant_advance(t->data);
}

static void
make_unit(struct sim_plant *p, int k)
{
	const char *const texts[MBS_IDS] = {
		"Penstock", "SIM-BOTTLING", "1.0", "", sim_types[k].name, "simulated", "bottling line",
	};

	memcpy(ids[k], texts, sizeof texts);
	sim_image_init(&p->image[k], &p->line, (enum sim_kind)k);
	p->unit[k].mb = (struct mbs_unit){ &p->image[k], sim_image_read, sim_image_write, ids[k] };
	snprintf(p->unit[k].name, sizeof p->unit[k].name, "%s", sim_types[k].name);
	sim_net_add_unit(&p->app.net, &p->unit[k]);
	p->own[k] = (struct sim_slot){ 1, &p->unit[k] };
	p->row[k] = (struct sim_slot){ (uint8_t)(k + 1), &p->unit[k] };
}

static int
open_port(struct sim_plant *p, struct sim_endpoint *e, const char *name, uint64_t port)
{
	snprintf(e->name, sizeof e->name, "%s", name);
	sim_net_add(&p->app.net, e);
	return sim_listen(e, p->app.bind, (unsigned)port);
}

/* Each machine has a port of its own (unit 1, or any other id); "line" has all four as units 1 to 4. */
static int
open_tcp(struct sim_plant *p)
{
	for (int k = 0; k < SIM_KINDS; k++) {
		struct sim_endpoint *e = &p->port[k];
		*e = (struct sim_endpoint){ .framing = MBS_TCP, .lenient = true, .slots = &p->own[k], .nslots = 1 };
		if (open_port(p, e, sim_types[k].name, opt.base_port ? opt.base_port + (unsigned)k : 0) != 0)
			return 2;
		sim_say_endpoint(e, "1", "");
	}
	p->whole = (struct sim_endpoint){ .framing = MBS_TCP, .slots = p->row, .nslots = SIM_KINDS };
	if (open_port(p, &p->whole, "line", opt.base_port ? opt.base_port + SIM_KINDS : 0) != 0)
		return 2;
	sim_say_endpoint(&p->whole, "1", "units=1-4");
	if (!opt.rtu_tcp)
		return 0;
	p->rtu_tcp = (struct sim_endpoint){ .framing = MBS_RTU, .slots = p->row, .nslots = SIM_KINDS };
	if (open_port(p, &p->rtu_tcp, "rtu-tcp", opt.rtu_port) != 0)
		return 2;
	sim_say_endpoint(&p->rtu_tcp, "1", "units=1-4 rtu-over-tcp");
	return 0;
}

static int
open_serial(struct sim_plant *p)
{
	const struct sim_bus_config cfg = { .baud = (unsigned)opt.baud, .turnaround_ms = 2 };

	if (opt.serial == NULL)
		return 0;
	p->serial = (struct sim_endpoint){ .name = "serial", .framing = MBS_RTU, .slots = p->row, .nslots = SIM_KINDS };
	p->serial.bus = sim_bus_new(&p->app.loop, &cfg);
	sim_net_add(&p->app.net, &p->serial);
	if (p->serial.bus == NULL || sim_serve_tty(&p->serial, opt.serial, (unsigned)opt.baud) != 0)
		return 2;
	sim_say_endpoint(&p->serial, "1", "units=1-4 rtu");
	return 0;
}

/* The history on stdout instead of a network: to look at, and to prove that a seed fixes it. */
static int
print_history(struct sim_line *l)
{
	uint64_t every = opt.every_ms > SIM_STEP_MS ? opt.every_ms / SIM_STEP_MS : 1;
	uint64_t last = l->step + opt.history_ms / SIM_STEP_MS;

	printf("model_ms\tmachine\tstate\tcause\tspeed\tinfeed\tgood\treject\tinside\tlevel_before\ttemperature\t"
	    "vibration\n");
	while (l->step < last) {
		sim_line_step(l);
		for (int k = 0; l->step % every == 0 && k < SIM_KINDS; k++) {
			const struct sim_machine *m = &l->machine[k];
			printf("%llu\t%s\t%s\t%s\t%.3f\t%llu\t%llu\t%llu\t%llu\t%u\t%.2f\t%.3f\n",
			    (unsigned long long)sim_line_ms(l), m->type->name, sim_packml_name(m->state),
			    sim_cause_name(m->cause), m->speed, (unsigned long long)m->infeed,
			    (unsigned long long)m->good, (unsigned long long)m->reject,
			    (unsigned long long)m->inside, sim_level(&l->buffer[k]),
			    m->motor_temp, m->vibration);
		}
	}
	return fflush(stdout) == 0 && sim_line_imbalance(l) == NULL ? 0 : 1;
}

int
sim_bottling(int argc, char **argv)
{
	struct sim_plant *p = &plant;
	struct sim_opt rows[SIM_COMMON_OPTS + 9] = {
		{ "base-port", "PORT", "filler here, then capper, labeller, packer, line (0: any free ports)",
		    OPT_UINT, &opt.base_port, 0, 65531 },
		{ "scale", "FACTOR", "model seconds a second (1)", OPT_REAL, &p->scale, 0.001, 100000 },
		{ "skip", "DURATION", "begin so far into the history, e.g. 10m to meet a running line",
		    OPT_MS, &opt.skip_ms, 0, 0 },
		{ "serial", "TTY", "also serve units 1 to 4 as Modbus RTU on this tty", OPT_TEXT, &opt.serial, 0, 0 },
		{ "baud", "N", "pace of the tty (19200); 0: as fast as it goes", OPT_UINT, &opt.baud, 0, 4000000 },
		{ "rtu-tcp", NULL, "also serve units 1 to 4 as RTU over TCP", OPT_FLAG, &opt.rtu_tcp, 0, 0 },
		{ "rtu-tcp-port", "PORT", "on this port (0: any free one)", OPT_UINT, &opt.rtu_port, 0, 65535 },
		{ "history", "DURATION", "serve nothing, print the history of so much model time",
		    OPT_MS, &opt.history_ms, 0, 0 },
		{ "every", "DURATION", "a line a machine each so much model time (1s)", OPT_MS, &opt.every_ms, 0, 0 },
	};
	opt.baud = 19200;
	opt.every_ms = 1000;
	p->scale = 1;
	sim_common_opts(&p->app, rows + 9);
	int status = sim_opts("bottling",
	    "A bottling line: filler, capper, labeller, packer. Registers: penstock sim points", rows,
	    sizeof rows / sizeof rows[0], argc, argv);
	if (status >= 0)
		return status;
	sim_line_init(&p->line, p->app.seed);
	for (uint64_t i = 0; i < opt.skip_ms / SIM_STEP_MS; i++)
		sim_line_step(&p->line);
	if (opt.history_ms > 0)
		return print_history(&p->line);
	if (sim_app_init(&p->app) != 0)
		return 2;
	for (int k = 0; k < SIM_KINDS; k++)
		make_unit(p, k);
	if (open_tcp(p) != 0 || open_serial(p) != 0)
		return 2;
	p->app.control.app = p;
	p->app.control.verbs = sim_plant_verbs;
	p->app.control.n = sim_plant_nverbs;
	uv_timer_init(&p->app.loop, &p->tick);
	p->tick.data = p;
	p->last_ns = uv_hrtime();
	uv_timer_start(&p->tick, on_tick, TICK_MS, TICK_MS);
	return sim_app_run(&p->app);
}
