/* See verbs.h. */
#include "sim/verbs.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "sim/text.h"

void
sim_say_bad_fault(struct buf *out, const char *word, int err)
{
	const char *near = sim_fault_nearest(word);

	if (err == ERR_NOTFOUND && near != NULL)
		buf_printf(out, "no fault is called \"%s\"; did you mean \"%s\"?", word, near);
	else if (err == ERR_NOTFOUND)
		buf_printf(out, "no fault is called \"%s\"; \"kinds\" lists them", word);
	else
		buf_printf(out, "fault \"%s\": %s; for example delay=300ms or exception=6", word, err_text(err));
}

static void
run_fault(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	struct sim_fault f;
	uint64_t v;
	int e = sim_fault_parse(argv[2], strlen(argv[2]), &f);

	if (e != 0) {
		buf_puts(out, "error ");
		sim_say_bad_fault(out, argv[2], e);
		return;
	}
	for (int i = 3; i < argc; i++) {
		size_t len = strlen(argv[i]);
		if (argv[i][len - 1] == '%' && sim_parse_ms(argv[i], len - 1, 1, &v) == 0 && v >= 1 && v <= 100)
			f.percent = (uint8_t)v;
		else if (sim_parse_ms(argv[i], len, 1000, &v) == 0)
			f.until_ms = v;
		else {
			buf_printf(out, "error \"%s\" is neither a duration (5s, 300ms) nor a share (20%%)", argv[i]);
			return;
		}
	}
	size_t n = sim_fault_set(c->net, argv[1], &f);
	if (n == 0)
		buf_printf(out, "error no unit or endpoint is called \"%s\"", argv[1]);
	else
		buf_printf(out, "ok %zu", n);
}

static void
run_clear(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	const struct sim_fault none = { .until_ms = UINT64_MAX };
	const char *target = argc > 1 ? argv[1] : "all";
	size_t n = sim_fault_set(c->net, target, &none);

	if (n == 0)
		buf_printf(out, "error no unit or endpoint is called \"%s\"", target);
	else
		buf_printf(out, "ok %zu", n);
}

static void
put_fault(struct json *j, const char *what, const char *name, const struct sim_fault *f, uint64_t now)
{
	if (f->kind == SIM_FAULT_NONE)
		return;
	json_open(j, '{');
	json_key_text(j, what, name);
	json_key_text(j, "fault", sim_fault_word(f->kind));
	json_key_u64(j, "arg", f->arg);
	json_key_u64(j, "percent", f->percent);
	json_key(j, "left_ms");
	if (f->until_ms == UINT64_MAX)
		json_null(j);
	else
		json_u64(j, f->until_ms > now ? f->until_ms - now : 0);
	json_close(j, '}');
}

static void
run_faults(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	struct json j = { .out = out };
	uint64_t now = uv_now(c->net->loop);

	(void)argc;
	(void)argv;
	json_open(&j, '[');
	for (size_t i = 0; i < c->net->nunit; i++)
		put_fault(&j, "unit", c->net->unit[i]->name, &c->net->unit[i]->fault, now);
	for (size_t i = 0; i < c->net->nep; i++)
		put_fault(&j, "endpoint", c->net->ep[i]->name, &c->net->ep[i]->fault, now);
	json_close(&j, ']');
}

static void
run_kinds(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	struct json j = { .out = out };

	(void)c;
	(void)argc;
	(void)argv;
	json_open(&j, '{');
	for (int k = 1; k < SIM_FAULT_KINDS; k++) {
		json_key(&j, sim_fault_word((enum sim_fault_kind)k));
		json_text(&j, sim_fault_help((enum sim_fault_kind)k));
	}
	json_close(&j, '}');
}

static void
put_stats(struct json *j, const char *name, const char *where, const struct sim_stats *s, size_t conns)
{
	const struct { const char *key; uint64_t v; } rows[] = {
		{ "requests", s->requests }, { "answers", s->answers }, { "unanswered", s->unanswered },
		{ "faulted", s->faulted }, { "accepted", s->accepted }, { "connections", conns },
		{ "bytes_in", s->bytes_in }, { "bytes_out", s->bytes_out },
	};

	json_open(j, '{');
	json_key_text(j, "name", name);
	if (where != NULL)
		json_key_text(j, "where", where);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		json_key_u64(j, rows[i].key, rows[i].v);
	json_close(j, '}');
}

static void
add_stats(struct sim_stats *sum, const struct sim_stats *s)
{
	sum->requests += s->requests;
	sum->answers += s->answers;
	sum->unanswered += s->unanswered;
	sum->faulted += s->faulted;
	sum->accepted += s->accepted;
	sum->bytes_in += s->bytes_in;
	sum->bytes_out += s->bytes_out;
}

static void
run_stats(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	struct json j = { .out = out };
	struct sim_stats sum = { 0 };
	size_t conns = 0;

	for (size_t i = 0; i < c->net->nep; i++) {
		struct sim_endpoint *e = c->net->ep[i];
		if (argc > 1 && strcmp(argv[1], e->name) == 0) {
			put_stats(&j, e->name, e->where, &e->stats, e->nconns);
			return;
		}
		add_stats(&sum, &e->stats);
		conns += e->nconns;
	}
	if (argc > 1)
		buf_printf(out, "error no endpoint is called \"%s\"", argv[1]);
	else
		put_stats(&j, "all", NULL, &sum, conns);
}

static void
run_quit(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	(void)argc;
	(void)argv;
	uv_stop(c->net->loop);
	buf_puts(out, "ok");
}

static void
run_help(struct sim_control *c, int argc, char **argv, struct buf *out)
{
	struct json j = { .out = out };

	(void)argc;
	(void)argv;
	json_open(&j, '{');
	for (size_t i = 0; i < sim_nverbs + c->n; i++) {
		const struct sim_verb *v = i < sim_nverbs ? &sim_verbs[i] : &c->verbs[i - sim_nverbs];
		char usage[128];
		snprintf(usage, sizeof usage, "%s%s%s", v->name, v->args[0] ? " " : "", v->args);
		json_key_text(&j, usage, v->help);
	}
	json_close(&j, '}');
}

const struct sim_verb sim_verbs[] = {
	{ "fault",  "TARGET KIND[=ARG] [DURATION] [SHARE%]", "a fault on a unit, an endpoint, or all endpoints",
	  2, 4, run_fault },
	{ "clear",  "[TARGET]", "end the faults of one target, or all", 0, 1, run_clear },
	{ "faults", "", "faults in force", 0, 0, run_faults },
	{ "kinds",  "", "what faults there are", 0, 0, run_kinds },
	{ "stats",  "[ENDPOINT]", "requests, answers, bytes since start; of one endpoint, or their sum",
	  0, 1, run_stats },
	{ "quit",   "", "end the simulator", 0, 0, run_quit },
	{ "help",   "", "this", 0, 0, run_help },
};
const size_t sim_nverbs = sizeof sim_verbs / sizeof sim_verbs[0];
