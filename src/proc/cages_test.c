/*
 * A taken-over office and a taken-over field: each is a process in the very cage that cages.c gives that role, in a network namespace, that runs
 * whatever code the attacker likes (here: the table of attempts). On the other side stand a server in the other namespace and the files that are not
 * its own. Before the cage closes, a few of the same attempts are made and must succeed: a test of walls needs to see them without.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"
#include "driver/driver.h"
#include "os/cage.h"
#include "proc/cages.h"
#include "proc/catalog.h"
#include "site/plan.h"

#define SECRET_ADDRESS	"10.213.0.1"	/* of the victim, within its namespace */

static char state[] = "/tmp/penstock-cages-XXXXXX";
static char netns[2][40];	/* the attacker's, the victim's */

/* What the attacker knows of the other side, which is more than it could. */
static struct {
	pid_t		 server;
	uint16_t	 port;
	int		 ns_fd, listener;	/* leaked to it by mistake */
	char		 key[160], folder[160], record[160], abstract[40], path_socket[160];
	const char	*mine;			/* a folder below state that it may write to; NULL: none */
} victim;

static char *
in_state(const char *name)
{
	static char path[16][160];
	static unsigned at;
	char *p = path[at++ % 16];

	snprintf(p, sizeof path[0], "%s/%s", state, name);
	return p;
}

static bool
opened(int fd)
{
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool
tcp_to(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(victim.port) };
	struct timeval wait = { .tv_usec = 300000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &to.sin_addr);
	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	bool worked = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
	close(fd);
	return worked;
}

static bool tcp_loopback(void) { return tcp_to("127.0.0.1"); }
static bool tcp_address(void) { return tcp_to(SECRET_ADDRESS); }

static bool
tcp_6(void)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(victim.port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool worked = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;

	if (fd >= 0)
		close(fd);
	return worked;
}

static bool
udp_address(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(victim.port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, SECRET_ADDRESS, &to.sin_addr);
	bool worked = fd >= 0 && sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1;
	if (fd >= 0)
		close(fd);
	return worked;
}

static bool
unix_to(const char *name, size_t skip)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path + skip, name, strlen(name));
	bool worked = fd >= 0 && connect(fd, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + skip + strlen(name))) == 0;
	if (fd >= 0)
		close(fd);
	return worked;
}

static bool unix_abstract(void) { return unix_to(victim.abstract, 1); }
static bool unix_path(void) { return unix_to(victim.path_socket, 0); }

/* Without this call it would live on when its supervisor is killed. */
static bool
outlive(void)
{
	return prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) == 0;
}

static bool
enter_by_name(void)
{
	char path[64];

	snprintf(path, sizeof path, "/run/netns/%s", netns[1]);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
}

static bool enter_leaked(void) { return setns(victim.ns_fd, CLONE_NEWNET) == 0; }

static bool
enter_by_pid(void)
{
	int fd = (int)syscall(SYS_pidfd_open, victim.server, 0);
	return fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
}

static bool accept_leaked(void) { return opened(accept4(victim.listener, NULL, NULL, SOCK_NONBLOCK)) || errno == EAGAIN; }

static bool
listen_here(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool worked = fd >= 0 && bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0 && listen(fd, 1) == 0;

	if (fd >= 0)
		close(fd);
	return worked;
}

static bool
steal_descriptor(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, victim.server, 0);
	return pidfd >= 0 && opened((int)syscall(SYS_pidfd_getfd, pidfd, 3, 0));
}

#define SOCKET(name, family, kind) static bool name(void) { return opened(socket(family, (kind) | SOCK_CLOEXEC, 0)); }
SOCKET(raw_ethernet, AF_PACKET, SOCK_RAW)
SOCKET(packet_datagram, AF_PACKET, SOCK_DGRAM)
SOCKET(netlink, AF_NETLINK, SOCK_RAW)
SOCKET(raw_ip, AF_INET, SOCK_RAW)
SOCKET(raw_ip6, AF_INET6, SOCK_RAW)
SOCKET(vsock, AF_VSOCK, SOCK_STREAM)
SOCKET(crypto, AF_ALG, SOCK_SEQPACKET)
SOCKET(bluetooth, AF_BLUETOOTH, SOCK_RAW)
SOCKET(can, AF_CAN, SOCK_RAW)

static bool new_user(void) { return unshare(CLONE_NEWUSER) == 0; }
static bool new_net(void) { return unshare(CLONE_NEWNET) == 0; }
static bool new_mounts(void) { return unshare(CLONE_NEWNS) == 0; }

static bool
new_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
new_process_3(void)
{
	struct { uint64_t v[11]; } args = { { 0 } };
	long pid = syscall(SYS_clone3, &args, sizeof args);

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
run_shell(void)
{
	char *args[] = { (char *)(uintptr_t)"sh", NULL };

	execve("/bin/sh", args, args);
	return errno == ENOENT;
}

static bool
run_memory(void)
{
	int fd = memfd_create("x", MFD_CLOEXEC);
	char *args[] = { (char *)(uintptr_t)"x", NULL };

	/* ENOEXEC: the kernel looked into it, so the call was let through. */
	return syscall(SYS_execveat, fd, "", args, args, AT_EMPTY_PATH) == 0 || errno == ENOEXEC || errno == EACCES;
}

static bool trace(void) { return ptrace(PTRACE_SEIZE, victim.server, NULL, NULL) == 0; }
static bool be_traced(void) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0; }

static bool
read_memory(void)
{
	char c;
	struct iovec v = { &c, 1 };
	return process_vm_readv(victim.server, &v, 1, &(struct iovec){ &victim, 1 }, 1, 0) == 1;
}

static bool
write_memory(void)
{
	char c = 0;
	struct iovec v = { &c, 1 };
	return process_vm_writev(victim.server, &v, 1, &(struct iovec){ &victim, 1 }, 1, 0) == 1;
}

static bool end_it(void) { return kill(victim.server, SIGTERM) == 0; }
static bool end_its_thread(void) { return syscall(SYS_tgkill, victim.server, victim.server, SIGTERM) == 0; }
static bool end_by_fd(void) { return syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, victim.server, 0), SIGTERM, NULL, 0) == 0; }

static bool
limit_it(void)
{
	struct rlimit limit;
	return prlimit(victim.server, RLIMIT_CPU, NULL, &limit) == 0 && prlimit(victim.server, RLIMIT_CPU, &limit, NULL) == 0;
}

/* EFAULT and EINVAL would mean that the kernel looked at the arguments. */
#define REACHED(call) ((call) >= 0 || errno == EFAULT || errno == EINVAL || errno == E2BIG)
static bool ring(void) { return REACHED(syscall(SYS_io_uring_setup, 1, NULL)); }
static bool bpf_program(void) { return REACHED(syscall(SYS_bpf, BPF_PROG_LOAD, NULL, 0)); }
static bool perf(void) { return REACHED(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)); }
static bool faults(void) { return REACHED(syscall(SYS_userfaultfd, ~0)); }
static bool keys(void) { return REACHED(syscall(SYS_add_key, NULL, NULL, NULL, 0, 0)); }
static bool mounting(void) { return mount("none", state, "tmpfs", 0, NULL) == 0; }
static bool new_root(void) { return chroot(state) == 0; }
static bool module(void) { return REACHED(syscall(SYS_finit_module, -1, "", 0)) || errno == EBADF; }
static bool become(void) { return setresuid(1, 1, 1) == 0; }
static bool set_clock(void) { return REACHED(syscall(SYS_clock_settime, CLOCK_REALTIME, NULL)); }
static bool set_name(void) { return sethostname("x", 0) == 0; }
static bool handle(void) { return REACHED(syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0)); }

static bool read_key(void) { return opened(open(victim.key, O_RDONLY | O_CLOEXEC)); }
static bool read_folder(void) { return opened(open(victim.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }
static bool change_key(void) { return truncate(victim.key, 0) == 0; }
static bool unlock_key(void) { return chmod(victim.key, 0644) == 0; }
static bool lock_record(void) { return chmod(victim.record, 0) == 0; }
static bool
hold_lock(void)
{
	int fd = open(victim.record, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static bool
hold_lease(void)
{
	int fd = open(victim.record, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
}

static bool write_record(void) { return opened(open(victim.record, O_WRONLY | O_CLOEXEC)); }
static bool append_record(void) { return opened(open(victim.record, O_WRONLY | O_APPEND | O_CLOEXEC)); }
static bool empty_record(void) { return truncate(victim.record, 0) == 0; }
static bool empty_by_opening(void) { return opened(open(victim.record, O_RDONLY | O_TRUNC | O_CLOEXEC)); }
static bool date_record(void) { return utimensat(AT_FDCWD, victim.record, NULL, 0) == 0; }
static bool remove_record(void) { return unlink(victim.record) == 0; }
static bool new_record(void) { return opened(open(in_state("spool/new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }
static bool new_folder(void) { return mkdir(in_state("spool/folder"), 0700) == 0; }
static bool write_audit(void) { return opened(open(in_state("audit/log"), O_WRONLY | O_APPEND | O_CLOEXEC)); }
static bool remove_audit(void) { return unlink(in_state("audit/log")) == 0; }
static bool new_audit(void) { return opened(open(in_state("audit/new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }
static bool read_plan(void) { return opened(open(in_state("plans/current"), O_RDONLY | O_CLOEXEC)); }
static bool write_plan(void) { return opened(open(in_state("plans/current"), O_WRONLY | O_CLOEXEC)); }
static bool other_path(void) { return opened(open(in_state("spool/../pki/../plans/current"), O_RDONLY | O_CLOEXEC)); }

static bool
through_link(void)
{
	char link_path[200];

	if (victim.mine == NULL)
		return false;
	snprintf(link_path, sizeof link_path, "%s/%s/link", state, victim.mine);
	return symlink(victim.key, link_path) == 0 && opened(open(link_path, O_RDONLY | O_CLOEXEC));
}

static bool
through_hard_link(void)
{
	char link_path[200];

	if (victim.mine == NULL)
		return false;
	snprintf(link_path, sizeof link_path, "%s/%s/hard", state, victim.mine);
	return link(victim.key, link_path) == 0;
}

static bool
take_key(void)
{
	char to[200];

	if (victim.mine == NULL)
		return false;
	snprintf(to, sizeof to, "%s/%s/taken", state, victim.mine);
	return rename(victim.key, to) == 0;
}

static bool
through_proc(const char *what)
{
	char path[400];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)victim.server, what);
	return opened(open(path, O_RDONLY | O_CLOEXEC));
}

static bool proc_memory(void) { return through_proc("mem"); }
static bool proc_environment(void) { return through_proc("environ"); }
static bool proc_descriptor(void) { return through_proc("fd/0"); }

static bool
proc_root(void)
{
	char path[400];
	snprintf(path, sizeof path, "/proc/self/root%s", victim.key);
	return opened(open(path, O_RDONLY | O_CLOEXEC));
}

static bool shadow(void) { return opened(open("/etc/shadow", O_RDONLY | O_CLOEXEC)); }
static bool device(void) { return opened(open("/dev/mem", O_RDONLY | O_CLOEXEC)) || opened(open("/dev/kmsg", O_RDONLY | O_CLOEXEC)); }
static bool write_system(void) { return opened(open("/etc/penstock-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }
static bool write_library(void) { return opened(open("/usr/lib/penstock-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }

#define ROW(f) { #f, f }
static const struct { const char *name; bool (*go)(void); } attempts[] = {
	ROW(tcp_loopback), ROW(tcp_address), ROW(tcp_6), ROW(udp_address), ROW(unix_abstract), ROW(unix_path), ROW(outlive), ROW(enter_by_name),
	ROW(enter_leaked), ROW(enter_by_pid), ROW(accept_leaked), ROW(listen_here), ROW(steal_descriptor), ROW(raw_ethernet), ROW(packet_datagram),
	ROW(netlink), ROW(raw_ip), ROW(raw_ip6), ROW(vsock), ROW(crypto), ROW(bluetooth), ROW(can), ROW(new_user), ROW(new_net), ROW(new_mounts),
	ROW(new_process), ROW(new_process_3), ROW(run_shell), ROW(run_memory), ROW(trace), ROW(be_traced), ROW(read_memory), ROW(write_memory), ROW(end_it),
	ROW(end_its_thread), ROW(end_by_fd), ROW(limit_it), ROW(ring), ROW(bpf_program), ROW(perf), ROW(faults), ROW(keys), ROW(mounting), ROW(new_root), ROW(module),
	ROW(become), ROW(set_clock), ROW(set_name), ROW(handle), ROW(read_key), ROW(read_folder), ROW(change_key), ROW(unlock_key), ROW(lock_record), ROW(hold_lock), ROW(hold_lease),
	ROW(write_record), ROW(append_record), ROW(empty_record), ROW(empty_by_opening), ROW(date_record), ROW(remove_record), ROW(new_record), ROW(new_folder), ROW(write_audit),
	ROW(remove_audit), ROW(new_audit), ROW(read_plan), ROW(write_plan), ROW(other_path), ROW(through_link), ROW(through_hard_link), ROW(take_key),
	ROW(proc_memory), ROW(proc_environment), ROW(proc_descriptor), ROW(proc_root), ROW(shadow), ROW(device), ROW(write_system), ROW(write_library),
};
#define ATTEMPTS (sizeof attempts / sizeof attempts[0])

static void
put_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, "secret\n", 7) != 7)
		abort();
	close(fd);
}

#define RUN(...) (snprintf(command, sizeof command, __VA_ARGS__), system(command) == 0)
static char command[300];

static void
in_namespace(const char *name)
{
	struct cage_state st = { 0 };

	if (cage_network(name, &st) != 0)
		abort();
}

/* Serves in the victim's namespace until it is killed; says its port through `ready`. */
static _Noreturn void
serve(int ready)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY) };
	struct sockaddr_un un = { .sun_family = AF_UNIX }, abstract = { .sun_family = AF_UNIX };
	socklen_t len = sizeof sin;
	int tcp = socket(AF_INET, SOCK_STREAM, 0), path = socket(AF_UNIX, SOCK_STREAM, 0), hidden = socket(AF_UNIX, SOCK_STREAM, 0);

	in_namespace(netns[1]);
	close(tcp);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	close(hidden);
	hidden = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(un.sun_path, victim.path_socket, strlen(victim.path_socket));
	memcpy(abstract.sun_path + 1, victim.abstract, strlen(victim.abstract));
	if (bind(tcp, (struct sockaddr *)&sin, sizeof sin) != 0 || listen(tcp, 8) != 0 || getsockname(tcp, (struct sockaddr *)&sin, &len) != 0 ||
	    bind(path, (struct sockaddr *)&un, sizeof un) != 0 || listen(path, 8) != 0 || bind(hidden, (struct sockaddr *)&abstract,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(victim.abstract))) != 0 || listen(hidden, 8) != 0)
		abort();
	if (write(ready, &sin.sin_port, sizeof sin.sin_port) != sizeof sin.sin_port)
		abort();
	for (;;)
		pause();
}

static void
start_server(void)
{
	int ready[2];
	char path[64];
	uint16_t port;

	if (pipe(ready) != 0)
		abort();
	victim.server = fork();
	if (victim.server == 0)
		serve(ready[1]);
	if (read(ready[0], &port, sizeof port) != sizeof port)
		abort();
	close(ready[0]);
	close(ready[1]);
	victim.port = ntohs(port);
	snprintf(path, sizeof path, "/run/netns/%s", netns[1]);
	victim.ns_fd = open(path, O_RDONLY);
	victim.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	listen(victim.listener, 1);
}

static void
build(void)
{
	static const char *const dirs[] = { "spool", "audit", "plans", "office", "pki", "pki/ot", "pki/it", "insight", "gate" };

	if (mkdtemp(state) == NULL)
		abort();
	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
		if (mkdir(in_state(dirs[i]), 0700) != 0)
			abort();
	put_file(in_state("spool/segment"));
	put_file(in_state("audit/log"));
	put_file(in_state("plans/current"));
	put_file(in_state("pki/ot/key.pem"));
	put_file(in_state("pki/it/key.pem"));
	put_file(in_state("office/history"));
	for (int i = 0; i < 2; i++)
		snprintf(netns[i], sizeof netns[i], "penstock-%c%d", i == 0 ? 'a' : 'v', (int)getpid());
	snprintf(victim.abstract, sizeof victim.abstract, "penstock-test-%d", (int)getpid());
	snprintf(victim.path_socket, sizeof victim.path_socket, "%s/socket", state);
}

static void
tear_down(void)
{
	if (victim.server > 0) {
		kill(victim.server, SIGKILL);
		waitpid(victim.server, NULL, 0);
	}
	for (int i = 0; i < 2; i++)
		RUN("ip netns del %s 2>/dev/null", netns[i]);
	RUN("rm -rf %s", state);
}

static struct plan *
plan_for(enum role role)
{
	struct plan *p = plan_new();

	p->zones = arena_array(&p->arena, 1, sizeof *p->zones);
	p->zones[0] = (struct zone){ .name = "z", .netns = netns[0] };
	p->nzones = 1;
	if (role == ROLE_OFFICE) {
		p->sinks = arena_array(&p->arena, 1, sizeof *p->sinks);
		p->sinks[0] = (struct sink){ .name = "s", .kind = "mqtt" };
		p->nsinks = 1;
	} else {
		p->sources = arena_array(&p->arena, 1, sizeof *p->sources);
		p->sources[0] = (struct source){ .name = "s", .driver = "modbus-tcp", .endpoint = "h", .link = "h:502" };
		p->nsources = 1;
	}
	return p;
}

/* In a child: break out as `role`. Exit status: how many attempts worked; 250: the cage could not be entered. */
static int
attack(enum role role)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int worked = 0;
		if (cages_enter(role, state, plan_for(role)) != 0)
			_exit(250);
		for (size_t i = 0; i < ATTEMPTS; i++)
			if (attempts[i].go()) {
				printf("this worked: %s (errno %d)\n", attempts[i].name, errno);
				worked++;
			}
		fflush(stdout);
		_exit(worked);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 251;
}

/* Without a cage, in the attacker's namespace: what the walls keep out works. Exit status: how many of these five. */
static int
attack_unhindered(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		in_namespace(netns[0]);
		int worked = read_key() + write_audit() + unix_path() + (enter_by_name() && tcp_address()) + proc_memory();
		_exit(worked);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool
layers_missing(void)
{
	struct cage_state st = { 0 };
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(cage_privileges(&st) != 0 || cage_files(NULL, 0, &st) != 0 || st.landlock_abi < 2 || cage_calls(CAGE_NET_CLIENT, false, &st) != 0);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status) != 0;
}

/* In a child: a source that names a certificate store of its own writes to it, and to nothing else beside it. */
static int
own_store(void)
{
	const struct driver *d = driver_find("opcua");
	struct plan *p = plan_for(ROLE_FIELD);
	struct source *s = &p->sources[0];
	uint32_t i = 0;

	while (d->info.keys[i].name != NULL && strcmp(d->info.keys[i].name, "pki") != 0)
		i++;
	s->driver = "opcua";
	s->nkeys = i + 1;
	s->keys = arena_array(&p->arena, s->nkeys, sizeof *s->keys);
	s->keys[i] = (struct keyval){ .set = true, .s = in_state("office") };
	p->zones[0].netns = "";
	if (cages_enter(ROLE_FIELD, state, p) != 0)
		return 1;
	if (open(in_state("office/pki/ot/new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0)
		return 2;
	if (open(in_state("office/history"), O_RDONLY | O_CLOEXEC) >= 0)
		return 3;
	return cages_fit(p) ? 0 : 4;
}

TEST(a_certificate_store_that_a_source_names_can_be_written)
{
	int status;

	if (layers_missing())
		test_skip("this takes seccomp and Landlock (and no sanitizers)");
	build();
	CHECK(mkdir(in_state("office/pki"), 0700) == 0 && mkdir(in_state("office/pki/ot"), 0700) == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(own_store());
	waitpid(pid, &status, 0);
	tear_down();
	memcpy(strrchr(state, '-') + 1, "XXXXXX", 6);
	CHECK_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

TEST(who_takes_over_a_process_stays_in_its_cage)
{
	if (geteuid() != 0 || layers_missing())
		test_skip("this takes root, seccomp and Landlock (and no sanitizers)");
	build();
	if (!RUN("ip netns add %s 2>/dev/null", netns[0]) || !RUN("ip netns add %s 2>/dev/null", netns[1])) {
		tear_down();
		test_skip("this machine makes no network namespaces");
	}
	/* Within a chroot `ip -n` cannot make its mounts. */
	if (!RUN("ip -n %s link set lo up 2>/dev/null", netns[0]) || !RUN("ip -n %s link set lo up 2>/dev/null", netns[1])) {
		tear_down();
		test_skip("this machine enters no network namespaces");
	}
	CHECK(RUN("ip -n %s addr add " SECRET_ADDRESS "/32 dev lo", netns[1]));
	start_server();
	CHECK(ATTEMPTS >= 60);

	snprintf(victim.key, sizeof victim.key, "%s/pki/ot/key.pem", state);
	snprintf(victim.folder, sizeof victim.folder, "%s/pki/ot", state);
	snprintf(victim.record, sizeof victim.record, "%s/spool/segment", state);
	victim.mine = "office";
	CHECK_INT(attack_unhindered(), 5);
	int office = attack(ROLE_OFFICE);

	snprintf(victim.key, sizeof victim.key, "%s/pki/it/key.pem", state);
	snprintf(victim.folder, sizeof victim.folder, "%s/office", state);
	snprintf(victim.record, sizeof victim.record, "%s/office/history", state);
	victim.mine = "pki/ot";
	int field = attack(ROLE_FIELD);

	int status;
	bool server_lives = waitpid(victim.server, &status, WNOHANG) == 0;
	tear_down();
	CHECK_INT(office, 0);
	CHECK_INT(field, 0);
	CHECK(server_lives);
}

TEST_MAIN
