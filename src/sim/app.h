/* What the simulators share: their options as rows, a loop with control line, scheduled faults and an orderly end. */
#ifndef SIM_APP_H
#define SIM_APP_H

#include <stdbool.h>
#include <uv.h>

#include "sim/control.h"
#include "sim/net.h"

enum sim_opt_kind { OPT_FLAG, OPT_UINT, OPT_MS, OPT_REAL, OPT_TEXT, OPT_FAULT };

struct sim_opt {
	const char		*name, *arg, *help;	/* without the dashes; arg NULL for a flag */
	enum sim_opt_kind	 kind;
	void			*to;	/* bool, uint64_t (UINT and MS), double, const char *; FAULT: struct sim_app */
	double			 lo, hi;
};

#define SIM_PLANS_MAX 32

struct sim_app {
	uv_loop_t		 loop;
	struct sim_net		 net;
	struct sim_control	 control;
	uv_signal_t		 term, intr;
	uv_timer_t		 end, schedule;
	struct sim_fault_plan	 plan[SIM_PLANS_MAX];
	size_t			 nplan;
	/* options common to all */
	const char		*bind;
	uint64_t		 seed, control_port, for_ms;
};

/* The rows that every simulator has: bind, seed, control, fault, for. Fills rows[SIM_COMMON_OPTS]. */
#define SIM_COMMON_OPTS 5
void sim_common_opts(struct sim_app *a, struct sim_opt *rows);

/* Returns -1 to go on, else the exit status: 0 after --help, 2 after a usage error that was said on stderr. */
int sim_opts(const char *command, const char *about, const struct sim_opt *rows, size_t n, int argc, char **argv);

int sim_app_init(struct sim_app *a);
/* "endpoint NAME WHERE unit=U" on stdout. */
void sim_say_endpoint(const struct sim_endpoint *e, const char *units, const char *remark);
/* Open the control line, say "control WHERE" and "ready", run until a signal, `quit` or --for. Returns the status. */
int sim_app_run(struct sim_app *a);

int sim_bottling(int argc, char **argv);
int sim_load(int argc, char **argv);
int sim_bus(int argc, char **argv);

#endif
