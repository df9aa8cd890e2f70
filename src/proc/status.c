/* What `penstock status` shows: the tree of processes and, from their status pages, every figure they keep. */
#include "os/clock.h"
#include "os/procfs.h"
#include "proc/supervisor.h"
#include "ring/stats.h"

static void
object(void *arg, enum stats_kind kind, const char *name, const uint64_t *figures)
{
	struct json *j = arg;

	json_open(j, '{');
	json_key(j, "kind");
	json_text(j, stats_kind_name(kind));
	json_key(j, "name");
	json_text(j, name);
	for (size_t i = 0; i < stats_figures(kind); i++) {
		json_key(j, stats_figure_name(kind, i));
		json_u64(j, figures[i]);
	}
	json_close(j, '}');
}

/* As the kernel says, beside what the process itself found by trying (object of kind cage). */
static void
security(int64_t pid, struct json *j)
{
	struct procfs_security s;

	procfs_security(pid, &s);
	json_key(j, "kernel");
	json_open(j, '{');
	json_key(j, "known");
	json_bool(j, s.known);
	json_key(j, "seccomp");
	json_i64(j, s.seccomp);
	json_key(j, "no_new_privs");
	json_bool(j, s.no_new_privs);
	json_key(j, "capabilities");
	json_u64(j, s.effective);
	json_key(j, "capabilities_bound");
	json_u64(j, s.bounding);
	json_key(j, "uid");
	json_i64(j, s.uid);
	json_key(j, "netns");
	json_u64(j, s.netns);
	json_close(j, '}');
}

static void
process(const struct proc *p, struct json *j)
{
	struct procfs_memory mem = { 0 };

	json_open(j, '{');
	json_key(j, "name");
	json_text(j, p->name);
	json_key(j, "role");
	json_text(j, role_name(p->role));
	json_key(j, "state");
	json_text(j, proc_state_name(p->state));
	json_key(j, "restarts");
	json_u64(j, p->restarts);
	json_key(j, "last_exit");
	json_text(j, p->last_exit);
	if (p->running) {
		procfs_memory(p->process.pid, &mem);
		json_key(j, "pid");
		json_i64(j, p->process.pid);
		json_key(j, "up_s");
		json_i64(j, mono_diff(mono_now(), p->started) / NS_PER_S);
		json_key(j, "pss_bytes");
		json_u64(j, mem.pss);
		json_key(j, "cpu_ns");
		json_u64(j, procfs_cpu_ns(p->process.pid));
		security(p->process.pid, j);
	}
	json_key(j, "objects");
	json_open(j, '[');
	if (p->running)
		stats_read(p->stats_fd, object, j);	/* a page that cannot be believed shows nothing */
	json_close(j, ']');
	json_close(j, '}');
}

void
supervisor_status(struct supervisor *s, struct buf *out)
{
	struct json j = { .out = out };
	char when[WALL_TEXT];

	json_open(&j, '{');
	json_key(&j, "version");
	json_text(&j, PENSTOCK_VERSION);
	json_key(&j, "site");
	json_text(&j, s->plan->site);
	json_key(&j, "state_dir");
	json_text(&j, s->state_dir);
	json_key(&j, "pid");
	json_i64(&j, procfs_self());
	struct procfs_memory mem;
	security(procfs_self(), &j);
	procfs_memory(procfs_self(), &mem);
	json_key(&j, "pss_bytes");
	json_u64(&j, mem.pss);
	json_key(&j, "cpu_ns");
	json_u64(&j, procfs_cpu_ns(procfs_self()));
	json_key(&j, "started");
	json_text(&j, wall_format(s->started, 0, when));
	json_key(&j, "now_ns");
	json_i64(&j, wall_now().ns);
	json_key(&j, "plan");
	json_open(&j, '{');
	json_key(&j, "number");
	json_u64(&j, s->plan_number);
	json_key(&j, "sources");
	json_u64(&j, s->plan->nsources);
	json_key(&j, "tags");
	json_u64(&j, s->plan->ntags);
	json_key(&j, "flows");
	json_u64(&j, s->plan->nflows);
	json_key(&j, "sinks");
	json_u64(&j, s->plan->nsinks);
	json_close(&j, '}');
	json_key(&j, "processes");
	json_open(&j, '[');
	for (const struct proc *p = s->procs; p != NULL; p = p->next)
		if (p->wanted || p->running)	/* those of zones that a plan no longer has are history */
			process(p, &j);
	json_close(&j, ']');
	json_close(&j, '}');
}
