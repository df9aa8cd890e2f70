/* Control commands of the bottling line: the truth, and ways to disturb it. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sim/bottling.h"
#include "sim/text.h"

static struct sim_machine *
machine_called(struct sim_plant *p, const char *name, struct buf *out)
{
	for (int k = 0; k < SIM_KINDS; k++)
		if (strcmp(sim_types[k].name, name) == 0)
			return &p->line.machine[k];
	buf_printf(out, "error no machine is called \"%s\": filler, capper, labeller, packer", name);
	return NULL;
}

/* Every point under its name, in engineering units, straight from the model. */
static void
put_machine(struct json *j, const struct sim_line *l, enum sim_kind kind)
{
	const struct sim_point *rows[SIM_POINTS_MAX];
	double v[SIG_COUNT] = { 0 };
	char text[17];

	sim_signals(l, kind, v);
	json_open(j, '{');
	json_key_text(j, "state-name", sim_packml_name(l->machine[kind].state));
	json_key_text(j, "stop-reason-name", sim_cause_name(l->machine[kind].cause));
	json_key_u64(j, "transitions", l->machine[kind].transitions);
	for (size_t i = 0, n = sim_points(kind, rows, SIM_POINTS_MAX); i < n; i++) {
		if (rows[i]->type == T_CELLS)
			continue;
		json_key(j, rows[i]->name);
		if (rows[i]->type == T_TEXT16) {
			sim_text_of(l, kind, rows[i]->signal, text);
			json_text(j, text);
		} else
			json_f64(j, v[rows[i]->signal]);
	}
	json_close(j, '}');
}

static void
run_truth(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	struct sim_plant *p = c->app;
	const char *wrong = sim_line_imbalance(&p->line);
	struct json j = { .out = out };

	(void)argc;
	(void)argv;
	json_open(&j, '{');
	json_key_u64(&j, "seed", p->line.seed);
	json_key_u64(&j, "model_ms", sim_line_ms(&p->line));
	json_key_f64(&j, "scale", p->scale);
	json_key_bool(&j, "paused", p->paused);
	json_key_bool(&j, "balanced", wrong == NULL);
	json_key(&j, "machines");
	json_open(&j, '{');
	for (int k = 0; k < SIM_KINDS; k++) {
		json_key(&j, sim_types[k].name);
		put_machine(&j, &p->line, (enum sim_kind)k);
	}
	json_close(&j, '}');
	json_close(&j, '}');
}

static void
run_pause(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	struct sim_plant *p = c->app;

	(void)argc;
	sim_plant_advance(p);
	p->paused = strcmp(argv[0], "pause") == 0;
	p->owed_ms = 0;
	buf_printf(out, "ok model_ms=%llu", (unsigned long long)sim_line_ms(&p->line));
}

static void
run_step(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	struct sim_plant *p = c->app;
	uint64_t ms;

	(void)argc;
	if (sim_parse_ms(argv[1], strlen(argv[1]), 1, &ms) != 0 || ms > 24 * 3600 * 1000) {
		buf_printf(out, "error \"%s\" is not a duration of at most 24h", argv[1]);
		return;
	}
	for (uint64_t i = 0; i < ms / SIM_STEP_MS; i++)
		sim_line_step(&p->line);
	buf_printf(out, "ok model_ms=%llu", (unsigned long long)sim_line_ms(&p->line));
}

static void
run_scale(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	struct sim_plant *p = c->app;
	char *end;
	double v = strtod(argv[1], &end);

	(void)argc;
	if (*end != '\0' || !(v >= 0.001 && v <= 100000)) {
		buf_printf(out, "error \"%s\" is not a factor from 0.001 to 100000", argv[1]);
		return;
	}
	sim_plant_advance(p);
	p->scale = v;
	buf_puts(out, "ok");
}

static void
run_command(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	struct sim_machine *m = machine_called(c->app, argv[1], out);
	enum sim_packml_cmd cmd = sim_packml_cmd(argv[2]);

	(void)argc;
	if (m == NULL)
		return;
	if (cmd == PACKML_NO_CMD)
		buf_printf(out, "error no PackML command is called \"%s\"", argv[2]);
	else if (!sim_machine_command(m, cmd))
		buf_printf(out, "error %s is not allowed in state %s", argv[2], sim_packml_name(m->state));
	else
		buf_printf(out, "ok %s", sim_packml_name(m->state));
}

static void
run_upset(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	struct sim_machine *m = machine_called(c->app, argv[1], out);

	(void)argc;
	if (m == NULL)
		return;
	for (int i = SIM_MICRO_STOP; i <= SIM_FAILURE; i++)
		if (strcmp(sim_cause_name((enum sim_cause)i), argv[2]) == 0) {
			if (sim_machine_upset(m, (enum sim_cause)i))
				buf_printf(out, "ok %s", sim_packml_name(m->state));
			else
				buf_printf(out, "error the machine is not in execute but %s",
				    sim_packml_name(m->state));
			return;
		}
	buf_printf(out, "error \"%s\" is not one of micro-stop, jam, failure", argv[2]);
}

const struct sim_verb sim_plant_verbs[] = {
	{ "truth",   "", "the true values of all machines, as JSON", 0, 0, run_truth },
	{ "pause",   "", "stop model time", 0, 0, run_pause },
	{ "resume",  "", "let model time go on", 0, 0, run_pause },
	{ "step",    "DURATION", "move model time on at once", 1, 1, run_step },
	{ "scale",   "FACTOR", "model seconds a second", 1, 1, run_scale },
	{ "command", "MACHINE COMMAND", "a PackML command: start, stop, hold, abort, ...", 2, 2, run_command },
	{ "upset",   "MACHINE CAUSE", "micro-stop, jam or failure, now", 2, 2, run_upset },
};
const size_t sim_plant_nverbs = sizeof sim_plant_verbs / sizeof sim_plant_verbs[0];
