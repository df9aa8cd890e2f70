/* `penstock sim load`: many devices, each on a port of its own, with registers as ramp.h says. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "sim/app.h"
#include "sim/ramp.h"

struct device {
	struct sim_ramp		 ramp;
	struct sim_unit		 unit;
	struct sim_slot		 slot;
	struct sim_endpoint	 ep;
};

static struct sim_app app;
static struct device *devices;
static struct {
	uint64_t	devices, registers, base_port, dead, stall, change_ms;
	bool		spread;
} opt;

/* The dead and the stalling stand at the end: dev N-1 downwards are dead, those before stall. */
static const char *
role(uint64_t i)
{
	if (i >= opt.devices - opt.dead)
		return "dead";
	return i >= opt.devices - opt.dead - opt.stall ? "stall" : "";
}

static int
make_device(struct device *d, uint64_t i)
{
	const char *as = role(i);
	char host[32];
	uint64_t port = opt.base_port == 0 ? 0 : opt.spread ? opt.base_port : opt.base_port + i;

	sim_ramp_init(&d->ramp, (uint32_t)i, (uint32_t)opt.registers, (uint32_t)opt.change_ms);
	d->unit.mb = (struct mbs_unit){ .arg = &d->ramp, .read = sim_ramp_read };
	d->unit.dead = as[0] != '\0';
	snprintf(d->unit.name, sizeof d->unit.name, "dev%04u", (unsigned)i);
	d->slot = (struct sim_slot){ 1, &d->unit };
	d->ep = (struct sim_endpoint){
		.framing = MBS_TCP, .lenient = true, .dead = as[0] == 'd', .slots = &d->slot, .nslots = 1,
	};
	snprintf(d->ep.name, sizeof d->ep.name, "%s", d->unit.name);
	sim_net_add_unit(&app.net, &d->unit);
	sim_net_add(&app.net, &d->ep);
	snprintf(host, sizeof host, "127.%u.%u.%u", 1 + (unsigned)(i >> 16), (unsigned)(i >> 8 & 255),
	    (unsigned)(i & 255));
	if (sim_listen(&d->ep, opt.spread ? host : app.bind, (unsigned)port) != 0)
		return 2;
	sim_say_endpoint(&d->ep, "1", as);
	return 0;
}

/* A descriptor a device and one a connection: take as many as the machine lets us. */
static void
raise_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur < 2 * opt.devices + 32)
		log_warn("sim-descriptors", "limit=%llu devices=%llu hint=\"raise ulimit -n\"",
		    (unsigned long long)r.rlim_cur, (unsigned long long)opt.devices);
}

static bool
is_consistent(void)
{
	if (opt.dead + opt.stall > opt.devices)
		fprintf(stderr, "penstock sim load: --dead and --stall are more than --devices\n");
	else if (!opt.spread && opt.base_port != 0 && opt.base_port + opt.devices > 65536)
		fprintf(stderr, "penstock sim load: --base-port leaves no room for so many ports; --spread uses one "
		    "port on many loopback addresses\n");
	else if (opt.spread && opt.base_port == 0)
		fprintf(stderr, "penstock sim load: --spread needs --base-port, the port used on every address\n");
	else
		return true;
	return false;
}

int
sim_load(int argc, char **argv)
{
	struct sim_opt rows[SIM_COMMON_OPTS + 7] = {
		{ "devices", "N", "how many (10)", OPT_UINT, &opt.devices, 1, 30000 },
		{ "registers", "M", "registers each, from address 0 (1000)", OPT_UINT, &opt.registers, 1, 65536 },
		{ "change-ms", "MS", "values change so often (100); 0: at every read",
		    OPT_UINT, &opt.change_ms, 0, 3600000 },
		{ "base-port", "PORT", "first port (0: any free ports)", OPT_UINT, &opt.base_port, 0, 65535 },
		{ "spread", NULL, "one port, many addresses: 127.1.0.0, 127.1.0.1, ...", OPT_FLAG, &opt.spread, 0, 0 },
		{ "dead", "K", "the last K refuse connections", OPT_UINT, &opt.dead, 0, 30000 },
		{ "stall", "K", "the K before those accept, read and never answer", OPT_UINT, &opt.stall, 0, 30000 },
	};
	opt.devices = 10;
	opt.registers = 1000;
	opt.change_ms = 100;
	sim_common_opts(&app, rows + 7);
	int status = sim_opts("load",
	    "Many Modbus TCP devices whose values are a known function of time, see src/sim/ramp.h.", rows,
	    sizeof rows / sizeof rows[0], argc, argv);
	if (status >= 0)
		return status;
	if (!is_consistent())
		return 2;
	raise_limit();
	devices = calloc(opt.devices, sizeof *devices);
	if (devices == NULL || sim_app_init(&app) != 0)
		return 2;
	for (uint64_t i = 0; i < opt.devices; i++)
		if (make_device(&devices[i], i) != 0)
			return 2;
	return sim_app_run(&app);
}
