/* What `penstock status` shows: the tree of processes and, from their status pages, every figure they keep. */
#include "os/clock.h"
#include "os/procfs.h"
#include "proc/supervisor.h"
#include "ring/stats.h"
#include "site/derive.h"

static void
object(void *arg, enum stats_kind kind, const char *name, const uint64_t *figures)
{
	struct json *j = arg;

	json_open(j, '{');
	json_key_text(j, "kind", stats_kind_name(kind));
	json_key_text(j, "name", name);
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
	json_key_bool(j, "known", s.known);
	json_key_i64(j, "seccomp", s.seccomp);
	json_key_bool(j, "no_new_privs", s.no_new_privs);
	json_key_u64(j, "capabilities", s.effective);
	json_key_u64(j, "capabilities_bound", s.bounding);
	json_key_i64(j, "uid", s.uid);
	json_key_u64(j, "netns", s.netns);
	json_close(j, '}');
}

static void
process(const struct proc *p, struct json *j)
{
	struct procfs_memory mem = { 0 };

	json_open(j, '{');
	json_key_text(j, "name", p->name);
	json_key_text(j, "role", role_name(p->role));
	json_key_text(j, "state", proc_state_name(p->state));
	json_key_u64(j, "restarts", p->restarts);
	json_key_text(j, "last_exit", p->last_exit);
	if (p->running) {
		procfs_memory(p->process.pid, &mem);
		json_key_i64(j, "pid", p->process.pid);
		json_key_i64(j, "up_s", mono_diff(mono_now(), p->started) / NS_PER_S);
		json_key_u64(j, "pss_bytes", mem.pss);
		json_key_u64(j, "cpu_ns", procfs_cpu_ns(p->process.pid));
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
	json_key_text(&j, "version", PENSTOCK_VERSION);
	json_key_text(&j, "site", s->plan->site);
	json_key_text(&j, "state_dir", s->state_dir);
	json_key_i64(&j, "pid", procfs_self());
	struct procfs_memory mem;
	security(procfs_self(), &j);
	procfs_memory(procfs_self(), &mem);
	json_key_u64(&j, "pss_bytes", mem.pss);
	json_key_u64(&j, "cpu_ns", procfs_cpu_ns(procfs_self()));
	json_key_text(&j, "started", wall_format(s->started, 0, when));
	json_key_i64(&j, "now_ns", wall_now().ns);
	json_key(&j, "plan");
	json_open(&j, '{');
	json_key_u64(&j, "number", s->plan_number);
	json_key_u64(&j, "sources", plan_named_sources(s->plan));
	json_key_u64(&j, "tags", s->plan->ntags - s->plan->nevents);
	json_key_u64(&j, "events", s->plan->nevents);
	json_key_u64(&j, "flows", s->plan->nflows);
	json_key_u64(&j, "sinks", s->plan->nsinks);
	json_close(&j, '}');
	json_key(&j, "processes");
	json_open(&j, '[');
	for (const struct proc *p = s->procs; p != NULL; p = p->next)
		if (p->wanted || p->running)	/* those of zones that a plan no longer has are history */
			process(p, &j);
	json_close(&j, ']');
	json_close(&j, '}');
}
